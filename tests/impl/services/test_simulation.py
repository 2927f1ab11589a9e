"""The simulated servers do what their faults say, a seed gives the same run, and what must not happen would be seen."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from unittest.mock import patch

import pytest

from ratified.impl.services.balancing import BALANCERS
from ratified.impl.services.budgets import Budget
from ratified.impl.services.endpoints import Endpoint, ServiceError
from ratified.impl.services.health import OutlierConfig, Outliers
from ratified.impl.services.hedging import Hedge
from ratified.impl.services.retry import Failure, RetryPolicy
from ratified.impl.services.simulation import Fault, Load, Outcome, Setup, Trouble, _Server, simulate
from ratified.impl.services.virtual import VirtualLoop, run_virtually

NODES = (Endpoint("a", 2), Endpoint("b"))
UNLIMITED = partial(Budget, 1000, 1_000_000)


def test_without_faults_everything_succeeds_in_the_weights_shares() -> None:
    outcome = simulate(Load(NODES, 900), Setup())
    assert (outcome.succeeded, outcome.twice, outcome.lost, outcome.ejections) == (900, 0, 0, ())
    assert Counter(attempt.node for attempt in outcome.attempts) == {"a": 600, "b": 300}
    assert len(outcome.latencies_ms) == 900
    assert outcome.percentile_ms(100) == outcome.latencies_ms[-1]


@pytest.mark.parametrize("name", BALANCERS)
def test_a_seed_gives_the_same_run(name: str) -> None:
    load = Load(NODES, 300, faults=(Fault(Trouble.FAIL, "a", 500, 1_000),), seed=7)
    setup = Setup(name, BALANCERS[name], attempt_timeout_ms=200)
    first = simulate(load, setup)
    assert simulate(load, setup) == first
    assert simulate(Load(NODES, 300, faults=load.faults, seed=8), setup) != first


def down_for_a_while(trouble: Trouble, writes: int = 20, **setup: object) -> Outcome:
    faults = (Fault(trouble, "a", 1_000, 2_000),)
    load = Load(NODES, 600, rate=200.0, writes_percent=writes, faults=faults)
    return simulate(load, Setup(budget=UNLIMITED, **setup))  # type: ignore[arg-type]  # as given


def test_a_node_that_fails_breaks_off_what_it_works_at_and_refuses_the_rest_until_it_is_back() -> None:
    outcome = down_for_a_while(Trouble.FAIL, outliers=partial(Outliers, OutlierConfig(most_percent=0)))
    failed = [attempt for attempt in outcome.attempts if attempt.failed]
    assert {attempt.node for attempt in failed} == {"a"}
    assert all(800 < attempt.ms < 2_000 for attempt in failed)
    assert outcome.succeeded >= 590  # writes that it was working at when it was killed
    assert any(attempt.node == "a" and attempt.ms > 2_000 for attempt in outcome.attempts)


def test_a_node_that_pauses_answers_late_or_not_and_nothing_is_applied_twice() -> None:
    outcome = down_for_a_while(Trouble.PAUSE, attempt_timeout_ms=300)
    assert {attempt.node for attempt in outcome.attempts if attempt.failed} == {"a"}
    assert outcome.succeeded < 600  # writes that may have been executed are given up
    assert (outcome.twice, outcome.lost) == (0, 0)


def test_a_slow_node_is_made_up_for_by_hedging_reads() -> None:
    slow, hedged = (
        down_for_a_while(Trouble.SLOW, 0, hedge=hedge, balancer=BALANCERS["round-robin"])
        for hedge in (None, partial(Hedge, 40, 2))
    )
    assert hedged.percentile_ms(99) < slow.percentile_ms(99)
    assert (hedged.twice, hedged.lost) == (0, 0)


def test_work_takes_as_long_as_its_node_is_slow_or_paused() -> None:
    async def run() -> list[int]:
        faults = (Fault(Trouble.SLOW, "a", 100, 200), Fault(Trouble.PAUSE, "a", 300, 400))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        server = _Server(Endpoint("a"), Load((Endpoint("a"),), faults=faults), loop, Counter())
        return [
            server.ready_ms(now, work) for now, work in ((0, 50), (90, 20), (150, 2), (290, 20), (350, 5))
        ]

    # 90 to 200: 10 ms of work before it is slow, and 10 while it is. 290 to 410: 10 ms before it pauses, 10 after.
    assert run_virtually(run()) == [50, 200, 170, 410, 405]


def test_a_client_that_sends_a_write_twice_is_found_out() -> None:
    with patch.object(Failure, "surely_not_executed", property(lambda _: True)):
        outcome = down_for_a_while(Trouble.PAUSE, attempt_timeout_ms=300)
    assert outcome.twice > 0


def test_an_answer_that_comes_before_the_write_is_applied_is_found_out() -> None:
    async def answered(self: _Server, request: object) -> None:
        await asyncio.sleep(0.001)

    with patch.object(_Server, "ask", answered):
        outcome = simulate(Load(NODES, 100), Setup())
    assert outcome.lost == pytest.approx(20, abs=20)
    assert outcome.lost > 0


def test_retries_without_a_budget_keep_an_overload_alive() -> None:
    load = Load(
        (Endpoint("a"),),
        800,
        rate=100.0,
        writes_percent=0,
        faults=(Fault(Trouble.PAUSE, "a", 1_000, 2_000),),
    )
    free, limited = (
        simulate(load, Setup(retry=RetryPolicy(5), budget=budget, attempt_timeout_ms=100))
        for budget in (UNLIMITED, partial(Budget, 10, 1))
    )
    assert len(free.attempts) > 1.5 * load.requests
    assert len(limited.attempts) < 1.2 * load.requests
    # The outage is over after two seconds. With a budget the line gets shorter from then on; without, retries keep it long.
    last = range(6_000, 8_000)
    assert not any(attempt.failed for attempt in limited.attempts if attempt.ms in last)
    assert all(attempt.failed for attempt in free.attempts if attempt.ms in last)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Fault(Trouble.FAIL, "a", 5, 5), r"^a fault must end after it starts: 5, 5 ms$"),
        (lambda: Load(NODES, 0), r"^requests, rate, .* are above 0$"),
        (lambda: Load(NODES, writes_percent=101), r"^writes are 0 to 100 percent, not 101$"),
        (lambda: Load(NODES, faults=(Fault(Trouble.FAIL, "c", 0, 5),)), r"^there is no node c$"),
    ],
)
def test_what_makes_no_sense_is_refused(made: object, message: str) -> None:
    with pytest.raises(ServiceError, match=message):
        made()  # type: ignore[operator]  # each of these makes something
