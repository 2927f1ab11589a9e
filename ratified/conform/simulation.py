"""A simulated run of an implementation, followed by its model as it goes, and what its clients saw decided at the end.

Guarantees: a run is a function of (protocol, nodes, seed, steps), or of (protocol, nodes, seed, schedule); what the simulator
itself would notice is not looked at, so that what is found is found by conformance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import TextIO

from ratified.conform.protocol import Protocol, names_of
from ratified.conform.reference import BackToBack, finder
from ratified.conform.watch import EventWatch
from ratified.follow.binding import BindingError, Event, EventError
from ratified.follow.follower import Follower
from ratified.follow.linearizability import (
    HistoryOutcome,
    HistoryRecorder,
    KeyValue,
    Operation,
    check_history,
)
from ratified.follow.mismatch import told
from ratified.follow.trace import line_of
from ratified.impl.contract import Answer, Applied, Campaign, Command, Compact, Control, NodeId, Restored
from ratified.impl.system import BrokenPromise, NoInspector
from ratified.results.result import Verdict
from ratified.simulator.chaos import Chaos, Faults
from ratified.simulator.checks import Checks
from ratified.simulator.history import ClientHistory
from ratified.simulator.shrinking import leave_out
from ratified.simulator.steps import ClientStep, Crash, Heal, Order, Partition, Pass, Restart, ScheduleStep
from ratified.simulator.world import World

LINEARIZABLE_WITHIN = 200_000
"""Configurations that are looked at to decide what clients of one run saw."""


DIVIDED = Faults(
    loss=0.02, duplication=0.0, delay=1.0, disk_delay=0.5, drift=0.4, crash_every=80.0, partition_every=20.0
)
"""A network that is quick but often divided, so that who has led is asked while another leads."""


class OnlyHistory(Checks):
    """Keeps what clients saw and judges nothing: that is left to conformance."""

    def started(self, node: NodeId, applied: int) -> None:
        """Nothing is asked."""

    def applied(self, node: NodeId, what: Applied | Restored) -> None:
        """Nothing is asked."""

    def asked(self, now: int, command: Command, query: bool) -> None:
        """A client asks."""
        self.history.invoke(now, command, query)

    def answered(self, now: int, answer: Answer) -> bool:
        """A client is answered."""
        return self.history.respond(now, answer)


class Mismatched(Exception):
    """The follower has nothing more to say."""


class Enough(Exception):
    """As many events were told as were asked for."""


class Cluster:
    """A simulated cluster whose every step is followed. `record`, if given, is written each event, `seen` is told.

    Where `most` is given, Enough is raised after so many, or where nothing more can be said.
    """

    def __init__(
        self,
        protocol: Protocol,
        nodes: int,
        seed: int,
        *,
        claims_every: int = 0,
        record: TextIO | None = None,
        most: int | None = None,
        seen: Callable[[Event], None] | None = None,
    ) -> None:
        self.protocol = protocol
        self.follower = Follower(protocol.binding(names_of(nodes)), claims_every=claims_every)
        self.schedule: list[ScheduleStep] = []  # what was performed here
        self.enough = False
        self._record = record
        self._most = most
        self._seen = seen
        self._watch = EventWatch(self._told, at_once=protocol.at_once, disks=protocol.disks)
        reference, actions = protocol.reference, self._watch.actions
        held = partial(BackToBack, reference, actions) if reference is not None else NoInspector
        system = replace(protocol.system(seed), inspector=held)
        self.world = World(system, nodes, seed, self._watch)
        self.world.checks = OnlyHistory(system)
        self._watch.attach(self.world)

    def _told(self, event: Event) -> None:
        if self._record is not None:
            self._record.write(line_of(event))
        if self._seen is not None:
            self._seen(event)
        if not self.follower.is_over:
            try:
                self.follower.step(event)
            except BindingError:
                raise
            except EventError as nonsense:  # what a core has after a restart, say, and should not
                raise BrokenPromise("no exception", f"{event.node}: {nonsense.message}") from nonsense
        if self._most is not None and (self.follower.is_over or self.follower.result.events >= self._most):
            self.enough = (
                True  # a core that is told in the middle of a step passes this on as a failure of its own
            )
            raise Enough

    def perform(self, step: ScheduleStep) -> None:
        """Do a step. Raises Mismatched once the model has not explained something; BrokenPromise of a core's error."""
        self.schedule.append(step)
        self.world.perform(step)
        self.settle()

    def settle(self) -> None:
        """Tell what has become certain. Raises Mismatched."""
        self._watch.settle()
        if self.follower.is_over:
            raise Mismatched

    def linearizable(self) -> HistoryOutcome:
        """Decide what clients saw."""
        return check_history(
            operations_of(self.world.checks.history), KeyValue(), configurations=LINEARIZABLE_WITHIN
        )


def operations_of(history: ClientHistory) -> list[Operation]:
    """The simulator's history, for the decision."""
    recorder = HistoryRecorder()
    latest: dict[object, object] = {}
    for event in history.events():
        client = event["process"]
        if event["type"] == "invoke":
            # A client that goes on without an answer is another process: what it left may still take effect.
            count = latest.get(client, 0)
            assert isinstance(count, int)
            if recorder.open(f"{client}/{count}") is not None:
                latest[client] = count = count + 1
            recorder.call(f"{client}/{count}", str(event["f"]), event["value"], event["key"])
        elif event["type"] == "ok":
            recorder.end(f"{client}/{latest.get(client, 0)}", event["value"])
        else:
            recorder.fail(f"{client}/{latest.get(client, 0)}")
    return list(recorder.history().operations)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of a run. `found` is who found something, if any: checker, reference, linearizability, exception or progress.

    Where it is `calm` after the schedule, progress is asked for (`ratified.conform.stress`); of one core `alone` there is no
    schedule (`ratified.conform.alone`).
    """

    seed: int
    nodes: int
    events: int
    steps: int
    verdict: Verdict
    found: str | None = None
    why: str = ""
    schedule: tuple[ScheduleStep, ...] = ()
    calm: bool = False
    alone: bool = False


def simulated(
    protocol: Protocol,
    seed: int,
    *,
    nodes: int = 3,
    steps: int = 400,
    claims_every: int = 0,
    record: TextIO | None = None,
    most: int | None = None,
) -> Simulated:
    """Let chaos drive a cluster for so many steps, or events if `most` is given, following each.

    Every fourth seed is one of many clients and partitions, and every fourth one in which leaders are cut off and asked; of five
    nodes, some in which the network parts while one configuration takes the place of another.
    """
    cluster = Cluster(protocol, nodes, seed, claims_every=claims_every, record=record, most=most)
    steps = steps if most is None else 10 * most  # some have nothing more to tell at some time
    chaos = Chaos(cluster.world, DIVIDED, clients=6) if seed % 4 == 3 else Chaos(cluster.world)
    change = cluster.world.system.change if nodes >= 5 and seed % 16 == 13 else None
    schedule = cluster.schedule if seed % 4 == 2 or change else chaos.schedule
    broken = ""
    try:
        if seed % 4 == 2:
            depose(cluster, seed, steps)
        elif change:
            rearrange(cluster, seed, steps, change)
        else:
            chaos.run(steps)
        cluster.settle()
    except (Mismatched, Enough):
        pass
    except BrokenPromise as violation:
        broken = "" if cluster.enough else str(violation)
    return outcome(cluster, seed, nodes, schedule, broken)


def depose(cluster: Cluster, seed: int, steps: int) -> None:
    """Have leaders cut off, and asked while others take their place: what chaos seldom comes to by itself."""
    random = Random(f"depose/{seed}")  # noqa: S311 - to repeat runs, not to keep secrets
    world, perform = cluster.world, cluster.perform
    names = list(world.nodes)
    serials: Counter[str] = Counter()

    def ask(node: NodeId, client: str, what: str) -> None:
        serials[client] += 1
        payload = f"get {what}" if client.startswith("r") else f"put {what} {client}.{serials[client]}"
        perform(ClientStep(node, Command(client, serials[client], payload.encode()), client.startswith("r")))

    def elect(node: NodeId, group: list[NodeId]) -> None:
        for _ in range(3):
            for name in group:
                perform(Pass(name, random.randint(6, 12)))  # so that nobody hears a leader any more
            perform(Order(node, Campaign()))
            world.stabilise(perform)

    while world.now < steps:
        old, new = random.sample(names, 2)
        elect(old, names)
        ask(old, "w1", "x")
        world.stabilise(perform)
        if random.random() < 0.5:
            # A client that had its answer, but did not get it, asks once more when another has written.
            ask(old, "w3", "x")
            world.stabilise(perform)
            if seed % 16 == 14:
                # Meanwhile all have come back with nothing but a snapshot of what they had executed.
                for step in (Order(old, Compact()), Crash(old, 0), Restart(old)):
                    for name in names:
                        perform(replace(step, node=name))
                    world.stabilise(perform)
                elect(old, names)
            serial = serials["w1"]
            perform(ClientStep(old, Command("w1", serial, f"put x w1.{serial}".encode())))
            world.stabilise(perform)
            ask(old, "r3", "x")
            world.stabilise(perform)
        rest = [name for name in names if name != old]
        perform(Partition(((old,), tuple(rest))))
        if random.random() < 0.5:
            ask(old, "w2", "x")
        elect(new, rest)
        ask(new, "w1", "x")
        world.stabilise(perform)
        ask(old, "r1", "x")
        ask(new, "r2", "x")
        world.stabilise(perform)
        if random.random() < 0.3:
            perform(Crash(old, 0))
            perform(Restart(old))
        perform(Heal())
        world.stabilise(perform)


def rearrange(
    cluster: Cluster, seed: int, steps: int, change: Callable[[Sequence[NodeId], Sequence[NodeId]], Control]
) -> None:
    """Part the network while voters change, so that one side may have a majority of the old or of the new ones alone."""
    random = Random(f"rearrange/{seed}")  # noqa: S311 - as above
    world, perform = cluster.world, cluster.perform
    names = list(world.nodes)
    serial = 0
    while world.now < steps:
        for name in names:
            perform(Pass(name, random.randint(6, 12)))
        world.stabilise(perform)
        leader = world.leader()
        if leader is None:
            continue
        perform(Order(leader, change(names, ())))
        world.stabilise(perform)
        others = [name for name in names if name != leader]
        side = [leader, *random.sample(others, random.randint(1, len(names) // 2))]
        rest = [name for name in names if name not in side]
        perform(Partition((tuple(side), tuple(rest))))
        here, there = random.randint(1, len(side)), random.randint(0, len(rest))
        voters = random.sample(side, here) + random.sample(rest, there)
        perform(
            Order(leader, change(voters, [n for n in names if n not in voters and random.random() < 0.3]))
        )
        serial += 1
        perform(ClientStep(leader, Command("w", serial, f"put x {serial}".encode())))
        world.stabilise(perform)
        if random.random() < 0.5:
            perform(Crash(leader, 0))
            perform(Restart(leader))
            for name in side:
                perform(Pass(name, random.randint(6, 12)))
                perform(Order(name, Campaign()))
                world.stabilise(perform)
        perform(Heal())
        world.stabilise(perform)


def replayed(
    protocol: Protocol, seed: int, nodes: int, schedule: Iterable[ScheduleStep], *, claims_every: int = 0
) -> Simulated:
    """Perform a schedule, following each step."""
    cluster = Cluster(protocol, nodes, seed, claims_every=claims_every)
    broken = ""
    try:
        for step in schedule:
            cluster.perform(step)
        cluster.settle()
    except Mismatched:
        pass
    except BrokenPromise as violation:
        broken = str(violation)
    return outcome(cluster, seed, nodes, cluster.schedule, broken)


def shrunk(protocol: Protocol, run: Simulated, attempts: int = 400) -> Simulated:
    """A run with fewer steps in which the same is found."""
    if not run.found:
        return run
    best = run
    # Claims take time: they are asked only where nothing else shows it.
    claims = int(replayed(protocol, run.seed, run.nodes, run.schedule).found != run.found)

    def same(fewer: Sequence[ScheduleStep]) -> bool:
        nonlocal best
        tried = replayed(protocol, run.seed, run.nodes, fewer, claims_every=claims)
        if tried.found == run.found:
            best = tried
        return best is tried

    leave_out(run.schedule, same, attempts)
    return best


def outcome(
    cluster: Cluster,
    seed: int,
    nodes: int,
    schedule: Sequence[ScheduleStep],
    broken: str = "",
    stalled: str = "",
) -> Simulated:
    """What came of a run: whether a core has raised, or something has not come about, the caller says."""
    result = cluster.follower.result
    found, why, verdict = None, "", result.verdict
    if result.mismatch is not None and verdict is Verdict.VIOLATED:
        found, why = "checker", told(cluster.follower)
    elif broken:
        found, why, verdict = finder(broken), broken, Verdict.VIOLATED
    elif stalled:
        found, why, verdict = "progress", stalled, Verdict.VIOLATED
    elif verdict is Verdict.UNDECIDED:
        why = result.stopped or ""
    else:
        outcome = cluster.linearizable()
        if outcome.failure is not None:
            from ratified.follow.linearizability.picture import sentence

            found, why, verdict = "linearizability", sentence(outcome.failure), Verdict.VIOLATED
    return Simulated(
        seed, nodes, result.events, cluster.world.now, verdict, found, why, tuple(schedule) if found else ()
    )
