"""Values that are given to a model from outside: its parameters, and the defaults of its variables.

Guarantees: what is accepted is a value of the declared type at every depth, by the words of the language and not by Python's
(True and 3.0 are no ints), within the declared bounds, with a value for every key of a map; anything else is refused with what
to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isinf
from typing import Any

from ratified.language.errors import ModelError, SizeError
from ratified.language.ir import Declaration
from ratified.language.rules import Rules
from ratified.language.scope import Scope
from ratified.language.sorts import BoundLeft, Sort
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
    cardinality,
    fit_of,
    record_fields,
    records_of,
    resolved,
    values_of,
    whole_map,
)
from ratified.language.values import Bag, Map, Seq, Set, show

MOST_NAMED = 5
"""So many values of a sort are named one by one."""

TOTAL = "a Map is total: give a value for every key"


def parameter_value(declaration: Declaration, given: object, scope: Scope) -> object:
    """A parameter's value. Values of sorts and enums may be given by name, sets, sequences and tuples as lists, maps as dicts.

    Raises SizeError.
    """
    name, t = declaration.name, declaration.type
    shown = _shown(given)
    try:
        made = typed(t, given, scope)
        _check_fit(t, made, scope, name)
    except (TypeError, KeyError, ValueError, OverflowError):
        raise SizeError(
            f"{name}={shown} is not a value of type {t}",
            span=declaration.span,
            remedy=_example(name, t, scope),
        ) from None
    except ModelError as incomplete:
        raise SizeError(
            f"{name}={shown} is not a value of type {t}: {incomplete.message}",
            span=declaration.span,
            remedy=incomplete.remedy,
        ) from None
    except BoundLeft as left:
        raise SizeError(
            f"{name}={shown} exceeds {left.what}",
            span=declaration.span,
            remedy="choose a value within the bounds",
        ) from None
    return made


def _shown(given: object) -> str:
    """A value as it was given; text that looks like another value in quotes."""
    if not isinstance(given, str):
        return show(given)
    plain = given.isidentifier() and given.lower() not in ("true", "false", "none", "null")
    return given if plain else repr(given)


def check_beginning(declaration: Declaration, value: object, scope: Scope) -> None:
    """That the value with which a variable begins is one of its type at this size, within its bounds. Raises SizeError."""
    name, t = declaration.name, declaration.type
    what = "the default" if declaration.default is not None else "the first value"
    try:
        typed(t, value, scope)
        _check_fit(t, value, scope, name)
    except ModelError as incomplete:
        problem = f"{what} of `{name}` is not a value of type {t}: {incomplete.message}"
    except (TypeError, KeyError, ValueError):
        problem = f"{what} of `{name}`, {show(value)}, is not a value of type {t} at this size"
    except BoundLeft as left:
        problem = f"{what} of `{name}`, {show(value)}, exceeds {left.what}"
    else:
        return
    raise SizeError(
        problem, span=declaration.span, remedy="choose another default, other sizes or other parameters"
    )


def _check_fit(t: Type, value: object, scope: Scope, name: str) -> None:
    """Raise BoundLeft if a value is outside its bounds."""
    fit = fit_of(resolved(t, scope), name)
    if fit:
        fit(value)


def typed(t: Type, value: Any, scope: Scope) -> Any:
    """The value as one of the type.

    Raises TypeError, KeyError, ValueError; ModelError for a map without a value for each key, BoundLeft for a field of a record.
    """
    return _TYPED(t, (value, scope))


_Given = tuple[Any, Scope]
"""A value, and at what size."""

_TYPED: Rules[_Given, Any] = Rules("given values as values of their types")


def _of_class(t: Type, value: Any, *classes: type) -> Any:
    """The value, if it is of one of these very classes."""
    if type(value) not in classes:
        raise TypeError(value)
    return value


@_TYPED.rule(NoneType)
def _(t: NoneType, given: _Given) -> None:
    _of_class(t, given[0], type(None))


@_TYPED.rule(BoolType)
def _(t: BoolType, given: _Given) -> Any:
    return _of_class(t, given[0], bool)


@_TYPED.rule(IntType)
def _(t: IntType, given: _Given) -> Any:
    return _of_class(t, given[0], int)


@_TYPED.rule(EnumType)
def _(t: EnumType, given: _Given) -> Any:
    value, _ = given
    if isinstance(value, t.enum):
        return value
    if not isinstance(value, str):
        raise TypeError(value)
    return t.enum[value]


@_TYPED.rule(SortType)
def _(t: SortType, given: _Given) -> Any:
    value, scope = given
    if isinstance(value, str):
        return {repr(v): v for v in values_of(t, scope)}[value]
    if not (isinstance(value, t.sort) and value in t.sort):
        raise TypeError(value)
    return value


@_TYPED.rule(OptionalType)
def _(t: OptionalType, given: _Given) -> Any:
    value, scope = given
    return None if value is None else typed(t.item, value, scope)


@_TYPED.rule(MapType)
def _(t: MapType, given: _Given) -> Any:
    value, scope = given
    if not isinstance(value, Mapping):
        raise TypeError(value)
    found = {typed(t.key, k, scope): typed(t.value, v, scope) for k, v in value.items()}
    if t.partial:
        return whole_map(t, found, scope)
    made = Map(found)
    if lacking := _partial(t, made, scope):
        raise ModelError(f"a map {lacking}", remedy=TOTAL)
    if len(made) != len(value):
        raise TypeError(value)
    return made


# A list may stand for several values of any kind, for JSON knows no other.


@_TYPED.rule(SetType)
def _(t: SetType, given: _Given) -> Any:
    value, scope = given
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping | Bag | Seq):
        raise TypeError(value)
    return Set(typed(t.item, v, scope) for v in value)


@_TYPED.rule(SeqType)
def _(t: SeqType, given: _Given) -> Any:
    value, scope = given
    if not isinstance(value, Seq | list | tuple):
        raise TypeError(value)
    return Seq(typed(t.item, v, scope) for v in value)


@_TYPED.rule(BagType)
def _(t: BagType, given: _Given) -> Any:
    value, scope = given
    if not isinstance(value, Bag | list | tuple):
        raise TypeError(value)
    return Bag(typed(t.item, v, scope) for v in value)


@_TYPED.rule(TupleType)
def _(t: TupleType, given: _Given) -> Any:
    value, scope = given
    if not isinstance(value, list | tuple):
        raise TypeError(value)
    return tuple(typed(i, v, scope) for i, v in zip(t.items, value, strict=True))


@_TYPED.rule(RecordType, UnionType)
def _(t: RecordType | UnionType, given: _Given) -> Any:
    """A record, whose fields are looked at: outside of a model it may have been made of anything."""
    value, scope = given
    own = next((r for r in records_of(t) if r.record is type(value)), None)
    if own is None:
        raise TypeError(value)
    for name, declared in record_fields(own, scope).items():
        field = getattr(value, name)
        typed(declared, field, scope)
        _check_fit(declared, field, scope, f"{own}.{name}")
    return value


def check_total(t: Type, value: object, scope: Scope, name: str) -> None:
    """That a map has a value for every key of its type, at every depth of maps. Raises ModelError."""
    if not isinstance(t, MapType) or t.partial or not isinstance(value, Map):
        return
    if lacking := _partial(t, value, scope):
        raise ModelError(f"the map for {name} {lacking}", remedy=TOTAL)
    if isinstance(t.value, MapType):
        for item in value.values():
            check_total(t.value, item, scope, name)


def _partial(t: MapType, value: Map[Any, Any], scope: Scope) -> str | None:
    """What keeps a map from having a value for every key."""
    keys = cardinality(t.key, scope)
    if len(value) == keys or isinf(keys):
        return None
    missing = next((k for k in values_of(t.key, scope) if k not in value), None)
    return f"has keys outside {t.key}" if missing is None else f"has no value for {show(missing)}"


def _example(name: str, t: Type, scope: Scope) -> str:
    """What to write instead."""
    return _EXAMPLES(t, (name, scope))


_EXAMPLES: Rules[tuple[str, Scope], str] = Rules("what to write for a value")


@_EXAMPLES.rule(BoolType)
def _(t: BoolType, of: tuple[str, Scope]) -> str:
    return f"write {of[0]}=true or {of[0]}=false"


@_EXAMPLES.rule(EnumType)
def _(t: EnumType, of: tuple[str, Scope]) -> str:
    return f"write one of {', '.join(e.name for e in t.enum)}"


@_EXAMPLES.rule(SetType)
def _(t: SetType, of: tuple[str, Scope]) -> str:
    name, scope = of
    inner, depth = t.item, 1
    if isinstance(inner, SetType):
        inner, depth = inner.item, 2
    if not isinstance(inner, SortType):
        return f"write {name}=... with a value of type {t}"
    one = f"{inner.sort(0)}"
    for _ in range(depth):
        one = f"{{{one}, ...}}"
    return f"write {name}='{one}', with any of {_some(inner.sort, scope)}"


@_EXAMPLES.rule(SortType)
def _(t: SortType, of: tuple[str, Scope]) -> str:
    return f"write one of {_some(t.sort, of[1])}"


@_EXAMPLES.rule(OptionalType)
def _(t: OptionalType, of: tuple[str, Scope]) -> str:
    return f"{_example(of[0], t.item, of[1])}; or none"


@_EXAMPLES.rule(IntType, NoneType, RecordType, UnionType, TupleType, MapType, BagType, SeqType)
def _(t: Type, of: tuple[str, Scope]) -> str:
    return f"write {of[0]}=... with a value of type {t}"


def _some(sort: type[Sort], scope: Scope) -> str:
    """The values of a sort, the first and the last if there are many."""
    names = [repr(v) for v in sort] if scope.sizes[sort] <= MOST_NAMED else []
    return ", ".join(names) if names else f"{sort(0)} to {sort(scope.sizes[sort] - 1)}"
