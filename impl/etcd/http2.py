"""gRPC served in the event loop of a node: nghttp2 has frames, headers and windows, this file has calls.

grpcio's server does its work in threads of its own, and a call passes between them and the loop some five times; here a call is
read, begun, answered and written in the loop, at a tenth of the processor time.

Guarantees: a method is called with a whole message, of at most so many bytes; what its caller has given up is cancelled; one who
does not read what it is told is not read from, and a stream of answers waits for it; of requests that wait to be taken, a stream
holds no more than its window; what is held for one connection, and for all, is bounded, and a call beyond that is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, Final, cast

import ngh2
from google.protobuf.message import Message
from grpc import StatusCode

from ratified.impl.etcd.calls import NAME, Served
from ratified.impl.etcd.errors import Fault
from ratified.impl.etcd.framing import BEGIN, DONE, Messages, failed, framed, metadata, seconds
from ratified.impl.runtime import accepting
from ratified.impl.runtime.accepting import Refusals
from ratified.impl.runtime.asking import settle
from ratified.impl.runtime.links import address_of

HEADERS: Final = 1 << 14
"""Bytes of a call's headers; grpcio's limit."""

CONFIGURATION: Final = ngh2.Configuration(
    auto_window_update=False,
    # Callers cancel calls, at their deadlines all at once: a thousand in a burst are not an attack yet.
    stream_reset_rate_limit=(10_000, 500),
    max_inbound_header_list_size=HEADERS,
)
STREAMS: Final = 4_096
"""Calls at a time on one connection."""

WINDOW: Final = 1 << 18
WINDOWS: Final = 1 << 22
"""Bytes that one call, and all calls of a connection, may send ahead of being taken."""

SETTINGS: Final = {
    ngh2.Setting.MAX_CONCURRENT_STREAMS: STREAMS,
    ngh2.Setting.INITIAL_WINDOW_SIZE: WINDOW,
    ngh2.Setting.MAX_HEADER_LIST_SIZE: HEADERS,
}

BEGUN_MOST: Final = 1 << 26
"""Bytes of messages without an end, on one connection."""

HELD_MOST: Final = 1 << 28
"""Bytes of these, and of answers that wait for the caller to make room, on one connection."""

ALL_HELD_MOST: Final = 1 << 30
SHARE: Final = 1 << 20
"""If there are so many of all connections, each may still have its share."""

CONNECTIONS: Final = 4_096
"""Beyond these another connection is closed at once."""

WRITTEN: Final = 1 << 18
"""Bytes that are handed to the transport at once: it says then whether it can take more."""

QUEUED: Final = 1 << 16
"""Bytes of a stream's answers that wait for its caller before the stream does."""

GREETING_SECONDS: Final = 20.0
"""How soon a connection must be one of HTTP/2."""

_log = logging.getLogger(__name__)

Find = Callable[[str], Served]
"""Finds a method by its path. Raises Fault: there is none."""


class Http2:
    """Listens, and serves the methods that `find` finds; messages have at most so many bytes."""

    def __init__(self, find: Find, most_bytes: int, refusals: Refusals | None = None) -> None:
        self.find = find
        self.refusals = refusals or Refusals(None)
        self.most_bytes = most_bytes
        self.connections: set[_Connection] = set()
        self.held = 0  # bytes that wait, of all connections
        self._server: accepting.Listening | None = None

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None, reuse_port: bool) -> int:
        """Begin to listen; the port. Raises OSError: the address is not available."""
        self._server = await accepting.listen(
            lambda: _Connection(self, tls is not None), host, port, tls, self.refusals, reuse_port=reuse_port
        )
        return self._server.port

    async def close(self, grace_s: float) -> None:
        """Take no more calls; answer those that are on the way, for so long at most."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self.connections):
            connection.go_away()
        tasks = [call.task for each in self.connections for call in each.calls.values() if call.task]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        for connection in tuple(self.connections):
            connection.end()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Call:
    """A call: the context that its method is given, and what is known of it."""

    def __init__(
        self, connection: _Connection, number: int, served: Served, headers: Mapping[bytes, bytes]
    ) -> None:
        self.number = number
        self.served = served
        self.task: asyncio.Task[None] | None = None
        self.deadline: asyncio.TimerHandle | None = None
        self.begun = False  # whether something was answered
        self.asked = False  # whether all was asked
        self.messages = Messages(connection.server.most_bytes, headers.get(b"grpc-encoding", b"identity"))
        self.whole: deque[bytes] = deque()  # messages that were not taken
        self.untaken = 0  # the bytes that they came in
        self.beginning = 0  # bytes of a message without an end
        self._connection = connection
        self._headers = headers
        self._news: asyncio.Future[None] | None = None

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """What the caller says beside its request."""
        return metadata(self._headers.items())

    def auth_context(self) -> Mapping[str, tuple[bytes, ...]]:
        """Who calls, by its certificate."""
        return self._connection.caller

    def wake(self) -> None:
        """There is a message, or there will be none."""
        if self._news is not None:
            settle(self._news, None)

    async def requests(self) -> AsyncIterator[Message]:
        """Give requests as they come. Raises Fault."""
        while True:
            while self.whole:
                message = self.whole.popleft()
                if not self.whole:
                    self._connection.take(self)
                    self._connection.flush()
                yield self.served.parsed(message)
            if self.asked:
                return
            self._news = asyncio.get_running_loop().create_future()
            await self._news


class _Connection(asyncio.Protocol):
    """A connection of a client."""

    def __init__(self, server: Http2, tls: bool) -> None:
        self.server = server
        self.calls: dict[int, _Call] = {}
        self.caller: Mapping[str, tuple[bytes, ...]] = {}
        self._tls = tls
        self._http2 = ngh2.Connection(ngh2.Role.SERVER, CONFIGURATION)
        self._transport: asyncio.Transport | None = None
        self._may_write = True
        self._going = False
        self._blocked: list[asyncio.Future[None]] = []  # streams of answers that wait for their caller
        self._begun = 0  # bytes of messages without an end
        self._held = 0  # these, and of answers that wait
        self._greeting: asyncio.TimerHandle | None = None

    # As a transport has it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if len(self.server.connections) >= CONNECTIONS:
            return self._refuse(f"there are {CONNECTIONS:,} connections")
        self.server.connections.add(self)
        if self._tls:
            made = transport.get_extra_info("ssl_object")
            if made is None or made.selected_alpn_protocol() != "h2":
                return self._refuse("it does not want HTTP/2 (ALPN h2)")
            self.caller = {NAME: tuple(_names(transport.get_extra_info("peercert") or {}))}
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._greeting = asyncio.get_running_loop().call_later(GREETING_SECONDS, self.end)
        self._http2.initiate_connection(SETTINGS)
        self._http2.set_local_window_size(WINDOWS)
        self.flush()
        return None

    def _refuse(self, why: str) -> None:
        self.server.refusals.tell(address_of(self._transport), why)
        self.end()

    def data_received(self, data: bytes) -> None:
        try:
            self._http2.receive_data(data)
            self._handle()
            self.flush()
        except ngh2.NGH2Error:
            self.end()
        except Exception:  # noqa: BLE001 - whatever a client sends, no more than its connection ends
            _log.exception("a connection failed")
            self.end()

    def pause_writing(self) -> None:
        self._may_write = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._may_write = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio has it
        self._transport = None
        self.server.connections.discard(self)
        if self._greeting is not None:
            self._greeting.cancel()
        for number in tuple(self.calls):
            self._over(number)
        self._unblock()
        self._hold(0)

    # Frames

    def flush(self) -> None:
        """Write what there is to write."""
        if self._transport is None:
            return None
        try:
            while self._may_write and (out := self._http2.data_to_send(WRITTEN)):
                self._transport.write(out)
                if len(out) < WRITTEN:
                    break
        except ngh2.NGH2Error:
            return self.end()
        self._handle()
        self._hold(self._begun + self._http2.queued_body_size())
        if self._may_write:
            self._unblock()
        if self._going and not self.calls and self._transport is not None:
            self._transport.close()
        return None

    def _hold(self, held: int) -> None:
        """So many bytes wait."""
        self.server.held += held - self._held
        self._held = held

    def _look_at_held(self) -> None:
        """Raises Fault: too much waits."""
        if (
            self._begun > BEGUN_MOST
            or self._held > HELD_MOST
            or (self.server.held > ALL_HELD_MOST and self._held > SHARE)
        ):
            raise Fault(
                StatusCode.RESOURCE_EXHAUSTED, "grpc: too much waits here for its end, or for its caller"
            )

    def _unblock(self) -> None:
        blocked, self._blocked = self._blocked, []
        for each in blocked:
            settle(each, None)

    def _handle(self) -> None:
        for event in self._http2.events():
            match event:
                case ngh2.RequestReceived(number, headers, ended):
                    self._begin(number, dict(headers), ended)
                case ngh2.DataReceived(number, data, ended):
                    self._more(number, data, ended)
                case ngh2.TrailersReceived(number, _):
                    self._more(number, b"", True)
                case ngh2.StreamClosed(number):
                    self._over(number)
                case ngh2.SettingsReceived() if self._greeting is not None:
                    self._greeting.cancel()
                case ngh2.GoAwayReceived():
                    self._going = True  # the client makes no more calls
                case ngh2.ConnectionClosed() if self._transport is not None:
                    self._transport.close()

    def go_away(self) -> None:
        """Have the client make no more calls here."""
        self._going = True
        try:
            self._http2.send_goaway()
        except ngh2.NGH2Error:
            return self.end()
        return self.flush()

    def end(self) -> None:
        """End the connection, and its calls."""
        for number in tuple(self.calls):
            self._over(number)
        if self._transport is not None:
            self._transport.close()

    # Calls

    def _begin(self, number: int, headers: dict[bytes, bytes], ended: bool) -> None:
        if headers.get(b":method") != b"POST" or not headers.get(b"content-type", b"").startswith(
            b"application/grpc"
        ):
            with contextlib.suppress(ngh2.NGH2Error):
                self._http2.send_response(number, ((b":status", b"415"),), end_stream=True)
            return self._close(number, ended)
        try:
            served = self.server.find(headers.get(b":path", b"").decode("utf-8", "replace"))
            wait = seconds(headers[b"grpc-timeout"]) if b"grpc-timeout" in headers else None
        except Fault as fault:
            return self._fail(number, fault)
        call = self.calls[number] = _Call(self, number, served, headers)
        if wait is not None:
            call.deadline = asyncio.get_running_loop().call_later(wait, self._expire, number)
        if served.asks:
            call.task = asyncio.get_running_loop().create_task(self._answer(call, call.requests()))
        if ended:
            self._more(number, b"", True)
        return None

    def _more(self, number: int, data: bytes, ended: bool) -> None:
        """More was asked, and maybe all."""
        call = self.calls.get(number)
        if call is None:
            return self._taken(number, len(data))
        call.asked |= ended
        call.untaken += len(data)
        try:
            call.whole.extend(call.messages.feed(data))
            self._begin_message(call, call.messages.begun)
            if call.beginning:
                self._look_at_begun(ended)
            if not call.served.asks or not call.whole:
                self.take(call)
            if call.served.asks:
                return call.wake()
            if len(call.whole) > 1 or (ended and not call.whole):
                raise Fault(StatusCode.UNIMPLEMENTED, "grpc: the method takes one message")
            if not ended:
                return None
            request = call.served.parsed(call.whole.popleft())
        except Fault as fault:
            return self._fail(number, fault)
        call.task = asyncio.get_running_loop().create_task(self._answer(call, request))
        return None

    def _begin_message(self, call: _Call, length: int) -> None:
        self._begun += length - call.beginning
        call.beginning = length

    def _look_at_begun(self, ended: bool) -> None:
        """A message has a beginning, and no end. Raises Fault: there will be none, or there are too many of these."""
        if ended:
            raise Fault(StatusCode.INTERNAL, "grpc: the request is cut off")
        self._look_at_held()

    def take(self, call: _Call) -> None:
        """What came of a call is taken: as much more may come."""
        length, call.untaken = call.untaken, 0
        self._taken(call.number, length)

    def _taken(self, number: int, length: int) -> None:
        if length and self._transport is not None:
            with contextlib.suppress(ngh2.NGH2Error):
                self._http2.acknowledge_received_data(length, number)

    async def _answer(self, call: _Call, request: Any) -> None:
        """Have the method answer, and tell the caller."""
        try:
            if call.served.answers:
                async with contextlib.aclosing(call.served.do(request, call)) as messages:
                    async for message in messages:
                        await self._tell(call, message.SerializeToString())
                self._done(call)
            else:
                message = await call.served.do(request, call)
                self._done(call, message.SerializeToString())
        except Fault as fault:
            self._fail(call.number, fault)
        except ngh2.NGH2Error:
            self._over(call.number)  # nobody is there any more
        except Exception as error:  # noqa: BLE001 - it is told and logged: the others are served
            _log.exception("a method failed that may not")
            self._fail(call.number, Fault(StatusCode.UNKNOWN, f"Unexpected {type(error)}: {error}"))

    async def _tell(self, call: _Call, message: bytes) -> None:
        """Send one of the answers of a stream, once there is room for it."""
        self._look_at_held()
        if not call.begun:
            call.begun = True
            self._http2.send_response(call.number, BEGIN)
        self._http2.send_data(call.number, framed(message))
        self.flush()
        while self._http2.queued_body_size(call.number) > QUEUED or not self._may_write:
            room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._blocked.append(room)
            await room

    def _done(self, call: _Call, message: bytes | None = None) -> None:
        if message is not None:
            self._look_at_held()
        if self._forget(call.number) is None:
            return
        if not call.begun:
            self._http2.send_response(call.number, BEGIN)
        if message is not None:
            self._http2.send_data(call.number, framed(message))
        self._http2.send_trailers(call.number, DONE)
        self._close(call.number, call.asked)

    def _fail(self, number: int, fault: Fault) -> None:
        """Tell the caller that the call has failed."""
        call = self._forget(number)
        if call is not None and call.task not in (None, asyncio.current_task()):
            call.task.cancel()
        try:
            if call is not None and call.begun:
                self._http2.send_trailers(number, failed(fault))
            else:
                self._http2.send_response(number, (*BEGIN, *failed(fault)), end_stream=True)
            self._close(number, call is not None and call.asked)
        except ngh2.NGH2Error:
            return  # nobody is there any more

    def _close(self, number: int, asked: bool) -> None:
        """All is said; the rest of what is asked, if that is not all, is not heard."""
        self.flush()
        if not asked and self._transport is not None:
            with contextlib.suppress(ngh2.NGH2Error):  # the connection has ended with it
                self._http2.reset_stream(number, ngh2.ErrorCode.NO_ERROR)
            self.flush()

    def _expire(self, number: int) -> None:
        """The caller waits no longer."""
        self._fail(number, Fault(StatusCode.DEADLINE_EXCEEDED, "context deadline exceeded"))

    def _over(self, number: int) -> None:
        """A call has ended, by its caller or with its connection."""
        call = self._forget(number)
        if call is not None and call.task is not None:
            call.task.cancel()

    def _forget(self, number: int) -> _Call | None:
        call = self.calls.pop(number, None)
        if call is not None:
            self.take(call)
            self._begin_message(call, 0)
            if call.deadline is not None:
                call.deadline.cancel()
        return call


def _names(certificate: Mapping[str, Any]) -> Iterator[bytes]:
    """Give the names of whom a certificate is for, as Python reads it."""
    for part in certificate.get("subject", ()):
        for kind, value in part:
            if kind == "commonName":
                yield value.encode()
