"""From a model's class to an instance of it: at a size that it names, with single settings replaced by what a person types."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ratified.language import Model, SizeError
from ratified.language.model import given_to


def instance(cls: type[Model], size: str | None, settings: Mapping[str, object]) -> Model:
    """Instantiate a model at a size that it names (its standard one if None), with single settings replaced.

    Settings that are text mean what they mean on the command line.

    Raises:
        SizeError: the model has no size of that name, or a setting is missing, unknown, or makes no sense.
        ModelError: the model itself is wrong.
    """
    chosen = _named_size(cls, size)
    own = {
        name: parse_parameter(cls, name, value) if isinstance(value, str) else value
        for name, value in settings.items()
    }
    return cls(**{**chosen, **own})


def resized(model: type[Model] | Model, size: str | None, settings: Mapping[str, str]) -> Model:
    """The same for a model that may have sizes already, which settings replace. Raises SizeError, ModelError."""
    if not isinstance(model, Model):
        return instance(model, size, settings)
    if not settings and size is None:
        return model
    cls = type(model)
    given = {name: parse_parameter(cls, name, text) for name, text in settings.items()}
    return cls(**{**given_to(model), **(_named_size(cls, size) if size else {}), **given})


def sizes_of(cls: type) -> Mapping[str, Mapping[str, object]]:
    """Return the sizes that a model names, in its order."""
    sizes: Mapping[str, Mapping[str, object]] = getattr(cls, "sizes", {})
    return sizes


def is_symmetric(cls: type, size: str | None) -> bool:
    """Whether a model wants a size that it names (its standard one if None) to be explored with symmetry."""
    return (size or _default_size(cls)) in getattr(cls, "symmetric_sizes", ())


def _default_size(cls: type) -> str | None:
    sizes = sizes_of(cls)
    return "standard" if "standard" in sizes else next(iter(sizes), None)


def _named_size(cls: type, size: str | None) -> Mapping[str, object]:
    sizes = sizes_of(cls)
    size = size or _default_size(cls)
    if size is None:
        return {}
    if size not in sizes:
        has = (
            f"its sizes: {', '.join(sizes)}" if sizes else "it names no sizes; give each sort its own: Sort=3"
        )
        raise SizeError(f"{cls.__name__} has no size {size!r}", remedy=has)
    return sizes[size]


def parse_parameter(cls: type, name: str, text: str) -> object:
    """Read a value from the command line: a name, a number, true, false, none, or what reports and JSON write.

    These are `{a1, a2}`, `[["a1", "a2"], ["a2", "a3"]]`, `{a1: 2}`; names become text, sets lists.

    Raises:
        SizeError: text that begins as one of these and goes on as none.
    """
    try:
        return _plain(ast.parse(text.strip(), mode="eval").body)
    except SyntaxError as error:
        at = error.offset or 1
    except _UnreadableError as error:
        at = error.offset
    if text.lstrip()[:1] not in ("[", "{", "(", '"'):
        return text
    raise SizeError(
        f"{name} of {cls.__name__} cannot be read: {text}, at character {at}",
        remedy=f"sets are written with their members' names, in quotes: {name}='{{{{a1, a2}}, {{a2, a3}}}}'",
    )


class _UnreadableError(Exception):
    """Something that is no value; `offset` is its place, counted from 1."""

    def __init__(self, node: ast.expr) -> None:
        self.offset = node.col_offset + 1


def _entries(node: ast.expr, keys: list[ast.expr | None], values: list[ast.expr]) -> dict[Any, Any]:
    """The entries of a map, each key once."""
    made: dict[Any, Any] = {}
    for key, value in zip(keys, values, strict=True):
        if not isinstance(key, ast.Name | ast.Constant) or (name := _plain(key)) in made:
            raise _UnreadableError(key or node)
        made[name] = _plain(value)
    return made


_WORDS = {"true": True, "false": False, "none": None, "null": None}


def _plain(node: ast.expr) -> Any:
    """What an expression in the notation of Python or JSON says: names as text, sets and sequences as lists."""
    match node:
        case ast.Name(name):
            return _WORDS.get(name.lower(), name)
        case ast.Constant(bool() | int() | str() | None as value):
            return value
        case ast.UnaryOp(ast.USub(), ast.Constant(int() as value)):
            return -value
        case ast.Set(items) | ast.List(items) | ast.Tuple(items):
            return [_plain(item) for item in items]
        case ast.Dict([]):
            return []  # a set without members: a map has a value for every key
        case ast.Dict(keys, values):
            return _entries(node, keys, values)
    raise _UnreadableError(node)
