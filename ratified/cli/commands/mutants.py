"""`ratified mutants`: bugs planted into an implementation, and who catches them."""

from __future__ import annotations

import click

from ratified.bundled import implementations, policies
from ratified.cli.commands.conform import require_hypothesis
from ratified.cli.output import echo
from ratified.cli.requests import MutantsRequest, takes


@click.command(short_help="Plant known bugs into an implementation; all must be caught.")
@click.argument("protocol", type=click.Choice([*implementations, *policies]))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="Try fault injection only.")
@click.option("--scripts", is_flag=True, help="Show a short script that exposes each bug.")
@click.option("--systematic", is_flag=True, help="Of a policy: plant every mistake in its source instead.")
@takes(MutantsRequest)
def mutants(request: MutantsRequest) -> int:
    """Plant bugs that real systems had into the implementation of a protocol, one at a time; each must be caught.

    The table shows what catches which bug, after how many steps: following each step through the model, deciding whether the
    histories of clients are linearizable, Hypothesis, and walks along the edges of the model's state graph. For a policy of
    services it shows after how many runs by chance, examples of Hypothesis, and steps along the graph.
    """
    from ratified.bundled.conformance import POLICIES, PROTOCOLS
    from ratified.language.errors import RatifiedError

    protocol = PROTOCOLS.get(request.protocol)
    known = (protocol or POLICIES[request.protocol]).mutants()
    for name in request.names:
        if name not in known:
            raise RatifiedError(
                f"there is no bug {name!r} of {request.protocol}", remedy=f"there are {', '.join(known)}"
            )
    require_hypothesis()
    if protocol is None:
        return mutants_of_policy(request)
    if request.systematic:
        raise RatifiedError(
            f"{request.protocol} runs in clusters: systematic mistakes are planted in policies only",
            remedy=f"policies are {', '.join(policies)}",
        )
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


def mutants_of_policy(request: MutantsRequest) -> int:
    """Plant bugs, or every systematic mistake, into a policy, and return the exit status."""
    from ratified.bundled.conformance import POLICIES
    from ratified.cli.report.policies import WIDEST, kill_heading, kill_row, kill_sum
    from ratified.conform.operators import mutations
    from ratified.conform.policies import PolicyKill, kills, systematic_kills

    policy = POLICIES[request.protocol]
    explained = policy.survivors()
    if request.systematic:
        names = tuple(mutation.name for mutation in mutations(policy.sources))
        found = systematic_kills(policy, quick=request.quick)
    else:
        names = request.names or tuple(policy.mutants())
        found = kills(policy, names, quick=request.quick, shrink=request.scripts)
    width = min(WIDEST, max(map(len, names), default=3))
    echo(kill_heading("mistake" if request.systematic else "bug", width))
    every: list[PolicyKill] = []
    for kill in found:
        every.append(kill)
        echo(kill_row(kill, width, explained))
    echo(kill_sum(every, explained))
    return 0 if all(kill.caught or kill.name in explained for kill in every) else 1
