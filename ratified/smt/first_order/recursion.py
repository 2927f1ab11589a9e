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
from typing import TypeVar

from ratified.language.errors import Span
from ratified.language.rules import Rules
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
from ratified.smt.first_order.context import LogicContext
from ratified.smt.first_order.defining import canonical, variables_of
from ratified.smt.first_order.equality import as_number, is_none
from ratified.smt.first_order.names import ascii_name, is_worked_out, record_names, sort_name, worked_out_name
from ratified.smt.first_order.ordering import LoopRange, first_of
from ratified.smt.first_order.shapes import (
    Atom,
    Case,
    Dependent,
    FunctionShape,
    Listing,
    Maybe,
    Members,
    Nothing,
    ProductShape,
    Shape,
    as_union,
    either,
    known,
)
from ratified.smt.first_order.symbols import ShapeMaker
from ratified.smt.first_order.theory import Axiom
from ratified.smt.first_order.variants import NamedTerm, Variant
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

K = TypeVar("K", bound=Shape)

PlaceFunction = Callable[[str, Shape], Shape]
"""What a thing is at a place."""

ShapeValues = Mapping[str, Shape]
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
    values: ShapeValues
    other: tuple[Bound, ...] = ()


def _any_places(index: Type, shapes: ShapeMaker) -> list[_Place]:
    """Any place, for each case."""
    found = []
    for variant in shapes.variants(index):
        columns = tuple(fresh("place", s) for s in variant.sorts)
        found.append(_Place(variant, columns, variant.build(columns)))
    return found


def worked_out(
    run: LoopRange,
    types: Mapping[str, Type],
    begin: ShapeValues,
    turn: Callable[[Shape, ShapeValues], ShapeValues],
    context: LogicContext,
    span: Span,
    facts: Callable[[PlaceFunction, Shape], Term] = lambda _, __: TRUE,
) -> tuple[PlaceFunction, Callable[[], ShapeValues]]:
    """Things that each place of a run changes: what they are where it is come to, and what they are in the end.

    `facts` are laws too, about any place, which have to follow from the others. Raises Dependent if a turn depends on what is not
    known, or a thing's value is no value of its type; Refused if the order of places cannot be said.
    """
    if run.copies:
        raise Dependent
    if run.ends is None:
        _check_order(run, context, span)
    context = context.silent()

    def rules(found: PlaceFunction) -> Iterator[_Ruled]:
        made = _along_ints if run.ends is not None else _along_places
        yield from made(run, begin, lambda y: turn(y, {n: found(n, y) for n in types}), context, span)

    found = _named(run.index, types, rules, facts, context, span)

    def end() -> ShapeValues:
        if run.ends is not None:
            return {n: found(n, Atom(run.ends[1])) for n in types}
        there = run.places.some(lambda _: TRUE)
        if there == FALSE:
            return begin
        last = first_of(run, lambda _: TRUE, there, context, span, last=True)
        after = turn(last, {n: found(n, last) for n in types})
        return {n: either(there, after[n], begin[n]) for n in types}

    return found, end


def copy_by_copy(run: LoopRange) -> LoopRange:
    """The run of a bag, each copy of an element a place of its own."""
    count = run.places.count
    if not run.copies or count is None:
        return run
    index, places, item = TupleType((run.index, IntType())), run.places, run.item

    def inside(x: Shape, number: Term) -> Term:
        return conj(at_most(Number(0), number), less(number, count(x)))

    def has(place: Shape) -> Term:
        assert isinstance(place, ProductShape)
        x, number = place.fields
        assert isinstance(number, Atom)
        return inside(x, number.term)

    def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
        def quantify(f: Callable[[Shape], Term]) -> Term:
            def outer(x: Shape) -> Term:
                number = fresh("copy", INT)
                within, found = inside(x, number), f(ProductShape(index, (x, Atom(number))))
                if universal:
                    return every([number], implies(within, found))
                return some([number], conj(within, found))

            return places.every(outer) if universal else places.some(outer)

        return quantify

    def item_at(place: Shape) -> Shape:
        assert isinstance(place, ProductShape)
        return item(place.fields[0])

    return LoopRange(index, Members(index, has, over(True), over(False)), item_at, run.backwards)


def _check_order(run: LoopRange, context: LogicContext, span: Span) -> None:
    """Raise Refused if the order of the places cannot be said."""
    for variant in context.shapes.variants(run.index):
        x, y = (variant.build([fresh("x", s) for s in variant.sorts]) for _ in range(2))
        run.before(x, y, context, span)


def _along_ints(
    run: LoopRange, begin: ShapeValues, turn: Callable[[Shape], ShapeValues], context: LogicContext, _: Span
) -> Iterator[_Ruled]:
    """From one int to the next."""
    assert run.ends is not None
    low, high = run.ends
    (place,) = _any_places(run.index, context.shapes)
    (i,) = place.columns
    yield _Ruled(place, at_most(i, low), begin)
    yield _Ruled(place, conj(less(low, i), at_most(i, high)), turn(Atom(minus(i, Number(1)))))


def _along_places(
    run: LoopRange,
    begin: ShapeValues,
    turn: Callable[[Shape], ShapeValues],
    context: LogicContext,
    span: Span,
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
    rules: Callable[[PlaceFunction], Iterable[_Ruled]],
    facts: Callable[[PlaceFunction, Shape], Term],
    context: LogicContext,
    span: Span,
) -> PlaceFunction:
    """Functions of the place, and of all that is bound where they are used, of which the rules are laws."""
    theory, shapes = context.theory, context.shapes

    def functions(name: str, given: Sequence[Bound]) -> PlaceFunction:
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
    name: str, thing: str, t: Type, variant: Variant, columns: Sequence[Term], more: Sequence[NamedTerm]
) -> tuple[str, Type, list[NamedTerm]]:
    """The name, type and arguments of what a thing is at a place."""
    return f"{name}/{ascii_name(thing)}{variant.name}", t, [*zip(columns, variant.sorts, strict=True), *more]


def _loose(law: Law) -> list[Bound]:
    """What is bound elsewhere."""
    return [
        b for b in variables_of([law.where, law.right]) if b not in law.left.arguments and b not in law.own
    ]


def _closed(formula: Term) -> Term:
    return every(sorted(free(formula), key=lambda b: b.name), formula)


@dataclass(frozen=True, slots=True)
class _Column:
    """A value, and the symbols of a name, at arguments, that are to be what it is made of."""

    name: str
    arguments: tuple[NamedTerm, ...]
    value: Shape
    shapes: ShapeMaker

    def symbol(self, suffix: str, sort: str, more: Sequence[NamedTerm] = ()) -> Apply:
        """The symbol with this suffix, at more arguments."""
        made = self.shapes.signature.apply(self.name + suffix, [*self.arguments, *more], sort)
        assert isinstance(made, Apply)
        return made

    def inside(
        self, suffix: str, t: Type, part: Shape, more: Sequence[NamedTerm] = ()
    ) -> Iterator[tuple[Apply, Term]]:
        """The equations of a part."""
        return _equations(self.name + suffix, t, [*self.arguments, *more], part, self.shapes)


_EQUATIONS: Rules[_Column, Iterator[tuple[Apply, Term]]] = Rules("what symbols are equal to")


def _equations(
    name: str, t: Type, arguments: Sequence[NamedTerm], value: Shape, shapes: ShapeMaker
) -> Iterator[tuple[Apply, Term]]:
    """What the symbols that a value of this type is made of are to be, column by column. Raises Dependent."""
    value = known(value)
    if not isinstance(t, OptionalType) and isinstance(value, Maybe):
        value = known(value.value)
    return _EQUATIONS(t, _Column(name, tuple(arguments), value, shapes))


@_EQUATIONS.rule(NoneType)
def _(t: NoneType, of: _Column) -> Iterator[tuple[Apply, Term]]:
    yield from ()


@_EQUATIONS.rule(BoolType)
def _(t: BoolType, of: _Column) -> Iterator[tuple[Apply, Term]]:
    yield of.symbol("", BOOL), _of_kind(Atom, of.value).term


@_EQUATIONS.rule(IntType)
def _(t: IntType, of: _Column) -> Iterator[tuple[Apply, Term]]:
    yield of.symbol("", INT), as_number(_of_kind(Atom, of.value).term)


@_EQUATIONS.rule(SortType)
def _(t: SortType, of: _Column) -> Iterator[tuple[Apply, Term]]:
    yield of.symbol("", sort_name(t)), _of_kind(Atom, of.value).term


@_EQUATIONS.rule(EnumType)
def _(t: EnumType, of: _Column) -> Iterator[tuple[Apply, Term]]:
    for member, test in list(zip(t.enum, _of_kind(Case, of.value).tests, strict=True))[:-1]:
        yield of.symbol(f"={ascii_name(member.name)}", BOOL), test


@_EQUATIONS.rule(OptionalType)
def _(t: OptionalType, of: _Column) -> Iterator[tuple[Apply, Term]]:
    value = of.value
    yield of.symbol("?", BOOL), neg(is_none(value))
    part = known(value.value) if isinstance(value, Maybe) else value
    if not isinstance(part, Nothing):
        yield from of.inside("", t.item, part)


@_EQUATIONS.rule(RecordType)
def _(t: RecordType, of: _Column) -> Iterator[tuple[Apply, Term]]:
    for (f, ft), part in zip(t.fields.items(), _of_kind(ProductShape, of.value).fields, strict=True):
        yield from of.inside(f".{ascii_name(f)}", ft, part)


@_EQUATIONS.rule(TupleType)
def _(t: TupleType, of: _Column) -> Iterator[tuple[Apply, Term]]:
    for i, (ft, part) in enumerate(zip(t.items, _of_kind(ProductShape, of.value).fields, strict=True)):
        yield from of.inside(f".{i}", ft, part)


@_EQUATIONS.rule(UnionType)
def _(t: UnionType, of: _Column) -> Iterator[tuple[Apply, Term]]:
    if not isinstance(of.value, sh.OneOf | ProductShape):
        raise Dependent
    cases = {r: (test, row) for r, test, row in as_union(of.value).cases}
    for r, called in zip(t.records, record_names(t.records), strict=True):
        test, row = cases.get(r, (FALSE, None))
        if r != t.records[-1]:
            yield of.symbol(f"?{called}", BOOL), test
        if row is not None:
            yield from of.inside(f"?{called}", r, row)


@_EQUATIONS.rule(MapType)
def _(t: MapType, of: _Column) -> Iterator[tuple[Apply, Term]]:
    value = _of_kind(FunctionShape, of.value)
    if not value.total or value.type.key != t.key:
        raise Dependent
    for variant in of.shapes.variants(t.key):
        columns = [fresh("key", s) for s in variant.sorts]
        part = value.at(variant.build(columns))
        yield from of.inside(variant.name, t.value, part, list(zip(columns, variant.sorts, strict=True)))


@_EQUATIONS.rule(SetType, BagType)
def _(t: SetType | BagType, of: _Column) -> Iterator[tuple[Apply, Term]]:
    value = _of_kind(Members, of.value)
    if isinstance(t, SetType) != (value.count is None):
        raise Dependent
    for variant in of.shapes.variants(t.item):
        columns = [fresh("item", s) for s in variant.sorts]
        x, more = variant.build(columns), list(zip(columns, variant.sorts, strict=True))
        if value.count is None:
            yield of.symbol(variant.name, BOOL, more), value.has(x)
        else:
            yield of.symbol(variant.name, INT, more), value.count(x)


@_EQUATIONS.rule(SeqType)
def _(t: SeqType, of: _Column) -> Iterator[tuple[Apply, Term]]:
    value = _of_kind(Listing, of.value)
    yield of.symbol("/length", INT), value.length
    position = fresh("at", INT)
    yield from of.inside("/at", t.item, value.at(position), [(position, INT)])


def _of_kind(kind: type[K], value: Shape) -> K:
    """A value that is to be of a kind. Raises Dependent if it is of another."""
    if not isinstance(value, kind):
        raise Dependent
    return value


__all__ = ["PlaceFunction", "ShapeValues", "copy_by_copy", "worked_out"]
