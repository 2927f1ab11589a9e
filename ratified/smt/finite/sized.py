"""How values of each type are held at one size: in slots or by members, in which forms, made of which parts.

Guarantees: equal questions get the very same forms of maps. Raises CircuitTooLarge where there are too many values to tell
apart, or where a type is not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ratified.language.rules import Rules
from ratified.language.scope import Scope
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
    element_type,
    record_fields,
    records_of,
    unbounded,
    values_of,
)
from ratified.language.values import order_key
from ratified.smt.finite.symbolic import CircuitTooLarge, Form, Keys, Some, unheard_of

VALUES_MOST = 3_000
"""A set of records of which there are more than this is held in slots."""

ALTERNATIVES_MOST = 20_000
"""More values than this are not told apart one by one."""


class SizedTypes:
    """Types at a size."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._slotted: dict[Type, bool] = {}
        self._keys: dict[tuple[Type, frozenset[Any], type], Keys] = {}

    def slotted(self, t: Type) -> bool:
        """Return whether values of a type of sets, bags or sequences are held in slots."""
        if t not in self._slotted:
            item = element_type(t)
            many = isinstance(item, RecordType | UnionType) and cardinality(item, self.scope) > VALUES_MOST
            self._slotted[t] = many or isinstance(t, SeqType)
        return self._slotted[t]

    def listed(self, t: Type) -> list[Any]:
        """Return every value of a type."""
        size = cardinality(t, self.scope)
        if size > ALTERNATIVES_MOST:
            raise CircuitTooLarge(
                f"{t} has {how_many(size)} values at this size", remedy="choose smaller sizes"
            )
        return list(values_of(t, self.scope))

    def keys(self, keys: Iterable[Any], t: MapType) -> Keys:
        """Return the form of maps of a type with these keys, always the same one."""
        given = unbounded(t.key), frozenset(keys), t.of  # values of two sorts are equal
        if given not in self._keys:
            at = {key: i for i, key in enumerate(sorted(given[1], key=order_key))}
            self._keys[given] = Keys(at, t.of)
        return self._keys[given]

    def parts(self, t: Type, form: Form) -> tuple[Type, ...]:
        """Return the types of the parts that a value of a type has in a form."""
        inner = t.item if isinstance(t, OptionalType) else t
        if form is None:
            return ()
        if form is Some:
            return (inner,)
        if isinstance(form, Keys):
            assert isinstance(inner, MapType)
            return (inner.value,) * len(form.at)
        if isinstance(inner, TupleType):
            return inner.items
        assert isinstance(form, type)
        return tuple(record_fields(RecordType(form), self.scope).values())

    def forms(self, t: Type) -> list[Form]:
        """Return the forms that a value of a type may have."""
        if isinstance(t, OptionalType):
            return [None, *self.forms(t.item)]
        return _FORMS(t, self)

    def form_of(self, value: Any, t: Type) -> tuple[Form, Sequence[Any]]:
        """Return the form that a known value has, and its parts."""
        if value is None:
            return None, ()
        t = t.item if isinstance(t, OptionalType) else t
        if isinstance(t, MapType):
            keys = self.keys(value._data, t)
            return keys, [value._data[k] for k in keys.at]
        (form, *others) = self.forms(t)
        if form in (tuple, Some):
            return form, value if form is tuple else (value,)
        assert type(value) in (form, *others)
        return type(value), [getattr(value, name) for name in RecordType(type(value)).fields]

    @staticmethod
    def of_maps(t: Type) -> bool:
        """Return whether values of a type are maps, or may be None."""
        return isinstance(t.item if isinstance(t, OptionalType) else t, MapType)


_FORMS: Rules[SizedTypes, list[Form]] = Rules("the forms of values that are there")


@_FORMS.rule(SeqType, SetType, BagType)
def _(t: Type, _: SizedTypes) -> list[Form]:
    return [Some]


@_FORMS.rule(TupleType)
def _(t: TupleType, _: SizedTypes) -> list[Form]:
    return [tuple]


@_FORMS.rule(MapType)
def _(t: MapType, types: SizedTypes) -> list[Form]:
    return [types.keys(types.listed(t.key), t)]


@_FORMS.rule(RecordType, UnionType)
def _(t: RecordType | UnionType, _: SizedTypes) -> list[Form]:
    return [r.record for r in records_of(t)]


@_FORMS.rule(BoolType, IntType, NoneType, EnumType, SortType, OptionalType)
def _(t: Type, _: SizedTypes) -> list[Form]:
    raise unheard_of(t)


def how_many(size: float) -> str:
    """Return a number of values in words."""
    return "infinitely many" if math.isinf(size) else f"{size:,.0f}"
