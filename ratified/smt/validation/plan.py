"""What the obligations of a proof say, sorted by what CPython can be asked about it.

A fact of an obligation is a hypothesis (a lemma of the state before), the statement that a step is taken, the conclusion, or
**given**: an axiom, an assumption, a bound or a definition, which is to be true whatever the state. A fact that is not recognised
is given, so that a kind of fact that is not foreseen here is held to be true of every state, and not left out.

Formulas are read back from the text that solvers get (`text.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ratified.language.ir import Argument, Function
from ratified.smt.first_order.obligations import Obligation, Part, Translation
from ratified.smt.first_order.shapes import Shape
from ratified.smt.first_order.steps import Path
from ratified.smt.smtlib import Fact, text
from ratified.smt.terms import FALSE, TRUE, Term, symbols_of
from ratified.smt.validation.text import formula_of

_HYPOTHESIS = "before the step, lemma: "
_CONCLUSION = "and yet "
_UNCHANGED = " speaks of nothing that "
_TAKEN = (" is taken", "one of the ways through it is possible")


@dataclass(frozen=True, slots=True)
class Said:
    """A formula as a solver reads it, what it states, and the constants that it mentions."""

    says: str
    formula: Term
    constants: frozenset[str]


@dataclass(slots=True)
class Taken:
    """An action (or the beginning) and all that is said of a step of it."""

    function: Function | None
    arguments: tuple[tuple[Argument, Shape], ...]
    paths: tuple[Path, ...]
    taken: list[Said] = field(default_factory=list)
    conclusions: list[tuple[Obligation, Said]] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """All that is to be asked."""

    translation: Translation
    given: list[Said] = field(default_factory=list)
    lemmas: list[tuple[Function, Said]] = field(default_factory=list)
    goals: list[tuple[Obligation, Said]] = field(default_factory=list)
    beginning: Taken | None = None
    actions: list[Taken] = field(default_factory=list)
    claims: list[Function] = field(default_factory=list)


def plan_of(translation: Translation, obligations: Iterable[Obligation]) -> Plan:
    """Sort what obligations say."""
    sorting = _Sorting(Plan(translation))
    for obligation in obligations:
        sorting.obligation(obligation)
    definitions = translation.translator.facts
    sorting.given.update({f"what {name} is, as it was made": [f] for name, f in definitions.items()})
    sorting.plan.given = [sorting.said(Fact(says, f)) for says, each in sorting.given.items() for f in each]
    return sorting.plan


class _Sorting:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.given: dict[str, list[Term]] = {}
        self._hypotheses: dict[str, list[Term]] = {}
        self._taken: dict[str | None, Taken] = {}

    @staticmethod
    def said(fact: Fact) -> Said:
        symbols = symbols_of([fact.formula])
        read = formula_of(text(fact.formula), symbols)
        constants = frozenset(n for n, s in symbols_of([read]).items() if not s.arguments)
        return Said(fact.says, read, constants)

    def obligation(self, obligation: Obligation) -> None:
        plan, claim = self.plan, obligation.claim
        if claim not in plan.claims:
            plan.claims.append(claim)
        taken = (
            None if obligation.before is not None and obligation.action is None else self._step(obligation)
        )
        for fact in obligation.facts:
            if fact.says.startswith(_HYPOTHESIS):
                name = fact.says.removeprefix(_HYPOTHESIS)
                if _new(self._hypotheses.setdefault(name, []), fact.formula):
                    plan.lemmas.append((plan.translation.module.functions[name], self.said(fact)))
            elif fact.says.startswith(_CONCLUSION) or (fact.formula == FALSE and _UNCHANGED in fact.says):
                where = plan.goals if taken is None else taken.conclusions
                where.append((obligation, self.said(fact)))
            elif taken is not None and fact.says.endswith(_TAKEN):
                if not any(s.says == fact.says for s in taken.taken):
                    taken.taken.append(self.said(fact))
            elif fact.formula != TRUE:
                _new(self.given.setdefault(fact.says, []), fact.formula)

    def _step(self, obligation: Obligation) -> Taken:
        function = obligation.action
        name = None if function is None else function.name
        if name not in self._taken:
            declared = function or self.plan.translation.module.functions.get("init")
            arguments = declared.arguments if declared and obligation.arguments else ()
            shapes = [s for _, s in obligation.arguments]
            made = Taken(function, tuple(zip(arguments, shapes, strict=True)), obligation.paths)
            self._taken[name] = made
            if obligation.part is Part.INITIATION:
                self.plan.beginning = made
            else:
                self.plan.actions.append(made)
        return self._taken[name]


def _new(known: list[Term], formula: Term) -> bool:
    """Note a formula, unless it is known."""
    if any(formula == other for other in known):
        return False
    known.append(formula)
    return True


__all__ = ["Plan", "Said", "Taken", "plan_of"]
