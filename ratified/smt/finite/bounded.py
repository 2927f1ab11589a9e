"""Bounded model checking, k-induction and induction at a size, by a solver instead of a search.

Guarantees: a counterexample is a shortest one and has been run by the reference machine; `HOLDS` is said only of claims for
which an inductive step was proved for this size, or when no run can be longer; what was not found out is `UNDECIDED`.

Why k-induction is sound here. Something is *wrong* with a run of n steps if an invariant is false in its last state or has no
answer there, if a step invariant is false of its last step or has no answer, if no step is possible in its last state (where
that is asked), if some step from its last state has no answer, or if a constraint has none. Suppose something is wrong with
some run; take one of the fewest steps, s0 ... sn. Then

1. nothing is wrong with any shorter run, so with none of its beginnings: s0 ... s(n-1) keep every claim, and so do the steps
   between them;
2. s0, ..., s(n-1) are pairwise different. If si = sj for i < j < n, leaving s(i+1) ... sj out gives a shorter run that ends in
   the same state, by the same step;
3. sn differs from all of them if what is wrong is wrong with the state sn. If it is wrong with the step from s(n-1) to sn, which
   is all that a step invariant speaks of, then sn may be any state: a step that changes nothing, or that closes a circle, may
   well be the first that is wrong.

The base case says that nothing is wrong with runs of at most k steps, so n > k, and the last k + 1 states of the run are a path
as in 1 to 3 whose first state is any state at all. The inductive step asks for such a path; if there is none, nothing is wrong
with any run. So it takes the states before the last to differ, and the last from them for what is wrong with a state only. (To
let all states differ is sound for invariants, as in Sheeran, Singh and Stalmarck, section 3.2, and is not for step invariants.)
The states of the path satisfy every constraint, as all states of a run do; leaving a state out of a run leaves the others in.

Bounds: a step that would leave a bound is not taken, and what lies beyond is not known, so that a proof that is otherwise one is
`UNDECIDED` where a reachable state has such a step. States that fewer than k steps reach are asked in the base case, all others
as the last of the path. Initial states: there must be one, or nothing was claimed of anything, which is an error as in `check`.

Sources: Biere, Cimatti, Clarke, Zhu, "Symbolic Model Checking without BDDs" (TACAS 1999); Sheeran, Singh, Stalmarck, "Checking
Safety Properties Using InductionGap and a SAT-Solver" (FMCAD 2000).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from ratified.language.claims import Unchecked, claims_of, unchecked
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.ir import Kind
from ratified.language.kinds import refuse_other_types
from ratified.language.machine import PythonMachine, StepError, Values
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.values import Seq
from ratified.results.background import Background
from ratified.results.beginning import no_beginning
from ratified.results.counterexample import FailureExplainer
from ratified.results.limits import LimitWatch, Reached
from ratified.results.result import Decided, Limits, PropertyKind, Trace, Verdict, Violation
from ratified.results.seen import INTERRUPTED, NOWHERE, Exploration, Failure, Property
from ratified.smt.finite.context import Hazard, SymbolicEnv
from ratified.smt.finite.solver import SOLVERS, BooleanSolver
from ratified.smt.finite.steps import CircuitSteps
from ratified.smt.finite.symbolic import Cases, Multiplicities, SlotList, Symbolic
from ratified.smt.finite.unrolled import Unrolled
from ratified.smt.kinds import TYPES

KINDS = {Kind.INVARIANT: PropertyKind.INVARIANT, Kind.STEP_INVARIANT: PropertyKind.STEP_INVARIANT}
"""The kinds of claims that are checked."""


@dataclass(frozen=True, slots=True)
class InductionGap:
    """A run, from a state that need not be reachable, that satisfies every claim until its last step violates one."""

    claim: str
    trace: Trace


@dataclass(frozen=True, slots=True)
class Bounded(Decided):
    """The result of `bounded`.

    No run of at most `steps` steps (None: not even the initial states were decided) violates a claim. `proved_by` is the k of
    the k-induction that proved the claims for runs of every length; `complete` says that no run is longer. `induction` is the
    obstacle to a proof with the largest k tried. `unchecked` are claims of other kinds. `seconds` is wall time.
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
    induction: InductionGap | None = None
    stopped: str | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()


class _Unknown(Exception):
    """The solver did not answer in time."""


class _BoundedSearch:
    """One call of `bounded`; `found` is what is known so far."""

    def __init__(self, model: Model, claims: Sequence[Property], solver: str, watch: LimitWatch) -> None:
        self._watch = watch
        self._asked: BooleanSolver | None = None
        self.steps = CircuitSteps(model)
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
        free = Unrolled(self.steps, self.solver, free=True)
        for length in self._longer_and_longer(depth, progress):
            if length == 0:
                continue
            free.keep(self.claims)
            free.extend()
            fresh = free.fresh()
            against = self._inductive(free, fresh)
            self.found = replace(self.found, induction=against)
            free.solver.require(fresh)  # for it is an earlier state from here on
            if against is None:
                free.keep(self.claims)
                self._note_bounds(free.solver, free.bounds(), "may be")
                verdict = Verdict.UNDECIDED if self.bound_left else Verdict.HOLDS
                self.found = replace(self.found, verdict=verdict, proved_by=length)
                return

    def _longer_and_longer(self, depth: int, progress: Callable[[int], None] | None) -> Iterator[int]:
        """Yield each length of runs with none of which anything is wrong; end where something is, or there are none so long."""
        runs = Unrolled(self.steps, self.solver, free=False)
        self._note_bounds_of_beginning(runs)
        for length in range(depth + 1 if runs.begun.ways else 0):
            if progress:
                progress(length)
            self._undefined(runs)
            violation = self._violated(runs)
            if violation:
                self.found = replace(
                    self.found, verdict=Verdict.VIOLATED, violation=violation, induction=None
                )
                return
            if not self._ask(runs):
                if not length:
                    break
                verdict = Verdict.UNDECIDED if self.bound_left else Verdict.HOLDS
                self.found = replace(self.found, steps=length, verdict=verdict, complete=True, induction=None)
                return
            self.found = replace(self.found, steps=length)
            yield length
            if length < depth and self.found.verdict is Verdict.UNDECIDED:
                self._stuck(runs)
                self._note_bounds(runs.solver, runs.bounds())
                runs.keep(self.claims)
                runs.extend()
        if self.found.steps is None and not self.bound_left:
            raise self._nothing_begins()

    def _note_bounds_of_beginning(self, runs: Unrolled) -> None:
        """Note that init leaves a bound, if it does, which may be all that it does. Raises what is wrong with the beginning."""
        if any(e.error for e in runs.begun.events):
            self.machine.initial()  # raises what is wrong
        if left := [e for e in runs.begun.events if not e.error]:
            self._note_bounds(BooleanSolver(self.steps.circuit, self.solver), left)

    def _nothing_begins(self) -> ModelError:
        """The error; it names the first constraint that leaves out what is left of the initial states."""
        begun = Unrolled(self.steps, self.solver, free=False, constrained=False)
        module, admitted = self.steps.module, list[int]()
        if not begun.begun.ways or not self._ask(begun):
            return no_beginning(module, None)
        for constraint in module.of_kind(Kind.CONSTRAINT):
            admitted.append(self.steps.claim(constraint.name, begun.stages[0].state)[0])
            if not self._ask(begun, *admitted):
                return no_beginning(module, constraint)
        raise _disagreement(module.name)

    def _note_bounds(self, solver: BooleanSolver, left: Sequence[Hazard], how: str = "is") -> None:
        """Note that a bound is left, if one of these is, and none is noted yet."""
        if not left or self.bound_left:
            return
        if self._solved(solver, self.steps.circuit.some(e.literal for e in left)):
            self.bound_left = True
            what = next(e.message for e in left if solver.true(e.literal))
            note = f"{what} {how} exceeded: nothing is known beyond it"
            self.found = replace(self.found, notes=(*self.found.notes, note))

    def interrupt(self) -> None:
        """Let a question that a solver is at end; for another thread."""
        if self._asked is not None:
            self._asked.interrupt()

    def _ask(self, unrolled: Unrolled, *literals: int) -> bool:
        """Return whether there is such a run. Raises _Unknown."""
        return self._solved(unrolled.solver, *literals)

    def _solved(self, solver: BooleanSolver, *literals: int) -> bool:
        """Return whether all of these can be. Raises _Unknown."""
        if self._watch.over:
            raise _Unknown
        self._asked = solver
        answer = solver.check(literals, self._watch.left)
        if answer is None:
            raise _Unknown
        return answer

    # --- from the beginning ---

    def _violated(self, unrolled: Unrolled) -> Violation | None:
        """Return a violation in the last state or step of a run, if there is one. Raises EvaluationError."""
        asked = [c for c in self.claims if c.kind is not PropertyKind.DEADLOCK]
        found = self._first_violated(unrolled, asked) if asked else None
        if found is None and len(asked) < len(self.claims):
            self._stuck(unrolled)  # before anything is said of the steps from this state, as in a search
            found = self._first_violated(unrolled, self.claims[len(asked) :])
        return found

    def _first_violated(self, unrolled: Unrolled, claims: Sequence[Property]) -> Violation | None:
        fails = [(claim, unrolled.fails(claim)) for claim in claims]
        if not self._ask(unrolled, self.steps.circuit.some([literal for _, literal in fails])):
            return None
        # The claim that comes first, as in a search.
        for claim, literal in fails:
            if self._ask(unrolled, literal):
                return self._told(unrolled, claim)
        raise AssertionError(fails)

    def _stuck(self, unrolled: Unrolled) -> None:
        """Raise the EvaluationError that a step from the last state of a run comes upon, if one does."""
        if self._ask(unrolled, unrolled.stuck()):
            self._raise_from(unrolled, self.machine.steps)

    def _undefined(self, unrolled: Unrolled) -> None:
        """Raise the EvaluationError of a constraint in the last state of a run, if one has no answer."""
        if self._ask(unrolled, unrolled.undefined):
            constraints = [f.name for f in self.steps.module.of_kind(Kind.CONSTRAINT)]
            self._raise_from(unrolled, lambda state: [self.machine.refuted_by(c, state) for c in constraints])

    def _raise_from(self, unrolled: Unrolled, compute: Callable[[Values], object]) -> NoReturn:
        start, steps = self._rerun(unrolled)
        try:
            compute(steps[-1][2] if steps else start)
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
            return not self.machine.steps(last)
        if claim.kind is PropertyKind.INVARIANT:
            return self.machine.refuted_by(claim.name, last) is not None
        return moved and not self.machine.step_holds(claim.name, before, last)

    def _teller(self) -> FailureExplainer:
        return FailureExplainer(self.machine, Exploration(tuple(self.claims)), None)

    def _taken(self, unrolled: Unrolled) -> tuple[Values, list[tuple[int, Values, Values]]]:
        """Take the run that the solver has found with the reference machine."""
        start, *rest = unrolled.states()
        taken: list[tuple[int, Values, Values]] = []
        for state, target in itertools.pairwise([start, *rest]):
            step = next(((i, given, to) for i, given, to in self.machine.steps(state) if to == target), None)
            if step is None:
                raise _disagreement(self.steps.module.name)
            taken.append((step[0], step[1], target))
        return start, taken

    def _rerun(self, unrolled: Unrolled) -> tuple[Values, list[tuple[int, Values, Values]]]:
        """Take a run from the beginning with the reference machine."""
        start, taken = self._taken(unrolled)
        if start not in [state for _, state in self.machine.initial()]:
            raise _disagreement(self.steps.module.name)
        return start, taken

    # --- by induction ---

    def _inductive(self, free: Unrolled, fresh: int) -> InductionGap | None:
        """Return what stands in the way of the claims being inductive over so many steps; None if nothing does.

        Nothing is wrong before the last state and step. Where only that state can be wrong, it is `fresh`: none of the others.
        """
        circuit = self.steps.circuit
        wrong = [("the computation of a constraint", circuit.both(fresh, free.undefined))]
        for claim in self.claims:
            of_step = claim.kind is PropertyKind.STEP_INVARIANT
            literal = free.fails(claim)
            wrong.append((claim.name, literal if of_step else circuit.both(fresh, literal)))
        some = circuit.some(literal for _, literal in wrong)
        if not self._ask(free, some):
            some = circuit.every([fresh, -free.undefined, free.stuck()])
            wrong = [("the computation of a step", some)]
            if not self._ask(free, some):
                return None
        self._shrink(free, some)
        claimed = next(name for name, literal in wrong if free.solver.true(literal))
        return InductionGap(claimed, self._teller().trace(*self._taken(free)))

    def _shrink(self, unrolled: Unrolled, bad: int) -> None:
        """Let the solver end on a run whose first state has sets and bags as small as can be: with nothing left that may go."""
        kept = [bad]
        for literal in self._memberships(unrolled.stages[0].state):
            if not unrolled.solver.true(literal) or self._ask(unrolled, *kept, -literal):
                kept.append(-literal)
            else:
                kept.append(literal)
                self._ask(unrolled, *kept)

    def _memberships(self, state: SymbolicEnv) -> list[int]:
        """Return what says of each element that it is in a set or bag."""
        found: list[int] = []
        stack: list[Symbolic] = list(state.values())
        while stack:
            match stack.pop():
                case Multiplicities(_, counts):
                    found += [self.steps.algebra.longer(count, 0) for count in counts.values()]
                case SlotList(kind, slots) if kind is not Seq:
                    found += [used for used, _ in slots]
                case Cases(cases):
                    for _, parts in cases.values():
                        stack += parts
        return found


def _disagreement(model: str) -> RatifiedError:
    return RatifiedError(
        f"the solver and the reference machine disagree about {model}",
        remedy="this is a bug in Ratified: please report it with the model",
    )


def bounded(
    model: Model,
    length: int = 20,
    *,
    claims: Collection[str] | None = None,
    induction: bool = False,
    deadlock: bool = False,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    solver: str = SOLVERS[0],
    progress: Callable[[int], None] | None = None,
) -> Bounded:
    """Search for a shortest run of at most `length` steps that violates a claim; with `induction`, also for a proof.

    The claims are invariants and step invariants (all of the model's by default); with `deadlock`, also that every state has
    a successor. Every constraint bounds the runs, as in `check`. Induction is for k = 1, 2, ... up to `length` steps, from
    any states in which all claims hold: with k = 1 it decides whether the claims together are inductive at this size.
    `limits` may have seconds and memory. `solver` is "sat" or "z3". `progress` is called with the length of the runs being
    searched.

    Raises:
        EvaluationError: a run reaches an operation without a value.
        TooLarge: the model at this size is too large for a circuit.
        RatifiedError: z3 is missing; an unknown claim, or one of another kind; a limit of another kind.
    """
    refuse_other_types(model.module, TYPES, "bounded model checking")
    limits.only("bounded model checking", "seconds", "memory")
    watch = LimitWatch(limits)
    asked = properties(model, claims, deadlock=deadlock)
    search = _BoundedSearch(model, asked, solver, watch)

    def work() -> None:
        with running(model.scope):
            (search.both if induction else search.base)(length, progress)

    # Circuits are made and handed to a solver for long whiles in which nothing is asked.
    under_way = Background(work, search.interrupt)
    try:
        under_way.attend(watch.tick)
        under_way.result()
    except _Unknown:
        why = "the solver gave up" if limits.seconds is None else watch.time_limit()
        search.found = replace(search.found, stopped=why)
    except Reached as stop:
        search.found = replace(search.found, stopped=str(stop))
    except KeyboardInterrupt:
        search.found = replace(search.found, stopped=INTERRUPTED)
    of_these = {f.name for f in claims_of(model.module) if f.kind in KINDS}
    left_out = unchecked(model.module, of_these) if claims is None else ()
    return replace(search.found, unchecked=left_out, seconds=watch.seconds)


def properties(
    model: Model, claims: Collection[str] | None, *, deadlock: bool = False
) -> tuple[Property, ...]:
    """Return the claims that are asked about. Raises RatifiedError for one that there is not, or that is of another kind."""
    module = model.module
    known = {f.name: Property(KINDS[f.kind], f.name, f.span) for f in claims_of(module) if f.kind in KINDS}
    chosen = list(known) if claims is None else list(dict.fromkeys(claims))
    for name in chosen:
        if name not in known:
            other = name in module.functions
            raise RatifiedError(
                f"{name} of {module.name} is neither an invariant nor a step invariant"
                if other
                else f"{module.name} has no claim {name!r}",
                remedy=f"there are: {', '.join(known) or 'none'}",
            )
    asked = [known[name] for name in chosen]
    if deadlock:
        asked.append(Property(PropertyKind.DEADLOCK, "deadlock", None))
    if not asked:
        raise RatifiedError(
            f"{module.name} claims nothing that a solver can check: it has no invariant and no step invariant",
            span=module.span,
            remedy="write a method with @invariant, or ask for deadlock",
        )
    return tuple(asked)
