"""`ratified conform`: an implementation held to its model."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from ratified.bundled import implementations, policies
from ratified.cli.commands.options import (
    FORMATS,
    option_of_seconds,
    option_of_size,
    options_of_driving,
    options_of_reporting,
    read_settings,
)
from ratified.cli.driving import driven, modelled
from ratified.cli.output import deliver, echo, unwritable
from ratified.cli.requests import ConformRequest, takes
from ratified.extras import install

if TYPE_CHECKING:
    from ratified.conform.protocol import Protocol
    from ratified.conform.suite import Conformed

BUNDLED_SECONDS = 30


@click.command(short_help="Check an implementation against its model.")
@click.argument("target")
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...", callback=read_settings)
@option_of_size
@option_of_seconds("Time to spend; by default 30 for bundled implementations, no limit for drivers.")
@click.option(
    "--events",
    type=click.IntRange(min=1),
    metavar="N",
    help="Bundled only: run until N events have been followed, with fault injection alone.",
)
@click.option(
    "--record",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Bundled only: write the events of one run (N with --events) to a file for `ratified trace`, and stop.",
)
@options_of_driving()
@options_of_reporting(FORMATS)
@takes(ConformRequest)
def conform(request: ConformRequest) -> int:
    """Check an implementation against its model.

    TARGET is a driver of your own, as path.py:Class: a class with a method for each action of a model (docs/driving.md). It is
    driven along every step of the model's state graph, asked to do what the model forbids in each state, and taken along
    random walks; a failure is shown as a short walk.

    Or it is a bundled protocol or policy. Fault injection and Hypothesis drive simulated clusters of a protocol: the model must
    allow each step, the history that clients see must be linearizable, and the implementation is driven along the edges of the
    model's state graph at a small size. For a policy of services, random scripts of calls take the place of clusters.
    """
    if request.target not in (*implementations, *policies):
        return conform_driver(request)
    _for_drivers_alone(request)
    from ratified.bundled.conformance import PROTOCOLS

    if request.target in policies:
        return conform_policy(request)
    protocol = PROTOCOLS[request.target]
    if request.record is not None:
        return record(protocol, request.record, request)
    require_hypothesis()
    from ratified.cli.progress import SHOWN_AFTER, LiveText
    from ratified.cli.report.conform import conform_json, conform_text
    from ratified.cli.report.held import conform_summary
    from ratified.cli.report.render import renderer
    from ratified.conform.ending import interruptible
    from ratified.conform.suite import conform as held

    live = LiveText(sys.stderr) if sys.stderr.isatty() and not request.output.quiet else None
    began = time.monotonic()

    def progress(result: Conformed) -> None:
        if live and time.monotonic() > began + SHOWN_AFTER:
            live.show(f"{request.target}  {result.runs:,} runs  {result.events:,} events")

    with live or nullcontext(), interruptible() as interrupted:
        result = held(
            protocol,
            seconds=_seconds(request),
            events=request.events,
            seed=request.driving.seed,
            told=progress,
            interrupted=interrupted,
        )
    took = time.monotonic() - began
    text = conform_text(protocol, result, took)
    rendered = renderer(
        lambda color: text,  # noqa: ARG005 - it has no colours
        lambda: conform_json(protocol, result, took),
        lambda: conform_summary(protocol, result, took),
    )
    deliver(request.output, rendered, text.partition("\n")[0])
    return result.verdict.exit_status


def conform_driver(request: ConformRequest) -> int:
    """Drive a system of somebody's own along its model and return the exit status."""
    from ratified.cli.loading import load_driver
    from ratified.language.errors import RatifiedError

    if ":" not in request.target:
        raise RatifiedError(
            f"there is no implementation {request.target!r}",
            remedy=f"bundled: {', '.join((*implementations, *policies))}; write a driver of your own as path.py:Class",
        )
    for option, given in (("--events", request.events), ("--record", request.record)):
        if given is not None:
            raise click.UsageError(f"{option} is for bundled implementations, not for drivers.")
    cls = load_driver(request.target)
    return driven(
        cls, modelled(cls, request.size, request.settings), request.driving, request.seconds, request.output
    )


def _for_drivers_alone(request: ConformRequest) -> None:
    """Refuse what only drivers can be asked for."""
    given: dict[str, object] = {"SORT=SIZE": request.settings, "--size": request.size}
    context = click.get_current_context()
    for name in ("edges", "forbidden", "walks", "length", "states"):
        given[f"--{name}"] = context.get_parameter_source(name) is not ParameterSource.DEFAULT
    for name, value in given.items():
        if value:
            raise click.UsageError(f"{name} is for drivers of your own; {request.target} is bundled.")


def _seconds(request: ConformRequest) -> float:
    return BUNDLED_SECONDS if request.seconds is None else request.seconds


def conform_policy(request: ConformRequest) -> int:
    """Hold a policy to its model and return the exit status."""
    from ratified.bundled.conformance import POLICIES
    from ratified.language.errors import RatifiedError

    if request.record is not None:
        raise RatifiedError(
            f"{request.target} does not run as a cluster, so there are no node events to record"
        )
    require_hypothesis()
    from ratified.cli.report.held import policy_summary
    from ratified.cli.report.policies import policy_json, policy_text
    from ratified.cli.report.render import renderer
    from ratified.conform.ending import interruptible
    from ratified.conform.policies import hold

    policy, began = POLICIES[request.target], time.monotonic()
    with interruptible() as interrupted:
        result = hold(
            policy,
            seconds=_seconds(request),
            events=request.events,
            seed=request.driving.seed,
            interrupted=interrupted,
        )
    took = time.monotonic() - began
    text = policy_text(policy, result, took)
    rendered = renderer(
        lambda color: text,  # noqa: ARG005
        lambda: policy_json(policy, result, took),
        lambda: policy_summary(policy, result, took),
    )
    deliver(request.output, rendered, text.partition("\n")[0])
    return result.verdict.exit_status


def record(protocol: Protocol, path: Path, request: ConformRequest) -> int:
    """Write the events of one run to a file and return the exit status."""
    from ratified.conform.simulation import simulated

    try:
        with path.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"trace": protocol.name, "nodes": ["n1", "n2", "n3"]}) + "\n")
            run = simulated(protocol, request.driving.seed, record=file, most=request.events)
    except OSError as error:
        raise unwritable(path, error) from None
    echo(f"{run.verdict.value.upper()}  {protocol.name}: {run.events:,} events, recorded in {path}\n")
    return run.verdict.exit_status


def require_hypothesis() -> None:
    """Raise RatifiedError where Hypothesis is not installed."""
    from ratified.language.errors import RatifiedError

    if importlib.util.find_spec("hypothesis") is None:
        raise RatifiedError("this needs Hypothesis", remedy=install("conform"))
