"""What a node is to be: read from a small TOML file, or made in a program.

    node = "n1"
    cluster = "orders"
    data = "n1"                     # a folder; like all paths, from where the file is
    http = "127.0.0.1:7103"         # health and metrics

    [nodes]
    n1 = { peer = "127.0.0.1:7101", client = "127.0.0.1:7102" }
    n2 = { peer = "10.0.0.2:7101" }
    n3 = { peer = "10.0.0.3:7101" }

    [tls]
    ca = "ca.pem"
    certificate = "n1.pem"
    key = "n1.key"

Guarantees: what is unknown, missing or makes no sense is a SettingsError with the name of the setting and what to write; without
TLS nothing listens but to this machine, and that only where `insecure = true` asks for it.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ratified.impl.contract import NodeId
from ratified.impl.runtime.errors import SettingsError
from ratified.impl.runtime.hosted import PROTOCOLS, Pace
from ratified.impl.runtime.links import parsed


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is reached: by other nodes, and by clients, who may be served elsewhere or not at all."""

    peer: str
    client: str = ""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: the authority that all certificates are from, this node's own, and its key."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what others may make this node do."""

    message_bytes: int = 256 << 20
    request_bytes: int = 200 << 10
    connections: int = 1_024
    requests: int = 4_096  # that wait for their answers, of all clients
    requests_of_one: int = 256
    request_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Settings:
    """One node.

    `founders` are the members that the cluster began with, all nodes where it is empty. A node that joins later has to be told
    them as the others were: it knows by that that it is no member until it is made one.
    """

    node: NodeId
    data: Path
    nodes: Mapping[NodeId, Place]
    cluster: str = "ratified"
    protocol: str = "raft"
    machine: str = "kv"
    founders: tuple[NodeId, ...] = ()
    http: str = ""
    tls: Tls | None = None
    insecure: bool = False
    reuse_port: bool = False
    tick_ms: int = 50
    pace: Pace = field(default_factory=Pace)
    limits: Limits = field(default_factory=Limits)
    trace: Path | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Tables of the file that are not for the runtime but for a front end: `[etcd]`."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not self.node or self.node not in self.nodes:
            raise SettingsError(f"nodes: there is no {self.node!r}; a node is among its cluster's nodes")
        if self.protocol not in PROTOCOLS:
            raise SettingsError(f"protocol: there is no {self.protocol!r}; there are {', '.join(PROTOCOLS)}")
        for name in self.founders:
            if name not in self.nodes:
                raise SettingsError(f"founders: there is no node {name!r}")
        if not 1 <= self.tick_ms <= 10_000:
            raise SettingsError(f"tick_ms: {self.tick_ms}; from 1 to 10,000")
        if self.pace.heartbeat < 1 or self.pace.election <= 2 * self.pace.heartbeat:
            raise SettingsError(
                f"election: {self.pace.election} ticks; it must be more than two heartbeats, {2 * self.pace.heartbeat} ticks"
            )
        for name, place in self.nodes.items():
            for what, address in (("peer", place.peer), ("client", place.client)):
                if address or what == "peer":
                    _check_address(f"nodes.{name}.{what}", address)
        if self.http:
            _check_address("http", self.http)
        self._check_reach()

    def _check_reach(self) -> None:
        if self.tls is not None:
            return
        if not self.insecure:
            raise SettingsError(
                "tls: there are no certificates; `ratified cluster certificates` makes some to try, and "
                "`insecure = true` does without, on this machine only"
            )
        here = self.nodes[self.node]
        for what, address in (("peer", here.peer), ("client", here.client), ("http", self.http)):
            if address and not is_loopback(parsed(address)[0]):
                raise SettingsError(
                    f"{what}: {address} is reached from other machines; without TLS only loopback is, such as 127.0.0.1"
                )

    @property
    def voters(self) -> tuple[NodeId, ...]:
        """Who the cluster begins with."""
        return self.founders or tuple(self.nodes)


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_address(what: str, address: str) -> None:
    try:
        parsed(address)
    except ValueError as error:
        raise SettingsError(f"{what}: {error}") from None


# Files

TOP: Mapping[str, type | tuple[type, ...]] = {
    "node": str,
    "cluster": str,
    "data": str,
    "protocol": str,
    "machine": str,
    "founders": list,
    "http": str,
    "insecure": bool,
    "reuse_port": bool,
    "tick_ms": int,
    "election": int,
    "heartbeat": int,
    "snapshot_every": int,
    "snapshot_keep": int,
    "trace": str,
    "nodes": dict,
    "tls": dict,
    "limits": dict,
}
FRONT_ENDS = ("etcd",)


def read_settings(path: Path) -> Settings:
    """Return what a file says. Raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8 text") from None
    try:
        return settings_of(tomllib.loads(text), path.parent)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def settings_of(given: Mapping[str, Any], folder: Path) -> Settings:
    """Return what tables say; paths are from `folder`. Raises SettingsError."""
    known = dict(TOP)
    for name, value in given.items():
        if name in FRONT_ENDS:
            continue
        kind = known.get(name)
        if kind is None:
            raise SettingsError(
                f"{name}: there is no such setting; there are {', '.join((*TOP, *FRONT_ENDS))}"
            )
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise SettingsError(f"{name}: {value!r:.60} is not {_KIND_NAMES[kind]}")
    for name in ("node", "data", "nodes"):
        if name not in given:
            raise SettingsError(f"{name}: it is missing")
    nodes = {name: _record(f"nodes.{name}", Place, place) for name, place in given["nodes"].items()}
    tls = given.get("tls")
    pace = {f.name: given[f.name] for f in fields(Pace) if f.name in given}
    simple = {
        n: given[n]
        for n in ("cluster", "protocol", "machine", "http", "insecure", "reuse_port", "tick_ms")
        if n in given
    }
    return Settings(
        node=given["node"],
        data=folder / given["data"],
        nodes=nodes,
        founders=tuple(map(str, given.get("founders", ()))),
        tls=None if tls is None else _tls(tls, folder),
        pace=Pace(**pace),
        limits=_record("limits", Limits, given.get("limits", {})),
        trace=folder / given["trace"] if "trace" in given else None,
        extra={name: given[name] for name in FRONT_ENDS if name in given},
        **simple,
    )


_KIND_NAMES: Mapping[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    list: "a list",
    dict: "a table",
}


def _record(what: str, cls: Any, given: Any) -> Any:
    """A table as a dataclass of numbers and texts."""
    if not isinstance(given, Mapping):
        raise SettingsError(f"{what}: {given!r:.60} is not a table")
    kinds: dict[str, Any] = {f.name: "" if f.name == "peer" else f.default for f in fields(cls)}
    for name, value in given.items():
        if name not in kinds:
            raise SettingsError(f"{what}.{name}: there is no such setting; there are {', '.join(kinds)}")
        wanted = type(kinds[name])
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise SettingsError(f"{what}.{name}: {value!r:.60} is not {_KIND_NAMES.get(wanted, 'a number')}")
        if not isinstance(value, str) and value <= 0:
            raise SettingsError(f"{what}.{name}: {value}; it must be more than 0")
    if cls is Place and "peer" not in given:
        raise SettingsError(f"{what}.peer: it is missing")
    return cls(**given)


def _tls(given: Mapping[str, Any], folder: Path) -> Tls:
    for name, value in given.items():
        if name not in ("ca", "certificate", "key") or not isinstance(value, str):
            raise SettingsError(f"tls.{name}: there are ca, certificate and key, each a path")
    for name in ("ca", "certificate", "key"):
        if name not in given:
            raise SettingsError(f"tls.{name}: it is missing")
    return Tls(*(folder / given[name] for name in ("ca", "certificate", "key")))
