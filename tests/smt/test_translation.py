"""The translation to first-order logic is held to CPython: on random models, at small sizes, without a solver.

A state of the reference machine becomes a finite structure. In it, the guard of an action's paths must be true exactly where
CPython takes the step, the state after it must be CPython's, and an invariant's formula must say what CPython says.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from ratified.language.errors import RatifiedError
from ratified.language.ir import Function, Kind
from ratified.language.machine import Left, PythonMachine, StepError, Values
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.sorts import Sort
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
    cardinality,
    parts,
    values_of,
)
from ratified.smt.first_order.concrete import Concrete
from ratified.smt.first_order.context import Failing
from ratified.smt.first_order.names import argument_name, parameter_name, sort_name, variable_name
from ratified.smt.first_order.obligations import Translation
from ratified.smt.first_order.shapes import Refused
from ratified.smt.first_order.steps import Path as Way
from ratified.smt.first_order.steps import Run
from ratified.smt.first_order.variants import constant_shape
from ratified.smt.script import Script
from ratified.smt.structure import Structure
from tests.generate.models import random_model
from tests.generate.running import load

INTEGERS = range(-4, 9)
STATES_MOST = 8
STEPS_MOST = 400

Tables = dict[str, dict[tuple[int, ...], int]]


@dataclass
class Seen:
    """What was compared."""

    steps: int = 0
    disabled: int = 0
    claims: int = 0
    errors: int = 0
    stricter: int = 0


def flag(tables: Tables, name: str, key: tuple[int, ...], value: object) -> None:
    tables.setdefault(name, {})[key] = int(bool(value))


def columns(t: Type, value: Any) -> tuple[str, tuple[int, ...]]:
    """The variant of a value, by its name, and its columns: written out once more, to compare with."""
    match t:
        case BoolType():
            return f"<{value}>".lower(), ()
        case IntType() | SortType():
            return "", (int(value),)
        case EnumType():
            return f"<{value.name}>", ()
        case NoneType():
            return "<->", ()
        case OptionalType(item):
            return ("<->", ()) if value is None else columns(item, value)
        case RecordType():
            named = [(f, *columns(ft, getattr(value, f))) for f, ft in t.fields.items()]
        case TupleType(items):
            named = [(str(i), *columns(it, v)) for i, (it, v) in enumerate(zip(items, value, strict=True))]
        case UnionType(records):
            record = next(r for r in records if type(value) is r.record)
            name, found = columns(record, value)
            return f"<{record}{name}>", found
        case _:
            raise Refused("a container in a container")
    cases = "&".join(f"{n}{v}" for n, v, _ in named if v)
    return f"<{cases}>" if cases else "", tuple(c for *_, cs in named for c in cs)


def encode(  # noqa: C901  # a case for each kind of type
    tables: Tables, name: str, t: Type, value: Any, key: tuple[int, ...] = ()
) -> None:
    """Write a value into the tables of the symbols of a name."""
    match t:
        case BoolType() | IntType() | SortType():
            tables.setdefault(name, {})[key] = int(value)
        case NoneType():
            return
        case EnumType(enum):
            for member in list(enum)[:-1]:
                flag(tables, f"{name}={member.name}", key, value is member)
        case OptionalType(item):
            flag(tables, f"{name}?", key, value is not None)
            if value is not None:
                encode(tables, name, item, value, key)
        case RecordType():
            for field, ft in t.fields.items():
                encode(tables, f"{name}.{field}", ft, getattr(value, field), key)
        case TupleType(items):
            for i, (item, part) in enumerate(zip(items, value, strict=True)):
                encode(tables, f"{name}.{i}", item, part, key)
        case UnionType(records):
            for record in records:
                flag(tables, f"{name}?{record}", key, type(value) is record.record)
                if type(value) is record.record:
                    encode(tables, f"{name}?{record}", record, value, key)
        case MapType(key_type, item):
            for k, v in value.items():
                suffix, found = columns(key_type, k)
                encode(tables, name + suffix, item, v, (*key, *found))
        case SetType(item):
            for x in value:
                suffix, found = columns(item, x)
                flag(tables, name + suffix, (*key, *found), True)
        case BagType(item):
            for x in value:
                suffix, found = columns(item, x)
                tables.setdefault(name + suffix, {})[(*key, *found)] = value.count(x)
        case SeqType(item):
            tables.setdefault(f"{name}/length", {})[key] = len(value)
            for i, x in enumerate(value):
                encode(tables, f"{name}/at", item, x, (*key, i))


class Comparison:
    """One model, translated, beside the reference machine."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.machine = PythonMachine(model)
        self.translation = Translation(Script("generated", model.module, (), ()))
        self.theory = self.translation.theory
        self.sizes = {sort_name(SortType(s)): n for s, n in model.scope.sizes.items()}
        self.fixed: Tables = {}
        self.seen = Seen()
        for sort, size in model.scope.sizes.items():
            self._sort(sort, size)
        for declaration in model.module.parameters:
            name, value = parameter_name(declaration.name), model.scope.parameters[declaration.name]
            encode(self.fixed, name, declaration.type, value)

    def _sort(self, sort: type[Sort], size: int) -> None:
        name = sort_name(SortType(sort))
        self.fixed[f"{name}/le"] = {(a, b): int(a <= b) for a in range(size) for b in range(size)}
        self.fixed[f"{name}/first"], self.fixed[f"{name}/last"] = {(): 0}, {(): size - 1}
        self.fixed[f"{name}/size"] = {(): size}
        for index in range(size):
            self.fixed[f"{name}/{index}"] = {(): index}
            self.fixed[f"{name}!{index}"] = {(): index}
        majorities = list(itertools.combinations(range(size), size // 2 + 1))
        self.sizes[f"{name}/majority"] = len(majorities)
        self.fixed[f"{name}/majority/has"] = {
            (q, i): int(i in majority) for q, majority in enumerate(majorities) for i in range(size)
        }

    def structure(self, state: Values, arguments: Mapping[str, tuple[Type, Any]]) -> Structure:
        tables: Tables = dict(self.fixed)
        for declaration, value in zip(self.model.module.variables, state, strict=True):
            encode(tables, variable_name(declaration.name), declaration.type, value)
        for name, (t, value) in arguments.items():
            encode(tables, name, t, value)
        return Structure(self.sizes, tables, INTEGERS)

    def state(self, state: Values) -> None:
        """Compare all claims and steps of one state."""
        structure = self.structure(state, {})
        for invariant in self.model.module.of_kind(Kind.INVARIANT):
            formula = self.translation.claim(invariant, self.translation.state)
            try:
                said = self.machine.refuted_by(invariant.name, state) is None
            except StepError:
                said = False
            found = structure.holds(formula)
            if said and not found:
                # Something is demanded of an element that CPython did not come to, after one that decided.
                self.seen.stricter += 1
                continue
            assert found == said, (invariant.name, state)
            self.seen.claims += 1
        for action in self.machine.actions:
            with running(self.model.scope):
                self._action(action, state)

    def _action(self, action: Function, state: Values) -> None:
        if any(cardinality(a.type, self.model.scope) > 40 for a in action.arguments):
            return
        if any(isinstance(p, MapType | SetType | SeqType) for a in action.arguments for p in parts(a.type)):
            return  # a container as an argument is an element of a sort of its own
        names = [argument_name(action.name, a.name) for a in action.arguments]
        shapes = [
            constant_shape(self.theory.shapes, n, a.type)[0]
            for n, a in zip(names, action.arguments, strict=True)
        ]
        lowered = self.translation.module.functions[action.key]
        run = self.translation.steps.action(lowered, shapes, self.translation.state)
        spaces = [list(values_of(a.type, self.model.scope)) for a in action.arguments]
        for given in itertools.islice(itertools.product(*spaces), STEPS_MOST):
            named = {n: (a.type, v) for n, a, v in zip(names, action.arguments, given, strict=True)}
            arguments = {a.name: v for a, v in zip(action.arguments, given, strict=True)}
            self._step(action, state, arguments, run, self.structure(state, named))

    def _step(
        self,
        action: Function,
        state: Values,
        arguments: Mapping[str, Any],
        run: Run,
        structure: Structure,
    ) -> None:
        wrong = [d for d in run.demanded(Failing.ERROR) if not structure.holds(d.holds)]
        try:
            after = [state for _, state in self.machine.take(state, action.name, arguments)]
        except StepError:
            after = None
        if after is None:
            assert wrong, (action.name, arguments, state)
            self.seen.errors += 1
            return
        if wrong:
            self.seen.stricter += 1
            return
        if any(isinstance(found, Left) for found in after):
            return  # past a size, the logic goes on
        found = list(self._taken(structure, run.paths))
        assert found == after, (action.name, arguments, state, after, found)
        self.seen.steps += len(found)
        self.seen.disabled += not found

    def _taken(self, structure: Structure, paths: Sequence[Way]) -> Iterator[Values]:
        for path in paths:
            if structure.holds(path.guard):
                concrete = Concrete(self.theory, structure)
                yield tuple(concrete.value(d.type, path.after[d.name]) for d in self.model.module.variables)


def states_of(machine: PythonMachine) -> list[Values]:
    """The first few reachable states."""
    found = dict.fromkeys(after for _, after in machine.initial() if not isinstance(after, Left))
    for state in itertools.islice(iter(list(found)), STATES_MOST):
        for *_, after in machine.steps(state):
            if not isinstance(after, Left):
                found.setdefault(after)
    return list(found)[:STATES_MOST]


def compare(seed: int, folder: Path) -> Seen | None:
    """Compare the model of a seed; None if it cannot be translated, or goes wrong by itself."""
    try:
        model = load(random_model(seed), folder)
        comparison = Comparison(model)
        for state in states_of(comparison.machine):
            comparison.state(state)
    except (Refused, StepError):
        return None
    except RatifiedError as problem:
        if (
            "more than" in problem.message
            or "ranges over" in problem.message
            or re.search("None|never", problem.message)
        ):
            return None
        raise
    return comparison.seen


@pytest.mark.parametrize("part", range(4))
def test_random_models_mean_the_same(part: int, tmp_path: Path) -> None:
    counted: Counter[str] = Counter()
    for seed in range(part * 50, part * 50 + 50):
        seen = compare(seed, tmp_path)
        if seen is not None:
            counted.update(asdict(seen), models=1)
    assert counted["models"] >= 8, counted
    assert counted["steps"] >= 100, counted
