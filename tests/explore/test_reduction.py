"""Partial-order reduction: known reductions, what it must not leave out, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

import pytest

from ratified.explore import check
from ratified.explore.native.engine import check_native
from ratified.explore.options import NativeOptions
from ratified.explore.reference import check_reference
from ratified.language import (
    Map,
    Model,
    Param,
    Range,
    Set,
    Sort,
    action,
    constraint,
    eventually,
    invariant,
    record,
    require,
    step_invariant,
)
from ratified.language.errors import ModelError, RatifiedError
from ratified.results.result import Limits, Result, Verdict
from tests.explore.native.differential import outcome, told
from tests.generate import reducing

SEEDS = range(60)


class P(Sort):
    """A process."""


class Counters(Model):
    """Counters that have nothing to do with each other."""

    most: Param[int] = 3
    n: Map[P, Annotated[int, Range(0, "most")]]

    @action
    def count(self, p: P) -> None:
        require(self.n[p] < self.most)
        self.n[p] += 1

    @invariant
    def one_within(self, p: P) -> bool:
        """A process's own counter is within its bounds."""
        return self.n[p] <= self.most

    @invariant
    def not_all_full(self) -> bool:
        """Not every counter is at its end."""
        return any(self.n[p] < self.most for p in P)


class Philosophers(Model):
    """Who takes the left fork first, and then the right one."""

    forks: Map[P, bool]
    has: Map[P, Literal["none", "left", "both"]]

    def right(self, p: P) -> P:
        return P((int(p) + 1) % len(P))

    @action
    def take_left(self, p: P) -> None:
        require(self.has[p] == "none" and not self.forks[p])
        self.forks[p] = True
        self.has[p] = "left"

    @action
    def take_right(self, p: P) -> None:
        require(self.has[p] == "left" and not self.forks[self.right(p)])
        self.forks[self.right(p)] = True
        self.has[p] = "both"

    @action
    def put_back(self, p: P) -> None:
        require(self.has[p] == "both")
        self.forks[p] = False
        self.forks[self.right(p)] = False
        self.has[p] = "none"


class Putting(Model):
    """One goes round for ever on its own; another may do something wrong at any time."""

    round: Map[P, Annotated[int, Range(0, 2)]]
    wrong: bool

    @action
    def go_round(self, p: P) -> None:
        self.round[p] = (self.round[p] + 1) % 3

    @action
    def go_wrong(self) -> None:
        self.wrong = True

    @invariant
    def never_wrong(self) -> bool:
        """It is not done."""
        return not self.wrong


@record
class Mail:
    """What is sent to a process."""

    to: P


class Waiting(Model):
    """A step that another makes possible, and that changes what a third finds."""

    sent: Set[Mail]
    got: Set[P]
    open: bool

    @action
    def send(self, p: P) -> None:
        require(Mail(p) not in self.sent)
        self.sent.add(Mail(p))

    @action
    def get(self, p: P) -> None:
        require(Mail(p) in self.sent)
        self.got.add(p)

    @action
    def close(self) -> None:
        require(not self.open)
        self.open = all(p in self.got for p in P)

    @invariant
    def closed(self) -> bool:
        """It does not find that all have got theirs."""
        return not self.open


class Bounded(Model):
    """A constraint on what two processes do together."""

    n: Map[P, Annotated[int, Range(0, 2)]]

    @action
    def count(self, p: P) -> None:
        require(self.n[p] < 2)
        self.n[p] += 1

    @constraint
    def together(self) -> bool:
        return sum(self.n[p] for p in P) <= 3


class Pairs(Model):
    """Many instances of one action."""

    last: P | None

    @action
    def choose(self, p: P, q: P) -> None:
        require(self.last != p)
        self.last = q


class Moving(Model):
    """Claims about steps."""

    x: bool
    y: bool

    @action
    def move(self) -> None:
        self.x = True

    @action
    def other(self) -> None:
        self.y = True

    @step_invariant
    def forward(self, old: Self) -> bool:
        """It stays where it is."""
        return self.x or not old.x

    @step_invariant
    def changes(self, old: Self) -> bool:
        """Every step moves it."""
        return self.x != old.x

    @eventually
    def moved(self) -> bool:
        return self.x


def everywhere(model: Model, *claims: str, deadlock: bool = False) -> Result:
    """What both engines tell of a reduced exploration, with any number of threads."""
    chosen = model.claiming(claims)
    found = check_reference(
        chosen, limits=Limits(), symmetry=False, reduced=True, deadlock=deadlock, progress=None
    )
    for threads in (1, 3):
        native = check_native(chosen, reduced=True, deadlock=deadlock, threads=threads, flags=("-O0",))
        assert told(native) == told(found)
        assert native.reduction
    return found


@pytest.mark.parametrize(("processes", "most"), [(2, 3), (5, 3), (4, 5)])
def test_independent_counters_are_counted_one_after_another(processes: int, most: int) -> None:
    model = Counters(P=processes, most=most).claiming([])
    full = check(model, engine="reference")
    reduced = check(model, engine="reference", reduction=True)
    assert full.distinct == (most + 1) ** processes
    assert (reduced.distinct, reduced.generated) == (processes * most + 1, processes * most + 1)
    assert reduced.depth == full.depth


def test_both_engines_leave_out_the_same() -> None:
    assert everywhere(Counters(P=4)).distinct == 4 * 3 + 1
    assert everywhere(Counters(P=3), "one_within").distinct == 3 * 3 + 1
    assert everywhere(Bounded(P=3)).distinct == check(Bounded(P=3)).distinct
    assert everywhere(Philosophers(P=4)).distinct < check(Philosophers(P=4)).distinct


def test_a_violation_is_found_wherever_it_is() -> None:
    found = everywhere(Counters(P=3), "not_all_full")
    assert found.verdict is Verdict.VIOLATED
    assert found.violation is not None
    assert len(found.violation.trace.steps) == 3 * 3
    assert found.notes == ("found with a reduction: the run is one of the model, perhaps not a shortest one",)


def test_a_deadlock_is_kept() -> None:
    found = everywhere(Philosophers(P=4), deadlock=True)
    assert found.violation is not None
    assert (found.violation.name, len(found.violation.trace.steps)) == ("deadlock", 4)


def test_a_step_is_not_put_off_for_ever() -> None:
    assert everywhere(Putting(P=2), "never_wrong").verdict is Verdict.VIOLATED


def test_what_makes_a_step_possible_is_not_left_out() -> None:
    assert everywhere(Waiting(P=2), "closed").verdict is Verdict.VIOLATED


def test_a_claim_of_steps_that_no_step_need_change() -> None:
    assert everywhere(Moving(), "forward").verdict is Verdict.HOLDS
    message = (
        "reduction cannot be used with Moving: `changes` does not hold for a step that changes nothing, and"
        " a reduction leaves out steps that change nothing a claim reads"
    )
    for engine in ("reference", "native"):
        with pytest.raises(ModelError) as refused:
            check(Moving(), claims=["changes"], reduction=True, engine=engine)
        assert (refused.value.message, refused.value.remedy) == (
            message,
            "check without reduction, or choose other claims",
        )


def test_what_it_does_not_go_with(tmp_path: Path) -> None:
    def refusal(model: Model, **options: object) -> str:
        with pytest.raises(RatifiedError) as refused:
            check(model, reduction=True, **options)  # type: ignore[arg-type]  # one of several options
        return f"{refused.value.message}; {refused.value.remedy}"

    assert refusal(Moving(), claims=["moved"]) == (
        "reduction cannot be used with Moving: `moved` is about whole runs, and runs that a reduction leaves out may be the"
        " only fair ones; check without reduction, or choose other claims"
    )
    assert refusal(Counters(P=2), symmetry=True) == (
        "reduction cannot be used together with symmetry; check with one of the two"
    )
    assert refusal(Counters(P=2), options=NativeOptions(checkpoint=tmp_path)) == (
        "reduction cannot be used together with a checkpoint; check with one of the two"
    )
    assert refusal(Pairs(P=70)) == (
        "reduction cannot be used with Pairs: the parameters of its actions have more than 4,096 values at this size;"
        " check a smaller size, or without reduction"
    )


def _held(seeds: Iterable[int], folder: Path, *, native: bool = False) -> tuple[int, int]:
    """Hold generated models to their full explorations; how many explorations, and of these smaller ones."""
    compared = smaller = 0
    for seed in seeds:
        full = reducing.of_seed(seed, folder)
        if full is None:
            continue
        found = reducing.compared(full)
        assert not found.differ, seed
        compared, smaller = compared + found.explored, smaller + found.smaller
        if native:
            expected = outcome(check_reference, full.model, limits=Limits(), symmetry=False, reduced=True)
            assert outcome(check_native, full.model, reduced=True, threads=2, flags=("-O0",)) == expected
    return compared, smaller


def test_verdicts_are_those_of_a_full_exploration(tmp_path: Path) -> None:
    compared, smaller = _held(SEEDS, tmp_path)
    assert compared >= 5 * len(SEEDS)
    assert smaller >= compared // 5


@pytest.mark.long(suite="reductions")
def test_verdicts_of_many_models(tmp_path: Path) -> None:
    compared, smaller = _held(range(60, 1_000), tmp_path)
    assert smaller >= compared // 5


@pytest.mark.long(suite="reductions")
def test_both_engines_on_many_models(tmp_path: Path) -> None:
    assert _held(range(1_000, 1_060), tmp_path, native=True) > (300, 60)
