"""Faults that are written down: a stretch of source and what stands in its place, planted into the modules as they are loaded.

A fault is planted by exchanging the code of functions, so that whoever has imported one has the fault too. One that cannot be
planted any more (the stretch is gone) is an error: the lists of faults are to follow the source.
"""

from __future__ import annotations

import builtins
import contextlib
import dis
import functools
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType

from tests.generate.planted import all_codes, functions_of


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault of a kind: where, the stretch of source, and what stands there instead; perhaps another with it.

    `needs` is for one that changes no formula: a regular expression that the text of a model has to have for it to matter.
    """

    says: str
    module: str
    old: str
    new: str
    also: Kind | None = None
    needs: str = ""


@contextlib.contextmanager
def planted(kind: Kind) -> Iterator[None]:
    """The source with a fault in it. Raises LookupError if it is not what the fault was written for."""
    changed = changes(kind)
    for function, _, wrong in changed:
        function.__code__ = wrong
    try:
        with contextlib.nullcontext() if kind.also is None else planted(kind.also):
            yield
    finally:
        for function, right, _ in changed:
            function.__code__ = right


def all_changes(kind: Kind) -> list[tuple[FunctionType, CodeType, CodeType]]:
    """What `changes` says, of the faults that are planted with it too."""
    return [*changes(kind), *([] if kind.also is None else all_changes(kind.also))]


def _globals_of(code: CodeType) -> set[str]:
    """The names that code looks up in its module."""
    return {i.argval for c in all_codes(code) for i in dis.get_instructions(c) if i.opname == "LOAD_GLOBAL"}


def _codes(source: str, file: str) -> dict[tuple[str, int], CodeType]:
    """All codes of a source, by name and line."""
    return {(c.co_name, c.co_firstlineno): c for c in all_codes(compile(source, file, "exec"))}


@functools.cache
def _right(name: str) -> tuple[str, str, dict[tuple[str, int], CodeType], list[FunctionType]]:
    """A module without a fault: its source, its file, the codes of that, and its functions."""
    module = importlib.import_module(name)
    source = inspect.getsource(module)
    return source, module.__file__ or "", _codes(source, ""), functions_of(module)


def changes(kind: Kind) -> list[tuple[FunctionType, CodeType, CodeType]]:
    """The functions that a fault changes, each with its code and the wrong one.

    Raises LookupError: the source is another by now, or what it is to be asks for a name that it does not know.
    """
    source, file, before, functions = _right(kind.module)
    if kind.old not in source:
        raise LookupError(f"{kind.says}: {kind.module} has no {kind.old!r}")
    shift = kind.new.count("\n") - kind.old.count("\n")
    at = source[: source.index(kind.old)].count("\n") + 1
    made = _codes(source.replace(kind.old, kind.new), file)
    changed = []
    for function in functions:
        name, line = function.__code__.co_name, function.__code__.co_firstlineno
        code = made.get((name, line + shift if line > at else line))
        old = before.get((name, line))
        if code is None or code == old or code.co_freevars != function.__code__.co_freevars:
            continue
        if unknown := _globals_of(code) - {*function.__globals__, *vars(builtins)}:
            raise LookupError(f"{kind.says}: {kind.module} knows no {min(unknown)}")
        changed.append((function, function.__code__, code))
    if not changed:
        raise LookupError(f"{kind.says}: no function of {kind.module} is changed by it")
    return changed
