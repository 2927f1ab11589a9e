"""Liveness after a native exploration: what the reference engine says of the same models, and what is left to it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Annotated

import pytest

from ratified.explore import check
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.engine import check_native
from ratified.explore.reference import check_reference
from ratified.language import (
    Bag,
    Map,
    Model,
    Param,
    Range,
    Set,
    action,
    constraint,
    eventually,
    eventually_always,
    leads_to,
    record,
    require,
)
from ratified.language.types import AtMost
from ratified.results.result import Limits, Result, Verdict
from tests.explore import test_eventually_always as stays
from tests.explore import test_liveness as t
from tests.explore.native.differential import told

FLAGS = ("-O0",)


def both(model: Model, limits: Limits = Limits()) -> tuple[Result, Result]:  # noqa: B008  # frozen
    """What the two engines say."""
    return (
        check_reference(model, limits=limits, symmetry=False, deadlock=False, progress=None),
        check_native(model, limits=limits, flags=FLAGS),
    )


def alike(model: Model, limits: Limits = Limits()) -> Result:  # noqa: B008  # frozen
    """What both say, which must be the same."""
    expected, found = both(model, limits)
    assert told(found) == told(expected)
    assert (found.stopped, found.notes, found.properties) == (
        expected.stopped,
        expected.notes,
        expected.properties,
    )
    if expected.violation is not None:
        assert found.violation is not None
        assert (found.violation.trace.loop is None) == (expected.violation.trace.loop is None)
    return found


@pytest.mark.parametrize(
    "make",
    [
        lambda: t.Scheduler(Job=2),
        lambda: t.BusyScheduler(Job=2),
        lambda: t.FairScheduler(Job=3),
        lambda: t.Peterson(Side=2),
        lambda: t.FairPeterson(Side=2),
        lambda: t.NeverLeaving(Side=2),
        lambda: t.Semaphore(Process=2),
        lambda: t.StrongSemaphore(Process=3),
        lambda: t.Philosophers(Fork=2),
        t.Counter,
        lambda: t.Counter(most=2),
        t.Vacuous,
        lambda: t.LiveTwoPhase(ResourceManager=2),
        lambda: t.TimingOut(ResourceManager=3),
        stays.Rising,
        stays.Switching,
        lambda: stays.Falling(Lamp=2),
        lambda: stays.NotAtTheTop(Lamp=1),
        lambda: stays.Unfair(Lamp=1),
    ],
)
def test_both_engines_say_the_same(make: Callable[[], Model]) -> None:
    alike(make())


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_within_a_limit(depth: int) -> None:
    """What lies behind the limit is unknown: a run up to there may be a violation, but none that stays there."""
    alike(t.Semaphore(Process=3), Limits(depth=depth))
    alike(t.Counter(), Limits(depth=depth))


Place = Annotated[int, Range(0, 5)]


class Walk(Model):
    """A walk through a graph that is given, by steps that are weakly fair, strongly fair, or neither."""

    weak: Param[Set[tuple[Place, Place]]]
    strong: Param[Set[tuple[Place, Place]]]
    free: Param[Set[tuple[Place, Place]]]
    at: Place

    @action(fair="weak")
    def step(self, to: Place) -> None:
        require((self.at, to) in self.weak)
        self.at = to

    @action(fair="strong", each=("to",))
    def jump(self, to: Place) -> None:
        require((self.at, to) in self.strong)
        self.at = to

    @action
    def drift(self, to: Place) -> None:
        require((self.at, to) in self.free)
        self.at = to

    @eventually
    def arrives(self) -> bool:
        return self.at == 5

    @eventually
    def moves(self) -> bool:
        return self.at > 0

    @eventually_always
    def settles(self, p: Place) -> bool:
        return p > 1 or self.at > p

    @leads_to
    def comes_home(self, p: Place) -> tuple[bool, bool]:
        return self.at == p and p > 2, self.at == 0


def graph(seed: int) -> dict[str, set[tuple[int, int]]]:
    dice = random.Random(seed)  # nothing is secret here
    return {
        name: {(dice.randrange(6), dice.randrange(6)) for _ in range(dice.randrange(most))}
        for name, most in (("weak", 8), ("strong", 6), ("free", 5))
    }


def test_random_graphs() -> None:
    claims = ("moves", "arrives", "comes_home", "settles")
    verdicts = [alike(Walk(**graph(k)).claiming([claims[k % 4]])).verdict for k in range(16)]
    assert {Verdict.HOLDS, Verdict.VIOLATED} == set(verdicts)


class Fenced(Walk):
    """The same, where a constraint leaves some places out, and steps to others leave a bound."""

    outside: Param[Set[Place]]
    highest: Param[int] = 5
    height: Annotated[int, Range(0, "highest")]

    @action(fair="weak")
    def step(self, to: Place) -> None:
        super().step(to)
        self.height = to

    @constraint
    def inside(self) -> bool:
        return self.at not in self.outside


@pytest.mark.parametrize("model", [t.Constrained(limit=3), t.Bounded()])
def test_of_what_was_cut_off_it_is_known_that_it_was_possible(model: Model) -> None:
    assert alike(model).verdict is Verdict.UNDECIDED


def test_random_graphs_of_which_something_was_cut_off() -> None:
    claims = ("moves", "arrives", "comes_home", "settles")
    found = []
    for k in range(16):
        model = Fenced(**graph(k), outside={k % 5 + 1}, highest=4 - k % 3)
        found.append(alike(model.claiming([claims[k % 4]])).verdict)
    assert {Verdict.UNDECIDED, Verdict.VIOLATED} <= set(found)


@record
class Note:
    """On its way."""

    number: Place


class Mail(Model):
    """Fair for each note, whose values come from the notes on their way."""

    notes: Annotated[Bag[Note], AtMost(2)]
    got: Map[bool, Place]

    @action
    def send(self, number: Place) -> None:
        require(len(self.notes) < 1 and number < 3)
        self.notes.add(Note(number))

    @action(fair="weak")
    def receive(self, note: Note) -> None:
        require(note in self.notes)
        self.notes.remove(note)
        self.got[note.number > 1] = note.number

    @leads_to
    def arrives(self) -> tuple[bool, bool]:
        return len(self.notes) > 0, len(self.notes) == 0

    @eventually
    def is_two(self) -> bool:
        return self.got[True] == 2


class Fair(Mail):
    """Fair for each."""

    @action(fair="weak", each=("note",))
    def receive(self, note: Note) -> None:
        require(note in self.notes)
        self.notes.remove(note)


class Favoured(Mail):
    """Two may be on their way, and one of them is never received: fair for each, or not."""

    @action
    def send(self, number: Place) -> None:
        require(len(self.notes) < 2 and number < 2 and Note(number) not in self.notes)
        self.notes.add(Note(number))

    @leads_to
    def each_arrives(self, number: Place) -> tuple[bool, bool]:
        return Note(number) in self.notes, Note(number) not in self.notes


class Fairer(Favoured):
    """Fair for each, and for each in turn."""

    @action(fair="weak", each=("note",))
    def receive(self, note: Note) -> None:
        require(note in self.notes)
        self.notes.remove(note)


@record
class Parcel:
    """One of more kinds than have numbers."""

    width: Annotated[int, Range(0, 16)]
    height: Annotated[int, Range(0, 16)]


class Parcels(Model):
    """The same of parcels."""

    parcels: Set[Parcel]

    @action(fair="weak", each=("parcel",))
    def receive(self, parcel: Parcel) -> None:
        require(parcel in self.parcels)
        self.parcels.remove(parcel)

    @eventually
    def empty(self) -> bool:
        return len(self.parcels) == 0


def test_values_that_a_guard_gives_are_told_apart_where_fairness_is_for_each() -> None:
    assert alike(Fair()).verdict is Verdict.VIOLATED
    claims = ("each_arrives",)
    assert alike(Favoured().claiming(claims)).verdict is Verdict.VIOLATED
    assert alike(Fairer().claiming(claims)).verdict is Verdict.HOLDS


def test_a_run_is_told_with_the_values_that_a_guard_gave() -> None:
    result = alike(Mail())
    assert result.violation is not None
    assert result.violation.name == "is_two"


def test_what_the_explorer_does_not_number_is_left_to_the_reference_engine() -> None:
    with pytest.raises(Unsupported) as refused:
        check_native(Parcels(), flags=FLAGS)
    assert refused.value.message == (
        "`receive` is fair for each `parcel`, whose values come from a guard: "
        "they are too many for the native explorer to distinguish"
    )
    assert check(Parcels()).engine == "reference"


def test_symmetry_is_refused() -> None:
    with pytest.raises(Exception, match="symmetry cannot be used with Semaphore"):
        check_native(t.Semaphore(Process=2), symmetry=True, flags=FLAGS)


@pytest.mark.slow
def test_what_is_large_is_explored_natively() -> None:
    """The same run in a graph of a hundred thousand steps, as long as the reference engine's."""
    result = check(t.TimingOut(ResourceManager=5))
    assert (result.engine, result.verdict) == ("native", Verdict.HOLDS)
    assert result.distinct > 5_000
