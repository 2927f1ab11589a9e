"""Runs of a model as one circuit: the states of a run of n steps are n + 1 copies of the variables.

Guarantees: what satisfies the solver's formula is a run in which no constraint leaves a state out, but for a last state in
which a constraint has no answer (`undefined`); with `free`, one that begins anywhere in the types of the variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ratified.language.machine import Values
from ratified.results.result import PropertyKind
from ratified.results.seen import Property
from ratified.smt.finite.circuit import FALSE, TRUE
from ratified.smt.finite.context import Hazard, SymbolicEnv
from ratified.smt.finite.solver import BooleanSolver
from ratified.smt.finite.steps import CircuitSteps, Moves


@dataclass(slots=True)
class _Stage:
    """A state of an unrolled run, and how it is left."""

    state: SymbolicEnv
    undefined: int = FALSE
    moves: Moves | None = None


class Unrolled:
    """Runs of growing length from the beginning, or from any state at all (`free`). Literals speak of the last state."""

    def __init__(self, steps: CircuitSteps, solver: str, *, free: bool, constrained: bool = True) -> None:
        """`constrained` unless states that a constraint leaves out are to be met as well."""
        self.steps = steps
        self._constrained = constrained
        self.solver = BooleanSolver(steps.circuit, solver)
        self.stages: list[_Stage] = []
        self.begun = Moves((), ())
        if free:
            state, condition = steps.any_state()
            self.solver.require(condition)
            self._enter(state)
        else:
            self.begun = steps.beginning()
            self._take(self.begun)

    def _take(self, moves: Moves) -> None:
        """Let just one way be taken, a possible one."""
        circuit = self.steps.circuit
        chosen = tuple(TRUE if len(moves.ways) == 1 else circuit.fresh() for _ in moves.ways)
        self.solver.require(circuit.exactly_one(chosen) if chosen else FALSE)
        for literal, way in zip(chosen, moves.ways, strict=True):
            self.solver.require(circuit.either(-literal, way.possible))
        self._enter(self.steps.chosen(moves.ways, chosen))

    def _enter(self, state: SymbolicEnv) -> None:
        stage = _Stage(state)
        self.stages.append(stage)
        if self._constrained:
            within, stage.undefined = self.steps.within(state)
            self.solver.require(self.steps.circuit.either(within, stage.undefined))

    def leave(self) -> Moves:
        """Return the ways on from the last state."""
        last = self.stages[-1]
        if last.moves is None:
            last.moves = self.steps.moves(last.state)
        return last.moves

    def extend(self) -> None:
        """Make the runs one step longer."""
        self._take(self.leave())

    @property
    def undefined(self) -> int:
        """Whether a constraint has no answer in the last state."""
        return self.stages[-1].undefined

    def stuck(self) -> int:
        """Return whether some step from the last state has no answer."""
        return self.steps.circuit.some([e.literal for e in self.leave().events if e.error])

    def bounds(self) -> tuple[Hazard, ...]:
        """Return the bounds that some step from the last state would leave."""
        return tuple(e for e in self.leave().events if not e.error)

    def fresh(self) -> int:
        """Return whether the last state is another than all before."""
        *earlier, last = self.stages
        return self.steps.circuit.every([-self.steps.equal(s.state, last.state) for s in earlier])

    def fails(self, claim: Property) -> int:
        """Return whether a claim fails in the last state, or of the last step, or has no answer there."""
        state = self.stages[-1].state
        if claim.kind is PropertyKind.DEADLOCK:
            possible = [way.possible for way in self.leave().ways]
            # A step that would leave a bound is possible, though it is not taken.
            return -self.steps.circuit.some([*possible, *(e.literal for e in self.bounds())])
        if claim.kind is PropertyKind.INVARIANT:
            holds, events = self.steps.claim(claim.name, state)
        elif len(self.stages) > 1:
            holds, events = self.steps.claim(claim.name, state, self.stages[-2].state)
        else:
            return FALSE
        return self.steps.circuit.some([-holds, *(e.literal for e in events)])

    def keep(self, claims: Sequence[Property]) -> None:
        """Take every claim to hold in the last state, and of the last step, and everything to have an answer there."""
        for literal in (self.undefined, self.stuck(), *map(self.fails, claims)):
            self.solver.require(-literal)

    def states(self) -> list[Values]:
        """Return the states of the run that the solver has found."""
        return [self.steps.known(stage.state, self.solver.true) for stage in self.stages]
