"""Numbers as sums, and what is known of them where an expression stands.

Guarantees: what is learned of a test follows from it; a sum that is told to be natural is not negative.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Expr
from ratified.language.types import BoundExpression, IntType, OptionalType, SortType
from ratified.tla import linear
from ratified.tla.context import TlaContext
from ratified.tla.linear import LinearSum, constant, plus
from ratified.tla.syntax import Leaf, Tla

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def sum_of(node: Expr, f: TlaContext) -> LinearSum:
    """A number (or ordered value) as a sum of terms."""
    match node:
        case ir.Literal(_, IntType(), value) if isinstance(value, int):
            return constant(int(value))
        case ir.Literal(_, SortType(), value) if isinstance(value, int):
            return constant(int(value))
        case ir.Arithmetic(_, _, "+", left, right):
            return plus(sum_of(left, f), sum_of(right, f))
        case ir.Arithmetic(_, _, "-", left, right):
            return plus(sum_of(left, f), sum_of(right, f), -1)
        case ir.Shift(_, _, operand, steps):
            return plus(sum_of(operand, f), sum_of(steps, f))
        case ir.Fit(_, _, operand, _) | ir.Narrow(_, _, operand) | ir.Widen(_, _, operand):
            return sum_of(operand, f)
        case ir.Negative(_, _, operand):
            return plus({}, sum_of(operand, f), -1)
        case ir.Endpoint(_, _, False):
            return constant(0)
        case ir.Number(_, _, operand) if isinstance(operand.type, SortType) and operand.type.ordered:
            return sum_of(operand, f)
        case ir.Local(_, _, name) if name in f.sums:
            return f.sums[name]
    return _term(node, f.expr(node), f)


def _term(node: Expr, made: Tla, f: TlaContext) -> LinearSum:
    t = node.type
    if isinstance(t, OptionalType):
        t = t.item
    low = f.words.resolved(t).low if isinstance(t, IntType) else None
    counted = ir.Length | ir.Number | ir.Count | ir.IndexOf | ir.Absolute
    natural = isinstance(node, counted) or isinstance(t, SortType) or (isinstance(low, int) and low >= 0)
    return {f.words.terms.of(made, natural=natural or _is_rest(node)): 1}


def _is_rest(node: Expr) -> bool:
    """Whether this is what is left when something is divided by a positive number."""
    match node:
        case ir.Arithmetic(_, _, "%", _, ir.Literal(_, _, int(divisor))):
            return divisor > 0
    return False


def natural(form: LinearSum, f: TlaContext) -> bool:
    """Whether a sum is certainly not negative."""
    return linear.follows(form, f.facts, f.words.terms.naturals)


def learned(test: Expr, truth: bool, f: TlaContext) -> TlaContext:
    """A frame in which a test is known to be true, or to be false."""
    match test:
        case ir.Not(_, _, operand):
            return learned(operand, not truth, f)
        case ir.And(_, _, operands) if truth:
            for operand in operands:
                f = learned(operand, True, f)
            return f
        case ir.Or(_, _, operands) if not truth:
            for operand in operands:
                f = learned(operand, False, f)
            return f
        case ir.Compare(_, _, op, left, right) if isinstance(left.type, IntType | SortType):
            return f.knowing(*_order(op if truth else _OPPOSITE[op], left, right, f))
        case ir.IsLast(_, _, operand) if not truth:
            return f.knowing(plus(plus(_last(operand, f), sum_of(operand, f), -1), constant(-1)))
        case ir.In(_, _, item, container) if truth:
            f = f.knowing(*_within_range(item, container, f))
            return replace(f, present=f.present | {str(f.expr(test))})
    return f


def _last(operand: Expr, f: TlaContext) -> LinearSum:
    assert isinstance(operand.type, SortType)
    return {f.words.terms.of(Leaf(f.words.last_of(operand.type.sort)), natural=True): 1}


def _order(op: str, left: Expr, right: Expr, f: TlaContext) -> list[LinearSum]:
    """What a comparison says, as sums that are not negative."""
    if any(isinstance(s.type, SortType) and not s.type.ordered for s in (left, right)):
        return []
    difference = plus(sum_of(right, f), sum_of(left, f), -1)
    back = plus({}, difference, -1)
    less = constant(-1)
    match op:
        case "<":
            return [plus(difference, less)]
        case "<=":
            return [difference]
        case ">":
            return [plus(back, less)]
        case ">=":
            return [back]
        case "==":
            return [difference, back]
    return [plus(way, less) for way in (difference, back) if natural(way, f)]


def _within_range(item: Expr, container: Expr, f: TlaContext) -> list[LinearSum]:
    if not isinstance(container, ir.IntRange) or not isinstance(item.type, IntType):
        return []
    return range_facts(sum_of(item, f), container, f)


def range_facts(item: LinearSum, container: ir.IntRange, f: TlaContext) -> list[LinearSum]:
    """What is known of a number in a range."""
    above = [plus(item, low, -1) for low in _extremes(container.low, "max", f)]
    below = [plus(plus(high, item, -1), constant(-1)) for high in _extremes(container.high, "min", f)]
    return [*above, *below]


def _extremes(node: Expr, kind: str, f: TlaContext) -> list[LinearSum]:
    """A number, and if it is the least of some (or the greatest), each of these: what is below it is below them all."""
    added = constant(0)
    inner = node
    if isinstance(node, ir.Arithmetic) and node.op in "+-" and isinstance(node.right, ir.Literal):
        inner, added = node.left, plus({}, sum_of(node.right, f), 1 if node.op == "+" else -1)
    match inner:
        case ir.Collect(_, _, found, ir.Local(), (ir.Clause(_, ir.MakeSeq(_, _, items), ()),), None, None):
            if found == kind:
                return [sum_of(node, f), *(plus(sum_of(one, f), added) for one in items)]
    return [sum_of(node, f)]


def bound_sum(bound: BoundExpression, f: TlaContext) -> LinearSum | None:
    """A bound of a type as a sum; None if it is no sum of numbers and parameters."""
    return (
        constant(bound) if isinstance(bound, int) else _sum_in(ast.parse(bound.strip(), mode="eval").body, f)
    )


def _sum_in(node: ast.expr, f: TlaContext) -> LinearSum | None:
    match node:
        case ast.Constant(int(n)):
            return constant(n)
        case ast.Name(name):
            declared = next(p for p in f.words.module.parameters if p.name == name)
            assert f.words.module.span is not None
            return sum_of(ir.Parameter(f.words.module.span, declared.type, name), f)
        case ast.BinOp(left, ast.Add() | ast.Sub() as op, right):
            a, b = _sum_in(left, f), _sum_in(right, f)
            return None if a is None or b is None else plus(a, b, 1 if isinstance(op, ast.Add) else -1)
    return None


def tested(tests: Iterable[Expr], f: TlaContext) -> list[Tla]:
    """Conditions, each in the knowledge of those before it."""
    made = []
    for test in tests:
        made.append(f.expr(test))
        f = learned(test, True, f)
    return made


def all_learned(tests: Iterable[Expr], f: TlaContext) -> TlaContext:
    """A frame in which all of these are true."""
    for test in tests:
        f = learned(test, True, f)
    return f
