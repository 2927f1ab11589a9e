"""Kafka's in-sync replicas: one that has lost its disk is taken back, on the word of a leader that saw it before.

KAFKA-14617 and KIP-903, *Replicas with stale broker epoch should not be allowed to join the ISR* (2023). A leader tells
the controller that a follower has caught up. Until that is heard the follower may lose all it had and register anew; in
the set of those that may lead it is a replica without what is committed. The mended request names the follower's epoch,
which each registration raises.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from ratified import (
    Goals,
    Lifelines,
    Map,
    Model,
    Ordered,
    Range,
    Set,
    Sort,
    action,
    invariant,
    lemma,
    record,
    require,
)


class Broker(Sort):
    """A replica of the partition; the first one leads."""


class Epoch(Ordered):
    """Numbers the registrations of a broker."""


@record
class CaughtUp:
    """For the controller: a follower has all that is committed, and was registered in this epoch when it had."""

    follower: Broker
    epoch: Epoch


Length = Annotated[int, Range(0, 2)]


class StaleEpoch(Model):
    """The controller does not look at epochs."""

    sizes: ClassVar = {"standard": {"Broker": 3, "Epoch": 2}}
    lifelines: ClassVar = Lifelines(
        {Broker: "broker"}, network=("requests",), owner={"in_sync": "controller"}
    )

    log: Map[Broker, Length]
    epoch: Map[Broker, Epoch]
    in_sync: Set[Broker]
    committed: Length
    requests: Set[CaughtUp]

    def init(self) -> None:
        """The leader alone is in sync."""
        self.in_sync = Set({Broker(0)})

    @action
    def append(self) -> None:
        """The leader takes a record."""
        require(self.log[Broker(0)] < 2)
        self.log[Broker(0)] += 1

    @action
    def fetch(self, f: Broker) -> None:
        """A follower fetches the next record."""
        require(self.log[f] < self.log[Broker(0)])
        self.log[f] += 1

    @action
    def commit(self) -> None:
        """All in sync have the next record, and those that may have been taken in by now."""
        waiting = Set(m.follower for m in self.requests)
        require(self.log[Broker(0)] > self.committed)
        require(all(self.log[b] > self.committed for b in self.in_sync | waiting))
        self.committed += 1

    @action
    def ask(self, f: Broker) -> None:
        """The leader sees that a follower has caught up, and asks the controller to take it in."""
        require(f not in self.in_sync and self.log[f] >= self.committed)
        self.requests.add(CaughtUp(f, self.epoch[f]))

    def valid(self, m: CaughtUp) -> bool:
        """Whether the controller does what it is asked for."""
        return True

    @action
    def take_in(self, m: CaughtUp) -> None:
        """The controller hears of it."""
        require(m in self.requests)
        self.requests.remove(m)
        if self.valid(m):
            self.in_sync.add(m.follower)

    @action
    def lose_disk(self, f: Broker) -> None:
        """A follower loses all that it had, and registers again."""
        require(int(f) > 0 and not self.epoch[f].is_last())
        self.log[f] = 0
        self.epoch[f] += 1
        self.in_sync.discard(f)

    @invariant
    def who_may_lead_has_what_is_committed(self) -> bool:
        return all(self.log[b] >= self.committed for b in self.in_sync)


class BrokerEpoch(StaleEpoch):
    """Mended: a request counts for the epoch that it names."""

    def valid(self, m: CaughtUp) -> bool:
        return m.epoch == self.epoch[m.follower]


class ReplicaSafety(BrokerEpoch):
    """Who was asked for in its present epoch has what is committed, as those that are in sync have."""

    goals: ClassVar[Goals] = {"who_may_lead_has_what_is_committed": None}

    @lemma
    def who_may_lead_has_what_is_committed(self) -> bool:
        return super().who_may_lead_has_what_is_committed()

    @lemma
    def who_is_asked_for_has_it(self) -> bool:
        return all(
            self.log[m.follower] >= self.committed for m in self.requests if m.epoch == self.epoch[m.follower]
        )

    @lemma
    def no_request_is_of_a_later_epoch(self) -> bool:
        return all(m.epoch <= self.epoch[m.follower] for m in self.requests)
