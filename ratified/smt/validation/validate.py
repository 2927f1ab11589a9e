"""`prove` before it says PROVED: the formulas held to CPython at small sizes, by counts and a seed.

Guarantees: the same proof is held against the same states and steps whenever it is run, unless its time runs out; what could not
be compared is said.
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
from ratified.results.limits import LimitWatch, Reached
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
    watch: LimitWatch | None = None,
) -> Held | None:
    """Hold a proof to CPython before it counts; None if it failed by itself, with a step that CPython takes.

    `complete` says that all obligations of the script are there, so that each claim has to be true of what is reached, and no
    step may go wrong of which none of them speaks. A limit of `watch` cuts it short.

    Raises:
        TranslationFault: the formulas do not say what the model says, or a claim that is proved is false.
    """
    confirmed = {c.counterexample.confirmed for c in proof.cells if c.counterexample is not None}
    if proof.verdict is not Verdict.HOLDS and (True in confirmed or False not in confirmed):
        return None
    held = validate(cls, translation, obligations, complete=complete, watch=watch)
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
    watch: LimitWatch | None = None,
) -> Held:
    """Hold the formulas of a proof to CPython. Raises TranslationFault."""
    obligations = list(obligations)
    left = max(UNITS, UNITS_EACH * len(obligations)) if units is None else units
    holding = _Holding(cls, seed, left, watch or LimitWatch())
    cut_short = ""
    try:
        with holding.watch.enforced():
            holding.hold(plan_of(translation, obligations, complete=complete))
    except Reached as stop:
        cut_short = str(stop)
    return holding.held(cut_short)


class _Holding:
    """What was compared so far. `left` is the effort that is left for all sizes."""

    def __init__(self, cls: type[Model], seed: int, left: int, watch: LimitWatch) -> None:
        self.cls, self.seed, self.left, self.watch = cls, seed, left, watch
        self.rng = random.Random(seed)  # noqa: S311  # nothing is secret here
        self.counted: Counter[str] = Counter()
        self.compared: list[_Compared] = []
        self.refuted: tuple[str, str] | None = None

    def hold(self, plan: ComparisonPlan) -> None:
        """Compare at each size in turn. Raises TranslationFault, Reached."""
        usual = list(sizes_of(self.cls))
        for number, sizes in enumerate([*usual, *larger_sizes(self.cls)]):
            if number >= len(usual) and self.counted["tried"]:
                break
            share = self.left // (1 if number >= len(usual) - 1 else 3)
            models = list(instances(self.cls, sizes, self.rng))
            for model in models:
                self._at(plan, model, share // len(models))
        for place, short in enumerate(self.compared):
            # What other sizes did not need is for those that had too little.
            if short.why == OUT_OF_EFFORT and self.left > 2 * short.effort:
                effort = WorkLeft(self.left)
                self.compared[place] = self._compare(plan, short.model, short.reached, effort)
                self.left = max(0, effort.left)

    def _at(self, plan: ComparisonPlan, model: Model, share: int) -> None:
        """Explore a size, and compare there."""
        effort = WorkLeft(share)
        reached, false = explored(model, plan.claims, WorkLeft(share // 4))
        self.counted.update(tried=1, explored=len(reached), beginnings=bool(reached))
        self.counted["outside"] += not reached and left_by_init(model) is not None
        if false is not None and self.refuted is None:
            self.refuted = (false, repr(model))
        self.compared.append(self._compare(plan, model, reached, effort))
        self.left -= share - max(0, effort.left)

    def _compare(
        self, plan: ComparisonPlan, model: Model, reached: Sequence[Values], effort: WorkLeft
    ) -> _Compared:
        """Compare as much as there is effort for. Raises TranslationFault, Reached."""
        given, why = effort.left, ""
        comparison: Comparison | None = None
        try:
            comparison = Comparison(plan, model, self.seed, effort)
            comparison.beginning()
            for state in dict.fromkeys(states_of(model, reached, self.rng)):
                self.watch.tick()
                comparison.state(state)
        except TooMuch as problem:
            why = str(problem)
        except Disagreement as found:
            raise fault(found) from None
        counted = Counter[str]() if comparison is None else comparison.counted
        return _Compared(model, reached, counted, given, why)

    def held(self, cut_short: str) -> Held:
        """What was compared, and what was not."""
        counted = self.counted
        for one in self.compared:
            counted.update(one.counted)
            counted["sizes"] += one.counted["states"] > 0
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
            refuted=self.refuted,
            left_out=tuple(f"{one.model!r}: {one.why}" for one in self.compared if one.why),
            cut_short=cut_short,
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

    model: Model
    reached: Sequence[Values]
    counted: Counter[str]
    effort: int
    why: str


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


def left_by_init(model: Model) -> OutOfBounds | None:
    """The first bound that init leaves, if some choice of its arguments passes its guards, and each that does leaves one."""
    try:
        found = [after for _, after in PythonMachine(model).initial()]
    except StepError:
        return None
    left = [after for after in found if isinstance(after, OutOfBounds)]
    return left[0] if left and len(left) == len(found) else None


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
