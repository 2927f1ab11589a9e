"""How commands explore and report on it: from what was asked to what the explorer is given, with a live line meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ratified.cli.output import deliver
from ratified.cli.progress import LiveLine
from ratified.cli.report.checks import Report
from ratified.cli.report.render import render
from ratified.cli.report.text import headline, several_headline, verify_headline
from ratified.explore import NativeOptions, check
from ratified.language import Model
from ratified.results.result import Limits, Progress, Result
from ratified.results.seen import INTERRUPTED

if TYPE_CHECKING:
    from ratified.cli.requests import Exploring, Output


@dataclass(frozen=True, slots=True)
class ExploreOptions:
    """What `ratified.check` is given beside the model and a callback."""

    limits: Limits = field(default_factory=Limits)
    symmetry: bool = False
    deadlock: bool = False
    engine: str = "auto"
    claims: tuple[str, ...] | None = None
    options: NativeOptions = field(default_factory=NativeOptions)
    reduction: bool = False


def explore_options(
    asked: Exploring,
    *,
    symmetric: bool,
    deadlock: bool = False,
    reduction: bool = False,
    claims: Collection[str] = (),
    checkpoint: Path | None = None,
    dump: Path | None = None,
) -> ExploreOptions:
    """Return what the explorer is given; `symmetric` is the model's own choice at its size, `claims` those asked for, if any.

    With a `reduction` the model's choice does not count.
    """
    return ExploreOptions(
        Limits(depth=asked.depth, states=asked.states, seconds=asked.seconds, memory=asked.memory),
        symmetric and not reduction if asked.symmetry is None else asked.symmetry,
        deadlock,
        asked.engine,
        tuple(claims) or None,
        NativeOptions(asked.threads, checkpoint, dump),
        reduction,
    )


def explored(name: str, model: Model, how: ExploreOptions, *, quiet: bool) -> Result:
    """Explore a model, with a live line on a terminal.

    Raises:
        ModelError: a step of the model went wrong.
    """
    live = LiveLine(sys.stderr, name) if sys.stderr.isatty() and not quiet else None
    with live or nullcontext():
        return explore(model, how, live)


def not_begun(model: Model) -> Result:
    """The result for a model that was not explored, since those before it were interrupted."""
    found = explore(model, ExploreOptions(Limits(seconds=0.0), engine="reference"), None)
    return replace(found, stopped=INTERRUPTED)


def explore(model: Model, how: ExploreOptions, progress: Callable[[Progress], None] | None) -> Result:
    """Explore a model."""
    return check(
        model,
        limits=how.limits,
        symmetry=how.symmetry,
        reduction=how.reduction,
        deadlock=how.deadlock,
        progress=progress,
        engine=how.engine,
        claims=how.claims,
        options=how.options,
    )


def emit(report: Report, to: Output) -> int:
    """Write a report where it goes and return the exit status of its verdict."""

    def rendered(form: str, *, color: bool = False) -> str:
        return render(report, form, color=color)

    if report.several is not None:
        first = several_headline(report)
    elif report.protocol is not None:
        first = verify_headline(report)
    else:
        first = "\n".join(map(headline, report.checks))
    deliver(to, rendered, first)
    return report.exit_status
