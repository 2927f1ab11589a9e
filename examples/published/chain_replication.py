"""Chain replication where what was lost with a replica is sent again, proved for chains of any length.

Van Renesse and Schneider, Chain replication for supporting high throughput and availability, 2004.

ratified prove examples/published/chain_replication.py:ChainSafety
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from ratified import AtMost, Goals, Map, Model, Ordered, Seq, Set, Sort, action, invariant, lemma, require


class Replica(Ordered):
    """A replica, at its place in the chain."""


class Update(Sort):
    """What a client asks for."""


class Chain(Model):
    """The head takes updates; each replica sends the next one what it lacks; replicas fail, and the chain closes over them."""

    sizes: ClassVar = {"standard": {"Replica": 3, "Update": 2}}

    log: Map[Replica, Annotated[Seq[Update], AtMost(2)]]
    failed: Set[Replica]

    def init(self) -> None:
        """No replica has anything."""
        self.log = Map({r: Seq() for r in Replica})
        self.failed = Set()

    def alive(self, r: Replica) -> bool:
        """Whether a replica is in the chain."""
        return r not in self.failed

    @action
    def take(self, r: Replica, u: Update) -> None:
        """The head takes an update."""
        require(self.alive(r) and all(r <= s for s in Replica if self.alive(s)))
        self.log[r].append(u)

    @action
    def send(self, r: Replica, s: Replica) -> None:
        """A replica sends its successor the first update that this one lacks."""
        require(self.alive(r) and self.alive(s) and r < s)
        require(not any(r < t < s for t in Replica if self.alive(t)))
        have = len(self.log[s])
        require(have < len(self.log[r]))
        self.log[s].append(self.log[r][have])

    @action
    def fail(self, r: Replica) -> None:
        """A replica fails. The one after it, if any, is asked what it has by the one before, and `send` goes on from there."""
        require(self.alive(r))
        self.failed.add(r)

    @invariant
    def what_a_replica_has_those_before_it_have(self) -> bool:
        """So what the tail has told a client is nowhere lost."""
        return all(
            self.log[r][: len(self.log[s])] == self.log[s]
            for r in Replica
            for s in Replica
            if r < s and self.alive(r) and self.alive(s)
        )


class ChainSafety(Chain):
    """The claim is inductive as it stands."""

    goals: ClassVar[Goals] = {}

    @lemma
    def what_a_replica_has_those_before_it_have(self) -> bool:
        """See there."""
        return super().what_a_replica_has_those_before_it_have()
