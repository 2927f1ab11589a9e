"""`ratified bmc`: bounded model checking, k-induction, and induction at a size."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ratified.cli.commands.options import (
    FORMATS,
    model_at_size,
    option_of_claims,
    option_of_deadlock,
    option_of_diagram,
    option_of_seconds,
    option_of_size,
    options_of_reporting,
)
from ratified.cli.output import deliver
from ratified.cli.requests import BmcRequest, takes

if TYPE_CHECKING:
    from ratified.language import Model
    from ratified.smt.finite.bounded import Bounded


@click.command(short_help="Check all runs of a model up to a length, with a solver.")
@model_at_size
@click.option(
    "--depth",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="Check runs of up to N steps.",
)
@click.option("--induction", is_flag=True, help="Also try to prove the claims by k-induction, for k up to N.")
@option_of_claims
@option_of_deadlock
@option_of_size
@option_of_seconds()
@click.option(
    "--solver", type=click.Choice(["sat", "z3"]), default="sat", show_default=True, help="Solver to use."
)
@option_of_diagram("the counterexample, or the counterexample to induction,")
@options_of_reporting(FORMATS)
@takes(BmcRequest)
def bmc(request: BmcRequest) -> int:
    """Ask a solver for a shortest run of MODEL that violates a claim.

    Runs are examined by length, without visiting states one by one. With --induction it also tries to prove the claims for runs
    of every length, at this size; with k = 1 that the claims together are inductive. A counterexample to induction is shown.

    \b
      ratified bmc paxos-ignores-votes --depth 12
      ratified bmc voting --induction
      ratified bmc my_model.py:Lock Client=3 --claim mutual_exclusion
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.drawing import check_drawable
    from ratified.cli.instances import instance
    from ratified.cli.loading import load, name_of
    from ratified.cli.progress import SHOWN_AFTER, LiveText
    from ratified.cli.report.bounded import bounded_headline, bounded_json, bounded_text
    from ratified.cli.report.render import renderer
    from ratified.cli.report.solved import bounded_summary
    from ratified.results.result import Limits
    from ratified.smt.finite.bounded import bounded

    check_drawable(request.diagram)
    cls = load(request.model)
    name = name_of(request.model, cls)
    live = LiveText(sys.stderr) if sys.stderr.isatty() and not request.output.quiet else None
    started = time.perf_counter()

    def progress(steps: int) -> None:
        seconds = time.perf_counter() - started
        if live and seconds >= SHOWN_AFTER:
            live.show(f"{name}  runs of {steps} steps  {seconds:.0f} s")

    with live or nullcontext():
        model = instance(cls, request.size, request.settings)
        found = bounded(
            model,
            request.depth,
            claims=request.claims or None,
            induction=request.induction,
            deadlock=request.deadlock,
            solver=request.solver,
            limits=Limits(seconds=request.seconds),
            progress=progress,
        )

    rendered = renderer(
        lambda color: bounded_text(name, found, color=color),
        lambda: bounded_json(name, found),
        lambda: bounded_summary(name, found, model.module),
    )
    deliver(request.output, rendered, bounded_headline(name, found))
    if request.diagram is not None:
        draw(found, model, request.diagram)
    return found.verdict.exit_status


def draw(found: Bounded, model: Model, file: Path) -> None:
    """Draw what a solver found: a counterexample, or a counterexample to induction."""
    from ratified.cli.drawing import say_nothing_drawn
    from ratified.diagram.pair import induction_step
    from ratified.diagram.runs import sequence

    if found.violation is not None:
        sequence(found.violation, model).save(file)
    elif found.induction is not None and found.induction.trace.steps:
        induction_step(found.induction.claim, found.induction.trace, repr(model)).save(file)
    else:
        say_nothing_drawn(file, "there is neither a counterexample nor a counterexample to induction")
