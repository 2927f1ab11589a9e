"""Raft as built: what implementations add to the published protocol, each of it to be switched on.

`pre_vote`     a server asks whether it could win before it begins a term (Ongaro's dissertation, section 9.6)
`sessions`     servers apply what is committed, and a command that a client has repeated only once (section 6.3)
`read_index`   a leader answers reads without the log, once it has made sure that it still leads (section 6.4)
`max_entries`  of `Raft`: several entries in a message

All are off by default, and then this is `Raft`, state by state. What is added has messages and variables of its own, and
leaves those of Figure 2 as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.models.language import (
    AtMost,
    Bag,
    Map,
    Param,
    Range,
    Seq,
    Set,
    action,
    constraint,
    invariant,
    record,
    require,
    step_invariant,
)
from ratified.models.raft.raft import Raft
from ratified.models.raft.sorts import Index, Message, Role, Server, Term, Value, last_term, term_at

Number = Annotated[int, Range(0, "max_reads")]


@record
class PreVote:
    """A server asks whether the receiver would vote for it in a term that it would begin."""

    source: Server
    dest: Server
    term: Term
    last_log_index: Index
    last_log_term: Term


@record
class PreVoteResponse:
    """The receiver would."""

    source: Server
    dest: Server
    term: Term


@record
class Confirm:
    """A leader with a read to answer asks whether it leads."""

    source: Server
    dest: Server
    term: Term
    number: Number


@record
class Confirmed:
    """As far as the sender knows, it does."""

    source: Server
    dest: Server
    term: Term
    number: Number


@record
class Read:
    """A read that a leader has to answer."""

    index: Index  # what the leader knew to be committed when it was asked: what the answer will show
    due: Index  # what anybody knew to be committed then: what the answer must show
    confirmed: Set[Server]  # who has confirmed since that it leads


class RaftAsBuilt(Raft):
    """Raft with what implementations add."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {
            "Server": 2,
            "Value": 1,
            "max_messages": 1,
            "sessions": True,
            "read_index": True,
        },
        "standard": {
            "Server": 2,
            "Value": 1,
            "max_messages": 1,
            "pre_vote": True,
            "sessions": True,
            "read_index": True,
        },
        "large": {
            "Server": 2,
            "Value": 1,
            "max_log": 2,
            "max_messages": 1,
            "pre_vote": True,
            "sessions": True,
            "read_index": True,
        },
    }

    pre_vote: Param[bool] = False
    sessions: Param[bool] = False
    read_index: Param[bool] = False
    max_reads: Param[int] = 1  # of a server, between restarts

    pre_votes: Map[Server, Set[Server]]  # who would vote for a server, if it began a term
    applied: Map[
        Server, Annotated[Seq[Value], AtMost("max_log + 1")]
    ]  # what a server's state machine has executed
    last_applied: Map[Server, Index]  # up to where in the log
    read: Map[Server, Read | None]
    reads: Map[Server, Number]  # how many there have been, which tells their confirmations apart
    side: Annotated[
        Bag[PreVote | PreVoteResponse | Confirm | Confirmed], AtMost(2)
    ]  # messages of what is added

    @constraint
    def one_message_aside(self) -> bool:
        """What is explored: of the messages that are added, one is in flight at a time."""
        return len(self.side) <= 1

    @action
    def restart(self, i: Server) -> None:
        """What is added is volatile: the state machine executes the log from its beginning."""
        super().restart(i)
        self.pre_votes[i].clear()
        self.applied[i].clear()
        self.last_applied[i] = 0
        self.read[i] = None
        self.reads[i] = 0

    # Pre-vote (dissertation, section 9.6)

    @action
    def timeout(self, i: Server) -> None:
        """A term is begun only where a majority would vote for it."""
        require(not self.pre_vote or self.is_quorum(i, self.pre_votes[i]))
        super().timeout(i)
        self.pre_votes[i].clear()

    @action
    def update_term(self, m: Message) -> None:
        """What was asked about the term before is of no use in a newer one; nor is a read, if the leader is none any more."""
        require(m in self.messages)
        require(m.term > self.current_term[m.dest])
        self.pre_votes[m.dest].clear()
        self.read[m.dest] = None
        super().update_term(m)

    @action
    def request_pre_vote(self, i: Server, j: Server) -> None:
        """Server i, which has not heard of a leader for long, asks server j, maybe itself."""
        require(self.pre_vote and self.role[i] != Role.LEADER)
        require(j not in self.pre_votes[i])
        log = self.log[i]
        self.side.add(PreVote(i, j, self.current_term[i] + 1, len(log), last_term(log)))

    @action
    def handle_pre_vote(self, m: PreVote) -> None:
        """The receiver answers if it would vote; it changes nothing of its own."""
        require(m in self.side)
        i, j, term = m.dest, m.source, m.term
        granted = self.consents(i, m)
        self.side.remove(m)
        if granted:
            self.side.add(PreVoteResponse(i, j, term))

    def consents(self, i: Server, m: PreVote) -> bool:
        """The term would be new to server i, which does not lead, and would lose nothing by the candidate."""
        mine = last_term(self.log[i])
        return (
            m.term > self.current_term[i]
            and self.role[i] != Role.LEADER
            and (m.last_log_term, m.last_log_index) >= (mine, len(self.log[i]))
        )

    @action
    def handle_pre_vote_response(self, m: PreVoteResponse) -> None:
        """The receiver counts it, if it is about the term that it would begin."""
        require(m in self.side)
        if m.term == self.current_term[m.dest] + 1:
            self.pre_votes[m.dest].add(m.source)
        self.side.remove(m)

    # Client sessions (dissertation, section 6.3)

    @action
    def apply(self, i: Server) -> None:
        """Server i executes the next entry that is committed, unless it has: a client that got no answer asks again."""
        require(self.sessions and self.last_applied[i] < self.commit_index[i])
        self.last_applied[i] += 1
        value = self.log[i][self.last_applied[i] - 1].value
        if not self.is_repeated(i, value):
            self.applied[i].append(value)

    def is_repeated(self, i: Server, v: Value) -> bool:
        """The session, which is part of the state machine, knows the command."""
        return v in self.applied[i]

    # Reads (dissertation, section 6.4)

    @action
    def begin_read(self, i: Server) -> None:
        """Leader i, which has committed an entry of its term and so knows what is committed, is asked for its state."""
        require(self.read_index and self.role[i] == Role.LEADER and self.read[i] is None)
        require(self.reads[i] < self.max_reads)
        self.reads[i] += 1
        known = self.commit_index[i]
        require(known > 0 and term_at(self.log[i], known) == self.current_term[i])
        self.read[i] = Read(known, max(self.commit_index[j] for j in Server), Set([i]))

    @action
    def confirm(self, i: Server, j: Server) -> None:
        """Leader i asks server j whether it leads, on behalf of a read."""
        require(i != j and self.role[i] == Role.LEADER and self.read[i] is not None)
        self.side.add(Confirm(i, j, self.current_term[i], self.reads[i]))

    @action
    def handle_confirm(self, m: Confirm) -> None:
        """The receiver answers if it knows of no newer term."""
        require(m in self.side)
        i = m.dest
        answer = Confirmed(i, m.source, m.term, m.number)
        agrees = m.term == self.current_term[i]
        self.side.remove(m)
        if agrees:
            self.side.add(answer)

    @action
    def handle_confirmed(self, m: Confirmed) -> None:
        """The leader counts it towards its read, and drops it if there is none."""
        require(m in self.side)
        i = m.dest
        read = self.read[i]
        if read is not None and m.term == self.current_term[i] and m.number == self.reads[i]:
            self.read[i] = Read(read.index, read.due, read.confirmed | Set([m.source]))
        self.side.remove(m)

    def may_answer(self, i: Server, read: Read) -> bool:
        """A majority has confirmed, since the read began, that i leads."""
        return self.is_quorum(i, read.confirmed)

    @action
    def answer_read(self, i: Server) -> None:
        """Leader i answers."""
        read = self.read[i]
        require(read is not None and self.may_answer(i, read))
        self.read[i] = None

    @action
    def drop_aside(self, m: PreVote | PreVoteResponse | Confirm | Confirmed) -> None:
        """The network loses one of the messages that are added."""
        require(m in self.side)
        self.side.remove(m)

    # What it guarantees

    @step_invariant
    def asking_changes_no_term(self, old: Self) -> bool:
        """A pre-vote disturbs nobody: who is asked keeps its term, its vote and its role."""
        return old.side == self.side or (
            old.current_term == self.current_term
            and old.voted_for == self.voted_for
            and old.role == self.role
        )

    @step_invariant
    def no_leader_consents(self, old: Self) -> bool:
        """Who leads does not help to begin another term."""
        return all(
            m in old.side or old.role[m.source] != Role.LEADER
            for m in self.side
            if isinstance(m, PreVoteResponse)
        )

    @invariant
    def applied_at_most_once(self) -> bool:
        """No command has been executed twice, however often clients have repeated it."""
        return all(self.applied[i].count(v) <= 1 for i in Server for v in Value)

    @invariant
    def reads_are_linearizable(self, i: Server) -> bool:
        """A read that may be answered shows all that was known to be committed when it began."""
        read = self.read[i]
        return read is None or not self.may_answer(i, read) or read.index >= read.due
