"""What a leader knows of one follower, and how much it has on the way to it (dissertation, section 10.2.1).

A follower is *probed* with one message at a time until it is known where its log agrees; then entries are *replicated*
without waiting for answers, within a window; or it waits for a *snapshot*.

Guarantees: `match` only rises; `next > match`.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum


class Flow(StrEnum):
    """How a follower is sent entries."""

    PROBE = "probe"
    REPLICATE = "replicate"
    SNAPSHOT = "snapshot"


class FollowerProgress:
    """A follower, as its leader sees it."""

    __slots__ = ("active", "commit_sent", "flow", "inflight", "match", "next", "read", "snapshot", "waiting")

    def __init__(self, next_index: int) -> None:
        self.match = 0  # its log agrees up to here, durably
        self.next = next_index  # the next entry to send
        self.flow = Flow.PROBE
        self.waiting = False  # a probe is on its way
        self.inflight: deque[int] = deque()  # the last index of each message that is on its way
        self.snapshot = 0  # the index of the snapshot that is on its way
        self.active = True  # has said something since the leader last looked
        self.read = 0  # the last round of reads that it has confirmed
        self.commit_sent = 0  # the commit index that it was told last

    def may_send(self, window: int) -> bool:
        """Whether entries may be sent now."""
        if self.flow is Flow.PROBE:
            return not self.waiting
        return self.flow is Flow.REPLICATE and len(self.inflight) < window

    def sent(self, last: int) -> None:
        """Entries up to an index are on their way."""
        if self.flow is Flow.REPLICATE:
            self.next = last + 1
            self.inflight.append(last)
        else:
            self.waiting = True

    def matched(self, index: int) -> bool:
        """The logs agree up to an index; whether that is news."""
        if index + 1 >= self.next:  # else it answers something older than the probe
            self.waiting = False
        while self.inflight and self.inflight[0] <= index:
            self.inflight.popleft()
        if self.flow is Flow.SNAPSHOT and index >= self.snapshot:
            self.probe(index + 1)
        news = index > self.match
        if news:
            self.match = index
        self.next = max(self.next, self.match + 1)
        if self.flow is Flow.PROBE and index + 1 >= self.next:
            self.flow = Flow.REPLICATE
            self.inflight.clear()
        return news

    def probe(self, next_index: int) -> None:
        """Look for agreement below an index."""
        self.flow = Flow.PROBE
        self.waiting = False
        self.inflight.clear()
        self.snapshot = 0
        self.next = max(next_index, self.match + 1)

    def await_snapshot(self, index: int) -> None:
        """A snapshot is on its way."""
        self.flow = Flow.SNAPSHOT
        self.inflight.clear()
        self.snapshot = index
