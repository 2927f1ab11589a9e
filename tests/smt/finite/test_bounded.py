"""Runs by a solver: shortest counterexamples as the search finds them, proofs by induction, and what stands in their way."""

from __future__ import annotations

from typing import Annotated

import pytest

from ratified.bundled import models as bundled
from ratified.cli.instances import instance
from ratified.cli.loading import load as load_model
from ratified.explore import check
from ratified.language import (
    Map,
    Model,
    Range,
    RatifiedError,
    Set,
    action,
    constraint,
    invariant,
    record,
    require,
    step_invariant,
)
from ratified.results.errors import EvaluationError
from ratified.results.result import Limits, PropertyKind, Verdict
from ratified.smt import solving
from ratified.smt.finite.bounded import bounded
from ratified.smt.finite.solver import SOLVERS
from ratified.smt.finite.symbolic import CircuitTooLarge
from tests.shared.sorts import Node

Small = Annotated[int, Range(0, 7)]


class Counter(Model):
    """Counts up to 5 in steps of 1 or 2, from 0; `never_seven` is true, and not inductive by itself."""

    n: Small

    @action
    def one(self) -> None:
        require(self.n < 5)
        self.n += 1

    @action
    def two(self) -> None:
        require(self.n < 4)
        self.n += 2

    @invariant
    def small(self) -> bool:
        return self.n <= 5

    @invariant
    def never_five(self) -> bool:
        return self.n != 5


class Turns(Model):
    """From a to b to a; c, which nothing leads to, leads to d, which is wrong: no counterexample, but 1-induction fails."""

    n: Annotated[int, Range(0, 3)]

    @action
    def turn(self) -> None:
        require(self.n <= 1)
        self.n = 1 - self.n

    @action
    def fall(self) -> None:
        require(self.n == 2)
        self.n = 3

    @invariant
    def not_fallen(self) -> bool:
        return self.n != 3


class Once(Model):
    """A run of one step, and no longer one."""

    done: Set[Node]

    @action
    def do(self, a: Node) -> None:
        require(len(self.done) == 0)
        self.done.add(a)

    @invariant
    def one(self) -> bool:
        return len(self.done) <= 1

    @step_invariant
    def grows(self, old: Once) -> bool:
        return old.done <= self.done


class Climbing(Model):
    """Goes up until a bound is in the way."""

    n: Annotated[int, Range(0, 3)]

    @action
    def up(self) -> None:
        self.n += 1

    @invariant
    def positive(self) -> bool:
        return self.n >= 0


class Bounded(Climbing):
    """The same, up to 2 on purpose."""

    @constraint
    def low(self) -> bool:
        return self.n <= 2


class Careless(Model):
    """Takes the first of what may be nothing, after two steps."""

    left: Annotated[int, Range(0, 2)] = 2
    log: Map[Node, Set[Node]]

    @action
    def go(self) -> None:
        require(self.left > 0)
        self.left -= 1

    @action
    def take(self, a: Node) -> None:
        require(self.left == 0)
        self.log[a].remove(a)

    @invariant
    def fine(self) -> bool:
        return self.left <= 2


class Shrinks(Model):
    """A step invariant that fails in the second step."""

    n: Small

    @action
    def step(self) -> None:
        self.n = 3 if self.n == 0 else 1

    @step_invariant
    def grows(self, old: Shrinks) -> bool:
        return self.n >= old.n


@record
class Note:
    who: Node
    count: Small
    seen: Set[Node]


class Endless(Model):
    """A set of very many values."""

    notes: Set[Note]

    @action
    def note(self, a: Node) -> None:
        self.notes.add(Note(a, 1, Set()))

    @invariant
    def fine(self) -> bool:
        return True


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_shortest_counterexample_is_found(solver: str) -> None:
    found = bounded(Counter(), 6, solver=solver)
    assert found.verdict is Verdict.VIOLATED
    assert found.violation is not None
    assert (found.violation.name, len(found.violation.trace.steps), found.steps) == ("never_five", 3, 2)
    assert found.violation.trace.states[-1] == {"n": 5}


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_true_claim_is_proved_and_a_longer_induction_needs_more(solver: str) -> None:
    small = bounded(Counter(), 6, claims=["small"], induction=True, solver=solver)
    assert (small.verdict, small.proved_by) == (Verdict.HOLDS, 1)
    alone = bounded(Turns(), 1, induction=True, solver=solver)
    assert (alone.verdict, alone.proved_by) == (Verdict.UNDECIDED, None)
    assert alone.induction is not None
    assert [s["n"] for s in alone.induction.trace.states] == [2, 3]
    longer = bounded(Turns(), 3, induction=True, solver=solver)
    assert (longer.verdict, longer.proved_by, longer.induction) == (Verdict.HOLDS, 2, None)


def test_what_is_false_is_not_proved_by_any_k() -> None:
    found = bounded(Counter(), 6, claims=["never_five"], induction=True)
    assert (found.verdict, found.proved_by) == (Verdict.VIOLATED, None)


def test_runs_that_end_are_all_runs() -> None:
    found = bounded(Once(Node=2), 5)
    assert (found.verdict, found.complete, found.steps) == (Verdict.HOLDS, True, 2)


def test_deadlock_is_asked_for() -> None:
    found = bounded(Once(Node=2), 5, deadlock=True)
    assert found.violation is not None
    assert (found.violation.kind, len(found.violation.trace.steps)) == (PropertyKind.DEADLOCK, 1)


def test_a_bound_that_may_be_left_makes_a_proof_undecided() -> None:
    found = bounded(Climbing(), 5, induction=True)
    assert (found.verdict, found.proved_by) == (Verdict.UNDECIDED, 1)
    assert any("bound of n" in note for note in found.notes)
    complete = bounded(Climbing(), 5)
    assert (complete.verdict, complete.complete) == (Verdict.UNDECIDED, True)
    assert bounded(Bounded(), 5, induction=True).verdict is Verdict.HOLDS


def test_a_step_invariant_fails_where_it_does() -> None:
    found = bounded(Shrinks(), 4)
    assert found.violation is not None
    assert (found.violation.name, len(found.violation.trace.steps)) == ("grows", 2)


def test_a_run_that_comes_upon_an_error_is_told_as_by_the_search() -> None:
    with pytest.raises(EvaluationError) as by_solver:
        bounded(Careless(Node=2), 5)
    with pytest.raises(EvaluationError) as by_search:
        check(Careless(Node=2), engine="reference")
    assert by_solver.value.message == by_search.value.message
    assert by_solver.value.trace is not None
    assert by_search.value.trace is not None
    assert len(by_solver.value.trace) == len(by_search.value.trace) == 3


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("name", [n for n in bundled if bundled[n].broken])
def test_broken_variants_are_refuted_as_fast_as_can_be_or_not_yet(name: str) -> None:
    """Up to the depth that takes no time, the solver knows as much as the search does."""
    model = instance(load_model(name), None, {})
    depth = 4 if "raft" in name else 6
    found = bounded(model, depth)
    searched = check(model, limits=Limits(depth=depth + 1))
    unsafe = searched.violation is not None and searched.violation.kind is not PropertyKind.LIVENESS
    assert (found.verdict is Verdict.VIOLATED) == unsafe
    if unsafe:
        assert searched.violation is not None
        assert found.violation is not None
        assert len(found.violation.trace) == len(searched.violation.trace)


def test_lemmas_together_are_inductive_at_a_size_and_alone_are_not() -> None:
    voting = instance(load_model("voting"), "small", {})
    assert bounded(voting, 1, induction=True).proved_by == 1
    alone = bounded(voting, 1, induction=True, claims=["agreement"])
    assert alone.proved_by is None
    assert alone.induction is not None
    assert alone.induction.claim == "agreement"


def test_time_that_runs_out_is_undecided() -> None:
    found = bounded(instance(load_model("paxos"), "large", {}), 30, limits=Limits(seconds=0))
    assert (found.verdict, found.steps) == (Verdict.UNDECIDED, None)
    assert found.stopped == "the time limit of 0 s"


def test_what_cannot_be_a_circuit_is_refused() -> None:
    with pytest.raises(CircuitTooLarge, match="has 81,920 values at this size"):
        bounded(Endless(Node=10), 2, induction=True)


@pytest.mark.parametrize(
    ("claims", "message"),
    [(["nothing"], "has no claim 'nothing'"), (["step"], "is neither an invariant nor a step invariant")],
)
def test_claims_that_there_are_not(claims: list[str], message: str) -> None:
    with pytest.raises(RatifiedError, match=message):
        bounded(Shrinks(), 2, claims=claims)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_missing_solver_is_named_with_its_extra(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "find_spec", lambda _name: None)
    with pytest.raises(RatifiedError, match=r"proofs need the package .*\n.*the extra `prove`"):
        bounded(Turns(), 2, solver=solver)
