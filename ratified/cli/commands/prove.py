"""`ratified prove`: prove a model for every size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ratified.cli.commands.options import options_of_reporting


@click.command()
@click.argument("model")
@click.option(
    "--goal", "goals", multiple=True, metavar="NAME", help="Prove this claim only (may be repeated)."
)
@click.option(
    "--without",
    multiple=True,
    metavar="LEMMA",
    help="Leave out a lemma, to see what needs it (may be repeated).",
)
@click.option("--solver", type=click.Choice(("z3", "cvc5")), default="z3", show_default=True)
@click.option("--cross-check", is_flag=True, help="Ask the other solver for its opinion of every obligation.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Seconds that a solver has for an obligation.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Solver processes; as many as cores by default.",
)
@click.option(
    "--smt2",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write each obligation there as an SMT-LIB 2 file.",
)
@click.option(
    "--diagram",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the first counterexample to induction, two states side by side: .svg, .html, .mmd or .md.",
)
@options_of_reporting(("text", "json"))
def prove(model: str, form: str, output: Path | None, quiet: bool, color: bool | None, **how: Any) -> int:
    """Prove MODEL for every size, by induction.

    MODEL is a bundled model's name, or a proof script of your own as path.py:Class or module:Class: a class that derives from a
    model and marks lemmas. A variant of a bundled model (path.py:Class too) is tried with the script of that model.

    \b
      ratified prove paxos
      ratified prove paxos --cross-check --smt2 obligations
      ratified prove paxos-forgotten-vote
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.checking import Output
    from ratified.cli.proving import prove_model

    return prove_model(model, how, Output(form, output, quiet=quiet, color=color))
