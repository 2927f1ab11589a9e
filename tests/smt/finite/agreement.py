"""Circuits of a model held to its evaluator: in known states, where every literal folds, and in any state, by assignments.

Guarantees: values are compared with their types; what a circuit refuses is told apart from what it gets wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from ratified.language.evaluate import TreeMachine
from ratified.language.ir import Kind
from ratified.language.machine import OutOfBounds, StepError, Values
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.smt.finite.circuit import FALSE, TRUE
from ratified.smt.finite.context import Hazard, SymbolicEnv
from ratified.smt.finite.solver import BooleanSolver
from ratified.smt.finite.steps import CircuitSteps, Moves
from ratified.smt.finite.symbolic import LiteralTruth, decoded
from tests.generate.agreement import Disagreement, Exact, exact


@dataclass(frozen=True, slots=True)
class Ways:
    """What may happen in a state: the steps, whether some step leaves a bound, whether some has no answer."""

    steps: frozenset[Exact]
    left: bool
    error: bool


def agree(model: Model, most: int, symbolic: int) -> int:
    """Compare up to `most` reachable states one by one, and `symbolic` of them as values of unknowns; how many there were."""
    tree = TreeMachine(model)
    steps = CircuitSteps(model)
    with running(model.scope):
        try:
            first = [state for _, state in tree.initial()]
        except StepError:
            assert any(e.error for e in steps.beginning().events)
            return 0
        _same("the beginning", _of_beginning(first), _decoded(steps, steps.beginning(), _folded))
        queue = list(dict.fromkeys(s for s in first if not isinstance(s, OutOfBounds)))
        seen = set(map(exact, queue))
        expected: list[tuple[Values, Ways]] = []
        for number, state in enumerate(queue):
            if number >= most:
                break
            now = _lifted(steps, state)
            ways, after = _of_tree(tree, state)
            expected.append((state, ways))
            _same(f"known {state}", ways, _decoded(steps, steps.moves(now), _folded))
            _same_claims(tree, steps, state, now, _folded)
            for target in after:
                _same_step_claims(tree, steps, state, target)
                if exact(target) not in seen:
                    seen.add(exact(target))
                    queue.append(target)
        if symbolic:
            _in_any_state(tree, steps, expected[:: max(1, len(expected) // symbolic)])
    return len(queue)


def _in_any_state(tree: TreeMachine, steps: CircuitSteps, expected: list[tuple[Values, Ways]]) -> None:
    unknown, condition = steps.any_state()
    moves = steps.moves(unknown)
    solver = BooleanSolver(steps.circuit, "sat")
    # All that is to be read is made before it is asked about.
    for state, ways in expected:
        known = steps.equal(unknown, _lifted(steps, state))
        if not solver.check([condition, known]):
            raise Disagreement(f"{state} is no value of the variables")
        if exact(steps.known(unknown, solver.true)) != exact(state):
            raise Disagreement(f"{state} is read as {steps.known(unknown, solver.true)}")
        _same(f"any, being {state}", ways, _decoded(steps, moves, solver.true))
        _same_claims(tree, steps, state, unknown, solver.true)


def _lifted(steps: CircuitSteps, state: Values) -> SymbolicEnv:
    return {n: steps.algebra.lift(v, t) for (n, t), v in zip(steps.types.items(), state, strict=True)}


def _folded(literal: int) -> bool:
    assert literal in (TRUE, FALSE), "a circuit without unknowns is a constant"
    return literal == TRUE


def _of_beginning(first: list[Values | OutOfBounds]) -> Ways:
    states = frozenset(("init", exact(s)) for s in first if not isinstance(s, OutOfBounds))
    return Ways(states, any(isinstance(s, OutOfBounds) for s in first), False)


def _of_tree(tree: TreeMachine, state: Values) -> tuple[Ways, list[Values]]:
    try:
        found = tree.steps(state)
    except StepError:
        return Ways(frozenset(), False, True), []
    after = [(i, a, t) for i, a, t in found if not isinstance(t, OutOfBounds)]
    taken = frozenset((tree.actions[i].name, exact(a), exact(t)) for i, a, t in after)
    return Ways(taken, len(after) < len(found), False), [t for _, _, t in after]


def _decoded(steps: CircuitSteps, moves: Moves, true: LiteralTruth) -> Ways:
    taken: set[Exact] = set()
    for way in moves.ways:
        if not true(way.possible):
            continue
        after = exact(steps.known(way.after, true))
        if way.action is None:
            taken.add(("init", after))
        else:
            arguments = tuple(decoded(v, true) for v in way.arguments)
            taken.add((way.action.name, exact(arguments), after))
    return Ways(
        frozenset(taken),
        any(true(e.literal) for e in moves.events if not e.error),
        any(true(e.literal) for e in moves.events if e.error),
    )


def _same(what: str, tree: Ways, circuit: Ways) -> None:
    if tree.error and circuit.error:
        return  # the evaluator stops at the first
    if tree != circuit:
        only = [f"only evaluator: {s}" for s in tree.steps - circuit.steps]
        only += [f"only circuit: {s}" for s in circuit.steps - tree.steps]
        flags = f"left {tree.left} {circuit.left}, error {tree.error} {circuit.error}"
        raise Disagreement("\n".join([what, flags, *only]))


def _same_claims(
    tree: TreeMachine, steps: CircuitSteps, state: Values, now: SymbolicEnv, true: LiteralTruth
) -> None:
    for kind in (Kind.INVARIANT, Kind.CONSTRAINT):
        for claim in tree.module.of_kind(kind):
            _same_answer(
                claim.name, state, _holds(tree, claim.name, state), steps.claim(claim.name, now), true
            )


def _same_step_claims(tree: TreeMachine, steps: CircuitSteps, old: Values, new: Values) -> None:
    for claim in tree.module.of_kind(Kind.STEP_INVARIANT):
        try:
            wanted: bool | None = tree.step_holds(claim.name, old, new)
        except StepError:
            wanted = None
        found = steps.claim(claim.name, _lifted(steps, new), _lifted(steps, old))
        _same_answer(claim.name, (old, new), wanted, found, _folded)


def _holds(tree: TreeMachine, name: str, state: Values) -> bool | None:
    try:
        return tree.refuted_by(name, state) is None
    except StepError:
        return None


def _same_answer(
    name: str, state: object, wanted: bool | None, found: tuple[int, tuple[Hazard, ...]], true: LiteralTruth
) -> None:
    holds, events = found
    if any(true(e.literal) for e in events):
        # The evaluator stops at the first argument that refutes a claim, perhaps before one that has no answer.
        if wanted is True:
            raise Disagreement(f"{name} in {state}: the circuit has no answer")
    elif wanted is not true(holds):
        raise Disagreement(f"{name} in {state}: evaluator {wanted}, circuit {true(holds)}")
