"""Why no lease ends while its client has it, and a deposed leader ends none.

For every number of nodes and tenures, and leases of any length. The node that has the last tenure counts at least as long as the
client does, and as any answer on its way will make it. So when it says that the lease is over, it is over for the client; no
renewal is answered from then on, and a command of an earlier tenure has no effect.
"""

from __future__ import annotations

from typing import ClassVar

from ratified.models.etcd.leases import Leasing, Node
from ratified.smt.script import Goals, lemma


class LeaseSafety(Leasing):
    """Any number of nodes and tenures."""

    goals: ClassVar[Goals] = {
        "none_ends_early": ("what_has_ended_was_over",),
        "tenures_are_of_one": ("tenures_have_begun",),
        "a_deposed_leader_ends_nothing": (),
    }

    @lemma(uses=())
    def tenures_have_begun(self) -> bool:
        """No tenure is later than the last that began, and no two nodes believe to have one."""
        return (
            all(self.mine[n] <= self.tenure for n in Node)
            and all(named <= self.tenure for named in self.ending)
            and super().tenures_are_of_one()
        )

    @lemma(uses=())
    def one_request_at_a_time(self) -> bool:
        """A node whose answer is on its way has no other request."""
        return all(not (self.asking[n] and self.answered[n]) for n in Node)

    @lemma(uses=("tenures_have_begun", "one_request_at_a_time"))
    def the_last_leader_counts_longest(self) -> bool:
        """Whoever has the last tenure counts as long as the client, and as any answer that is on its way to it."""
        return all(
            self.mine[n] == 0
            or self.mine[n] < self.tenure
            or (
                self.believed <= self.left[n]
                and all(self.ttl - self.age[m] <= self.left[n] for m in Node if self.answered[m])
            )
            for n in Node
        )

    @lemma(uses=("tenures_have_begun", "one_request_at_a_time", "the_last_leader_counts_longest"))
    def what_is_to_end_is_over(self) -> bool:
        """Once the last leader has said that the lease is over, it is over for the client, and no answer changes that."""
        return self.tenure not in self.ending or (
            self.believed == 0 and all(self.age[m] == self.ttl for m in Node if self.answered[m])
        )

    @lemma(uses=("one_request_at_a_time", "what_is_to_end_is_over"))
    def what_has_ended_was_over(self) -> bool:
        """What is not alive is over for the client, and no answer changes that."""
        return self.alive or (
            self.believed == 0 and all(self.age[m] == self.ttl for m in Node if self.answered[m])
        )
