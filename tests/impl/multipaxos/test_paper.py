"""Lamport, "Paxos Made Simple" (2001), section 3: a sequence of instances, one leader, gaps; sentence by sentence.

And what an implementation adds to it: batches, flow control, catching up, snapshots, sessions, and a leader that gives way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ratified.impl.contract import (
    Applied,
    Busy,
    Campaign,
    Command,
    Compact,
    Done,
    Durable,
    Lost,
    NotLeader,
    Query,
    Receive,
    Restored,
    Submit,
    Tick,
    WriteEntries,
    WriteRecord,
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
from ratified.impl.multipaxos.state import Record
from ratified.impl.multipaxos.system import SMALL, multipaxos_system
from ratified.impl.paxos.ballots import Ballot, Vote
from tests.impl.alone import NODES, Alone, put, to_all

RED, BLUE, GREEN, WHITE = put("red"), put("blue"), put("green"), put("white")
A1, B1, B2, C2 = (Ballot(int(n), node) for node, n in ("a1", "b1", "b2", "c2"))


def vote(ballot: Ballot, value: Value) -> Vote[Value]:
    return Vote(ballot, value)


def node_with(
    chosen: int = 0, promised: Ballot = B1, entries: dict[int, Any] | None = None, **config: Any
) -> Alone:
    system = multipaxos_system(replace(SMALL, **config))
    return Alone(system, Durable(Record(NODES, promised, chosen), entries or {}))


def leader(**config: Any) -> Alone:
    """Node a, leading in 1.a."""
    node = Alone(multipaxos_system(replace(SMALL, **config)))
    node.say(Campaign())
    assert node.hear("b", Promise(A1, 0, ())) == to_all(Heartbeat(A1, 0, 1))
    assert node.core.leader == "a"
    return node


def heartbeats(said: list[Any]) -> list[Any]:
    return [message for _, message in said if isinstance(message, Heartbeat)]


# Section 3: phase 1


def test_a_new_leader_executes_phase_1_for_all_instances_it_does_not_know_with_one_message() -> None:
    node = node_with(chosen=2, entries={1: vote(B1, RED), 2: vote(B1, BLUE), 4: vote(B1, GREEN)})
    assert node.say(Campaign()) == to_all(Prepare(Ballot(2, "a"), 3, insist=True))


def test_an_acceptor_answers_for_all_instances_with_one_message_and_reports_only_what_it_has_accepted() -> (
    None
):
    node = node_with(chosen=1, entries={1: vote(B1, RED), 2: vote(B1, BLUE), 4: vote(B1, GREEN)})
    assert node.hear("c", Prepare(C2, 2)) == [
        ("c", Promise(C2, 1, ((2, vote(B1, BLUE)), (4, vote(B1, GREEN)))))
    ]
    assert node_with().hear("c", Prepare(C2, 1)) == [("c", Promise(C2, 0, ()))]


def test_what_the_candidate_knows_or_the_acceptor_knows_to_be_chosen_is_not_reported() -> None:
    entries = {slot: vote(B1, RED) for slot in range(1, 7)}
    assert node_with(chosen=2, entries=entries).hear("c", Prepare(C2, 5)) == [
        ("c", Promise(C2, 2, ((5, vote(B1, RED)), (6, vote(B1, RED)))))
    ]
    assert node_with(chosen=6, entries=entries).hear("c", Prepare(C2, 5)) == [("c", Promise(C2, 6, ()))]


def test_one_promise_holds_in_all_instances() -> None:
    node = node_with(promised=C2)
    for slot in (1, 7):
        assert node.hear("b", Accept(B1, slot, (RED,), 0)) == [("b", Rejected(B1, C2))]


def test_promises_and_votes_are_on_the_disk_before_anybody_hears_of_them() -> None:
    node, last = Alone(multipaxos_system()), 0
    for message in (Prepare(B1, 1), Prepare(B1, 1), Accept(B1, 1, (RED,), 0), Accept(B1, 1, (RED,), 0)):
        effects = node.take(Receive("b", message))
        last = effects.token or last
        assert [send.after for send in effects.sends] == [last]
    assert last == 2


def test_a_candidate_uses_a_ballot_that_is_on_its_disk_and_after_a_restart_another() -> None:
    node = Alone(multipaxos_system())
    assert [send.after for send in node.take(Campaign()).sends] == [1, 1]
    node.persist()
    node.crash()
    assert node.say(Campaign()) == to_all(Prepare(Ballot(2, "a"), 1, insist=True))


def test_a_promise_of_an_earlier_ballot_does_not_count() -> None:
    node = Alone(multipaxos_system())
    node.say(Campaign())
    node.say(Campaign())
    assert node.hear("b", Promise(A1, 0, ())) == []
    assert node.core.leader != "a"
    node.hear("b", Promise(Ballot(2, "a"), 0, ()))
    assert node.core.leader == "a"


# Section 3: what the new leader does then


def test_in_instances_that_votes_are_reported_for_the_leader_proposes_what_has_the_highest_number() -> None:
    node = node_with(promised=B2, entries={1: vote(B1, RED), 2: vote(B2, BLUE)})
    node.say(Campaign())
    a3 = Ballot(3, "a")
    said = node.hear("c", Promise(a3, 0, ((1, vote(B2, GREEN)), (2, vote(B1, WHITE)))))
    assert said == [*to_all(Accept(a3, 1, (GREEN, BLUE), 0)), *to_all(Heartbeat(a3, 0, 1))]


def test_the_leader_fills_gaps_with_commands_that_leave_the_state_unchanged() -> None:
    node = node_with(promised=B2, entries={3: vote(B1, RED)})
    node.say(Campaign())
    a3 = Ballot(3, "a")
    said = node.hear("c", Promise(a3, 0, ((5, vote(B2, BLUE)),)))
    assert said[:2] == to_all(Accept(a3, 1, (NO_OP, NO_OP, RED, NO_OP), 0))
    assert said[2:4] == to_all(Accept(a3, 5, (BLUE,), 0))
    node.hear("b", Accepted(a3, 1, 4))
    assert node.effects.applied == (
        Applied(1, NO_OP, None),
        Applied(2, NO_OP, None),
        Applied(3, RED, b""),
        Applied(4, NO_OP, None),
    )


def test_commands_of_clients_come_after_what_was_found_without_another_phase_1() -> None:
    node = node_with(promised=B2, entries={1: vote(B1, RED)})
    node.say(Campaign())
    a3 = Ballot(3, "a")
    node.hear("c", Promise(a3, 0, ()))
    assert node.say(Submit(BLUE)) == to_all(Accept(a3, 2, (BLUE,), 0))


def test_it_does_not_propose_where_an_acceptor_knows_what_is_chosen_but_asks_for_it() -> None:
    node = Alone(multipaxos_system())
    node.say(Campaign())
    said = node.hear("b", Promise(A1, 3, ((4, vote(Ballot(1, "0"), RED)),)))
    assert said[:3] == [("b", CatchUp(1)), *to_all(Accept(A1, 4, (RED,), 0))]
    assert node.hear("b", Accepted(A1, 4, 1)) == []
    assert node.core.applied == 0  # it may be chosen, but cannot be executed
    node.hear("b", Chosen(1, (BLUE, NO_OP, GREEN), 3))
    assert node.core.applied == 4


def test_a_leader_that_nobody_tells_what_is_chosen_gives_way() -> None:
    node = Alone(multipaxos_system())
    node.say(Campaign())
    node.hear("b", Promise(A1, 3, ()))
    for round_ in range(1, 30):
        node.say(Tick(1))
        node.hear("c", Alive(A1, round_))
        if node.core.leader is None:
            break
    assert node.core.leader is None


# Section 3: phase 2, over and over


def test_the_leader_gets_ahead_of_what_is_chosen_by_so_many_commands_and_no_more() -> None:
    node = leader(window=3, pipeline=9)
    for n, slot in enumerate((1, 2, 3), 1):
        assert node.say(Submit(put(str(n)))) == to_all(Accept(A1, slot, (put(str(n)),), 0))
    assert node.say(Submit(put("4"))) == []
    assert node.hear("b", Accepted(A1, 2, 1)) == []  # chosen, but 1 is not
    assert node.hear("b", Accepted(A1, 1, 1)) == to_all(Accept(A1, 4, (put("4"),), 2))


def test_a_command_is_executed_when_all_before_it_are() -> None:
    node = leader()
    node.say(Submit(RED))
    node.say(Submit(BLUE))
    node.hear("b", Accepted(A1, 2, 1))
    assert not node.effects.applied
    node.hear("c", Accepted(A1, 1, 1))
    assert node.effects.applied == (Applied(1, RED, b""), Applied(2, BLUE, b"red"))
    assert [answer.outcome for answer in node.answers] == [Done(b""), Done(b"red")]


def test_the_leader_s_own_vote_counts_from_when_it_is_durable() -> None:
    node = leader()
    node.take(Submit(RED))
    node.take(Receive("b", Accepted(A1, 1, 1)))
    assert not node.effects.applied
    assert node.persist().applied == (Applied(1, RED, b""),)


def test_a_vote_of_another_ballot_or_a_second_one_of_the_same_acceptor_does_not_count() -> None:
    node = Alone(multipaxos_system(SMALL), nodes=(*NODES, "d", "e"))
    node.say(Campaign())
    node.hear("b", Promise(A1, 0, ()))
    node.hear("c", Promise(A1, 0, ()))
    node.say(Submit(RED))
    for acceptor, ballot in (("b", A1), ("b", A1), ("c", Ballot(2, "a"))):
        assert node.hear(acceptor, Accepted(ballot, 1, 1)) == []
    assert node.core.applied == 0
    node.hear("c", Accepted(A1, 1, 1))
    assert node.core.applied == 1


def test_while_enough_is_on_its_way_commands_wait_and_go_together() -> None:
    node = leader(pipeline=1, max_batch=2)
    node.say(Submit(put("1")))
    for n in "234":
        assert node.say(Submit(put(n))) == []
    assert node.hear("b", Accepted(A1, 1, 1)) == to_all(Accept(A1, 2, (put("2"), put("3")), 1))
    assert node.hear("b", Accepted(A1, 2, 2)) == to_all(Accept(A1, 4, (put("4"),), 3))


def test_what_is_not_answered_is_sent_again_to_those_who_have_not() -> None:
    node = leader()
    node.say(Submit(RED))
    node.say(Submit(BLUE))
    node.hear("b", Accepted(A1, 2, 1))
    said = [(to, message) for to, message in node.say(Tick(2)) if isinstance(message, Accept)]
    assert said == [("b", Accept(A1, 1, (RED,), 0)), ("c", Accept(A1, 1, (RED, BLUE), 0))]


def test_an_overloaded_leader_turns_commands_away() -> None:
    node = leader(max_queue=1, pipeline=1)
    node.say(Submit(put("1")))
    node.say(Submit(put("2")))
    node.take(Submit(put("3")))
    assert [answer.outcome for answer in node.answers] == [Busy()]


# Learners


def test_a_follower_learns_what_it_voted_for_in_the_leader_s_ballot() -> None:
    node = node_with()
    node.hear("b", Accept(B1, 1, (RED, BLUE), 0))
    node.hear("b", Heartbeat(B1, 1, 1))
    assert node.core.applied == 1
    node.hear("b", Accept(B1, 3, (GREEN,), 2))
    assert node.core.applied == 2


def test_a_vote_of_an_earlier_ballot_does_not_tell_what_is_chosen() -> None:
    node = node_with(entries={1: vote(B1, RED)})
    node.hear("c", Heartbeat(C2, 1, 1))
    assert node.core.applied == 0
    assert node.say(Tick(2)) == [("c", CatchUp(1))]
    node.hear("c", Chosen(1, (BLUE,), 1))
    assert not node.effects.applied
    assert node.core.applied == 1
    assert node.durable.entries == {1: Learned(BLUE)}


def test_it_asks_for_a_message_full_at_a_time_and_goes_on_until_it_has_all() -> None:
    node = node_with()
    assert node.hear("c", Chosen(1, (RED, BLUE), 5)) == [("c", CatchUp(3))]
    assert node.hear("c", Chosen(1, (RED, BLUE), 5)) == []  # a repetition asks for nothing
    assert node.hear("c", Chosen(2, (BLUE, GREEN, NO_OP, WHITE), 5)) == []
    assert node.core.applied == 5


def test_who_does_not_answer_is_not_asked_for_ever() -> None:
    node = node_with()
    node.hear("c", Heartbeat(C2, 9, 1))
    asked = [to for _ in range(5) for to, message in node.say(Tick(2)) if isinstance(message, CatchUp)]
    assert asked[:3] == ["c", "b", "c"]


def test_whoever_knows_tells_as_much_as_goes_into_a_message() -> None:
    entries = {slot: vote(B1, put(str(slot))) for slot in range(1, 8)}
    node = node_with(chosen=6, entries=entries)
    assert node.hear("c", CatchUp(2)) == [("c", Chosen(2, tuple(put(str(n)) for n in range(2, 6)), 6))]
    assert node.hear("c", CatchUp(6)) == [("c", Chosen(6, (put("6"),), 6))]
    assert node.hear("c", CatchUp(7)) == []


# Snapshots


def compacted() -> Alone:
    """Node a with slots 1 to 6 executed, and a snapshot of the first four in place of them."""
    node = node_with(compact_after=0, trailing=1)
    node.hear("b", Chosen(1, (RED, BLUE, GREEN, WHITE), 4))
    node.say(Compact())
    node.hear("b", Chosen(5, (NO_OP, put("black")), 6))
    return node


def test_a_snapshot_takes_the_place_of_the_log_on_the_disk_and_of_most_of_it_in_memory() -> None:
    node = compacted()
    sessions = tuple((name, 1, result) for name, result in (("blue", b"red"), ("green", b"blue")))
    sessions += (("red", 1, b""), ("white", 1, b"green"))
    assert node.durable.snapshot == Snapshot(4, b'{"x": "white"}', sessions)
    assert set(node.durable.entries) == {5, 6}
    assert node.hear("c", CatchUp(4)) == [("c", Chosen(4, (WHITE, NO_OP, put("black")), 6))]
    assert node.hear("c", CatchUp(3)) == [("c", Install(node.durable.snapshot, 6))]


def test_who_is_behind_the_snapshot_takes_it_over_and_asks_for_the_rest() -> None:
    snapshot = compacted().durable.snapshot
    node = node_with(entries={3: vote(B1, GREEN), 5: vote(B1, WHITE)})
    assert node.hear("b", Install(snapshot, 6)) == [("b", CatchUp(5))]
    assert node.core.applied == 4
    assert node.core.machine.query(b"get x") == b"white"
    assert node.durable.snapshot == snapshot
    assert set(node.durable.entries) == {5}  # a vote, still: nothing says that it is chosen


def test_a_node_stands_after_a_restart_where_its_snapshot_and_its_log_have_it() -> None:
    node = compacted()
    node.crash()
    assert node.core.applied == 4
    assert node.take(Tick()).applied == (Applied(5, NO_OP, None), Applied(6, put("black"), b"white"))
    node.take(Submit(WHITE))
    assert [answer.outcome for answer in node.answers] == [
        Done(b"green")
    ]  # it has been executed: it is in the snapshot


def test_a_snapshot_is_taken_when_so_much_has_been_executed() -> None:
    node = node_with(compact_after=3, trailing=0)
    node.hear("b", Chosen(1, (RED, BLUE), 2))
    assert not node.durable.snapshot
    node.hear("b", Chosen(3, (GREEN,), 3))
    assert node.durable.snapshot.index == 3
    assert node.durable.entries == {}


def test_an_acceptor_that_has_compacted_tells_a_candidate_up_to_where() -> None:
    node = compacted()
    assert node.hear("c", Prepare(C2, 1)) == [("c", Promise(C2, 6, ()))]
    assert node.durable.record == Record(NODES, C2, 6)


# What a crash may leave


def test_a_torn_write_of_votes_leaves_votes() -> None:
    node = node_with()
    effects = node.take(Receive("b", Accept(B1, 1, (RED, BLUE), 0)))
    assert effects.writes == (WriteEntries(1, (vote(B1, RED), vote(B1, BLUE))),)
    node.crash(WriteEntries(1, (vote(B1, RED),)))
    assert node.hear("c", Prepare(C2, 1)) == [("c", Promise(C2, 0, ((1, vote(B1, RED)),)))]


def test_a_vote_is_written_after_the_promise_of_its_ballot() -> None:
    node = node_with()
    effects = node.take(Receive("c", Accept(C2, 1, (RED,), 0)))
    assert effects.writes == (WriteRecord(Record(NODES, C2, 0)), WriteEntries(1, (vote(C2, RED),)))
    node.crash(WriteRecord(Record(NODES, C2, 0)))
    assert node.hear("b", Accept(B1, 1, (BLUE,), 0)) == [("b", Rejected(B1, C2))]


def test_what_was_learned_is_known_after_a_crash_as_far_as_it_was_written() -> None:
    node = node_with(entries={1: vote(B1, RED)})
    node.hear("b", Heartbeat(B1, 1, 1))  # slot 1 is chosen: that is not written at once
    effects = node.take(Receive("b", Chosen(2, (BLUE, GREEN), 3)))
    assert effects.writes == (
        WriteRecord(Record(NODES, B1, 1)),
        WriteEntries(2, (Learned(BLUE), Learned(GREEN))),
    )
    node.crash(WriteRecord(Record(NODES, B1, 1)), WriteEntries(2, (Learned(BLUE),)))
    assert node.take(Tick()).applied == (Applied(1, RED, b""), Applied(2, BLUE, b"red"))


def test_what_is_known_to_be_chosen_but_not_written_is_a_vote_after_a_crash() -> None:
    node = node_with()
    node.hear("b", Accept(B1, 1, (RED,), 0))
    node.hear("b", Heartbeat(B1, 1, 1))
    assert node.core.applied == 1
    node.crash()
    assert node.take(Tick()).applied == ()
    assert node.hear("c", Prepare(C2, 1)) == [("c", Promise(C2, 0, ((1, vote(B1, RED)),)))]


def test_an_old_leader_s_proposal_where_another_value_is_chosen_gets_no_vote() -> None:
    node = node_with(promised=A1)
    node.hear("c", Chosen(1, (RED,), 1))
    assert node.hear("b", Accept(B1, 1, (BLUE,), 0)) == []
    assert node.durable.entries == {1: Learned(RED)}
    assert node.hear("b", Accept(B1, 1, (RED,), 0)) == [("b", Accepted(B1, 1, 1))]


# Who leads


def test_a_follower_tries_to_lead_after_an_election_time_out_without_a_leader() -> None:
    node = Alone(multipaxos_system(replace(SMALL, election=10)))
    said: list[Any] = []
    for ticks in range(1, 30):
        said = node.say(Tick(1))
        if said:
            break
        node.hear("b", Heartbeat(B1, 0, ticks)) if ticks == 5 else None
    assert said == to_all(Prepare(Ballot(2, "a"), 1))
    assert 15 <= ticks <= 25


def test_who_hears_from_a_leader_does_not_help_another_to_become_it_except_one_that_insists() -> None:
    node = node_with()
    node.hear("b", Heartbeat(B1, 0, 1))
    assert node.hear("c", Prepare(C2, 1)) == []
    assert node.hear("b", Prepare(Ballot(3, "b"), 1)) == [("b", Promise(Ballot(3, "b"), 0, ()))]
    assert node.hear("c", Prepare(Ballot(4, "c"), 1, insist=True)) == [("c", Promise(Ballot(4, "c"), 0, ()))]


@pytest.mark.parametrize("check_quorum", [True, False])
def test_a_leader_that_no_quorum_follows_resigns(check_quorum: bool) -> None:
    node = leader(check_quorum=check_quorum)
    node.say(Submit(RED))
    for _ in range(30):
        node.take(Tick(1))
        if node.core.leader is None:
            break
    assert (node.core.leader is None) == check_quorum
    if check_quorum:
        assert [(answer.client, answer.outcome) for answer in node.answers] == [("red", Lost(None))]


def test_a_leader_that_hears_of_a_higher_ballot_tells_its_clients() -> None:
    node = leader(pipeline=1)
    node.say(Submit(RED))
    node.say(Submit(BLUE))
    node.say(Query("green", 1, b"get x"))
    node.take(Receive("c", Heartbeat(C2, 0, 1)))
    assert node.core.leader == "c"
    assert [(answer.client, answer.outcome) for answer in node.answers] == [
        ("blue", NotLeader("c")),
        ("red", Lost("c")),
        ("green", NotLeader("c")),
    ]


def test_a_rejection_of_an_earlier_ballot_does_not_depose_a_leader() -> None:
    node = leader()
    node.hear("b", Rejected(Ballot(1, "a"), Ballot(1, "c")))
    assert node.core.leader is None
    node.say(Campaign())
    node.hear("b", Promise(Ballot(2, "a"), 0, ()))
    node.hear("b", Rejected(Ballot(1, "a"), Ballot(1, "c")))
    assert node.core.leader == "a"


# Clients


def test_a_command_that_a_client_repeats_is_executed_once() -> None:
    node = leader()
    node.say(Submit(RED))
    assert node.say(Submit(RED)) == []  # it is on its way
    node.hear("b", Accepted(A1, 1, 1))
    node.take(Submit(RED))
    assert [answer.outcome for answer in node.answers] == [Done(b"")]
    follower = node_with()
    follower.hear("b", Chosen(1, (RED, BLUE, RED), 3))
    assert follower.core.machine.query(b"get x") == b"blue"


def test_a_command_before_a_client_s_last_is_not_answered() -> None:
    node = leader()
    for serial in (1, 2):
        node.say(Submit(Command("alice", serial, b"put x %d" % serial)))
        node.hear("b", Accepted(A1, serial, 1))
    node.take(Submit(Command("alice", 1, b"put x 1")))
    assert not node.answers


def test_a_read_is_answered_when_a_quorum_has_confirmed_a_round_that_began_after_it() -> None:
    node = leader()
    node.say(Submit(RED))
    node.hear("b", Accepted(A1, 1, 1))
    assert node.say(Query("alice", 1, b"get x")) == []  # round 1 is on its way, and began before
    assert node.hear("b", Alive(A1, 1)) == to_all(Heartbeat(A1, 1, 2))
    assert not node.answers
    node.take(Receive("b", Alive(A1, 2)))
    assert [(answer.client, answer.outcome) for answer in node.answers] == [("alice", Done(b"red"))]


def test_a_read_waits_for_all_that_may_have_been_chosen_before_the_leader_led() -> None:
    node = node_with(promised=B2, entries={1: vote(B1, RED)})
    node.say(Campaign())
    a3 = Ballot(3, "a")
    node.hear("c", Promise(a3, 0, ()))
    node.say(Query("alice", 1, b"get x"))
    node.hear("c", Alive(a3, 1))
    node.hear("c", Alive(a3, 2))
    assert not node.answers
    node.take(Receive("c", Accepted(a3, 1, 1)))
    assert [answer.outcome for answer in node.answers] == [Done(b"red")]


def test_a_cluster_of_one_needs_nobody() -> None:
    node = Alone(multipaxos_system(), nodes=("a",))
    node.say(Campaign())
    node.take(Submit(RED))
    assert node.persist().applied == (Applied(1, RED, b""),)
    node.take(Query("alice", 1, b"get x"))
    assert [answer.outcome for answer in node.answers] == [Done(b"red")]
    assert Restored(1) not in node.effects.applied
