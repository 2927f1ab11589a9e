"""Hedging: a read that is slow is sent once more elsewhere, and the first answer counts.

After Dean & Barroso ("The tail at scale", 2013), as in gRPC proposal A6: a hedge every `delay_ms` up to `attempts`; a
failure that is not fatal brings the next one at once; a fatal one, or a success, ends all others.

Guarantees: only one outcome; no attempt is sent after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ratified.impl.services.endpoints import ServiceError, whole
from ratified.impl.services.retry import ATTEMPTS_MOST


@dataclass(frozen=True, slots=True)
class Send:
    """Send attempt number `attempt`, and tell `elapsed` in `wake_ms` if there is to be another."""

    attempt: int
    wake_ms: int | None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Attempt number `attempt` is not needed any more."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """All is over: the attempt whose answer counts, and whether it succeeded."""

    attempt: int
    ok: bool


Effect: TypeAlias = Send | Cancel | Outcome


class Hedge:
    """One request and its hedges."""

    def __init__(self, delay_ms: int, attempts: int = 3) -> None:
        whole(delay_ms=delay_ms, attempts=attempts)
        if delay_ms < 0 or attempts < 1:
            raise ServiceError(
                f"a hedge waits 0 ms or more, and there is 1 attempt or more: {delay_ms}, {attempts}"
            )
        self._delay_ms = delay_ms
        self._most = min(attempts, ATTEMPTS_MOST)
        self._sent = 0
        self._open: set[int] = set()
        self.over = False

    @property
    def more(self) -> bool:
        """Whether another attempt may be sent."""
        return not self.over and self._sent < self._most

    def start(self) -> Sequence[Effect]:
        """Send the first attempt."""
        return self._next()

    def elapsed(self, attempt: int) -> Sequence[Effect]:
        """The delay after an attempt is over: send the next, unless another has been sent since."""
        return self._next() if not self.over and attempt == self._sent else ()

    def failed(self, attempt: int, *, fatal: bool, stop: bool = False) -> Sequence[Effect]:
        """An attempt failed; with `stop` the server asks for no more."""
        if self.over or attempt not in self._open:
            return ()
        self._open.discard(attempt)
        if fatal:
            return self._end(attempt, ok=False)
        if stop:
            self._most = self._sent
        following = self._next()
        return following if following or self._open else self._end(attempt, ok=False)

    def succeeded(self, attempt: int) -> Sequence[Effect]:
        """An attempt has its answer."""
        if self.over or attempt not in self._open:
            return ()
        self._open.discard(attempt)
        return self._end(attempt, ok=True)

    def _next(self) -> Sequence[Effect]:
        if self._sent >= self._most:
            return ()
        self._sent += 1
        self._open.add(self._sent)
        return (Send(self._sent, self._delay_ms if self._sent < self._most else None),)

    def _end(self, attempt: int, *, ok: bool) -> Sequence[Effect]:
        self.over = True
        others = tuple(Cancel(other) for other in sorted(self._open))
        self._open.clear()
        return (*others, Outcome(attempt, ok))
