"""What is known of each endpoint of a client, put together: whom a request is not to go to, and why.

Guarantees: nobody that drains, or whose circuit is open, is picked; nobody that is ejected or fails its checks, as long as enough
others are left (the panic threshold of `usable`); rather nobody that this request was sent to already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from ratified.impl.services.endpoints import ServiceError
from ratified.impl.services.events import (
    Checked,
    CircuitChanged,
    Drained,
    Draining,
    Ejected,
    Readmitted,
    Watch,
)
from ratified.impl.services.health import Breaker, Checks, Outliers, usable
from ratified.impl.services.health import Draining as Leaving

OPEN, LEAVING = "its circuit is open", "draining"


class Fitness:
    """Checks, ejection, circuit breakers and draining of one client's endpoints. Each change is told."""

    def __init__(
        self,
        outliers: Outliers,
        breaker: Callable[[], Breaker] | None,
        checks: Checks,
        watch: Watch,
    ) -> None:
        self._outliers, self._make_breaker, self._checks, self._watch = outliers, breaker, checks, watch
        self._breakers: dict[str, Breaker] = {}
        self._leaving = Leaving()
        self._on_the_way: Counter[str] = Counter()
        self._names: frozenset[str] = frozenset()

    def update(self, names: Iterable[str]) -> None:
        """Have these endpoints from now on."""
        every = tuple(names)
        self._outliers.update(every)
        self._names = frozenset(every)
        if self._make_breaker is not None:
            self._breakers = {name: self._breakers.get(name) or self._make_breaker() for name in every}

    def checked(self, name: str, *, ok: bool) -> bool:
        """An active check had a result. Whether that changes what is believed. Raises ServiceError if there is no endpoint."""
        self._known(name)
        changed = self._checks.checked(name, ok=ok)
        if changed:
            self._watch(Checked(name, ok))
        return changed

    def drain(self, name: str, now_ms: int, longest_ms: int) -> None:
        """An endpoint is to go. Raises ServiceError if there is none of that name."""
        self._known(name)
        if name not in self._leaving.draining:
            self._leaving.drain(name, now_ms, longest_ms)
            self._watch(Draining(name))

    def gone(self, now_ms: int) -> set[str]:
        """Those that have drained, or had time enough: they are to be left out from now on."""
        if not self._leaving.draining:
            return set()
        gone = self._leaving.gone(now_ms, self._on_the_way)
        for name in sorted(gone):
            self._watch(Drained(name))
        return gone

    def _known(self, name: str) -> None:
        if name not in self._names:
            raise ServiceError(f"there is no endpoint {name}")

    def avoided(self, passed: Mapping[str, str], now_ms: int) -> dict[str, str]:
        """Whom a request is not to go to, and why. All of them only if every one drains, or has an open circuit."""
        out, back = self._outliers.sweep(now_ms)
        for name in sorted(out):
            self._watch(Ejected(name, "it fails more often than the others"))
        for name in sorted(back):
            self._watch(Readmitted(name))
        ejected, ill = self._outliers.ejected, self._checks.unhealthy & self._names
        never = {name: OPEN for name, b in self._breakers.items() if not b.admits(now_ms)}
        never.update(dict.fromkeys(sorted(self._leaving.draining & self._names), LEAVING))
        if not (ejected or ill or never or passed):
            return {}
        rather_not = {name: why for name, why in passed.items() if name in self._names}
        left = usable(self._names, ejected | ill)
        unfit = {name: "ejected" if name in ejected else "unhealthy" for name in sorted(self._names - left)}
        for avoid in ({**rather_not, **unfit, **never}, {**unfit, **never}):
            if len(avoid) < len(self._names):
                return avoid
        return never

    def begin(self, name: str, now_ms: int) -> int | None:
        """A request goes to an endpoint: the ticket of its circuit breaker."""
        self._on_the_way[name] += 1
        breaker = self._breakers.get(name)
        if breaker is None:
            return None
        before, ticket = breaker.circuit, breaker.request(now_ms)
        if breaker.circuit is not before:
            self._watch(CircuitChanged(name, breaker.circuit))
        return ticket

    def left(self, name: str) -> None:
        """A request is not on the way any more."""
        self._on_the_way[name] -= 1

    def judge(self, name: str, ticket: int | None, now_ms: int, *, blamed: bool, counts: bool) -> None:
        """A request has ended, in a way that tells against its endpoint or not; `counts` is whether it says anything of it."""
        breaker = self._breakers.get(name)
        if breaker is not None and ticket is not None:
            before = breaker.circuit
            breaker.ended(ticket, now_ms, ok=not blamed)
            if breaker.circuit is not before:
                self._watch(CircuitChanged(name, breaker.circuit))
        if counts and self._outliers.result(name, now_ms, ok=not blamed):
            self._watch(Ejected(name, "it failed too often in a row"))


def nobody(avoid: Mapping[str, str]) -> str:
    """Why there is nobody to send a request to, where all are to be avoided."""
    match set(avoid.values()):
        case reasons if reasons == {OPEN}:
            return "every circuit is open"
        case reasons if reasons == {LEAVING}:
            return "every endpoint is draining"
    return "every endpoint is draining or has an open circuit"
