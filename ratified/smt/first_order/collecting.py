"""What comprehensions mean in first-order logic: quantifiers (`clauses.py`), containers, one value of many (`folding.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ratified.language import ir, uses
from ratified.language.ir import Clause
from ratified.language.rules import Rules
from ratified.language.types import (
    BagType,
    MapType,
    SeqType,
    SetType,
    SortType,
    Type,
)
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.adding import in_order
from ratified.smt.first_order.clauses import (
    collected,
    demand_within,
    domain_of,
    is_name,
    key_names,
    one_by_one,
    quantify,
    run_together,
    written_out,
)
from ratified.smt.first_order.constants import bag_of
from ratified.smt.first_order.context import LogicContext
from ratified.smt.first_order.equality import as_number
from ratified.smt.first_order.folding import displayed, extreme, folded, how_often, sum_of
from ratified.smt.first_order.ordering import FEW
from ratified.smt.first_order.shapes import (
    Atom,
    FunctionShape,
    Listing,
    Members,
    Shape,
    either,
)
from ratified.smt.terms import (
    FALSE,
    TRUE,
    Number,
    Term,
    choice,
    conj,
    disj,
    equal,
    implies,
    plus,
)

comprehensions: Rules[LogicContext, Shape] = Rules("comprehensions in first-order logic")


@comprehensions.rule(ir.Collect)
def _(node: ir.Collect, context: LogicContext) -> Shape:
    if node.kind in ("min", "max") and (items := displayed(node, context)) is not None:
        return folded(node, items, context)
    if node.kind == "sum":
        return Atom(sum_of(node, context))
    if node.kind == "bag" and (items := displayed(node, context)) is not None:
        return bag_of(node.element.type, [element for element, _ in items], context)
    first = domain_of(node.clauses[0].domain, context)
    demand_within(node, node.clauses, first, context)
    quiet = context.silent()
    match node.kind:
        case "all" | "any":
            if node.kind == "all" and (sort := _all_the_same(node)) is not None:
                context.theory.counts(sort)
            body = lambda inner: inner.formula(node.element)  # noqa: E731
            return Atom(quantify(node.kind == "all", node.clauses, quiet, body))
        case "set":
            return collected(node, quiet)
        case "bag":
            return _bag_of(node, quiet)
        case "map":
            return _map_of(node, quiet)
        case "min" | "max":
            return extreme(node, context)
        case "seq":
            return _seq_of(node, quiet)
    raise sh.refuse(node.span, f"`{node.kind}` of a comprehension", "say it with all(...) or any(...)")


def _all_the_same(node: ir.Collect) -> SortType | None:
    """The sort of what is all one value, `all(x == a for x in s)`: of which there is one element at most."""
    match node.element, node.clauses:
        case ir.Compare(op="==", left=left, right=right), (ir.Clause(names=(name,)),):
            mine = [isinstance(side, ir.Local) and side.name == name for side in (left, right)]
            if any(mine) and not all(mine) and isinstance(left.type, SortType):
                return left.type
    return None


def _bag_of(node: ir.Collect, context: LogicContext) -> Members:
    """A bag of a set's elements has one of each; how often another expression has a value would have to be counted."""
    clause = node.clauses[0]
    if (places := _places(node, node.clauses, context)) is not None:
        assert isinstance(node.type, BagType)
        return _bagged(node.type.item, places, context)
    if len(node.clauses) != 1 or not is_name(node.element, clause) or isinstance(clause.domain.type, SeqType):
        return _counted(node, context)
    domain = domain_of(clause.domain, context)
    found, copies = collected(node, context), domain.count

    def count(x: Shape) -> Term:
        each = Number(1) if copies is None else copies(x)
        return choice(found.has(x), each, Number(0))

    if copies is not None:  # of a bag, which is no set: the conditions decide for all copies alike

        def has(x: Shape) -> Term:
            inner = context.bound(clause.names, x)
            return conj(domain.has(x), *map(inner.formula, clause.conditions))

        found = replace(found, has=has)
    return replace(found, count=count)


def _counted(node: ir.Collect, context: LogicContext) -> Members:
    """A bag of what is run through: of each value there is what adds up to its copies."""
    same = context.logic.same

    def count(x: Shape) -> Term:
        return one_by_one(
            node, node.clauses, context, lambda here: as_number(same(x, here.expr(node.element)))
        )

    return replace(collected(node, context), count=count)


def _bagged(item: Type, places: Sequence[tuple[Term, Shape]], context: LogicContext) -> Members:
    """The bag of those that are there."""
    same = context.logic.same

    def count(x: Shape) -> Term:
        found: Term = Number(0)
        for there, element in places:
            found = plus(found, as_number(conj(there, same(x, element))))
        return found

    return Members(
        item,
        lambda x: disj(*(conj(there, same(x, element)) for there, element in places)),
        lambda f: conj(*(implies(there, f(element)) for there, element in places)),
        lambda f: disj(*(conj(there, f(element)) for there, element in places)),
        count=count,
    )


def _map_of(node: ir.Collect, context: LogicContext) -> Shape:
    assert isinstance(node.type, MapType)
    clause, pair = node.clauses[0], node.element
    names = key_names(pair.items[0], node.clauses) if isinstance(pair, ir.MakeTuple) else None
    if not isinstance(pair, ir.MakeTuple) or names is None:
        remedy = "write Map({k: ... for k in K}), or with a tuple of all names for a key: {(k, l): ... for k in K for l in L}"
        raise sh.refuse(node.span, "this map", remedy)
    value, conditional = pair.items[1], any(c.conditions for c in node.clauses)
    if len(node.clauses) == 1 and not conditional and names == clause.names:
        keys = domain_of(clause.domain, context)
    else:
        key = ir.Collect(node.span, SetType(node.type.key), "set", pair.items[0], node.clauses)
        keys = collected(key, context)

    def at(k: Shape) -> Shape:
        return context.bound(names, k).expr(value)

    total = all(isinstance(c.domain, ir.Universe) for c in node.clauses) and not conditional
    t = node.type
    if (
        len(node.clauses) == 1
        and isinstance(clause.domain, ir.Convert)
        and clause.domain.what == "keys"
        and not conditional
    ):
        source = context.expr(clause.domain.operand)
        if isinstance(source, FunctionShape) and source.total:
            t, total = MapType(source.type.key, t.value), True
    return FunctionShape(t, at, keys, total)


def _seq_of(node: ir.Collect, context: LogicContext) -> Shape:
    assert isinstance(node.type, SeqType)
    clause = node.clauses[0]
    if (places := _places(node, node.clauses, context)) is not None:
        return _gathered(node.type.item, places, context)
    names = {n for c in node.clauses for n in c.names}
    if not isinstance(clause.domain.type, SeqType) and not names & uses.free(node.element):
        return _repeated(node, node.type.item, context)
    if len(node.clauses) == 1 and not clause.conditions and isinstance(clause.domain.type, SeqType):
        domain = context.expr(clause.domain)
        assert isinstance(domain, Listing)
        return _mapped(node, domain, context)
    run, within, passes = run_together(node.clauses, context)
    if run.copies and len(node.clauses) > 1:
        raise sh.refuse(node.span, "a sequence of a Bag's elements and others", "use a set")
    whole = replace(run, item=lambda place: place)
    return in_order(whole, passes, lambda x: within(x).expr(node.element), node.type.item, context, node.span)


def _mapped(node: ir.Collect, domain: Listing, context: LogicContext) -> Listing:
    """A sequence with each element mapped."""
    assert isinstance(node.type, SeqType)
    (clause,) = node.clauses

    def at(i: Term) -> Shape:
        return context.bound(clause.names, domain.at(i)).expr(node.element)

    return Listing(node.type.item, domain.length, at)


def _repeated(node: ir.Collect, item: Type, context: LogicContext) -> Listing:
    """A sequence of the same value, once for each of what is run through."""
    run, _, passes = run_together(node.clauses, context)
    whole = len(node.clauses) == 1 and isinstance(node.clauses[0].domain, ir.Universe)
    length = how_often(run, passes, context, node, whole=whole and not node.clauses[0].conditions)
    value = context.expr(node.element)
    return Listing(item, length, lambda _: value)


def _places(
    node: ir.Collect, clauses: Sequence[Clause], context: LogicContext
) -> list[tuple[Term, Shape]] | None:
    """The elements that a comprehension over what is written out may have, and whether they are there; None if it is not."""
    if not clauses:
        return [(TRUE, context.expr(node.element))]
    written = written_out(clauses[0].domain, context)
    if written is None or isinstance(clauses[0].domain.type, BagType):
        return None
    domain = clauses[0].domain
    if isinstance(domain, ir.Convert) and not (
        domain.what in ("keys", "distinct")
        or (domain.what == "sorted" and isinstance(domain.operand.type, SetType | MapType))
    ):
        return None
    found: list[tuple[Term, Shape]] = []
    for there, _, item in written:
        inner = context.bound(clauses[0].names, item)
        passed = conj(there, *map(inner.formula, clauses[0].conditions))
        more = _places(node, clauses[1:], inner)
        if more is None:
            return None
        found += [(conj(passed, test), element) for test, element in more if conj(passed, test) != FALSE]
    return found if len(found) <= FEW else None


def _gathered(item: Type, places: Sequence[tuple[Term, Shape]], context: LogicContext) -> Listing:
    """The sequence of those that are there: an element stands at the number of those before it."""
    length: Term = Number(0)
    positions: list[tuple[Term, Term, Shape]] = []
    for there, element in places:
        positions.append((there, length, element))
        length = plus(length, as_number(there))
    otherwise = context.theory.unknown(item)

    def at(i: Term) -> Shape:
        found = otherwise
        for there, position, element in positions:
            found = either(conj(there, equal(i, position)), element, found)
        return found

    return Listing(item, length, at)
