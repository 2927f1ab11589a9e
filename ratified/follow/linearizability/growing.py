"""Lists, sets and counters that clients add to and read as a whole.

A read of a list tells in which order everything in it was appended, and that all else was appended later: where no value is
appended twice, that decides the order of all operations, however many overlap. A read of a set tells as much, but for the order
within. What a read shows has taken effect by its end, although the client that added it may never have been answered.

Guarantees: pure; states can be hashed and compared; orders are told only of values that were added once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from ratified.follow.linearizability.history import UNKNOWN, HistoryError, Operation, exactly

MOST_READS: Final = 64
"""So many reads that show the same are looked at for each value: more would help little, and cost more."""


@dataclass(frozen=True, slots=True)
class _ReadWhole:
    """An object that is read as a whole. Results are arrays; null is an empty one."""

    functions: Sequence[str] = ()
    anonymous: bool = True

    def part(self, operation: Operation) -> Hashable:
        """Its key, if there are several."""
        return operation.key  # type: ignore[no-any-return]  # frozen when it was read

    def only_reads(self, operation: Operation) -> bool:
        """Reads."""
        return operation.function == "read"

    def taken_by(self, operations: Sequence[Operation]) -> Iterable[tuple[Operation, int]]:
        """What is read has been added by the end of that read."""
        waiting = {exactly(o.argument): o for o in _once(operations).values() if o.end is None}
        for read in sorted(_reads(operations), key=lambda o: o.end or 0) if waiting else ():
            for value in map(exactly, _shown(read)):
                if value in waiting and waiting[value].call < (read.end or 0):
                    yield waiting.pop(value), read.end or 0

    def precedes(self, operations: Sequence[Operation]) -> Iterable[tuple[Operation, Operation]]:
        """What reads tell of the order, where every value that they show was added once."""
        adds, reads = _once(operations), sorted(_reads(operations), key=lambda o: len(_shown(o)))
        added = {exactly(o.argument) for o in operations if o.function != "read"}
        if any(o.function == "remove" for o in operations):
            return
        shown = {read.call: tuple(map(exactly, _shown(read))) for read in reads}
        for read in reads:
            values = shown[read.call]
            wrong = len(set(values)) < len(values) and added == set(adds)
            late = any(v in adds and adds[v].call > (read.end or 0) for v in values)
            if wrong or late or not added.issuperset(values):
                yield read, read
        if all(v in adds for values in shown.values() for v in values):
            yield from self._orders(adds, reads, shown)

    def _orders(
        self, adds: dict[object, Operation], reads: list[Operation], shown: dict[int, tuple[object, ...]]
    ) -> Iterable[tuple[Operation, Operation]]:
        """The same, of what was added once; `reads` are in the order of how much they show."""
        levels: dict[int, list[Operation]] = defaultdict(list)
        for before, read in pairwise(reads):
            if not set(shown[before.call]) <= set(shown[read.call]):
                yield read, read
        level = 0
        seen: set[object] = set()
        of: dict[object, int] = {}
        for read in reads:
            new = set(shown[read.call]) - seen
            if new or not levels:
                level += 1
            levels[level].append(read)
            of |= dict.fromkeys(new, level)
            seen |= new
        for value, add in adds.items():
            if add.end is not None:
                first = of.get(value, level + 1)
                yield from ((add, read) for read in levels.get(first, ())[:MOST_READS])
                yield from ((read, add) for read in levels.get(first - 1, ())[:MOST_READS])


def _reads(operations: Sequence[Operation]) -> list[Operation]:
    return [o for o in operations if o.function == "read" and o.result is not UNKNOWN]


def _shown(read: Operation) -> tuple[Any, ...]:
    """What a read returned."""
    if read.result is None:
        return ()
    if not isinstance(read.result, tuple):
        raise HistoryError(f"{read} returns no array", remedy="what is read is the whole: [1, 2]")
    return read.result


def _once(operations: Sequence[Operation]) -> dict[object, Operation]:
    """What was added once, by value."""
    count = Counter(exactly(o.argument) for o in operations if o.function != "read")
    return {value: o for o in operations if o.function != "read" and count[value := exactly(o.argument)] == 1}


@dataclass(frozen=True, slots=True)
class ListObject(_ReadWhole):
    """A list: `append` V, `read`, which returns all of it."""

    functions: Sequence[str] = ("append", "read")

    def initial(self) -> tuple[object, ...]:
        """Empty."""
        return ()

    def step(self, state: tuple[Any, ...], operation: Operation) -> Sequence[tuple[object, ...]]:
        """What is appended stands last."""
        if operation.function == "append":
            return ((*state, operation.argument),)
        if operation.result is UNKNOWN or exactly(state) == exactly(_shown(operation)):
            return (state,)
        return ()

    def _orders(
        self, adds: dict[object, Operation], reads: list[Operation], shown: dict[int, tuple[object, ...]]
    ) -> Iterable[tuple[Operation, Operation]]:
        for before, read in pairwise(reads):
            if shown[read.call][: len(shown[before.call])] != shown[before.call]:
                yield read, read
        longest = shown[reads[-1].call] if reads else ()
        # What nobody has read stands behind all of it, in whatever order.
        rest = sorted((o for v, o in adds.items() if v not in longest), key=lambda o: o.call)
        line = [o for o in (*(adds[v] for v in longest), *rest) if o.end is not None]
        yield from pairwise(line)
        places = {id(o): n for n, o in enumerate(line)}
        for read in reads:
            values = shown[read.call]
            at = places.get(id(adds[values[-1]])) if values else -1
            if at is not None:
                if at >= 0:
                    yield line[at], read
                if at + 1 < len(line):
                    yield read, line[at + 1]


@dataclass(frozen=True, slots=True)
class SetObject(_ReadWhole):
    """A set: `add` V, `remove` V, `read`, which returns all of it in any order."""

    functions: Sequence[str] = ("add", "remove", "read")

    def initial(self) -> frozenset[object]:
        """Empty."""
        return frozenset()

    def step(self, state: frozenset[object], operation: Operation) -> Sequence[frozenset[object]]:
        """Whether something is in it is all that there is."""
        if operation.function == "add":
            return (state | {exactly(operation.argument)},)
        if operation.function == "remove":
            return (state - {exactly(operation.argument)},)
        shown = () if operation.result is UNKNOWN else tuple(map(exactly, _shown(operation)))
        known = operation.result is UNKNOWN or (len(shown) == len(state) and state.issuperset(shown))
        return (state,) if known else ()
