"""Multi-Paxos written down once more, plainly, to be given what a core is given: what must come of each step, not only what may.

One node with all its roles, in one class; what it says to itself waits in a queue until it is durable. See
`ratified.conform.reference` for what is compared. It shares with the cores the messages and no more.

Guarantees: it sees what a core is given, all of it from correct nodes, and draws from a copy of its generator; nothing else.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ratified.conform.reference import ReferenceOutput, differing
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
    Restored,
    StateMachine,
    Submit,
    Tick,
    Token,
    WriteEntries,
    WriteRecord,
    WriteSnapshot,
)
from ratified.impl.machines import KeyValue
from ratified.impl.multipaxos.core import MultiPaxosCore
from ratified.impl.multipaxos.messages import (
    NO_OP,
    Accept,
    Accepted,
    Alive,
    CatchUp,
    Chosen,
    Entry,
    Heartbeat,
    Install,
    Learned,
    Prepare,
    Promise,
    Rejected,
    Snapshot,
    Value,
)
from ratified.impl.multipaxos.state import Config, Record
from ratified.impl.paxos.ballots import Ballot, Vote


@dataclass(slots=True)
class Attempt:
    """Phase 1 of a ballot."""

    request: Prepare
    promises: dict[NodeId, Promise] = field(default_factory=dict)


@dataclass(slots=True)
class Proposal:
    """Phase 2 of a slot."""

    value: Value
    sent: int
    voters: set[NodeId] = field(default_factory=set)


@dataclass(slots=True)
class Reign:
    """A leader's part."""

    ballot: Ballot
    floor: int
    next: int
    recovered: int
    heard: dict[NodeId, int]
    proposals: dict[int, Proposal] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    queue: list[Command] = field(default_factory=list)
    waiting: set[tuple[str, int]] = field(default_factory=set)
    clock: int = 0
    since_heartbeat: int = 0
    since_check: int = 0
    progress: int = -1
    round: int = 0
    rounds: dict[NodeId, int] = field(default_factory=dict)
    confirmed: int = 0
    asking: list[Query] = field(default_factory=list)
    reads: list[tuple[int, int, Query]] = field(default_factory=list)


class Reference:
    """A node."""

    def __init__(self, core: MultiPaxosCore, durable: Durable, config: Config, machine: StateMachine) -> None:
        self.me = core.node
        self.config = config
        self.machine = machine
        self.record: Record = durable.record
        self.members = self.record.members
        self.others = [n for n in self.members if n != self.me]
        self.clients: dict[str, tuple[int, bytes]] = {}
        self.snapshot: Snapshot | None = durable.snapshot
        if self.snapshot is not None:
            self.load(self.snapshot)
        self.entries: dict[int, Entry] = dict(durable.entries)
        self.promised = self.seen = self.record.promised
        self.applied = self.base
        self.chosen: int = max(self.record.chosen, self.base)
        while type(self.entries.get(self.chosen + 1)) is Learned:
            self.chosen += 1
        self.leader: NodeId | None = None
        self.attempt: Attempt | None = None
        self.reign: Reign | None = None
        self.waited = self.attempts = self.since_asked = 0
        self.random = deepcopy(core._random)
        self.patience = min(max(core._patience, config.election), 2 * config.election)  # drawn already
        self.target = 0
        self.source: NodeId | None = None
        self.asked = self.before = self.ticks = 0
        self.token: Token = 0
        self.persisted: Token = 0
        self.own: list[tuple[Token, Any]] = []
        self.said = ReferenceOutput()

    @property
    def base(self) -> int:
        return self.snapshot.index if self.snapshot is not None else 0

    def is_quorum(self, count: int) -> bool:
        return count > len(self.members) // 2

    def load(self, snapshot: Snapshot) -> None:
        self.machine.restore(snapshot.state)
        self.clients = {client: (serial, result) for client, serial, result in snapshot.sessions}

    def is_loaded(self, snapshot: Snapshot) -> bool:
        """Whether it is one."""
        try:
            self.load(snapshot)
        except ValueError:
            return False
        return True

    def write(self, write: Any) -> None:
        self.token += not self.said.writes
        self.said.writes.append(write)

    def send(self, to: NodeId, message: Any, after: Token = 0) -> None:
        """To itself it comes once all is durable that it vouches for, and in order."""
        if to == self.me:
            self.own.append((max([after, *(token for token, _ in self.own[-1:])]), message))
        else:
            self.said.send(to, message, after)

    def tell_others(self, message: Any) -> None:
        for other in self.others:
            self.send(other, message)

    # A step

    def step(self, event: Input) -> list[str]:
        match event:
            case Receive(sender, message) if sender in self.others:
                self.receive(sender, message)
            case Tick(ticks) if ticks > 0:
                self.tick(ticks)
            case Persisted(token) if token <= self.token:
                self.persisted = max(self.persisted, token)
            case Submit(command) if command.serial > 0:
                self.submit(command)
            case Query(_, serial) if serial > 0:
                self.query(event)
            case Campaign() if self.reign is None:
                self.campaign(insist=True)
            case Compact():
                self.compact()
        self.settle()
        return self.said.actions

    def settle(self) -> None:
        while self.own and self.own[0][0] <= self.persisted:
            self.receive(self.me, self.own.pop(0)[1])
        if self.reign is not None:
            self.count(self.reign)
            if self.reign.next <= self.chosen:  # somebody else leads, who has had more chosen
                self.follow(None)
        self.execute()
        if self.reign is not None:
            self.serve(self.reign)
            self.flush(self.reign)

    def receive(self, sender: NodeId, message: Any) -> None:
        match message:
            case Prepare(ballot, _, insist):
                self.see(ballot)
                if (not self.is_led() or sender == self.leader or insist) and self.promise(sender, message):
                    self.follow(None)
            case Promise(ballot) if self.attempt is not None and ballot == self.attempt.request.ballot:
                self.attempt.promises.setdefault(sender, message)
                if self.is_quorum(len(self.attempt.promises)):
                    self.lead(self.attempt)
            case Accept(ballot, _, _, chosen):
                self.see(ballot)
                if self.accept(sender, message):
                    self.hear_leader(sender, ballot, chosen)
            case Accepted(ballot, first, count) if self.reign is not None and ballot == self.reign.ballot:
                if first + count <= self.reign.next:
                    for slot in range(first, first + count):
                        if slot in self.reign.proposals:
                            self.reign.proposals[slot].voters.add(sender)
            case Rejected(ballot, promised):
                self.see(promised)
                if sender != self.me and ballot == self.ballot():
                    self.follow(None)
            case Heartbeat(ballot, chosen, number):
                self.see(ballot)
                if ballot < self.promised:
                    self.reject(sender, ballot)
                else:
                    self.hear_leader(sender, ballot, chosen)
                    self.send(sender, Alive(ballot, number))
            case Alive(ballot, number) if self.reign is not None and ballot == self.reign.ballot:
                if number <= self.reign.round:
                    self.reign.heard[sender] = self.reign.clock
                    self.reign.rounds[sender] = max(number, self.reign.rounds.get(sender, 0))
                    self.confirm(self.reign)
            case CatchUp(first) if first <= self.chosen:
                self.tell_chosen(sender, first)
            case Chosen(first, values, chosen):
                self.told(chosen, sender)
                if first <= self.chosen + 1 < first + len(values):
                    self.learn(values[self.chosen + 1 - first :])
                    self.ask_on(sender)
            case Install(snapshot, chosen):
                self.told(chosen, sender)
                if snapshot.index > self.chosen and self.is_loaded(snapshot):
                    self.keep_snapshot(snapshot, 0)
                    self.applied = self.chosen = snapshot.index
                    self.said.applied.append(Restored(snapshot.index))
                    self.said.actions.append("restore")
                    self.ask_on(sender)

    def see(self, ballot: Ballot) -> None:
        self.seen = max(self.seen, ballot)

    def ballot(self) -> Ballot | None:
        if self.attempt is not None:
            return self.attempt.request.ballot
        return self.reign.ballot if self.reign is not None else None

    # Who leads

    def draw(self) -> None:
        """Wait for one election time-out, or up to so many; the longer the more often it was tried."""
        election = self.config.election
        self.patience = self.random.randint(election, election * min(2 + self.attempts, 6))

    def is_led(self) -> bool:
        if self.reign is not None:
            return self.is_followed(self.reign)
        return self.leader is not None and self.waited < self.config.election

    def is_followed(self, reign: Reign) -> bool:
        since = reign.clock - self.config.election
        return self.is_quorum(len({self.me, *(n for n, when in reign.heard.items() if when >= since)}))

    def campaign(self, insist: bool) -> None:
        self.resign(None)
        highest = max(self.seen, self.promised)
        ballot = self.seen = Ballot(highest.round + 1, self.me)
        self.attempt = Attempt(Prepare(ballot, self.chosen + 1, insist))
        self.waited = self.since_asked = 0
        self.attempts += 1
        self.draw()
        self.said.actions.append("prepare")
        self.promise(self.me, self.attempt.request)
        self.ask_for_promises(self.attempt)

    def ask_for_promises(self, attempt: Attempt) -> None:
        for other in self.others:
            if other not in attempt.promises:
                self.send(other, attempt.request, self.token)

    def follow(self, leader: NodeId | None) -> None:
        self.waited = 0
        if leader is not None:
            self.attempts = 0
        if self.attempt is not None or self.reign is not None or self.leader != leader:
            self.resign(leader)
            self.draw()

    def resign(self, leader: NodeId | None) -> None:
        self.leader, self.attempt, reign, self.reign = leader, None, self.reign, None
        if reign is None:
            return
        self.said.actions.append("resign")
        queued = {(c.client, c.serial) for c in reign.queue}
        for name in reign.waiting:
            self.said.answer(*name, NotLeader(leader) if name in queued else Lost(leader))
        for query in [*reign.asking, *(query for *_, query in reign.reads)]:
            self.said.answer(query.client, query.serial, NotLeader(leader))

    def lead(self, attempt: Attempt) -> None:
        """Propose again what may be chosen ("Paxos Made Simple", section 3): P2c, and nothing in gaps."""
        self.attempt, self.leader, self.attempts = None, self.me, 0
        promises = attempt.promises
        source = max(promises, key=lambda n: promises[n].chosen)
        floor = promises[source].chosen
        if self.chosen > floor:
            source, floor = self.me, self.chosen
        votes: dict[int, Vote[Value]] = {}
        for promise in promises.values():
            for slot, vote in promise.votes:
                if slot > floor and (slot not in votes or vote.ballot > votes[slot].ballot):
                    votes[slot] = vote
        last = floor
        for number, slot in enumerate(sorted(votes), 1):
            if slot - floor - number > self.config.window:
                break  # more gaps than a leader can have left
            last = slot
        values = [votes[s].value if s in votes else NO_OP for s in range(floor + 1, last + 1)]
        ballot = attempt.request.ballot
        reign = self.reign = Reign(ballot, floor, floor + 1, last, dict.fromkeys(promises, 0))
        self.said.actions += ["lead"]
        self.said.actions += [
            "propose_again" if s in votes else "fill_gap" for s in range(floor + 1, last + 1)
        ]
        if floor > self.chosen:
            self.told(floor, source)
            self.ask()
        while values:
            self.propose(reign, tuple(values[: self.config.max_batch]))
            del values[: self.config.max_batch]
        self.heartbeat(reign)

    def tick(self, ticks: int) -> None:
        self.ticks += ticks
        if self.ticks >= self.config.heartbeat:
            self.ticks = 0
            if self.chosen == self.before and self.target > self.chosen:
                self.ask()
            self.before = self.chosen
        if self.reign is not None:
            if not self.tick_leader(self.reign, ticks):
                self.follow(None)
            return
        self.waited += ticks
        if self.waited >= self.patience:
            self.campaign(insist=False)
        elif self.attempt is not None:
            self.since_asked += ticks
            if self.since_asked >= self.config.heartbeat:
                self.since_asked = 0
                self.ask_for_promises(self.attempt)

    def tick_leader(self, reign: Reign, ticks: int) -> bool:
        reign.clock += ticks
        reign.since_heartbeat += ticks
        if reign.since_heartbeat >= self.config.heartbeat:
            reign.since_heartbeat = 0
            self.heartbeat(reign)
            self.repeat(reign)
        reign.since_check += ticks
        if reign.since_check < 2 * self.config.election:
            return True
        reign.since_check = 0
        followed = self.is_followed(reign) or not self.config.check_quorum
        if not followed:
            return False
        stuck = reign.progress == self.chosen < reign.floor
        reign.progress = self.chosen
        return not stuck

    # The acceptor

    def keep(self) -> None:
        record = Record(self.members, self.promised, self.chosen)
        if record != self.record:
            self.record = record
            self.write(WriteRecord(record))

    def reject(self, who: NodeId, ballot: Ballot) -> None:
        self.send(who, Rejected(ballot, self.promised), self.token)

    def promise(self, candidate: NodeId, m: Prepare) -> bool:
        """1b. Whether it is a new promise; the same is answered again."""
        new: bool = m.ballot > self.promised
        if m.ballot < self.promised:
            self.reject(candidate, m.ballot)
            return False
        self.promised = m.ballot
        self.keep()
        self.said.actions += ["promise"] * new
        after = max(self.chosen, m.first - 1)
        found = ((slot, self.entries[slot]) for slot in sorted(self.entries) if slot > after)
        votes = tuple((slot, entry) for slot, entry in found if isinstance(entry, Vote))
        self.send(candidate, Promise(m.ballot, self.chosen, votes), self.token)
        return new

    def accept(self, leader: NodeId, m: Accept) -> bool:
        """2b."""
        if m.ballot < self.promised:
            self.reject(leader, m.ballot)
            return False
        asked = dict(enumerate(m.values, m.first))
        for slot, value in asked.items():
            entry = self.entries.get(slot)
            other = entry is not None and entry.value != value
            if other and (slot <= self.chosen or (isinstance(entry, Vote) and entry.ballot == m.ballot)):
                return False
        if m.ballot > self.promised:
            self.promised = m.ballot
            self.keep()
        if self.chosen - self.record.chosen >= self.config.window:
            self.keep()
        votes = {slot: Vote(m.ballot, value) for slot, value in asked.items() if slot > self.chosen}
        if any(self.entries.get(slot) != vote for slot, vote in votes.items()):
            self.write(WriteEntries(min(votes), tuple(votes.values())))
            self.entries.update(votes)
            self.said.actions += ["accept"] * len(votes)
        self.send(leader, Accepted(m.ballot, m.first, len(m.values)), self.token)
        return True

    # The leader proposes, and counts

    def propose(self, reign: Reign, values: tuple[Value, ...]) -> None:
        first = reign.next
        reign.proposals |= {slot: Proposal(v, reign.clock) for slot, v in enumerate(values, first)}
        reign.next = first + len(values)
        accept = Accept(reign.ballot, first, values, self.chosen)
        self.tell_others(accept)
        self.accept(self.me, accept)

    def flush(self, reign: Reign) -> None:
        while reign.queue and len(reign.batches) < self.config.pipeline:
            room = self.chosen + self.config.window + 1 - reign.next
            size = min(len(reign.queue), self.config.max_batch, room)
            if size <= 0:
                return
            self.said.actions += ["propose"] * size
            batch, reign.queue = tuple(reign.queue[:size]), reign.queue[size:]
            self.propose(reign, batch)
            reign.batches.append(reign.next - 1)

    def count(self, reign: Reign) -> None:
        while self.chosen + 1 in reign.proposals and self.is_quorum(
            len(reign.proposals[self.chosen + 1].voters)
        ):
            self.choose(self.chosen + 1)
        reign.proposals = {slot: p for slot, p in reign.proposals.items() if slot > self.chosen}
        reign.batches = [last for last in reign.batches if last > self.chosen]

    def repeat(self, reign: Reign) -> None:
        """To each, the first run of slots that have waited for its vote for a heartbeat; a message full at most."""
        due = [s for s, p in reign.proposals.items() if reign.clock - p.sent >= self.config.heartbeat]
        for slot in due:
            reign.proposals[slot].sent = reign.clock
        for other in self.others:
            missing = [s for s in due if other not in reign.proposals[s].voters]
            if not missing:
                continue
            run = [s for s in missing if s - missing[0] == missing.index(s)][: self.config.max_batch]
            values = tuple(reign.proposals[s].value for s in run)
            self.send(other, Accept(reign.ballot, run[0], values, self.chosen))

    # Reads

    def heartbeat(self, reign: Reign) -> None:
        reign.round += 1
        index = max(self.chosen, reign.recovered)
        reign.reads += [(reign.round, index, query) for query in reign.asking]
        reign.asking = []
        self.tell_others(Heartbeat(reign.ballot, self.chosen, reign.round))
        self.confirm(reign)

    def confirm(self, reign: Reign) -> None:
        rounds = [reign.round, *reign.rounds.values()]
        reach = [r for r in rounds if self.is_quorum(sum(other >= r for other in rounds))]
        reign.confirmed = max([reign.confirmed, *reach])
        if reign.asking and reign.confirmed == reign.round:
            self.heartbeat(reign)

    def serve(self, reign: Reign) -> None:
        while reign.reads and reign.reads[0][0] <= reign.confirmed and reign.reads[0][1] <= self.applied:
            _, _, query = reign.reads.pop(0)
            self.said.answer(query.client, query.serial, Done(self.machine.query(query.payload)))

    # The learner

    def hear_leader(self, leader: NodeId, ballot: Ballot, chosen: int) -> None:
        """What it has voted for in the leader's ballot is what the leader says is chosen."""
        if leader == self.me:
            return
        self.follow(leader)
        self.told(chosen, leader)
        while self.chosen < chosen:
            entry = self.entries.get(self.chosen + 1)
            if not (isinstance(entry, Vote) and entry.ballot == ballot):
                return
            self.choose(self.chosen + 1)

    def choose(self, upto: int) -> None:
        self.said.actions += ["learn"] * (upto - self.chosen)
        self.chosen = upto

    def told(self, upto: int, source: NodeId) -> None:
        if upto > max(self.target, self.chosen):
            self.target, self.source = upto, source

    def learn(self, values: tuple[Value, ...]) -> None:
        self.keep()
        learned = {slot: Learned(value) for slot, value in enumerate(values, self.chosen + 1)}
        self.write(WriteEntries(self.chosen + 1, tuple(learned.values())))
        self.entries.update(learned)
        self.choose(self.chosen + len(values))

    def ask(self) -> None:
        if self.others:
            first = self.others.index(self.source) if self.source in self.others else 0
            whom = self.others[(first + self.asked) % len(self.others)]
            self.asked += 1
            self.send(whom, CatchUp(self.chosen + 1))

    def ask_on(self, sender: NodeId) -> None:
        self.asked = 0
        if self.target > self.chosen:
            self.send(sender, CatchUp(self.chosen + 1))

    def tell_chosen(self, who: NodeId, first: int) -> None:
        if first in self.entries:
            last = min(self.chosen, first + self.config.max_batch - 1)
            values = tuple(self.entries[slot].value for slot in range(first, last + 1))
            self.send(who, Chosen(first, values, self.chosen))
        elif self.snapshot is not None:
            self.send(who, Install(self.snapshot, self.chosen))

    # Executing

    def execute(self) -> None:
        while self.applied < self.chosen:
            self.applied += 1
            value, result = self.entries[self.applied].value, None
            if isinstance(value, Command):
                result = self.run(value)
            self.said.applied.append(Applied(self.applied, value, result))
            if isinstance(value, Command) and self.reign is not None:
                name = (value.client, value.serial)
                if name in self.reign.waiting:
                    self.reign.waiting.remove(name)
                    if result is not None:
                        self.said.answer(*name, Done(result))
        if self.config.compact_after and self.applied - self.base >= self.config.compact_after:
            self.compact()

    def run(self, command: Command) -> bytes | None:
        serial, result = self.clients.get(command.client, (0, b""))
        if command.serial <= serial:
            return result if command.serial == serial else None
        result = self.machine.apply(command.payload)
        self.clients[command.client] = (command.serial, result)
        return result

    def compact(self) -> None:
        if self.applied > self.base:
            sessions = tuple((client, *last) for client, last in sorted(self.clients.items()))
            snapshot = Snapshot(self.applied, self.machine.snapshot(), sessions)
            self.keep_snapshot(snapshot, self.config.trailing)
            self.said.actions.append("compact")

    def keep_snapshot(self, snapshot: Snapshot, trailing: int) -> None:
        self.snapshot = snapshot
        self.write(WriteSnapshot(snapshot.index, snapshot))
        self.entries = {slot: e for slot, e in self.entries.items() if slot > snapshot.index - trailing}

    # Clients

    def submit(self, command: Command) -> None:
        serial, result = self.clients.get(command.client, (0, b""))
        name = (command.client, command.serial)
        if command.serial <= serial:
            if command.serial == serial:
                self.said.answer(*name, Done(result))
        elif self.reign is None:
            self.said.answer(*name, NotLeader(self.leader))
        elif name not in self.reign.waiting:
            if len(self.reign.queue) >= self.config.max_queue:
                self.said.answer(*name, Busy())
                return
            self.reign.waiting.add(name)
            self.reign.queue.append(command)

    def query(self, query: Query) -> None:
        reign = self.reign
        if reign is None:
            self.said.answer(query.client, query.serial, NotLeader(self.leader))
        elif len(reign.asking) + len(reign.reads) >= self.config.max_queue:
            self.said.answer(query.client, query.serial, Busy())
        else:
            reign.asking.append(query)
            if reign.confirmed == reign.round:
                self.heartbeat(reign)

    # What is compared

    def differences(self, core: Core, effects: Effects) -> list[str]:
        """What a core says and has that it must not, in words."""
        assert isinstance(core, MultiPaxosCore)
        seen = core.observe()
        role = "leader" if self.reign else "candidate" if self.attempt else "follower"
        pairs: list[tuple[str, object, object]] = [
            ("patience", self.patience, core._patience),
            ("role", role, seen["role"]),
            ("ballot", self.ballot(), seen["ballot"]),
            ("leader", self.leader, core.leader),
            ("term", self.seen.round, core.term),
            ("promised", self.promised if self.promised.round else None, seen["promised"]),
            ("chosen", self.chosen, seen["chosen"]),
            ("applied", self.applied, core.applied),
            ("snapshot", self.base, seen["snapshot"]),
            ("log", {s: e for s, e in self.entries.items() if s > self.base}, seen["log"]),
        ]
        return self.said.differences(effects, self.token) + differing(pairs)


def reference(core: Core, durable: Durable) -> Reference:
    """What a core that begins with this is held to."""
    assert isinstance(core, MultiPaxosCore)
    return Reference(core, durable, core._config, KeyValue())
