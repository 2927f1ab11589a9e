"""Terms: what a value of the language is to the generator, made of numbers and words that are constants or C expressions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ratified.explore.native.codegen.numbers import (
    FALSE,
    Num,
    Word,
    compare,
    const,
)
from ratified.explore.native.codegen.shapes import (
    Shape,
    SOptNum,
    Universe,
    widths,
)
from ratified.language.types import (
    IntType,
    OptionalType,
    RecordType,
    SetType,
    TupleType,
    Type,
    UnionType,
)

if TYPE_CHECKING:
    from ratified.explore.native.codegen.values import Values

Code = tuple[Universe, str] | None
"""The number of a value in a universe, where it is known as an expression already."""


Read = tuple[tuple[Shape, tuple[Word, ...]], ...]
"""The leaves that a value was read from, for each shape that it was read in: they are in order as they are."""


@dataclass(frozen=True, slots=True)
class Opt:
    """An optional. `leaf` is the leaf it was read from, with the shape that leaf has."""

    some: Num
    item: Any
    leaf: tuple[SOptNum, Word] | None = None
    code: Code = None
    read: Read = ()


@dataclass(frozen=True, slots=True)
class Rec:
    """A record."""

    type: RecordType
    fields: tuple[Any, ...]
    code: Code = None
    read: Read = ()


@dataclass(frozen=True, slots=True)
class Tup:
    """A tuple."""

    items: tuple[Any, ...]
    code: Code = None
    read: Read = ()


@dataclass(frozen=True, slots=True)
class Uni:
    """One of several records. Alternatives that it cannot be are None."""

    type: UnionType
    tag: Num
    alternatives: tuple[Rec | None, ...]
    code: Code = None
    read: Read = ()


@dataclass(frozen=True, slots=True)
class Bits:
    """A set of a small universe. `possible` says for each word which bits may be set."""

    universe: Universe
    words: tuple[Word, ...]
    possible: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MapV:
    """A map: a value for each key of the universe."""

    keys: Universe
    entries: tuple[Any, ...]


class Arr:
    """A row of values: its length now, the most there can be, and the values by position."""

    length: Num
    most: int
    item: Shape | None

    def get(self, position: Num) -> Any:
        """The value at a position within the length."""
        raise NotImplementedError


@dataclass(slots=True)
class ListArr(Arr):
    """A row whose values are known one by one."""

    world: Values
    length: Num
    items: list[Any]
    item: Shape | None = None
    read: Read = ()
    most: int = field(init=False)

    def __post_init__(self) -> None:
        self.most = len(self.items)

    def get(self, position: Num) -> Any:
        """See Arr."""
        if isinstance(position.c, int):
            return self.items[position.c]
        found = self.items[-1]
        for index in range(len(self.items) - 2, -1, -1):
            found = self.world.select(compare("==", position, const(index)), self.items[index], found)
        return found


@dataclass(slots=True)
class MemArr(Arr):
    """A row in a C array of words, `stride` to a value; places past the length are 0."""

    world: Values
    name: str
    item: Shape
    length: Num
    most: int
    stride: int

    def get(self, position: Num) -> Any:
        """See Arr."""
        return self.world.value(self.words(position), self.item)

    def words(self, position: Num) -> list[Word]:
        """The leaves of the value at a position."""
        if isinstance(position.c, int):
            return [f"{self.name}[{position.c * self.stride + k}]" for k in range(self.stride)]
        return [f"{self.name}[{position.c} * {self.stride} + {k}]" for k in range(self.stride)]


@dataclass(frozen=True, slots=True)
class SeqV:
    """A sequence."""

    row: Arr


@dataclass(frozen=True, slots=True)
class SlotV:
    """A set as a row of its elements, in canonical order."""

    row: Arr


@dataclass(frozen=True, slots=True)
class BagV:
    """A bag as a row of pairs of an element and its copies, in canonical order."""

    row: Arr
    copies: int


@dataclass(frozen=True, slots=True)
class Pos:
    """Where a leaf stands in a packed state. A leaf of width 0 stands nowhere."""

    word: int
    shift: int
    width: int


@dataclass(frozen=True, slots=True)
class Ref:
    """A value in a packed state, not read yet: its leaves at `places[index]`."""

    memory: str
    shape: Shape
    places: tuple[tuple[Pos, ...], ...]
    index: Num = FALSE


@dataclass(slots=True)
class RefArr(Arr):
    """A row in a packed state."""

    world: Values
    ref: Ref
    length: Num
    most: int
    item: Shape | None

    def get(self, position: Num) -> Any:
        """See Arr."""
        width = len(widths(self.item)) if self.item else 0
        return self.world.part(self.ref, 1, width, self.most, position, self.item)


def known(value: Any) -> bool:
    """Whether a value is a constant."""
    match value:
        case Num():
            return value.known
        case Opt():
            return value.some.c == 0 or (value.some.c == 1 and known(value.item))
        case Rec():
            return all(map(known, value.fields))
        case Tup():
            return all(map(known, value.items))
        case Uni():
            return value.tag.known and known(value.alternatives[value.tag.c])  # type: ignore[index]  # known
        case Bits():
            return all(isinstance(w, int) for w in value.words)
        case MapV():
            return all(map(known, value.entries))
        case SeqV() | SlotV() | BagV():
            return (
                isinstance(value.row, ListArr) and value.row.length.known and all(map(known, value.row.items))
            )
    return False


def members_of(value: Bits) -> list[Any]:
    """The elements of a known set."""
    numbers = [w if isinstance(w, int) else 0 for w in value.words]
    return [v for k, v in enumerate(value.universe.values) if numbers[k >> 6] >> (k & 63) & 1]


def join_types(a: Type, b: Type) -> Type:
    """A type that holds the values of both, keeping bounds of ints."""
    from ratified.language.types import join

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


def hull(values: Any, t: Type) -> Type:
    """The type with the bounds that some Python values need."""
    values = list(values)
    match t:
        case IntType() if values:
            return IntType(min(values), max(values))
        case OptionalType(item):
            return OptionalType(hull([v for v in values if v is not None], item))
        case TupleType(items):
            return TupleType(tuple(hull([v[k] for v in values], i) for k, i in enumerate(items)))
        case SetType(item):
            return SetType(hull([x for v in values for x in v], item))
    return t
