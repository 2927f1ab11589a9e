"""Reports of bounded checks and inductions, as text or JSON. Rendering is pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ratified.cli.report.machine import json_trace, json_unchecked, json_violation
from ratified.cli.report.text import (
    Paint,
    duration,
    facts,
    labelled,
    trace_lines,
    violation_lines,
    what_failed,
)
from ratified.cli.report.words import model_and_settings, plural
from ratified.language.claims import not_checked
from ratified.language.values import show
from ratified.results.result import Verdict
from ratified.results.words import listed
from ratified.smt.finite.bounded import Bounded, InductionGap
from ratified.version import __version__

SCHEMA = "ratified-bounded/1"
_STYLE = {Verdict.HOLDS: "green", Verdict.VIOLATED: "red", Verdict.UNDECIDED: "yellow"}


def bounded_headline(name: str, found: Bounded) -> str:
    """Return the first line of the report, without colour."""
    return f"{found.verdict.value.upper()}  {name}: {_what(found)}"


def _what(found: Bounded) -> str:
    claims = plural(len(found.claims), "claim")
    if found.violation is not None:
        return what_failed(found.violation)
    ran_out = found.stopped is not None and found.stopped.startswith("the ")
    stopped = f"; {'stopped by ' if ran_out else ''}{found.stopped}" if found.stopped else ""
    proved = ""
    if found.proved_by == 1:
        proved = f"{claims} {_are(found)} inductive at this size"
    elif found.proved_by is not None:
        proved = f"{claims} proved by {found.proved_by}-induction at this size"
    elif found.complete:
        proved = f"{claims} {_hold(found)} in all runs, none of which has more than {plural((found.steps or 1) - 1, 'step')}"
    if proved:
        return proved if found.verdict is Verdict.HOLDS else f"{proved}, but a bound may be exceeded"
    if found.steps is None:
        return f"nothing was decided{stopped}"
    return f"no run of at most {plural(found.steps, 'step')} violates a claim; longer runs were not examined{stopped}"


def _hold(found: Bounded) -> str:
    return "holds" if len(found.claims) == 1 else "hold"


def _are(found: Bounded) -> str:
    return "is" if len(found.claims) == 1 else "are together"


def bounded_text(name: str, found: Bounded, *, color: bool = False) -> str:
    """Return the report as text, ending in a newline."""
    return "\n".join(line.rstrip() for line in _lines(name, found, Paint(color))).rstrip("\n") + "\n"


def _lines(name: str, found: Bounded, paint: Paint) -> Iterator[str]:
    yield from labelled(
        found.verdict.value.upper(), f"{name}: {_what(found)}", _STYLE[found.verdict], paint, gap=2
    )
    yield ""
    yield from facts(_about(found), paint)
    yield ""
    notes = [*found.notes, *([not_checked("bmc", found.unchecked)] if found.unchecked else [])]
    for note in notes:
        yield from labelled("note", note, "yellow", paint)
    if notes:
        yield ""
    if found.violation is not None:
        yield from violation_lines(found.violation, paint)
    elif found.induction is not None and found.proved_by is None:
        yield from _against(found.induction, paint)


def _about(found: Bounded) -> Iterator[tuple[str, str]]:
    yield from model_and_settings(found)
    yield "claims", listed(found.claims)
    if found.steps is not None:
        yield "runs", f"all of at most {plural(found.steps, 'step')}"
    yield "time", duration(found.seconds)


def _against(induction: InductionGap, paint: Paint) -> Iterator[str]:
    """A counterexample to induction: a run from a state that need not be reachable."""
    steps = plural(len(induction.trace.steps), "step")
    what = f"a run ({steps}) that satisfies every claim until it violates {induction.claim}"
    yield from labelled("counterexample to induction:", what, "bold", paint, gap=1)
    yield "its first state satisfies every claim, but need not be reachable"
    yield ""
    first, *rest = trace_lines(induction.trace, paint)
    yield first.replace("initial state", "first state")
    yield from rest


def bounded_json(name: str, found: Bounded) -> str:
    """Return everything that is known, as one JSON object."""
    against = found.induction
    report = {
        "schema": SCHEMA,
        "ratified": __version__,
        "name": name,
        "verdict": found.verdict.value,
        "exit_status": found.verdict.exit_status,
        "stopped": found.stopped,
        "model": found.model,
        "sizes": dict(found.sizes),
        "parameters": {parameter: show(value) for parameter, value in found.parameters.items()},
        "claims": list(found.claims),
        "steps": found.steps,
        "complete": found.complete,
        "proved_by": found.proved_by,
        "notes": list(found.notes),
        "not_checked": json_unchecked(found.unchecked),
        "seconds": round(found.seconds, 3),
        "violation": None if found.violation is None else json_violation(found.violation),
        "induction": None
        if against is None
        else {"claim": against.claim, "trace": json_trace(against.trace)},
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
