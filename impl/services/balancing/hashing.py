"""By key: requests about the same thing go to the same endpoint, and a change of endpoints moves few of them.

Guarantees: the hash is the same in every process; when an endpoint goes, on the ring only its own keys move (without loads), in
Maglev's table some others as well; no endpoint of the ring has more on the way than its bound.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction
from hashlib import blake2b

from ratified.impl.services.balancing.base import ANY, Picking
from ratified.impl.services.balancing.load import _Counting
from ratified.impl.services.endpoints import Endpoint, ServiceError, eligible, nobody, whole

POINTS = 100
"""Points on the ring for each part of an endpoint's weight."""


def hashed(data: bytes, salt: bytes = b"") -> int:
    """Return 64 bits."""
    return int.from_bytes(blake2b(data, digest_size=8, person=salt).digest(), "big")


def points(name: str, count: int) -> Iterator[int]:
    """The places of an endpoint on the ring: eight to a hash."""
    for i in range(0, count, 8):
        digest = blake2b(f"{name}\0{i}".encode(), digest_size=64, person=b"ring").digest()
        yield from struct.unpack(">8Q", digest)[: count - i]


class BoundedRing(_Counting):
    """Consistent hashing with bounded loads (Mirrokni, Thorup & Zadimoghaddam, 2016; arXiv 1608.01350).

    A key goes to the first endpoint at or after it on the ring that has room: none has more than ceil(factor * m / n) on the way,
    where m counts the request that arrives and n the endpoints that it may go to. `factor` is above 1; 1.25 is usual.
    """

    def __init__(self, factor: Fraction = Fraction(5, 4), points: int = POINTS) -> None:
        super().__init__()
        given: object = factor
        if type(given) not in (int, Fraction):
            raise ServiceError(f"the load factor is a fraction, not {factor!r}")
        if factor <= 1:
            raise ServiceError(f"the load factor is above 1, not {factor}")
        whole(points=points)
        if points < 1:
            raise ServiceError(f"an endpoint has at least 1 point on the ring, not {points}")
        self._factor = Fraction(factor)
        self._points = points
        self._ring: list[tuple[int, str]] = []  # where, and whose
        self._named: dict[str, Endpoint] = {}

    def changed(self, before: tuple[Endpoint, ...]) -> None:
        """Place the points of endpoints that came. They depend on a name alone, so that nobody else's move."""
        super().changed(before)
        weights = {e.name: e.weight for e in before}
        now = {e.name: e.weight for e in self.endpoints}
        self._named = {e.name: e for e in self.endpoints}
        others = {name for name, weight in weights.items() if now.get(name) != weight}
        if others:
            self._ring = [point for point in self._ring if point[1] not in others]
        for e in self.endpoints:
            if weights.get(e.name) != e.weight:
                self._ring.extend((place, e.name) for place in points(e.name, self._points * e.weight))
        self._ring.sort()

    def bound(self, count: int) -> int:
        """How much one of so many endpoints may have on the way, with the request that arrives."""
        load = self.on_the_way + 1
        return -(-self._factor.numerator * load // (self._factor.denominator * count))

    def pick(self, request: Picking = ANY) -> Endpoint:
        """Walk the ring from the key on."""
        found = eligible(self.endpoints, request.avoid) if request.avoid else self.endpoints
        if not found:
            raise nobody(found)
        most = self.bound(len(found))
        start = bisect_left(self._ring, (hashed(request.key, b"key"), ""))
        for ahead in range(len(self._ring)):
            name = self._ring[(start + ahead) % len(self._ring)][1]
            if name not in request.avoid and self.outstanding[name] < most:
                return self._taken(self._named[name])
        raise AssertionError("somebody has room: the bound is above what they have on average")


class Maglev(_Counting):
    """Maglev hashing (Eisenbud et al., NSDI 2016, section 3.4): a table in which endpoints take turns for their next free place.

    Equal weights give counts that differ by 1 at most. `size` is a prime, much larger than the number of endpoints.
    """

    def __init__(self, size: int = 65_537) -> None:
        super().__init__()
        if not is_prime(size):
            raise ServiceError(f"the size of the table must be a prime, not {size}")
        self._size = size
        self.table: tuple[int, ...] = ()

    def changed(self, before: tuple[Endpoint, ...]) -> None:
        """Fill the table."""
        super().changed(before)
        if len(self.endpoints) > self._size:
            self.endpoints = before
            super().changed(before)
            raise ServiceError(f"a table of {self._size} has no room for more endpoints than that")
        names = [e.name.encode() for e in self.endpoints]
        starts = [hashed(name, b"offset") % self._size for name in names]
        skips = [hashed(name, b"skip") % (self._size - 1) + 1 for name in names]
        places = list(zip(starts, skips, strict=True))
        self.table = filled(self._size, places, [e.weight for e in self.endpoints])

    def pick(self, request: Picking = ANY) -> Endpoint:
        """Look the key up; where that is to be avoided, go on to the next place of another."""
        start = hashed(request.key, b"key")
        for ahead in range(len(self.table)):
            endpoint = self.endpoints[self.table[(start + ahead) % self._size]]
            if endpoint.name not in request.avoid:
                return self._taken(endpoint)
        raise nobody(self.endpoints)


def filled(size: int, places: Sequence[tuple[int, int]], weights: Sequence[int]) -> tuple[int, ...]:
    """Fill a table: whose each place is. `places` has an offset and a step for each endpoint, which run through all of the table.

    An endpoint of the largest weight takes a place in each round, one of a third of it in every third (as Envoy has it).
    """
    table, taken = [-1] * size, 0
    if not places:
        return ()
    at = [offset for offset, _ in places]
    most, due = max(weights), [0] * len(places)
    turn = 0
    while True:
        turn += 1
        for n, (_, skip) in enumerate(places):
            if turn * weights[n] < due[n]:
                continue
            due[n] += most
            while table[at[n]] >= 0:
                at[n] = (at[n] + skip) % size
            table[at[n]] = n
            taken += 1
            if taken == size:
                return tuple(table)


def is_prime(n: int) -> bool:
    """Whether a number is a prime."""
    return type(n) is int and n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))
