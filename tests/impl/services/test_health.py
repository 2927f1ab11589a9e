"""Health: checks, ejection within its limit, the circuit breaker's single probe, draining, slow start."""

from __future__ import annotations

import pytest

from ratified.impl.services.clock import ClockError
from ratified.impl.services.endpoints import ServiceError
from ratified.impl.services.health import (
    Checks,
    Circuit,
    CircuitBreaker,
    Draining,
    OutlierConfig,
    Outliers,
    below,
    slow_start,
    usable,
)


def names(count: int) -> list[str]:
    return [f"e{i}" for i in range(count)]


def outliers(count: int, **config: object) -> Outliers:
    made = Outliers(OutlierConfig(**config))  # type: ignore[arg-type]  # as given
    made.update(names(count))
    return made


def fail(made: Outliers, name: str, times: int = 5, now_ms: int = 0) -> list[bool]:
    return [made.result(name, now_ms, ok=False) for _ in range(times)]


def state(breaker: CircuitBreaker) -> Circuit:
    return breaker.circuit


def test_checks_count_in_a_row() -> None:
    checks = Checks(rise=2, fall=3)
    told = [checks.checked("a", ok=ok) for ok in (False, False, True, False, False, False)]
    assert told == [False] * 5 + [True]
    assert checks.unhealthy == {"a"}
    assert [checks.checked("a", ok=ok) for ok in (True, False, True, True)] == [False, False, False, True]
    assert checks.unhealthy == set()


def test_where_too_few_are_left_all_are_used() -> None:
    assert usable("abcd", "cd") == {"a", "b"}
    assert usable("abcd", "bcd") == set("abcd")
    assert usable("abcd", "abcd", panic_percent=0) == set()


def test_five_failures_in_a_row_eject() -> None:
    made = outliers(10)
    made.result("e1", 0, ok=False)
    made.result("e1", 0, ok=True)
    assert fail(made, "e1") == [False] * 4 + [True]
    assert made.ejected == {"e1"}
    assert made.sweep(29_999) == (set(), set())
    assert made.sweep(30_000) == (set(), {"e1"})


@pytest.mark.parametrize(
    ("count", "percent", "always", "most"),
    [
        (3, 50, False, 1),  # tested before the ejection, it would be 2
        (3, 67, False, 2),  # and here all 3
        (9, 10, False, 0),
        (9, 10, True, 1),
        (10, 10, False, 1),
        (4, 100, False, 3),  # the last one never
        (1, 100, True, 0),
    ],
)
def test_the_limit_holds_after_the_ejection(count: int, percent: int, always: bool, most: int) -> None:
    made = outliers(count, most_percent=percent, always_one=always)
    for name in names(count):
        fail(made, name)
    assert len(made.ejected) == most


def test_each_ejection_is_longer_up_to_the_longest_and_all_is_forgiven_in_time() -> None:
    made = outliers(10, base_ms=30_000, longest_ms=70_000)
    now, lengths = 0, []
    for _ in range(4):
        assert fail(made, "e0", now_ms=now)[-1]
        began = now
        while made.ejected:
            now += 5_000
            made.sweep(now)
        lengths.append(now - began)
    assert lengths == [30_000, 60_000, 70_000, 70_000]
    for _ in range(20):
        now += 10_000
        made.sweep(now)
    fail(made, "e0", now_ms=now)
    assert made.sweep(now + 30_000)[1] == {"e0"}


def test_envoys_numbers_are_what_is_given() -> None:
    given = OutlierConfig()
    assert (given.consecutive, given.interval_ms, given.base_ms) == (5, 10_000, 30_000)
    assert (given.longest_ms, given.most_percent, given.always_one) == (300_000, 10, False)
    assert (given.rate_hosts, given.rate_requests, given.deviations_tenths) == (5, 100, 19)
    assert (given.failure_percent, given.failure_hosts, given.failure_requests) == (None, 5, 50)


def test_no_ejection_is_shorter_than_the_first_whatever_the_longest() -> None:
    """The longest is at least the base time: 400 s, where 300 s would be."""
    made = outliers(10, base_ms=400_000)
    for began in (0, 500_000):
        fail(made, "e0", now_ms=began)
        assert made.sweep(began + 399_999) == (set(), set())
        assert made.sweep(began + 400_000) == (set(), {"e0"})


@pytest.mark.parametrize("settings", [{}, {"failure_percent": 85, "rate_hosts": 1000}])
def test_ejections_by_rates_grow_longer_too(settings: dict[str, object]) -> None:
    """Envoy's factor did not grow where a share of failures ejected (issue 26758)."""
    made = outliers(10, consecutive=10_000, **settings)
    now, lengths = 10_000, []
    for _ in range(3):
        for name in names(10):
            for n in range(100):
                made.result(name, now, ok=name != "e4" or n < 5)
        assert made.sweep(now) == ({"e4"}, set())
        began = now
        while made.ejected:
            now += 10_000
            made.sweep(now)
        lengths.append(now - began)
        now += 10_000
    assert lengths == [30_000, 60_000, 90_000]


@pytest.mark.parametrize(
    ("hosts", "requests", "settings", "out"),
    [
        (5, 100, {}, {"e0"}),
        (4, 100, {}, set()),
        (5, 99, {}, set()),
        (5, 50, {"failure_percent": 85, "rate_hosts": 1000}, {"e0"}),
        (4, 50, {"failure_percent": 85, "rate_hosts": 1000}, set()),
        (5, 49, {"failure_percent": 85, "rate_hosts": 1000}, set()),
    ],
)
def test_rates_are_told_from_so_many_endpoints_and_requests(
    hosts: int, requests: int, settings: dict[str, object], out: set[str]
) -> None:
    made = outliers(hosts, consecutive=10_000, most_percent=100, **settings)
    for name in names(hosts):
        for _ in range(requests):
            made.result(name, 0, ok=name != "e0")
    assert made.sweep(10_000) == (out, set())


def test_success_rates_far_below_the_others_eject() -> None:
    made = outliers(10)
    for name in names(10):
        for n in range(100):
            made.result(name, 0, ok=n % 10 != 0 if name != "e3" else n % 3 == 0)
    assert made.sweep(10_000) == ({"e3"}, set())
    assert below({"a": 0.9, "b": 0.9, "c": 0.9, "d": 0.9, "e": 0.1}, 1.9) == ["e"]
    assert below({"a": 0.9, "b": 0.1}, 1.9) == []


def test_shares_of_failures_eject_where_that_is_asked_for() -> None:
    made = outliers(10, consecutive=1000, failure_percent=85, rate_hosts=1000)
    for name in names(10):
        for n in range(50):
            made.result(name, 0, ok=n >= 43 if name == "e5" else n % 2 == 0)
    assert made.sweep(10_000) == ({"e5"}, set())
    made = outliers(10, consecutive=1000, rate_hosts=1000)
    fail(made, "e5", 50)
    assert made.sweep(10_000) == (set(), set())


def test_the_circuit_opens_at_half_of_twenty_and_one_probe_decides() -> None:
    breaker = CircuitBreaker()
    for n in range(19):
        ticket = breaker.request(n)
        assert ticket is not None
        breaker.ended(ticket, n, ok=n % 2 == 0)
    assert state(breaker) is Circuit.CLOSED
    ticket = breaker.request(19)
    assert ticket is not None
    late = breaker.request(19)
    assert late is not None
    breaker.ended(ticket, 20, ok=False)
    assert state(breaker) is Circuit.OPEN
    assert breaker.request(5_019) is None
    probe = breaker.request(5_020)
    assert probe is not None
    assert breaker.request(5_021) is None  # only one at a time
    breaker.ended(probe, 5_100, ok=False)
    assert breaker.request(10_099) is None
    probe = breaker.request(10_100)
    assert probe is not None
    breaker.ended(probe, 10_200, ok=True)
    assert state(breaker) is Circuit.CLOSED
    for _ in range(30):
        breaker.ended(late, 10_201, ok=False)  # of before: it counts for nothing
    assert state(breaker) is Circuit.CLOSED


def test_a_probe_that_is_never_answered_is_followed_by_another() -> None:
    breaker = CircuitBreaker(requests=1, open_ms=100)
    ticket = breaker.request(0)
    assert ticket is not None
    breaker.ended(ticket, 0, ok=False)
    assert breaker.request(100) is not None
    assert breaker.request(199) is None
    assert breaker.request(200) is not None


def test_failures_of_long_ago_do_not_count() -> None:
    breaker = CircuitBreaker()
    for now in (0, 20_000):
        for _ in range(15):
            ticket = breaker.request(now)
            assert ticket is not None
            breaker.ended(ticket, now, ok=False)
    assert state(breaker) is Circuit.CLOSED


def test_what_drains_is_gone_when_it_is_done_or_out_of_time() -> None:
    draining = Draining()
    draining.drain("a", 0, 1000)
    draining.drain("b", 0, 1000)
    draining.drain("a", 5, 9000)  # it drains already
    assert draining.draining == {"a", "b"}
    assert draining.gone(10, {"a": 2, "b": 0}) == {"b"}
    assert draining.gone(999, {"a": 1}) == set()
    assert draining.gone(1000, {"a": 1}) == {"a"}


def test_weights_grow() -> None:
    assert [slow_start(4, age, 1000) for age in (-5, 0, 100, 500, 999, 1000, 9999)] == [
        40,
        40,
        40,
        200,
        396,
        400,
        400,
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Checks(0),
        lambda: OutlierConfig(consecutive=0),
        lambda: OutlierConfig(most_percent=101),
        lambda: CircuitBreaker(requests=0),
        lambda: CircuitBreaker(error_percent=0),
        lambda: Draining().drain("a", 0, -1),
        lambda: slow_start(0, 1, 2),
        lambda: slow_start(1, 1, 2, 101),
    ],
)
def test_what_makes_no_sense_is_refused(make: object) -> None:
    with pytest.raises(ServiceError):
        make()  # type: ignore[operator]  # a function


def test_a_clock_that_goes_back_changes_nothing() -> None:
    made = outliers(10)
    fail(made, "e0", 4, now_ms=100)
    with pytest.raises(ClockError):
        made.result("e0", 99, ok=False)
    assert made.ejected == set()
    assert made.result("e0", 100, ok=False)
