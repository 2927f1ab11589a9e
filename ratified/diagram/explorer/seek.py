"""Finding a state by a condition: a shortest run to one where it is true, among all that can be reached.

Guarantees: the condition is compiled by the language's front end and asked like an invariant turned round, so the native engine
looks through millions of states without any being kept here; what ran out is told, and never taken for "there is none".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ratified.explore.engines import SOON
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.compile import CompilerFailed, CompilerMissing
from ratified.explore.native.driver import FindingKind as Found
from ratified.explore.native.driver import NativeExploration, RunOptions
from ratified.explore.native.preparing import made
from ratified.explore.search import Search
from ratified.language import ir
from ratified.language.errors import ModelError
from ratified.language.ir import Function, Kind
from ratified.language.machine import PythonMachine, StepError, Values
from ratified.language.model import Model
from ratified.language.query import Answers, Query, condition
from ratified.language.types import BOOL
from ratified.results.result import Limits, Progress
from ratified.results.seen import NOWHERE

SOUGHT = "not what is looked for"
"""The name of the invariant that the condition becomes; no method can have it."""

ProgressCallback = Callable[[Progress], None] | None


@dataclass(frozen=True, slots=True)
class Sought:
    """What a search came to: the states of a shortest run to one that fits, or none; of how many; what ran out, if anything."""

    run: tuple[Values, ...]
    states: int
    stopped: str | None = None


def seek(model: Model, text: str, limits: Limits, progress: ProgressCallback = None) -> Sought:
    """Look for a state that satisfies a condition.

    Raises:
        ModelError: the text is no condition on states, or it or the model has no answer in a state that is come to.
    """
    query = condition(model, text)
    sought = _asking(model, query)
    first = _reference(
        sought, model, query, replace(limits, states=min(limits.states or SOON, SOON)), progress
    )
    if first.run or first.states < SOON:
        return first
    try:
        return _native(sought, model, query, limits, progress)
    except (Unsupported, CompilerMissing, CompilerFailed):
        return _reference(sought, model, query, limits, progress)


def _asking(model: Model, query: Query) -> Model:
    """The model with one claim: that the condition is never true."""
    quiet = model.claiming(())
    ((_, test),) = query.parts
    body = (ir.Return(test.span, ir.Not(test.span, BOOL, test)),)
    claim = Function(SOUGHT, SOUGHT, Kind.INVARIANT, (), BOOL, body, test.span, "")
    called = {k: f for k, f in query.module.functions.items() if k not in quiet.module.functions}
    functions = {**quiet.module.functions, **called, SOUGHT: claim}
    object.__setattr__(quiet, "module", replace(quiet.module, functions=functions))
    return quiet


class _Seeking(PythonMachine):
    """The reference machine, which asks the condition of the language's evaluator: no method of the class has it."""

    def __init__(self, sought: Model, model: Model, query: Query) -> None:
        super().__init__(sought)
        self._answers = Answers(model, query)

    def refuted_by(self, name: str, state: Values) -> Values | None:
        """See Machine."""
        if name != SOUGHT:
            return super().refuted_by(name, state)
        try:
            return () if self._answers(state)[0] else None
        except ModelError as problem:
            raise StepError(problem, "the condition", (), state) from None


def _reference(
    sought: Model, model: Model, query: Query, limits: Limits, progress: ProgressCallback
) -> Sought:
    found = Search(_Seeking(sought, model, query), limits=limits, progress=progress).run()
    failure = found.failure
    if failure is None:
        return Sought((), len(found.states), found.stopped)
    if failure.problem is not None:
        raise failure.problem
    run: list[Values] = []
    number = failure.source
    while number != NOWHERE:
        run.append(found.states[number])
        number = found.predecessor[number]
    return Sought(tuple(run[::-1]), len(found.states))


def _native(sought: Model, model: Model, query: Query, limits: Limits, progress: ProgressCallback) -> Sought:
    program, library, _ = made(sought)
    with NativeExploration(library, RunOptions(limits=limits)) as exploration:
        outcome = exploration.run(progress)
    finding = outcome.finding
    if finding is None:
        stopped = outcome.stopped.name.lower() if outcome.stopped else None
        return Sought((), outcome.distinct, f"the limit on {stopped}" if stopped else None)
    states: tuple[Any, ...] = tuple(program.layout.unpack(words) for words in finding.states)
    if finding.kind is Found.FAULT:
        # The reference machine, or the evaluator, comes to the same error and says it in words.
        for state in states:
            Answers(model, query)(state)
            PythonMachine(model).steps(state)
        message, span = program.written.errors[finding.index]
        raise ModelError(message, span=span)
    return Sought(states, outcome.distinct)
