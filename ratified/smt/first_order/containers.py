"""What records, maps, sets, bags and sequences mean in first-order logic, and what is done with them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.ir import Expr, Node
from ratified.language.rules import Rules
from ratified.language.types import (
    BagType,
    IntType,
    MapType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    Type,
    records_of,
)
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.adding import added_up, in_order
from ratified.smt.first_order.constants import bag_of, mapping, sequence
from ratified.smt.first_order.context import Failing, LogicContext
from ratified.smt.first_order.counting import size_of
from ratified.smt.first_order.equality import as_number
from ratified.smt.first_order.logic import where
from ratified.smt.first_order.ordering import LoopRange, few, run_of
from ratified.smt.first_order.shapes import (
    Atom,
    FunctionShape,
    Listing,
    Maybe,
    Members,
    Nothing,
    OneOf,
    ProductShape,
    Shape,
    either,
)
from ratified.smt.first_order.symbols import known_of
from ratified.smt.terms import (
    INT,
    TRUE,
    Number,
    Term,
    at_most,
    choice,
    conj,
    disj,
    equal,
    every,
    fresh,
    implies,
    less,
    minus,
    neg,
    plus,
    some,
)

making: Rules[LogicContext, Shape] = Rules("displays and parts in first-order logic")
reading: Rules[LogicContext, Shape] = Rules("what is read from containers, in first-order logic")
changing: Rules[LogicContext, Shape] = Rules("changed containers in first-order logic")

# --- made, and taken apart --------------------------------------------------------------------------------------------


@making.rule(ir.MakeRecord)
def _(node: ir.MakeRecord, context: LogicContext) -> Shape:
    assert isinstance(node.type, RecordType)
    made = ProductShape(node.type, tuple(context.expr(f) for f in node.fields))
    within = known_of(context.shapes, node.type, made)
    context.demand(Failing.LEFT, within, f"the bounds of a {node.type}", node.span)
    return made


@making.rule(ir.MakeTuple)
def _(node: ir.MakeTuple, context: LogicContext) -> Shape:
    return ProductShape(node.type, tuple(context.expr(i) for i in node.items))


@making.rule(ir.MakeSet)
def _(node: ir.MakeSet, context: LogicContext) -> Shape:
    assert isinstance(node.type, SetType)
    return context.listed(node.type.item, [context.expr(i) for i in node.items])


@making.rule(ir.MakeSeq)
def _(node: ir.MakeSeq, context: LogicContext) -> Shape:
    items = [context.expr(i) for i in node.items]
    if isinstance(node.type, BagType):
        return bag_of(node.type.item, items, context)
    assert isinstance(node.type, SeqType)
    return sequence(node.type.item, items, context)


@making.rule(ir.MakeMap)
def _(node: ir.MakeMap, context: LogicContext) -> Shape:
    assert isinstance(node.type, MapType)
    return mapping(node.type, [(context.expr(k), context.expr(v)) for k, v in node.pairs], context)


@making.rule(ir.Field)
def _(node: ir.Field, context: LogicContext) -> Shape:
    operand = context.expr(node.operand)
    if isinstance(operand, Maybe):
        operand = operand.value
    match operand:
        case ProductShape(RecordType() as t, fields):
            return fields[list(t.fields).index(node.name)]
        case OneOf(cases):
            found: Shape | None = None
            for r, test, row in reversed(cases):
                assert isinstance(row, ProductShape)
                value = row.fields[list(r.fields).index(node.name)]
                found = value if found is None else either(test, value, found)
            assert found is not None
            return found
        case Nothing():
            return context.theory.unknown(node.type)
    raise AssertionError(node)


@making.rule(ir.Item)
def _(node: ir.Item, context: LogicContext) -> Shape:
    operand = context.expr(node.operand)
    if isinstance(operand, Maybe):
        operand = operand.value
    assert isinstance(operand, ProductShape), node
    return operand.fields[node.index]


# --- read -------------------------------------------------------------------------------------------------------------


@reading.rule(ir.At)
def _(node: ir.At, context: LogicContext) -> Shape:
    container, key = context.expr(node.container), context.expr(node.key)
    if (
        isinstance(container, FunctionShape)
        and container.total
        and _is_field_of(node.key, container.type.key)
    ):
        return sh.known(container.at(key))  # records are within their bounds
    return sh.known(at(container, key, context, node.span))


def _is_field_of(node: Expr, t: Type) -> bool:
    """Whether an expression is a field of a record that is declared with this type."""
    while isinstance(node, ir.Narrow | ir.Widen):
        node = node.operand
    if not isinstance(node, ir.Field):
        return False
    records = records_of(node.operand.type)
    return bool(records) and all(r.fields[node.name] == t for r in records)


def at(container: Shape, key: Shape, context: LogicContext, span: Span) -> Shape:
    """What is at a key or position, which must be there."""
    if isinstance(container, Maybe):
        container = container.value
    match container:
        case FunctionShape():
            context.demand(Failing.ERROR, container.keys.has(key), "a key that is not there", span)
            return container.at(key)
        case Listing():
            return container.at(position(container, key, context, span))
    raise AssertionError(container)


def position(listing: Listing, key: Shape, context: LogicContext, span: Span) -> Term:
    """The position that an index means, which must be there: negative ones count from the end."""
    assert isinstance(key, Atom)
    index, length = as_number(key.term), listing.length
    inside = conj(at_most(minus(Number(0), length), index), less(index, length))
    context.demand(Failing.ERROR, inside, "an index out of range", span)
    return choice(less(index, Number(0)), plus(length, index), index)


@reading.rule(ir.In)
def _(node: ir.In, context: LogicContext) -> Shape:
    item, container = context.expr(node.item), context.expr(node.container)
    match container:
        case Members():
            return Atom(container.has(item))
        case Listing():
            members = iterated(container, context, node)
            return Atom(members.some(lambda x: context.logic.same(x, item)))
        case FunctionShape():
            return Atom(container.keys.has(item))
    raise AssertionError(node)


@reading.rule(ir.Slice)
def _(node: ir.Slice, context: LogicContext) -> Shape:
    operand = context.expr(node.operand)
    assert isinstance(operand, Listing)
    bounds = []
    for bound, default in ((node.low, Number(0)), (node.high, operand.length)):
        given = default if bound is None else context.number(bound)
        from_start = choice(less(given, Number(0)), plus(operand.length, given), given)
        clipped = choice(less(from_start, Number(0)), Number(0), from_start)
        bounds.append(choice(at_most(operand.length, clipped), operand.length, clipped))
    low, high = bounds
    length = choice(less(low, high), minus(high, low), Number(0))
    return Listing(operand.item, length, lambda i: operand.at(plus(i, low)))


@reading.rule(ir.Length)
def _(node: ir.Length, context: LogicContext) -> Shape:
    if isinstance(node.operand, ir.Universe):
        t = node.operand.type
        assert isinstance(t, SetType)
        if isinstance(t.item, SortType):
            return Atom(context.theory.size(t.item))
    operand = context.expr(node.operand)
    if isinstance(operand, Listing):
        return Atom(operand.length)
    if isinstance(operand, FunctionShape):
        if operand.total and isinstance(operand.type.key, SortType):
            return Atom(context.theory.size(operand.type.key))
        operand = operand.keys
    if isinstance(operand, Members) and operand.count is None:
        return Atom(size_of(operand, context))
    if isinstance(operand, Members) and (values := few(operand.item)) is not None:
        found: Term = Number(0)
        for value in values:
            assert operand.count is not None
            found = plus(found, operand.count(value))
        return Atom(found)
    assert isinstance(operand, Members)
    every_copy = LoopRange(operand.item, operand, lambda x: x, copies=True)
    return Atom(added_up(every_copy, lambda _: Number(1), context, node.span)[1])


@reading.rule(ir.Count)
def _(node: ir.Count, context: LogicContext) -> Shape:
    container, item = context.expr(node.container), context.expr(node.item)
    if isinstance(container, Members) and container.count is not None:
        return Atom(container.count(item))
    assert isinstance(container, Listing)
    run, same = run_of(node.container, context.silent()), context.logic.same
    equals = lambda i: as_number(same(run.item(i), item))  # noqa: E731
    return Atom(added_up(run, equals, context, node.span)[1])


@reading.rule(ir.IntRange)
def _(node: ir.IntRange, context: LogicContext) -> Shape:
    low, high = context.number(node.low), context.number(node.high)
    length = choice(less(low, high), minus(high, low), Number(0))
    return Listing(IntType(), length, lambda i: Atom(plus(i, low)))


@reading.rule(ir.Convert)
def _(node: ir.Convert, context: LogicContext) -> Shape:
    if node.what in ("sorted", "sorted-reversed", "values", "items") and not isinstance(
        node.operand.type, SeqType
    ):
        context.expr(node.operand)
        run, t = run_of(node, context.silent()), node.type
        assert isinstance(t, SeqType)
        return in_order(run, lambda _: TRUE, lambda x: x, t.item, context, node.span)
    operand = context.expr(node.operand)
    match node.what, operand:
        case "distinct", Members():
            return replace(operand, count=None)
        case "distinct", Listing():
            return iterated(operand, context, node)
        case "keys", FunctionShape():
            return operand.keys
        case "reversed", Listing(item, length, at_):
            return Listing(item, length, lambda i: at_(minus(minus(length, Number(1)), i)))
        case "enumerate", Listing(item, length, at_):
            assert isinstance(node.type, SeqType)
            pair = node.type.item
            return Listing(pair, length, lambda i: ProductShape(pair, (Atom(i), at_(i))))
    raise sh.refuse(
        node.span,
        f"the order in which {_ORDERED.get(node.what, 'the elements come')}",
        "use min or max, or a comprehension over the set or map itself",
    )


_ORDERED = {"values": "the values of a map come", "items": "the items of a map come"}


def iterated(shape: Shape, context: LogicContext, node: Node) -> Members:
    """What a container is run through as: a set of its elements."""
    match shape:
        case Members():
            return shape
        case Listing(item, length, at_):

            def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
                def quantify(f: Callable[[Shape], Term]) -> Term:
                    if isinstance(length, Number) and length.value <= 8:
                        each = [f(at_(Number(i))) for i in range(length.value)]
                        return conj(*each) if universal else disj(*each)
                    i = fresh("i", INT)
                    inside = conj(at_most(Number(0), i), less(i, length))
                    if universal:
                        return every([i], implies(inside, f(at_(i))))
                    return some([i], conj(inside, f(at_(i))))

                return quantify

            all_, some_ = over(True), over(False)
            return Members(item, lambda x: some_(lambda y: context.logic.same(x, y)), all_, some_)
        case FunctionShape():
            return shape.keys
    raise sh.refuse(node.span, "running through this", "run through a set or a sort")


# --- changed ----------------------------------------------------------------------------------------------------------


def union(left: Members, right: Members) -> Members:
    """What is in either set."""
    return Members(
        left.item,
        lambda x: disj(left.has(x), right.has(x)),
        lambda f: conj(left.every(f), right.every(f)),
        lambda f: disj(left.some(f), right.some(f)),
        parts=(*(left.parts or (left,)), *(right.parts or (right,))),
        times=left.times + right.times,
        values=(left.values or right.values) if left.item == right.item else None,
    )


@changing.rule(ir.SetOp)
def _(node: ir.SetOp, context: LogicContext) -> Shape:
    left, right = context.expr(node.left), context.expr(node.right)
    assert isinstance(left, Members)
    assert isinstance(right, Members)
    match node.op:
        case "|":
            return union(left, right)
        case "&":
            return where(left, right.has)
        case "-":
            return where(left, lambda x: neg(right.has(x)))
    return union(where(left, lambda x: neg(right.has(x))), where(right, lambda x: neg(left.has(x))))


@changing.rule(ir.Concat)
def _(node: ir.Concat, context: LogicContext) -> Shape:
    left, right = context.expr(node.left), context.expr(node.right)
    match left, right:
        case Members(count=count), Members(count=other) if count is not None and other is not None:
            return replace(union(left, right), count=lambda x: plus(count(x), other(x)))
        case Listing(item, length, first), Listing(_, more, second):
            joined = lambda i: either(less(i, length), first(i), second(minus(i, length)))  # noqa: E731
            return Listing(item, plus(length, more), joined)
    raise AssertionError(node)


@changing.rule(ir.Insert)
def _(node: ir.Insert, context: LogicContext) -> Shape:
    container, item = context.expr(node.container), context.expr(node.item)
    if isinstance(container, Listing):
        length = container.length
        longer = lambda i: either(equal(i, length), item, container.at(i))  # noqa: E731
        return Listing(container.item, plus(length, Number(1)), longer)
    assert isinstance(container, Members)
    more = union(container, context.listed(container.item, [item]))
    if (count := container.count) is None:
        return more
    return replace(more, count=lambda x: plus(count(x), as_number(context.logic.same(x, item))))


@changing.rule(ir.Remove)
def _(node: ir.Remove, context: LogicContext) -> Shape:
    container, item = context.expr(node.container), context.expr(node.item)
    assert isinstance(container, Members)
    if node.strict:
        context.demand(Failing.ERROR, container.has(item), "removing what is not there", node.span)
    same = context.logic.same
    if (count := container.count) is None:
        return where(container, lambda x: neg(same(x, item)))
    left = where(container, lambda x: disj(neg(same(x, item)), less(Number(1), count(x))))

    def fewer(x: Shape) -> Term:
        return minus(count(x), as_number(conj(same(x, item), container.has(x))))

    return replace(left, count=fewer)


@changing.rule(ir.Pop)
def _(node: ir.Pop, context: LogicContext) -> Shape:
    container, index = context.expr(node.container), context.expr(node.index)
    assert isinstance(container, Listing)
    gone, shorter = position(container, index, context, node.span), minus(container.length, Number(1))
    if isinstance(index, Atom) and index.term == Number(-1):
        return Listing(container.item, shorter, container.at)
    closed = lambda i: container.at(choice(less(i, gone), i, plus(i, Number(1))))  # noqa: E731
    return Listing(container.item, shorter, closed)


@changing.rule(ir.With)
def _(node: ir.With, context: LogicContext) -> Shape:
    container = context.expr(node.container)
    key, value = context.expr(node.key), context.expr(node.value)
    return updated(container, [key], value, context, node.span)


def updated(
    container: Shape, path: Sequence[Shape], value: Shape, context: LogicContext, span: Span
) -> Shape:
    """A map or sequence with another value at a path of keys, which must be there."""
    if not path:
        return value
    container = sh.known(container)
    match container:
        case FunctionShape(_, value_at):
            key = path[0]
            inner_value = updated(at(container, key, context, span), path[1:], value, context, span)

            @functools.cache  # it is asked for the same keys again and again, by each change after this one
            def changed_at(k: Shape) -> Shape:
                return either(context.logic.same(k, key), inner_value, value_at(k))

            return replace(container, at=changed_at, origin=None)
        case Listing(item, length, at_):
            index = position(container, path[0], context, span)
            changed = updated(at_(index), path[1:], value, context, span)
            return Listing(item, length, lambda i: either(equal(i, index), changed, at_(i)))
    raise AssertionError(container)
