"""`@recursive(most=8)`: a helper that calls itself, so deep at most.

Guarantees: CPython holds a function to its depth as every engine does, for which it is written out that often.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from ratified.language.errors import ModelError

F = TypeVar("F", bound=Callable[..., Any])

DEEPEST = 64
"""So deep may a function call itself: it is written out for each call inside of a call."""


def recursive(*, most: int) -> Callable[[F], F]:
    """Mark a helper or typed function that calls itself, at most `most` calls deep, the first not counted.

    A deeper call is an error in the model.
    """

    def mark(function: F) -> F:
        calls = threading.local()

        @wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            depth = getattr(calls, "depth", 0)
            if depth > most:
                raise too_deep(function.__name__, most)
            calls.depth = depth + 1
            try:
                return function(*arguments, **named)
            finally:
                calls.depth = depth

        function.ratified_most = most  # type: ignore[attr-defined]  # our mark on the function
        return run  # type: ignore[return-value]  # the same signature

    return mark


def too_deep(name: str, most: object) -> ModelError:
    """What is wrong where a function goes deeper than it may."""
    return ModelError(
        f"`{name}` calls itself more than {most} deep",
        remedy="let each call get less than the one around it, or give it a larger most=",
    )
