"""Reports of histories that were decided, as text or JSON.

Guarantees: rendering is pure.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from ratified.follow.linearizability.check import HistoryOutcome
from ratified.follow.linearizability.history import History, Operation
from ratified.follow.linearizability.picture import sentence
from ratified.results.result import Verdict

SCHEMA = "ratified-linearizable/1"
MOST_SHOWN = 10


def linearizable_text(outcome: HistoryOutcome, history: History, took: float, html: Path | None) -> str:
    """Return the report as text, ending in a newline. `took` is in seconds."""
    count = f"{outcome.operations:,} operations" if outcome.operations != 1 else "1 operation"
    about = [
        ("history", history.source),
        (
            "operations",
            f"{outcome.operations:,}, {sum(o.pending for o in history.operations):,} of them pending",
        ),
        ("parts", f"{outcome.parts:,}"),
        ("searched", f"{outcome.configurations:,} configurations"),
        ("time", f"{took:.1f} s"),
    ]
    headline = {
        Verdict.HOLDS: f"HOLDS  {count}: linearizable",
        Verdict.VIOLATED: f"VIOLATED  {count}: not linearizable",
        Verdict.UNDECIDED: f"UNDECIDED  {count}: {outcome.stopped}",
    }[outcome.verdict]
    lines = [headline, "", *(f"{name:10}  {value}" for name, value in about)]
    if outcome.failure is not None:
        lines += ["", *_failure_lines(outcome, history)]
        lines += ["", f"drawn in {html}" if html else "--html FILE draws it"]
    return "\n".join(lines) + "\n"


def _failure_lines(outcome: HistoryOutcome, history: History) -> list[str]:
    failure = outcome.failure
    assert failure is not None
    line = history.line(failure.position)
    events = failure.position
    prefix = "are linearizable" if failure.exact else "are linearizable, and perhaps more"
    lines = [
        *textwrap.wrap(sentence(failure), 98, subsequent_indent="    ", break_on_hyphens=False),
        f"  it returns in line {line}; the {events:,} events before it {prefix}"
        if line
        else f"  it is event {events + 1:,}; the {events:,} events before it {prefix}",
        "",
        "concurrent operations",
    ]
    at = failure.operation.call
    others = [o for o in failure.operations if o != failure.operation and (o.end is None or o.end > at)]
    lines += [f"  {_line(o, history)}" for o in others[-MOST_SHOWN:]] or ["  none"]
    lines += ["", "operations before, in an order that explains them"]
    before = [o for o in failure.order if o.end is not None and o.end < at]
    lines += [f"  {_line(o, history)}" for o in before[-MOST_SHOWN:]] or ["  none"]
    return lines


def _line(operation: Operation, history: History) -> str:
    line = history.line(operation.call)
    return f"{operation!s:40}  process {operation.process}" + (f", line {line}" if line else "")


def too_long_json(path: Path, why: str) -> str:
    """Return that a history has more operations than were to be tried, as one JSON object."""
    report = {
        "schema": SCHEMA,
        "verdict": Verdict.UNDECIDED.value,
        "history": str(path),
        "operations": None,
        "parts": None,
        "configurations": None,
        "seconds": 0.0,
        "stopped": why,
        "failure": None,
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def linearizable_json(outcome: HistoryOutcome, history: History, took: float) -> str:
    """Return everything that is known, as one JSON object."""
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "verdict": outcome.verdict.value,
        "history": history.source,
        "operations": outcome.operations,
        "parts": outcome.parts,
        "configurations": outcome.configurations,
        "seconds": round(took, 3),
        "stopped": outcome.stopped,
        "failure": None,
    }
    failure = outcome.failure
    if failure is not None:
        report["failure"] = {
            "key": failure.part,
            "process": failure.operation.process,
            "operation": str(failure.operation),
            "events_before": failure.position,
            "line": history.line(failure.position),
            "exact": failure.exact,
            "states": list(failure.states),
            "order": [str(o) for o in failure.order],
        }
    return json.dumps(report, indent=2, ensure_ascii=False, default=str) + "\n"
