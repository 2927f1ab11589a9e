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
        self._machine = machine
        self._functions = machine.functions
        self._meaning = meaning
        self._broken = machine.broken if places.claims.every == 1 else _nothing
        self._actions: dict[str, _Checked] = {}
        self._places = places
        # A variable, or a method, and the one key or argument, which equals no other value.
        self._looked_up: dict[ObservedPlace, tuple[int, Any, Written | None]] = {}
        self._keys = frozenset[object]().union(*meaning.keys)
        self.taken: list[str] = []

    def lead(self, event: Event, steps: Steps, state: Values) -> Values | None:
        """The one state that steps lead to; None if there is none, or if it is not as simple as that."""
        if self._broken is None:
            return None
        self.taken = []
        try:
            return self._lead(event, steps if type(steps) is tuple else (steps,), state)
        except Exception:  # noqa: BLE001  # whatever it is, it comes again where it is dealt with
            return None

    def _lead(self, event: Event, steps: tuple[Steps, ...], state: Values) -> Values | None:
        """The one state, None if there is none. Raises exceptions of any kind if it is not as simple as that."""
        found: Values | None
        for number, one in enumerate(steps, 1):
            kind = type(one)
            if kind is Holds:
                asked = self._functions[one.method]  # type: ignore[union-attr]  # here and below: `kind`
                if asked is None:
                    raise OddError
                found = state if asked(state, *one.arguments) == one.expected else None  # type: ignore[union-attr]
            elif kind is Do:
                found = self._taken(event, one, state)  # type: ignore[arg-type]
            elif kind is Either:
                found = self._only(event, one.ways, state)  # type: ignore[union-attr]
            elif kind is tuple:
                found = self._lead(event, one, state)  # type: ignore[arg-type]
            elif kind is Refusal:
                found = state if self._possible(event, one.step, state) is None else None  # type: ignore[union-attr]
            elif kind is Attempt:
                found = state
                if self._possible(event, one.step, state) is not None:  # type: ignore[union-attr]
                    found = self._taken(event, one.step, state)  # type: ignore[union-attr]
            else:
                raise OddError
            if found is None:
                if number < len(steps):  # what comes after something impossible is checked, too
                    self._meaning.check_steps(event, steps[number:])
                return None
            state = found
        return state

    def _only(self, event: Event, ways: tuple[Steps, ...], state: Values) -> Values | None:
        """The one state that ways lead to. Raises OddError if there are several."""
        only: Values | None = None
        for way in ways:
            found = self._lead(event, way if type(way) is tuple else (way,), state)
            if found is not None:
                if only is not None and found is not only and found != only:
                    raise OddError
                only = found
        return only

    def _taken(self, event: Event, step: Do, state: Values) -> Values | None:
        """Where an action leads that breaks no claim."""
        after = self._possible(event, step, state)
        if after is None or self._broken(after, state):  # type: ignore[misc]  # there is one: `lead` has looked
            return None
        self.taken.append(step.action)
        return after

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
        known = self._looked_up if self._machine.trusting else {}
        for place, seen in observed.items():
            at = known.get(place)
            if at is None:
                there = self._look_up(state, place)
            else:
                index, key, asked = at
                if asked is not None:
                    try:
                        there = asked(state, key) if key is place[1] else self._look_up(state, place)
                    except Exception:  # noqa: BLE001  # whatever it is, the reference says what is wrong
                        there = self._places.value(state, place)
                elif key is _ALL:
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
        """What a state has at a place. A variable or method, with one key or none, will be looked up without a call."""
        self._meaning.check_place(place)
        name, *keys = place
        index = self._places.variables.get(name)
        if index is None:
            asked = self._functions[name] if type(name) is str else None
            if asked is None or not self._machine.trusting:
                return self._places.value(state, place)
            if len(keys) == 1 and id(keys[0]) in self._keys and len(self._looked_up) < MOST_REMEMBERED:
                self._looked_up[place] = 0, keys[0], asked
            try:
                return asked(state, *keys)
            except Exception:  # noqa: BLE001  # whatever it is, the reference says what is wrong
                return self._places.value(state, place)
        if len(self._looked_up) < MOST_REMEMBERED:
            if not keys:
                self._looked_up[place] = index, _ALL, None
            elif len(keys) == 1 and id(keys[0]) in self._meaning.keys[index]:
                self._looked_up[place] = index, keys[0], None
        return self._places.value(state, place)


@dataclass(frozen=True, slots=True)
class _Checked:
    """An action, and how its arguments are checked."""

    function: Written
    plain: Plain
    bounds: tuple[tuple[str, Callable[[Any], None]], ...]


def _nothing(_after: Values, _before: Values) -> None:
    """What is asked where claims are not asked of steps."""
