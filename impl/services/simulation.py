"""Servers that fail, slow down and pause, in virtual time, and the client that uses them: what policies do about it.

    fault = Fault(Trouble.FAIL, "a", from_ms=2_000, until_ms=4_000)
    outcome = simulate(Load((Endpoint("a", 5), Endpoint("b")), faults=(fault,)), Setup())

The client is the one of client.py, in a loop whose clock jumps; only the servers are made up. A server works at `workers`
requests at once for each part of its weight, the others wait in line; how long a request takes is drawn with a mean of
`service_ms`, the same for each policy. What a client gives up, a server still works at. A part of the requests are writes that
may not be executed twice.

Guarantees: the same load, setup and seed give the same outcome. `twice` and `lost` are counted at the servers: writes that were
applied more than once, and writes that were acknowledged and never applied.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from random import Random

from ratified.impl.services.allowance import AnyBudget
from ratified.impl.services.balancing import BALANCERS, Balancer
from ratified.impl.services.budgets import Throttle
from ratified.impl.services.client import CallError, Client, RequestError
from ratified.impl.services.endpoints import Endpoint, ServiceError
from ratified.impl.services.events import Cancelled, Ejected, Event, Failed, Picked, Readmitted
from ratified.impl.services.health import Breaker, Outliers
from ratified.impl.services.hedging import Hedge
from ratified.impl.services.retry import Failure, RetryPolicy
from ratified.impl.services.virtual import VirtualLoop, run_virtually

WIRE_MS = 1
"""How long a request is on the wire, and an answer."""

KEYS = 100
"""So many keys the requests are about, for policies that balance by key."""

PERCENTILES = (50, 99)


class Trouble(Enum):
    """What happens to a server for a while."""

    FAIL = "fail"  # it is killed, with all that it works at, and refuses connections until it is back
    SLOW = "slow"  # it takes longer for everything
    PAUSE = "pause"  # it does nothing, though connections are accepted, and goes on where it was


@dataclass(frozen=True, slots=True)
class Fault:
    """A trouble of a node, from one moment to another."""

    trouble: Trouble
    node: str
    from_ms: int
    until_ms: int

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not 0 <= self.from_ms < self.until_ms:
            raise ServiceError(f"a fault must end after it starts: {self.from_ms}, {self.until_ms} ms")


@dataclass(frozen=True, slots=True)
class Load:
    """Who serves, what is asked, what goes wrong. Without a `rate` (a second) it is half of what all nodes can do."""

    nodes: tuple[Endpoint, ...]
    requests: int = 10_000
    rate: float | None = None
    service_ms: int = 10
    workers: int = 2
    slow_factor: int = 10
    writes_percent: int = 20
    deadline_ms: int = 1_000
    faults: tuple[Fault, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        least = (self.requests, self.service_ms, self.workers, self.slow_factor, self.deadline_ms)
        if min(least) < 1 or (self.rate is not None and self.rate <= 0):
            raise ServiceError("requests, rate, service time, workers, slow factor and deadline are above 0")
        if not 0 <= self.writes_percent <= 100:
            raise ServiceError(f"writes are 0 to 100 percent, not {self.writes_percent}")
        unknown = {fault.node for fault in self.faults} - {node.name for node in self.nodes}
        if unknown:
            raise ServiceError(f"there is no node {', '.join(sorted(unknown))}")

    @property
    def a_second(self) -> float:
        """How many requests come in a second, on average."""
        if self.rate is not None:
            return self.rate
        return sum(node.weight for node in self.nodes) * self.workers * 1000 / self.service_ms / 2


@dataclass(frozen=True, slots=True)
class Setup:
    """The policies of the client. What has a state is made anew for each run."""

    name: str = "smooth-weighted"
    balancer: Callable[[], Balancer] = BALANCERS["smooth-weighted"]
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    budget: Callable[[], AnyBudget] = Throttle
    hedge: Callable[[], Hedge] | None = None
    outliers: Callable[[], Outliers] = Outliers
    breaker: Callable[[], Breaker] | None = None
    attempt_timeout_ms: int | None = None


class Ended(Enum):
    """How an attempt ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    CANCELLED = "cancelled"  # another was faster


@dataclass(frozen=True, slots=True)
class Moment:
    """An attempt: when it began, at which node, whether it was a further one, and how it ended."""

    ms: int
    node: str
    again: bool
    ended: Ended

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.ended is Ended.FAILED


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `latencies_ms` are those of all requests, failed ones included, from the shortest."""

    name: str
    requests: int
    succeeded: int
    latencies_ms: tuple[int, ...]
    ended_ms: int
    attempts: tuple[Moment, ...]
    ejections: tuple[tuple[str, int, int], ...]  # a node, from when, until when
    twice: int
    lost: int

    def percentile_ms(self, percent: int) -> int:
        """The latency that so many percent of the requests do not exceed."""
        return self.latencies_ms[max(0, -(-len(self.latencies_ms) * percent // 100) - 1)]


def simulate(load: Load, setup: Setup) -> Outcome:
    """Send a load by the policies of a setup. Raises ServiceError for what makes no sense."""
    return run_virtually(_simulated(load, setup))


async def _simulated(load: Load, setup: Setup) -> Outcome:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    ledger: Counter[int] = Counter()
    servers = {node.name: _Server(node, load, loop, ledger) for node in load.nodes}
    record = _Record(loop.now_ms)

    async def send(endpoint: Endpoint, request: _Request, _: int | None) -> None:
        await servers[endpoint.name].ask(request)

    client: Client[_Request, None] = Client(
        send,
        balancer=setup.balancer(),
        retry=setup.retry,
        budget=setup.budget(),
        hedge=setup.hedge,
        outliers=setup.outliers(),
        breaker=setup.breaker,
        attempt_timeout_ms=setup.attempt_timeout_ms,
        watch=record,
        draw=_chance(load.seed).randrange,
        now_ms=loop.now_ms,
    )
    client.update(load.nodes)
    latencies: list[int] = []
    acknowledged: list[_Request] = []

    async def ask(request: _Request) -> None:
        began = loop.now_ms()
        key = str(request.number % KEYS).encode()
        try:
            await client.request(request, key=key, idempotent=not request.write, deadline_ms=load.deadline_ms)
            acknowledged.append(request)
        except RequestError:
            pass  # it is among the latencies, and not among those that succeeded
        latencies.append(loop.now_ms() - began)

    crashes = [
        loop.call_at(fault.from_ms / 1000, servers[fault.node].crash)
        for fault in load.faults
        if fault.trouble is Trouble.FAIL
    ]
    arrivals, at_ms = _chance(load.seed), 0.0
    on_the_way: set[asyncio.Task[None]] = set()
    for number in range(load.requests):
        at_ms += arrivals.expovariate(load.a_second) * 1000
        await asyncio.sleep(max(0, round(at_ms) - loop.now_ms()) / 1000)
        write = arrivals.randrange(100) < load.writes_percent
        task = asyncio.ensure_future(ask(_Request(number, write)))
        on_the_way.add(task)
        task.add_done_callback(on_the_way.discard)
    while on_the_way:
        await asyncio.wait(on_the_way)
    ended = loop.now_ms()
    for server in servers.values():
        await server.finish()
    for crash in crashes:
        crash.cancel()
    return Outcome(
        setup.name,
        load.requests,
        len(acknowledged),
        tuple(sorted(latencies)),
        ended,
        record.attempts(),
        record.ejections(ended),
        sum(times > 1 for times in ledger.values()),
        sum(request.write and not ledger[request.number] for request in acknowledged),
    )


def _chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - runs are to be repeated


@dataclass(slots=True)
class _Request:
    number: int
    write: bool
    sent: int = 0


class _Server:
    """A node: it works at some requests at once, and the others wait in line."""

    def __init__(self, node: Endpoint, load: Load, loop: VirtualLoop, ledger: Counter[int]) -> None:
        self._load, self._loop, self._ledger = load, loop, ledger
        self._faults = [fault for fault in load.faults if fault.node == node.name]
        self._slots = asyncio.Semaphore(node.weight * load.workers)
        self._work: dict[asyncio.Task[None], None] = {}  # in the order in which it came

    async def ask(self, request: _Request) -> None:
        """What a client does: whatever becomes of it, the server works on."""
        request.sent += 1
        await asyncio.sleep(WIRE_MS / 1000)
        now = self._loop.now_ms()
        if any(f.trouble is Trouble.FAIL and f.from_ms <= now < f.until_ms for f in self._faults):
            raise CallError(Failure.NOT_SENT, "connection refused")
        work = asyncio.ensure_future(self._served(request, request.sent))
        self._work[work] = None
        work.add_done_callback(self._work.pop)
        await asyncio.wait([work])
        if work.cancelled():
            raise CallError(Failure.UNAVAILABLE, "broken off")

    async def _served(self, request: _Request, attempt: int) -> None:
        # Each attempt takes as long whatever the policy is and whatever else happens.
        chance = _chance((self._load.seed * 1_000_003 + request.number) * 8 + attempt)
        work_ms = max(1, round(chance.expovariate(1 / self._load.service_ms)))
        async with self._slots:
            now = self._loop.now_ms()
            await asyncio.sleep((self.ready_ms(now, work_ms) - now) / 1000)
            if request.write:
                self._ledger[request.number] += 1
        await asyncio.sleep(WIRE_MS / 1000)

    def ready_ms(self, now_ms: int, work_ms: int) -> int:
        """When work is done that begins now: slower while the node is slow, and not at all while it pauses."""
        spans = [fault for fault in self._faults if fault.trouble is not Trouble.FAIL]
        edges = sorted({edge for f in spans for edge in (f.from_ms, f.until_ms) if edge > now_ms})
        left = (
            work_ms * self._load.slow_factor
        )  # in parts, of which a node that is not slow does `slow_factor` in 1 ms
        for edge in [*edges, None]:
            troubles = {f.trouble for f in spans if f.from_ms <= now_ms < f.until_ms}
            speed = (
                0 if Trouble.PAUSE in troubles else 1 if Trouble.SLOW in troubles else self._load.slow_factor
            )
            if speed and (edge is None or now_ms + -(-left // speed) <= edge):
                return now_ms + -(-left // speed)
            assert edge is not None, "after the last edge nothing is paused"
            left -= speed * (edge - now_ms)
            now_ms = edge
        raise AssertionError("the last edge has none after it")

    def crash(self) -> None:
        """Everything that it works at is gone."""
        for work in list(self._work):
            work.cancel()

    async def finish(self) -> None:
        """Work at what is left of it, for clients that gave up."""
        while self._work:
            await asyncio.wait(list(self._work))


class _Record:
    """What a client told, with the time."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._picked: list[tuple[int, Picked]] = []
        self._ended: dict[tuple[int, int], Ended] = {}
        self._out: dict[str, int] = {}
        self._ejections: list[tuple[str, int, int]] = []

    def __call__(self, event: Event) -> None:
        match event:
            case Picked():
                self._picked.append((self._now_ms(), event))
            case Failed():
                self._ended[event.request, event.attempt] = Ended.FAILED
            case Cancelled():
                self._ended[event.request, event.attempt] = Ended.CANCELLED
            case Ejected():
                self._out[event.endpoint] = self._now_ms()
            case Readmitted():
                self._ejections.append((event.endpoint, self._out.pop(event.endpoint), self._now_ms()))

    def attempts(self) -> tuple[Moment, ...]:
        return tuple(
            Moment(ms, e.endpoint, e.attempt > 1, self._ended.get((e.request, e.attempt), Ended.ANSWERED))
            for ms, e in self._picked
        )

    def ejections(self, ended_ms: int) -> tuple[tuple[str, int, int], ...]:
        still: Sequence[tuple[str, int, int]] = [(name, since, ended_ms) for name, since in self._out.items()]
        return tuple(sorted([*self._ejections, *still], key=lambda ejection: ejection[1]))
