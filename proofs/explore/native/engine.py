"""The native engine: a model at a size, compiled and explored; what the explorer's numbers say, in the model's words.

Guarantees: counts, depth, verdict and counterexample are those of the reference engine's definitions; a counterexample's arguments
are found by stepping the reference machine along it, so what is shown is a run of the model itself; where the model has no answer,
the error raised is the reference machine's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ratified.models.language.errors import ModelError
from ratified.models.language.ir import Kind as FunctionKind
from ratified.models.language.machine import Left, PythonMachine, Values, state_dict
from ratified.models.language.model import Model
from ratified.proofs.explore.native.codegen.program import Instances, Program, generate
from ratified.proofs.explore.native.driver import Exploration, Finding, Kind, Options, Outcome, Stop, load, peak_memory
from ratified.proofs.explore.result import (
    ActionReport,
    BoundReport,
    ConstraintReport,
    Limits,
    Progress,
    PropertyKind,
    PropertyReport,
    Result,
    Step,
    Trace,
    Verdict,
    Violation,
)

_STOPPED = {
    Stop.DEPTH: "the depth limit was reached",
    Stop.STATES: "the limit on states was reached",
    Stop.SECONDS: "the time limit was reached",
    Stop.MEMORY: "the memory limit was reached",
    Stop.INTERRUPTED: "interrupted",
    Stop.CAPACITY: "more states than the explorer can number",
    Stop.DISK: "the disk is full",
}


def check_native(
    model: Model,
    *,
    limits: Limits | None = None,
    symmetry: bool = False,
    deadlock: bool = False,
    progress: Callable[[Progress], None] | None = None,
    threads: int | None = None,
    spill: Path | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 20.0,
    dump: Path | None = None,
    flags: tuple[str, ...] = (),
) -> Result:
    """Explores a model natively: invariants, step invariants, constraints, bounds and (if asked) deadlocks, but no refinements.

    `spill` and `checkpoint` are folders (driver.Options); `dump` a file for the generated C.

    Raises:
        SizeError: the model has no fixed width, or too many bits (`Unsupported`): the reference engine takes it.
        StepError: the model has no answer where it needs one.
        RatifiedError: no compiler, a compiler that fails, no memory, a disk or checkpoint that cannot be used.
    """
    begun = time.perf_counter()
    program = generate(model, symmetry=symmetry)
    if dump is not None:
        dump.write_text(program.text, encoding="utf-8")
    loaded = load(program.text, flags=flags)
    options = Options(
        threads=threads,
        deadlock=deadlock,
        limits=limits or Limits(),
        spill=spill,
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds,
    )
    with Exploration(loaded, options) as exploration:
        outcome = exploration.run(progress)
    violation = _Reader(model, program).violation(outcome.finding) if outcome.finding else None
    return _result(model, program, outcome, violation, time.perf_counter() - begun)


def _result(model: Model, program: Program, outcome: Outcome, violation: Violation | None, seconds: float) -> Result:
    bounds = tuple(
        BoundReport(place.what, place.action, times, place.span)
        for place, times in zip(program.bounds, outcome.left, strict=True)
        if times
    )
    notes: list[str] = []
    if type(model).module.of_kind(FunctionKind.REFINEMENT):
        notes.append("refinements were not checked: the native engine leaves them to the reference engine")
    undecided = outcome.stopped is not None or bool(bounds)
    verdict = Verdict.VIOLATED if violation else Verdict.UNDECIDED if undecided else Verdict.HOLDS
    return Result(
        model=type(model).module.name,
        sizes={sort.__name__: size for sort, size in model.scope.sizes.items()},
        parameters=dict(model.scope.parameters),
        engine="native",
        verdict=verdict,
        distinct=outcome.distinct,
        generated=outcome.generated,
        depth=outcome.depth,
        actions=tuple(_action(i, outcome) for i in program.instances),
        properties=(
            *(PropertyReport(PropertyKind.INVARIANT, f.name, False, f.span) for f in program.invariants),
            *(PropertyReport(PropertyKind.STEP_INVARIANT, f.name, False, f.span) for f in program.step_invariants),
        ),
        bounds=bounds,
        constraints=tuple(
            ConstraintReport(f.name, times) for f, times in zip(program.constraints, outcome.constrained, strict=True)
        ),
        symmetry=program.symmetry,
        stopped=_STOPPED[outcome.stopped] if outcome.stopped else None,
        violation=violation,
        seconds=seconds,
        memory=peak_memory(),
        out_degree=outcome.out_degree,
        notes=tuple(notes),
    )


def _action(instances: Instances, outcome: Outcome) -> ActionReport:
    own = slice(instances.first, instances.first + instances.count)
    return ActionReport(instances.action.name, sum(outcome.fired[own]), sum(outcome.new[own]))


class _Reader:
    """Reads findings: packed states and numbers become values, arguments and errors."""

    def __init__(self, model: Model, program: Program) -> None:
        self.program = program
        self.machine = PythonMachine(model)

    def violation(self, finding: Finding) -> Violation:
        """What was violated, with its run. Raises StepError where the model has no answer."""
        states = [self.program.layout.unpack(words) for words in finding.states]
        if finding.kind is Kind.FAULT:
            self._raise(finding, states)
        trace = self._trace(states, finding.instances)
        match finding.kind:
            case Kind.INVARIANT:
                function = self.program.invariants[finding.index]
                return Violation(PropertyKind.INVARIANT, function.name, trace, span=function.span)
            case Kind.STEP_INVARIANT:
                function = self.program.step_invariants[finding.index]
                return Violation(PropertyKind.STEP_INVARIANT, function.name, trace, span=function.span)
        return Violation(PropertyKind.DEADLOCK, "deadlock", trace, "no action is possible")

    def _trace(self, states: list[Values], instances: tuple[int, ...]) -> Trace:
        steps = []
        for before, after, instance in zip(states, states[1:], instances, strict=False):
            index = self.program.action_of(instance)
            action = self.machine.actions[index]
            arguments = self._arguments(before, after, index, instance)
            named = tuple((a.name, v) for a, v in zip(action.arguments, arguments, strict=True))
            steps.append(Step(action.name, named, state_dict(self.machine, after)))
        return Trace(state_dict(self.machine, states[0]), tuple(steps))

    def _arguments(self, before: Values, after: Values, index: int, instance: int) -> Values:
        """The arguments of a step: of those of its action that lead there, the ones of its own instance if they do."""
        found = [arguments for k, arguments, state in self.machine.steps(before) if k == index and state == after]
        assert found, f"the reference machine knows no step of {self.machine.actions[index].name} from {before} to {after}"
        own = self._static(self.program.instances[index], instance)
        return next((a for a in found if self._matches(index, a, own)), found[0])

    @staticmethod
    def _static(instances: Instances, instance: int) -> Values:
        rest, picks = instance - instances.first, []
        for values in reversed(instances.values):
            picks.append(values[rest % len(values)])
            rest //= len(values)
        return tuple(reversed(picks))

    def _matches(self, index: int, arguments: Values, static: Values) -> bool:
        declared = self.machine.actions[index].arguments
        return tuple(v for a, v in zip(declared, arguments, strict=True) if a.domain is None) == static

    def _raise(self, finding: Finding, states: list[Values]) -> None:
        """Have the reference machine come to the same place: the error is its own."""
        machine = self.machine
        if not states:
            after = [state for _, state in machine.initial() if not isinstance(state, Left)]
            self._ask(FunctionKind.CONSTRAINT, iter(after))
        elif finding.instance is None:
            self._ask(FunctionKind.INVARIANT, iter(states[-1:]))
        else:
            following = [state for _, _, state in machine.steps(states[-1]) if not isinstance(state, Left)]
            for state in following:
                self._ask(FunctionKind.CONSTRAINT, iter([state]))
                for function in machine.module.of_kind(FunctionKind.STEP_INVARIANT):
                    machine.step_holds(function.name, states[-1], state)
        message, span = self.program.errors[finding.index]
        raise ModelError(message, span=span, remedy="explore with engine='reference' to see the state")

    def _ask(self, kind: FunctionKind, states: Iterator[Values]) -> None:
        for state in states:
            for function in self.machine.module.of_kind(kind):
                self.machine.refuted_by(function.name, state)
