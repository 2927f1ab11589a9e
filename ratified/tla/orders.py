"""The orders of values: what sorts a value of a type, as a sequence of numbers.

Guarantees: of two values that differ the keys differ, and the one that the language runs through first has the lower key.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from ratified.tla.syntax import Apply, Definition, Dot, If, Index, Infix, Leaf, Prefix, Tla
from ratified.tla.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class About:
    """What a key operator is about, and a position in it; both are names that the module does not have."""

    words: Vocabulary
    x: Leaf
    k: Leaf


KEYS: Rules[About, Tla] = Rules("TLA+ of what sorts values")


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
        names = words.names.operator()
        about = About(words, Leaf(names.give("x")), Leaf(names.give("k")))
        body = KEYS(t, about)
        wanted = f"KeyOf{''.join(c for c in str(t).title() if c.isalnum())}"
        name = words.names.give_late(words.of_arguments(wanted))
        words.key_names[t] = name
        words.key_definitions[name] = Definition(name, body, (about.x.text,))
    return name


def in_order(elements: Tla, t: Type, words: Vocabulary) -> Tla:
    """The elements of a set in canonical order."""
    return words.use("Sorted", elements, Leaf(key_operator(t, words)))


@KEYS.rule(IntType)
def _int(t: IntType, about: About) -> Tla:
    return tuple_of(about.x)


@KEYS.rule(BoolType)
def _bool(t: BoolType, about: About) -> Tla:
    return tuple_of(If(about.x, number(1), ZERO))


@KEYS.rule(NoneType)
def _none(t: NoneType, about: About) -> Tla:
    return tuple_of()


@KEYS.rule(EnumType)
def _enum(t: EnumType, about: About) -> Tla:
    members = tuple_of(*(string(about.words.form.member(m)) for m in t.enum))
    return tuple_of(about.words.use("FirstIn", members, about.x))


@KEYS.rule(SortType)
def _sort(t: SortType, about: About) -> Tla:
    return tuple_of(about.x if t.ordered else about.words.sort_number(t.sort, about.x))


@KEYS.rule(OptionalType)
def _optional(t: OptionalType, about: About) -> Tla:
    some = Infix("\\o", tuple_of(number(1)), key(t.item, about.x, about.words))
    return If(Infix("=", about.x, about.words.none()), tuple_of(ZERO), some)


@KEYS.rule(RecordType)
def _record(t: RecordType, about: About) -> Tla:
    form = about.words.form
    keys = [key(ft, Dot(about.x, form.field(t.record, n)), about.words) for n, ft in t.fields.items()]
    return folded("\\o", keys) if keys else tuple_of()


@KEYS.rule(UnionType)
def _union(t: UnionType, about: About) -> Tla:
    made: Tla | None = None
    form = about.words.form
    ranked = sorted(t.records, key=lambda r: r.record.__name__)
    for rank, one in reversed(list(enumerate(ranked))):
        part = Infix("\\o", tuple_of(number(rank)), key(one, about.x, about.words))
        test = Infix("=", Dot(about.x, form.kind), string(form.tag(one.record)))
        made = part if made is None else If(test, part, made)
    assert made is not None
    return made


@KEYS.rule(TupleType)
def _tuple(t: TupleType, about: About) -> Tla:
    keys = [key(i, Index(about.x, (number(n + 1),)), about.words) for n, i in enumerate(t.items)]
    return folded("\\o", keys)


@KEYS.rule(SetType)
def _set(t: SetType, about: About) -> Tla:
    return _sized(in_order(about.x, t.item, about.words), t.item, about)


@KEYS.rule(BagType)
def _bag(t: BagType, about: About) -> Tla:
    order = Leaf(key_operator(t.item, about.words))
    return _sized(about.words.use("SortedBag", about.x, order), t.item, about)


@KEYS.rule(SeqType)
def _seq(t: SeqType, about: About) -> Tla:
    return _sized(about.x, t.item, about)


@KEYS.rule(MapType)
def _map(t: MapType, about: About) -> Tla:
    order = in_order(Prefix("DOMAIN", about.x), t.key, about.words)
    body = key(t.value, Index(about.x, (Index(order, (about.k,)),)), about.words)
    return about.words.use("Flattened", function(body, ((about.k.text,), Prefix("DOMAIN", order))))


def _sized(sequence: Tla, item: Type, about: About) -> Tla:
    """What sorts sequences: the shorter first, then by their elements."""
    body = key(item, Index(sequence, (about.k,)), about.words)
    items = about.words.use("Flattened", function(body, ((about.k.text,), Prefix("DOMAIN", sequence))))
    return Infix("\\o", tuple_of(Apply("Len", (sequence,))), items)
