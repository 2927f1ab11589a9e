"""Whatever a core is given, `step` does not raise, and what is durable changes only as the protocol allows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratified.impl.contract import (
    NOTHING,
    Campaign,
    Command,
    Compact,
    Control,
    Persisted,
    Query,
    Receive,
    Submit,
    Tick,
    Truncate,
    WriteEntries,
    WriteRecord,
    WriteSnapshot,
)
from ratified.impl.raft import (
    ChangeMembership,
    Config,
    Entry,
    HardState,
    Membership,
    NoOp,
    Role,
    Snapshot,
    TransferLeadership,
)
from ratified.impl.raft.messages import (
    AppendEntries,
    AppendResponse,
    InstallSnapshot,
    PreVote,
    PreVoteResponse,
    RequestVote,
    TimeoutNow,
    VoteResponse,
    well_formed,
)
from tests.impl.raft.lab import PAPER, THREE, Bench, append, entries

# Mostly small numbers, that meet each other; now and then what cannot be.
number = st.one_of(st.integers(0, 6), st.integers(0, 6), st.sampled_from([-1, 2**40]))
odd: st.SearchStrategy[Any] = st.sampled_from([None, "x", 1.5, True, ()])
field = st.one_of(number, number, number, number, odd)
node = st.sampled_from(["s1", "s2", "s3", "s4", "stranger", ""])
nodes = st.lists(node, max_size=3).map(tuple)
command = st.builds(
    Command, st.sampled_from(["a", "b"]), st.integers(0, 3), st.sampled_from([b"put x 1", b"", b"\xff"])
)
membership = st.builds(Membership, nodes, nodes, nodes)
value = st.one_of(command, st.just(NoOp()), membership, odd)
entry = st.one_of(st.builds(Entry, field, value), odd)
log = st.lists(entry, max_size=3).map(tuple)
state = st.sampled_from([b"{}", b'{"x": "1"}', b"", b"[]", b"{", b'{"x": 1}', b"\xff", b"nan", b"[" * 5_000])
sessions = st.sampled_from([(), (("a", 1, b""),), (("a", 1),), (1, 2), None])
snapshot = st.one_of(
    st.builds(Snapshot, field, field, st.one_of(membership, odd), sessions, st.one_of(state, odd)), odd
)
message = st.one_of(
    st.builds(AppendEntries, field, field, field, st.one_of(log, odd), field, field),
    st.builds(AppendResponse, field, st.one_of(st.booleans(), odd), field, field, field, field),
    st.builds(RequestVote, field, field, field, st.booleans()),
    st.builds(VoteResponse, field, st.one_of(st.booleans(), odd)),
    st.builds(PreVote, field, field, field),
    st.builds(PreVoteResponse, field, st.one_of(st.booleans(), odd)),
    st.builds(InstallSnapshot, field, snapshot),
    st.builds(TimeoutNow, field),
    odd,
)
control = st.one_of(
    st.sampled_from([Campaign(), Compact(), Control()]),
    st.builds(ChangeMembership, nodes, nodes),
    st.builds(TransferLeadership, node),
)
event = st.one_of(
    st.builds(Receive, node, message),
    st.builds(Receive, node, message),
    st.builds(Receive, node, message),
    st.builds(Tick, st.integers(-1, 12)),
    st.builds(Persisted, st.integers(-1, 12)),
    st.builds(Submit, command),
    st.builds(Query, st.sampled_from(["a", "b"]), st.integers(0, 3), st.just(b"get x")),
    control,
)
config = st.builds(
    Config,
    pre_vote=st.booleans(),
    check_quorum=st.booleans(),
    no_op=st.booleans(),
    fast_backoff=st.booleans(),
    sessions=st.booleans(),
    max_batch=st.integers(1, 3),
    max_inflight=st.integers(1, 2),
    max_uncommitted=st.integers(1, 4),
    snapshot_every=st.integers(0, 2),
    snapshot_keep=st.integers(0, 2),
)


@settings(max_examples=600, deadline=None)
@given(config, st.lists(event, max_size=25))
def test_no_input_makes_a_core_raise_or_change_what_is_durable_against_the_rules(
    config: Config, events: list[Any]
) -> None:
    bench = Bench(term=2, log=entries(1, 1, 2), config=config)
    for event in events:
        before = (bench.disk, bench.core.commit, bench.core.role)
        bench.do(event)
        allowed(bench, *before)
    again = bench.restart()
    kept = bench.core.log.slice(again.core.log.offset + 1, 1_000)
    assert again.core.log.entries() == kept
    assert (again.core.term, again.core.state.voted_for) == (bench.core.term, bench.core.state.voted_for)
    assert again.core.membership == bench.core.membership


def allowed(bench: Bench, disk: Any, commit: int, role: Role) -> None:
    """What was written in the last step is what Raft may write."""
    assert bench.core.commit >= commit
    assert bench.core.applied == bench.core.commit
    record = disk.record
    for write in bench.last.writes:
        match write:
            case WriteRecord(HardState(term, voted_for)):
                assert term >= record.term
                assert term > record.term or record.voted_for in (None, voted_for)
                record = write.record
            case Truncate(first):
                assert first > commit
                assert role is not Role.LEADER
            case WriteEntries(first, new):
                assert first > commit
                assert all(type(entry) is Entry and 0 < entry.term <= bench.core.term for entry in new)
            case WriteSnapshot(index, snapshot):
                assert index == snapshot.index > disk.snapshot.index
    assert bench.core.term == record.term


@settings(max_examples=300, deadline=None)
@given(message)
def test_what_cannot_have_been_said_changes_nothing_at_all(message: object) -> None:
    bench = Bench(term=2, log=entries(1, 1, 2))
    before = bench.core.observe()
    if not well_formed(message):
        assert bench.core.step(Receive("s2", message)) is NOTHING
        assert bench.core.observe() == before


@pytest.mark.parametrize(
    "message",
    [
        append(-1),
        append(3, -1, 0),
        append(3, 1, 0),
        append(3, 0, 1),
        append(3, 1, 4),
        append(3, 0, 0, Entry(4, NoOp())),
        append(3, 0, 0, Entry(2, NoOp()), Entry(1, NoOp())),
        append(3, 2, 2, Entry(1, NoOp())),
        append(3, 0, 0, Entry(0, NoOp())),
        append(3, 0, 0, Entry(1, Membership())),
        append(3, commit=-1),
        RequestVote(3, -1, 0),
        RequestVote(3, 1, 3),
        AppendResponse(3, success=True, index=-1),
        InstallSnapshot(3, Snapshot()),
        InstallSnapshot(3, Snapshot(4, 9, Membership(THREE), (), b"{}")),
        InstallSnapshot(3, Snapshot(4, 1, Membership(), (), b"{}")),
        "nonsense",
    ],
    ids=str,
)
def test_messages_that_no_correct_node_can_have_sent_are_ignored(message: object) -> None:
    bench = Bench(term=2, log=entries(1, 1, 2))
    assert bench.receive("s2", message) == []
    assert (bench.core.term, bench.terms) == (2, [1, 1, 2])


def test_a_snapshot_that_the_state_machine_cannot_read_is_not_taken_over() -> None:
    bench = Bench()
    broken = Snapshot(4, 1, Membership(THREE), (), b"not a state")
    assert bench.receive("s2", InstallSnapshot(1, broken)) == []
    assert (bench.core.applied, bench.core.log.last, bench.disk.snapshot.index) == (0, 0, 0)


def test_what_is_committed_is_not_given_up_even_if_a_leader_says_so() -> None:
    bench = Bench()
    bench.receive("s2", append(1, 0, 0, *entries(1, 1), commit=2))
    assert bench.receive("s3", append(2, 0, 0, Entry(2, NoOp()))) == []
    assert bench.terms == [1, 1]


def test_a_leader_does_not_believe_that_somebody_has_what_it_never_sent() -> None:
    bench = Bench()
    bench.lead()
    bench.receive("s2", AppendResponse(1, success=True, index=7))
    assert (bench.core.state.progress["s2"].match, bench.core.commit) == (0, 0)


def test_a_term_from_the_far_future_is_taken_on_as_the_protocol_says() -> None:
    bench = Bench(term=2)
    bench.receive("stranger", RequestVote(2**40, 0, 0))
    assert bench.disk.record.term == 2**40


def test_with_check_quorum_it_is_not_as_long_as_there_is_a_leader() -> None:
    bench = Bench(config=PAPER, check_quorum=True)
    bench.receive("s2", append(2))
    assert bench.receive("stranger", RequestVote(2**40, 0, 0)) == []
    assert bench.core.term == 2


def test_durable_writes_that_were_never_begun_are_not_believed() -> None:
    bench = Bench(slow_disk=True)
    bench.time_out()
    bench.do(Persisted(99))
    assert bench.core.state.votes == {}
    bench.do(Persisted(1))
    assert bench.core.state.votes == {"s1": True}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"election_ticks": 1}, "election_ticks is 1; it must be at least 2"),
        ({"max_batch": 0}, "max_batch is 0; it must be at least 1"),
        ({"snapshot_keep": -1}, "snapshot_keep is -1; it must be at least 0"),
        (
            {"heartbeat_ticks": 10},
            "heartbeat_ticks is 10 and election_ticks 10; followers would not wait for a heartbeat",
        ),
    ],
)
def test_configurations_that_cannot_work_are_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Config(**wrong)  # type: ignore[arg-type]  # numbers for numbers
