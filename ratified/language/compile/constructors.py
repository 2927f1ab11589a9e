"""Constructors: records, numbered values of sorts, `Set(...)`, `Seq(...)`, `Bag(...)` and `Map(...)`.

Guarantees: a map is total by construction, or refused.
"""

from __future__ import annotations

import ast
import dataclasses
from enum import Enum
from typing import Annotated, Literal

from ratified.language import ir
from ratified.language.compile import partial
from ratified.language.compile.arguments import in_order_of, positional
from ratified.language.compile.context import Context, fitted
from ratified.language.compile.displays import collect, comprehended, elements, in_order, item_of, iterable
from ratified.language.compile.operators import numeric
from ratified.language.ir import Clause, Expr
from ratified.language.sorts import Sort
from ratified.language.types import (
    BagType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    element_type,
    fits,
    unbounded,
)
from ratified.language.values import Bag, is_type

ITEM = "item_"
"""The name of an element where the source gives it none."""


def make_record(c: Context, node: ast.Call, t: RecordType) -> Expr:
    """A record, from a call of its class."""
    fields = dataclasses.fields(t.record)
    defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
    made = in_order_of(c, node, str(t), list(t.fields.items()), defaults)
    at = c.span(node)
    within = [fitted(m, f, f"{t}.{name}", at) for m, (name, f) in zip(made, t.fields.items(), strict=True)]
    return ir.MakeRecord(at, t, tuple(within))


def numbered(c: Context, node: ast.Call, sort: type[Sort]) -> Expr:
    """A value of a sort, from a call of its class."""
    t = c.typed(sort, node)
    assert isinstance(t, SortType)
    if t.symmetric:
        c.fail(
            node,
            f"the values of {sort.__name__} are interchangeable and have no numbers",
            "use a parameter or a loop",
        )
    (index,) = positional(c, node, 1, 1)
    return ir.Numbered(c.span(node), t, numeric(c, index))


def collection(c: Context, node: ast.Call, kind: str, expected: Type | None) -> Expr:
    """`Set(...)`, `Seq(...)`, `Bag(...)`, and `set(...)`, `list(...)`."""
    span = c.span(node)
    arguments = positional(c, node, 0, 1)
    if isinstance(expected, OptionalType):
        expected = expected.item
    if not arguments:
        item, _ = elements(c, node, [], expected)
        make = {"set": ir.MakeSet(span, SetType(item), ()), "seq": ir.MakeSeq(span, SeqType(item), ())}
        return make.get(kind) or ir.Literal(span, BagType(item), Bag())
    match arguments[0]:
        case (
            ast.GeneratorExp(element, generators)
            | ast.SetComp(element, generators)
            | ast.ListComp(element, generators)
        ) if not (isinstance(arguments[0], ast.SetComp) and kind != "set"):
            return collect(c, node, kind, element, generators, expected)
    wanted = element_type(expected) if expected is not None else None
    if kind == "seq":
        in_order(c, [arguments[0]])
    inner = _domain_of(c, arguments[0], SetType(wanted) if wanted is not None else None)
    item = item_of(c, inner, arguments[0])
    if wanted is not None and fits(item, wanted):
        item = unbounded(wanted)
    if {"set": SetType, "seq": SeqType, "bag": BagType}[kind] is type(inner.type):
        return inner
    t = {"set": SetType, "seq": SeqType, "bag": BagType}[kind](unbounded(item))
    each = c.coerce(ir.Local(span, item_of(c, inner, arguments[0]), ITEM), item, arguments[0])
    return ir.Collect(span, t, kind, each, (Clause((ITEM,), inner, ()),))


def _domain_of(c: Context, node: ast.expr, expected: Type | None) -> Expr:
    """A container to be converted: like a loop's domain, with an expected type for displays."""
    if isinstance(node, ast.Tuple):
        return iterable(c, node)
    found = c.expr(node, expected)
    return partial.keys_of(found, c.span(node)) if partial.is_partial(found.type) else found


def make_partial_map(c: Context, node: ast.Call, expected: Type | None) -> Expr:
    """`PartialMap(...)`, of pairs in any way, or as a copy."""
    arguments = positional(c, node, 0, 1)
    if isinstance(expected, OptionalType):
        expected = expected.item
    wanted = expected if expected is not None and partial.is_partial(expected) else None
    if not arguments:
        if wanted is None:
            c.fail(
                node,
                "the type of this empty map is unknown",
                "annotate the name: own: PartialMap[K, V] = PartialMap()",
            )
        return partial.empty(c, node, wanted)
    span = c.span(node)
    match arguments[0]:
        case ast.DictComp(key, value, generators) | ast.GeneratorExp(ast.Tuple([key, value]), generators):
            item = partial.value_type(wanted) if wanted is not None else None

            def pair_of() -> tuple[MapType, ir.MakeTuple]:
                k, v = c.kept(key, wanted and wanted.key), c.kept(value, item)
                t = wanted or MapType(k.type, OptionalType(unbounded(v.type)), partial=True)
                return t, _pair(c, k, v, t, key, value)

            clauses, (t, pair) = comprehended(c, generators, pair_of)
            pairs = ir.Collect(span, SeqType(pair.type), "seq", pair, clauses)
            return partial.filled(c, node, partial.empty(c, node, t), pairs)
        case ast.Dict(keys, values) if None not in keys:
            present = [k for k in keys if k is not None]
            made_keys = [c.kept(k, wanted and wanted.key) for k in present]
            made_values = [c.kept(v, wanted and partial.value_type(wanted)) for v in values]
            if wanted is None and not present:
                return make_partial_map(c, ast.copy_location(ast.Call(node.func, [], []), node), expected)
            t = wanted or MapType(
                c.join(node, *(m.type for m in made_keys)),
                OptionalType(unbounded(c.join(node, *(m.type for m in made_values)))),
                partial=True,
            )
            whole = partial.empty(c, node, t)
            for k, v, key, value in zip(made_keys, made_values, present, values, strict=True):
                pair = _pair(c, k, v, t, key, value)
                held = ir.Widen(span, unbounded(t.value), pair.items[1])
                whole = ir.With(span, t, whole, pair.items[0], held)
            return whole
    found = c.expr(arguments[0], expected)
    if partial.is_partial(found.type):
        return found
    c.fail(
        arguments[0],
        "a PartialMap is made from keys and values",
        "write PartialMap({k: value for k in s}), or PartialMap({a: x, b: y})",
    )


def _pair(c: Context, k: Expr, v: Expr, t: MapType, key: ast.expr, value: ast.expr) -> ir.MakeTuple:
    """A key and a value of a type of partial maps."""
    a = c.coerce(k, unbounded(t.key), key)
    b = c.coerce(v, unbounded(partial.value_type(t)), value)
    return ir.MakeTuple(a.span, TupleType((a.type, b.type)), (a, b))


def map_from_keys(c: Context, node: ast.Call) -> Expr:
    """`Map.fromkeys(K, value)`."""
    keys, value = positional(c, node, 2, 2)
    named = type_named(c, keys)
    domain = iterable(c, keys) if named is None else ir.Universe(c.span(keys), SetType(named))
    if not _complete(domain):
        c.fail(keys, "a Map is total: its keys must range over a whole type", "write Map.fromkeys(K, value)")
    item = item_of(c, domain, keys)
    wanted = c.expected.item if isinstance(c.expected, OptionalType) else c.expected
    wanted = wanted if isinstance(wanted, MapType) and not wanted.partial else None
    span, t = c.span(node), MapType(item, unbounded(wanted.value)) if wanted else None
    made = c.value(value, t.value) if t else c.kept(value)
    t = t or MapType(item, unbounded(made.type))
    pair = ir.MakeTuple(span, TupleType((unbounded(item), t.value)), (ir.Local(span, item, ITEM), made))
    return ir.Collect(span, t, "map", pair, (Clause((ITEM,), domain, ()),))


def type_named(c: Context, node: ast.expr) -> Type | None:
    """The type that an expression names, where it is not the set of its values too: `bool`, `Literal["a"]`, `tuple[A, B]`."""
    match node:
        case ast.Subscript(head) if c.static(head) in (tuple, Annotated, Literal):
            return c.declared(node, node, "this type")
        case ast.Name() | ast.Attribute():
            value = c.static(node)
            if is_type(value) and not (isinstance(value, type) and issubclass(value, Sort | Enum)):
                return c.typed(value, node)
    return None


def make_map(c: Context, node: ast.Call, expected: Type | None) -> Expr:
    """`Map(...)`: total by construction, or refused."""
    span = c.span(node)
    (argument,) = positional(c, node, 1, 1)
    if isinstance(expected, OptionalType):
        expected = expected.item
    key_type = expected.key if isinstance(expected, MapType) else None
    value_type = expected.value if isinstance(expected, MapType) else None
    match argument:
        case ast.DictComp(key, value, generators):
            return _map_comprehension(c, node, key, value, generators, key_type, value_type)
        case ast.GeneratorExp(ast.Tuple([key, value]), generators):
            return _map_comprehension(c, node, key, value, generators, key_type, value_type)
        case ast.Dict(keys, values) if keys and None not in keys:
            present = [k for k in keys if k is not None]
            made_keys = [c.expr(k, key_type) for k in present]
            made_values = [c.kept(v, value_type) for v in values]
            k = unbounded(key_type or c.join(node, *(m.type for m in made_keys)))
            v = _value_type(c, node, made_values, value_type)
            pairs = tuple(
                (c.coerce(a, k, n), c.coerce(b, v, m))
                for a, b, n, m in zip(made_keys, made_values, present, values, strict=True)
            )
            return ir.MakeMap(span, MapType(key_type or k, v), pairs)
    found = c.expr(argument, expected)
    if isinstance(found.type, MapType):
        return found
    c.fail(argument, "a Map is made from keys and values", "write Map({k: value for k in K})")


def _value_type(c: Context, node: ast.expr, made: list[Expr], wanted: Type | None) -> Type:
    if wanted is not None and all(fits(m.type, wanted) for m in made):
        return unbounded(wanted)
    return unbounded(c.join(node, *(m.type for m in made)))


def _map_comprehension(
    c: Context,
    node: ast.expr,
    key: ast.expr,
    value: ast.expr,
    generators: list[ast.comprehension],
    key_type: Type | None,
    value_type: Type | None,
) -> Expr:
    def finish() -> tuple[Expr, Expr, Type]:
        made_key = c.expr(key, key_type)
        made = c.kept(value, value_type)
        t = _value_type(c, value, [made], value_type)
        return made_key, c.coerce(made, t, value), t

    clauses, (made_key, made, t) = comprehended(c, generators, finish)
    names = [
        p.name
        for p in (made_key.items if isinstance(made_key, ir.MakeTuple) else (made_key,))
        if isinstance(p, ir.Local)
    ]
    bound = [name for clause in clauses for name in clause.names]
    whole = all(not c.conditions and _complete(c.domain) for c in clauses)
    if not whole or not set(names) <= set(bound) or len(names) != len(set(names)) or not names:
        c.fail(
            key,
            "a Map is total: its keys must range over a whole type",
            "write {k: value for k in K}, with the condition inside the value, or use a PartialMap",
        )
    k = key_type or made_key.type
    pair = ir.MakeTuple(
        c.span(node), TupleType((unbounded(k), t)), (c.coerce(made_key, unbounded(k), key), made)
    )
    return ir.Collect(c.span(node), MapType(k, t), "map", pair, clauses)


def _complete(domain: Expr) -> bool:
    """Whether a domain runs through a whole key type (a range of ints is checked when the map is stored)."""
    if isinstance(domain, ir.Convert):
        return domain.what in ("keys", "items")
    return isinstance(domain, ir.Universe | ir.IntRange) or isinstance(domain.type, MapType)
