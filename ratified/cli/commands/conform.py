"""`ratified conform`: an implementation held to its model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("protocol")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=30,
    show_default=True,
    metavar="S",
    help="Time to spend.",
)
@click.option(
    "--events",
    type=click.IntRange(min=1),
    metavar="N",
    help="Instead of a time: runs of chaos alone, until so many events have been followed.",
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="The first run's.")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the events of one run, N with --events, to a file for `ratified trace`, and stop.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def conform(protocol: str, **how: Any) -> int:
    """Hold the implementation of PROTOCOL (paxos, multi-paxos, raft) to its model.

    Chaos and Hypothesis drive simulated clusters, and each step must be one that the model allows; what clients saw must be
    linearizable; and the steps of the model's graph at a small size are driven through the implementation.
    """
    from ratified.cli.conforming import conform_protocol

    return conform_protocol(protocol, **how)
