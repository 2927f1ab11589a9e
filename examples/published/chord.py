"""Chord's ring maintenance, published as correct: nodes that join and fail leave no ring, or a wrong one.

Stoica, Morris, Liben-Nowell, Karger, Kaashoek, Dabek, Balakrishnan: *Chord: a scalable peer-to-peer lookup protocol for
internet applications* (IEEE/ACM Transactions on Networking, 2003). Zave: *Using lightweight modeling to understand
Chord* (Computer Communication Review, 2012) found that none of its invariants is one, though nobody fails who leaves
another without a live successor. Zave: *Reasoning about identifier spaces: how to make Chord correct* (IEEE
Transactions on Software Engineering, 2017): lists are passed on whole, only what is alive is adopted, and a base of
nodes, one more than a list is long, stays for ever.
"""

from __future__ import annotations

from typing import ClassVar

from ratified import Map, Model, Set, Sort, action, invariant, require


class Node(Sort):
    """A place on the ring."""


class Chord(Model):
    """Each node knows two successors and a predecessor. Two nodes are there at first."""

    sizes: ClassVar = {"standard": {"Node": 4}}

    alive: Set[Node]
    first: Map[Node, Node | None]
    second: Map[Node, Node | None]
    before: Map[Node, Node | None]

    def at_first(self, n: Node) -> bool:
        """Whether a node is there at first."""
        return int(n) < 2

    def init(self) -> None:
        """A ring of those that are there at first."""
        self.alive = Set(n for n in Node if self.at_first(n))
        here = len(self.alive)
        self.first = Map({n: Node((int(n) + 1) % here) if self.at_first(n) else None for n in Node})
        self.second = Map({n: Node((int(n) + 2) % here) if self.at_first(n) else None for n in Node})
        self.before = Map({n: Node((int(n) + here - 1) % here) if self.at_first(n) else None for n in Node})

    def between(self, a: Node, b: Node | None, c: Node | None) -> bool:
        """Whether b comes after a and before c, going round."""
        if b is None or c is None:
            return False
        there = (int(b) - int(a)) % len(Node)
        return there > 0 and (a == c or there < (int(c) - int(a)) % len(Node))

    def up(self, n: Node | None) -> bool:
        """Whether there is a node, and it is alive."""
        return any(m == n for m in self.alive)

    @action
    def join(self, n: Node, m: Node) -> None:
        """A node asks one that is there, and has the same successor."""
        require(n not in self.alive and m in self.alive and self.between(m, n, self.first[m]))
        self.alive.add(n)
        self.first[n] = self.first[m]
        self.second[n] = None
        self.before[n] = None

    @action
    def stabilize(self, n: Node, s: Node) -> None:
        """A node asks its successor for its predecessor, which may be a better successor."""
        require(n in self.alive and self.first[n] == s and s in self.alive)
        better = self.before[s]
        if self.between(n, better, s) and self.up(better):
            self.first[n] = better

    @action
    def notify(self, n: Node, s: Node) -> None:
        """It tells the successor that it is there, which may be a better predecessor."""
        require(n in self.alive and self.first[n] == s and s in self.alive)
        known = self.before[s]
        require(known is None or self.between(known, n, s))
        self.before[s] = n

    @action
    def reconcile(self, n: Node, s: Node) -> None:
        """A node learns its second successor from the first."""
        require(
            n in self.alive and self.first[n] == s and s in self.alive and self.second[n] != self.first[s]
        )
        self.second[n] = self.first[s]

    @action
    def update(self, n: Node) -> None:
        """Its successor is dead: the second one takes its place."""
        require(n in self.alive and not self.up(self.first[n]) and self.second[n] is not None)
        self.first[n] = self.second[n]
        self.second[n] = None

    @action
    def flush(self, n: Node) -> None:
        """Its predecessor is dead."""
        require(n in self.alive and self.before[n] is not None and not self.up(self.before[n]))
        self.before[n] = None

    def may_fail(self, n: Node) -> bool:
        """Whether everybody else keeps a live successor."""
        left = self.alive - Set({n})
        return len(left) > 0 and all(any(s in (self.first[m], self.second[m]) for s in left) for m in left)

    @action
    def fail(self, n: Node) -> None:
        """A node fails, and forgets all."""
        require(n in self.alive and self.may_fail(n))
        self.alive.discard(n)
        self.first[n] = None
        self.second[n] = None
        self.before[n] = None

    def best(self, n: Node) -> Node | None:
        """The first successor that is alive."""
        return (
            self.first[n] if self.up(self.first[n]) else self.second[n] if self.up(self.second[n]) else None
        )

    def beyond(self, n: Node) -> Set[Node]:
        """What is come to from a node, going from best successor to best successor."""
        found = Set(m for m in Node if m == self.best(n))
        for _ in Node:
            found = found | Set(m for m in Node if any(self.best(k) == m for k in found))
        return found

    @invariant
    def one_ordered_ring(self) -> bool:
        """Some node comes back to itself, and of those that do none lies between another and its best successor."""
        ring = Set(n for n in self.alive if n in self.beyond(n))
        return len(ring) > 0 and not any(self.between(n, m, self.best(n)) for n in ring for m in ring)


class StableBase(Chord):
    """Mended: three nodes stay for ever, and lists are passed on whole."""

    sizes: ClassVar = {"standard": {"Node": 5}, "large": {"Node": 6}}

    def at_first(self, n: Node) -> bool:
        return int(n) < 3

    @action
    def join(self, n: Node, m: Node) -> None:
        """A node has the same successors as the one that it asks."""
        require(n not in self.alive and m in self.alive and self.between(m, n, self.first[m]))
        require(self.up(self.first[m]))
        self.alive.add(n)
        self.first[n], self.second[n] = self.first[m], self.second[m]
        self.before[n] = None

    @action
    def stabilize(self, n: Node, s: Node) -> None:
        """A better successor comes with its own."""
        require(n in self.alive and self.first[n] == s and s in self.alive)
        better = self.before[s]
        if self.between(n, better, s) and self.up(better):
            self.first[n], self.second[n] = better, s
        else:
            self.second[n] = self.first[s]

    def may_fail(self, n: Node) -> bool:
        return not self.at_first(n) and super().may_fail(n)
