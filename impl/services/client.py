"""A client over the policies: it picks an endpoint, sends, judges what comes back, and tries again or gives up.

    client = Client(send, balancer=SmoothWeighted(), retry=RetryPolicy(attempts=3))
    client.update([Endpoint("10.0.0.1:80", 5), Endpoint("10.0.0.2:80")])
    answer = await client.request(b"...", idempotent=True, deadline_ms=2_000)

`send(endpoint, request, timeout_ms)` is what speaks to an endpoint; where it fails it raises CallError, which says how. The
policies are the pure ones of this package; here are the clock, the waiting and the chance, each of which can be handed in.

Guarantees: a request that may have been executed is not sent again unless it may be twice; each decision is told, as an event, to
`watch`; a request that is cancelled ends its attempt, and is not on the way any more for the balancer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from ratified.impl.services.balancing import Balancer, Picking, RoundRobin
from ratified.impl.services.balancing.base import Draw
from ratified.impl.services.budgets import Throttle
from ratified.impl.services.endpoints import Endpoint, ServiceError
from ratified.impl.services.health import Outliers, usable
from ratified.impl.services.retry import Call, Failure, GiveUp, RetryPolicy

Q = TypeVar("Q")
A = TypeVar("A")

Send: TypeAlias = Callable[[Endpoint, Q, "int | None"], Awaitable[A]]
"""Sends a request to an endpoint and returns the answer, within so many milliseconds if there is a limit. Raises CallError."""


class CallError(Exception):
    """An attempt failed: how, and what the server says about trying again (milliseconds, as it sent them)."""

    def __init__(self, failure: Failure, message: str = "", pushback: str | None = None) -> None:
        super().__init__(message or failure.value)
        self.failure = failure
        self.pushback = pushback


class RequestError(ServiceError):
    """A request failed for good: `why` it is not tried again, after so many `attempts`; its cause is the last failure."""

    def __init__(self, why: str, attempts: int) -> None:
        super().__init__(f"{why} (attempts: {attempts})")
        self.why = why
        self.attempts = attempts


@dataclass(frozen=True, slots=True)
class Picked:
    """An endpoint was picked for an attempt; `avoided` are those that it could not be."""

    endpoint: str
    attempt: int
    avoided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """An attempt ended well."""

    endpoint: str
    attempt: int
    took_ms: int


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt failed."""

    endpoint: str
    attempt: int
    failure: Failure
    took_ms: int


@dataclass(frozen=True, slots=True)
class Ejected:
    """An endpoint fails more than others, and is avoided for a while."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The next attempt begins after a while."""

    attempt: int
    after_ms: int


@dataclass(frozen=True, slots=True)
class GaveUp:
    """There is no next attempt."""

    attempts: int
    why: str


Event: TypeAlias = Picked | Answered | Failed | Ejected | Waiting | GaveUp


def monotonic_ms() -> int:
    """The time of a clock that does not go back."""
    return time.monotonic_ns() // 1_000_000


async def asleep(ms: int) -> None:
    """Wait."""
    await asyncio.sleep(ms / 1000)


class Client(Generic[Q, A]):
    """Sends requests to endpoints by policies. One is shared by all that use the same endpoints."""

    def __init__(
        self,
        send: Send[Q, A],
        *,
        balancer: Balancer | None = None,
        retry: RetryPolicy | None = None,
        throttle: Throttle | None = None,
        outliers: Outliers | None = None,
        watch: Callable[[Event], None] | None = None,
        draw: Draw | None = None,
        now_ms: Callable[[], int] = monotonic_ms,
        wait: Callable[[int], Awaitable[None]] = asleep,
    ) -> None:
        self._send = send
        self._draw = random.SystemRandom().randrange if draw is None else draw
        self._balancer = balancer or RoundRobin(self._draw(1 << 30))
        self._retry = retry or RetryPolicy()
        self._throttle = throttle or Throttle()
        self._outliers = outliers or Outliers()
        self._watch = watch or (lambda _: None)
        self._now_ms = now_ms
        self._wait = wait

    def update(self, endpoints: Iterable[Endpoint]) -> None:
        """Have these endpoints from now on. Raises EndpointError; all is then as before."""
        self._balancer.update(endpoints)
        self._outliers.update(e.name for e in self._balancer.endpoints)

    async def request(
        self, request: Q, *, key: bytes = b"", idempotent: bool = False, deadline_ms: int | None = None
    ) -> A:
        """Send a request, and again if that makes sense; `deadline_ms` is how long all of it may take.

        Raises:
            RequestError: it failed for good.
            NoEndpointError: there is no endpoint.
        """
        started = self._now_ms()
        deadline = None if deadline_ms is None else started + deadline_ms
        call = Call(self._retry, started_ms=started, deadline_ms=deadline, idempotent=idempotent)
        tried: set[str] = set()
        while True:
            endpoint = self._pick(key, tried, call.attempts)
            tried.add(endpoint.name)
            try:
                return await self._attempt(endpoint, request, call)
            except CallError as error:
                decision = call.failed(self._now_ms(), error.failure, self._draw, error.pushback)
                if not isinstance(decision, GiveUp) and not self._throttle.allows:
                    decision = GiveUp("too much fails for retries to help")
                if isinstance(decision, GiveUp):
                    self._watch(GaveUp(call.attempts, decision.why))
                    raise RequestError(decision.why, call.attempts) from error
                self._watch(Waiting(call.attempts, decision.after_ms))
            await self._wait(decision.after_ms)

    def _pick(self, key: bytes, tried: Collection[str], attempt: int) -> Endpoint:
        """Pick an endpoint: none that is ejected, as long as enough are left, and rather one that was not tried yet."""
        names = {e.name for e in self._balancer.endpoints}
        self._outliers.sweep(self._now_ms())
        out = names - usable(names, self._outliers.ejected)
        avoid = out | set(tried)
        if names <= avoid:
            avoid = out
        picked = self._balancer.pick(Picking(self._draw, key, avoid))
        self._watch(Picked(picked.name, attempt, tuple(sorted(avoid))))
        return picked

    async def _attempt(self, endpoint: Endpoint, request: Q, call: Call) -> A:
        began = self._now_ms()
        ok = False
        try:
            answer = await self._send(endpoint, request, call.timeout_ms(began))
            ok = True
        except CallError as error:
            self._judge(endpoint, error)
            self._watch(Failed(endpoint.name, call.attempts, error.failure, self._now_ms() - began))
            raise
        finally:
            self._balancer.done(endpoint.name, ok=ok)
        self._throttle.succeeded()
        self._outliers.result(endpoint.name, self._now_ms(), ok=True)
        self._watch(Answered(endpoint.name, call.attempts, self._now_ms() - began))
        return answer

    def _judge(self, endpoint: Endpoint, error: CallError) -> None:
        """What a failure says of the endpoint, and of how much fails."""
        if error.failure is Failure.FATAL:
            return  # the request is at fault, or the service as a whole
        self._throttle.failed()
        if self._outliers.result(endpoint.name, self._now_ms(), ok=False):
            self._watch(Ejected(endpoint.name))
