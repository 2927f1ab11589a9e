"""The usual event, followed by a short way: one state explains what was seen before it, and its steps lead to one state.

Guarantees: a state that is found is the only one that `Tracker` would find; the steps on the way to it were checked as `Meaning`
does, break no claim that is asked at every step, and are counted alike. None says nothing at all: `Tracker` has to look.
"""

from __future__ import annotations

from ratified.follow.binding import Event
from ratified.follow.claims import ClaimChecker
from ratified.follow.direct.machine import DirectMachine, Written
from ratified.follow.direct.writer import OddError
from ratified.follow.meaning import Meaning, Plain, Room
from ratified.follow.steps import Attempt, Do, Either, Holds, Refusal, Steps
from ratified.language.machine import Values


class Quick:
    """A short way through the steps of events, for one machine, within its scope. `taken` are the actions that were possible."""

    def __init__(self, machine: DirectMachine, meaning: Meaning, claims: ClaimChecker) -> None:
        self._functions = machine.functions
        self._meaning = meaning
        self._broken = machine.broken if claims.every == 1 else _nothing
        self._actions: dict[str, tuple[Written, Plain, bool]] = {}
        self.taken: list[str] = []

    def lead(self, event: Event, steps: Steps, state: Values) -> Values | None:
        """The one state that steps lead to; None if there is none, or if it is not as simple as that."""
        if self._broken is None:
            return None
        self.taken = []
        try:
            return self._lead(event, steps, state)
        except Exception:  # noqa: BLE001  # whatever it is, it comes again where it is dealt with
            return None

    def _lead(self, event: Event, steps: Steps, state: Values) -> Values | None:
        """The one state, None if there is none. Raises exceptions of any kind if it is not as simple as that."""
        if isinstance(steps, Do):
            return self._take(event, steps, state)
        if isinstance(steps, tuple):
            for one in steps:
                found = (
                    self._take(event, one, state) if isinstance(one, Do) else self._lead(event, one, state)
                )
                if found is None:
                    return None
                state = found
            return state
        if isinstance(steps, Holds):
            asked = self._functions[steps.method]
            if asked is None:
                raise OddError
            return state if asked(state, *steps.arguments) == steps.expected else None
        if isinstance(steps, Refusal):
            return state if self._after(event, steps.step, state) is None else None
        if isinstance(steps, Attempt):
            possible = self._after(event, steps.step, state) is not None
            return self._take(event, steps.step, state) if possible else state
        if isinstance(steps, Either):
            self._meaning.check_steps(event, steps)  # what comes after something impossible, too
            only: Values | None = None
            for way in steps.ways:
                found = self._lead(event, way, state)
                if found is not None:
                    if only is not None and found is not only and found != only:
                        raise OddError
                    only = found
            return only
        raise OddError

    def _take(self, event: Event, step: Do, state: Values) -> Values | None:
        after = self._after(event, step, state)
        if after is None or self._broken(after, state):  # type: ignore[misc]  # there is one: `lead` has looked
            return None
        self.taken.append(step.action)
        return after

    def _after(self, event: Event, step: Do, state: Values) -> Values | None:
        """Where an action leads, whatever claims say of that; None if it is not possible."""
        function, plain, bounded = self._actions.get(step.action) or self._known(step.action)
        given = step.arguments
        if len(given) != len(plain):
            raise OddError
        for name, value in given.items():
            if not (id(value) in plain[name] or type(value) in plain[name]):
                self._meaning.check_steps(event, step)
                break
        if bounded and self._meaning.room(step)[0] is not Room.WITHIN:
            raise OddError
        found: Values | None = function(state, **given)
        return found

    def _known(self, action: str) -> tuple[Written, Plain, bool]:
        function, plain = self._functions[action], self._meaning.plain[action]
        if function is None:
            raise OddError
        found = self._actions[action] = (function, plain, action in self._meaning.bounded)
        return found


def _nothing(_after: Values, _before: Values) -> None:
    """What is asked where claims are not asked of steps."""
