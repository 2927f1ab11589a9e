"""Terms: what a value of the language is to the generator, made of numbers and words that are constants or trees.

Guarantees: a value may be read only where the model may read it: the item of an optional that may be None is a tree that means
nothing where it is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ratified.explore.native.codegen.nodes import Word
from ratified.explore.native.codegen.numbers import FALSE, Num
from ratified.explore.native.codegen.shapes import NumberedValues, PackedShape
from ratified.language.types import (
    IntType,
    OptionalType,
    RecordType,
    SetType,
    TupleType,
    Type,
    UnionType,
    join,
)

Code = tuple[NumberedValues, Word] | None
"""The number of a value in a universe, where it is known already."""

Read = tuple[tuple[PackedShape, tuple[Word, ...]], ...]
"""The leaves that a value was read from, for each shape that it was read in: they are in order as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Opt:
    """An optional."""

    some: Num
    item: CValue | None
    code: Code = None
    read: Read = ()


@dataclass(frozen=True, slots=True, eq=False)
class Rec:
    """A record."""

    type: RecordType
    fields: tuple[CValue, ...]
    code: Code = None
    read: Read = ()


@dataclass(frozen=True, slots=True, eq=False)
class Tup:
    """A tuple."""

    items: tuple[CValue, ...]
    code: Code = None
    read: Read = ()


@dataclass(frozen=True, slots=True, eq=False)
class Uni:
    """One of several records. Alternatives that it cannot be are None."""

    type: UnionType
    tag: Num
    alternatives: tuple[Rec | None, ...]
    code: Code = None
    read: Read = ()


@dataclass(frozen=True, slots=True, eq=False)
class Bits:
    """A set of a small universe. `possible` says for each word which bits may be set."""

    universe: NumberedValues
    words: tuple[Word, ...]
    possible: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class MapV:
    """A map: a value for each key of the universe."""

    keys: NumberedValues
    entries: tuple[CValue, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ListedRow:
    """A row whose values are known one by one."""

    length: Num
    items: tuple[CValue, ...]
    item: PackedShape | None = None
    read: Read = ()

    @property
    def most(self) -> int:
        """The most values there can be."""
        return len(self.items)


@dataclass(frozen=True, slots=True, eq=False)
class InArray:
    """A row in a C array of words, `stride` to a value; places past the length are 0."""

    name: str
    item: PackedShape
    length: Num
    most: int
    stride: int


@dataclass(frozen=True, slots=True, eq=False)
class InState:
    """A row in a packed state."""

    ref: Ref
    length: Num
    most: int
    item: PackedShape | None


RowSource = ListedRow | InArray | InState


@dataclass(frozen=True, slots=True, eq=False)
class SeqV:
    """A sequence."""

    row: RowSource


@dataclass(frozen=True, slots=True, eq=False)
class SlotV:
    """A set as a row of its elements, in canonical order."""

    row: RowSource


@dataclass(frozen=True, slots=True, eq=False)
class BagV:
    """A bag as a row of pairs of an element and its copies, in canonical order."""

    row: RowSource
    copies: int


@dataclass(frozen=True, slots=True)
class Pos:
    """Where a leaf stands in a packed state. A leaf of width 0 stands nowhere."""

    word: int
    shift: int
    width: int


@dataclass(frozen=True, slots=True, eq=False)
class Ref:
    """A value in a packed state, not read yet: its leaves at `places[index]`."""

    memory: str
    shape: PackedShape
    places: tuple[tuple[Pos, ...], ...]
    index: Num = FALSE


CValue = Num | Opt | Rec | Tup | Uni | Bits | MapV | SeqV | SlotV | BagV
"""A value, read."""

HeldValue = CValue | Ref
"""A value, read or not yet."""

ValueWithParts = Opt | Rec | Tup | Uni


def known(value: HeldValue | None) -> bool:
    """Whether a value is a constant."""
    match value:
        case Num():
            return isinstance(value.c, int)
        case Opt():
            return value.some.c == 0 or (value.some.c == 1 and known(value.item))
        case Rec():
            return all(map(known, value.fields))
        case Tup():
            return all(map(known, value.items))
        case Uni():
            return isinstance(value.tag.c, int) and known(value.alternatives[value.tag.c])
        case Bits():
            return all(isinstance(w, int) for w in value.words)
        case MapV():
            return all(map(known, value.entries))
        case SeqV() | SlotV() | BagV():
            row = value.row
            return isinstance(row, ListedRow) and row.length.known and all(map(known, row.items))
    return False


def as_num(value: HeldValue | None) -> Num:
    """A value that is a number."""
    assert isinstance(value, Num), value
    return value


def listed(items: Iterable[CValue], length: Num | None = None, item: PackedShape | None = None) -> ListedRow:
    """A row of known places."""
    items = tuple(items)
    return ListedRow(Num(len(items), len(items), len(items)) if length is None else length, items, item)


def with_row(value: SeqV | SlotV | BagV, row: RowSource) -> SeqV | SlotV | BagV:
    """The same kind of container of other elements."""
    return BagV(row, value.copies) if isinstance(value, BagV) else type(value)(row)


def pair_of(value: CValue) -> tuple[CValue, Num]:
    """An element of a bag's row, and its copies."""
    assert isinstance(value, Tup)
    return value.items[0], as_num(value.items[1])


def members_of(value: Bits) -> list[object]:
    """The elements of a known set."""
    numbers = [w if isinstance(w, int) else 0 for w in value.words]
    return [v for k, v in enumerate(value.universe.values) if numbers[k >> 6] >> (k & 63) & 1]


def numbers_of(value: Bits) -> list[int]:
    """The numbers of the elements that a set may have."""
    return [k for k in range(value.universe.size) if value.possible[k >> 6] >> (k & 63) & 1]


def full(universe: NumberedValues) -> Bits:
    """The set of a whole universe."""
    words = tuple(universe.mask(k) for k in range(universe.words))
    return Bits(universe, words, words)


def empty(universe: NumberedValues) -> Bits:
    """The empty set of a universe."""
    words = (0,) * universe.words
    return Bits(universe, words, words)


def same(a: HeldValue | None, b: HeldValue | None) -> bool:
    """Whether two values are surely the same: the same constants and trees."""
    if a is b:
        return True
    match a, b:
        case Num(), Num():
            return a.c is b.c or (isinstance(a.c, int) and a.c == b.c)
        case Opt(), Opt():
            return same(a.some, b.some) and (a.some.c == 0 or same(a.item, b.item))
        case Rec(), Rec():
            return a.type == b.type and all(map(same, a.fields, b.fields))
        case Tup(), Tup():
            return len(a.items) == len(b.items) and all(map(same, a.items, b.items))
        case Uni(), Uni():
            return a.type == b.type and same(a.tag, b.tag) and all(map(same, a.alternatives, b.alternatives))
        case Bits(), Bits():
            return a.universe is b.universe and a.words == b.words
        case MapV(), MapV():
            return a.keys is b.keys and all(map(same, a.entries, b.entries))
        case Ref(), Ref():
            return (
                (a.memory, a.places) == (b.memory, b.places)
                and a.shape == b.shape
                and a.memory != "t"
                and same(a.index, b.index)
            )
    return False


def join_types(a: Type, b: Type) -> Type:
    """A type that holds the values of both, keeping bounds of ints."""
    match a, b:
        case IntType(int(low), int(high)), IntType(int(least), int(most)):
            return IntType(min(low, least), max(high, most))
        case OptionalType(x), OptionalType(y):
            return OptionalType(join_types(x, y))
        case TupleType(xs), TupleType(ys):
            return TupleType(tuple(map(join_types, xs, ys)))
        case SetType(x), SetType(y):
            return SetType(join_types(x, y))
    return join(a, b)


def hull(values: Sequence[object], t: Type) -> Type:
    """The type with the bounds that some Python values need."""
    values = list(values)
    match t:
        case IntType() if values:
            numbers = [v for v in values if isinstance(v, int)]
            return IntType(min(numbers), max(numbers))
        case OptionalType(item):
            return OptionalType(hull([v for v in values if v is not None], item))
        case TupleType(items):
            rows = [v for v in values if isinstance(v, tuple)]
            return TupleType(tuple(hull([r[k] for r in rows], i) for k, i in enumerate(items)))
        case SetType(item):
            return SetType(hull([x for v in values for x in v], item))  # type: ignore[attr-defined]  # sets
    return t
