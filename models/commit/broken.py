"""Two-phase commit with one thing wrong: each of these is a mistake that somebody has made.

Each class is two-phase commit but for what it overrides or adds. Its small size is the smallest at which `consistency` fails:
one resource manager commits, another aborts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ratified.language import action
from ratified.models.commit.transaction_commit import ResourceManager, RMState
from ratified.models.commit.two_phase import TMState, TwoPhase


class MajorityCommit(TwoPhase):
    """The transaction manager commits once a majority is prepared: right for consensus, wrong for commitment.

    Breaks `commit_needs_all` first, and then `consistency`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"ResourceManager": 3},
        "standard": {"ResourceManager": 3},
        "large": {"ResourceManager": 5},
    }

    def may_commit(self) -> bool:
        """More than half of the resource managers have said that they are prepared."""
        return 2 * len(self.tm_prepared) > len(ResourceManager)


class ImpatientManager(TwoPhase):
    """A resource manager that is prepared but hears nothing aborts by itself, which XA calls a heuristic decision.

    Breaks `commit_needs_all` first, and then `consistency`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"ResourceManager": 2},
        "standard": {"ResourceManager": 3},
        "large": {"ResourceManager": 5},
    }

    def may_abort(self, r: ResourceManager) -> bool:
        """Resource manager r has not been told anything yet."""
        return self.rm_state[r] in {RMState.WORKING, RMState.PREPARED}


class ForgottenDecision(TwoPhase):
    """The transaction manager tells its decision before it is on disk.

    Breaks `one_decision` first, and then `consistency`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"ResourceManager": 2},
        "standard": {"ResourceManager": 3},
        "large": {"ResourceManager": 5},
    }

    @action
    def tm_restart(self) -> None:
        """It comes back undecided, having heard from nobody."""
        self.tm_state = TMState.INIT
        self.tm_prepared.clear()
