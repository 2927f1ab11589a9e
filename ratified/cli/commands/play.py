"""`ratified play`: a scenario, and its transcript."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("script", type=click.Path(dir_okay=False, path_type=Path))
def play(script: Path) -> int:
    """Play the scenario in SCRIPT with an implementation and print its transcript.

    A script names a protocol and its nodes, and then says line by line what happens to them. docs/implementations.md has
    the words.

    \b
      system raft
      nodes a b c
      campaign a
      stabilise
      propose a put x 1
      crash a
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.running import play_script

    return play_script(script)
