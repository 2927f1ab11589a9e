"""gRPC over HTTP/2 (grpc.io/docs: PROTOCOL-HTTP2), the server's side: methods, messages, deadlines, metadata and statuses.

    server = Rpc(method_of, message_bytes)
    await server.listen("127.0.0.1:0")

Guarantees: a method is handed what it takes, or is not called; whatever it raises, its caller is answered; it ends when its
caller takes the call back, when the deadline passes, and when the connection is gone.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast
from urllib.parse import quote

from google.protobuf.message import DecodeError, Message
from grpc import StatusCode

from ratified.impl.etcd.errors import Fault
from ratified.impl.etcd.http2 import PROTOCOL, Broken, Connection, Fields, Stream, block, field
from ratified.impl.runtime.links import parsed

_log = logging.getLogger(__name__)

OK_HEAD: Final = b"\x88" + field(b"content-type", b"application/grpc")  # \x88: `:status: 200` of the table
OK_TAIL: Final = field(b"grpc-status", b"0")

MESSAGES_MOST: Final = 64
"""Messages of a stream that wait to be read; no more come until they are."""

UNITS: Final = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}

Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class Method:
    """What answers a call: with one message, or many; one message is taken, or (`many`) any number.

    `answer` is given the message, or an asynchronous iterator of messages, and the call. Without `takes` it is given bytes.
    """

    answer: Callable[[Any, Call], Awaitable[Message] | AsyncIterator[Message]]
    takes: type[Message] | None = None
    many: bool = False
    streams: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """How a call begins. `refused` is the HTTP status for what is no gRPC."""

    path: str
    metadata: Metadata
    seconds: float | None = None
    compressed: bool = False
    refused: bytes = b""


def head_of(fields: Fields) -> Head:
    """Read the fields of a request. Raises Broken."""
    pseudo: dict[bytes, bytes] = {}
    metadata: list[tuple[str, str | bytes]] = []
    found: dict[bytes, bytes] = {}
    for name, value in fields:
        if name[:1] == b":":
            if name in pseudo or found:
                raise Broken(PROTOCOL, "pseudo fields that are no head of a request")
            pseudo[name] = value
            continue
        if name != name.lower() or name in (b"connection", b"transfer-encoding"):
            raise Broken(PROTOCOL, "a field that HTTP/2 does not have")
        found[name] = value
        if not name.startswith((b"grpc-", b"content-type", b"te")):
            metadata.append(_pair(name, value))
    if b":method" not in pseudo or b":path" not in pseudo:
        raise Broken(PROTOCOL, "a request without a method or a path")
    refused = b""
    if pseudo[b":method"] != b"POST":
        refused = b"405"
    elif not found.get(b"content-type", b"").startswith(b"application/grpc"):
        refused = b"415"
    given = found.get(b"grpc-timeout")
    seconds = None
    if given is not None:
        if not given[:-1].isdigit() or len(given) > 9 or given[-1:] not in UNITS:
            refused = refused or b"400"
        else:
            seconds = int(given[:-1]) * UNITS[given[-1:]]
    compressed = found.get(b"grpc-encoding", b"identity") != b"identity"
    path = pseudo[b":path"].decode("utf-8", "replace")
    return Head(path, tuple(metadata), seconds, compressed, refused)


def _pair(name: bytes, value: bytes) -> tuple[str, str | bytes]:
    if name.endswith(b"-bin"):
        try:
            return name.decode("latin-1"), base64.b64decode(value + b"=" * (-len(value) % 4))
        except binascii.Error:
            raise Broken(PROTOCOL, "metadata that is no base64") from None
    return name.decode("latin-1"), value.decode("latin-1")


class Call(Stream):
    """A call on its way: what methods are given beside what was asked."""

    __slots__ = ("_begun", "_body", "_deadline", "_messages", "_method", "_news", "_rpc", "_task", "metadata")

    def __init__(self, connection: Connection, number: int, rpc: Rpc) -> None:
        super().__init__(connection, number)
        self.metadata: Metadata = ()
        self._rpc = rpc
        self._method: Method | None = None
        self._body = b""
        self._messages: deque[bytes] = deque()
        self._news: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._begun = False  # the head of the answer was sent

    @property
    def name(self) -> str | None:
        """The common name in the caller's certificate."""
        subject = (self.connection.certificate or {}).get("subject", ())
        return next((value for part in subject for kind, value in part if kind == "commonName"), None)

    # The request

    def began(self, head: Head) -> None:
        """Find the method."""
        self.metadata = head.metadata
        if head.refused:
            return self.send(block([(b":status", head.refused)]), b"", b"")
        if head.compressed:
            return self.fail(StatusCode.UNIMPLEMENTED, "messages are not compressed here")
        method = self._method = self._rpc.method_of(head.path)
        if method is None:
            return self.fail(StatusCode.UNIMPLEMENTED, f"there is no method {head.path[:200]}")
        if head.seconds is not None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(head.seconds, self._late)
        if method.many:
            self._start(method, self._asked(method))
        return None

    def came(self, data: bytes) -> None:
        """Put messages together."""
        body = self._body + data if self._body else data
        at, end = 0, len(body)
        while end - at >= 5:
            length = int.from_bytes(body[at + 1 : at + 5], "big")
            if length > self._rpc.message_bytes:
                most = self._rpc.message_bytes
                return self.fail(
                    StatusCode.RESOURCE_EXHAUSTED, f"a message of {length} bytes; there are at most {most}"
                )
            if body[at]:
                return self.fail(StatusCode.UNIMPLEMENTED, "messages are not compressed here")
            if end - at < 5 + length:
                break
            self._messages.append(body[at + 5 : at + 5 + length])
            at += 5 + length
        self._body = body[at:] if at else body
        if len(self._messages) < MESSAGES_MOST:
            self.read()
        self._tell()
        return None

    def ended(self) -> None:
        """Have a method of one message answer."""
        method = self._method
        if method is None or method.many:
            return self._tell()
        if len(self._messages) != 1 or self._body:
            return self.fail(StatusCode.INTERNAL, "a request has one message")
        try:
            asked = self._read(method, self._messages.popleft())
        except Fault as fault:
            return self.fail(fault.code, fault.text)
        self._start(method, asked)
        return None

    def broken(self) -> None:
        """Nobody waits for an answer."""
        self._finish()
        if self._task is not None:
            self._task.cancel()

    def _read(self, method: Method, message: bytes) -> Any:
        if method.takes is None:
            return message
        try:
            return method.takes.FromString(message)
        except DecodeError:
            raise Fault(StatusCode.INTERNAL, f"this is no {method.takes.DESCRIPTOR.name}") from None

    async def _asked(self, method: Method) -> AsyncIterator[Any]:
        """Give messages as they come."""
        while True:
            while self._messages:
                message = self._messages.popleft()
                self.read()
                yield self._read(method, message)
            if self.over:
                return
            self._news = asyncio.get_running_loop().create_future()
            await self._news

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # The answer

    def _start(self, method: Method, asked: Any) -> None:
        task = asyncio.ensure_future(self._all(method, asked) if method.streams else self._one(method, asked))
        self._task = task
        self._rpc.tasks.add(task)
        task.add_done_callback(self._rpc.tasks.discard)

    async def _one(self, method: Method, asked: Any) -> None:
        try:
            answer = cast("Awaitable[Message]", method.answer(asked, self))
            message = (await answer).SerializeToString()
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is answered
            return self._failed(error)
        self._finish()
        self.send(OK_HEAD, b"\0" + len(message).to_bytes(4, "big") + message, OK_TAIL)
        return None

    async def _all(self, method: Method, asked: Any) -> None:
        try:
            async for answer in cast("AsyncIterator[Message]", method.answer(asked, self)):
                message = answer.SerializeToString()
                head = b"" if self._begun else OK_HEAD
                self._begun = True
                self.send(head, b"\0" + len(message).to_bytes(4, "big") + message, None)
                if self._waiting or self.connection.paused:
                    await self.has_room()
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is answered
            return self._failed(error)
        self._finish()
        self.send(b"" if self._begun else OK_HEAD, b"", OK_TAIL)
        return None

    def _failed(self, error: Exception) -> None:
        if isinstance(error, Fault):
            return self.fail(error.code, error.text)
        _log.error("a method failed unexpectedly", exc_info=error)
        return self.fail(StatusCode.UNKNOWN, f"unexpected {type(error).__name__}")

    def fail(self, code: StatusCode, text: str) -> None:
        """Answer that it failed, and end it."""
        self._finish()
        status = field(b"grpc-status", b"%d" % code.value[0])
        tail = status + field(b"grpc-message", quote(text, safe=" !\"#$&'()*+,/:;<=>?@[\\]^`{|}~").encode())
        # Without data before it the end is the head, too.
        self.send(b"", b"", tail if self._begun else OK_HEAD + tail)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def _late(self) -> None:
        self.fail(StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")

    def _finish(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()


class Rpc:
    """A server. `method_of` says what answers a path; `message_bytes` is what a message has at most."""

    def __init__(self, method_of: Callable[[str], Method | None], message_bytes: int) -> None:
        self.method_of = method_of
        self.message_bytes = message_bytes
        self.tasks: set[asyncio.Task[None]] = set()
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, address: str, tls: ssl.SSLContext | None, *, reuse_port: bool = False) -> int:
        """Listen, and return the port. Raises OSError."""
        host, port = parsed(address)
        if tls is not None:
            tls.set_alpn_protocols(["h2"])
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(
                lambda connection, number: Call(connection, number, self), head_of, self._connections
            ),
            host,
            port,
            ssl=tls,
            reuse_port=reuse_port or None,
            backlog=1024,
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self, grace_s: float) -> None:
        """Take no more calls, answer those that are there, for so long at most, and end."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.go()
        if self.tasks:
            await asyncio.wait(tuple(self.tasks), timeout=grace_s)
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for connection in tuple(self._connections):
            connection.end(0)
