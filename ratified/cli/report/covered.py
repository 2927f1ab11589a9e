"""What traces exercised of a model, as text or JSON.

Guarantees: rendering is pure; at most 100 columns where source text can be cut.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ratified.follow.coverage import BRANCH, REFUSAL, Coverage, Point
from ratified.language.errors import RatifiedError
from ratified.language.machine import Values
from ratified.language.model import Model

WIDTH = 98


def coverage_lines(coverage: Coverage) -> Iterator[str]:
    """Yield how much was exercised, and then what was not, each with its place."""
    taken = sum(map(bool, coverage.actions.values()))
    yield f"coverage  {taken} of {len(coverage.actions)} actions"
    for kind, name in ((BRANCH, "branches"), (REFUSAL, "reasons for refusal")):
        met, of = coverage.count(kind)
        yield f"          {met} of {of} {name}"
    if coverage.never_taken:
        yield ""
        yield "actions that were never taken"
        yield from (f"  {name}" for name in coverage.never_taken)
    for kind, what in (
        (BRANCH, "branches that were never taken"),
        (REFUSAL, "reasons for refusal that never occurred"),
    ):
        missed = coverage.never(kind)
        if missed:
            yield ""
            yield what
            places = [f"  {_place(p)}  {p.method}" for p in missed]
            width = max(map(len, places))
            yield from (_cut(f"{at:{width}}  {p}") for at, p in zip(places, missed, strict=True))


def _place(point: Point) -> str:
    return f"{Path(point.span.file).name}:{point.span.line}"


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def coverage_json(coverage: Coverage) -> dict[str, Any]:
    """Return all that is known: each action and point, and in how many steps or refusals it was met."""
    return {
        "actions": dict(coverage.actions),
        **{
            name: [
                {
                    "method": p.method,
                    "file": p.span.file,
                    "line": p.span.line,
                    "column": p.span.column + 1,
                    "condition": p.text,
                    "outcome": p.outcome,
                    "met": times,
                }
                for p, times in coverage.met.items()
                if p.kind == kind
            ]
            for name, kind in (("branches", BRANCH), ("refusals", REFUSAL))
        },
    }


def exercised_by(report: Path, model: Model) -> Callable[[str, Values, Values], bool]:
    """Return what says of a step whether traces came to its action and to every branch that it takes, by a JSON report.

    Actions and branches are told by their names and text, so that the model may have another size than that of the traces.
    Raises RatifiedError.
    """
    try:
        covered = json.loads(report.read_text(encoding="utf-8"))["coverage"]
        actions = covered["actions"]
        met = {(b["method"], b["condition"], b["outcome"]) for b in covered["branches"] if b["met"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise RatifiedError(
            f"{report} is not a report of coverage",
            remedy="ratified trace BINDING TRACE... --coverage --format json > report.json",
        ) from None
    coverage = Coverage(model)
    if not set(actions) & set(coverage.actions):
        raise RatifiedError(f"{report} is of another model", remedy=f"it covers {', '.join(actions)}")

    def exercised(action: str, state: Values, arguments: Values) -> bool:
        points = coverage.points_of(action, state, arguments)
        branches = {(p.method, p.text, p.outcome) for p in points if p.kind == BRANCH}
        return bool(actions.get(action)) and branches <= met

    return exercised
