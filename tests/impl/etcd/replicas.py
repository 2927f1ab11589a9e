"""A cluster in one event loop, for tests of what stands in front of it: real cores, without sockets, disks or clocks.

Messages are delivered by the loop, in order; writes are durable at once. Nobody campaigns but by order, since nothing ticks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random

from ratified.impl.contract import (
    Applied,
    Campaign,
    Command,
    Done,
    Effects,
    Input,
    Lost,
    NodeId,
    NotLeader,
    Outcome,
    Persisted,
    Query,
    Receive,
    Refused,
    Restored,
    Submit,
)
from ratified.impl.raft.config import Config
from ratified.impl.raft.core import RaftCore
from ratified.impl.raft.system import bootstrap
from ratified.impl.runtime.hosted import OrderError, hosted
from ratified.impl.runtime.replica import Member, Status
from ratified.impl.store.store import Store

CONFIG = Config(pre_vote=False, check_quorum=False)


class LocalReplica:
    """A node of a cluster in this loop."""

    def __init__(self, cluster: LocalCluster, node: NodeId, nodes: tuple[NodeId, ...]) -> None:
        self.cluster = cluster
        self.node = node
        self.core = RaftCore(node, bootstrap(nodes), CONFIG, Random(node), Store())
        self.client = "127.0.0.1:0"
        self.cut_off = False
        self._asked = 0
        self._waiting: dict[tuple[str, int], asyncio.Future[Outcome]] = {}
        self._told: list[Callable[[Applied | Restored], None]] = []

    @property
    def machine(self) -> Store:
        """Its copy."""
        machine = self.core.machine
        assert isinstance(machine, Store)
        return machine

    @property
    def leader(self) -> NodeId | None:
        """Whom it follows."""
        return self.core.leader

    @property
    def term(self) -> int:
        """Its core's."""
        return self.core.term

    def known_at(self, peer: str) -> NodeId | None:
        """All are known, each at a port of its own."""
        return next((each.node for each in self.cluster.nodes.values() if each.peer == peer), None)

    @property
    def peer(self) -> str:
        """Where nobody listens."""
        return f"127.0.0.1:{self.node.removeprefix('n')}"

    def order(self, words: Sequence[str]) -> Outcome:
        """As the runtime does."""
        try:
            control = hosted("raft").order(self.core, words[0], words[1:2])
        except OrderError as error:
            return Refused(str(error))
        if self.core.leader != self.node:
            return NotLeader(self.core.leader)
        self.step(control)
        return Done(b"ordered")

    def status(self) -> Status:
        """What it knows."""
        core, now = self.core, self.core.membership
        members = tuple(
            Member(node, self.cluster.nodes[node].peer, self.cluster.nodes[node].client, node in now.learners)
            for node in now.everyone()
        )
        return Status(self.node, core.leader, core.term, core.commit, core.applied, 0, members)

    async def submit(self, command: Command) -> Outcome:
        """Have a command executed."""
        return await self._ask(command.client, command.serial, Submit(command))

    async def query(self, payload: bytes) -> Outcome:
        """Ask."""
        self._asked += 1
        return await self._ask("query", self._asked, Query("query", self._asked, payload))

    @property
    def applied(self) -> int:
        """Its core's."""
        return self.core.applied

    async def confirm(self) -> Outcome:
        """By a query."""
        outcome = await self.query(b"")
        return Done(self.applied.to_bytes(8, "big")) if isinstance(outcome, Done) else outcome

    async def _ask(self, client: str, serial: int, event: Input) -> Outcome:
        future = self._waiting.get((client, serial)) or asyncio.get_running_loop().create_future()
        self._waiting[client, serial] = future
        self.step(event)
        return await asyncio.shield(future)

    def subscribe(self, told: Callable[[Applied | Restored], None]) -> Callable[[], None]:
        """Be told."""
        self._told.append(told)
        return lambda: self._told.remove(told)

    def step(self, event: Input) -> None:
        """Take a step and do what it asks for."""
        self._do(self.core.step(event))

    def _do(self, effects: Effects) -> None:
        if effects.token:
            self._do(self.core.step(Persisted(effects.token)))
        for what in effects.applied:
            for told in self._told:
                told(what)
        for send in effects.sends:
            self.cluster.send(self, send.to, Receive(self.node, send.message))
        for answer in effects.answers:
            future = self._waiting.pop((answer.client, answer.serial), None)
            if future is not None and not future.done():
                future.set_result(answer.outcome)

    def lose_all(self) -> None:
        """Answer all who wait that nobody knows."""
        for future in self._waiting.values():
            if not future.done():
                future.set_result(Lost(None))
        self._waiting.clear()


class LocalCluster:
    """Nodes n1, n2, ..., of which the last, the spares, are no members at first."""

    def __init__(self, nodes: int, spares: int = 0) -> None:
        names = tuple(f"n{n}" for n in range(1, nodes + spares + 1))
        self.nodes: dict[NodeId, LocalReplica] = {}
        for name in names:
            self.nodes[name] = LocalReplica(self, name, names[:nodes])

    def send(self, sender: LocalReplica, to: NodeId, event: Receive) -> None:
        """Deliver a message, soon, unless one of the two is cut off."""
        receiver = self.nodes[to]

        def deliver() -> None:
            if not (sender.cut_off or receiver.cut_off):
                receiver.step(event)

        asyncio.get_running_loop().call_soon(deliver)

    async def elect(self, node: NodeId) -> LocalReplica:
        """Have a node lead."""
        replica = self.nodes[node]
        while replica.core.leader != node:
            replica.step(Campaign())
            for _ in range(20):
                await asyncio.sleep(0)
        return replica
