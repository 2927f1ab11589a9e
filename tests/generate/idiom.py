"""What an idiom is: see `idioms.py`, and `looping.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Idiom:
    """Statements, and conditions one of which is required after them. `kind` is what it is about."""

    kind: str
    conditions: tuple[str, ...]
    lines: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    assumes: tuple[str, ...] = ()
