"""Many-sorted first-order terms: what obligations are made of before they become text for a solver.

Guarantees: terms are frozen and typed; they are made by the functions below, which simplify what is plain (constants, double
negations, nested conjunctions) and nothing else; variables bound by quantifiers have names that are used once, so that no
substitution captures.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

BOOL = "Bool"
INT = "Int"
"""The two sorts that mean the same in every structure; all others are names of uninterpreted sorts."""


class _Node:
    """What a term remembers of itself once it was asked: formulas share parts, and are asked often."""

    __slots__ = ("_choices", "_free", "_hash", "_mentioned")

    _choices: int
    _free: frozenset[Bound]
    _hash: int
    _mentioned: Mentioned


@functools.cache
def _fields(kind: Any) -> Callable[[_Node], object]:
    """What gives the parts of a term of a kind, which is a dataclass."""
    return attrgetter(*kind.__match_args__)


def _hash_of(term: _Node) -> int:
    """The hash of a term's class and parts."""
    try:
        return term._hash
    except AttributeError:
        kind: Any = type(term)
        made = hash((kind, _fields(kind)(term)))
        object.__setattr__(term, "_hash", made)
        return made


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function, a predicate, or (without arguments) a constant."""

    name: str
    arguments: tuple[str, ...]
    result: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A variable bound by a quantifier."""

    name: str
    sort: str


@dataclass(frozen=True, slots=True)
class Apply(_Node):
    """A symbol applied to its arguments."""

    __hash__ = _hash_of

    symbol: Symbol
    arguments: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Equal(_Node):
    """Equality of two terms of one sort."""

    __hash__ = _hash_of

    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Not(_Node):
    """Negation."""

    __hash__ = _hash_of

    operand: Term


@dataclass(frozen=True, slots=True)
class And(_Node):
    """Conjunction; of nothing, true."""

    __hash__ = _hash_of

    operands: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Or(_Node):
    """Disjunction; of nothing, false."""

    __hash__ = _hash_of

    operands: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Choice(_Node):
    """`then if test else orelse`, of any sort."""

    __hash__ = _hash_of

    test: Term
    then: Term
    orelse: Term


@dataclass(frozen=True, slots=True)
class Quantified(_Node):
    """For all (or for some) values of the variables."""

    __hash__ = _hash_of

    universal: bool
    variables: tuple[Bound, ...]
    body: Term


@dataclass(frozen=True, slots=True)
class Number:
    """An integer constant."""

    value: int


@dataclass(frozen=True, slots=True)
class Arithmetic(_Node):
    """`+ - * div mod` on integers, and the comparisons `<` and `<=`, which are formulas."""

    __hash__ = _hash_of

    op: str
    operands: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class The(_Node):
    """The value of which `says` is true, where `exists` is: then there is exactly one. Elsewhere any, but always the same.

    It stands in formulas that are being made, and is gone from obligations (`definite.py`).
    """

    __hash__ = _hash_of

    variable: Bound
    exists: Term
    says: Term


Term = Bound | Apply | Equal | Not | And | Or | Choice | Quantified | Number | Arithmetic | The

TRUE: Term = And(())
FALSE: Term = Or(())

_numbers = itertools.count(1)


def fresh(name: str, sort: str) -> Bound:
    """A variable that occurs nowhere else."""
    return Bound(f"{name}!{next(_numbers)}", sort)


def sort_of(term: Term) -> str:
    """The sort of a term."""
    match term:
        case Bound(_, sort) | The(Bound(_, sort)):
            return sort
        case Apply(symbol, _):
            return symbol.result
        case Number():
            return INT
        case Arithmetic(op, _):
            return BOOL if op in ("<", "<=") else INT
        case Choice(_, then, _):
            return sort_of(then)
    return BOOL


def constant(name: str, sort: str) -> Apply:
    """A constant."""
    return Apply(Symbol(name, (), sort), ())


def neg(term: Term) -> Term:
    """Negation."""
    if isinstance(term, Not):
        return term.operand
    if term == TRUE:
        return FALSE
    return TRUE if term == FALSE else Not(term)


def _flat(terms: Iterable[Term], kind: type[And] | type[Or]) -> Iterator[Term]:
    for term in terms:
        if isinstance(term, kind):
            yield from term.operands
        else:
            yield term


def conj(*terms: Term) -> Term:
    """Conjunction."""
    kept = list(dict.fromkeys(_flat(terms, And)))
    if FALSE in kept:
        return FALSE
    return kept[0] if len(kept) == 1 else And(tuple(kept))


def disj(*terms: Term) -> Term:
    """Disjunction."""
    kept = list(dict.fromkeys(_flat(terms, Or)))
    if TRUE in kept:
        return TRUE
    return kept[0] if len(kept) == 1 else Or(tuple(kept))


def implies(premise: Term, conclusion: Term) -> Term:
    """Implication; what the premise says in so many words is left out of the conclusion."""
    known = premise.operands if isinstance(premise, And) else (premise,)
    said = conclusion.operands if isinstance(conclusion, And) else (conclusion,)
    rest = tuple(part for part in said if part not in known)
    return disj(neg(premise), conclusion if len(rest) == len(said) else conj(*rest))


def equal(left: Term, right: Term) -> Term:
    """Equality; of formulas, equivalence."""
    if left == right:
        return TRUE
    if isinstance(left, Number) and isinstance(right, Number):
        return FALSE
    if sort_of(left) == BOOL:
        for one, other in ((left, right), (right, left)):
            if one == TRUE:
                return other
            if one == FALSE:
                return neg(other)
    return Equal(left, right)


def choice(test: Term, then: Term, orelse: Term) -> Term:
    """`then if test else orelse`."""
    if test == TRUE or then == orelse:
        return then
    if test == FALSE:
        return orelse
    if sort_of(then) == BOOL and (then in (TRUE, FALSE) or orelse in (TRUE, FALSE)):
        return conj(implies(test, then), disj(test, orelse))
    return Choice(test, then, orelse)


def quantified(universal: bool, variables: Iterable[Bound], body: Term) -> Term:
    """For all, or for some. Sorts have at least one value, so a constant body stands for itself."""
    used = free(body)
    kept = tuple(v for v in variables if v in used)
    if not kept:
        return body
    if isinstance(body, Quantified) and body.universal == universal:
        return Quantified(universal, kept + body.variables, body.body)
    return Quantified(universal, kept, body)


def every(variables: Iterable[Bound], body: Term) -> Term:
    """For all values of the variables."""
    return quantified(True, variables, body)


def some(variables: Iterable[Bound], body: Term) -> Term:
    """For some values of the variables."""
    return quantified(False, variables, body)


def less(left: Term, right: Term) -> Term:
    """`left < right` on integers."""
    if isinstance(left, Number) and isinstance(right, Number):
        return TRUE if left.value < right.value else FALSE
    return Arithmetic("<", (left, right))


def at_most(left: Term, right: Term) -> Term:
    """`left <= right` on integers."""
    if isinstance(left, Number) and isinstance(right, Number):
        return TRUE if left.value <= right.value else FALSE
    return TRUE if left == right else Arithmetic("<=", (left, right))


def plus(left: Term, right: Term) -> Term:
    """`left + right` on integers."""
    if isinstance(left, Number) and isinstance(right, Number):
        return Number(left.value + right.value)
    if right == Number(0):
        return left
    return right if left == Number(0) else Arithmetic("+", (left, right))


def quotient(left: int, right: int) -> int:
    """`div` of SMT-LIB, which leaves no less than 0. By 0 it has some value, always the same one: nothing may depend on which."""
    return 0 if right == 0 else left // right if right > 0 else -(left // -right)


def remainder(left: int, right: int) -> int:
    """`mod` of SMT-LIB: what `div` leaves."""
    return left - right * quotient(left, right)


def minus(left: Term, right: Term) -> Term:
    """`left - right` on integers."""
    if isinstance(left, Number) and isinstance(right, Number):
        return Number(left.value - right.value)
    return left if right == Number(0) else Arithmetic("-", (left, right))


_PARTS: Mapping[type, Callable[[Any], tuple[Term, ...]]] = {
    Bound: lambda _: (),
    Number: lambda _: (),
    Apply: attrgetter("arguments"),
    And: attrgetter("operands"),
    Or: attrgetter("operands"),
    Arithmetic: attrgetter("operands"),
    Equal: attrgetter("left", "right"),
    Not: lambda t: (t.operand,),
    Choice: attrgetter("test", "then", "orelse"),
    Quantified: lambda t: (t.body,),
    The: attrgetter("exists", "says"),
}


def parts(term: Term) -> tuple[Term, ...]:
    """The terms directly inside a term."""
    return _PARTS[type(term)](term)


def walk(term: Term) -> Iterator[Term]:
    """A term and all terms inside it, outer before inner."""
    left = [term]
    while left:
        term = left.pop()
        yield term
        left += parts(term)[::-1]


_NONE: frozenset[Bound] = frozenset()


def free(term: Term) -> frozenset[Bound]:
    """The variables that a term mentions and does not bind."""
    if isinstance(term, Bound):
        return frozenset((term,))
    if isinstance(term, Number):
        return _NONE
    try:
        return term._free
    except AttributeError:
        found = _NONE.union(*(free(p) for p in parts(term)))
        match term:
            case Quantified(_, variables, _):
                found = found.difference(variables)
            case The(variable, _, _):
                found -= {variable}
        object.__setattr__(term, "_free", found)
        return found


def choices(term: Term) -> int:
    """How many choices a term is written with outside of quantifiers, each counted as often as it is written."""
    if isinstance(term, Bound | Number | Quantified | The):
        return 0
    try:
        return term._choices
    except AttributeError:
        found = isinstance(term, Choice) + sum(map(choices, parts(term)))
        object.__setattr__(term, "_choices", found)
        return found


@dataclass(frozen=True, slots=True)
class Mentioned:
    """What a term mentions: symbols by name, and sorts, in order of appearance; integers, and operations that are not linear."""

    symbols: Mapping[str, Symbol]
    sorts: tuple[str, ...]
    numbers: bool
    hard: bool


def mentioned(term: Term) -> Mentioned:
    """What a term mentions."""
    if isinstance(term, Bound | Number):
        return _mentioned_in(term)
    try:
        return term._mentioned
    except AttributeError:
        found = _mentioned_in(term)
        object.__setattr__(term, "_mentioned", found)
        return found


def _mentioned_in(term: Term) -> Mentioned:
    symbols: dict[str, Symbol] = {}
    sorts: dict[str, None] = {}
    numbers = hard = False
    for part in walk(term):
        match part:
            case Apply(symbol, _):
                known = symbols.setdefault(symbol.name, symbol)
                assert known == symbol, (known, symbol)
                sorts |= dict.fromkeys((*symbol.arguments, symbol.result))
            case Quantified(_, variables, _):
                sorts |= dict.fromkeys(v.sort for v in variables)
            case Bound(_, sort):
                numbers = numbers or sort == INT
            case Number():
                numbers = True
            case Arithmetic(op, _):
                numbers, hard = True, hard or op in ("*", "div", "mod")
    numbers = numbers or any(INT in (*s.arguments, s.result) for s in symbols.values())
    return Mentioned(symbols, tuple(sorts), numbers, hard)


def symbols_of(terms: Iterable[Term]) -> dict[str, Symbol]:
    """The symbols that terms mention, by name, in order of appearance."""
    found: dict[str, Symbol] = {}
    for term in terms:
        for name, symbol in mentioned(term).symbols.items():
            known = found.setdefault(name, symbol)
            assert known == symbol, (known, symbol)
    return found


def rebuilt(term: Term, change: Callable[[Term], Term]) -> Term:
    """A term with each term directly inside it changed, simplified."""
    match term:
        case Apply(symbol, inner):
            return Apply(symbol, tuple(map(change, inner)))
        case And(inner):
            return conj(*map(change, inner))
        case Or(inner):
            return disj(*map(change, inner))
        case Not(operand):
            return neg(change(operand))
        case Equal(left, right):
            return equal(change(left), change(right))
        case Choice(test, then, orelse):
            return choice(change(test), change(then), change(orelse))
        case Quantified(universal, variables, body):
            return quantified(universal, variables, change(body))
        case Arithmetic(op, inner):
            return arithmetic(op, *map(change, inner))
        case The(variable, exists, says):
            return The(variable, change(exists), change(says))
    return term


def arithmetic(op: str, left: Term, right: Term) -> Term:
    """An operation by its name."""
    known = {"<": less, "<=": at_most, "+": plus, "-": minus}
    return known[op](left, right) if op in known else Arithmetic(op, (left, right))


def substituted(term: Term, values: Mapping[Bound, Term]) -> Term:
    """A term with values in the place of variables."""
    if isinstance(term, Bound):
        return values.get(term, term)
    if values.keys().isdisjoint(free(term)):
        return term
    return rebuilt(term, lambda inner: substituted(inner, values))
