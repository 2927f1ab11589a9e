"""`ratified induct`: help in finding lemmas."""

from __future__ import annotations

from typing import Any

import click

from ratified.cli.commands.options import FORMATS, NumberOption, option_of_seconds, options_of_reporting
from ratified.cli.output import deliver
from ratified.cli.requests import InductRequest, takes


@click.command(short_help="Show why an invariant of a model is not inductive.")
@click.argument("model")
@click.option("--claim", metavar="NAME", help="The candidate: an invariant of the model.")
@click.option("--houdini", is_flag=True, help="Keep the largest inductive subset of all its invariants.")
@click.option(
    "--timeout",
    type=NumberOption(min=0.1),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Time limit for an obligation, in seconds.",
)
@option_of_seconds(
    "Stop after S seconds; what is not decided by then is undecided.  [default: 300 for all obligations]"
)
@options_of_reporting(FORMATS)
@takes(InductRequest)
def induct(request: InductRequest) -> int:
    """Show why an invariant of MODEL is not inductive, and whether the counterexample is reachable.

    A counterexample to induction that starts in a reachable state refutes the claim; any other calls for a lemma. MODEL is as for
    `ratified prove`, and its lemmas are used.

    \b
      ratified induct my_model.py:Lock --claim mutual_exclusion
      ratified induct my_model.py:Lock --houdini
    """  # noqa: D301  # click takes \b for "keep these lines"
    if bool(request.claim) is request.houdini:
        raise click.UsageError("Give either --claim NAME or --houdini.")
    from ratified.cli.report.induct import houdini_json, houdini_text, induction_json, induction_text
    from ratified.cli.report.render import renderer
    from ratified.cli.report.solved import (
        houdini_headline,
        houdini_summary,
        induction_headline,
        induction_summary,
    )
    from ratified.cli.scripts import own_script
    from ratified.results.result import Limits
    from ratified.smt.houdini import houdini
    from ratified.smt.induct import induct as try_candidate
    from ratified.smt.proving import ProofOptions

    cls: Any = own_script(request.model)
    name: str = cls.__name__
    options = ProofOptions(timeout=request.timeout)
    limits = Limits(seconds=request.seconds)
    if request.claim is None:
        kept = houdini(cls, options=options, limits=limits)
        rendered = renderer(
            lambda color: houdini_text(name, kept, color=color),
            lambda: houdini_json(name, kept),
            lambda: houdini_summary(name, kept, cls.module),
        )
        deliver(request.output, rendered, houdini_headline(name, kept))
        return kept.verdict.exit_status
    claim = request.claim
    found = try_candidate(cls, claim, options, limits=limits)
    rendered = renderer(
        lambda color: induction_text(name, claim, found, color=color),
        lambda: induction_json(name, claim, found),
        lambda: induction_summary(name, claim, found, cls.module),
    )
    deliver(request.output, rendered, induction_headline(name, claim, found))
    return found.proof.verdict.exit_status
