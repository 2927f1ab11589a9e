"""Turns: round-robin of many clients that begin at different places, and earliest deadline first.

Round-robin: each client asks one node after the other, and passes over who is down. Clients that all began at the first node
would send it their first requests all at once: it is each client's start that spreads them. (nginx-devel, November 2020.)

Earliest deadline first: a node of weight w is due every 1/w. The node that is due first is picked, and time moves on to that
moment; a change of the nodes leaves their deadlines as they are, since a schedule that begins anew with each change never comes
to the light nodes. (Envoy, issues 14597 and 31378.)
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
    at_size,
    invariant,
    leads_to,
    require,
    step_invariant,
    view,
)


class Node(Sort):
    """Serves requests."""


class Client(Sort):
    """Sends requests, by turns of its own."""


class RoundRobin(Model):
    """Where each client is, who is down, and how many clients sent each node their first request."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "Client": 2},
        "standard": {"Node": 3, "Client": 2},
        "large": {"Node": 3, "Client": 3},
    }

    at: Map[Client, Annotated[int, Range(0, "len(Node) - 1")]]  # whose turn is next
    last: Map[Client, Node | None]  # whom each client picked last
    down: Set[Node]
    firsts: Map[Node, Annotated[int, Range(0, "len(Client)")]]  # first requests, while nobody had been down
    steady: bool = True  # nobody has been down

    def init(self) -> None:
        """Each client has its start."""
        self.at = Map({c: self.start(c) for c in Client})

    def start(self, c: Client) -> int:
        """Clients begin one after the other."""
        return int(c) % len(Node)

    def ahead(self, c: Client, n: Node) -> int:
        """How many turns it is from where client c is to node n."""
        return (int(n) + len(Node) - self.at[c]) % len(Node)

    @action(fair="weak", each=("c",))
    def pick(self, c: Client, n: Node) -> None:
        """Client c picks node n: the next that is up."""
        require(n not in self.down)
        require(all(self.ahead(c, n) <= self.ahead(c, m) for m in Node if m not in self.down))
        if self.last[c] is None and self.steady:
            self.firsts[n] += 1
        self.at[c] = (int(n) + 1) % len(Node)
        self.last[c] = n

    @action
    def fail(self, n: Node) -> None:
        """Node n goes down; another is up."""
        require(n not in self.down and len(self.down) + 1 < len(Node))
        self.down.add(n)
        self.steady = False

    @action
    def recover(self, n: Node) -> None:
        """Node n comes up again."""
        require(n in self.down)
        self.down.remove(n)

    @invariant
    def no_rush_at_the_beginning(self, n: Node) -> bool:
        """The clients' first requests are spread: no node has more of them than its share, rounded up."""
        return self.firsts[n] * len(Node) < len(Client) + len(Node)

    @step_invariant
    def who_is_down_is_not_picked(self, old: Self) -> bool:
        """No request goes to a node that is known to be down."""
        return all(self.last[c] == old.last[c] or self.last[c] not in old.down for c in Client)

    @leads_to
    def nobody_starves(self, c: Client, n: Node) -> tuple[bool, bool]:
        """A node that is up is picked by each client, or goes down before."""
        return n not in self.down, self.last[c] == n or n in self.down

    @view
    def turns(self) -> Map[Client, int]:
        """Where each client is."""
        return self.at


class SameStart(RoundRobin):
    """All clients begin with the first node."""

    def start(self, c: Client) -> int:
        """With the first."""
        return 0


Weight = Annotated[int, Range(1, 12)]


class EarliestDeadline(Model):
    """When each node is due, in parts of a period, from now on; a round is as many picks as weights add up to."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2},
        "standard": {"Node": 3},
        "large": {"Node": 4},
    }

    weights: Param[Map[Node, Weight]] = at_size(lambda: Map({n: 1 + int(n) for n in Node}))
    period: Param[Annotated[int, Range(1, 100_000)]] = 12  # of weight 1; a multiple of every weight

    due: Map[Node, Annotated[int, Range(0, "period")]]
    served: Map[Node, Annotated[int, Range(0, 12)]]  # since the round began
    last: Node | None = None

    def init(self) -> None:
        """Each is due a period of its own from now."""
        self.due = Map({n: self.period_of(n) for n in Node})

    def period_of(self, n: Node) -> int:
        """From one deadline of a node to the next."""
        return self.period // self.weights[n]

    def in_turn(self, n: Node) -> bool:
        """Node n is on the schedule at all."""
        return True

    @action(fair="weak")
    def pick(self, n: Node) -> None:
        """Node n is due first (the first of equals), and due again after its period."""
        require(self.in_turn(n))
        require(
            all(
                self.due[n] < self.due[m] or (self.due[n] == self.due[m] and int(n) <= int(m))
                for m in Node
                if self.in_turn(m)
            )
        )
        now = self.due[n]
        self.due = Map({m: self.period_of(m) if m == n else max(0, self.due[m] - now) for m in Node})
        self.served[n] += 1
        self.last = n
        if sum(self.served[m] for m in Node) == sum(self.weights[m] for m in Node):
            self.served = Map({m: 0 for m in Node})

    @action
    def change(self) -> None:
        """Nodes are told anew, and are the same: their deadlines stay."""

    @invariant
    def a_round_serves_each_its_weight(self, n: Node) -> bool:
        """In a round nobody is picked more often than its weight says, so that all are picked as often."""
        return self.served[n] <= self.weights[n]

    @invariant
    def within_its_period(self, n: Node) -> bool:
        """Nobody is due later than a period from now."""
        return self.due[n] <= self.period // self.weights[n]

    @leads_to
    def nobody_starves(self, n: Node) -> tuple[bool, bool]:
        """Every node is picked."""
        return self.last != n, self.last == n

    @view
    def deadlines(self) -> Map[Node, int]:
        """When each is due."""
        return self.due


class BegunAnew(EarliestDeadline):
    """With each change all deadlines begin anew: the light are never due first (Envoy, issues 14597 and 31378)."""

    @action
    def change(self) -> None:
        """All begin again."""
        self.due = Map({n: self.period_of(n) for n in Node})
        self.served = Map({n: 0 for n in Node})


class RoundedAway(EarliestDeadline):
    """Weights are scaled to small numbers, and what is light comes to nothing (grpc-java, issues 10366 and 10472)."""

    def in_turn(self, n: Node) -> bool:
        """Scaled to 0 or 1, it is 1."""
        return self.weights[n] // max(self.weights[m] for m in Node) > 0
