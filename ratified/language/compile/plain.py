"""Python's own containers: lists, sets, ranges, views and iterators, which a model may use on its way to a value.

Guarantees: what is asked of one means the same in CPython as of the values that it has. Where it does not, it is refused: an
iterator is true though nothing is in it, a range is equal to no list, a list has no hash, `+=` changes a list for all its names.
A sort or Enum, too, is a Python class, which can be asked for its values, and is equal to no `Set` of them.
"""

from __future__ import annotations

import ast

from ratified.language.compile.context import Context, TypeEnv
from ratified.language.types import MapType, SeqType, SetType, Type

_ALIKE = frozenset({"", "list", "set"})
"""What is compared by its elements, as values of the language are."""


def check_truth(c: Context, node: ast.expr, t: Type) -> None:
    """Refuse to ask of an iterator whether it is empty."""
    if c.python_kind(node) in ("iterator", "container"):
        c.fail(node, "a Python iterator is true even if nothing is in it", c.value_instead(node, t))


def check_compared(c: Context, left: ast.expr, symbol: str, right: ast.expr, t: Type) -> None:
    """Refuse to compare what CPython does not compare by its elements."""
    kinds = c.python_kind(left), c.python_kind(right)
    if symbol in ("<=", ">=") and sorted(kinds) == ["", "class"]:
        return  # which a Set answers
    for side, kind in zip((left, right), kinds, strict=True):
        alike = kind in _ALIKE or (kind == "view" and isinstance(t, SetType))
        if not alike and not (kind in ("range", "tuple") and kinds == (kind, kind)):
            c.fail(side, f"a Python {kind} is not compared by its elements here", c.value_instead(side, t))


def check_sought(c: Context, sought: ast.expr, t: Type, container: Type) -> None:
    """Refuse to look for what has no hash, or has the hash of another value."""
    kind = c.python_kind(sought)
    found = kind == "set" and isinstance(container, SetType | SeqType)
    if kind and not found and not (kind == "list" and isinstance(container, SeqType)):
        c.fail(sought, f"a Python {kind} cannot be looked for in this container", c.value_instead(sought, t))


def check_joined(c: Context, operand: ast.expr, t: Type, other: ast.expr) -> None:
    """Refuse operators that CPython does not have with another operand."""
    kind = c.python_kind(operand)
    if kind == "class" and not c.python_kind(other):
        return  # which a Set answers
    if kind not in _ALIKE and not (kind == "view" and isinstance(t, SetType)):
        c.fail(operand, f"a Python {kind} has no such operator", c.value_instead(operand, t))


def check_asked(c: Context, operand: ast.expr, t: Type) -> None:
    """Refuse a method of sets that a class does not have."""
    if (kind := c.python_kind(operand)) == "class":
        c.fail(operand, f"a Python {kind} has no such method", c.value_instead(operand, t))


def check_indexed(c: Context, container: ast.expr, t: Type) -> None:
    """Refuse to index what has no order that can be asked for."""
    kind = c.python_kind(container)
    if kind in ("iterator", "view", "container") and not isinstance(t, MapType):
        c.fail(container, f"a Python {kind} cannot be indexed", c.value_instead(container, t))


def check_turns(c: Context, loop: ast.expr, before: TypeEnv, after: TypeEnv) -> None:
    """Refuse a name that holds a container of Python's own in some turns of a loop, and a value of the language in others."""
    for name in before.types.keys() & after.types.keys():
        one, other = before.plain.get(name, ""), after.plain.get(name, "")
        if one != other:
            what = f"a Python {one or other}"
            first, then = (what, "a value of the language") if one else ("a value of the language", what)
            make = "Set" if isinstance(before.types[name], SetType) else "Seq"
            c.fail(loop, f"`{name}` is {first} before this loop, and {then} after a turn", _all(make, name))


def _all(make: str, name: str) -> str:
    return f"write {name} = {make}(...) wherever it is assigned"


def check_own(c: Context, target: ast.Name, value: ast.expr) -> None:
    """Refuse to change a list or set of Python's own (`a += [x]`) that has another name, or that a loop runs through."""
    name = target.id
    if not c.python_kind(target) or not c.python_kind(value):
        return  # an operator makes a new value
    for node in ast.walk(c.node):
        match node:
            case ast.Assign([ast.Name(other)], source) | ast.NamedExpr(ast.Name(other), source):
                shared = _kept_as_it_is(source)
                if name in shared or (other == name and shared):
                    _refuse_shared(c, target)
            case ast.For(_, domain, body) if name in _run_through(domain):
                inside = (n for s in body for n in ast.walk(s))
                if any(isinstance(n, ast.AugAssign) and _is(n.target, name) for n in inside):
                    _refuse_shared(c, target)


def _refuse_shared(c: Context, target: ast.Name) -> None:
    kind = c.python_kind(target)
    operator = "|" if kind == "set" else "+"
    c.fail(
        target,
        f"this changes a Python {kind} that may be shared, or that a loop runs through",
        f"write {target.id} = {target.id} {operator} ...",
    )


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _kept_as_it_is(source: ast.expr) -> set[str]:
    """The names of which an expression gives the very object."""
    match source:
        case ast.Name(name):
            return {name}
        case ast.IfExp(_, body, orelse):
            return _kept_as_it_is(body) | _kept_as_it_is(orelse)
        case ast.NamedExpr(target, value):
            return {target.id} | _kept_as_it_is(value)
    return set()


def _run_through(domain: ast.expr) -> set[str]:
    """The names of which a loop asks for the next element turn by turn: itself, or through an iterator."""
    if isinstance(domain, ast.Call):
        return {name for argument in domain.args for name in _run_through(argument)}
    if isinstance(domain, ast.GeneratorExp):
        return {n.id for n in ast.walk(domain) if isinstance(n, ast.Name)}
    return _kept_as_it_is(domain)
