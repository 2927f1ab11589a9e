"""Why no client believes longer in a lease than its server does, for every number of leases and any length.

An answer that is on the way says that the server has given the lease its whole time since the client asked: what is left of it
there is at least the time of a lease less that since the question.
"""

from __future__ import annotations

from typing import ClassVar

from ratified.models.services.reattachment import KeptLeases, Lease
from ratified.smt.script import Goals, lemma


class LeaseSafety(KeptLeases):
    """Leases that are renewed by messages that take time."""

    goals: ClassVar[Goals] = {"what_is_lost_stays_lost": ("who_was_told_has_none",)}

    @lemma(uses=())
    def an_answer_is_covered(self) -> bool:
        """While it is on the way the server's lease runs for as long as the client will count."""
        return all(self.left[lease] + self.age[lease] >= self.length for lease in Lease if self.answer[lease])

    @lemma(uses=("an_answer_is_covered",))
    def what_is_believed_is_so(self) -> bool:
        """A lease that runs for the client runs for the server, for as long at least."""
        return super().what_is_believed_is_so()

    @lemma(uses=())
    def who_was_told_has_none(self) -> bool:
        """A lease that is lost does not run for the client."""
        return all(lease in self.had or self.believed[lease] == 0 for lease in Lease)

    @lemma(uses=())
    def lost_is_told_once(self) -> bool:
        """Never twice, and never of one that the client still has."""
        return super().lost_is_told_once()
