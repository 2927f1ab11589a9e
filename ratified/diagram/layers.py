"""Layers: every node has a row, so that rows of one level come before those of the next and no edge stays within a row.

Guarantees: rows are numbered from 0 without gaps; a level takes as many rows as its longest chain of steps within it; only steps
that close a cycle within a level lead upwards in it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ratified.diagram.picture import Picture


@dataclass(frozen=True, slots=True)
class Rows:
    """`of` each node its row; `level` of each row where a level begins, None in those that go on with it."""

    of: tuple[int, ...]
    level: tuple[int | None, ...]


def rows(graph: Picture) -> Rows:
    """The row of each node."""
    levels: dict[int, list[int]] = defaultdict(list)
    for node in graph.nodes:
        levels[node.level].append(node.number)
    inside: dict[int, list[int]] = defaultdict(list)
    for edge in graph.drawn_edges:
        s, t = edge.source, edge.target
        if s != t and graph.nodes[s].level == graph.nodes[t].level and t not in inside[s]:
            inside[s].append(t)
    of = [0] * len(graph.nodes)
    begins: list[int | None] = []
    for level, members in sorted(levels.items()):
        deep = _depths(members, inside)
        for n in members:
            of[n] = len(begins) + deep[n]
        begins += [level, *[None] * max(deep.values())]
    return Rows(tuple(of), tuple(begins))


def _depths(members: list[int], inside: dict[int, list[int]]) -> dict[int, int]:
    """How far down its level each node is: the longest chain of steps to it, those that close a cycle left out."""
    finished: list[int] = []
    state: dict[int, int] = {}  # 1 on the way, 2 finished
    closing: set[tuple[int, int]] = set()
    for root in members:
        if root in state:
            continue
        path = [(root, iter(inside[root]))]
        state[root] = 1
        while path:
            node, rest = path[-1]
            target = next(rest, None)
            if target is None:
                state[node] = 2
                finished.append(node)
                path.pop()
            elif target not in state:
                state[target] = 1
                path.append((target, iter(inside[target])))
            elif state[target] == 1:
                closing.add((node, target))
    deep = dict.fromkeys(members, 0)
    for node in reversed(finished):
        for target in inside[node]:
            if (node, target) not in closing:
                deep[target] = max(deep[target], deep[node] + 1)
    return deep
