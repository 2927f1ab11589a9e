"""The Raft paper, sections 5.1, 5.2 and 5.4.1, sentence by sentence: each test is named after what it holds.

Ongaro & Ousterhout, "In Search of an Understandable Consensus Algorithm" (extended version, 2014).
"""

from __future__ import annotations

import pytest

from ratified.impl.contract import Durable, Send, WriteRecord
from ratified.impl.raft import Entry, HardState, RaftCore, Role
from ratified.impl.raft.membership import Membership
from ratified.impl.raft.messages import (
    AppendEntries,
    AppendResponse,
    InstallSnapshot,
    RequestVote,
    Snapshot,
    VoteResponse,
)
from tests.impl.raft.lab import FIVE, PAPER, Bench, append, entries, of

# 5.1 Raft basics


def test_at_any_given_time_each_server_is_in_one_of_three_states() -> None:
    bench = Bench()
    roles = [bench.core.role]
    bench.time_out()
    roles.append(bench.core.role)
    bench.receive("s2", VoteResponse(1, granted=True))
    roles.append(bench.core.role)
    assert roles == [Role.FOLLOWER, Role.CANDIDATE, Role.LEADER]


def test_followers_are_passive_they_issue_no_requests_on_their_own() -> None:
    bench = Bench()
    bench.receive("s2", append(1))
    assert bench.tick(PAPER.election_ticks - 1) == []


def test_terms_are_numbered_with_consecutive_integers() -> None:
    bench = Bench(term=6)
    terms = []
    for _ in range(3):
        bench.time_out()
        terms.append(bench.core.term)
    assert terms == [7, 8, 9]


def test_each_server_stores_a_current_term_number_which_increases_monotonically() -> None:
    bench = Bench(term=3)
    seen = [bench.core.term]
    for term in (5, 4, 2, 7, 6):
        bench.receive("s2", append(term))
        seen.append(bench.core.term)
    assert seen == [3, 5, 5, 5, 7, 7]
    assert bench.disk.record == HardState(7)
    assert bench.restart().core.term == 7


@pytest.mark.parametrize(
    "message",
    [
        append(9),
        RequestVote(9, 0, 0),
        VoteResponse(9, granted=False),
        AppendResponse(9, success=False, index=0),
        InstallSnapshot(9, Snapshot(1, 1, Membership(("s1",)), (), b"{}")),
    ],
    ids=lambda message: type(message).__name__,
)
@pytest.mark.parametrize("role", list(Role))
def test_if_ones_term_is_smaller_than_the_others_it_updates_its_term_and_reverts_to_follower(
    role: Role, message: object
) -> None:
    bench = Bench(pre_vote=role is Role.PRE_CANDIDATE)
    if role is Role.PRE_CANDIDATE:
        bench.tick(2 * PAPER.election_ticks)
    elif role is not Role.FOLLOWER:
        bench.time_out()
    if role is Role.LEADER:
        bench.receive("s2", VoteResponse(1, granted=True))
    assert bench.core.role is role
    bench.receive("s3", message)
    assert (bench.core.term, bench.core.role) == (9, Role.FOLLOWER)
    assert bench.disk.record.term == 9


def test_if_a_server_receives_a_request_with_a_stale_term_number_it_rejects_the_request() -> None:
    bench = Bench(term=4)
    before = bench.disk
    assert bench.reply("s2", RequestVote(3, 9, 2)) == VoteResponse(4, granted=False)
    assert bench.reply("s2", append(3)) == AppendResponse(4, success=False, index=0)
    stale = InstallSnapshot(3, Snapshot(5, 1, Membership(("s1",)), (), b"{}"))
    assert bench.reply("s2", stale) == AppendResponse(4, success=False, index=5)
    assert bench.disk == before


# 5.2 Leader election


def test_when_servers_start_up_they_begin_as_followers() -> None:
    assert Bench(term=5, vote="s1").core.role is Role.FOLLOWER


def test_a_server_remains_follower_as_long_as_it_hears_from_a_leader() -> None:
    bench = Bench()
    for _ in range(20):
        bench.tick(PAPER.election_ticks - 1)
        bench.receive("s2", append(1))
    assert (bench.core.role, bench.core.term, bench.core.leader) == (Role.FOLLOWER, 1, "s2")


def test_a_server_that_grants_its_vote_waits_for_another_election_timeout() -> None:
    bench = Bench()
    for term in range(1, 20):
        bench.tick(PAPER.election_ticks - 1)
        bench.receive("s2", RequestVote(term, 0, 0))
    assert (bench.core.role, bench.core.term) == (Role.FOLLOWER, 19)


def test_a_server_that_denies_its_vote_does_not_wait_any_longer() -> None:
    bench = Bench(term=1, log=entries(1))
    for term in range(2, 7):
        bench.tick(3)
        bench.receive("s2", RequestVote(term, 0, 0))
    bench.tick(2 * PAPER.election_ticks - 1 - 5 * 3)
    assert bench.core.role is Role.CANDIDATE


def test_leaders_send_periodic_heartbeats_that_carry_no_entries_to_all_followers() -> None:
    bench = Bench(log=entries(1), term=1)
    bench.lead()
    for follower in ("s2", "s3"):
        bench.agree(follower)
    heartbeat = append(2, 1, 1)
    for _ in range(5):
        assert bench.tick(PAPER.heartbeat_ticks) == [("s2", heartbeat), ("s3", heartbeat)]


def test_if_a_follower_receives_no_communication_over_the_election_timeout_it_begins_an_election() -> None:
    waits = set()
    for seed in range(200):
        bench = Bench(seed=seed)
        ticks = 0
        while bench.core.role is Role.FOLLOWER:
            bench.tick()
            ticks += 1
        waits.add(ticks)
    # Election time-outs are chosen randomly from a fixed interval.
    assert waits == set(range(PAPER.election_ticks, 2 * PAPER.election_ticks))


def test_to_begin_an_election_it_increments_its_term_votes_for_itself_and_asks_all_others_in_parallel() -> (
    None
):
    bench = Bench("s2", FIVE, term=3, log=entries(1, 3))
    sent = bench.time_out()
    assert (bench.core.term, bench.core.role, bench.core.state.voted_for) == (4, Role.CANDIDATE, "s2")
    assert sent == [(peer, RequestVote(4, 2, 3)) for peer in ("s1", "s3", "s4", "s5")]
    assert bench.disk.record == HardState(4, "s2")


def test_a_candidate_asks_only_when_its_own_vote_is_durable() -> None:
    bench = Bench(slow_disk=True)
    bench.time_out()
    token = bench.last.token
    assert bench.last.writes == (WriteRecord(HardState(1, "s1")),)
    assert bench.last.sends == tuple(Send(to, RequestVote(1, 0, 0), token) for to in ("s2", "s3"))
    assert token > 0


@pytest.mark.parametrize(
    ("voters", "granted", "wins"),
    [
        (("s1",), (), True),
        (("s1", "s2"), (), False),
        (("s1", "s2"), ("s2",), True),
        (("s1", "s2", "s3"), (), False),
        (("s1", "s2", "s3"), ("s3",), True),
        (("s1", "s2", "s3", "s4"), ("s2",), False),
        (("s1", "s2", "s3", "s4"), ("s2", "s4"), True),
        (FIVE, ("s2",), False),
        (FIVE, ("s2", "s2", "s2"), False),
        (FIVE, ("s2", "s9"), False),
        (FIVE, ("s2", "s5"), True),
    ],
)
def test_a_candidate_wins_if_it_receives_votes_from_a_majority_of_the_full_cluster_for_the_same_term(
    voters: tuple[str, ...], granted: tuple[str, ...], wins: bool
) -> None:
    bench = Bench(voters=voters)
    bench.time_out()
    for voter in granted:
        bench.receive(voter, VoteResponse(1, granted=True))
    assert (bench.core.role is Role.LEADER) is wins


def test_votes_of_an_earlier_term_do_not_count() -> None:
    bench = Bench()
    bench.time_out()
    bench.time_out()
    bench.receive("s2", VoteResponse(1, granted=True))
    roles = [bench.core.role]
    bench.receive("s2", VoteResponse(2, granted=True))
    assert [*roles, bench.core.role] == [Role.CANDIDATE, Role.LEADER]


def test_votes_that_are_denied_do_not_count() -> None:
    bench = Bench()
    bench.time_out()
    for voter in ("s2", "s3"):
        bench.receive(voter, VoteResponse(1, granted=False))
    assert bench.core.role is Role.CANDIDATE


def test_each_server_votes_for_at_most_one_candidate_in_a_term_first_come_first_served() -> None:
    bench = Bench()
    assert bench.reply("s2", RequestVote(1, 0, 0)) == VoteResponse(1, granted=True)
    assert bench.reply("s3", RequestVote(1, 0, 0)) == VoteResponse(1, granted=False)
    assert bench.reply("s2", RequestVote(1, 0, 0)) == VoteResponse(1, granted=True)
    again = bench.restart()
    assert again.reply("s3", RequestVote(1, 0, 0)) == VoteResponse(1, granted=False)
    assert again.reply("s3", RequestVote(2, 0, 0)) == VoteResponse(2, granted=True)


def test_a_vote_is_durable_before_it_is_given() -> None:
    bench = Bench(slow_disk=True)
    bench.receive("s2", RequestVote(1, 0, 0))
    assert bench.last.writes[-1] == WriteRecord(HardState(1, "s2"))
    assert bench.last.sends == (Send("s2", VoteResponse(1, granted=True), bench.last.token),)


def test_once_a_candidate_wins_it_sends_heartbeats_to_all_of_the_other_servers() -> None:
    bench = Bench(voters=FIVE)
    sent = bench.lead()
    assert of(AppendEntries, sent) == {peer: append(1) for peer in FIVE[1:]}
    assert len(sent) == 4


@pytest.mark.parametrize("term", [1, 2])
def test_a_candidate_that_hears_from_a_leader_of_at_least_its_term_recognises_it_and_follows(
    term: int,
) -> None:
    bench = Bench()
    bench.time_out()
    bench.receive("s3", append(term))
    assert (bench.core.role, bench.core.leader, bench.core.term) == (Role.FOLLOWER, "s3", term)


def test_if_the_leaders_term_is_smaller_the_candidate_rejects_it_and_continues_as_candidate() -> None:
    bench = Bench(term=4)
    bench.time_out()
    assert bench.reply("s3", append(4)) == AppendResponse(5, success=False, index=0)
    assert (bench.core.role, bench.core.term) == (Role.CANDIDATE, 5)


def test_if_votes_are_split_each_candidate_times_out_and_starts_a_new_election_in_a_new_term() -> None:
    bench = Bench(voters=FIVE)
    bench.time_out()
    bench.receive("s2", VoteResponse(1, granted=True))
    bench.receive("s3", VoteResponse(1, granted=False))
    sent = bench.time_out()
    assert of(RequestVote, sent) == {peer: RequestVote(2, 0, 0) for peer in FIVE[1:]}


def test_each_candidate_restarts_its_randomized_timeout_at_the_start_of_an_election() -> None:
    bench = Bench(seed=3)
    waits = []
    for _ in range(40):
        term, ticks = bench.core.term, 0
        while bench.core.term == term:
            bench.tick()
            ticks += 1
        waits.append(ticks)
    assert {PAPER.election_ticks <= wait < 2 * PAPER.election_ticks for wait in waits} == {True}
    assert len(set(waits)) > 5


# 5.4.1 Election restriction


@pytest.mark.parametrize(
    ("mine", "last_index", "last_term", "granted"),
    [
        ((), 0, 0, True),
        ((1,), 0, 0, False),
        ((1,), 1, 1, True),
        ((1,), 2, 1, True),
        ((1, 1), 1, 1, False),
        # If the logs have last entries with different terms, then the log with the later term is more up to date.
        ((1, 1, 1), 1, 2, True),
        ((1, 2), 5, 1, False),
        ((1, 3), 2, 2, False),
        ((1, 2), 2, 3, True),
        # If the logs end with the same term, then whichever log is longer is more up to date.
        ((1, 2, 2), 2, 2, False),
        ((1, 2, 2), 3, 2, True),
        ((1, 2, 2), 4, 2, True),
    ],
)
def test_the_voter_denies_its_vote_if_its_own_log_is_more_up_to_date(
    mine: tuple[int, ...], last_index: int, last_term: int, granted: bool
) -> None:
    bench = Bench(term=3, log=entries(*mine))
    assert bench.reply("s2", RequestVote(4, last_index, last_term)) == VoteResponse(4, granted)
    assert bench.core.state.voted_for == ("s2" if granted else None)


def test_the_request_includes_information_about_the_candidates_log() -> None:
    bench = Bench(term=7, log=entries(1, 1, 5))
    assert of(RequestVote, bench.time_out())["s2"] == RequestVote(8, 3, 5)


def test_a_log_that_is_in_a_snapshot_counts_as_well() -> None:
    bench = Bench(term=5, snapshot=Snapshot(8, 4, Membership(("s1", "s2", "s3")), (), b"{}"))
    assert bench.reply("s2", RequestVote(6, 7, 4)) == VoteResponse(6, granted=False)
    assert bench.reply("s3", RequestVote(6, 8, 4)) == VoteResponse(6, granted=True)


def test_a_core_that_has_never_heard_of_a_cluster_does_not_campaign() -> None:
    bench = Bench()
    bench.core = RaftCore("s9", Durable(), PAPER, bench.core.state.random, bench.core.machine)
    assert bench.tick(100) == []
    assert bench.core.role is Role.FOLLOWER
    # It votes and takes entries all the same: the sender may know more than it does (section 6).
    assert bench.reply("s2", RequestVote(1, 0, 0)) == VoteResponse(1, granted=True)
    bench.receive("s2", append(1, 0, 0, Entry(1, Membership(("s2", "s9")))))
    assert bench.core.membership == Membership(("s2", "s9"))
