"""Raft in which little goes on that need not, which makes room in a check for the extensions that build on this.

An *incident* is what happens though neither an election nor replication needs it: a client asks for something, a server
crashes, an election begins while messages are in flight; the extensions have theirs. `max_incidents` bounds how many there
are in a run, of all kinds together, and for that they are counted. That leaves every run in which few of them come together,
however long it is.

By default there is no bound, nothing is counted, and this is `Raft`, state by state.
"""

from __future__ import annotations

from typing import Annotated

from ratified.language import Param, Range, action, assume, require
from ratified.models.raft.raft import Raft
from ratified.models.raft.sorts import Server, Value


class FewIncidents(Raft):
    """Raft that counts incidents, if there is a bound to them."""

    max_incidents: Param[int] = 0  # in a run; 0 for as many as there may be

    incidents: Annotated[int, Range(0, "max_incidents")]

    @assume
    def incidents_are_counted(self) -> bool:
        """`max_incidents` is a number of incidents, or 0 for as many as there may be.

        Give it at least 0.
        """
        return self.max_incidents >= 0

    def incident(self) -> None:
        """Something happens that need not: it is one of those that there may be."""
        if self.max_incidents > 0:
            require(self.incidents < self.max_incidents)
            self.incidents += 1

    def is_calm(self) -> bool:
        """Where incidents are bounded, one of them may be what does not belong to the calm."""
        return self.max_incidents > 0 or super().is_calm()

    @action
    def timeout(self, i: Server) -> None:
        """An election need not begin while messages are in flight."""
        if not super().is_calm():
            self.incident()
        super().timeout(i)

    @action
    def restart(self, i: Server) -> None:
        """A server need not crash."""
        super().restart(i)
        self.incident()

    @action
    def client_request(self, i: Server, v: Value) -> None:
        """A client need not ask."""
        super().client_request(i, v)
        self.incident()
