"""What the page shows, as plain values: a state as tables, what is possible there, and the drawing of its surroundings.

Guarantees: text only; the page puts it in as text, so nothing that a model's author wrote becomes markup.
"""

from __future__ import annotations

from typing import Any

from ratified.diagram.dot import to_dot
from ratified.diagram.explorer.walk import Option, StepNumbers, Walker
from ratified.diagram.layered import to_svg as layered_svg
from ratified.diagram.picture import GraphEdge, GraphNode, Picture
from ratified.diagram.render import NoDot, laid_out, plain_svg
from ratified.diagram.views import change_lines, whole_lines
from ratified.language.errors import RatifiedError
from ratified.language.ir import Kind
from ratified.language.machine import StepError, Values
from ratified.language.values import Bag, Map, Set, show

NEAR = 24
"""Neighbours that are drawn; of more, a note says how many."""


def about(walker: Walker) -> dict[str, Any]:
    """What there is to know of the model."""
    module = walker.model.module
    claims = [f for kind in (Kind.INVARIANT, Kind.STEP_INVARIANT) for f in module.of_kind(kind)]
    return {
        "model": repr(walker.model),
        "doc": module.doc,
        "variables": list(walker.names),
        "claims": [f.name for f in claims],
        "initial": [walker.link((k,)) for k in range(len(walker.initial()))],
    }


def state_page(walker: Walker, path: StepNumbers) -> dict[str, Any]:
    """A state: its values, what changed, what is wrong, what is possible. Raises NoSuchState."""
    state = walker.state(path)
    before = walker.state(path[:-1]) if len(path) > 1 else None
    problem = None
    options: tuple[Option, ...] = ()
    try:
        options = walker.options(state)
    except StepError as error:
        problem = str(error)
    return {
        "link": walker.link(path),
        "steps": len(path) - 1,
        "tables": tables(walker, state, before),
        "wrong": walker.wrong(path),
        "problem": problem,
        "deadlock": not options and problem is None,
        "actions": [_option(walker, path, state, option) for option in options],
        "run": [{"call": "initial state", "link": walker.link(path[:1])}]
        + [
            {"call": walker.taken(path[:n]).call, "link": walker.link(path[:n])}
            for n in range(2, len(path) + 1)
        ],
    }


def _option(walker: Walker, path: StepNumbers, state: Values, option: Option) -> dict[str, Any]:
    look = walker.looks[option.action]
    told: list[str] = []
    if option.state is not None:
        told = list(change_lines(walker.names, state, option.state)) or ["nothing changes"]
    return {
        "action": option.action,
        "call": option.call,
        "link": None if option.number is None else walker.link((*path, option.number)),
        "why": option.why,
        "changes": told,
        "colour": look.line,
        "text": look.text,
    }


# --- tables ---


def tables(walker: Walker, state: Values, before: Values | None) -> list[dict[str, Any]]:
    """A table for each sort that keys maps, with a column for each of its values, and one of all other variables."""
    keyed: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    rest: list[dict[str, Any]] = []
    for k, (name, value) in enumerate(zip(walker.names, state, strict=True)):
        old = None if before is None else before[k]
        if isinstance(value, Map) and value:
            cells = [
                _cell(
                    held,
                    None if before is None or not isinstance(old, Map) else old[key],
                    known=before is not None,
                )
                for key, held in value.items()
            ]
            keyed.setdefault(tuple(map(show, value)), []).append({"name": name, "cells": cells})
        else:
            rest.append({"name": name, "cells": [_cell(value, old, known=before is not None)]})
    found = [{"columns": list(columns), "rows": rows} for columns, rows in keyed.items()]
    return [*found, {"columns": [], "rows": rest}] if rest else found


def _cell(value: Any, old: Any, *, known: bool) -> dict[str, Any]:
    """A value in lines, and whether the last step changed it."""
    changed = known and old != value
    if isinstance(value, Set | Bag):
        copies = value.count if isinstance(value, Bag) else lambda _: 1
        items = list(value.distinct() if isinstance(value, Bag) else value)
        lines = [f"{copies(i)} x {show(i)}" if copies(i) > 1 else show(i) for i in items]
        return {"lines": lines or ["(empty)"], "changed": changed}
    return {"lines": ["-" if value is None else show(value)], "changed": changed}


# --- the drawing ---


def neighbourhood(walker: Walker, path: StepNumbers) -> dict[str, Any]:
    """The state, where the run came from, and where it may go, drawn: an SVG, and the link of each node."""
    state = walker.state(path)
    options = [o for o in _options(walker, state) if o.number is not None]
    targets: dict[Values, list[Option]] = {}
    for option in options:
        assert option.state is not None
        if option.state != state:
            targets.setdefault(option.state, []).append(option)
    shown = list(targets)[:NEAR]
    links = []
    nodes: list[GraphNode] = []
    edges: list[GraphEdge] = []

    def add(
        values: Values, lines: tuple[str, ...], level: int, link: str | None, *, here: bool = False
    ) -> int:
        bad = {name.split(" ")[0]: 1 for name in _bad(walker, values)}
        example = dict(zip(walker.names, values, strict=True))
        number = len(nodes)
        nodes.append(GraphNode(number, lines, level, 1, example, violated=bad, focused=here))
        links.append(link)
        return number

    if len(path) > 1:
        old = walker.state(path[:-1])
        came = add(old, ("(before)",), 0, walker.link(path[:-1]))
        if old != state:
            middle = add(state, change_lines(walker.names, old, state), 1, walker.link(path), here=True)
            edges.append(_edge(came, middle, [walker.taken(path)]))
        else:
            middle = came
    else:
        middle = add(state, whole_lines(walker.names, state), 1, walker.link(path), here=True)
    before = 0 if len(path) > 1 else None
    for values in shown:
        by: dict[str, list[Option]] = {}
        for option in targets[values]:
            by.setdefault(option.action, []).append(option)
        if before is not None and values == walker.state(path[:-1]):
            number = before
        else:
            first = targets[values][0].number
            assert first is not None
            number = add(values, change_lines(walker.names, state, values), 2, walker.link((*path, first)))
        edges += [_edge(middle, number, several) for several in by.values()]
    more = len(targets) - len(shown)
    graph = Picture(
        walker.model.module.name,
        {},
        {},
        tuple(walker.looks),
        len(nodes),
        len(edges),
        3,
        tuple(nodes),
        tuple(edges),
    )
    try:
        svg = plain_svg(laid_out(to_dot(graph, bare=True), "svg").decode())
    except NoDot:
        svg = layered_svg(graph)
    return {"svg": svg, "links": links, "more": more}


def _options(walker: Walker, state: Values) -> tuple[Option, ...]:
    try:
        return walker.options(state)
    except StepError:
        return ()


def _bad(walker: Walker, state: Values) -> list[str]:
    found = []
    for f in walker.model.module.of_kind(Kind.INVARIANT):
        try:
            if walker.machine.refuted_by(f.name, state) is not None:
                found.append(f.name)
        except RatifiedError:
            found.append(f.name)
    return found


def _edge(source: int, target: int, options: list[Option]) -> GraphEdge:
    calls = tuple(", ".join(show(v) for _, v in o.arguments) for o in options)
    return GraphEdge(source, target, options[0].action, len(options), 1, False, calls)
