"""Values as other tools write them, read as values of the model.

Guarantees: a value is read by the type that it must have; what does not fit the type is refused with the place in the value.
`Raw` values come from TLC's text (here) and from ITF (ratified/itf.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratified.language.errors import RatifiedError
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
from ratified.language.values import Bag, Map, Seq, Set
from ratified.tla.representation import Representation


@dataclass(frozen=True, slots=True)
class Name:
    """A model value, or a string: what is written with letters."""

    text: str


@dataclass(frozen=True, slots=True)
class Elements:
    """A set."""

    items: tuple[Raw, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A sequence or tuple."""

    items: tuple[Raw, ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """A record."""

    items: Mapping[str, Raw]


@dataclass(frozen=True, slots=True)
class Pairs:
    """A function."""

    items: tuple[tuple[Raw, Raw], ...]


Raw = int | bool | Name | Elements | Listing | Fields | Pairs


class BadValue(RatifiedError):
    """A value that is not of the type it must have."""


# --- TLC's text -----------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\|->|:>|@@|<<|>>|\.\.|-?\d+|[A-Za-z_0-9]+|[\[\]{}(),])')


def parse_value(text: str) -> Raw:
    """A value as TLC prints it. Raises BadValue."""
    reader = _Reader(text)
    made = reader.value()
    reader.end()
    return made


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise BadValue(f"TLC's value cannot be read: {text[at : at + 40]!r}")
            self._tokens.append(found[1])
            at = found.end()
        self._at = 0

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self, wanted: str | None = None) -> str:
        token = self._peek()
        if not token or (wanted is not None and token != wanted):
            raise BadValue(f"TLC's value cannot be read: {wanted or 'more'} was expected at {token!r}")
        self._at += 1
        return token

    def end(self) -> None:
        """That nothing is left."""
        if self._peek():
            raise BadValue(f"TLC's value cannot be read: {self._peek()!r} is too much")

    def _until(self, close: str) -> Iterator[None]:
        while self._peek() != close:
            yield
            if self._peek() != close:
                self._next(",")
        self._next(close)

    def value(self) -> Raw:
        """One value."""
        token = self._next()
        if token == "{":  # noqa: S105  # no secret
            return Elements(tuple(self.value() for _ in self._until("}")))
        if token == "<<":  # noqa: S105  # no secret
            return Listing(tuple(self.value() for _ in self._until(">>")))
        if token == "(":  # noqa: S105  # no secret
            return self._function()
        if token == "[":  # noqa: S105  # no secret
            fields: dict[str, Raw] = {}
            for _ in self._until("]"):
                name = self._next()
                self._next("|->")
                fields[name] = self.value()
            return Fields(fields)
        if token[0] == '"':
            return Name(re.sub(r"\\(.)", r"\1", token[1:-1]))
        if token in ("TRUE", "FALSE"):
            return token == "TRUE"  # noqa: S105  # no secret
        if re.fullmatch(r"-?\d+", token):
            number = int(token)
            if self._peek() == "..":
                self._next()
                return Elements(tuple(range(number, int(self._next()) + 1)))
            return number
        return Name(token)

    def _function(self) -> Raw:
        pairs: list[tuple[Raw, Raw]] = []
        while True:
            key = self.value()
            self._next(":>")
            pairs.append((key, self.value()))
            if self._peek() == ")":
                self._next()
                return Pairs(tuple(pairs))
            self._next("@@")


# --- by type --------------------------------------------------------------------------------------------------------------


class Typing:
    """Reads raw values as values of types. Call inside `running(scope)`."""

    def __init__(self, form: Representation, scope: Scope) -> None:
        self._form = form
        self._scope = scope

    def value(self, raw: Raw, t: Type, where: str) -> Any:
        """A value of a type. Raises BadValue, which names the place."""
        match t:
            case OptionalType(item):
                return None if _is_none(raw) else self.value(_some(raw), item, where)
            case NoneType() if _is_none(raw):
                return None
            case BoolType() if isinstance(raw, bool):
                return raw
            case IntType() if isinstance(raw, int) and not isinstance(raw, bool):
                return raw
            case EnumType(enum):
                # Quint's sum types are variants, `{"tag": "IDLE", "value": ...}`.
                called = raw.items.get("tag") if isinstance(raw, Fields) else raw
                for member in enum:
                    if called == Name(self._form.member(member)):
                        return member
            case SortType(sort):
                if (found := self._member(raw, sort, ordered=t.ordered)) is not None:
                    return found
            case RecordType() | UnionType():
                return self._record(raw, t, where)
            case TupleType(items) if (parts := _items(raw)) is not None and len(parts) == len(items):
                return tuple(
                    self.value(p, i, f"{where}[{n}]")
                    for n, (p, i) in enumerate(zip(parts, items, strict=True))
                )
            case SetType(item) if isinstance(raw, Elements | Listing):
                return Set(self.value(p, item, f"an element of {where}") for p in raw.items)
            case SeqType(item) if (parts := _items(raw)) is not None:
                return Seq(self.value(p, item, f"{where}[{n}]") for n, p in enumerate(parts))
            case BagType(item) if (pairs := _pairs(raw)) is not None:
                return self._bag(pairs, item, where)
            case MapType(key, item) if (pairs := _pairs(raw)) is not None:
                return self._map(pairs, key, item, where)
        raise BadValue(f"{where} is {_shown(raw)}, which is no value of type {t}")

    def _member(self, raw: Raw, sort: type[Sort], *, ordered: bool) -> Sort | None:
        values = members(sort)
        if isinstance(raw, int) and not isinstance(raw, bool) and ordered:
            return values[raw] if 0 <= raw < len(values) else None
        if isinstance(raw, Name):
            text = re.sub(
                rf"_OF_{sort.__name__.upper()}$", "", raw.text
            )  # Apalache's way to write a value of a type
            names = self._form.value_names.get(sort, ())
            for index, value in enumerate(values):
                if text == repr(value) or (index < len(names) and text == names[index]):
                    return value
        return None

    def _record(self, raw: Raw, t: RecordType | UnionType, where: str) -> Any:
        records = t.records if isinstance(t, UnionType) else (t,)
        fields = raw.items if isinstance(raw, Fields) else None
        if isinstance(fields, Mapping) and set(fields) == {
            "tag",
            "value",
        }:  # a variant, as Quint and Apalache have them
            inner = fields["value"]
            tag = Name(fields["tag"].text) if isinstance(fields["tag"], Name) else Name("")
            fields = {self._form.kind: tag, **(inner.items if isinstance(inner, Fields) else {})}
        if not isinstance(fields, Mapping):
            raise BadValue(f"{where} is {_shown(raw)}, which is no value of type {t}")
        said = fields.get(self._form.kind)
        for one in records:
            wanted = {self._form.field(one.record, name): name for name in one.fields}
            if isinstance(said, Name) and said.text != one.record.__name__:
                continue
            if {k for k in fields if k != self._form.kind or k in wanted} != set(wanted):
                continue
            made = {
                name: self.value(fields[key], one.fields[name], f"{where}.{name}")
                for key, name in wanted.items()
            }
            return one.record(**made)
        raise BadValue(f"{where} is {_shown(raw)}, which is no value of type {t}")

    def _bag(self, pairs: Sequence[tuple[Raw, Raw]], item: Type, where: str) -> Any:
        found: list[Any] = []
        for key, count in pairs:
            if not isinstance(count, int) or count < 1:
                raise BadValue(f"{where} has {_shown(count)} copies of an element")
            found += [self.value(key, item, f"an element of {where}")] * count
        return Bag(found)

    def _map(self, pairs: Sequence[tuple[Raw, Raw]], key: Type, item: Type, where: str) -> Any:
        found: dict[Any, Any] = {}
        for k, v in pairs:
            at = self.value(k, key, f"a key of {where}")
            found[at] = self.value(v, item, f"{where}[{at!r}]")
        missing = [k for k in values_of(key, self._scope) if k not in found]
        if missing:
            raise BadValue(f"{where} has no value for {missing[0]!r}")
        return Map(found)


def _is_none(raw: Raw) -> bool:
    if isinstance(raw, Fields) and isinstance(raw.items.get("tag"), Name):
        return raw.items["tag"] == Name("None")
    return raw == Name("None")


def _some(raw: Raw) -> Raw:
    if isinstance(raw, Fields) and raw.items.get("tag") == Name("Some") and "value" in raw.items:
        return raw.items["value"]
    return raw


def _items(raw: Raw) -> Sequence[Raw] | None:
    """A sequence, which may be written as a function of 1 to its length."""
    if isinstance(raw, Listing):
        return raw.items
    if isinstance(raw, Pairs) and all(isinstance(k, int) for k, _ in raw.items):
        ordered = sorted(raw.items, key=lambda pair: pair[0])  # type: ignore[arg-type,return-value]  # all are numbers
        if [k for k, _ in ordered] == list(range(1, len(ordered) + 1)):
            return [v for _, v in ordered]
    return None


def _pairs(raw: Raw) -> Sequence[tuple[Raw, Raw]] | None:
    """A function, which may be written as a record or a sequence."""
    match raw:
        case Pairs(items):
            return items
        case Fields(items):
            return [(Name(k), v) for k, v in items.items()]
        case Listing(items):
            return [(n, v) for n, v in enumerate(items, start=1)]
    return None


def _shown(raw: Raw) -> str:
    match raw:
        case Name(text):
            return text
        case Elements(items):
            return "{" + ", ".join(map(_shown, items)) + "}"
        case Listing(items):
            return "<<" + ", ".join(map(_shown, items)) + ">>"
        case Fields(items):
            return "[" + ", ".join(f"{k} |-> {_shown(v)}" for k, v in items.items()) + "]"
        case Pairs(items):
            return "(" + " @@ ".join(f"{_shown(k)} :> {_shown(v)}" for k, v in items) + ")"
    return str(raw).upper() if isinstance(raw, bool) else str(raw)
