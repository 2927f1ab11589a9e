"""`ratified list`: the bundled models and their sizes."""

from __future__ import annotations

import click


@click.command(name="list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_(form: str) -> int:
    """Show the bundled models and their sizes."""
    from ratified.cli.checking import echo
    from ratified.cli.listing import listing

    echo(listing(form))
    return 0
