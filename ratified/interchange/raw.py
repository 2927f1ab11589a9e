"""Values as other tools write them, of no type yet: what TLC prints and what ITF files hold.

Guarantees: two raw values are equal exactly if they were written alike, but for layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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


def shown(raw: Raw) -> str:
    """A raw value as TLA+ writes it."""
    match raw:
        case Name(text):
            return text
        case Elements(items):
            return "{" + ", ".join(map(shown, items)) + "}"
        case Listing(items):
            return "<<" + ", ".join(map(shown, items)) + ">>"
        case Fields(items):
            return "[" + ", ".join(f"{k} |-> {shown(v)}" for k, v in items.items()) + "]"
        case Pairs(items):
            return "(" + " @@ ".join(f"{shown(k)} :> {shown(v)}" for k, v in items) + ")"
    return str(raw).upper() if isinstance(raw, bool) else str(raw)
