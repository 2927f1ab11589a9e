"""When shapes are the same value. Maps are compared at all keys, sets by their members, sequences up to their length.

Guarantees: what is said is true exactly where CPython's `==` is.
"""

from __future__ import annotations

from typing import Protocol

from ratified.language.types import TupleType, Type, unbounded
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
    Shape,
    Signature,
    as_union,
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
    choice,
    conj,
    disj,
    equal,
    every,
    fresh,
    implies,
    less,
    neg,
    sort_of,
)


class Ranging(Protocol):
    """What knows the values of a type."""

    signature: Signature

    def arguments_of(self, t: Type, names: str) -> list[tuple[list[Bound], Term, Shape]]:
        """Every way to range over a type: variables, what is known of them, and the shape, for each case."""


def as_number(term: Term) -> Term:
    """An int, or a bool as one."""
    return choice(term, Number(1), Number(0)) if sort_of(term) == BOOL else term


def is_none(shape: Shape) -> Term:
    """Whether a shape is None."""
    match shape:
        case Nothing():
            return TRUE
        case Maybe(there, _):
            return neg(there)
    return FALSE


class Equality:
    """Equality of shapes."""

    def __init__(self, shapes: Ranging) -> None:
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
            case ProductShape(t, xs), ProductShape(u, ys):
                same = t == u or isinstance(t, TupleType)
                return conj(*(self(x, y) for x, y in zip(xs, ys, strict=True))) if same else FALSE
            case (ProductShape() | OneOf(), ProductShape() | OneOf()):
                others = {r: (t, s) for r, t, s in as_union(right).cases}
                shared = [(t, s, *others[r]) for r, t, s in as_union(left).cases if r in others]
                return disj(*(conj(t, u, self(s, v)) for t, s, u, v in shared if FALSE not in (t, u)))
            case (FunctionShape() | Members() | Listing() as a, FunctionShape() | Members() | Listing() as b):
                if a.origin is not None and b.origin is not None and sort_of(a.origin) == sort_of(b.origin):
                    self._shapes.signature.compared[sort_of(a.origin)] = None
                    return equal(a.origin, b.origin)
                return self.content(a, b)
        raise AssertionError((left, right))

    def content(self, left: Shape, right: Shape) -> Term:
        """Whether two containers have the same in them, whatever terms stand for them."""
        match left, right:
            case FunctionShape(t, f), FunctionShape(u, g):
                if not (left.total and right.total and t.key == u.key):
                    keys = self(left.keys, right.keys)
                    return conj(keys, left.keys.every(lambda k: self(f(k), g(k))))
                return left.keys.every(lambda k: self(f(k), g(k)))
            case Members(t, count=count), Members(u, count=other) if count is not None and other is not None:
                # Copies of a value that neither has are none. A bag of nodes may be compared with one that has None in it too.
                items = (t,) if unbounded(t) == unbounded(u) else (t, u)
                ways = [way for item in items for way in self._shapes.arguments_of(item, "x")]
                return conj(*(every(v, equal(count(x), other(x))) for v, _, x in ways))
            case Members(), Members():
                return conj(left.every(right.has), right.every(left.has))
            case Listing(_, n, f_), Listing(_, m, g_):
                i = fresh("i", INT)
                inside = conj(at_most(Number(0), i), less(i, n))
                return conj(equal(n, m), every([i], implies(inside, self(f_(i), g_(i)))))
        raise AssertionError((left, right))
