"""Comprehensions: what runs through a container, as a quantifier, a set, a sequence, a largest element.

Guarantees: containers are run through in canonical order wherever the order can be seen, and as sets where it cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Expr
from ratified.language.rules import Rules
from ratified.language.types import (
    BagType,
    EnumType,
    IntType,
    MapType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    Type,
    element_type,
)
from ratified.tla.context import TlaContext
from ratified.tla.formulas import (
    ONE,
    Binder,
    Evaluated,
    QuantifiedTla,
    all_of,
    braces,
    filtered,
    function,
    if_else,
    negated,
    number,
    set_of,
    string,
    tuple_of,
)
from ratified.tla.known import all_learned, natural, range_facts, sum_of, tested
from ratified.tla.linear import constant, plus
from ratified.tla.orders import in_order, key, key_operator
from ratified.tla.syntax import (
    Apply,
    Definition,
    Dot,
    If,
    Index,
    Infix,
    Leaf,
    Let,
    Pattern,
    Prefix,
    Tla,
    Wrapped,
    names_in,
)
from ratified.tla.totality import total, total_clauses
from ratified.tla.typesets import type_set

COMPREHENSIONS: Rules[TlaContext, Tla] = Rules("TLA+ of comprehensions")

# --- containers as sets and as sequences ---


def keys_of(node: Expr, f: TlaContext) -> Tla:
    """The keys of a map, as a set."""
    assert isinstance(node.type, MapType)
    keys = type_set(node.type.key, f.words)
    return keys if keys is not None else Prefix("DOMAIN", f.expr(node))


def as_set(node: Expr, f: TlaContext) -> Tla:
    """The elements of a container (the keys of a map)."""
    match node:
        case ir.IntRange(_, _, low, high):
            f.words.need("Integers")
            return Infix("..", f.expr(low), f.words.terms.written(plus(sum_of(high, f), constant(-1))))
        case ir.MakeSeq(_, _, items):
            return braces(*(f.expr(item) for item in items))
        case ir.Convert(_, _, "distinct" | "reversed" | "sorted" | "sorted-reversed", operand):
            return as_set(operand, f)
        case ir.Convert(_, _, "keys", operand):
            return keys_of(operand, f)
        case ir.Convert(_, _, "values", operand):
            inner, k = f.binding("k")
            return set_of(Index(inner.expr(operand), (k,)), ((k.text,), keys_of(operand, f)))
        case ir.Convert(_, _, "items", operand):
            inner, k = f.binding("k")
            pair = tuple_of(k, Index(inner.expr(operand), (k,)))
            return set_of(pair, ((k.text,), keys_of(operand, f)))
        case ir.Collect(_, _, "seq" | "bag", _, _):
            return set_collect(node, f)
        case ir.Concat(_, SeqType(), left, right):
            return Infix("\\union", as_set(left, f), as_set(right, f))
    match node.type:
        case SetType():
            return f.expr(node)
        case BagType():
            f.words.need("Bags")
            return Apply("BagToSet", (f.expr(node),))
        case MapType():
            return keys_of(node, f)
    return f.words.use("Range", f.expr(node))


def as_seq(node: Expr, f: TlaContext) -> Tla:
    """The elements of a container in the order in which it is run through."""
    match node.type:
        case SeqType():
            return f.expr(node)
        case BagType(item):
            return f.words.use("SortedBag", f.expr(node), Leaf(key_operator(item, f.words)))
        case SetType(item):
            whole = _universe_in_order(item, f) if isinstance(node, ir.Universe) else None
            return whole or in_order(as_set(node, f), item, f.words)
        case MapType(key, _):
            return in_order(keys_of(node, f), key, f.words)
    raise AssertionError(node)


def _universe_in_order(t: Type, f: TlaContext) -> Tla | None:
    """All values of a type in their order, if they can be told one by one."""
    if isinstance(t, SortType) and not t.ordered:
        return Leaf(f.words.sequence_of(t.sort))
    if isinstance(t, EnumType):
        return tuple_of(*(string(f.words.form.member(m)) for m in t.enum))
    return None


def by_position(sequence: Tla, f: TlaContext, element: Callable[[TlaContext, Tla, Tla], Tla]) -> Tla:
    """The sequence of what is made of each position, in a frame in which the position is bound."""
    f.words.need("Sequences", "Integers")
    if not isinstance(sequence, Leaf):
        names = f.names.inner()
        name = names.give_apart("seq")
        inner = by_position(Leaf(name), replace(f, names=names), element)
        if str(inner) == name:
            return sequence
        return Let((Definition(name, sequence),), inner)
    inside, position = f.binding("k")
    made = element(inside, sequence, position)
    if str(made) == str(Index(sequence, (position,))):
        return sequence
    return function(made, ((position.text,), Infix("..", ONE, Apply("Len", (sequence,)))))


def chosen(clause: ir.Clause, f: TlaContext) -> Tla | None:
    """What a clause runs through, as a set that has one element for each."""
    if not isinstance(clause.domain.type, SetType | MapType):
        return None
    inner, bound = bind(clause, f)
    conditions = tested(clause.conditions, inner)
    names, domain = bound
    return domain if not conditions else filtered(names[0], domain, all_of(conditions))


# --- comprehensions ---


def bind(clause: ir.Clause, f: TlaContext) -> tuple[TlaContext, Binder]:
    """A frame in which a clause's names run through its domain, and the bound that says so."""
    domain = as_set(clause.domain, f)
    names = f.names.inner()
    given = {name: names.give(name) for name in clause.names}
    inner = replace(f.inside({name: Leaf(text) for name, text in given.items()}), names=names)
    for name in given:
        inner.sums.pop(name, None)
    if len(given) == 1:
        (text,) = given.values()
        if isinstance(clause.domain, ir.IntRange):
            term = f.words.terms.of(Leaf(text), natural=False)
            inner = inner.knowing(*range_facts({term: 1}, clause.domain, f))
        return inner, ((text,), domain)
    return inner, ((Pattern(tuple(given.values())),), domain)


@COMPREHENSIONS.rule(ir.Collect)
def _collect(node: ir.Collect, f: TlaContext) -> Tla:
    match node.kind:
        case "all" | "any":
            inner = total_clauses(node.clauses, f)
            plain = inner is not None and total(node.element, inner)
            made = quantified_by if plain else in_turn
            return made(node.kind, node.clauses, lambda inner: inner.expr(node.element), f)
        case "set":
            return set_collect(node, f)
        case "seq":
            return seq_collect(node.clauses, lambda inner: inner.expr(node.element), f)
        case "bag":
            return f.words.use("BagOf", seq_collect(node.clauses, lambda i: i.expr(node.element), f))
        case "map":
            return _map_collect(node, f)
        case "sum":
            return _sum(node, f)
    return _extreme(node, f)


def quantified_by(
    kind: str, clauses: Sequence[ir.Clause], body: Callable[[TlaContext], Tla], f: TlaContext
) -> Tla:
    r"""`\A` or `\E`, bounds that do not depend on each other together."""
    bounds: list[Binder] = []
    conditions: list[Tla] = []
    rest = list(clauses)
    while rest:
        inner, (names, domain) = bind(rest[0], f)
        if bounds and (_speaks_of(domain, bounds) or _guarded(rest[0], conditions)):
            break
        f = inner
        if bounds and str(bounds[-1][1]) == str(domain) and not isinstance(names[0], Pattern):
            bounds[-1] = ((*bounds[-1][0], *names), domain)
        else:
            bounds.append((names, domain))
        conditions += tested(rest[0].conditions, f)
        f = all_learned(rest[0].conditions, f)
        rest.pop(0)
    inner_part = quantified_by(kind, rest, body, f) if rest else body(f)
    if kind == "any":
        return QuantifiedTla("\\E", tuple(bounds), all_of([*conditions, inner_part]))
    if conditions:
        inner_part = Infix("=>", all_of(conditions), inner_part)
    return QuantifiedTla("\\A", tuple(bounds), inner_part)


def _guarded(clause: ir.Clause, conditions: Sequence[Tla]) -> bool:
    """Whether a domain may have no value unless the conditions before it hold."""
    plain = ir.Universe | ir.Variable | ir.Parameter | ir.Local
    return bool(conditions) and not isinstance(clause.domain, plain)


def in_turn(kind: str, clauses: Sequence[ir.Clause], body: Callable[[TlaContext], Tla], f: TlaContext) -> Tla:
    r"""Whether something holds of any or all elements, computed one after the other, and no further than it takes.

    In an action TLC takes each element of `\E` for another step, and runs through `\A` backwards; what is behind `~` it computes
    for its value alone, and stops when that is known.
    """
    first, rest = clauses[0], clauses[1:]
    inner, bound, sequence = _bind_in_order(first, f)
    tests = tested(first.conditions, inner)
    inner = all_learned(first.conditions, inner)
    part = in_turn(kind, rest, body, inner) if rest else body(inner)
    made: Tla
    if not f.acting:
        op, whole = "\\E", all_of([*tests, part])
        if kind == "all":
            op, whole = "\\A", Infix("=>", all_of(tests), part) if tests else part
        made = QuantifiedTla(op, (bound,), whole)
    else:
        opposite = part.operand if isinstance(part, Evaluated) else negated(part)
        op, whole = "\\E", all_of([*tests, opposite])
        if kind == "any":
            op, whole = "\\A", Infix("=>", all_of(tests), opposite) if tests else opposite
        made = Evaluated("~", QuantifiedTla(op, (bound,), whole))
    return Let((sequence,), made) if sequence else made


def _bind_in_order(clause: ir.Clause, f: TlaContext) -> tuple[TlaContext, Binder, Definition | None]:
    """A frame and a bound as `bind` makes them, but that a sequence is run through from its beginning; a name for it, if need be.

    TLC runs through numbers and through values of sorts in their order, and through other sets in one of its own.
    """
    domain = clause.domain
    view = isinstance(domain, ir.Convert) and domain.what in ("keys", "values", "items")
    members = isinstance(domain, ir.Universe) and _is_enum(domain.type)
    if view or isinstance(domain, ir.IntRange) or not (members or isinstance(domain.type, SeqType)):
        return *bind(clause, f), None
    made = as_seq(domain, f)
    names = f.names.inner()
    sequence = None if isinstance(made, Leaf) else Definition(names.give_apart("seq"), made)
    elements = Leaf(sequence.name) if sequence else made
    position = names.give("k")
    f.words.need("Sequences", "Integers")
    inner = replace(f.inside(unpacked(clause.names, Index(elements, (Leaf(position),)))), names=names)
    for name in clause.names:
        inner.sums.pop(name, None)
    return inner, ((position,), Infix("..", ONE, Apply("Len", (elements,)))), sequence


def _is_enum(t: Type) -> bool:
    return isinstance(t, SetType) and isinstance(t.item, EnumType)


def set_collect(node: ir.Collect, f: TlaContext) -> Tla:
    """The set of what a comprehension gives."""
    chosen = _of_a_record(node, f)
    if chosen is not None:
        return chosen
    return gathered(node.clauses, lambda inner: inner.expr(node.element), f)


def _of_a_record(node: ir.Collect, f: TlaContext) -> Tla | None:
    r"""`{x \in Vote : P(x.ballot, x.value)}`, where each record of a class is made once; None elsewhere.

    TLC computes the set Vote once and for all, and makes no record to ask P of it.
    """
    made = node.element
    while isinstance(made, ir.Fit | ir.Widen):
        made = made.operand
    if not isinstance(made, ir.MakeRecord) or not isinstance(made.type, RecordType) or not made.fields:
        return None
    given = [field.name if isinstance(field, ir.Local) else "" for field in made.fields]
    wanted = dict(zip(given, made.type.fields.values(), strict=True))
    ranges = {
        ", ".join(clause.names): clause.domain.type.item
        for clause in node.clauses
        if isinstance(clause.domain, ir.Universe) and isinstance(clause.domain.type, SetType)
    }
    once = len(node.clauses) == len(ranges) == len(given)
    records = type_set(made.type, f.words)
    if not once or ranges != wanted or records is None:
        return None
    names = f.names.inner()
    one = Leaf(names.give(made.type.record.__name__.lower()))
    fields: dict[str, Tla] = {
        name: Dot(one, f.words.form.field(made.type.record, field))
        for name, field in zip(given, made.type.fields, strict=True)
    }
    inner = replace(f.inside(fields), names=names)
    for name in fields:
        inner.sums.pop(name, None)
    tests: list[Tla] = []
    for clause in node.clauses:
        tests += tested(clause.conditions, inner)
        inner = all_learned(clause.conditions, inner)
    return filtered(one.text, records, all_of(tests)) if tests else records


def gathered(clauses: Sequence[ir.Clause], element: Callable[[TlaContext], Tla], f: TlaContext) -> Tla:
    """The set of what is made of each choice of a comprehension."""
    bounds: list[Binder] = []
    tests: list[Tla] = []
    inner = f
    for clause in clauses:
        further, (bound, domain) = bind(clause, inner)
        if _speaks_of(domain, bounds) or _guarded(clause, tests):
            break
        tests += tested(clause.conditions, further)
        inner = all_learned(clause.conditions, further)
        bounds.append((bound, domain))
    else:
        # Names of pairs cannot stand inside names of pairs.
        if len(bounds) == 1 or not tests or not any(isinstance(names[0], Pattern) for names, _ in bounds):
            return _set_of(element(inner), bounds, tests)
    first, rest = clauses[0], clauses[1:]
    inner, (bound, domain) = bind(first, f)
    tests = tested(first.conditions, inner)
    domain = filtered(bound[0], domain, all_of(tests)) if tests else domain
    each = gathered(rest, element, all_learned(first.conditions, inner))
    return Prefix("UNION", set_of(each, (bound, domain)))


def _set_of(made: Tla, bounds: Sequence[Binder], tests: Sequence[Tla]) -> Tla:
    """`{made : bounds}` where the tests hold."""
    if not tests:
        same = len(bounds) == 1 and str(made) == str(bounds[0][0][0])
        return bounds[0][1] if same else set_of(made, *bounds)
    if len(bounds) == 1:
        (names, domain) = bounds[0]
        chosen = filtered(names[0], domain, all_of(tests))
        return chosen if str(made) == str(names[0]) else set_of(made, (names, chosen))
    pattern = Pattern(tuple(str(names[0]) for names, _ in bounds))  # no pair among them
    domains = [Wrapped(domain) if isinstance(domain, Infix) else domain for _, domain in bounds]
    product = domains[0]
    for domain in domains[1:]:
        product = Infix("\\X", product, domain)
    chosen = filtered(pattern, product, all_of(tests))
    return chosen if str(made) == str(pattern) else set_of(made, ((pattern,), chosen))


def seq_collect(clauses: Sequence[ir.Clause], element: Callable[[TlaContext], Tla], f: TlaContext) -> Tla:
    """The sequence of what is made of each choice of a comprehension, in order."""
    first, rest = clauses[0], clauses[1:]
    # The elements of a set are chosen before they are put in order, which takes TLC long.
    elements = chosen(first, f) if first.conditions and not isinstance(first.domain, ir.Universe) else None
    conditions = first.conditions if elements is None else ()

    def of(inner: TlaContext, s: Tla, k: Tla) -> Tla:
        inner = inner.inside(unpacked(first.names, Index(s, (k,))))
        for name in first.names:
            inner.sums.pop(name, None)
        tests = tested(conditions, inner)
        inner = all_learned(first.conditions, inner)
        each = seq_collect(rest, element, inner) if rest else element(inner)
        if tests:
            return if_else(all_of(tests), each if rest else tuple_of(each), tuple_of())
        return each

    item = element_type(first.domain.type)
    assert item is not None
    made = by_position(
        as_seq(first.domain, f) if elements is None else in_order(elements, item, f.words), f, of
    )
    return f.words.use("Flattened", made) if rest or conditions else made


def unpacked(names: Sequence[str], item: Tla) -> dict[str, Tla]:
    """Names for a value, or for the parts of a tuple."""
    if len(names) == 1:
        return {names[0]: item}
    return {name: Index(item, (number(i + 1),)) for i, name in enumerate(names)}


def _map_collect(node: ir.Collect, f: TlaContext) -> Tla:
    clause = node.clauses[0]
    pair = node.element
    if len(node.clauses) == 1 and not clause.conditions and isinstance(pair, ir.MakeTuple):
        key, value = pair.items
        if isinstance(key, ir.Local) and clause.names == (key.name,):
            inner, bound = bind(clause, f)
            return function(inner.expr(value), bound)
    return f.words.use("MapOf", seq_collect(node.clauses, lambda inner: inner.expr(pair), f))


def _sum(node: ir.Collect, f: TlaContext) -> Tla:
    first = node.clauses[0]
    of_ones = isinstance(node.element, ir.Literal) and node.element.value == 1 and len(node.clauses) == 1
    if of_ones and (found := chosen(first, f)) is not None:
        f.words.need("FiniteSets")
        return Apply("Cardinality", (found,))
    return f.words.use("Sum", seq_collect(node.clauses, lambda inner: inner.expr(node.element), f))


def _extreme(node: ir.Collect, f: TlaContext) -> Tla:
    t = node.element.operand.type if isinstance(node.element, ir.Widen) else node.element.type
    if node.key is None and isinstance(t, IntType | SortType):
        return _largest(node, f)
    ranked = node.key or node.element

    def pair(inner: TlaContext) -> Tla:
        return tuple_of(key(ranked.type, inner.expr(ranked), f.words), inner.expr(node.element))

    made = seq_collect(node.clauses, pair, f)
    best = "Best" if node.kind == "max" else "Worst"
    if node.default is None:
        return f.words.use(best, made)
    name = f.names.inner().give_apart("found")
    empty = Infix("=", Leaf(name), Leaf("<< >>"))
    choice = If(empty, f.expr(node.default), f.words.use(best, Leaf(name)))
    return Let((Definition(name, made),), choice)


def _largest(node: ir.Collect, f: TlaContext) -> Tla:
    """`Max(S)`, `Min(S)`: of numbers it does not matter which of equals is taken."""
    operator = "Max" if node.kind == "max" else "Min"
    low = node.default
    above: list[bool] = []

    def element(inner: TlaContext) -> Tla:
        made = inner.expr(node.element)
        if low is not None and isinstance(low.type, IntType | SortType):
            way = plus(sum_of(node.element, inner), sum_of(low, inner), -1)
            above.append(natural(way if node.kind == "max" else plus({}, way, -1), inner))
        return made

    found = gathered(node.clauses, element, f)
    if low is None:
        return f.words.use(operator, found)
    default = f.expr(low)
    if above and all(above):
        return f.words.use(operator, Infix("\\union", braces(default), found))
    name = f.names.inner().give_apart("found")
    choice = If(Infix("=", Leaf(name), Leaf("{}")), default, f.words.use(operator, Leaf(name)))
    return Let((Definition(name, found),), choice)


def less_one(k: Tla) -> Tla:
    """A position, counted from 0."""
    return Infix("-", k, ONE)


def _speaks_of(domain: Tla, bounds: Sequence[Binder]) -> bool:
    """Whether something stands in a domain that is bound before it."""
    return not domain.names.isdisjoint(names_in(names for names, _ in bounds))
