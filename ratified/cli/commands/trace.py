"""`ratified trace`: a run that was recorded, held to a model."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
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
    from ratified.cli.report.trace import FollowedTrace
    from ratified.follow.binding import Event
    from ratified.follow.coverage import Coverage
    from ratified.follow.follower import Follower
    from ratified.follow.merge import Merged

PROGRESS_EVERY = 256
"""Events between two looks at the clock."""
WAIT = 0.1
"""Seconds between two looks at a file that is still being written."""


def _traces_and_settings(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> tuple[Path, ...]:
    """Return the traces; what is no file and has an equals sign is a setting."""
    settings = tuple(g for g in given if "=" in g and not Path(g).exists())
    context.params["settings"] = read_settings(context, parameter, settings)
    convert = click.Path(dir_okay=False, allow_dash=True, path_type=Path).convert
    traces = tuple(convert(g, parameter, context) for g in given if g not in settings)
    if not traces:
        raise click.MissingParameter(ctx=context, param=parameter)
    return traces


@click.command(short_help="Check a recorded run against a model.")
@click.argument("binding")
@click.argument(
    "traces",
    nargs=-1,
    required=True,
    metavar="TRACE... [SORT=SIZE | PARAMETER=VALUE]...",
    callback=_traces_and_settings,
)
@click.option("--size", metavar="NAME", help="For ITF: use a size that the model names.")
@click.option(
    "--follow", is_flag=True, help="Keep reading while the trace is written, until --seconds or Ctrl-C."
)
@click.option(
    "--unobserved",
    type=click.IntRange(min=0),
    metavar="N",
    help="Allow at most N unobserved steps between two events; by default, as the binding says.",
)
@click.option(
    "--states",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Give up if more than N states of the model could explain what was observed.",
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
@click.option(
    "--clock",
    metavar="KIND:FIELD",
    help="Merge the traces, one per node, into one run, by vector:FIELD, hlc:FIELD or wall:FIELD[:ms].",
)
@click.option("--error", metavar="TIME", help="How far wall clocks may be off, such as 5ms.")
@click.option(
    "--orders",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="Try at most N orders at once of events that clocks do not order.",
)
@click.option("--coverage", is_flag=True, help="Report which parts of the model no trace exercised.")
@option_of_diagram("the event that the model does not allow")
@options_of_reporting(FORMATS)
@takes(TraceRequest)
def trace(request: TraceRequest) -> int:
    """Check that a run recorded in TRACE is one that a model allows.

    BINDING says how events map to the model: the name of a bundled one, or a class of your own as path.py:Class. TRACE has one
    event per line, as JSON:

    \b
      {"node": "n1", "action": "acquire", "arguments": {"client": "a"}, "variables": {"granted": "a"}}

    Several traces are separate runs, each from an initial state; with --clock they are the traces of the nodes of one run.

    TRACE may be a pipe, or - for standard input, and may be compressed (gzip, bzip2, xz).

    A TRACE that ends in .itf.json is a run in the format of Apalache and Quint, which Ratified writes too (--format itf). BINDING
    is then a model, with the sizes in the file unless others are given.

    \b
      ratified trace paxos run.itf.json Acceptor=3 Value=2 Ballot=2
    """  # noqa: D301  # click takes \b for "keep these lines"
    if any(path.name.endswith(".itf.json") for path in request.traces):
        if len(request.traces) > 1:
            raise click.UsageError("a run in ITF must be the only trace")
        if request.diagram:
            raise click.UsageError("a run in ITF cannot be drawn")
        if request.follow:
            raise click.UsageError("a run in ITF is complete: --follow is for events")
        if request.coverage:
            raise click.UsageError("a run in ITF has no coverage: --coverage is for events")
        return follow_itf(request)
    if request.settings or request.size:
        raise click.UsageError("sizes can be given for runs in ITF only; a binding has its own")
    if len(request.traces) > 1 and request.follow:
        raise click.UsageError("--follow is for one trace")
    if len(request.traces) > 1 and request.diagram and not request.clock:
        raise click.UsageError("--diagram is for one run")
    if request.error and not request.clock:
        raise click.UsageError("--error is how far clocks may be off: give --clock too")
    return follow_events(request)


def follow_events(request: TraceRequest) -> int:
    """Follow files of events and return the exit status."""
    from ratified.cli.drawing import check_drawable, say_nothing_drawn
    from ratified.cli.report.held import traces_summary
    from ratified.cli.report.render import renderer
    from ratified.cli.report.trace import trace_text, traces_json, traces_text, worst
    from ratified.conform.drawing import mismatch_diagram
    from ratified.results.seen import INTERRUPTED

    check_drawable(request.diagram)
    began = time.monotonic()
    runs: list[FollowedTrace] = []
    for paths in [request.traces] if request.clock else [(path,) for path in request.traces]:
        runs.append(_run(request, paths, began, runs[-1].follower.coverage if runs else None))
        if runs[-1].follower.result.stopped == INTERRUPTED:
            break
    text = traces_text(runs)
    rendered = renderer(
        lambda color: text,  # noqa: ARG005 - it has no colours
        lambda: traces_json(runs),
        lambda: traces_summary(runs),
    )
    headlines = (trace_text(run).partition("\n")[0] for run in runs)
    deliver(request.output, rendered, "\n".join(headlines))
    if request.diagram is not None:
        if runs[0].follower.result.mismatch is not None:
            mismatch_diagram(runs[0].follower).save(request.diagram)
        else:
            say_nothing_drawn(request.diagram, "the model explains the run as far as it was followed")
    return worst(run.follower.result.verdict for run in runs).exit_status


def _run(
    request: TraceRequest, paths: Sequence[Path], began: float, covered: Coverage | None
) -> FollowedTrace:
    """Follow one file, or several that are merged; what they cover adds to what those before did."""
    from ratified.cli.loading import check_heading, load_binding
    from ratified.cli.progress import LiveText
    from ratified.cli.report.trace import FollowedTrace
    from ratified.follow.binding import mistakes_told
    from ratified.follow.clocks import read_clock
    from ratified.follow.coverage import Coverage
    from ratified.follow.follower import Follower
    from ratified.follow.merge import Merged
    from ratified.follow.source import TraceError, name_of
    from ratified.follow.trace import read_trace
    from ratified.results.result import Verdict

    binding = load_binding(request.binding)
    clock = read_clock(request.clock, request.error) if request.clock else None
    name = " + ".join(map(name_of, paths))
    path = paths[0] if len(paths) == 1 else Path(name)
    started = time.monotonic()
    wait = _waiting(request, began) if request.follow else None
    read = [read_trace(p, wait, clock.field if clock else None) for p in paths]
    heading = next((heading for heading, _ in read if heading), {})
    if any(other not in ({}, heading) for other, _ in read):
        raise TraceError(f"{name} have headings that differ", remedy="traces of one run have the same")
    events = read[0][1]
    check_heading(request.binding, binding, heading, name)
    with mistakes_told(type(binding), "begin"):
        binding.begin(heading)
    follower = Follower(
        binding,
        claims_every=request.claims_every,
        most_unobserved=request.unobserved,
        most_states=request.states,
    )
    if request.coverage:
        follower.coverage = Coverage(follower.model, covered)
    merged = None
    if clock or binding.reordered:
        merged = Merged(follower, [found for _, found in read], clock, request.orders)
        events = merged.events()
    live = LiveText(sys.stderr) if sys.stderr.isatty() and not request.output.quiet else None
    with live or nullcontext():
        stopped = _follow(follower, _watched(events, name, live), merged, request, path, began)
    result = follower.result
    if not (result.events or stopped or follower.is_over):
        raise TraceError(f"{name} has no events", remedy='each line is an event: {"action": ...}')
    if stopped and not follower.is_over:
        result.verdict, result.stopped = Verdict.UNDECIDED, stopped
    return FollowedTrace(follower, path, time.monotonic() - started, merged)


def _follow(
    follower: Follower,
    events: Iterator[Event],
    merged: Merged | None,
    request: TraceRequest,
    path: Path,
    began: float,
) -> str | None:
    """Follow events up to the first that nothing explains, or to a limit or Ctrl-C; return which, if it was one of these."""
    from ratified.results.seen import INTERRUPTED

    try:
        return _followed(follower, events, merged, request, path, began)
    except KeyboardInterrupt:
        return INTERRUPTED


def _followed(
    follower: Follower,
    events: Iterator[Event],
    merged: Merged | None,
    request: TraceRequest,
    path: Path,
    began: float,
) -> str | None:
    from ratified.follow.binding import BindingError, EventError
    from ratified.follow.source import TraceError
    from ratified.language.machine import StepError

    for event in events:
        if request.events is not None and follower.result.events >= request.events:
            return f"stopped after {request.events:,} events"
        if request.seconds is not None and time.monotonic() - began > request.seconds:
            return f"stopped after {request.seconds:g} seconds"
        try:
            if not (merged.step() if merged else follower.step(event)):
                return None
        except BindingError as problem:
            place = _place(event, merged, path)
            told = f"{problem.message} (event at {place})"
            raise BindingError(told, span=problem.span, remedy=problem.remedy) from None
        except EventError as problem:
            place = _place(event, merged, path)
            raise TraceError(f"{place}: {problem.message}", remedy=problem.remedy) from None
        except StepError as problem:
            place = _place(event, merged, path)
            raise TraceError(f"{place}: {event.action} has no answer in the model\n{problem}") from None
    return None


def _place(event: Event, merged: Merged | None, path: Path) -> str:
    """Where an event stands; of those that are merged, the one that was looked at last."""
    event = (merged.current if merged else None) or event
    return f"{event.source or path}:{event.line}"


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

    (path,) = request.traces
    run = read_itf(read(path), str(path))
    cls = load(request.binding)
    known = {s.sort.__name__ for s in cls.module.sorts} | {p.name for p in cls.module.parameters}
    given = {n: str(v) for n, v in run.given.items() if n in known and isinstance(v, int | bool)}
    model = instance(cls, request.size, {**({} if request.size else given), **request.settings})
    found = follow(model, typed(model, run, str(path)), run.loop)
    text = itf_text(found, path, model)
    rendered = renderer(
        lambda color: text,  # noqa: ARG005
        lambda: itf_json(found, path),
        lambda: itf_summary(found, path, model),
    )
    deliver(request.output, rendered, text.partition("\n")[0])
    return itf_verdict(found).exit_status
