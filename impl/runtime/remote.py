"""A connection to a node by the framed protocol: commands, queries, status, orders.

Guarantees: every request ends: with what the node says, or with `Lost` (a command) or `Busy` (anything else) when the connection
ends or the time is over.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
from typing import Any

from ratified.impl.contract import Busy, Command, Done, Lost, NodeId, Outcome
from ratified.impl.runtime.codec import CodecError
from ratified.impl.runtime.links import GREETING_SECONDS, parsed
from ratified.impl.runtime.wire import (
    GREETINGS,
    SPEECH,
    VERSIONS,
    Frames,
    Hello,
    Kind,
    Refusal,
    Request,
    Response,
    Welcome,
    WireError,
    framed,
)


class Remote:
    """A node, as its clients have it. Use it as an asynchronous context manager; raises OSError where there is no node."""

    def __init__(
        self,
        address: str,
        cluster: str = "ratified",
        node: NodeId = "",
        *,
        name: str = "client",
        tls: ssl.SSLContext | None = None,
        seconds: float = 10.0,
    ) -> None:
        self._address = parsed(address)
        self._hello = Hello(VERSIONS, cluster, name, node, "", peer=False)
        self._tls = tls
        self._seconds = seconds
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Outcome | None]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self.over = False

    async def __aenter__(self) -> Remote:
        host, port = self._address
        name = (self._hello.to or host) if self._tls else None
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                reader, self._writer = await asyncio.open_connection(
                    host, port, ssl=self._tls, server_hostname=name
                )
                self._writer.write(framed(Kind.HELLO, GREETINGS.encode(self._hello)))
                await self._greeted(reader)
        except TimeoutError:
            await self.close()
            raise ConnectionError(f"no answer from {host}:{port} in {GREETING_SECONDS:g} s") from None
        except BaseException:
            await self.close()
            raise
        return self

    async def _greeted(self, reader: asyncio.StreamReader) -> None:
        frames = Frames()
        rest: list[tuple[int, bytes]] = []
        while not rest:
            data = await reader.read(1 << 16)
            if not data:
                raise ConnectionError("the node closed the connection")
            rest.extend(frames.feed(data))
        greeting = GREETINGS.decode(rest.pop(0)[1])
        if isinstance(greeting, Refusal):
            raise ConnectionError(f"the node refuses: {greeting.why}")
        if not isinstance(greeting, Welcome):
            raise ConnectionError("it is not a node")
        self._reading = asyncio.create_task(self._read(reader, frames))

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        self._end()

    def _end(self) -> None:
        self.over = True
        if self._writer is not None:
            self._writer.transport.abort()
        for future in self._waiting.values():
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    async def _read(self, reader: asyncio.StreamReader, frames: Frames) -> None:
        try:
            while data := await reader.read(1 << 16):
                for _, body in frames.feed(data):
                    response = SPEECH.decode(body)
                    if isinstance(response, Response):
                        future = self._waiting.pop(response.number, None)
                        if future is not None and not future.done():
                            future.set_result(response.outcome)
        except (OSError, WireError, CodecError):
            pass
        finally:
            self._end()

    async def _ask(self, what: str, payload: bytes, client: str = "", serial: int = 0) -> Outcome | None:
        if self.over or self._writer is None:
            return None
        number = next(self._numbers)
        future: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        body = SPEECH.encode(Request(number, what, client, serial, payload))
        try:
            async with asyncio.timeout(self._seconds):
                self._writer.write(framed(Kind.REQUEST, body))
                await self._writer.drain()
                return await future
        except (TimeoutError, OSError):
            return None
        finally:
            self._waiting.pop(number, None)

    async def submit(self, command: Command) -> Outcome:
        """Have a command executed."""
        outcome = await self._ask("submit", command.payload, command.client, command.serial)
        return Lost(None) if outcome is None else outcome

    async def query(self, payload: bytes) -> Outcome:
        """Ask the replicated state something, linearizably."""
        return await self._ask("query", payload) or Busy()

    async def look(self, payload: bytes) -> Outcome:
        """Ask this node's own copy of the state."""
        return await self._ask("look", payload) or Busy()

    async def digest(self) -> Outcome:
        """Return a digest of this node's own copy of the state: equal states have equal ones."""
        return await self._ask("digest", b"") or Busy()

    async def order(self, words: str) -> Outcome:
        """Give an order: `add n4 127.0.0.1:7004`, `transfer n2`."""
        return await self._ask("order", words.encode()) or Busy()

    async def status(self) -> dict[str, Any] | None:
        """Return what the node knows of itself; None if it does not say."""
        outcome = await self._ask("status", b"")
        if not isinstance(outcome, Done):
            return None
        report: dict[str, Any] = json.loads(outcome.result)
        return report
