"""Multi-Paxos as the simulator knows it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from ratified.impl.contract import (
    Campaign,
    Compact,
    Control,
    Durable,
    NodeId,
    Observer,
    Write,
    WriteEntries,
    WriteRecord,
    WriteSnapshot,
)
from ratified.impl.machines import KeyValue
from ratified.impl.multipaxos.core import MultiPaxosCore
from ratified.impl.multipaxos.messages import Accept, Accepted, Learned, Prepare, Promise
from ratified.impl.multipaxos.state import Config, bootstrap
from ratified.impl.paxos.ballots import Vote
from ratified.impl.paxos.ledger import Ledger
from ratified.impl.simulator.system import System

SMALL = Config(
    heartbeat=2, election=6, max_batch=4, pipeline=2, window=8, max_queue=16, compact_after=12, trailing=2
)
"""Limits so small that a run of a few hundred steps comes to all of them."""


def multipaxos_system(config: Config = SMALL) -> System:
    """Return Multi-Paxos, as a system to simulate."""

    def make(node: NodeId, durable: Durable, random: Random, observer: Observer | None) -> MultiPaxosCore:
        return MultiPaxosCore(node, durable, config, random=random, machine=KeyValue(), observer=observer)

    return System(
        "multi-paxos",
        lambda _, members: bootstrap(members),
        make,
        order=draw_order,
        inspector=MultiPaxosLedger,
    )


def draw_order(random: Random, nodes: Sequence[NodeId]) -> Control:  # noqa: ARG001 - drawn alike for all protocols
    """Draw an order for chaos to give."""
    return random.choice((Campaign(), Compact()))


class MultiPaxosLedger(Ledger):
    """Reads what nodes of Multi-Paxos write and say."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[NodeId, int] = {}  # up to which slot each durably knows what is chosen
        self._learned: dict[NodeId, set[int]] = {}  # and where else

    def read(self, node: NodeId, durable: Durable) -> None:
        """Read a disk."""
        self._known[node] = 0 if durable.snapshot is None else durable.snapshot.index
        self._learned[node] = set()
        for slot, entry in durable.entries.items():
            self.written(node, WriteEntries(slot, (entry,)))
        self.written(node, WriteRecord(durable.record))

    def written(self, node: NodeId, write: Write) -> None:
        """Read a write."""
        match write:
            case WriteRecord(record):
                self.promise(node, record.promised)
                self._known[node] = max(self._known[node], record.chosen)
            case WriteEntries(first, entries):
                for slot, entry in enumerate(entries, first):
                    if isinstance(entry, Vote):
                        self.vote(node, entry.ballot, slot, entry.value)
                    elif isinstance(entry, Learned):
                        self._learned[node].add(slot)
            case WriteSnapshot(index, _):
                self._known[node] = max(self._known[node], index)

    def left(self, node: NodeId, message: Any) -> None:
        """Read a message."""
        match message:
            case Accept(ballot, first, values):
                for slot, value in enumerate(values, first):
                    self.proposing(node, ballot, slot, value)
            case Accepted(ballot, first, count):
                self.promising(node, ballot)
                for slot in range(first, first + count):
                    if slot > self._known[node] and slot not in self._learned[node]:
                        self.voting(node, ballot, slot)
            case Prepare(ballot):
                self.preparing(node, ballot, self.disks[node].promised)
            case Promise(ballot):
                self.promising(node, ballot)
