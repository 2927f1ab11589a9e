"""Transcripts: a run as text that reads line by line: step, node, term, what happened; below it what changed and what was sent.

     12  n2 term 0  tick 1
           pre_campaign: role follower -> pre-candidate
           n2 -> n1  #4  PreVote(term=1, ...)

Guarantees: the same run gives the same bytes; no line is longer than 100 columns.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from ratified.impl.contract import (
    Applied,
    Busy,
    Command,
    Done,
    Effects,
    Lost,
    NodeId,
    NotLeader,
    Observation,
    Restored,
    Truncate,
    Write,
    WriteEntries,
    WriteRecord,
)
from ratified.impl.text import printed, shown
from ratified.simulator.checks import described
from ratified.simulator.steps import (
    ClientStep,
    Crash,
    Deliver,
    Order,
    Pass,
    Persist,
    Restart,
    ScheduleStep,
    words_of,
)
from ratified.simulator.world import SimulatedNode, Watcher, World

WIDTH = 100
INDENT = " " * 7


class Transcript(Watcher):
    """Writes down what happens in a world. Call `attach` with the world before anything is performed."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._known: dict[NodeId, Mapping[str, Any]] = {}
        self._world: World | None = None
        self.quiet = False

    def attach(self, world: World) -> None:
        """Begin with the nodes as they are."""
        self._world = world
        for node in world.nodes.values():
            if node.core is not None:
                self._known[node.name] = node.core.observe()

    def text(self) -> str:
        """Return what was written so far."""
        return "".join(f"{line}\n" for line in self._lines)

    def say(self, line: str) -> None:
        """Write a line as it is, even when quiet."""
        self._lines.append(line)

    def write(self, line: str, indent: str = "") -> None:
        """Write a line, wrapped; nothing when quiet."""
        if self.quiet:
            return
        self._lines += textwrap.wrap(
            line,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=f"{indent}    ",
            break_on_hyphens=False,
            drop_whitespace=True,
        )

    def step(self, now: int, step: ScheduleStep) -> None:
        """Write the line of a step."""
        self.write(f"{now:>4}  {self._headline(step)}")

    def _headline(self, step: ScheduleStep) -> str:
        match step:
            case Deliver(sender, to, number, again):
                message = self._world.network.get((sender, to), {}).get(number) if self._world else None
                copy = " (a copy)" if again else ""
                return f"{self._who(to)}  receives from {sender} #{number}{copy}: {printed(message)}"
            case Pass(node, ticks):
                return f"{self._who(node)}  tick {ticks}"
            case Persist(node, _):
                return f"{self._who(node)}  {str(step).replace(f' {node}', '', 1)}"
            case Crash(node, kept):
                return (
                    f"{self._who(node)}  crash, {kept} unit{'s' * (kept != 1)} of what was being written kept"
                )
            case Restart(node):
                return f"{self._who(node)}  restart"
            case ClientStep(node, command, query):
                what = "query" if query else "submit"
                return (
                    f"{self._who(node)}  {what} {command.client} {command.serial}: {shown(command.payload)}"
                )
            case Order(node, control):
                return f"{self._who(node)}  {' '.join(words_of(control))}"
        return str(step)

    def _who(self, name: NodeId) -> str:
        node = self._world.nodes.get(name) if self._world else None
        if node is None:
            return f"{name} unknown"
        return f"{name} down" if node.core is None else f"{name} term {node.core.term}"

    def observation(self, observation: Observation) -> None:
        """Write an action and what it changed.

        What a node starts with, and what it applies, is written later, with more about it. Of the handling of a message,
        which has its own line, only the changes are told.
        """
        if observation.action == "start":
            return
        changes = self._changes(observation.node, observation.variables)
        if observation.action == "apply":
            return
        if "message" in observation.arguments or observation.action == "persisted":
            if changes:
                self.write(changes, INDENT)
            return
        about = ", ".join(f"{k}={printed(v)}" for k, v in observation.arguments.items())
        self.write(
            f"{observation.action}{f'({about})' if about else ''}{': ' * bool(changes)}{changes}", INDENT
        )

    def _changes(self, node: NodeId, variables: Mapping[str, Any]) -> str:
        known = self._known.get(node, {})
        self._known[node] = dict(variables)
        return ", ".join(
            f"{name} {changed(known.get(name), value)}"
            for name, value in variables.items()
            if known.get(name) != value
        )

    def effects(self, node: SimulatedNode, effects: Effects) -> None:
        """Write what a core asked for."""
        if effects.writes:
            writes = "; ".join(written(write) for write in effects.writes)
            self.write(f"disk {effects.token}: {writes}", INDENT)
        for what in effects.applied:
            self.write(applied(what), INDENT)
        for send in effects.sends:
            waits = f", after disk {send.after}" if send.after > node.disk.persisted else ""
            self.write(f"-> {send.to}{waits}: {printed(send.message)}", INDENT)
        for answer in effects.answers:
            waits = f", after disk {answer.after}" if answer.after > node.disk.persisted else ""
            self.write(f"{answer.client} is told{waits}: {answer.serial} {outcome(answer.outcome)}", INDENT)

    def started(self, node: SimulatedNode) -> None:
        """Write what a node comes back with."""
        if node.core is not None and self._world is not None:
            changes = self._changes(node.name, node.core.observe())
            self.write(f"starts from its disk{': ' * bool(changes)}{changes}", INDENT)

    def remark(self, text: str) -> None:
        """Write a remark."""
        self.write(text, INDENT)


def changed(old: Any, new: Any) -> str:
    """Return a change: of sequences only where they differ."""
    if type(old) is tuple and type(new) is tuple and (old or new):
        same = 0
        while same < min(len(old), len(new)) and old[same] == new[same]:
            same += 1
        if same:
            gone = f"without {printed(old[same:])} " if old[same:] else ""
            return gone + (f"with {printed(new[same:])}" if new[same:] else "")
    if isinstance(old, Mapping) and isinstance(new, Mapping) and old and new:
        parts = [f"{k} {changed(old.get(k), v)}" for k, v in new.items() if old.get(k) != v]
        return ", ".join([*parts, *(f"{k} gone" for k in old if k not in new)])
    return f"{printed(old)} -> {printed(new)}"


def written(write: Write) -> str:
    """Return a write as people read it."""
    match write:
        case WriteRecord(record):
            return printed(record)
        case WriteEntries(first, entries):
            return f"entries from {first}: {printed(entries)}"
        case Truncate(first):
            return f"no entries from {first} on"
    return f"snapshot up to {write.index}"


def applied(what: Applied | Restored) -> str:
    """Return what was applied as people read it."""
    if isinstance(what, Restored):
        return f"takes over the snapshot up to {what.index}"
    if isinstance(what.entry, Command):
        return f"applies {what.index}: {described(what)}"
    return f"applies {what.index}: {printed(what.entry)}"


def outcome(value: Any) -> str:
    """Return a client's answer as people read it."""
    match value:
        case Done(result):
            return f"is done: {shown(result)!r}"
        case NotLeader(leader):
            return f"is not for this node; the leader is {leader or 'unknown'}"
        case Lost(leader):
            return f"was lost sight of; the leader is {leader or 'unknown'}"
        case Busy():
            return "is to come again later: there is too much to do"
    return f"is refused: {value.reason}"
