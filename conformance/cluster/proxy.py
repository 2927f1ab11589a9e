"""What stands between two nodes: a listener that passes on what it gets, or keeps it, or throws it away.

Guarantees: what gets through stays in order, late by `delay` seconds at least; while a way is cut nothing does; when it is
mended, what was kept goes on its way, late, or the connections are broken, as was asked.
"""

from __future__ import annotations

import asyncio
import contextlib

from ratified.impl.contract import NodeId
from ratified.impl.runtime.links import parsed

CHUNK = 1 << 16


class Way:
    """From one node to another. `address` is where the first one finds it."""

    def __init__(self, sender: NodeId, to: NodeId, target: str) -> None:
        self.sender = sender
        self.to = to
        self.address = ""
        self.delay = 0.0
        self._target = parsed(target)
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Begin, at a port of the kernel's choice."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Let nothing through."""
        self._open.clear()

    def mend(self, *, broken: bool) -> None:
        """Let everything through again; `broken`: but nothing of what was said meanwhile."""
        if not self._open.is_set() and broken:
            for writer in self._writers:
                writer.transport.abort()
        self._open.set()

    async def close(self) -> None:
        """End all."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)  # now, and not when its task begins, so that it is closed in any case
        task = asyncio.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward: asyncio.StreamWriter | None = None
        try:
            await self._open.wait()
            back, onward = await asyncio.open_connection(*self._target)
            self._writers.add(onward)
            await asyncio.gather(self._pass(reader, onward), self._pass(back, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, onward):
                if end is not None:
                    self._writers.discard(end)
                    end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        finally:
            with contextlib.suppress(OSError):
                writer.transport.abort()
