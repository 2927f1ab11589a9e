"""`ratified run`: an implementation in the simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ratified.cli.commands.options import option_of_diagram, options_of_reporting, read_settings


@click.command()
@click.argument("protocol")
@click.argument("settings", nargs=-1, metavar="[SETTING=VALUE]...")
@click.option("--nodes", type=click.IntRange(min=1), default=3, show_default=True, metavar="N")
@click.option(
    "--steps",
    type=click.IntRange(min=0),
    default=400,
    show_default=True,
    metavar="N",
    help="Steps of a run before all is calm.",
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="The first run's seed.")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="How many runs, each with the next seed.",
)
@click.option("--vary", is_flag=True, help="Draw another configuration for every seed.")
@click.option("--calm", is_flag=True, help="Nothing goes wrong.")
@click.option("--seconds", type=click.FloatRange(min=0), metavar="S", help="Stop after S seconds.")
@click.option("--transcript", is_flag=True, help="Show the last run, step by step.")
@click.option(
    "--shrink/--no-shrink", default=True, help="Look for a shorter run that breaks the same promise."
)
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the last run's schedule, for --schedule.",
)
@click.option(
    "--schedule",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Repeat a schedule, with the seed it was made with.",
)
@option_of_diagram("the end of the last run")
@options_of_reporting(("text", "json"))
def run(
    protocol: str,
    settings: tuple[str, ...],
    form: str,
    output: Path | None,
    quiet: bool,
    color: bool | None,
    **how: Any,
) -> int:
    """Run the implementation of PROTOCOL (raft, multi-paxos, paxos) in the simulator.

    A cluster goes through delays, losses, partitions, crashes and slow disks, and then through calm. Agreement, durability,
    linearizable reads and what the protocol itself promises are watched at every step; in the calm all that clients have asked
    for must come about. The same seed gives the same run; a failure is shown as the shortest run that was found.

    \b
      ratified run raft --seed 7 --nodes 5 --steps 400 --transcript
      ratified run raft --seeds 10000 --vary
      ratified run raft pre_vote=no max_batch=1 --save schedule.txt
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.checking import Output
    from ratified.cli.running import run_protocol

    to = Output(form, output, quiet=quiet, color=color)
    return run_protocol(protocol, read_settings(settings), how, to)
