"""A model, a system that conforms to it, and systems that do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar

from ratified import (
    Driver,
    Map,
    Model,
    NotAsked,
    Observation,
    Ordered,
    Range,
    Refused,
    Symmetric,
    action,
    require,
)


class Client(Symmetric):
    """Wants the lock."""


class Ticket(Ordered):
    """Numbers the grants."""


class Lock(Model):
    """A lock."""

    holder: Client | None

    @action
    def acquire(self, c: Client) -> None:
        require(self.holder is None)
        self.holder = c

    @action
    def release(self, c: Client) -> None:
        require(self.holder == c)
        self.holder = None


class Server:
    """Does what the lock does."""

    def __init__(self) -> None:
        self.holder: str | None = None
        self.calls = 0

    def lock(self, who: str) -> bool:
        self.calls += 1
        if self.holder is not None:
            return False
        self.holder = who
        return True

    def unlock(self, who: str) -> bool:
        self.calls += 1
        if self.holder != who:
            return False
        self.holder = None
        return True


class Locks(Driver):
    """Drives a server."""

    model = Lock
    make: ClassVar[type[Server]] = Server

    def reset(self) -> None:
        self.server = self.make()

    def acquire(self, c: Client) -> bool:
        return self.server.lock(str(c))

    def release(self, c: Client) -> None:
        if not self.server.unlock(str(c)):
            raise Refused("it is not the holder")

    def observe(self) -> Observation:
        return {"holder": self.server.holder}


class Counter(Model):
    """Counts up to a bound."""

    count: Annotated[int, Range(0, 3)]

    @action
    def up(self) -> None:
        self.count += 1


class Grants(Model):
    """Gives out tickets, of which each is later than those before."""

    last: Ticket | None
    holds: Map[Client, Ticket | None]

    @action
    def grant(self, c: Client, t: Ticket) -> None:
        require(self.last is None or self.last < t)
        self.last = t
        self.holds[c] = t

    @action
    def drop(self, c: Client) -> None:
        require(self.holds[c] is not None)
        self.holds[c] = None


class Office:
    """Gives out the next ticket, up to a last one."""

    def __init__(self, most: int) -> None:
        self.most, self.last = most, -1
        self.holds: dict[str, int] = {}

    def grant(self, who: str) -> bool:
        if self.last + 1 == self.most:
            return False
        self.last += 1
        self.holds[who] = self.last
        return True


class Granting(Driver):
    """Drives an office, which chooses the ticket."""

    def begin(self, model: Model) -> None:
        self.most = model.scope.sizes[Ticket]

    def reset(self) -> None:
        self.office = Office(self.most)

    def grant(self, c: Client) -> bool:
        return self.office.grant(str(c))

    def drop(self, c: Client) -> bool:
        return self.office.holds.pop(str(c), None) is not None

    def observe(self) -> Observation:
        last = self.office.last
        seen: Mapping[str, int | None] = {str(c): self.office.holds.get(str(c)) for c in Client}
        return {"last": None if last < 0 else last, "holds": seen}


class Unasked(Locks):
    """Has no way to ask for a release where there is no holder."""

    def release(self, c: Client) -> None:
        if self.server.holder is None:
            raise NotAsked("nobody holds it")
        super().release(c)


def passing_once(happened: Callable[[], bool]) -> Callable[[], float]:
    """A clock that stands until something has happened, and is later at each look from then on, however busy the machine is."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.2 if happened() else 0.0
        return now

    return clock
