"""Declared bounds: what is checked when a value is stored, as `fit_of` does.

Guarantees: the same bounds, in the same order, under the same names; what the value's own interval decides is not checked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ratified.explore.native.codegen.asking import copies_at, length
from ratified.explore.native.codegen.lifting import element
from ratified.explore.native.codegen.numbers import (
    Num,
    both,
    clipped,
    compare,
    const,
    either,
    negation,
    tested,
)
from ratified.explore.native.codegen.packing import item, loaded, there
from ratified.explore.native.codegen.shapes import PackedShapes
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    HeldValue,
    MapV,
    Opt,
    SeqV,
    SlotV,
    Tup,
    as_num,
    pair_of,
)
from ratified.explore.native.codegen.writer import FunctionWriter
from ratified.language.ir import Node
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
    has_bounds,
)

RangeCheck = tuple[Num, str]
"""What must be true, and the bound that is left where it is not."""


def fitted(w: FunctionWriter, value: HeldValue, t: Type, name: str, node: Node) -> HeldValue:
    """A value that is about to be stored, checked as `fit_of` does."""
    value = w.named(value)
    for fine, what in checks(w.shapes, value, t, name):
        w.bound_unless(fine, what, node.span)
    return _clip(value, t)


def _clip(value: HeldValue, t: Type) -> HeldValue:
    """The value with what its bounds tell of it."""
    match t, value:
        case IntType(int(low), int(high)), Num():
            return clipped(value, low, high)
        case OptionalType(inner), Opt(item=Num() as own):
            return replace(value, item=loaded(_clip(own, inner)))
    return value


Storing = tuple[PackedShapes, HeldValue, str]
"""A value that is about to be stored, and where."""

CHECKS: Rules[Storing, Iterable[RangeCheck]] = Rules("C of bounds")


def checks(shapes: PackedShapes, value: HeldValue, t: Type, name: str) -> Iterable[RangeCheck]:
    """What must be true of a value within bounds, and the bound that is left where it is not; in order."""
    return CHECKS(t, (shapes, value, name)) if has_bounds(t) else ()


@CHECKS.rule(BoolType, NoneType, EnumType, SortType, RecordType, UnionType)
def _(t: Type, storing: Storing) -> Iterable[RangeCheck]:
    return ()


@CHECKS.rule(IntType)
def _(t: IntType, storing: Storing) -> Iterator[RangeCheck]:
    assert isinstance(t.low, int)
    assert isinstance(t.high, int)
    _, value, name = storing
    own = as_num(loaded(value))
    fine = both(compare("<=", const(t.low), own), compare("<=", own, const(t.high)))
    yield fine, f"the range {t.low}..{t.high} of {name}"


@CHECKS.rule(OptionalType)
def _(t: OptionalType, storing: Storing) -> Iterator[RangeCheck]:
    shapes, value, name = storing
    value = loaded(value)
    if isinstance(value, Opt) and value.item is not None and value.some.c != 0:
        for fine, what in checks(shapes, value.item, t.item, name):
            yield either(negation(value.some), fine), what


@CHECKS.rule(MapType)
def _(t: MapType, storing: Storing) -> Iterator[RangeCheck]:
    shapes, value, name = storing
    value = loaded(value)
    assert isinstance(value, MapV)
    for entry in value.entries:
        yield from checks(shapes, entry, t.value, name)


@CHECKS.rule(TupleType)
def _(t: TupleType, storing: Storing) -> Iterator[RangeCheck]:
    shapes, value, name = storing
    value = loaded(value)
    assert isinstance(value, Tup)
    for part, one in zip(t.items, value.items, strict=True):
        yield from checks(shapes, one, part, name)


@CHECKS.rule(SetType, SeqType)
def _(t: SetType | SeqType, storing: Storing) -> Iterator[RangeCheck]:
    shapes, value, name = storing
    yield from _size_check(length(value), t.size, name)
    yield from _item_checks(shapes, value, t.item, name)


@CHECKS.rule(BagType)
def _(t: BagType, storing: Storing) -> Iterator[RangeCheck]:
    shapes, value, name = storing
    value = loaded(value)
    assert isinstance(value, BagV)
    if isinstance(t.copies, int):
        what = f"the limit of {t.copies} equal elements in {name}"
        for found in map(copies_at(value.row), range(value.row.most)):
            yield compare("<=", found, const(t.copies)), what
    yield from _size_check(length(value), t.size, name)
    yield from _item_checks(shapes, value, t.item, name)


def _size_check(found: Num, size: object, name: str) -> Iterator[RangeCheck]:
    if isinstance(size, int):
        yield compare("<=", found, const(size)), f"the limit of {size} elements in {name}"


def _item_checks(shapes: PackedShapes, value: HeldValue, inner: Type, name: str) -> Iterator[RangeCheck]:
    if not has_bounds(inner):
        return
    value = loaded(value)
    if isinstance(value, Bits):
        yield from _bit_checks(shapes, value, inner, name)
        return
    assert isinstance(value, SeqV | SlotV | BagV)
    for k in range(value.row.most):
        present = there(value.row, k)
        if present.c == 0:
            return
        own = item(value.row, k)
        for fine, what in checks(shapes, pair_of(own)[0] if isinstance(value, BagV) else own, inner, name):
            yield either(negation(present), fine), what


def _bit_checks(shapes: PackedShapes, value: Bits, inner: Type, name: str) -> Iterator[RangeCheck]:
    universe = value.universe
    wrong: dict[str, list[int]] = {}
    for k in range(universe.size):
        if value.possible[k >> 6] >> (k & 63) & 1:
            for fine, what in checks(shapes, element(shapes, universe, k), inner, name):
                if not fine.c:
                    wrong.setdefault(what, [0] * universe.words)[k >> 6] |= 1 << (k & 63)
                    break
    for what, masks in wrong.items():
        yield both(*(tested("none", w, m) for w, m in zip(value.words, masks, strict=True))), what
