"""The client over the policies, with a clock, waiting and chance of its own: what it sends where, and what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ratified.impl.services.balancing import LeastOutstanding, RoundRobin
from ratified.impl.services.balancing.base import lowest
from ratified.impl.services.budgets import Throttle
from ratified.impl.services.client import CallError, Client, RequestError
from ratified.impl.services.endpoints import Endpoint, NoEndpointError
from ratified.impl.services.events import Answered, Ejected, Event, Failed, GaveUp, Picked, Waiting
from ratified.impl.services.health import OutlierConfig, Outliers
from ratified.impl.services.retry import Backoff, Failure, Jitter, RetryPolicy

STEADY = RetryPolicy(3, Backoff(100, 1000, 2, Jitter.NONE))


class Lab:
    """Servers that answer as they are told to, in a time that passes only when somebody waits."""

    def __init__(self, answers: Callable[[str, int], str | CallError], **given: object) -> None:
        self.now = 1000
        self.events: list[Event] = []
        self.sent: list[tuple[str, str, int | None]] = []
        self._answers = answers
        settings: dict[str, object] = {"balancer": RoundRobin(), "retry": STEADY, **given}
        self.client: Client[str, str] = Client(
            self._send,
            watch=self.events.append,
            draw=lowest,
            now_ms=lambda: self.now,
            wait=self._wait,
            **settings,  # type: ignore[arg-type]  # as given
        )
        self.client.update([Endpoint("a"), Endpoint("b"), Endpoint("c")])

    async def _wait(self, ms: int) -> None:
        self.now += ms

    async def _send(self, endpoint: Endpoint, request: str, timeout_ms: int | None) -> str:
        self.sent.append((endpoint.name, request, timeout_ms))
        self.now += 10
        answer = self._answers(endpoint.name, len(self.sent))
        if isinstance(answer, CallError):
            raise answer
        return answer

    def ask(self, request: str = "q", **how: object) -> str:
        return asyncio.run(self._asked(self.client.request(request, **how)))  # type: ignore[arg-type]  # as given

    @staticmethod
    async def _asked(answer: Awaitable[str]) -> str:
        return await answer


def down(failure: Failure = Failure.UNAVAILABLE, pushback: str | None = None) -> CallError:
    return CallError(failure, pushback=pushback)


def test_a_request_goes_to_another_endpoint_when_one_is_down() -> None:
    lab = Lab(lambda name, _: down() if name == "a" else f"from {name}")
    assert lab.ask(idempotent=True, deadline_ms=2000) == "from b"
    assert lab.sent == [("a", "q", 2000), ("b", "q", 1890)]
    assert lab.events == [
        Picked(1, 1, "a", "it is next in turn"),
        Failed(1, 1, "a", Failure.UNAVAILABLE, 10, "unavailable"),
        Waiting(1, 2, 100, "back-off"),
        Picked(1, 2, "b", "it is next in turn", (("a", "tried"),)),
        Answered(1, 2, "b", 10),
    ]


def test_what_may_have_been_executed_is_not_sent_again() -> None:
    lab = Lab(lambda *_: down(Failure.TIMED_OUT))
    with pytest.raises(
        RequestError, match=r"^it may have been executed, and must not be twice \(attempts: 1\)$"
    ):
        lab.ask()
    assert len(lab.sent) == 1
    assert lab.events[-1] == GaveUp(1, 1, "it may have been executed, and must not be twice")


def test_what_was_surely_not_executed_is() -> None:
    lab = Lab(lambda name, _: down(Failure.NOT_SENT) if name != "c" else "ok")
    assert lab.ask() == "ok"
    assert [name for name, *_ in lab.sent] == ["a", "b", "c"]


def test_a_servers_pushback_is_obeyed() -> None:
    lab = Lab(lambda _, n: down(Failure.OVERLOADED, "700") if n == 1 else "ok")
    assert lab.ask() == "ok"
    assert Waiting(1, 2, 700, "the server asked for it") in lab.events
    lab = Lab(lambda *_: down(Failure.OVERLOADED, "-1"))
    with pytest.raises(RequestError, match=r"^the server asks not to be asked again"):
        lab.ask()


def test_no_attempt_begins_past_the_deadline() -> None:
    lab = Lab(lambda *_: down(Failure.OVERLOADED))
    with pytest.raises(RequestError, match=r"^there is no time left \(attempts: 2\)$"):
        lab.ask(deadline_ms=200)
    assert [timeout for *_, timeout in lab.sent] == [200, 90]


def test_retries_stop_while_too_much_fails() -> None:
    lab = Lab(lambda *_: down(Failure.OVERLOADED), budget=Throttle(4, 100))
    with pytest.raises(RequestError, match=r"^too much fails for retries to help \(attempts: 2\)$"):
        lab.ask()
    assert len(lab.sent) == 2
    with pytest.raises(RequestError):
        lab.ask()
    assert len(lab.sent) == 3


def test_an_endpoint_that_fails_more_than_others_is_avoided() -> None:
    outliers = Outliers(OutlierConfig(consecutive=2, most_percent=34))
    lab = Lab(lambda name, _: down(Failure.NOT_SENT) if name == "a" else "ok", outliers=outliers)
    for _ in range(6):
        assert lab.ask() == "ok"
    assert lab.events.count(Ejected("a", "it failed too often in a row")) == 1
    before = len(lab.sent)
    for _ in range(6):
        lab.ask()
    assert {name for name, *_ in lab.sent[before:]} == {"b", "c"}


def test_a_cancelled_request_is_not_on_the_way_any_more() -> None:
    balancer = LeastOutstanding()

    async def never(endpoint: Endpoint, request: str, timeout_ms: int | None) -> str:
        await asyncio.Event().wait()
        return request

    async def cancel() -> None:
        client: Client[str, str] = Client(never, balancer=balancer)
        client.update([Endpoint("a")])
        task = asyncio.ensure_future(client.request("q"))
        while not balancer.outstanding["a"]:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert balancer.outstanding == {"a": 0}


def test_no_endpoint() -> None:
    lab = Lab(lambda *_: "ok")
    lab.client.update([])
    with pytest.raises(NoEndpointError):
        lab.ask()
