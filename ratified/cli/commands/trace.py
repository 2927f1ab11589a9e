"""`ratified trace`: a run that was recorded, held to a model."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ratified.cli.commands.options import (
    FORMATS,
    option_of_diagram,
    option_of_seconds,
    options_of_reporting,
    read_settings,
)
from ratified.cli.output import deliver, read
from ratified.cli.requests import TraceRequest, takes

if TYPE_CHECKING:
    from ratified.cli.progress import LiveText
    from ratified.follow.binding import Event
    from ratified.follow.follower import Follower

PROGRESS_EVERY = 256
"""Events between two looks at the clock."""
WAIT = 0.1
"""Seconds between two looks at a file that is still being written."""


@click.command(short_help="Check a recorded run against a model.")
@click.argument("binding")
@click.argument("trace", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...", callback=read_settings)
@click.option("--size", metavar="NAME", help="For ITF: use a size that the model names.")
@click.option(
    "--follow", is_flag=True, help="Wait for what is still being written, until --seconds or Ctrl-C."
)
@click.option(
    "--unobserved",
    type=click.IntRange(min=0),
    metavar="N",
    help="Allow at most N unobserved steps between two events; the binding says by default.",
)
@click.option(
    "--states",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Give up where more than N states of the model could explain what was observed.",
)
@click.option("--events", type=click.IntRange(min=1), metavar="N", help="Stop after N events.")
@option_of_seconds()
@click.option(
    "--claims-every",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="N",
    help="Check the model's invariants after every N events (0: never), at N = 1 its step invariants too.",
)
@option_of_diagram("the event that the model does not allow")
@options_of_reporting(FORMATS)
@takes(TraceRequest)
def trace(request: TraceRequest) -> int:
    """Check that a run recorded in TRACE is one that a model allows.

    BINDING says how events map to the model: the name of a bundled one, or a class of your own as path.py:Class. TRACE has one
    event a line, as JSON:

    \b
      {"node": "n1", "action": "acquire", "arguments": {"client": "a"}, "variables": {"granted": "a"}}

    TRACE may be a pipe, or - for standard input, and may be compressed (gzip, bzip2, xz).

    A TRACE that ends in .itf.json is a run in the format of Apalache and Quint, which ratified writes too (--format itf). Then
    BINDING is a model; its sizes are those in the file, unless they are given.

    \b
      ratified trace paxos run.itf.json Acceptor=3 Value=2 Ballot=2
    """  # noqa: D301  # click takes \b for "keep these lines"
    if request.trace.name.endswith(".itf.json"):
        if request.diagram:
            raise click.UsageError("a run in ITF cannot be drawn")
        if request.follow:
            raise click.UsageError("a run in ITF is whole: --follow is for events")
        return follow_itf(request)
    if request.settings or request.size:
        raise click.UsageError("sizes can be given for runs in ITF only; a binding has its own")
    return follow_events(request)


def follow_events(request: TraceRequest) -> int:
    """Follow a file of events and return the exit status."""
    from ratified.cli.drawing import check_drawable, say_nothing_drawn
    from ratified.cli.loading import load_binding
    from ratified.cli.progress import LiveText
    from ratified.cli.report.held import trace_summary
    from ratified.cli.report.render import renderer
    from ratified.cli.report.trace import trace_json, trace_text
    from ratified.conform.drawing import mismatch_diagram
    from ratified.follow.follower import Follower
    from ratified.follow.source import TraceError, name_of
    from ratified.follow.trace import read_trace
    from ratified.results.result import Verdict

    check_drawable(request.diagram)
    binding = load_binding(request.binding)
    name = name_of(request.trace)
    began = time.monotonic()
    heading, events = read_trace(request.trace, _waiting(request, began) if request.follow else None)
    binding.begin(heading)
    follower = Follower(
        binding,
        claims_every=request.claims_every,
        most_unobserved=request.unobserved,
        most_states=request.states,
    )
    live = LiveText(sys.stderr) if sys.stderr.isatty() and not request.output.quiet else None
    with live or nullcontext():
        stopped = _follow(follower, _watched(events, name, live), request, began)
    result = follower.result
    if not (result.events or stopped or follower.is_over):
        raise TraceError(f"{name} has no events", remedy='each line is an event: {"action": ...}')
    if stopped and not follower.is_over:
        result.verdict, result.stopped = Verdict.UNDECIDED, stopped
    took = time.monotonic() - began
    text = trace_text(follower, request.trace, took)
    rendered = renderer(
        lambda color: text,  # noqa: ARG005 - it has no colours
        lambda: trace_json(follower, request.trace, took),
        lambda: trace_summary(follower, request.trace, took),
    )
    deliver(request.output, rendered, text.partition("\n")[0])
    if request.diagram is not None:
        if result.mismatch is not None:
            mismatch_diagram(follower).save(request.diagram)
        else:
            say_nothing_drawn(request.diagram, "the model explains the run as far as it was followed")
    return result.verdict.exit_status


def _follow(follower: Follower, events: Iterator[Event], request: TraceRequest, began: float) -> str | None:
    """Follow events up to the first that nothing explains, or to a limit or Ctrl-C; return which, if it was one of these."""
    from ratified.results.seen import INTERRUPTED

    try:
        return _followed(follower, events, request, began)
    except KeyboardInterrupt:
        return INTERRUPTED


def _followed(follower: Follower, events: Iterator[Event], request: TraceRequest, began: float) -> str | None:
    from ratified.follow.binding import BindingError, EventError
    from ratified.follow.source import TraceError
    from ratified.language.machine import StepError

    for event in events:
        if request.events is not None and follower.result.events >= request.events:
            return f"stopped after {request.events:,} events"
        if request.seconds is not None and time.monotonic() - began > request.seconds:
            return f"stopped after {request.seconds:g} seconds"
        place = f"{request.trace}:{event.line}"
        try:
            if not follower.step(event):
                return None
        except BindingError as problem:
            told = f"{problem.message} (event at {place})"
            raise BindingError(told, span=problem.span, remedy=problem.remedy) from None
        except EventError as problem:
            raise TraceError(f"{place}: {problem.message}", remedy=problem.remedy) from None
        except StepError as problem:
            raise TraceError(f"{place}: {event.action} has no answer in the model\n{problem}") from None
    return None


def _waiting(request: TraceRequest, began: float) -> Callable[[], bool]:
    """What waits for more of a file, until the seconds are over or somebody interrupts it."""

    def wait() -> bool:
        if request.seconds is not None and time.monotonic() - began > request.seconds:
            return False
        try:
            time.sleep(WAIT)
        except KeyboardInterrupt:
            return False
        return True

    return wait


def _watched(events: Iterator[Event], name: str, live: LiveText | None) -> Iterator[Event]:
    """The same events, counted on a terminal."""
    from ratified.cli.progress import SHOWN_AFTER

    began = time.monotonic()
    for number, event in enumerate(events, start=1):
        if live and number % PROGRESS_EVERY == 0 and time.monotonic() > began + SHOWN_AFTER:
            live.show(f"{name}  {number:,} events")
        yield event


def follow_itf(request: TraceRequest) -> int:
    """Hold a run in ITF against a model and return the exit status."""
    from ratified.cli.instances import instance
    from ratified.cli.loading import load
    from ratified.cli.report.held import itf_summary
    from ratified.cli.report.itf import itf_json, itf_text, itf_verdict
    from ratified.cli.report.render import renderer
    from ratified.itf import follow, read_itf
    from ratified.itf.format import typed

    run = read_itf(read(request.trace), str(request.trace))
    cls = load(request.binding)
    known = {s.sort.__name__ for s in cls.module.sorts} | {p.name for p in cls.module.parameters}
    given = {n: str(v) for n, v in run.given.items() if n in known and isinstance(v, int | bool)}
    model = instance(cls, request.size, {**({} if request.size else given), **request.settings})
    found = follow(model, typed(model, run, str(request.trace)), run.loop)
    text = itf_text(found, request.trace, model)
    rendered = renderer(
        lambda color: text,  # noqa: ARG005
        lambda: itf_json(found, request.trace),
        lambda: itf_summary(found, request.trace, model),
    )
    deliver(request.output, rendered, text.partition("\n")[0])
    return itf_verdict(found).exit_status
