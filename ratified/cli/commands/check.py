"""`ratified check`: explore every reachable state of a model at one size."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ratified.cli.commands.options import (
    FORMATS,
    models_at_sizes,
    option_of_claims,
    option_of_deadlock,
    option_of_diagram,
    options_of_exploring,
    options_of_sharing,
)
from ratified.cli.output import echo, write
from ratified.cli.ranks import Member, member_of, refuse_what_is_not_for_ranks
from ratified.cli.requests import CheckRequest, Output, takes

VERDICTS = ("holds", "violated", "undecided")

if TYPE_CHECKING:
    from ratified.cli.named import Named
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
@models_at_sizes
@option_of_claims
@click.option(
    "--checkpoint",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Save progress there, and resume from what is saved there.",
)
@options_of_sharing("Explore")
@click.option(
    "--reduce",
    is_flag=True,
    help="Of steps that come to the same in any order explore one order (not with symmetry or liveness).",
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
    help="Exit with 0 for this verdict, and only for it: holds, violated, violated:CLAIM or undecided.",
)
@click.option(
    "--expect-states", type=click.IntRange(min=0), metavar="N", help="Expected number of distinct states."
)
@click.option(
    "--expect-depth", type=click.IntRange(min=0), metavar="N", help="Expected depth of the exploration."
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the verdict cache; by default as configured.",
)
@click.option("--no-cache", is_flag=True, help="Explore again even if the verdict is cached.")
@options_of_exploring((*FORMATS, "itf"))
@takes(CheckRequest)
def check(request: CheckRequest) -> int:
    """Explore every reachable state of each MODEL at one size; without a MODEL, check everything configured.

    MODEL is the name of a bundled model, path.py, path.py:Class or module:Class. Without settings its standard size is used;
    Sort=3 and parameter=value replace single entries. The configuration is in pyproject.toml (docs/ci.md).

    \b
      ratified check paxos
      ratified check paxos Acceptor=3 Value=2 Ballot=2
      ratified check my_model.py:Lock Client=3 --deadlock --format json -o lock.json
      ratified check my_model.py:Lock Client=3 my_model.py:Queue Item=2
      ratified check
    """  # noqa: D301  # click takes \b for "keep these lines"
    if len(request.models) == 1:
        return check_one(request, *request.models[0])
    from ratified.cli.gate.checking import check_configured, check_several

    only_one = {
        "--claim": request.claims,
        "--checkpoint": request.checkpoint,
        "--ranks": request.sharing.ranks,
        "--dump-c": request.dump,
        "--diagram": request.diagram,
        "--expect": request.expect,
        "--expect-states": request.expect_states,
        "--expect-depth": request.expect_depth,
        "--format itf": request.output.form == "itf",
        **(
            {}
            if request.models
            else {
                "--size": request.exploring.size,
                "--deadlock": request.deadlock,
                "--reduce": request.reduce,
            }
        ),
    }
    for option, given in only_one.items():
        if given not in (None, (), False):
            raise click.UsageError(f"{option} needs a single model, named on the command line.")
    return check_several(request) if request.models else check_configured(request)


def prepared(
    request: CheckRequest, target: str, settings: Mapping[str, str]
) -> tuple[Named, Expected | None]:
    """Load the model and read what is asked of it; refuse what cannot be done before anything is explored."""
    from ratified.cli.drawing import check_drawable
    from ratified.cli.named import named
    from ratified.diagram.render import check_writable

    check_drawable(request.diagram)
    if request.dump is not None:
        check_writable(request.dump)
    one = named(request, target, settings)
    return one, _expected(request, one.model)


def reported(request: CheckRequest, model: Model, checked: Checked, notes: tuple[str, ...] = ()) -> int:
    """Write the report, and the picture that was asked for, and return the exit status."""
    from ratified.cli.exploring import emit
    from ratified.cli.report.checks import Report

    if request.output.form == "itf":
        status = emit_counterexample(checked, model, request.output)
    else:
        status = emit(Report((checked,), notes=notes), request.output)
    if request.diagram is not None:
        draw_counterexample(checked.result, request.diagram)
    return status


def check_one(request: CheckRequest, target: str, settings: Mapping[str, str]) -> int:
    """Explore one model and return the exit status."""
    together = member_of(request.sharing)
    if together is not None:
        return check_together(request, target, settings, together)
    if request.sharing.ranks is not None:
        from ratified.cli.launching import launch

        return launch(request.sharing, request.output, saved=request.checkpoint is not None)
    from ratified.cli.exploring import explored
    from ratified.cli.gate.checking import cache_of
    from ratified.cli.gate.running import checked_or_known
    from ratified.cli.report.checks import Checked

    run, expected = prepared(request, target, settings)
    cache = cache_of(request)
    result, since = checked_or_known(
        run.model,
        run.how,
        Path.cwd(),
        cache,
        lambda m, h: explored(run.name, m, h, quiet=request.output.quiet),
    )
    checked = Checked(run.name, result, run.description, expected=expected, since=since)
    return reported(request, run.model, checked, (cache.trouble,) if cache.trouble else ())


def check_together(request: CheckRequest, target: str, settings: Mapping[str, str], together: Member) -> int:
    """Explore one model with other processes, and return the exit status; the report is rank 0's."""
    from ratified.cli.report.checks import Checked

    refuse_what_is_not_for_ranks(engine=request.exploring.engine, dump=request.dump, reduce=request.reduce)
    run, expected = prepared(request, target, settings)
    if run.how.claims is not None:
        run.model.claiming(run.how.claims)
    together.meet(None)
    result = together.explored(run.model, run.how, run.name, quiet=request.output.quiet)
    if together.world.rank:
        return 0
    checked = Checked(run.name, result, run.description, expected=expected)
    return reported(request, run.model, checked)


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
