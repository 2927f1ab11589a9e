"""`ratified export`: a model in the languages of other tools."""

from __future__ import annotations

from pathlib import Path

import click

from ratified.cli.commands.options import read_settings


@click.group()
def export() -> None:
    """Write a model in the language of another tool."""


@export.command()
@click.argument("model")
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...")
@click.option("--size", metavar="NAME", help="A size that the model names; `ratified list` shows them.")
@click.option("--symmetry", is_flag=True, help="Let TLC count states that differ by renaming as one.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder to write to; without it, the model's module is printed.",
)
def tla(model: str, settings: tuple[str, ...], size: str | None, symmetry: bool, output: Path | None) -> int:
    """Write MODEL in TLA+: a module, those of the models that it refines, and a configuration for TLC.

    \b
      ratified export tla paxos -o paxos
      ratified export tla my_model.py:Lock Client=3 -o lock
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.crosschecking import export_tla

    return export_tla(model, read_settings(settings), size, symmetry=symmetry, folder=output)
