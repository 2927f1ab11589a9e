"""`ratified simulate`: random walks through a model."""

from __future__ import annotations

import click

from ratified.cli.commands.options import (
    model_at_size,
    option_of_claims,
    option_of_deadlock,
    option_of_diagram,
    option_of_memory,
    option_of_seconds,
    option_of_size,
    options_of_reporting,
)
from ratified.cli.output import deliver
from ratified.cli.requests import SimulateRequest, takes


@click.command(short_help="Take random walks through a model too large to explore.")
@model_at_size
@click.option(
    "--runs", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="Number of runs."
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="Steps of a run, at most.",
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Random seed.")
@click.option("--show", is_flag=True, help="Show the first run, step by step.")
@option_of_seconds()
@option_of_memory("Memory limit (512M, 2G).")
@option_of_claims
@option_of_deadlock
@option_of_size
@option_of_diagram("the run that violates a claim, or the first run,")
@options_of_reporting(("text", "json", "itf"))
@takes(SimulateRequest)
def simulate(request: SimulateRequest) -> int:
    """Take random walks through MODEL, for sizes too large to explore.

    Claims are checked along the way, except for liveness. The same seed gives the same runs. A run that violates a claim is not
    necessarily a shortest one; if none does, nothing is proved, and the verdict is undecided.

    \b
      ratified simulate paxos Acceptor=5 Value=3 Ballot=6 --runs 1000
      ratified simulate my_model.py:Lock Client=9 --seed 7 --show
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.drawing import check_drawable
    from ratified.cli.instances import instance
    from ratified.cli.loading import load, name_of
    from ratified.cli.report.simulation import simulation_headline, simulation_json, simulation_text
    from ratified.explore.simulate import simulate as walk
    from ratified.results.result import Limits

    check_drawable(request.diagram)
    cls = load(request.model)
    name = name_of(request.model, cls)
    model = instance(cls, request.size, request.settings)
    walked = walk(
        model,
        runs=request.runs,
        length=request.depth,
        seed=request.seed,
        deadlock=request.deadlock,
        claims=request.claims or None,
        limits=Limits(seconds=request.seconds, memory=request.memory),
    )

    def rendered(form: str, *, color: bool = False) -> str:
        if form == "json":
            return simulation_json(name, walked)
        if form == "itf":
            from ratified.itf import as_itf

            return as_itf(model, walked.violation.trace if walked.violation else walked.first, name)
        return simulation_text(name, walked, show_run=request.show, color=color)

    deliver(request.output, rendered, simulation_headline(name, walked))
    if request.diagram is not None:
        from ratified.diagram.runs import sequence

        sequence(walked.violation or walked.first, model).save(request.diagram)
    return walked.verdict.exit_status
