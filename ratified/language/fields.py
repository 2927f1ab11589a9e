"""Assignments to fields of records: `self.r[p].n += 1`, said with whole records.

Records are values, each interned: what CPython would do to an object is not what is meant. So where a method assigns to a field
of what a variable holds, both CPython and the compiler are given the method with `self.r[p] = replace(self.r[p], n=...)` in its
place. Guarantees: nothing else of a method is changed, and every line stays where it is.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType

REPLACED = "__replace__"
"""The method of records that makes another one with some fields replaced."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A place, and the fields within its value that lead to one that is assigned."""

    place: ast.expr
    fields: tuple[ast.Attribute, ...]


def chain_of(target: ast.expr, receiver: str) -> Chain | None:
    """The field of a variable's value that an assignment is to; None if it is to something else."""
    fields: list[ast.Attribute] = []
    while isinstance(target, ast.Attribute) and not isinstance(target.value, ast.Name):
        fields.append(target)
        target = target.value
    inner = target
    while isinstance(inner, ast.Subscript):
        inner = inner.value
    match inner:
        case ast.Attribute(ast.Name(name)) if fields and name == receiver:
            return Chain(target, tuple(reversed(fields)))
    return None


def with_whole_records(function: ast.FunctionDef) -> ast.FunctionDef:
    """A function in which fields of what variables hold are not assigned; the same one if there are none."""
    if not function.args.args:
        return function
    receiver = function.args.args[0].arg
    targets = (
        target
        for node in ast.walk(function)
        if isinstance(node, ast.Assign | ast.AugAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    )
    if not any(chain_of(target, receiver) for target in targets):
        return function
    made = _Whole(receiver).visit(copy.deepcopy(function))
    assert isinstance(made, ast.FunctionDef)
    return made


@lru_cache(maxsize=4096)
def says_whole_records(function: ast.FunctionDef) -> bool:
    """Whether a function is one that `with_whole_records` has made."""
    return any(isinstance(node, ast.Attribute) and node.attr == REPLACED for node in ast.walk(function))


class _Whole(ast.NodeTransformer):
    def __init__(self, receiver: str) -> None:
        self._receiver = receiver

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if len(node.targets) == 1 and (chain := chain_of(node.targets[0], self._receiver)):
            return _stored(node, chain, node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        chain = chain_of(node.target, self._receiver)
        if chain is None:
            return node
        changed = ast.copy_location(ast.BinOp(_read(node.target), node.op, node.value), node)
        return _stored(node, chain, changed)


def _read(target: ast.expr) -> ast.expr:
    """The same place, where it is read."""
    found = copy.deepcopy(target)
    for node in ast.walk(found):
        if isinstance(node, ast.Attribute | ast.Subscript):
            node.ctx = ast.Load()
    return found


def _stored(node: ast.stmt, chain: Chain, value: ast.expr) -> ast.Assign:
    for field in reversed(chain.fields):
        method = ast.copy_location(ast.Attribute(_read(field.value), REPLACED, ast.Load()), field)
        given = ast.copy_location(ast.keyword(field.attr, value), field)
        value = ast.copy_location(ast.Call(method, [], [given]), field)
    place = _read(chain.place)
    assert isinstance(place, ast.Attribute | ast.Subscript)
    place.ctx = ast.Store()
    return ast.copy_location(ast.Assign([place], value), node)


def code_of(function: FunctionType, node: ast.FunctionDef, file: str) -> CodeType:
    """The code of a function whose body is another one, for the same closure."""
    free = function.__code__.co_freevars
    around = ast.parse(f"def around({', '.join(free)}): pass").body[0]
    assert isinstance(around, ast.FunctionDef)
    # Under a name that is nobody's: inside of `around`, its own would be no global, which the body may ask for.
    inner = ast.FunctionDef(**{**dict(ast.iter_fields(node)), "name": "the method"})
    around.body = [ast.copy_location(inner, node)]
    module = ast.fix_missing_locations(ast.Module([around], []))
    outer = _code_in(compile(module, file, "exec"), "around")
    old = function.__code__
    return _code_in(outer, inner.name).replace(co_name=node.name, co_qualname=old.co_qualname)


def _code_in(code: CodeType, name: str) -> CodeType:
    return next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)
