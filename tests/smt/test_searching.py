"""Counterexamples that CPython finds where solvers find none: at each place of a proof, and none to what is true."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from ratified import (
    Goals,
    Model,
    Range,
    Set,
    action,
    assume,
    invariant,
    lemma,
    require,
    step_invariant,
    subsets,
)
from ratified.smt.first_order.obligations import Translation
from ratified.smt.proving import prove
from ratified.smt.result import Status
from ratified.smt.script import script_of
from ratified.smt.searching import searched
from tests.shared.symmetric import Node


class Guests(Model):
    """Whoever comes is counted, and twice if nobody is there."""

    goals: ClassVar[Goals] = {"few": ("counted",), "one_by_one": ("counted",)}
    inside: Set[Node]
    number: Annotated[int, Range(0, 9)]

    @action
    def come(self, n: Node) -> None:
        require(n not in self.inside and self.number < 8)
        self.number += 2 if len(self.inside) == 0 else 1
        self.inside.add(n)

    @action
    def leave(self, n: Node) -> None:
        self.inside.remove(n)
        self.number = max(self.number - 1, 0)

    @lemma
    def counted(self) -> bool:
        return self.number <= len(self.inside) + 1

    @lemma
    def somebody(self) -> bool:
        return len(self.inside) > 0

    @lemma(uses=())
    def below_three(self) -> bool:
        return self.number < 3

    @invariant
    def few(self) -> bool:
        return self.number <= len(Node)

    @step_invariant
    def one_by_one(self, old: Self) -> bool:
        return self.number <= old.number + 1


class Everybody(Model):
    """Sets of who may be nobody: they are larger than there are nodes."""

    seen: Set[Node | None]

    @action
    def see(self, n: Node | None) -> None:
        self.seen.add(n)

    @lemma
    def no_more_than_there_are(self) -> bool:
        return len(self.seen) <= len(Node)


class Five(Model):
    """Of five nodes, one is gone at once: formulas say so without a node."""

    gone: bool

    @assume
    def five(self) -> bool:
        """There are five."""
        return 4 < len(Node) < 6

    @action
    def go(self) -> None:
        self.gone = True

    @lemma
    def all_there(self) -> bool:
        return not self.gone


def test_each_place_of_a_proof_that_fails_is_shown() -> None:
    obligations = Translation(script_of(Guests)).obligations()
    found = {obligations[i].name: shown for i, shown in searched(Guests, obligations).items()}
    assert {name: dict(shown.sizes) for name, shown in found.items()} == {
        "somebody / init": {"Node": 1},
        "somebody / leave": {"Node": 1},
        "below_three / come": {"Node": 1},
        "few (goal)": {"Node": 1},
        "one_by_one / come": {"Node": 1},
        "well-defined / leave": {"Node": 2},
    }
    wrong = found["well-defined / leave"].false_part
    assert wrong is not None
    assert wrong.text == "the set has no element n1 to remove"
    assert found["few (goal)"].after is None
    assert found["somebody / init"].before is None


def test_what_no_solver_refutes_is_refuted() -> None:
    assert shown_of(Everybody) == [("no_more_than_there_are / see", {"Node": 1})]


def test_an_example_has_a_size_that_is_assumed() -> None:
    assert shown_of(Five) == [("all_there / go", {"Node": 5})]


def shown_of(cls: type[Model]) -> list[tuple[str, dict[str, int]]]:
    """What fails, and at which sizes that is shown."""
    failed = prove(cls).of(Status.FAILED)
    return [(c.name, dict(c.counterexample.sizes)) for c in failed if c.counterexample is not None]


class Parts(Model):
    """A claim about all sets of nodes, of which the formulas do not say that there is one for each content."""

    inside: Set[Node]

    @action
    def come(self, n: Node) -> None:
        self.inside.add(n)

    @lemma
    def itself(self) -> bool:
        return any(s == self.inside for s in subsets(Set(Node)))

    @lemma
    def some_other(self) -> bool:
        return any(s != self.inside for s in subsets(self.inside))


def test_a_counterexample_that_lacks_a_set_refutes_nothing() -> None:
    """CPython says that the claim is true there. What it finds itself counts."""
    proof = prove(Parts)
    found = {c.name: (c.status, c.why) for c in proof.cells}
    assert found["itself / init"] == (
        Status.UNDECIDED,
        "there is a counterexample in logic, but not in CPython",
    )
    assert found["some_other / init"] == (Status.FAILED, "")
