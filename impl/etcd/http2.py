"""HTTP/2 (RFC 9113), the server's side: frames, flow control, and streams that a subclass of `Stream` makes calls of.

As much of it as gRPC needs, in one pass over what came in: no pushing, no priorities. Header compression (RFC 7541) is read by
`hpack`; what is sent is not compressed. A library for gRPC does the same at ten times the cost in an interpreter (docs/store.md).

Guarantees: whatever bytes come, nothing raises: what breaks the protocol ends the connection with a GOAWAY that says why; what
one client makes this node hold is bounded: streams, header blocks, unread bytes, and answers that it does not take.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias, cast

from ratified.impl.runtime.links import keep_alive
from ratified.impl.services.extras import missing

try:
    import hpack
except ModuleNotFoundError as error:
    raise missing("hpack", "hpack", "serve", error) from None

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
"""Kinds of frames."""

END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x1, 0x4, 0x8, 0x20
"""Flags of frames."""

NO_ERROR, PROTOCOL, INTERNAL, FLOW, _, CLOSED, SIZE, REFUSED, CANCEL, COMPRESSION, _, CALM = range(12)
"""Codes of errors (section 7)."""

FRAME: Final = 16_384
"""Bytes of a frame that is read; what everybody may send unless told otherwise."""

STREAM_WINDOW: Final = 1 << 18
CONNECTION_WINDOW: Final = 1 << 24
"""Bytes that a client may send before it is told that there is room for more."""

STREAMS_MOST: Final = 8_192
BLOCK_MOST: Final = 1 << 16
HELD_MOST: Final = 1 << 28
"""Streams at once, bytes of a header block, and bytes of answers that wait for a client, of one connection."""

RESETS_MOST: Final = 1_000
"""Streams that a client may reset beyond as many as it let be answered."""

HELLO_SECONDS: Final = 10.0
"""How long the first frame may take."""

LARGEST: Final = (1 << 31) - 1

Fields: TypeAlias = list[tuple[bytes, bytes]]


class Broken(Exception):
    """The other side does not keep to the protocol: the code, and what of it."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


def frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    """Return a frame."""
    return struct.pack(">I", len(body) << 8 | kind) + struct.pack(">BI", flags, stream) + body


def field(name: bytes, value: bytes) -> bytes:
    """Return a header field as it is written without compression (RFC 7541, section 6.2.2)."""
    return b"\0" + _length(len(name)) + name + _length(len(value)) + value


def _length(number: int) -> bytes:
    """An integer with a prefix of seven bits (RFC 7541, section 5.1)."""
    if number < 127:
        return bytes((number,))
    number -= 127
    out = bytearray((127,))
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


class Stream:
    """One request and its answer. Subclasses say what to do when it begins, and with what comes."""

    __slots__ = ("_room", "_unread", "_waiting", "_window", "connection", "number", "over", "sent_all")

    def __init__(self, connection: Connection, number: int) -> None:
        self.connection = connection
        self.number = number
        self.over = False  # nothing more comes
        self.sent_all = False
        self._window = connection.first_window  # bytes that may be sent
        self._waiting: deque[tuple[int, int, bytes]] = deque()  # frames that wait for room: kind, flags, body
        self._unread = 0  # bytes that came and of which the client was not told that there is room again
        self._room: asyncio.Future[None] | None = None

    # For subclasses

    def began(self, head: Any) -> None:
        """The head of the request is there."""

    def came(self, data: bytes) -> None:
        """Some of its body is there."""

    def ended(self) -> None:
        """Its body is whole."""

    def broken(self) -> None:
        """The client wants it no more, or is gone."""

    # Sending

    def send(self, head: bytes, data: bytes, tail: bytes | None) -> None:
        """Send a block of fields first (if any), data, and a block that ends the stream (None: it goes on)."""
        connection = self.connection
        if self.sent_all:
            return
        self.sent_all = tail is not None
        last = END_STREAM | END_HEADERS
        size = len(data)
        if not self._waiting and size <= self._window and size <= connection.window and size <= FRAME:
            self._window -= size
            connection.window -= size
            number = self.number
            parts = [frame(HEADERS, END_HEADERS, number, head)] if head else []
            if data:
                parts.append(frame(DATA, 0, number, data))
            if tail is not None:
                parts.append(frame(HEADERS, last, number, tail))
            connection.write(b"".join(parts))
        else:
            if head:
                self._waiting.append((HEADERS, END_HEADERS, head))
            for at in range(0, size, FRAME):
                self._waiting.append((DATA, 0, data[at : at + FRAME]))
            if tail is not None:
                self._waiting.append((HEADERS, last, tail))
            connection.hold(self, size)
            self.pump()
        if self.sent_all and not self._waiting:
            connection.answered(self)

    def pump(self) -> None:
        """Send what waits, as far as there is room."""
        connection = self.connection
        while self._waiting:
            kind, flags, body = self._waiting[0]
            if kind == DATA:
                room = min(self._window, connection.window)
                if room <= 0:
                    return
                if len(body) > room:
                    self._waiting[0] = (kind, flags, body[room:])
                    body = body[:room]
                else:
                    self._waiting.popleft()
                self._window -= len(body)
                connection.window -= len(body)
                connection.held -= len(body)
            else:
                self._waiting.popleft()
            connection.write(frame(kind, flags, self.number, body))
        connection.blocked.pop(self.number, None)
        if self.sent_all:
            connection.answered(self)
        self.wake()

    async def has_room(self) -> None:
        """Wait until what was sent is on its way, and the client takes more."""
        while (self._waiting or self.connection.paused) and not self.connection.closed:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def wake(self) -> None:
        """There may be room."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def widen(self, by: int) -> None:
        """The client has room for so many more bytes. Raises Broken."""
        self._window += by
        if self._window > LARGEST:
            raise Broken(FLOW, "a window of more than 2**31 - 1 bytes")
        self.pump()

    def drop(self) -> None:
        """Send nothing of what waits."""
        self.sent_all = True
        self.connection.held -= sum(len(body) for kind, _, body in self._waiting if kind == DATA)
        self._waiting.clear()
        self.wake()

    def reset(self, code: int) -> None:
        """End it at once."""
        self.connection.write(frame(RESET, 0, self.number, code.to_bytes(4, "big")))
        self.drop()
        self.connection.forget(self)

    # Receiving

    def received(self, length: int) -> None:
        """So many bytes of its window are used. Raises Broken."""
        self._unread += length
        if self._unread > STREAM_WINDOW:
            raise Broken(FLOW, "more than the window of a stream")

    def read(self) -> None:
        """What came is dealt with, and there is room for more."""
        if self._unread > STREAM_WINDOW // 2 and not self.over:
            self.connection.write(frame(WINDOW, 0, self.number, self._unread.to_bytes(4, "big")))
            self._unread = 0


class Connection(asyncio.Protocol):
    """A client's connection. `make` makes its streams; `head_of` makes of fields what a stream is begun with.

    `head_of` raises Broken. What it returns may be used again for a stream that begins with the same fields.
    """

    def __init__(
        self,
        make: Callable[[Connection, int], Stream],
        head_of: Callable[[Fields], Any],
        there: set[Connection],
    ) -> None:
        self.streams: dict[int, Stream] = {}
        self.blocked: dict[int, Stream] = {}  # those that have something to send
        self.window = 65_535  # bytes of all streams that may be sent
        self.first_window = 65_535
        self.held = 0
        self.paused = False
        self.closed = False
        self.certificate: Any = None
        self._make = make
        self._head_of = head_of
        self._there = there
        self._transport: asyncio.Transport | None = None
        self._bytes = b""
        self._greeted = False  # the preface is there
        self._set = False  # and the settings after it
        self._last = 0  # the number of the latest stream
        self._going = False  # no stream begins any more
        self._unread = 0
        self._block: tuple[int, int, list[bytes]] | None = (
            None  # a header block that goes on: stream, flags, parts
        )
        self._decoder = hpack.Decoder(BLOCK_MOST)
        self._heads: dict[bytes, Any] = {}  # by blocks that do not change the decoder's table
        self._spare_resets = RESETS_MOST
        self._deadline: asyncio.TimerHandle | None = None

    # The transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what this side takes."""
        self._transport = cast("asyncio.Transport", transport)
        self._there.add(self)
        keep_alive(transport)
        self.certificate = transport.get_extra_info("peercert")
        values = ((3, STREAMS_MOST), (4, STREAM_WINDOW), (6, BLOCK_MOST))
        self.write(frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *each) for each in values)))
        self.write(frame(WINDOW, 0, 0, (CONNECTION_WINDOW - 65_535).to_bytes(4, "big")))
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(HELLO_SECONDS, self.end, PROTOCOL, "no settings in time")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio has it
        """It is over: nobody waits for answers."""
        self.closed = True
        self._transport = None
        if self._deadline is not None:
            self._deadline.cancel()
        self._there.discard(self)
        streams, self.streams = self.streams, {}
        self.blocked.clear()
        for stream in streams.values():
            stream.drop()
            stream.broken()

    def pause_writing(self) -> None:
        """A client that does not read is not heard either."""
        self.paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It has read."""
        self.paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        for stream in tuple(self.streams.values()):
            stream.wake()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def end(self, code: int, why: str = "") -> None:
        """Say why, and end the connection."""
        body = struct.pack(">II", self._last, code) + why.encode()[:200]
        self.write(frame(GOAWAY, 0, 0, body))
        self.closed = True
        if self._transport is not None:
            self._transport.close()

    def go(self) -> None:
        """Take no more requests; those that are there are answered."""
        self._going = True
        self.write(frame(GOAWAY, 0, 0, struct.pack(">II", self._last, NO_ERROR)))

    def abort(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()

    # Streams

    def answered(self, stream: Stream) -> None:
        """A stream has all that there is to say to it."""
        if self.streams.get(stream.number) is stream:
            if not stream.over:  # what is left of the request is not wanted
                self.write(frame(RESET, 0, stream.number, NO_ERROR.to_bytes(4, "big")))
            self._spare_resets = min(RESETS_MOST, self._spare_resets + 1)
            self.forget(stream)

    def forget(self, stream: Stream) -> None:
        """A stream is over."""
        self.streams.pop(stream.number, None)
        self.blocked.pop(stream.number, None)

    def hold(self, stream: Stream, size: int) -> None:
        """Something waits to be sent."""
        self.held += size
        self.blocked[stream.number] = stream
        if self.held > HELD_MOST:
            self.end(CALM, "answers are not taken")

    # What comes in

    def data_received(self, data: bytes) -> None:
        """Take frames, as far as they make sense."""
        held = self._bytes + data if self._bytes else data
        try:
            if not self._greeted:
                if not held.startswith(PREFACE):
                    if not PREFACE.startswith(held):
                        raise Broken(PROTOCOL, "this is HTTP/2")
                    self._bytes = held
                    return
                held = held[len(PREFACE) :]
                self._greeted = True
            at, end = 0, len(held)
            while end - at >= 9 and not self.closed:
                head = int.from_bytes(held[at : at + 9], "big")
                length = head >> 48
                if length > FRAME:
                    raise Broken(SIZE, f"a frame of {length} bytes; there are at most {FRAME}")
                if end - at < 9 + length:
                    break
                body = held[at + 9 : at + 9 + length]
                at += 9 + length
                self._frame(head >> 40 & 0xFF, head >> 32 & 0xFF, head & LARGEST, body)
            self._bytes = held[at:]
        except Broken as broken:
            self.end(broken.code, str(broken))

    def _frame(self, kind: int, flags: int, number: int, body: bytes) -> None:
        if self._block is not None and (kind != CONTINUATION or number != self._block[0]):
            raise Broken(PROTOCOL, "a header block does not go on")
        if not self._set and kind != SETTINGS:
            raise Broken(PROTOCOL, "no settings at first")
        if kind == DATA:
            self._data(flags, number, body)
        elif kind == HEADERS:
            if not number & 1:
                raise Broken(PROTOCOL, f"a stream of number {number} by a client")
            body = _unpadded(flags, body)
            if flags & PRIORITIZED:
                if len(body) < 5:
                    raise Broken(SIZE, "a priority of less than five bytes")
                body = body[5:]
            self._headers(flags, number, [body])
        elif kind == CONTINUATION:
            if self._block is None:
                raise Broken(PROTOCOL, "no header block goes on")
            _, first, parts = self._block
            self._headers(first | flags & END_HEADERS, number, [*parts, body])
        elif kind == WINDOW:
            self._widen(number, int.from_bytes(_exactly(4, body), "big") & LARGEST)
        elif kind == PING:
            if number:
                raise Broken(PROTOCOL, "a ping to a stream")
            if not flags & ACK:
                self.write(frame(PING, ACK, 0, _exactly(8, body)))
        elif kind == SETTINGS:
            self._settings(flags, number, body)
        elif kind == RESET:
            self._reset(number, _exactly(4, body))
        elif kind == PUSH:
            raise Broken(PROTOCOL, "a client that pushes")
        elif kind == GOAWAY and number:
            raise Broken(PROTOCOL, "a GOAWAY to a stream")

    def _data(self, flags: int, number: int, body: bytes) -> None:
        # The room of the connection is given back at once: what is kept is bounded by the streams' windows and limits.
        self._unread += len(body)
        if self._unread > CONNECTION_WINDOW // 2:
            self.write(frame(WINDOW, 0, 0, self._unread.to_bytes(4, "big")))
            self._unread = 0
        stream = self.streams.get(number)
        if stream is None:
            if number > self._last or not number & 1:
                raise Broken(PROTOCOL, f"data of stream {number}, which did not begin")
            return  # it was on its way when the stream ended
        if stream.over:
            raise Broken(CLOSED, f"data of stream {number} after its end")
        stream.received(len(body))
        data = _unpadded(flags, body)
        stream.over = bool(flags & END_STREAM)
        if data:
            stream.came(data)
        if stream.over:
            stream.ended()

    def _headers(self, flags: int, number: int, parts: list[bytes]) -> None:
        if sum(map(len, parts)) > BLOCK_MOST or len(parts) > 64:
            raise Broken(CALM, f"a header block of more than {BLOCK_MOST} bytes")
        if not flags & END_HEADERS:
            self._block = (number, flags, parts)
            return
        self._block = None
        stream = self.streams.get(number)
        if stream is not None:  # trailers
            self._fields(b"".join(parts))
            if stream.over or not flags & END_STREAM:
                raise Broken(PROTOCOL, "trailers that do not end a stream")
            stream.over = True
            stream.ended()
            return
        if number <= self._last:
            self._fields(b"".join(parts))
            return
        head = self._head(b"".join(parts))
        if self._going:
            return  # the client knows that it has to ask elsewhere
        self._last = number
        if len(self.streams) >= STREAMS_MOST:
            self.write(frame(RESET, 0, number, REFUSED.to_bytes(4, "big")))
            return
        stream = self._make(self, number)
        self.streams[number] = stream
        stream.over = bool(flags & END_STREAM)
        stream.began(head)
        if stream.over and number in self.streams:
            stream.ended()

    def _head(self, block: bytes) -> Any:
        """Return what begins a stream; of fields that are all in the table, as those of a client's next calls, only once."""
        if block in self._heads:
            return self._heads[block]
        fields = self._fields(block)
        head = self._head_of(fields)
        if block and min(block) > 0x80 and max(block) < 0xFF and len(self._heads) < 64:
            self._heads[block] = head
        return head

    def _fields(self, block: bytes) -> Fields:
        if not (block and min(block) > 0x80 and max(block) < 0xFF):  # not all of it are fields of the table
            self._heads.clear()
        try:
            return cast("Fields", list(self._decoder.decode(block, raw=True)))
        except (hpack.HPACKError, ValueError, IndexError):
            raise Broken(COMPRESSION, "a header block that is none") from None

    def _widen(self, number: int, by: int) -> None:
        if not by:
            raise Broken(PROTOCOL, "a window that grows by nothing")
        if number:
            stream = self.streams.get(number)
            if stream is not None:
                stream.widen(by)
            elif number > self._last:
                raise Broken(PROTOCOL, f"a window of stream {number}, which did not begin")
            return
        self.window += by
        if self.window > LARGEST:
            raise Broken(FLOW, "a window of more than 2**31 - 1 bytes")
        self._pump()

    def _pump(self) -> None:
        for stream in tuple(self.blocked.values()):
            if self.window <= 0:
                return
            stream.pump()

    def _settings(self, flags: int, number: int, body: bytes) -> None:
        if number:
            raise Broken(PROTOCOL, "settings of a stream")
        if len(body) % 6 or (flags & ACK and body):
            raise Broken(SIZE, "settings that are cut off")
        if flags & ACK:
            return
        for name, value in struct.iter_unpack(">HI", body):
            if name == 4:
                if value > LARGEST:
                    raise Broken(FLOW, "a window of more than 2**31 - 1 bytes")
                by, self.first_window = value - self.first_window, value
                for stream in tuple(self.streams.values()):
                    stream.widen(by)
            elif (name == 2 and value > 1) or (name == 5 and not FRAME <= value < 1 << 24):
                raise Broken(PROTOCOL, f"setting {name} cannot be {value}")
        if not self._set and self._deadline is not None:
            self._deadline.cancel()
        self._set = True
        self.write(frame(SETTINGS, ACK, 0))

    def _reset(self, number: int, _: bytes) -> None:
        if number > self._last or not number & 1:
            raise Broken(PROTOCOL, f"a reset of stream {number}, which did not begin")
        stream = self.streams.get(number)
        if stream is None:
            return
        self._spare_resets -= 1
        stream.drop()
        self.forget(stream)
        stream.broken()
        if self._spare_resets < 0:  # CVE-2023-44487
            raise Broken(CALM, "most requests are taken back")


def _exactly(length: int, body: bytes) -> bytes:
    if len(body) != length:
        raise Broken(SIZE, f"a frame of {len(body)} bytes, not {length}")
    return body


def _unpadded(flags: int, body: bytes) -> bytes:
    if not flags & PADDED:
        return body
    if not body or body[0] >= len(body):
        raise Broken(PROTOCOL, "more padding than there is")
    return body[1 : len(body) - body[0]]


def block(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a header block."""
    return b"".join(field(name, value) for name, value in fields)
