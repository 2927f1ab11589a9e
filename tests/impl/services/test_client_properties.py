"""Whatever servers do and whichever policies are put together, a client keeps its promises. In virtual time, by Hypothesis."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ratified.impl.services.allowance import AnyBudget
from ratified.impl.services.balancing import BALANCERS, Balancer, Maglev
from ratified.impl.services.budgets import Adaptive, Budget, RetriesInFlight, Throttle
from ratified.impl.services.client import CallError, Client, RequestError
from ratified.impl.services.endpoints import Endpoint
from ratified.impl.services.events import Answered, Cancelled, Event, Failed, GaveUp, Picked
from ratified.impl.services.health import CircuitBreaker, OutlierConfig, Outliers
from ratified.impl.services.hedging import Hedge
from ratified.impl.services.retry import ATTEMPTS_MOST, Backoff, Call, Failure, RetryPolicy
from ratified.impl.services.virtual import VirtualLoop, run_virtually

FAILURES = st.sampled_from(Failure)
PUSHBACKS = st.sampled_from([None, None, "0", "30", "5000", "-1", "soon", "9" * 30])
TIMES = st.integers(0, 400)
MS = st.none() | st.integers(1, 500)


@dataclass(frozen=True)
class Behaviour:
    """What becomes of an attempt: after so many milliseconds it is answered, or fails."""

    after_ms: int
    failure: Failure | None
    pushback: str | None


@dataclass(frozen=True)
class Asked:
    """A request: when it is sent, and how."""

    at_ms: int
    idempotent: bool
    deadline_ms: int | None
    cancelled_after_ms: int | None


@dataclass(frozen=True)
class Sent:
    """An attempt as the servers saw it."""

    request: int
    at_ms: int
    timeout_ms: int | None


MAKERS: list[Callable[[], Balancer]] = [
    *(make for name, make in BALANCERS.items() if name != "maglev"),
    partial(Maglev, 101),  # a table of the usual size takes longer to fill than all the rest
]
BUDGETS: list[Callable[[], AnyBudget]] = [
    Throttle,
    Budget,
    RetriesInFlight,
    partial(RetriesInFlight, 100, 9),
    partial(Throttle, 1000),
    Adaptive,
]

BEHAVIOURS = st.lists(st.builds(Behaviour, TIMES, st.none() | FAILURES, PUSHBACKS), min_size=1, max_size=12)
REQUESTS = st.lists(st.builds(Asked, TIMES, st.booleans(), MS, MS), min_size=1, max_size=6)
POLICIES = st.fixed_dictionaries(
    {
        "balancer": st.sampled_from(MAKERS).map(lambda make: make()),
        "retry": st.builds(RetryPolicy, st.integers(1, 6), st.builds(Backoff, st.integers(1, 100))),
        "hedge": st.none() | st.builds(partial, st.just(Hedge), st.integers(0, 100), st.integers(1, 6)),
        "budget": st.sampled_from(BUDGETS).map(lambda make: make()),
        "breaker": st.none() | st.builds(partial, st.just(CircuitBreaker), st.integers(1, 3)),
        "outliers": st.builds(
            lambda most: Outliers(OutlierConfig(1, base_ms=50, most_percent=most)), st.integers(0, 100)
        ),
        "attempt_timeout_ms": MS,
    }
)


@dataclass
class Run:
    """What came of it all."""

    events: list[Event]
    sent: list[Sent]
    failed: list[tuple[int, int, Failure]]  # the request, when, how
    outcomes: list[str | BaseException]


async def ran(behaviours: list[Behaviour], requests: list[Asked], policies: dict[str, Any], seed: int) -> Run:
    """Send the requests, each at its time; the nth attempt of all goes as the nth behaviour has it, and on in circles."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    run = Run([], [], [], [])

    async def send(_: Endpoint, request: int, timeout_ms: int | None) -> str:
        does = behaviours[len(run.sent) % len(behaviours)]
        run.sent.append(Sent(request, loop.now_ms(), timeout_ms))
        await asyncio.sleep(does.after_ms / 1000)
        if does.failure is not None:
            run.failed.append((request, loop.now_ms(), does.failure))
            raise CallError(does.failure, pushback=does.pushback)
        return f"answer to {request}"

    client: Client[int, str] = Client(
        send, watch=run.events.append, draw=Random(seed).randrange, now_ms=loop.now_ms, **policies
    )
    client.update([Endpoint("a", 3), Endpoint("b"), Endpoint("c")])

    async def ask(number: int, how: Asked) -> str:
        await asyncio.sleep(how.at_ms / 1000)
        call = client.request(number, idempotent=how.idempotent, deadline_ms=how.deadline_ms)
        if how.cancelled_after_ms is None:
            return await call
        async with asyncio.timeout(how.cancelled_after_ms / 1000):
            return await call

    tasks = [ask(number, how) for number, how in enumerate(requests)]
    run.outcomes = list(await asyncio.gather(*tasks, return_exceptions=True))
    return run


def check(run: Run, requests: list[Asked], policies: dict[str, Any]) -> None:
    """Everything that a client promises of such a run."""
    for number, outcome in enumerate(run.outcomes):
        assert outcome == f"answer to {number}" or isinstance(outcome, RequestError | TimeoutError)
        how, sent = requests[number], [s for s in run.sent if s.request == number]
        assert len(sent) <= ATTEMPTS_MOST
        if not how.idempotent:  # it is not sent again once it may have been executed
            for before, after in pairwise(sent):
                last = [
                    failure
                    for n, at, failure in run.failed
                    if n == number and before.at_ms <= at <= after.at_ms
                ]
                assert last
                assert last[0].surely_not_executed
        if how.deadline_ms is not None:
            began = min((s.at_ms for s in sent), default=0)
            assert all(s.timeout_ms is not None for s in sent)
            assert all(0 < (s.timeout_ms or 0) <= how.deadline_ms - (s.at_ms - began) for s in sent)
    picked = [(e.request, e.attempt) for e in run.events if isinstance(e, Picked)]
    ended = [(e.request, e.attempt) for e in run.events if isinstance(e, Answered | Failed | Cancelled)]
    assert Counter(picked) == Counter(ended)
    assert len(set(picked)) == len(picked) == len(run.sent)
    given_up = sum(isinstance(outcome, RequestError) for outcome in run.outcomes)
    assert sum(isinstance(event, GaveUp) for event in run.events) == given_up
    assert all(str(event) for event in run.events)
    assert not any(getattr(policies["balancer"], "outstanding", {}).values())
    if isinstance(policies["budget"], RetriesInFlight):
        assert (policies["budget"].active, policies["budget"].retries) == (0, 0)


@settings(max_examples=100, deadline=None)
@given(BEHAVIOURS, REQUESTS, POLICIES, st.integers(0, 9))
def test_a_client_keeps_its_promises(
    behaviours: list[Behaviour], requests: list[Asked], policies: dict[str, Any], seed: int
) -> None:
    check(run_virtually(ran(behaviours, requests, policies, seed)), requests, policies)


def may_have_been_executed(call: Call, *how: Any) -> Any:
    """As `Call.failed`, but for that the request counts as idempotent."""
    call.idempotent = True
    return RIGHT(call, *how)


RIGHT = Call.failed


def test_one_that_sends_again_what_may_have_been_executed_is_caught() -> None:
    @settings(max_examples=200, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(BEHAVIOURS, REQUESTS, POLICIES, st.integers(0, 9))
    def property_(
        behaviours: list[Behaviour], requests: list[Asked], policies: dict[str, Any], seed: int
    ) -> None:
        check(run_virtually(ran(behaviours, requests, policies, seed)), requests, policies)

    with patch.object(Call, "failed", may_have_been_executed), pytest.raises(AssertionError):
        property_()
