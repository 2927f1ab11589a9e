"""From clauses without a propositional model to steps of unit propagation, each with hints.

A SAT solver says which clauses it learned (DRUP); each is derived here again, by unit propagation from those before it, and what
the empty clause does not need is left out.

Guarantees: each step follows from its hints in their order, as a certificate asks for (LRAT, Cruz-Filipe et al., 2017).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ratified.certified import Clause


@dataclass(frozen=True, slots=True)
class PropagationStep:
    """A clause that follows by unit propagation: `hints` are the places of clauses, the given ones and then the steps, from 0."""

    clause: Clause
    hints: tuple[int, ...]


def steps(given: Sequence[Clause]) -> list[PropagationStep]:
    """Steps from the given clauses, which have no propositional model, to the empty one; none if the solver's are not enough."""
    base = _Base(given)
    found: list[PropagationStep] = []
    for clause in [(), *_learned(given), ()]:
        hints = base.refute(clause)
        if hints is None:
            continue  # only the first, empty clause may not follow at once
        found.append(PropagationStep(clause, hints))
        if not clause:
            return _needed(len(given), found)
        base.add(clause)
    return []


def _learned(given: Sequence[Clause]) -> list[Clause]:
    from pysat.solvers import Solver

    with Solver(name="glucose4", with_proof=True) as solver:
        numbers: dict[int, int] = {}
        for clause in given:
            for literal in clause:
                numbers.setdefault(abs(literal), len(numbers) + 1)
            solver.add_clause([numbers[abs(x)] * (1 if x > 0 else -1) for x in clause])
        solver.solve()
        lines: list[str] = solver.get_proof()
    atoms = {number: atom for atom, number in numbers.items()}
    learned = [[int(word) for word in line.split()[:-1]] for line in lines if line[0] != "d"]
    return [tuple(atoms[abs(x)] * (1 if x > 0 else -1) for x in clause) for clause in learned if clause]


def _needed(given: int, found: Sequence[PropagationStep]) -> list[PropagationStep]:
    """The steps that the last one rests on, numbered anew."""
    needed = {len(found) - 1}
    for place in range(len(found) - 1, -1, -1):
        if place in needed:
            needed.update(h - given for h in found[place].hints if h >= given)
    kept = sorted(needed)
    new = {given + place: given + number for number, place in enumerate(kept)}
    return [PropagationStep(found[p].clause, tuple(new.get(h, h) for h in found[p].hints)) for p in kept]


class _Base:
    """Clauses, and where their literals stand."""

    def __init__(self, clauses: Sequence[Clause]) -> None:
        self.clauses: list[Clause] = []
        self.places: dict[int, list[int]] = defaultdict(list)
        for clause in clauses:
            self.add(clause)

    def add(self, clause: Clause) -> None:
        for literal in clause:
            self.places[literal].append(len(self.clauses))
        self.clauses.append(clause)

    def refute(self, clause: Clause) -> tuple[int, ...] | None:
        """The clauses, in order, by which the negation of a clause comes to a contradiction; None if it comes to none."""
        reasons: dict[int, int | None] = {-x: None for x in clause}
        queue = list(reasons)
        waiting = [p for p, c in enumerate(self.clauses) if len(c) < 2]
        at = 0
        while waiting or at < len(queue):
            if not waiting:
                waiting = list(self.places[-queue[at]])
                at += 1
            place = waiting.pop(0)
            left = [x for x in self.clauses[place] if -x not in reasons]
            if any(x in reasons for x in left) or len(left) > 1:
                continue
            if not left:
                return self._used(place, reasons)
            reasons[left[0]] = place
            queue.append(left[0])
        return None

    def _used(self, last: int, reasons: dict[int, int | None]) -> tuple[int, ...]:
        needed, hints = {-x for x in self.clauses[last]}, [last]
        for literal in reversed(list(reasons)):
            place = reasons[literal]
            if literal in needed and place is not None:
                hints.append(place)
                needed |= {-x for x in self.clauses[place] if x != literal}
        return tuple(reversed(hints))
