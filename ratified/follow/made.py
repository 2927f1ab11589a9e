"""Frozen values of which several are made for every event, quicker than by `dataclass` alone.

A frozen dataclass sets its fields one by one through `object.__setattr__`, which is several times as slow as an assignment. Here
an object is of a class with the same slots that is not frozen while its fields are set, and nobody else has it yet.

Guarantees: nothing but the time to make one differs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, TypeVar

C = TypeVar("C")

_MAKE = """\
def make({names}):
    def __init__(self, {parameters}):
{defaults}        if type(self) is not frozen:
            slowly(self, {fields})
            return
        become(self, "__class__", draft)
{assignments}
        self.__class__ = frozen
    def made({fields}):
        self = draft()
{assignments}
        self.__class__ = frozen
        return self
    return __init__, made
"""


def quickly_made(cls: type[C]) -> type[C]:
    """Make a frozen dataclass with slots, and no `__post_init__`, quicker to create: by `maker` once more."""
    own = fields(cls)  # type: ignore[arg-type]  # a dataclass, which its type does not say
    known: dict[str, Any] = {
        "frozen": cls,
        "draft": type(cls.__name__, (), {"__slots__": tuple(f.name for f in own)}),
        "become": object.__setattr__,
        "slowly": cls.__init__,
        "MISSING": MISSING,
    }
    parameters, defaults = [], ""
    for field in own:
        parameters.append(field.name)
        if field.default is not MISSING:
            known[f"default_{field.name}"] = field.default
            parameters[-1] += f"=default_{field.name}"
        elif field.default_factory is not MISSING:
            known[f"make_{field.name}"] = field.default_factory
            parameters[-1] += "=MISSING"
            defaults += f"        if {field.name} is MISSING: {field.name} = make_{field.name}()\n"
    text = _MAKE.format(
        names=", ".join(known),
        parameters=", ".join(parameters),
        fields=", ".join(f.name for f in own),
        defaults=defaults,
        assignments="\n".join(f"        self.{f.name} = {f.name}" for f in own),
    )
    written: dict[str, Any] = {}
    exec(text, vars(sys.modules[cls.__module__]), written)  # noqa: S102  # written here, of the names of fields
    initialise, _makers[cls] = written["make"](**known)
    initialise.__qualname__ = f"{cls.__qualname__}.__init__"
    initialise.__annotations__ = cls.__init__.__annotations__
    setattr(cls, "__init__", initialise)  # noqa: B010  # a method, which mypy does not let be assigned
    return cls


_makers: dict[type, Callable[..., Any]] = {}


def maker(cls: type[C]) -> Callable[..., C]:
    """A function of all fields of a class that is `quickly_made`: without the calls that go before `__init__`."""
    return _makers[cls]
