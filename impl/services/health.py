"""Which endpoints are to be avoided: checks, ejection of outliers, circuit breakers, draining.

Guarantees: at most `most_percent` of the endpoints are ejected, the one that is being ejected included; the last one never is;
where too few are left healthy, all are used again (panic), since the few would fail as well under the load of all. An open
circuit breaker lets one probe through at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from math import sqrt
from typing import Protocol

from ratified.impl.services.clock import Moments
from ratified.impl.services.endpoints import EndpointError, ServiceError, whole


class Checks:
    """Active health checks: `fall` failures in a row make an endpoint unhealthy, `rise` successes in a row healthy again."""

    def __init__(self, rise: int = 2, fall: int = 3) -> None:
        whole(rise=rise, fall=fall)
        if rise < 1 or fall < 1:
            raise ServiceError(f"a check counts to 1 at least: rise {rise}, fall {fall}")
        self._rise, self._fall = rise, fall
        self._against: dict[str, int] = {}  # checks in a row that say otherwise than what is believed
        self.unhealthy: set[str] = set()

    def checked(self, name: str, *, ok: bool) -> bool:
        """A check had a result. Whether that changes what is believed."""
        if ok == (name not in self.unhealthy):
            self._against[name] = 0
            return False
        self._against[name] = self._against.get(name, 0) + 1
        if self._against[name] < (self._rise if ok else self._fall):
            return False
        self._against[name] = 0
        (self.unhealthy.discard if ok else self.unhealthy.add)(name)
        return True


def usable(endpoints: Iterable[str], avoid: Iterable[str], panic_percent: int = 50) -> set[str]:
    """What is left of endpoints to be used: those not to be avoided, or all if that is less than `panic_percent` of them."""
    whole(panic_percent=panic_percent)
    every = set(endpoints)
    left = every - set(avoid)
    return every if 100 * len(left) < panic_percent * len(every) else left


@dataclass(frozen=True, slots=True)
class OutlierConfig:
    """When an endpoint is an outlier; the defaults are Envoy's. Times in milliseconds.

    `consecutive` failures in a row; or, at each interval, a success rate below mean - `deviations_tenths`/10 standard deviations
    (of at least `rate_hosts` endpoints with at least `rate_requests` requests each); or, where `failure_percent` is set, a share
    of failures of at least that. It is ejected for `base_ms` times the number of its ejections, at most `longest_ms`.
    """

    consecutive: int = 5
    interval_ms: int = 10_000
    base_ms: int = 30_000
    longest_ms: int = 300_000
    most_percent: int = 10
    always_one: bool = False
    deviations_tenths: int = 19
    rate_hosts: int = 5
    rate_requests: int = 100
    failure_percent: int | None = None
    failure_hosts: int = 5
    failure_requests: int = 50

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        given = {
            field.name: getattr(self, field.name) for field in fields(self) if field.name != "always_one"
        }
        whole(
            **{name: value for name, value in given.items() if name != "failure_percent" or value is not None}
        )
        if self.consecutive < 1 or self.interval_ms < 1 or self.base_ms < 1:
            raise ServiceError("consecutive failures, interval and base time of an ejection are at least 1")
        if not 0 <= self.most_percent <= 100:
            raise ServiceError(f"at most 0 to 100 percent are ejected, not {self.most_percent}")
        if self.failure_percent is not None and not 1 <= self.failure_percent <= 100:
            raise ServiceError(f"a share of failures is 1 to 100 percent, not {self.failure_percent}")
        if min(self.rate_hosts, self.rate_requests, self.failure_hosts, self.failure_requests) < 1:
            raise ServiceError("a rate needs at least 1 endpoint and 1 request")
        if self.longest_ms < 0 or self.deviations_tenths < 0:
            raise ServiceError("the longest ejection and the deviations are not below 0")


@dataclass(slots=True)
class _Record:
    """What is known of an endpoint."""

    in_a_row: int = 0
    successes: int = 0  # in this interval
    failures: int = 0
    ejections: int = 0  # the factor of the next time; it falls again while all is well
    until_ms: int | None = None  # None: not ejected


class Outliers:
    """Ejects endpoints that fail more than others, for a while."""

    def __init__(self, config: OutlierConfig | None = None) -> None:
        self._config = config or OutlierConfig()
        self._records: dict[str, _Record] = {}
        self._moments = Moments()
        self._next_ms = self._config.interval_ms

    @property
    def ejected(self) -> set[str]:
        """Those that are to be avoided now."""
        return {name for name, record in self._records.items() if record.until_ms is not None}

    def update(self, names: Iterable[str]) -> None:
        """Have these endpoints from now on. Raises EndpointError if one is there twice; all is then as before."""
        every = tuple(names)
        if len(set(every)) < len(every):
            raise EndpointError(f"endpoint {next(n for n in every if every.count(n) > 1)} is there twice")
        self._records = {name: self._records.get(name, _Record()) for name in every}

    def result(self, name: str, now_ms: int, *, ok: bool) -> bool:
        """A request to an endpoint has ended. Whether that ejects it."""
        self._moments.at(now_ms)
        record = self._records.get(name)
        if record is None:
            return False
        if ok:
            record.successes += 1
            record.in_a_row = 0
            return False
        record.failures += 1
        record.in_a_row += 1
        return record.in_a_row >= self._config.consecutive and self._eject(name, now_ms)

    def sweep(self, now_ms: int) -> tuple[set[str], set[str]]:
        """Time has gone by: return whom that ejects, and who comes back. To be called at least every interval."""
        self._moments.at(now_ms)
        back = set()
        for name, record in self._records.items():
            if record.until_ms is not None and now_ms >= record.until_ms:
                record.until_ms = None
                # It begins anew: what it was ejected for must not eject it once more in the same breath.
                record.in_a_row = record.successes = record.failures = 0
                back.add(name)
        out: set[str] = set()
        if now_ms >= self._next_ms:
            self._next_ms = now_ms + self._config.interval_ms
            out = {name for name in self._outliers() if self._eject(name, now_ms)}
            for name, record in self._records.items():
                if record.until_ms is None and name not in back:
                    record.ejections = max(0, record.ejections - 1)
                record.successes = record.failures = 0
        return out, back

    def _outliers(self) -> list[str]:
        """Those that an interval's counts tell against, in their order."""
        config, found = self._config, []
        present = {n: r for n, r in self._records.items() if r.until_ms is None}
        counted = {n: r for n, r in present.items() if r.successes + r.failures >= config.rate_requests}
        if len(counted) >= config.rate_hosts:
            rates = {n: r.successes / (r.successes + r.failures) for n, r in counted.items()}
            found += below(rates, config.deviations_tenths / 10)
        if config.failure_percent is not None:
            counted = {
                n: r for n, r in present.items() if r.successes + r.failures >= config.failure_requests
            }
            if len(counted) >= config.failure_hosts:
                share = config.failure_percent
                found += [
                    n for n, r in counted.items() if 100 * r.failures >= share * (r.successes + r.failures)
                ]
        return list(dict.fromkeys(found))

    def _eject(self, name: str, now_ms: int) -> bool:
        """Eject an endpoint, unless too many would be out, this one included (Envoy, issues 3263, 26877 and 27066)."""
        record = self._records[name]
        if record.until_ms is not None:
            return False
        after = len(self.ejected) + 1
        allowed = 100 * after <= self._config.most_percent * len(self._records)
        if not (allowed or (self._config.always_one and after == 1)) or after == len(self._records):
            return False
        longest, base = max(self._config.longest_ms, self._config.base_ms), self._config.base_ms
        if (
            base * record.ejections < longest + base
        ):  # more would make it no longer, and take for ever to be forgiven
            record.ejections += 1
        record.until_ms = now_ms + min(longest, base * record.ejections)
        return True


def below(rates: Mapping[str, float], deviations: float) -> list[str]:
    """Those whose rate is below the mean by more than so many standard deviations."""
    mean = sum(rates.values()) / len(rates)
    deviation = sqrt(sum((rate - mean) ** 2 for rate in rates.values()) / len(rates))
    return [name for name, rate in rates.items() if rate < mean - deviations * deviation]


class Circuit(Enum):
    """What a circuit breaker lets through: all, nothing, or one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker(Protocol):
    """What a client asks before it sends anything to an endpoint: `CircuitBreaker`, or `MaxFails` of `passive`."""

    @property
    def circuit(self) -> Circuit:
        """What is let through."""

    def admits(self, now_ms: int) -> bool:
        """Whether `request` would give a ticket. Nothing changes."""

    def request(self, now_ms: int) -> int | None:
        """Ask to send a request: a ticket for it, or None if it is not to be sent."""

    def ended(self, ticket: int, now_ms: int, *, ok: bool) -> None:
        """A request has ended."""


class CircuitBreaker:
    """Stops asking what fails anyway.

    It opens when of `requests` or more in `window_ms` a share of `error_percent` failed; after `open_ms` it lets one probe
    through, whose answer decides, and another if that never came. The defaults are those of Hystrix.

    `request` gives a ticket, which `ended` takes back: an answer that comes in after the circuit has changed counts for nothing,
    so that a late failure of before does not open what a probe has just closed.
    """

    SLICES = 10

    def __init__(
        self, requests: int = 20, error_percent: int = 50, window_ms: int = 10_000, open_ms: int = 5_000
    ) -> None:
        whole(requests=requests, error_percent=error_percent, window_ms=window_ms, open_ms=open_ms)
        if requests < 1 or not 1 <= error_percent <= 100 or window_ms < self.SLICES or open_ms < 1:
            raise ServiceError(
                f"a circuit opens at 1 request or more and 1 to 100 percent, over {self.SLICES} ms or more, for 1 ms or more"
            )
        self._least, self._percent, self._open_ms = requests, error_percent, open_ms
        self._slice_ms = window_ms // self.SLICES
        self._moments = Moments()
        self._counted: dict[int, tuple[int, int]] = {}  # by slice of time: ended, failed
        self._change_ms = 0
        self._epoch = 0  # changes of the circuit so far
        self.circuit: Circuit = Circuit.CLOSED

    def request(self, now_ms: int) -> int | None:
        """Ask to send a request: a ticket for it, or None if it is not to be sent."""
        self._moments.at(now_ms)
        if not self.admits(now_ms):
            return None
        if self.circuit is not Circuit.CLOSED:
            self._change(Circuit.HALF_OPEN, now_ms)
        return self._epoch

    def admits(self, now_ms: int) -> bool:
        """Whether `request` would give a ticket. Nothing changes, so that a balancer can be told whom to avoid."""
        return self.circuit is Circuit.CLOSED or now_ms >= self._change_ms + self._open_ms

    def ended(self, ticket: int, now_ms: int, *, ok: bool) -> None:
        """A request has ended."""
        now = self._moments.at(now_ms) // self._slice_ms
        if ticket != self._epoch:
            return
        if self.circuit is Circuit.HALF_OPEN:
            self._change(Circuit.CLOSED if ok else Circuit.OPEN, now_ms)
            return
        for old in [s for s in self._counted if s <= now - self.SLICES]:
            del self._counted[old]
        ended, failed = self._counted.get(now, (0, 0))
        self._counted[now] = ended + 1, failed + (not ok)
        ended = sum(e for e, _ in self._counted.values())
        failed = sum(f for _, f in self._counted.values())
        if ended >= self._least and 100 * failed >= self._percent * ended:
            self._change(Circuit.OPEN, now_ms)

    def _change(self, to: Circuit, now_ms: int) -> None:
        self.circuit = to
        self._change_ms = now_ms
        self._epoch += 1
        self._counted.clear()


class Draining:
    """Endpoints that are to go: they get no new requests, and are gone once the last has ended, or their time is over."""

    def __init__(self) -> None:
        self._moments = Moments()
        self._until_ms: dict[str, int] = {}

    @property
    def draining(self) -> set[str]:
        """Those that get no new requests."""
        return set(self._until_ms)

    def drain(self, name: str, now_ms: int, longest_ms: int) -> None:
        """Begin."""
        whole(longest_ms=longest_ms)
        if longest_ms < 0:
            raise ServiceError(f"draining takes 0 ms or more, not {longest_ms}")
        self._until_ms.setdefault(name, self._moments.at(now_ms) + longest_ms)

    def gone(self, now_ms: int, outstanding: Mapping[str, int]) -> set[str]:
        """Those that have nothing on the way any more, or had time enough. They are forgotten here."""
        now = self._moments.at(now_ms)
        found = {n for n, until in self._until_ms.items() if now >= until or not outstanding.get(n)}
        for name in found:
            del self._until_ms[name]
        return found


def slow_start(weight: int, age_ms: int, window_ms: int, least_percent: int = 10) -> int:
    """The weight, in hundredths, of an endpoint of some age: it grows from a tenth to the whole over the window.

    All weights beside it are to be given in hundredths too.
    """
    whole(weight=weight, age_ms=age_ms, window_ms=window_ms, least_percent=least_percent)
    if weight < 1 or not 1 <= least_percent <= 100:
        raise ServiceError(
            f"a weight is 1 or more, and begins at 1 to 100 percent of it: {weight}, {least_percent}"
        )
    if window_ms <= 0 or age_ms >= window_ms:
        return 100 * weight
    return max(1, weight * max(least_percent, 100 * max(0, age_ms) // window_ms))
