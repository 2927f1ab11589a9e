"""Definitions that stand around what needs them.

Guarantees: each that is needed is there, and none that is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratified.tla.names import mentions
from ratified.tla.syntax import Definition, Let, Tla


def with_definitions(definitions: Sequence[Definition], body: Tla) -> Tla:
    """A LET of the definitions that are used."""
    used: list[Definition] = []
    texts = [str(body)]
    for definition in reversed(definitions):
        if any(mentions(text, definition.name) for text in texts):
            used.insert(0, definition)
            texts.append(str(definition.body))
            if definition.domain:
                texts.append(str(definition.domain[1]))
    if not used:
        return body
    if isinstance(body, Let):
        return Let((*used, *body.definitions), body.body)
    return Let(tuple(used), body)
