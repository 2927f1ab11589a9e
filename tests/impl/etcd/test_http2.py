"""HTTP/2 and gRPC, the server's side, without sockets: what breaks them ends what it broke, and says why; windows are kept to."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, cast

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd import http2
from ratified.impl.etcd.http2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITIZED,
    PRIORITY,
    PUSH,
    RESET,
    SETTINGS,
    WINDOW,
    Connection,
    frame,
)
from ratified.impl.etcd.rpc import Call, Method, Rpc, head_of

Sent = tuple[int, int, int, bytes]

CALL = {
    ":method": "POST",
    ":scheme": "http",
    ":path": "/echo",
    "content-type": "application/grpc",
    "te": "trailers",
}


class Wire:
    """A transport of which all that was written is kept."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.closing = False
        self.reading = True

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closing = True

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, _: str) -> None:
        return None


class Client:
    """What a client says to a connection, and what it hears."""

    def __init__(self, *, greet: bool = True) -> None:
        self.wire = Wire()
        self.rpc = Rpc(METHODS.get, 1_000_000)
        self.connection = Connection(lambda c, number: Call(c, number, self.rpc), head_of, set())
        self.connection.connection_made(cast("Any", self.wire))
        self._encoder = hpack.Encoder()
        self._read = 0
        if greet:
            self.say(PREFACE, frame(SETTINGS, 0, 0))
            self.hear()

    def say(self, *what: bytes) -> None:
        self.connection.data_received(b"".join(what))

    def hear(self) -> list[Sent]:
        """The frames that were not heard yet."""
        found = []
        data = bytes(self.wire.written)
        while self._read < len(data):
            head = int.from_bytes(data[self._read : self._read + 9], "big")
            length = head >> 48
            body = data[self._read + 9 : self._read + 9 + length]
            found.append((head >> 40 & 0xFF, head >> 32 & 0xFF, head & 0x7FFFFFFF, body))
            self._read += 9 + length
        return found

    def headers(
        self, number: int, changed: Mapping[str, str | None] | None = None, flags: int = END_HEADERS
    ) -> bytes:
        """The head of a call; fields that are changed to None are left out."""
        fields = {**CALL, **(changed or {})}
        encoded = self._encoder.encode([(n, v) for n, v in fields.items() if v is not None])
        return frame(HEADERS, flags, number, encoded)

    def call(
        self, number: int, message: bytes, path: str = "/echo", changed: Mapping[str, str] | None = None
    ) -> bytes:
        body = b"\0" + len(message).to_bytes(4, "big") + message
        return self.headers(number, {":path": path, **(changed or {})}) + frame(
            DATA, END_STREAM, number, body
        )


async def echo(message: pb.PutRequest, _: Call) -> Any:
    return pb.PutRequest(key=message.key)


async def large(message: pb.PutRequest, _: Call) -> Any:
    return pb.PutRequest(key=bytes(message.lease))


async def never(_: pb.PutRequest, __: Call) -> Any:
    await asyncio.Event().wait()


async def wrong(_: pb.PutRequest, __: Call) -> Any:
    raise RuntimeError("not told")


async def every(messages: AsyncIterator[pb.PutRequest], _: Call) -> AsyncIterator[Any]:
    async for message in messages:
        yield message


METHODS = {
    "/echo": Method(echo, pb.PutRequest),
    "/large": Method(large, pb.PutRequest),
    "/never": Method(never, pb.PutRequest),
    "/wrong": Method(wrong, pb.PutRequest),
    "/every": Method(cast("Any", every), pb.PutRequest, many=True, streams=True),
}


def put(key: bytes = b"k", lease: int = 0) -> bytes:
    return pb.PutRequest(key=key, lease=lease).SerializeToString()


def run(test: Callable[[], Any]) -> None:
    async def main() -> None:
        await test()

    asyncio.run(main())


async def settled(client: Client) -> None:
    """Until no method is at work."""
    while client.rpc.tasks:
        await asyncio.wait(tuple(client.rpc.tasks))
        await asyncio.sleep(0)


def status(frames: list[Sent], number: int = 1) -> tuple[str, str]:
    """The status and the text that a call ended with."""
    decoder = hpack.Decoder()
    found: dict[str, str] = {}
    for kind, _, stream, body in frames:
        if kind == HEADERS and stream == number:
            found |= cast("dict[str, str]", dict(decoder.decode(body)))
    return found.get("grpc-status", found[":status"]), found.get("grpc-message", "")


def broken() -> Iterator[tuple[str, Callable[[Client], bytes], int, str]]:
    """What breaks the protocol: after the greeting (but the first two), with the code and the text that it is answered with."""
    yield "http/1", lambda _: b"GET / HTTP/1.1\r\n\r\n", 1, "this is HTTP/2"
    yield "no settings", lambda _: PREFACE + frame(PING, 0, 0, bytes(8)), 1, "no settings at first"
    ping, window, data = frame(PING, 0, 0, bytes(7)), frame(WINDOW, 0, 0, bytes(4)), frame(DATA, 0, 1, b"x")
    yield "ping", lambda _: ping, 6, "a frame of 7 bytes, not 8"
    yield "ping to a stream", lambda _: frame(PING, 0, 1, bytes(8)), 1, "a ping to a stream"
    yield (
        "long",
        lambda _: frame(DATA, 0, 1, bytes(16_385)),
        6,
        "a frame of 16385 bytes; there are at most 16384",
    )
    yield "window", lambda _: window, 1, "a window that grows by nothing"
    wide = frame(WINDOW, 0, 0, (2**31 - 1).to_bytes(4, "big"))
    yield "wide", lambda _: wide, 3, "a window of more than 2**31 - 1 bytes"
    yield (
        "idle window",
        lambda _: frame(WINDOW, 0, 3, b"\0\0\0\1"),
        1,
        "a window of stream 3, which did not begin",
    )
    yield "idle data", lambda _: data, 1, "data of stream 1, which did not begin"
    yield "idle reset", lambda _: frame(RESET, 0, 1, bytes(4)), 1, "a reset of stream 1, which did not begin"
    yield "even", lambda c: c.headers(2), 1, "a stream of number 2 by a client"
    yield "push", lambda _: frame(PUSH, 0, 1), 1, "a client that pushes"
    yield "goaway", lambda _: frame(GOAWAY, 0, 1, bytes(8)), 1, "a GOAWAY to a stream"
    yield "settings", lambda _: frame(SETTINGS, 0, 0, bytes(5)), 6, "settings that are cut off"
    yield "settings of a stream", lambda _: frame(SETTINGS, 0, 1), 1, "settings of a stream"
    value = struct.pack(">HI", 5, 100)
    yield "frame size", lambda _: frame(SETTINGS, 0, 0, value), 1, "setting 5 cannot be 100"
    huge = struct.pack(">HI", 4, 1 << 31)
    yield "first window", lambda _: frame(SETTINGS, 0, 0, huge), 3, "a window of more than 2**31 - 1 bytes"
    yield "lost block", lambda _: frame(CONTINUATION, 0, 1), 1, "no header block goes on"
    open_block = frame(HEADERS, 0, 1) + frame(PING, 0, 0, bytes(8))
    yield "open block", lambda _: open_block, 1, "a header block does not go on"
    endless = frame(HEADERS, 0, 1) + frame(CONTINUATION, 0, 1) * 64
    yield "endless block", lambda _: endless, 11, "a header block of more than 65536 bytes"
    no_block = frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff")
    yield (
        "no block",
        lambda _: no_block,
        9,
        "a header block that is none",
    )
    yield (
        "padding",
        lambda _: frame(HEADERS, END_HEADERS | PADDED, 1, b"\5x"),
        1,
        "more padding than there is",
    )
    short = frame(HEADERS, END_HEADERS | PRIORITIZED, 1, b"xx")
    yield "priority", lambda _: short, 6, "a priority of less than five bytes"
    yield "no path", lambda c: c.headers(1, {":path": None}), 1, "a request without a method or a path"
    yield "upper case", lambda c: c.headers(1, {"X": "y"}), 1, "a field that HTTP/2 does not have"
    yield "no base64", lambda c: c.headers(1, {"x-bin": "a"}), 1, "metadata that is no base64"
    yield "after the end", lambda c: c.call(1, put(), "/never") + data, 5, "data of stream 1 after its end"
    yield "trailers", lambda c: c.headers(1) + c.headers(1), 1, "trailers that do not end a stream"
    flood = frame(DATA, 0, 1, bytes(16_000)) * 17  # messages that nobody reads
    yield (
        "flood",
        lambda c: c.headers(1, {":path": "/every"}) + flood,
        3,
        "more than the window of a stream",
    )


@pytest.mark.parametrize(("what", "code", "why"), [pytest.param(*c[1:], id=c[0]) for c in broken()])
def test_what_breaks_the_protocol_ends_the_connection(
    what: Callable[[Client], bytes], code: int, why: str
) -> None:
    async def test() -> None:
        client = Client(greet=why not in ("this is HTTP/2", "no settings at first"))
        client.say(what(client))
        kind, _, stream, body = client.hear()[-1]
        assert (kind, stream) == (GOAWAY, 0)
        assert (int.from_bytes(body[4:8], "big"), body[8:].decode()) == (code, why)
        assert client.wire.closing
        client.connection.connection_lost(None)
        await settled(client)

    run(test)


def test_who_says_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2, "HELLO_SECONDS", 0)

    async def test() -> None:
        client = Client(greet=False)
        while not client.wire.closing:
            await asyncio.sleep(0)
        assert client.hear()[-1][3][8:] == b"no settings in time"

    run(test)


def test_a_call_is_answered_however_its_bytes_come() -> None:
    async def test() -> None:
        for step in (1, 7, 10_000):
            client = Client()
            said = client.call(1, put()) + client.call(3, put(b"x"))
            for at in range(0, len(said), step):
                client.say(said[at : at + step])
            await settled(client)
            heard = client.hear()
            assert [(kind, flags, number) for kind, flags, number, _ in heard] == [
                (HEADERS, END_HEADERS, 1),
                (DATA, 0, 1),
                (HEADERS, END_HEADERS | END_STREAM, 1),
                (HEADERS, END_HEADERS, 3),
                (DATA, 0, 3),
                (HEADERS, END_HEADERS | END_STREAM, 3),
            ]
            assert heard[1][3] == b"\0\0\0\0\3" + put()
            assert status(heard) == ("0", "")
            assert not client.connection.streams

    run(test)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (lambda c: c.call(1, put(), changed={":method": "GET"}), ("405", "")),
        (lambda c: c.call(1, put(), changed={"content-type": "text/html"}), ("415", "")),
        (lambda c: c.call(1, put(), changed={"grpc-timeout": "5"}), ("400", "")),
        (lambda c: c.call(1, put(), changed={"grpc-encoding": "gzip"}), ("12", "messages are not compressed here")),
        (lambda c: c.call(1, put(), "/no"), ("12", "there is no method /no")),
        (lambda c: c.call(1, put(), "/wrong"), ("2", "unexpected RuntimeError")),
        (lambda c: c.call(1, put(), "/never", changed={"grpc-timeout": "1n"}), ("4", "Deadline Exceeded")),
        (lambda c: c.call(1, b"\xff"), ("13", "this is no PutRequest")),
        (lambda c: c.headers(1, None, END_HEADERS | END_STREAM), ("13", "a request has one message")),
        (lambda c: c.headers(1) + frame(DATA, END_STREAM, 1, bytes(10)), ("13", "a request has one message")),
        (lambda c: c.headers(1) + frame(DATA, END_STREAM, 1, bytes(3)), ("13", "a request has one message")),
        (lambda c: c.headers(1) + frame(DATA, 0, 1, b"\1" + bytes(4)), ("12", "messages are not compressed here")),
        (
            lambda c: c.headers(1) + frame(DATA, 0, 1, b"\0\xff\xff\xff\xff"),
            ("8", "a message of 4294967295 bytes; there are at most 1000000"),
        ),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_answered_is_told_so_and_others_are_answered(
    said: Callable[[Client], bytes], expected: tuple[str, str]
) -> None:
    async def test() -> None:
        client = Client()
        client.say(said(client))
        while client.connection.streams:
            await asyncio.sleep(0)
        await settled(client)
        assert status(client.hear()) == expected
        client.say(client.call(3, put()))
        await settled(client)
        assert status(client.hear(), 3) == ("0", "")

    run(test)


def test_what_need_not_be_known_is_passed_over() -> None:
    async def test() -> None:
        client = Client()
        client.say(frame(PRIORITY, 0, 5, bytes(5)), frame(99, 7, 3, b"x"), frame(PING, 0, 0, b"12345678"))
        assert client.hear() == [(PING, ACK, 0, b"12345678")]
        client.say(frame(PING, ACK, 0, bytes(8)), frame(GOAWAY, 0, 0, bytes(8)), frame(SETTINGS, ACK, 0))
        assert client.hear() == []
        client.say(client.call(1, put()), frame(RESET, 0, 1, bytes(4)), frame(DATA, 0, 1, b"late"))
        await settled(client)
        assert not client.connection.closed

    run(test)


@given(st.lists(st.integers(1, 70_000), max_size=12), st.integers(0, 70_000), st.integers(1, 90_000))
def test_no_more_is_sent_than_there_is_room_for(grants: list[int], first: int, size: int) -> None:
    async def test() -> None:
        client = Client()
        client.say(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, first)))
        client.say(client.call(1, put(lease=size), "/large"))
        await settled(client)
        of_stream, of_connection, came, whole = first, 65_535, 0, False
        for by in [0, *grants, 1 << 20]:
            if by:
                grant = by.to_bytes(4, "big")
                of_stream, of_connection = of_stream + by, of_connection + by
                client.say(frame(WINDOW, 0, 0, grant), b"" if whole else frame(WINDOW, 0, 1, grant))
            heard = client.hear()
            came += sum(len(body) for kind, _, _, body in heard if kind == DATA)
            whole = whole or any(kind == HEADERS and flags & END_STREAM for kind, flags, _, _ in heard)
            assert came <= min(of_stream, of_connection)
            length = len(pb.PutRequest(key=bytes(size)).SerializeToString()) + 5
            assert whole == (came == length)
        assert whole
        assert client.connection.held == 0

    run(test)


def test_who_does_not_read_is_not_heard_and_who_takes_no_answers_is_sent_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http2, "HELD_MOST", 2_000_000)

    async def test() -> None:
        client = Client()
        client.connection.pause_writing()
        paused = client.wire.reading
        client.connection.resume_writing()
        assert (paused, client.wire.reading) == (False, True)
        for number in (1, 3):
            assert not client.connection.closed
            client.say(client.call(number, put(lease=1_500_000), "/large"))
            await settled(client)
        kind, _, _, body = client.hear()[-1]
        assert (kind, body[8:]) == (GOAWAY, b"answers are not taken")

    run(test)


def test_calls_that_are_taken_back_end_and_too_many_of_them_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http2, "STREAMS_MOST", 2)

    async def test() -> None:
        client = Client()
        client.say(*(client.call(number, put(), "/never") for number in (1, 3, 5)))
        assert client.hear() == [(RESET, 0, 5, b"\0\0\0\7")]
        client.say(frame(RESET, 0, 1, bytes(4)))
        assert set(client.connection.streams) == {3}
        client.connection.connection_lost(None)
        await settled(client)  # both have ended
        client = Client()
        for number in range(1, 2_003, 2):
            assert not client.connection.closed
            client.say(client.call(number, put(), "/never"), frame(RESET, 0, number, bytes(4)))
        assert client.hear()[-1][3][4:] == b"\0\0\0\x0bmost requests are taken back"
        client.connection.connection_lost(None)
        await settled(client)

    run(test)


def test_a_stream_is_told_of_room_as_it_is_read() -> None:
    async def test() -> None:
        client = Client()
        message = put(bytes(10_000))
        body = frame(DATA, 0, 1, b"\0" + len(message).to_bytes(4, "big") + message)
        client.say(client.headers(1, {":path": "/every"}))
        grant = (1 << 21).to_bytes(4, "big")
        client.say(frame(WINDOW, 0, 0, grant), frame(WINDOW, 0, 1, grant))
        for _ in range(100):  # four windows
            client.say(body)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        client.say(frame(DATA, END_STREAM, 1))
        await settled(client)
        heard = client.hear()
        assert sum(len(data) for kind, _, _, data in heard if kind == DATA) == 100 * (len(message) + 5)
        assert sum(kind == WINDOW for kind, *_ in heard) == 7
        assert status(heard) == ("0", "")

    run(test)


@given(
    st.lists(st.tuples(st.integers(0, 10), st.integers(0, 255), st.integers(0, 5), st.binary(max_size=40))),
    st.binary(max_size=60),
)
def test_whatever_comes_nothing_raises(frames: list[Sent], rest: bytes) -> None:
    async def test() -> None:
        client = Client()
        client.say(client.headers(1, {":path": "/every"}))
        client.say(b"".join(frame(kind, flags, number, body) for kind, flags, number, body in frames) + rest)
        client.connection.connection_lost(None)
        await settled(client)
        assert not client.connection.streams

    run(test)
