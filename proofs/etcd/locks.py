"""Why nobody is told that it has a lock whose key is gone, and guarded writes take effect in the order of holders.

For every number of clients and of places in the line. Whoever has seen that nobody is before it has the least of the places that
are there, as long as its own is; a place is given once, so that a write whose comparison holds comes from that place's only
client, while all that were let through before had less.
"""

from __future__ import annotations

from typing import ClassVar

from ratified.models.etcd.locks import Client, Locking
from ratified.smt.script import Goals, lemma


class LockSafety(Locking):
    """Any number of clients and places."""

    goals: ClassVar[Goals] = {
        "places_are_of_one": ("places_are_of_one",),
        "who_is_told_has_it": ("who_is_told_has_it",),
        "one_holder": ("who_is_in_front_is_first", "places_are_of_one", "places_were_given"),
        "writes_take_effect_in_order": ("what_took_effect_is_not_after_who_is_there",),
    }

    @lemma(uses=())
    def places_were_given(self) -> bool:
        """No place is later than the last that was given; who has the lock, or is in front, has a place."""
        return (
            all(self.line[c] <= self.newest and self.mine[c] <= self.newest for c in Client)
            and all(w.token <= self.newest for w in self.writes)
            and all(self.mine[c] > 0 for c in Client if self.holds[c] or self.front[c])
        )

    @lemma(uses=("places_were_given",))
    def places_are_of_one(self) -> bool:
        """No two keys were created in one revision, and a client's key is the one that it remembers."""
        return super().places_are_of_one() and all(
            self.line[c] == 0 or self.line[c] == self.mine[c] for c in Client
        )

    @lemma(uses=("places_were_given", "places_are_of_one"))
    def who_is_in_front_is_first(self) -> bool:
        """Who has seen that nobody is before it, or has the lock, has nobody before it ever after."""
        return all(
            self.line[d] == 0 or self.line[d] >= self.mine[c]
            for c in Client
            for d in Client
            if self.front[c] or self.holds[c]
        )

    @lemma(uses=("places_are_of_one",))
    def who_is_told_has_it(self) -> bool:
        """Nobody was told that it has the lock whose key was gone already."""
        return super().who_is_told_has_it()

    @lemma(uses=("places_were_given", "who_is_in_front_is_first"))
    def writers_were_in_front(self) -> bool:
        """Whoever's write is on its way had nobody before it, and has not."""
        return all(w.token > 0 for w in self.writes) and all(
            self.line[d] == 0 or self.line[d] >= w.token for w in self.writes for d in Client
        )

    @lemma(uses=("places_were_given", "writers_were_in_front"))
    def what_took_effect_is_not_after_who_is_there(self) -> bool:
        """All that took effect came from the place that is first now, or from one that is gone."""
        return self.accepted <= self.newest and all(
            self.line[c] == 0 or self.line[c] >= self.accepted for c in Client
        )
