"""`ratified check`: explore every reachable state of a model at one size."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ratified.cli.commands.options import (
    FORMATS,
    model_at_size,
    option_of_claims,
    option_of_deadlock,
    option_of_diagram,
    options_of_exploring,
)
from ratified.cli.output import echo, write
from ratified.cli.requests import CheckRequest, Output, takes

if TYPE_CHECKING:
    from ratified.cli.report.checks import Checked
    from ratified.language import Model
    from ratified.results.result import Result


@click.command(short_help="Explore every reachable state of a model at one size.")
@model_at_size
@option_of_claims
@click.option(
    "--checkpoint",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Save progress there, and resume from what is saved there.",
)
@click.option(
    "--dump-c",
    "dump",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the generated C code to a file.",
)
@option_of_deadlock
@option_of_diagram("the counterexample")
@options_of_exploring((*FORMATS, "itf"))
@takes(CheckRequest)
def check(request: CheckRequest) -> int:
    """Explore every reachable state of MODEL at one size.

    MODEL is the name of a bundled model, path.py, path.py:Class or module:Class. Without settings its standard size is used;
    Sort=3 and parameter=value replace single entries of it.

    \b
      ratified check paxos
      ratified check paxos Acceptor=3 Value=2 Ballot=2
      ratified check my_model.py:Lock Client=3 --deadlock --format json -o lock.json
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.drawing import check_drawable
    from ratified.cli.exploring import emit, explore_options, explored
    from ratified.cli.instances import instance, is_symmetric
    from ratified.cli.loading import described, load, name_of
    from ratified.cli.report.checks import Checked, Report

    check_drawable(request.diagram)
    cls = load(request.model)
    name = name_of(request.model, cls)
    model = instance(cls, request.exploring.size, request.settings)
    how = explore_options(
        request.exploring,
        symmetric=is_symmetric(cls, request.exploring.size),
        deadlock=request.deadlock,
        claims=request.claims,
        checkpoint=request.checkpoint,
        dump=request.dump,
    )
    result = explored(name, model, how, quiet=request.output.quiet)
    checked = Checked(name, result, described(name))
    if request.output.form == "itf":
        status = emit_counterexample(checked, model, request.output)
    else:
        status = emit(Report((checked,)), request.output)
    if request.diagram is not None:
        draw_counterexample(result, request.diagram)
    return status


def draw_counterexample(result: Result, file: Path) -> None:
    """Draw the counterexample of a result, if there is one."""
    from ratified.cli.drawing import say_nothing_drawn
    from ratified.diagram.runs import sequence

    if result.violation is None:
        say_nothing_drawn(file, f"no claim of {result.model} is violated")
    else:
        sequence(result).save(file)


def emit_counterexample(checked: Checked, model: Model, to: Output) -> int:
    """Write the counterexample in ITF, if there is one; with a file for it the report goes to standard output as text."""
    from ratified.cli.exploring import emit
    from ratified.cli.report.checks import Report
    from ratified.cli.report.render import render
    from ratified.itf import as_itf

    report, result = Report((checked,)), checked.result
    if result.violation is not None:
        itf = as_itf(model, result.violation.trace, f"{checked.name}: {result.violation.name} is violated")
        if to.file is None:
            echo(itf)
            return result.verdict.exit_status
        write(to.file, itf)
    elif to.file is None:
        headline = render(report, "text").partition("\n")[0]
        sys.stderr.write(f"{headline}\nthere is no counterexample to write in ITF\n")
        return result.verdict.exit_status
    return emit(report, replace(to, form="text", file=None))
