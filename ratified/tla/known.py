"""Numbers as sums, and what is known of them where an expression stands.

Guarantees: what is learned of a test follows from it; a sum that is told to be natural is not negative.
"""

from __future__ import annotations

from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Expr
from ratified.language.types import (
    IntType,
    OptionalType,
    SortType,
)
from ratified.tla import linear
from ratified.tla.formulas import ZERO, number
from ratified.tla.linear import Sum, constant, plus
from ratified.tla.scope import Frame
from ratified.tla.syntax import Atom, Infix, Prefix, Tla
from ratified.tla.vocabulary import Vocabulary


class Known(Vocabulary):
    """What follows from tests that were passed."""

    def expr(self, node: Expr, f: Frame) -> Tla:
        """An expression in TLA+."""
        raise NotImplementedError

    def sum(self, node: Expr, f: Frame) -> Sum:
        """A number (or ordered value) as a sum of terms."""
        match node:
            case ir.Literal(_, IntType(), value) if isinstance(value, int):
                return constant(int(value))
            case ir.Literal(_, SortType(), value) if isinstance(value, int):
                return constant(int(value))
            case ir.Arithmetic(_, _, "+", left, right):
                return plus(self.sum(left, f), self.sum(right, f))
            case ir.Arithmetic(_, _, "-", left, right):
                return plus(self.sum(left, f), self.sum(right, f), -1)
            case ir.Shift(_, _, operand, steps):
                return plus(self.sum(operand, f), self.sum(steps, f))
            case ir.Fit(_, _, operand, _) | ir.Narrow(_, _, operand) | ir.Widen(_, _, operand):
                return self.sum(operand, f)
            case ir.Negative(_, _, operand):
                return plus({}, self.sum(operand, f), -1)
            case ir.Endpoint(_, _, False):
                return constant(0)
            case ir.Number(_, _, operand) if isinstance(operand.type, SortType) and operand.type.ordered:
                return self.sum(operand, f)
            case ir.Local(_, _, name) if name in f.sums:
                return f.sums[name]
        return self._term(node, self.expr(node, f))

    def _term(self, node: Expr, made: Tla) -> Sum:
        t = node.type
        if isinstance(t, OptionalType):
            t = t.item
        low = self.resolved(t).low if isinstance(t, IntType) else None
        counted = ir.Length | ir.Number | ir.Count | ir.IndexOf | ir.Absolute
        natural = isinstance(node, counted) or isinstance(t, SortType) or (isinstance(low, int) and low >= 0)
        return {self.term(made, natural=natural): 1}

    def term(self, made: Tla, *, natural: bool) -> str:
        """The term of a sum that an expression is. Whether it may be negative is a part of it: a name may mean many things."""
        key = str(made) if natural else f"{made}\0"
        self.terms.setdefault(key, made)
        if natural:
            self.naturals.add(key)
        return key

    def natural(self, form: Sum, f: Frame) -> bool:
        """Whether a sum is certainly not negative."""
        return linear.follows(form, f.facts, self.naturals)

    def summed(self, form: Sum) -> Tla:
        """A sum, written out."""
        made: Tla | None = None
        for term, count in sorted(form.items(), key=lambda pair: (pair[1] < 0, not pair[0])):
            if not count:
                continue
            size = abs(count)
            part: Tla = number(size) if not term else self.terms[term]
            if term and size > 1:
                part = Infix("*", number(size), part)
            first = part if count > 0 else Prefix("-", part)
            made = first if made is None else Infix("+" if count > 0 else "-", made, part)
        return made or ZERO

    def learned(self, test: Expr, truth: bool, f: Frame) -> Frame:
        """A frame in which a test is known to be true, or to be false."""
        match test:
            case ir.Not(_, _, operand):
                return self.learned(operand, not truth, f)
            case ir.And(_, _, operands) if truth:
                for operand in operands:
                    f = self.learned(operand, True, f)
                return f
            case ir.Or(_, _, operands) if not truth:
                for operand in operands:
                    f = self.learned(operand, False, f)
                return f
            case ir.Compare(_, _, op, left, right) if isinstance(left.type, IntType | SortType):
                return f.knowing(*self._order(op if truth else _OPPOSITE[op], left, right, f))
            case ir.IsLast(_, _, operand) if not truth:
                return f.knowing(plus(plus(self._last(operand), self.sum(operand, f), -1), constant(-1)))
            case ir.In(_, _, item, container) if truth:
                f = f.knowing(*self._within_range(item, container, f))
                return replace(f, present=f.present | {str(self.expr(test, f))})
        return f

    def _last(self, operand: Expr) -> Sum:
        assert isinstance(operand.type, SortType)
        return {self.term(Atom(self.last_of(operand.type.sort)), natural=True): 1}

    def _order(self, op: str, left: Expr, right: Expr, f: Frame) -> list[Sum]:
        """What a comparison says, as sums that are not negative."""
        if any(isinstance(s.type, SortType) and not s.type.ordered for s in (left, right)):
            return []
        difference = plus(self.sum(right, f), self.sum(left, f), -1)
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
        return [plus(way, less) for way in (difference, back) if self.natural(way, f)]

    def _within_range(self, item: Expr, container: Expr, f: Frame) -> list[Sum]:
        if not isinstance(container, ir.IntRange) or not isinstance(item.type, IntType):
            return []
        return self._range_facts(self.sum(item, f), container, f)

    def _range_facts(self, item: Sum, container: ir.IntRange, f: Frame) -> list[Sum]:
        low, high = self.sum(container.low, f), self.sum(container.high, f)
        return [plus(item, low, -1), plus(plus(high, item, -1), constant(-1))]


_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
