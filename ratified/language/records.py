"""Records: frozen values with named fields, one object for each combination of field values.

Guarantees: records are interned, so equality is identity and hashing costs nothing; fields within bounds when a record is made.
Every record that was ever made is kept, unless whoever runs for long calls `forget_unused` now and then.
"""

from __future__ import annotations

import dataclasses
import sys
import typing
from typing import Any, TypeVar, dataclass_transform
from weakref import WeakSet

from ratified.language.errors import ModelError
from ratified.language.scope import scope_if_any
from ratified.language.source import class_field_span, class_node, head_span
from ratified.language.types import (
    AnnotationProblem,
    RecordType,
    Type,
    as_held,
    fit_of,
    from_annotation,
    has_bounds,
    record_fields,
    storable,
)
from ratified.language.values import forget_keys, show

R = TypeVar("R")

_classes: WeakSet[Any] = WeakSet()


@dataclass_transform(frozen_default=False, eq_default=False, kw_only_default=False)
def record(cls: type[R]) -> type[R]:
    """Make a class a record: its annotated names are its fields. Raises ModelError for a field of an unsupported type."""
    frame = sys._getframe(1)
    if [base for base in cls.__mro__[1:-1] if "__record_types__" in vars(base)]:
        file = frame.f_globals.get("__file__", "?")
        node = class_node(file, cls.__name__, frame.f_lineno)
        raise ModelError(
            f"the record {cls.__name__} derives from a record",
            span=head_span(node, file) if node else None,
            remedy="write its fields out, or use a union",
        )
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, frozen=True, slots=True)(cls)
    made.__module__ = cls.__module__
    types = _field_types(made, frame.f_globals, frame.f_locals, frame.f_lineno)
    made.__record_types__ = types
    made.__record_cache__ = {}
    made.__new__, made.__record_within__ = _constructors(made, types, made.__record_cache__)
    _classes.add(made)
    made.__repr__ = _repr
    made.__reduce__ = _reduce
    made.__replace__ = replace
    return made  # type: ignore[no-any-return]  # a dataclass made from cls


def _field_types(cls: Any, names: dict[str, Any], locals_: dict[str, Any], line: int) -> dict[str, Type]:
    types: dict[str, Type] = {}
    file = names.get("__file__", "?")
    for field in dataclasses.fields(cls):
        try:
            annotation = field.type
            if isinstance(annotation, str):
                hints = typing.get_type_hints(
                    type("_", (), {"__annotations__": {"f": annotation}}),
                    names,
                    {**names, **locals_},
                    include_extras=True,
                )
                annotation = hints["f"]
            types[field.name] = storable(from_annotation(annotation))
        except AnnotationProblem as problem:
            span = class_field_span(file, cls.__name__, field.name, line)
            raise ModelError(
                f"field `{field.name}` of {cls.__name__}: {problem.message}", span=span, remedy=problem.remedy
            ) from None
        except NameError as problem:
            span = class_field_span(file, cls.__name__, field.name, line)
            raise ModelError(
                f"field `{field.name}` of {cls.__name__}: {problem}",
                span=span,
                remedy="define it above the record",
            ) from None
    return types


def _constructors(
    cls: Any, types: dict[str, Type], cache: dict[tuple[object, ...], object]
) -> tuple[Any, Any]:
    """A `__new__` written out for the fields, so that making a record that exists is one dictionary look-up.

    Beside it a function of all fields, for those who have seen that each is within its bounds.
    """
    fields = dataclasses.fields(cls)
    names = [f.name for f in fields]
    defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
    signature = ", ".join(f"{n}=defaults[{n!r}]" if n in defaults else n for n in names)
    key = "(" + "".join(f"{n}, " for n in names) + ")"
    checked = any(map(has_bounds, types.values()))
    known = ["    try:", "        return cache[key]", "    except KeyError:", "        return make(key)"]
    lines = [
        f"def __new__(cls{', ' if names else ''}{signature}):",
        f"    key = {key}",
        *(["    check(key)"] if checked else []),
        *known,
        f"def within({', '.join(names)}):",
        f"    key = {key}",
        *known,
    ]

    def check(values: tuple[object, ...]) -> None:
        scope = scope_if_any()
        if scope is None:
            return  # made by hand, outside of any model: there are no bounds to hold it to
        fit_key = ("fit", cls)
        fits: Any = scope.cache.get(fit_key)
        if fits is None:
            resolved = record_fields(RecordType(cls), scope)
            fits = scope.cache[fit_key] = [fit_of(t, f"{cls.__name__}.{n}") for n, t in resolved.items()]
        for fit, value in zip(fits, values, strict=True):
            if fit:
                fit(value)

    def make(values: tuple[object, ...]) -> object:
        made = object.__new__(cls)
        for name, value in zip(names, values, strict=True):
            object.__setattr__(made, name, as_held(types[name], value))
        cache[values] = made
        return made

    namespace: dict[str, Any] = {"cache": cache, "make": make, "defaults": defaults, "check": check}
    exec("\n".join(lines), namespace)  # noqa: S102  # fixed text around field names: the way dataclasses does it
    return namespace["__new__"], namespace["within"]


def _repr(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{n}={show(getattr(self, n))}' for n in self.__match_args__)})"


def _reduce(self: Any) -> tuple[Any, ...]:
    return type(self), tuple(getattr(self, n) for n in self.__match_args__)


def replace(value: R, /, **changes: object) -> R:
    """A record with some fields replaced."""
    fields = {name: getattr(value, name) for name in value.__match_args__}  # type: ignore[attr-defined]  # a record
    if unknown := changes.keys() - fields.keys():
        raise ModelError(
            f"{type(value).__name__} has no field {min(unknown)!r}",
            remedy=f"its fields: {', '.join(fields)}",
        )
    return type(value)(**{**fields, **changes})


def known_records() -> int:
    """How many records are kept."""
    return sum(len(cls.__record_cache__) for cls in _classes)


def forget_unused() -> None:
    """Forget the records that nobody has any more. Not to be called while another thread runs a model."""
    forget_keys()
    unused = _references({(): object()})[0][1]
    while True:
        # Records may hold others, which are held no longer then.
        gone = 0
        for cls in list(_classes):
            cache = cls.__record_cache__
            dead = [key for key, references in _references(cache) if references <= unused]
            for key in dead:
                del cache[key]
            gone += len(dead)
        if not gone:
            return


def _references(cache: dict[Any, object]) -> list[tuple[Any, int]]:
    """How many references there are to each record: its own place in the cache and what counts them among them."""
    return [(key, sys.getrefcount(made)) for key, made in cache.items()]
