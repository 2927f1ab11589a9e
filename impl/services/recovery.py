"""Coming back: supervision that gives up before it wears out, one process a folder, sessions that are taken up again.

Guarantees: children start in their order and stop in reverse; more than `most` restarts within `window_ms` end the
supervisor itself, so that a fault that a restart does not mend is told one level up (Armstrong, "Making reliable distributed
systems in the presence of software errors", 2003, section 5.2); a folder has one owner, known by a generation that only grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from ratified.impl.services.balancing.base import Draw
from ratified.impl.services.clock import Moments
from ratified.impl.services.endpoints import ServiceError, whole
from ratified.impl.services.retry import Backoff


class Strategy(Enum):
    """Who is started again with a child that ends: itself, those after it as well, or all."""

    ONE = "one for one"
    REST = "rest for one"
    ALL = "one for all"


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop a child and wait for it."""

    name: str


@dataclass(frozen=True, slots=True)
class Start:
    """Start a child, after a while."""

    name: str
    after_ms: int = 0


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Too much has failed: stop, and fail oneself."""

    why: str


Order: TypeAlias = Stop | Start | GiveUp


class Supervisor:
    """Keeps children running."""

    def __init__(
        self,
        children: Iterable[str],
        strategy: Strategy = Strategy.ONE,
        most: int = 3,
        window_ms: int = 5_000,
        backoff: Backoff | None = None,
    ) -> None:
        self.children = tuple(children)
        if not self.children or len(set(self.children)) != len(self.children):
            raise ServiceError("a supervisor has children, each of a name of its own")
        whole(most=most, window_ms=window_ms)
        if most < 0 or window_ms < 1:
            raise ServiceError(f"restarts are 0 or more in 1 ms or more: {most}, {window_ms}")
        self._strategy, self._most, self._window_ms = strategy, most, window_ms
        self._backoff = backoff or Backoff(base_ms=100, cap_ms=5_000)
        self._moments = Moments()
        self._restarts: list[int] = []
        self._in_a_row: dict[str, int] = {}
        self.given_up = False

    def start(self) -> Sequence[Order]:
        """Start all, in order."""
        return [Start(name) for name in self.children]

    def well(self, name: str) -> None:
        """A child has been running long enough to be trusted: its next restart is quick again."""
        self._in_a_row.pop(name, None)

    def ended(self, name: str, now_ms: int, draw: Draw) -> Sequence[Order]:
        """A child has ended by itself: what is to be done."""
        if name not in self.children:
            raise ServiceError(f"there is no child {name}; there are {', '.join(self.children)}")
        now = self._moments.at(now_ms)
        if self.given_up:
            return []
        at = self.children.index(name)
        first = {Strategy.ONE: at, Strategy.REST: at, Strategy.ALL: 0}[self._strategy]
        last = at + 1 if self._strategy is Strategy.ONE else len(self.children)
        group = self.children[first:last]
        self._restarts = [*(t for t in self._restarts if t > now - self._window_ms), now]
        if len(self._restarts) > self._most:
            self.given_up = True
            others = [Stop(child) for child in reversed(self.children) if child != name]
            return [*others, GiveUp(f"{name} ended; {len(self._restarts)} restarts in {self._window_ms} ms")]
        tries = self._in_a_row.get(name, 0)
        self._in_a_row[name] = tries + 1
        after = self._backoff.delay_ms(tries, draw)
        stops = [Stop(child) for child in reversed(group) if child != name]
        return [*stops, *(Start(child, after if child == group[0] else 0) for child in group)]


class OwnedError(ServiceError):
    """A folder belongs to another process."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns a folder: a process that can be told from every other one that ever was, and how many owned it before."""

    process: str
    generation: int


def take_over(found: Owner | None, process: str, alive: bool) -> Owner:
    """Become the owner of a folder in which that owner was found, if its process is not alive any more. Raises OwnedError."""
    if found is not None and alive and found.process != process:
        raise OwnedError(f"it belongs to {found.process}, which is running")
    if found is not None and found.process == process:
        return found
    return Owner(process, 1 if found is None else found.generation + 1)


class Journal:
    """The log in a folder as its owner has it in memory: who asked for an entry is told once it is durable, and not before.

    `found` is what is on disk when a process starts, which nobody waits for any more.
    """

    def __init__(self, found: Iterable[str] = ()) -> None:
        self.entries = list(found)
        self._durable = len(self.entries)

    def append(self, entry: str) -> None:
        """Somebody asks for an entry. What is to be written are `entries`, all of them."""
        self.entries.append(entry)

    def written(self, count: int) -> Sequence[str]:
        """So many entries are on disk: those whose askers are to be told now."""
        told = self.entries[self._durable : count]
        self._durable = max(self._durable, count)
        return told


@dataclass(slots=True)
class Session:
    """What a client wants to have again after its connection, or its server, was lost.

    Its leases with what is left of them, the watches with the revision after which they are to go on, the last number it used.
    """

    client: str
    serial: int = 0
    leases: dict[int, int] = field(
        default_factory=dict
    )  # by number: when it ends, in ms of this client's clock
    watches: dict[str, int] = field(default_factory=dict)  # by key: the last revision that was seen

    def seen(self, key: str, revision: int) -> bool:
        """An event of a watch came in. Whether it is a new one: after a reconnection some come twice, and none are left out."""
        whole(revision=revision)
        if revision <= self.watches.get(key, 0):
            return False
        self.watches[key] = revision
        return True

    def reattach(self, now_ms: int) -> tuple[Mapping[str, int], Sequence[int], Sequence[int]]:
        """What to ask a new server for: watches from the revision after the last seen; leases to renew; leases that are lost."""
        whole(now_ms=now_ms)
        kept = [number for number, until in self.leases.items() if now_ms < until]
        lost = [number for number, until in self.leases.items() if now_ms >= until]
        self.leases = {number: self.leases[number] for number in kept}
        return {key: revision + 1 for key, revision in self.watches.items()}, kept, lost
