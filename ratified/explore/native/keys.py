"""What stands for a model, for an exploration of it, and for the program that is generated for it: digests of all they depend on.

Guarantees: a key is made only of what is written out whole here (the intermediate form, sizes, parameters, symmetry, the sources
of what generates); where a model holds anything else, or sources cannot be read, there is no key. Two models of one key have the
same program. Nothing of a key depends on when it was made, or by which process.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from ratified.language.errors import Span
from ratified.language.ir import Kind, Module
from ratified.language.machine import abstract_model
from ratified.language.model import Model
from ratified.language.partial import PartialMap
from ratified.language.sorts import Ordered, Sort, Symmetric
from ratified.language.values import Bag, Map, Seq, Set

PACKAGE = Path(__file__).resolve().parents[2]

SOURCES = ("__init__.py", "explore", "language", "results", "version.py")
"""Every source that is there when a program is generated, whether or not it has a part in it."""


class _Opaque(Exception):
    """Something of which it is not known whether two that look alike are alike."""


def key_of(model: Model, *, symmetry: bool, deadlock: bool, reduced: bool = False) -> str | None:
    """What stands for all that an exploration depends on; None where that cannot be said."""
    whole = _digest_of(model)
    return None if whole is None else _hashed([f"{symmetry} {deadlock} {reduced} ", whole])


def program_key(model: Model, *, symmetry: bool, reduced: bool = False) -> str | None:
    """What stands for all that a model's generated program depends on; None where that cannot be said."""
    whole, sources = _digest_of(model), sources_digest(PACKAGE)
    if whole is None or sources is None:
        return None
    return _hashed([f"{symmetry} {reduced} {model.scope.room} {sys.version} ", sources, whole])


def portable_digest(model: Model, folder: Path) -> str | None:
    """A digest of a model at its size that is the same wherever `folder` lies, from which its sources are named; or None."""
    return _portable(folder, lambda text: text.model(model))


def portable_digest_of_class(cls: type[Model], folder: Path) -> str | None:
    """The same of a model at no size."""
    return _portable(folder, lambda text: text.value(_without_defaults(cls.module)))


def _portable(folder: Path, write: Callable[[_KeyText], None]) -> str | None:
    text = _KeyText(folder)
    try:
        write(text)
    except _Opaque:
        return None
    return _hashed(text.parts)


def _without_defaults(module: Module) -> Module:
    """Of a parameter the value counts, which is among those of the scope, not how its default is computed."""
    return replace(module, parameters=tuple(replace(p, default=None) for p in module.parameters))


def sources_digest(package: Path) -> str | None:
    """A digest of the text of every source that generates, as it was when this was first asked; None where one cannot be read.

    The times of files would cost less to ask for, and say less: an installer gives files what time it likes.
    """
    return _sources_digest(package)


def sources_changed() -> bool:
    """Whether sources are others by now: what is generated after that may come from these or from those."""
    return _sources_digest.__wrapped__(PACKAGE) != _sources_digest(PACKAGE)


@cache
def _sources_digest(package: Path) -> str | None:
    try:
        files = sorted(_files(package))
        texts = [file.read_bytes() for file in files]
    except OSError:
        return None
    hashed = hashlib.sha256()
    for file, text in zip(files, texts, strict=True):
        hashed.update(f"{file.relative_to(package).as_posix()} {len(text)} ".encode())
        hashed.update(text)
    return hashed.hexdigest()


def _files(package: Path) -> Iterable[Path]:
    for name in SOURCES:
        if (package / name).is_file():
            yield package / name
        for suffix in ("*.py", "*.h"):
            yield from (package / name).rglob(suffix)


def _hashed(parts: Iterable[str]) -> str:
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(part.encode())
    return hashed.hexdigest()[:40]


# --- everything about a model, as text ---


def _digest_of(model: Model) -> str | None:
    """A digest of a model at its size, made once."""
    kept = model.scope.cache
    key = "digest", type(model), id(model.module)
    if key not in kept:
        try:
            found: str | None = _hashed(_text_of_model(model))
        except _Opaque:
            found = None
        kept[key] = found, model.module  # which therefore stays, and its number its own
    return kept[key][0]  # type: ignore[index,no-any-return]  # the cache is keyed by what was computed


def _text_of_model(model: Model) -> list[str]:
    text = _KeyText()
    text.model(model)
    return text.parts


@cache
def _names(kind: type) -> tuple[str, ...]:
    """The fields of a class of the intermediate form; of another kind of class, nothing is known."""
    if is_dataclass(kind) and kind.__module__.startswith("ratified.language."):
        return tuple(field.name for field in fields(kind))
    raise _Opaque


def _named(kind: type) -> str:
    """A class's name, without what tells its module from others of that name in this process (`<folder/>.`)."""
    return f"{kind.__module__.rpartition('/>.')[2]}.{kind.__qualname__}"


class _KeyText:
    """Values written out; of classes, what matters about them, where they are met first. Files are named from `folder`."""

    def __init__(self, folder: Path | None = None) -> None:
        self.parts: list[str] = []
        self._folder = folder
        self._met: dict[type, int] = {}

    def model(self, model: Model) -> None:
        module = _without_defaults(model.module)
        self.parts.append(_named(type(model)))
        self.value(module)
        self.value(model.scope.sizes)
        self.value(model.scope.parameters)
        for function in module.of_kind(Kind.REFINEMENT):
            self.model(abstract_model(model, function.name))

    def value(self, value: Any) -> None:
        kind = type(value)
        if value is None or kind in (bool, int, str):
            self.parts.append(f"{kind.__name__}:{value!r};")
        elif kind is tuple or kind is list:
            self._several(value)
        elif kind is Span and self._folder is not None:
            file = os.path.relpath(value.file, self._folder)
            self._several((file, value.line, value.column, value.end_line, value.end_column))
        elif isinstance(value, type):
            self._class(value)
        elif kind in (Set, Bag, Map, PartialMap):
            self._container(value)
        elif isinstance(value, Mapping):
            self._several(tuple(value.items()))
        elif isinstance(value, Enum):
            self._several((kind, value.name))
        elif isinstance(value, Sort):
            self._several((kind, int(value)))
        elif kind is Seq:
            self._several(("Seq", tuple(value)))
        elif hasattr(kind, "__record_types__"):
            self._several((kind, *(getattr(value, name) for name in kind.__match_args__)))
        else:
            names = _names(kind)  # type: ignore[arg-type]  # a class is hashable
            self.parts.append(f"{kind.__qualname__}(")
            for name in names:
                self.value(getattr(value, name))
            self.parts.append(")")

    def _several(self, values: Iterable[Any]) -> None:
        self.parts.append("(")
        for one in values:
            self.value(one)
        self.parts.append(")")

    def _container(self, value: Any) -> None:
        """The elements of a set, bag or map, in the order of their text."""
        found: list[str] = []
        for item in value._data if type(value) is Set else value._data.items():
            text = _KeyText(
                self._folder
            )  # each as if it were the first, since which one is differs from process to process
            text.value(item)
            found.append("".join(text.parts))
        self.parts.append(f"{type(value).__name__}{sorted(found)}")

    def _class(self, kind: type) -> None:
        known = kind in self._met
        self.parts.append(f"<{_named(kind)} {self._met.setdefault(kind, len(self._met))}>")
        if known:
            return
        if hasattr(kind, "__record_types__"):
            self.value(tuple(kind.__record_types__.items()))
        elif issubclass(kind, Enum):
            self.value(tuple((m.name, repr(m.value)) for m in kind))
        elif issubclass(kind, Sort):
            kinds = issubclass(kind, Ordered), issubclass(kind, Symmetric)
            self.value((*kinds, kind.prefix, kind.first_number))
        else:
            raise _Opaque
