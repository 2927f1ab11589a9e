"""A core by itself: the test plays the disk, the network and all the other nodes."""

from __future__ import annotations

from random import Random
from typing import Any

from ratified.impl.contract import Answer, Command, Core, Durable, Effects, Input, Persisted, Receive, Write
from ratified.impl.system import System

NODES = ("a", "b", "c")


def put(value: str, client: str = "", serial: int = 1) -> Command:
    """Return a client's command to put a value; each value is another client's, if none is named."""
    return Command(client or value, serial, f"put x {value}".encode())


class Alone:
    """Node a of three. What it has written is durable when the test says so."""

    def __init__(
        self, system: System, durable: Durable | None = None, nodes: tuple[str, ...] = NODES
    ) -> None:
        self.system = system
        self.durable = durable or system.bootstrap("a", nodes)
        self._lives = 0
        self.start()

    def start(self) -> None:
        """Start from the disk, as after a crash that kept nothing else."""
        self._lives += 1
        self.core: Core = self.system.make("a", self.durable, Random(self._lives), None)
        self._waiting: list[tuple[int, Write]] = []
        self.effects = Effects()

    def take(self, event: Input) -> Effects:
        """Give it an input."""
        self.effects = self.core.step(event)
        self._waiting += [(self.effects.token, write) for write in self.effects.writes]
        return self.effects

    def hear(self, sender: str, message: Any) -> list[Any]:
        """Give it a message, and have its disk write everything; what it says then, to whom."""
        return self.say(Receive(sender, message))

    def say(self, event: Input) -> list[Any]:
        """Give it an input, and have its disk write everything; what it says then, to whom."""
        said = [*self._said(self.take(event))]
        while self._waiting:
            said += self._said(self.persist())
        return said

    def persist(self) -> Effects:
        """Have its disk write everything."""
        token = self._waiting[-1][0] if self._waiting else 0
        for _, write in self._waiting:
            self.durable = self.durable.after(write)
        self._waiting = []
        return self.take(Persisted(token))

    def crash(self, *kept: Write) -> None:
        """Lose what is not durable but for some writes, and start again."""
        for write in kept:
            self.durable = self.durable.after(write)
        self.start()

    def _said(self, effects: Effects) -> list[Any]:
        return [(send.to, send.message) for send in effects.sends]

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What clients were told in the last step."""
        return self.effects.answers


def to_all(message: Any) -> list[Any]:
    """Return a message to both others, as `hear` tells it."""
    return [("b", message), ("c", message)]
