"""The native engine: a model at a size, compiled and explored; what the explorer's numbers say, in the model's words.

Guarantees: counts, depth, verdict and the length of a counterexample are those of the reference engine; a counterexample is found
by stepping the reference machine along the states that the explorer names, so what is shown is a run of the model itself; where
the model has no answer, the error raised is the reference machine's own.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from ratified.explore import reference
from ratified.explore.liveness import liveness_claims
from ratified.explore.native.codegen.numbering import Instances, Program
from ratified.explore.native.codegen.shapes import FULL, Full, Unsupported
from ratified.explore.native.compile import LEAST_MEMORY, CompilerTooLarge
from ratified.explore.native.driver import (
    ExplorationCounts,
    FindingKind,
    NativeExploration,
    NativeFinding,
    RunOptions,
    Stop,
)
from ratified.explore.native.layers import layers_of
from ratified.explore.native.library import NativeError
from ratified.explore.native.liveness import check_of, refuse_what_is_not_told
from ratified.explore.native.preparing import ROOM, BuildRequest, Preparation, PreparedProgram
from ratified.explore.search import safety_of
from ratified.explore.switches import switched_off
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.ir import Function
from ratified.language.machine import OutOfBounds, PythonMachine, StepError, Values
from ratified.language.model import Model
from ratified.language.refinement import Refinement
from ratified.results.counterexample import FailureExplainer
from ratified.results.limits import LimitWatch, Reached, peak_memory, resident
from ratified.results.plainest import Layers
from ratified.results.result import (
    ActionReport,
    BoundReport,
    ConstraintReport,
    Limits,
    Progress,
    PropertyKind,
    PropertyReport,
    Result,
    Verdict,
    Violation,
)
from ratified.results.seen import INTERRUPTED, Failure, Property
from ratified.results.seen import Exploration as Seen

Live = tuple[tuple[PropertyReport, ...], Violation | None, str | None]
"""The liveness claims, what is violated of them, and why they are not decided."""

LEAST = 2**26
"""Bytes for the explorer, where Python itself has nearly all that there is by default."""

DEADLOCK = Property(PropertyKind.DEADLOCK, "deadlock", None)

NativeQuestion = tuple[Property | None, Values | None, Callable[[], object]]
"""What is asked: for which property, of the step into which state, and how."""


def check_native(
    model: Model,
    *,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    symmetry: bool = False,
    reduced: bool = False,
    deadlock: bool = False,
    progress: Callable[[Progress], None] | None = None,
    threads: int | None = None,
    spill: Path | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 20.0,
    dump: Path | None = None,
    flags: tuple[str, ...] = (),
    large: bool = False,
    watch: LimitWatch | None = None,
    preparation: Preparation | None = None,
) -> Result:
    """Explores a model natively: all its claims, constraints, bounds and (if asked) deadlocks.

    `spill` and `checkpoint` are folders (driver.Options); `dump` a file for the generated C; `flags` are for the compiler; that a
    model is `large` is remembered with its program, for `found_large`. `watch` is over time and memory if it is not to begin now,
    `preparation` the program if it is being made already.

    Raises:
        SizeError: the model has no fixed width, too many bits, or computes a number of more than 64 bits (`Unsupported`):
            the reference engine takes it.
        EvaluationError: the model has no answer where it needs one.
        RatifiedError: no compiler, a compiler that fails, no memory, a disk or checkpoint that cannot be used.
    """
    watch = watch or LimitWatch(limits)
    options = RunOptions(
        threads=threads,
        deadlock=deadlock,
        limits=limits,
        # Whether a state is new has to be known while its level is expanded.
        spill=None if reduced else spill,
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds,
        untraced=True,
    )
    room = ROOM if checkpoint is None else 0  # states that are kept cannot be laid out anew
    so_far: Callable[[str], Result] = partial(nothing_seen, model, watch, deadlock=deadlock)
    while True:
        order = BuildRequest(model, symmetry, deadlock, dump, flags, large, reduced, room)
        try:
            return _explored(order, options, watch, progress, preparation, so_far)
        except Full as full:
            room, preparation = 2 * room, None
            so_far = full.so_far if isinstance(full, _MoreRoom) else so_far


class _MoreRoom(Full):
    """There are states already, and then one has more elements; `so_far` is the result if nothing else comes of it."""

    def __init__(self, so_far: Callable[[str], Result]) -> None:
        super().__init__()
        self.so_far = so_far


def _explored(
    order: BuildRequest,
    options: RunOptions,
    watch: LimitWatch,
    progress: Callable[[Progress], None] | None,
    preparation: Preparation | None,
    so_far: Callable[[str], Result],
) -> Result:
    """What an exploration comes to; see `check_native`. `so_far` is the result if there is no program in time.

    Raises Full where a set or range without a bound needs more room.
    """
    model, deadlock = order.model, order.deadlock
    claims = liveness_claims(model.module)
    try:
        preparation = preparation or Preparation(order, while_preparing(watch))
        preparation.wait(progress)
    except Reached as stop:
        return so_far(str(stop))
    except KeyboardInterrupt:
        return so_far(INTERRUPTED)
    try:
        prepared = preparation.work.result()
    except CompilerTooLarge as problem:
        return so_far(problem.message)
    model, program = prepared.model, prepared.program
    if claims and prepared.reduction is not None:
        raise reference._no_symmetry(model.module.name, claims[0])
    refuse_what_is_not_told(model, program)
    limits = options.limits
    options = replace(
        options,
        limits=replace(
            limits, seconds=watch.left, memory=limits.memory or max(watch.memory - resident(), LEAST)
        ),
        witness=(1 << len(program.written.witnesses)) - 1,
        witness_step=0 if order.reduced else (1 << len(program.written.step_witnesses)) - 1,
        relations=prepared.relations,
    )
    live: Live = (), None, None
    with NativeExploration(prepared.library, options) as exploration:
        outcome = exploration.run(progress)
        found = outcome.finding
        if found and found.kind is FindingKind.FAULT and program.written.errors[found.index][0] == FULL:
            raise _MoreRoom(partial(_cut_short, model, prepared, outcome, watch, deadlock))
        if (claim := exploration.sensitive()) is not None:
            from ratified.explore.reduction import sensitive

            raise sensitive(model.module.name, program.step_invariants[claim])
        violation = _violation(model, program, exploration, outcome, watch)
        if claims:
            live = _liveness(model, program, exploration, outcome, watch)
    return report(model, prepared, outcome, violation, watch, live, deadlock=deadlock)


def _violation(
    model: Model,
    program: Program,
    exploration: NativeExploration,
    outcome: ExplorationCounts,
    watch: LimitWatch,
) -> Violation | None:
    """What was violated: the plainest of its shortest runs, where all of these can be had, else one of them."""
    if outcome.finding is None:
        return None
    tick = of_time(watch).tick
    layers = layers_of(exploration, program.layout, tick)
    return plainest_violation(model, program, outcome.finding, layers, tick) or violation_of(
        model, program, exploration.traced()
    )


def of_time(watch: LimitWatch) -> LimitWatch:
    """A limit of memory is about states here, which may be on disk; Python's own part is held to what there is."""
    return LimitWatch(replace(watch.limits, memory=None), watch.started)


def plainest_violation(
    model: Model, program: Program, finding: NativeFinding, layers: Layers | None, tick: Callable[[], object]
) -> Violation | None:
    """What was violated, with the plainest run through these layers; None if there are none, or no time."""
    return None if layers is None else _FindingReader(model, program).plainest(finding, layers, tick)


def violation_of(model: Model, program: Program, finding: NativeFinding) -> Violation:
    """What was violated, with its run. Raises EvaluationError where the model has no answer."""
    return _FindingReader(model, program).violation(finding)


def report(
    model: Model,
    prepared: PreparedProgram,
    outcome: ExplorationCounts,
    violation: Violation | None,
    watch: LimitWatch,
    live: Live = ((), None, None),
    *,
    deadlock: bool,
) -> Result:
    """What an exploration came to. Raises ModelError if the model has no initial state."""
    if not outcome.distinct and not outcome.stopped and not any(outcome.left):
        raise _no_beginning(model, outcome)
    return _result(model, prepared, outcome, violation, live, watch, deadlock)


def _cut_short(
    model: Model,
    prepared: PreparedProgram,
    outcome: ExplorationCounts,
    watch: LimitWatch,
    deadlock: bool,
    why: str,
) -> Result:
    """The result of an exploration that was to begin anew, and had no time for it."""
    untold = tuple(
        PropertyReport(PropertyKind.LIVENESS, c.name, False, c.span) for c in liveness_claims(model.module)
    )
    seen = replace(outcome, finding=None, stopped=Stop.INTERRUPTED)
    return replace(
        report(model, prepared, seen, None, watch, (untold, None, None), deadlock=deadlock), stopped=why
    )


def nothing_seen(model: Model, watch: LimitWatch, stopped: str, *, deadlock: bool) -> Result:
    """The result of an exploration that was ended before it saw a state: everything that is claimed is undecided."""
    liveness = (Property(PropertyKind.LIVENESS, c.name, c.span) for c in liveness_claims(model.module))
    return Result(
        model=model.module.name,
        sizes={sort.__name__: size for sort, size in model.scope.sizes.items()},
        parameters=dict(model.scope.parameters),
        engine="native",
        verdict=Verdict.UNDECIDED,
        distinct=0,
        generated=0,
        depth=0,
        actions=(),
        properties=tuple(
            PropertyReport(p.kind, p.name, False, p.span)
            for p in (*safety_of(model.module, deadlock), *liveness)
        ),
        stopped=stopped,
        seconds=watch.seconds,
        memory=peak_memory(),
        notes=("the model was still being compiled",),
    )


def _liveness(
    model: Model,
    program: Program,
    exploration: NativeExploration,
    outcome: ExplorationCounts,
    watch: LimitWatch,
) -> Live:
    """The liveness claims, what is violated of them, and why they are not decided."""
    own = of_time(watch)
    room = max(watch.memory - resident(), LEAST)
    machine = PythonMachine(model)
    claims = liveness_claims(model.module)
    untested = not outcome.distinct and outcome.finding is None and outcome.stopped is None
    reports = tuple(PropertyReport(PropertyKind.LIVENESS, c.name, untested, c.span) for c in claims)
    if outcome.finding is not None or outcome.stopped is Stop.INTERRUPTED or not outcome.distinct:
        return reports, None, None
    try:
        check = check_of(machine, program, exploration, outcome, own.tick, room)
        own.tick()
        violation = check.violation()
    except Reached as stop:
        return reports, None, str(stop)
    except NativeError as problem:
        return reports, None, problem.message
    except KeyboardInterrupt:
        return reports, None, INTERRUPTED
    complete = outcome.stopped is None and not any(outcome.left) and not any(outcome.constrained)
    return check.reports(complete=complete), violation, None


def while_preparing(watch: LimitWatch) -> LimitWatch:
    """A limit of memory is about states, which may go to disk; what makes the program may have as much as a compiler needs."""
    memory = watch.limits.memory
    room = None if memory is None else max(memory, resident() + LEAST_MEMORY)
    return LimitWatch(replace(watch.limits, memory=room), watch.started)


def _no_beginning(model: Model, outcome: ExplorationCounts) -> ModelError:
    machine = PythonMachine(model)
    seen = Seen((), generated=outcome.generated, left_out=list(outcome.constrained))
    return reference.nothing_begins(machine, seen)


def _stopped(outcome: ExplorationCounts, watch: LimitWatch) -> str | None:
    limits = watch.limits
    match outcome.stopped:
        case None:
            return None
        case Stop.DEPTH:
            return f"the depth limit of {limits.depth} levels"
        case Stop.STATES:
            return f"the limit of {limits.states:,} states"
        case Stop.SECONDS:
            return watch.time_limit()
        case Stop.MEMORY:
            return watch.memory_limit()
        case Stop.INTERRUPTED:
            return INTERRUPTED
        case Stop.CAPACITY:
            return "more states than the explorer can number"
    return outcome.message


def _result(
    model: Model,
    prepared: PreparedProgram,
    outcome: ExplorationCounts,
    violation: Violation | None,
    live: Live,
    watch: LimitWatch,
    deadlock: bool,
) -> Result:
    program, reduction, notes = prepared.program, prepared.reduction, list(prepared.notes)
    bounds = tuple(
        BoundReport(place.what, place.action, times, place.span)
        for place, times in zip(program.written.bounds, outcome.left, strict=True)
        if times
    )
    liveness, unhappened, unfinished = live
    complete = violation is None and outcome.stopped is None and not bounds
    violation = violation or unhappened
    if prepared.relations is not None and violation is not None:
        notes.append(reference.NOT_SHORTEST)
    if outcome.resumed:
        notes.append("resumed from a checkpoint")
    if outcome.stopped is Stop.DISK:
        notes.append("free some space or name another folder; the checkpoint is intact and can be resumed")
    never = {name for k, name in enumerate(program.written.witnesses) if outcome.unwitnessed >> k & 1}
    properties = [*_properties(program), *([DEADLOCK] if deadlock else [])]
    never |= {
        name for k, name in enumerate(program.written.step_witnesses) if outcome.unwitnessed_step >> k & 1
    }
    verdict, stopped = reference.concluded(
        violation,
        _stopped(outcome, watch) or unfinished,
        notes,
        bounds=bool(bounds),
        live=bool(liveness) and any(outcome.constrained),
        others=bool(properties),
    )
    off = switched_off(model)
    return Result(
        model=model.module.name,
        sizes={sort.__name__: size for sort, size in model.scope.sizes.items()},
        parameters=dict(model.scope.parameters),
        engine="native",
        verdict=verdict,
        distinct=outcome.distinct,
        generated=outcome.generated,
        depth=outcome.depth,
        actions=tuple(_action(i, outcome, off) for i in program.instances),
        properties=(*reference.reports_of(properties, never, violation, complete=complete), *liveness),
        bounds=bounds,
        constraints=tuple(
            ConstraintReport(f.name, times)
            for f, times in zip(program.constraints, outcome.constrained, strict=True)
        ),
        symmetry=reduction.sorts if reduction else (),
        reduction=prepared.relations is not None,
        stopped=stopped,
        violation=violation,
        seconds=watch.seconds,
        memory=peak_memory(),
        out_degree=outcome.out_degree,
        notes=tuple(notes),
    )


def _action(instances: Instances, outcome: ExplorationCounts, off: frozenset[str]) -> ActionReport:
    own = slice(instances.first, instances.first + instances.count)
    name = instances.action.name
    return ActionReport(name, sum(outcome.fired[own]), sum(outcome.new[own]), name in off)


def _properties(program: Program) -> list[Property]:
    """All properties but deadlock, which comes after them, by rank."""
    return [
        *(Property(PropertyKind.INVARIANT, f.name, f.span) for f in program.invariants),
        *(Property(PropertyKind.STEP_INVARIANT, f.name, f.span) for f in program.step_invariants),
        *(Property(PropertyKind.REFINEMENT, f.name, f.span) for f in program.refinements),
    ]


class _FindingReader:
    """Reads findings: a run of packed states becomes a search that saw only that run, told as the reference does."""

    def __init__(self, model: Model, program: Program) -> None:
        self.program = program
        self.machine = PythonMachine(model)

    def plainest(
        self, finding: NativeFinding, layers: Layers, tick: Callable[[], object]
    ) -> Violation | None:
        """What was violated, with the plainest run through layers."""
        seen = Seen((), layers=layers)
        telling = FailureExplainer(self.machine, seen, None, tick)
        rank, claim = self._claim(finding)
        step = finding.kind is FindingKind.STEP_INVARIANT
        return telling.plainest_violation(
            Failure(layers.count + step, rank, 0, claim, 0, () if step else None)
        )

    def _claim(self, finding: NativeFinding) -> tuple[int, Property]:
        """The rank of what was violated, and what it is."""
        properties = _properties(self.program)
        match finding.kind:
            case FindingKind.INVARIANT:
                return finding.index, properties[finding.index]
            case FindingKind.STEP_INVARIANT:
                rank = len(self.program.invariants) + finding.index
                return rank, properties[rank]
            case _:
                return len(properties), DEADLOCK

    def violation(self, finding: NativeFinding) -> Violation:
        """What was violated, with its run. Raises EvaluationError where the model has no answer."""
        states = [self.program.layout.unpack(words) for words in finding.states]
        if finding.kind is FindingKind.FAULT:
            raise self._error(finding, states)
        rank, claim = self._claim(finding)
        length, last = len(states), len(states) - 1
        failure = Failure(length, rank, 0, claim, last)
        if finding.kind is FindingKind.STEP_INVARIANT:
            failure = Failure(length, rank, 0, claim, last - 1, states.pop())
        return self._telling(states).violation(failure)

    def _telling(self, states: list[Values]) -> FailureExplainer:
        seen = Seen((), states=states, predecessor=array("q", range(-1, len(states) - 1)))
        return FailureExplainer(self.machine, seen, None)

    def _error(self, finding: NativeFinding, states: list[Values]) -> RatifiedError:
        """The error that the reference machine comes to at the same place; Unsupported if it comes to none."""
        telling, last = self._telling(states), len(states) - 1
        for claim, target, ask in self._questions(finding, states):
            try:
                ask()
            except StepError as problem:
                return telling.error(Failure(len(states), -1, 0, claim, last, target, problem))
        # The model itself has an answer there: a number is too large for generated code.
        message, span = self.program.written.errors[finding.index]
        return Unsupported(message, span=span, remedy="explore with engine='reference'")

    def _questions(self, finding: NativeFinding, states: list[Values]) -> list[NativeQuestion]:
        """What may be asked at the end of a run and have no answer, in the order in which it is asked."""
        machine, program = self.machine, self.program
        if states and finding.instance is None:
            return self._about(program.invariants, PropertyKind.INVARIANT, states[-1], None)
        try:
            after = [
                s
                for *_, s in (machine.steps(states[-1]) if states else machine.initial())
                if not isinstance(s, OutOfBounds)
            ]
        except StepError:
            return [(None, None, lambda: machine.steps(states[-1]) if states else machine.initial())]
        found: list[NativeQuestion] = []
        for state in after:
            found += self._about(program.constraints, None, state, None)
        judged = [s for s in after if self._inside(s)]
        for state in judged:
            if states:
                found += self._about(program.step_invariants, PropertyKind.STEP_INVARIANT, state, states[-1])
        for function in program.refinements:
            refinement, claim = self._refinement(function)
            for state in judged:
                ask = (
                    partial(refinement.explains, states[-1], state)
                    if states
                    else partial(refinement.begins, state)
                )
                found.append((claim, state, ask))
        return found

    def _inside(self, state: Values) -> bool:
        """Whether no constraint leaves a state out (or has no answer)."""
        try:
            return all(self.machine.refuted_by(c.name, state) is None for c in self.program.constraints)
        except StepError:
            return False

    def _about(
        self, functions: tuple[Function, ...], kind: PropertyKind | None, state: Values, old: Values | None
    ) -> list[NativeQuestion]:
        """What functions are asked of a state, or of the step into it from an old one."""
        machine = self.machine
        found: list[NativeQuestion] = []
        for f in functions:
            ask = (
                partial(machine.refuted_by, f.name, state)
                if old is None
                else partial(machine.step_holds, f.name, old, state)
            )
            claim = Property(kind, f.name, f.span) if kind else None
            found.append((claim, None if kind is PropertyKind.INVARIANT else state, ask))
        return found

    def _refinement(self, function: Function) -> tuple[Refinement, Property]:
        claim = Property(PropertyKind.REFINEMENT, function.name, function.span)
        return Refinement(self.machine, function.name), claim
