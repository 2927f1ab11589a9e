"""Walks along every step of a model, for those who would rather replay them: as JSON, as runs in ITF, as a test for pytest.

Guarantees: the walks together take every step of the graph, in as few walks as `drive` plans; the same model gives the same text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratified.conform.cover import CoverPlan, Move
from ratified.conform.driving.driver import Driver, DriverMethod, begins_with, methods_of
from ratified.conform.driving.engine import moves_of
from ratified.conform.driving.graph import BEGIN, Ask, ModelGraph, TooManyStatesError
from ratified.conform.driving.shorter import walk_lines
from ratified.conform.driving.walk import Came, DrivingFailure, Session
from ratified.interchange.plain import written
from ratified.itf import as_itf
from ratified.language.errors import RatifiedError
from ratified.language.ir import Kind
from ratified.language.machine import state_dict
from ratified.language.model import Model, given_to
from ratified.language.values import Set, show
from ratified.results.result import Step, Trace

SCHEMA = "ratified-walks/1"


@dataclass(frozen=True, slots=True)
class ExportedWalks:
    """Walks along a graph: each a way of moves, the first of which begins."""

    graph: ModelGraph
    walks: tuple[tuple[Move, ...], ...]
    forbidden: bool

    def first_visits(self) -> Iterator[tuple[int, int, list[Ask]]]:
        """Where in which walk (0: as it begins) a state is come to first, with what is forbidden there."""
        seen: set[int] = set()
        for w, walk in enumerate(self.walks):
            for n, move in enumerate(walk):
                if self.forbidden and move.target not in seen:
                    seen.add(move.target)
                    yield w, n, self.graph.forbidden(move.target)


def any_method(model: Model) -> dict[str, DriverMethod]:
    """Methods that take each action with all its arguments."""
    found = {}
    for function in model.module.of_kind(Kind.ACTION):
        names = tuple(a.name for a in function.arguments)
        found[function.name] = DriverMethod(None, names, tuple(range(len(names))), chooses=False)
    return found


def every_argument(model: Model) -> tuple[str, ...]:
    """The parameters of the model's `init`."""
    return tuple(a.name for f in model.module.of_kind(Kind.INIT) for a in f.arguments)


def walks_of(model: Model, *, forbidden: bool, states: int) -> ExportedWalks:
    """Plan walks along every step. Raises RatifiedError where there are too many states."""
    graph = ModelGraph(model, any_method(model), every_argument(model), states)
    try:
        graph.all()
    except TooManyStatesError:
        raise RatifiedError(
            f"{model!r} has more than {states:,} states", remedy="choose smaller sizes, or more --states"
        ) from None
    return ExportedWalks(graph, tuple(map(tuple, CoverPlan(moves_of(graph)).walks())), forbidden)


def as_json(walks: ExportedWalks) -> str:
    """The walks as one JSON object: each step with what it does, and the state that it leads to."""
    graph = walks.graph
    forbidden = {(w, n): asks for w, n, asks in walks.first_visits()}
    told: list[dict[str, Any]] = []
    for w, walk in enumerate(walks.walks):
        steps = []
        for n, move in enumerate(walk):
            ask = _ask(graph, move)
            step: dict[str, Any] = {
                "arguments": graph.written(ask),
                "state": state_written(graph, move.target),
            }
            if ask.action != BEGIN:
                step = {"do": ask.action, **step}
            if (w, n) in forbidden:
                step["forbidden"] = [{"do": a.action, "arguments": graph.written(a)} for a in forbidden[w, n]]
            steps.append(step)
        told.append({"begin": steps[0], "steps": steps[1:]})
    document = {
        "schema": SCHEMA,
        "model": graph.model.module.name,
        "given": _given(graph.model),
        "states": len(graph.states) - 1,
        "edges": graph.count,
        "walks": told,
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def as_itf_files(walks: ExportedWalks) -> Iterator[tuple[str, str]]:
    """The walks as runs in ITF: the name and text of a file for each."""
    graph = walks.graph
    width = len(str(len(walks.walks)))
    for number, walk in enumerate(walks.walks, start=1):
        steps = []
        for move in walk[1:]:
            edge = graph.edges(move.source)[move.numbers[0][1]]
            steps.append(
                Step(
                    edge.action,
                    tuple(zip(graph.names(edge.action), edge.arguments, strict=True)),
                    state_dict(graph.machine, graph.states[move.target]),
                )
            )
        trace = Trace(state_dict(graph.machine, graph.states[walk[0].target]), tuple(steps))
        about = f"walk {number} of {len(walks.walks)} along every step"
        yield f"walk-{number:0{width}}.itf.json", as_itf(graph.model, trace, about)


PYTEST = '''\
"""Walks along every step of {model}, and what it forbids; written by `ratified drive --export pytest`."""

import pytest

from ratified.cli.driving import replayed

DRIVER = {driver!r}  # from the folder in which pytest is started
GIVEN = {given!r}
WALKS = [
{walks}]


@pytest.mark.parametrize("walk", WALKS, ids=range(1, len(WALKS) + 1))
def test_walk(walk: list[tuple[str, dict[str, object]]]) -> None:
    replayed(DRIVER, GIVEN, walk)
'''


def as_pytest(walks: ExportedWalks, target: str) -> str:
    """The walks as a test that replays them by a driver."""
    graph = walks.graph
    forbidden = {(w, n): asks for w, n, asks in walks.first_visits()}
    lines = []
    for w, walk in enumerate(walks.walks):
        lines.append("    [\n")
        for n, move in enumerate(walk):
            asks = (_ask(graph, move), *forbidden.get((w, n), ()))
            lines += [f"        ({ask.action!r}, {graph.written(ask)!r}),\n" for ask in asks]
        lines.append("    ],\n")
    return PYTEST.format(
        model=repr(graph.model), driver=target, given=_given(graph.model), walks="".join(lines)
    )


def replay(driver: Driver, model: Model, walk: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Ask for what a walk asks for, its first step being the beginning. Raises AssertionError with the walk where it deviates."""
    try:
        driver.begin(model)
        methods = methods_of(driver, model)
        graph = ModelGraph(model, methods, begins_with(driver, model), 1 << 62)
        session = Session(driver, graph, methods)
        (_, beginning), *rest = walk
        try:
            begin = graph.narrowed(graph.read(BEGIN, beginning))
            session.begin(begin)
            for action, arguments in rest:
                if action not in methods:
                    continue
                ask = graph.narrowed(graph.read(action, arguments))
                if session.may_ask(ask) and session.ask(ask).came is Came.NOT_ASKED:
                    return  # from here on the walk is another one
        except DrivingFailure as failure:
            lines = walk_lines("", session.walk)
            raise AssertionError("\n".join([failure.what, *failure.details, "", *lines])) from None
    finally:
        driver.close()


def _ask(graph: ModelGraph, move: Move) -> Ask:
    return graph.ask_of(graph.edges(move.source)[move.numbers[0][1]])


def state_written(graph: ModelGraph, state: int) -> dict[str, Any]:
    """A state as JSON, by variable."""
    variables = graph.machine.module.variables
    return {d.name: written(d.type, v) for d, v in zip(variables, graph.states[state], strict=True)}


def _given(model: Model) -> dict[str, Any]:
    """Sizes and parameters, as JSON from which they are read again."""
    return {name: _plain(value) for name, value in given_to(model).items()}


def _plain(value: object) -> Any:
    if isinstance(value, Set):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool) or type(value) is int else show(value)
