"""Values that depend on unknowns: what stands for a value of each type of the language, as literals of a circuit.

| type | stands for it |
|---|---|
| bool | a literal |
| int, sort, enum, None, and these or bool as an optional | `Choice`: one literal for each value that it may be |
| record, union, other optionals | `Cases`: for each class (or None) a literal, and its fields |
| tuple | `Items` |
| Map | `Table`: a value for each key |
| Seq | `Row`: the elements, and the length as a `Choice` |
| Set, Bag | `Members`: how many copies (a set: at most one) of each value, as a `Choice` |
| Set, Bag of very many values, with a bound | `Slots`: elements, each with a literal for whether it is there |

Guarantees: values are immutable; under the condition they were computed, just one literal of a `Choice` or `Cases` is true.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from ratified.language.errors import RatifiedError
from ratified.language.types import (
    BoolType,
    EnumType,
    IntType,
    NoneType,
    OptionalType,
    SortType,
    Type,
)
from ratified.smt.finite.circuit import TRUE


class TooLarge(RatifiedError):
    """A model, at this size, of which no circuit of a sensible size can be made."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of several values."""

    options: Mapping[Any, int]


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """A record, a union of records or an optional: for each class (None for None, Some for what is no record) its fields."""

    cases: Mapping[type | None, tuple[int, tuple[Symbolic, ...]]]


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """A tuple."""

    items: tuple[Symbolic, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A map."""

    entries: Mapping[Any, Symbolic]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A sequence; what stands past its length means nothing."""

    items: tuple[Symbolic, ...]
    length: Choice


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """A set or bag: for each value how many copies there are, which is 0 for values that are not listed."""

    bag: bool
    counts: Mapping[Any, Choice]


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """A set or bag of few among very many values; in a set, no two slots that are used hold the same."""

    bag: bool
    slots: tuple[tuple[int, Symbolic], ...]


Symbolic = int | Choice | Cases | Items | Table | Row | Members | Slots


class Some:
    """The case of an optional that is there and is no record."""


def one_of(value: Hashable) -> Choice:
    """Return the choice that is made."""
    return Choice({value: TRUE})


def atomic(t: Type) -> bool:
    """Return whether values of a type are held as a `Choice`."""
    match t:
        case IntType() | SortType() | EnumType() | NoneType():
            return True
        case OptionalType(item):
            return isinstance(item, BoolType) or atomic(item)
    return False


def some(value: Symbolic) -> Cases:
    """Return a value as an optional that is there."""
    return value if isinstance(value, Cases) else Cases({Some: (TRUE, (value,))})
