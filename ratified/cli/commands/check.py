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

VERDICTS = ("holds", "violated", "undecided")

if TYPE_CHECKING:
    from ratified.cli.report.checks import Checked, Expected
    from ratified.language import Model
    from ratified.results.result import Result


def read_expected(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[str, str | None] | None:
    """Return a verdict and perhaps a claim, as in `violated:agreement`; raise a usage error for anything else."""
    if text is None:
        return None
    verdict, colon, claim = text.partition(":")
    if verdict not in VERDICTS or bool(colon) != bool(claim) or (claim and verdict != "violated"):
        raise click.BadParameter(
            f"{text!r} is not holds, violated, violated:CLAIM or undecided", context, parameter
        )
    return verdict, claim or None


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
@click.option(
    "--expect",
    callback=read_expected,
    metavar="VERDICT[:CLAIM]",
    help="Exit with 0 if this comes out, and only then: holds, violated, violated:CLAIM or undecided.",
)
@click.option(
    "--expect-states", type=click.IntRange(min=0), metavar="N", help="The number of distinct states expected."
)
@click.option("--expect-depth", type=click.IntRange(min=0), metavar="N", help="The depth expected.")
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
    from ratified.diagram.render import check_writable

    check_drawable(request.diagram)
    if request.dump is not None:
        check_writable(request.dump)
    cls = load(request.model)
    name = name_of(request.model, cls)
    model = instance(cls, request.exploring.size, request.settings)
    expected = _expected(request, model)
    how = explore_options(
        request.exploring,
        symmetric=is_symmetric(cls, request.exploring.size),
        deadlock=request.deadlock,
        claims=request.claims,
        checkpoint=request.checkpoint,
        dump=request.dump,
    )
    result = explored(name, model, how, quiet=request.output.quiet)
    checked = Checked(name, result, described(name), expected=expected)
    if request.output.form == "itf":
        status = emit_counterexample(checked, model, request.output)
    else:
        status = emit(Report((checked,)), request.output)
    if request.diagram is not None:
        draw_counterexample(result, request.diagram)
    return status


def _expected(request: CheckRequest, model: Model) -> Expected | None:
    """What the check is expected to come to; counts without a verdict are those of a model that holds."""
    from ratified.cli.report.checks import Expected
    from ratified.results.result import Verdict

    asked = (request.expect, request.expect_states, request.expect_depth)
    if asked == (None, None, None):
        return None
    verdict, claim = request.expect or ("holds", None)
    if claim is not None and claim != "deadlock":
        model.claiming([claim])  # which refuses one that there is not
    return Expected(Verdict(verdict), claim, request.expect_states, request.expect_depth)


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
            return checked.verdict.exit_status
        write(to.file, itf)
    elif to.file is None:
        headline = render(report, "text").partition("\n")[0]
        sys.stderr.write(f"{headline}\nthere is no counterexample to write in ITF\n")
        return checked.verdict.exit_status
    return emit(report, replace(to, form="text", file=None))
