"""Hashing with bounded loads: no server has more than its share and a part of it again; what does not fit goes on to the next.

A request's key has a server. If that has less on the way than ceil(factor * m / n), where m counts all requests on the way and
the one that arrives, and n the servers, it goes there; otherwise to the next that has, around the ring. (Mirrokni, Thorup and
Zadimoghaddam, "Consistent hashing with bounded loads", 2016.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Param,
    Range,
    Sort,
    action,
    assume,
    invariant,
    require,
    step_invariant,
    view,
)


class Server(Sort):
    """Serves requests; servers stand around a ring."""


Part = Annotated[int, Range(1, 1000)]


class BoundedLoad(Model):
    """What is on the way to each server."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Server": 2, "requests": 3},
        "standard": {"Server": 3, "requests": 8},
        "large": {"Server": 5, "requests": 12},
    }

    requests: Param[Annotated[int, Range(1, 1000)]] = 8  # on the way at once, at most
    numerator: Param[Part] = 5  # the factor
    denominator: Param[Part] = 4

    load: Map[Server, Annotated[int, Range(0, "requests")]]

    @assume
    def there_is_room_for_all(self) -> bool:
        """The factor is at least 1. Give a numerator that is not less than the denominator."""
        return self.numerator >= self.denominator

    def on_the_way(self) -> int:
        """All requests on the way."""
        return sum(self.load[s] for s in Server)

    def most(self) -> int:
        """How much a server may have on the way, with the request that arrives."""
        whole = self.denominator * len(Server)
        return (self.numerator * self.counted() + whole - 1) // whole

    def counted(self) -> int:
        """What is shared out: with the request that arrives."""
        return self.on_the_way() + 1

    def has_room(self, s: Server) -> bool:
        """Server s may be sent one more."""
        return self.load[s] < self.most()

    def ahead(self, home: Server, s: Server) -> int:
        """How many steps server s is from a request's home."""
        return (int(s) - int(home)) % len(Server)

    @action
    def arrive(self, home: Server, s: Server) -> None:
        """A request of which `home` has the key arrives; server s is the first from there that has room."""
        require(self.on_the_way() < self.requests)
        require(self.has_room(s))
        require(all(not self.has_room(t) for t in Server if self.ahead(home, t) < self.ahead(home, s)))
        self.load[s] += 1

    @action
    def end(self, s: Server) -> None:
        """A request has ended."""
        require(self.load[s] > 0)
        self.load[s] -= 1

    @invariant
    def somebody_has_room(self) -> bool:
        """No request that arrives is refused."""
        return any(self.has_room(s) for s in Server)

    @step_invariant
    def within_the_bound(self, old: Self) -> bool:
        """Whoever is sent a request then has at most the factor times the mean, rounded up."""
        return all(
            self.load[s] * self.denominator * len(Server)
            < self.numerator * self.on_the_way() + self.denominator * len(Server)
            for s in Server
            if old.load[s] < self.load[s]
        )

    @view
    def loads(self) -> Map[Server, int]:
        """What is on the way to each."""
        return self.load


class HashAlone(BoundedLoad):
    """The hash decides, whatever a server has on the way: one that is asked for by everybody breaks down."""

    def has_room(self, s: Server) -> bool:
        """Always."""
        return True


class WithoutTheArriving(BoundedLoad):
    """The request that arrives is not counted: to servers that are idle nobody may go."""

    def counted(self) -> int:
        """What is on the way."""
        return self.on_the_way()
