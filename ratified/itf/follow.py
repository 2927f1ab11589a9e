"""A run from elsewhere, held against a model: whether each of its steps is one that the model can take.

Guarantees: the run is accepted only if its first state is initial and every further one is what some action makes of the one
before (or the same again: a run may stand still); where it is not, what the model could have done instead is told, nearest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ratified.language.ir import Kind
from ratified.language.machine import Machine, OutOfBounds, PythonMachine, Values, state_dict
from ratified.language.model import Model
from ratified.results.changes import StateDifference, changes
from ratified.results.result import State, Step, Trace

MOST_NEAR = 3


@dataclass(frozen=True, slots=True)
class NearStep:
    """Something that the model could have done, and how what was seen differs from it."""

    action: str
    arguments: tuple[tuple[str, object], ...]
    differences: tuple[StateDifference, ...]


@dataclass(frozen=True, slots=True)
class FollowedRun:
    """How far a run is one of the model's.

    `trace` is the part that is, with the actions that explain it; `wrong` is the state, by its index in the run, that no action
    explains, None if all are. `near` is what could have been instead, `enabled` the actions that were possible. `violated` names
    claims that are false in a state of the run, or of a step, with the index of the state.
    """

    trace: Trace
    length: int
    wrong: int | None = None
    seen: State | None = None
    near: tuple[NearStep, ...] = ()
    enabled: tuple[str, ...] = ()
    violated: tuple[tuple[str, int], ...] = ()
    back: bool = False


def follow(model: Model, states: Sequence[Values], loop: int | None = None) -> FollowedRun:
    """Follow a run through a model. Raises StepError where the model has no answer."""
    machine = PythonMachine(model)
    seen = [state_dict(machine, s) for s in states]
    begins = [(a, s) for a, s in machine.initial() if not isinstance(s, OutOfBounds)]
    if not any(s == states[0] for _, s in begins):
        init = machine.module.functions.get("init")
        names = [a.name for a in init.arguments] if init else []
        near = [
            NearStep("init", tuple(zip(names, a, strict=False)), changes(state_dict(machine, s), seen[0]))
            for a, s in begins
        ]
        return FollowedRun(Trace(seen[0], ()), len(states), 0, seen[0], _nearest(near))
    steps: list[Step] = []
    for index, (before, after) in enumerate(pairwise(states), start=1):
        found = _step(machine, before, after)
        if isinstance(found, Step):
            steps.append(found)
            continue
        return _wrong(Trace(seen[0], tuple(steps)), len(states), index, seen[index], found)
    if loop is not None and not isinstance(found := _step(machine, states[-1], states[loop]), Step):
        whole = Trace(seen[0], tuple(steps))
        return _wrong(whole, len(states), len(states), seen[loop], found, back=True)
    return FollowedRun(Trace(seen[0], tuple(steps)), len(states), violated=tuple(_violated(machine, states)))


def _wrong(
    trace: Trace, length: int, index: int, seen: State, near: list[NearStep], *, back: bool = False
) -> FollowedRun:
    enabled = tuple(dict.fromkeys(n.action for n in near))
    return FollowedRun(trace, length, index, seen, _nearest(near), enabled, back=back)


def _step(machine: Machine, before: Values, after: Values) -> Step | list[NearStep]:
    """The step that explains a change, or what could have been instead."""
    target_state = state_dict(machine, after)
    near: list[NearStep] = []
    for index, arguments, target in machine.steps(before):
        action = machine.actions[index]
        named = tuple((a.name, v) for a, v in zip(action.arguments, arguments, strict=True))
        if isinstance(target, OutOfBounds):
            continue
        if target == after:
            return Step(action.name, named, target_state)
        if target == before:
            continue  # what changes nothing explains nothing
        near.append(NearStep(action.name, named, changes(state_dict(machine, target), target_state)))
    if before == after:
        return Step("nothing", (), target_state)
    return near


def _nearest(near: list[NearStep]) -> tuple[NearStep, ...]:
    return tuple(sorted(near, key=lambda n: len(n.differences))[:MOST_NEAR])


def _violated(machine: Machine, states: Sequence[Values]) -> list[tuple[str, int]]:
    """Which claims the run violates, each where it does so first."""
    found: dict[str, int] = {}
    for index, state in enumerate(states):
        for f in machine.module.of_kind(Kind.INVARIANT):
            if f.name not in found and machine.refuted_by(f.name, state) is not None:
                found[f.name] = index
    for index, (before, after) in enumerate(pairwise(states), start=1):
        for f in machine.module.of_kind(Kind.STEP_INVARIANT):
            if f.name not in found and before != after and not machine.step_holds(f.name, before, after):
                found[f.name] = index
    return sorted(found.items(), key=lambda pair: pair[1])
