"""Taking turns: round-robin, and smooth weighted round-robin.

Guarantees: n picks of round-robin among n endpoints are one of each. Of smooth weighted round-robin, the current weights add up
to zero after every pick, and with W the sum of the weights, the first W picks serve each endpoint its weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from heapq import heapify, heapreplace

from ratified.impl.services.balancing.base import ANY, Balancer, Picking
from ratified.impl.services.endpoints import Endpoint, ServiceError, eligible, nobody, whole

START_MOST = 10_000
"""Picks of a long round that a client may begin after: enough for first picks to be in proportion, and soon made."""


class RoundRobin(Balancer):
    """One after the other, in their order.

    `start` is where the first pick falls, modulo the number of endpoints: clients that all began at the first would send it
    their first requests all at once (nginx-devel, November 2020).
    """

    def __init__(self, start: int = 0) -> None:
        super().__init__()
        whole(start=start)
        self._next = start

    def changed(self, before: tuple[Endpoint, ...]) -> None:
        """Go on with the one whose turn it was, or the first after it that is still there."""
        places = {e.name: i for i, e in enumerate(self.endpoints)}
        turns = (before[(self._next + ahead) % len(before)].name for ahead in range(len(before)))
        self._next = next((places[name] for name in turns if name in places), self._next)

    def pick(self, request: Picking = ANY) -> Endpoint:
        """Pick the next that the request may go to."""
        count = len(self.endpoints)
        for ahead in range(count):
            endpoint = self.endpoints[(self._next + ahead) % count]
            if endpoint.name not in request.avoid:
                self._next = (self._next + ahead + 1) % count
                return endpoint
        raise nobody(self.endpoints)


@dataclass(slots=True)
class _Turn:
    """What is kept of an endpoint. `effective` falls with failures and recovers, never above the endpoint's weight.

    While turns stand in rows, what it has gained since is not in `current` yet: its weight for each pick.
    """

    endpoint: Endpoint
    current: int = 0
    effective: int = 0


class SmoothWeighted(Balancer):
    """Smooth weighted round-robin, as in nginx since 2012: turns in proportion to weights, spread out evenly.

    Each pick, every endpoint that may be picked gains its effective weight; the one with most is picked (the first of equals)
    and pays the sum of all. {a: 5, b: 1, c: 1} gives a a b a c a a. A failure takes weight / `failures` off the effective
    weight, down to zero, and each pick gives 1 back.

    `start` is how many picks of the round are over when this client begins, modulo the round, or modulo 10,000 (`START_MOST`)
    where that is shorter, since they are made one by one: clients that all began with the heaviest would send it their first
    requests all at once (nginx-devel, November 2020). Give each a number of its own.

    Endpoints of one weight gain as much as each other, so that between them nothing changes but for the one that is picked: they
    stand in a row, a heap, and a pick looks at the first of each row. Where some are to be avoided, or recover from
    failures, all are looked at.
    """

    def __init__(self, failures: int = 1, start: int = 0) -> None:
        super().__init__()
        whole(failures=failures, start=start)
        if failures < 1:
            raise ServiceError(f"an endpoint is given at least 1 failure, not {failures}")
        self._failures = failures
        self._start = start
        self._turns: dict[str, _Turn] = {}
        self._failing: set[str] = set()  # whose effective weight is below its weight
        self._rows: dict[
            int, list[tuple[int, int]]
        ] = {}  # by weight: minus `current`, and the place in the order
        self._total = self._picks = (
            0  # while turns stand in rows: what weights add up to, and picks since then
        )

    @property
    def current(self) -> tuple[int, ...]:
        """The current weights, in the endpoints' order. They add up to zero, unless endpoints have just gone."""
        return tuple(self._turns[e.name].current + e.weight * self._picks for e in self.endpoints)

    def changed(self, before: tuple[Endpoint, ...]) -> None:
        """Those that stay keep their place; what those had that went is shared out, so that all adds up to zero again."""
        self._settle()
        turns = {}
        for endpoint in self.endpoints:
            turn = self._turns.get(endpoint.name, _Turn(endpoint, 0, endpoint.weight))
            lost = turn.endpoint.weight - turn.effective
            turns[endpoint.name] = _Turn(endpoint, turn.current, max(0, endpoint.weight - lost))
        self._turns = turns
        self._failing = {name for name, turn in turns.items() if turn.effective < turn.endpoint.weight}
        missing = -sum(turn.current for turn in turns.values())
        share, rest = divmod(missing, len(turns)) if turns else (0, 0)
        for i, turn in enumerate(turns.values()):
            turn.current += share + (i < rest)
        if self.endpoints and not before:
            self._begin()

    def _begin(self) -> None:
        """Make the picks that are over when this client begins."""
        weights = [endpoint.weight for endpoint in self.endpoints]
        for _ in range(self._start % min(START_MOST, sum(weights) // math.gcd(*weights))):
            self.pick()

    def _settle(self) -> None:
        """Leave the rows: `current` is what it is."""
        for turn in self._turns.values() if self._picks else ():
            turn.current += turn.endpoint.weight * self._picks
        self._rows, self._picks = {}, 0

    def _stand_in_rows(self) -> None:
        self._total = sum(endpoint.weight for endpoint in self.endpoints)
        for place, endpoint in enumerate(self.endpoints):
            row = self._rows.setdefault(endpoint.weight, [])
            row.append((-self._turns[endpoint.name].current, place))
        for row in self._rows.values():
            heapify(row)

    def pick(self, request: Picking = ANY) -> Endpoint:
        """Pick the one whose turn it is most."""
        if request.avoid or self._failing or not self.endpoints:
            self._settle()
            return self._of_all(request)
        if not self._rows:
            self._stand_in_rows()
        self._picks += 1
        _, place, row = max(
            (weight * self._picks - row[0][0], -row[0][1], row) for weight, row in self._rows.items()
        )
        endpoint = self.endpoints[-place]
        turn = self._turns[endpoint.name]
        turn.current -= self._total
        heapreplace(row, (-turn.current, -place))
        return endpoint

    def _of_all(self, request: Picking) -> Endpoint:
        turns = [self._turns[e.name] for e in eligible(self.endpoints, request.avoid)]
        total = 0
        best = turns[0]
        for turn in turns:
            total += turn.effective
            turn.current += turn.effective
            if turn.effective < turn.endpoint.weight:
                turn.effective += 1
                if turn.effective == turn.endpoint.weight:
                    self._failing.discard(turn.endpoint.name)
            if turn.current > best.current:
                best = turn
        best.current -= total
        return best.endpoint

    def done(self, name: str, *, ok: bool = True) -> None:
        """A failure makes an endpoint's turns rarer for a while."""
        turn = self._turns.get(name)
        if turn is not None and not ok:
            self._settle()
            self._failing.add(name)
            turn.effective = max(0, turn.effective - max(1, turn.endpoint.weight // self._failures))
