"""Values as other tools write them, of no type yet: what TLC prints and what ITF files hold.

Guarantees: two raw values are equal exactly if they were written alike, but for layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawName:
    """A model value, or a string: what is written with letters."""

    text: str


@dataclass(frozen=True, slots=True)
class RawSet:
    """A set."""

    items: tuple[Raw, ...]


@dataclass(frozen=True, slots=True)
class RawSequence:
    """A sequence or tuple."""

    items: tuple[Raw, ...]


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record."""

    items: Mapping[str, Raw]


@dataclass(frozen=True, slots=True)
class RawFunction:
    """A function."""

    items: tuple[tuple[Raw, Raw], ...]


Raw = int | bool | RawName | RawSet | RawSequence | RawRecord | RawFunction


def shown(raw: Raw) -> str:
    """A raw value as TLA+ writes it."""
    match raw:
        case RawName(text):
            return text
        case RawSet(items):
            return "{" + ", ".join(map(shown, items)) + "}"
        case RawSequence(items):
            return "<<" + ", ".join(map(shown, items)) + ">>"
        case RawRecord(items):
            return "[" + ", ".join(f"{k} |-> {shown(v)}" for k, v in items.items()) + "]"
        case RawFunction(items):
            return "(" + " @@ ".join(f"{shown(k)} :> {shown(v)}" for k, v in items) + ")"
    return str(raw).upper() if isinstance(raw, bool) else str(raw)
