"""Values of the modelling language as bundles of first-order terms.

A value that a model computes with is a **shape**: a sort's value is a term; an optional a formula (is there one?) and a shape; a
record a shape for each field; a set what says whether a value is in it. The types that the elements of sets and the arguments
of symbols may have are taken apart into **variants**: each a row of columns, one for each combination of what is a matter of
cases (None or not, which record of a union, which member of an enum), so that a set of records is one relation a variant.

Guarantees: pure, but for the symbols that are noted in the `Signature`; every value of the language at every size has a shape
in the structure that this size is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from ratified.language.errors import ModelError, Span
from ratified.language.ir import Expr
from ratified.language.types import (
    MapType,
    RecordType,
    TupleType,
    Type,
    unbounded,
)
from ratified.smt.first_order.names import container_name
from ratified.smt.terms import (
    FALSE,
    INT,
    TRUE,
    Apply,
    Number,
    Symbol,
    Term,
    choice,
    conj,
    disj,
    implies,
    neg,
    sort_of,
)


@dataclass(frozen=True, slots=True)
class Atom:
    """A bool, an int or a value of a sort: one term."""

    term: Term


@dataclass(frozen=True, slots=True)
class Nothing:
    """None, where no other value is known to be possible."""


@dataclass(frozen=True, slots=True)
class Case:
    """A member of an enum: for each member, whether it is that one."""

    enum: type[Enum]
    tests: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Maybe:
    """An optional: whether there is a value, and the value (any, if there is none)."""

    some: Term
    value: Shape


@dataclass(frozen=True, slots=True)
class ProductShape:
    """A record or a tuple."""

    type: Type
    fields: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """A union of records: for each that it may be, whether it is that one, and its fields."""

    cases: tuple[tuple[RecordType, Term, Shape], ...]


@dataclass(frozen=True, slots=True)
class FunctionShape:
    """A map. `origin` is the term that stands for it, if it was read from a place that holds maps as values.

    `keys` are its keys, which are all values of the key's type if it is `total`; elsewhere `at` may give anything.
    """

    type: MapType
    at: Callable[[Shape], Shape]
    keys: Members
    total: bool = True
    origin: Term | None = None


@dataclass(frozen=True, slots=True)
class Quantifiers:
    """What is true of all, and of some: written so many `times`."""

    every: Callable[[Callable[[Shape], Term]], Term]
    some: Callable[[Callable[[Shape], Term]], Term]
    times: int


WAYS_MOST = 8
"""What is said of a member of a set is written so often at most: sets in sets that depend on conditions multiply."""


@dataclass(frozen=True, slots=True)
class Members:
    """A set or a bag: who is a member, and what is true of all of them.

    `every(f)` and `some(f)` are quantified formulas over the members; `origin` as for maps. Of a bag, `count` says how many
    copies of a value there are. All elements of one that is `typed` are known to be within the bounds of `item`; of a union,
    those of the `parts` that are. Where what is said of a member is written `times` over, because there are as many ways to be
    one, `values` quantifies over all values of the sorts of `item` instead, members or not.
    """

    item: Type
    has: Callable[[Shape], Term]
    every: Callable[[Callable[[Shape], Term]], Term]
    some: Callable[[Callable[[Shape], Term]], Term]
    origin: Term | None = None
    count: Callable[[Shape], Term] | None = None
    typed: bool = False
    parts: tuple[Members, ...] = ()
    times: int = 1
    values: Quantifiers | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A sequence: its length, and what is at a position."""

    item: Type
    length: Term
    at: Callable[[Term], Shape]
    origin: Term | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What an iteration of a loop finds and leaves, whatever it is: nothing may depend on it."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What an iteration of a loop makes of something if a test is true; otherwise it leaves it as it is."""

    test: Term
    value: Shape


@dataclass(frozen=True, slots=True)
class Lost:
    """What an iteration of a loop makes of something where that depends on what it finds, which is not known."""


@dataclass(frozen=True, slots=True)
class Later:
    """A value that is worked out when it is read."""

    read: Callable[[], Shape]


Shape = (
    Atom
    | Nothing
    | Case
    | Maybe
    | ProductShape
    | OneOf
    | FunctionShape
    | Members
    | Listing
    | Kept
    | Changed
    | Lost
    | Later
)


class Dependent(Exception):
    """What an iteration of a loop does depends on what it finds, where that is not known."""


def resolved(shape: Shape) -> Shape:
    """A shape that is not to be worked out later."""
    while isinstance(shape, Later):
        shape = shape.read()
    return shape


def known(shape: Shape) -> Shape:
    """A shape as it is read. Raises Dependent."""
    shape = resolved(shape)
    if isinstance(shape, Kept | Changed | Lost):
        raise Dependent
    return shape


@dataclass(slots=True)
class Signature:
    """The symbols of a theory so far, and what is known of those that stand for parts of values."""

    symbols: dict[str, Symbol] = field(default_factory=dict)
    reified: dict[str, Type] = field(default_factory=dict)
    """Sorts whose values are maps, sets or sequences, by name."""
    compared: dict[str, None] = field(default_factory=dict)
    """Those of which it is asked whether two values are the same."""

    def symbol(self, name: str, arguments: Iterable[str], result: str) -> Symbol:
        """A symbol of this name and rank, noted."""
        made = Symbol(name, tuple(arguments), result)
        known = self.symbols.setdefault(made.name, made)
        if known != made:
            raise ModelError(
                f"two things of the model would both be called {name}", remedy="rename one of them"
            )
        return known

    def apply(self, name: str, arguments: Sequence[tuple[Term, str]], result: str) -> Term:
        """A symbol applied."""
        symbol = self.symbol(name, (s for _, s in arguments), result)
        return Apply(symbol, tuple(t for t, _ in arguments))

    def anything(self, sort: str) -> Term:
        """Some value of a sort."""
        return Number(0) if sort == INT else self.apply(f"the/any/{sort}", (), sort)

    def reify(self, t: Type) -> str:
        """The sort whose values are the values of a container type, bounds apart but for those of keys."""
        name = f"sort/{container_name(t)}"
        if unbounded(self.reified.setdefault(name, t)) != unbounded(t):
            raise ModelError(f"two types would both be called {name}", remedy="rename a sort or a record")
        return name


class Inexpressible(ModelError):
    """What cannot be said in first-order logic for every size. `node` is the expression, where it is one."""

    node: Expr | None = None


def refuse(span: Span | None, what: str, remedy: str) -> Inexpressible:
    """What to raise."""
    return Inexpressible(f"{what} cannot be proved for every size", span=span, remedy=remedy)


# --- choosing between shapes ----------------------------------------------------------------------------


def either(test: Term, then: Shape, orelse: Shape) -> Shape:
    """`then if test else orelse`."""
    if test == TRUE or then is orelse:
        return then
    if test == FALSE:
        return orelse
    match then, orelse:
        case (Later(), _) | (_, Later()):
            then, orelse = (s.read() if isinstance(s, Later) else s for s in (then, orelse))
            return either(test, then, orelse)
        case (Lost(), _) | (_, Lost()):
            return Lost()
        case (Kept() | Changed(), _) | (_, Kept() | Changed()):
            return _either_changed(test, then, orelse)
        case Nothing(), Nothing():
            return then
        case (Nothing() | Maybe(), _) | (_, Nothing() | Maybe()):
            return _either_maybe(test, then, orelse)
        case Atom(a), Atom(b):
            return Atom(choice(test, a, b))
        case Case(enum, xs), Case(_, ys):
            return Case(enum, tuple(choice(test, x, y) for x, y in zip(xs, ys, strict=True)))
        case ProductShape(t, xs), ProductShape(u, ys) if t == u or isinstance(t, TupleType):
            return ProductShape(t, tuple(either(test, x, y) for x, y in zip(xs, ys, strict=True)))
        case (ProductShape() | OneOf() as one, ProductShape() | OneOf() as other):
            return _either_union(test, as_union(one), as_union(other))
        case FunctionShape(t, f), FunctionShape(u, g):
            total = then.total and orelse.total and t.key == u.key
            keys = then.keys if total else _either_members(test, t.key, then.keys, orelse.keys)
            at_key = functools.cache(lambda key: either(test, f(key), g(key)))
            return FunctionShape(t, at_key, keys, total, _origin(test, then, orelse))
        case Members(item), Members():
            return _either_members(test, item, then, orelse)
        case Listing(item, n, x), Listing(_, m, y):
            at = lambda i: either(test, x(i), y(i))  # noqa: E731
            return Listing(item, choice(test, n, m), at, _origin(test, then, orelse))
    raise AssertionError((then, orelse))


def _either_changed(test: Term, then: Shape, orelse: Shape) -> Shape:
    if isinstance(then, Kept) and isinstance(orelse, Kept):
        return then
    a, b = (x if isinstance(x, Kept | Changed) else Changed(TRUE, x) for x in (then, orelse))
    if isinstance(a, Kept):
        assert isinstance(b, Changed)
        return Changed(conj(neg(test), b.test), b.value)
    if isinstance(b, Kept):
        return Changed(conj(test, a.test), a.value)
    return Changed(choice(test, a.test, b.test), either(test, a.value, b.value))


def _origin(
    test: Term, then: FunctionShape | Members | Listing, orelse: FunctionShape | Members | Listing
) -> Term | None:
    if then.origin is None or orelse.origin is None or sort_of(then.origin) != sort_of(orelse.origin):
        return None
    return choice(test, then.origin, orelse.origin)


def _either_maybe(test: Term, then: Shape, orelse: Shape) -> Shape:
    a, b = (x if isinstance(x, Maybe | Nothing) else Maybe(TRUE, x) for x in (then, orelse))
    if isinstance(a, Nothing):
        assert isinstance(b, Maybe)
        return Maybe(conj(neg(test), b.some), b.value)
    if isinstance(b, Nothing):
        return Maybe(conj(test, a.some), a.value)
    return Maybe(choice(test, a.some, b.some), either(test, a.value, b.value))


def as_union(shape: ProductShape | OneOf) -> OneOf:
    """A record or a union as a union."""
    if isinstance(shape, OneOf):
        return shape
    assert isinstance(shape.type, RecordType)
    return OneOf(((shape.type, TRUE, shape),))


def _either_union(test: Term, then: OneOf, orelse: OneOf) -> OneOf:
    found: dict[RecordType, tuple[Term, Shape]] = {}
    others = {r: (t, s) for r, t, s in orelse.cases}
    for r, t, s in then.cases:
        if r in others:
            other, shape = others.pop(r)
            found[r] = choice(test, t, other), either(test, s, shape)
        else:
            found[r] = conj(test, t), s
    found.update({r: (conj(neg(test), t), s) for r, (t, s) in others.items()})
    return OneOf(tuple((r, t, s) for r, (t, s) in found.items()))


def _either_members(test: Term, item: Type, a: Members, b: Members) -> Members:
    count, other = a.count, b.count
    return _said_once(
        Members(
            item,
            # Both come from the same set, as a rule, and are asked about the same value.
            functools.cache(lambda x: choice(test, a.has(x), b.has(x))),
            lambda f: conj(implies(test, a.every(f)), disj(test, b.every(f))),
            lambda f: disj(conj(test, a.some(f)), conj(neg(test), b.some(f))),
            _origin(test, a, b),
            None if count is None or other is None else lambda x: choice(test, count(x), other(x)),
            times=a.times + b.times,
            values=(a.values or b.values) if a.item == b.item else None,
        )
    )


def _said_once(members: Members) -> Members:
    """The same set; where there are many ways to be a member, what is said of one is said of all values that are one."""
    values, has = members.values, members.has
    if values is None or members.times <= max(WAYS_MOST, values.times):
        return members
    return replace(
        members,
        every=lambda f: values.every(lambda x: implies(has(x), f(x))),
        some=lambda f: values.some(lambda x: conj(has(x), f(x))),
        parts=(),
        times=values.times,
    )
