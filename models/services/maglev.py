"""Maglev hashing: nodes take turns for their next free place of a table, each in an order of its own.

A node's order begins at its offset and goes on in steps of its skip, around the table, whose size is a prime: so it comes to
every place. Nodes of equal weight have counts that differ by 1 at most, whatever their orders. When a node goes the table is
filled anew, and some keys of others move as well, which on a ring they do not.
(Eisenbud et al., "Maglev: a fast and reliable software
network load balancer", 2016, sections 3.4 and 5.3.)

Here every order is possible: nodes choose theirs first, and runs that are measured draw them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from ratified.language import (
    Map,
    Model,
    Ordered,
    Param,
    Range,
    Sort,
    action,
    assume,
    first,
    invariant,
    require,
    view,
)


class Node(Ordered, prefix="b"):
    """Serves requests; their order is that of their turns."""


class Place(Sort):
    """A place of the table; a key's hash says which is its own."""


Number = Annotated[int, Range(0, "len(Place) - 1")]


class Maglev(Model):
    """The table as far as it is filled; then a node goes, and it is filled once more."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "Place": 5},
        "standard": {"Node": 3, "Place": 5},
    }

    leaves: Param[bool] = True  # whether a node goes when the table is full

    offset: Map[Node, Number]
    skip: Map[Node, Number]  # 0: the node has not chosen its order yet
    table: Map[Place, Node | None]
    turn: Node
    gone: Node | None = None
    before: Map[Place, Node | None]  # the table before it went

    @assume
    def the_size_is_a_prime(self) -> bool:
        """The size of the table is a prime. Give Place=5, 7, 11 or so."""
        return len(Place) > 1 and all(len(Place) % d != 0 for d in range(2, len(Place)))

    def init(self) -> None:
        """The table is empty, and nobody has an order."""
        self.table = Map({p: None for p in Place})
        self.before = Map({p: None for p in Place})
        self.turn = first(Node)

    @action
    def choose(self, n: Node, offset: Number, skip: Number) -> None:
        """A node chooses its order, one after the other."""
        require(self.skip[n] == 0 and skip > 0)
        require(all(self.skip[m] > 0 for m in Node if m < n))
        self.offset[n] = offset
        self.skip[n] = skip

    def place(self, n: Node, tried: int) -> Place:
        """The place that a node comes to after so many."""
        return Place((self.offset[n] + tried * self.skip[n]) % len(Place))

    def free(self, p: Place) -> bool:
        """Nobody has it."""
        return self.table[p] is None

    @action
    def take(self) -> None:
        """The node whose turn it is takes the first free place of its order."""
        require(all(self.skip[n] > 0 for n in Node) and not self.full())
        n = self.turn
        tried = min(k for k in range(len(Place)) if self.free(self.place(n, k)))
        self.table[self.place(n, tried)] = n
        self.turn = self.next_turn(n)

    def full(self) -> bool:
        """Every place is somebody's."""
        return all(self.table[p] is not None for p in Place)

    def next_turn(self, n: Node) -> Node:
        """The next node that is there."""
        after = first(Node) if n.is_last() else n + 1
        if after != self.gone:
            return after
        return first(Node) if after.is_last() else after + 1

    @action
    def go(self, n: Node) -> None:
        """The table is full; a node goes, and it is to be filled anew."""
        require(self.leaves and self.full() and self.gone is None and len(Node) > 1)
        self.gone = n
        self.before = self.table
        self.table = Map({p: None for p in Place})
        self.turn = first(Node) if n != first(Node) else first(Node) + 1

    def taken(self, n: Node) -> int:
        """How many places a node has."""
        return sum(1 for p in Place if self.table[p] == n)

    def moved(self) -> int:
        """Of the places of nodes that stay, how many are another's now."""
        return sum(1 for p in Place if self.before[p] != self.gone and self.before[p] != self.table[p])

    @invariant
    def counts_differ_by_one(self) -> bool:
        """Nodes that are there have as many places as each other, or one more."""
        return all(self.taken(m) <= self.taken(n) + 1 for m in Node for n in Node if n != self.gone)

    @invariant
    def who_is_gone_has_nothing(self) -> bool:
        """No key goes to a node that is gone."""
        return all(self.table[p] != n for p in Place for n in Node if n == self.gone)

    @view
    def places(self) -> Map[Place, Node | None]:
        """The table."""
        return self.table


class KeepsItsTurn(Maglev):
    """A node that found a place goes on as long as its order has free ones: the first have more than their share."""

    def next_turn(self, n: Node) -> Node:
        """The same, every other time."""
        return n if self.taken(n) % 2 == 1 else super().next_turn(n)
