"""`ratified simulate`: random walks through a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ratified.cli.commands.options import option_of_diagram, options_of_reporting, read_settings


@click.command()
@click.argument("model")
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...")
@click.option(
    "--runs", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="How many runs."
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="Steps of a run, at most.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="S", help="Another one gives other runs."
)
@click.option("--show", is_flag=True, help="Show the first run, step by step.")
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME", help="Check this claim only (may be repeated)."
)
@click.option("--deadlock", is_flag=True, help="A state where no action is possible is a violation.")
@click.option("--size", metavar="NAME", help="A size that the model names; `ratified list` shows them.")
@option_of_diagram("the run that violates something, else the first,")
@options_of_reporting(("text", "json", "itf"))
def simulate(
    model: str,
    settings: tuple[str, ...],
    form: str,
    output: Path | None,
    quiet: bool,
    color: bool | None,
    **how: Any,
) -> int:
    """Walk through MODEL at random, for sizes that are out of reach.

    What is claimed is checked along the way, liveness excepted. The same seed gives the same runs. A run that violates
    something is not a shortest one; and if there is none, nothing is proved: the verdict is then undecided.

    \b
      ratified simulate paxos Acceptor=5 Value=3 Ballot=6 --runs 1000
      ratified simulate my_model.py:Lock Client=9 --seed 7 --show
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.checking import Output
    from ratified.cli.simulating import simulate_model

    to = Output(form, output, quiet=quiet, color=color)
    return simulate_model(model, read_settings(settings), how, to)
