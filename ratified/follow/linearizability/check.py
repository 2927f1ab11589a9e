"""The decision: a search for an order in which the operations could have taken effect.

Wing & Gong, "Testing and verifying concurrent objects" (1993), with the memory of configurations by Lowe, "Testing for
linearizability" (2017), and the partition by Horn & Kroening, "Faster linearizability checking via P-compositionality" (2015):
`search` has the search of one part.

Parts take turns, each turn twice as long as the one before, so that no part that is hard hides another that is not linearizable.

Guarantees: HOLDS comes with an order, VIOLATED with the shortest prefix of the history that has none; where time or memory ran
out the verdict is UNDECIDED. The same history gives the same answer, time and memory aside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from ratified.follow.linearizability.history import UNKNOWN, History, HistoryError, Operation, as_written
from ratified.follow.linearizability.models import SequentialModel, SequentialState
from ratified.follow.linearizability.search import MOST_STATES_SHOWN, Budget, PartSearch, RanOut
from ratified.results.limits import memory_share
from ratified.results.result import Verdict
from ratified.results.seen import INTERRUPTED

FIRST_TURN = 1_024  # configurations
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
    budget = Budget(clock, until, configurations, memory or memory_share())
    orders: dict[Hashable, tuple[Operation, ...]] = {}
    verdict, stopped, failure = Verdict.HOLDS, None, None
    try:
        failed = _first_without_an_order(parts, model, budget, orders)
    except (RanOut, KeyboardInterrupt) as limit:
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
    budget: Budget,
    orders: dict[Hashable, tuple[Operation, ...]],
) -> tuple[Hashable, PartSearch, bool] | None:
    """Search the parts in turns until one has no order or all have one, which goes to `orders`. Raises RanOut.

    Of a part without one, whether its search has come to the end; otherwise `impossible` has told.
    """
    turn = FIRST_TURN
    looked_at = set[Hashable]()
    searches: Iterator[tuple[Hashable, PartSearch]]
    searches = ((part, PartSearch(operations, model, budget)) for part, operations in parts.items())
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
                        search = PartSearch(parts[part], model, budget, told=True)  # noqa: PLW2901  # begins anew
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


def _until(operations: Sequence[Operation], position: int) -> list[Operation]:
    """The history up to a position, inclusive: what returned later has not returned yet."""
    return [
        replace(o, end=None, result=UNKNOWN) if o.end is not None and o.end > position else o
        for o in operations
        if o.call <= position
    ]


def _explained(
    part: Hashable, operations: Sequence[Operation], model: SequentialModel, search: PartSearch
) -> Linearizability:
    """The shortest prefix that is not linearizable, by bisection: prefixes of linearizable histories are linearizable.

    The search has shown that everything before its limit is. Most often what returns there is what cannot be, so it is tried
    first. Where the budget ends before the place is known, it is the latest that the search could not get past.
    """
    ends = sorted(o.end for o in operations if o.end is not None and o.end >= search.limit)
    low, high, probe = 0, len(ends) - 1, 0  # by the last return there is none
    last, exact = search, True
    try:
        while low < high:
            tried = PartSearch(_until(operations, ends[probe]), model, search.budget, told=search.told)
            if tried.run():
                low = probe + 1
            else:
                high, last = probe, tried
            probe = (low + high) // 2
        position = ends[high]
    except RanOut:
        position, exact = search.limit, False
    before = search
    if position != search.limit:
        before = PartSearch(_until(operations, position - 1), model, search.budget, told=search.told)
        try:
            before.run()
        except RanOut:
            exact = False
    blocked = next(o for o in operations if o.end == position)
    whole = tuple(_until(operations, position))
    states = (
        tuple(map(as_written, last.states))
        if last.limit == position
        else _states_at(position, whole, model, search.budget)
    )
    return Linearizability(part, position, blocked, before.order(), states, whole, exact)


def _states_at(
    position: int, operations: Sequence[Operation], model: SequentialModel, budget: Budget
) -> tuple[SequentialState, ...]:
    """The states that are possible at a position, where what comes first kept the search from it; none if that takes long."""
    briefly = replace(budget, most=budget.spent + MOST_TO_EXPLAIN // 10)
    search = PartSearch(operations, model, briefly, told=False)
    try:
        found = search.impossible(operations, by_times=False)
        if found and found.position == position:
            return found.states[:MOST_STATES_SHOWN]
        search.run()
    except (RanOut, KeyboardInterrupt):
        pass
    return tuple(search.states) if search.limit == position else ()


def _cut_short(
    part: Hashable, operations: Sequence[Operation], model: SequentialModel, search: PartSearch
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
    before = PartSearch(_until(operations, position - 1), model, budget)
    try:
        if not before.run():
            return _explained(part, whole, model, before)
        exact = True
    except (RanOut, KeyboardInterrupt):
        exact = False
    states = known.states[:MOST_STATES_SHOWN] if exact and known.position == position else ()
    blocked = next(o for o in operations if o.end == position)
    return Linearizability(part, position, blocked, before.order(), states, whole, exact)
