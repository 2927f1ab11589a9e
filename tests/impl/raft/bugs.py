"""Bugs that real implementations of Raft had, to be planted by replacing one function or method. See test_simulation.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ratified.impl.contract import Command, NodeId, Send, WriteRecord
from ratified.impl.raft import HardState, Role
from ratified.impl.raft import membership as memberships
from ratified.impl.raft.election import Election
from ratified.impl.raft.log import Log
from ratified.impl.raft.membership import Membership, majority_index
from ratified.impl.raft.messages import AppendResponse, Entry, RequestVote, VoteResponse
from ratified.impl.raft.operators import Operators
from ratified.impl.raft.progress import FollowerProgress
from ratified.impl.raft.reads import Reads
from ratified.impl.raft.replication import Replication
from ratified.impl.raft.state import State
from ratified.impl.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Bug:
    """What is replaced, and by what."""

    owner: Any
    name: str
    wrong: Callable[..., Any]


def forgotten_vote(self: State, term: int, voted_for: NodeId | None) -> None:
    """Term and vote are not written (PySyncObj, raft-java and others)."""
    self.term, self.voted_for = term, voted_for


def two_writes(self: State, term: int, voted_for: NodeId | None) -> None:
    """The vote is written before the term (hashicorp/raft, braft)."""
    self._write(WriteRecord(HardState(self.term, voted_for)))
    self.term, self.voted_for = term, voted_for
    self._record_token = self._write(WriteRecord(HardState(term, voted_for)))


def answer_before_it_is_durable(self: State, to: NodeId, message: Any) -> None:
    """Entries and votes are acknowledged before they are on the disk."""
    self._sends.append(Send(to, message, 0))


def stale_votes(self: Election, m: VoteResponse) -> bool:
    """Answers to an earlier term's requests count (Xraft, akka-raft)."""
    return self.state.role is Role.CANDIDATE


def longer_is_better(self: Log, last_index: int, last_term: int) -> bool:
    """Logs are compared by their lengths only (liferaft, jgroups-raft)."""
    return last_index >= self.last


def half_is_enough(count: int) -> int:
    """Half of an even number is a majority."""
    return (count + 1) // 2


def stubborn_leader(self: Election, term: int, leader: NodeId | None) -> None:
    """A leader takes on a newer term and goes on leading (hashicorp/raft)."""
    if self.state.role is Role.LEADER:
        self.state.set_record(term, None)
    else:
        self.state.become_follower(term, leader)


def votes_for_everybody(self: Election, candidate: NodeId, m: RequestVote) -> bool:
    """A vote is given whether or not there was one in this term."""
    return self.state.log.is_up_to_date(m.last_index, m.last_term)


def counts_old_entries(self: Replication, index: int) -> bool:
    """Entries of earlier terms are committed by counting (Figure 8)."""
    return True


def commit_goes_back(self: State, index: int) -> None:
    """A follower takes an old message's commit index (PySyncObj)."""
    self.commit = index
    while self.applied < self.commit:
        self.apply_next()


def truncates_always(self: Replication, previous: int, new: tuple[Entry, ...]) -> bool:
    """An old or empty message cuts the log (RaftOS, PySyncObj)."""
    if self.state.commit < previous + 1 <= self.state.log.last:
        self.state.truncate(previous + 1)
    if new and previous == self.state.log.last:
        self.state.append(new)
    return True


def keeps_conflicts(self: Replication, previous: int, new: tuple[Entry, ...]) -> bool:
    """A tail that conflicts is not removed (mofa)."""
    there = max(self.state.log.last - previous, 0)
    if len(new) > there:
        self.state.append(new[there:])
    return True


def match_goes_back(self: FollowerProgress, index: int) -> bool:
    """An old answer takes match back (PySyncObj, RaftOS, WRaft)."""
    right_matched(self, index)
    self.match, self.next = index, index + 1
    return True


def rejections_count(self: Replication, sender: NodeId, m: AppendResponse) -> None:
    """A rejection is taken for an agreement (CCF)."""
    right_handle_append_response(
        self, sender, AppendResponse(m.term, success=True, index=m.index, read=m.read) if not m.success else m
    )


def appends_again(self: Log, first: int, new: tuple[Entry, ...]) -> int:
    """What comes again at the beginning of the log is appended once more (WRaft)."""
    return self.last + 1 if new and first == 1 and self.last else right_first_conflict(self, first, new)


def commits_past_the_leaders_entries(self: Replication, leader_commit: int, last_new: int) -> int:
    """A follower commits whatever it has up to the leader's commit index."""
    return min(leader_commit, self.state.log.last)


def changes_early(self: Operators) -> bool:
    """A leader changes the membership before it has committed an entry of its term (Ongaro, 2015)."""
    return self.state.role is Role.LEADER and self.state.membership_index <= self.state.commit


def union_of_both(self: Membership, match: Callable[[NodeId], int]) -> int:
    """A majority of the union of the old and the new configuration is enough (CCF)."""
    return majority_index({*self.voters, *self.outgoing}, match)


def reads_unconfirmed(self: Reads, read: Any) -> bool:
    """A read is answered without asking whether this node still leads (etcd, RedisRaft)."""
    return True


def reads_early(self: State) -> bool:
    """A new leader answers reads before it knows what is committed."""
    return True


def executes_again(self: Sessions, command: Command) -> bool:
    """A repeated command is executed again."""
    return False


right_matched = FollowerProgress.matched
right_handle_append_response = Replication.handle_append_response
right_first_conflict = Log.first_conflict

BUGS = {
    bug.wrong.__name__: bug
    for bug in (
        Bug(State, "set_record", forgotten_vote),
        Bug(State, "set_record", two_writes),
        Bug(State, "reply", answer_before_it_is_durable),
        Bug(Election, "counts_vote", stale_votes),
        Bug(Log, "is_up_to_date", longer_is_better),
        Bug(memberships, "quorum_size", half_is_enough),
        Bug(Election, "update_term", stubborn_leader),
        Bug(Election, "may_vote_for", votes_for_everybody),
        Bug(Replication, "is_committable", counts_old_entries),
        Bug(State, "commit_to", commit_goes_back),
        Bug(Replication, "take_entries", truncates_always),
        Bug(Replication, "take_entries", keeps_conflicts),
        Bug(FollowerProgress, "matched", match_goes_back),
        Bug(Replication, "handle_append_response", rejections_count),
        Bug(Log, "first_conflict", appends_again),
        Bug(Replication, "commit_of_follower", commits_past_the_leaders_entries),
        Bug(Operators, "may_change_membership", changes_early),
        Bug(Membership, "quorum_index", union_of_both),
        Bug(Reads, "is_confirmed", reads_unconfirmed),
        Bug(State, "committed_in_term", reads_early),
        Bug(Sessions, "is_repeated", executes_again),
    )
}
