"""Statements as texts and trees: what they assign, whether they return, which names they need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ratified.language import ir
from ratified.language.ir import Node
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


def returns(node: Node) -> bool:
    """Whether a statement may return."""
    return any(isinstance(n, ir.Return) for n in ir.walk(node))


def assigned(body: Iterable[Node]) -> set[str]:
    """The local names that statements assign."""
    return {name for s in body for n in ir.walk(s) if isinstance(n, ir.Let) for name in n.names}
