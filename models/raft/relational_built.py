"""What implementations add to Raft, as far as it is proved for every size: reads, sessions, pre-votes and handing over.

Here they are added to the relational Raft, in variables of their own: the steps of that one are as they were. Of the messages
that are added only what arrives is kept, whose sender and term are all that matters: what a server asks for, it is asked at
any time.

As in the paper's Figure 2, and not as in the published specification, a leader's commit index only rises: or else it might
answer a read with less than it has told others to be committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from ratified.language import (
    Map,
    Set,
    Symmetric,
    action,
    first,
    invariant,
    record,
    require,
    step_invariant,
)
from ratified.models.raft.relational import (
    AppendEntries,
    Index,
    Last,
    RelationalRaft,
    RequestVote,
    Slot,
    Term,
)
from ratified.models.raft.sorts import Role, Server


class Request(Symmetric):
    """A client's reads; no two are the same."""


@record
class Reading:
    """A leader has a read to answer, and with what it will."""

    request: Request
    server: Server
    term: Term
    index: Index  # what the leader knew to be committed when it was asked


@record
class Confirmed:
    """A server has told, since a leader was asked for a read, that it is in the leader's term."""

    request: Request
    server: Server


@record
class Due:
    """What was committed when a read began: the answer must show it."""

    request: Request
    term: Term
    index: Index


class RelationalClients(RelationalRaft):
    """The relational Raft with reads that do not go through the log, and client sessions (dissertation, sections 6.3 and 6.4)."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        name: {"Server": 2, "Value": 1, "Term": 2, "Index": 2, "Request": 1}
        for name in ("small", "standard", "large")
    }

    asked: Set[Request]
    reading: Set[Reading]
    confirmed: Set[Confirmed]
    due: Set[Due]  # history
    last_applied: Map[Server, Index]
    executed: Map[Server, Set[Slot]]  # what a state machine has executed, and where in the log it was

    @action
    def restart(self, i: Server) -> None:
        """What is added is volatile."""
        super().restart(i)
        self.reading = Set(r for r in self.reading if r.server != i)
        self.last_applied[i] = first(Index)
        self.executed[i].clear()

    @action
    def advance_commit_index(self, i: Server, n: Index) -> None:
        """Leader i's commit index only rises (Figure 2)."""
        require(self.commit_index[i] <= n)
        super().advance_commit_index(i, n)

    # Reads (section 6.4)

    @action
    def begin_read(self, i: Server, r: Request) -> None:
        """Leader i, which has committed an entry of its term and so knows what is committed, is asked for its state."""
        require(self.role[i] == Role.LEADER and r not in self.asked)
        require(self.has(i, Last(self.commit_index[i], self.current_term[i])))
        self.asked.add(r)
        self.reading.add(Reading(r, i, self.current_term[i], self.commit_index[i]))
        self.confirmed.add(Confirmed(r, i))
        self.due.update(Set(Due(r, c.term, c.index) for c in self.committed))

    @action
    def confirm(self, j: Server, r: Reading) -> None:
        """Server j is asked whether the leader leads, and knows of no newer term."""
        require(r in self.reading)
        require(self.current_term[j] == r.term)
        self.confirmed.add(Confirmed(r.request, j))

    def may_answer(self, r: Reading) -> bool:
        """A majority has confirmed, since the read began, that the server leads."""
        return self.is_quorum(Set(j for j in Server if Confirmed(r.request, j) in self.confirmed))

    @action
    def answer_read(self, r: Reading) -> None:
        """The read is answered, or given up."""
        require(r in self.reading)
        self.reading.remove(r)

    # Client sessions (section 6.3)

    @action
    def apply(self, i: Server, x: Slot) -> None:
        """Server i executes the next entry that is committed, unless it has: a client that got no answer asks again."""
        require(x in self.log[i] and x.index == self.last_applied[i] + 1)
        require(x.index <= self.commit_index[i])
        self.last_applied[i] = x.index
        if not self.is_repeated(i, x):
            self.executed[i].add(x)

    def is_repeated(self, i: Server, x: Slot) -> bool:
        """The session, which is part of the state machine, knows the command."""
        return any(y.value == x.value for y in self.executed[i])

    # What it guarantees

    @invariant
    def reads_are_linearizable(self) -> bool:
        """A read that may be answered shows all that was committed when it began."""
        return all(
            d.index <= r.index and self.alike(self.leader_log[d.term], self.leader_log[r.term], d.index)
            for r in self.reading
            if self.may_answer(r)
            for d in self.due
            if d.request == r.request
        )

    @invariant
    def applied_at_most_once(self) -> bool:
        """No command has been executed twice, however often clients have repeated it."""
        return all(
            x == y for i in Server for x in self.executed[i] for y in self.executed[i] if x.value == y.value
        )

    @invariant
    def executions_agree(self) -> bool:
        """No two servers have executed different commands at an index."""
        return all(
            x == y
            for i in Server
            for x in self.executed[i]
            for j in Server
            for y in self.executed[j]
            if x.index == y.index
        )


@record
class PreVote:
    """A server asks whether it would be voted for in a newer term."""

    source: Server
    dest: Server
    term: Term
    last: Last | None  # of its log, if there is anything in it


@record
class PreVoteResponse:
    """It would."""

    source: Server
    dest: Server
    term: Term


@record
class TimeoutNow:
    """A leader tells a server to take over."""

    source: Server
    dest: Server
    term: Term


class RelationalElections(RelationalRaft):
    """The relational Raft with pre-votes, followers that stick to their leader, and handing over (sections 9.6, 4.2.3, 3.10)."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        name: {"Server": 2, "Value": 1, "Term": 2, "Index": 2} for name in ("small", "standard", "large")
    }

    hears: Map[Server, bool]  # has heard from its leader of late
    side: Set[PreVote | PreVoteResponse]
    orders: Set[TimeoutNow]

    @action
    def restart(self, i: Server) -> None:
        """What is added is volatile."""
        super().restart(i)
        self.hears[i] = False

    # Pre-vote (section 9.6)

    @action
    def request_pre_vote(self, i: Server, j: Server, t: Term, last: Last | None) -> None:
        """Server i, which has not heard of a leader for long, asks server j, maybe itself."""
        require(self.role[i] != Role.LEADER and not self.hears[i])
        require(self.current_term[i] < t and self.ends_with(i, last))
        self.side.add(PreVote(i, j, t, last))

    @action
    def handle_pre_vote(self, m: PreVote) -> None:
        """The receiver answers if it would vote; it changes nothing of its own."""
        require(m in self.side)
        granted = self.consents(m.dest, m)
        self.side.remove(m)
        if granted:
            self.side.add(PreVoteResponse(m.dest, m.source, m.term))

    def consents(self, i: Server, m: PreVote) -> bool:
        """The term would be new to server i, which knows of no leader and would lose nothing by the candidate."""
        return self.role[i] != Role.LEADER and not self.hears[i] and self.would_vote(i, m)

    def would_vote(self, i: Server, m: PreVote) -> bool:
        """The term is newer and the log is up to date."""
        return self.current_term[i] < m.term and self.up_to_date(
            RequestVote(m.source, m.dest, m.term, m.last), i
        )

    @action
    def timeout(self, i: Server, t: Term) -> None:
        """A term is begun only where a majority would vote for it, and nobody leads, as far as server i knows."""
        require(not self.hears[i])
        require(self.is_quorum(Set(j for j in Server if PreVoteResponse(j, i, t) in self.side)))
        super().timeout(i, t)

    @action
    def drop_aside(self, m: PreVote | PreVoteResponse) -> None:
        """The network loses a pre-vote."""
        require(m in self.side)
        self.side.remove(m)

    # Check-quorum (sections 6.2 and 4.2.3)

    @action
    def lose_patience(self, i: Server) -> None:
        """Follower i's election timeout ends: it has not heard from its leader since the last time."""
        self.hears[i] = False

    @action
    def update_term(self, i: Server, t: Term) -> None:
        """A newer term is taken over unless only a candidate speaks of it, to a server that has a leader or is it."""
        require(self.gives_in(i) or self.may_come_to(i, t))
        super().update_term(i, t)
        self.hears[i] = False

    def gives_in(self, i: Server) -> bool:
        """Server i does not know of a leader."""
        return self.role[i] != Role.LEADER and not self.hears[i]

    def may_come_to(self, i: Server, t: Term) -> bool:
        """Something but a candidate's wish to lead has come to server i of term t, or an order has."""
        return any(
            m.dest == i and m.term == t and not isinstance(m, RequestVote) for m in self.messages
        ) or any(m.dest == i and m.term == self.current_term[i] for m in self.orders)

    @action
    def accept_entries(self, m: AppendEntries, kept: bool) -> None:
        """Who accepts what its leader sends has heard from it."""
        super().accept_entries(m, kept)
        self.hears[m.dest] = True

    # Leadership transfer (section 3.10)

    @action
    def order_election(self, i: Server, j: Server) -> None:
        """Leader i tells j, which is to take over, to begin an election, as soon as it has the whole log."""
        require(self.role[i] == Role.LEADER and i != j and self.is_caught_up(i, j))
        self.orders.add(TimeoutNow(i, j, self.current_term[i]))

    def is_caught_up(self, i: Server, j: Server) -> bool:
        """Server j has, as leader i knows, all of its log."""
        return self.match_index[i][j] == self.length[i]

    @action
    def handle_timeout_now(self, m: TimeoutNow, t: Term) -> None:
        """The receiver begins an election without waiting, or asking first, if the order is of its term and it follows."""
        require(m in self.orders)
        require(m.term == self.current_term[m.dest] and self.role[m.dest] == Role.FOLLOWER)
        self.begin_election(m.dest, t)
        self.hears[m.dest] = False
        self.orders.remove(m)

    @action
    def drop_order(self, m: TimeoutNow) -> None:
        """The network loses an order, or the receiver has no use for it."""
        require(m in self.orders)
        self.orders.remove(m)

    # What it guarantees

    @step_invariant
    def asking_changes_no_term(self, old: Self) -> bool:
        """A pre-vote disturbs nobody: who is asked keeps its term, its votes and its role."""
        return old.side == self.side or (
            old.current_term == self.current_term and old.votes == self.votes and old.role == self.role
        )

    @step_invariant
    def no_leader_consents(self, old: Self) -> bool:
        """Who leads does not help to begin another term."""
        return all(
            m in old.side or old.role[m.source] != Role.LEADER
            for m in self.side
            if isinstance(m, PreVoteResponse)
        )

    @step_invariant
    def no_follower_is_disturbed(self, old: Self) -> bool:
        """A server that hears its leader comes to a newer term by more than a candidate's wish to lead."""
        return all(
            old.may_come_to(i, self.current_term[i])
            for i in Server
            if old.hears[i] and old.current_term[i] < self.current_term[i]
        )

    @step_invariant
    def transferee_is_caught_up(self, old: Self) -> bool:
        """Who is told to take over has all that the leader has, unless it is in a newer term and will not obey."""
        return all(
            m in old.orders
            or m.term < self.current_term[m.dest]
            or self.alike(self.log[m.dest], self.log[m.source], self.length[m.source])
            for m in self.orders
        )
