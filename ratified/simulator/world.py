"""A simulated cluster: nodes with their disks, the network between them, and clients; it does what steps say, and nothing else.

Guarantees: the same seed, nodes and steps give the same run. What a core asks for is done as the contract has it: writes go
to the disk, what must wait for them waits. Everything is checked as it happens; the first broken promise is a BrokenPromise, and
so is an exception out of a core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from ratified.impl.contract import (
    NOTHING,
    Answer,
    Command,
    Core,
    Done,
    Durable,
    Effects,
    Input,
    NodeId,
    Observation,
    Persisted,
    Query,
    Receive,
    Refused,
    Send,
    Submit,
    Tick,
    Token,
)
from ratified.impl.system import BrokenPromise, System
from ratified.simulator.checks import Checks
from ratified.simulator.disk import Disk
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

Link = tuple[NodeId, NodeId]

CALM_ROUNDS = 1_000
"""How many rounds of calm, a tick of every clock each, a cluster has to come to rest."""

STABLE_ROUNDS = 1_000
"""How many rounds of messages may follow from one event without a clock ticking."""


class SimulatedNode:
    """A node: its disk, its core while it is up, and what waits for the disk."""

    __slots__ = ("core", "disk", "held", "lives", "name")

    def __init__(self, name: NodeId, disk: Disk) -> None:
        self.name = name
        self.disk = disk
        self.core: Core | None = None
        self.held: list[Send | Answer] = []
        self.lives = 0


class Watcher:
    """Told of what happens, for transcripts. Does nothing by itself."""

    def step(self, now: int, step: ScheduleStep) -> None:
        """A step is about to be performed."""

    def observation(self, observation: Observation) -> None:
        """A core reports an action."""

    def effects(self, node: SimulatedNode, effects: Effects) -> None:
        """A core asked for effects."""

    def started(self, node: SimulatedNode) -> None:
        """A node started."""

    def remark(self, text: str) -> None:
        """The world says what became of the step."""


class World:
    """A cluster of `nodes` (names, or how many).

    `watcher` is told everything; without one nothing is computed for it. `disks` are what some nodes have on theirs at first,
    instead of what the system puts there.
    """

    def __init__(
        self,
        system: System,
        nodes: int | Iterable[NodeId],
        seed: int = 0,
        watcher: Watcher | None = None,
        disks: Mapping[NodeId, Durable] | None = None,
    ) -> None:
        names = tuple(f"n{i}" for i in range(1, nodes + 1)) if isinstance(nodes, int) else tuple(nodes)
        self.system = system
        self.seed = seed
        self.now = 0  # steps performed; the clock of histories
        self.inputs = 0  # steps of cores
        self.watcher = watcher
        self.checks = Checks(system)
        self.inspector = system.inspector()
        self.network: dict[Link, dict[int, Any]] = {}
        self._sent: dict[Link, int] = {}
        self._cut: set[Link] = set()
        self.news: list[tuple[NodeId, NodeId, int]] = []  # messages that have left since somebody last looked
        self.written: list[tuple[NodeId, Token]] = []  # what disks have been given since
        self.answers: list[tuple[NodeId, Answer]] = []  # what clients have been told since
        disks = {name: system.bootstrap(name, names) for name in names} | dict(disks or {})
        self.nodes = {name: SimulatedNode(name, Disk(disks[name])) for name in names}
        for node in self.nodes.values():
            self._start(node)

    # Performing a step

    def perform(self, step: ScheduleStep) -> None:
        """Do what a step says; nothing if it makes no sense here.

        Raises:
            BrokenPromise: a promise is broken.
        """
        self.now += 1
        if self.watcher is not None:
            self.watcher.step(self.now, step)
        _PERFORM[type(step)](self, step)

    def _deliver(self, step: Deliver) -> None:
        messages = self.network.get((step.sender, step.to))
        if messages is None or step.number not in messages:
            return self._remark("no such message")
        message = messages[step.number] if step.again else messages.pop(step.number)
        node = self.nodes[step.to]
        if (step.sender, step.to) in self._cut:
            return self._remark("lost: the link is cut")
        if node.core is None:
            return self._remark("lost: the receiver is down")
        self._run(node, node.core, Receive(step.sender, message))

    def _lose(self, step: Lose) -> None:
        self.network.get((step.sender, step.to), {}).pop(step.number, None)

    def _pass(self, step: Pass) -> None:
        self._input(step.node, Tick(step.ticks))

    def _persist(self, step: Persist) -> None:
        node = self.nodes.get(step.node)
        if node is None or node.core is None:
            return self._remark("it is down")
        upto = node.disk.pending if step.token is None else step.token
        if not node.disk.persist(upto):
            return self._remark("nothing to write")
        if node.held:
            self._release(node)
        self._run(node, node.core, Persisted(node.disk.persisted))

    def _crash(self, step: Crash) -> None:
        node = self.nodes.get(step.node)
        if node is None or node.core is None:
            return self._remark("it is down")
        node.disk.crash(step.kept)
        node.core = None
        node.held.clear()

    def _restart(self, step: Restart) -> None:
        node = self.nodes.get(step.node)
        if node is None or node.core is not None:
            return self._remark("it is up")
        self._start(node)

    def _cut_link(self, step: Cut) -> None:
        self._cut.add((step.sender, step.to))

    def _partition(self, step: Partition) -> None:
        side = {node: i for i, nodes in enumerate(step.sides) for node in nodes}
        self._cut = {
            (a, b)
            for a in self.nodes
            for b in self.nodes
            if a != b and (a not in side or side[a] != side.get(b))
        }

    def _heal(self, step: Heal) -> None:  # noqa: ARG002 - all steps are performed alike
        self._cut.clear()

    def _ask(self, step: ClientStep) -> None:
        c = step.command
        if not self.checks.history.may_ask(c):
            return self._remark("the client still waits for an answer")
        if step.node in self.nodes:
            self.checks.asked(self.now, c, step.query)
            self._input(step.node, Query(c.client, c.serial, c.payload) if step.query else Submit(c))

    def _order(self, step: Order) -> None:
        self._input(step.node, step.control)

    # What follows from a step

    def _start(self, node: SimulatedNode) -> None:
        node.lives += 1
        durable = node.disk.durable
        random = Random(f"{self.seed}/{node.name}/{node.lives}")  # noqa: S311 - to repeat runs, not to keep secrets
        observer = None if self.watcher is None else self.watcher.observation
        try:
            core = self.system.make(node.name, durable, random, observer)
        except Exception as error:
            raise BrokenPromise(
                "no exception", f"{node.name} cannot be made from its disk: {error!r}"
            ) from error
        node.core = core
        self.checks.started(node.name, core.applied)
        self.inspector.started(core, durable)
        if self.watcher is not None:
            self.watcher.started(node)

    def _input(self, name: NodeId, event: Input) -> None:
        node = self.nodes.get(name)
        if node is None or node.core is None:
            return self._remark("it is down")
        self._run(node, node.core, event)

    def _run(self, node: SimulatedNode, core: Core, event: Input) -> None:
        self.inputs += 1
        try:
            effects = core.step(event)
        except Exception as error:
            raise BrokenPromise(
                "no exception", f"{node.name} raised {error!r} when it was given {event}"
            ) from error
        if effects is not NOTHING:
            self._carry_out(node, effects)
        self.inspector.stepped(core, event, effects)

    def _carry_out(self, node: SimulatedNode, effects: Effects) -> None:
        if self.watcher is not None:
            self.watcher.effects(node, effects)
        if effects.writes:
            if effects.token <= max(node.disk.pending, node.disk.persisted):
                raise BrokenPromise(
                    "tokens", f"{node.name} writes under token {effects.token}, which is not a new one"
                )
            node.disk.write(effects.token, effects.writes)
            self.written.append((node.name, effects.token))
        for what in effects.applied:
            self.checks.applied(node.name, what)
        persisted = node.disk.persisted
        for send in effects.sends:
            if send.after > persisted:
                node.held.append(send)
            else:
                self._send(node, send)
        for answer in effects.answers:
            if answer.after > persisted:
                node.held.append(answer)
            else:
                self._answer(node, answer)

    def _release(self, node: SimulatedNode) -> None:
        persisted = node.disk.persisted
        due = [what for what in node.held if what.after <= persisted]
        node.held = [what for what in node.held if what.after > persisted]
        for what in due:
            if isinstance(what, Send):
                self._send(node, what)
            else:
                self._answer(node, what)

    def _send(self, node: SimulatedNode, send: Send) -> None:
        if send.to not in self.nodes:
            return
        link = (node.name, send.to)
        number = self._sent.get(link, 0) + 1
        self._sent[link] = number
        self.network.setdefault(link, {})[number] = send.message
        self.news.append((node.name, send.to, number))

    def _answer(self, node: SimulatedNode, answer: Answer) -> None:
        self.answers.append((node.name, answer))
        if isinstance(answer.outcome, Done | Refused):
            self.checks.answered(self.now, answer)

    def _remark(self, text: str) -> None:
        if self.watcher is not None:
            self.watcher.remark(text)

    # Calm

    def leader(self) -> NodeId | None:
        """Return who leads: of those who believe to, the one with the highest term."""
        leading = [
            (n.core.term, name)
            for name, n in self.nodes.items()
            if n.core is not None and n.core.leader == name
        ]
        return max(leading)[1] if leading else None

    def stabilise(self, perform: Callable[[ScheduleStep], None] | None = None) -> None:
        """Let disks finish and messages arrive, in the order in which they were sent, until nothing is left; no clock ticks."""
        perform = perform or self.perform
        for _ in range(STABLE_ROUNDS):
            steps: list[ScheduleStep] = [
                Persist(name, node.disk.pending)
                for name, node in self.nodes.items()
                if node.core is not None and node.disk.pending
            ]
            steps += [Deliver(*link, number) for link, sent in self.network.items() for number in sent]
            if not steps:
                return
            for step in steps:
                perform(step)
        raise BrokenPromise("rest", f"messages never stop: after {STABLE_ROUNDS} rounds there are still some")

    def calm(self) -> None:
        """End all faults and wait until a leader is elected, clients have their answers, and every member has applied everything.

        Raises:
            BrokenPromise: this does not come about.
        """
        self.perform(Heal())
        for name, node in self.nodes.items():
            if node.core is None:
                self.perform(Restart(name))
        for round_ in range(CALM_ROUNDS):
            self.stabilise()
            if round_ % 16 == 15:
                self._ask_again()
            if self._at_rest():
                break
            for name in self.nodes:
                self.perform(Pass(name))
        else:
            promise, how = self._unrest()
            raise BrokenPromise(promise, f"after {CALM_ROUNDS} ticks without faults {how}")
        for name in self._members():
            core = self.nodes[name].core
            assert core is not None
            self.checks.settled(name, core.machine)

    def _ask_again(self) -> None:
        """Clients without an answer ask the leader, or everybody where there is none; if all have theirs, one has something new.

        What a protocol owes is that everything is applied as long as there are commands: Raft without no-ops waits for the
        next one.
        """
        leader = self.leader()
        history = self.checks.history
        if leader is not None and not history.open():
            command = Command("calm", len(history) + 1, b"put calm 1")
            self.perform(ClientStep(leader, command))
        for operation in history.open():
            for name in [leader] if leader is not None else list(self.nodes):
                command = Command(operation.client, operation.serial, operation.payload)
                self.perform(ClientStep(name, command, operation.query))

    def _members(self) -> list[NodeId]:
        """Return who must have applied everything in the end."""
        leader = self.leader()
        core = None if leader is None else self.nodes[leader].core
        if core is None or self.system.members is None:
            return list(self.nodes)
        return [name for name in self.system.members(core) if name in self.nodes]

    def _at_rest(self) -> bool:
        if self.checks.history.open() or (self.system.elects and self.leader() is None):
            return False
        cores = [self.nodes[name].core for name in self._members()]
        return all(core is not None and core.applied == self.checks.length for core in cores)

    def _unrest(self) -> tuple[str, str]:
        if self.system.elects and self.leader() is None:
            return "a leader is elected", "there was none"
        waiting = self.checks.history.open()
        if waiting:
            return "clients are answered", f"{waiting[0].client} had no answer to its {waiting[0].serial}"
        behind = [
            f"{name} {core.applied}"
            for name in self._members()
            if (core := self.nodes[name].core) is not None and core.applied != self.checks.length
        ]
        return "all is applied", f"{self.checks.length} entries were applied, but by {', '.join(behind)}"


_PERFORM: dict[type[Any], Callable[[World, Any], None]] = {
    Deliver: World._deliver,
    Lose: World._lose,
    Pass: World._pass,
    Persist: World._persist,
    Crash: World._crash,
    Restart: World._restart,
    Cut: World._cut_link,
    Partition: World._partition,
    Heal: World._heal,
    ClientStep: World._ask,
    Order: World._order,
}
