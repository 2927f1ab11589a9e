"""`ratified simulate`: random walks through a model."""

from __future__ import annotations

import click

from ratified.cli.commands.options import (
    ENGINES,
    NumberOption,
    model_at_size,
    option_of_claims,
    option_of_deadlock,
    option_of_diagram,
    option_of_memory,
    option_of_seconds,
    option_of_size,
    options_of_reporting,
    options_of_sharing,
)
from ratified.cli.output import deliver
from ratified.cli.ranks import member_of, random_runs
from ratified.cli.requests import SimulateRequest, takes


def refuse_without_measure(request: SimulateRequest) -> None:
    """Refuse what says how to measure where nothing is measured."""
    given = {
        "--since": request.since,
        "--until": request.until,
        "--weight": request.weights or None,
        "--confidence": request.confidence,
        "--engine": request.engine,
        "--threads": request.threads,
    }
    for option, value in given.items():
        if value is not None:
            raise click.UsageError(
                f"{option} says how to measure, but nothing is measured: add --measure EXPRESSION"
            )


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
    help="Maximum number of steps in a run.",
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Random seed.")
@click.option("--show", is_flag=True, help="Show the first run, step by step.")
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="EXPRESSION",
    help="Measure a number or condition at the end of each run, or `max:`, `min:`, `mean:` over it, or the steps until it is "
    "`first:` true (may be repeated). In it `steps` and `times_ACTION` are counts of the run.",
)
@click.option(
    "--since",
    type=click.IntRange(min=0),
    metavar="STEP",
    help="With --measure: measure along a run from this step on.",
)
@click.option("--until", metavar="CONDITION", help="With --measure: end a run when this is true.")
@click.option(
    "--weight",
    "weights",
    multiple=True,
    metavar="ACTION=N",
    help="With --measure: draw steps of an action N times as often as one of weight 1 (may be repeated).",
)
@click.option(
    "--confidence",
    type=NumberOption(0, 1, min_open=True, max_open=True),
    metavar="P",
    help="With --measure: the probability with which each interval holds.  [default: 0.95]",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    help="With --measure: engine to use; figures are the same.  [default: auto]",
)
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="With --measure: [default: all cores]"
)
@options_of_sharing("Run")
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

    Claims are checked along the way, except for liveness. The same seed gives the same runs, however many processes share
    them. A run that violates a claim need
    not be a shortest one; if none does, nothing is proved, and the verdict is undecided.

    With --measure, statistics of the runs are reported instead: mean, quantiles and a histogram, with confidence intervals.

    \b
      ratified simulate paxos Acceptor=5 Value=3 Ballot=6 --runs 1000
      ratified simulate my_model.py:Lock Client=9 --seed 7 --show
      ratified simulate my_model.py:Queue --measure "max: len(queue)" --measure "first: len(queue) == 0"
    """  # noqa: D301  # click takes \b for "keep these lines"
    if request.sharing.ranks is not None and member_of(request.sharing) is None:
        from ratified.cli.launching import launch

        return launch(request.sharing, request.output, saved=None)
    if request.measures:
        from ratified.cli.measuring import measure

        return measure(request)
    refuse_without_measure(request)
    from ratified.cli.drawing import check_drawable
    from ratified.cli.instances import instance
    from ratified.cli.loading import load, name_of
    from ratified.cli.report.simulation import simulation_headline, simulation_json, simulation_text
    from ratified.explore.simulate import simulate_on_ranks
    from ratified.results.result import Limits

    check_drawable(request.diagram)
    cls = load(request.model)
    name = name_of(request.model, cls)
    model = instance(cls, request.size, request.settings)
    with random_runs(name, request.runs, request.sharing, quiet=request.output.quiet) as (progress, world):
        walked = simulate_on_ranks(
            model,
            world,
            runs=request.runs,
            length=request.depth,
            seed=request.seed,
            deadlock=request.deadlock,
            claims=request.claims or None,
            limits=Limits(seconds=request.seconds, memory=request.memory),
            progress=progress,
        )
    if world.rank:
        return 0

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
