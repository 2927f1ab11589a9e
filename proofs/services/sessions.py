"""Why no client believes longer in a lease than its server does, for every number of leases and any length.

An answer that is on the way says that the server has given the lease its whole time since the client asked: what is left of it
there is at least the time of a lease less that since the question. The same for a session that is kept alive, whose servers
may be gone for a while: their time stands still then, and a new one only gives more.
"""

from __future__ import annotations

from typing import ClassVar

from ratified.models.services.keepalive import KeptAlive, Session
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


class KeepAliveSafety(KeptAlive):
    """A lease and a grace period of any length, whatever errors come back and however long there is no server."""

    goals: ClassVar[Goals] = {
        "what_is_cached_is_current": ("what_is_cached_is_current",),
        "it_goes_on_asking": ("it_goes_on_asking",),
        "nobody_gives_up_early": ("jeopardy_has_time",),
        "what_is_lost_stays_lost": (),
    }

    @lemma(uses=())
    def one_question_at_a_time(self) -> bool:
        """While a question or an answer is on the way no other is planned, and it is one of them."""
        return (
            not (self.planned and (self.asking or self.renewed or self.unknown))
            and not (self.asking and (self.renewed or self.unknown))
            and not (self.renewed and self.unknown)
        )

    @lemma(uses=("one_question_at_a_time",))
    def an_answer_is_covered(self) -> bool:
        """While it is on the way the server's lease runs for as long as the client will count."""
        return not self.renewed or self.left + self.age >= self.length

    @lemma(uses=())
    def who_has_time_is_known(self) -> bool:
        """A session that has time left at the servers is known to them."""
        return self.known or self.left == 0

    @lemma(uses=("an_answer_is_covered", "who_has_time_is_known"))
    def what_is_cached_is_current(self) -> bool:
        """A session that is safe for the client is known to the server, for as long at least."""
        return super().what_is_cached_is_current()

    @lemma(uses=())
    def jeopardy_has_time(self) -> bool:
        """A session in jeopardy has some of its grace period left."""
        return self.session != Session.JEOPARDY or self.jeopardy > 0

    @lemma(uses=())
    def it_goes_on_asking(self) -> bool:
        """Until the session is lost, the client asks, or will, or an answer is on the way."""
        return super().it_goes_on_asking()
