"""Paxos as the simulator knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from ratified.impl.contract import Core, Durable, NodeId, Observer, Write, WriteRecord
from ratified.impl.machines import KeyValue
from ratified.impl.paxos.ballots import Ballot, parse_ballot, parse_vote
from ratified.impl.paxos.core import Config, PaxosCore, Record, bootstrap
from ratified.impl.paxos.ledger import Ledger
from ratified.impl.paxos.messages import Accept, Accepted, Prepare, Promise
from ratified.impl.system import System
from ratified.impl.text import printed

SMALL = Config()
"""The configuration that runs are simulated with: there is nothing in it to be small."""


def paxos_system(config: Config | None = None) -> System:
    """Return single-decree Paxos, as a system to simulate: its log has one entry."""
    settings = config or Config()

    def make(node: NodeId, durable: Durable, random: Random, observer: Observer | None) -> PaxosCore:
        return PaxosCore(node, durable, settings, random=random, machine=KeyValue(), observer=observer)

    return System(
        "paxos",
        lambda _, members: bootstrap(members),
        make,
        inspector=PaxosLedger,
        preset=preset,
        describe=describe,
        elects=False,
        sessions=False,
    )


def preset(durable: Durable, words: Mapping[str, str]) -> Durable:
    """Return a disk with `promised=3.n2 voted=2.n1:red attempted=1.n1`.

    Raises:
        ValueError: other words, or no ballots.
    """
    record: Record = durable.record
    for name, text in words.items():
        if name == "promised":
            record = replace(record, promised=parse_ballot(text))
        elif name == "attempted":
            record = replace(record, attempted=parse_ballot(text))
        elif name == "voted":
            record = replace(record, voted=parse_vote(text))
        else:
            raise ValueError("a disk has promised=BALLOT, voted=BALLOT:NAME and attempted=BALLOT")
    if record.voted is not None:
        record = replace(record, promised=max(record.promised, record.voted.ballot))
    return Durable(record)


def describe(core: Core) -> str:
    """Return a node in one line."""
    assert isinstance(core, PaxosCore)
    seen = core.observe()
    voted = seen["voted"]
    return (
        f"{seen['phase']:<9} promised {printed(seen['promised']):<5} attempted {printed(seen['attempted']):<5} "
        f"voted {'none' if voted is None else f'{voted.ballot} {printed(voted.value)}'}, "
        f"chosen {printed(seen['chosen'])}"
    )


class PaxosLedger(Ledger):
    """Reads what nodes of single-decree Paxos write and say; all is in slot 1."""

    def __init__(self) -> None:
        super().__init__()
        self._attempted: dict[NodeId, Ballot] = {}

    def read(self, node: NodeId, durable: Durable) -> None:
        """Read a record."""
        record: Record = durable.record
        self._attempted[node] = record.attempted
        if record.voted is not None:
            self.vote(node, record.voted.ballot, 1, record.voted.value)
        self.promise(node, record.promised)

    def written(self, node: NodeId, write: Write) -> None:
        """Read a record."""
        if isinstance(write, WriteRecord):
            self.read(node, Durable(record=write.record))

    def left(self, node: NodeId, message: Any) -> None:
        """Read a message."""
        match message:
            case Prepare(ballot):
                self.preparing(node, ballot, self._attempted[node])
            case Promise(ballot, _):
                self.promising(node, ballot)
            case Accept(ballot, value):
                self.proposing(node, ballot, 1, value)
            case Accepted(ballot, _):
                self.voting(node, ballot, 1)
