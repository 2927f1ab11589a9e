"""Reports for programs: JSON with everything in it.

Guarantees: JSON keeps to the schema in docs/reports.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ratified.cli.report.checks import Checked, Report, doubts
from ratified.language.claims import Unchecked
from ratified.language.errors import Span
from ratified.language.values import show
from ratified.results.changes import step_changes
from ratified.results.result import (
    BoundReport,
    ConstraintReport,
    State,
    Trace,
    Verdict,
    Violation,
)
from ratified.version import __version__

SCHEMA = "ratified-report/1"


def as_json(report: Report) -> str:
    """Return everything that is known, as one JSON object."""
    return json.dumps(_json_report(report), indent=2, ensure_ascii=False) + "\n"


def _json_report(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "ratified": __version__,
        "protocol": report.protocol,
        "verdict": report.verdict.value,
        "exit_status": report.exit_status,
        "checks": [_json_check(check) for check in report.checks],
        "others": [
            {
                "name": other.name,
                "kind": other.kind,
                "verdict": other.verdict.value,
                "headline": other.headline,
                "report": other.text,
                "seconds": other.seconds,
                "unchanged_since": other.since,
            }
            for other in report.others
        ],
        "refused": [
            {"name": one.name, "message": one.says, "place": json_place(one.span)} for one in report.refused
        ],
        "notes": list(report.notes),
    }


def _json_check(check: Checked) -> dict[str, Any]:
    result = check.result
    least, mean, greatest = result.out_degree
    return {
        "name": check.name,
        "description": check.description,
        "broken": check.broken,
        "as_expected": check.verdict is Verdict.HOLDS,
        "surprises": list(check.surprises),
        "verdict": result.verdict.value,
        "unchanged_since": check.since,
        "stopped": result.stopped,
        "model": result.model,
        "sizes": dict(result.sizes),
        "parameters": {name: show(value) for name, value in result.parameters.items()},
        "engine": result.engine,
        "symmetry": list(result.symmetry),
        "reduction": result.reduction,
        "distinct": result.distinct,
        "generated": result.generated,
        "depth": result.depth,
        "out_degree": {"least": least, "mean": mean, "greatest": greatest},
        "seconds": result.seconds,
        "memory_bytes": result.memory,
        "ranks": None
        if result.ranks is None
        else {
            "ranks": result.ranks.ranks,
            "machines": result.ranks.machines,
            "threads": result.ranks.threads,
            "imbalance": result.ranks.imbalance,
            "sent_bytes": result.ranks.sent,
        },
        "actions": [
            {"name": a.name, "fired": a.fired, "new": a.new, "switched_off": a.switched_off}
            for a in result.actions
        ],
        "properties": [
            {
                "name": p.name,
                "kind": p.kind.value,
                "verdict": p.verdict.value,
                "vacuous": p.vacuous,
                "place": json_place(p.span),
            }
            for p in result.properties
        ],
        **json_cuts(result.bounds, result.constraints),
        "notes": list(result.notes),
        "warnings": [{"rule": d.kind, "text": d.says, "place": json_place(d.span)} for d in doubts(check)],
        "not_checked": json_unchecked(result.unchecked),
        "violation": None if result.violation is None else json_violation(result.violation),
    }


def json_cuts(
    bounds: Sequence[BoundReport], constraints: Sequence[ConstraintReport]
) -> dict[str, list[dict[str, Any]]]:
    """Return bounds that were left and constraints, under their names in JSON."""
    return {
        "bounds": [
            {"what": b.what, "action": b.action, "times": b.times, "place": json_place(b.span)}
            for b in bounds
        ],
        "constraints": [{"name": c.name, "times": c.times} for c in constraints],
    }


def json_unchecked(claims: Iterable[Unchecked]) -> list[dict[str, str]]:
    """Return claims that were not checked for JSON."""
    return [{"name": claim.name, "kind": claim.kind} for claim in claims]


def json_place(span: Span | None) -> dict[str, Any] | None:
    """Return a place in the source for JSON."""
    if span is None:
        return None
    return {
        "file": _file(span),
        "line": span.line,
        "column": span.column + 1,
        "end_line": span.end_line,
        "end_column": span.end_column + 1,
    }


def _file(span: Span) -> str:
    """The file of a place, as messages name it."""
    return str(span).rsplit(":", 2)[0]


def json_violation(violation: Violation) -> dict[str, Any]:
    """Return a violation for JSON."""
    return {
        "kind": violation.kind.value,
        "name": violation.name,
        "detail": violation.detail,
        "place": json_place(violation.span),
        "trace": json_trace(violation.trace),
    }


def json_trace(trace: Trace) -> dict[str, Any]:
    """Return a run for JSON."""
    return {
        "initial": _json_state(trace.initial),
        "steps": [
            {
                "number": number,
                "action": step.action,
                "arguments": {name: show(value) for name, value in step.arguments},
                "changes": [
                    {"path": c.path, "kind": c.kind.value, "old": c.old, "new": c.new, "copies": c.copies}
                    for c in changed
                ],
                "state": _json_state(step.state),
            }
            for number, (step, changed) in enumerate(
                zip(trace.steps, step_changes(trace), strict=True), start=1
            )
        ],
        "loop": trace.loop,
    }


def _json_state(state: State) -> dict[str, str]:
    return {name: show(value) for name, value in state.items()}
