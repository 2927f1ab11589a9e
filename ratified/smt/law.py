"""Laws: what a symbol is at its arguments, by which it can be worked out wherever it is asked for.

Guarantees: a law's formula says no more than what working it out by the law does.
"""

from __future__ import annotations

from dataclasses import dataclass

from ratified.smt.terms import (
    BOOL,
    TRUE,
    Apply,
    Bound,
    Choice,
    Term,
    The,
    choice,
    conj,
    equal,
    every,
    free,
    implies,
    parts,
    sort_of,
)


@dataclass(frozen=True, slots=True)
class Law:
    """What a symbol is at its arguments, which are variables, if a condition is true for some values of its `own` variables."""

    left: Apply
    where: Term
    right: Term
    own: tuple[Bound, ...] = ()

    @property
    def formula(self) -> Term:
        """As a formula."""
        # Where something that is described is not there, nothing is said: of a description that does not fit, all would be true.
        where = self.where if sort_of(self.right) == BOOL else conj(self.where, _there(self.right))
        whole = implies(where, equal(self.left, self.right))
        return every([b for b in (*self.left.arguments, *self.own) if isinstance(b, Bound)], whole)


def _there(term: Term) -> Term:
    """That what a term describes, where it depends on what varies, is there."""
    match term:
        case The(_, exists, _):
            return exists if free(term) else TRUE
        case Choice(test, then, orelse):
            return choice(test, _there(then), _there(orelse))
    return TRUE if sort_of(term) == BOOL else conj(*map(_there, parts(term)))
