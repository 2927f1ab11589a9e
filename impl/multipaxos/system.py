"""Multi-Paxos as the simulator knows it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ratified.impl.contract import Campaign, Compact, Control, Durable, NodeId, Observer
from ratified.impl.machines import KeyValue
from ratified.impl.multipaxos.core import MultiPaxosCore
from ratified.impl.multipaxos.state import Config, bootstrap
from ratified.impl.simulator.system import System

SMALL = Config(max_batch=4, pipeline=2, window=8, max_queue=16, compact_after=12, trailing=2)
"""Limits so small that a run of a few hundred steps comes to all of them."""


def multipaxos_system(config: Config = SMALL) -> System:
    """Return Multi-Paxos, as a system to simulate."""

    def make(node: NodeId, durable: Durable, random: Random, observer: Observer | None) -> MultiPaxosCore:
        return MultiPaxosCore(node, durable, config, random=random, machine=KeyValue(), observer=observer)

    return System("multi-paxos", lambda _, members: bootstrap(members), make, order=draw_order)


def draw_order(random: Random, nodes: Sequence[NodeId]) -> Control:  # noqa: ARG001 - drawn alike for all protocols
    """Draw an order for chaos to give."""
    return random.choice((Campaign(), Compact()))
