"""Expressions: pure, each of one type, and with its place in the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ratified.language.errors import Span
from ratified.language.types import MapType, RecordType, SortType, Type


class Which(Enum):
    """Whose variables are meant: the model's now, its own before the step, or those of the abstract model."""

    NOW = "now"
    OLD = "old"
    ABSTRACT = "abstract"


@dataclass(frozen=True, slots=True)
class Node:
    """Any part of a function's tree."""

    span: Span


@dataclass(frozen=True, slots=True)
class Expr(Node):
    """An expression: pure, and of one type."""

    type: Type


# --- leaves -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Literal(Expr):
    """A constant: None, a bool, an int, an enum member, a numbered sort value, or any frozen value of these."""

    value: object


@dataclass(frozen=True, slots=True)
class Local(Expr):
    """A local name, an argument, or a name bound by a comprehension."""

    name: str


@dataclass(frozen=True, slots=True)
class Variable(Expr):
    """A variable of the model."""

    name: str
    which: Which


@dataclass(frozen=True, slots=True)
class Parameter(Expr):
    """A parameter of the model: constant once a model is instantiated."""

    name: str


@dataclass(frozen=True, slots=True)
class Universe(Expr):
    """All values of a sort or enum, as a set (`type` is SetType)."""


@dataclass(frozen=True, slots=True)
class Subsets(Expr):
    """All subsets of a sort: of `size` members if given; the smallest majorities if `majorities`."""

    sort: SortType
    size: Expr | None
    majorities: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint(Expr):
    """The first or last value of an ordered sort."""

    last: bool


# --- logic and numbers ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Not(Expr):
    """Negation."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class And(Expr):
    """Conjunction, evaluated from the left and only as far as needed."""

    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or(Expr):
    """Disjunction, evaluated from the left and only as far as needed."""

    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Compare(Expr):
    """A comparison of two values of one type.

    `==` and `!=` compare any values; `< <= > >=` ints, ordered sorts, tuples of these, and sets (inclusion).
    """

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class In(Expr):
    """Membership: of a set, bag or sequence, or among the keys of a map."""

    item: Expr
    container: Expr


@dataclass(frozen=True, slots=True)
class IsNone(Expr):
    """`operand is None`."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class IsRecord(Expr):
    """`isinstance(operand, ...)`: whether a (perhaps optional) union holds one of these records."""

    operand: Expr
    records: tuple[RecordType, ...]


@dataclass(frozen=True, slots=True)
class IfElse(Expr):
    """`then if test else orelse`."""

    test: Expr
    then: Expr
    orelse: Expr


@dataclass(frozen=True, slots=True)
class Arithmetic(Expr):
    """`+ - * // %` on ints, with Python's floor division. Dividing by zero is an error."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Negative(Expr):
    """`-operand`."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Absolute(Expr):
    """`abs(operand)`."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Shift(Expr):
    """An ordered value moved by `steps` places. Past the last leaves a bound; before the first is an error."""

    operand: Expr
    steps: Expr


@dataclass(frozen=True, slots=True)
class IsLast(Expr):
    """Whether an ordered value is the last at this size."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Number(Expr):
    """`int(operand)`: the index of a sort's value, or 0 and 1 for a bool."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Numbered(Expr):
    """`Ballot(index)`. Past the last of an ordered sort leaves a bound; any other index outside the sort is an error."""

    index: Expr


# --- types ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Narrow(Expr):
    """The operand, known here to be of a smaller type (not None, or one record of a union)."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Widen(Expr):
    """The operand as a value of a larger type (an optional, a union, or a container of these)."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Fit(Expr):
    """The operand, checked against the bounds of this node's type; outside them the step leaves the bound of `name`."""

    operand: Expr
    name: str


# --- records, tuples, containers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MakeRecord(Expr):
    """A record of the node's type, from its fields in order."""

    fields: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class MakeTuple(Expr):
    """A tuple."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class MakeSet(Expr):
    """A set of these elements."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class MakeSeq(Expr):
    """A sequence of these elements."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class MakeMap(Expr):
    """A map from these keys to these values, every key of the type among them (later pairs win)."""

    pairs: tuple[tuple[Expr, Expr], ...]


@dataclass(frozen=True, slots=True)
class Field(Expr):
    """A field of a record, or one that all records of a union have."""

    operand: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Item(Expr):
    """A component of a tuple."""

    operand: Expr
    index: int


@dataclass(frozen=True, slots=True)
class At(Expr):
    """`container[key]` of a map or sequence (negative indices count from the end). Outside it is an error."""

    container: Expr
    key: Expr


@dataclass(frozen=True, slots=True)
class Slice(Expr):
    """`seq[low:high]` with Python's clipping."""

    operand: Expr
    low: Expr | None
    high: Expr | None


@dataclass(frozen=True, slots=True)
class Length(Expr):
    """`len(operand)`; copies counted for a bag."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Count(Expr):
    """How many copies of an item a bag or sequence has."""

    container: Expr
    item: Expr


@dataclass(frozen=True, slots=True)
class IndexOf(Expr):
    """The first position of an item in a sequence. An error if it is not there."""

    container: Expr
    item: Expr


@dataclass(frozen=True, slots=True)
class SetOp(Expr):
    """`| & - ^` on sets."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Disjoint(Expr):
    """Whether two sets have no element in common."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Concat(Expr):
    """`+` on sequences or bags."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Insert(Expr):
    """The container with one more element: set, bag, or at the end of a sequence."""

    container: Expr
    item: Expr


@dataclass(frozen=True, slots=True)
class Remove(Expr):
    """The set or bag with one (copy of an) element less. If `strict`, an absent element is an error."""

    container: Expr
    item: Expr
    strict: bool


@dataclass(frozen=True, slots=True)
class Pop(Expr):
    """The sequence without the element at a position. Outside it is an error."""

    container: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class With(Expr):
    """A map or sequence with another value at one key or position, which must be there."""

    container: Expr
    key: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Convert(Expr):
    """A container seen as another.

    `what` is distinct (bag to set), keys (map to set), values, items (map to sequence), reversed, enumerate (sequence to
    sequence), sorted, or sorted-reversed (anything of ints and ordered values to sequence).
    """

    what: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Zip(Expr):
    """A sequence of pairs, as long as the shorter one."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class IntRange(Expr):
    """`range(low, high)` as a sequence of ints."""

    low: Expr
    high: Expr


@dataclass(frozen=True, slots=True)
class Clause:
    """`for names in domain if conditions`: several names unpack a tuple. Sets and bags are run through in canonical order."""

    names: tuple[str, ...]
    domain: Expr
    conditions: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Collect(Expr):
    """A comprehension: `kind` is all, any, sum, min, max, set, seq, bag, or map (whose element is a pair).

    min and max compare `key` if there is one, take the first of equals, and give `default` when there is nothing.
    """

    kind: str
    element: Expr
    clauses: tuple[Clause, ...]
    key: Expr | None = None
    default: Expr | None = None

    @property
    def why_nothing(self) -> str:
        """Why a min or max has no value where there is nothing: that of what a partial map has at one key is `m[k]`."""
        match self.clauses[0].domain:
            case MakeSeq(items=(At(container=Expr(type=MapType(partial=True))),)):
                return "a key that is not there"
        return f"{self.kind}() of an empty container"


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A call of a pure function of the model (`functions[function]`), reading the variables of `which`."""

    function: str
    arguments: tuple[Expr, ...]
    which: Which


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


EXPRESSIONS: Mapping[type[Expr], str] = {
    kind: _snake(kind.__name__)
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, Expr) and kind is not Expr
}
"""Every kind of expression, and what a method is called that deals with it."""
