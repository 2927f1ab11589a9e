"""Small models of an obligation: sorts of a few elements, the fewest that will do.

Guarantees: a structure that is returned satisfies every fact of the obligation (as the solver says, and the caller may check); no
sort of it can have fewer elements with the others as they are, unless the solver did not know. Without integers a size is
decided: quantifiers are written out, for a SAT solver (`ratified.smt.expanded`). With them Z3 is asked, which has to search.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ratified.smt.facts import Fact, Role
from ratified.smt.first_order.grounded import GroundingTooLarge, closed, grounded
from ratified.smt.first_order.names import is_majority, is_size, members_name, sized
from ratified.smt.smtlib import script, sorts_in, uses_numbers
from ratified.smt.solving import read_values
from ratified.smt.structure import Structure, applications
from ratified.smt.terms import (
    BOOL,
    INT,
    TRUE,
    Apply,
    Number,
    Symbol,
    Term,
    at_most,
    choice,
    conj,
    constant,
    disj,
    equal,
    every,
    fresh,
    neg,
    plus,
    symbols_of,
    walk,
)

INTEGERS = range(-1, 6)
"""The integers at which symbols are asked for their values, and which displays range over, at least."""

WIDEST = 16
"""So many integers at most, where formulas speak of others."""


def window(facts: Iterable[Fact]) -> range:
    """The integers that a counterexample is looked for with: those that formulas speak of as well, and those beside them."""
    said = {t.value for f in facts for t in walk(f.formula) if isinstance(t, Number)} | set(INTEGERS[1:-1])
    wide = range(min(said) - 1, max(said) + 2)
    return wide if wide.stop - wide.start <= WIDEST else INTEGERS


def element(sort: str, index: int) -> Term:
    """The constant for an element of a sort."""
    return constant(f"{sort}!{index}", sort)


@dataclass(frozen=True, slots=True)
class Question:
    """Whether facts have a model of a size: for which solver, and the terms whose values it is asked for."""

    solver: str
    text: str
    ask: tuple[Term, ...] = ()
    integers: range = INTEGERS


def at_sizes(
    title: str, facts: Sequence[Fact], sizes: Mapping[str, int], *, values: bool = True, near: bool = True
) -> Question:
    """The question whether an obligation has a model where sorts have so many elements.

    Without `values` it asks only whether there is one: relations of many columns have many values. With `near`, integers are
    small, so that they can be read.
    """
    facts = _with_counts(facts, sizes)
    if uses_numbers(f.formula for f in facts):
        return _searched(title, facts, sizes, values=values, near=near)
    return Question("expanded", json.dumps({"script": script(title, facts), "sizes": dict(sizes)}))


def _with_counts(facts: Sequence[Fact], sizes: Mapping[str, int]) -> list[Fact]:
    """Facts, and how many elements there are in majorities and sets, in place of laws that follow from it."""
    symbols = symbols_of(f.formula for f in facts).values()
    counted = [_counted(s, sizes) for s in symbols if is_majority(s)]
    known = {s.name: f for s in symbols if (f := _sized(s, symbols, sizes))}
    news = (f for f in facts if f.role is not Role.SIZES or f.about not in known)
    return [*counted, *known.values(), *news]


def _searched(
    title: str, facts: Sequence[Fact], sizes: Mapping[str, int], *, values: bool, near: bool
) -> Question:
    """The question for a solver that is told in words how many elements there are."""
    closed = []
    for sort, size in sizes.items():
        names = [element(sort, i) for i in range(size)]
        x = fresh("x", sort)
        apart = conj(*(neg(equal(a, b)) for i, a in enumerate(names) for b in names[:i]))
        only = every([x], disj(*(equal(x, n) for n in names)))
        closed.append(Fact(f"{sort} has {size} elements", conj(apart, only)))
    symbols = symbols_of(f.formula for f in facts).values()
    integers = window(facts)
    numbers = [t for s in symbols if s.result == INT for t in _applied(s, sizes, integers)]
    close = [conj(at_most(Number(integers[1]), t), at_most(t, Number(integers[-2]))) for t in numbers]
    within = Fact("integers are small, to be read", conj(*close) if near else TRUE)
    ask: list[Term] = []
    if values:
        ask += [element(s, i) for s, n in sizes.items() for i in range(n)]
        ask += [t for s in symbols for t in _applied(s, sizes, integers)]
    asked = script(title, [*closed, within, *facts], sorts=list(sizes), ask=ask)
    return Question("z3", asked, tuple(ask), integers)


def written_out(
    title: str, facts: Sequence[Fact], sizes: Mapping[str, int], *, values: bool = True
) -> Question | None:
    """The same question without quantifiers, integers in a window: CPython is to confirm its answer. None if it is too long."""
    symbols = symbols_of(f.formula for f in facts).values()
    integers, every_fact = window(facts), _with_counts(facts, sizes)
    try:
        formulas = grounded([f.formula for f in every_fact], sizes, integers)
    except GroundingTooLarge:
        return None
    plain = [replace(f, formula=formula) for f, formula in zip(every_fact, formulas, strict=True)]
    elements = [element(s, i) for s, n in sizes.items() for i in range(n)]
    apart = conj(
        *(
            neg(equal(element(s, i), element(s, j)))
            for s, n in sizes.items()
            for i in range(n)
            for j in range(i)
        )
    )
    applied = [t for s in symbols for t in _applied(s, sizes, integers)]
    known = [Fact("elements differ", apart), Fact("there are no others", closed(applied, sizes))]
    ask = [*elements, *applied] if values else []
    return Question("z3", script(title, [*known, *plain], sorts=list(sizes), ask=ask), tuple(ask), integers)


def _counted(symbol: Symbol, sizes: Mapping[str, int]) -> Fact:
    """How many members a smallest majority has where the sort has so many elements."""
    system, sort = symbol.arguments
    size, q = sizes[sort], fresh("q", system)
    names = [element(sort, i) for i in range(size)]
    ways = []
    for members in itertools.combinations(range(size), size // 2 + 1):
        inside = [Apply(symbol, (q, n)) for n in names]
        ways.append(conj(*(x if i in members else neg(x) for i, x in enumerate(inside))))
    return Fact(f"majorities have {size // 2 + 1} of {size} members", every([q], disj(*ways)))


def _sized(size: Symbol, symbols: Iterable[Symbol], sizes: Mapping[str, int]) -> Fact | None:
    """How many elements sets (or a sort) have where sorts are so large; None for other symbols, and sets of other things."""
    whole = sized(size)
    if not is_size(size) or whole not in sizes:
        return None
    if not size.arguments:
        return Fact(f"{whole} has {sizes[whole]}", equal(Apply(size, ()), Number(sizes[whole])))
    has = next((s for s in symbols if s.name == members_name(whole) and len(s.arguments) == 2), None)
    if has is None or has.arguments[1] not in sizes:
        return None
    s = fresh("s", whole)
    total: Term = Number(0)
    for i in range(sizes[has.arguments[1]]):
        there = Apply(has, (s, element(has.arguments[1], i)))
        total = plus(total, choice(there, Number(1), Number(0)))
    return Fact(f"how many elements each of {whole} has", every([s], equal(Apply(size, (s,)), total)))


def _applied(symbol: Symbol, sizes: Mapping[str, int], integers: range) -> list[Term]:
    """A symbol applied to everything that there is."""
    return [
        Apply(symbol, tuple(_argument(s, k) for s, k in zip(symbol.arguments, key, strict=True)))
        for key in applications(symbol, sizes, integers)
    ]


def _argument(sort: str, key: int) -> Term:
    if sort == INT:
        return Number(key)
    return element(sort, key) if sort != BOOL else conj() if key else disj()


def read_structure(asked: Question, sizes: Mapping[str, int], answer: str) -> Structure:
    """The structure that the answer to a question tells."""
    if asked.ask:
        return _of_values(asked, sizes, answer)
    named: dict[str, dict[tuple[int, ...], int]]
    named = {f"{sort}!{index}": {(): index} for sort, size in sizes.items() for index in range(size)}
    told: dict[str, list[tuple[list[int], int]]] = json.loads(answer)
    tables = {symbol: {tuple(key): value for key, value in entries} for symbol, entries in told.items()}
    return Structure(sizes, {**named, **tables}, asked.integers)


def _of_values(asked: Question, sizes: Mapping[str, int], answer: str) -> Structure:
    """The structure that a solver's values are."""
    ask, integers = asked.ask, asked.integers
    values = [value for _, value in read_values(answer)]
    assert len(values) == len(ask), answer[:200]
    names: dict[tuple[str, str], int] = {}
    count = sum(sizes.values())
    flat = iter(values[:count])
    for sort, size in sizes.items():
        for index in range(size):
            names[sort, repr(next(flat))] = index
    tables: dict[str, dict[tuple[int, ...], int]] = {
        f"{sort}!{index}": {(): index} for sort, size in sizes.items() for index in range(size)
    }
    position = count
    for symbol in _asked_symbols(ask[count:]):
        table = tables.setdefault(symbol.name, {})
        for key in applications(symbol, sizes, integers):
            table[key] = _value(symbol, values[position], names)
            position += 1
    return Structure(sizes, tables, integers)


def _asked_symbols(ask: Sequence[Term]) -> list[Symbol]:
    return list({t.symbol.name: t.symbol for t in ask if isinstance(t, Apply)}.values())


def _value(symbol: Symbol, said: object, names: Mapping[tuple[str, str], int]) -> int:
    if symbol.result == BOOL:
        return int(said == "true")
    if symbol.result == INT:
        return -int(said[1]) if isinstance(said, list) else int(str(said))
    return names.get((symbol.result, repr(said)), 0)


def sorts_of_facts(facts: Sequence[Fact]) -> list[str]:
    """The sorts that matter for an obligation."""
    return sorts_in([f.formula for f in facts])


MIXED_MOST = 80
"""So many sizes that differ from sort to sort are tried."""


def mixed_sizes(sorts: Sequence[str], sizes: Sequence[int]) -> list[dict[str, int]]:
    """Ways for sorts to be of these sizes, but not all of the same: the smallest first."""
    ways = itertools.product(sizes, repeat=len(sorts)) if len(sizes) ** len(sorts) <= 10_000 else ()
    different = sorted((way for way in ways if len(set(way)) > 1), key=lambda way: (sum(way), way))
    return [dict(zip(sorts, way, strict=True)) for way in different[:MIXED_MOST]]
