"""Failures counted as nginx counts them (`max_fails`, `fail_timeout`): out after so many, then one request as a probe.

Guarantees: an endpoint that is out gets one request each time `timeout_ms` is over, and none besides; only the answer to a
request that was sent after the last failure brings it back. (nginx counts any answer, those to older requests included.)
"""

from __future__ import annotations

from ratified.impl.services.clock import Moments
from ratified.impl.services.endpoints import ServiceError, whole
from ratified.impl.services.health import Circuit


class MaxFails:
    """One endpoint's failures; the defaults are nginx's. A client takes it for a circuit breaker: `Client(breaker=MaxFails)`.

    Failures add up until a request that was sent more than `timeout_ms` after the last of them is answered well. With `fails`
    of them the endpoint is out, for `timeout_ms` after the last failure or probe.
    """

    def __init__(self, fails: int = 1, timeout_ms: int = 10_000) -> None:
        whole(fails=fails, timeout_ms=timeout_ms)
        if fails < 1 or timeout_ms < 0:
            raise ServiceError(f"it takes 1 failure or more, for 0 ms or more: {fails}, {timeout_ms}")
        self._most, self._timeout_ms = fails, timeout_ms
        self._moments = Moments()
        self._checked_ms: int | None = None  # the last failure, or the first request that came long after it
        self._rested = False  # whether it was that request
        self._epoch = 0  # what was sent in an earlier one counts for nothing
        self.fails = 0

    @property
    def circuit(self) -> Circuit:
        """Closed while it is in; open while it is out; half-open once a probe was sent, until its answer."""
        if self.fails < self._most:
            return Circuit.CLOSED
        return Circuit.HALF_OPEN if self._rested else Circuit.OPEN

    def admits(self, now_ms: int) -> bool:
        """Whether `request` would give a ticket. Nothing changes, so that a balancer can be told whom to avoid."""
        return self.fails < self._most or self._rest_is_over(now_ms)

    def request(self, now_ms: int) -> int | None:
        """Ask to send a request: a ticket for it, or None if it is not to be sent."""
        now = self._moments.at(now_ms)
        if not self.admits(now):
            return None
        if self._rest_is_over(now):
            self._checked_ms, self._rested = now, True
            self._epoch += 1
        return self._epoch

    def ended(self, ticket: int, now_ms: int, *, ok: bool) -> None:
        """A request has ended."""
        now = self._moments.at(now_ms)
        if ticket != self._epoch:
            return
        if not ok:
            self.fails = min(self._most, self.fails + 1)
            self._checked_ms, self._rested = now, False
            if self.fails == self._most:
                self._epoch += 1
        elif self._rested:
            self.fails = 0

    def _rest_is_over(self, now_ms: int) -> bool:
        """Whether the last failure, or probe, was long enough ago."""
        return self._checked_ms is not None and now_ms - self._checked_ms > self._timeout_ms
