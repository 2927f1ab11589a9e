"""What is known of how many elements several sets have: where sizes are such, something is in these sets and not in those.

Guarantees: each law is true of all finite sets. If p sets of a whole of w elements are to have something in common that n others
have not: at most w - |P| elements are missing from each of the p, so the sum of their sizes, less (p - 1) w, are in all of them;
and the n others take away no more than the sum of theirs. That is how quorums that are defined by thresholds meet, whatever the
sizes and thresholds; what follows by linear arithmetic is left to the solver (Berkovits, Lazic, Losa, Padon and Shoham,
Verification of Threshold-Based Distributed Algorithms by Decomposition to Decidable Logics, 2019, section 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ratified.smt.first_order.shapes import Members, Shape
from ratified.smt.terms import (
    Bound,
    Number,
    Term,
    at_most,
    conj,
    disj,
    every,
    fresh,
    implies,
    less,
    neg,
    plus,
)

WITHIN = ((1, 1), (1, 2), (2, 0), (2, 1), (3, 0), (0, 2), (2, 2), (3, 1))
"""In how many sets something is, and in how many it is not."""

RARE = ((2, 2), (3, 1))
"""Which of these few proofs need."""


@dataclass(frozen=True, slots=True)
class Sized:
    """Sets that are the elements of a sort: what is in one, and its size; all there is, and how many; and equality."""

    sort: str
    content: Callable[[Term], Members]
    size: Callable[[Term], Term]
    whole: tuple[Members, Term] | None
    same: Callable[[Shape, Shape], Term]

    def some(self, name: str, number: int) -> list[Bound]:
        """Variables for so many sets."""
        return [fresh(name, self.sort) for _ in range(number)]


@dataclass(frozen=True, slots=True)
class Known:
    """A law, and what it says; what is `rare` is needed by few proofs and costs solvers much."""

    says: str
    formula: Term
    rare: bool = False


def laws(sets: Sized) -> Iterator[Known]:
    """The laws. Without a whole, those that need none."""
    for inside, outside in WITHIN:
        if inside == 1 or sets.whole is not None:
            says = f"of so large sets {inside} have something that {outside} so small ones have not"
            yield Known(f"{says} ({sets.sort})", _common(sets, inside, outside), (inside, outside) in RARE)
    says = f"parts of a set that do not meet have no more than it has ({sets.sort})"
    yield Known(says, _parts(sets), rare=True)
    says = f"a set with two elements more has two that the other has not ({sets.sort})"
    yield Known(says, _two(sets), rare=True)
    yield Known(f"a set of as many that has another element lacks one ({sets.sort})", _as_many(sets))


def _sum(terms: Iterable[Term]) -> Term:
    total: Term = Number(0)
    for term in terms:
        total = plus(total, term)
    return total


def _common(sets: Sized, inside: int, outside: int) -> Term:
    """|P| + ... > (p - 1) w + |N| + ...: something is in all of P and in none of N."""
    there, absent = sets.some("s", inside), sets.some("t", outside)
    holding, lacking = [sets.content(s) for s in there], [sets.content(t) for t in absent]
    more, fewer = [sets.size(s) for s in there], [sets.size(t) for t in absent]
    if sets.whole is not None:
        universe, many = sets.whole
        holding = holding or [universe]
        (fewer if inside else more).extend([many] * abs(inside - 1))

    def common(x: Shape) -> Term:
        return conj(*(s.has(x) for s in holding[1:]), *(neg(t.has(x)) for t in lacking))

    return every([*there, *absent], implies(less(_sum(fewer), _sum(more)), holding[0].some(common)))


def _parts(sets: Sized) -> Term:
    """|S| + |T| > |U|: S and T meet, or one of them is no part of U."""
    s, t, u = sets.some("s", 3)
    one, other, third = sets.content(s), sets.content(t), sets.content(u)
    beyond = [part.some(lambda x: neg(third.has(x))) for part in (one, other)]
    many = less(sets.size(u), plus(sets.size(s), sets.size(t)))
    return every([s, t, u], implies(many, disj(one.some(other.has), *beyond)))


def _two(sets: Sized) -> Term:
    """|S| > |T| + 1: two are in S and not in T."""
    s, t = sets.some("s", 2)
    one, other = sets.content(s), sets.content(t)

    def second(x: Shape) -> Term:
        return one.some(lambda y: conj(neg(sets.same(x, y)), neg(other.has(y))))

    two = one.some(lambda x: conj(neg(other.has(x)), second(x)))
    return every([s, t], implies(less(plus(sets.size(t), Number(1)), sets.size(s)), two))


def _as_many(sets: Sized) -> Term:
    """|S| <= |T| and something is in S and not in T: something is in T and not in S."""
    s, t = sets.some("s", 2)
    one, other = sets.content(s), sets.content(t)
    more, fewer = one.some(lambda x: neg(other.has(x))), other.some(lambda x: neg(one.has(x)))
    return every([s, t], implies(conj(at_most(sets.size(s), sets.size(t)), more), fewer))
