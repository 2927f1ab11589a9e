"""What a machine is: a model at a size as something that can be stepped.

Guarantees: a state is a tuple of immutable values in the order of the variables; steps come in the order of the actions and,
within one, of their arguments; a machine keeps nothing between calls that would change an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ratified.language.compile.methods import abstract_class
from ratified.language.errors import ModelError, SizeError, Span
from ratified.language.ir import Function, Module
from ratified.language.machine.failures import StepError
from ratified.language.model import Model, given_to
from ratified.language.sorts import BoundKind

Values = tuple[Any, ...]
"""A state (one value per variable), or the arguments of an action."""


Pulse = Callable[[], object]
"""What is called now and then while much is computed, and may raise to end it."""


@dataclass(frozen=True, slots=True)
class OutOfBounds:
    """In place of a successor: the step would leave a declared bound, and was not taken."""

    what: str
    span: Span | None
    kind: BoundKind


class Machine(Protocol):
    """A model at a size. Every method raises StepError where the model has no answer."""

    model: Model
    module: Module
    actions: tuple[Function, ...]

    def initial(self) -> list[tuple[Values, Values | OutOfBounds]]:
        """Each choice of `init`'s arguments with the initial state it gives (duplicates included)."""

    def each_initial(self, pulse: Pulse = ...) -> Generator[tuple[Values, Values | OutOfBounds]]:
        """The same one by one; `pulse` is called now and then, also while no choice is possible, and may raise."""

    def steps(self, state: Values) -> list[tuple[int, Values, Values | OutOfBounds]]:
        """Each possible step: the action's index, its arguments, and the state after it."""

    def each_step(
        self, state: Values, pulse: Pulse = ...
    ) -> Generator[tuple[int, Values, Values | OutOfBounds]]:
        """The same one by one, as `each_initial`."""

    def refuted_by(self, name: str, state: Values) -> Values | None:
        """The first arguments for which an invariant or constraint is false in a state; None if it holds."""

    def answers(self, name: str, state: Values) -> list[tuple[Values, Any]]:
        """What a liveness property says in a state, for each choice of its arguments."""

    def step_holds(self, name: str, old: Values, new: Values) -> bool:
        """Whether a step invariant is true of a step."""

    def image(self, name: str, state: Values) -> Values:
        """The abstract state that a refinement maps a state to."""


def state_dict(machine: Machine, state: Values) -> dict[str, object]:
    """A state by variable name."""
    return dict(zip((d.name for d in machine.module.variables), state, strict=True))


def abstract_model(model: Model, name: str) -> Model:
    """The abstract model of a refinement, at the same sizes and with the same-named parameters. Raises SizeError."""
    abstract: type[Model] = abstract_class(type(model), name)
    given = given_to(model)
    wanted = {s.sort.__name__ for s in abstract.module.sorts} | {p.name for p in abstract.module.parameters}
    sorts = {s.sort for s in abstract.module.sorts}
    if missing := [s.__name__ for s in sorts if s not in model.scope.sizes]:
        raise SizeError(
            f"{abstract.__name__} has a sort {missing[0]} that {type(model).__name__} does not have",
            remedy="use the same sort class",
        )
    return abstract(**{n: v for n, v in given.items() if n in wanted})


def image_of(function: Function, names: Sequence[str], given: Mapping[str, Any], state: Values) -> Values:
    """The abstract state that a refinement has given. Raises StepError if it has left out a variable (by returning early)."""
    for name in names:
        if name not in given:
            problem = ModelError(
                f"{function.name} does not assign `{name}`",
                span=function.span,
                remedy="assign it on every path",
            )
            raise StepError(problem, function.name, (), state)
    return tuple(given[name] for name in names)
