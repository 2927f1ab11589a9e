"""`(n := f(x))` in a statement, as an assignment before it.

Guarantees: only where CPython evaluates it whenever it comes to the statement, and before anything that reads the name.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

_HEADS = {ast.If: "test", ast.Return: "value", ast.Assign: "value", ast.Expr: "value", ast.Assert: "test"}
"""The part of a statement in which a name may be given a value."""


def hoisted(statement: ast.stmt) -> tuple[list[ast.Assign], ast.stmt]:
    """The assignments that a statement makes in an expression, and the statement without them."""
    field = _HEADS.get(type(statement))
    head = None if field is None else getattr(statement, field)
    if head is None or not any(isinstance(n, ast.NamedExpr) for n in ast.walk(head)):
        return [], statement
    head = copy.deepcopy(head)
    found = [n for n in _always(head) if not _read_before(head, n)]
    made = [ast.copy_location(ast.Assign([n.target], n.value), n) for n in found]
    for assignment in made:
        assignment.value = _without(assignment.value, found)
    replaced = copy.copy(statement)
    setattr(replaced, field or "", _without(head, found))
    return made, replaced


def _read_before(head: ast.expr, given: ast.NamedExpr) -> bool:
    """Whether something reads the name before it is given its value."""
    place = (given.lineno, given.col_offset)
    return any(
        isinstance(n, ast.Name)
        and n.id == given.target.id
        and isinstance(n.ctx, ast.Load)
        and (n.lineno, n.col_offset) < place
        for n in ast.walk(head)
    )


def _always(node: ast.AST) -> Iterator[ast.NamedExpr]:
    """What is evaluated whenever an expression is, inner ones first: not what a branch or a comprehension may leave out."""
    match node:
        case ast.BoolOp(_, [first, *_]):
            inside: list[ast.AST] = [first]
        case ast.IfExp(test, _, _):
            inside = [test]
        case ast.Compare(left, _, [right, *_]):
            inside = [left, right]
        case ast.Lambda():
            inside = []
        case ast.GeneratorExp() | ast.ListComp() | ast.SetComp() | ast.DictComp():
            inside = [node.generators[0].iter]
        case _:
            inside = list(ast.iter_child_nodes(node))
    for child in inside:
        yield from _always(child)
    if isinstance(node, ast.NamedExpr):
        yield node


def _without(node: ast.expr, found: list[ast.NamedExpr]) -> ast.expr:
    """An expression in which names stand for what they were given."""

    class NameReader(ast.NodeTransformer):
        def visit_NamedExpr(self, inner: ast.NamedExpr) -> ast.AST:
            self.generic_visit(inner)
            if any(inner is one for one in found):
                return ast.copy_location(ast.Name(inner.target.id, ast.Load()), inner)
            return inner

    made = NameReader().visit(node)
    assert isinstance(made, ast.expr)
    return made
