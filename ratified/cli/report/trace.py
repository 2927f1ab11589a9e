"""Reports of recorded runs followed through a model, as text or JSON.

Guarantees: rendering is pure.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from ratified.cli.report.covered import coverage_json, coverage_lines
from ratified.follow.follower import Follower
from ratified.follow.merge import Merged
from ratified.follow.mismatch import explain, told
from ratified.follow.source import STANDARD_INPUT, name_of
from ratified.results.result import Verdict

SCHEMA = "ratified-trace/1"


@dataclass(frozen=True, slots=True)
class FollowedTrace:
    """One trace that was followed. `took` is in seconds."""

    follower: Follower
    path: Path
    took: float
    merged: Merged | None = None


def traces_text(runs: Sequence[FollowedTrace]) -> str:
    """Return the reports of runs as text, and what they exercised together if that was asked for."""
    reports = [trace_text(run) for run in runs]
    coverage = runs[-1].follower.coverage
    if coverage is not None:
        reports.append("\n".join(coverage_lines(coverage)) + "\n")
    return "\n".join(reports)


def traces_json(runs: Sequence[FollowedTrace]) -> str:
    """Return everything as one JSON object: of one run its report, of several a list of these under `runs`."""
    coverage = runs[-1].follower.coverage
    reports = [_report(run) for run in runs]
    verdict = worst(run.follower.result.verdict for run in runs)
    several: dict[str, Any] = {"schema": SCHEMA, "verdict": verdict.value, "runs": reports}
    report = reports[0] if len(runs) == 1 else several
    report["coverage"] = None if coverage is None else coverage_json(coverage)
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return what several come to: violated if one is, else undecided if one is."""
    found = set(verdicts)
    return next(v for v in (Verdict.VIOLATED, Verdict.UNDECIDED, Verdict.HOLDS) if v in found)


def trace_text(run: FollowedTrace) -> str:
    """Return the report as text, ending in a newline."""
    follower, path, took = run.follower, run.path, run.took
    result = follower.result
    count = f"{result.events:,} event{'' if result.events == 1 else 's'}"
    model = follower.machine.module.name
    headline = {
        Verdict.HOLDS: f"HOLDS  {name_of(path)}: {count}, each a step of {model}",
        Verdict.VIOLATED: f"VIOLATED  {name_of(path)}: after {count}, one that {model} does not allow",
        Verdict.UNDECIDED: f"UNDECIDED  {name_of(path)}: after {count}: {result.stopped}",
    }[result.verdict]
    rate = f", {result.events / took:,.0f} events/s" if took >= 0.1 else ""
    lines = [headline, ""]
    about = [
        ("binding", type(follower.binding).__name__),
        ("model", repr(follower.model)),
        ("states", f"at most {result.most_states:,} explain what was observed"),
        *([] if run.merged is None else [("orders", _orders(run.merged))]),
        ("claims", _claims(follower)),
        ("time", f"{took:.1f} s{rate}"),
    ]
    lines += [f"{name:8} {value}" for name, value in about]
    for why, claims in groupby(follower.claims.unasked, follower.claims.why_not):
        lines += textwrap.wrap(
            f"not checked: {', '.join(map(str, claims))}: {why}",
            98,
            initial_indent=9 * " ",
            subsequent_indent=9 * " ",
        )
    if result.actions:
        width = max(map(len, result.actions))
        lines += ["", f"{'action':{width}}  events"]
        lines += [f"{name:{width}}  {times:6,}" for name, times in sorted(result.actions.items())]
    never = (
        ("never taken", follower.actions_never_taken),
        ("never met", follower.events_never_met),
    )
    if any(names for _, names in never):
        lines.append("")
    for what, names in never:
        if names:
            lines += textwrap.wrap(f"{what:12} {', '.join(names)}", 98, subsequent_indent=13 * " ")
    if result.mismatch is not None:
        lines += ["", told(follower, _place(path))]
    return "\n".join(lines) + "\n"


def _place(path: Path) -> str:
    return name_of(path) if path == STANDARD_INPUT else str(path)


def _orders(merged: Merged) -> str:
    """How many orders of events were open at once."""
    more = ", and others were left out" if merged.left_out else ""
    return f"at most {merged.most_orders:,} orders of the events so far were considered at once{more}"


def _claims(follower: Follower) -> str:
    """Which claims of the model were asked of the run."""
    claims = follower.claims
    if not claims.asked:
        return "none was checked"
    when = "every step" if claims.every == 1 else f"the states after every {claims.every:,} events"
    return f"{len(claims.asked):,} checked in {when}"


def _report(run: FollowedTrace) -> dict[str, Any]:
    """Return everything that is known of one run."""
    follower, path, took = run.follower, run.path, run.took
    merged = run.merged
    result = follower.result
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "verdict": result.verdict.value,
        "trace": _place(path),
        "model": follower.machine.module.name,
        "events": result.events,
        "actions": dict(sorted(result.actions.items())),
        "claims": {
            "asked": list(follower.claims.asked),
            "asked_every": follower.claims.every,
            "not_asked": [
                {"name": c.name, "kind": c.kind, "why": follower.claims.why_not(c)}
                for c in follower.claims.unasked
            ],
        },
        "actions_never_taken": list(follower.actions_never_taken),
        "events_never_met": list(follower.events_never_met),
        "most_states": result.most_states,
        "orders": merged and {"most": merged.most_orders, "left_out": merged.left_out},
        "seconds": round(took, 3),
        "stopped": result.stopped,
        "mismatch": None,
    }
    if result.mismatch is not None:
        why = explain(follower)
        near = why.meant[0] if why.meant else None
        report["mismatch"] = {
            "event": result.mismatch.number,
            "line": result.mismatch.event.line,
            "what": str(result.mismatch.event),
            "claim": result.mismatch.claim,
            "meant": list(near.path) if near else None,
            "blocked": [{"step": b.step, "reason": b.reason} for b in why.blocked],
            "differences": [
                {"place": d.place, "expected": str(d.expected), "observed": str(d.observed)}
                for d in (near.differences if near else ())
                if d.differs
            ],
            "possible": dict(why.possible),
            "nearest": why.nearest.path[0] if why.nearest else None,
        }
    return report
