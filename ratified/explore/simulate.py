"""Random walks, for sizes that are out of reach: many runs of a model, what it claims being checked along the way.

Guarantees: what was walked depends on the model, the numbers asked for and the seed alone, and not on how many processes share
the runs: run i of a seed is the same run whatever else is run. A violation is a real run, of the first run that has one; the
verdict is `VIOLATED` or `UNDECIDED` and never `HOLDS`, since what was not walked into is not known.

Each step is drawn evenly among those that are possible: each action with each of its arguments counts once. A step that would
leave a bound, or that leads to a state that a constraint leaves out, is not taken, and another is drawn in its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ratified.explore.carried import Carrier
from ratified.explore.draws import Draws
from ratified.explore.initial import admitted, initial_states
from ratified.explore.search import safety_of
from ratified.explore.switches import switched_off
from ratified.explore.world import Alone, RankWorld, alike
from ratified.language.claims import Unchecked, unchecked
from ratified.language.errors import ModelError, RatifiedError, Span
from ratified.language.ir import Kind, Module
from ratified.language.machine import OutOfBounds, PythonMachine, StepError, Values
from ratified.language.model import Model, refuse_a_class
from ratified.language.refinement import Refinement
from ratified.results.beginning import no_beginning
from ratified.results.counterexample import FailureExplainer
from ratified.results.limits import LimitWatch, Reached
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

MOST_AT_ONCE = 64
"""Runs of a process between two times that processes tell each other how far they are."""

STATES_AT_ONCE = 20_000
"""States that a process tells the others at a time."""

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
    progress: Callable[[int], None] | None = None,
) -> Simulation:
    """Take random walks through a model: `runs` runs of at most `length` steps, until something is violated.

    Invariants are checked in every state, step invariants and refinements for every step; with `deadlock`, also that every
    state has a successor (a step that would exceed a bound counts). Liveness is not checked. `claims` as in `check`. `limits`
    may have seconds and memory, which also apply among the steps of one state. `progress` is called now and then with the
    number of runs completed, and may raise KeyboardInterrupt to stop.

    Raises:
        EvaluationError: an operation has no value in a state that a run reaches; with that run.
        ModelError: there is no initial state, or no claim of that name.
        RatifiedError: an invalid number or limit; a limit was reached before there was an initial state; this is not a model at a
            size.
    """
    return simulate_on_ranks(
        model,
        Alone(),
        runs=runs,
        length=length,
        seed=seed,
        deadlock=deadlock,
        claims=claims,
        limits=limits,
        progress=progress,
    )


def simulate_on_ranks(
    model: Model,
    world: RankWorld,
    *,
    runs: int = RUNS,
    length: int = LENGTH,
    seed: int = 0,
    deadlock: bool = False,
    claims: Collection[str] | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    progress: Callable[[int], None] | None = None,
) -> Simulation:
    """Share the runs of `simulate` among processes: all of them call this alike, and all get, or raise, the same."""
    refuse_a_class(model)
    for what, number in (("runs", runs), ("length", length)):
        if number < 1:
            raise RatifiedError(f"{what} must be at least 1, and is {number}")
    limits.only("a simulation", "seconds", "memory")
    if claims is not None:
        model = model.claiming(claims)
    with alike(world):
        walks = _Walks(model, seed, deadlock, limits, length, progress)
    return walks.run(runs, world)


@dataclass(slots=True)
class _Tally:
    """What runs met with. `fired` and `left_out` count by action and by constraint, `bounds` by place."""

    runs: int = 0
    steps: int = 0
    longest: int = 0
    ended: int = 0
    fired: Counter[int] = field(default_factory=Counter)
    bounds: Counter[tuple[str, str, Span | None]] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    visited: set[Values] = field(default_factory=set)
    more: bool = False  # whether there are states that are not remembered

    def add(self, other: _Tally) -> None:
        """Count what other runs met with, too."""
        self.runs += other.runs
        self.steps += other.steps
        self.longest = max(self.longest, other.longest)
        self.ended += other.ended
        self.fired += other.fired
        self.bounds += other.bounds
        self.left_out += other.left_out
        self.more = self.more or other.more
        self.see(other.visited)

    def see(self, states: Iterable[Values]) -> None:
        """Remember states, as long as there is room."""
        for state in states:
            if len(self.visited) < MOST_REMEMBERED:
                self.visited.add(state)
            elif state not in self.visited:
                self.more = True


class _Wrong(Exception):
    """A claim, by its rank, that the run under way violates with its last step."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.rank = rank


class _Walks:
    """All runs of one simulation. `run` may be called once."""

    def __init__(
        self,
        model: Model,
        seed: int,
        deadlock: bool,
        limits: Limits,
        length: int,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._machine = PythonMachine(model)
        module = self._machine.module
        self._seed = seed
        self._length = length
        self._watch = LimitWatch(limits, also=progress and (lambda: progress(max(self._number, 0))))
        self._deadlock = deadlock
        self._claims = safety_of(module, deadlock)
        self._refinements = [Refinement(self._machine, f.name) for f in module.of_kind(Kind.REFINEMENT)]
        self._constraints = [f.name for f in module.of_kind(Kind.CONSTRAINT)]
        self._telling = FailureExplainer(self._machine, Exploration(self._claims), None)
        self._number: int = -1  # of the run under way
        self._tally = _Tally()  # of that run, or of where runs begin
        self._initial = self._beginnings()
        self._begun = self._tally
        # Where that run started, the steps that it has taken, and what ended it, if it went wrong:
        self._start: Values = self._initial[0]
        self._taken: list[tuple[int, Values, Values]] = []
        self._wrong: _Wrong | StepError | None = None
        self._first: Trace | None = None

    def run(self, runs: int, world: RankWorld) -> Simulation:
        """Walk, in rounds: each process walks its share of one, and then all know which is the first run that went wrong."""
        whole, begun, batch = _Tally(), 0, 1
        wrong, stopped = runs, None
        while begun < runs and wrong == runs and stopped is None:
            end = min(begun + batch * world.size, runs)
            mine, bad, stop = self._share(range(begun + world.rank, end, world.size), runs)
            for theirs, why in world.gather((bad, stop)):
                wrong, stopped = min(wrong, theirs), stopped or why
            for number, tally in mine:
                if number <= wrong:
                    whole.add(tally)
            begun, batch = end, min(2 * batch, MOST_AT_ONCE)
        whole = _of_all(whole, world, self._machine.module)
        whole.add(self._begun)
        if self._first is None:
            if world.rank:
                self._again(0)
            self._first = self._telling.trace(self._start, self._taken)
        violation = self._violation(wrong) if wrong < runs else None
        return self._simulation(runs, whole, violation, None if violation else stopped)

    def _share(self, numbers: Sequence[int], runs: int) -> tuple[list[tuple[int, _Tally]], int, str | None]:
        """What runs met with, by number; which of them went wrong, or `runs` if none did; and what stopped them, if anything."""
        done: list[tuple[int, _Tally]] = []
        try:
            with self._watch.enforced():
                for number in numbers:
                    self._watch.tick()
                    self._tally = _Tally()
                    done.append((number, self._tally))
                    self._walk(number)
                    if not number:
                        self._first = self._telling.trace(self._start, self._taken)
                    if self._wrong is not None:
                        return done, number, None
        except KeyboardInterrupt:
            return done, runs, INTERRUPTED
        except Reached as stop:
            return done, runs, str(stop)
        return done, runs, None

    def _simulation(
        self, asked: int, tally: _Tally, violation: Violation | None, stopped: str | None
    ) -> Simulation:
        machine, model = self._machine, self._machine.model
        assert self._first is not None
        off = switched_off(model)
        return Simulation(
            model=machine.module.name,
            sizes={sort.__name__: size for sort, size in model.scope.sizes.items()},
            parameters=dict(model.scope.parameters),
            seed=self._seed,
            asked=asked,
            length=self._length,
            runs=tally.runs,
            steps=tally.steps,
            longest=tally.longest,
            distinct=len(tally.visited),
            more_distinct=tally.more,
            ended=tally.ended,
            fired={a.name: tally.fired[k] for k, a in enumerate(machine.actions)},
            checked=tuple((c.kind, c.name, c.span) for c in self._claims),
            unchecked=unchecked(machine.module, {c.name for c in safety_of(machine.module, deadlock=False)}),
            bounds=tuple(
                BoundReport(what, action, times, span) for (what, action, span), times in tally.bounds.items()
            ),
            constraints=tuple(ConstraintReport(name, tally.left_out[name]) for name in self._constraints),
            first=self._first,
            violation=violation,
            switched_off=tuple(a.name for a in machine.actions if a.name in off),
            stopped=stopped,
        )

    def _beginnings(self) -> list[Values]:
        """The initial states, each once; the first is where the first run begins if there is none other."""
        found: list[Values] = []
        tally, tick = self._tally, self._watch.tick
        try:
            for state in initial_states(self._machine, self._constraints, tick, tally.bounds, tally.left_out):
                found.append(state)  # noqa: PERF402  # those found before time runs out count
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
        return found

    def _nothing_begins(self) -> ModelError:
        module = self._machine.module
        if self._tally.bounds:
            what, _, span = next(iter(self._tally.bounds))
            return ModelError(
                f"{module.name} has no initial state within its bounds: init exceeds {what}",
                span=span,
                remedy="widen the bound, or choose other sizes",
            )
        leaving = next((f for f in module.of_kind(Kind.CONSTRAINT) if self._tally.left_out[f.name]), None)
        return no_beginning(module, leaving, sum(self._tally.left_out.values()) if leaving else None)

    def _admitted(self, state: Values) -> bool:
        return admitted(self._machine, self._constraints, state, self._tally.left_out)

    # --- one run ---

    def _walk(self, number: int) -> None:
        self._number, self._wrong = number, None
        draws = Draws(self._seed, number)
        self._tally.runs += 1
        state = self._start = self._initial[draws.below(len(self._initial))]
        self._taken = []
        try:
            self._arrive(state, None)
            for _ in range(self._length):
                before, drawn = state, self._draw(state, draws)
                if drawn is None:
                    self._tally.ended += 1
                    return
                state = drawn
                self._arrive(state, before)
        except (_Wrong, StepError) as problem:
            self._wrong = problem

    def _again(self, number: int) -> None:
        """Walk a run that was another process's: here nothing limits it."""
        watch, self._watch, self._tally = self._watch, LimitWatch(), _Tally()
        self._walk(number)
        self._watch = watch

    def _arrive(self, state: Values, before: Values | None) -> None:
        """Count a state and check what is claimed of it, and of the step to it (of a beginning, if there was none)."""
        self._tally.visited.add(state)
        for rank, holds in enumerate(self._answers(state, before)):
            if not holds:
                raise _Wrong(rank)

    def _answers(self, state: Values, before: Values | None) -> Iterator[bool]:
        """Whether each claim holds here, in their order."""
        machine, module = self._machine, self._machine.module
        for invariant in module.of_kind(Kind.INVARIANT):
            yield machine.refuted_by(invariant.name, state) is None
        for claim in module.of_kind(Kind.STEP_INVARIANT):
            yield before is None or machine.step_holds(claim.name, before, state)
        for refinement in self._refinements:
            yield refinement.begins(state) if before is None else refinement.explains(before, state)

    def _draw(self, state: Values, draws: Draws) -> Values | None:
        """Take one of the steps that may be taken, and return where it leads; None if there is none."""
        steps = list(self._machine.each_step(state, self._watch.tick))
        if not steps and self._deadlock:
            raise _Wrong(len(self._claims) - 1)
        while steps:
            # The last one takes the place of the one drawn: what is left is drawn from evenly.
            index = draws.below(len(steps))
            action, arguments, target = steps[index]
            steps[index] = steps[-1]
            steps.pop()
            if isinstance(target, OutOfBounds):
                self._tally.bounds[target.what, self._machine.actions[action].name, target.span] += 1
                continue
            self._taken.append((action, arguments, target))
            if self._admitted(target):
                self._tally.steps += 1
                self._tally.longest = len(self._taken)
                self._tally.fired[action] += 1
                return target
            self._taken.pop()
        return None

    # --- what went wrong ---

    def _violation(self, number: int) -> Violation:
        """The violation that ends a run. Raises EvaluationError, if it ends where the model has no answer."""
        if self._number != number:
            self._again(number)
        assert self._wrong is not None
        if isinstance(self._wrong, StepError):
            raise self._telling.error_in(self._wrong, self._start, self._straight()) from None
        rank = self._wrong.rank
        taken = self._small(rank, self._straight())
        target = taken[-1][2] if taken else None
        failure = Failure(len(taken), rank, 0, self._claims[rank], NOWHERE, target)
        return self._telling.violation_in(failure, self._start, taken)

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
            with self._watch.enforced():
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


def _of_all(mine: _Tally, world: RankWorld, module: Module) -> _Tally:
    """What the runs of all processes met with."""
    if world.size == 1:
        return mine
    whole = _Tally(visited=mine.visited)
    for other in world.gather(replace(mine, visited=set())):
        whole.add(other)
    states, carrier = list(mine.visited), Carrier(module)
    for at in range(0, max(world.gather(len(states))), STATES_AT_ONCE):
        for some in world.gather(carrier.pack(states[at : at + STATES_AT_ONCE])):
            whole.see(carrier.unpack(some))
    return whole
