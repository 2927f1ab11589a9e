"""Statements, executed symbolically: each way through a body is a path, with what has to be true for it and what it changes.

Guarantees: where its demands are met, the paths of a body together are exactly what CPython does, for every size; where one is
not met, there is none. What cannot be said is refused with its place.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ratified.language import ir
from ratified.language.ir import Function, Node
from ratified.language.types import MapType, Type
from ratified.language.uses import core
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.containers import updated
from ratified.smt.first_order.context import Demand, Failing, LogicContext
from ratified.smt.first_order.defining import brief, is_long
from ratified.smt.first_order.loops import looped
from ratified.smt.first_order.ordering import few
from ratified.smt.first_order.running import PathState
from ratified.smt.first_order.shapes import Shape, either
from ratified.smt.first_order.theory import Theory
from ratified.smt.terms import FALSE, TRUE, conj, neg


def value_of(body: Sequence[Node], context: LogicContext) -> Shape:
    """The value that the body of a pure function returns."""
    demands: list[Demand] = []
    path = PathState(
        context.logic,
        [],
        dict(context.env),
        dict(context.now),
        demands,
        known=tuple(context.known),
        old=dict(context.old),
        deaf=context.deaf,
    )
    ways = [p for p in block(body, [path]) if FALSE not in p.tests]
    for demand in dict.fromkeys(demands):
        context.hear(demand)
    found: Shape | None = None
    for way in reversed(ways):
        assert way.value is not None, body
        found = way.value if found is None else either(conj(*way.tests), way.value, found)
    assert found is not None
    return found


def block(body: Sequence[Node], paths: list[PathState]) -> list[PathState]:
    """The paths through statements, on from some paths."""
    for statement in body:
        following: list[PathState] = []
        for path in paths:
            following += [path] if path.ended else _statement(statement, path)
        paths = following
    return paths


def _statement(node: Node, path: PathState) -> list[PathState]:
    context = path.context()
    match node:
        case ir.Let(_, (name,), value) if path.tried and (copied := _copied(value, path)) is not None:
            path.env[name] = copied
        case ir.Let(_, names, value):
            try:
                path.env = dict(context.bound(names, context.expr(value)).env)
            except sh.Dependent:
                if not path.tried:
                    raise
                path.env.update(dict.fromkeys(names, sh.Lost()))
        case ir.Store(variable=variable):
            try:
                _store(node, path, context)
            except sh.Dependent:
                if not path.tried:
                    raise
                path.state[variable] = sh.Lost()
        case ir.Require(_, test):
            for each in test.operands if isinstance(test, ir.And) else (test,):
                if not path.tried:
                    path.guard.append(context.formula(each))
        case ir.Assert(span, test):
            if not path.tried:
                context.demand(Failing.ERROR, context.formula(test), "an assertion that is false", span)
        case ir.If(_, test, then, orelse):
            holds = context.formula(test)
            found = [] if holds == FALSE else block(then, [path.fork(holds)])
            return found + ([] if holds == TRUE else block(orelse, [path.fork(neg(holds))]))
        case ir.Return(_, value_):
            path.value = None if value_ is None else context.expr(value_)
            path.ended = True
        case ir.Do(_, function, arguments):
            given = [context.expr(a) for a in arguments]
            return called(context.logic.module.functions[function], given, path)
        case ir.For():
            return looped(node, path, block)
        case _:
            raise AssertionError(node)
    return [] if FALSE in path.guard else [path]


def _copied(value: ir.Expr, path: PathState) -> Shape | None:
    """What a turn of a loop finds at a name or variable that it does not know; None if this is no such expression."""
    found: Shape | None = None
    match core(value):
        case ir.Local(name=name):
            found = path.env[name]
        case ir.Variable(name=name, which=ir.Which.NOW):
            found = path.state[name]
        case ir.IfElse(_, _, test, then, orelse):
            sides = [_copied(side, path) for side in (then, orelse)]
            if any(side is not None for side in sides):
                context = path.context()
                a, b = (s or context.expr(e) for s, e in zip(sides, (then, orelse), strict=True))
                found = either(context.formula(test), a, b)
    return found if isinstance(found, sh.Kept | sh.Changed | sh.Lost) else None


def called(function: Function, arguments: Sequence[Shape], path: PathState) -> list[PathState]:
    """The paths through a procedure that is called."""
    env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
    found = block(function.body, [replace(path, env=env)])
    return [replace(p, env=dict(path.env), ended=False, value=None) for p in found]


def _store(node: ir.Store, path: PathState, context: LogicContext) -> None:
    if node.which is not ir.Which.NOW:
        raise sh.refuse(node.span, "this", "change variables of the model itself")
    name = node.variable
    if path.tried and not node.path and (copied := _copied(node.value, path)) is not None:
        path.state[name] = copied
        return
    value = context.expr(node.value)
    if not node.path:
        _total(node, value, context)
        value = value if path.tried else _brief(value, context.theory)
        path.state[name], path.unset = value, path.unset - {name}
        return
    if name in path.unset:
        context.demand(Failing.ERROR, FALSE, f"reading `{name}` before it has a value", node.span)
    keys = [context.expr(k) for k in node.path]
    found = updated(path.state[name], keys, value, context, node.span)
    path.state[name] = found if path.tried else _brief(found, context.theory)


def _brief(shape: Shape, theory: Theory) -> Shape:
    """What is stored in a place for each of few values, with names for what takes long to say: later stores may say it again."""
    match shape:
        case sh.FunctionShape(type=t, at=at) if few(t.key) is not None:
            return replace(shape, at=functools.cache(lambda key: _brief(at(key), theory)))
        case sh.Members(item, has, count=None) if (values := few(item)) is not None:

            @functools.cache
            def said() -> sh.Members:
                """Looked at where it is asked for, for a loop may still have to work it out."""
                if not any(is_long(has(v)) for v in values):
                    return shape
                return theory.shapes.members(item, lambda v, columns: brief(has(v.build(columns)), theory))

            return replace(
                shape,
                has=lambda x: said().has(x),
                every=lambda f: said().every(f),
                some=lambda f: said().some(f),
            )
        case sh.Atom(term) if is_long(term):
            return sh.Atom(brief(term, theory))
    return shape


def _total(node: ir.Store, value: Shape, context: LogicContext) -> None:
    """A map that is stored has a value for every key of its type, at every depth."""
    declared = next(d.type for d in context.logic.module.variables if d.name == node.variable)

    def total(t: Type, shape: Shape, here: LogicContext) -> None:
        if not (isinstance(t, MapType) and isinstance(shape, sh.FunctionShape)):
            return
        if not (shape.total and shape.type.key == t.key):
            every_key = context.shapes.universe(t.key)
            same = conj(every_key.every(shape.keys.has), shape.keys.every(every_key.has))
            here.demand(Failing.ERROR, same, "a map that lacks a key", node.span)
        if isinstance(t.value, MapType):
            here.each(shape.keys, partial(inner, t.value, shape))

    def inner(t: Type, shape: sh.FunctionShape, each: LogicContext, key: Shape) -> None:
        total(t, shape.at(key), each)

    total(declared, value, context)


__all__ = ["block", "called", "value_of"]
