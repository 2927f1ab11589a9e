"""The event loop that subjects go on in, a few turns at a time: what is under way when a script ends is cancelled.

There is one for all subjects, since closing a loop from a finalizer could happen while another runs. So one subject is run at a
time: making the next one ends what the last has left.
"""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Coroutine, Generator
from functools import cache
from typing import Any

_pending: set[asyncio.Task[Any]] = set()
"""A loop has weak references to its tasks only: one that waits for what nobody else has would be collected, with a complaint."""


@cache
def loop() -> asyncio.AbstractEventLoop:
    """Return the loop."""
    made = asyncio.new_event_loop()
    made.set_task_factory(_kept)
    atexit.register(close)
    return made


def _kept(
    of: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any] | Generator[Any, None, Any], **options: Any
) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(work, loop=of, **options)
    _pending.add(task)
    task.add_done_callback(_pending.discard)
    return task


def spin(turns: int = 25) -> None:
    """Let everybody go on for so many turns: as far as they come without something new."""

    async def some() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    loop().run_until_complete(some())


def end() -> None:
    """Cancel what is under way."""
    tasks = asyncio.all_tasks(loop())
    for task in tasks:
        task.cancel()
    if tasks:
        loop().run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def close() -> None:
    """Cancel what is under way, for good."""
    end()
    loop().close()
