"""Sessions that time out, for a log with clock readings: the idioms that most bindings need, in a model of one page.

ratified trace examples/session_binding.py:Sessions run.ndjson
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from ratified import (
    Binding,
    Event,
    Map,
    Model,
    Names,
    Observed,
    Param,
    Range,
    Seq,
    Sort,
    Steps,
    action,
    attempt,
    do,
    invariant,
    refused,
    require,
)
from ratified.language import AtMost


class Client(Sort):
    """Has a session, for a time."""


class SessionService(Model):
    """A session ends `lease` milliseconds after it was opened or renewed."""

    lease: Param[int] = 3_000
    most: Param[int] = 1_000_000_000
    left: Map[Client, Annotated[int, Range(0, "lease")]]  # milliseconds from now, 0: there is no session
    opened: Annotated[int, Range(0, "most")]  # how many sessions ever were
    journal: Annotated[Seq[Client], AtMost(1_000)]  # who opened one

    @action
    def elapse(self, n: Annotated[int, Range(1, "most")]) -> None:
        """So many milliseconds go by. Deadlines are relative to now, so that no time has to be remembered."""
        for c in Client:
            self.left[c] = max(self.left[c] - n, 0)

    @action
    def open(self, c: Client) -> None:
        """A session begins."""
        require(self.left[c] == 0)
        self.left[c] = self.lease
        self.opened += 1
        self.journal += [c]

    @action
    def renew(self, c: Client) -> None:
        """In time."""
        require(self.left[c] > 0)
        self.left[c] = self.lease

    @action
    def close(self, c: Client) -> None:
        """By the client, who does not come again."""
        self.left[c] = 0

    def entries(self) -> int:
        """How long the journal is: all that the log tells of it."""
        return len(self.journal)

    @invariant
    def as_many_as_there_are(self) -> bool:
        """Every session was opened."""
        return sum(1 for c in Client if self.left[c] > 0) <= self.opened


class Sessions(Binding):
    """Each event has `now`, in milliseconds."""

    def __init__(self) -> None:
        self.client = Names(Client, 10)
        self.now: int | None = None

    def model(self) -> SessionService:
        """Ten at a time, however many there are in all."""
        return SessionService(Client=10)

    def steps(self, event: Event) -> Steps:
        """For all events: time goes by, and then there is what the event means."""
        now = event.arguments.get("now")
        passed = 0 if self.now is None or not isinstance(now, int) else now - self.now
        if passed < 0:
            raise ValueError(f"the clock runs backwards by {-passed} ms")
        self.now = now if isinstance(now, int) else self.now
        meant = super().steps(event)
        return (do("elapse", n=passed), meant) if passed else meant

    def on_started(self) -> Steps:
        """Nothing happens; what is observed is the initial state."""
        return ()

    def on_open(self, client: str) -> Steps:
        """A session begins."""
        return do("open", c=self.client(client))

    def on_renew(self, client: str) -> Steps:
        """The server renews it."""
        return do("renew", c=self.client(client))

    def on_late(self, client: str) -> Steps:
        """The server refuses to: then the model must, too."""
        return refused(do("renew", c=self.client(client)))

    def on_keep_alive(self, client: str) -> Steps:
        """A message that renews the session if there still is one; nothing is said of what came of it."""
        return attempt(do("renew", c=self.client(client)))

    def on_close(self, client: str) -> Steps:
        """The last that is heard of the client: another may take its place in the model."""
        c = self.client(client)
        self.client.release(client)
        return do("close", c=c)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:
        """How many sessions there were, and how long the journal is."""
        return {("opened",): variables["opened"], ("entries",): variables["entries"]}
