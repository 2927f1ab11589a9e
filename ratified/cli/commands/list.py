"""`ratified list`: the bundled models and their sizes."""

from __future__ import annotations

import click

from ratified.cli.commands.options import option_of_format
from ratified.cli.output import echo
from ratified.cli.requests import List, takes


@click.command(name="list")
@option_of_format
@takes(List)
def list_(asked: List) -> int:
    """List the bundled models and their sizes."""
    from ratified.cli.report.listing import listing

    echo(listing(asked.form))
    return 0
