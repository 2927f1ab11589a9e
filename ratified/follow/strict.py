"""JSON that says one thing: what Python's reader takes besides is refused."""

from __future__ import annotations

from typing import Any


class RepeatedKeyError(ValueError):
    """An object that has a key twice."""


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of its pairs, for `object_pairs_hook`. Raises RepeatedKeyError."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RepeatedKeyError(f"an object has the key {twice!r} twice")
    return found
