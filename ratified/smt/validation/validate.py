"""`prove` before it says PROVED: the formulas held to CPython at small sizes, by counts and a seed.

Guarantees: the same proof is held against the same states and steps whenever it is run; what could not be compared is said.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ratified.language.errors import ModelError
from ratified.language.ir import Function, Kind
from ratified.language.machine import OutOfBounds, PythonMachine, StepError, Values
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.results.result import Verdict
from ratified.smt.first_order.obligations import Obligation, Translation
from ratified.smt.result import Held, Proof
from ratified.smt.script import Lemma, ProofScript
from ratified.smt.validation.comparing import CLAIM, STEP, Comparison, Disagreement, Share
from ratified.smt.validation.evaluation import OUT_OF_EFFORT, TooMuch, WorkLeft
from ratified.smt.validation.plan import ComparisonPlan, plan_of
from ratified.smt.validation.sampling import changed, drawn, instances, larger_sizes, sizes_of

UNITS, UNITS_EACH = 1_500_000, 2_500
"""Effort for all sizes together: about a second, and more for each obligation beyond the usual number."""

REACHED, CHANGED, DRAWN = 10, 8, 8
"""States of each size: reachable ones, ones that are nearly so, and any of the types."""

EXPLORED = 300
"""States of each size that are explored to see that no claim is false in them."""


class TranslationFault(ModelError):
    """The formulas of a proof do not say what the model says: nothing that was proved of them counts."""


REPORT = "this is a bug in Ratified, not in the model: please report it, and write the model in another way"


def validated(
    proof: Proof,
    cls: type[Model],
    translation: Translation,
    obligations: Sequence[Obligation],
    *,
    complete: bool = True,
) -> Held | None:
    """Hold a proof to CPython before it counts; None if it failed by itself, with a step that CPython takes.

    `complete` says that all obligations of the script are there, so that each claim has to be true of what is reached, and no
    step may go wrong of which none of them speaks.

    Raises:
        TranslationFault: the formulas do not say what the model says, or a claim that is proved is false.
    """
    confirmed = {c.counterexample.confirmed for c in proof.cells if c.counterexample is not None}
    if proof.verdict is not Verdict.HOLDS and (True in confirmed or False not in confirmed):
        return None
    held = validate(cls, translation, obligations, complete=complete)
    if proof.verdict is not Verdict.HOLDS:
        return held
    if held.refuted is not None and complete:
        claim, where = held.refuted
        raise TranslationFault(
            f"the proof is not valid: `{claim}` is proved, and false in a reachable state of {where}",
            span=cls.module.functions[claim].span,
            remedy=REPORT,
        )
    return held


def validate(
    cls: type[Model],
    translation: Translation,
    obligations: Iterable[Obligation],
    *,
    seed: int = 0,
    units: int | None = None,
    complete: bool = True,
) -> Held:
    """Hold the formulas of a proof to CPython. Raises TranslationFault."""
    rng = random.Random(seed)  # noqa: S311  # nothing is secret here
    obligations = list(obligations)
    plan = plan_of(translation, obligations, complete=complete)
    counted: Counter[str] = Counter()
    each_counted: list[_Compared] = []
    short: list[tuple[int, Model, list[Values]]] = []
    refuted: tuple[str, str] | None = None
    left = max(UNITS, UNITS_EACH * len(obligations)) if units is None else units
    usual = list(sizes_of(cls))
    for number, sizes in enumerate([*usual, *larger_sizes(cls)]):
        if number >= len(usual) and counted["tried"]:
            break
        share = left // (1 if number >= len(usual) - 1 else 3)
        models = list(instances(cls, sizes, rng))
        for model in models:
            effort = WorkLeft(each := share // len(models))
            reached, false = explored(model, plan.claims, WorkLeft(each // 4))
            counted.update(tried=1, explored=len(reached), beginnings=bool(reached))
            counted["outside"] += not reached and begins_outside(model)
            if false is not None and refuted is None:
                refuted = (false, repr(model))
            each_counted.append(_compared(plan, model, reached, seed, effort, rng))
            if each_counted[-1].why:
                short.append((len(each_counted) - 1, model, reached))
            left -= each - max(0, effort.left)
    for place, model, reached in short:
        # What other sizes did not need is for those that had too little.
        if each_counted[place].why == OUT_OF_EFFORT and left > 2 * each_counted[place].effort:
            effort = WorkLeft(left)
            each_counted[place] = _compared(plan, model, reached, seed, effort, rng)
            left = max(0, effort.left)
    for one in each_counted:
        counted.update(one.counted)
        counted["sizes"] += one.counted["states"] > 0
    left_out = [f"{model!r}: {each_counted[i].why}" for i, model, _ in short if each_counted[i].why]
    return Held(
        sizes=counted["sizes"],
        states=counted["states"],
        steps=counted["steps"],
        disabled=counted["disabled"],
        claims=counted["claims"],
        explored=counted["explored"],
        beginnings=counted["beginnings"],
        outside=counted["outside"],
        tried=counted["tried"],
        refuted=refuted,
        left_out=tuple(left_out),
    )


def comparison_of(model: Model, *, effort: int, share: Share | None = None, seed: int = 0) -> Comparison:
    """A model at a size beside its formulas, each invariant taken for a lemma. Raises Refused, TooMuch."""
    module = model.module
    lemmas = tuple(Lemma(f, None) for f in module.of_kind(Kind.INVARIANT))
    goals = tuple(Lemma(f, None) for f in module.of_kind(Kind.STEP_INVARIANT))
    translation = Translation(ProofScript(module.name, module, lemmas, goals))
    return Comparison(plan_of(translation, translation.obligations()), model, seed, WorkLeft(effort), share)


@dataclass(frozen=True, slots=True)
class _Compared:
    """What was compared at a size, with how much effort, and why not more."""

    counted: Counter[str]
    effort: int
    why: str


def _compared(
    plan: ComparisonPlan,
    model: Model,
    reached: Sequence[Values],
    seed: int,
    effort: WorkLeft,
    rng: random.Random,
) -> _Compared:
    """Compare as much as there is effort for. Raises TranslationFault."""
    given, why = effort.left, ""
    comparison: Comparison | None = None
    try:
        comparison = Comparison(plan, model, seed, effort)
        _compare(comparison, reached, rng)
    except TooMuch as problem:
        why = str(problem)
    except Disagreement as found:
        raise fault(found) from None
    return _Compared(Counter() if comparison is None else comparison.counted, given, why)


def _compare(comparison: Comparison, reached: Sequence[Values], rng: random.Random) -> None:
    comparison.beginning()
    for state in dict.fromkeys(states_of(comparison.model, reached, rng)):
        comparison.state(state)


def states_of(model: Model, reached: Sequence[Values], rng: random.Random) -> Iterator[Values]:
    """Reachable states from the beginning on and from all over, states that are nearly reachable, and any others, in turns."""
    types = [d.type for d in model.module.variables]
    some = [*reached[: REACHED // 2], *rng.sample(reached, min(len(reached), REACHED // 2))]
    with running(model.scope):
        near, any_ = list[Values](), list[Values]()
        for _ in range(CHANGED if some else 0):
            state = list(rng.choice(some))
            for index in rng.sample(range(len(types)), min(len(types), rng.choice((1, 1, 2)))):
                state[index] = changed(types[index], state[index], model.scope, rng)
            near.append(tuple(state))
        for _ in range(DRAWN):
            any_.append(tuple(drawn(t, model.scope, rng) for t in types))
    for turn in itertools.zip_longest(some, near, any_):
        yield from (state for state in turn if state is not None)


def explored(model: Model, claims: Sequence[Function], effort: WorkLeft) -> tuple[list[Values], str | None]:
    """The first reachable states, and the first claim that is false in one of them or of a step between them."""
    machine = PythonMachine(model)
    found: dict[Values, None] = {}
    try:
        found.update((after, None) for _, after in machine.initial() if not isinstance(after, OutOfBounds))
        for state in _growing(found):
            effort.spend(CLAIM * len(claims))
            for claim in claims:
                if (
                    claim.kind is not Kind.STEP_INVARIANT
                    and machine.refuted_by(claim.name, state) is not None
                ):
                    return list(found), claim.name
            for _, _, after in machine.steps(state):
                effort.spend(STEP)
                if isinstance(after, OutOfBounds):
                    continue
                found.setdefault(after)
                for claim in claims:
                    if claim.kind is Kind.STEP_INVARIANT:
                        effort.spend(CLAIM)
                        if not machine.step_holds(claim.name, state, after):
                            return list(found), claim.name
    except (StepError, TooMuch):
        pass  # what goes wrong by itself is for `check` to tell
    return list(found), None


def begins_outside(model: Model) -> bool:
    """Whether some choice of `init` passes its guards, and each that does leaves a bound."""
    try:
        found = [after for _, after in PythonMachine(model).initial()]
    except StepError:
        return False
    return bool(found) and all(isinstance(after, OutOfBounds) for after in found)


def _growing(found: dict[Values, None]) -> Iterator[Values]:
    """The states that are there, and those that come to them, up to a number."""
    done = 0
    while done < min(len(found), EXPLORED):
        batch = list(itertools.islice(found, done, EXPLORED))
        done += len(batch)
        yield from batch


def fault(found: Disagreement) -> TranslationFault:
    """What to tell about a mismatch."""
    return TranslationFault(
        "\n".join([f"the proof is not valid: {found.what}", *found.lines]),
        span=found.span,
        remedy=REPORT,
    )
