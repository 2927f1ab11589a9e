"""`ratified explore`: walk through a model in the browser."""

from __future__ import annotations

import click

from ratified.cli.commands.options import read_settings


@click.command()
@click.argument("model")
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...")
@click.option("--size", metavar="NAME", help="A size that the model names; `ratified list` shows them.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8750,
    show_default=True,
    metavar="N",
    help="Listen there; 0 for any port that is free.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=120.0,
    show_default=True,
    metavar="S",
    help="How long a search may take.",
)
@click.option("--open", "open_", is_flag=True, help="Open the page in the browser.")
def explore(
    model: str, settings: tuple[str, ...], size: str | None, port: int, seconds: float, open_: bool
) -> int:
    """Walk through MODEL in the browser, state by state.

    The page is on this machine alone, until Ctrl-C. Models of any size can be walked: nothing is explored before it is asked
    for.

    \b
      ratified explore raft
      ratified explore my_model.py:Lock Client=3 --open
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.drawing import serve

    return serve(model, read_settings(settings), size, port, seconds, open_=open_)
