"""Counterexamples that no solver found, looked for by CPython: steps from states of small sizes, reachable ones and others.

Guarantees: a counterexample is one of which CPython says all: the lemmas that the claim rests on are true, the step is taken, and
the claim is false after it. The same are found whenever a proof is tried: what is tried is bounded by counts, not by time.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence

from ratified.language.errors import RatifiedError
from ratified.language.ir import Kind
from ratified.language.machine import OutOfBounds, PythonMachine, StepError, Values
from ratified.language.model import Model
from ratified.language.sorts import BoundLeft
from ratified.language.values import show
from ratified.smt.confirming import refuted
from ratified.smt.facts import resting_on
from ratified.smt.first_order.concrete import FalsePart, false_part
from ratified.smt.first_order.obligations import Obligation, Part
from ratified.smt.result import Counterexample
from ratified.smt.validation.comparing import CLAIM, STEP
from ratified.smt.validation.evaluation import TooMuch, WorkLeft
from ratified.smt.validation.sampling import instances, larger_sizes, sizes_of
from ratified.smt.validation.validate import explored, states_of

UNITS = 4_000_000
"""Effort for all sizes together: some two seconds."""

ROUNDS = 40
"""How often states of a size are drawn."""

ARGUMENTS_MOST = 5_000
"""So many choices of an action's arguments are tried from a state, at most."""


def searched(cls: type[Model], wanted: Sequence[Obligation], *, seed: int = 0) -> dict[int, Counterexample]:
    """Counterexamples to obligations, by the places of these. Of bounds none are looked for: nothing is known beyond them."""
    rng = random.Random(seed)  # noqa: S311  # nothing is secret here
    open_ = {i: o for i, o in enumerate(wanted) if o.part is not Part.BOUNDS}
    found: dict[int, Counterexample] = {}
    usual, tried = list(sizes_of(cls)), 0
    for number, sizes in enumerate([*usual, *larger_sizes(cls)]):
        if number >= len(usual) and tried:
            break
        models = list(instances(cls, sizes, rng))
        tried += len(models)
        for model in models:
            search = _SizeSearch(model, WorkLeft(UNITS // (len(usual) * len(models))))
            for i, shown in search.found(open_, rng):
                if i in open_ and refuted(open_[i], shown, cls):
                    found[i] = shown
                    del open_[i]
            if not open_:
                return found
    return found


class _SizeSearch:
    """What is looked for at one size."""

    def __init__(self, model: Model, effort: WorkLeft) -> None:
        self.model, self.effort = model, effort
        self.machine = PythonMachine(model)
        self.names = [d.name for d in model.module.variables]

    def found(
        self, open_: Mapping[int, Obligation], rng: random.Random
    ) -> Iterator[tuple[int, Counterexample]]:
        """Counterexamples, each with the place of its obligation, of which some may have been found before."""
        try:
            for i, obligation in list(open_.items()):
                if obligation.part is Part.INITIATION:
                    yield from ((i, shown) for shown in self._initial(obligation))
            reached, _ = explored(self.model, (), WorkLeft(self.effort.left // 4))
            drawn = (states_of(self.model, reached, rng) for _ in range(ROUNDS))
            for state in dict.fromkeys(itertools.chain(reached, *drawn)):
                yield from self._from(state, open_)
        except TooMuch:
            return

    def _initial(self, obligation: Obligation) -> Iterator[Counterexample]:
        init = self.model.module.functions.get("init")
        for arguments, after in self._tried(self.machine.initial):
            if not isinstance(after, OutOfBounds) and self._false(obligation, after):
                given = dict(zip([a.name for a in init.arguments] if init else (), arguments, strict=True))
                yield self._shown(obligation, given, None, after)
                return

    def _from(self, state: Values, open_: Mapping[int, Obligation]) -> Iterator[tuple[int, Counterexample]]:
        """What a state, and the steps from it, refute."""
        true: dict[str, bool] = {}

        def holds(name: str) -> bool:
            if name not in true:
                self.effort.spend(CLAIM)
                true[name] = self._answered(lambda: self.machine.refuted_by(name, state) is None)
            return true[name]

        by_action: dict[str, list[int]] = {}
        for i, obligation in list(open_.items()):
            if obligation.part is Part.INITIATION or not all(map(holds, resting_on(obligation.facts))):
                continue
            if obligation.action is not None:
                by_action.setdefault(obligation.action.name, []).append(i)
            elif obligation.before is not None and self._false(obligation, state):
                yield i, self._shown(obligation, {}, state, None)
        for action, asked in by_action.items():
            yield from self._steps(state, action, {i: open_[i] for i in asked})

    def _steps(
        self, state: Values, action: str, asked: Mapping[int, Obligation]
    ) -> Iterator[tuple[int, Counterexample]]:
        names = [a.name for a in self.model.module.functions[action].arguments]
        self.effort.spend(STEP)
        try:
            steps = self.machine.take(state, action, {}, ARGUMENTS_MOST)
        except StepError as problem:
            for i, obligation in asked.items():
                if obligation.part is Part.WELL_DEFINED:
                    given = dict(zip(names, problem.arguments, strict=True))
                    yield i, self._goes_wrong(problem, given, state)
            return
        for arguments, after in steps:
            self.effort.spend(STEP)
            if isinstance(after, OutOfBounds):
                continue
            for i, obligation in asked.items():
                if obligation.claim is not None and self._false(obligation, after, state):
                    yield i, self._shown(obligation, dict(zip(names, arguments, strict=True)), state, after)

    def _false(self, obligation: Obligation, state: Values, old: Values | None = None) -> bool:
        """Whether a claim is false in a state, or of the step to it. One that has no answer is false."""
        claim = obligation.claim
        if claim is None:
            return False
        self.effort.spend(CLAIM)
        if claim.kind is Kind.STEP_INVARIANT:
            return old is not None and not self._answered(
                lambda: self.machine.step_holds(claim.name, old, state)
            )
        return not self._answered(lambda: self.machine.refuted_by(claim.name, state) is None)

    def _answered(self, asked: Callable[[], bool]) -> bool:
        try:
            return asked()
        except (RatifiedError, BoundLeft):
            return False

    def _tried(
        self, asked: Callable[[], list[tuple[Values, Values | OutOfBounds]]]
    ) -> list[tuple[Values, Values | OutOfBounds]]:
        try:
            return asked()
        except StepError:
            return []

    def _shown(
        self,
        obligation: Obligation,
        arguments: Mapping[str, object],
        before: Values | None,
        after: Values | None,
    ) -> Counterexample:
        assert obligation.claim is not None
        old, new = (None if s is None else dict(zip(self.names, s, strict=True)) for s in (before, after))
        now = old if new is None else new
        assert now is not None
        part = false_part(self.model.module, obligation.claim, self.model.scope, now, old)
        return self._counterexample(arguments, old, new, part)

    def _goes_wrong(
        self, problem: StepError, arguments: Mapping[str, object], before: Values
    ) -> Counterexample:
        part = None
        if problem.span is not None:
            part = FalsePart(problem.message, problem.span, {n: show(v) for n, v in arguments.items()})
        return self._counterexample(arguments, dict(zip(self.names, before, strict=True)), None, part)

    def _counterexample(
        self,
        arguments: Mapping[str, object],
        before: Mapping[str, object] | None,
        after: Mapping[str, object] | None,
        part: FalsePart | None,
    ) -> Counterexample:
        scope = self.model.scope
        sizes = {s.__name__: n for s, n in scope.sizes.items()}
        return Counterexample(sizes, dict(scope.parameters), arguments, before, after, part, confirmed=True)
