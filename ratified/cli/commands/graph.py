"""`ratified graph`: a model's states and steps as a picture."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import click

from ratified.cli.commands.options import model_at_size, option_of_engine, option_of_seconds
from ratified.cli.output import echo
from ratified.cli.requests import GraphRequest, takes


@click.command(short_help="Draw the states and steps of a model.")
@model_at_size
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it to a file: .svg .png .pdf .dot .html .json or .graphml. Without it, DOT on standard output.",
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
@click.option("--loops", is_flag=True, help="Draw self-loops too.")
@click.option(
    "--most", type=click.IntRange(min=1), metavar="N", help="Draw up to N nodes, even if unreadable."
)
@click.option(
    "--size", metavar="NAME", help="A size that the model names; its small one, if it has one, by default."
)
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Explore N levels.")
@click.option("--states", type=click.IntRange(min=1), metavar="N", help="Explore N distinct states.")
@option_of_seconds("Explore for S seconds.")
@option_of_engine
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
@takes(GraphRequest)
def graph(asked: GraphRequest) -> int:
    """Draw the states and steps of MODEL.

    Where there are too many states to read, the first view that the model declares is drawn. Exit status 0, or 3 if some of what
    is reachable was not explored.

    \b
      ratified graph raft -o raft.svg --fold
      ratified graph raft -o roles.svg --view "role, current_term"
      ratified graph my_model.py:Lock Client=2 -o lock.html --focus counterexample
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.instances import instance, sizes_of
    from ratified.cli.loading import load, name_of
    from ratified.cli.progress import LiveLine
    from ratified.diagram.build import graph as drawn
    from ratified.diagram.render import DRAWN, check_writable, kind_of
    from ratified.diagram.size import NODES
    from ratified.results.result import Limits, Verdict

    kind = "dot"
    if asked.file is not None:
        kind = kind_of(asked.file)
        check_writable(asked.file)
    cls = load(asked.model)
    name = name_of(asked.model, cls)
    size = "small" if asked.size is None and "small" in sizes_of(cls) else asked.size
    model = instance(cls, size, asked.settings)
    live = LiveLine(sys.stderr, name) if sys.stderr.isatty() and not asked.quiet else None
    with live or nullcontext():
        made = drawn(
            model,
            view=asked.view,
            fold=asked.fold,
            focus=asked.focus,
            radius=asked.radius,
            loops=asked.loops,
            most=asked.most or (NODES if kind in DRAWN else None),
            limits=Limits(depth=asked.depth, states=asked.states, seconds=asked.seconds),
            engine=asked.engine,
            progress=live,
        )
    if asked.file is None:
        echo(made.to_dot())
    else:
        made.save(asked.file)
        if not asked.quiet:
            echo("\n".join([f"{asked.file}: {made.title}", *(f"  {line}" for line in made.caption), ""]))
    return Verdict.UNDECIDED.exit_status if made.stopped or made.bounds else 0
