"""A state graph as it is drawn: frozen values that every output is made from, with nothing of the model left to compute.

Guarantees: nodes and edges are numbered from 0 in the order in which they are listed, which is that of the levels; the same
model, view and focus give the same graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ratified.results.result import State


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A state, or `states` of them that agree on a view.

    `lines` is its text: the whole of an initial state, the changes since `parent` of another one, or the view. `example` is
    the state, or the first of them. `level` counts steps from an initial state. `initial`, `deadlocked` and each of
    `violated` (invariants, by name) count the states of which that is true.
    """

    number: int
    lines: tuple[str, ...]
    level: int
    states: int
    example: State
    view: Mapping[str, object] | None = None
    parent: int | None = None
    initial: int = 0
    deadlocked: int = 0
    violated: Mapping[str, int] = field(default_factory=dict)
    focused: bool = False

    @property
    def marks(self) -> tuple[str, ...]:
        """Its marks, in words."""
        of = f" of {self.states:,}" if self.states > 1 else ""

        def count(some: int) -> str:
            return f" ({some:,}{of})" if of and some != self.states else ""

        found = [f"initial{count(self.initial)}"] if self.initial else []
        found += [f"deadlock{count(self.deadlocked)}"] if self.deadlocked else []
        return (*found, *(f"\u2717 {name}{count(some)}" for name, some in self.violated.items()))


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """Steps of one action from one node to another.

    `calls` are their arguments as text, if states are drawn individually. `steps` counts them, `sources` the states of the
    source that have one: an edge is `partial` if not all have. `tree` if the target's lines show what this step changed.
    `on_path` if the run to the first violating state drawn takes this edge. `missed` if traces exercised none of these steps.
    """

    source: int
    target: int
    action: str
    steps: int
    sources: int
    partial: bool
    calls: tuple[str, ...] = ()
    tree: bool = False
    on_path: bool = False
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn of a model's state graph: all, a part, or a projection of it.

    `states` and `steps` count what was explored, `nodes` and `edges` is what is left of it to see. `view` names what states were
    merged by, "" if they were not; `focus` what the part is around, "" if it is all. `stopped` says what ran out while
    exploring, `notes` what else a reader should know. `views` are views that give few enough nodes, with their number. `loops`
    if edges from a node to itself are to be drawn; `most` how many nodes may be, if that was asked for.
    """

    model: str
    sizes: Mapping[str, int]
    parameters: Mapping[str, object]
    actions: tuple[str, ...]
    states: int
    steps: int
    depth: int
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    view: str = ""
    focus: str = ""
    folded: tuple[str, ...] = ()
    stopped: str | None = None
    left_out: int = 0
    bounds: int = 0
    notes: tuple[str, ...] = ()
    views: tuple[tuple[str, int], ...] | None = ()
    loops: bool = False
    most: int | None = None

    @property
    def drawn_edges(self) -> tuple[GraphEdge, ...]:
        """The edges that are drawn: not those that lead back to where they come from, unless asked for."""
        return tuple(e for e in self.edges if self.loops or e.source != e.target)

    @property
    def title(self) -> str:
        """What this is a picture of."""
        given = [*self.sizes.items(), *self.parameters.items()]
        return " ".join([self.model, *(f"{name}={value}" for name, value in given)])

    @property
    def caption(self) -> tuple[str, ...]:
        """What a reader should know of how it came about, in short lines."""
        return tuple(_caption(self))


def _caption(g: Picture) -> list[str]:
    merged = bool(g.view)
    what = f"{g.states:,} states, {g.steps:,} steps, {g.depth} levels"
    if g.folded:
        what += f"; states that differ by renaming {' and '.join(g.folded)} are one node"
    lines = [what]
    if merged:
        lines.append(f"drawn: {len(g.nodes)} nodes, by {g.view}")
    elif len(g.nodes) < g.states:
        lines.append(f"drawn: {len(g.nodes)} states")
    if g.focus:
        lines[-1] += f", around {g.focus}"
    hidden = sum(e.steps for e in g.edges if e.source == e.target)
    if hidden and not g.loops:
        why = "within a node" if merged else "that change nothing"
        lines.append(f"not drawn: {hidden:,} steps {why}")
    if g.left_out:
        lines.append(f"not followed: {g.left_out:,} steps that a constraint excludes")
    if g.bounds:
        lines.append(f"not followed: {g.bounds:,} steps that would exceed a declared bound")
    if g.stopped:
        lines.append(f"NOT ALL OF IT: {g.stopped}")
    return [*lines, *g.notes]
