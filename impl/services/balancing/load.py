"""By load: the requests on the way to an endpoint, for each part of its weight.

Guarantees: `outstanding` is the picks of an endpoint that have not ended; two choices are two endpoints, never one twice: with
replacement, an idle endpoint of two is missed in a quarter of the picks (Envoy, issue 20420), and the busiest can be picked.
"""

from __future__ import annotations

from ratified.impl.services.balancing.base import ANY, Balancer, Picking
from ratified.impl.services.endpoints import Endpoint, eligible, nobody


class _Counting(Balancer):
    """Counts what is on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.outstanding: dict[str, int] = {}

    def changed(self, before: tuple[Endpoint, ...]) -> None:
        """Those that stay are as busy as they were."""
        self.outstanding = {e.name: self.outstanding.get(e.name, 0) for e in self.endpoints}

    def done(self, name: str, *, ok: bool = True) -> None:
        """A request has ended."""
        if self.outstanding.get(name):
            self.outstanding[name] -= 1

    def _taken(self, endpoint: Endpoint) -> Endpoint:
        self.outstanding[endpoint.name] += 1
        return endpoint

    def _less(self, one: Endpoint, other: Endpoint) -> bool:
        """Whether one has less on the way for its weight than another would, each with one more."""
        return (self.outstanding[one.name] + 1) * other.weight < (
            self.outstanding[other.name] + 1
        ) * one.weight


class LeastOutstanding(_Counting):
    """The endpoint with least on the way; of equals, any with the same probability."""

    def pick(self, request: Picking = ANY) -> Endpoint:
        """Look at all that the request may go to."""
        found = eligible(self.endpoints, request.avoid)
        best = [found[0]]
        for endpoint in found[1:]:
            if self._less(endpoint, best[0]):
                best = [endpoint]
            elif not self._less(best[0], endpoint):
                best.append(endpoint)
        return self._taken(best[request.draw(len(best))])


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
