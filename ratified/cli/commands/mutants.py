"""`ratified mutants`: bugs planted into an implementation, and who catches them."""

from __future__ import annotations

import click

from ratified.bundled import implementations
from ratified.cli.commands.conform import require_hypothesis
from ratified.cli.output import echo
from ratified.cli.requests import MutantsRequest, takes


@click.command(short_help="Plant known bugs into an implementation; all must be caught.")
@click.argument("protocol", type=click.Choice(list(implementations)))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="Try fault injection only.")
@click.option("--scripts", is_flag=True, help="Show a short script that exposes each bug.")
@takes(MutantsRequest)
def mutants(request: MutantsRequest) -> int:
    """Plant bugs that real systems had into the implementation of a protocol, one at a time; each must be caught.

    The table shows what catches which bug, after how many steps: following each step through the model, deciding whether the
    histories of clients are linearizable, Hypothesis, and walks along the edges of the model's state graph.
    """
    from ratified.bundled.conformance import PROTOCOLS
    from ratified.language.errors import RatifiedError

    protocol = PROTOCOLS[request.protocol]
    known = protocol.mutants()
    for name in request.names:
        if name not in known:
            raise RatifiedError(
                f"there is no bug {name!r} of {request.protocol}", remedy=f"there are {', '.join(known)}"
            )
    require_hypothesis()
    from ratified.conform.suite import kills

    wanted = request.names or tuple(known)
    width = max(map(len, wanted))
    heads = ("checker", "linear.", "hypothesis", "edges")
    echo(f"{'bug':{width}}  " + "  ".join(f"{head:>10}" for head in heads) + "   time\n")
    missed = []
    for kill in kills(protocol, wanted, thorough=not request.quick, shrink=request.scripts):
        cells = (kill.checker, kill.linearizability, kill.hypothesis, kill.edges)
        row = "  ".join(f"{'-' if c is None else f'{c:,}':>10}" for c in cells)
        echo(f"{kill.name:{width}}  {row}  {kill.seconds:4.1f} s\n")
        for line in kill.shortest:
            echo(f"    {line}\n")
        if not kill.caught:
            missed.append(kill.name)
    echo(f"\n{len(wanted) - len(missed)} of {len(wanted)} caught; numbers are steps until caught\n")
    if missed:
        echo(f"not caught: {', '.join(missed)}\n")
    return 1 if missed else 0
