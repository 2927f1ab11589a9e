"""Lock-delay held to its model. A tick is a millisecond; one clock, since the lease is as long as the service counts it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ratified.conform.cover import Edge, NothingToTryError
from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Claim, Event, Names, Observed
from ratified.follow.steps import Steps, change, do
from ratified.impl.services.failover import DelayingGrantor
from ratified.language import Model, require
from ratified.models.services import delay as models

NAMES = ("a", "b", "c")
LEASES = ((4, 500_000, 6, 3), (5, 0, 5, 1), (1, 0, 1, 4), (3, 200_000, 4, 2))
"""Time to live in ms and drift in parts of a million, what that comes to for the service, and the delay."""


class DelayBinding(PolicyBinding):
    """Leases, ticks and writes are steps; who is refused must wait for another, or for its delay."""

    def __init__(self, names: Sequence[str], ttl: int, delay: int) -> None:
        self._ttl, self._delay = ttl, delay
        self.node = Names(models.Node, len(names), names)

    def model(self) -> models.LockDelay:
        """With the lease and the delay of the subject."""
        return models.LockDelay(Node=len(self.node.known()), ttl=self._ttl, delay=self._delay)

    def on_step(self, name: str, who: str) -> Steps:
        """A step of a node."""
        return do(name, n=self.node(who))

    def on_tick(self) -> Steps:
        """Time goes by."""
        return do("tick")

    def on_start_anew(self) -> Steps:
        """The service starts anew."""
        return do("start_anew")

    def on_refused(self, who: str) -> Steps:
        """Another has the lock, or had it until it ran out."""
        n = self.node(who)

        def waits(m: Any) -> None:
            require(m.holder is not None or m.wait > 0)
            require(n not in (m.holder, m.before))

        return change("it has to wait", waits)

    def on_waits(self) -> Steps:
        """A service that has started anew gives the lock to nobody while it may be somebody's."""
        return change("nobody gets it", lambda m: require(m.holder is not None or m.wait > 0))

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - nodes are in the variables
        """Who has the lock, and what is told with it."""
        claims = {(Claim(claim),): holds for claim, holds in variables["claims"].items()}
        return {("holder",): self.node.maybe(variables["holder"]), **claims}


class DelaySubject(Subject):
    """`DelayingGrantor` held to its model."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "ask": (len(NAMES),),
        "release": (),
        "ticks": (6,),
        "write": (),
        "arrive": (len(NAMES),),
        "fail": (len(NAMES),),
        "start_anew": (3,),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.names: tuple[str, ...] = NAMES
        self.make(*LEASES[number % len(LEASES)])

    def make(self, ttl_ms: int, drift_ppm: int, lasts: int, delay: int) -> None:
        """With such leases."""
        self.ttl_ms, self.drift_ppm, self.lasts, self.delay = ttl_ms, drift_ppm, lasts, delay
        self.grantor = DelayingGrantor(ttl_ms, delay, drift_ppm)
        self.now = self.told = self.left = 0
        self.lessee: str | None = None
        self.anew = False  # since it started, nobody has had it
        self.ways = dict.fromkeys(self.names, 0)
        self.claims: dict[str, bool] = {}

    def binding(self) -> DelayBinding:
        """See Subject."""
        return DelayBinding(self.names, self.lasts, self.delay)

    def seen(self) -> Mapping[str, Any]:
        """Whose lease runs, after what it was told; and what else that said."""
        claims, self.claims = self.claims, {}
        return {"holder": self.lessee, "claims": claims}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: a clock that goes back, delays that are none."""
        grantor, before = self.grantor, self.told - 1
        nan: Any = float("nan")
        return [
            (lambda: grantor.ask("z", before), "the clock went back"),
            (lambda: grantor.ask("z", nan), "the time is a whole number"),
            (lambda: grantor.ask("", nan), "a name is a text that is not empty"),
            (lambda: DelayingGrantor(1, -1), "others wait for 0 ms or more, not -1"),
            (lambda: DelayingGrantor(1, nan), "delay_ms is a whole number"),
            (lambda: DelayingGrantor(0, 1), "a lease lasts 1 ms or more, not 0"),
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: DelayingGrantor(1, 0)]

    def ask(self, n: int) -> Iterable[Event]:
        """A node asks for the lock, or for more time."""
        name, token = self.names[n % len(self.names)], self.grantor.token
        self.told = self.now
        grant = self.grantor.ask(name, self.now)
        if grant is None:
            yield self.event("waits") if self.anew else self.event("refused", who=name)
            return
        self.claims["it is the node's own, and so long"] = (grant.holder, grant.ttl_ms) == (name, self.ttl_ms)
        self.claims["a lease that was over has a new token"] = (grant.token > token) == (self.lessee != name)
        self.lessee, self.left, self.anew = name, self.lasts, False
        yield self.event("step", name="grant", who=name)

    def release(self) -> Iterable[Event]:
        """Who has the lock gives it back, if nothing of it is on the way."""
        name = self.lessee
        if name is not None and self.grantor.holder == name and not self.ways[name]:
            self.grantor.release(self.grantor.token)
            self.lessee, self.left = None, 0
            yield self.event("step", name="release", who=name)

    def ticks(self, more: int = 0) -> Iterable[Event]:
        """Time goes by."""
        for _ in range(more + 1):
            self.now += 1
            self.left = max(0, self.left - 1)
            if self.left == 0:
                self.lessee = None
            self.ways = {name: max(0, left - 1) for name, left in self.ways.items()}
            yield self.event("tick")

    def write(self) -> Iterable[Event]:
        """Who has the lock sends a write."""
        if self.lessee is not None:
            self.ways[self.lessee] = self.delay
            yield self.event("step", name="write", who=self.lessee)

    def arrive(self, n: int) -> Iterable[Event]:
        """A write arrives."""
        name = self.names[n % len(self.names)]
        if self.ways[name]:
            self.ways[name] = 0
            yield self.event("step", name="arrive", who=name)

    def fail(self, n: int) -> Iterable[Event]:
        """Who has the lock writes once more, and fails; another asks at each tick from then on."""
        yield from self.write()
        for _ in range(self.lasts + self.delay):
            yield from self.ticks()
            yield from self.ask(n)

    def start_anew(self, often: int = 0) -> Iterable[Event]:
        """The service crashes, and knows the last token, which is durable. Its clock goes on."""
        if often == 0 and self.grantor.token:
            self.grantor = DelayingGrantor(self.ttl_ms, self.delay, self.drift_ppm, self.grantor.token)
            self.left, self.anew = self.lasts if self.lessee else 0, True
            self.told = self.now
            self.grantor.ask("somebody", self.now)  # so that it waits from now on
            yield self.event("start_anew")

    def impossible(self, state: Any, edge: Edge) -> str | None:  # noqa: ARG002 - the step says it
        """A service that starts anew refuses what the model allows."""
        forgets = edge.action == "start_anew"
        return "who had the lock is not known then, so that it renews it for nobody" if forgets else None

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        match action, arguments:
            case "grant" | "arrive", (n,):
                tuple((self.ask if action == "grant" else self.arrive)(int(n)))
            case "release" | "write", (n,) if self.names[int(n)] == self.lessee:
                tuple((self.release if action == "release" else self.write)())
            case "tick", ():
                tuple(self.ticks())
            case _:
                raise NothingToTryError


class DelayPair(DelaySubject):
    """Two nodes and the model's own lease and delay, to be driven along the model's graph."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.names = NAMES[:2]
        self.make(1, 0, 1, 2)


def delay_graph() -> tuple[Model, Subject]:
    """Two nodes."""
    return models.LockDelay(Node=2), DelayPair()
