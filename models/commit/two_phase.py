"""Two-phase commit: a transaction manager collects who is prepared, then tells all to commit or to abort.

As in `paxos.paxos`, messages are never taken back. A transaction manager that fails after all have prepared leaves them
waiting; nothing goes wrong, and nothing goes on. (Gray & Lamport, "Consensus on Transaction Commit", 2006, section 3; module
TwoPhase of their specifications.)
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, Self

from ratified.language import (
    Lifelines,
    Map,
    Model,
    Set,
    action,
    invariant,
    record,
    refines,
    require,
    step_invariant,
    view,
)
from ratified.models.commit.transaction_commit import ResourceManager, RMState, Tally, TransactionCommit


class TMState(Enum):
    """What the transaction manager has decided."""

    INIT = "init"
    COMMITTED = "committed"
    ABORTED = "aborted"


@record
class Prepared:
    """A resource manager to the transaction manager: it is ready to commit."""

    manager: ResourceManager


@record
class Commit:
    """The transaction manager to all: the decision is to commit."""


@record
class Abort:
    """The transaction manager to all: the decision is to abort."""


class TwoPhase(Model):
    """One transaction."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"ResourceManager": 3},
        "standard": {"ResourceManager": 5},
        "large": {"ResourceManager": 8},
    }

    lifelines: ClassVar[Lifelines] = Lifelines(owner={"tm_state": "manager", "tm_prepared": "manager"})

    rm_state: Map[ResourceManager, RMState]
    tm_state: TMState
    tm_prepared: Set[ResourceManager]  # those that the transaction manager knows to be prepared
    messages: Set[Prepared | Commit | Abort]

    # The transaction manager

    @action
    def tm_receive_prepared(self, r: ResourceManager) -> None:
        """It learns that r is prepared."""
        require(self.tm_state == TMState.INIT)
        require(Prepared(r) in self.messages)
        self.tm_prepared.add(r)

    @action
    def tm_commit(self) -> None:
        """It decides to commit, once it knows that all are prepared."""
        require(self.tm_state == TMState.INIT)
        require(self.may_commit())
        self.tm_state = TMState.COMMITTED
        self.messages.add(Commit())

    @action
    def tm_abort(self) -> None:
        """It decides to abort; while undecided it may do so at any time."""
        require(self.tm_state == TMState.INIT)
        self.tm_state = TMState.ABORTED
        self.messages.add(Abort())

    def may_commit(self) -> bool:
        """Every resource manager has said that it is prepared."""
        return all(r in self.tm_prepared for r in ResourceManager)

    # The resource managers

    @action
    def rm_prepare(self, r: ResourceManager) -> None:
        """Resource manager r has done its work and says so; from here on it waits to be told."""
        require(self.rm_state[r] == RMState.WORKING)
        self.rm_state[r] = RMState.PREPARED
        self.messages.add(Prepared(r))

    @action
    def rm_choose_to_abort(self, r: ResourceManager) -> None:
        """Resource manager r gives up by itself."""
        require(self.may_abort(r))
        self.rm_state[r] = RMState.ABORTED

    @action
    def rm_receive_commit(self, r: ResourceManager) -> None:
        """Resource manager r is told to commit."""
        require(Commit() in self.messages)
        self.rm_state[r] = RMState.COMMITTED

    @action
    def rm_receive_abort(self, r: ResourceManager) -> None:
        """Resource manager r is told to abort."""
        require(Abort() in self.messages)
        self.rm_state[r] = RMState.ABORTED

    def may_abort(self, r: ResourceManager) -> bool:
        """Resource manager r has not said yet that it is prepared."""
        return self.rm_state[r] == RMState.WORKING

    # How it is pictured

    @view
    def tally(self) -> tuple[TMState, Tally]:
        """What the transaction manager has decided, and how many resource managers are in each state."""
        return self.tm_state, Tally(
            self.count(RMState.WORKING),
            self.count(RMState.PREPARED),
            self.count(RMState.COMMITTED),
            self.count(RMState.ABORTED),
        )

    def count(self, state: RMState) -> int:
        """How many resource managers are in a state."""
        return sum(1 for r in ResourceManager if self.rm_state[r] == state)

    # What it comes to

    @invariant
    def consistency(self) -> bool:
        """No resource manager aborts where another commits."""
        return not (
            any(self.rm_state[r] == RMState.ABORTED for r in ResourceManager)
            and any(self.rm_state[r] == RMState.COMMITTED for r in ResourceManager)
        )

    @invariant
    def one_decision(self) -> bool:
        """Nobody is told to commit where somebody is told to abort."""
        return not (Commit() in self.messages and Abort() in self.messages)

    @invariant
    def commit_needs_all(self) -> bool:
        """The decision is to commit only if every resource manager was prepared, and none has aborted."""
        return self.tm_state != TMState.COMMITTED or all(
            self.rm_state[r] in {RMState.PREPARED, RMState.COMMITTED} for r in ResourceManager
        )

    @step_invariant
    def decided_for_good(self, old: Self) -> bool:
        """A resource manager that has committed or aborted stays so."""
        return all(
            self.rm_state[r] == old.rm_state[r]
            for r in ResourceManager
            if old.rm_state[r] in {RMState.COMMITTED, RMState.ABORTED}
        )

    @refines(TransactionCommit)
    def as_transaction_commit(self, commit: TransactionCommit) -> None:
        """Who has prepared, committed and aborted; the rest is how they come to know."""
        commit.state = self.rm_state
