"""Hyman's simplification of Dekker's algorithm, which appeared as a comment of one page: both processes get in.

Hyman: *Comments on a problem in concurrent programming control* (Communications of the ACM, January 1966); refuted by
Knuth in the May issue of the same year. A process that finds that it is not its turn waits until the other wants
nothing, and then takes the turn without looking again. `Peterson` is how two lines can do it (Peterson: *Myths about
the mutual exclusion problem*, 1981).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from ratified import Map, Model, Sort, action, invariant, require


class Process(Sort):
    """One of two."""


class Hyman(Model):
    """As printed."""

    sizes: ClassVar = {"standard": {"Process": 2}}

    at: Map[Process, Literal["outside", "checking", "waiting", "turning", "inside"]]
    wants: Map[Process, bool]
    turn: Process

    def init(self) -> None:
        """It is the turn of the first."""
        self.turn = Process(0)

    def other_wants(self, p: Process) -> bool:
        return any(self.wants[q] for q in Process if q != p)

    @action
    def want(self, p: Process) -> None:
        """A process says that it wants to get in."""
        require(self.at[p] == "outside")
        self.wants[p] = True
        self.at[p] = "checking"

    @action
    def check(self, p: Process) -> None:
        """It looks whose turn it is."""
        require(self.at[p] == "checking")
        self.at[p] = "inside" if self.turn == p else "waiting"

    @action
    def wait(self, p: Process) -> None:
        """It is not its turn: it waits until the other wants nothing."""
        require(self.at[p] == "waiting" and not self.other_wants(p))
        self.at[p] = "turning"

    @action
    def take_turn(self, p: Process) -> None:
        """It makes it its turn."""
        require(self.at[p] == "turning")
        self.turn = p
        self.at[p] = "checking"

    @action
    def leave(self, p: Process) -> None:
        """It gets out."""
        require(self.at[p] == "inside")
        self.wants[p] = False
        self.at[p] = "outside"

    @invariant
    def mutual_exclusion(self) -> bool:
        """They are not inside both."""
        return len({p for p in Process if self.at[p] == "inside"}) <= 1


class Peterson(Hyman):
    """Mended: a process leaves the turn to the other first, and gets in if the other wants nothing or it is its turn again."""

    @action
    def take_turn(self, p: Process) -> None:
        """It leaves the turn to the other."""
        require(self.at[p] == "checking")
        for q in Process:
            if q != p:
                self.turn = q
        self.at[p] = "waiting"

    @action
    def check(self, p: Process) -> None:
        """It looks whether the turn has come back."""
        require(self.at[p] == "waiting" and self.turn == p)
        self.at[p] = "inside"

    @action
    def wait(self, p: Process) -> None:
        """It looks whether the other wants anything."""
        require(self.at[p] == "waiting" and not self.other_wants(p))
        self.at[p] = "inside"
