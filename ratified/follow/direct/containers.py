"""Text of records, tuples, containers and comprehensions."""

from __future__ import annotations

from collections.abc import Callable

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

rules: Rules[PythonBody, str] = Rules("Python of values")
raws: Rules[PythonBody, str] = Rules("Python of contents")

# --- values ---


@rules.rule(ir.MakeRecord)
def _make_record(node: ir.MakeRecord, here: PythonBody) -> str:
    assert isinstance(node.type, RecordType)
    return f"{here.library.constant(node.type.record)}({', '.join(map(here.expr, node.fields))})"


@rules.rule(ir.MakeTuple)
def _make_tuple(node: ir.MakeTuple, here: PythonBody) -> str:
    return f"({''.join(f'{here.expr(i)}, ' for i in node.items)})"


def _map_of(t: Type) -> str:
    assert isinstance(t, MapType)
    return t.of.__name__


@rules.rule(ir.MakeMap)
def _make_map(node: ir.MakeMap, here: PythonBody) -> str:
    return f"{_map_of(node.type)}([{', '.join(f'({here.expr(k)}, {here.expr(v)})' for k, v in node.pairs)}])"


@rules.rule(ir.Field)
def _field(node: ir.Field, here: PythonBody) -> str:
    return f"{here.expr(node.operand)}.{node.name}"


@rules.rule(ir.Item)
def _item(node: ir.Item, here: PythonBody) -> str:
    return f"{here.expr(node.operand)}[{node.index}]"


@rules.rule(ir.At)
def _at(node: ir.At, here: PythonBody) -> str:
    path = here.path(node)
    if path is not None and path in here.known:
        return here.known[path]
    if isinstance(node.container.type, MapType | SeqType):
        return f"{here.raw(node.container)}[{here.expr(node.key)}]"
    raise NoRuleError(rules.what, node)


@rules.rule(ir.Length)
def _length(node: ir.Length, here: PythonBody) -> str:
    if isinstance(node.operand.type, MapType | SetType | SeqType):
        return f"len({here.raw(node.operand)})"
    return f"len({here.expr(node.operand)})"


@rules.rule(ir.Count)
def _count(node: ir.Count, here: PythonBody) -> str:
    return f"{here.expr(node.container)}.count({here.expr(node.item)})"


@rules.rule(ir.IndexOf)
def _index_of(node: ir.IndexOf, here: PythonBody) -> str:
    return f"{here.raw(node.container)}.index({here.expr(node.item)})"


@rules.rule(ir.Disjoint)
def _disjoint(node: ir.Disjoint, here: PythonBody) -> str:
    return f"{here.raw(node.left)}.isdisjoint({here.raw(node.right)})"


@rules.rule(ir.With)
def _with(node: ir.With, here: PythonBody) -> str:
    return f"with_path({here.expr(node.container)}, ({here.expr(node.key)},), {here.expr(node.value)})"


# --- contents ---


@raws.rule(ir.Universe)
def _universe(node: ir.Universe, here: PythonBody) -> str:
    assert isinstance(node.type, SetType)
    return here.library.constant(_all_of(node, here)._data)


def _all_of(node: ir.Universe, here: PythonBody) -> Set[object]:
    assert isinstance(node.type, SetType)
    item = node.type.item
    if not isinstance(item, SortType | EnumType | BoolType):
        raise NoRuleError(raws.what, node)
    with running(here.library.scope):
        return Set(values_of(item, here.library.scope))


@raws.rule(ir.MakeSet)
def _make_set(node: ir.MakeSet, here: PythonBody) -> str:
    return f"frozenset(({''.join(f'{here.expr(i)}, ' for i in node.items)}))"


@raws.rule(ir.MakeSeq)
def _make_seq(node: ir.MakeSeq, here: PythonBody) -> str:
    return f"({''.join(f'{here.expr(i)}, ' for i in node.items)})"


@raws.rule(ir.Slice)
def _slice(node: ir.Slice, here: PythonBody) -> str:
    low = "" if node.low is None else here.expr(node.low)
    high = "" if node.high is None else here.expr(node.high)
    return f"{here.raw(node.operand)}[{low}:{high}]"


@raws.rule(ir.SetOp)
def _set_op(node: ir.SetOp, here: PythonBody) -> str:
    return f"({here.raw(node.left)} {node.op} {here.raw(node.right)})"


@raws.rule(ir.Concat)
def _concat(node: ir.Concat, here: PythonBody) -> str:
    if not isinstance(node.type, SeqType):
        raise NoRuleError(raws.what, node)
    return f"({here.raw(node.left)} + {here.raw(node.right)})"


@raws.rule(ir.Insert)
def _insert(node: ir.Insert, here: PythonBody) -> str:
    container, item = here.raw(node.container), here.expr(node.item)
    if isinstance(node.type, SetType):
        return f"({container} | {{{item}}})"
    if isinstance(node.type, SeqType):
        return f"(*{container}, {item})"
    raise NoRuleError(raws.what, node)


@raws.rule(ir.Remove)
def _remove(node: ir.Remove, here: PythonBody) -> str:
    if not isinstance(node.type, SetType):
        raise NoRuleError(raws.what, node)
    container, item = here.raw(node.container), here.expr(node.item)
    if not node.strict:
        return f"({container} - {{{item}}})"
    held, gone = here.library.fresh("w"), here.library.fresh("w")
    return f"({held} - {{{gone}}} if ({gone} := {item}) in ({held} := {container}) else odd())"


@raws.rule(ir.Pop)
def _pop(node: ir.Pop, here: PythonBody) -> str:
    items = here.library.fresh("w")
    return f"(({items} := list({here.raw(node.container)})).pop({here.expr(node.index)}), tuple({items}))[1]"


@raws.rule(ir.IntRange)
def _int_range(node: ir.IntRange, here: PythonBody) -> str:
    return f"tuple(range({here.expr(node.low)}, {here.expr(node.high)}))"


@raws.rule(ir.Zip)
def _zip(node: ir.Zip, here: PythonBody) -> str:
    return f"tuple(zip({each(node.left, here)}, {each(node.right, here)}))"


@raws.rule(ir.Convert)
def _convert(node: ir.Convert, here: PythonBody) -> str:
    if node.what in ("distinct", "keys"):
        return f"frozenset({here.raw(node.operand)})"
    if node.what.startswith("sorted"):
        reverse = node.what == "sorted-reversed"
        return f"tuple(sorted({each(node.operand, here)}, reverse={reverse}))"
    return f"tuple({each(node, here)})"


# --- comprehensions ---


def each(node: Expr, here: PythonBody, *, in_order: bool = True) -> str:
    """What runs through a container, in canonical order where that matters."""
    match node:
        case ir.Universe():
            return here.library.constant(tuple(_all_of(node, here)))
        case ir.IntRange(_, _, low, high):
            return f"range({here.expr(low)}, {here.expr(high)})"
        case ir.Convert(_, _, "items" | "values" as what, operand):
            return f"{here.raw(operand)}.{what}()"
        case ir.Convert(_, _, "enumerate", operand):
            return f"enumerate({each(operand, here)})"
        case ir.Convert(_, _, "reversed", operand) if isinstance(operand.type, SeqType):
            return f"{here.raw(operand)}[::-1]"
        case ir.Convert(_, _, "reversed", operand):
            return f"list({each(operand, here)})[::-1]"
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
_GIVES = {"all": "True", "any": "False", "sum": "r"}
_CONTENTS = {"set": "frozenset(r)", "seq": "tuple(r)"}


@rules.rule(ir.Collect)
def _collect(node: ir.Collect, here: PythonBody) -> str:
    if node.kind in ("min", "max"):
        return _several(node, here) or _best(node, here)
    text = _loops(node, here)
    if node.kind in _CONTENTS:
        return here.wrapped(node.type, text)
    return text


def contents(node: ir.Collect, here: PythonBody) -> str:
    """What the container holds that a comprehension makes."""
    return _loops(node, here)


def _loops(node: ir.Collect, outer: PythonBody) -> str:
    kind = node.kind
    here, call = outer.apart(node)

    def element() -> None:
        text = here.expr(node.element)
        match kind:
            case "all":
                here.line(f"if not {text}: return False")
            case "any":
                here.line(f"if {text}: return True")
            case "sum":
                here.line(f"r += {text}")
            case "set":
                here.line(f"r.add({text})")
            case _:
                here.line(f"r.append({text})")

    if _BEGINS[kind]:
        here.line(f"r = {_BEGINS[kind]}")
    _run_through(node, here, element)
    given = f"{_map_of(node.type)}(r)" if kind == "map" else {**_GIVES, **_CONTENTS, "bag": "Bag(r)"}[kind]
    here.line(f"return {given}")
    outer.defined(here)
    return call


def _several(node: ir.Collect, here: PythonBody) -> str | None:
    """The least or greatest of a few that are written out."""
    match node:
        case ir.Collect(_, _, kind, ir.Local(_, IntType(), name), (clause,), None, None):
            if clause.names == (name,) and not clause.conditions and isinstance(clause.domain, ir.MakeSeq):
                return f"{kind}(({''.join(f'{here.expr(i)}, ' for i in clause.domain.items)}))"
    return None


def _best(node: ir.Collect, outer: PythonBody) -> str:
    here, call = outer.apart(node)
    less = "<" if node.kind == "min" else ">"

    def element() -> None:
        here.line(f"e = {here.expr(node.element)}")
        here.line(f"k = {here.expr(node.key) if node.key else 'e'}")
        here.line(f"if nothing or k {less} best:")
        here.line(" nothing, best, r = False, k, e")

    here.line("nothing = True")
    _run_through(node, here, element, in_order=node.key is not None)
    here.line("if nothing:")
    here.line(f" return {here.expr(node.default) if node.default is not None else 'odd()'}")
    here.line("return r")
    outer.defined(here)
    return call


def _run_through(
    node: ir.Collect, here: PythonBody, element: Callable[[], None], *, in_order: bool | None = None
) -> None:
    """Nested loops around what is done with the element; what an inner loop reads that an outer one fixes is looked up there."""
    if in_order is None:
        in_order = node.kind in ("seq", "map")
    begun = here.depth
    outside = dict(here.locals)
    inner = [node.element, *([node.key] if node.key else [])]
    for number, clause in enumerate(node.clauses):
        later = node.clauses[number + 1 :]
        if number == 0:
            here.look_up([*inner, *node.clauses], frozenset(here.locals) - _bound(node.clauses))
        runs = each(clause.domain, here, in_order=in_order)
        names = [here.library.fresh("x") for _ in clause.names]
        here.line(f"for {', '.join(names)} in {runs}:")
        here.depth += 1
        here.locals |= dict(zip(clause.names, names, strict=True))
        here.look_up([*clause.conditions, *later, *inner], frozenset(here.locals) - _bound(later))
        for condition in clause.conditions:
            here.line(f"if not {here.expr(condition)}: continue")
    element()
    here.depth = begun
    here.locals.clear()
    here.locals |= outside


def _bound(clauses: tuple[ir.Clause, ...]) -> frozenset[str]:
    return frozenset(name for clause in clauses for name in clause.names)
