"""Keeping a session alive: when to ask for more time, and what is to be thought of the session meanwhile.

Guarantees: until the session is lost a question is planned or on the way, whatever errors come back; a lease is counted from its
question; one that is over puts the session in jeopardy, and only the server's word or the end of the grace period loses it; what
is lost stays lost (Burrows, "The Chubby lock service", 2006, section 2.8).
"""

from __future__ import annotations

from enum import Enum

from ratified.impl.services.clock import Moments
from ratified.impl.services.endpoints import ServiceError, whole


class SessionState(Enum):
    """What is known of a session."""

    SAFE = "safe"
    JEOPARDY = "in jeopardy"
    EXPIRED = "expired"


class ExpiredError(ServiceError):
    """The session is lost, and so is all that came with it: locks, leases, what is cached."""


class KeepAlive:
    """One session, which was asked for at `asked_ms` and lasts `lasts_ms` unless it is renewed.

    It is lost `grace_ms` after that; 45 s are Chubby's. After an error it asks again within `retry_ms`. No answer at all is an
    error too, which the caller notices: one question is on the way at a time.
    """

    def __init__(self, asked_ms: int, lasts_ms: int, grace_ms: int = 45_000, retry_ms: int = 1_000) -> None:
        whole(asked_ms=asked_ms, lasts_ms=lasts_ms, grace_ms=grace_ms, retry_ms=retry_ms)
        if lasts_ms < 1 or grace_ms < 0 or retry_ms < 0:
            raise ServiceError(
                f"a session lasts 1 ms or more, and waits 0 ms or more: {lasts_ms}, {grace_ms}, {retry_ms}"
            )
        self._grace_ms, self._retry_ms = grace_ms, retry_ms
        self._moments = Moments()
        self._expired = False
        self._asked_ms: int | None = None  # when the question was sent that is on the way
        self._until_ms = asked_ms + lasts_ms
        self._next_ms = asked_ms + lasts_ms // 2

    def state(self, now_ms: int) -> SessionState:
        """What is known: while it is not SAFE, nothing that is cached may be used."""
        now = self._moments.at(now_ms)
        self._expired = self._expired or now >= self._until_ms + self._grace_ms
        if self._expired:
            return SessionState.EXPIRED
        return SessionState.SAFE if now < self._until_ms else SessionState.JEOPARDY

    def admits(self, now_ms: int) -> bool:
        """Whether a call may be sent; if not, it waits. Raises ExpiredError once the session is lost."""
        state = self.state(now_ms)
        if state is SessionState.EXPIRED:
            raise ExpiredError(
                "the session has expired: begin a new one, and take nothing over from this one"
            )
        return state is SessionState.SAFE

    def ask_at_ms(self) -> int | None:
        """When to ask for more time: None while a question is on the way, and once the session is lost."""
        return None if self._expired or self._asked_ms is not None else self._next_ms

    def asked(self, now_ms: int) -> None:
        """A question is sent. Raises ServiceError if one is on the way."""
        now = self._moments.at(now_ms)
        if self._asked_ms is not None:
            raise ServiceError("a question is on the way: wait for its answer, or say that it failed")
        self._asked_ms = now

    def renewed(self, now_ms: int, lasts_ms: int) -> SessionState:
        """The server gives so much time, counted from the question. Raises ServiceError if nothing was asked."""
        whole(lasts_ms=lasts_ms)
        if lasts_ms < 1:
            raise ServiceError(f"a session lasts 1 ms or more, not {lasts_ms}")
        if self._asked_ms is None:
            raise ServiceError("nothing was asked")
        if self.state(now_ms) is not SessionState.EXPIRED:
            until = self._asked_ms + lasts_ms
            if until > now_ms:  # else the answer is too late, and the grace period goes on
                self._until_ms = max(self._until_ms, until)
            self._next_ms = max(now_ms, self._asked_ms + lasts_ms // 2)
        self._asked_ms = None
        return self.state(now_ms)

    def failed(self, now_ms: int) -> None:
        """An error came back, or nothing. That says nothing of the session: ask again (Consul, issues 912 and 1162)."""
        self._next_ms = self._moments.at(now_ms) + self._retry_ms
        self._asked_ms = None

    def unknown(self, now_ms: int) -> None:
        """The server knows no such session: it is lost."""
        self._moments.at(now_ms)
        self._expired, self._asked_ms = True, None
