"""Python values as terms, and known terms as Python values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ratified.explore.native.codegen.numbers import FALSE, TRUE, const
from ratified.explore.native.codegen.packing import item as item_of
from ratified.explore.native.codegen.packing import loaded
from ratified.explore.native.codegen.shapes import NumberedValues, PackedShapes, SPacked, SUni, Unsupported
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    CValue,
    HeldValue,
    MapV,
    Opt,
    Read,
    Rec,
    SeqV,
    SlotV,
    Tup,
    Uni,
    ValueWithParts,
    as_num,
    hull,
    listed,
    members_of,
    pair_of,
)
from ratified.language.rules import Rules
from ratified.language.scope import running
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
    record_fields,
)
from ratified.language.values import Bag, Seq, Set

Lifting = tuple[PackedShapes, Any]
"""The shapes of a model, and a Python value."""

LIFTS: Rules[Lifting, CValue] = Rules("C of Python values")


def lift(shapes: PackedShapes, value: object, t: Type) -> CValue:
    """A Python value as a known value."""
    return LIFTS(t, (shapes, value))


@LIFTS.rule(BoolType, IntType, SortType)
def _(t: Type, lifting: Lifting) -> CValue:
    return const(int(lifting[1]))


@LIFTS.rule(EnumType)
def _(t: EnumType, lifting: Lifting) -> CValue:
    return const(list(t.enum).index(lifting[1]))


@LIFTS.rule(NoneType)
def _(t: NoneType, lifting: Lifting) -> CValue:
    return Opt(FALSE, None)


@LIFTS.rule(OptionalType)
def _(t: OptionalType, lifting: Lifting) -> CValue:
    shapes, value = lifting
    return Opt(FALSE, None) if value is None else Opt(TRUE, lift(shapes, value, t.item))


@LIFTS.rule(RecordType)
def _(t: RecordType, lifting: Lifting) -> Rec:
    shapes, value = lifting
    return Rec(t, tuple(lift(shapes, getattr(value, n), f) for n, f in t.fields.items()))


@LIFTS.rule(UnionType)
def _(t: UnionType, lifting: Lifting) -> CValue:
    shapes, value = lifting
    k = next(k for k, r in enumerate(t.records) if r.record is type(value))
    own = lift(shapes, value, t.records[k])
    assert isinstance(own, Rec)
    return Uni(t, const(k), tuple(own if j == k else None for j in range(len(t.records))))


@LIFTS.rule(TupleType)
def _(t: TupleType, lifting: Lifting) -> CValue:
    shapes, value = lifting
    return Tup(tuple(lift(shapes, v, i) for v, i in zip(value, t.items, strict=True)))


@LIFTS.rule(SetType)
def _(t: SetType, lifting: Lifting) -> CValue:
    shapes, value = lifting
    return lift_set(shapes, list(value), t.item)


@LIFTS.rule(SeqType)
def _(t: SeqType, lifting: Lifting) -> CValue:
    shapes, value = lifting
    return SeqV(listed(lift(shapes, v, t.item) for v in value))


@LIFTS.rule(BagType)
def _(t: BagType, lifting: Lifting) -> CValue:
    shapes, value = lifting
    counts = [(v, value.count(v)) for v in value.distinct()]
    pairs = [Tup((lift(shapes, v, t.item), const(n))) for v, n in counts]
    return BagV(listed(pairs), max((n for _, n in counts), default=1))


@LIFTS.rule(MapType)
def _(t: MapType, lifting: Lifting) -> CValue:
    shapes, value = lifting
    held = value._data
    universe = shapes.universe(t.key) or shapes.universe(hull(list(held), t.key))
    if universe is None:
        raise Unsupported(f"a map of {t.key} has too many keys", remedy="explore with engine='reference'")
    return MapV(universe, tuple(lift(shapes, held[k], t.value) for k in universe.values if k in held))


def lift_set(shapes: PackedShapes, values: Sequence[object], item: Type) -> Bits | SlotV:
    """A set of Python values as a known value."""
    universe = shapes.universe(item) or (shapes.universe(hull(values, item)) if values else None)
    if universe is None:
        return SlotV(listed(lift(shapes, v, item) for v in values))
    words = [0] * universe.words
    for v in values:
        index = universe.index[v]
        words[index >> 6] |= 1 << (index & 63)
    return Bits(universe, tuple(words), tuple(words))


def element(shapes: PackedShapes, universe: NumberedValues, number: int) -> CValue:
    """The value with a known number in a universe; made once, since loops over universes are many."""
    key = universe.number, number
    found = shapes.lifted.get(key)
    if found is None:
        made = lift(shapes, universe.values[number], universe.type)
        found = replace(made, code=(universe, number)) if isinstance(made, ValueWithParts) else made
        shapes.lifted[key] = found
    return found  # type: ignore[return-value]  # a value


def lower(shapes: PackedShapes, value: HeldValue, t: Type) -> object:
    """A known value as a Python value."""
    with running(shapes.scope):
        return _lower(shapes, value, t)


Lowering = tuple[PackedShapes, CValue]
"""The shapes of a model, and a known value."""

LOWERS: Rules[Lowering, object] = Rules("Python values of C")


def _lower(shapes: PackedShapes, value: HeldValue, t: Type) -> object:
    return LOWERS(t, (shapes, loaded(value)))


def _number(value: CValue) -> int:
    number = as_num(value).c
    assert isinstance(number, int)
    return number


@LOWERS.rule(BoolType)
def _(t: BoolType, lowering: Lowering) -> object:
    return bool(_number(lowering[1]))


@LOWERS.rule(IntType)
def _(t: IntType, lowering: Lowering) -> object:
    return _number(lowering[1])


@LOWERS.rule(SortType)
def _(t: SortType, lowering: Lowering) -> object:
    return t.sort(_number(lowering[1]))


@LOWERS.rule(EnumType)
def _(t: EnumType, lowering: Lowering) -> object:
    return list(t.enum)[_number(lowering[1])]


@LOWERS.rule(NoneType)
def _(t: NoneType, lowering: Lowering) -> object:
    return None


@LOWERS.rule(OptionalType)
def _(t: OptionalType, lowering: Lowering) -> object:
    shapes, value = lowering
    if not isinstance(value, Opt):
        return _lower(shapes, value, t.item)
    return _lower(shapes, value.item, t.item) if value.some.c and value.item is not None else None


@LOWERS.rule(RecordType)
def _(t: RecordType, lowering: Lowering) -> object:
    shapes, value = lowering
    fields = zip(narrow_to(value, t).fields, record_fields(t, shapes.scope).values(), strict=True)
    return t.record(*(_lower(shapes, v, f) for v, f in fields))


@LOWERS.rule(UnionType)
def _(t: UnionType, lowering: Lowering) -> object:
    shapes, value = lowering
    if isinstance(value, Uni):
        assert isinstance(value.tag.c, int)
        own = value.alternatives[value.tag.c]
        assert own is not None
        value = own
    assert isinstance(value, Rec)
    return _lower(shapes, value, value.type)


@LOWERS.rule(TupleType)
def _(t: TupleType, lowering: Lowering) -> object:
    shapes, value = lowering
    assert isinstance(value, Tup)
    return tuple(_lower(shapes, v, i) for v, i in zip(value.items, t.items, strict=True))


@LOWERS.rule(SetType)
def _(t: SetType, lowering: Lowering) -> object:
    shapes, value = lowering
    if isinstance(value, Bits):
        return Set(members_of(value))
    assert isinstance(value, SlotV)
    return Set(_lower(shapes, item_of(value.row, k), t.item) for k in range(value.row.length.low))


@LOWERS.rule(SeqType)
def _(t: SeqType, lowering: Lowering) -> object:
    shapes, value = lowering
    assert isinstance(value, SeqV)
    return Seq(_lower(shapes, item_of(value.row, k), t.item) for k in range(value.row.length.low))


@LOWERS.rule(BagType)
def _(t: BagType, lowering: Lowering) -> object:
    shapes, value = lowering
    assert isinstance(value, BagV)
    pairs = [pair_of(item_of(value.row, k)) for k in range(value.row.length.low)]
    return Bag(v for i, n in pairs for v in [_lower(shapes, i, t.item)] * n.low)


@LOWERS.rule(MapType)
def _(t: MapType, lowering: Lowering) -> object:
    shapes, value = lowering
    assert isinstance(value, MapV)
    pairs = zip(value.keys.values, value.entries, strict=True)
    return t.of({k: _lower(shapes, v, t.value) for k, v in pairs})


def narrow_to(value: HeldValue, t: RecordType) -> Rec:
    """A value that is known to be this record."""
    value = loaded(value)
    if isinstance(value, Opt):
        assert value.item is not None
        value = loaded(value.item)
    if isinstance(value, Uni):
        found = value.alternatives[value.type.records.index(t)]
        assert isinstance(found, Rec), (value, t)
        value = Rec(found.type, found.fields, found.code, (*found.read, *in_union(value.read)))
    assert isinstance(value, Rec)
    assert value.type == t, (value, t)
    return value


def in_union(read: Read) -> Read:
    """What a value was read from, where that holds for it also as one of a union's records."""
    return tuple(r for r in read if isinstance(r[0].inner if isinstance(r[0], SPacked) else r[0], SUni))
