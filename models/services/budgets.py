"""Budgets of retries: those in flight, the throttle of gRPC, and requests that a client refuses by itself.

A retry counts from when it is decided, not from when it is sent: of many requests that fail at once, each would find that there
are no retries yet (Envoy, issue 30205). A request counts from when it begins, not from when it ends: for as long as one takes,
nothing would be refused (go-zero, issue 5011).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import Model, Param, Range, action, invariant, require, step_invariant, view

Count = Annotated[int, Range(0, "most")]


class RetriesInFlight(Model):
    """How many requests are active; of these, how many wait to be tried again, and how many are being."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {},
        "standard": {"most": 10},
        "large": {"most": 30, "least": 3},
    }

    most: Param[Annotated[int, Range(1, 10_000)]] = 5  # requests
    percent: Param[Annotated[int, Range(0, 100)]] = 20  # of the active ones may be retried
    least: Param[Annotated[int, Range(0, 100)]] = 1  # retries that there may always be

    active: Count = 0
    waiting: Count = 0  # retries in back-off
    sent: Count = 0  # retries that are on the way

    def allowed(self) -> int:
        """How many retries there may be now."""
        return max(self.least, self.active * self.percent // 100)

    def counted(self) -> int:
        """Retries that count."""
        return self.waiting + self.sent

    @action
    def begin(self) -> None:
        """A request becomes active."""
        require(self.active < self.most)
        self.active += 1

    @action
    def end(self) -> None:
        """A request that is no retry has its answer, or is given up."""
        require(self.active > self.waiting + self.sent)
        self.active -= 1

    @action
    def fail(self) -> None:
        """A request fails and is to be tried again: it waits."""
        require(self.active > self.waiting + self.sent)
        require(self.counted() < self.allowed())
        self.waiting += 1

    @action
    def send(self) -> None:
        """A retry has waited long enough."""
        require(self.waiting > 0)
        self.waiting -= 1
        self.sent += 1

    @action
    def release(self) -> None:
        """A retry has its answer, and its request ends."""
        require(self.sent > 0)
        self.sent -= 1
        self.active -= 1

    @step_invariant
    def retries_are_limited(self, old: Self) -> bool:
        """No retry is begun but within its share of what is active."""
        return self.waiting <= old.waiting or self.waiting + self.sent <= old.allowed()

    @invariant
    def a_retry_is_of_a_request(self) -> bool:
        """There are no more retries than requests."""
        return self.waiting + self.sent <= self.active

    @view
    def retries(self) -> tuple[int, int, int]:
        """Requests, retries that wait, retries on the way."""
        return self.active, self.waiting, self.sent


class WaitingNotCounted(RetriesInFlight):
    """What waits in back-off is no retry yet (Envoy, issue 30205)."""

    def counted(self) -> int:
        """Those on the way."""
        return self.sent


class Budget(Model):
    """Retries are at most a share of the requests of some time, and some more that there may always be (as Finagle has it)."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {},
        "standard": {"most": 10},
        "large": {"most": 20},
    }

    most: Param[Annotated[int, Range(1, 10_000)]] = 4
    percent: Param[Annotated[int, Range(0, 1000)]] = 50
    reserve: Param[Annotated[int, Range(0, 100)]] = 1

    requests: Count = 0  # that count
    retries: Annotated[int, Range(0, "reserve + most * percent // 100")] = 0

    def allowed(self) -> int:
        """How many retries there may be."""
        return self.reserve + self.requests * self.percent // 100

    def lets_through(self) -> bool:
        """One more may be."""
        return self.retries < self.allowed()

    @action
    def request(self) -> None:
        """A request is sent for the first time."""
        require(self.requests < self.most)
        self.requests += 1

    @action
    def retry(self) -> None:
        """A request is tried again."""
        require(self.lets_through())
        self.retries += 1

    @action
    def expire(self, requests: Count, retries: Count) -> None:
        """What is long ago counts no more."""
        require(requests <= self.requests and retries <= self.retries)
        require(requests < self.requests or retries < self.retries)
        self.requests = requests
        self.retries = retries

    @step_invariant
    def retries_are_a_share(self, old: Self) -> bool:
        """A retry is within what requests have paid for."""
        return self.retries <= old.retries or self.retries <= old.allowed()

    @view
    def counts(self) -> tuple[int, int]:
        """Requests and retries."""
        return self.requests, self.retries


class OneTooMany(Budget):
    """A budget that is used up lets one more through."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"percent": 0},
        "standard": {"percent": 0, "most": 10},
    }

    retries: Annotated[int, Range(0, "reserve + most + 1")] = 0

    def lets_through(self) -> bool:
        """No more than may be have been."""
        return self.retries <= self.allowed()


class Throttle(Model):
    """Tokens fall by one with a failure and rise by a tenth with a success; with half of them or fewer nothing is retried.

    (gRPC proposal A6. Here in tenths.)
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"most": 3},
        "standard": {"most": 10},
        "large": {"most": 100},
    }

    most: Param[Annotated[int, Range(1, 1000)]] = 10
    tokens: Annotated[int, Range(0, "10 * most")] = 0
    retried: bool = False  # the last step was a retry

    def init(self) -> None:
        """All are there."""
        self.tokens = 10 * self.most

    @action
    def fail(self) -> None:
        """A request fails."""
        self.tokens = max(0, self.tokens - 10)
        self.retried = False

    @action
    def succeed(self) -> None:
        """A request succeeds."""
        self.tokens = min(10 * self.most, self.tokens + 1)
        self.retried = False

    @action
    def retry(self) -> None:
        """A request is tried again."""
        require(self.allows())
        self.retried = True

    def allows(self) -> bool:
        """More than half of the tokens are there."""
        return 2 * self.tokens > 10 * self.most

    @invariant
    def no_retry_at_half(self) -> bool:
        """With half of the tokens nothing is tried again."""
        return not self.retried or 2 * self.tokens > 10 * self.most

    @view
    def left(self) -> int:
        """Tokens, in tenths."""
        return self.tokens


class ThrottleAtHalf(Throttle):
    """Half of the tokens are enough for a retry."""

    def allows(self) -> bool:
        """Half of the tokens are there."""
        return 2 * self.tokens >= 10 * self.most


class Adaptive(Model):
    """What a client counts of its requests: of r, a were accepted, and one more is refused in r - least - 2a of r + 1 cases.

    (With `least` 0: Beyer et al., "Site Reliability Engineering", 2016, chapter 21.)
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {},
        "standard": {"most": 6},
        "large": {"most": 12},
    }

    most: Param[Annotated[int, Range(1, 1000)]] = 3
    least: Param[Annotated[int, Range(0, 1000)]] = 0  # requests that are not held against it

    requests: Count = 0  # that count
    accepts: Count = 0
    under_way: Count = 0
    begun: Count = 0  # in the same time

    @action
    def ask(self, draw: Count) -> None:
        """A request is to be sent; chance has drawn a number below r + 1."""
        require(self.begun < self.most and draw <= self.requests)
        self.begun += 1
        if draw >= self.refused():
            self.under_way += 1
            self.count_begun()
        else:
            self.count_refused()

    def refused(self) -> int:
        """Of r + 1 cases, those in which it is refused."""
        return max(0, self.requests - self.least - 2 * self.accepts)

    def count_begun(self) -> None:
        """It counts now."""
        self.requests += 1

    def count_refused(self) -> None:
        """So does what was refused."""
        self.requests += 1

    @action
    def end(self, ok: bool) -> None:
        """An answer comes in: the server took the request, or did not."""
        require(self.under_way > 0)
        self.under_way -= 1
        self.count_ended()
        if ok:
            self.accepts += 1

    def count_ended(self) -> None:
        """It has counted from its beginning."""

    @invariant
    def what_begins_counts(self) -> bool:
        """Every request counts from when it begins."""
        return self.requests == self.begun

    @invariant
    def a_few_are_not_refused(self) -> bool:
        """Before there were more than `least` requests nothing is refused."""
        return self.requests > self.least or self.refused() == 0

    @invariant
    def accepted_is_begun(self) -> bool:
        """What is accepted was asked for."""
        return self.accepts + self.under_way <= self.begun

    @view
    def counts(self) -> tuple[int, int]:
        """Requests and accepts."""
        return self.requests, self.accepts


class CountedWhenEnded(Adaptive):
    """A request counts when it ends (go-zero, issue 5011)."""

    def count_begun(self) -> None:
        """Not yet."""

    def count_ended(self) -> None:
        """Now."""
        self.requests += 1


class RefusesAtOnce(Adaptive):
    """Every request without an answer is held against the client, the first ones too: as it begins it refuses half of them."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"least": 2},
        "standard": {"most": 6, "least": 3},
    }

    def refused(self) -> int:
        """As many as have no answer."""
        return max(0, self.requests - 2 * self.accepts)
