"""What comprehensions mean in first-order logic: quantifiers, sets, maps, and the largest of what there is.

What is demanded is demanded of each element that the conditions let pass, also of `all` and `any`, which stop at one that
decides: so it has to be shown that nothing is amiss with any of them, that none passes the last value of a sort included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Clause, Expr
from ratified.language.rules import Rules
from ratified.language.types import EnumType, IntType, MapType, OptionalType, SeqType, SetType, SortType
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.containers import iterated
from ratified.smt.first_order.context import Context, Failing
from ratified.smt.first_order.logic import bag_of, before, literal
from ratified.smt.first_order.names import sort_name
from ratified.smt.first_order.shapes import (
    Atom,
    Function,
    Listing,
    Maybe,
    Members,
    Nothing,
    Shape,
    either,
)
from ratified.smt.first_order.variants import as_number
from ratified.smt.terms import (
    FALSE,
    INT,
    TRUE,
    Number,
    Term,
    The,
    at_most,
    choice,
    conj,
    every,
    fresh,
    implies,
    less,
    neg,
    plus,
    some,
)

comprehensions: Rules[Context, Shape] = Rules("comprehensions in first-order logic")


@comprehensions.rule(ir.Collect)
def _(node: ir.Collect, context: Context) -> Shape:
    if node.kind in ("min", "max", "sum") and (items := _displayed(node, context)) is not None:
        return _folded(node, items, context)
    if node.kind == "bag" and (items := _displayed(node, context)) is not None:
        return bag_of(node.element.type, [element for element, _ in items], context)
    first = _domain(node.clauses[0].domain, context)
    _demands(node, node.clauses, first, context)
    quiet = context.silent()
    match node.kind:
        case "all" | "any":
            body = lambda inner: inner.formula(node.element)  # noqa: E731
            return Atom(_quantify(node.kind == "all", node.clauses, quiet, body))
        case "set":
            return _set_of(node, quiet)
        case "bag":
            return _bag_of(node, quiet)
        case "map":
            return _map_of(node, quiet)
        case "min" | "max":
            return _extreme(node, context)
        case "seq":
            return _seq_of(node, quiet)
    raise sh.refuse(node.span, f"`{node.kind}` of a comprehension", "say it with all(...) or any(...)")


def _domain(node: Expr, context: Context) -> Members:
    if isinstance(node, ir.IntRange):
        low, high = context.number(node.low), context.number(node.high)

        def inside(x: Term) -> Term:
            return conj(at_most(low, x), less(x, high))

        def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
            def quantify(f: Callable[[Shape], Term]) -> Term:
                i = fresh("i", INT)
                if universal:
                    return every([i], implies(inside(i), f(Atom(i))))
                return some([i], conj(inside(i), f(Atom(i))))

            return quantify

        def has(x: Shape) -> Term:
            assert isinstance(x, Atom)
            return inside(as_number(x.term))

        return Members(IntType(), has, over(True), over(False))
    return iterated(context.expr(node), context, node)


def _demands(node: ir.Collect, clauses: Sequence[Clause], domain: Members, context: Context) -> None:
    """Demand what the parts of a comprehension demand, for all elements that are come to."""
    if not context.unset:
        parts = [*(c for clause in clauses for c in clause.conditions), *(c.domain for c in clauses[1:])]
        parts += [node.element, *([node.key] if node.key else [])]
        if not any(map(context.logic.partial, parts)):
            return

    if node.kind in ("all", "any"):
        context = context.deciding()

    def within(here: Context, x: Shape) -> None:
        inner, passed = here.bound(clauses[0].names, x), TRUE
        for condition in clauses[0].conditions:
            passed = conj(passed, inner.under(passed).formula(condition))
        inner = inner.under(passed)
        if clauses[1:]:
            _demands(node, clauses[1:], _domain(clauses[1].domain, inner), inner)
            return
        inner.expr(node.element)
        if node.key is not None:
            inner.expr(node.key)

    context.each(domain, within)


def _quantify(
    universal: bool, clauses: Sequence[Clause], context: Context, body: Callable[[Context], Term]
) -> Term:
    if not clauses:
        return body(context)
    clause, rest = clauses[0], clauses[1:]

    def each(x: Shape) -> Term:
        inner = context.bound(clause.names, x)
        conditions = conj(*map(inner.formula, clause.conditions))
        if conditions == FALSE:
            return TRUE if universal else FALSE
        found = _quantify(universal, rest, inner, body)
        return implies(conditions, found) if universal else conj(conditions, found)

    domain = _domain(clause.domain, context)
    return domain.every(each) if universal else domain.some(each)


def _core(node: Expr) -> Expr:
    while isinstance(node, ir.Widen | ir.Narrow | ir.Fit):
        node = node.operand
    return node


def _is_name(node: Expr, clause: Clause) -> bool:
    core = _core(node)
    return isinstance(core, ir.Local) and clause.names == (core.name,)


def _set_of(node: ir.Collect, context: Context) -> Members:
    def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
        def quantify(f: Callable[[Shape], Term]) -> Term:
            return _quantify(universal, node.clauses, context, lambda inner: f(inner.expr(node.element)))

        return quantify

    all_, some_ = over(True), over(False)
    clause = node.clauses[0]
    if len(node.clauses) == 1 and _is_name(node.element, clause) and isinstance(clause.domain.type, SetType):
        # {x for x in s if c(x)}: membership without a quantifier
        domain, item = _domain(clause.domain, context), clause.domain.type.item

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


def _bag_of(node: ir.Collect, context: Context) -> Members:
    """A bag of a set's elements has one of each; how often another expression has a value would have to be counted."""
    clause = node.clauses[0]
    if len(node.clauses) != 1 or not _is_name(node.element, clause):
        raise sh.refuse(node.span, "a Bag of what elements are mapped to", "use a Set")
    domain = _domain(clause.domain, context)
    if isinstance(clause.domain.type, SeqType):
        raise sh.refuse(node.span, "a Bag of a sequence's elements", "use a Set")
    found, copies = _set_of(node, context), domain.count

    def count(x: Shape) -> Term:
        each = Number(1) if copies is None else copies(x)
        return choice(found.has(x), each, Number(0))

    if copies is not None:  # of a bag, which is no set: the conditions decide for all copies alike

        def has(x: Shape) -> Term:
            inner = context.bound(clause.names, x)
            return conj(domain.has(x), *map(inner.formula, clause.conditions))

        found = replace(found, has=has)
    return replace(found, count=count)


def _map_of(node: ir.Collect, context: Context) -> Shape:
    assert isinstance(node.type, MapType)
    clause, pair = node.clauses[0], node.element
    if len(node.clauses) != 1 or not isinstance(pair, ir.MakeTuple) or not _is_name(pair.items[0], clause):
        raise sh.refuse(node.span, "this map", "write Map({k: ... for k in K})")
    domain, value = _domain(clause.domain, context), pair.items[1]
    key = ir.Collect(node.span, SetType(node.type.key), "set", pair.items[0], node.clauses)
    keys = _set_of(key, context) if clause.conditions else domain

    def at(k: Shape) -> Shape:
        return context.bound(clause.names, k).expr(value)

    total = isinstance(clause.domain, ir.Universe) and not clause.conditions
    t = node.type
    if isinstance(clause.domain, ir.Convert) and clause.domain.what == "keys" and not clause.conditions:
        source = context.expr(clause.domain.operand)
        if isinstance(source, Function) and source.total:
            t, total = MapType(source.type.key, t.value), True
    return Function(t, at, keys, total)


def _seq_of(node: ir.Collect, context: Context) -> Shape:
    assert isinstance(node.type, SeqType)
    clause = node.clauses[0]
    if len(node.clauses) != 1 or clause.conditions:
        raise sh.refuse(node.span, "a sequence of what fits a condition", "use a set")
    domain = context.expr(clause.domain)
    if not isinstance(domain, Listing):
        raise sh.refuse(node.span, "a sequence of a set's elements", "use a set")

    def at(i: Term) -> Shape:
        return context.bound(clause.names, domain.at(i)).expr(node.element)

    return Listing(node.type.item, domain.length, at)


# --- the least, the greatest, the sum ---------------------------------------------------------------------------------


def _displayed(node: ir.Collect, context: Context) -> list[tuple[Shape, Shape]] | None:
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


def _folded(node: ir.Collect, items: Sequence[tuple[Shape, Shape]], context: Context) -> Shape:
    if node.kind == "sum":
        total: Term = Number(0)
        for element, _ in items:
            assert isinstance(element, Atom)
            total = plus(total, as_number(element.term))
        return Atom(total)
    t = (node.key or node.element).type
    best, rank = items[0]
    for element, key in items[1:]:
        low, high = (key, rank) if node.kind == "min" else (rank, key)
        better = before(t, low, high, context, strict=True, span=node.span)  # the first of equals is kept
        best, rank = either(better, element, best), either(better, key, rank)
    return best


def _extreme(node: ir.Collect, context: Context) -> Shape:
    """Min and max: the one that is among them and beyond which none is."""
    t = node.element.type
    t = t.item if isinstance(t, OptionalType) else t
    if node.key is not None or not isinstance(_core(node.element).type, IntType | SortType):
        raise sh.refuse(node.span, f"`{node.kind}` of {t}", "use it for ints and ordered sorts, without key=")
    quiet = context.silent()
    members = _set_of(node, quiet)
    sort = INT if isinstance(t, IntType) else sort_name(t)  # type: ignore[arg-type]  # a sort

    def best(x: Term) -> Term:
        def within(y: Shape) -> Term:
            y = y.value if isinstance(y, Maybe) else y
            low, high = (y, Atom(x)) if node.kind == "max" else (Atom(x), y)
            return before(t, low, high, context, strict=False, span=node.span)

        return conj(members.has(Atom(x)), members.every(within))

    heard: list[Term] = []
    listener = replace(context, hear=lambda d: heard.append(d.holds))
    first = _domain(node.clauses[0].domain, listener)
    _demands(node, node.clauses, first, listener)
    empty = members.every(lambda _: FALSE)
    x = fresh(node.kind, sort)
    found = Atom(The(x, conj(neg(empty), *heard), best(x)))
    if node.default is None:
        context.demand(Failing.ERROR, neg(empty), f"{node.kind} of nothing", node.span)
        return found
    return either(empty, context.under(empty).expr(node.default), found)
