"""Earliest deadline first held to its model: deadlines in parts of a period, so that they stay whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Annotated, Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.conformance.services.turns import NAMES, Turns
from ratified.follow.binding import Event, Names, Observed
from ratified.follow.steps import Steps, change, do
from ratified.impl.services.balancing import Balancer, EarliestDeadline
from ratified.impl.services.endpoints import Endpoint
from ratified.language import Map, Model, Param, Range, Set, action, at_size, invariant, require
from ratified.models.services import turns as models

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
