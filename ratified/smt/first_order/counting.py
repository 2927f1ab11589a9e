"""Comparisons of how many: what can be said of the size of a set without counting it.

Guarantees: what is said is exact for every size; None where it is no such comparison, and what would have to be counted is
refused.
"""

from __future__ import annotations

from ratified.language import ir
from ratified.language.ir import Expr, Node
from ratified.language.types import BagType, SetType, SortType, Type
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.context import LogicContext
from ratified.smt.first_order.defining import light
from ratified.smt.first_order.equality import as_number
from ratified.smt.first_order.linear import Sums
from ratified.smt.first_order.names import sort_name
from ratified.smt.first_order.ordering import few
from ratified.smt.first_order.shapes import Atom, Members, Shape
from ratified.smt.first_order.theory import COUNTED
from ratified.smt.terms import TRUE, Number, Term, at_most, conj, disj, fresh, neg, plus, substituted

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def counted(node: ir.Compare, context: LogicContext) -> Term | None:
    """Comparisons of how many: with a small number, or whether it is more than half. None if it is no such comparison."""
    for op, left, right in (
        (node.op, node.left, node.right),
        (_FLIPPED[node.op], node.right, node.left),
    ):
        if (many := _counting(left)) is not None:
            match right:
                case ir.Literal(value=int(number)) if number < COUNTED or _universe(left) is None:
                    return size_is(_members(many, context), op, number, context, node)
                case ir.Arithmetic(op="//", left=whole, right=ir.Literal(value=2)) if op in (">", "<="):
                    if (sort := _universe(whole)) is not None and _is_set_of(many.type, sort):
                        return _majority(many, sort, op, context)
        twice, half = _twice(left), _universe(right)
        if twice is None or half is None or not _is_set_of(twice.type, half):
            continue
        if op in (">", "<=", ">=", "<"):
            return _majority(twice, half, op, context)
    return None


def _counting(node: Expr) -> Expr | None:
    """The set (or bag) in `len(set)`, or in `sum(1 for x in set if ...)`, which is how many elements it has."""
    match node:
        case ir.Length(operand=operand) if isinstance(operand.type, SetType | BagType):
            return operand
        case ir.Collect(kind="sum", element=ir.Literal(value=1), clauses=(clause,)) if len(clause.names) == 1:
            t = clause.domain.type
            if isinstance(t, SetType):
                name = ir.Local(node.span, t.item, clause.names[0])
                return ir.Collect(node.span, SetType(t.item), "set", name, (clause,))
    return None


def _is_set_of(t: Type, sort: SortType) -> bool:
    return isinstance(t, SetType) and t.item == sort


def _members(node: Expr, context: LogicContext) -> Members:
    found = context.expr(node)
    assert isinstance(found, Members), node
    return found


def _majority(node: Expr, sort: SortType, op: str, context: LogicContext) -> Term:
    members = _members(node, context)
    majorities = context.theory.majorities(sort)

    def inside(q: Shape) -> Term:
        assert isinstance(q, Members)
        return q.every(members.has)

    def outside(q: Shape) -> Term:
        assert isinstance(q, Members)
        return q.every(lambda x: neg(members.has(x)))

    if op in (">", "<="):
        more = majorities.some(inside)
        return more if op == ">" else neg(more)
    rest = majorities.some(outside)  # at least half: what is left is no majority
    return neg(rest) if op == ">=" else rest


def _twice(node: Expr) -> Expr | None:
    """The set in `2 * len(set)`, or in twice a sum of ones."""
    if isinstance(node, ir.Arithmetic) and node.op == "*":
        for two, many in ((node.left, node.right), (node.right, node.left)):
            if isinstance(two, ir.Literal) and two.value == 2:
                return _counting(many)
    return None


def _universe(node: Expr) -> SortType | None:
    """The sort in `len(Sort)`."""
    if isinstance(node, ir.Length) and isinstance(node.operand, ir.Universe):
        t = node.operand.type
        return t.item if isinstance(t, SetType) and isinstance(t.item, SortType) else None
    return None


def size_is(members: Members, op: str, number: int, context: LogicContext, node: Node) -> Term:
    """How many elements a set has (or a bag, copies counted), compared with a small number."""

    def enough(n: int) -> Term:
        if n <= 0:
            return TRUE
        return _elements(members, n, context) if members.count is None else _copies(members, n, context, node)

    match op:
        case ">":
            return enough(number + 1)
        case ">=":
            return enough(number)
        case "<":
            return neg(enough(number))
        case "<=":
            return neg(enough(number + 1))
    exactly = conj(enough(number), neg(enough(number + 1)))
    return exactly if op == "==" else neg(exactly)


def size_of(members: Members, context: LogicContext) -> Term:
    """How many elements a set has, as an int."""
    theory = context.theory
    if (values := few(members.item)) is not None:
        found: Term = Number(0)
        for value in values:
            found = light(plus(found, as_number(members.has(value))), theory)
        return found
    item = members.item
    if not isinstance(item, SortType) or members.count is not None:
        return theory.cardinality(SetType(item), members)
    # A step puts one element in, or takes one out: the size is that of what there was, and one more or less.
    place = fresh("item", sort_name(item))

    def counted(test: Term) -> Term:
        if test == TRUE:
            return theory.size(item)
        found = context.shapes.members(item, lambda _, columns: substituted(test, {place: columns[0]}))
        return theory.cardinality(SetType(item), found)

    inside = members.has(Atom(place))
    sums = Sums(place, counted, lambda _: counted(inside))
    if next(sums.singled_out(inside), None) is None:
        return theory.cardinality(SetType(item), members)
    return sums.total(as_number(inside))


def _elements(members: Members, n: int, context: LogicContext) -> Term:
    """That a set has so many elements."""
    if n > COUNTED:
        return at_most(Number(n), size_of(members, context))
    return context.theory.with_distinct(members, n)


def _copies(members: Members, n: int, context: LogicContext, node: Node) -> Term:
    """That a bag has so many elements, copies counted."""
    count, same = members.count, context.logic.same
    assert count is not None
    if n > COUNTED:
        raise sh.refuse(node.span, f"a Bag of {n} or more", f"compare with a number below {COUNTED}")

    def with_(k: int, found: list[Shape]) -> Term:
        """That there are k more that differ from each other and from these, and so many copies of all of them."""
        if k == 0:
            copies: Term = Number(0)
            for x in found:
                copies = plus(copies, count(x))
            return TRUE if len(found) >= n else at_most(Number(n), copies)
        return members.some(lambda x: conj(*(neg(same(x, y)) for y in found), with_(k - 1, [*found, x])))

    return disj(*(with_(k, []) for k in range(1, n + 1)))
