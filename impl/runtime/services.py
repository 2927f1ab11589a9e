"""What a node serves: which state machine it replicates, and the front end, if any, by which clients come to it.

The framed protocol of `wire.py` is there for every machine; a front end speaks another one, at the node's `client` address.

    etcd = Service(Store, EtcdFrontEnd)     # given the node, its settings and its log, an asynchronous context manager

Guarantees: what a service needs is imported when it is served, and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias

from ratified.impl.contract import StateMachine
from ratified.impl.runtime.errors import SettingsError
from ratified.impl.runtime.links import Log
from ratified.impl.runtime.node import Node
from ratified.impl.runtime.settings import Settings

PACKAGES = {"ngh2": "ngh2", "grpc": "grpcio", "google": "protobuf"}
"""What is compiled and only the store needs, by the names that are imported."""

FrontEnd: TypeAlias = Callable[[Node, Settings, Log], AbstractAsyncContextManager[object]]


@dataclass(frozen=True, slots=True)
class Service:
    """A state machine, empty, and who serves clients while the node runs."""

    machine: Callable[[], StateMachine]
    front_end: FrontEnd | None = None


def lacking(error: ImportError) -> Exception:
    """Return what to say of what the store cannot import: some platforms have no wheels of it, or none that can be loaded."""
    package = PACKAGES.get((error.name or "").partition(".")[0])
    if package is None:
        return error
    return SettingsError(
        f'machine = "etcd" needs {package}, which cannot be imported: {error}; pip install {package}  '
        "(of the extra `serve`); where it has no wheel for the platform, pip builds it with a C compiler"
    )


def _kv() -> Service:
    from ratified.impl.machines import KeyValue

    return Service(KeyValue)


def _etcd() -> Service:
    try:
        from ratified.impl.etcd.front_end import front_end
        from ratified.impl.store.store import Store
    except ImportError as error:
        raise lacking(error) from None

    return Service(Store, front_end)


SERVICES: Mapping[str, Callable[[], Service]] = {"kv": _kv, "etcd": _etcd}


def service(name: str) -> Service:
    """Return a service by its name. Raises SettingsError."""
    if name not in SERVICES:
        raise SettingsError(f"machine: there is no {name!r}; there are {', '.join(SERVICES)}")
    return SERVICES[name]()
