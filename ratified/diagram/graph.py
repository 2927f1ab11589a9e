"""A state graph, with every form it can be had in.

Guarantees: a graph is a frozen picture; what it is written as is made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratified.diagram import dot, export, page
from ratified.diagram.picture import Picture
from ratified.diagram.render import check_writable, kind_of, laid_out, svg_of, write
from ratified.diagram.size import GraphTooLarge, readable

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, slots=True)
class StateGraph(Picture):
    """A model's state graph, or a part or projection of it."""

    # --- for those who draw their own ---

    def to_dict(self) -> dict[str, Any]:
        """The graph as plain values: the schema is in docs/diagrams.md."""
        return export.to_dict(self)

    def to_json(self) -> str:
        """`to_dict` as text."""
        return export.to_json(self)

    def to_graphml(self) -> str:
        """GraphML, which yEd, Gephi and Cytoscape read."""
        return export.to_graphml(self)

    def to_networkx(self) -> nx.MultiDiGraph[int]:
        """A networkx MultiDiGraph: nodes by number, edges keyed by action. Raises RatifiedError if networkx is not installed."""
        return export.to_networkx(self)

    # --- pictures ---

    def to_dot(self) -> str:
        """DOT, the language of Graphviz. Raises GraphTooLarge for a graph that is too large to read."""
        return dot.to_dot(self)

    def to_svg(self) -> str:
        """SVG, laid out by Graphviz if `dot` is there. Raises GraphTooLarge."""
        return svg_of(self)

    def to_html(self) -> str:
        """A self-contained page: the picture, with the values of every state. Raises GraphTooLarge."""
        return page.to_html(self)

    def save(self, file: str | Path) -> None:
        """Write the graph to a file; its extension selects the format. Raises GraphTooLarge, RatifiedError."""
        path = Path(file)
        kind = kind_of(path)
        check_writable(path)
        makers: dict[str, Callable[[], str | bytes]] = {
            "svg": self.to_svg,
            "png": lambda: laid_out(dot.to_dot(self, dpi=150), "png"),
            "pdf": lambda: laid_out(self.to_dot(), "pdf"),
            "dot": self.to_dot,
            "html": self.to_html,
            "json": self.to_json,
            "graphml": self.to_graphml,
        }
        write(path, makers[kind]())

    def _repr_svg_(self) -> str | None:
        try:
            return self.to_svg()
        except GraphTooLarge:
            return None

    def _repr_html_(self) -> str | None:
        """What a notebook shows of a graph that is too large to draw: why, and what would help."""
        try:
            readable(self)
        except GraphTooLarge as problem:
            return f"<pre>{escape(str(problem))}</pre>"
        return None
