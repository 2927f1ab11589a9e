"""The types of the language, and how one goes through them.

Guarantees: a `Type` is a frozen value, equal to another exactly if it means the same set of values.

`children`, `rebuild`, `fold` and `parts` are how functions go through types: each says what it does for the kinds of types that
matter to it, and leaves the way to these.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from ratified.language.partial import PartialMap
from ratified.language.rules import Rules
from ratified.language.sorts import Ordered, Sort, Symmetric
from ratified.language.types.texts import Text, written
from ratified.language.values import Map

R = typing.TypeVar("R")

BoundExpression = int | str
"""A number, or an expression over parameters and sizes such as `max_log + 1` or `len(Server)`."""


@dataclass(frozen=True, slots=True)
class Range:
    """`Annotated[int, Range(low, high)]`: the integers from low to high, both included."""

    low: BoundExpression
    high: BoundExpression


@dataclass(frozen=True, slots=True)
class AtMost:
    """`Annotated[Seq[T], AtMost(3)]`: at most that many elements; in a Bag at most `copies` equal ones."""

    size: BoundExpression
    copies: BoundExpression | None = None


class Type:
    """A type of the language."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class BoolType(Type):
    """`bool`."""

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True, slots=True)
class IntType(Type):
    """`int`, bounded if it is to be stored."""

    low: BoundExpression | None = None
    high: BoundExpression | None = None

    def __str__(self) -> str:
        return "int" if self.low is None else f"int in {self.low}..{self.high}"


@dataclass(frozen=True, slots=True)
class NoneType(Type):
    """The type of `None` alone."""

    def __str__(self) -> str:
        return "None"


@dataclass(frozen=True, slots=True)
class EnumType(Type):
    """An Enum class."""

    enum: type[Enum]

    def __str__(self) -> str:
        if issubclass(self.enum, Text):
            return f"Literal[{', '.join(repr(w) for w in written(self.enum))}]"
        return self.enum.__name__

    @property
    def first(self) -> Enum:
        """What a variable has at first: the first member, or the text that is written first."""
        return self.enum(written(self.enum)[0]) if issubclass(self.enum, Text) else next(iter(self.enum))


@dataclass(frozen=True, slots=True)
class SortType(Type):
    """A sort."""

    sort: type[Sort]

    @property
    def ordered(self) -> bool:
        """Whether its values are in a total order."""
        return issubclass(self.sort, Ordered)

    @property
    def symmetric(self) -> bool:
        """Whether its values are interchangeable."""
        return issubclass(self.sort, Symmetric)

    def __str__(self) -> str:
        return self.sort.__name__


@dataclass(frozen=True, slots=True)
class RecordType(Type):
    """A record class; its fields' types are `fields`."""

    record: type

    @property
    def fields(self) -> dict[str, Type]:
        """Types by field name, in order."""
        return self.record.__record_types__  # type: ignore[attr-defined,no-any-return]  # set by @record

    def __str__(self) -> str:
        return self.record.__name__


@dataclass(frozen=True, slots=True)
class OptionalType(Type):
    """`T | None`. `item` is never itself optional."""

    item: Type

    def __str__(self) -> str:
        return f"{self.item} | None"


@dataclass(frozen=True, slots=True)
class UnionType(Type):
    """A union of two or more records, in the order of their names."""

    records: tuple[RecordType, ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.records))


@dataclass(frozen=True, slots=True)
class TupleType(Type):
    """`tuple[A, B]`."""

    items: tuple[Type, ...]

    def __str__(self) -> str:
        return f"tuple[{', '.join(map(str, self.items))}]"


@dataclass(frozen=True, slots=True)
class MapType(Type):
    """`Map[K, V]`, total. If `partial`, `PartialMap[K, V]`: held as a total map to `V | None`, which `value` is."""

    key: Type
    value: Type
    partial: bool = False

    @property
    def of(self) -> type[Map[typing.Any, typing.Any]]:
        """What makes a value of this type from its entries, one for every key."""
        return PartialMap if self.partial else Map

    def __str__(self) -> str:
        if self.partial and isinstance(self.value, OptionalType):
            return f"PartialMap[{self.key}, {self.value.item}]"
        return f"Map[{self.key}, {self.value}]"


@dataclass(frozen=True, slots=True)
class SetType(Type):
    """`Set[T]`; `size` if bounded by AtMost."""

    item: Type
    size: BoundExpression | None = None

    def __str__(self) -> str:
        return f"Set[{self.item}]"


@dataclass(frozen=True, slots=True)
class BagType(Type):
    """`Bag[T]`; `size` in all and `copies` of one element, where bounded."""

    item: Type
    size: BoundExpression | None = None
    copies: BoundExpression | None = None

    def __str__(self) -> str:
        return f"Bag[{self.item}]"


@dataclass(frozen=True, slots=True)
class SeqType(Type):
    """`Seq[T]`; `size` is the greatest length, where bounded."""

    item: Type
    size: BoundExpression | None = None

    def __str__(self) -> str:
        return f"Seq[{self.item}]"


BOOL, INT, NONE = BoolType(), IntType(), NoneType()


KINDS: tuple[type[Type], ...] = (
    BoolType,
    IntType,
    NoneType,
    EnumType,
    SortType,
    RecordType,
    OptionalType,
    UnionType,
    TupleType,
    MapType,
    SetType,
    BagType,
    SeqType,
)
"""Every kind of type. Whatever is different for each kind is a table of rules that has one for each of these."""

_CHILDREN: Rules[None, tuple[Type, ...]] = Rules("the types inside of a type")


def children(t: Type) -> tuple[Type, ...]:
    """The types directly inside a type, in order: a record's are those of its fields."""
    return _CHILDREN(t, None)


@_CHILDREN.rule(BoolType, IntType, NoneType, EnumType, SortType)
def _(t: Type, _: None) -> tuple[Type, ...]:
    return ()


@_CHILDREN.rule(OptionalType, SetType, SeqType, BagType)
def _(t: OptionalType | SetType | SeqType | BagType, _: None) -> tuple[Type, ...]:
    return (t.item,)


@_CHILDREN.rule(MapType)
def _(t: MapType, _: None) -> tuple[Type, ...]:
    return (t.key, t.value)


@_CHILDREN.rule(TupleType)
def _(t: TupleType, _: None) -> tuple[Type, ...]:
    return t.items


@_CHILDREN.rule(UnionType)
def _(t: UnionType, _: None) -> tuple[Type, ...]:
    return t.records


@_CHILDREN.rule(RecordType)
def _(t: RecordType, _: None) -> tuple[Type, ...]:
    return tuple(t.fields.values())


def rebuild(t: Type, change: Callable[[Type], Type]) -> Type:
    """A type with `change` applied to each type directly inside it; the very same one if that changed nothing.

    A record is its class, and left alone: `change` is not asked about fields.
    """
    if isinstance(t, RecordType):
        return t
    inside = children(t)
    made = tuple([change(child) for child in inside])
    if all(a is b for a, b in zip(inside, made, strict=True)):
        return t
    match t:
        case TupleType():
            return TupleType(made)
        case UnionType():
            return UnionType(made)  # type: ignore[arg-type]  # records are left alone
        case MapType():
            return MapType(made[0], made[1], t.partial)
    return replace(t, item=made[0])  # type: ignore[type-var]  # a dataclass with an item


def fold(t: Type, combine: Callable[[Type, tuple[R, ...]], R]) -> R:
    """What `combine` makes of a type and of what it made of the types directly inside it."""
    return combine(t, tuple([fold(child, combine) for child in children(t)]))


def parts(t: Type) -> Iterator[Type]:
    """A type and every type inside it, records' fields included."""
    yield t
    for child in children(t):
        yield from parts(child)


def parts_outside_records(t: Type) -> Iterator[Type]:
    """A type and every type inside it, but for the fields of records: these are checked when one is made."""
    yield t
    if not isinstance(t, RecordType):
        for child in children(t):
            yield from parts_outside_records(child)


def sorts_of(t: Type) -> list[type[Sort]]:
    """The sorts in a type, in order of appearance."""
    return list(dict.fromkeys(p.sort for p in parts(t) if isinstance(p, SortType)))


def records_of(t: Type) -> tuple[RecordType, ...]:
    """The record types that a record, a union, or an optional of these may be."""
    match t:
        case RecordType():
            return (t,)
        case UnionType(records):
            return records
        case OptionalType(item):
            return records_of(item)
    return ()


def element_type(t: Type) -> Type | None:
    """What iterating over a value of a type yields; None if it cannot be iterated."""
    match t:
        case SetType(item) | BagType(item) | SeqType(item):
            return item
        case MapType(key, _):
            return key
    return None


def comparable(t: Type) -> bool:
    """Whether values of a type have an order that `<`, min and max may use."""
    match t:
        case IntType() | BoolType():
            return True
        case SortType():
            return t.ordered
        case TupleType(items):
            return all(map(comparable, items))
    return False
