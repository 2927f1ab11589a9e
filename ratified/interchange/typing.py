"""Raw values read as values of a model.

Guarantees: a value is read by the type that it must have; what does not fit the type is refused with the place in the value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ratified.interchange.raw import Raw, RawFunction, RawName, RawRecord, RawSequence, RawSet, shown
from ratified.interchange.representation import Representation
from ratified.language.errors import RatifiedError
from ratified.language.rules import Rules
from ratified.language.scope import Scope
from ratified.language.sorts import Sort, members
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
    values_of,
)
from ratified.language.values import Bag, Seq, Set


class BadValue(RatifiedError):
    """A value that is not of the type it must have."""


class Typing:
    """Reads raw values as values of types. Call inside `running(scope)`."""

    def __init__(self, form: Representation, scope: Scope) -> None:
        self.form = form
        self._scope = scope

    def value(self, raw: Raw, t: Type, where: str) -> Any:
        """A value of a type. Raises BadValue, which names the place."""
        found = READ(t, RawReading(self, raw, where))
        if found is _UNFIT:
            raise BadValue(f"{where} is {shown(raw)}, which is not a value of type {t}")
        return found

    def member(self, raw: Raw, sort: type[Sort], *, ordered: bool) -> Sort | None:
        """A value of a sort; None if it is none."""
        values = members(sort)
        if isinstance(raw, int) and not isinstance(raw, bool) and ordered:
            return values[raw] if 0 <= raw < len(values) else None
        if isinstance(raw, RawName):
            text = re.sub(
                rf"_OF_{sort.__name__.upper()}$", "", raw.text
            )  # Apalache's way to write a value of a type
            names = self.form.value_names.get(sort, ())
            for index, value in enumerate(values):
                if text == repr(value) or (index < len(names) and text == names[index]):
                    return value
        return None

    def optional(self, raw: Raw, item: Type, where: str) -> Any:
        """A value or None, which others write as a variant, `Some(...)`; a record may have such fields itself, and goes first."""
        variant = _variant(raw)
        if variant is None or variant[0] not in ("None", "Some"):
            return None if raw == RawName("None") else self.value(raw, item, where)
        try:
            return self.value(raw, item, where)
        except BadValue:
            return None if variant[0] == "None" else self.value(variant[1], item, where)

    def record(self, raw: Raw, t: RecordType | UnionType, where: str) -> Any:
        """A record, which others may write as a variant that names its class."""
        try:
            return self._fields(raw, t, where)
        except BadValue:
            variant = _variant(raw)
            if variant is None:
                raise
            tag, inner = variant
            named = RawRecord(
                {self.form.kind: RawName(tag), **(inner.items if isinstance(inner, RawRecord) else {})}
            )
            return self._fields(named, t, where)

    def _fields(self, raw: Raw, t: RecordType | UnionType, where: str) -> Any:
        records = t.records if isinstance(t, UnionType) else (t,)
        fields = raw.items if isinstance(raw, RawRecord) else {}
        said = fields.get(self.form.kind)
        for one in records if isinstance(raw, RawRecord) else ():
            wanted = {self.form.field(one.record, name): name for name in one.fields}
            if isinstance(said, RawName) and said.text != self.form.tag(one.record):
                continue
            if {k for k in fields if k != self.form.kind or k in wanted} != set(wanted):
                continue
            made = {
                name: self.value(fields[key], one.fields[name], f"{where}.{name}")
                for key, name in wanted.items()
            }
            return one.record(**made)
        raise BadValue(f"{where} is {shown(raw)}, which is not a value of type {t}")

    def bag(self, pairs: Sequence[tuple[Raw, Raw]], item: Type, where: str) -> Any:
        """A bag of elements with their numbers of copies."""
        found: list[Any] = []
        for key, count in pairs:
            if not isinstance(count, int) or count < 1:
                raise BadValue(f"{where} cannot have {shown(count)} copies of an element")
            found += [self.value(key, item, f"an element of {where}")] * count
        return Bag(found)

    def map(self, pairs: Sequence[tuple[Raw, Raw]], t: MapType, where: str) -> Any:
        """A map, which has a value for every key."""
        key, item = t.key, t.value
        found: dict[Any, Any] = {}
        for k, v in pairs:
            at = self.value(k, key, f"a key of {where}")
            found[at] = self.value(v, item, f"{where}[{at!r}]")
        missing = [k for k in values_of(key, self._scope) if k not in found]
        if missing:
            raise BadValue(f"{where} has no value for {missing[0]!r}")
        return t.of(found)


_UNFIT = object()
"""What a rule gives for a raw value that is none of its type."""


@dataclass(frozen=True, slots=True)
class RawReading:
    """A raw value that is being read, and its place."""

    typing: Typing
    raw: Raw
    where: str


READ: Rules[RawReading, Any] = Rules("reading values")


@READ.rule(OptionalType)
def _(t: OptionalType, at: RawReading) -> Any:
    return at.typing.optional(at.raw, t.item, at.where)


@READ.rule(NoneType)
def _(t: NoneType, at: RawReading) -> Any:
    return None if at.raw == RawName("None") else _UNFIT


@READ.rule(BoolType)
def _(t: BoolType, at: RawReading) -> Any:
    return at.raw if isinstance(at.raw, bool) else _UNFIT


@READ.rule(IntType)
def _(t: IntType, at: RawReading) -> Any:
    return at.raw if isinstance(at.raw, int) and not isinstance(at.raw, bool) else _UNFIT


@READ.rule(EnumType)
def _(t: EnumType, at: RawReading) -> Any:
    # Quint's sum types are variants, `{"tag": "IDLE", "value": ...}`.
    called = at.raw.items.get("tag") if isinstance(at.raw, RawRecord) else at.raw
    return next((m for m in t.enum if called == RawName(at.typing.form.member(m))), _UNFIT)


@READ.rule(SortType)
def _(t: SortType, at: RawReading) -> Any:
    found = at.typing.member(at.raw, t.sort, ordered=t.ordered)
    return _UNFIT if found is None else found


@READ.rule(RecordType, UnionType)
def _(t: RecordType | UnionType, at: RawReading) -> Any:
    return at.typing.record(at.raw, t, at.where)


@READ.rule(TupleType)
def _(t: TupleType, at: RawReading) -> Any:
    parts = _items(at.raw)
    if parts is None or len(parts) != len(t.items):
        return _UNFIT
    numbered = enumerate(zip(parts, t.items, strict=True))
    return tuple(at.typing.value(p, i, f"{at.where}[{n}]") for n, (p, i) in numbered)


@READ.rule(SetType)
def _(t: SetType, at: RawReading) -> Any:
    if not isinstance(at.raw, RawSet | RawSequence):
        return _UNFIT
    return Set(at.typing.value(p, t.item, f"an element of {at.where}") for p in at.raw.items)


@READ.rule(SeqType)
def _(t: SeqType, at: RawReading) -> Any:
    parts = _items(at.raw)
    if parts is None:
        return _UNFIT
    return Seq(at.typing.value(p, t.item, f"{at.where}[{n}]") for n, p in enumerate(parts))


@READ.rule(BagType)
def _(t: BagType, at: RawReading) -> Any:
    pairs = _pairs(at.raw)
    return _UNFIT if pairs is None else at.typing.bag(pairs, t.item, at.where)


@READ.rule(MapType)
def _(t: MapType, at: RawReading) -> Any:
    pairs = _pairs(at.raw)
    return _UNFIT if pairs is None else at.typing.map(pairs, t, at.where)


def _variant(raw: Raw) -> tuple[str, Raw] | None:
    """The tag and value of a variant, `{"tag": ..., "value": ...}`, as Quint and Apalache have them; None has no value."""
    if (
        isinstance(raw, RawRecord)
        and set(raw.items) <= {"tag", "value"}
        and isinstance(raw.items.get("tag"), RawName)
    ):
        tag = raw.items["tag"]
        assert isinstance(tag, RawName)
        return tag.text, raw.items.get("value", RawRecord({}))
    return None


def _items(raw: Raw) -> Sequence[Raw] | None:
    """A sequence, which may be written as a function of 1 to its length."""
    if isinstance(raw, RawSequence):
        return raw.items
    if isinstance(raw, RawFunction) and all(isinstance(k, int) for k, _ in raw.items):
        ordered = sorted(raw.items, key=lambda pair: pair[0])  # type: ignore[arg-type,return-value]  # all are numbers
        if [k for k, _ in ordered] == list(range(1, len(ordered) + 1)):
            return [v for _, v in ordered]
    return None


def _pairs(raw: Raw) -> Sequence[tuple[Raw, Raw]] | None:
    """A function, which may be written as a record or a sequence."""
    match raw:
        case RawFunction(items):
            return items
        case RawRecord(items):
            return [(RawName(k), v) for k, v in items.items()]
        case RawSequence(items):
            return [(n, v) for n, v in enumerate(items, start=1)]
    return None
