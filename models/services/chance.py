"""Picks by chance: each node with the same probability, or with exactly its share of the weights, by a table of columns.

A pick is a function of a number that is drawn, each with the same probability: so a probability is a number of numbers, and
can be counted. Random: one number for each node that is up. Where a number stands for a node that is down and the next one
has it, the neighbours of the dead have twice their share.

Weighted: the alias method. With n nodes of weights that add up to W there are n columns of W parts, one for each node, which
has n times its weight in parts. A node that has less than a column gives all that it has to its own, and the rest of that
column is filled by one that has more. (Walker, 1977; Vose, 1991.) Here it may be any that has more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Param,
    Range,
    Set,
    Sort,
    action,
    at_size,
    invariant,
    require,
    step_invariant,
    view,
)


class Node(Sort):
    """Serves requests."""


class Random(Model):
    """Who is down, and who was picked last."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 3},
        "standard": {"Node": 4},
        "large": {"Node": 6},
    }

    down: Set[Node]
    picked: Node | None = None

    def cases(self) -> int:
        """From how many numbers one is drawn."""
        return len(Node) - len(self.down)

    def is_drawn(self, draw: int, n: Node) -> bool:
        """The number stands for node n: so many that are up come before it."""
        return n not in self.down and draw == sum(1 for m in Node if m not in self.down and int(m) < int(n))

    @action
    def pick(self, n: Node, draw: Annotated[int, Range(0, "len(Node) - 1")]) -> None:
        """A number is drawn, which stands for node n."""
        require(draw < self.cases() and self.is_drawn(draw, n))
        self.picked = n

    @action
    def fail(self, n: Node) -> None:
        """Node n goes down; another is up."""
        require(n not in self.down and len(self.down) + 1 < len(Node))
        self.down.add(n)

    @action
    def recover(self, n: Node) -> None:
        """Node n comes up again."""
        require(n in self.down)
        self.down.remove(n)

    def chances(self, n: Node) -> int:
        """How many numbers stand for node n."""
        return sum(1 for d in range(len(Node)) if d < self.cases() and self.is_drawn(d, n))

    @invariant
    def each_has_the_same_probability(self) -> bool:
        """As many numbers stand for each node that is up."""
        return all(
            self.chances(m) == self.chances(n)
            for m in Node
            for n in Node
            if m not in self.down and n not in self.down
        )

    @step_invariant
    def who_is_down_is_not_picked(self, old: Self) -> bool:
        """No request goes to a node that is known to be down."""
        return self.picked == old.picked or self.picked not in old.down

    @view
    def who_is_picked(self) -> Node | None:
        """The last."""
        return self.picked


class WalksOn(Random):
    """Any node is drawn, and where it is down the next one has the request: the neighbours of the dead get twice as many."""

    def cases(self) -> int:
        """All nodes."""
        return len(Node)

    def is_drawn(self, draw: int, n: Node) -> bool:
        """Of those that are up, node n is the first from that place on, around the end."""
        return n not in self.down and all(
            (int(n) - draw) % len(Node) <= (int(m) - draw) % len(Node) for m in Node if m not in self.down
        )


Parts = Annotated[int, Range(0, 10_000)]


class WeightedRandom(Model):
    """The table as far as it is made; who is down, and who was picked last."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2},
        "standard": {"Node": 3},
        "large": {"Node": 4, "most": 10},
    }

    weights: Param[Map[Node, Annotated[int, Range(1, 100)]]] = at_size(
        lambda: Map({n: 1 + int(n) for n in Node})
    )
    most: Param[Annotated[int, Range(1, 1000)]] = 6  # that the weights add up to

    left: Map[Node, Parts]  # what a node has to put into the table
    kept: Map[Node, Parts]  # parts of its column that are a node's own
    alias: Map[Node, Node | None]  # whose the others are; None: the column is not made yet
    down: Set[Node]
    picked: Node | None = None

    def init(self) -> None:
        """The table is empty."""
        self.left = Map({n: self.count() * self.weight_of(n) for n in Node})

    def weight_of(self, n: Node) -> int:
        """Its weight."""
        return self.weights[n]

    def count(self) -> int:
        """How many columns there are."""
        return len(Node)

    def total(self) -> int:
        """Parts of a column: what the weights add up to."""
        return sum(self.weight_of(n) for n in Node)

    def made(self) -> bool:
        """The table is whole."""
        return all(self.alias[n] is not None for n in Node if self.weight_of(n) > 0)

    @action
    def make(self, n: Node, by: Node) -> None:
        """The column of a node that has no more than one is made; what it lacks is had from another, which has one or more."""
        require(self.weight_of(n) > 0 and self.alias[n] is None and self.alias[by] is None)
        lacks = self.total() - self.left[n]
        require(lacks == 0 if n == by else lacks > 0 and self.left[by] >= self.total())
        self.kept[n] = self.left[n]
        self.alias[n] = by
        self.left[by] -= self.paid(lacks)
        self.left[n] = 0

    def paid(self, lacks: int) -> int:
        """What the other has less."""
        return lacks

    def owner(self, column: Node, part: int) -> Node | None:
        """Whose a part of a column is."""
        return column if part < self.kept[column] else self.alias[column]

    @action
    def pick(self, n: Node, column: Node, part: Annotated[int, Range(0, "most - 1")]) -> None:
        """A column and a part of it are drawn, which is node n's. One that is down is not picked: they are drawn again."""
        require(self.made() and self.weight_of(column) > 0 and part < self.total())
        require(self.owner(column, part) == n and n not in self.down)
        self.picked = n

    @action
    def pick_among(self, n: Node, part: Annotated[int, Range(0, "most - 1")]) -> None:
        """After some that were down, one is drawn from the weights of those that are up, laid end to end."""
        require(self.made() and n not in self.down and len(self.down) > 0)
        before = sum(self.weight_of(m) for m in Node if m not in self.down and int(m) < int(n))
        require(before <= part and part < before + self.weight_of(n))
        self.picked = n

    @action
    def fail(self, n: Node) -> None:
        """Node n goes down; another is up."""
        require(n not in self.down and len(self.down) + 1 < len(Node))
        self.down.add(n)

    @action
    def recover(self, n: Node) -> None:
        """Node n comes up again."""
        require(n in self.down)
        self.down.remove(n)

    @invariant
    def nothing_is_lost(self, n: Node) -> bool:
        """What a node has in the table and has left is its share: n times its weight."""
        has = sum(
            (self.kept[c] if c == n else 0)
            + (self.total() - self.kept[c] if self.alias[c] == n and c != n else 0)
            for c in Node
        )
        return has + self.left[n] == self.count() * self.weight_of(n)

    @invariant
    def each_has_its_share(self, n: Node) -> bool:
        """Of all parts of all columns, as many as n times its weight are a node's: its probability is exactly its share."""
        parts = sum(
            1
            for c in Node
            for p in range(self.most)
            if self.weight_of(c) > 0 and p < self.total() and self.owner(c, p) == n
        )
        return not self.made() or parts == self.count() * self.weight_of(n)

    @step_invariant
    def who_is_down_is_not_picked(self, old: Self) -> bool:
        """No request goes to a node that is known to be down."""
        return self.picked == old.picked or self.picked not in old.down

    @view
    def who_is_picked(self) -> Node | None:
        """The last."""
        return self.picked


class ShareNotPaid(WeightedRandom):
    """Who fills another's column has as much as before: the heavy get more than their share."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {"small": {"Node": 2}, "standard": {"Node": 3}}

    def paid(self, lacks: int) -> int:
        """Nothing."""
        return 0


class ColumnsOnly(WeightedRandom):
    """A column is all its node's: each is picked as often, whatever its weight."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {"small": {"Node": 2}, "standard": {"Node": 3}}

    def owner(self, column: Node, part: int) -> Node | None:
        """The column's."""
        return column if part >= 0 else None
