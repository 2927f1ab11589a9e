"""Calls: of functions that the language has, of methods of values, and of the model's own helpers and functions.

Guarantees: a function that is not known here or defined by the model is refused by name.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum
from types import FunctionType
from typing import NoReturn

from ratified.language import api, ir
from ratified.language.compile import partial
from ratified.language.compile.arguments import in_order_of, positional
from ratified.language.compile.builtins import CONTAINERS, FUNCTIONS, replaced
from ratified.language.compile.constructors import (
    collection,
    make_map,
    make_partial_map,
    make_record,
    numbered,
)
from ratified.language.compile.context import MISSING, Context
from ratified.language.compile.copies import MUTATORS
from ratified.language.compile.idioms import INSTEAD, OF_COLLECTIONS
from ratified.language.compile.operators import numeric, same
from ratified.language.compile.plain import check_asked
from ratified.language.compile.wording import has_ints, member_of
from ratified.language.errors import Span
from ratified.language.fields import REPLACED
from ratified.language.ir import Expr, Which
from ratified.language.partial import PartialMap
from ratified.language.rules import Rules
from ratified.language.sorts import Sort
from ratified.language.types import (
    BOOL,
    INT,
    BagType,
    EnumType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    element_type,
    records_of,
    unbounded,
)
from ratified.language.types.texts import Text
from ratified.language.values import Map

rules: Rules[Context, Expr] = Rules("calls")


@rules.rule(ast.Call)
def _call(node: ast.Call, c: Context) -> Expr:
    """A call, by what is called."""
    for keyword in node.keywords:
        if keyword.arg is None:
            c.fail(keyword.value, "** is not part of the modelling language", "write the arguments out")
    function = c.static(node.func)
    if function is not MISSING:
        return _static_call(c, node, function)
    match node.func:
        case ast.Attribute(ast.Name(name), method) if name in c.receivers:
            return _helper(c, node, c.receivers[name], method)
        case ast.Attribute(ast.Call(ast.Name("super"), []), method):
            return _pure_call(c, node, c.module.super_function(c, node, method), Which.NOW)
        case ast.Attribute(value, method):
            return _method(c, node, value, method)
        case ast.Name(name):
            remedy = _ELSEWHERE.get(name, "define or import it above the model")
            c.fail(node.func, f"unknown name `{name}`", remedy)
    c.fail(node.func, "only named functions and methods can be called", "give the function a name")


_ELSEWHERE = {
    **dict.fromkeys(
        ("oneOf", "pick"),
        "a choice is a parameter of the action: def act(self, x: T), and require(x in self.s)",
    ),
    **dict.fromkeys(("Cardinality", "Len", "size"), "write len(s)"),
    **dict.fromkeys(
        ("fold", "foldl", "reduce"), "write sum(...), max(...), or a `for` loop with a local name"
    ),
    **dict.fromkeys(("powerset", "SUBSET"), "write subsets(s)"),
    **dict.fromkeys(("flatten", "UNION"), "write Set(x for s in sets for x in s)"),
    **dict.fromkeys(("CHOOSE", "chooseSome"), "write choose(s, where=lambda x: ...)"),
    **dict.fromkeys(("forall", "ForAll", "Forall"), "write all(... for x in s)"),
    **dict.fromkeys(("exists", "Exists", "some"), "write any(... for x in s)"),
    **dict.fromkeys(("setOfMaps", "Maps"), "write maps(K, V), or a parameter f: Map[K, V] of init"),
    **dict.fromkeys(("Head", "head"), "write s[0]"),
    **dict.fromkeys(("Tail", "tail"), "write s[1:]"),
    **dict.fromkeys(("Append", "append"), "write s + [x], or self.s.append(x)"),
    "SubSeq": "write s[i:j]; positions count from 0",
    "DOMAIN": "write m.keys() of a map, range(len(s)) of a sequence",
    **{
        name: f"import it above the model: from itertools import {name}"
        for name in ("product", "chain", "pairwise")
    },
    "tuples": "write Set((a, b) for a in A for b in B)",
    "ENABLED": "write enabled(self.act, ...)",
    "UNCHANGED": "leave it out: a variable that is not assigned keeps its value",
}
"""What functions of other languages are here."""

_OF_SETS = {
    "union": "write a | b; of a set of sets, Set(x for s in sets for x in s)",
    "intersection": "write a & b",
    "difference": "write a - b",
    "symmetric_difference": "write a ^ b",
    "issubset": "write a <= b",
    "issuperset": "write a >= b",
}
"""What methods of Python's sets are here."""


def _static_call(c: Context, node: ast.Call, function: object) -> Expr:
    if not isinstance(function, Hashable):
        c.fail(
            node.func,
            f"`{ast.unparse(node.func)}` is a value, and cannot be called",
            "call a function or method",
        )
    if isinstance(function, type):
        if "__record_types__" in vars(function):
            return make_record(c, node, RecordType(function))
        if issubclass(function, Sort):
            return numbered(c, node, function)
        if (
            issubclass(function, Enum)
            and isinstance(t := c.typed(function, node.func), EnumType)
            and has_ints(t)
        ):
            (number,) = positional(c, node, 1, 1)
            given = numeric(c, number)
            return ir.Call(c.span(node), t, c.module.made(member_of(t, c.span(node))), (given,), Which.NOW)
    if function in CONTAINERS:
        return collection(c, node, CONTAINERS[function], c.expected)
    if function is Map:
        return make_map(c, node, c.expected)
    if function is PartialMap:
        return make_partial_map(c, node, c.expected)
    if function in FUNCTIONS:
        return FUNCTIONS[function](c, node)
    if function is api.require:
        c.fail(node, "require is a statement, not a value", "put it on a line of its own")
    if isinstance(function, FunctionType) and _is_method_of_a_model(node, c):
        c.fail(
            node.func, "a method of another class cannot be called by its name", "write super().method(...)"
        )
    if isinstance(function, FunctionType) and function.__module__ != "builtins":
        return _pure_call(c, node, c.module.plain_function(c, node, function), Which.NOW)
    name = ast.unparse(node.func)
    remedy = INSTEAD.get(function) or OF_COLLECTIONS.get(name.rpartition(".")[2])
    if isinstance(function, type) and issubclass(function, Enum):
        remedy = f"name the member: {name}.{next(iter(function)).name}; one that is computed, by `match` in a helper"
    elif name.startswith("random."):
        remedy = _ELSEWHERE["pick"]
    elif name.startswith("time."):
        remedy = "let a variable be the time, and an action let it pass"
    elif hasattr(function, "cache_info"):
        remedy = "leave out the cache, which would keep the answers of another size"
    remedy = remedy or "write it as a helper method or typed function"
    c.fail(node.func, f"`{name}` is not part of the modelling language", remedy)


def _is_method_of_a_model(node: ast.Call, c: Context) -> bool:
    """Whether a call is `Base.method(self, ...)`."""
    return bool(node.args) and isinstance(node.args[0], ast.Name) and node.args[0].id in c.receivers


@dataclass(frozen=True, slots=True)
class _Called:
    """A method called: of which value, and as what it is written."""

    c: Context
    node: ast.Call
    value: ast.expr
    operand: Expr

    @property
    def span(self) -> Span:
        """Where it is written."""
        return self.c.span(self.node)

    @property
    def item(self) -> Type:
        """The type of the elements that it has."""
        found = element_type(self.operand.type)
        assert found is not None
        return found

    def one(self, t: Type) -> Expr:
        """The only argument, which is of a type."""
        return self.c.value(positional(self.c, self.node, 1, 1)[0], t)

    def converted(self, t: Type, what: str) -> Expr:
        """The same elements in another container. There are no arguments."""
        positional(self.c, self.node, 0, 0)
        return ir.Convert(self.span, t, what, self.operand)


_CallHandler = Callable[[_Called], Expr | None]
_METHODS: dict[tuple[type[Type], str], _CallHandler] = {}
"""What methods of values that are not records mean; None where it is no method of this very type."""


def _of(method: str, *kinds: type[Type]) -> Callable[[_CallHandler], _CallHandler]:
    def enter(handler: _CallHandler) -> _CallHandler:
        _METHODS.update({(kind, method): handler for kind in kinds})
        return handler

    return enter


@_of("isdisjoint", SetType)
def _(of: _Called) -> Expr:
    (other,) = positional(of.c, of.node, 1, 1)
    check_asked(of.c, of.value, of.operand.type)
    a, b, _ = same(of.c, of.node, of.operand, of.c.expr(other, of.operand.type), of.value, other)
    return ir.Disjoint(of.span, BOOL, a, b)


@_of("count", BagType, SeqType)
def _(of: _Called) -> Expr:
    return ir.Count(of.span, INT, of.operand, of.one(of.item))


@_of("distinct", BagType)
def _(of: _Called) -> Expr:
    return of.converted(SetType(of.item), "distinct")


@_of("index", SeqType)
def _(of: _Called) -> Expr:
    return ir.IndexOf(of.span, INT, of.operand, of.one(of.item))


@_of("get", MapType)
def _(of: _Called) -> Expr:
    assert isinstance(of.operand.type, MapType)
    return _get(of.c, of.node, of.operand, of.operand.type)


@_of("keys", MapType)
def _(of: _Called) -> Expr:
    if not partial.is_partial(of.operand.type):
        return of.converted(SetType(of.item), "keys")
    positional(of.c, of.node, 0, 0)
    return partial.keys_of(of.operand, of.span)


@_of("values", MapType)
def _(of: _Called) -> Expr:
    t = of.operand.type
    assert isinstance(t, MapType)
    if not partial.is_partial(t):
        return of.converted(SeqType(t.value), "values")
    positional(of.c, of.node, 0, 0)
    return partial.values_of(of.operand, of.span, keys=False)


@_of("items", MapType)
def _(of: _Called) -> Expr:
    t = of.operand.type
    assert isinstance(t, MapType)
    if not partial.is_partial(t):
        return of.converted(SeqType(TupleType((t.key, t.value))), "items")
    positional(of.c, of.node, 0, 0)
    return partial.values_of(of.operand, of.span, keys=True)


@_of("is_last", SortType)
def _(of: _Called) -> Expr | None:
    t = of.operand.type
    assert isinstance(t, SortType)
    if not t.ordered:
        return None
    positional(of.c, of.node, 0, 0)
    return ir.IsLast(of.span, BOOL, of.operand)


def _method(c: Context, node: ast.Call, value: ast.expr, method: str) -> Expr:
    if method in _OF_SETS:
        c.fail(node, f".{method}() is not part of the modelling language", _OF_SETS[method])
    operand = c.expr(value)
    if method == REPLACED:
        if not isinstance(operand.type, RecordType):
            remedy = "require that it is not None first; tell a union apart first"
            c.fail(value, f"a field of {operand.type} cannot be assigned", remedy)
        return replaced(c, node, operand, value)
    known = _METHODS.get((type(operand.type), method))
    made = known(_Called(c, node, value, operand)) if known else None
    if made is not None:
        return made
    if isinstance(operand.type, OptionalType):
        c.fail(
            value,
            f"this may be None, and None has no `{method}`",
            "test it for None first (give it a local name)",
        )
    if (function := _defined_in(operand.type, method)) is not None:
        called = c.module.plain_function(c, node, function, operand.type)
        return _pure_call(c, node, called, Which.NOW, operand)
    if len(records_of(operand.type)) > 1:
        c.fail(
            value,
            f"this is one of several records: {operand.type}",
            "tell them apart first with isinstance or match",
        )
    if method == "pop" and element_type(operand.type) is not None:
        _refuse_pop(c, node, value, operand.type)
    if method in MUTATORS:
        remedy = f"write {ast.unparse(node)} on a line of its own"
        c.fail(node, f".{method}() changes a value in place, and returns nothing", remedy)
    c.fail(node, f"{operand.type} has no method `{method}`", "see docs/language.md for what it has")


def _defined_in(t: Type, method: str) -> FunctionType | None:
    """The method that the author has written in the class of a record or of an Enum."""
    owner = t.record if isinstance(t, RecordType) else t.enum if isinstance(t, EnumType) else None
    function = vars(owner).get(method) if owner is not None and not issubclass(owner, Text) else None
    return function if isinstance(function, FunctionType) else None


def _refuse_pop(c: Context, node: ast.Call, value: ast.expr, of: Type) -> NoReturn:
    written = ast.unparse(value)
    remedy = f"give what it takes away a name, on a line of its own: x = {ast.unparse(node)}"
    if isinstance(of, SetType):
        remedy = (
            f"choose it first: x = choose({written}), and then, on a line of its own, {written}.remove(x)"
        )
    elif node.keywords or (isinstance(of, MapType) and not node.args):
        remedy = f"write x = {written}.pop(k), or pop(k, None)"
    c.fail(node, ".pop() changes a value in place", remedy)


def _get(c: Context, node: ast.Call, operand: Expr, of: MapType) -> Expr:
    """`m.get(k)`, `m.get(k, default)` of a map whose values may be None."""
    if not isinstance(of.value, OptionalType):
        c.fail(node, f"every key has a value, a {of.value}", "write m[k]")
    at, *rest = positional(c, node, 1, 2)
    span, t = c.span(node), unbounded(of.value.item)
    key = c.value(at, of.key)
    found = partial.found(span, operand, key) if of.partial else ir.At(span, of.value, operand, key)
    if not rest:
        return found
    otherwise = c.value(rest[0], t)
    return ir.IfElse(span, t, ir.IsNone(span, BOOL, found), otherwise, ir.Narrow(span, t, found))


def _helper(c: Context, node: ast.Call, which: Which, method: str) -> Expr:
    if which is Which.ABSTRACT:
        c.fail(
            node,
            "the abstract model's methods cannot be called here",
            "compute from the variables of self",
        )
    return _pure_call(c, node, c.module.method(c, node, method), which)


def _pure_call(c: Context, node: ast.Call, key: str, which: Which, receiver: Expr | None = None) -> Expr:
    signature = c.module.signatures[key]
    if signature.returns is None:
        c.fail(node, f"`{signature.name}` returns nothing", "call it on a line of its own")
    parameters = signature.parameters[1 if receiver else 0 :]
    made = in_order_of(c, node, signature.name, parameters, signature.defaults, named=signature.named)
    everything = (receiver, *made) if receiver else tuple(made)
    return ir.Call(c.span(node), signature.returns, key, everything, which)
