"""The Raft paper, sections 6, 7 and 8, and what the dissertation adds, sentence by sentence: each test is named after one."""

from __future__ import annotations

import pytest

from ratified.impl.contract import (
    Busy,
    Command,
    Compact,
    Done,
    Lost,
    NotLeader,
    Refused,
    Restored,
    Send,
    Submit,
    Truncate,
    WriteSnapshot,
)
from ratified.impl.raft import ChangeMembership, Entry, Membership, NoOp, Role, Snapshot, TransferLeadership
from ratified.impl.raft.messages import (
    AppendEntries,
    AppendResponse,
    InstallSnapshot,
    PreVote,
    PreVoteResponse,
    RequestVote,
    TimeoutNow,
    VoteResponse,
)
from tests.impl.raft.lab import PAPER, THREE, Bench, append, entries, of, put

OLD = ("s1", "s2", "s3")
NEW = ("s1", "s4", "s5")
JOINT = Membership(NEW, OLD)


def leading(**settings: object) -> Bench:
    """A leader of s1, s2, s3 that has committed an entry of its term."""
    bench = Bench(no_op=True, **settings)  # type: ignore[arg-type]  # settings of all types
    bench.lead()
    for follower in ("s2", "s3"):
        bench.agree(follower)
    assert bench.core.commit == 1
    return bench


# 6 Cluster membership changes


def test_the_cluster_first_switches_to_a_transitional_configuration_joint_consensus() -> None:
    bench = leading()
    sent = bench.order(ChangeMembership(NEW))
    assert bench.core.log.entry(2) == Entry(1, JOINT)
    # Log entries are replicated to all servers in both configurations.
    assert set(of(AppendEntries, sent)) == {"s2", "s3", "s4", "s5"}


def test_a_server_uses_the_latest_configuration_in_its_log_whether_or_not_it_is_committed() -> None:
    bench = Bench()
    bench.receive("s2", append(1, 0, 0, Entry(1, JOINT)))
    assert (bench.core.membership, bench.core.commit) == (JOINT, 0)
    assert bench.restart().core.membership == JOINT
    # and goes back to the one before if that entry is removed
    bench.receive("s3", append(2, 0, 0, Entry(2, put(1))))
    assert bench.core.membership == Membership(OLD)


@pytest.mark.parametrize(
    ("agreeing", "committed"),
    [
        (("s2", "s3"), False),  # all of the old, one of the new
        (("s4", "s5"), False),  # all of the new, one of the old
        (("s2", "s4"), True),
        (("s3", "s5"), True),
    ],
)
def test_agreement_requires_separate_majorities_from_both_the_old_and_the_new_configuration(
    agreeing: tuple[str, ...], committed: bool
) -> None:
    bench = leading()
    bench.order(ChangeMembership(NEW))
    for follower in agreeing:
        bench.receive(follower, AppendResponse(1, success=True, index=2))
    assert (bench.core.commit == 2) is committed


@pytest.mark.parametrize(
    ("granting", "wins"), [(("s2", "s3"), False), (("s4", "s5"), False), (("s2", "s5"), True)]
)
def test_so_do_elections(granting: tuple[str, ...], wins: bool) -> None:
    bench = Bench(term=1, log=[Entry(1, JOINT)])
    sent = bench.time_out()
    # Any server from either configuration may serve as leader, and is asked for its vote.
    assert set(of(RequestVote, sent)) == {"s2", "s3", "s4", "s5"}
    for voter in granting:
        bench.receive(voter, VoteResponse(2, granted=True))
    assert (bench.core.role is Role.LEADER) is wins


def test_once_the_joint_configuration_has_been_committed_the_leader_appends_the_new_one() -> None:
    bench = leading()
    bench.order(ChangeMembership(NEW))
    assert bench.core.log.last == 2
    for follower in ("s2", "s4"):
        bench.receive(follower, AppendResponse(1, success=True, index=2))
    assert bench.core.log.entry(3) == Entry(1, Membership(NEW))
    # Servers that are not in it are not sent anything any more.
    assert set(bench.core.state.progress) == {"s4", "s5"}


def test_a_later_leader_finishes_the_change() -> None:
    bench = Bench(term=1, log=[Entry(1, JOINT)], no_op=True)
    bench.time_out()
    for voter in ("s2", "s5"):
        bench.receive(voter, VoteResponse(2, granted=True))
    for follower in ("s3", "s4"):
        bench.receive(follower, AppendResponse(2, success=True, index=2))
    assert bench.core.log.entries()[-1] == Entry(2, Membership(NEW))


def test_new_servers_join_as_non_voting_members_that_are_not_considered_for_majorities() -> None:
    bench = leading()
    bench.order(ChangeMembership(OLD, learners=("s4", "s5")))
    assert bench.core.membership == Membership(OLD, (), ("s4", "s5"))
    for learner in ("s4", "s5"):
        bench.receive(learner, AppendResponse(1, success=True, index=2))
    assert bench.core.commit == 1
    bench.agree("s2")
    assert bench.core.commit == 2
    passive = Bench("s4", term=1, log=[Entry(1, bench.core.membership)])
    assert passive.tick(100) == []


def test_a_leader_that_is_not_in_the_new_configuration_does_not_count_itself_and_steps_down_once_it_is_committed() -> (
    None
):
    bench = leading()
    bench.order(ChangeMembership(("s2", "s3")))
    assert bench.core.role is Role.LEADER
    bench.agree("s2")
    assert (bench.core.commit, bench.core.role) == (1, Role.LEADER)
    sent = bench.agree("s3")
    assert (bench.core.commit, bench.core.role) == (2, Role.FOLLOWER)
    assert {message.commit for message in of(AppendEntries, sent).values()} == {2}
    assert bench.tick(100) == []


def test_servers_disregard_requests_for_votes_when_they_believe_a_current_leader_exists() -> None:
    bench = Bench(check_quorum=True)
    bench.receive("s2", append(1))
    bench.tick(PAPER.election_ticks - 1)
    assert bench.receive("s3", RequestVote(5, 9, 4)) == []
    assert bench.core.term == 1
    bench.tick()
    assert bench.reply("s3", RequestVote(5, 9, 4)) == VoteResponse(5, granted=True)


def test_so_does_the_leader_itself() -> None:
    bench = leading(check_quorum=True)
    assert bench.receive("s3", RequestVote(5, 9, 4)) == []
    assert (bench.core.term, bench.core.role) == (1, Role.LEADER)


def test_one_server_is_added_or_removed_at_a_time_without_a_joint_configuration() -> None:
    """Dissertation, section 4.1: majorities overlap by themselves."""
    bench = leading()
    bench.order(ChangeMembership((*OLD, "s4")))
    assert bench.core.membership == Membership((*OLD, "s4"))


@pytest.mark.parametrize(
    "voters", [(), ("s1", "s1"), OLD], ids=["nobody", "somebody twice", "nothing changes"]
)
def test_a_change_that_is_none_is_refused(voters: tuple[str, ...]) -> None:
    bench = leading()
    assert bench.order(ChangeMembership(voters)) == []
    assert bench.core.log.last == 1


def test_a_change_waits_until_the_one_before_is_committed() -> None:
    bench = leading()
    bench.order(ChangeMembership((*OLD, "s4")))
    bench.order(ChangeMembership((*OLD, "s5")))
    assert bench.core.log.last == 2


def test_a_leader_changes_nothing_before_it_has_committed_an_entry_of_its_own_term() -> None:
    """The bug in single-server changes, found in 2015: otherwise two majorities may be disjoint."""
    bench = Bench(term=1, log=entries(1))
    bench.lead()
    bench.order(ChangeMembership((*OLD, "s4")))
    assert bench.terms == [1]


def test_who_is_no_voter_any_more_campaigns_until_it_knows_that_to_be_committed() -> None:
    """Dissertation, section 4.2.2: it may be the only one with the entries needed to finish the change."""
    bench = Bench(term=1, log=[Entry(1, Membership(("s2", "s3")))])
    sent = bench.time_out()
    assert set(of(RequestVote, sent)) == {"s2", "s3"}
    bench.receive("s2", VoteResponse(2, granted=True))
    roles = [bench.core.role]  # its own vote does not count
    bench.receive("s3", VoteResponse(2, granted=True))
    assert [*roles, bench.core.role] == [Role.CANDIDATE, Role.LEADER]


# 7 Log compaction


def test_each_server_takes_snapshots_independently_covering_just_the_committed_entries_in_its_log() -> None:
    bench = Bench(sessions=True)
    bench.receive("s2", append(1, 0, 0, *entries(1, 1, 1), commit=2))
    bench.order(Compact())
    session = ("client", 2, b"1")
    snapshot = Snapshot(2, 1, Membership(OLD), (session,), b'{"x": "2"}')
    # It includes the last included index and term, and the latest configuration; then the log up to there is deleted.
    assert bench.last.writes == (WriteSnapshot(2, snapshot),)
    assert (bench.core.log.offset, bench.core.log.entries()) == (2, entries(1, 1, 1)[2:])
    again = bench.restart()
    assert (again.core.applied, again.core.commit, again.core.machine.snapshot()) == (2, 2, b'{"x": "2"}')
    assert again.core.state.sessions.table() == (session,)


def test_the_configuration_in_a_snapshot_is_that_of_its_index_not_a_later_one() -> None:
    bench = Bench()
    bench.receive("s2", append(1, 0, 0, entries(1)[0], Entry(1, JOINT), commit=1))
    bench.order(Compact())
    assert bench.core.state.snapshot.membership == Membership(OLD)
    assert bench.core.membership == JOINT
    assert bench.restart().core.membership == JOINT


def test_a_snapshot_is_taken_when_the_log_reaches_a_fixed_size() -> None:
    bench = Bench(snapshot_every=3)
    bench.receive("s2", append(1, 0, 0, *entries(1, 1, 1, 1), commit=2))
    assert bench.core.state.snapshot.index == 0
    bench.receive("s2", append(1, 4, 1, commit=3))
    assert bench.core.state.snapshot.index == 3


def test_the_leader_sends_a_snapshot_when_it_has_discarded_the_next_entry_that_a_follower_needs() -> None:
    bench = leading()
    bench.submit(2)
    bench.agree("s2")
    bench.order(Compact())
    sent = bench.receive("s3", AppendResponse(1, success=False, index=2, hint_index=0))
    assert sent == [("s3", InstallSnapshot(1, bench.core.state.snapshot))]
    # Nothing but heartbeats until it is there; then entries again.
    bench.submit(3)
    assert "s3" not in of(AppendEntries, bench.submit(4))
    after = bench.receive("s3", AppendResponse(1, success=True, index=2))
    assert of(AppendEntries, after)["s3"] == append(1, 2, 1, Entry(1, put(3)), Entry(1, put(4)), commit=2)


def test_a_snapshot_that_got_lost_is_sent_again() -> None:
    bench = leading()
    bench.submit(2)
    bench.agree("s2")
    bench.order(Compact())
    bench.receive("s3", AppendResponse(1, success=False, index=2, hint_index=0))
    again = of(InstallSnapshot, bench.tick(PAPER.election_ticks))
    assert again == {"s3": InstallSnapshot(1, bench.core.state.snapshot)}


def test_the_follower_discards_its_entire_log_if_the_snapshot_contains_what_is_not_in_it() -> None:
    bench = Bench(term=2, log=entries(1, 2, 2, 2))
    snapshot = Snapshot(3, 3, Membership(("s1", "s4")), (("client", 3, b""),), b'{"x": "3"}')
    answer = bench.reply("s4", InstallSnapshot(3, snapshot))
    assert answer == AppendResponse(3, success=True, index=3)
    assert bench.last.applied == (Restored(3),)
    assert (bench.core.commit, bench.core.applied, bench.terms) == (3, 3, [])
    assert bench.core.machine.snapshot() == b'{"x": "3"}'
    assert bench.core.membership == Membership(("s1", "s4"))
    # In that order: the snapshot must not come to stand before entries that do not follow it.
    assert bench.last.writes[-2:] == (Truncate(4), WriteSnapshot(3, snapshot))
    assert bench.restart().core.applied == 3


def test_the_answer_to_a_snapshot_waits_until_it_is_durable() -> None:
    bench = Bench(slow_disk=True)
    snapshot = Snapshot(3, 1, Membership(THREE), (), b"{}")
    bench.receive("s2", InstallSnapshot(1, snapshot))
    assert bench.last.sends == (Send("s2", AppendResponse(1, success=True, index=3), bench.last.token),)


def test_if_the_snapshot_describes_a_prefix_of_its_log_entries_following_it_are_retained() -> None:
    bench = Bench(term=1, log=entries(1, 1, 1, 1))
    bench.reply("s2", InstallSnapshot(1, Snapshot(2, 1, Membership(THREE), (), b'{"x": "2"}')))
    assert (bench.core.log.offset, bench.terms) == (2, [1, 1])
    assert bench.restart().terms == [1, 1]


def test_a_snapshot_of_what_is_committed_here_changes_nothing() -> None:
    bench = Bench()
    bench.receive("s2", append(1, 0, 0, *entries(1, 1, 1), commit=3))
    disk = bench.disk
    stale = InstallSnapshot(1, Snapshot(2, 1, Membership(THREE), (), b"{}"))
    assert bench.reply("s2", stale) == AppendResponse(1, success=True, index=2)
    assert (bench.disk, bench.core.applied) == (disk, 3)


def test_entries_that_are_in_the_snapshot_are_not_asked_for() -> None:
    bench = Bench(term=1, snapshot=Snapshot(3, 1, Membership(THREE), (), b"{}"))
    answer = bench.reply("s2", append(1, 1, 1, *(Entry(1, put(index)) for index in (2, 3, 4))))
    assert answer == AppendResponse(1, success=True, index=4)
    assert bench.terms == [1]


# 8 Client interaction


def test_a_server_that_is_not_the_leader_rejects_and_names_the_most_recent_leader_it_has_heard_from() -> None:
    bench = Bench()
    bench.receive("s3", append(1))
    bench.submit(1)
    assert bench.outcomes == [NotLeader("s3")]
    bench.query()
    assert bench.outcomes == [NotLeader("s3")]


def test_a_leader_that_is_deposed_tells_clients_that_it_has_lost_sight_of_their_commands() -> None:
    bench = leading()
    bench.submit(1)
    bench.query()
    bench.receive("s3", append(2))
    assert bench.outcomes == [Lost("s3"), NotLeader("s3")]


def test_a_command_whose_serial_number_has_already_been_executed_is_answered_without_executing_it_again() -> (
    None
):
    bench = leading(sessions=True)
    bench.submit(1)
    bench.agree("s2")
    assert bench.outcomes == [Done(b"")]
    bench.submit(1)
    assert (bench.outcomes, bench.core.log.last) == ([Done(b"")], 2)


def test_a_command_that_is_in_the_log_twice_is_executed_once() -> None:
    bench = Bench(
        term=1, log=[Entry(1, put(1)), Entry(1, put(2)), Entry(1, put(2))], sessions=True, no_op=True
    )
    bench.lead()
    bench.agree("s2")
    assert [what.result for what in bench.last.applied if hasattr(what, "result")] == [b"", b"1", b"1", None]


def test_one_that_is_older_than_the_clients_last_is_not_executed_and_nobody_waits_for_it() -> None:
    bench = leading(sessions=True)
    for number in (1, 2):
        bench.submit(number)
        bench.agree("s2")
    bench.submit(1)
    assert (bench.outcomes, bench.core.log.last) == ([], 3)


def test_commands_that_are_not_numbered_from_1_are_refused() -> None:
    bench = leading()
    bench.do(Submit(Command("client", 0, b"")))
    assert bench.outcomes == [Refused("commands are numbered from 1")]


def test_a_leader_with_too_much_to_do_says_so() -> None:
    bench = leading(max_uncommitted=2)
    outcomes = []
    for number in (1, 2, 3):
        bench.submit(number)
        outcomes += bench.outcomes
    assert outcomes == [Busy()]


def test_a_leader_takes_its_terms_first_command_even_if_too_much_waits_since_that_commits_with_it() -> None:
    bench = Bench(term=1, log=entries(1, 1), no_op=False, max_uncommitted=2)
    bench.lead()
    bench.submit(3)
    assert (bench.outcomes, bench.core.log.last) == ([], 3)
    bench.submit(4)
    assert bench.outcomes == [Busy()]
    bench.agree("s2")
    assert bench.core.commit == 3


def test_each_leader_commits_a_blank_no_op_entry_at_the_start_of_its_term() -> None:
    bench = Bench(no_op=True)
    sent = bench.lead()
    assert of(AppendEntries, sent)["s2"] == append(1, 0, 0, Entry(1, NoOp()))


def test_a_leader_exchanges_heartbeats_with_a_majority_before_it_answers_a_read() -> None:
    bench = leading()
    sent = of(AppendEntries, bench.query())
    assert bench.outcomes == []
    assert {message.read for message in sent.values()} == {1}
    bench.receive("s2", AppendResponse(1, success=True, index=1))  # to something before
    assert bench.outcomes == []
    bench.receive("s2", AppendResponse(1, success=True, index=1, read=1))
    assert bench.outcomes == [Done(b"")]


def test_a_read_shows_what_was_committed_when_it_began() -> None:
    bench = leading()
    bench.submit(1)
    bench.agree("s2")
    bench.query()
    bench.receive("s3", AppendResponse(1, success=True, index=1, read=1))
    assert bench.outcomes == [Done(b"1")]


def test_a_new_leader_answers_no_read_before_it_has_committed_an_entry_of_its_term() -> None:
    bench = Bench(term=1, log=entries(1), no_op=True)
    bench.lead()
    bench.query()
    for follower in ("s2", "s3"):
        bench.receive(follower, AppendResponse(2, success=True, index=1, read=1))
    assert bench.outcomes == []
    sent = of(AppendEntries, bench.agree("s2"))
    assert bench.outcomes == []
    bench.receive("s2", AppendResponse(2, success=True, index=2, read=max(m.read for m in sent.values())))
    assert bench.outcomes == [Done(b"1")]


def test_a_read_does_not_wait_for_ever_where_terms_begin_without_a_no_op() -> None:
    bench = Bench(term=1, log=entries(1))
    bench.lead()
    bench.query()
    assert bench.core.log.entries()[-1] == Entry(2, NoOp())


# What the dissertation adds: check-quorum (6.2), pre-vote (9.6), leadership transfer (3.10)


def test_a_leader_steps_down_if_an_election_timeout_elapses_without_heartbeats_to_a_majority() -> None:
    bench = leading(check_quorum=True)
    bench.tick(PAPER.election_ticks)  # it has heard from them since it began to lead
    assert bench.core.role is Role.LEADER
    bench.tick(PAPER.election_ticks - 1)
    bench.receive("s2", AppendResponse(1, success=True, index=1))
    bench.tick()
    assert bench.core.role is Role.LEADER
    bench.tick(PAPER.election_ticks)
    assert (bench.core.role, bench.core.term) == (Role.FOLLOWER, 1)


def test_a_candidate_increments_its_term_only_if_a_majority_would_vote_for_it() -> None:
    bench = Bench(pre_vote=True, term=3)
    sent = bench.tick(2 * PAPER.election_ticks - 1)
    assert sent[:2] == [("s2", PreVote(4, 0, 0)), ("s3", PreVote(4, 0, 0))]
    assert (bench.core.term, bench.core.role, bench.disk.record.voted_for) == (3, Role.PRE_CANDIDATE, None)
    bench.receive("s2", PreVoteResponse(3, granted=False))
    assert bench.core.role is Role.PRE_CANDIDATE
    bench.receive("s3", PreVoteResponse(4, granted=True))
    assert (bench.core.term, bench.core.role) == (4, Role.CANDIDATE)


def test_a_server_that_is_asked_whether_it_would_vote_changes_nothing() -> None:
    bench = Bench(term=3, log=entries(1, 3))
    disk = bench.disk
    assert bench.reply("s2", PreVote(9, 2, 3)) == PreVoteResponse(9, granted=True)
    assert bench.reply("s3", PreVote(9, 2, 3)) == PreVoteResponse(9, granted=True)
    assert bench.reply("s2", PreVote(9, 1, 3)) == PreVoteResponse(3, granted=False)
    assert bench.reply("s2", PreVote(3, 2, 2)) == PreVoteResponse(3, granted=False)
    assert (bench.disk, bench.core.term, bench.core.state.voted_for) == (disk, 3, None)


def test_it_would_not_as_long_as_it_hears_from_a_leader() -> None:
    bench = Bench()
    bench.receive("s2", append(1))
    bench.tick(PAPER.election_ticks - 1)
    assert bench.reply("s3", PreVote(2, 9, 1)) == PreVoteResponse(1, granted=False)
    bench.tick()
    assert bench.reply("s3", PreVote(2, 9, 1)) == PreVoteResponse(2, granted=True)


def test_leadership_is_transferred_by_bringing_the_target_up_to_date_and_asking_it_to_campaign() -> None:
    bench = leading()
    bench.submit(1)
    assert bench.order(TransferLeadership("s2")) == []
    bench.submit(2)  # no new commands meanwhile
    assert bench.outcomes == [NotLeader("s2")]
    sent = bench.agree("s2")
    assert of(TimeoutNow, sent) == {"s2": TimeoutNow(1)}
    target = Bench("s2", term=1, log=bench.core.log.entries(), pre_vote=True, check_quorum=True)
    target.receive("s1", append(1, 2, 1))
    asked = target.receive("s1", TimeoutNow(1))
    assert of(RequestVote, asked)["s3"] == RequestVote(2, 2, 1, transfer=True)
    voter = Bench("s3", term=1, log=bench.core.log.entries(), check_quorum=True)
    voter.receive("s1", append(1, 2, 1))
    assert voter.reply("s2", RequestVote(2, 2, 1, transfer=True)) == VoteResponse(2, granted=True)


def test_if_leadership_transfer_takes_longer_than_an_election_timeout_the_leader_goes_on() -> None:
    bench = leading()
    bench.submit(1)
    bench.order(TransferLeadership("s3"))
    bench.tick(PAPER.election_ticks)
    bench.submit(2)
    assert (bench.outcomes, bench.core.log.last) == ([], 3)


@pytest.mark.parametrize("to", ["s1", "s9"])
def test_leadership_is_not_transferred_to_oneself_or_to_a_stranger(to: str) -> None:
    bench = leading()
    assert bench.order(TransferLeadership(to)) == []
    assert bench.core.state.transferee is None


def test_nobody_but_the_leader_makes_a_server_campaign() -> None:
    bench = Bench()
    bench.receive("s2", append(1))
    assert bench.receive("s3", TimeoutNow(1)) == []
    assert bench.receive("s2", TimeoutNow(0)) == []
    assert bench.core.role is Role.FOLLOWER
