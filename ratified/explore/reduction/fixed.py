"""Values that need no state."""

from __future__ import annotations

from ratified.language.errors import RatifiedError
from ratified.language.evaluate import Evaluator
from ratified.language.ir import Expr, Module
from ratified.language.scope import Scope, running
from ratified.language.sorts import BoundLeft


def values_without_state(module: Module, scope: Scope, container: Expr) -> tuple[object, ...]:
    """The elements of a container that reads no variable; none if it has no value."""
    with running(scope):
        try:
            return tuple(Evaluator(module, scope).expr(container, {}))
        except (RatifiedError, BoundLeft):
            return ()
