"""A lease, fencing tokens, and a register that refuses old ones: what `lease_server.py` is held to.

ratified check examples/held/lease_model.py:LeaseService Client=2
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self, TypeAlias

from ratified import Map, Model, Param, Range, Sort, action, constraint, invariant, require, step_invariant

Token: TypeAlias = Annotated[int, Range(0, "most")]  # 0: none


class Client(Sort):
    """Wants the lease."""


class LeaseService(Model):
    """A server that grants a lease, for a time; its clients; a register. A stopped client is one that does nothing."""

    length: Param[int] = 2  # units of time
    most: Param[int] = 3  # grants
    holder: Client | None
    left: Annotated[int, Range(0, "length")]  # for how long from now
    last: Token  # given out
    mine: Map[Client, Token]  # under which each client believes to have the lease
    seen: Token  # the newest that the register has seen

    sizes: ClassVar = {"standard": {"Client": 2, "most": 3}}

    @action
    def acquire(self, c: Client) -> None:
        """The lease is granted, if it does not run."""
        require(self.left == 0)
        self.holder = c
        self.left = self.length
        self.last += 1
        self.mine[c] = self.last

    @action
    def renew(self, c: Client) -> None:
        """In time."""
        require(self.runs(c))
        self.left = self.length

    @action
    def release(self, c: Client) -> None:
        """In time."""
        require(self.runs(c))
        self.left = 0
        self.holder = None
        self.mine[c] = 0

    @action
    def late(self, c: Client) -> None:
        """A client wants to renew or to release, and hears that its lease is over."""
        require(self.mine[c] != 0)
        require(not self.runs(c))
        self.mine[c] = 0

    @action
    def write(self, c: Client) -> None:
        """A client that believes to have the lease writes: nobody did under a newer token."""
        require(self.mine[c] != 0)
        require(self.mine[c] >= self.seen)
        self.seen = self.mine[c]

    @action
    def stale(self, c: Client) -> None:
        """A write is refused, and the client knows that its lease is over."""
        require(self.mine[c] != 0)
        require(self.mine[c] < self.seen)
        self.mine[c] = 0

    @action
    def elapse(self, n: Annotated[int, Range(1, "length")]) -> None:
        """Time goes by. As long as a lease lasts is long enough: nothing changes after that."""
        self.left = max(self.left - n, 0)
        if self.left == 0:
            self.holder = None

    @action
    def crash(self) -> None:
        """The server ends and another begins where it was: nothing is lost."""

    @constraint
    def few(self) -> bool:
        """So many grants."""
        return self.last < self.most

    def runs(self, c: Client) -> bool:
        """A client has the lease."""
        return self.left > 0 and self.mine[c] == self.last and self.holder == c

    def believes(self, c: Client) -> int:
        """Under which token a client believes to have the lease."""
        return self.mine[c]

    @invariant
    def one_at_a_time(self) -> bool:
        """Of two clients that believe to have the lease one has an older token."""
        return all(
            c == d or self.mine[c] != self.mine[d] for c in Client if self.mine[c] != 0 for d in Client
        )

    @invariant
    def who_has_it_has_the_newest_token(self) -> bool:
        """Nobody can have a newer one."""
        return all(self.mine[c] == self.last for c in Client if self.runs(c))

    @step_invariant
    def no_write_from_the_past(self, old: Self) -> bool:
        """Once a later holder has written, an earlier one no longer does."""
        return old.seen <= self.seen
