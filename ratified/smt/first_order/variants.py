"""The cases of types: the columns that each has, the shape that is made from them, and how a shape is seen as it.

Guarantees: every value of a type has exactly one variant that it matches, with one row of columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ratified.language.types import RecordType, Type
from ratified.smt.first_order.equality import as_number, is_none
from ratified.smt.first_order.names import ascii_name
from ratified.smt.first_order.shapes import Atom, Case, Maybe, Nothing, OneOf, ProductShape, Shape
from ratified.smt.terms import FALSE, INT, TRUE, Term, conj, neg

NamedTerm = tuple[Term, str]


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


Match = Callable[[Shape], tuple[Term, list[Term]]]


def seen(match: Match) -> Match:
    """A match that looks through optionals, and knows that None is of no variant but its own."""

    def through(shape: Shape) -> tuple[Term, list[Term]]:
        if isinstance(shape, Nothing):
            return FALSE, []
        if isinstance(shape, Maybe):
            test, columns = through(shape.value)
            return conj(shape.some, test), columns
        return match(shape)

    return through


def atom(sort: str, within: Callable[[Sequence[Term]], Term]) -> Variant:
    """What is a term of a sort."""

    def match(shape: Shape) -> tuple[Term, list[Term]]:
        assert isinstance(shape, Atom), shape
        return TRUE, [as_number(shape.term) if sort == INT else shape.term]

    return Variant("", (sort,), lambda c: Atom(c[0]), seen(match), within)


def truth(value: bool) -> Variant:
    """A bool that is so."""

    def match(shape: Shape) -> tuple[Term, list[Term]]:
        assert isinstance(shape, Atom)
        return shape.term if value else neg(shape.term), []

    made = Atom(TRUE if value else FALSE)
    return Variant(f"<{value}>".lower(), (), lambda _: made, seen(match), lambda _: TRUE)


def none() -> Variant:
    """None."""
    return Variant("<->", (), lambda _: Nothing(), lambda shape: (is_none(shape), []), lambda _: TRUE)


def present(inner: Variant) -> Variant:
    """What is not None."""
    return replace(inner, build=lambda c: Maybe(TRUE, inner.build(c)))


def member(enum: type[Enum], index: int) -> Variant:
    """A member of an Enum."""

    def match(shape: Shape) -> tuple[Term, list[Term]]:
        assert isinstance(shape, Case)
        return shape.tests[index], []

    made = Case(enum, tuple(TRUE if i == index else FALSE for i in range(len(enum))))
    name = f"<{ascii_name(list(enum)[index].name)}>"
    return Variant(name, (), lambda _: made, seen(match), lambda _: TRUE)


def row(t: Type, name: str, combination: Sequence[Variant]) -> Variant:
    """A record or a tuple, of which each part is of some variant."""
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
        assert isinstance(shape, ProductShape), shape
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
        lambda c: ProductShape(t, tuple(v.build(part) for v, part in split(c))),
        seen(match),
        lambda c: conj(*(v.within(part) for v, part in split(c))),
    )


def of_union(record: RecordType, name: str, inner: Variant) -> Variant:
    """One of the records of a union."""
    return Variant(
        f"<{name}{inner.name}>",
        inner.sorts,
        lambda c: OneOf(((record, TRUE, inner.build(c)),)),
        inner.match,
        inner.within,
    )
