"""Exhaustive exploration: every state that a model can reach at a size, and whether its claims hold in all of them.

Importing this imports no engine, because many runs in CI find all verdicts in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from ratified.explore.options import NativeOptions
from ratified.language.model import Model, refuse_a_class
from ratified.results.errors import EvaluationError
from ratified.results.result import Limits, Progress, Result

__all__ = ["EvaluationError", "NativeOptions", "check"]

_UNLIMITED = Limits()
_ANY = NativeOptions()


def check(
    model: Model,
    *,
    limits: Limits = _UNLIMITED,
    symmetry: bool = False,
    reduction: bool = False,
    deadlock: bool = False,
    progress: Callable[[Progress], None] | None = None,
    engine: str = "auto",
    claims: Collection[str] | None = None,
    options: NativeOptions = _ANY,
) -> Result:
    """Visit every reachable state of a model, breadth first, and check its claims.

    Invariants are checked in every state, step invariants and refinements for every step; with `deadlock`, a state without
    enabled steps is a violation too (a step that would exceed a bound is enabled). A violation comes with a shortest run. A
    state that violates a `@constraint` is neither counted, checked nor expanded, and step invariants and refinements are not
    checked for steps into it. `symmetry` explores one state of each orbit under renaming of symmetric sorts.

    `reduction` explores one order of steps that come to the same in any order (docs/exploring.md): verdicts are those of a full
    exploration, counts are smaller, and a violation's run may not be a shortest one. It goes with neither symmetry nor liveness.

    Liveness is checked if nothing else is violated, on all states and steps; a violation comes with an infinite fair run. It
    cannot be checked with symmetry, and if a constraint excluded states it can only be refuted.

    `claims` names the claims to check; by default all are.

    A limit that is reached, a declared bound that is exceeded, or an interrupt makes the result undecided, unless something
    was violated; with a memory limit the native engine keeps further states on disk instead. `progress` is called at most
    some five times a second. `engine` is auto, reference or native; `options` are for the native one.

    Raises:
        EvaluationError: an operation has no value in a reachable state; with the run to it.
        ModelError: there is no initial state or no claim of that name; or `symmetry` is requested for a model that distinguishes
            symmetric values or claims liveness; or `reduction` for one whose claims it does not preserve, or with symmetry.
        RatifiedError: the engine does not exist or cannot be used here; or this is not a model at a size.
    """
    from ratified.explore.engines import Task, run

    refuse_a_class(model)
    if claims is not None:
        model = model.claiming(claims)
    found = run(engine, Task(model, limits, symmetry, deadlock, progress, options, reduction))
    return replace(found, subject=model)
