"""Raft without messages: servers see each other's votes and logs, and what is committed follows from them.

It stands to Raft as Voting does to Paxos. A server votes, as Raft's servers do, at most once in a term and only for a candidate
whose log is as up to date as its own; a candidate with the votes of a majority leads its term; followers take over what the
leader of their term has; and an entry is committed once a majority of servers has held the log of its term's leader up to it.
Four variables are history: who voted for whom, who led, what those leaders' logs were, and how far servers have held them.

(Ongaro & Ousterhout, 2014, sections 5.2 to 5.4; the history variables are those of Ongaro's specification, but kept by term.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Param,
    Set,
    action,
    assume,
    invariant,
    require,
    step_invariant,
    view,
)
from ratified.models.raft.sorts import Entry, Index, Log, Role, Server, Term, Value, last_term, term_at


class AbstractRaft(Model):
    """Terms, votes and logs."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Server": 2, "Value": 1, "max_term": 2, "max_log": 1},
        "standard": {"Server": 3, "Value": 1, "max_term": 3, "max_log": 1},
        "large": {"Server": 3, "Value": 1, "max_term": 3, "max_log": 2},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    max_term: Param[int] = 2
    max_log: Param[int] = 1

    current_term: Map[Server, Term]
    candidate: Map[Server, bool]  # stands in its current term, or leads it
    log: Map[Server, Log]
    votes: Map[Term, Map[Server, Server | None]]  # for whom each server has voted
    leader: Map[Term, Server | None]
    leader_log: Map[Term, Log]  # the log of the term's leader, as far as it has come
    held: Map[Term, Map[Server, Index]]  # up to where a server has held that log, being in that term

    def init(self) -> None:
        """Term 1, in which nobody leads, and empty logs."""
        self.current_term = Map({i: 1 for i in Server})

    @assume
    def something_can_happen(self) -> bool:
        """The bounds must leave room for a term.

        Give `max_term` at least 1, and `max_log` at least 0.
        """
        return self.max_term >= 1 and self.max_log >= 0

    def is_quorum(self, members: Set[Server]) -> bool:
        """These are a majority."""
        return 2 * len(members) > len(Server)

    @action
    def increase_term(self, i: Server, t: Term) -> None:
        """Server i learns of a newer term."""
        require(self.current_term[i] < t <= self.max_term)
        self.current_term[i] = t
        self.candidate[i] = False

    @action
    def stand(self, i: Server) -> None:
        """Server i begins a term of its own to be elected in."""
        require(not self.leads(i))
        require(self.current_term[i] < self.max_term)
        self.current_term[i] += 1
        self.candidate[i] = True

    @action
    def stand_back(self, i: Server) -> None:
        """Server i no longer stands, or leads: it has crashed, or somebody else leads."""
        self.candidate[i] = False

    @action
    def vote(self, i: Server, c: Server) -> None:
        """Server i votes for c in its term, once. If c no longer stands in it, that counts for nothing."""
        t = self.current_term[i]
        require(self.votes[t][i] is None)
        require(not self.stands(c, t) or self.up_to_date(c, i))
        require(self.current_term[c] >= t)
        self.votes[t][i] = c

    def stands(self, i: Server, t: Term) -> bool:
        """Server i is a candidate in term t."""
        return self.current_term[i] == t and self.candidate[i]

    def leads(self, i: Server) -> bool:
        """Server i leads its term."""
        return self.candidate[i] and self.leader[self.current_term[i]] == i

    def up_to_date(self, c: Server, i: Server) -> bool:
        """The log of c is at least as up to date as that of i (section 5.4.1)."""
        theirs, mine = last_term(self.log[c]), last_term(self.log[i])
        return theirs > mine or (theirs == mine and len(self.log[c]) >= len(self.log[i]))

    @action
    def win(self, i: Server) -> None:
        """Candidate i has the votes of a majority."""
        t = self.current_term[i]
        require(self.candidate[i] and self.leader[t] is None)
        require(self.is_quorum(Set(j for j in Server if self.votes[t][j] == i)))
        self.leader[t] = i
        self.leader_log[t] = self.log[i]

    @action
    def client_request(self, i: Server, v: Value) -> None:
        """Leader i takes a client's command into its log."""
        require(self.leads(i))
        require(len(self.log[i]) < self.max_log)
        self.log[i].append(Entry(self.current_term[i], v))
        self.leader_log[self.current_term[i]] = self.log[i]

    def follows(self, i: Server) -> bool:
        """Server i follows the leader of its term."""
        return self.leader[self.current_term[i]] is not None and not self.candidate[i]

    def agrees(self, i: Server, index: int) -> bool:
        """Server i has, at the index, what the leader of its term has there."""
        led = self.leader_log[self.current_term[i]]
        return index <= min(len(led), len(self.log[i])) and term_at(led, index) == term_at(self.log[i], index)

    @action
    def append_entry(self, i: Server) -> None:
        """Server i, whose log is the beginning of its leader's, takes over an entry more."""
        led = self.leader_log[self.current_term[i]]
        require(self.follows(i) and self.agrees(i, len(self.log[i])))
        require(len(self.log[i]) < len(led))
        self.log[i].append(led[len(self.log[i])])

    @action
    def remove_entry(self, i: Server, n: Index) -> None:
        """Server i has an entry that differs from its leader's, and gives up its last one."""
        led = self.leader_log[self.current_term[i]]
        require(self.follows(i))
        require(1 <= n <= min(len(led), len(self.log[i])) and not self.agrees(i, n))
        self.log[i].pop()

    @action
    def hold(self, i: Server, n: Index) -> None:
        """Server i has its leader's log up to n, and will be counted for it."""
        require(self.follows(i) or self.leads(i))
        require(n > self.held[self.current_term[i]][i] and self.agrees(i, n))
        self.held[self.current_term[i]][i] = n

    # What it comes to

    def committed_in(self, t: Term, n: int) -> bool:
        """A majority has held the log of the leader of t up to n, where that leader's own entries are."""
        led = self.leader_log[t]
        return (
            1 <= n <= len(led)
            and term_at(led, n) == t
            and self.is_quorum(Set(i for i in Server if self.leader[t] == i or self.held[t][i] >= n))
        )

    @view
    def roles(self) -> Map[Server, tuple[Role, int]]:
        """Each server's role, as `Raft` has it, and its term."""
        return Map({i: (self.role(i), self.current_term[i]) for i in Server})

    def role(self, i: Server) -> Role:
        """What server i takes itself for."""
        if self.leads(i):
            return Role.LEADER
        return Role.CANDIDATE if self.candidate[i] else Role.FOLLOWER

    @invariant
    def log_matching(self, i: Server, j: Server, n: Index) -> bool:
        """If two logs have an entry with the same index and term, they are identical up to it (section 5.3)."""
        return (
            not 1 <= n <= min(len(self.log[i]), len(self.log[j]))
            or term_at(self.log[i], n) != term_at(self.log[j], n)
            or self.log[i][:n] == self.log[j][:n]
        )

    @invariant
    def leader_completeness(self, t: Term, n: Index, u: Term) -> bool:
        """What is committed in a term is in the logs of the leaders of all later terms (section 5.4)."""
        return (
            not t < u
            or self.leader[u] is None
            or not self.committed_in(t, n)
            or self.leader_log[u][:n] == self.leader_log[t][:n]
        )

    @step_invariant
    def election_safety(self, old: Self) -> bool:
        """At most one leader can be elected in a given term (section 5.2)."""
        return all(
            old.leader[t] is None or old.leader[t] == self.leader[t] for t in range(1, self.max_term + 1)
        )

    @step_invariant
    def leader_append_only(self, old: Self) -> bool:
        """A leader only appends to its log (section 5.3)."""
        return all(
            self.leader_log[t][: len(old.leader_log[t])] == old.leader_log[t]
            for t in range(1, self.max_term + 1)
        )
