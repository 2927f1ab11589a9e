"""The decision: a search for an order in which the operations could have taken effect.

Wing & Gong, "Testing and verifying concurrent objects" (1993), with the memory of configurations by Lowe, "Testing for
linearizability" (2017), and the partition by Horn & Kroening, "Faster linearizability checking via P-compositionality" (2015), as
Porcupine has it: operations that have returned stand in a linked list which shrinks and is mended on the way back.

What has not returned may take effect at any later time or never. So it is tried last, and of two configurations that differ only
in what was used of it, the one that used less is enough: whatever the other can do, it can do too.

Parts take turns, each turn twice as long as the one before, so that no part that is hard hides another that is not linearizable.

Guarantees: HOLDS comes with an order, VIOLATED with the shortest prefix of the history that has none; where time or memory ran
out the verdict is UNDECIDED. The same history gives the same answer, time and memory aside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from ratified.follow.linearizability.history import (
    UNKNOWN,
    History,
    HistoryError,
    Operation,
    are_mixed,
    exactly,
)
from ratified.follow.linearizability.models import (
    SequentialModel,
    SequentialState,
    preceding,
    settled,
)
from ratified.follow.linearizability.necessary import Impossible, impossible, never_in_time
from ratified.results.limits import memory_share, resident
from ratified.results.result import Verdict
from ratified.results.seen import INTERRUPTED

MOST_STATES_SHOWN = 8
FIRST_TURN = 1_024  # configurations
MOST_TOLD = 1_000  # operations of a part, of more it is asked what comes first only if the search is long
HARD = 4  # times as many configurations as operations, in a turn that does not come to an end
MOST_TO_EXPLAIN = 100_000  # configurations, where it is known without a search that there is no order


@dataclass(frozen=True, slots=True)
class Linearizability:
    """Why a history is not linearizable.

    The history is linearizable up to `position` (exclusive), where `operation` returns; `order` is how, of the operations of
    its part. There, the object could only have been in one of `states` (some of them, if there are many), and in none of them
    could the operation return what it did; without any, what came before can only be explained if the operation returned
    something else. `operations` are those of the part that were called before.
    """

    part: Hashable
    position: int
    operation: Operation
    order: tuple[Operation, ...]
    states: tuple[SequentialState, ...]
    operations: tuple[Operation, ...]
    exact: bool = True  # false where the budget ended before the shortest prefix was known


@dataclass(frozen=True, slots=True)
class HistoryOutcome:
    """What was decided of a history. `order` has, for each part, an order that explains it, as far as there is one."""

    verdict: Verdict
    operations: int
    parts: int
    configurations: int
    order: tuple[tuple[Hashable, tuple[Operation, ...]], ...] = ()
    failure: Linearizability | None = None
    stopped: str | None = None


class _RanOut(Exception):
    """A limit was reached: the text says which."""


@dataclass(slots=True)
class _Budget:
    """What is left, over all parts. `memory` is what the process may have, in bytes."""

    clock: Callable[[], float]
    until: float | None
    most: int | None
    memory: int
    spent: int = 0

    def spend(self) -> None:
        self.spent += 1
        if self.most is not None and self.spent > self.most:
            raise _RanOut(f"stopped after {self.most:,} configurations")
        if not self.spent & 255:
            self.in_time()
        if not self.spent & 4095 and resident() > self.memory:
            raise _RanOut(f"out of memory: the limit is {self.memory:,} bytes")

    def in_time(self) -> None:
        if self.until is not None and self.clock() > self.until:
            raise _RanOut("out of time")


def check_history(
    history: History | Sequence[Operation],
    model: SequentialModel,
    *,
    seconds: float | None = None,
    configurations: int | None = None,
    memory: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> HistoryOutcome:
    """Decide whether a history is linearizable.

    `seconds`, `configurations` and `memory` (bytes of this process; a share of the machine's by default) bound the search: past
    one of them the history is UNDECIDED.

    Raises:
        HistoryError: the model does not have an operation of the history.
    """
    history = history if isinstance(history, History) else History(tuple(history))
    parts = _parts(history, model)
    until = None if seconds is None else clock() + seconds
    budget = _Budget(clock, until, configurations, memory or memory_share())
    orders: dict[Hashable, tuple[Operation, ...]] = {}
    verdict, stopped, failure = Verdict.HOLDS, None, None
    try:
        failed = _first_without_an_order(parts, model, budget, orders)
    except (_RanOut, KeyboardInterrupt) as limit:
        verdict, stopped = Verdict.UNDECIDED, str(limit) or INTERRUPTED
    else:
        if failed:
            part, search, done = failed
            verdict = Verdict.VIOLATED
            failure = (_explained if done else _cut_short)(part, parts[part], model, search)
    found = tuple((part, orders[part]) for part in parts if part in orders)
    return HistoryOutcome(verdict, len(history.operations), len(parts), budget.spent, found, failure, stopped)


def _first_without_an_order(
    parts: dict[Hashable, list[Operation]],
    model: SequentialModel,
    budget: _Budget,
    orders: dict[Hashable, tuple[Operation, ...]],
) -> tuple[Hashable, _PartSearch, bool] | None:
    """Search the parts in turns until one has no order or all have one, which goes to `orders`. Raises _RanOut.

    Of a part without one, whether its search has come to the end; otherwise `impossible` has told.
    """
    turn = FIRST_TURN
    looked_at = set[Hashable]()
    searches: Iterator[tuple[Hashable, _PartSearch]]
    searches = ((part, _PartSearch(operations, model, budget)) for part, operations in parts.items())
    while True:
        open_ones = []
        for part, search in searches:
            found = search.run(turn)
            if found is None:
                # What the search does not decide quickly may be plain all the same.
                if turn >= HARD * len(parts[part]) and part not in looked_at:
                    looked_at.add(part)
                    if search.impossible(parts[part]):
                        return part, search, False
                    if not search.told:
                        search = _PartSearch(parts[part], model, budget, told=True)  # noqa: PLW2901  # begins anew
                open_ones.append((part, search))
            elif found:
                orders[part] = search.order()
            else:
                return part, search, True
        if not open_ones:
            return None
        turn, searches = 2 * turn, iter(open_ones)


def _parts(history: History, model: SequentialModel) -> dict[Hashable, list[Operation]]:
    parts: dict[Hashable, list[Operation]] = {}
    for operation in history.operations:
        try:
            if operation.function not in model.functions:
                raise HistoryError(
                    f"{type(model).__name__} has no operation {operation.function!r}",
                    remedy=f"it has {', '.join(model.functions)}",
                )
            parts.setdefault(model.part(operation), []).append(operation)
        except HistoryError as error:
            line = history.line(operation.call)
            where = f"{history.source}:{line}: " if line else ""
            raise HistoryError(f"{where}{error.message}", remedy=error.remedy) from None
    return parts


class _PartSearch:
    """One part's search. Operations that have returned are numbered in the order of their calls, and so are pending ones."""

    def __init__(
        self,
        operations: Sequence[Operation],
        model: SequentialModel,
        budget: _Budget,
        *,
        told: bool | None = None,
    ) -> None:
        self.model = model
        self.budget = budget
        self.told = told = len(operations) <= MOST_TOLD if told is None else told  # what comes first
        given = operations
        if told:
            operations = settled(model, operations)
        self._given = {id(o): g for o, g in zip(operations, given, strict=True)}
        self.done = [o for o in operations if o.end is not None]
        self.pending = [o for o in operations if o.end is None]
        # The latest return that could not be reached, and the states that it could not be reached in.
        self.limit = -1
        self.states: dict[SequentialState, None] = {}
        self._taken: list[tuple[bool, int]] = []  # whether it is pending, and its number
        self._seen: dict[Hashable, list[int]] = {}
        initial = model.initial()
        # Where they are mixed, states are told apart by `exactly`.
        self._are_mixed = are_mixed(
            [
                initial,
                *(
                    v
                    for o in operations
                    for v in ((o.argument,) if o.function == "cas" else (o.argument, o.result))
                ),
            ]
        )
        self._mask = self._used = 0  # which of those that returned, and of the pending, have taken effect
        self._link()
        only_reads: Callable[[Operation], bool] = getattr(model, "only_reads", lambda _: False)
        self._only_reads = [only_reads(o) for o in self.done]
        self._needs = [0] * len(self.done)  # which others must have taken effect before, as the model says
        numbers = {id(o): n for n, o in enumerate(self.done)}
        for one, other in preceding(model, operations) if told else ():
            self._needs[numbers[id(other)]] |= 1 << numbers[id(one)]
        anonymous = getattr(model, "anonymous", False)
        first: dict[Hashable, int] = {}
        self._twin: list[int | None] = []  # an earlier pending operation that is the same
        for i, o in enumerate(self.pending):
            name = (o.function, o.argument, o.key, None if anonymous else o.process)
            self._twin.append(first.get(name))
            first[name] = i
        # The states that were come through, with what is still to be tried from each.
        self._stack = [(initial, self._moves(initial, None))]

    def _link(self) -> None:
        """A list of calls (2i) and returns (2i + 1) in the order of the history; its ends are the last two nodes."""
        count = len(self.done)
        nodes = sorted(
            range(2 * count),
            key=lambda n: self.done[n >> 1].call if not n & 1 else self.done[n >> 1].end or 0,
        )
        self._head, self._tail = 2 * count, 2 * count + 1
        self._next = [0] * (2 * count + 2)
        self._previous = [0] * (2 * count + 2)
        before = self._head
        for node in [*nodes, self._tail]:
            self._next[before], self._previous[node] = node, before
            before = node

    def order(self) -> tuple[Operation, ...]:
        """The operations in the order that was found."""
        taken = ((self.pending if late else self.done)[number] for late, number in self._taken)
        return tuple(self._given[id(o)] for o in taken)

    def run(self, most: int | None = None) -> bool | None:
        """Whether there is an order; None if that is not known after `most` configurations more. Raises _RanOut."""
        following = self._next
        head, tail = self._head, self._tail
        if following[head] == tail:
            return True
        until = None if most is None else self.budget.spent + most
        seen, stack = self._seen, self._stack
        told: Callable[[object], object] | None = exactly if self._are_mixed else None
        while stack:
            before, moves = stack[-1]
            for late, number, state in moves:
                self.budget.spend()
                bit = 1 << number
                name = told(state) if told else state
                if late:
                    first = following[head] >> 1
                    if not self._is_new(seen, (first, self._mask >> first, name), self._used | bit):
                        continue
                    self._used |= bit
                else:
                    self._lift(number)
                    if following[head] == tail:
                        self._taken.append((late, number))
                        return True
                    first = following[head] >> 1
                    if not self._is_new(seen, (first, (self._mask | bit) >> first, name), self._used):
                        self._unlift(number)
                        continue
                    self._mask |= bit
                self._taken.append((late, number))
                stack.append((state, self._moves(state, (before,) if late else None)))
                break
            else:
                stack.pop()
                if self._taken:
                    late, number = self._taken.pop()
                    if late:
                        self._used &= ~(1 << number)
                    else:
                        self._mask &= ~(1 << number)
                        self._unlift(number)
            if until is not None and self.budget.spent >= until:
                return None
        return False

    def impossible(self, operations: Sequence[Operation], by_times: bool | None = None) -> Impossible | None:
        """See `necessary`: by what the model says comes first, or by states alone, or either. Raises _RanOut."""
        if not by_times and not self._are_mixed:
            found = impossible(operations, self.model.initial(), self._step, self.budget.in_time)
            if found or by_times is False:
                return found
        known = settled(self.model, operations)
        if never := never_in_time(known, preceding(self.model, known)):
            first = min(never, key=lambda o: o.end or 0)
            return Impossible(first, first.end or 0, (), by_times=True)
        return None

    def _lift(self, number: int) -> None:
        following, preceding = self._next, self._previous
        for node in (2 * number, 2 * number + 1):
            before, after = preceding[node], following[node]
            following[before], preceding[after] = after, before

    def _unlift(self, number: int) -> None:
        following, preceding = self._next, self._previous
        for node in (2 * number + 1, 2 * number):
            following[preceding[node]] = node
            preceding[following[node]] = node

    @staticmethod
    def _is_new(seen: dict[Hashable, list[int]], key: Hashable, used: int) -> bool:
        known = seen.get(key)
        if known is None:
            seen[key] = [used]
            return True
        if any(u & ~used == 0 for u in known):
            return False
        known[:] = [u for u in known if used & ~u]
        known.append(used)
        return True

    def _moves(
        self, state: SequentialState, late: tuple[SequentialState] | None
    ) -> Iterator[tuple[bool, int, SequentialState]]:
        """What can take effect next: what was called before the first return, the pending last.

        Where a pending operation has led here, `late` has the state that it came from.
        """
        node = self._next[self._head]
        while not node & 1:
            # What changes no state and is possible now may as well come now: from any order that puts it later it can be moved
            # here, and nothing else has to be tried.
            if (
                self._only_reads[node >> 1]
                and not self._needs[node >> 1] & ~self._mask
                and self._step(state, self.done[node >> 1])
            ):
                yield False, node >> 1, state
                return
            node = self._next[node]
        node = self._next[self._head]
        while not node & 1:
            if not (self._only_reads[node >> 1] or self._needs[node >> 1] & ~self._mask):
                for after in self._step(state, self.done[node >> 1]):
                    yield False, node >> 1, after
            node = self._next[node]
        limit, used = self.done[node >> 1].end or 0, self._used
        if limit >= self.limit:
            if limit > self.limit:
                self.limit = limit
                self.states = {}
            if len(self.states) < MOST_STATES_SHOWN:
                self.states[state] = None
        for number, operation in enumerate(self.pending):
            if operation.call > limit:
                break
            twin = self._twin[number]
            if used >> number & 1 or (twin is not None and not used >> twin & 1):
                continue
            # One pending operation that another has made void is better left out: that is tried from where it came.
            without = self._step(late[0], operation) if late else ()
            for after in self._step(state, operation):
                if self._differs(after, state) and all(self._differs(after, w) for w in without):
                    yield True, number, after

    def _differs(self, state: SequentialState, other: SequentialState) -> bool:
        return state != other or (self._are_mixed and exactly(state) != exactly(other))

    def _step(self, state: SequentialState, operation: Operation) -> Sequence[SequentialState]:
        return stepped(self.model, state, operation)


def stepped(
    model: SequentialModel, state: SequentialState, operation: Operation
) -> Sequence[SequentialState]:
    """See `SequentialModel.step`. Raises HistoryError where that raises anything."""
    try:
        return model.step(state, operation)
    except HistoryError:
        raise
    except Exception as problem:  # noqa: BLE001 - a model may raise anything
        raise HistoryError(
            f"{type(model).__name__} fails at {operation}: {type(problem).__name__}: {problem}",
            remedy="`step` gives the possible states after an operation, or none",
        ) from None


def _until(operations: Sequence[Operation], position: int) -> list[Operation]:
    """The history up to a position, inclusive: what returned later has not returned yet."""
    return [
        replace(o, end=None, result=UNKNOWN) if o.end is not None and o.end > position else o
        for o in operations
        if o.call <= position
    ]


def _explained(
    part: Hashable, operations: Sequence[Operation], model: SequentialModel, search: _PartSearch
) -> Linearizability:
    """The shortest prefix that is not linearizable, by bisection: prefixes of linearizable histories are linearizable.

    The search has shown that everything before its limit is. Most often what returns there is what cannot be, so it is tried
    first. Where the budget ends before the place is known, it is the latest that the search could not get past.
    """
    ends = sorted(o.end for o in operations if o.end is not None and o.end >= search.limit)
    low, high, probe = 0, len(ends), 0
    last, exact = search, True
    try:
        while low < high:
            tried = _PartSearch(_until(operations, ends[probe]), model, search.budget, told=search.told)
            if tried.run():
                low = probe + 1
            else:
                high, last = probe, tried
            probe = (low + high) // 2
        position = ends[high]
    except _RanOut:
        position, exact = search.limit, False
    before = _PartSearch(_until(operations, position - 1), model, search.budget, told=search.told)
    try:
        before.run()
    except _RanOut:
        exact = False
    blocked = next(o for o in operations if o.end == position)
    whole = tuple(_until(operations, position))
    states = (
        tuple(last.states) if last.limit == position else _states_at(position, whole, model, search.budget)
    )
    return Linearizability(part, position, blocked, before.order(), states, whole, exact)


def _states_at(
    position: int, operations: Sequence[Operation], model: SequentialModel, budget: _Budget
) -> tuple[SequentialState, ...]:
    """The states that are possible at a position, where what comes first kept the search from it; none if that takes long."""
    try:
        found = _PartSearch(operations, model, budget, told=False).impossible(operations, by_times=False)
    except (_RanOut, KeyboardInterrupt):
        return ()
    return found.states[:MOST_STATES_SHOWN] if found and found.position == position else ()


def _cut_short(
    part: Hashable, operations: Sequence[Operation], model: SequentialModel, search: _PartSearch
) -> Linearizability:
    """The shortest prefix that cannot be, where that was seen without a search, and an order of what came before.

    It is searched for that order shortly, for the verdict is known: without one there may be a shorter prefix.
    """
    ends = sorted(o.end for o in operations if o.end is not None)
    low, high = 0, len(ends) - 1
    known = search.impossible(operations)
    while low < high:
        middle = (low + high) // 2
        found = search.impossible(_until(operations, ends[middle]), known.by_times if known else None)
        if found:
            high, known = middle, found
        else:
            low = middle + 1
    assert known is not None
    position = ends[high]
    whole = tuple(_until(operations, position))
    budget = replace(search.budget, most=search.budget.spent + MOST_TO_EXPLAIN)
    before = _PartSearch(_until(operations, position - 1), model, budget)
    try:
        if not before.run():
            return _explained(part, whole, model, before)
        exact = True
    except (_RanOut, KeyboardInterrupt):
        exact = False
    states = known.states[:MOST_STATES_SHOWN] if exact and known.position == position else ()
    blocked = next(o for o in operations if o.end == position)
    return Linearizability(part, position, blocked, before.order(), states, whole, exact)
