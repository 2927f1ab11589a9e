"""Loops over what is written out, turn by turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ratified.language import ir
from ratified.language.ir import Expr, Function, Node
from ratified.language.lower.trees import names_in, new_names, with_body
from ratified.language.types import INT

TURNS_MOST = 16
"""A longer constant range is left as it is."""


def unrolled(function: Function) -> Function:
    """A function without loops over displays of sequences, sets of one element, and constant ranges.

    A display is evaluated once, before its loop. Of a set of several elements neither the order nor how many there are is known
    before it is evaluated, so that its loop stays.
    """
    new = new_names(names_in(function))
    return with_body(function, tuple(_block(function.body, new)))


def _block(body: Sequence[Node], new: Callable[[str], str]) -> list[Node]:
    found: list[Node] = []
    for statement in body:
        match statement:
            case ir.If(span, test, then, orelse):
                a, b = tuple(_block(then, new)), tuple(_block(orelse, new))
                found.append(statement if (a, b) == (then, orelse) else ir.If(span, test, a, b))
            case ir.For(span, names, domain, inner):
                found += _loop(ir.For(span, names, domain, tuple(_block(inner, new))), statement, new)
            case _:
                found.append(statement)
    return found


def _loop(loop: ir.For, before: ir.For, new: Callable[[str], str]) -> list[Node]:
    items = _items(loop.domain)
    if items is None:
        return [before if loop.body == before.body else loop]
    kept = [new(loop.names[0]) for _ in items]
    found: list[Node] = [ir.Let(item.span, (name,), item) for name, item in zip(kept, items, strict=True)]
    for name, item in zip(kept, items, strict=True):
        found += [ir.Let(loop.span, loop.names, ir.Local(item.span, item.type, name)), *loop.body]
    return found


def _items(domain: Expr) -> Sequence[Expr] | None:
    match domain:
        case ir.MakeSeq(items=items):
            return items
        case ir.MakeSet(items=items) if len(items) <= 1:
            return items
        case ir.IntRange(low=ir.Literal(value=int(low)), high=ir.Literal(value=int(high))):
            if high - low <= TURNS_MOST:
                return [ir.Literal(domain.span, INT, i) for i in range(low, high)]
    return None
