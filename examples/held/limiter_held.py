"""`aiolimiter.AsyncLimiter` 1.3.0 held to what a fair rate limiter is. It lets small requests overtake a large one for ever.

ratified conform examples/held/limiter_held.py:Requests --size standard               violated: a small request overtakes
ratified conform examples/held/limiter_held.py:RequestsAsReleased --size standard     holds
ratified check examples/held/limiter_held.py:AsReleased                               violated: a large request waits for ever
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from aiolimiter import AsyncLimiter

from ratified import (
    Binding,
    Driver,
    Map,
    Model,
    Observation,
    Observed,
    Param,
    Range,
    Refused,
    Sort,
    Steps,
    action,
    attempt,
    do,
    invariant,
    leads_to,
    require,
)


class Request(Sort):
    """Wants some of what there is; the first wants all."""


class Limiter(Model):
    """A bucket of `most` that is emptied at one a unit of time: what has room is let in, in the order in which it came."""

    most: Param[int] = 2
    level: Annotated[int, Range(0, "most")]
    state: Map[Request, Literal["idle", "waiting"]]
    place: Map[
        Request, Annotated[int, Range(0, "len(Request)")]
    ]  # of those that wait, in the order they came; 0: it does not

    sizes: ClassVar = {"standard": {"Request": 3}}

    @action
    def ask(self, r: Request) -> None:
        """A request is let in at once, or waits."""
        require(self.state[r] == "idle")
        if self.has_room(r) and self.is_free(r):
            self.level += self.wants(r)
        else:
            self.place[r] = 1 + sum(1 for q in Request if self.state[q] == "waiting")
            self.state[r] = "waiting"

    @action(fair="weak")
    def elapse(self) -> None:
        """A unit of time: the bucket loses one, and those are let in that have room now."""
        require(self.level > 0)
        self.level -= 1
        for _ in range(len(Request)):
            for r in Request:
                if self.state[r] == "waiting" and self.is_next(r) and self.has_room(r):
                    self.let_in(r)

    def let_in(self, r: Request) -> None:
        """It waits no more."""
        self.level += self.wants(r)
        for q in Request:
            if self.place[q] > self.place[r]:
                self.place[q] -= 1
        self.place[r] = 0
        self.state[r] = "idle"

    def wants(self, r: Request) -> int:
        """How much."""
        return self.most if r == Request(0) else 1

    def has_room(self, r: Request) -> bool:
        """In the bucket."""
        return self.level + self.wants(r) <= self.most

    def is_free(self, r: Request) -> bool:
        """No other request has to be let in before."""
        return all(self.state[q] == "idle" for q in Request)

    def is_next(self, r: Request) -> bool:
        """It came before all others that wait."""
        return self.place[r] == 1

    @invariant
    def never_too_much(self) -> bool:
        """The bucket does not overflow."""
        return self.level <= self.most

    @leads_to
    def who_waits_is_let_in(self, r: Request) -> tuple[bool, bool]:
        """At some time."""
        return self.state[r] == "waiting", self.state[r] == "idle"


class AsReleased(Limiter):
    """What the library does: a request is let in wherever there is room, and of those that wait the smallest first."""

    def is_free(self, r: Request) -> bool:
        """Whoever waits."""
        return True

    def is_next(self, r: Request) -> bool:
        """It wants less than all others that wait, or came before those that want as much."""
        return all(
            self.wants(r) < self.wants(q)
            or (self.wants(r) == self.wants(q) and self.place[r] <= self.place[q])
            for q in Request
            if self.state[q] == "waiting"
        )


class Clocked(asyncio.SelectorEventLoop):
    """An event loop whose clock is moved by hand."""

    now = 0.0

    def time(self) -> float:
        """As it was set."""
        return self.now


class Requests(Driver):
    """Requests that wait in an event loop of their own."""

    model = Limiter

    def begin(self, model: Any) -> None:
        """A loop for all that is driven."""
        self.most = model.most
        self.loop = Clocked()

    def close(self) -> None:
        """End what waits, and the loop."""
        self.cancel()
        self.loop.close()

    def cancel(self) -> None:
        """End what waits."""
        for task in getattr(self, "waiting", {}).values():
            task.cancel()
        self.settle()

    def settle(self) -> None:
        """Let everything run that can."""
        for _ in range(10):
            self.loop.run_until_complete(asyncio.sleep(0))

    def reset(self) -> None:
        """An empty bucket, that loses one in a second."""
        self.cancel()
        self.limiter = AsyncLimiter(self.most, self.most)
        self.waiting: dict[Request, asyncio.Task[None]] = {}

    def ask(self, r: Request) -> None:
        """A task that wants some."""
        if r in self.waiting:
            raise Refused("it waits")
        amount = self.most if r == Request(0) else 1
        self.waiting[r] = self.loop.create_task(self.limiter.acquire(amount))
        self.done()

    def elapse(self) -> None:
        """Move the clock."""
        self.loop.now += 1
        self.done()

    def done(self) -> None:
        """Forget who was let in."""
        self.settle()
        self.waiting = {r: task for r, task in self.waiting.items() if not task.done()}

    def observe(self) -> Observation:
        """Who waits."""
        return {"state": {r: "waiting" if r in self.waiting else "idle" for r in Request}}


class Log(Binding):
    """What a program notes: who asks, and after each second who waits. The request that wants all is called `large`."""

    def model(self) -> Limiter:
        """Of ten requests one is large."""
        return Limiter(Request=10)

    def request(self, name: str) -> Request:
        """By its name: `large`, or `1` to `9`."""
        return Request(0 if name == "large" else int(name))

    def on_ask(self, request: str) -> Steps:
        """A request is let in at once, or waits."""
        return do("ask", r=self.request(request))

    def on_second(self) -> Steps:
        """A second is over; an empty bucket loses nothing."""
        return attempt(do("elapse"))

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:
        """Who waits."""
        waiting = {self.request(name) for name in variables["waiting"]}
        return {("state", r): "waiting" if r in waiting else "idle" for r in Request}


class RequestsAsReleased(Requests):
    """The same, held to what the library does."""

    model = AsReleased
