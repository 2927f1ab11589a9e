"""The reference engine: the search over the reference machine, put into a `Result`."""

from __future__ import annotations

import time
from collections.abc import Callable

from ratified.models.language.errors import ModelError
from ratified.models.language.ir import Kind
from ratified.models.language.machine import PythonMachine
from ratified.models.language.model import Model
from ratified.proofs.explore.counterexample import Counterexample
from ratified.proofs.explore.result import (
    ActionReport,
    BoundReport,
    ConstraintReport,
    Limits,
    Progress,
    PropertyReport,
    Result,
    Verdict,
    Violation,
)
from ratified.proofs.explore.search import Exploration, Search, peak_memory
from ratified.proofs.explore.symmetry import symmetry_of
from ratified.proofs.explore.vacuity import untested

BEYOND_BOUNDS = "some steps would leave a declared bound and were not taken; beyond it nothing is known"
"""Why nothing is decided where a bound was left."""


def check_reference(
    model: Model,
    *,
    limits: Limits,
    symmetry: bool,
    deadlock: bool,
    progress: Callable[[Progress], None] | None,
) -> Result:
    """Explore a model with the reference search. See `ratified.proofs.explore.check`."""
    started = time.perf_counter()
    machine = PythonMachine(model)
    reduction = symmetry_of(model) if symmetry else None
    notes = []
    if reduction is not None and reduction.trivial:
        reduction = None
        notes.append(
            "there is no symmetry to use: no symmetric sort has two values that every parameter leaves alike"
        )
    found = Search(machine, limits=limits, symmetry=reduction, deadlock=deadlock, progress=progress).run()
    telling = Counterexample(machine, found, reduction)
    violation: Violation | None = None
    if found.failure is not None:
        if found.failure.problem is not None:
            raise telling.error(found.failure) from None
        violation = telling.violation(found.failure)
    if not found.states and not found.stopped and not found.bounds:
        raise _no_beginning(machine, found)
    vacuous = _untested(machine, found, reduction is not None)
    return Result(
        model=machine.module.name,
        sizes={sort.__name__: size for sort, size in model.scope.sizes.items()},
        parameters=dict(model.scope.parameters),
        engine="reference",
        verdict=_verdict(found, violation),
        distinct=len(found.states),
        generated=found.generated,
        depth=len(found.levels),
        actions=tuple(
            ActionReport(a.name, fired, new)
            for a, fired, new in zip(machine.actions, found.fired, found.new, strict=True)
        ),
        properties=tuple(PropertyReport(p.kind, p.name, p.name in vacuous, p.span) for p in found.properties),
        bounds=tuple(
            BoundReport(what, action, times, span) for (what, action, span), times in found.bounds.items()
        ),
        constraints=tuple(
            ConstraintReport(c.name, times)
            for c, times in zip(machine.module.of_kind(Kind.CONSTRAINT), found.left_out, strict=True)
        ),
        symmetry=reduction.sorts if reduction else (),
        stopped=found.stopped or (BEYOND_BOUNDS if found.bounds and violation is None else None),
        violation=violation,
        seconds=time.perf_counter() - started,
        memory=peak_memory(),
        out_degree=found.out_degree,
        notes=tuple(notes),
    )


def _untested(machine: PythonMachine, found: Exploration, representatives: bool) -> frozenset[str]:
    try:
        return untested(machine, found, representatives=representatives)
    except KeyboardInterrupt:
        return frozenset()


def _verdict(found: Exploration, violation: Violation | None) -> Verdict:
    if violation is not None:
        return Verdict.VIOLATED
    return Verdict.UNDECIDED if found.stopped or found.bounds else Verdict.HOLDS


def _no_beginning(machine: PythonMachine, found: Exploration) -> ModelError:
    name = machine.module.name
    if found.generated:
        constraint = machine.module.of_kind(Kind.CONSTRAINT)[
            next(i for i, n in enumerate(found.left_out) if n)
        ]
        return ModelError(
            f"{name} has no initial state: `{constraint.name}` leaves out all {found.generated}",
            span=constraint.span,
            remedy="a constraint must be true in some initial state",
        )
    init = machine.module.functions.get("init")
    return ModelError(
        f"{name} has no initial state: no choice of init's arguments passes its guards",
        span=init.span if init else machine.module.span,
        remedy="weaken a `require` in init, or choose larger sizes",
    )
