"""The types of a model as sets, and that a value is in one.

Guarantees: a type's set has exactly the type's values; that a value belongs to a type is said so that TLC decides it without
listing them.
"""

from __future__ import annotations

import ast

from ratified.language.rules import Rules
from ratified.language.types import (
    WIDE,
    BagType,
    BoolType,
    BoundExpression,
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
    has_bounds,
    parts,
)
from ratified.tla.formulas import (
    FunctionSet,
    QuantifiedTla,
    all_of,
    braces,
    folded,
    number,
    record_of,
    string,
)
from ratified.tla.names import NameSupply
from ratified.tla.syntax import Apply, Definition, Index, Infix, Leaf, Prefix, Tla, Wrapped
from ratified.tla.vocabulary import Vocabulary

LISTED_MOST = 1_000_000
"""So many elements of a set TLC lists (its option -maxSetSize)."""

SETS: Rules[Vocabulary, Tla | None] = Rules("TLA+ of types")


def type_set(t: Type, words: Vocabulary) -> Tla | None:
    """The set of a type's values; None if they are infinitely many."""
    found = words.types.get(t)
    if found is None:
        made = SETS(t, words)
        if made is None:
            return None
        name = words.classes.get(t) or words.aliases.get(t)
        if name is not None:
            words.type_definitions[name] = Definition(name, made)
            made = Leaf(name)
        found = words.types[t] = made
    return found


@SETS.rule(BoolType)
def _bool(t: BoolType, words: Vocabulary) -> Tla:
    return Leaf("BOOLEAN")


@SETS.rule(NoneType)
def _none(t: NoneType, words: Vocabulary) -> Tla:
    return braces(words.none())


@SETS.rule(IntType)
def _int(t: IntType, words: Vocabulary) -> Tla | None:
    if t.low is None or t.high is None:
        return None
    words.need("Integers")
    if t == WIDE:
        return Leaf("Int")  # TLC makes no intervals as wide, and tells itself what does not fit
    high = bound(t.high, words)
    return Infix("..", bound(t.low, words), Wrapped(high) if isinstance(high, Infix) else high)


@SETS.rule(EnumType)
def _enum(t: EnumType, words: Vocabulary) -> Tla:
    return braces(*(string(words.form.member(m)) for m in t.enum))


@SETS.rule(SortType)
def _sort(t: SortType, words: Vocabulary) -> Tla:
    return Leaf(words.sorts[t.sort])


@SETS.rule(OptionalType)
def _optional(t: OptionalType, words: Vocabulary) -> Tla | None:
    inner = type_set(t.item, words)
    return None if inner is None else Infix("\\union", inner, braces(words.none()))


@SETS.rule(RecordType)
def _record(t: RecordType, words: Vocabulary) -> Tla | None:
    fields: list[tuple[str, Tla]] = []
    if words.form.tagged(t.record):
        fields.append((words.form.kind, braces(string(words.form.tag(t.record)))))
    for name, field_type in t.fields.items():
        values = type_set(field_type, words)
        if values is None:
            return None
        fields.append((words.form.field(t.record, name), values))
    return record_of(fields, ":")


@SETS.rule(UnionType)
def _union(t: UnionType, words: Vocabulary) -> Tla | None:
    sets = [s for r in t.records if (s := type_set(r, words)) is not None]
    return folded("\\union", sets) if len(sets) == len(t.records) else None


@SETS.rule(TupleType)
def _tuple(t: TupleType, words: Vocabulary) -> Tla | None:
    sets = [
        Wrapped(s) if isinstance(s, Infix) else s for i in t.items if (s := type_set(i, words)) is not None
    ]
    if len(sets) < len(t.items):
        return None
    if len(sets) == 1:
        return words.use("Singles", sets[0])
    return folded("\\X", sets)


@SETS.rule(MapType)
def _map(t: MapType, words: Vocabulary) -> Tla | None:
    keys, values = type_set(t.key, words), type_set(t.value, words)
    return None if keys is None or values is None else FunctionSet(keys, values)


@SETS.rule(SetType)
def _set(t: SetType, words: Vocabulary) -> Tla | None:
    item = type_set(t.item, words)
    if item is None:
        return None
    return Prefix("SUBSET", item) if t.size is None else words.use("BoundedSets", item, bound(t.size, words))


@SETS.rule(SeqType)
def _seq(t: SeqType, words: Vocabulary) -> Tla | None:
    item = type_set(t.item, words)
    return None if item is None or t.size is None else words.use("BoundedSeq", item, bound(t.size, words))


@SETS.rule(BagType)
def _bag(t: BagType, words: Vocabulary) -> Tla | None:
    item = type_set(t.item, words)
    if item is None or (t.size is None and t.copies is None):
        return None
    most = _most(t, item, words)
    return words.use("BoundedBags", item, most, most if t.copies is None else bound(t.copies, words))


def _most(t: BagType, item: Tla, words: Vocabulary) -> Tla:
    """The greatest number of elements in a bag."""
    if t.size is not None:
        return bound(t.size, words)
    words.need("FiniteSets")
    assert t.copies is not None
    return Infix("*", bound(t.copies, words), Apply("Cardinality", (item,)))


# --- bounds ---------------------------------------------------------------------------------------------------------------


def bound(given: BoundExpression, words: Vocabulary) -> Tla:
    """A bound, as it stands in the model."""
    if isinstance(given, int):
        return number(given)
    return _bound(ast.parse(given.strip(), mode="eval").body, words)


def _bound(node: ast.expr, words: Vocabulary) -> Tla:
    words.need("Integers")
    match node:
        case ast.Constant(int(n)):
            return number(n)
        case ast.Name(name):
            return Leaf(words.constants[name])
        case ast.Call(ast.Name("len"), [ast.Name(name)]):
            sort = next(s for s in words.sorts if s.__name__ == name)
            if sort in words.lasts:
                return Infix("+", Leaf(words.lasts[sort]), number(1))
            words.need("FiniteSets")
            return Apply("Cardinality", (Leaf(words.sorts[sort]),))
        case ast.Call(ast.Name(name), arguments):
            return words.use(name.capitalize(), braces(*(_bound(a, words) for a in arguments)))
        case ast.UnaryOp(ast.USub(), operand):
            return Prefix("-", _bound(operand, words))
        case ast.BinOp(left, op, right):
            sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "\\div"}[type(op)]
            return Infix(sign, _bound(left, words), _bound(right, words))
    raise AssertionError(ast.dump(node))


def bounded(t: Type) -> bool:
    """Whether a type has bounds that a step may leave."""
    return any(has_bounds(p) or (isinstance(p, SortType) and p.ordered) for p in parts(t))


# --- membership -----------------------------------------------------------------------------------------------------------


def belongs(value: Tla, t: Type, words: Vocabulary, around: NameSupply | None = None) -> list[Tla]:
    """That a value is of a type, bounds included, as conjuncts that TLC decides without listing the type's values."""
    names = around.inner() if around else words.names.operator()
    if isinstance(t, BagType):
        return _bag_belongs(value, t, words, names)
    if isinstance(t, SeqType) and _endless(t, words):
        return _seq_belongs(value, t, words, names)
    if isinstance(t, SetType) and _piece_by_piece(t.item, words):
        return _set_belongs(value, t, words, names)
    if isinstance(t, MapType) and _piece_by_piece(t.value, words):
        keys = type_set(t.key, words)
        assert keys is not None
        name = names.give(words.short(t.key))
        inner = belongs(Index(value, (Leaf(name),)), t.value, words, names)
        return [
            Infix("=", Prefix("DOMAIN", value), keys),
            QuantifiedTla("\\A", (((name,), keys),), all_of(inner)),
        ]
    if isinstance(t, SetType) and t.size is None:
        item = type_set(t.item, words)
        return [] if item is None else [Infix("\\subseteq", value, item)]
    made_set = type_set(t, words)
    return [] if made_set is None else [Infix("\\in", value, made_set)]


def _bag_belongs(value: Tla, t: BagType, words: Vocabulary, names: NameSupply) -> list[Tla]:
    words.need("Bags")
    elements = Apply("BagToSet", (value,))
    item = type_set(t.item, words)
    made: list[Tla] = [] if item is None else [Infix("\\subseteq", elements, item)]
    if t.size is not None:
        made.append(Infix("<=", Apply("BagCardinality", (value,)), bound(t.size, words)))
    if t.copies is not None:
        name = names.give("m")
        copies = Infix("<=", Apply("CopiesIn", (Leaf(name), value)), bound(t.copies, words))
        made.append(QuantifiedTla("\\A", (((name,), elements),), copies))
    return made


def _seq_belongs(value: Tla, t: SeqType, words: Vocabulary, names: NameSupply) -> list[Tla]:
    """TLC would list the values of what is in such a sequence, or all sequences of a length."""
    assert t.size is not None
    name = names.give("i")
    words.need("Sequences")
    made: list[Tla] = [Infix("<=", Apply("Len", (value,)), bound(t.size, words))]
    inner = belongs(Index(value, (Leaf(name),)), t.item, words, names)
    if inner:
        made.append(QuantifiedTla("\\A", (((name,), Prefix("DOMAIN", value)),), all_of(inner)))
    return made


def _set_belongs(value: Tla, t: SetType, words: Vocabulary, names: NameSupply) -> list[Tla]:
    name = names.give("e")
    inner = belongs(Leaf(name), t.item, words, names)
    made: list[Tla] = [QuantifiedTla("\\A", (((name,), value),), all_of(inner))]
    if t.size is not None:
        words.need("FiniteSets")
        made.append(Infix("<=", Apply("Cardinality", (value,)), bound(t.size, words)))
    return made


def _endless(t: SeqType, words: Vocabulary) -> bool:
    """Whether there are infinitely many such sequences, or more than TLC lists: it does to compare the sets of each length."""
    return t.size is not None and (WIDE in parts(t) or cardinality(t, words.model.scope) > LISTED_MOST)


def _piece_by_piece(t: Type, words: Vocabulary) -> bool:
    """Whether it is said of what a type is made of that it belongs there, not of the whole."""
    return (
        (isinstance(t, SeqType) and _endless(t, words))
        or isinstance(t, BagType)
        or (isinstance(t, MapType) and _piece_by_piece(t.value, words))
    )
