"""Translation validation: what `prove` holds its formulas against, and that formulas which say something else are found out.

Faults are planted into the obligations themselves, whatever made them, so that these tests do not depend on how the translation
is written.
"""

from __future__ import annotations

import linecache
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Self

import pytest

from ratified import (
    Goals,
    Map,
    Model,
    Ordered,
    Param,
    Range,
    Set,
    Sort,
    action,
    at_size,
    first,
    invariant,
    lemma,
    record,
    require,
    step_invariant,
)
from ratified.cli.report.proof import proof_text
from ratified.results.limits import LimitWatch, Reached
from ratified.results.result import Verdict
from ratified.smt.facts import Role
from ratified.smt.first_order.obligations import Obligation, Translation
from ratified.smt.proving import ProofOptions, prove
from ratified.smt.result import Held, Status
from ratified.smt.script import script_of
from ratified.smt.structure import Structure
from ratified.smt.terms import (
    BOOL,
    FALSE,
    INT,
    TRUE,
    And,
    Apply,
    Bound,
    Not,
    Number,
    Or,
    Quantified,
    Symbol,
    Term,
    at_most,
    conj,
    disj,
    equal,
    every,
    implies,
    less,
    neg,
    parts,
    plus,
    some,
)
from ratified.smt.validation import validate as validation
from ratified.smt.validation.comparing import Comparison
from ratified.smt.validation.evaluation import Evaluation, Interpretation, TooMuch, WorkLeft
from ratified.smt.validation.text import Unreadable, formula_of
from ratified.smt.validation.validate import TranslationFault, validate


class Client(Sort):
    """Wants the lock."""


class Epoch(Ordered):
    """Grants come one after the other."""


@record
class Grant:
    """The lock is given to somebody."""

    to: Client
    epoch: Epoch


class Lock(Model):
    """A lock with epochs, and a number of grants that nobody looks at."""

    holder: Client | None
    epoch: Epoch
    granted: Set[Grant]
    waits: Map[Client, Annotated[int, Range(0, 2)]]

    @action
    def wait(self, c: Client) -> None:
        require(self.waits[c] < 2)
        self.waits[c] = self.waits[c] + 1

    @action
    def grant(self, c: Client) -> None:
        require(self.holder is None and self.waits[c] > 0)
        self.epoch = self.epoch + 1
        self.holder = c
        self.granted.add(Grant(c, self.epoch))

    @action
    def release(self, c: Client) -> None:
        require(self.holder == c)
        self.holder = None
        self.waits[c] = 0

    @lemma
    def grants_are_past(self) -> bool:
        return all(g.epoch <= self.epoch and g.epoch != first(Epoch) for g in self.granted)

    @lemma
    def holder_was_given_it(self) -> bool:
        return self.holder is None or Grant(self.holder, self.epoch) in self.granted

    @lemma
    def one_grant_an_epoch(self) -> bool:
        return all(g == h or g.epoch != h.epoch for g in self.granted for h in self.granted)

    @step_invariant
    def epochs_grow(self, old: Self) -> bool:
        return old.epoch <= self.epoch


def obligations_of(cls: type[Model]) -> tuple[Translation, list[Obligation]]:
    translation = Translation(script_of(cls))
    return translation, translation.obligations()


def test_a_proof_says_what_it_was_held_against() -> None:
    found = prove(Lock)
    held = found.held
    assert held is not None
    assert (held.sizes, held.states, held.steps, held.disabled, held.claims) == (7, 124, 275, 428, 372)
    assert not held.cut_short
    told = proof_text("Lock", replace(found, held=replace(held, cut_short="the time limit of 5 s")))
    assert "of 7 sizes; cut short by the time limit of 5 s " in " ".join(told.split())
    assert (held.explored, held.beginnings, held.tried, held.refuted, held.left_out) == (248, 7, 7, None, ())


def test_the_same_seed_holds_it_against_the_same() -> None:
    def once(seed: int) -> Held:
        return validate(Lock, *obligations_of(Lock), seed=seed, units=200_000)

    assert once(1) == once(1)


Weight = Annotated[int, Range(1, 100)]


class Weighed(Model):
    """Maps that are elements of a set, of which there are too many with two clients."""

    weights: Param[Map[Client, Weight]] = at_size(lambda: Map({c: 1 for c in Client}))
    seen: Set[Map[Client, Weight]]

    @action
    def see(self) -> None:
        self.seen.add(self.weights)

    @lemma
    def its_own(self) -> bool:
        return all(w == self.weights for w in self.seen)


def test_effort_that_some_sizes_have_no_use_for_is_for_others() -> None:
    held = validate(Weighed, *obligations_of(Weighed), units=400_000)
    assert (
        "Weighed(Client=2, weights={c1: 1, c2: 1}): all values of Map[Client, int in 1..100]" in held.left_out
    )
    assert not any(what.startswith("Weighed(Client=1, weights={c1: 1})") for what in held.left_out)


def test_effort_that_runs_out_is_said() -> None:
    held = validate(Lock, *obligations_of(Lock), units=20_000)
    assert held.left_out[0] == "Lock(Client=1, Epoch=1): there is more to evaluate than there is time for"


def test_a_limit_cuts_it_short_and_is_said() -> None:
    """What was compared by then counts: all of the first size here."""
    looks = iter(range(10))

    def look() -> None:
        if next(looks, None) is None:
            raise Reached("the time limit of 5 s")

    held = validate(Lock, *obligations_of(Lock), watch=LimitWatch(also=look))
    assert (held.sizes, held.states, held.left_out, held.cut_short) == (1, 8, (), "the time limit of 5 s")


def test_nothing_is_proved_whose_formulas_could_not_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object, **__: object) -> None:
        raise Reached("the time limit of 300 s")

    monkeypatch.setattr(validation, "plan_of", late)
    found = prove(Lock)
    assert found.verdict is Verdict.UNDECIDED
    assert [c.why for c in found.of(Status.UNDECIDED)] == [
        "they were not compared with CPython: the time limit of 300 s, the default for all obligations together "
        "(--seconds sets another)"
    ]


# --- faults in formulas -----------------------------------------------------------------------------------------------


def _strengthened(term: Term) -> Iterator[Term]:
    """A formula with one disjunct left out, wherever there is one, or one quantifier turned into the other."""
    yield from _changed(term, lambda t: [Or(_without(t.operands, i)) for i in range(len(t.operands))], Or)
    yield from _changed(
        term, lambda t: [Quantified(True, t.variables, t.body)] if not t.universal else [], Quantified
    )


def _weakened(term: Term) -> Iterator[Term]:
    """A formula with one conjunct left out, or one quantifier turned into the other."""
    yield from _changed(term, lambda t: [And(_without(t.operands, i)) for i in range(len(t.operands))], And)
    yield from _changed(
        term, lambda t: [Quantified(False, t.variables, t.body)] if t.universal else [], Quantified
    )


def _without(operands: tuple[Term, ...], index: int) -> tuple[Term, ...]:
    return operands[:index] + operands[index + 1 :]


def _changed(term: Term, change: Callable[..., list[Term]], kind: type) -> Iterator[Term]:
    if isinstance(term, kind):
        yield from change(term)
    for index, part in enumerate(parts(term)):
        for other in _changed(part, change, kind):
            yield _with_part(term, index, other)


def _with_part(term: Term, index: int, part: Term) -> Term:
    match term:
        case And(operands):
            return And((*operands[:index], part, *operands[index + 1 :]))
        case Or(operands):
            return Or((*operands[:index], part, *operands[index + 1 :]))
        case Not():
            return Not(part)
        case Quantified():
            return Quantified(term.universal, term.variables, part)
    return term


def _planted(obligations: list[Obligation]) -> Iterator[tuple[str, list[Obligation]]]:
    """The obligations with one fact of one of them changed."""
    for number, obligation in enumerate(obligations):
        for index, fact in enumerate(obligation.facts):
            for kind, change in (("strengthened", _strengthened), ("weakened", _weakened)):
                for formula in change(fact.formula):
                    if formula != fact.formula:
                        facts = (
                            *obligation.facts[:index],
                            replace(fact, formula=formula),
                            *obligation.facts[index + 1 :],
                        )
                        yield (
                            kind,
                            [
                                *obligations[:number],
                                replace(obligation, facts=facts),
                                *obligations[number + 1 :],
                            ],
                        )


@pytest.mark.parametrize(
    ("each", "most", "least"),
    [
        (25, {"strengthened": 10, "weakened": 9}, {"strengthened": 10, "weakened": 4}),
        pytest.param(
            *(5, {"strengthened": 44, "weakened": 47}, {"strengthened": 43, "weakened": 18}),
            marks=pytest.mark.long(suite="faults"),
        ),
    ],
)
def test_what_is_left_out_of_a_formula_is_found(
    each: int, most: Mapping[str, int], least: Mapping[str, int]
) -> None:
    """What is left out of an axiom or a bound allows more structures than there are: none that there is can show it."""
    translation, obligations = obligations_of(Lock)
    made, found = Counter[str](), Counter[str]()
    for number, (kind, changed) in enumerate(_planted(obligations)):
        if number % each:
            continue
        made[kind] += 1
        try:
            validate(Lock, translation, changed, units=600_000)
        except TranslationFault:
            found[kind] += 1
    assert (made, found) == (most, least)


def test_a_fault_is_told_with_its_place_and_what_each_says(monkeypatch: pytest.MonkeyPatch) -> None:
    translation, obligations = obligations_of(Lock)
    release = next(o for o in obligations if o.action is not None and o.action.name == "release")
    never = tuple(replace(f, formula=FALSE) if f.role is Role.TAKEN else f for f in release.facts)
    with pytest.raises(TranslationFault) as raised:
        validate(Lock, translation, [replace(release, facts=never)])
    assert raised.value.message.splitlines() == [
        "the proof is not valid: `release` is possible in CPython, and not in logic",
        "at:      Lock(Client=1, Epoch=1)",
        "state:   holder=c1, epoch=e0, granted={Grant(to=c1, epoch=e0)}, waits={c1: 1}",
        "step:    release(c=c1)",
        "CPython: holder=None, epoch=e0, granted={Grant(to=c1, epoch=e0)}, waits={c1: 0}",
    ]
    assert raised.value.span is not None
    place = raised.value.span
    assert linecache.getline(place.file, place.line).strip() == "def release(self, c: Client) -> None:"
    assert raised.value.remedy == validation.REPORT


class GoesWrong(Model):
    """Steps that have no answer, and one that leaves a bound."""

    inside: Set[Client]
    count: Annotated[int, Range(0, 2)]
    epoch: Epoch

    @action
    def enter(self, c: Client) -> None:
        self.inside.add(c)

    @action
    def leave(self, c: Client) -> None:
        self.inside.remove(c)

    @action
    def back(self) -> None:
        self.epoch = self.epoch - 1

    @action
    def share(self) -> None:
        self.count = 2 // self.count

    @action
    def up(self) -> None:
        self.count = self.count + 1

    @action
    def insist(self, c: Client) -> None:
        assert c in self.inside

    @lemma
    def counted(self) -> bool:
        return self.count >= 0


class CannotBegin(Model):
    """Its beginning has no answer."""

    count: Annotated[int, Range(0, 2)]

    def init(self) -> None:
        self.count = 1 // self.count

    @action
    def up(self) -> None:
        require(self.count < 2)
        self.count = self.count + 1

    @lemma
    def counted(self) -> bool:
        return self.count >= 0


ALL = ("always", "never", "unsaid")
WRONG = {
    GoesWrong: {
        "well-defined / leave": ALL,
        "well-defined / back": ALL,
        "well-defined / share": ALL,
        "within bounds / share": ("always",),
        "within bounds / up": ALL,
        "well-defined / insist": ALL,
    },
    CannotBegin: {"well-defined / init": ("never", "unsaid"), "within bounds / up": ("always",)},
}
"""What is shown of steps, and what it would be wrong to say: that they always go wrong, that they never do, or nothing."""


@pytest.mark.parametrize("cls", WRONG)
def test_an_obligation_that_a_step_goes_right_is_held_to_where_it_does(cls: type[Model]) -> None:
    translation, obligations = obligations_of(cls)
    validate(cls, translation, obligations)
    shown = {o.name: o for o in obligations if o.claim is None}
    assert list(shown) == list(WRONG[cls])
    for name, obligation in shown.items():
        rest = [o for o in obligations if o is not obligation]
        *facts, wrong = obligation.facts
        said = {"always": TRUE, "never": FALSE}
        changed = {
            n: [*rest, replace(obligation, facts=(*facts, replace(wrong, formula=f)))]
            for n, f in said.items()
        }
        changed["unsaid"] = rest
        for kind in WRONG[cls][name]:
            with pytest.raises(TranslationFault, match=obligation.part.value):
                validate(cls, translation, changed[kind])
        validate(cls, translation, rest, complete=False)


# --- what is explored ------------------------------------------------------------------------------------------------


class Wrong(Model):
    """Its goal is false after two steps."""

    goals: ClassVar[Goals] = {"never_two": None}

    count: Annotated[int, Range(0, 3)]

    @action
    def up(self) -> None:
        require(self.count < 3)
        self.count = self.count + 1

    @lemma
    def in_range(self) -> bool:
        return 0 <= self.count <= 3

    @invariant
    def never_two(self) -> bool:
        return self.count != 2


def test_a_claim_that_is_false_where_the_model_comes_is_never_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(self: Translation, *_: object) -> list[Obligation]:
        known: list[Obligation] = whole(self)
        return [o for o in known if o.name.startswith("in_range")] + [
            replace(o, facts=(replace(o.facts[-1], formula=FALSE),))
            for o in known
            if o.name.startswith("never_two")
        ]

    assert prove(Wrong).verdict is Verdict.VIOLATED
    whole = Translation.obligations
    monkeypatch.setattr(Translation, "obligations", nothing)
    for part in ("beginning", "state"):  # formulas apart: what is explored is seen by itself
        monkeypatch.setattr(Comparison, part, lambda *_: None)
    with pytest.raises(
        TranslationFault, match="`never_two` is proved, and false in a reachable state of Wrong"
    ):
        prove(Wrong, options=ProofOptions(counterexamples=False))


# --- reading and evaluating ---------------------------------------------------------------------------------------------


Tables = dict[str, dict[tuple[int, ...], int]]
NODE, LE, CUR = "Node", Symbol("le", ("Node", "Node"), BOOL), Symbol("cur", (), "Node")
SYMBOLS = {"le": LE, "cur": CUR, "f": Symbol("f", ("Int",), "Int")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(forall ((x Node)) (le x x))", 1),
        ("(exists ((x Node)) (not (le cur x)))", 0),
        ("(forall ((cur Node)) (le x!0 cur))", None),
        ("(exists ((cur Node)) (not (le (ite (le cur cur) cur cur) cur)))", 0),
        ("(=> (le cur cur) (= cur cur) false)", 0),
        ("(distinct 1 2 3)", 1),
        ("(distinct 1 2 1)", 0),
        ("(and (< (f 2) 5) (>= (- 1) (- 3 4)) (= (mod (- 7) 4) 1) (= (div (- 7) 4) (- 2)))", 1),
        ("(exists ((i Int)) (and (<= 0 i) (= (f i) 9)))", 1),
        ("(le cur", None),
        ("(unknown cur)", None),
        ("(le cur cur cur)", None),
    ],
)
def test_formulas_are_read_as_they_are_written(text: str, value: int | None) -> None:
    known: Tables = {
        "cur": {(): 0},
        "f": {(i,): i * i for i in range(-2, 6)},
        "le": {(a, b): int(a <= b) for a in range(3) for b in range(3)},
    }

    def table(name: str, result: str) -> Interpretation:
        made = Interpretation(name)
        made.update(known.get(name, {}))
        return made

    evaluation = Evaluation({NODE: 3}, range(-2, 6), table, WorkLeft(100_000))
    if value is None:
        with pytest.raises(Unreadable):
            formula_of(text, SYMBOLS)
    else:
        assert evaluation.compiled(formula_of(text, SYMBOLS))() == value


def test_evaluation_means_what_structures_mean() -> None:
    x, y, i = Bound("x", NODE), Bound("y", NODE), Bound("i", INT)
    cur: Term = Apply(CUR, ())

    def le(a: Term, b: Term) -> Term:
        return Apply(LE, (a, b))

    formulas = [
        every([x, y], disj(le(x, y), le(y, x))),
        every([x], some([y], conj(le(x, y), neg(equal(x, y))))),
        some([x], every([y], implies(le(y, x), equal(y, cur)))),
        every([x, y], disj(neg(le(x, y)), neg(le(y, x)), equal(x, y))),
        every([i], disj(less(i, Number(0)), at_most(Number(0), plus(i, Number(1))))),
        neg(every([x], conj(le(x, cur), le(cur, x)))),
    ]
    for order in range(1 << 9):
        tables: Tables = {
            "le": {(a, b): order >> (3 * a + b) & 1 for a in range(3) for b in range(3)},
            "cur": {(): order % 3},
        }
        structure = Structure({NODE: 3}, tables, range(-2, 3))

        def table(name: str, result: str, known: Tables = tables) -> Interpretation:
            made = Interpretation(name)
            made.update(known[name])
            return made

        evaluation = Evaluation({NODE: 3}, range(-2, 3), table, WorkLeft(1_000_000))
        for formula in formulas:
            assert bool(evaluation.compiled(formula)()) == structure.holds(formula), (formula, order)


def test_evaluation_ends() -> None:
    names = [Bound(f"x{i}", NODE) for i in range(12)]
    formula = every(names, disj(*(neg(equal(a, b)) for a in names for b in names if a is not b)))
    evaluation = Evaluation({NODE: 9}, None, lambda name, _: Interpretation(name), WorkLeft(10_000))
    with pytest.raises(TooMuch):
        evaluation.compiled(formula)()
