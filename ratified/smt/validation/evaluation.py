"""Formulas evaluated in a finite structure whose tables change: each is compiled once, and then asked for many states.

Guarantees: the textbook meaning, as `Structure.evaluate` has it; quantifiers over integers range over the window that is given,
and a window that is not known raises `TooMuch`, as does an evaluation that takes more effort than it is given.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from operator import add, le, lt, mul, sub

from ratified.smt.law import Law
from ratified.smt.terms import (
    BOOL,
    INT,
    And,
    Apply,
    Arithmetic,
    Bound,
    Choice,
    Equal,
    Not,
    Number,
    Or,
    Quantified,
    Term,
    The,
    free,
    quotient,
    remainder,
)

Evaluate = Callable[[], int]
"""A compiled term: its value in the structure as it is now. Formulas are 0 or 1."""

Key = tuple[int, ...]

_OPERATORS: Mapping[str, Callable[[int, int], int]] = {
    "<": lt,
    "<=": le,
    "+": add,
    "-": sub,
    "*": mul,
    "div": quotient,
    "mod": remainder,
}


OUT_OF_EFFORT = "there is more to evaluate than there is time for"


class TooMuch(Exception):
    """What would take too long, or range over values without an end."""


class WorkLeft:
    """How much may still be done, in units of about half a microsecond: the same on every machine, unlike time."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, units: int) -> None:
        """Note that something has been done. Raises TooMuch."""
        self.left -= units
        if self.left < 0:
            raise TooMuch(OUT_OF_EFFORT)


COMPILING = 25
"""Units for compiling a term, without those inside it."""


class Interpretation(dict[Key, int]):
    """What a symbol means. What is not said is `other(key)`, on which nothing may depend; without it, 0 (false)."""

    __slots__ = ("name", "other")

    def __init__(self, name: str, other: Callable[[Key], int] | None = None) -> None:
        super().__init__()
        self.name, self.other = name, other

    __hash__ = object.__hash__  # type: ignore[assignment]  # a table is itself, whatever is in it

    def __eq__(self, other: object) -> bool:
        return self is other

    def __missing__(self, key: Key) -> int:
        return 0 if self.other is None else self.other(key)


class Evaluation:
    """A structure: how many elements each sort has, and a table for each symbol.

    `unknown` makes the table of a symbol that has none yet.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        integers: range | None,
        unknown: Callable[[str, str], Interpretation],
        effort: WorkLeft,
    ) -> None:
        self.sizes = sizes
        self.integers = integers
        self.tables: dict[str, Interpretation] = {}
        self._effort = effort
        self._unknown = unknown
        self._values: list[int] = []

    def elements(self, sort: str) -> range:
        """What a variable of a sort ranges over."""
        if sort == BOOL:
            return range(2)
        if sort == INT:
            if self.integers is None:
                raise TooMuch("integers without bounds")
            return self.integers
        if sort not in self.sizes:
            raise TooMuch(f"the sort {sort}, which has no elements here")
        return range(self.sizes[sort])

    def table(self, name: str, result: str) -> Interpretation:
        """The table of a symbol."""
        if name not in self.tables:
            self.tables[name] = self._unknown(name, result)
        return self.tables[name]

    def compiled(self, term: Term) -> Evaluate:
        """A term without free variables, ready to be asked."""
        return self._compiled(term, {})

    def following(self, laws: Sequence[Law]) -> Callable[[Key], int]:
        """What laws make of a symbol's arguments: 0 where none applies."""
        rules = list[tuple[Sequence[range], Evaluate, Evaluate]]()
        values, spend = self._values, self._effort.spend

        def compiled(law: Law) -> tuple[Sequence[range], Evaluate, Evaluate]:
            variables = [b for b in (*law.left.arguments, *law.own) if isinstance(b, Bound)]
            values.extend([0] * (len(variables) - len(values)))
            slots = {b: i for i, b in enumerate(variables)}
            domains = [self.elements(b.sort) for b in law.own]
            return domains, self._compiled(law.where, slots), self._compiled(law.right, slots)

        def follow(key: Key) -> int:
            if not rules:
                rules.extend([compiled(law) for law in laws])
            kept = values[:]  # of the formula that asks, which may be one of these
            try:
                for domains, where, right in rules:
                    for other in itertools.product(*domains):
                        spend(1)
                        values[: len(key) + len(other)] = (*key, *other)
                        if where():
                            return right()
            finally:
                values[: len(kept)] = kept
            return 0

        return follow

    def _compiled(self, term: Term, slots: Mapping[Bound, int]) -> Evaluate:
        self._effort.spend(COMPILING)
        match term:
            case Bound():
                return self._bound(slots[term])
            case Apply():
                return self._apply(term, slots)
            case Number(value):
                return lambda: value
            case Equal(left, right):
                a, b = self._compiled(left, slots), self._compiled(right, slots)
                return lambda: a() == b()
            case Not(operand):
                inner = self._compiled(operand, slots)
                return lambda: not inner()
            case And(operands):
                return _all([self._compiled(o, slots) for o in operands])
            case Or(operands):
                return _any([self._compiled(o, slots) for o in operands])
            case Choice(test, then, orelse):
                t, x, y = (self._compiled(o, slots) for o in (test, then, orelse))
                return lambda: x() if t() else y()
            case Arithmetic(op, (left, right)):
                a, b, operator = self._compiled(left, slots), self._compiled(right, slots), _OPERATORS[op]
                return lambda: operator(a(), b())
            case Quantified(universal, variables, body):
                return self._quantified(universal, variables, body, slots)
            case The(variable, exists, says):
                return self._described(variable, exists, says, slots)
        raise AssertionError(term)

    def _bound(self, slot: int) -> Evaluate:
        values = self._values
        return lambda: values[slot]

    def _apply(self, term: Apply, slots: Mapping[Bound, int]) -> Evaluate:
        table = self.table(term.symbol.name, term.symbol.result)
        arguments = [self._compiled(a, slots) for a in term.arguments]
        match arguments:
            case []:
                return lambda: table[()]
            case [one]:
                return lambda: table[(one(),)]
            case [one, two]:
                return lambda: table[(one(), two())]
        return lambda: table[tuple([a() for a in arguments])]

    def _quantified(
        self, universal: bool, variables: Sequence[Bound], body: Term, slots: Mapping[Bound, int]
    ) -> Evaluate:
        """For all: each disjunct is asked once its variables have values; one that is true ends the branch. For some: dually."""
        first = len(slots)
        inner = {**slots, **{v: first + i for i, v in enumerate(variables)}}
        while len(self._values) < first + len(variables):
            self._values.append(0)
        levels: list[list[Evaluate]] = [[] for _ in range(len(variables) + 1)]
        for part in operands_of(body, conjunction=not universal):
            mentioned = free(part)
            level = max((i for i, v in enumerate(variables, 1) if v in mentioned), default=0)
            levels[level].append(self._compiled(part, inner))
        whole: Evaluate | None = None
        for index in reversed(range(len(variables))):
            domain = self.elements(variables[index].sort)
            whole = self._turn(universal, first + index, domain, levels[index + 1], whole)
        assert whole is not None
        if not levels[0]:
            return whole
        return _any([*levels[0], whole]) if universal else _all([*levels[0], whole])

    def _described(self, variable: Bound, exists: Term, says: Term, slots: Mapping[Bound, int]) -> Evaluate:
        """The value of which something is true; where there is none, the first that there is."""
        slot, inner = len(slots), {**slots, variable: len(slots)}
        if len(self._values) <= slot:
            self._values.append(0)
        there, right = self._compiled(exists, slots), self._compiled(says, inner)
        values, domain, spend = self._values, self.elements(variable.sort), self._effort.spend

        def ask() -> int:
            if not there():
                return domain[0]
            spend(len(domain))
            for x in domain:
                values[slot] = x
                if right():
                    return x
            return domain[0]

        return ask

    def _turn(
        self, universal: bool, slot: int, domain: range, parts: list[Evaluate], rest: Evaluate | None
    ) -> Evaluate:
        values, count, spend = self._values, len(domain), self._effort.spend

        def every() -> int:
            spend(count)
            for x in domain:
                values[slot] = x
                for part in parts:
                    if part():
                        break
                else:
                    if rest is None or not rest():
                        return 0
            return 1

        def some() -> int:
            spend(count)
            for x in domain:
                values[slot] = x
                for part in parts:
                    if not part():
                        break
                else:
                    if rest is None or rest():
                        return 1
            return 0

        return every if universal else some


def operands_of(body: Term, *, conjunction: bool) -> list[Term]:
    """The operands of nested conjunctions (or disjunctions), negations moved inwards."""
    match body:
        case And(operands) if conjunction:
            return [p for o in operands for p in operands_of(o, conjunction=True)]
        case Or(operands) if not conjunction:
            return [p for o in operands for p in operands_of(o, conjunction=False)]
        case Not(Or(operands)) if conjunction:
            return [p for o in operands for p in operands_of(Not(o), conjunction=True)]
        case Not(And(operands)) if not conjunction:
            return [p for o in operands for p in operands_of(Not(o), conjunction=False)]
        case Not(Not(operand)):
            return operands_of(operand, conjunction=conjunction)
    return [body]


def _all(parts: Sequence[Evaluate]) -> Evaluate:
    def ask() -> int:
        for part in parts:
            if not part():
                return 0
        return 1

    return ask


def _any(parts: Sequence[Evaluate]) -> Evaluate:
    def ask() -> int:
        for part in parts:
            if part():
                return 1
        return 0

    return ask
