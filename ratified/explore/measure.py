"""Measuring a model: numbers that its runs have, with how sure one can be of them (`ratified simulate --measure`).

    measured = measure(Balls(Bin=100), "max(load[b] for b in Bin)", runs=10_000, length=300)
    measured.figures[0].estimate.mean          # 4.24..., within .low and .high

Guarantees: what a run is stands in `measuring.py`; the same seed gives the same figures, whatever the number of threads and
processes, and whichever engine runs it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from ratified.explore.measuring import (
    NEVER,
    End,
    MeasuredAt,
    MeasuredRun,
    MeasurePlan,
    ReferenceRuns,
    plan_of,
)
from ratified.explore.world import Alone, RankWorld, alike, cores_of
from ratified.language.errors import RatifiedError, Span
from ratified.language.ir import Kind
from ratified.language.model import Model, refuse_a_class
from ratified.results.estimates import Estimate, IntOrFraction, estimate
from ratified.results.limits import LimitWatch, Reached
from ratified.results.result import BoundReport, ConstraintReport, Limits, Trace
from ratified.results.seen import INTERRUPTED

if TYPE_CHECKING:
    from ratified.explore.native.measure import NativeRuns

ENGINES = ("auto", "reference", "native")
RUNS = 1_000
LENGTH = 100
SOON = 2_000
"""Steps that `auto` leaves to CPython: they are done sooner than a compiler runs."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement: the expression as typed, the states in which it was evaluated, and the estimate."""

    text: str
    at: MeasuredAt
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Measured:
    """The measurements of random runs of a model.

    `runs` runs were made of `asked`, with `steps` steps in all; `ended` counts how they ended, and `early` those that ended
    before `since` and are not counted. `weights` are those of actions whose weight is not 1. A bound in `bounds` excluded a
    step that the model has; if there are any, or runs did not reach `until` or `since`, the figures are not those of the
    model: `complete` is false.
    """

    model: str
    sizes: Mapping[str, int]
    parameters: Mapping[str, object]
    seed: int
    asked: int
    runs: int
    length: int
    steps: int
    until: str | None
    ended: Mapping[End, int]
    weights: Mapping[str, int | str]
    figures: tuple[Figure, ...]
    bounds: tuple[BoundReport, ...]
    constraints: tuple[ConstraintReport, ...]
    notes: tuple[str, ...] = ()
    stopped: str | None = None
    since: int = 0
    early: int = 0

    @property
    def missed(self) -> int:
        """The number of runs that did not reach `until`."""
        return 0 if self.until is None else self.runs - self.ended[End.UNTIL]

    @property
    def complete(self) -> bool:
        """Whether the figures cover everything requested."""
        return not self.bounds and not self.missed and not self.early and self.stopped is None


def measure(
    model: Model,
    *measures: str,
    runs: int = RUNS,
    length: int = LENGTH,
    seed: int = 0,
    since: int = 0,
    until: str | None = None,
    weights: Mapping[str, int] | None = None,
    confidence: float = 0.95,
    engine: str = "auto",
    threads: int | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    progress: Callable[[int], None] | None = None,
    world: RankWorld | None = None,
) -> Measured:
    """Measure runs of at most `length` steps, which end early when `until` is true.

    A measure is an expression of the language over a state, a number or a condition; in it `steps` is the number of steps so
    far, and `times_pick` how often the action `pick` was taken. It is evaluated at the end of a run, or as it says: `max:
    queue`, `min: queue`, `mean: queue` (over all states of the run, the first and last included), `first: queue == 0` (the
    steps until then). With `since`, measures along a run start at that step (a warm-up cut). `weights` replace those of the
    model's actions. `confidence` is that of each interval by itself. `limits` may have seconds and memory; the figures are
    then of the runs completed. `progress` is called with their number, and may raise
    KeyboardInterrupt to stop. `world` is the processes that share the runs: all call this, and all get the same.

    Raises:
        EvaluationError: the model, a weight or a measure has no value in a state that a run reaches; with that run.
        ModelError: an invalid expression, with a caret; or the model has no initial state.
        RatifiedError: an invalid number, or this is not a model at a size.
    """
    _check(model, measures, runs, length, confidence, engine, threads)
    plan = plan_of(model, measures, until=until, weights=weights or {}, length=length, seed=seed, since=since)
    _check_since(plan)
    limits.only("measuring", "seconds", "memory")
    watch, world = LimitWatch(limits), world or Alone()
    with alike(world):
        try:
            reference = ReferenceRuns(plan, watch.tick)
        except Reached as stop:
            raise RatifiedError(f"no run was completed within {stop}", remedy="set a larger limit") from None
    begun = Counter(reference.bounds), Counter(reference.left_out)
    numbers = range(runs * world.rank // world.size, runs * (world.rank + 1) // world.size)
    collected, notes, stopped, failed = _Collected.of(len(plan.measures)), list[str](), INTERRUPTED, runs

    def looked(done: int) -> bool:
        """Whether to go on."""
        nonlocal stopped
        try:
            if progress:
                progress(min(done * world.size, runs))
            watch.tick()
        except KeyboardInterrupt:
            return False
        except Reached as stop:
            stopped = str(stop)
            return False
        return True

    threads = threads or cores_of(world)
    native = None
    if numbers and (engine == "native" or (engine == "auto" and runs * length > SOON)):
        native = _native(plan, reference, engine, notes)
    done = (
        map(reference.run, numbers)
        if native is None
        else _by_native(native, reference, numbers, threads, looked)
    )
    problem: RatifiedError | None = None
    try:
        for run in done:
            collected.add(plan, run)
            if native is None and not looked(collected.runs):
                break
    except KeyboardInterrupt:
        pass
    except Reached as stop:
        stopped = str(stop)
    except RatifiedError as error:
        problem, failed = error, numbers.start + collected.runs
    first = min(world.gather(failed))
    if first < runs:
        raise problem if problem is not None and first == failed else _error_in(plan, first)
    collected.bounds, collected.left_out = reference.bounds - begun[0], reference.left_out - begun[1]
    whole = _Collected.of(len(plan.measures))
    for part, why in world.gather((collected, None if collected.runs == len(numbers) else stopped)):
        whole.merge(part)
        stopped = why or stopped
    if stopped == INTERRUPTED and not whole.runs:
        raise KeyboardInterrupt
    whole.bounds, whole.left_out = whole.bounds + begun[0], whole.left_out + begun[1]
    return _measured(plan, whole, runs, confidence, tuple(notes), None if whole.runs == runs else stopped)


def _error_in(plan: MeasurePlan, number: int) -> RatifiedError:
    """What goes wrong in a run that was another process's."""
    try:
        ReferenceRuns(plan, lambda: None).run(number)
    except RatifiedError as error:
        return error
    raise AssertionError("a run is the same run everywhere")


def _native(plan: MeasurePlan, reference: ReferenceRuns, engine: str, notes: list[str]) -> NativeRuns | None:
    """The program, if there can be one."""
    from ratified.explore.native.codegen.shapes import Unsupported
    from ratified.explore.native.compile import CompilerFailed, CompilerMissing
    from ratified.explore.native.measure import NativeRuns

    try:
        return NativeRuns(plan, reference.initial)
    except (Unsupported, CompilerMissing, CompilerFailed) as reason:
        if engine == "native":
            raise
        notes.append(f"run by CPython, which is slower: {reason.message}")
        return None


def _by_native(
    native: NativeRuns, reference: ReferenceRuns, numbers: range, threads: int, looked: Callable[[int], bool]
) -> Iterator[MeasuredRun]:
    """Runs of generated code; one in which it has no answer is CPython's, which has one or says why not."""
    found = native.run(numbers, threads, looked)
    for place, times in found.left:
        reference.bounds[place.what, place.action, place.span] += times
    for name, times in zip(reference.constraints, found.constrained, strict=True):
        reference.left_out[name] += times
    for number, run in zip(numbers, found.runs, strict=False):
        yield reference.run(number) if run is None else run


def _check(
    model: object,
    measures: Sequence[str],
    runs: int,
    length: int,
    confidence: float,
    engine: str,
    threads: int | None,
) -> None:
    refuse_a_class(model)
    if not measures:
        raise RatifiedError(
            "there is nothing to measure", remedy='give an expression over the state, such as "len(queue)"'
        )
    for what, number in (("runs", runs), ("length", length), ("threads", 1 if threads is None else threads)):
        if number < 1:
            raise RatifiedError(
                f"{what} must be at least 1, and is {number}", remedy="give a number from 1 on"
            )
    if not 0 < confidence < 1:
        raise RatifiedError(
            f"the confidence is {confidence}, and it is a probability", remedy="give 0.95, say"
        )
    if engine not in ENGINES:
        raise RatifiedError(f"there is no engine {engine!r}", remedy=f"choose from {', '.join(ENGINES)}")


def _check_since(plan: MeasurePlan) -> None:
    if not 0 <= plan.since <= plan.length:
        raise RatifiedError(
            f"runs have at most {plan.length:,} steps, so nothing would be measured from step {plan.since:,} on",
            remedy=f"measure from a step between 0 and {plan.length:,}, or allow more steps",
        )
    if plan.since and all(m.at is MeasuredAt.END for m in plan.measures):
        raise RatifiedError(
            "what is measured at the end of a run does not depend on where measuring starts",
            remedy=f"write `mean: {plan.measures[0].text}`, or max:, min:, first:",
        )


@dataclass(slots=True)
class _Collected:
    """What was measured of runs, in any order: how often each value was seen, and in how many runs there was none."""

    counted: list[Counter[IntOrFraction]]
    missing: list[int]
    runs: int = 0
    steps: int = 0
    early: int = 0
    ended: Counter[End] = field(default_factory=Counter)
    bounds: Counter[tuple[str, str, Span | None]] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, measures: int) -> _Collected:
        """Of no run."""
        return cls([Counter() for _ in range(measures)], [0] * measures)

    def add(self, plan: MeasurePlan, run: MeasuredRun) -> None:
        """One more."""
        self.runs += 1
        self.steps += run.steps
        self.ended[run.end] += 1
        asked = run.steps + 1 - plan.since  # in so many states, where it was asked along the way
        self.early += asked < 1
        for k, (m, value) in enumerate(zip(plan.measures, run.row, strict=True)):
            if m.at is MeasuredAt.FIRST and value == NEVER:
                self.missing[k] += 1
            elif m.at is MeasuredAt.END or asked > 0:
                self.counted[k][Fraction(value, asked) if m.at is MeasuredAt.MEAN else value] += 1

    def merge(self, other: _Collected) -> None:
        """Those of another process, too."""
        self.runs += other.runs
        self.steps += other.steps
        self.early += other.early
        self.ended += other.ended
        self.bounds += other.bounds
        self.left_out += other.left_out
        for k, counted in enumerate(other.counted):
            self.counted[k] += counted
            self.missing[k] += other.missing[k]


def _measured(
    plan: MeasurePlan,
    of: _Collected,
    asked: int,
    confidence: float,
    notes: tuple[str, ...],
    stopped: str | None,
) -> Measured:
    """What runs came to."""
    model = plan.model
    weights = dict(plan.weights)
    constraints = plan.module.of_kind(Kind.CONSTRAINT)
    return Measured(
        model=model.module.name,
        sizes={sort.__name__: size for sort, size in model.scope.sizes.items()},
        parameters=dict(model.scope.parameters),
        seed=plan.seed,
        asked=asked,
        runs=of.runs,
        length=plan.length,
        steps=of.steps,
        until=None if plan.until is None else plan.until.text,
        ended={end: of.ended[end] for end in End},
        weights=weights if any(w != 1 for w in weights.values()) else {},
        figures=tuple(
            Figure(
                m.text,
                m.at,
                estimate(counted, missing=missing, confidence=confidence, proportion=m.condition),
            )
            for m, counted, missing in zip(plan.measures, of.counted, of.missing, strict=True)
        ),
        bounds=tuple(
            BoundReport(what, by, times, span)
            for (what, by, span), times in sorted(of.bounds.items(), key=lambda item: item[0][:2])
        ),
        constraints=tuple(ConstraintReport(f.name, of.left_out[f.name]) for f in constraints),
        notes=notes,
        stopped=stopped,
        since=plan.since,
        early=of.early,
    )


def first_run(
    model: Model,
    *,
    length: int,
    seed: int,
    until: str | None = None,
    weights: Mapping[str, int] | None = None,
) -> Trace:
    """The first of the runs of `measure`, step by step."""
    plan = plan_of(model, (), until=until, weights=weights or {}, length=length, seed=seed)
    return ReferenceRuns(plan, LimitWatch(Limits()).tick).trace(0)
