"""Congruence closure that explains itself: which equations make two terms equal.

Guarantees: an explanation is a subset of the equations that were given, and the two terms follow from it by reflexivity,
symmetry, transitivity and congruence. The proof forest is that of Nieuwenhuis and Oliveras (Fast congruence closure and
extensions, 2007, section 5).
"""

from __future__ import annotations

from collections.abc import Iterable

from ratified.certified import Terms

Equation = tuple[int, int, int]
"""Two terms, and the literal that says that they are equal."""


class Congruence:
    """The closure of equations over some terms and their parts."""

    def __init__(self, terms: Terms, about: Iterable[int], equations: Iterable[Equation]) -> None:
        self._terms = terms
        inside: dict[int, None] = {}
        waiting = list(about)
        while waiting:
            term = waiting.pop()
            if term not in inside:
                inside[term] = None
                waiting += terms.parts[term]
        self.terms = sorted(inside)
        self._leader = {t: t for t in inside}
        self._members = {t: [t] for t in inside}
        self._above: dict[
            int, tuple[int, int]
        ] = {}  # a neighbour in the proof forest; why: a literal, 0 for congruence
        for one, other, literal in equations:
            self._merge(one, other, literal)
        self._close()

    def same(self, one: int, other: int) -> bool:
        """Whether two terms are equal."""
        return self._leader[one] == self._leader[other]

    def leader(self, term: int) -> int:
        """The term that stands for all that are equal to a term."""
        return self._leader[term]

    def key(self, term: int) -> tuple[object, ...]:
        """What congruent terms share."""
        return (self._terms.heads[term], *(self._leader[p] for p in self._terms.parts[term]))

    def _close(self) -> None:
        changed = True
        while changed:
            changed = False
            seen: dict[tuple[object, ...], int] = {}
            for term in self.terms:
                if self._terms.parts[term]:
                    other = seen.setdefault(self.key(term), term)
                    if not self.same(term, other):
                        self._merge(term, other, 0)
                        changed = True

    def _merge(self, one: int, other: int, why: int) -> None:
        if self.same(one, other):
            return
        small, large = self._leader[one], self._leader[other]
        if len(self._members[small]) > len(self._members[large]):
            small, large, one, other = large, small, other, one
        self._turn(one)
        self._above[one] = (other, why)
        for term in self._members.pop(small):
            self._leader[term] = large
            self._members[large].append(term)

    def _turn(self, term: int) -> None:
        """Make a term the root of its tree in the proof forest."""
        path = [term]
        while path[-1] in self._above:
            path.append(self._above[path[-1]][0])
        reasons = [self._above[t][1] for t in path[:-1]]
        for below, above, why in zip(path, path[1:], reasons, strict=False):
            self._above[above] = (below, why)
        self._above.pop(term, None)

    def explain(self, pairs: Iterable[tuple[int, int]]) -> set[int]:
        """The literals that make each pair of terms equal."""
        found: set[int] = set()
        seen: set[tuple[int, int]] = set()
        waiting = list(pairs)
        while waiting:
            one, other = waiting.pop()
            for below in self._path(one, other):
                above, why = self._above[below]
                if why:
                    found.add(why)
                elif (below, above) not in seen:
                    seen.add((below, above))
                    parts = self._terms.parts
                    waiting += zip(parts[below], parts[above], strict=True)
        return found

    def _path(self, one: int, other: int) -> list[int]:
        """The lower ends of the edges between two terms in the proof forest."""
        ups = [one]
        while ups[-1] in self._above:
            ups.append(self._above[ups[-1]][0])
        places = {t: i for i, t in enumerate(ups)}
        found = []
        while other not in places:
            found.append(other)
            other = self._above[other][0]
        return ups[: places[other]] + found
