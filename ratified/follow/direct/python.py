"""Python as trees: templates are read once, and filled with trees.

Guarantees: what stands for a name of a template is a whole part of the tree that comes out, whatever stands around it. Nothing is
printed, and nothing read but the templates.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeAlias

Py: TypeAlias = ast.expr
"""An expression. It may be part of several trees, none of which changes it."""


@cache
def _read(template: str) -> ast.Module:
    return ast.parse(template)


def py(template: str, **parts: Py | str) -> Py:
    """An expression; `parts` stand for names of the template, a string for another name."""
    (statement,) = _read(template).body
    assert isinstance(statement, ast.Expr)
    filled: Py = _filled(statement.value, parts)
    return filled


def statement(template: str, **parts: Py | str) -> ast.stmt:
    """A statement, likewise."""
    (found,) = _read(template).body
    filled: ast.stmt = _filled(found, parts)
    return filled


def _filled(value: Any, parts: dict[str, Py | str]) -> Any:
    if isinstance(value, list):
        return [_filled(v, parts) for v in value]
    if isinstance(value, ast.Name):
        part = parts.get(value.id, value.id)
        return ast.Name(part, value.ctx) if isinstance(part, str) else part
    if isinstance(value, ast.AST):
        return type(value)(**{name: _filled(getattr(value, name, None), parts) for name in value._fields})
    return value


def constant(value: bool | int | str | None) -> Py:
    """A constant."""
    return ast.Constant(value)


def call(function: str | Py, arguments: Iterable[str | Py]) -> Py:
    """A call."""
    return ast.Call(_part(function), [_part(a) for a in arguments], [])


def tuple_of(items: Iterable[str | Py]) -> Py:
    """A tuple of any length."""
    return ast.Tuple([_part(item) for item in items], ast.Load())


def list_of(items: Iterable[str | Py]) -> Py:
    """A list of any length."""
    return ast.List([_part(item) for item in items], ast.Load())


def logical(word: type[ast.And] | type[ast.Or], operands: Sequence[Py]) -> Py:
    """`a and b and ...`; of nothing, what adds nothing to it."""
    if len(operands) < 2:
        return operands[0] if operands else constant(word is ast.And)
    return ast.BoolOp(word(), list(operands))


def _part(part: str | Py) -> Py:
    return ast.Name(part, ast.Load()) if isinstance(part, str) else part


def _stored(names: Iterable[str]) -> list[Py]:
    return [ast.Name(name, ast.Store()) for name in names]


def unpacked(names: Iterable[str], value: Py | str) -> ast.stmt:
    """An assignment to each of the names, from a tuple of so many."""
    return ast.Assign([ast.Tuple(_stored(names), ast.Store())], _part(value))


def assigned(names: Sequence[str], value: Py) -> ast.stmt:
    """An assignment to one name, or from a tuple to several."""
    return ast.Assign(_stored(names), value) if len(names) == 1 else unpacked(names, value)


def loop(names: Sequence[str], runs: Py, body: list[ast.stmt]) -> ast.stmt:
    """A loop over values, or over tuples of so many."""
    stored = _stored(names)
    target = stored[0] if len(stored) == 1 else ast.Tuple(stored, ast.Store())
    return ast.For(target, runs, body or [ast.Pass()], [])


def definition(name: str, parameters: Iterable[str], body: Sequence[ast.stmt]) -> ast.Module:
    """A module that defines a function."""
    (made,) = ast.parse(f"def {name}(): pass").body
    assert isinstance(made, ast.FunctionDef)
    made.args.args = [ast.arg(p) for p in parameters]
    made.body = list(body)
    return ast.fix_missing_locations(ast.Module([made], []))
