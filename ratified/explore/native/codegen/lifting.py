"""Python values as terms, and known terms as Python values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ratified.explore.native.codegen.numbers import FALSE, TRUE, Num, const
from ratified.explore.native.codegen.packing import item as item_of
from ratified.explore.native.codegen.packing import loaded
from ratified.explore.native.codegen.shapes import Shapes, SPacked, SUni, Universe, Unsupported
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    Held,
    MapV,
    Opt,
    Parts,
    Read,
    Rec,
    SeqV,
    SlotV,
    Tup,
    Uni,
    Value,
    as_num,
    hull,
    listed,
    members_of,
    pair_of,
)
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
from ratified.language.values import Bag, Map, Seq, Set


def lift(shapes: Shapes, value: object, t: Type) -> Value:
    """A Python value as a known value."""
    match t:
        case BoolType() | IntType() | SortType():
            return const(int(value))  # type: ignore[call-overload]  # as its type says
        case EnumType(enum):
            return const(list(enum).index(value))  # type: ignore[arg-type]  # a member
        case NoneType():
            return Opt(FALSE, None)
        case OptionalType(item):
            return Opt(FALSE, None) if value is None else Opt(TRUE, lift(shapes, value, item))
        case RecordType():
            return Rec(t, tuple(lift(shapes, getattr(value, n), f) for n, f in t.fields.items()))
        case UnionType(records):
            k = next(k for k, r in enumerate(records) if r.record is type(value))
            own = lift(shapes, value, records[k])
            assert isinstance(own, Rec)
            return Uni(t, const(k), tuple(own if j == k else None for j in range(len(records))))
        case TupleType(items):
            assert isinstance(value, tuple)
            return Tup(tuple(lift(shapes, v, i) for v, i in zip(value, items, strict=True)))
    return _lift_container(shapes, value, t)


def _lift_container(shapes: Shapes, value: object, t: Type) -> Value:
    match t, value:
        case SetType(item), Set():
            return lift_set(shapes, list(value), item)
        case SeqType(item), Seq() | tuple():
            return SeqV(listed(lift(shapes, v, item) for v in value))
        case BagType(item), Bag():
            counts = [(v, value.count(v)) for v in value.distinct()]
            pairs = [Tup((lift(shapes, v, item), const(n))) for v, n in counts]
            return BagV(listed(pairs), max((n for _, n in counts), default=1))
        case MapType(key, item), Map():
            universe = shapes.universe(key) or shapes.universe(hull(list(value.keys()), key))
            if universe is None:
                raise Unsupported(
                    f"a map of {key} has too many keys", remedy="explore with engine='reference'"
                )
            return MapV(universe, tuple(lift(shapes, value[k], item) for k in universe.values if k in value))
    raise AssertionError((t, value))


def lift_set(shapes: Shapes, values: Sequence[object], item: Type) -> Bits | SlotV:
    """A set of Python values as a known value."""
    universe = shapes.universe(item) or (shapes.universe(hull(values, item)) if values else None)
    if universe is None:
        return SlotV(listed(lift(shapes, v, item) for v in values))
    words = [0] * universe.words
    for v in values:
        index = universe.index[v]
        words[index >> 6] |= 1 << (index & 63)
    return Bits(universe, tuple(words), tuple(words))


def element(shapes: Shapes, universe: Universe, number: int) -> Value:
    """The value with a known number in a universe; made once, since loops over universes are many."""
    key = universe.number, number
    found = shapes.lifted.get(key)
    if found is None:
        made = lift(shapes, universe.values[number], universe.type)
        found = replace(made, code=(universe, number)) if isinstance(made, Parts) else made
        shapes.lifted[key] = found
    return found  # type: ignore[return-value]  # a value


def lower(shapes: Shapes, value: Held, t: Type) -> object:
    """A known value as a Python value."""
    with running(shapes.scope):
        return _lower(shapes, loaded(value), t)


def _lower(shapes: Shapes, value: Value, t: Type) -> object:
    match t:
        case BoolType() | IntType() | SortType() | EnumType():
            return _lower_number(as_num(value), t)
        case NoneType():
            return None
        case OptionalType(item):
            if not isinstance(value, Opt):
                return _lower(shapes, value, item)
            return (
                _lower(shapes, loaded(value.item), item) if value.some.c and value.item is not None else None
            )
        case RecordType(record):
            types = record_fields(t, shapes.scope).values()
            return record(
                *(_lower(shapes, v, f) for v, f in zip(narrow_to(value, t).fields, types, strict=True))
            )
        case UnionType():
            if isinstance(value, Uni):
                assert isinstance(value.tag.c, int)
                own = value.alternatives[value.tag.c]
                assert own is not None
                value = own
            assert isinstance(value, Rec)
            return _lower(shapes, value, value.type)
        case TupleType(items):
            assert isinstance(value, Tup)
            return tuple(_lower(shapes, v, i) for v, i in zip(value.items, items, strict=True))
    return _lower_container(shapes, value, t)


def _lower_number(value: Num, t: Type) -> object:
    assert isinstance(value.c, int)
    match t:
        case BoolType():
            return bool(value.c)
        case SortType(sort):
            return sort(value.c)
        case EnumType(enum):
            return list(enum)[value.c]
    return value.c


def _lower_container(shapes: Shapes, value: Value, t: Type) -> object:
    match t, value:
        case SetType(), Bits():
            return Set(members_of(value))
        case SetType(item), SlotV(row):
            return Set(_lower(shapes, item_of(row, k), item) for k in range(row.length.low))
        case SeqType(item), SeqV(row):
            return Seq(_lower(shapes, item_of(row, k), item) for k in range(row.length.low))
        case BagType(item), BagV(row):
            pairs = [pair_of(item_of(row, k)) for k in range(row.length.low)]
            return Bag(v for i, n in pairs for v in [_lower(shapes, i, item)] * n.low)
        case MapType(_, item), MapV():
            pairs_of_map = zip(value.keys.values, value.entries, strict=True)
            return Map({k: _lower(shapes, v, item) for k, v in pairs_of_map})
    raise AssertionError((t, value))


def narrow_to(value: Held, t: RecordType) -> Rec:
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
