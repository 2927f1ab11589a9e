"""The checker with its words: follows an implementation step by step, and tells what the model does not allow."""

from __future__ import annotations

from ratified.follow.binding import Event
from ratified.follow.mismatch import told
from ratified.follow.tracker import Tracker


class ConformanceError(AssertionError):
    """An implementation did something that its model does not allow; raised by `Follower.expect` in tests."""


class Follower(Tracker):
    """Checks the events of an implementation against its model, by a binding. How: `ratified.follow.tracker`."""

    def expect(self, event: Event) -> None:
        """Check one event inside a test. Raises ConformanceError, with the report, if nothing explains it."""
        if not self.step(event):
            raise ConformanceError(told(self))
