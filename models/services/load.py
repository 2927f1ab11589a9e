"""Balancing by load: least outstanding, two choices, and consistent hashing with bounded loads.

What each node has on the way is known: a pick adds one, an end takes one off. Least outstanding looks at all nodes; two choices
at two, and they must be two: where one may be drawn twice, the busiest can be picked, and the idle one of two nodes is missed in
a quarter of the picks (Envoy, issues 14859 and 20420). A ring sends a key to the first node from its place on that has room: a
hash that does not look at the bound sends everything to one node, while others are idle (HAProxy, issue 2893).
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


class Key(Sort):
    """What a request is about."""


class Load(Model):
    """What is on the way to each node, and who is down. What a pick looks at is each policy's own."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "most": 3},
        "standard": {"Node": 3, "most": 3},
        "large": {"Node": 3, "most": 6},
    }

    weights: Param[Map[Node, Annotated[int, Range(1, 100)]]] = at_size(lambda: Map({n: 1 for n in Node}))
    most: Param[Annotated[int, Range(1, 10_000)]] = 3  # requests on the way in all

    outstanding: Map[Node, Annotated[int, Range(0, "most")]]
    down: Set[Node]

    def load(self) -> int:
        """What is on the way in all."""
        return sum(self.outstanding[n] for n in Node)

    def may_arrive(self) -> bool:
        """One more request may be on the way."""
        return self.load() < self.most

    def up(self) -> int:
        """How many nodes are up."""
        return len(Node) - len(self.down)

    def less(self, n: Node, m: Node) -> bool:
        """With one more, node n would have less on the way for its weight than node m."""
        return (self.outstanding[n] + 1) * self.weights[m] < (self.outstanding[m] + 1) * self.weights[n]

    @action
    def end(self, n: Node) -> None:
        """A request ends."""
        require(self.outstanding[n] > 0)
        self.outstanding[n] -= 1

    @action
    def fail(self, n: Node) -> None:
        """Node n goes down; another is up."""
        require(n not in self.down and self.up() > 1)
        self.down.add(n)

    @action
    def recover(self, n: Node) -> None:
        """Node n comes up again."""
        require(n in self.down)
        self.down.remove(n)

    @invariant
    def somebody_is_up(self) -> bool:
        """Not all nodes are down."""
        return any(n not in self.down for n in Node)

    @step_invariant
    def who_is_down_is_not_picked(self, old: Self) -> bool:
        """No request goes to a node that is known to be down."""
        return all(self.outstanding[n] <= old.outstanding[n] for n in old.down)

    @view
    def loads(self) -> Map[Node, int]:
        """What is on the way to each."""
        return self.outstanding


class LeastOutstanding(Load):
    """The node with least on the way for its weight; of equals any."""

    @action
    def pick(self, n: Node) -> None:
        """Node n is picked."""
        require(self.may_arrive() and n not in self.down)
        require(self.may_be_picked(n))
        self.outstanding[n] += 1

    def may_be_picked(self, n: Node) -> bool:
        """Nobody that is up has less on the way."""
        return all(not self.less(m, n) for m in Node if m not in self.down)

    @step_invariant
    def the_least_is_picked(self, old: Self) -> bool:
        """A request goes to a node when none that is up has less on the way for its weight."""
        return all(
            self.outstanding[n] <= old.outstanding[n]
            or all(not old.less(m, n) for m in Node if m not in old.down)
            for n in Node
        )


class WeightsNotLookedAt(LeastOutstanding):
    """Least is least, whatever the weights: the light are loaded as the heavy are."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "most": 3, "weights": {"n1": 1, "n2": 3}},
        "standard": {"Node": 3, "most": 3, "weights": {"n1": 1, "n2": 3, "n3": 3}},
    }

    def may_be_picked(self, n: Node) -> bool:
        """Nobody that is up has less on the way."""
        return all(self.outstanding[m] >= self.outstanding[n] for m in Node if m not in self.down)


class TwoChoices(Load):
    """The less busy of two nodes that are drawn; of equals the first drawn."""

    @action
    def pick(self, n: Node, m: Node) -> None:
        """Nodes n and m are drawn."""
        require(self.may_arrive() and n not in self.down and m not in self.down)
        require(self.may_be_drawn(n, m))
        if self.less(m, n):
            self.outstanding[m] += 1
        else:
            self.outstanding[n] += 1

    def may_be_drawn(self, n: Node, m: Node) -> bool:
        """They are two, unless only one is up."""
        return n != m or self.up() == 1

    @step_invariant
    def the_busiest_is_not_picked(self, old: Self) -> bool:
        """No request goes to a node that is busier than all others that are up."""
        return all(
            self.outstanding[n] <= old.outstanding[n]
            or old.up() == 1
            or any(m != n and not old.less(m, n) for m in Node if m not in old.down)
            for n in Node
        )


class DrawnTwice(TwoChoices):
    """The two are drawn with replacement: they may be one."""

    def may_be_drawn(self, n: Node, m: Node) -> bool:
        """Any."""
        return True


class BoundedRing(Load):
    """A key goes to the first node, in the order in which it meets them on the ring, that has room."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "Key": 2, "most": 3},
        "standard": {"Node": 3, "Key": 2, "most": 4},
        "large": {"Node": 4, "Key": 2, "most": 6},
    }

    percent: Param[Annotated[int, Range(100, 1000)]] = 125  # of the average load that a node may have
    place: Param[Map[Key, Map[Node, Annotated[int, Range(0, 100)]]]] = at_size(
        lambda: Map({k: Map({n: (int(n) + int(k)) % len(Node) for n in Node}) for k in Key})
    )

    def bound(self) -> int:
        """What a node may have on the way with one request more: its share of the load by so much, rounded up."""
        return (self.percent * (self.load() + 1) + 100 * self.up() - 1) // (100 * self.up())

    def has_room(self, n: Node) -> bool:
        """Node n is up, and may have one more."""
        return n not in self.down and self.outstanding[n] < self.bound()

    @action
    def pick(self, k: Key, n: Node) -> None:
        """Key k is sent to node n."""
        require(self.may_arrive() and n not in self.down)
        require(self.may_take(k, n))
        self.outstanding[n] += 1

    def may_take(self, k: Key, n: Node) -> bool:
        """Node n has room, and none before it has."""
        return self.has_room(n) and all(
            self.place[k][n] <= self.place[k][m] for m in Node if self.has_room(m)
        )

    @invariant
    def somebody_has_room(self) -> bool:
        """The bound is above what nodes have on average, so that there is always one below it."""
        return any(self.has_room(n) for n in Node)

    @step_invariant
    def load_is_bounded(self, old: Self) -> bool:
        """No request goes to a node beyond its bound."""
        return all(
            self.outstanding[n] <= old.outstanding[n] or self.outstanding[n] <= old.bound() for n in Node
        )


class ArrivingNotCounted(BoundedRing):
    """The bound is a share of what is on the way already: to nodes that are idle nobody may go."""

    def bound(self) -> int:
        """A share of the load without the request that arrives, rounded up."""
        return (self.percent * self.load() + 100 * self.up() - 1) // (100 * self.up())


class BoundNotLookedAt(BoundedRing):
    """A key goes to its first node, however much that has (HAProxy, issue 2893)."""

    def may_take(self, k: Key, n: Node) -> bool:
        """None that is up comes before it."""
        return all(self.place[k][n] <= self.place[k][m] for m in Node if m not in self.down)
