"""Sets of sets and of sequences: functions that say in the language what `subsets` and `permutations` are.

Guarantees: a function for each type of elements, that every engine treats as it treats the author's own.
"""

from __future__ import annotations

import ast

from ratified.language import ir
from ratified.language.api import MOST_IN_SUBSETS, MOST_SEQUENCES
from ratified.language.compile.context import Context
from ratified.language.errors import Span
from ratified.language.ir import Argument, Clause, Expr, Function, Kind, Node
from ratified.language.types import (
    BOOL,
    INT,
    BoundExpression,
    SeqType,
    SetType,
    SortType,
    Type,
    element_type,
    unbounded,
)


def as_set(c: Context, domain: Expr, node: ast.expr) -> Expr:
    """What is run through, as a set."""
    if isinstance(domain.type, SetType):
        return domain
    item = element_type(domain.type)
    if item is None:
        c.fail(node, f"{domain.type} has no subsets", "give a sort, an Enum or a set")
    each = ir.Local(domain.span, item, "item_")
    return ir.Collect(domain.span, SetType(unbounded(item)), "set", each, (Clause(("item_",), domain, ()),))


def _word(of: object) -> str:
    return "".join(ch if ch.isalnum() else "_" for ch in str(of)).strip("_")


def _function(
    name: str, of: Type, span: Span, arguments: tuple[Argument, ...], returns: Type, body: tuple[Node, ...]
) -> Function:
    written = _word(of)
    key = f"ratified.{name}_{written}"
    return Function(key, f"{name}_{written}", Kind.HELPER, arguments, returns, body, span, "")


def subsets_of(of: Type, span: Span, *, sized: bool) -> Function:
    """All subsets of a set, or those of a size."""
    assert isinstance(of, SetType)
    sets = SetType(SetType(of.item))
    whole, size = ir.Local(span, of, "whole"), ir.Local(span, INT, "size")
    given = (Argument("whole", of), *((Argument("size", INT),) if sized else ()))
    part = ir.Local(span, SetType(of.item), "part")
    fits: tuple[Expr, ...] = (
        (ir.Compare(span, BOOL, "==", ir.Length(span, INT, part), size),) if sized else ()
    )
    if isinstance(of.item, SortType):
        among = ir.Subsets(span, sets, of.item, size if sized else None)
        inside = ir.Compare(span, BOOL, "<=", part, whole)
        made: Expr = ir.Collect(span, sets, "set", part, (Clause(("part",), among, (inside,)),))
        body: tuple[Node, ...] = (ir.Return(span, made),)
    else:
        found = ir.Local(span, sets, "found")
        x = ir.Local(span, of.item, "x")
        larger = ir.Collect(
            span, sets, "set", ir.Insert(span, part.type, part, x), (Clause(("part",), found, ()),)
        )
        right = ir.Collect(span, sets, "set", part, (Clause(("part",), found, fits),)) if sized else found
        few = ir.Compare(
            span, BOOL, "<=", ir.Length(span, INT, whole), ir.Literal(span, INT, MOST_IN_SUBSETS)
        )
        body = (
            ir.Assert(span, few),
            ir.Let(span, ("found",), ir.MakeSet(span, sets, (ir.MakeSet(span, part.type, ()),))),
            ir.For(
                span, ("x",), whole, (ir.Let(span, ("found",), ir.SetOp(span, sets, "|", found, larger)),)
            ),
            ir.Return(span, right),
        )
    return _function("subsets_of_size" if sized else "subsets", of, span, given, sets, body)


def sequences_of(of: Type, most: BoundExpression, length: Expr, span: Span) -> Function:
    """All sequences of at most so many elements of a set."""
    assert isinstance(of, SetType)
    row = SeqType(of.item)
    rows = SetType(row)
    whole, found, total = (
        ir.Local(span, of, "whole"),
        ir.Local(span, rows, "found"),
        ir.Local(span, INT, "total"),
    )
    some, x = ir.Local(span, row, "some"), ir.Local(span, of.item, "x")
    longer = ir.Fit(span, SeqType(of.item, most), ir.Insert(span, row, some, x), "sequences")
    clauses = (Clause(("some",), found, ()), Clause(("x",), whole, ()))
    one, limit = ir.Literal(span, INT, 1), ir.Literal(span, INT, MOST_SEQUENCES)
    several = ir.Arithmetic(span, INT, "*", total, ir.Length(span, INT, whole))
    empty = ir.MakeSet(span, rows, (ir.MakeSeq(span, row, ()),))
    all_longer = ir.Collect(span, rows, "set", longer, clauses)
    counted = ir.Let(span, ("total",), ir.Arithmetic(span, INT, "+", several, one))
    grown = ir.Let(span, ("found",), ir.SetOp(span, rows, "|", empty, all_longer))
    turns = ir.IntRange(span, SeqType(INT), ir.Literal(span, INT, 0), length)
    zero = ir.Literal(span, INT, 0)
    body: tuple[Node, ...] = (
        *(() if isinstance(most, int) else (ir.Assert(span, ir.Compare(span, BOOL, ">=", length, zero)),)),
        ir.Let(span, ("total",), one),
        ir.For(span, ("turn",), turns, (counted,)),
        ir.Assert(span, ir.Compare(span, BOOL, "<=", total, limit)),
        ir.Let(span, ("found",), empty),
        ir.For(span, ("turn",), turns, (grown,)),
        ir.Return(span, found),
    )
    return _function(f"sequences_{_word(most)}", of, span, (Argument("whole", of),), rows, body)


def _few(length: Expr, most: int) -> Node:
    """That there are so few."""
    limit = ir.Literal(length.span, INT, most)
    return ir.Assert(length.span, ir.Compare(length.span, BOOL, "<=", length, limit))


def permutations_of(of: Type, span: Span, most: int | None) -> Function:
    """All sequences in which each element of a set stands once; an error in the model for a set of more than `most`."""
    assert isinstance(of, SetType)
    row = SeqType(of.item)
    rows = SetType(row)
    whole, found = ir.Local(span, of, "whole"), ir.Local(span, rows, "found")
    some, x = ir.Local(span, row, "some"), ir.Local(span, of.item, "x")
    longer: Expr = ir.Insert(span, row, some, x)
    if isinstance(of.item, SortType):
        longer = ir.Fit(span, SeqType(of.item, f"len({of.item.sort.__name__})"), longer, "permutations")
    other = ir.Not(span, BOOL, ir.In(span, BOOL, x, some))
    clauses = (Clause(("some",), found, ()), Clause(("x",), whole, (other,)))
    length = ir.Length(span, INT, whole)
    body = (
        *(() if most is None else (_few(length, most),)),
        ir.Let(span, ("found",), ir.MakeSet(span, rows, (ir.MakeSeq(span, row, ()),))),
        ir.For(
            span,
            ("turn",),
            whole,
            (ir.Let(span, ("found",), ir.Collect(span, rows, "set", longer, clauses)),),
        ),
        ir.Return(span, found),
    )
    return _function(
        "permutations" if most is None else "few_permutations", of, span, (Argument("whole", of),), rows, body
    )
