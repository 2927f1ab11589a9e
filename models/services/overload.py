"""Metastable failure: an overload that retries keep alive after its cause is gone, and the budget that lets it heal.

Requests come in at less than a server can do. During an outage they pile up; after it, whoever is served has waited too long: the
client has given up, and tries again. So the server is busy with work that nobody wants, and everybody asks once more, for ever,
though there is no outage any more. (Bronson et al., "Metastable failures in distributed systems", 2021; Huang et al., 2022.)

Time goes by in ticks. In each, `load` new requests come in, and the retries that the budget lets through; the server does
`capacity` of what waits, first come first served, and none in an outage. Who waits longer than `patience` ticks is answered too
late. There are `clients` that may want to try again; what is refused beyond them is nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from ratified.language import Model, Param, Range, action, invariant, leads_to, require, view

Small = Annotated[int, Range(0, 100)]


class Overload(Model):
    """A queue, clients that wait for their answers, an outage."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {},
        "standard": {"room": 24, "outages": 2},
        "large": {"room": 60, "outages": 4},
    }

    capacity: Param[Small] = 4
    load: Param[Small] = 2
    patience: Param[Small] = 1
    budget: Param[Small] = 1  # retries in a tick
    room: Param[Small] = 12  # in the queue; what does not fit is refused at once
    clients: Param[Small] = 20
    outages: Param[Small] = 1

    queue: Annotated[int, Range(0, "room")] = 0
    unhappy: Annotated[int, Range(0, "clients")] = 0  # who would try again
    outage: bool = False
    outages_left: Annotated[int, Range(0, "outages")] = 0

    def init(self) -> None:
        """Nothing waits."""
        self.outages_left = self.outages

    @action(fair="weak")
    def tick(self) -> None:
        """Time goes by."""
        served = 0 if self.outage else min(self.queue, self.capacity)
        late = served if self.too_late() else 0
        again = self.let_through()
        waiting = self.queue - served + self.load + again
        refused = max(0, waiting - self.room)
        self.queue = waiting - refused
        self.unhappy = min(self.clients, late + refused)

    def too_late(self) -> bool:
        """Who is served now has waited longer than anybody does."""
        return self.queue > self.patience * self.capacity

    def let_through(self) -> int:
        """How many may try again in this tick; the others give up for good."""
        return min(self.unhappy, self.budget)

    @action
    def fail(self) -> None:
        """An outage begins."""
        require(not self.outage and self.outages_left > 0)
        self.outage = True
        self.outages_left -= 1

    @action(fair="weak")
    def mend(self) -> None:
        """It ends."""
        require(self.outage)
        self.outage = False

    @invariant
    def the_load_is_less_than_the_capacity(self) -> bool:
        """What is new can always be done, with what the budget lets through besides."""
        return self.load + self.budget < self.capacity

    @leads_to
    def heals(self) -> tuple[bool, bool]:
        """Once there are no more outages, everybody is served in time."""
        over = not self.outage and self.outages_left == 0
        return over, self.queue <= self.load + self.budget and self.unhappy == 0

    @view
    def load_and_retries(self) -> tuple[int, int]:
        """What waits, and who would try again."""
        return self.queue, self.unhappy


class NoBudget(Overload):
    """Everybody who had no answer in time tries again, at once."""

    def let_through(self) -> int:
        """All."""
        return self.unhappy
