"""A register kept by a majority of replicas, read without writing back: one read sees the new value, a later one the old.

Attiya, Bar-Noy, Dolev: *Sharing memory robustly in message-passing systems* (Journal of the ACM, 1995), section 3: a
reader writes what it is about to return to a majority first. Systems that leave this out are regular, not atomic
(Lamport, *On interprocess communication*, 1986): while a write is under way, of two reads one after the other the
second may return the older value.
"""

from __future__ import annotations

from typing import ClassVar

from ratified import (
    Goals,
    Lifelines,
    Map,
    Model,
    Ordered,
    Set,
    Sort,
    Symmetric,
    action,
    first,
    invariant,
    lemma,
    require,
)


class Replica(Symmetric, prefix="s"):
    """A server that keeps the register."""


class Client(Sort):
    """A reader."""


class Version(Ordered):
    """What is written, one version after the other; the first is there from the beginning."""


class Register(Model):
    """One writer, and readers that return the newest of what a majority has told them."""

    sizes: ClassVar = {"standard": {"Replica": 3, "Client": 2, "Version": 2}}
    symmetric_sizes: ClassVar = ("standard",)
    lifelines: ClassVar = Lifelines({Replica: "replica", Client: "reader"}, owner={"writing": "writer"})

    stored: Map[Replica, Version]
    writing: Version
    asked: Map[Client, Set[Replica]]
    best: Map[Client, Version]
    least: Map[Client, Version]
    returned: Version

    def majority(self, s: Set[Replica]) -> bool:
        return 2 * len(s) > len(Replica)

    def has(self, v: Version) -> Set[Replica]:
        """Who stores a version, or a later one."""
        return Set(r for r in Replica if self.stored[r] >= v)

    @action
    def write(self) -> None:
        """The writer begins with the next version, once a majority has the last one."""
        require(not self.writing.is_last() and self.majority(self.has(self.writing)))
        self.writing += 1

    @action
    def store(self, r: Replica) -> None:
        """A replica hears from the writer."""
        require(self.stored[r] < self.writing)
        self.stored[r] = self.writing

    @action
    def ask(self, c: Client, r: Replica) -> None:
        """A replica answers a reader. The first answer begins a read, which must not return less than was returned before."""
        require(r not in self.asked[c])
        if len(self.asked[c]) == 0:
            self.least[c] = self.returned
            self.best[c] = first(Version)
        self.asked[c].add(r)
        self.best[c] = max(self.best[c], self.stored[r])

    def may_return(self, c: Client) -> bool:
        """Whether a reader that a majority has answered is done."""
        return True

    @action
    def give(self, c: Client) -> None:
        """A reader returns what it has."""
        require(self.majority(self.asked[c]) and self.may_return(c))
        self.returned = max(self.returned, self.best[c])
        self.asked[c] = Set()

    @invariant
    def no_read_goes_back(self) -> bool:
        """A reader that could return now returns nothing older than what was returned before it began."""
        return all(
            self.best[c] >= self.least[c]
            for c in Client
            if self.majority(self.asked[c]) and self.may_return(c)
        )


class WriteBack(Register):
    """The protocol as published: a reader writes back what it returns."""

    def may_return(self, c: Client) -> bool:
        """A majority has what it is about to return."""
        return self.majority(self.has(self.best[c]))

    @action
    def write_back(self, c: Client, r: Replica) -> None:
        """A replica stores what a reader is about to return."""
        require(self.majority(self.asked[c]) and self.stored[r] < self.best[c])
        self.stored[r] = self.best[c]


class RegisterSafety(WriteBack):
    """Any majority that a reader hears has a replica that stores what was returned before, and says so."""

    goals: ClassVar[Goals] = {"no_read_goes_back": None}

    @lemma
    def a_majority_has_what_was_returned(self) -> bool:
        return self.majority(self.has(self.returned))

    @lemma
    def a_majority_has_what_a_read_must_not_miss(self) -> bool:
        """Those of it that were asked have said so."""
        return all(
            len(self.asked[c]) == 0
            or self.majority(
                Set(
                    r
                    for r in Replica
                    if self.stored[r] >= self.least[c]
                    and (r not in self.asked[c] or self.best[c] >= self.least[c])
                )
            )
            for c in Client
        )
