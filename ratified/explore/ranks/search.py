"""The breadth-first search over all ranks: level after level, each in rounds of expanding, sending and taking.

Guarantees: what is decided (whether a level is complete, is done again, is the last; why to stop) is decided by every rank from
the same numbers, so that all do the same. While a box is on its way the next part of the level is expanded. The counterexample is
chosen as in a single process: the shortest, then the smallest by kind, property and packed states.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from types import FrameType

from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.driver import (
    PROGRESS_SECONDS,
    ExplorationCounts,
    NativeFinding,
    Packed,
    RunOptions,
    Stop,
)
from ratified.explore.native.layers import PackedLayers, layers_of
from ratified.explore.native.library import NativeError
from ratified.explore.ranks.checkpoint import Boundary, Checkpoint
from ratified.explore.ranks.rank import Rank, merge
from ratified.explore.world import Flight, RankWorld, named
from ratified.results.result import Progress

_POLL = 0.001
"""Seconds between two looks at a box that is on its way, which moves only while MPI is called."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the ranks did beside counting. `sent` are bytes, `states` by rank."""

    sent: int
    states: tuple[int, ...]

    @property
    def imbalance(self) -> float:
        """The largest share over the mean."""
        whole = sum(self.states)
        return max(self.states) * len(self.states) / whole if whole else 1.0


class RankedSearch:
    """One exploration, seen from one rank. `run` may be called once, by all ranks."""

    def __init__(
        self,
        world: RankWorld,
        rank: Rank,
        options: RunOptions,
        checkpoint: Checkpoint | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._world = world
        self._rank = rank
        self._options = options
        self._checkpoint = checkpoint
        self._progress = progress
        self._begun = time.perf_counter()
        self._reported = 0.0
        self._levels = 0
        self._distinct = 0
        self._stop = 0
        self._message = ""
        self._resumed = False
        self._sent = self._sent_before = 0
        self._shares: tuple[int, ...] = (0,) * world.size
        self._seconds_before = 0.0
        self._now: Progress | None = None
        self._explorer = ThreadPoolExecutor(1, "explorer")

    def run(self) -> tuple[ExplorationCounts, Traffic]:
        """Explore. Every rank returns the same. Raises RatifiedError, on every rank."""
        with self._interruptible():
            self._search()
        # Before the counterexample is looked for, which steps through levels again.
        counted = merge(self._world.gather(self._rank.counted()))
        finding = self._rank.untraced()
        if finding is not None and not self._options.untraced:
            finding = self.traced()
        outcome = self._outcome(counted, finding)
        return outcome, Traffic(self._sent, self._shares)

    # --- levels ---

    def _search(self) -> None:
        limits, rank = self._options.limits, self._rank
        if self._checkpoint is not None and self._checkpoint.levels:
            self._load(self._checkpoint)
            self._resumed = not self._stop
        else:
            self._work(rank.initial, None)
            fresh = self._finish()
            if fresh is not None:
                self._keep(fresh)
            if rank.finding is not None:
                return
        while not self._stop and self._distinct:
            if not self._boundary():
                return
            if limits.depth is not None and self._levels > limits.depth:
                self._stop_for(Stop.DEPTH.value)
                return
            if not self._level(closing=self._levels == limits.depth):
                break
        if self._checkpoint is not None and self._stop not in (0, Stop.DISK.value):
            # What was done past the last complete level will be done again.
            self._save(self._checkpoint)

    def _level(self, *, closing: bool) -> bool:
        """Expand the newest level; whether there is another."""
        rank, limits = self._rank, self._options.limits
        if closing and self._checkpoint is not None:
            self._save(self._checkpoint)
            if self._stop:
                return False
        rank.begin(closing=closing, given=False)

        def part(box: int) -> bool:
            rank.expand(box)
            return rank.status.left > 0

        self._rounds(part, lambda: rank.again(given=False))
        fresh = self._finish()
        if fresh is None:
            return False
        if closing and (any(fresh) or self._stop == Stop.DEPTH.value):
            rank.forget()
            self._stop_for(Stop.DEPTH.value)
            return False
        if sum(fresh):
            self._keep(fresh)
        if self._stop or rank.finding is not None or not sum(fresh):
            return False
        if limits.states is not None and self._distinct >= limits.states:
            self._stop_for(Stop.STATES.value)
            return False
        return True

    def _finish(self) -> list[int] | None:
        """End a level, here and everywhere: how many states each rank has of it; None if a disk failed."""
        rank = self._rank
        fresh = rank.finish()
        told = self._world.gather((fresh, rank.finding, rank.status.stopping, rank.message, self._world.host))
        for _, finding, *_ in told:
            if finding is not None:
                rank.adopt(finding)
        self._stop_for(max(stopping for _, _, stopping, _, _ in told))
        self._take_message([(message, host) for *_, message, host in told])
        return None if self._stop == Stop.DISK.value else [fresh for fresh, *_ in told]

    def _take_message(self, told: list[tuple[str, str]]) -> None:
        """Keep what went wrong with files on the first of the ranks where anything did."""
        world = self._world
        for number, (message, host) in enumerate(told):
            if message and not self._message:
                self._message = message if world.size == 1 else f"{named(number, host, world)}: {message}"

    def _keep(self, fresh: list[int]) -> None:
        if not sum(fresh):
            return
        self._rank.keep(fresh[self._world.rank])
        self._levels += 1
        self._distinct += sum(fresh)
        self._shares = tuple(a + b for a, b in zip(self._shares, fresh, strict=True))

    def _stop_for(self, why: int) -> None:
        """Stop, on all ranks, for the weightiest of reasons."""
        if why > self._stop:
            self._stop = why
        if self._stop:
            self._rank.stop(self._stop)

    # --- rounds ---

    def _rounds(self, part: Callable[[int], bool], again: Callable[[], None]) -> None:
        """Do a level part by part, each into a box for others, until nobody has anything left.

        `part` says whether there is more here. Where a rank had to give the level up for want of memory, all call `again`.
        """
        rank, world = self._rank, self._world
        flight: Flight | None = None
        box = 0
        while True:
            more = self._work(lambda box=box: part(box), flight)  # type: ignore[misc]  # bound now, on purpose
            if flight is not None:
                address, size = flight.arrived()
                flight = None
                if size:
                    self._work(lambda a=address, s=size: rank.receive(a, s), None)  # type: ignore[misc]
            status, full = rank.status, rank.box(box)
            mine = (
                int(more), status.stopping, int(status.abandoned), sum(full.sizes), status.distinct,
                status.generated, status.left,
            )  # fmt: skip
            told = world.tell([(size, *mine) for size in full.sizes])
            _, mores, stops, abandoned, outs, distinct, generated, left = zip(*told, strict=True)
            limit = self._options.limits.states
            beyond = (
                Stop.STATES.value if limit is not None and sum(distinct) > limit + 4096 * world.size else 0
            )
            if why := max(*stops, beyond, 0):
                self._stop_for(why)
                return
            if any(abandoned):
                self._work(again, None)
                continue
            self._sent += sum(outs)
            self._shown(sum(distinct), sum(generated), sum(left), distinct)
            if any(outs):
                flight = world.send(full, [told[k][0] for k in range(world.size)])
            elif not any(mores):
                return
            box ^= 1

    def _work(self, work: Callable[[], object], flight: Flight | None) -> bool:
        """Do `work` (C, without the GIL) in another thread, and meanwhile what moves a box, shows progress, or stops."""
        done = self._explorer.submit(work)
        landed = flight is None
        while True:
            try:
                done.exception(PROGRESS_SECONDS if landed else _POLL)
            except TimeoutError:
                landed = landed or flight is None or flight.advance()
                self._report()
            else:
                return bool(done.result())

    # --- checkpoints ---

    def _boundary(self) -> bool:
        """A complete level: whether to go on."""
        checkpoint = self._checkpoint
        if checkpoint is None:
            return True
        checkpoint.boundary = Boundary(
            self._levels,
            self._rank.counted(),
            self._seconds_before + time.perf_counter() - self._begun,
            self._sent,
        )
        if self._world.gather(checkpoint.due())[0]:
            self._save(checkpoint)
        return not self._stop

    def _save(self, checkpoint: Checkpoint) -> None:
        problem = checkpoint.write(self._rank)
        told = self._world.gather((problem or "", self._world.host))
        self._take_message(told)
        if any(message for message, _ in told):
            self._stop_for(Stop.DISK.value)
            return
        problem = checkpoint.commit()
        self._take_message(self._world.gather((problem or "", self._world.host)))
        if self._message:
            self._stop_for(Stop.DISK.value)

    def _load(self, checkpoint: Checkpoint) -> None:
        """Bring the levels of a checkpoint to the ranks that their states belong to now."""
        rank = self._rank
        for level, expected in enumerate(checkpoint.levels):
            pieces: list[Iterator[bytes]] = [checkpoint.pieces(level)]
            rank.begin(closing=False, given=True)

            def part(box: int, pieces: list[Iterator[bytes]] = pieces) -> bool:
                piece = next(pieces[0], b"")
                rank.give(box, piece)
                return bool(piece)

            def again(level: int = level, pieces: list[Iterator[bytes]] = pieces) -> None:
                pieces[0] = checkpoint.pieces(level)
                rank.again(given=True)

            self._rounds(part, again)
            fresh = self._finish()
            if self._stop:
                return
            assert fresh is not None
            if sum(fresh) != sum(expected):
                raise checkpoint.refused("is damaged: a state is in it twice")
            self._keep(fresh)
        rank.count_from(*checkpoint.counters())
        self._seconds_before, self._sent = checkpoint.seconds, checkpoint.sent

    # --- what is told ---

    def layers(self, layout: Layout, tick: Callable[[], object]) -> PackedLayers | None:
        """All shortest runs to what was found, if it is to be had. Collective, and the same everywhere."""

        def everywhere(part: list[bytes] | None) -> list[bytes] | None:
            parts = self._world.gather(part)
            return None if None in parts else [state for some in parts if some for state in some]

        return layers_of(self._rank, layout, tick, everywhere)

    def traced(self) -> NativeFinding:
        """What was found, with a run to it: from the last state back over all ranks, and forwards again. Collective."""
        rank, world = self._rank, self._world
        found = rank.found()
        target: Packed = tuple(found.state)
        representatives = [target] if found.has_state else []
        for level in range(found.length - 2, -1, -1) if found.has_state else ():
            nearest: list[Packed | None] = []
            at = target
            self._work(lambda level=level, at=at, to=nearest: to.append(rank.back(level, at)), None)  # type: ignore[misc]
            sources = [source for source in world.gather(nearest[0]) if source is not None]
            if not sources:
                raise NativeError("a violation was found, but its run could not be read back")
            target = min(sources)
            representatives.append(target)
        return rank.forward(representatives[::-1])

    def _outcome(self, counted: ExplorationCounts, finding: NativeFinding | None) -> ExplorationCounts:
        """What all ranks counted, and what is known besides."""
        return replace(
            counted,
            finding=finding,
            stopped=Stop(self._stop) if self._stop else None,
            distinct=self._distinct,
            depth=self._levels,
            seconds=self._seconds_before + time.perf_counter() - self._begun,
            resumed=self._resumed,
            message=self._message,
        )

    def _shown(self, distinct: int, generated: int, left: int, shares: tuple[int, ...]) -> None:
        traffic = Traffic(self._sent, shares)
        per_state = self._sent / distinct if distinct else 0.0
        self._now = Progress(distinct, generated, self._levels, left, 0.0, None, traffic.imbalance, per_state)
        self._report()

    def _report(self) -> None:
        seconds = time.perf_counter() - self._begun
        if self._progress is None or self._now is None or seconds - self._reported < PROGRESS_SECONDS:
            return
        self._reported = seconds
        self._progress(replace(self._now, seconds=seconds))

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C asks to stop: all ranks end the round that they are in, and tell what there is."""

        def asked(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # as signals are handled
            self._rank.ask_to_stop()

        try:
            before = signal.signal(signal.SIGINT, asked)
        except ValueError:  # not the main thread, which gets no signals
            yield
            return
        try:
            yield
        finally:
            with suppress(ValueError):
                signal.signal(signal.SIGINT, before)
