"""`break` and `continue`, said with conditionals: the intermediate form has no jumps.

Guarantees: what follows a `continue` in its turn, or a `break` in its loop, is not done; nothing is said twice unless both
branches of a conditional go on and one of them may leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.ir import Node
from ratified.language.types import BOOL


@dataclass(frozen=True, slots=True)
class Leave(Node):
    """The end of a turn, or of the whole `loop`. It stands in no finished tree."""

    loop: bool


def is_left(loop: ir.For) -> bool:
    """Whether a loop has a `break`."""
    return any(isinstance(n, Leave) and n.loop for s in loop.body for n in _own(s))


def jumpless(loop: ir.For, left: str | None) -> list[Node]:
    """A loop without jumps of its own; those of loops inside are gone already. `left` is a free name, if it has a `break`."""
    body = _turn(loop.body, left or "")
    if left is None:
        return [ir.For(loop.span, loop.names, loop.domain, tuple(body))]
    going_on = ir.Not(loop.span, BOOL, ir.Local(loop.span, BOOL, left))
    turn = ir.If(loop.span, going_on, tuple(body), ())
    return [_is_left(loop.span, left, False), ir.For(loop.span, loop.names, loop.domain, (turn,))]


def _is_left(span: Span, left: str, value: bool) -> Node:
    return ir.Let(span, (left,), ir.Literal(span, BOOL, value))


def _own(node: Node) -> list[Node]:
    """A statement and those in its branches."""
    if isinstance(node, ir.If):
        return [node, *(n for s in (*node.then, *node.orelse) for n in _own(s))]
    return [node]


def _turn(body: Sequence[Node], left: str) -> list[Node]:
    found: list[Node] = []
    for i, statement in enumerate(body):
        if isinstance(statement, Leave):
            return [*found, _is_left(statement.span, left, True)] if statement.loop else found
        if isinstance(statement, ir.If) and any(isinstance(n, Leave) for n in _own(statement)):
            rest = body[i + 1 :]
            then, orelse = (_turn((*b, *rest), left) for b in (statement.then, statement.orelse))
            return [*found, ir.If(statement.span, statement.test, tuple(then), tuple(orelse))]
        found.append(statement)
        if isinstance(statement, ir.Return):
            return found
    return found


def answering(body: Sequence[Node]) -> tuple[Node, ...]:
    """A body of a function with a value that does not end with `assert False`: what must be so is asserted before the rest."""
    for i, statement in enumerate(body):
        if isinstance(statement, ir.If):
            rest = body[i + 1 :]
            then, orelse = statement.then, statement.orelse
            if rest and _is_failure(rest[-1]) and (_ends(then) or _ends(orelse)):
                then = then if _ends(then) else (*then, *rest)
                orelse = orelse if _ends(orelse) else (*orelse, *rest)
                rest = ()
            then, orelse = answering(then), answering(orelse)
            made: tuple[Node, ...] = (ir.If(statement.span, statement.test, then, orelse),)
            if len(orelse) == 1 and _is_failure(orelse[0]):
                made = (ir.Assert(orelse[0].span, statement.test), *then)
            elif len(then) == 1 and _is_failure(then[0]):
                made = (ir.Assert(then[0].span, ir.Not(statement.span, BOOL, statement.test)), *orelse)
            return (*body[:i], *made, *answering(rest))
    return tuple(body)


def fails_last(body: Sequence[Node]) -> bool:
    """Whether control may come to an `assert False` at the end of statements."""
    match body[-1] if body else None:
        case ir.If(_, _, then, orelse):
            return fails_last(then) or fails_last(orelse)
        case ir.Assert() as last:
            return _is_failure(last)
    return False


def _is_failure(node: Node) -> bool:
    return isinstance(node, ir.Assert) and isinstance(node.test, ir.Literal) and node.test.value is False


def _ends(body: Sequence[Node]) -> bool:
    """Whether control never goes past the end of statements."""
    return any(
        isinstance(s, ir.Return)
        or _is_failure(s)
        or (isinstance(s, ir.If) and _ends(s.then) and _ends(s.orelse))
        for s in body
    )
