"""Local copies: `t = Set(self.s)`, and then `t.add(p)`.

Guarantees: a local value is changed in place only if the function made it, and if nothing else can hold it: what CPython does to
an object is then what the intermediate form does to a name.
"""

from __future__ import annotations

import ast
from functools import lru_cache

from ratified.language.compile.context import Context
from ratified.language.partial import PartialMap
from ratified.language.types import MapType
from ratified.language.values import Bag, Map, Seq, Set

MUTATORS = frozenset({"add", "remove", "discard", "clear", "update", "append", "insert", "extend", "pop"})
"""The methods that change a container in place."""


@lru_cache(maxsize=4096)
def changed_names(function: ast.FunctionDef) -> frozenset[str]:
    """The local names whose values a function changes in place."""
    found = set[str]()
    for node in ast.walk(function):
        match node:
            case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), method))) if method in MUTATORS:
                found.add(name)
            case (
                ast.Assign(_, ast.Call(ast.Attribute(ast.Name(name), "pop")))
                | ast.AnnAssign(_, _, ast.Call(ast.Attribute(ast.Name(name), "pop")))
                | ast.Delete([ast.Subscript(ast.Name(name))])
                | ast.Assign([ast.Subscript(ast.Name(name))])
                | ast.AugAssign(ast.Subscript(ast.Name(name)))
            ):
                found.add(name)
    return frozenset(found)


def check_made_here(c: Context, target: ast.Name) -> None:
    """Refuse to change a local value that something else may hold as well."""
    name = target.id
    for node in ast.walk(c.node):
        match node:
            case ast.Assign([ast.Name(id=n)], value) | ast.AnnAssign(ast.Name(id=n), _, value) if n == name:
                if value is not None and not _makes(c, value):
                    c.fail(
                        target,
                        f"`{name}` may be shared, and cannot be changed in place",
                        f"write {name} = {_constructor(c, name)}({ast.unparse(value)}) where it is assigned",
                    )
            case ast.AugAssign(ast.Name(id=n)) if n == name:
                pass  # an operator makes a new value
            case ast.Name(id=n, ctx=ast.Store()) if n == name and not _assigned_alone(c, node):
                _refuse_bound(c, target)
            case ast.arg(arg=n) if n == name:
                _refuse_bound(c, target)


def _refuse_bound(c: Context, target: ast.Name) -> None:
    make = _constructor(c, target.id)
    c.fail(
        target,
        f"`{target.id}` may be shared, and cannot be changed in place",
        f"change a copy: own = {make}({target.id})",
    )


def _assigned_alone(c: Context, name: ast.Name) -> bool:
    """Whether a name that is bound is the one target of an assignment."""
    return any(
        name is target
        for node in ast.walk(c.node)
        for target in (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign | ast.AugAssign)
            else []
        )
    )


def _makes(c: Context, value: ast.expr) -> bool:
    """Whether an expression makes a new container whenever it is evaluated."""
    return isinstance(value, ast.Call) and any(
        c.static(value.func) is made for made in (Set, Seq, Bag, Map, PartialMap)
    )


def _constructor(c: Context, name: str) -> str:
    known = c.env.types.get(name)
    if isinstance(known, MapType):
        return known.of.__name__
    t = type(known).__name__.removesuffix("Type")
    return t if t in ("Set", "Seq", "Bag") else "Set"


def refuse_sharing(c: Context, source: ast.expr) -> None:
    """Refuse to let something else hold a value that is changed in place."""
    match source:
        case ast.IfExp(_, body, orelse):
            refuse_sharing(c, body)
            refuse_sharing(c, orelse)
        case ast.Name(name) if name in c.env.types and name in changed_names(c.node):
            c.fail(
                source,
                f"`{name}` is changed in place, so nothing else may share it",
                f"write {_constructor(c, name)}({name})",
            )
