"""Early returns: what follows a conditional that may return is said in its branches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ratified.language import ir
from ratified.language.ir import Function, Node
from ratified.language.lower.trees import with_body


def returning_last(function: Function) -> Function:
    """A function in which nothing follows a `return`, nor a conditional that may return. A loop that returns is left as it is."""
    return with_body(function, tuple(_block(function.body, _may_return)))


def returning_apart(function: Function) -> Function:
    """A function in which nothing follows a conditional of which a branch always returns. No statement is said twice for it."""
    return with_body(function, tuple(_block(function.body, _returns_in_a_branch)))


def always_returns(body: Sequence[Node]) -> bool:
    """Whether statements always come to a return."""
    return any(
        isinstance(s, ir.Return)
        or (isinstance(s, ir.If) and always_returns(s.then) and always_returns(s.orelse))
        for s in body
    )


def _block(body: Sequence[Node], ends: Callable[[ir.If], bool]) -> list[Node]:
    found: list[Node] = []
    for i, statement in enumerate(body):
        if isinstance(statement, ir.Return):
            return [*found, statement]
        if isinstance(statement, ir.If) and ends(statement):
            rest = body[i + 1 :]
            then = tuple(_block((*statement.then, *rest), ends))
            orelse = tuple(_block((*statement.orelse, *rest), ends))
            same = (then, orelse) == (statement.then, statement.orelse)
            return [*found, statement if same else ir.If(statement.span, statement.test, then, orelse)]
        found.append(statement)
    return found


def _returns_in_a_branch(node: ir.If) -> bool:
    return always_returns(node.then) or always_returns(node.orelse)


def _may_return(node: Node) -> bool:
    match node:
        case ir.Return():
            return True
        case ir.If(_, _, then, orelse):
            return any(map(_may_return, (*then, *orelse)))
    return False
