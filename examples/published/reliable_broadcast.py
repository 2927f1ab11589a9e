"""Bracha's reliable broadcast (Asynchronous Byzantine agreement protocols, 1987), proved for every number of nodes and of faults.

    ratified prove examples/published/reliable_broadcast.py:BroadcastSafety

The sender may be faulty, and so may f nodes of more than 3 f: a faulty node is taken to have said whatever anyone wants
to hear.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from ratified import Goals, Map, Model, Param, Range, Set, Sort, action, assume, invariant, lemma, require


class Node(Sort):
    """A node, correct or faulty."""


class Value(Sort):
    """What is broadcast."""


class Broadcast(Model):
    """Correct nodes echo one value, are ready for one, and deliver one."""

    sizes: ClassVar = {"standard": {"Node": 4, "Value": 2}}

    f: Param[Annotated[int, Range(0, "len(Node)")]] = 1
    faulty: Param[Set[Node]] = Set()
    echoed: Map[Node, Value | None]
    ready: Map[Node, Value | None]
    delivered: Map[Node, Value | None]

    @assume
    def few_are_faulty(self) -> bool:
        """At most f nodes are faulty, which is less than a third of them."""
        return len(self.faulty) <= self.f and 3 * self.f < len(Node)

    def echoes(self, v: Value) -> Set[Node]:
        """Those from whom an echo of v may have come."""
        return Set(n for n in Node if n in self.faulty or self.echoed[n] == v)

    def readies(self, v: Value) -> Set[Node]:
        """Those who may have said that they are ready for v."""
        return Set(n for n in Node if n in self.faulty or self.ready[n] == v)

    @action
    def echo(self, n: Node, v: Value) -> None:
        """A correct node echoes what it first has from the sender, who may tell others something else."""
        require(n not in self.faulty and self.echoed[n] is None)
        self.echoed[n] = v

    @action
    def be_ready(self, n: Node, v: Value) -> None:
        """More than (N + f) / 2 have echoed v."""
        require(n not in self.faulty and self.ready[n] is None)
        require(2 * len(self.echoes(v)) > len(Node) + self.f)
        self.ready[n] = v

    @action
    def follow(self, n: Node, v: Value) -> None:
        """One correct node at least is ready for v."""
        require(n not in self.faulty and self.ready[n] is None)
        require(len(self.readies(v)) >= self.f + 1)
        self.ready[n] = v

    @action
    def deliver(self, n: Node, v: Value) -> None:
        """A majority of the correct nodes is ready for v."""
        require(n not in self.faulty and self.delivered[n] is None)
        require(len(self.readies(v)) >= 2 * self.f + 1)
        self.delivered[n] = v

    @invariant
    def agreement(self) -> bool:
        """No two correct nodes deliver different values."""
        return len({v for n in Node for v in Value if self.delivered[n] == v}) <= 1


class BroadcastSafety(Broadcast):
    """Two sets of more than (N + f) / 2 nodes have a correct one in common, which has echoed one value."""

    goals: ClassVar[Goals] = {"agreement": None}

    @lemma
    def who_is_ready_for_it_heard_of_echoes(self) -> bool:
        """A correct node is ready only for what has enough echoes."""
        return all(
            n in self.faulty or self.ready[n] != v or 2 * len(self.echoes(v)) > len(Node) + self.f
            for n in Node
            for v in Value
        )

    @lemma
    def who_delivers_heard_that_one_is_ready(self) -> bool:
        """What is delivered has a correct node that is ready for it."""
        return all(self.delivered[n] != v or len(self.readies(v)) >= self.f + 1 for n in Node for v in Value)
