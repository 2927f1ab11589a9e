"""Watches: what changed, from any revision on, to whoever asks for it.

A watch is a place in the store's history, not a queue: it is told what comes after that place whenever its client takes it. A
slow client costs no memory; what has been compacted before it was told ends the watch, with the revision of the compaction.

Guarantees, for each watch: events in the order of revisions, each once, none left out, those of a revision together; progress at
a revision means that all up to it was told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ratified.impl.store.store import Store
from ratified.impl.store.values import Version
from ratified.impl.store.versions import in_range

REVISIONS_AT_ONCE: Final = 1_000
"""So much of the history is looked through before others have their turn."""

BYTES_AT_ONCE: Final = 1_000_000
"""Events are told in pieces of about this size, a revision always in one."""


@dataclass(frozen=True, slots=True)
class Change:
    """A key has changed; `previous` is what it was, if that was asked for and is known."""

    version: Version
    previous: Version | None


@dataclass(frozen=True, slots=True)
class Events:
    """Changes that a watch sees, in order; progress if there are none. All up to `revision` has been told.

    `fragment`: they may be told in several parts.
    """

    watch: int
    revision: int
    changes: Sequence[Change]
    fragment: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """A watch has ended: what comes next for it was compacted."""

    watch: int
    revision: int
    compacted: int


@dataclass(slots=True, eq=False)
class Watch:
    """What somebody wants to be told: changes of a range, from revision `next` on.

    While it is not `behind`, it has nothing to see in all that its hub knows, and `next` is of no account.
    """

    number: int
    key: bytes
    end: bytes
    next: int
    puts: bool = True
    deletes: bool = True
    previous: bool = False
    progress: bool = False
    fragment: bool = False
    asked: bool = False  # for progress
    behind: bool = True

    def sees(self, version: Version) -> bool:
        """Whether it is to be told of a change."""
        return (self.puts if version.version else self.deletes) and in_range(version.key, self.key, self.end)


class Hub:
    """All watches of a node, by what they wait for. `advance` when the store has changed."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self.store = store
        self.told = store().revision  # up to where the watches know which of them see something
        self._by_key: dict[bytes, dict[Watch, Stream]] = {}
        self._ranges: dict[Watch, Stream] = {}

    def advance(self) -> None:
        """Wake whom the latest changes concern."""
        store = self.store()
        if not self._ranges and not self._by_key:
            self.told = store.revision
        if store.revision == self.told:
            return
        if store.revision < self.told or self.told + 1 < store.versions.compacted:
            self.all_anew()  # what has changed meanwhile is not known any more
            return
        for revision, versions in store.events(self.told + 1, store.revision):
            for version in versions:
                for watch, stream in self._by_key.get(version.key, {}).items():
                    self._behind(watch, stream, revision)
                for watch, stream in self._ranges.items():
                    if not watch.behind and in_range(version.key, watch.key, watch.end):
                        self._behind(watch, stream, revision)
        self.told = store.revision

    def _behind(self, watch: Watch, stream: Stream, revision: int) -> None:
        if not watch.behind and watch.next <= revision:
            watch.behind = True
            watch.next = revision
            stream.wake()

    def all_anew(self) -> None:
        """The state was replaced: all look for themselves."""
        for waiting in (self._ranges, *self._by_key.values()):
            for watch, stream in waiting.items():
                self._behind(watch, stream, max(watch.next, self.told + 1))
        self.told = self.store().revision

    def added(self, stream: Stream, watch: Watch) -> None:
        """A stream has one more watch."""
        (self._ranges if watch.end else self._by_key.setdefault(watch.key, {}))[watch] = stream

    def removed(self, watch: Watch) -> None:
        """A stream has one watch less."""
        waiting = self._ranges if watch.end else self._by_key[watch.key]
        del waiting[watch]
        if not watch.end and not waiting:
            del self._by_key[watch.key]


class Stream:
    """The watches of one client's stream. It belongs to one reader. `at_once` revisions are looked through at once."""

    def __init__(self, hub: Hub, at_once: int = REVISIONS_AT_ONCE) -> None:
        self.hub = hub
        self._at_once = at_once
        self.watches: dict[int, Watch] = {}
        # What compaction ended, and the client has not cancelled: as in etcd, not forgotten.
        self._over: set[int] = set()
        self._next = 0
        self._news = asyncio.Event()

    def add(self, watch: Watch) -> None:
        """Begin a watch, with a number that no other has."""
        self.watches[watch.number] = watch
        self.hub.added(self, watch)
        self._news.set()

    def cancel(self, number: int) -> bool:
        """End a watch. Whether there was one."""
        watch = self.watches.pop(number, None)
        if watch is None:
            there = number in self._over
            self._over.discard(number)
            return there
        self.hub.removed(watch)
        return True

    def has(self, number: int) -> bool:
        """Whether a watch has this number."""
        return number in self.watches or number in self._over

    def __len__(self) -> int:
        return len(self.watches) + len(self._over)

    def free_number(self) -> int:
        """Return a number for the next watch, none that an earlier one was given: its last events may be on their way."""
        while self.has(self._next):
            self._next += 1
        self._next += 1
        return self._next - 1

    def wake(self) -> None:
        """There may be something."""
        self._news.set()

    async def news(self) -> None:
        """Wait until there may be something."""
        await self._news.wait()

    def close(self) -> None:
        """End all watches."""
        for number in list(self.watches):
            self.cancel(number)

    def take(self) -> list[Events | Over]:
        """Return what there is to tell: for each watch at most one piece. Call again while it returns something."""
        self._news.clear()
        told: list[Events | Over] = []
        for watch in list(self.watches.values()):
            piece = self.look(watch)
            if piece is not None:
                told.append(piece)
        return told

    def look(self, watch: Watch) -> Events | Over | None:
        """Return what there is to tell of a watch, and go on behind it."""
        store, told = self.hub.store(), self.hub.told
        if not watch.behind:
            watch.next = max(watch.next, told + 1)
        elif watch.next < store.versions.compacted:
            self.cancel(watch.number)
            self._over.add(watch.number)
            return Over(watch.number, told, store.versions.compacted)
        changes: list[Change] = []
        size = 0
        reached = min(told, watch.next + self._at_once - 1)
        for revision, versions in store.events(watch.next, reached):
            for version in versions:
                if watch.sees(version):
                    previous = store.versions.before(version) if watch.previous else None
                    changes.append(Change(version, previous))
                    size += len(version.key) + len(version.value) + (len(previous.value) if previous else 0)
            if size > BYTES_AT_ONCE:
                reached = revision
                break
        watch.next = max(watch.next, reached + 1)
        watch.behind = watch.next <= told
        if watch.behind:
            self.wake()
        if changes:
            return Events(watch.number, reached, changes, watch.fragment)
        if not watch.asked or watch.behind or watch.next > told + 1:
            return None
        watch.asked = False
        return Events(watch.number, told, ())
