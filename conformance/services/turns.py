"""Turns held to their models: what their subjects share, and round-robin.

Endpoints that a request must not go to are those that are down in the model. Endpoints come, go and change weight between picks,
for which the models have no step: those that are gone are down for good, and a change says what it leaves of what each had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Event, Names, Observed
from ratified.follow.steps import Steps, change, do
from ratified.impl.services.balancing import Balancer, Picking, RoundRobin
from ratified.impl.services.endpoints import Endpoint
from ratified.language import Model
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
