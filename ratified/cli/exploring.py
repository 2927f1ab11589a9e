"""How commands explore: from what was asked to what the explorer is given, with a live line meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from ratified.cli.progress import LiveLine
from ratified.cli.requests import Exploring
from ratified.explore import Resources, check
from ratified.results.result import Limits, Progress, Result


@dataclass(frozen=True, slots=True)
class Search:
    """What `ratified.check` is given beside the model and a callback."""

    limits: Limits = field(default_factory=Limits)
    symmetry: bool = False
    deadlock: bool = False
    engine: str = "auto"
    claims: tuple[str, ...] | None = None
    resources: Resources = field(default_factory=Resources)


def search(asked: Exploring, *, symmetric: bool, **more: Any) -> Search:
    """Return what the explorer is given; `symmetric` is what the model wants at the size, unless it was asked for otherwise."""
    limits = Limits(depth=asked.depth, states=asked.states, seconds=asked.seconds, memory=asked.memory)
    symmetry = symmetric if asked.symmetry is None else asked.symmetry
    return Search(limits, symmetry, engine=asked.engine, **more)


def explored(name: str, model: Any, how: Search, *, quiet: bool) -> Result:
    """Explore a model, with a live line on a terminal.

    Raises:
        ModelError: a step of the model went wrong.
    """
    live = LiveLine(sys.stderr, name) if sys.stderr.isatty() and not quiet else None
    with live or nullcontext():
        return explore(model, how, live)


def explore(model: Any, how: Search, progress: Callable[[Progress], None] | None) -> Result:
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
