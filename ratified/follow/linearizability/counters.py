"""A counter, and which sums of what was added can be what was read.

Guarantees: pure; what is told holds in every order in which the operations can have taken effect.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
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
        left, bounds = MOST_WORDS, [_Bounds(level, adds) for level in levels]
        below = set[int]()
        for one in bounds:  # what is in a sum is in every larger one
            one.sure |= below
            left -= one.cost()
            if left < 0:
                return
            yield from one.narrowed()
            below = one.sure
        above = set(range(len(adds)))
        for one in reversed(bounds):  # and what is not in one, in no smaller one
            one.may &= above
            left -= one.cost()
            if left < 0:
                return
            yield from one.narrowed()
            above = one.may

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


class _Bounds:
    """Reads that returned the same sum: the adds that are surely in it, and those that may be."""

    def __init__(self, reads: Sequence[Operation], adds: Sequence[Operation]) -> None:
        self.reads = reads
        self.adds = adds
        called, ended = max(r.call for r in reads), min(r.end or 0 for r in reads)
        self.sure = {n for n, a in enumerate(adds) if a.end is not None and a.end < called}
        self.may = {n for n, a in enumerate(adds) if a.call < ended}

    def lacks(self) -> int:
        """What those that may be in it add to the sum."""
        return _result(self.reads[0]) - sum(_added(self.adds[n]) for n in self.sure)  # type: ignore[no-any-return]

    def cost(self) -> int:
        """Of narrowing them, in words."""
        open_ones = len(self.may - self.sure)
        return open_ones * _cost(self.lacks(), open_ones)

    def narrowed(self) -> Iterable[tuple[Operation, Operation]]:
        """Decide of each that may be in it whether it must be, or cannot."""
        lacks, open_ones = self.lacks(), sorted(self.may - self.sure)
        amounts = [_added(self.adds[n]) for n in open_ones]
        if not self.sure <= self.may or not _is_sum(lacks, amounts):
            yield (max(self.reads, key=lambda r: r.end or 0),) * 2
            return
        for at, n in enumerate(open_ones):
            others = amounts[:at] + amounts[at + 1 :]
            add = self.adds[n]
            if not _is_sum(lacks, others):
                self.sure.add(n)
                yield from ((add, r) for r in self.reads if add.end is not None)
            elif not _is_sum(lacks - amounts[at], others):
                self.may.discard(n)
                yield from ((r, add) for r in self.reads if add.end is not None)


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
