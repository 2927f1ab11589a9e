"""What every balancing policy is: endpoints come and go, one is picked for each request, and what became of a request is told.

Guarantees: a policy has no clock, does no I/O and draws no randomness of its own; the same calls give the same picks. An update
that is refused leaves it as it was; endpoints that stay keep their place across an update.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from ratified.impl.services.endpoints import Endpoint, checked

Draw: TypeAlias = Callable[[int], int]
"""`draw(n)` is any of 0 to n - 1 with the same chance, as `random.Random(seed).randrange` is."""


def lowest(_: int) -> int:
    """A draw for policies that ask for none, or for tests: always 0."""
    return 0


@dataclass(frozen=True, slots=True)
class Picking:
    """What is known of a request: chance, where a policy needs some; the key that it is about; and whom it must not go to."""

    draw: Draw = lowest
    key: bytes = b""
    avoid: Collection[str] = field(default=())


ANY = Picking()
"""A request of which nothing is known."""


class Balancer(ABC):
    """Picks endpoints. A policy sees only what it is told: updates, picks, and with `done` that a request has ended."""

    def __init__(self) -> None:
        self.endpoints: tuple[Endpoint, ...] = ()

    def update(self, endpoints: Iterable[Endpoint]) -> None:
        """Have these endpoints from now on. Raises EndpointError; all is then as before."""
        new = checked(endpoints)
        before, self.endpoints = self.endpoints, new
        self.changed(before)

    def changed(self, before: tuple[Endpoint, ...]) -> None:  # noqa: B027 - most policies keep nothing by endpoint
        """The endpoints are others than before: what is kept of each is to be brought in line."""

    @abstractmethod
    def pick(self, request: Picking = ANY) -> Endpoint:
        """Pick an endpoint. Raises NoEndpointError; all is then as before."""

    def done(self, name: str, *, ok: bool = True) -> None:  # noqa: B027 - most policies do not look at what becomes of requests
        """A request that went to an endpoint has ended, well or not. Of one that is gone there is nothing to note."""
