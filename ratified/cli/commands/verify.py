"""`ratified verify`: the whole story of one protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ratified.cli.catalogue import protocols
from ratified.cli.commands.options import options_of_exploring


@click.command()
@click.argument("protocol", type=click.Choice(list(protocols)))
@options_of_exploring
def verify(protocol: str, form: str, output: Path | None, quiet: bool, color: bool | None, **how: Any) -> int:
    """Check everything there is about PROTOCOL, in one report.

    Its models must hold, each refining the more abstract one; its broken variants must be refuted.
    """
    from ratified.cli.checking import Output, verify_protocol

    return verify_protocol(protocol, how, Output(form, output, quiet=quiet, color=color))
