"""Initial states of more choices than a table has: the same ones as CPython makes, whatever the choices are made of."""

from __future__ import annotations

import math
from enum import Enum
from typing import Annotated

import pytest

from ratified import check
from ratified.language import AtMost, Map, Model, Range, Set, Sort, action, invariant, record, require


class Node(Sort):
    """Any."""


class Colour(Enum):
    RED = 1
    GREEN = 2
    BLUE = 3


@record
class Wide:
    """Past 16,384 values with three small fields."""

    left: Annotated[int, Range(-20, 20)]
    right: Annotated[int, Range(0, 30)]
    up: Annotated[int, Range(3, 20)]


class Few(Model):
    """A set of at most so many."""

    chosen: Set[Node]

    def init(self, few: Annotated[Set[Node], AtMost(7)]) -> None:
        require(Node(0) in few)
        self.chosen = few

    @action
    def take(self, n: Node) -> None:
        require(len(self.chosen) == 0)
        self.chosen.add(n)

    @invariant
    def few(self) -> bool:
        return 0 < len(self.chosen) <= 7


class Coloured(Model):
    """A map, and a pair of a number and an Enum beside it."""

    colours: Map[Node, Colour]
    mark: Annotated[int, Range(0, 5)] = 0

    def init(self, colours: Map[Node, Colour], mark: tuple[Annotated[int, Range(4, 5)], Colour]) -> None:
        require(all(colours[n] != Colour.RED for n in Node))
        self.colours = colours
        self.mark = mark[0]

    @action
    def nothing(self) -> None:
        require(self.mark == 3)

    @invariant
    def no_red(self) -> bool:
        return all(self.colours[n] != Colour.RED for n in Node)


class Recorded(Model):
    """A record."""

    at: Wide

    def init(self, at: Wide) -> None:
        require(at.left + at.right + at.up == 40)
        self.at = at

    @action
    def nothing(self) -> None:
        require(self.at.left == 21)

    @invariant
    def in_all(self) -> bool:
        return self.at.left + self.at.right + self.at.up == 40


SUMS = sum(40 - x - y in range(3, 21) for x in range(-20, 21) for y in range(31))


@pytest.mark.parametrize(
    ("model", "states"),
    [
        (Few(Node=16), sum(math.comb(15, k) for k in range(7))),
        (Coloured(Node=9), 2**9 * 2),
        (Recorded(), SUMS),
    ],
    ids=["a set", "a map", "a record"],
)
def test_the_same_initial_states(model: Model, states: int) -> None:
    found = check(model, engine="native")
    assert (found.holds, found.distinct, found.depth) == (True, states, 1)
    assert check(model, engine="reference").distinct == states
