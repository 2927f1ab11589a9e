"""What the symbols of a theory are called.

Guarantees: no two things of a model are called the same, whatever their names are; none is called like a word of SMT-LIB or of a
solver, or like a bound variable. Every name begins with what it belongs to (`state/`, `param/`, `arg/`, `sort/`, `the/`), and
what the translation adds to a name of the model begins with a character that no identifier has:

    state/votes          a variable            state/votes<Ping>    the part of a set or map that is about one case of its items
    state/leader?        is there a value?     state/pc=WAITING     is it this member?
    state/message.term   a field               state/message?Ping   is it this record?
    state/log/at         of a sequence
"""

from __future__ import annotations

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
from ratified.smt.terms import Symbol


def ascii_name(name: str) -> str:
    """An identifier in the letters that SMT-LIB has for names: others by their number."""
    return "".join(c if c.isascii() else f"~{ord(c):x}~" for c in name)


def _class_name(cls: type) -> str:
    return ascii_name(cls.__qualname__.rpartition("<locals>.")[2])


def sort_name(t: SortType) -> str:
    """The sort of a sort's values."""
    return f"sort/{_class_name(t.sort)}"


def shown(sort: str) -> str:
    """A sort as the model calls it."""
    return sort.removeprefix("sort/").removeprefix("param/")


def variable_name(name: str) -> str:
    """The symbol of a variable of the model."""
    return f"state/{ascii_name(name)}"


def parameter_name(name: str) -> str:
    """The symbol of a parameter of the model."""
    return f"param/{ascii_name(name)}"


def argument_name(function: str, name: str) -> str:
    """The symbol of an argument of an action, or of `init`."""
    return f"arg/{ascii_name(function)}/{ascii_name(name)}"


def size_name(sort: str) -> str:
    """The symbol of how many elements a sort, or a set of a sort of sets, has."""
    return f"{sort}/size"


def is_size(symbol: Symbol) -> bool:
    """Whether a symbol says how many elements a sort, or a set, has."""
    return symbol.name.startswith("sort/") and symbol.name.endswith("/size")


def sized(symbol: Symbol) -> str:
    """The sort that a symbol says the size of, or of whose sets."""
    return symbol.name.removesuffix("/size")


def majority_name(sort: str) -> str:
    """The sort of the smallest majorities of a sort."""
    return f"{sort}/majority"


def members_name(sort: str) -> str:
    """The symbol of what is in the values of a sort of sets."""
    return f"{sort}/has"


def is_majority(symbol: Symbol) -> bool:
    """Whether a symbol says who is in which of the smallest majorities of a sort."""
    return symbol.name.endswith("/majority/has")


def is_content(sort: str) -> bool:
    """Whether the values of a sort are containers, such as the sets in a set: the names of no others have a `<`."""
    return "<" in sort


def unknown_name(number: int) -> str:
    """The symbol of a value of which nothing is known."""
    return f"the/unknown/{number}"


def is_unknown(symbol: str) -> bool:
    """Whether a symbol is such a value, or a part of it."""
    return symbol.startswith("the/unknown/")


def worked_out_name(which: object) -> str:
    """The symbol of what is worked out place after place, by its number, or whatever tells it from others."""
    return f"loop/{which}"


def in_all_name(symbol: str) -> str:
    """The symbol of what a sum comes to in the end, by that of what it comes to at a place."""
    return "loop/in_all" + symbol.removeprefix("loop").removesuffix("/sum")


def is_worked_out(symbol: str) -> bool:
    """Whether a symbol is what a loop, or a sum, comes to (`recursion.py`)."""
    return symbol.startswith("loop/")


def is_of(symbol: str, name: str) -> bool:
    """Whether a symbol stands for a thing of this name, or for a part of it."""
    return symbol.startswith(name) and (symbol == name or symbol[len(name)] in "/.?=<")


def record_names(records: tuple[RecordType, ...]) -> list[str]:
    """What the records of a union are called in it: by their classes, and by their place where two have one name."""
    plain = [_class_name(r.record) for r in records]
    return [n if plain.count(n) == 1 else f"{n}~{i}" for i, n in enumerate(plain)]


def _key_name(t: Type) -> str:
    """A key's type, bounds included: maps that have other keys are other maps."""
    if isinstance(t, IntType) and t.low is not None:
        return "Int!" + _of_bounds(t.low, t.high)
    if isinstance(t, SetType | SeqType) and t.size is not None:
        return container_name(t) + "!" + _of_bounds(t.size)
    if isinstance(t, TupleType):
        return "<".join([f"Tuple{len(t.items)}", *map(_key_name, t.items)])
    return container_name(t)


def _of_bounds(*bounds: int | str | None) -> str:
    said = ":".join(map(str, bounds))
    return "".join(c if c.isascii() and c.isalnum() else f"~{ord(c):x}~" for c in said)


def container_name(t: Type) -> str:
    """A name for a type that tells it from all others, bounds apart."""
    return _NAMES(t, None)


_NAMES: Rules[None, str] = Rules("the names of types in logic")


@_NAMES.rule(MapType)
def _(t: MapType, _: None) -> str:
    return f"Map<{_key_name(t.key)}<{container_name(t.value)}"


@_NAMES.rule(SetType)
def _(t: SetType, _: None) -> str:
    return f"Set<{container_name(t.item)}"


@_NAMES.rule(SeqType)
def _(t: SeqType, _: None) -> str:
    return f"Seq<{container_name(t.item)}"


@_NAMES.rule(OptionalType)
def _(t: OptionalType, _: None) -> str:
    return f"Maybe<{container_name(t.item)}"


@_NAMES.rule(TupleType)
def _(t: TupleType, _: None) -> str:
    return "<".join([f"Tuple{len(t.items)}", *map(container_name, t.items)])


@_NAMES.rule(UnionType)
def _(t: UnionType, _: None) -> str:
    return "<".join([f"Union{len(t.records)}", *map(container_name, t.records)])


@_NAMES.rule(SortType)
def _(t: SortType, _: None) -> str:
    return _class_name(t.sort)


@_NAMES.rule(RecordType)
def _(t: RecordType, _: None) -> str:
    return f"{_class_name(t.record)}&"


@_NAMES.rule(EnumType)
def _(t: EnumType, _: None) -> str:
    return f"{_class_name(t.enum)}="


@_NAMES.rule(IntType)
def _(t: IntType, _: None) -> str:
    return "Int!"


@_NAMES.rule(BoolType)
def _(t: BoolType, _: None) -> str:
    return "Bool!"


@_NAMES.rule(NoneType, BagType)
def _(t: NoneType | BagType, _: None) -> str:
    return f"{t}!"
