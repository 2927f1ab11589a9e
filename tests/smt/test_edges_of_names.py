"""More models at the edges: names that others use, short circuits, values that are not there yet, lemmas without an answer."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import pytest

from ratified import (
    AtMost,
    Map,
    Model,
    Param,
    Range,
    Seq,
    Set,
    Sort,
    action,
    first,
    lemma,
    record,
    require,
)
from ratified.explore import check
from ratified.language.errors import RatifiedError
from ratified.results.result import Verdict
from ratified.smt.proving import ProofOptions, prove
from tests.shared.sorts import Floor

HOW = ProofOptions(processes=1, timeout=20)


class Int(Sort):
    """A sort that is called as that of integers is."""


class Über(Sort):  # noqa: PLC2401  # a letter that SMT-LIB has not
    """A sort with a letter beyond ASCII."""


class Word(Enum):
    none = 0
    true = 1
    some = 2


@record
class At:
    length: Int
    at: Word | None


class Alarm(Model):
    off: bool

    @lemma
    def silent(self) -> bool:
        return not self.off


class EveryNameTaken(Alarm):
    """Variables, fields and arguments that are called as sorts, solvers' words, and parts of symbols."""

    le: Map[Int, Word]
    has: Set[At]
    exists: Int | None
    forall: Set[Über]

    @action
    def define_fun(self, select: Int, store: Word | None, ite: Über) -> None:
        self.has.add(At(select, store))
        self.exists = select
        self.forall.add(ite)
        if store is not None:
            self.le[select] = store

    @action
    def assert_(self, x: Int) -> None:
        require(At(x, Word.none) in self.has and At(x, None) not in self.has)
        require(self.le[x] == Word.none and self.exists == x and len(self.forall) == 1)
        self.off = True


class DecidedBeforeTheLast(Alarm):
    """`any` stops at the first floor, and never comes to the one above which there is none."""

    @action
    def ring(self, g: Floor) -> None:
        require(any(f + 1 == g for f in Floor))
        self.off = True


class FalseBeforeTheLast(Alarm):
    @action
    def ring(self, g: Floor) -> None:
        require(not all(f + 1 != g for f in Floor))
        self.off = True


class DividedByWhatMayBeZero(Alarm):
    n: Annotated[int, Range(0, 2)]

    @action
    def ring(self) -> None:
        require(2 // self.n == 1)
        self.off = True


class EqualMaps(Alarm):
    most: Param[int] = 2
    one: Map[Annotated[int, Range(0, "most")], bool]
    two: Map[Annotated[int, Range(0, "most")], bool]

    @action
    def put(self, i: Annotated[int, Range(0, "most")]) -> None:
        self.one[i] = True
        self.two[i] = True

    @action
    def ring(self) -> None:
        require(self.one == self.two and self.one[self.most])
        self.off = True


class Popped(Alarm):
    row: Annotated[Seq[bool], AtMost(2)]

    @action
    def push(self, b: bool) -> None:
        self.row.append(b)

    @action
    def ring(self, i: Annotated[int, Range(-2, 1)]) -> None:
        require(len(self.row) == 2 and self.row[0] != self.row[1])
        kept = self.row[0]
        self.row.pop(i)
        require(i == -1 and self.row[-1] == kept)
        self.off = True


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        (EveryNameTaken, {"Int": 1, "Über": 1}),
        (DecidedBeforeTheLast, {"Floor": 2}),
        (FalseBeforeTheLast, {"Floor": 2}),
        (EqualMaps, {}),
        (Popped, {}),
    ],
)
def test_what_is_wrong_at_a_size_is_not_proved(model: type[Model], sizes: dict[str, object]) -> None:
    assert check(model(**sizes), engine="reference").verdict is Verdict.VIOLATED
    assert prove(model, options=HOW).verdict is not Verdict.HOLDS


def test_a_division_by_zero_is_not_proved() -> None:
    with pytest.raises(RatifiedError, match="division by zero"):
        check(DividedByWhatMayBeZero(), engine="reference")
    proof = prove(DividedByWhatMayBeZero, options=HOW)
    assert proof.verdict is Verdict.VIOLATED
    assert "well-defined / ring" in [c.name for c in proof.cells if c.status.value == "failed"]


class NoAnswer(Model):
    """A lemma that cannot be evaluated where the row is empty."""

    row: Annotated[Seq[bool], AtMost(2)]

    @action
    def push(self) -> None:
        self.row.append(True)

    @lemma
    def begins_with_true(self) -> bool:
        return self.row[0]


class TooEarly(Model):
    """`init` reads what has no value yet."""

    at: Int
    also: Int

    def init(self, x: Int) -> None:
        self.also = self.at
        self.at = x

    @lemma
    def anything(self) -> bool:
        return True


class NotAtAll(Model):
    """`init` gives a variable no value on one of its ways."""

    at: Int
    on: bool

    def init(self, x: Int, b: bool) -> None:
        if b:
            self.at = x
            self.on = True

    @lemma
    def anything(self) -> bool:
        return True


class BelowTheFirst(Model):
    at: Floor

    @action
    def down(self) -> None:
        self.at = self.at - 1

    @lemma
    def above(self) -> bool:
        return self.at >= first(Floor)


@pytest.mark.parametrize(
    ("model", "sizes", "message", "failed"),
    [
        (NoAnswer, {}, "has length 0, and no index 0|index", "begins_with_true / init"),
        (TooEarly, {"Int": 1}, "must have a value before it is read", "well-defined / init"),
        (NotAtAll, {"Int": 1}, "init does not assign", "well-defined / init"),
        (BelowTheFirst, {"Floor": 1}, "before the first", "well-defined / down"),
    ],
)
def test_what_raises_is_not_proved(
    model: type[Model], sizes: dict[str, object], message: str, failed: str
) -> None:
    with pytest.raises(RatifiedError, match=message):
        check(model(**sizes), engine="reference")
    proof = prove(model, options=HOW)
    assert proof.verdict is Verdict.VIOLATED
    assert failed in [c.name for c in proof.cells if c.status.value == "failed"]
