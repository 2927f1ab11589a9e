"""`ratified certified`: check certificates, without a solver."""

from __future__ import annotations

from pathlib import Path

import click

from ratified.cli.requests import CertifiedRequest, takes


@click.command(short_help="Check the certificates of a proof, without a solver.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--against",
    metavar="MODEL",
    help="Also check that the obligations are exactly those of MODEL as it is now: none missing, changed or added.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the report.",
)
@takes(CertifiedRequest)
def certified(request: CertifiedRequest) -> int:
    """Check the certificates in DIR, which `ratified prove MODEL --certificate DIR` wrote. No solver is needed.

    The exit status is 0 if every obligation is certified, 1 if one is not, 2 if DIR holds no certificates.

    \b
      ratified certified certificates
      ratified certified certificates --against paxos
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.output import echo
    from ratified.cli.report.certified import certified_json, certified_text
    from ratified.cli.scripts import script_for
    from ratified.smt.certificate import folder
    from ratified.smt.proving import entries_of

    expected = None if request.against is None else entries_of(script_for(request.against))
    found = folder.certified(request.folder, expected)
    rendered = certified_json if request.form == "json" else certified_text
    echo(rendered(request.folder, found, request.against))
    return 1 if found.problems else 0
