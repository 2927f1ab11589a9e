"""Loops over what is written out, turn by turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.ir import Expr, Function, Node
from ratified.language.lower.trees import names_in, new_names, with_body
from ratified.language.types import BOOL, INT, BoolType, EnumType, MapType, SetType, Type

TURNS_MOST = 16
"""A longer constant range is left as it is."""


def unrolled(function: Function) -> Function:
    """A function without loops over displays of sequences, sets of one element, members of an Enum, and constant ranges.

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


def _members(t: Type, span: Span) -> Sequence[Expr] | None:
    """All values of a type that has the same ones at every size, in canonical order."""
    match t:
        case BoolType():
            return [ir.Literal(span, t, value) for value in (False, True)]
        case EnumType(enum):
            return [ir.Literal(span, t, value) for value in enum]
    return None


def _one_by_one(loop: ir.For, new: Callable[[str], str]) -> list[Node] | None:
    """A loop over some members of an Enum: a turn for each, if it is among them."""
    domain = loop.domain
    t = domain.type
    items = None
    if isinstance(t, SetType | MapType) and len(loop.names) == 1:
        items = _members(t.item if isinstance(t, SetType) else t.key, domain.span)
    if items is None:
        return None
    among = ir.Local(domain.span, t, new("among"))
    found: list[Node] = [ir.Let(domain.span, (among.name,), domain)]
    for item in items:
        turn = (ir.Let(loop.span, loop.names, item), *loop.body)
        found.append(ir.If(loop.span, ir.In(domain.span, BOOL, item, among), turn, ()))
    return found


def _loop(loop: ir.For, before: ir.For, new: Callable[[str], str]) -> list[Node]:
    items = _items(loop.domain)
    if items is None:
        plain = before if loop.body == before.body else loop
        return _one_by_one(loop, new) or [plain]
    kept = [new(loop.names[0]) for _ in items]
    found: list[Node] = [ir.Let(item.span, (name,), item) for name, item in zip(kept, items, strict=True)]
    for name, item in zip(kept, items, strict=True):
        found += [ir.Let(loop.span, loop.names, ir.Local(item.span, item.type, name)), *loop.body]
    return found


def _items(domain: Expr) -> Sequence[Expr] | None:
    match domain:
        case ir.MakeSeq(items=items):
            return items
        case ir.Universe(type=SetType(item)):
            return _members(item, domain.span)
        case ir.MakeSet(items=items) if len(items) <= 1:
            return items
        case ir.IntRange(low=ir.Literal(value=int(low)), high=ir.Literal(value=int(high))):
            if high - low <= TURNS_MOST:
                return [ir.Literal(domain.span, INT, i) for i in range(low, high)]
    return None
