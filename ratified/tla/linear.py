"""Small sums of numbers, and what follows for them from what is known: enough to leave out tests that cannot fail.

Guarantees: `follows` is true only if the sum cannot be negative where the facts hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

Sum = Mapping[str, int]
"""How often each term occurs; the constant's term is the empty text."""


def plus(a: Sum, b: Sum, times: int = 1) -> dict[str, int]:
    """The sum a + times * b."""
    made = dict(a)
    for term, count in b.items():
        made[term] = made.get(term, 0) + times * count
    return {term: count for term, count in made.items() if count or not term}


def constant(n: int) -> dict[str, int]:
    """A number."""
    return {"": n}


def _certain(form: Sum, natural: frozenset[str] | set[str]) -> bool:
    return all(count >= 0 and (not term or not count or term in natural) for term, count in form.items())


def follows(form: Sum, facts: Iterable[Sum], natural: frozenset[str] | set[str]) -> bool:
    """Whether a sum is at least 0, given sums that are, and terms that are (`natural`)."""
    if _certain(form, natural):
        return True
    terms = {term for term in form if term}
    near = [f for f in facts if terms & {t for t in f if t}][-16:]
    if any(_certain(plus(form, f, -1), natural) for f in near):
        return True
    return any(_certain(plus(plus(form, f, -1), g, -1), natural) for f, g in combinations(near, 2))
