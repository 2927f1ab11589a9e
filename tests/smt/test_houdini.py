"""Houdini keeps what is inductive together, and says what it dropped and why."""

from __future__ import annotations

import pytest

from ratified.cli.report.induct import houdini_text
from ratified.language import Map, Model, ModelError, action, invariant, require
from ratified.results.result import Limits, Verdict
from ratified.smt.houdini import houdini
from ratified.smt.proving import ProofOptions
from tests.shared.sorts import Client


class Lock(Model):
    """A lock, and guesses at its inductive invariant."""

    holder: Client | None
    holds: Map[Client, bool]

    @action
    def acquire(self, c: Client) -> None:
        """The lock is free."""
        require(self.holder is None)
        self.holder = c
        self.holds[c] = True

    @action
    def release(self, c: Client) -> None:
        """And free again."""
        require(self.holds[c])
        self.holds[c] = False
        self.holder = None

    @invariant
    def mutual_exclusion(self) -> bool:
        """Inductive together with the next one."""
        return all(c == d for c in Client if self.holds[c] for d in Client if self.holds[d])

    @invariant
    def holder_is_known(self) -> bool:
        """Inductive by itself."""
        return all(self.holder == c for c in Client if self.holds[c])

    @invariant
    def nobody_holds(self) -> bool:
        """True at first only."""
        return not any(self.holds[c] for c in Client)

    @invariant
    def everybody_holds(self) -> bool:
        """Never true."""
        return all(self.holds[c] for c in Client)

    @invariant
    def never_held_twice(self) -> bool:
        """Rests on `nobody_holds`, which goes."""
        return self.holder is None


HOW = ProofOptions(processes=1, timeout=60)


def test_the_largest_inductive_subset_is_kept() -> None:
    found = houdini(Lock, options=HOW)
    assert found.kept == ("mutual_exclusion", "holder_is_known")
    assert [(name, cell.name) for name, cell in found.dropped] == [
        ("everybody_holds", "everybody_holds / init"),
        ("nobody_holds", "nobody_holds / acquire"),
        ("never_held_twice", "never_held_twice / acquire"),
    ]


def test_what_rests_on_what_is_dropped_goes_too() -> None:
    found = houdini(Lock, ["mutual_exclusion"], options=HOW)
    assert (found.kept, found.rounds) == ((), 1)


def test_unknown_candidates_are_refused() -> None:
    with pytest.raises(ModelError, match="Lock has no invariant 'fairness'"):
        houdini(Lock, ["fairness"], options=HOW)


def test_what_no_time_was_left_for_is_undecided() -> None:
    found = houdini(Lock, options=HOW, limits=Limits(seconds=0))
    assert (found.kept, found.verdict) == ((), Verdict.UNDECIDED)
    assert houdini_text("Lock", found).startswith("UNDECIDED  Lock: 0 of ")
