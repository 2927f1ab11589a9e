"""Who leads now: hints that never go back, leases under clocks that drift, tokens that fence off who led before.

A lease alone does not keep two primaries apart: its holder may sleep past its end between looking at the clock and writing. What
does is a token that grows with every primary and is looked at where writes take effect (Burrows, "The Chubby lock service",
2006, section 2.4: sequencers; etcd: the create revision of the key).

Guarantees: a term, a token and a generation only grow; a holder's lease ends before the grantor's does, as long as clocks drift
less than was promised; a resource accepts no write under a token that is less than one it has seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ratified.impl.services.clock import Moments
from ratified.impl.services.endpoints import NoEndpointError, ServiceError, named, whole


class LeaderHints:
    """Who is believed to lead: the one of the greatest term heard of. What an older term says is not believed."""

    def __init__(self) -> None:
        self.term = 0
        self.leader: str | None = None

    def heard(self, term: int, leader: str | None) -> bool:
        """Somebody said who leads in a term (None: nobody, yet). Whether that is news. Raises ServiceError of what is no term."""
        whole(term=term)
        if term < self.term or (term == self.term and (leader is None or self.leader is not None)):
            return False
        self.term, self.leader = term, leader
        return True

    def failed(self, leader: str) -> None:
        """The leader does not answer: another may have been elected, whose term is not known yet."""
        if self.leader == leader:
            self.leader = None

    def ask(self, endpoints: Iterable[str], tried: Iterable[str] = ()) -> str:
        """Whom to ask: the leader if one is known, else one after the other. Raises NoEndpointError if all were tried."""
        known, asked = list(endpoints), set(tried)
        if self.leader in known and self.leader not in asked:
            return self.leader
        for name in known:
            if name not in asked:
                return name
        raise NoEndpointError(f"all {len(known)} were asked" if known else "there are no endpoints")


class FencedError(ServiceError):
    """A write comes under a token that is older than one that was seen: its writer leads no more."""


class Fence:
    """At the resource: lets through what comes under the greatest token seen so far, and nothing older."""

    def __init__(self, seen: int = 0) -> None:
        whole(seen=seen)
        self.seen = seen

    def admit(self, token: int) -> None:
        """Admit a write. Raises FencedError, or ServiceError of what is no token; what was seen is then as before."""
        whole(token=token)
        if token < self.seen:
            raise FencedError(f"token {token} is older than {self.seen}")
        self.seen = token


@dataclass(frozen=True, slots=True)
class Grant:
    """A lease as it is given: for whom, under which token, for how long by a clock that keeps time."""

    holder: str
    token: int
    ttl_ms: int


class Grantor:
    """Gives a lease to one at a time. Its timer runs longer than any holder's can, by the drift that is promised.

    `drift_ppm` is how many parts in a million a clock may gain or lose against another's. `token` is the last one that was
    given, by whoever did so before: as that lease may still run, a grantor that starts anew waits for as long as one lasts.
    """

    def __init__(self, ttl_ms: int, drift_ppm: int = 1_000, token: int = 0) -> None:
        _check_lease(ttl_ms, drift_ppm)
        whole(token=token)
        self._ttl_ms = ttl_ms
        self._drift_ppm = drift_ppm
        self._moments = Moments()
        self._until_ms: int | None = (
            None if token > 0 else 0
        )  # None: somebody may hold it, nobody knows since when
        self.holder: str | None = None
        self.token = token

    def _lease_ms(self) -> int:
        """How long it is until nobody can think any more that a lease given now is still running."""
        return -(-self._ttl_ms * (1_000_000 + self._drift_ppm) // 1_000_000)

    def ask(self, name: str, now_ms: int) -> Grant | None:
        """Somebody asks for the lease, or for more of it: a grant, or None while another holds it."""
        named(name)
        now = self._moments.at(now_ms)
        if self._until_ms is None:
            self._until_ms = now + self._lease_ms()
        over = now >= self._until_ms
        if self.holder != name and not over:
            return None
        if self.holder != name or over:  # once it is over, others may have been told so
            self.token += 1
            self.holder = name
        self._until_ms = now + self._lease_ms()
        return Grant(name, self.token, self._ttl_ms)

    def release(self, token: int) -> None:
        """The holder needs it no more. It says its token: a release that comes twice must end no later lease (etcd 22082)."""
        if self.holder is not None and self.token == token:
            self.holder, self._until_ms = None, 0


class DelayingGrantor(Grantor):
    """Gives a lease whose holder has failed to nobody else for `delay_ms` more, so that what it sent arrives, or is lost.

    That protects resources that compare no tokens, as long as messages take no longer; a lease that is released is free at once
    (lock-delay: Burrows, 2006, section 2.4; Consul's default is 15 s). One that starts anew waits for a lease and a delay, since
    delays are in memory only.
    """

    def __init__(self, ttl_ms: int, delay_ms: int = 15_000, drift_ppm: int = 1_000, token: int = 0) -> None:
        super().__init__(ttl_ms, drift_ppm, token)
        whole(delay_ms=delay_ms)
        if delay_ms < 0:
            raise ServiceError(f"others wait for 0 ms or more, not {delay_ms}")
        self._delay_ms = delay_ms

    def ask(self, name: str, now_ms: int) -> Grant | None:
        """Somebody asks for the lease, or for more of it: a grant, or None while another holds it, or has just failed."""
        named(name)
        now = self._moments.at(now_ms)
        if self.holder != name and self._until_ms and now < self._until_ms + self._delay_ms:
            return None
        return super().ask(name, now)


class Holder:
    """Holds a lease, and knows until when by its own clock: counted from before it asked, and shorter by the drift."""

    def __init__(self, drift_ppm: int = 1_000) -> None:
        _check_lease(1, drift_ppm)
        self._drift_ppm = drift_ppm
        self._moments = Moments()
        self._until_ms = 0
        self.token: int | None = None

    def granted(self, grant: Grant, asked_ms: int) -> None:
        """A grant came in, to what was asked at that time. Raises ServiceError of one that is none; all is then as before."""
        whole(token=grant.token, ttl_ms=grant.ttl_ms, asked_ms=asked_ms)
        if grant.ttl_ms < 1:
            raise ServiceError(f"a lease lasts 1 ms or more, not {grant.ttl_ms}")
        if self.token is not None and grant.token < self.token:
            return  # an answer of before
        self.token = grant.token
        self._until_ms = asked_ms + grant.ttl_ms * 1_000_000 // (1_000_000 + self._drift_ppm)

    def leads(self, now_ms: int) -> bool:
        """Whether this may still act as the primary. Its writes carry the token all the same."""
        return self.token is not None and self._moments.at(now_ms) < self._until_ms

    def resign(self) -> int | None:
        """Lead no more; the token to release the lease by, which is not to be sent before. None if this does not lead."""
        token, self._until_ms = self.token, 0
        return token

    def renew_at_ms(self) -> int:
        """When to ask for more: with a third of the time left."""
        return self._until_ms - (self._until_ms - self._moments.now_ms) // 3


def _check_lease(ttl_ms: int, drift_ppm: int) -> None:
    whole(ttl_ms=ttl_ms, drift_ppm=drift_ppm)
    if ttl_ms < 1:
        raise ServiceError(f"a lease lasts 1 ms or more, not {ttl_ms}")
    if not 0 <= drift_ppm < 1_000_000:
        raise ServiceError(f"clocks drift 0 to 999,999 parts in a million, not {drift_ppm}")


class Priorities:
    """Which primary: of those that are there, the first by priority; one that keeps failing is in quarantine.

    A primary that comes back takes over at once, unless it has failed `flaps` times in `window_ms`; then only after
    `quarantine_ms`, twice as long each time, at most `longest_ms`. So one that flaps does not take the others with it. It is
    forgiven once it has been out of quarantine for `longest_ms`: the next is as short as the first.
    """

    def __init__(
        self, flaps: int = 3, window_ms: int = 60_000, quarantine_ms: int = 30_000, longest_ms: int = 600_000
    ) -> None:
        whole(flaps=flaps, window_ms=window_ms, quarantine_ms=quarantine_ms, longest_ms=longest_ms)
        if flaps < 1 or window_ms < 1 or not 1 <= quarantine_ms <= longest_ms:
            raise ServiceError(
                "flaps, window and quarantine are at least 1, and the longest quarantine no shorter"
            )
        self._flaps, self._window_ms = flaps, window_ms
        self._shortest_ms, self._longest_ms = quarantine_ms, longest_ms
        self._moments = Moments()
        self._order: tuple[str, ...] = ()
        self._up: set[str] = set()
        self._failures: dict[str, list[int]] = {}
        self._until_ms: dict[str, int] = {}
        self._times: dict[str, int] = {}

    def update(self, names: Iterable[str]) -> None:
        """Have these, in the order of their priority; those that are new are down at first."""
        order = tuple(names)
        if len(set(order)) != len(order):
            raise ServiceError("a name is there twice")
        self._order = order
        self._up &= set(order)

    def up(self, name: str, now_ms: int) -> None:
        """One is there."""
        self._moments.at(now_ms)
        if name in self._order:
            self._up.add(name)

    def down(self, name: str, now_ms: int) -> None:
        """One has failed."""
        now = self._moments.at(now_ms)
        if name not in self._up:
            return
        self._up.discard(name)
        recent = [t for t in self._failures.get(name, []) if t > now - self._window_ms]
        self._failures[name] = [*recent, now]
        if len(self._failures[name]) >= self._flaps:
            forgiven = now >= self._until_ms.get(name, now) + self._longest_ms
            times = 0 if forgiven else self._times.get(name, 0)
            self._times[name] = times + 1
            self._until_ms[name] = now + min(self._longest_ms, self._shortest_ms << min(times, 30))
            self._failures[name] = []

    def primary(self, now_ms: int) -> str:
        """Who is to lead. Those in quarantine only if nobody else is there. Raises NoEndpointError if all are down."""
        now = self._moments.at(now_ms)
        there = [name for name in self._order if name in self._up]
        well = [name for name in there if now >= self._until_ms.get(name, 0)]
        if not there:
            raise NoEndpointError(
                f"all {len(self._order)} are down" if self._order else "there are no endpoints"
            )
        return (well or there)[0]
