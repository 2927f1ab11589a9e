"""Sums that no formula says at once, and sequences of what fits: worked out place after place.

Guarantees: at each size, what CPython adds up, or gathers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ratified.language.errors import Span
from ratified.language.types import IntType, Type
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.context import LogicContext
from ratified.smt.first_order.equality import as_number
from ratified.smt.first_order.ordering import LoopRange, chosen
from ratified.smt.first_order.recursion import PlaceFunction, ShapeValues, copy_by_copy, worked_out
from ratified.smt.first_order.shapes import Atom, Dependent, Listing, Shape
from ratified.smt.terms import (
    TRUE,
    Arithmetic,
    Choice,
    Number,
    Term,
    at_most,
    conj,
    equal,
    implies,
    less,
    plus,
)


def added_up(
    run: LoopRange, number: Callable[[Shape], Term], context: LogicContext, span: Span
) -> tuple[Callable[[Shape], Term], Term]:
    """What a number at each place adds up to: before a place (of a bag, of its first copy), and in all. Raises Refused."""
    count, every_place = run.places.count, replace(run, copies=False)

    def times(place: Shape) -> Term:
        one = number(place)
        if not run.copies or count is None:
            return one
        return count(place) if one == Number(1) else Arithmetic("*", (count(place), one))

    def turn(place: Shape, found: ShapeValues) -> ShapeValues:
        return {"sum": Atom(plus(_int(found["sum"]), times(place)))}

    def facts(found: PlaceFunction, place: Shape) -> Term:
        """What is never below 0 adds up to nothing below 0."""
        if run.copies or not _natural(number(place)):
            return TRUE
        reached = TRUE if run.ends is None else at_most(_int(place), run.ends[1])
        return implies(reached, at_most(Number(0), _int(found("sum", place))))

    begin = {"sum": Atom(Number(0))}
    try:
        found, end = worked_out(every_place, {"sum": IntType()}, begin, turn, context, span, facts)
        return lambda place: _int(found("sum", place)), _int(end()["sum"])
    except Dependent:
        raise sh.refuse(span, "this sum", "say it with all(...) or any(...)") from None


def in_order(
    run: LoopRange,
    passes: Callable[[Shape], Term],
    element: Callable[[Shape], Shape],
    item: Type,
    context: LogicContext,
    span: Span,
) -> Listing:
    """The sequence of what there is at the places that pass: each stands at the number of those before it. Raises Refused."""
    each = copy_by_copy(replace(run, item=lambda place: place))
    before, length = added_up(each, lambda place: as_number(passes(each.item(place))), context, span)

    def at(i: Term) -> Shape:
        def here(place: Shape) -> Term:
            return conj(each.places.has(place), passes(each.item(place)), equal(before(place), i))

        inside = conj(at_most(Number(0), i), less(i, length))
        return element(run.item(each.item(chosen(each.index, inside, here, context, "place"))))

    return Listing(item, length, at)


def _natural(term: Term) -> bool:
    match term:
        case Number(value):
            return value >= 0
        case Choice(_, then, orelse):
            return _natural(then) and _natural(orelse)
    return False


def _int(shape: Shape) -> Term:
    assert isinstance(shape, Atom)
    return shape.term


__all__ = ["added_up", "in_order"]
