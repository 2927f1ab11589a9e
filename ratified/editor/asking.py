"""Asks the worker, from within an event loop.

Guarantees: an answer is to the last text of its key; whoever asked for an earlier one is told None. A worker that has died is
started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

LINE_MOST = 1 << 26  # bytes; an answer is one line


class Analyst:
    """The worker, and who waits for it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[str, tuple[int, asyncio.Future[dict[str, Any] | None]]] = {}
        self._last = 0
        self._starting = asyncio.Lock()

    async def analysis(self, key: str, path: str, text: str) -> dict[str, Any] | None:
        """Return the analysis of a text; None if another text of that key came meanwhile."""
        process = await self._running()
        self._supersede(key)
        self._last += 1
        future: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        self._waiting[key] = self._last, future
        self._send(process, {"id": self._last, "key": key, "path": path, "text": text})
        return await future

    async def forget(self, key: str) -> None:
        """Nobody waits for a key any more."""
        if key in self._waiting:
            self._supersede(key)
            self._send(await self._running(), {"key": key})

    async def stop(self) -> None:
        """End the worker, and all that it analyses."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    def _supersede(self, key: str) -> None:
        _, earlier = self._waiting.pop(key, (0, None))
        if earlier is not None and not earlier.done():
            earlier.set_result(None)

    def _send(self, process: asyncio.subprocess.Process, request: dict[str, Any]) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "ratified.editor.worker", str(self._seconds)),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    limit=LINE_MOST,
                )
                self._reader = asyncio.create_task(self._read(self._process))
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with contextlib.suppress(ValueError):  # a line that is longer than any answer
            while line := await process.stdout.readline():
                answer = json.loads(line)
                for key, (number, future) in list(self._waiting.items()):
                    if number == answer["id"]:
                        del self._waiting[key]
                        if not future.done():
                            future.set_result(answer["analysis"])
        for key in list(self._waiting):
            self._supersede(key)
        await process.wait()
