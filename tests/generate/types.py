"""The types that a generated model declares, as values: how they are written, how many values they have, what fits where.

`erase` gives the type as a type checker sees it: without the bounds of integers, sequences and bags.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from math import comb
from typing import TypeAlias

UNBOUNDED = 1_000
"""Stands for "no bound" on a generated integer; no expression gets near it by more than a few factors."""


@dataclass(frozen=True, slots=True)
class SortType:
    """A sort of `size` values; `base` is `Sort`, `Symmetric` or `Ordered`."""

    name: str
    base: str
    size: int

    @property
    def ordered(self) -> bool:
        """Whether its values have an order."""
        return self.base == "Ordered"

    @property
    def numbered(self) -> bool:
        """Whether its values may be written by number."""
        return self.base != "Symmetric"


@dataclass(frozen=True, slots=True)
class BoolType:
    """Truth values."""


@dataclass(frozen=True, slots=True)
class EnumType:
    """An `Enum` class."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextType:
    """A `Literal` of texts under a name: an implicit Enum."""

    name: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IntType:
    """The integers from `low` to `high`; `spelled` is how the annotation is written, if not in the plain way."""

    low: int
    high: int
    spelled: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class OptionType:
    """A value or `None`."""

    inner: Type


@dataclass(frozen=True, slots=True)
class RecordType:
    """A `@record` class."""

    name: str
    fields: tuple[tuple[str, Type], ...]


@dataclass(frozen=True, slots=True)
class UnionType:
    """A union of records; `spelled` is its alias, if it has one."""

    members: tuple[RecordType, ...]
    spelled: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TupleType:
    """A tuple of two or more."""

    items: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class MapType:
    """A total map."""

    key: Type
    value: Type


@dataclass(frozen=True, slots=True)
class SetType:
    """A set, perhaps of at most `limit` elements."""

    item: Type
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class BagType:
    """A multiset of at most `limit` elements, `copies` of each."""

    item: Type
    limit: int
    copies: int | None = None


@dataclass(frozen=True, slots=True)
class SeqType:
    """A sequence of at most `limit` elements; `spelled` is how the bound is written, if not as a number."""

    item: Type
    limit: int
    spelled: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DisplayType:
    """What `[...]` gives: only ever the type of a local name, for to Python it is a `list`, not a `Seq`."""

    item: Type


Type: TypeAlias = (
    SortType
    | BoolType
    | EnumType
    | TextType
    | IntType
    | OptionType
    | RecordType
    | UnionType
    | TupleType
    | MapType
    | SetType
    | BagType
    | SeqType
    | DisplayType
)

BOOL = BoolType()
INTEGER = IntType(-UNBOUNDED, UNBOUNDED, "int")


@cache
def erase(kind: Type) -> Type:
    """The type as a type checker sees it."""
    match kind:
        case IntType():
            return INTEGER
        case OptionType(inner):
            return OptionType(erase(inner))
        case TupleType(items):
            return TupleType(tuple(erase(item) for item in items))
        case MapType(key, value):
            return MapType(erase(key), erase(value))
        case SetType(item):
            return SetType(erase(item))
        case BagType(item):
            return BagType(erase(item), 0)
        case SeqType(item):
            return SeqType(erase(item), 0)
        case DisplayType(item):
            return DisplayType(erase(item))
        case _:
            return kind


def annotation(kind: Type, *, bounds: bool = True) -> str:
    """How the type is written; without `bounds`, as it stands in the signature of a helper."""
    match kind:
        case SortType(name) | EnumType(name) | RecordType(name) | TextType(name):
            return name
        case BoolType():
            return "bool"
        case IntType(low, high, spelled):
            if not bounds:
                return "int"
            return spelled or f"Annotated[int, Range({low}, {high})]"
        case OptionType(inner):
            return f"{annotation(inner, bounds=bounds)} | None"
        case UnionType(members, spelled):
            return spelled or " | ".join(member.name for member in members)
        case TupleType(items):
            return f"tuple[{', '.join(annotation(item, bounds=bounds) for item in items)}]"
        case MapType(key, value):
            return f"Map[{annotation(key, bounds=bounds)}, {annotation(value, bounds=bounds)}]"
        case DisplayType():
            raise AssertionError("the type of a display is not written")
        case _:
            return _collection(kind, bounds)


def _collection(kind: SetType | BagType | SeqType, bounds: bool) -> str:
    item = annotation(kind.item, bounds=bounds)
    match kind:
        case SetType(_, limit):
            return (
                f"Annotated[Set[{item}], AtMost({limit})]" if bounds and limit is not None else f"Set[{item}]"
            )
        case BagType(_, limit, copies):
            each = "" if copies is None else f", copies={copies}"
            return f"Annotated[Bag[{item}], AtMost({limit}{each})]" if bounds else f"Bag[{item}]"
        case SeqType(_, limit, spelled):
            return f"Annotated[Seq[{item}], AtMost({spelled or limit})]" if bounds else f"Seq[{item}]"


@cache
def cardinality(kind: Type) -> int:
    """How many values the type has."""
    match kind:
        case SortType(_, _, size):
            return size
        case BoolType():
            return 2
        case EnumType(_, members) | TextType(_, members):
            return len(members)
        case IntType(low, high):
            return high - low + 1
        case OptionType(inner):
            return cardinality(inner) + 1
        case RecordType(_, fields):
            return _product([cardinality(each) for _, each in fields])
        case UnionType(members):
            return sum(cardinality(member) for member in members)
        case TupleType(items):
            return _product([cardinality(item) for item in items])
        case MapType(key, value):
            return int(cardinality(value) ** min(cardinality(key), 64))
        case DisplayType():
            return UNBOUNDED
        case _:
            return _collections(kind)


def _collections(kind: SetType | BagType | SeqType) -> int:
    item = min(cardinality(kind.item), 64)
    match kind:
        case SetType(_, limit):
            return sum(comb(item, size) for size in range(min(item, item if limit is None else limit) + 1))
        case BagType(_, limit):
            return comb(item + limit, limit)
        case SeqType(_, limit):
            return sum(int(item**length) for length in range(limit + 1))


def _product(factors: list[int]) -> int:
    result = 1
    for factor in factors:
        result *= factor
    return result


@cache
def has_zero(kind: Type) -> bool:
    """Whether a variable of this type may go without an initial value."""
    match kind:
        case SortType():
            return kind.ordered
        case RecordType() | UnionType() | TupleType():
            return False
        case MapType(_, value):
            return has_zero(value)
        case _:
            return True


def fits(given: Type, wanted: Type) -> bool:
    """Whether every value of `given` is one of `wanted`, to the type checker and within the bounds."""
    match given, wanted:
        case IntType(low, high), IntType(least, most):
            return least <= low and high <= most
        case OptionType(one), OptionType(other):
            return fits(one, other)
        case SetType(one, limit), SetType(other, most_items):
            return fits(one, other) and (most_items is None or (limit is not None and limit <= most_items))
        case SeqType(one, limit), SeqType(other, most_items):
            return fits(one, other) and limit <= most_items
        case _:
            return given == wanted
