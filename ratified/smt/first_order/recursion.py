"""What is worked out place after place, as functions of the place: what a loop carries, a sum, how many have come by.

Where no closed formula says what a turn finds, functions of the place do: at the first place they are what there was to begin
with, at any other what the turn at the place before it makes of what they are there. These laws are axioms.

Guarantees: at each size, and whatever else is so, there are functions of which the laws are true (whose values at the places that
are come to are what CPython finds there), so that an axiom excludes nothing. Laws that say the same are about the same functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ratified.language.errors import Span
from ratified.language.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
)
from ratified.smt.facts import Role
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.context import Context
from ratified.smt.first_order.defining import canonical, variables_of
from ratified.smt.first_order.names import ascii_name, is_worked_out, record_names, sort_name, worked_out_name
from ratified.smt.first_order.ordering import Run, first_of
from ratified.smt.first_order.shapes import (
    Atom,
    Case,
    Dependent,
    Function,
    Listing,
    Maybe,
    Members,
    Nothing,
    Row,
    Shape,
    as_union,
    either,
    known,
)
from ratified.smt.first_order.theory import Axiom
from ratified.smt.first_order.variants import Argument, Shapes, Variant, as_number, is_none
from ratified.smt.law import Law
from ratified.smt.terms import (
    BOOL,
    FALSE,
    INT,
    TRUE,
    Apply,
    Bound,
    Number,
    Term,
    at_most,
    conj,
    every,
    free,
    fresh,
    implies,
    less,
    minus,
    neg,
    some,
)

Found = Callable[[str, Shape], Shape]
"""What a thing is at a place."""

Values = Mapping[str, Shape]
"""What each thing is."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Any place, of one case."""

    variant: Variant
    columns: tuple[Bound, ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class _Ruled:
    """What things are at a place, if a condition is true (for some other place)."""

    place: _Place
    where: Term
    values: Values
    other: tuple[Bound, ...] = ()


def _any_places(index: Type, shapes: Shapes) -> list[_Place]:
    """Any place, for each case."""
    found = []
    for variant in shapes.variants(index):
        columns = tuple(fresh("place", s) for s in variant.sorts)
        found.append(_Place(variant, columns, variant.build(columns)))
    return found


def worked_out(
    run: Run,
    types: Mapping[str, Type],
    begin: Values,
    turn: Callable[[Shape, Values], Values],
    context: Context,
    span: Span,
    facts: Callable[[Found, Shape], Term] = lambda _, __: TRUE,
) -> tuple[Found, Callable[[], Values]]:
    """Things that each place of a run changes: what they are where it is come to, and what they are in the end.

    `facts` are laws too, about any place, which have to follow from the others. Raises Dependent if a turn depends on what is not
    known, or a thing's value is no value of its type; Refused if the order of places cannot be said.
    """
    if run.copies:
        raise Dependent
    if run.ends is None:
        _check_order(run, context, span)
    context = context.silent()

    def rules(found: Found) -> Iterator[_Ruled]:
        made = _along_ints if run.ends is not None else _along_places
        yield from made(run, begin, lambda y: turn(y, {n: found(n, y) for n in types}), context, span)

    found = _named(run.index, types, rules, facts, context, span)

    def end() -> Values:
        if run.ends is not None:
            return {n: found(n, Atom(run.ends[1])) for n in types}
        there = run.places.some(lambda _: TRUE)
        if there == FALSE:
            return begin
        last = first_of(run, lambda _: TRUE, there, context, span, last=True)
        after = turn(last, {n: found(n, last) for n in types})
        return {n: either(there, after[n], begin[n]) for n in types}

    return found, end


def copy_by_copy(run: Run) -> Run:
    """The run of a bag, each copy of an element a place of its own."""
    count = run.places.count
    if not run.copies or count is None:
        return run
    index, places, item = TupleType((run.index, IntType())), run.places, run.item

    def inside(x: Shape, number: Term) -> Term:
        return conj(at_most(Number(0), number), less(number, count(x)))

    def has(place: Shape) -> Term:
        assert isinstance(place, Row)
        x, number = place.fields
        assert isinstance(number, Atom)
        return inside(x, number.term)

    def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
        def quantify(f: Callable[[Shape], Term]) -> Term:
            def outer(x: Shape) -> Term:
                number = fresh("copy", INT)
                within, found = inside(x, number), f(Row(index, (x, Atom(number))))
                if universal:
                    return every([number], implies(within, found))
                return some([number], conj(within, found))

            return places.every(outer) if universal else places.some(outer)

        return quantify

    def item_at(place: Shape) -> Shape:
        assert isinstance(place, Row)
        return item(place.fields[0])

    return Run(index, Members(index, has, over(True), over(False)), item_at, run.backwards)


def _check_order(run: Run, context: Context, span: Span) -> None:
    """Raise Refused if the order of the places cannot be said."""
    for variant in context.shapes.variants(run.index):
        x, y = (variant.build([fresh("x", s) for s in variant.sorts]) for _ in range(2))
        run.before(x, y, context, span)


def _along_ints(
    run: Run, begin: Values, turn: Callable[[Shape], Values], context: Context, _: Span
) -> Iterator[_Ruled]:
    """From one int to the next."""
    assert run.ends is not None
    low, high = run.ends
    (place,) = _any_places(run.index, context.shapes)
    (i,) = place.columns
    yield _Ruled(place, at_most(i, low), begin)
    yield _Ruled(place, conj(less(low, i), at_most(i, high)), turn(Atom(minus(i, Number(1)))))


def _along_places(
    run: Run, begin: Values, turn: Callable[[Shape], Values], context: Context, span: Span
) -> Iterator[_Ruled]:
    """From one place to that which comes next."""

    def before(x: Shape, y: Shape) -> Term:
        return run.before(x, y, context, span)

    for place in _any_places(run.index, context.shapes):
        x = place.shape
        yield _Ruled(place, neg(run.places.some(lambda y, x=x: before(y, x))), begin)  # type: ignore[misc]  # as bound here
        for other in _any_places(run.index, context.shapes):
            y = other.shape
            between = run.places.some(lambda z, x=x, y=y: conj(before(y, z), before(z, x)))  # type: ignore[misc]  # likewise
            where = conj(run.places.has(y), before(y, x), neg(between))
            if where != FALSE:
                yield _Ruled(place, where, turn(y), other.columns)


# --- the symbols --------------------------------------------------------------------------------------------------------


def _named(
    index: Type,
    types: Mapping[str, Type],
    rules: Callable[[Found], Iterable[_Ruled]],
    facts: Callable[[Found, Shape], Term],
    context: Context,
    span: Span,
) -> Found:
    """Functions of the place, and of all that is bound where they are used, of which the rules are laws."""
    theory, shapes = context.theory, context.shapes

    def functions(name: str, given: Sequence[Bound]) -> Found:
        more = [(b, b.sort) for b in given]

        def at(thing: str, place: Shape) -> Shape:
            def value(variant: Variant, columns: Sequence[Term]) -> Shape:
                return shapes.from_symbols(*_symbols(name, thing, types[thing], variant, columns, more))

            return shapes.by_case(index, place, value)

        return at

    def laws(name: str, given: Sequence[Bound]) -> list[Law]:
        made = list[Law]()
        for rule in rules(functions(name, given)):
            place, more = rule.place, [(b, b.sort) for b in given]
            for thing, t in types.items():
                symbols = _symbols(name, thing, t, place.variant, place.columns, more)
                found = _equations(*symbols, rule.values[thing], shapes)
                made += [Law(left, rule.where, right, rule.other) for left, right in found]
        return made

    # First with a name for the time being, to see what is bound, and whether there are such functions already.
    trial = worked_out_name(f"?{theory.trials}")
    before = set(theory.signature.symbols)
    theory.trials += 1
    try:
        tried = laws(trial, ())
    finally:
        theory.trials -= 1
        for name in theory.signature.symbols.keys() - before:
            if is_worked_out(name):
                del theory.signature.symbols[name]
    bound = list(dict.fromkeys(b for law in tried for b in _loose(law)))
    key = hashlib.sha256(
        canonical(t for law in tried for t in (law.left, *law.own, law.where, law.right)).encode()
    ).hexdigest()
    if theory.trials:
        return functions(worked_out_name(f"~{key[:24]}"), bound)
    made = key in theory.loops
    name = theory.loops.setdefault(key, worked_out_name(len(theory.loops)))
    found = functions(name, bound)
    if not made:
        whole = laws(name, bound)
        for law in whole:
            theory.laws.setdefault(law.left.symbol.name, []).append(law)
        known_ = [_closed(facts(found, place.shape)) for place in _any_places(index, shapes)]
        says = (
            f"what {', '.join(types)} {'are' if len(types) > 1 else 'is'}, turn after turn ({span}, {name})"
        )
        formula = conj(*(law.formula for law in whole), *known_)
        theory.axioms.append(Axiom(says, name, formula, role=Role.TURNS))
    return found


def _symbols(
    name: str, thing: str, t: Type, variant: Variant, columns: Sequence[Term], more: Sequence[Argument]
) -> tuple[str, Type, list[Argument]]:
    """The name, type and arguments of what a thing is at a place."""
    return f"{name}/{ascii_name(thing)}{variant.name}", t, [*zip(columns, variant.sorts, strict=True), *more]


def _loose(law: Law) -> list[Bound]:
    """What is bound elsewhere."""
    return [
        b for b in variables_of([law.where, law.right]) if b not in law.left.arguments and b not in law.own
    ]


def _closed(formula: Term) -> Term:
    return every(sorted(free(formula), key=lambda b: b.name), formula)


def _equations(
    name: str, t: Type, arguments: Sequence[Argument], value: Shape, shapes: Shapes
) -> Iterator[tuple[Apply, Term]]:
    """What the symbols that a value of this type is made of are to be, column by column. Raises Dependent."""
    value = known(value)
    if not isinstance(t, OptionalType) and isinstance(value, Maybe):
        value = known(value.value)

    def symbol(suffix: str, sort: str) -> Apply:
        made = shapes.signature.apply(name + suffix, arguments, sort)
        assert isinstance(made, Apply)
        return made

    def inside(suffix: str, inner: Type, part: Shape) -> Iterator[tuple[Apply, Term]]:
        return _equations(name + suffix, inner, arguments, part, shapes)

    match t, value:
        case NoneType(), _:
            return
        case ((BoolType() | IntType() | SortType()), Atom(term)):
            sort = sort_name(t) if isinstance(t, SortType) else INT if isinstance(t, IntType) else BOOL
            yield symbol("", sort), as_number(term) if sort == INT else term
        case EnumType(enum), Case(_, tests):
            for member, test in list(zip(enum, tests, strict=True))[:-1]:
                yield symbol(f"={ascii_name(member.name)}", BOOL), test
        case OptionalType(item), _:
            yield symbol("?", BOOL), neg(is_none(value))
            part = known(value.value) if isinstance(value, Maybe) else value
            if not isinstance(part, Nothing):
                yield from inside("", item, part)
        case RecordType(), Row(_, fields):
            for (f, ft), part in zip(t.fields.items(), fields, strict=True):
                yield from inside(f".{ascii_name(f)}", ft, part)
        case TupleType(items), Row(_, fields):
            for i, (ft, part) in enumerate(zip(items, fields, strict=True)):
                yield from inside(f".{i}", ft, part)
        case UnionType(records), sh.OneOf() | Row():
            cases = {r: (test, row) for r, test, row in as_union(value).cases}
            for r, called in zip(records, record_names(records), strict=True):
                test, row = cases.get(r, (FALSE, None))
                if r != records[-1]:
                    yield symbol(f"?{called}", BOOL), test
                if row is not None:
                    yield from inside(f"?{called}", r, row)
        case _:
            yield from _contained(name, t, arguments, value, shapes)


def _contained(
    name: str, t: Type, arguments: Sequence[Argument], value: Shape, shapes: Shapes
) -> Iterator[tuple[Apply, Term]]:
    """The same of a map, a set, a bag or a sequence."""
    match t, value:
        case MapType(), Function(of, value_at) if value.total and of.key == t.key:
            for variant in shapes.variants(t.key):
                columns = [fresh("key", s) for s in variant.sorts]
                more = [*arguments, *zip(columns, variant.sorts, strict=True)]
                yield from _equations(
                    name + variant.name, t.value, more, value_at(variant.build(columns)), shapes
                )
        case SetType(item) | BagType(item), Members(count=count) if isinstance(t, SetType) == (count is None):
            for variant in shapes.variants(item):
                columns = [fresh("item", s) for s in variant.sorts]
                more = [*arguments, *zip(columns, variant.sorts, strict=True)]
                x = variant.build(columns)
                made = shapes.signature.apply(name + variant.name, more, BOOL if count is None else INT)
                assert isinstance(made, Apply)
                yield made, value.has(x) if count is None else count(x)
        case SeqType(item), Listing(_, length, at):
            size = shapes.signature.apply(f"{name}/length", arguments, INT)
            assert isinstance(size, Apply)
            yield size, length
            position = fresh("at", INT)
            more = [*arguments, (position, INT)]
            yield from _equations(f"{name}/at", item, more, at(position), shapes)
        case _:
            raise Dependent


__all__ = ["Found", "Values", "copy_by_copy", "worked_out"]
