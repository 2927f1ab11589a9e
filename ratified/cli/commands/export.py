"""`ratified export`: a model in the languages of other tools."""

from __future__ import annotations

from pathlib import Path

import click

from ratified.cli.commands.options import model_at_size, option_of_size
from ratified.cli.output import echo, write
from ratified.cli.requests import ExportTlaRequest, takes


@click.group()
def export() -> None:
    """Write a model in the language of another tool."""


@export.command()
@model_at_size
@option_of_size
@click.option("--symmetry", is_flag=True, help="Have TLC count states that differ by renaming as one.")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder to write to; without it, the model's module is printed.",
)
@takes(ExportTlaRequest)
def tla(request: ExportTlaRequest) -> int:
    """Write MODEL in TLA+: a module, those of the models that it refines, and a configuration for TLC.

    \b
      ratified export tla paxos -o paxos
      ratified export tla my_model.py:Lock Client=3 -o lock
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.instances import instance
    from ratified.cli.loading import load
    from ratified.language.errors import RatifiedError
    from ratified.tla import export as exported

    made = exported(instance(load(request.model), request.size, request.settings), symmetry=request.symmetry)
    folder = request.folder
    if folder is None:
        echo(made.modules[f"{made.name}.tla"])
        return 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RatifiedError(f"{folder} cannot be created: {error.strerror}") from None
    for name, text in made.files.items():
        write(folder / name, text)
        echo(f"{folder / name}\n")
    return 0
