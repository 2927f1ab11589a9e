"""Inequalities and equations of integers that cannot all be true: what to multiply them by, and add up, for a contradiction.

Sums that are at least 0 are multiplied by each other, equations by what makes them speak of products that others speak of. Which
of these to take, and how often, is a linear problem: products of unknowns are unknowns to it (a Positivstellensatz of small
degree; D. Handelman, Representing polynomials by positive linear functions on compact convex polyhedra, 1988).

Guarantees: what is found is what a line `l` of a certificate has to say. That nothing is found says nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from math import lcm

from ratified.certified import Clause, Terms

Product = tuple[int, ...]
"""Terms, sorted, that are multiplied; the number one if there is none."""

Polynomial = dict[Product, int]
"""How many of each product are added."""

CANDIDATES = 1_000
"""Products of two inequalities, or of an equation and something, that are looked at, at most."""

EFFORT = 3_000_000
"""Of Z3, in its own steps, for one linear problem."""

ROUNDS = 2
"""How often products are looked for that speak of what those before them brought in."""

OFTEN = 3
"""From so many times on, a product is multiplied by a number instead of being repeated."""


@dataclass(frozen=True, slots=True)
class IntegerFact:
    """A sum that is at least 0, or that is 0 if it is an `equation`; the factors that a certificate says it with."""

    factors: Clause
    sum: Polynomial
    equation: bool


def facts(terms: Terms, held: Iterable[int]) -> list[IntegerFact]:
    """What literals that are true say of integers."""
    found = []
    for literal in held:
        name, parts = terms.names[abs(literal)], terms.parts[abs(literal)]
        equation = name == "=" and literal > 0 and terms.sorts(parts) == ("Int", "Int")
        if name == "<=" or equation:
            found.append(IntegerFact((-literal,), terms.added([(-literal,)]), equation))
    return found


def contradicting(terms: Terms, held: Sequence[int]) -> list[Clause] | None:
    """Products of facts that add up to a negative number; None if none are found."""
    known = facts(terms, held)
    if (found := _added(terms, known)) is not None:
        return found
    more = known
    if any(len(p) > 1 for fact in known for p in fact.sum):
        for rounds in range(ROUNDS + 1):
            more = [*known, *_products(known, rounds)]
            if len(more) > len(known) and (found := _added(terms, more)) is not None:
                return found
    return None


def _products(known: Sequence[IntegerFact], rounds: int) -> Iterator[IntegerFact]:
    """Products of facts that speak of no other products than these do.

    In so many `rounds`, products that speak of some that the facts, or products of the rounds before, speak of.
    """
    wanted = _of_several(known)
    equations = [fact for fact in known if fact.equation]
    multiples: dict[tuple[Clause, Product], IntegerFact] = {}
    for _ in range(2):
        for fact in equations:
            for mine in fact.sum:
                for rest in [r for p in sorted(wanted) if (r := _without(p, mine))] if mine else ():
                    multiples[fact.factors, rest] = IntegerFact(
                        (*fact.factors, *rest), multiplied(fact.sum, {rest: 1}), equation=True
                    )
        wanted |= _of_several(multiples.values())
        if not rounds:
            break
    yield from list(multiples.values())[:CANDIDATES]
    least = [fact for fact in known if not fact.equation and any(fact.sum)]
    found: dict[tuple[int, int], IntegerFact] = {}
    for _ in range(max(rounds, 1)):
        for (i, one), (j, other) in combinations_with_replacement(enumerate(least), 2):
            if (i, j) in found or len(found) > CANDIDATES:
                continue
            pairs = {tuple(sorted(p + q)) for p in one.sum for q in other.sum if p and q}
            if pairs & wanted if rounds else pairs <= wanted:
                factors = (*one.factors, *other.factors)
                found[i, j] = IntegerFact(factors, multiplied(one.sum, other.sum), equation=False)
        wanted |= _of_several(found.values())
    yield from found.values()


def _of_several(known: Iterable[IntegerFact]) -> set[Product]:
    """The products of several unknowns that facts speak of."""
    return {p for fact in known for p in fact.sum if len(p) > 1}


def multiplied(one: Polynomial, other: Polynomial) -> Polynomial:
    """The product of two sums."""
    found: Polynomial = defaultdict(int)
    for p, times in one.items():
        for q, more in other.items():
            found[tuple(sorted(p + q))] += times * more
    return {product: times for product, times in found.items() if times}


def _without(product: Product, factors: Product) -> Product:
    """A product without some factors; empty if it has not these, or no other."""
    left = Counter(product)
    left.subtract(factors)
    return tuple(sorted(left.elements())) if min(left.values()) >= 0 else ()


def _added(terms: Terms, known: Sequence[IntegerFact]) -> list[Clause] | None:
    """Facts, each as often as is needed for all to add up to a negative number (Farkas' lemma); None if there is no way."""
    import z3

    known = _possible(known)
    if not any(() in fact.sum for fact in known):
        return None
    solver = z3.Solver(ctx=z3.Context())
    solver.set("rlimit", EFFORT)
    columns: dict[Product, list[str]] = defaultdict(list)
    for place, fact in enumerate(known):
        for product, number in fact.sum.items():
            columns[product].append(f"(* {number if number > 0 else f'(- {-number})'} x{place})")
    solver.from_string(  # quicker than Z3's terms one by one
        "\n".join(
            [
                *(f"(declare-const x{place} Real)" for place in range(len(known))),
                *(f"(assert (<= 0 x{place}))" for place, fact in enumerate(known) if not fact.equation),
                *(
                    f"(assert ({'=' if product else '>='} {'0' if product else '(- 1)'} (+ 0 {' '.join(column)})))"
                    for product, column in columns.items()
                ),
            ]
        )
    )
    if solver.check() != z3.sat:
        return None
    model = solver.model()
    found = {symbol.name(): model[symbol].as_fraction() for symbol in model.decls()}
    values = [found.get(f"x{place}", Fraction(0)) for place in range(len(known))]
    whole = lcm(*(v.denominator for v in values))
    return [
        factors
        for fact, value in zip(known, values, strict=True)
        for factors in _times(terms, fact.factors, int(value * whole))
    ]


def _times(terms: Terms, factors: Clause, times: int) -> list[Clause]:
    """Factors, taken so many times."""
    if 0 <= times < OFTEN:
        return [factors] * times
    number = terms.make(str(abs(times)))
    return [(*factors, number if times > 0 else terms.make("-", number))]


def _possible(known: Sequence[IntegerFact]) -> list[IntegerFact]:
    """The facts without those of which a part is never taken away again."""
    while True:
        signs: dict[Product, set[bool]] = defaultdict(set)
        for fact in known:
            for product, number in fact.sum.items():
                signs[product].update((number > 0, number < 0) if fact.equation else (number > 0,))
                if fact.equation:
                    signs[product].update((True, False))
        left = [f for f in known if all(len(signs[p]) == 2 or not p for p in f.sum)]
        if len(left) == len(known):
            return left
        known = left
