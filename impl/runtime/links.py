"""Connections: those that this node makes, one to each other node, to speak on; and those that others make, to listen to.

What cannot be sent is lost, as the contract allows: when there is no connection, or when too much waits for one. A message that
takes many frames (a snapshot) lets smaller ones go between its parts, so that heartbeats do not wait for it.

Guarantees: no more than `most_waiting` bytes wait for one node, beside one long message; nothing that comes in raises; a peer is
who its certificate says it is, where there are certificates.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast

from ratified.impl.runtime.codec import CodecError
from ratified.impl.runtime.wire import (
    GREETINGS,
    LONGEST,
    PART,
    VERSIONS,
    Frames,
    Hello,
    Kind,
    Parts,
    Refusal,
    Welcome,
    WireError,
    agreed,
    framed,
)

GREETING_SECONDS = 5.0
"""How long a hello, or its answer, may take."""

FIRST_WAIT, LAST_WAIT = 0.05, 1.0
"""Seconds between attempts to connect, doubled from the first to the last."""


class Log(Protocol):
    """A structured log."""

    def info(self, event: str, **fields: Any) -> Any:
        """Something happened."""

    def warning(self, event: str, **fields: Any) -> Any:
        """Something went wrong that is dealt with."""

    def error(self, event: str, **fields: Any) -> Any:
        """Something went wrong."""


Stamped = Callable[[], bytes]


def parsed(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`, or `[host]:port`. Raises ValueError."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535 or not host:
        raise ValueError(f"{address!r} is not an address: write host:port")
    return host.strip("[]"), int(port)


class Link:
    """What this node says to one other: a connection that is made again whenever it is lost."""

    def __init__(
        self,
        hello: Hello,
        address: Callable[[], str | None],
        tls: ssl.SSLContext | None,
        log: Log,
        stamp: Stamped,
        greeting: Callable[[], bytes],
        most_waiting: int = 8 << 20,
    ) -> None:
        self.hello = hello
        self.connected = False
        self.lost = 0  # messages that could not be sent
        self._address = address
        self._tls = tls
        self._log = log
        self._stamp = stamp
        self._greeting = greeting
        self._most = most_waiting
        self._transport: asyncio.Transport | None = None
        self._may_write = False
        self._waiting: deque[bytes] = deque()
        self._waits = 0
        self._long: deque[bytes] = deque()  # the frames of one long message
        self._told: str | None = None
        self._task = asyncio.create_task(self._keep())

    def send(self, message: bytes) -> None:
        """Send a message, or lose it."""
        if self._transport is None or self._transport.is_closing():
            self.lost += 1
            return
        stamp = self._stamp()
        if len(message) > PART:
            if self._long:  # the one before is still on its way
                self.lost += 1
                return
            view = memoryview(message)
            pieces: list[Any] = [view[at : at + PART] for at in range(0, len(view), PART)]
            kinds = [Kind.PART] * (len(pieces) - 1) + [Kind.LAST]
            first = [stamp, *([b""] * (len(pieces) - 1))]
            self._long.extend(map(framed, kinds, first, pieces))
            self.pump()
        elif self._may_write:  # so nothing waits
            self._transport.write(framed(Kind.MESSAGE, stamp, message))
        elif self._waits + len(message) > self._most:
            self.lost += 1
        else:
            frame = framed(Kind.MESSAGE, stamp, message)
            self._waiting.append(frame)
            self._waits += len(frame)

    def announce(self, addresses: bytes) -> None:
        """Tell where nodes are to be found."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(framed(Kind.ADDRESSES, addresses))

    def pump(self) -> None:
        """Write what may be written. A transport that is closing raises, or drops it, as the loop has it."""
        transport = self._transport
        if transport is None:
            return
        while self._may_write and (self._waiting or self._long) and not transport.is_closing():
            if self._waiting:
                frame = self._waiting.popleft()
                self._waits -= len(frame)
            else:
                frame = self._long.popleft()
            transport.write(frame)

    async def close(self) -> None:
        """End it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    # Staying connected

    async def _keep(self) -> None:
        wait = FIRST_WAIT
        while True:
            address = self._address()
            try:
                if address is None:
                    raise OSError("nobody knows its address")
                over = await self._connect(address)
                wait = FIRST_WAIT
                await over
                self._tell("the connection was lost")
            except (OSError, WireError, CodecError, ssl.SSLError, TimeoutError, ValueError) as error:
                self._tell(_said(error))
            finally:
                self._drop()
            await asyncio.sleep(wait)
            wait = min(2 * wait, LAST_WAIT)

    async def _connect(self, address: str) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        host, port = parsed(address)
        name = self.hello.to if self._tls else None
        outgoing = _Outgoing(self, loop)
        async with asyncio.timeout(GREETING_SECONDS):
            transport, _ = await loop.create_connection(
                lambda: outgoing, host, port, ssl=self._tls, server_hostname=name
            )
            transport.write(framed(Kind.HELLO, GREETINGS.encode(self.hello)))
            try:
                await outgoing.welcomed
            except BaseException:
                transport.abort()
                raise
        self._transport = transport
        self._may_write = self.connected = True
        self._transport.write(framed(Kind.ADDRESSES, self._greeting()))
        self._told = None
        self._log.info("connected", peer=self.hello.to, address=address)
        return outgoing.over

    def _drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self._transport = None
        self._may_write = self.connected = False
        self.lost += len(self._waiting)
        self._waiting.clear()
        self._long.clear()
        self._waits = 0

    def _tell(self, why: str) -> None:
        """Say why there is no connection: once, and not at each attempt."""
        if why != self._told:
            self._told = why
            self._log.warning("not connected", peer=self.hello.to, why=why)

    def may_write(self, may: bool) -> None:
        """The transport's buffer is full, or no more so."""
        self._may_write = may and self._transport is not None
        self.pump()


def _said(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


class _Outgoing(asyncio.Protocol):
    """The socket of a link: listens for the answer to the hello, and for the end."""

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        self._link = link
        self._frames = Frames()
        self.welcomed: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        keep_alive(transport)

    def data_received(self, data: bytes) -> None:
        try:
            for kind, body in self._frames.feed(data):
                greeting = GREETINGS.decode(body) if kind in (Kind.WELCOME, Kind.REFUSAL) else None
                if isinstance(greeting, Refusal):
                    raise WireError(f"it refuses: {greeting.why[:200]}")
                if not isinstance(greeting, Welcome) or greeting.version not in VERSIONS:
                    raise WireError("its answer is not a welcome")
                if not self.welcomed.done():
                    self.welcomed.set_result(None)
        except (WireError, CodecError) as error:
            self._end(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or WireError("it closed the connection"))

    def _end(self, error: Exception) -> None:
        if not self.welcomed.done():
            self.welcomed.set_exception(error)
            self.welcomed.exception()  # maybe nobody waits for it any more
        if not self.over.done():
            self.over.set_result(None)
        if self._transport is not None:
            self._transport.abort()

    def pause_writing(self) -> None:
        self._link.may_write(False)

    def resume_writing(self) -> None:
        self._link.may_write(True)


class Listener(Protocol):
    """Who is told what comes in."""

    def refuses(self, hello: Hello, names: Iterable[str] | None) -> str | None:
        """Why not to speak to one who says this, of whom a certificate says these names (None: there are no certificates)."""

    def welcomed(self, incoming: Incoming) -> None:
        """A connection is there."""

    def frame(self, incoming: Incoming, hello: Hello, kind: int, body: bytes) -> None:
        """A frame came from one who was welcomed. Raises WireError or CodecError if it makes no sense."""

    def whole(self, hello: Hello, message: bytes) -> None:
        """A message came in parts. Raises CodecError."""

    def ended(self, incoming: Incoming) -> None:
        """A connection ended."""


class Incoming(asyncio.Protocol):
    """A connection that another one has made."""

    def __init__(self, listener: Listener, refused: Callable[[str, str], None], most: int) -> None:
        self.hello: Hello | None = None
        self.names: tuple[str, ...] | None = None
        self.on_the_way = 0  # requests of this client that have no answer yet
        self._paused: set[str] = set()  # the reasons not to read
        self._listener = listener
        self._refused = refused
        self._frames = Frames()
        self._parts = Parts(most)
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the hello, but not for ever."""
        self._transport = cast("asyncio.Transport", transport)
        keep_alive(transport)
        certificate = transport.get_extra_info("peercert")
        self.names = names_in(certificate) if certificate is not None else None
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(GREETING_SECONDS, self._refuse, "no hello in time")

    def data_received(self, data: bytes) -> None:
        """Take what comes in, as far as it makes sense; the first that makes none ends the connection."""
        try:
            for kind, body in self._frames.feed(data):
                if self.hello is None:
                    self._greet(kind, body)
                elif kind in (Kind.PART, Kind.LAST) and self.hello.peer:
                    whole = self._parts.add(body, kind == Kind.LAST)
                    if whole is not None:
                        self._listener.whole(self.hello, whole)
                else:
                    self._listener.frame(self, self.hello, kind, body)
                if self._transport is None or self._transport.is_closing():
                    return
        except (WireError, CodecError) as error:
            self._refuse(str(error))

    def _greet(self, kind: int, body: bytes) -> None:
        hello = GREETINGS.decode(body) if kind == Kind.HELLO else None
        if not isinstance(hello, Hello):
            raise WireError("it does not say hello")
        if self._deadline is not None:
            self._deadline.cancel()
        version = agreed(hello.versions)
        if version is None:
            return self._refuse(
                f"it speaks versions {_listed(hello.versions)} of the protocol between nodes, and this node {_listed(VERSIONS)}"
            )
        why = self._listener.refuses(hello, self.names)
        if why is not None:
            return self._refuse(why)
        self.hello = hello
        self._listener.welcomed(self)
        self.write(framed(Kind.WELCOME, GREETINGS.encode(Welcome(version))))
        return None

    def _refuse(self, why: str) -> None:
        self._refused(address_of(self._transport), why)
        self.write(framed(Kind.REFUSAL, GREETINGS.encode(Refusal(why[:500]))))
        if self._transport is not None:
            self._transport.close()

    def write(self, frame: bytes) -> None:
        """Send a frame."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def pause(self, why: str) -> None:
        """Read no more, until this reason is gone: one who asks more than is answered waits."""
        self._paused.add(why)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self, why: str) -> None:
        """Read again, if there is no other reason to wait."""
        self._paused.discard(why)
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        """One who does not read its answers is not heard either."""
        self.pause("answers")

    def resume_writing(self) -> None:
        """It has read them."""
        self.resume("answers")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio has it
        """It is over."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._transport = None
        self._listener.ended(self)

    def abort(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, list(numbers)[:8])) or "none"


def names_in(certificate: Any) -> tuple[str, ...]:
    """Return the names that a certificate is for."""
    return tuple(value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS")


def address_of(transport: asyncio.BaseTransport | None) -> str:
    """Return where a connection comes from."""
    name = transport.get_extra_info("peername") if transport is not None else None
    return ":".join(map(str, name[:2])) if isinstance(name, tuple) else "?"


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Notice a connection whose other end is gone without a word."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 5_000)


__all__ = ["LONGEST", "Incoming", "Link", "Listener", "Log", "address_of", "keep_alive", "names_in", "parsed"]
