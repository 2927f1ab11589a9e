"""Requests that hold tickets of a policy: those whose answers count, and those of before, whose answers count for nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ratified.conform.policy import Subject
from ratified.follow.binding import Event


class TicketSubject(Subject):
    """A policy of one endpoint that gives tickets. Its clock is `now`; `told` is the time that the policy was told last."""

    tick_ms: ClassVar[int]

    def begin(self) -> None:
        """Nothing is on the way, and no time has gone by."""
        self.now = self.told = 0
        self.waiting: list[int] = []
        self.late: list[int] = []

    def ended(self, ticket: int, *, ok: bool) -> None:
        """Tell the policy that a request has ended."""
        raise NotImplementedError(f"{type(self).__name__} must implement ended()")

    def answer(self, n: int, ok: int) -> Iterable[Event]:
        """A request that counts ends."""
        raise NotImplementedError(f"{type(self).__name__} must implement answer()")

    def taken(self, tickets: list[int], n: int, ok: int) -> None:
        """One of these requests ends, now."""
        self.told = self.now
        self.ended(tickets.pop(n % len(tickets)), ok=bool(ok))

    def all_are_late(self) -> None:
        """What is on the way counts for nothing from now on."""
        self.late += self.waiting
        self.waiting = []

    def fail_all(self) -> Iterable[Event]:
        """All that are on the way fail."""
        for _ in range(len(self.waiting)):
            yield from self.answer(0, 0)

    def late_answer(self, n: int, ok: int) -> Iterable[Event]:
        """A request of before ends."""
        if self.late:
            self.taken(self.late, n, ok)
            yield self.event("late_answer", ok=bool(ok))

    def tick(self) -> Iterable[Event]:
        """Time goes by."""
        self.now += self.tick_ms
        yield self.event("tick")
