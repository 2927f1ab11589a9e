"""Assignments, to local names and to places.

Guarantees: a name has one type, and is never read before it certainly has a value.
"""

from __future__ import annotations

import ast

from ratified.language import ir
from ratified.language.compile import partial
from ratified.language.compile.context import Context, Made
from ratified.language.compile.places import (
    change_item,
    in_maps,
    is_place,
    kept_at,
    mutation,
    read_place,
    store_at,
)
from ratified.language.compile.plain import check_own
from ratified.language.ir import Expr, Node
from ratified.language.rules import Rules
from ratified.language.types import (
    BOOL,
    MapType,
    NoneType,
    OptionalType,
    SeqType,
    TupleType,
    Type,
    fits,
    records_of,
    unbounded,
)

rules: Rules[Context, Made] = Rules("assignments")


@rules.rule(ast.Assign)
def _assignment(node: ast.Assign, c: Context) -> Made:
    if len(node.targets) > 1:
        # Of places alone: two names would be two names for one local copy.
        if not all(is_place(c, target) for target in node.targets):
            c.fail(node, "only variables are assigned together", "write one assignment per line")
        return _assign_several(c, node, node.targets, node.value), False
    return _assign(c, node, node.targets[0], node.value), False


@rules.rule(ast.AnnAssign)
def _annotation(node: ast.AnnAssign, c: Context) -> Made:
    if not isinstance(node.target, ast.Name):
        c.fail(node, "only names can be annotated", "declare variables in the body of the class")
    if node.value is None:
        return _annotated(c, node.target, node.annotation, None), False
    taken, value = _popped(c, node, node.value)
    return [*taken, *_annotated(c, node.target, node.annotation, value)], False


@rules.rule(ast.AugAssign)
def _augmented(node: ast.AugAssign, c: Context) -> Made:
    target, op, value = node.target, node.op, node.value
    current = ast.copy_location(_as_read(target), target)
    whole = ast.copy_location(ast.BinOp(current, op, value), node)
    ast.fix_missing_locations(whole)
    if isinstance(target, ast.Name):
        check_own(c, target, value)
        return assign_name(c, node, target, c.expr(whole), whole), False
    if (
        isinstance(target, ast.Subscript)
        and isinstance(target.value, ast.Name)
        and target.value.id in c.env.types
    ):
        return change_item(c, node, target.value, target.slice, whole), False
    if not is_place(c, target):
        c.fail(target, _NOT_A_PLACE, _instead(c, target, "write self.x += ..., or name += ..."))
    place, _ = read_place(c, target)
    made = c.coerce(c.expr(whole, place.type), unbounded(place.type), value)
    return [store_at(c, node, target, made)], False


@rules.rule(ast.Delete)
def _delete(node: ast.Delete, c: Context) -> Made:
    """`del self.m[k]`, where a map may hold None: it holds None then."""
    made: list[Node] = []
    for target in node.targets:
        known = c.expr(_as_read(target.value)) if isinstance(target, ast.Subscript) else None
        if (
            not isinstance(target, ast.Subscript)
            or known is None
            or not isinstance(known.type, MapType)
            or not isinstance(known.type.value, OptionalType)
        ):
            c.fail(node, "del is not part of the modelling language", _INSTEAD_OF_DEL)
        nothing = ast.copy_location(ast.Constant(None), node)
        if partial.is_partial(known.type):
            made += _taken_away(c, node, target)
            continue
        made += _assign(c, ast.copy_location(ast.Assign([target], nothing), node), target, nothing)
    return made, False


def _taken_away(c: Context, node: ast.Delete, target: ast.Subscript) -> list[Node]:
    """`del m[k]` of a partial map, as `m.pop(k)`."""
    container = _as_read(target.value)
    call = ast.Call(ast.Attribute(container, "pop", ast.Load()), [target.slice], [])
    ast.fix_missing_locations(ast.copy_location(call, node))
    return mutation(c, call, container, "pop")


_INSTEAD_OF_DEL = "it takes away a key of a PartialMap[K, V]; for a Set write .discard(x), for a Seq .pop(i)"


def _assign(c: Context, node: ast.Assign, target: ast.expr, value: ast.expr) -> list[Node]:
    taken, value = _popped(c, node, value)
    return [*taken, *_given(c, node, target, value)]


def _given(c: Context, node: ast.Assign, target: ast.expr, value: ast.expr) -> list[Node]:
    match target:
        case ast.Name():
            return assign_name(c, node, target, c.expr(value, c.env.types.get(target.id)), value)
        case ast.Tuple(targets) if all(isinstance(t, ast.Name) for t in targets):
            made = c.expr(value)
            if not isinstance(made.type, TupleType) or len(made.type.items) != len(targets):
                c.fail(
                    value,
                    f"{made.type} does not unpack into {len(targets)} names",
                    "use as many names as the tuple has parts",
                )
            for name, t in zip(targets, made.type.items, strict=True):
                assert isinstance(name, ast.Name)
                introduce(c, name, t, value)
            ids = tuple(t.id for t in targets if isinstance(t, ast.Name))
            stored = c.coerce(made, TupleType(tuple(c.env.types[i] for i in ids)), value)
            return [ir.Let(c.span(node), ids, stored)]
        case _ if is_place(c, target):
            place, _ = read_place(c, target)
            into = unbounded(place.type)
            # A variable gets a copy of its own of a local value; what is in a sequence is the value itself.
            copied = isinstance(value, ast.Name) and not c.python_kind(value) and in_maps(place)
            if isinstance(place, ir.At) and partial.is_partial(place.container.type):
                made = kept_at(c, place.container.type, value, into)
            else:
                made = c.coerce(c.expr(value, into), into, value) if copied else c.value(value, into)
            return [_set(c, node, target, place.type, made)]
        case ast.Subscript(ast.Name(name) as local, index) if name in c.env.types:
            return change_item(c, node, local, index, value)
        case ast.Tuple(targets) if all(isinstance(t, ast.Name) or is_place(c, t) for t in targets):
            return _assign_several(c, node, targets, value)
    c.fail(target, _NOT_A_PLACE, _instead(c, target, "write self.x = ..., self.x[k] = ..., or name = ..."))


def _popped(c: Context, node: ast.stmt, value: ast.expr) -> tuple[list[Node], ast.expr]:
    """Of `x = s.pop(i)` and `x = m.pop(k)`: reading it and taking it away, and then the name that stands for what is assigned."""
    match value:
        case ast.Call(ast.Attribute(container, "pop"), arguments, []) if len(arguments) < 3 and (
            is_place(c, container) or (isinstance(container, ast.Name) and container.id in c.env.types)
        ):
            t = c.expr(container).type
        case _:
            return [], value
    if isinstance(t, SeqType) and len(arguments) < 2:
        index = arguments[0] if arguments else ast.Constant(-1)
        read: ast.expr = ast.Subscript(container, index, ast.Load())
    elif isinstance(t, MapType) and isinstance(t.value, OptionalType) and arguments:
        key, *otherwise = arguments
        get = ast.Call(ast.Attribute(container, "get", ast.Load()), [key], [])
        read = get if otherwise else ast.Subscript(container, key, ast.Load())
    else:
        return [], value
    name = _another_name(c, container, [], "popped")
    ast.fix_missing_locations(ast.copy_location(read, value))
    made = assign_name(c, node, name, c.expr(read), read)
    return [*made, *mutation(c, value, container, "pop")], ast.copy_location(_as_read(name), value)


_NOT_A_PLACE = "only names and variables of self can be assigned"


def _instead(c: Context, target: ast.expr, remedy: str) -> str:
    """What to write in place of an assignment to something else: a field of a local record is changed by replacing that."""
    match target:
        case ast.Tuple(parts) if any(isinstance(p, ast.Starred) for p in parts):
            return "read the parts one by one: first = s[0], rest = s[1:]"
        case ast.Attribute(ast.Name(name), field) if records_of(c.env.types.get(name, BOOL)):
            return f"a record is a value: write {name} = replace({name}, {field}=...)"
    return remedy


def _set(c: Context, node: ast.Assign, target: ast.expr, declared: Type, made: Expr) -> Node:
    store = store_at(c, node, target, made)
    _learn(c, target, declared, made)
    return store


def _assign_several(c: Context, node: ast.Assign, targets: list[ast.expr], value: ast.expr) -> list[Node]:
    """`self.a, self.b = x, y` and `self.a = self.b = x`: all values first, then the stores, from left to right."""
    names: list[ast.Name] = []
    types: list[Type | None] = []
    for target in targets:
        types.append(None if isinstance(target, ast.Name) else unbounded(read_place(c, target)[0].type))
        names.append(target if isinstance(target, ast.Name) else _another_name(c, target, names))
    lets: list[Node] = []
    items = [value] * len(targets) if len(node.targets) > 1 else []
    if not items and isinstance(value, ast.Tuple) and len(value.elts) == len(targets):
        items = value.elts
    if items:
        values = [
            c.expr(item, c.env.types.get(name.id)) if t is None else c.value(item, t)
            for name, item, t in zip(names, items, types, strict=True)
        ]
        for name, item, made in zip(names, items, values, strict=True):
            lets += assign_name(c, node, name, made, item)
    else:
        lets += _assign(c, node, ast.copy_location(ast.Tuple([*names], ast.Store()), node), value)
    for name, target, t in zip(names, targets, types, strict=True):
        if t is not None:
            made = c.value(ast.copy_location(ast.Name(name.id, ast.Load()), target), t)
            lets.append(_set(c, node, target, read_place(c, target)[0].type, made))
    return lets


def _another_name(c: Context, place: ast.expr, taken: list[ast.Name], kind: str = "new") -> ast.Name:
    """A name, that the function does not use, for what a place is about to hold."""
    inner = place
    while isinstance(inner, ast.Subscript):
        inner = inner.value
    assert isinstance(inner, ast.Attribute | ast.Name)
    name = f"{kind}_{inner.attr if isinstance(inner, ast.Attribute) else inner.id}"
    while name in c.names_used or name in c.declarations or any(name == t.id for t in taken):
        name += "_"
    c.assignments[name] = 2  # so that its type is the place's, whatever the first value's bounds are
    return ast.copy_location(ast.Name(name, ast.Store()), place)


def assign_name(c: Context, node: ast.stmt, target: ast.Name, made: Expr, source: ast.expr) -> list[Node]:
    """Give a local name a value."""
    t = made.type
    if isinstance(t, NoneType) and target.id not in c.env.types:
        c.fail(
            target,
            f"None alone gives `{target.id}` no type",
            f"annotate it: {target.id}: T | None = None",
        )
    introduce(c, target, t, source)
    c.tables.shared(c, source)
    c.env.plain.pop(target.id, None)
    if what := c.python_kind(source):
        if what == "iterator":
            c.fail(source, "a Python iterator cannot be assigned to a name", "write Seq(...)")
        c.env.plain[target.id] = what
    stored = c.coerce(made, c.env.types[target.id], source)
    _learn(c, target, c.env.types[target.id], stored)
    return [ir.Let(c.span(node), (target.id,), stored)]


def introduce(c: Context, target: ast.Name, t: Type, source: ast.expr) -> None:
    """A name that gets a value: for the first time, or again with the same type."""
    name = target.id
    if name in c.receivers:
        c.fail(target, f"`{name}` is the model itself", "choose another name")
    c.forget({name})
    known = c.declarations.get(name)
    if known is None:
        # A name that is assigned more than once may outgrow the bounds of its first value.
        known = c.declarations[name] = unbounded(t) if c.assignments.get(name, 0) > 1 else t
    elif not fits(t, known):
        c.fail(
            source,
            f"`{name}` is of type {known}, and this is {t}",
            "one name has one type: annotate it, or use another name",
        )
    c.env.aliases.pop(name, None)
    c.env.types[name] = known
    c.env.assigned.add(name)


def _learn(c: Context, target: ast.expr, declared: Type, stored: Expr) -> None:
    """What an assignment tells: an optional that was given a value holds one now."""
    key = c.fact_key(target)
    inner = stored.operand if isinstance(stored, ir.Widen) else stored
    smaller = unbounded(inner.type) != unbounded(declared) and fits(inner.type, declared)
    tellable = isinstance(declared, OptionalType) or len(records_of(declared)) > 1
    if key and smaller and tellable and not isinstance(inner.type, NoneType):
        c.env.facts[key] = unbounded(inner.type)


def _annotated(c: Context, target: ast.Name, annotation: ast.expr, value: ast.expr | None) -> list[Node]:
    t = unbounded(c.declared(annotation, target, f"`{target.id}`"))
    if target.id in c.declarations and unbounded(c.declarations[target.id]) != t:
        c.fail(
            target,
            f"`{target.id}` is of type {c.declarations[target.id]} already",
            "one name has one type",
        )
    c.declarations[target.id] = t
    c.env.types[target.id] = t
    c.env.assigned.discard(target.id)
    if value is None:
        return []
    made = c.value(value, t)  # mypy too would not take a plain container for an annotated value
    introduce(c, target, t, value)
    _learn(c, target, t, made)
    return [ir.Let(c.span(target), (target.id,), made)]


def _as_read(target: ast.expr) -> ast.expr:
    match target:
        case ast.Name(name):
            return ast.Name(name, ast.Load())
        case ast.Attribute(value, attribute):
            return ast.Attribute(value, attribute, ast.Load())
        case ast.Subscript(value, index):
            return ast.Subscript(value, index, ast.Load())
    return target
