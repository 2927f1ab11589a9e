"""Round-robin while endpoints come and go: the next is the first at or after the place where the last pick ended.

Endpoints have a fixed order, and the turn is a place in it, not a number to count endpoints by. So who stays is served at least
once in as many picks as there can be endpoints, whoever else comes and goes meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Ordered,
    Range,
    Set,
    action,
    first,
    invariant,
    leads_to,
    require,
    step_invariant,
    view,
)


class Endpoint(Ordered, prefix="e"):
    """Serves requests; endpoints have an order, such as that of their names."""


class ChangingTurns(Model):
    """Which endpoints are there, whose turn it is, and how many picks each has waited."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Endpoint": 3},
        "standard": {"Endpoint": 4},
        "large": {"Endpoint": 6},
    }

    there: Set[Endpoint]
    turn: Endpoint  # the next is there, or after it
    waited: Map[Endpoint, Annotated[int, Range(0, "len(Endpoint)")]]  # since it was served, or came
    picked: Endpoint | None = None

    def init(self) -> None:
        """All are there."""
        self.there = Set(Endpoint)
        self.turn = first(Endpoint)

    def is_next(self, e: Endpoint) -> bool:
        """Of those that are there, endpoint e is the first from the turn on, around the end."""
        return e in self.there and all(
            (e <= other if other >= self.turn else True)
            if e >= self.turn
            else (other < self.turn and e <= other)
            for other in self.there
        )

    @action(fair="weak")
    def pick(self, e: Endpoint) -> None:
        """Endpoint e is picked, and the turn is behind it."""
        require(self.is_next(e))
        self.waited = Map(
            {
                other: 0
                if other == e or other not in self.there
                else min(self.waited[other] + 1, len(Endpoint))
                for other in Endpoint
            }
        )
        self.picked = e
        self.turn = self.behind(e)

    def behind(self, e: Endpoint) -> Endpoint:
        """Where the turn is when e was picked."""
        return first(Endpoint) if e.is_last() else e + 1

    @action
    def come(self, e: Endpoint) -> None:
        """An endpoint comes."""
        require(e not in self.there)
        self.there.add(e)
        self.waited[e] = 0
        self.changed()

    @action
    def go(self, e: Endpoint) -> None:
        """An endpoint goes, but not the last one."""
        require(e in self.there and len(self.there) > 1)
        self.there.remove(e)
        self.waited[e] = 0
        self.changed()

    def changed(self) -> None:
        """Others are there than before: the turn is where it was."""

    @invariant
    def nobody_waits_longer_than_a_round(self, e: Endpoint) -> bool:
        """Who is there is served within as many picks as there can be endpoints."""
        return self.waited[e] < len(Endpoint)

    @step_invariant
    def who_is_not_there_is_not_picked(self, old: Self) -> bool:
        """Picks go to endpoints that are there."""
        return self.picked == old.picked or any(self.picked == e for e in old.there)

    @leads_to
    def nobody_starves(self, e: Endpoint) -> tuple[bool, bool]:
        """Who is there is picked, or goes before."""
        return e in self.there, self.picked == e or e not in self.there

    @view
    def waits(self) -> tuple[Endpoint, Map[Endpoint, int]]:
        """Whose turn it is, and how long each has waited."""
        return self.turn, self.waited


class BeginsAnew(ChangingTurns):
    """With each change the first has its turn: those at the end are never served if changes are frequent."""

    def changed(self) -> None:
        """All begin again."""
        self.turn = first(Endpoint)


class ByNumber(ChangingTurns):
    """The turn is a number to count those by that are there: when one goes, another that was to be next is passed over."""

    def is_next(self, e: Endpoint) -> bool:
        """So many of those that are there come before e as the number says, around the end."""
        return e in self.there and sum(1 for o in self.there if o < e) == int(self.turn) % len(self.there)

    def behind(self, e: Endpoint) -> Endpoint:
        """The next number."""
        return first(Endpoint) if self.turn.is_last() else self.turn + 1
