"""Functions that are written from a model's trees are held to CPython, step for step and answer for answer.

What is written may give up, for then the reference is asked: it must never answer something else. That it gives up only where
CPython goes wrong is asked, too, and that a mistake in any rule is noticed.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product, takewhile
from operator import eq
from pathlib import Path
from random import Random
from typing import Annotated, Any, Self

import pytest

from ratified.follow.direct.machine import EXPRESSIONS, RAWS, STATEMENTS, WrittenFunctions
from ratified.follow.direct.python import py
from ratified.follow.direct.starts import Starts
from ratified.follow.direct.writer import PythonBody
from ratified.language import (
    AtMost,
    Map,
    Model,
    Range,
    RatifiedError,
    Seq,
    Set,
    Sort,
    action,
    invariant,
    ir,
    record,
    step_invariant,
)
from ratified.language.ir import Function, Kind
from ratified.language.machine import OutOfBounds, PythonMachine, StepError, Values
from ratified.language.rules import Rules
from ratified.language.scope import running
from ratified.language.sorts import BoundKind
from ratified.models.paxos.servers import MultiPaxosServers
from ratified.models.raft.servers import RaftServers
from tests.generate.agreement import Disagreement, exact
from tests.generate.cases import random_case
from tests.generate.models import GeneratedModel, random_model
from tests.generate.running import load
from tests.generate.wordy import wordy_model

MOST_STATES = 25
MOST_CHOICES = 40


def reachable(machine: PythonMachine, most: int) -> list[Values]:
    try:
        found = dict.fromkeys(s for _, s in machine.initial() if not isinstance(s, OutOfBounds))
    except StepError:
        return []
    queue = list(found)
    while queue and len(found) < most:
        try:
            steps = [after for _, _, after in machine.steps(queue.pop(0))]
        except StepError:
            continue
        new = dict.fromkeys(s for s in steps if not isinstance(s, OutOfBounds) and s not in found)
        found.update(new)
        queue += new
    return list(found)[:most]


def asked(
    machine: PythonMachine, function: Function, state: Values, states: list[Values]
) -> Iterator[Values]:
    """What a function is asked with, beside a state."""
    if function.kind is Kind.STEP_INVARIANT:
        yield from ((before,) for before in states[:4])
        return
    try:
        machine._enter(state)
        yield from list(machine._choices[function.name])[:MOST_CHOICES]
    except (RatifiedError, KeyError):
        return


def by_reference(machine: PythonMachine, function: Function, state: Values, arguments: Values) -> Any:
    if function.kind is Kind.ACTION:
        return machine._taken(state, function.name, arguments)
    if function.kind is Kind.STEP_INVARIANT:
        return machine.step_holds(function.name, arguments[0], state)
    return machine.ask(state, function.name, arguments)


def hold(model: Model, most: int = MOST_STATES) -> Counter[str]:
    """Hold what is written to CPython; how often it was the same, both went wrong, or what is written gave up for nothing."""
    machine, functions, came = PythonMachine(model), WrittenFunctions(model), Counter[str]()
    states = reachable(machine, most)
    own = [f for f in model.module.functions.values() if f.key == f.name and f.kind is not Kind.INIT]
    for state in states:
        with running(machine.model.scope):
            for function in own:
                written = functions[function.name]
                if written is None:
                    came["not written"] += 1
                    continue
                for arguments in asked(machine, function, state, states):
                    came[_compared(machine, function, written, state, arguments)] += 1
    return came


def _compared(
    machine: PythonMachine, function: Function, written: Callable[..., Any], state: Values, arguments: Values
) -> str:
    try:
        theirs = by_reference(machine, function, state, arguments)
    except StepError:
        theirs = OutOfBounds("an error", None, BoundKind.SIZE)
    try:
        ours = written(state, *arguments)
    except Exception:  # noqa: BLE001  # of any kind, which is how it gives up
        return "both went wrong" if isinstance(theirs, OutOfBounds) else "gave up"
    if isinstance(theirs, OutOfBounds) or exact(ours) != exact(theirs):
        raise Disagreement(f"{function.name}{arguments} in {state}: {ours}, not {theirs}")
    return "same"


GENERATORS = {"models": (random_model, 24), "expressions": (random_case, 60), "words": (wordy_model, 16)}


@pytest.mark.parametrize("kind", GENERATORS)
def test_what_is_written_does_the_same(kind: str, tmp_path: Path) -> None:
    generator, seeds = GENERATORS[kind]
    came = _of_seeds(generator, range(seeds), tmp_path)
    assert came["same"] > 1_000
    assert came["gave up"] == 0
    assert came["not written"] < came["same"] / 4


def _of_seeds(generator: Callable[[int], GeneratedModel], seeds: range, folder: Path) -> Counter[str]:
    came = Counter[str]()
    for seed in seeds:
        try:
            came += hold(load(generator(seed), folder))
        except RatifiedError:  # some generated models are refused
            continue
    return came


BUNDLED = {
    "raft": RaftServers(Server=2, Value=2, max_term=1, max_log=2, reconfigures=True),
    "multi-paxos": MultiPaxosServers(**MultiPaxosServers.sizes["small"]),
}


@pytest.mark.parametrize("name", BUNDLED)
def test_all_that_is_asked_of_a_bundled_model_is_written(name: str) -> None:
    functions = WrittenFunctions(BUNDLED[name])
    answering = [
        f for f in BUNDLED[name].module.functions.values() if f.kind is Kind.ACTION or f.returns is not None
    ]
    assert [f.name for f in answering if functions[f.key] is None] == []
    assert hold(BUNDLED[name])["gave up"] == 0


Mistake = tuple[Rules[PythonBody, Any], type, Callable[..., Any]]


def _instead(kind: type, right: type[ast.AST], wrong: type[ast.AST]) -> Mistake:
    """A rule that has another operator where it should have this one."""

    def change(made: Any) -> Any:
        match made:
            case ast.Compare(left, [operator], right_of) if isinstance(operator, right):
                return ast.Compare(left, [wrong()], right_of)  # type: ignore[list-item]  # one that compares
            case ast.BinOp(left, operator, right_of) if isinstance(operator, right):
                return ast.BinOp(left, wrong(), right_of)  # type: ignore[arg-type]  # one of two operands
            case ast.BoolOp(operator, operands) if isinstance(operator, right):
                return ast.BoolOp(wrong(), operands)  # type: ignore[arg-type]  # one of logic
        return made

    return _wrong(kind, change)


def _wrong(kind: type, change: Callable[[Any], Any]) -> Mistake:
    table = next(t for t in (EXPRESSIONS, RAWS) if kind in t)
    rule = table._table[kind]
    return table, kind, lambda node, here: change(rule(node, here))


def _one_later(made: Any) -> ast.expr:
    if isinstance(made, ast.Call):  # what is cut at its end alone
        items, *end = made.args
        return ast.Call(made.func, [py("items[1:]", items=items), *end], [])
    low = py("low + 1", low=made.slice.lower or py("0"))
    return ast.Subscript(made.value, ast.Slice(low, made.slice.upper), ast.Load())


def _nothing_new(made: Any) -> ast.expr:
    return made.args[0] if made.func.id == "with_item" else made  # type: ignore[no-any-return]  # a set


def _no_guard(node: ir.Require, here: PythonBody) -> None:
    here.add("if test is None: return None", test=here.expr(node.test))


MISTAKES = {
    "a comparison": _instead(ir.Compare, ast.Lt, ast.LtE),
    "a sum": _instead(ir.Arithmetic, ast.Add, ast.Sub),
    "a conjunction": _instead(ir.And, ast.And, ast.Or),
    "a negation": _wrong(ir.Not, lambda made: made.operand),
    "a bound": (EXPRESSIONS, ir.Fit, lambda node, here: here.expr(node.operand)),
    "a slice": _wrong(ir.Slice, _one_later),
    "a union": _instead(ir.SetOp, ast.BitOr, ast.BitAnd),
    "an insertion": _wrong(ir.Insert, _nothing_new),
    "a guard": (STATEMENTS, ir.Require, _no_guard),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_rule_is_noticed(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, kind, rule = MISTAKES[mistake]
    monkeypatch.setitem(table._table, kind, rule)

    def hold_all() -> None:
        _of_seeds(random_model, range(24), tmp_path)
        _of_seeds(random_case, range(60), tmp_path)

    with pytest.raises(Disagreement):
        hold_all()


class Climb(Model):
    """Claims that are about some of its variables, one of them false of a step that changes nothing."""

    height: Annotated[int, Range(0, 3)] = 0
    lamp: bool = False

    @action
    def go(self, to: Annotated[int, Range(0, 3)], lit: bool) -> None:
        """Anywhere."""
        self.height = to
        self.lamp = lit

    @invariant
    def low(self) -> bool:
        """Not at the top."""
        return self.height < 3

    @step_invariant
    def upwards(self, old: Self) -> bool:
        """Never down."""
        return self.height >= old.height

    @step_invariant
    def blinks(self, old: Self) -> bool:
        """The lamp is never as it was, but in the beginning."""
        return self.lamp != old.lamp or self.height == 0


def test_the_claims_that_a_step_breaks_are_those_that_are_false_one_by_one() -> None:
    model = Climb()
    machine, broken = PythonMachine(model), WrittenFunctions(model).broken(("low",), ("upwards", "blinks"))
    assert broken is not None
    states = reachable(machine, 8)
    assert len(states) == 8
    for before, after in [
        *product(states, states)
    ] * 2:  # the second time with what was found out the first time
        if machine.refuted_by("low", before) is not None:
            continue
        false = [n for n in ("upwards", "blinks") if not machine.step_holds(n, before, after)]
        false += ["low"] if machine.refuted_by("low", after) is not None else []
        assert broken(after, before) == next(iter(false), None)


class Town(Sort):
    """A town."""


@record
class Letter:
    """From a town."""

    town: Town
    stamp: int


Steps = Annotated[Seq[Annotated[int, Range(0, 2)]], AtMost(4)]


def twice(steps: Steps, n: int) -> int:
    """What stands before a place, twice."""
    return 2 * steps[n - 1]


class Towns(Model):
    """Claims of every form of which parts are asked, and of forms that are near to them."""

    roads: Map[Town, Steps]
    high: Map[Town, Annotated[int, Range(0, 3)]]
    near: Map[Town, Map[Town, bool]]
    letters: Set[Letter]
    walk: Steps
    lit: bool

    @invariant
    def alike(self) -> bool:
        """Of every two, up to every length, where the last step is the same."""
        return all(
            self.roads[a][:n] == self.roads[b][:n]
            for a in Town
            for b in Town
            if a != b
            for n in range(1, min(len(self.roads[a]), len(self.roads[b])) + 1)
            if twice(self.roads[a], n) == twice(self.roads[b], n)
        )

    @invariant
    def steep(self) -> bool:
        """A condition before the numbers, and another variable after them."""
        return all(
            self.roads[a][n - 1] < 2 or self.high[b] > 1
            for a in Town
            if self.high[a] > 0
            for b in Town
            for n in range(1, len(self.roads[a]) + 1)
        )

    @invariant
    def behind(self) -> bool:
        """What a number reads is not at the beginning."""
        return all(self.roads[a][n] < 2 or self.lit for a in Town for n in range(1, len(self.roads[a])))

    @invariant
    def far(self) -> bool:
        """How far it is counted is said elsewhere."""
        return all(2 not in self.walk[:n] for a in Town for n in range(1, self.high[a] + 1))

    @invariant
    def sent(self) -> bool:
        """Of what is in a set, with what stands elsewhere at it."""
        return not any(
            self.roads[letter.town][:n] == self.walk[:n] and self.lit
            for letter in self.letters
            for n in range(1, len(self.walk) + 1)
            if n > 2
        )

    @invariant
    def walked(self) -> bool:
        """Numbers for each of a set."""
        return all(
            self.walk[n - 1] != letter.stamp for letter in self.letters for n in range(1, len(self.walk) + 1)
        )

    @invariant
    def once(self) -> bool:
        """Of every two in a set; and something else."""
        return (self.lit or len(self.walk) < 4) and all(
            a.stamp != b.stamp or a == b for a in self.letters for b in self.letters
        )

    @invariant
    def neighbours(self) -> bool:
        """At two keys, and by a method."""
        return all(not self.near[a][b] or self.level(b, a) for a in Town for b in Town)

    @invariant
    def shadowed(self) -> bool:
        """A name that is another one further inside."""
        return all(sum(self.high[a] for a in Town) + self.high[a] < 11 for a in Town)

    def level(self, a: Town, b: Town) -> bool:
        """As high."""
        return abs(self.high[a] - self.high[b]) < 2


def test_what_a_step_changed_is_asked_as_if_all_of_it_were() -> None:
    model = Towns(Town=3)
    machine, functions = PythonMachine(model), WrittenFunctions(model)
    names = [f.name for f in model.module.of_kind(Kind.INVARIANT)]
    broken = {name: functions.broken((name,), ()) for name in names}
    random, came = Random(3), Counter[tuple[str, bool]]()

    def steps(random: Random) -> Seq[int]:
        return Seq(random.choice((0, 0, 0, 1, 2)) for _ in range(random.randrange(5)))

    def longer(a: Town, m: Any) -> None:
        m.roads[a] = Seq((*m.roads[a], random.randrange(3))[:4])

    changes: list[Callable[[Town, Any], None]] = [
        lambda a, m: m.roads.__setitem__(a, steps(random)),
        longer,
        longer,
        lambda a, m: m.high.__setitem__(a, random.randrange(4)),
        lambda a, m: m.near[a].__setitem__(random.choice(list(Town)), random.random() < 0.5),
        lambda a, m: m.letters.add(Letter(a, random.randrange(3))),
        lambda a, m: m.letters.clear() if random.random() < 0.3 else None,  # noqa: ARG005 - of no town
        lambda a, m: setattr(m, "walk", steps(random)),  # noqa: ARG005 - of no town
        lambda a, m: setattr(m, "lit", not m.lit),  # noqa: ARG005 - of no town
    ]
    (state,) = [s for _, s in machine.initial() if not isinstance(s, OutOfBounds)]
    for _ in range(4_000):
        before = state
        with running(model.scope):
            for _ in range(random.choice((1, 1, 2))):
                how, town = random.choice(changes), random.choice(list(Town))
                state = machine.change(state, partial(how, town)) or state
            for name in names:
                ask = broken[name]
                assert ask is not None
                if machine.refuted_by(name, before) is None:
                    false = machine.refuted_by(name, state) is not None
                    assert (ask(state, before) == name) is false, (name, before, state)
                    came[name, false] += 1
        if random.random() < 0.5:
            state = before
    assert all(came[name, False] > 200 and came[name, True] > 10 for name in names), came


def test_sequences_that_begin_alike() -> None:
    random, starts = Random(5), Starts()
    several: list[tuple[int, ...]] = [(), (1,), (1, 2, 3), (1, 3, 3), (2,), tuple(range(80)), (0,) * 70]
    for _ in range(400):
        old = random.choice(several)
        new = (
            starts.longer(old, random.randrange(3))
            if random.random() < 0.6
            else starts.cut(old, random.randrange(-3, 80))
        )
        several = [*random.sample(several, min(len(several), 7)), new]
        for left in several:
            for right in several:
                length = random.choice((*range(-3, 7), 66, 69, 81))
                assert starts.same(left, right, length) == (left[:length] == right[:length])
                assert starts.begins(left, length, right) == (left[:length] == right)
                assert starts.alike(left, right) == sum(takewhile(bool, map(eq, left, right)))
    assert starts.longer((1,), 2) == (1, 2)
    assert starts.cut((1, 2), -1) == (1,)
