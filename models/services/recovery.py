"""Recovery: whatever was acknowledged is there after any crash, because it was durable first and its folder has one owner.

Processes keep a log in one folder. Whoever starts takes the folder, if nobody has it, and reads the log; entries are
appended in memory, written, and acknowledged once they are written. A write replaces what is in the folder by what its process
believes the log to be: two processes on one folder undo each other's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    AtMost,
    Map,
    Model,
    Seq,
    Set,
    Symmetric,
    action,
    invariant,
    require,
    step_invariant,
    view,
)


class Process(Symmetric):
    """Runs on the folder, or wants to."""


class Entry(Symmetric):
    """What clients have logged; each once."""


Log = Annotated[Seq[Entry], AtMost("len(Entry)")]


class Recovery(Model):
    """What is on disk, what each process has in memory, what clients were told."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Process": 1, "Entry": 2},
        "standard": {"Process": 2, "Entry": 3},
        "large": {"Process": 3, "Entry": 4},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    running: Set[Process]
    disk: Log
    memory: Map[Process, Log]
    asked: Set[Entry]
    acknowledged: Set[Entry]

    @action
    def start(self, p: Process) -> None:
        """Process p starts from what is on disk, if the folder is nobody's."""
        require(p not in self.running)
        require(self.may_take_the_folder())
        self.running.add(p)
        self.memory[p] = self.disk

    def may_take_the_folder(self) -> bool:
        """Nobody has it: its lock went with the process that held it."""
        return len(self.running) == 0

    @action
    def append(self, p: Process, e: Entry) -> None:
        """A client wants e to be logged."""
        require(p in self.running and e not in self.asked)
        self.asked.add(e)
        self.memory[p].append(e)

    @action
    def write(self, p: Process) -> None:
        """Process p makes its log durable."""
        require(p in self.running and self.memory[p] != self.disk)
        self.disk = self.memory[p]

    @action
    def acknowledge(self, p: Process, e: Entry) -> None:
        """Process p tells a client that e is logged."""
        require(p in self.running and e in self.memory[p] and e not in self.acknowledged)
        require(self.may_acknowledge(e))
        self.acknowledged.add(e)

    def may_acknowledge(self, e: Entry) -> bool:
        """It is durable."""
        return e in self.disk

    @action
    def crash(self, p: Process) -> None:
        """Process p is gone, with all that it had in memory."""
        require(p in self.running)
        self.running.remove(p)
        self.memory[p].clear()

    @view
    def what_counts(self) -> tuple[int, int, int]:
        """How many processes run, how many entries are on disk, how many are acknowledged."""
        return len(self.running), len(self.disk), len(self.acknowledged)

    @invariant
    def acknowledged_is_durable(self) -> bool:
        """What a client was told is there, whatever crashes now."""
        return all(e in self.disk for e in self.acknowledged)

    @invariant
    def one_owner(self) -> bool:
        """At most one process runs on the folder."""
        return len(self.running) <= 1

    @invariant
    def each_once(self) -> bool:
        """No entry is there twice."""
        return all(self.disk.count(e) <= 1 for e in Entry)

    @step_invariant
    def nothing_acknowledged_is_taken_back(self, old: Self) -> bool:
        """What clients were told stays true."""
        return old.acknowledged <= self.acknowledged


class AcknowledgedEarly(Recovery):
    """Clients are told before it is on disk."""

    def may_acknowledge(self, e: Entry) -> bool:
        """At once."""
        return True


class TwoProcesses(Recovery):
    """Nobody looks whether the folder is in use."""

    def may_take_the_folder(self) -> bool:
        """Always."""
        return True
