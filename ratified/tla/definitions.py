"""Definitions that stand around what needs them.

Guarantees: each that is needed is there, and none that is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratified.tla.syntax import Definition, Let, Tla, names_in


def with_definitions(definitions: Sequence[Definition], body: Tla) -> Tla:
    """A LET of the definitions that are used."""
    used: list[Definition] = []
    names = body.names
    for definition in reversed(definitions):
        if definition.name in names:
            used.insert(0, definition)
            names |= names_in((definition.body, *(definition.domain or ())[1:]))
    if not used:
        return body
    if isinstance(body, Let):
        return Let((*used, *body.definitions), body.body)
    return Let(tuple(used), body)
