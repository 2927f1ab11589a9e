"""State graphs for people who draw their own: plain values, JSON, GraphML, networkx. docs/diagrams.md has the schema.

Guarantees: everything that a picture shows is there, edges that it leaves out too; values are text as a report prints them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from ratified.diagram.picture import GraphEdge, GraphNode, Picture
from ratified.extras import install
from ratified.language.errors import RatifiedError
from ratified.language.values import show

if TYPE_CHECKING:
    import networkx as nx

SCHEMA = "ratified.graph/1"


def to_dict(graph: Picture) -> dict[str, Any]:
    """The graph as plain values."""
    return {
        "schema": SCHEMA,
        "model": graph.model,
        "sizes": dict(graph.sizes),
        "parameters": {name: show(value) for name, value in graph.parameters.items()},
        "view": graph.view or None,
        "focus": graph.focus or None,
        "folded": list(graph.folded),
        "complete": graph.stopped is None and not graph.bounds,
        "stopped": graph.stopped,
        "explored": {"states": graph.states, "steps": graph.steps, "levels": graph.depth},
        "not_followed": {"constraints": graph.left_out, "bounds": graph.bounds},
        "actions": list(graph.actions),
        "nodes": [_node(node) for node in graph.nodes],
        "edges": [_edge(edge) for edge in graph.edges],
    }


def _node(node: GraphNode) -> dict[str, Any]:
    return {
        "id": node.number,
        "level": node.level,
        "states": node.states,
        "initial": node.initial,
        "deadlocked": node.deadlocked,
        "violated": dict(node.violated),
        "label": list(node.lines),
        "view": None if node.view is None else {name: show(value) for name, value in node.view.items()},
        "state": {name: show(value) for name, value in node.example.items()},
    }


def _edge(edge: GraphEdge) -> dict[str, Any]:
    return {
        "source": edge.source,
        "target": edge.target,
        "action": edge.action,
        "arguments": list(edge.calls),
        "steps": edge.steps,
        "sources": edge.sources,
        "partial": edge.partial,
        "missed": edge.missed,
    }


def to_json(graph: Picture) -> str:
    """The graph as JSON."""
    return json.dumps(to_dict(graph), indent=1, ensure_ascii=False) + "\n"


_NODE_KEYS = (
    ("level", "int"),
    ("states", "int"),
    ("initial", "int"),
    ("deadlocked", "int"),
    ("violated", "string"),
    ("label", "string"),
)
_EDGE_KEYS = (
    ("action", "string"),
    ("arguments", "string"),
    ("steps", "int"),
    ("sources", "int"),
    ("partial", "boolean"),
    ("missed", "boolean"),
)


def to_graphml(graph: Picture) -> str:
    """The graph as GraphML (http://graphml.graphdrawing.org): a state's values are the keys that begin with `state.`."""
    variables = list(graph.nodes[0].example) if graph.nodes else []
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ]
    for what, keys in (
        ("node", [*_NODE_KEYS, *((f"state.{v}", "string") for v in variables)]),
        ("edge", _EDGE_KEYS),
    ):
        lines += [
            f'  <key id={quoteattr(f"{what}.{name}")} for="{what}" attr.name={quoteattr(name)} attr.type="{kind}"/>'
            for name, kind in keys
        ]
    lines.append(f'  <graph id={quoteattr(graph.title)} edgedefault="directed">')
    for node in graph.nodes:
        flat = _flat(node)
        lines.append(f'    <node id="n{node.number}">{_data("node", flat)}</node>')
    for k, edge in enumerate(graph.edges):
        flat = {name: value for name, value in _edge(edge).items() if name not in ("source", "target")}
        flat["arguments"] = "; ".join(edge.calls)
        lines.append(
            f'    <edge id="e{k}" source="n{edge.source}" target="n{edge.target}">{_data("edge", flat)}</edge>'
        )
    return "\n".join([*lines, "  </graph>", "</graphml>", ""])


def _flat(node: GraphNode) -> dict[str, Any]:
    """A node's values without nesting."""
    plain = _node(node)
    return {
        **{name: plain[name] for name in ("level", "states", "initial", "deadlocked")},
        "violated": ", ".join(node.violated),
        "label": "\n".join(node.lines),
        **{f"state.{name}": value for name, value in plain["state"].items()},
    }


def _data(what: str, values: dict[str, Any]) -> str:
    return "".join(
        f"<data key={quoteattr(f'{what}.{name}')}>{escape(_text(value))}</data>"
        for name, value in values.items()
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_networkx(graph: Picture) -> nx.MultiDiGraph[int]:
    """A networkx MultiDiGraph: nodes by number, edges keyed by action, with the same attributes as in JSON."""
    try:
        import networkx as nx
    except ImportError:
        raise RatifiedError("networkx is not installed", remedy=install("diagram")) from None
    made: nx.MultiDiGraph[int] = nx.MultiDiGraph(
        model=graph.model, sizes=dict(graph.sizes), view=graph.view or None
    )
    for node in graph.nodes:
        attributes = _node(node)
        made.add_node(attributes.pop("id"), **attributes)
    for edge in graph.edges:
        attributes = _edge(edge)
        made.add_edge(attributes.pop("source"), attributes.pop("target"), key=edge.action, **attributes)
    return made
