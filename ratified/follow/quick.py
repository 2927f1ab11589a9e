"""The usual event, followed by a short way: one state explains what was seen before it, and its steps lead to one state.

Guarantees: a state that is found is the only one that `Tracker` would find; the steps on the way to it were checked as `Meaning`
does, break no claim that is asked at every step, and are counted alike. None says nothing at all: `Tracker` has to look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ratified.follow.binding import Event, Observed, ObservedPlace
from ratified.follow.claims import ClaimChecker
from ratified.follow.direct.machine import DirectMachine, Written
from ratified.follow.direct.writer import OddError
from ratified.follow.meaning import MOST_REMEMBERED, Meaning, Plain
from ratified.follow.steps import Attempt, Do, Either, Holds, Refusal, Steps
from ratified.language.machine import Values

_ALL: Final = object()


class Places(Protocol):
    """What a state has at a place."""

    claims: ClaimChecker
    variables: dict[str, int]

    def value(self, state: Values, place: ObservedPlace) -> Any:
        """See Tracker."""


class Quick:
    """A short way through the steps of events, for one machine, within its scope. `taken` are the actions that were possible."""

    def __init__(self, places: Places, machine: DirectMachine, meaning: Meaning) -> None:
        self._functions = machine.functions
        self._meaning = meaning
        self._broken = machine.broken if places.claims.every == 1 else _nothing
        self._actions: dict[str, _Checked] = {}
        self._places = places
        self._looked_up: dict[
            ObservedPlace, tuple[int, object]
        ] = {}  # variables, and their keys that equal no other
        self._asked: dict[str, Written | None] = {}  # methods that were looked up as places
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
        kind = type(steps)
        if kind is tuple:
            found: Values | None = state
            rest = iter(steps)  # type: ignore[arg-type]  # here and below: `kind`
            for one in rest:
                found = self._lead(event, one, found)  # type: ignore[arg-type]  # not None
                if found is None:
                    self._meaning.check_steps(
                        event, tuple(rest)
                    )  # what comes after something impossible, too
                    return None
            return found
        if kind is Do:
            step: Do = steps  # type: ignore[assignment]
            after = self._possible(event, step, state)
            if after is None or self._broken(after, state):  # type: ignore[misc]  # there is one: `lead` has looked
                return None
            self.taken.append(step.action)
            return after
        if kind is Holds:
            asked = self._functions[steps.method]  # type: ignore[union-attr]
            if asked is None:
                raise OddError
            return state if asked(state, *steps.arguments) == steps.expected else None  # type: ignore[union-attr]
        if kind is Either:
            only: Values | None = None
            for way in steps.ways:  # type: ignore[union-attr]
                found = self._lead(event, way, state)
                if found is not None:
                    if only is not None and found is not only and found != only:
                        raise OddError
                    only = found
            return only
        if kind is Refusal:
            return state if self._possible(event, steps.step, state) is None else None  # type: ignore[union-attr]
        if kind is Attempt:
            if self._possible(event, steps.step, state) is None:  # type: ignore[union-attr]
                return state
            return self._lead(event, steps.step, state)  # type: ignore[union-attr]
        raise OddError

    def _possible(self, event: Event, step: Do, state: Values) -> Values | None:
        """Where an action leads, whatever claims say of that; None if it is not possible. Raises BindingError, and others."""
        known = self._actions.get(step.action) or self._known(step.action)
        given, plain = step.arguments, known.plain
        if len(given) != len(plain):
            raise OddError
        for name, value in given.items():
            may_be = plain[name]
            if not (id(value) in may_be or type(value) in may_be):
                self._meaning.check_steps(event, step)
                break
        for name, fit in known.bounds:
            fit(given[name])
        found: Values | None = known.function(state, **given)
        return found

    def _known(self, action: str) -> _Checked:
        function = self._functions[action]
        if function is None:
            raise OddError
        made = self._actions[action] = _Checked(
            function, self._meaning.plain[action], self._meaning.fits(action)
        )
        return made

    def shows(self, state: Values, observed: Observed) -> bool:
        """Whether a state is as was observed. Raises BindingError for what is no place, or no value of what is there."""
        known = self._looked_up
        for place, seen in observed.items():
            try:
                at = known.get(place)
            except TypeError:  # not to be hashed
                at = None
            if at is None:
                there = self._look_up(state, place)
            else:
                index, key = at
                if key is _ALL:
                    there = state[index]
                elif key is place[1]:  # and no equal number
                    there = state[index]._data[key]
                else:
                    there = self._look_up(state, place)
            if there is not seen:
                if there != seen:
                    return False
                if type(there) is not type(seen):
                    self._meaning.check_value(place, seen, there)
        return True

    def _look_up(self, state: Values, place: ObservedPlace) -> Any:
        """What a state has at a place. Most are a variable, or one key of it: these will be looked up without a call."""
        index = self._places.variables.get(place[0]) if type(place) is tuple and place else None
        if index is not None and len(self._looked_up) < MOST_REMEMBERED:
            if len(place) == 1:
                self._looked_up[place] = index, _ALL
                return state[index]
            if len(place) == 2 and id(place[1]) in self._meaning.keys[index]:
                self._looked_up[place] = index, place[1]
                return state[index]._data[place[1]]
        if index is None and type(place) is tuple and place and type(place[0]) is str:
            asked = self._asked.get(place[0])
            if asked is not None:
                try:
                    return asked(state, *place[1:])
                except Exception:  # noqa: BLE001, S110  # whatever it is, the reference says what is wrong
                    pass
        self._meaning.check_place(place)
        if index is None:
            self._asked[place[0]] = self._functions[place[0]]
        return self._places.value(state, place)


@dataclass(frozen=True, slots=True)
class _Checked:
    """An action, and how its arguments are checked."""

    function: Written
    plain: Plain
    bounds: tuple[tuple[str, Callable[[Any], None]], ...]


def _nothing(_after: Values, _before: Values) -> None:
    """What is asked where claims are not asked of steps."""
