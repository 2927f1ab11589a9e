"""What drives a system: a class with a method for each action of a model. One driver serves for walks, tests and mutants.

    class Locks(Driver):
        model = Lock                                        # its sizes are given where it is driven

        def reset(self) -> None:
            self.server = Server()

        def acquire(self, c: Client) -> None:               # the model's action, with the model's arguments
            if not self.server.lock(str(c)):
                raise Refused("somebody holds it")

        def release(self, c: Client) -> None:
            self.server.unlock(str(c))

        def observe(self) -> Observation:                   # what is compared with the model's state
            return {"granted": self.server.holder}

Guarantees: what a driver's class lacks, or has beyond the model, is a DriverError with its place before anything is driven.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, ClassVar, Final, TypeAlias

from ratified.follow.meaning import method_span
from ratified.language.errors import RatifiedError
from ratified.language.ir import Kind
from ratified.language.model import Model

Observation: TypeAlias = Mapping[Any, Any]
"""What is seen of a system: values by variable of the model, or by a variable and keys of its maps, `("log", n1)`.

A value may be one of the model, or what stands for it in JSON (`ratified.interchange.plain`): the name of a sort's, a list
for a set. Of a map any keys may be left out, and any variable. A method of the model stands there like a variable.
"""


class Refused(Exception):
    """Raise this if the system refuses an action; returning False means the same."""


class NotAsked(Exception):
    """Raise this if the action cannot be attempted here; the report counts the reasons."""


class SystemFailed(Exception):
    """The system fails, as who speaks for it says."""


class DriverError(RatifiedError):
    """A driver that does not fit its model, or fails itself. `slow`: its time limit has passed."""

    slow = False


class Driver:
    """Derive from this to drive a system along a model.

    A method with the name of an action (or `do_` and the name) performs it, with its arguments. Parameters that the method
    leaves out are the system's choice: any step of the model with the others is accepted that leads to what is then observed.
    `reset` may have parameters of the model's `init`.

    `cannot` maps actions that cannot be driven to the reason, `cannot_ask` those that cannot be attempted where the model
    forbids them. `same_request` has groups of actions that ask the system for the same thing, whose answer says which of them
    took place: none is attempted where the model allows another of its group. With `refuses`, a forbidden action must be
    refused; by default it may also change nothing.
    """

    model: ClassVar[type[Model] | Model | None] = None
    cannot: Mapping[str, str] = {}
    cannot_ask: Mapping[str, str] = {}
    same_request: Sequence[Sequence[str]] = ()
    refuses: bool = False
    takes: Mapping[str, Sequence[str]] = {}
    """Which arguments `take` is given of which actions, where not all: those that are left out the system chooses."""
    begins: Sequence[str] | None = None
    """Which arguments of the model's `init` the driver is given, where its `reset` does not say so by its parameters."""

    @property
    def title(self) -> str:
        """The name of the system in reports."""
        return type(self).__name__

    def begin(self, model: Model) -> None:
        """Called once with the model at its size, before anything is driven."""

    def reset(self, *_: Any, **__: Any) -> None:
        """Start over, in an initial state of the model. May have parameters of the model's `init`."""
        raise DriverError(
            f"{type(self).__name__} must implement reset()",
            remedy="it puts the system into its initial state",
        )

    def observe(self) -> Observation:
        """Return what is compared with the model's state."""
        raise DriverError(
            f"{type(self).__name__} must implement observe()",
            remedy='it returns values by variable of the model: {"holder": self.server.holder}',
        )

    def close(self) -> None:
        """Release resources; called once at the end, whatever happened."""

    def take(self, action: str, arguments: Mapping[str, Any]) -> object:
        """Perform an action that has no method, for drivers that accept any action."""
        raise NotImplementedError(action, arguments)


OWN: Final = frozenset(n for n in dir(Driver) if not n.startswith("__"))
"""Names that have a meaning of their own; an action of such a name is written `do_` and the name."""


@dataclass(frozen=True, slots=True)
class DriverMethod:
    """How a driver takes an action: its method (None: by `take`), and the places of the arguments that it is given."""

    name: str | None
    parameters: tuple[str, ...]
    places: tuple[int, ...]
    chooses: bool
    """Whether there are arguments that the system chooses."""
    others: tuple[str, ...] = ()
    """Actions that are the same request."""


def methods_of(driver: Driver, model: Model) -> dict[str, DriverMethod]:
    """The methods of a driver by the actions of its model, without those that it says it cannot drive. Raises DriverError."""
    cls, name = type(driver), type(driver).__name__
    actions = {f.name: tuple(a.name for a in f.arguments) for f in model.module.of_kind(Kind.ACTION)}
    for said in (*driver.cannot, *driver.cannot_ask, *chain(*driver.same_request)):
        if said not in actions:
            raise DriverError(
                f"{name} names {said!r}, which is not an action of {model.module.name}",
                remedy=f"its actions: {', '.join(actions) or 'none'}",
            )
    takes_any = cls.take is not Driver.take
    if takes_any and tuple(inspect.signature(cls.take).parameters)[1:] != ("action", "arguments"):
        raise DriverError(
            f"{name}.take has parameters of its own, but must take any action: take(self, action, arguments)",
            span=method_span(cls, "take"),
            remedy="a method for an action `take` is called do_take",
        )
    found: dict[str, DriverMethod] = {}
    lacking = []
    for action, arguments in actions.items():
        if action in driver.cannot:
            continue
        called = _method_name(cls, action)
        if called is not None:
            found[action] = _method(cls, called, action, arguments)
        elif takes_any:
            places = tuple(n for n, a in enumerate(arguments) if a in driver.takes.get(action, arguments))
            given = tuple(arguments[n] for n in places)
            found[action] = DriverMethod(None, given, places, chooses=len(given) < len(arguments))
        else:
            lacking.append(action)
    if lacking:
        missing = lacking[0]
        prefix = "do_" if missing in OWN else ""
        signature = ", ".join(("self", *actions[missing]))
        raise DriverError(
            f"{name} has no method for {' or '.join(lacking)}, which {model.module.name} may do",
            span=method_span(cls, None),
            remedy=f"write `def {prefix}{missing}({signature})`, or say why not: "
            f'cannot = {{"{missing}": "its clock cannot be moved"}}',
        )
    return _of_requests(driver, found)


def _method_name(cls: type[Driver], action: str) -> str | None:
    if callable(getattr(cls, f"do_{action}", None)):
        return f"do_{action}"
    return action if action not in OWN and callable(getattr(cls, action, None)) else None


def _method(cls: type[Driver], called: str, action: str, arguments: tuple[str, ...]) -> DriverMethod:
    """How a method takes its arguments. Raises DriverError."""
    chosen = []
    for parameter in list(inspect.signature(getattr(cls, called)).parameters.values())[1:]:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            chosen = list(arguments)
        elif parameter.name in arguments:
            chosen.append(parameter.name)
        elif parameter.default is inspect.Parameter.empty:
            raise DriverError(
                f"{cls.__name__}.{called} has the parameter `{parameter.name}`, which {action} of the model does not have",
                span=method_span(cls, called),
                remedy=f"its parameters: {', '.join(arguments) or 'none'}",
            )
    places = tuple(n for n, a in enumerate(arguments) if a in chosen)
    return DriverMethod(called, tuple(arguments[n] for n in places), places, len(places) < len(arguments))


def _of_requests(driver: Driver, methods: dict[str, DriverMethod]) -> dict[str, DriverMethod]:
    """The methods, each with the other actions that are the same request. Raises DriverError."""
    for group in driver.same_request:
        known = [action for action in group if action in methods]
        if len({methods[action].parameters for action in known}) > 1:
            raise DriverError(
                f"{type(driver).__name__} has {' and '.join(known)} as the same request, but their arguments differ",
                span=method_span(type(driver), None),
                remedy="a request has the same arguments, whatever comes of it",
            )
        for action in known:
            others = (*methods[action].others, *(o for o in known if o != action))
            methods[action] = replace(methods[action], others=others)
    return methods


def begins_with(driver: Driver, model: Model) -> tuple[str, ...]:
    """The parameters of the model's `init` that a driver's `reset` is given."""
    init = next(iter(model.module.of_kind(Kind.INIT)), None)
    takes = inspect.signature(type(driver).reset).parameters if driver.begins is None else driver.begins
    return tuple(a.name for a in init.arguments if a.name in takes) if init is not None else ()
