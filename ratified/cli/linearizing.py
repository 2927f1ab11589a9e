"""What `linearizable` does: read a history, decide it, say why."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from ratified.cli.checking import echo, write
from ratified.cli.loading import load_class
from ratified.follow.linearizability.check import Outcome, check_history
from ratified.follow.linearizability.history import History, Operation, TooLong, read_history
from ratified.follow.linearizability.models import MODELS, Register, SequentialModel
from ratified.follow.linearizability.picture import picture, sentence
from ratified.language.errors import RatifiedError
from ratified.results.result import Verdict

MOST_SHOWN = 10


def decide(
    path: Path,
    model: str,
    initial: str | None,
    seconds: float | None,
    operations: int,
    html: Path | None,
    form: str,
) -> int:
    """Decide a history and return the exit status."""
    if html is not None and not html.parent.is_dir():
        raise RatifiedError(f"{html} cannot be written: there is no folder {html.parent}")
    named = sequential(model, initial)
    began = time.monotonic()
    try:
        history = read_history(path, most=operations)
    except TooLong as problem:
        echo(f"UNDECIDED  {problem.message}\n  {problem.remedy}\n")
        return Verdict.UNDECIDED.exit_status
    outcome = check_history(history, named, seconds=seconds)
    took = time.monotonic() - began
    if html is not None and outcome.failure is not None:
        write(html, picture(outcome.failure, f"{path.name} is not linearizable"))
    echo(as_json(outcome, history, took) if form == "json" else as_text(outcome, history, took, html))
    return outcome.verdict.exit_status


def sequential(name: str, initial: str | None) -> SequentialModel:
    """Return the model of a name, or an instance of a person's class. Raises RatifiedError."""
    if name in MODELS:
        cls = MODELS[name]
        if initial is None:
            return cls()
        if not issubclass(cls, Register):
            raise RatifiedError(f"a {name} has no initial value", remedy="--initial is for registers")
        try:
            return cls(json.loads(initial))
        except ValueError:
            raise RatifiedError(
                f"--initial {initial} is not JSON", remedy="text has quotes: --initial '\"a\"'"
            ) from None
    if ":" not in name:
        raise RatifiedError(
            f"there is no model {name!r}",
            remedy=f"the models are {', '.join(MODELS)}; one of your own is path.py:Class or module:Class",
        )
    found = load_class(name)
    missing = [m for m in ("functions", "initial", "step", "part") if not hasattr(found, m)]
    if missing:
        raise RatifiedError(
            f"{found.__name__} is no sequential model: it has no `{missing[0]}`",
            remedy="it needs functions, initial(), step(state, operation) and part(operation)",
        )
    try:
        made: SequentialModel = found()
    except TypeError as problem:
        raise RatifiedError(
            f"{found.__name__} cannot be made: {problem}", remedy="it is called without arguments"
        ) from None
    return made


def as_text(outcome: Outcome, history: History, took: float, html: Path | None) -> str:
    """Return the report."""
    count = f"{outcome.operations:,} operations" if outcome.operations != 1 else "1 operation"
    about = [
        ("history", history.source),
        (
            "operations",
            f"{outcome.operations:,}, {sum(o.pending for o in history.operations):,} of them pending",
        ),
        ("parts", f"{outcome.parts:,}"),
        ("looked at", f"{outcome.configurations:,} configurations"),
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


def _failure_lines(outcome: Outcome, history: History) -> list[str]:
    failure = outcome.failure
    assert failure is not None
    line = history.line(failure.position)
    events = failure.position
    shortest = "linearizable up to there" if failure.exact else "linearizable up to there at least"
    lines = [
        f"{sentence(failure)}",
        f"  it returns in line {line}; the {events:,} events before are {shortest}"
        if line
        else f"  it is event {events + 1:,}; the {events:,} before are {shortest}",
        "",
        "at the same time",
    ]
    at = failure.operation.call
    others = [o for o in failure.operations if o != failure.operation and (o.end is None or o.end > at)]
    lines += [f"  {_told(o, history)}" for o in others[-MOST_SHOWN:]] or ["  nothing"]
    lines += ["", "before, in an order that explains it"]
    before = [o for o in failure.order if o.end is not None and o.end < at]
    lines += [f"  {_told(o, history)}" for o in before[-MOST_SHOWN:]] or ["  nothing"]
    return lines


def _told(operation: Operation, history: History) -> str:
    line = history.line(operation.call)
    return f"{operation!s:40}  process {operation.process}" + (f", line {line}" if line else "")


def as_json(outcome: Outcome, history: History, took: float) -> str:
    """Return the report for machines."""
    told: dict[str, Any] = {
        "schema": "ratified-linearizable/1",
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
        told["failure"] = {
            "key": failure.part,
            "process": failure.operation.process,
            "operation": str(failure.operation),
            "events_before": failure.position,
            "line": history.line(failure.position),
            "exact": failure.exact,
            "states": list(failure.states),
            "order": [str(o) for o in failure.order],
        }
    return json.dumps(told, indent=2, ensure_ascii=False, default=str) + "\n"
