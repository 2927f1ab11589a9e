"""The order in which CPython runs through values, and the value that a formula singles out.

Of a sort that is not `Ordered` the order is that of its values' numbers. At each size it is one total order, so that what follows
from the axioms of total orders holds at all sizes; no formula mentions it unless the order matters.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.rules import Rules
from ratified.language.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
)
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.context import LogicContext
from ratified.smt.first_order.equality import as_number, is_none
from ratified.smt.first_order.shapes import (
    Atom,
    Case,
    FunctionShape,
    Listing,
    Maybe,
    Members,
    Nothing,
    ProductShape,
    Shape,
    either,
)
from ratified.smt.terms import (
    BOOL,
    FALSE,
    INT,
    TRUE,
    Number,
    Term,
    The,
    at_most,
    choice,
    conj,
    disj,
    every,
    fresh,
    implies,
    less,
    minus,
    neg,
    some,
    sort_of,
)

# --- the order of values ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two values of a type, of which it is asked whether the first comes before the second."""

    a: Shape
    b: Shape
    context: LogicContext
    span: Span


_PRECEDES: Rules[_Pair, Term] = Rules("the order of values in logic")


def precedes(t: Type, a: Shape, b: Shape, context: LogicContext, span: Span) -> Term:
    """Whether a value comes before another: None first, members of an Enum as declared, records by class, then fields."""
    return _PRECEDES(t, _Pair(a, b, context, span))


@_PRECEDES.rule(NoneType)
def _(t: NoneType, of: _Pair) -> Term:
    return FALSE


@_PRECEDES.rule(OptionalType)
def _(t: OptionalType, of: _Pair) -> Term:
    a, b = of.a, of.b
    if isinstance(a, Nothing) or isinstance(b, Nothing):
        return conj(neg(is_none(b)), is_none(a))
    x, y = (s.value if isinstance(s, Maybe) else s for s in (a, b))
    return conj(neg(is_none(b)), disj(is_none(a), precedes(t.item, x, y, of.context, of.span)))


@_PRECEDES.rule(SortType)
def _(t: SortType, of: _Pair) -> Term:
    a, b = of.a, of.b
    assert isinstance(a, Atom)
    assert isinstance(b, Atom)
    return neg(of.context.theory.order(t)(b.term, a.term))


@_PRECEDES.rule(BoolType, IntType)
def _(t: BoolType | IntType, of: _Pair) -> Term:
    a, b = of.a, of.b
    assert isinstance(a, Atom)
    assert isinstance(b, Atom)
    if sort_of(a.term) == BOOL and sort_of(b.term) == BOOL:
        return conj(neg(a.term), b.term)
    return less(as_number(a.term), as_number(b.term))


@_PRECEDES.rule(EnumType)
def _(t: EnumType, of: _Pair) -> Term:
    a, b = of.a, of.b
    assert isinstance(a, Case)
    assert isinstance(b, Case)
    return disj(*(conj(x, disj(*b.tests[i + 1 :])) for i, x in enumerate(a.tests)))


@_PRECEDES.rule(TupleType)
def _(t: TupleType, of: _Pair) -> Term:
    return _fields(t.items, of.a, of.b, of.context, of.span)


@_PRECEDES.rule(RecordType)
def _(t: RecordType, of: _Pair) -> Term:
    return _fields(tuple(t.fields.values()), of.a, of.b, of.context, of.span)


@_PRECEDES.rule(UnionType)
def _(t: UnionType, of: _Pair) -> Term:
    return _records(t.records, of.a, of.b, of.context, of.span)


@_PRECEDES.rule(MapType, SetType, BagType, SeqType)
def _(t: Type, of: _Pair) -> Term:
    what = f"the order of values of type {t}"
    raise sh.refuse(of.span, what, "say it without an order, or use sorts and ints")


def _fields(types: Sequence[Type], a: Shape, b: Shape, context: LogicContext, span: Span) -> Term:
    assert isinstance(a, ProductShape)
    assert isinstance(b, ProductShape)
    found: Term = FALSE
    for t, x, y in reversed(list(zip(types, a.fields, b.fields, strict=True))):
        found = disj(precedes(t, x, y, context, span), conj(context.logic.same(x, y), found))
    return found


def _records(records: Sequence[RecordType], a: Shape, b: Shape, context: LogicContext, span: Span) -> Term:
    names = [r.record.__name__ for r in records]
    if len(set(names)) < len(names):
        raise sh.refuse(span, "the order of two records of one name", "rename one of them")
    assert isinstance(a, ProductShape | sh.OneOf)
    assert isinstance(b, ProductShape | sh.OneOf)
    ways = []
    for r, test, x in sh.as_union(a).cases:
        for s, other, y in sh.as_union(b).cases:
            if r == s:
                ways.append(conj(test, other, precedes(r, x, y, context, span)))
            elif r.record.__name__ < s.record.__name__:
                ways.append(conj(test, other))
    return disj(*ways)


FEW = 16
"""So many values of a type, the same ones at every size, are taken one by one."""


def few(t: Type) -> list[Shape] | None:
    """The values of a type in their order, if it has the same ones at every size, and few; None otherwise."""
    return _FEW(t, None)


_FEW: Rules[None, list[Shape] | None] = Rules("types of few values in logic")


@_FEW.rule(SortType, UnionType, MapType, SetType, BagType, SeqType)
def _(t: Type, _: None) -> None:
    return None


@_FEW.rule(NoneType)
def _(t: NoneType, _: None) -> list[Shape]:
    return [Nothing()]


@_FEW.rule(BoolType)
def _(t: BoolType, _: None) -> list[Shape]:
    return [Atom(FALSE), Atom(TRUE)]


@_FEW.rule(EnumType)
def _(t: EnumType, _: None) -> list[Shape]:
    return [Case(t.enum, tuple(TRUE if m is n else FALSE for m in t.enum)) for n in t.enum]


@_FEW.rule(IntType)
def _(t: IntType, _: None) -> list[Shape] | None:
    if not isinstance(t.low, int) or not isinstance(t.high, int) or t.high - t.low >= FEW:
        return None
    return [Atom(Number(i)) for i in range(t.low, t.high + 1)]


@_FEW.rule(OptionalType)
def _(t: OptionalType, _: None) -> list[Shape] | None:
    inner = few(t.item)
    return None if inner is None or len(inner) >= FEW else [Nothing(), *inner]


@_FEW.rule(TupleType)
def _(t: TupleType, _: None) -> list[Shape] | None:
    return _few_rows(t, t.items)


@_FEW.rule(RecordType)
def _(t: RecordType, _: None) -> list[Shape] | None:
    return _few_rows(t, tuple(t.fields.values()))


def _few_rows(t: Type, items: Sequence[Type]) -> list[Shape] | None:
    ways = [few(item) for item in items]
    if any(way is None for way in ways) or math.prod(len(way or ()) for way in ways) > FEW:
        return None
    return [
        ProductShape(t, fields) for fields in itertools.product(*(way for way in ways if way is not None))
    ]


# --- what is run through ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LoopRange:
    """What a loop or a clause runs through: places, all values of which CPython comes to in the order of `index`.

    The places of a sequence are its positions, those of a set its elements. `item` is what is at a place. Of a bag every element
    is a place, whatever its number of copies (`copies` says that there may be some).
    """

    index: Type
    places: Members
    item: Callable[[Shape], Shape]
    backwards: bool = False
    copies: bool = False
    length: Term | None = None
    """Of a sequence."""
    ends: tuple[Term, Term] | None = None
    """The first position of a sequence, and the one after the last."""

    def before(self, x: Shape, y: Shape, context: LogicContext, span: Span) -> Term:
        """Whether one place is come to before another."""
        first, second = (y, x) if self.backwards else (x, y)
        return precedes(self.index, first, second, context, span)


def run_of(node: ir.Expr, context: LogicContext) -> LoopRange:
    """What an expression is run through as. Raises Refused."""
    match node:
        case ir.IntRange():
            low, high = context.number(node.low), context.number(node.high)
            length = choice(less(low, high), minus(high, low), Number(0))
            return LoopRange(IntType(), _between(low, high), lambda i: i, length=length, ends=(low, high))
        case ir.Convert(what="sorted" | "sorted-reversed" as what) if isinstance(
            node.operand.type, SetType | BagType | MapType
        ):
            inner = run_of(node.operand, context)
            return LoopRange(inner.index, inner.places, inner.item, what == "sorted-reversed", inner.copies)
        case ir.Convert(what="values" | "items" as what):
            return _of_map(node, what, context)
    shape = context.expr(node)
    match shape:
        case Members():
            return LoopRange(shape.item, shape, lambda x: x, copies=shape.count is not None)
        case FunctionShape():
            return LoopRange(shape.type.key, shape.keys, lambda x: x)
        case Listing():
            length = shape.length
            places = _between(Number(0), length)
            return LoopRange(IntType(), places, partial(_at, shape), length=length, ends=(Number(0), length))
    raise sh.refuse(node.span, "running through this", "run through a set or a sort")


def _at(listing: Listing, place: Shape) -> Shape:
    assert isinstance(place, Atom)
    return listing.at(place.term)


def _of_map(node: ir.Convert, what: str, context: LogicContext) -> LoopRange:
    operand = context.expr(node.operand)
    assert isinstance(operand, FunctionShape)
    if what == "values":
        return LoopRange(operand.type.key, operand.keys, operand.at)
    pair = TupleType((operand.type.key, operand.type.value))
    return LoopRange(operand.type.key, operand.keys, lambda k: ProductShape(pair, (k, operand.at(k))))


def _between(low: Term, high: Term) -> Members:
    def inside(x: Term) -> Term:
        return conj(at_most(low, x), less(x, high))

    def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
        def quantify(f: Callable[[Shape], Term]) -> Term:
            if isinstance(low, Number) and isinstance(high, Number) and high.value - low.value <= 8:
                each = [f(Atom(Number(i))) for i in range(low.value, high.value)]
                return conj(*each) if universal else disj(*each)
            i = fresh("i", INT)
            if universal:
                return every([i], implies(inside(i), f(Atom(i))))
            return some([i], conj(inside(i), f(Atom(i))))

        return quantify

    def has(x: Shape) -> Term:
        assert isinstance(x, Atom)
        return inside(as_number(x.term))

    return Members(IntType(), has, over(True), over(False))


# --- the value that a formula singles out -----------------------------------------------------------------------------


def chosen(t: Type, exists: Term, best: Callable[[Shape], Term], context: LogicContext, hint: str) -> Shape:
    """The one value of a type that a formula is true of, where `exists` is; elsewhere any.

    Each part of it (a column of one of the type's cases) is described by itself, as the one for which there are others with it.
    """
    found: Shape | None = None
    variants = context.shapes.variants(t)
    for variant in reversed(variants):
        columns = [fresh(hint, s) for s in variant.sorts]
        says = best(variant.build(columns))
        is_it = some(columns, says)
        there = exists if len(variants) == 1 else conj(exists, is_it)
        parts = [The(c, there, some([o for o in columns if o is not c], says)) for c in columns]
        made = variant.build(parts)
        found = made if found is None else either(is_it, made, found)
    assert found is not None
    return found


def first_of(
    run: LoopRange,
    passing: Callable[[Shape], Term],
    exists: Term,
    context: LogicContext,
    span: Span,
    *,
    last: bool = False,
) -> Shape:
    """The first (or last) place of which a condition is true, where there is one."""

    def best(x: Shape) -> Term:
        def later(y: Shape) -> Term:
            low, high = (x, y) if last else (y, x)
            return neg(conj(passing(y), run.before(low, high, context, span)))

        return conj(run.places.has(x), passing(x), run.places.every(later))

    return chosen(run.index, exists, best, context, "last" if last else "first")


__all__ = ["LoopRange", "chosen", "few", "first_of", "precedes", "run_of"]
