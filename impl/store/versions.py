"""The keys and their history: multi-version, as etcd's `mvcc` has it.

Guarantees: revisions only grow; between the revision of the last compaction and now, every key can be read as each revision left
it, and all changes are there, in order; what a compaction forgets is neither. Each key changes at most once in a revision.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Final

from sortedcontainers import SortedDict

from ratified.impl.store.values import Version

FROM_HERE: Final = b"\0"
"""As the end of a range: all keys from its beginning on."""

_modified = attrgetter("modified")


def in_range(key: bytes, first: bytes, end: bytes) -> bool:
    """Whether a key is in a range."""
    if not end:
        return key == first
    return first <= key and (end == FROM_HERE or key < end)


class Versions:
    """Keys, by revision. Change it between `begin` and `commit`."""

    def __init__(self) -> None:
        self.revision = 1
        self.compacted = 0
        self.size = 0  # bytes of keys and values that are kept
        self.current: SortedDict[bytes, Version] = SortedDict()
        self._all: SortedDict[bytes, list[Version]] = SortedDict()
        self._first = 2  # the revision of the first of the changes
        self._changes: list[tuple[Version, ...]] = []
        self._changing: list[Version] = []

    @property
    def reached(self) -> int:
        """The revision of the transaction that is under way, once it has changed something."""
        return self.revision + bool(self._changing)

    # Reading

    def keys(self, key: bytes, end: bytes) -> Sequence[bytes]:
        """Return the keys of a range that are there now, in order."""
        if not end:
            return (key,) if key in self.current else ()
        return list(self.current.irange(key, None if end == FROM_HERE else end, inclusive=(True, False)))

    def count(self, key: bytes, end: bytes) -> int:
        """Return how many keys are in a range now."""
        if not end:
            return int(key in self.current)
        last = len(self.current) if end == FROM_HERE else self.current.bisect_left(end)
        return max(0, last - self.current.bisect_left(key))

    def read(self, key: bytes, end: bytes, limit: int = 0) -> list[Version]:
        """Return the keys of a range as they are now, at most so many (0: all)."""
        current = self.current
        if not end:
            version = current.get(key)
            return [] if version is None else [version]
        found = []
        for each in current.irange(key, None if end == FROM_HERE else end, inclusive=(True, False)):
            found.append(current[each])
            if len(found) == limit:
                break
        return found

    def read_at(self, revision: int, key: bytes, end: bytes) -> list[Version]:
        """Return the keys of a range as a revision left them, which is not compacted."""
        found = []
        keys: Iterable[bytes] = (key,)
        if end:
            keys = self._all.irange(key, None if end == FROM_HERE else end, inclusive=(True, False))
        for each in keys:
            version = self._at(revision, each)
            if version is not None and version.version:
                found.append(version)
        return found

    def _at(self, revision: int, key: bytes) -> Version | None:
        versions = self._all.get(key)
        if versions is None:
            return None
        place = bisect_right(versions, revision, key=_modified)
        return versions[place - 1] if place else None

    def before(self, version: Version) -> Version | None:
        """Return a key as it was before a change, if it was there and is still known."""
        found = self._at(version.modified - 1, version.key)
        return found if found is not None and found.version else None

    def changes(self, first: int, last: int) -> Iterator[tuple[int, tuple[Version, ...]]]:
        """Give the changes of revisions from `first` to `last`, both included, neither compacted nor in the future."""
        at = max(first, self._first)
        yield from enumerate(self._changes[at - self._first : last + 1 - self._first], at)

    # Changing

    def put(self, key: bytes, value: bytes, lease: int) -> Version | None:
        """Set a key in the revision that comes; return what it was."""
        before = self.current.get(key)
        revision = self.revision + 1
        if before is None:
            self._keep(Version(key, value, revision, revision, 1, lease))
        else:
            self._keep(Version(key, value, before.created, revision, before.version + 1, lease))
        return before

    def delete(self, key: bytes) -> Version:
        """Delete a key that is there, in the revision that comes; return what it was."""
        before = self.current[key]
        self._keep(Version(key, b"", 0, self.revision + 1, 0))
        return before

    def _keep(self, version: Version) -> None:
        key = version.key
        if version.version:
            self.current[key] = version
        else:
            self.current.pop(key, None)
        versions = self._all.get(key)
        if versions is None:
            self._all[key] = [version]
        else:
            versions.append(version)
        self.size += len(key) + len(version.value)
        self._changing.append(version)

    def commit(self) -> int:
        """End a transaction: if it has changed something that is the next revision. Return the revision."""
        if self._changing:
            self._changes.append(tuple(self._changing))
            self._changing = []
            self.revision += 1
        return self.revision

    def compact(self, revision: int) -> None:
        """Forget what was before a revision, which is later than the last that was compacted and not in the future."""
        changed = {each.key for _, change in self.changes(self.compacted, revision) for each in change}
        for key in changed:
            self._forget(key, revision)
        kept = max(revision, self._first)
        del self._changes[: kept - self._first]
        self._first = kept
        self.compacted = revision

    def _forget(self, key: bytes, revision: int) -> None:
        """Of the versions up to a revision keep the last; nothing of one that was deleted before it.

        A deletion *at* the revision stays: a watch may begin there (etcd, issues 18089 and 19179).
        """
        versions = self._all[key]
        place = bisect_right(versions, revision, key=_modified) - 1
        if place < 0:
            return
        if versions[place].version == 0 and versions[place].modified < revision:
            place += 1
        self.size -= sum(len(key) + len(each.value) for each in versions[:place])
        del versions[:place]
        if not versions:
            del self._all[key]

    # As a whole

    def dump(self) -> tuple[tuple[Version, ...], tuple[tuple[Version, ...], ...]]:
        """Return what was there before the changes that are kept, by key, and these changes."""
        base = tuple(versions[0] for versions in self._all.values() if versions[0].modified < self._first)
        return base, tuple(self._changes)

    @classmethod
    def load(
        cls, compacted: int, base: Iterable[Version], changes: Iterable[tuple[Version, ...]]
    ) -> Versions:
        """Return what was dumped. Raises ValueError: nothing ever was."""
        loaded = cls()
        loaded.compacted = compacted
        loaded._first = max(2, compacted)
        for version in base:
            loaded._keep(version)
        loaded._changing = []
        loaded.revision = loaded._first - 1
        for change in changes:
            if not change or any(each.modified != loaded.revision + 1 for each in change):
                raise ValueError(f"revision {loaded.revision + 1} has no changes, or those of another")
            for version in change:
                loaded._keep(version)
            loaded.commit()
        return loaded
