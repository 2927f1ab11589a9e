"""A model explored on several ranks: prepared alike everywhere, explored together, and told as by a single process.

Guarantees: every rank returns the same result, or raises the same error; nothing is explored where ranks differ in anything that
matters (version, model, size, what is asked).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from ratified.explore.liveness import liveness_claims
from ratified.explore.native.driver import ExplorationCounts, RunOptions
from ratified.explore.native.engine import (
    LEAST,
    nothing_seen,
    of_time,
    plainest_violation,
    report,
    violation_of,
    while_preparing,
)
from ratified.explore.native.library import NativeLibrary
from ratified.explore.native.preparing import BuildRequest, Preparation, PreparedProgram
from ratified.explore.ranks.checkpoint import Checkpoint
from ratified.explore.ranks.rank import Rank
from ratified.explore.ranks.search import RankedSearch
from ratified.explore.unchecked import with_unchecked
from ratified.explore.world import RankWorld, agree, cores_of, named
from ratified.language.errors import RatifiedError
from ratified.language.model import Model
from ratified.results.limits import LimitWatch, Reached, memory_share, peak_memory, resident
from ratified.results.result import Limits, Progress, Ranks, Result, Violation
from ratified.results.seen import INTERRUPTED
from ratified.version import __version__

BATCH = 6 << 20
"""Bytes that a rank sends in a round, about, if that is enough for all others."""

LEAST_BATCH = 32 << 10
"""Bytes that it sends to each in a round, at least: below some thousand states a message costs more than what is in it."""


@dataclass(frozen=True, slots=True)
class RankOptions:
    """How ranks explore. `threads` are those of each rank: by default a machine's cores are shared out among its ranks.

    `checkpoint` is a folder that all ranks see, `checkpoint_seconds` at most so long between two. `batch` is the bytes that a
    rank sends in a round. `flags` are the compiler's. `listen` is called once with what asks the exploration to stop, which any
    thread may call.
    """

    threads: int | None = None
    checkpoint: Path | None = None
    checkpoint_seconds: float = 20.0
    batch: int | None = None
    flags: tuple[str, ...] = ()
    listen: Callable[[Callable[[], None]], None] | None = None


_ANY = RankOptions()


def check_on_ranks(
    model: Model,
    world: RankWorld,
    *,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    symmetry: bool = False,
    deadlock: bool = False,
    progress: Callable[[Progress], None] | None = None,
    options: RankOptions = _ANY,
) -> Result:
    """Explore a model on all ranks of a world, as `check` does on one. Collective: all call it, with the same.

    Counts, depth, verdict and counterexample are those of a single process, for any number of ranks and threads. `limits` of
    depth and states are of all ranks together, memory is of each. `progress` is called on rank 0.

    Raises:
        EvaluationError: the model has no answer in a state that it reaches.
        RatifiedError: ranks differ; the model claims liveness; a rank cannot compile, or has no memory; a checkpoint cannot be
            used.
    """
    watch = LimitWatch(limits)
    asked = (
        __version__,
        type(model).__qualname__,
        str(model),
        limits,
        symmetry,
        deadlock,
        str(options.checkpoint) if options.checkpoint else None,
    )
    _refuse_others(world, asked)
    claims = liveness_claims(model.module)
    if claims:
        raise RatifiedError(
            f"`{claims[0].name}` is about whole runs (liveness), which is not checked on several ranks",
            span=claims[0].span,
            remedy="check it in a single process, or choose other claims with --claim",
        )
    prepared = _prepared(
        world, BuildRequest(model, symmetry, deadlock, flags=options.flags, room=0), watch, progress
    )
    if isinstance(prepared, str):
        return nothing_seen(model, watch, prepared, deadlock=deadlock)
    _refuse_other_programs(world, prepared.library)
    threads = options.threads or cores_of(world)
    with tempfile.TemporaryDirectory(prefix="ratified-") if limits.memory else nullcontext() as spill:
        return _explored(model, world, prepared, watch, deadlock, progress, options, threads, spill)


def _explored(
    model: Model,
    world: RankWorld,
    prepared: PreparedProgram,
    watch: LimitWatch,
    deadlock: bool,
    progress: Callable[[Progress], None] | None,
    options: RankOptions,
    threads: int,
    spill: str | None,
) -> Result:
    limits, written = watch.limits, prepared.program.written
    memory = limits.memory or max(memory_share() // len(world.neighbours) - resident(), LEAST)
    batch = options.batch or max(min(max(BATCH, LEAST_BATCH * world.size), memory // 16), 1 << 12)
    if world.size > 1 and options.batch is None:
        memory = max(memory - 3 * batch, memory // 2)
    run = RunOptions(
        threads=threads,
        deadlock=deadlock,
        limits=replace(limits, seconds=watch.left, memory=memory, depth=limits.depth),
        spill=Path(spill) if spill else None,
        checkpoint_seconds=options.checkpoint_seconds,
        witness=(1 << len(written.witnesses)) - 1,
        witness_step=(1 << len(written.step_witnesses)) - 1,
        untraced=True,
    )
    problem: RatifiedError | None = None
    rank: Rank | None = None
    record = 8 * prepared.library.words + 4
    try:
        rank = Rank(prepared.library, run, world.rank, world.size, max(batch // record // world.size, 16))
    except RatifiedError as error:
        problem = error
    agree(world, problem)
    assert rank is not None
    with rank:
        if options.listen is not None:
            options.listen(rank.ask_to_stop)
        checkpoint = (
            Checkpoint(options.checkpoint, world, prepared.library, run) if options.checkpoint else None
        )
        with closing(checkpoint) if checkpoint else nullcontext():
            search = RankedSearch(world, rank, run, checkpoint, progress if world.rank == 0 else None)
            outcome, traffic = search.run()
        violation = _violation(model, prepared, world, search, outcome, watch)
    found = report(model, prepared, outcome, violation, watch, deadlock=deadlock)
    peaks = world.gather((peak_memory(), world.host))
    ranks = Ranks(
        ranks=world.size,
        machines=len({host for _, host in peaks}),
        threads=outcome.threads,
        imbalance=traffic.imbalance,
        sent=traffic.sent,
    )
    return with_unchecked(
        replace(found, ranks=ranks, memory=max(peak for peak, _ in peaks), subject=model), model
    )


def _violation(
    model: Model,
    prepared: PreparedProgram,
    world: RankWorld,
    search: RankedSearch,
    outcome: ExplorationCounts,
    watch: LimitWatch,
) -> Violation | None:
    """As in a single process: the plainest run; where some rank has not the time for it, the one that the ranks find."""
    if outcome.finding is None:
        return None
    tick = of_time(watch).tick
    layers = search.layers(prepared.program.layout, tick)
    plain = plainest_violation(model, prepared.program, outcome.finding, layers, tick)
    if all(world.gather(plain is not None)):
        return plain
    return violation_of(model, prepared.program, search.traced())


def _refuse_others(world: RankWorld, asked: tuple[object, ...]) -> None:
    """Raise where ranks were asked for something else. What they tell is text: other versions may not read more."""
    told = world.gather(("|".join(map(repr, asked)), repr(asked[0]).strip("'"), world.host))
    for rank, (text, version, host) in enumerate(told):
        if text == told[0][0]:
            continue
        who = named(rank, host, world)
        if version != told[0][1]:
            raise RatifiedError(
                f"{who} runs Ratified {version}, and rank 0 on {told[0][2]} runs {told[0][1]}",
                remedy="install the same version on all machines",
            )
        raise RatifiedError(
            f"{who} was asked to check something other than rank 0 on {told[0][2]}",
            remedy="give all ranks the same command",
        )


def _refuse_other_programs(world: RankWorld, library: NativeLibrary) -> None:
    """Raise where a model of the same name is another."""
    told = world.gather((library.digest, library.counts, world.host))
    for rank, (digest, counts, host) in enumerate(told):
        if (digest, counts) != told[0][:2]:
            raise RatifiedError(
                f"{named(rank, host, world)} has another model than rank 0 on {told[0][2]}",
                remedy="copy the same files to all machines",
            )


def _prepared(
    world: RankWorld, order: BuildRequest, watch: LimitWatch, progress: Callable[[Progress], None] | None
) -> PreparedProgram | str:
    """The program: made by the first rank of each machine, found by the others; or what limit was reached meanwhile."""
    made: PreparedProgram | None = None
    for turn in (True, False):
        problem: RatifiedError | None = None
        stopped: str | None = None
        mine = turn is (world.rank == world.neighbours[0])
        if mine:
            try:
                preparation = Preparation(order, while_preparing(watch))
                preparation.wait(progress if world.rank == 0 else None)
                made = preparation.work.result()
            except Reached as stop:
                stopped = str(stop)
            except KeyboardInterrupt:
                stopped = INTERRUPTED
            except RatifiedError as error:
                problem = error
        agree(world, problem, tried=mine)
        ended = next((text for text in world.gather(stopped) if text is not None), None)
        if ended is not None:
            return ended
    assert made is not None
    return made
