"""Reports of runs in the simulator, as text or JSON.

Guarantees: rendering is pure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ratified.cli.report.text import Paint
from ratified.results.result import Verdict
from ratified.simulator import SimulatedRun

SCHEMA = "ratified-run/1"


@dataclass(frozen=True, slots=True)
class SimulatedRuns:
    """What came of some runs; the last is the one with a violation, if there is one, and `shortest` what it was shrunk to.

    `seconds` is processor time.
    """

    protocol: str
    asked: int
    done: int
    inputs: int
    applied: int
    operations: int
    seconds: float
    last: SimulatedRun
    shortest: SimulatedRun | None = None
    stopped: str = "time limit reached"

    @property
    def verdict(self) -> Verdict:
        """Of these runs, not of the protocol; undecided if there was no time for all of them."""
        if self.last.violation is not None:
            return Verdict.VIOLATED
        return Verdict.HOLDS if self.done == self.asked else Verdict.UNDECIDED


def run_headline(runs: SimulatedRuns) -> str:
    """Return the first line of the report, without colour."""
    violation = runs.last.violation
    word = runs.verdict.name
    if violation is not None:
        return f"{word}  {runs.protocol}: {violation.promise}, with seed {runs.last.seed}"
    many = "1 run" if runs.done == 1 else f"{runs.done:,} runs"
    rest = "" if runs.done == runs.asked else f"; {runs.stopped} before all {runs.asked:,}"
    return f"{word}  {runs.protocol}: no violation in {many}{rest}"


def run_text(runs: SimulatedRuns, *, transcript: bool, color: bool = False) -> str:
    """Return the report as text, with the transcript of the last run if it is asked for; it ends in a newline."""
    paint = Paint(color)
    last, shortest = runs.last, runs.shortest or runs.last
    nodes = last.nodes if isinstance(last.nodes, int) else len(last.nodes)
    seeds = f"{last.seed - runs.done + 1} to {last.seed}" if runs.done > 1 else str(last.seed)
    word, _, rest = run_headline(runs).partition(" ")
    style = {Verdict.HOLDS: "green", Verdict.VIOLATED: "red"}.get(runs.verdict, "yellow")
    lines = [
        f"{paint(word, 'bold', style)} {rest}",
        "",
        f"nodes       {nodes}",
        f"seeds       {seeds}" if runs.done > 1 else f"seed        {seeds}",
        f"core steps  {runs.inputs:,} in {runs.seconds:.1f} s, {runs.inputs / max(runs.seconds, 1e-9):,.0f}/s",
        f"applied     {runs.applied:,} entries, for {runs.operations:,} client operations",
    ]
    if last.violation is not None:
        lines += ["", str(last.violation), ""]
        if shortest is not last:
            lines.append(
                f"a shorter run with a violation, {len(shortest.schedule)} of {len(last.schedule)} steps:"
            )
            lines.append("")
        lines.append(shortest.transcript().rstrip())
    elif transcript:
        lines += ["", last.transcript().rstrip()]
    return "\n".join(lines) + "\n"


def run_json(runs: SimulatedRuns) -> str:
    """Return everything that is known, as one JSON object."""
    violation, shortest = runs.last.violation, runs.shortest or runs.last
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "protocol": runs.protocol,
        "verdict": runs.verdict.name.lower(),
        "runs": runs.done,
        "nodes": runs.last.nodes,
        "seed": runs.last.seed,
        "core_steps": runs.inputs,
        "applied": runs.applied,
        "operations": runs.operations,
        "violation": None,
    }
    if violation is not None:
        report["violation"] = {
            "promise": violation.promise,
            "how": violation.how,
            "schedule": [str(step) for step in shortest.schedule],
            "transcript": shortest.transcript().splitlines(),
        }
    return json.dumps(report, indent=2) + "\n"
