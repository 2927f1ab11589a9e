"""Scripts whose sorts have few elements: quantifiers are written out as circuits, for a SAT solver.

Guarantees: for sizes that are given, `sat` and `unsat` are the truth, and a structure that is returned satisfies every assertion;
the same question has the same answer on every run. Scripts with integers are refused (`Unsaid`).

A function is a choice of one value for each choice of its arguments. A quantifier is written out variable by variable; parts of
its formula that share no variable are written out apart, and what was written out once, for the same values of the variables
in it, is not written out again. Constants are numbered so that elements which only differ in name are not tried in turn (Claessen
and Sörensson, New Techniques that Improve MACE-style Finite Model Finding, 2003, section 4.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ratified.certified import DECLARED, VARIABLE, Script, Symbol, Terms
from ratified.smt.finite.circuit import FALSE, TRUE, Circuit

Interpretations = Mapping[str, Mapping[tuple[int, ...], int]]
"""For each symbol, what it is of what; what is not said is 0 (false)."""

ElementLiterals = Mapping[int, int]
"""An element: for each that it may be, the literal that is true if it is."""

ROOM = 500_000
"""Parts of formulas that are looked at while quantifiers are written out; more are too many."""


class Unsaid(Exception):
    """What cannot be written out: integers, or too much."""


def solved(text: str, sizes: Mapping[str, int], conflicts: int) -> Interpretations | bool | None:
    """A structure of such sizes, where the constants `SORT!N` are elements by their numbers.

    False if there is none; None if so many conflicts of the SAT solver did not tell.

    Raises:
        Unsaid: the script has integers, or its formulas are too large when they are written out.
        Refused: it is no script.
    """
    from pysat.solvers import Solver

    script = Script(text, Terms())
    expansion = _Expansion(script.terms, sizes)
    roots = [expansion.formula(formula) for formula in script.assertions] + expansion.required
    with Solver(name="glucose4", bootstrap_with=[[TRUE], *([root] for root in roots)]) as solver:
        for gate in expansion.circuit.inside(roots, {TRUE}):  # Tseitin's encoding
            joined = expansion.circuit.gates[gate]
            if joined is not None:
                solver.append_formula([[-gate, literal] for literal in joined])
                solver.add_clause([gate, *(-literal for literal in joined)])
        solver.conf_budget(conflicts)
        answer: bool | None = solver.solve_limited()
        return expansion.tables(set(solver.get_model())) if answer else answer


class _Expansion:
    def __init__(self, terms: Terms, sizes: Mapping[str, int]) -> None:
        self.terms = terms
        self.circuit = Circuit()
        self.required: list[int] = []
        self._sizes = sizes
        self._left = ROOM
        self._values: dict[int, int] = {}  # of variables, while what they are bound in is written out
        self._known: dict[tuple[object, ...], int] = {}
        self._order: dict[int, tuple[int, ...]] = {}
        self._groups: dict[tuple[tuple[int, ...], frozenset[int]], tuple[list[int], list[_Group]]] = {}
        self._entries: dict[tuple[Symbol, tuple[int, ...]], dict[int, int]] = {}
        self._elements = {f"{sort}!{e}": {e: TRUE} for sort, size in sizes.items() for e in range(size)}
        named = {h.result for h in terms.heads if h.name in self._elements}
        self._constants = {sort: sizes[sort] for sort in named}  # how many there are of a sort

    def elements(self, sort: str) -> range:
        if sort == "Int":
            raise Unsaid("integers")
        return range(2 if sort == "Bool" else self._sizes.get(sort, 1))

    def formula(self, term: int) -> int:
        """The literal of a formula, where its variables have the values that they have now."""
        terms, parts = self.terms, self.terms.parts[term]
        name = terms.names[term]
        if name == "not":
            return -self.formula(parts[0])
        if name in ("true", "false"):
            return TRUE if name == "true" else FALSE
        key = (term, *[self._values[v] for v in self._free(term)])
        if key not in self._known:
            self._spend(1)
            self._known[key] = self._formula(term, name, parts)
        return self._known[key]

    def _free(self, term: int) -> tuple[int, ...]:
        if term not in self._order:
            self._order[term] = tuple(sorted(self.terms.free[term]))
        return self._order[term]

    def _spend(self, parts: int) -> None:
        self._left -= parts
        if self._left < 0:
            raise Unsaid("there is too much to be written out")

    def _formula(self, term: int, name: str, parts: tuple[int, ...]) -> int:
        match name:
            case "and":
                found = []
                for part in parts:
                    found.append(self.formula(part))
                    if found[-1] == FALSE:
                        return FALSE
                return self.circuit.every(found)
            case "forall":
                return self._all(parts[-1], True, frozenset(parts[:-1]))
            case "=":
                left, right = (self._value(part) for part in parts)
                both = [self.circuit.both(left[e], right[e]) for e in left if e in right]
                return self.circuit.some(both)
        head = self.terms.heads[term]
        if head.owner == DECLARED and all(self.terms.heads[p].owner == VARIABLE for p in parts):
            return self._entry(head, tuple([self._values[p] for p in parts]))[
                1
            ]  # as below, which takes longer
        return self._value(term).get(1, FALSE)

    def _all(self, term: int, positive: bool, variables: frozenset[int]) -> int:
        """A formula, or its negation, for all values of some variables."""
        terms, parts = self.terms, self.terms.parts[term]
        match terms.names[term]:
            case "not":
                return self._all(parts[0], not positive, variables)
            case "forall" if positive:
                return self._all(parts[-1], True, variables.union(parts[:-1]))
            case "and" if positive:
                return self.circuit.every(self._all(part, True, variables) for part in parts)
            case "and":
                return self._any(tuple(dict.fromkeys(_disjuncts(terms, term, False))), variables)
        return self._any((term if positive else -term,), variables)

    def _any(self, disjuncts: tuple[int, ...], variables: frozenset[int]) -> int:
        """A disjunction of literals, for all values of some variables."""
        if (disjuncts, variables) not in self._groups:
            self._groups[disjuncts, variables] = _apart(disjuncts, variables, self.terms.free)
        closed, groups = self._groups[disjuncts, variables]
        found = list[int]()
        for part in closed:
            found.append(self.formula(part) if part > 0 else -self.formula(-part))
            if found[-1] == TRUE:
                return TRUE
        for group in groups:
            key = (group, *[self._values[v] for v in group.given])
            if key not in self._known:
                self._spend(len(group.parts))
                self._known[key] = self._each(group)
            found.append(self._known[key])
            if found[-1] == TRUE:
                return TRUE
        return self.circuit.some(found)

    def _each(self, group: _Group) -> int:
        """A group for all values of its variables: the one that most parts mention has one value after the other."""
        first_part = group.parts[0]
        if len(group.parts) == 1 and first_part > 0 and self.terms.names[first_part] in ("and", "forall"):
            return self._all(first_part, True, group.variables)
        found = list[int]()
        for element in self.elements(self.terms.heads[group.first].result):
            self._values[group.first] = element
            found.append(self._any(group.parts, group.rest))
            if found[-1] == FALSE:
                return FALSE
        return self.circuit.every(found)

    def _value(self, term: int) -> ElementLiterals:
        """What a term is; a formula is 1 if it is true."""
        terms, parts, head = self.terms, self.terms.parts[term], self.terms.heads[term]
        if head.owner == VARIABLE:
            return {self._values[term]: TRUE}
        if terms.names[term] == "ite":
            test = self.formula(parts[0])
            then, orelse = (self._value(part) for part in parts[1:])
            return {
                e: self.circuit.choose(test, then.get(e, FALSE), orelse.get(e, FALSE))
                for e in {**then, **orelse}
            }
        if head.owner != DECLARED:
            if head.result != "Bool" or "Int" in head.arguments:
                raise Unsaid("integers")
            literal = self.formula(term)
            return {0: -literal, 1: literal}
        ways: dict[int, list[int]] = {}
        for chosen in product(*[self._value(part).items() for part in parts]):
            if (under := self.circuit.every([literal for _, literal in chosen])) != FALSE:
                for element, literal in self._entry(head, tuple([e for e, _ in chosen])).items():
                    ways.setdefault(element, []).append(self.circuit.both(under, literal))
        return {e: made for e, literals in ways.items() if (made := self.circuit.some(literals)) != FALSE}

    def _entry(self, head: Symbol, key: tuple[int, ...]) -> ElementLiterals:
        """What a symbol is of some elements."""
        if head.name in self._elements:
            return self._elements[head.name]
        if (head, key) not in self._entries:
            elements = self.elements(head.result)
            if head.result == "Bool":
                made = self.circuit.fresh()
                self._entries[head, key] = {0: -made, 1: made}
                return self._entries[head, key]
            if (
                not head.arguments
            ):  # the first constant is the first element, the second one of the first two, ...
                number = self._constants[head.result] = self._constants.get(head.result, 0) + 1
                elements = elements[:number]
            literals = {e: self.circuit.fresh() for e in elements} if len(elements) > 1 else {0: TRUE}
            self.required.append(self.circuit.exactly_one([*literals.values()]))
            self._entries[head, key] = literals
        return self._entries[head, key]

    def tables(self, true: set[int]) -> Interpretations:
        """The structure, as a solver found it."""
        found: dict[str, dict[tuple[int, ...], int]] = {}
        for (head, key), literals in self._entries.items():
            value = next((e for e, literal in literals.items() if literal in true), 0)
            found.setdefault(head.name, {})[key] = value
        return found


def _disjuncts(terms: Terms, term: int, positive: bool) -> Iterator[int]:
    """The parts of a disjunction, which is a negated conjunction: negative if they are negated."""
    match terms.names[term]:
        case "not":
            yield from _disjuncts(terms, terms.parts[term][0], not positive)
        case "and" if not positive:
            for part in terms.parts[term]:
                yield from _disjuncts(terms, part, False)
        case _:
            yield term if positive else -term


@dataclass(frozen=True, eq=False, slots=True)
class _Group:
    """Parts of a disjunction that share variables with each other, and with no others; those that the parts are given.

    `first` is the variable that most parts mention.
    """

    parts: tuple[int, ...]
    variables: frozenset[int]
    given: tuple[int, ...]
    first: int
    rest: frozenset[int]


def _apart(
    parts: Iterable[int], variables: frozenset[int], free: Sequence[frozenset[int]]
) -> tuple[list[int], list[_Group]]:
    """The parts that mention none of the variables, and the others in groups."""
    closed, groups = list[int](), list[tuple[tuple[int, ...], frozenset[int]]]()
    for part in parts:
        if not (own := free[abs(part)] & variables):
            closed.append(part)
            continue
        joined = [g for g in groups if g[1] & own]
        groups = [g for g in groups if not g[1] & own]
        groups.append(((*(p for g in joined for p in g[0]), part), own.union(*(g[1] for g in joined))))
    found = []
    for members, own in groups:
        given = frozenset[int]().union(*(free[abs(p)] for p in members)) - own
        uses = {v: sum(v in free[abs(p)] for p in members) for v in own}
        first = max(own, key=lambda v: (uses[v], -v))
        found.append(_Group(members, own, tuple(sorted(given)), first, own - {first}))
    return closed, found
