"""Views: what of a state a picture tells apart, and how that is written in a node.

Guarantees: a view is named by the model (`@view`), or written as expressions over its variables; of what is neither, the message
says what there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from ratified.language.errors import ModelError, RatifiedError
from ratified.language.ir import Kind
from ratified.language.machine import Values
from ratified.language.model import Model
from ratified.language.query import Query, expressions, view_query
from ratified.language.values import Map, show
from ratified.results.changes import ChangeKind, changes, compact

WIDEST = 38
"""Characters in a line of a node; longer ones are broken, never cut."""


@dataclass(frozen=True, slots=True)
class View:
    """What states are merged by: the query, and its name as a person knows it."""

    name: str
    query: Query


def view_of(model: Model, text: str) -> View:
    """The view that a person means: one of the model's, or expressions over its variables.

    Raises:
        ModelError: it is neither; the message says what there is.
    """
    if text in views_of(model):
        return View(text, view_query(model, text))
    try:
        query = expressions(model, text)
    except ModelError as problem:
        has = ", ".join(views_of(model)) or "none"
        raise RatifiedError(
            f"{model.module.name} has no view {text!r}, and it names no variables\n{problem}",
            remedy=f"its views: {has}",
        ) from None
    return View(query.text, query)


def views_of(model: Model) -> tuple[str, ...]:
    """The views that a model declares, in order; the first is the one to draw where nothing is asked for."""
    return tuple(f.name for f in model.module.of_kind(Kind.VIEW))


# --- words ---


def broken(text: str) -> list[str]:
    """A line as several, if it is long: what goes on is indented."""
    if len(text) <= WIDEST:
        return [text]
    return wrap(text, WIDEST, subsequent_indent="  ", break_long_words=True, break_on_hyphens=False)


def view_lines(parts: Mapping[str, Any]) -> tuple[str, ...]:
    """What a view says of a state, in lines: a line for each key where its parts are maps with the same keys."""
    values = list(parts.values())
    maps = [v for v in values if isinstance(v, Map)]
    if maps and len(maps) == len(values) and all(list(m) == list(maps[0]) for m in maps):
        lines = [f"{show(key)}: {', '.join(_plain(m[key]) for m in maps)}" for key in maps[0]]
    else:
        lines = list(_part_lines(parts))
    return tuple(short for line in lines for short in broken(line))


def _part_lines(parts: Mapping[str, Any]) -> Iterator[str]:
    for name, value in parts.items():
        if type(value) is tuple and len(parts) == 1:
            for item in value:
                yield from _part_lines({name: item})
        elif hasattr(type(value), "__record_types__"):
            yield from _record_lines(value)
        elif isinstance(value, Map):
            yield from (f"{show(k)}: {_plain(v)}" for k, v in value.items())
        elif len(parts) == 1:
            yield _plain(value)
        else:
            yield f"{name}: {_plain(value)}"


def _record_lines(value: Any) -> Iterator[str]:
    """The fields of a record, as many side by side as fit."""
    row: list[str] = []
    for field in type(value).__match_args__:
        held = getattr(value, field)
        shown = (
            [f"{field} {show(k)}: {_plain(v)}" for k, v in held.items()]
            if isinstance(held, Map)
            else [f"{field}: {_plain(held)}"]
        )
        for text in shown:
            if row and len(", ".join([*row, text])) > WIDEST:
                yield ", ".join(row)
                row = []
            row.append(text)
    if row:
        yield ", ".join(row)


def _plain(value: Any) -> str:
    """A value without brackets around a tuple."""
    if type(value) is tuple:
        return ", ".join(map(_plain, value))
    if value is None:
        return "-"
    return show(value)


def whole_lines(names: tuple[str, ...], state: Values) -> tuple[str, ...]:
    """All of a state, a variable at a time."""
    return tuple(
        short
        for name, value in zip(names, state, strict=True)
        for short in broken(f"{name} = {compact(value)}")
    )


def change_lines(names: tuple[str, ...], before: Values, after: Values) -> tuple[str, ...]:
    """What a step changed."""
    lines = []
    for change in changes(dict(zip(names, before, strict=True)), dict(zip(names, after, strict=True))):
        copies = f"{change.copies} x " if change.copies > 1 else ""
        match change.kind:
            case ChangeKind.ADDED:
                lines.append(f"{change.path} + {copies}{change.new}")
            case ChangeKind.REMOVED:
                lines.append(f"{change.path} - {copies}{change.old}")
            case ChangeKind.REPLACED:
                lines.append(f"{change.path} = {change.new}")
    return tuple(short for line in lines for short in broken(line))
