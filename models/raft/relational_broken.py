"""The relational Raft with one thing wrong: the mistakes of `broken`, as they are in the model that proofs are about.

Each class is `RelationalRaft` but for what it overrides, and each breaks a lemma of the proof of Raft.
"""

from __future__ import annotations

from typing import Self

from ratified.models.language import Map, Set, action, first, require, step_invariant
from ratified.models.raft.relational import (
    AppendEntries,
    AppendEntriesResponse,
    Index,
    RelationalRaft,
    RequestVote,
    RequestVoteResponse,
    Slot,
    Term,
)
from ratified.models.raft.sorts import Role, Server


class ForgottenVote(RelationalRaft):
    """A server that restarts has lost its vote."""

    @action
    def restart(self, i: Server) -> None:
        """Server i comes back, and has not voted in its term, as far as it knows."""
        super().restart(i)
        self.votes = Set(v for v in self.votes if v.voter != i or v.term != self.current_term[i])


class StaleVotes(RelationalRaft):
    """A candidate counts answers to what it asked in an earlier term."""

    def counts(self, i: Server, m: RequestVoteResponse) -> bool:
        """Whatever answer comes, of this term or an earlier one."""
        return m.term <= self.current_term[i]


class ShorterHistory(RelationalRaft):
    """Logs are compared by their lengths only."""

    def up_to_date(self, m: RequestVote, i: Server) -> bool:
        """The candidate's log is at least as long."""
        last = m.last
        return self.length[i] == first(Index) if last is None else self.length[i] <= last.index


class HalfQuorums(RelationalRaft):
    """A majority is counted as n/2 servers."""

    def is_quorum(self, members: Set[Server]) -> bool:
        """Half of the servers will do."""
        return 2 * len(members) >= len(Server)


class StubbornLeader(RelationalRaft):
    """A leader that learns of a newer term takes it over, but goes on leading."""

    @action
    def update_term(self, i: Server, t: Term) -> None:
        """Only a server that does not lead becomes a follower."""
        require(self.current_term[i] < t)
        self.current_term[i] = t
        if self.role[i] != Role.LEADER:
            self.role[i] = Role.FOLLOWER


class CountedOldEntries(RelationalRaft):
    """A leader commits entries of earlier terms by counting servers that have them (Figure 8)."""

    def may_commit(self, i: Server, x: Slot) -> bool:
        """Of whatever term it is."""
        return True


class CommitGoesBack(RelationalRaft):
    """A follower that gets an old message goes back to what was committed then.

    The model does this as it stands, as the published specification does, so that only the claim is added here.
    """

    @step_invariant
    def commit_index_only_rises(self, old: Self) -> bool:
        """No message makes a server go back; a restart, which makes it begin anew, is not one."""
        return old.messages == self.messages or all(
            old.commit_index[i] <= self.commit_index[i] for i in Server
        )


class TruncatingAppend(RelationalRaft):
    """A follower's log ends where the message ends, be it an old or an empty one."""

    @action
    def accept_entries(self, m: AppendEntries, kept: bool) -> None:
        """The receiver has it all, and what it has beyond goes."""
        super().accept_entries(m, kept)
        self.log[m.dest] = Set(x for x in self.log[m.dest] if x.index <= m.end)
        self.length[m.dest] = m.end


class KeptConflict(RelationalRaft):
    """A follower keeps its conflicting entries, and says that it has the leader's."""

    def conflicts(self, i: Server, m: AppendEntries) -> bool:
        """Nobody has looked."""
        return False


class CountedRejections(RelationalRaft):
    """A rejection says up to where the leader wanted to come, and the leader takes that for an agreement."""

    def told(self, m: AppendEntries) -> Index:
        """Where the receiver's log would have been the leader's."""
        return m.end

    def agrees(self, m: AppendEntriesResponse) -> bool:
        """Be it yes or no."""
        return True


class LostLog(RelationalRaft):
    """Entries are acknowledged before they are on disk: a server that restarts has lost its log."""

    @action
    def restart(self, i: Server) -> None:
        """Server i comes back with an empty log."""
        super().restart(i)
        self.log[i].clear()
        self.length[i] = first(Index)


class ForgottenTerm(RelationalRaft):
    """The term is not on disk: a server that restarts is in an earlier one."""

    @action
    def reboot(self, i: Server, t: Term) -> None:
        """Server i comes back in an earlier term."""
        require(t < self.current_term[i])
        self.role[i] = Role.FOLLOWER
        self.match_index[i] = Map({j: first(Index) for j in Server})
        self.commit_index[i] = first(Index)
        self.current_term[i] = t
