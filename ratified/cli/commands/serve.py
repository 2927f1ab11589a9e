"""`ratified serve`: one node of a cluster."""

from __future__ import annotations

from pathlib import Path

import click

from ratified.cli.requests import ServeRequest, takes
from ratified.cli.running import runtime_faults


@click.command(short_help="Run one node of a cluster.")
@click.argument("file", metavar="CONFIG.toml", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--parent", is_flag=True, hidden=True, help="Exit when the parent process does.")
@takes(ServeRequest)
def serve(request: ServeRequest) -> int:
    """Run the node that CONFIG.toml describes, until SIGTERM or Ctrl-C.

    Events are logged to standard error as lines of JSON. docs/cluster.md describes the file.

    \b
      node = "n1"
      data = "n1"
      http = "127.0.0.1:7103"
      insecure = true            # or a table [tls]
      [nodes]
      n1 = { peer = "127.0.0.1:7101", client = "127.0.0.1:7102" }

    Exit status: 0 stopped, 2 settings, 65 data refused, 69 folder or port in use, 74 disk, 70 anything else.
    """  # noqa: D301  # click takes \b for "keep these lines"
    with runtime_faults():
        from ratified.impl.runtime.serve import serve as run
        from ratified.impl.runtime.settings import read_settings

        return run(read_settings(request.file), parent=request.parent)
