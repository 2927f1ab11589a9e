"""Rules for leaves, logic, comparisons, types, records and tuples.

Guarantees: each gives the value that `evaluate.py` defines; parts that CPython would not evaluate are not evaluated, and what
fails there fails here, in the same order.
"""

from __future__ import annotations

from functools import partial

from ratified.explore.native.codegen import build, nodes
from ratified.explore.native.codegen.asking import comparison
from ratified.explore.native.codegen.bounds import fitted
from ratified.explore.native.codegen.choosing import chosen_value
from ratified.explore.native.codegen.leaves import as_bits
from ratified.explore.native.codegen.lifting import in_union, lift, narrow_to
from ratified.explore.native.codegen.loops import chain, two_ways
from ratified.explore.native.codegen.numbers import FALSE, TRUE, both, compare, const, either, negation, num
from ratified.explore.native.codegen.packing import item as item_at
from ratified.explore.native.codegen.packing import loaded
from ratified.explore.native.codegen.shapes import PackedShapes, SNum, Unsupported
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    CValue,
    HeldValue,
    ListedRow,
    MapV,
    Opt,
    Rec,
    RowSource,
    SeqV,
    SlotV,
    Tup,
    Uni,
    full,
    listed,
    pair_of,
    with_row,
)
from ratified.explore.native.codegen.writer import Here
from ratified.language import api, ir
from ratified.language.rules import Rules
from ratified.language.scope import running
from ratified.language.types import (
    NONE,
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
    parts,
    resolved,
)

logic: Rules[Here, HeldValue] = Rules("C of logic and records")


# --- leaves ---


@logic.rule(ir.Literal)
def _(node: ir.Literal, here: Here) -> HeldValue:
    return lift(here.w.shapes, node.value, node.type)


@logic.rule(ir.Variable)
def _(node: ir.Variable, here: Here) -> HeldValue:
    return here.w.read(node.name, node.which, node)


@logic.rule(ir.Parameter)
def _(node: ir.Parameter, here: Here) -> HeldValue:
    scope = here.w.shapes.scope
    return lift(here.w.shapes, scope.parameters[node.name], resolved(node.type, scope))


@logic.rule(ir.Universe)
def _(node: ir.Universe, here: Here) -> HeldValue:
    assert isinstance(node.type, SetType)
    shapes = here.w.shapes
    universe = shapes.universe(node.type.item)
    if universe is not None:
        return full(universe)
    if not isinstance(node.type.item, SortType):
        raise Unsupported(
            f"{node.type.item} has too many values to iterate over in compiled code",
            span=node.span,
            remedy="explore with engine='reference', or choose a value for each key where it is needed",
        )
    size = shapes.scope.sizes[node.type.item.sort]
    return SlotV(listed(map(const, range(size)), item=SNum(0, size - 1)))


@logic.rule(ir.Subsets)
def _(node: ir.Subsets, here: Here) -> HeldValue:
    size = None if node.size is None else here.num(node.size).c
    if isinstance(size, nodes.CExpr):
        raise Unsupported(
            "subsets of a computed size cannot be compiled",
            span=node.span,
            remedy="write the size as a number or parameter",
        )
    shapes, sort = here.w.shapes, node.sort.sort
    with running(shapes.scope):
        found = list(api.majorities(sort) if node.majorities else api.subsets(sort, size))
    # A row, not bits of bits: a system of quorums is there to be run through.
    return SlotV(listed(lift(shapes, v, SetType(node.sort)) for v in found))


# --- logic ---


@logic.rule(ir.Not)
def _(node: ir.Not, here: Here) -> HeldValue:
    return negation(here.num(node.operand))


@logic.rule(ir.And)
def _(node: ir.And, here: Here) -> HeldValue:
    return chain(here.w, [partial(here.num, o) for o in node.operands], conjunction=True)


@logic.rule(ir.Or)
def _(node: ir.Or, here: Here) -> HeldValue:
    return chain(here.w, [partial(here.num, o) for o in node.operands], conjunction=False)


@logic.rule(ir.IfElse)
def _(node: ir.IfElse, here: Here) -> HeldValue:
    test = here.num(node.test)
    return two_ways(here.w, test, partial(here.ev, node.then), partial(here.ev, node.orelse))


@logic.rule(ir.Compare)
def _(node: ir.Compare, here: Here) -> HeldValue:
    left, right = here.val(node.left), here.val(node.right)
    return comparison(here.w, node.op, left, right)


@logic.rule(ir.IsNone)
def _(node: ir.IsNone, here: Here) -> HeldValue:
    value = here.val(node.operand)
    return negation(value.some) if isinstance(value, Opt) else FALSE


@logic.rule(ir.IsRecord)
def _(node: ir.IsRecord, here: Here) -> HeldValue:
    value, some = here.val(node.operand), TRUE
    if isinstance(value, Opt):
        some = value.some
        if value.item is None:
            return FALSE
        value = loaded(value.item)
    if isinstance(value, Rec):
        return both(some, const(int(value.type in node.records)))
    assert isinstance(value, Uni)
    wanted = [k for k, r in enumerate(value.type.records) if r in node.records]
    if len(wanted) == len(value.type.records):
        return some
    return both(some, either(FALSE, *(compare("==", value.tag, const(k)) for k in wanted)))


# --- types ---


@logic.rule(ir.Narrow)
def _(node: ir.Narrow, here: Here) -> HeldValue:
    return narrow(here.w.shapes, here.val(node.operand), node.type)


def narrow(shapes: PackedShapes, value: CValue, t: Type) -> CValue:
    """A value that is known to be of a smaller type."""
    if isinstance(t, OptionalType):
        if not isinstance(value, Opt) or value.item is None:
            return value
        return Opt(value.some, narrow(shapes, value.item, t.item))
    if isinstance(value, Opt):
        if t == NONE or value.item is None:
            return Opt(FALSE, None)
        value = value.item
    if isinstance(value, Uni):
        if isinstance(t, RecordType):
            return narrow_to(value, t)
        if isinstance(t, UnionType):
            return _narrow_union(shapes, value, t)
    return value


def _narrow_union(shapes: PackedShapes, value: Uni, t: UnionType) -> CValue:
    own = zip(value.type.records, value.alternatives, strict=True)
    left = [a for r, a in own if a is not None and r in t.records]
    if len(left) == 1:
        return widen(shapes, left[0], t)
    return _other_union(value, t, [t.records.index(r) if r in t.records else 0 for r in value.type.records])


def _other_union(value: Uni, t: UnionType, numbers: list[int]) -> Uni:
    by_type = dict(zip(value.type.records, value.alternatives, strict=True))
    tag = num(build.table(numbers, value.tag.c, value.tag.low, value.tag.high), 0, len(t.records) - 1)
    return Uni(t, tag, tuple(by_type.get(r) for r in t.records))


@logic.rule(ir.Widen)
def _(node: ir.Widen, here: Here) -> HeldValue:
    return widen(here.w.shapes, here.val(node.operand), node.type)


Widening = tuple[PackedShapes, CValue]
"""The shapes of a model, and a value."""

WIDENS: Rules[Widening, CValue] = Rules("C of larger types")


def widen(shapes: PackedShapes, value: CValue, t: Type) -> CValue:
    """A value as one of a larger type."""
    return WIDENS(t, (shapes, value))


@WIDENS.rule(BoolType, IntType, NoneType, EnumType, SortType, RecordType)
def _(t: Type, widening: Widening) -> CValue:
    return widening[1]


@WIDENS.rule(OptionalType)
def _(t: OptionalType, widening: Widening) -> CValue:
    shapes, value = widening
    if not isinstance(value, Opt):
        return Opt(TRUE, widen(shapes, value, t.item))
    if value.item is None:
        return value
    item = widen(shapes, value.item, t.item)
    return value if item is value.item else Opt(value.some, item)


@WIDENS.rule(UnionType)
def _(t: UnionType, widening: Widening) -> CValue:
    _, value = widening
    if isinstance(value, Rec):
        held = tuple(value if r == value.type else None for r in t.records)
        return Uni(t, const(t.records.index(value.type)), held, read=in_union(value.read))
    if isinstance(value, Uni) and value.type != t:
        return _other_union(value, t, [t.records.index(r) for r in value.type.records])
    return value


@WIDENS.rule(TupleType)
def _(t: TupleType, widening: Widening) -> CValue:
    shapes, value = widening
    assert isinstance(value, Tup)
    made = tuple(widen(shapes, v, i) for v, i in zip(value.items, t.items, strict=True))
    return value if all(a is b for a, b in zip(made, value.items, strict=True)) else Tup(made)


@WIDENS.rule(MapType)
def _(t: MapType, widening: Widening) -> CValue:
    shapes, value = widening
    assert isinstance(value, MapV)
    return MapV(value.keys, tuple(widen(shapes, e, t.value) for e in value.entries))


@WIDENS.rule(SetType, SeqType, BagType)
def _(t: SetType | SeqType | BagType, widening: Widening) -> CValue:
    shapes, value = widening
    if isinstance(value, Bits):
        universe = shapes.universe(t.item)
        return as_bits(shapes, value, universe) if universe and _int_free(t.item) else value
    if isinstance(value, SeqV | SlotV | BagV):
        return with_row(value, _widen_row(shapes, value.row, t.item, bag=isinstance(value, BagV)))
    return value


def _widen_row(shapes: PackedShapes, row: RowSource, inner: Type, *, bag: bool) -> RowSource:
    items = [item_at(row, k) for k in range(row.most)]
    if not bag:
        made = [widen(shapes, i, inner) for i in items]
    else:
        made = [Tup((widen(shapes, value, inner), times)) for value, times in map(pair_of, items)]
    if all(a is b for a, b in zip(made, items, strict=True)) and isinstance(row, ListedRow):
        return row
    return listed(made, row.length)


def _int_free(t: Type) -> bool:
    return not any(isinstance(p, IntType) and p.low is None for p in parts(t))


# --- records and tuples ---


@logic.rule(ir.MakeRecord)
def _(node: ir.MakeRecord, here: Here) -> HeldValue:
    assert isinstance(node.type, RecordType)
    # CPython evaluates all fields before it checks any.
    made = [here.val(f.operand if isinstance(f, ir.Fit) else f) for f in node.fields]
    scope = here.w.shapes.scope
    checked = [
        loaded(fitted(here.w, value, resolved(f.type, scope), f.name, node))
        if isinstance(f, ir.Fit)
        else value
        for f, value in zip(node.fields, made, strict=True)
    ]
    return Rec(node.type, tuple(checked))


@logic.rule(ir.Fit)
def _(node: ir.Fit, here: Here) -> HeldValue:
    return fitted(here.w, here.ev(node.operand), resolved(node.type, here.w.shapes.scope), node.name, node)


@logic.rule(ir.MakeTuple)
def _(node: ir.MakeTuple, here: Here) -> HeldValue:
    return Tup(tuple(map(here.val, node.items)))


@logic.rule(ir.Field)
def _(node: ir.Field, here: Here) -> HeldValue:
    value = here.val(node.operand)
    if isinstance(value, Rec):
        return _field(value, node.name)
    assert isinstance(value, Uni)
    found: CValue | None = None
    for k, alternative in reversed(list(enumerate(value.alternatives))):
        if alternative is not None:
            own = widen(here.w.shapes, _field(alternative, node.name), node.type)
            test = compare("==", value.tag, const(k))
            found = own if found is None else chosen_value(here.w.shapes, test, own, found)
    assert found is not None
    return found


def _field(value: Rec, name: str) -> CValue:
    return value.fields[list(value.type.fields).index(name)]


@logic.rule(ir.Item)
def _(node: ir.Item, here: Here) -> HeldValue:
    value = here.val(node.operand)
    assert isinstance(value, Tup)
    return value.items[node.index]
