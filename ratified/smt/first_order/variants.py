"""How shapes are made from symbols and taken apart again, when they are equal, and what the bounds of types say of them.

Guarantees: every value of a type has exactly one variant that it matches, with one row of columns.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

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
from ratified.smt.first_order.names import ascii_name, record_names, sort_name
from ratified.smt.first_order.shapes import (
    Atom,
    Case,
    Function,
    Listing,
    Maybe,
    Members,
    Nothing,
    OneOf,
    Quantifiers,
    Row,
    Shape,
    Signature,
    as_union,
    either,
    refuse,
)
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
    equal,
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


# --- state: a value from symbols --------------------------------------------------------------------------------------

Argument = tuple[Term, str]


@dataclass(frozen=True, slots=True)
class Variant:
    """One case of a type: the columns that it has, the shape made from them, and how a shape is seen as it.

    `match` gives the condition under which a shape is of this variant, and its columns then. `within` says what is known of the
    columns (an int's bounds).
    """

    name: str
    sorts: tuple[str, ...]
    build: Callable[[Sequence[Term]], Shape]
    match: Callable[[Shape], tuple[Term, list[Term]]]
    within: Callable[[Sequence[Term]], Term]


Relation = Callable[[Variant, Sequence[Term]], Term]
"""What holds of the columns of a variant."""


class Shapes:
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

    def from_symbols(self, name: str, t: Type, arguments: Sequence[Argument] = ()) -> Shape:
        """The value of a type that the symbols of this name stand for at these arguments."""
        apply = self.signature.apply
        match t:
            case BoolType():
                return Atom(apply(name, arguments, BOOL))
            case IntType():
                return Atom(apply(name, arguments, INT))
            case SortType():
                return Atom(apply(name, arguments, sort_name(t)))
            case NoneType():
                return Nothing()
            case EnumType(enum):
                flags = [apply(f"{name}={ascii_name(m.name)}", arguments, BOOL) for m in list(enum)[:-1]]
                return Case(enum, case_tests(flags))
            case OptionalType(item):
                return Maybe(apply(f"{name}?", arguments, BOOL), self.from_symbols(name, item, arguments))
            case RecordType():
                named = ((f"{name}.{ascii_name(f)}", ft) for f, ft in t.fields.items())
                return Row(t, tuple(self.from_symbols(n, ft, arguments) for n, ft in named))
            case TupleType(items):
                fields = [self.from_symbols(f"{name}.{i}", ft, arguments) for i, ft in enumerate(items)]
                return Row(t, tuple(fields))
            case UnionType(records):
                names = [f"{name}?{r}" for r in record_names(records)]
                flags = [apply(n, arguments, BOOL) for n in names[:-1]]
                shapes = [self.from_symbols(n, r, arguments) for n, r in zip(names, records, strict=True)]
                return OneOf(tuple(zip(records, case_tests(flags), shapes, strict=True)))
            case MapType():
                return self._map(name, t, arguments)
            case SetType(item):
                return self._set(name, item, arguments)
            case BagType(item):
                return self._bag(name, item, arguments)
            case SeqType(item):
                at = lambda i: self.from_symbols(f"{name}/at", item, [*arguments, (i, INT)])  # noqa: E731
                return Listing(item, apply(f"{name}/length", arguments, INT), at)
        raise AssertionError(t)

    def _map(self, name: str, t: MapType, arguments: Sequence[Argument]) -> Function:
        def value_of(variant: Variant, columns: Sequence[Term]) -> Shape:
            inner = [*arguments, *zip(columns, variant.sorts, strict=True)]
            return self.from_symbols(name + variant.name, t.value, inner)

        return self.whole(t, lambda key: self.by_case(t.key, key, value_of))

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

    def whole(self, t: MapType, at: Callable[[Shape], Shape], origin: Term | None = None) -> Function:
        """The map that has a value for every value of its key's type."""
        return Function(t, at, self.universe(t.key), total=True, origin=origin)

    def universe(self, t: Type) -> Members:
        """All values of a type."""
        return replace(self.members(t, lambda v, columns: v.within(columns)), typed=True)

    def _set(self, name: str, item: Type, arguments: Sequence[Argument]) -> Members:
        def relation(variant: Variant, columns: Sequence[Term]) -> Term:
            given = [*arguments, *zip(columns, variant.sorts, strict=True)]
            return self.signature.apply(name + variant.name, given, BOOL)

        return self.members(item, relation)

    def _bag(self, name: str, item: Type, arguments: Sequence[Argument]) -> Members:
        """A bag is how many copies there are of each value."""
        variants = self.variants(item)

        def copies(variant: Variant, columns: Sequence[Term]) -> Term:
            given = [*arguments, *zip(columns, variant.sorts, strict=True)]
            return self.signature.apply(name + variant.name, given, INT)

        def count(x: Shape) -> Term:
            found: Term = Number(0)
            for variant in variants:
                test, columns = variant.match(x)
                if test != FALSE:
                    found = choice(test, copies(variant, columns), found)
            return found

        members = self.members(item, lambda v, columns: less(Number(0), copies(v, columns)))
        return replace(members, count=count)

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

    # --- variants ---

    def variants(self, t: Type) -> list[Variant]:
        """The variants of a type that elements of sets, keys of maps and parameters may have."""
        if t not in self._variants:
            self._variants[t] = self._made(t)
        return self._variants[t]

    def _made(self, t: Type) -> list[Variant]:
        match t:
            case IntType():
                return [_atom(INT, lambda c: self.within(t, c[0]))]
            case SortType():
                return [_atom(sort_name(t), lambda _: TRUE)]
            case BoolType():
                return [_truth(True), _truth(False)]
            case NoneType():
                return [_none()]
            case EnumType(enum):
                return [_member(enum, i) for i in range(len(enum))]
            case OptionalType(item):
                return [_none(), *(_present(v) for v in self.variants(item))]
            case RecordType():
                return self._product(t, [ascii_name(f) for f in t.fields], list(t.fields.values()))
            case TupleType(items):
                return self._product(t, [str(i) for i in range(len(items))], items)
            case UnionType(records):
                named = zip(record_names(records), records, strict=True)
                return [_of_union(r, name, v) for name, r in named for v in self.variants(r)]
            case MapType() | SetType() | SeqType():
                return [self._reified(t)]
        raise refuse(
            None, f"a set, a key or a parameter of type {t}", "use records of sorts, Enums and bools"
        )

    def _product(self, t: Type, names: Sequence[str], types: Sequence[Type]) -> list[Variant]:
        found = []
        for combination in itertools.product(*(self.variants(ft) for ft in types)):
            parts = [f"{n}{v.name}" for n, v in zip(names, combination, strict=True) if v.name]
            found.append(_row(t, f"<{'&'.join(parts)}>" if parts else "", combination))
        return found

    def _reified(self, t: MapType | SetType | SeqType) -> Variant:
        sort = self.signature.reify(t)

        def match(shape: Shape) -> tuple[Term, list[Term]]:
            return TRUE, [self.term_of(t, shape)]

        def within(columns: Sequence[Term]) -> Term:
            return known_of(self, t, self.of_reified(t, columns[0]), sized=True)

        return Variant("", (sort,), lambda c: self.of_reified(t, c[0]), _seen(match), within)

    def term_of(self, t: MapType | SetType | SeqType, shape: Shape) -> Term:
        """The value of its sort that stands for a container. There is one of each content, and only one."""
        assert isinstance(shape, Function | Members | Listing), shape
        sort = self.signature.reify(t)
        if shape.origin is not None and sort_of(shape.origin) == sort:
            return shape.origin
        if isinstance(shape, Function) and not shape.total:
            raise refuse(None, "a map that lacks keys, inside another value", "give a value for every key")
        variable = fresh("content", sort)
        return The(variable, TRUE, Equality(self)(self.of_reified(t, variable), shape))

    def of_reified(self, t: MapType | SetType | SeqType, term: Term) -> Shape:
        """The container that a value of its sort stands for."""
        sort = self.signature.reify(t)
        name = f"{sort}/at" if isinstance(t, MapType) else f"{sort}/has" if isinstance(t, SetType) else sort
        made = self.from_symbols(name, t, [(term, sort)])
        assert isinstance(made, Function | Members | Listing)
        return with_origin(made, term)


def within_bounds(shape: Shape) -> Shape:
    """A shape of which it is known that all that is in its sets is within the bounds of their types."""
    match shape:
        case Members():
            return replace(shape, typed=True)
        case Function(at=at):
            return replace(shape, at=lambda key: within_bounds(at(key)))
    return shape


def with_origin(shape: Function | Members | Listing, origin: Term) -> Shape:
    """A container that a term stands for."""
    return replace(shape, origin=origin)


Match = Callable[[Shape], tuple[Term, list[Term]]]


def _seen(match: Match) -> Match:
    """A match that looks through optionals, and knows that None is of no variant but its own."""

    def seen(shape: Shape) -> tuple[Term, list[Term]]:
        if isinstance(shape, Nothing):
            return FALSE, []
        if isinstance(shape, Maybe):
            test, columns = seen(shape.value)
            return conj(shape.some, test), columns
        return match(shape)

    return seen


def _atom(sort: str, within: Callable[[Sequence[Term]], Term]) -> Variant:
    def match(shape: Shape) -> tuple[Term, list[Term]]:
        assert isinstance(shape, Atom), shape
        return TRUE, [as_number(shape.term) if sort == INT else shape.term]

    return Variant("", (sort,), lambda c: Atom(c[0]), _seen(match), within)


def as_number(term: Term) -> Term:
    """An int, or a bool as one."""
    return choice(term, Number(1), Number(0)) if sort_of(term) == BOOL else term


def _truth(value: bool) -> Variant:
    def match(shape: Shape) -> tuple[Term, list[Term]]:
        assert isinstance(shape, Atom)
        return shape.term if value else neg(shape.term), []

    made = Atom(TRUE if value else FALSE)
    return Variant(f"<{value}>".lower(), (), lambda _: made, _seen(match), lambda _: TRUE)


def _none() -> Variant:
    return Variant("<->", (), lambda _: Nothing(), lambda shape: (is_none(shape), []), lambda _: TRUE)


def _present(inner: Variant) -> Variant:
    return replace(inner, build=lambda c: Maybe(TRUE, inner.build(c)))


def _member(enum: type[Enum], index: int) -> Variant:
    def match(shape: Shape) -> tuple[Term, list[Term]]:
        assert isinstance(shape, Case)
        return shape.tests[index], []

    made = Case(enum, tuple(TRUE if i == index else FALSE for i in range(len(enum))))
    name = f"<{ascii_name(list(enum)[index].name)}>"
    return Variant(name, (), lambda _: made, _seen(match), lambda _: TRUE)


def _row(t: Type, name: str, combination: Sequence[Variant]) -> Variant:
    widths = [len(v.sorts) for v in combination]

    def split(columns: Sequence[Term]) -> Iterable[tuple[Variant, Sequence[Term]]]:
        start = 0
        for v, width in zip(combination, widths, strict=True):
            yield v, columns[start : start + width]
            start += width

    def match(shape: Shape) -> tuple[Term, list[Term]]:
        if isinstance(shape, OneOf):
            found = next(((test, row) for r, test, row in shape.cases if r == t), None)
            if found is None:
                return FALSE, []
            test, columns = match(found[1])
            return conj(found[0], test), columns
        assert isinstance(shape, Row), shape
        if isinstance(t, RecordType) and shape.type != t:
            return FALSE, []
        tests, columns = [], list[Term]()
        for v, part in zip(combination, shape.fields, strict=True):
            test, more = v.match(part)
            if test == FALSE:
                return FALSE, []
            tests.append(test)
            columns += more
        return conj(*tests), columns

    return Variant(
        name,
        tuple(s for v in combination for s in v.sorts),
        lambda c: Row(t, tuple(v.build(part) for v, part in split(c))),
        _seen(match),
        lambda c: conj(*(v.within(part) for v, part in split(c))),
    )


def _of_union(record: RecordType, name: str, inner: Variant) -> Variant:
    return Variant(
        f"<{name}{inner.name}>",
        inner.sorts,
        lambda c: OneOf(((record, TRUE, inner.build(c)),)),
        inner.match,
        inner.within,
    )


class Equality:
    """Equality of shapes. Maps are compared at all keys, sets by their members, sequences up to their length."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes

    def __call__(self, left: Shape, right: Shape) -> Term:
        """Whether two shapes are the same value."""
        match left, right:
            case (Nothing(), other) | (other, Nothing()):
                return is_none(other)
            case (Maybe() as a, b) | (b, Maybe() as a):
                there, value = (b.some, b.value) if isinstance(b, Maybe) else (TRUE, b)
                return disj(conj(neg(a.some), neg(there)), conj(a.some, there, self(a.value, value)))
            case Atom(x), Atom(y):
                return equal(x, y) if sort_of(x) == sort_of(y) else equal(as_number(x), as_number(y))
            case Case(_, xs), Case(_, ys):
                return disj(*(conj(x, y) for x, y in zip(xs, ys, strict=True)))
            case Row(t, xs), Row(u, ys):
                same = t == u or isinstance(t, TupleType)
                return conj(*(self(x, y) for x, y in zip(xs, ys, strict=True))) if same else FALSE
            case (Row() | OneOf(), Row() | OneOf()):
                others = {r: (t, s) for r, t, s in as_union(right).cases}
                shared = [(t, s, *others[r]) for r, t, s in as_union(left).cases if r in others]
                return disj(*(conj(t, u, self(s, v)) for t, s, u, v in shared if FALSE not in (t, u)))
            case (Function() | Members() | Listing() as a, Function() | Members() | Listing() as b):
                if a.origin is not None and b.origin is not None and sort_of(a.origin) == sort_of(b.origin):
                    self._shapes.signature.compared[sort_of(a.origin)] = None
                    return equal(a.origin, b.origin)
                return self.content(a, b)
        raise AssertionError((left, right))

    def content(self, left: Shape, right: Shape) -> Term:
        """Whether two containers have the same in them, whatever terms stand for them."""
        match left, right:
            case Function(t, f), Function(u, g):
                if not (left.total and right.total and t.key == u.key):
                    keys = self(left.keys, right.keys)
                    return conj(keys, left.keys.every(lambda k: self(f(k), g(k))))
                return left.keys.every(lambda k: self(f(k), g(k)))
            case Members(item, count=count), Members(count=other) if count is not None and other is not None:
                # Copies of a value that neither has are none.
                ways = self._shapes.arguments_of(item, "x")
                return conj(*(every(v, equal(count(x), other(x))) for v, _, x in ways))
            case Members(), Members():
                return conj(left.every(right.has), right.every(left.has))
            case Listing(_, n, f_), Listing(_, m, g_):
                i = fresh("i", INT)
                inside = conj(at_most(Number(0), i), less(i, n))
                return conj(equal(n, m), every([i], implies(inside, self(f_(i), g_(i)))))
        raise AssertionError((left, right))


def is_none(shape: Shape) -> Term:
    """Whether a shape is None."""
    match shape:
        case Nothing():
            return TRUE
        case Maybe(there, _):
            return neg(there)
    return FALSE


def constant_shape(shapes: Shapes, name: str, t: Type) -> tuple[Shape, Term]:
    """An unknown value of a type, from symbols of that name, and what is known of it."""
    if isinstance(t, MapType | SetType | SeqType):
        made = shapes.of_reified(t, shapes.signature.apply(name, (), shapes.signature.reify(t)))
    else:
        made = shapes.from_symbols(name, t)
    return made, known_of(shapes, t, made, sized=True)


def known_of(shapes: Shapes, t: Type, shape: Shape, *, sized: bool = False) -> Term:
    """What the bounds of a type say of a value of it.

    `AtMost` only if it is `sized`: it bounds the choice of an action's argument, a parameter or a key. What a variable holds
    is proved whatever its size.
    """

    def inner(part: Type, value: Shape) -> Term:
        return known_of(shapes, part, value, sized=sized)

    match t, shape:
        case IntType(), Atom(term):
            return shapes.within(t, as_number(term))
        case OptionalType(item), Maybe(there, value):
            return implies(there, inner(item, value))
        case (RecordType(), Row(_, fields)):
            return conj(*map(inner, t.fields.values(), fields))
        case (TupleType(items), Row(_, fields)):
            return conj(*map(inner, items, fields))
        case OptionalType(item), (Atom() | Case() | Row() | OneOf() | Function() | Members() | Listing()):
            return inner(item, shape)
        case UnionType(), Row(RecordType() as record, _):
            return inner(record, shape)
        case UnionType(), OneOf(cases):
            return conj(*(implies(test, inner(r, s)) for r, test, s in cases))
        case MapType(_, value), Function(_, value_at):
            return shape.keys.every(lambda k: inner(value, value_at(k)))
        case SetType(item, size), Members():
            known = shape.every(lambda x: inner(item, x))
            return conj(known, shapes.counted(shape, size)) if sized and size is not None else known
        case BagType(item), Members(count=count) if count is not None:
            ways = shapes.arguments_of(item, "x")
            counts = (every(v, at_most(Number(0), count(x))) for v, _, x in ways)
            return conj(shape.every(lambda x: inner(item, x)), *counts)
        case _, Maybe(there, known_value):
            return implies(there, inner(t, known_value))
        case SeqType(item, size), Listing(_, length, at):
            i = fresh("i", INT)
            inside = conj(at_most(Number(0), i), less(i, length))
            each = every([i], implies(inside, inner(item, at(i))))
            short = at_most(length, shapes.bound(size)) if sized and size is not None else TRUE
            return conj(at_most(Number(0), length), short, each)
    return TRUE
