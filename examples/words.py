"""More of the TLA+ community's specifications, written anew from their prose in the words that people bring.

What each word means is in docs/coming-from.md.
"""

from __future__ import annotations

from typing import Annotated, Literal

from ratified import (
    AtMost,
    Map,
    Model,
    Ordered,
    Param,
    Range,
    Seq,
    Set,
    Sort,
    action,
    eventually_always,
    first,
    invariant,
    last,
    leads_to,
    require,
    step_invariant,
    subsets,
)


class Node(Sort):
    """A node of a graph."""


class SpanningTree(Model):
    """Every node learns its distance from a root, and through whom: whichever the edges are, a tree comes of it, and stays."""

    far: Param[int] = 5
    edges: Set[Set[Node]]
    parent: Map[Node, Node]
    distance: Map[Node, Annotated[int, Range(0, "far")]]

    def init(self, edges: Set[Set[Node]]) -> None:
        require(edges in subsets(subsets(Node, 2)))
        self.edges = edges
        self.parent = Map({n: n for n in Node})
        self.distance = Map({n: 0 if n == Node(0) else self.far for n in Node})

    @action(fair="weak")
    def learn(self, n: Node, m: Node, d: Annotated[int, Range(0, "far")]) -> None:
        require({n, m} in self.edges and self.distance[m] < d < self.distance[n])
        self.parent[n] = m
        self.distance[n] = d

    def settled(self, n: Node) -> bool:
        """A node is the root, or has a parent that is one nearer, or has no neighbour that is reached."""
        if n == Node(0):
            return self.distance[n] == 0 and self.parent[n] == n
        if self.distance[n] == self.far:
            reached = Set(m for m in Node if {n, m} in self.edges and self.distance[m] < self.far)
            return self.parent[n] == n and len(reached) == 0
        return {n, self.parent[n]} in self.edges and self.distance[n] == self.distance[self.parent[n]] + 1

    @eventually_always
    def a_tree(self) -> bool:
        return all(self.settled(n) for n in Node)


class Actor(Sort):
    """A reader, a writer."""


class ReadersWriters(Model):
    """Many read or one writes, in the order in which they asked (the second problem of Courtois, Heymans and Parnas, 1971)."""

    reading: Set[Actor]
    writing: Set[Actor]
    queue: Annotated[Seq[tuple[Literal["read", "write"], Actor]], AtMost("2 * len(Actor)")]

    @action(fair="weak", each=("a",))
    def ask_to_read(self, a: Actor) -> None:
        require(("read", a) not in self.queue)
        self.queue.append(("read", a))

    @action(fair="weak", each=("a",))
    def ask_to_write(self, a: Actor) -> None:
        require(("write", a) not in self.queue)
        self.queue.append(("write", a))

    @action(fair="weak")
    def let_in(self) -> None:
        require(len(self.queue) > 0 and len(self.writing) == 0)
        what, who = self.queue[0]
        self.queue.pop(0)
        match what:
            case "read":
                self.reading.add(who)
            case "write":
                require(len(self.reading) == 0)
                self.writing.add(who)

    @action(fair="weak")
    def leave(self, a: Actor) -> None:
        require(a in self.reading | self.writing)
        if a in self.reading:
            self.reading.remove(a)
        else:
            self.writing.remove(a)

    @invariant
    def one_writes_alone(self) -> bool:
        return len(self.writing) == 0 or (len(self.writing) == 1 and len(self.reading) == 0)

    @leads_to
    def everybody_reads(self, a: Actor) -> tuple[bool, bool]:
        return True, a in self.reading


class Machine(Ordered):
    """A machine on a ring."""


class Counter(Ordered):
    """What a machine counts, modulo how many there are."""


class Stabilizing(Model):
    """Whatever the machines begin with, one privilege remains and goes round (Dijkstra, *Self-stabilizing systems*, 1974)."""

    counter: Map[Machine, Counter]

    def init(self, counter: Map[Machine, Counter]) -> None:
        self.counter = counter

    def privileged(self, m: Machine) -> bool:
        if m == first(Machine):
            return self.counter[m] == self.counter[last(Machine)]
        return self.counter[m] != self.counter[m - 1]

    def privileges(self) -> int:
        return len(Set(filter(self.privileged, Machine)))

    @action(fair="weak")
    def move(self, m: Machine) -> None:
        require(self.privileged(m))
        if m > first(Machine):
            self.counter[m] = self.counter[m - 1]
        else:
            self.counter[m] = first(Counter) if self.counter[m].is_last() else self.counter[m] + 1

    @invariant
    def somebody_is_privileged(self) -> bool:
        return self.privileges() >= 1

    @step_invariant
    def never_more(self, old: Stabilizing) -> bool:
        return self.privileges() <= old.privileges()

    @eventually_always
    def one_privilege(self) -> bool:
        return self.privileges() == 1
