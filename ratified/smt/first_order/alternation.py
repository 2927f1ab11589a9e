"""Where function symbols and quantifiers go round in a circle of sorts, so that a solver may not come to an end.

A formula in which for all x of sort A there is some y of sort B, or a function from A to B, gives an edge A -> B. Without a
cycle the formulas are in the decidable fragment that mypyvy and Ivy call (extended) EPR: instances are finitely many.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from ratified.smt.terms import (
    BOOL,
    INT,
    And,
    Apply,
    Arithmetic,
    Bound,
    Choice,
    Equal,
    Not,
    Or,
    Quantified,
    Term,
    parts,
)

SortEdges = dict[tuple[str, str], str]


def edges_of(formulas: Iterable[tuple[str, Term]]) -> SortEdges:
    """The edges of asserted formulas, each with the name of the formula that it comes from (or of the function symbol)."""
    found: SortEdges = {}
    for name, formula in formulas:
        _quantifiers(formula, True, (), name, found)
        _functions(formula, found)
    return found


def _functions(term: Term, found: SortEdges) -> None:
    if isinstance(term, Apply) and term.symbol.result not in (BOOL, INT):
        for sort in term.symbol.arguments:
            found.setdefault((sort, term.symbol.result), f"function {term.symbol.name}")
    for part in parts(term):
        _functions(part, found)


def _quantifiers(
    term: Term, positive: bool, universals: tuple[str, ...], name: str, found: SortEdges
) -> None:
    match term:
        case Quantified(universal, variables, body):
            sorts = tuple(v.sort for v in variables)
            if universal is positive:
                _quantifiers(body, positive, universals + sorts, name, found)
                return
            for sort in sorts:
                for outer in universals:
                    found.setdefault((outer, sort), name)
            _quantifiers(body, positive, universals, name, found)
        case Not(operand):
            _quantifiers(operand, not positive, universals, name, found)
        case And(operands) | Or(operands):
            for operand in operands:
                _quantifiers(operand, positive, universals, name, found)
        case Choice(test, then, orelse):
            _quantifiers(test, positive, universals, name, found)
            _quantifiers(test, not positive, universals, name, found)
            _quantifiers(then, positive, universals, name, found)
            _quantifiers(orelse, positive, universals, name, found)
        case Equal(left, right):
            for side in (left, right):
                _quantifiers(side, positive, universals, name, found)
                _quantifiers(side, not positive, universals, name, found)
        case Bound() | Apply() | Arithmetic():
            return


def cycle(edges: SortEdges) -> list[tuple[str, str, str]] | None:
    """A shortest circle of sorts, as edges with their reasons; None if there is none."""
    best: list[tuple[str, str, str]] | None = None
    following: dict[str, list[str]] = {}
    for a, b in edges:
        following.setdefault(a, []).append(b)
    for start in following:
        paths = [[start]]
        seen = {start}
        while paths:
            path = paths.pop(0)
            for sort in following.get(path[-1], ()):
                if sort == start:
                    steps = [*path, start]
                    found = [(a, b, edges[a, b]) for a, b in itertools.pairwise(steps)]
                    if best is None or len(found) < len(best):
                        best = found
                elif sort not in seen:
                    seen.add(sort)
                    paths.append([*path, sort])
    return best


def described(found: list[tuple[str, str, str]]) -> str:
    """A circle in words."""
    return "; ".join(f"{a} -> {b} ({why})" for a, b, why in found)
