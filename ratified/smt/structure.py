"""Finite structures: what a solver's model is, and what any formula says in one.

Guarantees: `evaluate` is the textbook meaning of a term, with no solver involved; integers are those of a window that the caller
gives, wherever they are quantified over.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ratified.smt.law import Law
from ratified.smt.terms import (
    BOOL,
    INT,
    TRUE,
    And,
    Apply,
    Arithmetic,
    Bound,
    Choice,
    Equal,
    Not,
    Number,
    Or,
    Quantified,
    Symbol,
    Term,
    The,
    quotient,
    remainder,
)

Element = int
"""An element of a sort by its number; a bool is 0 or 1."""


@dataclass(frozen=True, slots=True)
class Structure:
    """How many elements each sort has, and a table for each symbol; what a table does not say is 0 (false).

    A symbol without a table that one of `laws` defines everywhere is what it says.
    """

    sizes: Mapping[str, int]
    tables: Mapping[str, Mapping[tuple[Element, ...], Element]]
    integers: range = range(-1, 8)
    laws: Mapping[str, Sequence[Law]] = field(default_factory=dict)

    def elements(self, sort: str) -> range:
        """What a variable of a sort ranges over."""
        if sort == BOOL:
            return range(2)
        return self.integers if sort == INT else range(self.sizes.get(sort, 1))

    def holds(self, term: Term, values: Mapping[Bound, Element] | None = None) -> bool:
        """Whether a formula is true."""
        return bool(self.evaluate(term, values or {}))

    def evaluate(self, term: Term, values: Mapping[Bound, Element]) -> Element:
        """The value of a term; of a formula, 0 or 1."""
        match term:
            case Bound():
                return values[term]
            case Apply(symbol, arguments):
                key = tuple(self.evaluate(a, values) for a in arguments)
                table = self.tables.get(symbol.name)
                return self._defined(symbol, key) if table is None else table.get(key, 0)
            case Number(value):
                return value
            case Equal(left, right):
                return int(self.evaluate(left, values) == self.evaluate(right, values))
            case Not(operand):
                return 1 - self.evaluate(operand, values)
            case And(operands):
                return int(all(self.evaluate(o, values) for o in operands))
            case Or(operands):
                return int(any(self.evaluate(o, values) for o in operands))
            case Choice(test, then, orelse):
                return self.evaluate(then if self.evaluate(test, values) else orelse, values)
            case Quantified(universal, variables, body):
                return self._quantified(universal, variables, body, values)
            case Arithmetic(op, operands):
                return self._arithmetic(op, *(self.evaluate(o, values) for o in operands))
            case The(variable, _, says):
                found = (
                    e for e in self.elements(variable.sort) if self.evaluate(says, {**values, variable: e})
                )
                return next(found, 0)

    def _defined(self, symbol: Symbol, key: tuple[Element, ...]) -> Element:
        match self.laws.get(symbol.name):
            case [Law(left, where, right, ())] if where == TRUE:
                given = {
                    b: value for b, value in zip(left.arguments, key, strict=True) if isinstance(b, Bound)
                }
                return self.evaluate(right, given)
        return 0

    def _quantified(
        self, universal: bool, variables: tuple[Bound, ...], body: Term, values: Mapping[Bound, Element]
    ) -> Element:
        inner = dict(values)
        for chosen in itertools.product(*(self.elements(v.sort) for v in variables)):
            inner.update(zip(variables, chosen, strict=True))
            if bool(self.evaluate(body, inner)) != universal:
                return int(not universal)
        return int(universal)

    @staticmethod
    def _arithmetic(op: str, left: int, right: int) -> int:
        match op:
            case "<":
                return int(left < right)
            case "<=":
                return int(left <= right)
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "div":
                return quotient(left, right)
        return remainder(left, right)


def applications(symbol: Symbol, sizes: Mapping[str, int], integers: range) -> list[tuple[Element, ...]]:
    """The arguments that a symbol's table has."""
    spaces = {BOOL: range(2), INT: integers}
    return list(itertools.product(*(spaces.get(s) or range(sizes.get(s, 1)) for s in symbol.arguments)))
