"""Rare kinds of nodes said with common ones."""

from __future__ import annotations

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.ir import Clause, Expr, Function
from ratified.language.lower.trees import NewName, everywhere, names_in, new_names
from ratified.language.types import BOOL, INT, SeqType, SetType, SortType, TupleType


def without_synonyms(function: Function) -> Function:
    """A function without `Negative IsLast`, which are other words for what one other node says."""
    return everywhere(function, _plainly)


def _plainly(node: Expr) -> Expr:
    match node:
        case ir.Negative(span, _, operand):
            return _minus(span, operand)
        case ir.IsLast(span, _, operand):
            assert isinstance(operand.type, SortType)
            return ir.Compare(span, BOOL, "==", operand, ir.Endpoint(span, operand.type, last=True))
    return node


def desugared(function: Function) -> Function:
    """A function without `Negative Absolute IsLast Disjoint IndexOf Zip`."""
    new = new_names(names_in(function))

    def change(node: Expr) -> Expr:
        match node:
            case ir.Absolute(span, t, operand):
                below = ir.Compare(span, BOOL, "<", operand, ir.Literal(span, INT, 0))
                return ir.IfElse(span, t, below, _minus(span, operand), operand)
            case ir.Disjoint(span, _, left, right):
                return _disjoint(span, left, right, new)
            case ir.IndexOf():
                return _first_position(node, new)
            case ir.Zip(span, t, left, right):
                return _pairs(node, left, right, new)
        return _plainly(node)

    return everywhere(function, change)


def _minus(span: Span, operand: Expr) -> Expr:
    return ir.Arithmetic(span, INT, "-", ir.Literal(span, INT, 0), operand)


def _disjoint(span: Span, left: Expr, right: Expr, new: NewName) -> Expr:
    assert isinstance(left.type, SetType)
    name = new("x")
    apart = ir.Not(span, BOOL, ir.In(span, BOOL, ir.Local(span, left.type.item, name), right))
    return ir.Collect(span, BOOL, "all", apart, (Clause((name,), left, ()),))


def _first_position(node: ir.IndexOf, new: NewName) -> Expr:
    """The least position at which the item is; where there is none, `min` of nothing is an error as well."""
    assert isinstance(node.container.type, SeqType)
    span, item = node.span, node.container.type.item
    i, x = new("i"), new("x")
    pairs = ir.Convert(span, SeqType(TupleType((INT, item))), "enumerate", node.container)
    same = ir.Compare(span, BOOL, "==", ir.Local(span, item, x), node.item)
    return ir.Collect(span, INT, "min", ir.Local(span, INT, i), (Clause((i, x), pairs, (same,)),))


def _pairs(node: ir.Zip, left: Expr, right: Expr, new: NewName) -> Expr:
    assert isinstance(node.type, SeqType)
    span, i, n = node.span, new("i"), new("n")
    lengths = (ir.Length(span, INT, left), ir.Length(span, INT, right))
    both = ir.MakeSeq(span, SeqType(INT), lengths)
    shorter = ir.Collect(span, INT, "min", ir.Local(span, INT, n), (Clause((n,), both, ()),))
    here = ir.Local(span, INT, i)
    positions = ir.IntRange(span, SeqType(INT), ir.Literal(span, INT, 0), shorter)
    parts = tuple(ir.At(span, s.type.item, s, here) for s in (left, right))  # type: ignore[attr-defined]  # sequences
    pair = ir.MakeTuple(span, node.type.item, parts)
    return ir.Collect(span, node.type, "seq", pair, (Clause((i,), positions, ()),))
