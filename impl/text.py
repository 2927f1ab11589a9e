"""Values of implementations: as text for people, in transcripts and scripts, and as JSON has them, in traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any


def shown(payload: bytes) -> str:
    """Return a payload as text that `ratified.simulator.steps.encoded` reads back."""
    return payload.decode("utf-8", "backslashreplace")


def printed(value: Any) -> str:
    """Return a value as people read it: without module names, quotes and what is empty."""
    if is_dataclass(value) and not isinstance(value, type):
        if "__str__" in vars(type(value)):
            return str(value)
        # What a field says that has its default is nothing.
        given = [
            (f.name, getattr(value, f.name)) for f in fields(value) if getattr(value, f.name) != f.default
        ]
        parts = [f"{name}={printed(content)}" for name, content in given]
        return f"{type(value).__name__}({', '.join(parts)})"
    if isinstance(value, bytes):
        return repr(shown(value))
    if type(value) in (tuple, list):  # a NamedTuple says itself how it is printed
        return f"[{', '.join(map(printed, value))}]"
    if isinstance(value, frozenset | set):
        return f"{{{', '.join(sorted(map(printed, value)))}}}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{k}: {printed(v)}' for k, v in value.items())}}}"
    return "none" if value is None else str(value)


def plain(value: Any) -> Any:
    """A value of an implementation as JSON has it: records as objects with their type, tuples as lists, bytes as text."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if is_dataclass(value) and not isinstance(value, type):
        return {
            "type": type(value).__name__,
            **{f.name: plain(getattr(value, f.name)) for f in fields(value)},
        }
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(v) for v in value), key=repr)
    return [plain(v) for v in value]
