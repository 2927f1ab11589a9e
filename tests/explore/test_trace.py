"""What a step changed, told by place."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from ratified.language.records import record
from ratified.language.values import Bag, Map, Seq, Set
from ratified.results.changes import ChangeKind, StateDifference, changes, compact, step_changes
from ratified.results.result import Step, Trace
from tests.shared.sorts import Acceptor, Ballot


class Mood(Enum):
    CALM = 1
    ANGRY = 2


@record
class Vote:
    ballot: Ballot
    fast: bool


@record
class Ack:
    pass


A1, A2, A3 = Acceptor(0), Acceptor(1), Acceptor(2)
B0, B1 = Ballot(0), Ballot(1)


def told(old: Any, new: Any) -> list[str]:
    return [str(change) for change in changes({"x": old}, {"x": new})]


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (1, 1, []),
        (1, 2, ["x  1 -> 2"]),
        (None, A1, ["x  None -> a1"]),
        (None, 0, ["x  None -> 0"]),
        (False, True, ["x  False -> True"]),
        (Mood.CALM, Mood.ANGRY, ["x  CALM -> ANGRY"]),
        ((A1, B0), (A1, B1), ["x  (a1, b0) -> (a1, b1)"]),
        # maps, by key, at any depth
        (Map({A1: None, A2: None}), Map({A1: B0, A2: None}), ["x[a1]  None -> b0"]),
        (
            Map({A1: Map({A1: 0, A2: 0}), A2: Map({A1: 0, A2: 0})}),
            Map({A1: Map({A1: 0, A2: 1}), A2: Map({A1: 2, A2: 0})}),
            ["x[a1][a2]  0 -> 1", "x[a2][a1]  0 -> 2"],
        ),
        (Map({A1: Set([A2]), A2: Set()}), Map({A1: Set([A1]), A2: Set()}), ["x[a1]  - a2", "x[a1]  + a1"]),
        (Map({Mood.CALM: 0}), Map({Mood.CALM: 1}), ["x[CALM]  0 -> 1"]),
        (Map({A1: 0}), Map({A1: 0, A2: 0}), ["x  {a1: 0} -> {a1: 0, a2: 0}"]),
        # sets, in canonical order whatever the order of making
        (Set(), Set([A3, A1]), ["x  + a1", "x  + a3"]),
        (Set([A1, A2, A3]), Set([A2]), ["x  - a1", "x  - a3"]),
        (Set([Vote(B0, True)]), Set([Vote(B0, True), Vote(B1, False)]), ["x  + Vote(ballot=b1, fast=False)"]),
        # bags, by copies
        (Bag([Ack(), Ack()]), Bag([Ack()]), ["x  - Ack()"]),
        (Bag([A1, A1, A2]), Bag([A2, A3, A3]), ["x  - 2 x a1", "x  + 2 x a3"]),
        # sequences: in place, at the end, in the middle, as a whole
        (Seq([1, 2]), Seq([1, 3]), ["x[1]  2 -> 3"]),
        (Seq([]), Seq([1]), ["x  + 1"]),
        (Seq([1]), Seq([1, 1]), ["x  + 1"]),
        (Seq([1]), Seq([1, 2, 3]), ["x  + 2", "x  + 3"]),
        (Seq([1, 2, 3]), Seq([1]), ["x  - 2", "x  - 3"]),
        (Seq([1, 2, 3]), Seq([]), ["x  - 1", "x  - 2", "x  - 3"]),
        (Seq([1, 2, 3]), Seq([2, 3]), ["x[0]  - 1"]),
        (Seq([1, 3]), Seq([1, 2, 3]), ["x[1]  + 2"]),
        (Seq([1, 2, 3]), Seq([3, 4]), ["x  [1, 2, 3] -> [3, 4]"]),
        # records, by field; but not where the class changes
        (Vote(B0, True), Vote(B1, True), ["x.ballot  b0 -> b1"]),
        (Vote(B0, True), None, ["x  Vote(ballot=b0, fast=True) -> None"]),
        (Vote(B0, True), Ack(), ["x  Vote(ballot=b0, fast=True) -> Ack()"]),
        (
            Map({A1: Seq([Vote(B0, True)])}),
            Map({A1: Seq([Vote(B0, False)])}),
            ["x[a1][0].fast  True -> False"],
        ),
    ],
)
def test_a_change_is_told_by_its_place(old: object, new: object, lines: list[str]) -> None:
    assert told(old, new) == lines


def test_values_that_are_numbers_underneath_are_told_apart_by_type() -> None:
    assert told(A1, 0) == ["x  a1 -> 0"]
    assert told(False, 0) == ["x  False -> 0"]


def test_changes_come_in_the_order_of_declaration() -> None:
    before = {"z": 1, "a": 1, "m": 1}
    assert [c.path for c in changes(before, {"z": 2, "a": 2, "m": 1})] == ["z", "a"]


def test_a_change_is_structured() -> None:
    assert changes({"x": Bag([A1])}, {"x": Bag([A1, A2, A2])}) == (
        StateDifference("x", ChangeKind.ADDED, None, "a2", 2),
    )
    assert changes({"x": Set([A1])}, {"x": Set()}) == (StateDifference("x", ChangeKind.REMOVED, "a1", None),)
    assert changes({"x": Map({A1: 0})}, {"x": Map({A1: 1})}) == (
        StateDifference("x[a1]", ChangeKind.REPLACED, "0", "1"),
    )


def test_the_steps_of_a_trace_each_have_their_changes() -> None:
    trace = Trace(
        {"x": 0}, (Step("up", (), {"x": 1}), Step("stay", (), {"x": 1}), Step("down", (), {"x": 0}))
    )
    assert [[str(c) for c in step] for step in step_changes(trace)] == [["x  0 -> 1"], [], ["x  1 -> 0"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (Set(), "{}"),
        (Map({A1: None}), "{a1: None}"),
        (Map({A1: None, A2: None}), "None everywhere"),
        (Map({A1: B0, A2: None}), "{a1: b0, a2: None}"),
        (Map({A1: B0, A2: None, A3: None}), "None except {a1: b0}"),
        (Map({A1: Map({A1: 0, A2: 0}), A2: Map({A1: 0, A2: 0})}), "0 everywhere"),
        (
            Map({A1: Map({A1: 0, A2: 0}), A2: Map({A1: 0, A2: 1}), A3: Map({A1: 0, A2: 0})}),
            "{a1: {a1: 0, a2: 0}, a2: {a1: 0, a2: 1}, a3: {a1: 0, a2: 0}}",
        ),
        (Map({A1: Set(), A2: Set()}), "{} everywhere"),
    ],
)
def test_an_initial_value_is_shown_compactly(value: object, text: str) -> None:
    assert compact(value) == text
