"""Bugs that real systems had, planted into the implementations by name, one at a time, without touching their source.

    with planted(protocol.mutants()["stale-votes"]):
        ...                                         # every core behaves so

Guarantees: outside the block everything is as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from inspect import getsource
from textwrap import dedent
from typing import Any


@dataclass(frozen=True, slots=True)
class Edit:
    """A bug as a change of a method's source: one text, which stands there once, is replaced by another."""

    before: str
    after: str

    def of(self, function: Any) -> Any:
        """Compile it, in the module of the method."""
        source = dedent(getsource(function))
        times = source.count(self.before)
        assert times == 1, (
            f"{self.before!r} stands {times} times in {function.__qualname__}: it cannot be replaced"
        )
        source = f"from __future__ import annotations\n{source.replace(self.before, self.after)}"
        scope: dict[str, Any] = {}
        exec(compile(source, f"<{function.__qualname__}>", "exec"), function.__globals__, scope)  # noqa: S102 - our own source, with one mistake
        return scope[function.__name__]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug, as it is planted.

    `patches` replace members of classes or modules, `module:Class.member` or `module:function`, by others, or by an `Edit` of
    their source.
    """

    patches: tuple[tuple[str, Any], ...]
    nodes: int = 3
    first: int = 0  # the seed that runs are tried from


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """Plant a bug for the duration of a block."""
    undo: list[Callable[[], None]] = []
    try:
        for place, replacement in mutant.patches:
            undo.append(_replace(place, replacement))
        yield
    finally:
        for back in reversed(undo):
            back()


def _replace(place: str, replacement: Any) -> Callable[[], None]:
    module, _, path = place.partition(":")
    owner: Any = import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    own = vars(owner)
    assert hasattr(owner, name), f"{place} is no longer there: the bug cannot be planted"
    if isinstance(replacement, Edit):
        replacement = replacement.of(own[name])
    if name not in own:
        setattr(owner, name, replacement)
        return lambda: delattr(owner, name)
    before = own[name]
    # A table of the module, of handlers say, may have it too.
    tables = [
        (table, key)
        for table in vars(import_module(module)).values()
        if isinstance(table, dict)
        for key, value in table.items()
        if value is before
    ]

    def put(what: Any) -> None:
        setattr(owner, name, what)
        for table, key in tables:
            table[key] = what

    put(replacement)
    return lambda: put(before)
