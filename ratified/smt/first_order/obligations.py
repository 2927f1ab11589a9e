"""From a proof script to obligations: initiation, each lemma by each action, each goal; each as formulas to be refuted.

Guarantees: if all obligations of a script are refuted (their formulas have no model), every goal holds in every reachable state
(or of every step) of the model at every size. An obligation is one conjunction of facts: axioms, hypotheses, the step, and the
negated conclusion.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from ratified.language.ir import Function, Kind
from ratified.smt.first_order import variants as vs
from ratified.smt.first_order.reading import Reader
from ratified.smt.first_order.shapes import Atom, Refused, Shape
from ratified.smt.first_order.steps import Path, State, Steps
from ratified.smt.first_order.theory import Theory
from ratified.smt.first_order.translate import Translator
from ratified.smt.first_order.variants import known_of
from ratified.smt.normal import normal
from ratified.smt.script import Lemma, Script
from ratified.smt.smtlib import Fact
from ratified.smt.terms import FALSE, TRUE, Term, conj, disj, every, implies, neg, symbols_of

_Step = tuple[list[tuple[str, Shape]], list[Path], list[Fact]]
"""An action's arguments, its paths, and the fact that it is taken."""


class Part(Enum):
    """What an obligation is for."""

    INITIATION = "initiation"
    CONSECUTION = "consecution"
    GOAL = "goal"


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something to be shown, as facts that must not have a model.

    `claim` is the lemma or goal; `action` the action that is taken (None: a state is spoken of, or the initial one). `arguments`
    are the action's; `before` and `after` the states (`after` a path each, with its guard).
    """

    part: Part
    claim: Function
    action: Function | None
    facts: tuple[Fact, ...]
    arguments: tuple[tuple[str, Shape], ...]
    before: State | None
    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        """How it is called in reports and files."""
        where = self.action.name if self.action else ("init" if self.part is Part.INITIATION else "")
        return f"{self.claim.name} / {where}" if where else f"{self.claim.name} (goal)"

    @property
    def says(self) -> str:
        """What it states, in a sentence."""
        doc = self.claim.doc.partition("\n")[0].rstrip(".")
        about = f"`{self.claim.name}`" + (f" ({doc})" if doc else "")
        if self.part is Part.INITIATION:
            return f"{about} is true in every initial state"
        if self.part is Part.CONSECUTION:
            assert self.action
            return f"`{self.action.name}` preserves {about}, given the lemmas it rests on"
        if self.action:
            return f"the lemmas make {about} true of every step of `{self.action.name}`"
        return f"the lemmas imply {about}"


class Translation:
    """A model in first-order logic: its states, steps, axioms and claims, made once and used by all obligations."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.module = script.module
        self.theory = Theory(self.module)
        self.translator = Translator(self.module, self.theory)
        self.steps = Steps(self.translator)
        self.state: State = {
            d.name: self.theory.shapes.from_symbols(d.name, d.type) for d in self.module.variables
        }
        self.assumptions: list[Fact] = []
        self.notes: list[str] = []
        for assumption in self.module.of_kind(Kind.ASSUMPTION):
            self._assume(assumption)
        if left_out := [f.name for f in self.module.of_kind(Kind.CONSTRAINT)]:
            self.notes.append(
                f"states outside {', '.join(left_out)} are covered too: bounds are for exploring"
            )

    def _assume(self, function: Function) -> None:
        try:
            formula = self.claim(function, {})
        except Refused:
            self.notes.append(f"the assumption {function.name} is not used: it is about sizes")
            return
        doc = function.doc.partition("\n")[0].rstrip(".")
        self.assumptions.append(Fact(f"assumed by the model: {doc or function.name}", formula))

    def claim(self, function: Function, now: State, old: State | None = None) -> Term:
        """An invariant of a state, or a step invariant of a step, as a formula; parameters are universally quantified."""
        reader = Reader(now, old or {})
        return self._over(function, list(function.arguments), {}, reader)

    def _over(self, function: Function, left: list[object], env: dict[str, Shape], reader: Reader) -> Term:
        if not left:
            found = self.translator.call(function, [env[a.name] for a in function.arguments], reader)
            assert isinstance(found, Atom)
            return self.translator.closed(found.term, reader)
        argument = left[0]
        found_: list[Term] = []
        with reader.inside():
            for variables, within, shape in self.theory.shapes.arguments_of(argument.type, argument.name):  # type: ignore[attr-defined]  # an Argument
                inner = self._over(function, left[1:], {**env, argument.name: shape}, reader)  # type: ignore[attr-defined]  # likewise
                found_.append(every(variables, implies(within, inner)))
        return conj(*found_)

    # --- obligations ---

    def obligations(
        self, only: Collection[str] | None = None, by: Collection[str] | None = None
    ) -> list[Obligation]:
        """All of them, in the order of the script: initiation, consecution by action, goals.

        Or those of some claims, and of these only what certain actions do to them.
        """
        now = {lemma.function.name: self.claim(lemma.function, self.state) for lemma in self.script.lemmas}
        actions = [f for f in self.module.of_kind(Kind.ACTION) if by is None or f.name in by]
        steps = {f.name: self._step(f) for f in actions}
        lemmas = [w for w in self.script.lemmas if only is None or w.function.name in only]
        known = [w.function.name for w in self.script.lemmas]
        goals = [
            w
            for w in self.script.goals
            if w.function.name not in known and (only is None or w.function.name in only)
        ]
        return [
            *(self._initiation(w) for w in lemmas if not w.derived and by is None),
            *(o for w in lemmas for o in self._claimed(w, now, steps, Part.CONSECUTION)),
            *(o for w in goals for o in self._claimed(w, now, steps, Part.GOAL)),
        ]

    def _initiation(self, wanted: Lemma) -> Obligation:
        paths, given = self.steps.initial(self.state)
        return self._make(Part.INITIATION, wanted.function, None, [], self._taken(paths), paths, given, None)

    def _claimed(
        self, wanted: Lemma, now: Mapping[str, Term], steps: Mapping[str, _Step], part: Part
    ) -> Iterator[Obligation]:
        """A lemma by each action, a step invariant by each action, or what follows in one state."""
        hypotheses, claim = self._hypotheses(wanted, now), wanted.function
        if wanted.derived or (part is Part.GOAL and claim.kind is not Kind.STEP_INVARIANT):
            here = [Path(TRUE, self.state)]
            yield self._make(Part.GOAL, claim, None, hypotheses, [], here, [], self.state)
            return
        for name, (given, paths, facts) in steps.items():
            action = self.module.functions[name]
            yield self._make(part, claim, action, hypotheses, facts, paths, given, self.state)

    def _hypotheses(self, lemma: Lemma, now: Mapping[str, Term]) -> list[Fact]:
        names = list(now)
        if lemma.uses is not None:
            names = [n for n in now if n in lemma.uses or (n == lemma.function.name and not lemma.derived)]
        return [Fact(f"before the step, lemma: {n}", now[n]) for n in names]

    def _step(self, action: Function) -> _Step:
        given, within = [], []
        for argument in action.arguments:
            shape, known = vs.constant_shape(
                self.theory.shapes, f"{action.name}.{argument.name}", argument.type
            )
            given.append((argument.name, shape))
            within.append(known)
        paths = self.steps.action(action, [s for _, s in given], self.state)
        facts = [Fact(f"{action.name} is taken", conj(*within, *(f.formula for f in self._taken(paths))))]
        return given, paths, facts

    @staticmethod
    def _taken(paths: Sequence[Path]) -> list[Fact]:
        return [Fact("one of the ways through it is possible", disj(*(p.guard for p in paths)))]

    def _make(
        self,
        part: Part,
        claim: Function,
        action: Function | None,
        hypotheses: Sequence[Fact],
        step: Sequence[Fact],
        paths: Sequence[Path],
        given: Sequence[tuple[str, Shape]],
        before: State | None,
    ) -> Obligation:
        ways = []
        for path in paths:
            holds = (
                self.claim(claim, path.after, before)
                if claim.kind is Kind.STEP_INVARIANT
                else self.claim(claim, path.after)
            )
            ways.append(conj(path.guard, neg(holds)))
        conclusion = Fact(f"and yet {claim.name} is false{' afterwards' if action else ''}", disj(*ways))
        unchanged = part is Part.CONSECUTION and all(self._same(claim, path) for path in paths)
        if unchanged:
            conclusion = Fact(
                f"{claim.name} speaks of nothing that {action.name if action else ''} changes", FALSE
            )
        facts = self._with_axioms([*hypotheses, *step, conclusion])
        return Obligation(part, claim, action, tuple(facts), tuple(given), before, tuple(paths))

    def _same(self, claim: Function, path: Path) -> bool:
        """Whether a claim speaks of nothing that changed on a path."""
        read = variables_read(self.module.functions, claim)
        return all(path.after[v] is self.state[v] for v in read)

    def _with_axioms(self, facts: Sequence[Fact]) -> list[Fact]:
        """Facts after what they rest on: the axioms about their symbols, definitions of their unknowns, bounds of the state."""
        facts = [Fact(f.says, normal(f.formula)) for f in facts]
        chosen: dict[str, Fact] = {}
        while True:
            used = symbols_of(f.formula for f in (*chosen.values(), *facts))
            more: dict[str, Fact] = {}
            for axiom in self.theory.axioms:
                if axiom.about in used:
                    more[axiom.says] = Fact(axiom.says, axiom.formula)
            for assumption in self.assumptions:
                if any(s in used for s in symbols_of([assumption.formula])):
                    more[assumption.says] = assumption
            for declaration in self.module.variables:
                if any(_is_of(s, declaration.name) for s in used):
                    known = known_of(self.theory.shapes, declaration.type, self.state[declaration.name])
                    if known != TRUE:
                        more[declaration.name] = Fact(f"{declaration.name} is within its bounds", known)
            for name, formula in self.translator.facts.items():
                if name in used:
                    more[name] = Fact(f"what {name.partition('!')[0]} is", formula)
            if more.keys() <= chosen.keys():
                return [*(Fact(f.says, normal(f.formula)) for f in chosen.values()), *facts]
            chosen.update(more)


def _is_of(symbol: str, variable: str) -> bool:
    return symbol == variable or symbol.startswith(f"{variable}.")


def variables_read(functions: Mapping[str, Function], function: Function) -> set[str]:
    """The variables that a function reads, by itself or through what it calls."""
    from ratified.language import ir

    found: set[str] = set()
    seen: set[str] = set()
    waiting = [function]
    while waiting:
        for statement in waiting.pop().body:
            for node in ir.walk(statement):
                if isinstance(node, ir.Variable):
                    found.add(node.name)
                elif isinstance(node, ir.Call | ir.Do) and node.function not in seen:
                    seen.add(node.function)
                    waiting.append(functions[node.function])
    return found
