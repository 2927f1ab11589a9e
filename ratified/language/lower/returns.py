"""Early returns: what follows a conditional that may return is said in its branches."""

from __future__ import annotations

from collections.abc import Sequence

from ratified.language import ir
from ratified.language.ir import Function, Node
from ratified.language.lower.trees import with_body


def returning_last(function: Function) -> Function:
    """A function in which nothing follows a `return`, nor a conditional that may return. A loop that returns is left as it is."""
    return with_body(function, tuple(_block(function.body)))


def _block(body: Sequence[Node]) -> list[Node]:
    found: list[Node] = []
    for i, statement in enumerate(body):
        if isinstance(statement, ir.Return):
            return [*found, statement]
        if isinstance(statement, ir.If) and _returns(statement):
            rest = body[i + 1 :]
            then, orelse = tuple(_block((*statement.then, *rest))), tuple(_block((*statement.orelse, *rest)))
            same = (then, orelse) == (statement.then, statement.orelse)
            return [*found, statement if same else ir.If(statement.span, statement.test, then, orelse)]
        found.append(statement)
    return found


def _returns(node: Node) -> bool:
    match node:
        case ir.Return():
            return True
        case ir.If(_, _, then, orelse):
            return any(map(_returns, (*then, *orelse)))
    return False
