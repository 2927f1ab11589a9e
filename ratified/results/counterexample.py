"""From what a search found wrong to what is told of it: a real run from an initial state, and a sentence.

Guarantees: every state of a trace is one that the model itself steps into from the one before, also if the search went by
representatives of orbits: the run is built forward, at each step a successor of the wanted orbit being chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ratified.language.errors import RatifiedError
from ratified.language.ir import Argument, Function, Kind
from ratified.language.machine import Machine, OutOfBounds, StepError, Values, state_dict
from ratified.language.refinement import Refinement
from ratified.language.values import show
from ratified.results.errors import EvaluationError
from ratified.results.limits import Reached
from ratified.results.plainest import plainest
from ratified.results.result import PropertyKind, Step, Trace, Violation
from ratified.results.seen import NOWHERE, Exploration, Failure


class FailureExplainer:
    """Tells what a failure is. `canonical` gives the representative of a state's orbit, if the search went by these."""

    def __init__(
        self,
        machine: Machine,
        found: Exploration,
        canonical: Callable[[Values], Values] | None,
        tick: Callable[[], object] = lambda: None,
    ) -> None:
        """`tick` is called while runs are compared, and may raise Reached to end that."""
        self._tick = tick
        self._machine = machine
        self._found = found
        self._canonical = canonical or (lambda state: state)

    def error(self, failure: Failure) -> EvaluationError:
        """A failure that is an evaluation error, as what `check` raises."""
        problem = failure.problem
        assert problem is not None
        if failure.source == NOWHERE and failure.target is None:
            return EvaluationError(problem, self._where(problem, None), None)
        start, steps = self._run(failure.source)
        if failure.target is not None:
            start, steps = self._with_last(start, steps, failure.target)
        return self.error_in(self._again(failure, problem, start, steps), start, steps)

    def error_in(
        self, problem: StepError, start: Values, steps: list[tuple[int, Values, Values]]
    ) -> EvaluationError:
        """An evaluation error at the end of a run."""
        state = steps[-1][2] if steps else start
        return EvaluationError(problem, self._where(problem, state, len(steps)), self.trace(start, steps))

    def violation(self, failure: Failure) -> Violation:
        """A failure that is a violation; the plainest of its runs, if the search has looked for all of them."""
        start, steps = self._plainest(failure) or self._found_run(failure)
        return self.violation_in(failure, start, steps)

    def plainest_violation(self, failure: Failure) -> Violation | None:
        """A failure that is a violation, with the plainest of its runs; None if the search has not looked for all of them."""
        found = self._plainest(failure)
        return None if found is None else self.violation_in(failure, *found)

    def _plainest(self, failure: Failure) -> tuple[Values, list[tuple[int, Values, Values]]] | None:
        layers = self._found.layers
        if layers is None or failure.source == NOWHERE:
            return None
        try:
            if failure.target is None:
                return plainest(self._machine, layers, begins=self._begins(failure), tick=self._tick)
            constraints = [c.name for c in self._machine.module.of_kind(Kind.CONSTRAINT)]

            def shows(state: Values, target: Values) -> bool:
                inside = all(self._machine.refuted_by(c, target) is None for c in constraints)
                return inside and self._shows(failure, state, target)

            return plainest(self._machine, layers, shows, tick=self._tick)
        except (StepError, Reached, KeyboardInterrupt):
            return (
                None  # what is beside it has no answer, or there is no time: the run that was found will do
            )

    def _begins(self, failure: Failure) -> Callable[[Values], bool] | None:
        """What an initial state must be like, if it is what a refinement fails in."""
        claim = failure.claim
        if claim is None or claim.kind is not PropertyKind.REFINEMENT:
            return None
        refinement = Refinement(self._machine, claim.name)
        return lambda state: not refinement.begins(state)

    def _found_run(self, failure: Failure) -> tuple[Values, list[tuple[int, Values, Values]]]:
        start, steps = self._run(failure.source)
        if failure.target is not None:
            return self._with_last(start, steps, failure.target, failure)
        return start, steps

    def violation_in(
        self, failure: Failure, start: Values, steps: list[tuple[int, Values, Values]]
    ) -> Violation:
        """A failure that is a violation at the end of a run."""
        claim = failure.claim
        assert claim is not None
        states = [start, *(state for _, _, state in steps)]
        detail = self._detail(failure, states, steps[-1] if steps else None)
        return Violation(claim.kind, claim.name, self.trace(start, steps), detail, claim.span)

    # --- runs ---

    def _run(self, number: int) -> tuple[Values, list[tuple[int, Values, Values]]]:
        """A run to a state of the search: an initial state, and each action with its arguments and the state after it."""
        chain: list[int] = []
        while number != NOWHERE:
            chain.append(number)
            number = self._found.predecessor[number]
        chain.reverse()
        if not chain:
            return (), []
        wanted = [self._found.states[n] for n in chain]
        start = self._start(wanted[0])
        steps: list[tuple[int, Values, Values]] = []
        for goal in wanted[1:]:
            steps.append(self._step(steps[-1][2] if steps else start, goal, None))
        return start, steps

    def _start(self, goal: Values) -> Values:
        for _, state in self._machine.initial():
            if not isinstance(state, OutOfBounds) and self._canonical(state) == goal:
                return state
        raise AssertionError(goal)

    def _step(self, state: Values, goal: Values, failure: Failure | None) -> tuple[int, Values, Values]:
        """A step to the orbit of a state, one that shows the failure if one is given."""
        for action, arguments, target in self._machine.steps(state):
            if isinstance(target, OutOfBounds) or self._canonical(target) != goal:
                continue
            if failure is None or self._shows(failure, state, target):
                return action, arguments, target
        raise RatifiedError(
            f"{self._machine.module.name} distinguishes symmetric values: a run found with symmetry"
            " reduction is not a run without it",
            span=self._machine.module.span,
            remedy="check without symmetry",
        )

    def _with_last(
        self,
        start: Values,
        steps: list[tuple[int, Values, Values]],
        target: Values,
        failure: Failure | None = None,
    ) -> tuple[Values, list[tuple[int, Values, Values]]]:
        """The run with one more step, to the orbit of a state (which is the first state if there is no run yet)."""
        goal = self._canonical(target)
        if not start and not steps:
            return self._start(goal), []
        state = steps[-1][2] if steps else start
        return start, [*steps, self._step(state, goal, failure)]

    def _shows(self, failure: Failure, state: Values, target: Values) -> bool:
        """Whether a step fails the property of a failure."""
        claim = failure.claim
        assert claim is not None
        if claim.kind is PropertyKind.STEP_INVARIANT:
            return not self._machine.step_holds(claim.name, state, target)
        return not Refinement(self._machine, claim.name).explains(state, target)

    def trace(self, start: Values, steps: list[tuple[int, Values, Values]], loop: int | None = None) -> Trace:
        """A run as it is told: an initial state, and each action with its arguments and the state after it."""
        machine = self._machine
        return Trace(
            state_dict(machine, start),
            tuple(
                Step(
                    machine.actions[action].name,
                    _named(machine.actions[action].arguments, arguments),
                    state_dict(machine, state),
                    narrated(machine.actions[action], arguments),
                )
                for action, arguments, state in steps
            ),
            loop,
        )

    # --- words ---

    def _detail(self, failure: Failure, states: list[Values], last: tuple[int, Values, Values] | None) -> str:
        claim = failure.claim
        assert claim is not None
        step = "" if last is None else self._call(self._machine.actions[last[0]].name, last[1])
        match claim.kind:
            case PropertyKind.INVARIANT:
                arguments = self._machine.refuted_by(claim.name, states[-1])
                choice = _choice(self._machine.module.functions[claim.name].arguments, arguments or ())
                return f"it is false for {choice}" if choice else ""
            case PropertyKind.STEP_INVARIANT:
                return f"it is false for the step {step}"
            case PropertyKind.REFINEMENT:
                refinement = Refinement(self._machine, claim.name)
                if failure.target is None:
                    return refinement.because_of_beginning(states[-1])
                return refinement.because_of_step(step, states[-2], states[-1])
            case _:
                return "no step is possible in the last state"

    def _again(
        self, failure: Failure, problem: StepError, start: Values, steps: list[tuple[int, Values, Values]]
    ) -> StepError:
        """The evaluation error as it is at the end of this run: symmetry may have renamed what it speaks of."""
        machine = self._machine
        state = steps[-1][2] if steps else start
        function = machine.module.functions.get(problem.function)
        try:
            if failure.claim is None and failure.target is None:
                machine.steps(state)
            elif function is not None and function.kind in (Kind.INVARIANT, Kind.CONSTRAINT):
                machine.refuted_by(function.name, state)
        except StepError as same:
            return same
        return problem

    def _where(self, problem: StepError, state: Values | None, steps: int = 0) -> str:
        """What was being computed and in which state."""
        call = self._call(problem.function, problem.arguments)
        if state is None:
            return f"  in {call}, before the first state"
        after = "an initial state" if not steps else f"the state after {steps} step{'s' if steps > 1 else ''}"
        shown = [f"    {name} = {show(value)}" for name, value in state_dict(self._machine, state).items()]
        return "\n".join([f"  in {call}, in {after}:", *shown])

    def _call(self, name: str, arguments: Values) -> str:
        function = self._machine.module.functions.get(name)
        return f"{name}({_choice(function.arguments if function else (), arguments)})"


def narrated(action: Function, arguments: Values) -> str:
    """The first sentence of an action's docstring, about these arguments: "Replica r votes" is "Replica r2 votes".

    Parameters are found where they are single letters that are no words: of longer names nobody could tell.
    """
    paragraph = " ".join(action.doc.strip().partition("\n\n")[0].split())
    sentence = re.split(r"(?<=[.!?]) (?=[A-Z])", paragraph, maxsplit=1)[0]
    shown = {a.name: show(v) for a, v in zip(action.arguments, arguments, strict=False)}
    for name, value in zip((a.name for a in action.arguments), arguments, strict=False):
        if name == "a":  # which is a word, unless it follows what it is one of: `acceptor a`
            kind = re.escape(type(value).__name__)
            sentence = re.sub(
                rf"\b({kind}) a(?![\w'`-])", rf"\g<1> {show(value)}", sentence, flags=re.IGNORECASE
            )
    return re.sub(r"(?<![\w'\u2019`-])[b-zB-HJ-Z](?![\w'`-])", lambda m: shown.get(m[0], m[0]), sentence)


def _named(declared: tuple[Argument, ...], arguments: Values) -> tuple[tuple[str, object], ...]:
    return tuple((a.name, v) for a, v in zip(declared, arguments, strict=False))


def _choice(declared: tuple[Argument, ...], arguments: Values) -> str:
    return ", ".join(f"{name}={show(value)}" for name, value in _named(declared, arguments))
