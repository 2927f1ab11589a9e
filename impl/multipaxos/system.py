"""Multi-Paxos as the simulator knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from ratified.impl.contract import (
    Campaign,
    Compact,
    Control,
    Core,
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
from ratified.impl.multipaxos.messages import Accept, Accepted, Entry, Learned, NoOp, Prepare, Promise
from ratified.impl.multipaxos.state import Config, bootstrap
from ratified.impl.paxos.ballots import NO_BALLOT, Vote, parse_ballot, parse_vote
from ratified.impl.paxos.ledger import Ledger
from ratified.impl.system import System
from ratified.impl.text import printed, shown

SMALL = Config(
    heartbeat=2, election=6, max_batch=4, pipeline=2, window=8, max_queue=16, compact_after=12, trailing=2
)
"""Limits so small that a run of a few hundred steps comes to all of them."""


def drawn_config(seed: int) -> Config:
    """Draw a configuration with small numbers: one for each seed, so that many seeds try all combinations."""
    random = Random(f"config/{seed}")  # noqa: S311 - to repeat runs, not to keep secrets
    return replace(
        SMALL,
        election=random.choice((5, 6, 10)),
        check_quorum=random.random() < 0.6,
        max_batch=random.choice((1, 2, 8)),
        pipeline=random.choice((1, 2, 4)),
        window=random.choice((2, 8, 32)),
        max_queue=random.choice((1, 16)),
        compact_after=random.choice((0, 4, 12)),
        trailing=random.choice((0, 2)),
        heartbeat=random.choice((1, 2)),
    )


def multipaxos_system(config: Config = SMALL) -> System:
    """Return Multi-Paxos, as a system to simulate."""

    def make(node: NodeId, durable: Durable, random: Random, observer: Observer | None) -> MultiPaxosCore:
        return MultiPaxosCore(node, durable, config, random=random, machine=KeyValue(), observer=observer)

    return System(
        "multi-paxos",
        lambda _, members: bootstrap(members),
        make,
        order=draw_order,
        preset=preset,
        describe=describe,
        inspector=MultiPaxosLedger,
        gives_up=3 * config.election if config.check_quorum else None,
    )


def draw_order(random: Random, nodes: Sequence[NodeId]) -> Control:  # noqa: ARG001 - drawn alike for all protocols
    """Draw an order for chaos to give."""
    return random.choice((Campaign(), Compact()))


def preset(durable: Durable, words: Mapping[str, str]) -> Durable:
    """Return a disk with `promised=3.n2 log=1.n1:red,2.n2:blue,-,2.n2:green chosen=1`: a vote for each slot, or none.

    Raises:
        ValueError: other words, or no ballots and numbers.
    """
    if not set(words) <= {"promised", "log", "chosen"}:
        raise ValueError("a disk has promised=BALLOT, log=BALLOT:NAME,... and chosen=NUMBER")
    votes = [word for word in words.get("log", "").split(",") if word]
    entries = {slot: parse_vote(vote) for slot, vote in enumerate(votes, 1) if vote != "-"}
    promised = parse_ballot(words["promised"]) if "promised" in words else NO_BALLOT
    promised = max([promised, *(vote.ballot for vote in entries.values())])
    if not words.get("chosen", "0").isdecimal():
        raise ValueError(f"chosen is the number of a slot, not {words['chosen']!r}")
    chosen = int(words.get("chosen", 0))
    if not all(slot in entries for slot in range(1, chosen + 1)):
        raise ValueError(f"there is no vote in every slot up to {chosen}, and yet all are chosen")
    return Durable(replace(durable.record, promised=promised, chosen=chosen), entries)


def describe(core: Core) -> str:
    """Return a node in one line: role, promise, how much is chosen, and what is in the slots after the snapshot."""
    seen = core.observe()
    slots = [f"{slot} {brief(entry)}" for slot, entry in seen["log"].items()]
    before = f"... {seen['snapshot']} | " if seen["snapshot"] else ""
    promised = printed(seen["promised"])
    return (
        f"{seen['role']:<9} promised {promised:<5} chosen {seen['chosen']:<3} log {before}{' | '.join(slots)}"
    )


def brief(entry: Entry) -> str:
    """Return what is in a slot, in two words: the last one of a command, and in which ballot it was voted for."""
    value = entry.value
    word = str(value) if isinstance(value, NoOp) else shown(value.payload).rpartition(" ")[2]
    return f"{word} {entry.ballot if isinstance(entry, Vote) else 'learned'}"


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
