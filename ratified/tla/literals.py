"""Values written out in TLA+, and tests of what a value is.

Guarantees: what is written is the value, as ratified/interchange/representation.py says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

from ratified.language.sorts import Sort
from ratified.language.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
)
from ratified.language.values import Map, Set
from ratified.tla.formulas import FALSE, TRUE, all_of, braces, function, number, record_of, string, tuple_of
from ratified.tla.names import Names
from ratified.tla.syntax import Atom, Dot, Infix, Tla, Wrapped
from ratified.tla.typesets import type_set
from ratified.tla.vocabulary import Vocabulary


def value_of(value: Any, t: Type, words: Vocabulary, names: Names) -> Tla:
    """A value of a type, written out. `names` are those in scope."""
    match t:
        case OptionalType(item):
            return words.none() if value is None else value_of(value, item, words, names)
        case BoolType():
            return TRUE if value else FALSE
        case EnumType():
            return string(words.form.member(value))
        case SortType(sort):
            return number(int(value)) if t.ordered else words.named(sort, int(value))
        case IntType():
            return number(int(value))
        case RecordType(record):
            return record_value(
                t,
                [value_of(getattr(value, n), ft, words, names) for n, ft in t.fields.items()],
                record,
                words,
            )
        case UnionType():
            return value_of(value, RecordType(type(value)), words, names)
        case TupleType(items):
            return tuple_of(*(value_of(v, i, words, names) for v, i in zip(value, items, strict=True)))
        case SetType(item):
            return braces(*(value_of(v, item, words, names) for v in Set(value)))
        case SeqType(item):
            return tuple_of(*(value_of(v, item, words, names) for v in value))
        case BagType(item):
            if not value:
                words.need("Bags")
                return Atom("EmptyBag")
            return _pairs(
                [(value_of(v, item, words, names), number(value.count(v))) for v in value.distinct()], words
            )
        case MapType(key, item):
            return _map_value(value, key, item, words, names.inner())
    if value is None:
        return words.none()
    return value_of(value, _type_of_value(value), words, names)


def _type_of_value(value: Any) -> Type:
    if isinstance(value, bool):
        return BoolType()
    if isinstance(value, Enum):
        return EnumType(type(value))
    if isinstance(value, Sort):
        return SortType(type(value))
    return IntType() if isinstance(value, int) else RecordType(type(value))


def _map_value(value: Map[Any, Any], key: Type, item: Type, words: Vocabulary, names: Names) -> Tla:
    values = list(value.values())
    if all(v == values[0] for v in values) and (keys := type_set(key, words)) is not None:
        name = names.give(words.short(key))
        return function(value_of(values[0], item, words, names), ((name,), keys))
    return _pairs(
        [(value_of(k, key, words, names), value_of(v, item, words, names)) for k, v in value.items()], words
    )


def _pairs(pairs: Sequence[tuple[Tla, Tla]], words: Vocabulary) -> Tla:
    """`k :> v @@ l :> w`."""
    words.need("TLC")
    parts = [Infix(":>", k, v) for k, v in pairs]
    made: Tla = parts[0]
    for part in parts[1:]:
        made = Infix("@@", Wrapped(made) if isinstance(made, Infix) and made.op == "@@" else made, part)
    return Wrapped(made)


def record_value(t: RecordType, values: Iterable[Tla], record: type, words: Vocabulary) -> Tla:
    """A record."""
    fields = [(words.form.field(record, name), v) for name, v in zip(t.fields, values, strict=True)]
    tag = [(words.form.kind, string(words.form.tag(record)))] if words.form.tagged(record) else []
    return record_of([*tag, *fields])


def is_one_of(
    value: Tla,
    possible: Sequence[RecordType],
    wanted: Sequence[RecordType],
    words: Vocabulary,
    *,
    optional: bool,
) -> Tla:
    """That a value, which is one of some records or perhaps None, is one of these."""
    here = [r for r in possible if r in wanted]
    tests = [Infix("#", value, words.none())] if optional else []
    if not here:
        return FALSE
    if len(here) < len(possible):
        names = [string(words.form.tag(r.record)) for r in here]
        field = Dot(value, words.form.kind)
        tests.append(Infix("=", field, names[0]) if len(names) == 1 else Infix("\\in", field, braces(*names)))
    return all_of(tests)
