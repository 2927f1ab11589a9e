"""Partial maps, which have the habits of a dict and are held as total maps to `V | None`: what their words come to.

Guarantees: no engine needs to know of them; what a dict has no answer for has none here.
"""

from __future__ import annotations

import ast
from typing import TypeGuard

from ratified.language import ir
from ratified.language.compile.context import Context, NarrowedTypes
from ratified.language.errors import Span
from ratified.language.ir import Argument, Clause, Expr, Function, Kind, Node
from ratified.language.rules import Rules
from ratified.language.types import (
    BOOL,
    INT,
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
    unbounded,
)

_HELD, _KEY = "held_", "key_"


def is_partial(t: Type) -> TypeGuard[MapType]:
    """Whether a type is one of partial maps."""
    return isinstance(t, MapType) and t.partial


def value_type(t: MapType) -> Type:
    """What a partial map has where it has a key."""
    assert isinstance(t.value, OptionalType)
    return t.value.item


def is_there(span: Span, container: Expr, key: Expr) -> Expr:
    """Whether a partial map has a key."""
    return ir.Not(span, BOOL, ir.IsNone(span, BOOL, found(span, container, key)))


def found(span: Span, container: Expr, key: Expr) -> Expr:
    """What a partial map has at a key, None if nothing: it may be no key of the type."""
    assert is_partial(container.type)
    value = ir.At(span, container.type.value, container, key)
    if not any(isinstance(p, IntType) for p in parts(container.type.key)):
        return value
    nothing = ir.Widen(span, unbounded(value.type), ir.Literal(span, NONE, None))
    return ir.IfElse(span, unbounded(value.type), ir.In(span, BOOL, key, container), value, nothing)


def fact_of(c: Context, container: ast.expr, key: ast.expr, t: MapType) -> NarrowedTypes:
    """What is known of `m[k]` where m has k."""
    place = ast.copy_location(ast.Subscript(container, key, ast.Load()), container)
    name = c.fact_key(place)
    return {name: unbounded(value_type(t))} if name else {}


def read(c: Context, node: ast.Subscript, container: Expr, key: Expr) -> Expr:
    """`m[k]`: an error in the model where there is none, unless it is known that there is one."""
    assert is_partial(container.type)
    span, t = c.span(node), unbounded(value_type(container.type))
    at = ir.At(span, container.type.value, container, key)
    if c.fact_key(node) in c.env.facts:
        return ir.Narrow(span, t, at)
    one = ir.MakeSeq(span, SeqType(at.type), (at,))
    held = ir.Local(span, at.type, _HELD)
    there = ir.Not(span, BOOL, ir.IsNone(span, BOOL, held))
    first = ir.Literal(span, INT, 0)
    return ir.Collect(span, t, "min", ir.Narrow(span, t, held), (Clause((_HELD,), one, (there,)),), first)


def keys_of(m: Expr, span: Span) -> Expr:
    """The keys that a partial map has, as a set."""
    assert is_partial(m.type)
    key = ir.Local(span, m.type.key, _KEY)
    return ir.Collect(span, SetType(unbounded(m.type.key)), "set", key, _present(m, span))


def _present(m: Expr, span: Span) -> tuple[Clause, ...]:
    assert is_partial(m.type)
    pair = SeqType(TupleType((m.type.key, m.type.value)))
    there = ir.Not(span, BOOL, ir.IsNone(span, BOOL, ir.Local(span, m.type.value, _HELD)))
    return (Clause((_KEY, _HELD), ir.Convert(span, pair, "items", m), (there,)),)


def values_of(m: Expr, span: Span, *, keys: bool) -> Expr:
    """The values that a partial map has, with their keys if so, as a sequence."""
    assert is_partial(m.type)
    t = value_type(m.type)
    made: Expr = ir.Narrow(span, t, ir.Local(span, m.type.value, _HELD))
    if keys:
        made = ir.MakeTuple(span, TupleType((m.type.key, t)), (ir.Local(span, m.type.key, _KEY), made))
    return ir.Collect(span, SeqType(made.type), "seq", made, _present(m, span))


_KEYS: Rules[Span, Expr | None] = Rules("all keys of a type")


@_KEYS.rule(SortType, EnumType)
def _(t: SortType | EnumType, span: Span) -> Expr:
    return ir.Universe(span, SetType(t))


@_KEYS.rule(BoolType)
def _(t: BoolType, span: Span) -> Expr:
    return ir.MakeSeq(span, SeqType(BOOL), (ir.Literal(span, BOOL, False), ir.Literal(span, BOOL, True)))


@_KEYS.rule(IntType)
def _(t: IntType, span: Span) -> Expr | None:
    if not isinstance(t.low, int) or not isinstance(t.high, int):
        return None
    return ir.IntRange(span, SeqType(INT), ir.Literal(span, INT, t.low), ir.Literal(span, INT, t.high + 1))


@_KEYS.rule(NoneType, RecordType, UnionType, OptionalType, TupleType, MapType, SetType, BagType, SeqType)
def _(t: Type, span: Span) -> None:
    return None


def empty(c: Context, node: ast.AST, t: MapType) -> Expr:
    """A partial map without keys."""
    span = c.span(node)
    names: list[str] = []
    clauses: list[Clause] = []

    def run_through(part: Type) -> Expr:
        name = f"{_KEY}{len(names)}"
        if isinstance(part, TupleType):
            return ir.MakeTuple(span, part, tuple(map(run_through, part.items)))
        domain = _KEYS(part, span)
        if domain is None:
            c.fail(
                node,
                f"a PartialMap of {part} keys cannot be made here",
                "copy a variable and change that: own = PartialMap(self.m), own[k] = v",
            )
        names.append(name)
        clauses.append(Clause((name,), domain, ()))
        return ir.Local(span, part, name)

    key = run_through(t.key)
    nothing = ir.Widen(span, unbounded(t.value), ir.Literal(span, NONE, None))
    pair = ir.MakeTuple(span, TupleType((key.type, nothing.type)), (key, nothing))
    return ir.Collect(span, t, "map", pair, tuple(clauses))


def filled(c: Context, node: ast.AST, base: Expr, pairs: Expr) -> Expr:
    """A map, partial or not, with the values of a sequence of pairs at their keys: later ones win."""
    span, t = c.span(node), base.type
    assert isinstance(t, MapType)
    item = unbounded(value_type(t) if t.partial else t.value)
    row = SeqType(TupleType((unbounded(t.key), item)))
    key, value = ir.Local(span, unbounded(t.key), "key"), ir.Local(span, item, "value")
    given, whole = ir.Local(span, row, "pairs"), ir.Local(span, t, "whole")
    held = ir.Widen(span, unbounded(t.value), value) if t.partial else value
    body: tuple[Node, ...] = (
        ir.For(
            span, ("key", "value"), given, (ir.Let(span, ("whole",), ir.With(span, t, whole, key, held)),)
        ),
        ir.Return(span, whole),
    )
    written = "".join(ch if ch.isalnum() else "_" for ch in str(t)).strip("_")
    arguments = (Argument("whole", t), Argument("pairs", row))
    name = f"filled_{written}"
    made = c.module.made(Function(f"ratified.{name}", name, Kind.HELPER, arguments, t, body, span, ""))
    return ir.Call(span, t, made, (base, pairs), ir.Which.NOW)
