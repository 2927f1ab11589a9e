"""Hedging: a read that is slow is sent once more elsewhere; the first answer counts, and ends all others.

Attempts are numbered from 1. After a delay an attempt is followed by the next, unless that has been sent already; a failure that
is not fatal brings the next at once; a fatal one, or a success, ends all. A server may ask for no more. (Dean and Barroso, "The
tail at scale", 2013; gRPC proposal A6.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import Model, Param, Range, Set, action, invariant, require, step_invariant, view

Number = Annotated[int, Range(1, 5)]


class Hedging(Model):
    """Attempts that were sent, are on the way, and are to be followed by another; and what came of it."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"most": 2},
        "standard": {"most": 3},
        "large": {"most": 5},
    }

    most: Param[Annotated[int, Range(1, 5)]] = 3  # attempts

    sent: Annotated[int, Range(0, 5)] = 0
    limit: Annotated[int, Range(0, 5)] = 0  # how many there may be
    stopped: bool = False  # a server has asked for no more
    on_the_way: Set[Number]
    timers: Set[Number]
    over: bool = False
    outcomes: Annotated[int, Range(0, 2)] = 0

    def init(self) -> None:
        """All attempts may be."""
        self.limit = self.most

    def more(self) -> bool:
        """Another attempt may be sent."""
        return not self.over and self.sent < self.limit

    def send_next(self) -> None:
        """Send the next attempt, if there may be one; its timer runs if it may be followed by another."""
        if self.sent < self.limit:
            self.sent += 1
            self.on_the_way.add(self.sent)
            if self.sent < self.limit:
                self.timers.add(self.sent)

    def end(self, a: Number) -> None:
        """An attempt has the outcome; all others end."""
        self.over = True
        self.outcomes += 1
        self.end_others(a)

    def end_others(self, a: Number) -> None:
        """Nothing is on the way any more."""
        self.on_the_way.clear()

    @action
    def start(self) -> None:
        """The first attempt is sent."""
        require(self.sent == 0)
        self.send_next()

    @action
    def elapse(self, a: Number) -> None:
        """The delay after attempt a is over."""
        require(a in self.timers)
        self.timers.remove(a)
        if self.may_follow(a):
            self.send_next()

    def may_follow(self, a: Number) -> bool:
        """Nothing has come of it, and no other was sent meanwhile."""
        return not self.over and a == self.sent

    @action
    def fail(self, a: Number, fatal: bool, stop: bool) -> None:
        """Attempt a fails; all would, or its server asks for no more."""
        require(a in self.on_the_way and not self.over)
        self.on_the_way.remove(a)
        if fatal:
            self.end(a)
        else:
            if stop:
                self.stopped = True
                self.limit = self.stops_at()
            self.send_next()
            if len(self.on_the_way) == 0:
                self.end(a)

    def stops_at(self) -> int:
        """Where a server asks for no more, there are those that were sent."""
        return self.sent

    @action
    def succeed(self, a: Number) -> None:
        """Attempt a is answered."""
        require(a in self.on_the_way and not self.over)
        self.on_the_way.remove(a)
        self.end(a)

    @invariant
    def one_outcome(self) -> bool:
        """A request has one answer, or fails once."""
        return self.outcomes <= 1

    @invariant
    def nothing_is_on_the_way_after_it(self) -> bool:
        """Once it is over, no attempt is waited for."""
        return not self.over or len(self.on_the_way) == 0

    @invariant
    def something_is_on_the_way_until_then(self) -> bool:
        """Until it is over, somebody may still answer."""
        return self.over or self.sent == 0 or any(a in self.on_the_way for a in range(1, 6) if a <= self.sent)

    @step_invariant
    def nothing_is_sent_after_it(self, old: Self) -> bool:
        """Once it is over, no attempt is sent."""
        return not old.over or self.sent == old.sent

    @step_invariant
    def nothing_is_sent_to_who_asks_for_no_more(self, old: Self) -> bool:
        """Once a server has asked for no more, no attempt is sent."""
        return not self.stopped or self.sent == old.sent

    @invariant
    def no_more_than_may_be(self) -> bool:
        """Attempts are limited."""
        return self.sent <= self.most

    @view
    def attempts(self) -> tuple[int, bool]:
        """How many were sent, and whether it is over."""
        return self.sent, self.over


class HedgesAfterwards(Hedging):
    """A timer that was forgotten sends another attempt after the answer."""

    def may_follow(self, a: Number) -> bool:
        """No other was sent meanwhile."""
        return a == self.sent


class OthersRunOn(Hedging):
    """Attempts that are not needed any more are not ended."""

    def end_others(self, a: Number) -> None:
        """They run on."""


class StopNotHeard(Hedging):
    """A server that asks for no more is asked again all the same."""

    def stops_at(self) -> int:
        """As many as ever."""
        return self.limit
