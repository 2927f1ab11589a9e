"""Paxos as the simulator knows it."""

from __future__ import annotations

from random import Random
from typing import Any

from ratified.impl.contract import Durable, NodeId, Observer, Write, WriteRecord
from ratified.impl.machines import KeyValue
from ratified.impl.paxos.ballots import Ballot
from ratified.impl.paxos.core import Config, PaxosCore, Record, bootstrap
from ratified.impl.paxos.ledger import Ledger
from ratified.impl.paxos.messages import Accept, Accepted, Prepare, Promise
from ratified.impl.simulator.system import System


def paxos_system(config: Config | None = None) -> System:
    """Return single-decree Paxos, as a system to simulate: its log has one entry."""
    settings = config or Config()

    def make(node: NodeId, durable: Durable, random: Random, observer: Observer | None) -> PaxosCore:
        return PaxosCore(node, durable, settings, random=random, machine=KeyValue(), observer=observer)

    return System(
        "paxos",
        lambda _, members: bootstrap(members),
        make,
        elects=False,
        sessions=False,
        inspector=PaxosLedger,
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
