"""Rules for sequences: one after the other, cut, changed at a place, seen from the end, with numbers, in order, in pairs.

Guarantees: positions are checked as Python does, negative ones counting from the end; bounds of slices are clipped.
"""

from __future__ import annotations

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.asking import index
from ratified.explore.native.codegen.choosing import chosen_value, get
from ratified.explore.native.codegen.gathering import as_row
from ratified.explore.native.codegen.joins import bag_item, item_shape
from ratified.explore.native.codegen.leaves import leaves
from ratified.explore.native.codegen.lifting import element
from ratified.explore.native.codegen.loops import settled, to_array
from ratified.explore.native.codegen.numbers import (
    FALSE,
    Num,
    chosen_num,
    clipped,
    compare,
    const,
    minus,
    num,
    plus,
)
from ratified.explore.native.codegen.packing import item, loaded
from ratified.explore.native.codegen.shapes import FULL, NumberedValues, SMap, Unsupported
from ratified.explore.native.codegen.terms import (
    BagV,
    CValue,
    HeldValue,
    ListedRow,
    MapV,
    Ref,
    RowSource,
    SeqV,
    SlotV,
    Tup,
    full,
    known,
    listed,
    pair_of,
)
from ratified.explore.native.codegen.writer import FunctionWriter, Here
from ratified.language import ir
from ratified.language.ir import Node
from ratified.language.rules import Rules

sequences: Rules[Here, HeldValue] = Rules("C of sequences")

PLACES_MOST = 4096
"""The longest row that is taken place by place."""


def places(row: RowSource) -> list[CValue]:
    """The values at all places of a row."""
    if row.most > PLACES_MOST:
        raise Unsupported(
            f"a collection with room for {row.most:,} elements, and the native explorer takes {PLACES_MOST:,}",
            remedy="bound it with AtMost, or explore with engine='reference'",
        )
    return [item(row, k) for k in range(row.most)]


def row_of(here: Here, node: ir.Expr) -> RowSource:
    """The row of a sequence, set or bag."""
    value = here.val(node)
    assert isinstance(value, SeqV | SlotV | BagV)
    return value.row


@sequences.rule(ir.MakeSeq)
def _(node: ir.MakeSeq, here: Here) -> HeldValue:
    return SeqV(listed(map(here.val, node.items)))


def concat(w: FunctionWriter, a: RowSource, b: RowSource) -> SeqV:
    """Two sequences, one after the other."""
    length = plus(a.length, b.length)
    if isinstance(a.length.c, int):
        return SeqV(listed([*places(a)[: a.length.c], *places(b)], length))
    items: list[CValue] = []
    for k in range(a.most + b.most):
        if not b.most or k < a.length.low:
            items.append(item(a, k))
            continue
        back = num(
            build.subtract(k, a.length.c), max(0, k - a.length.high), min(b.most - 1, k - a.length.low)
        )
        behind = get(w.shapes, b, FALSE if b.most == 1 else back)
        if k < a.most:
            behind = chosen_value(w.shapes, compare("<", const(k), a.length), item(a, k), behind)
        items.append(behind)
    return SeqV(listed(items, length))


@sequences.rule(ir.Slice)
def _(node: ir.Slice, here: Here) -> HeldValue:
    row = row_of(here, node.operand)
    low = FALSE if node.low is None else _clipped(here.num(node.low), row)
    high = row.length if node.high is None else _clipped(here.num(node.high), row)
    most = max(0, min(row.most, high.high - low.low))
    length = chosen_num(compare("<", low, high), minus(high, low), FALSE)
    length = clipped(length, 0, most)
    items = [
        get(here.w.shapes, row, clipped(plus(low, const(k)), 0, row.most - 1))
        for k in range(most)
        if low.low + k < row.most
    ]
    return SeqV(listed(items, length))


def _clipped(bound: Num, row: RowSource) -> Num:
    """A bound of a slice, as Python clips it."""
    if bound.low < 0:
        from_end = plus(bound, row.length)
        from_end = clipped(chosen_num(compare("<", from_end, FALSE), FALSE, from_end), 0, row.length.high)
        bound = chosen_num(compare("<", bound, FALSE), from_end, bound)
        bound = clipped(bound, 0, max(0, bound.high))
    found = chosen_num(compare("<", row.length, bound), row.length, bound)
    return num(found.c, max(0, min(bound.low, row.length.low)), max(0, min(bound.high, row.length.high)))


@sequences.rule(ir.Pop)
def _(node: ir.Pop, here: Here) -> HeldValue:
    row = row_of(here, node.container)
    at = index(here.w, row, here.num(node.index), node)
    length = clipped(minus(row.length, const(1)), 0, max(0, row.most - 1))
    if isinstance(node.index, ir.Literal) and node.index.value == -1:
        return SeqV(listed(places(row)[: max(0, row.most - 1)], length))
    items = [
        chosen_value(here.w.shapes, compare("<", const(k), at), item(row, k), item(row, k + 1))
        for k in range(row.most - 1)
    ]
    return SeqV(listed(items, length))


def with_item(w: FunctionWriter, container: SeqV, key: Num, value: CValue, node: Node) -> SeqV:
    """A sequence with another value at an index."""
    row = container.row
    at = index(w, row, key, node)
    items = [
        chosen_value(w.shapes, compare("==", at, const(k)), value, own) for k, own in enumerate(places(row))
    ]
    return SeqV(listed(items, row.length))


@sequences.rule(ir.Convert)
def _(node: ir.Convert, here: Here) -> HeldValue:
    w, operand = here.w, here.ev(node.operand)
    if node.what == "keys":
        return full(_keys(operand))
    value = loaded(operand)
    match node.what, value:
        case "distinct", BagV(row):
            firsts = [pair_of(p)[0] for p in places(row)]
            return SlotV(listed(firsts, row.length, bag_item(w.shapes, row)))
        case "values", MapV():
            return SeqV(listed(value.entries))
        case "items", MapV():
            keys = [element(w.shapes, value.keys, k) for k in range(value.keys.size)]
            return SeqV(listed(map(Tup, zip(keys, value.entries, strict=True))))
        case "reversed", SeqV(row):
            return _reversed(w, row)
        case "enumerate", SeqV(row):
            return SeqV(listed((Tup((const(k), v)) for k, v in enumerate(places(row))), row.length))
    found = _sorted(w, value)
    return _reversed(w, found) if node.what == "sorted-reversed" else SeqV(found)


def _keys(value: HeldValue) -> NumberedValues:
    if isinstance(value, Ref):
        assert isinstance(value.shape, SMap)
        return value.shape.keys
    assert isinstance(value, MapV)
    return value.keys


def _reversed(w: FunctionWriter, row: RowSource) -> SeqV:
    """A sequence from its end."""
    if isinstance(row.length.c, int):
        return SeqV(listed(places(row)[: row.length.c][::-1], row.length))
    positions = [clipped(minus(row.length, const(k + 1)), 0, row.most - 1) for k in range(row.most)]
    return SeqV(listed((get(w.shapes, row, p) for p in positions), row.length))


def _sorted(w: FunctionWriter, value: CValue) -> RowSource:
    """The elements in order. Sets and bags are in order already."""
    if not isinstance(value, SeqV):
        return as_row(w, value)
    row = value.row
    shape = item_shape(w.shapes, row)
    if shape is None or row.most <= 1:
        return row
    if known(value):
        assert isinstance(row, ListedRow)

        def words(one: CValue) -> list[int]:
            return [x for x in leaves(w.shapes, one, shape) if isinstance(x, int)]

        return listed(sorted(places(row), key=words), row.length)
    memory = to_array(w, row, shape, row.most)
    w.line(f"rt_sort({memory.name}, ", memory.length.c, f", {memory.stride});")
    return settled(w, memory)


@sequences.rule(ir.Zip)
def _(node: ir.Zip, here: Here) -> HeldValue:
    a, b = row_of(here, node.left), row_of(here, node.right)
    most = min(a.most, b.most)
    length = clipped(chosen_num(compare("<", a.length, b.length), a.length, b.length), 0, most)
    return SeqV(listed((Tup((item(a, k), item(b, k))) for k in range(most)), length))


@sequences.rule(ir.IntRange)
def _(node: ir.IntRange, here: Here) -> HeldValue:
    low, high = here.num(node.low), here.num(node.high)
    most = max(0, high.high - low.low)
    length = chosen_num(compare("<", low, high), minus(high, low), FALSE)
    if most > PLACES_MOST:
        most = here.w.shapes.scope.room
        if not most:
            raise Unsupported(
                "a range of ints without bounds cannot be compiled",
                span=node.span,
                remedy="bound its ends with Range, or explore with engine='reference'",
            )
        here.w.fault_unless(compare("<=", length, const(most)), FULL, node)
    length = clipped(length, 0, most)
    return SeqV(listed((plus(low, const(k)) for k in range(most)), length))
