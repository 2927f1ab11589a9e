"""Obligations with every quantifier written out, at one size, where integers range over a window.

Guarantees: the question has no quantifiers, so that Z3 decides it. What is true of the integers of a window need not be true of
all: a structure that is found so is a suggestion, and refutes an obligation only if CPython says so of the states that it is
(`confirming.refuted`). Counts and loops need this: their laws are about all integers, and no solver writes down models of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from ratified.smt.terms import (
    FALSE,
    INT,
    Apply,
    Bound,
    Equal,
    Number,
    Quantified,
    Term,
    conj,
    constant,
    disj,
    equal,
    rebuilt,
)

ROOM = 60_000
"""Parts of formulas that are written out; more are too many."""


class GroundingTooLarge(Exception):
    """There is too much to be written out."""


def grounded(formulas: Iterable[Term], sizes: Mapping[str, int], integers: range) -> list[Term]:
    """The formulas without quantifiers: for all is for each element of the sort, and for each integer of the window.

    Raises:
        GroundingTooLarge: they would be too large.
    """
    left = ROOM
    elements = {sort: [constant(f"{sort}!{i}", sort) for i in range(size)] for sort, size in sizes.items()}
    named = {e for each in elements.values() for e in each}
    numbers: list[Term] = [Number(i) for i in integers]

    def written(term: Term, bound: Mapping[Bound, Term]) -> Term:
        nonlocal left
        left -= 1
        if left < 0:
            raise GroundingTooLarge
        match term:
            case Bound():
                return bound.get(term, term)
            case Quantified(universal, variables, body):
                spaces = [numbers if v.sort == INT else elements[v.sort] for v in variables]
                ways = itertools.product(*spaces)
                each = (written(body, {**bound, **dict(zip(variables, way, strict=True))}) for way in ways)
                return (conj if universal else disj)(*each)
        made = rebuilt(term, lambda part: written(part, bound))
        apart = isinstance(made, Equal) and made.left != made.right and {made.left, made.right} <= named
        return FALSE if apart else made

    return [written(formula, {}) for formula in formulas]


def closed(applied: Iterable[Term], sizes: Mapping[str, int]) -> Term:
    """That what symbols are of elements is one of the elements that there are."""
    said = []
    for term in applied:
        if isinstance(term, Apply) and term.symbol.result in sizes:
            sort = term.symbol.result
            said.append(disj(*(equal(term, constant(f"{sort}!{i}", sort)) for i in range(sizes[sort]))))
    return conj(*said)
