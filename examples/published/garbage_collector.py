"""The on-the-fly garbage collector whose mutator does two steps in the wrong order: it frees what is still in use.

Dijkstra, Lamport, Martin, Scholten, Steffens: *On-the-fly garbage collection: an exercise in cooperation*
(Communications of the ACM, 1978). The program shades the cell that a pointer is made to point to. The authors tell that
they first had it shade the cell before the pointer was changed, and that Woodger and Stenning found the error in the
version that had been submitted. Between the two steps a whole cycle of the collector fits.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from ratified import Lifelines, Map, Model, Set, Sort, action, invariant, require


class Cell(Sort):
    """A cell with one pointer. The first one is the root."""


class ShadeFirst(Model):
    """As it was submitted: shade the target, then change the pointer."""

    sizes: ClassVar = {"standard": {"Cell": 3}}
    lifelines: ClassVar = Lifelines(
        {Cell: "cell"},
        owner={"source": "program", "target": "program", "marking": "collector", "freed": "collector"},
    )

    next: Map[Cell, Cell]
    color: Map[Cell, Literal["white", "grey", "black"]]
    marking: bool
    freed: Set[Cell]
    source: Cell | None
    target: Cell | None

    def init(self, n: Map[Cell, Cell]) -> None:
        """Any pointers; the collector has yet to begin."""
        self.next = n

    def reachable(self) -> Set[Cell]:
        """What the program can come to."""
        found = Set({Cell(0)})
        for _ in Cell:
            found = found | Set(self.next[c] for c in found)
        return found

    def shade(self, c: Cell) -> None:
        if self.color[c] == "white":
            self.color[c] = "grey"

    # --- the program ---

    @action
    def first_half(self, c: Cell, d: Cell) -> None:
        """The program shades a cell that it is about to point to."""
        require(self.source is None and c in self.reachable() and d in self.reachable() and self.next[c] != d)
        self.source, self.target = c, d
        self.shade(d)

    @action
    def second_half(self, c: Cell, d: Cell) -> None:
        """It changes the pointer."""
        require(self.source == c and self.target == d)
        self.next[c] = d
        self.source = None
        self.target = None

    # --- the collector ---

    @action
    def begin(self) -> None:
        """The collector shades the root."""
        require(not self.marking)
        self.marking = True
        self.shade(Cell(0))

    @action
    def mark(self, c: Cell) -> None:
        """It shades what a grey cell points to, and the cell is black."""
        require(self.marking and self.color[c] == "grey")
        self.shade(self.next[c])
        self.color[c] = "black"

    @action
    def free(self) -> None:
        """No cell is grey: it frees what is white, and begins anew."""
        require(self.marking and all(self.color[c] != "grey" for c in Cell))
        self.freed = Set(c for c in Cell if self.color[c] == "white")
        for c in Cell:
            self.color[c] = "white"
        self.marking = False

    @invariant
    def nothing_in_use_is_freed(self) -> bool:
        """What is freed cannot be come to; it stays so, since the program points only to what it can come to."""
        return self.freed.isdisjoint(self.reachable())


class PointFirst(ShadeFirst):
    """As published: change the pointer, then shade the target."""

    @action
    def first_half(self, c: Cell, d: Cell) -> None:
        """The program changes the pointer."""
        require(self.source is None and c in self.reachable() and d in self.reachable() and self.next[c] != d)
        self.source, self.target = c, d
        self.next[c] = d

    @action
    def second_half(self, c: Cell, d: Cell) -> None:
        """It shades what it points to now."""
        require(self.source == c and self.target == d)
        self.shade(d)
        self.source = None
        self.target = None
