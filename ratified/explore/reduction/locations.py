"""Parts of a state, as far as they can be told apart without a state: an entry of a map, an element of a set, a whole variable.

Guarantees: where two locations do not overlap, what is done at one is not seen at the other, in any state. What is not known may
be anything, so the converse does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class KnownValue:
    """This very value."""

    value: object


@dataclass(frozen=True, slots=True)
class RecordPattern:
    """A record of one of these classes, of which some fields are known, by name."""

    records: frozenset[type]
    fields: tuple[tuple[str, KnownValue | RecordPattern], ...] = ()


Abstract = KnownValue | RecordPattern | None
"""What is known of a value without a state; None is nothing."""


class How(Enum):
    """What is done at a location. Additions to a set or bag commute; so do steps of a counter that nobody reads.

    HAS is a guard that something is there, which an addition may make true and cannot make false.
    """

    READ = "read"
    HAS = "has"
    SET = "set"
    ADD = "add"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Location:
    """A variable at a path of keys; past the keys of maps there may be an element of a set or bag, or a key of its."""

    variable: str
    path: tuple[Abstract, ...] = ()


Access = tuple[Location, How]

WRITES = frozenset((How.SET, How.ADD, How.COUNT))

_HARMLESS = frozenset(((How.ADD, How.ADD), (How.ADD, How.HAS), (How.HAS, How.ADD), (How.COUNT, How.COUNT)))
"""Pairs at one location that commute, and of which neither can make the other impossible."""


def clash(one: How, other: How) -> bool:
    """Whether these, at one location, may come to something else in the other order, or one of them keep the other from it."""
    return (one in WRITES or other in WRITES) and (one, other) not in _HARMLESS


def overlap(one: Location, other: Location) -> bool:
    """Whether two locations may have a part in common. Paths of one variable go through the same types."""
    return one.variable == other.variable and all(map(may_be_equal, one.path, other.path))


def may_be_equal(one: Abstract, other: Abstract) -> bool:
    """Whether what is known of two values of one type allows them to be equal."""
    if one is None or other is None:
        return True
    if isinstance(one, KnownValue) and isinstance(other, KnownValue):
        return bool(one.value == other.value)
    mine, others = _seen(one), _seen(other)
    if mine is None or others is None:
        return False  # one is a record, and the other is none
    known = dict(others.fields)
    return bool(mine.records & others.records) and all(
        may_be_equal(value, known.get(name)) for name, value in mine.fields
    )


def _seen(value: KnownValue | RecordPattern) -> RecordPattern | None:
    """A known record as a pattern."""
    if isinstance(value, RecordPattern):
        return value
    record = value.value
    if not hasattr(record, "__record_types__"):
        return None
    names: tuple[str, ...] = record.__match_args__  # type: ignore[attr-defined]  # a record's
    return RecordPattern(
        frozenset((type(record),)), tuple((n, KnownValue(getattr(record, n))) for n in names)
    )


def field(value: Abstract, name: str) -> Abstract:
    """What is known of a field of a record."""
    if isinstance(value, KnownValue) and hasattr(value.value, name):
        return KnownValue(getattr(value.value, name))
    return dict(value.fields).get(name) if isinstance(value, RecordPattern) else None
