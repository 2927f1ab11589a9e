"""The live line on a terminal: how far an exploration has come.

Guarantees: writes to a terminal only, on one line, and leaves nothing of it behind; shows nothing of what is over quickly.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TextIO

from ratified.cli.output import dumb
from ratified.results.result import Progress

if TYPE_CHECKING:
    from ratified.smt.proving import ProofProgress

SHOWN_AFTER = 2.0
"""Seconds before the line appears."""

BETWEEN_LINES = 0.2
"""Seconds between two that say how many runs are done."""


class LiveText:
    """Redraws one line of a terminal. Used as a context manager, it cleans up."""

    def __init__(self, stream: TextIO, width: int | None = None) -> None:
        self._stream = stream
        self._width = width
        self._drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.clear()

    def show(self, text: str) -> None:
        """Draw the line, unless the terminal could not take it away."""
        if dumb():
            return
        width = self._width or shutil.get_terminal_size().columns
        # The last column stays free: some terminals wrap when it is filled.
        self._stream.write("\r\x1b[2K" + text[: width - 1])
        self._stream.flush()
        self._drawn = True

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
            self._drawn = False


class LiveLine(LiveText):
    """A callback for `check` that shows how far it has come."""

    def __init__(self, stream: TextIO, title: str, width: int | None = None) -> None:
        super().__init__(stream, width)
        self._title = title

    def __call__(self, progress: Progress) -> None:
        """Draw the line, if it is time to show one."""
        if progress.seconds >= SHOWN_AFTER:
            self.show(line(self._title, progress))


def line(title: str, progress: Progress) -> str:
    """Return what the line says."""
    rate = progress.distinct / progress.seconds if progress.seconds > 0 else 0.0
    if progress.doing:
        return f"{title}  {progress.doing}  {_clock(progress.seconds)}"
    ranks = ""
    if progress.imbalance is not None and progress.sent is not None:
        ranks = f"imbalance {progress.imbalance:.2f}  {progress.sent:.1f} B sent/state  "
    return (
        f"{title}  {progress.distinct:,} states  {rate:,.0f}/s  depth {progress.depth}  "
        f"queue {progress.queue:,}  {ranks}{_clock(progress.seconds)}"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


class RunsLine:
    """A callback for random runs that says how many are done, a few times a second at most."""

    def __init__(self, title: str, asked: int, say: Callable[[str], None]) -> None:
        self._title = title
        self._asked = asked
        self._say = say
        self._began = time.monotonic()
        self._next = self._began + SHOWN_AFTER

    def __call__(self, done: int) -> None:
        """Say it, if it is time to."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + BETWEEN_LINES
            self._say(f"{self._title}  {done:,} of {self._asked:,} runs  {_clock(now - self._began)}")


class ProofLine(LiveText):
    """A callback for `prove` that shows how far it has come."""

    def __init__(self, stream: TextIO, title: str, width: int | None = None) -> None:
        super().__init__(stream, width)
        self._title = title

    def __call__(self, progress: ProofProgress) -> None:
        """Draw the line, if it is time to show one."""
        if progress.seconds < SHOWN_AFTER:
            return
        failed = f"  {progress.failed} failed" if progress.failed else ""
        line = f"{self._title}  {progress.done} of {progress.obligations} obligations{failed}"
        self.show(f"{line}  {_clock(progress.seconds)}")
