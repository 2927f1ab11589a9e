"""Leases and fencing tokens held to the model of failover. A tick is a millisecond; each node has a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from ratified.conform.cover import Edge, NothingToTryError
from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Event, Names, Observed
from ratified.follow.steps import Steps, change, do, holds
from ratified.impl.services.failover import Fence, FencedError, Grant, Grantor, Holder
from ratified.language import Model, Range, action, require
from ratified.models.services import failover as models

NAMES = ("a", "b", "c")
TOKENS = 6
LEASES = ((4, 500_000, 2, 6), (5, 250_000, 4, 7), (3, 0, 3, 3), (6, 200_000, 5, 8), (2, 400_000, 1, 3))
"""Time to live in ms and drift in parts of a million; and what that comes to for the holder and for the grantor, in ms."""


class FollowedFailover(models.Failover):
    """The same, whose primary may ask for more before its lease is over."""

    elapsed: Annotated[int, Range(0, "ttl + drift + 1")] = 0

    @action
    def renew(self, n: models.Node) -> None:
        """The lease begins again, under the same token."""
        require(self.holder == n)
        self.elapsed = 0
        self.believes[n] = self.token
        self.passed[n] = 0


class FailoverBinding(PolicyBinding):
    """Grants, ticks and writes are steps; so is what the store lets through, and what it does not is older."""

    def __init__(self, names: Sequence[str], ttl: int, drift: int) -> None:
        self._ttl, self._drift = ttl, drift
        self.node = Names(models.Node, len(names), names)

    def model(self) -> FollowedFailover:
        """With the lease of the subject."""
        return FollowedFailover(Node=len(self.node.known()), tokens=TOKENS, ttl=self._ttl, drift=self._drift)

    def write(self, name: str, token: int) -> models.Write:
        """A write."""
        return models.Write(self.node(name), token)

    def on_grant(self, name: str) -> Steps:
        """A lease under a new token."""
        return do("grant", n=self.node(name))

    def on_renew(self, name: str) -> Steps:
        """More of a lease."""
        return do("renew", n=self.node(name))

    def on_refused(self, name: str) -> Steps:
        """Another has it."""
        n = self.node(name)
        return change("another has the lease", lambda m: require(m.holder is not None and m.holder != n))

    def on_waits(self) -> Steps:
        """A service that has started anew gives nothing, since it does not know who has it."""
        return ()

    def on_release(self, name: str) -> Steps:
        """The primary steps down."""
        return do("release", n=self.node(name))

    def on_resign(self, name: str) -> Steps:
        """It leads no more, and its release is lost."""
        n = self.node(name)

        def resign(m: Any) -> None:
            m.believes[n] = 0
            m.passed[n] = 0

        return change(f"{name} resigns", resign)

    def on_tick_of_the_service(self) -> Steps:
        """Time goes by at the service."""
        return do("tick_of_the_service")

    def on_tick(self, name: str) -> Steps:
        """Time goes by at a node."""
        return do("tick_of", n=self.node(name))

    def on_start_anew(self) -> Steps:
        """The service starts anew: whoever has the lease has it for as long again, since nobody knows since when."""

        def start_anew(m: Any) -> None:
            m.elapsed = 0

        return change("the service starts anew", start_anew)

    def on_write(self, name: str) -> Steps:
        """A primary sends a write."""
        return do("write", n=self.node(name))

    def on_store(self, name: str, token: int) -> Steps:
        """It takes effect."""
        return do("store", w=self.write(name, token))

    def on_fenced(self, name: str, token: int) -> Steps:
        """It does not."""
        return holds("lets_through", self.write(name, token), expected=False)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - nodes are in the variables
        """Who leads, under which token; the last token; what the store has seen."""
        believes = {("believes", self.node(name)): token for name, token in variables["believes"].items()}
        return {**believes, ("token",): variables["token"], ("seen",): variables["seen"]}


def _drift_of_one() -> bool:
    """One part in a million more or less, of a lease so long that it matters."""
    grantor, holder = Grantor(3_000_000, 1), Holder(1)
    grant = grantor.ask("a", 0)
    assert grant is not None
    holder.granted(grant, 0)
    return (
        holder.leads(2_999_996)
        and not holder.leads(2_999_997)
        and grantor.ask("b", 3_000_002) is None
        and grantor.ask("b", 3_000_003) is not None
    )


def _shortest() -> bool:
    """A lease of a millisecond."""
    holder = Holder(0)
    holder.granted(Grant("a", 1, 1), 0)
    return holder.leads(0)


class FailoverSubject(Subject):
    """`Grantor`, `Holder` and `Fence` held to the model."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "ask": (len(NAMES),),
        "release": (len(NAMES), 3),
        "release_again": (20,),
        "tick_of_the_service": (10,),
        "tick": (len(NAMES), 5),
        "write": (len(NAMES),),
        "store": (20,),
        "late_grant": (20,),
        "start_anew": (3,),
        "lapse": (len(NAMES),),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.names: tuple[str, ...] = NAMES
        self.make(*LEASES[number % len(LEASES)])

    def make(self, ttl_ms: int, drift_ppm: int, ttl: int, lasts: int) -> None:
        """With such leases: `ttl` for their holder, `lasts` for the service, both in ticks."""
        self.ttl_ms, self.drift_ppm, self.ttl, self.lasts = ttl_ms, drift_ppm, ttl, lasts
        self.grantor = Grantor(ttl_ms, drift_ppm)
        self.holders = {name: Holder(drift_ppm) for name in self.names}
        self.fence = Fence()
        self.now = self.told = 0  # the service's clock, and as the grantor was last told it
        self.clocks = dict.fromkeys(self.names, 0)
        self.lessee: str | None = None  # whose lease runs, for all that anybody knows
        self.elapsed = 0
        self.passed = dict.fromkeys(self.names, 0)
        self.waits = False
        self.writes: list[tuple[str, int]] = []
        self.releases: list[int] = []
        self.grants: list[tuple[str, Any, int]] = []

    def binding(self) -> FailoverBinding:
        """See Subject."""
        return FailoverBinding(self.names, self.ttl, self.lasts - self.ttl)

    def leads(self, name: str) -> bool:
        """Whether a node may act as the primary, by its own clock."""
        return self.holders[name].leads(self.clocks[name])

    def seen(self) -> Mapping[str, Any]:
        """Who leads, and the tokens."""
        believes = {name: self.holders[name].token if self.leads(name) else 0 for name in self.names}
        return {"believes": believes, "token": self.grantor.token, "seen": self.fence.seen}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: clocks that go back or are none, leases that are none, what is no token."""
        grantor, fence, holder, before = self.grantor, self.fence, self.holders[self.names[0]], self.told - 1
        nan: Any = float("nan")
        drift = "clocks drift 0 to 999,999 parts in a million"
        asked: list[tuple[Callable[[], object], str]] = [
            (lambda: grantor.ask("z", before), "the clock went back"),
        ]
        return [
            *(asked if self.grantor.token and not self.waits else []),
            (lambda: grantor.ask("z", nan), "the time is a whole number"),
            (lambda: grantor.ask("", nan), "a name is a text that is not empty"),
            (lambda: fence.admit(nan), "token is a whole number"),
            (lambda: fence.admit(-1), "token -1 is older than"),
            (lambda: holder.granted(Grant("a", 9, nan), 0), "ttl_ms is a whole number"),
            (lambda: holder.granted(Grant("a", 9, 0), 0), "a lease lasts 1 ms or more, not 0"),
            (lambda: holder.granted(Grant("a", nan, 9), 0), "token is a whole number"),
            (lambda: Grantor(0), "a lease lasts 1 ms or more, not 0"),
            (lambda: Grantor(1, -1), drift),
            (lambda: Grantor(1, 1_000_000), drift),
            (lambda: Grantor(nan), "ttl_ms is a whole number"),
            (lambda: Grantor(1, 0, nan), "token is a whole number"),
            (lambda: Holder(-1), drift),
            (lambda: Holder(nan), "drift_ppm is a whole number"),
            (lambda: Fence(nan), "seen is a whole number"),
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [
            lambda: Grantor(1, 0),
            lambda: Grantor(1, 999_999),
            lambda: Holder(0),
            _drift_of_one,
            _shortest,
        ]

    def ask(self, n: int) -> Iterable[Event]:
        """A node asks for the lease, or for more of it."""
        name, token = self.names[n % len(self.names)], self.grantor.token
        if token == TOKENS:
            return
        self.told = self.now
        grant = self.grantor.ask(name, self.now)
        if grant is None:
            yield self.event("waits") if self.waits else self.event("refused", name=name)
            return
        self.waits = False
        self.grants.append((name, grant, self.clocks[name]))
        self.holders[name].granted(grant, self.clocks[name])
        if self.leads(name):
            asks_ms = self.clocks[name] + self.ttl - self.ttl // 3
            assert self.holders[name].renew_at_ms() == asks_ms, (
                "it asks for more with a third of the time left"
            )
        self.lessee, self.elapsed, self.passed[name] = name, 0, 0
        yield self.event("renew" if grant.token == token else "grant", name=name)

    def late_grant(self, n: int) -> Iterable[Event]:
        """An answer of before a later one comes in: it changes nothing."""
        if self.grants:
            name, grant, asked = self.grants[n % len(self.grants)]
            if grant.token < (self.holders[name].token or 0):
                self.holders[name].granted(grant, asked)
        return ()

    def release(self, n: int, lost: int = 1) -> Iterable[Event]:
        """The primary steps down. The release is lost now and then."""
        name = self.names[n % len(self.names)]
        if not self.leads(name):
            return
        token = self.holders[name].resign()
        self.passed[name] = 0
        if lost == 0:
            yield self.event("resign", name=name)
            return
        assert token is not None
        self.grantor.release(token)
        self.releases.append(token)
        if self.waits:  # it does not know of this lease
            yield self.event("resign", name=name)
        else:
            self.lessee = None
            yield self.event("release", name=name)

    def release_again(self, n: int) -> Iterable[Event]:
        """A release comes once more: it ends nothing."""
        if self.releases:
            self.grantor.release(self.releases[n % len(self.releases)])
        return ()

    def tick_of_the_service(self, ticks: int = 0) -> Iterable[Event]:
        """Time goes by at the service, as far ahead of the primary's clock as clocks may be."""
        for _ in range(ticks + 1):
            lessee = self.lessee
            ahead = lessee is not None and self.elapsed - self.passed[lessee] >= self.lasts - self.ttl
            if ahead and lessee is not None and self.leads(lessee):
                return
            self.now += 1
            if lessee is not None:
                self.elapsed += 1
                if self.elapsed == self.lasts:
                    self.lessee = None
                yield self.event("tick_of_the_service")

    def tick(self, n: int, ticks: int = 0) -> Iterable[Event]:
        """Time goes by at a node, whose clock may be fast."""
        name = self.names[n % len(self.names)]
        for _ in range(ticks + 1):
            led = self.leads(name)
            self.clocks[name] += 1
            if led:
                self.passed[name] += 1
                yield self.event("tick", name=name)

    def write(self, n: int) -> Iterable[Event]:
        """The primary sends a write."""
        name = self.names[n % len(self.names)]
        if self.leads(name):
            self.writes.append((name, self.holders[name].token or 0))
            yield self.event("write", name=name)

    def store(self, n: int) -> Iterable[Event]:
        """A write arrives, be it late or once more."""
        if self.writes:
            name, token = self.writes[n % len(self.writes)]
            try:
                self.fence.admit(token)
            except FencedError:
                yield self.event("fenced", name=name, token=token)
            else:
                yield self.event("store", name=name, token=token)

    def lapse(self, n: int) -> Iterable[Event]:
        """The lease runs out while a write is on its way; another has it then, and writes first."""
        if self.lessee is not None:
            lessee = self.names.index(self.lessee)
            yield from self.write(lessee)
            yield from self.tick(lessee, self.ttl)
        yield from self.tick_of_the_service(self.lasts)
        yield from self.ask(n)
        yield from self.write(n)
        yield from self.store(len(self.writes) - 1)

    def start_anew(self, often: int) -> Iterable[Event]:
        """The service crashes, and knows the last token, which is durable. Its clock goes on."""
        if often == 0 and self.grantor.token:
            self.grantor = Grantor(self.ttl_ms, self.drift_ppm, self.grantor.token)
            self.elapsed, self.waits = 0, True
            self.told = self.now
            self.grantor.ask("somebody", self.now)  # so that it waits from now on
            yield self.event("start_anew")

    def impossible(self, state: Any, edge: Edge) -> str | None:  # noqa: ARG002 - the step says it
        """A lease can only be given up by who leads."""
        return None

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        match action, arguments:
            case "grant", (n,):
                tuple(self.ask(int(n)))
            case "release", (n,):
                tuple(self.release(int(n)))
            case "tick_of_the_service", ():
                tuple(self.tick_of_the_service())
            case "tick_of", (n,):
                tuple(self.tick(int(n)))
            case "write", (n,):
                tuple(self.write(int(n)))
            case "store", (w,):
                tuple(self.store(self.writes.index((self.names[int(w.node)], w.token))))
            case _:
                raise NothingToTryError


class FailoverPair(FailoverSubject):
    """Two nodes and leases of two ticks, three for the service, to be driven along the graph of the model."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.names = NAMES[:2]
        self.make(2, 250_000, 1, 3)


def failover_graph() -> tuple[Model, Subject]:
    """Two nodes, two tokens."""
    return models.Failover(Node=2, tokens=2, ttl=1, drift=2), FailoverPair()
