"""Values that depend on unknowns: what stands for a value of each type of the language, as literals of a circuit.

| type | stands for it |
|---|---|
| bool | a literal |
| int, sort, enum, None, and these or bool as an optional | `SymbolicChoice`: one literal for each value that it may be |
| record, union, tuple, Map, other optionals | `Cases`: for each form that it may have a literal, and its parts |
| Set, Bag | `Multiplicities`: how many copies (a set: at most one) of each value, as a `SymbolicChoice` |
| Seq; Set, Bag of very many values, with a bound | `SlotList`: elements, each with a literal for whether it is there |

Guarantees: values are immutable; under the condition they were computed, one literal of a `SymbolicChoice` or `Cases` is true.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from ratified.language.errors import RatifiedError
from ratified.language.rules import NoRuleError, Rules
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
from ratified.language.values import Bag, Map, Seq, Set
from ratified.smt.finite.circuit import TRUE


class CircuitTooLarge(RatifiedError):
    """A model, at this size, of which no circuit of a sensible size can be made."""


class Some:
    """The form of an optional set, bag or sequence that is there; its part is that."""


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """The form of maps with these keys, in canonical order; parts are the values. `at` says where a key's value is."""

    at: Mapping[Any, int]
    of: type[Map[Any, Any]] = Map


Form = type | Keys | None
"""How a value is made of its parts: a record's class, `tuple`, `Keys`, `Some`; None for None."""


def made(form: Form, parts: tuple[Any, ...]) -> Any:
    """Return the value of a form with these parts."""
    if form is None:
        return None
    if form is Some:
        return parts[0]
    if form is tuple:
        return parts
    if isinstance(form, Keys):
        return form.of(zip(form.at, parts, strict=True))
    return form(*parts)


ContainerKind = type[Seq[Any]] | type[Set[Any]] | type[Bag[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class SymbolicChoice:
    """One of several values."""

    options: Mapping[Any, int]


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """A value of one of several forms: for each a literal and the parts."""

    cases: Mapping[Form, tuple[int, SymbolicParts]]


@dataclass(frozen=True, slots=True, eq=False)
class Multiplicities:
    """A set or bag: for each value how many copies there are, which is 0 for values that are not in the mapping."""

    kind: ContainerKind
    counts: Mapping[Any, SymbolicChoice]


@dataclass(frozen=True, slots=True, eq=False)
class SlotList:
    """A sequence, or a set or bag in no order: the first few slots are used. Those used in a set differ."""

    kind: ContainerKind
    slots: tuple[GuardedValue, ...]


Symbolic = int | SymbolicChoice | Cases | Multiplicities | SlotList
SymbolicParts = tuple[Symbolic, ...]
GuardedValue = tuple[int, Symbolic]
"""A value, and what makes it the one that is meant, or makes it be there."""

LiteralTruth = Callable[[int], bool]
"""Whether a literal is true."""


def one_of(value: Hashable) -> SymbolicChoice:
    """Return the choice that is made."""
    return SymbolicChoice({value: TRUE})


def one_form(form: Form, *parts: Symbolic) -> Cases:
    """Return a value whose form is known."""
    return Cases({form: (TRUE, parts)})


def atomic(t: Type) -> bool:
    """Return whether values of a type are held as a `SymbolicChoice`."""
    try:
        return _ATOMIC(t, None)
    except NoRuleError:
        raise unheard_of(t) from None


_ATOMIC: Rules[None, bool] = Rules("types of choices")


@_ATOMIC.rule(IntType, SortType, EnumType, NoneType)
def _(t: Type, _: None) -> bool:
    return True


@_ATOMIC.rule(BoolType, RecordType, UnionType, TupleType, MapType, SetType, BagType, SeqType)
def _(t: Type, _: None) -> bool:
    return False


@_ATOMIC.rule(OptionalType)
def _(t: OptionalType, _: None) -> bool:
    return isinstance(t.item, BoolType) or atomic(t.item)


def unheard_of(t: Type) -> CircuitTooLarge:
    """Return the error for a type that there is no case for."""
    return CircuitTooLarge(
        f"there are no circuits of values of type {t}", remedy="`ratified check` explores it"
    )


def decoded(value: Symbolic, true: LiteralTruth) -> Any:
    """Return the value that truth values give to a symbolic one. Call inside `running(scope)`."""
    match value:
        case int():
            return true(value)
        case SymbolicChoice(options):
            return next(v for v, literal in options.items() if true(literal))
        case Cases(cases):
            form, parts = next((form, parts) for form, (literal, parts) in cases.items() if true(literal))
            return made(form, tuple([decoded(part, true) for part in parts]))
        case Multiplicities(kind, counts):
            return kind([v for v, n in counts.items() for _ in range(decoded(n, true))])
        case SlotList(kind, slots):
            return kind([decoded(item, true) for used, item in slots if true(used)])
