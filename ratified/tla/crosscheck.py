"""A model explored by us and, in TLA+, by TLC, and whether both say the same.

Guarantees: they agree only if both came to an end and are alike in all that both tell: where all is visited, the number of
distinct states and the depth; where something fails, the length of the counterexample, the run that TLC shows being one of the
model's, and showing what TLC says it shows. Whatever ran out makes the answer undecided.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from ratified.interchange.raw import Raw
from ratified.interchange.typing import Typing
from ratified.language import ir
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.ir import Kind
from ratified.language.machine import Left, PythonMachine, Values
from ratified.language.model import Model
from ratified.language.refinement import Refinement
from ratified.language.scope import running
from ratified.results.errors import EvaluationError
from ratified.results.result import PropertyKind, Result, Step, Trace, Verdict
from ratified.tla.module import Export
from ratified.tla.tlc import Told


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides say. `differences` are sentences; `undecided` says what keeps us from comparing, if anything does."""

    ours: Result | EvaluationError | None
    theirs: Told
    differences: tuple[str, ...] = ()
    undecided: str = ""
    trace: Trace | None = None

    @property
    def verdict(self) -> Verdict:
        """Holds if they agree, violated if they do not."""
        if self.differences:
            return Verdict.VIOLATED
        return Verdict.UNDECIDED if self.undecided else Verdict.HOLDS


def compare(model: Model, exported: Export, ours: Result | EvaluationError | None, theirs: Told) -> Agreement:
    """Hold what we found against what TLC found. `ours` is None if the model has no initial state."""
    found = Agreement(ours, theirs)
    if theirs.verdict == "unfinished":
        return replace(found, undecided=theirs.message)
    if isinstance(ours, Result) and ours.stopped:
        return replace(found, undecided=f"our exploration stopped: {ours.stopped}")
    mine = _in_a_word(ours)
    if isinstance(ours, Result) and (name := _of_no_change(ours)):
        why = f"we find {name} false of a step that changes nothing, and TLA+ does not see such steps"
        return replace(found, undecided=why)
    if theirs.kind == "constant" and (ours is None or (isinstance(ours, Result) and not ours.distinct)):
        return found  # an invariant that no state satisfies, and no state
    if isinstance(ours, EvaluationError) and theirs.verdict != "error" and _kept_only(model, ours):
        why = "we find an error in a value that nothing may need, and TLA+ computes only what is needed; mend the model first"
        return replace(found, undecided=why)
    if "Temporal formula is a tautology" in theirs.message:
        why = "TLC takes a liveness claim for a tautology, as it wrongly does where very many fairness conditions meet"
        return replace(found, undecided=why)
    if "trivially false" in theirs.message:
        return replace(found, undecided="TLC does not look at a refinement of what has no initial state")
    if mine != theirs.verdict:
        said = {"holds": "no violation", "violated": "a violation", "error": "an error"}
        told = f": {theirs.message.splitlines()[0]}" if theirs.message else ""
        return replace(found, differences=(f"we find {said[mine]}, TLC {said[theirs.verdict]}{told}",))
    if mine == "holds":
        return replace(found, differences=tuple(_counts(ours, theirs)))
    if mine == "violated" and isinstance(ours, Result):
        return _violations(found, model, exported, ours, theirs)
    return found


def _of_no_change(ours: Result) -> str:
    """The step invariant that a step violates which changes nothing, if one does."""
    violation = ours.violation
    if violation is None or violation.kind is not PropertyKind.STEP_INVARIANT:
        return ""
    before, after = violation.trace.states[-2:]
    return violation.name if before == after else ""


def _kept_only(model: Model, error: EvaluationError) -> bool:
    """Whether an error is in what a statement gives a name, or a variable, and so perhaps in nothing that a step depends on."""
    return error.span is not None and any(
        isinstance(statement, ir.Let | ir.Store)
        and any(getattr(n, "span", None) == error.span for n in ir.walk(statement.value))
        for function in model.module.functions.values()
        for top in function.body
        for statement in ir.walk(top)
    )


def _in_a_word(ours: Result | EvaluationError | None) -> str:
    if isinstance(ours, EvaluationError):
        return "error"
    return "violated" if ours is not None and ours.violation is not None else "holds"


def _counts(ours: Result | EvaluationError | None, theirs: Told) -> list[str]:
    distinct, depth = (ours.distinct, ours.depth) if isinstance(ours, Result) else (0, 0)
    found = []
    if theirs.distinct != distinct:
        found.append(f"we count {distinct:,} distinct states, TLC {theirs.distinct or 0:,}")
    if theirs.depth != depth and distinct:
        found.append(f"we count {depth} levels, TLC {theirs.depth or 0}")
    return found


def _violations(found: Agreement, model: Model, exported: Export, ours: Result, theirs: Told) -> Agreement:
    violation = ours.violation
    assert violation is not None
    differences: list[str] = []
    if theirs.kind == "constant":  # an invariant that no state can satisfy: TLC does not begin
        if len(violation.trace) > 1:
            differences.append(
                f"TLC says that {theirs.violated} is always false, and our counterexample has steps"
            )
        return replace(found, differences=tuple(differences))
    live = violation.kind is PropertyKind.LIVENESS
    if live != (theirs.kind == "liveness"):
        differences.append(f"we find {violation.name} violated, TLC {theirs.violated or theirs.kind}")
    elif not live and len(violation.trace) != len(theirs.states):
        differences.append(
            f"our counterexample has {len(violation.trace)} states, TLC's {len(theirs.states)}"
        )
    try:
        trace = follow(model, exported, theirs)
    except RatifiedError as problem:
        return replace(
            found, differences=(*differences, f"TLC's run is not one of the model's: {problem.message}")
        )
    if not live and not ours.symmetry and (wrong := _shows(model, theirs, trace)):
        differences.append(wrong)
    return replace(found, differences=tuple(differences), trace=trace)


# --- TLC's run as one of ours ---------------------------------------------------------------------------------------------


def follow(model: Model, exported: Export, told: Told) -> Trace:
    """The run that TLC shows, its steps named by stepping the model along it. Raises RatifiedError where it is no run."""
    machine = PythonMachine(model)
    states = [_values(model, exported, raw) for raw in told.states]
    if not states or not any(s == states[0] for _, s in machine.initial()):
        raise RatifiedError("its first state is not an initial one")
    names = [d.name for d in model.module.variables]
    steps: list[Step] = []
    for number, (before, after) in enumerate(pairwise(states), start=1):
        for index, arguments, target in machine.steps(before):
            if not isinstance(target, Left) and target == after:
                action = machine.actions[index]
                named = tuple((a.name, v) for a, v in zip(action.arguments, arguments, strict=True))
                steps.append(Step(action.name, named, dict(zip(names, after, strict=True))))
                break
        else:
            raise RatifiedError(f"no action takes its step {number}")
    return Trace(dict(zip(names, states[0], strict=True)), tuple(steps), told.loop)


def _values(model: Model, exported: Export, raw: Mapping[str, Raw]) -> Values:
    typing = Typing(exported.form, model.scope)
    with running(model.scope):
        return tuple(
            typing.value(raw[exported.variables[d.name]], d.type, d.name) for d in model.module.variables
        )


def _shows(model: Model, theirs: Told, trace: Trace) -> str:
    """What is wrong with a run that TLC says violates a claim: nothing is if some claim of that kind fails at its end."""
    machine = PythonMachine(model)
    states = [tuple(s.values()) for s in trace.states]
    last = states[-1]
    for f in model.module.of_kind(Kind.INVARIANT):
        if machine.refuted_by(f.name, last) is not None:
            return ""
    if len(states) > 1:
        for f in model.module.of_kind(Kind.STEP_INVARIANT):
            if not machine.step_holds(f.name, states[-2], last):
                return ""
    for f in model.module.of_kind(Kind.REFINEMENT):
        refinement = Refinement(machine, f.name)
        fine = refinement.explains(states[-2], last) if len(states) > 1 else refinement.begins(last)
        if not fine:
            return ""
    return f"TLC says that {theirs.violated or 'something'} is violated at the end of its run, and nothing is"


def timed(
    explore: object, *arguments: object, **options: object
) -> tuple[Result | EvaluationError | None, float]:
    """An exploration's outcome, an error included, and its seconds."""
    began = time.perf_counter()
    found: Result | EvaluationError | None
    try:
        found = explore(*arguments, **options)  # type: ignore[operator]  # an engine
    except EvaluationError as error:
        found = error
    except ModelError as error:
        if "no initial state" not in error.message:
            raise
        found = None
    return found, time.perf_counter() - began
