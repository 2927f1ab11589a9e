"""By chance: every endpoint with the same probability, or with one that is exactly its share of the weights.

Weighted: the alias method (Walker 1977; Vose 1991), in integers, so that no share is rounded: with n endpoints of weights w_i
that add up to W, column i belongs to endpoint i for `kept_i` of its W parts and to `alias_i` for the others, and
kept_i + the sum over all j with alias_j = i of (W - kept_j) is n * w_i.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from ratified.impl.services.balancing.base import ANY, Balancer, Picking
from ratified.impl.services.endpoints import Endpoint, eligible, nobody

TRIES = 8
"""How often one that is to be avoided is drawn before those that are not are counted."""


class Random(Balancer):
    """Any endpoint, each with the same probability. Weights are not looked at."""

    def pick(self, request: Picking = ANY) -> Endpoint:
        """Draw one that the request may go to."""
        found = eligible(self.endpoints, request.avoid) if request.avoid else self.endpoints
        if not found:
            raise nobody(found)
        return found[request.draw(len(found))]


class WeightedRandom(Balancer):
    """Any endpoint, each with its weight's share as its probability, exactly."""

    def __init__(self) -> None:
        super().__init__()
        self._total = 0
        self.kept: tuple[int, ...] = ()
        self.alias: tuple[int, ...] = ()

    def changed(self, before: tuple[Endpoint, ...]) -> None:
        """Make the table of columns anew."""
        self._total = sum(e.weight for e in self.endpoints)
        self.kept, self.alias = alias_table([e.weight for e in self.endpoints])

    def pick(self, request: Picking = ANY) -> Endpoint:
        """Draw a column and a part of it; where that may not be, draw again, and at last among those that may be."""
        count = len(self.endpoints)
        for _ in range(TRIES if count else 0):
            column, part = divmod(request.draw(count * self._total), self._total)
            endpoint = self.endpoints[column if part < self.kept[column] else self.alias[column]]
            if endpoint.name not in request.avoid:
                return endpoint
        found = eligible(self.endpoints, request.avoid)
        sums = list(accumulate(e.weight for e in found))
        part = request.draw(sums[-1])
        return next(e for e, upto in zip(found, sums, strict=True) if part < upto)


def alias_table(weights: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return, for each column, how many of its parts it keeps and whose the others are; a column has sum(weights) parts."""
    count, total = len(weights), sum(weights)
    left = [count * w for w in weights]
    kept, alias = [total] * count, list(range(count))
    small = [i for i in range(count) if left[i] < total]
    large = [i for i in range(count) if left[i] >= total]
    while small:
        i, j = small.pop(), large[-1]
        kept[i], alias[i] = left[i], j
        left[j] -= total - left[i]
        if left[j] < total:
            small.append(large.pop())
    return tuple(kept), tuple(alias)
