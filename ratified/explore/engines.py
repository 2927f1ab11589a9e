"""Which engines there are, and how `auto` chooses between them.

Guarantees: all engines give the same results but for time, memory and the engine's name; whatever keeps the fast one from being
used is told in a note of the result, with the remedy.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ratified.explore.reference import TooMany, check_reference
from ratified.language.errors import RatifiedError
from ratified.language.model import Model
from ratified.results.result import Limits, Progress, Result

ENGINES = ("auto", "reference", "native")

SOON = 1_000
"""States that the reference engine explores before `auto` compiles: what is done by then is done sooner than a compiler runs.

That there were more is remembered with what was compiled (`known.py`), so the same exploration begins there the next time.
"""


@dataclass(frozen=True, slots=True)
class Resources:
    """What the native engine may use. `threads` is all cores if None.

    `checkpoint` is a folder from which an exploration that was stopped goes on; `dump` a file for the generated C.
    """

    threads: int | None = None
    checkpoint: Path | None = None
    dump: Path | None = None

    @property
    def asked(self) -> bool:
        """Whether anything was asked for that only the native engine has."""
        return self != Resources()


@dataclass(frozen=True, slots=True)
class Task:
    """An exploration that was asked for. See `ratified.explore.check`."""

    model: Model
    limits: Limits
    symmetry: bool
    deadlock: bool
    progress: Callable[[Progress], None] | None
    resources: Resources


def run(engine: str, task: Task) -> Result:
    """Explore with the engine of that name. Raises RatifiedError if there is none, or it cannot be used here."""
    if engine not in ENGINES:
        raise RatifiedError(f"there is no engine {engine!r}", remedy=f"choose one of {', '.join(ENGINES)}")
    if engine == "native":
        return _native(task)
    if engine == "reference":
        if task.resources.asked:
            raise RatifiedError(
                "threads, checkpoints and C code are the native engine's", remedy="use engine native or auto"
            )
        return _reference(task)
    return _auto(task)


def _reference(task: Task, too_many: int | None = None) -> Result:
    return check_reference(
        task.model,
        limits=task.limits,
        symmetry=task.symmetry,
        deadlock=task.deadlock,
        progress=task.progress,
        too_many=too_many,
    )


def _auto(task: Task) -> Result:
    """The reference engine for what is small, the native one for the rest where it can be used."""
    from ratified.explore.native.codegen.shapes import Unsupported
    from ratified.explore.native.compile import CompilerFailed, CompilerMissing

    most = task.limits.states
    if not task.resources.asked and not _known_large(task):
        if most is not None and most <= SOON:
            return _reference(task)
        with suppress(TooMany):
            return _reference(task, too_many=SOON)
    try:
        return _native(task, large=not task.resources.asked)
    except (Unsupported, CompilerMissing, CompilerFailed) as reason:
        if task.resources.asked:
            raise
        found = _reference(task)
        note = f"the native engine was not used: {reason.message}"
        return replace(found, notes=(*found.notes, f"{note} ({reason.remedy})" if reason.remedy else note))


def _known_large(task: Task) -> bool:
    """Whether this exploration, without limits of its own, was found to be too large for the reference engine before."""
    from ratified.explore.native.compile import CompilerMissing
    from ratified.explore.native.engine import found_large

    if task.limits.states is not None or task.limits.depth is not None:
        return False
    try:
        return found_large(task.model, symmetry=task.symmetry, deadlock=task.deadlock)
    except CompilerMissing:
        return False


def _native(task: Task, *, large: bool = False) -> Result:
    from ratified.explore.native.engine import check_native

    with _room(task.limits) as spill:
        return check_native(
            task.model,
            limits=task.limits,
            symmetry=task.symmetry,
            deadlock=task.deadlock,
            progress=task.progress,
            threads=task.resources.threads,
            spill=spill,
            checkpoint=task.resources.checkpoint,
            dump=task.resources.dump,
            large=large,
        )


@contextmanager
def _room(limits: Limits) -> Iterator[Path | None]:
    """A folder for the states that do not fit into a memory budget, gone afterwards."""
    if limits.memory is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="ratified-") as folder:
        yield Path(folder)
