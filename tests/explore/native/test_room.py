"""Sets without a bound have some room in a packed state, and more where that was not enough: results are the same."""

from __future__ import annotations

from typing import Annotated

import pytest

from ratified.explore.native import engine, preparing
from ratified.explore.native.engine import check_native
from ratified.language import (
    AtMost,
    Map,
    Model,
    Param,
    Range,
    Seq,
    Set,
    action,
    constraint,
    eventually,
    invariant,
    record,
    require,
)
from ratified.results.limits import Reached
from ratified.results.result import Verdict
from tests.explore.native.differential import differences
from tests.shared.sorts import Node


@record
class Letter:
    """What was written so far; sequences make the letters too many to number."""

    writer: Node
    text: Annotated[Seq[Node], AtMost(2)]


class Letters(Model):
    """Letters are written, sent and delivered; everybody begins with a letter that is sent already."""

    few: Param[bool] = False
    begun: Param[bool] = False
    text: Map[Node, Annotated[Seq[Node], AtMost(2)]]
    sent: Set[Letter]
    boxes: Map[Node, Set[Letter]]

    def init(self) -> None:
        if self.begun:
            self.sent = Set(Letter(n, Seq([m])) for n in Node for m in Node)

    @action
    def write(self, n: Node) -> None:
        require(len(self.text[n]) < 2)
        self.text[n].append(n)

    @action
    def send(self, n: Node) -> None:
        self.sent.add(Letter(n, self.text[n]))

    @action
    def deliver(self, m: Letter) -> None:
        require(m in self.sent and not self.begun)
        self.boxes = Map({n: self.boxes[n] | {m} if n == m.writer else self.boxes[n] for n in Node})

    @invariant
    def not_many(self) -> bool:
        return not self.few or len(self.sent) < 3


@pytest.mark.parametrize(
    ("model", "rooms"),
    [
        (Letters(Node=1), [1, 2, 4]),
        (Letters(Node=1, few=True), [1, 2, 4]),
        (Letters(Node=2, begun=True), [1, 2, 4, 8]),
    ],
    ids=["everywhere", "with a violation in the same level", "in the initial state"],
)
def test_room_grows_until_it_is_enough(
    model: Model, rooms: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []

    def with_room(model: Model, room: int) -> Model:
        given.append(room)
        return prepared(model, room)

    prepared = preparing.with_room
    monkeypatch.setattr(engine, "ROOM", 1)
    monkeypatch.setattr(preparing, "with_room", with_room)
    assert differences(model, flags=("-O0",)) == []
    assert given == rooms


class Numbers(Model):
    """Two numbers without a range, whose constraint is no range either; a step, a claim and a loop go through all below."""

    most: Param[int] = 5
    n: int
    sum: int

    @action(fair="weak")
    def count(self, by: Annotated[int, Range(1, 2)]) -> None:
        self.n += by
        self.sum = sum(k for k in range(self.n) if k % 2 == 0)

    @constraint
    def few(self) -> bool:
        return self.n <= self.most

    @invariant
    def added_up(self) -> bool:
        total = 0
        for k in range(self.n):
            total += k
        return total == self.n * (self.n - 1) // 2 and (self.n == 0 or self.n - 1 in Set(range(self.n)))

    @eventually
    def two_are_below(self) -> bool:
        return len([k for k in range(self.n) if k > 0]) > 1


def test_room_for_ranges_without_a_bound_grows_likewise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ROOM", 1)
    assert differences(Numbers(), flags=("-O0",)) == []


def test_what_was_seen_before_there_was_more_room_is_told_where_time_runs_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow(preparing.Preparation):
        def wait(self, progress: object, most: float | None = None) -> bool:
            if self._order.room > 1:
                self.work.end()
                raise Reached("the time limit of 1 second")
            return super().wait(None, most)

    monkeypatch.setattr(engine, "ROOM", 1)
    monkeypatch.setattr(engine, "Preparation", Slow)
    found = check_native(Letters(Node=1), flags=("-O0",))
    assert (found.verdict, found.stopped, found.distinct) == (
        Verdict.UNDECIDED,
        "the time limit of 1 second",
        12,
    )
    assert {p.verdict for p in found.properties} == {Verdict.UNDECIDED}
