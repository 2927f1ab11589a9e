"""Whatever comes in, a core of Multi-Paxos goes on, and its disk says nothing that Paxos does not allow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratified.impl.contract import (
    NOTHING,
    Campaign,
    Command,
    Durable,
    Persisted,
    Query,
    Receive,
    Restored,
    Submit,
)
from ratified.impl.multipaxos.messages import (
    NO_OP,
    Accept,
    Accepted,
    Alive,
    CatchUp,
    Chosen,
    Heartbeat,
    Install,
    Learned,
    Prepare,
    Promise,
    Rejected,
    Snapshot,
    Value,
)
from ratified.impl.multipaxos.state import Config, Record
from ratified.impl.multipaxos.system import multipaxos_system
from ratified.impl.paxos.ballots import Ballot, Vote
from tests.impl.fuzzing import (
    NODES,
    counts,
    inputs,
    junk,
    mostly,
    odd_ballots,
    odd_commands,
    odd_votes,
    survives,
)

slots = st.integers(1, 6)
values = st.lists(st.one_of(odd_commands, st.just(NO_OP)), min_size=1, max_size=4).map(tuple)
snapshots = st.builds(
    Snapshot,
    mostly(slots),
    mostly(st.sampled_from([b"{}", b'{"x": "1"}', b"[]", b"{", b"\xff"])),
    mostly(st.sampled_from([(), (("c1", 1, b""),), (("c1", 0, b""),), ("c1", 1, b""), ((),)])),
)
reports = st.lists(st.tuples(mostly(slots), mostly(odd_votes)), max_size=3).map(tuple)
messages = st.one_of(
    st.builds(Prepare, mostly(odd_ballots), mostly(slots), st.booleans()),
    st.builds(Promise, mostly(odd_ballots), mostly(counts), mostly(reports)),
    st.builds(Accept, mostly(odd_ballots), mostly(slots), mostly(values), mostly(counts)),
    st.builds(Accepted, mostly(odd_ballots), mostly(slots), mostly(slots)),
    st.builds(Rejected, mostly(odd_ballots), mostly(odd_ballots)),
    st.builds(Heartbeat, mostly(odd_ballots), mostly(counts), mostly(counts)),
    st.builds(Alive, mostly(odd_ballots), mostly(counts)),
    st.builds(CatchUp, mostly(slots)),
    st.builds(Chosen, mostly(slots), mostly(values), mostly(counts)),
    st.builds(Install, mostly(snapshots), mostly(counts)),
    junk,
)


RED = Command("c", 1, b"put x red")
A1, B2 = Ballot(1, "n1"), Ballot(2, "n2")
LEADING = (
    Campaign(),
    "persist",
    Receive("n2", Promise(A1, 0, ((2, Vote(Ballot(1, "n0"), RED)),))),
    Submit(RED),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([(), LEADING]), inputs(messages))
def test_nothing_raises_and_the_disk_stays_true(begin: tuple[Any, ...], events: list[Any]) -> None:
    system = multipaxos_system()
    before = system.bootstrap("n1", NODES)
    votes: dict[tuple[int, Ballot], Any] = {}
    for _, _, durable in survives(system, [*begin, *events]):
        record: Record = durable.record
        assert record.members == NODES
        assert record.promised >= before.record.promised
        assert record.chosen >= before.record.chosen
        base = 0 if durable.snapshot is None else durable.snapshot.index
        assert base >= (0 if before.snapshot is None else before.snapshot.index)
        for slot, entry in durable.entries.items():
            assert slot > base
            if isinstance(entry, Vote):
                assert entry.ballot <= record.promised
                assert votes.setdefault((slot, entry.ballot), entry.value) == entry.value
        for slot in range(base + 1, record.chosen + 1):  # what is known to be chosen is there, and stays
            assert slot in durable.entries
            if slot in before.entries and slot <= before.record.chosen:
                assert durable.entries[slot].value == before.entries[slot].value
        before = durable


@pytest.mark.parametrize(
    ("sender", "message"),
    [
        ("n9", Prepare(Ballot(5, "n9"), 1)),
        ("n2", Prepare(Ballot(5, "n3"), 1)),
        ("n2", Prepare(B2, 0)),
        ("n2", Accept(B2, 0, (RED,), 0)),
        ("n2", Accept(B2, -1, (RED,), 0)),
        ("n2", Accept(B2, 1, (), 0)),
        ("n2", Accept(B2, 1, ("red",), 0)),  # type: ignore[arg-type]  # what comes in may be anything
        ("n2", Accept(B2, 1, (RED,), -1)),
        ("n2", Heartbeat(Ballot(0, ""), 0, 1)),
        ("n2", CatchUp(7)),
        ("n2", CatchUp(0)),
        ("n2", Chosen(2, (RED,), 2)),
        ("n2", Install(Snapshot(3, b"no json", ()), 0)),
        ("n2", Install(Snapshot(0, b"{}", ()), 0)),
        ("n2", Install(Snapshot(3, b"{}", ("c",)), 0)),  # type: ignore[arg-type]
        ("n2", Rejected(Ballot(3, "n1"), Ballot(2, "n2"))),
        ("n2", 3.14),
    ],
    ids=str,
)
def test_what_makes_no_sense_changes_nothing(sender: str, message: Any) -> None:
    system = multipaxos_system()
    for _, effects, durable in survives(system, [Receive(sender, message), "persist"]):
        assert effects is NOTHING
        assert durable == system.bootstrap("n1", NODES)


def test_a_ballot_from_the_far_future_is_promised_as_any_other() -> None:
    far = Ballot(10**30, "n2")
    (_, effects, _), (_, _, durable) = survives(
        multipaxos_system(), [Receive("n2", Prepare(far, 1)), "persist"]
    )
    assert [(send.to, send.message, send.after) for send in effects.sends] == [("n2", Promise(far, 0, ()), 1)]
    assert durable.record.promised == far


def test_a_vote_in_an_impossible_slot_does_not_have_the_log_filled_up_to_there() -> None:
    mine = Ballot(1, "n1")
    old: Vote[Value] = Vote(Ballot(1, "n0"), RED)
    report = ((2, old), (10**12, old))
    steps = list(
        survives(
            multipaxos_system(),
            [Campaign(), "persist", Receive("n2", Promise(mine, 0, report)), "persist"],
        )
    )
    accepts = [send.message for send in steps[2][1].sends if isinstance(send.message, Accept)]
    assert accepts == [Accept(mine, 1, (NO_OP, RED), 0)] * 2
    assert set(steps[3][2].entries) == {1, 2}


def test_votes_counted_for_slots_that_nobody_proposed_in_are_not() -> None:
    mine = Ballot(1, "n1")
    events = [Campaign(), "persist", Receive("n2", Promise(mine, 0, ())), Submit(RED), "persist"]
    steps = list(survives(multipaxos_system(), [*events, Receive("n2", Accepted(mine, 1, 10**12))]))
    assert steps[-1][1] is NOTHING


def test_a_token_that_was_never_given_out_makes_nothing_durable() -> None:
    steps = list(
        survives(
            multipaxos_system(), [Campaign(), Persisted(5), Receive("n2", Promise(Ballot(1, "n1"), 0, ()))]
        )
    )
    assert [effects for _, effects, _ in steps[1:]] == [NOTHING, NOTHING]  # its own promise is missing


def test_a_snapshot_that_is_behind_is_ignored_and_one_ahead_is_taken() -> None:
    learned = Receive("n2", Chosen(1, (RED, NO_OP, NO_OP), 3))
    behind = Receive("n3", Install(Snapshot(2, b"{}", ()), 2))
    ahead = Receive("n3", Install(Snapshot(5, b'{"x": "5"}', (("c", 1, b""),)), 5))
    steps = list(survives(multipaxos_system(), [learned, behind, ahead, "persist"]))
    assert steps[1][1] is NOTHING
    assert steps[2][1].applied == (Restored(5),)
    durable: Durable = steps[3][2]
    assert durable.snapshot == Snapshot(5, b'{"x": "5"}', (("c", 1, b""),))
    assert durable.entries == {}
    assert all(not isinstance(entry, Learned) for entry in durable.entries.values())


def test_a_repeated_query_or_command_before_there_is_a_leader_is_turned_away() -> None:
    for event in (Submit(RED), Query("c", 1, b"get x")):
        for _, effects, _ in survives(multipaxos_system(), [event, event]):
            assert [str(answer.outcome) for answer in effects.answers] == ["NotLeader(leader=None)"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"heartbeat": 0}, "must be at least 1"),
        ({"max_batch": 0}, "must be at least 1"),
        ({"election": 4}, "election must be more than two heartbeats, that is, 4 ticks; it is 4"),
        ({"trailing": -1}, "must not be negative"),
    ],
    ids=str,
)
def test_a_configuration_that_cannot_work_is_refused(changed: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Config(**changed)  # type: ignore[arg-type]  # all that are changed here are numbers
