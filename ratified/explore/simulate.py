"""Random walks, for sizes that are out of reach: many runs of a model, what it claims being checked along the way.

Guarantees: what was walked depends on the model, the numbers asked for and the seed alone; a violation is a real run; the verdict
is `VIOLATED` or `UNDECIDED` and never `HOLDS`, since what was not walked into is not known.

Each step is drawn evenly among those that are possible: each action with each of its arguments counts once. A step that would
leave a bound, or that leads to a state that a constraint leaves out, is not taken, and another is drawn in its place.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

from ratified.explore.search import safety_of
from ratified.explore.switches import switched_off
from ratified.language.claims import Unchecked, unchecked
from ratified.language.errors import ModelError, RatifiedError, Span
from ratified.language.ir import Kind
from ratified.language.machine import OutOfBounds, PythonMachine, StepError, Values
from ratified.language.model import Model
from ratified.language.refinement import Refinement
from ratified.results.beginning import no_beginning
from ratified.results.counterexample import Counterexample
from ratified.results.limits import Reached, Watch
from ratified.results.minimal import Minimizer
from ratified.results.result import (
    BoundReport,
    ConstraintReport,
    Decided,
    Limits,
    PropertyKind,
    Trace,
    Verdict,
    Violation,
)
from ratified.results.seen import INTERRUPTED, NOWHERE, Exploration, Failure

MOST_REMEMBERED = 1_000_000
"""So many distinct states are told apart. Of more it is only known that there are more."""

RUNS = 100
LENGTH = 100


@dataclass(frozen=True, slots=True)
class Simulation(Decided):
    """The result of random walks.

    `steps` were taken in `runs` runs started, of `asked` requested, each of at most `length` steps; `longest` is the longest.
    `distinct` states were visited (initial ones included), or more if `more_distinct`. `ended` runs reached a state without
    successors. `fired` is how often each action was taken. `unchecked` are claims that random walks cannot check, such as
    liveness. `switched_off` are actions that can never fire because of parameters and sizes alone. `first` is the first run.
    The run of the violation need not be shortest, but none of its steps can be left out.
    """

    model: str
    sizes: Mapping[str, int]
    parameters: Mapping[str, object]
    seed: int
    asked: int
    length: int
    runs: int
    steps: int
    longest: int
    distinct: int
    more_distinct: bool
    ended: int
    fired: Mapping[str, int]
    checked: tuple[tuple[PropertyKind, str, Span | None], ...]
    unchecked: tuple[Unchecked, ...]
    bounds: tuple[BoundReport, ...]
    constraints: tuple[ConstraintReport, ...]
    first: Trace
    violation: Violation | None = None
    switched_off: tuple[str, ...] = ()
    stopped: str | None = None

    @property
    def verdict(self) -> Verdict:
        """VIOLATED or UNDECIDED."""
        return Verdict.UNDECIDED if self.violation is None else Verdict.VIOLATED

    @property
    def never_fired(self) -> tuple[str, ...]:
        """Actions taken in no run, except those that are switched off."""
        return tuple(n for n, times in self.fired.items() if not times and n not in self.switched_off)


def simulate(
    model: Model,
    *,
    runs: int = RUNS,
    length: int = LENGTH,
    seed: int = 0,
    deadlock: bool = False,
    claims: Collection[str] | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
) -> Simulation:
    """Take random walks through a model: `runs` runs of at most `length` steps, until something is violated.

    Invariants are checked in every state, step invariants and refinements for every step; with `deadlock`, also that every
    state has a successor (a step that would exceed a bound counts). Liveness is not checked. `claims` as in `check`. `limits`
    may have seconds and memory, which also apply among the steps of one state.

    Raises:
        EvaluationError: an operation has no value in a state that a run reaches; with that run.
        ModelError: there is no initial state, or no claim of that name.
        RatifiedError: an invalid number or limit; a limit was reached before there was an initial state; this is not a model at a
            size.
    """
    given: object = model
    if not isinstance(given, Model):
        name = getattr(given, "__name__", type(given).__name__)
        raise RatifiedError(
            f"{name} is not a model at a size", remedy=f"give an instance: {name}(...) with its sizes"
        )
    for what, number in (("runs", runs), ("length", length)):
        if number < 1:
            raise RatifiedError(f"{what} must be at least 1, and is {number}")
    limits.only("a simulation", "seconds", "memory")
    if claims is not None:
        model = model.claiming(claims)
    return _Walks(model, seed, deadlock, limits).run(runs, length)


class _Found(Exception):
    """A violation, as the walk's end."""

    def __init__(self, violation: Violation) -> None:
        super().__init__()
        self.violation = violation


class _Walks:
    """All runs of one simulation. `run` may be called once."""

    def __init__(self, model: Model, seed: int, deadlock: bool, limits: Limits) -> None:
        self._machine = PythonMachine(model)
        module = self._machine.module
        self._random = random.Random(seed)  # noqa: S311  # it is to be repeatable
        self._seed = seed
        self._watch = Watch(limits)
        self._deadlock = deadlock
        self._claims = safety_of(module, deadlock)
        self._refinements = [Refinement(self._machine, f.name) for f in module.of_kind(Kind.REFINEMENT)]
        self._constraints = [f.name for f in module.of_kind(Kind.CONSTRAINT)]
        self._telling = Counterexample(self._machine, Exploration(self._claims), None)
        self._distinct: set[Values] = set()
        self._more = False
        self._fired = [0] * len(self._machine.actions)
        self._bounds: Counter[tuple[str, str, Span | None]] = Counter()
        self._left_out: Counter[str] = Counter()
        self._runs = self._steps = self._longest = self._ended = 0
        self._start: Values = ()  # of the run under way, and the steps that it has taken
        self._taken: list[tuple[int, Values, Values]] = []
        self._first: Trace | None = None

    def run(self, runs: int, length: int) -> Simulation:
        """Walk."""
        violation, stopped = None, None
        initial = self._beginnings()
        try:
            self._watch.tick()
            for _ in range(runs):
                self._walk(initial, length)
                self._keep_first()
        except _Found as found:
            violation = found.violation
        except KeyboardInterrupt:
            stopped = INTERRUPTED
        except Reached as stop:
            stopped = str(stop)
        self._keep_first()
        machine, model = self._machine, self._machine.model
        assert self._first is not None
        off = switched_off(model)
        return Simulation(
            model=machine.module.name,
            sizes={sort.__name__: size for sort, size in model.scope.sizes.items()},
            parameters=dict(model.scope.parameters),
            seed=self._seed,
            asked=runs,
            length=length,
            runs=self._runs,
            steps=self._steps,
            longest=self._longest,
            distinct=len(self._distinct),
            more_distinct=self._more,
            ended=self._ended,
            fired={a.name: n for a, n in zip(machine.actions, self._fired, strict=True)},
            checked=tuple((c.kind, c.name, c.span) for c in self._claims),
            unchecked=unchecked(machine.module, {c.name for c in safety_of(machine.module, deadlock=False)}),
            bounds=tuple(
                BoundReport(what, action, times, span) for (what, action, span), times in self._bounds.items()
            ),
            constraints=tuple(ConstraintReport(name, self._left_out[name]) for name in self._constraints),
            first=self._first,
            violation=violation,
            switched_off=tuple(a.name for a in machine.actions if a.name in off),
            stopped=stopped,
        )

    def _keep_first(self) -> None:
        if self._first is None:
            self._first = self._telling.trace(self._start, self._taken)

    def _beginnings(self) -> list[Values]:
        """The initial states, each once; the first is where the first run begins if there is none other."""
        found: dict[Values, None] = {}
        try:
            for _, state in self._machine.each_initial(self._watch.tick):
                if isinstance(state, OutOfBounds):
                    self._bounds[state.what, "init", state.span] += 1
                elif state not in found and self._admitted(state):
                    found[state] = None
        except Reached as stop:
            if not found:
                raise RatifiedError(
                    f"there was no initial state within {stop}", remedy="set a larger limit"
                ) from None
        except StepError as problem:
            if problem.state is not None:  # a constraint has no answer
                raise self._telling.error_in(problem, problem.state, []) from None
            raise self._telling.error(Failure(0, -1, 0, None, NOWHERE, problem=problem)) from None
        if not found:
            raise self._nothing_begins()
        self._start = next(iter(found))
        return list(found)

    def _nothing_begins(self) -> ModelError:
        module = self._machine.module
        if self._bounds:
            what, _, span = next(iter(self._bounds))
            return ModelError(
                f"{module.name} has no initial state within its bounds: init exceeds {what}",
                span=span,
                remedy="widen the bound, or choose other sizes",
            )
        leaving = next((f for f in module.of_kind(Kind.CONSTRAINT) if self._left_out[f.name]), None)
        return no_beginning(module, leaving, sum(self._left_out.values()) if leaving else None)

    def _admitted(self, state: Values) -> bool:
        for name in self._constraints:
            if self._machine.refuted_by(name, state) is not None:
                self._left_out[name] += 1
                return False
        return True

    # --- one run ---

    def _walk(self, initial: list[Values], length: int) -> None:
        self._runs += 1
        state, self._taken = initial[self._random.randrange(len(initial))], []
        self._start = state
        try:
            self._arrive(state, None)
            for _ in range(length):
                before, drawn = state, self._draw(state)
                if drawn is None:
                    self._ended += 1
                    return
                state = drawn
                self._arrive(state, before)
        except StepError as problem:
            raise self._telling.error_in(problem, self._start, self._straight()) from None

    def _arrive(self, state: Values, before: Values | None) -> None:
        """Count a state and check what is claimed of it, and of the step to it (of a beginning, if there was none)."""
        if len(self._distinct) < MOST_REMEMBERED:
            self._distinct.add(state)
        elif state not in self._distinct:
            self._more = True
        for rank, holds in enumerate(self._answers(state, before)):
            if not holds:
                self._fail(rank)

    def _answers(self, state: Values, before: Values | None) -> Iterator[bool]:
        """Whether each claim holds here, in their order."""
        machine, module = self._machine, self._machine.module
        for invariant in module.of_kind(Kind.INVARIANT):
            yield machine.refuted_by(invariant.name, state) is None
        for claim in module.of_kind(Kind.STEP_INVARIANT):
            yield before is None or machine.step_holds(claim.name, before, state)
        for refinement in self._refinements:
            yield refinement.begins(state) if before is None else refinement.explains(before, state)

    def _draw(self, state: Values) -> Values | None:
        """Take one of the steps that may be taken, and return where it leads; None if there is none."""
        steps = list(self._machine.each_step(state, self._watch.tick))
        if not steps and self._deadlock:
            self._fail(len(self._claims) - 1)
        while steps:
            # The last one takes the place of the one drawn: what is left is drawn from evenly.
            index = self._random.randrange(len(steps))
            action, arguments, target = steps[index]
            steps[index] = steps[-1]
            steps.pop()
            if isinstance(target, OutOfBounds):
                self._bounds[target.what, self._machine.actions[action].name, target.span] += 1
                continue
            self._taken.append((action, arguments, target))
            if self._admitted(target):
                self._steps += 1
                self._longest = max(self._longest, len(self._taken))
                self._fired[action] += 1
                return target
            self._taken.pop()
        return None

    # --- what went wrong ---

    def _fail(self, rank: int) -> NoReturn:
        taken = self._small(rank, self._straight())
        target = taken[-1][2] if taken else None
        failure = Failure(len(taken), rank, 0, self._claims[rank], NOWHERE, target)
        raise _Found(self._telling.violation_in(failure, self._start, taken))

    def _small(self, rank: int, taken: list[tuple[int, Values, Values]]) -> list[tuple[int, Values, Values]]:
        """The run without what it does not need to go wrong in the same way."""

        def wrong(before: Values, state: Values) -> bool | None:
            if any(self._machine.refuted_by(name, state) is not None for name in self._constraints):
                return None
            for number, holds in enumerate(self._answers(state, before)):
                if not holds:
                    return True if number == rank else None
            return rank == len(self._claims) - 1 and self._deadlock and not self._machine.steps(state)

        try:
            return Minimizer(self._machine, wrong, self._watch.tick).minimal(self._start, taken)
        except (Reached, KeyboardInterrupt):
            return taken

    def _straight(self) -> list[tuple[int, Values, Values]]:
        """The run so far without its detours: where it came back to a state, what lies between is left out."""
        taken: list[tuple[int, Values, Values]] = []
        place = {self._start: 0}
        for step in self._taken[:-1]:
            if step[2] in place:
                for _, _, state in taken[place[step[2]] :]:
                    del place[state]
                del taken[place[step[2]] :]
            else:
                taken.append(step)
                place[step[2]] = len(taken)
        return [*taken, *self._taken[-1:]]
