"""Which steps have to be taken where some are: the rows from which stubborn sets are closed.

An instance is an action with values for its parameters, but for those that a guard gives one of many values: they belong to it.
They are numbered as the native engine numbers them: in the order of the actions, then of these values. A set of instances is an
int.

Guarantees: rows are made of what `footprints.py` finds alone, so they are the same in every state, engine and thread.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from ratified.explore.liveness import liveness_claims
from ratified.explore.reduction.footprints import Footprints
from ratified.explore.reduction.locations import WRITES, Access, How, Location, clash, overlap
from ratified.language.errors import ModelError
from ratified.language.ir import Argument, Function, Kind, Module
from ratified.language.machine import MOST_CHOICES
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.types import cardinality, values_of

MOST_INSTANCES = 4_096
"""Beyond this many instances, relating each to each takes longer than a reduction saves."""

_STATES = (Kind.INVARIANT,)
_STEPS = (Kind.STEP_INVARIANT, Kind.REFINEMENT)


@dataclass(frozen=True, slots=True)
class ActionInstance:
    """An action, and values for its parameters that no guard restricts."""

    action: int
    given: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Relations:
    """For each instance: what must be there too if it is there and can be taken, and if it is there and cannot.

    `enabling[i][k + 1]` can make condition k of instance i true (`footprints.leading`); `enabling[i][0]` any of its guards.
    """

    instances: tuple[ActionInstance, ...]
    needed: tuple[int, ...]
    enabling: tuple[tuple[int, ...], ...]
    every: int


def instances_of(model: Model, module: Module) -> tuple[ActionInstance, ...]:
    """The instances of the actions of a model as a reduction looks at it. Raises ModelError if they are too many."""
    found: list[ActionInstance] = []
    with running(model.scope):
        for index, action in enumerate(module.of_kind(Kind.ACTION)):
            static, count = _unrestricted(action, model)
            if count > MOST_CHOICES or len(found) + count > MOST_INSTANCES:
                raise ModelError(
                    f"reduction cannot be used with {model.module.name}: the parameters of its actions have more than"
                    f" {MOST_INSTANCES:,} values at this size",
                    span=action.span,
                    remedy="check a smaller size, or without reduction",
                )
            values = _choices(static, model)
            found += (ActionInstance(index, given) for given in values)
    return tuple(found)


def relations_of(model: Model) -> Relations:
    """The relations of a model at a size. Raises ModelError where a reduction would be unsound for what is claimed."""
    for claim in liveness_claims(model.module):
        raise ModelError(
            f"reduction cannot be used with {model.module.name}: `{claim.name}` is about whole runs, and runs that a reduction"
            " leaves out may be the only fair ones",
            span=claim.span,
            remedy="check without reduction, or choose other claims",
        )
    footprints = Footprints(model)
    module = footprints.module
    instances = instances_of(model, module)
    actions = module.of_kind(Kind.ACTION)
    with running(model.scope):
        given = [_given(actions[i.action], i.given) for i in instances]
        accesses = [
            footprints.step(actions[i.action], values).accesses
            for i, values in zip(instances, given, strict=True)
        ]
        bodies = [frozenset(a) for a in accesses]  # before constraints: what decides whether it can be taken
        for constraint in module.of_kind(Kind.CONSTRAINT):
            for part in _parts(footprints, constraint, model):
                for own in accesses:
                    if any(how in WRITES and overlap(at, r) for at, how in own for r in part):
                        own |= {(r, How.READ) for r in part}
        tables = _Tables(accesses)
        needed = [tables.clashing(own) & ~(1 << i) for i, own in enumerate(accesses)]
        for claim in (f for kind in (*_STATES, *_STEPS) for f in module.of_kind(kind)):
            for part in _parts(footprints, claim, model):
                visible = tables.writing(part)
                for i in _members(visible):
                    needed[i] |= visible & ~(1 << i)
        enabling: list[tuple[int, ...]] = []
        for i, instance in enumerate(instances):
            action = actions[instance.action]
            whole = tables.enabling(bodies[i])
            enabling.append((whole, *map(tables.enabling, footprints.guards(action, given[i]))))
            if any(a.domain is not None for a in action.arguments):
                needed[i] |= whole & ~(1 << i)  # of its choices some cannot be taken yet
    return Relations(instances, tuple(needed), tuple(enabling), (1 << len(instances)) - 1)


def _unrestricted(function: Function, model: Model) -> tuple[list[Argument], float]:
    """The parameters that no guard restricts, and how many choices of values they have."""
    static = [a for a in function.arguments if a.domain is None]
    return static, math.prod((cardinality(a.type, model.scope) for a in static), start=1.0)


def _choices(static: Iterable[Argument], model: Model) -> Iterator[tuple[object, ...]]:
    return itertools.product(*(tuple(values_of(a.type, model.scope)) for a in static))


def _given(function: Function, values: Iterable[object]) -> dict[str, object]:
    return dict(zip((a.name for a in function.arguments if a.domain is None), values, strict=True))


def _parts(footprints: Footprints, claim: Function, model: Model) -> Iterator[frozenset[Location]]:
    """What each part of a claim reads, for each choice of its parameters where these are few."""
    static, count = _unrestricted(claim, model)
    choices: Iterable[dict[str, object]] = [{}]
    if count <= MOST_INSTANCES:
        values = _choices(static, model)
        choices = (_given(claim, v) for v in values)
    for given in choices:
        yield from dict.fromkeys(footprints.claim(claim, given))


def _members(several: int) -> Iterator[int]:
    while several:
        bit = several & -several
        yield bit.bit_length() - 1
        several ^= bit


class _Tables:
    """Which instances do what at each location."""

    def __init__(self, accesses: list[set[Access]]) -> None:
        self._who: dict[Access, int] = {}
        for i, own in enumerate(accesses):
            for access in own:
                self._who[access] = self._who.get(access, 0) | 1 << i
        self._of: dict[str, list[Access]] = {}
        for access in self._who:
            self._of.setdefault(access[0].variable, []).append(access)
        self._asked: dict[tuple[Location, How], int] = {}

    def clashing(self, own: Iterable[Access]) -> int:
        """The instances that something of these clashes with."""
        found = 0
        for access in own:
            kept = self._asked.get(access)
            if kept is None:
                kept = self._asked[access] = self._at(access[0], partial(clash, access[1]))
            found |= kept
        return found

    def enabling(self, own: Iterable[Access]) -> int:
        """The instances that may make a guard true that reads these."""
        found = 0
        for location, how in own:
            if how not in WRITES:
                found |= self._at(location, WRITES.__contains__)
        return found

    def writing(self, read: Iterable[Location]) -> int:
        """The instances that may change something of these."""
        return self.enabling((location, How.READ) for location in read)

    def _at(self, location: Location, matters: Callable[[How], bool]) -> int:
        found = 0
        for other in self._of.get(location.variable, ()):
            if matters(other[1]) and overlap(location, other[0]):
                found |= self._who[other]
        return found
