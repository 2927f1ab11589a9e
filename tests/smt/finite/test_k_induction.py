"""k-induction says HOLDS only of what the search finds to hold: of small graphs of every kind, and of what once went wrong."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import Annotated, Self

import pytest

from ratified.explore import EvaluationError, check
from ratified.language import (
    Map,
    Model,
    ModelError,
    Param,
    Range,
    Set,
    action,
    constraint,
    eventually,
    invariant,
    require,
    step_invariant,
)
from ratified.results.background import Background
from ratified.results.result import PropertyKind, Verdict
from ratified.smt.finite.bounded import Bounded, bounded
from ratified.smt.finite.circuit import Circuit
from ratified.smt.finite.solver import BooleanSolver
from ratified.smt.finite.unrolled import Unrolled
from tests.shared.sorts import Node

Place = Annotated[int, Range(0, 6)]
Edge = tuple[Place, Place]


class Graph(Model):
    """Walks along edges; what it claims is a matter of parameters."""

    edges: Param[Set[Edge]] = Set()
    begin: Param[Set[Place]] = Set([0])
    bad: Param[Set[Place]] = Set()
    bad_edges: Param[Set[Edge]] = Set()
    outside: Param[Set[Place]] = Set()
    undefined: Param[Set[Place]] = Set()
    unclear: Param[Set[Place]] = Set()
    beyond: Param[Set[Place]] = Set()
    x: Place

    def init(self, x: Place) -> None:
        require(x in self.begin)
        self.x = x

    @action
    def go(self, to: Place) -> None:
        require((self.x, to) in self.edges)
        self.x = to

    @action
    def divide(self) -> None:
        require(self.x in self.undefined)
        self.x = self.x // (self.x - self.x)

    @action
    def leave(self) -> None:
        require(self.x in self.beyond)
        self.x += 7

    @constraint
    def inside(self) -> bool:
        return self.x not in self.outside

    @constraint
    def clear(self) -> bool:
        return self.x not in self.unclear or self.x // (self.x - self.x) == 0

    @invariant
    def good(self) -> bool:
        return self.x not in self.bad

    @step_invariant
    def good_step(self, old: Self) -> bool:
        return (old.x, self.x) not in self.bad_edges


def some(dice: random.Random, most: int) -> Set[int]:
    return Set(dice.randrange(7) for _ in range(dice.randrange(most + 1)))


def graph(seed: int) -> Graph:
    """A graph of few edges, in which little is wrong."""
    dice = random.Random(seed)
    edges = Set((dice.randrange(7), dice.randrange(7)) for _ in range(dice.randrange(3, 12)))
    wrong = dice.sample(sorted(edges), min(len(edges), dice.randrange(2)))
    rare = {
        name: some(dice, 1) if dice.random() < 0.4 else Set()
        for name in ("undefined", "unclear", "beyond", "outside")
    }
    begin = Set([0, dice.randrange(7)]) if dice.random() < 0.9 else Set()
    return Graph(edges=edges, begin=begin, bad=some(dice, 1), bad_edges=Set(wrong), **rare)


def said(model: Model, engine: str, *, deadlock: bool) -> object:
    """What an engine says: a verdict, the length of a counterexample, or which kind of error."""
    try:
        if engine == "search":
            found = check(model, engine="reference", deadlock=deadlock)
            return found.verdict, found.violation and len(found.violation.trace)
        told = bounded(model, 12, induction=engine == "induction", deadlock=deadlock)
        return told.verdict, told.violation and len(told.violation.trace)
    except EvaluationError as error:
        return "no answer", error.trace and len(error.trace)
    except ModelError as error:
        return "no beginning" if "no initial state" in error.message else error.message


@pytest.mark.parametrize("first", range(0, 240, 60))
def test_graphs_are_judged_as_by_the_search(first: int) -> None:
    """Seven places: every run without a circle is shorter than what is looked at, so that induction decides all of them."""
    met: Counter[object] = Counter()
    for seed in range(first, first + 60):
        model, deadlock = graph(seed), seed % 3 == 0
        expected = said(model, "search", deadlock=deadlock)
        assert said(model, "induction", deadlock=deadlock) == expected, (seed, model)
        runs = said(model, "runs", deadlock=deadlock)
        assert runs == expected or runs[0] is Verdict.UNDECIDED, (seed, model)  # type: ignore[index]  # a pair
        met[expected if isinstance(expected, str) else expected[0]] += 1  # type: ignore[index]  # a pair
    assert len(met) >= 4, met


def test_the_old_rule_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the last state of a path to differ whatever is wrong, a step invariant that a circle breaks would be proved."""
    extend = Unrolled.extend

    def all_differ(self: Unrolled) -> None:
        extend(self)
        if not self.begun.ways:
            self.solver.require(self.fresh())

    monkeypatch.setattr(Unrolled, "extend", all_differ)
    wrong = [
        seed
        for seed in range(60)
        if said(graph(seed), "induction", deadlock=False) != said(graph(seed), "search", deadlock=False)
    ]
    assert wrong


def proved(model: Model) -> Bounded:
    return bounded(model, 8, induction=True)


CIRCLE = Set([(0, 1), (1, 2), (2, 3), (3, 1)])


def test_a_step_invariant_that_a_circle_breaks_is_violated() -> None:
    circle = proved(Graph(edges=CIRCLE, bad_edges=Set([(3, 1)])))
    assert circle.violation is not None
    assert (circle.violation.kind, len(circle.violation.trace)) == (PropertyKind.STEP_INVARIANT, 5)
    in_place = proved(Graph(edges=Set([(0, 1), (1, 1)]), bad_edges=Set([(1, 1)])))
    assert in_place.violation is not None
    assert len(in_place.violation.trace) == 3


def test_a_step_invariant_that_no_step_breaks_is_proved() -> None:
    assert proved(Graph(edges=CIRCLE, bad_edges=Set([(5, 1)]))).verdict is Verdict.HOLDS


def test_a_step_without_an_answer_is_found_where_there_is_no_other() -> None:
    with pytest.raises(EvaluationError, match="division by zero") as error:
        proved(Graph(edges=CIRCLE, undefined=Set([3]), bad=Set([6])))
    assert error.value.trace is not None
    assert len(error.value.trace) == 4
    with pytest.raises(EvaluationError, match="division by zero"):
        proved(Graph(edges=Set([(0, 1)]), undefined=Set([1])))


def test_a_constraint_without_an_answer_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="division by zero"):
        proved(Graph(edges=CIRCLE, unclear=Set([2])))
    assert proved(Graph(edges=CIRCLE, unclear=Set([2]), outside=Set([2]))).verdict is Verdict.HOLDS


@pytest.mark.parametrize("where", [0, 1, 3])
def test_a_bound_that_is_left_anywhere_on_the_way_is_undecided(where: int) -> None:
    found = proved(Graph(edges=CIRCLE, beyond=Set([where]), bad=Set([5])))
    assert found.verdict is Verdict.UNDECIDED
    assert any("the bound of x" in note for note in found.notes)


def test_a_step_that_would_leave_a_bound_is_no_deadlock() -> None:
    model = Graph(edges=Set([(0, 1)]), beyond=Set([1]))
    assert bounded(model, 4, deadlock=True).verdict is Verdict.UNDECIDED
    assert check(model, deadlock=True, engine="reference").verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("induction", [False, True])
def test_what_cannot_begin_is_an_error(induction: bool) -> None:
    with pytest.raises(ModelError, match=r"no initial state: no choice of init's arguments") as error:
        bounded(Graph(begin=Set()), 3, induction=induction)
    assert error.value.span is not None
    with pytest.raises(ModelError, match=r"no initial state: `inside` excludes all"):
        bounded(Graph(outside=Set([0])), 3, induction=induction)


class Promises(Model):
    """Claims something of whole runs."""

    up: Map[Node, bool]

    @action(fair="weak")
    def rise(self, n: Node) -> None:
        self.up[n] = True

    @invariant
    def fine(self) -> bool:
        return True

    @eventually
    def all_up(self) -> bool:
        return all(self.up[n] for n in Node)


def test_claims_of_other_kinds_are_named() -> None:
    found = bounded(Promises(Node=2), 2)
    assert [str(claim) for claim in found.unchecked] == ["all_up (eventually claim)"]
    assert bounded(Promises(Node=2), 2, claims=["fine"]).unchecked == ()


def test_an_interrupt_while_circuits_are_made_ends_undecided() -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    found = bounded(Promises(Node=2), 2, progress=interrupt)
    assert (found.verdict, found.stopped, found.steps) == (Verdict.UNDECIDED, "interrupted", None)


def test_a_question_that_a_solver_is_at_can_be_ended() -> None:
    """Pigeons in holes: no solver of clauses is soon done with so many."""
    circuit = Circuit()
    holes = 14
    inside = [[circuit.fresh() for _ in range(holes)] for _ in range(holes + 1)]
    solver = BooleanSolver(circuit, "sat")
    for row in inside:
        solver.require(circuit.some(row))
    for hole in range(holes):
        for one, other in itertools.combinations(range(holes + 1), 2):
            solver.require(-circuit.both(inside[one][hole], inside[other][hole]))
    asked = Background(lambda: solver.check([]), solver.interrupt)
    asked.end()
    assert asked.over(0)
