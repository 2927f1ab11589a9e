"""Switches: an action that parameters and sizes forbid is told apart from one that merely never came up, in both engines."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import pytest

from ratified.explore import check
from ratified.explore.simulate import simulate
from ratified.language import (
    AtMost,
    Bag,
    Map,
    Model,
    Param,
    Range,
    action,
    record,
    require,
)
from tests.shared.sorts import Node, Time


class Way(Enum):
    """How it is done."""

    FAST = "fast"
    SAFE = "safe"


@record
class Note:
    """Sent to a node."""

    to: Node


class Switched(Model):
    """Each of the actions before `work` is switched off; of those after it, none is."""

    fast: Param[bool] = False
    way: Param[Way] = Way.SAFE
    limit: Param[int] = 0
    first: Param[Node | None] = None

    done: Map[Node, Annotated[int, Range(0, 2)]]
    notes: Annotated[Bag[Note], AtMost(2)]

    def init(self) -> None:
        if self.fast:
            self.notes.add(Note(Node(0)))

    def proceed(self, n: Node, allowed: bool) -> None:
        require(allowed)
        self.done[n] += 1

    def is_fast(self) -> bool:
        return self.fast and len(Node) > 1

    def has_none(self) -> bool:
        return self.done[Node(0)] == 3

    @action
    def by_parameter(self, n: Node) -> None:
        require(self.done[n] == 0 and self.fast)
        self.done[n] = 1

    @action
    def by_helper(self, n: Node) -> None:
        require(self.is_fast())
        self.done[n] = 1

    @action
    def by_size(self, n: Node) -> None:
        require(len(Node) >= 5)
        self.done[n] = 1

    @action
    def by_enum(self, note: Note) -> None:
        require(note in self.notes)
        require(self.way == Way.FAST)
        self.notes.remove(note)

    @action
    def by_quantifier(self) -> None:
        require(any(int(n) < self.limit for n in Node))
        self.notes.clear()

    @action
    def by_local_name(self, n: Node) -> None:
        first = self.first
        require(first is not None)
        self.done[n] = 1

    @action
    def by_procedure(self, n: Node) -> None:
        self.notes.clear()
        self.proceed(n, self.fast)

    @action
    def by_branch(self, n: Node) -> None:
        if self.fast:
            self.done[n] = 1
        else:
            require(self.limit > 0)
        self.done[n] = 2

    @action
    def work(self, n: Node) -> None:
        self.proceed(n, self.done[n] < 2 or self.fast)

    @action
    def never_came_up(self) -> None:
        require(self.has_none() or self.fast)
        self.notes.clear()

    @action
    def maybe(self, n: Node) -> None:
        if self.done[n] == 3:
            return
        require(self.done[n] == 3)
        self.notes.clear()

    @action
    def hidden(self, n: Node, t: Time) -> None:
        fast = self.fast
        for m in Node:
            fast = fast or self.done[m] > int(t) + 5
        require(fast and self.done[n] == 0)

    @action
    def without_value(self) -> None:
        require(self.done[Node(0)] == 3 and 1 // self.limit == 0)
        self.notes.clear()


OFF = (
    "by_parameter",
    "by_helper",
    "by_size",
    "by_enum",
    "by_quantifier",
    "by_local_name",
    "by_procedure",
    "by_branch",
)
NEVER = ("never_came_up", "maybe", "hidden", "without_value")


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_what_is_switched_off_is_no_action_that_never_fired(engine: str) -> None:
    result = check(Switched(Node=2, Time=1), engine=engine)
    assert result.distinct == 9
    assert result.switched_off == OFF
    assert result.never_fired == NEVER


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_what_is_switched_on_is_not_off(engine: str) -> None:
    result = check(Switched(Node=5, Time=1, fast=True, way="FAST", limit=2, first="n1"), engine=engine)
    assert result.switched_off == ()
    assert result.never_fired == ("maybe", "without_value")


def test_random_walks_tell_them_apart_too() -> None:
    walked = simulate(Switched(Node=2, Time=1), runs=3, length=5)
    assert walked.switched_off == OFF
    assert walked.never_fired == NEVER


class Ever(Model):
    """A constant is a switch that nobody can turn."""

    on: bool

    @action
    def turn(self) -> None:
        self.on = not self.on

    @action
    def nothing(self) -> None:
        require(False)


def test_what_is_forbidden_for_good_is_off() -> None:
    result = check(Ever())
    assert (result.switched_off, result.never_fired) == (("nothing",), ())
