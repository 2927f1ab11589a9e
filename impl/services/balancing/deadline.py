"""Earliest deadline first: an endpoint of weight w is due every 1/w.

Guarantees: deadlines are fractions, so that no weight drifts; of equal ones, the endpoint that comes first is picked.
"""

from __future__ import annotations

from fractions import Fraction
from heapq import heapify, heappop, heappush, heapreplace

from ratified.impl.services.balancing.base import ANY, Balancer, Draw, Picking
from ratified.impl.services.endpoints import Endpoint, nobody

GRAIN = 1 << 20
"""Into how many parts an endpoint's period is cut for its first deadline to be drawn."""


class EarliestDeadline(Balancer):
    """In proportion to weights, though not spread out: {a: 5, b: 1, c: 1} gives a a a a a b c.

    With `start`, an endpoint's first deadline is drawn from within its period. Without it, a schedule that is made anew more
    often than light endpoints are due never serves them (Envoy, issues 14597 and 31378): 1,000 endpoints of weight 128 come
    before each of weight 10.
    """

    def __init__(self, start: Draw | None = None) -> None:
        super().__init__()
        self._start = start
        self._now = Fraction(0)
        self._due: list[tuple[Fraction, int, Endpoint]] = []

    def changed(self, before: tuple[Endpoint, ...]) -> None:
        """Those that stay are due when they were, sooner or later by as much as their period has become shorter or longer."""
        known = {endpoint.name: (due, endpoint) for due, _, endpoint in self._due}
        self._due = []
        for order, endpoint in enumerate(self.endpoints):
            if endpoint.name in known:
                due, old = known[endpoint.name]
                due = self._now + (due - self._now) * old.weight / endpoint.weight
            else:
                part = Fraction(1) if self._start is None else Fraction(1 + self._start(GRAIN), GRAIN)
                due = self._now + part / endpoint.weight
            self._due.append((due, order, endpoint))
        heapify(self._due)

    def pick(self, request: Picking = ANY) -> Endpoint:
        """Pick the one that is due first. Those that are passed over stay due."""
        passed = []
        while self._due and self._due[0][2].name in request.avoid:
            passed.append(heappop(self._due))
        if not self._due:
            self._due = passed  # in their order, which a heap may be in
            raise nobody(self.endpoints)
        due, order, endpoint = self._due[0]
        self._now = max(self._now, due)
        heapreplace(self._due, (self._now + Fraction(1, endpoint.weight), order, endpoint))
        for entry in passed:
            heappush(self._due, entry)
        return endpoint
