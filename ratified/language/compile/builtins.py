"""The functions that the language has: `all`, `max`, `len`, `sorted`, `majorities`, `replace` and the others."""

from __future__ import annotations

import ast
from collections.abc import Callable

from ratified.language import api, ir, records, sorts
from ratified.language.compile.arguments import keyword_argument, positional
from ratified.language.compile.constructors import ITEM
from ratified.language.compile.context import MISSING, Context, fitted
from ratified.language.compile.displays import collect, comprehended, elements, in_order, item_of, iterable
from ratified.language.compile.operators import numeric
from ratified.language.ir import Clause, Expr
from ratified.language.types import (
    BOOL,
    INT,
    BoolType,
    IntType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    comparable,
    element_type,
    unbounded,
)
from ratified.language.values import Bag, Seq, Set

Handler = Callable[[Context, ast.Call], Expr]


def _aggregate(c: Context, node: ast.Call, kind: str) -> Expr:
    """`all(...)`, `any(...)`, `sum(...)`."""
    (argument,) = positional(c, node, 1, 1)
    match argument:
        case ast.GeneratorExp(element, generators) | ast.ListComp(element, generators):
            return collect(c, node, kind, element, generators, None)
    span = c.span(node)
    domain = iterable(c, argument)
    item = item_of(c, domain, argument)
    wanted = (BoolType,) if kind != "sum" else (IntType, BoolType)
    if not isinstance(item, wanted):
        c.fail(argument, f"{kind} does not take {item} values", f"write {kind}(... for x in ...)")
    each: Expr = ir.Local(span, item, ITEM)
    if kind == "sum" and isinstance(item, BoolType):
        each = ir.Number(span, INT, each)
    return ir.Collect(span, INT if kind == "sum" else BOOL, kind, each, (Clause((ITEM,), domain, ()),))


def _extreme(c: Context, node: ast.Call, kind: str) -> Expr:
    """`min(...)` and `max(...)` of an iterable or of several arguments, with `key=lambda` and `default=`."""
    span = c.span(node)
    arguments = positional(c, node, 1, 99, ("key", "default"))
    key, default = keyword_argument(c, node, "key"), keyword_argument(c, node, "default")
    if key is not None:
        first = arguments[0]
        generators = first.generators if isinstance(first, ast.GeneratorExp | ast.ListComp) else []
        in_order(c, [g.iter for g in generators] or arguments[:1])

    def finish(element: Expr, source: ast.expr) -> tuple[Expr, Expr | None]:
        made_key = None if key is None else _key(c, key, element)
        ranked = element.type if made_key is None else made_key.type
        if not comparable(ranked):
            remedy = "give a key= of ints or ordered values"
            if isinstance(ranked, OptionalType):
                remedy = "leave out None first, with an `if`"
            c.fail(source, f"{kind} needs values with an order, and these are {ranked}", remedy)
        return element, made_key

    match arguments:
        case [
            ast.GeneratorExp(element, generators)
            | ast.ListComp(element, generators)
            | ast.SetComp(element, generators) as whole
        ] if not (isinstance(whole, ast.SetComp)):
            clauses, (made, made_key) = comprehended(c, generators, lambda: finish(c.expr(element), element))
        case [argument]:
            domain = iterable(c, argument)
            made, made_key = finish(ir.Local(span, item_of(c, domain, argument), ITEM), argument)
            clauses = (Clause((ITEM,), domain, ()),)
        case _:
            t, items = elements(c, node, arguments, None)
            made, made_key = finish(ir.Local(span, t, ITEM), node)
            clauses = (Clause((ITEM,), ir.MakeSeq(span, SeqType(t), items), ()),)
    t = unbounded(made.type)
    fallback: Expr | None = None
    if default is not None:
        fallback = c.expr(default, made.type)
        t = unbounded(c.join(node, made.type, fallback.type))
        fallback = c.coerce(fallback, t, default)
        made = c.coerce(made, t, node)
    return ir.Collect(span, t, kind, made, clauses, made_key, fallback)


def _key(c: Context, key: ast.expr, element: Expr) -> Expr:
    if (
        not isinstance(key, ast.Lambda)
        or len(key.args.args) != 1
        or key.args.posonlyargs
        or key.args.kwonlyargs
    ):
        c.fail(key, "key= must be a lambda with one parameter", "write key=lambda x: ...")
    with c.scoped() as env:
        env.aliases[key.args.args[0].arg] = element
        return c.expr(key.body)


def _len(c: Context, node: ast.Call) -> Expr:
    (argument,) = positional(c, node, 1, 1)
    operand = c.expr(argument)
    if element_type(operand.type) is None:
        c.fail(argument, f"{operand.type} has no length", "len is for sorts and containers")
    return ir.Length(c.span(node), INT, operand)


def _abs(c: Context, node: ast.Call) -> Expr:
    return ir.Absolute(c.span(node), INT, numeric(c, positional(c, node, 1, 1)[0]))


def _int(c: Context, node: ast.Call) -> Expr:
    (argument,) = positional(c, node, 1, 1)
    operand = c.expr(argument)
    match operand.type:
        case IntType():
            return operand
        case BoolType():
            return ir.Number(c.span(node), INT, operand)
        case SortType() if not operand.type.symmetric:
            return ir.Number(c.span(node), INT, operand)
    c.fail(
        argument,
        f"{operand.type} cannot be converted to int",
        "int(...) takes bools, ordered and plain sorts",
    )


def _range(c: Context, node: ast.Call) -> Expr:
    arguments = positional(c, node, 1, 2)
    span = c.span(node)
    low: Expr = ir.Literal(span, INT, 0) if len(arguments) == 1 else numeric(c, arguments[0])
    return ir.IntRange(span, SeqType(INT), low, numeric(c, arguments[-1]))


def _sequence_view(what: str) -> Handler:
    def view(c: Context, node: ast.Call) -> Expr:
        (argument,) = positional(c, node, 1, 1, ("reverse",) if what == "sorted" else ())
        operand = iterable(c, argument)
        item, name = item_of(c, operand, argument), what
        if what == "sorted":
            if not comparable(item):
                c.fail(
                    argument,
                    f"{item} values cannot be sorted",
                    "sorted takes ints, ordered sorts, and tuples of these",
                )
            match keyword_argument(c, node, "reverse"):
                case ast.Constant(bool(flag)):
                    name = "sorted-reversed" if flag else "sorted"
                case None:
                    pass
                case other:
                    c.fail(other, "reverse= must be the constant True or False", "write reverse=True")
        elif not isinstance(operand.type, SeqType):
            c.fail(
                argument,
                f"{what} needs a sequence, and this is {operand.type}",
                "only a Seq has an order: Seq(...) or sorted(...)",
            )
        if what == "enumerate":
            item = TupleType((INT, item))
        return ir.Convert(c.span(node), SeqType(item), name, operand)

    return view


def _zip(c: Context, node: ast.Call) -> Expr:
    first, second = positional(c, node, 2, 2, ("strict",))
    if (strict := keyword_argument(c, node, "strict")) is not None and not (
        isinstance(strict, ast.Constant) and strict.value is False
    ):
        c.fail(strict, "zip(strict=True) may fail", "compare the lengths first, and write strict=False")
    a, b = iterable(c, first), iterable(c, second)
    for made, source in ((a, first), (b, second)):
        if not isinstance(made.type, SeqType):
            c.fail(
                source,
                f"zip needs sequences, and this is {made.type}",
                "only a Seq has an order: Seq(...) or sorted(...)",
            )
    item = TupleType((item_of(c, a, first), item_of(c, b, second)))
    return ir.Zip(c.span(node), SeqType(item), a, b)


def _endpoint(*, last: bool) -> Handler:
    def make(c: Context, node: ast.Call) -> Expr:
        return ir.Endpoint(c.span(node), _sort(c, positional(c, node, 1, 1)[0], ordered=True), last)

    return make


def _sort(c: Context, node: ast.expr, *, ordered: bool = False) -> SortType:
    found = c.static(node)
    t = c.typed(found, node) if found is not MISSING else None
    if not isinstance(t, SortType) or (ordered and not t.ordered):
        c.fail(
            node,
            f"{ast.unparse(node)} is not {'an ordered' if ordered else 'a'} sort",
            "pass the class of a sort",
        )
    return t


def _subsets(c: Context, node: ast.Call) -> Expr:
    arguments = positional(c, node, 1, 2, ("size",))
    t = _sort(c, arguments[0])
    size = arguments[1] if len(arguments) == 2 else keyword_argument(c, node, "size")
    return ir.Subsets(c.span(node), SetType(SetType(t)), t, None if size is None else numeric(c, size))


def _majorities(c: Context, node: ast.Call) -> Expr:
    t = _sort(c, positional(c, node, 1, 1)[0])
    return ir.Subsets(c.span(node), SetType(SetType(t)), t, None, majorities=True)


def _replace(c: Context, node: ast.Call) -> Expr:
    if len(node.args) != 1:
        c.fail(
            node, "replace takes one record, and its new fields by name", "write replace(record, field=value)"
        )
    operand = c.expr(node.args[0])
    t = operand.type
    if not isinstance(t, RecordType):
        c.fail(
            node.args[0],
            f"replace needs a record, and this is {t}",
            "tell a union apart first; test an optional for None",
        )
    given = {k.arg: k.value for k in node.keywords if k.arg}
    for name, value in given.items():
        if name not in t.fields:
            c.fail(value, f"{t} has no field `{name}`", f"its fields: {', '.join(t.fields)}")
    made = [
        fitted(c.value(given[name], field), field, f"{t}.{name}", c.span(node))
        if name in given
        else ir.Field(operand.span, field, operand, name)
        for name, field in t.fields.items()
    ]
    return ir.MakeRecord(c.span(node), t, tuple(made))


def _isinstance(c: Context, node: ast.Call) -> Expr:
    positional(c, node, 2, 2)
    return c.test(node)[0]


CONTAINERS: dict[object, str] = {
    set: "set",
    frozenset: "set",
    Set: "set",
    list: "seq",
    Seq: "seq",
    Bag: "bag",
}
FUNCTIONS: dict[object, Handler] = {
    all: lambda c, node: _aggregate(c, node, "all"),
    any: lambda c, node: _aggregate(c, node, "any"),
    sum: lambda c, node: _aggregate(c, node, "sum"),
    min: lambda c, node: _extreme(c, node, "min"),
    max: lambda c, node: _extreme(c, node, "max"),
    len: _len,
    abs: _abs,
    int: _int,
    range: _range,
    isinstance: _isinstance,
    sorted: _sequence_view("sorted"),
    reversed: _sequence_view("reversed"),
    enumerate: _sequence_view("enumerate"),
    zip: _zip,
    sorts.first: _endpoint(last=False),
    sorts.last: _endpoint(last=True),
    api.majorities: _majorities,
    api.subsets: _subsets,
    records.replace: _replace,
}
