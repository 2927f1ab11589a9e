"""`ratified crosscheck`: a model explored by us and by TLC.

Guarantees: a tool that is missing, or does not terminate, makes the answer undecided.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ratified.cli.commands.options import (
    FORMATS,
    NumberOption,
    model_at_size,
    option_of_claims,
    options_of_reporting,
)
from ratified.cli.output import deliver
from ratified.cli.requests import CrosscheckRequest, takes


@click.command(short_help="Compare what Ratified and TLC find in a model.")
@model_at_size
@click.option("--size", metavar="NAME", help="Use a size that the model names; its smallest one by default.")
@click.option("--symmetry", is_flag=True, help="Count states that differ by renaming as one, on both sides.")
@option_of_claims
@click.option(
    "--seconds",
    type=NumberOption(min=0, min_open=True),
    default=600.0,
    show_default=True,
    metavar="S",
    help="Time limit for each side.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Threads of TLC. With more than one its counterexamples are not always shortest.",
)
@click.option(
    "--tlc", type=click.Path(path_type=Path), metavar="JAR", help="Path of tla2tools.jar; or set TLA2TOOLS."
)
@options_of_reporting(FORMATS)
@takes(CrosscheckRequest)
def crosscheck(request: CrosscheckRequest) -> int:
    """Explore MODEL, and its translation to TLA+ with TLC, and compare.

    Compared are the distinct states and the depth, or, where a claim is violated, the length of the counterexample; TLC's is
    shown as a run of the model. Exit status: 0 both agree, 1 they do not, 3 one of them did not terminate, or TLC is not
    installed.

    \b
      ratified crosscheck paxos Acceptor=3 Value=2 Ballot=2
      ratified crosscheck my_model.py:Lock Client=3 --seconds 60
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.exploring import ExploreOptions, explored
    from ratified.cli.instances import instance, sizes_of
    from ratified.cli.loading import load, name_of
    from ratified.cli.report.crosscheck import (
        Crosschecked,
        crosscheck_headline,
        crosscheck_json,
        crosscheck_text,
    )
    from ratified.cli.report.held import crosscheck_summary
    from ratified.cli.report.render import renderer
    from ratified.results.result import Limits
    from ratified.tla import Export, export, timed, tlc
    from ratified.tla import crosscheck as agreed
    from ratified.tla.tlc import TlcResult, ToolMissing

    cls = load(request.model)
    name = name_of(request.model, cls)
    smallest = next(iter(sizes_of(cls)), None)
    model = instance(cls, request.size or smallest, request.settings)
    if request.claims:
        model = model.claiming(request.claims)
    exported = export(model, symmetry=request.symmetry)
    quiet = request.output.quiet
    how = ExploreOptions(Limits(seconds=request.seconds), symmetry=request.symmetry)
    ours, seconds = timed(explored, name, model, how, quiet=quiet)

    def ask(one: Export) -> TlcResult:
        try:
            found = tlc.find(request.tlc)
            with _waiting(f"{name}  TLC", quiet=quiet):
                return tlc.run(found, one.files, one.name, seconds=request.seconds, workers=request.workers)
        except ToolMissing as missing:
            remedy = f" ({missing.remedy})" if missing.remedy else ""
            return TlcResult("unfinished", message=f"{missing.message}{remedy}")

    made = Crosschecked(name, model, agreed(model, exported, ours, ask), seconds)
    if ours is None and not made.agreement.differences:
        explored(name, model, how, quiet=True)  # raises the error of a model without an initial state

    rendered = renderer(
        lambda color: crosscheck_text(made, color=color),
        lambda: crosscheck_json(made),
        lambda: crosscheck_summary(made),
    )
    deliver(request.output, rendered, crosscheck_headline(made))
    return made.agreement.verdict.exit_status


@contextmanager
def _waiting(title: str, *, quiet: bool) -> Iterator[None]:
    """A line on a terminal that says how long something has been running."""
    from ratified.cli.progress import SHOWN_AFTER, LiveText

    if quiet or not sys.stderr.isatty():
        yield
        return
    over = threading.Event()

    def show() -> None:
        began = time.monotonic()
        with LiveText(sys.stderr) as live:
            while not over.wait(1):
                passed = int(time.monotonic() - began)
                if passed >= SHOWN_AFTER:
                    live.show(f"{title}  {passed // 60}:{passed % 60:02d}")

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
