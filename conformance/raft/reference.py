"""Raft written down once more, plainly, to be given what a core is given: what must come of each step, not only what may.

The model says what a node may do. This says what is due: every write, message and answer of a step, and every variable that can
be observed, as Figure 2 of the Raft paper and the sections named below have it. It is slow and plain (a log is a dict,
configurations are read from it each time), and shares nothing with the cores but the messages. See `ratified.conform.reference`.

Guarantees: what a node draws by chance is taken over from it, if it is in the range; nothing else is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from ratified.conform.reference import Said, differing
from ratified.impl.contract import (
    Applied,
    Busy,
    Campaign,
    Command,
    Compact,
    Core,
    Done,
    Durable,
    Effects,
    Input,
    Lost,
    NodeId,
    NotLeader,
    Persisted,
    Query,
    Receive,
    Refused,
    Restored,
    StateMachine,
    Submit,
    Tick,
    Token,
    Truncate,
    WriteEntries,
    WriteRecord,
    WriteSnapshot,
)
from ratified.impl.machines import KeyValue
from ratified.impl.raft.core import RaftCore
from ratified.impl.raft.membership import Membership
from ratified.impl.raft.messages import (
    AppendEntries,
    AppendResponse,
    Entry,
    HardState,
    InstallSnapshot,
    Message,
    NoOp,
    PreVote,
    PreVoteResponse,
    RequestVote,
    Snapshot,
    TimeoutNow,
    VoteResponse,
    well_formed,
)
from ratified.impl.raft.operators import AddVoter, ChangeMembership, RemoveNode, TransferLeadership

FOLLOWER, ASKING, CANDIDATE, LEADER = "follower", "pre-candidate", "candidate", "leader"


@dataclass(slots=True)
class Peer:
    """A follower, as its leader sees it (dissertation, section 10.2.1)."""

    next: int
    match: int = 0
    flow: str = "probe"
    asked: bool = False  # a probe is on its way
    sent: list[int] = field(default_factory=list)  # where each message ends that is on its way
    snapshot: int = 0
    spoke: bool = True
    confirmed: int = 0  # the last round of reads
    told: int = 0  # the last commit index


class Reference:
    """A node."""

    def __init__(self, core: RaftCore, durable: Durable, machine: StateMachine) -> None:
        record = durable.record or HardState()
        self.me = core.node
        self.config = core.state.config
        self.machine = machine
        self.clients: dict[str, tuple[int, bytes]] = {}
        self.term: int = record.term
        self.vote: NodeId | None = record.voted_for
        self.snapshot: Snapshot = durable.snapshot or Snapshot()
        self.start, self.start_term = self.snapshot.index, self.snapshot.term
        self.log: dict[int, Entry] = {}
        while self.last + 1 in durable.entries:
            self.log[self.last + 1] = durable.entries[self.last + 1]
        if self.snapshot.index:
            self.load(self.snapshot)
        self.role: str = FOLLOWER
        self.leader: NodeId | None = None
        self.commit = self.applied = self.snapshot.index
        self.votes: dict[NodeId, bool] = {}
        self.peers: dict[NodeId, Peer] = {}
        self.heir: NodeId | None = None
        self.waiting: dict[int, Command] = {}
        self.reads: list[tuple[Query, int, int]] = []  # with the index and the round, both 0 at first
        self.round = 0
        self.durable = self.last
        self.writing: list[tuple[Token, int]] = []
        self.token = self.persisted = self.record_token = 0
        self.waited = self.silence = self.since_heartbeat = self.since_check = 0
        self.patience: int | None = core.state.timeout  # None: it is to be drawn
        self.said = Said()

    # The log

    @property
    def last(self) -> int:
        return self.start + len(self.log)

    @property
    def last_term(self) -> int:
        return self.term_at(self.last)

    def term_at(self, index: int) -> int:
        """-1 where it is not known."""
        return self.log[index].term if index in self.log else self.start_term if index == self.start else -1

    def configurations(self) -> list[tuple[int, Membership]]:
        """The snapshot's, and those after it."""
        later = range(self.snapshot.index + 1, self.last + 1)
        found = ((n, self.log[n].value) for n in later)
        return [
            (self.snapshot.index, self.snapshot.membership),
            *((n, v) for n, v in found if type(v) is Membership),
        ]

    @property
    def members(self) -> Membership:
        return self.configurations()[-1][1]

    def is_quorum(self, some: Collection[NodeId]) -> bool:
        """A majority of the voters and, in a joint configuration, of those before."""
        now = self.members
        sets = [now.voters, now.outgoing] if now.outgoing else [now.voters]
        return all(2 * sum(v in some for v in voters) > len(voters) for voters in sets)

    def votes_now(self, node: NodeId) -> bool:
        return node in (*self.members.voters, *self.members.outgoing)

    def write(self, write: Any) -> Token:
        if not self.said.writes:
            self.token += 1
        self.said.writes.append(write)
        return self.token

    def set_record(self, term: int, vote: NodeId | None) -> None:
        self.term, self.vote = term, vote
        self.record_token = self.write(WriteRecord(HardState(term, vote)))

    def append(self, entries: Iterable[Entry]) -> None:
        entries, first = tuple(entries), self.last + 1
        self.log.update(enumerate(entries, first))
        self.writing.append((self.write(WriteEntries(first, entries)), self.last))

    def cut(self, first: int) -> None:
        """What is cut is durable no longer, and no write vouches for it."""
        for n in [n for n in self.log if n >= first]:
            del self.log[n]
        self.write(Truncate(first))
        self.durable = min(self.durable, first - 1)
        self.writing = [(token, min(upto, first - 1)) for token, upto in self.writing]

    def forget(self, upto: int) -> None:
        if upto > self.start:
            self.start_term = self.term_at(upto)
            self.log = {n: e for n, e in self.log.items() if n > upto}
            self.start = upto

    def load(self, snapshot: Snapshot) -> None:
        self.machine.restore(snapshot.state)
        self.clients = {client: (serial, result) for client, serial, result in snapshot.sessions}

    # What is said

    def send(self, to: NodeId, message: Message) -> None:
        """It leaves once the term that it names is durable."""
        self.said.send(to, message, self.record_token)

    def reply(self, to: NodeId, message: Message) -> None:
        """It leaves once all that it vouches for is durable."""
        self.said.send(to, message, self.token)

    # A step

    def step(self, event: Input) -> None:
        match event:
            case Receive(sender, message) if sender != self.me and well_formed(message):
                self.receive(sender, message)
            case Tick(ticks) if ticks > 0:
                self.tick(ticks)
            case Persisted(token) if self.persisted < token <= self.token:
                self.written(token)
            case Submit(command):
                self.submit(command)
            case Query():
                self.query(event)
            case Campaign():
                self.stand()
            case Compact():
                self.compact()
            case ChangeMembership(voters, learners):
                self.change(voters, learners)
            case AddVoter(node):
                voters, learners = self.without(node)
                self.change((*voters, node), learners)
            case RemoveNode(node):
                self.change(*self.without(node))
            case TransferLeadership(to):
                self.hand_over(to)

    def written(self, token: Token) -> None:
        """What was written counts from now on: entries of the leader, and the vote of a candidate for itself."""
        self.persisted, before = token, self.durable
        for _, upto in [w for w in self.writing if w[0] <= token]:
            self.durable = max(self.durable, upto)
        self.writing = [w for w in self.writing if w[0] > token]
        if self.durable > before and self.role == LEADER:
            self.count()
        if self.role == CANDIDATE and self.record_token <= token and self.me not in self.votes:
            self.votes[self.me] = True
            self.lead_if_elected()

    # Time (sections 3.4 and 6.2 of the dissertation)

    def tick(self, ticks: int) -> None:
        if self.role != LEADER:
            self.waited += ticks
            self.silence += ticks
            if self.patience is not None and self.waited >= self.patience:
                self.waited, self.patience = 0, None
                self.stand()
            return
        self.since_check += ticks
        self.since_heartbeat += ticks
        if self.since_check >= self.config.election_ticks:
            self.since_check, self.heir = 0, None
            followed = {self.me, *(n for n, peer in self.peers.items() if peer.spoke)}
            if self.config.check_quorum and not self.is_quorum(followed):
                self.follow(self.term, None)
                return
            for peer in self.peers.values():
                peer.spoke = False
                if peer.flow == "snapshot":
                    self.probe(peer, peer.match + 1)
        if self.since_heartbeat >= self.config.heartbeat_ticks:
            self.since_heartbeat = 0
            self.broadcast(heartbeat=True)

    def reset_timer(self) -> None:
        self.waited, self.silence, self.patience = 0, 0, None

    def hears_leader(self) -> bool:
        return self.role == LEADER or (self.leader is not None and self.silence < self.config.election_ticks)

    # Elections (5.2 and 5.4.1 of the paper; 9.6 and 4.2.2 of the dissertation)

    def stand(self) -> None:
        committed = max(n for n, _ in self.configurations() if n <= self.commit)
        may = any(self.me in (*m.voters, *m.outgoing) for n, m in self.configurations() if n >= committed)
        if self.role == LEADER or not may:
            return
        if not self.config.pre_vote:
            self.campaign(False)
            return
        self.role, self.leader, self.votes = ASKING, None, {self.me: True}
        for peer in self.voters():
            self.send(peer, PreVote(self.term + 1, self.last, self.last_term))
        self.campaign_if_welcome()

    def voters(self) -> list[NodeId]:
        return [n for n in dict.fromkeys((*self.members.voters, *self.members.outgoing)) if n != self.me]

    def campaign_if_welcome(self) -> None:
        if self.is_quorum([n for n, granted in self.votes.items() if granted]):
            self.campaign(False)

    def campaign(self, transfer: bool) -> None:
        self.role, self.leader, self.votes = CANDIDATE, None, {}
        self.set_record(self.term + 1, self.me)
        for peer in self.voters():
            self.send(peer, RequestVote(self.term, self.last, self.last_term, transfer))

    def lead_if_elected(self) -> None:
        if not self.is_quorum([n for n, granted in self.votes.items() if granted]):
            return
        self.role, self.leader, self.votes, self.heir = LEADER, self.me, {}, None
        self.peers = {}
        self.know_peers()
        self.since_heartbeat = self.since_check = 0
        if self.config.no_op:
            self.append([Entry(self.term, NoOp())])
        self.broadcast(heartbeat=True)
        self.count()

    def follow(self, term: int, leader: NodeId | None) -> None:
        if term > self.term:
            self.set_record(term, None)
        if self.role != FOLLOWER or leader is not None:
            self.reset_timer()
        self.role, self.leader, self.votes, self.peers, self.heir = FOLLOWER, leader, {}, {}, None
        for command in self.waiting.values():
            self.said.answer(command.client, command.serial, Lost(leader))
        for query, _, _ in self.reads:
            self.said.answer(query.client, query.serial, NotLeader(leader))
        self.waiting, self.reads = {}, []

    def is_up_to_date(self, index: int, term: int) -> bool:
        return (term, index) >= (self.last_term, self.last)

    # Messages

    def receive(self, sender: NodeId, m: Message) -> None:
        of_nobody = isinstance(m, PreVote) or (isinstance(m, PreVoteResponse) and m.granted)
        if m.term > self.term and not of_nobody:
            disturbs = isinstance(m, RequestVote) and not m.transfer
            if disturbs and self.config.check_quorum and self.hears_leader():
                return
            self.follow(m.term, sender if isinstance(m, AppendEntries | InstallSnapshot) else None)
        match m:
            case PreVote():
                would = m.term > self.term and not self.hears_leader()
                granted = would and self.is_up_to_date(m.last_index, m.last_term)
                self.reply(sender, PreVoteResponse(m.term if granted else self.term, granted))
            case PreVoteResponse() if self.role == ASKING and m.term == self.term + m.granted:
                self.votes[sender] = m.granted
                self.campaign_if_welcome()
            case RequestVote():
                may = m.term == self.term and self.vote in (None, sender)
                granted = may and self.is_up_to_date(m.last_index, m.last_term)
                if granted:
                    if self.vote is None:
                        self.set_record(self.term, sender)
                    self.waited = 0
                self.reply(sender, VoteResponse(self.term, granted))
            case VoteResponse() if self.role == CANDIDATE and m.term == self.term:
                self.votes[sender] = m.granted
                self.lead_if_elected()
            case TimeoutNow() if m.term == self.term and sender == self.leader and self.votes_now(self.me):
                self.reset_timer()
                self.campaign(transfer=True)
            case AppendEntries():
                self.take_entries(sender, m)
            case InstallSnapshot():
                self.take_snapshot(sender, m)
            case AppendResponse():
                self.hear(sender, m)

    def is_led_by(self, sender: NodeId) -> bool:
        if self.role == LEADER or self.leader not in (None, sender):
            return False
        if self.role != FOLLOWER or self.leader is None:
            self.follow(self.term, sender)
        self.waited = self.silence = 0
        return True

    def take_entries(self, sender: NodeId, m: AppendEntries) -> None:
        """Receiver implementation, 1 to 5 (Figure 2)."""
        if m.term < self.term:
            return self.reply(sender, AppendResponse(self.term, False, m.prev_index))
        if not self.is_led_by(sender):
            return None
        sent = {n: e for n, e in enumerate(m.entries, m.prev_index + 1) if n > self.start}
        if m.prev_index >= self.start and self.term_at(m.prev_index) != m.prev_term:
            index = min(m.prev_index, self.last)
            while index > self.start and self.term_at(index) > m.prev_term:
                index -= 1
            hint = self.term_at(index)
            return self.reply(sender, AppendResponse(self.term, False, m.prev_index, index, hint, m.read))
        new = [n for n, e in sent.items() if self.term_at(n) != e.term]
        if new:
            if new[0] <= self.commit:
                return None  # which cannot be
            if new[0] <= self.last:
                self.cut(new[0])
            self.append(e for n, e in sent.items() if n >= new[0])
        last = m.prev_index + len(m.entries)
        self.commit_to(min(m.commit, last))
        return self.reply(sender, AppendResponse(self.term, True, last, read=m.read))

    def take_snapshot(self, sender: NodeId, m: InstallSnapshot) -> None:
        """Receiver implementation, 1 to 8 (Figure 13), of a snapshot in one piece."""
        snapshot = m.snapshot
        if m.term < self.term:
            return self.reply(sender, AppendResponse(self.term, False, snapshot.index))
        if not self.is_led_by(sender):
            return None
        if snapshot.index > self.commit:
            self.load(snapshot)
            if self.term_at(snapshot.index) == snapshot.term:
                self.forget(snapshot.index)
            else:
                if self.last > snapshot.index:
                    self.cut(snapshot.index + 1)
                self.log, self.start, self.start_term = {}, snapshot.index, snapshot.term
                self.durable = min(self.durable, snapshot.index)
            self.keep(snapshot)
            self.commit = self.applied = snapshot.index
            self.said.applied.append(Restored(snapshot.index))
        return self.reply(sender, AppendResponse(self.term, True, snapshot.index))

    def keep(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.writing.append((self.write(WriteSnapshot(snapshot.index, snapshot)), snapshot.index))

    # A leader and its followers (5.3; 10.2.1 of the dissertation)

    def know_peers(self) -> None:
        now = self.members
        names = dict.fromkeys(n for n in (*now.voters, *now.outgoing, *now.learners) if n != self.me)
        self.peers = {n: self.peers.get(n) or Peer(self.last + 1) for n in names}

    def put(self, value: Any) -> None:
        self.append([Entry(self.term, value)])
        if type(value) is Membership:
            self.know_peers()

    def broadcast(self, heartbeat: bool = False) -> None:
        for name, peer in self.peers.items():
            self.feed(name, peer, heartbeat)

    def feed(self, name: NodeId, peer: Peer, heartbeat: bool = False) -> None:
        """One message to one that is probed; to others as many as there is room for; then a heartbeat, unless one has left."""

        def entries_from(first: int, entries: tuple[Entry, ...]) -> None:
            term = self.term_at(first - 1) if first > 1 else 0
            peer.told = min(self.commit, first - 1 + len(entries))
            self.send(name, AppendEntries(self.term, first - 1, term, entries, self.commit, self.round))

        def whole() -> None:
            peer.flow, peer.sent, peer.snapshot = "snapshot", [], self.snapshot.index
            self.send(name, InstallSnapshot(self.term, self.snapshot))

        while (peer.flow == "probe" and not peer.asked) or (
            peer.flow == "replicate" and len(peer.sent) < self.config.max_inflight
        ):
            if self.term_at(peer.next - 1) < 0:
                whole()
                break
            upto = min(self.last, peer.next - 1 + self.config.max_batch)
            entries = tuple(self.log[n] for n in range(peer.next, upto + 1))
            if not entries:
                if heartbeat or peer.told < self.commit or peer.flow == "probe":
                    entries_from(peer.next, ())
                    peer.asked = True
                return
            entries_from(peer.next, entries)
            if peer.flow == "probe":
                peer.asked = True
            else:
                peer.sent.append(upto)
                peer.next = upto + 1
            heartbeat = False
        if not heartbeat:
            return
        if peer.flow == "snapshot":
            entries_from(1, ())
        elif self.term_at(peer.next - 1) < 0:
            whole()
        else:
            entries_from(peer.next, ())

    def probe(self, peer: Peer, first: int) -> None:
        peer.flow, peer.asked, peer.sent, peer.snapshot = "probe", False, [], 0
        peer.next = max(first, peer.match + 1)

    def hear(self, sender: NodeId, m: AppendResponse) -> None:
        peer = self.peers.get(sender)
        if peer is None or self.role != LEADER or m.term != self.term:
            return
        peer.spoke = True
        if peer.confirmed < m.read <= self.round:
            peer.confirmed = m.read
            self.answer_reads()
        if m.success:
            if m.index > self.last:
                return
            if m.index + 1 >= peer.next:
                peer.asked = False
            peer.sent = [n for n in peer.sent if n > m.index]
            if peer.flow == "snapshot" and m.index >= peer.snapshot:
                self.probe(peer, m.index + 1)
            news, peer.match = m.index > peer.match, max(peer.match, m.index)
            peer.next = max(peer.next, peer.match + 1)
            if peer.flow == "probe" and m.index + 1 >= peer.next:
                peer.flow, peer.sent = "replicate", []
            if news:
                self.count()
            if self.role != LEADER:
                return
            self.urge(sender)
        else:
            if (peer.flow == "probe" and m.index != peer.next - 1) or (
                peer.flow != "probe" and (peer.flow == "snapshot" or m.index <= peer.match)
            ):
                return
            first = m.index
            if self.config.fast_backoff:
                index = min(m.hint_index, self.last)
                while index > self.start and self.term_at(index) > m.hint_term:
                    index -= 1
                first = min(first, index + 1)
            self.probe(peer, first)
        self.feed(sender, peer)

    # What is committed (5.4.2), and executed

    def count(self) -> None:
        """The largest index of the present term that a quorum has on its disks."""

        def has(node: NodeId, index: int) -> bool:
            mine = self.durable if node == self.me else 0
            return (self.peers[node].match if node in self.peers else mine) >= index

        everyone = {self.me, *self.members.voters, *self.members.outgoing}
        for index in range(self.last, self.commit, -1):
            if self.is_quorum([n for n in everyone if has(n, index)]):
                break
        else:
            return
        if self.term_at(index) != self.term:
            return
        self.commit_to(index)
        self.begin_reads()
        self.answer_reads()
        self.broadcast()
        at, now = self.configurations()[-1]
        if at > self.commit:
            return
        if now.outgoing:
            self.put(Membership(now.voters, (), now.learners))
            self.broadcast()
            self.count()
        elif not self.votes_now(self.me):
            self.follow(self.term, None)

    def commit_to(self, index: int) -> None:
        if index <= self.commit:
            return
        self.commit = index
        while self.applied < index:
            self.applied += 1
            value = self.log[self.applied].value
            result = self.execute(value) if type(value) is Command else None
            self.said.applied.append(Applied(self.applied, value, result))
            command = self.waiting.pop(self.applied, None)
            if command is not None and result is not None:
                self.said.answer(command.client, command.serial, Done(result))
        every = self.config.snapshot_every
        if every and self.applied - self.snapshot.index >= every:
            self.compact()

    def execute(self, command: Command) -> bytes | None:
        """Once, where there are sessions (6.3 of the dissertation)."""
        serial, result = self.clients.get(command.client, (0, b""))
        if self.config.sessions and command.serial <= serial:
            return result if command.serial == serial else None
        result = self.machine.apply(command.payload)
        if self.config.sessions:
            self.clients[command.client] = (command.serial, result)
        return result

    def compact(self) -> None:
        if self.applied <= self.snapshot.index:
            return
        _, members = max((n, m) for n, m in self.configurations() if n <= self.applied)
        sessions = tuple((client, *last) for client, last in sorted(self.clients.items()))
        term = self.term_at(self.applied)
        self.keep(Snapshot(self.applied, term, members, sessions, self.machine.snapshot()))
        self.forget(self.applied - self.config.snapshot_keep)

    # Clients (sections 6.4 and 8)

    def elsewhere(self) -> NotLeader:
        return NotLeader(self.heir if self.role == LEADER else self.leader)

    def submit(self, command: Command) -> None:
        def answer(outcome: Any) -> None:
            self.said.answer(command.client, command.serial, outcome)

        known = self.clients.get(command.client, (0, b""))
        if command.serial < 1:
            answer(Refused("commands are numbered from 1"))
        elif self.role != LEADER or self.heir is not None:
            answer(self.elsewhere())
        elif self.config.sessions and command.serial <= known[0]:
            if command.serial == known[0]:
                answer(Done(known[1]))
        elif any((c.client, c.serial) == (command.client, command.serial) for c in self.waiting.values()):
            pass
        elif self.last - self.commit >= self.config.max_uncommitted:
            answer(Busy())
        else:
            self.put(command)
            self.waiting[self.last] = command
            self.broadcast()
            self.count()

    def query(self, query: Query) -> None:
        if self.role != LEADER:
            return self.said.answer(query.client, query.serial, self.elsewhere())
        if any(asked == query for asked, _, _ in self.reads):
            return None
        self.reads.append((query, 0, 0))
        if self.term not in (self.term_at(self.commit), self.last_term):
            self.put(NoOp())
        self.begin_reads()
        return self.answer_reads()

    def begin_reads(self) -> None:
        """What is committed by now is what a read must show, once something of this term is."""
        if self.term_at(self.commit) == self.term and any(not begun for _, _, begun in self.reads):
            self.round += 1
            self.reads = [(q, n, r) if r else (q, self.commit, self.round) for q, n, r in self.reads]
            self.broadcast(heartbeat=True)

    def answer_reads(self) -> None:
        def is_due(index: int, begun: int) -> bool:
            agree = {self.me, *(n for n, peer in self.peers.items() if peer.confirmed >= begun)}
            return begun > 0 and self.applied >= index and self.is_quorum(agree)

        for query, index, begun in self.reads:
            if is_due(index, begun):
                self.said.answer(query.client, query.serial, Done(self.machine.query(query.payload)))
        self.reads = [(q, n, r) for q, n, r in self.reads if not is_due(n, r)]

    # Operators (6; 3.10 and 4 of the dissertation)

    def without(self, node: NodeId) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...]]:
        now = self.members
        return tuple(v for v in now.voters if v != node), tuple(n for n in now.learners if n != node)

    def change(self, voters: tuple[NodeId, ...], learners: tuple[NodeId, ...]) -> None:
        """One at a time, by a leader that has committed something of its term (Ongaro, raft-dev, 2015)."""
        at, now = self.configurations()[-1]
        in_term = self.term_at(self.commit) == self.term
        if self.role != LEADER or self.heir is not None or at > self.commit or not in_term:
            return
        named = (*voters, *learners)
        if now.outgoing or not voters or len(set(named)) < len(named):
            return
        outgoing = now.voters if len(set(now.voters) ^ set(voters)) > 1 else ()
        wanted = Membership(voters, outgoing, learners)
        if wanted == now:
            return
        self.put(wanted)
        self.broadcast()
        self.count()

    def hand_over(self, to: NodeId) -> None:
        if self.role != LEADER or to == self.me or to not in self.peers or not self.votes_now(to):
            return
        self.heir, self.since_check = to, 0
        self.urge(to)
        self.feed(to, self.peers[to])

    def urge(self, node: NodeId) -> None:
        """Once it has everything."""
        if node == self.heir and self.peers[node].match == self.last:
            self.send(node, TimeoutNow(self.term))

    # What is compared

    def differences(self, core: Core, effects: Effects) -> list[str]:
        """What a core says and has that it must not, in words."""
        assert isinstance(core, RaftCore)
        state = core.state
        least = self.config.election_ticks
        if self.patience is None:
            self.patience = state.timeout
        pairs: list[tuple[str, object, object]] = [
            ("patience", min(max(self.patience, least), 2 * least - 1), state.timeout),
            ("term", self.term, state.term),
            ("voted_for", self.vote, state.voted_for),
            ("role", self.role, str(state.role)),
            ("leader", self.leader, state.leader),
            ("commit", self.commit, state.commit),
            ("applied", self.applied, state.applied),
            ("snapshot", self.snapshot, state.snapshot),
            ("durable", self.durable, state.durable_index),
            ("log_start", self.start, state.log.offset),
            ("log", tuple(self.log.values()), state.log.entries()),
            ("membership", self.members, state.membership),
            ("votes", self.votes, state.votes),
            ("transferee", self.heir, state.transferee),
            ("peers", [(n, p.match, p.next, p.flow) for n, p in self.peers.items()],
             [(n, p.match, p.next, str(p.flow)) for n, p in state.progress.items()]),
        ]  # fmt: skip
        return self.said.differences(effects, self.token) + differing(pairs)


def reference(core: Core, durable: Durable) -> Reference:
    """What a core that begins with this is held to."""
    assert isinstance(core, RaftCore)
    return Reference(core, durable, KeyValue())
