"""Why two-phase commit is right, for every number of resource managers: the lemmas, and what they prove."""

from __future__ import annotations

from typing import ClassVar

from ratified.models.commit.transaction_commit import ResourceManager, RMState, TransactionCommit
from ratified.models.commit.two_phase import Abort, Commit, Prepared, TMState, TwoPhase
from ratified.smt.script import Goals, lemma


class TransactionCommitSafety(TransactionCommit):
    """That none aborts where another commits is inductive as it stands."""

    goals: ClassVar[Goals] = {"decided_for_good": ()}

    @lemma
    def consistency(self) -> bool:
        """No resource manager aborts where another commits."""
        return super().consistency()


class TwoPhaseSafety(TwoPhase):
    """The decision is to commit only if all are prepared, and who is prepared waits to be told."""

    goals: ClassVar[Goals] = {
        "consistency": ("commits_were_decided", "commit_needs_all"),
        "one_decision": ("decisions_are_the_managers",),
        "decided_for_good": None,
    }

    @lemma(
        uses=(
            "decisions_are_the_managers",
            "prepared_wait",
            "known_prepared_have_said_so",
            "commits_were_decided",
        )
    )
    def commit_needs_all(self) -> bool:
        """The decision is to commit only if every resource manager was prepared, and none has aborted."""
        return super().commit_needs_all()

    @lemma(uses=())
    def decisions_are_the_managers(self) -> bool:
        """What is told is what the transaction manager has decided."""
        return (Commit() not in self.messages or self.tm_state == TMState.COMMITTED) and (
            Abort() not in self.messages or self.tm_state == TMState.ABORTED
        )

    @lemma(uses=())
    def known_prepared_have_said_so(self) -> bool:
        """Whom the transaction manager knows to be prepared has said so."""
        return all(Prepared(r) in self.messages for r in self.tm_prepared)

    @lemma(uses=("decisions_are_the_managers", "commits_were_decided"))
    def prepared_wait(self) -> bool:
        """A resource manager that has said that it is prepared is, until the decision is told."""
        return all(
            self.rm_state[m.manager] == RMState.PREPARED
            or (self.rm_state[m.manager] == RMState.COMMITTED and self.tm_state == TMState.COMMITTED)
            or (self.rm_state[m.manager] == RMState.ABORTED and self.tm_state == TMState.ABORTED)
            for m in self.messages
            if isinstance(m, Prepared)
        )

    @lemma(uses=("decisions_are_the_managers",))
    def commits_were_decided(self) -> bool:
        """A resource manager commits only if that was decided."""
        return all(
            self.rm_state[r] != RMState.COMMITTED or self.tm_state == TMState.COMMITTED
            for r in ResourceManager
        )
