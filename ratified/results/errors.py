"""Errors of a model that come to light when it runs, with the run that leads to them."""

from __future__ import annotations

from ratified.language.errors import ModelError
from ratified.language.machine import StepError
from ratified.results.result import Trace


class EvaluationError(ModelError):
    """An operation of a model has no value in a state that it reaches: a partial operation, or a false assertion.

    `trace` is a shortest run to the state (None if an initial state cannot be computed), `function` what was being evaluated;
    `past_bound` says that it is a bound which it would exceed, outside of a step.
    """

    def __init__(self, problem: StepError, where: str, trace: Trace | None) -> None:
        super().__init__(problem.message, span=problem.span, remedy=problem.remedy)
        self.function = problem.function
        self.past_bound = problem.past_bound
        self.where = where
        self.trace = trace

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.where}"
