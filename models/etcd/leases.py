"""Leases: kept by the time of whoever leads, and ended by nobody else.

The store, which all nodes agree on, knows whether a lease is alive, and which *tenure* of a leader is the last. A node that comes
to lead begins a tenure by a command and counts from there, each lease anew; an end is a command that names the tenure, and may
arrive late. A deposed leader goes on counting, until it hears that it is one. The client counts from when it asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Param,
    Range,
    Set,
    Symmetric,
    action,
    invariant,
    require,
    step_invariant,
    view,
)

Tenure = Annotated[int, Range(0, "tenures")]
Ticks = Annotated[int, Range(0, "ttl")]


class Node(Symmetric):
    """May lead."""


class Leasing(Model):
    """One lease, of one client, and the nodes that lead one after the other."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "tenures": 2},
        "standard": {"Node": 2, "tenures": 3},
        "large": {"Node": 3, "tenures": 4, "ttl": 3},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    tenures: Param[Annotated[int, Range(1, 6)]] = 3
    ttl: Param[Annotated[int, Range(1, 5)]] = 2  # of the lease, in ticks

    alive: bool = True  # in the store
    tenure: Tenure = 0  # the last that has begun, in the store
    mine: Map[Node, Tenure]  # the tenure that a node believes to have; 0: none
    left: Map[Node, Ticks]  # by the count of a node
    ending: Set[Tenure]  # commands to end the lease that are on their way, by the tenure they name
    asking: Map[Node, bool]  # the client has asked a node to renew the lease
    answered: Map[Node, bool]  # and the answer is on its way
    age: Map[Node, Ticks]  # ticks since it asked
    believed: Ticks = 0  # ticks that the client believes are left

    def init(self) -> None:
        """The lease was granted this moment."""
        self.believed = self.ttl

    @action
    def lead(self, n: Node) -> None:
        """A node's tenure begins; those before may not know it."""
        require(self.tenure < self.tenures)
        self.tenure += 1
        self.mine[n] = self.tenure
        self.left[n] = self.counts_from(n)

    def counts_from(self, n: Node) -> int:
        """All of its time."""
        return self.ttl

    @action
    def retire(self, n: Node) -> None:
        """A node hears that another leads."""
        require(self.mine[n] > 0)
        self.mine[n] = 0

    @action
    def tick(self) -> None:
        """Time goes by, for all alike."""
        self.believed = max(0, self.believed - 1)
        for n in Node:
            self.left[n] = max(0, self.left[n] - 1)
            if self.asking[n] or self.answered[n]:
                self.age[n] = min(self.ttl, self.age[n] + 1)

    @action
    def end(self, n: Node) -> None:
        """A node that believes to lead finds that the lease is over, and says so by a command."""
        require(self.alive and self.mine[n] > 0 and self.left[n] == 0 and self.mine[n] not in self.ending)
        self.ending.add(self.mine[n])

    @action
    def ended(self, named: Tenure) -> None:
        """The command is executed."""
        require(named in self.ending)
        self.ending.remove(named)
        if self.has_effect(named):
            self.alive = False

    def has_effect(self, named: int) -> bool:
        """If no other tenure has begun."""
        return named == self.tenure

    @action
    def lose(self, named: Tenure) -> None:
        """The command gets lost."""
        require(named in self.ending)
        self.ending.remove(named)

    @action
    def ask(self, n: Node) -> None:
        """The client asks a node that leads, as that believes, for more time."""
        require(self.mine[n] > 0 and not self.asking[n] and not self.answered[n])
        self.asking[n] = True
        self.age[n] = 0

    @action
    def renew(self, n: Node) -> None:
        """The node gives the lease its time again."""
        require(self.asking[n] and self.mine[n] > 0 and self.alive)
        require(self.is_confirmed(n) and self.is_decided(n))
        self.left[n] = self.ttl
        self.asking[n] = False
        self.answered[n] = True

    def is_confirmed(self, n: Node) -> bool:
        """The cluster agrees, since the client asked, that it has the tenure that it believes to have."""
        return self.mine[n] == self.tenure

    def is_decided(self, n: Node) -> bool:
        """It has not said itself that the lease is over."""
        return self.mine[n] not in self.ending

    @action
    def refuse(self, n: Node) -> None:
        """The request gets lost, or the node cannot say."""
        require(self.asking[n])
        self.asking[n] = False
        self.age[n] = 0

    @action
    def hear(self, n: Node) -> None:
        """The client hears that it has more time."""
        require(self.answered[n])
        self.believed = self.runs_for(n)
        self.answered[n] = False
        self.age[n] = 0

    def runs_for(self, n: Node) -> int:
        """Counted from when it asked."""
        return self.ttl - self.age[n]

    @view
    def who_leads(self) -> tuple[bool, int, int]:
        """Whether the lease is alive, the tenure, and what the client believes."""
        return self.alive, self.tenure, self.believed

    @invariant
    def none_ends_early(self) -> bool:
        """As long as the client believes that it has the lease, it has."""
        return self.believed == 0 or self.alive

    @invariant
    def tenures_are_of_one(self) -> bool:
        """No two nodes believe to have one tenure."""
        return all(m == n for m in Node for n in Node if self.mine[m] > 0 and self.mine[m] == self.mine[n])

    @step_invariant
    def a_deposed_leader_ends_nothing(self, old: Self) -> bool:
        """A lease ends by a command of the last tenure."""
        return not old.alive or self.alive or old.tenure in old.ending


class DeposedLeaderEnds(Leasing):
    """A command to end a lease has its effect, whoever gave it (etcd, issues 15247 and 12528)."""

    def has_effect(self, named: int) -> bool:
        """Always."""
        return True


class CountedOn(Leasing):
    """A new leader goes on from what it has counted itself, without having heard of renewals since."""

    def counts_from(self, n: Node) -> int:
        """What is left by its own count."""
        return self.left[n]


class LostWithTheLeader(Leasing):
    """Leases are in the memory of who leads, and end with its tenure."""

    @action
    def lead(self, n: Node) -> None:
        """A node's tenure begins, and it knows of no lease."""
        super().lead(n)
        if self.tenure > 1:
            self.alive = False


class Unconfirmed(Leasing):
    """A renewal is answered by whoever believes to lead."""

    def is_confirmed(self, n: Node) -> bool:
        """It is not asked."""
        return True


class RenewedWhileEnding(Leasing):
    """A renewal is answered while the end of the lease is on its way."""

    def is_decided(self, n: Node) -> bool:
        """It is not looked at."""
        return True


class CountedFromTheAnswer(Leasing):
    """The client counts from when it heard the answer."""

    def runs_for(self, n: Node) -> int:
        """From now."""
        return self.ttl
