"""`ratified induct`: help in finding lemmas."""

from __future__ import annotations

import sys
from typing import Any

import click

from ratified.cli.commands.options import Number
from ratified.cli.output import colorful, echo
from ratified.cli.requests import InductRequest, takes


@click.command(short_help="Show why an invariant of a model is not inductive.")
@click.argument("model")
@click.option("--claim", metavar="NAME", help="The candidate: an invariant of the model.")
@click.option("--houdini", is_flag=True, help="Keep the largest inductive subset of all its invariants.")
@click.option(
    "--timeout",
    type=Number(min=0.1),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Time limit for an obligation, in seconds.",
)
@takes(InductRequest)
def induct(request: InductRequest) -> int:
    """Show why an invariant of MODEL is not inductive, and whether the counterexample is reachable.

    A counterexample to induction whose state is reachable refutes the candidate; one whose state is not calls for a lemma. MODEL
    is as for `ratified prove`; its lemmas are used.

    \b
      ratified induct my_model.py:Lock --claim mutual_exclusion
      ratified induct my_model.py:Lock --houdini
    """  # noqa: D301  # click takes \b for "keep these lines"
    if bool(request.claim) is request.houdini:
        raise click.UsageError("Give either --claim NAME or --houdini.")
    from ratified.cli.report.proof import houdini_text, induction_text
    from ratified.cli.scripts import own_script
    from ratified.smt.houdini import houdini
    from ratified.smt.induct import induct as try_candidate
    from ratified.smt.proving import ProofOptions

    cls: Any = own_script(request.model)
    options = ProofOptions(timeout=request.timeout)
    color = colorful(sys.stdout, None)
    if request.claim is None:
        kept = houdini(cls, options=options)
        echo(houdini_text(cls.__name__, kept, color=color))
        return 0 if kept.kept else 1
    found = try_candidate(cls, request.claim, options)
    echo(induction_text(cls.__name__, request.claim, found, color=color))
    return found.proof.verdict.exit_status
