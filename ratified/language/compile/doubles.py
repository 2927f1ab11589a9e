"""One name, one thing: what Python would silently drop from a model is refused, with both places.

Guarantees: a name is defined once in a class body; what a class overrides keeps its kind, so that no action, invariant or
claim of a base is lost to a method of another kind that happens to have its name.
"""

from __future__ import annotations

import ast
import typing
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from ratified.language.claims import CLAIMS
from ratified.language.errors import ModelError, Span
from ratified.language.ir import Declaration, Kind, Module
from ratified.language.source import class_node, head_span, span_of
from ratified.language.types import Type


def refuse_doubles(cls: type, node: ast.ClassDef | None, file: str) -> None:
    """Raise ModelError for a name that a class, or a plain class that is mixed into it, defines twice, or as another kind."""
    if node is not None:
        _once(node, file)
    _one_declaration(cls)
    defined: dict[str, tuple[Kind, type, FunctionType]] = {}
    for klass in reversed(cls.__mro__):
        if klass is object or "_ratified_root" in vars(klass):
            continue
        own = {n: a for n, a in vars(klass).items() if isinstance(a, FunctionType)}
        if klass is not cls and "module" not in vars(klass):
            _once_in_mixin(klass, own)
        for name, function in own.items():
            kind = getattr(function, "ratified_kind", None)
            if kind is not None:
                _same_kind(name, kind, klass, function, defined.get(name))
                defined[name] = kind, klass, function
    _none_lost(cls)


def _one_declaration(cls: type) -> None:
    """That what two bases declare, of which neither derives from the other, is one thing, unless the class declares it anew."""
    first: dict[str, tuple[type, tuple[bool, Type], Declaration]] = {}
    for klass in cls.__mro__[1:]:
        module, own = vars(klass).get("module"), vars(klass).get("__annotations__", {})
        if not isinstance(module, Module):
            continue
        for is_parameter, table in ((False, module.variables), (True, module.parameters)):
            for d in table:
                if d.name not in own or d.name in vars(cls).get("__annotations__", {}):
                    continue
                what = is_parameter, d.type
                owner, known, before = first.setdefault(d.name, (klass, what, d))
                if known != what and klass not in owner.__mro__:
                    _refuse(
                        f"`{d.name}` is declared in {owner.__name__}, and as something else in {klass.__name__}",
                        before.span,
                        d.span,
                    )


def _none_lost(cls: type) -> None:
    """That of two bases that claim something under one name, one overrides the other, or asks it, or the class claims it anew.

    A step that a mixin replaces is replaced on purpose; a claim that nobody asks any more would be a green result for nothing.
    """
    first: dict[str, tuple[type, FunctionType]] = {}
    for klass in cls.__mro__[1:]:
        for name, function in vars(klass).items():
            if name in vars(cls) or getattr(function, "ratified_kind", None) not in CLAIMS:
                continue
            owner, over = first.get(name, (klass, function))
            if klass not in owner.__mro__ and "super" not in _raw(over).__code__.co_names:
                what = f"`{name}` of {owner.__name__} hides that of {klass.__name__}, from which it does not derive"
                _refuse(what, _head(over), _head(function))
            first[name] = klass, function


def _once(node: ast.ClassDef, file: str) -> None:
    """That no name is bound twice at the top of a class body."""
    seen: dict[str, ast.stmt] = {}
    for statement in node.body:
        for name in _bound(statement):
            if name in seen:
                _refuse(
                    f"`{name}` is defined twice in {node.name}",
                    _place(statement, file),
                    _place(seen[name], file),
                )
            seen[name] = statement


def _bound(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Assign(targets=targets):
            return [t.id for t in targets if isinstance(t, ast.Name)]
    return []


def _once_in_mixin(klass: type, own: Mapping[str, FunctionType]) -> None:
    code = next((_raw(f).__code__ for f in own.values()), None)
    if code is not None and (node := class_node(code.co_filename, klass.__name__, code.co_firstlineno)):
        _once(node, code.co_filename)


def _same_kind(
    name: str, kind: Kind, klass: type, function: FunctionType, before: tuple[Kind, type, FunctionType] | None
) -> None:
    """That an override is what it overrides."""
    if name == "init":
        _refuse(
            f"`init` sets the variables of {klass.__name__}, and is marked as {kind.value}", _head(function)
        )
    if before is not None and before[0] is not kind:
        what = f"`{name}` is marked as {before[0].value} in {before[1].__name__}, and as {kind.value} in {klass.__name__}"
        _refuse(what, _head(function), _head(before[2]))


def _head(function: FunctionType) -> Span | None:
    raw = _raw(function)
    line, file = raw.__code__.co_firstlineno, raw.__code__.co_filename
    owner = raw.__qualname__.rpartition(".")[0].rpartition(".")[2]
    node = class_node(file, owner, line)
    for statement in node.body if node else ():
        if isinstance(statement, ast.FunctionDef) and statement.name == raw.__name__:
            return head_span(statement, file)
    return None


def _raw(function: Any) -> FunctionType:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return typing.cast("FunctionType", function)


def _place(statement: ast.stmt, file: str) -> Span:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return head_span(statement, file)
    return span_of(statement, file)


def _refuse(what: str, span: Span | None, other: Span | None = None) -> typing.NoReturn:
    also = f"; the other is at {other}" if other else ""
    raise ModelError(f"{what}{also}", span=span, remedy="one of the two would be lost: rename it")
