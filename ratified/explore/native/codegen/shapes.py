"""Shapes: how the values of a type are laid out as a row of small unsigned numbers, its leaves.

Guarantees: two values of one shape are equal exactly if their leaves are; what is not there (the item of None, the places of a
sequence past its end) has leaves 0; comparing leaves from the left orders values canonically (`order_key`), sets of a small
universe apart, whose leaves are words of bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ratified.explore.native.codegen.nodes import HIGH, LOW
from ratified.language.errors import RatifiedError, SizeError
from ratified.language.rules import Rules
from ratified.language.scope import Scope, running
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
    cardinality,
    children,
    record_fields,
    resolved,
    values_of,
)

UNIVERSE_MOST = 1024
"""A set of at most so many possible elements is a row of bits."""

SUBSETS_MOST = 10
"""Sets inside other values are numbered, through a table, up to sets of so many possible elements."""


class Unsupported(SizeError):
    """What has no fixed width, or none that the native explorer takes. The reference engine explores it."""


def too_wide(what: str) -> Unsupported:
    """The refusal of numbers that generated code does not hold."""
    return Unsupported(
        f"{what} is past the 64-bit integers of the native explorer",
        remedy="explore with engine='reference', whose integers have no bound",
    )


def representable(*values: int) -> None:
    """Raise Unsupported for a number that generated code does not hold."""
    for value in values:
        if not LOW <= value <= HIGH:
            raise too_wide(f"{value}")


FULL = "more elements than there is room for"
"""The error of a step after which a set without a bound has more elements than its shape."""


class Full(Unsupported):
    """A set without a bound has more elements than there is room for: it needs more room."""

    def __init__(self) -> None:
        super().__init__(FULL, remedy="bound it with AtMost, or explore with engine='reference'")


class NumberedValues:
    """All values of a small type, numbered in canonical order."""

    def __init__(self, t: Type, scope: Scope, number: int) -> None:
        self.type = t
        self.number = number
        with running(scope):
            self.values: list[object] = list(values_of(t, scope))
        self.index: dict[object, int] = {value: index for index, value in enumerate(self.values)}
        self.size = len(self.values)
        self.words = max(1, -(-self.size // 64))

    def mask(self, word: int) -> int:
        """The bits that a word of a set of this universe may have."""
        bits = min(64, self.size - 64 * word)
        return (1 << bits) - 1


class PackedShape:
    """How a value is laid out."""

    __slots__ = ("_widths",)

    _widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SNum(PackedShape):
    """A number from `low` to `high`, as its distance from `low`."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class SNone(PackedShape):
    """Only None."""


@dataclass(frozen=True, slots=True)
class SOptNum(PackedShape):
    """An optional number: 0 for None."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class SOpt(PackedShape):
    """An optional value: whether it is there, then the value."""

    item: PackedShape


@dataclass(frozen=True, slots=True)
class SRec(PackedShape):
    """A record: its fields."""

    type: RecordType
    fields: tuple[PackedShape, ...]


@dataclass(frozen=True, slots=True)
class STup(PackedShape):
    """A tuple."""

    items: tuple[PackedShape, ...]


@dataclass(frozen=True, slots=True)
class SUni(PackedShape):
    """One of several records: which, then its leaves, in leaves that all of them share."""

    type: UnionType
    alternatives: tuple[SRec, ...]


@dataclass(frozen=True, slots=True)
class SBits(PackedShape):
    """A set of a small universe: its bits."""

    universe: NumberedValues


@dataclass(frozen=True, slots=True)
class SCode(PackedShape):
    """A set inside another value, as its number among all sets of a small universe (`subsets`)."""

    universe: NumberedValues
    subsets: NumberedValues


@dataclass(frozen=True, slots=True)
class SOrderedBits(PackedShape):
    """A set inside an element of a set or bag: how many elements, then its bits, the first element's highest, each turned over.

    In canonical order smaller sets come first, and of two of one size the one that has the first element which only one has.
    """

    universe: NumberedValues


@dataclass(frozen=True, slots=True)
class SMap(PackedShape):
    """A map: the values of all keys."""

    keys: NumberedValues
    value: PackedShape


@dataclass(frozen=True, slots=True)
class SSeq(PackedShape):
    """A sequence: its length, then `most` places."""

    item: PackedShape | None
    most: int


@dataclass(frozen=True, slots=True)
class SSlots(PackedShape):
    """A set of a large universe: how many elements, then the elements in order.

    If it is `unbounded`, `most` is only how many there is room for.
    """

    item: PackedShape | None
    most: int
    unbounded: bool = False


@dataclass(frozen=True, slots=True)
class SBag(PackedShape):
    """A bag: how many different elements, then each in order with its copies (at most `copies`)."""

    item: PackedShape | None
    most: int
    copies: int


@dataclass(frozen=True, slots=True)
class SOrderedBag(PackedShape):
    """A bag inside an element of a set or bag: how many elements, then each different one with `copies` + 1 less its copies.

    In canonical order more copies come first, for what follows them is greater.
    """

    item: PackedShape | None
    most: int
    copies: int


@dataclass(frozen=True, slots=True)
class SPacked(PackedShape):
    """An element of a set or bag: its leaves side by side in words, the first one highest, so that words compare as leaves do."""

    inner: PackedShape


def packed(inner: PackedShape) -> PackedShape:
    """A shape with its leaves side by side, if there are several."""
    return SPacked(inner) if len(widths(inner)) > 1 else inner


def groups(inner: PackedShape) -> list[list[tuple[int, int, int]]]:
    """For each word of a packed shape, the leaves in it: their number, shift and width."""
    rows: list[list[tuple[int, int]]] = [[]]
    for k, width in enumerate(widths(inner)):
        if sum(w for _, w in rows[-1]) + width > 64:
            rows.append([])
        rows[-1].append((k, width))
    return [[(k, sum(w for _, w in row[n + 1 :]), width) for n, (k, width) in enumerate(row)] for row in rows]


def optional(item: PackedShape) -> PackedShape:
    """The shape of an optional value."""
    if isinstance(item, SNum) and item.high - item.low < 2**62:
        return SOptNum(item.low, item.high)
    return item if isinstance(item, SOpt | SOptNum | SNone) else SOpt(item)


def bits_for(largest: int) -> int:
    """How many bits hold the numbers up to the largest."""
    return largest.bit_length()


def widths(shape: PackedShape) -> tuple[int, ...]:
    """How many bits each leaf of a shape takes."""
    try:
        return shape._widths
    except AttributeError:
        found = tuple(_widths(shape))
        object.__setattr__(shape, "_widths", found)  # worked out once; of a frozen value
        return found


def _widths(shape: PackedShape) -> Sequence[int]:
    match shape:
        case SNum(low, high):
            return [bits_for(high - low)]
        case SNone():
            return []
        case SOptNum(low, high):
            return [bits_for(high - low + 1)]
        case SOpt(item):
            return [1, *widths(item)]
        case SRec(_, parts) | STup(parts):
            return [w for part in parts for w in widths(part)]
        case SUni(_, alternatives):
            return [bits_for(len(alternatives) - 1), *shared(alternatives)]
        case SBits(universe):
            return [bits_for(universe.mask(k)) for k in range(universe.words)]
        case SCode(_, subsets):
            return [bits_for(subsets.size - 1)]
        case SOrderedBits(universe):
            return [bits_for(universe.size), *(bits_for(universe.mask(k)) for k in range(universe.words))]
        case SMap(keys, value):
            return widths(value) * keys.size
        case SSeq(item, most) | SSlots(item, most):
            return [bits_for(most), *(widths(item) * most if item else [])]
        case SBag(item, most, copies):
            return [bits_for(most), *([*widths(item), bits_for(copies)] * most if item else [])]
        case SPacked(inner):
            return [sum(width for *_, width in group) for group in groups(inner)]
        case SOrderedBag(item, most, copies):
            return [bits_for(most * copies), *([*widths(item), bits_for(copies)] * most if item else [])]
    raise AssertionError(shape)


def shared(alternatives: tuple[SRec, ...]) -> list[int]:
    """The widths of leaves that fit each of several records."""
    rows = [widths(a) for a in alternatives]
    return [max(row[k] for row in rows if k < len(row)) for k in range(max(map(len, rows), default=0))]


class PackedShapes:
    """The universes and shapes of one model at one size."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._universes: dict[Type, NumberedValues | None] = {}
        self._shapes: dict[tuple[Type, bool], PackedShape] = {}
        self.lifted: dict[tuple[int, int], object] = {}  # values of universes as terms: see lifting

    def universe(self, t: Type) -> NumberedValues | None:
        """The universe of a type, if it is small and its values can be numbered by arithmetic."""
        if t not in self._universes:
            found = None
            bounded = resolved(t, self.scope)
            if _numbered(bounded, self.scope):
                found = NumberedValues(bounded, self.scope, len(self._universes))
            self._universes[t] = found
        return self._universes[t]

    def needed(self, t: Type) -> NumberedValues:
        """The universe of a type that must have one."""
        found = self.universe(t)
        if found is None:
            raise Unsupported(
                f"{t} has too many values for the native explorer here",
                remedy="explore with engine='reference'",
            )
        return found

    def shape(self, t: Type, *, inside: bool = False) -> PackedShape:
        """The shape of a type; `inside` a slot of a set or bag, where the order of leaves must be canonical.

        Raises:
            Unsupported: the type has no bound on its size.
        """
        key = t, inside
        if key not in self._shapes:
            self._shapes[key] = SHAPES(t, (self, inside))
        return self._shapes[key]

    def variable(self, t: Type) -> PackedShape:
        """The shape of a variable: sets without a bound, in maps as well, have room for `scope.room` elements.

        Raises: as `shape`.
        """
        if isinstance(t, MapType):
            return SMap(self.needed(t.key), self.variable(t.value))
        if not self.scope.room or not isinstance(t, SetType) or not needs_room(t, self.scope):
            return self.shape(t)
        found = self.shape(replace(t, size=self.scope.room))
        assert isinstance(found, SSlots)
        return replace(found, unbounded=True)

    def ordered_set(self, universe: NumberedValues) -> PackedShape:
        """The shape of a set inside an element of a set or bag."""
        subsets = self.universe(SetType(universe.type))
        return SOrderedBits(universe) if subsets is None else SCode(universe, subsets)


# --- whether the values of a type can be numbered by arithmetic ---

COUNTABLE: Rules[Scope, bool] = Rules("numbers of values in C")


@COUNTABLE.rule(BoolType, NoneType, EnumType, SortType)
def _(t: Type, scope: Scope) -> bool:
    return True


@COUNTABLE.rule(IntType)
def _(t: IntType, scope: Scope) -> bool:
    return t.low is not None


@COUNTABLE.rule(RecordType)
def _(t: RecordType, scope: Scope) -> bool:
    return all(COUNTABLE(field, scope) for field in record_fields(t, scope).values())


@COUNTABLE.rule(OptionalType, UnionType, TupleType, MapType)
def _(t: OptionalType | UnionType | TupleType | MapType, scope: Scope) -> bool:
    return all(COUNTABLE(inside, scope) for inside in children(t))


@COUNTABLE.rule(SetType)
def _(t: SetType, scope: Scope) -> bool:
    return COUNTABLE(t.item, scope) and cardinality(t.item, scope) <= SUBSETS_MOST


@COUNTABLE.rule(SeqType, BagType)
def _(t: SeqType | BagType, scope: Scope) -> bool:
    return False


def _numbered(t: Type, scope: Scope) -> bool:
    return COUNTABLE(t, scope) and cardinality(t, scope) <= UNIVERSE_MOST


def needs_room(t: Type, scope: Scope) -> bool:
    """Whether a variable of this type is a set of too many possible elements without a bound, or a map to such sets."""
    if isinstance(t, MapType):
        return needs_room(t.value, scope)
    return isinstance(t, SetType) and t.size is None and not _numbered(resolved(t.item, scope), scope)


# --- the shape of a type ---

Within = tuple[PackedShapes, bool]
"""The shapes of a model, and whether a slot of a set or bag is meant, where the order of leaves must be canonical."""

SHAPES: Rules[Within, PackedShape] = Rules("the native explorer's layout of types")


@SHAPES.rule(BoolType)
def _(t: BoolType, within: Within) -> PackedShape:
    return SNum(0, 1)


@SHAPES.rule(NoneType)
def _(t: NoneType, within: Within) -> PackedShape:
    return SNone()


@SHAPES.rule(IntType)
def _(t: IntType, within: Within) -> PackedShape:
    bounded = resolved(t, within[0].scope)
    assert isinstance(bounded, IntType)
    low, high = bounded.low, bounded.high
    if low is None:
        return SNum(LOW, HIGH)
    assert isinstance(low, int)
    assert isinstance(high, int)
    if high < low:
        raise Unsupported(f"the range {low}..{high} is empty", remedy="choose other bounds")
    representable(low, high)
    # A number is kept as its distance from the least, which generated code computes with as well.
    if low != LOW and high - low > HIGH:
        raise too_wide(f"the range {low}..{high}")
    return SNum(low, high)


@SHAPES.rule(EnumType)
def _(t: EnumType, within: Within) -> PackedShape:
    return SNum(0, len(t.enum) - 1)


@SHAPES.rule(SortType)
def _(t: SortType, within: Within) -> PackedShape:
    return SNum(0, within[0].scope.sizes[t.sort] - 1)


@SHAPES.rule(OptionalType)
def _(t: OptionalType, within: Within) -> PackedShape:
    shapes, inside = within
    return optional(shapes.shape(t.item, inside=inside))


@SHAPES.rule(RecordType)
def _(t: RecordType, within: Within) -> PackedShape:
    shapes, inside = within
    fields = record_fields(t, shapes.scope).values()
    return SRec(t, tuple(shapes.shape(f, inside=inside) for f in fields))


@SHAPES.rule(UnionType)
def _(t: UnionType, within: Within) -> PackedShape:
    shapes, inside = within
    made = tuple(shapes.shape(r, inside=inside) for r in t.records)
    return SUni(t, made)  # type: ignore[arg-type]  # the shapes of records


@SHAPES.rule(TupleType)
def _(t: TupleType, within: Within) -> PackedShape:
    shapes, inside = within
    return STup(tuple(shapes.shape(i, inside=inside) for i in t.items))


@SHAPES.rule(MapType)
def _(t: MapType, within: Within) -> PackedShape:
    shapes, inside = within
    return SMap(shapes.needed(t.key), shapes.shape(t.value, inside=inside))


@SHAPES.rule(SetType)
def _(t: SetType, within: Within) -> PackedShape:
    shapes, inside = within
    bounded = resolved(t, shapes.scope)
    assert isinstance(bounded, SetType)
    item, size = bounded.item, bounded.size
    universe = shapes.universe(item)
    if inside and universe is not None:
        return shapes.ordered_set(universe)
    if universe is not None and (size is None or universe.size <= 4 * 64):
        return SBits(universe)
    if not isinstance(size, int):
        raise Unsupported(f"a set of {item} has no bound", remedy=_bound("Set", item))
    slots = SSlots(packed(shapes.shape(item, inside=True)), size)
    return SBits(universe) if universe is not None and sum(widths(slots)) >= universe.size else slots


@SHAPES.rule(SeqType)
def _(t: SeqType, within: Within) -> PackedShape:
    shapes, inside = within
    bounded = resolved(t, shapes.scope)
    assert isinstance(bounded, SeqType)
    if not isinstance(bounded.size, int):
        raise Unsupported(f"{bounded} has no bound", remedy="bound it with AtMost")
    return SSeq(shapes.shape(bounded.item, inside=inside), bounded.size)


@SHAPES.rule(BagType)
def _(t: BagType, within: Within) -> PackedShape:
    shapes, inside = within
    bounded = resolved(t, shapes.scope)
    assert isinstance(bounded, BagType)
    item, size, copies = bounded.item, bounded.size, bounded.copies
    of = cardinality(item, shapes.scope)
    if not isinstance(size, int):
        if not isinstance(copies, int) or math.isinf(of):
            raise Unsupported(f"a bag of {item} has no bound", remedy=_bound("Bag", item))
        size = int(of) * copies
    most = size if math.isinf(of) else min(size, int(of))
    of_one = size if not isinstance(copies, int) else min(copies, size)
    return (SOrderedBag if inside else SBag)(packed(shapes.shape(item, inside=True)), most, of_one)


def _bound(kind: str, item: Type) -> str:
    return f"bound it: Annotated[{kind}[{item}], AtMost(n)]"


def fitting(what: str, problem: RatifiedError) -> Unsupported:
    """A problem with a shape, told of the variable that it is about."""
    return Unsupported(f"{what}: {problem.message}", span=problem.span, remedy=problem.remedy)
