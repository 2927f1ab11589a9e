"""What a generated expression may speak of: the declarations of the model's file, and the names in scope.

Guarantees: scopes are frozen values; a name in scope has, for a type checker too, the type that the scope gives it (so a test of
an optional gives a scope in which it is narrowed).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from tests.generate.types import (
    BagType,
    BoolType,
    DisplayType,
    EnumType,
    IntType,
    MapType,
    OptionType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TextType,
    TupleType,
    Type,
    UnionType,
    fits,
)

MOST_ATOMS = 60


@dataclass(frozen=True, slots=True)
class Name:
    """Something that can be read: a local name, a parameter, a variable (`self.x`), or a path from one."""

    text: str
    kind: Type

    @property
    def local(self) -> bool:
        """Whether tests narrow it."""
        return self.text.isidentifier()


@dataclass(frozen=True, slots=True)
class Function:
    """A function or helper method that can be called; with `method`, on its first argument, a record."""

    text: str
    parameters: tuple[Type, ...]
    result: Type
    method: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """The declarations of a file, in order."""

    sorts: tuple[SortType, ...]
    enums: tuple[EnumType, ...] = ()
    integers: tuple[IntType, ...] = ()
    records: tuple[RecordType, ...] = ()
    unions: tuple[UnionType, ...] = ()
    texts: tuple[TextType, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Names that can be read and functions that can be called."""

    world: World
    names: tuple[Name, ...] = ()
    functions: tuple[Function, ...] = ()

    def having(self, *names: Name) -> Scope:
        """With more names; a name that was there gets its new type."""
        texts = {name.text for name in names}
        return replace(self, names=(*names, *(old for old in self.names if not _mentions(old, texts))))

    def without(self, prefix: str) -> Scope:
        """Without the names that start so."""
        return replace(self, names=tuple(name for name in self.names if not name.text.startswith(prefix)))

    def calling(self, *functions: Function) -> Scope:
        """With more functions."""
        return replace(self, functions=(*self.functions, *functions))

    def atoms(self) -> tuple[Name, ...]:
        """Names, and what can be read from them by field, position and key without failing."""
        return _atoms(self)

    def of(self, kind: Type) -> list[str]:
        """The atoms that may stand where a `kind` is wanted."""
        return [atom.text for atom in _atoms(self) if fits(atom.kind, kind)]


def _mentions(name: Name, texts: set[str]) -> bool:
    return name.text in texts


@cache
def _atoms(scope: Scope) -> tuple[Name, ...]:
    found = list(scope.names)
    level = found
    for _ in range(2):
        level = [part for name in level for part in _parts(scope, name)][:MOST_ATOMS]
        found = [*found, *level]
    return tuple(dict.fromkeys(found))[:MOST_ATOMS]


def _parts(scope: Scope, name: Name) -> Iterator[Name]:
    match name.kind:
        case RecordType(_, fields):
            for field, kind in fields:
                yield Name(f"{name.text}.{field}", kind)
        case UnionType(members):
            for field, kind in members[0].fields:
                if all((field, kind) in other.fields for other in members):
                    yield Name(f"{name.text}.{field}", kind)
        case TupleType(items):
            for index, kind in enumerate(items):
                yield Name(f"{name.text}[{index}]", kind)
        case MapType(key, value):
            for text in [*(one.text for one in scope.names if fits(one.kind, key)), *constants(key)][:4]:
                yield Name(f"{name.text}[{text}]", value)
        case _:
            pass


@cache
def constants(kind: Type) -> tuple[str, ...]:
    """The values of a type that can be written down, the simplest first."""
    match kind:
        case EnumType(name, members):
            return tuple(f"{name}.{member}" for member in members)
        case TextType(_, texts):
            return tuple(f'"{text}"' for text in texts)
        case IntType(low, high):
            near = (0, 1, 2, low, high, 3)
            return tuple(
                dict.fromkeys(str(number) for number in near if low <= number <= high and abs(number) < 100)
            )
        case SortType(name, _, size) if kind.ordered:
            return (f"first({name})", *(f"{name}({index})" for index in range(size)), f"last({name})")
        case SortType(name, _, size) if kind.numbered:
            return tuple(f"{name}({index})" for index in range(size))
        case OptionType():
            return ("None",)
        case BoolType():
            return ("False", "True")
        case _:
            return ()


def collection_item(kind: Type) -> Type | None:
    """What one gets by iterating over a value of this type, if that is its elements."""
    match kind:
        case SetType(item) | SeqType(item) | BagType(item) | DisplayType(item):
            return item
        case _:
            return None


_WHOLE = (
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.Subscript,
    ast.Call,
    ast.Set,
    ast.List,
    ast.SetComp,
    ast.ListComp,
    ast.Dict,
)


@cache
def wrap(text: str) -> str:
    """The expression as an operand: in parentheses unless it cannot be taken apart."""
    if text.startswith("("):
        try:
            inside = ast.parse(text[1:-1], mode="eval")
        except SyntaxError:
            inside = None
        if inside is not None:
            return text
    return text if isinstance(ast.parse(text, mode="eval").body, _WHOLE) else f"({text})"
