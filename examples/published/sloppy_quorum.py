"""Dynamo's sloppy quorums: a read that misses a write which has completed.

DeCandia and others: *Dynamo: Amazon's highly available key-value store* (SOSP 2007), section 4.6. While replicas cannot
be reached others take their place, and hand over later; so a read quorum and a write quorum need have no replica in
common. `Strict` uses the replicas of the key alone.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from ratified import Lifelines, Map, Model, Param, Range, Set, Sort, action, invariant, require, subsets

Version = Annotated[int, Range(0, 2)]


class Replica(Sort):
    """The first `home` of them keep the key; the others stand in."""


class SloppyQuorum(Model):
    """Writes and reads of one key, each by any two replicas that can be reached."""

    sizes: ClassVar = {"standard": {"Replica": 4}}
    lifelines: ClassVar = Lifelines(
        {Replica: "replica"}, owner={"written": "client", "least": "client", "read": "client"}
    )

    home: Param[int] = 3
    stored: Map[Replica, Version]
    written: Version
    read: Version
    least: Version
    down: Set[Replica]

    def may_serve(self, r: Replica) -> bool:
        """Whether a replica counts: a stand-in does, for one of the homes that is down."""
        standing_in = int(r) - self.home
        return int(r) < self.home or standing_in < sum(1 for d in self.down if int(d) < self.home)

    @action
    def fail(self, r: Replica) -> None:
        """Replica r cannot be reached."""
        require(r not in self.down)
        self.down.add(r)

    @action
    def recover(self, r: Replica) -> None:
        """Replica r can be reached again."""
        require(r in self.down)
        self.down.remove(r)

    @action
    def write(self, quorum: Set[Replica]) -> None:
        """The next version is written to a quorum."""
        require(quorum in subsets(Replica, 2))
        require(self.written < 2 and all(r not in self.down and self.may_serve(r) for r in quorum))
        self.written += 1
        for r in quorum:
            self.stored[r] = self.written

    @action
    def get(self, quorum: Set[Replica]) -> None:
        """The newest of what a quorum has is read."""
        require(quorum in subsets(Replica, 2))
        require(all(r not in self.down and self.may_serve(r) for r in quorum))
        self.least = self.written
        self.read = max(self.stored[r] for r in quorum)

    @action
    def hand_over(self, r: Replica, s: Replica) -> None:
        """Stand-in r hands over to s what it has."""
        require(int(r) >= self.home and int(s) < self.home and not {r, s} & self.down)
        require(self.stored[s] < self.stored[r])
        self.stored[s] = self.stored[r]

    @invariant
    def reads_are_fresh(self) -> bool:
        """A read sees what was written before it began."""
        return self.read >= self.least


class Strict(SloppyQuorum):
    """Nobody stands in."""

    def may_serve(self, r: Replica) -> bool:
        return int(r) < self.home
