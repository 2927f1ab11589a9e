"""Where a step would leave a bound that the model declares: the language does not take it, and TLA+ is told so by a guard.

Guarantees: what a step stores is within bounds exactly if the type invariant holds afterwards, which the next-state relation
asks; `within` gives guards for what is computed on the way there and not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.inline import Inliner
from ratified.language.ir import Expr
from ratified.language.types import SortType
from ratified.tla.comprehensions import bind
from ratified.tla.context import TlaContext
from ratified.tla.formulas import QuantifiedTla, all_of, if_else, negated
from ratified.tla.known import all_learned, learned, natural, sum_of, tested
from ratified.tla.linear import constant, plus
from ratified.tla.syntax import Infix, Leaf, Tla
from ratified.tla.typesets import belongs

_KEPT = ir.Fit | ir.Widen | ir.Narrow | ir.MakeRecord | ir.MakeSet | ir.MakeSeq | ir.MakeTuple
"""What a kept value is made by: what it is made of is kept, too."""


def within(node: Expr, f: TlaContext, *, stored: bool = False) -> list[Tla]:
    """That computing an expression leaves no bound; `stored` if its value is kept, and so is asked about afterwards."""
    return _within(node, f, stored) if f.words.uses.may_leave(node) else []


def _within(node: Expr, f: TlaContext, stored: bool) -> list[Tla]:
    match node:
        case ir.And(_, _, operands):
            return _in_turn(operands, f, True)
        case ir.Or(_, _, operands):
            return _in_turn(operands, f, False)
        case ir.IfElse(_, _, test, then, orelse):
            sides = [
                all_of(within(side, learned(test, truth, f), stored=stored))
                for side, truth in ((then, True), (orelse, False))
            ]
            chosen = if_else(f.expr(test), *sides, truth=True)
            return [*within(test, f), *_unless_true(chosen)]
        case ir.Collect():
            return _within_collect(node, f)
        case ir.Call():
            written = Inliner(f.words.module).call(node)
            here = [g for a in node.arguments for g in within(a, f)]
            if written is None or not f.words.uses.function(node.function).leaves:
                return here
            return within(written, f, stored=stored)
        case ir.Fit(_, _, operand, _):
            inner = within(operand, f, stored=stored)
            return inner if stored or f.words.uses.certain(node) else [*inner, *_fits(node, f)]
        case ir.Shift() | ir.Numbered():
            return _not_past_last(node, f, stored)
        case ir.Insert(_, _, container, item):
            return [*within(container, f, stored=stored), *within(item, f, stored=stored)]
        case ir.Concat(_, _, left, right) | ir.SetOp(_, _, "|", left, right):
            return [*within(left, f, stored=stored), *within(right, f, stored=stored)]
        case ir.With(_, _, container, key, value):
            kept = [*within(container, f, stored=stored), *within(value, f, stored=stored)]
            return [*kept, *within(key, f)]
    keep = stored and isinstance(node, _KEPT)
    return [
        g for child in ir.children(node) if isinstance(child, Expr) for g in within(child, f, stored=keep)
    ]


def _in_turn(operands: Sequence[Expr], f: TlaContext, truth: bool) -> list[Tla]:
    """Operands of which each is computed only if those before it do not decide."""
    made: list[Tla] = []
    before: list[Tla] = []
    for operand in operands:
        for guard in within(operand, f):
            if not before:
                made.append(guard)
            elif truth:
                made.append(Infix("=>", all_of(before), guard))
            else:
                made.append(Infix("=>", all_of(map(negated, before)), guard))
        before.append(f.expr(operand))
        f = learned(operand, truth, f)
    return made


def _within_collect(node: ir.Collect, f: TlaContext) -> list[Tla]:
    made = [] if node.default is None else within(node.default, f)
    made += within(node.clauses[0].domain, f)

    def level(clauses: Sequence[ir.Clause], inner: TlaContext) -> Tla:
        if not clauses:
            parts = [node.element, *([node.key] if node.key else [])]
            return all_of([g for part in parts for g in within(part, inner)])
        clause, rest = clauses[0], clauses[1:]
        deeper, bound = bind(clause, inner)
        guards: list[Tla] = list(_in_turn(clause.conditions, deeper, True))
        tests = tested(clause.conditions, deeper)
        deeper = all_learned(clause.conditions, deeper)
        if rest:
            guards += within(rest[0].domain, deeper)
        body = level(rest, deeper)
        if str(body) != "TRUE":
            guards.append(Infix("=>", all_of(tests), body) if tests else body)
        whole = all_of(guards)
        return whole if str(whole) == "TRUE" else QuantifiedTla("\\A", (bound,), whole)

    return [*made, *_unless_true(level(node.clauses, f))]


def _fits(node: ir.Fit, f: TlaContext) -> list[Tla]:
    return belongs(f.expr(node.operand), node.type, f.words, f.names)


def _not_past_last(node: ir.Shift | ir.Numbered, f: TlaContext, stored: bool) -> list[Tla]:
    parts = (node.operand, node.steps) if isinstance(node, ir.Shift) else (node.index,)
    made = [g for part in parts for g in within(part, f)]
    assert isinstance(node.type, SortType)
    if stored or not node.type.ordered:
        return made
    last = {f.words.terms.of(Leaf(f.words.last_of(node.type.sort)), natural=True): 1}
    moved = sum_of(node, f)
    facts = [*f.facts]
    if isinstance(node, ir.Shift):
        facts.append(plus(last, sum_of(node.operand, f), -1))
    room = plus(last, moved, -1)
    if natural(room, replace(f, facts=tuple(facts))):
        return made
    less = plus(moved, constant(-1))
    if moved.get("", 0) == 1:
        return [*made, Infix("<", f.words.terms.written(less), Leaf(f.words.last_of(node.type.sort)))]
    return [*made, Infix("<=", f.words.terms.written(moved), Leaf(f.words.last_of(node.type.sort)))]


def _unless_true(guard: Tla) -> list[Tla]:
    return [] if str(guard) == "TRUE" else [guard]
