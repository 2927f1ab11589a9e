"""`ratified trace`: a run that was recorded, held to a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ratified.cli.commands.options import option_of_diagram, read_settings


@click.command()
@click.argument("binding")
@click.argument("trace", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...")
@click.option("--size", metavar="NAME", help="For ITF: a size that the model names.")
@click.option(
    "--unobserved",
    type=click.IntRange(min=0),
    metavar="N",
    help="At most N steps that nobody saw between two events; the binding says by default.",
)
@click.option(
    "--states",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Give up where more than N states of the model could explain what was seen.",
)
@click.option("--events", type=click.IntRange(min=1), metavar="N", help="Stop after N events.")
@click.option("--seconds", type=click.FloatRange(min=0), metavar="S", help="Stop after S seconds.")
@click.option(
    "--claims-every",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Ask the model's invariants after every N events.",
)
@option_of_diagram("where the run leaves the model")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def trace(binding: str, trace: Path, settings: tuple[str, ...], size: str | None, **how: Any) -> int:
    """Check that a run recorded in TRACE is one that a model allows.

    BINDING says how events map to the model: the name of a bundled one, or a class of your own as path.py:Class. TRACE has
    one event a line, as JSON:

    \b
      {"node": "n1", "action": "acquire", "arguments": {"client": "a"}, "variables": {"granted": "a"}}

    A TRACE that ends in .itf.json is a run in the format of Apalache and Quint, which ratified writes too (--format itf). Then
    BINDING is a model; its sizes are those that the file says, unless they are given.

    \b
      ratified trace paxos run.itf.json Acceptor=3 Value=2 Ballot=2
    """  # noqa: D301  # click takes \b for "keep these lines"
    if trace.name.endswith(".itf.json"):
        if how["diagram"]:
            raise click.UsageError("runs in ITF are told, not drawn")
        from ratified.cli.following import follow_itf

        return follow_itf(binding, trace, read_settings(settings), size, how["form"])
    if settings or size:
        raise click.UsageError("sizes are given for runs in ITF; a binding has its own")
    from ratified.cli.tracing import trace_file

    return trace_file(binding, trace, **how)
