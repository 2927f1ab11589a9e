"""The checker with its words: follows an implementation step by step, and tells what the model does not allow."""

from __future__ import annotations

from ratified.follow.binding import Event
from ratified.follow.mismatch import told
from ratified.follow.tracker import Tracker


class ConformanceError(AssertionError):
    """An implementation does what its model does not allow; for tests, which call `Follower.expect`."""


class Follower(Tracker):
    """Follows an implementation by its binding. See `ratified.follow.tracker` for how an event is explained."""

    def expect(self, event: Event) -> None:
        """Follow one event inside a test. Raises ConformanceError if it is not explained, telling why."""
        if not self.step(event):
            raise ConformanceError(told(self))
