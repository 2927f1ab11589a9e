"""Counterexamples to induction of a candidate invariant, and whether they are reachable at their own, small, size.

Guarantees: REACHABLE only if CPython has come there from an initial state; UNREACHABLE only if all reachable states of that
size have been visited. One that is reachable refutes the candidate; one that is not asks for a lemma that excludes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ratified.language.errors import ModelError, RatifiedError
from ratified.language.ir import Kind
from ratified.language.machine import OutOfBounds, PythonMachine, Values
from ratified.language.model import Model
from ratified.smt.proving import USUAL, ProofOptions, prove_script
from ratified.smt.result import Cell, Counterexample, Proof
from ratified.smt.script import Lemma, ProofScript, has_lemmas, script_of

STATES = 20_000
"""How many states are visited in search of one."""


class Reach(Enum):
    """Whether the state before a step is reachable."""

    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"
    UNKNOWN = "not found"


@dataclass(frozen=True, slots=True)
class Induction:
    """What stands between a candidate and being inductive: the proof that was tried, and where its counterexamples are."""

    proof: Proof
    found: tuple[tuple[Cell, Reach], ...]


def induct(
    cls: type[Model], candidate: str, options: ProofOptions = USUAL, *, states: int = STATES
) -> Induction:
    """Try a candidate invariant with the lemmas that a class has, and look for its counterexamples among reachable states.

    Raises:
        ModelError: there is no such invariant; or the model cannot be said in first-order logic.
    """
    module = cls.module
    known = {f.name: f for f in module.of_kind(Kind.INVARIANT)}
    if candidate not in known:
        raise ModelError(
            f"{module.name} has no invariant {candidate!r}",
            span=module.span,
            remedy=f"its invariants: {', '.join(known) or 'none'}",
        )
    lemmas = script_of(cls).lemmas if has_lemmas(cls) else ()
    others = tuple(w for w in lemmas if w.function.name != candidate)
    script = ProofScript(module.name, module, (*others, Lemma(known[candidate], None)), ())
    proof = prove_script(script, cls, options)
    found = tuple((c, reach(cls, c.counterexample, states)) for c in proof.cells if c.counterexample)
    return Induction(proof, found)


def reach(cls: type[Model], found: Counterexample, states: int) -> Reach:
    """Whether the state that a counterexample begins in (an initial one is reachable) can be reached at its size."""
    if found.before is None:
        return Reach.REACHABLE
    try:
        model = cls(**found.sizes, **found.parameters)
    except RatifiedError:
        return Reach.UNKNOWN
    try:
        return _reach(model, found, states)
    except RatifiedError:
        return Reach.UNKNOWN  # a step on the way goes wrong by itself


def _reach(model: Model, found: Counterexample, states: int) -> Reach:
    assert found.before is not None
    machine = PythonMachine(model)
    wanted = tuple(found.before[d.name] for d in model.module.variables)
    constraints = [f.name for f in model.module.of_kind(Kind.CONSTRAINT)]
    seen: dict[Values, None] = {}
    level = [s for _, s in machine.initial() if not isinstance(s, OutOfBounds)]
    left = False
    while level:
        fresh = [s for s in dict.fromkeys(level) if s not in seen]
        level = []
        for state in fresh:
            if state == wanted:
                return Reach.REACHABLE
            seen[state] = None
            if len(seen) >= states:
                return Reach.UNKNOWN
            if any(machine.refuted_by(name, state) is not None for name in constraints):
                left = True
                continue
            for *_, after in machine.steps(state):
                if isinstance(after, OutOfBounds):
                    left = True
                else:
                    level.append(after)
    return Reach.UNKNOWN if left else Reach.UNREACHABLE
