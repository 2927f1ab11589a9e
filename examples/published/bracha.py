"""Bracha's reliable broadcast with one faulty process too many.

Bracha: *Asynchronous Byzantine agreement protocols* (Information and Computation, 1987). With n processes and f faulty
ones n must be larger than 3f: then two quorums of n - f have an honest process in common. At n = 3f a faulty sender
makes two honest processes deliver different values. Faulty processes say anything to anyone; they are those that are
not `honest`.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

from ratified import Map, Model, Param, Set, Sort, action, assume, invariant, record, require


class Process(Sort):
    """The first ones are honest, the last `faulty` ones are not."""


class Value(Enum):
    """What may be broadcast."""

    RED = 0
    BLUE = 1


@record
class Echo:
    """What an honest process has heard from the sender."""

    process: Process
    value: Value


@record
class Ready:
    """What it is ready to deliver."""

    process: Process
    value: Value


class Bracha(Model):
    """A faulty sender, who may say another value to each."""

    sizes: ClassVar = {"standard": {"Process": 3}, "large": {"Process": 6, "faulty": 2}}

    faulty: Param[int] = 1
    said: Set[Echo | Ready]
    delivered: Map[Process, Value | None]

    @assume
    def few(self) -> bool:
        """There are at least three times as many processes as faulty ones."""
        return len(Process) >= 3 * self.faulty

    def honest(self, p: Process) -> bool:
        return int(p) < len(Process) - self.faulty

    def echoes(self, v: Value) -> int:
        """How many echoes a process may see, those of all faulty ones among them."""
        return self.faulty + sum(1 for p in Process if Echo(p, v) in self.said)

    def readies(self, v: Value) -> int:
        return self.faulty + sum(1 for p in Process if Ready(p, v) in self.said)

    @action
    def echo(self, p: Process, v: Value) -> None:
        """Process p has heard v from the sender, and tells all."""
        require(self.honest(p) and not any(Echo(p, w) in self.said for w in Value))
        self.said.add(Echo(p, v))

    @action
    def ready(self, p: Process, v: Value) -> None:
        """Process p has heard enough that say v."""
        require(self.honest(p) and not any(Ready(p, w) in self.said for w in Value))
        quorum = len(Process) - self.faulty
        require(self.echoes(v) >= quorum or self.readies(v) >= 2 * self.faulty + 1)
        self.said.add(Ready(p, v))

    @action
    def deliver(self, p: Process, v: Value) -> None:
        """Process p has heard from a quorum that is ready for v."""
        require(self.honest(p) and self.delivered[p] is None)
        require(self.readies(v) >= len(Process) - self.faulty)
        self.delivered[p] = v

    @invariant
    def agreement(self) -> bool:
        return not any(
            self.delivered[p] == Value.RED and self.delivered[q] == Value.BLUE
            for p in Process
            for q in Process
        )


class EnoughProcesses(Bracha):
    """Mended: more than three times as many processes as faulty ones."""

    sizes: ClassVar = {"standard": {"Process": 4}}

    @assume
    def few(self) -> bool:
        """There are more than three times as many processes as faulty ones."""
        return len(Process) > 3 * self.faulty
