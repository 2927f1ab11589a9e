"""Runs that are measured by generated C, on every core: the same runs as CPython's, with the same numbers (`measuring.py`)."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ratified.explore.measuring import End, MeasuredRun, MeasurePlan
from ratified.explore.native.codegen.measuring import measuring
from ratified.explore.native.codegen.numbering import BoundPlace
from ratified.explore.native.compile import compile_text
from ratified.explore.native.driver import in_background
from ratified.explore.native.library import NativeError
from ratified.language.ir import Kind
from ratified.language.machine import Values

_FAILED, _NOT_RUN = 3, 255
_NUMBERS = ("seed", "first", "runs", "depth", "since", "beginnings", "threads")
_ARRAYS = ("initial", "values", "steps", "ends", "left", "constrained")


class _Order(ctypes.Structure):
    """`rm_order`."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in _NUMBERS),
        *((name, ctypes.c_void_p) for name in _ARRAYS),
        *((name, ctypes.c_uint64) for name in ("cursor", "done", "stop")),
    )


@dataclass(frozen=True, slots=True)
class MeasuredRuns:
    """All runs in their order; None for one that CPython is to run.

    `left` is how often each place left a bound, `constrained` how often each constraint left a state out.
    """

    runs: Sequence[MeasuredRun | None]
    left: tuple[tuple[BoundPlace, int], ...]
    constrained: tuple[int, ...]


class NativeRuns:
    """A program that is compiled and can be run."""

    def __init__(self, plan: MeasurePlan, initial: Sequence[Values]) -> None:
        """Raises Unsupported, CompilerMissing, CompilerFailed, NativeError: the runs are CPython's then."""
        self._plan = plan
        text, self._unit = measuring(plan)
        words = [word for state in initial for word in self._unit.layout.pack(state)]
        self._initial = (ctypes.c_uint64 * len(words))(*words)
        self._beginnings = len(initial)
        try:
            self._library = ctypes.CDLL(str(compile_text(text).path))
        except OSError as error:
            raise NativeError(f"cannot load the compiled model: {error}") from error

    def run(self, numbers: range, threads: int, report: Callable[[int], bool]) -> MeasuredRuns:
        """Run these. After Ctrl-C, or where `report` says so, there are fewer: those up to the first that was not run."""
        runs = len(numbers)
        width, shared = len(self._plan.measures), self._unit.shared
        values, steps = (ctypes.c_int64 * (runs * width + 1))(), (ctypes.c_uint64 * runs)()
        ends = (ctypes.c_uint8 * runs).from_buffer(bytearray(bytes([_NOT_RUN]) * runs))
        left = (ctypes.c_uint64 * (len(shared.bounds) + 1))()
        constraints = self._unit.module.of_kind(Kind.CONSTRAINT)
        constrained = (ctypes.c_uint64 * (len(constraints) + 1))()
        order = _Order(
            seed=self._plan.seed & (2**64 - 1),
            first=numbers.start,
            runs=runs,
            depth=self._plan.length,
            since=self._plan.since,
            beginnings=self._beginnings,
            threads=min(threads, runs),
            initial=ctypes.addressof(self._initial),
            values=ctypes.addressof(values),
            steps=ctypes.addressof(steps),
            ends=ctypes.addressof(ends),
            left=ctypes.addressof(left),
            constrained=ctypes.addressof(constrained),
        )

        def stop() -> None:
            order.stop = 1

        def look(_: float) -> None:
            if not report(order.done):
                stop()

        in_background(lambda: self._library.rx_measure(ctypes.byref(order)), stop, look)
        done = ends[:].index(_NOT_RUN) if _NOT_RUN in ends else runs
        return MeasuredRuns(
            list(_read(values[: done * width], steps[:done], ends[:done], width)),
            tuple((place, left[k]) for k, place in enumerate(shared.bounds) if left[k]),
            tuple(constrained[: len(constraints)]),
        )


def _read(
    values: Sequence[int], steps: Sequence[int], ends: Sequence[int], width: int
) -> Iterator[MeasuredRun | None]:
    for i, (taken, end) in enumerate(zip(steps, ends, strict=True)):
        row = tuple(values[i * width : (i + 1) * width])
        yield None if end == _FAILED else MeasuredRun(row, taken, End(end))
