"""A state graph in DOT, the language of Graphviz.

Guarantees: the same graph gives the same text; all that a model's author wrote is quoted; the legend and what was left out are
part of the picture.
"""

from __future__ import annotations

from collections import defaultdict
from html import escape

from ratified.diagram.layers import Rows, rows
from ratified.diagram.palette import (
    BAD_FILL,
    BAD_LINE,
    INK,
    MISSED,
    PAPER,
    QUIET,
    START_FILL,
    STILL_FILL,
    Look,
    looks,
)
from ratified.diagram.picture import GraphEdge, GraphNode, Picture
from ratified.diagram.size import readable

FONT = "Courier"
"""Graphviz knows how wide its letters are on every machine."""


def to_dot(graph: Picture, *, bare: bool = False, dpi: int | None = None) -> str:
    """The whole picture; `bare` of title, legend and levels; with so many dots per inch, if it is to be made of dots.

    Raises TooLarge if there is more than anybody could read.
    """
    readable(graph)
    styles = looks(graph.actions)
    placed = rows(graph)
    lines = [
        "digraph states {",
        *([f"  dpi={dpi};"] if dpi else []),
        f'  graph [rankdir=TB, ranksep=0.5, nodesep=0.3, labelloc=b, labeljust=l, fontname="{FONT}", fontsize=10,',
        f"    label={quote('') if bare else legend(graph, styles)}];",
        f'  node [shape=box, style="rounded,filled", fillcolor="{PAPER}", color="{INK}", fontcolor="{INK}", '
        f'fontname="{FONT}", fontsize=10, margin="0.10,0.06", height=0.3, width=0.4];',
        f'  edge [fontname="{FONT}", fontsize=9, arrowsize=0.7, penwidth=1.2];',
        *_levels(placed, bare=bare),
        *(_node(node) for node in graph.nodes),
        *(_edge(e, graph, styles[e.action], placed) for e in graph.drawn_edges),
        "}",
    ]
    return "\n".join(lines) + "\n"


def quote(text: str) -> str:
    """A text as DOT writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _levels(placed: Rows, *, bare: bool) -> list[str]:
    """Layers: the nodes of a row side by side, and at the left of the first row of a level its number."""
    members: dict[int, list[int]] = defaultdict(list)
    for number, row in enumerate(placed.of):
        members[row].append(number)
    lines = []
    for row, level in enumerate(placed.level):
        label = "" if bare or level is None else str(level)
        lines.append(
            f'  l{row} [shape=plaintext, style="", label="{label}", fontcolor="{QUIET}", width=0.2, margin=0];'
        )
        lines.append(f"  {{ rank=same; l{row}; {' '.join(f'n{n};' for n in members[row])} }}")
    if len(placed.level) > 1:
        lines.append(
            f"  {' -> '.join(f'l{row}' for row in range(len(placed.level)))} [style=invis, weight=4];"
        )
    return lines


def _node(node: GraphNode) -> str:
    label = "".join(f"{quote(line)[1:-1]}\\l" for line in map(_indented, node_text(node)))
    given = [f'label="{label}"', f"tooltip={quote(tooltip(node))}"]
    if node.violated:
        given += [f'fillcolor="{BAD_FILL}"', f'color="{BAD_LINE}"', "penwidth=2.5"]
    elif node.deadlocked:
        given += [f'fillcolor="{STILL_FILL}"', "penwidth=2"]
    elif node.initial:
        given += [f'fillcolor="{START_FILL}"']
    if node.deadlocked:
        given += ['style="filled"']
    if node.initial:
        given += ["peripheries=2"]
    if node.focused:
        given += ["penwidth=2.5"]
    return f"  n{node.number} [{', '.join(given)}];"


def _indented(line: str) -> str:
    """A line whose indentation is kept: Graphviz, and viewers of SVG, drop blanks."""
    rest = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(rest)) + rest


def node_text(node: GraphNode) -> list[str]:
    """What is written in a node; never nothing."""
    marks = [mark if mark.startswith("\u2717") else f"[{mark}]" for mark in node.marks]
    merged = [f"{node.states:,} states"] if node.states > 1 else []
    return [*node.lines, *marks, *merged] or ["(nothing changed)"]


def tooltip(node: GraphNode) -> str:
    """All of the state (or the first of them), for those who point at it."""
    from ratified.language.values import show

    head = f"{node.states:,} states, the first:\n" if node.states > 1 else ""
    return head + "\n".join(f"{name} = {show(value)}" for name, value in node.example.items())


def edge_label(edge: GraphEdge, graph: Picture) -> list[str]:
    """What is written at an edge: the action with its arguments, or how many steps it stands for."""
    if not graph.view:
        calls = [f"{edge.action}({call})" for call in edge.calls]
        return calls if len(calls) <= 2 else [calls[0], f"... and {len(calls) - 1} more"]
    lines = [edge.action]
    if edge.partial:
        lines.append(
            f"{edge.steps:,} step{'s' * (edge.steps > 1)}, {edge.sources:,}/{graph.nodes[edge.source].states:,}"
        )
    elif edge.steps > 1:
        lines.append(f"{edge.steps:,} steps")
    return lines


def _edge(edge: GraphEdge, graph: Picture, look: Look, placed: Rows) -> str:
    look = MISSED if edge.missed else look
    # A blank before each line keeps it off the edge that it stands beside.
    label = "".join(f"\u00a0{quote(line)[1:-1]}\\l" for line in edge_label(edge, graph))
    given = [
        f'label="{label}"',
        f'color="{look.line}"',
        f'fontcolor="{look.text}"',
        f'style="{look.style}"',
    ]
    source, target = edge.source, edge.target
    if placed.of[target] < placed.of[source]:
        # Told to Graphviz the other way round, which keeps the layers, and room for the label.
        source, target = target, source
        given.append(f"dir=back, arrowtail={'empty' if edge.partial else 'normal'}")
    elif edge.partial:
        given.append("arrowhead=empty")
    if edge.on_path:
        given.append("penwidth=3.5")
    elif edge.tree:
        given.append("penwidth=2")
    return f"  n{source} -> n{target} [{', '.join(given)}];"


def marks_used(graph: Picture) -> list[tuple[str, str, str]]:
    """What the picture has that a legend explains: fill, sample, words."""
    nodes, edges = graph.nodes, graph.drawn_edges
    found = []
    if any(n.initial for n in nodes):
        found.append((START_FILL, "[initial]", "where runs begin (double border)"))
    if any(n.deadlocked for n in nodes):
        found.append((STILL_FILL, "[deadlock]", "no step is possible (square corners)"))
    if any(n.violated for n in nodes):
        found.append((BAD_FILL, "\u2717 name", "this invariant is false (thick border)"))
    if any(n.focused for n in nodes):
        found.append((PAPER, "thick", "what the picture is around"))
    if any(e.on_path for e in edges):
        found.append((PAPER, "\u2501\u2501\u2501 thickest", "a shortest run to a violation"))
    if any(e.missed for e in edges):
        found.append((BAD_FILL, MISSED.sample, "no trace exercised what such a step does"))
    if any(e.tree for e in edges):
        found.append((PAPER, "\u2501\u2501\u2501 thick", "the step whose changes the state below shows"))
    if any(e.partial for e in edges):
        found.append((PAPER, "\u25b7 n/m", "hollow: only n of the m merged states have such a step"))
    found.append((PAPER, "0 1 2 ...", "steps from an initial state, at least"))
    return found


def legend(graph: Picture, styles: dict[str, Look]) -> str:
    """The title, what each colour and mark means, and what is not drawn, as an HTML-like label."""
    used = {e.action for e in graph.drawn_edges}
    marks = marks_used(graph)
    actions = [(name, look) for name, look in styles.items() if name in used]
    rows = [f'<tr><td align="left" colspan="4"><b>{escape(graph.title)}</b></td></tr>']
    rows += [
        f'<tr><td align="left" colspan="4"><font color="{QUIET}">{escape(line)}</font></td></tr>'
        for line in graph.caption
    ]
    # Actions beside marks, so that the legend is no longer than it has to be.
    height = max(len(marks), -(-len(actions) // 2) if len(actions) > 2 * len(marks) else len(actions))
    for k in range(height):
        cells = ""
        if k < len(actions):
            name, look = actions[k]
            cells += f'<td align="left"><font color="{look.line}">{look.sample}</font></td>'
            cells += f'<td align="left"><font color="{look.text}">{escape(name)}</font>    </td>'
        else:
            cells += "<td></td><td></td>"
        if k < len(marks):
            fill, sample, words = marks[k]
            cells += f'<td align="left" bgcolor="{fill}">{escape(sample)}</td><td align="left">{escape(words)}</td>'
        elif height + k - len(marks) < len(actions):
            name, look = actions[height + k - len(marks)]
            cells += f'<td align="left"><font color="{look.line}">{look.sample}</font></td>'
            cells += f'<td align="left"><font color="{look.text}">{escape(name)}</font></td>'
        else:
            cells += "<td></td><td></td>"
        rows.append(f"<tr>{cells}</tr>")
    return f'<<table border="0" cellborder="0" cellspacing="1" cellpadding="1">{"".join(rows)}</table>>'
