"""Ground clauses that contradict each other, by equality and linear arithmetic: which of them, and with what lemmas.

A SAT solver proposes which atoms are true; whatever of that cannot be, by the theories, is a lemma that it is told.

Guarantees: a lemma is one of the kinds that a certificate may have; the clauses and lemmas that are returned have no
propositional model, and none of them can be left out, unless there are very many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, pairwise
from typing import Any

from ratified.certified import NUMERAL, Clause, Terms
from ratified.smt.certificate.arithmetic import contradicting, facts
from ratified.smt.certificate.congruence import Congruence
from ratified.smt.certificate.text import SolverText

EFFORT = 3_000_000
"""Of Z3, in its own steps, to say which clauses contradict each other."""

ROUNDS = 2_000
"""How often the SAT solver is asked for another proposal."""

PAIRS = 200
"""Pairs of integers at one place of a function that are compared, where nothing else helps."""

MANY = 400
"""Clauses of which it is tried one by one whether they can be left out."""


@dataclass(frozen=True, slots=True)
class TheoryLemma:
    """A clause that holds by a theory: the line of a certificate that says so begins with `kind`."""

    kind: str
    clause: Clause
    said: tuple[Clause, ...] = ()
    """The words of that line: products of terms, negative if negated; if none, they are the literals of the clause."""


def contradiction(terms: Terms, given: Sequence[Clause]) -> tuple[list[int], list[TheoryLemma]] | None:
    """Which of the given clauses contradict each other, and the lemmas for it; None if they are found not to."""
    every = range(len(given))
    core = _core_of_z3(terms, given)
    for places in (core, every) if core else (every,) if core is None else ():
        if found := _contradiction(terms, [given[p] for p in places]):
            return [places[p] for p in found[0]], found[1]
    return None


def _core_of_z3(terms: Terms, given: Sequence[Clause]) -> list[int] | None:
    """Some clauses that contradict each other, by all that Z3 knows of integers; none if none do, None if it gives up."""
    import z3

    text = SolverText(terms)
    lines = [f"(assert (! {text.clause(clause)} :named c{place}))" for place, clause in enumerate(given)]
    z3.set_param(proof=False)  # read when a context is made
    solver = z3.Solver(ctx=z3.Context())
    solver.set("rlimit", EFFORT)
    solver.from_string("\n".join(["(set-option :produce-unsat-cores true)", *text.declarations(), *lines]))
    match solver.check():
        case z3.unsat:
            return sorted(int(name.decl().name()[1:]) for name in solver.unsat_core())
        case z3.sat:
            return []
    return None


def _contradiction(terms: Terms, given: Sequence[Clause]) -> tuple[list[int], list[TheoryLemma]] | None:
    """The same, of clauses of which few are thought to be without use."""
    from pysat.solvers import Solver

    lemmas: dict[TheoryLemma, None] = {}
    with Solver(name="minisat22") as solver:
        sat = _Numbers(solver)
        for clause in given:
            solver.add_clause(sat.clause(clause))
        for _ in range(ROUNDS):
            if not solver.solve():
                return _smallest(given, list(lemmas))
            held = sat.held()
            new = [x for x in dict.fromkeys(_violated(terms, held)) if x not in lemmas]
            if not new:
                return None
            lemmas.update(dict.fromkeys(new))
            for lemma in new:
                solver.add_clause(sat.clause(lemma.clause))
    return None


class _Numbers:
    """Atoms as the variables of a SAT solver."""

    def __init__(self, solver: Any) -> None:
        self.solver = solver
        self.variables: dict[int, int] = {}

    def clause(self, clause: Clause) -> list[int]:
        found = []
        for literal in clause:
            atom = abs(literal)
            if atom not in self.variables:
                self.variables[atom] = len(self.variables) + 1
                self.solver.set_phases([-self.variables[atom]])
            found.append(self.variables[atom] if literal > 0 else -self.variables[atom])
        return found

    def held(self) -> list[int]:
        """The literals that are true in the proposal."""
        values = self.solver.get_model()
        return [a if values[v - 1] > 0 else -a for a, v in self.variables.items()]


def _violated(terms: Terms, held: Sequence[int]) -> Iterator[TheoryLemma]:
    """Lemmas that a proposal violates; none if it is a model of the theories, as far as they are known here."""
    equal = [x for x in held if terms.names[abs(x)] == "="]
    others = [x for x in held if terms.names[abs(x)] != "="]
    about = (
        {t for x in equal for t in terms.parts[abs(x)]} | {abs(x) for x in others} | {terms.true, terms.false}
    )
    closure = Congruence(terms, about, [(*_sides(terms, x), x) for x in equal if x > 0])
    found = False
    for lemma in _unequal(terms, closure, equal, others):
        found = True
        yield lemma
    if not found:
        yield from _integers(terms, held)
        yield from _same_integers(terms, closure, held)


def _sides(terms: Terms, equality: int) -> tuple[int, int]:
    left, right = terms.parts[abs(equality)]
    return left, right


def _unequal(
    terms: Terms, closure: Congruence, equal: Sequence[int], others: Sequence[int]
) -> Iterator[TheoryLemma]:
    """Lemmas about what is equal and may not be: sides, predicates with two values, numerals."""

    def lemma(pairs: Sequence[tuple[int, int]], *more: int) -> TheoryLemma:
        return TheoryLemma("e", (*(-x for x in sorted(closure.explain(pairs))), *more))

    for literal in equal:
        if literal < 0 and closure.same(*_sides(terms, literal)):
            yield lemma([_sides(terms, literal)], -literal)
    by_key: dict[object, dict[bool, int]] = defaultdict(dict)
    for literal in others:
        atom = abs(literal)
        if atom in (terms.true, terms.false):
            if (atom == terms.true) != (literal > 0):
                yield TheoryLemma("e", (-literal,))
            continue
        by_key[closure.key(atom)].setdefault(literal > 0, literal)
        if opposite := by_key[closure.key(atom)].get(literal < 0):
            pairs = list(zip(terms.parts[atom], terms.parts[abs(opposite)], strict=True))
            yield lemma(pairs, -literal, -opposite)
    constants = [
        t for t in closure.terms if NUMERAL.fullmatch(terms.names[t]) or t in (terms.true, terms.false)
    ]
    for pair in combinations(constants, 2):
        if closure.same(*pair):
            yield lemma([pair])


def _integers(terms: Terms, held: Sequence[int]) -> Iterator[TheoryLemma]:
    """Lemmas about integers: facts that contradict each other; how equalities and inequalities go together."""
    if (products := contradicting(terms, held)) is not None:
        yield TheoryLemma("l", _clause(terms, products), tuple(products))
        return
    for literal in held:
        if literal < 0 and terms.names[-literal] == "=" and terms.sorts(terms.parts[-literal])[0] == "Int":
            yield _in_order(terms, -literal)
    yield from _known_exactly(terms, held)
    yield from _quotients(terms, held)
    places: dict[object, set[int]] = defaultdict(set)  # which integers stand at the same place of a function
    for term in sorted(_parts(terms, held)):
        for place, part in enumerate(terms.parts[term] if not terms.names[term] else ()):
            if terms.sorts([part]) == ("Int",):
                places[terms.heads[term], place].add(part)
    for found in places.values():
        for one, other in islice(combinations(sorted(found), 2), PAIRS):
            yield _in_order(terms, terms.make("=", one, other))


def _clause(terms: Terms, products: Sequence[Clause]) -> Clause:
    """The literals among the factors of products."""
    return tuple(
        dict.fromkeys(x for factors in products for x in factors if terms.sorts([abs(x)]) == ("Bool",))
    )


def _in_order(terms: Terms, equation: int) -> TheoryLemma:
    """Two integers are equal, or one is not at most the other."""
    return TheoryLemma("o", terms.of_integers(equation), ((equation,),))


def _known_exactly(terms: Terms, held: Sequence[int]) -> Iterator[TheoryLemma]:
    """Unknowns that are at least a number and at most that: equal to it, which products of them follow from."""
    bounds: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
    for fact in facts(terms, held):
        match [item for item in fact.sum.items() if item[0]]:
            case [((unknown,), (1 | -1) as sign)] if not fact.equation:
                bounds[sign > 0].add((unknown, -sign * fact.sum.get((), 0)))
    for unknown, value in sorted(bounds[True] & bounds[False]):
        number = terms.make(str(abs(value)))
        yield _in_order(terms, terms.make("=", unknown, number if value >= 0 else terms.make("-", number)))


def _quotients(terms: Terms, held: Sequence[int]) -> Iterator[TheoryLemma]:
    """What is at most a quotient, and what is not: the quotient itself and one more; what it is said to be more than."""
    for quotient in sorted(t for t in _parts(terms, held) if terms.names[t] == "div"):
        ends = [terms.parts[x] for x in map(abs, held) if terms.names[x] == "<="]
        least = [one for one, other in ends if other == quotient]
        most = [quotient, *(other for one, other in ends if one == quotient)]
        for bound in dict.fromkeys([quotient, *least, *(terms.make("+", m, terms.one) for m in most)]):
            atom = terms.make("<=", bound, quotient)
            for literal in (atom, -atom):
                if clause := terms.of_integers(literal):
                    yield TheoryLemma("o", clause, ((literal,),))


def _same_integers(terms: Terms, closure: Congruence, held: Sequence[int]) -> Iterator[TheoryLemma]:
    """That integers in inequalities are equal, and so at most each other, where congruence says so and no equation does."""
    groups: dict[int, list[int]] = defaultdict(list)
    for term in sorted({t for fact in facts(terms, held) for product in fact.sum for t in product}):
        groups[closure.leader(term)].append(term)
    for group in groups.values():
        for one, other in pairwise(group):
            equation = terms.make("=", one, other)
            if (because := closure.explain([(one, other)])) != {equation}:
                yield TheoryLemma("e", (*(-x for x in sorted(because)), equation))


def _parts(terms: Terms, literals: Sequence[int]) -> set[int]:
    """Every term in literals."""
    found: set[int] = set()
    waiting = [abs(x) for x in literals]
    while waiting:
        if (term := waiting.pop()) not in found:
            found.add(term)
            waiting += terms.parts[term]
    return found


def _smallest(given: Sequence[Clause], lemmas: Sequence[TheoryLemma]) -> tuple[list[int], list[TheoryLemma]]:
    """Clauses and lemmas that have no propositional model, of which none can be left out."""
    from pysat.solvers import Solver

    every = [*given, *(lemma.clause for lemma in lemmas)]
    with Solver(name="minisat22") as solver:
        sat = _Numbers(solver)
        clauses = [sat.clause(clause) for clause in every]
        first = len(sat.variables) + 1
        for place, clause in enumerate(clauses):
            solver.add_clause([*clause, -(first + place)])
        solver.solve(assumptions=[first + place for place in range(len(every))])
        core = solver.get_core()
        while len(smaller := _core(solver, core)) < len(core):
            core = smaller
        if len(core) <= MANY:
            for one in sorted(core, reverse=True):
                left = [x for x in core if x != one]
                if one in core and not solver.solve(assumptions=left):
                    core = [x for x in left if x in set(solver.get_core())]
    places = sorted(x - first for x in core)
    return [p for p in places if p < len(given)], [lemmas[p - len(given)] for p in places if p >= len(given)]


def _core(solver: Any, assumptions: list[int]) -> list[int]:
    solver.solve(assumptions=assumptions)
    found: list[int] = solver.get_core()
    return found
