"""Vacuity: a claim that was never put to the test is reported, and no other."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Self

import pytest

from ratified.explore import check
from ratified.explore.vacuity import witnesses
from ratified.language import (
    Map,
    Model,
    Range,
    Set,
    action,
    constraint,
    invariant,
    require,
    step_invariant,
)
from tests.shared.sorts import Node, Term


class Mode(Enum):
    """What a node is doing."""

    IDLE = "idle"
    BUSY = "busy"
    LOST = "lost"


class Work(Model):
    """Nodes become busy, never lost; no term is ever begun."""

    mode: Map[Node, Mode]
    leaders: Set[Node]
    term: Term | None = None
    done: Annotated[int, Range(0, 3)]

    @action
    def begin(self, n: Node) -> None:
        self.mode[n] = Mode.BUSY

    @action
    def finish(self, n: Node) -> None:
        require(self.mode[n] == Mode.BUSY and self.done < 3)
        self.mode[n] = Mode.IDLE
        self.done += 1

    def lost(self, n: Node) -> bool:
        return self.mode[n] == Mode.LOST

    def safe(self, n: Node) -> bool:
        if self.mode[n] != Mode.LOST:
            return True
        return n in self.leaders


class Vacuous(Work):
    """None of these says anything about any state."""

    @invariant
    def quantified(self) -> bool:
        return all(self.mode[n] == Mode.BUSY for n in self.leaders)

    @invariant
    def conditional(self) -> bool:
        return all(n in self.leaders for n in Node if self.lost(n))

    @invariant
    def implied(self) -> bool:
        return not self.leaders or self.done > 3

    @invariant
    def optional(self) -> bool:
        return self.term is None or self.term > Term(0)

    @invariant
    def unequal(self, n: Node) -> bool:
        return self.mode[n] != Mode.LOST or self.done > 2

    @invariant
    def exclusive(self) -> bool:
        return not (any(self.lost(n) for n in Node) and any(n in self.leaders for n in Node))

    @invariant
    def never_any(self) -> bool:
        return not any(self.lost(n) and n in self.leaders for n in Node)

    @invariant
    def one_of_two(self) -> bool:
        return all(self.done >= 0 for _ in Node) and all(self.lost(n) for n in self.leaders)

    @invariant
    def by_helper(self) -> bool:
        return all(self.safe(n) for n in Node)

    @invariant
    def early(self) -> bool:
        if not self.leaders:
            return True
        some = self.done + 1
        return some > 0

    @invariant
    def looped(self) -> bool:
        for n in self.leaders:  # noqa: SIM110  # a loop is what is tried
            if self.lost(n):
                return False
        return True

    @invariant
    def chosen(self, n: Node, t: Annotated[int, Range(2, 3)]) -> bool:
        return n not in self.leaders if self.done == t and self.lost(n) else True

    @step_invariant
    def monotone(self, old: Self) -> bool:
        return all(self.lost(n) for n in Node if old.lost(n))


class PutToTheTest(Work):
    """All of these are put to the test, or cannot be seen not to be."""

    @invariant
    def quantified(self) -> bool:
        return all(self.mode[n] != Mode.LOST for n in Node)

    @invariant
    def conditional(self) -> bool:
        return all(self.done <= 3 for n in Node if self.mode[n] == Mode.BUSY)

    @invariant
    def implied(self) -> bool:
        return not self.done > 2 or self.done == 3

    @invariant
    def atom(self) -> bool:
        return self.done >= 0

    @invariant
    def alternative(self) -> bool:
        return self.done < 10 or self.done > 20

    @invariant
    def unknown(self) -> bool:
        for n in Node:
            if n in self.leaders:
                return self.done > 5
        return True

    @invariant
    def exclusive(self) -> bool:
        return not (self.done == 2 and any(self.lost(n) for n in Node))

    @invariant
    def early(self) -> bool:
        if self.done < 3:
            return True
        return not self.leaders

    @invariant
    def looped(self) -> bool:
        for n in Node:  # noqa: SIM110  # a loop is what is tried
            if self.lost(n):
                return False
        return True

    @step_invariant
    def counted(self, old: Self) -> bool:
        return old.done == self.done or all(
            self.done == old.done + 1 for n in Node if old.mode[n] == Mode.BUSY and self.mode[n] == Mode.IDLE
        )

    @step_invariant
    def kept(self, old: Self) -> bool:
        return all(self.mode[n] == old.mode[n] for n in Node if old.mode[n] == self.mode[n] and old.done > 2)


SIZES = {"Node": 2, "Term": 2}


def test_claims_that_say_nothing_are_all_found() -> None:
    result = check(Vacuous(**SIZES))
    assert result.vacuous == tuple(p.name for p in result.properties)


def test_claims_that_say_something_are_not_accused() -> None:
    result = check(PutToTheTest(**SIZES))
    assert result.vacuous == ()
    assert result.distinct == 16


def test_atoms_need_no_witness() -> None:
    module = PutToTheTest.module
    assert witnesses(module, module.functions["atom"], PutToTheTest(**SIZES).scope) == ()
    assert witnesses(module, module.functions["alternative"], PutToTheTest(**SIZES).scope) == ()
    assert len(witnesses(module, module.functions["implied"], PutToTheTest(**SIZES).scope)) == 1


class Partial(Work):
    """The witness itself cannot be computed where the claim was never asked for it."""

    @invariant
    def divided(self) -> bool:
        return all(n not in self.leaders or 1 // self.done > 5 for n in Node)

    @invariant
    def divisor(self) -> bool:
        return self.done == 0 or not (1 // self.done > 5 and self.leaders)


def test_a_witness_without_a_value_counts_as_one() -> None:
    result = check(Partial(**SIZES))
    assert result.vacuous == ("divided",)


class Cut(Work):
    """What would be put to the test lies outside the constraint, or behind the step that leaves it."""

    @constraint
    def short(self) -> bool:
        return self.done < 2

    @invariant
    def far(self) -> bool:
        return self.done != 2 or not self.leaders

    @step_invariant
    def stays(self, old: Self) -> bool:
        return not (old.done == 1 and self.done == 2) or not self.leaders


@pytest.mark.parametrize("symmetry", [False, True])
def test_only_states_and_steps_within_the_constraints_are_witnesses(symmetry: bool) -> None:
    assert check(Cut(**SIZES), symmetry=symmetry).vacuous == ("far", "stays")
