"""`ratified list`: what is bundled."""

from __future__ import annotations

import click

from ratified.bundled import models
from ratified.cli.commands.options import option_of_format
from ratified.cli.output import echo
from ratified.cli.requests import ListRequest, takes


@click.command(name="list", short_help="List the bundled protocols and models.")
@click.argument("names", nargs=-1, type=click.Choice(list(models)), metavar="[MODEL]...")
@option_of_format
@takes(ListRequest)
def list_(request: ListRequest) -> int:
    """List the bundled protocols and models, or show single MODELs with their sizes.

    \b
      ratified list
      ratified list paxos raft
      ratified list --format json
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.listing import details, listing_json, overview

    if request.form == "json":
        echo(listing_json(request.names or tuple(models)))
    else:
        echo(details(request.names) if request.names else overview())
    return 0
