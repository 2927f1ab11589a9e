"""How the values of a model are written in TLA+, and in ITF.

Guarantees: two values of one type are equal in TLA+ exactly if they are in the model, and TLC can compare any two that it
meets: it refuses to compare a number with a string, but compares a model value with anything. So None is a model value; sorts are
model values, ordered sorts the numbers from 0, enums strings; a record of a union has a field that names its class, and where two
such records have the same fields with values that TLC cannot compare, their fields are named apart. A model and those that it
refines share one representation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum

from ratified.interchange.names import apart, legal, told_apart
from ratified.language import ir
from ratified.language.ir import Expr, Kind
from ratified.language.machine import abstract_model
from ratified.language.model import Model
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
    fold,
    parts,
)
from ratified.language.uses import nodes

ValueShape = tuple[object, ...]


def refined_by(model: Model) -> list[tuple[str, Model]]:
    """The refinements of a model by name, each with the abstract model at its size."""
    return [(f.name, abstract_model(model, f.name)) for f in model.module.of_kind(Kind.REFINEMENT)]


def family(model: Model) -> list[Model]:
    """A model and all that it refines, directly or not, each class once."""
    found: dict[type[Model], Model] = {}

    def add(one: Model) -> None:
        if type(one) not in found:
            found[type(one)] = one
            for _, abstract in refined_by(one):
                add(abstract)

    add(model)
    return list(found.values())


def types_in(model: Model) -> Iterator[Type]:
    """All types that a model speaks of, with those inside them."""
    module = model.module
    yield from module.sorts
    for declaration in (*module.variables, *module.parameters):
        yield from parts(declaration.type)
    for function in module.functions.values():
        for argument in function.arguments:
            yield from parts(argument.type)
        for node in nodes(function.body):
            if isinstance(node, Expr):
                yield from parts(node.type)
            if isinstance(node, ir.IsRecord):
                yield from node.records


class Representation:
    """How values are written, in a model and in all that it refines."""

    def __init__(self, model: Model) -> None:
        self.scope = model.scope
        found: dict[Type, None] = {}
        for one in family(model):
            found.update(dict.fromkeys(types_in(one)))
        self.records = tuple(t for t in found if isinstance(t, RecordType))
        unions = [t for t in found if isinstance(t, UnionType)]
        self._tagged = {r.record for u in unions for r in u.records} | {
            r.record for r in self.records if not r.fields
        }
        self._tags = _tags([r.record for r in self.records], unions)
        self._fields = {r.record: told_apart(r.fields) for r in self.records}
        for record in _clashing(unions):
            prefix = self._tags[record].lower()
            self._fields[record] = {n: f"{prefix}_{text}" for n, text in self._fields[record].items()}
        fields = {text for names in self._fields.values() for text in names.values()}
        self.kind = next((name for name in ("type", "kind", "tag") if name not in fields), "")
        self.kind = self.kind or apart("type_", fields)
        self._members = {t.enum: _members(t.enum) for t in found if isinstance(t, EnumType)}
        self.value_names = self._value_names([t for t in found if isinstance(t, SortType)])

    # --- records and enums ---

    def tagged(self, record: type) -> bool:
        """Whether a record has a field that names its class."""
        return record in self._tagged

    def tag(self, record: type) -> str:
        """What that field says."""
        return self._tags[record]

    def field(self, record: type, name: str) -> str:
        """A field's name."""
        return self._fields[record][name]

    def member(self, value: Enum) -> str:
        """What a member of an enum is called."""
        return self._members[type(value)][value.name]

    # --- sorts ---

    def _value_names(self, sorts: Sequence[SortType]) -> dict[type[Sort], tuple[str, ...]]:
        """The model values of each sort that is not ordered: as they print, unless another sort's print alike."""
        names: dict[type[Sort], tuple[str, ...]] = {}
        taken: set[str] = set()
        for t in sorts:
            if t.ordered or t.sort not in self.scope.sizes or t.sort in names:
                continue
            size = self.scope.sizes[t.sort]
            # A letter and an underscore would make it a typed model value, which TLC compares with its like only.
            prefix = legal(t.sort.prefix)
            if prefix[1:2] == "_" or any(f"{prefix}{i + t.sort.first_number}" in taken for i in range(size)):
                prefix = legal(t.sort.__name__).lower()
            while prefix[1:2] == "_" or any(
                f"{prefix}{i + t.sort.first_number}" in taken for i in range(size)
            ):
                prefix += "x"
            names[t.sort] = tuple(f"{prefix}{i + t.sort.first_number}" for i in range(size))
            taken.update(names[t.sort])
        return names


def _members(enum: type[Enum]) -> dict[str, str]:
    """The strings that stand for an enum's members: their names, but for what TLC cannot read, or takes for no value."""
    named = [member.name for member in enum]
    return {n: n for n in named} | told_apart(
        [n for n in named if not _plain(n)], frozenset(named) | {"None"}
    )


def _plain(text: str) -> bool:
    return re.fullmatch("[A-Za-z0-9_]+", text) is not None and text != "None"


def _tags(records: Sequence[type], unions: Sequence[UnionType]) -> dict[type, str]:
    """What the field that names a record's class says: the class's name.

    Of two in one union that are called alike, and be it but for the case of their letters, one has `_` added.
    """
    made: dict[type, str] = {}
    for record in records:
        beside = {r.record for u in unions for r in u.records if any(o.record is record for o in u.records)}
        text = legal(record.__name__)
        while text.lower() in {made[other].lower() for other in beside & made.keys()}:
            text += "_"
        made[record] = text
    return made


def _clashing(unions: Sequence[UnionType]) -> set[type]:
    """Records whose fields are named like those of another of their union, and cannot be compared with them."""
    apart: set[type] = set()
    for union in unions:
        for number, one in enumerate(union.records):
            for other in union.records[:number]:
                if set(one.fields) == set(other.fields) and any(
                    not _comparable(shape(t), shape(other.fields[name])) for name, t in one.fields.items()
                ):
                    apart.add(one.record)
    return apart


SHAPES: Rules[tuple[ValueShape, ...], ValueShape] = Rules("what TLC can compare")


def shape(t: Type) -> ValueShape:
    """What TLC can compare: values of equal shapes."""
    return fold(t, SHAPES)


@SHAPES.rule(IntType)
def _(t: IntType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return ("number",)


@SHAPES.rule(BoolType)
def _(t: BoolType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return ("truth",)


@SHAPES.rule(EnumType)
def _(t: EnumType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return ("string",)


@SHAPES.rule(SortType)
def _(t: SortType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return ("number",) if t.ordered else ("model value",)


@SHAPES.rule(NoneType)
def _(t: NoneType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return ("model value",)


@SHAPES.rule(OptionalType)
def _(t: OptionalType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return inside[0]


@SHAPES.rule(RecordType)
def _(t: RecordType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return ("record", t.record)


@SHAPES.rule(UnionType)
def _(t: UnionType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return ("union", *(r.record for r in t.records))


@SHAPES.rule(TupleType)
def _(t: TupleType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return ("tuple", *inside)


@SHAPES.rule(MapType)
def _(t: MapType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return ("function", *inside)


@SHAPES.rule(SetType)
def _(t: SetType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return ("set", *inside)


@SHAPES.rule(BagType)
def _(t: BagType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return ("bag", *inside)


@SHAPES.rule(SeqType)
def _(t: SeqType, inside: tuple[ValueShape, ...]) -> ValueShape:
    return ("sequence", *inside)


def _comparable(a: ValueShape, b: ValueShape) -> bool:
    return a == b or ("model value",) in (a, b)
