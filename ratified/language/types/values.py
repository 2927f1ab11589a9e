"""The values of a type: how many there are, which, and the one that a variable begins with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ratified.language.errors import ModelError
from ratified.language.rules import Rules
from ratified.language.scope import Scope, current_scope, scope_if_any
from ratified.language.sorts import members
from ratified.language.types.annotations import AnnotationProblem, from_annotation
from ratified.language.types.bounds import WIDE, bound_value
from ratified.language.types.forms import (
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
    children,
    fold,
    parts,
    parts_outside_records,
    records_of,
)
from ratified.language.types.texts import Text
from ratified.language.values import Bag, Map, Seq, Set, show, values_of_type

_Counting = tuple[tuple[float, ...], Scope]
"""How many values the types inside of a type have, and the scope."""

_COUNTS: Rules[_Counting, float] = Rules("numbers of values")


def cardinality(t: Type, scope: Scope) -> float:
    """How many values a type has in a scope; `math.inf` if without a bound."""
    return fold(t, lambda t, inside: _COUNTS(t, (inside, scope)))


@_COUNTS.rule(BoolType)
def _(t: BoolType, counting: _Counting) -> float:
    return 2


@_COUNTS.rule(IntType)
def _(t: IntType, counting: _Counting) -> float:
    if t.low is None:
        return math.inf
    _, scope = counting
    return max(0, bound_value(t.high or 0, scope) - bound_value(t.low, scope) + 1)


@_COUNTS.rule(EnumType)
def _(t: EnumType, counting: _Counting) -> float:
    return len(t.enum)


@_COUNTS.rule(SortType)
def _(t: SortType, counting: _Counting) -> float:
    return counting[1].sizes[t.sort]


@_COUNTS.rule(NoneType, RecordType, TupleType)
def _(t: NoneType | RecordType | TupleType, counting: _Counting) -> float:
    return math.prod(counting[0])


@_COUNTS.rule(OptionalType)
def _(t: OptionalType, counting: _Counting) -> float:
    return 1 + counting[0][0]


@_COUNTS.rule(UnionType)
def _(t: UnionType, counting: _Counting) -> float:
    return sum(counting[0])


@_COUNTS.rule(MapType)
def _(t: MapType, counting: _Counting) -> float:
    keys, values = counting[0]
    return _power(values, keys)


@_COUNTS.rule(SetType, SeqType, BagType)
def _(t: SetType | SeqType | BagType, counting: _Counting) -> float:
    return _collections(t, counting[0][0], counting[1])


def _collections(t: SetType | SeqType | BagType, items: float, scope: Scope) -> float:
    """How many sets, sequences or bags there are of so many items."""
    size = None if t.size is None else bound_value(t.size, scope)
    match t:
        case SeqType():
            return math.inf if size is None else sum(_power(items, k) for k in range(size + 1))
        case SetType():
            if size is None or items > 1000:
                return _power(2, items)
            return sum(math.comb(int(items), k) for k in range(size + 1))
    each = math.inf if t.copies is None else _power(bound_value(t.copies, scope) + 1, items)
    if size is None or items > 1000:
        return each
    return min(each, math.comb(int(items) + size, size))  # the bags that both bounds allow may be fewer still


def _power(base: float, exponent: float) -> float:
    if base == 1 or exponent == 0:
        return 1
    return math.inf if exponent * math.log2(max(base, 2)) > 60 else base**exponent


_VALUES: Rules[Scope, Iterable[object]] = Rules("the values of types")


def values_of(t: Type, scope: Scope) -> Iterator[object]:
    """Every value of a finite type, in canonical order. The caller has looked at `cardinality` first."""
    yield from _VALUES(t, scope)


values_of_type.append(lambda annotation: values_of(from_annotation(annotation), current_scope()))


@_VALUES.rule(BoolType)
def _(t: BoolType, scope: Scope) -> Iterable[object]:
    return False, True


@_VALUES.rule(NoneType)
def _(t: NoneType, scope: Scope) -> Iterable[object]:
    return (None,)


@_VALUES.rule(IntType)
def _(t: IntType, scope: Scope) -> Iterable[object]:
    return range(bound_value(t.low or 0, scope), bound_value(t.high or 0, scope) + 1)


@_VALUES.rule(EnumType)
def _(t: EnumType, scope: Scope) -> Iterable[object]:
    return t.enum


@_VALUES.rule(SortType)
def _(t: SortType, scope: Scope) -> Iterable[object]:
    return members(t.sort)


@_VALUES.rule(OptionalType)
def _(t: OptionalType, scope: Scope) -> Iterable[object]:
    return itertools.chain((None,), values_of(t.item, scope))


@_VALUES.rule(UnionType)
def _(t: UnionType, scope: Scope) -> Iterable[object]:
    return itertools.chain.from_iterable(values_of(record, scope) for record in t.records)


@_VALUES.rule(RecordType)
def _(t: RecordType, scope: Scope) -> Iterable[object]:
    return itertools.starmap(t.record, _combinations(t, scope))


@_VALUES.rule(TupleType)
def _(t: TupleType, scope: Scope) -> Iterable[object]:
    return _combinations(t, scope)


def _combinations(t: Type, scope: Scope) -> Iterable[tuple[object, ...]]:
    """A value of each type directly inside, in every way."""
    return itertools.product(*(list(values_of(inside, scope)) for inside in children(t)))


@_VALUES.rule(MapType)
def _(t: MapType, scope: Scope) -> Iterable[object]:
    keys, values = list(values_of(t.key, scope)), list(values_of(t.value, scope))
    return (t.of(zip(keys, chosen, strict=True)) for chosen in itertools.product(values, repeat=len(keys)))


@_VALUES.rule(SetType)
def _(t: SetType, scope: Scope) -> Iterator[object]:
    items = list(values_of(t.item, scope))
    most = len(items) if t.size is None else min(len(items), bound_value(t.size, scope))
    for k in range(most + 1):
        yield from map(Set, itertools.combinations(items, k))


@_VALUES.rule(SeqType)
def _(t: SeqType, scope: Scope) -> Iterator[object]:
    items = list(values_of(t.item, scope))
    for k in range((0 if t.size is None else bound_value(t.size, scope)) + 1):
        yield from map(Seq, itertools.product(items, repeat=k))


@_VALUES.rule(BagType)
def _(t: BagType, scope: Scope) -> Iterator[object]:
    items = list(values_of(t.item, scope))
    each = math.inf if t.copies is None else bound_value(t.copies, scope)
    for k in range((int(each) * len(items) if t.size is None else bound_value(t.size, scope)) + 1):
        for chosen in itertools.combinations_with_replacement(items, k):
            if all(chosen.count(x) <= each for x in chosen):
                yield Bag(chosen)


def infinite(t: Type) -> tuple[str, str] | None:
    """Why the values of a type cannot be run through, and what to write; None if they can."""
    for part in parts(t):
        match part:
            case IntType(None, _) | IntType(WIDE.low, WIDE.high):
                return "an int without bounds", "write Annotated[int, Range(low, high)]"
            case SeqType(_, None):
                return "a Seq of any length", "write Annotated[Seq[T], AtMost(n)]"
            case BagType(_, None, None):
                return "a Bag of any size", "write Annotated[Bag[T], AtMost(n, copies=m)]"
    return None


def unstorable(t: Type) -> tuple[str, str] | None:
    """Why what is of a type cannot be stored, and what to write; None if it can. Keys of maps are all there."""
    match t:
        case IntType():
            return None if t == WIDE else infinite(t)
        case MapType(key, value):
            return infinite(key) or unstorable(value)
        case SeqType(_, None) | BagType(_, None, None):
            return infinite(t)
    return next((why for child in children(t) if (why := unstorable(child))), None)


def without_zero(t: Type) -> Type | None:
    """The part of a type that has no value to begin with, if there is one."""
    match t:
        case SortType():
            return None if t.ordered else t
        case TupleType(items):
            return next((lacking for i in items if (lacking := without_zero(i))), None)
        case _ if isinstance(t, RecordType) or (records_of(t) and not isinstance(t, OptionalType)):
            return t
    value = getattr(t, "value", None)
    return without_zero(value) if isinstance(value, Type) else None


_ZEROS: Rules[Scope, object] = Rules("default values")


def zero_of(t: Type, scope: Scope) -> object:
    """The value a variable has at first when the model does not say. Raises AnnotationProblem if the type has none."""
    return _ZEROS(t, scope)


def _none(t: Type) -> AnnotationProblem:
    return AnnotationProblem(f"{t} has no default value", "give the variable a default, or set it in `init`")


@_ZEROS.rule(BoolType)
def _(t: BoolType, scope: Scope) -> object:
    return False


@_ZEROS.rule(NoneType, OptionalType)
def _(t: NoneType | OptionalType, scope: Scope) -> object:
    return None


@_ZEROS.rule(IntType)
def _(t: IntType, scope: Scope) -> object:
    if t.low is None or t.high is None:
        raise _none(t)
    least = bound_value(t.low, scope)
    return 0 if least <= 0 <= bound_value(t.high, scope) else least


@_ZEROS.rule(EnumType)
def _(t: EnumType, scope: Scope) -> object:
    return t.first


@_ZEROS.rule(SortType)
def _(t: SortType, scope: Scope) -> object:
    if not t.ordered:
        raise _none(t)
    return members(t.sort)[0]


@_ZEROS.rule(RecordType, UnionType)
def _(t: RecordType | UnionType, scope: Scope) -> object:
    raise _none(t)


@_ZEROS.rule(MapType)
def _(t: MapType, scope: Scope) -> object:
    zero = zero_of(t.value, scope)
    return t.of((k, zero) for k in values_of(t.key, scope))


@_ZEROS.rule(SetType)
def _(t: SetType, scope: Scope) -> object:
    return Set()


@_ZEROS.rule(BagType)
def _(t: BagType, scope: Scope) -> object:
    return Bag()


@_ZEROS.rule(SeqType)
def _(t: SeqType, scope: Scope) -> object:
    return Seq()


@_ZEROS.rule(TupleType)
def _(t: TupleType, scope: Scope) -> object:
    return tuple(zero_of(i, scope) for i in t.items)


# --- what a source writes otherwise than engines have it -------------------------------------------------------------------


def held_otherwise(t: Type) -> bool:
    """Whether values of a type hold texts of a `Literal` or partial maps, outside of records, which see to that when made."""
    return any(
        (isinstance(p, EnumType) and issubclass(p.enum, Text)) or (isinstance(p, MapType) and p.partial)
        for p in parts_outside_records(t)
    )


def whole_map(t: MapType, held: Mapping[Any, Any], scope: Scope | None) -> Map[Any, Any]:
    """A map from its entries: a partial one is held with None where there is no value, if a scope says where that is."""
    if not t.partial or scope is None:
        return t.of(held)
    whole: dict[object, object] = dict.fromkeys(values_of(t.key, scope))
    for key, value in held.items():
        if key not in whole:
            raise ModelError(f"the map has no key {show(key)}", remedy=f"its keys are of type {t.key}")
        whole[key] = value
    return t.of(whole)


def as_held(t: Type, value: Any) -> Any:
    """A value in which each text that a source wrote is the member that it is equal to, as engines have it.

    A partial map has an entry for every key then.
    """
    if value is None or not held_otherwise(t):
        return value
    return _HELD(t, value)


_HELD: Rules[Any, Any] = Rules("values as engines have them")


@_HELD.rule(BoolType, IntType, NoneType, SortType, RecordType, UnionType)
def _(t: Type, value: Any) -> Any:
    return value


@_HELD.rule(EnumType)
def _(t: EnumType, value: Any) -> Any:
    return value if isinstance(value, t.enum) else t.enum(value)


@_HELD.rule(OptionalType)
def _(t: OptionalType, value: Any) -> Any:
    return as_held(t.item, value)


@_HELD.rule(TupleType)
def _(t: TupleType, value: Any) -> Any:
    return tuple(as_held(i, v) for i, v in zip(t.items, value, strict=True))


@_HELD.rule(MapType)
def _(t: MapType, value: Any) -> Any:
    held = {as_held(t.key, k): as_held(t.value, v) for k, v in value.entries()}
    return whole_map(t, held, scope_if_any())


@_HELD.rule(SetType)
def _(t: SetType, value: Any) -> Any:
    return Set(as_held(t.item, v) for v in value)


@_HELD.rule(SeqType)
def _(t: SeqType, value: Any) -> Any:
    return Seq(as_held(t.item, v) for v in value)


@_HELD.rule(BagType)
def _(t: BagType, value: Any) -> Any:
    return Bag(as_held(t.item, v) for v in value)
