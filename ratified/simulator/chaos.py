"""Chaos: decides at random what happens next to a cluster, in virtual time, with everything going wrong that may.

Guarantees: the same seed makes the same decisions; every decision is a step of the schedule that is returned.

Virtual time is counted in ticks of a perfect clock. How bad things are is drawn anew for every seed, between nothing and the
limits in `Faults`: some runs are almost calm, some lose every third message.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from random import Random

from ratified.impl.contract import Answer, Command, Done, NodeId, NotLeader, Refused
from ratified.simulator.steps import (
    ClientStep,
    Crash,
    Cut,
    Deliver,
    Heal,
    Lose,
    Order,
    Partition,
    Pass,
    Persist,
    Restart,
    ScheduleStep,
)
from ratified.simulator.world import World


@dataclass(frozen=True, slots=True)
class Faults:
    """The worst that a run may draw. Probabilities are per message, delays in ticks, intervals in ticks between two of a kind."""

    loss: float = 0.3
    duplication: float = 0.2
    delay: float = 4.0
    disk_delay: float = 3.0
    stalled_disk: float = 0.03  # how often a write takes ten times as long
    granularity: int = 4  # a clock is looked at every so many ticks
    drift: float = 0.4  # clocks run so much faster or slower
    pause: float = 0.02  # how often a node stands still for a while
    partition_every: float = 60.0  # 0: never; so below
    crash_every: float = 50.0
    order_every: float = 40.0
    hunt: float = 0.3  # how often a run has a hunter: whoever comes to lead is given an order, crashes or is cut off before long

    def drawn(self, random: Random) -> Faults:
        """Draw how bad one run is."""
        return replace(
            self,
            loss=self.loss * random.choice((0, 0.1, 0.3, 1)),
            duplication=self.duplication * random.choice((0, 0.5, 1)),
            delay=self.delay * random.choice((0.05, 0.1, 0.25, 0.5, 1)),
            disk_delay=self.disk_delay * random.choice((0.02, 0.1, 0.3, 1)),
            granularity=random.randint(1, self.granularity),
            partition_every=self.partition_every * random.choice((0, 0.5, 1, 2)),
            crash_every=self.crash_every * random.choice((0, 0.5, 1, 2)),
            hunt=float(random.random() < self.hunt),
        )


EVERY_FAULT = Faults()
NO_FAULTS = Faults(
    loss=0,
    duplication=0,
    delay=1,
    disk_delay=1,
    stalled_disk=0,
    granularity=2,
    drift=0,
    pause=0,
    partition_every=0,
    crash_every=0,
    order_every=0,
    hunt=0,
)


@dataclass(slots=True)
class Client:
    """A client: one operation at a time, sent again and elsewhere until there is an answer."""

    name: str
    serial: int = 0
    command: Command | None = None
    query: bool = False
    target: NodeId = ""
    patience: float = 0.3  # how likely it asks the same node again when there is no answer
    timer: int = 0  # its next turn, later ones having taken the place of earlier ones


class Chaos:
    """Drives a world for so many steps."""

    def __init__(self, world: World, faults: Faults = EVERY_FAULT, clients: int = 3) -> None:
        self._world = world
        self._random = Random(f"chaos/{world.seed}")  # noqa: S311 - to repeat runs, not to keep secrets
        self._faults = faults.drawn(self._random) if faults is EVERY_FAULT else faults
        self._names = tuple(world.nodes)
        self._queue: list[tuple[float, int, ScheduleStep | str]] = []
        self._count = 0
        self._now = 0.0
        self._rate: dict[NodeId, float] = {}
        self._free: dict[NodeId, float] = dict.fromkeys(
            self._names, 0.0
        )  # when a disk is done with what it has
        self._clients = {f"c{i}": Client(f"c{i}") for i in range(1, clients + 1)}
        self._prey: tuple[NodeId, int] | None = None  # who leads, and in which term
        self.schedule: list[ScheduleStep] = []

    def run(self, steps: int) -> list[ScheduleStep]:
        """Perform so many steps and return them. What was done before a Violation is in `schedule`."""
        self._begin()
        world, queue = self._world, self._queue
        while len(self.schedule) < steps:
            self._now, _, what = heapq.heappop(queue)
            for step in self._decide(what) if isinstance(what, str) else (what,):
                self.schedule.append(step)
                world.perform(step)
                if world.news or world.written or world.answers:
                    self._follow_up()
        return self.schedule

    def _at(self, delay: float, what: ScheduleStep | str) -> None:
        self._count += 1
        heapq.heappush(self._queue, (self._now + delay, self._count, what))

    def _soon(self, mean: float) -> float:
        """Draw a delay of that mean, most of them shorter and a few much longer."""
        return self._random.expovariate(1 / mean) if mean else 0.0

    def _begin(self) -> None:
        random, faults = self._random, self._faults
        for name in self._names:
            self._rate[name] = 1 + random.uniform(-faults.drift, faults.drift)
            self._at(random.random(), f"tick {name}")
        for client in self._clients.values():
            client.patience = random.choice((0.1, 0.3, 0.95))
            self._wake(client, self._soon(10))
        for kind, every in (
            ("crash", faults.crash_every),
            ("partition", faults.partition_every if len(self._names) > 1 else 0),
            ("order", faults.order_every if self._world.system.order is not None else 0),
        ):
            if every:
                self._at(self._soon(every), kind)

    # What has come of a step

    def _follow_up(self) -> None:
        world, random, faults = self._world, self._random, self._faults
        if faults.hunt:
            self._follow_leader()
        for sender, to, number in world.news:
            if random.random() < faults.loss:
                self._at(0, Lose(sender, to, number))
                continue
            if random.random() < faults.duplication:
                self._at(self._soon(faults.delay), Deliver(sender, to, number, again=True))
                self._at(self._soon(4 * faults.delay), Deliver(sender, to, number))
            else:
                self._at(self._soon(faults.delay), Deliver(sender, to, number))
        for name, token in world.written:
            slow = 10 if random.random() < faults.stalled_disk else 1
            done = max(self._free[name], self._now) + self._soon(faults.disk_delay * slow)
            self._free[name] = done
            self._at(done - self._now, Persist(name, token))
        for node, answer in world.answers:
            self._heard(node, answer)
        world.news.clear()
        world.written.clear()
        world.answers.clear()

    def _heard(self, node: NodeId, answer: Answer) -> None:
        client = self._clients.get(answer.client)
        if client is None or client.command is None or answer.serial != client.serial:
            return
        if isinstance(answer.outcome, Done | Refused):
            client.command = None
            client.target = node
            self._wake(client, self._soon(2))
        elif isinstance(answer.outcome, NotLeader) and node == client.target:
            client.target = answer.outcome.leader or self._random.choice(self._names)
            self._wake(client, self._soon(1 if answer.outcome.leader else 8))

    # Decisions that are put off until their time comes, since they depend on what there is then

    def _decide(self, what: str) -> tuple[ScheduleStep, ...]:
        match what.split(" "):
            case ["tick", name]:
                return self._tick(name)
            case ["client", name, timer]:
                client = self._clients[name]
                return self._ask(client) if client.timer == int(timer) else ()
            case ["crash"]:
                return self._crash()
            case ["partition"]:
                return self._partition()
            case ["strike", name]:
                return self._strike(name)
        return self._order()

    def _tick(self, name: NodeId) -> tuple[ScheduleStep, ...]:
        random = self._random
        ticks = self._faults.granularity
        pause = random.randrange(2, 20) if random.random() < self._faults.pause else 0
        self._at((ticks + pause) / self._rate[name], f"tick {name}")
        return (Pass(name, ticks),) if self._world.nodes[name].core is not None else ()

    def _ask(self, client: Client) -> tuple[ScheduleStep, ...]:
        random = self._random
        if client.command is None:
            client.serial += 1
            client.query = random.random() < 0.4
            client.command = Command(client.name, client.serial, self._payload(client))
            client.target = client.target or random.choice(self._names)
        elif random.random() > client.patience:
            client.target = random.choice(self._names)  # no answer: perhaps another node gives one
        self._wake(client, 5 + self._soon(10))
        return (ClientStep(client.target, client.command, client.query),)

    def _wake(self, client: Client, delay: float) -> None:
        """It is a client's turn after a while, and not when it was to be."""
        client.timer += 1
        self._at(delay, f"client {client.name} {client.timer}")

    def _payload(self, client: Client) -> bytes:
        random = self._random
        key = random.choice("xy")
        value = f"{client.name}.{client.serial}"
        if client.query:
            return f"get {key}".encode()
        kind = random.random()
        if kind < 0.6:
            return f"put {key} {value}".encode()
        if kind < 0.8:
            return f"delete {key}".encode()
        return f"cas {key} {random.choice(list(self._clients))}.{max(1, client.serial - 1)} {value}".encode()

    def _crash(self) -> tuple[ScheduleStep, ...]:
        random = self._random
        self._at(self._soon(self._faults.crash_every), "crash")
        up = [node for node in self._world.nodes.values() if node.core is not None]
        if not up:
            return ()
        leader = self._world.leader()
        victims = [random.choice(up).name]
        if leader is not None and random.random() < 0.3:
            victims = [leader]
        elif random.random() < 0.1:
            victims = [node.name for node in up]  # the power fails
        return tuple(self._crash_of(name) for name in victims)

    def _crash_of(self, name: NodeId) -> ScheduleStep:
        """A node crashes, and starts again after a while."""
        units = self._world.nodes[name].disk.units()
        self._free[name] = self._now
        self._at(self._soon(20), Restart(name))
        return Crash(name, self._random.randint(0, units))

    def _follow_leader(self) -> None:
        """Somebody else leads, or again: it will not for long."""
        leader = self._world.leader()
        core = None if leader is None else self._world.nodes[leader].core
        if leader is not None and core is not None and self._prey != (leader, core.term):
            self._prey = (leader, core.term)
            self._at(self._soon(self._random.choice((0, 2, 15))), f"strike {leader}")
            if self._world.system.order is not None and self._random.random() < 0.5:
                self._at(0, Order(leader, self._world.system.order(self._random, self._names)))

    def _strike(self, name: NodeId) -> tuple[ScheduleStep, ...]:
        """A leader crashes, or is cut off with some of its followers or none."""
        random = self._random
        if self._world.nodes[name].core is None:
            return ()
        if random.random() < 0.5:
            return (self._crash_of(name),)
        others = [other for other in self._names if other != name]
        with_it = random.sample(others, random.randint(0, (len(self._names) - 1) // 2))
        self._at(10 + self._soon(15), Heal())
        return (Partition(((name, *with_it), tuple(other for other in others if other not in with_it))),)

    def _partition(self) -> tuple[ScheduleStep, ...]:
        random, names = self._random, self._names
        self._at(self._soon(self._faults.partition_every), "partition")
        self._at(self._soon(self._faults.partition_every / 2), Heal())
        kind = random.random()
        if kind < 0.4:
            shuffled = random.sample(names, len(names))
            cut = random.randint(1, len(names) - 1)
            return (Partition((tuple(shuffled[:cut]), tuple(shuffled[cut:]))),)
        one = self._world.leader() if kind < 0.7 else None
        one = one or random.choice(names)
        others = [name for name in names if name != one]
        if kind < 0.6:
            return (Partition(((one,), tuple(others))),)
        if kind < 0.8:  # it hears nobody, or nobody hears it
            return tuple(Cut(*(other, one) if kind < 0.7 else (one, other)) for other in others)
        return (Cut(one, random.choice(others)),)

    def _order(self) -> tuple[ScheduleStep, ...]:
        self._at(self._soon(self._faults.order_every), "order")
        order = self._world.system.order
        assert order is not None
        leader = self._world.leader() or self._random.choice(self._names)
        return (Order(leader, order(self._random, self._names)),)
