"""Real servers on loopback are killed, paused and slowed, while clients with different policies use them: a line for each policy.

    python benchmarks/services_faults.py [--requests N] [--clients N] [--by http|grpc]... [--policy NAME]... [--json]

Three servers; of four requests two are reads, one is a write with an idempotency key, and one a write without. After a fifth of
the requests server a is killed; after two fifths it is back; then b is paused (SIGSTOP) for a fifth, then c is slow (half a
second) for a fifth; each fault lasts until the attempts that it has met are over. *Twice* and *lost* are counted from what the
servers wrote down: writes that were applied more than once, and writes that were acknowledged and are not there. Both must be 0,
or the exit status is 1. Times are wall time, of all requests, those that failed included; *killed*, *paused* and *slow* is how
attempts at a, b and c failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the servers are those of the tests

import grpc
import httpx

from ratified.impl.services.balancing import LeastOutstanding, RoundRobin, TwoChoices
from ratified.impl.services.budgets import Budget
from ratified.impl.services.events import Answered, Cancelled, Event, Failed, Picked
from ratified.impl.services.grpc import BalancedChannel
from ratified.impl.services.health import CircuitBreaker, OutlierConfig, Outliers
from ratified.impl.services.hedging import Hedge
from ratified.impl.services.httpx import BalancedTransport
from ratified.impl.services.retry import Failure, RetryPolicy
from tests.impl.services.lab import READ, WRITE, Lab, Server

DEADLINE_S = 2.0
ATTEMPT_MS = 300
KINDS = ("http", "grpc")

Ask = Callable[[str, str], Awaitable[None]]
"""Sends a request: the kind (read, keyed, bare) and the id. Raises what the library raises."""


def ejection() -> Outliers:
    """Three failures in a row put one of three out for half a second."""
    return Outliers(OutlierConfig(consecutive=3, base_ms=500, most_percent=34))


def nobody() -> Outliers:
    """None is ejected."""
    return Outliers(OutlierConfig(most_percent=0))


POLICIES: Mapping[str, Callable[[], dict[str, Any]]] = {
    "one attempt": lambda: {"balancer": RoundRobin(), "outliers": nobody(), "retry": RetryPolicy(1)},
    "retry": lambda: {"balancer": RoundRobin(), "outliers": nobody()},
    "retry, eject": lambda: {"balancer": RoundRobin(), "outliers": ejection()},
    "retry, breaker": lambda: {
        "balancer": RoundRobin(),
        "outliers": nobody(),
        "breaker": partial(CircuitBreaker, requests=3, open_ms=500),
    },
    "least busy": lambda: {"balancer": LeastOutstanding(), "outliers": ejection()},
    "two choices": lambda: {"balancer": TwoChoices(), "outliers": ejection()},
    "hedge reads": lambda: {
        "balancer": RoundRobin(),
        "outliers": ejection(),
        "hedge": partial(Hedge, 50),
    },
}
"""Each beside the others; all have a budget for retries of a half of the requests."""


@dataclass(frozen=True)
class Row:
    """What came of one policy."""

    by: str
    policy: str
    requests: int
    succeeded: int
    p50_ms: float
    p99_ms: float
    attempts: int
    twice: int
    lost: int
    failures: dict[str, dict[str, int]]  # by server

    @property
    def sound(self) -> bool:
        """Whether nothing was applied twice, and all that was acknowledged was applied."""
        return self.twice == self.lost == 0


def over_http(lab: Lab, policies: dict[str, Any]) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    """What asks by httpx, and what closes it."""
    transport = BalancedTransport(lab.addresses.values(), attempt_timeout_ms=ATTEMPT_MS, **policies)
    http = httpx.AsyncClient(transport=transport, base_url="http://lab", timeout=DEADLINE_S)

    async def ask(kind: str, request: str) -> None:
        headers = {"Idempotency-Key": request} if kind == "keyed" else {}
        response = await http.request("GET" if kind == "read" else "POST", f"/{request}", headers=headers)
        response.raise_for_status()

    return ask, http.aclose


def over_grpc(lab: Lab, policies: dict[str, Any]) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    """What asks by gRPC, and what closes it."""
    channel = BalancedChannel(
        lab.addresses.values(), idempotent=[READ], attempt_timeout_ms=ATTEMPT_MS, **policies
    )
    read, write = channel.unary_unary(READ), channel.unary_unary(WRITE)

    async def ask(kind: str, request: str) -> None:
        metadata = [("idempotency-key", request)] if kind == "keyed" else []
        await (read if kind == "read" else write)(request.encode(), timeout=DEADLINE_S, metadata=metadata)

    return ask, channel.close


OVER = {"http": over_http, "grpc": over_grpc}


class Watcher:
    """What the policies told, and which attempts are on the way."""

    def __init__(self) -> None:
        self.attempts = 0
        self.failures: dict[str, Counter[str]] = defaultdict(Counter)  # by endpoint
        self._on_the_way: dict[tuple[int, int], str] = {}

    def __call__(self, event: Event) -> None:
        """Note an event."""
        match event:
            case Picked():
                self.attempts += 1
                self._on_the_way[event.request, event.attempt] = event.endpoint
            case Answered() | Failed() | Cancelled():
                del self._on_the_way[event.request, event.attempt]
                if isinstance(event, Failed):
                    self.failures[event.endpoint][event.failure.value] += 1

    async def over(self, endpoint: str) -> None:
        """Wait until all attempts are over that are now on the way to an endpoint."""
        before = {attempt for attempt, at in self._on_the_way.items() if at == endpoint}
        while before & self._on_the_way.keys():
            await asyncio.sleep(0.01)


async def measured(by: str, policy: str, requests: int, clients: int) -> Row:
    """Run one policy through the faults."""
    watcher = Watcher()
    given = POLICIES[policy]() | {
        "watch": watcher,
        "draw": Random(0).randrange,  # noqa: S311 - to repeat runs
        "budget": Budget(50, 10, 10_000),
    }
    took: list[float] = []
    acknowledged: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        async with Lab(by, Path(folder)) as lab:
            a, b, c = (lab.servers[name] for name in "abc")

            async def ended(server: Server, how: Callable[[], Awaitable[None]]) -> None:
                await watcher.over(server.address)
                await how()

            faults: dict[int, Callable[[], Awaitable[None]]] = {
                requests // 5: a.kill,
                2 * requests // 5: partial(ended, a, a.start),
                2 * requests // 5 + 1: b.pause,
                3 * requests // 5: partial(ended, b, b.resume),
                3 * requests // 5 + 1: c.slow,
                4 * requests // 5: partial(ended, c, c.fast),
            }
            ask, close = OVER[by](lab, given)
            numbers = iter(range(requests))

            async def client() -> None:
                for n in numbers:
                    if n in faults:
                        await faults[n]()
                    kind = ("read", "keyed", "read", "bare")[n % 4]
                    began = time.monotonic()
                    try:
                        await ask(kind, f"r{n}")
                        acknowledged.append((kind, f"r{n}"))
                    except (httpx.HTTPError, grpc.aio.AioRpcError):
                        pass  # it is among those that took their time and did not succeed
                    took.append((time.monotonic() - began) * 1000)

            await asyncio.gather(*(client() for _ in range(clients)))
            await close()
            applied = lab.applied()
            failures = {name: dict(watcher.failures[address]) for name, address in lab.addresses.items()}
    took.sort()
    return Row(
        by,
        policy,
        requests,
        len(acknowledged),
        round(took[len(took) // 2], 1),
        round(took[min(len(took) - 1, len(took) * 99 // 100)], 1),
        watcher.attempts,
        sum(times > 1 for times in applied.values()),
        sum(kind != "read" and not applied[write] for kind, write in acknowledged),
        failures,
    )


HEADS = "by    policy          success     p50     p99  attempts  twice  lost   killed   paused     slow"


def line(row: Row) -> str:
    """A line of the table."""
    short = {Failure.NOT_SENT: "n", Failure.UNAVAILABLE: "u", Failure.TIMED_OUT: "t"}
    failed = [
        " ".join(
            f"{row.failures[name][f.value]}{s}" for f, s in short.items() if f.value in row.failures[name]
        )
        for name in "abc"
    ]
    return (
        f"{row.by:5} {row.policy:14} {100 * row.succeeded / row.requests:7.1f}%  {row.p50_ms:6.1f}  {row.p99_ms:6.0f}"
        f"  {row.attempts / row.requests:8.2f}  {row.twice:5}  {row.lost:4}"
        + "".join(f"  {cell or '-':>7}" for cell in failed)
    )


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--by", action="append", choices=KINDS)
    parser.add_argument("--policy", action="append", choices=list(POLICIES))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.requests < 20 or asked.clients < 1:
        parser.error("there are 20 requests or more, and 1 client or more")
    rows = []
    if not asked.json:
        print(HEADS)
    for by in asked.by or KINDS:
        for policy in asked.policy or POLICIES:
            rows.append(asyncio.run(measured(by, policy, asked.requests, asked.clients)))
            if not asked.json:
                print(line(rows[-1]), flush=True)
    if asked.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        print("how attempts failed: n not sent, u broken off, t no answer in time")
    return 0 if all(row.sound for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
