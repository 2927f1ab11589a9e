"""A candidate's counterexamples to induction, and whether the explorer can reach them."""

from __future__ import annotations

import pytest

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


def test_an_unknown_candidate_is_refused() -> None:
    with pytest.raises(ModelError, match="Lock has no invariant 'fairness'"):
        induct(Lock, "fairness", HOW)


def test_houdini_agrees() -> None:
    assert "mutual_exclusion" in houdini(Guesses, options=HOW).kept
