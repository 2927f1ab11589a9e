"""Raft with a memory: what it has been, kept beside what it is, so that it can be held to the abstract one.

The protocol is that of `raft`, step by step: the variables that are added are only written, never read by it. They are the
history variables of Ongaro's specification, kept by term. What Figure 3 says of all time can be said here: a term has one leader
for ever, also when it has crashed since, and what was ever committed is in the logs of all later leaders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from ratified.language import Map, action, refines, require, step_invariant
from ratified.models.raft.abstract import AbstractRaft
from ratified.models.raft.raft import Raft
from ratified.models.raft.sorts import AppendEntries, Index, Log, RequestVote, Role, Server, Term, Value


class RaftWithHistory(Raft):
    """Raft that remembers votes, leaders, their logs, and who has held them."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Server": 2, "Value": 1, "max_term": 2, "max_log": 1, "max_messages": 1},
        "standard": {"Server": 3, "Value": 1, "max_term": 3, "max_log": 1, "max_messages": 2, "calm": True},
        "large": {"Server": 3, "Value": 1, "max_term": 3, "max_log": 2, "max_messages": 2, "calm": True},
    }

    votes: Map[Term, Map[Server, Server | None]]
    leader: Map[Term, Server | None]
    leader_log: Map[Term, Log]
    held: Map[Term, Map[Server, Index]]

    @action
    def handle_request_vote(self, m: RequestVote) -> None:
        """The vote, if it is one, is remembered."""
        require(m in self.messages)
        if m.term == self.current_term[m.dest] and self.grants(m.dest, m):
            self.votes[m.term][m.dest] = m.source
        super().handle_request_vote(m)

    @action
    def become_leader(self, i: Server) -> None:
        """The leader is remembered, with the log that it begins with."""
        super().become_leader(i)
        self.leader[self.current_term[i]] = i
        self.leader_log[self.current_term[i]] = self.log[i]

    @action
    def client_request(self, i: Server, v: Value) -> None:
        """So is what is added to it."""
        super().client_request(i, v)
        self.leader_log[self.current_term[i]] = self.log[i]

    @action
    def accept_entries(self, m: AppendEntries) -> None:
        """And up to where the receiver has held it."""
        require(m in self.messages)
        require(self.is_follower_of(m.dest, m))
        end = m.prev_log_index + len(m.entries)
        self.held[m.term][m.dest] = max(self.held[m.term][m.dest], end)
        super().accept_entries(m)

    @step_invariant
    def one_leader_in_a_term(self, old: Self) -> bool:
        """At most one leader can be elected in a given term, whatever has become of it (section 5.2)."""
        return all(
            old.leader[t] is None or old.leader[t] == self.leader[t] for t in range(1, self.max_term + 1)
        )

    @refines(AbstractRaft)
    def as_abstract(self, abstract: AbstractRaft) -> None:
        """The messages are left out."""
        abstract.current_term = self.current_term
        abstract.candidate = Map({i: self.role[i] != Role.FOLLOWER for i in Server})
        abstract.log = self.log
        abstract.votes = self.votes
        abstract.leader = self.leader
        abstract.leader_log = self.leader_log
        abstract.held = self.held
