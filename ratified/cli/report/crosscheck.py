"""Reports of a crosscheck: our exploration beside TLC's, as text or JSON.

Guarantees: rendering is pure; an undecided crosscheck never looks like one that agrees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from ratified.cli.report.machine import json_trace
from ratified.cli.report.text import Paint, duration, facts, labelled, table, trace_lines
from ratified.language.model import Model, given_to
from ratified.language.values import show
from ratified.results.errors import EvaluationError
from ratified.results.result import Result, Verdict
from ratified.tla import Agreement
from ratified.version import __version__

SCHEMA = "ratified-crosscheck/1"

_WORDS = {Verdict.HOLDS: "AGREES", Verdict.VIOLATED: "DISAGREES", Verdict.UNDECIDED: "UNDECIDED"}
_STYLES = {Verdict.HOLDS: "green", Verdict.VIOLATED: "red", Verdict.UNDECIDED: "yellow"}


@dataclass(frozen=True, slots=True)
class Crosschecked:
    """A model, what both sides say of it, and how long ours took, in seconds."""

    name: str
    model: Model
    agreement: Agreement
    seconds: float


def crosscheck_headline(made: Crosschecked) -> str:
    """Return the first line of the report, without colour."""
    return "  ".join(_headline(made))


def _headline(made: Crosschecked) -> tuple[str, str]:
    found = made.agreement
    if found.differences:
        what = "; ".join(found.differences)
    elif found.undecided:
        what = found.undecided
    else:
        what = f"TLC agrees: {_found(made)}"
    return _WORDS[found.verdict], f"{made.name}: {what}"


def _found(made: Crosschecked) -> str:
    ours = made.agreement.ours
    if isinstance(ours, EvaluationError):
        return f"an error, {ours.message}"
    if ours is None:
        return "no initial state"
    if ours.violation is not None:
        steps = len(ours.violation.trace.steps)
        return f"{ours.violation.name} is violated after {steps} step{'' if steps == 1 else 's'}"
    return f"{ours.distinct:,} states, depth {ours.depth}"


def crosscheck_text(made: Crosschecked, *, color: bool = False) -> str:
    """Return the report as text, ending in a newline."""
    lines = list(_lines(made, Paint(color)))
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"


def _lines(made: Crosschecked, paint: Paint) -> Iterator[str]:
    found = made.agreement
    word, what = _headline(made)
    yield from labelled(word, what, _STYLES[found.verdict], paint, gap=2)
    yield ""
    given = given_to(made.model).items()
    about = [("model", made.model.module.name), ("sizes", " ".join(f"{n}={show(v)}" for n, v in given))]
    if found.theirs.version:
        about.append(("TLC", found.theirs.version))
    yield from facts([(name, text) for name, text in about if text], paint)
    yield ""
    yield from table(("", "Ratified", "TLC"), _rows(made), "<>>", paint)
    if found.trace is not None:
        yield ""
        yield paint("TLC's counterexample, as a run of the model", "bold")
        yield ""
        yield from trace_lines(found.trace, paint)


def _rows(made: Crosschecked) -> list[tuple[str, str, str]]:
    ours, theirs = made.agreement.ours, made.agreement.theirs
    result = ours if isinstance(ours, Result) else None

    def number(value: int | None) -> str:
        return "-" if value is None else f"{value:,}"

    violated = result is not None and result.violation is not None
    mine = len(result.violation.trace) if result is not None and result.violation is not None else None
    rows = [
        ("verdict", _our_verdict(made), theirs.verdict),
        ("distinct states", number(result.distinct if result is not None else None), number(theirs.distinct)),
        ("depth", number(result.depth if result is not None else None), number(theirs.depth)),
    ]
    if violated or theirs.verdict == "violated":
        rows.append(("counterexample", number(mine), number(len(theirs.states) or None)))
    rows.append(("time", duration(made.seconds), duration(theirs.seconds)))
    return rows


def _our_verdict(made: Crosschecked) -> str:
    ours = made.agreement.ours
    if isinstance(ours, EvaluationError):
        return "error"
    return "no initial state" if ours is None else ours.verdict.value


def crosscheck_json(made: Crosschecked) -> str:
    """Return everything that is known, as one JSON object."""
    found, theirs = made.agreement, made.agreement.theirs
    ours = found.ours if isinstance(found.ours, Result) else None
    report = {
        "schema": SCHEMA,
        "ratified": __version__,
        "name": made.name,
        "verdict": found.verdict.value,
        "exit_status": found.verdict.exit_status,
        "differences": list(found.differences),
        "undecided": found.undecided or None,
        "model": made.model.module.name,
        "given": {name: show(value) for name, value in given_to(made.model).items()},
        "ours": {
            "verdict": _our_verdict(made),
            "distinct": ours.distinct if ours is not None else None,
            "depth": ours.depth if ours is not None else None,
            "violated": ours.violation.name if ours is not None and ours.violation else None,
            "counterexample": len(ours.violation.trace) if ours is not None and ours.violation else None,
            "seconds": made.seconds,
        },
        "tlc": {
            "version": theirs.version,
            "verdict": theirs.verdict,
            "message": theirs.message or None,
            "distinct": theirs.distinct,
            "depth": theirs.depth,
            "violated": theirs.violated or None,
            "counterexample": len(theirs.states) or None,
            "seconds": theirs.seconds,
            "trace": None if found.trace is None else json_trace(found.trace),
        },
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
