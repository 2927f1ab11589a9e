"""Balancing by load held to its models: least outstanding, two choices, and the ring with bounded loads.

What a balancer draws is handed in, so that each pick is one step of the model, or none; what is on the way can be seen after it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.conformance.services.turns import NAMES, Turns
from ratified.follow.binding import Claim, Event, Names, Observed
from ratified.follow.steps import Steps, change, do
from ratified.impl.services.balancing import Balancer, BoundedRing, LeastOutstanding, Picking, TwoChoices
from ratified.impl.services.balancing.hashing import hashed, points
from ratified.language import Model
from ratified.models.services import load as models

MOST = 1_000
"""Requests on the way: more than any run has."""

KEYS = (b"x", b"y", b"z")
DRAWS = 60


class LoadBinding(PolicyBinding):
    """What is common to those that count: ends, who is down, who is gone."""

    def __init__(self, weights: Mapping[str, int]) -> None:
        self.weights = {f"n{i + 1}": weight for i, weight in enumerate(weights.values())}
        self.node = Names(models.Node, len(weights), tuple(weights))

    def on_end(self, name: str) -> Steps:
        """A request ends."""
        return do("end", n=self.node(name))

    def on_fail(self, name: str) -> Steps:
        """Requests must not go there."""
        return do("fail", n=self.node(name))

    def on_recover(self, name: str) -> Steps:
        """They may again."""
        return do("recover", n=self.node(name))

    def on_leave(self, name: str) -> Steps:
        """It is gone, with what it had on the way."""
        n = self.node(name)

        def leave(m: Any) -> None:
            m.down.add(n)
            m.outstanding[n] = 0

        return change(f"{name} leaves", leave)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one balancer
        """What is on the way to each."""
        claims = {(Claim(claim),): holds for claim, holds in variables["claims"].items()}
        outstanding = variables["outstanding"].items()
        return {**{("outstanding", self.node(name)): count for name, count in outstanding}, **claims}

    def on_look(self) -> Steps:
        """Nothing happens."""
        return ()


class LoadSubject(Turns):
    """Requests that end in any order, and endpoints that come and go."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        **Turns.calls,
        "pick": (DRAWS, DRAWS),
        "end": (len(NAMES),),
        "leave": (len(NAMES),),
    }
    balancer: Any

    def start(self, balancer: Any) -> None:
        """Begin with all endpoints."""
        self.claims: dict[str, bool] = {}
        self.balancer = balancer
        balancer.update(self.endpoints())

    def held(self) -> Balancer:
        """See Turns."""
        made: Balancer = self.balancer
        return made

    def seen(self) -> Mapping[str, Any]:
        """What is on the way to each, and to all."""
        claims, self.claims = self.claims, {}
        outstanding = dict(self.balancer.outstanding)
        claims["what is on the way adds up"] = self.balancer.on_the_way == sum(outstanding.values())
        return {"outstanding": outstanding, "claims": claims}

    def end(self, n: int) -> Iterable[Event]:
        """A request ends. One of an endpoint that is gone, or that has none, counts for nothing."""
        name = self.named(n)
        had = self.balancer.outstanding.get(name, 0)
        self.balancer.done(name, ok=bool(n % 2))
        if had:
            yield self.event("end", name=name)

    def leave(self, n: int) -> Iterable[Event]:
        """An endpoint leaves, if two that are up stay."""
        name = self.named(n)
        if name not in self.gone and len([x for x in self.up() if x != name]) > 1:
            self.gone.add(name)
            self.down.discard(name)
            self.balancer.update(self.endpoints())
            yield self.event("leave", name=name)

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        if action == "pick":
            self.take_pick(*arguments)
        else:
            tuple(getattr(self, action)(int(arguments[0])))

    def take_pick(self, *arguments: Any) -> None:
        """Take a pick of the model."""
        raise NotImplementedError


def draws(*numbers: int) -> Callable[[int], int]:
    """What is drawn, in this order."""
    left = iter(numbers)
    return lambda below: next(left) % below


# Least outstanding


class LeastBinding(LoadBinding):
    """A pick is a step."""

    def model(self) -> models.LeastOutstanding:
        """At the weights of the endpoints."""
        return models.LeastOutstanding(Node=len(self.weights), weights=self.weights, most=MOST)

    def on_pick(self, name: str) -> Steps:
        """An endpoint is picked."""
        return do("pick", n=self.node(name))


class LeastSubject(LoadSubject):
    """`LeastOutstanding` held to its model."""

    MANY = tuple(f"e{n}" for n in range(19))
    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "fail": (len(MANY),),
        "recover": (len(MANY),),
        "recover_all": (),
        "pick": (DRAWS, DRAWS),
        "end": (len(MANY),),
        "leave": (len(MANY),),
        "spread": (),
        "busy": (60, DRAWS),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        if number % 2:  # many are kept in another way than few
            self.names = self.MANY
            self.weights = {
                name: 1 + (number + n) % (1 + number // 2 % 3) for n, name in enumerate(self.names)
            }
        self.start(LeastOutstanding())

    def recover_all(self) -> Iterable[Event]:
        """All are up again."""
        for n in range(len(self.names)):
            yield from self.recover(n)

    def busy(self, count: int, drawn: int) -> Iterable[Event]:
        """Many requests while all are up, some of which end; then each of the least busy is drawn."""
        yield from self.recover_all()
        for n in range(count):
            yield from self.pick(drawn + n, 0)
            if n % 4 == 3:
                yield from self.end(drawn + n)
            if n % 7 == 6:
                yield from self.spread()

    def spread(self) -> Iterable[Event]:
        """Of those that are least busy, each is drawn by one number."""
        up = {name: Fraction(self.balancer.outstanding[name] + 1, self.weights[name]) for name in self.up()}
        equal = sorted(name for name, load in up.items() if load == min(up.values()))
        asked: list[int] = []

        def draw(below: int, number: int) -> int:
            asked.append(below)
            return number % below

        drawn = [
            deepcopy(self.balancer)
            .pick(Picking(draw=partial(draw, number=n), avoid=frozenset(self.down)))
            .name
            for n in range(len(equal))
        ]
        self.claims["each of the least busy is drawn by one number"] = (sorted(drawn), set(asked)) == (
            equal,
            {len(equal)},
        )
        yield self.event("look")

    def binding(self) -> LeastBinding:
        """See Subject."""
        return LeastBinding(self.weights)

    def pick(self, one: int, other: int) -> Iterable[Event]:  # noqa: ARG002 - all are called alike
        """A request."""
        picked = self.balancer.pick(Picking(draw=draws(one), avoid=frozenset(self.down)))
        yield self.event("pick", name=picked.name)

    def take_pick(self, *arguments: Any) -> None:
        """Of equals, the one that is asked for is drawn."""
        (n,) = arguments
        loads = [self.balancer.outstanding[name] for name in self.up()]
        name = self.named(int(n))
        equal = [x for x in self.up() if self.balancer.outstanding[x] == min(loads)]
        tuple(self.pick(equal.index(name), 0))


class LeastPair(LeastSubject):
    """Two endpoints of equal weights, to be driven along the graph of the model."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.names, self.weights = NAMES[:2], {"a": 1, "b": 1}
        self.start(LeastOutstanding())


def least_graph() -> tuple[Model, Subject]:
    """Two nodes, three requests."""
    return models.LeastOutstanding(Node=2, most=3), LeastPair()


# Two choices


class TwoChoicesBinding(LoadBinding):
    """A pick is a step, with the two that were drawn."""

    def model(self) -> models.TwoChoices:
        """At the weights of the endpoints."""
        return models.TwoChoices(Node=len(self.weights), weights=self.weights, most=MOST)

    def on_pick(self, one: str, other: str) -> Steps:
        """Two are drawn."""
        return do("pick", n=self.node(one), m=self.node(other))


class TwoChoicesSubject(LoadSubject):
    """`TwoChoices` held to its model."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.start(TwoChoices())

    def binding(self) -> TwoChoicesBinding:
        """See Subject."""
        return TwoChoicesBinding(self.weights)

    def pick(self, one: int, other: int) -> Iterable[Event]:
        """A request. The second is drawn from those that the first leaves."""
        up = self.up()
        first = up[one % len(up)]
        rest = [name for name in up if name != first]
        second = rest[other % len(rest)] if rest else first
        self.balancer.pick(Picking(draw=draws(one, other), avoid=frozenset(self.down)))
        yield self.event("pick", one=first, other=second)

    def take_pick(self, *arguments: Any) -> None:
        """The two that are asked for are drawn."""
        first, second = (self.named(int(n)) for n in arguments)
        up = self.up()
        rest = [name for name in up if name != first]
        tuple(self.pick(up.index(first), rest.index(second) if rest else 0))


class TwoChoicesTriple(TwoChoicesSubject):
    """Three endpoints of equal weights, to be driven along the graph of the model."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.names, self.weights = NAMES[:3], {"a": 1, "b": 1, "c": 1}
        self.start(TwoChoices())


def two_choices_graph() -> tuple[Model, Subject]:
    """Three nodes, three requests."""
    return models.TwoChoices(Node=3, most=3), TwoChoicesTriple()


# The ring with bounded loads


class RingBinding(LoadBinding):
    """A pick is a step; where each key meets whom is told by the subject."""

    def __init__(self, weights: Mapping[str, int], order: Mapping[int, Sequence[str]], percent: int) -> None:
        super().__init__(weights)
        names = list(weights)
        self._percent = percent
        self._place = {
            f"k{k + 1}": {f"n{names.index(name) + 1}": i for i, name in enumerate(met)}
            for k, met in order.items()
        }

    def model(self) -> models.BoundedRing:
        """With as many keys."""
        return models.BoundedRing(
            Node=len(self.weights),
            Key=len(self._place),
            weights=self.weights,
            most=MOST,
            percent=self._percent,
            place=self._place,
        )

    def on_pick(self, key: int, name: str) -> Steps:
        """A key is sent."""
        return do("pick", k=models.Key(key), n=self.node(name))


class RingSubject(LoadSubject):
    """`BoundedRing` held to its model."""

    POINTS, MANY_POINTS = 3, 700
    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        **LoadSubject.calls,
        "pick": (len(KEYS),),
        "flood": (len(KEYS), 12),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.percent = Random(number).choice((110, 125, 150, 200))  # noqa: S311 - no secret
        self.weights = {name: 1 + weight % 3 for name, weight in self.weights.items()}
        self.points = (
            self.MANY_POINTS if number % 5 == 0 else self.POINTS
        )  # many are sorted in another way than few
        self.start(BoundedRing(Fraction(self.percent, 100), self.points))

    def binding(self) -> RingBinding:
        """See Subject."""
        order = {k: self.met_by(key) for k, key in enumerate(KEYS)}
        return RingBinding(self.weights, order, self.percent)

    def cannot_be_made(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Turns."""
        return [
            (lambda: BoundedRing(Fraction(1)), "the load factor is above 1, not 1"),
            (lambda: BoundedRing(1.5), "the load factor is a fraction, not 1.5"),  # type: ignore[arg-type]  # that is what is wrong
            (lambda: BoundedRing(points=0), "an endpoint has at least 1 point on the ring, not 0"),
            (lambda: BoundedRing(points=0.5), "points is a whole number"),  # type: ignore[arg-type]  # likewise
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: BoundedRing(Fraction(101, 100), 1)]

    def met_by(self, key: bytes) -> Sequence[str]:
        """The endpoints in the order in which a key meets their first points, from its own place on and round."""
        ring = sorted(
            (point, name) for name in self.names for point in points(name, self.points * self.weights[name])
        )
        start = bisect_left(ring, (hashed(key, b"key"), ""))
        return list(dict.fromkeys(name for _, name in ring[start:] + ring[:start]))

    def pick(self, k: int) -> Iterable[Event]:
        """A request about something."""
        picked = self.balancer.pick(Picking(key=KEYS[k], avoid=frozenset(self.down)))
        yield self.event("pick", key=k, name=picked.name)

    def flood(self, k: int, count: int) -> Iterable[Event]:
        """What everybody asks for at once."""
        for _ in range(count):
            yield from self.pick(k)

    def take_pick(self, *arguments: Any) -> None:
        """Send the key."""
        tuple(self.pick(int(arguments[0])))
