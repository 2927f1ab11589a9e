"""Chain replication: what was lost with a replica is sent again, and a new tail has what the old one had, or updates are lost.

Van Renesse, Schneider: *Chain replication for supporting high throughput and availability* (OSDI 2004), sections 3.2
and 3.3. Each replica sends the next one what it takes; what the tail has is acknowledged. `NotResent` leaves out what
the paper says of a failure in the middle, `EmptyTail` what it says of a new tail. `Chain` is proved for chains of any
length:

    ratified prove examples/published/chain_replication.py:ChainSafety
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from ratified import (
    AtMost,
    Goals,
    Lifelines,
    Map,
    Model,
    Ordered,
    Param,
    Range,
    Seq,
    Set,
    Sort,
    action,
    invariant,
    lemma,
    require,
)


class Replica(Ordered):
    """A replica, at its place in the chain."""


class Update(Sort):
    """What a client asks for."""


class Chain(Model):
    """The head takes updates; each replica sends the next one what it lacks; replicas fail, and the chain closes over them."""

    sizes: ClassVar = {"standard": {"Replica": 3, "Update": 2}}
    lifelines: ClassVar = Lifelines({Replica: "replica"}, network=())

    room: Param[int] = 2
    log: Map[Replica, Annotated[Seq[Update], AtMost("room")]]
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
        require(len(self.log[r]) < self.room)
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


class NotResent(Chain):
    """A replica goes on with its next update when the chain closes over a failure, instead of with what was lost there."""

    sent: Map[Replica, Annotated[int, Range(0, "room")]]

    @action
    def send(self, r: Replica, s: Replica) -> None:
        """A replica sends its successor what it has not sent before."""
        require(self.alive(r) and self.alive(s) and r < s)
        require(not any(r < t < s for t in Replica if self.alive(t)))
        require(self.sent[r] < len(self.log[r]) and len(self.log[s]) < self.room)
        self.log[s].append(self.log[r][self.sent[r]])
        self.sent[r] += 1


class CopiedTail(Chain):
    """The last replica joins later, when it has got what the tail has. What the tail has is acknowledged."""

    joined: bool
    acknowledged: Annotated[int, Range(0, "room")]

    def alive(self, r: Replica) -> bool:
        """Whether a replica is in the chain."""
        return r not in self.failed and (self.joined or not r.is_last())

    def tail(self, r: Replica) -> bool:
        return self.alive(r) and all(s <= r for s in Replica if self.alive(s))

    @action
    def acknowledge(self, r: Replica) -> None:
        """The tail tells clients that it has their updates."""
        require(self.tail(r) and self.acknowledged < len(self.log[r]))
        self.acknowledged = len(self.log[r])

    def copied(self, r: Replica) -> bool:
        """Whether a new tail has what it needs."""
        return any(self.log[s] == self.log[r] for s in Replica if self.tail(s))

    @action
    def copy(self, r: Replica, s: Replica) -> None:
        """The tail sends the replica that is to follow it what it has."""
        require(r.is_last() and not self.joined and self.tail(s) and len(self.log[r]) < len(self.log[s]))
        self.log[r].append(self.log[s][len(self.log[r])])

    @action
    def join(self, r: Replica) -> None:
        """It becomes the tail."""
        require(r.is_last() and not self.joined and self.copied(r))
        self.joined = True

    @action
    def fail(self, r: Replica) -> None:
        """A replica that is in the chain fails, and not the last one."""
        require(self.alive(r) and any(s != r and self.alive(s) for s in Replica))
        self.failed.add(r)

    @invariant
    def the_tail_has_what_was_acknowledged(self) -> bool:
        """Clients read from the tail."""
        return all(len(self.log[r]) >= self.acknowledged for r in Replica if self.tail(r))


class EmptyTail(CopiedTail):
    """It becomes the tail at once."""

    def copied(self, r: Replica) -> bool:
        return True
