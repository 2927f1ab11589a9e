"""The types of the language, and how they are read from Python annotations.

Guarantees: a `Type` is a frozen value, equal to another exactly if it means the same set of values. Bounds may be text over a
model's parameters and sizes until `resolved` in a scope makes them numbers.
"""

from __future__ import annotations

import ast
import itertools
import math
import re
import types as python_types
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import reduce

from ratified.language.errors import SizeError
from ratified.language.scope import Scope
from ratified.language.sorts import BoundLeft, Ordered, Sort, Symmetric, members
from ratified.language.values import Bag, Map, Seq, Set

R = typing.TypeVar("R")

Bound = int | str
"""A number, or an expression over parameters and sizes such as `max_log + 1` or `len(Server)`."""


@dataclass(frozen=True, slots=True)
class Range:
    """`Annotated[int, Range(low, high)]`: the integers from low to high, both included."""

    low: Bound
    high: Bound


@dataclass(frozen=True, slots=True)
class AtMost:
    """`Annotated[Seq[T], AtMost(3)]`: at most that many elements; in a Bag at most `copies` equal ones."""

    size: Bound
    copies: Bound | None = None


class Type:
    """A type of the language."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class BoolType(Type):
    """`bool`."""

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True, slots=True)
class IntType(Type):
    """`int`, bounded if it is to be stored."""

    low: Bound | None = None
    high: Bound | None = None

    def __str__(self) -> str:
        return "int" if self.low is None else f"int in {self.low}..{self.high}"


@dataclass(frozen=True, slots=True)
class NoneType(Type):
    """The type of `None` alone."""

    def __str__(self) -> str:
        return "None"


@dataclass(frozen=True, slots=True)
class EnumType(Type):
    """An Enum class."""

    enum: type[Enum]

    def __str__(self) -> str:
        return self.enum.__name__


@dataclass(frozen=True, slots=True)
class SortType(Type):
    """A sort."""

    sort: type[Sort]

    @property
    def ordered(self) -> bool:
        """Whether its values are in a total order."""
        return issubclass(self.sort, Ordered)

    @property
    def symmetric(self) -> bool:
        """Whether its values are interchangeable."""
        return issubclass(self.sort, Symmetric)

    def __str__(self) -> str:
        return self.sort.__name__


@dataclass(frozen=True, slots=True)
class RecordType(Type):
    """A record class; its fields' types are `fields`."""

    record: type

    @property
    def fields(self) -> dict[str, Type]:
        """Types by field name, in order."""
        return self.record.__record_types__  # type: ignore[attr-defined,no-any-return]  # set by @record

    def __str__(self) -> str:
        return self.record.__name__


@dataclass(frozen=True, slots=True)
class OptionalType(Type):
    """`T | None`. `item` is never itself optional."""

    item: Type

    def __str__(self) -> str:
        return f"{self.item} | None"


@dataclass(frozen=True, slots=True)
class UnionType(Type):
    """A union of two or more records, in the order of their names."""

    records: tuple[RecordType, ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.records))


@dataclass(frozen=True, slots=True)
class TupleType(Type):
    """`tuple[A, B]`."""

    items: tuple[Type, ...]

    def __str__(self) -> str:
        return f"tuple[{', '.join(map(str, self.items))}]"


@dataclass(frozen=True, slots=True)
class MapType(Type):
    """`Map[K, V]`, total."""

    key: Type
    value: Type

    def __str__(self) -> str:
        return f"Map[{self.key}, {self.value}]"


@dataclass(frozen=True, slots=True)
class SetType(Type):
    """`Set[T]`; `size` if bounded by AtMost."""

    item: Type
    size: Bound | None = None

    def __str__(self) -> str:
        return f"Set[{self.item}]"


@dataclass(frozen=True, slots=True)
class BagType(Type):
    """`Bag[T]`; `size` in all and `copies` of one element, where bounded."""

    item: Type
    size: Bound | None = None
    copies: Bound | None = None

    def __str__(self) -> str:
        return f"Bag[{self.item}]"


@dataclass(frozen=True, slots=True)
class SeqType(Type):
    """`Seq[T]`; `size` is the greatest length, where bounded."""

    item: Type
    size: Bound | None = None

    def __str__(self) -> str:
        return f"Seq[{self.item}]"


BOOL, INT, NONE = BoolType(), IntType(), NoneType()


class AnnotationProblem(Exception):
    """An annotation that is no type of the language. `remedy` says what to write."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def from_annotation(annotation: object) -> Type:
    """The type an annotation means. Raises AnnotationProblem."""
    if annotation is None or annotation is type(None):
        return NONE
    if annotation is bool:
        return BOOL
    if annotation is int:
        return INT
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _bounded(from_annotation(arguments[0]), arguments[1:])
    if origin in (typing.Union, python_types.UnionType):
        return join(*(from_annotation(a) for a in arguments))
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return TupleType(tuple(from_annotation(a) for a in arguments))
    if origin is Map and len(arguments) != 2:
        raise AnnotationProblem("Map needs the types of its keys and of its values", "write Map[K, V]")
    if origin is Map:
        return MapType(from_annotation(arguments[0]), from_annotation(arguments[1]))
    if origin is Set:
        return SetType(from_annotation(arguments[0]))
    if origin is Bag:
        return BagType(from_annotation(arguments[0]))
    if origin is Seq:
        return SeqType(from_annotation(arguments[0]))
    if isinstance(annotation, type):
        if annotation in (Map, Set, Bag, Seq):
            raise AnnotationProblem(
                f"{annotation.__name__} needs its element type", f"write {annotation.__name__}[...]"
            )
        if "__record_types__" in vars(annotation):
            return RecordType(annotation)
        if issubclass(annotation, Enum):
            return EnumType(annotation)
        if issubclass(annotation, Sort):
            if annotation in (Sort, Symmetric, Ordered):
                raise AnnotationProblem(
                    f"{annotation.__name__} itself is not a sort", "derive a class from it"
                )
            return SortType(annotation)
    raise AnnotationProblem(
        f"{_name(annotation)} is not a type of the modelling language", _instead(annotation, origin)
    )


def _name(annotation: object) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is not None and arguments:
        return f"{_name(origin)}[{', '.join(map(_name, arguments))}]"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _instead(annotation: object, origin: object) -> str:
    kind = origin or annotation
    if kind in (dict, typing.Mapping):
        return "write Map[K, V]"
    if kind in (set, frozenset):
        return "write Set[T]"
    if kind in (list, typing.Sequence) or (kind is tuple):
        return "write Annotated[Seq[T], AtMost(n)], or tuple[A, B] for a pair"
    if kind in (str, float, bytes, complex):
        return "use an Enum, a sort, or Annotated[int, Range(low, high)]: a model needs finite types"
    if isinstance(kind, type):
        return f"a class of values is written `@record class {kind.__name__}`, or derived from Enum or Sort"
    return "see the table of types in docs/language.md"


def _bounded(base: Type, marks: Sequence[object]) -> Type:
    for given in marks:
        mark = Range(given.start, given.stop - 1) if isinstance(given, range) else given
        match base, mark:
            case IntType(), Range(low, high):
                base = IntType(low, high)
            case SeqType(item), AtMost(size, None):
                base = SeqType(item, size)
            case SetType(item), AtMost(size, None):
                base = SetType(item, size)
            case BagType(item), AtMost(size, copies):
                base = BagType(item, size, copies)
            case _, Range():
                raise AnnotationProblem(
                    f"Range bounds an int, not {base}", "write Annotated[int, Range(low, high)]"
                )
            case _, AtMost():
                raise AnnotationProblem(
                    f"this AtMost does not fit {base}",
                    "AtMost(size) is for Seq, Set and Bag, copies= for Bag",
                )
            case _:
                pass  # other people's annotations are none of our business
    return base


def join(*several: Type) -> Type:
    """The least type that holds the values of all. Raises AnnotationProblem if there is none."""
    return reduce(_join, several)


def _join(a: Type, b: Type) -> Type:
    if a == b:
        return a
    match a, b:
        case (NoneType(), other) | (other, NoneType()):
            return other if isinstance(other, OptionalType) else OptionalType(other)
        case (
            (OptionalType(item), OptionalType(other))
            | (OptionalType(item), other)
            | (other, OptionalType(item))
        ):
            return OptionalType(_join(item, other))
        case IntType(), IntType():
            return INT
        case (RecordType() | UnionType(), RecordType() | UnionType()):
            parts = set(records_of(a)) | set(records_of(b))
            return UnionType(tuple(sorted(parts, key=lambda r: (r.record.__name__, r.record.__module__))))
        case TupleType(xs), TupleType(ys) if len(xs) == len(ys):
            return TupleType(tuple(_join(x, y) for x, y in zip(xs, ys, strict=True)))
        case SetType(x), SetType(y):
            return SetType(_join(x, y))
        case SeqType(x), SeqType(y):
            return SeqType(_join(x, y))
        case BagType(x), BagType(y):
            return BagType(_join(x, y))
        case MapType(k, x), MapType(j, y) if unbounded(k) == unbounded(j):
            return MapType(k if k == j else unbounded(k), _join(x, y))
    raise AnnotationProblem(
        f"{a} and {b} have no type in common",
        "a union is made of records and None only: wrap the values in records",
    )


def records_of(t: Type) -> tuple[RecordType, ...]:
    """The record types that a record, a union, or an optional of these may be."""
    match t:
        case RecordType():
            return (t,)
        case UnionType(records):
            return records
        case OptionalType(item):
            return records_of(item)
    return ()


def unbounded(t: Type) -> Type:
    """The type without its own bounds: what an expression of it is computed as."""
    match t:
        case IntType():
            return INT
        case SetType(item):
            return SetType(unbounded(item))
        case SeqType(item):
            return SeqType(unbounded(item))
        case BagType(item):
            return BagType(unbounded(item))
        case MapType(key, value):
            return MapType(unbounded(key), unbounded(value))
        case OptionalType(item):
            return OptionalType(unbounded(item))
        case TupleType(items):
            return TupleType(tuple(unbounded(i) for i in items))
    return t


def has_bounds(t: Type) -> bool:
    """Whether a type has bounds outside of records (which are checked when they are made)."""
    match t:
        case IntType(low, _):
            return low is not None
        case OptionalType(item):
            return has_bounds(item)
        case MapType(_, item):
            return has_bounds(item)
        case SetType(item, size) | SeqType(item, size):
            return size is not None or has_bounds(item)
        case BagType(item, size, copies):
            return size is not None or copies is not None or has_bounds(item)
        case TupleType(items):
            return any(map(has_bounds, items))
        case RecordType() | UnionType():
            return False
    return False


def fits(t: Type, into: Type) -> bool:
    """Whether every value of one type is a value of the other, bounds (checked when stored) apart."""
    t, into = unbounded(t), unbounded(into)
    if t == into:
        return True
    match t, into:
        case (NoneType(), OptionalType()):
            return True
        case OptionalType(a), OptionalType(b):
            return fits(a, b)
        case _, OptionalType(b):
            return fits(t, b)
        case (RecordType() | UnionType(), UnionType(records)):
            return set(records_of(t)) <= set(records)
        case (SetType(a), SetType(b)) | (SeqType(a), SeqType(b)) | (BagType(a), BagType(b)):
            return fits(a, b)
        case MapType(k, a), MapType(j, b):
            return k == j and fits(a, b)
        case TupleType(xs), TupleType(ys):
            return len(xs) == len(ys) and all(map(fits, xs, ys))
    return False


def children(t: Type) -> tuple[Type, ...]:
    """The types directly inside a type, in order: a record's are those of its fields."""
    match t:
        case OptionalType(item) | SetType(item) | SeqType(item) | BagType(item):
            return (item,)
        case MapType(key, value):
            return (key, value)
        case TupleType(items):
            return items
        case UnionType(records):
            return records
        case RecordType():
            return tuple(t.fields.values())
    return ()


def rebuild(t: Type, change: Callable[[Type], Type]) -> Type:
    """A type with `change` applied to each type directly inside it; the very same one if that changed nothing.

    A record is its class, and left alone: `change` is not asked about fields.
    """
    if isinstance(t, RecordType):
        return t
    inside = children(t)
    made = tuple([change(child) for child in inside])
    if all(a is b for a, b in zip(inside, made, strict=True)):
        return t
    match t:
        case TupleType():
            return TupleType(made)
        case UnionType():
            return UnionType(made)  # type: ignore[arg-type]  # records are left alone
        case MapType():
            return MapType(*made)
    return replace(t, item=made[0])  # type: ignore[type-var]  # a dataclass with an item


def fold(t: Type, combine: Callable[[Type, tuple[R, ...]], R]) -> R:
    """What `combine` makes of a type and of what it made of the types directly inside it."""
    return combine(t, tuple([fold(child, combine) for child in children(t)]))


def parts(t: Type) -> Iterator[Type]:
    """A type and every type inside it, records' fields included."""
    yield t
    for child in children(t):
        yield from parts(child)


def parts_outside_records(t: Type) -> Iterator[Type]:
    """A type and every type inside it, but for the fields of records: these are checked when one is made."""
    yield t
    if not isinstance(t, RecordType):
        for child in children(t):
            yield from parts_outside_records(child)


def sorts_of(t: Type) -> list[type[Sort]]:
    """The sorts in a type, in order of appearance."""
    return list(dict.fromkeys(p.sort for p in parts(t) if isinstance(p, SortType)))


def names_in_bounds(t: Type) -> set[str]:
    """The names that the bounds of a type mention."""
    bounds = [getattr(p, bound, None) for p in parts(t) for bound in ("low", "high", "size", "copies")]
    return {name for bound in bounds if isinstance(bound, str) for name in re.findall(r"[^\W\d]\w*", bound)}


# --- bounds -----------------------------------------------------------------------------------------------------------


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
        f"the bound {bound!r} is no expression over parameters and sizes",
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


def resolved(t: Type, scope: Scope) -> Type:
    """The type with every bound a number (records are resolved where they are used)."""

    def number(bound: Bound | None) -> int | None:
        return None if bound is None else bound_value(bound, scope)

    match t:
        case IntType(low, high):
            return IntType(number(low), number(high))
        case SetType(item, size):
            return SetType(resolved(item, scope), number(size))
        case SeqType(item, size):
            return SeqType(resolved(item, scope), number(size))
        case BagType(item, size, copies):
            return BagType(resolved(item, scope), number(size), number(copies))
        case MapType(key, value):
            return MapType(resolved(key, scope), resolved(value, scope))
        case OptionalType(item):
            return OptionalType(resolved(item, scope))
        case TupleType(items):
            return TupleType(tuple(resolved(i, scope) for i in items))
    return t


def record_fields(t: RecordType, scope: Scope) -> dict[str, Type]:
    """A record's fields with their bounds resolved in a scope."""
    key = ("fields", t.record)
    found = scope.cache.get(key)
    if found is None:
        found = scope.cache[key] = {name: resolved(field, scope) for name, field in t.fields.items()}
    return found  # type: ignore[return-value]  # the cache is keyed by what was computed


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


def _each(inner: Fit | None, items: Callable[[typing.Any], typing.Any], size: Bound | None, name: str) -> Fit:
    too_many = f"at most {size} elements in {name}"

    def check(value: typing.Any) -> None:
        if isinstance(size, int) and len(value) > size:
            raise BoundLeft(too_many)
        if inner:
            for item in items(value):
                inner(item)

    return check


# --- values of a type -------------------------------------------------------------------------------------------------


def cardinality(t: Type, scope: Scope) -> float:
    """How many values a type has in a scope; `math.inf` if without a bound."""
    match t:
        case BoolType():
            return 2
        case NoneType():
            return 1
        case IntType(None, _):
            return math.inf
        case IntType(low, high):
            return max(0, bound_value(high or 0, scope) - bound_value(low or 0, scope) + 1)
        case EnumType(enum):
            return len(enum)
        case SortType(sort):
            return scope.sizes[sort]
        case OptionalType(item):
            return 1 + cardinality(item, scope)
        case UnionType(records):
            return sum(cardinality(r, scope) for r in records)
        case RecordType():
            return math.prod(cardinality(f, scope) for f in t.fields.values())
        case TupleType(items):
            return math.prod(cardinality(i, scope) for i in items)
        case MapType(key, value):
            return _power(cardinality(value, scope), cardinality(key, scope))
        case SetType(item, size):
            n = cardinality(item, scope)
            if size is None or n > 1000:
                return _power(2, n)
            return sum(math.comb(int(n), k) for k in range(bound_value(size, scope) + 1))
        case SeqType(item, size):
            return (
                math.inf
                if size is None
                else sum(_power(cardinality(item, scope), k) for k in range(bound_value(size, scope) + 1))
            )
        case BagType(item, size, copies):
            n = cardinality(item, scope)
            each = math.inf if copies is None else _power(bound_value(copies, scope) + 1, n)
            if size is None or n > 1000:
                return each
            most = bound_value(size, scope)
            return min(
                each, math.comb(int(n) + most, most)
            )  # the bags that both bounds allow may be fewer still
    raise AssertionError(t)


def _power(base: float, exponent: float) -> float:
    if base == 1 or exponent == 0:
        return 1
    return math.inf if exponent * math.log2(max(base, 2)) > 60 else base**exponent


def values_of(t: Type, scope: Scope) -> Iterator[object]:
    """Every value of a finite type, in canonical order. The caller has looked at `cardinality` first."""
    match t:
        case BoolType():
            yield from (False, True)
        case NoneType():
            yield None
        case IntType(low, high):
            yield from range(bound_value(low or 0, scope), bound_value(high or 0, scope) + 1)
        case EnumType(enum):
            yield from enum
        case SortType(sort):
            yield from members(sort)
        case OptionalType(item):
            yield None
            yield from values_of(item, scope)
        case UnionType(records):
            for record in records:
                yield from values_of(record, scope)
        case RecordType(record):
            for fields in itertools.product(*(list(values_of(f, scope)) for f in t.fields.values())):
                yield record(*fields)
        case TupleType(items):
            yield from itertools.product(*(list(values_of(i, scope)) for i in items))
        case MapType(key, value):
            keys, values = list(values_of(key, scope)), list(values_of(value, scope))
            for chosen in itertools.product(values, repeat=len(keys)):
                yield Map(zip(keys, chosen, strict=True))
        case SetType() | SeqType() | BagType():
            yield from _collections_of(t, scope)


def _collections_of(t: SetType | SeqType | BagType, scope: Scope) -> Iterator[object]:
    items = list(values_of(t.item, scope))
    size = None if t.size is None else bound_value(t.size, scope)
    match t:
        case SetType():
            for k in range(len(items) + 1 if size is None else min(len(items), size) + 1):
                yield from map(Set, itertools.combinations(items, k))
        case SeqType():
            for k in range((size or 0) + 1):
                yield from map(Seq, itertools.product(items, repeat=k))
        case BagType():
            each = math.inf if t.copies is None else bound_value(t.copies, scope)
            for k in range((int(each) * len(items) if size is None else size) + 1):
                for chosen in itertools.combinations_with_replacement(items, k):
                    if all(chosen.count(x) <= each for x in chosen):
                        yield Bag(chosen)


def zero_of(t: Type, scope: Scope) -> object:
    """The value a variable has at first when the model does not say. Raises AnnotationProblem if the type has none."""
    match t:
        case BoolType():
            return False
        case NoneType() | OptionalType():
            return None
        case IntType(low, high) if low is not None and high is not None:
            least = bound_value(low, scope)
            return 0 if least <= 0 <= bound_value(high, scope) else least
        case EnumType(enum):
            return next(iter(enum))
        case SortType(sort) if t.ordered:
            return members(sort)[0]
        case MapType(key, value):
            zero = zero_of(value, scope)
            return Map((k, zero) for k in values_of(key, scope))
        case SetType():
            return Set()
        case BagType():
            return Bag()
        case SeqType():
            return Seq()
        case TupleType(items):
            return tuple(zero_of(i, scope) for i in items)
    raise AnnotationProblem(
        f"{t} has no value to begin with", "give the variable a default, or set it in `init`"
    )
