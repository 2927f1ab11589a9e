"""How shapes are made from symbols, for every type, and what the bounds of types say of them.

Guarantees: every value of a type is what some values of its symbols stand for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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
from ratified.smt.first_order import variants as vs
from ratified.smt.first_order.equality import Equality, as_number
from ratified.smt.first_order.names import ascii_name, record_names, sort_name
from ratified.smt.first_order.shapes import (
    Atom,
    Case,
    FunctionShape,
    Listing,
    Maybe,
    Members,
    Nothing,
    OneOf,
    ProductShape,
    Quantifiers,
    Shape,
    Signature,
    either,
    refuse,
)
from ratified.smt.first_order.variants import NamedTerm, Relation, Variant
from ratified.smt.terms import (
    BOOL,
    FALSE,
    INT,
    TRUE,
    Bound,
    Number,
    Term,
    The,
    at_most,
    choice,
    conj,
    disj,
    every,
    fresh,
    implies,
    less,
    neg,
    some,
    sort_of,
)


def case_tests(flags: Sequence[Term]) -> tuple[Term, ...]:
    """Tests of which exactly one is true, one more than there are flags: the first flag that is set decides."""
    tests: list[Term] = []
    for i, flag in enumerate(flags):
        tests.append(conj(*map(neg, flags[:i]), flag))
    return (*tests, conj(*map(neg, flags)))


class ShapeMaker:
    """Makes shapes from symbols, and takes them apart.

    `bound` reads the bounds of types, where they are known; `counted` says that a set has so many elements at most.
    """

    def __init__(
        self,
        signature: Signature,
        bound: Callable[[int | str], Term],
        counted: Callable[[Members, int | str], Term],
    ) -> None:
        self.signature = signature
        self._bound = bound
        self.counted = counted
        self._variants: dict[Type, list[Variant]] = {}

    def bound(self, bound: int | str) -> Term:
        """A bound, which may be an expression over parameters and sizes."""
        return self._bound(bound)

    def within(self, t: IntType, term: Term) -> Term:
        """That an int is within its type's bounds."""
        low = TRUE if t.low is None else at_most(self._bound(t.low), term)
        return conj(low, TRUE if t.high is None else at_most(term, self._bound(t.high)))

    def from_symbols(self, name: str, t: Type, arguments: Sequence[NamedTerm] = ()) -> Shape:
        """The value of a type that the symbols of this name stand for at these arguments."""
        return _SYMBOLS(t, _Symbols(self, name, tuple(arguments)))

    def by_case(self, t: Type, x: Shape, value: Callable[[Variant, Sequence[Term]], Shape]) -> Shape:
        """What there is for a value of a type, said for each case that the value may be."""
        variants, found = self.variants(t), None
        for variant in reversed(variants):
            test, columns = variant.match(x)
            if test != FALSE:
                made = value(variant, columns)
                found = made if found is None else either(test, made, found)
        # What is of no case at all has none: any will do.
        return found or value(variants[0], [self.signature.anything(s) for s in variants[0].sorts])

    def whole(self, t: MapType, at: Callable[[Shape], Shape], origin: Term | None = None) -> FunctionShape:
        """The map that has a value for every value of its key's type."""
        return FunctionShape(t, at, self.universe(t.key), total=True, origin=origin)

    def universe(self, t: Type) -> Members:
        """All values of a type."""
        return replace(self.members(t, lambda v, columns: v.within(columns)), typed=True)

    def members(self, item: Type, relation: Relation) -> Members:
        """The set of the values that a relation over the columns of each variant holds of."""
        variants = self.variants(item)

        def has(x: Shape) -> Term:
            matched = [(v, *v.match(x)) for v in variants]
            return disj(*(conj(t, relation(v, columns)) for v, t, columns in matched if t != FALSE))

        def over(universal: bool, within: Relation = relation) -> Callable[[Callable[[Shape], Term]], Term]:
            def quantify(f: Callable[[Shape], Term]) -> Term:
                found = []
                for v in variants:
                    columns = [fresh("x", s) for s in v.sorts]
                    inside, body = within(v, columns), f(v.build(columns))
                    if universal:
                        found.append(every(columns, implies(inside, body)))
                    else:
                        found.append(some(columns, conj(inside, body)))
                return conj(*found) if universal else disj(*found)

            return quantify

        values = Quantifiers(over(True, lambda *_: TRUE), over(False, lambda *_: TRUE), len(variants))
        return Members(item, has, over(True), over(False), times=len(variants), values=values)

    def arguments_of(self, t: Type, names: str) -> list[tuple[list[Bound], Term, Shape]]:
        """Every way to range over a type: variables, what is known of them, and the shape, for each variant.

        Of any size: a claim about all of a type is about what variables hold too, which is proved whatever its size.
        """
        found = []
        for v in self.variants(t):
            columns = [fresh(ascii_name(names), s) for s in v.sorts]
            shape = v.build(columns)
            found.append((columns, known_of(self, t, shape), shape))
        return found

    def variants(self, t: Type) -> list[Variant]:
        """The variants of a type that elements of sets, keys of maps and parameters may have."""
        if t not in self._variants:
            self._variants[t] = _VARIANTS(t, self)
        return self._variants[t]

    def term_of(self, t: MapType | SetType | SeqType, shape: Shape) -> Term:
        """The value of its sort that stands for a container. There is one of each content, and only one."""
        assert isinstance(shape, FunctionShape | Members | Listing), shape
        sort = self.signature.reify(t)
        if shape.origin is not None and sort_of(shape.origin) == sort:
            return shape.origin
        if isinstance(shape, FunctionShape) and not shape.total:
            raise refuse(None, "a map that lacks keys, inside another value", "give a value for every key")
        variable = fresh("content", sort)
        return The(variable, TRUE, Equality(self)(self.of_reified(t, variable), shape))

    def of_reified(self, t: MapType | SetType | SeqType, term: Term) -> Shape:
        """The container that a value of its sort stands for."""
        sort = self.signature.reify(t)
        name = f"{sort}/at" if isinstance(t, MapType) else f"{sort}/has" if isinstance(t, SetType) else sort
        made = self.from_symbols(name, t, [(term, sort)])
        assert isinstance(made, FunctionShape | Members | Listing)
        return with_origin(made, term)


def within_bounds(shape: Shape) -> Shape:
    """A shape of which it is known that all that is in its sets is within the bounds of their types."""
    match shape:
        case Members():
            return replace(shape, typed=True)
        case FunctionShape(at=at):
            return replace(shape, at=lambda key: within_bounds(at(key)))
    return shape


def with_origin(shape: FunctionShape | Members | Listing, origin: Term) -> Shape:
    """A container that a term stands for."""
    return replace(shape, origin=origin)


# --- a value from symbols ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Symbols:
    """Symbols of a name, at arguments."""

    shapes: ShapeMaker
    name: str
    arguments: tuple[NamedTerm, ...]

    def apply(self, suffix: str, sort: str, more: Sequence[NamedTerm] = ()) -> Term:
        """The one with this suffix, at more arguments."""
        return self.shapes.signature.apply(self.name + suffix, [*self.arguments, *more], sort)

    def inside(self, suffix: str, t: Type, more: Sequence[NamedTerm] = ()) -> Shape:
        """The value of a type that those with this suffix stand for."""
        return self.shapes.from_symbols(self.name + suffix, t, [*self.arguments, *more])


_SYMBOLS: Rules[_Symbols, Shape] = Rules("values from symbols")


@_SYMBOLS.rule(BoolType)
def _(t: BoolType, at: _Symbols) -> Shape:
    return Atom(at.apply("", BOOL))


@_SYMBOLS.rule(IntType)
def _(t: IntType, at: _Symbols) -> Shape:
    return Atom(at.apply("", INT))


@_SYMBOLS.rule(SortType)
def _(t: SortType, at: _Symbols) -> Shape:
    return Atom(at.apply("", sort_name(t)))


@_SYMBOLS.rule(NoneType)
def _(t: NoneType, at: _Symbols) -> Shape:
    return Nothing()


@_SYMBOLS.rule(EnumType)
def _(t: EnumType, at: _Symbols) -> Shape:
    flags = [at.apply(f"={ascii_name(m.name)}", BOOL) for m in list(t.enum)[:-1]]
    return Case(t.enum, case_tests(flags))


@_SYMBOLS.rule(OptionalType)
def _(t: OptionalType, at: _Symbols) -> Shape:
    return Maybe(at.apply("?", BOOL), at.inside("", t.item))


@_SYMBOLS.rule(RecordType)
def _(t: RecordType, at: _Symbols) -> Shape:
    return ProductShape(t, tuple([at.inside(f".{ascii_name(f)}", ft) for f, ft in t.fields.items()]))


@_SYMBOLS.rule(TupleType)
def _(t: TupleType, at: _Symbols) -> Shape:
    return ProductShape(t, tuple([at.inside(f".{i}", ft) for i, ft in enumerate(t.items)]))


@_SYMBOLS.rule(UnionType)
def _(t: UnionType, at: _Symbols) -> Shape:
    names = [f"?{r}" for r in record_names(t.records)]
    flags = [at.apply(n, BOOL) for n in names[:-1]]
    shapes = [at.inside(n, r) for n, r in zip(names, t.records, strict=True)]
    return OneOf(tuple(zip(t.records, case_tests(flags), shapes, strict=True)))


@_SYMBOLS.rule(MapType)
def _(t: MapType, at: _Symbols) -> Shape:
    def value_of(variant: Variant, columns: Sequence[Term]) -> Shape:
        return at.inside(variant.name, t.value, list(zip(columns, variant.sorts, strict=True)))

    return at.shapes.whole(t, lambda key: at.shapes.by_case(t.key, key, value_of))


@_SYMBOLS.rule(SetType)
def _(t: SetType, at: _Symbols) -> Shape:
    def relation(variant: Variant, columns: Sequence[Term]) -> Term:
        return at.apply(variant.name, BOOL, list(zip(columns, variant.sorts, strict=True)))

    return at.shapes.members(t.item, relation)


@_SYMBOLS.rule(BagType)
def _(t: BagType, at: _Symbols) -> Shape:
    """A bag is how many copies there are of each value."""
    variants = at.shapes.variants(t.item)

    def copies(variant: Variant, columns: Sequence[Term]) -> Term:
        return at.apply(variant.name, INT, list(zip(columns, variant.sorts, strict=True)))

    def count(x: Shape) -> Term:
        found: Term = Number(0)
        for variant in variants:
            test, columns = variant.match(x)
            if test != FALSE:
                found = choice(test, copies(variant, columns), found)
        return found

    members = at.shapes.members(t.item, lambda v, columns: less(Number(0), copies(v, columns)))
    return replace(members, count=count)


@_SYMBOLS.rule(SeqType)
def _(t: SeqType, at: _Symbols) -> Shape:
    return Listing(t.item, at.apply("/length", INT), lambda i: at.inside("/at", t.item, [(i, INT)]))


# --- the variants of a type -------------------------------------------------------------------------------------------

_VARIANTS: Rules[ShapeMaker, list[Variant]] = Rules("the variants of types")


@_VARIANTS.rule(BagType)
def _(t: BagType, shapes: ShapeMaker) -> list[Variant]:
    what = f"a set, a key or a parameter of type {t}"
    raise refuse(None, what, "use records of sorts, Enums and bools")


@_VARIANTS.rule(IntType)
def _(t: IntType, shapes: ShapeMaker) -> list[Variant]:
    return [vs.atom(INT, lambda c: shapes.within(t, c[0]))]


@_VARIANTS.rule(SortType)
def _(t: SortType, shapes: ShapeMaker) -> list[Variant]:
    return [vs.atom(sort_name(t), lambda _: TRUE)]


@_VARIANTS.rule(BoolType)
def _(t: BoolType, shapes: ShapeMaker) -> list[Variant]:
    return [vs.truth(True), vs.truth(False)]


@_VARIANTS.rule(NoneType)
def _(t: NoneType, shapes: ShapeMaker) -> list[Variant]:
    return [vs.none()]


@_VARIANTS.rule(EnumType)
def _(t: EnumType, shapes: ShapeMaker) -> list[Variant]:
    return [vs.member(t.enum, i) for i in range(len(t.enum))]


@_VARIANTS.rule(OptionalType)
def _(t: OptionalType, shapes: ShapeMaker) -> list[Variant]:
    return [vs.none(), *(vs.present(v) for v in shapes.variants(t.item))]


@_VARIANTS.rule(RecordType)
def _(t: RecordType, shapes: ShapeMaker) -> list[Variant]:
    return _product(t, [ascii_name(f) for f in t.fields], list(t.fields.values()), shapes)


@_VARIANTS.rule(TupleType)
def _(t: TupleType, shapes: ShapeMaker) -> list[Variant]:
    return _product(t, [str(i) for i in range(len(t.items))], t.items, shapes)


@_VARIANTS.rule(UnionType)
def _(t: UnionType, shapes: ShapeMaker) -> list[Variant]:
    named = zip(record_names(t.records), t.records, strict=True)
    return [vs.of_union(r, name, v) for name, r in named for v in shapes.variants(r)]


@_VARIANTS.rule(MapType, SetType, SeqType)
def _(t: MapType | SetType | SeqType, shapes: ShapeMaker) -> list[Variant]:
    sort = shapes.signature.reify(t)

    def match(shape: Shape) -> tuple[Term, list[Term]]:
        return TRUE, [shapes.term_of(t, shape)]

    def within(columns: Sequence[Term]) -> Term:
        return known_of(shapes, t, shapes.of_reified(t, columns[0]), sized=True)

    return [Variant("", (sort,), lambda c: shapes.of_reified(t, c[0]), vs.seen(match), within)]


def _product(t: Type, names: Sequence[str], types: Sequence[Type], shapes: ShapeMaker) -> list[Variant]:
    found = []
    for combination in itertools.product(*(shapes.variants(ft) for ft in types)):
        parts = [f"{n}{v.name}" for n, v in zip(names, combination, strict=True) if v.name]
        found.append(vs.row(t, f"<{'&'.join(parts)}>" if parts else "", combination))
    return found


# --- what bounds say --------------------------------------------------------------------------------------------------


def constant_shape(shapes: ShapeMaker, name: str, t: Type) -> tuple[Shape, Term]:
    """An unknown value of a type, from symbols of that name, and what is known of it."""
    if isinstance(t, MapType | SetType | SeqType):
        made = shapes.of_reified(t, shapes.signature.apply(name, (), shapes.signature.reify(t)))
    else:
        made = shapes.from_symbols(name, t)
    return made, known_of(shapes, t, made, sized=True)


def known_of(shapes: ShapeMaker, t: Type, shape: Shape, *, sized: bool = False) -> Term:
    """What the bounds of a type say of a value of it.

    `AtMost` only if it is `sized`: it bounds the choice of an action's argument, a parameter or a key. What a variable holds
    is proved whatever its size.
    """
    if isinstance(shape, Maybe):
        return implies(
            shape.some,
            known_of(shapes, t.item if isinstance(t, OptionalType) else t, shape.value, sized=sized),
        )
    return TRUE if isinstance(shape, Nothing) else _BOUNDS(t, _Bounded(shapes, shape, sized))


@dataclass(frozen=True, slots=True)
class _Bounded:
    """A value that is there, of a type whose bounds are asked for."""

    shapes: ShapeMaker
    shape: Shape
    sized: bool

    def inner(self, part: Type, value: Shape) -> Term:
        """What the bounds of a part say."""
        return known_of(self.shapes, part, value, sized=self.sized)


_BOUNDS: Rules[_Bounded, Term] = Rules("what bounds say")


@_BOUNDS.rule(BoolType, NoneType, EnumType, SortType)
def _(t: Type, of: _Bounded) -> Term:
    return TRUE


@_BOUNDS.rule(IntType)
def _(t: IntType, of: _Bounded) -> Term:
    return of.shapes.within(t, as_number(of.shape.term)) if isinstance(of.shape, Atom) else TRUE


@_BOUNDS.rule(OptionalType)
def _(t: OptionalType, of: _Bounded) -> Term:
    return of.inner(t.item, of.shape)


@_BOUNDS.rule(RecordType)
def _(t: RecordType, of: _Bounded) -> Term:
    return (
        conj(*map(of.inner, t.fields.values(), of.shape.fields))
        if isinstance(of.shape, ProductShape)
        else TRUE
    )


@_BOUNDS.rule(TupleType)
def _(t: TupleType, of: _Bounded) -> Term:
    return conj(*map(of.inner, t.items, of.shape.fields)) if isinstance(of.shape, ProductShape) else TRUE


@_BOUNDS.rule(UnionType)
def _(t: UnionType, of: _Bounded) -> Term:
    match of.shape:
        case ProductShape(RecordType() as record, _):
            return of.inner(record, of.shape)
        case OneOf(cases):
            return conj(*(implies(test, of.inner(r, s)) for r, test, s in cases))
    return TRUE


@_BOUNDS.rule(MapType)
def _(t: MapType, of: _Bounded) -> Term:
    shape = of.shape
    if not isinstance(shape, FunctionShape):
        return TRUE
    return shape.keys.every(lambda k: of.inner(t.value, shape.at(k)))


@_BOUNDS.rule(SetType)
def _(t: SetType, of: _Bounded) -> Term:
    shape = of.shape
    if not isinstance(shape, Members):
        return TRUE
    known = shape.every(lambda x: of.inner(t.item, x))
    return conj(known, of.shapes.counted(shape, t.size)) if of.sized and t.size is not None else known


@_BOUNDS.rule(BagType)
def _(t: BagType, of: _Bounded) -> Term:
    shape = of.shape
    if not isinstance(shape, Members) or (count := shape.count) is None:
        return TRUE
    ways = of.shapes.arguments_of(t.item, "x")
    counts = (every(v, at_most(Number(0), count(x))) for v, _, x in ways)
    return conj(shape.every(lambda x: of.inner(t.item, x)), *counts)


@_BOUNDS.rule(SeqType)
def _(t: SeqType, of: _Bounded) -> Term:
    if not isinstance(of.shape, Listing):
        return TRUE
    i, length = fresh("i", INT), of.shape.length
    inside = conj(at_most(Number(0), i), less(i, length))
    each = every([i], implies(inside, of.inner(t.item, of.shape.at(i))))
    short = at_most(length, of.shapes.bound(t.size)) if of.sized and t.size is not None else TRUE
    return conj(at_most(Number(0), length), short, each)
