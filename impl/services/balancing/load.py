"""By load: the requests on the way to an endpoint, for each part of its weight.

Guarantees: `outstanding` is the picks of an endpoint that have not ended; two choices are two endpoints, never one twice: with
replacement, an idle endpoint of two is missed in a quarter of the picks (Envoy, issue 20420), and the busiest can be picked.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence

from ratified.impl.services.balancing.base import ANY, Balancer, Picking
from ratified.impl.services.endpoints import Endpoint, eligible, nobody


class _Counting(Balancer):
    """Counts what is on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.outstanding: dict[str, int] = {}
        self.on_the_way = 0  # to all of them

    def changed(self, before: tuple[Endpoint, ...]) -> None:
        """Those that stay are as busy as they were."""
        self.outstanding = {e.name: self.outstanding.get(e.name, 0) for e in self.endpoints}
        self.on_the_way = sum(self.outstanding.values())

    def done(self, name: str, *, ok: bool = True) -> None:
        """A request has ended."""
        if self.outstanding.get(name):
            self.outstanding[name] -= 1
            self.on_the_way -= 1

    def _taken(self, endpoint: Endpoint) -> Endpoint:
        self.outstanding[endpoint.name] += 1
        self.on_the_way += 1
        return endpoint

    def _less(self, one: Endpoint, other: Endpoint) -> bool:
        """Whether one has less on the way for its weight than another would, each with one more."""
        return (self.outstanding[one.name] + 1) * other.weight < (
            self.outstanding[other.name] + 1
        ) * one.weight


class LeastOutstanding(_Counting):
    """The endpoint with least on the way; of equals, any with the same probability.

    Endpoints of one weight with as much on the way stand in one row, in their order: a pick looks at each weight's first row.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[
            int, dict[int, list[int]]
        ] = {}  # by weight and by what is on the way: places in the order
        self._least: dict[int, int] = {}  # by weight, what is on the way to the first row
        self._place: dict[str, int] = {}

    def changed(self, before: tuple[Endpoint, ...]) -> None:
        """Put all in their rows."""
        super().changed(before)
        self._rows = {}
        self._place = {e.name: i for i, e in enumerate(self.endpoints)}
        for i, endpoint in enumerate(self.endpoints):
            self._rows.setdefault(endpoint.weight, {}).setdefault(self.outstanding[endpoint.name], []).append(
                i
            )
        self._least = {weight: min(rows) for weight, rows in self._rows.items()}

    def pick(self, request: Picking = ANY) -> Endpoint:
        """Look at the first rows; at all endpoints, if some are to be avoided."""
        if request.avoid or not self.endpoints:
            return self._of(eligible(self.endpoints, request.avoid), request)
        rows = [self._rows[weight][least] for weight, least in self._least.items()]
        best = rows[:1]
        for row in rows[1:]:
            one, other = self.endpoints[row[0]], self.endpoints[best[0][0]]
            if self._less(one, other):
                best = [row]
            elif not self._less(other, one):
                best.append(row)
        return self._taken(self.endpoints[_of_all(best, request.draw(sum(map(len, best))))])

    def _of(self, found: list[Endpoint], request: Picking) -> Endpoint:
        best = [found[0]]
        for endpoint in found[1:]:
            if self._less(endpoint, best[0]):
                best = [endpoint]
            elif not self._less(best[0], endpoint):
                best.append(endpoint)
        return self._taken(best[request.draw(len(best))])

    def done(self, name: str, *, ok: bool = True) -> None:
        """A request has ended: an endpoint has less on the way."""
        if before := self.outstanding.get(name):
            super().done(name, ok=ok)
            self._move(self.endpoints[self._place[name]], before, before - 1)

    def _taken(self, endpoint: Endpoint) -> Endpoint:
        before = self.outstanding[endpoint.name]
        self._move(endpoint, before, before + 1)
        return super()._taken(endpoint)

    def _move(self, endpoint: Endpoint, before: int, after: int) -> None:
        """From one row to another."""
        rows, place, weight = self._rows[endpoint.weight], self._place[endpoint.name], endpoint.weight
        row = rows[before]
        del row[bisect_left(row, place)]
        insort(rows.setdefault(after, []), place)
        if not row:
            del rows[before]
        if after < self._least[weight]:
            self._least[weight] = after
        elif self._least[weight] not in rows:
            self._least[weight] = min(rows)


def _of_all(rows: Sequence[list[int]], index: int) -> int:
    """What stands at an index of all that stands in rows, put in order."""
    if len(rows) == 1:
        return rows[0][index]
    low, high = min(row[0] for row in rows), max(row[-1] for row in rows)
    while low < high:
        middle = (low + high) // 2
        if sum(bisect_right(row, middle) for row in rows) > index:
            high = middle
        else:
            low = middle + 1
    return low


class TwoChoices(_Counting):
    """The less busy of two endpoints that are drawn (Azar, Broder, Karlin & Upfal, 1999; here two different ones).

    n requests to n endpoints put ln ln n / ln 2 + O(1) on the busiest, where one choice puts ln n / ln ln n.
    """

    def pick(self, request: Picking = ANY) -> Endpoint:
        """Draw two, and take the less busy; of equals the first drawn."""
        found = eligible(self.endpoints, request.avoid) if request.avoid else self.endpoints
        if not found:
            raise nobody(found)
        first = request.draw(len(found))
        if len(found) == 1:
            return self._taken(found[0])
        second = request.draw(len(found) - 1)
        second += second >= first
        one, other = found[first], found[second]
        return self._taken(other if self._less(other, one) else one)
