"""Pictures of what implementations did: a simulator's run, and the place where an implementation leaves its model.

Guarantees: pure; the same run gives the same diagram.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratified.diagram.rows import Ending
from ratified.diagram.sequence import DiagramRecorder, SequenceDiagram
from ratified.follow.binding import Event
from ratified.follow.follower import Follower
from ratified.follow.mismatch import explain
from ratified.impl.contract import Effects, Observation
from ratified.impl.system import BrokenPromise
from ratified.impl.text import printed
from ratified.language.values import show
from ratified.simulator.run import SimulatedRun
from ratified.simulator.steps import Crash, Deliver, Lose, Restart, ScheduleStep
from ratified.simulator.transcript import applied, changed
from ratified.simulator.world import SimulatedNode, Watcher, World

ROWS = 24
"""Steps that are drawn; of a longer run, those at its end."""


def run_diagram(run: SimulatedRun, *, rows: int | None = ROWS) -> SequenceDiagram:
    """A run of the simulator, repeated and drawn: what nodes did, their messages, and what went wrong at the end."""
    drawing = _WorldDrawing()
    world = World(run.system, run.nodes, run.seed, drawing)
    heading = f"{run.system.name}, {len(world.nodes)} nodes, seed {run.seed}"
    drawing.attach(world, heading)
    ending = Ending("everything that was watched holds", bad=False)
    try:
        for step in run.schedule:
            world.perform(step)
        world.calm()
    except BrokenPromise as violation:
        ending = Ending("a promise is broken", (str(violation),))
    drawing.departed()
    made = drawing.recorder.diagram(ending)
    return made if rows is None else made.last(rows)


class _WorldDrawing(Watcher):
    """Draws what happens in a world. A row begins when something does: ticks that change nothing have none."""

    def __init__(self) -> None:
        self.recorder = DiagramRecorder("")
        self._world: World | None = None
        self._known: dict[str, Mapping[str, Any]] = {}
        self._flight: dict[tuple[str, str, int], int] = {}
        self._news = 0
        self._now: tuple[int, ScheduleStep | str] = (0, "")
        self._begun = True

    def attach(self, world: World, heading: str) -> None:
        """Begin with the nodes as they are."""
        self._world = world
        self.recorder = DiagramRecorder(heading, list(world.nodes))
        for node in world.nodes.values():
            if node.core is not None:
                self._known[node.name] = node.core.observe()
        self.departed()

    def departed(self) -> None:
        """What has left since: it belongs to the row before."""
        world = self._world
        assert world is not None
        for sender, to, number in world.news[self._news :]:
            message = world.network.get((sender, to), {}).get(number)
            if not self._begun:
                self._row(sender)
            self._flight[sender, to, number] = self.recorder.send(printed(message), sender, to)
        self._news = len(world.news)

    def _row(self, node: str | None) -> None:
        now, step = self._now
        self.recorder.step(f"[{now}] {step}", node)
        self._begun = True

    def step(self, now: int, step: ScheduleStep | str) -> None:
        """See Watcher."""
        self.departed()
        self._now, self._begun = (now, step), False
        if isinstance(step, Deliver):
            self._row(step.to)
            flight = self._flight.get((step.sender, step.to, step.number))
            if flight is not None:
                self.recorder.receive(flight, step.to, consumed=not step.again)
        elif isinstance(step, Lose):
            self._row(None)
            flight = self._flight.get((step.sender, step.to, step.number))
            if flight is not None:
                self.recorder.lose(flight)
        elif isinstance(step, Crash | Restart):
            self._row(step.node)

    def observation(self, observation: Observation) -> None:
        """See Watcher."""
        node, known = observation.node, self._known.get(observation.node, {})
        different = {n: v for n, v in observation.variables.items() if known.get(n) != v}
        self._known[node] = dict(observation.variables)
        if not different or observation.action == "start":
            return
        if not self._begun:
            self._row(node)
        for name, value in different.items():
            self.recorder.change(node, f"{name} {changed(known.get(name), value)}")

    def effects(self, node: SimulatedNode, effects: Effects) -> None:
        """See Watcher."""
        for what in effects.applied:
            if not self._begun:
                self._row(node.name)
            self.recorder.change(node.name, applied(what))

    def started(self, node: SimulatedNode) -> None:
        """See Watcher."""
        if node.core is not None:
            self._known[node.name] = node.core.observe()


def mismatch_diagram(follower: Follower) -> SequenceDiagram:
    """Where an implementation leaves its model: the last events that were explained, and the one that was not.

    What the model would have had stands beside what was observed. `follower` must have come to a mismatch.
    """
    why = explain(follower)
    mismatch = why.mismatch
    recorder = DiagramRecorder(f"{follower.model.module.name}: event {mismatch.number:,} is not explained")
    for event in follower.recent:
        recorder.step(str(event), _who(event))
        for name, value in (event.variables or {}).items():
            recorder.change(_who(event), f"{name} = {printed(value)}")
    recorder.step(str(mismatch.event), _who(mismatch.event))
    near = why.meant[0] if why.meant else why.nearest
    for difference in near.differences if near else ():
        if difference.differs:
            told = f"{difference.place}: observed {show(difference.observed)}, expected {show(difference.expected)}"
            recorder.change(_who(mismatch.event), told)
    reasons = [f"it stands for {b}: {b.reason}" for b in why.blocked]
    if mismatch.claim:
        reasons.append(f"the model explains it, but then {mismatch.claim} is false")
    if near and near.path:
        reasons.append(f"the nearest that the model allows is {', '.join(near.path)}")
    return recorder.diagram(Ending("the model does not explain this event", tuple(reasons)))


def _who(event: Event) -> str:
    return event.node or "system"
