"""How much a picture may hold before nobody reads it, and what is said then."""

from __future__ import annotations

from ratified.diagram.picture import Picture
from ratified.language.errors import RatifiedError

NODES = 120
"""As many nodes as a page shows legibly."""

EXPORTED = 200_000
"""Nodes of a graph for other programs: more would take hours to put into words."""

FEW = 40
"""So many states are drawn one by one where nothing is asked for; of more, a view that the model declares."""

EDGES = 420


class GraphTooLarge(RatifiedError):
    """A graph that nobody could read; the message has what would help."""


def readable(graph: Picture) -> None:
    """Raise GraphTooLarge if a graph has more than `NODES` nodes or `EDGES` edges, unless more was asked for."""
    most = graph.most or NODES
    nodes, edges = len(graph.nodes), len({(e.source, e.target, e.action) for e in graph.drawn_edges})
    if nodes > most:
        raise too_large(graph.model, f"{nodes:,} nodes", most, graph.views)
    if graph.most is None and edges > EDGES:
        raise too_large(graph.model, f"{nodes:,} nodes and {edges:,} edges", most, graph.views)


def too_large(model: str, has: str, most: int, views: tuple[tuple[str, int], ...] | None) -> GraphTooLarge:
    """The refusal, with the views that would help (None if they were not looked for), and what else there is to do."""
    if views:
        helping = "".join(f"    --view {quoted(name)}  {count:,} nodes\n" for name, count in views)
        found = f"these views are readable:\n{helping}  or"
    elif views is None:
        found = "the time limit left no time to look for readable views (--view):\n "
    else:
        found = "no view of it is readable:\n "
    return GraphTooLarge(
        f"a picture of {model} with {has} is too large to read (at most {most} nodes are drawn)",
        remedy=f"{found} draw a part (--focus), fold symmetric states (--fold), or allow more with --most",
    )


def quoted(name: str) -> str:
    """A view as it is typed in a shell."""
    return name if name.isidentifier() else f'"{name}"'
