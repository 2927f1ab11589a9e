"""Picks by chance held to their models: what is drawn is handed in, so that each pick is one step, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.conformance.services.turns import NAMES, Turns
from ratified.follow.binding import Event, Names, Observed
from ratified.follow.steps import Steps, change, do
from ratified.impl.services.balancing import Balancer, Picking, Random, WeightedRandom
from ratified.impl.services.balancing.chance import TRIES
from ratified.language import Map, Model, Range, Set, require
from ratified.models.services import chance as models

DRAWS = 600


class RandomBinding(PolicyBinding):
    """A pick is a step, with what was drawn; who is gone is down for good."""

    def __init__(self, names: Sequence[str]) -> None:
        self.node = Names(models.Node, len(names), names)

    def model(self) -> Model:
        """With as many nodes."""
        return models.Random(Node=len(self.node.known()))

    def on_pick(self, name: str, draw: int, below: int) -> Steps:
        """An endpoint is picked, by a number below what it is drawn from."""
        cases = change("each number stands for one", lambda m: require(below == m.cases()))
        return (cases, do("pick", n=self.node(name), draw=draw))

    def on_fail(self, name: str) -> Steps:
        """Requests must not go there."""
        return do("fail", n=self.node(name))

    def on_recover(self, name: str) -> Steps:
        """They may again."""
        return do("recover", n=self.node(name))

    def on_leave(self, name: str) -> Steps:
        """It is gone."""
        n = self.node(name)
        return change(f"{name} leaves", lambda m: m.down.add(n))

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one balancer
        """Who was picked last."""
        return {("picked",): self.node.maybe(variables["last"])}


class RandomSubject(Turns):
    """`Random` held to its model."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {**Turns.calls, "pick": (DRAWS,), "leave": (len(NAMES),)}
    last: str | None = None

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.make(Random())

    def make(self, balancer: Balancer) -> None:
        """With all endpoints."""
        self.balancer = balancer
        balancer.update(self.endpoints())

    def held(self) -> Balancer:
        """See Turns."""
        return self.balancer

    def binding(self) -> PolicyBinding:
        """See Subject."""
        return RandomBinding(self.names)

    def seen(self) -> Mapping[str, Any]:
        """Who was picked last."""
        return {"last": self.last}

    def pick(self, drawn: int) -> Iterable[Event]:
        """A request. From how many numbers one is drawn is for the policy to say; which, for us."""
        from_: list[int] = []

        def draw(below: int) -> int:
            from_.append(below)
            return drawn % below

        self.last = self.balancer.pick(Picking(draw=draw, avoid=frozenset(self.down))).name
        (below,) = from_
        yield self.event("pick", name=self.last, draw=drawn % below, below=below)

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
        tuple(getattr(self, action)(int(arguments[-1])))


class RandomTriple(RandomSubject):
    """Three endpoints, to be driven along the graph of the model."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.names, self.weights = NAMES[:3], dict.fromkeys(NAMES[:3], 1)
        self.make(Random())


def random_graph() -> tuple[Model, Subject]:
    """Three nodes."""
    return models.Random(Node=3), RandomTriple()


# By weight


class FollowedWeighted(models.WeightedRandom):
    """The same, with endpoints that come, go, and change weight: then the table is made anew."""

    weight: Map[models.Node, Annotated[int, Range(0, 100)]]

    def init(self) -> None:
        """There are none yet."""

    def weight_of(self, n: models.Node) -> int:
        """See WeightedRandom; 0 if it is not there."""
        return self.weight[n]

    def count(self) -> int:
        """See WeightedRandom."""
        return sum(1 for n in models.Node if self.weight[n] > 0)


class WeightedBinding(RandomBinding):
    """Each column that was made is a step, and so is each pick; what was drawn before was to be avoided."""

    def model(self) -> FollowedWeighted:
        """With as many nodes, of any weights."""
        return FollowedWeighted(Node=len(self.node.known()), most=100)

    def on_update(self, weights: dict[str, int], kept: list[int], alias: list[int]) -> Steps:
        """The table is made anew."""
        there = {self.node(name): weight for name, weight in weights.items()}
        nodes = list(there)

        def clear(m: Any) -> None:
            m.down |= Set(n for n, _ in m.weight.items() if n not in there)
            m.weight = Map({n: there.get(n, 0) for n, _ in m.weight.items()})
            m.left = Map({n: len(there) * weight for n, weight in m.weight.items()})
            m.kept = Map({n: 0 for n, _ in m.weight.items()})
            m.alias = Map({n: None for n, _ in m.weight.items()})

        made = in_order(list(weights.values()), kept, alias)
        return (change("other endpoints", clear), *(do("make", n=nodes[n], by=nodes[by]) for n, by in made))

    def on_weigh(self, name: str, draws: list[int], from_: list[int], of: list[str], total: int) -> Steps:
        """A part of a column is drawn, and again while it is of one to be avoided; in the end among those that are left."""
        passed = draws[: TRIES if len(draws) > TRIES else -1]

        def avoided(m: Any) -> None:
            up = sum(weight for n, weight in m.weight.items() if n not in m.down)
            columns = [len(of) * total] * TRIES
            require(from_ == [*columns, up][: len(draws)])
            for drawn in passed:
                column, part = divmod(drawn, total)
                require(m.owner(self.node(of[column]), part) in m.down)

        if len(draws) > TRIES:
            last = do("pick_among", n=self.node(name), part=draws[-1])
            return (change("all that is drawn is to be avoided", avoided), last)

        column, part = divmod(draws[-1], total)
        pick = do("pick", n=self.node(name), column=self.node(of[column]), part=part)
        return (change("what is drawn first is to be avoided", avoided), pick)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one balancer
        """The table, and who was picked last."""
        kept = {("kept", self.node(name)): parts for name, parts in variables["kept"].items()}
        return {**kept, ("picked",): self.node.maybe(variables["last"])}


def in_order(weights: Sequence[int], kept: Sequence[int], alias: Sequence[int]) -> list[tuple[int, int]]:
    """Columns in an order in which each can be made from what is left then; in their own, if there is none."""
    total = sum(weights)

    def made(left: Sequence[int], open_: Sequence[int]) -> list[tuple[int, int]] | None:
        if all(alias[n] == n for n in open_):
            return [(n, n) for n in open_]
        for n in open_:
            by = alias[n]
            if left[n] == kept[n] < total <= left[by] and by in open_:
                then = [has - (total - left[n]) * (i == by) for i, has in enumerate(left)]
                rest = made(then, [other for other in open_ if other != n])
                if rest is not None:
                    return [(n, by), *rest]
        return None

    found = made([len(weights) * weight for weight in weights], range(len(weights)))
    return [*enumerate(alias)] if found is None else found


class WeightedSubject(RandomSubject):
    """`WeightedRandom` held to its model."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        **Turns.calls,
        "pick": (DRAWS, 7),
        "leave": (len(NAMES),),
        "reweight": (len(NAMES), 5),
        "again": (),
    }
    balancer: WeightedRandom
    told = False

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.make(WeightedRandom())

    def binding(self) -> WeightedBinding:
        """See Subject."""
        return WeightedBinding(self.names)

    def seen(self) -> Mapping[str, Any]:
        """The table, and who was picked last."""
        names = [e.name for e in self.balancer.endpoints] if self.told else []
        return {"kept": dict(zip(names, self.balancer.kept, strict=bool(names))), "last": self.last}

    def begin(self) -> Iterable[Event]:
        """The table as it was made first."""
        if not self.told:
            yield from self.again()

    def again(self) -> Iterable[Event]:
        """The balancer is told of the endpoints."""
        self.told = True
        self.balancer.update(self.endpoints())
        weights = {e.name: e.weight for e in self.balancer.endpoints}
        yield self.event("update", weights=weights, kept=[*self.balancer.kept], alias=[*self.balancer.alias])

    def reweight(self, n: int, weight: int) -> Iterable[Event]:
        """An endpoint has another weight."""
        if self.named(n) not in self.gone:
            self.weights[self.named(n)] = 1 + weight * weight
            yield from self.again()

    def pick(self, drawn: int, step: int = 0) -> Iterable[Event]:
        """A request. What is drawn is the same each time, or so much more."""
        yield from self.begin()
        draws: list[int] = []
        from_: list[int] = []

        def draw(below: int) -> int:
            from_.append(below)
            draws.append((drawn + step * len(draws)) % below)
            return draws[-1]

        name = self.last = self.balancer.pick(Picking(draw=draw, avoid=frozenset(self.down))).name
        here = self.endpoints()
        total = sum(e.weight for e in here)
        names = [e.name for e in here]
        yield self.event("weigh", name=name, draws=draws, from_=from_, of=names, total=total)

    def fail(self, n: int) -> Iterable[Event]:
        """See Turns."""
        yield from self.begin()
        yield from super().fail(n)

    def leave(self, n: int) -> Iterable[Event]:
        """An endpoint leaves, if two that are up stay."""
        name = self.named(n)
        if name not in self.gone and len([x for x in self.up() if x != name]) > 1:
            self.gone.add(name)
            self.down.discard(name)
            yield from self.again()
