"""Reports of random walks, as text or JSON.

Guarantees: rendering is pure; there is no time and no amount of memory in it, so that the same walks give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from ratified.cli.report.machine import json_cuts, json_place, json_trace, json_unchecked, json_violation
from ratified.cli.report.text import (
    Paint,
    cuts,
    facts,
    labelled,
    table,
    trace_lines,
    violation_lines,
    what_failed,
)
from ratified.cli.report.words import model_and_settings, plural
from ratified.explore.simulate import Simulation
from ratified.language.claims import not_checked
from ratified.language.values import show
from ratified.results.result import Verdict
from ratified.results.words import listed
from ratified.version import __version__

SCHEMA = "ratified-simulation/1"

NOT_SHORTEST = "counterexample, not necessarily a shortest one"


def simulation_headline(name: str, walked: Simulation) -> str:
    """Return the first line of the report, without colour."""
    return "  ".join(_headline(name, walked))


def _headline(name: str, walked: Simulation) -> tuple[str, str]:
    if walked.violation is not None:
        what = what_failed(walked.violation)
    else:
        looked = "no violation found" if walked.checked else "no property to check"
        what = f"{looked} in {plural(walked.runs, 'run')}; this is not a proof"
        if walked.stopped:
            what += f"; {walked.stopped}"
    return walked.verdict.value.upper(), f"{name}: {what}"


def simulation_text(name: str, walked: Simulation, *, show_run: bool = False, color: bool = False) -> str:
    """Return the report as text, with the first run in it if that is to be shown; it ends in a newline."""
    lines = list(_lines(name, walked, show_run, Paint(color)))
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"


def _lines(name: str, walked: Simulation, show_run: bool, paint: Paint) -> Iterator[str]:
    verdict, what = _headline(name, walked)
    style = "red" if walked.verdict is Verdict.VIOLATED else "yellow"
    yield from labelled(verdict, what, style, paint, gap=2)
    yield ""
    yield from facts(_about(walked), paint)
    yield ""
    if walked.fired:
        rows = [(action, f"{times:,}") for action, times in walked.fired.items()]
        yield from table(("action", "taken"), rows, "<>", paint)
        yield ""
    if walked.checked:
        failed = walked.violation
        properties = [
            (
                prop,
                kind.value,
                "VIOLATED" if failed and (failed.kind, failed.name) == (kind, prop) else "undecided",
            )
            for kind, prop, _ in walked.checked
        ]
        yield from table(("property", "kind", ""), properties, "<<<", paint)
        yield ""
    warnings = list(_warnings(walked, paint))
    yield from [*warnings, ""] if warnings else []
    if show_run:
        yield paint(f"the first run ({plural(len(walked.first.steps), 'step')})", "bold")
        yield ""
        yield from trace_lines(walked.first, paint)
    if walked.violation is not None:
        yield from violation_lines(walked.violation, paint, NOT_SHORTEST)


def _about(walked: Simulation) -> Iterator[tuple[str, str]]:
    yield from model_and_settings(walked)
    yield "seed", str(walked.seed)
    begun = "" if walked.runs == walked.asked else f" of {walked.asked:,}"
    yield "runs", f"{walked.runs:,}{begun}, of at most {plural(walked.length, 'step')}; {_ends(walked)}"
    yield "steps", f"{walked.steps:,}, at most {walked.longest:,} in a run"
    yield "states", f"{'more than ' if walked.more_distinct else ''}{walked.distinct:,} distinct"


def _ends(walked: Simulation) -> str:
    return (
        f"{walked.ended:,} ended early, in a state without successors" if walked.ended else "none ended early"
    )


def _warnings(walked: Simulation, paint: Paint) -> Iterator[str]:
    if walked.never_fired:
        yield from labelled("never fired", listed(walked.never_fired), "yellow", paint)
    if walked.switched_off:
        yield from labelled("switched off", listed(walked.switched_off), "cyan", paint, gap=2)
    if walked.unchecked:
        yield from labelled("note", not_checked("simulate", walked.unchecked), "yellow", paint)
    yield from cuts(walked.bounds, walked.constraints, paint)


def simulation_json(name: str, walked: Simulation) -> str:
    """Return everything that is known, as one JSON object."""
    report = {
        "schema": SCHEMA,
        "ratified": __version__,
        "name": name,
        "verdict": walked.verdict.value,
        "exit_status": walked.verdict.exit_status,
        "stopped": walked.stopped,
        "model": walked.model,
        "sizes": dict(walked.sizes),
        "parameters": {parameter: show(value) for parameter, value in walked.parameters.items()},
        "seed": walked.seed,
        "runs": walked.runs,
        "runs_asked": walked.asked,
        "runs_ended": walked.ended,
        "depth": walked.length,
        "longest": walked.longest,
        "steps": walked.steps,
        "distinct": walked.distinct,
        "more_distinct": walked.more_distinct,
        "actions": [
            {"name": action, "taken": times, "switched_off": action in walked.switched_off}
            for action, times in walked.fired.items()
        ],
        "properties": [
            {"name": prop, "kind": kind.value, "place": json_place(span)}
            for kind, prop, span in walked.checked
        ],
        "not_checked": json_unchecked(walked.unchecked),
        **json_cuts(walked.bounds, walked.constraints),
        "first_run": json_trace(walked.first),
        "violation": None if walked.violation is None else json_violation(walked.violation),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
