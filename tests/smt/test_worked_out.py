"""What is worked out place after place in first-order logic: held to CPython, proved where a bound of it is known, and broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from unittest import mock

import pytest

from ratified import (
    AtMost,
    Bag,
    Map,
    Model,
    Range,
    Seq,
    Set,
    action,
    first,
    invariant,
    lemma,
    majorities,
    require,
)
from ratified.language.errors import ModelError
from ratified.language.machine import OutOfBounds
from ratified.results.result import Verdict
from ratified.smt.first_order import recursion
from ratified.smt.law import Law
from ratified.smt.proving import prove
from ratified.smt.terms import TRUE, Number, Term
from ratified.smt.validation.comparing import Comparison, Disagreement
from ratified.smt.validation.validate import comparison_of
from tests.shared.sorts import Round
from tests.shared.symmetric import Node
from tests.smt.test_translation import ALL, EFFORT

Small = Annotated[int, Range(0, 3)]


class Turning(Model):
    """Loops of which a turn turns what it finds into something else."""

    log: Annotated[Seq[Node], AtMost(3)]
    level: Small
    on: bool
    at: Map[Node, Small]
    seen: Set[Node]
    bag: Annotated[Bag[Node], AtMost(3)]

    def init(self, log: Annotated[Seq[Node], AtMost(2)], seen: Set[Node], n: Node, k: Small) -> None:
        self.log, self.seen, self.at[n] = log, seen, k
        for m in log:
            self.bag.add(m)
            self.bag.add(n)

    @action
    def flipped(self) -> None:
        for n in self.log:
            if n in self.seen:
                self.on = not self.on

    @action
    def appended(self) -> None:
        for n in self.log:
            if n not in self.seen:
                require(len(self.log) < 3)
                self.log.append(n)

    @action
    def climbing(self, r: Round) -> None:
        best = 0
        for n in Node:
            best = max(best, self.at[n])
            self.at[n] = best

    @action
    def counted(self) -> None:
        for _ in self.seen:
            require(self.level < 2)
            self.level += 1

    @action
    def passed_on(self, m: Node) -> None:
        for n in Node:
            self.at[m] = self.at[n]
            self.at[n] = 0 if self.at[m] == 3 else self.at[m] + 1

    @action
    def copies(self) -> None:
        for _ in self.bag:
            self.level = (self.level + 2) % 3
            if self.level == 0:
                return

    @action
    def inside(self) -> None:
        for n in self.log:
            for m in Node:
                if m != n:
                    self.on = not self.on

    @action
    def backwards(self) -> None:
        for n in reversed(self.log):
            self.log = Seq([n]) + self.log[1:2]

    @invariant
    def anything(self) -> bool:
        return True


class Reckoning(Model):
    """Sums, copies, places and numbers of values."""

    log: Annotated[Seq[Node], AtMost(3)]
    at: Map[Node, Small]
    bag: Annotated[Bag[Node], AtMost(4)]
    rounds: Set[Round]

    def init(
        self, log: Annotated[Seq[Node], AtMost(3)], n: Node, m: Node, k: Small, rounds: Set[Round]
    ) -> None:
        self.log, self.at[n], self.at[m], self.rounds = log, 2, k, rounds
        self.bag = Bag([n, m, n])

    @invariant
    def as_often(self) -> bool:
        return sum(1 for n in self.log if self.at[n] == 2) != 2

    @invariant
    def a_sum(self) -> bool:
        return sum(self.at[n] for n in Node) > 3

    @invariant
    def of_pairs(self) -> bool:
        return sum(self.at[n] for n in self.log for r in self.rounds if int(r) > 0) < 4

    @invariant
    def of_copies(self, n: Node) -> bool:
        return sum(self.at[m] for m in self.bag if m != n) != 3 or len(self.bag) < 3

    @invariant
    def equals(self, n: Node) -> bool:
        return self.log.count(n) < 2

    @invariant
    def mapped(self, k: Small) -> bool:
        return Bag(self.at[n] for n in Node).count(k) < 2

    @invariant
    def fitting(self) -> bool:
        fitting = Seq(n for n in Node if self.at[n] > 1)
        return len(fitting) > 0 and fitting[0] in self.log and fitting[-1] == fitting[len(fitting) - 1]

    @invariant
    def in_order(self) -> bool:
        rounds = Seq(sorted(self.rounds))
        return all(int(r) >= i for i, r in enumerate(rounds)) and len(rounds) < 2

    @invariant
    def numbers(self, r: Round) -> bool:
        return int(r) < 1 or int(r) == len(self.rounds)

    @action
    def nothing(self) -> None:
        require(len(self.log) < 0)


def held(model: Model, *, every: int) -> Comparison:
    """A model held to its formulas in some of its initial states."""
    comparison = comparison_of(model, effort=40 * EFFORT, share=ALL)
    states = [after for _, after in comparison.machine.initial() if not isinstance(after, OutOfBounds)]
    for state in list(dict.fromkeys(states))[::every]:
        comparison.state(state)
    return comparison


def test_what_turns_make_of_what_they_find() -> None:
    counted = held(Turning(Node=2, Round=1), every=3).counted
    assert (counted["states"], counted["steps"]) == (31, 279)


def test_sums_and_places() -> None:
    counted = held(Reckoning(Node=2, Round=2), every=23).counted
    assert (counted["states"], counted["claims"]) == (42, 378)


@pytest.mark.parametrize(
    "model", [Turning(Node=2, Round=1), Reckoning(Node=2, Round=2)], ids=["loops", "sums"]
)
@pytest.mark.parametrize(
    "fault",
    [
        lambda law: Law(
            law.left, TRUE, law.right, law.own
        ),  # what there was at first is there at every place
        lambda law: Law(law.left, law.where, _one_more(law.right), law.own),
    ],
    ids=["everywhere", "one more"],
)
def test_a_law_that_is_wrong_is_found(model: Model, fault: Callable[[Law], Law]) -> None:
    def wrong(*given: Any) -> Law:
        return fault(Law(*given))

    with mock.patch.object(recursion, "Law", wrong), pytest.raises(Disagreement):
        held(model, every=7)


def _one_more(term: Term) -> Term:
    return Number(term.value + 1) if isinstance(term, Number) else term


class Tally(Model):
    """How many of a log's entries have been marked."""

    log: Annotated[Seq[bool], AtMost(3)]
    marked: Annotated[int, Range(0, 3)]

    @action
    def recount(self) -> None:
        self.marked = min(sum(1 for entry in self.log if entry), 3)

    @action
    def write(self, entry: bool) -> None:
        self.log.append(entry)

    @lemma
    def never_negative(self) -> bool:
        return sum(1 for entry in self.log if entry) >= 0

    @lemma
    def first_entry_counts(self) -> bool:
        return not (len(self.log) == 1 and self.log[0]) or sum(1 for entry in self.log if entry) == 1


def test_little_sums_are_proved() -> None:
    proof = prove(Tally)
    assert proof.verdict is Verdict.HOLDS
    assert proof.held
    assert proof.held.steps > 0


class Flipped(Model):
    """A light that each entry turns on, or off."""

    log: Annotated[Seq[bool], AtMost(3)]
    on: bool

    @action
    def flip(self) -> None:
        for _ in self.log:
            self.on = not self.on

    @action
    def write(self, entry: bool) -> None:
        self.log.append(entry)

    @lemma
    def off(self) -> bool:
        return not self.on


def test_what_a_turn_makes_of_what_it_finds_is_refuted_by_a_step_that_cpython_takes() -> None:
    proof = prove(Flipped)
    assert proof.verdict is Verdict.VIOLATED
    (failed,) = (c for c in proof.cells if c.counterexample is not None)
    assert (failed.name, failed.counterexample and failed.counterexample.confirmed) == ("off / flip", True)


class Climbing(Model):
    """At the last of its rounds, there is no next one that a turn could come to."""

    at: Round

    @action
    def climb(self) -> None:
        for _ in Round:
            require(not self.at.is_last())
            self.at = self.at + 1

    @lemma
    def at_first(self) -> bool:
        return self.at == first(Round)


def test_what_a_turn_finds_need_not_be_there() -> None:
    """Laws say nothing where there is no next value: of one that is not there they would say everything."""
    comparison = comparison_of(Climbing(Round=2), effort=EFFORT, share=ALL)
    for r in range(2):
        comparison.state((Round(r),))
    assert (comparison.counted["states"], comparison.counted["steps"]) == (2, 0)


class Electing(Model):
    """A loop over sets, whose order is not said."""

    leader: bool

    @action
    def elect(self) -> None:
        for _ in majorities(Node):
            self.leader = not self.leader

    @invariant
    def anything(self) -> bool:
        return True


def test_a_loop_over_sets_whose_turns_depend_on_each_other_is_refused() -> None:
    with pytest.raises(
        ModelError, match="a loop whose turns depend on each other cannot be proved"
    ) as problem:
        comparison_of(Electing(Node=2), effort=EFFORT)
    assert problem.value.span is not None
