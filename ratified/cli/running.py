"""What `run` and `play` do: implementations in the simulator, and what is told of it.

Guarantees: the same arguments give the same report, but for times.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratified.cli.checking import Output, colorful, echo, write
from ratified.cli.drawing import ready_to_draw
from ratified.cli.progress import SHOWN_AFTER
from ratified.cli.report.text import Paint
from ratified.impl.systems import SettingError, system_named
from ratified.language.errors import RatifiedError
from ratified.results.result import Verdict
from ratified.simulator import (
    EVERY_FAULT,
    NO_FAULTS,
    Run,
    ScheduleError,
    read_schedule,
    replay,
    simulate,
)
from ratified.simulator.scenario import play

SCHEMA = "ratified-run/1"


@dataclass(frozen=True, slots=True)
class Runs:
    """What came of some runs; the last is the one that broke a promise, if one did."""

    protocol: str
    asked: int
    done: int
    inputs: int
    applied: int
    operations: int
    seconds: float
    last: Run

    @property
    def verdict(self) -> Verdict:
        """Of these runs, not of the protocol; undecided if there was no time for all of them."""
        if self.last.violation is not None:
            return Verdict.VIOLATED
        return Verdict.HOLDS if self.done == self.asked else Verdict.UNDECIDED


def run_protocol(protocol: str, settings: Mapping[str, str], how: Mapping[str, Any], to: Output) -> int:
    """Run an implementation and return the exit status."""
    ready_to_draw(how.get("diagram"))
    runs = _runs(protocol, settings, how, to)
    last = runs.last
    if how["save"] is not None:
        write(how["save"], last.script())
    shortest = last.shrink() if how["shrink"] and last.violation is not None else last
    if how.get("diagram") is not None:
        from ratified.conform.drawing import run_diagram

        run_diagram(shortest).save(how["diagram"])

    def rendered(form: str, *, color: bool = False) -> str:
        if form == "json":
            return _json(runs, shortest)
        return _text(runs, shortest, transcript=how["transcript"], paint=Paint(color))

    form = to.form
    if to.file is not None:
        write(to.file, rendered(form))
        form = "text"
    if to.quiet and form == "text":
        echo(_headline(runs) + "\n")
    else:
        echo(rendered(form, color=colorful(sys.stdout, to.color)))
    return runs.verdict.exit_status


def _runs(protocol: str, settings: Mapping[str, str], how: Mapping[str, Any], to: Output) -> Runs:
    """Do the runs, up to the first that breaks a promise."""
    began, used = time.monotonic(), time.process_time()
    live = sys.stderr.isatty() and not to.quiet
    schedule = _read(how["schedule"]) if how["schedule"] is not None else None
    asked = 1 if schedule is not None else how["seeds"]
    done = inputs = applied = operations = 0
    while True:
        seed = how["seed"] + done
        try:
            system = system_named(protocol, settings, seed if how["vary"] else None)
            if schedule is not None:
                run = replay(system, how["nodes"], seed, read_schedule(schedule, system))
            else:
                faults = NO_FAULTS if how["calm"] else EVERY_FAULT
                run = simulate(system, how["nodes"], how["steps"], seed, faults)
        except SettingError as error:
            raise RatifiedError(str(error)) from None
        except ScheduleError as error:
            raise RatifiedError(f"{how['schedule']}: {error}") from None
        done, inputs, applied = done + 1, inputs + run.inputs, applied + run.applied
        operations += len(run.history)
        passed = time.monotonic() - began
        if live and passed > SHOWN_AFTER and done % 20 == 0:
            sys.stderr.write(f"\r\x1b[2K{protocol}  {done:,} of {asked:,} runs")
            sys.stderr.flush()
        late = how["seconds"] is not None and passed >= how["seconds"]
        if run.violation is not None or done == asked or late:
            break
    if live:
        sys.stderr.write("\r\x1b[2K")
    return Runs(protocol, asked, done, inputs, applied, operations, time.process_time() - used, run)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise RatifiedError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RatifiedError(f"{file} is not text") from None


def _headline(runs: Runs) -> str:
    violation = runs.last.violation
    word = runs.verdict.name
    if violation is not None:
        return f"{word}  {runs.protocol}: {violation.promise}, with seed {runs.last.seed}"
    many = "1 run" if runs.done == 1 else f"{runs.done:,} runs"
    rest = "" if runs.done == runs.asked else f", for {runs.asked:,} there was no time"
    return f"{word}  {runs.protocol}: everything promised held in {many}{rest}"


def _text(runs: Runs, shortest: Run, *, transcript: bool, paint: Paint) -> str:
    """Return the report for people."""
    last = runs.last
    nodes = last.nodes if isinstance(last.nodes, int) else len(last.nodes)
    seeds = f"{last.seed - runs.done + 1} to {last.seed}" if runs.done > 1 else str(last.seed)
    word, _, rest = _headline(runs).partition(" ")
    style = {Verdict.HOLDS: "green", Verdict.VIOLATED: "red"}.get(runs.verdict, "yellow")
    lines = [
        f"{paint(word, 'bold', style)} {rest}",
        "",
        f"nodes       {nodes}",
        f"seeds       {seeds}" if runs.done > 1 else f"seed        {seeds}",
        f"core steps  {runs.inputs:,} in {runs.seconds:.1f} s, {runs.inputs / max(runs.seconds, 1e-9):,.0f}/s",
        f"applied     {runs.applied:,} entries, for {runs.operations:,} operations of clients",
    ]
    if last.violation is not None:
        lines += ["", str(last.violation), ""]
        if shortest is not last:
            lines.append(
                f"a shorter run that shows it, {len(shortest.schedule)} steps of {len(last.schedule)}:"
            )
            lines.append("")
        lines.append(shortest.transcript().rstrip())
    elif transcript:
        lines += ["", last.transcript().rstrip()]
    return "\n".join(lines) + "\n"


def _json(runs: Runs, shortest: Run) -> str:
    """Return the report for machines."""
    violation = runs.last.violation
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


def play_script(script: Path) -> int:
    """Play a scenario, print its transcript, and return the exit status."""
    try:
        transcript = play(_read(script), str(script))
    except ScheduleError as error:
        raise RatifiedError(str(error)) from None
    echo(transcript)
    return 1 if transcript.rpartition("\nVIOLATION: ")[1] else 0
