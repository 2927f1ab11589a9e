"""Why a node that drains gets nothing new, and goes no sooner than it may, for every number of nodes."""

from __future__ import annotations

from typing import ClassVar

from ratified.models.services.draining import Draining
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
