"""What the numbers of a program stand for: instances of actions, bounds that may be left, errors, properties, places in a state.

Guarantees: instances are numbered in the order of the actions, then of their static parameters' values. What is found without
generating anything (all but the bounds, the errors and the witnesses) is the same for the same model at the same size.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

from ratified.explore.liveness import liveness_claims
from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.codegen.shapes import PackedShapes, Unsupported
from ratified.language.errors import Span
from ratified.language.ir import Argument, Function, Kind, Module
from ratified.language.machine import MOST_CHOICES
from ratified.language.scope import running
from ratified.language.types import cardinality, values_of


@dataclass(frozen=True, slots=True)
class BoundPlace:
    """A place that may leave a declared bound."""

    what: str
    action: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Instances:
    """The instances of an action: numbers from `first`, one for each choice of the static parameters (`values` of each)."""

    action: Function
    first: int
    values: tuple[tuple[object, ...], ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return math.prod(len(v) for v in self.values)


EACH_MOST = 256
"""An action is fair for each value of a parameter: so many values have numbers of their own, whatever a guard says."""


def instances_of(module: Module, shapes: PackedShapes) -> tuple[Instances, ...]:
    """The instances of every action of a model. Raises Unsupported where a parameter has too many values."""
    found: list[Instances] = []
    lively = liveness_claims(module)
    for action in module.of_kind(Kind.ACTION):
        if lively and action.fair:
            action = _told_apart(action, action.fair.each, shapes)  # noqa: PLW2901  # that one is meant from here on
        static = tuple(values_for(shapes, a) for a in action.arguments if a.domain is None)
        found.append(Instances(action, sum(i.count for i in found), static))
    return tuple(found)


def _told_apart(action: Function, each: Collection[str], shapes: PackedShapes) -> Function:
    """An action that is fair for each value of some parameters: a guard that gives them their values is a guard like others."""

    def static(argument: Argument) -> bool:
        return argument.name in each and cardinality(argument.type, shapes.scope) <= EACH_MOST

    arguments = tuple(replace(a, domain=None) if static(a) else a for a in action.arguments)
    return replace(action, arguments=arguments)


def values_for(shapes: PackedShapes, argument: Argument) -> tuple[object, ...]:
    """All values of a parameter that no guard restricts."""
    count_for(shapes, argument)
    with running(shapes.scope):
        return tuple(values_of(argument.type, shapes.scope))


def count_for(shapes: PackedShapes, argument: Argument) -> float:
    """How many there are, if they are not too many: then it raises Unsupported."""
    count = cardinality(argument.type, shapes.scope)
    if count > MOST_CHOICES:
        raise Unsupported(
            f"the parameter `{argument.name}` ranges over too many values",
            remedy="restrict it with a guard at the top",
        )
    return count


@dataclass(frozen=True, slots=True)
class GoalNumbers:
    """A claim of liveness, and the numbers of its goals: from `first` on, one for each choice of arguments (`values` of each)."""

    claim: Function
    first: int
    values: tuple[tuple[object, ...], ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return math.prod(len(v) for v in self.values)


def goals_of(module: Module, shapes: PackedShapes) -> tuple[GoalNumbers, ...]:
    """The goals of every claim of liveness, in order of definition. Raises Unsupported where a parameter has too many values."""
    found: list[GoalNumbers] = []
    for claim in liveness_claims(module):
        values = tuple(values_for(shapes, a) for a in claim.arguments)
        found.append(GoalNumbers(claim, sum(g.count for g in found), values))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class ProgramMeanings:
    """What is found out while a program is generated: the bounds, errors and witnesses that its numbers stand for."""

    bounds: tuple[BoundPlace, ...]
    errors: tuple[tuple[str, Span | None], ...]
    witnesses: tuple[str, ...]
    step_witnesses: tuple[str, ...]


NOTHING_WRITTEN = ProgramMeanings((), (), (), ())
"""Of a program that is not generated yet."""


@dataclass(frozen=True, slots=True)
class Program:
    """The tables that say what the numbers of a model's program stand for."""

    module: Module
    layout: Layout
    instances: tuple[Instances, ...]
    goals: tuple[GoalNumbers, ...]
    written: ProgramMeanings

    @property
    def invariants(self) -> tuple[Function, ...]:
        """In the order of their numbers."""
        return self.module.of_kind(Kind.INVARIANT)

    @property
    def step_invariants(self) -> tuple[Function, ...]:
        """In the order of their numbers."""
        return self.module.of_kind(Kind.STEP_INVARIANT)

    @property
    def refinements(self) -> tuple[Function, ...]:
        """Their numbers follow those of the step invariants."""
        return self.module.of_kind(Kind.REFINEMENT)

    @property
    def constraints(self) -> tuple[Function, ...]:
        """In the order of their numbers."""
        return self.module.of_kind(Kind.CONSTRAINT)

    @property
    def counts(self) -> tuple[int, ...]:
        """Words of a state; then how many instances, bounds, constraints, invariants, properties of steps and goals there are."""
        return (
            self.layout.words,
            max(1, sum(i.count for i in self.instances)),
            len(self.written.bounds),
            len(self.constraints),
            len(self.invariants),
            len(self.step_invariants) + len(self.refinements),
            sum(g.count for g in self.goals),
        )
