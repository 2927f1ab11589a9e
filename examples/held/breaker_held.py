"""`circuitbreaker` 2.1.3 held to what a circuit breaker is, and to what it does. It deviates.

ratified conform examples/held/breaker_held.py:Calls --size standard                violated: a second trial is let in
ratified conform examples/held/breaker_held.py:CallsAnyTrial --size standard        violated: a late success closes it
ratified conform examples/held/breaker_held.py:CallsAsReleased --size standard      holds

Michael Nygard, "Release It!" (2018), section 5.2: once the circuit has been open for a time the next call is a trial, and what
comes of it closes or opens the circuit; calls during the trial fail at once.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated, Any, ClassVar, Literal

import circuitbreaker

from ratified import (
    Binding,
    Driver,
    Model,
    Names,
    Observation,
    Param,
    Range,
    Set,
    Sort,
    Steps,
    action,
    do,
    invariant,
    refused,
    require,
)


class Call(Sort):
    """Goes through the breaker; may take long."""


class Breaker(Model):
    """Calls fail at once while the circuit is open, so that what is behind it can recover."""

    most: Param[int] = 2  # failures in a row
    rest: Param[int] = 1  # units of time for which it stays open
    state: Literal["closed", "open", "half_open"]
    failures: Annotated[int, Range(0, "most")]
    left: Annotated[int, Range(0, "rest")]  # of the time for which it stays open
    under_way: Set[Call]
    trial: Call | None

    sizes: ClassVar = {"standard": {"Call": 2}}

    @action
    def begin(self, c: Call) -> None:
        """A call is let through: any while the circuit is closed, and one when it was open long enough."""
        require(c not in self.under_way)
        require(self.lets_in())
        self.under_way.add(c)
        if self.state == "half_open":
            self.trial = c

    @action
    def succeed(self, c: Call) -> None:
        """What comes of a call counts if the circuit is closed, or if it is the trial."""
        require(c in self.under_way)
        self.under_way.remove(c)
        if self.counts(c):
            self.state = "closed"
            self.failures = 0
            self.left = 0
        self.ends(c)

    @action
    def fail(self, c: Call) -> None:
        """Likewise."""
        require(c in self.under_way)
        self.under_way.remove(c)
        if self.counts(c):
            self.failures = min(self.failures + 1, self.most)
            if self.failures == self.most:
                self.state = "open"
                self.left = self.rest
        self.ends(c)

    @action
    def elapse(self) -> None:
        """Time goes by."""
        require(self.left > 0)
        self.left -= 1
        if self.left == 0 and self.state == "open":
            self.state = "half_open"

    def lets_in(self) -> bool:
        """A call may begin."""
        return self.state == "closed" or (self.state == "half_open" and self.trial is None)

    def counts(self, c: Call) -> bool:
        """What comes of a call says something of now."""
        return self.state == "closed" or self.trial == c

    def ends(self, c: Call) -> None:
        """The trial is over."""
        if self.trial == c:
            self.trial = None

    @invariant
    def fails_at_once_while_open(self) -> bool:
        """It is open for a time, and for no other."""
        return (self.state == "open") == (self.left > 0)


class AnyTrial(Breaker):
    """All calls are trials, and what comes of a call that began before them counts."""

    def lets_in(self) -> bool:
        """Any call, once it was open long enough."""
        return self.state != "open"

    def counts(self, c: Call) -> bool:
        """Unless the circuit is open."""
        return self.state != "open"


class AsReleased(AnyTrial):
    """What the library does: what comes of any call counts, even while the circuit is open: a late success closes it."""

    def counts(self, c: Call) -> bool:
        """At any time."""
        return True


class Wait:
    """What a call waits for."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Calls(Driver):
    """Calls that are functions with `await`, each driven by hand, so that several are under way; a clock that is moved."""

    model = Breaker
    refuses = True

    def begin(self, model: Any) -> None:
        """How many failures, and how long it stays open."""
        self.most, self.rest = model.most, model.rest

    def reset(self) -> None:
        """A breaker of its own."""
        self.now = 0.0
        circuitbreaker.monotonic = lambda: self.now
        self.breaker = circuitbreaker.CircuitBreaker(self.most, self.rest, name="held")
        self.under_way: dict[Call, Any] = {}

        async def call() -> None:
            await Wait()

        self.call = self.breaker(call)

    def do_begin(self, c: Call) -> bool:
        """A call gets as far as to wait, or is not let in."""
        if c in self.under_way:
            return False
        call = self.call()
        try:
            call.send(None)
        except circuitbreaker.CircuitBreakerError:
            return False
        self.under_way[c] = call
        return True

    def succeed(self, c: Call) -> bool:
        """It goes on to its end."""
        if (call := self.under_way.pop(c, None)) is None:
            return False
        try:
            call.send(None)
        except StopIteration:
            return True
        raise AssertionError("the call does not end")

    def fail(self, c: Call) -> bool:
        """What it waits for fails."""
        if (call := self.under_way.pop(c, None)) is None:
            return False
        try:
            call.throw(ConnectionError())
        except ConnectionError:
            return True
        raise AssertionError("the call does not end")

    def elapse(self) -> bool:
        """Move the clock, if somebody waits for it."""
        if not self.breaker.opened:
            return False
        self.now += 1
        return True

    def observe(self) -> Observation:
        """The state, and who is under way."""
        return {"state": self.breaker.state, "under_way": [str(c) for c in self.under_way]}


class Log(Binding):
    """What a program notes around its calls."""

    def __init__(self, calls: int = 20) -> None:
        self.calls = Names(Call, calls)

    def model(self) -> Breaker:
        """The one with two failures and a rest of one unit, as the driver has it."""
        return Breaker(Call=20)

    def on_elapsed(self) -> Steps:
        """The time for which it stays open is over."""
        return do("elapse")

    def on_begun(self, call: str) -> Steps:
        """A call was let through."""
        return do("begin", c=self.calls(call))

    def on_rejected(self, call: str) -> Steps:
        """A call was not."""
        c = self.calls(call)
        self.calls.release(call)
        return refused(do("begin", c=c))

    def on_succeeded(self, call: str) -> Steps:
        """And is over, so that another may have its place."""
        c = self.calls(call)
        self.calls.release(call)
        return do("succeed", c=c)

    def on_failed(self, call: str) -> Steps:
        """Likewise."""
        c = self.calls(call)
        self.calls.release(call)
        return do("fail", c=c)


class CallsAnyTrial(Calls):
    """The same, held to a breaker with any number of trials."""

    model = AnyTrial


class CallsAsReleased(Calls):
    """The same, held to what the library does."""

    model = AsReleased
