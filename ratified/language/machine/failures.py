"""What a model ran into, as CPython tells it, in the words of the language and with its place in the model's source."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from ratified.language.errors import ModelError, RatifiedError, Span
from ratified.language.sorts import BoundLeft
from ratified.language.source import of_the_author
from ratified.language.values import show


class BoundExceeded(ModelError):
    """A bound left where no step is taken, in the evaluation of a property say."""

    def __init__(self, what: str, span: Span | None) -> None:
        super().__init__(
            f"this exceeds {what}, outside of a step", span=span, remedy="test for the bound first"
        )


class StepError(ModelError):
    """A step, or the evaluation of a claim, failed in a state. `function` names what was running."""

    def __init__(
        self, problem: RatifiedError, function: str, arguments: tuple[Any, ...], state: tuple[Any, ...] | None
    ) -> None:
        super().__init__(problem.message, span=problem.span, remedy=problem.remedy)
        self.past_bound: bool = isinstance(problem, BoundExceeded) or (
            isinstance(problem, StepError) and problem.past_bound
        )
        self.function = function
        self.arguments = arguments
        self.state = state


def places(trace: TracebackType | None) -> Iterator[Span]:
    """The places in the model's own source through which an exception came, the innermost last."""
    while trace is not None:
        code = trace.tb_frame.f_code
        path = code.co_filename
        if of_the_author(path):
            positions = next(itertools.islice(code.co_positions(), trace.tb_lasti // 2, None), None)
            line, end_line, column, end_column = positions or (None, None, None, None)
            if line is not None:
                start = column or 0
                yield Span(path, line, start, end_line or line, end_column or start + 1)
        trace = trace.tb_next


def where(trace: TracebackType | None) -> Span | None:
    """The place in the model's own source where an exception came from: the innermost frame that is in it."""
    return next(iter([*places(trace)][::-1]), None)


def explained(problem: Exception) -> RatifiedError:
    """What a model ran into, in the words of the language."""
    span = where(problem.__traceback__)
    if isinstance(problem, MemoryError):
        raise problem  # it says nothing of the model
    if isinstance(problem, StepError):
        return problem
    if isinstance(problem, RatifiedError):
        return ModelError(problem.message, span=problem.span or span, remedy=problem.remedy)
    if isinstance(problem, BoundLeft):
        return BoundExceeded(problem.what, span)
    known: dict[type[Exception], tuple[str, str]] = {
        ZeroDivisionError: ("division by zero", "test the divisor first"),
        AssertionError: (
            "the assertion is false",
            "write guards as require(...); an assert must always be true",
        ),
        RecursionError: ("the recursion is too deep", "use a loop"),
        StopIteration: (
            "next() of an empty container",
            "give a default: next(..., default), or test first that it is not empty",
        ),
    }
    for kind, (message, remedy) in known.items():
        if isinstance(problem, kind):
            return ModelError(message, span=span, remedy=remedy)
    text = str(problem)
    if isinstance(problem, ValueError) and ("empty" in text or "arg" in text):
        return ModelError(
            "min() or max() of an empty container",
            span=span,
            remedy="give a default=, or test first that it is not empty",
        )
    if isinstance(problem, AttributeError):
        return ModelError(
            f"{text}",
            span=span,
            remedy="a variable must have a value before it is read: assign it first in init",
        )
    return ModelError(
        f"{type(problem).__name__}: {text or show(problem)}",
        span=span,
        remedy="the step cannot be computed here",
    )
