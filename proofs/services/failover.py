"""Why no two primaries' writes take effect out of order, for every number of nodes and tokens, any lease and any drift.

Whoever believes that it leads is who has the lease, under the greatest token, and its clock is behind the service's by no more
than clocks drift; so its belief ends before the service lets anybody else have it. Writes carry tokens that were given, and the
store has seen none greater than those.

With a lock-delay others wait for as long as a write that is on the way may still take.

Likewise whoever is believed to lead was elected in the term that is known: in a term nobody else is.
"""

from __future__ import annotations

from typing import ClassVar

from ratified.models.services.delay import LockDelay
from ratified.models.services.delay import Node as Locking
from ratified.models.services.failover import Failover, Node
from ratified.models.services.hints import LeaderHints
from ratified.smt.script import Goals, lemma


class FailoverSafety(Failover):
    """A lease and fencing tokens."""

    goals: ClassVar[Goals] = {
        "one_primary": ("who_believes_has_the_lease",),
        "writes_take_effect_in_order": ("the_store_has_seen_what_it_accepted",),
    }

    @lemma(uses=())
    def the_lease_is_as_long_as_it_is(self) -> bool:
        """Time goes by within the lease: at a node, and at the service, which waits longer by what clocks may be apart."""
        return self.elapsed < self.ttl + self.drift and all(self.passed[n] < self.ttl for n in Node)

    @lemma(uses=("the_lease_is_as_long_as_it_is",))
    def who_believes_has_the_lease(self) -> bool:
        """Whoever leads has the lease, and its clock is behind by no more than clocks drift."""
        return all(
            self.believes[n] == 0 or (self.holder == n and self.elapsed - self.passed[n] <= self.drift)
            for n in Node
        )

    @lemma(uses=())
    def tokens_were_given(self) -> bool:
        """No token is greater than the last that was given."""
        return all(w.token <= self.token for w in self.writes) and all(
            self.believes[n] <= self.token for n in Node
        )

    @lemma(uses=("tokens_were_given", "who_believes_has_the_lease", "the_lease_is_as_long_as_it_is"))
    def a_primarys_token_is_its_own(self) -> bool:
        """Whoever leads, all writes under its token are its own."""
        return all(
            w.node == n
            for n in Node
            for w in self.writes
            if self.believes[n] > 0 and w.token == self.believes[n]
        )

    @lemma(uses=("a_primarys_token_is_its_own",))
    def a_token_is_of_one(self) -> bool:
        """No two write under one token."""
        return super().a_token_is_of_one()

    @lemma(uses=())
    def the_store_has_seen_what_it_accepted(self) -> bool:
        """The token of the last write that took effect is one that the store has seen."""
        return self.accepted <= self.seen


class DelaySafety(LockDelay):
    """Any number of nodes, leases and delays of any length, and a service that starts anew at any time."""

    goals: ClassVar[Goals] = {
        "nobody_elses_writes_arrive": ("nobody_elses_writes_arrive",),
        "a_release_makes_nobody_wait": ("who_has_it_has_time",),
    }

    @lemma(uses=())
    def who_has_it_has_time(self) -> bool:
        """A lease that runs has time left, and nobody waits for another to fail."""
        return self.holder is None or (self.left > 0 and self.wait == 0 and self.before is None)

    @lemma(uses=("who_has_it_has_time", "nobody_elses_writes_arrive"))
    def others_wait_for_what_is_on_the_way(self) -> bool:
        """While nobody has the lock, nobody's write takes longer than others have to wait."""
        return self.holder is not None or all(self.way[n] <= self.wait for n in Locking)

    @lemma(uses=("who_has_it_has_time", "nobody_elses_writes_arrive", "others_wait_for_what_is_on_the_way"))
    def who_had_it_is_the_only_one(self) -> bool:
        """While the one that had it may have it again, only its own writes are on the way."""
        return self.before is None or all(self.way[n] == 0 or self.before == n for n in Locking)

    @lemma(uses=("others_wait_for_what_is_on_the_way", "who_had_it_is_the_only_one"))
    def nobody_elses_writes_arrive(self) -> bool:
        """While somebody has the lock, only its own writes are on the way."""
        return super().nobody_elses_writes_arrive()


class HintsSafety(LeaderHints):
    """Any number of nodes and terms."""

    goals: ClassVar[Goals] = {
        "who_is_believed_was_elected": ("hints_are_of_the_elected",),
        "terms_do_not_go_back": (),
    }

    @lemma(uses=())
    def hints_are_of_the_elected(self) -> bool:
        """Whoever is believed to lead was elected in the term that is known."""
        return super().who_is_believed_was_elected()
