"""Helpers that remember give the answers that they would give without."""

from __future__ import annotations

from typing import Annotated, Self

import pytest

from ratified.models.language import Map, Model, Range, Set, Sort, action, invariant, require, step_invariant
from ratified.models.language.machine import PythonMachine, StepError
from ratified.proofs.explore import check


class Key(Sort):
    """Told apart."""


class Store(Model):
    """Values at keys, and a clock that no helper reads."""

    at: Map[Key, Annotated[int, Range(0, 2)]]
    clock: bool

    @action
    def put(self, k: Key, n: Annotated[int, Range(0, 2)]) -> None:
        self.at[k] = n

    @action
    def tick(self) -> None:
        self.clock = not self.clock

    def largest(self, least: int) -> int:
        return max((self.at[k] for k in Key if self.at[k] >= least), default=0)

    def among(self, keys: Set[Key]) -> bool:
        return any(self.at[k] == self.largest(0) for k in keys)

    def small(self) -> bool:
        return self.largest(1) < 3

    @invariant
    def bounded(self) -> bool:
        return self.small() and self.largest(least=2) <= 2 and self.among(Set(Key))

    @step_invariant
    def by_steps(self, old: Self) -> bool:
        return old.largest(0) == self.largest(0) or old.clock == self.clock


class Plain(Store):
    """The same claims, without helpers."""

    @invariant
    def bounded(self) -> bool:
        return all(self.at[k] < 3 for k in Key)

    @step_invariant
    def by_steps(self, old: Self) -> bool:
        return max(old.at[k] for k in Key) == max(self.at[k] for k in Key) or old.clock == self.clock


def test_the_same_is_found_with_and_without() -> None:
    one, other = check(Store(Key=2)), check(Plain(Key=2))
    assert (one.verdict, one.distinct, one.generated) == (other.verdict, other.distinct, other.generated)
    assert one.distinct == 18


def test_old_and_new_are_asked_separately() -> None:
    machine = PythonMachine(Store(Key=2))
    [(_, start)] = machine.initial()
    assert isinstance(start, tuple)
    for _, _, target in machine.steps(start):
        assert isinstance(target, tuple)
        moved = target[0] != start[0] and target[1] != start[1]
        assert machine.step_holds("by_steps", start, target) is not moved
    put = next(t for i, (_, n), t in ((i, a, t) for i, a, t in machine.steps(start) if a) if n == 2)
    assert isinstance(put, tuple)
    changed = (put[0], True)
    assert not machine.step_holds("by_steps", start, changed)
    assert not machine.step_holds("by_steps", changed, start)
    assert machine.step_holds("by_steps", start, (start[0], True))


class Raising(Store):
    """A helper that has no answer where the clock is set: asked again, it has none again."""

    @action
    def stop(self) -> None:
        require(self.clock)
        self.at[Key(0)] = 0

    def divided(self) -> bool:
        return all(1 // (0 if self.clock else 1) >= 0 for _ in Key)

    @invariant
    def bounded(self) -> bool:
        return self.divided() or self.divided()


def test_an_error_is_not_remembered() -> None:
    machine = PythonMachine(Raising(Key=1))
    [(_, start)] = machine.initial()
    assert isinstance(start, tuple)
    for _ in range(2):
        assert machine.refuted_by("bounded", start) is None
        with pytest.raises(StepError, match="division by zero"):
            machine.refuted_by("bounded", (start[0], True))
