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
    "--coverage",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="REPORT",
    help="Mark the steps that traces never exercised, by the JSON of `ratified trace --coverage --format json`.",
)
@click.option(
    "--most", type=click.IntRange(min=1), metavar="N", help="Draw up to N nodes, even if unreadable."
)
@click.option(
    "--size", metavar="NAME", help="Use a size that the model names; by default its small one, if it has one."
)
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Explore N levels.")
@click.option("--states", type=click.IntRange(min=1), metavar="N", help="Explore N distinct states.")
@option_of_seconds("Stop exploring in time to have a picture after about S seconds.")
@option_of_engine
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
@takes(GraphRequest)
def graph(request: GraphRequest) -> int:
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
    from ratified.cli.report.covered import exercised_by
    from ratified.diagram.build import WHOLE
    from ratified.diagram.build import graph as drawn
    from ratified.diagram.render import DRAWN, check_writable, kind_of
    from ratified.diagram.size import NODES
    from ratified.results.result import Limits, Verdict

    kind = "dot"
    if request.file is not None:
        kind = kind_of(request.file)
        check_writable(request.file)
    cls = load(request.model)
    name = name_of(request.model, cls)
    size = "small" if request.size is None and "small" in sizes_of(cls) else request.size
    model = instance(cls, size, request.settings)
    exercised = None
    if request.coverage is not None:
        if request.view not in (None, "state", "self"):
            raise click.UsageError(
                "--coverage marks individual steps: leave out --view, or give --view state"
            )
        exercised = exercised_by(request.coverage, model)
    live = LiveLine(sys.stderr, name) if sys.stderr.isatty() and not request.quiet else None
    with live or nullcontext():
        made = drawn(
            model,
            view=request.view or (None if exercised is None else WHOLE),
            fold=request.fold,
            focus=request.focus,
            radius=request.radius,
            loops=request.loops,
            most=request.most or (NODES if kind in DRAWN else None),
            limits=Limits(depth=request.depth, states=request.states, seconds=request.seconds),
            engine=request.engine,
            progress=live,
            exercised=exercised,
        )
    if request.file is None:
        echo(made.to_dot())
    else:
        made.save(request.file)
        if not request.quiet:
            echo("\n".join([f"{request.file}: {made.title}", *(f"  {line}" for line in made.caption), ""]))
    return Verdict.UNDECIDED.exit_status if made.stopped or made.bounds else 0
