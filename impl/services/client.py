"""A client over the policies: it picks an endpoint, sends, judges what comes back, and tries again or gives up.

    client = Client(send, balancer=SmoothWeighted(), retry=RetryPolicy(attempts=3))
    client.update([Endpoint("10.0.0.1:80", 5), Endpoint("10.0.0.2:80")])
    answer = await client.request(b"...", idempotent=True, deadline_ms=2_000)

`send(endpoint, request, timeout_ms)` is what speaks to an endpoint; where it fails it raises CallError, which says how. The
policies are the pure ones of this package; here are the clock, the waiting and the chance, each of which can be handed in.

Guarantees: a request that may have been executed is not sent again unless it may be twice; no attempt begins past the deadline,
and none goes on past it; budget and circuit breakers are asked before each; each decision is told, as an event, to `watch`; a
request that is cancelled ends its attempts, and is not on the way any more for the balancer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

from ratified.impl.services.allowance import Allowance, AnyBudget
from ratified.impl.services.balancing import Balancer, Picking, RoundRobin
from ratified.impl.services.balancing.base import Draw
from ratified.impl.services.budgets import Throttle
from ratified.impl.services.endpoints import Endpoint, ServiceError, whole
from ratified.impl.services.events import (
    Answered,
    Cancelled,
    Failed,
    GaveUp,
    Hedged,
    Picked,
    Waiting,
    Watch,
    because,
)
from ratified.impl.services.fitness import Fitness, nobody
from ratified.impl.services.health import Breaker, Checks, OutlierConfig, Outliers
from ratified.impl.services.hedging import Effect, Hedge, Outcome
from ratified.impl.services.hedging import Send as SendAttempt
from ratified.impl.services.retry import Call, Failure, GiveUp, RetryPolicy, TryAgain, pushed_back, tried
from ratified.impl.services.warming import SlowStart, Warming

Q = TypeVar("Q")
A = TypeVar("A")

Send: TypeAlias = Callable[[Endpoint, Q, "int | None"], Awaitable[A]]
"""Sends a request to an endpoint and returns the answer, within so many milliseconds if there is a limit. Raises CallError."""

_Timers: TypeAlias = "dict[asyncio.Task[None], Callable[[], Sequence[Effect]]]"

OUTLIERS = OutlierConfig(consecutive=3, always_one=True)
"""What is ejected where nothing else is said. Envoy's numbers eject none of fewer than ten endpoints, and with five failures in a
row gRPC's throttle would stop all retries before the first ejection: requests would fail although most endpoints are well."""

TOO_LATE = "there is no time left"


class CallError(Exception):
    """An attempt failed: how, and what the server says about trying again (milliseconds, as it sent them).

    `blames` is whether it tells against the endpoint; by default all but FATAL does. `final` is a reason of the transport's own
    for not trying again.
    """

    def __init__(
        self,
        failure: Failure,
        message: str = "",
        pushback: str | None = None,
        *,
        blames: bool | None = None,
        final: str = "",
    ) -> None:
        super().__init__(message or failure.value)
        self.failure = failure
        self.pushback = pushback
        self.blames = failure is not Failure.FATAL if blames is None else blames
        self.final = final


class RequestError(ServiceError):
    """A request failed for good: `why` it is not tried again, after so many `attempts`; its cause is the last failure."""

    def __init__(self, why: str, attempts: int) -> None:
        super().__init__(f"{why} (attempts: {attempts})")
        self.why = why
        self.attempts = attempts


def monotonic_ms() -> int:
    """The time of a clock that does not go back."""
    return time.monotonic_ns() // 1_000_000


async def asleep(ms: int) -> None:
    """Wait."""
    await asyncio.sleep(ms / 1000)


@dataclass(slots=True)
class _Request(Generic[Q]):
    """A request on its way."""

    content: Q
    key: bytes
    call: Call
    number: int
    sent: int = 0  # attempts that have begun
    passed: dict[str, str] = field(default_factory=dict)  # endpoints that it rather does not go to, and why
    held: int = 0  # retries that the budget has given and that have not ended
    goes_on: bool = False  # after its first answer, as a stream does
    opened: Attempt | None = None  # the attempt that goes on


@dataclass(slots=True)
class Attempt:
    """One attempt, at an endpoint."""

    request: int
    number: int
    endpoint: Endpoint
    began_ms: int
    ticket: int | None  # of the circuit breaker
    over: bool = False


class Client(Generic[Q, A]):
    """Sends requests to endpoints by policies. One is shared by all that use the same endpoints.

    `hedge` makes the hedging of an idempotent request (`partial(Hedge, 50)`), which takes the place of retries; `breaker` the
    circuit breaker of an endpoint (`CircuitBreaker`, `MaxFails`); what active `checks` say is told by `checked`; with a
    `slow_start`, endpoints that are new or healthy again get their share little by little, and the balancer has weights in
    hundredths. `attempt_timeout_ms` is how long one attempt may take; by default as long as the deadline. Unless `outliers`
    say otherwise, what fails three times in a row is ejected for 30 s, one endpoint at least (`OUTLIERS`); where there is a
    breaker, which is to try such an endpoint sooner, by Envoy's numbers.
    """

    def __init__(
        self,
        send: Send[Q, A],
        *,
        balancer: Balancer | None = None,
        retry: RetryPolicy | None = None,
        hedge: Callable[[], Hedge] | None = None,
        budget: AnyBudget | None = None,
        outliers: Outliers | None = None,
        breaker: Callable[[], Breaker] | None = None,
        checks: Checks | None = None,
        slow_start: SlowStart | None = None,
        attempt_timeout_ms: int | None = None,
        watch: Watch | None = None,
        draw: Draw | None = None,
        now_ms: Callable[[], int] = monotonic_ms,
        wait: Callable[[int], Awaitable[None]] = asleep,
    ) -> None:
        if attempt_timeout_ms is not None:
            whole(attempt_timeout_ms=attempt_timeout_ms)
        if attempt_timeout_ms is not None and attempt_timeout_ms < 1:
            raise ServiceError(f"an attempt may take 1 ms or more, not {attempt_timeout_ms}")
        self._send = send
        self._draw = random.SystemRandom().randrange if draw is None else draw
        self._balancer = balancer or RoundRobin(self._draw(1 << 30))
        self._warming = None if slow_start is None else Warming(slow_start, self._balancer)
        self._retry = retry or RetryPolicy()
        self._hedge = hedge
        self._allowance = Allowance(budget or Throttle(), self._draw)
        self._attempt_timeout_ms = attempt_timeout_ms
        self._watch = watch or (lambda _: None)
        ejecting = outliers or Outliers(OUTLIERS if breaker is None else None)
        self._fitness = Fitness(ejecting, breaker, checks or Checks(), self._watch)
        self._now_ms = now_ms
        self._wait = wait
        self._requests = 0

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where requests can go."""
        return self._balancer.endpoints if self._warming is None else self._warming.endpoints

    def update(self, endpoints: Iterable[Endpoint]) -> None:
        """Have these endpoints from now on. Raises EndpointError; all is then as before."""
        if self._warming is None:
            self._balancer.update(endpoints)
        else:
            self._warming.update(endpoints, self._now_ms())
        self._fitness.update(e.name for e in self.endpoints)

    def checked(self, name: str, *, ok: bool) -> None:
        """An active check had a result: who fails its checks is avoided, as long as enough others are left.

        Raises ServiceError if there is no such endpoint.
        """
        if self._fitness.checked(name, ok=ok) and ok and self._warming is not None:
            self._warming.again(name, self._now_ms())

    def drain(self, name: str, longest_ms: int) -> None:
        """An endpoint is to go: it gets nothing new, and is left out once nothing is on the way to it, or after so long.

        Raises ServiceError if there is no such endpoint.
        """
        self._fitness.drain(name, self._now_ms(), longest_ms)
        self._leave_out()

    def _leave_out(self) -> None:
        """Leave out those that have drained."""
        if gone := self._fitness.gone(self._now_ms()):
            self.update(e for e in self.endpoints if e.name not in gone)

    async def request(
        self, request: Q, *, key: bytes = b"", idempotent: bool = False, deadline_ms: int | None = None
    ) -> A:
        """Send a request, and again if that makes sense; `deadline_ms` is how long all of it may take.

        Raises:
            RequestError: it failed for good.
            NoEndpointError: there is no endpoint.
            ServiceError: the deadline is not in the future.
        """
        return await self._asked(self._begun(request, key, idempotent, deadline_ms))

    async def open(
        self, request: Q, *, key: bytes = b"", idempotent: bool = False, deadline_ms: int | None = None
    ) -> tuple[A, Attempt]:
        """Send what goes on after its first answer, a stream: as `request`, without hedging, until that first answer is there.

        The attempt that gave it has not ended: call `ended` or `cancelled` when it has.
        """
        run = self._begun(request, key, idempotent, deadline_ms)
        run.goes_on = True
        answer = await self._asked(run)
        assert run.opened is not None, "an answer is that of an attempt"
        return answer, run.opened

    def _begun(self, request: Q, key: bytes, idempotent: bool, deadline_ms: int | None) -> _Request[Q]:
        started = self._now_ms()
        deadline = None if deadline_ms is None else started + deadline_ms
        call = Call(self._retry, started_ms=started, deadline_ms=deadline, idempotent=idempotent)
        self._requests += 1
        return _Request(request, key, call, self._requests)

    async def _asked(self, run: _Request[Q]) -> A:
        refused = self._allowance.begin(self._now_ms())
        try:
            if refused is not None:
                raise self._gave_up(run, refused)
            if self._hedge is not None and run.call.idempotent and not run.goes_on:
                return await self._hedged(run, self._hedge())
            return await self._retried(run)
        finally:
            for _ in range(run.held):
                self._allowance.retried()
            self._allowance.end()

    def _gave_up(self, run: _Request[Any], why: str) -> RequestError:
        self._watch(GaveUp(run.number, run.sent, why))
        return RequestError(why, run.sent)

    # --- one after the other ---

    async def _retried(self, run: _Request[Q]) -> A:
        while True:
            try:
                return await self._attempt(run)
            except CallError as error:
                decision = self._decide(run, error)
                if isinstance(decision, GiveUp):
                    raise self._gave_up(run, decision.why) from error
                why = "back-off" if error.pushback is None else "the server asked for it"
                self._watch(Waiting(run.number, run.sent + 1, decision.after_ms, why))
                failed = error
            await self._wait(decision.after_ms)
            if run.call.timeout_ms(self._now_ms()) == 0:
                raise self._gave_up(run, TOO_LATE) from failed

    def _decide(self, run: _Request[Q], error: CallError) -> TryAgain | GiveUp:
        """Whether to try again: as the policy has it, if the budget allows it."""
        if run.held:  # what failed was a retry: it has ended
            run.held -= 1
            self._allowance.retried()
        if error.final:
            return GiveUp(error.final)
        decision = run.call.failed(self._now_ms(), error.failure, self._draw, error.pushback)
        if isinstance(decision, GiveUp):
            return decision
        refused = self._allowance.retry(self._now_ms())
        if refused is not None:
            return GiveUp(refused)
        run.held += 1
        return decision

    # --- side by side ---

    async def _hedged(self, run: _Request[Q], hedge: Hedge) -> A:
        """Send attempts as the policy says, until one has the answer; then none is on the way any more."""
        attempts: dict[int, asyncio.Task[A]] = {}
        heard: set[int] = set()
        delays: _Timers = {}  # after which attempts are sent
        waits: _Timers = {}  # until when servers asked for no more
        effects = list(hedge.start())
        try:
            while True:
                for effect in effects:
                    if isinstance(effect, SendAttempt):
                        attempts[effect.attempt] = asyncio.ensure_future(self._attempt(run))
                        if effect.wake_ms is not None:
                            after = partial(self._slow, run, hedge, effect.attempt)
                            delays[asyncio.ensure_future(self._waited(effect.wake_ms))] = after
                    elif isinstance(effect, Outcome):  # those that it makes needless are cancelled below
                        return self._outcome(run, attempts[effect.attempt])
                on_the_way = [task for number, task in attempts.items() if number not in heard]
                await asyncio.wait([*on_the_way, *delays, *waits], return_when=asyncio.FIRST_COMPLETED)
                effects = []
                for timers in (delays, waits):
                    for timer in [t for t in timers if t.done()]:
                        effects += timers.pop(timer)()
                for number, task in attempts.items():
                    if number not in heard and task.done():
                        heard.add(number)
                        effects += self._heard(run, hedge, number, task.exception(), delays, waits)
        finally:
            pending = (*attempts.values(), *delays, *waits)
            for each in pending:
                each.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def _waited(self, ms: int) -> None:
        await self._wait(ms)

    def _slow(self, run: _Request[Q], hedge: Hedge, attempt: int) -> Sequence[Effect]:
        """The delay after an attempt is over: send another, if the budget allows it."""
        if not hedge.more or attempt < run.sent or self._allowance.retry(self._now_ms()) is not None:
            return ()
        run.held += 1
        effects = hedge.elapsed(attempt)
        if effects:
            self._watch(Hedged(run.number, attempt + 1, "the answer takes long"))
        return effects

    def _heard(
        self,
        run: _Request[Q],
        hedge: Hedge,
        attempt: int,
        error: BaseException | None,
        delays: _Timers,
        waits: _Timers,
    ) -> Sequence[Effect]:
        """An attempt has ended."""
        if error is None:
            return hedge.succeeded(attempt)
        if not isinstance(error, CallError) or error.failure is Failure.FATAL:
            return hedge.failed(attempt, fatal=True)
        pushback = 0 if error.pushback is None else pushed_back(error.pushback)
        left = run.call.timeout_ms(self._now_ms())
        if error.final or pushback is None or (left is not None and pushback >= left):
            return hedge.failed(attempt, fatal=False, stop=True)
        if pushback:
            # The server names the time of the next attempt: until then nothing is sent, and the failure is told then.
            for delay in delays:
                delay.cancel()
            delays.clear()
            self._watch(Waiting(run.number, run.sent + 1, pushback, "the server asked for it"))
            later = partial(self._failed, run, hedge, attempt)
            waits[asyncio.ensure_future(self._waited(pushback))] = later
            return ()
        return self._failed(run, hedge, attempt)

    def _failed(self, run: _Request[Q], hedge: Hedge, attempt: int) -> Sequence[Effect]:
        """An attempt failed, and another may begin, if there is time and the budget allows it."""
        late = run.call.timeout_ms(self._now_ms()) == 0
        stop = not hedge.more or late or self._allowance.retry(self._now_ms()) is not None
        run.held += not stop
        effects = hedge.failed(attempt, fatal=False, stop=stop)
        if any(isinstance(effect, SendAttempt) for effect in effects):
            self._watch(Hedged(run.number, run.sent + 1, "another failed"))
        return effects

    def _outcome(self, run: _Request[Q], task: asyncio.Task[A]) -> A:
        """What the attempt that counts came to."""
        error = task.exception()
        if not isinstance(error, CallError):
            return task.result()
        left = run.call.timeout_ms(self._now_ms())
        if error.final or error.failure is Failure.FATAL:
            why = error.final or "it would fail again"
        elif _refused(error):
            why = "the server asks not to be asked again"
        elif left is not None and left <= (pushed_back(error.pushback or "0") or 0):
            why = TOO_LATE
        else:
            why = tried(run.sent)
        raise self._gave_up(run, why) from error

    # --- one attempt ---

    async def _attempt(self, run: _Request[Q]) -> A:
        attempt = self._begin(run)
        limits = [
            ms for ms in (run.call.timeout_ms(attempt.began_ms), self._attempt_timeout_ms) if ms is not None
        ]
        limit = min(limits, default=None)
        error: CallError | None = None
        try:
            try:
                async with asyncio.timeout(None if limit is None else limit / 1000):
                    answer = await self._send(attempt.endpoint, run.content, limit)
            except TimeoutError as late:
                within = "" if limit is None else f" within {limit} ms"
                raise CallError(Failure.TIMED_OUT, f"no answer{within}") from late
        except CallError as failed:
            error = failed
            raise
        except BaseException:
            self.cancelled(attempt)
            raise
        finally:
            if not attempt.over and not (run.goes_on and error is None):
                self.ended(attempt, error)
        run.opened = attempt
        return answer

    def begin(self, *, key: bytes = b"", rather_not: Mapping[str, str] | None = None) -> Attempt:
        """Pick an endpoint for what is sent once, a stream for instance; then call `ended` or `cancelled`.

        `rather_not` are endpoints to be picked only if there are no others, each with the reason.

        Raises:
            RequestError: every circuit is open.
            NoEndpointError: there is no endpoint.
        """
        self._requests += 1
        call = Call(self._retry, started_ms=self._now_ms())
        run = _Request(None, key, call, self._requests, passed=dict(rather_not or {}))
        try:
            return self._begin(run)
        except CallError as error:
            raise self._gave_up(run, error.final) from error

    def ended(self, attempt: Attempt, error: CallError | None = None) -> None:
        """An attempt has its answer, or failed."""
        assert not attempt.over, "an attempt ends once"
        attempt.over = True
        now = self._now_ms()
        name, blamed = attempt.endpoint.name, error is not None and error.blames
        numbers, took = (attempt.request, attempt.number, name), now - attempt.began_ms
        if error is None:
            self._watch(Answered(*numbers, took))
        else:
            self._watch(Failed(*numbers, error.failure, took, str(error)))
        self._balancer.done(name, ok=not blamed)
        # An error that is not the endpoint's is the request's, or that of the service as a whole.
        self._allowance.attempted(now, error=error is not None, failed=blamed or _refused(error))
        self._fitness.judge(name, attempt.ticket, now, blamed=blamed, counts=blamed or error is None)
        self._fitness.left(name)
        self._leave_out()

    def cancelled(self, attempt: Attempt) -> None:
        """An attempt was ended from outside, which says nothing of the endpoint: a probe is followed by another."""
        assert not attempt.over, "an attempt ends once"
        attempt.over = True
        self._balancer.done(attempt.endpoint.name)
        self._watch(Cancelled(attempt.request, attempt.number, attempt.endpoint.name))
        self._fitness.left(attempt.endpoint.name)
        self._leave_out()

    def _begin(self, run: _Request[Any]) -> Attempt:
        """Pick an endpoint: none whose circuit is open; none that is ejected, as long as enough are left; rather a new one."""
        self._leave_out()
        now = self._now_ms()
        avoid = self._fitness.avoided(run.passed, now)
        if not self.endpoints:
            self._watch(GaveUp(run.number, run.sent, "there are no endpoints"))
        elif len(avoid) == len(self.endpoints):
            raise CallError(Failure.NOT_SENT, blames=False, final=nobody(avoid))
        if self._warming is not None:
            self._warming.advance(now)
        picked = self._balancer.pick(Picking(self._draw, run.key, avoid))
        if self._warming is not None:  # with the weight that it was given
            picked = self._warming.named[picked.name]
        run.passed[picked.name] = "tried"
        run.sent += 1
        reasons = tuple(sorted(avoid.items()))
        self._watch(Picked(run.number, run.sent, picked.name, because(self._balancer, picked), reasons))
        return Attempt(run.number, run.sent, picked, now, self._fitness.begin(picked.name, now))


def _refused(error: CallError | None) -> bool:
    """Whether a server asks not to be asked again."""
    return error is not None and error.pushback is not None and pushed_back(error.pushback) is None
