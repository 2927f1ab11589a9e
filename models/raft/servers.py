"""Raft as its servers' memories and disks show it, without the messages between them.

What an implementation is held to, whatever its messages are: batches, pipelines, snapshots, answers with hints. Each server has
in memory what Figure 2 gives it, and on its disk what has been written of it so far; it may send on at once what is not written,
but only what is on a disk is counted: votes, and entries that followers and the leader itself hold. What has been said is
history: who has stood for election with which log, who has voted, and the reign of each leader, its log as far as it has come.

(Ongaro & Ousterhout, 2014, sections 5 to 8; Ongaro's dissertation, 2014, sections 4 and 10.2.1: a leader sends while it writes.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Param,
    Seq,
    Set,
    action,
    invariant,
    majorities,
    record,
    require,
    step_invariant,
)
from ratified.models.raft.sorts import Entry, Index, Log, Role, Server, Term, Value, last_term, term_at


@record
class Candidacy:
    """A server stands, or has stood, for election, with a log of this length and last term."""

    term: Term
    server: Server
    last_log_index: Index
    last_log_term: Term


@record
class Ballot:
    """A vote that is on the voter's disk."""

    term: Term
    voter: Server
    candidate: Server


@record
class Reign:
    """The leader of a term, its log and how far it has committed."""

    term: Term
    leader: Server
    log: Log
    commit: Index


@record
class Held:
    """Up to where a server held the log of a term's leader on its disk when it went on to a newer term."""

    term: Term
    server: Server
    index: Index


@record
class Change:
    """A command that stands for a configuration: its voters and, while it is joint, those before."""

    value: Value
    voters: Set[Server]
    outgoing: Set[Server]


class RaftServers(Model):
    """Terms, votes, logs and what is committed, in memory and on disks."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Server": 2, "Value": 1, "max_term": 1, "max_log": 1},
        "standard": {"Server": 2, "Value": 1, "max_term": 2, "max_log": 1},
        "large": {"Server": 3, "Value": 1, "max_term": 1, "max_log": 1},
    }

    max_term: Param[int] = 2
    max_log: Param[int] = 1
    reconfigures: Param[bool] = False  # whether configurations may be changed, and which was the first
    first_voters: Param[Set[Set[Server]]] = majorities(Server)

    # In memory (Figure 2)
    current_term: Map[Server, Term]
    voted_for: Map[Server, Server | None]
    role: Map[Server, Role]
    log: Map[Server, Log]
    commit_index: Map[Server, Index]
    match_index: Map[Server, Map[Server, Index]]  # of a leader

    # On disk
    disk_term: Map[Server, Term]
    disk_vote: Map[Server, Server | None]
    disk_log: Map[Server, Log]

    # What has been said
    candidacies: Set[Candidacy]
    ballots: Set[Ballot]
    reigns: Set[Reign]
    held: Set[Held]
    changes: Set[Change]

    # Configurations (section 6)

    def configuration_index(self, i: Server) -> int:
        """Where the latest configuration in the log of server i is; 0 if there is none."""
        configurations = Set(c.value for c in self.changes)
        return (
            max((n + 1 for n, entry in enumerate(self.log[i]) if entry.value in configurations), default=0)
            if self.reconfigures and len(self.changes) > 0
            else 0
        )

    def is_quorum(self, i: Server, members: Set[Server]) -> bool:
        """As server i sees it, these are a majority of the voters and, while there are two sets of them, of either."""
        n = self.configuration_index(i)
        if n == 0:
            return any(quorum <= members for quorum in self.first_voters)
        return all(
            2 * len(members & c.voters) > len(c.voters)
            and (not c.outgoing or 2 * len(members & c.outgoing) > len(c.outgoing))
            for c in self.changes
            if c.value == self.log[i][n - 1].value
        )

    def voters(self, i: Server) -> Set[Server]:
        """Who votes, as server i sees it."""
        n = self.configuration_index(i)
        if n == 0:
            return Set(j for quorum in self.first_voters for j in quorum)
        return Set(j for c in self.changes if c.value == self.log[i][n - 1].value for j in c.voters)

    def outgoing(self, i: Server) -> Set[Server]:
        """Who voted before and, as server i sees it, still counts."""
        n = self.configuration_index(i)
        return Set(
            j for c in self.changes if n > 0 and c.value == self.log[i][n - 1].value for j in c.outgoing
        )

    # Elections (section 5.2)

    @action
    def stand(self, i: Server) -> None:
        """Server i begins a term, in which it votes for itself."""
        require(self.role[i] != Role.LEADER)
        require(self.current_term[i] < self.max_term)
        self.current_term[i] += 1
        self.voted_for[i] = i
        self.role[i] = Role.CANDIDATE
        self.candidacies.add(Candidacy(self.current_term[i], i, len(self.log[i]), last_term(self.log[i])))

    @action
    def learn_term(self, i: Server, t: Term) -> None:
        """Server i hears of a newer term, which somebody has begun, and follows in it."""
        require(t > self.current_term[i])
        require(any(m.term == t for m in self.candidacies))
        self.enter(i, t)

    def enter(self, i: Server, t: int) -> None:
        """Server i begins a newer term as a follower."""
        self.current_term[i] = t
        self.voted_for[i] = None
        self.role[i] = Role.FOLLOWER

    @action
    def stand_back(self, i: Server) -> None:
        """Server i no longer stands, or leads: another does, or it has lost touch with a majority."""
        require(self.role[i] != Role.FOLLOWER)
        self.role[i] = Role.FOLLOWER

    @action
    def vote(self, i: Server, c: Server) -> None:
        """Server i votes for c, once in a term, and only if c lacks nothing that i has (section 5.4.1)."""
        require(self.voted_for[i] is None or self.voted_for[i] == c)
        require(
            any(
                m.server == c and m.term == self.current_term[i] and self.up_to_date(m, i)
                for m in self.candidacies
            )
        )
        self.voted_for[i] = c

    def up_to_date(self, m: Candidacy, i: Server) -> bool:
        """The candidate's log is at least as up to date as that of server i."""
        mine = last_term(self.log[i])
        return m.last_log_term > mine or (m.last_log_term == mine and m.last_log_index >= len(self.log[i]))

    @action
    def win(self, i: Server) -> None:
        """Candidate i has the votes of a majority, which are on disk."""
        t = self.current_term[i]
        require(self.role[i] == Role.CANDIDATE)
        voters = Set(j for j in Server if Ballot(t, j, i) in self.ballots)
        require(self.is_quorum(i, voters))
        self.role[i] = Role.LEADER
        self.match_index[i] = Map({j: 0 for j in Server})
        self.reigns.add(Reign(t, i, self.log[i], self.commit_index[i]))

    def have_voted_for(self, members: Set[Server], i: Server) -> bool:
        """The votes of these for server i, in its term, are on their disks."""
        return all(Ballot(self.current_term[i], j, i) in self.ballots for j in members)

    # The leader's log (section 5.3)

    def is_led_by(self, i: Server, leader: Server) -> bool:
        """The leader of the term of server i is this one."""
        return any(r.term == self.current_term[i] and r.leader == leader for r in self.reigns)

    def leads(self, i: Server) -> bool:
        """Server i leads its term, and has been elected to."""
        return self.role[i] == Role.LEADER and any(
            r.leader == i and r.term == self.current_term[i] for r in self.reigns
        )

    @action
    def append(self, i: Server, v: Value) -> None:
        """Leader i puts a command into its log."""
        require(self.leads(i))
        require(len(self.log[i]) < self.max_log)
        require(all(c.value != v for c in self.changes))
        self.extend(i, v)

    def extend(self, i: Server, v: Value) -> None:
        """The log of leader i goes on."""
        self.log[i].append(Entry(self.current_term[i], v))
        self.proclaim(i)

    def proclaim(self, i: Server) -> None:
        """What leader i has, and has committed, is there to be sent."""
        t = self.current_term[i]
        others = Set(r for r in self.reigns if r.term != t or r.leader != i)
        self.reigns = others | Set([Reign(t, i, self.log[i], self.commit_index[i])])

    @action
    def reconfigure(self, i: Server, v: Value, voters: Set[Server], outgoing: Set[Server]) -> None:
        """Leader i puts a configuration into its log, which is in force at once.

        The last one must be committed and, if it is no joint one that ends, so must an entry of the leader's own term (Ongaro,
        raft-dev, 2015).
        """
        require(self.reconfigures and self.leads(i))
        require(len(self.log[i]) < self.max_log)
        require(all(c.value != v or c == Change(v, voters, outgoing) for c in self.changes))
        require(self.configuration_index(i) <= self.commit_index[i])
        require(self.is_committed_in_term(i))
        self.changes.add(Change(v, voters, outgoing))
        self.extend(i, v)

    @action
    def forget(self, i: Server, j: Server) -> None:
        """Leader i begins anew to find out how far server j is, which joins the cluster again."""
        require(self.reconfigures and self.leads(i) and self.match_index[i][j] > 0)
        self.match_index[i][j] = 0

    def is_committed_in_term(self, i: Server) -> bool:
        """Server i knows an entry of its own term to be committed."""
        known = self.commit_index[i]
        return known > 0 and term_at(self.log[i], known) == self.current_term[i]

    def log_from(self, i: Server, n: int) -> Seq[Entry]:
        """What server i has in its log from an index on, counted from 1."""
        return self.log[i][n - 1 :]

    # What followers take over (sections 5.3 and 7)

    def agrees(self, i: Server, r: Reign, n: int) -> bool:
        """The log of server i is that of a leader, up to n."""
        return n <= len(self.log[i]) and n <= len(r.log) and self.log[i][:n] == r.log[:n]

    @action
    def accept(self, i: Server, prev: Index, n: Index) -> None:
        """Follower i, whose log is its leader's up to prev, takes over the n entries after it; what conflicts goes."""
        require(self.role[i] == Role.FOLLOWER)
        require(
            any(
                r.term == self.current_term[i] and r.leader != i and self.fits(i, r, prev, n)
                for r in self.reigns
            )
        )
        for r in self.reigns:
            if r.term == self.current_term[i] and not self.agrees(i, r, prev + n):
                self.log[i] = r.log[: prev + n]

    def fits(self, i: Server, r: Reign, prev: int, n: int) -> bool:
        """The leader has that much, and server i has what it has at prev."""
        return prev + n <= len(r.log) and (
            prev == 0 or (prev <= len(self.log[i]) and term_at(self.log[i], prev) == term_at(r.log, prev))
        )

    @action
    def load(self, i: Server, n: Index) -> None:
        """Follower i takes over its leader's snapshot of what is committed, up to n."""
        require(self.role[i] == Role.FOLLOWER and n > self.commit_index[i])
        require(any(r.term == self.current_term[i] and r.leader != i and n <= r.commit for r in self.reigns))
        for r in self.reigns:
            if r.term == self.current_term[i] and (
                n > len(self.log[i]) or term_at(self.log[i], n) != term_at(r.log, n)
            ):
                self.log[i] = r.log[:n]
        self.commit_index[i] = n

    @action
    def follow_commit(self, i: Server, n: Index) -> None:
        """Follower i learns that its leader's log, which it has up to n, is committed so far."""
        require(self.role[i] == Role.FOLLOWER and n > self.commit_index[i])
        require(
            any(
                r.term == self.current_term[i] and n <= r.commit and self.agrees(i, r, n) for r in self.reigns
            )
        )
        self.commit_index[i] = n

    # What leaders commit (section 5.4.2)

    def has_held(self, j: Server, t: int, n: int) -> bool:
        """Server j has had, on its disk and in term t, the log of that term's leader up to n."""
        return any(h.term == t and h.server == j and h.index >= n for h in self.held) or (
            self.disk_term[j] == t
            and any(
                r.term == t and n <= len(r.log) and self.disk_log[j][:n] == r.log[:n] for r in self.reigns
            )
        )

    def holding(self, j: Server) -> int:
        """Up to where the disk of server j has the log of the leader of its term (by Log Matching, one entry tells)."""
        return max(
            (
                n
                for r in self.reigns
                if r.term == self.disk_term[j]
                for n in range(1, min(len(r.log), len(self.disk_log[j])) + 1)
                if self.disk_log[j][n - 1] == r.log[n - 1]
            ),
            default=0,
        )

    @action
    def hear(self, i: Server, j: Server, n: Index) -> None:
        """Leader i hears from server j that it has the log up to n."""
        require(self.leads(i) and i != j)
        require(n > self.match_index[i][j])
        require(self.has_held(j, self.current_term[i], n))
        self.match_index[i][j] = n

    @action
    def commit(self, i: Server, n: Index) -> None:
        """Leader i commits what a majority has on disk, up to an entry of its own term."""
        require(self.leads(i) and self.commit_index[i] < n <= len(self.log[i]))
        require(term_at(self.log[i], n) == self.current_term[i])
        require(self.is_quorum(i, Set(j for j in Server if self.counts(i, j, n))))
        self.commit_index[i] = n
        self.proclaim(i)

    def counts(self, i: Server, j: Server, n: int) -> bool:
        """As leader i knows, server j has its log up to n."""
        if i == j:
            return self.disk_log[i][:n] == self.log[i][:n]
        return self.match_index[i][j] >= n

    # Disks, and crashes

    @action
    def write(self, i: Server) -> None:
        """The disk of server i has everything."""
        require(
            self.disk_term[i] != self.current_term[i]
            or self.disk_vote[i] != self.voted_for[i]
            or self.disk_log[i] != self.log[i]
        )
        self.put_on_disk(i, self.current_term[i], self.voted_for[i], self.log[i])

    def put_on_disk(self, i: Server, t: int, v: Server | None, log: Log) -> None:
        """From now on this counts, and survives. What was held in an older term, the server has vouched for then."""
        if t > self.disk_term[i]:
            kept = self.holding(i)
            if kept > 0:
                self.held.add(Held(self.disk_term[i], i, kept))
        self.disk_term[i] = t
        self.disk_vote[i] = v
        self.disk_log[i] = log
        if v is not None:
            self.ballots.add(Ballot(t, i, v))

    def is_on_disk(self, i: Server, n: int) -> bool:
        """What server i has up to n is on its disk, or is committed: then others have it."""
        return n <= self.commit_index[i] or self.disk_log[i][:n] == self.log[i][:n]

    @action
    def restart(self, i: Server, n: Index) -> None:
        """Server i has crashed and starts with what is on its disk; up to n it has a snapshot of what is committed."""
        require(n <= self.commit_index[i])
        self.current_term[i] = self.disk_term[i]
        self.voted_for[i] = self.disk_vote[i]
        self.log[i] = self.disk_log[i]
        self.role[i] = Role.FOLLOWER
        self.commit_index[i] = n

    # What it guarantees (Figure 3)

    @invariant
    def election_safety(self) -> bool:
        """At most one leader can be elected in a given term (section 5.2)."""
        return all(r.leader == s.leader for r in self.reigns for s in self.reigns if r.term == s.term)

    @invariant
    def one_vote_in_a_term(self) -> bool:
        """No server has voted twice in a term."""
        return all(
            a.candidate == b.candidate
            for a in self.ballots
            for b in self.ballots
            if a.term == b.term and a.voter == b.voter
        )

    @invariant
    def log_matching(self) -> bool:
        """If two logs have an entry with the same index and term, they are identical up to it (section 5.3)."""
        return all(
            self.log[i][:n] == self.log[j][:n]
            for i in Server
            for j in Server
            if i != j
            for n in range(1, min(len(self.log[i]), len(self.log[j])) + 1)
            if term_at(self.log[i], n) == term_at(self.log[j], n)
        )

    @invariant
    def leader_completeness(self) -> bool:
        """What a leader has committed is in the logs of the leaders of all later terms (section 5.4)."""
        return all(
            s.log[: r.commit] == r.log[: r.commit]
            for r in self.reigns
            for s in self.reigns
            if r.term < s.term
        )

    @invariant
    def state_machine_safety(self) -> bool:
        """No two servers apply different entries at the same index (section 5.4.3)."""
        return all(
            self.log[i][:n] == self.log[j][:n]
            for i in Server
            for j in Server
            for n in [min(self.commit_index[i], self.commit_index[j])]
        )

    @step_invariant
    def leader_append_only(self, old: Self) -> bool:
        """A leader never overwrites or deletes entries in its log (section 5.3)."""
        return all(
            self.log[i][: len(old.log[i])] == old.log[i]
            for i in Server
            if old.role[i] == Role.LEADER and self.role[i] == Role.LEADER
        )
