"""Health held to its models: ejection of outliers with panic threshold, active checks, and the circuit breaker.

Time goes by in ticks of an interval; what is counted over an interval, for which the model has no variables, the subject counts
itself, in whole numbers: who is an outlier of an interval is an argument of the event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.conformance.services.tickets import TicketSubject
from ratified.follow.binding import Claim, Event, Names, Observed
from ratified.follow.steps import Steps, change, do, either
from ratified.impl.services import health
from ratified.impl.services.health import Checks, OutlierConfig, Outliers, usable
from ratified.language import Map, Model, Set, require
from ratified.models.services import health as models

TICK_MS = 1_000
NAMES = ("a", "b", "c", "d", "e", "f")


class EjectionBinding(PolicyBinding):
    """Results and checks are steps, and so is an interval; one that finds outliers is one in which these are ejected."""

    def __init__(self, names: Sequence[str], settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)
        self.node = Names(models.Node, len(names), names)

    def model(self) -> models.Ejection:
        """At the limits of the subject."""
        return models.Ejection(Node=len(self.node.known()), **self._settings)

    def on_succeed(self, name: str) -> Steps:
        """A request ended well."""
        return do("succeed", n=self.node(name))

    def on_fail(self, name: str) -> Steps:
        """A request failed."""
        return do("fail", n=self.node(name))

    def on_check(self, name: str) -> Steps:
        """What checks say has changed."""
        return do("check", n=self.node(name))

    def on_tick(self, outliers: list[str]) -> Steps:
        """An interval has gone by."""
        if not outliers:
            return do("tick")
        return change("an interval with outliers", lambda m: tick(m, [self.node(name) for name in outliers]))

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """Who is ejected, who fails checks, who is used."""
        places: dict[tuple[Any, ...], Any] = {
            ("ejected",): Set(self.node(name) for name in variables["ejected"]),
            ("down",): Set(self.node(name) for name in variables["down"]),
            ("usable",): Set(self.node(name) for name in variables["used"]),
        }
        return places | {(Claim(claim),): holds for claim, holds in variables["claims"].items()}


def tick(m: Any, outliers: Sequence[Any]) -> None:
    """As the model's tick; outliers, those that were in all the time, are ejected as far as may be, and not forgiven."""
    back = [n for n, left in m.left.items() if left == 1]
    well = [n for n, left in m.left.items() if left == 0]
    m.left = Map({n: max(0, left - 1) for n, left in m.left.items()})
    m.in_a_row = Map({n: 0 if n in back else count for n, count in m.in_a_row.items()})
    out = []
    for n in outliers:
        if m.may_eject(n):
            m.times[n] = m.grown(m.times[n])
            m.left[n] = m.length(m.times[n])
            out.append(n)
    m.times = Map({n: m.forgiven(t) if n in well and n not in out else t for n, t in m.times.items()})


class EjectionSubject(Subject):
    """`Outliers`, `Checks` and `usable` held to the model."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "succeed": (len(NAMES), 4),
        "fail": (len(NAMES), 4),
        "check": (len(NAMES), 2, 4),
        "tick": (),
        "again": (),
        "interval": (len(NAMES), len(NAMES), 6),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        self.names: tuple[str, ...] = NAMES[: random.choice((1, 2, 3, 3, 4, 4, 5, 6))]
        self.make(
            consecutive=random.choice((1, 2, 3, 10)),
            percent=random.choice((0, 100 // len(self.names), 50, 67, 100)),
            always_one=random.random() < 0.3,
            base=random.randint(1, 2),
            longest=random.randint(1, 6),
            panic=random.choice((1, 34, 50, 67, 100)),
            rates=random.choice((0, 9, 14, 15)),
            shares=random.choice((0, 50, 67)),
        )

    def make(self, **limits: Any) -> None:
        """With these limits."""
        self.limits = limits
        # Tenths of deviations, or percent; endpoints; requests.
        self.rates = (limits["rates"], 3, 4) if limits["rates"] else (19, 1_000, 100)
        self.share = (limits["shares"] or None, 2, 3)
        self.outliers = Outliers(
            OutlierConfig(
                consecutive=limits["consecutive"],
                interval_ms=TICK_MS,
                base_ms=TICK_MS * limits["base"],
                longest_ms=TICK_MS * limits["longest"],
                most_percent=limits["percent"],
                always_one=limits["always_one"],
                deviations_tenths=self.rates[0],
                rate_hosts=self.rates[1],
                rate_requests=self.rates[2],
                failure_percent=self.share[0],
                failure_hosts=self.share[1],
                failure_requests=self.share[2],
            )
        )
        self.outliers.update(self.names)
        self.checks = Checks(rise=2, fall=3)
        self.now = 0
        self.counted: dict[str, tuple[int, int]] = {}
        self.against: dict[str, int] = {}
        self.claims: dict[str, bool] = {}

    def binding(self) -> EjectionBinding:
        """See Subject."""
        longest = max(self.limits["longest"], self.limits["base"])
        settings = {k: v for k, v in self.limits.items() if k not in ("rates", "shares", "longest")}
        return EjectionBinding(self.names, {**settings, "longest": longest})

    def seen(self) -> Mapping[str, Any]:
        """Who is out, down, used."""
        out, down = self.outliers.ejected, self.checks.unhealthy
        used = usable(self.names, out | down, self.limits["panic"])
        claims, self.claims = self.claims, {}
        return {"ejected": sorted(out), "down": sorted(down), "used": sorted(used), "claims": claims}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: clocks that go back or are none, endpoints that are there twice, limits that are none."""
        made, name, before = self.outliers, self.names[0], self.now - 1
        nan: Any = float("nan")
        settings: Sequence[tuple[dict[str, Any], str]] = (
            ({"consecutive": 0}, "consecutive failures, interval and base time"),
            ({"interval_ms": 0}, "consecutive failures, interval and base time"),
            ({"base_ms": 0}, "consecutive failures, interval and base time"),
            ({"most_percent": 101}, "at most 0 to 100 percent"),
            ({"most_percent": -1}, "at most 0 to 100 percent"),
            ({"failure_percent": 0}, "a share of failures"),
            ({"failure_percent": nan}, "failure_percent is a whole number"),
            ({"rate_requests": 0}, "a rate needs"),
            ({"longest_ms": -1}, "the longest ejection"),
        )
        return [
            (lambda: made.result(name, before, ok=False), "the clock went back"),
            (lambda: made.sweep(before), "the clock went back"),
            (lambda: made.sweep(nan), "the time is a whole number"),
            (lambda: made.update((*self.names, name)), f"endpoint {name} is there twice"),
            (lambda: usable(self.names, (), nan), "panic_percent is a whole number"),
            (lambda: Checks(rise=0), "a check counts to 1 at least: rise 0, fall 3"),
            (lambda: Checks(fall=0), "a check counts to 1 at least: rise 2, fall 0"),
            (lambda: Checks(fall=nan), "fall is a whole number"),
            *((partial(OutlierConfig, **given), says) for given, says in settings),
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        least = OutlierConfig(consecutive=1, interval_ms=1, base_ms=1, longest_ms=0, most_percent=0)
        return [lambda: Checks(1, 1), lambda: Outliers(least)]

    def named(self, n: int) -> str:
        """An endpoint by its number."""
        return self.names[n % len(self.names)]

    def result(self, n: int, count: int, *, ok: bool) -> Iterable[Event]:
        """Requests end."""
        name = self.named(n)
        self.claims["who is gone is not ejected"] = not self.outliers.result("gone", self.now, ok=ok)
        for _ in range(count + 1):
            before = self.outliers.ejected
            told = self.outliers.result(name, self.now, ok=ok)
            well, failed = self.counted.get(name, (0, 0))
            self.counted[name] = well + ok, failed + (not ok)
            self.claims["it is told whether that ejects"] = told == (self.outliers.ejected != before)
            yield self.event("succeed" if ok else "fail", name=name)

    def succeed(self, n: int, count: int) -> Iterable[Event]:
        """Requests end well."""
        return self.result(n, count, ok=True)

    def fail(self, n: int, count: int) -> Iterable[Event]:
        """Requests fail."""
        return self.result(n, count, ok=False)

    def check(self, n: int, ok: int, more: int = 0) -> Iterable[Event]:
        """Checks have a result: three in a row say that it is down, two that it is up."""
        name = self.named(n)
        for _ in range(more + 1):
            otherwise = bool(ok) == (name in self.checks.unhealthy)
            self.against[name] = self.against.get(name, 0) + 1 if otherwise else 0
            due = self.against[name] == (2 if ok else 3)
            told = self.checks.checked(name, ok=bool(ok))
            self.claims["checks in a row change what is believed"] = told == due
            if due:
                self.against[name] = 0
                yield self.event("check", name=name)

    def tick(self) -> Iterable[Event]:
        """An interval goes by; in the middle of it nothing happens."""
        halfway = self.outliers.sweep(self.now + TICK_MS // 2)
        self.claims["nothing happens between intervals"] = halfway == (set(), set())
        self.now += TICK_MS
        before, outliers = self.outliers.ejected, self.found()
        out, back = self.outliers.sweep(self.now)
        self.claims["it is told who goes and who comes back"] = self.outliers.ejected == (before - back) | out
        self.claims["who comes back was out"] = back <= before and not out & (before - back)
        self.counted.clear()
        yield self.event("tick", outliers=[name for name in outliers if name not in before])

    def found(self) -> list[str]:
        """The outliers of this interval, in the order in which they are ejected. Who is out, or comes back now, is none."""
        out = self.outliers.ejected
        present = {name: self.counted.get(name, (0, 0)) for name in self.names if name not in out}
        found: list[str] = []
        tenths, hosts, requests = self.rates
        counted = {n: c for n, c in present.items() if sum(c) >= requests}
        if len(counted) >= hosts:
            rates = {n: Fraction(well, well + failed) for n, (well, failed) in counted.items()}
            mean = sum(rates.values(), Fraction(0)) / len(rates)
            variance = sum((r - mean) ** 2 for r in rates.values()) / len(rates)
            found += [
                n for n, r in rates.items() if r < mean and 100 * (mean - r) ** 2 > tenths**2 * variance
            ]
        percent, hosts, requests = self.share
        counted = {n: c for n, c in present.items() if sum(c) >= requests}
        if percent is not None and len(counted) >= hosts:
            found += [n for n, (well, bad) in counted.items() if 100 * bad >= percent * (well + bad)]
        return list(dict.fromkeys(found))

    def interval(self, bad: int, worse: int, failures: int) -> Iterable[Event]:
        """All have something to do for two intervals, and one or two fail more than others, out or not."""
        yield from self.busy(bad, bad, failures)
        yield from self.busy(bad, worse, failures)

    def busy(self, bad: int, worse: int, failures: int) -> Iterable[Event]:
        """One interval of that."""
        for n in range(len(self.names)):
            failing = failures if n in (bad % len(self.names), worse % len(self.names)) else 0
            if failing:
                yield from self.fail(n, failing - 1)
            yield from self.succeed(n, (bad + n) % 3 + 1)
        yield from self.tick()

    def again(self) -> Iterable[Event]:
        """It is told of the endpoints again, which are the same."""
        self.outliers.update(self.names)
        return ()

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        if action == "tick":
            tuple(self.tick())
        elif action == "check":
            for _ in range(2 if self.named(int(arguments[0])) in self.checks.unhealthy else 3):
                tuple(
                    self.check(int(arguments[0]), int(self.named(int(arguments[0])) in self.checks.unhealthy))
                )
        else:
            tuple(self.result(int(arguments[0]), 0, ok=action == "succeed"))


class EjectionPair(EjectionSubject):
    """Two endpoints and the model's own limits, to be driven along its graph."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.names = NAMES[:2]
        limits = {"consecutive": 2, "percent": 50, "always_one": False, "base": 1, "longest": 2, "panic": 50}
        self.make(**limits, rates=0, shares=0)


def ejection_graph() -> tuple[Model, Subject]:
    """Two nodes."""
    return models.Ejection(Node=2), EjectionPair()


# Circuit breaker

SLICE_MS = 10
CIRCUITS = {
    health.Circuit.CLOSED: models.Circuit.CLOSED,
    health.Circuit.OPEN: models.Circuit.OPEN,
    health.Circuit.HALF_OPEN: models.Circuit.HALF_OPEN,
}


class CircuitBinding(PolicyBinding):
    """Requests and answers are steps; a tick is one until the circuit has been as it is for long enough."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = dict(limits)

    def model(self) -> models.CircuitBreaker:
        """At the limits of the subject."""
        return models.CircuitBreaker(**self._limits)

    def on_request(self) -> Steps:
        """A request is let through."""
        return do("request")

    def on_refused(self) -> Steps:
        """A request is not let through, and that is right."""
        return change(
            "it is refused", lambda m: require(m.circuit != models.Circuit.CLOSED and not m.may_probe())
        )

    def on_answer(self, ok: bool, forgotten: int) -> Steps:
        """An answer comes in that counts, when so many of those before it count no more."""
        return (*[do("forget")] * forgotten, do("answer", ok=ok))

    def on_late_answer(self, ok: bool) -> Steps:
        """An answer comes in of before the circuit changed."""
        return do("late_answer", ok=ok)

    def on_tick(self) -> Steps:
        """Time goes by, which nobody notices of a closed circuit, or of one that was long enough as it is."""
        unnoticed = change(
            "time goes by", lambda m: require(m.circuit == models.Circuit.CLOSED or m.may_probe())
        )
        return either(do("tick"), unnoticed)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """The circuit."""
        return {("circuit",): CIRCUITS[variables["circuit"]]}


class CircuitSubject(TicketSubject):
    """`CircuitBreaker` held to its model. The subject counts for itself what of the window still counts."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "request": (4,),
        "answer": (100, 2),
        "fail_all": (),
        "late_answer": (100, 2),
        "tick": (),
        "rest": (12,),
    }
    made: ClassVar[type[health.CircuitBreaker]] = health.CircuitBreaker
    tick_ms = SLICE_MS

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        self.make(random.randint(1, 4), random.choice((34, 50, 67, 100)), random.randint(1, 4))

    def make(self, least: int, percent: int, open_for: int, most: int = 400) -> None:
        """With these limits."""
        self.limits = {"least": least, "percent": percent, "open_for": open_for, "most": most}
        self.window_ms = self.made.SLICES * SLICE_MS
        self.breaker = self.made(least, percent, self.window_ms, open_for * SLICE_MS)
        self.begin()
        self.counted: deque[int] = deque()  # when the answers that count came in

    def binding(self) -> CircuitBinding:
        """See Subject."""
        return CircuitBinding(self.limits)

    def seen(self) -> Mapping[str, Any]:
        """The circuit."""
        return {"circuit": self.breaker.circuit}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: clocks that go back or are none, limits that are none."""
        breaker, before, says = self.breaker, self.told - 1, "a circuit opens at 1 request or more"
        nan: Any = float("nan")
        made = health.CircuitBreaker
        return [
            (lambda: breaker.request(before), "the clock went back"),
            (lambda: breaker.ended(0, before, ok=False), "the clock went back"),
            (lambda: breaker.request(nan), "the time is a whole number"),
            (lambda: made(requests=0), says),
            (lambda: made(error_percent=0), says),
            (lambda: made(error_percent=101), says),
            (lambda: made(window_ms=9), says),
            (lambda: made(open_ms=0), says),
            (lambda: made(open_ms=nan), "open_ms is a whole number"),
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: health.CircuitBreaker(1, 1, health.CircuitBreaker.SLICES, 1)]

    def changed(self) -> None:
        """The circuit has changed: what is on the way is late, and nothing is counted."""
        self.all_are_late()
        self.counted.clear()

    def request(self, count: int = 0) -> Iterable[Event]:
        """Requests are asked for."""
        for _ in range(count + 1):
            self.told = self.now
            closed = self.breaker.circuit is health.Circuit.CLOSED
            ticket = self.breaker.request(self.now)
            if ticket is None:
                yield self.event("refused")
                continue
            if not closed:
                self.changed()
            self.waiting.append(ticket)
            yield self.event("request")

    def answer(self, n: int, ok: int) -> Iterable[Event]:
        """A request that counts ends."""
        if self.waiting:
            before = self.breaker.circuit
            forgotten = 0
            while self.counted and self.counted[0] <= self.now - self.window_ms:
                self.counted.popleft()
                forgotten += 1
            self.taken(self.waiting, n, ok)
            self.counted.append(self.now)
            if self.breaker.circuit is not before:
                self.changed()
            yield self.event("answer", ok=bool(ok), forgotten=forgotten)

    def ended(self, ticket: int, *, ok: bool) -> None:
        """See TicketSubject."""
        self.breaker.ended(ticket, self.now, ok=ok)

    def rest(self, ticks: int) -> Iterable[Event]:
        """More time goes by."""
        for _ in range(ticks):
            yield from self.tick()


def circuit_graph() -> tuple[Model, Subject]:
    """Three requests at most."""
    return models.CircuitBreaker(), CircuitSmall()


class FineBreaker(health.CircuitBreaker):
    """Its window has slices enough that each answer has one of its own, and so can be forgotten alone."""

    SLICES = 1_000


class CircuitSmall(CircuitSubject):
    """The model's own limits, to be driven along its graph. A window is much longer than the circuit is open."""

    made = FineBreaker

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.make(2, 50, 2, 3)

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        match action:
            case "forget":
                self.now = max(self.now, self.counted.popleft() + self.window_ms)
            case "answer" | "late_answer":
                if action == "answer" and self.counted:
                    # Far from the last one, or it could not be forgotten and two others come before this one is.
                    far = self.counted[-1] + self.window_ms // 4
                    self.now = max(self.now, min(far, self.counted[0] + self.window_ms - SLICE_MS))
                tuple(getattr(self, action)(0, int(arguments[0])))
            case _:
                tuple(getattr(self, action)())
