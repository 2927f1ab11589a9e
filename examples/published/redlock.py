"""Redlock: two clients hold one lock, because a clock jumps or because a client pauses.

Sanfilippo: *Distributed locks with Redis* (the specification of Redlock, 2014). Who gets a key with a time to live from
a majority of instances holds the lock until that time is over. Kleppmann: *How to do distributed locking* (2016): an
instance whose clock jumps gives the key away too soon; and a client that pauses between looking at its clock and
writing writes without the lock. Against the second no clock helps, but a token that grows with every holder, if what is
written to refuses older ones.
"""

from __future__ import annotations

from typing import ClassVar

from ratified import Goals, Lifelines, Map, Model, Ordered, Set, Symmetric, action, invariant, lemma, require


class Instance(Symmetric):
    """A server that grants keys."""


class Client(Symmetric):
    """Wants the lock."""


class Token(Ordered):
    """Numbers the holders."""


class IdealClocks(Model):
    """Mended for those that only ask who holds the lock: an instance forgets a key when its holder's time is over."""

    sizes: ClassVar = {"standard": {"Instance": 3, "Client": 2}}
    symmetric_sizes: ClassVar = ("standard",)
    lifelines: ClassVar = Lifelines({Instance: "instance", Client: "client"}, network=())

    granted: Map[Instance, Client | None]
    holding: Set[Client]

    def keys(self, c: Client) -> Set[Instance]:
        return Set(i for i in Instance if self.granted[i] == c)

    @action
    def grant(self, i: Instance, c: Client) -> None:
        """An instance grants its key to a client, if nobody has it."""
        require(self.granted[i] is None and c not in self.holding)
        self.granted[i] = c

    @action
    def hold(self, c: Client) -> None:
        """A client has the keys of a majority, in time."""
        require(c not in self.holding and 2 * len(self.keys(c)) > len(Instance))
        self.holding.add(c)

    @action
    def end(self, c: Client) -> None:
        """By its own clock the client's time is over."""
        require(c in self.holding)
        self.holding.discard(c)

    @action
    def forget(self, i: Instance) -> None:
        """By its own clock the key's time is over."""
        holder = self.granted[i]
        require(holder is not None and self.over(holder))
        self.granted[i] = None

    def over(self, c: Client) -> bool:
        """Whether the time of a client's keys may be over."""
        return c not in self.holding

    @invariant
    def one_holder(self) -> bool:
        return all(c == d for c in self.holding for d in self.holding)


class LockSafety(IdealClocks):
    """Whoever holds the lock has the keys of a majority; two majorities have an instance in common, which has one key."""

    goals: ClassVar[Goals] = {"one_holder": None}

    @lemma
    def who_holds_has_a_majority(self) -> bool:
        return all(2 * len(self.keys(c)) > len(Instance) for c in self.holding)


class Redlock(IdealClocks):
    """As it is used: an instance's clock may jump."""

    def over(self, c: Client) -> bool:
        """It is by a clock that has jumped."""
        return True


class Pausing(IdealClocks):
    """Clocks are ideal; but from looking at a clock to writing any time may pass."""

    sizes: ClassVar = {"standard": {"Instance": 3, "Client": 2, "Token": 3}}
    symmetric_sizes: ClassVar = ("standard",)
    lifelines: ClassVar = Lifelines(
        {Instance: "instance", Client: "client"}, network=(), owner={"written": "storage"}
    )

    sure: Set[Client]
    token: Map[Client, Token]
    latest: Token
    written: Token

    @action
    def hold(self, c: Client) -> None:
        """A client has the keys of a majority, and the next token."""
        require(c not in self.holding and 2 * len(self.keys(c)) > len(Instance) and not self.latest.is_last())
        self.holding.add(c)
        self.latest += 1
        self.token[c] = self.latest

    @action
    def look(self, c: Client) -> None:
        """A client sees that it still has time, and is about to write."""
        require(c in self.holding)
        self.sure.add(c)

    def accepted(self, c: Client) -> bool:
        """Whether what is written to takes it."""
        return True

    @action
    def write(self, c: Client) -> None:
        """It writes."""
        require(c in self.sure and self.accepted(c))
        self.sure.discard(c)
        self.written = self.token[c]

    @action
    def write_at_once(self, c: Client) -> None:
        """It looks and writes without a pause."""
        require(c in self.holding and self.accepted(c))
        self.written = self.token[c]

    @invariant
    def no_write_is_undone_by_an_earlier_holder(self) -> bool:
        """Whoever is sure of the lock, and would be heard, would not write over what a later holder has written."""
        return all(self.token[c] >= self.written or not self.accepted(c) for c in self.sure)


class Fenced(Pausing):
    """Mended: what is written to refuses tokens that are older than the newest it has seen."""

    def accepted(self, c: Client) -> bool:
        return self.token[c] >= self.written
