"""The configuration of a module: sizes, parameters, and what TLC is asked.

Guarantees: every constant of the module has a value, the one that it has in the model at its size.
"""

from __future__ import annotations

from typing import Any

from ratified.interchange.representation import Representation
from ratified.language.ir import Declaration
from ratified.language.rules import Rules
from ratified.language.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
)
from ratified.tla.claims import ClaimWriter
from ratified.tla.vocabulary import Vocabulary


def in_config(parameter: Declaration, words: Vocabulary) -> bool:
    """Whether a parameter's value can be written in a configuration."""
    value = words.model.scope.parameters[parameter.name]
    return _value(parameter.type, value, words.form) is not None


def _value(t: Type, value: object, form: Representation) -> str | None:
    """A value as a configuration has it; None if it has no such values."""
    return _VALUES(t, (value, form))


_Written = tuple[Any, Representation]
"""A value, and what things are called."""

_VALUES: Rules[_Written, str | None] = Rules("values in configurations")


@_VALUES.rule(NoneType, RecordType, UnionType, OptionalType, TupleType, MapType, BagType, SeqType)
def _(t: Type, of: _Written) -> None:
    return None


@_VALUES.rule(BoolType)
def _(t: BoolType, of: _Written) -> str:
    return "TRUE" if of[0] else "FALSE"


@_VALUES.rule(IntType)
def _(t: IntType, of: _Written) -> str | None:
    return str(int(of[0])) if of[0] >= 0 else None


@_VALUES.rule(EnumType)
def _(t: EnumType, of: _Written) -> str:
    value, form = of
    return f'"{form.member(value)}"'


@_VALUES.rule(SortType)
def _(t: SortType, of: _Written) -> str:
    value, form = of
    return str(int(value)) if t.ordered else form.value_names[t.sort][int(value)]


@_VALUES.rule(SetType)
def _(t: SetType, of: _Written) -> str | None:
    parts = [_value(t.item, v, of[1]) for v in of[0]]
    return None if any(p is None for p in parts) else "{" + ", ".join(p for p in parts if p) + "}"


def config(words: Vocabulary, claims: ClaimWriter, *, bounded: bool, symmetry: bool) -> str:
    """The configuration of a module that has been written. `bounded` if its steps are held to TypeOK, which is not asked then."""
    scope, form = words.model.scope, words.form
    entries: list[tuple[str, str]] = []
    for sort, name in words.sorts.items():
        if sort in words.lasts:
            entries.append((words.lasts[sort], str(scope.sizes[sort] - 1)))
        else:
            entries.append((name, "{" + ", ".join(form.value_names[sort]) + "}"))
    for p in words.module.parameters:
        text = _value(p.type, scope.parameters[p.name], form)
        if text is not None:
            entries.append((words.constants[p.name], text))
    if words.has_none:
        entries.append(("None", "None"))
    for sort in words.named_sorts:
        entries += [(v, v) for v in form.value_names[sort]]
    lines = ["SPECIFICATION Spec", ""]
    if entries:
        lines += ["CONSTANTS", *(f"    {name} = {text}" for name, text in entries), ""]
    for one in claims.constraints:
        lines += [f"CONSTRAINT {claims.for_all_arguments(one)}", ""]
    asked = [*([] if bounded else ["TypeOK"]), *claims.invariants]
    if asked:
        lines += ["INVARIANTS", *(f"    {name}" for name in asked), ""]
    if claims.properties:
        lines += ["PROPERTIES", *(f"    {name}" for name in claims.properties), ""]
    if symmetry:
        lines += ["SYMMETRY Symmetry", ""]
    return "\n".join(lines).rstrip("\n") + "\n"
