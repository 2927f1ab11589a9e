"""A stack without locks whose cells are used again: compare-and-swap finds what it expects, and it is not what it was (ABA).

Treiber: *Systems programming: coping with parallelism* (IBM, 1986). A pop reads the top and what is below it, and swaps
if the top is still the same. In between the top may have been popped, what was below it too, and the first be pushed
again. The IBM System/370's *Principles of Operation* (1983, appendix) describes the error, and the mend: a count beside
the top that never repeats.
"""

from __future__ import annotations

from typing import ClassVar

from ratified import Lifelines, Map, Model, Ordered, Sort, action, first, invariant, require


class Cell(Sort):
    """An element of the stack. At first all are in it, one below the other."""


class Process(Sort):
    """Pops cells, and pushes those that it has popped."""


class Count(Ordered):
    """How often the top was changed."""


class Stack(Model):
    """The top alone is compared."""

    sizes: ClassVar = {"standard": {"Cell": 2, "Process": 2, "Count": 8}}
    lifelines: ClassVar = Lifelines(
        {Cell: "cell", Process: "process"}, owner={"top": "stack", "count": "stack"}
    )

    top: Cell | None
    below: Map[Cell, Cell | None]
    owner: Map[Cell, Process | None]
    count: Count
    read: Map[Process, Cell | None]
    read_below: Map[Process, Cell | None]
    read_count: Map[Process, Count]

    def init(self) -> None:
        self.top = Cell(0)
        self.below = Map({c: next((d for d in Cell if int(d) == int(c) + 1), None) for c in Cell})

    @action
    def look(self, p: Process) -> None:
        """A process that is about to pop reads the top, and what is below it."""
        found = self.top
        require(self.read[p] is None and found is not None)
        assert found is not None
        self.read[p] = found
        self.read_below[p] = self.below[found]
        self.read_count[p] = self.count

    def unchanged(self, p: Process) -> bool:
        """Whether the swap finds what it expects."""
        return self.top == self.read[p]

    def forget(self, p: Process) -> None:
        self.read[p] = None
        self.read_below[p] = None
        self.read_count[p] = first(Count)

    @action
    def pop(self, p: Process) -> None:
        """It swaps what is below for the top, if that is still the same, and has the cell."""
        popped = self.read[p]
        require(popped is not None and self.unchanged(p) and not self.count.is_last())
        assert popped is not None
        self.top = self.read_below[p]
        self.owner[popped] = p
        self.count += 1
        self.forget(p)

    @action
    def fail(self, p: Process) -> None:
        """The top is another by now: it has to begin again."""
        require(self.read[p] is not None and not self.unchanged(p))
        self.forget(p)

    @action
    def push(self, p: Process, c: Cell) -> None:
        """A process pushes a cell that it has."""
        require(self.owner[c] == p and self.read[p] is None and not self.count.is_last())
        self.below[c] = self.top
        self.top = c
        self.owner[c] = None
        self.count += 1

    @invariant
    def what_is_on_top_is_nobodys(self) -> bool:
        """No process has popped the cell that is on top."""
        found = self.top
        return found is None or self.owner[found] is None


class Counted(Stack):
    """Mended: the count is compared as well."""

    def unchanged(self, p: Process) -> bool:
        return super().unchanged(p) and self.count == self.read_count[p]
