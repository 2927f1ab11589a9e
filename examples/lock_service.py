"""A lock service: right without leases, wrong with them, and mended by fencing.

The story of Martin Kleppmann's "How to do distributed locking" (2016) in three models; the tutorial tells it.
"""

from __future__ import annotations

from typing import Self

from ratified import Map, Model, Ordered, Symmetric, action, invariant, require, step_invariant


class Client(Symmetric):
    """Wants the lock; any two are interchangeable."""


class Token(Ordered):
    """Numbers the grants."""


def newer(token: Token, than: Token | None) -> bool:
    """Whether a token comes after another, or after none."""
    return than is None or than < token


class Lock(Model):
    """A service that grants a lock to one client after another."""

    granted: Client | None  # whom the service has given the lock
    holds: Map[Client, bool]  # who believes to have it

    @action
    def acquire(self, c: Client) -> None:
        """The service grants the lock to c."""
        require(self.granted is None)
        self.granted = c
        self.holds[c] = True

    @action
    def release(self, c: Client) -> None:
        """Client c is done."""
        require(self.holds[c])
        self.holds[c] = False
        if self.granted == c:
            self.granted = None

    @invariant
    def mutual_exclusion(self) -> bool:
        """No two clients believe to have the lock."""
        return all(c == d for c in Client if self.holds[c] for d in Client if self.holds[d])


class LeasedLock(Lock):
    """A grant is only a lease, so that a client that crashes does not keep the lock for ever."""

    @action
    def expire(self) -> None:
        """The service's clock says that the lease is over. The client may be slow to notice."""
        require(self.granted is not None)
        self.granted = None


class FencedLock(Model):
    """Each lease has a token, and the storage that the lock is for refuses writes with an older one than it has seen."""

    granted: Client | None
    last: Token | None  # the last token given out
    token: Map[Client, Token | None]  # under which token each client believes to have the lock
    written: Token | None  # the token of the last write to the storage

    @action
    def acquire(self, c: Client, t: Token) -> None:
        """The service grants the lock to c with a new token."""
        require(self.granted is None)
        require(newer(t, self.last))
        self.granted = c
        self.last = t
        self.token[c] = t

    @action
    def expire(self) -> None:
        """The service's clock says that the lease is over. The client may be slow to notice."""
        require(self.granted is not None)
        self.granted = None

    @action
    def release(self, c: Client) -> None:
        """Client c is done. If its lease is over, the service has nothing to take back."""
        require(self.token[c] is not None)
        if self.granted == c:
            self.granted = None
        self.token[c] = None

    @action
    def write(self, c: Client) -> None:
        """Client c writes to the storage, believing that it has the lock."""
        token = self.token[c]
        require(token is not None and self.admits(token))
        self.written = token

    def admits(self, token: Token) -> bool:
        """The storage has seen no write under a newer token."""
        return self.written is None or self.written <= token

    @step_invariant
    def no_write_from_the_past(self, old: Self) -> bool:
        """Once a later holder of the lock has written, an earlier one no longer does."""
        return old.written is None or (self.written is not None and old.written <= self.written)


class UnfencedLock(FencedLock):
    """The service gives out tokens, but the storage does not look at them."""

    def admits(self, token: Token) -> bool:
        """Every write."""
        return True
