"""The reference search: breadth first over full states, exact and deterministic.

Guarantees: a state is looked up by its whole content, so no two are ever taken for one; states are numbered in breadth-first
order, so each level is a stretch of numbers; a level in which something goes wrong is expanded to its end, and of all that went
wrong in it what has the shortest run is kept (then an evaluation error before a violation, then the property that comes first,
then what was met first). So every count and the counterexample are the same on every run, and those of an explorer that works
on a level in parallel can be compared with them.

Order of judgement of a successor: it is counted (`generated`, `fired`); a state that some constraint leaves out goes no further:
it is neither counted as distinct, nor checked, nor expanded, and step invariants and refinements are not asked about the step
into it (TLC does check invariants there; here a constraint bounds the claim as well); if the state is new, invariants are asked
about it; step invariants and refinements are asked about the step. A state that violates an invariant is counted like any other.
"""

from __future__ import annotations

import gc
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from ratified.explore.symmetry import Symmetry
from ratified.language.ir import Kind, Module
from ratified.language.machine import Machine, OutOfBounds, StepError, Values
from ratified.language.refinement import Refinement
from ratified.results.limits import LimitWatch, Reached
from ratified.results.plainest import Layers
from ratified.results.result import Limits, Progress, PropertyKind
from ratified.results.seen import INTERRUPTED, NOWHERE, Exploration, Failure, NumberedEdge, Property

if TYPE_CHECKING:
    from ratified.explore.reduction import MachineStep, Reducing

_LEFT_OUT = -1
"""A state that constraint number i leaves out is remembered as _LEFT_OUT - i."""

_FRESH = -(2**62)
"""Not seen before."""

_BETWEEN_REPORTS = 0.2

AT_ONCE = 1024
"""So many steps of a state are computed before the first of them is followed."""


class Search:
    """One search of one machine. `run` may be called once."""

    def __init__(
        self,
        machine: Machine,
        *,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        symmetry: Symmetry | None = None,
        reduction: Reducing | None = None,
        deadlock: bool = False,
        progress: Callable[[Progress], None] | None = None,
        keep_edges: bool = False,
        watch: LimitWatch | None = None,
    ) -> None:
        """`watch` is over time and memory if it is not to begin now; depth and states are those of `limits`."""
        module = machine.module
        self._machine = machine
        self._limits = limits
        self._watch = watch or LimitWatch(limits)
        self._canonical = symmetry.canonical if symmetry else None
        self._reduction = reduction
        self._progress = progress
        self._invariants = module.of_kind(Kind.INVARIANT)
        self._step_invariants = module.of_kind(Kind.STEP_INVARIANT)
        self._constraints = module.of_kind(Kind.CONSTRAINT)
        self._refinements = [Refinement(machine, f.name) for f in module.of_kind(Kind.REFINEMENT)]
        self._deadlock = deadlock
        self.found = Exploration(safety_of(module, deadlock), edges=[] if keep_edges else None)
        self.found.fired = [0] * len(machine.actions)
        self.found.new = [0] * len(machine.actions)
        self.found.left_out = [0] * len(self._constraints)
        self._seen: dict[Values, int] = {}
        self._shared: list[dict[object, object]] = [{} for _ in module.variables]
        self._position = 0
        self._closed = False
        self._end = 0
        self._first: array[int] = array(
            "q"
        )  # of the states on the level to come: the first of the actions that lead there
        # Steps from one level to the next, by the numbers of their states: level after level, since sources come in order.
        self._sources: array[int] = array("q")
        self._targets: array[int] = array("q")
        self._showing: set[int] = set()  # the states that show the failure, or from which a step does
        self._expanding = 0
        self._next_report = _BETWEEN_REPORTS

    def run(self) -> Exploration:
        """Search until all is seen, something went wrong, or a limit is reached; an interrupt counts as a limit."""
        with _no_cycles():
            try:
                with self._watch.enforced():
                    self._begin()
                    self._expand_levels()
            except Reached as stop:
                self.found.stopped = str(stop)
            except KeyboardInterrupt:
                self.found.stopped = INTERRUPTED
            except MemoryError:
                self._seen.clear()  # so that there is room to tell what was found
                self.found.stopped = "the memory that the system gives this process"
        if len(self.found.states) > self._end:
            self.found.levels.append(self._end)  # a level that was found, and not begun
        if self.found.failure is not None and self.found.failure.problem is None:
            self.found.layers = self._layers(self.found.failure)
        return self.found

    def _layers(self, failure: Failure) -> Layers:
        """The states of all shortest runs to a failure: those that show it, and back from these what leads there."""
        levels = [self._showing]
        at = len(self._sources) - 1
        for first in reversed(self.found.levels[: failure.length - (failure.target is not None) - 1]):
            behind, here = levels[-1], set[int]()
            while at >= 0 and self._sources[at] >= first:
                if self._targets[at] in behind:
                    here.add(self._sources[at])
                at -= 1
            levels.append(here)
        levels.reverse()
        return _Layers(levels, self._seen, self._canonical)

    # --- levels ---

    def _begin(self) -> None:
        """The initial states: level 1."""
        try:
            with closing(self._machine.each_initial(self._look_around)) as initial:
                while several := list(islice(initial, AT_ONCE)):
                    self._begin_with(several)
        except StepError as problem:
            self._fail(0, None, NOWHERE, problem=problem)

    def _begin_with(self, initial: list[tuple[Values, Values | OutOfBounds]]) -> None:
        found = self.found
        for _, state in initial:
            if isinstance(state, OutOfBounds):
                found.bounds[state.what, "init", state.span] += 1
                continue
            found.generated += 1
            canonical = self._canonical(state) if self._canonical else state
            number = self._seen.get(canonical, _FRESH)
            if number == _FRESH:
                number = self._admit(canonical, NOWHERE, None)
            if number >= 0:
                self._judge_beginning(state, number)
            else:
                self._leave_out(number)

    def _expand_levels(self) -> None:
        found, limit = self.found, self._limits.depth
        first, end = 0, len(found.states)
        while first < end and found.failure is None:
            found.levels.append(first)
            self._end = end
            if limit is not None and len(found.levels) >= limit:
                self._expand_last(first, end)
            else:
                self._expand_level(first, end)
            first, end = end, len(found.states)

    def _credit(self) -> None:
        """The states of a level are counted for the first of the actions, in the model's order, that lead there."""
        for action in self._first:
            self.found.new[action] += 1
        del self._first[:]

    def _expand_last(self, first: int, end: int) -> None:
        """Expand the level at the depth limit. Counts are kept if nothing new lies behind it: then the search is complete."""
        found = self.found
        edges = None if found.edges is None else len(found.edges)
        before = (
            found.generated,
            list(found.fired),
            Counter(found.bounds),
            list(found.left_out),
            found.degrees,
        )
        self._closed = True
        try:
            self._expand_level(first, end)
        except Reached:
            found.generated, found.fired, found.bounds, found.left_out, found.degrees = before
            found.failure = None
            if found.edges is not None:
                del found.edges[edges:]
            raise

    def _expand_level(self, first: int, end: int) -> None:
        try:
            for number in range(first, end):
                self._expanding = number
                self._look_around()
                self._expand(number)
        finally:
            self._credit()

    def _look_around(self) -> None:
        """Look at the limits, and report. Raises Reached."""
        self._watch.tick()
        if self._progress and (seconds := self._watch.seconds) >= self._next_report:
            self._next_report = seconds + _BETWEEN_REPORTS
            found = self.found
            distinct = len(found.states)
            queue = distinct - self._expanding
            self._progress(Progress(distinct, found.generated, len(found.levels), queue, seconds))

    # --- states and steps ---

    def _expand(self, number: int) -> None:
        """Take every step of a state: some at once, so that those of a state that has very many need not all be held."""
        found, before, some = self.found, self.found.generated, False
        asked: set[Values] | None = set() if self._step_invariants or self._refinements else None
        try:
            with closing(self._machine.each_step(found.states[number], self._look_around)) as source:
                while steps := list(islice(source, AT_ONCE if self._reduction is None else None)):
                    some = True
                    self._take(number, self._chosen(number, steps), asked)
        except StepError as problem:
            self._fail(len(found.levels), None, number, problem=problem)
            return
        if not some and self._deadlock:
            self._fail(len(found.levels), len(found.properties) - 1, number)
        degree = found.generated - before
        expanded, least, total, most = found.degrees
        found.degrees = (
            expanded + 1,
            min(least, degree) if expanded else degree,
            total + degree,
            max(most, degree),
        )

    def _chosen(self, number: int, steps: Sequence[MachineStep]) -> Sequence[MachineStep]:
        """The steps of a state that are taken: with a reduction not all of them."""
        if self._reduction is None:
            return steps
        return self._reduction.chosen(self.found.states[number], steps, self._is_fresh)

    def _is_fresh(self, state: Values) -> bool:
        """Whether a state is on the level to come, met already or not."""
        number = self._seen.get(state, _FRESH)
        if number != _FRESH:
            return number >= self._end
        try:
            return all(self._machine.refuted_by(c.name, state) is None for c in self._constraints)
        except StepError:
            return False

    def _take(self, number: int, steps: Sequence[MachineStep], asked: set[Values] | None) -> None:
        """Take steps of a state; `asked` are the states after it that the step to was judged already."""
        found, seen, canonical = self.found, self._seen, self._canonical
        state, fired = found.states[number], found.fired
        for action, arguments, target in steps:
            if isinstance(target, OutOfBounds):
                found.bounds[target.what, self._machine.actions[action].name, target.span] += 1
                if found.edges is not None:
                    found.cut.append(NumberedEdge(number, action, arguments, NOWHERE))
                continue
            found.generated += 1
            fired[action] += 1
            standing = target if canonical is None else canonical(target)
            after = seen.get(standing, _FRESH)
            if after == _FRESH:
                after = self._admit(standing, number, action)
            if after < 0:
                self._leave_out(after)
                if found.edges is not None:
                    found.cut.append(NumberedEdge(number, action, arguments, NOWHERE))
                continue
            if after >= self._end:
                self._first[after - self._end] = min(self._first[after - self._end], action)
                self._sources.append(number)
                self._targets.append(after)
            if asked is not None and target not in asked:
                asked.add(target)
                self._judge_step(number, state, target)
            if found.edges is not None:
                found.edges.append(NumberedEdge(number, action, arguments, after))

    def _admit(self, state: Values, source: int, action: int | None) -> int:
        """Number a state that was not met before and judge it; a negative number if a constraint leaves it out."""
        found = self.found
        if found.states:  # there is time for one in any case
            self._watch.tick()
        for index, constraint in enumerate(self._constraints):
            try:
                refuted = self._machine.refuted_by(constraint.name, state) is not None
            except StepError as problem:
                self._fail(len(found.levels) + 1, None, source, target=state, problem=problem)
                refuted = True
            if refuted:
                self._seen[state] = _LEFT_OUT - index
                return _LEFT_OUT - index
        if self._closed:
            raise Reached(f"the depth limit of {self._limits.depth} levels")
        number = len(found.states)
        if self._limits.states is not None and number >= self._limits.states:
            raise Reached(f"the limit of {self._limits.states:,} states")
        # Most values stand in many states: one object for all of them saves memory, and makes equal states quick to compare.
        state = tuple(
            [shared.setdefault(value, value) for shared, value in zip(self._shared, state, strict=True)]
        )
        self._seen[state] = number
        found.states.append(state)
        found.predecessor.append(source)
        if action is not None:
            self._first.append(action)
        self._judge_state(number, state)
        return number

    def _leave_out(self, mark: int) -> None:
        self.found.left_out[_LEFT_OUT - mark] += 1

    # --- judgement ---

    def _judge_state(self, number: int, state: Values) -> None:
        """Ask the invariants about a new state, which is on the level after those begun."""
        if self._reduction is not None:
            self._reduction.refuse_sensitive(self._step_invariants, state)
        machine, length = self._machine, len(self.found.levels) + 1
        for rank, invariant in enumerate(self._invariants):
            try:
                if machine.refuted_by(invariant.name, state) is not None:
                    self._fail(length, rank, number)
            except StepError as problem:
                self._fail(length, rank, number, problem=problem)

    def _judge_beginning(self, state: Values, number: int) -> None:
        first = len(self._invariants) + len(self._step_invariants)
        for rank, refinement in enumerate(self._refinements, first):
            try:
                if not refinement.begins(state):
                    self._fail(1, rank, number)
            except StepError as problem:
                self._fail(1, rank, number, problem=problem)

    def _judge_step(self, number: int, state: Values, target: Values) -> None:
        """Ask the step invariants and refinements about a step."""
        machine, length = self._machine, len(self.found.levels) + 1
        for rank, invariant in enumerate(self._step_invariants, len(self._invariants)):
            try:
                if not machine.step_holds(invariant.name, state, target):
                    self._fail(length, rank, number, target=target)
            except StepError as problem:
                self._fail(length, rank, number, target=target, problem=problem)
        for rank, refinement in enumerate(
            self._refinements, len(self._invariants) + len(self._step_invariants)
        ):
            try:
                if not refinement.explains(state, target):
                    self._fail(length, rank, number, target=target)
            except StepError as problem:
                self._fail(length, rank, number, target=target, problem=problem)

    def _fail(
        self,
        length: int,
        rank: int | None,
        source: int,
        *,
        target: Values | None = None,
        problem: StepError | None = None,
    ) -> None:
        found = self.found
        self._position += 1
        claim = None if rank is None else found.properties[rank]
        failure = Failure(
            length, -1 if rank is None else rank, self._position, claim, source, target, problem
        )
        least = found.failure.key[:-1] if found.failure is not None else None
        if least is None or failure.key[:-1] < least:
            found.failure = failure
            self._showing = {source}
        elif failure.key[:-1] == least:
            self._showing.add(source)


class _Layers:
    """The states of all shortest runs to a failure, by their numbers."""

    def __init__(
        self,
        levels: list[set[int]],
        numbers: dict[Values, int],
        canonical: Callable[[Values], Values] | None,
    ) -> None:
        self._levels = levels
        self._numbers = numbers
        self._canonical = canonical

    @property
    def count(self) -> int:
        """See Layers."""
        return len(self._levels)

    def has(self, level: int, state: Values) -> bool:
        """See Layers."""
        standing = state if self._canonical is None else self._canonical(state)
        return self._numbers.get(standing, NOWHERE) in self._levels[level]


def explore(
    machine: Machine,
    *,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    symmetry: Symmetry | None = None,
    keep_edges: bool = False,
) -> Exploration:
    """Search the states of a machine and return what was seen, with the steps between them if `keep_edges`."""
    return Search(machine, limits=limits, symmetry=symmetry, keep_edges=keep_edges).run()


def safety_of(module: Module, deadlock: bool) -> tuple[Property, ...]:
    """What is checked of states and steps, in the order in which of several failures at once the first is told."""
    kinds = {
        PropertyKind.INVARIANT: Kind.INVARIANT,
        PropertyKind.STEP_INVARIANT: Kind.STEP_INVARIANT,
        PropertyKind.REFINEMENT: Kind.REFINEMENT,
    }
    claims = [
        Property(kind, f.name, f.span) for kind, functions in kinds.items() for f in module.of_kind(functions)
    ]
    return (*claims, *([Property(PropertyKind.DEADLOCK, "deadlock", None)] if deadlock else []))


@contextmanager
def _no_cycles() -> Iterator[None]:
    """States hold no reference cycles: looking for some, among millions of them, would be time lost."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
