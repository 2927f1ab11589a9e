"""What constants of the source mean in first-order logic, and containers of which the elements are known.

Guarantees: a constant is exactly the value that it is; one that cannot be said is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.rules import Rules
from ratified.language.sorts import Sort
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
    records_of,
)
from ratified.language.values import Bag, Map, Seq, Set
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.context import Failing, LogicContext
from ratified.smt.first_order.equality import as_number
from ratified.smt.first_order.shapes import (
    Atom,
    Case,
    FunctionShape,
    Inexpressible,
    Listing,
    Members,
    Nothing,
    ProductShape,
    Shape,
    either,
)
from ratified.smt.terms import (
    FALSE,
    TRUE,
    Number,
    Term,
    equal,
    plus,
)

constants: Rules[LogicContext, Shape] = Rules("constants of the source in first-order logic")


@constants.rule(ir.Literal)
def _(node: ir.Literal, context: LogicContext) -> Shape:
    return literal(node.value, node.type, node.span, context)


def literal(value: object, t: Type, span: Span | None, context: LogicContext) -> Shape:
    """A constant of the source as a shape."""
    if isinstance(t, OptionalType) and value is not None:
        t = t.item
    match value:
        case None:
            return Nothing()
        case bool():
            return Atom(TRUE if value else FALSE)
        case Sort():
            return numbered(SortType(type(value)), int(value), span, context)
        case int():
            return Atom(Number(value))
        case Enum():
            members = list(type(value))
            return Case(type(value), tuple(TRUE if m is value else FALSE for m in members))
    return _CONSTANTS(t, _CompositeConstant(value, span, context))


@dataclass(frozen=True, slots=True)
class _CompositeConstant:
    """A constant of the source that is made of others."""

    value: Any
    span: Span | None
    context: LogicContext

    def inside(self, value: object, t: Type) -> Shape:
        """One of those that it is made of."""
        return literal(value, t, self.span, self.context)

    def refused(self) -> Inexpressible:
        """That it cannot be said."""
        return sh.refuse(self.span, f"the constant {self.value!r}", "use a parameter of the model")


_CONSTANTS: Rules[_CompositeConstant, Shape] = Rules("constants in logic")


@_CONSTANTS.rule(TupleType)
def _(t: TupleType, of: _CompositeConstant) -> Shape:
    if not isinstance(of.value, tuple):
        raise of.refused()
    return ProductShape(t, tuple([of.inside(v, it) for v, it in zip(of.value, t.items, strict=True)]))


@_CONSTANTS.rule(SetType)
def _(t: SetType, of: _CompositeConstant) -> Shape:
    if not isinstance(of.value, Set | frozenset):
        raise of.refused()
    return of.context.listed(t.item, [of.inside(v, t.item) for v in of.value])


@_CONSTANTS.rule(BagType)
def _(t: BagType, of: _CompositeConstant) -> Shape:
    if not isinstance(of.value, Bag):
        raise of.refused()
    return bag_of(t.item, [of.inside(v, t.item) for v in of.value], of.context)


@_CONSTANTS.rule(SeqType)
def _(t: SeqType, of: _CompositeConstant) -> Shape:
    if not isinstance(of.value, Seq):
        raise of.refused()
    return sequence(t.item, [of.inside(v, t.item) for v in of.value], of.context)


@_CONSTANTS.rule(MapType)
def _(t: MapType, of: _CompositeConstant) -> Shape:
    if not isinstance(of.value, Map):
        raise of.refused()
    pairs = [(of.inside(k, t.key), of.inside(v, t.value)) for k, v in of.value.entries()]
    return mapping(t, pairs, of.context)


@_CONSTANTS.rule(RecordType, UnionType)
def _(t: RecordType | UnionType, of: _CompositeConstant) -> Shape:
    for record in records_of(t):
        if type(of.value) is record.record:
            fields = [of.inside(getattr(of.value, f), ft) for f, ft in record.fields.items()]
            return ProductShape(record, tuple(fields))
    raise of.refused()


@_CONSTANTS.rule(BoolType, IntType, NoneType, EnumType, SortType, OptionalType)
def _(t: Type, of: _CompositeConstant) -> Shape:
    raise of.refused()


def numbered(t: SortType, index: int, span: Span | None, context: LogicContext) -> Shape:
    """A value by its number: the first of an ordered sort and so on, or one that is known to differ from others."""
    if index < 0:
        context.demand(Failing.ERROR, FALSE, f"{t}({index}), which there is not", span)
        return context.theory.unknown(t)
    found, there = context.theory.numbered(t, index)
    context.demand(
        Failing.LAST if t.ordered else Failing.ERROR, there, f"{t}({index}) where there are fewer", span
    )
    return Atom(found)


def sequence(item: Type, items: Sequence[Shape], context: LogicContext) -> Listing:
    """The sequence of these."""

    def at(index: Term) -> Shape:
        found = items[-1] if items else context.theory.unknown(item)
        for position, value in reversed(list(enumerate(items[:-1]))):
            found = either(equal(index, Number(position)), value, found)
        return found

    return Listing(item, Number(len(items)), at)


def mapping(t: MapType, pairs: Sequence[tuple[Shape, Shape]], context: LogicContext) -> FunctionShape:
    """The map of these."""
    same = context.logic.same

    def at(key: Shape) -> Shape:
        found = pairs[0][1] if pairs else context.theory.unknown(t.value)
        for k, v in pairs[1:]:
            found = either(same(key, k), v, found)
        return found

    return FunctionShape(t, at, context.listed(t.key, [k for k, _ in pairs]), total=False)


def bag_of(item: Type, items: Sequence[Shape], context: LogicContext) -> Members:
    """The bag of these."""
    same = context.logic.same

    def count(x: Shape) -> Term:
        found: Term = Number(0)
        for y in items:
            found = plus(found, as_number(same(x, y)))
        return found

    return replace(context.listed(item, items), count=count)
