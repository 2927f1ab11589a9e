"""`ratified prove`: prove a model for every size."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ratified.cli.commands.options import FORMATS, NumberOption, option_of_seconds, options_of_reporting
from ratified.cli.output import deliver
from ratified.cli.requests import ProveRequest, takes

if TYPE_CHECKING:
    from ratified.smt.result import Proof


@click.command(short_help="Prove a model for every size, by induction.")
@click.argument("model")
@click.option(
    "--goal", "goals", multiple=True, metavar="NAME", help="Prove this claim only (may be repeated)."
)
@click.option(
    "--without",
    multiple=True,
    metavar="LEMMA",
    help="Leave out a lemma, to see what depends on it (may be repeated).",
)
@click.option(
    "--solver", type=click.Choice(("z3", "cvc5")), default="z3", show_default=True, help="Solver to use."
)
@click.option("--cross-check", is_flag=True, help="Also give every obligation to the other solver.")
@click.option(
    "--timeout",
    type=NumberOption(min=0.1),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Time limit for an obligation, in seconds.",
)
@option_of_seconds(
    "Stop after S seconds; what is not decided by then is undecided.  [default: 300 for each solver]"
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Solver processes; one for each core by default.",
)
@click.option(
    "--smt2",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write each obligation as an SMT-LIB 2 file to this folder.",
)
@click.option(
    "--certificate",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the obligations to this folder, with certificates that `ratified certified DIR` checks without a solver.",
)
@click.option(
    "--diagram",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the first counterexample to induction, two states side by side: .svg, .html, .mmd or .md.",
)
@options_of_reporting(FORMATS)
@takes(ProveRequest)
def prove(request: ProveRequest) -> int:
    """Prove MODEL for every size, by induction.

    MODEL is the name of a bundled model, or a proof script of your own as path.py:Class or module:Class: a class that derives
    from a model and marks lemmas. For a variant of a bundled model (also as path.py:Class) the script of that model is used; any
    other model without lemmas is tried with its invariants alone.

    \b
      ratified prove paxos
      ratified prove paxos --cross-check --smt2 obligations
      ratified prove paxos --certificate certificates
      ratified prove paxos-forgotten-vote
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.drawing import check_drawable
    from ratified.cli.loading import name_of
    from ratified.cli.progress import ProofLine
    from ratified.cli.report.proof import proof_headline, proof_json, proof_text
    from ratified.cli.report.render import renderer
    from ratified.cli.report.solved import proof_summary
    from ratified.cli.scripts import script_for
    from ratified.results.result import Limits
    from ratified.smt import proving

    check_drawable(request.diagram)
    script = script_for(request.model)
    name = name_of(request.model, script)
    live = ProofLine(sys.stderr, name) if sys.stderr.isatty() and not request.output.quiet else None
    second = {"z3": "cvc5", "cvc5": "z3"}[request.solver] if request.cross_check else None
    options = proving.ProofOptions(
        request.solver,
        second,
        request.timeout,
        request.processes,
        request.smt2,
        request.certificate,
    )
    with live or nullcontext():
        proof = proving.prove(
            script,
            without=request.without,
            goals=request.goals or None,
            limits=Limits(seconds=request.seconds),
            options=options,
            progress=live,
        )

    rendered = renderer(
        lambda color: proof_text(name, proof, color=color),
        lambda: proof_json(name, proof),
        lambda: proof_summary(name, proof, script.module),
    )
    deliver(request.output, rendered, proof_headline(name, proof))
    if request.diagram is not None:
        draw(proof, request.diagram)
    return proof.verdict.exit_status


def draw(proof: Proof, file: Path) -> None:
    """Draw the first counterexample to induction of a proof that failed."""
    from ratified.cli.drawing import say_nothing_drawn
    from ratified.diagram.pair import side_by_side
    from ratified.diagram.rows import Ending
    from ratified.smt.result import Status

    for cell in proof.of(Status.FAILED):
        found = cell.counterexample
        states = [state for state in (found.before, found.after) if state is not None] if found else []
        if found is None or not states:
            continue
        arguments = ", ".join(f"{name}={value}" for name, value in found.arguments.items())
        sizes = " ".join(f"{name}={value}" for name, value in found.sizes.items())
        side_by_side(
            states[0],
            states[-1],
            title=f"{proof.model} {sizes}: {cell.name}",
            heads=("before", "after") if len(states) == 2 else ("this state", "the same"),
            between=f"{cell.action}({arguments})" if cell.action else "",
            ending=Ending(f"{cell.claim} is not inductive", (f"not so: {cell.says}",) if cell.says else ()),
        ).save(file)
        return
    say_nothing_drawn(file, "there is no counterexample to induction")
