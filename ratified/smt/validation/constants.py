"""Values of the language as shapes of constants: numbers, truth values, and elements of sorts.

Guarantees: an element of a sort is a constant that no text can name, so that it is no symbol of a formula.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ratified.language.rules import Rules
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
)
from ratified.smt.first_order.names import sort_name
from ratified.smt.first_order.shapes import Atom, Case, Maybe, Nothing, OneOf, ProductShape, Shape
from ratified.smt.terms import FALSE, TRUE, Apply, Number, Symbol, Term
from ratified.smt.validation.evaluation import TooMuch

ELEMENT = "\0"
"""What the names of elements begin with."""


def element(sort: str, index: int) -> Term:
    """An element of a sort."""
    return Apply(Symbol(f"{ELEMENT}{sort}!{index}", (), sort), ())


def is_element(symbol: str) -> bool:
    """Whether a symbol is an element of a sort."""
    return symbol.startswith(ELEMENT)


def element_index(symbol: str) -> int:
    """Which element of its sort a symbol is."""
    return int(symbol.rpartition("!")[2])


@dataclass(frozen=True, slots=True)
class _Constant:
    """A value, and what makes a container inside of it the element that it is of its own sort."""

    value: Any
    container: Callable[[Type, object], Shape]

    def inner(self, t: Type, value: object) -> Shape:
        return constant(t, value, self.container)


_CONSTANT: Rules[_Constant, Shape] = Rules("values as constants")


def constant(t: Type, value: object, container: Callable[[Type, object], Shape]) -> Shape:
    """A value as a shape of constants. Raises TooMuch for a bag, and what `container` raises."""
    return _CONSTANT(t, _Constant(value, container))


@_CONSTANT.rule(BoolType)
def _(t: BoolType, of: _Constant) -> Shape:
    return Atom(TRUE if of.value else FALSE)


@_CONSTANT.rule(IntType)
def _(t: IntType, of: _Constant) -> Shape:
    return Atom(Number(int(of.value)))


@_CONSTANT.rule(SortType)
def _(t: SortType, of: _Constant) -> Shape:
    return Atom(element(sort_name(t), int(of.value)))


@_CONSTANT.rule(NoneType)
def _(t: NoneType, of: _Constant) -> Shape:
    return Nothing()


@_CONSTANT.rule(EnumType)
def _(t: EnumType, of: _Constant) -> Shape:
    return Case(t.enum, tuple(TRUE if m is of.value else FALSE for m in t.enum))


@_CONSTANT.rule(OptionalType)
def _(t: OptionalType, of: _Constant) -> Shape:
    return Nothing() if of.value is None else Maybe(TRUE, of.inner(t.item, of.value))


@_CONSTANT.rule(RecordType)
def _(t: RecordType, of: _Constant) -> Shape:
    return ProductShape(t, tuple([of.inner(ft, getattr(of.value, name)) for name, ft in t.fields.items()]))


@_CONSTANT.rule(TupleType)
def _(t: TupleType, of: _Constant) -> Shape:
    return ProductShape(t, tuple([of.inner(i, v) for i, v in zip(t.items, of.value, strict=True)]))


@_CONSTANT.rule(UnionType)
def _(t: UnionType, of: _Constant) -> Shape:
    record = next(r for r in t.records if r.record is type(of.value))
    return OneOf(((record, TRUE, of.inner(record, of.value)),))


@_CONSTANT.rule(MapType, SetType, SeqType)
def _(t: MapType | SetType | SeqType, of: _Constant) -> Shape:
    return of.container(t, of.value)


@_CONSTANT.rule(BagType)
def _(t: BagType, of: _Constant) -> Shape:
    raise TooMuch(f"a {t} in a container")
