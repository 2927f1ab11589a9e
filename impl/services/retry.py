"""Whether and when a request is tried again, so that retries help the one request and do not keep an overload alive.

    call = Call(RetryPolicy(), started_ms=0, deadline_ms=2_000, idempotent=True)
    match call.failed(now_ms=120, failure=Failure.UNAVAILABLE, draw=random.randrange):
        case TryAgain(after_ms): ...
        case GiveUp(why): ...

What may be repeated is what cannot take effect twice: an idempotent request, or one that carries a session and a number (see
`ratified.impl.sessions`); any request, if it is sure that it was never executed.

Guarantees: no attempt begins past the deadline; attempts are at most `attempts`; a server's pushback is obeyed to the
millisecond, and a negative or senseless one means never.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from ratified.impl.services.balancing.base import Draw
from ratified.impl.services.clock import Moments
from ratified.impl.services.endpoints import ServiceError, whole

ATTEMPTS_MOST = 5
"""More than this many attempts, the first included, are cut to it (gRPC proposal A6)."""

PUSHBACK_MOST_MS = 3_600_000
"""A server that asks for more than an hour is not taken at its word: it means never."""


class Jitter(Enum):
    """How the time between attempts is spread, so that clients that failed together do not come back together.

    With t = min(cap, base * multiplier ** n): FULL is any of 0 to t; EQUAL is t/2 and any of 0 to t/2; DECORRELATED any of base
    to three times the last one, at most cap (Brooker, "Exponential Backoff and Jitter", 2015); FIFTH is t times any of 0.8 to
    1.2, so that it may exceed the cap (gRPC proposal A6).
    """

    NONE = "none"
    FULL = "full"
    EQUAL = "equal"
    DECORRELATED = "decorrelated"
    FIFTH = "fifth"


@dataclass(frozen=True, slots=True)
class Backoff:
    """The times between attempts, in milliseconds."""

    base_ms: int = 100
    cap_ms: int = 10_000
    multiplier: int = 2
    jitter: Jitter = Jitter.FULL

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        whole(base_ms=self.base_ms, cap_ms=self.cap_ms, multiplier=self.multiplier)
        if not 1 <= self.base_ms <= self.cap_ms:
            raise ServiceError(
                f"back-off must start at 1 ms or more, and not above its cap: {self.base_ms}, {self.cap_ms} ms"
            )
        if self.multiplier < 1:
            raise ServiceError(f"back-off does not shrink: multiplier {self.multiplier}")

    def delay_ms(self, retry: int, draw: Draw, last_ms: int | None = None) -> int:
        """How long to wait before retry number `retry`, the first being 0; `last_ms` is the wait before the last one."""
        t = self.base_ms
        for _ in range(retry):  # not a power: a large one takes for ever
            t = min(self.cap_ms, t * self.multiplier)
            if t == self.cap_ms:
                break
        match self.jitter:
            case Jitter.NONE:
                return t
            case Jitter.FULL:
                return draw(t + 1)
            case Jitter.EQUAL:
                return t // 2 + draw(t - t // 2 + 1)
            case Jitter.DECORRELATED:
                most = 3 * (self.base_ms if last_ms is None else last_ms)
                return min(self.cap_ms, self.base_ms + draw(max(0, most - self.base_ms) + 1))
        return (8 * t + draw(4 * t + 1)) // 10


class Failure(Enum):
    """How an attempt failed: whether it can have been executed, and whether another may do better."""

    NOT_SENT = "not sent"  # the connection was refused, or the server says that it has not begun
    UNAVAILABLE = "unavailable"  # broken off on the way: it may have been executed
    OVERLOADED = "overloaded"  # refused for load: not executed
    TIMED_OUT = "timed out"  # no answer in time: it may have been executed
    FATAL = "fatal"  # an answer that will be the same next time

    @property
    def surely_not_executed(self) -> bool:
        """Whether nothing can have come of it."""
        return self in (Failure.NOT_SENT, Failure.OVERLOADED)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What a client does about failures. `attempts` counts the first."""

    attempts: int = 3
    backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        whole(attempts=self.attempts)
        if self.attempts < 1:
            raise ServiceError(f"a request is tried at least once, not {self.attempts} times")


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Try once more, after a while."""

    after_ms: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not; `why` says it in a few words."""

    why: str


Decision: TypeAlias = TryAgain | GiveUp


def tried(attempts: int) -> str:
    """Why there is no further attempt after so many."""
    return "it was tried once" if attempts == 1 else f"it was tried {attempts} times"


class Call:
    """One request and its attempts."""

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        started_ms: int,
        deadline_ms: int | None = None,
        idempotent: bool = False,
    ) -> None:
        moments = Moments()
        moments.at(started_ms)
        if deadline_ms is not None:
            whole(deadline_ms=deadline_ms)
        if deadline_ms is not None and deadline_ms <= started_ms:
            raise ServiceError(
                f"the deadline is over before the request starts: {deadline_ms} ms, at {started_ms} ms"
            )
        self.policy = policy
        self.attempts = 1
        self.deadline_ms = deadline_ms
        self.idempotent = idempotent
        self._moments = moments
        self._last_ms: int | None = None

    def timeout_ms(self, now_ms: int) -> int | None:
        """What is left of the deadline, which is passed on with the request; None if there is none."""
        return None if self.deadline_ms is None else max(0, self.deadline_ms - now_ms)

    def failed(self, now_ms: int, failure: Failure, draw: Draw, pushback: str | None = None) -> Decision:
        """An attempt has failed: whether to try again. `pushback` is what the server says about when, in milliseconds."""
        now = self._moments.at(now_ms)
        if failure is Failure.FATAL:
            return GiveUp("it would fail again")
        if not (self.idempotent or failure.surely_not_executed):
            return GiveUp("it may have been executed, and must not be twice")
        if self.attempts >= min(self.policy.attempts, ATTEMPTS_MOST):
            return GiveUp(tried(self.attempts))
        if pushback is not None:
            told = pushed_back(pushback)
            if told is None:
                return GiveUp("the server asks not to be asked again")
            after = told
        else:
            after = self.policy.backoff.delay_ms(self.attempts - 1, draw, self._last_ms)
        if self.deadline_ms is not None and now + after >= self.deadline_ms:
            return GiveUp("there is no time left")
        self._last_ms = after
        self.attempts += 1
        return TryAgain(after)


def pushed_back(told: str) -> int | None:
    """A server's pushback in milliseconds; None for never: negative, no number, or longer than any client waits."""
    text: object = told
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 20):
        return None  # int() would take "1_000", " 5" and "+5" as well
    ms = int(text)
    return ms if ms <= PUSHBACK_MOST_MS else None
