"""How commands explore: from what was asked to what the explorer is given, with a live line meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ratified.cli.progress import LiveLine
from ratified.cli.requests import Exploring
from ratified.explore import Resources, check
from ratified.results.result import Limits, Progress, Result


@dataclass(frozen=True, slots=True)
class Exploration:
    """What `ratified.check` is given beside the model and a callback."""

    limits: Limits = field(default_factory=Limits)
    symmetry: bool = False
    deadlock: bool = False
    engine: str = "auto"
    claims: tuple[str, ...] | None = None
    resources: Resources = field(default_factory=Resources)


def exploration(
    asked: Exploring,
    *,
    symmetric: bool,
    deadlock: bool = False,
    claims: Collection[str] = (),
    checkpoint: Path | None = None,
    dump: Path | None = None,
) -> Exploration:
    """Return what the explorer is given; `symmetric` is the model's own choice at its size, `claims` those asked for, if any."""
    return Exploration(
        Limits(depth=asked.depth, states=asked.states, seconds=asked.seconds, memory=asked.memory),
        symmetric if asked.symmetry is None else asked.symmetry,
        deadlock,
        asked.engine,
        tuple(claims) or None,
        Resources(asked.threads, checkpoint, dump),
    )


def explored(name: str, model: Any, how: Exploration, *, quiet: bool) -> Result:
    """Explore a model, with a live line on a terminal.

    Raises:
        ModelError: a step of the model went wrong.
    """
    live = LiveLine(sys.stderr, name) if sys.stderr.isatty() and not quiet else None
    with live or nullcontext():
        return explore(model, how, live)


def explore(model: Any, how: Exploration, progress: Callable[[Progress], None] | None) -> Result:
    """Explore a model."""
    return check(
        model,
        limits=how.limits,
        symmetry=how.symmetry,
        deadlock=how.deadlock,
        progress=progress,
        engine=how.engine,
        claims=how.claims,
        resources=how.resources,
    )
