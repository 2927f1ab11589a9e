"""Which engines there are, and how `auto` chooses between them.

Guarantees: all engines give the same results but for time, memory and the engine's name; whatever keeps the fast one from being
used is told in a note of the result, with the remedy.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ratified.explore.hints import with_hint
from ratified.explore.options import NativeOptions
from ratified.explore.reference import TooMany, check_reference
from ratified.explore.unchecked import with_unchecked
from ratified.language.errors import RatifiedError
from ratified.language.model import Model
from ratified.results.limits import LimitWatch, Reached
from ratified.results.result import Limits, Progress, Result
from ratified.results.seen import INTERRUPTED

if TYPE_CHECKING:
    from ratified.explore.native.preparing import Preparation

ENGINES = ("auto", "reference", "native")

SOON = 1_000
"""States that the reference engine explores before `auto` compiles: what is done by then is done sooner than a compiler runs.

That there were more is remembered with what was compiled (`known.py`), so the same exploration begins there the next time.
"""

LONG = 1.0
"""Seconds of processor time after which `auto` compiles although there are few states yet: then their steps take long.

The reference engine goes on meanwhile; if it has not ended when the program is there, the program begins anew.
"""

PATIENCE = 5.0
"""Seconds for which `auto` waits for the compiler; then it explores with the reference engine until the program is there."""


@dataclass(frozen=True, slots=True)
class Task:
    """An exploration that was asked for. See `ratified.explore.check`."""

    model: Model
    limits: Limits
    symmetry: bool
    deadlock: bool
    progress: Callable[[Progress], None] | None
    options: NativeOptions
    reduction: bool = False


def run(engine: str, task: Task) -> Result:
    """Explore with the engine of that name. Raises RatifiedError if there is none, or it cannot be used here."""
    if engine not in ENGINES:
        raise RatifiedError(f"there is no engine {engine!r}", remedy=f"choose one of {', '.join(ENGINES)}")
    if task.reduction:
        _refuse(task)
    found = with_unchecked(_run(engine, task, LimitWatch(task.limits)), task.model)
    return found if task.symmetry or task.reduction else with_hint(found, task.model)


def _refuse(task: Task) -> None:
    """Refuse what a reduction does not go with. Raises RatifiedError."""
    other = "symmetry" if task.symmetry else "a checkpoint" if task.options.checkpoint is not None else None
    if other is not None:
        raise RatifiedError(
            f"reduction cannot be used together with {other}", remedy="check with one of the two"
        )


def _run(engine: str, task: Task, watch: LimitWatch) -> Result:
    if engine == "native":
        return _native(task, watch)
    if engine == "reference":
        if task.options.asked:
            raise RatifiedError(
                "threads, checkpoints and C code need the native engine", remedy="use engine native or auto"
            )
        return _reference(task, watch)
    return _auto(task, watch)


def _reference(task: Task, watch: LimitWatch, too_many: int | None = None) -> Result:
    return check_reference(
        task.model,
        limits=task.limits,
        symmetry=task.symmetry,
        reduced=task.reduction,
        deadlock=task.deadlock,
        progress=task.progress,
        too_many=too_many,
        watch=watch,
    )


def _auto(task: Task, watch: LimitWatch) -> Result:
    """The reference engine for what is small, the native one for the rest where it can be used."""
    most = task.limits.states
    so_far: Callable[[str], Result] | None = None
    begun: Preparation | None = None
    if not task.options.asked and not _known_large(task):
        if most is not None and most <= SOON:
            return _reference(task, watch)
        with _beside(task, watch) as beside:
            try:
                return _reference(task, replace(watch, also=beside.look), too_many=SOON)
            except TooMany as many:
                so_far = many.so_far
            except _Ready:
                pass
            begun = beside.taken()
    try:
        if task.options.asked:
            return _native(task, watch)
        return _meanwhile(task, watch, so_far, begun)
    except _unusable() as reason:
        if task.options.asked:
            raise
        where = f"{reason.span}: " if reason.span else ""
        remedy = f" ({reason.remedy})" if reason.remedy else ""
        return _without_native(_reference(task, watch), f"{where}{reason.message}{remedy}")


def _unusable() -> tuple[type[RatifiedError], ...]:
    """What keeps a model from the native engine. That engine is imported only where it is needed."""
    from ratified.explore.native.codegen.shapes import Unsupported
    from ratified.explore.native.compile import CompilerFailed, CompilerMissing

    return Unsupported, CompilerMissing, CompilerFailed


def _without_native(found: Result, why: str) -> Result:
    return replace(found, notes=(*found.notes, f"the native engine was not used: {why}"))


class _Ready(Exception):
    """The compiled program is there."""


@dataclass(slots=True)
class _Beside:
    """The program of an exploration, which is begun when that has taken long."""

    task: Task
    watch: LimitWatch
    since: float
    begun: Preparation | None = None

    def look(self) -> None:
        """Begin it when it is time. Raises _Ready when it is there; that it cannot be made is nothing to the reference engine."""
        if self.begun is None:
            if time.thread_time() - self.since >= LONG:
                self.begun = _preparation(self.task, self.watch)
        elif self.begun.work.over(0) and self.begun.work.failed is None:
            raise _Ready

    def taken(self) -> Preparation | None:
        """What was begun, which whoever takes it has to wait for or to end."""
        taken, self.begun = self.begun, None
        return taken


@contextmanager
def _beside(task: Task, watch: LimitWatch) -> Iterator[_Beside]:
    """What may be begun beside the reference engine; ended if nobody has taken it."""
    beside = _Beside(task, watch, time.thread_time())
    try:
        yield beside
    finally:
        if beside.begun is not None and not beside.begun.work.over(0):
            beside.begun.work.end()


def _preparation(task: Task, watch: LimitWatch) -> Preparation:
    from ratified.explore.native.preparing import BuildRequest, Preparation

    order = BuildRequest(task.model, task.symmetry, task.deadlock, large=True, reduced=task.reduction)
    return Preparation(order, watch)


def _meanwhile(
    task: Task, watch: LimitWatch, so_far: Callable[[str], Result] | None, begun: Preparation | None
) -> Result:
    """The native engine; the reference engine while the program is still being made after a while, and if that ends first.

    What was `begun` of the program goes on.

    Raises what keeps the native engine from being used, if that is known soon. Later the reference engine just goes on.
    """
    preparation = begun or _preparation(task, watch)
    try:
        ready = preparation.wait(task.progress, PATIENCE)
    except Reached as stop:
        return _ended(task, watch, so_far, str(stop))
    except KeyboardInterrupt:
        return _ended(task, watch, so_far, INTERRUPTED)
    if not ready:

        def look() -> None:
            if preparation.work.over(0) and preparation.work.failed is None:
                raise _Ready

        try:
            found = _reference(task, replace(watch, also=look))
        except _Ready:
            pass
        else:
            failed = preparation.work.failed
            why = "compiling it took too long" if failed is None else getattr(failed, "message", repr(failed))
            return _without_native(found, why)
        finally:
            if not preparation.work.over(0):
                preparation.work.end()
    if (failed := preparation.work.failed) is not None:
        from ratified.explore.native.codegen.shapes import Full

        if not isinstance(failed, Full):  # for which there is more room
            raise failed
    return _native(task, watch, preparation, large=True)


def _ended(task: Task, watch: LimitWatch, so_far: Callable[[str], Result] | None, stopped: str) -> Result:
    """What there is to tell when a program was not made in time."""
    from ratified.explore.native.engine import nothing_seen

    if so_far is not None:
        return so_far(stopped)
    return nothing_seen(task.model, watch, stopped, deadlock=task.deadlock)


def _known_large(task: Task) -> bool:
    """Whether this exploration, without limits of its own, was found to be too large for the reference engine before."""
    from ratified.explore.native.known import found_large

    if task.limits.states is not None or task.limits.depth is not None:
        return False
    return found_large(task.model, symmetry=task.symmetry, deadlock=task.deadlock, reduced=task.reduction)


def _native(
    task: Task, watch: LimitWatch, preparation: Preparation | None = None, *, large: bool = False
) -> Result:
    from ratified.explore.native.engine import check_native

    checkpoint = task.options.checkpoint
    if checkpoint is not None and (checkpoint / "ranks").exists():
        return _alone(task)
    with _room(task.limits) as spill:
        return check_native(
            task.model,
            limits=task.limits,
            symmetry=task.symmetry,
            reduced=task.reduction,
            deadlock=task.deadlock,
            progress=task.progress,
            threads=task.options.threads,
            spill=spill,
            checkpoint=task.options.checkpoint,
            dump=task.options.dump,
            large=large,
            watch=watch,
            preparation=preparation,
        )


def _alone(task: Task) -> Result:
    """Go on from a checkpoint that several ranks have left, as the only one."""
    from ratified.explore.ranks import Alone, RankOptions, check_on_ranks

    return check_on_ranks(
        task.model,
        Alone(),
        limits=task.limits,
        symmetry=task.symmetry,
        deadlock=task.deadlock,
        progress=task.progress,
        options=RankOptions(task.options.threads, task.options.checkpoint),
    )


@contextmanager
def _room(limits: Limits) -> Iterator[Path | None]:
    """A folder for the states that do not fit into a memory budget, gone afterwards."""
    if limits.memory is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="ratified-") as folder:
        yield Path(folder)
