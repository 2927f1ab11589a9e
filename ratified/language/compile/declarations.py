"""What a model's class declares: variables and parameters, their types and defaults.

Guarantees: a variable has a finite size and a first value; whatever is wrong is refused at its line.
"""

from __future__ import annotations

import ast
import sys
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ratified.language import ir
from ratified.language.api import PARAMETER, Param
from ratified.language.compile.constants import constant_of, type_of
from ratified.language.compile.context import Declarations
from ratified.language.deferred import NOTHING, Deferred
from ratified.language.errors import ModelError, Refusals, Span
from ratified.language.ir import Declaration, Module
from ratified.language.source import class_field_span, class_node, head_span
from ratified.language.types import (
    AnnotationProblem,
    MapType,
    Type,
    fits,
    from_annotation,
    storable,
    unbounded,
    unstorable,
    without_zero,
)


@dataclass(frozen=True, slots=True)
class ClassSource:
    """A model's class, where it is written, and the names that its source may use."""

    cls: type
    names: Mapping[str, Any]
    file: str
    line: int
    node: ast.ClassDef | None

    @classmethod
    def of(cls, model: type, names: Mapping[str, Any], line: int) -> ClassSource:
        """The source of a class that stands at about a line of the file that its names say."""
        file: str = names.get("__file__", "?")
        return cls(model, names, file, line, class_node(file, model.__name__, line))

    @property
    def span(self) -> Span | None:
        """The head of the class."""
        return head_span(self.node, self.file) if self.node else None

    def refuse(self, name: str, message: str, remedy: str) -> typing.NoReturn:
        """Refuse what a class says of a name."""
        line = self.node.lineno if self.node else 1
        span = class_field_span(self.file, self.cls.__name__, name, line)
        raise ModelError(message, span=span, remedy=remedy)


def declarations_of(source: ClassSource, methods: Collection[str]) -> Declarations:
    """The variables and parameters of a class, which has these methods; inherited ones first."""
    variables: dict[str, Declaration] = {}
    parameters: dict[str, Declaration] = {}
    for base in reversed(source.cls.__mro__[1:]):
        inherited = vars(base).get("module")
        if isinstance(inherited, Module):
            variables.update({d.name: d for d in inherited.variables})
            parameters.update({d.name: d for d in inherited.parameters})
    for name in methods:
        if name in (*variables, *parameters):
            source.refuse(name, f"`{name}` is both a variable and a method", "rename one of them")
    refusals = Refusals()
    for name, annotation in vars(source.cls).get("__annotations__", {}).items():
        with refusals.collected():
            _refuse_private(source, name)
            found = _evaluated(source, name, annotation)
            if found is typing.ClassVar or typing.get_origin(found) is typing.ClassVar:
                continue
            is_parameter = typing.get_origin(found) is typing.Annotated and PARAMETER in typing.get_args(
                found
            )
            declared = _declared(source, name, found, is_parameter)
            if name in methods:
                source.refuse(name, f"`{name}` is both a variable and a method", "rename one of them")
            if name in (variables if is_parameter else parameters):
                what = "a variable of a base class, and a parameter"
                if not is_parameter:
                    what = "a parameter of a base class, and a variable"
                source.refuse(name, f"`{name}` is {what} here", "rename it")
            (parameters if is_parameter else variables)[name] = declared
    for table in (variables, parameters):
        for name, declaration in table.items():
            with refusals.collected():
                table[name] = replace(declaration, default=_default(source, declaration, name in variables))
    refusals.raise_any()
    return Declarations(variables, parameters)


def check_zeros(source: ClassSource, variables: Mapping[str, Declaration]) -> None:
    """Refuse a variable that has no first value, in a model without `init`."""
    for name, declaration in variables.items():
        if declaration.default is None and (lacking := without_zero(declaration.type)):
            message = f"`{name}` has no initial value: {lacking} has no default value"
            source.refuse(
                name, message, f"give a default ({name}: ... = ...), or write `def init(self) -> None`"
            )


def _refuse_private(source: ClassSource, name: str) -> None:
    """Refuse a name with two underscores before it: Python calls it otherwise in each class (`_Model__name`)."""
    mangled = f"_{source.cls.__name__.lstrip('_')}__"
    if name.startswith(mangled):
        written = name.removeprefix(mangled)
        remedy = f"call it `{written}`, or `_{written}`"
        source.refuse(
            f"__{written}", f"`__{written}` is private to one class, and a model's variables are not", remedy
        )


def _evaluated(source: ClassSource, name: str, annotation: Any) -> Any:
    root = next(base for base in source.cls.__mro__ if vars(base).get("_ratified_root"))
    if name in vars(root) and name not in ("sizes", "symmetric_sizes"):
        source.refuse(name, f"every model has a `{name}` of its own", "choose another name for the variable")
    if not isinstance(annotation, str):
        return annotation
    names = {**vars(typing), "Param": Param, **vars(sys.modules[source.cls.__module__]), **source.names}
    try:
        return eval(annotation, names)  # noqa: S307  # the model's own source
    except Exception as problem:  # noqa: BLE001  # whatever evaluating an annotation raises is the author's to see
        source.refuse(
            name,
            f"the annotation of `{name}` cannot be evaluated: {problem}",
            "define its names above the model",
        )


def _declared(source: ClassSource, name: str, annotation: object, is_parameter: bool) -> Declaration:
    span = class_field_span(source.file, source.cls.__name__, name, source.line)
    try:
        t = from_annotation(annotation)
    except AnnotationProblem as problem:
        source.refuse(name, f"`{name}`: {problem.message}", problem.remedy)
    if is_parameter:
        return Declaration(name, t, None, span)
    t = storable(t)
    if why := unstorable(t):
        source.refuse(name, f"`{name}` has no finite size: {why[0]}", why[1])
    return Declaration(name, t, None, span)


def _default(source: ClassSource, declaration: Declaration, is_variable: bool) -> ir.Literal | None:
    missing = object()
    name = declaration.name
    value = getattr(source.cls, name, missing)
    if value is missing:
        return None
    span = declaration.span or source.span or Span(source.file, 1, 0, 1, 0)
    if isinstance(value, Deferred) and value.each is NOTHING:
        if is_variable:
            source.refuse(name, f"the default of `{name}` depends on sizes", "set it in `init`")
        return ir.Literal(span, unbounded(declaration.type), value)
    try:
        t = _type_of(value, declaration.type)
    except AnnotationProblem as problem:
        source.refuse(name, f"the default of `{name}`: {problem.message}", problem.remedy)
    if isinstance(value, Deferred):
        return ir.Literal(span, unbounded(declaration.type), _at_every_key(value, declaration.type))
    if not fits(t, declaration.type):
        source.refuse(
            name,
            f"the default of `{name}` is of type {t}, not {declaration.type}",
            "use a value of its type",
        )
    return ir.Literal(span, unbounded(declaration.type), constant_of(value, t))


def _at_every_key(value: object, t: Type) -> object:
    """A default as `constant_of` has it; of `Map.fromkeys`, what stands at every key."""
    if isinstance(value, Deferred) and isinstance(t, MapType):
        return Deferred(value.compute, each=_at_every_key(value.each, t.value))
    return constant_of(value, t)


def _type_of(value: object, declared: Type) -> Type:
    """The type of a default, of which that may be said that it stands at every key of a map. Raises AnnotationProblem."""
    if not isinstance(value, Deferred):
        return type_of(value, declared)
    if not isinstance(declared, MapType) or declared.partial:
        raise AnnotationProblem(
            f"Map.fromkeys makes a Map, and this is {declared}", "use a value of the declared type"
        )
    inner = _type_of(value.each, declared.value)
    if not fits(inner, declared.value):
        raise AnnotationProblem(
            f"the values are of type {inner}, not {declared.value}", "use a value of its type"
        )
    return declared
