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
from ratified.language.scope import Scope
from ratified.language.sorts import BoundLeft
from ratified.language.types.forms import (
    BagType,
    Bound,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    TupleType,
    Type,
    UnionType,
    children,
    parts,
    rebuild,
)


def own_bounds(t: Type) -> tuple[Bound | None, ...]:
    """The bounds of a type itself, not of those inside it: of an int both, of a container its size, of a bag its copies too."""
    match t:
        case IntType(low, high):
            return (low, high)
        case SetType(_, size) | SeqType(_, size):
            return (size,)
        case BagType(_, size, copies):
            return (size, copies)
    return ()


def _with_bounds(t: Type, change: Callable[[Bound | None], Bound | None]) -> Type:
    """A type with `change` applied to each bound, outside of records."""
    t = rebuild(t, lambda child: _with_bounds(child, change))
    match t:
        case IntType(low, high):
            return IntType(change(low), change(high))
        case SetType(_, size) | SeqType(_, size):
            return replace(t, size=change(size))
        case BagType(_, size, copies):
            return replace(t, size=change(size), copies=change(copies))
    return t


@lru_cache(maxsize=2048)
def unbounded(t: Type) -> Type:
    """The type without its own bounds: what an expression of it is computed as."""
    return _with_bounds(t, lambda _: None)


def resolved(t: Type, scope: Scope) -> Type:
    """The type with every bound a number (records are resolved where they are used)."""
    return _with_bounds(t, lambda bound: None if bound is None else bound_value(bound, scope))


def has_bounds(t: Type) -> bool:
    """Whether a type has bounds outside of records (which are checked when they are made) and of keys (which are total)."""
    if isinstance(t, RecordType | UnionType):
        return False
    inside = children(t)[1:] if isinstance(t, MapType) else children(t)
    return any(bound is not None for bound in own_bounds(t)) or any(map(has_bounds, inside))


def names_in_bounds(t: Type) -> set[str]:
    """The names that the bounds of a type mention."""
    bounds = [bound for part in parts(t) for bound in own_bounds(part) if isinstance(bound, str)]
    return {name for bound in bounds for name in re.findall(r"[^\W\d]\w*", bound)}


# --- what bounds come to ------------------------------------------------------------------------------------------------


def bound_value(bound: Bound, scope: Scope) -> int:
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

Fit = Callable[[object], None]


def fit_of(t: Type, name: str) -> Fit | None:
    """A check that a value about to be stored is within its type's bounds, raising BoundLeft; None if there are none.

    `t` is resolved; records are left out, for they were checked when they were made.
    """
    match t:
        case IntType(int(low), int(high)):
            what = f"the range {low}..{high} of {name}"

            def check_int(value: object) -> None:
                if not low <= value <= high:  # type: ignore[operator]  # well typed by the compiler
                    raise BoundLeft(what)

            return check_int
        case OptionalType(item):
            inner = fit_of(item, name)

            def check_optional(value: object) -> None:
                if value is not None:
                    inner(value)  # type: ignore[misc]  # not None, see below

            return check_optional if inner else None
        case MapType(_, item):
            inner = fit_of(item, name)
            return _each(inner, lambda m: m.values(), None, "") if inner else None
        case TupleType(items):
            inners = [fit_of(item, name) for item in items]

            def check_tuple(value: object) -> None:
                for check, part in zip(inners, value, strict=True):  # type: ignore[call-overload]  # a tuple
                    if check:
                        check(part)

            return check_tuple if any(inners) else None
        case SetType(item, size) | SeqType(item, size):
            inner = fit_of(item, name)
            return _each(inner, iter, size, name) if inner or size is not None else None
        case BagType(item, size, copies):
            inner = fit_of(item, name)
            if not inner and size is None and copies is None:
                return None
            whole = _each(inner, iter, size, name)
            too_equal = f"at most {copies} equal elements in {name}"

            def check_bag(value: object) -> None:
                if copies is not None and any(n > copies for n in value._data.values()):  # type: ignore[attr-defined]  # a Bag
                    raise BoundLeft(too_equal)
                whole(value)

            return check_bag
    return None


def _each(inner: Fit | None, items: Callable[[typing.Any], typing.Any], size: Bound | None, name: str) -> Fit:
    too_many = f"at most {size} elements in {name}"

    def check(value: typing.Any) -> None:
        if isinstance(size, int) and len(value) > size:
            raise BoundLeft(too_many)
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
        case IntType(None), IntType():
            return False
        case IntType(low, high), IntType(least, most):
            return _at_most(least, low) and _at_most(high, most)
        case NoneType(), OptionalType():
            return True
        case (OptionalType(a), OptionalType(b)) | (a, OptionalType(b)) | (MapType(_, a), MapType(_, b)):
            return surely_within(a, b)
        case TupleType(several), TupleType(others):
            return all(map(surely_within, several, others))
        case (SetType(a, size), SetType(b, most)) | (SeqType(a, size), SeqType(b, most)):
            return _at_most(size, most) and surely_within(a, b)
        case BagType(a, size, copies), BagType(b, most, equal):
            return _at_most(size, most) and _at_most(copies, equal) and surely_within(a, b)
    return False


def _at_most(least: Bound | None, most: Bound | None) -> bool:
    if most is None or least == most:
        return True
    return isinstance(least, int) and isinstance(most, int) and least <= most
