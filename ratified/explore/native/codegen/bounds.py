"""Declared bounds: what is checked when a value is stored, as `fit_of` does.

Guarantees: the same bounds, in the same order, under the same names; what the value's own interval decides is not checked again.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from ratified.explore.native.codegen.shapes import Shapes
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    Held,
    MapV,
    Opt,
    SeqV,
    SlotV,
    Tup,
    as_num,
    pair_of,
)
from ratified.explore.native.codegen.writer import Writer
from ratified.language.ir import Node
from ratified.language.types import (
    BagType,
    IntType,
    MapType,
    OptionalType,
    SeqType,
    SetType,
    TupleType,
    Type,
)

Check = tuple[Num, str]
"""What must be true, and the bound that is left where it is not."""


def fitted(w: Writer, value: Held, t: Type, name: str, node: Node) -> Held:
    """A value that is about to be stored, checked as `fit_of` does."""
    value = w.named(value)
    for fine, what in checks(w.shapes, value, t, name):
        w.bound_unless(fine, what, node.span)
    return _clip(value, t)


def _clip(value: Held, t: Type) -> Held:
    """The value with what its bounds tell of it."""
    match t, value:
        case IntType(int(low), int(high)), Num():
            return clipped(value, low, high)
        case OptionalType(inner), Opt(item=Num() as own):
            return replace(value, item=loaded(_clip(own, inner)))
    return value


def checks(shapes: Shapes, value: Held, t: Type, name: str) -> Iterator[Check]:
    """What must be true of a value within bounds, and the bound that is left where it is not; in order."""
    match t:
        case IntType(int(low), int(high)):
            own = as_num(loaded(value))
            fine = both(compare("<=", const(low), own), compare("<=", own, const(high)))
            yield fine, f"the range {low}..{high} of {name}"
        case OptionalType(inner):
            value = loaded(value)
            if isinstance(value, Opt) and value.item is not None and value.some.c != 0:
                for fine, what in checks(shapes, value.item, inner, name):
                    yield either(negation(value.some), fine), what
        case MapType(_, inner) if _bounded(inner):
            value = loaded(value)
            assert isinstance(value, MapV)
            for entry in value.entries:
                yield from checks(shapes, entry, inner, name)
        case TupleType(items):
            value = loaded(value)
            assert isinstance(value, Tup)
            for part, one in zip(items, value.items, strict=True):
                yield from checks(shapes, one, part, name)
        case SetType(inner, size) | SeqType(inner, size):
            yield from _size_check(length(value), size, name)
            yield from _item_checks(shapes, value, inner, name)
        case BagType(inner, size, copies):
            value = loaded(value)
            assert isinstance(value, BagV)
            if isinstance(copies, int):
                what = f"at most {copies} equal elements in {name}"
                for found in map(copies_at(value.row), range(value.row.most)):
                    yield compare("<=", found, const(copies)), what
            yield from _size_check(length(value), size, name)
            yield from _item_checks(shapes, value, inner, name)


def _size_check(found: Num, size: object, name: str) -> Iterator[Check]:
    if isinstance(size, int):
        yield compare("<=", found, const(size)), f"at most {size} elements in {name}"


def _item_checks(shapes: Shapes, value: Held, inner: Type, name: str) -> Iterator[Check]:
    if not _bounded(inner):
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


def _bit_checks(shapes: Shapes, value: Bits, inner: Type, name: str) -> Iterator[Check]:
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


def _bounded(t: Type) -> bool:
    """Whether a type has bounds outside of records (which are checked when they are made)."""
    match t:
        case IntType(low, _):
            return low is not None
        case OptionalType(inner) | MapType(_, inner):
            return _bounded(inner)
        case SetType(inner, size) | SeqType(inner, size):
            return size is not None or _bounded(inner)
        case BagType(inner, size, copies):
            return size is not None or copies is not None or _bounded(inner)
        case TupleType(items):
            return any(map(_bounded, items))
    return False
