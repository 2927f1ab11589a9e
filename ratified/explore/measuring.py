"""What is to be measured of a model's runs, and runs one by one in CPython: the meaning that generated code is held to.

A run begins in an initial state, each distinct one with the same probability. Each step is drawn among those that are possible,
in proportion to their weights: an action with one choice of its arguments is one step, whose weight is 1 or what
`@action(weight=...)` says; a step that would leave a bound, or that leads to a state that a constraint leaves out, is not among
them. A run ends when `until` is true, when the steps that are possible have no weight, or after `length` steps.

Guarantees: run i of a seed is the same run whatever else is run; weights are integers, and no probability is rounded.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

from ratified.explore.draws import Draws
from ratified.explore.initial import admitted, initial_states
from ratified.language.errors import ModelError, RatifiedError, Span
from ratified.language.ir import WEIGHT_MOST, Function, Kind, Module
from ratified.language.machine import OutOfBounds, PythonMachine, StepError, Values
from ratified.language.model import Model
from ratified.language.query import FILE, Answers, Query, condition, expressions
from ratified.language.types import BOOL, IntType
from ratified.results.counterexample import FailureExplainer
from ratified.results.result import Trace
from ratified.results.seen import Exploration

MeasuredRow = tuple[int, ...]
"""What was measured in a run: for MEAN what the values add up to, for FIRST -1 if it never was."""

NEVER = -1
TIMES = "times_"
"""How often an action was taken in a run is the name of the action behind this."""


class MeasuredAt(Enum):
    """Of which states of a run a measure speaks."""

    END = "end"
    MAX = "max"
    MIN = "min"
    MEAN = "mean"
    FIRST = "first"


WORDS = {
    MeasuredAt.END: "at the end of a run",
    MeasuredAt.MAX: "the greatest in a run",
    MeasuredAt.MIN: "the least in a run",
    MeasuredAt.MEAN: "the mean over the states of a run",
    MeasuredAt.FIRST: "the steps until it is first true in a run",
}


class End(Enum):
    """Why a run ended, in the numbering of `enum rm_end`."""

    DEPTH = 0
    STUCK = 1
    UNTIL = 2


@dataclass(frozen=True, slots=True)
class Measure:
    """A number (or a condition, which is 1 or 0) that each run has. `text` is as it was typed."""

    text: str
    at: MeasuredAt
    query: Query
    condition: bool


@dataclass(frozen=True, slots=True)
class MeasurePlan:
    """What runs are to be like, and what is measured of them. `module` has all functions that expressions and weights call."""

    model: Model
    module: Module
    measures: tuple[Measure, ...]
    until: Query | None
    weights: Mapping[str, int | str]
    length: int
    seed: int
    since: int = 0  # of what is asked along a run, the steps before are left out


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One run: what was measured, in how many steps, and why it ended."""

    row: MeasuredRow
    steps: int
    end: End


def plan_of(
    model: Model,
    texts: Sequence[str],
    *,
    until: str | None,
    weights: Mapping[str, int],
    length: int,
    seed: int,
    since: int = 0,
) -> MeasurePlan:
    """Read what is to be measured. Raises ModelError with a caret where an expression is none, RatifiedError for the rest."""
    actions = {f.name: f for f in model.module.of_kind(Kind.ACTION)}
    names = ("steps", *(TIMES + name for name in actions))
    measures = tuple(m for text in texts for m in _measures(model, text, names))
    stop = None if until is None else condition(model, until, names)
    for name, weight in weights.items():
        if name not in actions:
            known = ", ".join(actions) or "none"
            raise RatifiedError(
                f"{model.module.name} has no action {name!r} to give a weight", remedy=f"its actions: {known}"
            )
        if type(weight) is not int or not 0 <= weight <= WEIGHT_MOST:
            raise RatifiedError(
                f"{name} has the weight {weight!r}", remedy=f"give a number from 0 to {WEIGHT_MOST:,}"
            )
    functions = dict(model.module.functions)
    for query in (*(m.query for m in measures), *([stop] if stop else [])):
        functions.update({k: f for k, f in query.module.functions.items() if k not in functions})
    return MeasurePlan(
        model,
        replace(model.module, functions=functions),
        measures,
        stop,
        {name: weights.get(name, f.weight) for name, f in actions.items()},
        length,
        seed,
        since,
    )


_WHEN = re.compile(rf"\s*({'|'.join(a.value for a in MeasuredAt)})\s*:(.*)", re.DOTALL)


def _measures(model: Model, text: str, names: Sequence[str]) -> list[Measure]:
    matched = _WHEN.fullmatch(text)
    at = MeasuredAt(matched[1]) if matched else MeasuredAt.END
    inner = (matched[2] if matched else text).strip()
    if at is MeasuredAt.FIRST:
        return [Measure(inner, at, condition(model, inner, names), condition=False)]
    found = []
    query = expressions(model, inner, names)
    for part, expr in query.parts:
        if expr.type != BOOL and not isinstance(expr.type, IntType):
            raise ModelError(
                f"a measure must be a number or a condition, and `{part}` is {expr.type}",
                span=_span_of(part, inner),
                remedy="write len(...), int(...), or a comparison",
            )
        one = Query(((part, expr),), query.module)
        found.append(Measure(part, at, one, condition=expr.type == BOOL and at is not MeasuredAt.MEAN))
    return found


def _span_of(part: str, text: str) -> Span:
    column = text.index(part)
    return Span(FILE, 1, column, 1, column + len(part))


class ReferenceRuns:
    """Runs in CPython."""

    def __init__(self, plan: MeasurePlan, pulse: Callable[[], object]) -> None:
        self._plan = plan
        self._pulse = pulse
        self._machine = PythonMachine(plan.model)
        self.constraints = [f.name for f in plan.module.of_kind(Kind.CONSTRAINT)]
        self._measured = [(m.at, self._asks(Answers(plan.model, m.query))) for m in plan.measures]
        self._until = None if plan.until is None else self._asks(Answers(plan.model, plan.until))
        self._telling = FailureExplainer(self._machine, Exploration(()), None)
        self.bounds: Counter[tuple[str, str, Span | None]] = Counter()
        self.left_out: Counter[str] = Counter()
        self.initial = self._beginnings()

    def _asks(self, answers: Answers) -> Callable[[Values, Mapping[str, int]], int]:
        def ask(state: Values, given: Mapping[str, int]) -> int:
            try:
                return int(answers(state, given)[0])
            except ModelError as problem:
                raise StepError(problem, "expression", (), state) from None

        return ask

    def _beginnings(self) -> list[Values]:
        states = initial_states(self._machine, self.constraints, self._pulse, self.bounds, self.left_out)
        try:
            found = list(states)
        except StepError as problem:
            raise self._error(problem, problem.state, []) from None
        if not found:
            module = self._machine.module
            init = module.functions.get("init")
            raise ModelError(
                f"{module.name} has no initial state to start a run from",
                span=init.span if init else module.span,
                remedy="`ratified check` says why",
            )
        return found

    def _error(
        self, problem: StepError, start: Values | None, taken: list[tuple[int, Values, Values]]
    ) -> RatifiedError:
        return problem if start is None else self._telling.error_in(problem, start, taken)

    def _admitted(self, state: Values) -> bool:
        return admitted(self._machine, self.constraints, state, self.left_out)

    def run(self, number: int) -> MeasuredRun:
        """The run of a number. Raises EvaluationError where the model, a weight or an expression has no answer, with the run."""
        return self._run(number, [])

    def trace(self, number: int) -> Trace:
        """The same run, step by step."""
        taken: list[tuple[int, Values, Values]] = []
        start = self.initial[Draws(self._plan.seed, number).below(len(self.initial))]
        self._run(number, taken)
        return self._telling.trace(start, taken)

    def _run(self, number: int, taken: list[tuple[int, Values, Values]]) -> MeasuredRun:
        draws = Draws(self._plan.seed, number)
        start = state = self.initial[draws.below(len(self.initial))]
        names = [f.name for f in self._machine.actions]
        given = {"steps": 0, **{TIMES + name: 0 for name in names}}
        along = [(k, at, ask) for k, (at, ask) in enumerate(self._measured) if at is not MeasuredAt.END]
        since = self._plan.since
        row = [NEVER if m.at is MeasuredAt.FIRST else 0 for m in self._plan.measures]
        try:
            while True:
                for k, when, ask in along if given["steps"] >= since else ():
                    row[k] = _joined(when, row[k], ask(state, given), given["steps"], since)
                end = self._ended(state, given)
                drawn = None if end else self._draw(state, draws)
                if drawn is None:
                    for k, (at, ask) in enumerate(self._measured):
                        if at is MeasuredAt.END:
                            row[k] = ask(state, given)
                    return MeasuredRun(tuple(row), given["steps"], end or End.STUCK)
                taken.append(drawn)
                given["steps"] += 1
                given[TIMES + names[drawn[0]]] += 1
                state = drawn[2]
        except StepError as problem:
            raise self._error(problem, start, taken) from None

    def _ended(self, state: Values, given: Mapping[str, int]) -> End | None:
        if self._until is not None and self._until(state, given):
            return End.UNTIL
        return End.DEPTH if given["steps"] == self._plan.length else None

    def _draw(self, state: Values, draws: Draws) -> tuple[int, Values, Values] | None:
        found, upto, total = [], [], 0
        for action, arguments, target in self._machine.each_step(state, self._pulse):
            function = self._machine.actions[action]
            if isinstance(target, OutOfBounds):
                self.bounds[target.what, function.name, target.span] += 1
            elif self._admitted(target):
                found.append((action, arguments, target))
                upto.append(partial(self._weight, function, state, arguments))
        sums = []
        for weight in upto:
            total += weight()
            sums.append(total)
        if not total:
            return None
        part = draws.below(total)
        return next(step for step, most in zip(found, sums, strict=True) if part < most)

    def _weight(self, function: Function, state: Values, arguments: Values) -> int:
        weight = self._plan.weights[function.name]
        if isinstance(weight, int):
            return weight
        found: int = self._machine.ask(state, weight, arguments)
        if not 0 <= found <= WEIGHT_MOST:
            problem = ModelError(
                not_a_weight(weight), span=self._plan.module.functions[weight].span, remedy=OF_WEIGHTS
            )
            raise StepError(problem, weight, arguments, state)
        return found


OF_WEIGHTS = "a step of weight 0 is never drawn; give relative weights"


def not_a_weight(name: str) -> str:
    """What is said where a helper gives no weight."""
    return f"`{name}` must return a weight from 0 to {WEIGHT_MOST:,}"


def _joined(at: MeasuredAt, before: int, value: int, steps: int, since: int) -> int:
    """What was measured so far, with the value in one state more."""
    match at:
        case MeasuredAt.FIRST:
            return steps if value and before == NEVER else before
        case MeasuredAt.MEAN:
            return before + value
        case _:
            if steps == since:
                return value
            return max(before, value) if at is MeasuredAt.MAX else min(before, value)
