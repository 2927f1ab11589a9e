"""Failover: a lease for who may be the primary, clocks that drift, and the token that keeps an old primary's writes out.

A lock service gives the lease to one at a time, each time with a greater token. The holder goes by its own clock; the service
waits, by its own, as much longer as clocks may drift. But a write may be late by any time: so each carries the token, and the
store lets none through that is older than one it has seen. (Burrows, "The Chubby lock service", 2006, section 2.4.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    Lifelines,
    Map,
    Model,
    Param,
    Range,
    Set,
    Symmetric,
    action,
    invariant,
    record,
    require,
    step_invariant,
    view,
)

Token = Annotated[int, Range(0, "tokens")]


class Node(Symmetric):
    """May be the primary."""


@record
class Write:
    """A write on its way to the store: who sent it, under which token."""

    node: Node
    token: Annotated[int, Range(0, 6)]


class Failover(Model):
    """Who has the lease, who believes that it has, what the store has seen."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "tokens": 2},
        "standard": {"Node": 3, "tokens": 3},
        "large": {"Node": 4, "tokens": 4},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")
    lifelines: ClassVar[Lifelines] = Lifelines(network=("writes",))

    tokens: Param[Annotated[int, Range(1, 6)]] = 3
    ttl: Param[Annotated[int, Range(1, 5)]] = 2  # of a lease, in ticks
    drift: Param[Annotated[int, Range(0, 5)]] = 1  # ticks that two clocks may be apart in a lease

    holder: Node | None = None  # as the service has it
    token: Token = 0  # of the last lease
    elapsed: Annotated[int, Range(0, "ttl + drift")] = 0  # of the lease, by the service's clock
    believes: Map[Node, Token]  # the token that a node leads under; 0: it does not
    passed: Map[Node, Annotated[int, Range(0, "ttl")]]  # of its lease, by its own clock
    writes: Set[Write]  # on their way
    seen: Token = 0  # by the store: the greatest token that a write came under
    accepted: Token = 0  # the token of the last write that took effect

    @action
    def grant(self, n: Node) -> None:
        """The service gives the lease, which nobody has, to node n."""
        require(self.holder is None and self.token < self.tokens)
        self.holder = n
        self.token = self.next_token()
        self.elapsed = 0
        self.believes[n] = self.token
        self.passed[n] = 0

    def next_token(self) -> int:
        """A token that was never given."""
        return self.token + 1

    @action
    def release(self, n: Node) -> None:
        """The primary steps down."""
        require(self.holder == n and self.believes[n] > 0)
        self.holder = None
        self.believes[n] = 0

    @action
    def tick_of_the_service(self) -> None:
        """Time goes by at the service, which is not further ahead of the holder's clock than clocks drift."""
        lessee = self.holder
        require(lessee is not None)
        if lessee is not None:
            require(self.believes[lessee] == 0 or self.elapsed - self.passed[lessee] < self.drift)
        self.elapsed += 1
        if self.elapsed == self.ttl + self.waits_longer():
            self.holder = None
            self.elapsed = 0

    def waits_longer(self) -> int:
        """By how much the service waits longer than the lease is."""
        return self.drift

    @action
    def tick_of(self, n: Node) -> None:
        """Time goes by at node n, whose clock may also be fast."""
        require(self.believes[n] > 0)
        self.passed[n] += 1
        if self.passed[n] == self.ttl:
            self.believes[n] = 0
            self.passed[n] = 0

    @action
    def write(self, n: Node) -> None:
        """Node n, which believes that it leads, sends a write; when it arrives is anybody's guess."""
        require(self.believes[n] > 0)
        self.writes.add(Write(n, self.believes[n]))

    @action
    def store(self, w: Write) -> None:
        """A write arrives and takes effect, if nothing newer has."""
        require(w in self.writes)
        require(self.lets_through(w))
        self.seen = max(self.seen, w.token)
        self.accepted = w.token

    def lets_through(self, w: Write) -> bool:
        """The store looks at the token."""
        return w.token >= self.seen

    @view
    def tokens_in_use(self) -> tuple[int, Map[Node, int], int]:
        """The last token that was given, those that nodes lead under, the last that a write took effect under."""
        return self.token, self.believes, self.accepted

    @invariant
    def one_primary(self) -> bool:
        """No two believe at once that they lead, as long as clocks drift no more than was promised."""
        return all(m == n for m in Node for n in Node if self.believes[m] > 0 and self.believes[n] > 0)

    @invariant
    def a_token_is_of_one(self) -> bool:
        """No two write under one token."""
        return all(w.node == x.node for w in self.writes for x in self.writes if w.token == x.token)

    @step_invariant
    def writes_take_effect_in_order(self, old: Self) -> bool:
        """Once a write of a newer primary has taken effect, none of an older one does."""
        return old.accepted <= self.accepted


class UncheckedToken(Failover):
    """The store takes whatever comes: a write of a primary that has stopped for a while undoes a newer one's."""

    def lets_through(self, w: Write) -> bool:
        """Always."""
        return True


class FastClock(Failover):
    """The service does not wait longer than the lease is, and its clock may be fast: two lead at once."""

    def waits_longer(self) -> int:
        """Not at all."""
        return 0


class TokenUsedAgain(Failover):
    """A service that starts anew gives a token that it has given before."""

    @action
    def forget(self) -> None:
        """The service has lost its count; the lease runs on."""
        require(self.token > 0 and self.holder is None)
        self.token = 0


class ReleasedByName(Failover):
    """A release says whose it is, and not which lease: one that comes twice ends a later lease (etcd, issue 22082)."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "tokens": 3},
        "standard": {"Node": 3, "tokens": 3},
    }

    released: Set[Node]  # whose release is on its way once more

    @action
    def release(self, n: Node) -> None:
        """The primary steps down; its release may come again."""
        super().release(n)
        self.released.add(n)

    @action
    def release_again(self, n: Node) -> None:
        """It comes again, and ends whatever lease node n has by now."""
        require(n in self.released and self.holder == n)
        self.released.remove(n)
        self.holder = None


class LeaseForgotten(Failover):
    """A service that starts anew gives the lease at once, though the one that it has forgotten still runs."""

    @action
    def start_anew(self) -> None:
        """The token was kept, the lease was not."""
        require(self.holder is not None)
        self.holder = None
        self.elapsed = 0
