"""Raft: a log that servers keep alike, led by one of them at a time.

As published: Ongaro & Ousterhout, "In search of an understandable consensus algorithm" (2014), Figure 2, in the details that the
figure leaves open as in Ongaro's TLA+ specification (dissertation, 2014, appendix B), without its history variables. So a step
here is one that the specification has: a candidate asks itself for its vote by a message, too; a server that learns of a newer
term does so in a step of its own; a conflicting log loses one entry at a time.

The network loses, repeats and reorders messages as it likes. Servers fail by stopping, and restart with what Figure 2 calls
persistent state. `max_term`, `max_log`, `max_messages` and `max_copies` bound what is explored: states beyond are left out. And
with `calm` only what happens in an orderly network is, so that three servers, several terms and entries come within reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    AtMost,
    Bag,
    Map,
    Model,
    Param,
    Seq,
    Set,
    action,
    assume,
    constraint,
    invariant,
    require,
    step_invariant,
    view,
)
from ratified.models.raft.sorts import (
    AppendEntries,
    AppendEntriesResponse,
    Entry,
    Index,
    Log,
    Message,
    RequestVote,
    RequestVoteResponse,
    Role,
    Server,
    Term,
    Value,
    last_term,
    term_at,
)


class Raft(Model):
    """Leader election and log replication (sections 5.1 to 5.4)."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Server": 2, "Value": 1, "max_term": 2, "max_log": 1, "max_messages": 2},
        "standard": {"Server": 3, "Value": 1, "max_term": 3, "max_log": 1, "max_messages": 2, "calm": True},
        "thorough": {"Server": 3, "Value": 1, "max_term": 3, "max_log": 2, "max_messages": 3, "calm": True},
        "large": {"Server": 3, "Value": 1, "max_term": 4, "max_log": 2, "max_messages": 3, "calm": True},
        "published": {"Server": 2, "Value": 1, "max_term": 3, "max_log": 2, "max_messages": 2},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "thorough", "large")

    max_term: Param[int] = 2
    max_log: Param[int] = 1
    max_messages: Param[int] = 2  # in flight, copies counted
    max_copies: Param[int] = 1  # of one message, in flight
    max_entries: Param[int] = 1  # in one message
    calm: Param[bool] = False  # explored is what happens while the network is not in disorder: see `is_calm`

    # State (Figure 2): persistent on all servers

    current_term: Map[Server, Term]
    voted_for: Map[Server, Server | None]  # in its current term
    log: Map[Server, Log]

    # ...volatile on all servers

    role: Map[Server, Role]
    commit_index: Map[Server, Index]  # up to where the log is known to be committed

    # ...volatile on candidates and on leaders

    votes_responded: Map[Server, Set[Server]]  # who has answered in its current term
    votes_granted: Map[Server, Set[Server]]
    next_index: Map[Server, Map[Server, Index]]  # where the entries to be sent begin
    match_index: Map[Server, Map[Server, Index]]  # up to where a follower's log is known to be the leader's

    messages: Annotated[Bag[Message], AtMost("max_messages + 1", copies="max_copies + 1")]

    def init(self) -> None:
        """Term 1, in which nobody leads, and empty logs."""
        self.current_term = Map({i: 1 for i in Server})
        self.next_index = Map({i: Map({j: 1 for j in Server}) for i in Server})

    @assume
    def something_can_happen(self) -> bool:
        """The bounds must leave room for a term, for a message and for an entry in a message.

        Give `max_term`, `max_messages`, `max_copies` and `max_entries` at least 1, and `max_log` at least 0.
        """
        return (
            self.max_term >= 1 and self.max_log >= 0 and self.max_messages >= 1 and self.carries_something()
        )

    def carries_something(self) -> bool:
        """A message may be in flight at all, and bring an entry."""
        return self.max_copies >= 1 and self.max_entries >= 1

    @constraint
    def within_bounds(self) -> bool:
        """What is explored."""
        return (
            all(self.current_term[i] <= self.max_term for i in Server)
            and all(len(self.log[i]) <= self.max_log for i in Server)
            and len(self.messages) <= self.max_messages
            and all(self.messages.count(m) <= self.max_copies for m in self.messages.distinct())
        )

    @constraint
    def one_candidate_in_calm(self) -> bool:
        """In calm, one server stands for election at a time."""
        return not self.calm or sum(1 for i in Server if self.role[i] == Role.CANDIDATE) <= 1

    def is_calm(self) -> bool:
        """In calm, servers crash and elections begin only while no message is in flight."""
        return not self.calm or len(self.messages) == 0

    def may_ask(self, i: Server, j: Server) -> bool:
        """In calm, two servers have one message between them, and a candidate that has won asks for no more votes."""
        return not self.calm or not (
            any((m.source == i and m.dest == j) or (m.source == j and m.dest == i) for m in self.messages)
            or (self.role[i] == Role.CANDIDATE and self.is_quorum(i, self.votes_granted[i]))
        )

    def is_quorum(self, i: Server, members: Set[Server]) -> bool:
        """As server i sees it, these are a majority."""
        return 2 * len(members) > len(Server)

    def reply(self, request: Message, response: Message) -> None:
        """Answer a message."""
        self.messages.remove(request)
        self.messages.add(response)

    # Rules for all servers (section 5.1)

    @action
    def update_term(self, m: Message) -> None:
        """The receiver of a message takes over its newer term, as a follower; the message remains to be dealt with."""
        require(m in self.messages)
        require(m.term > self.current_term[m.dest])
        self.step_down(m.dest, m.term)

    def step_down(self, i: Server, t: int) -> None:
        """Server i takes over a newer term, in which it follows and has not voted."""
        self.current_term[i] = t
        self.role[i] = Role.FOLLOWER
        self.voted_for[i] = None

    @action
    def restart(self, i: Server) -> None:
        """Server i has crashed and comes back with what is persistent."""
        require(self.is_calm())
        self.role[i] = Role.FOLLOWER
        self.votes_responded[i].clear()
        self.votes_granted[i].clear()
        self.next_index[i] = Map({j: 1 for j in Server})
        self.match_index[i] = Map({j: 0 for j in Server})
        self.commit_index[i] = 0

    # Leader election (section 5.2), with the restriction of section 5.4.1

    @action
    def timeout(self, i: Server) -> None:
        """Server i has not heard of a leader for long and begins an election. Even for its own vote it will have to ask."""
        require(self.role[i] != Role.LEADER and self.is_calm())
        self.begin_election(i)

    def begin_election(self, i: Server) -> None:
        """Server i becomes a candidate in a term of its own, which no vote has come for yet."""
        self.role[i] = Role.CANDIDATE
        self.current_term[i] += 1
        self.voted_for[i] = None
        self.votes_responded[i].clear()
        self.votes_granted[i].clear()

    @action
    def request_vote(self, i: Server, j: Server) -> None:
        """Candidate i asks server j, maybe itself, for its vote."""
        require(self.role[i] == Role.CANDIDATE)
        require(j not in self.votes_responded[i] and self.may_ask(i, j))
        self.messages.add(RequestVote(i, j, self.current_term[i], len(self.log[i]), last_term(self.log[i])))

    @action
    def handle_request_vote(self, m: RequestVote) -> None:
        """The receiver votes for the candidate, or tells that it does not."""
        require(m in self.messages)
        i = m.dest
        require(m.term <= self.current_term[i])
        granted = self.grants(i, m)
        if granted:
            self.voted_for[i] = m.source
        self.reply(m, RequestVoteResponse(i, m.source, self.current_term[i], granted))

    def grants(self, i: Server, m: RequestVote) -> bool:
        """Server i votes for a candidate of its own term, one only, and only if it would lose nothing by it."""
        vote = self.voted_for[i]
        return m.term == self.current_term[i] and self.up_to_date(m, i) and (vote is None or vote == m.source)

    def up_to_date(self, m: RequestVote, i: Server) -> bool:
        """The candidate's log is at least as up to date as that of server i (section 5.4.1)."""
        mine = last_term(self.log[i])
        return m.last_log_term > mine or (m.last_log_term == mine and m.last_log_index >= len(self.log[i]))

    @action
    def handle_vote_response(self, m: RequestVoteResponse) -> None:
        """The receiver counts the vote, if there is one."""
        require(m in self.messages)
        i = m.dest
        require(self.counts(i, m))
        self.votes_responded[i].add(m.source)
        if m.vote_granted:
            self.votes_granted[i].add(m.source)
        self.messages.remove(m)

    def counts(self, i: Server, m: RequestVoteResponse) -> bool:
        """The answer is of the term in which server i asks."""
        return m.term == self.current_term[i]

    @action
    def become_leader(self, i: Server) -> None:
        """Candidate i has the votes of a majority."""
        require(self.role[i] == Role.CANDIDATE)
        require(self.is_quorum(i, self.votes_granted[i]))
        self.role[i] = Role.LEADER
        self.next_index[i] = Map({j: len(self.log[i]) + 1 for j in Server})
        self.match_index[i] = Map({j: 0 for j in Server})

    # Log replication (section 5.3)

    @action
    def client_request(self, i: Server, v: Value) -> None:
        """Leader i takes a client's command into its log."""
        require(self.role[i] == Role.LEADER)
        self.log[i].append(Entry(self.current_term[i], v))

    @action
    def append_entries(self, i: Server, j: Server) -> None:
        """Leader i sends server j what comes next, if anything, and how far it has committed of what j will then have."""
        require(self.role[i] == Role.LEADER)
        require(i != j and self.may_ask(i, j))
        prev = self.next_index[i][j] - 1
        entries = self.log[i][prev : prev + self.max_entries]
        last = min(len(self.log[i]), prev + self.max_entries)
        self.messages.add(
            AppendEntries(
                i,
                j,
                self.current_term[i],
                prev,
                term_at(self.log[i], prev),
                entries,
                min(self.commit_index[i], last),
            )
        )

    def fits(self, i: Server, m: AppendEntries) -> bool:
        """The log of server i holds the entry before those in the message."""
        prev = m.prev_log_index
        return prev == 0 or (prev <= len(self.log[i]) and term_at(self.log[i], prev) == m.prev_log_term)

    def conflicts(self, i: Server, m: AppendEntries) -> bool:
        """The log of server i holds, where an entry of the message belongs, one of another term."""
        prev = m.prev_log_index
        return any(
            term_at(self.log[i], n) != m.entries[n - prev - 1].term
            for n in range(prev + 1, min(prev + len(m.entries), len(self.log[i])) + 1)
        )

    def is_follower_of(self, i: Server, m: AppendEntries) -> bool:
        """Server i follows the leader that sent the message."""
        return m.term == self.current_term[i] and self.role[i] == Role.FOLLOWER

    @action
    def reject_entries(self, m: AppendEntries) -> None:
        """The message is of an older term, or the receiver's log does not hold what comes before the entries."""
        require(m in self.messages)
        i = m.dest
        require(m.term < self.current_term[i] or (self.is_follower_of(i, m) and not self.fits(i, m)))
        self.reply(m, AppendEntriesResponse(i, m.source, self.current_term[i], False, 0))

    @action
    def return_to_follower(self, m: AppendEntries) -> None:
        """A candidate hears from the leader of its term; the message remains to be dealt with."""
        require(m in self.messages)
        i = m.dest
        require(m.term == self.current_term[i] and self.role[i] == Role.CANDIDATE)
        self.role[i] = Role.FOLLOWER

    @action
    def remove_conflicting_entry(self, m: AppendEntries) -> None:
        """The receiver's log differs from the leader's: its last entry goes, until it no longer does."""
        require(m in self.messages)
        i = m.dest
        require(self.is_follower_of(i, m) and self.fits(i, m) and self.conflicts(i, m))
        self.log[i].pop()

    @action
    def append_new_entries(self, m: AppendEntries) -> None:
        """The receiver's log goes on where the leader's does; the message remains to be answered."""
        require(m in self.messages)
        i = m.dest
        require(self.is_follower_of(i, m) and self.fits(i, m) and not self.conflicts(i, m))
        require(len(self.log[i]) < m.prev_log_index + len(m.entries))
        self.log[i].extend(m.entries[len(self.log[i]) - m.prev_log_index :])

    @action
    def accept_entries(self, m: AppendEntries) -> None:
        """The receiver's log has it all: it says so, and takes over how far the leader has committed."""
        require(m in self.messages)
        i = m.dest
        end = m.prev_log_index + len(m.entries)
        require(self.is_follower_of(i, m) and self.fits(i, m) and not self.conflicts(i, m))
        require(len(self.log[i]) >= end)
        self.commit_index[i] = self.follow_commit(i, m)
        self.reply(m, AppendEntriesResponse(i, m.source, self.current_term[i], True, end))

    def follow_commit(self, i: Server, m: AppendEntries) -> int:
        """How far server i has committed after the message: what the leader says, even if that is less."""
        return m.leader_commit

    @action
    def handle_append_response(self, m: AppendEntriesResponse) -> None:
        """The leader notes how far the sender's log is its own, or where to try next."""
        require(m in self.messages)
        i, j = m.dest, m.source
        require(m.term == self.current_term[i])
        if m.success:
            self.next_index[i][j] = m.match_index + 1
            self.match_index[i][j] = m.match_index
        else:
            self.next_index[i][j] = max(self.next_index[i][j] - 1, 1)
        self.messages.remove(m)

    @action
    def advance_commit_index(self, i: Server) -> None:
        """Leader i commits up to the last entry that a majority has, if it is one of its own term (section 5.4.2)."""
        require(self.role[i] == Role.LEADER)
        agreed = max((n for n in range(1, len(self.log[i]) + 1) if self.is_agreed(i, n)), default=0)
        if agreed > 0 and self.may_commit(i, agreed):
            self.commit_index[i] = agreed

    def is_agreed(self, i: Server, index: int) -> bool:
        """A majority, leader i included, is known to have the entry at the index."""
        return self.is_quorum(i, Set(j for j in Server if j == i or self.match_index[i][j] >= index))

    def may_commit(self, i: Server, index: int) -> bool:
        """Only entries of the leader's own term are committed by counting (section 5.4.2, Figure 8)."""
        return term_at(self.log[i], index) == self.current_term[i]

    # The network (section 2)

    @action
    def drop_stale_response(self, m: Message) -> None:
        """An answer of an older term is of no interest any more."""
        require(m in self.messages)
        require(isinstance(m, RequestVoteResponse | AppendEntriesResponse))
        require(m.term < self.current_term[m.dest])
        self.messages.remove(m)

    @action
    def duplicate(self, m: Message) -> None:
        """The network delivers a message once more."""
        require(m in self.messages)
        self.messages.add(m)

    @action
    def drop(self, m: Message) -> None:
        """The network loses a message."""
        require(m in self.messages)
        self.messages.remove(m)

    # How it is pictured

    @view
    def roles(self) -> Map[Server, tuple[Role, int]]:
        """Each server's role and term."""
        return Map({i: (self.role[i], self.current_term[i]) for i in Server})

    @view
    def logs(self) -> Map[Server, tuple[Role, int, int]]:
        """Each server's role, the length of its log, and how much of it is known to be committed."""
        return Map({i: (self.role[i], len(self.log[i]), self.commit_index[i]) for i in Server})

    # What it guarantees (Figure 3)

    @invariant
    def election_safety(self) -> bool:
        """At most one leader can be elected in a given term (section 5.2)."""
        leaders = Set(i for i in Server if self.role[i] == Role.LEADER)
        return all(i == j for i in leaders for j in leaders if self.current_term[i] == self.current_term[j])

    @step_invariant
    def leader_append_only(self, old: Self) -> bool:
        """A leader never overwrites or deletes entries in its log; it only appends new entries (section 5.3)."""
        return all(self.log[i][: len(old.log[i])] == old.log[i] for i in Server if old.role[i] == Role.LEADER)

    @invariant
    def log_matching(self) -> bool:
        """If two logs have an entry with the same index and term, they are identical up to it (section 5.3)."""
        return all(
            self.log[i][:n] == self.log[j][:n]
            for i in Server
            for j in Server
            for n in range(1, min(len(self.log[i]), len(self.log[j])) + 1)
            if term_at(self.log[i], n) == term_at(self.log[j], n)
        )

    def committed(self, i: Server) -> Seq[Entry]:
        """What server i knows to be committed."""
        return self.log[i][: self.commit_index[i]]

    @invariant
    def leader_completeness(self) -> bool:
        """What is committed in a term is in the logs of the leaders of all later terms (section 5.4).

        Said of what a server knows to be committed, which was committed in a term no later than its own.
        """
        return all(
            self.log[j][: self.commit_index[i]] == self.committed(i)
            for i in Server
            for j in Server
            if self.role[j] == Role.LEADER and self.current_term[j] >= self.current_term[i]
        )

    @invariant
    def state_machine_safety(self) -> bool:
        """No two servers apply different entries at the same index (section 5.4.3): one has committed a part of the other's."""
        return all(
            self.committed(i)[: self.commit_index[j]] == self.committed(j)[: self.commit_index[i]]
            for i in Server
            for j in Server
        )

    @invariant
    def committed_is_on_a_majority(self) -> bool:
        """What a server knows to be committed is in its own log, and in those of a majority."""
        return all(
            self.commit_index[i] <= len(self.log[i])
            and self.is_quorum(
                i, Set(j for j in Server if self.log[j][: self.commit_index[i]] == self.committed(i))
            )
            for i in Server
        )
