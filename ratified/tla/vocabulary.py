"""The words of an exported module: what its constants, variables, operators and types are called, and what it needs besides.

Guarantees: a name is decided before anything is translated that could take it; a definition that is asked for is written before
what asks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace

from ratified.interchange.names import legal
from ratified.interchange.representation import Representation, refined_by, types_in
from ratified.language.ir import Declaration, Function, Kind, Which
from ratified.language.model import Model
from ratified.language.sorts import Sort
from ratified.language.types import (
    AnnotationProblem,
    BoolType,
    EnumType,
    IntType,
    RecordType,
    SeqType,
    SortType,
    Type,
    UnionType,
    from_annotation,
    has_bounds,
    resolved,
)
from ratified.language.uses import Uses
from ratified.tla.library import LIBRARY, needed
from ratified.tla.linear import LinearTerms
from ratified.tla.names import NameSupply
from ratified.tla.syntax import Apply, Definition, Leaf, Tla

ORDER = ("Integers", "FiniteSets", "Sequences", "Bags", "TLC")
"""The standard modules, in the order in which they are named."""


NOTHING = Declaration("nothing", BoolType(), None, None)
"""The variable of a model that has none: TLA+ has no module without."""


class Vocabulary:
    """What one module can say so far. `taken` are names that it may not give."""

    def __init__(self, model: Model, form: Representation, taken: Iterable[str] = ()) -> None:
        self.model = model
        self.module = model.module
        if not self.module.variables:
            self.module = replace(self.module, variables=(NOTHING,))
        self.form = form
        self.names = NameSupply([*(name.rstrip("*") for name in LIBRARY), *taken])
        self.modules: set[str] = set()
        self.used: set[str] = set()
        self.terms = LinearTerms()
        self.has_none = False
        self.named_sorts: dict[type[Sort], str] = {}
        self.type_definitions: dict[str, Definition] = {}
        self.key_definitions: dict[str, Definition] = {}
        self.referenced: list[str] = []
        self.types: dict[Type, Tla] = {}
        self.key_names: dict[Type, str] = {}
        self.uses = Uses(self.module, model.scope)
        sorts = [s.sort for s in self.module.sorts]
        self.sorts = {sort: self.names.give(sort.__name__) for sort in sorts}
        self.lasts = {s: self.names.give(f"Max{s.__name__}") for s in sorts if SortType(s).ordered}
        self.constants = {p.name: self.names.give(p.name) for p in self.module.parameters}
        self.variables = {v.name: self.names.give(v.name) for v in self.module.variables}
        self.classes = {
            t: self.names.give(name)
            for t in dict.fromkeys(types_in(model))
            if (name := _class_name(t)) is not None
        }
        self.aliases = {t: self.names.give(name) for t, name in _aliases(model).items()}
        theirs = [d for _, m in refined_by(model) for d in (*m.module.variables, *m.module.parameters)]
        self._abstract = {legal(d.name).rstrip("_") for d in theirs}
        self.operators = self._operator_names()
        self.need("Integers")

    def _operator_names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        own = [f for f in self.module.functions.values() if f.key == f.name]
        others = [f for f in self.module.functions.values() if f.key != f.name]
        for one in own:
            if one.kind is not Kind.INIT:
                names[one.key] = self._operator_name(one)
        for one in others:
            plain = legal(one.name)
            if plain in self.names and "." in one.key:  # a base class's, or a record's, of the same name
                plain = f"{legal(one.key.split('.')[-2])}_{plain}"
            names[one.key] = self.names.give(self.of_arguments(plain) if one.arguments else plain)
        return names

    def _operator_name(self, one: Function) -> str:
        return self.names.give(self.of_arguments(one.name) if one.arguments else one.name)

    def of_arguments(self, name: str) -> str:
        """A name for an operator with arguments, which an instance would take for the variable of that name of its model."""
        return f"{name}_of" if legal(name).rstrip("_") in self._abstract else name

    # --- what is needed besides ---

    def need(self, *modules: str) -> None:
        """Standard modules."""
        self.modules.update(modules)

    def use(self, name: str, *arguments: Tla) -> Tla:
        """An operator of the library, applied."""
        self.used.add(name)
        return Apply(name.rstrip("*"), arguments)

    def extends(self) -> list[str]:
        """The standard modules that the module extends."""
        modules = {*self.modules, *(m for name in needed(self.used) for m in LIBRARY[name].modules)}
        return [name for name in ORDER if name in modules]

    def none(self) -> Tla:
        """The value None."""
        self.has_none = True
        return Leaf("None")

    def operator(self, key: str) -> str:
        """The name of the operator that a function is."""
        self.referenced.append(key)
        return self.operators[key]

    def reads(self, called: Function) -> frozenset[str]:
        """The variables that a function reads, also through others."""
        return self.uses.reads(called.body, Which.NOW, Which.OLD)

    def writes(self, called: Function) -> frozenset[str]:
        """The variables that a procedure changes, also through others."""
        return self.uses.writes(called.body, Which.NOW)

    def declared(self, name: str) -> Type:
        """The type of a variable."""
        return next(d.type for d in self.module.variables if d.name == name)

    # --- sorts ---

    def last_of(self, sort: type[Sort]) -> str:
        """The last value of an ordered sort."""
        return self.lasts[sort]

    def sequence_of(self, sort: type[Sort]) -> str:
        """The values of a sort that is not ordered, in their order; asking for it makes them constants of the module."""
        if sort not in self.named_sorts:
            self.named_sorts[sort] = self.names.give_late(f"{sort.__name__}Seq")
        self.need("Sequences")
        return self.named_sorts[sort]

    def named(self, sort: type[Sort], index: int) -> Tla:
        """One value of a sort that is not ordered."""
        self.sequence_of(sort)
        return Leaf(self.form.value_names[sort][index])

    def sort_number(self, sort: type[Sort], value: Tla) -> Tla:
        """The number of a value of a sort that is not ordered, from 0."""
        return self.use("FirstIn", Leaf(self.sequence_of(sort)), value)

    def short(self, t: Type) -> str:
        """A short name for something of a type."""
        return t.sort.prefix if isinstance(t, SortType) and t.sort.prefix.isalpha() else "k"

    def resolved(self, t: Type) -> IntType:
        """An integer type with its bounds as numbers, where they can be known."""
        try:
            made = resolved(t, self.model.scope)
        except Exception:  # noqa: BLE001  # the bounds of a record may name what this model does not have
            made = IntType()
        return made if isinstance(made, IntType) else IntType()


def _class_name(t: Type) -> str | None:
    """The class that a type is."""
    if isinstance(t, RecordType):
        return t.record.__name__
    return t.enum.__name__ if isinstance(t, EnumType) else None


def _aliases(model: Model) -> dict[Type, str]:
    """What the model's author calls bounded types and unions: `Term = Annotated[int, Range(...)]`."""
    found: dict[Type, str] = {}
    records = [t.record for t in types_in(model) if isinstance(t, RecordType)]
    for module in dict.fromkeys(c.__module__ for c in (*type(model).__mro__, *records)):
        for name, value in vars(sys.modules.get(module, sys)).items():
            if name.startswith("_") or isinstance(value, type):
                continue
            try:
                t = from_annotation(value)
            except (AnnotationProblem, TypeError):
                continue
            if isinstance(t, IntType | SeqType | UnionType) and (has_bounds(t) or isinstance(t, UnionType)):
                found.setdefault(t, name)
    return found
