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
            raise ServiceError("a supervisor needs children with different names")
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


@dataclass(frozen=True, slots=True)
class Reattachment:
    """What to ask a new server for."""

    watches: Mapping[str, int]  # by key: the first revision that is wanted
    renew: Sequence[int]  # leases
    lost: Sequence[int]  # leases that are over, of which the client was not told before
    requests: Sequence[int]  # that have no answer, to be sent again under the same numbers, in this order


@dataclass(slots=True)
class Session:
    """What a client wants to have again after its connection, or its server, was lost: watches, leases, requests.

    Each answer, event and lost lease is told once; what an old connection took with it is asked for again. The server counts
    revisions from 1, and executes no number of a client twice; times are of the client's clock, in ms.
    """

    client: str
    serial: int = 0  # the last number that a request was sent under
    leases: dict[int, int] = field(default_factory=dict)  # by number: when it ends
    watches: dict[str, int] = field(default_factory=dict)  # by key: the last revision that was seen
    unanswered: list[int] = field(default_factory=list)  # requests, in their order
    _moments: Moments = field(default_factory=Moments, repr=False, compare=False)

    def begin(self) -> int:
        """A request is to be sent: the number to send it under."""
        self.serial += 1
        self.unanswered.append(self.serial)
        return self.serial

    def answered(self, number: int) -> bool:
        """An answer came in. Whether somebody waits for it: answers to a request that was sent again may come twice."""
        whole(number=number)
        if number not in self.unanswered:
            return False
        self.unanswered.remove(number)
        return True

    def watch(self, key: str, after: int = 0) -> None:
        """Begin to watch a key, of which all up to a revision is known. Who watches it already goes on."""
        whole(after=after)
        if after < 0:
            raise ServiceError(f"a watch starts after revision 0 or later, not {after}")
        self.watches.setdefault(key, after)

    def seen(self, key: str, revision: int) -> bool:
        """An event of a watch came in. Whether it is a new one: after a reconnection some come twice, and none are left out."""
        whole(revision=revision)
        if revision < 1:
            raise ServiceError(f"a revision is 1 or more, not {revision}")
        if key in self.watches and revision <= self.watches[key]:
            return False
        self.watches[key] = revision
        return True

    def granted(self, lease: int, asked_ms: int, lasts_ms: int) -> None:
        """A server granted a lease. It is counted from when it was *asked* for, so that it is over here before it is there."""
        whole(lease=lease, asked_ms=asked_ms, lasts_ms=lasts_ms)
        if lasts_ms < 1:
            raise ServiceError(f"a lease lasts 1 ms or more, not {lasts_ms}")
        self.leases[lease] = asked_ms + lasts_ms

    def renewed(self, lease: int, asked_ms: int, lasts_ms: int) -> bool:
        """The same for one that it has. Whether it still has it: one of which it was told that it is lost stays so."""
        whole(lease=lease)
        if lease not in self.leases:
            return False
        self.granted(lease, asked_ms, lasts_ms)
        return True

    def holds(self, lease: int, now_ms: int) -> bool:
        """Whether a lease still runs."""
        whole(lease=lease)
        return self._moments.at(now_ms) < self.leases.get(lease, now_ms)

    def lost(self, now_ms: int) -> Sequence[int]:
        """Leases that are over. Each is told once."""
        now = self._moments.at(now_ms)
        over = [lease for lease, until in self.leases.items() if now >= until]
        for lease in over:
            del self.leases[lease]
        return over

    def reattach(self, now_ms: int) -> Reattachment:
        """A new connection is there: what to ask for."""
        lost = self.lost(now_ms)
        watches = {key: revision + 1 for key, revision in self.watches.items()}
        return Reattachment(watches, tuple(self.leases), tuple(lost), tuple(self.unanswered))
