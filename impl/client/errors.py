"""What a client is told where something cannot be had."""

from __future__ import annotations


class StoreError(Exception):
    """A request failed for good; the text is the server's, and `code` gRPC's name for the kind."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class Unreachable(StoreError):
    """No node answered in time. A change that was asked for may have happened, once, or may happen yet."""


class OutcomeUnknown(StoreError):
    """The session ended before it was known what became of a change: it may have happened, once."""


class Compacted(StoreError):
    """What was asked for is older than the history that is kept, which begins with `revision`."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"the history begins with revision {revision}", "OUT_OF_RANGE")
        self.revision = revision


class LeaseLost(StoreError):
    """A lease is over, and what it held is gone."""

    def __init__(self, lease: int) -> None:
        super().__init__(f"lease {lease:x} is over", "NOT_FOUND")
        self.lease = lease
