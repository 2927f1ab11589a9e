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

from ratified.bundled import implementations, policies
from ratified.cli.commands.options import Number, option_of_format
from ratified.cli.output import echo, unwritable
from ratified.cli.requests import ConformRequest, takes

if TYPE_CHECKING:
    from ratified.conform.protocol import Protocol
    from ratified.conform.suite import Conformed


@click.command(short_help="Check an implementation against its model.")
@click.argument("protocol", type=click.Choice([*implementations, *policies]))
@click.option(
    "--seconds",
    type=Number(min=0),
    default=30,
    show_default=True,
    metavar="S",
    help="Time to spend.",
)
@click.option(
    "--events",
    type=click.IntRange(min=1),
    metavar="N",
    help="Instead, run until N events have been followed, with fault injection alone.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="S", help="Random seed of the first run."
)
@click.option(
    "--record",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write the events of one run (N with --events) to a file for `ratified trace`, and stop.",
)
@option_of_format
@takes(ConformRequest)
def conform(request: ConformRequest) -> int:
    """Check the implementation of a protocol against its model.

    Fault injection and Hypothesis drive simulated clusters, and each step must be one that the model allows; the history that
    clients see must be linearizable; and the implementation is driven along the edges of the model's state graph at a small size.
    A policy of services is an object: scripts of calls, by chance and by Hypothesis, take the place of clusters.
    """
    from ratified.bundled.conformance import PROTOCOLS

    if request.protocol in policies:
        return conform_policy(request)
    protocol = PROTOCOLS[request.protocol]
    if request.record is not None:
        return record(protocol, request.record, request)
    require_hypothesis()
    from ratified.cli.progress import SHOWN_AFTER, LiveText
    from ratified.cli.report.conform import conform_json, conform_text
    from ratified.conform.suite import conform as held

    live = LiveText(sys.stderr) if sys.stderr.isatty() else None
    began = time.monotonic()

    def progress(result: Conformed) -> None:
        if live and time.monotonic() > began + SHOWN_AFTER:
            live.show(f"{request.protocol}  {result.runs:,} runs  {result.events:,} events")

    with live or nullcontext():
        result = held(
            protocol, seconds=request.seconds, events=request.events, seed=request.seed, told=progress
        )
    took = time.monotonic() - began
    rendered = conform_json if request.form == "json" else conform_text
    echo(rendered(protocol, result, took))
    return result.verdict.exit_status


def conform_policy(request: ConformRequest) -> int:
    """Hold a policy to its model and return the exit status."""
    from ratified.bundled.conformance import POLICIES
    from ratified.language.errors import RatifiedError

    if request.record is not None:
        raise RatifiedError(f"{request.protocol} is no cluster: there are no events of nodes to be recorded")
    require_hypothesis()
    from ratified.cli.report.policies import policy_json, policy_text
    from ratified.conform.policies import hold

    policy, began = POLICIES[request.protocol], time.monotonic()
    result = hold(policy, seconds=request.seconds, events=request.events, seed=request.seed)
    rendered = policy_json if request.form == "json" else policy_text
    echo(rendered(policy, result, time.monotonic() - began))
    return result.verdict.exit_status


def record(protocol: Protocol, path: Path, request: ConformRequest) -> int:
    """Write the events of one run to a file and return the exit status."""
    from ratified.conform.simulation import simulated

    try:
        with path.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"trace": protocol.name, "nodes": ["n1", "n2", "n3"]}) + "\n")
            run = simulated(protocol, request.seed, record=file, most=request.events)
    except OSError as error:
        raise unwritable(path, error) from None
    echo(f"{run.verdict.value.upper()}  {protocol.name}: {run.events:,} events, recorded in {path}\n")
    return run.verdict.exit_status


def require_hypothesis() -> None:
    """Raise RatifiedError where Hypothesis is not installed."""
    from ratified.language.errors import RatifiedError

    if importlib.util.find_spec("hypothesis") is None:
        raise RatifiedError("this needs Hypothesis", remedy="pip install 'ratified[conform]'")
