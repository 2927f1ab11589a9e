"""Each mistake in a reduction, planted, is found by a model in which one order of two steps is all that matters."""

from __future__ import annotations

from typing import Annotated

import pytest

from ratified.language import Map, Model, Range, Set, Sort, action, constraint, invariant, record, require
from tests.explore.test_reduction import Philosophers, Putting
from tests.generate import reducing
from tests.generate.planting import Kind, planted


class P(Sort):
    """A process."""


@record
class Pair:
    """One of many values."""

    a: P
    b: P


class Late(Model):
    """Of two steps that a claim sees, only one order violates it."""

    first: bool
    second: bool

    @action
    def one(self) -> None:
        self.first = True

    @action
    def two(self) -> None:
        self.second = True

    @invariant
    def in_order(self) -> bool:
        return self.first or not self.second


class Seeing(Model):
    """Somebody sees what only one order leads to."""

    seen: bool

    @invariant
    def unseen(self) -> bool:
        return not self.seen


class Emptied(Seeing):
    """What is taken away first may be put there afterwards."""

    there: Set[P]
    put: bool
    taken: bool

    @action
    def add(self) -> None:
        require(not self.put)
        self.put = True
        self.there.add(P(0))

    @action
    def remove(self) -> None:
        require(not self.taken)
        self.taken = True
        self.there.discard(P(0))

    @action
    def look(self) -> None:
        require(self.put and self.taken and P(0) in self.there)
        self.seen = True


class Absent(Seeing):
    """What is not there yet."""

    there: Set[P]

    @action
    def add(self) -> None:
        self.there.add(P(0))

    @action
    def look(self) -> None:
        require(P(0) not in self.there)
        self.seen = True


class Somewhere(Seeing):
    """A change at a place that depends on the state."""

    who: P | None
    marked: Map[P, bool]

    @action
    def mark(self) -> None:
        self.marked[P(0) if self.who is None else self.who] = True

    @action
    def look(self) -> None:
        require(not self.marked[P(0)])
        self.seen = True


class Crowded(Seeing):
    """Only so many may come, and it matters who does."""

    n: Map[P, Annotated[int, Range(0, 2)]]

    @action
    def come(self, p: P) -> None:
        require(self.n[p] < 2)
        self.n[p] += 1

    @action
    def look(self) -> None:
        require(self.n[P(1)] == 2)
        self.seen = True

    @constraint
    def few(self) -> bool:
        return sum(self.n[p] for p in P) <= 2


class Raised(Seeing):
    """A guard that asks for what was read before it."""

    level: bool
    over: bool

    @action
    def end(self) -> None:
        self.over = True

    @action
    def raise_it(self) -> None:
        self.level = True

    @action
    def look(self) -> None:
        was = self.level
        require(was)
        require(not self.over)
        self.seen = True


class Chosen(Seeing):
    """One of many values is taken, perhaps one that comes later."""

    pool: Set[Pair]
    taken: bool

    def init(self) -> None:
        self.seen = False
        self.taken = False
        self.pool = Set({Pair(P(0), P(1))})

    @action
    def take(self, pair: Pair) -> None:
        require(pair in self.pool)
        require(not self.taken)
        self.taken = True
        self.seen = pair == Pair(P(1), P(1))

    @action
    def more(self) -> None:
        self.pool.add(Pair(P(1), P(1)))


MODELS = {
    m.module.name: reducing.explored(m)
    for m in (
        *(Late(), Emptied(P=1), Absent(P=1), Somewhere(P=2), Crowded(P=2), Raised(), Chosen(P=9)),
        *(Putting(P=2), Philosophers(P=3)),
    )
}


@pytest.mark.parametrize("name", MODELS)
def test_without_a_fault_nothing_differs(name: str) -> None:
    full = MODELS[name]
    assert full is not None
    assert not reducing.compared(full).differ


@pytest.mark.parametrize("fault", reducing.FAULTS, ids=lambda f: f.says)
def test_a_planted_fault_is_found(fault: Kind) -> None:
    with planted(fault):
        assert [name for name, full in MODELS.items() if reducing.finds(full)]
