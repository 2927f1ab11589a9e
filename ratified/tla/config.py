"""The configuration of a module: sizes, parameters, and what TLC is asked.

Guarantees: every constant of the module has a value, the one that it has in the model at its size.
"""

from __future__ import annotations

from ratified.interchange.representation import Representation
from ratified.language.ir import Declaration
from ratified.language.types import BoolType, EnumType, IntType, SetType, SortType, Type
from ratified.language.values import Set
from ratified.tla.claims import Claims
from ratified.tla.vocabulary import Vocabulary


def in_config(parameter: Declaration, words: Vocabulary) -> bool:
    """Whether a parameter's value can be written in a configuration."""
    value = words.model.scope.parameters[parameter.name]
    return _value(parameter.type, value, words.form) is not None


def _value(t: Type, value: object, form: Representation) -> str | None:
    match t:
        case BoolType():
            return "TRUE" if value else "FALSE"
        case IntType() if isinstance(value, int) and value >= 0:
            return str(int(value))
        case EnumType():
            return f'"{form.member(value)}"'  # type: ignore[arg-type]  # a member
        case SortType(sort) if isinstance(value, int):
            return str(int(value)) if t.ordered else form.value_names[sort][int(value)]
        case SetType(item) if isinstance(value, Set):
            parts = [_value(item, v, form) for v in value]
            return None if any(p is None for p in parts) else "{" + ", ".join(p for p in parts if p) + "}"
    return None


def config(words: Vocabulary, claims: Claims, *, bounded: bool, symmetry: bool) -> str:
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
