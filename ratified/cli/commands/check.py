"""`ratified check`: explore every reachable state of a model at one size."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from ratified.cli.commands.options import FORMATS, option_of_diagram, options_of_exploring, read_settings


@click.command()
@click.argument("model")
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...")
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME", help="Check this claim only (may be repeated)."
)
@click.option(
    "--checkpoint",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Save there as it goes, and go on from what is saved there.",
)
@click.option(
    "--dump-c",
    "dump",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the generated C.",
)
@click.option("--deadlock", is_flag=True, help="A state where no action is possible is a violation.")
@option_of_diagram("the counterexample")
@partial(options_of_exploring, formats=(*FORMATS, "itf"))
def check(
    model: str,
    settings: tuple[str, ...],
    form: str,
    output: Path | None,
    quiet: bool,
    color: bool | None,
    **how: Any,
) -> int:
    """Explore every reachable state of MODEL at one size.

    MODEL is a bundled model's name, path.py, path.py:Class or module:Class. Its standard size is used; Sort=3 and
    parameter=value replace single entries of it.

    \b
      ratified check paxos
      ratified check paxos Acceptor=3 Value=2 Ballot=2
      ratified check my_model.py:Lock Client=3 --deadlock --format json -o lock.json
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.checking import Output, check_model

    to = Output(form, output, quiet=quiet, color=color)
    return check_model(model, read_settings(settings), how, to)
