"""What `conform` and `mutants` do: run the suite, and put it in a report."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ratified.cli.checking import echo
from ratified.conform.simulation import Simulated, simulated
from ratified.conformance.protocols import protocol_named
from ratified.language.errors import RatifiedError
from ratified.results.result import Verdict


def _needs_hypothesis() -> None:
    if importlib.util.find_spec("hypothesis") is None:
        raise RatifiedError("this needs Hypothesis", remedy="pip install 'ratified[conform]'")


def conform_protocol(
    name: str, seconds: float, events: int | None, seed: int, record: Path | None, form: str
) -> int:
    """Hold a protocol's implementation to its model and return the exit status."""
    protocol = protocol_named(name)
    if record is not None:
        try:
            with record.open("w", encoding="utf-8") as file:
                file.write(json.dumps({"trace": name, "nodes": ["n1", "n2", "n3"]}) + "\n")
                run = simulated(protocol, seed, record=file, most=events)
        except OSError as error:
            raise RatifiedError(f"{record} cannot be written: {error.strerror}") from None
        echo(f"{run.verdict.value.upper()}  {name}: {run.events:,} events, recorded in {record}\n")
        return run.verdict.exit_status
    _needs_hypothesis()
    from ratified.conform.suite import Conformed, conform

    shown = [time.monotonic() + 2]

    def told(result: Conformed) -> None:
        if sys.stderr.isatty() and time.monotonic() > shown[0]:
            shown[0] = time.monotonic() + 1
            sys.stderr.write(f"\r{name}: {result.runs:,} runs, {result.events:,} events ")
            sys.stderr.flush()

    began = time.monotonic()
    result = conform(protocol, seconds=seconds, events=events, seed=seed, told=told)
    took = time.monotonic() - began
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    echo(_json(name, result, took) if form == "json" else _text(name, result, took))
    return result.verdict.exit_status


def _text(name: str, result: Any, took: float) -> str:
    from ratified.conform.machine import Explored

    explored, covered = result.explored or Explored(), result.covered
    events = result.events + explored.events
    what = {
        Verdict.HOLDS: f"{events:,} events, each a step of the model",
        Verdict.VIOLATED: "the implementation does not conform",
        Verdict.UNDECIDED: "nothing is violated; not everything was decided",
    }[result.verdict]
    lines = [f"{result.verdict.value.upper()}  {name}: {what}", ""]
    lines += [
        f"chaos       {result.runs:,} runs, {result.events:,} events; what clients saw is linearizable",
    ]
    if explored.runs:
        lines.append(f"hypothesis  {explored.runs:,} runs, {explored.events:,} events")
    if covered is not None:
        lines.append(
            f"graph       {covered.states:,} states, {covered.edges:,} steps: {covered.taken:,} taken, "
            f"in {covered.walks:,} walks of {covered.driven / max(1, covered.walks):.0f} steps "
            f"(no fewer than {covered.least:,} would do)"
        )
    lines.append(f"time        {took:.1f} s")
    if explored.runs:
        lines += ["", "runs of Hypothesis that came to"]
    width = max(map(len, explored.reached), default=0)
    for what_, count in explored.reached.items():
        if count:
            lines.append(f"  {what_:{width}}  {100 * count / max(1, explored.runs):3.0f} %")
    if covered is not None and covered.reasons:
        lines += ["", "steps of the model that the implementation cannot take"]
        lines += [f"  {count:8,}  {reason}" for reason, count in sorted(covered.reasons.items())]
    if covered is not None and covered.failure:
        lines += ["", f"driven along the graph: {covered.failure}"]
    if covered is not None and covered.left_out:
        lines += ["", "steps that were not taken, without a reason: " + ", ".join(covered.left_out)]
    lines += [f"undecided  {why}" for why in result.undecided[:5]]
    if result.failure is not None:
        lines += ["", *_failure(name, result.failure)]
    if explored.found:
        found = Simulated(0, 3, 0, 0, Verdict.VIOLATED, explored.found, explored.why, explored.script)
        lines += ["", *_failure(name, found)]
    return "\n".join(lines) + "\n"


def _failure(name: str, run: Simulated) -> Sequence[str]:
    from ratified.conform.machine import Explored, regression_test

    found = Explored(script=run.schedule)
    test = regression_test(protocol_named(name), run.nodes, run.seed, found)
    return (f"found by {run.found} (seed {run.seed}, {run.nodes} nodes)", run.why, "", "as a test:", "", test)


def _json(name: str, result: Any, took: float) -> str:
    from ratified.conform.machine import Explored

    explored, covered = result.explored or Explored(), result.covered
    report: dict[str, Any] = {
        "schema": "ratified-conform/1",
        "protocol": name,
        "verdict": result.verdict.value,
        "runs": result.runs,
        "events": result.events,
        "hypothesis": {
            "runs": explored.runs,
            "events": explored.events,
            "reached": dict(explored.reached),
        },
        "graph": None
        if covered is None
        else {
            "states": covered.states,
            "edges": covered.edges,
            "taken": covered.taken,
            "walks": covered.walks,
            "least_walks": covered.least,
            "reasons": dict(covered.reasons),
            "failure": covered.failure,
        },
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


def kill_table(name: str, names: Sequence[str], quick: bool, scripts: bool) -> int:
    """Plant bugs and tell who catches them; 0 if all are caught, else 1."""
    protocol = protocol_named(name)
    known = protocol.mutants()
    for asked in names:
        if asked not in known:
            raise RatifiedError(
                f"there is no bug {asked!r} of {name}", remedy=f"there are {', '.join(known)}"
            )
    _needs_hypothesis()
    from ratified.conform.suite import kills

    wanted = [known[n] for n in names or known]
    width = max(len(m.name) for m in wanted)
    heads = ("checker", "linear.", "hypothesis", "edges")
    echo(f"{'bug':{width}}  " + "  ".join(f"{h:>10}" for h in heads) + "   time\n")
    missed = []
    for kill in kills(protocol, iter(wanted), thorough=not quick, shrink=scripts):
        cells = (kill.checker, kill.linearizability, kill.hypothesis, kill.edges)
        row = "  ".join(f"{'-' if c is None else f'{c:,}':>10}" for c in cells)
        echo(f"{kill.mutant.name:{width}}  {row}  {kill.seconds:4.1f} s\n")
        for line in kill.shortest:
            echo(f"    {line}\n")
        if not kill.caught:
            missed.append(kill.mutant.name)
    caught = len(wanted) - len(missed)
    echo(f"\n{caught} of {len(wanted)} caught; numbers are steps until it was\n")
    if missed:
        echo(f"not caught: {', '.join(missed)}\n")
    return 1 if missed else 0
