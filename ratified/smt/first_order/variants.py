"""How shapes are made from symbols and taken apart again, when they are equal, and what the bounds of types say of them.

Guarantees: every value of a type has exactly one variant that it matches, with one row of columns.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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
from ratified.smt.first_order.shapes import (
    Atom,
    Case,
    Function,
    Listing,
    Maybe,
    Members,
    Nothing,
    OneOf,
    Row,
    Shape,
    Signature,
    as_union,
    either,
    is_none,
    refuse,
    sort_name,
)
from ratified.smt.terms import (
    BOOL,
    FALSE,
    INT,
    TRUE,
    Bound,
    Number,
    Term,
    at_most,
    conj,
    disj,
    equal,
    every,
    fresh,
    implies,
    less,
    neg,
    some,
)


class _PutTogether(Exception):
    """A container has no term that stands for it, and can only be compared by what is in it."""


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


class Shapes:
    """Makes shapes from symbols, and takes them apart. `bound` reads the bounds of int types, where they are known."""

    def __init__(self, signature: Signature, bound: Callable[[int | str | None], Term | None]) -> None:
        self.signature = signature
        self._bound = bound

    def within(self, t: IntType, term: Term) -> Term:
        """That an int is within its type's bounds, as far as these are known at every size."""
        low, high = self._bound(t.low), self._bound(t.high)
        return conj(
            TRUE if low is None else at_most(low, term), TRUE if high is None else at_most(term, high)
        )

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
                flags = [apply(f"{name}.{m.name}", arguments, BOOL) for m in list(enum)[:-1]]
                return Case(enum, case_tests(flags))
            case OptionalType(item):
                return Maybe(apply(f"{name}.some", arguments, BOOL), self.from_symbols(name, item, arguments))
            case RecordType():
                return Row(
                    t, tuple(self.from_symbols(f"{name}.{f}", ft, arguments) for f, ft in t.fields.items())
                )
            case TupleType(items):
                fields = [self.from_symbols(f"{name}.{i}", ft, arguments) for i, ft in enumerate(items)]
                return Row(t, tuple(fields))
            case UnionType(records):
                flags = [apply(f"{name}.is_{r}", arguments, BOOL) for r in records[:-1]]
                shapes = [self.from_symbols(f"{name}.{r}", r, arguments) for r in records]
                return OneOf(tuple(zip(records, case_tests(flags), shapes, strict=True)))
            case MapType():
                return self._map(name, t, arguments)
            case SetType(item):
                return self._set(name, item, arguments)
            case BagType(item):
                return self._set(name, item, arguments, loose=True)
            case SeqType(item):
                at = lambda i: self.from_symbols(f"{name}.at", item, [*arguments, (i, INT)])  # noqa: E731
                return Listing(item, apply(f"{name}.length", arguments, INT), at)
        raise AssertionError(t)

    def _map(self, name: str, t: MapType, arguments: Sequence[Argument]) -> Function:
        variants = self.variants(t.key)

        def at(key: Shape) -> Shape:
            found: Shape | None = None
            for variant in reversed(variants):
                test, columns = variant.match(key)
                if test == FALSE:
                    continue
                inner = [*arguments, *zip(columns, variant.sorts, strict=True)]
                value = self.from_symbols(name + variant.name, t.value, inner)
                found = value if found is None else either(test, value, found)
            assert found is not None
            return found

        return Function(t, at)

    def _set(self, name: str, item: Type, arguments: Sequence[Argument], *, loose: bool = False) -> Members:
        def relation(variant: Variant, columns: Sequence[Term]) -> Term:
            given = [*arguments, *zip(columns, variant.sorts, strict=True)]
            return self.signature.apply(name + variant.name, given, BOOL)

        return self.members(item, relation, loose=loose)

    def members(
        self, item: Type, relation: Callable[[Variant, Sequence[Term]], Term], *, loose: bool = False
    ) -> Members:
        """The set of the values that a relation over the columns of each variant holds of."""
        variants = self.variants(item)

        def has(x: Shape) -> Term:
            try:
                matched = [(v, *v.match(x)) for v in variants]
                return disj(*(conj(t, relation(v, columns)) for v, t, columns in matched if t != FALSE))
            except _PutTogether:
                return over(False)(lambda y: Equality(self)(x, y))

        def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
            def quantify(f: Callable[[Shape], Term]) -> Term:
                found = []
                for v in variants:
                    columns = [fresh("x", s) for s in v.sorts]
                    inside, body = relation(v, columns), f(v.build(columns))
                    if universal:
                        found.append(every(columns, implies(inside, body)))
                    else:
                        found.append(some(columns, conj(inside, body)))
                return conj(*found) if universal else disj(*found)

            return quantify

        return Members(item, has, over(True), over(False), loose=loose)

    def arguments_of(self, t: Type, names: str) -> list[tuple[list[Bound], Term, Shape]]:
        """Every way to range over a type: variables, what is known of them, and the shape, for each variant."""
        found = []
        for v in self.variants(t):
            columns = [fresh(names, s) for s in v.sorts]
            found.append((columns, v.within(columns), v.build(columns)))
        return found

    # --- variants ---

    def variants(self, t: Type) -> list[Variant]:
        """The variants of a type that elements of sets, keys of maps and parameters may have."""
        match t:
            case IntType():
                return [_atom(INT, lambda c: self.within(t, c[0]))]
            case SortType():
                return [_atom(sort_name(t), lambda _: TRUE)]
            case BoolType():
                return [_truth(True), _truth(False)]
            case NoneType():
                return [_none(lambda _: TRUE)]
            case EnumType(enum):
                return [_member(enum, i) for i in range(len(enum))]
            case OptionalType(item):
                return [_none(is_none), *(_present(v) for v in self.variants(item))]
            case RecordType():
                return self._product(t, list(t.fields), list(t.fields.values()))
            case TupleType(items):
                return self._product(t, [str(i) for i in range(len(items))], items)
            case UnionType(records):
                return [_of_union(r, v) for r in records for v in self.variants(r)]
            case MapType() | SetType() | SeqType():
                return [self._reified(t)]
        raise refuse(
            None, f"a set, a key or a parameter of type {t}", "use records of sorts, Enums and bools"
        )

    def _product(self, t: Type, names: Sequence[str], types: Sequence[Type]) -> list[Variant]:
        found = []
        for combination in itertools.product(*(self.variants(ft) for ft in types)):
            name = "".join(f".{n}{v.name}" for n, v in zip(names, combination, strict=True) if v.name)
            found.append(_row(t, name, combination))
        return found

    def _reified(self, t: MapType | SetType | SeqType) -> Variant:
        sort = self.signature.reify(t)

        def match(shape: Shape) -> tuple[Term, list[Term]]:
            assert isinstance(shape, Function | Members | Listing)
            if shape.origin is None:
                raise _PutTogether
            return TRUE, [shape.origin]

        return Variant("", (sort,), lambda c: self.of_reified(t, c[0]), match, lambda _: TRUE)

    def of_reified(self, t: MapType | SetType | SeqType, term: Term) -> Shape:
        """The container that a value of its sort stands for."""
        sort = self.signature.reify(t)
        name = f"{sort}.at" if isinstance(t, MapType) else f"{sort}.has" if isinstance(t, SetType) else sort
        made = self.from_symbols(name, t, [(term, sort)])
        assert isinstance(made, Function | Members | Listing)
        return with_origin(made, term)


def with_origin(shape: Function | Members | Listing, origin: Term) -> Shape:
    """A container that a term stands for."""
    match shape:
        case Function(t, at):
            return Function(t, at, origin)
        case Members(item, has, all_, some_):
            return Members(item, has, all_, some_, origin, shape.loose)
    return Listing(shape.item, shape.length, shape.at, origin)


def _atom(sort: str, within: Callable[[Sequence[Term]], Term]) -> Variant:
    def match(shape: Shape) -> tuple[Term, list[Term]]:
        if isinstance(shape, Maybe):
            shape = shape.value
        assert isinstance(shape, Atom), shape
        return TRUE, [shape.term]

    return Variant("", (sort,), lambda c: Atom(c[0]), match, within)


def _truth(value: bool) -> Variant:
    def match(shape: Shape) -> tuple[Term, list[Term]]:
        assert isinstance(shape, Atom)
        return shape.term if value else neg(shape.term), []

    return Variant(f".{value}".lower(), (), lambda _: Atom(TRUE if value else FALSE), match, lambda _: TRUE)


def _none(test: Callable[[Shape], Term]) -> Variant:
    return Variant(".none", (), lambda _: Nothing(), lambda shape: (test(shape), []), lambda _: TRUE)


def _present(inner: Variant) -> Variant:
    def match(shape: Shape) -> tuple[Term, list[Term]]:
        there = TRUE
        if isinstance(shape, Maybe):
            there, shape = shape.some, shape.value
        if isinstance(shape, Nothing) or there == FALSE:
            return FALSE, []
        test, columns = inner.match(shape)
        return conj(there, test), columns

    return Variant(inner.name, inner.sorts, lambda c: Maybe(TRUE, inner.build(c)), match, inner.within)


def _member(enum: type[Enum], index: int) -> Variant:
    def match(shape: Shape) -> tuple[Term, list[Term]]:
        assert isinstance(shape, Case)
        return shape.tests[index], []

    made = Case(enum, tuple(TRUE if i == index else FALSE for i in range(len(enum))))
    return Variant(f".{list(enum)[index].name}", (), lambda _: made, match, lambda _: TRUE)


def _row(t: Type, name: str, combination: Sequence[Variant]) -> Variant:
    widths = [len(v.sorts) for v in combination]

    def split(columns: Sequence[Term]) -> Iterable[tuple[Variant, Sequence[Term]]]:
        start = 0
        for v, width in zip(combination, widths, strict=True):
            yield v, columns[start : start + width]
            start += width

    def match(shape: Shape) -> tuple[Term, list[Term]]:
        assert isinstance(shape, Row), shape
        tests, columns = [], list[Term]()
        for v, part in zip(combination, shape.fields, strict=True):
            test, found = v.match(part)
            if test == FALSE:
                return FALSE, []
            tests.append(test)
            columns += found
        return conj(*tests), columns

    return Variant(
        name,
        tuple(s for v in combination for s in v.sorts),
        lambda c: Row(t, tuple(v.build(part) for v, part in split(c))),
        match,
        lambda c: conj(*(v.within(part) for v, part in split(c))),
    )


def _of_union(record: RecordType, inner: Variant) -> Variant:
    def match(shape: Shape) -> tuple[Term, list[Term]]:
        if isinstance(shape, Row):
            return inner.match(shape) if shape.type == record else (FALSE, [])
        assert isinstance(shape, OneOf), shape
        for r, test, fields in shape.cases:
            if r == record and test != FALSE:
                found, columns = inner.match(fields)
                return conj(test, found), columns
        return FALSE, []

    return Variant(
        f".{record}{inner.name}",
        inner.sorts,
        lambda c: OneOf(((record, TRUE, inner.build(c)),)),
        match,
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
                return equal(x, y)
            case Case(_, xs), Case(_, ys):
                return disj(*(conj(x, y) for x, y in zip(xs, ys, strict=True)))
            case Row(t, xs), Row(u, ys):
                same = t == u or isinstance(t, TupleType)
                return conj(*(self(x, y) for x, y in zip(xs, ys, strict=True))) if same else FALSE
            case (Row() | OneOf(), Row() | OneOf()):
                others = {r: (t, s) for r, t, s in as_union(right).cases}
                shared = [(t, s, *others[r]) for r, t, s in as_union(left).cases if r in others]
                return disj(*(conj(t, u, self(s, v)) for t, s, u, v in shared if FALSE not in (t, u)))
            case (Function(_, _, a), Function(_, _, b)) if a is not None and b is not None:
                return equal(a, b)
            case (Listing(origin=a), Listing(origin=b)) if a is not None and b is not None:
                return equal(a, b)
            case (Members(origin=a), Members(origin=b)) if a is not None and b is not None:
                return equal(a, b)
            case Function(t, f), Function(_, g):
                ways = self._shapes.arguments_of(t.key, "k")
                return conj(*(every(v, implies(known, self(f(k), g(k)))) for v, known, k in ways))
            case Members(), Members():
                return conj(left.every(right.has), right.every(left.has))
            case Listing(_, n, f), Listing(_, m, g):
                i = fresh("i", INT)
                inside = conj(at_most(Number(0), i), less(i, n))
                return conj(equal(n, m), every([i], implies(inside, self(f(i), g(i)))))
        raise AssertionError((left, right))


def constant_shape(shapes: Shapes, name: str, t: Type) -> tuple[Shape, Term]:
    """An unknown value of a type, from symbols of that name, and what is known of it."""
    if isinstance(t, MapType | SetType | SeqType):
        sort = shapes.signature.reify(t)
        return shapes.of_reified(t, shapes.signature.apply(name, (), sort)), TRUE
    made = shapes.from_symbols(name, t)
    return made, known_of(shapes, t, made)


def known_of(shapes: Shapes, t: Type, shape: Shape) -> Term:
    """What the bounds of a type say of a value of it."""
    match t, shape:
        case IntType(), Atom(term):
            return shapes.within(t, term)
        case OptionalType(item), Maybe(there, value):
            return implies(there, known_of(shapes, item, value))
        case (RecordType(), Row(_, fields)):
            return conj(*(known_of(shapes, ft, f) for ft, f in zip(t.fields.values(), fields, strict=True)))
        case (TupleType(items), Row(_, fields)):
            return conj(*(known_of(shapes, ft, f) for ft, f in zip(items, fields, strict=True)))
        case UnionType(), OneOf(cases):
            return conj(*(implies(test, known_of(shapes, r, s)) for r, test, s in cases))
        case MapType(key, value), Function(_, at):
            ways = shapes.arguments_of(key, "k")
            return conj(*(every(v, implies(known, known_of(shapes, value, at(k)))) for v, known, k in ways))
        case (SetType(item) | BagType(item), Members()):
            return shape.every(lambda x: known_of(shapes, item, x))
        case SeqType(item), Listing(_, length, at):
            i = fresh("i", INT)
            inside = conj(at_most(Number(0), i), less(i, length))
            inner = every([i], implies(inside, known_of(shapes, item, at(i))))
            return conj(at_most(Number(0), length), inner)
    return TRUE
