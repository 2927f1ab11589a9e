"""The relational Raft with one thing wrong: the mistakes of `broken`, as they are in the model that proofs are about.

Each class is `RelationalRaft`, or what is built on it, but for what it overrides, and each breaks a lemma or a goal of the proof.
"""

from __future__ import annotations

from typing import Self

from ratified.language import Map, Set, action, first, require, step_invariant
from ratified.models.raft.relational import (
    AppendEntries,
    AppendEntriesResponse,
    Committed,
    Index,
    Last,
    RelationalRaft,
    RequestVote,
    RequestVoteResponse,
    Slot,
    Term,
)
from ratified.models.raft.relational_built import PreVote, Reading, RelationalClients, RelationalElections
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


class TornVote(RelationalRaft):
    """Term and vote are two writes; a crash between them leaves the old term without its vote."""

    @action
    def crash_in_election(self, i: Server) -> None:
        """Server i is about to begin a term, has written that it has not voted, and crashes."""
        require(self.role[i] != Role.LEADER)
        super().restart(i)
        self.votes = Set(v for v in self.votes if v.voter != i or v.term != self.current_term[i])


class MatchGoesBack(RelationalRaft):
    """A leader that gets an old answer forgets what it knew since to be replicated.

    The model does this as it stands, as the published specification does, so that only the claim is added here.
    """

    @step_invariant
    def match_index_only_rises(self, old: Self) -> bool:
        """As long as a server leads, it never takes back what it knows of another's log."""
        return all(
            old.match_index[i][j] <= self.match_index[i][j]
            for i in Server
            for j in Server
            if old.role[i] == Role.LEADER and self.role[i] == Role.LEADER
        )


class RepeatedAppend(RelationalRaft):
    """A follower appends the entry that comes for the beginning of its log without looking whether it has it."""

    @action
    def append_first_entry(self, m: AppendEntries, entry: Slot) -> None:
        """What comes after nothing must be new."""
        require(m in self.messages)
        i = m.dest
        require(self.is_follower_of(i, m) and m.prev is None and not self.conflicts(i, m))
        require(m.entry == entry)
        n = self.length[i] + 1
        self.log[i].add(Slot(n, entry.term, entry.value))
        self.length[i] = n


class LostEntry(RelationalRaft):
    """A server says that it has an entry before it is on disk; a crash loses it."""

    @action
    def crash_before_sync(self, i: Server) -> None:
        """Server i comes back without the last entry of its log."""
        require(first(Index) < self.length[i])
        super().restart(i)
        self.log[i] = Set(x for x in self.log[i] if x.index < self.length[i])
        self.length[i] = self.length[i] - 1


class AppendForSnapshot(RelationalRaft):
    """A leader that has no longer what comes next sends an append with nothing in it, for a place that it does not look at."""

    def stands_at(self, i: Server, prev: Last | None, end: Index) -> bool:
        """What is no longer there is not sent."""
        return prev is None or (end == prev.index and self.has(i, prev))


class SnapshotLowersTerm(RelationalRaft):
    """A server that loads a snapshot takes the term of its last entry for its own."""

    @action
    def load_snapshot(self, i: Server, c: Committed) -> None:
        """Server i has the log up to what was committed, which is of an earlier term."""
        require(c in self.committed and c.term < self.current_term[i])
        self.role[i] = Role.FOLLOWER
        self.log[i] = Set(x for x in self.leader_log[c.term] if x.index <= c.index)
        self.length[i] = c.index
        self.current_term[i] = c.term


# Clients


class UnconfirmedRead(RelationalClients):
    """A leader answers reads without asking whether it still leads."""

    def may_answer(self, r: Reading) -> bool:
        """At once."""
        return True


class RepeatedCommand(RelationalClients):
    """A command that a client has repeated is executed once more."""

    def is_repeated(self, i: Server, x: Slot) -> bool:
        """Nobody remembers."""
        return False


# Elections


class ConsentingLeader(RelationalElections):
    """A leader consents to being replaced."""

    def consents(self, i: Server, m: PreVote) -> bool:
        """The term would be new to server i, which would lose nothing by the candidate."""
        return self.would_vote(i, m)


class CostlyPreVote(RelationalElections):
    """A server that is asked for a pre-vote takes over the term that it is asked about."""

    @action
    def handle_pre_vote(self, m: PreVote) -> None:
        """The receiver answers as ever, but takes the question for news of that term."""
        super().handle_pre_vote(m)
        if self.current_term[m.dest] < m.term:
            self.current_term[m.dest] = m.term
            self.role[m.dest] = Role.FOLLOWER


class DisturbedFollower(RelationalElections):
    """A server that hears its leader gives in to a candidate that does not, and the leader has to go."""

    def gives_in(self, i: Server) -> bool:
        """Who asks may be right."""
        return True


class HastyTransfer(RelationalElections):
    """A leader hands over to a server that lacks a part of its log, so that nobody may be elected for a while."""

    def is_caught_up(self, i: Server, j: Server) -> bool:
        """It will be all right."""
        return True
