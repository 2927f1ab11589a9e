"""Counterexamples to induction of a candidate invariant, and whether they are reachable at their own, small, size.

Guarantees: REACHABLE only if CPython has come there from an initial state; UNREACHABLE only if all reachable states of that
size have been visited. One that is reachable refutes the candidate; one that is not asks for a lemma that excludes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from ratified.language.errors import ModelError, RatifiedError
from ratified.language.ir import Kind
from ratified.language.machine import OutOfBounds, PythonMachine, Values
from ratified.language.model import Model
from ratified.results.limits import LimitWatch
from ratified.results.result import Limits, Verdict
from ratified.smt.proving import UNLIMITED, USUAL, ProofOptions, limits_of, prove_script
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
    """What stands between a candidate and being inductive: the proof that was tried, and where its counterexamples are.

    `follows` if the candidate follows from the lemmas in the same state, so that only these have to be inductive.
    """

    proof: Proof
    found: tuple[tuple[Cell, Reach], ...]
    follows: bool = False


def induct(
    cls: type[Model],
    candidate: str,
    options: ProofOptions = USUAL,
    *,
    limits: Limits = UNLIMITED,
    states: int = STATES,
) -> Induction:
    """Try a candidate invariant with the lemmas that a class has, and look for its counterexamples among reachable states.

    A candidate that follows from the lemmas in the same state needs no induction. `limits` are those of `prove`.

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
    script = script_of(cls) if has_lemmas(cls) else ProofScript(module.name, module, (), ())
    others = tuple(w for w in script.lemmas if w.function.name != candidate)
    # Of what follows from others nothing is used: it may follow from the candidate.
    rests_on = {w.function.name for w in others if not w.derived}
    for goal in script.goals:
        if goal.function.name == candidate and goal.uses is not None:
            rests_on &= set(goal.uses)
    watch = LimitWatch(limits_of(limits, options))

    def tried(*, follows: bool) -> ProofScript:
        mine = Lemma(known[candidate], tuple(rests_on) if follows else None, derived=follows)
        return ProofScript(module.name, module, (*others, mine), ())

    quickly = replace(options, counterexamples=False)
    follows = bool(rests_on) and (
        prove_script(tried(follows=True), cls, quickly, limits=watch.limits, only=[candidate]).verdict
        is Verdict.HOLDS
    )
    left = limits if limits.seconds is None else replace(limits, seconds=watch.left)
    proof = prove_script(tried(follows=follows), cls, options, limits=left)
    found = tuple((c, reach(cls, c.counterexample, states)) for c in proof.cells if c.counterexample)
    return Induction(proof, found, follows)


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
