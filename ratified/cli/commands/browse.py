"""`ratified browse`: walk through a model in the browser."""

from __future__ import annotations

from contextlib import suppress

import click

from ratified.cli.commands.options import NumberOption, model_at_size, option_of_size
from ratified.cli.output import echo
from ratified.cli.requests import BrowseRequest, takes


@click.command(short_help="Walk through a model in the browser, state by state.")
@model_at_size
@option_of_size
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8750,
    show_default=True,
    metavar="N",
    help="Port to listen on; 0 for any free one.",
)
@click.option(
    "--seconds",
    type=NumberOption(min=0),
    default=120.0,
    show_default=True,
    metavar="S",
    help="Time limit for a search.",
)
@click.option("--open", "open_", is_flag=True, help="Open the page in the browser.")
@takes(BrowseRequest)
def browse(request: BrowseRequest) -> int:
    """Walk through MODEL in the browser, state by state.

    The page is served on the loopback interface only, until Ctrl-C. Models of any size work, because only the states
    that you visit are computed.

    \b
      ratified browse raft
      ratified browse my_model.py:Lock Client=3 --open
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.instances import instance
    from ratified.cli.loading import load
    from ratified.diagram.explorer.server import BrowserServer, Explorer
    from ratified.results.result import Limits

    model = instance(load(request.model), request.size, request.settings)
    with BrowserServer(Explorer(model, Limits(seconds=request.seconds)), request.port) as server:
        server.explorer.about()  # a model without an initial state is refused here
        echo(f"{model!r}\n{server.url}  (press Ctrl-C to stop)\n")
        if request.open_:
            import webbrowser

            webbrowser.open(server.url)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    return 0
