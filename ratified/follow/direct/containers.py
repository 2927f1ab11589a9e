"""Python of records, tuples, containers and comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from contextlib import ExitStack

from ratified.follow.direct.python import Py, call, constant, list_of, py, tuple_of
from ratified.follow.direct.writer import PythonBody
from ratified.language import ir
from ratified.language.ir import Expr
from ratified.language.rules import NoRuleError, Rules
from ratified.language.scope import running
from ratified.language.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    Type,
    values_of,
)
from ratified.language.values import Set

rules: Rules[PythonBody, Py] = Rules("Python of values")
raws: Rules[PythonBody, Py] = Rules("Python of contents")

# --- values ---


@rules.rule(ir.MakeRecord)
def _make_record(node: ir.MakeRecord, here: PythonBody) -> Py:
    assert isinstance(node.type, RecordType)
    within = node.type.record.__record_within__  # type: ignore[attr-defined]  # a record; its fields are fitted
    return call(here.library.value(within), map(here.expr, node.fields))


@rules.rule(ir.MakeTuple)
def _make_tuple(node: ir.MakeTuple, here: PythonBody) -> Py:
    return tuple_of(map(here.expr, node.items))


def _map_of(t: Type) -> str:
    assert isinstance(t, MapType)
    return t.of.__name__


@rules.rule(ir.MakeMap)
def _make_map(node: ir.MakeMap, here: PythonBody) -> Py:
    pairs = [tuple_of([here.expr(k), here.expr(v)]) for k, v in node.pairs]
    return call(_map_of(node.type), [list_of(pairs)])


@rules.rule(ir.Field)
def _field(node: ir.Field, here: PythonBody) -> Py:
    return ast.Attribute(here.expr(node.operand), node.name, ast.Load())


@rules.rule(ir.Item)
def _item(node: ir.Item, here: PythonBody) -> Py:
    return py("operand[index]", operand=here.expr(node.operand), index=constant(node.index))


@rules.rule(ir.At)
def _at(node: ir.At, here: PythonBody) -> Py:
    path = here.path(node)
    if path is not None and path in here.known:
        return py("known", known=here.known[path])
    if isinstance(node.container.type, MapType | SeqType):
        return py("container[key]", container=here.raw(node.container), key=here.expr(node.key))
    raise NoRuleError(rules.what, node)


@rules.rule(ir.Length)
def _length(node: ir.Length, here: PythonBody) -> Py:
    if isinstance(node.operand.type, MapType | SetType | SeqType):
        return call("len", [here.raw(node.operand)])
    return call("len", [here.expr(node.operand)])


@rules.rule(ir.Count)
def _count(node: ir.Count, here: PythonBody) -> Py:
    return py("container.count(item)", container=here.expr(node.container), item=here.expr(node.item))


@rules.rule(ir.IndexOf)
def _index_of(node: ir.IndexOf, here: PythonBody) -> Py:
    return py("container.index(item)", container=here.raw(node.container), item=here.expr(node.item))


@rules.rule(ir.Disjoint)
def _disjoint(node: ir.Disjoint, here: PythonBody) -> Py:
    return py("left.isdisjoint(right)", left=here.raw(node.left), right=here.raw(node.right))


@rules.rule(ir.With)
def _with(node: ir.With, here: PythonBody) -> Py:
    path = tuple_of([here.expr(node.key)])
    return call("with_path", [here.expr(node.container), path, here.expr(node.value)])


@rules.rule(ir.Insert)
def _inserted(node: ir.Insert, here: PythonBody) -> Py:
    if isinstance(node.type, SetType):
        return call("with_item", [here.expr(node.container), here.expr(node.item)])
    return here.wrapped(node.type, here.library.raws(node, here))


# --- contents ---


@raws.rule(ir.Universe)
def _universe(node: ir.Universe, here: PythonBody) -> Py:
    assert isinstance(node.type, SetType)
    return here.library.value(_all_of(node, here)._data)


def _all_of(node: ir.Universe, here: PythonBody) -> Set[object]:
    assert isinstance(node.type, SetType)
    item = node.type.item
    if not isinstance(item, SortType | EnumType | BoolType):
        raise NoRuleError(raws.what, node)
    with running(here.library.scope):
        return Set(values_of(item, here.library.scope))


@raws.rule(ir.MakeSet)
def _make_set(node: ir.MakeSet, here: PythonBody) -> Py:
    return call("frozenset", [tuple_of(map(here.expr, node.items))])


@raws.rule(ir.MakeSeq)
def _make_seq(node: ir.MakeSeq, here: PythonBody) -> Py:
    return tuple_of(map(here.expr, node.items))


@raws.rule(ir.Slice)
def _slice(node: ir.Slice, here: PythonBody) -> Py:
    low = None if node.low is None else here.expr(node.low)
    high = None if node.high is None else here.expr(node.high)
    if low is None and high is not None:
        return call(here.library.starting("cut"), [here.raw(node.operand), high])
    return ast.Subscript(here.raw(node.operand), ast.Slice(low, high), ast.Load())


@raws.rule(ir.SetOp)
def _set_op(node: ir.SetOp, here: PythonBody) -> Py:
    return py(f"left {node.op} right", left=here.raw(node.left), right=here.raw(node.right))


@raws.rule(ir.Concat)
def _concat(node: ir.Concat, here: PythonBody) -> Py:
    if not isinstance(node.type, SeqType):
        raise NoRuleError(raws.what, node)
    return py("left + right", left=here.raw(node.left), right=here.raw(node.right))


@raws.rule(ir.Insert)
def _insert(node: ir.Insert, here: PythonBody) -> Py:
    container, item = here.raw(node.container), here.expr(node.item)
    if isinstance(node.type, SetType):
        return py("container | {item}", container=container, item=item)
    if isinstance(node.type, SeqType):
        return call(here.library.starting("longer"), [container, item])
    raise NoRuleError(raws.what, node)


@raws.rule(ir.Remove)
def _remove(node: ir.Remove, here: PythonBody) -> Py:
    if not isinstance(node.type, SetType):
        raise NoRuleError(raws.what, node)
    container, item = here.raw(node.container), here.expr(node.item)
    if not node.strict:
        return py("container - {item}", container=container, item=item)
    return py(
        "held - {gone} if (gone := item) in (held := container) else odd()",
        held=here.library.fresh("w"),
        gone=here.library.fresh("w"),
        item=item,
        container=container,
    )


@raws.rule(ir.Pop)
def _pop(node: ir.Pop, here: PythonBody) -> Py:
    return py(
        "((items := list(container)).pop(index), tuple(items))[1]",
        items=here.library.fresh("w"),
        container=here.raw(node.container),
        index=here.expr(node.index),
    )


@raws.rule(ir.IntRange)
def _int_range(node: ir.IntRange, here: PythonBody) -> Py:
    return py("tuple(range(low, high))", low=here.expr(node.low), high=here.expr(node.high))


@raws.rule(ir.Zip)
def _zip(node: ir.Zip, here: PythonBody) -> Py:
    return py("tuple(zip(left, right))", left=each(node.left, here), right=each(node.right, here))


@raws.rule(ir.Convert)
def _convert(node: ir.Convert, here: PythonBody) -> Py:
    if node.what in ("distinct", "keys"):
        return call("frozenset", [here.raw(node.operand)])
    if node.what.startswith("sorted"):
        reverse = constant(node.what == "sorted-reversed")
        return py("tuple(sorted(items, reverse=reverse))", items=each(node.operand, here), reverse=reverse)
    return call("tuple", [each(node, here)])


# --- comprehensions ---


def each(node: Expr, here: PythonBody, *, in_order: bool = True) -> Py:
    """What runs through a container, in canonical order where that matters."""
    match node:
        case ir.Universe():
            return here.library.value(tuple(_all_of(node, here)))
        case ir.IntRange(_, _, low, high):
            return call("range", [here.expr(low), here.expr(high)])
        case ir.Convert(_, _, "items" | "values" as what, operand):
            return call(ast.Attribute(here.raw(operand), what, ast.Load()), [])
        case ir.Convert(_, _, "enumerate", operand):
            return call("enumerate", [each(operand, here)])
        case ir.Convert(_, _, "reversed", operand) if isinstance(operand.type, SeqType):
            return py("items[::-1]", items=here.raw(operand))
        case ir.Convert(_, _, "reversed", operand):
            return py("list(items)[::-1]", items=each(operand, here))
        case ir.Widen(_, _, operand) | ir.Narrow(_, _, operand):
            return each(operand, here, in_order=in_order)
    match node.type:
        case SeqType() | MapType():
            return here.raw(node)
        case SetType() if not in_order:
            return here.raw(node)
        case SetType() | BagType():
            return here.expr(node)
    raise NoRuleError(rules.what, node)


_BEGINS = {"all": None, "any": None, "sum": "0", "set": "set()", "seq": "[]", "bag": "[]", "map": "[]"}
_ADDED = {
    "all": "if not element: return False",
    "any": "if element: return True",
    "sum": "r += element",
    "set": "r.add(element)",
    "seq": "r.append(element)",
    "bag": "r.append(element)",
    "map": "r.append(element)",
}
_CONTENTS = {"set": "frozenset(r)", "seq": "tuple(r)"}
_GIVES = {"all": "True", "any": "False", "sum": "r", "bag": "Bag(r)", **_CONTENTS}


@rules.rule(ir.Collect)
def _collect(node: ir.Collect, here: PythonBody) -> Py:
    if node.kind in ("min", "max"):
        return _several(node, here) or _best(node, here)
    made = contents(node, here)
    return here.wrapped(node.type, made) if node.kind in _CONTENTS else made


def contents(node: ir.Collect, outer: PythonBody) -> Py:
    """What the container holds that a comprehension makes; of others, what comes out."""
    kind = node.kind
    match node:
        case ir.Collect(
            _, _, "set" | "seq", ir.Local(_, _, name), (ir.Clause((same,), ir.MakeSeq() as few, ()),)
        ):
            if name == same:
                return call("frozenset" if kind == "set" else "tuple", [outer.raw(few)])
    here, end = outer.apart(node)
    if begins := _BEGINS[kind]:
        here.add(f"r = {begins}")
    run_through(node, here, lambda: here.add(_ADDED[kind], element=here.expr(node.element)))
    here.add("return given", given=call(_map_of(node.type), ["r"]) if kind == "map" else py(_GIVES[kind]))
    return end()


def _several(node: ir.Collect, here: PythonBody) -> Py | None:
    """The least or greatest of a few that are written out."""
    match node:
        case ir.Collect(_, _, kind, ir.Local(_, IntType(), name), (clause,), None, None):
            if clause.names == (name,) and not clause.conditions and isinstance(clause.domain, ir.MakeSeq):
                return call(kind, [tuple_of(map(here.expr, clause.domain.items))])
    return None


def _best(node: ir.Collect, outer: PythonBody) -> Py:
    here, end = outer.apart(node)
    less = "<" if node.kind == "min" else ">"

    def element() -> None:
        here.add("e = element", element=here.expr(node.element))
        here.add("k = key", key=here.expr(node.key) if node.key else "e")
        here.add(f"if nothing or k {less} best: nothing, best, r = False, k, e")

    here.add("nothing = True")
    run_through(node, here, element, in_order=node.key is not None)
    default = py("odd()") if node.default is None else here.expr(node.default)
    here.add("if nothing: return default", default=default)
    here.add("return r")
    return end()


def run_through(
    node: ir.Collect,
    here: PythonBody,
    element: Callable[[], None],
    *,
    in_order: bool | None = None,
    through: Callable[[int], Py | None] = lambda number: None,  # noqa: ARG005 - of none
) -> None:
    """Nested loops around what is done with the element; what an inner loop reads that an outer one fixes is looked up there.

    `through` may say what the loop of a clause runs through instead of its domain, when the names before have a value.
    """
    if in_order is None:
        in_order = node.kind in ("seq", "map")
    outside = dict(here.locals)
    inner = [node.element, *([node.key] if node.key else [])]
    with ExitStack() as loops:
        for number, clause in enumerate(node.clauses):
            later = node.clauses[number + 1 :]
            if number == 0:
                here.look_up([*inner, *node.clauses], frozenset(here.locals) - _bound(node.clauses))
            runs = through(number) or each(clause.domain, here, in_order=in_order)
            names = [here.library.fresh("x") for _ in clause.names]
            loops.enter_context(here.loop(names, runs))
            here.locals |= {n: py("name", name=own) for n, own in zip(clause.names, names, strict=True)}
            here.look_up([*clause.conditions, *later, *inner], frozenset(here.locals) - _bound(later))
            for condition in clause.conditions:
                here.add("if not condition: continue", condition=here.expr(condition))
        element()
    here.locals.clear()
    here.locals |= outside


def _bound(clauses: tuple[ir.Clause, ...]) -> frozenset[str]:
    return frozenset(name for clause in clauses for name in clause.names)
