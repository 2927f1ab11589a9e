"""A lock that clients wait for in a row. Each grant has a number, so that a late holder can be told from the present one.

ratified drive conformance/drive/locks.py:Locks Client=2 most=3 -- node conformance/drive/js/locks.js
"""

from __future__ import annotations

from typing import Annotated

from ratified.language import (
    AtMost,
    Model,
    Param,
    Range,
    Seq,
    Symmetric,
    action,
    constraint,
    invariant,
    require,
)


class Client(Symmetric):
    """Wants the lock."""


class Locks(Model):
    """One lock, handed on in the order in which clients began to wait."""

    most: Param[int]  # grants that are looked at; a service has no such bound
    holder: Client | None
    grants: Annotated[int, Range(0, "most + 1")]
    waiting: Annotated[Seq[Client], AtMost("len(Client)")]

    @action
    def acquire(self, c: Client) -> None:
        """The lock is free, and c gets it."""
        require(self.holder is None)
        self.holder = c
        self.grants += 1

    @action
    def wait(self, c: Client) -> None:
        """Somebody else has it, and c begins to wait."""
        require(self.holder is not None and self.holder != c)
        require(c not in self.waiting)
        self.waiting.append(c)

    @action
    def release(self, c: Client) -> None:
        """Client c gives it back; who waits longest has it next."""
        require(self.holder == c)
        self.holder = None
        if len(self.waiting) > 0:
            self.holder = self.waiting[0]
            self.waiting.pop(0)
            self.grants += 1

    @action
    def give_up(self, c: Client) -> None:
        """Client c waits no longer."""
        require(c in self.waiting)
        self.waiting = Seq(w for w in self.waiting if w != c)

    @constraint
    def few_grants(self) -> bool:
        """As many as are looked at."""
        return self.grants <= self.most

    @invariant
    def nobody_waits_for_a_free_lock(self) -> bool:
        """Who waits, waits for somebody else."""
        return len(self.waiting) == 0 or (self.holder is not None and self.holder not in self.waiting)
