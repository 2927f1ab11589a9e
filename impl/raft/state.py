"""What a Raft core knows, what it has made durable, and what it asks of its host: the ground the rules of the protocol stand on.

Guarantees: all that must survive (`term`, `voted_for`, the log, the snapshot) changes only here, together with the write that
makes it durable; a message leaves only when the term, and for an answer everything, that it speaks of is durable.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any

from ratified.impl.contract import (
    NOTHING,
    Answer,
    Applied,
    Command,
    Done,
    Durable,
    Effects,
    Lost,
    NodeId,
    NotLeader,
    Observation,
    Observer,
    Outcome,
    Query,
    Restored,
    Send,
    StateMachine,
    Token,
    Truncate,
    Write,
    WriteEntries,
    WriteRecord,
    WriteSnapshot,
)
from ratified.impl.raft.config import Config
from ratified.impl.raft.log import Log
from ratified.impl.raft.membership import Membership
from ratified.impl.raft.messages import Entry, HardState, Message, Snapshot
from ratified.impl.raft.progress import FollowerProgress
from ratified.impl.sessions import Sessions


class Role(StrEnum):
    """What a node is at the moment."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


@dataclass(slots=True)
class Read:
    """A query on its way: what must be applied before it is answered, and in which round the leader makes sure that it leads.

    Both are 0 while the leader does not know yet what is committed.
    """

    query: Query
    index: int = 0
    round: int = 0


class State:
    """The variables of a core, and the few ways in which they change."""

    def __init__(
        self,
        node: NodeId,
        durable: Durable,
        config: Config,
        random: Random,
        machine: StateMachine,
        observer: Observer | None,
    ) -> None:
        record = durable.record or HardState()
        self.node = node
        self.config = config
        self.random = random
        self._observer = observer
        # Durable
        self.term: int = record.term
        self.voted_for: NodeId | None = record.voted_for
        self.snapshot: Snapshot = durable.snapshot or Snapshot()
        self.log = Log(self.snapshot.index, self.snapshot.term, _contiguous(durable, self.snapshot.index + 1))
        # Volatile, everywhere
        self.role = Role.FOLLOWER
        self.leader: NodeId | None = None
        self.commit = self.snapshot.index
        self.applied = self.snapshot.index
        self.sessions = Sessions(machine)
        if self.snapshot.index:
            self.sessions.restore(self.snapshot.sessions, self.snapshot.state)
        self.memberships: list[
            tuple[int, Membership]
        ] = []  # those in the log, by index, after the snapshot's
        self.read_memberships(self.snapshot)
        self.elapsed = 0  # ticks since the election timer was set
        self.heard = 0  # ticks since a leader was heard from
        self.timeout = 0
        self.votes: dict[NodeId, bool] = {}  # of a candidate: who has answered what
        # Volatile, of a leader
        self.progress: dict[NodeId, FollowerProgress] = {}
        self.transferee: NodeId | None = None
        self.waiting: dict[int, Command] = {}  # whose answers are due when an index is applied
        self.on_the_way: set[tuple[str, int]] = set()  # their clients and numbers
        self.reads: list[Read] = []
        # What is being written, and what this step asks for
        self.durable_index = self.log.last  # of the log, so much is known to be durable
        self._writing: deque[tuple[Token, int]] = deque()  # with a token, the log is durable up to an index
        self._token: Token = 0
        self._persisted: Token = 0
        self._record_token: Token = 0
        self._writes: list[Write] = []
        self._sends: list[Send] = []
        self._answers: list[Answer] = []
        self.done: list[Applied | Restored] = []
        self.reset_election_timer()

    @property
    def machine(self) -> StateMachine:
        """The state machine, for looking only."""
        return self.sessions.machine

    @property
    def membership(self) -> Membership:
        """The latest configuration in the log, committed or not: that is the one to use (Raft paper, section 6)."""
        return self.memberships[-1][1]

    @property
    def membership_index(self) -> int:
        """Where in the log it is."""
        return self.memberships[-1][0]

    # What must survive

    def set_record(self, term: int, voted_for: NodeId | None) -> None:
        """Change term and vote, in one write."""
        self.term, self.voted_for = term, voted_for
        self._record_token = self._write(WriteRecord(HardState(term, voted_for)))

    def append(self, entries: tuple[Entry, ...]) -> None:
        """Add entries at the end of the log."""
        first = self.log.last + 1
        self.log.append(entries)
        for index, entry in enumerate(entries, first):
            if type(entry.value) is Membership:
                self.memberships.append((index, entry.value))
        self._writing.append((self._write(WriteEntries(first, entries)), self.log.last))

    def truncate(self, first: int) -> None:
        """Remove the entries from an index on, and the configurations among them."""
        self.log.truncate(first)
        self._write(Truncate(first))
        self.memberships = [self.memberships[0], *(m for m in self.memberships[1:] if m[0] < first)]
        self.durable_index = min(self.durable_index, first - 1)
        self._writing = deque((token, min(last, first - 1)) for token, last in self._writing)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Make a snapshot durable in place of the log up to it."""
        self.snapshot = snapshot
        self._writing.append((self._write(WriteSnapshot(snapshot.index, snapshot)), snapshot.index))

    def _write(self, write: Write) -> Token:
        if not self._writes:
            self._token += 1
        self._writes.append(write)
        return self._token

    def persisted(self, token: Token) -> bool:
        """Everything up to a token is durable; whether that is news of the log."""
        if not self._persisted < token <= self._token:
            return False
        self._persisted = token
        before = self.durable_index
        while self._writing and self._writing[0][0] <= token:
            self.durable_index = max(self.durable_index, self._writing.popleft()[1])
        return self.durable_index > before

    def record_is_durable(self) -> bool:
        """Whether the present term and vote are."""
        return self._record_token <= self._persisted

    def read_memberships(self, snapshot: Snapshot) -> None:
        """Find the configurations: the snapshot's, and those in the log after it."""
        self.memberships = [(snapshot.index, snapshot.membership)]
        for index in range(snapshot.index + 1, self.log.last + 1):
            value = self.log.entry(index).value
            if type(value) is Membership:
                self.memberships.append((index, value))

    # What is asked of the host

    def send(self, to: NodeId, message: Message) -> None:
        """Send what speaks of nothing durable but the term."""
        self._sends.append(Send(to, message, self._record_token))

    def send_idly(self, to: NodeId, message: Message) -> None:
        """Send what whatever is sent to the same node next says as well."""
        self._sends.append(Send(to, message, self._record_token, idle=True))

    def reply(self, to: NodeId, message: Message) -> None:
        """Send what vouches for everything that was written: a vote, or that entries are there."""
        self._sends.append(Send(to, message, self._token))

    def answer(self, client: str, serial: int, outcome: Outcome) -> None:
        """Tell a client; what is committed is durable elsewhere, and this need not wait."""
        self._answers.append(Answer(client, serial, outcome))

    def take_effects(self) -> Effects:
        """Return what the step asks for."""
        if not (self._writes or self._sends or self._answers or self.done):
            return NOTHING
        effects = Effects(
            tuple(self._writes),
            self._token if self._writes else 0,
            tuple(self._sends),
            tuple(self._answers),
            tuple(self.done),
        )
        self._writes.clear()
        self._sends.clear()
        self._answers.clear()
        self.done.clear()
        return effects

    # Roles

    def become_follower(self, term: int, leader: NodeId | None) -> None:
        """Follow, in this term or a newer one; clients whose commands were on the way are told that they must ask elsewhere."""
        if term > self.term:
            self.set_record(term, None)
        if self.role is not Role.FOLLOWER or leader is not None:
            self.reset_election_timer()
        self.role = Role.FOLLOWER
        self.leader = leader
        self.votes = {}
        self.progress = {}
        self.transferee = None
        for command in self.waiting.values():
            self.answer(command.client, command.serial, Lost(leader))
        self.waiting.clear()
        self.on_the_way.clear()
        for read in self.reads:
            self.answer(read.query.client, read.query.serial, NotLeader(leader))
        self.reads = []
        self.report("become_follower", term=self.term, leader=leader)

    def reset_election_timer(self) -> None:
        """Wait for a time drawn anew, so that split votes are rare (Raft paper, section 5.2)."""
        self.elapsed = 0
        self.heard = 0
        self.timeout = self.config.election_ticks + self.random.randrange(self.config.election_ticks)

    def hears_leader(self) -> bool:
        """Whether there is a leader as far as this node has heard lately, maybe itself."""
        return self.role is Role.LEADER or (
            self.leader is not None and self.heard < self.config.election_ticks
        )

    # Executing

    def committed_in_term(self) -> bool:
        """Whether a leader has committed an entry of its own term, and so knows all that was committed before."""
        return self.log.term_at(self.commit) == self.term

    def commit_to(self, index: int) -> None:
        """Take note that the log is committed up to an index, and execute it so far."""
        if index <= self.commit:
            return
        self.commit = index
        self.report("advance_commit", index=index)
        while self.applied < self.commit:
            self.apply_next()
        if self.compaction_is_due():
            self.compact()

    def apply_next(self) -> None:
        """Execute the next entry, and answer the client that waits for it."""
        index = self.applied + 1
        value = self.log.entry(index).value
        result = self.execute(value) if type(value) is Command else None
        self.applied = index
        self.done.append(Applied(index, value, result))
        command = self.waiting.pop(index, None)
        if command is not None:
            self.on_the_way.discard((command.client, command.serial))
            if result is not None:
                self.answer(command.client, command.serial, Done(result))
        self.report("apply", index=index)

    def execute(self, command: Command) -> bytes | None:
        """Execute a command, once."""
        if self.config.sessions:
            return self.sessions.apply(command)
        return self.machine.apply(command.payload)

    def compaction_is_due(self) -> bool:
        """Whether enough was applied since the last snapshot."""
        every = self.config.snapshot_every
        return every > 0 and self.applied - self.snapshot.index >= every

    def compact(self) -> None:
        """Take a snapshot of what is applied and drop the log up to it, but for what followers may still want."""
        if self.applied <= self.snapshot.index:
            return
        memberships = [m for m in self.memberships if m[0] <= self.applied]
        self.save_snapshot(
            Snapshot(
                self.applied,
                self.log.term_at(self.applied),
                memberships[-1][1],
                self.sessions.table(),
                self.machine.snapshot(),
            )
        )
        self.log.compact(max(self.log.offset, self.applied - self.config.snapshot_keep))
        self.memberships = [memberships[-1], *(m for m in self.memberships if m[0] > self.applied)]
        self.report("compact", index=self.applied)

    def not_leader(self) -> NotLeader:
        """Return where to ask."""
        return NotLeader(self.transferee if self.role is Role.LEADER else self.leader)

    # Watching

    def report(self, action: str, **arguments: Any) -> None:
        """Tell the observer, if there is one, of an action that has been taken."""
        if self._observer is not None:
            self._observer(Observation(self.node, action, arguments, self.observe()))

    def observe(self) -> Mapping[str, Any]:
        """Return the observable variables.

        `log` holds what is in memory, from index `log_start` on. `votes` are the answers a candidate has had; `match` and
        `next` are a leader's, by follower; `match` of the leader itself is `durable`.
        """
        membership = self.membership
        return {
            "term": self.term,
            "voted_for": self.voted_for,
            "role": str(self.role),
            "leader": self.leader,
            "commit": self.commit,
            "applied": self.applied,
            "snapshot": self.snapshot.index,
            "durable": self.durable_index,
            "log_start": self.log.offset + 1,
            "log": self.log.entries(),
            "voters": membership.voters,
            "outgoing": membership.outgoing,
            "learners": membership.learners,
            "votes": dict(self.votes),
            "next": {peer: p.next for peer, p in self.progress.items()},
            "match": {peer: p.match for peer, p in self.progress.items()},
            "flow": {peer: str(p.flow) for peer, p in self.progress.items()},
            "transferee": self.transferee,
        }


def _contiguous(durable: Durable, first: int) -> list[Entry]:
    """Return the entries from an index on, as far as there is no gap."""
    entries = []
    while first in durable.entries:
        entries.append(durable.entries[first])
        first += 1
    return entries
