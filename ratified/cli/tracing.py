"""What `trace` does: follow a file's events through a model, and say how far they are explained."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ratified.cli.checking import echo
from ratified.cli.drawing import ready_to_draw, tell_nothing_drawn
from ratified.cli.loading import load_class
from ratified.conform.drawing import mismatch_diagram
from ratified.conformance.protocols import PROTOCOLS
from ratified.follow.binding import Binding, Event, EventError
from ratified.follow.follower import Follower
from ratified.follow.mismatch import explain, told
from ratified.follow.trace import TraceError, read_events, read_heading
from ratified.language.errors import RatifiedError
from ratified.language.machine import StepError
from ratified.results.result import Verdict

PROGRESS_EVERY = 2.0  # seconds


def trace_file(
    target: str,
    path: Path,
    unobserved: int | None,
    states: int,
    events: int | None,
    seconds: float | None,
    claims_every: int,
    form: str,
    diagram: Path | None = None,
) -> int:
    """Follow a file and return the exit status."""
    ready_to_draw(diagram)
    binding = binding_of(target)
    binding.begin(read_heading(path))
    follower = Follower(binding, claims_every=claims_every, most_unobserved=unobserved, most_states=states)
    began = time.monotonic()
    stopped = None
    read = _Progress(path, read_events(path))
    for event in read:
        if events is not None and follower.result.events >= events:
            stopped = f"stopped after {events:,} events"
            break
        if seconds is not None and time.monotonic() - began > seconds:
            stopped = f"stopped after {seconds:g} seconds"
            break
        try:
            if not follower.step(event):
                break
        except EventError as problem:
            raise TraceError(f"{path}:{event.line}: {problem.message}", remedy=problem.remedy) from None
        except StepError as problem:
            raise TraceError(
                f"{path}:{event.line}: {event.action} is nothing that the model can answer\n{problem}"
            ) from None
    result = follower.result
    if not read.seen:
        raise TraceError(f"{path} has no events", remedy='each line is an event: {"action": ...}')
    if stopped and not follower.is_over:
        result.verdict, result.stopped = Verdict.UNDECIDED, stopped
    took = time.monotonic() - began
    if diagram is not None:
        if result.mismatch is not None:
            mismatch_diagram(follower).save(diagram)
        else:
            tell_nothing_drawn(diagram, "the model explains the run as far as it was followed")
    echo(as_json(follower, path, took) if form == "json" else as_text(follower, path, took))
    return result.verdict.exit_status


class _Progress:
    """Counts the events read, and tells a terminal."""

    def __init__(self, path: Path, events: Iterator[Event]) -> None:
        self.seen = 0
        self._path = path
        self._events = events
        self._next = time.monotonic() + PROGRESS_EVERY
        self._shows = sys.stderr.isatty()

    def __iter__(self) -> Iterator[Event]:
        for event in self._events:
            self.seen += 1
            if self._shows and not self.seen & 255 and time.monotonic() > self._next:
                self._next = time.monotonic() + PROGRESS_EVERY
                sys.stderr.write(f"\r{self._path.name}: {self.seen:,} events")
                sys.stderr.flush()
            yield event
        if self._shows:
            sys.stderr.write("\r\x1b[K")


def binding_of(target: str) -> Binding:
    """Return a bundled binding, or an instance of a person's class. Raises RatifiedError."""
    if target in PROTOCOLS:
        return PROTOCOLS[target].binding()
    if ":" not in target:
        raise RatifiedError(
            f"there is no binding {target!r}",
            remedy=f"bundled are {', '.join(PROTOCOLS)}; one of your own is path.py:Class or module:Class",
        )
    found = load_class(target)
    if not issubclass(found, Binding):
        raise RatifiedError(
            f"{found.__name__} is no binding",
            remedy="derive it from ratified.follow.binding.Binding; docs/conformance.md",
        )
    try:
        return found()
    except TypeError as problem:
        raise RatifiedError(
            f"{found.__name__} cannot be made: {problem}", remedy="it is called without arguments"
        ) from None


def as_text(follower: Follower, path: Path, took: float) -> str:
    """Return the report."""
    result = follower.result
    count = f"{result.events:,} event{'' if result.events == 1 else 's'}"
    model = follower.machine.module.name
    headline = {
        Verdict.HOLDS: f"HOLDS  {path.name}: {count}, each a step of {model}",
        Verdict.VIOLATED: f"VIOLATED  {path.name}: after {count}, one that {model} does not allow",
        Verdict.UNDECIDED: f"UNDECIDED  {path.name}: after {count}: {result.stopped}",
    }[result.verdict]
    rate = f", {result.events / took:,.0f} events/s" if took >= 0.1 else ""
    lines = [headline, ""]
    about = [
        ("binding", type(follower.binding).__name__),
        ("model", repr(follower.model)),
        ("states", f"at most {result.most_states:,} could explain what was seen"),
        ("time", f"{took:.1f} s{rate}"),
    ]
    lines += [f"{name:8} {value}" for name, value in about]
    if result.actions:
        width = max(map(len, result.actions))
        lines += ["", f"{'action':{width}}  events"]
        lines += [f"{name:{width}}  {times:6,}" for name, times in sorted(result.actions.items())]
    if result.mismatch is not None:
        lines += ["", told(follower, str(path))]
    return "\n".join(lines) + "\n"


def as_json(follower: Follower, path: Path, took: float) -> str:
    """Return the report for machines."""
    result = follower.result
    report: dict[str, Any] = {
        "schema": "ratified-trace/1",
        "verdict": result.verdict.value,
        "trace": str(path),
        "model": follower.machine.module.name,
        "events": result.events,
        "actions": dict(sorted(result.actions.items())),
        "most_states": result.most_states,
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
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
