"""Marks of symmetric values: one state of each orbit is explored, whatever they are made of; one that goes by names is found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import pytest

from ratified.explore.native.codegen import symmetry
from ratified.explore.native.codegen.writer import FunctionWriter
from ratified.language import AtMost, Bag, Map, Model, Range, Seq, Set, action, record, require
from ratified.language.sorts import Sort
from tests.explore.native.differential import differences
from tests.shared.symmetric import Node

Small = Annotated[int, Range(0, 1)]


@record
class Ask:
    """A message of one node to another."""

    source: Node
    target: Node


@record
class Answer:
    """Its answer, which may name a third."""

    target: Node
    other: Node | None
    well: bool


class Talk(Model):
    """Nodes whose state has every kind of place in which a node may stand."""

    count: Map[Node, Small]
    friend: Map[Node, Node | None]
    seen: Map[Node, Set[Node]]
    pairs: Set[tuple[Node, Node]]
    last: tuple[Node, bool] | None
    queue: Annotated[Seq[Node], AtMost(2)]
    sent: Annotated[Bag[Ask | Answer], AtMost(1)]
    answer: Ask | Answer | None

    @action
    def ask(self, a: Node, b: Node) -> None:
        require(a != b and len(self.sent) == 0 and self.count[a] == 0)
        self.count[a] = 1
        self.friend[a] = b
        self.sent.add(Ask(a, b))

    @action
    def reply(self, m: Ask) -> None:
        require(m in self.sent)
        self.sent.remove(m)
        self.seen[m.target].add(m.source)
        self.sent.add(Answer(m.source, self.friend[m.target], self.count[m.target] == 1))

    @action
    def take(self, m: Answer) -> None:
        require(m in self.sent and len(self.queue) < 2)
        self.sent.remove(m)
        self.queue.append(m.target)
        self.last = (m.target, m.well)
        self.answer = m
        if m.other is not None:
            self.pairs.add((m.target, m.other))


def test_one_state_of_each_orbit_whatever_marks_are_made_of() -> None:
    assert differences(Talk(Node=4), flags=("-O0",), symmetry=True) == []


def test_a_mark_that_depends_on_names_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_name(
        w: FunctionWriter, values: Sequence[Sort], renamed: frozenset[type[Sort]], first: int
    ) -> None:
        for k in range(len(values)):
            w.line(f"mark[{first + k}] = {k};")

    monkeypatch.setattr(symmetry, "write_marks", by_name)
    assert differences(Talk(Node=3), flags=("-O0",), symmetry=True) != []
