"""What the obligations of a proof say, sorted by what CPython can be asked about it.

A fact of an obligation is a hypothesis (a lemma of the state before), the statement that a step is taken, the conclusion, or
**given**: an axiom, an assumption, a bound or a definition, which is to be true whatever the state. What has no other role is
given, so that a kind of fact that is not foreseen here is held to be true of every state, and not left out.

Formulas are read back from the text that solvers get (`text.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ratified.language.ir import Argument, Function
from ratified.smt.facts import Fact, Role
from ratified.smt.first_order.obligations import Obligation, Translation
from ratified.smt.first_order.shapes import Shape
from ratified.smt.first_order.steps import ActionPath
from ratified.smt.smtlib import text
from ratified.smt.terms import TRUE, Symbol, Term, symbols_of
from ratified.smt.validation.text import formula_of


class StatedFact:
    """A fact, and its formula as a solver reads it, which is read when it is asked for first."""

    def __init__(self, says: str, text_: str, symbols: Mapping[str, Symbol]) -> None:
        self.says = says
        self.text = text_
        self.symbols = symbols

    @functools.cached_property
    def formula(self) -> Term:
        """What the text says."""
        return formula_of(self.text, self.symbols)

    @functools.cached_property
    def constants(self) -> frozenset[str]:
        """The constants that it mentions."""
        return frozenset(n for n, s in self.symbols.items() if not s.arguments)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What an obligation refutes."""

    obligation: Obligation
    said: StatedFact


@dataclass(slots=True)
class Taken:
    """An action (or the beginning) and all that is said of a step of it."""

    function: Function | None
    arguments: tuple[tuple[Argument, Shape], ...]
    paths: tuple[ActionPath, ...]
    taken: list[StatedFact] = field(default_factory=list)
    conclusions: list[Conclusion] = field(default_factory=list)


@dataclass(slots=True)
class ComparisonPlan:
    """All that is to be asked. `definitions` say what the constants are that the translation introduces, by their names.

    `complete` says that all obligations are there, so that one has to speak of each step that goes wrong.
    """

    translation: Translation
    complete: bool = True
    given: list[StatedFact] = field(default_factory=list)
    definitions: dict[str, StatedFact] = field(default_factory=dict)
    lemmas: list[tuple[Function, StatedFact]] = field(default_factory=list)
    goals: list[Conclusion] = field(default_factory=list)
    beginning: Taken | None = None
    actions: list[Taken] = field(default_factory=list)
    claims: list[Function] = field(default_factory=list)


def plan_of(
    translation: Translation, obligations: Iterable[Obligation], *, complete: bool = True
) -> ComparisonPlan:
    """Sort what obligations say."""
    sorting = _Sorting(ComparisonPlan(translation, complete))
    for obligation in obligations:
        sorting.obligation(obligation)
    sorting.plan.definitions = {
        name: _said(Fact(f"what {name} is", f)) for name, f in translation.definitions.facts.items()
    }
    return sorting.plan


class _Sorting:
    def __init__(self, plan: ComparisonPlan) -> None:
        self.plan = plan
        self._known: set[tuple[str, str]] = set()
        self._taken: dict[str | None, Taken] = {}

    def obligation(self, obligation: Obligation) -> None:
        plan, claim = self.plan, obligation.claim
        if claim is not None and claim not in plan.claims:
            plan.claims.append(claim)
        taken = (
            None if obligation.before is not None and obligation.action is None else self._step(obligation)
        )
        for fact in obligation.facts:
            match fact.role:
                case Role.HYPOTHESIS:
                    if (said := self._new(fact)) is not None:
                        plan.lemmas.append((plan.translation.module.functions[fact.about], said))
                case Role.CONCLUSION:
                    where = plan.goals if taken is None else taken.conclusions
                    where.append(Conclusion(obligation, _said(fact)))
                case Role.TAKEN if taken is not None:
                    if (said := self._new(fact)) is not None:
                        taken.taken.append(said)
                case _ if fact.formula != TRUE and (said := self._new(fact)) is not None:
                    plan.given.append(said)

    def _new(self, fact: Fact) -> StatedFact | None:
        """A fact, unless it is known."""
        said = _said(fact)
        if (said.says, said.text) in self._known:
            return None
        self._known.add((said.says, said.text))
        return said

    def _step(self, obligation: Obligation) -> Taken:
        function = obligation.action
        name = None if function is None else function.name
        if name not in self._taken:
            declared = function or self.plan.translation.module.functions.get("init")
            arguments = declared.arguments if declared and obligation.arguments else ()
            shapes = [s for _, s in obligation.arguments]
            made = Taken(function, tuple(zip(arguments, shapes, strict=True)), obligation.paths)
            self._taken[name] = made
            if obligation.before is None:
                self.plan.beginning = made
            else:
                self.plan.actions.append(made)
        return self._taken[name]


def _said(fact: Fact) -> StatedFact:
    return StatedFact(fact.says, text(fact.formula), symbols_of([fact.formula]))


__all__ = ["ComparisonPlan", "Conclusion", "StatedFact", "Taken", "plan_of"]
