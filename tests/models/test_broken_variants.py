"""Every variant with one thing wrong is refuted, by a shortest counterexample that is always the same.

The traces are in `golden/`, to be read.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ratified.explore import check
from ratified.language import Model
from ratified.models.commit import broken as broken_commit
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos import broken as broken_paxos
from ratified.models.paxos.paxos import Paxos
from ratified.results.result import Verdict
from tests.models.stories import story

Golden = Callable[[str, str], None]


# Each variant; the claim that fails first, and after how many steps; after how many two values are chosen, or
# resource managers disagree.
REFUTED: list[tuple[type[Model], str, int, int]] = [
    (broken_paxos.IgnoredPromise, "promises_only_rise", 6, 8),
    (broken_paxos.IgnoredVotes, "proposals_are_safe", 7, 8),
    (broken_paxos.SmallestVote, "proposals_are_safe", 14, 17),
    (broken_paxos.HalfQuorums, "agreement", 8, 8),
    (broken_paxos.StalePromise, "proposals_are_safe", 3, 6),
    (broken_paxos.ReusedBallot, "one_value_per_ballot", 4, 6),
    (broken_paxos.ForgottenPromise, "promises_only_rise", 3, 9),
    (broken_paxos.ForgottenVote, "proposals_are_safe", 8, 9),
    (broken_commit.MajorityCommit, "commit_needs_all", 5, 7),
    (broken_commit.ImpatientManager, "commit_needs_all", 6, 7),
    (broken_commit.ForgottenDecision, "one_decision", 7, 9),
]


def long(variant: type[Model]) -> list[pytest.MarkDecorator]:
    """For CPython; generated code refutes it in CI, below."""
    return [pytest.mark.long(suite="states")] if variant is broken_paxos.SmallestVote else []


@pytest.mark.parametrize(
    ("variant", "claim", "steps"), [pytest.param(v, c, n, marks=long(v)) for v, c, n, _ in REFUTED]
)
def test_it_is_refuted_by_a_shortest_run(variant: type[Model], claim: str, steps: int) -> None:
    result = check(variant(**variant.sizes["small"]), engine="reference")
    assert result.verdict is Verdict.VIOLATED
    assert result.violation is not None
    assert (result.violation.name, len(result.violation.trace.steps)) == (claim, steps)


@pytest.mark.parametrize(("variant", "steps"), [pytest.param(v, n, marks=long(v)) for v, _, _, n in REFUTED])
def test_what_the_protocol_is_for_fails_too(variant: type[Model], steps: int, golden: Golden) -> None:
    purpose = "agreement" if issubclass(variant, Paxos) else "consistency"
    violation = check(variant(**variant.sizes["small"]), claims=[purpose], engine="reference").violation
    assert violation is not None
    assert (violation.name, len(violation.trace.steps)) == (purpose, steps)
    golden(f"{variant.__name__}.txt", story(variant, violation))


@pytest.mark.parametrize(("variant", "claim", "steps", "purpose_steps"), REFUTED)
def test_the_native_engine_refutes_it_by_the_same_run(
    variant: type[Model], claim: str, steps: int, purpose_steps: int, golden: Golden
) -> None:
    purpose = "agreement" if issubclass(variant, Paxos) else "consistency"
    for claims, name, length in ((None, claim, steps), ([purpose], purpose, purpose_steps)):
        violation = check(variant(**variant.sizes["small"]), claims=claims, engine="native").violation
        assert violation is not None
        assert (violation.name, len(violation.trace.steps)) == (name, length)
        if claims:
            golden(f"{variant.__name__}.txt", story(variant, violation))


def test_no_variant_is_left_out() -> None:
    variants = {
        cls
        for module, base in ((broken_paxos, Paxos), (broken_commit, TwoPhase))
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, base) and cls is not base
    }
    assert variants == {variant for variant, *_ in REFUTED}


@pytest.mark.parametrize("acceptors", [1, 2])
def test_it_is_not_the_size_that_breaks_them(acceptors: int) -> None:
    assert check(Paxos(Acceptor=acceptors, Value=2, Ballot=2)).verdict is Verdict.HOLDS
