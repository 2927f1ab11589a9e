"""What comes and stays: `@eventually_always`, under fairness, where it fails and where it holds; and as TLA+ writes it."""

from __future__ import annotations

from typing import Annotated

import pytest

from ratified.explore import check
from ratified.language import (
    Model,
    ModelError,
    Range,
    Sort,
    Symmetric,
    action,
    constraint,
    eventually,
    eventually_always,
    require,
)
from ratified.results.result import Result, Verdict
from ratified.tla import export

Small = Annotated[int, Range(0, 3)]


class Lamp(Sort):
    """Goes on and off."""


class Rising(Model):
    """Goes up to the top, where something is switched now and then."""

    x: Small
    on: bool

    @action(fair="weak")
    def up(self) -> None:
        require(self.x < 3)
        self.x += 1

    @action
    def switch(self) -> None:
        require(self.x >= 2)
        self.on = not self.on

    @eventually_always
    def stays_at_the_top(self) -> bool:
        """It gets there, and does not leave."""
        return self.x == 3


class Switching(Rising):
    """Claims that the switch comes to rest."""

    @eventually
    def once_off(self) -> bool:
        return not self.on

    @eventually_always
    def stays_off(self) -> bool:
        return not self.on


class Falling(Model):
    """Comes back from the top, always."""

    x: Small

    @action(fair="weak")
    def up(self) -> None:
        require(self.x < 3)
        self.x += 1

    @action(fair="weak")
    def down(self) -> None:
        require(self.x == 3)
        self.x = 2

    @eventually_always
    def high(self, lamp: Lamp) -> bool:
        return self.x >= 2 or len(Lamp) < int(lamp)

    @eventually
    def once_at_the_top(self) -> bool:
        return self.x == 3


class NotAtTheTop(Falling):
    """Claims that it stays there."""

    @eventually_always
    def at_the_top(self, lamp: Lamp) -> bool:
        return self.x == 3 and int(lamp) < len(Lamp)


class Unfair(Falling):
    """It need not go down."""

    @action(fair="strong")
    def up(self) -> None:
        require(self.x < 2)
        self.x += 1

    @action
    def down(self) -> None:
        require(self.x > 0)
        self.x -= 1


def failing(result: Result) -> tuple[str, int, int | None, str]:
    assert result.violation is not None
    trace = result.violation.trace
    assert result.violation.detail is not None
    return result.violation.name, len(trace.steps), trace.loop, result.violation.detail.split(";")[0]


def test_what_comes_under_fairness_and_is_not_left_holds() -> None:
    result = check(Rising())
    assert (result.verdict, result.distinct) == (Verdict.HOLDS, 6)
    assert result.engine == "reference"
    assert check(Falling(Lamp=2)).verdict is Verdict.HOLDS


def test_a_run_that_stays_where_it_is_false_is_told() -> None:
    told = failing(check(Switching()))
    assert told == ("stays_off", 4, 4, "it is false again and again: after step 4")


def test_a_run_on_which_it_comes_again_and_again_and_never_stays_is_told() -> None:
    told = failing(check(NotAtTheTop(Lamp=1)))
    assert told == ("at_the_top", 4, 2, "it is false again and again for lamp=l1: after step 2")


def test_without_fairness_it_fails_at_once() -> None:
    told = failing(check(Unfair(Lamp=1).claiming(["high"])))
    assert told[0] == "high"
    assert told[1:3] == (2, 0)


def test_beyond_a_constraint_nothing_is_known() -> None:
    class Bounded(Rising):
        @constraint
        def low(self) -> bool:
            return self.x <= 2

    assert check(Bounded()).verdict is Verdict.UNDECIDED

    class Settled(Rising):
        @constraint
        def off(self) -> bool:
            return not self.on

    assert check(Settled()).verdict is Verdict.UNDECIDED


def test_symmetry_is_refused() -> None:
    class Key(Symmetric):
        """Interchangeable."""

    class Held(Model):
        held: Key | None

        @action
        def take(self, k: Key) -> None:
            self.held = k

        @eventually_always
        def is_held(self) -> bool:
            return self.held is not None

    with pytest.raises(ModelError, match="symmetry"):
        check(Held(Key=2), symmetry=True)


def test_it_is_written_as_tla_has_it() -> None:
    text = "\n".join(export(Rising()).files.values())
    assert "stays_at_the_top == <>[] (x = 3)" in text, text
