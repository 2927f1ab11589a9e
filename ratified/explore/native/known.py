"""Which explorations were found to be too large for the reference engine, so that `auto` begins the next time where it ended.

Guarantees: a key is made only of what is written out whole here (the intermediate form, sizes, parameters, symmetry); where a
model holds anything else there is no key, and nothing is remembered. What is remembered decides how long it takes to an answer,
never the answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from ratified.explore.native.compile import cache_folder
from ratified.language.ir import Kind
from ratified.language.machine import abstract_model
from ratified.language.model import Model
from ratified.language.sorts import Ordered, Sort, Symmetric
from ratified.language.values import Bag, Map, Seq, Set


class _Opaque(Exception):
    """Something of which it is not known whether two that look alike are alike."""


def key_of(model: Model, *, symmetry: bool, deadlock: bool) -> str | None:
    """What stands for all that an exploration depends on; None where that cannot be said."""
    hashed = hashlib.sha256(f"{symmetry} {deadlock} ".encode())
    try:
        for part in _text_of_model(model, set()):
            hashed.update(part.encode())
    except _Opaque:
        return None
    return hashed.hexdigest()[:40]


def is_large(key: str | None) -> bool:
    """Whether an exploration was remembered as large."""
    return key is not None and _path(key).exists()


def remember_large(key: str | None) -> None:
    """Remember that an exploration is large. Where the cache cannot be written nothing is remembered."""
    if key is not None:
        with suppress(OSError):
            _path(key).parent.mkdir(parents=True, exist_ok=True)
            _path(key).touch()


def _path(key: str) -> Path:
    return cache_folder() / "large" / key


# --- everything about a model, as text ---


def _text_of_model(model: Model, met: set[type]) -> Iterator[str]:
    # Of a parameter the value counts, which is among those of the scope, not how its default is computed.
    module = replace(
        model.module, parameters=tuple(replace(p, default=None) for p in model.module.parameters)
    )
    yield f"{type(model).__module__}.{type(model).__qualname__}"
    yield from _text(module, met)
    yield from _text(model.scope.sizes, met)
    yield from _text(model.scope.parameters, met)
    for function in module.of_kind(Kind.REFINEMENT):
        yield from _text_of_model(abstract_model(model, function.name), met)


def _text(value: Any, met: set[type]) -> Iterator[str]:
    """A value written out; of classes, what matters about them, where they are met first."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        yield f"{kind.__name__}:{value!r};"
    elif isinstance(value, type):
        yield from _text_of_class(value, met)
    elif kind is tuple or kind is list:
        yield "("
        for item in value:
            yield from _text(item, met)
        yield ")"
    elif isinstance(value, Mapping) and kind is not Map:
        yield from _text(tuple(value.items()), met)
    elif isinstance(value, Enum):
        yield from _text((kind, value.name), met)
    elif isinstance(value, Sort):
        yield from _text((kind, int(value)), met)
    elif kind in (Set, Bag, Map):
        data = value._data.items() if kind is not Set else value._data
        yield f"{kind.__name__}{sorted(''.join(_text(item, met)) for item in data)}"
    elif kind is Seq:
        yield from _text(("Seq", tuple(value)), met)
    elif hasattr(kind, "__record_types__"):
        yield from _text((kind, *(getattr(value, name) for name in kind.__match_args__)), met)
    elif is_dataclass(value) and kind.__module__.startswith("ratified.language."):
        yield f"{kind.__qualname__}("
        for field in fields(value):
            yield from _text(getattr(value, field.name), met)
        yield ")"
    else:
        raise _Opaque


def _text_of_class(kind: type, met: set[type]) -> Iterator[str]:
    yield f"<{kind.__module__}.{kind.__qualname__}>"
    if kind in met:
        return
    met.add(kind)
    if hasattr(kind, "__record_types__"):
        yield from _text(tuple(kind.__record_types__.items()), met)
    elif issubclass(kind, Enum):
        yield from _text(tuple((m.name, repr(m.value)) for m in kind), met)
    elif issubclass(kind, Sort):
        yield from _text((issubclass(kind, Ordered), issubclass(kind, Symmetric)), met)
    else:
        raise _Opaque
