"""When what holds an implementation to its model has to end: its time is over, or somebody has pressed Ctrl-C.

Guarantees: whoever asks often enough ends soon, with what there is until then; a second Ctrl-C is Python's own. (An exception
out of nowhere would be lost where Hypothesis, or the collector of garbage, calls back.)
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ratified.results.seen import INTERRUPTED

SMALL_GRAPH = 300
"""Seconds: whoever has less covers a small graph, however long that takes."""

OUT_OF_TIME = "out of time"

Over = Callable[[], str | None]
"""Why it is to end, if it is."""


def never() -> None:
    """It is not to end."""


class EndedError(BaseException):
    """Ends what has no other way out. No handler of exceptions takes it for a mistake of what is tried."""


class FoundError(AssertionError):
    """Ends an example of Hypothesis that found something."""


def after(seconds: float | None, over: Over = never, clock: Callable[[], float] = time.monotonic) -> Over:
    """What ends so many seconds from now, and whenever `over` does."""
    until = None if seconds is None else clock() + seconds

    def ended() -> str | None:
        return over() or (OUT_OF_TIME if until is not None and clock() > until else None)

    return ended


@contextmanager
def interruptible() -> Iterator[Over]:
    """Within this, the first Ctrl-C is what the given function tells of."""
    if threading.current_thread() is not threading.main_thread():
        yield never
        return
    before = signal.getsignal(signal.SIGINT)
    pressed: list[str] = []

    def press(*_: object) -> None:
        pressed.append(INTERRUPTED)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed[0] if pressed else None
    finally:
        signal.signal(signal.SIGINT, before)
