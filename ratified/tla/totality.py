"""Whether an expression certainly has a value where it stands, by what is known there.

Guarantees: what is said to be total raises no error in CPython. TLC may then compute its parts in any order, and more of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.inline import Inliner
from ratified.language.ir import Expr, Node
from ratified.language.types import INT, IntType, MapType, SeqType, SortType, Type
from ratified.tla.context import TlaContext
from ratified.tla.known import all_learned, bound_sum, learned, natural, range_facts, sum_of
from ratified.tla.linear import constant, plus
from ratified.tla.syntax import Leaf


def total(node: Expr, f: TlaContext) -> bool:
    """Whether an expression certainly has a value."""
    if not f.words.uses.may_fail(node):
        return True
    match node:
        case ir.And(_, _, operands):
            return _in_turn(operands, f, True)
        case ir.Or(_, _, operands):
            return _in_turn(operands, f, False)
        case ir.IfElse(_, _, test, then, orelse):
            sides = total(then, learned(test, True, f)) and total(orelse, learned(test, False, f))
            return total(test, f) and sides
        case ir.Call():
            written = Inliner(f.words.module).call(node)
            return written is not None and total(written, f)
        case ir.Collect():
            return _collects(node, f)
        case ir.At(_, _, container, key) if isinstance(container.type, SeqType):
            return total(container, f) and total(key, f) and _there(container, key, f)
        case ir.At(_, _, container, key) if isinstance(container.type, MapType) and isinstance(
            key.type, IntType
        ):
            return total(container, f) and total(key, f) and _is_key(container.type.key, key, f)
        case ir.Arithmetic(_, _, "//" | "%", left, right):
            positive = natural(plus(sum_of(right, f), constant(-1)), f)
            return positive and total(left, f) and total(right, f)
        case ir.Numbered(_, SortType(sort), ir.Literal(_, _, int(index))):
            return 0 <= index < f.words.model.scope.sizes.get(sort, 0)
        case ir.At() | ir.With() | ir.IndexOf() | ir.Pop() | ir.Remove() | ir.Subsets() | ir.Numbered():
            return False
        case ir.Shift(_, _, operand, steps):
            return natural(sum_of(node, f), f) and total(operand, f) and total(steps, f)
    return all(total(child, f) for child in ir.children(node) if isinstance(child, Expr))


def _in_turn(operands: Sequence[Expr], f: TlaContext, truth: bool) -> bool:
    for operand in operands:
        if not total(operand, f):
            return False
        f = learned(operand, truth, f)
    return True


def _there(container: Expr, key: Expr, f: TlaContext) -> bool:
    """Whether a position, counted from 0 or from the end, is one of a sequence."""
    place, length = sum_of(key, f), sum_of(ir.Length(container.span, INT, container), f)
    if set(place) <= {""} and place.get("", 0) < 0:
        return natural(plus(length, place), f)
    return natural(place, f) and natural(plus(plus(length, place, -1), constant(-1)), f)


def _is_key(t: Type, key: Expr, f: TlaContext) -> bool:
    """Whether a number is one of those that a map has keys for."""
    if not isinstance(t, IntType) or t.low is None or t.high is None:
        return False
    low, high, given = bound_sum(t.low, f), bound_sum(t.high, f), sum_of(key, f)
    if low is None or high is None:
        return False
    return natural(plus(given, low, -1), f) and natural(plus(high, given, -1), f)


def _collects(node: ir.Collect, f: TlaContext) -> bool:
    if node.kind in ("min", "max") and node.default is None and not _of_some(node.clauses):
        return False
    if node.default is not None and not total(node.default, f):
        return False
    inner = total_clauses(node.clauses, f)
    return inner is not None and all(total(part, inner) for part in (node.element, node.key) if part)


def _of_some(clauses: Sequence[ir.Clause]) -> bool:
    """Whether clauses certainly run through something: `min(a, b)`."""
    return all(isinstance(c.domain, ir.MakeSeq) and c.domain.items and not c.conditions for c in clauses)


def total_clauses(clauses: Sequence[ir.Clause], f: TlaContext) -> TlaContext | None:
    """A context inside clauses that certainly have values; None if one may have none."""
    for clause in clauses:
        if not total(clause.domain, f):
            return None
        f = _bound(clause, f)
        if not _in_turn(clause.conditions, f, True):
            return None
        f = all_learned(clause.conditions, f)
    return f


def _bound(clause: ir.Clause, f: TlaContext) -> TlaContext:
    names = f.names.inner()
    given = {name: Leaf(names.give(name)) for name in clause.names}
    inner = replace(f.inside(given), names=names)
    for name in given:
        inner.sums.pop(name, None)
    if isinstance(clause.domain, ir.IntRange) and len(given) == 1:
        (atom,) = given.values()
        term = f.words.terms.of(atom, natural=False)
        inner = inner.knowing(*range_facts({term: 1}, clause.domain, f))
    return inner


def total_loop(loop: ir.For, f: TlaContext) -> bool:
    """Whether the turns of a loop, but for its domain, certainly have values."""
    return _total_body(loop.body, _bound(ir.Clause(loop.names, loop.domain, ()), f))


def _total_body(body: Sequence[Node], f: TlaContext) -> bool:
    if not f.words.uses.may_fail(body):
        return True
    for place, statement in enumerate(body):
        rest = body[place + 1 :]
        match statement:
            case ir.Return(_, value):
                return value is None or total(value, f)
            case ir.If(_, test, then, orelse):
                return (
                    total(test, f)
                    and _total_body((*then, *rest), learned(test, True, f))
                    and _total_body((*orelse, *rest), learned(test, False, f))
                )
            case ir.Require(_, test):
                if not total(test, f):
                    return False
                f = learned(test, True, f)
            case _:
                return not f.words.uses.may_fail((statement, *rest))
    return True
