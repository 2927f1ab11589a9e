"""How the clauses of a comprehension run through their domains, in first-order logic.

Guarantees: just the places that CPython comes to are spoken of; what is demanded is demanded of each element that the conditions
let pass, in `all` and `any` of each that CPython comes to, which stops at the first that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Clause, Expr
from ratified.language.types import (
    BagType,
    MapType,
    OptionalType,
    SetType,
    TupleType,
)
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.containers import iterated
from ratified.smt.first_order.context import Demand, Failing, LogicContext
from ratified.smt.first_order.ordering import FEW, LoopRange, few, run_of
from ratified.smt.first_order.shapes import (
    FunctionShape,
    Listing,
    Maybe,
    Members,
    Nothing,
    ProductShape,
    Shape,
)
from ratified.smt.first_order.totals import summed
from ratified.smt.terms import (
    FALSE,
    TRUE,
    Number,
    Term,
    choice,
    conj,
    fresh,
    implies,
    neg,
)


def domain_of(node: Expr, context: LogicContext) -> Members:
    """What a clause runs through as a set: in what order, and how often, does not matter where it is asked."""
    while isinstance(node, ir.Convert) and node.what in ("sorted", "sorted-reversed", "reversed"):
        node = node.operand
    if isinstance(node, ir.IntRange):
        return run_of(node, context).places
    return iterated(context.expr(node), context, node)


def demand_within(
    node: ir.Collect, clauses: Sequence[Clause], domain: Members, context: LogicContext
) -> None:
    """Demand what the parts of a comprehension demand, for all elements that are come to."""
    if not context.unset:
        parts = [*(c for clause in clauses for c in clause.conditions), *(c.domain for c in clauses[1:])]
        parts += [node.element, *([node.key] if node.key else [])]
        if not any(map(context.logic.partial, parts)):
            return

    run = run_of(clauses[0].domain, context.silent()) if node.kind in ("all", "any") else None

    def within(here: LogicContext, place: Shape) -> None:
        if run is not None:
            here = _come_to(node, clauses, run, place, here)
        inner, passed = here.bound(clauses[0].names, place if run is None else run.item(place)), TRUE
        for condition in clauses[0].conditions:
            passed = conj(passed, inner.under(passed).formula(condition))
        inner = inner.under(passed)
        if clauses[1:]:
            demand_within(node, clauses[1:], domain_of(clauses[1].domain, inner), inner)
            return
        inner.expr(node.element)
        if node.key is not None:
            inner.expr(node.key)

    context.each(domain if run is None else run.places, within)


def _come_to(
    node: ir.Collect, clauses: Sequence[Clause], run: LoopRange, place: Shape, context: LogicContext
) -> LogicContext:
    """Where CPython comes to a place of `all` or `any`: nothing before it has decided what the answer is.

    Where the order is none that can be said, all places have to be in order, and to pass the last value is to leave a bound.
    """
    quiet, outer = context.silent(), context.hear

    def decides(y: Shape) -> Term:
        inner = quiet.bound(clauses[0].names, run.item(y))
        test = conj(*map(inner.formula, clauses[0].conditions))

        def decisive(at: LogicContext) -> Term:
            found = at.formula(node.element)
            return neg(found) if node.kind == "all" else found

        found = conj(test, quantify(False, clauses[1:], inner, decisive))
        return found if found == FALSE else conj(found, run.before(y, place, quiet, node.span))

    reached: list[Term] = []

    def hear(demand: Demand) -> None:
        try:
            if not reached:
                reached.append(neg(run.places.some(decides)))
            outer(replace(demand, holds=implies(reached[0], demand.holds)))
        except sh.Inexpressible:
            outer(replace(demand, failing=Failing.LEFT) if demand.failing is Failing.LAST else demand)

    return context.hearing(hear)


def quantify(
    universal: bool, clauses: Sequence[Clause], context: LogicContext, body: Callable[[LogicContext], Term]
) -> Term:
    """That something is so wherever the clauses come by, or somewhere."""
    if not clauses:
        return body(context)
    clause, rest = clauses[0], clauses[1:]

    def each(x: Shape) -> Term:
        inner = context.bound(clause.names, x)
        conditions = conj(*map(inner.formula, clause.conditions))
        if conditions == FALSE:
            return TRUE if universal else FALSE
        found = quantify(universal, rest, inner, body)
        return implies(conditions, found) if universal else conj(conditions, found)

    domain = domain_of(clause.domain, context)
    return domain.every(each) if universal else domain.some(each)


def _core(node: Expr) -> Expr:
    while isinstance(node, ir.Widen | ir.Narrow | ir.Fit):
        node = node.operand
    return node


def key_names(key: Expr, clauses: Sequence[Clause]) -> tuple[str, ...] | None:
    """The names of which a key is made, in its order: each name that is run through, once. None if it is another value."""
    core = _core(key)
    parts = core.items if isinstance(core, ir.MakeTuple) else (core,)
    names = tuple(part.name for part in map(_core, parts) if isinstance(part, ir.Local))
    bound = [name for clause in clauses for name in clause.names]
    return names if len(names) == len(parts) and sorted(names) == sorted(bound) else None


def is_name(node: Expr, clause: Clause) -> bool:
    """Whether an expression is just the name that a clause binds."""
    core = _core(node)
    return isinstance(core, ir.Local) and clause.names == (core.name,)


def collected(node: ir.Collect, context: LogicContext) -> Members:
    """The set of what is made wherever the clauses come by."""

    def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
        def of_all(f: Callable[[Shape], Term]) -> Term:
            return quantify(universal, node.clauses, context, lambda inner: f(inner.expr(node.element)))

        return of_all

    all_, some_ = over(True), over(False)
    clause = node.clauses[0]
    if len(node.clauses) == 1 and is_name(node.element, clause) and isinstance(clause.domain.type, SetType):
        # {x for x in s if c(x)}: membership without a quantifier
        domain, item = domain_of(clause.domain, context), clause.domain.type.item

        def has(x: Shape) -> Term:
            if isinstance(x, Nothing) and not isinstance(item, OptionalType):
                return FALSE
            there, known = TRUE, x
            if isinstance(x, Maybe) and not isinstance(item, OptionalType):
                there, known = x.some, x.value
            inner = context.bound(clause.names, known)
            return conj(there, domain.has(known), *map(inner.formula, clause.conditions))

        return Members(node.element.type, has, all_, some_)
    return Members(node.element.type, lambda x: some_(lambda y: context.logic.same(x, y)), all_, some_)


def one_by_one(
    node: ir.Collect, clauses: Sequence[Clause], context: LogicContext, number: Callable[[LogicContext], Term]
) -> Term:
    """The sum of a number over all that is run through, worked out place by place."""
    if not clauses:
        return number(context)
    run, at, passes = run_together(clauses[:1], context)

    def added(place: Shape) -> Term:
        passed = passes(place)
        return (
            Number(0)
            if passed == FALSE
            else choice(passed, one_by_one(node, clauses[1:], at(place), number), Number(0))
        )

    return summed(run, added, context, node.span)


def run_together(
    clauses: Sequence[Clause], context: LogicContext
) -> tuple[LoopRange, Callable[[Shape], LogicContext], Callable[[Shape], Term]]:
    """What clauses run through as one: pairs of places, and what is bound at each, and whether the conditions let it pass."""
    clause, rest = clauses[0], clauses[1:]
    run = run_of(clause.domain, context)

    def at(place: Shape) -> LogicContext:
        return context.bound(clause.names, run.item(place))

    def passes(place: Shape) -> Term:
        return conj(*map(at(place).formula, clause.conditions))

    if not rest:
        return run, at, passes
    anywhere = context.shapes.variants(run.index)[0]
    sample = run_together(rest, at(anywhere.build([fresh("x", s) for s in anywhere.sorts])))[0]
    t = TupleType((run.index, sample.index))

    def split(pair: Shape) -> tuple[Shape, Shape]:
        assert isinstance(pair, ProductShape)
        return pair.fields[0], pair.fields[1]

    def has(pair: Shape) -> Term:
        x, y = split(pair)
        return conj(run.places.has(x), run_together(rest, at(x))[0].places.has(y))

    def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
        def quantify(f: Callable[[Shape], Term]) -> Term:
            def outer(x: Shape) -> Term:
                inner = run_together(rest, at(x))[0].places
                each = lambda y: f(ProductShape(t, (x, y)))  # noqa: E731
                return inner.every(each) if universal else inner.some(each)

            return run.places.every(outer) if universal else run.places.some(outer)

        return quantify

    def bound(pair: Shape) -> LogicContext:
        x, y = split(pair)
        return run_together(rest, at(x))[1](y)

    def passing(pair: Shape) -> Term:
        x, y = split(pair)
        return conj(passes(x), run_together(rest, at(x))[2](y))

    places = Members(t, has, over(True), over(False))
    return LoopRange(t, places, lambda p: p, copies=run.copies or sample.copies), bound, passing


def written_out(node: Expr, context: LogicContext) -> list[tuple[Term, Term, Shape]] | None:
    """What may be run through: whether it is there, how often, and the item; None if it is not the same at each size, or many."""
    while isinstance(node, ir.Convert) and node.what in ("sorted", "sorted-reversed", "reversed"):
        node = node.operand
    if isinstance(node, ir.MakeSeq | ir.IntRange):
        shape = context.expr(node)
    elif isinstance(node.type, SetType | BagType | MapType):
        values = few(node.type.key if isinstance(node.type, MapType) else node.type.item)
        if values is None:
            return None
        shape = context.expr(node)
        members = shape.keys if isinstance(shape, FunctionShape) else shape
        assert isinstance(members, Members)
        one, count = Number(1), members.count
        return [(members.has(v), one if count is None else count(v), v) for v in values]
    else:
        return None
    if isinstance(shape, Listing) and isinstance(shape.length, Number) and shape.length.value <= FEW:
        return [(TRUE, Number(1), shape.at(Number(i))) for i in range(shape.length.value)]
    return None
