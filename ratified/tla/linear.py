"""Small sums of numbers, and what follows for them from what is known: enough to leave out tests that cannot fail.

Guarantees: `follows` is true only if the sum cannot be negative where the facts hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from ratified.tla.formulas import ZERO, number
from ratified.tla.syntax import Infix, Prefix, Tla

LinearSum = Mapping[str, int]
"""How often each term occurs; the constant's term is the empty text."""


def plus(a: LinearSum, b: LinearSum, times: int = 1) -> dict[str, int]:
    """The sum a + times * b."""
    made = dict(a)
    for term, count in b.items():
        made[term] = made.get(term, 0) + times * count
    return {term: count for term, count in made.items() if count or not term}


def constant(n: int) -> dict[str, int]:
    """A number."""
    return {"": n}


def _certain(form: LinearSum, natural: frozenset[str] | set[str]) -> bool:
    return all(count >= 0 and (not term or not count or term in natural) for term, count in form.items())


def follows(form: LinearSum, facts: Iterable[LinearSum], natural: frozenset[str] | set[str]) -> bool:
    """Whether a sum is at least 0, given sums that are, and terms that are (`natural`)."""
    if _certain(form, natural):
        return True
    terms = {term for term in form if term}
    near = [f for f in facts if terms & {t for t in f if t}][-16:]
    if any(_certain(plus(form, f, -1), natural) for f in near):
        return True
    return any(_certain(plus(plus(form, f, -1), g, -1), natural) for f, g in combinations(near, 2))


class LinearTerms:
    """The terms of the sums of one module: what expressions their texts stand for, and which are not negative."""

    def __init__(self) -> None:
        self._made: dict[str, Tla] = {}
        self.naturals: set[str] = set()

    def of(self, made: Tla, *, natural: bool) -> str:
        """The term that an expression is. Whether it may be negative is a part of it: a name may mean many things."""
        key = str(made) if natural else f"{made}\0"
        self._made.setdefault(key, made)
        if natural:
            self.naturals.add(key)
        return key

    def written(self, form: LinearSum) -> Tla:
        """A sum as an expression."""
        made: Tla | None = None
        for term, count in sorted(form.items(), key=lambda pair: (pair[1] < 0, not pair[0])):
            if not count:
                continue
            if not term and made is None:
                made = number(count)
                continue
            size = abs(count)
            part: Tla = number(size) if not term else self._made[term]
            if term and size > 1:
                part = Infix("*", number(size), part)
            first = part if count > 0 else Prefix("-", part)
            made = first if made is None else Infix("+" if count > 0 else "-", made, part)
        return made or ZERO
