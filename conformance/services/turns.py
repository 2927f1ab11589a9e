"""Turns held to their models: smooth weighted round-robin, round-robin, and earliest deadline first.

Endpoints that a request must not go to are those that are down in the model. Endpoints come, go and change weight between picks,
for which the models have no step: those that are gone are down for good, and a change says what it leaves of what each had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from math import gcd
from random import Random
from typing import Annotated, Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Event, Names, Observed
from ratified.follow.steps import Steps, change, do
from ratified.impl.services.balancing import Balancer, EarliestDeadline, Picking, RoundRobin, SmoothWeighted
from ratified.impl.services.balancing.turns import START_MOST
from ratified.impl.services.endpoints import Endpoint, NoEndpointError
from ratified.language import Map, Model, Param, Range, Set, action, at_size, invariant, require
from ratified.models.services import balancing as smooth_models
from ratified.models.services import turns as models

NAMES = ("a", "b", "c", "d")
WEIGHTS = (1, 2, 3, 5, 7, 12)


class Turns(Subject):
    """Endpoints that go down, come up, and leave; weights that are drawn."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "pick": (),
        "fail": (len(NAMES),),
        "recover": (len(NAMES),),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        self.names = NAMES[: random.randint(2, len(NAMES))]
        self.weights = {name: random.choice(WEIGHTS) for name in self.names}
        self.down: set[str] = set()
        self.gone: set[str] = set()

    def endpoints(self) -> list[Endpoint]:
        """Those that have not left, in their order."""
        return [Endpoint(name, self.weights[name]) for name in self.names if name not in self.gone]

    def named(self, number: int) -> str:
        """An endpoint by its number."""
        return self.names[number % len(self.names)]

    def up(self) -> list[str]:
        """Those that are there and up."""
        return [name for name in self.names if name not in self.down | self.gone]

    def request(self) -> Picking:
        """A request that must not go to those that are down."""
        return Picking(avoid=frozenset(self.down))

    def held(self) -> Balancer:
        """The balancer."""
        raise NotImplementedError

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: nowhere to go, and what cannot be a set of endpoints."""
        balancer, here = self.held(), self.endpoints()
        everybody = Picking(draw=lambda _: 0, avoid=frozenset(self.names))
        weights: tuple[Any, ...] = (0, -1, 10**9, float("nan"), 1.5, True)
        cannot_be: Sequence[tuple[list[Endpoint], str]] = (
            ([*here, here[0]], f"endpoint {here[0].name} is there twice"),
            ([*here, Endpoint("")], "an endpoint needs a name"),
            *(([*here, Endpoint("z", weight)], f"endpoint z: weight {weight} ") for weight in weights),
        )
        return [
            (lambda: balancer.pick(everybody), f"all {len(here)} are to be avoided"),
            (lambda: type(balancer)().pick(), "there are no endpoints"),
            *((partial(balancer.update, given), says) for given, says in cannot_be),
            *self.cannot_be_made(),
        ]

    def cannot_be_made(self) -> Sequence[tuple[Callable[[], object], str]]:
        """What no balancer of this kind can be made with."""
        return ()

    def fail(self, n: int) -> Iterable[Event]:
        """One goes down, unless it is the last."""
        name = self.named(n)
        if name in self.up() and len(self.up()) > 1:
            self.down.add(name)
            yield self.event("fail", name=name)

    def recover(self, n: int) -> Iterable[Event]:
        """It comes up."""
        name = self.named(n)
        if name in self.down and name not in self.gone:
            self.down.discard(name)
            yield self.event("recover", name=name)


class FollowedSmooth(smooth_models.SmoothWeighted):
    """The same, whose weights change, with what nginx makes of failures: an endpoint's turns become rarer for a while."""

    weight: Map[smooth_models.Node, Annotated[int, Range(0, 100)]]
    effective: Map[smooth_models.Node, Annotated[int, Range(0, 100)]]
    over: Param[Map[smooth_models.Node, Annotated[int, Range(0, 100)]]] = at_size(
        lambda: Map({n: 0 for n in smooth_models.Node})
    )  # picks of each that are over when the client begins

    def init(self) -> None:
        """Weights as given, and nobody has failed."""
        self.weight = self.weights
        self.effective = self.weights
        self.served = self.over
        self.credit = Map(
            {n: self.picks() * self.weight[n] - self.over[n] * self.total() for n in smooth_models.Node}
        )

    def total(self) -> int:
        """See SmoothWeighted."""
        return sum(self.weight[n] for n in smooth_models.Node)

    def gained(self, n: smooth_models.Node) -> int:
        """See SmoothWeighted: an endpoint gains what failures have left of its weight."""
        return self.credit[n] + (self.effective[n] if n not in self.down else 0)

    def pays(self) -> int:
        """See SmoothWeighted."""
        return sum(self.effective[m] for m in smooth_models.Node if m not in self.down)

    def begin_round(self) -> None:
        """See SmoothWeighted; nobody is to lack any of its weight."""
        none_down = len(self.down) == 0 and all(self.credit[n] == 0 for n in smooth_models.Node)
        self.steady = none_down and all(self.effective[n] == self.weight[n] for n in smooth_models.Node)
        self.served = Map({m: 0 for m in smooth_models.Node})

    @invariant
    def a_round_serves_each_its_weight(self) -> bool:
        """See SmoothWeighted."""
        return not self.steady or all(self.served[n] <= self.weight[n] for n in smooth_models.Node)

    @invariant
    def credit_is_what_is_owed(self, n: smooth_models.Node) -> bool:
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
        self.node = Names(smooth_models.Node, len(weights), tuple(weights))

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
    return smooth_models.SmoothWeighted(Node=2), SmoothPair()


# Round-robin


class RoundRobinBinding(PolicyBinding):
    """Each client's picks are steps; who is gone is down for good."""

    def __init__(self, names: Sequence[str], clients: int) -> None:
        self._clients = clients
        self.node = Names(models.Node, len(names), names)

    def model(self) -> models.RoundRobin:
        """With so many clients."""
        return models.RoundRobin(Node=len(self.node.known()), Client=self._clients)

    def on_pick(self, client: int, name: str) -> Steps:
        """A client picks."""
        return do("pick", c=models.Client(client), n=self.node(name))

    def on_fail(self, name: str) -> Steps:
        """Requests must not go there."""
        return do("fail", n=self.node(name))

    def on_recover(self, name: str) -> Steps:
        """They may again."""
        return do("recover", n=self.node(name))

    def on_leave(self, name: str) -> Steps:
        """It is gone."""
        n = self.node(name)
        return change(f"{name} leaves", lambda m: leave(m, n))

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - clients are in the variables
        """Whom each client picked last."""
        last = enumerate(variables["last"])
        return {("last", models.Client(client)): self.node.maybe(name) for client, name in last}


def leave(m: Any, n: Any) -> None:
    """Node n is down for good."""
    m.down.add(n)
    m.steady = False


class RoundRobinSubject(Turns):
    """Clients with a `RoundRobin` each, which begin at different places."""

    CLIENTS = 3
    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        **Turns.calls,
        "pick": (CLIENTS,),
        "leave": (len(NAMES),),
        "again": (),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.make()

    def make(self) -> None:
        """The clients."""
        self.balancers = [RoundRobin(client) for client in range(self.CLIENTS)]
        self.last: list[str | None] = [None] * self.CLIENTS
        tuple(self.again())

    def held(self) -> Balancer:
        """See Turns."""
        return self.balancers[0]

    def cannot_be_made(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Turns."""
        return [(lambda: RoundRobin("b"), "start is a whole number, not 'b'")]  # type: ignore[arg-type]  # that is what is wrong

    def binding(self) -> RoundRobinBinding:
        """See Subject."""
        return RoundRobinBinding(self.names, self.CLIENTS)

    def pick(self, client: int) -> Iterable[Event]:
        """A request of a client."""
        name = self.last[client] = self.balancers[client].pick(self.request()).name
        yield self.event("pick", client=client, name=name)

    def seen(self) -> Mapping[str, Any]:
        """Whom each client picked last."""
        return {"last": self.last}

    def leave(self, n: int) -> Iterable[Event]:
        """An endpoint leaves, if two that are up stay."""
        name = self.named(n)
        if name not in self.gone and len([x for x in self.up() if x != name]) > 1:
            self.gone.add(name)
            self.down.discard(name)
            tuple(self.again())
            yield self.event("leave", name=name)

    def again(self) -> Iterable[Event]:
        """The clients are told of the endpoints, which may be the same."""
        for balancer in self.balancers:
            balancer.update(self.endpoints())
        return ()

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        tuple(getattr(self, action)(int(arguments[0])))


class RoundRobinPair(RoundRobinSubject):
    """Two endpoints and two clients, to be driven along the graph of the model."""

    CLIENTS = 2

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.names = NAMES[:2]
        self.make()


def round_robin_graph() -> tuple[Model, Subject]:
    """Two nodes and two clients."""
    return models.RoundRobin(Node=2, Client=2), RoundRobinPair()


# Earliest deadline first

UNIT = 12**3 * 4
"""Parts of a period: after two changes of weight a deadline is still a whole number of them."""

REWEIGHTED_MOST = 2


class FollowedDeadlines(models.EarliestDeadline):
    """The same, whose weights change, and where nodes are down: they stay due, and are first when they are up again."""

    weight: Map[models.Node, Annotated[int, Range(1, 12)]]
    down: Set[models.Node]
    due: Map[models.Node, Annotated[int, Range(-10_000_000, "period")]]
    served: Map[models.Node, Annotated[int, Range(0, 1_000)]]
    quarters: Param[Map[models.Node, Annotated[int, Range(1, 4)]]] = at_size(
        lambda: Map({n: 4 for n in models.Node})
    )

    def init(self) -> None:
        """The first deadline is somewhere in the first period."""
        self.weight = Map({n: self.weights[n] for n in models.Node})
        self.due = Map({n: self.quarters[n] * self.period_of(n) // 4 for n in models.Node})

    def period_of(self, n: models.Node) -> int:
        """See EarliestDeadline."""
        return self.period // self.weight[n]

    def in_turn(self, n: models.Node) -> bool:
        """See EarliestDeadline."""
        return n not in self.down

    @action
    def pick(self, n: models.Node) -> None:
        """See EarliestDeadline; who is down stays due as it is."""
        require(self.in_turn(n))
        require(
            all(
                self.due[n] < self.due[m] or (self.due[n] == self.due[m] and int(n) <= int(m))
                for m in models.Node
                if self.in_turn(m)
            )
        )
        now = max(0, self.due[n])
        self.due = Map({m: self.period_of(m) if m == n else self.due[m] - now for m in models.Node})
        self.last = n

    @invariant
    def within_its_period(self, n: models.Node) -> bool:
        """Nobody is due later than a period from now."""
        return self.due[n] <= self.period // self.weight[n]


class DeadlineBinding(PolicyBinding):
    """Picks are steps; a deadline moves with the weight."""

    def __init__(self, weights: Mapping[str, int], quarters: Sequence[int]) -> None:
        self._weights, self._quarters = dict(weights), quarters
        self.node = Names(models.Node, len(weights), tuple(weights))

    def model(self) -> FollowedDeadlines:
        """At the weights of the endpoints."""
        return FollowedDeadlines(
            Node=len(self._weights),
            weights={f"n{i + 1}": weight for i, weight in enumerate(self._weights.values())},
            quarters={f"n{i + 1}": quarter for i, quarter in enumerate(self._quarters)},
            period=UNIT,
        )

    def on_pick(self, name: str) -> Steps:
        """An endpoint is picked."""
        return do("pick", n=self.node(name))

    def on_fail(self, name: str) -> Steps:
        """Requests must not go there."""
        n = self.node(name)
        return change(f"{name} goes down", lambda m: m.down.add(n))

    def on_recover(self, name: str) -> Steps:
        """They may again."""
        n = self.node(name)
        return change(f"{name} comes up", lambda m: m.down.remove(n))

    def on_leave(self, name: str) -> Steps:
        """It is gone."""
        n = self.node(name)
        return change(f"{name} leaves", lambda m: m.down.add(n))

    def on_again(self) -> Steps:
        """It is told of the endpoints again."""
        return do("change")

    def on_reweight(self, name: str, weight: int) -> Steps:
        """It is due sooner or later by as much as its period is shorter or longer."""
        n = self.node(name)

        def reweight(m: Any) -> None:
            m.due[n] = m.due[n] * m.weight[n] // weight
            m.weight[n] = weight

        return change(f"{name} has weight {weight}", reweight)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one balancer
        """Who was picked last."""
        return {("last",): self.node.maybe(variables["last"])}


def fractions_are_exact() -> bool:
    """With weights that no number of parts is common to, short of very many, deadlines are exact as well."""
    weights = {f"e{n}": 999_983 - 2 * n for n in range(40)}
    balancer = EarliestDeadline()
    balancer.update(Endpoint(name, weight) for name, weight in weights.items())
    due = {name: Fraction(1, weight) for name, weight in weights.items()}
    for n in range(90):
        if n == 45:
            balancer.update(balancer.endpoints)
        name = min(due, key=lambda n: due[n])
        due[name] += Fraction(1, weights[name])
        if balancer.pick().name != name:
            return False
    return True


class DeadlineSubject(Turns):
    """`EarliestDeadline` held to its model."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        **Turns.calls,
        "leave": (len(NAMES),),
        "reweight": (len(NAMES), 6),
        "again": (),
        "round": (),
    }
    WEIGHTS = (1, 2, 3, 4, 6, 12)

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        self.weights = {name: random.choice(self.WEIGHTS) for name in self.names}
        self.quarters = [random.randint(1, 4) if number % 2 else 4 for _ in self.names]
        self.reweighted = 0
        self.last: str | None = None
        drawn = iter(self.quarters)
        start = (lambda grain: next(drawn) * grain // 4 - 1) if number % 2 else None
        self.balancer = EarliestDeadline(start)
        tuple(self.again())

    def held(self) -> Balancer:
        """See Turns."""
        return self.balancer

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [fractions_are_exact]

    def binding(self) -> DeadlineBinding:
        """See Subject."""
        return DeadlineBinding(self.weights, self.quarters)

    def pick(self) -> Iterable[Event]:
        """A request."""
        self.last = self.balancer.pick(self.request()).name
        yield self.event("pick", name=self.last)

    def seen(self) -> Mapping[str, Any]:
        """Who was picked last."""
        return {"last": self.last}

    def round(self) -> Iterable[Event]:
        """As many requests as there are weights."""
        for _ in range(sum(self.weights[name] for name in self.up())):
            yield from self.pick()

    def leave(self, n: int) -> Iterable[Event]:
        """An endpoint leaves, if two that are up stay."""
        name = self.named(n)
        if name not in self.gone and len([x for x in self.up() if x != name]) > 1:
            self.gone.add(name)
            self.down.discard(name)
            tuple(self.again())
            yield self.event("leave", name=name)

    def reweight(self, n: int, weight: int) -> Iterable[Event]:
        """An endpoint has another weight."""
        name = self.named(n)
        if name not in self.gone and self.reweighted < REWEIGHTED_MOST:
            self.reweighted += 1
            self.weights[name] = self.WEIGHTS[weight]
            tuple(self.again())
            yield self.event("reweight", name=name, weight=self.WEIGHTS[weight])

    def again(self) -> Iterable[Event]:
        """The balancer is told of the endpoints, which may be the same."""
        self.balancer.update(self.endpoints())
        yield self.event("again")

    def take(self, action: str, *arguments: Any) -> None:  # noqa: ARG002 - it is all that there is
        """See Subject."""
        tuple(self.again() if action == "change" else self.pick())


class DeadlinePair(DeadlineSubject):
    """Endpoints of weights 1 and 2, to be driven along the graph of the model."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.names, self.weights, self.quarters = NAMES[:2], {"a": 1, "b": 2}, [4, 4]
        self.balancer = EarliestDeadline()
        tuple(self.again())


def deadline_graph() -> tuple[Model, Subject]:
    """Two nodes, with parts of a period as fine as those of the subject."""
    return models.EarliestDeadline(Node=2, period=UNIT), DeadlinePair()
