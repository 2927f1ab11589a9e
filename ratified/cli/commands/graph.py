"""`ratified graph`: a model's states and steps as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ratified.cli.commands.options import ENGINES, read_settings


@click.command()
@click.argument("model")
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it there: .svg .png .pdf .dot .html .json or .graphml. DOT on standard output without it.",
)
@click.option(
    "--view",
    metavar="VIEW",
    help='Merge states that agree on a view: its NAME, expressions like "role, current_term", or "state" for none.',
)
@click.option(
    "--focus", metavar="WHAT", help="Draw the part around an action, a condition, or `counterexample`."
)
@click.option(
    "--radius",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="N",
    help="Steps around the focus.",
)
@click.option("--fold", is_flag=True, help="Draw states that differ by renaming as one.")
@click.option("--loops", is_flag=True, help="Draw steps that stay in their node, too.")
@click.option("--most", type=click.IntRange(min=1), metavar="N", help="Draw up to N nodes, legible or not.")
@click.option(
    "--size", metavar="NAME", help="A size that the model names; its small one, if it has one, by default."
)
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Explore N levels.")
@click.option("--states", type=click.IntRange(min=1), metavar="N", help="Explore N distinct states.")
@click.option("--seconds", type=click.FloatRange(min=0), metavar="S", help="Explore for S seconds.")
@click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def graph(model: str, settings: tuple[str, ...], **how: Any) -> int:
    """Draw the states and steps of MODEL.

    Where there are too many states to read, the first view that the model declares is drawn. Exit status 0, or 3 if not all that
    is reachable was explored.

    \b
      ratified graph raft -o raft.svg --fold
      ratified graph raft -o roles.svg --view "role, current_term"
      ratified graph my_model.py:Lock Client=2 -o lock.html --focus counterexample
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.drawing import draw_graph

    return draw_graph(model, read_settings(settings), how)
