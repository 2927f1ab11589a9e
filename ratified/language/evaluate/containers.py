"""The values of records, tuples and containers, of comprehensions, and of calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ratified.language import ir
from ratified.language.errors import ModelError
from ratified.language.evaluate.frame import Frame, fail, within
from ratified.language.ir import Node, Which
from ratified.language.rules import Rules
from ratified.language.types import MapType, RecordType, Type
from ratified.language.values import Bag, Map, Seq, Set

rules: Rules[Frame, Any] = Rules("values of containers")

# --- records, tuples, containers ---


@rules.rule(ir.MakeRecord)
def _make_record(node: ir.MakeRecord, frame: Frame) -> Any:
    assert isinstance(node.type, RecordType)
    record, fields = node.type.record, [frame.expr(f) for f in node.fields]
    return within(node, lambda: record(*fields))


@rules.rule(ir.MakeTuple)
def _make_tuple(node: ir.MakeTuple, frame: Frame) -> Any:
    return tuple(frame.expr(i) for i in node.items)


@rules.rule(ir.MakeSet)
def _make_set(node: ir.MakeSet, frame: Frame) -> Any:
    return Set([frame.expr(i) for i in node.items])


@rules.rule(ir.MakeSeq)
def _make_seq(node: ir.MakeSeq, frame: Frame) -> Any:
    return Seq([frame.expr(i) for i in node.items])


def _map_of(t: Type) -> type[Map[Any, Any]]:
    assert isinstance(t, MapType)
    return t.of


@rules.rule(ir.MakeMap)
def _make_map(node: ir.MakeMap, frame: Frame) -> Any:
    return _map_of(node.type)([(frame.expr(k), frame.expr(v)) for k, v in node.pairs])


@rules.rule(ir.Field)
def _field(node: ir.Field, frame: Frame) -> Any:
    return getattr(frame.expr(node.operand), node.name)


@rules.rule(ir.Item)
def _item(node: ir.Item, frame: Frame) -> Any:
    return frame.expr(node.operand)[node.index]


@rules.rule(ir.At)
def _at(node: ir.At, frame: Frame) -> Any:
    return value_at(node, frame.expr(node.container), frame.expr(node.key))


@rules.rule(ir.Slice)
def _slice(node: ir.Slice, frame: Frame) -> Any:
    operand = frame.expr(node.operand)
    low, high = (None if bound is None else frame.expr(bound) for bound in (node.low, node.high))
    return Seq(tuple(operand)[low:high])


@rules.rule(ir.Length)
def _length(node: ir.Length, frame: Frame) -> int:
    return len(frame.expr(node.operand))


@rules.rule(ir.Count)
def _count(node: ir.Count, frame: Frame) -> int:
    return int(frame.expr(node.container).count(frame.expr(node.item)))


@rules.rule(ir.IndexOf)
def _index_of(node: ir.IndexOf, frame: Frame) -> int:
    container, item = frame.expr(node.container), frame.expr(node.item)
    for position, element in enumerate(container):
        if element == item:
            return position
    fail(node, f"the sequence has no element {item!r}", "test with `in` first")


@rules.rule(ir.SetOp)
def _set_op(node: ir.SetOp, frame: Frame) -> Any:
    left, right = frozenset(frame.expr(node.left)), frozenset(frame.expr(node.right))
    match node.op:
        case "|":
            return Set(left | right)
        case "&":
            return Set(left & right)
        case "-":
            return Set(left - right)
    return Set(left ^ right)


@rules.rule(ir.Disjoint)
def _disjoint(node: ir.Disjoint, frame: Frame) -> bool:
    return frozenset(frame.expr(node.left)).isdisjoint(frame.expr(node.right))


@rules.rule(ir.Concat)
def _concat(node: ir.Concat, frame: Frame) -> Any:
    left, right = frame.expr(node.left), frame.expr(node.right)
    return type(left)([*left, *right])


@rules.rule(ir.Insert)
def _insert(node: ir.Insert, frame: Frame) -> Any:
    container, item = frame.expr(node.container), frame.expr(node.item)
    return type(container)([*container, item])


@rules.rule(ir.Remove)
def _remove(node: ir.Remove, frame: Frame) -> Any:
    container, item = frame.expr(node.container), frame.expr(node.item)
    if item not in container:
        if node.strict:
            fail(node, f"there is no element {item!r} to remove", "require that it is there, or discard")
        return container
    items = list(container)
    items.remove(item)
    return type(container)(items)


@rules.rule(ir.Pop)
def _pop(node: ir.Pop, frame: Frame) -> Any:
    items, index = list(frame.expr(node.container)), frame.expr(node.index)
    if not -len(items) <= index < len(items):
        fail(node, f"the sequence has length {len(items)}, and no index {index}", "test the length first")
    del items[index]
    return Seq(items)


@rules.rule(ir.With)
def _with(node: ir.With, frame: Frame) -> Any:
    container = frame.expr(node.container)
    return with_value(node, container, frame.expr(node.key), frame.expr(node.value))


@rules.rule(ir.Convert)
def _convert(node: ir.Convert, frame: Frame) -> Any:
    operand = frame.expr(node.operand)
    match node.what:
        case "distinct":
            return Set(operand)
        case "keys":
            return Set(operand._data)
        case "values":
            return Seq(operand._data.values())
        case "items":
            return Seq(operand.entries())
        case "reversed":
            return Seq(list(operand)[::-1])
        case "enumerate":
            return Seq(enumerate(operand))
    return Seq(sorted(operand, reverse=node.what == "sorted-reversed"))


@rules.rule(ir.Zip)
def _zip(node: ir.Zip, frame: Frame) -> Any:
    return Seq(zip(frame.expr(node.left), frame.expr(node.right), strict=False))


@rules.rule(ir.IntRange)
def _int_range(node: ir.IntRange, frame: Frame) -> Any:
    return Seq(range(frame.expr(node.low), frame.expr(node.high)))


@rules.rule(ir.Collect)
def _collect(node: ir.Collect, frame: Frame) -> Any:
    def elements() -> Iterator[Any]:
        return (inner.expr(node.element) for inner in _bindings(node.clauses, frame))

    match node.kind:
        case "all":
            return all(elements())
        case "any":
            return any(elements())
        case "sum":
            return sum(elements())
        case "set":
            return Set(elements())
        case "seq":
            return Seq(elements())
        case "bag":
            return Bag(elements())
        case "map":
            return _map_of(node.type)(elements())
    ranked = []
    for inner in _bindings(node.clauses, frame):
        element = inner.expr(node.element)
        ranked.append((inner.expr(node.key) if node.key else element, element))
    if not ranked:
        if node.default is None:
            fail(
                node,
                node.why_nothing,
                "give a default=, or test first that it is not empty",
            )
        return frame.expr(node.default)
    return (min if node.kind == "min" else max)(ranked, key=lambda pair: pair[0])[1]


def _bindings(clauses: tuple[ir.Clause, ...], frame: Frame) -> Iterator[Frame]:
    """The frames of a comprehension's element, in order."""
    if not clauses:
        yield frame
        return
    clause, rest = clauses[0], clauses[1:]
    for item in frame.expr(clause.domain):
        inner = Frame(frame.run, dict(frame.env))
        inner.bind(clause.names, item)
        if all(map(inner.expr, clause.conditions)):
            yield from _bindings(rest, inner)


@rules.rule(ir.Call)
def _call(node: ir.Call, frame: Frame) -> Any:
    run = frame.run
    arguments = [frame.expr(a) for a in node.arguments]
    function = run.module.functions[node.function]
    if node.which is Which.NOW:
        return run.call(function, arguments)
    run.now, run.old, saved = run.old, {}, (run.now, run.old)
    try:
        return run.call(function, arguments)
    finally:
        run.now, run.old = saved


def value_at(node: Node, container: Any, key: Any) -> Any:
    """What a map or sequence has at a key; an error at a node, if it has nothing there."""
    if isinstance(container, Map):
        if key not in container._data:
            raise ModelError(
                f"the map has no key {key!r}",
                span=node.span,
                remedy="a Map has a value for every key of its key type only",
            )
        return container._data[key]
    if not -len(container) <= key < len(container):
        raise ModelError(
            f"the sequence has length {len(container)}, and no index {key}",
            span=node.span,
            remedy="test the length first",
        )
    return container[key]


def with_value(node: Node, container: Any, key: Any, value: Any) -> Any:
    """A map or sequence with another value at a key, where there must be one."""
    value_at(node, container, key)
    if isinstance(container, Map):
        return type(container)({**container._data, key: value})
    items = list(container)
    items[key] = value
    return Seq(items)
