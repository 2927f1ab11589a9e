"""`ratified play`: a scenario, and its transcript."""

from __future__ import annotations

from pathlib import Path

import click

from ratified.cli.output import echo, read
from ratified.cli.requests import PlayRequest, takes


@click.command(short_help="Play a scenario with an implementation.")
@click.argument("script", type=click.Path(dir_okay=False, path_type=Path))
@takes(PlayRequest)
def play(request: PlayRequest) -> int:
    """Play the scenario in SCRIPT with an implementation and print its transcript.

    A script names a protocol and its nodes, and then says line by line what happens to them; docs/implementations.md describes
    the lines.

    \b
      system raft
      nodes a b c
      campaign a
      stabilise
      propose a put x 1
      crash a
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.bundled import systems
    from ratified.language.errors import RatifiedError
    from ratified.simulator import ScheduleError

    try:
        transcript = systems.play(read(request.script), str(request.script))
    except ScheduleError as error:
        raise RatifiedError(str(error)) from None
    echo(transcript)
    return 1 if transcript.rpartition("\nVIOLATION: ")[1] else 0
