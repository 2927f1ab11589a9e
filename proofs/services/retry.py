"""Why a request takes effect at most once, for every number of clients: what was executed is remembered.

And why a hedged one has one outcome, after which nothing is on the way and nothing is sent: nothing is sent but by an attempt
that is on the way or by its timer, and both look whether it is over.
"""

from __future__ import annotations

from typing import ClassVar

from ratified.models.services.hedging import Hedging
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


class HedgingSafety(Hedging):
    """However attempts end, and in whatever order."""

    goals: ClassVar[Goals] = {
        "one_outcome": ("it_is_over_once_there_is_an_outcome",),
        "nothing_is_on_the_way_after_it": ("nothing_is_left",),
        "nothing_is_sent_after_it": ("it_is_not_over_before_it_begins",),
        "nothing_is_sent_to_who_asks_for_no_more": ("who_asks_for_no_more_is_heard",),
    }

    @lemma(uses=())
    def it_is_over_once_there_is_an_outcome(self) -> bool:
        """There is one outcome once it is over, and none before."""
        return self.outcomes == (1 if self.over else 0)

    @lemma(uses=())
    def what_is_on_the_way_was_sent(self) -> bool:
        """No attempt is waited for that was not sent."""
        return all(a <= self.sent for a in self.on_the_way)

    @lemma(uses=("what_is_on_the_way_was_sent",))
    def it_is_not_over_before_it_begins(self) -> bool:
        """Something was sent of what is over."""
        return not self.over or self.sent > 0

    @lemma(uses=("it_is_not_over_before_it_begins",))
    def nothing_is_left(self) -> bool:
        """Once it is over, no attempt is waited for."""
        return not self.over or len(self.on_the_way) == 0

    @lemma(uses=())
    def who_asks_for_no_more_is_heard(self) -> bool:
        """Once a server has asked for no more, those that were sent are all that there may be."""
        return not self.stopped or self.sent >= self.limit
