"""Places, which are variables at a path of keys, and what changes the value there.

Guarantees: only `self` is changed, and only where the function may; every store within declared bounds is checked to be so.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from ratified.language import ir
from ratified.language.compile import partial
from ratified.language.compile.arguments import positional
from ratified.language.compile.constructors import collection
from ratified.language.compile.context import Context, fitted
from ratified.language.compile.copies import check_made_here
from ratified.language.compile.operators import numeric
from ratified.language.errors import Span
from ratified.language.ir import Expr, Node, Which
from ratified.language.types import (
    INT,
    NONE,
    BagType,
    IntType,
    MapType,
    OptionalType,
    SeqType,
    SetType,
    Type,
    element_type,
    parts,
    unbounded,
)
from ratified.language.values import Bag


def is_place(c: Context, node: ast.expr) -> bool:
    """Whether an expression names a place that may be assigned: `self.x`, `self.x[k]`."""
    match node:
        case ast.Attribute(ast.Name(name), _):
            return name in c.receivers and c.receivers[name] is not Which.OLD
        case ast.Subscript(value, _):
            return is_place(c, value)
    return False


def read_place(c: Context, node: ast.expr) -> tuple[Expr, tuple[Expr, ...]]:
    """What stands at a place now, with its full declared type, and the path of keys that leads there."""
    match node:
        case ast.Attribute(ast.Name(name), variable):
            which = c.receivers[name]
            module = c.module.abstract_of(c) if which is Which.ABSTRACT else c.module
            declared = module.variables.get(variable)
            if declared is None:
                if variable in module.parameters:
                    c.fail(
                        node,
                        f"`{variable}` is a parameter, and constant",
                        "make it a variable if it changes",
                    )
                known = ", ".join(module.variables) or "none yet"
                c.fail(node, f"the model has no variable `{variable}`", f"its variables: {known}")
            return ir.Variable(c.span(node), declared.type, variable, which), ()
        case ast.Subscript(value, index):
            base, path = read_place(c, value)
            match base.type:
                case MapType(key, item):
                    made = c.value(index, key)
                case SeqType(item) if not isinstance(index, ast.Slice):
                    made = numeric(c, index)
                case _:
                    c.fail(
                        node,
                        f"an element of {base.type} cannot be changed in place",
                        "assign a whole new value",
                    )
            _refuse_inside_a_seq(c, node, base)
            return ir.At(c.span(node), item, base, made), (*path, made)
    raise AssertionError(ast.dump(node))


def _refuse_inside_a_seq(c: Context, node: ast.AST, changed: Expr) -> None:
    """Refuse to change what stands in an element of a Seq: an element has no place, and the change would go unseen."""
    while isinstance(changed, ir.At):
        if isinstance(changed.container.type, SeqType):
            c.fail(
                node,
                "what is inside an element of a Seq cannot be changed in place",
                "assign a whole new element",
            )
        changed = changed.container


def store_at(c: Context, node: ast.AST, target: ast.expr, value: Expr) -> Node:
    """The store of a value at a place."""
    place, path = read_place(c, target)
    variable = place
    while isinstance(variable, ir.At):
        variable = variable.container
    assert isinstance(variable, ir.Variable)
    if c.pure and variable.which is not Which.ABSTRACT:
        what = "a function with a value" if c.kind is ir.Kind.HELPER else f"this {c.kind.value}"
        c.fail(
            target,
            f"{what} may not change variables",
            "change them in an action, or in a helper that returns None",
        )
    if variable.which is Which.ABSTRACT and path:
        c.fail(
            target,
            "variables of the abstract model must be assigned as a whole",
            "build it with Map({...})",
        )
    c.forget_variable(variable.name)
    # Where CPython is when a bound is left: at the call that changes the place, or else at the place assigned to.
    at = c.span(node if isinstance(node, ast.Call) else target)
    stored = fitted(value, place.type, variable.name, at)
    return ir.Store(c.span(node), variable.name, path, stored, variable.which)


@dataclass(frozen=True, slots=True)
class _Update:
    """A call that changes a container in place, and what the container is now."""

    c: Context
    call: ast.Call
    now: Expr

    @property
    def span(self) -> Span:
        """Where it is written."""
        return self.c.span(self.call)

    @property
    def changed(self) -> Type:
        """The type of the changed container, which may be within its bounds no longer."""
        return unbounded(self.now.type)

    def item(self) -> Expr:
        """The only argument, as an element."""
        t = element_type(self.now.type)
        assert t is not None
        return self.c.value(positional(self.c, self.call, 1, 1)[0], t)

    def others(self, kind: str) -> Expr:
        """The only argument, as a container of this kind."""
        made = collection(self.c, self.call, kind, self.now.type)
        return self.c.coerce(made, self.changed, self.call)


_Updating = Callable[[_Update], Expr | None]
_UPDATES: dict[tuple[type[Type], str], _Updating] = {}
"""The changed container; None where it has no such update after all."""


def _of(method: str, *kinds: type[Type]) -> Callable[[_Updating], _Updating]:
    def enter(update: _Updating) -> _Updating:
        _UPDATES.update({(kind, method): update for kind in kinds})
        return update

    return enter


@_of("add", SetType, BagType)
@_of("append", SeqType)
def _(of: _Update) -> Expr:
    return ir.Insert(of.span, of.changed, of.now, of.item())


@_of("discard", SetType, BagType)
def _(of: _Update) -> Expr:
    return ir.Remove(of.span, of.changed, of.now, of.item(), False)


@_of("remove", SetType, BagType)
def _(of: _Update) -> Expr:
    return ir.Remove(of.span, of.changed, of.now, of.item(), True)


@_of("update", SetType)
def _(of: _Update) -> Expr:
    return ir.SetOp(of.span, of.changed, "|", of.now, of.others("set"))


@_of("extend", SeqType)
def _(of: _Update) -> Expr:
    return ir.Concat(of.span, of.changed, of.now, of.others("seq"))


@_of("insert", SeqType)
def _(of: _Update) -> Expr:
    index, new = positional(of.c, of.call, 2, 2)
    at, t = numeric(of.c, index), of.changed
    assert isinstance(t, SeqType)
    one = ir.MakeSeq(of.span, t, (of.c.value(new, t.item),))
    before, after = ir.Slice(of.span, t, of.now, None, at), ir.Slice(of.span, t, of.now, at, None)
    return ir.Concat(of.span, t, ir.Concat(of.span, t, before, one), after)


@_of("remove", SeqType)
def _(of: _Update) -> Expr:
    return ir.Pop(of.span, of.changed, of.now, ir.IndexOf(of.span, INT, of.now, of.item()))


@_of("pop", SeqType)
def _(of: _Update) -> Expr:
    arguments = positional(of.c, of.call, 0, 1)
    index = numeric(of.c, arguments[0]) if arguments else ir.Literal(of.span, INT, -1)
    return ir.Pop(of.span, of.changed, of.now, index)


@_of("pop", MapType)
def _(of: _Update) -> Expr | None:
    c, call, t = of.c, of.call, of.now.type
    if not isinstance(t, MapType) or not isinstance(t.value, OptionalType):
        return None
    if len(call.args) == 2:
        c.fail(call.args[1], "pop returns nothing here", "leave the default out; read the value before")
    nothing = ir.Widen(of.span, unbounded(t.value), ir.Literal(of.span, NONE, None))
    return ir.With(of.span, of.changed, of.now, of.item(), nothing)


@_of("clear", SetType)
def _(of: _Update) -> Expr:
    positional(of.c, of.call, 0, 0)
    return ir.MakeSet(of.span, of.changed, ())


@_of("clear", SeqType)
def _(of: _Update) -> Expr:
    positional(of.c, of.call, 0, 0)
    return ir.MakeSeq(of.span, of.changed, ())


@_of("clear", BagType)
def _(of: _Update) -> Expr:
    positional(of.c, of.call, 0, 0)
    return ir.Literal(of.span, of.changed, Bag())


def mutation(c: Context, call: ast.Call, target: ast.expr, method: str) -> list[Node]:
    """`self.x[i].add(e)` and its like: a store of the changed value at the same place."""
    local = target if isinstance(target, ast.Name) and target.id in c.env.types else None
    if local is not None:
        check_made_here(c, local)
        now = c.expr(local)
    elif is_place(c, target):
        now, _ = read_place(c, target)
        _refuse_inside_a_seq(c, target, now)
        if isinstance(now, ir.At) and partial.is_partial(now.container.type):
            now = c.expr(target)  # what is there, if anything is
    else:
        c.expr(target)  # a better message, if the target itself is wrong
        remedy = "give it a name first: own = Set(...), own.add(...)"
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            record, field = target.value.id, target.attr
            remedy = f"a record is a value: write {record} = replace({record}, {field}=...), and store that"
        c.fail(target, "only variables of self, and copies that the step has made, can be changed", remedy)
    container = now.type
    if isinstance(container, MapType) and method == "update":
        whole = _updated(c, call, target)
        return [_changed_copy(c, call, local, whole) if local else store_at(c, call, target, whole)]
    if partial.is_partial(container):
        before, less = _taken_away(c, call, target, method, now)
        if local:
            return [*before, _changed_copy(c, call, local, less)]
        if isinstance(less, ir.With):  # of which only the value at one key changes
            target = ast.copy_location(ast.Subscript(target, call.args[0], ast.Store()), target)
            less = less.value
        return [*before, store_at(c, call, target, less)]

    update = _UPDATES.get((type(container), method))
    value = update(_Update(c, call, now)) if update else None
    if value is None:
        if isinstance(container, OptionalType):
            c.fail(target, "this may be None, and cannot be changed in place", "assign a new value to it")
        c.fail(
            call,
            f"{container} has no update `{method}`",
            "Set, Bag: add, remove, discard, clear; Seq: append, insert, extend, remove, pop, clear",
        )
    return [_changed_copy(c, call, local, value)] if local else [store_at(c, call, target, value)]


def _updated(c: Context, call: ast.Call, target: ast.expr) -> Expr:
    """`m.update({k: v})`: what `m | {k: v}` is."""
    (other,) = positional(c, call, 1, 1)
    whole = ast.copy_location(ast.BinOp(target, ast.BitOr(), other), call)
    return c.expr(whole)


def _taken_away(
    c: Context, call: ast.Call, target: ast.expr, method: str, now: Expr
) -> tuple[list[Node], Expr]:
    """`m.pop(k)`, `m.pop(k, None)` and `m.clear()` of a partial map: what must be so before, and what it is then."""
    container, span = now.type, c.span(call)
    assert partial.is_partial(container)
    if method == "clear":
        positional(c, call, 0, 0)
        return [], partial.empty(c, call, container)
    if method != "pop":
        c.fail(
            call,
            f"{container} has no update `{method}`",
            "PartialMap: m[k] = v, del m[k], update, pop, clear",
        )
    key, *otherwise = positional(c, call, 1, 2)
    if otherwise and not (isinstance(otherwise[0], ast.Constant) and otherwise[0].value is None):
        c.fail(otherwise[0], "pop returns nothing here", "write None; read the value before")
    at = c.value(key, container.key)
    known = partial.fact_of(c, target, key, container).keys() & c.env.facts.keys()
    there = partial.is_there(span, now, at)
    nothing = ir.Widen(span, unbounded(container.value), ir.Literal(span, NONE, None))
    without: Expr = ir.With(span, unbounded(container), now, at, nothing)
    if otherwise and any(isinstance(p, IntType) for p in parts(container.key)):
        without = ir.IfElse(span, without.type, there, without, now)
    return [] if otherwise or known else [ir.Assert(span, there)], without


def change_item(c: Context, node: ast.stmt, local: ast.Name, index: ast.expr, value: ast.expr) -> list[Node]:
    """`m[k] = v` of a local copy."""
    check_made_here(c, local)
    now = c.expr(local)
    match now.type:
        case MapType(key, item):
            at = c.value(index, key)
        case SeqType(item) if not isinstance(index, ast.Slice):
            at = numeric(c, index)
        case _:
            c.fail(local, f"an element of {now.type} cannot be changed in place", "assign a whole new value")
    made = ir.With(c.span(node), unbounded(now.type), now, at, kept_at(c, now.type, value, item))
    return [_changed_copy(c, node, local, made)]


def kept_at(c: Context, container: Type, value: ast.expr, item: Type) -> Expr:
    """A value for a place inside a container: of a partial map, one that is there."""
    item = unbounded(item)
    if not partial.is_partial(container):
        return c.value(value, item)
    if isinstance(value, ast.Constant) and value.value is None:
        c.fail(value, "the values of a PartialMap cannot be None", "write del m[k], or m.pop(k, None)")
    inner = unbounded(partial.value_type(container))
    return c.coerce(c.value(value, inner), item, value)


def _changed_copy(c: Context, node: ast.AST, local: ast.Name, value: Expr) -> Node:
    c.forget({local.id})
    return ir.Let(c.span(node), (local.id,), c.coerce(value, c.env.types[local.id], local))


def in_maps(place: Expr) -> bool:
    """Whether a place is a variable, or a value of maps inside of it."""
    return isinstance(place, ir.Variable) or (
        isinstance(place, ir.At) and isinstance(place.container.type, MapType) and in_maps(place.container)
    )
