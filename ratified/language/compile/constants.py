"""The types of Python values: what a constant in a model's source, or a default, is a value of."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

from ratified.language.rules import Rules
from ratified.language.sorts import Sort
from ratified.language.types import (
    BOOL,
    INT,
    NONE,
    AnnotationProblem,
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
    from_annotation,
    join,
    unbounded,
)
from ratified.language.types.texts import Text, written
from ratified.language.values import Bag, Map, Seq, Set, show


def type_of(value: object, expected: Type | None = None) -> Type:
    """The type of a constant. The empty container takes the type that is expected. Raises AnnotationProblem."""
    expected = expected.item if isinstance(expected, OptionalType) else expected
    match value:
        case None:
            return NONE
        case bool():
            return BOOL
        case Sort():
            kind = SortType(type(value))
            if kind.symmetric:
                raise AnnotationProblem(
                    f"{value} is one particular {kind}",
                    "symmetric values have no numbers: use a parameter or a loop",
                )
            return kind
        case Enum():
            return from_annotation(type(value)) if not isinstance(value, Text) else EnumType(type(value))
        case int():
            return INT
        case str() if (words := texts_of(expected)) is not None:
            if value not in words.enum.__members__:
                raise AnnotationProblem(
                    f"{value!r} is not one of {words}",
                    f"its values: {', '.join(map(repr, written(words.enum)))}",
                )
            return words
        case Set() | frozenset() | Seq() | Bag() | Map() if not value and expected is not None:
            return unbounded(expected)
        case Set() | frozenset() if value:
            return SetType(_item(value, getattr(expected, "item", None)))
        case Seq() if value:
            return SeqType(_item(value, getattr(expected, "item", None)))
        case Bag() if value:
            return BagType(_item(value, getattr(expected, "item", None)))
        case Map() if value:
            items = _item(value.values(), getattr(expected, "value", None))
            return MapType(_item(value, getattr(expected, "key", None)), items)
        case tuple() if type(value) is tuple and value:
            typed = isinstance(expected, TupleType) and len(expected.items) == len(value)
            wanted = expected.items if typed else [None] * len(value)  # type: ignore[union-attr]  # a tuple type
            return TupleType(tuple(type_of(v, w) for v, w in zip(value, wanted, strict=True)))
    if hasattr(type(value), "__record_types__"):
        return RecordType(type(value))
    if isinstance(value, str):
        inner = expected.item if isinstance(expected, OptionalType) else expected
        raise AnnotationProblem(
            "a string has a type only where a Literal is expected",
            f"a parameter of the action ranges over its values: def act(self, x: {inner})"
            if isinstance(inner, SortType)
            else 'declare the variable, or the local name, as Literal["idle", "busy"], or use an Enum',
        )
    if isinstance(value, float | bytes | complex):
        raise AnnotationProblem(
            f"{type(value).__name__} is not a type of the modelling language",
            "use an Enum, a sort, or a bounded int",
        )
    raise AnnotationProblem(
        f"{show(value)[:60]} cannot be used as a value in a model",
        _plain(value, expected),
    )


def _plain(value: object, expected: Type | None) -> str:
    """What to write in place of a container of Python's own."""
    if isinstance(expected, MapType) and value == {}:
        if expected.partial:
            return "write PartialMap(), or leave it out"
        return "a Map has a value for every key: leave it out, or write Map.fromkeys(K, v)"
    known: dict[type, str] = {list: "Seq", set: "Set", frozenset: "Set", dict: "Map"}
    instead = known.get(type(value))
    if instead is None:
        return "see docs/language.md for the types there are"
    return f"write {instead}({value or ''})" if len(str(value)) < 40 else f"write {instead}(...)"


def texts_of(t: Type | None) -> EnumType | None:
    """The `Literal` that a type is, if it is one, perhaps an optional one."""
    inner = t.item if isinstance(t, OptionalType) else t
    return inner if isinstance(inner, EnumType) and issubclass(inner.enum, Text) else None


def constant_of(value: object, t: Type) -> object:
    """A constant as a value of its type: a text, at any depth, as the member that it is."""
    t = t.item if isinstance(t, OptionalType) else t
    return _CONSTANTS(t, value)


_CONSTANTS: Rules[Any, object] = Rules("constants as values of their types")


@_CONSTANTS.rule(BoolType, IntType, NoneType, SortType, RecordType, UnionType, OptionalType)
def _(t: Type, value: Any) -> object:
    return value


@_CONSTANTS.rule(EnumType)
def _(t: EnumType, value: Any) -> object:
    words = texts_of(t) if isinstance(value, str) else None
    return value if words is None else words.enum(value)


@_CONSTANTS.rule(TupleType)
def _(t: TupleType, value: Any) -> object:
    if not isinstance(value, tuple):
        return value
    return tuple(constant_of(v, kind) for v, kind in zip(value, t.items, strict=True))


@_CONSTANTS.rule(MapType)
def _(t: MapType, value: Any) -> object:
    if not isinstance(value, Map):
        return value
    return Map({constant_of(k, t.key): constant_of(v, t.value) for k, v in value.items()})


@_CONSTANTS.rule(SetType, SeqType, BagType)
def _(t: SetType | SeqType | BagType, value: Any) -> object:
    if not isinstance(value, Set | Seq | Bag):
        return value
    return type(value)(constant_of(v, t.item) for v in value)


def _item(values: Iterable[object], expected: Type | None) -> Type:
    return join(*(type_of(v, expected) for v in values))
