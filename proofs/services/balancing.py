"""Why two choices never pick the busiest, a change of a ring moves only what it must, and turns leave nobody out, at every size.

Two different servers are compared, and the one that is picked has no more on the way than the other. On a ring each key is with
the first node at or after it; that is what decides who inherits keys and who gives some away, so nothing else moves.

On a ring with bounded loads no request goes beyond a bound that is made of the load there is, whatever that comes to.

Smooth weighted turns: what one is picked for it pays to the others, so credits add up to zero. All together then have something
when the next is picked, and so has the one with most: it is left with less than a pick to make good. That it has at least the
mean is a product of how many there are and of what it has, which is left to an argument on paper (docs/services.md).

Turns: since an endpoint was served or came, nobody was served twice: whoever was served is behind the turn, and comes after it
on the way round. So with n endpoints it waits n - 1 picks at most, whoever comes and goes meanwhile. How many they are this logic
cannot say; who they are it can.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from ratified.language import Map, Param, Range, Set, action, invariant, require
from ratified.models.services.balancing import Node as Weighted
from ratified.models.services.balancing import SmoothWeighted
from ratified.models.services.changing import ChangingTurns, Endpoint
from ratified.models.services.choices import Server, TwoDraws
from ratified.models.services.load import BoundedRing, Node
from ratified.models.services.reweighting import Node as Weighing
from ratified.models.services.reweighting import Reweighted
from ratified.models.services.ring import Place, Ring
from ratified.smt.script import Goals, lemma


def within(most: int, paid: int, gained: int) -> bool:
    """Whether a credit stays within a bound, whether its node is picked and pays or not."""
    return -most <= gained - paid and gained <= most


class SmoothSafety(SmoothWeighted):
    """Any number of nodes and any weights, while credits and counts stay within a bound: any bound."""

    goals: ClassVar[Goals] = {
        "credits_add_up_to_zero": ("credits_add_up_to_zero",),
        "less_than_a_pick_ahead": ("above_a_pick",),
        "who_is_down_is_not_picked": (),
    }

    most: Param[Annotated[int, Range(0, 1_000_000)]] = 1000
    credit: Map[Weighted, Annotated[int, Range("-most", "most")]]
    served: Map[Weighted, Annotated[int, Range(0, "most")]]

    @invariant
    def less_than_a_pick_ahead(self, n: Weighted) -> bool:
        """While all are up, no node is ahead of its share by a whole pick."""
        return not self.steady or self.credit[n] > -self.total()

    @lemma(uses=())
    def credits_add_up_to_zero(self) -> bool:
        """What one has more than its share, others have less."""
        return super().credits_add_up_to_zero()

    @lemma(uses=())
    def steady_is_all_up(self) -> bool:
        """A round that nobody was down in has nobody down."""
        return not self.steady or len(self.down) == 0

    @lemma(uses=("credits_add_up_to_zero", "steady_is_all_up"))
    def above_a_pick(self, n: Weighted) -> bool:
        """Who is picked has more than nothing before it pays, since all have together."""
        return self.less_than_a_pick_ahead(n)

    @action
    def pick(self, n: Weighted) -> None:
        """Node n is picked, if what comes of it is within the bound."""
        require(self.served[n] < self.most)
        require(all(within(self.most, self.pays(), self.gained(m)) for m in Weighted))
        super().pick(n)


class ReweightedSafety(Reweighted):
    """Any number of nodes, and weights that change, while credits and what a pick costs stay within a bound: any bound."""

    goals: ClassVar[Goals] = {
        "credits_add_up_to_zero": ("credits_add_up_to_zero",),
        "never_a_dearest_pick_ahead": ("above_the_dearest",),
    }

    most: Param[Annotated[int, Range(0, 1_000_000)]] = 1000
    credit: Map[Weighing, Annotated[int, Range("-most", "most")]]
    dearest: Annotated[int, Range(0, "most")] = 0  # the most that a pick has cost

    @invariant
    def never_a_dearest_pick_ahead(self, n: Weighing) -> bool:
        """No node is ahead of its share by as much as the dearest pick has cost, whatever weights are by now."""
        return self.credit[n] >= 0 or self.credit[n] > -self.dearest

    @lemma(uses=())
    def credits_add_up_to_zero(self) -> bool:
        """What one has more than its share, others have less."""
        return super().credits_add_up_to_zero()

    @lemma(uses=("credits_add_up_to_zero",))
    def above_the_dearest(self, n: Weighing) -> bool:
        """Who is picked has more than nothing before it pays, since all have together."""
        return self.never_a_dearest_pick_ahead(n)

    def paid(self) -> int:
        """What the one that is picked pays: what all have gained."""
        return sum(self.weight[m] for m in Weighing)

    @action
    def pick(self, n: Weighing) -> None:
        """Node n is picked, if what comes of it is within the bound."""
        require(self.paid() <= self.most)
        require(all(within(self.most, self.paid(), self.gained(m)) for m in Weighing))
        self.dearest = max(self.dearest, self.paid())
        super().pick(n)


class TwoDrawsSafety(TwoDraws):
    """Any number of servers and requests."""

    goals: ClassVar[Goals] = {"the_busiest_is_not_picked": ("there_is_room_for_what_is_drawn",)}

    @lemma(uses=())
    def there_is_room_for_what_is_drawn(self) -> bool:
        """Whoever is sent the request has not all of them on the way."""
        return self.drawn is None or all(self.load[s] < self.requests for s in Server)

    def has_room(self) -> bool:
        """No server has all requests on the way: that all together have not is a sum, and only allows less."""
        return all(self.load[s] < self.requests for s in Server)


class RingSafety(Ring):
    """Any number of places."""

    goals: ClassVar[Goals] = {
        "a_key_is_where_it_belongs": ("keys_are_at_home",),
        "a_change_moves_only_what_it_must": (),
    }

    @lemma(uses=())
    def keys_are_at_home(self) -> bool:
        """Each key is with the first node at or after it."""
        return all(self.home(k, self.owner[k]) for k in Place)


class BoundedSafety(BoundedRing):
    """Any number of nodes, of keys and of requests, any weights and any places on the ring."""

    goals: ClassVar[Goals] = {"load_is_bounded": (), "who_is_down_is_not_picked": ()}

    @lemma(uses=())
    def somebody_is_up(self) -> bool:
        """Not all nodes are down, so that what they have on the way can be shared out."""
        return super().somebody_is_up()

    def may_arrive(self) -> bool:
        """No node has all requests on the way: that all together have not is a sum, and only allows less."""
        return all(self.outstanding[n] < self.most for n in Node)

    @action
    def fail(self, n: Node) -> None:
        """Node n goes down; another is up: which it is, not how many there are."""
        require(n not in self.down and any(m != n and m not in self.down for m in Node))
        self.down.add(n)


class TurnsSafety(ChangingTurns):
    """Any number of endpoints that come and go. Instead of how many picks each has waited, who was picked since."""

    goals: ClassVar[Goals] = {
        "nobody_is_served_twice_while_another_waits": ("nobody_was_served_twice",),
        "who_is_not_there_is_not_picked": (),
    }

    since: Map[Endpoint, Set[Endpoint]]  # who was picked since an endpoint was, or came
    twice: bool = False  # somebody was, while another that was there was not

    @action
    def pick(self, e: Endpoint) -> None:
        """An endpoint is picked; who waits has seen it."""
        if any(e in self.since[other] for other in self.there):
            self.twice = True
        self.since = Map(
            {
                other: Set(f for f in Endpoint if f == e or f in self.since[other])
                if other in self.there and other != e
                else Set(f for f in Endpoint if f in self.since[other] and other not in self.there)
                for other in Endpoint
            }
        )
        super().pick(e)

    @action
    def come(self, e: Endpoint) -> None:
        """An endpoint comes, and has seen nobody."""
        super().come(e)
        self.since[e] = Set()

    def comes_first(self, e: Endpoint, f: Endpoint) -> bool:
        """From the turn on, around the end, endpoint e comes before endpoint f."""
        if e >= self.turn:
            return f < self.turn or e < f
        return f < self.turn and e < f

    @lemma(uses=())
    def who_was_served_since_comes_later(self) -> bool:
        """Whoever was served while another waits comes after it."""
        return all(
            self.comes_first(e, f)
            for e in Endpoint
            for f in Endpoint
            if e in self.there and f in self.since[e]
        )

    @invariant
    def nobody_is_served_twice_while_another_waits(self) -> bool:
        """While an endpoint is there and is not picked, each other is picked once at most."""
        return not self.twice

    @lemma(uses=("who_was_served_since_comes_later",))
    def nobody_was_served_twice(self) -> bool:
        """Whoever is picked comes first, and so has not been since."""
        return not self.twice
