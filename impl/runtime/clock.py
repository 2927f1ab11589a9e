"""A hybrid logical clock (Kulkarni et al., "Logical physical clocks", 2014): numbers that order what may have caused what.

A stamp is one number of 64 bits: milliseconds of the wall clock, and a counter in the last 16 bits.

Guarantees: stamps of one clock only grow; what is sent with a stamp that another clock has merged comes before what that one does
next, however the wall clocks jump.
"""

from __future__ import annotations

import time
from collections.abc import Callable

BITS = 16


class Hybrid:
    """The clock of a node. `last` is the largest stamp that it has given out or heard of."""

    __slots__ = ("_wall", "last")

    def __init__(self, last: int = 0, wall: Callable[[], int] = time.time_ns) -> None:
        self.last = last
        self._wall = wall

    def tick(self) -> int:
        """Return the stamp of something that happens now."""
        self.last = max(self.last + 1, self._wall() // 1_000_000 << BITS)
        return self.last

    def merge(self, stamp: int) -> None:
        """Take note of a stamp that came with a message. One that is far ahead of all sense is not heeded."""
        if self.last < stamp < 1 << 63:
            self.last = stamp


def pair(stamp: int) -> tuple[int, int]:
    """Return the milliseconds and the counter of a stamp."""
    return stamp >> BITS, stamp & (1 << BITS) - 1
