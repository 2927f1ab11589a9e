"""`ratified list`: what is bundled."""

from __future__ import annotations

import click

from ratified.bundled import models, protocols
from ratified.cli.commands.options import option_of_format
from ratified.cli.output import echo
from ratified.cli.requests import ListRequest, takes


@click.command(name="list", short_help="List the bundled protocols and models.")
@click.argument("names", nargs=-1, metavar="[MODEL | PROTOCOL]...")
@click.option(
    "--actions",
    is_flag=True,
    help="Show what a binding is written against: actions, variables, methods, kinds of values, and bundled events.",
)
@option_of_format
@takes(ListRequest)
def list_(request: ListRequest) -> int:
    """List the bundled protocols and models, or describe single ones: a MODEL with its sizes.

    \b
      ratified list
      ratified list paxos raft
      ratified list services
      ratified list raft --actions
      ratified list --format json
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.listing import actions_text, details, listed, listing_json, overview

    for name in request.names:
        if name not in models and name not in protocols:
            from ratified.cli.loading import nothing_bundled

            raise nothing_bundled(name)
    if request.form == "json":
        echo(listing_json(listed(request.names) or tuple(models), actions=request.actions))
    elif request.actions:
        echo(actions_text(request.names or tuple(protocols)))
    else:
        echo(details(request.names) if request.names else overview())
    return 0
