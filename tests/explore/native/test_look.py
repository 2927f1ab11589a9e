"""Questions about packed states: the answers of generated code are those of the language."""

from __future__ import annotations

from array import array
from typing import Annotated

from ratified.explore.native import look
from ratified.explore.native.codegen.functions import Unit
from ratified.language import Model, Range, action
from ratified.language.query import Answers, expressions


class Thermometer(Model):
    at: Annotated[int, Range(-5, 5)]

    @action
    def rise(self) -> None:
        self.at += 1


def test_words_that_are_lowered_may_stand_in_a_question() -> None:
    model = Thermometer()
    query = expressions(model, "-at, -(-at) * 2, at == -3")
    states = [(value,) for value in range(-5, 6)]
    packed = array("Q", [word for state in states for word in Unit(model).layout.pack(state)])
    found = look.ask(model, query, memoryview(packed))
    answers = Answers(model, query)
    assert [found.answer(key) for key in found.keys()] == [answers(state) for state in states]  # noqa: SIM118  # its own keys
