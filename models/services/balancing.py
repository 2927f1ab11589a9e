"""Smooth weighted round-robin: turns in proportion to weights, spread out, while nodes come and go.

Each pick, every node that is up gains its weight; the one that has most then (the first of equals) is picked, and pays what all
have gained. (nginx, since 2012.) Nodes go down and come up between picks; who is down neither gains nor is picked.

What it comes to: what nodes have adds up to zero; while all are up, a round of as many picks as weights add up to serves each
its weight exactly, and of n nodes none is ever ahead of its share by more than 1 - 1/n picks, nor behind by more than 1/2 + 1/3 +
... + 1/n (docs/services.md has the proof). That may be more than one: 1.27 at weights 1, 1, 1, 3, 3, 3, 60, 60.
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
    leads_to,
    require,
    step_invariant,
    view,
)


class Node(Sort):
    """Serves requests."""


Weight = Annotated[int, Range(1, 100)]
Credit = Annotated[int, Range(-1000, 1000)]


class SmoothWeighted(Model):
    """Who is picked next, and how often each was picked in this round."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2},
        "standard": {"Node": 3, "weights": {"n1": 1, "n2": 2, "n3": 3}},
        "large": {"Node": 3},
    }

    weights: Param[Map[Node, Weight]] = at_size(lambda: Map({n: 1 + 2 * int(n) for n in Node}))
    failures: Param[bool] = True  # whether nodes go down

    credit: Map[Node, Credit]  # what each node has
    served: Map[Node, Annotated[int, Range(0, 1000)]]  # since the round began
    down: Set[Node]
    steady: bool = True  # all have been up since the round began
    last: Node | None = None  # who was picked last

    def total(self) -> int:
        """What the weights add up to."""
        return sum(self.weights[n] for n in Node)

    def gained(self, n: Node) -> int:
        """What a node has when the next is picked."""
        return self.credit[n] + (self.weights[n] if n not in self.down else 0)

    def first_of_the_greatest(self, n: Node) -> bool:
        """Node n is up, has most, and comes first of those that have as much."""
        return n not in self.down and all(
            self.gained(m) < self.gained(n) or (self.gained(m) == self.gained(n) and int(n) <= int(m))
            for m in Node
            if m not in self.down
        )

    def pays(self) -> int:
        """What the one that is picked pays: what all have gained."""
        return sum(self.weights[m] for m in Node if m not in self.down)

    @action(fair="weak")
    def pick(self, n: Node) -> None:
        """Node n is picked."""
        require(self.first_of_the_greatest(n))
        paid = self.pays()
        self.credit = Map({m: self.gained(m) - (paid if m == n else 0) for m in Node})
        self.served[n] += 1
        self.last = n
        if self.picks() == self.total():
            self.begin_round()

    def picks(self) -> int:
        """How many picks this round has had."""
        return sum(self.served[n] for n in Node)

    def begin_round(self) -> None:
        """A round is over. What the next one is to be measured by begins with credits of zero and all nodes up."""
        self.steady = len(self.down) == 0 and all(self.credit[n] == 0 for n in Node)
        self.served = Map({m: 0 for m in Node})

    @action
    def fail(self, n: Node) -> None:
        """Node n goes down; another is up."""
        require(self.failures)
        require(n not in self.down and len(self.down) + 1 < len(Node))
        self.down.add(n)
        self.steady = False

    @action
    def recover(self, n: Node) -> None:
        """Node n comes up again."""
        require(n in self.down)
        self.down.remove(n)

    @invariant
    def credits_add_up_to_zero(self) -> bool:
        """What one has more than its share, others have less."""
        return sum(self.credit[n] for n in Node) == 0

    @invariant
    def a_round_serves_each_its_weight(self) -> bool:
        """While all are up, nobody is picked more often in a round than its weight says, so that all are picked as often."""
        return not self.steady or all(self.served[n] <= self.weights[n] for n in Node)

    @invariant
    def credit_is_what_is_owed(self, n: Node) -> bool:
        """While all are up, what a node has is by how much it is behind its share, in parts of a pick."""
        owed = self.picks() * self.weights[n] - self.served[n] * self.total()
        return not self.steady or self.credit[n] == owed

    @invariant
    def not_far_ahead(self, n: Node) -> bool:
        """While all are up, no node is ahead by more than 1 - 1/n picks: the one that is picked has at least the mean."""
        return not self.steady or len(Node) * self.credit[n] >= -(len(Node) - 1) * self.total()

    @invariant
    def not_far_behind(self, n: Node) -> bool:
        """While all are up, no node is behind by more than 1/2 + 1/3 + ... + 1/n picks, here as a fraction."""
        top, bottom = 0, 1
        for k in range(2, len(Node) + 1):
            top = top * k + bottom
            bottom = bottom * k
        return not self.steady or self.credit[n] * bottom <= top * self.total()

    @step_invariant
    def who_is_down_is_not_picked(self, old: Self) -> bool:
        """No request goes to a node that is known to be down."""
        return all(old.served[n] >= self.served[n] for n in Node if n in old.down)

    @leads_to
    def nobody_starves(self, n: Node) -> tuple[bool, bool]:
        """A node that is up is picked, or goes down before."""
        return n not in self.down, self.last == n or n in self.down

    @view
    def turns(self) -> Map[Node, int]:
        """What each has."""
        return self.credit


class PaysItsOwn(SmoothWeighted):
    """Whoever is picked pays its own weight only: the others gain without end."""

    def pays(self) -> int:
        """What the heaviest that is up has gained."""
        return max(self.weights[m] for m in Node if m not in self.down)


class AllOfTheHeaviest(SmoothWeighted):
    """The heaviest has all its turns of a round first: c b a a a a a, as it was in nginx before 2012."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 3, "failures": False},
        "standard": {"Node": 4, "failures": False},
    }

    def first_of_the_greatest(self, n: Node) -> bool:
        """Of those that have turns left, node n is the heaviest."""
        return self.served[n] < self.weights[n] and all(
            self.weights[m] < self.weights[n] or (self.weights[m] == self.weights[n] and int(n) <= int(m))
            for m in Node
            if self.served[m] < self.weights[m]
        )


class PicksTheDead(SmoothWeighted):
    """Nobody looks at who is down."""

    def first_of_the_greatest(self, n: Node) -> bool:
        """Node n has most, whether or not it is up."""
        return all(
            self.gained(m) < self.gained(n) or (self.gained(m) == self.gained(n) and int(n) <= int(m))
            for m in Node
        )


class ForgetsTheLight(SmoothWeighted):
    """The schedule begins anew whenever a node comes or goes, always with the heaviest: the light are never served."""

    @action
    def fail(self, n: Node) -> None:
        """Node n goes down, and all begin again."""
        super().fail(n)
        self.credit = Map({m: 0 for m in Node})
        self.served = Map({m: 0 for m in Node})
