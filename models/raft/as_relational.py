"""Raft as published, with what it has been, so that its steps can be held to those of the relational Raft, which is proved.

The protocol is that of `raft`; the variables that are added are only written. The explorer checks the refinement at small
sizes, with an entry at most in a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ratified.language import Map, Set, action, assume, refines, require
from ratified.models.raft import relational as rel
from ratified.models.raft.raft import Raft
from ratified.models.raft.relational import (
    Committed,
    Held,
    Index,
    Last,
    Leader,
    RelationalRaft,
    Slot,
    Term,
    Vote,
)
from ratified.models.raft.sorts import (
    AppendEntries,
    AppendEntriesResponse,
    Log,
    Message,
    RequestVote,
    RequestVoteResponse,
    Server,
    Value,
)

Seen = rel.RequestVote | rel.RequestVoteResponse | rel.AppendEntries | rel.AppendEntriesResponse


class RaftAsRelational(Raft):
    """Raft that remembers votes, leaders, their logs, what was held of them and what was committed."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        name: {
            "Server": 2,
            "Value": 1,
            "Term": 4,
            "Index": 3,
            "max_term": 2,
            "max_log": 1,
            "max_messages": 1,
        }
        for name in ("small", "standard", "large")
    }

    votes: Set[Vote]
    leaders: Set[Leader]
    leader_log: Map[Term, Set[Slot]]
    leader_length: Map[Term, Index]
    held: Set[Held]
    commits: Set[Committed]

    @assume
    def one_entry_a_message(self) -> bool:
        """The relational Raft sends an entry at a time."""
        return self.max_entries == 1

    def entries(self, log: Log) -> Set[Slot]:
        """A log as a set of entries in their places."""
        return Set(Slot(Index(n), Term(log[n - 1].term), log[n - 1].value) for n in range(1, len(log) + 1))

    @action
    def handle_request_vote(self, m: RequestVote) -> None:
        """The vote, if it is one, is remembered."""
        require(m in self.messages)
        if m.term == self.current_term[m.dest] and self.grants(m.dest, m):
            self.votes.add(Vote(Term(m.term), m.dest, m.source))
        super().handle_request_vote(m)

    @action
    def become_leader(self, i: Server) -> None:
        """The leader is remembered, with the log that it begins with."""
        super().become_leader(i)
        t = Term(self.current_term[i])
        self.leaders.add(Leader(t, i))
        self.leads_with(i)

    def leads_with(self, i: Server) -> None:
        """What the leader has now is the log of its term, and it holds that."""
        t = Term(self.current_term[i])
        self.leader_log[t] = self.entries(self.log[i])
        self.leader_length[t] = Index(len(self.log[i]))
        self.held.add(Held(t, i, Index(len(self.log[i]))))

    @action
    def client_request(self, i: Server, v: Value) -> None:
        """So is what is added to it."""
        super().client_request(i, v)
        self.leads_with(i)

    @action
    def accept_entries(self, m: AppendEntries) -> None:
        """And up to where the receiver has held it."""
        require(m in self.messages)
        require(self.is_follower_of(m.dest, m))
        self.held.add(Held(Term(m.term), m.dest, Index(m.prev_log_index + len(m.entries))))
        super().accept_entries(m)

    @action
    def advance_commit_index(self, i: Server) -> None:
        """And what was committed."""
        agreed = max((n for n in range(1, len(self.log[i]) + 1) if self.is_agreed(i, n)), default=0)
        if agreed > 0 and self.may_commit(i, agreed):
            self.commits.add(Committed(Term(self.current_term[i]), Index(agreed)))
        super().advance_commit_index(i)

    def at(self, index: int, term: int) -> Last | None:
        """Where an entry is, if one is meant."""
        return Last(Index(index), Term(term)) if index > 0 else None

    def placed(self, m: AppendEntries) -> Slot | None:
        """The entry in a message."""
        if len(m.entries) == 0:
            return None
        return Slot(Index(m.prev_log_index + 1), Term(m.entries[0].term), m.entries[0].value)

    def seen(self, m: Message) -> Seen:
        """A message as the relational Raft has it."""
        match m:
            case RequestVote(source, dest, term, index, last):
                return rel.RequestVote(source, dest, Term(term), self.at(index, last))
            case RequestVoteResponse(source, dest, term, granted):
                return rel.RequestVoteResponse(source, dest, Term(term), granted)
            case AppendEntriesResponse(source, dest, term, success, index):
                return rel.AppendEntriesResponse(source, dest, Term(term), success, Index(index))
            case AppendEntries(source, dest, term, prev, last, entries, commit):
                return rel.AppendEntries(
                    source,
                    dest,
                    Term(term),
                    self.at(prev, last),
                    self.placed(m),
                    Index(prev + len(entries)),
                    Index(commit),
                )

    @refines(RelationalRaft)
    def as_relational(self, raft: RelationalRaft) -> None:
        """Logs become relations; indices to be sent, and who has answered, are left out."""
        raft.current_term = Map({i: Term(self.current_term[i]) for i in Server})
        raft.role = self.role
        raft.log = Map({i: self.entries(self.log[i]) for i in Server})
        raft.length = Map({i: Index(len(self.log[i])) for i in Server})
        raft.commit_index = Map({i: Index(self.commit_index[i]) for i in Server})
        raft.votes_granted = self.votes_granted
        raft.match_index = Map({i: Map({j: Index(self.match_index[i][j]) for j in Server}) for i in Server})
        raft.messages = Set(self.seen(m) for m in self.messages.distinct())
        raft.votes = self.votes
        raft.leaders = self.leaders
        raft.leader_log = self.leader_log
        raft.leader_length = self.leader_length
        raft.held = self.held
        raft.committed = self.commits
