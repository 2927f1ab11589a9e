"""The methods of a model's class: which are part of the model, and what each is marked as."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from ratified.language.errors import ModelError
from ratified.language.ir import Kind
from ratified.language.source import definition, head_span


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the class: the function, the class that defines it, and what it is marked as."""

    function: FunctionType
    owner: type
    kind: Kind
    fair: tuple[object, ...] | None = None  # as `@action` was given it
    weight: object = None  # likewise
    static: bool = False  # whether it is given no model


def methods_of(cls: type) -> dict[str, Method]:
    """The methods of a class that are part of the model, in order of first definition, each as most lately overridden."""
    found: dict[str, Method] = {}
    for klass in reversed(cls.__mro__):
        if klass is object or klass.__dict__.get("_ratified_root"):
            continue
        for name, attribute in vars(klass).items():
            if name.startswith("__"):
                continue
            if isinstance(attribute, classmethod) or (isinstance(attribute, property) and attribute.fset):
                inner: Any = attribute.fget if isinstance(attribute, property) else attribute.__func__
                node, file = definition(inner)
                what = "classmethod" if isinstance(attribute, classmethod) else "a property that is set"
                raise ModelError(
                    f"{what} is not part of the modelling language",
                    span=head_span(node, file),
                    remedy="write a plain method of self",
                )
            if isinstance(attribute, property | staticmethod):
                plain: Any = attribute.fget if isinstance(attribute, property) else attribute.__func__
                alone = isinstance(attribute, staticmethod)
                found[name] = Method(inspect.unwrap(plain), klass, Kind.HELPER, static=alone)
                continue
            if not isinstance(attribute, FunctionType):
                continue
            if hasattr(attribute, "ratified_kind") and inspect.unwrap(attribute).__name__ != name:
                node, file = definition(inspect.unwrap(attribute))
                raise ModelError(
                    f"`{name}` of {klass.__name__} is only another name for `{node.name}`",
                    span=head_span(node, file),
                    remedy="define it with def: a model has one name for each of its parts",
                )
            kind = getattr(attribute, "ratified_kind", Kind.INIT if name == "init" else Kind.HELPER)
            fair = getattr(attribute, "ratified_fair", None)
            weight = getattr(attribute, "ratified_weight", None)
            if (over := found.get(name)) and kind is Kind.HELPER:
                kind, fair, weight = over.kind, over.fair, over.weight  # an override is what it overrides
            found[name] = Method(inspect.unwrap(attribute), klass, kind, fair, weight)
    return found


def abstract_class(cls: type, name: str) -> Any:
    """The model class that a refinement of a class maps to, as @refines says; None if it does not."""
    marked = (getattr(vars(klass).get(name), "ratified_abstract", None) for klass in cls.__mro__)
    return next((abstract for abstract in marked if abstract is not None), None)
