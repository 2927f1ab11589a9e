"""What is computed once in C is used again only where control has come through it, and nothing that it read has changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest

from ratified import AtMost, Model, Range, Seq, action, require
from ratified.explore.native.codegen.program import generate
from tests.explore.native.differential import TooLarge, differences
from tests.explore.native.repeating import repeating_model

SEEDS = 6


def compare(first: int, folder: Path) -> int:
    compared = 0
    for seed in range(first, first + SEEDS):
        try:
            assert differences(repeating_model(seed, folder), flags=("-O0",)) == [], seed
        except TooLarge:
            continue
        compared += 1
    return compared


def test_repeated_questions_have_the_answers_of_the_reference_machine(tmp_path: Path) -> None:
    assert compare(0, tmp_path) >= SEEDS // 2


@pytest.mark.long(suite="random")
@pytest.mark.parametrize("first", range(100, 100 + 10 * SEEDS, SEEDS))
def test_more_repeated_questions(first: int, tmp_path: Path) -> None:
    assert compare(first, tmp_path) >= SEEDS // 2


class Log(Model):
    """Asks for its latest entry, which takes a loop in C, in every way."""

    row: Annotated[Seq[bool], AtMost(9)]
    asked: Annotated[int, Range(0, 9)]

    def init(self) -> None:
        self.row = Seq()

    def latest(self) -> int:
        return max((i for i in range(1, len(self.row) + 1) if self.row[i - 1]), default=0)

    @action
    def write(self, new: bool) -> None:
        require(len(self.row) < 9)
        self.row = self.row + Seq([new])

    @action
    def again(self) -> None:
        require(self.latest() > 0)
        require(self.latest() < 9)
        self.asked = self.latest() if self.latest() > 1 else 0

    @action
    def after_a_change(self) -> None:
        require(self.latest() == len(self.row) and len(self.row) > 0)
        self.row = self.row[:-1]
        self.asked = self.latest()

    @action
    def in_a_branch(self) -> None:
        if self.asked == 3:
            require(self.latest() > 4)
            self.asked = self.latest() - 4
        else:
            require(self.latest() > 5)
            self.asked = self.latest() - 5


def functions(text: str, name: str) -> list[str]:
    """The bodies of the functions of an action."""
    return [part.partition("\n}\n")[0] for part in text.split(f"/* {name}(")[1:]]


@pytest.mark.parametrize(("name", "loops"), [("again", 1), ("after_a_change", 2), ("in_a_branch", 2)])
def test_a_question_is_asked_once_where_nothing_changes(name: str, loops: int) -> None:
    (body,) = functions(generate(Log()).text, name)
    assert body.count("for (") == loops


def test_they_are_the_same_steps() -> None:
    assert differences(Log(), most=20_000) == []
