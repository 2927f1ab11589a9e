"""Reports of an implementation held to its model, as text or JSON.

Guarantees: rendering is pure; nothing here decides anything that a `Conformed` does not say.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ratified.cli.report.words import plural
from ratified.conform.cover import Covered
from ratified.conform.machine import Explored, regression_test
from ratified.conform.protocol import Protocol
from ratified.conform.simulation import Simulated
from ratified.conform.suite import Conformed
from ratified.results.result import Verdict

SCHEMA = "ratified-conform/1"


def not_taken(covered: Covered) -> list[str]:
    """Return what a driver did not take of a model's graph, and why, in lines."""
    lines = []
    if covered.reasons:
        lines += ["", "steps of the model that the implementation cannot take"]
        lines += [f"  {count:8,}  {reason}" for reason, count in sorted(covered.reasons.items())]
    if covered.failure:
        lines += ["", f"along the graph: {covered.failure}"]
    if covered.left_out:
        lines += ["", "steps that were not taken, without a reason: " + ", ".join(covered.left_out)]
    return lines


def graph_json(covered: Covered) -> dict[str, Any]:
    """Return what was driven of a model's graph, for JSON."""
    return {
        "states": covered.states,
        "edges": covered.edges,
        "taken": covered.taken,
        "walks": covered.walks,
        "least_walks": covered.least,
        "reasons": dict(covered.reasons),
        "failure": covered.failure,
    }


def conform_text(protocol: Protocol, result: Conformed, took: float) -> str:
    """Return the report as text, ending in a newline. `took` is in seconds."""
    explored, covered = result.explored or Explored(), result.covered
    events = result.events + result.stressed_events + explored.events
    what = {
        Verdict.HOLDS: f"{events:,} events, each a step of the model",
        Verdict.VIOLATED: "the implementation does not conform",
        Verdict.UNDECIDED: "no violation; not everything was decided",
    }[result.verdict]
    lines = [f"{result.verdict.value.upper()}  {protocol.name}: {what}", ""]
    histories = "" if result.failure is not None else "; the histories of clients are linearizable"
    lines.append(f"chaos       {plural(result.runs, 'run')}, {plural(result.events, 'event')}{histories}")
    if result.alone:
        lines.append(
            f"alone       {plural(result.alone, 'run')}, {plural(result.alone_steps, 'step')} of one node"
        )
    if result.stressed:
        came = "" if result.failure is not None else "; once faults ended, all that must happen did"
        lines.append(
            f"stress      {plural(result.stressed, 'run')}, {plural(result.stressed_events, 'event')}{came}"
        )
    if explored.runs:
        lines.append(f"hypothesis  {plural(explored.runs, 'run')}, {plural(explored.events, 'event')}")
    if covered is not None:
        lines.append(
            f"graph       {covered.states:,} states, {covered.edges:,} steps: {covered.taken:,} taken, "
            f"in {covered.walks:,} walks of {covered.driven / max(1, covered.walks):.0f} steps "
            f"(at least {covered.least:,} are needed)"
        )
    lines.append(f"time        {took:.1f} s")
    if explored.runs:
        lines += ["", "share of Hypothesis runs with"]
    width = max(map(len, explored.reached), default=0)
    for what_, count in explored.reached.items():
        if count:
            lines.append(f"  {what_:{width}}  {100 * count / max(1, explored.runs):3.0f} %")
    if covered is not None:
        lines += not_taken(covered)
    lines += [f"undecided  {why}" for why in result.undecided[:5]]
    if result.failure is not None:
        lines += ["", *_failure(protocol, result.failure)]
    if explored.found:
        found = Simulated(0, 3, 0, 0, Verdict.VIOLATED, explored.found, explored.why, explored.script)
        lines += ["", *_failure(protocol, found)]
    return "\n".join(lines) + "\n"


def _failure(protocol: Protocol, run: Simulated) -> Sequence[str]:
    found = Explored(script=run.schedule)
    alone = run.steps if run.alone else 0
    test = regression_test(protocol, run.nodes, run.seed, found, calm=run.calm, alone=alone)
    return (f"found by {run.found} (seed {run.seed}, {run.nodes} nodes)", run.why, "", "as a test:", "", test)


def conform_json(protocol: Protocol, result: Conformed, took: float) -> str:
    """Return everything that is known, as one JSON object."""
    explored, covered = result.explored or Explored(), result.covered
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "protocol": protocol.name,
        "verdict": result.verdict.value,
        "runs": result.runs,
        "events": result.events,
        "alone": {"runs": result.alone, "steps": result.alone_steps},
        "stress": {"runs": result.stressed, "events": result.stressed_events},
        "hypothesis": {
            "runs": explored.runs,
            "events": explored.events,
            "reached": dict(explored.reached),
        },
        "graph": None if covered is None else graph_json(covered),
        "undecided": result.undecided,
        "failure": None
        if result.failure is None
        else {
            "found": result.failure.found,
            "why": result.failure.why,
            "script": [str(s) for s in result.failure.schedule],
        },
        "seconds": round(took, 3),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
