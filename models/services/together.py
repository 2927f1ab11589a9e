"""Smooth weighted round-robin of many clients: each begins at a place of its own in the round.

A hundred proxies that are started together and all begin with the heaviest node send it their first hundred requests: three times
its share and more (nginx-devel, November 2020: weights 100, 101, 100). Each client by itself is as smooth as ever; it is the sum
that is not. So each makes some picks of the round without a request before it begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from ratified.language import Map, Model, Param, Range, Set, Sort, action, at_size, invariant, require, view


class Node(Sort):
    """Serves requests."""


class Client(Sort):
    """Sends requests, by turns of its own."""


class SmoothClients(Model):
    """What each node has with each client, and how many clients sent it their first request."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "Client": 3},
        "standard": {"Node": 3, "Client": 3},
        "large": {"Node": 3, "Client": 4},
    }

    weights: Param[Map[Node, Annotated[int, Range(1, 20)]]] = at_size(
        lambda: Map({n: 2 if int(n) == 1 else 1 for n in Node})
    )

    credit: Map[Client, Map[Node, Annotated[int, Range(-100, 100)]]]
    over: Map[Client, Annotated[int, Range(0, 100)]]  # picks without a request
    begun: Set[Client]  # who has sent a request
    firsts: Map[Node, Annotated[int, Range(0, "len(Client)")]]

    def total(self) -> int:
        """What the weights add up to."""
        return sum(self.weights[n] for n in Node)

    def start(self, c: Client) -> int:
        """How many picks of the round are over when a client begins: one more with each."""
        return int(c) % self.total()

    def gained(self, c: Client, n: Node) -> int:
        """What a node has when client c picks next."""
        return self.credit[c][n] + self.weights[n]

    def is_next(self, c: Client, n: Node) -> bool:
        """Node n has most, and comes first of those that have as much."""
        return all(
            self.gained(c, m) < self.gained(c, n)
            or (self.gained(c, m) == self.gained(c, n) and int(n) <= int(m))
            for m in Node
        )

    def turn(self, c: Client, n: Node) -> None:
        """Node n pays what all have gained."""
        paid = self.total()
        self.credit[c] = Map({m: self.gained(c, m) - (paid if m == n else 0) for m in Node})

    @action
    def skip(self, c: Client, n: Node) -> None:
        """Client c, which has not begun, makes a pick without a request."""
        require(self.over[c] < self.start(c) and self.is_next(c, n))
        self.over[c] += 1
        self.turn(c, n)

    @action
    def pick(self, c: Client, n: Node) -> None:
        """Client c sends node n a request."""
        require(self.over[c] == self.start(c) and self.is_next(c, n))
        self.turn(c, n)
        if c not in self.begun:
            self.begun.add(c)
            self.firsts[n] += 1

    @invariant
    def no_rush_at_the_beginning(self, n: Node) -> bool:
        """Of as many clients as a round has picks, no more than its weight begin with a node; and so of each round of them."""
        rounds = (len(Client) + self.total() - 1) // self.total()
        return self.firsts[n] <= self.weights[n] * rounds

    @invariant
    def each_by_itself_is_smooth(self, c: Client) -> bool:
        """What nodes have with a client adds up to zero."""
        return sum(self.credit[c][n] for n in Node) == 0

    @view
    def beginnings(self) -> Map[Node, int]:
        """First requests of each node."""
        return self.firsts


class BeginsAlike(SmoothClients):
    """Each client begins with the round."""

    def start(self, c: Client) -> int:
        """No pick is over."""
        return 0
