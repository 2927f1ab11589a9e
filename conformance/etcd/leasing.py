"""The time of leases held to its model: nodes that lead one after the other, each with a `Lessor`, over one store.

Commands and queries arrive when the script says so, and may be lost; the client counts by a `Session`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.conformance.etcd.loop import end, loop, spin
from ratified.follow.binding import Event, Names, Observed
from ratified.follow.steps import Steps, do
from ratified.impl.contract import Command, Done, Lost, NotLeader, Outcome
from ratified.impl.etcd.lessor import Lessor, NotHere
from ratified.impl.runtime.replica import Status
from ratified.impl.services.recovery import Session
from ratified.impl.store.store import Store
from ratified.impl.store.values import Expire, Grant, commands
from ratified.language import Map, Set
from ratified.models.etcd.leases import Leasing, Node

NODES = ("n1", "n2", "n3")
TENURES = 6
LEASE = 7


class LeasingBinding(PolicyBinding):
    """All is a step of the model."""

    def __init__(self, ttl: int) -> None:
        self._ttl = ttl
        self.node = Names(Node, len(NODES), NODES)

    def model(self) -> Leasing:
        """With the lease of the subject."""
        return Leasing(Node=len(NODES), tenures=TENURES, ttl=self._ttl)

    def on_time(self) -> Steps:
        """A tick."""
        return do("tick")

    def on_step(self, name: str, at: str) -> Steps:
        """A step at a node."""
        return do(name, n=self.node(at))

    def on_command(self, name: str, named: int) -> Steps:
        """A command arrives, or is lost."""
        return do(name, named=named)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - nodes are in the variables
        """What the store, the nodes and the client know."""
        seen: Observed = {
            ("alive",): variables["alive"],
            ("tenure",): variables["tenure"],
            ("believed",): variables["believed"],
            ("ending",): Set(variables["ending"]),
            ("mine",): Map({self.node(n): mine for n, mine in variables["mine"].items()}),
            ("asking",): Map({self.node(n): asks for n, asks in variables["asking"].items()}),
        }
        left = {("left", self.node(n)): ticks for n, ticks in variables["left"].items()}
        return {**seen, **left}


class _Replica:
    """What a lessor sees of its node: it may be told late that it does not lead any more."""

    def __init__(self, node: str, store: Store) -> None:
        self.node = node
        self.machine = store
        self.leads = False
        self.term = 0
        self.asked: asyncio.Future[Outcome] | None = None
        self.question = b""
        self.ending: dict[int, tuple[bytes, asyncio.Future[Outcome] | None]] = {}

    @property
    def leader(self) -> str | None:
        """Itself, as far as it knows, or it knows of nobody."""
        return self.node if self.leads else None

    def status(self) -> Status:
        """What it believes."""
        return Status(self.node, self.leader, self.term, 0, 0, 0, ())

    async def submit(self, command: Command) -> Outcome:
        """What begins a tenure is executed at once; what ends leases is on its way for a while."""
        op = commands(command.payload)[0]
        if not isinstance(op, Expire):
            return Done(self.machine.apply(command.payload))
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.ending[op.tenure] = (command.payload, future)
        return await future

    async def query(self, payload: bytes) -> Outcome:
        """It is answered when the cluster has confirmed who leads."""
        self.question = payload
        self.asked = asyncio.get_running_loop().create_future()
        return await self.asked


class LeasingSubject(Subject):
    """`Lessor` and `Store`."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "lead": (3,),
        "retire": (3,),
        "tick": (),
        "look": (3,),
        "arrive": (6,),
        "forget": (6,),
        "ask": (3,),
        "confirm": (3,),
        "hear": (3,),
        "renew_and_tick": (3,),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.ttl = 1 + number % 3
        self.now = 0
        end()
        self.loop = loop()
        self.store = Store()
        self.store.execute(Grant(LEASE, self.ttl))
        self.replicas = {name: _Replica(name, self.store) for name in NODES}
        self.lessors = {
            name: Lessor(replica, lambda: self.store, now=lambda: float(self.now))
            for name, replica in self.replicas.items()
        }
        self.client = Session("client")
        self.client.granted(LEASE, 0, self.ttl * 1_000)
        self.ending: dict[int, str] = {}  # commands on their way, and who gave them
        self.steps: dict[str, asyncio.Task[None]] = {}
        self.renewing: dict[str, tuple[asyncio.Task[tuple[int, int]], int]] = {}
        self.answers: dict[str, int] = {}  # when what is answered was asked

    def binding(self) -> LeasingBinding:
        """See Subject."""
        return LeasingBinding(self.ttl)

    def seen(self) -> Mapping[str, Any]:
        """What each knows."""
        alive = LEASE in self.store.leases
        left = {
            name: max(0, int(lessor.deadlines[LEASE]) - self.now)
            for name, lessor in self.lessors.items()
            if alive and lessor.tenure and LEASE in lessor.deadlines
        }
        return {
            "alive": alive,
            "tenure": self.store.tenure,
            "believed": max(0, self.client.leases[LEASE] // 1_000 - self.now),
            "ending": tuple(self.ending),
            "mine": {name: lessor.tenure for name, lessor in self.lessors.items()},
            "asking": {name: name in self.renewing for name in NODES},
            "left": left,
        }

    def step(self, name: str, at: str) -> Event:
        """A step of the model at a node."""
        return self.event("step", name=name, at=at)

    def idle(self, name: str) -> bool:
        """Whether a node looks at the time no more at the moment."""
        return name not in self.steps or self.steps[name].done()

    def run(self, name: str) -> None:
        """Have a node look at who leads and at the time."""
        self.steps[name] = self.loop.create_task(self.lessors[name].step())
        spin()

    def lead(self, number: int) -> Iterable[Event]:
        """A node is elected."""
        name = NODES[number]
        if self.store.tenure < TENURES and self.idle(name):
            replica = self.replicas[name]
            replica.leads = True
            replica.term = self.store.tenure + 1
            self.run(name)
            yield self.step("lead", name)
            yield from self.news()

    def retire(self, number: int) -> Iterable[Event]:
        """A node hears that another was elected."""
        name = NODES[number]
        if self.lessors[name].tenure and self.idle(name):
            self.replicas[name].leads = False
            self.run(name)
            yield self.step("retire", name)

    def tick(self) -> Iterable[Event]:
        """Time goes by."""
        self.now += 1
        yield self.event("time")

    def look(self, number: int) -> Iterable[Event]:
        """A node looks at the time, and may say that the lease is over."""
        name = NODES[number]
        tenure = self.lessors[name].tenure
        if tenure and self.idle(name) and tenure not in self.ending:
            self.run(name)
            if tenure in self.replicas[name].ending:
                self.ending[tenure] = name
                yield self.step("end", name)

    def arrive(self, number: int) -> Iterable[Event]:
        """A command to end the lease is executed."""
        if self.ending:
            named = list(self.ending)[number % len(self.ending)]
            name = self.ending.pop(named)
            payload, future = self.replicas[name].ending.pop(named)
            had = self.lessors[name].tenure
            result = self.store.apply(payload)
            yield self.event("command", name="ended", named=named)
            if future is not None:
                future.set_result(Done(result))
                spin()
                yield from self.retired(name, had)
            yield from self.news()

    def forget(self, number: int) -> Iterable[Event]:
        """Nobody knows what became of a command: its node goes by that; the second time it is lost indeed."""
        if self.ending:
            named = list(self.ending)[number % len(self.ending)]
            name = self.ending[named]
            payload, future = self.replicas[name].ending[named]
            if future is None:
                del self.ending[named], self.replicas[name].ending[named]
                yield self.event("command", name="lose", named=named)
            else:
                had = self.lessors[name].tenure
                self.replicas[name].ending[named] = (payload, None)
                future.set_result(Lost(None))
                spin()
                yield from self.retired(name, had)
            yield from self.news()

    def retired(self, name: str, had: int) -> Iterable[Event]:
        """A node has given up its tenure."""
        if had and not self.lessors[name].tenure:
            yield self.step("retire", name)

    def ask(self, number: int) -> Iterable[Event]:
        """The client asks a node for more time."""
        name = NODES[number]
        if self.lessors[name].tenure and name not in self.renewing and name not in self.answers:
            task = self.loop.create_task(self.lessors[name].renew(LEASE))
            self.renewing[name] = (task, self.now)
            yield self.step("ask", name)
            spin()
            yield from self.news()

    def confirm(self, number: int) -> Iterable[Event]:
        """The cluster says whether a node that was asked leads."""
        name = NODES[number]
        replica = self.replicas[name]
        asked, replica.asked = replica.asked, None
        if asked is not None and not asked.done():
            leads = self.lessors[name].tenure == self.store.tenure
            asked.set_result(Done(self.store.query(replica.question)) if leads else NotLeader(None))
            spin()
            yield from self.news()

    def news(self) -> Iterable[Event]:
        """Renewals that have come to an end."""
        for name, (task, asked) in list(self.renewing.items()):
            if not task.done():
                continue
            del self.renewing[name]
            error = task.exception()
            if error is None and task.result()[0]:
                self.answers[name] = asked
                yield self.step("renew", name)
            elif error is None or isinstance(error, NotHere):
                yield self.step("refuse", name)
            else:
                raise error

    def hear(self, number: int) -> Iterable[Event]:
        """The client hears that it has more time."""
        name = NODES[number]
        if name in self.answers:
            self.client.holds(LEASE, self.now * 1_000)  # so that it knows the time
            self.client.renewed(LEASE, self.answers.pop(name) * 1_000, self.ttl * 1_000)
            yield self.step("hear", name)

    def renew_and_tick(self, number: int) -> Iterable[Event]:
        """A renewal from end to end, and time goes by."""
        yield from self.ask(number)
        yield from self.confirm(number)
        yield from self.tick()
        yield from self.hear(number)
