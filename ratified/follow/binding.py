"""Bindings: how what an implementation reports maps to its model. One small class for each pair; docs/conformance.md.

    class LockServer(Binding):
        unobserved = ("expire",)                            # may happen without a word

        def model(self) -> Model:
            return FencedLock(Client=8, Token=1000)

        def __init__(self) -> None:
            self.client = Names(Client, 8)

        def on_acquire(self, node: str, client: str, token: int) -> Steps:
            return do("acquire", c=self.client(client), t=Token(token))

        def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:
            return {("granted",): self.client.maybe(variables["granted"])}

Guarantees: an event that a binding does not know, or whose arguments are missing or of another type than the method's annotations
say, is an EventError before the binding sees it.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, ClassVar, Final, Generic, Protocol, TypeAlias, TypeVar

from ratified.follow.made import quickly_made
from ratified.follow.steps import Steps
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.machine.failures import where
from ratified.language.model import Model
from ratified.language.sorts import Sort

A = TypeVar("A")
S = TypeVar("S", bound=Sort)

ObservedPlace: TypeAlias = tuple[Any, ...]
"""A variable and keys of its maps, as in ("log", s1), or a method of the model that changes nothing, and its arguments."""

Observed: TypeAlias = Mapping[ObservedPlace, Any]
"""What an implementation shows, as values of the model."""


class Claim(str):
    """As a place in `observe`: a statement about the implementation alone, whose value must be True."""

    __slots__ = ()


class EventError(RatifiedError):
    """An invalid event: unknown, or with wrong arguments. The message has no line; the reader of the file adds it."""


class BindingError(EventError):
    """A binding that returns something invalid for its model; the message says where in the binding."""


class TooSmallError(RatifiedError):
    """The size that the binding gives its model is too small for what happened. The verdict is undecided."""


@quickly_made
@dataclass(frozen=True, slots=True)
class Event:
    """An event of an implementation. `variables` is what was observed after it; None: nothing.

    An event that is not `certain` may have been undone by a crash; both possibilities are tried. `line` is its line in a
    file, and `source` the file, if there are several; `clock` is the field by which several files are merged.
    """

    action: str
    arguments: Mapping[str, Any] = dataclass_field(default_factory=dict)
    node: str = ""
    variables: Mapping[str, Any] | None = None
    certain: bool = True
    line: int | None = None
    source: str | None = None
    clock: Any = None

    def __str__(self) -> str:
        asked = ", ".join(f"{n}={v}" for n, v in self.arguments.items())
        at = f"{self.node}: " if self.node else ""
        return f"{at}{self.action}({asked})"


class States(Protocol):
    """The states that explain what was observed, for `tidy_all`."""

    def ask(self, about: Callable[[Any], A]) -> list[A]:
        """Call a function with the model in each state, and return the results; it changes nothing."""

    def change(self, how: Callable[[Any], None]) -> None:
        """Change each state; `how` is called with the model."""


class Binding:
    """Derive from this to map the events of an implementation to steps of a model.

    A method `on_X` returns the steps that event X stands for. Its parameters are the event's arguments by name; `node` and
    `variables` are special. `observe` maps the variables of an event to places of the model. `unobserved` names actions that
    the model may take at any time without an event, at most `most_unobserved` of them between two events. `tidy`, called
    every 64 events, may remove from a state what can no longer matter, so that it does not grow with the run; use `tidy_all`
    if what to remove depends on all possible states.
    """

    system: ClassVar[str] = ""
    """What the heading of its traces says, if it says anything: `{"trace": "leases"}`. A trace of another system is refused."""
    unobserved: ClassVar[Sequence[str]] = ()
    most_unobserved: ClassVar[int] = 3
    duplicated: ClassVar[int] = 0
    """An event that is the same as one of so many before it may be that one, told twice: it may be nothing."""
    reordered: ClassVar[int] = 0
    """An event may have happened before others that stand up to so many places before it in its file."""
    dropped: int = 0
    """For reports: how many entries at the beginning of its logs the model no longer has; it counts from there."""

    def model(self) -> Model:
        """Return the model, at a size large enough for the whole run."""
        raise BindingError(
            f"{type(self).__name__} must implement model()",
            remedy="it returns the model, at a size large enough for every run",
        )

    def begin(self, heading: Mapping[str, Any]) -> None:
        """Read the heading of a trace, which may name the nodes, for example; empty if there is none."""

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - for those who override it
        """Return the values of the model's places that a node's variables show."""
        return {}

    def tidy(self, m: Any) -> None:
        """Remove from the model's variables what can no longer matter."""

    def tidy_all(self, states: States) -> None:
        """The same for all possible states, if what to remove must be the same in each."""
        if type(self).tidy is not Binding.tidy:
            states.change(self.tidy)

    def steps(self, event: Event) -> Steps:
        """Return the steps that an event stands for. Raises EventError."""
        handler = (_known.get(type(self)) or _handlers(type(self))).get(event.action)
        if handler is None:
            known = ", ".join(sorted(_handlers(type(self)))) or "none"
            raise EventError(
                f"{type(self).__name__} has no handler for the event {event.action!r}",
                remedy=f"known events: {known}",
            )
        return handler(self, event)

    def observed(self, event: Event) -> Observed:
        """Return what an event shows, as values of the model. Raises EventError."""
        if event.variables is None:
            return {}
        try:
            return self.observe(event.node, event.variables)
        except KeyError as missing:
            raise EventError(f"{event.action} does not report the variable {missing.args[0]!r}") from None
        except (EventError, TooSmallError):
            raise
        except (TypeError, ValueError, AttributeError, IndexError, RatifiedError) as problem:
            raise EventError(
                f"the variables of {event.action} cannot be interpreted: {problem}", remedy=raised_at(problem)
            ) from None


OF_EVENTS: Final = frozenset({"node", "variables"})
"""Parameters of handlers that are not arguments of the event."""


@dataclass(frozen=True, slots=True)
class _Handler:
    method: Callable[..., Steps]
    parameters: tuple[
        tuple[str, Any, tuple[type, ...], bool], ...
    ]  # name, annotation, types, whether it has a default
    takes_any: bool
    """Whether it is given the arguments that it does not name, too."""

    def steps(self, binding: Binding, event: Event) -> Steps:
        """What an event stands for, after a look at each of its arguments. Raises EventError."""
        values: dict[str, Any] = {}
        arguments = event.arguments
        for name, kind, allowed, optional in self.parameters:
            if name in arguments and name not in OF_EVENTS:
                value = arguments[name]
                if type(value) not in allowed and (
                    not isinstance(value, allowed) or (type(value) is bool and bool not in allowed)
                ):
                    raise EventError(f"{event.action} has {name} = {value!r:.60}, not {_told(kind)}")
                values[name] = value
            elif name == "node":
                values[name] = event.node
            elif name == "variables":
                values[name] = event.variables or {}
            elif not optional:
                raise EventError(
                    f"{event.action} has no {name!r}",
                    remedy=f"its arguments: {', '.join(n for n, *_ in self.parameters if n != 'node')}",
                )
        if self.takes_any:
            values = {n: v for n, v in arguments.items() if n not in OF_EVENTS} | values
        try:
            return self.method(binding, **values)
        except Exception as problem:  # noqa: BLE001  # of any kind: those that are nobody's matter go on from there
            raise without_steps(event, problem) from None


def without_steps(event: Event, problem: Exception) -> Exception:
    """What to raise where a handler raised this."""
    if isinstance(problem, EventError | TooSmallError):
        return problem
    if isinstance(problem, RatifiedError):
        return EventError(f"the arguments of {event.action} cannot be interpreted: {problem.message}")
    if isinstance(problem, KeyError | TypeError | ValueError | IndexError | AttributeError):
        what = f"{type(problem).__name__}: {problem}"
        return EventError(
            f"the arguments of {event.action} cannot be interpreted: {what}", remedy=raised_at(problem)
        )
    return problem


_CALL = """\
def call(binding, event):
    arguments = event.arguments
    try:
{looks_up}
    except KeyError:
        return slowly(binding, event)
    if {odd}:
        return slowly(binding, event)
    try:
        return method(binding, {given})
    except Exception as problem:
        raise without_steps(event, problem) from None
"""
"""Calls a handler whose arguments all have the very types that its annotations say. `slowly` deals with any other event."""


def _quick_call(handler: _Handler) -> Callable[[Binding, Event], Steps]:
    """The same as `handler.steps`, written for its parameters."""
    is_odd = any(optional or not name.isidentifier() for name, _, _, optional in handler.parameters)
    if is_odd or handler.takes_any:
        return handler.steps
    names: dict[str, Any] = {
        "method": handler.method,
        "slowly": handler.steps,
        "without_steps": without_steps,
    }
    looks_up, odd, given = ["        pass"], ["False"], []
    for number, (name, _, allowed, _) in enumerate(handler.parameters):
        own = {"node": "event.node", "variables": "event.variables or {}"}.get(name)
        given.append(f"{name}={own or f'a{number}'}")
        if own is None:
            looks_up.append(f"        a{number} = arguments[{name!r}]")
            if object not in allowed:
                names |= {f"t{number}_{n}": t for n, t in enumerate(allowed)}
                odd.append(" and ".join(f"type(a{number}) is not t{number}_{n}" for n in range(len(allowed))))
    exec(_CALL.format(looks_up="\n".join(looks_up), odd=" or ".join(odd), given=", ".join(given)), names)  # noqa: S102  # written here, of names of parameters
    made: Callable[[Binding, Event], Steps] = names["call"]
    return made


@contextmanager
def mistakes_told(cls: type, method: str) -> Iterator[None]:
    """Have what a method of a binding raises told as a mistake in it, with its place."""
    try:
        yield
    except (RatifiedError, MemoryError):
        raise
    except Exception as problem:  # noqa: BLE001  # it is a person's code, which may raise anything
        told = f"{cls.__name__}.{method} raises {type(problem).__name__}: {problem}"
        raise BindingError(told, remedy=raised_at(problem)) from None


def raised_at(problem: Exception) -> str:
    """The place in a binding where something was raised; empty if it was not there."""
    span = where(problem.__traceback__)
    return f"raised at {span}\n{span.excerpt()}" if span else ""


_known: dict[type, dict[str, Callable[[Any, Event], Steps]]] = {}


def _handlers(cls: type[Binding]) -> dict[str, Callable[[Any, Event], Steps]]:
    if cls not in _known:
        _known[cls] = {
            name.removeprefix("on_"): _quick_call(_handler(getattr(cls, name)))
            for name in dir(cls)
            if name.startswith("on_") and callable(getattr(cls, name))
        }
    return _known[cls]


def known_events(cls: type[Binding]) -> tuple[str, ...]:
    """The names of the events that a binding has handlers for."""
    return tuple(_handlers(cls))


def _handler(method: Callable[..., Steps]) -> _Handler:
    # What it returns is not looked at: the words of that annotation need not be imported where the binding is written.
    wanted = {n: a for n, a in getattr(method, "__annotations__", {}).items() if n != "return"}
    hints = typing.get_type_hints(
        type("_", (), {"__annotations__": wanted}), getattr(method, "__globals__", {})
    )
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return _Handler(
        method,
        tuple(
            (
                p.name,
                kind := hints.get(p.name, object),
                _types_of(kind),
                p.default is not inspect.Parameter.empty,
            )
            for p in parameters
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ),
        any(p.kind is p.VAR_KEYWORD for p in parameters),
    )


def _types_of(kind: Any) -> tuple[type, ...]:
    """The types that values of an annotation have, as far as JSON has them; without `bool`, which is asked for by name."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return tuple(t for k in typing.get_args(kind) for t in _types_of(k))
    plain = origin or kind
    if plain is None:
        return (type(None),)
    if plain is Any or plain is object or not isinstance(plain, type):
        return (object, bool)
    if plain is float:
        return (int, float)
    if issubclass(plain, Sequence) and plain is not str:
        return (list, tuple)
    return (plain,)


def _told(kind: Any) -> str:
    if kind is int:
        return "a number"
    if kind is str:
        return "text"
    if kind is bool:
        return "true or false"
    return getattr(kind, "__name__", None) or str(kind)


class Names(Generic[S]):
    """Maps names of an implementation to values of a sort: the names given, in order, or each new name to the next value.

    Raises EventError for a name that is not among those given, TooSmallError for more than `size` names.
    """

    def __init__(self, sort: type[S], size: int, names: Sequence[str] = ()) -> None:
        self._sort = sort
        self._size = size
        self._known: dict[Any, S] = {name: sort(i) for i, name in enumerate(names)}
        self._closed = bool(names)
        self._free: list[S] = []  # of names that were released, the last first

    def __call__(self, name: Any) -> S:
        """The value for a name."""
        try:
            return self._known[name]
        except KeyError:
            pass
        except TypeError:
            raise EventError(f"{name!r:.60} is not a value of {self._sort.__name__}") from None
        if self._closed:
            raise EventError(
                f"there is no {self._sort.__name__.lower()} {name!r}",
                remedy=f"there are {', '.join(map(str, self._known))}",
            )
        if self._free:
            found = self._known[name] = self._free.pop()
            return found
        if len(self._known) == self._size:
            raise TooSmallError(
                f"more than {self._size:,} of {self._sort.__name__}",
                remedy="a binding says how many there are",
            )
        try:
            found = self._known[name] = self._sort(len(self._known))
        except ModelError:  # the model has fewer
            raise TooSmallError(
                f"more than {len(self._known):,} of {self._sort.__name__}",
                remedy="a binding says how many its model has",
            ) from None
        return found

    def release(self, name: Any) -> None:
        """Free the value of a name that will not occur again; the model must no longer use the value.

        Raises EventError for a name without a value, or one of those given.
        """
        if self._closed or name not in self._known:
            raise EventError(f"{name!r:.60} is no {self._sort.__name__.lower()} that could be released")
        self._free.append(self._known.pop(name))

    def known(self) -> list[tuple[Any, S]]:
        """The names so far, with their values."""
        return list(self._known.items())

    def maybe(self, name: Any) -> S | None:
        """The value for a name, None for None."""
        return None if name is None else self(name)
