"""Locks and elections: a line of keys, each of a lease, in the order of their creation; whoever is first has the lock.

A client that was told so may be wrong the next moment: its lease may be over while it sleeps. What keeps its writes out is that
they are transactions that compare the revision of its key's creation: the fencing token (Burrows, "The Chubby lock service",
2006, section 2.4; Jepsen, "etcd 3.4.3", 2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Param,
    Range,
    Set,
    Symmetric,
    action,
    invariant,
    record,
    require,
    step_invariant,
    view,
)

Token = Annotated[int, Range(0, "tokens")]


class Client(Symmetric):
    """Wants the lock."""


@record
class Write:
    """A guarded write on its way: whose it is, under which token."""

    client: Client
    token: Annotated[int, Range(0, 8)]


class Locking(Model):
    """The keys of the line, what clients believe, and what they write under the lock's protection."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Client": 2, "tokens": 2},
        "standard": {"Client": 2, "tokens": 3},
        "large": {"Client": 3, "tokens": 3},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    tokens: Param[Annotated[int, Range(1, 8)]] = 3

    newest: Token = 0  # the last revision in which a key of the line was created
    line: Map[Client, Token]  # in the store: when a client's key was created; 0: it is not there
    mine: Map[Client, Token]  # as the client remembers it
    front: Map[Client, bool]  # it has seen that nobody is before it
    holds: Map[Client, bool]  # it was told that it has the lock
    had: Map[Client, bool]  # and its key was there when it was
    writes: Set[Write]
    accepted: Token = 0  # the token of the last write that took effect

    @action
    def stand_in_line(self, c: Client) -> None:
        """A client creates its key."""
        require(self.mine[c] == 0 and self.line[c] == 0 and self.newest < self.tokens)
        self.newest += 1
        self.line[c] = self.newest
        self.mine[c] = self.newest

    @action
    def look(self, c: Client) -> None:
        """A client sees that there are no keys before its own."""
        require(self.mine[c] > 0 and not self.front[c] and not self.holds[c])
        require(all(self.line[d] == 0 or self.line[d] >= self.mine[c] for d in Client))
        self.front[c] = True

    @action
    def acquire(self, c: Client) -> None:
        """It is told that it has the lock, once it has looked for its own key."""
        require(self.front[c] and not self.holds[c])
        require(self.is_there(c))
        self.holds[c] = True
        self.had[c] = self.line[c] == self.mine[c]

    def is_there(self, c: Client) -> bool:
        """The key is there, and is the one that it created."""
        return self.line[c] == self.mine[c]

    @action
    def expire(self, c: Client) -> None:
        """A client's lease is over, and its key is gone; it may not know."""
        require(self.line[c] > 0)
        self.line[c] = 0

    @action
    def give_up(self, c: Client) -> None:
        """A client, with the lock or without it, leaves: its key is deleted if it is the one that it created."""
        require(self.mine[c] > 0)
        if self.line[c] == self.mine[c]:
            self.line[c] = 0
        self.mine[c] = 0
        self.front[c] = False
        self.holds[c] = False
        self.had[c] = False

    @action
    def write(self, c: Client) -> None:
        """Who was told that it has the lock sends a write; when it arrives is anybody's guess."""
        require(self.holds[c])
        self.writes.add(Write(c, self.mine[c]))

    @action
    def store(self, w: Write) -> None:
        """A write arrives, and takes effect if its comparison holds."""
        require(w in self.writes)
        self.writes.remove(w)
        if self.is_let_through(w):
            self.accepted = w.token

    def is_let_through(self, w: Write) -> bool:
        """The key is there and was created in that revision."""
        return self.line[w.client] == w.token and self.line[w.client] > 0

    @view
    def who_holds(self) -> tuple[Map[Client, bool], int]:
        """Who was told that it has the lock, and the last token that a write took effect under."""
        return self.holds, self.accepted

    @invariant
    def places_are_of_one(self) -> bool:
        """No two keys were created in one revision."""
        return all(
            c == d for c in Client for d in Client if self.line[c] > 0 and self.line[c] == self.line[d]
        )

    @invariant
    def who_is_told_has_it(self) -> bool:
        """Nobody is told that it has the lock whose key is gone already."""
        return all(self.had[c] for c in Client if self.holds[c])

    @invariant
    def one_holder(self) -> bool:
        """Of those whose keys are there, no two were told that they have the lock."""
        return all(
            c == d
            for c in Client
            for d in Client
            if self.holds[c]
            and self.holds[d]
            and self.line[c] == self.mine[c]
            and self.line[d] == self.mine[d]
        )

    @step_invariant
    def writes_take_effect_in_order(self, old: Self) -> bool:
        """Once a write of a later holder has taken effect, none of an earlier one does."""
        return old.accepted <= self.accepted


class NotLookedAgain(Locking):
    """Who has waited does not look whether its own key is still there (etcd 3.4.3, issue 9921; Jepsen)."""

    def is_there(self, c: Client) -> bool:
        """It is believed."""
        return True


class Unguarded(Locking):
    """Writes are done without the comparison: who slept past the end of its lease undoes what a later holder did."""

    def is_let_through(self, w: Write) -> bool:
        """Always."""
        return True


class OutOfTurn(Locking):
    """Only whether somebody holds the lock is looked at, not who stands before: two find nobody, and both have it."""

    @action
    def look(self, c: Client) -> None:
        """A client sees that nobody was told that it has the lock."""
        require(self.mine[c] > 0 and not self.front[c] and not self.holds[c])
        require(all(not self.holds[d] for d in Client))
        self.front[c] = True


class GuardedByName(Locking):
    """The comparison is that the client has a key, whenever it was created (etcd, issue 22082, has the like in Unlock)."""

    def is_let_through(self, w: Write) -> bool:
        """Some key is there."""
        return self.line[w.client] > 0
