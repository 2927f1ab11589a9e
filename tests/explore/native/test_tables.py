"""What is read from a table of constants is a word like any other, wherever it is put."""

from __future__ import annotations

from typing import Annotated

import pytest

from ratified import Model, Range, Set, Symmetric, action, record, require
from ratified.explore import check
from ratified.results.result import Verdict


class Sender(Symmetric):
    """Sends."""


@record
class Item:
    """A number that somebody has sent."""

    sender: Sender
    number: Annotated[int, Range(0, 8)]


class Shelf(Model):
    """A number is kept in the four bits below the middle of a word, and what was sent lies above them."""

    low: Annotated[int, Range(0, 2**28 - 1)] = 0
    kept: Annotated[int, Range(0, 8)] = 0
    sent: Set[Item]

    @action
    def send(self, i: Item) -> None:
        require(len(self.sent) == 0)
        self.sent.add(i)

    @action
    def keep(self, i: Item) -> None:
        require(i in self.sent)
        self.kept = i.number


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_a_number_from_a_table_spills_into_no_other_variable(engine: str) -> None:
    """An entry of eight bits that is moved up by 28 is negative where it is taken for an int of 32 bits."""
    result = check(Shelf(Sender=2), engine=engine)
    assert (result.verdict, result.distinct) == (Verdict.HOLDS, 35)
