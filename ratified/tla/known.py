"""Numbers as sums, and what is known of them where an expression stands.

Guarantees: what is learned of a test follows from it; a sum that is told to be natural is not negative.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Expr
from ratified.language.types import IntType, OptionalType, SortType
from ratified.tla import linear
from ratified.tla.context import Frame
from ratified.tla.linear import Sum, constant, plus
from ratified.tla.syntax import Atom, Tla

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def sum_of(node: Expr, f: Frame) -> Sum:
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


def _term(node: Expr, made: Tla, f: Frame) -> Sum:
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


def natural(form: Sum, f: Frame) -> bool:
    """Whether a sum is certainly not negative."""
    return linear.follows(form, f.facts, f.words.terms.naturals)


def learned(test: Expr, truth: bool, f: Frame) -> Frame:
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


def _last(operand: Expr, f: Frame) -> Sum:
    assert isinstance(operand.type, SortType)
    return {f.words.terms.of(Atom(f.words.last_of(operand.type.sort)), natural=True): 1}


def _order(op: str, left: Expr, right: Expr, f: Frame) -> list[Sum]:
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


def _within_range(item: Expr, container: Expr, f: Frame) -> list[Sum]:
    if not isinstance(container, ir.IntRange) or not isinstance(item.type, IntType):
        return []
    return range_facts(sum_of(item, f), container, f)


def range_facts(item: Sum, container: ir.IntRange, f: Frame) -> list[Sum]:
    """What is known of a number in a range."""
    low, high = sum_of(container.low, f), sum_of(container.high, f)
    return [plus(item, low, -1), plus(plus(high, item, -1), constant(-1))]


def tested(tests: Iterable[Expr], f: Frame) -> list[Tla]:
    """Conditions, each in the knowledge of those before it."""
    made = []
    for test in tests:
        made.append(f.expr(test))
        f = learned(test, True, f)
    return made


def all_learned(tests: Iterable[Expr], f: Frame) -> Frame:
    """A frame in which all of these are true."""
    for test in tests:
        f = learned(test, True, f)
    return f
