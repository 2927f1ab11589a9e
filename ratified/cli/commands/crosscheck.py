"""`ratified crosscheck`: a model explored by us and by TLC."""

from __future__ import annotations

from pathlib import Path

import click

from ratified.cli.commands.options import options_of_reporting, read_settings


@click.command()
@click.argument("model")
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...")
@click.option("--size", metavar="NAME", help="A size that the model names; its smallest one by default.")
@click.option("--symmetry", is_flag=True, help="Count states that differ by renaming as one, on both sides.")
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME", help="Check this claim only (may be repeated)."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=600.0,
    show_default=True,
    metavar="S",
    help="Give each side so long.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Threads of TLC. With more than one its counterexamples are not always shortest.",
)
@click.option(
    "--tlc", type=click.Path(path_type=Path), metavar="JAR", help="tla2tools.jar; TLA2TOOLS may say so too."
)
@options_of_reporting(("text", "json"))
def crosscheck(
    model: str,
    settings: tuple[str, ...],
    size: str | None,
    symmetry: bool,
    claims: tuple[str, ...],
    seconds: float,
    workers: int,
    tlc: Path | None,
    form: str,
    output: Path | None,
    quiet: bool,
    color: bool | None,
) -> int:
    """Explore MODEL, and its translation to TLA+ with TLC, and compare.

    Compared are the distinct states and the depth, or, where something is violated, the length of the counterexample; TLC's
    is shown as a run of the model. Exit status: 0 both say the same, 1 they do not, 3 one of them did not come to an end,
    or TLC is not here.

    \b
      ratified crosscheck paxos Acceptor=3 Value=2 Ballot=2
      ratified crosscheck my_model.py:Lock Client=3 --seconds 60
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.checking import Output
    from ratified.cli.crosschecking import Asked, crosscheck_model

    asked = Asked(size, symmetry, claims, seconds, workers, tlc)
    return crosscheck_model(
        model, read_settings(settings), asked, Output(form, output, quiet=quiet, color=color)
    )
