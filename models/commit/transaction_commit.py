"""Transaction commit: resource managers all commit, or all abort.

This is the problem that a commit protocol solves. (Gray & Lamport, "Consensus on Transaction Commit", 2006, section 2;
module TCommit of their specifications.)
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Symmetric,
    action,
    invariant,
    record,
    require,
    step_invariant,
    view,
)


class ResourceManager(Symmetric):
    """Takes part in the transaction; any two are interchangeable."""


class RMState(Enum):
    """How far a resource manager has come."""

    WORKING = "working"
    PREPARED = "prepared"
    COMMITTED = "committed"
    ABORTED = "aborted"


@record
class Tally:
    """How many resource managers are in each state, as pictures show it."""

    working: int
    prepared: int
    committed: int
    aborted: int


class TransactionCommit(Model):
    """Each resource manager works, prepares, and then commits or aborts."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"ResourceManager": 2},
        "standard": {"ResourceManager": 3},
        "large": {"ResourceManager": 7},
    }

    state: Map[ResourceManager, RMState]

    def can_commit(self) -> bool:
        """Every resource manager is prepared, or has committed already."""
        return all(self.state[r] in {RMState.PREPARED, RMState.COMMITTED} for r in ResourceManager)

    def not_committed(self) -> bool:
        """No resource manager has committed."""
        return all(self.state[r] != RMState.COMMITTED for r in ResourceManager)

    @action
    def prepare(self, r: ResourceManager) -> None:
        """Resource manager r becomes ready to commit."""
        require(self.state[r] == RMState.WORKING)
        self.state[r] = RMState.PREPARED

    @action
    def decide_commit(self, r: ResourceManager) -> None:
        """Resource manager r commits, since all can."""
        require(self.state[r] == RMState.PREPARED)
        require(self.can_commit())
        self.state[r] = RMState.COMMITTED

    @action
    def decide_abort(self, r: ResourceManager) -> None:
        """Resource manager r aborts, since none has committed."""
        require(self.state[r] in {RMState.WORKING, RMState.PREPARED})
        require(self.not_committed())
        self.state[r] = RMState.ABORTED

    @view
    def tally(self) -> Tally:
        """How many resource managers are in each state."""
        return Tally(
            self.count(RMState.WORKING),
            self.count(RMState.PREPARED),
            self.count(RMState.COMMITTED),
            self.count(RMState.ABORTED),
        )

    def count(self, state: RMState) -> int:
        """How many resource managers are in a state."""
        return sum(1 for r in ResourceManager if self.state[r] == state)

    @invariant
    def consistency(self) -> bool:
        """No resource manager aborts where another commits."""
        return not (
            any(self.state[r] == RMState.ABORTED for r in ResourceManager)
            and any(self.state[r] == RMState.COMMITTED for r in ResourceManager)
        )

    @step_invariant
    def decided_for_good(self, old: Self) -> bool:
        """A resource manager that has committed or aborted stays so."""
        return all(
            self.state[r] == old.state[r]
            for r in ResourceManager
            if old.state[r] in {RMState.COMMITTED, RMState.ABORTED}
        )
