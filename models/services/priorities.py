"""Priorities: the first node that is there is the primary, but for one that keeps failing, which is in quarantine for a while.

A node that fails so often within a window is in quarantine, longer each time, and is forgiven once it has been out of it for as
long as the longest. Who is in quarantine leads only if nobody else is there. So a node that flaps does not take over and fail,
and take over again, for ever.
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
    Sort,
    action,
    invariant,
    require,
    step_invariant,
    view,
)


class Node(Sort):
    """May be the primary; those that come first are preferred."""


class Priorities(Model):
    """Who is there; recent failures, and quarantine; who was last asked to lead."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "flaps": 1},
        "standard": {"Node": 2, "flaps": 2},
        "large": {"Node": 3, "flaps": 2},
    }

    flaps: Param[Annotated[int, Range(1, 10)]] = 2  # failures that bring quarantine
    shortest: Param[Annotated[int, Range(1, 100)]] = 1  # ticks of quarantine
    longest: Param[Annotated[int, Range(1, 100)]] = 2

    there: Set[Node]
    failures: Map[Node, Annotated[int, Range(0, "flaps")]]  # recent ones
    left: Map[Node, Annotated[int, Range(0, "longest")]]  # ticks of quarantine
    length: Map[Node, Annotated[int, Range(0, "longest")]]  # of its next quarantine, in ticks
    rest: Map[
        Node, Annotated[int, Range(0, "longest")]
    ]  # ticks until it is forgiven, if it was in quarantine
    leads: Node | None = None

    def init(self) -> None:
        """Nobody is there, and nobody has failed."""
        self.length = Map({n: self.shortest for n in Node})

    @action
    def come(self, n: Node) -> None:
        """Node n is there."""
        require(n not in self.there)
        self.there.add(n)

    @action
    def fail(self, n: Node) -> None:
        """Node n is not there any more, and in quarantine if that happens often."""
        require(n in self.there)
        self.there.remove(n)
        self.failures[n] += 1
        if self.failures[n] == self.flaps:
            self.failures[n] = 0
            self.left[n] = self.length[n]
            self.rest[n] = self.longest
            self.length[n] = self.grown(self.length[n])

    def grown(self, length: int) -> int:
        """Twice as long, up to the longest."""
        return min(self.longest, 2 * length)

    @action
    def forget(self, n: Node, failures: Annotated[int, Range(0, "flaps")]) -> None:
        """Failures of long ago count no more."""
        require(failures < self.failures[n])
        self.failures[n] = failures

    @action
    def tick(self) -> None:
        """Time goes by: in quarantine, and then until all is forgiven."""
        out = Set(n for n in Node if self.left[n] == 0)
        self.left = Map({n: max(0, self.left[n] - 1) for n in Node})
        self.length = Map(
            {
                n: self.forgiven(self.length[n]) if n in out and self.rest[n] == 1 else self.length[n]
                for n in Node
            }
        )
        self.rest = Map({n: max(0, self.rest[n] - 1) if n in out else self.rest[n] for n in Node})

    def forgiven(self, length: int) -> int:
        """The next quarantine is as short as the first."""
        return self.shortest

    def is_well(self, n: Node) -> bool:
        """Node n is there, and not in quarantine."""
        return n in self.there and not self.in_quarantine(n)

    def in_quarantine(self, n: Node) -> bool:
        """It is not to lead while another can."""
        return self.left[n] > 0

    def is_primary(self, n: Node) -> bool:
        """Of those that are well node n comes first; of those that are there, if none is well."""
        if any(self.is_well(m) for m in Node):
            return self.is_well(n) and all(int(n) <= int(m) for m in Node if self.is_well(m))
        return self.may_lead_in_quarantine(n) and all(int(n) <= int(m) for m in self.there)

    def may_lead_in_quarantine(self, n: Node) -> bool:
        """Better one in quarantine than nobody."""
        return n in self.there

    @action
    def ask(self, n: Node) -> None:
        """Somebody asks who is to lead."""
        require(self.is_primary(n))
        self.leads = n

    @invariant
    def somebody_leads(self) -> bool:
        """As long as anybody is there."""
        return len(self.there) == 0 or any(self.is_primary(n) for n in Node)

    @step_invariant
    def who_is_not_there_does_not_lead(self, old: Self) -> bool:
        """Nobody is asked to lead that is known to be down."""
        return self.leads == old.leads or any(self.leads == n for n in old.there)

    @step_invariant
    def quarantine_is_kept(self, old: Self) -> bool:
        """Nobody in quarantine is asked to lead while another is there that is not."""
        return self.leads == old.leads or all(
            self.leads != n or old.left[n] == 0 or all(old.left[m] > 0 for m in old.there) for n in Node
        )

    @step_invariant
    def each_is_longer(self, old: Self) -> bool:
        """Who fails again before it is forgiven is out for longer, up to the longest."""
        return all(
            self.left[n] <= old.left[n]
            or old.rest[n] == 0
            or self.length[n] == min(self.longest, 2 * old.length[n])
            for n in Node
        )

    @invariant
    def all_is_forgiven_in_time(self) -> bool:
        """Who has been well for long enough begins with the shortest quarantine."""
        return all(self.rest[n] > 0 or self.length[n] == self.shortest for n in Node)

    @view
    def who_leads(self) -> Node | None:
        """The last that was asked to."""
        return self.leads


class NoQuarantine(Priorities):
    """Whoever comes back takes over at once, however often it has failed."""

    def in_quarantine(self, n: Node) -> bool:
        """Never."""
        return False


class QuarantinedForGood(Priorities):
    """What a node has done counts for ever."""

    def forgiven(self, length: int) -> int:
        """It stays as long."""
        return length


class NobodyLeads(Priorities):
    """Who is in quarantine does not lead even if nobody else is there."""

    def may_lead_in_quarantine(self, n: Node) -> bool:
        """Not in quarantine."""
        return self.is_well(n)
