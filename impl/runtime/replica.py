"""One node of a running cluster, as those see it who serve its clients: what is asked of it, and what it tells.

The runtime that hosts a core provides it; a front end (etcd's interface, a test) uses it and knows neither sockets nor disks.
All of it belongs to one event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ratified.impl.contract import Applied, Command, NodeId, Outcome, Restored, StateMachine


@dataclass(frozen=True, slots=True)
class Member:
    """Who takes part. Addresses are `host:port`; a learner receives the log and does not vote."""

    node: NodeId
    peer: str
    client: str
    learner: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """What a node knows of itself and its cluster. `committed` and `applied` are indices of the log, `disk` is in bytes.

    `starts` is how often the node has been started, this time included: a name that holds it was never used before.
    """

    node: NodeId
    leader: NodeId | None
    term: int
    committed: int
    applied: int
    disk: int
    members: tuple[Member, ...]
    starts: int = 0


class Replica(Protocol):
    """A node that runs."""

    @property
    def machine(self) -> StateMachine:
        """Its copy of the replicated state, for looking only: what a serializable read sees."""

    @property
    def leader(self) -> NodeId | None:
        """Who leads, as far as it knows."""

    @property
    def term(self) -> int:
        """The latest attempt to lead that it knows of; see `Core.term`."""

    @property
    def applied(self) -> int:
        """Up to which index of the log its copy of the state has executed it."""

    def status(self) -> Status:
        """Return what it knows now."""

    async def submit(self, command: Command) -> Outcome:
        """Have a command executed, and return what became of it; `Lost` when the time for it ran out. Never raises."""

    async def query(self, payload: bytes) -> Outcome:
        """Ask the replicated state something, linearizably; `Busy` when the time for it ran out. Never raises."""

    async def confirm(self) -> Outcome:
        """Make sure that this node leads: `Done` with an index of the log, in eight bytes, the most significant first.

        Whoever has executed the log up to there has all that was acknowledged before this was asked. `Busy` when the time for it
        ran out. Never raises.
        """

    def subscribe(self, told: Callable[[Applied | Restored], None]) -> Callable[[], None]:
        """Call `told` after each entry that this node applies, or snapshot that it restores; the function returned ends that."""


class Operated(Replica, Protocol):
    """A node that takes orders, too."""

    def known_at(self, peer: str) -> NodeId | None:
        """Return the name of the node that it knows at an address, a member or not."""

    def order(self, words: Sequence[str]) -> Outcome:
        """Give an operator's order to its core, if it leads; whether it had an effect `status` shows, later. Never raises."""
