"""From symbolic values back to values, under an assignment of truth values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ratified.language.types import OptionalType, RecordType, Type
from ratified.language.values import Bag, Map, Seq, Set
from ratified.smt.finite.symbolic import (
    Cases,
    Choice,
    Items,
    Members,
    Row,
    Slots,
    Some,
    Symbolic,
    Table,
)

Truth = Callable[[int], bool]
"""Whether a literal is true."""


def decoded(value: Symbolic, t: Type, true: Truth) -> Any:
    """Return the value that truth values give to a symbolic one of a type. Call inside `running(scope)`."""
    match value:
        case int():
            return true(value)
        case Choice(options):
            return next(v for v, literal in options.items() if true(literal))
        case Cases(cases):
            c, fields = next((c, fields) for c, (literal, fields) in cases.items() if true(literal))
            if c is None:
                return None
            if c is Some:
                return decoded(fields[0], t.item if isinstance(t, OptionalType) else t, true)
            record: Any = c
            types = RecordType(record).fields.values()
            return record(*(decoded(f, ft, true) for f, ft in zip(fields, types, strict=True)))
        case Items(items):
            return tuple(decoded(v, i, true) for v, i in zip(items, t.items, strict=True))  # type: ignore[attr-defined]  # a tuple
        case Table(entries):
            return Map({k: decoded(v, t.value, true) for k, v in entries.items()})  # type: ignore[attr-defined]  # a map
    inner: Type = t.item  # type: ignore[attr-defined]  # a container
    match value:
        case Row(items, length):
            n = decoded(length, inner, true)
            return Seq([decoded(v, inner, true) for v in items[:n]])
        case Slots(bag, slots):
            return (Bag if bag else Set)([decoded(v, inner, true) for used, v in slots if true(used)])
        case Members(bag, counts):
            held = [v for v, count in counts.items() for _ in range(decoded(count, inner, true))]
            return (Bag if bag else Set)(held)
    raise AssertionError(value)
