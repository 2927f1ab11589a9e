"""Smooth weighted round-robin while weights change: nobody starves, since what each has is kept.

Each pick, every node gains the weight that it has now; the one that has most then is picked, and pays what all have gained.
With n nodes and weights that add up to W at most, whatever they were and whenever they changed, no node is ever ahead of its
share by more than 1 - 1/n of W, nor behind by more than 1/2 + 1/3 + ... + 1/n of it (docs/services.md has the proof). So a
node, which gains at least 1, is picked again after so many picks. Schedules that begin anew with each change do not serve the
light ones (Envoy, issues 14597 and 31378; gRPC's Java library, issue 10458).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from ratified.language import Map, Model, Param, Range, Sort, action, invariant, leads_to, require, view


class Node(Sort):
    """Serves requests."""


class Reweighted(Model):
    """What weight each node has, and what it has gained and not paid."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "heaviest": 2},
        "standard": {"Node": 3, "heaviest": 2},
        "large": {"Node": 4, "heaviest": 2},
    }

    heaviest: Param[Annotated[int, Range(1, 20)]] = 3

    weight: Map[Node, Annotated[int, Range(1, "heaviest")]]
    credit: Map[Node, Annotated[int, Range(-1000, 1000)]]
    picked: Node | None = None

    def gained(self, n: Node) -> int:
        """What a node has when the next is picked."""
        return self.credit[n] + self.weight[n]

    def first_of_the_greatest(self, n: Node) -> bool:
        """Node n has most, and comes first of those that have as much."""
        return all(
            self.gained(m) < self.gained(n) or (self.gained(m) == self.gained(n) and int(n) <= int(m))
            for m in Node
        )

    @action(fair="weak")
    def pick(self, n: Node) -> None:
        """Node n is picked."""
        require(self.first_of_the_greatest(n))
        paid = sum(self.weight[m] for m in Node)
        self.credit = Map({m: self.gained(m) - (paid if m == n else 0) for m in Node})
        self.picked = n

    @action
    def reweigh(self, n: Node, weight: Annotated[int, Range(1, "heaviest")]) -> None:
        """Node n has another weight."""
        require(self.weight[n] != weight)
        self.weight[n] = weight
        self.changed()

    def changed(self) -> None:
        """A weight has changed: what nodes have is kept."""

    @invariant
    def credits_add_up_to_zero(self) -> bool:
        """What one has more than its share, others have less."""
        return sum(self.credit[n] for n in Node) == 0

    @invariant
    def not_far_ahead(self, n: Node) -> bool:
        """Nobody is ahead of its share by more than 1 - 1/n of what weights add up to at most."""
        return len(Node) * self.credit[n] >= -(len(Node) - 1) * self.heaviest * len(Node)

    @invariant
    def not_far_behind(self, n: Node) -> bool:
        """Nobody is behind by more than 1/2 + ... + 1/n of it, here times n factorial."""
        top, bottom = 0, 1
        for k in range(2, len(Node) + 1):
            top = top * k + bottom
            bottom = bottom * k
        return self.credit[n] * bottom <= top * self.heaviest * len(Node)

    @leads_to
    def nobody_starves(self, n: Node) -> tuple[bool, bool]:
        """Every node is picked again."""
        return self.picked != n, self.picked == n

    @view
    def turns(self) -> Map[Node, tuple[int, int]]:
        """What weight each has, and what credit."""
        return Map({n: (self.weight[n], self.credit[n]) for n in Node})


class BeginsAnew(Reweighted):
    """The schedule begins anew with each change, always with the heaviest."""

    def changed(self) -> None:
        """Nobody has anything."""
        self.credit = Map({n: 0 for n in Node})
