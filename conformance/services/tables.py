"""Maglev's table held to its model: each place that is taken is a step, by nodes of any weights that come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from ratified.conform.policy import PolicyBinding
from ratified.conformance.services.turns import NAMES, Turns
from ratified.follow.binding import Event, Names, Observed
from ratified.follow.steps import Steps, change, do
from ratified.impl.services.balancing import Balancer, Maglev, Picking, hashing
from ratified.impl.services.balancing.hashing import hashed
from ratified.language import Map, Range, Set, action, invariant, require
from ratified.models.services import maglev as models

KEYS = 40
SIZES = (5, 7, 11)


class FollowedMaglev(models.Maglev):
    """The same with weights: of the heaviest a node takes a place in each round, one of a third of it in every third.

    Nodes come and go as often as they like; a key whose place is of one to be avoided goes on to the next place of another.
    """

    weight: Map[models.Node, Annotated[int, Range(0, 100)]]  # 0: it is not there
    round: Annotated[int, Range(1, 10_000)] = 1
    down: Set[models.Node]
    picked: models.Node | None = None

    @action
    def choose(self, n: models.Node, offset: models.Number, skip: models.Number) -> None:
        """See Maglev; in any order."""
        require(self.skip[n] == 0 and skip > 0)
        self.offset[n] = offset
        self.skip[n] = skip

    @action
    def weigh(self, n: models.Node, weight: Annotated[int, Range(0, 100)]) -> None:
        """A node comes, or has another weight; all is to be filled anew."""
        self.weight[n] = weight
        self.table = Map({p: None for p in models.Place})

    @action
    def go(self, n: models.Node) -> None:
        """A node goes; likewise."""
        require(self.weight[n] > 0)
        self.weight[n] = 0
        self.table = Map({p: None for p in models.Place})

    @action
    def begin(self) -> None:
        """The first that is there has the first turn."""
        require(all(self.free(p) for p in models.Place))
        self.round = 1
        self.turn = min(n for n in models.Node if self.weight[n] > 0)

    def heaviest(self) -> int:
        """The greatest weight."""
        return max(self.weight[n] for n in models.Node)

    def is_due(self, n: models.Node, round_: int) -> bool:
        """Node n takes a place in a round: so many rounds of its weight are as many of the heaviest's as it has places."""
        return self.weight[n] > 0 and round_ * self.weight[n] >= self.heaviest() * self.taken(n)

    @action
    def take(self) -> None:
        """See Maglev; then it is the turn of the next that is due, in this round or a later one."""
        require(not self.full())
        tried = min(k for k in range(len(models.Place)) if self.free(self.place(self.turn, k)))
        self.table[self.place(self.turn, tried)] = self.turn
        at = self.round * len(models.Node) + int(self.turn)
        after = min(k for k in range(1, (self.heaviest() + 1) * len(models.Node) + 1) if self.comes(at + k))
        self.turn = models.Node((at + after) % len(models.Node))
        self.round = (at + after) // len(models.Node)

    def comes(self, at: int) -> bool:
        """At that place of all rounds a node is due."""
        return self.is_due(models.Node(at % len(models.Node)), at // len(models.Node))

    @action
    def pick(self, p: models.Place, n: models.Node) -> None:
        """A key of a place: from there on, the first place of a node that is up."""
        require(self.full())
        ahead = min(
            k for k in range(len(models.Place)) if self.is_up(models.Place((int(p) + k) % len(models.Place)))
        )
        require(self.table[models.Place((int(p) + ahead) % len(models.Place))] == n)
        self.picked = n

    def is_up(self, p: models.Place) -> bool:
        """The node of a place is up."""
        return all(self.table[p] != n for n in self.down)

    @invariant
    def counts_differ_by_one(self) -> bool:
        """See Maglev, of nodes of equal weights."""
        return all(
            self.weight[m] != self.weight[n] or self.taken(m) <= self.taken(n) + 1
            for m in models.Node
            for n in models.Node
        )

    @invariant
    def who_is_gone_has_nothing(self) -> bool:
        """See Maglev."""
        return all(self.weight[n] > 0 or self.taken(n) == 0 for n in models.Node)


class MaglevBinding(PolicyBinding):
    """What the table is filled with is a row of steps, after which it is as the model has it."""

    def __init__(self, names: Sequence[str], size: int) -> None:
        self._size = size
        self.node = Names(models.Node, len(names), names)

    def model(self) -> FollowedMaglev:
        """With as many nodes and places."""
        return FollowedMaglev(Node=len(self.node.known()), Place=self._size)

    def on_order(self, name: str, offset: int, skip: int) -> Steps:
        """In which order a node comes to the places."""
        return do("choose", n=self.node(name), offset=offset, skip=skip)

    def on_update(self, came: dict[str, int], went: list[str]) -> Steps:
        """Nodes come, go, have other weights; then the table is filled anew."""
        first = [do("weigh", n=self.node(name), weight=weight) for name, weight in came.items()]
        gone = [do("go", n=self.node(name)) for name in went]
        take: Steps = do("take")
        return (*first, *gone, do("begin"), *[take] * self._size) if first or gone else ()

    def on_pick(self, place: int, name: str) -> Steps:
        """A key is looked up."""
        return do("pick", p=models.Place(place), n=self.node(name))

    def on_fail(self, name: str) -> Steps:
        """Requests must not go there."""
        n = self.node(name)
        return change(f"{name} goes down", lambda m: m.down.add(n))

    def on_recover(self, name: str) -> Steps:
        """They may again."""
        n = self.node(name)
        return change(f"{name} comes up", lambda m: m.down.remove(n))

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one balancer
        """The table."""
        return {("table", models.Place(p)): self.node(name) for p, name in enumerate(variables["table"])}


class MaglevSubject(Turns):
    """`Maglev` held to its model."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        **Turns.calls,
        "pick": (KEYS,),
        "leave": (len(NAMES),),
        "come": (len(NAMES),),
        "reweight": (len(NAMES), 4),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.size = SIZES[number % len(SIZES)]
        self.weights = {name: 1 + weight % 3 for name, weight in self.weights.items()}
        if number % 4 == 0:
            self.weights = dict.fromkeys(self.weights, 1)
        self.balancer = Maglev(self.size)
        self.known: dict[str, int] = {}
        self.ordered: set[str] = set()

    def held(self) -> Balancer:
        """See Turns."""
        if not self.balancer.endpoints:
            tuple(self.again())
            self.known, self.ordered = {}, set()  # it is told with the first event
        return self.balancer

    def binding(self) -> MaglevBinding:
        """See Subject."""
        return MaglevBinding(self.names, self.size)

    def cannot_be_made(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Turns."""
        return [
            (lambda: Maglev(6), "the size of the table must be a prime, not 6"),
            (lambda: Maglev(1), "the size of the table must be a prime, not 1"),
            (lambda: Maglev(5.0), "the size of the table must be a prime, not 5.0"),  # type: ignore[arg-type]  # that is what is wrong
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject: the smallest table, and the paper's own example."""
        return [
            lambda: Maglev(2),
            lambda: hashing.filled(7, ((3, 4), (0, 2), (3, 1)), (1, 1, 1)) == (1, 0, 1, 0, 2, 2, 0),
        ]

    def seen(self) -> Mapping[str, Any]:
        """The table, once it was told of."""
        names = [e.name for e in self.balancer.endpoints]
        return {"table": [names[n] for n in self.balancer.table] if self.known else []}

    def again(self) -> Iterable[Event]:
        """The balancer is told of the endpoints. What a node's order is we hash ourselves."""
        here = {e.name: e.weight for e in self.endpoints()}
        for name in here:
            if name not in self.ordered:
                self.ordered.add(name)
                offset = hashed(name.encode(), b"offset") % self.size
                yield self.event(
                    "order",
                    name=name,
                    offset=offset,
                    skip=hashed(name.encode(), b"skip") % (self.size - 1) + 1,
                )
        self.balancer.update(self.endpoints())
        came = {name: weight for name, weight in here.items() if self.known.get(name) != weight}
        went = [name for name in self.known if name not in here]
        self.known = here
        yield self.event("update", came=came, went=went)

    def pick(self, key: int) -> Iterable[Event]:
        """A request about something."""
        yield from self.begin()
        about = f"key {key}".encode()
        name = self.balancer.pick(Picking(key=about, avoid=frozenset(self.down))).name
        yield self.event("pick", place=hashed(about, b"key") % self.size, name=name)

    def begin(self) -> Iterable[Event]:
        """The table as it was filled first."""
        if not self.known:
            yield from self.again()

    def leave(self, n: int) -> Iterable[Event]:
        """An endpoint leaves, if two that are up stay."""
        name = self.named(n)
        yield from self.begin()
        if name not in self.gone and len([x for x in self.up() if x != name]) > 1:
            self.gone.add(name)
            yield from self.again()
            if name in self.down:
                self.down.discard(name)
                yield self.event("recover", name=name)

    def come(self, n: int) -> Iterable[Event]:
        """One that has left is there again."""
        if self.named(n) in self.gone:
            self.gone.discard(self.named(n))
            yield from self.again()

    def reweight(self, n: int, weight: int) -> Iterable[Event]:
        """An endpoint has another weight."""
        if self.named(n) not in self.gone:
            self.weights[self.named(n)] = 1 + weight
            yield from self.again()
