"""Loops in proofs: those whose turns cannot see each other mean what CPython takes them to mean; others are refused."""

from __future__ import annotations

from typing import Annotated

import pytest

from ratified import (
    Map,
    Model,
    ModelError,
    Range,
    Set,
    action,
    invariant,
    record,
    require,
)
from ratified.language.machine import OutOfBounds
from ratified.smt.validation.validate import comparison_of
from tests.shared.sorts import Round
from tests.shared.symmetric import Node
from tests.smt.test_translation import ALL, EFFORT


@record
class Letter:
    """From one to another."""

    source: Node
    to: Node
    round: Round


class Rounds(Model):
    """Every way in which the turns of a loop may be apart."""

    round: Map[Node, Round]
    late: Map[Node, bool]
    got: Map[Node, Map[Node, bool]]
    sent: Set[Letter]
    seen: Set[Node]

    def init(self, a: Letter, b: Letter, seen: Set[Node]) -> None:
        require(a.source != b.source)
        self.sent, self.seen = Set([a, b]), seen
        self.round[a.source] = a.round
        self.late[b.source] = b.round < a.round

    @action
    def broadcast(self, n: Node) -> None:
        for m in Node:
            if m != n:
                self.sent.add(Letter(n, m, self.round[n]))
                self.late[m] = self.round[m] < self.round[n]
            else:
                self.seen.discard(n)

    @action
    def follow(self, n: Node, r: Round) -> None:
        for m in self.seen:
            if not self.late[m]:
                if self.round[m] < r:
                    self.round[m] = r
                self.got[m][n] = m != n

    @action
    def answer(self, n: Node) -> None:
        for m in Node:
            require(self.round[m] <= self.round[n])
            if self.late[m]:
                require(m != n)
                self.late[m] = False
        for letter in self.sent:
            if letter.to == n:
                self.seen.add(letter.source)

    @action
    def forget(self, n: Node, r: Round) -> None:
        for letter in self.sent:
            if letter.to != n or r < letter.round:
                self.sent.discard(letter)

    @invariant
    def anything(self) -> bool:
        return True


def test_turns_that_are_apart() -> None:
    comparison = comparison_of(Rounds(Node=2, Round=2), effort=EFFORT, share=ALL)
    states = list(dict.fromkeys(after for _, after in comparison.machine.initial()))[::3]
    for state in states:
        assert not isinstance(state, OutOfBounds)
        comparison.state(state)
    assert (len(states), comparison.counted["steps"], comparison.counted["disabled"]) == (38, 433, 23)


class Counting(Model):
    """What a turn changes may decide whether the rest of it happens."""

    count: Map[Node, Annotated[int, Range(0, 3)]]
    seen: Set[Node]

    @invariant
    def anything(self) -> bool:
        return True


class AfterItsTest(Counting):
    @action
    def act(self) -> None:
        for n in Node:
            if self.count[n] == 0:
                self.count[n] = 1
                self.seen.add(n)


class OfAnother(Counting):
    @action
    def act(self, m: Node) -> None:
        for n in Node:
            if self.count[m] == 0:
                self.count[n] = 1


class AddedAndTaken(Counting):
    @action
    def act(self, m: Node) -> None:
        for n in Node:
            if self.count[n] == 0:
                self.seen.add(n)
            else:
                self.seen.discard(m)


class Counted(Counting):
    @action
    def act(self) -> None:
        for n in Node:
            self.seen.add(n)
            if n in self.seen:
                self.count[n] = 2


class Shrinking(Counting):
    @action
    def act(self) -> None:
        for n in self.seen:
            self.count[n] = 1
            self.seen.remove(n)


@pytest.mark.parametrize("model", [AfterItsTest, OfAnother, AddedAndTaken, Counted, Shrinking])
def test_turns_that_may_depend_on_each_other_are_refused(model: type[Counting]) -> None:
    with pytest.raises(ModelError, match="a loop whose turns may depend on each other"):
        comparison_of(model(Node=2), effort=EFFORT)
