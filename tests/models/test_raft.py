"""Raft means what Ongaro's specification means: the same number of states. What implementations add leaves it as it is.

The numbers of Raft as published are TLC's, on that specification without its history variables; depth counts the initial level.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ratified.explore import check
from ratified.language import Model, SizeError
from ratified.models.raft.abstract import AbstractRaft
from ratified.models.raft.built import RaftAsBuilt
from ratified.models.raft.clients import RaftClients
from ratified.models.raft.compaction import RaftCompaction
from ratified.models.raft.elections import RaftElections
from ratified.models.raft.history import RaftWithHistory
from ratified.models.raft.incidents import FewIncidents
from ratified.models.raft.membership import RaftMembership
from ratified.models.raft.raft import Raft
from ratified.results.result import Verdict

SLOW = pytest.mark.slow

PUBLISHED: list[tuple[Mapping[str, object], int, int]] = [
    ({"Server": 2, "Value": 1, "max_term": 2, "max_log": 1, "max_messages": 2, "max_copies": 1}, 13_479, 32),
    (
        {"Server": 2, "Value": 1, "max_term": 3, "max_log": 2, "max_messages": 2, "max_copies": 1},
        1_662_206,
        57,
    ),
]


@pytest.mark.parametrize(("size", "distinct", "depth"), [pytest.param(*row, marks=SLOW) for row in PUBLISHED])
def test_the_states_are_those_of_the_published_specification(
    size: Mapping[str, object], distinct: int, depth: int
) -> None:
    result = check(Raft(**size))
    assert result.violation is None
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, distinct, depth)
    assert (result.bounds, result.vacuous) == ((), ())


@SLOW
@pytest.mark.parametrize("model", [RaftElections, RaftClients, RaftCompaction, RaftMembership, RaftAsBuilt])
def test_what_is_added_changes_nothing_as_long_as_nothing_is_switched_on(model: type[Model]) -> None:
    size, distinct, depth = PUBLISHED[0]
    # What it claims is beside the point here, and takes long to compile.
    result = check(model(**size), claims=["election_safety"], engine="native")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, distinct, depth)
    assert result.bounds == ()


@SLOW
def test_nor_at_the_larger_size() -> None:
    size, distinct, depth = PUBLISHED[1]
    result = check(RaftAsBuilt(**size), claims=["election_safety"], engine="native")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, distinct, depth)


@pytest.mark.parametrize(
    ("model", "size", "engine", "distinct", "depth"),
    [
        (AbstractRaft, {}, "reference", 765, 13),
        (RaftWithHistory, {}, "reference", 1_715, 28),
        (RaftWithHistory, {"max_messages": 2}, "native", 14_515, 32),
    ],
)
def test_the_abstract_raft_and_what_refines_it(
    model: type[Model], size: Mapping[str, object], engine: str, distinct: int, depth: int
) -> None:
    result = check(model(**{**model.sizes["small"], **size}), engine=engine)
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, distinct, depth)
    assert result.bounds == ()


IN_CALM = {"Server": 2, "Value": 1, "max_term": 3, "max_log": 1, "max_messages": 1, "calm": True}


@pytest.mark.parametrize(
    ("most", "distinct", "stale"), [(0, 2_021, False), (1, 2_090, True), (2, 6_183, True)]
)
def test_incidents_are_as_many_as_there_may_be_and_may_break_the_calm(
    most: int, distinct: int, stale: bool
) -> None:
    result = check(FewIncidents(**IN_CALM, max_incidents=most), claims=["election_safety"], engine="native")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, distinct, 36)
    # An answer is out of date only if an election has begun before it came.
    assert ("drop_stale_response" not in result.never_fired) == stale


def test_without_a_bound_nothing_is_counted() -> None:
    assert check(Raft(**IN_CALM), claims=["election_safety"], engine="native").distinct == 2_021


ROOM = (
    "The bounds must leave room for a term, for a message and for an entry in a message",
    "give `max_term`, `max_messages`, `max_copies` and `max_entries` at least 1, and `max_log` at least 0",
)
TWO_WAYS = (
    "`single_server` and `joint_consensus` exclude each other: a cluster changes its configuration in one way",
    "switch one of them off",
)
COMMANDS = (
    "A change takes a command, and a client's is needed beside it: with changes there must be at least two values",
    "write Value=2 or more",
)
NO_OP = (
    "The no-op is nobody's command: with `no_op`, there must be another value for clients to ask for",
    "write Value=2 or more, or leave `no_op` out",
)
SERVERS = (
    "The initial configuration must have a server",
    "name servers in `initial`, or leave it out for all of them",
)
READS = ("With `read_index`, there must be room for a read", "give `max_reads` at least 1")
INCIDENTS = (
    "`max_incidents` is a number of incidents, or 0 for as many as there may be",
    "give it at least 0",
)
TERM = ("The bounds must leave room for a term", "give `max_term` at least 1, and `max_log` at least 0")


@pytest.mark.parametrize(
    ("model", "size", "said"),
    [
        (Raft, {"max_term": 0}, ROOM),
        (Raft, {"max_log": -1}, ROOM),
        (Raft, {"max_messages": 0}, ROOM),
        (Raft, {"max_copies": 0}, ROOM),
        (Raft, {"max_entries": 0}, ROOM),
        (AbstractRaft, {"max_term": 0}, TERM),
        (AbstractRaft, {"max_log": -1}, TERM),
        (RaftElections, {"max_incidents": -1}, INCIDENTS),
        (RaftClients, {"no_op": "v1"}, NO_OP),
        (RaftClients, {"read_index": True, "max_reads": 0}, READS),
        (RaftMembership, {"Value": 2, "single_server": True, "joint_consensus": True}, TWO_WAYS),
        (RaftAsBuilt, {"Value": 2, "single_server": True, "joint_consensus": True}, TWO_WAYS),
        (RaftMembership, {"joint_consensus": True}, COMMANDS),
        (RaftMembership, {"initial": []}, SERVERS),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason_and_the_remedy(
    model: type[Model], size: Mapping[str, object], said: tuple[str, str]
) -> None:
    with pytest.raises(SizeError) as refused:
        model(**{"Server": 2, "Value": 1, **size})
    assert (refused.value.message.split(" violates an assumption: ")[1], refused.value.remedy) == said
    assert refused.value.span is not None


@pytest.mark.parametrize(
    ("model", "given", "message", "remedy"),
    [
        (
            RaftClients,
            {"no_op": "v9"},
            "no_op=v9 is not a value of type Value | None",
            "write one of v1; or none",
        ),
        (
            RaftMembership,
            {"initial": ["s9"]},
            "initial=['s9'] is not a value of type Set[Server]",
            "write initial='{s1, ...}', with any of s1, s2",
        ),
        (Raft, {"calm": 3}, "calm=3 is not a value of type bool", "write calm=true or calm=false"),
    ],
)
def test_what_is_no_value_is_refused_with_those_there_are(
    model: type[Model], given: Mapping[str, object], message: str, remedy: str
) -> None:
    with pytest.raises(SizeError) as refused:
        model(Server=2, Value=1, **given)
    assert (refused.value.message, refused.value.remedy) == (message, remedy)


def test_a_cluster_needs_a_server() -> None:
    with pytest.raises(SizeError, match="the size of Server must be at least 1, not 0"):
        Raft(Server=0, Value=1)
