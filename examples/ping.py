"""Nodes that ping each other over a network that loses, repeats and reorders messages. For the gallery in docs/."""

from __future__ import annotations

from typing import Annotated

from ratified import AtMost, Bag, Map, Model, Range, Symmetric, action, record, require

Number = Annotated[int, Range(0, 3)]


class Node(Symmetric):
    """Sends and receives; any two are interchangeable."""


@record
class Ping:
    """From one node to another; the sender numbers its pings."""

    source: Node
    dest: Node
    number: Number


class Pings(Model):
    """Each node remembers the number that came last."""

    sent: Map[Node, Number]
    last: Map[Node, Number]
    wire: Annotated[Bag[Ping], AtMost(4, copies=2)]

    @action
    def send(self, n: Node, m: Node) -> None:
        """Node n sends node m its next number."""
        require(n != m)
        require(self.sent[n] < 3 and len(self.wire) < 4)
        self.sent[n] += 1
        self.wire.add(Ping(n, m, self.sent[n]))

    @action
    def receive(self, p: Ping) -> None:
        """The receiver takes what comes for the newest."""
        require(p in self.wire)
        self.last[p.dest] = p.number
        self.wire.remove(p)

    @action
    def lose(self, p: Ping) -> None:
        """The network loses a message."""
        require(p in self.wire)
        self.wire.remove(p)

    @action
    def repeat(self, p: Ping) -> None:
        """The network delivers a message once more."""
        require(p in self.wire)
        require(self.wire.count(p) < 2 and len(self.wire) < 4)
        self.wire.add(p)
