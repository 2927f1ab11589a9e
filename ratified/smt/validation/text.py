"""Formulas read from the SMT-LIB text that solvers are given.

Guarantees: what is read is what the text says, whatever term it was printed from, so that two things of one name, or a constant
captured by a quantifier, are seen here as a solver sees them. Text that is not understood raises `Unreadable`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping

from ratified.smt.terms import (
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
    fresh,
)

_TOKEN = re.compile(r'\(|\)|\|[^|]*\||"[^"]*"|[^\s()|"]+')

_NUMBERS = frozenset(["+", "-", "*", "div", "mod", "<", "<="])
_FLIPPED = {">": "<", ">=": "<="}

Parsed = str | list["Parsed"]


class Unreadable(Exception):
    """Text that is no formula of the language that obligations are written in."""


def parsed(text: str) -> Parsed:
    """One S-expression. Raises Unreadable."""
    stack: list[list[Parsed]] = [[]]
    for piece in _TOKEN.findall(text):
        if piece == "(":
            stack.append([])
        elif piece == ")":
            done = stack.pop()
            if not stack:
                raise Unreadable("a parenthesis is closed that was not opened")
            stack[-1].append(done)
        else:
            stack[-1].append(piece)
    if len(stack) != 1 or len(stack[0]) != 1:
        raise Unreadable("not one expression")
    return stack[0][0]


def formula_of(text: str, symbols: Mapping[str, Symbol]) -> Term:
    """The formula that a text is, over the symbols that are declared. Raises Unreadable."""
    return _FormulaReader(symbols).term(parsed(text), {})


class _FormulaReader:
    def __init__(self, symbols: Mapping[str, Symbol]) -> None:
        self._symbols = symbols

    def term(self, node: Parsed, bound: Mapping[str, Bound]) -> Term:
        if isinstance(node, str):
            return self._name(node, bound)
        if not node or not isinstance(node[0], str):
            raise Unreadable(f"no operator: {node!r}")
        head, rest = node[0], node[1:]
        if head in ("forall", "exists"):
            return self._quantified(head == "forall", rest, bound)
        if head not in self._symbols and head in _KNOWN:
            return _KNOWN[head]([self.term(r, bound) for r in rest])
        symbol = self._symbol(head)
        if len(symbol.arguments) != len(rest):
            raise Unreadable(f"{head} takes {len(symbol.arguments)} arguments")
        return Apply(symbol, tuple([self.term(r, bound) for r in rest]))

    def _name(self, name: str, bound: Mapping[str, Bound]) -> Term:
        if name in bound:
            return bound[name]
        if name in self._symbols:
            return Apply(self._symbols[name], ())
        if name in ("true", "false"):
            return And(()) if name == "true" else Or(())
        if name.isdigit():
            return Number(int(name))
        return Apply(self._symbol(name), ())

    def _symbol(self, name: str) -> Symbol:
        plain = name.strip("|")
        found = self._symbols.get(name) or self._symbols.get(plain)
        if found is None:
            raise Unreadable(f"{name} is not declared")
        return found

    def _quantified(self, universal: bool, rest: list[Parsed], bound: Mapping[str, Bound]) -> Term:
        binders, body = rest
        if isinstance(body, list) and body[:1] == ["!"]:  # annotations, as of patterns
            body = body[1]
        inner, variables = dict(bound), list[Bound]()
        for binder in binders:
            match binder:
                case [str(name), str(sort)]:
                    pass
                case _:
                    raise Unreadable(f"no variable: {binder!r}")
            variables.append(fresh(name, sort))
            inner[name] = variables[-1]
        return Quantified(universal, tuple(variables), self.term(body, inner))


def _arithmetic(op: str) -> Callable[[list[Term]], Term]:
    def made(found: list[Term]) -> Term:
        if op == "-" and len(found) == 1:
            one = found[0]
            return Number(-one.value) if isinstance(one, Number) else Arithmetic("-", (Number(0), one))
        if op in ("<", "<=") and len(found) > 2:
            raise Unreadable(f"a chain of {op}")
        term = found[0]
        for other in found[1:]:
            term = Arithmetic(op, (term, other))
        return term

    return made


def _flipped(op: str) -> Callable[[list[Term]], Term]:
    return lambda found: Arithmetic(op, (found[1], found[0]))


def _equal(found: list[Term]) -> Term:
    pairs = [Equal(a, b) for a, b in itertools.pairwise(found)]
    return pairs[0] if len(pairs) == 1 else And(tuple(pairs))


def _distinct(found: list[Term]) -> Term:
    return And(tuple(Not(Equal(a, b)) for i, a in enumerate(found) for b in found[:i]))


_KNOWN: dict[str, Callable[[list[Term]], Term]] = {
    "and": lambda found: And(tuple(found)),
    "or": lambda found: Or(tuple(found)),
    "not": lambda found: Not(found[0]),
    "=>": lambda found: Or((*map(Not, found[:-1]), found[-1])),
    "=": _equal,
    "distinct": _distinct,
    "ite": lambda found: Choice(found[0], found[1], found[2]),
    **{op: _arithmetic(op) for op in _NUMBERS},
    **{op: _flipped(to) for op, to in _FLIPPED.items()},
}
