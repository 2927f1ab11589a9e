"""Raft as built with one thing wrong: an extension without one of its rules, as somebody's Raft had it.

In the way of `broken`, and as there found in a quiet hour where the story is long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ratified.language import Set, require
from ratified.models.raft.broken import Quiet, only
from ratified.models.raft.clients import RaftClients, Read
from ratified.models.raft.compaction import RaftCompaction
from ratified.models.raft.elections import PreVote, RaftElections
from ratified.models.raft.membership import RaftMembership
from ratified.models.raft.sorts import AppendEntries, Log, Message, Role, Server, Value, last_term

# Elections


class ConsentingLeader(RaftElections):
    """A leader consents to being replaced, so that one server that hears badly disturbs a cluster that works (DaosRaft).

    Breaks `no_leader_consents`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=2, max_log=0, max_messages=1, pre_vote=True
    )

    def consents(self, i: Server, m: PreVote) -> bool:
        """The term would be new to server i, which would lose nothing by the candidate."""
        mine = last_term(self.log[i])
        return m.term > self.current_term[i] and (
            (m.last_log_term, m.last_log_index) >= (mine, len(self.log[i]))
        )


class CostlyPreVote(RaftElections):
    """A server that is asked for a pre-vote takes over the term that it is asked about (DaosRaft).

    Breaks `asking_changes_no_term`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=2, max_log=0, max_messages=1, pre_vote=True
    )

    def handle_pre_vote(self, m: PreVote) -> None:
        """The receiver answers as ever, but takes the question for news of that term."""
        require(m in self.side)
        super().handle_pre_vote(m)
        if m.term > self.current_term[m.dest]:
            self.step_down(m.dest, m.term)


class DisturbedFollower(RaftElections):
    """A server that hears its leader gives in to a candidate that does not, and the leader has to go.

    Breaks `no_follower_is_disturbed`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=3, max_log=0, max_messages=1, calm=True, check_quorum=True
    )

    def disregards(self, i: Server, m: Message) -> bool:
        """Who asks may be right."""
        return False


class HastyTransfer(RaftElections):
    """A leader hands over to a server that lacks a part of its log, so that nobody may be elected for a while.

    Breaks `transferee_is_caught_up`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=2, max_log=1, max_messages=1, transfer=True
    )

    def is_caught_up(self, i: Server, j: Server) -> bool:
        """It will be all right."""
        return True


# Clients


class UnconfirmedRead(Quiet, RaftClients):
    """A leader answers reads without asking whether it still leads (etcd, RedisRaft).

    Breaks `reads_are_linearizable`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=3, max_term=3, max_log=2, max_messages=1, max_entries=2, read_index=True
    )

    def may_answer(self, i: Server, read: Read) -> bool:
        """At once."""
        return True


class RepeatedCommand(RaftClients):
    """A command that a client has repeated is executed once more.

    Breaks `applied_at_most_once`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=2, max_term=2, max_log=2, max_messages=1, sessions=True
    )

    def is_repeated(self, i: Server, v: Value) -> bool:
        """Nobody remembers."""
        return False


# Snapshots


class AppendForSnapshot(Quiet, RaftCompaction):
    """A leader that has no longer what comes next sends an append with nothing in it, and how far it has committed (WRaft).

    The receiver, whose log is not the leader's, takes that for its own log. Breaks `state_machine_safety`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=3, max_term=3, max_log=1, max_messages=1, compaction=True
    )

    def append_entries(self, i: Server, j: Server) -> None:
        """What is no longer there is not sent, and its term not known."""
        prev = self.next_index[i][j] - 1
        if not self.needs_snapshot(i, j):
            super().append_entries(i, j)
        else:
            require(self.role[i] == Role.LEADER and i != j)
            nothing = self.log[i][:0]
            self.messages.add(
                AppendEntries(i, j, self.current_term[i], prev, 0, nothing, self.commit_index[i])
            )

    def follow_commit(self, i: Server, m: AppendEntries) -> int:
        """What the leader says, as far as there is a log."""
        return min(m.leader_commit, len(self.log[i]))


class SnapshotLowersTerm(Quiet, RaftCompaction):
    """A server that loads a snapshot takes the term of its last entry for its own (WRaft).

    It has voted since, and votes again. Breaks `election_safety`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=3, max_term=3, max_log=1, max_messages=1, compaction=True
    )

    def load(self, i: Server, state: Log) -> None:
        """The snapshot is all there is."""
        super().load(i, state)
        if last_term(state) < self.current_term[i]:
            self.step_down(i, last_term(state))


# Membership


class HastyChange(Quiet, RaftMembership):
    """A leader changes the configuration before it has committed an entry of its term (the dissertation before 2015).

    Of a change that a leader before it has begun it knows nothing. Breaks `no_disjoint_majorities`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=4, Value=2, max_term=3, max_log=1, max_messages=1, single_server=True
    )

    def may_change(self, i: Server) -> bool:
        """Leader i knows of no change that is not committed."""
        return self.configuration_index(i) <= self.commit_index[i]


class UnionMajority(Quiet, RaftMembership):
    """With joint configurations, a majority of all their servers together is enough (CCF).

    Breaks `no_disjoint_majorities`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = only(
        Server=3, Value=2, max_term=2, max_log=2, max_messages=1, joint_consensus=True
    )

    def is_quorum(self, i: Server, members: Set[Server]) -> bool:
        """As server i sees it, these are a majority of the servers of its configuration."""
        c = self.configuration(i)
        return 2 * len(members & (c.old | c.new)) > len(c.old | c.new)
