"""Models at the edges of bounds, choices and assumptions: how large an argument is, which value is meant, what is assumed.

Guarantees: what a bound says of an argument, a key or a parameter is said in logic as well, no less and no more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest

from ratified import (
    AtMost,
    Bag,
    Map,
    Model,
    Param,
    Range,
    Seq,
    Set,
    action,
    assume,
    at_size,
    enabled,
    first,
    lemma,
    majorities,
    record,
    require,
)
from ratified.explore import check
from ratified.language.errors import RatifiedError
from ratified.results.result import Verdict
from ratified.smt.proving import ProofOptions, prove
from ratified.smt.result import Status
from tests.shared.sorts import Floor, Lamp

HOW = ProofOptions(processes=1, timeout=20)
Bit = Annotated[int, Range(0, 1)]
Number = Annotated[int, Range(0, 3)]
Row = Annotated[Seq[Bit], AtMost(2)]


class Alarm(Model):
    off: bool

    @lemma
    def silent(self) -> bool:
        return not self.off


# --- AtMost where it bounds a choice -------------------------------------------------------------------------------------


class KeysOfASize(Alarm):
    """There is no key of two lamps."""

    of: Map[Annotated[Set[Lamp], AtMost(1)], bool]

    @action
    def ring(self) -> None:
        require(Set(Lamp) not in self.of)
        self.off = True


class KeysOfALength(Alarm):
    of: Map[Annotated[Seq[Bit], AtMost(1)], bool]

    @action
    def ring(self) -> None:
        require(all(len(k) <= 1 for k in self.of))
        self.off = True


class LampsOfAParameter(Alarm):
    most: Param[Annotated[Set[Lamp], AtMost(1)]] = at_size(Set)

    @action
    def ring(self) -> None:
        require(len(self.most) <= 1)
        self.off = True


# --- the value that is singled out has cases -----------------------------------------------------------------------------


class GreatestOfPairs(Alarm):
    """The greatest pair is of one case of its bool, and not of the other."""

    at: Map[Lamp, Floor]

    @action
    def move(self, x: Lamp, f: Floor) -> None:
        self.at[x] = f

    @action
    def ring(self, x: Lamp) -> None:
        require(max((self.at[y], y == x) for y in Lamp) == (self.at[x], True))
        require(self.at[x] != first(Floor))
        self.off = True


@record
class Lit:
    lamp: Lamp


@record
class Dark:
    lamp: Lamp


class FirstOfAUnion(Alarm):
    seen: Set[Lit | Dark]

    @action
    def see(self, m: Lit | Dark) -> None:
        self.seen.add(m)

    def begins_dark(self) -> bool:
        for m in self.seen:
            return isinstance(m, Dark)
        return False

    @action
    def ring(self) -> None:
        require(self.begins_dark() and any(isinstance(m, Lit) for m in self.seen))
        self.off = True


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        (KeysOfASize, {"Lamp": 2}),
        (KeysOfALength, {}),
        (LampsOfAParameter, {"Lamp": 1}),
        (GreatestOfPairs, {"Lamp": 1, "Floor": 2}),
        (FirstOfAUnion, {"Lamp": 1}),
    ],
)
def test_what_is_wrong_at_a_size_is_not_proved(model: type[Model], sizes: dict[str, object]) -> None:
    assert check(model(**sizes), engine="reference").verdict is Verdict.VIOLATED
    proof = prove(model, options=HOW)
    assert proof.verdict is Verdict.VIOLATED
    (cell,) = proof.of(Status.FAILED)
    assert cell.counterexample
    assert cell.counterexample.confirmed is True


# --- beginnings that bounds forbid ---------------------------------------------------------------------------------------


class NoArgumentIsLargeEnough(Alarm):
    lit: Set[Lamp]

    def init(self, lit: Annotated[Set[Lamp], AtMost(1)]) -> None:
        require(len(lit) >= 2)
        self.lit = lit


class NoArgumentIsLongEnough(Alarm):
    row: Annotated[Seq[Bit], AtMost(3)]

    def init(self, row: Annotated[Seq[Bit], AtMost(1)]) -> None:
        require(len(row) > 1)
        self.row = row


@pytest.mark.parametrize("model", [NoArgumentIsLargeEnough, NoArgumentIsLongEnough])
def test_an_argument_of_init_keeps_its_size(model: type[Model]) -> None:
    with pytest.raises(RatifiedError, match="has no initial state, at any size: nothing can be proved of it"):
        prove(model, options=HOW)


class BeginsTooLong(Alarm):
    row: Annotated[Seq[Lamp], AtMost(1)]

    def init(self, x: Lamp) -> None:
        self.row = Seq([x, x])


class BeginsTooHigh(Alarm):
    at: Map[Lamp, Number]

    def init(self, x: Lamp) -> None:
        self.at[x] += 4


@pytest.mark.parametrize(
    ("model", "bound", "store"),
    [
        (BeginsTooLong, "the limit of 1 elements in row", "self.row = Seq([x, x])"),
        (BeginsTooHigh, "the range 0..3 of at", "self.at[x] += 4"),
    ],
)
def test_what_begins_beyond_a_bound_is_undecided(model: type[Model], bound: str, store: str) -> None:
    assert check(model(Lamp=1), engine="reference").verdict is Verdict.UNDECIDED
    proof = prove(model, options=HOW)
    assert proof.verdict is Verdict.UNDECIDED
    [why] = [c.why for c in proof.of(Status.UNDECIDED) if c.name == "a beginning / init"]
    said, _, place = why.partition(", in init, at ")
    assert said == f"every initial state exceeds a bound: {bound}"
    line = int(place.split(":")[1])
    assert Path(__file__).read_text(encoding="utf-8").splitlines()[line - 1].strip() == store


# --- what bounds and assumptions say is used -----------------------------------------------------------------------------


class BoundsOfArguments(Model):
    """The numbers inside of containers that are arguments or parameters are within their bounds."""

    weights: Param[Map[Lamp, Bit]] = at_size(lambda: Map({x: 1 for x in Lamp}))
    at: Number

    @action
    def weigh(self, x: Lamp) -> None:
        self.at = self.weights[x]

    @action
    def add(self, of: Map[bool, Bit]) -> None:
        self.at = of[False] + of[True]

    @action
    def greatest(self, of: Set[Bit]) -> None:
        require(len(of) > 0)
        self.at = max(of) + 1

    @action
    def last(self, of: Row) -> None:
        self.at = of[-1] + 1 if of else 0

    @lemma
    def small(self) -> bool:
        return self.at <= 2

    @lemma
    def rows_are_of_bits(self, row: Row) -> bool:
        return all(b <= 1 for b in row)


class LargerThanCounted(Model):
    """What is assumed of the size of a sort is known where nothing else speaks of that size."""

    lit: Set[Lamp]

    @assume
    def six(self) -> bool:
        """There are six."""
        return len(Lamp) >= 6

    @action
    def light(self, x: Lamp) -> None:
        require(len(self.lit) == 0)
        self.lit.add(x)

    @lemma
    def one_at_most(self) -> bool:
        return len(self.lit) <= 1

    @lemma
    def not_all(self) -> bool:
        return any(x not in self.lit for x in Lamp)


class AnsweredForSomeOnly(Model):
    """An assumption that has no answer for one value of a parameter: there is no such model."""

    parts: Param[Number] = 2
    off: bool

    @assume
    def thirds(self) -> bool:
        """Three in each part."""
        return 6 // self.parts == 3

    @action
    def ring(self) -> None:
        require(self.parts != 2)
        self.off = True

    @lemma
    def silent(self) -> bool:
        return not self.off


class Counted(Alarm):
    """Two of three are a majority, and one is none."""

    lit: Set[Lamp]

    @action
    def light(self, x: Lamp) -> None:
        require(len(self.lit) == 0)
        self.lit.add(x)

    @action
    def ring(self, a: Lamp, b: Lamp, c: Lamp) -> None:
        require(a != b and b != c and a != c and 2 * len(self.lit) > len(Lamp))
        self.off = True

    @lemma
    def one_at_most(self) -> bool:
        return len(self.lit) <= 1


class AMajorityInAnother(Alarm):
    one: Set[Lamp]
    two: Set[Lamp]

    @action
    def choose(self, q: Set[Lamp], r: Set[Lamp]) -> None:
        require(q in majorities(Lamp) and r in majorities(Lamp))
        self.one, self.two = q, r

    @action
    def ring(self) -> None:
        require(len(self.one) > 0 and self.one < self.two)
        self.off = True

    @lemma
    def smallest(self) -> bool:
        none = len(self.one) == 0 and len(self.two) == 0
        return none or (self.one in majorities(Lamp) and self.two in majorities(Lamp))


class MoreThanHalfOfOnes(Alarm):
    """A sum of ones is the size of a set."""

    lit: Map[Lamp, bool]

    @action
    def light(self, x: Lamp) -> None:
        self.lit[x] = not self.lit[x]

    @action
    def ring(self) -> None:
        require(2 * sum(1 for x in Lamp if self.lit[x]) > len(Lamp))
        require(2 * sum(1 for x in Lamp if not self.lit[x]) >= len(Lamp))
        self.off = True


class RoomAtFirst(Model):
    """A model whose first value is outside its bounds is refused, so that there is always room."""

    most: Param[int] = 2
    level: Annotated[int, Range(0, "most")]

    @action
    def rise(self) -> None:
        require(self.level < self.most)
        self.level += 1

    @lemma
    def no_more(self) -> bool:
        return 0 <= self.level <= self.most


class RoomForOne(RoomAtFirst):
    level: Annotated[int, Range(0, "most")] = 1

    @lemma
    def room(self) -> bool:
        return self.most >= 1


INDUCTIVE: list[type[Model]] = [
    RoomAtFirst,
    RoomForOne,
    BoundsOfArguments,
    LargerThanCounted,
    AnsweredForSomeOnly,
    Counted,
    AMajorityInAnother,
    MoreThanHalfOfOnes,
]


@pytest.mark.parametrize("model", INDUCTIVE)
def test_what_is_inductive_is_proved_and_held_to_cpython(model: type[Model]) -> None:
    proof = prove(model, options=HOW)
    assert proof.verdict is Verdict.HOLDS
    assert proof.held
    assert proof.held.states > 0


def test_an_assumption_without_an_answer_refuses_the_parameters() -> None:
    with pytest.raises(RatifiedError) as refused:
        AnsweredForSomeOnly(parts=0)
    assert refused.value.message == "the assumption thirds cannot be evaluated here: division by zero"
    assert refused.value.span
    assert refused.value.remedy == "test the divisor first"


# --- counterexamples with numbers away from 0 ----------------------------------------------------------------------------


class FarFromZero(Alarm):
    at: Annotated[int, Range(7, 9)]
    below: Annotated[int, Range(-3, 2)]

    @action
    def ring(self) -> None:
        require(self.at == 7 and self.below == -3)
        self.off = True


def test_a_counterexample_has_the_numbers_that_formulas_speak_of() -> None:
    (cell,) = prove(FarFromZero, options=HOW).of(Status.FAILED)
    assert cell.counterexample
    assert cell.counterexample.confirmed is True
    assert cell.counterexample.before == {"off": False, "at": 7, "below": -3}


FAR = 2**66


class FartherThanMachineWords(Alarm):
    at: Annotated[int, Range(-FAR, FAR)]

    @action
    def ring(self) -> None:
        require(self.at > FAR - 2)
        self.off = True


def test_a_counterexample_may_have_numbers_past_64_bits() -> None:
    (cell,) = prove(FartherThanMachineWords, options=HOW).of(Status.FAILED)
    assert cell.counterexample
    assert cell.counterexample.confirmed is True
    assert cell.counterexample.before in [{"off": False, "at": at} for at in (FAR - 1, FAR)]


class GuardsElsewhere(Alarm):
    at: Number

    def room(self) -> None:
        require(self.at < 3)

    @action
    def rise(self) -> None:
        self.room()
        self.at += 1

    @action
    def ring(self) -> None:
        require(not enabled(self.rise) and self.at != 3)
        self.off = True


class GuardsElsewhereAtTheEnd(GuardsElsewhere):
    """It rings once `at` is 3."""

    @action
    def ring(self) -> None:
        require(not enabled(self.rise))
        self.off = True


def test_guards_in_procedures_are_asked() -> None:
    assert prove(GuardsElsewhere, options=HOW).verdict is Verdict.HOLDS
    assert prove(GuardsElsewhereAtTheEnd, options=HOW).verdict is Verdict.VIOLATED


# --- one container of each content ---------------------------------------------------------------------------------------


class SetsOfSets(Alarm):
    all_of: Set[Set[Lamp]]

    @action
    def put(self, q: Set[Lamp]) -> None:
        self.all_of.add(q)

    @action
    def ring(self) -> None:
        require(len(self.all_of) == 2 and all(len(q) == 0 for q in self.all_of))
        self.off = True


class OneRow(Alarm):
    """A lemma about all rows is about those in a variable, which may be longer than their type says."""

    rows: Set[Row]

    @action
    def put(self, row: Row) -> None:
        require(all(r == row for r in self.rows))
        self.rows.add(row)

    @action
    def ring(self, row: Row) -> None:
        require(row in self.rows and self.rows != Set([row]))
        self.off = True

    @lemma
    def one_at_most(self, a: Row, b: Row) -> bool:
        return a == b or a not in self.rows or b not in self.rows


class SetsAsKeys(Alarm):
    of: Map[Set[bool], bool]

    @action
    def put(self, q: Set[bool]) -> None:
        self.of[q] = True

    @action
    def ring(self, q: Set[bool], r: Set[bool]) -> None:
        require(all((b in q) == (b in r) for b in (False, True)) and self.of[q] != self.of[r])
        self.off = True


class SequencesInSets(Alarm):
    rows: Set[Row]

    @action
    def put(self, row: Row) -> None:
        self.rows.add(row)

    @action
    def ring(self, a: Row, b: Row) -> None:
        require(a in self.rows and b in self.rows and a != b)
        require(len(a) == 1 and len(b) == 1 and a[0] == b[-1])
        self.off = True


class MapsInSets(Alarm):
    seen: Set[Map[Lamp, bool]]

    @action
    def ring(self, a: Map[Lamp, bool], b: Map[Lamp, bool]) -> None:
        require(a != b and all(a[x] == b[x] for x in Lamp))
        self.off = True


@pytest.mark.parametrize("model", [SetsOfSets, OneRow, SetsAsKeys, SequencesInSets, MapsInSets])
def test_containers_of_the_same_content_are_one(model: type[Model]) -> None:
    assert prove(model, options=HOW).verdict is Verdict.HOLDS


class TwoSetsInABag(Alarm):
    box: Annotated[Bag[Set[bool]], AtMost(3)]

    @action
    def ring(self, a: Set[bool], b: Set[bool]) -> None:
        require(self.box == Bag([a, b, a]) and a != b)
        self.off = True


def test_a_counterexample_has_no_two_containers_of_the_same_content() -> None:
    (cell,) = prove(TwoSetsInABag, options=HOW).of(Status.FAILED)
    assert cell.counterexample
    assert cell.counterexample.confirmed is True
    assert cell.counterexample.arguments["a"] != cell.counterexample.arguments["b"]
