"""An asyncio loop whose time is virtual: where nothing can run, the clock jumps to the next timer.

    asyncio.Runner(loop_factory=VirtualLoop)          # a minute of sleeping takes as long as there is to compute

Guarantees: time passes only while nothing can run, and exactly to the next timer; no I/O is waited for. Where there is neither
something to run nor a timer, nothing would ever happen again: that is an error, and not a program that hangs.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class StuckError(RuntimeError):
    """Everything waits, and for nothing that could come."""


class _Jump(selectors.SelectSelector):
    """Waits for nothing: it puts the clock forward instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise StuckError("every task is waiting, and no timer is set")
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that begins at time 0."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """The virtual time, in seconds."""
        return self._jump.now

    def now_ms(self) -> int:
        """The virtual time as policies are told it, to the nearest millisecond."""
        return round(self._jump.now * 1000)


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run a program in virtual time. Raises StuckError if it waits for what cannot come."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
