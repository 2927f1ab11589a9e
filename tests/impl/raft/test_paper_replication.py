"""The Raft paper, sections 5.3, 5.4.2 and 5.5, sentence by sentence: each test is named after what it holds."""

from __future__ import annotations

import pytest

from ratified.impl.contract import Applied, Done, NotLeader, Persisted, Send, Truncate, WriteEntries
from ratified.impl.raft import Entry, Role
from ratified.impl.raft.messages import AppendEntries, AppendResponse
from tests.impl.raft.lab import FIVE, PAPER, Bench, append, entries, of, put

# 5.3 Log replication


def test_the_leader_appends_the_command_as_a_new_entry_then_issues_append_entries_in_parallel() -> None:
    bench = Bench(voters=FIVE)
    bench.lead()
    for follower in FIVE[1:]:
        bench.agree(follower)
    sent = bench.submit(1)
    assert bench.core.log.entries() == (Entry(1, put(1)),)
    assert sent == [(peer, append(1, 0, 0, Entry(1, put(1)))) for peer in FIVE[1:]]


def test_it_does_not_wait_for_its_own_disk_to_send() -> None:
    bench = Bench()
    bench.lead()
    bench.agree("s2")
    bench.slow_disk = True
    bench.submit(1)
    (write,) = bench.last.writes
    assert write == WriteEntries(1, (Entry(1, put(1)),))
    assert [send.after < bench.last.token for send in bench.last.sends] == [True]


def test_when_the_entry_has_been_safely_replicated_it_is_applied_and_the_result_returned_to_the_client() -> (
    None
):
    bench = Bench(voters=FIVE)
    bench.lead()
    bench.submit(1)
    assert bench.outcomes == []
    bench.agree("s2")
    assert (bench.applied, bench.outcomes) == ([], [])
    bench.agree("s3")
    assert bench.last.applied == (Applied(1, put(1), b""),)
    assert bench.outcomes == [Done(b"")]
    assert bench.core.commit == 1


def test_the_leader_counts_itself_only_for_what_is_on_its_own_disk() -> None:
    bench = Bench()
    bench.lead()
    bench.slow_disk = True
    bench.submit(1)
    token = bench.last.token
    bench.agree("s2")
    assert bench.core.commit == 0
    bench.do(Persisted(token))
    assert (bench.core.commit, bench.outcomes) == (1, [Done(b"")])


def test_without_the_leaders_own_disk_a_majority_of_the_others_is_enough() -> None:
    bench = Bench()
    bench.lead()
    bench.slow_disk = True
    bench.submit(1)
    bench.agree("s2")
    bench.agree("s3")
    assert bench.core.commit == 1


def test_the_leader_retries_indefinitely_even_after_it_has_responded_to_the_client() -> None:
    bench = Bench()
    bench.lead()
    bench.agree("s2")
    bench.submit(1)
    bench.agree("s2")
    assert bench.outcomes == [Done(b"")]
    asked = [of(AppendEntries, bench.tick(PAPER.heartbeat_ticks))["s3"].prev_index for _ in range(50)]
    assert asked == [0] * 50
    sent = bench.receive("s3", AppendResponse(1, success=True, index=0))
    assert of(AppendEntries, sent)["s3"].entries == (Entry(1, put(1)),)


def test_a_lost_message_is_noticed_by_the_follower_that_misses_what_is_before_the_next() -> None:
    bench = Bench()
    bench.lead()
    bench.agree("s2")
    bench.submit(1)  # lost
    (sent,) = [message for to, message in bench.tick(PAPER.heartbeat_ticks) if to == "s2"]
    assert sent == append(1, 1, 1)
    again = bench.receive("s2", AppendResponse(1, success=False, index=1, hint_index=0, hint_term=0))
    assert of(AppendEntries, again)["s2"].entries == (Entry(1, put(1)),)


def test_committing_an_entry_also_commits_all_preceding_entries_including_those_of_previous_leaders() -> None:
    bench = Bench(term=2, log=entries(1, 2))
    bench.lead()
    assert bench.core.commit == 0
    bench.submit(3)
    bench.agree("s2")
    assert bench.applied == [1, 2, 3]
    assert bench.core.commit == 3


def test_the_leader_includes_the_highest_index_it_knows_to_be_committed_in_future_messages() -> None:
    bench = Bench()
    bench.lead()
    for follower in ("s2", "s3"):
        bench.agree(follower)
    bench.submit(1)
    sent = bench.agree("s2")
    assert of(AppendEntries, sent)["s2"] == append(1, 1, 1, commit=1)
    heartbeats = of(AppendEntries, bench.tick(PAPER.heartbeat_ticks))
    assert {message.commit for message in heartbeats.values()} == {1}


def test_what_only_says_what_is_committed_may_wait_for_company_and_entries_and_heartbeats_may_not() -> None:
    bench = Bench()
    bench.lead()
    for follower in ("s2", "s3"):
        bench.agree(follower)
    bench.submit(1)
    assert [send.idle for send in bench.last.sends] == [False, False]
    bench.agree("s2")
    told = [send for send in bench.last.sends if isinstance(send.message, AppendEntries)]
    assert [(send.to, send.message.commit, send.idle) for send in told] == [("s2", 1, True), ("s3", 1, True)]
    bench.tick(PAPER.heartbeat_ticks)
    assert [send.idle for send in bench.last.sends] == [False, False]


def test_once_a_follower_learns_that_an_entry_is_committed_it_applies_it_in_log_order() -> None:
    bench = Bench()
    bench.receive("s2", append(1, 0, 0, *entries(1, 1, 1)))
    assert bench.applied == []
    bench.receive("s2", append(1, 3, 1, commit=2))
    assert bench.applied == [1, 2]
    bench.receive("s2", append(1, 3, 1, commit=3))
    assert bench.applied == [3]


def test_a_follower_commits_no_further_than_what_it_has_from_this_leader() -> None:
    bench = Bench(term=1, log=entries(1, 1, 1))
    bench.receive("s2", append(2, 1, 1, commit=9))
    assert bench.core.commit == 1  # the entries after it may be others than the leader's


def test_the_commit_index_never_goes_back() -> None:
    bench = Bench(term=1, log=entries(1, 1, 1))
    bench.receive("s2", append(1, 3, 1, commit=3))
    bench.receive("s2", append(1, 1, 1, commit=1))
    bench.receive("s2", append(1, 0, 0))
    assert bench.core.commit == 3


def test_a_leader_creates_at_most_one_entry_with_a_given_index_in_a_given_term() -> None:
    bench = Bench(config=PAPER, sessions=True)
    bench.lead()
    bench.submit(1)
    bench.submit(1)  # the client has sent it again
    bench.submit(2)
    assert bench.core.log.entries() == entries(1, 1)


def test_the_follower_refuses_if_it_does_not_find_the_entry_before_the_new_ones() -> None:
    bench = Bench(term=2, log=entries(1, 1))
    new = Entry(2, put(9))
    missing = bench.reply("s2", append(2, 3, 2, new))
    other_term = bench.reply("s2", append(2, 2, 2, new))
    assert (missing.success, missing.index) == (False, 3)
    assert (other_term.success, other_term.index) == (False, 2)
    assert bench.terms == [1, 1]
    assert bench.reply("s2", append(2, 2, 1, new)) == AppendResponse(2, success=True, index=3)


def test_conflicting_entries_in_followers_logs_are_overwritten_with_entries_from_the_leaders_log() -> None:
    bench = Bench(term=3, log=entries(1, 1, 2, 2))
    bench.receive("s2", append(4, 2, 1, Entry(3, put(7)), Entry(4, put(8))))
    assert bench.terms == [1, 1, 3, 4]
    # First the entries that conflict go: a crash in between leaves a log that agrees with the leader's as far as it reaches.
    assert bench.last.writes[-2:] == (Truncate(3), WriteEntries(3, (Entry(3, put(7)), Entry(4, put(8)))))
    assert bench.restart().terms == [1, 1, 3, 4]


def test_an_old_or_repeated_message_removes_nothing() -> None:
    bench = Bench(term=1)
    new = entries(1, 1, 1)
    bench.receive("s2", append(1, 0, 0, *new))
    for message in (
        append(1, 0, 0, *new[:1]),
        append(1, 1, 1),
        append(1, 0, 0, *new),
        append(1, 2, 1, new[2]),
    ):
        answer = bench.reply("s2", message)
        assert answer == AppendResponse(1, success=True, index=message.prev_index + len(message.entries))
        assert bench.last.writes == ()
    assert bench.terms == [1, 1, 1]


def test_an_answer_vouches_for_nothing_that_is_not_durable() -> None:
    bench = Bench(slow_disk=True)
    bench.receive("s2", append(1, 0, 0, *entries(1)))
    first = bench.last.token
    assert bench.last.sends == (Send("s2", AppendResponse(1, success=True, index=1), first),)
    bench.receive("s2", append(1, 0, 0, *entries(1)))  # repeated before it is durable
    assert bench.last.writes == ()
    assert bench.last.sends == (Send("s2", AppendResponse(1, success=True, index=1), first),)


@pytest.mark.parametrize(
    "follower",
    [
        pytest.param((1, 1, 1, 4, 4, 5, 5, 6, 6), id="a"),
        pytest.param((1, 1, 1, 4), id="b"),
        pytest.param((1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6), id="c"),
        pytest.param((1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7), id="d"),
        pytest.param((1, 1, 1, 4, 4, 4, 4), id="e"),
        pytest.param((1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3), id="f"),
    ],
)
@pytest.mark.parametrize("fast", [False, True], ids=["one by one", "by terms"])
def test_the_leader_finds_the_latest_entry_where_the_logs_agree_and_sends_all_after_it(
    follower: tuple[int, ...], fast: bool
) -> None:
    """Figure 7: "after a rejection, the leader decrements nextIndex and retries"; or skips whole terms."""
    leader = Bench("s1", term=7, log=logged(1, 1, 1, 4, 4, 5, 5, 6, 6, 6), no_op=True, fast_backoff=fast)
    other = Bench("s2", term=7, log=logged(*follower), fast_backoff=fast)
    sent = of(AppendEntries, leader.lead())
    # "When a leader first comes to power, it initializes all nextIndex values to the index just after the last one in its log."
    assert sent["s2"].prev_index == 10
    rejections = 0
    while "s2" in sent:
        answer = other.reply("s1", sent["s2"])
        rejections += not answer.success
        sent = of(AppendEntries, leader.receive("s2", answer))
    assert other.core.log.entries() == leader.core.log.entries()
    agreed = next((i for i, (a, b) in enumerate(zip(follower, leader.terms, strict=False)) if a != b), None)
    expected = 10 - min(len(follower), 10 if agreed is None else agreed)
    if not fast:
        assert rejections == expected
    elif expected:
        assert rejections <= 3
        assert rejections < expected or expected == 1


def logged(*terms: int) -> tuple[Entry, ...]:
    """Entries that differ if their terms do."""
    return tuple(Entry(term, put(100 * term + index)) for index, term in enumerate(terms, 1))


def test_once_the_logs_agree_entries_are_sent_without_waiting_for_answers() -> None:
    bench = Bench(max_inflight=3)
    bench.lead()
    bench.agree("s2")
    sent = [of(AppendEntries, bench.submit(number)).get("s2") for number in range(1, 6)]
    assert [message and message.prev_index for message in sent] == [0, 1, 2, None, None]
    # The window is full: what comes meanwhile makes the next batch.
    answer = AppendResponse(1, success=True, index=1)
    assert of(AppendEntries, bench.receive("s2", answer))["s2"].entries == (
        Entry(1, put(4)),
        Entry(1, put(5)),
    )


def test_a_batch_is_no_longer_than_configured() -> None:
    bench = Bench(max_batch=2, term=1, log=entries(1, 1, 1, 1, 1))
    bench.lead()
    sent = bench.receive("s2", AppendResponse(2, success=False, index=5))
    assert sent == [("s2", append(2, 4, 1, entries(1, 1, 1, 1, 1)[4]))]
    probe: object = None
    for index in (4, 3, 2, 1):
        (probe,) = bench.receive("s2", AppendResponse(2, success=False, index=index))
    assert probe == ("s2", append(2, 0, 0, *entries(1, 1)))


def test_a_rejection_of_something_old_is_ignored() -> None:
    bench = Bench(term=1, log=entries(1, 1, 1))
    bench.lead()
    bench.agree("s2")
    for index in (0, 1, 3):
        assert bench.receive("s2", AppendResponse(2, success=False, index=index)) == []
    assert bench.core.state.progress["s2"].match == 3


def test_match_index_never_goes_back() -> None:
    bench = Bench(term=1, log=entries(1, 1, 1))
    bench.lead()
    bench.agree("s2")
    bench.receive("s2", AppendResponse(2, success=True, index=1))
    assert bench.core.state.progress["s2"].match == 3
    assert bench.core.state.progress["s2"].next == 4


def test_an_answer_of_an_earlier_term_is_ignored() -> None:
    bench = Bench(term=1, log=entries(1, 1, 1))
    bench.lead()
    bench.receive("s2", AppendResponse(1, success=True, index=3))
    assert bench.core.state.progress["s2"].match == 0


def test_a_leader_never_overwrites_or_deletes_entries_in_its_own_log() -> None:
    bench = Bench(term=1, log=entries(1, 1))
    bench.lead()
    assert bench.receive("s3", append(2, 0, 0, Entry(2, put(9)))) == []  # nobody else leads in its term
    assert (bench.terms, bench.core.role) == ([1, 1], Role.LEADER)


def test_a_single_slow_follower_does_not_impact_performance() -> None:
    bench = Bench()
    bench.lead()
    bench.agree("s2")
    for number in range(1, 200):
        bench.submit(number)
        bench.agree("s2")
        assert bench.outcomes == [Done(b"" if number == 1 else str(number - 1).encode())]


# 5.4.2 Committing entries from previous terms


def test_raft_never_commits_log_entries_from_previous_terms_by_counting_replicas() -> None:
    bench = Bench(term=2, log=entries(1, 2))
    bench.lead()
    bench.agree("s2")
    bench.agree("s3")
    assert bench.core.state.progress["s2"].match == 2
    assert bench.core.commit == 0


def test_once_an_entry_from_the_current_term_has_been_committed_all_prior_entries_are_committed_indirectly() -> (
    None
):
    bench = Bench(term=2, log=entries(1, 2), no_op=True)
    bench.lead()
    assert bench.terms == [1, 2, 3]
    bench.receive("s2", AppendResponse(3, success=True, index=2))
    assert bench.core.commit == 0
    bench.receive("s2", AppendResponse(3, success=True, index=3))
    assert (bench.core.commit, bench.applied) == (3, [1, 2, 3])


def test_log_entries_retain_their_original_term_numbers_when_a_leader_replicates_them() -> None:
    bench = Bench(term=2, log=entries(1, 2))
    bench.lead()
    sent = bench.receive("s2", AppendResponse(3, success=False, index=2))
    sent = bench.receive("s2", AppendResponse(3, success=False, index=1))
    assert [entry.term for entry in of(AppendEntries, sent)["s2"].entries] == [1, 2]


# 5.5 Follower and candidate crashes


def test_raft_rpcs_are_idempotent() -> None:
    bench = Bench(term=1)
    request = append(1, 0, 0, *entries(1, 1))
    first = bench.reply("s2", request)
    disk = bench.disk
    assert bench.reply("s2", request) == first
    assert bench.disk == disk


def test_a_follower_that_crashes_after_completing_a_request_gets_it_again_after_it_restarts() -> None:
    bench = Bench(term=1)
    request = append(1, 0, 0, *entries(1, 1))
    first = bench.reply("s2", request)
    again = bench.restart()
    assert again.terms == [1, 1]
    assert again.reply("s2", request) == first
    assert again.terms == [1, 1]


def test_what_was_torn_by_a_crash_is_asked_for_again() -> None:
    bench = Bench(term=1)
    bench.receive("s2", append(1, 0, 0, *entries(1, 1, 1)))
    torn = bench.restart()
    torn.disk = bench.disk.after(Truncate(2))  # of three entries the first was written
    torn = torn.restart()
    answer = torn.reply("s2", append(1, 3, 1))
    assert answer == AppendResponse(1, success=False, index=3, hint_index=1, hint_term=1)


def test_who_does_not_lead_takes_no_commands() -> None:
    bench = Bench()
    bench.submit(1)
    assert bench.outcomes == [NotLeader(None)]
    bench.receive("s3", append(1))
    bench.submit(1)
    assert bench.outcomes == [NotLeader("s3")]
    assert bench.terms == []
