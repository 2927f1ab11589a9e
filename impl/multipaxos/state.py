"""What the roles of a node share: its promise and its log; and what of these is on the disk.

On the disk are a record (the cluster, the promise, how far the log is known to be chosen), an entry for each slot, and a
snapshot. An entry is the last vote in its slot, or what was learned to be chosen there. Up to `chosen` every entry is what is
chosen.

Guarantees:
- the promise never falls, nor does `chosen`;
- a vote is written after the record that promises its ballot, and what is learned after the record that says that all before it
  is chosen: whatever a crash tears off, what is left is the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ratified.impl.contract import Durable, NodeId, WriteEntries, WriteRecord, WriteSnapshot
from ratified.impl.multipaxos.messages import Entry, Learned, Snapshot, Value
from ratified.impl.outbox import Outbox
from ratified.impl.paxos.ballots import NO_BALLOT, Ballot, Vote


@dataclass(frozen=True, slots=True)
class Config:
    """Times in ticks, sizes in slots."""

    heartbeat: int = 2  # between a leader's heartbeats; also before it repeats what was not answered
    election: int = 10  # without a leader before a node tries to be one; up to twice as long
    check_quorum: bool = (
        True  # whether a leader resigns that no quorum has followed for two election time-outs
    )
    max_batch: int = 64  # how many go into a message
    pipeline: int = 4  # batches of commands on their way at a time; more wait, to become larger batches
    window: int = 512  # how far a leader proposes beyond what is chosen (the paper's alpha)
    max_queue: int = 8_192  # commands that wait at the leader; beyond that it turns them away
    compact_after: int = 1_024  # how much is executed until there is a new snapshot; 0: only on order
    trailing: int = 64  # how much before the snapshot is kept in memory for those who are nearly there

    def __post_init__(self) -> None:
        if min(self.heartbeat, self.max_batch, self.pipeline, self.window, self.max_queue) < 1:
            raise ValueError("heartbeat, max_batch, pipeline, window and max_queue must be at least 1")
        if self.election <= 2 * self.heartbeat:
            raise ValueError(
                f"election must be more than two heartbeats, that is, {2 * self.heartbeat} ticks; it is {self.election}"
            )
        if min(self.compact_after, self.trailing) < 0:
            raise ValueError("compact_after and trailing must not be negative")


@dataclass(frozen=True, slots=True)
class Record:
    """What a node must not forget; written in one piece."""

    members: tuple[NodeId, ...]
    promised: Ballot = NO_BALLOT
    chosen: int = 0


def bootstrap(members: tuple[NodeId, ...]) -> Durable:
    """Return what is on a node's disk before it starts for the first time."""
    return Durable(record=Record(members))


class State:
    """One node's promise and log."""

    __slots__ = (
        "_record",
        "chosen",
        "config",
        "entries",
        "members",
        "node",
        "note",
        "others",
        "out",
        "promised",
        "seen",
        "snapshot",
    )

    def __init__(
        self, node: NodeId, durable: Durable, config: Config, note: Callable[..., None] | None
    ) -> None:
        self._record: Record = durable.record
        self.node = node
        self.members: tuple[NodeId, ...] = self._record.members
        self.others = tuple(member for member in self.members if member != node)
        self.config = config
        self.note = note  # the observer, if there is one
        self.out = Outbox(node)
        self.snapshot: Snapshot | None = durable.snapshot
        self.entries: dict[int, Entry] = dict(durable.entries)
        self.chosen: int = max(self._record.chosen, self.base)
        while isinstance(self.entries.get(self.chosen + 1), Learned):
            self.chosen += 1
        self.promised: Ballot = self._record.promised
        self.seen: Ballot = self.promised  # the highest ballot heard of

    @property
    def base(self) -> int:
        """The slot up to which the log is in the snapshot."""
        return 0 if self.snapshot is None else self.snapshot.index

    def see(self, ballot: Ballot) -> None:
        """Remember that there is such a ballot."""
        self.seen = max(self.seen, ballot)

    def promise(self, ballot: Ballot) -> None:
        """Raise the promise, and have it made durable, with what is known to be chosen."""
        self.promised = ballot
        self.keep()

    def keep(self) -> None:
        """Have the promise made durable, and how far the log is chosen, for somebody relies on it."""
        record = Record(self.members, self.promised, self.chosen)
        if record != self._record:
            self._record = record
            self.out.write(WriteRecord(record))

    def vote(self, ballot: Ballot, first: int, values: tuple[Value, ...]) -> None:
        """Put votes into slots, and have them made durable; in slots that are known to be chosen they are there already."""
        known = self.chosen + 1 - first
        if known > 0:
            first, values = first + known, values[known:]
        if self.chosen - self._record.chosen >= self.config.window:
            self.keep()  # nobody relies on it, but what is above has to be reported in promises, and proposed again
        votes = tuple(Vote(ballot, value) for value in values)
        if all(self.entries.get(slot) == vote for slot, vote in enumerate(votes, first)):
            return
        self.out.write(WriteEntries(first, votes))
        for slot, vote in enumerate(votes, first):
            self.entries[slot] = vote
            if self.note:
                self.note("accept", ballot=ballot, slot=slot, value=vote.value)

    def learn(self, values: tuple[Value, ...]) -> None:
        """Put what is chosen into the next slots, and have it made durable, after what is known of those before."""
        self.keep()
        learned = tuple(Learned(value) for value in values)
        self.out.write(WriteEntries(self.chosen + 1, learned))
        for entry in learned:
            self.entries[self.chosen + 1] = entry
            self.choose(self.chosen + 1)

    def choose(self, upto: int) -> None:
        """Know that what stands in the slots up to this one is chosen."""
        for slot in range(self.chosen + 1, upto + 1):
            self.chosen = slot
            if self.note:
                self.note("learn", slot=slot, value=self.entries[slot].value)

    def compact(self, snapshot: Snapshot, trailing: int) -> None:
        """Replace the log up to a slot by a snapshot; in memory a little of it is kept."""
        self.snapshot = snapshot
        self.out.write(WriteSnapshot(snapshot.index, snapshot))
        for slot in [slot for slot in self.entries if slot <= snapshot.index - trailing]:
            del self.entries[slot]
        self.chosen = max(self.chosen, snapshot.index)

    def votes_above(self, slot: int) -> tuple[tuple[int, Vote[Value]], ...]:
        """Return the votes in the slots after one, in order."""
        some = sorted(at for at in self.entries if at > slot)
        return tuple((at, vote) for at in some if isinstance(vote := self.entries[at], Vote))

    def variables(self) -> dict[str, Any]:
        """Return the observable part."""
        return {
            "promised": self.promised if self.promised.round else None,
            "chosen": self.chosen,
            "log": {slot: self.entries[slot] for slot in sorted(self.entries) if slot > self.base},
            "snapshot": self.base,
        }
