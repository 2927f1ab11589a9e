"""How a node serves etcd's clients: limits, and who may do what.

Guarantees: a name without a permission for a whole range learns nothing of it: it is refused before the store is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from ratified.impl.store.values import Delete, Put, Range, Txn
from ratified.impl.store.versions import FROM_HERE

ACCESS: Final = ("read", "write", "both")


class SettingsError(ValueError):
    """Settings that make no sense."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused as too much. The first two are etcd's; bytes are of a whole request."""

    request_bytes: int = 1_572_864
    operations: int = 128
    pending: int = 8_192
    """Calls that wait for the cluster."""

    watches: int = 10_000
    """Of one client's stream."""

    stored_bytes: int = 2_147_483_648
    """Keys and values of all revisions that are kept; more than that can only be deleted and compacted."""

    revisions: int = 100_000
    """How much history the node that leads keeps: it compacts when there is twice as much. 0: it never does."""

    wait_ms: int = 5_000
    """How long a call waits for the cluster."""

    @property
    def message_bytes(self) -> int:
        """How large a message may be: what is beside a request of the largest size is etcd's."""
        return self.request_bytes + 524_288


@dataclass(frozen=True, slots=True)
class Permission:
    """What somebody may do with the keys of a range; `end` as in the interface."""

    key: bytes
    end: bytes
    read: bool
    write: bool

    def covers(self, key: bytes, end: bytes) -> bool:
        """Whether a range lies in that of the permission."""
        if not self.end:
            return key == self.key and not end
        if key < self.key:
            return False
        if self.end == FROM_HERE:
            return True
        return key < self.end if not end else end != FROM_HERE and end <= self.end


@dataclass(frozen=True, slots=True)
class Permissions:
    """By the name in a client's certificate. `everybody` may do everything: for loopback without TLS."""

    by_name: Mapping[str, tuple[Permission, ...]] = field(default_factory=dict)
    administrators: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    """Names of the nodes, which pass on what they were asked."""

    everybody: bool = False

    @classmethod
    def from_table(cls, table: Mapping[str, Any], nodes: Iterable[str] = ()) -> Self:
        """Return what a table of a TOML file says.

            [etcd.permissions.alice]
            ranges = [{ prefix = "orders/", access = "both" }, { key = "config", access = "read" }]
            [etcd.permissions.root]
            administrator = true

        A range has `prefix`, or `key` and maybe `end`. Raises SettingsError, with the place.
        """
        by_name: dict[str, tuple[Permission, ...]] = {}
        administrators = set()
        for name, entry in table.items():
            where = f"etcd.permissions.{name}"
            if not isinstance(entry, Mapping) or not set(entry) <= {"ranges", "administrator"}:
                raise SettingsError(f"{where}: write `ranges = [...]` or `administrator = true`")
            if entry.get("administrator", False) is True:
                administrators.add(name)
            elif "administrator" in entry:
                raise SettingsError(f"{where}.administrator is true or left out")
            ranges = entry.get("ranges", [])
            if not isinstance(ranges, list):
                raise SettingsError(f"{where}.ranges is a list of tables")
            by_name[name] = tuple(_permission(f"{where}.ranges[{n}]", each) for n, each in enumerate(ranges))
        return cls(by_name, frozenset(administrators), frozenset(nodes))

    def may(
        self, name: str | None, key: bytes, end: bytes, *, read: bool = False, write: bool = False
    ) -> bool:
        """Whether somebody may do this with a whole range."""
        if self.everybody or name in self.administrators:
            return True
        return any(
            each.covers(key, end) and (each.read or not read) and (each.write or not write)
            for each in self.by_name.get(name or "", ())
        )

    def is_known(self, name: str | None) -> bool:
        """Whether somebody may do anything at all."""
        return self.everybody or name in self.administrators or bool(self.by_name.get(name or ""))

    def is_administrator(self, name: str | None) -> bool:
        """Whether somebody may do what concerns all keys."""
        return self.everybody or name in self.administrators

    def allows(self, name: str | None, op: Put | Delete | Range | Txn) -> bool:
        """Whether somebody may do all that an operation could come to."""
        match op:
            case Put(key, _, _, previous):
                return self.may(name, key, b"", read=previous, write=True)
            case Delete(key, end, previous):
                return self.may(name, key, end, read=previous, write=True)
            case Range(key, end):
                return self.may(name, key, end, read=True)
        return all(self.may(name, each.key, each.end, read=True) for each in op.compare) and all(
            self.allows(name, each) for each in (*op.success, *op.failure)
        )


def _permission(where: str, entry: object) -> Permission:
    """Read one range."""
    keys = set(entry) if isinstance(entry, Mapping) else set()
    if not isinstance(entry, Mapping) or keys - {"access"} not in ({"prefix"}, {"key"}, {"key", "end"}):
        raise SettingsError(f"{where}: write prefix, or key and maybe end, and access")
    if not all(isinstance(value, str) for value in entry.values()):
        raise SettingsError(f"{where}: all values are texts")
    access = entry.get("access", "both")
    if access not in ACCESS:
        raise SettingsError(f"{where}.access is {access!r}; it is one of {', '.join(ACCESS)}")
    first = entry.get("prefix", entry.get("key", "")).encode()
    end = end_of_prefix(first) if "prefix" in entry else entry.get("end", "").encode()
    if not first and "key" in entry:
        raise SettingsError(f'{where}.key is empty; for all keys write `prefix = ""`')
    return Permission(first, end, access != "write", access != "read")


def end_of_prefix(prefix: bytes) -> bytes:
    """Return the end of the range of all keys that begin so."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else FROM_HERE
