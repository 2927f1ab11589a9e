"""Earliest deadline first: an endpoint of weight w is due every 1/w.

Guarantees: deadlines are exact, so that no weight drifts; of equal ones, the endpoint that comes first is picked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from heapq import heapify, heappop, heappush, heapreplace

from ratified.impl.services.balancing.base import ANY, Balancer, Draw, Picking
from ratified.impl.services.endpoints import Endpoint, nobody

GRAIN = 1 << 20
"""Into how many parts an endpoint's period is cut for its first deadline to be drawn."""

WIDEST = 256
"""Deadlines are counted in parts that all of them are whole numbers of, if so many bits are enough for it; else as fractions."""

Time = int | Fraction


class EarliestDeadline(Balancer):
    """In proportion to weights, though not spread out: {a: 5, b: 1, c: 1} gives a a a a a b c.

    With `start`, an endpoint's first deadline is drawn from within its period. Without it, a schedule that is made anew more
    often than light endpoints are due never serves them (Envoy, issues 14597 and 31378): 1,000 endpoints of weight 128 come
    before each of weight 10.
    """

    def __init__(self, start: Draw | None = None) -> None:
        super().__init__()
        self._start = start
        self._now: Time = 0
        self._parts = 1  # of a unit of time that times are counted in
        self._due: list[tuple[Time, int, Endpoint]] = []
        self._period: dict[str, Time] = {}

    def changed(self, before: tuple[Endpoint, ...]) -> None:
        """Those that stay are due when they were, sooner or later by as much as their period has become shorter or longer."""
        now = Fraction(self._now) / self._parts
        known = {e.name: (Fraction(due) / self._parts, e) for due, _, e in self._due}
        dues = []
        for endpoint in self.endpoints:
            if endpoint.name in known:
                due, old = known[endpoint.name]
                dues.append(now + (due - now) * old.weight / endpoint.weight)
            else:
                part = Fraction(1) if self._start is None else Fraction(1 + self._start(GRAIN), GRAIN)
                dues.append(now + part / endpoint.weight)
        self._count_in(_parts_of([now, *dues, *(Fraction(1, e.weight) for e in self.endpoints)]), now, dues)

    def _count_in(self, parts: int, now: Fraction, dues: list[Fraction]) -> None:
        """Keep times in so many parts of a unit; as fractions of it if there is no such number (0)."""

        def kept(time: Fraction) -> Time:
            return time.numerator * (parts // time.denominator) if parts else time

        self._parts = parts or 1
        self._now = kept(now)
        self._period = {e.name: kept(Fraction(1, e.weight)) for e in self.endpoints}
        self._due = [(kept(due), n, e) for n, (due, e) in enumerate(zip(dues, self.endpoints, strict=True))]
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
        heapreplace(self._due, (self._now + self._period[endpoint.name], order, endpoint))
        for entry in passed:
            heappush(self._due, entry)
        return endpoint


def _parts_of(times: Iterable[Fraction]) -> int:
    """The least number of parts of a unit that all times are whole numbers of; 0 if it is too large to compute with."""
    parts = 1
    for time in times:
        parts = math.lcm(parts, time.denominator)
        if parts.bit_length() > WIDEST:
            return 0
    return parts
