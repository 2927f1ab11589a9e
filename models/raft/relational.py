"""Raft with its logs as relations: what is proved for every number of servers, values, terms and indices.

The steps are those of `raft`: terms change, logs are truncated entry by entry, servers crash and restart with what is
persistent, appends are rejected, followers take over how far their leader has committed. Terms and indices are ordered sorts,
a log is a set of entries each with its index, and a message carries an entry at most. Of what is sent nothing but messages in
flight is kept; a message that is dealt with may be `kept`, for it may have been duplicated.

Six variables are history: they are written and, but for votes, never read by the protocol. Votes are those that a server has
on disk, kept by term: what Figure 2 calls `votedFor` is the one of the current term.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    AtMost,
    Map,
    Model,
    Ordered,
    Param,
    Set,
    action,
    first,
    invariant,
    record,
    require,
    step_invariant,
)
from ratified.models.raft.sorts import Role, Server, Value


class Term(Ordered):
    """Periods with at most one leader each."""


class Index(Ordered):
    """Places in a log; the first stands before all entries."""


@record
class Slot:
    """An entry of a log, and where it stands."""

    index: Index
    term: Term
    value: Value


@record
class Last:
    """The index and the term of an entry."""

    index: Index
    term: Term


@record
class RequestVote:
    """A candidate asks for a vote."""

    source: Server
    dest: Server
    term: Term
    last: Last | None  # of the candidate's log, if there is anything in it


@record
class RequestVoteResponse:
    """The answer to it."""

    source: Server
    dest: Server
    term: Term
    vote_granted: bool


@record
class AppendEntries:
    """A leader sends an entry of its log, or none to be heard of."""

    source: Server
    dest: Server
    term: Term
    prev: Last | None  # the entry before, if there is one
    entry: Slot | None
    end: Index  # where the receiver's log is known to be the leader's afterwards
    leader_commit: Index


@record
class AppendEntriesResponse:
    """The answer to it."""

    source: Server
    dest: Server
    term: Term
    success: bool
    match_index: Index


@record
class Vote:
    """A vote that a server has cast in a term."""

    term: Term
    voter: Server
    candidate: Server


@record
class Leader:
    """A server has been elected in a term."""

    term: Term
    server: Server


@record
class Held:
    """A server has held the log of the leader of a term up to an index, being in that term."""

    term: Term
    server: Server
    index: Index


@record
class Committed:
    """The leader of a term has committed up to an index, where an entry of that term is."""

    term: Term
    index: Index


Message = RequestVote | RequestVoteResponse | AppendEntries | AppendEntriesResponse
Entries = Set[Slot]


class RelationalRaft(Model):
    """Leader election and log replication, with crashes."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Server": 2, "Value": 1, "Term": 2, "Index": 2},
        "standard": {"Server": 2, "Value": 1, "Term": 2, "Index": 2},
        "large": {"Server": 2, "Value": 1, "Term": 3, "Index": 2},
    }

    max_messages: Param[int] = 1  # in flight, when it is explored; proofs know no bound

    current_term: Map[Server, Term]
    role: Map[Server, Role]
    log: Map[Server, Set[Slot]]
    length: Map[Server, Index]
    commit_index: Map[Server, Index]
    votes_granted: Map[Server, Set[Server]]
    match_index: Map[Server, Map[Server, Index]]
    messages: Annotated[
        Set[RequestVote | RequestVoteResponse | AppendEntries | AppendEntriesResponse],
        AtMost("max_messages + 1"),
    ]

    votes: Set[Vote]
    leaders: Set[Leader]
    leader_log: Map[Term, Set[Slot]]
    leader_length: Map[Term, Index]
    held: Set[Held]
    committed: Set[Committed]

    def init(self, t: Term) -> None:
        """All begin in the same term, in which nobody leads, with empty logs."""
        self.current_term = Map({i: t for i in Server})

    def is_quorum(self, members: Set[Server]) -> bool:
        """These are a majority."""
        return 2 * len(members) > len(Server)

    def dealt_with(self, m: Message, kept: bool) -> None:
        """The message is gone, unless the network has another copy."""
        if not kept:
            self.messages.remove(m)

    # Terms, crashes (section 5.1)

    @action
    def update_term(self, i: Server, t: Term) -> None:
        """Server i learns of a newer term and becomes a follower."""
        require(self.current_term[i] < t)
        self.current_term[i] = t
        self.role[i] = Role.FOLLOWER

    @action
    def restart(self, i: Server) -> None:
        """Server i has crashed and comes back with what is persistent."""
        self.role[i] = Role.FOLLOWER
        self.votes_granted[i].clear()
        self.match_index[i] = Map({j: first(Index) for j in Server})
        self.commit_index[i] = first(Index)

    # Leader election (sections 5.2 and 5.4.1)

    @action
    def timeout(self, i: Server, t: Term) -> None:
        """Server i begins an election in a newer term."""
        require(self.role[i] != Role.LEADER)
        self.begin_election(i, t)

    def begin_election(self, i: Server, t: Term) -> None:
        """Server i is a candidate in a newer term, and has no votes yet."""
        require(self.current_term[i] < t)
        self.role[i] = Role.CANDIDATE
        self.current_term[i] = t
        self.votes_granted[i].clear()

    @action
    def request_vote(self, i: Server, j: Server, last: Last | None) -> None:
        """Candidate i asks server j, maybe itself, for its vote."""
        require(self.role[i] == Role.CANDIDATE)
        require(self.ends_with(i, last))
        self.messages.add(RequestVote(i, j, self.current_term[i], last))

    def ends_with(self, i: Server, last: Last | None) -> bool:
        """This is the last entry in the log of server i, or there is none."""
        if last is None:
            return self.length[i] == first(Index)
        return last.index == self.length[i] and any(
            x.index == last.index and x.term == last.term for x in self.log[i]
        )

    @action
    def handle_request_vote(self, m: RequestVote, kept: bool) -> None:
        """The receiver votes for the candidate, or tells that it does not."""
        require(m in self.messages)
        require(m.term <= self.current_term[m.dest])
        granted = self.grants(m.dest, m)
        if granted:
            self.votes.add(Vote(m.term, m.dest, m.source))
        self.dealt_with(m, kept)
        self.messages.add(RequestVoteResponse(m.dest, m.source, self.current_term[m.dest], granted))

    def grants(self, i: Server, m: RequestVote) -> bool:
        """Server i votes for a candidate of its own term, one only, and only if it would lose nothing by it."""
        return (
            m.term == self.current_term[i]
            and self.up_to_date(m, i)
            and all(
                v.candidate == m.source for v in self.votes if v.voter == i and v.term == self.current_term[i]
            )
        )

    def up_to_date(self, m: RequestVote, i: Server) -> bool:
        """The candidate's log is at least as up to date as that of server i: no entry of that one is beyond its last."""
        last = m.last
        if last is None:
            return not self.log[i]
        return all(x.term < last.term or (x.term == last.term and x.index <= last.index) for x in self.log[i])

    @action
    def handle_vote_response(self, m: RequestVoteResponse, kept: bool) -> None:
        """The receiver counts the vote, if there is one."""
        require(m in self.messages)
        require(self.counts(m.dest, m))
        if m.vote_granted:
            self.votes_granted[m.dest].add(m.source)
        self.dealt_with(m, kept)

    def counts(self, i: Server, m: RequestVoteResponse) -> bool:
        """The answer is of the term in which server i asks."""
        return m.term == self.current_term[i]

    @action
    def become_leader(self, i: Server) -> None:
        """Candidate i has the votes of a majority."""
        require(self.role[i] == Role.CANDIDATE)
        require(self.is_quorum(self.votes_granted[i]))
        t = self.current_term[i]
        self.role[i] = Role.LEADER
        self.match_index[i] = Map({j: first(Index) for j in Server})
        self.leaders.add(Leader(t, i))
        self.leader_log[t] = self.log[i]
        self.leader_length[t] = self.length[i]
        self.held.add(Held(t, i, self.length[i]))

    # Log replication (section 5.3)

    @action
    def client_request(self, i: Server, v: Value) -> None:
        """Leader i takes a client's command into its log."""
        require(self.role[i] == Role.LEADER)
        t, n = self.current_term[i], self.length[i] + 1
        self.log[i].add(Slot(n, t, v))
        self.length[i] = n
        self.leader_log[t].add(Slot(n, t, v))
        self.leader_length[t] = n
        self.held.add(Held(t, i, n))

    @action
    def append_entry(self, i: Server, j: Server, prev: Last | None, entry: Slot, commit: Index) -> None:
        """Leader i sends server j an entry, and how far it has committed of what j will then have."""
        require(self.role[i] == Role.LEADER)
        require(self.comes_after(i, prev, entry) and entry in self.log[i])
        require(commit <= self.commit_index[i] and commit <= entry.index)
        self.messages.add(AppendEntries(i, j, self.current_term[i], prev, entry, entry.index, commit))

    def comes_after(self, i: Server, prev: Last | None, entry: Slot) -> bool:
        """In the log of server i, the entry stands just after another, or first."""
        if prev is None:
            return entry.index == first(Index) + 1
        return entry.index == prev.index + 1 and self.has(i, prev)

    def has(self, i: Server, at: Last) -> bool:
        """The log of server i has an entry of that term at that index."""
        return any(x.index == at.index and x.term == at.term for x in self.log[i])

    @action
    def heartbeat(self, i: Server, j: Server, prev: Last | None, end: Index, commit: Index) -> None:
        """Leader i sends server j no entry, but how far it has committed."""
        require(self.role[i] == Role.LEADER)
        require(self.stands_at(i, prev, end))
        require(commit <= self.commit_index[i] and commit <= end)
        self.messages.add(AppendEntries(i, j, self.current_term[i], prev, None, end, commit))

    def stands_at(self, i: Server, prev: Last | None, end: Index) -> bool:
        """In the log of server i, this entry is at the index, or none is meant and the index is before all."""
        return end == first(Index) if prev is None else end == prev.index and self.has(i, prev)

    def fits(self, i: Server, m: AppendEntries) -> bool:
        """The log of server i holds the entry before the one in the message."""
        prev = m.prev
        return prev is None or self.has(i, prev)

    def conflicts(self, i: Server, m: AppendEntries) -> bool:
        """The log of server i holds, where the entry of the message belongs, one of another term."""
        entry = m.entry
        return entry is not None and any(x.index == entry.index and x.term != entry.term for x in self.log[i])

    def is_follower_of(self, i: Server, m: AppendEntries) -> bool:
        """Server i follows the leader that sent the message."""
        return m.term == self.current_term[i] and self.role[i] == Role.FOLLOWER

    @action
    def reject_entries(self, m: AppendEntries, kept: bool) -> None:
        """The message is of an older term, or the receiver's log does not hold what comes before the entry."""
        require(m in self.messages)
        i = m.dest
        require(m.term < self.current_term[i] or (self.is_follower_of(i, m) and not self.fits(i, m)))
        self.dealt_with(m, kept)
        self.messages.add(AppendEntriesResponse(i, m.source, self.current_term[i], False, self.told(m)))

    def told(self, m: AppendEntries) -> Index:
        """What a rejection says of the receiver's log: nothing."""
        return first(Index)

    @action
    def return_to_follower(self, m: AppendEntries) -> None:
        """A candidate hears from the leader of its term; the message remains to be dealt with."""
        require(m in self.messages)
        require(m.term == self.current_term[m.dest] and self.role[m.dest] == Role.CANDIDATE)
        self.role[m.dest] = Role.FOLLOWER

    @action
    def remove_conflicting_entry(self, m: AppendEntries) -> None:
        """The receiver's log differs from the leader's: its last entry goes, until it no longer does."""
        require(m in self.messages)
        i = m.dest
        require(self.is_follower_of(i, m) and self.fits(i, m) and self.conflicts(i, m))
        self.log[i] = Set(x for x in self.log[i] if x.index < self.length[i])
        self.length[i] = self.length[i] - 1

    @action
    def append_new_entry(self, m: AppendEntries, entry: Slot) -> None:
        """The receiver's log goes on where the leader's does; the message remains to be answered."""
        require(m in self.messages)
        i = m.dest
        require(self.is_follower_of(i, m) and self.fits(i, m) and not self.conflicts(i, m))
        require(m.entry == entry and entry.index == self.length[i] + 1)
        self.log[i].add(entry)
        self.length[i] = entry.index

    @action
    def accept_entries(self, m: AppendEntries, kept: bool) -> None:
        """The receiver's log has it all: it says so, and takes over how far the leader has committed."""
        require(m in self.messages)
        i, t = m.dest, self.current_term[m.dest]
        require(self.is_follower_of(i, m) and self.fits(i, m) and not self.conflicts(i, m))
        require(self.has_all(i, m))
        self.commit_index[i] = m.leader_commit
        self.held.add(Held(t, i, m.end))
        self.dealt_with(m, kept)
        self.messages.add(AppendEntriesResponse(i, m.source, t, True, m.end))

    def has_all(self, i: Server, m: AppendEntries) -> bool:
        """Where the entry of the message belongs, the log of server i has one."""
        entry = m.entry
        return entry is None or any(x.index == entry.index for x in self.log[i])

    @action
    def handle_append_response(self, m: AppendEntriesResponse, kept: bool) -> None:
        """The leader notes how far the sender's log is its own; what a rejection says makes it try an earlier index."""
        require(m in self.messages)
        require(m.term == self.current_term[m.dest])
        if self.agrees(m):
            self.match_index[m.dest][m.source] = m.match_index
        self.dealt_with(m, kept)

    def agrees(self, m: AppendEntriesResponse) -> bool:
        """The answer is a yes."""
        return m.success

    @action
    def advance_commit_index(self, i: Server, n: Index) -> None:
        """Leader i commits up to an entry of its own term that a majority has (section 5.4.2)."""
        require(self.role[i] == Role.LEADER)
        require(self.is_quorum(Set(j for j in Server if j == i or self.match_index[i][j] >= n)))
        require(any(x.index == n and self.may_commit(i, x) for x in self.log[i]))
        self.commit_index[i] = n
        self.committed.add(Committed(self.current_term[i], n))

    def may_commit(self, i: Server, x: Slot) -> bool:
        """Only entries of the leader's own term are committed by counting (section 5.4.2, Figure 8)."""
        return x.term == self.current_term[i]

    # The network (section 2)

    @action
    def drop(self, m: Message) -> None:
        """The network loses a message, or an answer of an older term is of no interest any more."""
        require(m in self.messages)
        self.messages.remove(m)

    # What it guarantees (Figure 3)

    def alike(self, a: Set[Slot], b: Set[Slot], n: Index) -> bool:
        """Two logs are identical up to an index."""
        return all(x in b for x in a if x.index <= n) and all(x in a for x in b if x.index <= n)

    def led(self, t: Term) -> bool:
        """Somebody was elected in the term."""
        return any(leader.term == t for leader in self.leaders)

    @invariant
    def election_safety(self) -> bool:
        """At most one leader can be elected in a given term (section 5.2)."""
        return all(a.server == b.server for a in self.leaders for b in self.leaders if a.term == b.term)

    @invariant
    def log_matching(self) -> bool:
        """If two logs have an entry with the same index and term, they are identical up to it (section 5.3)."""
        return all(
            self.alike(self.log[i], self.log[j], x.index)
            for i in Server
            for x in self.log[i]
            for j in Server
            for y in self.log[j]
            if x.index == y.index and x.term == y.term
        )

    @invariant
    def leader_completeness(self) -> bool:
        """What is committed in a term is in the logs of the leaders of all later terms (section 5.4)."""
        return all(
            self.alike(self.leader_log[u.term], self.leader_log[c.term], c.index)
            for c in self.committed
            for u in self.leaders
            if c.term < u.term
        )

    @invariant
    def state_machine_safety(self) -> bool:
        """No two servers apply different entries at the same index (section 5.4.3)."""
        return all(
            x == y
            for i in Server
            for x in self.log[i]
            if x.index <= self.commit_index[i]
            for j in Server
            for y in self.log[j]
            if y.index <= self.commit_index[j] and x.index == y.index
        )

    @step_invariant
    def leader_append_only(self, old: Self) -> bool:
        """A leader never overwrites or deletes entries in its log; it only appends new entries (section 5.3)."""
        return all(x in self.log[i] for i in Server if old.role[i] == Role.LEADER for x in old.log[i])
