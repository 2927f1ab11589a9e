"""Lock-delay: a lock whose holder failed is given to nobody else for a while, so that what it sent arrives, or is lost.

It protects stores that compare no tokens, as far as messages take no longer than the delay (Burrows, "The Chubby lock service",
2006, section 2.4; Consul's sessions). Who releases a lock, when nothing of it is on the way, makes nobody wait. A service that
starts anew does not know who held a lock until when: it waits for a whole lease and a whole delay. Consul keeps its delays in
the memory of each server, so that one that has just started gives the lock at once: `DelayForgotten`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Param,
    Range,
    Symmetric,
    action,
    invariant,
    require,
    step_invariant,
    view,
)


class Node(Symmetric):
    """Wants the lock."""


class LockDelay(Model):
    """Who has the lock, for how long nobody else gets it, and whose writes are on the way."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2},
        "standard": {"Node": 3, "ttl": 2, "delay": 3},
        "large": {"Node": 4, "ttl": 3, "delay": 5},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    ttl: Param[Annotated[int, Range(1, 100)]] = 1  # ticks of a lease
    delay: Param[Annotated[int, Range(1, 100)]] = 2  # ticks; no message takes longer

    holder: Node | None = None  # whose lease runs; it knows as long as it does
    left: Annotated[int, Range(0, "ttl")] = 0  # ticks of its lease
    before: Node | None = None  # who had it until it ran out
    wait: Annotated[int, Range(0, "ttl + delay")] = 0  # ticks until somebody else may have it
    way: Map[
        Node, Annotated[int, Range(0, "delay")]
    ]  # ticks that a node's write may still take; 0: there is none

    @action
    def grant(self, n: Node) -> None:
        """Node n gets the lock, or more time."""
        require(self.holder == n or (self.holder is None and (self.wait == 0 or self.before == n)))
        self.holder = n
        self.left = self.ttl
        self.before = None
        self.wait = 0

    @action
    def release(self, n: Node) -> None:
        """Node n needs it no more, and has nothing on the way."""
        require(self.holder == n and self.way[n] == 0)
        self.holder = None
        self.left = 0

    @action
    def tick(self) -> None:
        """Time goes by. A lease that has run out without a release: its holder has failed."""
        self.way = Map({n: max(0, self.way[n] - 1) for n in Node})
        self.left = max(0, self.left - 1)
        self.wait = max(0, self.wait - 1)
        if self.holder is not None and self.left == 0:
            self.before = self.holder
            self.holder = None
            self.wait = self.delayed()

    def delayed(self) -> int:
        """How long nobody else gets it."""
        return self.delay

    @action
    def start_anew(self) -> None:
        """The service starts anew and does not know who has the lock, or had it."""
        if self.holder is not None:
            self.left = self.ttl
        else:
            self.before = None
            self.wait = self.waits_at_first()

    def waits_at_first(self) -> int:
        """A lease may have begun just before, and its delay follows."""
        return self.ttl + self.delay

    @action
    def write(self, n: Node) -> None:
        """Who has the lock sends a write."""
        require(self.holder == n)
        self.way[n] = self.delay

    @action
    def arrive(self, n: Node) -> None:
        """A write arrives."""
        require(self.way[n] > 0)
        self.way[n] = 0

    @invariant
    def nobody_elses_writes_arrive(self) -> bool:
        """While somebody has the lock, only its own writes are on the way."""
        return self.holder is None or all(self.way[n] == 0 or self.holder == n for n in Node)

    @step_invariant
    def a_release_makes_nobody_wait(self, old: Self) -> bool:
        """What is given back can be had at once."""
        return not (self.holder is None and old.holder is not None and old.left > 1) or self.wait == 0

    @view
    def whose_it_is(self) -> tuple[bool, bool, int]:
        """Whether somebody has it, whether others wait because its holder failed, and how many writes are on the way."""
        return self.holder is not None, self.wait > 0, sum(1 for n in Node if self.way[n] > 0)


class NoLockDelay(LockDelay):
    """The next one has the lock at once, and the write of the one that failed arrives after its own."""

    def delayed(self) -> int:
        """Not at all."""
        return 0


class DelayForgotten(LockDelay):
    """Delays are kept in memory: after a restart there are none (Consul)."""

    def waits_at_first(self) -> int:
        """Not at all."""
        return 0
