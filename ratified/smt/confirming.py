"""Counterexamples: a structure as the states and the step that it is, and whether CPython takes that step.

Guarantees: `confirmed` is True only if CPython, at the structure's own sizes, goes the very way that the structure says; what
cannot be shown as values of the language is not shown.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from ratified.language.errors import RatifiedError
from ratified.language.ir import Argument, Kind
from ratified.language.machine import OutOfBounds, PythonMachine
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.sorts import BoundLeft
from ratified.language.values import show
from ratified.smt.facts import resting_on
from ratified.smt.first_order.concrete import Concrete, FalsePart, false_part
from ratified.smt.first_order.obligations import Obligation, Part, Translation
from ratified.smt.first_order.steps import ShapeState
from ratified.smt.result import Counterexample

ROOM = (1, 8)
"""By what factors bounds are widened that a counterexample does not speak of, for CPython to take its step."""


def shown(
    obligation: Obligation, translation: Translation, concrete: Concrete, cls: type[Model]
) -> Counterexample | None:
    """A structure as the states and the step that it is; None if it cannot be shown."""
    try:
        return _shown(obligation, translation, concrete, cls)
    except (RatifiedError, BoundLeft):
        return None  # values outside of their types, say: it is no state at all


def _shown(
    obligation: Obligation, translation: Translation, concrete: Concrete, cls: type[Model]
) -> Counterexample | None:
    """The same; raises what values outside of their types raise."""
    structure = concrete.structure
    with running(concrete.scope()):
        arguments = {
            name: concrete.value(a.type, shape)
            for a, (name, shape) in zip(
                _arguments(obligation, translation), obligation.arguments, strict=True
            )
        }
        before = None if obligation.before is None else _state(obligation.before, translation, concrete)
        if obligation.claim is None:
            return _out_of_order(obligation, concrete, arguments, before, cls)
        taken = next((p for p in obligation.paths if structure.holds(p.guard)), None)
        if taken is None:
            return None  # it takes integers outside the window
        after = _state(taken.after, translation, concrete)
    after_shown: Mapping[str, object] | None = after
    if obligation.part is Part.GOAL and obligation.action is None:
        before, after_shown = after, None
    scope = concrete.scope()
    part = false_part(translation.script.module, obligation.claim, scope, after, before)
    confirmed = _confirmed(cls, concrete, obligation, before, arguments, after_shown)
    sizes = _sizes(concrete)
    return Counterexample(sizes, dict(scope.parameters), arguments, before, after_shown, part, confirmed)


def _state(state: ShapeState, translation: Translation, concrete: Concrete) -> dict[str, object]:
    types = {d.name: d.type for d in translation.module.variables}
    return {v: concrete.value(types[v], s) for v, s in state.items()}


def _sizes(concrete: Concrete) -> dict[str, int]:
    return {s.__name__: n for s, n in concrete.sizes.items()}


def _out_of_order(
    obligation: Obligation,
    concrete: Concrete,
    arguments: Mapping[str, object],
    before: Mapping[str, object] | None,
    cls: type[Model],
) -> Counterexample | None:
    """A step that has no answer, or leaves a bound."""
    missed = next((d for d in obligation.demands if not concrete.structure.holds(d.holds)), None)
    part = None
    if missed is not None and missed.span is not None:
        part = FalsePart(missed.what, missed.span, {n: show(v) for n, v in arguments.items()})
    scope = concrete.scope()
    confirmed = None
    if before is not None and obligation.action is not None:
        confirmed = _goes_wrong(cls, concrete, obligation, before, arguments)
    return Counterexample(_sizes(concrete), dict(scope.parameters), arguments, before, None, part, confirmed)


def _goes_wrong(
    cls: type[Model],
    concrete: Concrete,
    obligation: Obligation,
    before: Mapping[str, object],
    arguments: Mapping[str, object],
) -> bool | None:
    """Whether CPython, at this size, has no answer in this very step, or leaves a bound in it; None if it cannot be asked."""
    assert obligation.action is not None
    scope = concrete.scope()
    try:
        machine = PythonMachine(cls(**_sizes(concrete), **scope.parameters))
        state = tuple(before[d.name] for d in machine.model.module.variables)
    except (RatifiedError, BoundLeft):
        return None
    try:
        found = machine.take(state, obligation.action.name, arguments)
    except (RatifiedError, BoundLeft):
        return obligation.part is Part.WELL_DEFINED
    return any(isinstance(after, OutOfBounds) for _, after in found)


def _arguments(obligation: Obligation, translation: Translation) -> tuple[Argument, ...]:
    function = obligation.action or translation.module.functions.get("init")
    if not obligation.arguments or function is None:
        return ()
    return function.arguments


def _confirmed(
    cls: type[Model],
    concrete: Concrete,
    obligation: Obligation,
    before: Mapping[str, object] | None,
    arguments: Mapping[str, object],
    after: Mapping[str, object] | None,
) -> bool | None:
    """Whether CPython, at this size, takes the very step from this very state; None if a bound of exploring forbids it."""
    if obligation.action is None or before is None or after is None:
        return None
    scope = concrete.scope()
    sizes = {s.__name__: n for s, n in scope.sizes.items()}
    for room in ROOM:
        wider = {name: room * scope.parameters[name] for name in concrete.unspoken()}  # type: ignore[operator]  # ints
        try:
            machine = PythonMachine(cls(**sizes, **{**scope.parameters, **wider}))
            names = [d.name for d in machine.model.module.variables]
            found = machine.take(tuple(before[n] for n in names), obligation.action.name, arguments)
        except (RatifiedError, BoundLeft):
            continue
        if not any(isinstance(state, OutOfBounds) for _, state in found):
            return [state for _, state in found] == [tuple(after[n] for n in names)]
    return None


def denied(obligation: Obligation, shown: Counterexample, cls: type[Model]) -> bool:
    """Whether CPython says that a lemma is false in the state before, or that the claim is true in the end."""
    claim = obligation.claim
    try:
        machine = PythonMachine(cls(**shown.sizes, **shown.parameters))
        names = [d.name for d in machine.model.module.variables]
        before, after = (
            None if s is None else tuple(s[n] for n in names) for s in (shown.before, shown.after)
        )
        lemmas = resting_on(obligation.facts)
        if before is not None and any(machine.refuted_by(n, before) is not None for n in lemmas):
            return True
    except (RatifiedError, BoundLeft):
        return False
    last = before if after is None else after
    if claim is None or last is None:
        return False
    try:
        if claim.kind is Kind.STEP_INVARIANT:
            return before is not None and machine.step_holds(claim.name, before, last)
        return machine.refuted_by(claim.name, last) is None
    except (RatifiedError, BoundLeft):
        return False  # a claim that has no answer is false


BEGINNINGS_MOST = 20_000
"""So many initial states are looked through for the one that is shown, at most."""


def refuted(obligation: Obligation, shown: Counterexample, cls: type[Model]) -> bool:
    """Whether CPython says all of it: the lemmas are true, the step is taken, and the claim is false after it."""
    claim, action = obligation.claim, obligation.action
    try:
        machine = PythonMachine(cls(**shown.sizes, **shown.parameters))
        names = [d.name for d in machine.model.module.variables]

        def values(state: Mapping[str, object] | None) -> tuple[object, ...] | None:
            return None if state is None else tuple(state[n] for n in names)

        before, after = values(shown.before), values(shown.after)
        if before is not None and any(
            machine.refuted_by(n, before) is not None for n in resting_on(obligation.facts)
        ):
            return False
    except (RatifiedError, BoundLeft):
        return False
    if claim is None:
        return shown.confirmed is True
    if obligation.part is Part.INITIATION:
        begun = itertools.islice(machine.each_initial(), BEGINNINGS_MOST)
        reached = after is not None and any(state == after for _, state in begun)
    else:
        reached = action is None or shown.confirmed is True
    where = before if action is None and obligation.part is Part.GOAL else after
    if not reached or where is None:
        return False
    try:
        if claim.kind is Kind.STEP_INVARIANT:
            return before is not None and not machine.step_holds(claim.name, before, where)
        return machine.refuted_by(claim.name, where) is not None
    except (RatifiedError, BoundLeft):
        return True  # a claim that has no answer is false
