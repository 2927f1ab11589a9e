"""Why a node that drains gets nothing new, and goes no sooner than it may, and no ejection is one too many, at every size.

Of ejections each step is spoken of: it ejects one node at most, and only where that one, with those that are out, is within the
limit and not the last. So the number of those that are out, which a step makes one more at most, is never beyond it. nginx's
passive checks are about one endpoint, and each step keeps to them by itself.
"""

from __future__ import annotations

from typing import ClassVar, Self

from ratified.language import step_invariant
from ratified.models.services.draining import Draining
from ratified.models.services.health import Ejection, Node
from ratified.models.services.passive import MaxFails
from ratified.smt.script import Goals, lemma


class DrainingSafety(Draining):
    """Any number of nodes, of requests and of ticks: each step by itself keeps to it; and who drains is there."""

    goals: ClassVar[Goals] = {
        "who_drains_gets_nothing_new": (),
        "nobody_goes_too_early": (),
        "time_is_not_given_again": (),
    }

    @lemma(uses=())
    def who_drains_is_there(self) -> bool:
        """Nobody that is gone drains."""
        return super().who_drains_is_there()


class EjectionSafety(Ejection):
    """Any number of nodes, any limits and times."""

    goals: ClassVar[Goals] = {
        "the_limit_holds": ("the_limit_holds",),
        "never_all": ("never_all",),
        "an_ejection_fits": (),
        "one_at_a_time": (),
        "who_is_out_was_ejected": ("who_is_out_was_ejected",),
        "each_is_longer": (),
        "all_is_forgiven_in_time": (),
    }

    @lemma(uses=())
    def the_limit_holds(self) -> bool:
        """No more are ejected than may be."""
        return super().the_limit_holds()

    @lemma(uses=())
    def never_all(self) -> bool:
        """The last is never ejected."""
        return super().never_all()

    @lemma(uses=())
    def who_is_out_was_ejected(self) -> bool:
        """Whoever is out has an ejection that is not forgiven."""
        return super().who_is_out_was_ejected()

    @step_invariant
    def an_ejection_fits(self, old: Self) -> bool:
        """Whoever is ejected is, with those that are out already, not one too many, nor the last."""
        after = len(old.ejected()) + 1
        fits = 100 * after <= self.percent * len(Node) or (self.always_one and after == 1)
        return all(self.left[n] == 0 or old.left[n] > 0 or (fits and after < len(Node)) for n in Node)

    @step_invariant
    def one_at_a_time(self, old: Self) -> bool:
        """No two nodes are ejected in one step."""
        return all(
            m == n or self.left[m] == 0 or self.left[n] == 0 or old.left[m] > 0 or old.left[n] > 0
            for m in Node
            for n in Node
        )


class MaxFailsSafety(MaxFails):
    """Any number of failures and requests, any time."""

    goals: ClassVar[Goals] = {
        "one_probe": ("one_probe",),
        "probes_are_rare": (),
        "only_its_probe_brings_it_back": (),
    }

    @lemma(uses=())
    def no_more_than_there_is_room_for(self) -> bool:
        """On the way are as many as there may be, those whose answers count for nothing included."""
        return self.waiting + self.late <= self.room

    @lemma(uses=())
    def one_probe(self) -> bool:
        """Whoever goes out, and each probe, leaves nothing on the way that counts but the probe."""
        return super().one_probe()
