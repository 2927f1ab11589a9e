"""What must be so of a history that is linearizable, looked at first since it takes no search.

One walk along the history keeps the states that the object may be in, more of them than it may: of each state it is remembered of
every operation under way whether it may have taken effect before that state, and whether it may not have, but not together with
which others. An operation that returns must have taken effect; where no state is left, the history is not linearizable. So are
found values that nobody wrote, and values that were overwritten before they were read.

Guarantees: an operation that is found cannot have returned what it did, whatever the order. None says nothing: the search
decides. Memory and time are bounded by the length of the history times a constant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ratified.follow.linearizability.history import Operation
from ratified.follow.linearizability.models import SequentialState

MOST_POSSIBLE: Final = 1_000
STEPS_FOR_EACH: Final = 100
"""On average, so many steps are looked at for an operation; a history that needs more is left to the search."""

StepFunction = Callable[[SequentialState, Operation], Sequence[SequentialState]]


@dataclass(frozen=True, slots=True)
class Impossible:
    """An operation that cannot have returned what it did, and states that the object may have been in then."""

    operation: Operation
    position: int
    states: tuple[SequentialState, ...]
    by_times: bool = False
    """Whether it is what comes first that cannot be."""


def impossible(
    operations: Sequence[Operation], initial: SequentialState, step: StepFunction, in_time: Callable[[], None]
) -> Impossible | None:
    """The first operation of a part that cannot have returned what it did, as far as this tells.

    What an operation returns is used before it does. `in_time` is called now and then, and may raise.
    """
    ends = [(o.end, n) for n, o in enumerate(operations) if o.end is not None]
    events = sorted([*((o.call, n) for n, o in enumerate(operations)), *ends])
    possible = _Possible(
        operations, step, {initial: (0, 0)}, STEPS_FOR_EACH * (len(operations) + MOST_POSSIBLE)
    )
    for position, number in events:
        in_time()
        if operations[number].call == position:
            if not possible.called(number):
                return None
        elif not possible.returned(number):
            return Impossible(operations[number], position, possible.shown)
    return None


def never_in_time(
    operations: Sequence[Operation], precedes: Iterable[tuple[Operation, Operation]]
) -> list[Operation]:
    """Those that cannot have taken effect by the time they returned.

    Others come first that are called too late, or wait for them. Where there are none, there are times for all that agree.
    """
    later: dict[int, list[Operation]] = {id(o): [] for o in operations}
    waits_for = Counter[int]()
    for one, other in precedes:
        later[id(one)].append(other)
        waits_for[id(other)] += 1
    earliest = {id(o): o.call for o in operations}
    ready = [o for o in operations if not waits_for[id(o)]]
    for one in ready:
        for other in later[id(one)]:
            earliest[id(other)] = max(earliest[id(other)], earliest[id(one)])
            waits_for[id(other)] -= 1
            if not waits_for[id(other)]:
                ready.append(other)
    return [o for o in operations if o.end is not None and (waits_for[id(o)] > 0 or earliest[id(o)] > o.end)]


class _Possible:
    """The states, each with the operations under way that may not have taken effect before it, and those that may, as bits."""

    def __init__(
        self,
        operations: Sequence[Operation],
        step: StepFunction,
        states: dict[SequentialState, tuple[int, int]],
        steps: int,
    ) -> None:
        self._operations = operations
        self._step = step
        self._states = states
        self._left = steps
        self._open: list[int] = []
        self.shown: tuple[SequentialState, ...] = ()

    def called(self, number: int) -> bool:
        """An operation is under way from here on; false where it is too much to look at."""
        self._open.append(number)
        bit = 1 << number
        self._states = {state: (before | bit, after) for state, (before, after) in self._states.items()}
        waiting = [(state, [number]) for state in self._states]
        while waiting:
            state, tried = waiting.pop()
            for one in tried:
                own = 1 << one
                before, after = self._states[state]
                if not before & own:
                    continue
                self._left -= 1
                if self._left < 0:
                    return False
                for to in self._step(state, self._operations[one]):
                    if self._add(to, before & ~own, after | own):
                        if len(self._states) > MOST_POSSIBLE:
                            return False
                        waiting.append((to, self._open))
        return True

    def _add(self, state: SequentialState, before: int, after: int) -> bool:
        """Whether this says more of a state than was known."""
        known = self._states.get(state)
        if known is not None:
            before, after = before | known[0], after | known[1]
        self._states[state] = before, after
        return known != (before, after)

    def returned(self, number: int) -> bool:
        """An operation returns: it has taken effect. False where it cannot have."""
        bit = 1 << number
        self._open.remove(number)
        self.shown = tuple(self._states)
        kept = {
            s: (before & ~bit, after & ~bit) for s, (before, after) in self._states.items() if after & bit
        }
        under_way = sum(1 << n for n in self._open)
        # A state from which an operation under way can neither have been left out nor have been done is none.
        self._states = {
            s: (before, after) for s, (before, after) in kept.items() if before | after == under_way
        }
        return bool(self._states)
