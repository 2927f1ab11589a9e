"""Values of a model as JSON, as traces write them: what a driven process is told, and what it answers.

None is null; truth values, numbers and text are themselves; a value of a sort or an enum is its name, of an ordered sort its
number from 0; a record is an object with its class as `type`; sets, sequences, bags and tuples are arrays; a map is an object
where its keys are names or numbers (written as text then), and an array of pairs where they are not.

Guarantees: what is written is read as the same value; what is read may also be, at any depth, a value of the model itself, so
that a driver in Python can answer with either. Anything else is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ratified.language.rules import Rules
from ratified.language.scope import Scope
from ratified.language.sorts import BoundLeft
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
    records_of,
    whole_map,
)
from ratified.language.values import Bag, Seq, Set

NAMED = (BoolType, IntType, EnumType, SortType)
"""Kinds of keys that a map can have as an object."""


class NotOfType(Exception):
    """What is no value of the type that it must be of."""

    def __init__(self, value: object, wanted: Type) -> None:
        super().__init__(f"{value!r:.60} is not a value of type {wanted}")


WRITTEN: Rules[Any, Any] = Rules("values as JSON")


def written(t: Type, value: Any) -> Any:
    """A value of a type, as JSON."""
    return WRITTEN(t, value)


@WRITTEN.rule(BoolType, NoneType)
def _(t: Type, value: Any) -> Any:
    return value


@WRITTEN.rule(IntType)
def _(t: IntType, value: Any) -> Any:
    return int(value)


@WRITTEN.rule(EnumType)
def _(t: EnumType, value: Any) -> Any:
    return value.name


@WRITTEN.rule(SortType)
def _(t: SortType, value: Any) -> Any:
    return int(value) if t.ordered else repr(value)


@WRITTEN.rule(OptionalType)
def _(t: OptionalType, value: Any) -> Any:
    return None if value is None else written(t.item, value)


@WRITTEN.rule(RecordType, UnionType)
def _(t: RecordType | UnionType, value: Any) -> Any:
    own = RecordType(type(value))
    return {
        _tag(own): own.record.__name__,
        **{n: written(ft, getattr(value, n)) for n, ft in own.fields.items()},
    }


def _tag(t: RecordType) -> str:
    """The field that says a record's class."""
    return "type_" if "type" in t.fields else "type"


@WRITTEN.rule(TupleType)
def _(t: TupleType, value: Any) -> Any:
    return [written(i, v) for i, v in zip(t.items, value, strict=True)]


@WRITTEN.rule(SetType, SeqType, BagType)
def _(t: SetType | SeqType | BagType, value: Any) -> Any:
    return [written(t.item, v) for v in value]


@WRITTEN.rule(MapType)
def _(t: MapType, value: Any) -> Any:
    pairs = [(written(t.key, k), written(t.value, v)) for k, v in value.entries()]
    return {_key(k): v for k, v in pairs} if isinstance(t.key, NAMED) else [list(pair) for pair in pairs]


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


READ: Rules[tuple[Any, Scope], Any] = Rules("values from JSON")


def read(t: Type, value: Any, scope: Scope) -> Any:
    """The value of a type that JSON, or a value of the model, stands for. Call inside `running(scope)`. Raises NotOfType."""
    return READ(t, (value, scope))


@READ.rule(BoolType)
def _(t: BoolType, given: tuple[Any, Scope]) -> Any:
    return _if(type(given[0]) is bool, t, given[0])


@READ.rule(IntType)
def _(t: IntType, given: tuple[Any, Scope]) -> Any:
    return _if(type(given[0]) is int, t, given[0])


@READ.rule(NoneType)
def _(t: NoneType, given: tuple[Any, Scope]) -> Any:
    return _if(given[0] is None, t, given[0])


@READ.rule(EnumType)
def _(t: EnumType, given: tuple[Any, Scope]) -> Any:
    value = given[0]
    if isinstance(value, t.enum):
        return value
    found = t.enum.__members__.get(value) if type(value) is str else None
    return _if(found is not None, t, value, found)


@READ.rule(SortType)
def _(t: SortType, given: tuple[Any, Scope]) -> Any:
    value, scope = given
    if type(value) is t.sort:
        return _if(int(value) < scope.sizes[t.sort], t, value)
    if t.ordered:
        number = value if type(value) is int else -1
    else:
        digits = value.removeprefix(t.sort.prefix) if type(value) is str else ""
        number = int(digits) - t.sort.first_number if digits.isdecimal() and len(digits) < 6 else -1
    made = t.sort(number) if 0 <= number < scope.sizes[t.sort] else None
    return _if(made is not None and (t.ordered or repr(made) == value), t, value, made)


@READ.rule(OptionalType)
def _(t: OptionalType, given: tuple[Any, Scope]) -> Any:
    return None if given[0] is None else read(t.item, *given)


@READ.rule(RecordType, UnionType)
def _(t: RecordType | UnionType, given: tuple[Any, Scope]) -> Any:
    value, scope = given
    for own in records_of(t):
        if type(value) is own.record:
            return value
        tag, name = _tag(own), own.record.__name__
        told = isinstance(value, Mapping) and (tag in value or isinstance(t, RecordType))
        if told and value.get(tag, name) == name and set(value) - {tag} == set(own.fields):
            try:
                return own.record(**{n: read(ft, value[n], scope) for n, ft in own.fields.items()})
            except BoundLeft:
                raise NotOfType(value, t) from None
    raise NotOfType(value, t)


@READ.rule(TupleType)
def _(t: TupleType, given: tuple[Any, Scope]) -> Any:
    value, scope = given
    if not isinstance(value, list | tuple) or len(value) != len(t.items):
        raise NotOfType(value, t)
    return tuple(read(i, v, scope) for i, v in zip(t.items, value, strict=True))


@READ.rule(SetType)
def _(t: SetType, given: tuple[Any, Scope]) -> Any:
    return Set(_items(t, *given))


@READ.rule(SeqType)
def _(t: SeqType, given: tuple[Any, Scope]) -> Any:
    if isinstance(given[0], set | frozenset | Set):
        raise NotOfType(given[0], t)
    return Seq(_items(t, *given))


@READ.rule(BagType)
def _(t: BagType, given: tuple[Any, Scope]) -> Any:
    return Bag(_items(t, *given))


def _items(t: SetType | SeqType | BagType, value: Any, scope: Scope) -> list[Any]:
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
        raise NotOfType(value, t)
    return [read(t.item, v, scope) for v in value]


@READ.rule(MapType)
def _(t: MapType, given: tuple[Any, Scope]) -> Any:
    return whole_map(t, dict(entries(t, *given)), given[1])


def entries(t: MapType, value: Any, scope: Scope) -> list[tuple[Any, Any]]:
    """The keys of a map that are given, with their values, which need not be all that there are. Raises NotOfType."""
    if isinstance(value, Mapping):
        return [(key_of(t.key, k, scope), read(t.value, v, scope)) for k, v in value.items()]
    if isinstance(value, list | tuple) and all(isinstance(p, list | tuple) and len(p) == 2 for p in value):
        return [(read(t.key, k, scope), read(t.value, v, scope)) for k, v in value]
    raise NotOfType(value, t)


def key_of(t: Type, key: Any, scope: Scope) -> Any:
    """The key of a map that stands in an object, where numbers and truth values are text. Raises NotOfType."""
    if type(key) is str:
        if isinstance(t, BoolType) and key in ("true", "false"):
            return key == "true"
        if (isinstance(t, IntType) or (isinstance(t, SortType) and t.ordered)) and len(key) < 20:
            try:
                return read(t, int(key), scope)
            except ValueError:
                raise NotOfType(key, t) from None
    return read(t, key, scope)


def _if(right: bool, t: Type, value: Any, made: Any = None) -> Any:
    """A value that is right: what was made of it, or itself. Raises NotOfType."""
    if not right:
        raise NotOfType(value, t)
    return value if made is None else made
