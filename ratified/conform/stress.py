"""Runs that come to state which chaos seldom reaches, each followed by calm in which progress is asked for.

Messages on a link, or what a disk is given, are held back for long and then come in any order; meanwhile leaders change, logs are
compacted and voters come and go. How often each happens is drawn anew for every run ("swarm testing", Groce et al., ISSTA 2012).

Guarantees: a run is a function of (protocol, seed, nodes), or of these and its schedule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from random import Random

from ratified.conform.progress import StalledError, progress
from ratified.conform.protocol import Protocol
from ratified.conform.simulation import Cluster, Mismatched, Simulated, outcome, rearrange
from ratified.impl.contract import Campaign, Command, Compact, NodeId
from ratified.impl.system import BrokenPromise
from ratified.simulator.chaos import Chaos
from ratified.simulator.shrinking import leave_out
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

STEPS = 260
"""Steps before it is calm."""

SCENES = 4
"""So many times a node falls behind and a leader is overtaken, in runs of nothing else."""

FULL = 60
"""Messages on the way, beyond which some are lost."""


class Late:
    """Decides what happens next to a cluster whose messages and disks are late."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self.world, self.perform = cluster.world, cluster.perform
        self.random = Random(f"late/{seed}")  # noqa: S311 - to repeat runs, not to keep secrets
        self.names = list(self.world.nodes)
        self.serials: Counter[str] = Counter()
        self.held_links: set[tuple[NodeId, NodeId]] = set()
        self.held_disks: set[NodeId] = set()
        self.old: list[tuple[NodeId, NodeId, int]] = []  # messages that have arrived and will once more
        happens: dict[Callable[[], None], float] = {
            self.arrive: 14,
            self.written: 8,
            self.ask: 4,
            self.read: 0.7,
            self.hold_link: 1.5,
            self.release_link: 1.2,
            self.hold_disk: 0.8,
            self.release_disk: 0.8,
            self.compact: 0.8,
            self.tick: 4,
            self.elect: 0.8,
            self.crash: 0.5,
            self.order: 1.0,
            self.change: 0.8,
            self.part: 0.3,
            self.cut: 0.3,
            self.heal: 0.6,
            self.again: 1.0,
            self.long_after: 0.7,
            self.overtake: 1.0,
            self.lag: 1.5,
            self.half_told: 0.8,
        }
        usual = (self.arrive, self.written, self.ask, self.tick, self.elect, self.heal)
        self.happens = list(happens)
        self.weights = [
            w * self.random.choice((0.5, 1, 2) if what in usual else (0, 0, 1, 3))
            for what, w in happens.items()
        ]

    def run(self, steps: int) -> None:
        """Perform about so many steps."""
        self.elect()
        while self.world.now < steps:
            self.random.choices(self.happens, self.weights)[0]()

    def scenes(self, count: int) -> None:
        """Nothing but leaders that are overtaken and nodes that fall behind."""
        self.elect_among(self.names)
        for _ in range(count):
            for scene in (self.lag, self.overtake, self.half_told):
                scene()
                self.heal()
                self.held_links.clear()
                self.held_disks.clear()
                self.flow(self.names)

    def someone(self) -> NodeId:
        """A node, mostly the leader."""
        leader = self.world.leader()
        return leader if leader is not None and self.random.random() < 0.7 else self.random.choice(self.names)

    def on_the_way(self, held: bool) -> list[tuple[NodeId, NodeId, int]]:
        """Messages on links that are held, or on the others."""
        return [
            (*link, n)
            for link, sent in self.world.network.items()
            if (link in self.held_links) is held
            for n in sent
            if (*link, n) not in self.old
        ]

    def arrive(self) -> None:
        """A few messages arrive, mostly the oldest of a link."""
        for _ in range(self.random.randint(1, 4)):
            if not (messages := self.on_the_way(held=False)):
                return
            sender, to, n = self.random.choice(messages)
            if self.random.random() < 0.8:
                n = min(number for *link, number in messages if link == [sender, to])
            lost = len(messages) > FULL and self.random.random() < 0.5
            self.perform(Lose(sender, to, n) if lost else Deliver(sender, to, n))

    def again(self) -> None:
        """A message arrives that will arrive once more: with the others, or much later."""
        if messages := self.on_the_way(held=False):
            message = self.random.choice(messages)
            self.perform(Deliver(*message, again=True))
            if self.random.random() < 0.6:
                self.old.append(message)

    def long_after(self) -> None:
        """An old message arrives again."""
        if self.old:
            self.perform(Deliver(*self.old.pop(self.random.randrange(len(self.old)))))

    def written(self) -> None:
        """A disk finishes what it was given, or a part."""
        names = [n for n in self.names if n not in self.held_disks and self.world.nodes[n].disk.pending]
        if names:
            node = self.world.nodes[self.random.choice(names)]
            upto = self.random.randint(node.disk.persisted + 1, node.disk.pending)
            self.perform(Persist(node.name, upto))

    def ask(self) -> None:
        """A client asks for a change."""
        self.asked("w", f"put {self.random.choice('xy')}", query=False)

    def read(self) -> None:
        """A client reads."""
        self.asked("r", f"get {self.random.choice('xy')}", query=True)

    def asked(self, kind: str, what: str, query: bool) -> None:
        """One of a few clients asks, if it has its last answer, or waits no longer."""
        client = f"{kind}{self.random.randint(1, 3)}"
        if (client, self.serials[client]) in {(o.client, o.serial) for o in self.world.checks.history.open()}:
            if self.random.random() < 0.7:
                return
            client = f"{client}.{self.world.now}"  # it gives up: what it asked for may be done yet
        self.serials[client] += 1
        serial = self.serials[client]
        payload = what if query else f"{what} {client}.{serial}"
        self.perform(ClientStep(self.someone(), Command(client, serial, payload.encode()), query))

    def hold_link(self) -> None:
        """What is sent from one node to another stays on the way."""
        a, b = self.random.sample(self.names, 2)
        self.held_links.add((a, b))

    def release_link(self) -> None:
        """It comes now, in any order, some of it lost."""
        if self.held_links:
            link = self.random.choice(sorted(self.held_links))
            self.held_links.discard(link)
            sent = list(self.world.network.get(link, ()))
            kind = self.random.random()
            if kind < 0.4:
                self.random.shuffle(sent)
            elif kind < 0.6:
                sent.reverse()
            for n in sent:
                lost = self.random.random() < 0.15
                self.perform(Lose(*link, n) if lost else Deliver(*link, n))

    def hold_disk(self) -> None:
        """A disk stalls."""
        self.held_disks.add(self.someone())

    def release_disk(self) -> None:
        """It goes on."""
        if self.held_disks:
            self.held_disks.discard(self.random.choice(sorted(self.held_disks)))

    def compact(self) -> None:
        """A node takes a snapshot."""
        self.perform(Order(self.someone(), Compact()))

    def tick(self) -> None:
        """Time goes by somewhere, or everywhere."""
        ticks = self.random.choice((1, 1, 2, 6))
        for name in self.names if self.random.random() < 0.3 else (self.someone(),):
            self.perform(Pass(name, ticks))

    def elect(self) -> None:
        """Some have not heard of a leader for long, and one of them stands."""
        some = self.random.sample(self.names, self.random.randint(len(self.names) // 2 + 1, len(self.names)))
        for name in some:
            self.perform(Restart(name))
            self.perform(Pass(name, self.random.choice((6, 6, 12))))
        self.perform(Order(some[0], Campaign()))
        if self.random.random() < 0.7:
            self.flow(some)

    def flow(self, some: Sequence[NodeId]) -> None:
        """Among these all arrives and is written for a while, but for what is held."""
        for _ in range(6):
            if self.random.random() < 0.05:
                self.perform(Order(self.random.choice(some), Compact()))
            for name in some:
                if name not in self.held_disks:
                    self.perform(Persist(name))
            for sender, to, n in self.on_the_way(held=False):
                if sender in some and to in some:
                    self.perform(Deliver(sender, to, n))

    def crash(self) -> None:
        """A node crashes, in the middle of a write, and mostly starts again at once."""
        name = self.someone()
        self.perform(Crash(name, self.random.randint(0, self.world.nodes[name].disk.units())))
        if self.random.random() < 0.8:
            self.perform(Restart(name))

    def order(self) -> None:
        """An operator orders something."""
        if self.world.system.order is not None:
            self.perform(Order(self.someone(), self.world.system.order(self.random, self.names)))

    def change(self) -> None:
        """Voters change."""
        change = self.world.system.change
        if change is not None:
            for _ in range(
                self.random.choice((1, 1, 2))
            ):  # the second must be refused while the first is under way
                voters = self.random.sample(self.names, self.random.randint(2, len(self.names)))
                rest = [name for name in self.names if name not in voters]
                learners = self.random.sample(rest, self.random.randint(0, len(rest)))
                self.perform(Order(self.someone(), change(voters, learners)))
            if self.random.random() < 0.4:
                self.compact()  # a snapshot has the voters of what it stands for

    def part(self) -> None:
        """The network parts."""
        cut = self.random.randint(1, len(self.names) - 1)
        names = self.random.sample(self.names, len(self.names))
        self.perform(Partition((tuple(names[:cut]), tuple(names[cut:]))))

    def cut(self) -> None:
        """Some do not hear each other, but others hear both."""
        for _ in range(self.random.randint(1, 2)):
            one, other = self.random.sample(self.names, 2)
            self.perform(Cut(one, other))
            if self.random.random() < 0.6:
                self.perform(Cut(other, one))

    def half_told(self) -> None:
        """Of what a leader is asked some arrives with some, in any order; then another leads that may not have heard of it."""
        old = self.world.leader()
        if old is None or len(self.names) < 3:
            return
        for _ in range(self.random.randint(1, 5)):
            self.put(old)
            if self.random.random() < 0.5:
                self.perform(Persist(old))
        rest = [name for name in self.names if name != old]
        for name in rest:
            for n in self.random.sample(sent := list(self.world.network.get((old, name), ())), len(sent)):
                arrives = self.random.random() < 0.5
                self.perform(Deliver(old, name, n) if arrives else Lose(old, name, n))
        self.perform(Partition(((old,), tuple(rest))))
        self.elect_among(rest)
        new = self.world.leader()
        if new in rest:
            self.put(new)
        self.flow(rest)
        self.perform(Heal())

    def overtake(self) -> None:
        """A leader that is cut off is asked, and overtaken before its disk has what it was asked for, which others replace."""
        old = self.world.leader()
        if old is None or len(self.names) < 3:
            return
        rest = [name for name in self.names if name != old]
        self.perform(Partition(((old,), tuple(rest))))
        if self.random.random() < 0.6:
            self.held_disks.add(old)
        for _ in range(self.random.choice((1, 2, 3, 8))):
            self.put(old)
        self.elect_among(rest)
        new = self.world.leader()
        if new is None or new == old:
            return
        for _ in range(self.random.choice((0, 1, 2, 5))):
            self.put(new)
        self.flow(self.names)  # what crosses the cut is lost
        if self.random.random() < 0.6:
            self.perform(
                Order(new, Compact())
            )  # so that the other may have more than the snapshot that it is sent
        self.perform(Heal())
        node = self.world.nodes[old]
        for _ in range(self.random.randint(3, 9)):
            self.perform(Pass(new, 1))
            self.bring(new, old, self.random.randint(1, 3))
            if node.core is not None and node.disk.pending and self.random.random() < 0.6:
                self.perform(Persist(old, node.disk.persisted + self.random.randint(1, 2)))
            self.bring(old, new)
        self.held_disks.discard(old)
        if self.random.random() < 0.4:
            self.perform(Crash(old, self.random.randint(0, node.disk.units())))
            self.perform(Restart(old))

    def lag(self) -> None:
        """A node that fell behind is sent entries, and then, before they arrive, a snapshot of the first of these."""
        self.heal()
        self.held_links.clear()
        self.held_disks.clear()
        self.flow(self.names)
        leader = self.world.leader()
        if leader is None or len(self.names) < 3:
            return
        behind = self.random.choice([name for name in self.names if name != leader])
        rest = [name for name in self.names if name != behind]
        self.perform(Partition(((behind,), tuple(rest))))
        for _ in range(self.random.randint(1, 4)):
            self.put(leader)
        self.flow(self.names)  # what crosses the cut is lost
        if self.random.random() < 0.7:
            self.elect_among(rest)
            self.flow(self.names)
        leader = self.world.leader()
        if leader is None or leader == behind:
            return
        self.perform(Heal())
        self.perform(Pass(leader, 3))
        self.bring(leader, behind)
        self.held_links.update((leader, name) for name in self.names if name != leader)
        for _ in range(self.random.randint(1, 6)):
            self.put(leader)
        self.perform(Persist(behind))
        self.bring(behind, leader)  # where their logs agree; what is sent now stays on the way
        others = [name for name in rest if name != leader]
        self.held_links.difference_update((leader, name) for name in others)
        for _ in range(self.random.randint(1, 3)):
            for name in self.random.sample(others, self.random.randint(1, len(others))):
                for sender, to in ((leader, name), (name, leader)):
                    self.perform(Persist(leader))
                    self.perform(Persist(name))
                    self.bring(sender, to, self.random.randint(1, 4))
        self.perform(Order(leader, Compact()))
        for _ in range(self.random.randint(1, 4)):
            self.perform(Pass(leader, 2))
        self.held_links.discard((leader, behind))
        self.bring(leader, behind, self.random.randint(1, 6))
        if self.random.random() < 0.3:
            self.perform(Crash(behind, self.random.randint(0, 3)))
            self.perform(Restart(behind))
        self.flow(self.names)

    def bring(self, sender: NodeId, to: NodeId, most: int = 99) -> None:
        """What one has sent to another arrives, in order."""
        for n in sorted(self.world.network.get((sender, to), ()))[:most]:
            self.perform(Deliver(sender, to, n, again=self.random.random() < 0.25))  # it comes again later

    def put(self, to: NodeId) -> None:
        """A client of its own asks this node."""
        self.serials["p"] += 1
        name = f"p{self.serials['p']}"
        self.perform(ClientStep(to, Command(name, 1, f"put x {name}".encode())))

    def elect_among(self, some: Sequence[NodeId]) -> None:
        """One of these stands, until one leads."""
        for name in some:
            self.perform(Restart(name))
            self.perform(Pass(name, 6))  # enough to hear no leader any more, and seldom to stand at once
        for _ in range(4):
            self.perform(Order(self.random.choice(some), Campaign()))
            self.flow(some)
            if self.world.leader() in some:
                return

    def heal(self) -> None:
        """It is whole again, and all run."""
        self.perform(Heal())
        for name in self.names:
            self.perform(Restart(name))


def stressed(protocol: Protocol, seed: int, *, nodes: int = 3, claims_every: int = 0) -> Simulated:
    """Stress a cluster, then see that it makes progress in calm. Some begin with plain chaos, or with changes of voters."""
    cluster = Cluster(protocol, nodes, seed, claims_every=claims_every)
    schedule = cluster.schedule
    messed: list[ScheduleStep] = []

    def run() -> None:
        nonlocal messed
        change = cluster.world.system.change
        if seed % 8 == 5 and nodes >= 5 and change is not None:
            rearrange(cluster, seed, STEPS // 2, change)
        elif seed % 4 == 3:
            chaos = Chaos(cluster.world)
            try:
                chaos.run(STEPS)
            finally:
                schedule[:0] = chaos.schedule
            cluster.settle()
        elif seed % 4 == 2:
            Late(cluster, seed).scenes(SCENES)
        else:
            Late(cluster, seed).run(STEPS)
        messed = list(schedule)
        progress(cluster, seed)

    return _judged(cluster, seed, nodes, run, lambda: messed or schedule)


def restressed(
    protocol: Protocol, seed: int, nodes: int, schedule: Iterable[ScheduleStep], *, claims_every: int = 0
) -> Simulated:
    """Perform a schedule, then ask for progress."""
    cluster = Cluster(protocol, nodes, seed, claims_every=claims_every)
    kept = list(schedule)

    def run() -> None:
        for step in kept:
            cluster.perform(step)
        progress(cluster, seed)

    return _judged(cluster, seed, nodes, run, lambda: kept)


def _judged(
    cluster: Cluster,
    seed: int,
    nodes: int,
    run: Callable[[], None],
    schedule: Callable[[], list[ScheduleStep]],
) -> Simulated:
    broken = stalled = ""
    try:
        run()
        cluster.settle()
    except Mismatched:
        pass
    except BrokenPromise as violation:
        broken = str(violation)
    except StalledError as error:
        stalled = str(error)
    return replace(outcome(cluster, seed, nodes, schedule(), broken, stalled), calm=True)


def shrunk_stress(protocol: Protocol, run: Simulated, attempts: int = 200) -> Simulated:
    """A run with fewer steps before it is calm, in which the same is found."""
    best = run

    def same(fewer: Sequence[ScheduleStep]) -> bool:
        nonlocal best
        tried = restressed(protocol, run.seed, run.nodes, fewer)
        if tried.found == run.found:
            best = tried
        return best is tried

    if run.found:
        leave_out(run.schedule, same, attempts)
    return best
