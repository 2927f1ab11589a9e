"""Watches a simulated cluster and tells, as events, what a follower of it has to know.

What a core does counts, for others, from when it is durable; until then a crash can undo it. So a node's events wait, in their
order, for their writes; what was still waiting when the node crashed is told when it starts again, as not certain, and what
is then observed decides. Events named in `at_once` do not wait: what they tell others needs nothing to be written. Where `disks`
is set none does, and what is on the disks is told besides, as events `durable`: for models that know of disks.

Guarantees: events come in an order in which they can have happened; nothing that happened is left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from ratified.follow.binding import Event
from ratified.impl.contract import Durable, NodeId, Observation
from ratified.impl.text import plain
from ratified.simulator.steps import ScheduleStep
from ratified.simulator.world import SimulatedNode, Watcher, World

CONSEQUENCES = ("advance_commit", "apply", "compact", "append")
"""What may follow, in the same step, from a message that is handled."""


class EventWatch(Watcher):
    """Tells `told` of every event. Hand it to a World, then `attach` that."""

    def __init__(
        self, told: Callable[[Event], None], *, at_once: Collection[str] = (), disks: bool = False
    ) -> None:
        self._told = told
        self._at_once = at_once
        self._of_disks = disks
        self._world: World | None = None
        self._waiting: dict[NodeId, deque[tuple[int, Event]]] = {}
        self._disks: dict[NodeId, Any] = {}  # what was told of them last
        self._moments: dict[
            NodeId, tuple[int, int]
        ] = {}  # when that was: what has been written only changes so
        self.actions: list[str] = []  # that were observed, for whoever looks, and empties it
        self._step: list[Event] = []  # of the step under way, where nothing waits for disks

    def attach(self, world: World) -> None:
        """Begin: the nodes of the world have been started."""
        self._world = world
        if self._of_disks:
            for node in world.nodes.values():
                node.disk.stages = []

    def step(self, now: int, step: ScheduleStep | str) -> None:  # noqa: ARG002 - as Watcher has it
        """Whatever is durable by now has happened."""
        self.settle()

    def settle(self) -> None:
        """Tell what has become certain. To be called at the end, too."""
        world = self._world
        if world is None:
            return
        if self._of_disks:
            for node in world.nodes.values():
                self._tell_disk(node)
            self._tell_step()
            return
        for name, waiting in self._waiting.items():
            node = world.nodes[name]
            while waiting and node.core is not None and waiting[0][0] <= node.disk.persisted:
                self._told(waiting.popleft()[1])

    def observation(self, observation: Observation) -> None:
        """A core has acted."""
        self.actions.append(observation.action)
        name = observation.node
        event = Event(observation.action, plain(observation.arguments), name, plain(observation.variables))
        if self._of_disks:
            if self._step and self._step[-1].node != name:
                self._tell_step()
            if event.action == "start" and self._world is not None:
                self._tell_disk(self._world.nodes[name])
            self._step.append(event)
            return
        if observation.action in self._at_once:
            self.settle()
            # Its variables show what waits, too.
            self._told(replace(event, variables=None))
            return
        core = self._world.nodes[name].core if self._world is not None else None
        # An action waits for what was written up to it, and not for what the same step writes later.
        token = getattr(core, "token", 0)
        waiting = self._waiting.setdefault(name, deque())
        waiting.append((max(token, waiting[-1][0]) if waiting else token, event))

    def started(self, node: SimulatedNode) -> None:
        """A node is there, perhaps again."""
        core = node.core
        assert core is not None
        if self._of_disks:
            self._tell_step()
            return
        for _, event in self._waiting.pop(node.name, ()):
            self._told(Event(event.action, event.arguments, event.node, event.variables, certain=False))
        self._told(Event("start", {}, node.name, plain(core.observe())))

    def _tell_step(self) -> None:
        """Tell what one step of a core consisted of; what could be seen, at its end.

        Handlers report when they are done, after what they have led to: they are told first of that.
        """
        events, self._step = self._step, []
        if not events:
            return
        seen = events[-1].variables
        ordered: list[Event] = []
        for event in events:
            at = len(ordered)
            if event.action.startswith("handle_"):
                at = next((n for n, e in enumerate(ordered) if e.action in CONSEQUENCES), at)
            ordered.insert(at, replace(event, variables=None))
        for event in ordered[:-1]:
            self._told(event)
        self._told(replace(ordered[-1], variables=seen))

    def _tell_disk(self, node: SimulatedNode) -> None:
        """What is on a disk, if that has changed."""
        disk = node.disk
        moment = (node.lives, disk.persisted)
        if self._moments.get(node.name) == moment:
            return
        self._moments[node.name] = moment
        # Several tokens may become durable at once; what others are told of one of them speaks of what was there with it.
        stages, disk.stages = disk.stages or [], []
        for durable in (*stages[:-1], disk.durable):
            if self._disks.get(node.name) != durable:
                self._disks[node.name] = durable
                self._told(_disk_event(node.name, durable))


def _disk_event(name: NodeId, durable: Durable) -> Event:
    entries = [durable.entries[i] for i in sorted(durable.entries)]
    return Event(
        "durable",
        {
            "record": plain(durable.record),
            "first": min(durable.entries, default=1),
            "entries": plain(entries),
            "snapshot": durable.snapshot.index if durable.snapshot else 0,
        },
        name,
    )
