"""Why a request takes effect at most once, for every number of clients: what was executed is remembered."""

from __future__ import annotations

from typing import ClassVar

from ratified.models.services.retry import Client, Retries
from ratified.smt.script import Goals, lemma


class RetriesSafety(Retries):
    """Sessions that outlive crashes."""

    goals: ClassVar[Goals] = {
        "at_most_once": ("executed_is_remembered",),
        "answered_is_executed": ("answers_are_of_what_was_executed", "executed_is_remembered"),
        "what_is_done_stays_done": (),
    }

    def may_retry(self, c: Client) -> bool:
        """Client c has attempts left. The budget is left out: it only allows less, and sums are beyond this logic."""
        return self.sent[c] < self.attempts

    @lemma(uses=())
    def executed_is_remembered(self) -> bool:
        """The server remembers just what it has executed, which it has done once."""
        return all(
            (self.executed[c] == 1) if c in self.remembered else (self.executed[c] == 0) for c in Client
        )

    @lemma(uses=("executed_is_remembered",))
    def replies_are_of_what_was_executed(self) -> bool:
        """No answer is given to what was not executed."""
        return all(c in self.remembered for c in self.replies)

    @lemma(uses=("replies_are_of_what_was_executed",))
    def answers_are_of_what_was_executed(self) -> bool:
        """Nobody has an answer to what was not executed."""
        return all(c in self.remembered for c in self.done)
