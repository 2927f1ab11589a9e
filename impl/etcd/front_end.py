"""etcd's interface as a front end of a node: `machine = "etcd"` in its file, and what the file says under `[etcd]`.

[etcd.limits]
revisions = 1_000_000
[etcd.permissions.alice]
ranges = [{ prefix = "orders/", access = "both" }]
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import Any

from ratified.impl.etcd import settings as etcd
from ratified.impl.etcd.server import Server
from ratified.impl.runtime.errors import InUse, SettingsError
from ratified.impl.runtime.links import Log
from ratified.impl.runtime.node import Node
from ratified.impl.runtime.settings import Settings


@asynccontextmanager
async def front_end(node: Node, settings: Settings, log: Log) -> AsyncIterator[Server]:
    """Serve a node's clients at its `client` address.

    Raises:
        SettingsError: the node has no such address, or its file says something else that makes no sense.
        InUse: the address is not available.
    """
    address = settings.nodes[settings.node].client
    if not address:
        raise SettingsError(
            f"nodes.{settings.node}.client: it is missing, and it is where etcd's clients come to"
        )
    try:
        limits, permissions = read(settings)
        server = Server(
            node,
            address,
            cluster=settings.cluster,
            tls=settings.tls,
            permissions=permissions,
            limits=limits,
            reuse_port=settings.reuse_port,
            log=log,
        )
    except etcd.SettingsError as error:
        raise SettingsError(str(error)) from None
    try:
        await server.start()
    except OSError as error:
        raise InUse(str(error)) from None
    log.info("serving", interface="etcd", address=server.address)
    try:
        yield server
    finally:
        await server.stop()


def read(settings: Settings) -> tuple[etcd.Limits, etcd.Permissions | None]:
    """Return what `[etcd]` says. Raises etcd.SettingsError."""
    given = settings.extra.get("etcd", {})
    if not isinstance(given, Mapping) or not set(given) <= {"limits", "permissions"}:
        raise etcd.SettingsError("etcd: there are the tables [etcd.limits] and [etcd.permissions.NAME]")
    permissions = None
    if settings.tls is not None:
        permissions = etcd.Permissions.from_table(_table("etcd.permissions", given), settings.nodes)
    elif "permissions" in given:
        raise etcd.SettingsError("etcd.permissions: without TLS nobody has a name")
    table = _table("etcd.limits", given)
    known = {field.name for field in fields(etcd.Limits)}
    for name, value in table.items():
        if name not in known:
            raise etcd.SettingsError(
                f"etcd.limits.{name}: there is no such limit; there are {', '.join(sorted(known))}"
            )
        if type(value) is not int or value < (name != "revisions"):
            raise etcd.SettingsError(f"etcd.limits.{name}: {value!r:.40} is not a whole number, 1 or more")
    return etcd.Limits(**table), permissions


def _table(name: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    table = given.get(name.rpartition(".")[2], {})
    if not isinstance(table, Mapping):
        raise etcd.SettingsError(f"{name}: {table!r:.60} is not a table")
    return table
