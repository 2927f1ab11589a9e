"""A run that was met with by chance, made small: steps that are not needed left out, the rest put in a readable order.

Delta debugging over steps (Zeller & Hildebrandt, "Simplifying and isolating failure-inducing input", 2002): stretches of steps
are left out, halves first, single steps last, as long as what is left still goes wrong. Of what is left the fewest steps are
taken, breadth first. Then steps that commute are reordered, so that the subject changes as seldom as may be
(`ratified.results.plainest`).

Guarantees: the reference machine takes every step of what is returned, and the run goes wrong in its last state or step and not
before; no steps can be left out (unless the budget was spent); reordering keeps the last state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, pairwise

from ratified.language.machine import OutOfBounds, PythonMachine, StepError, Values
from ratified.results.plainest import RunStep, subject_of, turns

MOST_REPLAYED = 50_000
"""So many steps are taken again, at most, to make a run small."""

FailsAgain = Callable[[Values, Values], bool | None]
"""What a step from one state to another shows: True if what went wrong, None if something else that a run must not pass."""


class _Spent(Exception):
    """The budget is spent: what is there by now will do."""


class Minimizer:
    """Makes runs of one machine small. `tick` is called now and then, and may raise."""

    def __init__(
        self, machine: PythonMachine, wrong: FailsAgain, tick: Callable[[], object] = lambda: None
    ) -> None:
        self._machine = machine
        self._wrong = wrong
        self._tick = tick
        self._left = MOST_REPLAYED
        self._names = tuple(a.name for a in machine.actions)
        self._parameters = tuple(tuple(p.name for p in a.arguments) for a in machine.actions)

    def minimal(self, start: Values, steps: Sequence[RunStep]) -> list[RunStep]:
        """A run from the same state that goes wrong in the same way, with as few of these steps as can be had easily."""
        self._best = list(steps)
        try:
            self._shorten(start)
            self._take_fewest(start)
            self._reorder(start)
        except _Spent:
            pass
        return self._best

    def _shorten(self, start: Values) -> None:
        size = max(len(self._best) // 2, 1)
        while True:
            at, before = 0, len(self._best)
            while at < len(self._best):
                shorter = self._replayed(start, [*self._best[:at], *self._best[at + size :]])
                if shorter is None:
                    at += size
                else:
                    self._best = shorter
            if size == 1 and len(self._best) == before and not self._leave_two_out(start):
                return
            size = max(size // 2, 1)

    def _leave_two_out(self, start: Values) -> bool:
        """Leave out two steps of which neither can go alone (what one does the other undoes), if there are such."""
        for first, second in combinations(range(len(self._best)), 2):
            kept = [step for k, step in enumerate(self._best) if k not in (first, second)]
            if (shorter := self._replayed(start, kept)) is not None:
                self._best = shorter
                return True
        return False

    def _take_fewest(self, start: Values) -> None:
        """Of all runs that some of the steps make, in their order, take a shortest; at most half of the budget goes into that."""
        enough = self._left // 2
        earliest = {start: 0}  # by state: the first of the steps that may come next
        level: dict[Values, tuple[int, list[RunStep]]] = {start: (0, [])}
        for _ in range(len(self._best) - 1):
            reached: dict[Values, tuple[int, list[RunStep]]] = {}
            for state, (begin, taken) in level.items():
                for at in range(begin, len(self._best)):
                    if self._left < enough:
                        return
                    action, arguments, _ = self._best[at]
                    after, wrong = self._step(state, action, arguments)
                    if after is None or wrong is None:
                        continue
                    run = [*taken, (action, arguments, after)]
                    if wrong:
                        self._best = run
                        return
                    if earliest.get(after, len(self._best)) > at + 1:
                        earliest[after] = at + 1
                        reached[after] = at + 1, run
            level = reached

    def _reorder(self, start: Values) -> None:
        """Move single steps forward, while that changes the subject less often and ends in the same state."""
        improved = True
        while improved:
            improved = False
            for at in range(1, len(self._best)):
                for to in range(at):
                    moved = [*self._best[:to], self._best[at], *self._best[to:at], *self._best[at + 1 :]]
                    if changes_of_subject(moved) >= changes_of_subject(self._best):
                        continue
                    taken = self._replayed(start, moved)
                    if taken is not None and len(taken) == len(moved) and taken[-1][2] == self._best[-1][2]:
                        self._best = taken
                        improved = True

    def _replayed(self, start: Values, steps: Sequence[RunStep]) -> list[RunStep] | None:
        """The same steps from a state, up to where it goes wrong; None if one is not possible, or it does not go wrong."""
        state = start
        taken: list[RunStep] = []
        for action, arguments, _ in steps:
            after, wrong = self._step(state, action, arguments)
            if after is None or wrong is None:
                return None
            taken.append((action, arguments, after))
            if wrong:
                return taken
            state = after
        return None

    def _step(self, state: Values, action: int, arguments: Values) -> tuple[Values | None, bool | None]:
        """The state after a step, None if it is not possible; and what it shows."""
        self._tick()
        self._left -= 1
        if self._left < 0:
            raise _Spent
        after = self._after(state, action, arguments)
        if after is None:
            return None, None
        try:
            return after, self._wrong(state, after)
        except StepError:
            return after, None

    def _after(self, state: Values, action: int, arguments: Values) -> Values | None:
        given = dict(zip(self._parameters[action], arguments, strict=True))
        try:
            found = self._machine.take(state, self._names[action], given)
        except StepError:
            return None
        return next((after for _, after in found if not isinstance(after, OutOfBounds)), None)


def changes_of_subject(steps: Sequence[RunStep]) -> int:
    """How often, and how much, the steps of a run change the subject."""
    return sum(turns(a, b) for a, b in pairwise(subject_of(arguments) for _, arguments, _ in steps))
