"""Boolean circuits: what a model at a size becomes before a solver sees it.

Guarantees: a literal is a non-zero int and `-x` its negation; equal gates are one gate; constants never reach a gate. A
circuit only grows, so a literal means the same for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

TRUE = 1
FALSE = -1


class Circuit:
    """Variables and conjunctions of literals. `gates[n]` holds the literals that gate n joins; None for a variable."""

    __slots__ = ("_known", "gates")

    def __init__(self) -> None:
        self.gates: list[tuple[int, ...] | None] = [None, ()]  # 0 has no sign; 1 is the empty conjunction
        self._known: dict[tuple[int, ...], int] = {}

    def fresh(self) -> int:
        """Return a new variable."""
        self.gates.append(None)
        return len(self.gates) - 1

    def every(self, literals: Iterable[int]) -> int:
        """Return the conjunction."""
        kept = set(literals)
        kept.discard(TRUE)
        if not kept:
            return TRUE
        if len(kept) == 1:
            return kept.pop()
        if FALSE in kept or not kept.isdisjoint([-literal for literal in kept]):
            return FALSE
        return self._gate(tuple(sorted(kept)))

    def _gate(self, key: tuple[int, ...]) -> int:
        found = self._known.get(key)
        if found is None:
            self.gates.append(key)
            found = self._known[key] = len(self.gates) - 1
        return found

    def some(self, literals: Iterable[int]) -> int:
        """Return the disjunction."""
        negated = [-literal for literal in literals]
        if len(negated) == 1:
            return -negated[0]
        return -self.both(*negated) if len(negated) == 2 else -self.every(negated)

    def both(self, a: int, b: int) -> int:
        """Return `a and b`."""
        if a in (TRUE, b):
            return b
        if b == TRUE:
            return a
        if a == FALSE or b == FALSE or a == -b:
            return FALSE
        return self._gate((a, b) if a < b else (b, a))

    def either(self, a: int, b: int) -> int:
        """Return `a or b`."""
        return -self.both(-a, -b)

    def same(self, a: int, b: int) -> int:
        """Return whether a and b are equal."""
        return self.choose(a, b, -b)

    def choose(self, test: int, then: int, orelse: int) -> int:
        """Return `then if test else orelse`."""
        if then == orelse or test == TRUE:
            return then
        if test == FALSE:
            return orelse
        if then in (TRUE, test):
            return self.either(test, orelse)
        if orelse in (FALSE, test):
            return self.both(test, then)
        return self.either(self.both(test, then), self.both(-test, orelse))

    def at_most_one(self, literals: Sequence[int]) -> int:
        """Return whether at most one of the literals is true."""
        clashes, before = [], FALSE
        for literal in literals:
            clashes.append(-self.both(before, literal))
            before = self.either(before, literal)
        return self.every(clashes)

    def exactly_one(self, literals: Sequence[int]) -> int:
        """Return whether exactly one of the literals is true."""
        return self.both(self.some(literals), self.at_most_one(literals))

    def counted(self, literals: Iterable[int]) -> list[int]:
        """Return for each number from 0 whether just so many of the literals are true."""
        counts = [TRUE]
        for literal in literals:
            if literal == FALSE:
                continue
            stay = [self.both(count, -literal) for count in counts]
            up = [self.both(count, literal) for count in counts]
            counts = [self.either(a, b) for a, b in zip([*stay, FALSE], [FALSE, *up], strict=True)]
        return counts

    def inside(self, roots: Iterable[int], known: set[int]) -> list[int]:
        """Return the gates and variables below some literals that are not among the known, inner before outer."""
        found: list[int] = []
        stack = [abs(root) for root in roots]
        while stack:
            gate = stack.pop()
            if gate not in known:
                known.add(gate)
                found.append(gate)
                stack += map(abs, self.gates[gate] or ())
        return sorted(found)  # a gate is younger than all that it joins
