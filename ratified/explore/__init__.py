"""Exhaustive exploration: every state that a model can reach at a size, and whether its claims hold in all of them.

Importing this imports no engine: of many a run in CI everything is known already.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from ratified.explore.options import NativeOptions
from ratified.language.errors import RatifiedError
from ratified.language.model import Model
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
    deadlock: bool = False,
    progress: Callable[[Progress], None] | None = None,
    engine: str = "auto",
    claims: Collection[str] | None = None,
    options: NativeOptions = _ANY,
) -> Result:
    """Visit every reachable state of a model, breadth first, and check what it claims.

    Invariants are asked about every state, step invariants and refinements about every step; with `deadlock`, a state from
    which no step is possible (a step that would leave a bound is possible) is a violation too. What fails is told with a shortest
    run. A state that breaks a `@constraint` is neither counted, checked nor expanded, and step invariants and refinements are
    not asked about steps into it. `symmetry` explores one state of each orbit under renaming of symmetric sorts.

    Liveness is checked when nothing else is violated, on all states and steps; what fails is told with a fair run that
    repeats for ever. It cannot be checked with symmetry, and where a constraint left states out it can only be refuted.

    `claims` names the claims to check; without it, all are.

    A limit that is reached, a declared bound that is left and an interrupt make the result undecided, unless something
    was violated; but where the native engine has a memory limit, it keeps further states on disk. `progress` is called at most
    some five times a second. `engine` is auto, reference or native; `options` are for the native one.

    Raises:
        EvaluationError: the model has no answer in a state that it reaches; with the run to it.
        ModelError: it has no initial state, no claim of that name, or `symmetry` was asked for and it can tell symmetric
            values apart or claims liveness.
        RatifiedError: the engine does not exist or cannot be used here; or this is not a model at a size.
    """
    from ratified.explore.engines import Task, run

    given: object = model
    if not isinstance(given, Model):
        name = getattr(given, "__name__", type(given).__name__)
        raise RatifiedError(
            f"{name} is not a model at a size", remedy=f"give an instance: {name}(...) with its sizes"
        )
    if claims is not None:
        model = model.claiming(claims)
    found = run(engine, Task(model, limits, symmetry, deadlock, progress, options))
    return replace(found, subject=model)
