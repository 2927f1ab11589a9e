"""Raft's clients as built: commands that are repeated, and reads that do not go through the log.

`no_op`       the command that does nothing, which a new leader puts into its log at once: what is committed in earlier terms is
              known to be committed with it (Ongaro's dissertation, 2014, section 6.4; paper, section 8)
`sessions`    servers apply what is committed, and a command that a client has repeated only once (section 6.3)
`read_index`  a leader answers reads without the log, once it has made sure that it still leads (section 6.4)

All are off by default, and then this is `Raft`, state by state. A read, which need not be, is an incident (`incidents`), counted
where a check bounds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from ratified.language import (
    AtMost,
    Bag,
    Map,
    Param,
    Range,
    Seq,
    Set,
    action,
    assume,
    constraint,
    invariant,
    record,
    require,
)
from ratified.models.raft.incidents import FewIncidents
from ratified.models.raft.sorts import Entry, Index, Role, Server, Term, Value, last_term, term_at

Number = Annotated[int, Range(0, "max_reads")]


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


ALL_ON: Mapping[str, object] = {"no_op": "v1", "sessions": True, "read_index": True}
FEW: Mapping[str, object] = {"max_term": 3, "max_log": 2, "max_messages": 1, "calm": True}


class RaftClients(FewIncidents):
    """Raft with a no-op at the start of a term, client sessions and reads."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Server": 2, "Value": 1, "max_messages": 1, "sessions": True, "read_index": True},
        "standard": {"Server": 3, "Value": 2, **FEW, "max_incidents": 1, **ALL_ON},
        "large": {"Server": 3, "Value": 2, **FEW, "max_incidents": 2, **ALL_ON},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    no_op: Param[Value | None] = None
    sessions: Param[bool] = False
    read_index: Param[bool] = False
    max_reads: Param[int] = 1  # of a server, between restarts

    applied: Map[Server, Annotated[Seq[Value], AtMost("max_log + 1")]]  # what a state machine has executed
    last_applied: Map[Server, Index]  # up to where in the log
    read: Map[Server, Read | None]
    reads: Map[Server, Number]  # how many there have been, which tells their confirmations apart
    confirmations: Annotated[Bag[Confirm | Confirmed], AtMost(2)]  # in flight

    @assume
    def clients_have_commands(self) -> bool:
        """The no-op is nobody's command: with `no_op`, there must be another value for clients to ask for.

        Write Value=2 or more, or leave `no_op` out.
        """
        return self.no_op is None or len(Value) > 1

    @assume
    def there_are_reads(self) -> bool:
        """With `read_index`, there must be room for a read.

        Give `max_reads` at least 1.
        """
        return not self.read_index or self.max_reads >= 1

    @constraint
    def one_confirmation(self) -> bool:
        """What is explored: of the messages that are added, one is in flight at a time."""
        return len(self.confirmations) <= 1

    @constraint
    def few_confirmations_in_calm(self) -> bool:
        """In calm, they count with the others."""
        return not self.calm or len(self.messages) + len(self.confirmations) <= self.max_messages

    @action
    def restart(self, i: Server) -> None:
        """What is added is volatile: the state machine executes the log from its beginning."""
        self.applied[i].clear()
        self.last_applied[i] = 0
        self.read[i] = None
        self.reads[i] = 0
        super().restart(i)

    def step_down(self, i: Server, t: int) -> None:
        """Who does not lead any more has no reads to answer."""
        self.read[i] = None
        super().step_down(i, t)

    # No-op (section 6.4)

    @action
    def become_leader(self, i: Server) -> None:
        """The new leader puts an entry of its term into its log, without waiting for clients."""
        no_op = self.no_op
        super().become_leader(i)
        if no_op is not None:
            self.log[i].append(Entry(self.current_term[i], no_op))

    @action
    def client_request(self, i: Server, v: Value) -> None:
        """Clients ask for anything else."""
        require(v != self.no_op)
        super().client_request(i, v)

    # Client sessions (section 6.3)

    @action
    def apply(self, i: Server) -> None:
        """Server i executes the next entry that is committed, unless it has: a client that got no answer asks again."""
        require(self.sessions and self.last_applied[i] < self.commit_index[i])
        self.last_applied[i] += 1
        value = self.log[i][self.last_applied[i] - 1].value
        if value != self.no_op and not self.is_repeated(i, value):
            self.applied[i].append(value)

    def is_repeated(self, i: Server, v: Value) -> bool:
        """The session, which is part of the state machine, knows the command."""
        return v in self.applied[i]

    # Reads (section 6.4)

    @action
    def advance_commit_index(self, i: Server) -> None:
        """What leader i knows to be committed it does not forget with an old answer: reads rest on it (Figure 2)."""
        known = self.commit_index[i]
        super().advance_commit_index(i)
        require(not self.read_index or known <= self.commit_index[i])

    @action
    def begin_read(self, i: Server) -> None:
        """Leader i, which has committed an entry of its term and so knows what is committed, is asked for its state."""
        require(self.read_index and self.role[i] == Role.LEADER and self.read[i] is None)
        require(self.reads[i] < self.max_reads)
        known = self.commit_index[i]
        require(known > 0 and term_at(self.log[i], known) == self.current_term[i])
        self.reads[i] += 1
        self.read[i] = Read(known, max(self.commit_index[j] for j in Server), Set([i]))
        self.incident()

    @action
    def confirm(self, i: Server, j: Server) -> None:
        """Leader i asks server j whether it leads, on behalf of a read."""
        require(i != j and self.role[i] == Role.LEADER and self.read[i] is not None)
        self.confirmations.add(Confirm(i, j, self.current_term[i], self.reads[i]))

    @action
    def handle_confirm(self, m: Confirm) -> None:
        """The receiver answers if it knows of no newer term."""
        require(m in self.confirmations)
        i = m.dest
        answer = Confirmed(i, m.source, m.term, m.number)
        agrees = m.term == self.current_term[i]
        self.confirmations.remove(m)
        if agrees:
            self.confirmations.add(answer)

    @action
    def handle_confirmed(self, m: Confirmed) -> None:
        """The leader counts it towards its read, and drops it if there is none."""
        require(m in self.confirmations)
        i = m.dest
        read = self.read[i]
        if read is not None and m.term == self.current_term[i] and m.number == self.reads[i]:
            self.read[i] = Read(read.index, read.due, read.confirmed | Set([m.source]))
        self.confirmations.remove(m)

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
    def drop_confirmation(self, m: Confirm | Confirmed) -> None:
        """The network loses one of the messages that are added."""
        require(m in self.confirmations)
        self.confirmations.remove(m)

    # What it guarantees

    @invariant
    def leader_has_an_entry_of_its_term(self) -> bool:
        """With a no-op, every leader has an entry that it can commit."""
        return self.no_op is None or all(
            last_term(self.log[i]) == self.current_term[i] for i in Server if self.role[i] == Role.LEADER
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
