"""From a proof script to obligations: initiation, each lemma by each action, each goal; each as formulas to be refuted.

Guarantees: if all obligations of a script are refuted (their formulas have no model), every goal holds in every reachable state
(or of every step) of the model at every size, and CPython has an answer wherever it is asked for one. An obligation is one
conjunction of facts: axioms, hypotheses, the step, and the negated conclusion.

A claim means that it can be evaluated and is true. A step is taken where its guards are true and all its operations have an
answer; that they have is an obligation of its own (`well-defined`), and so is that no step leaves the range of an int (`within
bounds`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ratified.language.errors import Span
from ratified.language.ir import Argument, Function, Kind
from ratified.language.kinds import refuse_other_types
from ratified.language.lower import lowered
from ratified.smt.definite import Definitions
from ratified.smt.facts import Fact, Role
from ratified.smt.first_order.context import Demand, Failing, LogicContext
from ratified.smt.first_order.names import argument_name, is_of, is_size, sized, variable_name
from ratified.smt.first_order.shapes import Atom, Inexpressible, Shape
from ratified.smt.first_order.steps import ActionPath, Execution, ShapeState, SymbolicSteps
from ratified.smt.first_order.symbols import constant_shape, known_of, within_bounds
from ratified.smt.first_order.theory import Theory
from ratified.smt.first_order.translate import logic_of
from ratified.smt.kinds import TYPES
from ratified.smt.normal import normal
from ratified.smt.script import CLAIMS, Lemma, ProofScript
from ratified.smt.smtlib import sorts_in
from ratified.smt.terms import (
    FALSE,
    TRUE,
    And,
    Apply,
    Not,
    Symbol,
    Term,
    conj,
    disj,
    every,
    implies,
    mentioned,
    neg,
    rebuilt,
    symbols_of,
)


@dataclass(frozen=True, slots=True)
class _ActionStep:
    """An action's arguments, its paths and demands, and what is known of the arguments."""

    given: list[tuple[str, Shape]]
    run: Execution
    within: Term


def _hypothesis(lemma: str, formula: Term) -> Fact:
    return Fact(f"before the step, lemma: {lemma}", formula, Role.HYPOTHESIS, lemma)


class Part(Enum):
    """The part of a proof that an obligation belongs to."""

    INITIATION = "initiation"
    CONSECUTION = "consecution"
    GOAL = "goal"
    WELL_DEFINED = "well-defined"
    BOUNDS = "within bounds"


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something to be shown, as facts that must not have a model.

    `claim` is the lemma or goal (None: that the step itself is in order); `action` the action that is taken (None: a state is
    spoken of, or the initial one). `arguments` are the action's; `before` and `after` the states (`after` a path each, with its
    guard). `demands` are what is shown of a step that is to be in order.
    """

    part: Part
    claim: Function | None
    action: Function | None
    facts: tuple[Fact, ...]
    arguments: tuple[tuple[str, Shape], ...]
    before: ShapeState | None
    paths: tuple[ActionPath, ...]
    demands: tuple[Demand, ...] = ()

    @property
    def about(self) -> str:
        """The lemma or goal by name, or what else is shown."""
        return self.claim.name if self.claim else self.part.value

    @property
    def name(self) -> str:
        """How it is called in reports and files."""
        initial = self.part is Part.INITIATION or self.claim is None
        where = self.action.name if self.action else ("init" if initial else "")
        return f"{self.about} / {where}" if where else f"{self.about} (goal)"

    @property
    def says(self) -> str:
        """What it states, in a sentence."""
        if self.claim is None:
            return self._in_order()
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

    def _in_order(self) -> str:
        step = f"`{self.action.name}`" if self.action else "`init`"
        where = {f"{d.what} ({d.span})" if d.span else d.what: None for d in self.demands}
        if self.part is Part.BOUNDS:
            return f"no step of {step} leaves {', '.join(where)}"
        return f"{step} never fails by {', '.join(where)}"


class Translation:
    """A model in first-order logic: its states, steps, axioms and claims, made once and used by all obligations."""

    def __init__(self, script: ProofScript) -> None:
        self.script = script
        refuse_other_types(script.module, TYPES, "first-order logic")
        self.module = lowered(script.module)
        self.theory = Theory(self.module)
        self.logic = logic_of(self.module, self.theory)
        self.steps = SymbolicSteps(self.logic)
        self.definitions = Definitions(self.theory.laws)
        self.state: ShapeState = {
            d.name: within_bounds(self.theory.shapes.from_symbols(variable_name(d.name), d.type))
            for d in self.module.variables
        }
        self.bounds = {
            d.name: known
            for d in self.module.variables
            if (known := known_of(self.theory.shapes, d.type, self.state[d.name])) != TRUE
        }
        """What the types of the variables say of their values."""
        self._normals: dict[int, tuple[Term, Term]] = {}
        self._symbols: dict[int, tuple[Term, Mapping[str, Symbol]]] = {}
        self.assumptions: list[Fact] = []
        self.notes: list[str] = []
        for assumption in self.module.of_kind(Kind.ASSUMPTION):
            self._assume(assumption)
        self._note()

    def _note(self) -> None:
        if left_out := [f.name for f in self.module.of_kind(Kind.CONSTRAINT)]:
            self.notes.append(
                f"states outside {', '.join(left_out)} are covered too: bounds are for exploring"
            )

    def _assume(self, function: Function) -> None:
        heard: list[Demand] = []
        context = LogicContext(self.logic, {}, {}, {}, heard.append)
        try:
            formula = context.call(function, [])
        except Inexpressible as problem:
            why = f"{problem.message} ({problem.span})" if problem.span else problem.message
            self.notes.append(f"the assumption {function.name} is not used: {why}")
            return
        assert isinstance(formula, Atom)
        doc = function.doc.partition("\n")[0].rstrip(".")
        says = f"assumed by the model: {function.name}" + (f" ({doc})" if doc else "")
        # A size where it has no answer is none: the model cannot be made there.
        whole = conj(*(d.holds for d in heard), formula.term)
        self.assumptions.append(Fact(says, self.definitions.plain(whole)))

    def refusals(self) -> list[Inexpressible]:
        """All that cannot be said of the model: what is refused stands for anything while the rest is read."""
        claims = [f for f in self.module.functions.values() if f.kind in CLAIMS]
        ways: list[Callable[[], object]] = [lambda: self.steps.initial(self.state)]
        ways += [functools.partial(self._step, f) for f in self.module.of_kind(Kind.ACTION)]
        ways += [functools.partial(self.claim, f, self.state, self.state) for f in claims]
        found: dict[tuple[Span | None, str], Inexpressible] = {}
        for way in ways:
            while True:
                try:
                    way()
                except Inexpressible as problem:
                    found.setdefault((problem.span, problem.message), problem)
                    node = problem.node
                    if node is None or id(node) in self.logic.excused:
                        break  # a statement: what comes after it is not known
                    self.logic.excused[id(node)] = node
                else:
                    break
        self.logic.excused.clear()
        return list(found.values())

    def claim(self, function: Function, now: ShapeState, old: ShapeState | None = None) -> Term:
        """That an invariant of a state, or a step invariant of a step, can be evaluated and is true, for all its arguments."""
        function = self.module.functions[function.key]
        return self._over(function, list(function.arguments), {}, now, old or {})

    def _over(
        self,
        function: Function,
        left: list[Argument],
        env: dict[str, Shape],
        now: ShapeState,
        old: ShapeState,
        known: Term = TRUE,
    ) -> Term:
        if not left:
            heard: list[Demand] = []
            context = LogicContext(self.logic, {}, now, old, heard.append).knowing(known)
            found = context.call(function, [env[a.name] for a in function.arguments])
            assert isinstance(found, Atom)
            return conj(*(d.holds for d in heard), found.term)
        argument = left[0]
        ways: list[Term] = []
        for variables, within, shape in self.theory.shapes.arguments_of(argument.type, argument.name):
            given = {**env, argument.name: shape}
            inner = self._over(function, left[1:], given, now, old, conj(known, within))
            ways.append(every(variables, implies(within, inner)))
        return conj(*ways)

    def beginning(self) -> list[Fact]:
        """What is true of an initial state, if there is one at some size: facts that are to have a model."""
        run, _ = self.steps.initial(self.state)
        return self._with_axioms([*self.assumptions, *self._taken(run.paths)])

    def assumed(self) -> list[Fact]:
        """What is assumed: facts that are to have a model. None if nothing is."""
        return self._with_axioms(self.assumptions)

    # --- obligations ---

    def obligations(
        self, only: Collection[str] | None = None, by: Collection[str] | None = None
    ) -> list[Obligation]:
        """All of them, in the order of the script: initiation, consecution by action, goals.

        Or those of some claims, and of these only what certain actions do to them.
        """
        now = {
            lemma.function.name: self.claim(lemma.function, self.state)
            for lemma in self.script.lemmas
            if lemma.function.kind is Kind.INVARIANT
        }
        actions = [f for f in self.module.of_kind(Kind.ACTION) if by is None or f.name in by]
        steps = {f.name: self._step(f) for f in actions}
        if past := [n for n, s in steps.items() if s.run.demanded(Failing.LAST)]:
            self.notes.append(
                f"steps past the last value of an ordered sort ({', '.join(past)}) are taken at larger sizes"
            )
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
            *(self._in_order(now, steps, initial=by is None) if only is None else ()),
        ]

    def _initiation(self, wanted: Lemma) -> Obligation:
        run, given = self.steps.initial(self.state)
        taken = self._taken(run.paths)
        return self._make(Part.INITIATION, wanted.function, None, [], taken, run.paths, given, None)

    def _claimed(
        self, wanted: Lemma, now: Mapping[str, Term], steps: Mapping[str, _ActionStep], part: Part
    ) -> Iterator[Obligation]:
        """A lemma by each action, a step invariant by each action, or what follows in one state."""
        hypotheses, claim = self._hypotheses(wanted, now), wanted.function
        if wanted.derived or (part is Part.GOAL and claim.kind is not Kind.STEP_INVARIANT):
            here = [ActionPath(TRUE, self.state)]
            yield self._make(Part.GOAL, claim, None, hypotheses, [], here, [], self.state)
            return
        for name, step in steps.items():
            action, paths = self.module.functions[name], step.run.paths
            taken = conj(step.within, *(f.formula for f in self._taken(paths)))
            facts = [Fact(f"{name} is taken", taken, Role.TAKEN)]
            yield self._make(part, claim, action, hypotheses, facts, paths, step.given, self.state)

    def _in_order(
        self, now: Mapping[str, Term], steps: Mapping[str, _ActionStep], *, initial: bool
    ) -> Iterator[Obligation]:
        """That steps have an answer, and that they stay within bounds, where that is not plain."""
        hypotheses = [_hypothesis(n, f) for n, f in now.items()]
        if initial:
            run, given = self.steps.initial(self.state)
            yield from self._shown(None, run, [], given, None)
        for name, step in steps.items():
            facts = [*hypotheses, Fact(f"the arguments of {name} are within their bounds", step.within)]
            yield from self._shown(self.module.functions[name], step.run, facts, step.given, self.state)

    def _shown(
        self,
        action: Function | None,
        run: Execution,
        facts: Sequence[Fact],
        given: Sequence[tuple[str, Shape]],
        before: ShapeState | None,
    ) -> Iterator[Obligation]:
        for part, failing in ((Part.WELL_DEFINED, Failing.ERROR), (Part.BOUNDS, Failing.LEFT)):
            demands = run.demanded(failing)
            if not demands:
                continue
            says = f"and yet the step is not {part.value}"
            wrong = Fact(says, disj(*(neg(d.holds) for d in demands)), Role.CONCLUSION)
            whole = self._with_axioms([*facts, wrong])
            yield Obligation(
                part, None, action, tuple(whole), tuple(given), before, run.paths, tuple(demands)
            )

    def _hypotheses(self, lemma: Lemma, now: Mapping[str, Term]) -> list[Fact]:
        names = list(now)
        if lemma.uses is not None:
            names = [n for n in now if n in lemma.uses or (n == lemma.function.name and not lemma.derived)]
        return [_hypothesis(n, now[n]) for n in names]

    def _step(self, action: Function) -> _ActionStep:
        given, within = [], []
        for argument in action.arguments:
            name = argument_name(action.name, argument.name)
            shape, known = constant_shape(self.theory.shapes, name, argument.type)
            given.append((argument.name, shape))
            within.append(known)
        known = conj(*within)
        return _ActionStep(given, self.steps.action(action, [s for _, s in given], self.state, known), known)

    @staticmethod
    def _taken(paths: Sequence[ActionPath]) -> list[Fact]:
        possible = disj(*(p.guard for p in paths))
        return [Fact("one of the ways through it is possible", possible, Role.TAKEN)]

    def _make(
        self,
        part: Part,
        claim: Function,
        action: Function | None,
        hypotheses: Sequence[Fact],
        step: Sequence[Fact],
        paths: Sequence[ActionPath],
        given: Sequence[tuple[str, Shape]],
        before: ShapeState | None,
    ) -> Obligation:
        ways = []
        for path in paths:
            holds = (
                self.claim(claim, path.after, before)
                if claim.kind is Kind.STEP_INVARIANT
                else self.claim(claim, path.after)
            )
            ways.append(conj(path.guard, neg(holds)))
        says, wrong = f"and yet {claim.name} is false{' afterwards' if action else ''}", disj(*ways)
        one_state = part is Part.CONSECUTION and claim.kind is Kind.INVARIANT
        unchanged = one_state and all(self._same(claim, path) for path in paths)
        if unchanged:
            says, wrong = (
                f"{claim.name} speaks of nothing that {action.name if action else ''} changes",
                FALSE,
            )
        facts = self._with_axioms([*hypotheses, *step, Fact(says, wrong, Role.CONCLUSION)])
        return Obligation(part, claim, action, tuple(facts), tuple(given), before, tuple(paths))

    def _same(self, claim: Function, path: ActionPath) -> bool:
        """Whether a claim speaks of nothing that changed on a path."""
        read = {name for _, name in self.logic.uses.function(claim.key).reads}
        return all(path.after[v] is self.state[v] for v in read)

    def _with_axioms(self, facts: Sequence[Fact]) -> list[Fact]:
        """Facts after what they rest on: the axioms about their symbols, definitions of their unknowns, bounds of the state."""
        self.theory.settle()
        facts = [replace(f, formula=self._normal(f.formula)) for f in facts]
        chosen: dict[str, Fact] = {}
        while True:
            used: dict[str, Symbol] = {}
            for f in (*chosen.values(), *facts):
                used.update(self._symbols_in(f.formula))
            sorts = {sort for s in used.values() for sort in (*s.arguments, s.result)}
            more: dict[str, Fact] = {}
            for axiom in self.theory.axioms:
                about = axiom.about in sorts if axiom.of_sort else any(is_of(s, axiom.about) for s in used)
                if about and (axiom.beside is None or any(is_of(s, axiom.beside) for s in used)):
                    more[axiom.says] = axiom.fact
            for assumption in self.assumptions:
                named = self._symbols_in(assumption.formula)
                if (
                    not named
                    or any(s in used for s in named)
                    or self._sized(named, [*chosen.values(), *facts])
                ):
                    more[assumption.says] = assumption
            for name, known in self.bounds.items():
                if any(is_of(s, variable_name(name)) for s in used):
                    more[f"bounds of {name}"] = Fact(f"{name} is within its bounds", known)
            for name, formula in self.definitions.facts.items():
                if name in used:
                    more[name] = Fact(f"what {name} is", formula)
            more = {n: replace(f, formula=self._normal(f.formula)) for n, f in more.items()}
            if more.keys() <= chosen.keys():
                return [*chosen.values(), *facts]
            chosen.update(more)

    def _symbols_in(self, formula: Term) -> Mapping[str, Symbol]:
        """The names of the symbols in a formula, looked for once."""
        known = self._symbols.get(id(formula))
        if known is None:
            known = self._symbols[id(formula)] = formula, symbols_of([formula])
        return known[1]

    @staticmethod
    def _sized(about: Mapping[str, Symbol], facts: Sequence[Fact]) -> bool:
        """Whether an assumption is about how large sorts are that these facts speak of."""
        whole = [sized(s) for s in about.values() if is_size(s) and not s.arguments]
        return bool(whole) and not set(whole).isdisjoint(sorts_in([f.formula for f in facts]))

    def _normal(self, formula: Term) -> Term:
        """A formula as a solver gets it, made once."""
        known = self._normals.get(id(formula))
        if known is None:
            # The formula is kept, so that no other is given its number.
            known = self._normals[id(formula)] = formula, normal(self.definitions.plain(formula))
        return known[1]


def settled(facts: Sequence[Fact]) -> list[Fact]:
    """Facts that are simpler where some of them say at once that a proposition is true, or false: elsewhere it is known then.

    Solvers do so too, but not before they have chosen how to deal with quantifiers.
    """
    known: dict[Apply, Term] = {}
    for fact in facts:
        for part in fact.formula.operands if isinstance(fact.formula, And) else (fact.formula,):
            atom = part.operand if isinstance(part, Not) else part
            if isinstance(atom, Apply) and not atom.arguments:
                known.setdefault(atom, FALSE if isinstance(part, Not) else TRUE)
    if not known:
        return list(facts)

    def simpler(term: Term) -> Term:
        return known[term] if isinstance(term, Apply) and term in known else rebuilt(term, simpler)

    plain = conj(*(atom if value == TRUE else neg(atom) for atom, value in known.items()))
    names = {atom.symbol.name for atom in known}
    rest = [
        f if names.isdisjoint(mentioned(f.formula).symbols) else replace(f, formula=simpler(f.formula))
        for f in facts
    ]
    return [Fact("what the facts below say at once", plain), *rest]
