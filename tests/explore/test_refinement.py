"""Refinement: what maps to steps or to nothing holds; what does not is told with the step and both images."""

from __future__ import annotations

from typing import Annotated

import pytest

from ratified.explore import check
from ratified.language import Map, Model, Range, Set, Sort, action, constraint, refines, require
from ratified.language.evaluate import TreeMachine
from ratified.language.machine import PythonMachine, StepError
from ratified.results.result import PropertyKind, Result, Verdict


class Key(Sort):
    """Told apart."""


class Lock(Model):
    """Held by one at a time, or by none."""

    holder: Key | None = None

    @action
    def acquire(self, k: Key) -> None:
        require(self.holder is None)
        self.holder = k

    @action
    def release(self) -> None:
        self.holder = None


class Lease(Model):
    """A lock with two steps to it: asking, and being granted."""

    asked: Set[Key]
    granted: Set[Key]

    @action
    def ask(self, k: Key) -> None:
        self.asked.add(k)

    @action
    def grant(self, k: Key) -> None:
        require(k in self.asked and not self.granted)
        self.asked.remove(k)
        self.granted.add(k)

    @action
    def end(self, k: Key) -> None:
        require(k in self.granted)
        self.granted.remove(k)

    @refines(Lock)
    def as_lock(self, lock: Lock) -> None:
        """Whoever is granted it holds it."""
        lock.holder = None
        for k in self.granted:
            lock.holder = k


class Stealing(Lease):
    """Passes the lock on without its being released."""

    @action
    def steal(self, k: Key) -> None:
        require(len(self.granted) > 0 and k not in self.granted)
        self.granted.clear()
        self.granted.add(k)


class HeldAtFirst(Lease):
    def init(self, k: Key) -> None:
        self.granted = Set([k])


def detail(result: Result) -> str:
    assert result.violation is not None
    assert (result.violation.kind, result.violation.name) == (PropertyKind.REFINEMENT, "as_lock")
    return result.violation.detail


def test_steps_that_map_to_steps_or_to_nothing_are_allowed() -> None:
    result = check(Lease(Key=2))
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, 4 * 3, 5)
    assert [(p.kind, p.name, p.vacuous) for p in result.properties] == [
        (PropertyKind.REFINEMENT, "as_lock", False)
    ]


def test_a_step_that_the_abstract_model_does_not_have_is_told_with_its_images() -> None:
    result = check(Stealing(Key=2))
    assert detail(result) == (
        "steal(k=k2) maps to a step of Lock from holder=k1 to holder=k2, and no action of Lock does that"
    )
    assert result.violation is not None
    assert [s.action for s in result.violation.trace.steps] == ["ask", "grant", "steal"]


def test_an_initial_state_that_is_none_of_the_abstract_model() -> None:
    result = check(HeldAtFirst(Key=2))
    assert detail(result) == "the initial state maps to holder=k1, which is not an initial state of Lock"
    assert result.violation is not None
    assert len(result.violation.trace) == 1


class Low(Model):
    """Counts by one, and looks no further than 1 when explored on its own."""

    n: Annotated[int, Range(0, 5)]

    @action
    def more(self) -> None:
        self.n += 1

    @constraint
    def low(self) -> bool:
        return self.n <= 1


class High(Model):
    """Counts up to 5."""

    n: Annotated[int, Range(0, 5)]

    @action
    def more(self) -> None:
        require(self.n < 5)
        self.n += 1

    @refines(Low)
    def as_low(self, low: Low) -> None:
        low.n = self.n


def test_constraints_of_the_abstract_model_do_not_bound_the_refinement() -> None:
    assert check(Low()).distinct == 2
    assert check(High()).verdict is Verdict.HOLDS


class Twice(High):
    """Jumps over what the abstract model counts, where the constraint leaves the jump out."""

    @action
    def more(self) -> None:
        require(self.n < 4)
        self.n += 2 if self.n == 3 else 1

    @constraint
    def below(self) -> bool:
        return self.n < 5


def test_steps_that_a_constraint_leaves_out_are_not_asked_about() -> None:
    result = check(Twice())
    assert (result.verdict, result.distinct) == (Verdict.HOLDS, 4)


class Votes(Model):
    """Both a step invariant and a refinement would be told; the shorter run is of a step that maps wrongly."""

    yes: Map[Key, bool]

    @action
    def give(self, k: Key) -> None:
        self.yes[k] = True

    @refines(Lock)
    def as_lock(self, lock: Lock) -> None:
        lock.holder = None
        for k in Key:
            if self.yes[k]:
                lock.holder = k


def test_images_depend_on_the_whole_state() -> None:
    result = check(Votes(Key=2))
    assert detail(result) == (
        "give(k=k2) maps to a step of Lock from holder=k1 to holder=k2, and no action of Lock does that"
    )


class Leaving(High):
    """Returns before it has given what it must give."""

    @refines(Low)
    def as_low(self, low: Low) -> None:
        if self.n == 2:
            return
        low.n = self.n


@pytest.mark.parametrize("machine", [PythonMachine, TreeMachine])
def test_an_image_is_made_of_this_state_alone(machine: type[PythonMachine] | type[TreeMachine]) -> None:
    made = machine(Leaving())
    assert made.image("as_low", (1,)) == (1,)
    with pytest.raises(StepError) as raised:
        made.image("as_low", (2,))
    assert raised.value.message == "as_low does not assign `n`"
    assert raised.value.remedy == "assign it on every path"
