"""Sums over all values of a variable, taken apart by the laws of finite sums, so that a step's effect on a sum can be seen.

Where one value's number changes, the sum changes by as much; the sum of sums is the sum; what does not depend on the place stands
outside. What is left are sums of terms that single out no place: the same term is the same sum, before a step and after it.

Guarantees: what is said is exact for every size. Each law is true of all finite sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ratified.smt.terms import (
    FALSE,
    TRUE,
    Arithmetic,
    Bound,
    Choice,
    Equal,
    Number,
    Quantified,
    Term,
    The,
    choice,
    conj,
    free,
    minus,
    neg,
    parts,
    plus,
    rebuilt,
    substituted,
)


def only_if(test: Term, term: Term) -> Term:
    """A number where a test is true, and else 0."""
    return choice(test, term, Number(0))


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over all values of one variable."""

    place: Bound
    counted: Callable[[Term], Term]
    worked_out: Callable[[Term], Term]
    named: Callable[[Term], Term] = lambda term: term
    """What may give a term a name, so that it is not written out wherever the sum is spoken of."""

    def total(self, term: Term) -> Term:
        """What a term adds up to."""
        if term == Number(0):
            return term
        if not self.varies(term):
            return times(term, self.counted(TRUE))
        if (single := next(self.singled_out(term), None)) is not None:
            # All are as if they were not this one, which is put right.
            otherwise = _assumed(term, single, FALSE)
            one = single.right if single.left == self.place else single.left
            changed = minus(self.at(term, one), self.at(otherwise, one))
            return plus(self.total(otherwise), self.named(changed))
        match term:
            case Arithmetic("+", (left, right)):
                return plus(self.total(left), self.total(right))
            case Arithmetic("-", (left, right)):
                return minus(self.total(left), self.total(right))
            case Arithmetic("*", (left, right)):
                for factor, rest in ((left, right), (right, left)):
                    if not self.varies(factor):
                        return times(factor, self.total(rest))
            case Choice(test, then, orelse) if not self.varies(test):
                return choice(test, self.total(then), self.total(orelse))
            case Choice(test, then, orelse):
                return self.chosen(test, then, orelse)
        return self.worked_out(term)

    def chosen(self, test: Term, then: Term, orelse: Term) -> Term:
        """What a choice adds up to that is not the same everywhere: what both have in common is added up anyway."""
        ours, theirs = list(_added(then)), list(_added(orelse))
        found: Term = Number(0)
        for sign, part in list(ours):
            if (sign, part) in theirs:
                ours.remove((sign, part))
                theirs.remove((sign, part))
                found = _signed(found, sign, self.total(part))
        for sign, part in ours:
            found = _signed(found, sign, self.where(test, part))
        for sign, part in theirs:
            found = _signed(found, sign, self.where(neg(test), part))
        return found

    def where(self, test: Term, term: Term) -> Term:
        """What a term adds up to where a test is true."""
        match term:
            case Number(0):
                return term
            case Arithmetic("*", (left, right)):
                for factor, rest in ((left, right), (right, left)):
                    if not self.varies(factor):
                        return times(factor, self.where(test, rest))
            case Choice(also, then, orelse) if self.varies(also):
                yes, no = conj(test, also), conj(test, neg(also))
                return plus(self.total(only_if(yes, then)), self.total(only_if(no, orelse)))
            case Choice(also, then, orelse):
                return choice(also, self.where(test, then), self.where(test, orelse))
        if not self.varies(term):
            return times(term, self.counted(test))
        return self.worked_out(only_if(test, term))

    def varies(self, term: Term) -> bool:
        """Whether a term depends on the place."""
        return self.place in free(term)

    def at(self, term: Term, value: Term) -> Term:
        """A term at one place."""
        return substituted(term, {self.place: value})

    def singled_out(self, term: Term) -> Iterator[Equal]:
        """Where a term asks whether the place is a certain one."""
        match term:
            case Quantified() | The():
                return
            case Equal(left, right) if self.place in (left, right):
                if not self.varies(right if left == self.place else left):
                    yield term
                return
        for part in parts(term):
            if self.varies(part):
                yield from self.singled_out(part)


def _assumed(term: Term, said: Term, value: Term) -> Term:
    """A term in which a formula is taken to be true, or false."""
    if term == said:
        return value
    if isinstance(term, Quantified | The):
        return term
    return rebuilt(term, lambda inner: _assumed(inner, said, value))


def _added(term: Term, sign: int = 1) -> Iterator[tuple[int, Term]]:
    """What is added, and what is taken away."""
    match term:
        case Arithmetic("+", (left, right)):
            yield from _added(left, sign)
            yield from _added(right, sign)
        case Arithmetic("-", (left, right)):
            yield from _added(left, sign)
            yield from _added(right, -sign)
        case Number(0):
            return
        case _:
            yield sign, term


def _signed(found: Term, sign: int, term: Term) -> Term:
    return plus(found, term) if sign > 0 else minus(found, term)


def times(factor: Term, term: Term) -> Term:
    """`factor * term`, simplified."""
    if isinstance(factor, Number) and isinstance(term, Number):
        return Number(factor.value * term.value)
    if Number(0) in (factor, term):
        return Number(0)
    if isinstance(factor, Choice):
        return choice(factor.test, times(factor.then, term), times(factor.orelse, term))
    return term if factor == Number(1) else Arithmetic("*", (factor, term))
