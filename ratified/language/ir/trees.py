"""Going through trees, whatever they are of: their children, all that is in them, and the same tree with other parts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any, TypeVar

from ratified.language.ir.expressions import Clause, Node

N = TypeVar("N", bound="Node | Clause")

_parts: dict[type, tuple[str, ...]] = {}


def _fields(kind: type) -> tuple[str, ...]:
    """The fields of a kind of node in which there may be nodes, in order: what their annotations, which are text, say."""
    found = _parts.get(kind)
    if found is None:
        named = [f.name for f in fields(kind) if re.search(r"\b(Node|Expr|Clause)\b", str(f.type))]
        found = _parts[kind] = tuple(named)
    return found


def children(node: Node | Clause) -> Iterator[Node | Clause]:
    """The nodes directly inside a node, in the order of its fields."""
    for name in _fields(type(node)):
        value = getattr(node, name)
        if type(value) is tuple:
            yield from _flat(value)
        elif value is not None:
            yield value


def _flat(several: tuple[Any, ...]) -> Iterator[Node | Clause]:
    for item in several:
        if type(item) is tuple:
            yield from _flat(item)
        else:
            yield item


def walk(node: Node | Clause) -> Iterator[Node | Clause]:
    """A node and all nodes inside it, outer before inner, in the order of the source's fields."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed([*children(node)])


def rebuild(node: N, change: Callable[[Any], Any]) -> N:
    """A node with `change` applied to each node directly inside it; the very same one if `change` gave back what it got.

    `change` takes a node or clause and returns one that may stand in its place.
    """
    changes: dict[str, Any] = {}
    for name in _fields(type(node)):
        value = getattr(node, name)
        made = _changed(value, change)
        if made is not value:
            changes[name] = made
    return replace(node, **changes) if changes else node


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    if value is None:
        return None
    if type(value) is not tuple:
        return change(value)
    made = tuple([_changed(item, change) for item in value])
    return value if all(a is b for a, b in zip(made, value, strict=True)) else made


def alike(left: object, right: object) -> bool:
    """Whether two trees (or tuples of trees) are the same but for where they stand in the source."""
    if isinstance(left, Node | Clause):
        return type(left) is type(right) and all(
            alike(getattr(left, name), getattr(right, name))
            for name in left.__dataclass_fields__
            if name != "span"
        )
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(alike, left, right))
    return type(left) is type(right) and left == right


def size(node: Node | Clause, enough: int) -> int:
    """How many nodes there are in a tree, counted no further than a little past `enough`."""
    return sum(1 for _ in itertools.islice(walk(node), enough + 1))
