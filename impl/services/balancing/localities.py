"""Endpoints in groups, each balanced by a policy of its own: levels of priority, and zones.

Levels: requests go to the first level as long as enough of it is there, and then, in proportion to what is missing, to the next
(as Envoy has it). Zones: a client keeps to its own zone as far as endpoints then still get equal shares of what all clients send.

Guarantees: no request goes to a group of which nobody may be picked, while another has somebody; shares are whole numbers. An
update that is refused leaves every group as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import deepcopy

from ratified.impl.services.balancing.base import ANY, Balancer, Picking
from ratified.impl.services.endpoints import Endpoint, ServiceError, checked, nobody, whole


class _Grouped(Balancer):
    """Endpoints by group, the groups in an order; a group that has a balancer keeps it as long as it has endpoints."""

    def __init__(self, make: Callable[[], Balancer]) -> None:
        super().__init__()
        self._make = make
        self._groups: dict[object, Balancer] = {}

    def group(self, endpoint: Endpoint) -> object:
        """The group that an endpoint is in."""
        raise NotImplementedError

    def update(self, endpoints: Iterable[Endpoint]) -> None:
        """Have these endpoints from now on. Raises EndpointError; all is then as before."""
        new = checked(endpoints)
        members: dict[object, list[Endpoint]] = {}
        for endpoint in sorted(new, key=lambda e: e.priority):
            members.setdefault(self.group(endpoint), []).append(endpoint)
        groups = {name: deepcopy(self._groups[name]) for name in members if name in self._groups}
        made = {name: groups.get(name) or self._make() for name in members}
        for name, balancer in made.items():
            balancer.update(members[name])
        self._groups, self.endpoints = made, new

    def done(self, name: str, *, ok: bool = True) -> None:
        """A request has ended."""
        for balancer in self._groups.values():
            balancer.done(name, ok=ok)

    def left(self, avoid: Collection[str]) -> dict[object, int]:
        """How many endpoints of each group may be picked."""
        return {
            name: sum(e.name not in avoid for e in balancer.endpoints)
            for name, balancer in self._groups.items()
        }


class PriorityLevels(_Grouped):
    """Levels of priority, 0 first. With 1.4 times the endpoints that it needs, a level is whole until less than 5/7 are there."""

    def __init__(self, make: Callable[[], Balancer], overprovisioning_percent: int = 140) -> None:
        super().__init__(make)
        whole(overprovisioning_percent=overprovisioning_percent)
        if overprovisioning_percent < 100:
            raise ServiceError(
                f"a level has at least what it needs: 100 percent, not {overprovisioning_percent}"
            )
        self._percent = overprovisioning_percent

    def group(self, endpoint: Endpoint) -> object:
        """Its level."""
        return endpoint.priority

    def loads(self, avoid: Collection[str] = ()) -> Mapping[object, int]:
        """The percents of requests that go to each level."""
        left = self.left(avoid)
        health = [
            min(100, max(there > 0, self._percent * there // len(self._groups[level].endpoints)))
            for level, there in left.items()
        ]
        return dict(zip(left, priority_loads(health), strict=True))

    def pick(self, request: Picking = ANY) -> Endpoint:
        """Draw a level by its load, and let its policy pick."""
        drawn = request.draw(100) if len(self._groups) > 1 else 0
        for level, load in self.loads(request.avoid).items():
            if drawn < load:
                return self._groups[level].pick(request)
            drawn -= load
        raise nobody(self.endpoints)


def priority_loads(health: Sequence[int]) -> tuple[int, ...]:
    """Return the percents of requests for levels of such a health, each 0 to 100: all of them, unless nobody is there."""
    total = min(100, sum(health))
    loads: list[int] = []
    for level in health:
        load = (200 * level + total) // (2 * total) if total else 0  # rounded
        loads.append(min(100 - sum(loads), load))
    if total:  # what rounding has left
        first = next(n for n, level in enumerate(health) if level)
        loads[first] += 100 - sum(loads)
    return tuple(loads)


class ZoneAware(_Grouped):
    """Its own zone first: all of a client's requests, or as many as its zone's endpoints have to spare for it.

    `clients` says how many clients there are in each zone, this one included. With fewer than `least` endpoints, zones are not
    looked at, and each zone gets as much as it has.
    """

    def __init__(
        self, make: Callable[[], Balancer], zone: str, clients: Mapping[str, int], least: int = 6
    ) -> None:
        super().__init__(make)
        whole(least=least, **{f"clients in zone {name}": count for name, count in clients.items()})
        if any(count < 0 for count in clients.values()) or clients.get(zone, 0) < 1:
            raise ServiceError(
                f"zone {zone!r} has at least 1 client, and no zone less than 0: {dict(clients)}"
            )
        self._zone, self._clients, self._least = zone, dict(clients), least

    def group(self, endpoint: Endpoint) -> object:
        """Its zone."""
        return endpoint.zone

    def shares(self, avoid: Collection[str] = ()) -> Mapping[object, int]:
        """How requests are shared among zones, in whole parts."""
        left = self.left(avoid)
        count, clients = sum(left.values()), sum(self._clients.values())
        own, here = left.get(self._zone, 0), self._clients[self._zone]
        if len(self.endpoints) < self._least:
            return left
        if own * clients >= here * count:
            return {zone: int(zone == self._zone and own > 0) for zone in left}
        spare = {
            zone: max(0, there * clients - self._clients.get(str(zone), 0) * count)
            for zone, there in left.items()
        }
        # own / count of all requests go to this zone: of those of its own clients, (own / count) / (here / clients).
        missing, all_spare = here * count - own * clients, sum(spare.values())
        return {
            zone: own * clients * all_spare if zone == self._zone else missing * spare[zone] for zone in left
        }

    def pick(self, request: Picking = ANY) -> Endpoint:
        """Draw a zone by its share, and let its policy pick."""
        shares = self.shares(request.avoid)
        total = sum(shares.values())
        if total == 0:
            raise nobody(self.endpoints)
        drawn = request.draw(total)
        for zone, share in shares.items():
            if drawn < share:
                return self._groups[zone].pick(request)
            drawn -= share
        raise AssertionError("what is drawn is below the sum of the shares")
