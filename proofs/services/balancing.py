"""Why two choices never pick the busiest, a change of a ring moves only what it must, and turns leave nobody out, at every size.

Two different servers are compared, and the one that is picked has no more on the way than the other. On a ring each key is
with the first node at or after it; that is what decides who inherits keys and who gives some away, so nothing else moves.

On a ring with bounded loads no request goes beyond a bound that is made of the load there is, and somebody has room: where
nobody had, the nodes that are up would have at least as many bounds as they are, which is more than all have. The products in
that are sums that are written down: of the bound, as often as there are nodes; of what nodes have, those that are down as if
they had the bound.

Turns: since an endpoint was served or came, nobody was served twice: whoever was served is behind the turn, and comes after
it on the way round. So with n endpoints it waits n - 1 picks at most, whoever comes and goes meanwhile. How many they are
this logic cannot say; who they are it can.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from ratified.language import Map, Param, Range, Set, action, invariant, require
from ratified.models.services.changing import ChangingTurns, Endpoint
from ratified.models.services.choices import Server, TwoDraws
from ratified.models.services.load import BoundedRing, Key, Node
from ratified.models.services.ring import Place, Ring
from ratified.smt.script import Goals, lemma


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
    """Any number of nodes, of keys and of requests, any weights and places on the ring, while bounds are within any number."""

    goals: ClassVar[Goals] = {
        "somebody_has_room": ("the_limit_is_the_bound", "room_below_the_limit"),
        "load_is_bounded": (),
        "who_is_down_is_not_picked": (),
    }

    largest: Param[Annotated[int, Range(10, 1_000_000)]] = 100
    limit: Annotated[int, Range(0, "largest")]  # what a node may have on the way with one request more
    limits: Map[Node, Annotated[int, Range(0, "largest")]]  # the same for each
    filled: Map[Node, Annotated[int, Range(0, "largest + most")]]  # as if those that are down had that

    def init(self) -> None:
        """All are up, and have nothing on the way."""
        self.limit = self.bound()
        self.limits = Map({n: self.bound() for n in Node})

    def written_down(self) -> None:
        """What is to be compared is written down after each step, if it is within the bound."""
        require(self.bound() <= self.largest)
        self.limit = self.bound()
        self.limits = Map({n: self.bound() for n in Node})
        self.filled = Map({n: self.bound() if n in self.down else self.outstanding[n] for n in Node})

    def load_of_the_up(self) -> int:
        """What those that are up have on the way."""
        return sum(self.outstanding[n] for n in Node if n not in self.down)

    def below_the_limit(self) -> bool:
        """A node that is up may have one more."""
        return any(n not in self.down and self.outstanding[n] < self.limit for n in Node)

    @lemma(uses=())
    def the_limit_is_the_bound(self) -> bool:
        """What is written down is the bound, which there is: not all nodes are down."""
        return self.limit == self.bound()

    @lemma(uses=())
    def all_have_the_limit(self) -> bool:
        """So it is for each node."""
        return all(self.limits[n] == self.limit for n in Node)

    @lemma(uses=())
    def limits_are_as_many(self) -> bool:
        """Together that is as many times the limit as there are nodes."""
        return sum(self.limits[n] for n in Node) == self.limit * len(Node)

    @lemma(uses=())
    def filled_where_down(self) -> bool:
        """Those that are up have what they have."""
        return all(self.filled[n] == (self.limit if n in self.down else self.outstanding[n]) for n in Node)

    @lemma(uses=())
    def filled_by_as_many(self) -> bool:
        """Together that is what those that are up have, and the limit as often as others are down."""
        return sum(self.filled[n] for n in Node) == self.load_of_the_up() + self.limit * len(self.down)

    @lemma(follows=())
    def the_up_have_no_more_than_all(self) -> bool:
        """What those that are up have on the way is a part of it all."""
        return self.load_of_the_up() <= self.load()

    @lemma(follows=("all_have_the_limit", "filled_where_down"))
    def or_all_are_filled(self) -> bool:
        """If nobody may have one more, all together have at least all limits."""
        limits, filled = sum(self.limits[n] for n in Node), sum(self.filled[n] for n in Node)
        return self.below_the_limit() or limits <= filled

    @lemma(follows=("the_limit_is_the_bound",))
    def limits_are_enough(self) -> bool:
        """The limits of those that are up come to what they are a share of, and the share is all of it or more."""
        return 100 * self.limit * self.up() >= self.percent * (self.load() + 1)

    @lemma(
        follows=(
            "or_all_are_filled",
            "limits_are_as_many",
            "filled_by_as_many",
            "the_up_have_no_more_than_all",
            "limits_are_enough",
        )
    )
    def room_below_the_limit(self) -> bool:
        """Or those that are up would have more than all have."""
        return self.below_the_limit()

    def may_arrive(self) -> bool:
        """No node has all requests on the way: that all together have not is a sum, and only allows less."""
        return all(self.outstanding[n] < self.most for n in Node)

    @action
    def pick(self, k: Key, n: Node) -> None:
        """Key k is sent to node n."""
        super().pick(k, n)
        self.written_down()

    @action
    def end(self, n: Node) -> None:
        """A request ends."""
        super().end(n)
        self.written_down()

    @action
    def fail(self, n: Node) -> None:
        """Node n goes down; another is up."""
        super().fail(n)
        self.written_down()

    @action
    def recover(self, n: Node) -> None:
        """Node n comes up again."""
        super().recover(n)
        self.written_down()


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
