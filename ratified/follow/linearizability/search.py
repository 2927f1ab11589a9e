"""The search for an order of the operations of one part, which can stop and go on.

Operations that have returned are in a linked list which shrinks and is mended on the way back, as Porcupine has it. What has not
returned may take effect at any later time or never. So it is tried last, and of two configurations that differ only in what was
used of it, the one that used less is enough: whatever the other can do, it can do too.

Of operations that are under way at once and do the same, the one that returns first may as well come first: in any order that has
them the other way round they can change places. Where the model says what it takes for an operation to return what it did, the
search goes on only from where those under way can lead there.

Guarantees: `run` is true only with an order, and false only if there is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ratified.follow.linearizability.history import HistoryError, Operation, are_mixed, exactly
from ratified.follow.linearizability.models import SequentialModel, SequentialState, preceding, told_of
from ratified.follow.linearizability.necessary import Impossible, impossible, never_in_time
from ratified.results.limits import resident

MOST_STATES_SHOWN: Final = 8
MOST_TOLD: Final = 1_000
"""Operations of a part; of more it is asked what the model tells of them only if the search is long."""
LOOK_AHEAD: Final = 64
"""So many calls and returns from the first that has not taken effect are looked at for what must be within reach."""

MOST_ASKED: Final = 8
"""So many of them are asked for."""

_Taken = tuple[bool, int, "_Taken"] | None
WithinReach = Callable[[SequentialState, Sequence[Operation]], bool]


class RanOut(Exception):
    """A limit was reached: the text says which."""


@dataclass(slots=True)
class Budget:
    """What is left, over all parts. `memory` is what the process may have, in bytes."""

    clock: Callable[[], float]
    until: float | None
    most: int | None
    memory: int
    spent: int = 0

    def spend(self) -> None:
        """One configuration more. Raises RanOut."""
        self.spent += 1
        if self.most is not None and self.spent > self.most:
            raise RanOut(f"stopped after {self.most:,} configurations")
        if not self.spent & 255:
            self.in_time()
        if not self.spent & 4095 and resident() > self.memory:
            raise RanOut(f"out of memory: the limit is {self.memory:,} bytes")

    def in_time(self) -> None:
        """Raise RanOut if there is no time left."""
        if self.until is not None and self.clock() > self.until:
            raise RanOut("out of time")


class PartSearch:
    """One part's search. Operations that have returned are numbered in the order of their calls, and so are pending ones."""

    def __init__(
        self,
        operations: Sequence[Operation],
        model: SequentialModel,
        budget: Budget,
        *,
        told: bool | None = None,
    ) -> None:
        self.model = model
        self.budget = budget
        self.told = told = len(operations) <= MOST_TOLD if told is None else told  # what comes first
        # Where they are mixed, states are told apart by `exactly`.
        self._are_mixed = are_mixed(
            [
                model.initial(),
                *(
                    v
                    for o in operations
                    for v in ((o.argument,) if o.function == "cas" else (o.argument, o.result))
                ),
            ]
        )
        pairs = told_of(model, operations) if told else [(o, o) for o in operations]
        self._given = {id(o): given for given, o in pairs}
        operations = [o for _, o in pairs]
        self.done = [o for o in operations if o.end is not None]
        self.pending = [o for o in operations if o.end is None]
        # The latest return that could not be reached, and the states that it could not be reached in.
        self.limit = -1
        self.states: dict[SequentialState, None] = {}
        # What has taken effect, the last first: whether it is pending, and its number; and of how it came to the limit.
        self._taken: _Taken = None
        self._reached: _Taken = None
        self._seen: dict[Hashable, list[int]] = {}
        initial = model.initial()
        self._mask = self._used = 0  # which of those that returned, and of the pending, have taken effect
        self._link()
        only_reads: Callable[[Operation], bool] = getattr(model, "only_reads", lambda _: False)
        self._only_reads = [only_reads(o) for o in self.done]
        self._needs = [0] * len(self.done)  # which others must have taken effect before, as the model says
        numbers = {id(o): n for n, o in enumerate(self.done)}
        for one, other in preceding(model, operations) if told else ():
            self._needs[numbers[id(other)]] |= 1 << numbers[id(one)]
        anonymous = getattr(model, "anonymous", False)

        def does(o: Operation) -> Hashable:
            values = (o.key, o.argument, o.result)
            return (
                o.function,
                exactly(values) if self._are_mixed else values,
                None if anonymous else o.process,
            )

        first: dict[Hashable, int] = {}
        self._twin: list[int | None] = []  # an earlier pending operation that is the same
        for i, o in enumerate(self.pending):
            self._twin.append(first.get(does(o)))
            first[does(o)] = i
        names = [None if reads else does(o) for reads, o in zip(self._only_reads, self.done, strict=True)]
        count = Counter(names)
        self._alike = [name if count[name] > 1 else None for name in names]
        self._are_alike = any(self._alike)
        reach: Callable[[Operation], WithinReach | None] = (
            getattr(model, "reach", lambda _: None) if told else lambda _: None
        )
        self._reach = [reach(o) for o in self.done]
        self._have_reach = any(self._reach)
        lazy: Callable[[Operation], bool] = getattr(model, "waits", lambda _: False)
        self._waits = [told and lazy(o) for o in self.done]
        self._ends = [o.end or 0 for o in self.done]
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
        """The operations in the order that was found, or where there is none, as far as the limit."""
        found, taken = [], self._taken or self._reached
        while taken:
            late, number, taken = taken
            found.append(self._given[id((self.pending if late else self.done)[number])])
        return tuple(reversed(found))

    def run(self, most: int | None = None) -> bool | None:
        """Whether there is an order; None if that is not known after `most` configurations more. Raises RanOut."""
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
                        self._taken = (late, number, self._taken)
                        return True
                    first = following[head] >> 1
                    if not self._is_new(seen, (first, (self._mask | bit) >> first, name), self._used):
                        self._unlift(number)
                        continue
                    self._mask |= bit
                self._taken = (late, number, self._taken)
                stack.append((state, self._moves(state, (before,) if late else None)))
                break
            else:
                stack.pop()
                if self._taken:
                    late, number, self._taken = self._taken
                    if late:
                        self._used &= ~(1 << number)
                    else:
                        self._mask &= ~(1 << number)
                        self._unlift(number)
            if until is not None and self.budget.spent >= until:
                return None
        return False

    def impossible(self, operations: Sequence[Operation], by_times: bool | None = None) -> Impossible | None:
        """See `necessary`: by what the model says comes first, or by states alone, or either. Raises RanOut."""
        if not by_times and not self._are_mixed:
            found = impossible(operations, self.model.initial(), self._step, self.budget.in_time)
            if found or by_times is False:
                return found
        known = [o for _, o in told_of(self.model, operations)]
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
        limit, used = self.done[node >> 1].end or 0, self._used
        if self._have_reach and not self._is_within_reach(state):
            self._note(state, limit)
            return
        for number in self._next_ones(limit):
            for after in self._step(state, self.done[number]):
                yield False, number, after
        self._note(state, limit)
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

    def _note(self, state: SequentialState, limit: int) -> None:
        """A return was not reached in a state."""
        if limit > self.limit:
            self.limit, self.states, self._reached = limit, {}, self._taken
        if limit == self.limit and len(self.states) < MOST_STATES_SHOWN:
            self.states[state] = None

    def _next_ones(self, limit: int) -> list[int]:
        """What may take effect next and changes something, what returns first before the others."""
        found = []
        node = self._next[self._head]
        while not node & 1:
            number = node >> 1
            if not (
                self._only_reads[number]
                or self._needs[number] & ~self._mask
                or (self._waits[number] and self._ends[number] != limit)
            ):
                found.append(number)
            node = self._next[node]
        found.sort(key=self._ends.__getitem__)
        if self._are_alike:
            first: dict[Hashable, int] = {}
            found = [n for n in found if self._alike[n] is None or first.setdefault(self._alike[n], n) == n]
        return found

    def _is_within_reach(self, state: SequentialState) -> bool:
        """Whether those that return next, of which the model says what it takes, can still return what they did."""
        node, under_way, asked = self._next[self._head], [], 0
        for _ in range(LOOK_AHEAD):
            if node == self._tail or asked == MOST_ASKED:
                break
            number = node >> 1
            if not node & 1:
                under_way.append(number)
            elif (reach := self._reach[number]) is not None:
                asked += 1
                limit = self.done[number].end or 0
                others = [self.done[n] for n in under_way if n != number]
                for n, o in enumerate(self.pending):
                    if o.call > limit:
                        break
                    if not self._used >> n & 1:
                        others.append(o)
                if not reach(state, others):
                    return False
            node = self._next[node]
        return True

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
