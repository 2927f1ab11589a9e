"""The client in virtual time: attempts that take too long, hedges, circuits, budgets; and what it tells of each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from ratified.impl.services.balancing import (
    BALANCERS,
    LeastOutstanding,
    Picking,
    PriorityLevels,
    RoundRobin,
    ZoneAware,
)
from ratified.impl.services.balancing.base import ANY, Balancer, lowest
from ratified.impl.services.budgets import Adaptive, Budget, RetriesInFlight, Throttle
from ratified.impl.services.client import CallError, Client, RequestError
from ratified.impl.services.endpoints import Endpoint, NoEndpointError, ServiceError
from ratified.impl.services.events import Event, because, tell
from ratified.impl.services.fitness import nobody
from ratified.impl.services.health import Checks, CircuitBreaker, OutlierConfig, Outliers
from ratified.impl.services.hedging import Hedge
from ratified.impl.services.retry import Backoff, Failure, Jitter, RetryPolicy
from ratified.impl.services.virtual import StuckError, VirtualLoop, run_virtually

STEADY = RetryPolicy(3, Backoff(100, 1000, 2, Jitter.NONE))

Answer = tuple[int, str | CallError]
"""After how many milliseconds an attempt ends, and how."""

FOREVER = 10**9


class Lab:
    """Servers that answer as they are told to, and a client of theirs."""

    def __init__(self, answers: Callable[[str, int], Answer], **policies: Any) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.now_ms = loop.now_ms
        self.lines: list[str] = []
        self.attempts = 0
        self._answers = answers
        given = {"balancer": RoundRobin(), "retry": STEADY, "draw": lowest, **policies}
        self.client: Client[str, str] = Client(
            self._send, watch=lambda event: self.lines.append(str(event)), now_ms=self.now_ms, **given
        )
        self.client.update([Endpoint("a"), Endpoint("b"), Endpoint("c")])

    async def _send(self, endpoint: Endpoint, request: str, timeout_ms: int | None) -> str:
        self.attempts += 1
        after_ms, answer = self._answers(endpoint.name, self.attempts)
        await asyncio.sleep(after_ms / 1000)
        if isinstance(answer, CallError):
            raise answer
        return answer

    async def ask(self, **how: Any) -> str:
        """The answer, or why there is none; and when."""
        try:
            answer = await self.client.request("q", **{"idempotent": True, **how})
        except RequestError as error:
            answer = str(error)
        return f"{answer} at {self.now_ms()} ms"


def within(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test in virtual time."""

    async def run() -> None:
        await test()

    run_virtually(run())


def down(failure: Failure = Failure.UNAVAILABLE, pushback: str | None = None) -> CallError:
    return CallError(failure, pushback=pushback)


def test_an_attempt_ends_when_its_time_is_over() -> None:
    async def test() -> None:
        lab = Lab(lambda name, _: (FOREVER if name == "a" else 10, "ok"), attempt_timeout_ms=300)
        assert await lab.ask(deadline_ms=2000) == "ok at 410 ms"
        assert lab.lines == [
            "request 1: picked a because it is next in turn",
            "request 1: a failed after 300 ms, timed out: no answer within 300 ms",
            "request 1: attempt 2 starts after 100 ms (back-off)",
            "request 1: picked b because it is next in turn; avoided a (tried)",
            "request 1: b answered after 10 ms",
        ]

    within(test)


def test_no_attempt_goes_on_past_the_deadline() -> None:
    async def test() -> None:
        lab = Lab(lambda *_: (FOREVER, "ok"))
        assert await lab.ask(deadline_ms=500) == "there is no time left (attempts: 1) at 500 ms"
        late = Lab(lambda *_: (30, down()), retry=RetryPolicy(3, Backoff(60, 60, 1, Jitter.NONE)))
        assert await late.ask(deadline_ms=100) == "there is no time left (attempts: 2) at 600 ms"

    within(test)


def test_a_wait_that_takes_longer_than_it_should_leaves_no_attempt_past_the_deadline() -> None:
    async def test() -> None:
        async def oversleep(ms: int) -> None:
            await asyncio.sleep(1)

        lab = Lab(lambda *_: (10, down()), wait=oversleep)
        assert await lab.ask(deadline_ms=500) == "there is no time left (attempts: 1) at 1010 ms"

    within(test)


def test_a_hedge_is_sent_and_the_first_answer_counts() -> None:
    async def test() -> None:
        balancer = LeastOutstanding()
        answers = {"a": (500, "from a"), "b": (20, "from b")}
        lab = Lab(lambda name, _: answers[name], hedge=partial(Hedge, 50), balancer=balancer)
        assert await lab.ask() == "from b at 70 ms"
        assert lab.lines == [
            "request 1: picked a because it is the least busy, 1 in flight for weight 1",
            "request 1: attempt 2 starts beside the others because the answer takes long",
            "request 1: picked b because it is the least busy, 1 in flight for weight 1; avoided a (tried)",
            "request 1: b answered after 20 ms",
            "request 1: cancelled the attempt at a, which is no longer needed",
        ]
        assert balancer.outstanding == {"a": 0, "b": 0, "c": 0}

    within(test)


def test_what_may_not_be_twice_is_not_hedged() -> None:
    async def test() -> None:
        lab = Lab(lambda *_: (500, "ok"), hedge=partial(Hedge, 50))
        assert (await lab.ask(idempotent=False), lab.attempts) == ("ok at 500 ms", 1)

    within(test)


def test_a_failure_brings_the_next_at_once_and_a_fatal_one_ends_all() -> None:
    async def test() -> None:
        answers: dict[str, Answer] = {"a": (10, down()), "b": (10, down()), "c": (10, "from c")}
        lab = Lab(lambda name, _: answers[name], hedge=partial(Hedge, 50))
        assert await lab.ask() == "from c at 30 ms"
        assert "request 1: attempt 2 starts beside the others because another failed" in lab.lines
        lab = Lab(lambda name, _: (60, down(Failure.FATAL)) if name == "b" else (500, "ok"), hedge=Hedge20)
        assert await lab.ask() == "it would fail again (attempts: 3) at 110 ms"
        lab = Lab(lambda *_: (10, down()), hedge=partial(Hedge, 50))
        assert await lab.ask() == "it was tried 3 times (attempts: 3) at 140 ms"

    within(test)


Hedge20 = partial(Hedge, 20)


def test_hedges_obey_pushback() -> None:
    async def test() -> None:
        lab = Lab(lambda _, n: (10, down(Failure.OVERLOADED, "400")) if n == 1 else (10, "ok"), hedge=Hedge20)
        assert await lab.ask() == "ok at 420 ms"
        assert "request 1: attempt 2 starts after 400 ms (the server asked for it)" in lab.lines
        lab = Lab(lambda *_: (10, down(Failure.OVERLOADED, "-1")), hedge=Hedge20)
        assert await lab.ask() == "the server asks not to be asked again (attempts: 1) at 430 ms"
        lab = Lab(lambda *_: (10, down(Failure.OVERLOADED, "400")), hedge=Hedge20)
        assert await lab.ask(deadline_ms=100) == "there is no time left (attempts: 1) at 440 ms"

    within(test)


def test_two_hedges_that_are_both_pushed_back_are_both_waited_for() -> None:
    async def test() -> None:
        answers: list[Answer] = [
            (30, down(Failure.OVERLOADED, "400")),
            (25, down(Failure.OVERLOADED, "300")),
            (10, "ok"),
        ]
        # The first fails at 30 ms and may be followed after 400 more, the second at 45 ms and after 300 more.
        lab = Lab(lambda _, n: answers[n - 1], hedge=Hedge20)
        assert await lab.ask() == "ok at 355 ms"
        lab = Lab(lambda _, n: answers[n - 1], hedge=partial(Hedge, 20, 2))
        assert await lab.ask() == "it was tried 2 times (attempts: 2) at 785 ms"
        budget = Budget(0, 1, 1_000)
        for _ in range(2):  # attempts that cannot be sent take nothing from the budget
            lab = Lab(lambda *_: (10, down()), hedge=partial(Hedge, 20, 1), budget=budget)
            await lab.ask()
        assert budget.retry(lab.now_ms())

    within(test)


def test_hedges_end_at_the_deadline_and_with_the_budget() -> None:
    async def test() -> None:
        lab = Lab(lambda *_: (FOREVER, "ok"), hedge=Hedge20)
        assert await lab.ask(deadline_ms=100) == "there is no time left (attempts: 3) at 100 ms"
        budget = RetriesInFlight(0, 0)
        lab = Lab(lambda *_: (500, "ok"), hedge=Hedge20, budget=budget)
        assert (await lab.ask(), lab.attempts) == ("ok at 600 ms", 1)
        budget = RetriesInFlight(0, 1)
        lab = Lab(lambda *_: (500, "ok"), hedge=Hedge20, budget=budget)
        assert (await lab.ask(), lab.attempts) == ("ok at 1100 ms", 2)
        assert (budget.active, budget.retries) == (0, 0)

    within(test)


def test_a_circuit_opens_and_one_probe_decides() -> None:
    async def test() -> None:
        breaker = partial(CircuitBreaker, requests=2, open_ms=1_000)
        well: set[str] = {"b", "c"}
        lab = Lab(lambda name, _: (0, "ok" if name in well else down(Failure.NOT_SENT)), breaker=breaker)
        for _ in range(6):
            assert (await lab.ask()).startswith("ok")
        assert lab.lines.count("the circuit of a is open") == 1
        assert any(line.endswith("avoided a (its circuit is open)") for line in lab.lines)
        asked = lab.attempts
        await asyncio.sleep(1)
        well.add("a")
        for _ in range(3):
            await lab.ask()
        assert lab.attempts == asked + 3
        assert (
            lab.lines.count("the circuit of a is half-open")
            == lab.lines.count("the circuit of a is closed")
            == 1
        )

    within(test)


def test_where_every_circuit_is_open_nothing_is_sent() -> None:
    async def test() -> None:
        lab = Lab(lambda *_: (0, down(Failure.NOT_SENT)), breaker=partial(CircuitBreaker, requests=1))
        assert (await lab.ask(), lab.attempts) == ("it was tried 3 times (attempts: 3) at 300 ms", 3)
        assert await lab.ask() == "every circuit is open (attempts: 0) at 300 ms"
        lab.client._hedge = Hedge20
        assert await lab.ask() == "every circuit is open (attempts: 0) at 300 ms"
        with pytest.raises(RequestError, match=r"^every circuit is open"):
            lab.client.begin()
        assert lab.attempts == 3

    within(test)


@pytest.mark.parametrize(
    ("budget", "why", "sent"),
    [
        (Throttle(2), "too much fails for retries to help", 1),
        (Budget(0, 1, 1000), "the budget for retries is used up", 2),
        (RetriesInFlight(0, 0), "the budget for retries is used up", 1),
        (Adaptive(1, least=0), "servers take so little that this client holds back", 1),
    ],
)
def test_a_retry_takes_what_the_budget_has(budget: Any, why: str, sent: int) -> None:
    async def test() -> None:
        lab = Lab(lambda *_: (0, down(Failure.NOT_SENT)), budget=budget)
        assert (await lab.ask()).startswith(f"{why} (attempts: {sent})")

    within(test)


def test_a_budget_of_retries_in_flight_gets_back_what_it_gave() -> None:
    async def test() -> None:
        budget = RetriesInFlight(100, 1)
        lab = Lab(lambda *_: (10, down()), budget=budget)
        await asyncio.gather(*(lab.ask() for _ in range(10)))
        assert (budget.active, budget.retries) == (0, 0)
        task = asyncio.ensure_future(lab.ask())
        await asyncio.sleep(0.05)
        assert (budget.active, budget.retries) == (1, 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (budget.active, budget.retries) == (0, 0)

    within(test)


def test_who_fails_more_often_than_the_others_is_ejected_and_comes_back() -> None:
    async def test() -> None:
        outliers = Outliers(OutlierConfig(consecutive=3, base_ms=500, most_percent=34))
        lab = Lab(
            lambda name, _: (1, down(Failure.NOT_SENT) if name == "a" else "ok"),
            outliers=outliers,
            budget=Throttle(1000),
        )
        for _ in range(9):
            await lab.ask()
        assert lab.lines.count("ejected a because it failed too often in a row") == 1
        assert lab.lines[-2].endswith("avoided a (ejected)")
        await asyncio.sleep(1)
        await lab.ask()
        assert "readmitted a after its ejection" in lab.lines

    within(test)


def test_who_fails_its_checks_is_avoided_until_it_passes_them() -> None:
    async def test() -> None:
        lab = Lab(lambda name, _: (5, name), checks=Checks(rise=1, fall=2))
        for ok in (False, False):
            lab.client.checked("b", ok=ok)
        assert [(await lab.ask())[0] for _ in range(4)] == ["a", "c", "a", "c"]
        lab.client.checked("a", ok=False)
        lab.client.checked("a", ok=False)  # one of three is left: all are used again
        assert [(await lab.ask())[0] for _ in range(3)] == ["a", "b", "c"]
        lab.client.checked("b", ok=True)
        assert [(await lab.ask())[0] for _ in range(3)] == ["b", "c", "b"]
        assert [line for line in lab.lines if "health checks" in line] == [
            "b fails its health checks",
            "a fails its health checks",
            "b passes its health checks",
        ]
        assert "request 1: picked a because it is next in turn; avoided b (unhealthy)" in lab.lines
        with pytest.raises(ServiceError, match=r"^there is no endpoint z$"):
            lab.client.checked("z", ok=True)

    within(test)


def test_who_drains_gets_nothing_new_and_is_gone_when_the_last_answer_is_there() -> None:
    async def test() -> None:
        lab = Lab(lambda name, number: (100 if number == 1 else 5, name))
        first = asyncio.ensure_future(lab.ask())
        await asyncio.sleep(0)
        lab.client.drain("a", 1_000)
        lab.client.drain("a", 9_000)  # it does already
        assert [(await lab.ask())[0] for _ in range(3)] == ["b", "c", "b"]
        assert [e.name for e in lab.client.endpoints] == ["a", "b", "c"]
        assert await first == "a at 100 ms"
        assert [e.name for e in lab.client.endpoints] == ["b", "c"]
        assert lab.lines.count("a is draining") == lab.lines.count("a has drained and is removed") == 1
        with pytest.raises(ServiceError, match=r"^there is no endpoint a$"):
            lab.client.drain("a", 1_000)
        lab.client.drain("b", 1_000)  # nothing is on the way
        assert [e.name for e in lab.client.endpoints] == ["c"]

    within(test)


def test_what_takes_too_long_to_drain_is_left_out_and_all_that_drain_are_an_error() -> None:
    async def test() -> None:
        lab = Lab(lambda name, _: (500, name), breaker=partial(CircuitBreaker, requests=1))
        sent = [asyncio.ensure_future(lab.ask()) for _ in "abc"]
        await asyncio.sleep(0.001)
        for name in "abc":
            lab.client.drain(name, 200)
        assert await lab.ask() == "every endpoint is draining (attempts: 0) at 1 ms"
        await asyncio.sleep(0.2)
        with pytest.raises(NoEndpointError):
            await lab.ask()
        assert [await each for each in sent] == ["a at 500 ms", "b at 500 ms", "c at 500 ms"]

    within(test)


def test_nobody_is_left_where_some_drain_and_the_circuits_of_others_are_open() -> None:
    assert nobody({"a": "draining", "b": "its circuit is open"}) == (
        "every endpoint is draining or has an open circuit"
    )


def test_what_is_sent_once_is_told_of_and_judged_too() -> None:
    async def test() -> None:
        lab = Lab(lambda *_: (0, "ok"))
        first = lab.client.begin(rather_not={"a": "not connected"})
        assert first.endpoint.name == "b"
        lab.client.ended(first)
        lab.client.cancelled(lab.client.begin())
        lab.client.ended(lab.client.begin(), down())
        assert lab.lines == [
            "request 1: picked b because it is next in turn; avoided a (not connected)",
            "request 1: b answered after 0 ms",
            "request 2: picked c because it is next in turn",
            "request 2: cancelled the attempt at c, which is no longer needed",
            "request 3: picked a because it is next in turn",
            "request 3: a failed after 0 ms, unavailable",
        ]

    within(test)


def test_what_goes_wrong_in_the_program_is_no_failure_of_an_endpoint() -> None:
    async def test() -> None:
        balancer = LeastOutstanding()

        async def broken(endpoint: Endpoint, request: str, timeout_ms: int | None) -> str:
            raise KeyError("mine")

        client: Client[str, str] = Client(broken, balancer=balancer)
        client.update([Endpoint("a")])
        with pytest.raises(KeyError):
            await client.request("q")
        assert balancer.outstanding == {"a": 0}

    within(test)


@pytest.mark.parametrize("name", BALANCERS)
def test_every_policy_says_why(name: str) -> None:
    balancer = BALANCERS[name]()
    balancer.update([Endpoint("a", 2)])
    assert (
        because(balancer, balancer.pick(Picking(lowest, b"key"))) != f"{type(balancer).__name__} has it next"
    )


def test_so_do_levels_and_zones() -> None:
    levels, zones = PriorityLevels(RoundRobin), ZoneAware(RoundRobin, "west", {"west": 1})
    for balancer, why in (
        (levels, "level 1 gets the request, and"),
        (zones, "zone west gets the request, and"),
    ):
        balancer.update([Endpoint("a", zone="west", priority=1)])
        assert because(balancer, balancer.pick()) == f"{why} has it next"


def test_a_policy_of_ones_own_is_named() -> None:
    class Mine(Balancer):
        def pick(self, request: Picking = ANY) -> Endpoint:
            return self.endpoints[0]

    assert because(Mine(), Endpoint("a")) == "Mine has it next"


def test_several_can_watch() -> None:
    one: list[Event] = []
    other: list[Event] = []
    client: Client[str, str] = Client(None, watch=tell(one.append, other.append))  # type: ignore[arg-type]  # nothing is sent
    client.update([Endpoint("a")])
    client.begin()
    assert one == other != []


def test_an_attempt_of_no_time_is_refused() -> None:
    with pytest.raises(ServiceError, match=r"^an attempt may take 1 ms or more, not 0$"):
        Client(None, attempt_timeout_ms=0)  # type: ignore[arg-type]  # it is refused before
    with pytest.raises(ServiceError, match=r"^attempt_timeout_ms is a whole number, not nan$"):
        Client(None, attempt_timeout_ms=float("nan"))  # type: ignore[arg-type]  # likewise


def test_virtual_time_jumps_and_waiting_for_nothing_is_an_error() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        await asyncio.gather(*(asyncio.sleep(n) for n in (3600, 60)))
        return loop.now_ms()

    async def stuck() -> None:
        await asyncio.Event().wait()

    assert run_virtually(main()) == 3_600_000
    with pytest.raises(StuckError, match=r"^every task is waiting, and no timer is set$"):
        run_virtually(stuck())
