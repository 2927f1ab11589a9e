"""Every Raft with one thing wrong is refuted, by a shortest counterexample that is always the same, in `golden/`, to be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ratified.explore import check
from ratified.language import Model
from ratified.models.raft import broken, broken_built
from ratified.models.raft.clients import RaftClients
from ratified.models.raft.compaction import RaftCompaction
from ratified.models.raft.membership import RaftMembership
from ratified.models.raft.raft import Raft
from ratified.results.result import Verdict
from tests.models.stories import story

Golden = Callable[[str, str], None]

# Each variant, the claim that it breaks, after how many steps, and whether servers are taken for interchangeable, to be quick.
REFUTED: list[tuple[type[Model], str, int, bool]] = [
    (broken.HalfQuorums, "election_safety", 10, False),
    (broken.ForgottenVote, "election_safety", 18, True),
    (broken.TornVote, "election_safety", 18, True),
    (broken.StaleVotes, "election_safety", 18, False),
    (broken.StubbornLeader, "election_safety", 18, False),
    (broken.CommitGoesBack, "commit_index_only_rises", 19, False),
    (broken.MatchGoesBack, "match_index_only_rises", 17, False),
    (broken.NextBehindMatch, "next_is_beyond_match", 27, False),
    (broken.TruncatingAppend, "committed_is_on_a_majority", 17, False),
    (broken.RepeatedAppend, "log_matching", 14, False),
    (broken.LostEntry, "committed_is_on_a_majority", 16, False),
    (broken.CountedRejections, "committed_is_on_a_majority", 25, False),
    (broken.KeptConflict, "state_machine_safety", 28, True),
    (broken.ShorterHistory, "leader_completeness", 38, True),
    (broken.CountedOldEntries, "leader_completeness", 54, True),
    (broken_built.ConsentingLeader, "no_leader_consents", 17, False),
    (broken_built.CostlyPreVote, "asking_changes_no_term", 2, False),
    (broken_built.DisturbedFollower, "no_follower_is_disturbed", 16, False),
    (broken_built.HastyTransfer, "transferee_is_caught_up", 12, False),
    (broken_built.RepeatedCommand, "applied_at_most_once", 22, False),
    (broken_built.UnconfirmedRead, "reads_are_linearizable", 34, True),
    (broken_built.AppendForSnapshot, "state_machine_safety", 29, True),
    (broken_built.SnapshotLowersTerm, "election_safety", 43, True),
    (broken_built.HastyChange, "no_disjoint_majorities", 28, True),
    (broken_built.UnionMajority, "no_disjoint_majorities", 16, True),
]


@pytest.mark.parametrize(
    ("variant", "claim", "steps", "symmetry"), [pytest.param(*case, id=case[0].__name__) for case in REFUTED]
)
def test_a_variant_is_refuted_by_a_shortest_run(
    variant: type[Model], claim: str, steps: int, symmetry: bool, golden: Golden
) -> None:
    model = variant(**variant.sizes["small"])
    violation = check(model, claims=[claim], symmetry=symmetry).violation
    assert violation is not None
    assert (violation.name, len(violation.trace.steps)) == (claim, steps)
    golden(f"Raft{variant.__name__}.txt", story(variant, violation))


def test_no_variant_is_left_out() -> None:
    variants = {
        cls
        for module in (broken, broken_built)
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, Raft) and cls.__module__ == module.__name__
    }
    assert variants - {broken.Quiet} == {variant for variant, *_ in REFUTED}


class QuietClients(broken.Quiet, RaftClients):
    """What `UnconfirmedRead` does in a quiet hour, but right."""


class QuietCompaction(broken.Quiet, RaftCompaction):
    """What `AppendForSnapshot` and `SnapshotLowersTerm` do in a quiet hour, but right."""


class QuietMembership(broken.Quiet, RaftMembership):
    """What `HastyChange` and `UnionMajority` do in a quiet hour, but right."""


@pytest.mark.sampled(every=3)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "variant", "claim"),
    [
        (broken.Quiet, broken.KeptConflict, "state_machine_safety"),
        (QuietClients, broken_built.UnconfirmedRead, "reads_are_linearizable"),
        (QuietCompaction, broken_built.AppendForSnapshot, "state_machine_safety"),
        (QuietCompaction, broken_built.SnapshotLowersTerm, "election_safety"),
        (QuietMembership, broken_built.HastyChange, "no_disjoint_majorities"),
        (QuietMembership, broken_built.UnionMajority, "no_disjoint_majorities"),
    ],
)
def test_it_is_neither_the_size_nor_the_quiet_hour_that_breaks_them(
    model: type[Model], variant: type[Model], claim: str
) -> None:
    size = variant.sizes["small"]
    result = check(model(**size), claims=[claim], symmetry=True, engine="native")
    assert result.violation is None
    assert result.verdict is Verdict.HOLDS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("switch", "distinct", "fired"),
    [
        ("single_server", 151_191, ["leave", "add_or_remove"]),
        ("joint_consensus", 673_711, ["leave", "begin_change", "finish_change"]),
    ],
)
def test_one_change_of_configuration_after_the_other(switch: str, distinct: int, fired: list[str]) -> None:
    size = {"Server": 3, "Value": 3, "max_term": 2, "max_log": 3, "max_messages": 1}
    result = check(QuietMembership(**size, **{switch: True}), symmetry=True, engine="native")
    assert (result.verdict, result.distinct, result.vacuous) == (Verdict.HOLDS, distinct, ())
    changes = ["leave", "add_or_remove", "begin_change", "finish_change"]
    assert [a.name for a in result.actions if a.name in changes and a.fired] == fired
