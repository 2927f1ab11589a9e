"""The values of a type: how many there are, which, and the one that a variable begins with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from ratified.language.scope import Scope
from ratified.language.sorts import members
from ratified.language.types.annotations import AnnotationProblem
from ratified.language.types.bounds import bound_value
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
    fold,
    parts,
    records_of,
)
from ratified.language.values import Bag, Map, Seq, Set


def cardinality(t: Type, scope: Scope) -> float:
    """How many values a type has in a scope; `math.inf` if without a bound."""

    def of(t: Type, inside: tuple[float, ...]) -> float:
        match t:
            case BoolType():
                return 2
            case IntType(low, high):
                if low is None:
                    return math.inf
                return max(0, bound_value(high or 0, scope) - bound_value(low, scope) + 1)
            case EnumType(enum):
                return len(enum)
            case SortType(sort):
                return scope.sizes[sort]
            case OptionalType():
                return 1 + inside[0]
            case UnionType():
                return sum(inside)
            case MapType():
                return _power(inside[1], inside[0])
            case SetType() | SeqType() | BagType():
                return _collections(t, inside[0], scope)
        return math.prod(inside)  # a record, a tuple; None has one value

    return fold(t, of)


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


def values_of(t: Type, scope: Scope) -> Iterator[object]:
    """Every value of a finite type, in canonical order. The caller has looked at `cardinality` first."""
    match t:
        case BoolType():
            yield from (False, True)
        case NoneType():
            yield None
        case IntType(low, high):
            yield from range(bound_value(low or 0, scope), bound_value(high or 0, scope) + 1)
        case EnumType(enum):
            yield from enum
        case SortType(sort):
            yield from members(sort)
        case OptionalType(item):
            yield None
            yield from values_of(item, scope)
        case UnionType(records):
            for record in records:
                yield from values_of(record, scope)
        case RecordType(record):
            for fields in itertools.product(*(list(values_of(f, scope)) for f in t.fields.values())):
                yield record(*fields)
        case TupleType(items):
            yield from itertools.product(*(list(values_of(i, scope)) for i in items))
        case MapType(key, value):
            keys, values = list(values_of(key, scope)), list(values_of(value, scope))
            for chosen in itertools.product(values, repeat=len(keys)):
                yield Map(zip(keys, chosen, strict=True))
        case SetType() | SeqType() | BagType():
            yield from _collections_of(t, scope)


def _collections_of(t: SetType | SeqType | BagType, scope: Scope) -> Iterator[object]:
    items = list(values_of(t.item, scope))
    size = None if t.size is None else bound_value(t.size, scope)
    match t:
        case SetType():
            for k in range(len(items) + 1 if size is None else min(len(items), size) + 1):
                yield from map(Set, itertools.combinations(items, k))
        case SeqType():
            for k in range((size or 0) + 1):
                yield from map(Seq, itertools.product(items, repeat=k))
        case BagType():
            each = math.inf if t.copies is None else bound_value(t.copies, scope)
            for k in range((int(each) * len(items) if size is None else size) + 1):
                for chosen in itertools.combinations_with_replacement(items, k):
                    if all(chosen.count(x) <= each for x in chosen):
                        yield Bag(chosen)


def infinite(t: Type) -> tuple[str, str] | None:
    """Why a type has no finite size, and what to write; None if it has one."""
    for part in parts(t):
        match part:
            case IntType(None, _):
                return "an int without bounds", "write Annotated[int, Range(low, high)]"
            case SeqType(_, None):
                return "a Seq of any length", "write Annotated[Seq[T], AtMost(n)]"
            case BagType(_, None, None):
                return "a Bag of any size", "write Annotated[Bag[T], AtMost(n, copies=m)]"
    return None


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


def zero_of(t: Type, scope: Scope) -> object:
    """The value a variable has at first when the model does not say. Raises AnnotationProblem if the type has none."""
    match t:
        case BoolType():
            return False
        case NoneType() | OptionalType():
            return None
        case IntType(low, high) if low is not None and high is not None:
            least = bound_value(low, scope)
            return 0 if least <= 0 <= bound_value(high, scope) else least
        case EnumType(enum):
            return next(iter(enum))
        case SortType(sort) if t.ordered:
            return members(sort)[0]
        case MapType(key, value):
            zero = zero_of(value, scope)
            return Map((k, zero) for k in values_of(key, scope))
        case SetType():
            return Set()
        case BagType():
            return Bag()
        case SeqType():
            return Seq()
        case TupleType(items):
            return tuple(zero_of(i, scope) for i in items)
    raise AnnotationProblem(f"{t} has no default value", "give the variable a default, or set it in `init`")
