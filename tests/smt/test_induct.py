"""A candidate's counterexamples to induction, and whether the explorer can reach them."""

from __future__ import annotations

from typing import Annotated

import pytest

from ratified import Model, Range, action, lemma, require
from ratified.cli.report.induct import induction_text
from ratified.language import ModelError, invariant
from ratified.smt.houdini import houdini
from ratified.smt.induct import Reach, induct
from ratified.smt.proving import ProofOptions
from tests.smt.test_houdini import Lock

HOW = ProofOptions(processes=1, timeout=60)


class Guesses(Lock):
    """A guess that reachable states refute, besides one that wants a lemma."""

    @invariant
    def nobody_holds(self) -> bool:
        """False after the first step, which begins in an initial state."""
        return super().nobody_holds()


def test_a_candidate_that_wants_a_lemma_fails_where_nothing_comes() -> None:
    found = induct(Lock, "mutual_exclusion", HOW)
    assert [(cell.name, reach) for cell, reach in found.found] == [
        ("mutual_exclusion / acquire", Reach.UNREACHABLE)
    ]


def test_a_candidate_that_is_wrong_fails_where_the_model_comes() -> None:
    found = induct(Guesses, "nobody_holds", HOW)
    assert [(cell.name, reach) for cell, reach in found.found] == [
        ("nobody_holds / acquire", Reach.REACHABLE)
    ]


def test_what_is_not_visited_is_not_known() -> None:
    found = induct(Lock, "mutual_exclusion", HOW, states=1)
    assert [reach for _, reach in found.found] == [Reach.UNKNOWN]


class Loose(Model):
    """Two counters that rise together; `half` does not follow from `near`, which follows from it."""

    x: Annotated[int, Range(0, 9)]
    y: Annotated[int, Range(0, 9)]

    @action
    def rise(self) -> None:
        require(self.x < 9)
        self.x, self.y = self.x + 1, self.y + 1

    @lemma(follows=("half",))
    def near(self) -> bool:
        return self.y <= self.x + 2

    @lemma
    def half(self) -> bool:
        return 2 * self.y <= self.x + self.y


class Pair(Loose):
    """It is also known that they are equal."""

    @lemma
    def same(self) -> bool:
        return self.x == self.y

    @invariant
    def close(self) -> bool:
        return self.y <= self.x + 1

    @invariant
    def low(self) -> bool:
        return self.x + self.y < 9


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        ("close", "INDUCTIVE  Pair: close, which follows from its lemmas\n"),
        ("near", "INDUCTIVE  Pair: near, which follows from its lemmas\n"),
        ("low", "NOT INDUCTIVE  Pair: low has 1 counterexample\n"),
    ],
)
def test_what_follows_from_the_lemmas_needs_no_induction(candidate: str, said: str) -> None:
    assert induction_text("Pair", candidate, induct(Pair, candidate, HOW)).startswith(said)


def test_a_candidate_does_not_follow_from_what_follows_from_it() -> None:
    assert not induct(Loose, "half", HOW).follows


def test_an_unknown_candidate_is_refused() -> None:
    with pytest.raises(ModelError, match="Lock has no invariant 'fairness'"):
        induct(Lock, "fairness", HOW)


def test_houdini_agrees() -> None:
    assert "mutual_exclusion" in houdini(Guesses, options=HOW).kept
