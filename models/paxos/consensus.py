"""Consensus: of the values that may be chosen, one is.

This is all that Paxos promises; how it comes about, and that several machines are involved, is left to the models that
refine it. (Lamport, "Paxos Made Simple", 2001, section 2.1; module Consensus of his specifications.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from ratified.language import Model, Set, action, invariant, require, step_invariant, view
from ratified.models.paxos.sorts import Value


class Consensus(Model):
    """A set of chosen values that holds at most one, for good."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Value": 2},
        "standard": {"Value": 3},
        "large": {"Value": 100},
    }

    chosen: Set[Value]

    @action
    def choose(self, v: Value) -> None:
        """Choose a value, once."""
        require(not self.chosen)
        self.chosen.add(v)

    @invariant
    def agreement(self) -> bool:
        """Only a single value is chosen."""
        return len(self.chosen) <= 1

    @view
    def choice(self) -> Set[Value]:
        """What is chosen."""
        return self.chosen

    @step_invariant
    def chosen_for_good(self, old: Self) -> bool:
        """What has been chosen stays chosen."""
        return old.chosen <= self.chosen
