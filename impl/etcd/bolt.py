"""A copy of the store as etcd keeps it: a file of bbolt, which `etcdctl snapshot restore` makes an etcd from.

The file is of pages of 4 KiB: two that say where all begins, a list of those that are free (none), and B+ trees, of which one has
the roots of all others by name (bbolt's page.go and db.go). In the tree `key` is the history, by revision (mvcc/revision.go).

Guarantees: equal stores give equal files; every page is reached from the root, once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, TypeAlias

from ratified.impl.etcd import convert
from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.store.store import Store
from ratified.impl.store.values import Version

PAGE: Final = 4096
META, LEAF, BRANCH, FREE = 4, 2, 1, 16  # what a page is
HEAD: Final = struct.Struct(
    "<QHHI"
)  # of a page: its number, what it is, how many elements, how many pages more it takes
IN_LEAF: Final = struct.Struct(
    "<IIII"
)  # whether it is the root of a tree, where the key begins, lengths of key and value
IN_BRANCH: Final = struct.Struct("<IIQ")  # where the key begins, its length, the page below
ROOT: Final = struct.Struct("<QQ")
MAGIC, VERSION = 0xED0CDAED, 2

OTHERS: Final = (b"alarm", b"auth", b"authRoles", b"authUsers", b"cluster", b"members", b"members_removed")
"""Trees that an etcd expects, and that are empty here."""

Items: TypeAlias = Sequence[tuple[bytes, bytes]]

_modified = attrgetter("modified")


class _File:
    """Pages, one after the other."""

    def __init__(self) -> None:
        self.pages: list[bytes] = []
        self.next = 3  # after those that say where all begins, and what is free

    def page(self, what: int, heads: Sequence[tuple[int, ...]], data: Sequence[bytes]) -> int:
        """Add a page, which may take more than one; return its number."""
        number = self.next
        packing = IN_LEAF if what == LEAF else IN_BRANCH
        parts, at = [], packing.size * len(heads)
        for n, (head, body) in enumerate(zip(heads, data, strict=True)):
            begins = at - n * packing.size  # from where this element is
            parts.append(packing.pack(*(begins if value < 0 else value for value in head)))
            at += len(body)
        whole = b"".join((*parts, *data))
        more = (HEAD.size + len(whole) - 1) // PAGE
        self.pages.append((HEAD.pack(number, what, len(heads), more) + whole).ljust((1 + more) * PAGE, b"\0"))
        self.next += 1 + more
        return number

    def tree(self, items: Items, roots: bool = False) -> int:
        """Add a tree of items in order; return the page of its root."""
        level: list[tuple[bytes, int]] = []
        for some in _portions(items):
            heads: list[tuple[int, ...]] = [(int(roots), -1, len(key), len(value)) for key, value in some]
            number = self.page(LEAF, heads, [key + value for key, value in some])
            level.append((some[0][0] if some else b"", number))
        while len(level) > 1:
            above = []
            for below in _portions([(key, number.to_bytes(8, "big")) for key, number in level], 2):
                heads = [(-1, len(key), int.from_bytes(number, "big")) for key, number in below]
                above.append((below[0][0], self.page(BRANCH, heads, [key for key, _ in below])))
            level = above
        return level[0][1]


def _portions(items: Items, least: int = 1) -> Iterator[Items]:
    """Cut items into what a page holds, but at least so many."""
    taken: list[tuple[bytes, bytes]] = []
    size = HEAD.size
    for item in items:
        needs = IN_LEAF.size + len(item[0]) + len(item[1])  # as much as in a branch, or more
        if len(taken) >= least and size + needs > PAGE:
            yield taken
            taken, size = [], HEAD.size
        taken.append(item)
        size += needs
    yield taken


def _sum(data: bytes) -> int:
    """FNV-1a of 64 bits."""
    found = 0xCBF29CE484222325
    for byte in data:
        found = (found ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return found


def file_of(trees: Iterable[tuple[bytes, Items]]) -> bytes:
    """Return a file with these trees, by name; all are in order."""
    file = _File()
    roots = [(name, ROOT.pack(file.tree(items), 0)) for name, items in sorted(trees)]
    root = file.tree(roots, roots=True)
    begins = []
    for number in (0, 1):
        said = struct.pack("<IIIIQQQQQ", MAGIC, VERSION, PAGE, 0, root, 0, 2, file.next, number)
        page = HEAD.pack(number, META, 0, 0) + said + struct.pack("<Q", _sum(said))
        begins.append(page.ljust(PAGE, b"\0"))
    free = HEAD.pack(2, FREE, 0, 0).ljust(PAGE, b"\0")
    return b"".join((*begins, free, *file.pages))


def trees_of(store: Store, applied: int) -> list[tuple[bytes, Items]]:
    """Return what an etcd keeps that has the same keys, history and leases, at an index of the log."""
    base, changes = store.versions.dump()
    history: list[tuple[bytes, bytes]] = []
    before = groupby(sorted(base, key=_modified), key=_modified)
    old = [(revision, tuple(each)) for revision, each in before]
    for revision, versions in (*old, *((change[0].modified, change) for change in changes)):
        for part, version in enumerate(versions):
            history.append((_revision(revision, part) + b"t" * (not version.version), _kept(version)))
    meta = [(b"consistent_index", applied.to_bytes(8, "big"))]
    if store.versions.compacted:
        done = _revision(store.versions.compacted, 0)
        meta += [(b"finishedCompactRev", done), (b"scheduledCompactRev", done)]
    leases = [
        (number.to_bytes(8, "big"), pb.Left(ID=number, TTL=lease.ttl).SerializeToString())
        for number, lease in sorted(store.leases.items())
    ]
    trees: list[tuple[bytes, Items]] = [(name, ()) for name in OTHERS]
    return [*trees, (b"key", history), (b"lease", leases), (b"meta", meta)]


def _revision(main: int, part: int) -> bytes:
    return main.to_bytes(8, "big") + b"_" + part.to_bytes(8, "big")


def _kept(version: Version) -> bytes:
    """Return a key as it is kept; of one that was deleted, its name alone."""
    kept = pb.KeyValue(key=version.key) if not version.version else convert.key_value(version)
    return kept.SerializeToString()
