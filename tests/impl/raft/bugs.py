"""Bugs that real implementations of Raft had, beside those that conformance plants (`KNOWN`). See test_simulation.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ratified.conform.mutants import Mutant
from ratified.conformance.raft.mutants import MUTANTS
from ratified.impl.contract import Command, NodeId, Send, WriteRecord
from ratified.impl.raft import HardState, Role
from ratified.impl.raft.election import Election
from ratified.impl.raft.log import Log
from ratified.impl.raft.membership import Membership, majority_index
from ratified.impl.raft.messages import AppendResponse, Entry, RequestVote
from ratified.impl.raft.operators import Operators
from ratified.impl.raft.progress import FollowerProgress
from ratified.impl.raft.replication import Replication
from ratified.impl.raft.state import State
from ratified.impl.sessions import Sessions


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


def votes_for_everybody(self: Election, candidate: NodeId, m: RequestVote) -> bool:
    """A vote is given whether or not there was one in this term."""
    return self.state.log.is_up_to_date(m.last_index, m.last_term)


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


def changes_early(self: Operators) -> bool:
    """A leader changes the membership before it has committed an entry of its term (Ongaro, 2015)."""
    return self.state.role is Role.LEADER and self.state.membership_index <= self.state.commit


def union_of_both(self: Membership, match: Callable[[NodeId], int]) -> int:
    """A majority of the union of the old and the new configuration is enough (CCF)."""
    return majority_index({*self.voters, *self.outgoing}, match)


def reads_early(self: State) -> bool:
    """A new leader answers reads before it knows what is committed."""
    return True


def executes_again(self: Sessions, command: Command) -> bool:
    """A repeated command is executed again."""
    return False


right_matched = FollowerProgress.matched
right_handle_append_response = Replication.handle_append_response
right_first_conflict = Log.first_conflict

OWN: tuple[tuple[type, str, Callable[..., Any]], ...] = (
    (State, "set_record", forgotten_vote),
    (State, "set_record", two_writes),
    (State, "reply", answer_before_it_is_durable),
    (Election, "may_vote_for", votes_for_everybody),
    (State, "commit_to", commit_goes_back),
    (Replication, "take_entries", truncates_always),
    (FollowerProgress, "matched", match_goes_back),
    (Replication, "handle_append_response", rejections_count),
    (Log, "first_conflict", appends_again),
    (Operators, "may_change_membership", changes_early),
    (Membership, "quorum_index", union_of_both),
    (State, "committed_in_term", reads_early),
    (Sessions, "is_repeated", executes_again),
)

KNOWN = (
    *(
        "stale-votes",
        "shorter-history",
        "half-quorums",
        "stubborn-leader",
        "counted-old-entries",
        "kept-conflict",
    ),
    *("commit-beyond-new", "unconfirmed-read"),
)

BUGS = {
    **{
        wrong.__name__: Mutant(((f"{owner.__module__}:{owner.__name__}.{name}", wrong),))
        for owner, name, wrong in OWN
    },
    **{name: replace(MUTANTS[name], nodes=3) for name in KNOWN},
}
