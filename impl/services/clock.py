"""Time as policies are told it: whole milliseconds of a clock that only goes forward.

Guarantees: a moment before the last one, or one that is no number, is an error, and nothing has changed then.
"""

from __future__ import annotations

from ratified.impl.services.endpoints import ServiceError


class ClockError(ServiceError):
    """A clock went backwards. Policies are told the time of a clock that does not (`time.monotonic`)."""


class Moments:
    """The moments that a policy has been told; `at` takes the next one."""

    __slots__ = ("now_ms",)

    def __init__(self) -> None:
        self.now_ms = 0

    def at(self, now_ms: int) -> int:
        """Take the time. Raises ClockError if it is earlier than before, or none."""
        if type(now_ms) is not int:
            raise ClockError(f"the time is a whole number of milliseconds, not {now_ms!r}")
        if now_ms < self.now_ms:
            raise ClockError(f"the clock went back from {self.now_ms} to {now_ms} ms")
        self.now_ms = now_ms
        return now_ms
