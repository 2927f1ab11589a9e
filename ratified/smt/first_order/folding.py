"""What comprehensions that give one value mean in first-order logic: the least, the greatest, the sum.

Guarantees: the value is that which CPython finds, the first of several that are as great included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Clause
from ratified.language.types import (
    EnumType,
    IntType,
    OptionalType,
    SetType,
    SortType,
    Type,
    parts,
)
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.adding import added_up
from ratified.smt.first_order.clauses import (
    collected,
    demand_within,
    domain_of,
    one_by_one,
    quantify,
    run_together,
    written_out,
)
from ratified.smt.first_order.constants import literal
from ratified.smt.first_order.context import Failing, LogicContext
from ratified.smt.first_order.counting import size_of
from ratified.smt.first_order.defining import light, lightened
from ratified.smt.first_order.equality import as_number
from ratified.smt.first_order.linear import times
from ratified.smt.first_order.logic import before, where
from ratified.smt.first_order.ordering import LoopRange, chosen, run_of
from ratified.smt.first_order.shapes import (
    Atom,
    Maybe,
    Shape,
    either,
)
from ratified.smt.terms import (
    FALSE,
    INT,
    TRUE,
    Choice,
    Number,
    Term,
    choice,
    conj,
    disj,
    equal,
    free,
    fresh,
    implies,
    neg,
    plus,
)


def displayed(node: ir.Collect, context: LogicContext) -> list[tuple[Shape, Shape]] | None:
    """The elements of `max(a, b)` and the like, each with the key it is ranked by; None if they are not written out."""
    clause = node.clauses[0]
    if len(node.clauses) != 1 or clause.conditions:
        return None
    match clause.domain:
        case ir.MakeSeq(items=items):
            shapes = [context.expr(item) for item in items]
        case ir.Universe(type=SetType(EnumType(enum) as t)):
            shapes = [literal(member, t, node.span, context) for member in enum]
        case _:
            return None
    found = []
    for shape in shapes:
        inner = context.bound(clause.names, shape)
        element = inner.expr(node.element)
        found.append((element, element if node.key is None else inner.expr(node.key)))
    return found or None


def folded(node: ir.Collect, items: Sequence[tuple[Shape, Shape]], context: LogicContext) -> Shape:
    """The least, or the greatest, of elements that are written out, each with its key."""
    t = (node.key or node.element).type
    best, rank = items[0]
    for element, key in items[1:]:
        low, high = (key, rank) if node.kind == "min" else (rank, key)
        better = before(t, low, high, context, strict=True, span=node.span)  # the first of equals is kept
        best, rank = (
            lightened(either(better, *pair), context.theory) for pair in ((element, best), (key, rank))
        )
    return best


def extreme(node: ir.Collect, context: LogicContext) -> Shape:
    """Min and max: the one that is among them and beyond which none is."""
    heard: list[Term] = []
    listener = replace(context, hear=lambda d: heard.append(d.holds))
    first = domain_of(node.clauses[0].domain, listener)
    demand_within(node, node.clauses, first, listener)
    quiet = context.silent()
    empty = quantify(True, node.clauses, quiet, lambda _: FALSE)
    exists = conj(neg(empty), *heard)
    found = _ranked(node, exists, quiet) if node.key is not None else _greatest(node, exists, quiet)
    if node.default is None:
        context.demand(Failing.ERROR, neg(empty), node.why_nothing, node.span)
        return found
    return either(empty, context.under(empty).expr(node.default), found)


def _better(node: ir.Collect, t: Type, x: Shape, y: Shape, context: LogicContext, *, strict: bool) -> Term:
    """Whether `x` is beyond `y`, as the least or the greatest."""
    low, high = (x, y) if node.kind == "min" else (y, x)
    return before(t, low, high, context, strict=strict, span=node.span)


def _greatest(node: ir.Collect, exists: Term, context: LogicContext) -> Shape:
    """The element beyond which none is: equal ones are one."""
    t = node.element.type
    t = t.item if isinstance(t, OptionalType) else t
    members = collected(node, context)

    def best(x: Shape) -> Term:
        def within(y: Shape) -> Term:
            y = y.value if isinstance(y, Maybe) else y
            return _better(node, t, x, y, context, strict=False)

        return conj(members.has(x), members.every(within))

    return chosen(t, exists, best, context, node.kind)


def _ranked(node: ir.Collect, exists: Term, context: LogicContext) -> Shape:
    """The first element of those with the best key."""
    assert node.key is not None
    if len(node.clauses) > 1:
        raise sh.refuse(node.span, f"`{node.kind}` with a key, of two things run through", "run through one")
    (clause,), t = node.clauses, node.key.type
    run = run_of(clause.domain, context)

    def at(place: Shape) -> LogicContext:
        return context.bound(clause.names, run.item(place))

    def passes(place: Shape) -> Term:
        return conj(*map(at(place).formula, clause.conditions))

    def best(x: Shape) -> Term:
        assert node.key is not None
        key = at(x).expr(node.key)

        def worse(y: Shape) -> Term:
            assert node.key is not None
            other = at(y).expr(node.key)
            better = _better(node, t, other, key, context, strict=True)
            as_good = _better(node, t, other, key, context, strict=False)
            if as_good in (FALSE, better):
                return implies(passes(y), neg(better))
            tie = conj(as_good, run.before(y, x, context, node.span))
            return implies(passes(y), neg(disj(better, tie)))

        return conj(run.places.has(x), passes(x), run.places.every(worse))

    return at(chosen(run.index, exists, best, context, node.kind)).expr(node.element)


def sum_of(node: ir.Collect, context: LogicContext) -> Term:
    """A sum of what is written out is that of its parts; any other is how often each number is added, times the number."""
    if (found := _added(node, node.clauses, context)) is not None:
        return found
    first = domain_of(node.clauses[0].domain, context)
    demand_within(node, node.clauses, first, context)
    domain, plain = node.clauses[0].domain, not any(c.conditions for c in node.clauses)
    run, at, passes = run_together(node.clauses, context.silent())
    whole = isinstance(domain, ir.Universe) and plain and len(node.clauses) == 1
    try:
        return tallied(run, passes, lambda x: at(x).number(node.element), context, node, whole=whole)
    except sh.Inexpressible:
        return one_by_one(node, node.clauses, context.silent(), lambda here: here.number(node.element))


def tallied(
    run: LoopRange,
    passes: Callable[[Shape], Term],
    number: Callable[[Shape], Term],
    context: LogicContext,
    node: ir.Node,
    *,
    whole: bool = False,
) -> Term:
    """The sum of a number at each place that passes: one of few constants, or the same at all of them. Raises Refused."""
    variants = context.shapes.variants(run.index)
    total: Term = Number(0)
    columns = [[fresh("x", s) for s in v.sorts] for v in variants]
    terms = [number(v.build(c)) for v, c in zip(variants, columns, strict=True)]
    used = {b for term in terms for b in free(term)}
    if not used & {b for c in columns for b in c} and all(t == terms[0] for t in terms):
        amount = terms[0]
        return times(amount, how_often(run, passes, context, node, whole=whole))
    for amount in dict.fromkeys(n for term in terms for n in _leaves(term, node)):
        if amount != Number(0):
            there = lambda x, k=amount: conj(passes(x), equal(number(x), k))  # noqa: E731
            total = plus(total, times(amount, how_often(run, there, context, node)))
    return total


def _leaves(term: Term, node: ir.Node) -> list[Term]:
    match term:
        case Number():
            return [term]
        case Choice(_, then, orelse):
            return [*_leaves(then, node), *_leaves(orelse, node)]
    raise sh.refuse(node.span, "a sum of numbers that differ", "sum constants, or count with comparisons")


def how_often(
    run: LoopRange,
    passes: Callable[[Shape], Term],
    context: LogicContext,
    node: ir.Node,
    *,
    whole: bool = False,
) -> Term:
    """How many places pass."""
    if run.copies:
        return added_up(run, lambda x: as_number(passes(x)), context, node.span)[1]
    if whole and isinstance(run.index, SortType):
        return context.theory.size(run.index)
    if any(isinstance(p, IntType) and p.low is None for p in parts(run.index)):
        if run.length is not None and passes(Atom(fresh("i", INT))) == TRUE:
            return run.length
        return added_up(run, lambda x: as_number(passes(x)), context, node.span)[1]
    return size_of(where(run.places, passes), context)


def _added(node: ir.Collect, clauses: Sequence[Clause], context: LogicContext) -> Term | None:
    """The sum over what is written out; None if it is not."""
    if not clauses:
        return context.number(node.element)
    places = written_out(clauses[0].domain, context)
    if places is None:
        return None
    total: Term = Number(0)
    for there, often, item in places:
        inner, passed = context.under(there).bound(clauses[0].names, item), there
        for condition in clauses[0].conditions:
            test = inner.formula(condition)
            inner, passed = inner.under(test), conj(passed, test)
        if passed == FALSE:
            continue
        found = _added(node, clauses[1:], inner)
        if found is None:
            return None
        total = light(plus(total, choice(passed, times(often, found), Number(0))), context.theory)
    return total
