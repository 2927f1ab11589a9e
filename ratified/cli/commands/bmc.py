"""`ratified bmc`: bounded model checking, k-induction, and induction at a size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ratified.cli.commands.options import option_of_diagram, options_of_reporting, read_settings


@click.command()
@click.argument("model")
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...")
@click.option(
    "--depth",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="The longest runs that are looked at, in steps.",
)
@click.option(
    "--induction", is_flag=True, help="Also look for a proof by k-induction, for k up to the depth."
)
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME", help="Check this claim only (may be repeated)."
)
@click.option("--deadlock", is_flag=True, help="A state where no action is possible is a violation.")
@click.option("--size", metavar="NAME", help="A size that the model names; `ratified list` shows them.")
@click.option("--seconds", type=click.FloatRange(min=0), metavar="S", help="Stop after S seconds.")
@click.option("--solver", type=click.Choice(["sat", "z3"]), default="sat", show_default=True)
@option_of_diagram("the counterexample, or the two states that stand in the way of induction,")
@options_of_reporting(("text", "json"))
def bmc(
    model: str,
    settings: tuple[str, ...],
    form: str,
    output: Path | None,
    quiet: bool,
    color: bool | None,
    **how: Any,
) -> int:
    """Ask a solver for a shortest run of MODEL that violates a claim.

    It does not visit states one by one, so that much may happen at once; runs are looked at by length. With --induction
    it also tries to prove the claims for runs of every length, from each other: with k = 1 that they are inductive at
    this size. What stands in the way of it is shown.

    \b
      ratified bmc paxos-ignores-votes --depth 12
      ratified bmc voting --induction
      ratified bmc my_model.py:Lock Client=3 --claim mutual_exclusion
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.bounding import bound_model
    from ratified.cli.checking import Output

    to = Output(form, output, quiet=quiet, color=color)
    return bound_model(model, read_settings(settings), how, to)
