"""For grpc.aio, by a client over the policies: a channel to all endpoints of a service; an interceptor for any channel.

    async with BalancedChannel(["10.0.0.1:50051", "10.0.0.2:50051"], balancer=TwoChoices()) as channel:
        stub = OrdersStub(channel)
        await stub.Place(order, timeout=2, metadata=[("idempotency-key", "7")])

    grpc.aio.insecure_channel("dns:///orders", interceptors=[RetryInterceptor(retry=RetryPolicy(3))])

Guarantees: a call that may have been executed is sent again only if its method is among `idempotent`, or it has metadata that
`repeatable` names; the server's `grpc-retry-pushback-ms` is obeyed (proposal A6), and `grpc-previous-rpc-attempts` tells it of
the attempts before; the timeout is that of all attempts, and what is left of it goes with each. The channels that are made here
do not retry by themselves: two layers of three attempts would be nine.

A stream of answers to one request is tried again, by BalancedChannel, as long as no answer has arrived (as gRPC itself does it);
from the first one on it stays where it is, and how it ends is told to health and balancing.

Known limits: a stream of requests goes to one endpoint, and is not tried again: what was sent of it is not kept. An interceptor
is for calls of one request and one answer, and does not see whether its channel is connected, so that to it a call that failed
may have been executed; BalancedChannel connects first.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ratified.impl.services.client import Attempt, CallError, Client, RequestError
from ratified.impl.services.endpoints import Endpoint, NoEndpointError, ServiceError
from ratified.impl.services.extras import missing
from ratified.impl.services.retry import Failure

try:
    import grpc
    from grpc.aio import AioRpcError, Metadata
    from grpc.aio._interceptor import (
        UnaryStreamCallResponseIterator,
    )  # what an interceptor is to return, by its own types
except ModuleNotFoundError as error:
    raise missing("grpc", "grpcio", "grpc", error) from None

CODES: Mapping[grpc.StatusCode, Failure] = {
    grpc.StatusCode.UNAVAILABLE: Failure.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Failure.OVERLOADED,
    grpc.StatusCode.DEADLINE_EXCEEDED: Failure.TIMED_OUT,
}
"""Codes after which another attempt may do better. All others are the caller's."""

BLAMED = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS})
"""Codes that tell against the endpoint, although another attempt would not do better."""

PUSHBACK = "grpc-retry-pushback-ms"
PREVIOUS = "grpc-previous-rpc-attempts"

OPTIONS = (
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),  # which is how long a connection may take to be made
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
"""Of the channels that are made here: no retries of their own, and an endpoint that is back is found soon."""


@dataclass(slots=True)
class _Rpc:
    """A call of one request: `start` begins an attempt at an endpoint."""

    start: Callable[[Endpoint, float | None, Metadata], Awaitable[Any]]
    metadata: Metadata
    sent: int = 0
    first: bool = False  # it is answered by a stream, of which the first answer is waited for


class _Interceptor(grpc.aio.UnaryUnaryClientInterceptor):
    """What channel and interceptor have in common."""

    def __init__(
        self, idempotent: Collection[str], repeatable: Collection[str], policies: Mapping[str, Any]
    ) -> None:
        for method in idempotent:
            if not re.fullmatch(r"/[^/]+/[^/]+", method):
                raise ServiceError(
                    f"{method!r} is not the full name of a method; write /package.Service/Method"
                )
        self._idempotent = frozenset(idempotent)
        self._repeatable = tuple(name.lower() for name in repeatable)
        self.client: Client[_Rpc, Any] = Client(_send, **policies)

    def is_repeated(self, method: str, metadata: Metadata) -> bool:
        """Whether a call may be executed twice."""
        return method in self._idempotent or any(metadata.get(name) for name in self._repeatable)

    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Awaitable[Any]],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Make a call. Raises AioRpcError; a note says why it was not tried again."""
        details = client_call_details
        metadata = Metadata(*(details.metadata or ()))

        async def start(endpoint: Endpoint, timeout: float | None, sent: Metadata) -> Any:
            with_these = grpc.aio.ClientCallDetails(
                details.method, timeout, sent, details.credentials, details.wait_for_ready
            )
            return await self.start(endpoint, continuation, with_these, request)

        asked = self.client.request(
            _Rpc(start, metadata),
            key=_key(metadata),
            idempotent=self.is_repeated(_text(details.method), metadata),
            deadline_ms=_deadline_ms(details.timeout),
        )
        return await _in_words(asked)

    async def start(
        self,
        endpoint: Endpoint,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Awaitable[Any]],
        details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Begin an attempt at an endpoint."""
        raise NotImplementedError


class RetryInterceptor(_Interceptor):
    """Retries, hedging, budget and circuit breaker for the calls of one channel; the further arguments are those of Client.

    `idempotent` are the full names of methods that may be executed twice: `/orders.Orders/Get`.
    """

    def __init__(
        self,
        *,
        name: str = "channel",
        idempotent: Collection[str] = (),
        repeatable: Collection[str] = ("idempotency-key",),
        **policies: Any,
    ) -> None:
        super().__init__(idempotent, repeatable, policies)
        self.client.update([Endpoint(name)])

    async def start(
        self,
        endpoint: Endpoint,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Awaitable[Any]],
        details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Begin an attempt at whatever the channel leads to."""
        return await continuation(details, request)


class _Balancing(_Interceptor):
    """Sends calls to the channels of endpoints."""

    def __init__(self, owner: BalancedChannel, *given: Any) -> None:
        super().__init__(*given)
        self._owner = owner

    async def start(
        self,
        endpoint: Endpoint,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Awaitable[Any]],
        details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Begin an attempt at an endpoint, once there is a connection: before that, it is sure that nothing was executed."""
        channel = self._owner.channel_to(endpoint)
        await _connected(channel, endpoint, self._owner.connect_timeout_s)
        method = _text(details.method)
        call = channel.unary_unary(method, *self._owner.codecs[method])
        return call(
            request,
            timeout=details.timeout,
            metadata=details.metadata,
            credentials=details.credentials,
            wait_for_ready=details.wait_for_ready,
        )


class _Streams(grpc.aio.UnaryStreamClientInterceptor):
    """Sends calls that are answered by streams to the channels of endpoints. An attempt lasts until the first answer is there."""

    def __init__(self, balancing: _Balancing, owner: BalancedChannel) -> None:
        self._balancing, self._owner = balancing, owner

    async def intercept_unary_stream(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Awaitable[Any]],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Make a call. Raises AioRpcError; a note says why it was not tried again."""
        details, client, loop = client_call_details, self._owner.client, asyncio.get_running_loop()
        metadata, method = Metadata(*(details.metadata or ())), _text(details.method)
        until = None if details.timeout is None else loop.time() + details.timeout

        async def start(endpoint: Endpoint, _: float | None, sent: Metadata) -> Any:
            # What an attempt may take is until its first answer; the stream itself may take all that is left.
            channel = self._owner.channel_to(endpoint)
            await _connected(channel, endpoint, self._owner.connect_timeout_s)
            return channel.unary_stream(method, *self._owner.codecs[method])(
                request,
                timeout=None if until is None else max(0.001, until - loop.time()),
                metadata=sent,
                credentials=details.credentials,
                wait_for_ready=details.wait_for_ready,
            )

        rpc = _Rpc(start, metadata, first=True)
        opened = client.open(
            rpc,
            key=_key(metadata),
            idempotent=self._balancing.is_repeated(method, metadata),
            deadline_ms=_deadline_ms(details.timeout),
        )
        (call, first), attempt = await _in_words(opened)
        call.add_done_callback(lambda ended: asyncio.ensure_future(self._owner.ended(attempt, ended)))
        return UnaryStreamCallResponseIterator(call, _from(first, call))


async def _from(first: Any, call: Any) -> AsyncIterator[Any]:
    """What a stream is answered with, of which the first answer was read."""
    answer = first
    while answer is not grpc.aio.EOF:
        yield answer
        answer = await call.read()


class BalancedChannel(grpc.aio.Channel):
    """A channel to all endpoints (`host:port`) of a service; the further arguments are those of Client.

    `connect` makes the channel to one endpoint, by default one without TLS; it has `connect_timeout_s` to be connected before the
    next one is tried. To be made where a loop runs, as channels are.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint | str],
        *,
        connect: Callable[[str], grpc.aio.Channel] = lambda target: grpc.aio.insecure_channel(
            target, OPTIONS
        ),
        connect_timeout_s: float = 1.0,
        idempotent: Collection[str] = (),
        repeatable: Collection[str] = ("idempotency-key",),
        **policies: Any,
    ) -> None:
        if not 0 < connect_timeout_s < float("inf"):
            raise ServiceError(f"a connection has more than 0 s to be made, not {connect_timeout_s}")
        self._connect = connect
        self.connect_timeout_s = connect_timeout_s
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.codecs: dict[str, tuple[Any, Any]] = {}
        balancing = _Balancing(self, idempotent, repeatable, policies)
        self.client = balancing.client
        # Gives calls what callers expect of one, and never connects to anything: its interceptor asks the endpoints' channels.
        self._front = grpc.aio.insecure_channel(
            "ipv4:127.0.0.1:1", interceptors=[balancing, _Streams(balancing, self)]
        )
        self.update(endpoints)

    def update(self, endpoints: Iterable[Endpoint | str], *, grace_s: float = 30.0) -> None:
        """Have these endpoints from now on; calls at those that went have some time to end. Raises EndpointError."""
        self.client.update([Endpoint(e) if isinstance(e, str) else e for e in endpoints])
        for name in self._channels.keys() - {e.name for e in self.client.endpoints}:
            task = asyncio.ensure_future(self._channels.pop(name).close(grace_s))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def channel_to(self, endpoint: Endpoint) -> grpc.aio.Channel:
        """The channel to one endpoint."""
        if endpoint.name not in self._channels:
            self._channels[endpoint.name] = self._connect(endpoint.name)
        return self._channels[endpoint.name]

    def unary_unary(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool = False,
    ) -> Any:
        """A method of one request and one answer, by all the policies."""
        self.codecs[method] = request_serializer, response_deserializer
        return self._front.unary_unary(method, request_serializer, response_deserializer)

    def unary_stream(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool = False,
    ) -> Any:
        """A method whose answer is a stream, by all the policies but hedging: tried again until the first answer is there."""
        self.codecs[method] = request_serializer, response_deserializer
        return self._front.unary_stream(method, request_serializer, response_deserializer)

    def stream_unary(self, method: str, *codecs: Any, **more: Any) -> Any:
        """A method whose request is a stream: by balancing and ejection."""
        return self._streaming("stream_unary", method, codecs, more)

    def stream_stream(self, method: str, *codecs: Any, **more: Any) -> Any:
        """A method of streams: by balancing and ejection."""
        return self._streaming("stream_stream", method, codecs, more)

    def _streaming(self, kind: str, method: str, codecs: tuple[Any, ...], more: dict[str, Any]) -> Any:
        """What begins streams, each at an endpoint that is picked then."""
        more.pop("_registered_method", None)

        def call(*given: Any, **how: Any) -> Any:
            key = _key(Metadata(*(how.get("metadata") or ())))
            down = [
                name
                for name, channel in self._channels.items()
                if channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.TRANSIENT_FAILURE
            ]
            attempt = self.client.begin(key=key, rather_not=dict.fromkeys(down, "not connected"))
            stream = getattr(self.channel_to(attempt.endpoint), kind)(method, *codecs, **more)(*given, **how)
            stream.add_done_callback(lambda ended: asyncio.ensure_future(self.ended(attempt, ended)))
            return stream

        return call

    async def ended(self, attempt: Attempt, stream: Any) -> None:
        """A stream has ended."""
        code = await stream.code()
        if code is grpc.StatusCode.CANCELLED:
            self.client.cancelled(attempt)
        else:
            self.client.ended(attempt, None if code is grpc.StatusCode.OK else _failed(code, code.name, None))

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """READY if any endpoint is; else what the first is."""
        states = [self.channel_to(e).get_state(try_to_connect) for e in self.client.endpoints]
        if grpc.ChannelConnectivity.READY in states:
            return grpc.ChannelConnectivity.READY
        return states[0] if states else grpc.ChannelConnectivity.TRANSIENT_FAILURE

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the state of all together is another."""
        while self.get_state() is last_observed_state:
            channels = [self.channel_to(e) for e in self.client.endpoints]
            if not channels:
                raise NoEndpointError("there are no endpoints")
            changes = [asyncio.ensure_future(c.wait_for_state_change(c.get_state())) for c in channels]
            await asyncio.wait(changes, return_when=asyncio.FIRST_COMPLETED)
            for change in changes:
                change.cancel()
            await asyncio.gather(*changes, return_exceptions=True)

    async def channel_ready(self) -> None:
        """Wait until an endpoint is connected."""
        while (state := self.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.READY:
            await self.wait_for_state_change(state)

    async def close(self, grace: float | None = None) -> None:
        """Close the channels to all endpoints."""
        channels, self._channels = [*self._channels.values(), self._front], {}
        await asyncio.gather(*(channel.close(grace) for channel in channels), *self._closing)

    async def __aenter__(self) -> BalancedChannel:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def _send(endpoint: Endpoint, rpc: _Rpc, timeout_ms: int | None) -> Any:
    """One attempt: the call, once it has ended well; of a stream the call and its first answer, once that is there."""
    metadata = Metadata(*rpc.metadata)
    if rpc.sent:
        metadata.add(PREVIOUS, str(rpc.sent))
    rpc.sent += 1
    call = await rpc.start(endpoint, None if timeout_ms is None else timeout_ms / 1000, metadata)
    try:
        answer = await call.read() if rpc.first else await call
    except AioRpcError as error:
        told = (error.trailing_metadata() or Metadata()).get(PUSHBACK)
        pushback = told.decode(errors="replace") if isinstance(told, bytes) else told
        raise _failed(error.code(), f"{error.code().name}: {error.details()}", pushback) from error
    return (call, answer) if rpc.first else call


async def _in_words(asked: Awaitable[Any]) -> Any:
    """What came of a request, or the error that a caller of gRPC expects."""
    try:
        return await asked
    except NoEndpointError as error:
        raise AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), Metadata(), str(error)) from None
    except RequestError as error:
        failed = error
    raise _told(failed)  # here, so that it keeps its own cause


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


async def _connected(channel: grpc.aio.Channel, endpoint: Endpoint, timeout_s: float) -> None:
    """Wait for a connection. Raises CallError if there is none to be had."""
    try:
        async with asyncio.timeout(timeout_s):
            while (state := channel.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.READY:
                if state in (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN):
                    raise CallError(Failure.NOT_SENT, f"no connection to {endpoint.name}")
                await channel.wait_for_state_change(state)
    except TimeoutError:
        message = f"no connection to {endpoint.name} within {timeout_s} s"
        raise CallError(Failure.NOT_SENT, message) from None


def _failed(code: grpc.StatusCode, message: str, pushback: str | None) -> CallError:
    failure = CODES.get(code, Failure.FATAL)
    blames = True if code in BLAMED else None
    return CallError(failure, message, pushback, blames=blames)


def _key(metadata: Metadata) -> bytes:
    """What a call is about, for policies that balance by key: the metadata `key`, else nothing."""
    key = metadata.get("key", "")
    return key if isinstance(key, bytes) else str(key).encode()


def _deadline_ms(timeout_s: float | None) -> int | None:
    if timeout_s is not None and not 0.001 <= timeout_s < float("inf"):
        raise ServiceError(f"a timeout is a millisecond or more, not {timeout_s} s")
    return None if timeout_s is None else int(timeout_s * 1000)


def _told(error: RequestError) -> AioRpcError:
    """The error that a caller of gRPC expects, with why it was not tried again as a note."""
    cause = error.__cause__
    inner = cause.__cause__ if cause is not None else None
    if not isinstance(inner, AioRpcError):
        late = isinstance(cause, CallError) and cause.failure is Failure.TIMED_OUT
        code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.UNAVAILABLE
        inner = AioRpcError(code, Metadata(), Metadata(), str(cause or error))
    inner.add_note(f"not tried again: {error}")
    return inner
