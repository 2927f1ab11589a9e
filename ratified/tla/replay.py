"""The run that TLC shows, as a run of the model: its steps named, and what of the model fails at its end.

Guarantees: every step of a run that is followed is one that the model takes; what is said to fail is false, or has no answer, in
CPython.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

from ratified.interchange.raw import Raw
from ratified.interchange.typing import Typing
from ratified.language.claims import LIVENESS
from ratified.language.errors import RatifiedError
from ratified.language.ir import Function, Kind
from ratified.language.machine import OutOfBounds, PythonMachine, StepError, Values
from ratified.language.model import Model
from ratified.language.refinement import Refinement
from ratified.language.scope import running
from ratified.results.result import Step, Trace
from ratified.tla.module import Export
from ratified.tla.tlc import TlcResult


def follow(model: Model, exported: Export, told: TlcResult) -> Trace:
    """The run that TLC shows, its steps named by stepping the model along it. Raises RatifiedError where it is no run."""
    machine = PythonMachine(model)
    states = [_values(model, exported, raw) for raw in told.states]
    if not states or not any(s == states[0] for _, s in machine.initial()):
        raise RatifiedError("its first state is not an initial state")
    names = [d.name for d in model.module.variables]
    steps: list[Step] = []
    for number, (before, after) in enumerate(pairwise(states), start=1):
        step = next(_steps_to(machine, before, after), None)
        if step is None:
            raise RatifiedError(f"no action explains its step {number}")
        steps.append(replace(step, state=dict(zip(names, after, strict=True))))
    return Trace(dict(zip(names, states[0], strict=True)), tuple(steps), told.loop)


def _steps_to(machine: PythonMachine, before: Values, after: Values) -> Iterator[Step]:
    """The steps from one state to another. An action that has no value in the first is none of them."""
    for action in machine.actions:
        try:
            taken = machine.take(before, action.name, {})
        except StepError:
            continue
        for arguments, target in taken:
            if not isinstance(target, OutOfBounds) and target == after:
                named = tuple((a.name, v) for a, v in zip(action.arguments, arguments, strict=True))
                yield Step(action.name, named, {})


def _values(model: Model, exported: Export, raw: Mapping[str, Raw]) -> Values:
    typing = Typing(exported.form, model.scope)
    with running(model.scope):
        return tuple(
            typing.value(raw[exported.variables[d.name]], d.type, d.name) for d in model.module.variables
        )


# --- what fails -----------------------------------------------------------------------------------------------------------


def false_at_end(model: Model, trace: Trace) -> set[str]:
    """The claims about states and steps that are false at the end of a run. One that has no value there is none of them."""
    machine = PythonMachine(model)
    states = [tuple(s.values()) for s in trace.states]
    last, before = states[-1], states[-2] if len(states) > 1 else None

    def fails(f: Function) -> bool:
        if f.kind is Kind.INVARIANT:
            return machine.refuted_by(f.name, last) is not None
        if f.kind is Kind.STEP_INVARIANT:
            return before is not None and not machine.step_holds(f.name, before, last)
        refinement = Refinement(machine, f.name)
        return not (refinement.begins(last) if before is None else refinement.explains(before, last))

    return _failing(model, (Kind.INVARIANT, Kind.STEP_INVARIANT, Kind.REFINEMENT), fails)


def false_for_ever(model: Model, trace: Trace) -> set[str]:
    """The claims of liveness that are false of a run that goes back to one of its states, and have values in all of them."""
    machine = PythonMachine(model)
    states = [tuple(s.values()) for s in trace.states]
    loop = len(states) - 1 if trace.loop is None else trace.loop

    def fails(f: Function) -> bool:
        answers = [[answer for _, answer in machine.answers(f.name, state)] for state in states]
        return any(_never(one, loop, kind=f.kind) for one in zip(*answers, strict=True))

    return _failing(model, LIVENESS, fails)


def _failing(model: Model, kinds: Sequence[Kind], fails: Callable[[Function], bool]) -> set[str]:
    found: set[str] = set()
    for f in (f for kind in kinds for f in model.module.of_kind(kind)):
        with suppress(StepError):
            if fails(f):
                found.add(f.name)
    return found


def _never(answers: Sequence[object], loop: int, *, kind: Kind) -> bool:
    """Whether what is claimed of a lasso, for one choice of arguments, never comes."""
    if kind is Kind.EVENTUALLY_ALWAYS:
        return not all(answers[loop:])
    if kind is Kind.EVENTUALLY:
        return not any(answers)
    pairs = [tuple(answer) for answer in answers if isinstance(answer, tuple)]
    return any(
        wanted and not any(reached for _, reached in pairs[min(place, loop) :])
        for place, (wanted, _) in enumerate(pairs)
    )


def errors_at_end(model: Model, trace: Trace) -> Iterator[StepError]:
    """What has no answer at the end of a run: actions, and claims about it."""
    machine = PythonMachine(model)
    states = [tuple(s.values()) for s in trace.states]
    last = states[-1]
    kinds: dict[Kind, Callable[[str], object]] = {
        Kind.ACTION: lambda name: machine.take(last, name, {}),
        Kind.INVARIANT: lambda name: machine.refuted_by(name, last),
        Kind.CONSTRAINT: lambda name: machine.refuted_by(name, last),
        **dict.fromkeys(LIVENESS, lambda name: machine.answers(name, last)),
        Kind.REFINEMENT: lambda name: machine.image(name, last),
    }
    if len(states) > 1:
        kinds[Kind.STEP_INVARIANT] = lambda name: machine.step_holds(name, states[-2], last)
    for kind, ask in kinds.items():
        for f in model.module.of_kind(kind):
            try:
                ask(f.name)
            except StepError as problem:
                yield problem
