"""`ratified linearizable`: a history of what clients saw, decided."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ratified.cli.commands.options import FORMATS, option_of_seconds, options_of_reporting
from ratified.cli.output import deliver, write
from ratified.cli.requests import LinearizableRequest, takes


@click.command(short_help="Decide whether a history is linearizable.")
@click.argument("history", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--model",
    default="kv",
    show_default=True,
    metavar="NAME",
    help="What the history is of: register, kv, queue, lock, list, set, counter, or your own class as path.py:Class.",
)
@click.option("--initial", metavar="JSON", help="Initial value of a register; null by default.")
@option_of_seconds("Give up after S seconds.")
@click.option(
    "--operations",
    type=click.IntRange(min=1),
    default=1_000_000,
    show_default=True,
    metavar="N",
    help="Give up if the history has more than N operations.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Draw the operations that are not linearizable.",
)
@options_of_reporting(FORMATS)
@takes(LinearizableRequest)
def linearizable(request: LinearizableRequest) -> int:
    """Decide whether HISTORY is linearizable.

    HISTORY has one event per line, in the format of Jepsen. An operation that has not returned may have taken effect or not.

    \b
      {"process": 0, "type": "invoke", "f": "put", "key": "x", "value": 1}
      {"process": 0, "type": "ok", "f": "put", "key": "x", "value": 1}
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.loading import load_sequential
    from ratified.cli.report.held import linearizable_summary, too_long_summary
    from ratified.cli.report.linearizable import linearizable_json, linearizable_text, too_long_json
    from ratified.cli.report.render import renderer
    from ratified.follow.linearizability.check import check_history
    from ratified.follow.linearizability.history import HistoryTooLong, read_history
    from ratified.follow.linearizability.picture import picture
    from ratified.language.errors import RatifiedError
    from ratified.results.result import Verdict

    html = request.html
    if html is not None and not html.parent.is_dir():
        raise RatifiedError(f"{html} cannot be written: there is no folder {html.parent}")
    model = load_sequential(request.model, request.initial)
    began = time.monotonic()
    try:
        history = read_history(request.history, most=request.operations)
    except HistoryTooLong as problem:
        why = problem.message
        told = f"UNDECIDED  {problem.message}\n  {problem.remedy}\n"
        rendered = renderer(
            lambda color: told,  # noqa: ARG005 - it has no colours
            lambda: too_long_json(request.history, why),
            lambda: too_long_summary(request.history, told),
        )
        deliver(request.output, rendered, told.partition("\n")[0])
        return Verdict.UNDECIDED.exit_status
    outcome = check_history(history, model, seconds=request.seconds)
    took = time.monotonic() - began
    if html is not None and outcome.failure is not None:
        write(html, picture(outcome.failure, f"{request.history.name} is not linearizable"))
    text = linearizable_text(outcome, history, took, html)
    rendered = renderer(
        lambda color: text,  # noqa: ARG005
        lambda: linearizable_json(outcome, history, took),
        lambda: linearizable_summary(outcome, history, took),
    )
    deliver(request.output, rendered, text.partition("\n")[0])
    return outcome.verdict.exit_status
