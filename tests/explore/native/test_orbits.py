"""Symmetry natively where parameters leave only some of the permutations: a group of its own, walked through by a few of them."""

from __future__ import annotations

from typing import Annotated

import pytest

from ratified.explore.native.codegen.symmetry import WRITTEN_MOST, _key, _tour
from ratified.explore.symmetry import Symmetry
from ratified.language import (
    AtMost,
    Bag,
    Map,
    Model,
    Param,
    Range,
    Set,
    Symmetric,
    action,
    record,
    require,
)
from tests.explore.native.differential import differences
from tests.shared.symmetric import Node

Small = Annotated[int, Range(0, 2)]


class Value(Symmetric, prefix="v"):
    """Likewise."""


@record
class Word:
    """What is said, and by whom."""

    node: Node
    value: Value


class Ruled(Model):
    """One node leads, and a few are its friends."""

    leader: Param[Node]
    friends: Param[Set[Node]]
    count: Map[Node, Small]
    said: Annotated[Bag[Word], AtMost(2)]

    @action
    def up(self, n: Node) -> None:
        require(self.count[n] < 2)
        if n == self.leader:
            require(any(self.count[m] == 1 for m in self.friends))
        self.count[n] += 1

    @action
    def say(self, v: Value) -> None:
        require(self.count[self.leader] > 0 and len(self.said) < 2)
        self.said.add(Word(self.leader, v))


def ruled(nodes: int, friends: int) -> Ruled:
    names = [f"n{k + 1}" for k in range(nodes)]
    return Ruled(Node=nodes, Value=2, leader=names[0], friends=names[1 : 1 + friends])


@pytest.mark.parametrize(
    ("nodes", "friends", "permutations"), [(5, 2, 8), (6, 0, 240), (7, 2, 96), (7, 0, 1440)]
)
def test_a_tour_meets_every_permutation(nodes: int, friends: int, permutations: int) -> None:
    group = Symmetry(ruled(nodes, friends)).permutations
    assert len(group) == permutations
    generators, walk = _tour(group)
    by_generator = [_key(g) for g in generators]
    assert len(by_generator) <= 16
    assert len(walk) <= 2 * permutations
    at = tuple(range(nodes + 2))
    met = {at}
    for step in walk:
        at = tuple(by_generator[step][value] for value in at)
        met.add(at)
    assert met == set(map(_key, group))


def test_orbits_are_counted_exactly() -> None:
    """One state of each class that differs by renaming the five that neither lead nor are friends, and the values."""
    model = ruled(6, 1)
    assert len(Symmetry(model).permutations) == 48 <= WRITTEN_MOST
    assert differences(model, flags=("-O0",), symmetry=True) == []
    larger = ruled(7, 1)
    assert len(Symmetry(larger).permutations) == 240 > WRITTEN_MOST
    assert differences(larger, flags=("-O0",), symmetry=True) == []
