"""`Model`: the class that models derive from, and what an instance of one is: a model at a size.

Guarantees: a class that is defined has been compiled, or says when it is used why not (`refused_when_used`); an instance that
exists has a size for every sort, a value for every parameter, and satisfies its assumptions.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from types import FunctionType, TracebackType
from typing import Any, ClassVar, Self

from ratified.language import api
from ratified.language.claims import claims_of
from ratified.language.compile.methods import Method, methods_of
from ratified.language.compile.module import ModuleCompiler
from ratified.language.deferred import Deferred
from ratified.language.errors import ModelError, RatifiedError, SizeError
from ratified.language.given import check_beginning, check_total, parameter_value
from ratified.language.ir import Function, Kind, Module
from ratified.language.scope import Scope, running
from ratified.language.source import say_with_whole_records
from ratified.language.types import (
    FitCheck,
    MapType,
    OptionalType,
    Type,
    as_held,
    fit_of,
    resolved,
    without_zero,
    zero_of,
)
from ratified.language.values import KeyPlace, Map, PlacePath, attached, show

_later: ContextVar[bool] = ContextVar("later", default=False)


@contextmanager
def refused_when_used() -> Iterator[None]:
    """Within this, a class that is not the modelling language is refused when it is used, and not when it is defined.

    So one model can be taken from a file in which another is wrong.
    """
    token = _later.set(True)
    try:
        yield
    finally:
        _later.reset(token)


class _Refused:
    """Stands where a refused class would have its module."""

    def __init__(self, error: ModelError) -> None:
        self._error = error

    def __get__(self, instance: object, owner: type) -> Module:
        raise self._error


class VariablePlace:
    """The place of a variable of a running model: where updates in place end up."""

    __slots__ = ("_children", "_fits", "_name", "_owner", "declared")

    def __init__(self, owner: Model, name: str, declared: Type) -> None:
        self.declared = declared
        self._owner = owner.__dict__
        self._name = name
        self._fits: list[
            FitCheck | None
        ] = []  # of the variable, of a value of its map, of a value of that, ...
        inside: Type | None = resolved(declared, owner.scope)
        while inside is not None:
            self._fits.append(fit_of(inside, name))
            held = inside.item if isinstance(inside, OptionalType) else inside
            inside = held.value if isinstance(held, MapType) else None
        self._children: dict[object, KeyPlace] = {}

    def read(self) -> Any:
        """The variable's value now."""
        return self._owner[self._name]

    def write(self, value: Any, path: PlacePath = ()) -> None:
        """Give the variable another value, if it is within the variable's bounds.

        Only what is at the end of the path is looked at: the rest was, when it came there.
        """
        if fit := self._fits[len(path)]:
            changed = value
            for key in path:
                # What a partial map does not have is None there.
                changed = changed._data[key] if isinstance(changed, Map) else changed[key]
            fit(changed)
        self._owner[self._name] = value

    def child(self, key: object) -> KeyPlace:
        """The place of a key of the map that stands here (one object per key)."""
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = KeyPlace(self, key)
        return found


class Model:
    """Derive from this to write a model (docs/language.md); instantiate it with sizes and parameters to check it.

    Raises ModelError, when the class is defined, for source that is not in the modelling language, and SizeError for a size
    or parameter that is missing, unknown or invalid.
    """

    _ratified_root = True
    module: ClassVar[Module]
    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    symmetric_sizes: ClassVar[tuple[str, ...]] = ()

    scope: Scope
    _places: dict[str, VariablePlace]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        frame = sys._getframe(1)
        for name, method in methods_of(cls).items():
            attribute = vars(cls).get(name)
            if method.owner is cls:
                say_with_whole_records(method.function)
            if isinstance(attribute, FunctionType) and not hasattr(attribute, "ratified_kind"):
                _keep_mark(cls, name, attribute, method)
        try:
            cls.module = ModuleCompiler(cls, {**frame.f_globals, **frame.f_locals}, frame.f_lineno).compile()
        except ModelError as error:
            if not _later.get():
                raise
            cls.module = _Refused(error)  # type: ignore[assignment]  # read, it raises

    def __init__(self, **given: Any) -> None:
        module = type(self).module
        sorts = {s.sort.__name__: s.sort for s in module.sorts}
        parameters = {p.name: p for p in module.parameters}
        for name in given:
            if name not in sorts and name not in parameters:
                known = ", ".join([*sorts, *parameters]) or "none"
                raise SizeError(f"{module.name} has no sort or parameter {name!r}", remedy=f"it has: {known}")
        sizes = {sort: _size(module.name, name, given.get(name)) for name, sort in sorts.items()}
        values: dict[str, object] = {}
        scope = Scope(sizes, values)
        with running(scope):
            for name, declaration in parameters.items():
                if name in given:
                    values[name] = parameter_value(declaration, given[name], scope)
                elif declaration.default is not None:
                    default = declaration.default.value
                    value = default.compute() if isinstance(default, Deferred) else default
                    values[name] = parameter_value(declaration, value, scope)
                else:
                    raise SizeError(f"{module.name} needs a value for {name}", remedy=f"give one: {name}=...")
        object.__setattr__(self, "scope", scope)
        self._enter_scope()
        zeros = self.zeros()
        self.__dict__.update(zeros)  # so that it can be tried out by hand, in a debugger or a test
        for assumption in module.of_kind(Kind.ASSUMPTION):
            if not self._assumed(assumption):
                raise self._makes_no_sense(assumption, {n: values.get(n, v) for n, v in given.items()})
        with running(scope):
            for declaration in module.variables:
                if declaration.name in zeros:
                    check_beginning(declaration, zeros[declaration.name], scope)

    def _assumed(self, assumption: Function) -> bool:
        """What an assumption says. Raises SizeError where it has no answer."""
        from ratified.language.machine.failures import explained  # which knows of models

        try:
            return bool(getattr(self, assumption.name)())
        except Exception as problem:  # noqa: BLE001  # a model may raise anything
            why = explained(problem)
            raise SizeError(
                f"the assumption {assumption.name} cannot be evaluated here: {why.message}",
                span=why.span or assumption.span,
                remedy=why.remedy or "choose other sizes or parameters",
            ) from None

    def _makes_no_sense(self, assumption: Function, given: Mapping[str, object]) -> SizeError:
        """The refusal of a size; its reason is the assumption's first line, and what to do the rest of it, if there is one."""
        reason, _, remedy = assumption.doc.partition("\n")
        settings = ", ".join(f"{n}={show(v)}" for n, v in given.items())
        remedy = " ".join(remedy.split()).rstrip(".") or "choose other sizes or parameters"
        return SizeError(
            f"{self.module.name}({settings}) violates an assumption: {reason.rstrip('.') or assumption.name}",
            span=assumption.span,
            remedy=remedy[0].lower() + remedy[1:],
        )

    def _enter_scope(self) -> None:
        """Set up the places of the variables and the parameters' values."""
        with running(self.scope):
            places = {d.name: VariablePlace(self, d.name, d.type) for d in self.module.variables}
        object.__setattr__(self, "_places", places)
        self.__dict__.update(self.scope.parameters)

    def twin(self) -> Self:
        """Return another instance at the same sizes, with variables of its own."""
        other = object.__new__(type(self))
        object.__setattr__(other, "scope", self.scope)
        object.__setattr__(other, "module", self.module)
        other._enter_scope()
        return other

    def claiming(self, names: Collection[str]) -> Self:
        """Return this model with only the claims named (of any kind, liveness included). Raises ModelError."""
        claims = {f.name: f for f in claims_of(self.module)}
        for name in names:
            if name not in claims:
                has = ", ".join(claims) or "none"
                raise ModelError(f"{self.module.name} has no claim {name!r}", remedy=f"its claims: {has}")
        functions = {
            key: replace(f, kind=Kind.HELPER) if key in claims and key not in names else f
            for key, f in self.module.functions.items()
        }
        other = self.twin()
        object.__setattr__(other, "module", replace(self.module, functions=functions))
        return other

    def __setattr__(self, name: str, value: object) -> None:
        place = self._places.get(name)
        if place is None:
            raise ModelError(
                f"{type(self).__name__} has no variable {name!r}", remedy="declare it in the class body"
            )
        check_total(place.declared, value, self.scope, name)
        place.write(attached(value, place))

    def zeros(self) -> dict[str, object]:
        """The variables that have a value before `init`: their default, or their type's zero value."""
        made: dict[str, object] = {}
        with running(self.scope):
            for declaration in self.module.variables:
                if declaration.default is not None:
                    value = declaration.default.value
                    value = value.compute() if isinstance(value, Deferred) else value
                    value = as_held(declaration.type, value)
                elif without_zero(declaration.type) is None:
                    value = zero_of(declaration.type, self.scope)
                else:
                    continue  # `init` has to give it a value
                made[declaration.name] = attached(value, self._places[declaration.name])
        return made

    def __enter__(self) -> Self:
        self._running: AbstractContextManager[None]
        object.__setattr__(self, "_running", running(self.scope))
        self._running.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.__exit__(kind, value, trace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={show(v)}' for n, v in given_to(self).items())})"


def _keep_mark(cls: type, name: str, function: FunctionType, method: Method) -> None:
    """An override without a mark is what it overrides: give it the same wrapper."""
    if method.kind in (Kind.HELPER, Kind.INIT):
        return
    marked = api._marker(method.kind, method.fair, method.weight)(function)
    for base in cls.__mro__[1:]:
        abstract = getattr(vars(base).get(name), "ratified_abstract", None)
        if abstract:
            marked.__dict__["ratified_abstract"] = abstract
            break
    setattr(cls, name, marked)


def _size(model: str, name: str, given: object) -> int:
    if given is None:
        raise SizeError(f"{model} needs a size for {name}", remedy=f"give one: {name}=3")
    if type(given) is not int:
        raise SizeError(f"the size of {name} is a number, not {given!r}", remedy=f"write {name}=3")
    if given < 1:
        raise SizeError(
            f"the size of {name} must be at least 1, not {given}", remedy=f"write {name}=1 or more"
        )
    if given > 1024:
        raise SizeError(
            f"the size of {name} is {given}, and no model of that size can be explored", remedy="at most 1024"
        )
    return given


def refuse_a_class(model: object) -> None:
    """Raise RatifiedError for what is not a model at a size: its class, say."""
    if not isinstance(model, Model):
        name = getattr(model, "__name__", type(model).__name__)
        raise RatifiedError(
            f"{name} is not a model at a size", remedy=f"give an instance: {name}(...) with its sizes"
        )


def given_to(model: Model) -> dict[str, object]:
    """Sizes by sort name, and parameters: what would make this instance again."""
    scope = model.scope
    return {**{sort.__name__: size for sort, size in scope.sizes.items()}, **scope.parameters}
