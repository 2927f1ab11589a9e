"""What a node of the reference has and says: `ratified.conformance.raft.reference` has the rules.

Guarantees: what must survive changes only together with the write that makes it durable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ratified.conform.reference import ReferenceOutput
from ratified.impl.contract import (
    Command,
    Durable,
    NodeId,
    Query,
    StateMachine,
    Token,
    Truncate,
    WriteEntries,
    WriteRecord,
    WriteSnapshot,
)
from ratified.impl.raft.core import RaftCore
from ratified.impl.raft.membership import Membership
from ratified.impl.raft.messages import (
    Entry,
    HardState,
    Message,
    Snapshot,
)

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


class Kept:
    """A node: what it has, in memory and on its disk, and what it says."""

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
        self.random = deepcopy(core.state.random)
        least = self.config.election_ticks  # the first time-out is drawn already
        self.patience = min(max(core.state.timeout, least), 2 * least - 1)
        self.said = ReferenceOutput()

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

    def keep(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.writing.append((self.write(WriteSnapshot(snapshot.index, snapshot)), snapshot.index))

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

    def acts(self, *actions: str) -> None:
        """Whoever observes is told."""
        self.said.actions += actions
