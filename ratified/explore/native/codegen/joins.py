"""Which shape holds a value, and which holds what either of two holds."""

from __future__ import annotations

from collections.abc import Sequence

from ratified.explore.native.codegen.numbers import Num
from ratified.explore.native.codegen.shapes import (
    NumberedValues,
    PackedShape,
    PackedShapes,
    SBag,
    SBits,
    SCode,
    SMap,
    SNone,
    SNum,
    SOpt,
    SOptNum,
    SOrderedBag,
    SOrderedBits,
    SPacked,
    SRec,
    SSeq,
    SSlots,
    STup,
    SUni,
    optional,
    packed,
)
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    HeldValue,
    ListedRow,
    MapV,
    Opt,
    Rec,
    Ref,
    RowSource,
    SeqV,
    SlotV,
    Tup,
    Uni,
    join_types,
)
from ratified.language.types import IntType, OptionalType, SetType, TupleType, Type


def shape_of(shapes: PackedShapes, value: HeldValue) -> PackedShape:
    """A shape that holds a value."""
    match value:
        case Num():
            return SNum(value.low, value.high)
        case Opt():
            if value.some.c == 0 or value.item is None:
                return SNone()
            return optional(shape_of(shapes, value.item))
        case Rec() | Uni():
            return shapes.shape(value.type)
        case Tup():
            return STup(tuple(shape_of(shapes, i) for i in value.items))
        case Bits():
            return SBits(value.universe)
        case MapV():
            return SMap(value.keys, joined_all(shapes, [shape_of(shapes, e) for e in value.entries]))
        case SeqV():
            return SSeq(item_shape(shapes, value.row), value.row.most)
        case SlotV():
            return SSlots(item_shape(shapes, value.row), value.row.most)
        case BagV():
            return SBag(bag_item(shapes, value.row), value.row.most, value.copies)
        case Ref():
            return value.shape
    raise AssertionError(value)


def item_shape(shapes: PackedShapes, row: RowSource) -> PackedShape | None:
    """The shape of the values of a row; None where there are none."""
    if row.item is not None:
        return row.item
    assert isinstance(row, ListedRow)
    return joined_all(shapes, [shape_of(shapes, i) for i in row.items]) if row.items else None


def bag_item(shapes: PackedShapes, row: RowSource) -> PackedShape | None:
    """The shape of the elements of a bag's row."""
    pair = item_shape(shapes, row)
    assert pair is None or isinstance(pair, STup)
    return pair.items[0] if pair else None


def joined_all(shapes: PackedShapes, several: Sequence[PackedShape]) -> PackedShape:
    """The least shape that holds what each of several holds."""
    found = several[0]
    for shape in several[1:]:
        found = joined(shapes, found, shape)
    return found


def joined_item(shapes: PackedShapes, a: PackedShape | None, b: PackedShape | None) -> PackedShape | None:
    """The same of rows, of which one may have no element."""
    return joined(shapes, a, b) if a and b else a or b


def joined(shapes: PackedShapes, a: PackedShape, b: PackedShape) -> PackedShape:
    """The least shape that holds what either holds."""
    if a == b:
        return a
    match a, b:
        case SPacked(), SPacked():
            return packed(joined(shapes, a.inner, b.inner))
        case (SPacked(), _) | (_, SPacked()):
            return joined(shapes, unpacked(a), unpacked(b))
        case SNum(), SNum():
            return SNum(min(a.low, b.low), max(a.high, b.high))
        case (SNone(), other) | (other, SNone()):
            return optional(other)
        case (SOptNum() | SOpt(), _) | (_, SOptNum() | SOpt()):
            return optional(joined(shapes, _inner(a), _inner(b)))
        case STup(), STup():
            return STup(tuple(joined(shapes, x, y) for x, y in zip(a.items, b.items, strict=True)))
        case SRec(), SUni():
            return b
        case SUni(), SRec():
            return a
        case SRec(), SRec() if a.type == b.type:
            return SRec(a.type, tuple(joined(shapes, x, y) for x, y in zip(a.fields, b.fields, strict=True)))
    return _containers(shapes, a, b)


def _containers(shapes: PackedShapes, a: PackedShape, b: PackedShape) -> PackedShape:
    match a, b:
        case SCode() | SOrderedBits(), SCode() | SOrderedBits():
            return shapes.ordered_set(joined_universe(shapes, a.universe, b.universe))
        case SBits() | SCode() | SOrderedBits(), SBits() | SCode() | SOrderedBits():
            return SBits(joined_universe(shapes, a.universe, b.universe))
        case (SSlots() | SBits() | SCode() | SOrderedBits(), SSlots() | SBits() | SCode() | SOrderedBits()):
            one, other = _slots(shapes, a), _slots(shapes, b)
            return SSlots(joined_item(shapes, one.item, other.item), max(one.most, other.most))
        case SMap(), SMap():
            return SMap(joined_universe(shapes, a.keys, b.keys), joined(shapes, a.value, b.value))
        case SSeq(), SSeq():
            return SSeq(joined_item(shapes, a.item, b.item), max(a.most, b.most))
        case (SBag() | SOrderedBag(), SBag() | SOrderedBag()):
            kind = SBag if isinstance(a, SBag) or isinstance(b, SBag) else SOrderedBag
            return kind(joined_item(shapes, a.item, b.item), max(a.most, b.most), max(a.copies, b.copies))
    raise AssertionError((a, b))


def _slots(shapes: PackedShapes, shape: PackedShape) -> SSlots:
    if isinstance(shape, SSlots):
        return shape
    assert isinstance(shape, SBits | SCode | SOrderedBits)
    return SSlots(shapes.shape(shape.universe.type, inside=True), shape.universe.size)


def joined_universe(shapes: PackedShapes, a: NumberedValues, b: NumberedValues) -> NumberedValues:
    """A universe that has the values of both."""
    return a if a is b else shapes.needed(join_types(a.type, b.type))


def unpacked(shape: PackedShape) -> PackedShape:
    """A shape with its leaves one by one."""
    return shape.inner if isinstance(shape, SPacked) else shape


def _inner(shape: PackedShape) -> PackedShape:
    match shape:
        case SOptNum(low, high):
            return SNum(low, high)
        case SOpt(item):
            return item
    return shape


def alike(a: PackedShape, b: PackedShape) -> bool:
    """Whether values have the same leaves in two shapes, as far as both hold them."""
    match a, b:
        case SNum(), SNum():
            return a.low == b.low
        case SOptNum(), SOptNum():
            return a.low == b.low
        case STup(), STup():
            return len(a.items) == len(b.items) and all(map(alike, a.items, b.items))
    return a == b


# --- shapes of elements ---


def element_universe(shapes: PackedShapes, t: Type, shape: PackedShape | None) -> NumberedValues | None:
    """A universe for elements of a type, with the bounds that a shape tells where the type has none."""
    found = shapes.universe(t)
    if found is None and shape is not None:
        refined = refine(t, shape)
        found = shapes.universe(refined) if refined is not None else None
    return found


def refine(t: Type, shape: PackedShape) -> Type | None:
    """A type with the bounds of a shape."""
    match t, shape:
        case IntType(), SNum(low, high):
            return IntType(low, high) if high - low < 2**20 else None
        case OptionalType(item), SOptNum(low, high):
            inner = refine(item, SNum(low, high))
            return OptionalType(inner) if inner else None
        case OptionalType(item), SOpt(part):
            inner = refine(item, part)
            return OptionalType(inner) if inner else None
        case OptionalType(IntType()), _:
            return OptionalType(IntType(0, 0))
        case TupleType(items), STup(parts):
            made = [refine(i, s) for i, s in zip(items, parts, strict=True)]
            whole = [m for m in made if m is not None]
            return TupleType(tuple(whole)) if len(whole) == len(made) else None
        case SetType(), SBits(universe):
            return SetType(universe.type)
    return t


def inside(shapes: PackedShapes, shape: PackedShape) -> PackedShape:
    """The shape of an element of a set or bag: its leaves in canonical order, side by side."""
    return packed(_ordered(shapes, shape))


def _ordered(shapes: PackedShapes, shape: PackedShape) -> PackedShape:
    match shape:
        case SPacked(inner):
            return inner
        case SBits(universe):
            return shapes.ordered_set(universe)
        case SBag(item, most, copies):
            return SOrderedBag(item, most, copies)
        case SOpt(item):
            return optional(_ordered(shapes, item))
        case STup(items):
            return STup(tuple(_ordered(shapes, i) for i in items))
        case SRec(t, _) | SUni(t, _):
            return shapes.shape(t, inside=True)
        case SMap(keys, value):
            return SMap(keys, _ordered(shapes, value))
        case SSeq(item, most):
            return SSeq(_ordered(shapes, item) if item else None, most)
        case SSlots(item, most):
            return SSlots(_ordered(shapes, item) if item else None, most)
    return shape
