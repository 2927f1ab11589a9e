"""Paxos as the simulator knows it."""

from __future__ import annotations

from random import Random

from ratified.impl.contract import Durable, NodeId, Observer
from ratified.impl.machines import KeyValue
from ratified.impl.paxos.core import Config, PaxosCore, bootstrap
from ratified.impl.simulator.system import System


def paxos_system(config: Config | None = None) -> System:
    """Return single-decree Paxos, as a system to simulate: its log has one entry."""
    settings = config or Config()

    def make(node: NodeId, durable: Durable, random: Random, observer: Observer | None) -> PaxosCore:
        return PaxosCore(node, durable, settings, random=random, machine=KeyValue(), observer=observer)

    return System("paxos", lambda _, members: bootstrap(members), make, elects=False, sessions=False)
