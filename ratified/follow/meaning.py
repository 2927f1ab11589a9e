"""What a binding answers, checked before it is believed: a mistake there is told at its own line, not blamed on the system.

Guarantees: a step that is tried is one of an action that the model has, with arguments of its types; what is compared with a
state is a place that the model has, and a value of the type that is there. Anything else is a BindingError.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from types import FunctionType
from typing import Any, Final, TypeAlias

from ratified.follow.binding import Binding, BindingError, Claim, Event, ObservedPlace, mistakes_told
from ratified.follow.steps import Attempt, Change, Do, Either, Holds, Refusal, Repeat
from ratified.language.errors import ModelError, Span
from ratified.language.given import typed
from ratified.language.machine import PythonMachine
from ratified.language.model import Model
from ratified.language.rules import Rules
from ratified.language.scope import Scope, running
from ratified.language.sorts import BoundLeft
from ratified.language.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    element_type,
    fit_of,
    names_in_bounds,
    resolved,
    values_of,
)
from ratified.language.values import quoted

Plain: TypeAlias = Mapping[str, frozenset[object]]
"""Of arguments by name their types, or the identities of their values, that need no closer look."""

MOST_REMEMBERED: Final = 10_000


class Room(Enum):
    """Whether the arguments of a step are within the bounds that an action declares."""

    WITHIN = "within"
    OUTSIDE = "outside"  # of bounds that are the action's own
    TOO_SMALL = "too small"  # outside of bounds that the size of the model sets


_ROOM: Final = (Room.WITHIN, "")
_WITHOUT_KEYS: Final = (NoneType, BoolType, IntType, EnumType, SortType, SetType)


class Meaning:
    """Checks the answers of one binding, for one machine."""

    def __init__(self, binding: Binding, machine: PythonMachine) -> None:
        self._binding = binding
        self._machine = machine
        self._scope = machine.model.scope
        self._actions = {a.name: {x.name: x.type for x in a.arguments} for a in machine.actions}
        self._variables = {d.name: d.type for d in machine.module.variables}
        self._bounds = {
            action: {
                name: (
                    fit_of(resolved(t, self._scope), name),
                    Room.TOO_SMALL if names_in_bounds(t) else Room.OUTSIDE,
                )
                for name, t in arguments.items()
            }
            for action, arguments in self._actions.items()
        }
        """A check of each argument of each action, if its type has bounds, and what it is to leave them."""
        self.bounded = {
            action for action, bounds in self._bounds.items() if any(fit for fit, _ in bounds.values())
        }
        """The actions that have such arguments."""
        self.plain = {
            action: {name: _plain(t, self._scope) for name, t in arguments.items()}
            for action, arguments in self._actions.items()
        }
        """Of each argument of each action what it may be that needs no closer look."""
        self.keys = [
            _plain(d.type.key, self._scope) if isinstance(d.type, MapType) else frozenset()
            for d in machine.module.variables
        ]
        """Of each variable that is a map what its keys may be, as for arguments: an equal number is none."""
        self._places: set[tuple[Any, ...]] = set()
        self._methods: dict[str, range] = {}  # how many arguments a method of the model takes

    def check_steps(self, event: Event, steps: object) -> None:
        """That an event means steps of the model. Raises BindingError."""
        kind = type(steps)
        if kind is Do:
            self._check_step(event, steps)  # type: ignore[arg-type]  # here and below: its type was looked at, quickly
        elif kind is tuple:
            for one in steps:  # type: ignore[attr-defined]
                if type(one) is Do:
                    self._check_step(event, one)
                else:
                    self.check_steps(event, one)
        elif kind is Either:
            self.check_steps(event, steps.ways)  # type: ignore[attr-defined]
        elif kind is Repeat:
            self.check_steps(event, steps.steps)  # type: ignore[attr-defined]
        elif kind is Attempt or kind is Refusal:
            self._check_attempted(event, steps.step)  # type: ignore[attr-defined]
        elif kind is Holds:
            self._check_asked(event, steps)  # type: ignore[arg-type]
        elif kind is not Change:
            method = f"on_{event.action}"
            raise self._wrong(
                method,
                f"{self._name}.{method} returns {quoted(steps)}, which is not a step",
                'return do("action", ...), or () if nothing happens',
            )

    @property
    def _name(self) -> str:
        return type(self._binding).__name__

    def _wrong(self, method: str, problem: str, remedy: str) -> BindingError:
        return BindingError(problem, span=method_span(type(self._binding), method), remedy=remedy)

    def _check_asked(self, event: Event, asked: Holds) -> None:
        """What is to hold is asked of a method of the model, with as many arguments as it takes."""
        method = getattr(type(self._machine.model), asked.method, None)
        known = self._methods.get(asked.method)
        if known is None:
            known = self._methods[asked.method] = _taken_by(method)
        if len(asked.arguments) in known:
            return
        name, model = asked.method, self._machine.module.name
        if method is None:
            told = f"asks {name!r}, which is not a method of {model}"
        else:
            _, *names = inspect.signature(method).parameters
            told = f"asks {asked}, but the arguments of {model}.{name} are: {', '.join(names) or 'none'}"
        raise self._wrong(
            f"on_{event.action}",
            f"{self._name} {told}",
            f"holds(...) has the name of a method of {model}, and its arguments",
        )

    def _check_attempted(self, event: Event, step: object) -> None:
        """What is attempted or refused is one step: of several there would be no saying which was not possible."""
        if not isinstance(step, Do):
            method = f"on_{event.action}"
            raise self._wrong(
                method,
                f"{self._name}.{method} attempts {quoted(step)}, which is not one step",
                'give one step: attempt(do("action", ...)), refused(do("action", ...))',
            )
        self._check_step(event, step)

    def _check_step(self, event: Event, step: Do) -> None:
        plain = self.plain.get(step.action)
        if plain is not None:
            for name, value in step.arguments.items():
                known = plain.get(name)
                if known is None or not (id(value) in known or type(value) in known):
                    break
            else:
                return
        self._look_closer(f"on_{event.action}", step)

    def _look_closer(self, method: str, step: Do) -> None:
        wanted = self._actions.get(step.action)
        if wanted is None:
            raise self._wrong(
                method,
                f"{self._name} takes {step.action!r}, which is not an action of {self._machine.module.name}",
                f"its actions: {', '.join(self._actions)}",
            )
        for name, value in step.arguments.items():
            if name not in wanted:
                raise self._wrong(
                    method,
                    f"{self._name} takes {step.action} with {name}",
                    f"its arguments: {', '.join(wanted) or 'none'}",
                )
            if not self._is(wanted[name], value):
                raise self._wrong(
                    method,
                    f"{self._name} takes {step} where {name} is {_kind(value)}, not {wanted[name]}",
                    _remedy(wanted[name]),
                )

    def fits(self, action: str) -> tuple[tuple[str, Callable[[Any], None]], ...]:
        """The arguments of an action that have bounds, each with a check of them, which raises BoundLeft."""
        return tuple((name, fit) for name, (fit, _) in self._bounds[action].items() if fit)

    def room(self, step: Do) -> tuple[Room, str]:
        """Whether a step's arguments are within their bounds, and which are not."""
        if step.action not in self.bounded:
            return _ROOM
        found, what = Room.WITHIN, ""
        bounds = self._bounds[step.action]
        for name, value in step.arguments.items():
            fit, room = bounds[name]
            try:
                if fit:
                    fit(value)
            except BoundLeft as left:
                found, what = room, f"{step.action} exceeds {left.what}"
                if found is Room.OUTSIDE:
                    break
        return found, what

    def check_observed(self, observed: object) -> None:
        """That what is observed are places of the model. Raises BindingError."""
        if not isinstance(observed, Mapping):
            raise self._wrong(
                "observe",
                f"{self._name}.observe returns {quoted(observed)}, not what was observed",
                'return {("variable", key): value}, or {} for nothing',
            )
        for place in observed:
            self.check_place(place)

    def check_place(self, place: Any) -> None:
        """That a place is one of the model. Raises BindingError."""
        # A key of one type may equal one of another.
        known = (place, *map(type, place)) if type(place) is tuple else ()
        if known not in self._places:
            self._check_place(place)
            if len(self._places) < MOST_REMEMBERED:
                self._places.add(known)

    def _check_place(self, place: Any) -> None:
        if not (isinstance(place, tuple) and place and isinstance(place[0], str)):
            raise self._wrong(
                "observe",
                f"{self._name} observes {quoted(place)}, which is not a place",
                'a place is a tuple of a variable and keys: ("granted",) or ("log", n1)',
            )
        name, *keys = place
        if isinstance(name, Claim):
            return
        declared = self._variables.get(name)
        if declared is None:
            if callable(getattr(type(self._machine.model), name, None)):
                return  # a method of the model, whose arguments are its own matter
            raise self._wrong(
                "observe",
                f"{self._name} observes {name!r}, which {self._machine.module.name} does not have",
                f"its variables: {', '.join(self._variables)}",
            )
        for key in keys:
            if isinstance(declared, _WITHOUT_KEYS):
                raise self._wrong(
                    "observe",
                    f"{self._name} observes {quoted(place)}, but {declared} has no keys",
                    f"keys are those of maps: ({quoted(name)},) is the whole variable",
                )
            if not isinstance(declared, MapType | SeqType):
                break
            if isinstance(declared, MapType) and not self._is(declared.key, key):
                raise self._wrong(
                    "observe",
                    f"{self._name} observes {quoted(place)}, where {quoted(key)} is {_kind(key)}, not {declared.key}",
                    _remedy(declared.key),
                )
            declared = declared.value if isinstance(declared, MapType) else declared.item

    def check_value(self, place: ObservedPlace, seen: object, there: object) -> None:
        """That a value that was observed is of the kind of what the model has there. Raises BindingError."""
        name, *keys = place
        declared = self._variables.get(name)
        for _ in keys:
            match declared:
                case MapType(_, item) | SeqType(item):
                    declared = item
                case _:
                    return
        if declared is not None and not self._is(declared, seen, exactly=False):
            raise self._wrong(
                "observe",
                f"{self._name} observes {quoted(seen)} at {quoted(place)}: that is {_kind(seen)}, not {declared}",
                f"there it has {quoted(there)} now; {_remedy(declared)}",
            )

    def _is(self, declared: Type, value: object, *, exactly: bool = True) -> bool:
        """Whether a value is one of a type, or equal to one, whatever its bounds."""
        try:
            with running(self._scope):
                made = typed(declared, value, self._scope)
        except BoundLeft:
            return True
        except (TypeError, KeyError, ValueError, ModelError):
            return False
        return type(made) is type(value) if exactly else bool(made == value)


def _plain(t: Type, scope: Scope) -> frozenset[object]:
    """What a value of a type may be that needs no closer look: its own type, or its identity if there is one of each."""
    return _PLAIN(t, scope)


_PLAIN: Rules[Scope, frozenset[object]] = Rules("values that need no closer look")


@_PLAIN.rule(NoneType, RecordType, UnionType, TupleType, MapType, SetType, BagType, SeqType)
def _(t: Type, _: Scope) -> frozenset[object]:
    return frozenset()


@_PLAIN.rule(IntType)
def _(t: IntType, _: Scope) -> frozenset[object]:
    return frozenset({int})


@_PLAIN.rule(BoolType)
def _(t: BoolType, _: Scope) -> frozenset[object]:
    return frozenset({bool})


@_PLAIN.rule(EnumType)
def _(t: EnumType, _: Scope) -> frozenset[object]:
    return frozenset(map(id, t.enum))


@_PLAIN.rule(SortType)
def _(t: SortType, scope: Scope) -> frozenset[object]:
    with running(scope):
        return frozenset(map(id, values_of(t, scope)))


@_PLAIN.rule(OptionalType)
def _(t: OptionalType, scope: Scope) -> frozenset[object]:
    return _plain(t.item, scope) | {id(None)}


def _taken_by(method: object) -> range:
    """How many arguments a method takes; none at all if it is no method."""
    if not isinstance(method, FunctionType):
        return range(sys.maxsize if callable(method) else 0)
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return range(sum(p.default is p.empty for p in parameters), len(parameters) + 1)


def checked_model(binding: Binding) -> Model:
    """The model of a binding. Raises BindingError if that is none."""
    with mistakes_told(type(binding), "model"):
        model: object = binding.model()
    if isinstance(model, Model):
        return model
    name = type(binding).__name__
    instead = (
        f"an instance of it, {model.__name__}(...)" if isinstance(model, type) else "an instance of a model"
    )
    raise BindingError(
        f"{name}.model returns {model.__name__ if isinstance(model, type) else quoted(model)}, which is not a model",
        span=method_span(type(binding), "model"),
        remedy=f"return {instead}",
    )


def method_span(cls: type, method: str | None) -> Span | None:
    """Where a method is written; without one, where the class is."""
    function = inspect.unwrap(getattr(cls, method, cls)) if method else cls
    words = f"def {method}" if method else f"class {cls.__name__}"
    try:
        lines, first = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function)
    except (OSError, TypeError):
        return None
    for number, line in enumerate(lines, start=first):
        if (column := line.find(words)) >= 0 and file:
            return Span(file, number, column, number, column + len(words))
    return None


def _kind(value: object) -> str:
    """What a value is, in the words of the language."""
    for kind, name in ((bool, "a truth value"), (str, "a text")):
        if isinstance(value, kind):
            return name
    if value is None:
        return "None"
    return "a number" if type(value) in (int, float) else f"a {type(value).__name__}"


def _remedy(t: Type) -> str:
    match t:
        case SortType(sort):
            name = sort.__name__
            return f"make one of a name: Names({name}, how_many)(name), or of a number: {name}(0)"
        case OptionalType(SortType(sort)):
            return f"make one of a name that may be None: Names({sort.__name__}, how_many).maybe(name)"
    if element_type(t) is not None:
        return f"make one: {str(t).partition('[')[0]}(...)"
    return f"make it one of {t}"
