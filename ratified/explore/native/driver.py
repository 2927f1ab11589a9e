"""The explorer from Python: runs a compiled model without the GIL, and returns what it found as frozen values.

Guarantees: Ctrl-C, a limit or a failing `progress` callback end a run in order, with what was visited until then; states
are tuples of `words` integers exactly as packed; nothing here knows what they mean. `contract.h` and `run.h` say what the
numbers are.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ratified.explore.native.library import (
    ConfigStruct,
    NativeError,
    NativeLibrary,
    ProgressStruct,
    WalksStruct,
)
from ratified.results.limits import cores
from ratified.results.result import Limits, Progress

if TYPE_CHECKING:
    from ratified.explore.reduction import Relations

PROGRESS_SECONDS = 0.2
_NOWHERE = 0xFFFFFFFF

Packed = tuple[int, ...]


class Stop(Enum):
    """What ran out before everything was seen, in the numbering of `enum rx_stop`."""

    DEPTH = 1
    STATES = 2
    SECONDS = 3
    MEMORY = 4
    INTERRUPTED = 5
    CAPACITY = 6
    DISK = 7


class FindingKind(Enum):
    """What was found, in the numbering of `enum rx_kind`. A fault is a partial operation without an answer."""

    FAULT = 1
    INVARIANT = 2
    STEP_INVARIANT = 3
    DEADLOCK = 4


@dataclass(frozen=True, slots=True)
class NativeFinding:
    """Something wrong, and the shortest run that shows it.

    `index` numbers the invariant, the step invariant, or the fault. `states[i + 1]` was reached from `states[i]` by
    `instances[i]`.
    A fault inside a step has `instance`, the step that was tried in the last state; a fault in an invariant has None.
    A fault in an initial state has no states.
    """

    kind: FindingKind
    index: int
    instance: int | None
    states: tuple[Packed, ...]
    instances: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to explore. `spill` and `checkpoint` are folders; `witness` and `witness_step` the bits to look for.

    `untraced`: the finding comes without its run, which `NativeExploration.traced` looks for.
    `relations` are those of a reduction.
    """

    threads: int | None = None
    deadlock: bool = False
    limits: Limits = field(default_factory=Limits)
    spill: Path | None = None
    checkpoint: Path | None = None
    checkpoint_seconds: float = 20.0
    witness: int = 0
    witness_step: int = 0
    untraced: bool = False
    relations: Relations | None = None


@dataclass(frozen=True, slots=True)
class ExplorationCounts:
    """What an exploration counted. Tuples are by instance, by bound, by constraint.

    `new[i]` counts the states for which i is the smallest of the instances that reach them from the level before (complete
    levels only). `message` is what went wrong with files.
    `unwitnessed` are the bits of `RunOptions.witness` that no state was a witness for. `memory` is what states,
    table and workers took.
    """

    distinct: int
    generated: int
    depth: int
    out_degree: tuple[int, float, int]
    fired: tuple[int, ...]
    new: tuple[int, ...]
    left: tuple[int, ...]
    constrained: tuple[int, ...]
    unwitnessed: int
    unwitnessed_step: int
    finding: NativeFinding | None
    stopped: Stop | None
    seconds: float
    memory: int
    disk: int
    threads: int
    resumed: bool
    message: str = ""
    expanded: int = 0


class NativeExploration:
    """One exploration: `run` it, then read from it until it is closed. A context manager."""

    def __init__(self, program: NativeLibrary, options: RunOptions | None = None) -> None:
        self.program = program
        self.options = options = options or RunOptions()
        limits = options.limits
        self._config = ConfigStruct(
            threads=options.threads or cores(),
            deadlock=options.deadlock,
            depth_max=limits.depth or 0,
            states_max=limits.states or 0,
            memory_max=limits.memory or 0,
            seconds_max=limits.seconds or 0.0,
            checkpoint_seconds=options.checkpoint_seconds,
            spill=os.fsencode(options.spill) if options.spill else None,
            checkpoint=os.fsencode(options.checkpoint) if options.checkpoint else None,
            witness_wanted=options.witness,
            witness_step_wanted=options.witness_step,
            untraced=options.untraced,
        )
        self._handle: int | None = program.library.rx_new(ctypes.byref(self._config))
        if not self._handle:
            raise NativeError(
                "not enough memory to start exploring",
                remedy="free some memory, or raise the limit on address space (ulimit -v)",
            )
        if options.relations is not None:
            self._reduce(options.relations)
        if program.library.rx_open(self._handle):
            message = self._message()
            self.close()
            raise NativeError(message)

    def _reduce(self, relations: Relations) -> None:
        """Hand over which instances need which."""
        width = (len(relations.instances) + 63) // 64
        assert self.program.instances == len(relations.instances)
        rows = [row for several in relations.enabling for row in several]
        first, places = array("I"), 0
        for several in relations.enabling:
            first.append(places)
            places += len(several)

        def packed(sets: Iterable[int]) -> array[int]:
            return array("Q", b"".join(s.to_bytes(8 * width, sys.byteorder) for s in sets))

        self._tables = packed(relations.needed), packed(rows), first  # kept while the run reads them
        self.program.library.rx_reduce(self._handle, *(table.buffer_info()[0] for table in self._tables))

    def sensitive(self) -> int | None:
        """Which step invariant was found not to hold for a step that changes nothing (with a reduction only); None if none."""
        if self.options.relations is None:
            return None
        found: int = self.program.library.rx_sensitive(self._handle)
        return found - 1 if found else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives everything back. Safe to call twice."""
        handle, self._handle = self._handle, None
        if handle:
            self.program.library.rx_free(handle)

    @property
    def handle(self) -> int:
        """The run, for functions of the library that are not wrapped here."""
        assert self._handle, "closed"
        return self._handle

    def run(self, progress: Callable[[Progress], None] | None = None) -> ExplorationCounts:
        """Explores to the end. `progress` is called in this thread, a few times a second.

        A disk that fails ends the run (Stop.DISK, with a message); what a checkpoint holds stays good.
        """
        library, handle = self.program.library, self._handle
        assert handle, "closed"
        in_background(
            lambda: library.rx_explore(handle),
            lambda: library.rx_ask_to_stop(handle),
            self._reporter(progress),
        )
        return self._outcome()

    def _reporter(self, progress: Callable[[Progress], None] | None) -> Callable[[float], None] | None:
        if progress is None:
            return None
        seen = ProgressStruct()

        def report(seconds: float) -> None:
            self.program.library.rx_read_progress(self._handle, ctypes.byref(seen))
            progress(Progress(seen.distinct, seen.generated, seen.depth, seen.queue, seconds))

        return report

    def _message(self) -> str:
        text: bytes | None = self.program.library.rx_message(self._handle)
        return (text or b"").decode(errors="replace")

    def _outcome(self, *, with_finding: bool = True) -> ExplorationCounts:
        program = self.program
        counted = program.counted_type()
        program.library.rx_read_result(self._handle, ctypes.byref(counted))
        sizes = (program.instances, program.instances, program.bounds, program.constraints)
        counts = [(ctypes.c_uint64 * (size + 1))() for size in sizes]
        program.library.rx_read_counts(self._handle, *counts)
        fired, new, left, constrained = (
            tuple(numbers[:size]) for numbers, size in zip(counts, sizes, strict=True)
        )
        # A state that a limit has cut short has steps, and is not counted among those that were expanded.
        mean = sum(fired) / counted.expanded if counted.expanded else 0.0
        mean = min(max(mean, counted.degree_min), counted.degree_max)
        return ExplorationCounts(
            distinct=counted.distinct,
            generated=counted.generated,
            depth=counted.depth,
            out_degree=(counted.degree_min, mean, counted.degree_max),
            fired=fired,
            new=new,
            left=left,
            constrained=constrained,
            unwitnessed=counted.witness_missing,
            unwitnessed_step=counted.witness_step_missing,
            finding=self._finding(counted.finding, traced=not self.options.untraced)
            if with_finding
            else None,
            stopped=Stop(counted.stopped) if counted.stopped else None,
            seconds=counted.seconds,
            memory=counted.table_bytes + counted.states_bytes + counted.first_bytes + counted.worker_bytes,
            disk=counted.disk_bytes,
            threads=counted.threads,
            resumed=bool(counted.resumed),
            message=self._message(),
            expanded=counted.expanded,
        )

    def _finding(self, found: ctypes.Structure, *, traced: bool = True) -> NativeFinding | None:
        if not found.kind:
            return None
        library, words = self.program.library, self.program.words
        length = library.rx_trace_length(self._handle) if traced else 0
        if traced and found.has_state and not length:
            raise NativeError("a violation was found, but its run could not be read back from the disk")
        flat, steps = library.rx_trace_states(self._handle), library.rx_trace_instances(self._handle)
        return NativeFinding(
            kind=FindingKind(found.kind),
            index=found.property,
            instance=None if found.instance == _NOWHERE else found.instance,
            states=tuple(tuple(flat[i * words : (i + 1) * words]) for i in range(length)),
            instances=tuple(steps[1:length]) if length else (),
        )

    def found(self) -> Any:
        """What was found, as `rx_finding` says it; its kind is 0 if nothing was."""
        counted = self.program.counted_type()
        self.program.library.rx_read_result(self._handle, ctypes.byref(counted))
        return counted.finding

    def traced(self) -> NativeFinding:
        """What was found, with a run to it. Raises NativeError if the disk does not give it."""
        library, handle = self.program.library, self.handle
        if self.found().has_state:
            in_background(lambda: library.rx_trace_now(handle), lambda: None, None)
        found = self._finding(self.found())
        assert found is not None
        return found

    def walk(self, walks: WalksStruct, progress: Callable[[Progress], None] | None = None) -> RandomWalks:
        """See `simulate`."""
        library, handle = self.program.library, self._handle
        in_background(
            lambda: library.rx_simulate(handle, ctypes.byref(walks)),
            lambda: library.rx_ask_to_stop(handle),
            self._reporter(progress),
        )
        outcome = self._outcome()
        done, states, found = ctypes.c_uint64(), ctypes.c_uint64(), ctypes.c_uint64()
        library.rx_read_walks(handle, ctypes.byref(done), ctypes.byref(states), ctypes.byref(found))
        return RandomWalks(
            walks=done.value,
            states=states.value,
            fired=outcome.fired,
            left=outcome.left,
            found=found.value if outcome.finding else None,
            finding=outcome.finding,
            stopped=outcome.stopped,
            seconds=outcome.seconds,
        )

    def state(self, number: int) -> Packed:
        """The state of a number below `distinct`; numbers are in the order of `graph` once that was called.

        Raises:
            NativeError: the states are on disk.
        """
        pointer = self.program.library.rx_state(self._handle, number)
        if not pointer:
            raise NativeError(f"no state number {number} in memory")
        return tuple(pointer[: self.program.words])

    def graph(self) -> FlatGraph:
        """The graph of what `run` visited.

        Raises:
            NativeError: the states are on disk, or there is no memory for the edges.
        """
        library, handle = self.program.library, self._handle
        counted = self.program.counted_type()
        library.rx_read_result(handle, ctypes.byref(counted))
        levels = (ctypes.c_uint64 * (counted.depth + 1))()
        library.rx_read_levels(handle, levels)
        offsets = (ctypes.c_uint64 * (counted.distinct + 1))()
        count = library.rx_graph_count(handle, offsets)
        if count == 0xFFFFFFFFFFFFFFFF:
            raise NativeError(
                "the state graph does not fit into memory",
                remedy="give a larger memory budget, or a smaller size",
            )
        targets, instances = (ctypes.c_uint64 * count)(), (ctypes.c_uint32 * count)()
        library.rx_graph_fill(handle, offsets, targets, instances)
        offset_view, target_view = (memoryview(array).cast("B").cast("Q") for array in (offsets, targets))
        return FlatGraph(tuple(levels), offset_view, target_view, memoryview(instances).cast("B").cast("I"))


@dataclass(frozen=True, slots=True)
class FlatGraph:
    """States by number and the edges between them, as flat arrays (`numpy.asarray` takes them as they are).

    The edges of state i are at [offsets[i], offsets[i + 1]) of `targets` and `instances`, in the order in which the model
    produces them. Level k is the states [levels[k], levels[k + 1]), in the order of their words: the same numbers on every run.
    """

    levels: tuple[int, ...]
    offsets: memoryview[int]
    targets: memoryview[int]
    instances: memoryview[int]


@dataclass(frozen=True, slots=True)
class RandomWalks:
    """What random walks saw. `found` is the number of the walk that `finding` is from.

    With a finding, `walks`, `states` and `fired` count what was walked until it stopped, which depends on the number of threads;
    the finding does not.
    """

    walks: int
    states: int
    fired: tuple[int, ...]
    left: tuple[int, ...]
    found: int | None
    finding: NativeFinding | None
    stopped: Stop | None
    seconds: float


def simulate(
    program: NativeLibrary,
    *,
    seed: int,
    walks: int,
    depth: int,
    options: RunOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> RandomWalks:
    """Walks at random: `walks` times at most `depth` states. Walk i of a seed is always the same walk.

    `options.limits.seconds`, `threads` and `deadlock` apply. The finding is the first along the walk of the smallest number.
    """
    options = options or RunOptions()
    with NativeExploration(program, replace(options, spill=None, checkpoint=None)) as exploration:
        return exploration.walk(WalksStruct(seed & (2**64 - 1), walks, depth, options.deadlock, 0), progress)


def in_background(
    work: Callable[[], None], stop: Callable[[], None], report: Callable[[float], None] | None
) -> None:
    """Runs `work` (a C function, so without the GIL) in a thread of its own, and this thread's signals and `report` meanwhile.

    KeyboardInterrupt asks `work` to stop and is then done with: the caller reports what there is. An error in `report` does the
    same and is raised again.
    """
    failure: BaseException | None = None
    done = threading.Event()  # not `Thread.join`: see ratified.results.background

    def run() -> None:
        try:
            work()
        finally:
            done.set()

    thread = threading.Thread(target=run, name="explorer", daemon=True)
    seconds = 0.0
    try:
        thread.start()
        while not done.is_set():
            try:
                done.wait(PROGRESS_SECONDS)
                seconds += PROGRESS_SECONDS
                if report and not done.is_set() and failure is None:
                    report(seconds)
            except KeyboardInterrupt:
                stop()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again when the run has ended
                failure = error
                stop()
    finally:
        # Whatever interrupts this loop, nobody may free what the thread works on before it has ended.
        if thread.ident is not None and not done.is_set():
            stop()
            done.wait()
    if failure is not None:
        raise failure
