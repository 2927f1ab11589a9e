"""Where a step would leave a bound that the model declares: the language does not take it, and TLA+ is told so by a guard.

Guarantees: what a step stores is within bounds exactly if the type invariant holds afterwards, which the next-state relation
asks; `within` gives guards for what is computed on the way there and not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.inline import Inliner
from ratified.language.ir import Expr, Function
from ratified.language.types import IntType, SortType, resolved
from ratified.tla.expressions import Expressions
from ratified.tla.formulas import Quantified, all_of, if_else, negated
from ratified.tla.linear import constant, plus
from ratified.tla.scope import Frame
from ratified.tla.syntax import Infix, Tla

_KEPT = ir.Fit | ir.Widen | ir.Narrow | ir.MakeRecord | ir.MakeSet | ir.MakeSeq | ir.MakeTuple
"""What a kept value is made by: what it is made of is kept, too."""


class Bounds(Expressions):
    """Guards for bounds."""

    def within(self, node: Expr, f: Frame, *, stored: bool = False) -> list[Tla]:
        """That computing an expression leaves no bound; `stored` if its value is kept, and so is asked about afterwards."""
        if self.initial_values or not self._may_leave(node):
            return []
        return self._within(node, f, stored)

    initial_values = False

    def _may_leave(self, node: Expr) -> bool:
        for inner in ir.walk(node):
            if isinstance(inner, ir.Fit) and not self._certain(inner):
                return True
            if isinstance(inner, ir.Shift | ir.Numbered):
                return True
            if isinstance(inner, ir.Call) and self._function_may_leave(self.module.functions[inner.function]):
                return True
        return False

    def may_leave(self, called: Function) -> bool:
        """Whether running a function may leave a bound, as far as its text tells."""
        for statement in called.body:
            for node in ir.walk(statement):
                if isinstance(node, ir.Fit) and not self._certain(node):
                    return True
                if isinstance(node, ir.Shift | ir.Numbered):
                    return True
                if isinstance(node, ir.Call | ir.Do) and self.may_leave(self.module.functions[node.function]):
                    return True
        return False

    def _function_may_leave(self, called: Function) -> bool:
        return any(
            isinstance(n, ir.Fit | ir.Shift | ir.Numbered)
            or (isinstance(n, ir.Call) and self._function_may_leave(self.module.functions[n.function]))
            for s in called.body
            for n in ir.walk(s)
        )

    def _within(self, node: Expr, f: Frame, stored: bool) -> list[Tla]:
        match node:
            case ir.And(_, _, operands):
                return self._in_turn(operands, f, True)
            case ir.Or(_, _, operands):
                return self._in_turn(operands, f, False)
            case ir.IfElse(_, _, test, then, orelse):
                sides = [
                    all_of(self.within(side, self.learned(test, truth, f), stored=stored))
                    for side, truth in ((then, True), (orelse, False))
                ]
                chosen = if_else(self.expr(test, f), *sides, truth=True)
                return [*self.within(test, f), *_unless_true(chosen)]
            case ir.Collect():
                return self._within_collect(node, f)
            case ir.Call():
                written = Inliner(self.module).call(node)
                here = [g for a in node.arguments for g in self.within(a, f)]
                if written is None or not self._function_may_leave(self.module.functions[node.function]):
                    return here
                return self.within(written, f, stored=stored)
            case ir.Fit(_, _, operand, _):
                inner = self.within(operand, f, stored=stored)
                return inner if stored or self._certain(node) else [*inner, *self._fits(node, f)]
            case ir.Shift() | ir.Numbered():
                return self._not_past_last(node, f, stored)
            case ir.Insert(_, _, container, item):
                return [*self.within(container, f, stored=stored), *self.within(item, f, stored=stored)]
            case ir.Concat(_, _, left, right) | ir.SetOp(_, _, "|", left, right):
                return [*self.within(left, f, stored=stored), *self.within(right, f, stored=stored)]
            case ir.With(_, _, container, key, value):
                kept = [*self.within(container, f, stored=stored), *self.within(value, f, stored=stored)]
                return [*kept, *self.within(key, f)]
        keep = stored and isinstance(node, _KEPT)
        return [
            g
            for child in ir.children(node)
            if isinstance(child, Expr)
            for g in self.within(child, f, stored=keep)
        ]

    def _in_turn(self, operands: Sequence[Expr], f: Frame, truth: bool) -> list[Tla]:
        """Operands of which each is computed only if those before it do not decide."""
        made: list[Tla] = []
        before: list[Tla] = []
        for operand in operands:
            for guard in self.within(operand, f):
                if not before:
                    made.append(guard)
                elif truth:
                    made.append(Infix("=>", all_of(before), guard))
                else:
                    made.append(Infix("=>", all_of(map(negated, before)), guard))
            before.append(self.expr(operand, f))
            f = self.learned(operand, truth, f)
        return made

    def _within_collect(self, node: ir.Collect, f: Frame) -> list[Tla]:
        made = [] if node.default is None else self.within(node.default, f)
        made += self.within(node.clauses[0].domain, f)

        def level(clauses: Sequence[ir.Clause], inner: Frame) -> Tla:
            if not clauses:
                parts = [node.element, *([node.key] if node.key else [])]
                return all_of([g for part in parts for g in self.within(part, inner)])
            clause, rest = clauses[0], clauses[1:]
            deeper, bound = self.bind(clause, inner)
            guards: list[Tla] = list(self._in_turn(clause.conditions, deeper, True))
            tests = self.conditions(clause.conditions, deeper)
            deeper = self.knowing_all(clause.conditions, deeper)
            if rest:
                guards += self.within(rest[0].domain, deeper)
            body = level(rest, deeper)
            if str(body) != "TRUE":
                guards.append(Infix("=>", all_of(tests), body) if tests else body)
            whole = all_of(guards)
            return whole if str(whole) == "TRUE" else Quantified("\\A", (bound,), whole)

        return [*made, *_unless_true(level(node.clauses, f))]

    def _certain(self, node: ir.Fit) -> bool:
        """Whether a value is of a type that is no larger than the one it must fit."""
        try:
            given, wanted = (resolved(t, self.model.scope) for t in (node.operand.type, node.type))
        except Exception:  # noqa: BLE001  # a bound that cannot be known here
            return False
        if given == wanted:
            return True
        match given, wanted:
            case IntType(int(a), int(b)), IntType(int(c), int(d)):
                return c <= a and b <= d
        if isinstance(node.operand, ir.Literal) and isinstance(wanted, IntType):
            value = node.operand.value
            return isinstance(value, int) and _between(wanted.low, value, wanted.high)
        return False

    def _fits(self, node: ir.Fit, f: Frame) -> list[Tla]:
        return self.belongs(self.expr(node.operand, f), node.type, f.names)

    def _not_past_last(self, node: ir.Shift | ir.Numbered, f: Frame, stored: bool) -> list[Tla]:
        parts = (node.operand, node.steps) if isinstance(node, ir.Shift) else (node.index,)
        made = [g for part in parts for g in self.within(part, f)]
        assert isinstance(node.type, SortType)
        if stored or not node.type.ordered:
            return made
        last = {self.term(self.atom(self.last_of(node.type.sort)), natural=True): 1}
        moved = self.sum(node, f)
        facts = [*f.facts]
        if isinstance(node, ir.Shift):
            facts.append(plus(last, self.sum(node.operand, f), -1))
        room = plus(last, moved, -1)
        if self.natural(room, replace(f, facts=tuple(facts))):
            return made
        less = plus(moved, constant(-1))
        if moved.get("", 0) == 1:
            return [*made, Infix("<", self.summed(less), self.atom(self.last_of(node.type.sort)))]
        return [*made, Infix("<=", self.summed(moved), self.atom(self.last_of(node.type.sort)))]

    @staticmethod
    def atom(text: str) -> Tla:
        """A name."""
        from ratified.tla.syntax import Atom

        return Atom(text)


def _between(low: object, value: int, high: object) -> bool:
    return isinstance(low, int) and isinstance(high, int) and low <= value <= high


def _unless_true(guard: Tla) -> list[Tla]:
    return [] if str(guard) == "TRUE" else [guard]
