"""What a client does with endpoints that are new, or down; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ratified.impl.services.balancing import RoundRobin, SmoothWeighted
from ratified.impl.services.client import CallError, Client
from ratified.impl.services.endpoints import Endpoint, EndpointError, ServiceError
from ratified.impl.services.passive import MaxFails
from ratified.impl.services.retry import Failure
from ratified.impl.services.virtual import VirtualLoop, run_virtually
from ratified.impl.services.warming import SlowStart

AB = [Endpoint("a"), Endpoint("b")]


class Lab:
    """A client of endpoints that answer, but for those that are `down`; and who was asked."""

    def __init__(self, **policies: Any) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.asked: list[str] = []
        self.down: set[str] = set()
        self.told: list[str] = []
        self.client: Client[str, str] = Client(
            self._send, now_ms=loop.now_ms, watch=lambda event: self.told.append(str(event)), **policies
        )
        self.client.update(AB)

    async def _send(self, endpoint: Endpoint, request: str, _: int | None) -> str:
        self.asked.append(endpoint.name)
        if endpoint.name in self.down:
            raise CallError(Failure.NOT_SENT)
        return request

    async def shares(self, at_s: int, count: int = 100) -> dict[str, int]:
        """Who gets how many requests at that second."""
        await asyncio.sleep(at_s - asyncio.get_running_loop().time())
        self.asked.clear()
        for _ in range(count):
            await self.client.request("r")
        return {name: self.asked.count(name) for name in sorted(set(self.asked))}


def within(test: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await test()

    run_virtually(run())


def test_a_new_endpoint_gets_its_share_little_by_little() -> None:
    """Weights 1, 1 and 2: c is to have half. A tenth of its weight is 2 of 22, a half of it 1 of 3."""

    async def test() -> None:
        lab = Lab(balancer=SmoothWeighted(), slow_start=SlowStart(window_ms=10_000))
        assert await lab.shares(0) == {"a": 50, "b": 50}
        lab.client.update([*AB, Endpoint("c", 2)])
        found = [(await lab.shares(at_s, count=66))["c"] for at_s in (0, 1, 5, 9, 10)]
        assert found == [6, 6, 22, 31, 33]
        assert lab.client.endpoints == (*AB, Endpoint("c", 2))
        assert any("picked c because its turn is due, by weight 2" in line for line in lab.told)

    within(test)


def test_no_request_fails_while_one_endpoint_is_down() -> None:
    """Whatever is not said: it is ejected before its failures use up what there is for retries."""

    async def test() -> None:
        lab = Lab(balancer=RoundRobin())
        lab.down.add("b")
        assert await lab.shares(0) == {"a": 100, "b": 3}
        assert await lab.shares(31) == {"a": 100, "b": 3}

    within(test)


def test_one_that_is_healthy_again_begins_anew() -> None:
    async def test() -> None:
        lab = Lab(balancer=SmoothWeighted(), slow_start=SlowStart(window_ms=10_000, least_percent=50))
        for ok in (False, False, False, True, True):
            lab.client.checked("b", ok=ok)
        assert await lab.shares(0, count=60) == {"a": 40, "b": 20}
        assert await lab.shares(10, count=60) == {"a": 30, "b": 30}

    within(test)


def test_what_is_refused_changes_nothing() -> None:
    async def test() -> None:
        lab = Lab(slow_start=SlowStart())
        with pytest.raises(
            EndpointError, match="endpoint c: with a slow start weights are 1 to 10,000, not 10001"
        ):
            lab.client.update([Endpoint("a"), Endpoint("c", 10_001)])
        assert lab.client.endpoints == tuple(AB)
        assert await lab.shares(0, count=4) == {"a": 2, "b": 2}
        with pytest.raises(
            ServiceError, match="a slow start takes 10 ms or more and begins at 1 to 100 percent: 9, 10"
        ):
            SlowStart(window_ms=9)

    within(test)


def test_passive_checks_take_the_place_of_circuit_breakers() -> None:
    """One of two is down: it gets one request of ten each time the rest is over, and half of them once that is answered."""

    async def test() -> None:
        lab = Lab(breaker=MaxFails, balancer=RoundRobin())
        lab.down.add("b")
        found = [await lab.shares(at_s, count=10) for at_s in (0, 5, 11)]
        lab.down.clear()
        found += [await lab.shares(at_s, count=10) for at_s in (12, 22)]
        assert [shares.get("b", 0) for shares in found] == [1, 0, 1, 0, 5]

    within(test)
