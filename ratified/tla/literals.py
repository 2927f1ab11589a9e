"""Values written out in TLA+, and tests of what a value is.

Guarantees: what is written is the value, as ratified/interchange/representation.py says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ratified.language.rules import Rules
from ratified.language.sorts import Sort
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
)
from ratified.language.values import Map, Set
from ratified.tla.formulas import FALSE, TRUE, all_of, braces, function, number, record_of, string, tuple_of
from ratified.tla.names import NameSupply
from ratified.tla.syntax import Dot, Infix, Leaf, Tla, Wrapped
from ratified.tla.typesets import type_set
from ratified.tla.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Writing:
    """A value that is written out, the words of its module, and the names in scope."""

    value: Any
    words: Vocabulary
    names: NameSupply

    def of(self, value: Any, t: Type) -> Tla:
        """A value inside of this one, written out."""
        return value_of(value, t, self.words, self.names)


VALUES: Rules[Writing, Tla] = Rules("TLA+ of values")


def value_of(value: Any, t: Type, words: Vocabulary, names: NameSupply) -> Tla:
    """A value of a type, written out. `names` are those in scope."""
    return VALUES(t, Writing(value, words, names))


@VALUES.rule(NoneType)
def _(t: NoneType, at: Writing) -> Tla:
    return at.words.none() if at.value is None else at.of(at.value, _type_of_value(at.value))


@VALUES.rule(OptionalType)
def _(t: OptionalType, at: Writing) -> Tla:
    return at.words.none() if at.value is None else at.of(at.value, t.item)


@VALUES.rule(BoolType)
def _(t: BoolType, at: Writing) -> Tla:
    return TRUE if at.value else FALSE


@VALUES.rule(EnumType)
def _(t: EnumType, at: Writing) -> Tla:
    return string(at.words.form.member(at.value))


@VALUES.rule(SortType)
def _(t: SortType, at: Writing) -> Tla:
    number_of = int(at.value)
    return number(number_of) if t.ordered else at.words.named(t.sort, number_of)


@VALUES.rule(IntType)
def _(t: IntType, at: Writing) -> Tla:
    return number(int(at.value))


@VALUES.rule(RecordType)
def _(t: RecordType, at: Writing) -> Tla:
    fields = [at.of(getattr(at.value, name), field) for name, field in t.fields.items()]
    return record_value(t, fields, t.record, at.words)


@VALUES.rule(UnionType)
def _(t: UnionType, at: Writing) -> Tla:
    return at.of(at.value, RecordType(type(at.value)))


@VALUES.rule(TupleType)
def _(t: TupleType, at: Writing) -> Tla:
    return tuple_of(*(at.of(v, i) for v, i in zip(at.value, t.items, strict=True)))


@VALUES.rule(SetType)
def _(t: SetType, at: Writing) -> Tla:
    return braces(*(at.of(v, t.item) for v in Set(at.value)))


@VALUES.rule(SeqType)
def _(t: SeqType, at: Writing) -> Tla:
    return tuple_of(*(at.of(v, t.item) for v in at.value))


@VALUES.rule(BagType)
def _(t: BagType, at: Writing) -> Tla:
    if not at.value:
        at.words.need("Bags")
        return Leaf("EmptyBag")
    counts = [(at.of(v, t.item), number(at.value.count(v))) for v in at.value.distinct()]
    return _pairs(counts, at.words)


@VALUES.rule(MapType)
def _(t: MapType, at: Writing) -> Tla:
    return _map_value(at.value, t.key, t.value, at.words, at.names.inner())


def _type_of_value(value: Any) -> Type:
    if isinstance(value, bool):
        return BoolType()
    if isinstance(value, Enum):
        return EnumType(type(value))
    if isinstance(value, Sort):
        return SortType(type(value))
    return IntType() if isinstance(value, int) else RecordType(type(value))


def _map_value(value: Map[Any, Any], key: Type, item: Type, words: Vocabulary, names: NameSupply) -> Tla:
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
