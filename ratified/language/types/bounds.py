"""The bounds of types: what they come to at a size, and whether values are within them.

Guarantees: bounds may be text over a model's parameters and sizes until `resolved` in a scope makes them numbers; text that is
no such expression is refused.
"""

from __future__ import annotations

import ast
import re
import typing
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from ratified.language.errors import SizeError
from ratified.language.rules import Rules
from ratified.language.scope import Scope
from ratified.language.sorts import BoundKind, BoundLeft
from ratified.language.types.forms import (
    BagType,
    BoolType,
    BoundExpression,
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
    children,
    parts,
    rebuild,
)

_OWN: Rules[None, dict[str, BoundExpression | None]] = Rules("the bounds of types")


@_OWN.rule(BoolType, NoneType, EnumType, SortType, RecordType, OptionalType, UnionType, TupleType, MapType)
def _(t: Type, _: None) -> dict[str, BoundExpression | None]:
    return {}


@_OWN.rule(IntType)
def _(t: IntType, _: None) -> dict[str, BoundExpression | None]:
    return {"low": t.low, "high": t.high}


@_OWN.rule(SetType, SeqType)
def _(t: SetType | SeqType, _: None) -> dict[str, BoundExpression | None]:
    return {"size": t.size}


@_OWN.rule(BagType)
def _(t: BagType, _: None) -> dict[str, BoundExpression | None]:
    return {"size": t.size, "copies": t.copies}


def own_bounds(t: Type) -> tuple[BoundExpression | None, ...]:
    """The bounds of a type itself, not of those inside it: of an int both, of a container its size, of a bag its copies too."""
    return tuple(_OWN(t, None).values())


def _with_bounds(t: Type, change: Callable[[BoundExpression | None], BoundExpression | None]) -> Type:
    """A type with `change` applied to each bound, outside of records."""
    return _changed(rebuild(t, lambda child: _with_bounds(child, change)), change)


def _changed(t: Type, change: Callable[[BoundExpression | None], BoundExpression | None]) -> Type:
    own = {name: change(bound) for name, bound in _OWN(t, None).items()}
    return replace(t, **own) if own else t  # type: ignore[type-var]  # a dataclass with these fields


def without_own_bounds(t: Type) -> Type:
    """The type without bounds of itself; types inside of it keep theirs."""
    return _changed(t, lambda _: None)


@lru_cache(maxsize=2048)
def unbounded(t: Type) -> Type:
    """The type without its own bounds: what an expression of it is computed as."""
    return _with_bounds(t, lambda _: None)


WIDE = IntType(-(2**31) + 1, 2**31 - 1)
"""The range of an int that is declared without one: what every engine and TLC can hold."""


def storable(t: Type) -> Type:
    """The type of what is stored where a type is declared: ints without bounds are held to a wide range. Keys of maps are not."""
    match t:
        case IntType(None, None):
            return WIDE
        case MapType(key, value):
            return MapType(key, storable(value), t.partial)
    return rebuild(t, storable)


def resolved(t: Type, scope: Scope) -> Type:
    """The type with every bound a number (records are resolved where they are used)."""
    return _with_bounds(t, lambda bound: None if bound is None else bound_value(bound, scope))


def has_bounds(t: Type) -> bool:
    """Whether a type has bounds outside of records (which are checked when they are made) and of keys (which are total)."""
    if isinstance(t, RecordType | UnionType):
        return False
    return any(bound is not None for bound in own_bounds(t)) or any(map(has_bounds, _checked_inside(t)))


def _checked_inside(t: Type) -> tuple[Type, ...]:
    """The types inside of a type whose bounds are looked at: not those of a map's keys."""
    return children(t)[1:] if isinstance(t, MapType) else children(t)


def names_in_bounds(t: Type) -> set[str]:
    """The names that the bounds of a type mention."""
    bounds = [bound for part in parts(t) for bound in own_bounds(part) if isinstance(bound, str)]
    return {name for bound in bounds for name in re.findall(r"[^\W\d]\w*", bound)}


# --- what bounds come to ------------------------------------------------------------------------------------------------


def bound_value(bound: BoundExpression, scope: Scope) -> int:
    """What a bound comes to in a scope. Raises SizeError for text that is no expression over parameters and sizes."""
    if isinstance(bound, int):
        return bound
    try:
        return _evaluate(ast.parse(bound.strip(), mode="eval").body, bound, scope)
    except SyntaxError:
        raise _bad_bound(bound) from None


_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
}


def _bad_bound(bound: str) -> SizeError:
    return SizeError(
        f"the bound {bound!r} is not an expression over parameters and sizes",
        remedy="write integers, parameters, len(Sort), + - * // , min and max",
    )


def _evaluate(node: ast.expr, bound: str, scope: Scope) -> int:
    match node:
        case ast.Constant(int(number)):
            return int(number)
        case ast.Name(name) if isinstance(value := scope.parameters.get(name), int):
            return int(value)
        case ast.Call(ast.Name("len"), [ast.Name(name)]):
            for sort, size in scope.sizes.items():
                if sort.__name__ == name:
                    return size
        case ast.Call(ast.Name("min" | "max" as name), arguments) if arguments:
            return (min if name == "min" else max)(_evaluate(a, bound, scope) for a in arguments)
        case ast.UnaryOp(ast.USub(), operand):
            return -_evaluate(operand, bound, scope)
        case ast.BinOp(left, operator, right) if type(operator) in _ARITHMETIC:
            return _ARITHMETIC[type(operator)](_evaluate(left, bound, scope), _evaluate(right, bound, scope))
    raise _bad_bound(bound)


def record_fields(t: RecordType, scope: Scope) -> dict[str, Type]:
    """A record's fields with their bounds resolved in a scope."""
    key = ("fields", t.record)
    found = scope.cache.get(key)
    if found is None:
        found = scope.cache[key] = {name: resolved(field, scope) for name, field in t.fields.items()}
    return found  # type: ignore[return-value]  # the cache is keyed by what was computed


# --- whether values are within them -------------------------------------------------------------------------------------

FitCheck = Callable[[object], None]


def fit_of(t: Type, name: str) -> FitCheck | None:
    """A check that a value about to be stored is within its type's bounds, raising BoundLeft; None if there are none.

    `t` is resolved; records are left out, for they were checked when they were made.
    """
    return _FITS(t, name)


_FITS: Rules[str, FitCheck | None] = Rules("checks of bounds")


@_FITS.rule(BoolType, NoneType, EnumType, SortType, RecordType, UnionType)
def _(t: Type, name: str) -> None:
    return None


@_FITS.rule(IntType)
def _(t: IntType, name: str) -> FitCheck | None:
    low, high = t.low, t.high
    if not isinstance(low, int) or not isinstance(high, int):
        return None
    what = f"the range {low}..{high} of {name}"

    def check(value: object) -> None:
        if not low <= value <= high:  # type: ignore[operator]  # well typed by the compiler
            raise BoundLeft(what, BoundKind.RANGE)

    return check


@_FITS.rule(OptionalType)
def _(t: OptionalType, name: str) -> FitCheck | None:
    inner = fit_of(t.item, name)

    def check(value: object) -> None:
        if value is not None:
            inner(value)  # type: ignore[misc]  # not None, see below

    return check if inner else None


@_FITS.rule(MapType)
def _(t: MapType, name: str) -> FitCheck | None:
    inner = fit_of(t.value, name)
    return _each(inner, lambda m: m._data.values(), None, "") if inner else None


@_FITS.rule(TupleType)
def _(t: TupleType, name: str) -> FitCheck | None:
    inners = [fit_of(item, name) for item in t.items]

    def check(value: object) -> None:
        for each, part in zip(inners, value, strict=True):  # type: ignore[call-overload]  # a tuple
            if each:
                each(part)

    return check if any(inners) else None


@_FITS.rule(SetType, SeqType)
def _(t: SetType | SeqType, name: str) -> FitCheck | None:
    inner = fit_of(t.item, name)
    return _each(inner, iter, t.size, name) if inner or t.size is not None else None


@_FITS.rule(BagType)
def _(t: BagType, name: str) -> FitCheck | None:
    inner, size, copies = fit_of(t.item, name), t.size, t.copies
    if not inner and size is None and copies is None:
        return None
    whole = _each(inner, iter, size, name)
    too_equal = f"the limit of {copies} equal elements in {name}"

    def check(value: object) -> None:
        if copies is not None and any(n > copies for n in value._data.values()):  # type: ignore[attr-defined]  # a Bag
            raise BoundLeft(too_equal, BoundKind.SIZE)
        whole(value)

    return check


def _each(
    inner: FitCheck | None, items: Callable[[typing.Any], typing.Any], size: BoundExpression | None, name: str
) -> FitCheck:
    too_many = f"the limit of {size} elements in {name}"

    def check(value: typing.Any) -> None:
        if isinstance(size, int) and len(value) > size:
            raise BoundLeft(too_many, BoundKind.SIZE)
        if inner:
            for item in items(value):
                inner(item)

    return check


def surely_within(t: Type, into: Type) -> bool:
    """Whether every value of a type is within the bounds of another that it fits. Bounds that are text equal only themselves.

    Records are left out, as in `fit_of`.
    """
    if not has_bounds(into) or t == into:
        return True
    match t, into:
        case NoneType(), OptionalType():
            return True
        case (OptionalType(a), OptionalType(b)) | (a, OptionalType(b)):
            return surely_within(a, b)
    if type(t) is not type(into):
        return False
    bounds = zip(_OWN(t, None).items(), own_bounds(into), strict=True)
    inside = zip(_checked_inside(t), _checked_inside(into), strict=True)
    return all(_keeps(name, own, most) for (name, own), most in bounds) and all(
        surely_within(a, b) for a, b in inside
    )


def _keeps(name: str, own: BoundExpression | None, limit: BoundExpression | None) -> bool:
    """Whether a bound is no wider than another of its name."""
    if limit is None or own == limit:
        return True
    if not isinstance(own, int) or not isinstance(limit, int):
        return False
    return own >= limit if name == "low" else own <= limit
