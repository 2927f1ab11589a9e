"""Raft with one thing wrong: each of these is a mistake that somebody's Raft had, and none of them survives an exploration.

Each class is Raft but for what it overrides. Its small size is the smallest at which the claim fails that it is about; some of
these stories are long, and to find them soon, what they do not need is left out: see `Quiet`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from ratified.language import Param, Set, action, invariant, require, step_invariant
from ratified.models.raft.raft import Raft
from ratified.models.raft.sorts import (
    AppendEntries,
    AppendEntriesResponse,
    Message,
    RequestVote,
    RequestVoteResponse,
    Role,
    Server,
    Value,
)


def only(**size: object) -> Mapping[str, Mapping[str, object]]:
    """The smallest size at which a variant fails, under all names."""
    return {name: {"Value": 1, **size} for name in ("small", "standard", "large")}


class Quiet(Raft):
    """Raft in a quiet hour: calm, and no server restarts, no message is lost or repeated, and who is replaced keeps quiet.

    A story that happens in a quiet hour happens in Raft; there are far fewer, so that a long one is soon found.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=3, max_log=1, max_messages=1
    )

    calm: Param[bool] = True

    @action
    def client_request(self, i: Server, v: Value) -> None:
        """Clients know who leads."""
        require(all(self.current_term[j] <= self.current_term[i] for j in Server))
        super().client_request(i, v)

    @action
    def append_entries(self, i: Server, j: Server) -> None:
        """A leader that has been replaced says nothing."""
        require(all(self.current_term[j] <= self.current_term[i] for j in Server))
        super().append_entries(i, j)

    @action
    def restart(self, i: Server) -> None:
        """Not now."""
        require(False)

    @action
    def duplicate(self, m: Message) -> None:
        """Not now."""
        require(m in self.messages)
        require(False)

    @action
    def drop(self, m: Message) -> None:
        """Not now."""
        require(m in self.messages)
        require(False)


# Voting and terms


class ForgottenVote(Raft):
    """A server that restarts has lost its vote (PySyncObj, raft-java, seaweedfs/raft).

    Breaks `election_safety`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=3, max_term=2, max_log=0, max_messages=1
    )

    def restart(self, i: Server) -> None:
        """Server i comes back, and has not voted in its term, as far as it knows."""
        super().restart(i)
        self.voted_for[i] = None


class TornVote(Raft):
    """Term and vote are two writes; a crash between them leaves the old term without its vote (hashicorp/raft, braft).

    Breaks `election_safety`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=3, max_term=2, max_log=0, max_messages=1
    )

    @action
    def crash_in_election(self, i: Server) -> None:
        """Server i is about to begin a term, has written that it has not voted, and crashes."""
        require(self.role[i] != Role.LEADER)
        super().restart(i)
        self.voted_for[i] = None


class StaleVotes(Raft):
    """A candidate counts answers to what it asked in an earlier term (Xraft, akka-raft).

    Breaks `election_safety`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=3, max_log=0, max_messages=1
    )

    def counts(self, i: Server, m: RequestVoteResponse) -> bool:
        """Whatever answer comes, of this term or an earlier one."""
        return m.term <= self.current_term[i]


class ShorterHistory(Quiet):
    """Logs are compared by their lengths only (liferaft, jgroups-raft).

    Breaks `leader_completeness`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=3, max_term=4, max_log=1, max_messages=1
    )

    def up_to_date(self, m: RequestVote, i: Server) -> bool:
        """The candidate's log is at least as long."""
        return m.last_log_index >= len(self.log[i])


class HalfQuorums(Raft):
    """A majority is counted as n/2 servers.

    Breaks `election_safety`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=2, max_log=0, max_messages=1
    )

    def is_quorum(self, i: Server, members: Set[Server]) -> bool:
        """Half of the servers will do."""
        return 2 * len(members) >= len(Server)


class StubbornLeader(Raft):
    """A leader that learns of a newer term takes it over, but goes on leading (hashicorp/raft).

    Breaks `election_safety`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=3, max_log=0, max_messages=1
    )

    def update_term(self, m: Message) -> None:
        """The receiver takes over the newer term, and only if it does not lead becomes a follower."""
        require(m in self.messages)
        require(m.term > self.current_term[m.dest])
        self.current_term[m.dest] = m.term
        if self.role[m.dest] != Role.LEADER:
            self.role[m.dest] = Role.FOLLOWER
        self.voted_for[m.dest] = None


# Log and commit


class CountedOldEntries(Quiet):
    """A leader commits entries of earlier terms by counting servers that have them (Figure 8; PySyncObj, LogCabin).

    Breaks `leader_completeness`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=3, max_term=5, max_log=1, max_messages=1
    )

    def may_commit(self, i: Server, index: int) -> bool:
        """Of whatever term it is."""
        return True


class CommitGoesBack(Raft):
    """A follower that gets an old message goes back to what was committed then (PySyncObj).

    The published specification does this as it stands, so that only the claim is added here; the paper's Figure 2 does not.
    Breaks `commit_index_only_rises`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=2, max_log=1, max_messages=2
    )

    @step_invariant
    def commit_index_only_rises(self, old: Self) -> bool:
        """No message makes a server go back; a restart, which makes it begin anew, is not one."""
        return old.messages == self.messages or all(
            old.commit_index[i] <= self.commit_index[i] for i in Server
        )


class TruncatingAppend(Raft):
    """A follower's log ends where the message ends, be it an old or an empty one (RaftOS, PySyncObj).

    Breaks `committed_is_on_a_majority`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=2, max_log=1, max_messages=2
    )

    def accept_entries(self, m: AppendEntries) -> None:
        """The receiver has it all, and what it has beyond must go."""
        require(m in self.messages)
        i = m.dest
        end = m.prev_log_index + len(m.entries)
        require(self.is_follower_of(i, m) and self.fits(i, m) and not self.conflicts(i, m))
        require(len(self.log[i]) >= end)
        if len(self.log[i]) > end:
            self.log[i].pop()
        self.commit_index[i] = self.follow_commit(i, m)
        self.reply(m, AppendEntriesResponse(i, m.source, self.current_term[i], True, end))


class KeptConflict(Quiet):
    """A follower keeps its conflicting entries, and says that it has the leader's (mofa).

    Breaks `state_machine_safety`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=3, max_term=3, max_log=1, max_messages=1
    )

    def conflicts(self, i: Server, m: AppendEntries) -> bool:
        """Nobody has looked."""
        return False


class CountedRejections(Raft):
    """A rejection says up to where the leader wanted to come, and the leader takes that for an agreement (CCF).

    Breaks `committed_is_on_a_majority`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=3, max_log=2, max_messages=1
    )

    def reject_entries(self, m: AppendEntries) -> None:
        """The receiver rejects the entries, and tells which."""
        require(m in self.messages)
        i = m.dest
        require(m.term < self.current_term[i] or (self.is_follower_of(i, m) and not self.fits(i, m)))
        end = m.prev_log_index + len(m.entries)
        self.reply(m, AppendEntriesResponse(i, m.source, self.current_term[i], False, end))

    def handle_append_response(self, m: AppendEntriesResponse) -> None:
        """The leader notes what the answer says, be it yes or no."""
        require(m in self.messages)
        i, j = m.dest, m.source
        require(m.term == self.current_term[i])
        self.match_index[i][j] = m.match_index
        self.next_index[i][j] = m.match_index + 1 if m.success else max(self.next_index[i][j] - 1, 1)
        self.messages.remove(m)


class MatchGoesBack(Raft):
    """A leader that gets an old answer forgets what it knew since to be replicated (PySyncObj, RaftOS, WRaft).

    The published specification does this as it stands, so that only the claim is added here.
    Breaks `match_index_only_rises`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=2, max_log=1, max_messages=2
    )

    @step_invariant
    def match_index_only_rises(self, old: Self) -> bool:
        """As long as a server leads, it never takes back what it knows of another's log."""
        return all(
            old.match_index[i][j] <= self.match_index[i][j]
            for i in Server
            for j in Server
            if old.role[i] == Role.LEADER and self.role[i] == Role.LEADER
        )


class NextBehindMatch(Raft):
    """A leader that gets an old rejection goes back to entries that it knows to be replicated (WRaft).

    The published specification does this as it stands, so that only the claim is added here.
    Breaks `next_is_beyond_match`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=3, max_log=1, max_messages=2, max_copies=2
    )

    @invariant
    def next_is_beyond_match(self) -> bool:
        """A leader sends nothing that it knows to be there."""
        return all(
            self.match_index[i][j] < self.next_index[i][j]
            for i in Server
            for j in Server
            if self.role[i] == Role.LEADER
        )


class RepeatedAppend(Raft):
    """A follower appends the entries that come for the beginning of its log without looking whether it has them (WRaft).

    Breaks `log_matching`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, Value=2, max_term=2, max_log=2, max_messages=1
    )

    def append_new_entries(self, m: AppendEntries) -> None:
        """What comes after nothing must be new."""
        require(m in self.messages)
        i = m.dest
        require(self.is_follower_of(i, m) and self.fits(i, m) and not self.conflicts(i, m))
        require(len(self.log[i]) < m.prev_log_index + len(m.entries) or m.prev_log_index == 0)
        self.log[i].extend(
            m.entries if m.prev_log_index == 0 else m.entries[len(self.log[i]) - m.prev_log_index :]
        )


class LostEntry(Raft):
    """A server says that it has an entry before it is on disk; a crash loses it (a cousin of ZooKeeper's NEWLEADER).

    Breaks `committed_is_on_a_majority`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=2, max_log=1, max_messages=1
    )

    @action
    def crash_before_sync(self, i: Server) -> None:
        """Server i comes back without the last entry of its log."""
        require(len(self.log[i]) > 0)
        super().restart(i)
        self.log[i].pop()
