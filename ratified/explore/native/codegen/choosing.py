"""One of several values: which one is known only when the C runs."""

from __future__ import annotations

from collections.abc import Sequence

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.joins import joined, shape_of
from ratified.explore.native.codegen.leaves import leaves
from ratified.explore.native.codegen.lifting import element, lift
from ratified.explore.native.codegen.numbers import Num, chosen, chosen_num, compare, const
from ratified.explore.native.codegen.packing import at_place, loaded, value_of
from ratified.explore.native.codegen.shapes import NumberedValues, PackedShapes
from ratified.explore.native.codegen.terms import CValue, HeldValue, ListedRow, Opt, Rec, RowSource, Tup, Uni
from ratified.language.types import Type


def select(shapes: PackedShapes, test: Num, then: HeldValue, orelse: HeldValue) -> HeldValue:
    """One of two values."""
    if isinstance(test.c, int):
        return then if test.c else orelse
    if then is orelse:
        return then
    if isinstance(then, Num) and isinstance(orelse, Num):
        return chosen_num(test, then, orelse)
    shape = joined(shapes, shape_of(shapes, then), shape_of(shapes, orelse))
    a, b = leaves(shapes, then, shape), leaves(shapes, orelse, shape)
    return value_of([chosen(test, x, y) for x, y in zip(a, b, strict=True)], shape)


def chosen_value(shapes: PackedShapes, test: Num, then: HeldValue, orelse: HeldValue) -> CValue:
    """One of two values, read."""
    return loaded(select(shapes, test, then, orelse))


def get(shapes: PackedShapes, row: RowSource, position: Num) -> CValue:
    """The value at a position within the length of a row."""
    if not isinstance(row, ListedRow) or isinstance(position.c, int):
        return at_place(row, position)
    found = row.items[-1]
    for index in range(len(row.items) - 2, -1, -1):
        found = chosen_value(shapes, compare("==", position, const(index)), row.items[index], found)
    return found


def explode(shapes: PackedShapes, universe: NumberedValues, code: Num) -> CValue:
    """The value with a number in a universe."""
    if isinstance(code.c, int):
        return element(shapes, universe, code.c)
    found = from_list(shapes, universe.values, universe.type, code)
    match found:
        case Opt():
            return Opt(found.some, found.item, (universe, code.c), found.read)
        case Rec():
            return Rec(found.type, found.fields, (universe, code.c), found.read)
        case Tup():
            return Tup(found.items, (universe, code.c), found.read)
        case Uni():
            return Uni(found.type, found.tag, found.alternatives, (universe, code.c), found.read)
    return found


def from_list(shapes: PackedShapes, values: Sequence[object], t: Type, at: Num) -> CValue:
    """The value at a place in a list of values of a type."""
    shape = shapes.shape(t)
    rows = [leaves(shapes, lift(shapes, v, t), shape) for v in values]
    columns = [[w for w in column if isinstance(w, int)] for column in zip(*rows, strict=True)]
    return value_of([build.table(column, at.c, at.low, at.high) for column in columns], shape)
