"""The transport for httpx: what it sends where, and that servers which are killed, paused and slow apply nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from ratified.impl.services.balancing import RoundRobin
from ratified.impl.services.balancing.base import lowest
from ratified.impl.services.budgets import Throttle
from ratified.impl.services.endpoints import Endpoint, EndpointError, ServiceError
from ratified.impl.services.events import (
    Answered,
    Cancelled,
    CircuitChanged,
    Event,
    Failed,
    GaveUp,
    Hedged,
    Picked,
    Waiting,
)
from ratified.impl.services.health import Circuit, CircuitBreaker, OutlierConfig, Outliers
from ratified.impl.services.hedging import Hedge
from ratified.impl.services.httpx import BalancedTransport, failure_of
from ratified.impl.services.retry import Failure
from tests.impl.services.lab import Lab, nonsense

T = TypeVar("T")

PATIENCE_MS = 60_000
"""A deadline that only a machine that stands still would miss."""


class Client:
    """An httpx client of the servers a, b and c, which are asked in that order, and what its policies told."""

    def __init__(self, addresses: dict[str, str], **policies: Any) -> None:
        self.events: list[Event] = []
        self._names = {address: name for name, address in addresses.items()}
        given = {"balancer": RoundRobin(), "budget": Throttle(1000), "draw": lowest, **policies}
        self.transport = BalancedTransport(addresses.values(), watch=self.events.append, **given)
        self.http = httpx.AsyncClient(
            transport=self.transport, base_url="http://orders", timeout=PATIENCE_MS / 1000
        )

    async def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        headers = {"x-lab": how.pop("faults", "")}
        if "key" in how:
            headers["Idempotency-Key"] = how.pop("key")
        return await self.http.request(method, path, headers=headers, **how)

    def failures(self, name: str) -> list[Failure]:
        """How attempts at a server failed."""
        return [e.failure for e in self.events if isinstance(e, Failed) and self._names[e.endpoint] == name]

    @property
    def picks(self) -> str:
        """Who was asked, in order."""
        return "".join(self._names[e.endpoint] for e in self.events if isinstance(e, Picked))


def with_servers(
    folder: Path, test: Callable[[Lab, Callable[..., Client]], Awaitable[T]], names: str = "abc"
) -> T:
    """Run a test that is given servers, and what makes clients of them."""

    async def run() -> T:
        clients: list[Client] = []

        def client(**policies: Any) -> Client:
            clients.append(Client(lab.addresses, **policies))
            return clients[-1]

        async with Lab("http", folder, names) as lab:
            try:
                return await test(lab, client)
            finally:
                for each in clients:
                    await each.http.aclose()

    return asyncio.run(run())


def test_a_killed_server_has_executed_nothing_so_that_any_request_goes_to_another(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        await lab.servers["a"].kill()
        one = client()
        response = await one.ask("POST", "/w1")
        assert (response.status_code, response.text.split()[0]) == (200, "b")
        assert (one.failures("a"), one.picks) == ([Failure.NOT_SENT], "ab")
        assert lab.applied() == {"w1": 1}

    with_servers(tmp_path, test, "ab")


def test_a_write_whose_server_died_before_it_answered_is_not_sent_again(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client()
        with pytest.raises(httpx.TransportError) as error:
            await one.ask("POST", "/w1", faults="a=die-after")
        assert error.value.__notes__ == [
            "not tried again: it may have been executed, and must not be twice (attempts: 1)"
        ]
        assert error.value.request.url == "http://orders/w1"
        assert (one.failures("a"), one.picks) == ([Failure.UNAVAILABLE], "a")
        assert lab.applied() == {"w1": 1}

    with_servers(tmp_path, test, "ab")


@pytest.mark.parametrize("fault", ["die-before", "die-after"])
def test_with_a_key_it_is_and_takes_effect_once(fault: str, tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client()
        response = await one.ask("POST", "/w1", key="k1", faults=f"a={fault}")
        assert (response.status_code, one.failures("a"), one.picks) == (200, [Failure.UNAVAILABLE], "ab")
        assert lab.applied() == {"w1": 1}

    with_servers(tmp_path, test, "ab")


def test_the_ledger_shows_a_write_that_is_sent_twice(tmp_path: Path) -> None:
    """What is claimed to be idempotent, and is not, is applied twice: so the other tests could fail."""

    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        response = await client().ask(
            "POST", "/w1", faults="a=die-after", extensions={"idempotent": True, "deadline_ms": PATIENCE_MS}
        )
        assert response.status_code == 200
        assert lab.applied() == {"w1": 2}

    with_servers(tmp_path, test, "ab")


def test_a_paused_server_is_given_up_for_another_where_that_is_safe(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        await lab.servers["a"].pause()
        # Two of three are well, and whoever was tried is not asked again: only a machine that stands still takes three.
        read, keyed, bare = (client(attempt_timeout_ms=1_500) for _ in range(3))
        done = await asyncio.gather(
            read.ask("GET", "/r1"),
            keyed.ask("POST", "/w1", key="k1"),
            bare.ask("POST", "/w2"),
            return_exceptions=True,
        )
        assert [getattr(r, "status_code", None) for r in done[:2]] == [200, 200]
        assert isinstance(done[2], httpx.ReadTimeout)
        assert {c.failures("a")[0] for c in (read, keyed, bare)} == {Failure.TIMED_OUT}
        assert (bare.picks, lab.applied()["w1"]) == ("a", 1)
        await lab.servers["a"].resume()
        # What had waited in its buffers may be applied now: the write with a key no second time, the other one for the first.
        await client().ask("GET", "/r2")
        assert (lab.applied()["w1"], lab.applied()["w2"] <= 1) == (1, True)

    with_servers(tmp_path, test)


def test_a_slow_read_is_hedged_and_a_write_is_not(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client(hedge=partial(Hedge, 20, 2))
        response = await one.ask("GET", "/r1", faults="a=hold")
        assert (response.text.split()[0], one.picks) == ("b", "ab")
        assert {type(e) for e in one.events} == {Picked, Hedged, Cancelled, Answered}
        await lab.servers["a"].slow()
        other = client(hedge=partial(Hedge, 20, 2))
        response = await other.ask("POST", "/w1")
        assert (response.text.split()[0], other.picks, other.failures("a")) == ("a", "a", [])
        assert lab.applied() == {"w1": 1}

    with_servers(tmp_path, test, "ab")


def test_a_servers_pushback_is_obeyed_and_an_hour_of_it_means_never(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client()
        response = await one.ask("POST", "/w1", faults="a=busy:0")
        assert (response.status_code, one.picks, one.failures("a")) == (200, "ab", [Failure.OVERLOADED])
        assert Waiting(1, 2, 0, "the server asked for it") in one.events
        other = client()
        response = await other.ask("POST", "/w2", faults="a=busy:3601")
        assert (response.status_code, other.picks) == (429, "a")
        assert other.events[-1] == GaveUp(1, 1, "the server asks not to be asked again")
        assert lab.applied() == {"w1": 1}

    with_servers(tmp_path, test, "ab")


def test_the_deadline_is_passed_on_and_the_service_keeps_its_name(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        response = await client().ask("GET", "/r1")
        server, left_ms, host = response.text.split()
        assert (server, host) == ("a", "orders")
        assert 0 < int(left_ms) <= PATIENCE_MS

    with_servers(tmp_path, test, "a")


def test_an_answer_that_would_be_the_same_again_is_the_callers_and_tells_against_the_server(
    tmp_path: Path,
) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client(outliers=Outliers(OutlierConfig(consecutive=1, most_percent=50)))
        response = await one.ask("GET", "/r1", faults="a=fails")
        assert (response.status_code, one.picks) == (500, "a")
        assert [(await one.ask("GET", "/r2")).text.split()[0] for _ in range(3)] == ["b", "b", "b"]

    with_servers(tmp_path, test, "ab")


def test_a_circuit_opens_and_one_probe_closes_it(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client(breaker=partial(CircuitBreaker, requests=2, open_ms=1))
        await lab.servers["a"].kill()
        for k in range(4):
            await one.ask("GET", f"/r{k}")
        (name,) = {e.endpoint for e in one.events if isinstance(e, CircuitChanged)}
        assert name == lab.addresses["a"]
        assert CircuitChanged(name, Circuit.OPEN) in one.events
        await lab.servers["a"].start()
        circuits = [Circuit.OPEN]
        while circuits[-1] is not Circuit.CLOSED:  # a probe may still find an old connection broken
            await one.ask("GET", "/r9")
            circuits = [e.circuit for e in one.events if isinstance(e, CircuitChanged)]
        assert circuits[-2:] == [Circuit.HALF_OPEN, Circuit.CLOSED]

    with_servers(tmp_path, test, "ab")


def test_a_server_that_answers_nonsense_may_have_executed_what_it_was_sent(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        async with nonsense() as address:
            one = Client({"x": address, **lab.addresses})
            assert (await one.ask("GET", "/r1")).text.split()[0] == "a"
            one.transport.update([address])
            with pytest.raises(httpx.RemoteProtocolError):
                await one.ask("POST", "/w1")
            assert (one.failures("x"), one.picks) == ([Failure.UNAVAILABLE] * 2, "xax")
            await one.http.aclose()

    with_servers(tmp_path, test, "a")


# --- without servers ---


class Served(httpx.AsyncBaseTransport):
    """Answers as it is told, and keeps what it was sent."""

    def __init__(self, *answers: httpx.Response | httpx.TransportError) -> None:
        self.answers = list(answers)
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        await request.aread()
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer


def asked(served: Served, method: str = "GET", *, endpoints: Any = ("a:1", "b:2"), **how: Any) -> Any:
    """Send one request; return the answer, or the error."""
    policies = how.pop("policies", {})

    async def no_time(_: int) -> None:
        return None

    async def run() -> Any:
        transport = BalancedTransport(
            endpoints, transport=served, balancer=RoundRobin(), draw=lowest, wait=no_time, **policies
        )
        async with httpx.AsyncClient(transport=transport) as http:
            try:
                return await http.request(method, "https://orders/7?x=1", **how)
            except httpx.TransportError as error:
                return error

    return asyncio.run(run())


@pytest.mark.parametrize("status", [408, 421, 425, 429, 502, 503, 504])
def test_after_these_answers_a_read_is_tried_again(status: int) -> None:
    served = Served(httpx.Response(status), httpx.Response(200))
    assert (asked(served).status_code, len(served.sent)) == (200, 2)


@pytest.mark.parametrize(
    ("status", "sent"), [(408, 1), (421, 2), (425, 2), (429, 2), (502, 1), (503, 1), (504, 1)]
)
def test_a_write_only_after_those_that_say_that_it_was_not_executed(status: int, sent: int) -> None:
    served = Served(httpx.Response(status), httpx.Response(200))
    assert asked(served, "POST").status_code == (200 if sent == 2 else status)
    assert len(served.sent) == sent


@pytest.mark.parametrize("status", [200, 301, 400, 404, 409, 500, 501])
def test_others_are_the_callers(status: int) -> None:
    served = Served(httpx.Response(status))
    assert asked(served).status_code == status


@pytest.mark.parametrize(
    ("how", "sent"),
    [
        ({"method": "PUT"}, 2),
        ({"method": "DELETE"}, 2),
        ({"method": "PATCH"}, 1),
        ({"method": "POST", "headers": {"Idempotency-Key": "k"}}, 2),
        ({"method": "POST", "headers": {"Idempotency-Key": ""}}, 1),
        ({"method": "POST", "headers": {"Session": "c1/7"}, "policies": {"repeatable": ["Session"]}}, 2),
        ({"method": "POST", "extensions": {"idempotent": True}}, 2),
        ({"method": "PUT", "extensions": {"idempotent": False}}, 1),
        ({"method": "PUT", "policies": {"idempotent": ["GET"]}}, 1),
        ({"method": "PATCH", "policies": {"idempotent": ["patch"]}}, 2),
    ],
)
def test_what_may_be_repeated(how: dict[str, Any], sent: int) -> None:
    served = Served(httpx.ReadError("broken off"), httpx.Response(200))
    asked(served, **how)
    assert len(served.sent) == sent


@pytest.mark.parametrize(
    ("said", "pushback"),
    [
        ("0", "0"),
        ("7", "7000"),
        ("9" * 40, "never"),
        ("-1", "never"),
        ("soon", "never"),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "12000"),
        ("Wed, 21 Oct 2015 07:27:00 GMT", "0"),
    ],
)
def test_when_to_ask_again_in_seconds_or_as_a_date(said: str, pushback: str) -> None:
    transport = BalancedTransport([], transport=Served(), wall_s=lambda: 1_445_412_468.0)
    response = httpx.Response(503, headers={"Retry-After": said})
    assert transport.pushback(response) == pushback
    assert transport.pushback(httpx.Response(503)) is None


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (httpx.ConnectError(""), Failure.NOT_SENT),
        (httpx.ConnectTimeout(""), Failure.NOT_SENT),
        (httpx.PoolTimeout(""), Failure.NOT_SENT),
        (httpx.ReadTimeout(""), Failure.TIMED_OUT),
        (httpx.WriteTimeout(""), Failure.TIMED_OUT),
        (httpx.ReadError(""), Failure.UNAVAILABLE),
        (httpx.WriteError(""), Failure.UNAVAILABLE),
        (httpx.CloseError(""), Failure.UNAVAILABLE),
        (httpx.RemoteProtocolError("nonsense"), Failure.UNAVAILABLE),
        (httpx.ProxyError(""), Failure.UNAVAILABLE),
        (httpx.LocalProtocolError(""), Failure.FATAL),
        (httpx.UnsupportedProtocol(""), Failure.FATAL),
    ],
)
def test_what_an_error_says_of_whether_it_was_executed(error: httpx.TransportError, failure: Failure) -> None:
    assert failure_of(error) is failure


def test_where_a_request_goes() -> None:
    served = Served(httpx.ConnectError("refused"), httpx.Response(200))
    assert asked(served, endpoints=["http://10.0.0.1:80", Endpoint("b")]).status_code == 200
    first, second = served.sent
    assert (str(first.url), str(second.url)) == ("http://10.0.0.1/7?x=1", "https://b/7?x=1")
    assert {r.headers["Host"] for r in served.sent} == {"orders"}
    assert second.extensions["sni_hostname"] == "orders"


def test_a_body_that_can_be_read_once_is_sent_once() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"once"

    served = Served(httpx.ReadError("broken off"))
    error = asked(served, "PUT", content=body())
    assert isinstance(error, httpx.ReadError)
    assert len(served.sent) == 1
    served = Served(httpx.Response(429), httpx.Response(200))
    assert asked(served, "PUT", content=body()).status_code == 429


def test_an_answer_that_breaks_off_while_it_is_read_is_a_failure_unless_it_is_the_callers() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise httpx.ReadError("broken off")

    served = Served(httpx.Response(200, content=broken()), httpx.Response(200, content=b"whole"))
    assert asked(served).text == "whole"
    served = Served(httpx.Response(200, content=broken()))
    assert isinstance(asked(served, policies={"buffer": False}), httpx.ReadError)


@pytest.mark.parametrize(
    "name", ["", "a b", "x/y", "ftp://a", "http://u:p@a", "a:99999", "a:0", "a?x=1", "http://"]
)
def test_what_is_no_address_is_refused_and_all_is_as_before(name: str) -> None:
    transport = BalancedTransport(["a:1"], transport=Served())
    with pytest.raises(EndpointError, match=r"^endpoint|^an endpoint needs a name"):
        transport.update(["b:1", name])
    assert [e.name for e in transport.client.endpoints] == ["a:1"]


def test_no_endpoint_is_no_connection() -> None:
    error = asked(Served(), endpoints=[])
    assert (type(error), str(error)) == (httpx.ConnectError, "there are no endpoints")


@pytest.mark.parametrize("deadline", [0, -1, float("nan"), float("inf"), "soon", True])
def test_a_deadline_that_is_none(deadline: object) -> None:
    with pytest.raises(ServiceError, match=r"^a deadline is 1 ms or more, not "):
        asked(Served(), extensions={"deadline_ms": deadline})
