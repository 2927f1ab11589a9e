"""What a search has seen of a model, whichever engine searched: its states and steps, counts, and what went wrong first.

Guarantees: numbers of states, levels and predecessors mean the same for every engine, so that counterexamples, liveness, vacuity
and pictures are made from any of them in one way.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field

from ratified.language.errors import Span
from ratified.language.machine import StepError, Values
from ratified.results.plainest import Layers
from ratified.results.result import PropertyKind

NOWHERE = -1
"""The predecessor of an initial state."""

INTERRUPTED = "interrupted"
"""Why a search stopped that a person broke off."""


@dataclass(frozen=True, slots=True)
class Property:
    """One thing that is checked; its place in the list of them is its rank where several fail at once."""

    kind: PropertyKind
    name: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that went wrong: which property (None for the computation of a step), and where.

    `source` is the number of the state that shows it, or of the state before the step that shows it, `target` being the state
    after. `problem` is the evaluation error, if it was one.
    """

    length: int
    rank: int
    position: int
    claim: Property | None
    source: int
    target: Values | None = None
    problem: StepError | None = None

    @property
    def key(self) -> tuple[int, bool, int, int]:
        """The failure with the least key is the one that is told."""
        return self.length, self.problem is None, self.rank, self.position


@dataclass(frozen=True, slots=True)
class NumberedEdge:
    """A step of the explored graph, by the numbers of its states and of its action."""

    source: int
    action: int
    arguments: Values
    target: int


@dataclass(slots=True)
class Exploration:
    """What a search has seen.

    States are numbered in breadth-first order; `levels[i]` is the number of the first of level i + 1. `predecessor[i]` is the
    state that i was first reached from, NOWHERE for an initial state. `edges` is filled only if asked for, and holds no steps
    into states that a constraint leaves out, nor steps out of a bound: these are in `cut`, with NOWHERE as their target; with
    symmetry the targets stand for their orbits. `layers` are the states of all shortest runs to `failure`, if looked for.
    """

    properties: tuple[Property, ...]
    states: list[Values] = field(default_factory=list)
    predecessor: array[int] = field(default_factory=lambda: array("q"))
    levels: list[int] = field(default_factory=list)
    edges: list[NumberedEdge] | None = None
    cut: list[NumberedEdge] = field(default_factory=list)
    generated: int = 0
    fired: list[int] = field(default_factory=list)
    new: list[int] = field(default_factory=list)
    bounds: Counter[tuple[str, str, Span | None]] = field(default_factory=Counter)
    left_out: list[int] = field(default_factory=list)
    degrees: tuple[int, int, int, int] = (0, 0, 0, 0)
    failure: Failure | None = None
    layers: Layers | None = None
    stopped: str | None = None

    @property
    def out_degree(self) -> tuple[int, float, int]:
        """Least, mean and greatest number of steps out of the states expanded."""
        expanded, least, total, most = self.degrees
        return least, total / expanded if expanded else 0.0, most
