"""Supervision: a child that keeps failing is started again a few times, and then the failure is told one level up.

(Armstrong, "Making reliable distributed systems in the presence of software errors", 2003, section 5.2: a supervisor that
must restart more than `most` times gives up itself.) What fails and goes on failing must not be hidden by restarting for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from ratified.language import (
    Map,
    Model,
    Param,
    Range,
    Set,
    Symmetric,
    action,
    eventually,
    invariant,
    require,
    view,
)


class Child(Symmetric):
    """Does something, as long as it does not fail."""


class Supervision(Model):
    """Which children run and which have a fault that stays, how often they were started, whether the supervisor gave up."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Child": 1},
        "standard": {"Child": 3},
        "large": {"Child": 5},
    }

    most: Param[Annotated[int, Range(0, 5)]] = 2  # restarts before the supervisor gives up

    running: Set[Child]
    faulty: Set[Child]  # will fail whenever it runs
    restarts: Annotated[int, Range(0, "most + 1")] = 0
    started: Map[Child, bool]
    gave_up: bool = False

    @action(fair="weak", each=("c",))
    def start(self, c: Child) -> None:
        """The supervisor starts a child, which may be once more."""
        require(c not in self.running and not self.gave_up)
        if self.started[c]:
            self.count()
        self.started[c] = True
        if not self.gave_up:
            self.running.add(c)

    def count(self) -> None:
        """One restart more, or one too many."""
        if self.restarts == self.most:
            self.gave_up = True
            self.running.clear()
        else:
            self.restarts += 1

    @action
    def break_down(self, c: Child) -> None:
        """A fault comes that stays."""
        require(c not in self.faulty)
        self.faulty.add(c)

    @action(fair="weak", each=("c",))
    def fail(self, c: Child) -> None:
        """A child that has a fault fails."""
        require(self.fails_when_it_runs(c))
        self.running.remove(c)

    def fails_when_it_runs(self, c: Child) -> bool:
        """A child runs that has a fault."""
        return c in self.running and c in self.faulty

    @view
    def how_it_goes(self) -> tuple[int, int, bool]:
        """How many children run, how many restarts there were, whether the supervisor gave up."""
        return len(self.running), self.restarts, self.gave_up

    @invariant
    def restarts_are_limited(self) -> bool:
        """A supervisor restarts no more often than it may."""
        return self.restarts <= self.most

    @invariant
    def nothing_runs_once_it_gave_up(self) -> bool:
        """A supervisor that gave up leaves nothing running."""
        return not self.gave_up or len(self.running) == 0

    @eventually
    def it_comes_to_rest(self) -> bool:
        """All run well and go on doing so, or somebody is told."""
        return self.gave_up or all(c in self.running and c not in self.faulty for c in Child)


class RestartLoop(Supervision):
    """Restarts are not counted: what fails for ever is started for ever, and nobody hears of it."""

    def count(self) -> None:
        """Nothing is counted."""
