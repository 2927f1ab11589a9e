"""What traces exercised of a model, as text or JSON.

Guarantees: rendering is pure; at most 100 columns where source text can be cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ratified.follow.coverage import BRANCH, REFUSAL, Coverage, Point

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
        (REFUSAL, "reasons for refusal that never came up"),
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
