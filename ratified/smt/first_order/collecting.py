"""What comprehensions mean in first-order logic: quantifiers, sets, maps, and the largest of what there is.

What is demanded is demanded of each element that the conditions let pass, in `all` and `any` of each that CPython comes to,
which stops at the first that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ratified.language import ir, uses
from ratified.language.ir import Clause, Expr
from ratified.language.rules import Rules
from ratified.language.types import (
    BagType,
    EnumType,
    IntType,
    MapType,
    OptionalType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    parts,
)
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.adding import added_up, in_order
from ratified.smt.first_order.constants import bag_of, literal
from ratified.smt.first_order.containers import iterated
from ratified.smt.first_order.context import Context, Demand, Failing
from ratified.smt.first_order.counting import size_of
from ratified.smt.first_order.defining import light, lightened
from ratified.smt.first_order.equality import as_number
from ratified.smt.first_order.linear import times
from ratified.smt.first_order.logic import before, where
from ratified.smt.first_order.ordering import FEW, Run, chosen, few, run_of
from ratified.smt.first_order.shapes import (
    Atom,
    Function,
    Listing,
    Maybe,
    Members,
    Nothing,
    Row,
    Shape,
    either,
)
from ratified.smt.first_order.totals import summed
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

comprehensions: Rules[Context, Shape] = Rules("comprehensions in first-order logic")


@comprehensions.rule(ir.Collect)
def _(node: ir.Collect, context: Context) -> Shape:
    if node.kind in ("min", "max") and (items := _displayed(node, context)) is not None:
        return _folded(node, items, context)
    if node.kind == "sum":
        return Atom(_sum(node, context))
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
    """What a clause runs through as a set: in what order, and how often, does not matter where it is asked."""
    while isinstance(node, ir.Convert) and node.what in ("sorted", "sorted-reversed", "reversed"):
        node = node.operand
    if isinstance(node, ir.IntRange):
        return run_of(node, context).places
    return iterated(context.expr(node), context, node)


def _demands(node: ir.Collect, clauses: Sequence[Clause], domain: Members, context: Context) -> None:
    """Demand what the parts of a comprehension demand, for all elements that are come to."""
    if not context.unset:
        parts = [*(c for clause in clauses for c in clause.conditions), *(c.domain for c in clauses[1:])]
        parts += [node.element, *([node.key] if node.key else [])]
        if not any(map(context.logic.partial, parts)):
            return

    run = run_of(clauses[0].domain, context.silent()) if node.kind in ("all", "any") else None

    def within(here: Context, place: Shape) -> None:
        if run is not None:
            here = _come_to(node, clauses, run, place, here)
        inner, passed = here.bound(clauses[0].names, place if run is None else run.item(place)), TRUE
        for condition in clauses[0].conditions:
            passed = conj(passed, inner.under(passed).formula(condition))
        inner = inner.under(passed)
        if clauses[1:]:
            _demands(node, clauses[1:], _domain(clauses[1].domain, inner), inner)
            return
        inner.expr(node.element)
        if node.key is not None:
            inner.expr(node.key)

    context.each(domain if run is None else run.places, within)


def _come_to(
    node: ir.Collect, clauses: Sequence[Clause], run: Run, place: Shape, context: Context
) -> Context:
    """Where CPython comes to a place of `all` or `any`: nothing before it has decided what the answer is.

    Where the order is none that can be said, all places have to be in order, and to pass the last value is to leave a bound.
    """
    quiet, outer = context.silent(), context.hear

    def decides(y: Shape) -> Term:
        inner = quiet.bound(clauses[0].names, run.item(y))
        test = conj(*map(inner.formula, clauses[0].conditions))

        def decisive(at: Context) -> Term:
            found = at.formula(node.element)
            return neg(found) if node.kind == "all" else found

        found = conj(test, _quantify(False, clauses[1:], inner, decisive))
        return found if found == FALSE else conj(found, run.before(y, place, quiet, node.span))

    reached: list[Term] = []

    def hear(demand: Demand) -> None:
        try:
            if not reached:
                reached.append(neg(run.places.some(decides)))
            outer(replace(demand, holds=implies(reached[0], demand.holds)))
        except sh.Refused:
            outer(replace(demand, failing=Failing.LEFT) if demand.failing is Failing.LAST else demand)

    return context.hearing(hear)


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


def _key_names(key: Expr, clauses: Sequence[Clause]) -> tuple[str, ...] | None:
    """The names of which a key is made, in its order: each name that is run through, once. None if it is another value."""
    core = _core(key)
    parts = core.items if isinstance(core, ir.MakeTuple) else (core,)
    names = tuple(part.name for part in map(_core, parts) if isinstance(part, ir.Local))
    bound = [name for clause in clauses for name in clause.names]
    return names if len(names) == len(parts) and sorted(names) == sorted(bound) else None


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
    if (places := _places(node, node.clauses, context)) is not None:
        assert isinstance(node.type, BagType)
        return _bagged(node.type.item, places, context)
    if (
        len(node.clauses) != 1
        or not _is_name(node.element, clause)
        or isinstance(clause.domain.type, SeqType)
    ):
        return _counted(node, context)
    domain = _domain(clause.domain, context)
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


def _counted(node: ir.Collect, context: Context) -> Members:
    """A bag of what is run through: of each value there is what adds up to its copies."""
    same = context.logic.same

    def count(x: Shape) -> Term:
        return _one_by_one(
            node, node.clauses, context, lambda here: as_number(same(x, here.expr(node.element)))
        )

    return replace(_set_of(node, context), count=count)


def _bagged(item: Type, places: Sequence[tuple[Term, Shape]], context: Context) -> Members:
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


def _map_of(node: ir.Collect, context: Context) -> Shape:
    assert isinstance(node.type, MapType)
    clause, pair = node.clauses[0], node.element
    names = _key_names(pair.items[0], node.clauses) if isinstance(pair, ir.MakeTuple) else None
    if not isinstance(pair, ir.MakeTuple) or names is None:
        remedy = "write Map({k: ... for k in K}), or with a tuple of all names for a key: {(k, l): ... for k in K for l in L}"
        raise sh.refuse(node.span, "this map", remedy)
    value, conditional = pair.items[1], any(c.conditions for c in node.clauses)
    if len(node.clauses) == 1 and not conditional and names == clause.names:
        keys = _domain(clause.domain, context)
    else:
        key = ir.Collect(node.span, SetType(node.type.key), "set", pair.items[0], node.clauses)
        keys = _set_of(key, context)

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
        if isinstance(source, Function) and source.total:
            t, total = MapType(source.type.key, t.value), True
    return Function(t, at, keys, total)


def _seq_of(node: ir.Collect, context: Context) -> Shape:
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
    run, within, passes = _together(node.clauses, context)
    if run.copies and len(node.clauses) > 1:
        raise sh.refuse(node.span, "a sequence of a Bag's elements and others", "use a set")
    whole = replace(run, item=lambda place: place)
    return in_order(whole, passes, lambda x: within(x).expr(node.element), node.type.item, context, node.span)


def _mapped(node: ir.Collect, domain: Listing, context: Context) -> Listing:
    """A sequence with each element mapped."""
    assert isinstance(node.type, SeqType)
    (clause,) = node.clauses

    def at(i: Term) -> Shape:
        return context.bound(clause.names, domain.at(i)).expr(node.element)

    return Listing(node.type.item, domain.length, at)


def _repeated(node: ir.Collect, item: Type, context: Context) -> Listing:
    """A sequence of the same value, once for each of what is run through."""
    run, _, passes = _together(node.clauses, context)
    whole = len(node.clauses) == 1 and isinstance(node.clauses[0].domain, ir.Universe)
    length = _times(run, passes, context, node, whole=whole and not node.clauses[0].conditions)
    value = context.expr(node.element)
    return Listing(item, length, lambda _: value)


def _places(node: ir.Collect, clauses: Sequence[Clause], context: Context) -> list[tuple[Term, Shape]] | None:
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


def _gathered(item: Type, places: Sequence[tuple[Term, Shape]], context: Context) -> Listing:
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
    t = (node.key or node.element).type
    best, rank = items[0]
    for element, key in items[1:]:
        low, high = (key, rank) if node.kind == "min" else (rank, key)
        better = before(t, low, high, context, strict=True, span=node.span)  # the first of equals is kept
        best, rank = (
            lightened(either(better, *pair), context.theory) for pair in ((element, best), (key, rank))
        )
    return best


def _extreme(node: ir.Collect, context: Context) -> Shape:
    """Min and max: the one that is among them and beyond which none is."""
    heard: list[Term] = []
    listener = replace(context, hear=lambda d: heard.append(d.holds))
    first = _domain(node.clauses[0].domain, listener)
    _demands(node, node.clauses, first, listener)
    quiet = context.silent()
    empty = _quantify(True, node.clauses, quiet, lambda _: FALSE)
    exists = conj(neg(empty), *heard)
    found = _ranked(node, exists, quiet) if node.key is not None else _greatest(node, exists, quiet)
    if node.default is None:
        context.demand(Failing.ERROR, neg(empty), f"{node.kind}() of an empty container", node.span)
        return found
    return either(empty, context.under(empty).expr(node.default), found)


def _better(node: ir.Collect, t: Type, x: Shape, y: Shape, context: Context, *, strict: bool) -> Term:
    """Whether `x` is beyond `y`, as the least or the greatest."""
    low, high = (x, y) if node.kind == "min" else (y, x)
    return before(t, low, high, context, strict=strict, span=node.span)


def _greatest(node: ir.Collect, exists: Term, context: Context) -> Shape:
    """The element beyond which none is: equal ones are one."""
    t = node.element.type
    t = t.item if isinstance(t, OptionalType) else t
    members = _set_of(node, context)

    def best(x: Shape) -> Term:
        def within(y: Shape) -> Term:
            y = y.value if isinstance(y, Maybe) else y
            return _better(node, t, x, y, context, strict=False)

        return conj(members.has(x), members.every(within))

    return chosen(t, exists, best, context, node.kind)


def _ranked(node: ir.Collect, exists: Term, context: Context) -> Shape:
    """The first element of those with the best key."""
    assert node.key is not None
    if len(node.clauses) > 1:
        raise sh.refuse(node.span, f"`{node.kind}` with a key, of two things run through", "run through one")
    (clause,), t = node.clauses, node.key.type
    run = run_of(clause.domain, context)

    def at(place: Shape) -> Context:
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


# --- sums -------------------------------------------------------------------------------------------------------------


def _sum(node: ir.Collect, context: Context) -> Term:
    """A sum of what is written out is that of its parts; any other is how often each number is added, times the number."""
    if (found := _added(node, node.clauses, context)) is not None:
        return found
    first = _domain(node.clauses[0].domain, context)
    _demands(node, node.clauses, first, context)
    domain, plain = node.clauses[0].domain, not any(c.conditions for c in node.clauses)
    run, at, passes = _together(node.clauses, context.silent())
    whole = isinstance(domain, ir.Universe) and plain and len(node.clauses) == 1
    try:
        return tallied(run, passes, lambda x: at(x).number(node.element), context, node, whole=whole)
    except sh.Refused:
        return _one_by_one(node, node.clauses, context.silent(), lambda here: here.number(node.element))


def _one_by_one(
    node: ir.Collect, clauses: Sequence[Clause], context: Context, number: Callable[[Context], Term]
) -> Term:
    """The sum of a number over all that is run through, worked out place by place."""
    if not clauses:
        return number(context)
    run, at, passes = _together(clauses[:1], context)

    def added(place: Shape) -> Term:
        passed = passes(place)
        return (
            Number(0)
            if passed == FALSE
            else choice(passed, _one_by_one(node, clauses[1:], at(place), number), Number(0))
        )

    return summed(run, added, context, node.span)


def _together(
    clauses: Sequence[Clause], context: Context
) -> tuple[Run, Callable[[Shape], Context], Callable[[Shape], Term]]:
    """What clauses run through as one: pairs of places, and what is bound at each, and whether the conditions let it pass."""
    clause, rest = clauses[0], clauses[1:]
    run = run_of(clause.domain, context)

    def at(place: Shape) -> Context:
        return context.bound(clause.names, run.item(place))

    def passes(place: Shape) -> Term:
        return conj(*map(at(place).formula, clause.conditions))

    if not rest:
        return run, at, passes
    anywhere = context.shapes.variants(run.index)[0]
    sample = _together(rest, at(anywhere.build([fresh("x", s) for s in anywhere.sorts])))[0]
    t = TupleType((run.index, sample.index))

    def split(pair: Shape) -> tuple[Shape, Shape]:
        assert isinstance(pair, Row)
        return pair.fields[0], pair.fields[1]

    def has(pair: Shape) -> Term:
        x, y = split(pair)
        return conj(run.places.has(x), _together(rest, at(x))[0].places.has(y))

    def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
        def quantify(f: Callable[[Shape], Term]) -> Term:
            def outer(x: Shape) -> Term:
                inner = _together(rest, at(x))[0].places
                each = lambda y: f(Row(t, (x, y)))  # noqa: E731
                return inner.every(each) if universal else inner.some(each)

            return run.places.every(outer) if universal else run.places.some(outer)

        return quantify

    def bound(pair: Shape) -> Context:
        x, y = split(pair)
        return _together(rest, at(x))[1](y)

    def passing(pair: Shape) -> Term:
        x, y = split(pair)
        return conj(passes(x), _together(rest, at(x))[2](y))

    places = Members(t, has, over(True), over(False))
    return Run(t, places, lambda p: p, copies=run.copies or sample.copies), bound, passing


def tallied(
    run: Run,
    passes: Callable[[Shape], Term],
    number: Callable[[Shape], Term],
    context: Context,
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
        return times(amount, _times(run, passes, context, node, whole=whole))
    for amount in dict.fromkeys(n for term in terms for n in _leaves(term, node)):
        if amount != Number(0):
            there = lambda x, k=amount: conj(passes(x), equal(number(x), k))  # noqa: E731
            total = plus(total, times(amount, _times(run, there, context, node)))
    return total


def _leaves(term: Term, node: ir.Node) -> list[Term]:
    match term:
        case Number():
            return [term]
        case Choice(_, then, orelse):
            return [*_leaves(then, node), *_leaves(orelse, node)]
    raise sh.refuse(node.span, "a sum of numbers that differ", "sum constants, or count with comparisons")


def _times(
    run: Run, passes: Callable[[Shape], Term], context: Context, node: ir.Node, *, whole: bool = False
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


def _added(node: ir.Collect, clauses: Sequence[Clause], context: Context) -> Term | None:
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


def written_out(node: Expr, context: Context) -> list[tuple[Term, Term, Shape]] | None:
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
        members = shape.keys if isinstance(shape, Function) else shape
        assert isinstance(members, Members)
        one, count = Number(1), members.count
        return [(members.has(v), one if count is None else count(v), v) for v in values]
    else:
        return None
    if isinstance(shape, Listing) and isinstance(shape.length, Number) and shape.length.value <= FEW:
        return [(TRUE, Number(1), shape.at(Number(i))) for i in range(shape.length.value)]
    return None
