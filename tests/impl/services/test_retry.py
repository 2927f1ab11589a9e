"""Retries: which, when, how many; budgets and throttles, to the numbers that they are known by; hedging."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from heapq import heappop, heappush
from random import Random as Dice

import pytest

from ratified.impl.services.budgets import Adaptive, Budget, RetriesInFlight, Throttle
from ratified.impl.services.clock import ClockError
from ratified.impl.services.endpoints import ServiceError
from ratified.impl.services.hedging import Cancel, Hedge, Outcome, Send
from ratified.impl.services.retry import (
    Backoff,
    Call,
    Decision,
    Failure,
    GiveUp,
    Jitter,
    RetryPolicy,
    TryAgain,
    pushed_back,
)


def top(n: int) -> int:
    return n - 1


def bottom(_: int) -> int:
    return 0


# --- back-off ---


@pytest.mark.parametrize(
    ("jitter", "least", "most"),
    [
        (Jitter.NONE, [100, 200, 400, 800, 1000, 1000], [100, 200, 400, 800, 1000, 1000]),
        (Jitter.FULL, [0] * 6, [100, 200, 400, 800, 1000, 1000]),
        (Jitter.EQUAL, [50, 100, 200, 400, 500, 500], [100, 200, 400, 800, 1000, 1000]),
        (Jitter.FIFTH, [80, 160, 320, 640, 800, 800], [120, 240, 480, 960, 1200, 1200]),
    ],
)
def test_delays_lie_between_what_the_jitter_says(jitter: Jitter, least: list[int], most: list[int]) -> None:
    backoff = Backoff(100, 1000, 2, jitter)
    assert [backoff.delay_ms(n, bottom) for n in range(6)] == least
    assert [backoff.delay_ms(n, top) for n in range(6)] == most


def test_decorrelated_delays_follow_the_last_one() -> None:
    backoff = Backoff(100, 1000, 2, Jitter.DECORRELATED)
    assert [backoff.delay_ms(9, bottom, last) for last in (None, 100, 900)] == [100, 100, 100]
    assert [backoff.delay_ms(9, top, last) for last in (None, 100, 200, 900)] == [300, 300, 600, 1000]


def test_a_retry_of_any_number_takes_no_time_to_compute() -> None:
    assert Backoff(1, 10**9, 1000, Jitter.NONE).delay_ms(10**9, bottom) == 10**9


@pytest.mark.parametrize(
    ("jitter", "values"),
    [
        (Jitter.FULL, range(10)),  # 0 to t
        (Jitter.EQUAL, range(4, 10)),  # t/2, and 0 to t/2
        (Jitter.FIFTH, range(7, 11)),  # 0.8 t to 1.2 t, rounded down
        (Jitter.DECORRELATED, range(9, 16)),  # the base to 3 times the last, 5
    ],
)
def test_jitter_is_uniform(jitter: Jitter, values: range) -> None:
    dice = Dice(1)
    backoff = Backoff(9, 15 if jitter is Jitter.DECORRELATED else 9, 2, jitter)
    counted = Counter(backoff.delay_ms(0, dice.randrange, 5) for _ in range(50_000))
    expected = dict.fromkeys(values, Fraction(1, len(values)))
    if jitter is Jitter.FIFTH:  # of the tenths 72 to 108 that are drawn
        expected = {7: Fraction(8, 37), 8: Fraction(10, 37), 9: Fraction(10, 37), 10: Fraction(9, 37)}
    assert set(counted) == set(values)
    for value, probability in expected.items():
        # 6.2 standard deviations of a binomial count: chance misses it less often than once in 10**9
        deviation = (50_000 * float(probability * (1 - probability))) ** 0.5
        assert abs(counted[value] - 50_000 * probability) < 6.2 * deviation


# --- a call ---


def call(**given: object) -> Call:
    settings: dict[str, object] = {"started_ms": 0, "idempotent": True, **given}
    return Call(RetryPolicy(3, Backoff(100, 1000, 2, Jitter.NONE)), **settings)  # type: ignore[arg-type]  # as given


def test_an_idempotent_request_is_tried_three_times() -> None:
    request = call()
    decisions = [request.failed(now, Failure.UNAVAILABLE, bottom) for now in (10, 200, 500)]
    assert decisions == [TryAgain(100), TryAgain(200), GiveUp("it was tried 3 times")]


@pytest.mark.parametrize(
    ("failure", "idempotent", "decision"),
    [
        (Failure.NOT_SENT, False, TryAgain(100)),
        (Failure.OVERLOADED, False, TryAgain(100)),
        (Failure.UNAVAILABLE, False, GiveUp("it may have been executed, and must not be twice")),
        (Failure.TIMED_OUT, False, GiveUp("it may have been executed, and must not be twice")),
        (Failure.TIMED_OUT, True, TryAgain(100)),
        (Failure.FATAL, True, GiveUp("it would fail again")),
    ],
)
def test_what_may_have_been_executed_is_repeated_only_if_it_may_be_twice(
    failure: Failure, idempotent: bool, decision: Decision
) -> None:
    assert call(idempotent=idempotent).failed(0, failure, bottom) == decision


def test_no_attempt_begins_past_the_deadline() -> None:
    request = call(deadline_ms=150)
    assert request.timeout_ms(30) == 120
    assert request.failed(49, Failure.UNAVAILABLE, bottom) == TryAgain(100)
    assert call(deadline_ms=150).failed(50, Failure.UNAVAILABLE, bottom) == GiveUp("there is no time left")
    assert request.timeout_ms(200) == 0


def test_more_than_five_attempts_are_five() -> None:
    request = Call(RetryPolicy(100, Backoff(1, 1)), started_ms=0, idempotent=True)
    decisions = [request.failed(n, Failure.UNAVAILABLE, bottom) for n in range(5)]
    assert decisions == [*[TryAgain(0)] * 4, GiveUp("it was tried 5 times")]


@pytest.mark.parametrize(
    ("told", "after"),
    [
        ("7", 7),
        ("0", 0),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("1e3", None),
        ("31536000000", None),
        ("٣", None),
    ],
)
def test_pushback_is_obeyed_exactly_or_means_never(told: str, after: int | None) -> None:
    assert pushed_back(told) == after
    decided = call().failed(0, Failure.OVERLOADED, top, told)
    assert decided == (GiveUp("the server asks not to be asked again") if after is None else TryAgain(after))


def test_a_clock_that_goes_back_changes_nothing() -> None:
    request = call()
    request.failed(500, Failure.UNAVAILABLE, bottom)
    with pytest.raises(ClockError, match=r"^the clock went back from 500 to 499 ms$"):
        request.failed(499, Failure.UNAVAILABLE, bottom)
    assert request.failed(500, Failure.UNAVAILABLE, bottom) == TryAgain(200)


# --- throttle and budgets ---


def test_the_throttle_of_grpc() -> None:
    throttle = Throttle(10, 100)
    allowed = []
    for _ in range(5):
        throttle.failed()
        allowed.append((throttle.tokens_thousandths, throttle.allows))
    assert allowed == [(9000, True), (8000, True), (7000, True), (6000, True), (5000, False)]
    for _ in range(10):
        throttle.succeeded()
    assert (throttle.tokens_thousandths, throttle.allows) == (6000, True)  # one failure is ten successes
    for _ in range(1000):
        throttle.succeeded()
    assert throttle.tokens_thousandths == 10_000
    for _ in range(1000):
        throttle.failed()
    assert throttle.tokens_thousandths == 0


def test_the_budget_is_a_share_of_requests_and_some_a_second() -> None:
    budget = Budget(percent=20, least_a_second=1, ttl_ms=10_000)
    assert [budget.retry(0) for _ in range(11)] == [True] * 10 + [False]
    for n in range(100):
        budget.request(n)
    assert [budget.retry(100) for _ in range(21)] == [True] * 20 + [False]
    assert not budget.retry(9_999)
    assert [budget.retry(20_000) for _ in range(11)] == [True] * 10 + [False]  # what was not used is gone


def test_of_a_hundred_requests_ten_are_retried_where_a_tenth_may_be() -> None:
    """A client's retries below a tenth of its requests (Beyer et al., 2016, chapter 21)."""
    budget = Budget(percent=10, least_a_second=0)
    retried = 0
    for n in range(100):
        budget.request(n)
        retried += budget.retry(n)
    assert retried == 10


def test_a_success_gives_back_thousandths() -> None:
    throttle = Throttle(1, 1)
    throttle.failed()
    for _ in range(500):
        throttle.succeeded()
    assert not throttle.allows
    throttle.succeeded()
    assert (throttle.allows, throttle.tokens_thousandths) == (True, 501)


def test_without_a_share_there_are_three_retries_at_a_time() -> None:
    """Envoy's circuit breaker where no budget is given: max_retries is 3."""
    budget = RetriesInFlight(percent=0)
    for _ in range(1000):
        budget.begin()
    assert [budget.take() for _ in range(4)] == [True, True, True, False]


def test_a_budget_begins_with_ten_retries_a_second_for_ten_seconds() -> None:
    budget = Budget()
    assert [budget.retry(0) for _ in range(101)] == [True] * 100 + [False]
    for _ in range(4):
        budget.request(0)
    assert not budget.retry(0)  # a request pays for a fifth of a retry
    budget.request(0)
    assert [budget.retry(0), budget.retry(0)] == [True, False]


def test_retries_that_wait_count_among_those_in_flight() -> None:
    """A thousand requests fail at once: their retries wait in back-off, and are no more than a fifth."""
    budget = RetriesInFlight(percent=20, least=3)
    for _ in range(1000):
        budget.begin()
    assert sum(budget.take() for _ in range(1000)) == 200
    for _ in range(1000):
        budget.end()
    for _ in range(200):
        budget.release()
    assert sum(budget.take() for _ in range(10)) == 3


def test_adaptive_throttling_refuses_what_would_be_refused() -> None:
    adaptive = Adaptive(least=0)
    assert adaptive.chance(0) == (0, 1)
    for n in range(30):
        assert adaptive.admits(n, top)
    for n in range(10):
        adaptive.accepted(30 + n)
    assert Fraction(*adaptive.chance(50)) == Fraction(30 - 2 * 10, 31)
    assert adaptive.chance(300_000) == (0, 1)


def test_adaptive_throttling_counts_requests_when_they_begin() -> None:
    """Where they are counted when they end, nothing is held back for a whole round trip."""
    adaptive = Adaptive(least=0)
    admitted = sum(adaptive.admits(0, Dice(1).randrange) for _ in range(50))
    assert admitted < 10


def test_a_client_that_begins_does_not_hold_its_first_requests_against_their_server() -> None:
    adaptive = Adaptive()
    assert all(adaptive.admits(0, bottom) for _ in range(21))
    assert adaptive.chance(0) == (1, 22)
    assert not adaptive.admits(0, bottom)
    for _ in range(2):
        adaptive.accepted(0)
    assert adaptive.chance(0) == (0, 23)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Backoff(0),
        lambda: Backoff(10, 5),
        lambda: Backoff(1, 1, 0),
        lambda: RetryPolicy(0),
        lambda: Call(RetryPolicy(), started_ms=5, deadline_ms=5),
        lambda: Throttle(0),
        lambda: Throttle(1001),
        lambda: Throttle(10, 0),
        lambda: Budget(0, 0),
        lambda: Budget(-1),
        lambda: Budget(20, 1, 0),
        lambda: RetriesInFlight(101),
        lambda: Adaptive(0),
        lambda: Hedge(-1),
        lambda: Hedge(1, 0),
    ],
)
def test_what_makes_no_sense_is_refused(make: object) -> None:
    with pytest.raises(ServiceError):
        make()  # type: ignore[operator]  # a function


# --- hedging ---


def took(hedge: Hedge, slow: list[bool]) -> tuple[int, int]:
    """How long a request takes and how many attempts it costs, each of which answers after 10 ms, or 1,000 if it is slow."""
    events: list[tuple[int, int, bool]] = []  # when, of which attempt, an answer or its delay
    now, sent, effects = 0, 0, list(hedge.start())
    while True:
        for effect in effects:
            if isinstance(effect, Outcome):
                return now, sent
            if isinstance(effect, Send):
                sent += 1
                heappush(events, (now + (1_000 if slow[effect.attempt - 1] else 10), effect.attempt, True))
                if effect.wake_ms is not None:
                    heappush(events, (now + effect.wake_ms, effect.attempt, False))
        now, attempt, answer = heappop(events)
        effects = list(hedge.succeeded(attempt) if answer else hedge.elapsed(attempt))


def test_a_hundred_servers_of_which_each_is_slow_once_in_a_hundred_are_slow_together() -> None:
    """Of pages of a hundred parts 63% are slow, and with hedges after 20 ms one in a hundred, for 1% more load."""
    dice, pages = Dice(1), 600
    late = Counter[bool]()
    attempts = Counter[bool]()
    for _ in range(pages):
        slow = [[dice.random() < 0.01 for _ in range(2)] for _ in range(100)]
        for hedged in (False, True):
            parts = [took(Hedge(20, 2 if hedged else 1), part) for part in slow]
            late[hedged] += max(ms for ms, _ in parts) >= 1_000
            attempts[hedged] += sum(sent for _, sent in parts)

    def near(count: int, of: int, probability: float) -> bool:
        return abs(count - of * probability) < 6.2 * math.sqrt(of * probability * (1 - probability))

    assert near(late[False], pages, 1 - 0.99**100)
    assert near(late[True], pages, 1 - (1 - 0.01**2) ** 100)
    assert attempts[False] == 100 * pages
    assert near(attempts[True] - 100 * pages, 100 * pages, 0.01)


@pytest.mark.parametrize("percentile", [95, 99])
def test_hedges_after_a_percentile_cost_what_is_beyond_it(percentile: int) -> None:
    """Sent after the 95th percentile of how long answers take, 5% more are sent (Dean and Barroso, 2013)."""
    dice, count = Dice(2), 20_000
    beyond = (100 - percentile) / 100
    sent = sum(took(Hedge(20, 2), [dice.random() < beyond, False])[1] for _ in range(count))
    assert abs(sent - count * (1 + beyond)) < 6.2 * (count * beyond * (1 - beyond)) ** 0.5


def test_layers_that_all_retry_multiply_unless_one_says_not_to() -> None:
    """Three layers of three attempts: 27 at the bottom; if the last but one asks not to be asked again, 3."""

    def asked(layers: int, *, stops: bool) -> int:
        if layers == 0:
            return 1
        request, count = call(), 0
        while True:
            count += asked(layers - 1, stops=stops)
            pushback = "-1" if stops and layers > 1 else None  # what the layer below says
            if isinstance(request.failed(0, Failure.OVERLOADED, bottom, pushback), GiveUp):
                return count

    assert (asked(3, stops=False), asked(3, stops=True)) == (27, 3)


def test_a_hedge_is_sent_every_so_often_and_the_first_answer_counts() -> None:
    hedge = Hedge(10, 3)
    assert hedge.start() == (Send(1, 10),)
    assert hedge.elapsed(1) == (Send(2, 10),)
    assert hedge.elapsed(1) == ()
    assert hedge.elapsed(2) == (Send(3, None),)
    assert hedge.succeeded(2) == (Cancel(1), Cancel(3), Outcome(2, ok=True))
    assert (hedge.succeeded(1), hedge.failed(3, fatal=True), hedge.elapsed(3)) == ((), (), ())


def test_a_failure_brings_the_next_at_once_and_the_last_one_ends_it() -> None:
    hedge = Hedge(10, 2)
    hedge.start()
    assert hedge.failed(1, fatal=False) == (Send(2, None),)
    assert hedge.elapsed(1) == ()
    assert hedge.failed(2, fatal=False) == (Outcome(2, ok=False),)


def test_a_fatal_failure_ends_all() -> None:
    hedge = Hedge(10, 3)
    hedge.start()
    hedge.elapsed(1)
    assert hedge.failed(1, fatal=True) == (Cancel(2), Outcome(1, ok=False))


def test_a_server_may_ask_for_no_more() -> None:
    hedge = Hedge(10, 3)
    hedge.start()
    hedge.elapsed(1)
    assert hedge.failed(1, fatal=False, stop=True) == ()
    assert hedge.elapsed(2) == ()
    assert hedge.succeeded(2) == (Outcome(2, ok=True),)
