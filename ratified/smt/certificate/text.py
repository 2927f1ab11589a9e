"""Formulas as text for Z3, as the checker flattens them.

Guarantees: names are made up anew, so that none can clash with a solver's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ratified.certified import THEORY, VARIABLE, Clause, Symbol, Terms


@dataclass(slots=True)
class FormulaNode:
    """A formula, or the negation of one, as it is flattened: `parts` in the same order, `made` its Skolem terms."""

    term: int
    positive: bool
    made: list[int] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)
    parts: list[FormulaNode] = field(default_factory=list)


def _leaves(node: FormulaNode) -> Iterator[FormulaNode]:
    """The parts of a node that have none."""
    for part in node.parts:
        yield from _leaves(part)
    if not node.parts:
        yield node


@dataclass(frozen=True, slots=True)
class QuantifierBlock:
    """A quantifier of an assertion (by number): its variables, and those of others around it that it speaks of."""

    assertion: int
    variables: tuple[int, ...]
    around: frozenset[int]


class SolverText:
    """Formulas as text for Z3, under names that cannot clash with anything."""

    def __init__(self, terms: Terms, *, without_skolem: bool = False) -> None:
        self.terms, self.without_skolem = terms, without_skolem
        self.sorts = {"Bool": "Bool", "Int": "Int"}
        self.symbols: dict[Symbol, str] = {}
        self.blocks: list[QuantifierBlock] = []
        self.atoms: dict[int, str] = {}  # of nodes that are twins

    def sort(self, name: str) -> str:
        """The name of a sort."""
        return self.sorts.setdefault(name, f"S{len(self.sorts)}")

    def head(self, symbol: Symbol) -> str:
        """The name of a function."""
        if symbol.owner < 0:
            return f"v{symbol.name}" if symbol.owner == VARIABLE else symbol.name
        return self.symbols.setdefault(symbol, f"f{len(self.symbols)}")

    def term(self, term: int) -> str:
        """A term."""
        name, parts = self.head(self.terms.heads[term]), self.terms.parts[term]
        return f"({name} {' '.join(map(self.term, parts))})" if parts else name

    def clause(self, clause: Clause) -> str:
        """A clause."""
        if not clause:
            return "false"
        literals = [self.term(x) if x > 0 else f"(not {self.term(-x)})" for x in clause]
        return f"(or {' '.join(literals)})" if len(literals) > 1 else literals[0]

    def quantified(
        self,
        number: int,
        variables: tuple[int, ...],
        body: str,
        clauses: Iterable[Clause],
        around: frozenset[int] = frozenset(),
    ) -> str:
        """A formula for all values of variables; it has the atoms of some clauses."""
        if not variables:
            return body
        self.blocks.append(QuantifierBlock(number, variables, around))
        heads = [self.terms.heads[v] for v in variables]
        binders = " ".join(f"({self.head(h)} {self.sort(h.result)})" for h in heads)
        without = self._skolem(abs(x) for clause in clauses for x in clause) if self.without_skolem else ()
        known = around.union(variables)  # here; others are of quantifiers inside
        no_pattern = "".join(f" :no-pattern {self.term(t)}" for t in without if self.terms.free[t] <= known)
        return f"(forall ({binders}) (! {body} :qid q{len(self.blocks) - 1}{no_pattern}))"

    def _skolem(self, atoms: Iterable[int]) -> list[int]:
        """The terms with Skolem functions of variables, in formulas that have no connectives."""
        terms, found = self.terms, dict[int, bool]()

        def has(term: int) -> bool:
            if term not in found:
                inside = [has(p) for p in terms.parts[term]]
                found[term] = any(inside) or (terms.heads[term].owner > 0 and bool(terms.free[term]))
            return found[term]

        for atom in atoms:
            has(atom)
        return [t for t, skolem in found.items() if skolem and terms.heads[t].owner != THEORY]

    def formula(self, number: int, node: FormulaNode) -> str:
        """A formula, or the negation of one, as it is flattened."""
        if not node.parts:
            return self.clause(node.clauses[0]) if node.clauses else "true"
        parts = " ".join(self.formula(number, part) for part in node.parts)
        if self.terms.names[node.term] == "forall" and node.positive:
            variables = self.terms.parts[node.term][:-1]
            clauses = [
                clause for leaf in _leaves(node) for clause in leaf.clauses
            ]  # names stand for parts in its own
            parts = self.quantified(number, variables, parts, clauses, self.terms.free[node.term])
        if atom := self.atoms.get(id(node)):
            return f"(and {atom if node.positive else f'(not {atom})'} {parts})"
        return f"({'and' if node.positive else 'or'} {parts})" if len(node.parts) > 1 else parts

    def declarations(self) -> list[str]:
        """What the text so far needs to have declared before it."""
        found = [
            f"(declare-fun {name} ({' '.join(map(self.sort, s.arguments))}) {self.sort(s.result)})"
            for s, name in self.symbols.items()
        ]
        found += [f"(declare-const {atom} Bool)" for atom in dict.fromkeys(self.atoms.values())]
        return [f"(declare-sort {name} 0)" for name in [*self.sorts.values()][2:]] + found
