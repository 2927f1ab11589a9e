"""Models at the edges of the language, each wrong at a small size: the explorer says so, and the prover does not deny it.

Every model stands for a kind of mistake that a translation to logic can make. What is not refuted by a counterexample is refused
with its place, or undecided; nothing here may be proved.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, ClassVar, Literal, Self

import pytest

from ratified import (
    AtMost,
    Bag,
    Goals,
    Map,
    Model,
    Param,
    Range,
    Seq,
    Set,
    action,
    assume,
    at_size,
    first,
    invariant,
    last,
    lemma,
    majorities,
    record,
    require,
    step_invariant,
)
from ratified.cli.report.proof import proof_text
from ratified.explore import check
from ratified.language.errors import RatifiedError
from ratified.results.result import Verdict
from ratified.smt.proving import ProofOptions, prove
from tests.shared.sorts import Floor, Lamp

Small = Annotated[int, Range(0, 2)]


class Colour(Enum):
    RED = 1
    GREEN = 2


@record
class Ring:
    lamp: Lamp


class Elsewhere:
    @record
    class Ring:
        """Another record of this name."""

        lamp: Lamp


@record
class Sign:
    at: Lamp
    some: bool


@record
class Cell:
    number: Small


class Alarm(Model):
    """Goes off when a step `ring` is possible, which each of the models says not to be."""

    off: bool

    @lemma
    def silent(self) -> bool:
        return not self.off


# --- None and optional values ----------------------------------------------------------------------------------------


class NoneIsInNoSet(Alarm):
    lit: Set[Lamp]
    chosen: Lamp | None

    @action
    def light(self, x: Lamp) -> None:
        self.lit.add(x)

    @action
    def ring(self) -> None:
        require(all(x in self.lit for x in Lamp) and self.chosen not in self.lit)
        self.off = True


class NoneIsNoValueOfASort(Alarm):
    chosen: Lamp | None

    @action
    def ring(self) -> None:
        require(self.chosen not in Lamp)
        self.off = True


# --- operations without an answer, where nobody asks -----------------------------------------------------------------


class AboveTheLast(Alarm):
    at: Floor

    @action
    def up(self) -> None:
        self.at = self.at if self.at.is_last() else self.at + 1

    @action
    def ring(self) -> None:
        require(all(f.is_last() or f + 1 > f for f in Floor))
        require((self.at if self.at.is_last() else self.at + 1) == self.at)
        self.off = True


class BelowTheFirst(Alarm):
    at: Floor

    @action
    def ring(self) -> None:
        require(True if self.at == first(Floor) else self.at - 1 == self.at)
        self.off = True


class AnAssumptionAboutNeighbours(Alarm):
    open: Param[Map[Floor, bool]] = at_size(lambda: Map({f: False for f in Floor}))

    @assume
    def open_from_some_floor_on(self) -> bool:
        """Above an open floor all are open."""
        return all(f == first(Floor) or self.open[f - 1] <= self.open[f] for f in Floor)

    @action
    def ring(self, f: Floor) -> None:
        require(not self.open[f])
        self.off = True


class TheSecondLamp(Alarm):
    @action
    def ring(self) -> None:
        require(all(x == y for x in Lamp for y in Lamp) or Lamp(1) == Lamp(0))
        self.off = True


class CountedFromTheEnd(Model):
    """A position that is negative, and no constant."""

    row: Annotated[Seq[bool], AtMost(3)]
    at: Annotated[int, Range(-1, 1)]

    @action
    def back(self) -> None:
        self.at = -1

    @action
    def grow(self) -> None:
        require(len(self.row) == 0)
        self.row.append(False)

    @action
    def mark(self) -> None:
        require(len(self.row) == 1 and self.at == -1)
        self.row[self.at] = True

    @lemma
    def nothing_is_marked(self) -> bool:
        return len(self.row) <= 1 and not any(x for x in self.row)


# --- names ---------------------------------------------------------------------------------------------------------------


class ReboundBeforeItIsAsked(Alarm):
    @action
    def ring(self, a: Lamp, b: Lamp) -> None:
        which = a
        same = Set({x for x in Lamp if x == which})
        which = b
        require(which != a and a in same)
        self.off = True


class ShadowedInItsLoop(Model):
    lit: Map[Lamp, bool]

    @action
    def toggle(self) -> None:
        for x in Lamp:
            self.lit[x] = not any(self.lit[x] for x in Lamp)

    @lemma
    def all_alike(self, a: Lamp, b: Lamp) -> bool:
        return self.lit[a] == self.lit[b]


class WordsOfSolvers(Alarm):
    select: bool
    select_: bool

    @action
    def set_it(self) -> None:
        self.select = True

    @action
    def ring(self) -> None:
        require(self.select and not self.select_)
        self.off = True


class AFieldCalledAsTheTranslationDoes(Alarm):
    last: Sign | None

    @action
    def put(self, x: Lamp) -> None:
        self.last = Sign(x, False)

    @action
    def ring(self) -> None:
        sign = self.last
        require(sign is not None and not sign.some)
        self.off = True


class TwoRecordsOfOneName(Alarm):
    sent: Set[Ring | Elsewhere.Ring]

    @action
    def put(self, x: Lamp) -> None:
        self.sent.add(Ring(x))

    @action
    def ring(self, x: Lamp) -> None:
        require(Ring(x) in self.sent and Elsewhere.Ring(x) not in self.sent)
        self.off = True


# --- the least and the greatest ------------------------------------------------------------------------------------------


class TheGreatestOfThree(Alarm):
    x: Floor
    y: Floor

    @action
    def move(self, f: Floor) -> None:
        self.x = f

    @action
    def ring(self, f: Floor) -> None:
        require(max(max(self.x, self.y), f) != max(self.x, self.y))  # noqa: PLW3301  # it is what is meant
        self.off = True


class EqualTexts(Model):
    """A constant that is defined, beside a bound variable of the same kind."""

    of: Map[Lamp, Set[Floor]]
    all_of: Set[Floor]

    @action
    def put(self, x: Lamp, f: Floor) -> None:
        self.of[x].add(f)

    @lemma
    def same(self) -> bool:
        top = max(self.all_of, default=first(Floor))
        return top <= last(Floor) and all(max(self.of[x], default=first(Floor)) == top for x in Lamp)


# --- bags ----------------------------------------------------------------------------------------------------------------


class OneCopyOrTwo(Alarm):
    box: Annotated[Bag[Lamp], AtMost(3)]

    @action
    def put(self, x: Lamp) -> None:
        self.box.add(x)

    @action
    def ring(self, x: Lamp) -> None:
        require(self.box != Bag([x]) and x in self.box and all(y == x for y in self.box))
        self.off = True


class ACopyIsLeft(Alarm):
    box: Annotated[Bag[Lamp], AtMost(3)]

    @action
    def ring(self, x: Lamp) -> None:
        self.box = Bag([x, x])
        self.box.remove(x)
        if x in self.box:
            self.off = True


class NoneBesidesIt(Alarm):
    box: Annotated[Bag[Lamp | None], AtMost(3)]

    @action
    def put(self, x: Lamp | None) -> None:
        self.box.add(x)

    @action
    def ring(self, x: Lamp) -> None:
        require(Bag([x]) != self.box and self.box.count(x) == 1 and all(y in {x, None} for y in self.box))
        self.off = True


class MoreThanHalfWithCopies(Alarm):
    one: Annotated[Bag[Lamp], AtMost(3)]
    two: Annotated[Bag[Lamp], AtMost(3)]

    @action
    def put(self, x: Lamp) -> None:
        self.one.add(x)

    @action
    def put_other(self, x: Lamp) -> None:
        self.two.add(x)

    @action
    def ring(self) -> None:
        require(2 * len(self.one) > len(Lamp) and 2 * len(self.two) > len(Lamp))
        require(not any(x in self.two for x in self.one))
        self.off = True


# --- maps ----------------------------------------------------------------------------------------------------------------


class KeysThatThereAre(Alarm):
    of: Map[Small, bool]

    @action
    def ring(self) -> None:
        require(max(self.of.keys()) == 2 and all(k <= 2 for k in self.of))
        self.off = True


class KeysThatAreRecords(Alarm):
    of: Map[Cell, bool]

    @action
    def ring(self) -> None:
        require(all(k.number <= 2 for k in self.of))
        self.off = True


class KeysThatThereAreNot(Alarm):
    of: Map[Small, bool]
    at: Small

    @action
    def ring(self) -> None:
        require(self.at + 3 not in self.of)
        self.off = True


class ValuesInARow(Alarm):
    one: Map[Lamp, bool]
    two: Map[Lamp, bool]

    @action
    def put(self, x: Lamp) -> None:
        self.one[x] = True

    @action
    def put_other(self, x: Lamp) -> None:
        self.two[x] = True

    @action
    def ring(self) -> None:
        require(Seq(self.one.values()) != Seq(self.two.values()))
        require(Set(self.one.values()) == Set(self.two.values()))
        self.off = True


class FirstValues(Model):
    low: Param[int] = 2
    at: Annotated[int, Range("low", "low + 3")]

    @action
    def stay(self) -> None:
        require(self.at == self.low)

    @lemma
    def nothing(self) -> bool:
        return self.at == 0


# --- loops ---------------------------------------------------------------------------------------------------------------


class EqualItemsOnce(Alarm):
    @action
    def ring(self, a: Lamp, b: Lamp) -> None:
        turns = 0
        for _ in Set({a, b}):
            turns = turns + 1
        require(turns == 1)
        self.off = True


class ItemsReadBeforeTheLoop(Alarm):
    a: Lamp | None
    b: Lamp | None

    @action
    def put(self, x: Lamp) -> None:
        self.b = x

    @action
    def ring(self) -> None:
        for x in (self.a, self.b):
            self.b = x
        require(self.b != self.a)
        self.off = True


class Gathered(Alarm):
    @action
    def ring(self, a: Lamp, b: Lamp) -> None:
        seen = Set({x for x in Lamp if x != x})
        for x in (a, b):
            seen = seen | {y for y in Lamp if y == x}
        require(a != b and a in seen)
        self.off = True


# --- quorums, beginnings, bounds, claims ---------------------------------------------------------------------------------


class AnyQuorums(Model):
    quorums: Param[Set[Set[Lamp]]] = majorities(Lamp)
    voted: Map[Lamp, Colour | None]

    @action
    def vote(self, x: Lamp, c: Colour) -> None:
        require(self.voted[x] is None)
        self.voted[x] = c

    @lemma
    def one_colour(self, c: Colour, d: Colour) -> bool:
        return c == d or not (self.chosen(c) and self.chosen(d))

    def chosen(self, c: Colour) -> bool:
        return any(all(self.voted[x] == c for x in quorum) for quorum in self.quorums)


class NoQuorumAtAll(Model):
    quorums: Param[Set[Set[Lamp]]] = majorities(Lamp)
    on: bool

    @assume
    def quorums_meet(self) -> bool:
        """Any two quorums meet."""
        return all(any(x in q for x in p) for p in self.quorums for q in self.quorums)

    @action
    def turn(self) -> None:
        self.on = not any(True for _ in self.quorums)

    @lemma
    def is_off(self) -> bool:
        return not self.on


class OutOfBounds(Model):
    at: Small

    @action
    def up(self) -> None:
        self.at += 1

    @lemma
    def small(self) -> bool:
        return self.at <= 2


class Stutters(Model):
    at: Small

    @action
    def stay(self) -> None:
        self.at = 0

    @lemma
    def anything(self) -> bool:
        return self.at >= 0

    @step_invariant
    def moves(self, old: Self) -> bool:
        return self.at != old.at


class Claimed(Model):
    at: Small
    goals: ClassVar[Goals] = {"small": None}

    @action
    def go(self) -> None:
        self.at = 2

    @lemma
    def below_three(self) -> bool:
        return self.at < 3

    @invariant
    def small(self) -> bool:
        return self.at < 3


class ClaimedMore(Claimed):
    @invariant
    def smaller(self) -> bool:
        return self.at < 2


class Asserted(Model):
    at: Small

    @action
    def set_it(self, n: Small) -> None:
        self.at = n

    @action
    def claim(self) -> None:
        assert self.at == 0

    @lemma
    def small(self) -> bool:
        return self.at <= 2


VIOLATED, UNDECIDED, NOT_PROVED = Verdict.VIOLATED, Verdict.UNDECIDED, None
TWO: dict[str, object] = {"Lamp": 2}
EDGES: list[tuple[type[Model], dict[str, object], Verdict | None]] = [
    (NoneIsInNoSet, {"Lamp": 1}, VIOLATED),
    (NoneIsNoValueOfASort, {"Lamp": 1}, VIOLATED),
    (AboveTheLast, {"Floor": 2}, VIOLATED),
    (BelowTheFirst, {"Floor": 1}, VIOLATED),
    (AnAssumptionAboutNeighbours, {"Floor": 2}, VIOLATED),
    (TheSecondLamp, {"Lamp": 1}, VIOLATED),
    (CountedFromTheEnd, {}, VIOLATED),
    (ReboundBeforeItIsAsked, TWO, VIOLATED),
    (ShadowedInItsLoop, TWO, VIOLATED),
    (WordsOfSolvers, {}, VIOLATED),
    (AFieldCalledAsTheTranslationDoes, {"Lamp": 1}, VIOLATED),
    (TwoRecordsOfOneName, {"Lamp": 1}, VIOLATED),
    (TheGreatestOfThree, {"Floor": 2}, VIOLATED),
    (EqualTexts, {"Lamp": 1, "Floor": 2}, VIOLATED),
    (OneCopyOrTwo, {"Lamp": 1}, VIOLATED),
    (ACopyIsLeft, {"Lamp": 1}, VIOLATED),
    (NoneBesidesIt, {"Lamp": 1}, Verdict.VIOLATED),
    (MoreThanHalfWithCopies, {"Lamp": 2}, NOT_PROVED),
    (KeysThatThereAre, {}, VIOLATED),
    (KeysThatAreRecords, {}, VIOLATED),
    (KeysThatThereAreNot, {}, VIOLATED),
    (ValuesInARow, TWO, NOT_PROVED),
    (FirstValues, {}, VIOLATED),
    (EqualItemsOnce, {"Lamp": 1}, VIOLATED),
    (ItemsReadBeforeTheLoop, {"Lamp": 1}, VIOLATED),
    (Gathered, TWO, VIOLATED),
    (AnyQuorums, {"Lamp": 2, "quorums": Set({Set({Lamp(0)}), Set({Lamp(1)})})}, VIOLATED),
    (NoQuorumAtAll, {"Lamp": 1, "quorums": Set()}, VIOLATED),
    (Stutters, {}, VIOLATED),
    (ClaimedMore, {}, VIOLATED),
]


@pytest.mark.sampled(every=3)
@pytest.mark.parametrize(("model", "sizes", "said"), EDGES, ids=[m.__name__ for m, *_ in EDGES])
def test_what_is_wrong_at_a_size_is_not_proved(
    model: type[Model], sizes: dict[str, object], said: Verdict | None
) -> None:
    assert check(model(**sizes), engine="reference").verdict is Verdict.VIOLATED
    if said is NOT_PROVED:  # how soon a counterexample is found is another matter
        how = ProofOptions(processes=1, timeout=1, counterexamples=False)
        assert prove(model, options=how).verdict is not Verdict.HOLDS
    else:
        assert prove(model, options=ProofOptions(processes=1, timeout=20)).verdict is said


def test_a_step_that_leaves_a_range_is_undecided_as_it_is_for_the_explorer() -> None:
    assert check(OutOfBounds(), engine="reference").verdict is Verdict.UNDECIDED
    proof = prove(OutOfBounds, options=ProofOptions(processes=1))
    assert proof.verdict is Verdict.UNDECIDED
    assert [(c.name, c.why) for c in proof.cells if c.status.value != "proved"] == [
        ("within bounds / up", "a step may exceed these bounds, beyond which nothing is known")
    ]
    (row,) = [line for line in proof_text("out", proof).splitlines() if line.startswith("within bounds  ")]
    assert row.split()[-1] == "?"


def test_a_step_that_raises_is_not_proved() -> None:
    with pytest.raises(RatifiedError, match="the assertion is false"):
        check(Asserted(), engine="reference")
    proof = prove(Asserted, options=ProofOptions(processes=1))
    assert proof.verdict is Verdict.VIOLATED
    (cell,) = [c for c in proof.cells if c.status.value == "failed"]
    assert cell.name == "well-defined / claim"
    assert cell.counterexample
    assert cell.counterexample.confirmed is True


class NeverBegins(Model):
    lit: Map[Lamp, bool]

    def init(self, x: Lamp) -> None:
        require(self.lit[x])

    @action
    def go(self, x: Lamp) -> None:
        self.lit[x] = True

    @lemma
    def anything(self) -> bool:
        return False


class Contradictory(Alarm):
    n: Param[int] = 3

    @assume
    def below(self) -> bool:
        """Less than three."""
        return self.n < 3

    @assume
    def above(self) -> bool:
        """More than three."""
        return self.n > 3

    @action
    def ring(self) -> None:
        self.off = True


@pytest.mark.parametrize("model", [NeverBegins, Contradictory])
def test_nothing_is_proved_of_what_cannot_begin(model: type[Model]) -> None:
    with pytest.raises(RatifiedError, match=r"at (any|no) size: nothing can be proved of it"):
        prove(model, options=ProofOptions(processes=1))


class LargeEnough(Alarm):
    lit: Set[Lamp]

    @assume
    def two(self) -> bool:
        """There are two."""
        return len(Lamp) >= 2

    @action
    def light(self, x: Lamp) -> None:
        require(len(self.lit) == 0)
        self.lit.add(x)

    @action
    def ring(self) -> None:
        require(all(x in self.lit for x in Lamp))
        self.off = True

    @lemma
    def one_at_most(self) -> bool:
        return len(self.lit) <= 1


class AssumedTwice(Alarm):
    """Two assumptions with the same words."""

    a: Param[bool] = False
    b: Param[bool] = False

    @assume
    def one(self) -> bool:
        """Off."""
        return not self.a

    @assume
    def two(self) -> bool:
        """Off."""
        return not self.b

    @action
    def ring(self) -> None:
        require(self.a or self.b)
        self.off = True


class QuorumChosen(Model):
    """A quorum that is an argument of an action is one of the quorums."""

    quorums: Param[Set[Set[Lamp]]] = majorities(Lamp)
    yes: Map[Lamp, bool]
    done: bool

    @action
    def say(self, x: Lamp) -> None:
        self.yes[x] = True

    @action
    def finish(self, q: Set[Lamp]) -> None:
        require(q in self.quorums and all(self.yes[x] for x in q))
        self.done = True

    @lemma
    def a_quorum_said_yes(self) -> bool:
        return not self.done or any(all(self.yes[x] for x in q) for q in self.quorums)


class Clamped(Model):
    at: Annotated[int, Range(-3, 3)]
    near: Annotated[int, Range(-3, 3)]

    @action
    def move(self, n: Annotated[int, Range(-3, 3)]) -> None:
        self.at = n

    @action
    def follow(self) -> None:
        self.near = max(0, min(2, self.at))

    @lemma
    def close(self) -> bool:
        return 0 <= self.near <= 2


class Halved(Clamped):
    """What a quotient is made into has a name, and is said of states in which it has no value."""

    @action
    def follow(self) -> None:
        require(self.near != 0)
        self.near = min(abs(self.at // self.near), abs(self.at % self.near), 2)


class Alone(Model):
    """Of two lamps, one is no majority: what is all the same value is counted, too."""

    lit: Set[Lamp]
    odd: bool

    @action
    def light(self, x: Lamp) -> None:
        self.lit.add(x)

    @action
    def look(self, a: Lamp, b: Lamp) -> None:
        require(a != b and 2 * len(self.lit) > len(Lamp) and all(x == a for x in self.lit))
        self.odd = True

    @lemma
    def never(self) -> bool:
        return not self.odd


class Dimmed(Model):
    """What stands at every key at first may be a text."""

    shade: Map[Lamp, Literal["dark", "bright"]] = Map.fromkeys(Lamp, "bright")

    @action
    def pass_on(self, x: Lamp, y: Lamp) -> None:
        self.shade[x] = self.shade[y]

    @lemma
    def bright(self) -> bool:
        return all(s == "bright" for s in self.shade.values())


@pytest.mark.parametrize("model", [LargeEnough, AssumedTwice, QuorumChosen, Clamped, Halved, Alone, Dimmed])
def test_what_is_inductive_is_proved(model: type[Model]) -> None:
    assert prove(model, options=ProofOptions(processes=1)).verdict is Verdict.HOLDS


class OneFloor(Model):
    """What is assumed leaves one floor, and two lamps."""

    lit: Param[Map[Floor, bool]] = at_size(lambda: Map({f: False for f in Floor}))
    seen: bool

    @assume
    def two_lamps(self) -> bool:
        return len(Lamp) >= 2

    @assume
    def one_floor_where_it_is_lit(self) -> bool:
        return not any(self.lit[f] for f in Floor) or first(Floor) == last(Floor)

    @action
    def look(self, f: Floor) -> None:
        require(self.lit[f])
        self.seen = True

    @lemma
    def dark(self) -> bool:
        return not self.seen


def test_sizes_of_a_counterexample_differ_from_sort_to_sort() -> None:
    proof = prove(OneFloor, options=ProofOptions(processes=1))
    assert proof.verdict is Verdict.VIOLATED
    (found,) = [cell.counterexample for cell in proof.cells if cell.counterexample is not None]
    assert found.confirmed
    assert found.sizes == {"Floor": 1, "Lamp": 2}
