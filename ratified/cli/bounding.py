"""What `bmc` does: ask a solver about runs, and put the report where it belongs."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from ratified.cli.catalogue import bundled
from ratified.cli.checking import Output, colorful, echo, write
from ratified.cli.exploring import instance
from ratified.cli.loading import load
from ratified.cli.progress import SHOWN_AFTER, LiveText


def bound_model(target: str, settings: Mapping[str, str], how: Mapping[str, Any], to: Output) -> int:
    """Check the runs of one model up to a length and return the exit status."""
    from ratified.cli.drawing import draw_bounded, ready_to_draw
    from ratified.cli.report.bounded import bounded_headline, bounded_json, bounded_text
    from ratified.smt.finite.bounded import bounded

    ready_to_draw(how.get("diagram"))
    cls = load(target)
    name = target if target in bundled else cls.__name__
    live = LiveText(sys.stderr) if sys.stderr.isatty() and not to.quiet else None
    started = time.perf_counter()

    def progress(steps: int) -> None:
        seconds = time.perf_counter() - started
        if live and seconds >= SHOWN_AFTER:
            live.show(f"{name}  runs of {steps} steps  {seconds:.0f} s")

    with live or nullcontext():
        model = instance(cls, how["size"], settings)
        found = bounded(
            model,
            how["depth"],
            claims=how["claims"] or None,
            induction=how["induction"],
            deadlock=how["deadlock"],
            solver=how["solver"],
            seconds=how["seconds"],
            progress=progress,
        )
    draw_bounded(found, model, how.get("diagram"))
    form = to.form
    if to.file is not None:
        write(to.file, bounded_json(name, found) if form == "json" else bounded_text(name, found))
        form = "text"
    if form == "json":
        echo(bounded_json(name, found))
    elif to.quiet:
        echo(bounded_headline(name, found) + "\n")
    else:
        echo(bounded_text(name, found, color=colorful(sys.stdout, to.color)))
    return found.verdict.exit_status
