"""The intermediate form: a model as typed trees, the one source for every engine and export.

Guarantees: every expression carries its type and source position; nothing here depends on a size. Expressions are pure; only
statements change variables, and only through `Store`. Where a value could leave a declared bound, a `Fit` node says so. The
meaning of each node is what CPython does with the source it came from; `evaluate` is its executable definition.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any, TypeVar

from ratified.language.errors import Span
from ratified.language.types import RecordType, SortType, Type


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


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A call of a pure function of the model (`functions[function]`), reading the variables of `which`."""

    function: str
    arguments: tuple[Expr, ...]
    which: Which


# --- statements -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Let(Node):
    """Give local names a value; several names unpack a tuple."""

    names: tuple[str, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class Store(Node):
    """Change a variable, at a path of map keys (and perhaps a last sequence index)."""

    variable: str
    path: tuple[Expr, ...]
    value: Expr
    which: Which


@dataclass(frozen=True, slots=True)
class If(Node):
    """A conditional."""

    test: Expr
    then: tuple[Node, ...]
    orelse: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class For(Node):
    """A loop over a finite container, in canonical order. Several names unpack a tuple."""

    names: tuple[str, ...]
    domain: Expr
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Require(Node):
    """A guard: where it is false, the step is not possible."""

    test: Expr


@dataclass(frozen=True, slots=True)
class Assert(Node):
    """A claim of the model's author: where it is false, the model is in error."""

    test: Expr


@dataclass(frozen=True, slots=True)
class Return(Node):
    """The end of a function."""

    value: Expr | None


@dataclass(frozen=True, slots=True)
class Do(Node):
    """A call of a procedure: a helper that may change variables and `require`."""

    function: str
    arguments: tuple[Expr, ...]


# --- models -----------------------------------------------------------------------------------------------------------


class Kind(Enum):
    """What a function of a model is."""

    INIT = "init"
    ACTION = "action"
    INVARIANT = "invariant"
    STEP_INVARIANT = "step invariant"
    CONSTRAINT = "constraint"
    ASSUMPTION = "assumption"
    REFINEMENT = "refinement"
    EVENTUALLY = "eventually claim"
    LEADS_TO = "leads-to claim"
    VIEW = "view"
    HELPER = "helper"


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter of a function. For actions, `domain` is the set a guard at the top restricts it to, if one does."""

    name: str
    type: Type
    domain: Expr | None = None


@dataclass(frozen=True, slots=True)
class Fairness:
    """That an action which stays possible (if `strong`: is possible again and again) is taken in the end.

    `each` names the parameters for whose values this is so one by one; without any, the action as a whole is meant.
    """

    strong: bool
    each: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A method or plain function, typed. `returns` is None for a procedure. `key` is its name in `Module.functions`.

    `fair` is what an action promises for liveness; None if it may be put off for ever.
    """

    key: str
    name: str
    kind: Kind
    arguments: tuple[Argument, ...]
    returns: Type | None
    body: tuple[Node, ...]
    span: Span
    doc: str
    fair: Fairness | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """A variable (or parameter) of a model. `default` is its initial value if the class gives one."""

    name: str
    type: Type
    default: Literal | None
    span: Span | None
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Module:
    """A model: its sorts in order of appearance, parameters, variables, and functions by kind, in order of definition."""

    name: str
    doc: str
    sorts: tuple[SortType, ...]
    parameters: tuple[Declaration, ...]
    variables: tuple[Declaration, ...]
    functions: Mapping[str, Function]
    span: Span | None

    def of_kind(self, kind: Kind) -> tuple[Function, ...]:
        """The model's own functions of a kind (overridden ones are not among them)."""
        return tuple(f for f in self.functions.values() if f.kind is kind and f.key == f.name)


N = TypeVar("N", bound="Node | Clause")

_parts: dict[type, tuple[str, ...]] = {}


def _fields(kind: type) -> tuple[str, ...]:
    """The fields of a kind of node in which there may be nodes, in order: what their annotations, which are text, say."""
    found = _parts.get(kind)
    if found is None:
        named = [f.name for f in fields(kind) if re.search(r"\b(Node|Expr|Clause)\b", str(f.type))]
        found = _parts[kind] = tuple(named)
    return found


def children(node: Node | Clause) -> Iterator[Node | Clause]:
    """The nodes directly inside a node, in the order of its fields."""
    for name in _fields(type(node)):
        value = getattr(node, name)
        if type(value) is tuple:
            yield from _flat(value)
        elif value is not None:
            yield value


def _flat(several: tuple[Any, ...]) -> Iterator[Node | Clause]:
    for item in several:
        if type(item) is tuple:
            yield from _flat(item)
        else:
            yield item


def walk(node: Node | Clause) -> Iterator[Node | Clause]:
    """A node and all nodes inside it, outer before inner, in the order of the source's fields."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed([*children(node)])


def rebuild(node: N, change: Callable[[Any], Any]) -> N:
    """A node with `change` applied to each node directly inside it; the very same one if `change` gave back what it got.

    `change` takes a node or clause and returns one that may stand in its place.
    """
    changes: dict[str, Any] = {}
    for name in _fields(type(node)):
        value = getattr(node, name)
        made = _changed(value, change)
        if made is not value:
            changes[name] = made
    return replace(node, **changes) if changes else node


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    if value is None:
        return None
    if type(value) is not tuple:
        return change(value)
    made = tuple([_changed(item, change) for item in value])
    return value if all(a is b for a, b in zip(made, value, strict=True)) else made


def alike(left: object, right: object) -> bool:
    """Whether two trees (or tuples of trees) are the same but for where they stand in the source."""
    if isinstance(left, Node | Clause):
        return type(left) is type(right) and all(
            alike(getattr(left, name), getattr(right, name))
            for name in left.__dataclass_fields__
            if name != "span"
        )
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(alike, left, right))
    return type(left) is type(right) and left == right


def size(node: Node | Clause, enough: int) -> int:
    """How many nodes there are in a tree, counted no further than a little past `enough`."""
    return sum(1 for _ in itertools.islice(walk(node), enough + 1))


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


EXPRESSIONS: Mapping[type[Expr], str] = {
    kind: _snake(kind.__name__)
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, Expr) and kind is not Expr
}
"""Every kind of expression, and what a method is called that deals with it."""
