"""A state graph laid out without Graphviz: rows, few crossings, curves. For where `dot` is missing.

Guarantees: no node overlaps another, and no label a node of its own row; the same graph gives the same picture. It follows
Sugiyama, Tagawa & Toda, "Methods for visual understanding of hierarchical system structures" (1981): rows, then an order in
each row by the middle of the neighbours, then places.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ratified.diagram.dot import edge_label, marks_used, node_text, tooltip
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
    looks,
)
from ratified.diagram.picture import GraphEdge, GraphNode, Picture
from ratified.diagram.size import readable
from ratified.diagram.svg import SPACING, Canvas, arrow, width_of

SIZE = 11.0
SMALL = 9.5
LEFT = 46.0
SWEEPS = 8


@dataclass(slots=True)
class _DrawnPlace:
    """A node, or a bend of an edge on its way through a row."""

    row: int
    width: float
    height: float
    x: float = 0.0
    order: float = 0.0


def to_svg(graph: Picture) -> str:
    """The picture. Raises TooLarge if there is more than anybody could read."""
    readable(graph)
    return _Layout(graph, rows(graph)).drawn()


class _Layout:
    def __init__(self, graph: Picture, placed: Rows) -> None:
        self.graph = graph
        self.rows = placed
        self.places = [_place(node, placed.of[node.number]) for node in graph.nodes]
        self.ways: list[
            tuple[GraphEdge, list[int]]
        ] = []  # each edge and the places that it passes, from the upper end
        for edge in graph.drawn_edges:
            self.ways.append((edge, self._way(edge)))
        self.members: dict[int, list[int]] = defaultdict(list)
        for number, place in enumerate(self.places):
            self.members[place.row].append(number)
        self._order()
        self._place()

    def _way(self, edge: GraphEdge) -> list[int]:
        upper, lower = sorted((edge.source, edge.target), key=lambda n: self.rows.of[n])
        way = [upper]
        for row in range(self.rows.of[upper] + 1, self.rows.of[lower]):
            way.append(len(self.places))
            self.places.append(_DrawnPlace(row, 14.0, 0.0))
        return [*way, lower]

    def _order(self) -> None:
        near: dict[int, list[int]] = defaultdict(list)
        for _, way in self.ways:
            for a, b in pairwise(way):
                near[a].append(b)
                near[b].append(a)
        for members in self.members.values():
            for k, number in enumerate(members):
                self.places[number].order = k / max(1, len(members) - 1)
        ordered = sorted(self.members)
        for sweep in range(SWEEPS):
            for row in ordered if sweep % 2 == 0 else reversed(ordered):
                beyond = -1 if sweep % 2 == 0 else 1
                for number in self.members[row]:
                    place = self.places[number]
                    of = [
                        self.places[n].order for n in near[number] if (self.places[n].row - row) * beyond > 0
                    ]
                    if of:
                        place.order = sum(of) / len(of)
                self.members[row].sort(key=lambda n: (self.places[n].order, n))
                for k, number in enumerate(self.members[row]):
                    self.places[number].order = (k + 0.5) / len(self.members[row])

    def _place(self) -> None:
        gap = 60.0
        self.width = max(
            sum(self.places[n].width for n in members) + gap * (len(members) + 1)
            for members in self.members.values()
        )
        for members in self.members.values():
            taken = sum(self.places[n].width for n in members)
            free = (self.width - taken) / (len(members) + 1)
            x = LEFT + free
            for number in members:
                place = self.places[number]
                place.x = x + place.width / 2
                x += place.width + free
        tall = max((len(edge_label(e, self.graph)) for e, _ in self.ways), default=0) * SMALL * SPACING
        self.tops: list[float] = []
        y = 14.0
        for row in range(len(self.rows.level)):
            self.tops.append(y)
            y += max(self.places[n].height for n in self.members[row]) + 44 + 2.2 * tall
        self.bottom = y - 20 - tall
        self._ports()

    # --- drawing ---

    def drawn(self) -> str:
        graph, canvas = self.graph, Canvas()
        styles = looks(graph.actions)
        heads = {(e.action, e.missed): k for k, (e, _) in enumerate(self.ways)}
        canvas.add("<defs>")
        for (action, missed), k in heads.items():
            line = MISSED.line if missed else styles[action].line
            canvas.add(arrow(f"a{k}", line))
            canvas.add(arrow(f"h{k}", line, hollow=True))
        canvas.add("</defs>")
        for row, level in enumerate(self.rows.level):
            if level is not None:
                canvas.text(10, self.tops[row] + 18, str(level), fill=QUIET)
        for k, (edge, way) in enumerate(self.ways):
            look = MISSED if edge.missed else styles[edge.action]
            width = 3.5 if edge.on_path else 2.0 if edge.tree else 1.2
            head = f"{'h' if edge.partial else 'a'}{heads[edge.action, edge.missed]}"
            end = "end" if way[0] == edge.source else "start"
            more = f' marker-{end}="url(#{head})" class="edge" data-edge="{edge.source} {edge.target}"'
            canvas.path(self._curve(k), stroke=look.line, width=width, dashes=look.dashes, more=more)
        for node in graph.nodes:
            self._draw_node(canvas, node)
        self._labels(canvas)
        height = self._legend(canvas)
        return canvas.document(max(self.width + LEFT + 10, self.legend_width), height, graph.title)

    def _edge_y(self, number: int, *, below: bool) -> float:
        place = self.places[number]
        return self.tops[place.row] + (place.height if below else 0.0)

    def _ports(self) -> None:
        """Where edges leave and reach nodes: side by side, in the order of where they go, so that none hides another."""
        below: dict[int, list[int]] = defaultdict(list)
        above: dict[int, list[int]] = defaultdict(list)
        for k, (edge, way) in enumerate(self.ways):
            if edge.source != edge.target:
                below[way[0]].append(k)
                above[way[-1]].append(k)
        self.leaves = [0.0] * len(self.ways)
        self.reaches = [0.0] * len(self.ways)
        for ports, ends, step in ((below, self.leaves, 1), (above, self.reaches, -2)):
            for number, edges in ports.items():
                edges.sort(key=lambda k: (self.places[self.ways[k][1][step]].x, k))
                place = self.places[number]
                for n, k in enumerate(edges):
                    ends[k] = place.x + place.width * ((n + 1) / (len(edges) + 1) - 0.5)

    def _points(self, k: int) -> list[tuple[float, float]]:
        """The points that an edge goes through, from the upper end."""
        _, way = self.ways[k]
        bends = [(self.places[n].x, self._edge_y(n, below=False) + 10) for n in way[1:-1]]
        first = self.leaves[k], self._edge_y(way[0], below=True)
        return [first, *bends, (self.reaches[k], self._edge_y(way[-1], below=False))]

    def _curve(self, k: int) -> str:
        edge, way = self.ways[k]
        if edge.source == edge.target:
            place = self.places[way[0]]
            x, y = place.x + place.width / 2, self.tops[place.row] + place.height / 2
            return f"M {x:.1f} {y - 6:.1f} C {x + 30:.1f} {y - 18:.1f} {x + 30:.1f} {y + 18:.1f} {x:.1f} {y + 6:.1f}"
        points = self._points(k)
        d = f"M {points[0][0]:.1f} {points[0][1]:.1f}"
        for (x1, y1), (x2, y2) in pairwise(points):
            middle = (y1 + y2) / 2
            d += f" C {x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"
        return d

    def _along(self, k: int) -> Iterator[tuple[float, float]]:
        """Places on an edge where its label may stand, the best first."""
        edge, way = self.ways[k]
        if edge.source == edge.target:
            place = self.places[way[0]]
            yield place.x + place.width / 2 + 20, self.tops[place.row] + place.height / 2
            return
        points = self._points(k)
        for t in (0.5, 0.38, 0.62, 0.26, 0.74, 0.14, 0.86):
            for (x1, y1), (x2, y2) in pairwise(points):
                smooth = t * t * (3 - 2 * t)  # that of the curve, near enough
                yield x1 + (x2 - x1) * smooth, y1 + (y2 - y1) * t

    def _labels(self, canvas: Canvas) -> None:
        """Each label beside its edge, where it covers no node and no other label if there is such a place."""
        taken = [
            (p.x - p.width / 2, self.tops[p.row], p.x + p.width / 2, self.tops[p.row] + p.height)
            for p in self.places[: len(self.graph.nodes)]
        ]
        styles = looks(self.graph.actions)
        for k, (edge, _) in enumerate(self.ways):
            lines = edge_label(edge, self.graph)
            w, h = max(width_of(line, SMALL) for line in lines), len(lines) * SMALL * SPACING
            best, least = (0.0, 0.0), float("inf")
            for x, y in self._along(k):
                for left in (x + 5, x - w - 5):
                    box = (left, y - h / 2, left + w, y + h / 2)
                    covered = sum(_overlap(box, other) for other in taken)
                    if covered < least:
                        best, least = (left, y - h / 2), covered
                if least == 0:
                    break
            left, top = best
            taken.append((left, top, left + w, top + h))
            self.width = max(self.width, left + w - LEFT)
            for n, line in enumerate(lines):
                canvas.text(
                    left,
                    top + (n + 0.8) * SMALL * SPACING,
                    line,
                    size=SMALL,
                    fill=styles[edge.action].text,
                    halo=True,
                )

    def _draw_node(self, canvas: Canvas, node: GraphNode) -> None:
        place = self.places[node.number]
        x, y = place.x - place.width / 2, self.tops[place.row]
        fill, stroke, width, radius = PAPER, INK, 1.2, 6.0
        if node.violated:
            fill, stroke, width = BAD_FILL, BAD_LINE, 2.5
        elif node.deadlocked:
            fill, width = STILL_FILL, 2.0
        elif node.initial:
            fill = START_FILL
        if node.deadlocked:
            radius = 0.0
        canvas.add(f'<g class="node" data-node="{node.number}">')
        canvas.add(f"<title>{_escape(tooltip(node))}</title>")
        if node.initial:
            canvas.rect(
                x - 3, y - 3, place.width + 6, place.height + 6, fill=PAPER, stroke=stroke, radius=radius + 2
            )
        canvas.rect(x, y, place.width, place.height, fill=fill, stroke=stroke, width=width, radius=radius)
        for k, line in enumerate(node_text(node)):
            canvas.text(x + 8, y + 6 + (k + 0.8) * SIZE * SPACING, line, size=SIZE)
        canvas.add("</g>")

    def _legend(self, canvas: Canvas) -> float:
        graph, y = self.graph, self.bottom + 24
        styles = looks(graph.actions)
        used = {e.action for e, _ in self.ways}
        canvas.text(10, y, graph.title, bold=True)
        wide = [graph.title, *graph.caption]
        for line in graph.caption:
            y += SIZE * SPACING
            canvas.text(10, y, line, fill=QUIET)
        for action in graph.actions:
            if action in used:
                y += SIZE * SPACING * 1.1
                look = styles[action]
                canvas.line(10, y - 4, 44, y - 4, stroke=look.line, width=2, dashes=look.dashes)
                canvas.text(52, y, action, fill=look.text)
        for fill, sample, words in marks_used(graph):
            y += SIZE * SPACING * 1.1
            if fill != PAPER:
                canvas.rect(
                    8, y - SIZE, width_of(sample, SIZE) + 4, SIZE + 4, fill=fill, stroke=fill, radius=0
                )
            canvas.text(10, y, f"{sample}   {words}")
            wide.append(f"{sample}   {words}")
        self.legend_width = max(width_of(line, SIZE) for line in wide) + 30
        return y + 14


Rectangle = tuple[float, float, float, float]


def _overlap(a: Rectangle, b: Rectangle) -> float:
    """How much of one box another covers."""
    wide, tall = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return wide * tall if wide > 0 and tall > 0 else 0.0


def _place(node: GraphNode, row: int) -> _DrawnPlace:
    lines = node_text(node)
    return _DrawnPlace(
        row, max(width_of(line, SIZE) for line in lines) + 16, len(lines) * SIZE * SPACING + 10
    )


def _escape(text: str) -> str:
    from html import escape

    return escape(text)
