"""`ratified linearizable`: a history of what clients saw, decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("history", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--model",
    default="kv",
    show_default=True,
    metavar="NAME",
    help="What it is a history of: register, kv, queue, lock, or a class of your own as path.py:Class.",
)
@click.option("--initial", metavar="JSON", help="What a register holds at first; null by default.")
@click.option("--seconds", type=click.FloatRange(min=0), metavar="S", help="Give up after S seconds.")
@click.option(
    "--operations",
    type=click.IntRange(min=1),
    default=1_000_000,
    show_default=True,
    metavar="N",
    help="Give up on longer histories.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Draw what is not linearizable.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def linearizable(history: Path, **how: Any) -> int:
    """Decide whether HISTORY is linearizable.

    HISTORY has one event a line, in the words of Jepsen. What has not returned may have taken effect or not.

    \b
      {"process": 0, "type": "invoke", "f": "put", "key": "x", "value": 1}
      {"process": 0, "type": "ok", "f": "put", "key": "x", "value": 1}
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.linearizing import decide

    return decide(history, **how)
