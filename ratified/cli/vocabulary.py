"""What a binding is written against: the actions, variables, places and kinds of values of a model, and the events of a binding.

Guarantees: all of it is read off the model and the binding themselves, so that it is what `do(...)` and `observe` are checked
against.
"""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ratified.follow.binding import Binding
    from ratified.language.ir import Declaration, Function, Module

WIDTH = 100


def vocabulary_lines(module: Module) -> Iterator[str]:
    """Yield what `do("action", ...)` may say of a model, what `observe` may, and what values they are made of."""
    from ratified.language.ir import Kind

    yield '  actions: do("action", argument=value, ...)'
    yield from _rows((_call(f), _first(f.doc)) for f in module.of_kind(Kind.ACTION))
    yield '  variables: ("variable", key, ...) in what `observe` returns'
    yield from _rows((f"{d.name}: {d.type}", _said(d)) for d in module.variables)
    asked = [f for f in module.of_kind(Kind.HELPER) if f.returns is not None]
    if asked:
        yield '  methods: ("method", argument, ...) in `observe`, or holds("method", argument, ...)'
        yield from _rows((f"{_call(f)} -> {f.returns}", _first(f.doc)) for f in asked)
    yield "  values"
    yield from _rows(values_of(module))


def vocabulary_json(module: Module) -> dict[str, Any]:
    """Return the same, as plain values."""
    from ratified.language.ir import Kind

    def called(f: Function) -> dict[str, Any]:
        returns = {} if f.returns is None else {"returns": str(f.returns)}
        arguments = {a.name: str(a.type) for a in f.arguments}
        return {"name": f.name, "arguments": arguments, **returns, "description": _first(f.doc)}

    def declared(d: Declaration) -> dict[str, str]:
        return {"name": d.name, "type": str(d.type), "description": _said(d)}

    return {
        "actions": [called(f) for f in module.of_kind(Kind.ACTION)],
        "variables": [declared(d) for d in module.variables],
        "methods": [called(f) for f in module.of_kind(Kind.HELPER) if f.returns is not None],
        "values": [{"name": name, "description": text} for name, text in values_of(module)],
    }


def values_of(module: Module) -> list[tuple[str, str]]:
    """Return the sorts, enumerations and records that a model's variables and actions have, each with what it is."""
    from ratified.language.types import RecordType

    found: dict[str, str] = {}
    for sort in module.sorts:
        found[sort.sort.__name__] = _first(inspect.getdoc(sort.sort) or "")
    types = [d.type for d in module.variables]
    types += [a.type for f in module.functions.values() for a in f.arguments]
    for cls in _classes(types):
        about = _first(inspect.getdoc(cls) or "")
        if issubclass(cls, Enum):
            found[f"{cls.__name__}: {', '.join(f'{cls.__name__}.{m.name}' for m in cls)}"] = about
        elif is_dataclass(cls):
            made = ", ".join(f"{name}: {t}" for name, t in RecordType(cls).fields.items())
            found[f"{cls.__name__}({made})"] = about
    return list(found.items())


def _classes(types: Iterable[object]) -> Iterator[type]:
    """The enumerations and records within types, each once; types are dataclasses made of types."""
    seen: set[object] = set()
    waiting = list(types)[::-1]
    while waiting:
        one = waiting.pop()
        if isinstance(one, tuple):
            waiting += reversed(one)
            continue
        if one in seen:
            continue
        seen.add(one)
        if isinstance(one, type):
            yield one
        elif is_dataclass(one):
            waiting += [getattr(one, f.name) for f in reversed(fields(one))]


def event_lines(cls: type[Binding]) -> Iterator[str]:
    """Yield the events that a binding knows, each with its arguments and what it stands for."""
    yield f"  events of {cls.__name__}, for `ratified trace`"
    rows = []
    for name, method in _handlers(cls):
        parameters = list(inspect.signature(method).parameters.values())[1:]
        told = ", ".join(
            f"{p.name}: {p.annotation}" for p in parameters if p.name not in ("node", "variables")
        )
        rows.append((f"{name}({told})", _first(inspect.getdoc(method) or "")))
    yield from _rows(rows)


def _handlers(cls: type[Binding]) -> list[tuple[str, Any]]:
    return [(n.removeprefix("on_"), getattr(cls, n)) for n in sorted(dir(cls)) if n.startswith("on_")]


def _said(declared: Declaration) -> str:
    """What is said of a variable: a text below it, or a comment behind it."""
    if declared.doc or declared.span is None:
        return declared.doc
    line = linecache.getline(declared.span.file, declared.span.end_line)
    return line[declared.span.end_column :].partition("#")[2].strip()


def _call(function: Function) -> str:
    return f"{function.name}({', '.join(f'{a.name}: {a.type}' for a in function.arguments)})"


def _first(doc: str) -> str:
    return doc.strip().partition("\n\n")[0].replace("\n", " ")


def _rows(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for name, about in rows:
        yield from wrap(name, WIDTH, initial_indent="    ", subsequent_indent="        ")
        if about:
            text = " ".join(about.split())
            yield from wrap(text, WIDTH, initial_indent="        ", subsequent_indent="        ")
