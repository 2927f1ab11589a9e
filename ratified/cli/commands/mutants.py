"""`ratified mutants`: bugs planted into an implementation, and who catches them."""

from __future__ import annotations

from typing import Any

import click


@click.command()
@click.argument("protocol")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="Try chaos only.")
@click.option("--scripts", is_flag=True, help="Show a short script for each.")
def mutants(protocol: str, **how: Any) -> int:
    """Plant bugs that real systems had into the implementation of PROTOCOL, one at a time; each must be caught.

    The table tells who catches which, after how many steps: the checker, the decision whether what clients saw is linearizable,
    Hypothesis, and the covering of the model's graph.
    """
    from ratified.cli.conforming import kill_table

    return kill_table(protocol, **how)
