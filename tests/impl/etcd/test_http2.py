"""gRPC over HTTP/2, against a client that can say anything: what is refused, in which words, and that the others are served."""

from __future__ import annotations

import asyncio
import gzip
import random
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import grpc
import ngh2
import pytest

from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd.calls import Served
from ratified.impl.etcd.errors import Fault
from ratified.impl.etcd.framing import PREFIX, Messages, failed, framed, metadata, seconds
from ratified.impl.etcd.http2 import CONFIGURATION, QUEUED, WINDOW, Http2, _Connection

MOST = 1_000
HEADERS = ((b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"a"))
GRPC = (b"content-type", b"application/grpc")
KEY = pb.RangeRequest(key=b"abc")


class Methods:
    """Methods of a server, and what became of their calls."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.given = 0
        self.go = asyncio.Event()
        self.told: list[Any] = []

    async def length(self, request: Any, context: Any) -> pb.RangeResponse:
        """How long the key is; and what came beside it."""
        self.told = list(context.invocation_metadata())
        return pb.RangeResponse(count=len(request.key))

    async def wait(self, _request: Any, _context: Any) -> pb.RangeResponse:
        """No answer, ever."""
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        raise AssertionError

    async def wrong(self, _request: Any, _context: Any) -> pb.RangeResponse:
        """Something that may not happen."""
        raise ZeroDivisionError("by zero")

    async def many(self, _request: Any, _context: Any) -> AsyncIterator[pb.RangeResponse]:
        """Answers without end, of a kilobyte."""
        while True:
            self.given += 1
            yield pb.RangeResponse(kvs=[pb.KeyValue(value=bytes(1_000))])

    async def both(self, requests: Any, _context: Any) -> AsyncIterator[pb.RangeResponse]:
        """The length of each key, once they may be taken."""
        await self.go.wait()
        async for request in requests:
            if request.key == b"fail":
                raise Fault(grpc.StatusCode.NOT_FOUND, "nothing, 50% \u00e9")
            yield pb.RangeResponse(count=len(request.key))

    def find(self, path: str) -> Served:
        """What serves a path."""
        name = path.removeprefix("/t/")
        if name not in ("length", "wait", "wrong", "many", "both"):
            raise Fault(grpc.StatusCode.UNIMPLEMENTED, f"there is no {name}")
        return Served(pb.RangeRequest, getattr(self, name), name == "both", name in ("many", "both"))


class Client:
    """A client of HTTP/2 that says what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.http2 = ngh2.Connection(ngh2.Role.CLIENT, ngh2.Configuration(auto_window_update=False))
        self.http2.initiate_connection()
        self._reader = reader
        self._writer = writer
        self._seen: list[ngh2.Event] = []

    def ask(self, path: str, *data: bytes, more: tuple[Any, ...] = (GRPC,), end: bool = True) -> int:
        """Begin a call; its number."""
        number = self.http2.send_request((*HEADERS, (b":path", path.encode()), *more))
        self.say(number, *data, end=end)
        return number

    def say(self, number: int, *data: bytes, end: bool = False) -> None:
        """Say more of a call."""
        for each in data:
            self.http2.send_data(number, each)
        if end:
            self.http2.end_stream(number)
        self.flush()

    def flush(self) -> None:
        """Send what there is to send."""
        self._writer.write(self.http2.data_to_send())

    async def until(self, wanted: Callable[[list[ngh2.Event]], bool]) -> list[ngh2.Event]:
        """All events, once they are what is wanted, or the connection has ended."""
        async with asyncio.timeout(20):
            while not wanted(self._seen):
                data = await self._reader.read(1 << 16)
                if not data:
                    break
                self.http2.receive_data(data)
                self._seen += self.http2.events()
                self.flush()
                self._seen += self.http2.events()
        return self._seen

    async def answer(self, number: int) -> tuple[dict[bytes, bytes], bytes]:
        """The headers that a call ends with, all of them, and its data."""
        seen = await self.until(
            lambda all_: any(isinstance(e, ngh2.StreamClosed) and e.stream_id == number for e in all_)
        )
        headers: dict[bytes, bytes] = {}
        data = b""
        for event in seen:
            match event:
                case ngh2.ResponseReceived(n, h, _) | ngh2.TrailersReceived(n, h) if n == number:
                    headers |= dict(h)
                case ngh2.DataReceived(n, d, _) if n == number:
                    data += d
        return headers, data


def served(test: Callable[[Methods, Client, Http2], Awaitable[None]], most: int = MOST) -> None:
    """Run a test with a server and a client."""

    async def main() -> None:
        methods = Methods()
        server = Http2(methods.find, most)
        port = await server.listen("127.0.0.1", 0, None, False)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await test(methods, Client(reader, writer), server)
        finally:
            writer.close()
            await server.close(0)

    asyncio.run(main())


def data_of(request: pb.RangeRequest = KEY) -> bytes:
    """A request as it is sent."""
    return framed(request.SerializeToString())


def packed(body: bytes) -> bytes:
    """A message that is said to be compressed."""
    return PREFIX.pack(True, len(body)) + body


def test_a_call_is_answered_however_its_bytes_are_cut() -> None:
    async def test(methods: Methods, client: Client, _: Http2) -> None:
        data = data_of()
        for pieces in ((data,), tuple(data[n : n + 1] for n in range(len(data))), (b"", data[:5], data[5:])):
            number = client.ask("/t/length", end=False, more=(GRPC, (b"who", b"me"), (b"key-bin", b"AAE")))
            for piece in pieces:
                client.say(number, piece)
            client.say(number, end=True)
            headers, answer = await client.answer(number)
            assert (headers[b":status"], headers[b"grpc-status"]) == (b"200", b"0")
            assert pb.RangeResponse.FromString(answer[5:]).count == 3
        assert methods.told == [("who", "me"), ("key-bin", b"\0\1")]

    served(test)


def test_compressed_requests_are_read() -> None:
    async def test(_m: Methods, client: Client, _: Http2) -> None:
        plain = KEY.SerializeToString()
        for encoding, body in ((b"gzip", gzip.compress(plain)), (b"deflate", zlib.compress(plain))):
            number = client.ask("/t/length", packed(body), more=(GRPC, (b"grpc-encoding", encoding)))
            assert pb.RangeResponse.FromString((await client.answer(number))[1][5:]).count == 3

    served(test)


BOMB = gzip.compress(bytes(10_000_000))
GZIP = (GRPC, (b"grpc-encoding", b"gzip"))


@pytest.mark.parametrize(
    ("path", "data", "more", "code", "text"),
    [
        ("/t/length", (), (GRPC,), 12, "grpc: the method takes one message"),
        ("/t/length", (data_of(), data_of()), (GRPC,), 12, "grpc: the method takes one message"),
        ("/t/length", (data_of()[:-1],), (GRPC,), 13, "grpc: the request is cut off"),
        ("/t/length", (b"\0\0",), (GRPC,), 13, "grpc: the request is cut off"),
        ("/t/length", (framed(bytes(MOST + 1)),), (GRPC,), 8, "grpc: received message larger than max (1001 vs. 1000)"),
        ("/t/length", (b"\0\xff\xff\xff\xff",), (GRPC,), 8, "grpc: received message larger than max (4294967295 vs. 1000)"),
        ("/t/length", (packed(BOMB[:900]),), GZIP, 8, "grpc: received message larger than max (1001 vs. 1000)"),
        ("/t/length", (packed(b"nonsense"),), GZIP, 13,
         "grpc: failed to decompress the received message: Error -3 while decompressing data: incorrect header check"),
        ("/t/length", (packed(gzip.compress(b"")[:-1]),), GZIP, 13,
         "grpc: failed to decompress the received message: it is cut off"),
        ("/t/length", (packed(b"x"),), (GRPC, (b"grpc-encoding", b"snappy")), 12,
         "grpc: Decompressor is not installed for grpc-encoding 'snappy'"),
        ("/t/length", (framed(b"\xff"),), (GRPC,), 13,
         "grpc: failed to unmarshal the received message"),
        ("/t/length", (data_of(),), (GRPC, (b"grpc-timeout", b"soon")), 13, "malformed grpc-timeout"),
        ("/t/nothing", (data_of(),), (GRPC,), 12, "there is no nothing"),
        ("/t/wrong", (data_of(),), (GRPC,), 2, "Unexpected <class 'ZeroDivisionError'>: by zero"),
        ("/t/wait", (data_of(),), (GRPC, (b"grpc-timeout", b"1m")), 4, "context deadline exceeded"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_the_next_call_is_answered(
    path: str, data: tuple[bytes, ...], more: Any, code: int, text: str
) -> None:
    async def test(_m: Methods, client: Client, server: Http2) -> None:
        headers, answer = await client.answer(client.ask(path, *data, more=more))
        assert (headers[b"grpc-status"], headers[b"grpc-message"].decode(), answer) == (
            b"%d" % code,
            text,
            b"",
        )
        assert (await client.answer(client.ask("/t/length", data_of())))[0][b"grpc-status"] == b"0"
        assert not any(connection.calls for connection in server.connections)

    served(test)


def test_what_will_be_refused_is_refused_before_it_has_come() -> None:
    async def test(_m: Methods, client: Client, _: Http2) -> None:
        for data, code in ((b"\0\xff\xff\xff\xff", b"8"), (data_of() * 2, b"12")):
            headers, _answer = await client.answer(client.ask("/t/length", data, end=False))
            assert headers[b"grpc-status"] == code

    served(test)


def test_a_message_of_a_stream_may_be_larger_than_its_window() -> None:
    async def test(methods: Methods, client: Client, _: Http2) -> None:
        methods.go.set()
        number = client.ask("/t/both", data_of(pb.RangeRequest(key=bytes(2 * WINDOW))))
        assert pb.RangeResponse.FromString((await client.answer(number))[1][5:]).count == 2 * WINDOW

    served(test, most=3 * WINDOW)


def test_what_is_not_grpc_is_told_so() -> None:
    async def test(_m: Methods, client: Client, _: Http2) -> None:
        headers, _answer = await client.answer(client.ask("/", more=((b"content-type", b"text/html"),)))
        assert headers == {b":status": b"415"}

    served(test)


def test_who_gives_up_has_its_call_cancelled_and_so_has_who_goes_away() -> None:
    async def test(methods: Methods, client: Client, server: Http2) -> None:
        number = client.ask("/t/wait", data_of())
        await client.answer(client.ask("/t/length", data_of()))  # by then the other one has begun
        client.http2.reset_stream(number)
        client.flush()
        async with asyncio.timeout(20):
            await methods.cancelled.wait()
        methods.cancelled.clear()
        client.ask("/t/wait", data_of())
        await client.answer(client.ask("/t/length", data_of()))
        client._writer.transport.abort()
        async with asyncio.timeout(20):
            await methods.cancelled.wait()
        assert not any(connection.calls for connection in server.connections)

    served(test)


def test_a_stream_of_answers_waits_for_its_reader() -> None:
    """A window of 65,535 bytes is given at first, and so much again may wait here."""

    async def test(methods: Methods, client: Client, _: Http2) -> None:
        client.ask("/t/many", data_of())

        def received(seen: list[ngh2.Event]) -> int:
            return sum(len(event.data) for event in seen if isinstance(event, ngh2.DataReceived))

        assert received(await client.until(lambda seen: received(seen) == 65_535)) == 65_535
        await client.answer(client.ask("/t/nothing"))  # the server has had its turns meanwhile
        assert methods.given <= (65_535 + QUEUED) // 1_000 + 2

    served(test)


def test_of_requests_that_are_not_taken_a_window_is_kept_and_then_more_may_come() -> None:
    async def test(methods: Methods, client: Client, _: Http2) -> None:
        number = client.ask("/t/both", end=False)
        request = data_of(pb.RangeRequest(key=bytes(900)))
        count = 2 * WINDOW // len(request)
        await client.until(lambda seen: any(isinstance(event, ngh2.SettingsReceived) for event in seen))
        client.say(number, request * count, end=True)
        await client.answer(client.ask("/t/nothing"))
        assert client.http2.queued_body_size(number) == len(request) * count - WINDOW
        client.http2.set_local_window_size(1 << 20)
        methods.go.set()
        headers, answer = await client.answer(number)
        assert headers[b"grpc-status"] == b"0"
        assert len(Messages(MOST).feed(answer)) == count

    served(test)


def test_a_stream_ends_with_what_went_wrong() -> None:
    async def test(methods: Methods, client: Client, _: Http2) -> None:
        methods.go.set()
        headers, answer = await client.answer(
            client.ask("/t/both", data_of() + data_of(pb.RangeRequest(key=b"fail")) + data_of())
        )
        assert [pb.RangeResponse.FromString(each).count for each in Messages(MOST).feed(answer)] == [3]
        assert headers[b"grpc-status"] == b"5"
        assert headers[b"grpc-message"] == b"nothing, 50%25 %C3%A9"

    served(test)


def test_a_server_that_stops_answers_what_is_on_the_way_and_no_more() -> None:
    async def test(methods: Methods, client: Client, server: Http2) -> None:
        number = client.ask("/t/both", data_of(), end=False)
        await client.answer(client.ask("/t/nothing"))
        closing = asyncio.ensure_future(server.close(20))
        await client.until(lambda seen: any(isinstance(event, ngh2.GoAwayReceived) for event in seen))
        methods.go.set()
        client.say(number, end=True)
        headers, answer = await client.answer(number)
        assert (headers[b"grpc-status"], len(Messages(MOST).feed(answer))) == (b"0", 1)
        await closing
        assert not server.connections

    served(test)


def test_headers_are_read_and_written() -> None:
    assert [seconds(text) for text in (b"2H", b"3M", b"4S", b"500m")] == [7200, 180, 4, 0.5]
    assert (round(seconds(b"6u") * 1e6), round(seconds(b"7n") * 1e9)) == (6, 7)
    for text in (b"", b"5", b"m", b"123456789S", b"-1S", b"1s"):
        with pytest.raises(Fault, match=r"^malformed grpc-timeout$"):
            seconds(text)
    said = [(b":path", b"/"), (b"grpc-timeout", b"1S"), (b"x-bin", b"*"), (b"y", b"\xff"), (b"z", b"1")]
    assert metadata(said) == (("x-bin", b""), ("z", "1"))
    assert failed(Fault(grpc.StatusCode.NOT_FOUND, "a\nb")) == (
        (b"grpc-status", b"5"),
        (b"grpc-message", b"a%0Ab"),
    )


class Wire:
    """A transport to nobody."""

    closed = False

    def write(self, data: bytes) -> None:
        pass

    def get_extra_info(self, _name: str) -> None:
        return None

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def said(chance: random.Random) -> bytes:
    """What a client says, with some mistakes."""
    client = ngh2.Connection(ngh2.Role.CLIENT)
    client.initiate_connection()
    data = bytearray(client.data_to_send())
    preface = len(data)
    for _ in range(chance.randrange(1, 5)):
        path = chance.choice((b"/t/length", b"/t/both", b"/t/many", b"/t/wait", b"/t/x"))
        timeout = (b"grpc-timeout", chance.choice((b"1S", b"1n", b"x")))
        number = client.send_request((*HEADERS, (b":path", path), GRPC, timeout))
        for _ in range(chance.randrange(3)):
            client.send_data(number, data_of()[: chance.randrange(1, 20)])
        if chance.random() < 0.7:
            client.end_stream(number)
        if chance.random() < 0.2:
            client.reset_stream(number)
        data += client.data_to_send()
    for _ in range(chance.randrange(4)):
        at = chance.randrange(24, len(data))
        kind, flags = chance.randrange(11), chance.randrange(256)
        frame = bytes((0, 0, 8, kind, flags, 0, 0, 0, chance.choice((0, 1, 3)))) + chance.randbytes(8)
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + 5]
            case 2:
                data[at:at] = frame
            case _:
                data += data[preface:]
    return bytes(data)


def test_whatever_a_client_says_only_its_connection_ends(caplog: pytest.LogCaptureFixture) -> None:
    wrong: list[Any] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
        methods, chance = Methods(), random.Random(5)
        methods.go.set()
        server = Http2(methods.find, MOST)
        for _ in range(400):
            connection, wire = _Connection(server, tls=False), Wire()
            connection.connection_made(wire)  # type: ignore[arg-type]  # what is used of a transport
            data = said(chance)
            while data and not wire.closed:
                size = chance.randrange(1, len(data) + 1)
                connection.data_received(data[:size])
                data = data[size:]
                await asyncio.sleep(0)
            connection.connection_lost(None)
            for _ in range(10):
                await asyncio.sleep(0)
            assert not connection.calls
            assert len(asyncio.all_tasks()) == 1
        assert not server.connections

    asyncio.run(main())
    assert not wrong
    assert not caplog.records


def frame(kind: int, flags: int, number: int, body: bytes = b"") -> bytes:
    """A frame of HTTP/2."""
    return len(body).to_bytes(3, "big") + bytes((kind, flags)) + number.to_bytes(4, "big") + body


def asked(count: int, data: bytes, end: int = 1, windows: bytes = b"", cancelled: bool = False) -> bytes:
    """The preface, and the beginnings of calls, with some data each."""
    client = ngh2.Connection(ngh2.Role.CLIENT)
    client.initiate_connection()
    client.data_to_send()
    head = b""
    said = bytearray(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, windows))
    for n in range(count):
        if n < 2:  # the headers are in the table from then on
            client.send_request((*HEADERS, (b":path", b"/t/length"), GRPC))
            head = client.data_to_send()[9:]
        said += frame(1, 4, 2 * n + 1, head) + frame(0, end, 2 * n + 1, data)
        if cancelled:
            said += frame(3, 0, 2 * n + 1, b"\0\0\0\x08")
    return bytes(said)


NO_WINDOW = b"\0\4\0\0\0\0"
HUGE = frame(1, 4, 1, b"".join(b"\0\1a\x7f\xa1\x1e" + bytes(4_000).replace(b"\0", b"v") for _ in range(5)))
FLOODS = {
    "calls that are begun and cancelled": asked(300, b"", end=0, cancelled=True)[len(asked(0, b"")) :],
    "pings": frame(6, 0, 0, bytes(8)) * 2_000,
    "settings": frame(4, 0, 0, b"\0\3\0\0\0\x64") * 2_000,
    "headers without end": frame(1, 0, 1, b"\x83") + frame(9, 0, 1) * 100,
    "headers of 20,000 bytes": HUGE,
    "priorities": b"".join(frame(2, 0, 2 * n + 1, b"\0\0\0\0\1") for n in range(20_000)),
    "frames of no kind": frame(77, 0, 0, b"x") * 30_000,
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_connection_that_floods_is_ended(flood: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sooner = replace(CONFIGURATION, stream_reset_rate_limit=(100, 1))
    monkeypatch.setattr("ratified.impl.etcd.http2.CONFIGURATION", sooner)

    async def main() -> None:
        server, wire = Http2(Methods().find, MOST), Wire()
        connection = _Connection(server, tls=False)
        connection.connection_made(wire)  # type: ignore[arg-type]  # what is used of a transport
        connection.data_received(asked(0, b"") + FLOODS[flood])
        assert wire.closed
        connection.connection_lost(None)
        assert not connection.calls
        assert (server.held, len(server.connections)) == (0, 0)

    asyncio.run(main())


@pytest.mark.parametrize("many", [False, True])
def test_what_waits_for_its_end_or_for_its_caller_is_bounded(
    many: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the connection, or if all have too much, by the share of each; the others are served."""
    monkeypatch.setattr("ratified.impl.etcd.http2.HELD_MOST", 1 << 30 if many else 10_000)
    monkeypatch.setattr("ratified.impl.etcd.http2.ALL_HELD_MOST", 20_000)
    monkeypatch.setattr("ratified.impl.etcd.http2.SHARE", 5_000)
    monkeypatch.setattr("ratified.impl.etcd.http2.BEGUN_MOST", 10_000)

    async def length(_request: Any, _context: Any) -> pb.RangeResponse:
        return pb.RangeResponse(kvs=[pb.KeyValue(value=bytes(1_000))])

    async def main() -> None:
        methods = Methods()
        monkeypatch.setattr(methods, "length", length)
        server = Http2(methods.find, MOST)
        made = [_Connection(server, tls=False) for _ in range(3)]
        for connection in made:
            connection.connection_made(Wire())  # type: ignore[arg-type]  # what is used of a transport
        made[0].data_received(asked(100, data_of(), windows=NO_WINDOW))
        made[1].data_received(asked(100, framed(bytes(900))[:-1], end=0))
        for _ in range(10):
            await asyncio.sleep(0)
        made[2].data_received(asked(3, data_of(), windows=NO_WINDOW))
        for _ in range(10):
            await asyncio.sleep(0)
        waits = [connection._held for connection in made]
        assert 5_000 < waits[0] < (22_000 if many else 12_000)
        assert 5_000 < waits[1] < 12_000
        assert waits[2] > 3_000
        assert server.held == sum(waits)
        for connection in made:
            connection.connection_lost(None)
        assert server.held == 0

    asyncio.run(main())
