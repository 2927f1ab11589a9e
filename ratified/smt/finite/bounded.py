"""Bounded model checking, k-induction and induction at a size, by a solver instead of a search.

Guarantees: a counterexample is a shortest one and has been run by the reference machine; `HOLDS` is said only of claims for
which an inductive step was proved for this size, or when no run can be longer; what was not found out is `UNDECIDED`.

Sources: Biere, Cimatti, Clarke, Zhu, "Symbolic Model Checking without BDDs" (TACAS 1999); Sheeran, Singh, Stalmarck, "Checking
Safety Properties Using Induction and a SAT-Solver" (FMCAD 2000).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ratified.language.errors import RatifiedError
from ratified.language.ir import Kind
from ratified.language.machine import Left, PythonMachine, StepError, Values
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.results.counterexample import Counterexample
from ratified.results.result import PropertyKind, Trace, Verdict, Violation
from ratified.results.seen import INTERRUPTED, NOWHERE, Exploration, Failure, Property
from ratified.smt.finite.circuit import FALSE, TRUE
from ratified.smt.finite.expressions import Env, Event
from ratified.smt.finite.solver import SOLVERS, solver_for
from ratified.smt.finite.steps import Moves, Steps, Way
from ratified.smt.finite.symbolic import Members, Slots, Symbolic, Table


@dataclass(frozen=True, slots=True)
class Induction:
    """A run that keeps every claim until its last step breaks one, from a state that may not be reachable."""

    claim: str
    trace: Trace


@dataclass(frozen=True, slots=True)
class Bounded:
    """What was found out.

    No run of at most `steps` steps (None: not even the beginning was decided) violates a claim. `proved_by` is the k of the
    k-induction that proved the claims for runs of every length, `complete` that no run is longer. `induction` is what stands
    in the way of a proof by the largest k that was tried. `seconds` is wall time.
    """

    model: str
    sizes: Mapping[str, int]
    parameters: Mapping[str, object]
    claims: tuple[str, ...]
    verdict: Verdict
    steps: int | None
    violation: Violation | None = None
    proved_by: int | None = None
    complete: bool = False
    induction: Induction | None = None
    stopped: str | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


class _Unknown(Exception):
    """The solver did not answer in time."""


@dataclass(slots=True)
class _Stage:
    """A state of an unrolled run, and how it is left."""

    state: Env
    moves: Moves | None = None
    chosen: tuple[int, ...] = ()


class Unrolled:
    """Runs of growing length from the beginning, or from any state at all (`free`)."""

    def __init__(self, steps: Steps, claims: Sequence[Property], solver: str, *, free: bool) -> None:
        self.steps = steps
        self.solver = solver_for(steps.circuit, solver)
        self.claims = claims
        self.stages: list[_Stage] = []
        self.begun = Moves((), ())
        self.first: tuple[int, ...] = ()
        if free:
            state, condition = steps.any_state()
            self.solver.require(condition)
            self._enter(state)
        else:
            self.begun = steps.beginning()
            self.first = self._choose(self.begun)
            self._enter(steps.chosen(self.begun.ways, self.first) if self.begun.ways else {})

    def _choose(self, moves: Moves) -> tuple[int, ...]:
        """Let just one way be taken, a possible one."""
        circuit = self.steps.circuit
        chosen = tuple(TRUE if len(moves.ways) == 1 else circuit.fresh() for _ in moves.ways)
        self.solver.require(circuit.exactly_one(chosen) if chosen else FALSE)
        for literal, way in zip(chosen, moves.ways, strict=True):
            self.solver.require(circuit.either(-literal, way.possible))
        return chosen

    def _enter(self, state: Env) -> None:
        self.stages.append(_Stage(state))
        if state:
            within, _ = self.steps.within(state)
            self.solver.require(within)

    def leave(self) -> Moves:
        """Return the ways on from the last state."""
        last = self.stages[-1]
        if last.moves is None:
            last.moves = self.steps.moves(last.state)
        return last.moves

    def extend(self) -> None:
        """Make the runs one step longer."""
        moves = self.leave()
        last = self.stages[-1]
        last.chosen = self._choose(moves)
        self._enter(self.steps.chosen(moves.ways, last.chosen) if moves.ways else last.state)

    def fails(self, claim: Property) -> int:
        """Return whether a claim fails in the last state, or of the last step, or has no answer there."""
        state = self.stages[-1].state
        if claim.kind is PropertyKind.DEADLOCK:
            return -self.steps.circuit.some([way.possible for way in self.leave().ways])
        if claim.kind is PropertyKind.INVARIANT:
            holds, events = self.steps.claim(claim.name, state)
        elif len(self.stages) > 1:
            holds, events = self.steps.claim(claim.name, state, self.stages[-2].state)
        else:
            return FALSE
        return self.steps.circuit.some([-holds, *(e.literal for e in events)])

    def run(self, true: Callable[[int], bool]) -> list[tuple[Way | None, Values, Values]]:
        """Return each way taken, its arguments and the state it leads to, in what the solver has found."""
        found: list[tuple[Way | None, Values, Values]] = []
        way = self._taken(self.begun.ways, self.first, true)
        for stage in self.stages:
            arguments: Values = ()
            if way is not None and way.action is not None:
                arguments = tuple(
                    self.steps.value(v, a.type, true)
                    for v, a in zip(way.arguments, way.action.arguments, strict=True)
                )
            found.append((way, arguments, self.steps.known(stage.state, true)))
            way = self._taken(stage.moves.ways, stage.chosen, true) if stage.moves and stage.chosen else None
        return found

    @staticmethod
    def _taken(ways: Sequence[Way], chosen: Sequence[int], true: Callable[[int], bool]) -> Way | None:
        return next((way for literal, way in zip(chosen, ways, strict=False) if true(literal)), None)


class _Search:
    """One call of `bounded`; `found` is what is known so far."""

    def __init__(self, model: Model, claims: Sequence[Property], solver: str, seconds: float | None) -> None:
        self._until = None if seconds is None else time.perf_counter() + seconds
        self.steps = Steps(model, self._left)
        self.machine = PythonMachine(model)
        self.claims = claims
        self.solver = solver
        self.bound_left = False
        self.found = Bounded(
            model.module.name,
            {sort.__name__: size for sort, size in model.scope.sizes.items()},
            dict(model.scope.parameters),
            tuple(claim.name for claim in claims),
            Verdict.UNDECIDED,
            None,
        )

    def base(self, depth: int, progress: Callable[[int], None] | None) -> None:
        """Look for a violation, run by run."""
        for _ in self._longer_and_longer(depth, progress):
            pass

    def both(self, depth: int, progress: Callable[[int], None] | None) -> None:
        """Look for a violation, and for a proof that there is none."""
        free = Unrolled(self.steps, self.claims, self.solver, free=True)
        for length in self._longer_and_longer(depth, progress):
            if length == 0:
                continue
            self._keep(free)
            free.extend()
            for earlier in free.stages[:-1]:  # a shortest run meets no state twice
                free.solver.require(-self.steps.equal(earlier.state, free.stages[-1].state))
            against = self._inductive(free)
            self.found = replace(self.found, induction=against)
            if against is None:
                self._keep(free)
                left = self._may_leave(free)
                verdict, notes = Verdict.HOLDS, self.found.notes
                if left:
                    verdict = Verdict.UNDECIDED
                    notes = (*notes, f"{left} may be left: of what lies beyond nothing is known")
                self.found = replace(self.found, verdict=verdict, proved_by=length, notes=notes)
                return

    def _longer_and_longer(self, depth: int, progress: Callable[[int], None] | None) -> Iterator[int]:
        """Yield each length of runs of which none violates a claim; end where one does, or there are none so long."""
        runs = Unrolled(self.steps, self.claims, self.solver, free=False)
        if any(e.error for e in runs.begun.events):
            self.machine.initial()  # raises what is wrong
        for length in range(depth + 1):
            if progress:
                progress(length)
            violation = self._violated(runs)
            if violation:
                self.found = replace(
                    self.found, verdict=Verdict.VIOLATED, violation=violation, induction=None
                )
                return
            self.found = replace(self.found, steps=length)
            if not self._ask(runs):
                verdict = Verdict.UNDECIDED if self.bound_left else Verdict.HOLDS
                self.found = replace(self.found, verdict=verdict, complete=True, induction=None)
                return
            yield length
            if length < depth and self.found.verdict is Verdict.UNDECIDED:
                events = runs.leave().events
                self._stuck(runs, events)
                self._note_bounds(runs, events)
                self._keep(runs)
                runs.extend()

    def _note_bounds(self, runs: Unrolled, events: Sequence[Event]) -> None:
        left = [e for e in events if not e.error]
        if left and not self.bound_left and self._ask(runs, self.steps.circuit.some(e.literal for e in left)):
            self.bound_left = True
            what = next(e.message for e in left if runs.solver.true(e.literal))
            self.found = replace(
                self.found, notes=(*self.found.notes, f"{what} is left: beyond it nothing is known")
            )

    def _may_leave(self, free: Unrolled) -> str | None:
        left = [e for e in free.leave().events if not e.error]
        if not left or not self._ask(free, self.steps.circuit.some(e.literal for e in left)):
            return None
        return next(e.message for e in left if free.solver.true(e.literal))

    def _left(self) -> float | None:
        """Seconds that are left. Raises _Unknown if none are."""
        if self._until is None:
            return None
        rest = self._until - time.perf_counter()
        if rest <= 0:
            raise _Unknown
        return rest

    def _ask(self, unrolled: Unrolled, *literals: int) -> bool:
        """Return whether there is such a run. Raises _Unknown."""
        answer = unrolled.solver.check(literals, self._left())
        if answer is None:
            raise _Unknown
        return answer

    # --- from the beginning ---

    def _violated(self, unrolled: Unrolled) -> Violation | None:
        """Return a violation in the last state or step of a run, if there is one. Raises EvaluationError."""
        fails = [(claim, unrolled.fails(claim)) for claim in self.claims]
        if not self._ask(unrolled, self.steps.circuit.some([literal for _, literal in fails])):
            return None
        # The claim that comes first, as in a search.
        for claim, literal in fails:
            if self._ask(unrolled, literal):
                return self._told(unrolled, claim)
        raise AssertionError(fails)

    def _stuck(self, unrolled: Unrolled, events: Sequence[Event]) -> None:
        """Raise the EvaluationError that a run comes upon, if one does."""
        errors = [e.literal for e in events if e.error]
        if errors and self._ask(unrolled, self.steps.circuit.some(errors)):
            start, steps = self._rerun(unrolled)
            try:
                self.machine.steps(steps[-1][2] if steps else start)
            except StepError as problem:
                raise self._teller().error_in(problem, start, steps) from None
            raise _disagreement(self.steps.module.name)

    def _told(self, unrolled: Unrolled, claim: Property) -> Violation:
        start, steps = self._rerun(unrolled)
        last = steps[-1][2] if steps else start
        teller = self._teller()
        try:
            wrong = self._wrong(claim, start if len(steps) < 2 else steps[-2][2], last, bool(steps))
        except StepError as problem:
            raise teller.error_in(problem, start, steps) from None
        if not wrong:
            raise _disagreement(self.steps.module.name)
        target = last if claim.kind is PropertyKind.STEP_INVARIANT else None
        return teller.violation_in(Failure(len(steps), 0, 0, claim, NOWHERE, target), start, steps)

    def _wrong(self, claim: Property, before: Values, last: Values, moved: bool) -> bool:
        """Return whether the reference machine says so too."""
        if claim.kind is PropertyKind.DEADLOCK:
            return not any(not isinstance(t, Left) for _, _, t in self.machine.steps(last))
        if claim.kind is PropertyKind.INVARIANT:
            return self.machine.refuted_by(claim.name, last) is not None
        return moved and not self.machine.step_holds(claim.name, before, last)

    def _teller(self) -> Counterexample:
        return Counterexample(self.machine, Exploration(tuple(self.claims)), None)

    def _rerun(self, unrolled: Unrolled) -> tuple[Values, list[tuple[int, Values, Values]]]:
        """Take the run that the solver has found with the reference machine."""
        (_, _, start), *rest = unrolled.run(unrolled.solver.true)
        if start not in [state for _, state in self.machine.initial()]:
            raise _disagreement(self.steps.module.name)
        taken: list[tuple[int, Values, Values]] = []
        state = start
        for way, arguments, target in rest:
            assert way is not None
            assert way.action is not None
            for step in self.machine.steps(state):
                index, given, reached = step
                if (
                    self.machine.actions[index].name == way.action.name
                    and given == arguments
                    and reached == target
                ):
                    taken.append((index, given, target))
                    break
            else:
                raise _disagreement(self.steps.module.name)
            state = target
        return start, taken

    # --- by induction ---

    def _inductive(self, unrolled: Unrolled) -> Induction | None:
        """Return what stands in the way of the claims being inductive over so many steps; None if they are.

        All claims hold in all states but the last and of all steps but the last; does the last keep them?
        """
        moves = unrolled.stages[-2].moves
        assert moves is not None
        fails = [(claim, unrolled.fails(claim)) for claim in self.claims]
        bad = [literal for _, literal in fails] + [e.literal for e in moves.events if e.error]
        some_bad = self.steps.circuit.some(bad)
        if not self._ask(unrolled, some_bad):
            return None
        self._shrink(unrolled, some_bad)
        claim = next(
            (c.name for c, literal in fails if unrolled.solver.true(literal)), "the computation of a step"
        )
        (_, _, start), *rest = unrolled.run(unrolled.solver.true)
        numbers = {action.name: index for index, action in enumerate(self.machine.actions)}
        taken = [(numbers[way.action.name], given, state) for way, given, state in rest if way and way.action]
        return Induction(claim, self._teller().trace(start, taken))

    def _shrink(self, unrolled: Unrolled, bad: int) -> None:
        """Let the solver end on a run whose first state has sets and bags as small as can be: with nothing left that may go."""
        kept = [bad]
        for literal in self._memberships(unrolled.stages[0].state):
            if not unrolled.solver.true(literal) or self._ask(unrolled, *kept, -literal):
                kept.append(-literal)
            else:
                kept.append(literal)
                self._ask(unrolled, *kept)

    def _memberships(self, state: Env) -> list[int]:
        """Return what says of each element that it is in a set or bag."""
        found: list[int] = []
        stack: list[Symbolic] = list(state.values())
        while stack:
            match stack.pop():
                case Members(_, counts):
                    found += [self.steps.algebra.longer(count, 0) for count in counts.values()]
                case Slots(_, slots):
                    found += [used for used, _ in slots]
                case Table(entries):
                    stack += entries.values()
        return found

    def _keep(self, unrolled: Unrolled) -> None:
        """Take every claim to hold in the last state, and of the last step."""
        for claim in self.claims:
            unrolled.solver.require(-unrolled.fails(claim))


def _disagreement(model: str) -> RatifiedError:
    return RatifiedError(
        f"the solver and the reference machine disagree about {model}",
        remedy="this is a fault in Ratified: please report it with the model",
    )


def bounded(
    model: Model,
    depth: int = 20,
    *,
    claims: Sequence[str] | None = None,
    induction: bool = False,
    deadlock: bool = False,
    solver: str = SOLVERS[0],
    seconds: float | None = None,
    progress: Callable[[int], None] | None = None,
) -> Bounded:
    """Look for a shortest run of at most `depth` steps that violates a claim; with `induction`, for a proof that none does.

    The claims are invariants and step invariants (all of the model's by default); with `deadlock` also that some step is
    always possible. Every constraint bounds the runs, as in `check`. Induction is over k = 1, 2, ... up to `depth` steps,
    from states of which nothing is known but that all claims hold: with k = 1 it says whether the claims together are
    inductive at this size. `solver` is "sat" or "z3".

    Raises:
        EvaluationError: a run comes upon an operation without an answer.
        TooLarge: the model cannot be made a circuit at this size.
        RatifiedError: z3 is missing; an unknown claim, or one that is not of these kinds.
    """
    started = time.perf_counter()
    asked = properties(model, claims, deadlock=deadlock)
    search = _Search(model, asked, solver, seconds)
    try:
        with running(model.scope):
            (search.both if induction else search.base)(depth, progress)
    except _Unknown:
        why = "the solver gave up" if seconds is None else f"the limit of {seconds:g} seconds"
        search.found = replace(search.found, stopped=why)
    except KeyboardInterrupt:
        search.found = replace(search.found, stopped=INTERRUPTED)
    return replace(search.found, seconds=time.perf_counter() - started)


def properties(model: Model, claims: Sequence[str] | None, *, deadlock: bool = False) -> tuple[Property, ...]:
    """Return the claims that are asked about. Raises RatifiedError for one that there is not, or that is of another kind."""
    kinds = {Kind.INVARIANT: PropertyKind.INVARIANT, Kind.STEP_INVARIANT: PropertyKind.STEP_INVARIANT}
    module = model.module
    known = {
        f.name: Property(kinds[f.kind], f.name, f.span)
        for f in module.functions.values()
        if f.key == f.name and f.kind in kinds
    }
    chosen = list(known) if claims is None else list(dict.fromkeys(claims))
    for name in chosen:
        if name not in known:
            other = name in module.functions
            raise RatifiedError(
                f"{name} of {module.name} is no invariant and no step invariant"
                if other
                else f"{module.name} claims nothing called {name!r}",
                remedy=f"there are: {', '.join(known) or 'none'}",
            )
    asked = [known[name] for name in chosen]
    if deadlock:
        asked.append(Property(PropertyKind.DEADLOCK, "deadlock", None))
    if not asked:
        raise RatifiedError(
            f"{module.name} has nothing to be asked: no invariant and no step invariant",
            span=module.span,
            remedy="write a method with @invariant, or ask for deadlock",
        )
    return tuple(asked)
