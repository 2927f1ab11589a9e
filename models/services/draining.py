"""Draining: a node that is to go gets no new requests, and is gone once the last has ended, or its time is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Param,
    Range,
    Set,
    Symmetric,
    action,
    invariant,
    leads_to,
    require,
    step_invariant,
    view,
)


class Node(Symmetric):
    """Serves requests."""


class Draining(Model):
    """What is on the way to each node; who drains, and for how long at most; who is gone."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 1},
        "standard": {"Node": 2},
        "large": {"Node": 3},
    }

    most: Param[Annotated[int, Range(1, 1000)]] = 2  # requests on the way to a node
    longest: Param[Annotated[int, Range(0, 1000)]] = 2  # ticks

    outstanding: Map[Node, Annotated[int, Range(0, "most")]]
    draining: Set[Node]
    left: Map[Node, Annotated[int, Range(0, "longest")]]  # ticks until it goes in any case
    gone: Set[Node]

    @action
    def pick(self, n: Node) -> None:
        """A request is sent to a node that stays."""
        require(n not in self.draining and n not in self.gone and self.outstanding[n] < self.most)
        self.outstanding[n] += 1

    @action
    def end(self, n: Node) -> None:
        """A request ends."""
        require(self.outstanding[n] > 0)
        self.outstanding[n] -= 1

    @action
    def drain(self, n: Node, ticks: Annotated[int, Range(0, "longest")]) -> None:
        """Node n is to go, within so many ticks. If it drains already that changes nothing."""
        require(n not in self.gone)
        if self.begins(n):
            self.draining.add(n)
            self.left[n] = ticks

    def begins(self, n: Node) -> bool:
        """It does not drain yet."""
        return n not in self.draining

    @action(fair="weak")
    def tick(self) -> None:
        """Time goes by."""
        self.left = Map({n: max(0, self.left[n] - 1) for n in Node})

    @action(fair="weak", each=("n",))
    def go(self, n: Node) -> None:
        """Node n is gone, with what was on the way."""
        require(self.is_done(n))
        self.draining.remove(n)
        self.gone.add(n)
        self.outstanding[n] = 0

    def is_done(self, n: Node) -> bool:
        """It drains, and need not go on."""
        return n in self.draining and self.may_go(n)

    def may_go(self, n: Node) -> bool:
        """Nothing is on the way to it, or it had time enough."""
        return self.outstanding[n] == 0 or self.left[n] == 0

    @action
    def come(self, n: Node) -> None:
        """It is there again."""
        require(n in self.gone)
        self.gone.remove(n)

    @invariant
    def who_drains_is_there(self) -> bool:
        """Nobody that is gone drains."""
        return all(n not in self.gone for n in self.draining)

    @step_invariant
    def who_drains_gets_nothing_new(self, old: Self) -> bool:
        """No request goes to a node that drains, or is gone."""
        return all(
            self.outstanding[n] <= old.outstanding[n] for n in Node if n in old.draining or n in old.gone
        )

    @step_invariant
    def nobody_goes_too_early(self, old: Self) -> bool:
        """A node is gone only when nothing was on the way to it, or its time was over."""
        return all(n in old.gone or old.outstanding[n] == 0 or old.left[n] == 0 for n in self.gone)

    @step_invariant
    def time_is_not_given_again(self, old: Self) -> bool:
        """While a node drains its time only gets less."""
        return all(self.left[n] <= old.left[n] for n in old.draining if n in self.draining)

    @leads_to
    def who_drains_is_gone(self, n: Node) -> tuple[bool, bool]:
        """In the end it is."""
        return n in self.draining, n not in self.draining

    @view
    def who_drains(self) -> tuple[Set[Node], Set[Node]]:
        """Those that drain, and those that are gone."""
        return self.draining, self.gone


class GoneTooEarly(Draining):
    """A node goes at once, and breaks off what is on the way."""

    def may_go(self, n: Node) -> bool:
        """Always."""
        return True


class DrainsAnew(Draining):
    """Whoever is told to drain once more has all its time again: it need never go."""

    def begins(self, n: Node) -> bool:
        """Always."""
        return True
