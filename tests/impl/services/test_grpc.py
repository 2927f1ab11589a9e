"""The channel and the interceptor for grpc.aio, with real servers that are killed, paused and slow: nothing is applied twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest

from ratified.impl.services.balancing import RoundRobin
from ratified.impl.services.balancing.base import lowest
from ratified.impl.services.budgets import Throttle
from ratified.impl.services.endpoints import EndpointError, ServiceError
from ratified.impl.services.events import Answered, Cancelled, Event, Failed, GaveUp, Hedged, Picked, Waiting
from ratified.impl.services.grpc import OPTIONS, BalancedChannel, RetryInterceptor
from ratified.impl.services.hedging import Hedge
from ratified.impl.services.retry import Failure, RetryPolicy
from tests.impl.services.lab import READ, WATCH, WRITE, Lab, nonsense

T = TypeVar("T")

PATIENCE_S = 60.0
"""A timeout that only a machine that stands still would miss."""


class Client:
    """A channel to the servers a, b and c, which are asked in that order, and what its policies told."""

    def __init__(self, addresses: dict[str, str], **policies: Any) -> None:
        self.events: list[Event] = []
        self._names = {address: name for name, address in addresses.items()}
        given = {"balancer": RoundRobin(), "budget": Throttle(1000), "draw": lowest, **policies}
        given = {"idempotent": [READ], "connect_timeout_s": PATIENCE_S, **given}
        self._more = asyncio.Event()
        self.channel = BalancedChannel(addresses.values(), watch=self._watch, **given)

    def _watch(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    async def told(self, wanted: Callable[[Event], bool]) -> None:
        """Wait until such an event was told."""
        while not any(map(wanted, self.events)):
            self._more.clear()
            await self._more.wait()

    def call(self, method: str, request: str, *, faults: str = "", key: str = "", **how: Any) -> Any:
        metadata = [("x-lab", faults), *([("idempotency-key", key)] if key else [])]
        call = self.channel.unary_unary(method, str.encode, bytes.decode)
        return call(request, metadata=metadata, timeout=how.pop("timeout", PATIENCE_S), **how)

    def failures(self, name: str) -> list[Failure]:
        """How attempts at a server failed."""
        return [e.failure for e in self.events if isinstance(e, Failed) and self._names[e.endpoint] == name]

    @property
    def picks(self) -> str:
        """Who was asked, in order."""
        return "".join(self._names[e.endpoint] for e in self.events if isinstance(e, Picked))


def with_servers(
    folder: Path, test: Callable[[Lab, Callable[..., Client]], Awaitable[T]], names: str = "ab"
) -> T:
    """Run a test that is given servers, and what makes clients of them."""

    async def run() -> T:
        clients: list[Client] = []

        def client(**policies: Any) -> Client:
            clients.append(Client(lab.addresses, **policies))
            return clients[-1]

        async with Lab("grpc", folder, names) as lab:
            try:
                return await test(lab, client)
            finally:
                for each in clients:
                    await each.channel.close()

    return asyncio.run(run())


def test_a_killed_server_has_executed_nothing_so_that_any_call_goes_to_another(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        await lab.servers["a"].kill()
        one = client()
        answer = await one.call(WRITE, "w1")
        assert answer.split() == ["b", "some", "1"]  # it is told of the attempt before
        assert (one.failures("a"), one.picks) == ([Failure.NOT_SENT], "ab")
        assert lab.applied() == {"w1": 1}

    with_servers(tmp_path, test)


def test_a_write_whose_server_died_before_it_answered(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client()
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await one.call(WRITE, "w1", faults="a=die-after")
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE
        assert error.value.__notes__ == [
            "not tried again: it may have been executed, and must not be twice (attempts: 1)"
        ]
        assert (one.failures("a"), one.picks) == ([Failure.UNAVAILABLE], "a")
        await lab.servers["a"].start()
        other = client()
        assert (await other.call(WRITE, "w2", key="k2", faults="a=die-after")).split()[0] == "b"
        assert other.failures("a") == [Failure.UNAVAILABLE]
        assert lab.applied() == {"w1": 1, "w2": 1}

    with_servers(tmp_path, test)


def test_the_ledger_shows_a_write_that_is_sent_twice(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        await client(idempotent=[WRITE]).call(WRITE, "w1", faults="a=die-after")
        assert lab.applied() == {"w1": 2}

    with_servers(tmp_path, test)


def test_a_paused_server_is_given_up_for_another_where_that_is_safe(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        clients = [client(attempt_timeout_ms=1_500) for _ in range(3)]
        for one in clients:  # so that there are connections
            await asyncio.gather(
                *(one.channel.channel_to(e).channel_ready() for e in one.channel.client.endpoints)
            )
        await lab.servers["a"].pause()
        read, keyed, bare = clients
        done = await asyncio.gather(
            read.call(READ, "r1"),
            keyed.call(WRITE, "w1", key="k1"),
            bare.call(WRITE, "w2"),
            return_exceptions=True,
        )
        assert {str(answer).split()[0] for answer in done[:2]} <= {"b", "c"}
        assert isinstance(done[2], grpc.aio.AioRpcError)
        assert done[2].code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert [c.failures("a") for c in clients] == [[Failure.TIMED_OUT]] * 3
        assert (bare.picks, lab.applied()["w1"]) == ("a", 1)
        await lab.servers["a"].resume()
        await client().call(READ, "r2")
        assert (lab.applied()["w1"], lab.applied()["w2"] <= 1) == (1, True)

    with_servers(tmp_path, test, "abc")


def test_a_slow_read_is_hedged_and_a_write_is_not(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client(hedge=partial(Hedge, 20, 2))
        assert (await one.call(READ, "r1", faults="a=hold")).split()[0] == "b"
        assert one.picks == "ab"
        assert {type(e) for e in one.events} == {Picked, Hedged, Cancelled, Answered}
        await lab.servers["a"].slow()
        other = client(hedge=partial(Hedge, 20, 2))
        assert (await other.call(WRITE, "w1")).split()[0] == "a"
        assert (other.picks, other.failures("a"), lab.applied()) == ("a", [], {"w1": 1})

    with_servers(tmp_path, test)


def test_pushback_is_obeyed_and_what_is_negative_or_garbage_means_never(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client()
        assert (await one.call(WRITE, "w1", faults="a=busy:3")).split()[0] == "b"
        assert Waiting(1, 2, 3, "the server asked for it") in one.events
        for said in ("-1", "soon", "31536000000"):
            other = client()
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await other.call(WRITE, "w2", faults=f"a=busy:{said}")
            assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert other.events[-1] == GaveUp(1, 1, "the server asks not to be asked again")
        assert lab.applied() == {"w1": 1}

    with_servers(tmp_path, test)


def test_other_codes_are_the_callers_and_a_call_is_what_callers_expect(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client()
        call = one.call(READ, "r1", faults="a=fails b=fails")
        assert (await call.code(), await call.details()) == (grpc.StatusCode.INTERNAL, "it fails")
        call = one.call(READ, "r2", timeout=None)
        assert (await call).split()[:2] == ["b", "-"]
        assert (await call.code(), call.done()) == (grpc.StatusCode.OK, True)
        call = one.call(READ, "r3", faults="a=hold")
        assert call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(ServiceError, match=r"^a timeout is a millisecond or more, not 0 s$"):
            await one.call(READ, "r4", timeout=0)

    with_servers(tmp_path, test)


@pytest.mark.parametrize(
    ("faults", "killed", "failure"),
    [("a=busy:0", (), Failure.OVERLOADED), ("", ("a",), Failure.NOT_SENT)],
    ids=["busy", "killed"],
)
def test_a_stream_is_tried_again_until_its_first_answer_is_there(
    faults: str, killed: Sequence[str], failure: Failure, tmp_path: Path
) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        for (
            name
        ) in killed:  # before anything is connected to it, on which a request might be sent while it dies
            await lab.servers[name].kill()
        one = client()
        stream = one.channel.unary_stream(WATCH)(b"", timeout=PATIENCE_S, metadata=[("x-lab", faults)])
        assert [part.split()[0] async for part in stream] == [b"b", b"b", b"b"]
        assert (one.picks, one.failures("a")) == ("ab", [failure])
        assert await stream.code() is grpc.StatusCode.OK
        await one.told(lambda event: isinstance(event, Answered))

    with_servers(tmp_path, test)


def test_a_stream_that_was_answered_stays_where_it_is(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client(idempotent=[READ, WATCH])
        stream = one.channel.unary_stream(WATCH)(
            b"", timeout=PATIENCE_S, metadata=[("x-lab", "a=hold-after")]
        )
        assert (await stream.read()).split()[0] == b"a"
        assert not any(isinstance(event, Answered) for event in one.events)
        await lab.servers["a"].kill()
        with pytest.raises(grpc.aio.AioRpcError) as broken:
            await stream.read()
        assert broken.value.code() is grpc.StatusCode.UNAVAILABLE
        await one.told(lambda event: isinstance(event, Failed))
        assert (one.picks, one.failures("a")) == ("a", [Failure.UNAVAILABLE])

    with_servers(tmp_path, test)


def test_a_stream_that_may_have_been_executed_is_not_tried_again(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client()
        failing = one.channel.unary_stream(WATCH)(b"", metadata=[("x-lab", "a=fails")])
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            [part async for part in failing]
        assert refused.value.__notes__ == ["not tried again: it would fail again (attempts: 1)"]
        assert one.picks == "a"

    with_servers(tmp_path, test)


def test_a_stream_that_is_cancelled_ends_its_attempt(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client(idempotent=[WATCH])
        stream = one.channel.unary_stream(WATCH)(b"", metadata=[("x-lab", "a=hold-after")])
        assert (await stream.read()).split()[0] == b"a"
        stream.cancel()
        await one.told(lambda event: isinstance(event, Cancelled))

    with_servers(tmp_path, test)


def test_a_server_that_speaks_something_else_is_none(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        async with nonsense() as address:
            one = Client({"x": address, **lab.addresses}, connect_timeout_s=1.0)
            assert (await one.call(WRITE, "w1")).split()[0] == "a"
            assert (one.failures("x"), one.picks) == ([Failure.NOT_SENT], "xa")
            await one.channel.close()
        assert lab.applied() == {"w1": 1}

    with_servers(tmp_path, test, "a")


def test_endpoints_come_and_go(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        one = client()
        a, b = lab.addresses["a"], lab.addresses["b"]
        await one.channel.channel_ready()
        assert one.channel.get_state() is grpc.ChannelConnectivity.READY
        one.channel.update([b])
        assert [(await one.call(READ, "r")).split()[0] for _ in range(2)] == ["b", "b"]
        with pytest.raises(EndpointError, match=r" is there twice$"):
            one.channel.update([a, a])
        one.channel.update([])
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await one.call(READ, "r")
        assert (error.value.code(), error.value.details()) == (
            grpc.StatusCode.UNAVAILABLE,
            "there are no endpoints",
        )

    with_servers(tmp_path, test)


def test_an_interceptor_retries_on_a_channel_of_ones_own(tmp_path: Path) -> None:
    async def test(lab: Lab, client: Callable[..., Client]) -> None:
        events: list[Event] = []
        a = lab.servers["a"]

        async def restarted(_: int) -> None:
            if a.process.returncode is None:
                await a.kill()
            await a.start()
            await channel.channel_ready()

        interceptor = RetryInterceptor(
            retry=RetryPolicy(5), wait=restarted, budget=Throttle(1000), draw=lowest, watch=events.append
        )
        channel = grpc.aio.insecure_channel(lab.addresses["a"], OPTIONS, interceptors=[interceptor])
        async with channel:
            write: Any = channel.unary_unary(WRITE)
            dies = ("x-lab", "a=die-after")
            answer = await write(b"w1", timeout=PATIENCE_S, metadata=[dies, ("idempotency-key", "k1")])
            assert answer.split()[0] == b"a"
            assert {e.failure for e in events if isinstance(e, Failed)} == {Failure.UNAVAILABLE}
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await write(b"w2", timeout=PATIENCE_S, metadata=[dies])
            assert error.value.code() is grpc.StatusCode.UNAVAILABLE
            assert events[-1] == GaveUp(2, 1, "it may have been executed, and must not be twice")
        assert lab.applied() == {"w1": 1, "w2": 1}

    with_servers(tmp_path, test, "a")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"idempotent": ["orders.Orders/Get"]},
            r"^'orders\.Orders/Get' is not the full name of a method; write /",
        ),
        (
            {"idempotent": ["Get"]},
            r"^'Get' is not the full name of a method; write /package\.Service/Method$",
        ),
        ({"connect_timeout_s": 0}, r"^a connection has more than 0 s to be made, not 0$"),
        ({"connect_timeout_s": float("nan")}, r"^a connection has more than 0 s to be made, not nan$"),
        ({"attempt_timeout_ms": 0}, r"^an attempt may take 1 ms or more, not 0$"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    async def make() -> None:
        BalancedChannel([], **given)

    with pytest.raises(ServiceError, match=message):
        asyncio.run(make())
