"""The orders of values: what sorts a value of a type, as a sequence of numbers.

Guarantees: of two values that differ the keys differ, and the one that the language runs through first has the lower key.
"""

from __future__ import annotations

from ratified.language.rules import Rules
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
from ratified.tla.formulas import ZERO, folded, function, number, string, tuple_of
from ratified.tla.syntax import Apply, Atom, Definition, Dot, If, Index, Infix, Prefix, Tla
from ratified.tla.vocabulary import Vocabulary

X, K = Atom("x"), Atom("k")
"""What a key operator is about, and a position in it."""

KEYS: Rules[Vocabulary, Tla] = Rules("TLA+ of what sorts values")


def key(t: Type, value: Tla, words: Vocabulary) -> Tla:
    """What sorts a value of a type, as a sequence of numbers."""
    if isinstance(t, IntType) or (isinstance(t, SortType) and t.ordered):
        return tuple_of(value)
    return Apply(key_operator(t, words), (value,))


def key_operator(t: Type, words: Vocabulary) -> str:
    """The name of the operator that gives what sorts a value of a type."""
    name = words.key_names.get(t)
    if name is None:
        words.need("Sequences")
        body = KEYS(t, words)
        name = words.names.give(f"KeyOf{''.join(c for c in str(t).title() if c.isalnum())}")
        words.key_names[t] = name
        words.key_definitions[name] = Definition(name, body, (X.text,))
    return name


def in_order(elements: Tla, t: Type, words: Vocabulary) -> Tla:
    """The elements of a set in canonical order."""
    return words.use("Sorted", elements, Atom(key_operator(t, words)))


@KEYS.rule(IntType)
def _int(t: IntType, words: Vocabulary) -> Tla:
    return tuple_of(X)


@KEYS.rule(BoolType)
def _bool(t: BoolType, words: Vocabulary) -> Tla:
    return tuple_of(If(X, number(1), ZERO))


@KEYS.rule(NoneType)
def _none(t: NoneType, words: Vocabulary) -> Tla:
    return tuple_of()


@KEYS.rule(EnumType)
def _enum(t: EnumType, words: Vocabulary) -> Tla:
    members = tuple_of(*(string(words.form.member(m)) for m in t.enum))
    return tuple_of(words.use("FirstIn", members, X))


@KEYS.rule(SortType)
def _sort(t: SortType, words: Vocabulary) -> Tla:
    return tuple_of(X if t.ordered else words.sort_number(t.sort, X))


@KEYS.rule(OptionalType)
def _optional(t: OptionalType, words: Vocabulary) -> Tla:
    some = Infix("\\o", tuple_of(number(1)), key(t.item, X, words))
    return If(Infix("=", X, words.none()), tuple_of(ZERO), some)


@KEYS.rule(RecordType)
def _record(t: RecordType, words: Vocabulary) -> Tla:
    keys = [key(ft, Dot(X, words.form.field(t.record, n)), words) for n, ft in t.fields.items()]
    return folded("\\o", keys) if keys else tuple_of()


@KEYS.rule(UnionType)
def _union(t: UnionType, words: Vocabulary) -> Tla:
    made: Tla | None = None
    ranked = sorted(t.records, key=lambda r: r.record.__name__)
    for rank, one in reversed(list(enumerate(ranked))):
        part = Infix("\\o", tuple_of(number(rank)), key(one, X, words))
        test = Infix("=", Dot(X, words.form.kind), string(one.record.__name__))
        made = part if made is None else If(test, part, made)
    assert made is not None
    return made


@KEYS.rule(TupleType)
def _tuple(t: TupleType, words: Vocabulary) -> Tla:
    return folded("\\o", [key(i, Index(X, (number(n + 1),)), words) for n, i in enumerate(t.items)])


@KEYS.rule(SetType)
def _set(t: SetType, words: Vocabulary) -> Tla:
    return _sized(in_order(X, t.item, words), t.item, words)


@KEYS.rule(BagType)
def _bag(t: BagType, words: Vocabulary) -> Tla:
    return _sized(words.use("SortedBag", X, Atom(key_operator(t.item, words))), t.item, words)


@KEYS.rule(SeqType)
def _seq(t: SeqType, words: Vocabulary) -> Tla:
    return _sized(X, t.item, words)


@KEYS.rule(MapType)
def _map(t: MapType, words: Vocabulary) -> Tla:
    order = in_order(Prefix("DOMAIN", X), t.key, words)
    body = key(t.value, Index(X, (Index(order, (K,)),)), words)
    return words.use("Flattened", function(body, ((K.text,), Prefix("DOMAIN", order))))


def _sized(sequence: Tla, item: Type, words: Vocabulary) -> Tla:
    """What sorts sequences: the shorter first, then by their elements."""
    body = key(item, Index(sequence, (K,)), words)
    items = words.use("Flattened", function(body, ((K.text,), Prefix("DOMAIN", sequence))))
    return Infix("\\o", tuple_of(Apply("Len", (sequence,))), items)
