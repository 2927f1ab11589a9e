"""A counter, and which sums of what was added can be what was read.

Guarantees: pure; what is told holds in every order in which the operations can have taken effect.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, groupby, pairwise
from typing import Any, Final

from ratified.follow.linearizability.history import UNKNOWN, HistoryError, Operation

MOST_WORDS: Final = 1 << 26
"""So many words are looked at for the sums of all reads together; of reads after that nothing more is told."""
LARGEST_SUM: Final = 1 << 16
"""Of larger sums, the search asks only for the least and the most."""


@dataclass(frozen=True, slots=True)
class CounterObject:
    """A counter: `add` N, which may be negative, and `read`."""

    functions: Sequence[str] = ("add", "read")
    anonymous: bool = True

    def initial(self) -> int:
        """Zero."""
        return 0

    def part(self, operation: Operation) -> Hashable:
        """Its key, if there are several counters."""
        return operation.key  # type: ignore[no-any-return]  # frozen when it was read

    def only_reads(self, operation: Operation) -> bool:
        """Reads."""
        return operation.function == "read"

    def reach(self, operation: Operation) -> Callable[[int, Sequence[Operation]], bool] | None:
        """A sum is read once others have added what it lacks."""
        known = operation.function == "read" and type(operation.result) is int
        return partial(_can_be_read, operation.result) if known else None

    def precedes(self, operations: Sequence[Operation]) -> Iterable[tuple[Operation, Operation]]:
        """Where nothing is taken away, less was read first, and some adds are in every sum that a read can be, or in none."""
        adds = [o for o in operations if _added(o)]
        if any(_added(o) < 0 for o in adds):
            return
        reads = sorted((o for o in operations if type(o.result) is int and self.only_reads(o)), key=_result)
        levels = [list(those) for _, those in groupby(reads, key=_result)]
        for lower, higher in pairwise(levels):
            yield from ((one, other) for one in lower for other in higher if (one.end or 0) > other.call)
        between = _Between(levels, adds)
        if (wrong := between.narrowed()) is not None:
            yield (max(levels[wrong], key=lambda r: r.end or 0),) * 2
        else:
            yield from between.pairs()

    def step(self, state: int, operation: Operation) -> Sequence[int]:
        """The sum."""
        if operation.function == "read":
            return (state,) if operation.result in (UNKNOWN, state) else ()
        if type(operation.argument) is not int:
            raise HistoryError(f"{operation} adds no number", remedy='{"f": "add", "value": 2}')
        return (state + operation.argument,)


def _added(operation: Operation) -> int:
    amount = operation.argument
    return amount if operation.function == "add" and type(amount) is int else 0


def _result(read: Operation) -> Any:
    return read.result


class _Between:
    """Reads that returned the same sum make a level; adds are between two levels, before the first or after the last.

    `places` has, for each add, the levels before which it may be, and after the one before; the last is after all of them, or
    never.
    """

    def __init__(self, levels: Sequence[Sequence[Operation]], adds: Sequence[Operation]) -> None:
        self.levels = levels
        self.adds = adds
        sums = [0, *(_result(level[0]) for level in levels)]
        self.lacks = [after - before for before, after in pairwise(sums)]
        ended = sorted((min(r.end or 0 for r in level), n) for n, level in enumerate(levels))
        called = sorted((max(r.call for r in level), n) for n, level in enumerate(levels))
        latest = [0, *accumulate((n + 1 for _, n in ended), max)]
        first = [*accumulate((n for _, n in reversed(called)), min, initial=len(levels))][::-1]
        self.places = [
            set(
                range(
                    latest[bisect_left(ended, (a.call,))],
                    (len(levels) if a.end is None else first[bisect_left(called, (a.end,))]) + 1,
                )
            )
            for a in adds
        ]
        self.among: list[set[int]] = [set() for _ in range(len(levels) + 1)]
        for n, places in enumerate(self.places):
            for place in places:
                self.among[place].add(n)

    def narrowed(self) -> int | None:
        """Leave out places where an add makes a sum impossible, or where it is needed in another; a level that cannot be."""
        for n, places in enumerate(self.places):
            if not places:  # a smaller sum was read after it, a larger one before
                return min(
                    (k for k, level in enumerate(self.levels) if _is_after(level, self.adds[n])), default=0
                )
        waiting, words = dict.fromkeys(range(len(self.levels))), MOST_WORDS
        while waiting and words > 0:
            place: int = next(iter(waiting))
            del waiting[place]
            fixed = {n for n in self.among[place] if len(self.places[n]) == 1}
            amounts = {n: _added(self.adds[n]) for n in sorted(self.among[place] - fixed)}
            lacks = self.lacks[place] - sum(_added(self.adds[n]) for n in fixed)
            if not _is_sum(lacks, list(amounts.values())):
                return place
            words -= len(set(amounts.values())) * _cost(lacks, len(amounts))
            for amount in set(amounts.values()):
                others = list(amounts.values())
                others.remove(amount)
                some = [n for n, other in amounts.items() if other == amount]
                if not _is_sum(lacks - amount, others):
                    waiting |= self._leave(some, place, there=False)
                elif not _is_sum(lacks, others):
                    waiting |= self._leave(some, place, there=True)
        return None

    def _leave(self, adds: Sequence[int], at: int, *, there: bool) -> dict[int, None]:
        """Leave adds no place but one, or every other; the places to look at again."""
        again: dict[int, None] = {}
        for n in adds:
            again |= dict.fromkeys(sorted(self.places[n]))
            gone = self.places[n] - {at} if there else {at}
            for place in gone:
                self.among[place].discard(n)
            self.places[n] -= gone
        again.pop(len(self.levels), None)
        return again

    def pairs(self) -> Iterable[tuple[Operation, Operation]]:
        """What comes before what."""
        for add, places in zip(self.adds, self.places, strict=True):
            if add.end is not None:
                low, high = min(places), max(places)
                below = self.levels[low - 1] if low > 0 else ()
                above = self.levels[high] if high < len(self.levels) else ()
                yield from ((r, add) for r in below if (r.end or 0) > add.call)
                yield from ((add, r) for r in above if add.end > r.call)


def _is_after(level: Sequence[Operation], add: Operation) -> bool:
    return add.end is not None and any(r.call > add.end for r in level)


def _cost(wanted: int, count: int) -> int:
    """About how many words are touched to know whether some of so many amounts add up to a sum."""
    return min(max(0, wanted) * count // 64, 1 << min(64, count // 2 + 3))


def _is_sum(wanted: int, amounts: Sequence[int]) -> bool:
    """Whether some of the amounts, none of them negative, add up to what is wanted."""
    if not 0 <= wanted <= sum(amounts):
        return False
    if wanted * len(amounts) // 64 <= _cost(wanted, len(amounts)):
        sums, within = 1, (2 << wanted) - 1
        for amount in amounts:
            sums = (sums | sums << amount) & within
        return bool(sums >> wanted)
    half = len(amounts) // 2  # few and large: every sum of one half, with every one of the other
    one, other = _sums(amounts[:half]), _sums(amounts[half:])
    return any(wanted - sum_ in other for sum_ in one)


def _sums(amounts: Iterable[int]) -> set[int]:
    sums = {0}
    for amount in amounts:
        sums |= {s + amount for s in sums}
    return sums


def _can_be_read(value: int, state: int, others: Sequence[Operation]) -> bool:
    """Whether some of the others lead from a sum to another, as far as this tells."""
    amounts, lacks = [a for o in others if (a := _added(o))], value - state
    least, most = sum(a for a in amounts if a < 0), sum(a for a in amounts if a > 0)
    if not least <= lacks <= most:
        return False
    return least < 0 or most > LARGEST_SUM or _is_sum(lacks, amounts)
