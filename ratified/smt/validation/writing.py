"""How the symbols that a value was made from are made to mean another: a rule for each type.

Guarantees: what is written is read back as the same value (`reading.py`), or the two are Unlike.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ratified.language.rules import Rules
from ratified.language.scope import Scope
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
    resolved,
    values_of,
)
from ratified.smt.first_order.shapes import (
    Atom,
    Case,
    FunctionShape,
    Listing,
    Maybe,
    Members,
    OneOf,
    ProductShape,
    Shape,
)
from ratified.smt.terms import Number, Term
from ratified.smt.validation.constants import ELEMENT

STANDS_FOR_NONE = "None stands for something else"

K = TypeVar("K", bound=Shape)

VALUES_MOST = 1_000
"""Keys of a map: so many at most."""


class Unlike(Exception):
    """A value that is not what its symbols say."""


class MeaningWriter(Protocol):
    """What makes terms mean values."""

    def write(self, t: Type, shape: Shape, value: Any) -> None:
        """Make a shape that was made from symbols mean a value."""

    def decide(self, term: Term, value: bool) -> None:
        """Make a formula true or false."""

    def give(self, term: Term, value: int) -> None:
        """Make a term mean a number, or an element by its number."""

    def once(self, shape: Shape, at: Any, make: Callable[[Any], Any]) -> Any:
        """What is inside a shape at a place."""

    def only(self, item: Type, shape: Members) -> None:
        """Let the relations of a set be false of all that is not written."""

    def place(self, item: Type, shape: Members, x: Any) -> Term:
        """The term that says whether a value is in a set, or how many copies of it there are in a bag."""

    def constant(self, t: Type, value: Any) -> Shape:
        """A value as a shape of constants."""


@dataclass(frozen=True, slots=True)
class ShapePlace:
    """A shape that is to mean a value."""

    writer: MeaningWriter
    shape: Shape
    value: Any

    def as_a(self, kind: type[K], t: Type) -> K:
        """The shape, which is to be of a kind. Raises Unlike."""
        if not isinstance(self.shape, kind):
            raise Unlike(f"a {t} stands for {type(self.shape).__name__}")
        return self.shape


WRITING: Rules[ShapePlace, None] = Rules("values that symbols are made to mean")


@WRITING.rule(NoneType)
def _(t: NoneType, at: ShapePlace) -> None:
    if at.value is not None:
        raise Unlike(STANDS_FOR_NONE)


@WRITING.rule(BoolType)
def _(t: BoolType, at: ShapePlace) -> None:
    at.writer.decide(at.as_a(Atom, t).term, bool(at.value))


@WRITING.rule(IntType, SortType)
def _(t: IntType | SortType, at: ShapePlace) -> None:
    at.writer.give(at.as_a(Atom, t).term, int(at.value))


@WRITING.rule(EnumType)
def _(t: EnumType, at: ShapePlace) -> None:
    at.writer.decide(at.as_a(Case, t).tests[list(t.enum).index(at.value)], True)


@WRITING.rule(OptionalType)
def _(t: OptionalType, at: ShapePlace) -> None:
    shape = at.as_a(Maybe, t)
    at.writer.decide(shape.some, at.value is not None)
    if at.value is not None:
        at.writer.write(t.item, shape.value, at.value)


@WRITING.rule(RecordType)
def _(t: RecordType, at: ShapePlace) -> None:
    for (name, field), inner in zip(t.fields.items(), at.as_a(ProductShape, t).fields, strict=True):
        at.writer.write(field, inner, getattr(at.value, name))


@WRITING.rule(TupleType)
def _(t: TupleType, at: ShapePlace) -> None:
    for item, inner, each in zip(t.items, at.as_a(ProductShape, t).fields, at.value, strict=True):
        at.writer.write(item, inner, each)


@WRITING.rule(UnionType)
def _(t: UnionType, at: ShapePlace) -> None:
    for record, test, inner in at.as_a(OneOf, t).cases:
        if type(at.value) is record.record:
            at.writer.decide(test, True)
            at.writer.write(record, inner, at.value)


@WRITING.rule(MapType)
def _(t: MapType, at: ShapePlace) -> None:
    shape, writer = at.as_a(FunctionShape, t), at.writer
    for k, v in at.value.entries():
        writer.write(t.value, writer.once(shape, k, lambda x: shape.at(writer.constant(t.key, x))), v)


@WRITING.rule(SetType, BagType)
def _(t: SetType | BagType, at: ShapePlace) -> None:
    shape, writer = at.as_a(Members, t), at.writer
    writer.once(shape, ELEMENT, lambda _: writer.only(t.item, shape))
    for x in dict.fromkeys(at.value):
        place = writer.once(shape, x, lambda x: writer.place(t.item, shape, x))
        if shape.count is None:
            writer.decide(place, True)
        else:
            writer.give(place, at.value.count(x))


@WRITING.rule(SeqType)
def _(t: SeqType, at: ShapePlace) -> None:
    shape, writer = at.as_a(Listing, t), at.writer
    writer.give(shape.length, len(at.value))
    for i, x in enumerate(at.value):
        writer.write(t.item, writer.once(shape, i, lambda i: shape.at(Number(i))), x)


# --- what is told apart by cases --------------------------------------------------------------------------------------

_REPRESENTATIVES: Rules[Scope, list[Any]] = Rules("a value for each case of a type")


def representatives(t: Type, scope: Scope) -> list[Any]:
    """A value for each way that a type's values are told apart by cases: None or not, which record, which member of an Enum."""
    return _REPRESENTATIVES(t, scope)


@_REPRESENTATIVES.rule(BoolType, EnumType, NoneType)
def _(t: Type, scope: Scope) -> list[Any]:
    return list(values_of(t, scope))


@_REPRESENTATIVES.rule(OptionalType)
def _(t: OptionalType, scope: Scope) -> list[Any]:
    return [None, *representatives(t.item, scope)]


@_REPRESENTATIVES.rule(UnionType)
def _(t: UnionType, scope: Scope) -> list[Any]:
    return [x for r in t.records for x in representatives(r, scope)]


@_REPRESENTATIVES.rule(RecordType)
def _(t: RecordType, scope: Scope) -> list[Any]:
    fields = itertools.product(*(representatives(f, scope) for f in t.fields.values()))
    return [t.record(*f) for f in itertools.islice(fields, VALUES_MOST)]


@_REPRESENTATIVES.rule(TupleType)
def _(t: TupleType, scope: Scope) -> list[Any]:
    return list(itertools.product(*(representatives(i, scope) for i in t.items)))


@_REPRESENTATIVES.rule(IntType, SortType, MapType, SetType, BagType, SeqType)
def _(t: Type, scope: Scope) -> list[Any]:
    return list(itertools.islice(values_of(resolved(t, scope), scope), 1))
