"""Chandy and Lamport's snapshot where channels are not first in, first out: it counts a coin twice.

Chandy, Lamport: *Distributed snapshots: determining global states of distributed systems* (ACM Transactions on Computer
Systems, 1985). A process records its state and sends a marker on each channel; what arrives before the marker was sent
before it. So they say; where messages overtake each other, what was sent after the marker is counted by its receiver,
and by its sender as still there.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from ratified import AtMost, Lifelines, Map, Model, Param, Range, Seq, Set, Sort, action, invariant, require

Parcel = Literal["coin", "marker"]


class Process(Sort):
    """Each begins with one coin."""


class Overtaking(Model):
    """Coins are sent around. Once, every process records what it has, and what arrives on channels that have no marker yet."""

    sizes: ClassVar = {"standard": {"Process": 2}}
    lifelines: ClassVar = Lifelines({Process: "process"}, network=("wire",))

    room: Param[int] = 3
    coins: Map[Process, Annotated[int, Range(0, "len(Process)")]]
    wire: Map[Process, Map[Process, Annotated[Seq[Parcel], AtMost("room")]]]
    recorded: Map[Process, Annotated[int, Range(0, "len(Process)")]]
    on_the_way: Map[Process, Annotated[int, Range(0, "len(Process)")]]
    begun: Set[Process]
    marked: Map[Process, Set[Process]]

    def init(self) -> None:
        self.coins = Map({p: 1 for p in Process})

    @action
    def send(self, p: Process, q: Process) -> None:
        """A process sends a coin to another."""
        require(p != q and self.coins[p] > 0 and len(self.wire[p][q]) < self.room - 1)
        self.coins[p] -= 1
        self.wire[p][q].append("coin")

    def record(self, p: Process) -> None:
        """A process records what it has, and sends markers."""
        self.begun.add(p)
        self.recorded[p] = self.coins[p]
        for q in Process:
            if q != p:
                self.wire[p][q].append("marker")

    @action
    def begin(self, p: Process) -> None:
        """A process begins the snapshot."""
        require(len(self.begun) == 0)
        self.record(p)

    def next(self, i: int) -> bool:
        """Whether what stands at this place of a channel may arrive."""
        return True

    @action
    def receive(self, p: Process, q: Process, i: Annotated[int, Range(0, 2)]) -> None:
        """What has been sent from one process to another arrives."""
        require(p != q and i < len(self.wire[p][q]) and self.next(i))
        parcel = self.wire[p][q][i]
        self.wire[p][q] = self.wire[p][q][:i] + self.wire[p][q][i + 1 :]
        if parcel == "coin":
            self.coins[q] += 1
            if q in self.begun and p not in self.marked[q]:
                self.on_the_way[q] += 1
        else:
            if q not in self.begun:
                self.record(q)
            self.marked[q].add(p)

    def complete(self) -> bool:
        """Whether every process has had a marker from every other."""
        return all(len(self.marked[p]) == len(Process) - 1 for p in Process)

    @invariant
    def every_coin_is_counted_once(self) -> bool:
        """What a complete snapshot counts is what there is."""
        return not self.complete() or sum(self.recorded[p] + self.on_the_way[p] for p in Process) == len(
            Process
        )


class FirstInFirstOut(Overtaking):
    """As published: nothing overtakes."""

    def next(self, i: int) -> bool:
        return i == 0
