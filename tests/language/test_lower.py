"""Each lowering pass keeps what a model does: held to the evaluator on generated models, one pass at a time and all of them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Annotated

import pytest

from ratified import AtMost, Map, Model, Range, Seq, Set, action, invariant, require
from ratified.language import ir
from ratified.language.errors import RatifiedError
from ratified.language.evaluate import TreeMachine
from ratified.language.ir import Function, Kind
from ratified.language.lower import CODE_PASSES, PASSES, LoweringPass, lowered
from ratified.language.lower.domains import through_keys
from ratified.language.machine import OutOfBounds, StepError, Values
from tests.generate.running import of_seed
from tests.shared.sorts import Lamp

STATES_MOST = 25
MODELS = 60


def lowered_by(model: Model, *passes: LoweringPass) -> TreeMachine:
    """The model's machine, with its functions lowered."""
    functions: dict[str, Function] = dict(model.module.functions)
    for one in passes:
        functions = {key: one(f) for key, f in functions.items()}
    other = model.twin()
    object.__setattr__(other, "module", replace(model.module, functions=functions))
    return TreeMachine(other)


def told(machine: TreeMachine, state: Values) -> list[object]:
    """All that is said of a state: steps, left bounds, claims and errors, without the places of what is written anew."""
    try:
        steps: object = [
            (i, a, "left" if isinstance(s, OutOfBounds) else s) for i, a, s in machine.steps(state)
        ]
    except StepError as problem:
        steps = problem.function, problem.arguments
    said: list[object] = [steps]
    for claim in machine.module.of_kind(Kind.INVARIANT):
        try:
            said.append(machine.refuted_by(claim.name, state))
        except StepError as problem:
            said.append(("error", problem.arguments))
    return said


def compare(model: Model, *passes: LoweringPass) -> int:
    """Compare a model with its lowered form in some reachable states; how many."""
    plain, lower = TreeMachine(model), lowered_by(model, *passes)
    begun = [s for _, s in plain.initial() if not isinstance(s, OutOfBounds)]
    assert begun == [s for _, s in lower.initial() if not isinstance(s, OutOfBounds)]
    found = dict.fromkeys(begun)
    for state in itertools.islice(iter(list(found)), STATES_MOST):
        try:
            for *_, after in plain.steps(state):
                if not isinstance(after, OutOfBounds):
                    found.setdefault(after)
        except StepError:
            continue
    for state in list(found)[:STATES_MOST]:
        assert told(lower, state) == told(plain, state), state
    return min(len(found), STATES_MOST)


EACH = {p.__name__: (p,) for p in (*PASSES, *CODE_PASSES)}


@pytest.mark.parametrize("passes", [*EACH.values(), PASSES, CODE_PASSES], ids=[*EACH, "logic", "code"])
def test_a_pass_keeps_what_a_model_does(passes: tuple[LoweringPass, ...]) -> None:
    states = 0
    for seed in range(MODELS):
        try:
            model = of_seed(seed)
        except RatifiedError:
            continue
        try:
            states += compare(model, *passes)
        except StepError:
            continue  # init goes wrong by itself
    assert states == 251


class Everything(Model):
    """What passes are there for."""

    lit: Map[Lamp, bool]
    row: Annotated[Seq[Lamp], AtMost(2)]
    on: Set[Lamp]

    def init(self) -> None:
        self.row = Seq()

    @action
    def act(self, a: Lamp, b: Lamp) -> None:
        if a == b:
            return
        k = a
        if self.lit[k]:
            for x in (a, b):
                if x in self.on:
                    return
                self.lit[x] = not self.lit[x]
            k = b
        for i in range(2):
            require(abs(-i) < 2)
        self.on = Set({k for k in Lamp if k == a}) | {k}

    @invariant
    def said(self, a: Lamp) -> bool:
        pairs = all(x == y for x, y in zip(self.row, self.row, strict=False))
        both = any(v for v in self.lit.values()) and True in self.lit.values()
        some = all(k in Lamp and self.lit[k] == v for k, v in self.lit.items())
        return (
            pairs
            and both
            and some
            and self.on.isdisjoint(self.on)
            and (a not in self.row or self.row.index(a) >= 0)
        )


class Hidden(Model):
    """Names that a comprehension binds again, after or inside of one that runs through the values of a map."""

    near: Map[Lamp, Map[Lamp, bool]]
    total: Annotated[int, Range(0, 9)]

    @action
    def light(self, a: Lamp, b: Lamp) -> None:
        self.near[a][b] = not self.near[a][b]

    @action
    def add(self, b: Lamp) -> None:
        again = sum(1 for n in self.near[b].values() for n in (False, True, True) if n)
        inside = sum(1 for n in self.near[b].values() if any(not n for n in (False, True)) and n)
        caught = sum(1 for a in Lamp if a == b for n in self.near[a].values() for a in Lamp if n and a != b)
        self.total = again + inside + caught


@pytest.mark.parametrize("passes", [(through_keys,), PASSES], ids=["through_keys", "logic"])
def test_what_is_bound_again_stays_what_it_is(passes: tuple[LoweringPass, ...]) -> None:
    assert compare(Hidden(Lamp=2), *passes) == 6


GONE = (ir.Negative, ir.Absolute, ir.IsLast, ir.Disjoint, ir.IndexOf, ir.Zip)


def test_what_is_left_has_fewer_words() -> None:
    module = lowered(Everything.module)
    nodes = [n for f in module.functions.values() for s in f.body for n in ir.walk(s)]
    assert not any(isinstance(n, GONE) for n in nodes)
    assert not any(isinstance(n, ir.For) for n in nodes)
    assert not any(isinstance(n, ir.Convert) and n.what in ("values", "items") for n in nodes)
    act = module.functions["act"]
    bound = [n for s in act.body for x in ir.walk(s) if isinstance(x, ir.Clause) for n in x.names]
    arguments = [a.name for a in act.arguments]
    assert len({*bound, *arguments}) == len(bound) + len(arguments)
    for statement in act.body[:-1]:
        assert not any(isinstance(n, ir.Return) for n in ir.walk(statement))


def test_what_is_left_for_code_has_fewer_words() -> None:
    module = lowered(Everything.module, CODE_PASSES)
    nodes = [n for f in module.functions.values() for s in f.body for n in ir.walk(s)]
    before = [n for f in Everything.module.functions.values() for s in f.body for n in ir.walk(s)]
    assert not any(isinstance(n, ir.Negative | ir.IsLast) for n in nodes)
    for kind in (ir.Absolute, ir.Disjoint, ir.IndexOf, ir.Zip, ir.For, ir.Store):
        assert sum(isinstance(n, kind) for n in nodes) == sum(isinstance(n, kind) for n in before)
    act = module.functions["act"]
    assert isinstance(act.body[-1], ir.If)
    assert act.body[-1].then == (ir.Return(act.body[-1].then[0].span, None),)
    for statement in act.body[:-1]:
        assert not isinstance(statement, ir.Return)


@pytest.mark.parametrize("passes", [PASSES, CODE_PASSES])
def test_it_does_the_same(passes: tuple[LoweringPass, ...]) -> None:
    assert compare(Everything(Lamp=2), *passes) == 3
