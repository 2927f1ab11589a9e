"""Raft's elections as built: what keeps a server that hears badly from disturbing the others, and hands leadership over.

`pre_vote`      a server asks whether it could win before it begins a term (Ongaro's dissertation, 2014, section 9.6)
`check_quorum`  a leader that has not heard from a majority for an election timeout steps down (section 6.2), and a server that
                has heard from its leader for less than that disregards requests for votes (section 4.2.3)
`transfer`      a leader hands over to a server that has all of its log, which begins an election at once (section 3.10)

All are off by default, and then this is `Raft`, state by state. Time is left out: an election timeout may end at any moment. What
need not happen is an incident (`incidents`), counted where a check bounds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    AtMost,
    Bag,
    Map,
    Param,
    Set,
    action,
    constraint,
    record,
    require,
    step_invariant,
)
from ratified.models.raft.incidents import FewIncidents
from ratified.models.raft.sorts import (
    AppendEntries,
    AppendEntriesResponse,
    Index,
    Message,
    RequestVote,
    Role,
    Server,
    Term,
    Value,
    last_term,
)


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
class TimeoutNow:
    """A leader tells the receiver to begin an election at once (section 3.10)."""

    source: Server
    dest: Server
    term: Term


ALL_ON: Mapping[str, object] = {"pre_vote": True, "check_quorum": True, "transfer": True}
FEW: Mapping[str, object] = {"max_term": 3, "max_log": 1, "max_messages": 1, "calm": True}


class RaftElections(FewIncidents):
    """Raft with pre-vote, check-quorum and leadership transfer."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Server": 2, "Value": 1, "max_messages": 1, "calm": True, **ALL_ON},
        "standard": {"Server": 3, "Value": 1, **FEW, "max_incidents": 2, **ALL_ON},
        "large": {"Server": 3, "Value": 1, **FEW, "max_incidents": 3, **ALL_ON},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    pre_vote: Param[bool] = False
    check_quorum: Param[bool] = False
    transfer: Param[bool] = False

    pre_votes: Map[Server, Set[Server]]  # who would vote for a server, if it began a term
    side: Annotated[Bag[PreVote | PreVoteResponse], AtMost(2)]  # pre-votes in flight

    heard_from: Map[Server, Set[Server]]  # who has answered a leader since its election timeout last ended
    hears: Map[Server, bool]  # a follower has heard from its leader since its own last ended

    transferee: Map[Server, Server | None]  # to whom a leader is handing over
    orders: Annotated[Bag[TimeoutNow], AtMost(2)]  # in flight
    by_order: Map[Server, Set[Term]]  # the terms that a server began by order: a flag in its requests

    def aside(self) -> int:
        """How many of the messages that are added are in flight."""
        return len(self.side) + len(self.orders)

    @constraint
    def one_message_aside(self) -> bool:
        """What is explored: of the messages that are added, one is in flight at a time."""
        return self.aside() <= 1

    @constraint
    def few_messages_in_calm(self) -> bool:
        """In calm, they count with the others."""
        return not self.calm or len(self.messages) + self.aside() <= self.max_messages

    @action
    def restart(self, i: Server) -> None:
        """What is added is volatile."""
        self.forget(i)
        super().restart(i)

    def step_down(self, i: Server, t: int) -> None:
        """What was asked, heard and planned in the term before is of no use in a newer one."""
        self.forget(i)
        super().step_down(i, t)

    def begin_election(self, i: Server) -> None:
        """Nor when a server begins that newer term itself."""
        self.forget(i)
        super().begin_election(i)

    def forget(self, i: Server) -> None:
        """Server i begins anew."""
        self.pre_votes[i].clear()
        self.heard_from[i].clear()
        self.hears[i] = False
        self.transferee[i] = None

    # Pre-vote (section 9.6)

    @action
    def timeout(self, i: Server) -> None:
        """A term is begun only where a majority would vote for it, and nobody leads, as far as server i knows."""
        require(not self.pre_vote or self.is_quorum(i, self.pre_votes[i]))
        require(not self.hears[i])
        super().timeout(i)

    @action
    def request_pre_vote(self, i: Server, j: Server) -> None:
        """Server i, which has not heard of a leader for long, asks server j, maybe itself."""
        require(self.pre_vote and self.role[i] != Role.LEADER and not self.hears[i])
        require(j not in self.pre_votes[i])
        if self.another_runs(i):
            self.incident()
        log = self.log[i]
        self.side.add(PreVote(i, j, self.current_term[i] + 1, len(log), last_term(log)))

    def another_runs(self, i: Server) -> bool:
        """A server other than i stands for election, or has been answered that it would win votes."""
        return any(j != i and (self.role[j] == Role.CANDIDATE or len(self.pre_votes[j]) > 0) for j in Server)

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
        """The term would be new to server i, which knows of no leader and would lose nothing by the candidate."""
        mine = last_term(self.log[i])
        return (
            m.term > self.current_term[i]
            and self.role[i] != Role.LEADER
            and not self.hears[i]
            and (m.last_log_term, m.last_log_index) >= (mine, len(self.log[i]))
        )

    @action
    def handle_pre_vote_response(self, m: PreVoteResponse) -> None:
        """The receiver counts it, if it is about the term that it would begin."""
        require(m in self.side)
        if m.term == self.current_term[m.dest] + 1:
            self.pre_votes[m.dest].add(m.source)
        self.side.remove(m)

    @action
    def drop_aside(self, m: PreVote | PreVoteResponse) -> None:
        """The network loses a pre-vote."""
        require(m in self.side)
        self.side.remove(m)

    # Check-quorum (sections 6.2 and 4.2.3)

    @action
    def check_followers(self, i: Server) -> None:
        """Leader i's election timeout ends: it goes on only if a majority has answered since the last time."""
        require(self.check_quorum and self.role[i] == Role.LEADER)
        if not self.is_quorum(i, self.heard_from[i] | Set([i])):
            self.role[i] = Role.FOLLOWER
            self.transferee[i] = None
        self.heard_from[i].clear()
        self.incident()

    @action
    def lose_patience(self, i: Server) -> None:
        """Follower i's election timeout ends: it has not heard from its leader since the last time."""
        require(self.hears[i])
        self.hears[i] = False
        self.incident()

    def disregards(self, i: Server, m: Message) -> bool:
        """Server i has a leader, or is it, and nobody has ordered the election for which it is asked for its vote."""
        return (
            self.check_quorum
            and isinstance(m, RequestVote)
            and (self.role[i] == Role.LEADER or self.hears[i])
            and m.term not in self.by_order[m.source]
        )

    @action
    def update_term(self, m: Message) -> None:
        """A newer term is taken over unless it is disregarded."""
        require(m in self.messages)
        require(not self.disregards(m.dest, m))
        super().update_term(m)

    @action
    def disregard_vote_request(self, m: RequestVote) -> None:
        """The receiver stays in its term, and does not answer."""
        require(m in self.messages)
        require(m.term > self.current_term[m.dest] and self.disregards(m.dest, m))
        self.messages.remove(m)

    @action
    def become_leader(self, i: Server) -> None:
        """The election counts as having heard from a majority."""
        super().become_leader(i)
        if self.check_quorum:
            self.heard_from[i].update(self.votes_granted[i])

    @action
    def reject_entries(self, m: AppendEntries) -> None:
        """Who rejects what its leader sends has heard from it."""
        require(m in self.messages)
        self.notice_leader(m)
        super().reject_entries(m)

    @action
    def accept_entries(self, m: AppendEntries) -> None:
        """So has who accepts it."""
        require(m in self.messages)
        self.notice_leader(m)
        super().accept_entries(m)

    def notice_leader(self, m: AppendEntries) -> None:
        """The receiver has heard from its leader, if the sender is."""
        if self.check_quorum and self.is_follower_of(m.dest, m):
            self.hears[m.dest] = True

    @action
    def handle_append_response(self, m: AppendEntriesResponse) -> None:
        """A leader has heard from who answers."""
        require(m in self.messages)
        if self.check_quorum and self.role[m.dest] == Role.LEADER:
            self.heard_from[m.dest].add(m.source)
        super().handle_append_response(m)

    # Leadership transfer (section 3.10)

    @action
    def begin_transfer(self, i: Server, j: Server) -> None:
        """Leader i is told to hand over to server j."""
        require(self.transfer and self.role[i] == Role.LEADER and i != j)
        require(self.transferee[i] is None)
        self.transferee[i] = j
        self.incident()

    @action
    def client_request(self, i: Server, v: Value) -> None:
        """A leader that hands over takes no commands, so that the other can catch up."""
        require(self.transferee[i] is None)
        super().client_request(i, v)

    @action
    def order_election(self, i: Server, j: Server) -> None:
        """Leader i tells j, which is to take over, to begin an election, as soon as it has the whole log."""
        require(self.transferee[i] == j and self.is_caught_up(i, j))
        self.orders.add(TimeoutNow(i, j, self.current_term[i]))

    def is_caught_up(self, i: Server, j: Server) -> bool:
        """Server j has, as leader i knows, all of its log."""
        return self.match_index[i][j] == len(self.log[i])

    @action
    def handle_timeout_now(self, m: TimeoutNow) -> None:
        """The receiver begins an election without waiting, or asking first, if the order is of its term and it follows."""
        require(m in self.orders)
        i = m.dest
        if m.term == self.current_term[i] and self.role[i] == Role.FOLLOWER:
            self.begin_election(i)
            self.by_order[i].add(self.current_term[i])
        self.orders.remove(m)

    @action
    def abort_transfer(self, i: Server) -> None:
        """Leader i's election timeout ends, and it still leads: it takes commands again."""
        require(self.transferee[i] is not None)
        self.transferee[i] = None

    @action
    def drop_order(self, m: TimeoutNow) -> None:
        """The network loses an order."""
        require(m in self.orders)
        self.orders.remove(m)

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

    @step_invariant
    def no_follower_is_disturbed(self, old: Self) -> bool:
        """A server that hears its leader comes to a newer term by more than a candidate's wish to lead."""
        return all(
            old.may_come_to(i, self.current_term[i])
            for i in Server
            if old.hears[i] and self.current_term[i] > old.current_term[i]
        )

    def may_come_to(self, i: Server, t: int) -> bool:
        """Something has come to server i of term t, or by order of the leader."""
        return any(
            m.dest == i and m.term == t and (not isinstance(m, RequestVote) or t in self.by_order[m.source])
            for m in self.messages
        ) or any(m.dest == i for m in self.orders)

    @step_invariant
    def transferee_is_caught_up(self, old: Self) -> bool:
        """Who is told to take over has all that the leader has, unless it knows of a newer term and will not heed the order."""
        return all(
            m in old.orders
            or self.current_term[m.dest] > m.term
            or self.log[m.dest][: len(self.log[m.source])] == self.log[m.source]
            for m in self.orders
        )
