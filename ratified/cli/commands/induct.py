"""`ratified induct`: help in finding lemmas."""

from __future__ import annotations

import click


@click.command()
@click.argument("model")
@click.option("--claim", metavar="NAME", help="The candidate: an invariant of the model.")
@click.option("--houdini", is_flag=True, help="Keep the largest inductive subset of all its invariants.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Seconds that a solver has for an obligation.",
)
def induct(model: str, claim: str | None, *, houdini: bool, timeout: float) -> int:
    """Show what keeps an invariant of MODEL from being inductive, and whether the explorer comes there.

    A counterexample to induction whose state is reachable refutes the candidate; one that is not asks for a lemma. MODEL is
    as for `ratified prove`; its lemmas are used.

    \b
      ratified induct my_model.py:Lock --claim mutual_exclusion
      ratified induct my_model.py:Lock --houdini
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.proving import induct_model

    if bool(claim) is houdini:
        raise click.UsageError("Give either --claim NAME or --houdini.")
    return induct_model(model, claim, timeout)
