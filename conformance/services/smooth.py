"""Smooth weighted round-robin held to its model.

Endpoints that a request must not go to are those that are down in the model. Endpoints come, go and change weight between picks,
for which the model has no step: those that are gone are down for good, and a change says what it leaves of what each had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import gcd
from typing import Annotated, Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.conformance.services.turns import NAMES, WEIGHTS, Turns
from ratified.follow.binding import Event, Names, Observed
from ratified.follow.steps import Steps, change, do
from ratified.impl.services.balancing import Balancer, SmoothWeighted
from ratified.impl.services.balancing.turns import START_MOST
from ratified.impl.services.endpoints import Endpoint, NoEndpointError
from ratified.language import Map, Model, Param, Range, Set, at_size, invariant
from ratified.models.services import balancing as models


class FollowedSmooth(models.SmoothWeighted):
    """The same, whose weights change, with what nginx makes of failures: an endpoint's turns become rarer for a while."""

    weight: Map[models.Node, Annotated[int, Range(0, 100)]]
    effective: Map[models.Node, Annotated[int, Range(0, 100)]]
    over: Param[Map[models.Node, Annotated[int, Range(0, 100)]]] = at_size(
        lambda: Map({n: 0 for n in models.Node})
    )  # picks of each that are over when the client begins

    def init(self) -> None:
        """Weights as given, and nobody has failed."""
        self.weight = self.weights
        self.effective = self.weights
        self.served = self.over
        self.credit = Map(
            {n: self.picks() * self.weight[n] - self.over[n] * self.total() for n in models.Node}
        )

    def total(self) -> int:
        """See SmoothWeighted."""
        return sum(self.weight[n] for n in models.Node)

    def gained(self, n: models.Node) -> int:
        """See SmoothWeighted: an endpoint gains what failures have left of its weight."""
        return self.credit[n] + (self.effective[n] if n not in self.down else 0)

    def pays(self) -> int:
        """See SmoothWeighted."""
        return sum(self.effective[m] for m in models.Node if m not in self.down)

    def begin_round(self) -> None:
        """See SmoothWeighted; nobody is to lack any of its weight."""
        none_down = len(self.down) == 0 and all(self.credit[n] == 0 for n in models.Node)
        self.steady = none_down and all(self.effective[n] == self.weight[n] for n in models.Node)
        self.served = Map({m: 0 for m in models.Node})

    @invariant
    def a_round_serves_each_its_weight(self) -> bool:
        """See SmoothWeighted."""
        return not self.steady or all(self.served[n] <= self.weight[n] for n in models.Node)

    @invariant
    def credit_is_what_is_owed(self, n: models.Node) -> bool:
        """See SmoothWeighted."""
        owed = self.picks() * self.weight[n] - self.served[n] * self.total()
        return not self.steady or self.credit[n] == owed


def pick_and_recover(m: Any) -> None:
    """After a pick, each endpoint that was up has 1 more of its weight again."""
    m.effective = Map({n: v if n in m.down else min(m.weight[n], v + 1) for n, v in m.effective.items()})


def served(weights: Sequence[int], picks: int) -> list[int]:
    """How often each is picked in so many picks."""
    has, found = [0] * len(weights), [0] * len(weights)
    for _ in range(picks):
        has = [h + weight for h, weight in zip(has, weights, strict=True)]
        best = has.index(max(has))
        has[best] -= sum(weights)
        found[best] += 1
    return found


class SmoothBinding(PolicyBinding):
    """Picks are steps; failures and changes of the endpoints are what nginx does about them."""

    def __init__(self, weights: Mapping[str, int], failures: int, over: int) -> None:
        self._weights, self._failures, self._over = dict(weights), failures, over
        self.node = Names(models.Node, len(weights), tuple(weights))

    def model(self) -> FollowedSmooth:
        """At the weights of the endpoints."""
        names = [f"n{i + 1}" for i in range(len(self._weights))]
        weights = list(self._weights.values())
        return FollowedSmooth(
            Node=len(names),
            weights=dict(zip(names, weights, strict=True)),
            over=dict(zip(names, served(weights, self._over), strict=True)),
        )

    def on_pick(self, name: str) -> Steps:
        """An endpoint is picked."""
        return (do("pick", n=self.node(name)), change("weights recover", pick_and_recover))

    def on_fail(self, name: str) -> Steps:
        """Requests must not go there."""
        return do("fail", n=self.node(name))

    def on_recover(self, name: str) -> Steps:
        """They may again."""
        return do("recover", n=self.node(name))

    def on_unwell(self, name: str) -> Steps:
        """A request failed: a part of the weight is lost."""
        n, failures = self.node(name), self._failures

        def lose(m: Any) -> None:
            m.effective[n] = max(0, m.effective[n] - max(1, m.weight[n] // failures))
            m.steady = False

        return change(f"{name} loses a part of its weight", lose)

    def on_update(self, weights: dict[str, int], anew: bool, over: int) -> Steps:
        """The endpoints are others: those that stay keep what they had; what went is shared, and the first have more of it.

        Where all are new, so many picks are over.
        """
        there = {self.node(name): weight for name, weight in weights.items()}

        def update(m: Any) -> None:
            stay = [n for n in there if m.weight[n] > 0 and not anew]
            share, rest = divmod(-sum(m.credit[n] for n in stay), len(there))
            shares = {n: share + (i < rest) for i, n in enumerate(there)}
            lost = {n: m.weight[n] - m.effective[n] if n in stay else 0 for n in there}
            nodes = [n for n, _ in m.weight.items()]
            m.down = Set(n for n in nodes if n not in there or (n in m.down and n in stay))
            m.credit = Map({n: (m.credit[n] if n in stay else 0) + shares.get(n, 0) for n in nodes})
            m.effective = Map({n: max(0, there[n] - lost[n]) if n in there else 0 for n in nodes})
            m.weight = Map({n: there.get(n, 0) for n in nodes})
            m.begin_round()
            m.steady = False

        pick: Steps = (do("pick"), change("weights recover", pick_and_recover))
        return (change("other endpoints", update), *[pick] * over)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one balancer
        """What each has."""
        return {("credit", self.node(name)): credit for name, credit in variables["current"].items()}


class SmoothSubject(Turns):
    """`SmoothWeighted` held to its model."""

    MANY = tuple(f"e{n}" for n in range(10))
    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "pick": (),
        "fail": (len(MANY),),
        "recover": (len(MANY),),
        "recover_all": (),
        "picked_and_down": (len(MANY),),
        "all_unwell": (3,),
        "unwell": (len(MANY), 6),
        "well": (len(NAMES),),
        "leave": (len(NAMES),),
        "come": (len(NAMES),),
        "reweight": (len(NAMES), len(WEIGHTS)),
        "begin_again": (4,),
        "round": (),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        if number % 3 == 0:  # many are kept in another way than few
            self.names = self.MANY
            self.weights = {name: 1 + (number + n) % 3 for n, name in enumerate(self.names)}
        self.failures, self.start = 1 + number % 3, number % 7 * (number % 5)
        self.balancer = SmoothWeighted(self.failures, self.start)
        self.balancer.update(self.endpoints())

    def over(self) -> int:
        """Picks that are over when a client begins with the endpoints that there are."""
        weights = [endpoint.weight for endpoint in self.endpoints()]
        return self.start % (sum(weights) // gcd(*weights))

    def held(self) -> Balancer:
        """See Turns."""
        return self.balancer

    def cannot_be_made(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Turns."""
        return [
            (lambda: SmoothWeighted(0), "an endpoint is given at least 1 failure, not 0"),
            (lambda: SmoothWeighted(1.5), "failures is a whole number"),  # type: ignore[arg-type]  # that is what is wrong
            (lambda: SmoothWeighted(1, "b"), "start is a whole number"),  # type: ignore[arg-type]  # likewise
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: SmoothWeighted(1), long_rounds_are_cut]

    def binding(self) -> SmoothBinding:
        """See Subject."""
        return SmoothBinding(self.weights, self.failures, self.over())

    def seen(self) -> Mapping[str, Any]:
        """What each has."""
        names = [endpoint.name for endpoint in self.balancer.endpoints]
        return {"current": dict(zip(names, self.balancer.current, strict=True))}

    def pick(self) -> Iterable[Event]:
        """A request."""
        name = self.balancer.pick(self.request()).name
        yield self.event("pick", name=name)

    def recover_all(self) -> Iterable[Event]:
        """All are up again."""
        for n in range(len(self.names)):
            yield from self.recover(n)

    def picked_and_down(self, n: int) -> Iterable[Event]:
        """Some are picked while all are up, and then one goes down."""
        yield from self.recover_all()
        for _ in range(3):
            yield from self.pick()
        yield from self.fail(n)
        yield from self.pick()

    def all_unwell(self, often: int) -> Iterable[Event]:
        """A request to each fails, and then the balancer is told of its endpoints."""
        if often == 0:
            for n in range(len(self.names)):
                yield from self.unwell(n)
            yield from self.update()
            yield from self.pick()

    def round(self) -> Iterable[Event]:
        """As many requests as a round has."""
        for _ in range(sum(self.weights[name] for name in self.up())):
            yield from self.pick()

    def unwell(self, n: int, count: int = 0) -> Iterable[Event]:
        """Requests fail."""
        name = self.named(n)
        for _ in range(count + 1 if name not in self.gone else 0):
            self.balancer.done(name, ok=False)
            yield self.event("unwell", name=name)

    def well(self, n: int) -> Iterable[Event]:
        """A request ends well, which changes nothing; so does one of an endpoint that is gone."""
        name = self.named(n)
        self.balancer.done(name, ok=name not in self.gone)
        self.balancer.done("gone long ago", ok=False)
        return ()

    def leave(self, n: int) -> Iterable[Event]:
        """An endpoint leaves, if two that are up stay."""
        name = self.named(n)
        if name not in self.gone and len([x for x in self.up() if x != name]) > 1:
            self.gone.add(name)
            self.down.discard(name)
            yield from self.update()

    def come(self, n: int) -> Iterable[Event]:
        """One that has left is there again."""
        if self.named(n) in self.gone:
            self.gone.discard(self.named(n))
            yield from self.update()

    def begin_again(self, often: int) -> Iterable[Event]:
        """There are no endpoints for a while, and then all of them anew."""
        if often == 0:
            self.balancer.update([])
            try:
                self.balancer.pick()
            except NoEndpointError:
                self.down.clear()
                yield from self.update(anew=True)
            else:
                raise AssertionError("nobody was picked from nobody")

    def reweight(self, n: int, weight: int) -> Iterable[Event]:
        """An endpoint has another weight."""
        if self.named(n) not in self.gone:
            self.weights[self.named(n)] = WEIGHTS[weight]
            yield from self.update()

    def update(self, *, anew: bool = False) -> Iterable[Event]:
        """The balancer is told of the endpoints."""
        self.balancer.update(self.endpoints())
        weights = {endpoint.name: endpoint.weight for endpoint in self.endpoints()}
        yield self.event("update", weights=weights, anew=anew, over=self.over() if anew else 0)

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        if action == "pick":
            tuple(self.pick())
        else:
            tuple(getattr(self, action)(int(arguments[0])))


def long_rounds_are_cut() -> bool:
    """Of a round of a million picks no more than ten thousand are over when a client begins."""
    balancer = SmoothWeighted(start=START_MOST + 1)
    balancer.update([Endpoint("a", 999_999), Endpoint("b", 1)])
    return balancer.current == (-1, 1)


class SmoothPair(SmoothSubject):
    """Endpoints of weights 1 and 3, to be driven along the graph of the model."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.names, self.weights, self.failures, self.start = NAMES[:2], {"a": 1, "b": 3}, 1, 0
        self.balancer = SmoothWeighted()
        self.balancer.update(self.endpoints())


def smooth_graph() -> tuple[Model, Subject]:
    """Two nodes of weights 1 and 3."""
    return models.SmoothWeighted(Node=2), SmoothPair()
