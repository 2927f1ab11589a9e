"""Lamport's bakery without its doorway: two customers with the same number are served at the same time.

Lamport: *A new solution of Dijkstra's concurrent programming problem* (Communications of the ACM, 1974). Who wants to
be served takes a number that is larger than all others, and waits for those with smaller ones. Taking a number takes
time: who has looked and not yet written has none for others to see. So each says that it is choosing; versions that
leave this out go wrong.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from ratified import Map, Model, Range, Set, Sort, action, invariant, require

Number = Annotated[int, Range(0, 4)]


class Process(Sort):
    """A customer. Of two with the same number the first one is served first."""


class NoDoorway(Model):
    """Nobody waits for those that are choosing. Numbers end at some point, for a model's sake."""

    sizes: ClassVar = {"standard": {"Process": 2}}

    at: Map[Process, Literal["outside", "choosing", "waiting", "inside"]]
    number: Map[Process, Number]
    seen: Map[Process, Number]
    passed: Map[Process, Set[Process]]

    @action
    def look(self, p: Process) -> None:
        """A process looks at all numbers."""
        require(self.at[p] == "outside")
        largest = max(self.number[q] for q in Process)
        require(largest < 4)
        self.seen[p] = largest
        self.at[p] = "choosing"

    @action
    def take(self, p: Process) -> None:
        """And takes a larger one."""
        require(self.at[p] == "choosing")
        self.number[p] = self.seen[p] + 1
        self.passed[p] = Set({p})
        self.at[p] = "waiting"

    def may_pass(self, p: Process, q: Process) -> bool:
        """Whether p need not wait for q."""
        return self.number[q] == 0 or (self.number[p], int(p)) < (self.number[q], int(q))

    @action
    def go_past(self, p: Process, q: Process) -> None:
        """A process sees that another has no number, or a larger one."""
        require(self.at[p] == "waiting" and q not in self.passed[p] and self.may_pass(p, q))
        self.passed[p].add(q)

    @action
    def enter(self, p: Process) -> None:
        """It has gone past all others."""
        require(self.at[p] == "waiting" and len(self.passed[p]) == len(Process))
        self.at[p] = "inside"

    @action
    def leave(self, p: Process) -> None:
        """It gives its number back."""
        require(self.at[p] == "inside")
        self.number[p] = 0
        self.seen[p] = 0
        self.passed[p] = Set()
        self.at[p] = "outside"

    @invariant
    def mutual_exclusion(self) -> bool:
        """No two are inside."""
        return len({p for p in Process if self.at[p] == "inside"}) <= 1


class Bakery(NoDoorway):
    """The algorithm as published: who is choosing is waited for."""

    def may_pass(self, p: Process, q: Process) -> bool:
        """It is not choosing either."""
        return self.at[q] != "choosing" and super().may_pass(p, q)
