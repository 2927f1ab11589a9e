"""Initial states of more choices than a table has: the same ones as CPython makes, whatever the choices are made of."""

from __future__ import annotations

import math
from enum import Enum
from typing import Annotated

import pytest

from ratified import Verdict, check
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


Cell = tuple[Annotated[int, Range(0, 3)], Annotated[int, Range(0, 4)]]


class Pieces(Model):
    """Sets of sets with too many elements to be a row of bits are made on the way."""

    pieces: Annotated[Set[Annotated[Set[Cell], AtMost(2)]], AtMost(3)]
    low: Annotated[int, Range(0, 3)]

    @action
    def drop(self, piece: Annotated[Set[Cell], AtMost(2)]) -> None:
        require(piece in self.pieces)
        self.pieces = self.pieces - Set({piece})

    @invariant
    def few(self) -> bool:
        return len(self.pieces) <= 3


class Board(Pieces):
    """One beginning."""

    def init(self) -> None:
        upright = Set(Set({(x, y), (x, y + 1)}) for x in (0, 3) for y in (0, 2) if x + y < 5)
        self.pieces = Set(p for p in upright if (3, 2) not in p)


class Boards(Pieces):
    """The same for some choices, of which one is none."""

    def init(self, low: Annotated[int, Range(0, 3)]) -> None:
        require(low != 2)
        upright = Set(Set({(low, y), (low, y + 1)}) for y in (0, 1, 2))
        self.pieces = Set(p for p in upright if (low, 1) in p or low == 3)
        self.low = low


class Outside(Pieces):
    """What goes wrong goes wrong in compiled code as well."""

    def init(self) -> None:
        self.low = len(self.pieces) + 4


@pytest.mark.parametrize(("model", "states"), [(Board, 8), (Boards, 16)])
def test_what_has_no_fixed_width_on_the_way_to_an_initial_state_is_made_by_the_evaluator(
    model: type[Model], states: int
) -> None:
    for engine in ("reference", "native"):
        found = check(model(), engine=engine)
        assert (found.verdict, found.distinct) == (Verdict.HOLDS, states)


def test_an_initial_state_without_choices_that_leaves_a_bound_is_told_by_every_engine() -> None:
    told = [check(Outside(), engine=engine) for engine in ("reference", "native")]
    assert [found.verdict for found in told] == [Verdict.UNDECIDED, Verdict.UNDECIDED]
    assert told[0].bounds == told[1].bounds
    assert [b.what for b in told[0].bounds] == ["the range 0..3 of low"]
