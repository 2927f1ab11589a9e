"""The bundled models mean what their authors' specifications mean: the same number of states, and no claim fails.

The numbers are TLC's, on Lamport's modules Consensus, Voting, Paxos and TwoPhase; depth counts the initial level.
"""

from __future__ import annotations

from itertools import combinations

import pytest

from ratified.explore import check
from ratified.language import Model, Set, SizeError, refines
from ratified.models.commit.transaction_commit import TransactionCommit
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos.consensus import Consensus
from ratified.models.paxos.flexible import FlexiblePaxos
from ratified.models.paxos.paxos import Paxos
from ratified.models.paxos.sorts import Value
from ratified.models.paxos.voting import Voting
from ratified.results.result import PropertyKind, Result, Verdict

Sizes = tuple[tuple[str, int], ...]

pytestmark = pytest.mark.xdist_group("paxos family")  # what is explored once is, in one process

LONG = pytest.mark.long(
    suite="states"
)  # for CPython; tests/explore/native holds generated code to the same counts in CI


def paxos(acceptors: int, values: int, ballots: int) -> Sizes:
    return ("Acceptor", acceptors), ("Value", values), ("Ballot", ballots)


def managers(count: int) -> Sizes:
    return (("ResourceManager", count),)


_EXPLORED: dict[tuple[str, Sizes, bool], Result] = {}


def explored(model: type[Model], sizes: Sizes, *, symmetry: bool = False) -> Result:
    """Return the outcome at a size, explored once for all tests."""
    key = (model.__name__, sizes, symmetry)
    if key not in _EXPLORED:
        _EXPLORED[key] = check(model(**dict(sizes)), symmetry=symmetry, engine="reference")
    return _EXPLORED[key]


def holds_with(result: Result, distinct: int, depth: int) -> None:
    assert result.violation is None
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, distinct, depth)


@pytest.mark.parametrize(
    ("model", "sizes", "distinct", "depth"),
    [
        (Consensus, (("Value", 3),), 4, 2),
        (Voting, paxos(3, 2, 2), 599, 11),
        pytest.param(Voting, paxos(3, 2, 3), 6_752, 16, marks=LONG),
        (Paxos, paxos(3, 2, 2), 3_921, 17),
        pytest.param(Paxos, paxos(3, 2, 3), 185_369, 25, marks=LONG),
        (TransactionCommit, managers(3), 34, 7),
        (TwoPhase, managers(3), 288, 11),
        (TwoPhase, managers(4), 1_568, 14),
        pytest.param(TwoPhase, managers(5), 8_832, 17, marks=LONG),
        pytest.param(TwoPhase, managers(6), 50_816, 20, marks=LONG),
    ],
)
def test_the_states_are_those_of_the_published_specification(
    model: type[Model], sizes: Sizes, distinct: int, depth: int
) -> None:
    holds_with(explored(model, sizes), distinct, depth)


@pytest.mark.parametrize(
    ("model", "sizes", "distinct", "depth"),
    [
        (Consensus, (("Value", 3),), 2, 2),
        (Voting, paxos(3, 2, 2), 77, 11),
        (Paxos, paxos(3, 2, 2), 443, 17),
        pytest.param(Paxos, paxos(3, 2, 3), 17_153, 25, marks=LONG),
    ],
)
def test_so_are_its_orbits_under_symmetry(
    model: type[Model], sizes: Sizes, distinct: int, depth: int
) -> None:
    holds_with(explored(model, sizes, symmetry=True), distinct, depth)


CORRECT = [
    (Consensus, (("Value", 3),)),
    (Voting, paxos(3, 2, 2)),
    (Paxos, paxos(3, 2, 2)),
    (TransactionCommit, managers(3)),
    (TwoPhase, managers(3)),
]


@pytest.mark.parametrize(("model", "sizes"), CORRECT)
def test_every_action_fires_and_no_claim_is_vacuous(model: type[Model], sizes: Sizes) -> None:
    result = explored(model, sizes)
    assert result.never_fired == ()
    assert result.vacuous == ()
    assert result.bounds == ()


@pytest.mark.parametrize(
    ("model", "sizes", "refinement"),
    [
        (Voting, paxos(3, 2, 2), "as_consensus"),
        (Paxos, paxos(3, 2, 2), "as_voting"),
        (TwoPhase, managers(3), "as_transaction_commit"),
    ],
)
def test_the_refinement_is_among_what_is_checked(model: type[Model], sizes: Sizes, refinement: str) -> None:
    checked = [p.name for p in explored(model, sizes).properties if p.kind is PropertyKind.REFINEMENT]
    assert checked == [refinement]


class SomeVoteChooses(Voting):
    """A refinement planted wrong: a value is said to be chosen as soon as one acceptor has voted for it."""

    @refines(Consensus)
    def as_consensus(self, consensus: Consensus) -> None:
        consensus.chosen = Set(v for v in Value if self.has_a_vote(v))

    def has_a_vote(self, v: Value) -> bool:
        return any(vote.value == v for votes in self.votes.values() for vote in votes)


def test_a_refinement_that_is_wrong_is_caught() -> None:
    result = check(SomeVoteChooses(**dict(paxos(3, 2, 2))), engine="reference")
    assert result.verdict is Verdict.VIOLATED
    assert result.violation is not None
    assert (result.violation.kind, result.violation.name) == (PropertyKind.REFINEMENT, "as_consensus")
    # Two acceptors go on to b1, one of them votes there, and the third votes for the other value in b0.
    actions = [step.action for step in result.violation.trace.steps]
    assert actions == ["increase_max_ballot", "increase_max_ballot", "vote_for", "vote_for"]


def members(count: int, of: int) -> list[list[str]]:
    """Return all quorums of so many acceptors, as one gives them on the command line."""
    return [list(quorum) for quorum in combinations([f"a{n + 1}" for n in range(of)], count)]


@pytest.mark.parametrize(
    ("phase1", "phase2", "engine", "distinct"),
    [
        (2, 2, "reference", 3_921),  # majorities in both phases: Paxos
        (3, 1, "reference", 513),
        (1, 3, "native", 12_513),
    ],
)
def test_quorums_of_the_two_phases_may_differ_in_size(
    phase1: int, phase2: int, engine: str, distinct: int
) -> None:
    model = FlexiblePaxos(**dict(paxos(3, 2, 2)), phase1=members(phase1, of=3), phase2=members(phase2, of=3))
    holds_with(check(model, engine=engine), distinct, depth=17)


def test_majorities_in_both_phases_are_as_symmetric_as_paxos() -> None:
    model = FlexiblePaxos(**dict(paxos(3, 2, 2)), phase1=members(2, of=3), phase2=members(2, of=3))
    holds_with(check(model, symmetry=True, engine="reference"), 443, depth=17)


def test_quorums_of_the_two_phases_must_meet() -> None:
    with pytest.raises(SizeError, match="must have a member in common"):
        FlexiblePaxos(**dict(paxos(3, 2, 2)), phase1=members(1, of=3), phase2=members(2, of=3))


@pytest.mark.parametrize("model", [Consensus, Voting, Paxos, FlexiblePaxos, TransactionCommit, TwoPhase])
def test_every_model_names_its_sizes(model: type[Model]) -> None:
    assert list(model.sizes) == ["small", "standard", "large"]
    for size in model.sizes.values():
        model(**size)
