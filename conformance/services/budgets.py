"""Budgets of retries held to their models: those in flight, a share of requests, a throttle, and what a client refuses itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Claim, Event, Observed
from ratified.follow.steps import Steps, change, do, either
from ratified.impl.services.budgets import Adaptive, Budget, RetriesInFlight, Throttle
from ratified.language import Model, invariant, require
from ratified.models.services import budgets as models

MOST = 1_000


def _no_number() -> Any:
    return float("nan")


class InFlightBinding(PolicyBinding):
    """All is a step; a retry that is refused is one too many."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = dict(limits)

    def model(self) -> models.RetriesInFlight:
        """At the limits of the subject."""
        return models.RetriesInFlight(**self._limits)

    def on_begin(self) -> Steps:
        """A request."""
        return do("begin")

    def on_end(self) -> Steps:
        """It ends."""
        return do("end")

    def on_fail(self) -> Steps:
        """It is to be tried again."""
        return do("fail")

    def on_refused(self) -> Steps:
        """It is not."""
        return change("there are retries enough", lambda m: require(m.counted() >= m.allowed()))

    def on_send(self) -> Steps:
        """It is sent again."""
        return do("send")

    def on_release(self) -> Steps:
        """Its retry ends, and so does it."""
        return do("release")

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """What is counted."""
        return {("active",): variables["active"], ("counted",): variables["retries"]}


class InFlightSubject(Subject):
    """`RetriesInFlight` held to its model."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "begin": (60,),
        "end": (4,),
        "fail": (100,),
        "send": (4,),
        "release": (4,),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        self.make(random.choice((0, 20, 50, 100)), random.randint(0, 3))

    def make(self, percent: int, least: int, most: int = MOST) -> None:
        """With these limits."""
        self.limits = {"percent": percent, "least": least, "most": most}
        self.budget = RetriesInFlight(percent, least)
        self.fresh = self.waiting = self.sent = 0

    def binding(self) -> InFlightBinding:
        """See Subject."""
        return InFlightBinding(self.limits)

    def seen(self) -> Mapping[str, Any]:
        """What is counted."""
        return {"active": self.budget.active, "retries": self.budget.retries}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: shares that are none."""
        says, nan = "the share is 0 to 100 percent, the least 0 or more", _no_number()
        return [
            (lambda: RetriesInFlight(-1), says),
            (lambda: RetriesInFlight(101), says),
            (lambda: RetriesInFlight(20, -1), says),
            (lambda: RetriesInFlight(nan), "percent is a whole number"),
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: RetriesInFlight(0, 0), lambda: RetriesInFlight(100, 0)]

    def begin(self, count: int) -> Iterable[Event]:
        """Requests."""
        for _ in range(count + 1):
            self.budget.begin()
            self.fresh += 1
            yield self.event("begin")

    def end(self, count: int) -> Iterable[Event]:
        """Requests that are no retries end."""
        for _ in range(min(count + 1, self.fresh)):
            self.budget.end()
            self.fresh -= 1
            yield self.event("end")

    def fail(self, count: int) -> Iterable[Event]:
        """Requests fail, all at once."""
        for _ in range(min(count + 1, self.fresh)):
            if self.budget.take():
                self.fresh -= 1
                self.waiting += 1
                yield self.event("fail")
            else:
                yield self.event("refused")

    def send(self, count: int) -> Iterable[Event]:
        """Retries have waited long enough."""
        for _ in range(min(count + 1, self.waiting)):
            self.waiting -= 1
            self.sent += 1
            yield self.event("send")

    def release(self, count: int) -> Iterable[Event]:
        """Retries end. One too many would count for nothing."""
        for _ in range(min(count + 1, self.sent)):
            self.budget.release()
            self.budget.end()
            self.sent -= 1
            yield self.event("release")
        if not self.fresh + self.waiting + self.sent:
            self.budget.release()
            self.budget.end()
            yield from self.begin(0)

    def take(self, action: str, *arguments: Any) -> None:  # noqa: ARG002 - there are none
        """See Subject."""
        if action == "release":
            self.budget.release()
            self.budget.end()
            self.sent -= 1
        else:
            tuple(getattr(self, action)(0))


class InFlightSmall(InFlightSubject):
    """The model's own limits, to be driven along its graph."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.make(20, 1, 5)


def in_flight_graph() -> tuple[Model, Subject]:
    """Five requests."""
    return models.RetriesInFlight(), InFlightSmall()


# A share of the requests


class BudgetBinding(PolicyBinding):
    """Requests and retries are steps; a retry that is refused is one too many; what is long ago is told."""

    def __init__(self, percent: int, reserve: int) -> None:
        self._percent, self._reserve = percent, reserve

    def model(self) -> models.Budget:
        """At the limits of the subject."""
        return models.Budget(most=MOST, percent=self._percent, reserve=self._reserve)

    def on_request(self, requests: int, retries: int) -> Steps:
        """A request, when so much still counts."""
        return (self.counts(requests, retries), do("request"))

    def on_retry(self, requests: int, retries: int) -> Steps:
        """A retry, likewise."""
        return (self.counts(requests, retries), do("retry"))

    def on_refused(self, requests: int, retries: int) -> Steps:
        """A retry that is refused."""
        refused = change("the budget is used up", lambda m: require(not m.lets_through()))
        return (self.counts(requests, retries), refused)

    def counts(self, requests: int, retries: int) -> Steps:
        """So much of what was counted still counts."""
        same = change("all counts", lambda m: require((m.requests, m.retries) == (requests, retries)))
        return either(same, do("expire", requests=requests, retries=retries))


class BudgetSubject(Subject):
    """`Budget` held to its model. What still counts is found by the subject, from when each request came."""

    SLICE_MS = 10
    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {"request": (60,), "retry": (70,), "rest": (30,)}

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        self.percent, least = random.choice(((0, 10), (20, 10), (50, 0), (100, 20), (20, 35)))
        ttl = Budget.SLICES * self.SLICE_MS
        self.reserve = least * ttl // 1000
        self.budget = Budget(self.percent, least, ttl)
        self.now = self.told = 0
        self.counted: dict[str, deque[int]] = {"request": deque(), "retry": deque()}

    def binding(self) -> BudgetBinding:
        """See Subject."""
        return BudgetBinding(self.percent, self.reserve)

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: clocks that go back or are none, a budget of nothing."""
        budget, before, says, nan = self.budget, self.told - 1, "a budget is 0 to 1000 percent", _no_number()
        return [
            (lambda: budget.request(before), "the clock went back"),
            (lambda: budget.retry(before), "the clock went back"),
            (lambda: budget.retry(nan), "the time is a whole number"),
            (lambda: Budget(-1), says),
            (lambda: Budget(1_001), says),
            (lambda: Budget(20, -1), says),
            (lambda: Budget(20, 10, 9), says),
            (lambda: Budget(0, 0), "a budget of nothing"),
            (lambda: Budget(20, 10, nan), "ttl_ms is a whole number"),
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject. One retry a second is none in 999 ms."""
        return [
            lambda: Budget(1_000, 0, Budget.SLICES),
            lambda: Budget(0, 1, 1_000).retry(0) and not Budget(0, 1, 999).retry(0),
        ]

    def still(self) -> dict[str, int]:
        """What counts: of a slice that began less than the whole time ago."""
        oldest = self.now // self.SLICE_MS - Budget.SLICES
        for times in self.counted.values():
            while times and times[0] // self.SLICE_MS <= oldest:
                times.popleft()
        return {"requests": len(self.counted["request"]), "retries": len(self.counted["retry"])}

    def request(self, count: int) -> Iterable[Event]:
        """Requests."""
        for _ in range(count + 1):
            still = self.still()
            self.told = self.now
            self.budget.request(self.now)
            self.counted["request"].append(self.now)
            yield self.event("request", **still)

    def retry(self, count: int) -> Iterable[Event]:
        """Retries are asked for."""
        for _ in range(count + 1):
            still = self.still()
            self.told = self.now
            if self.budget.retry(self.now):
                self.counted["retry"].append(self.now)
                yield self.event("retry", **still)
            else:
                yield self.event("refused", **still)

    def rest(self, by: int) -> Iterable[Event]:
        """Time goes by."""
        self.now += by * 4
        return ()


# The throttle


class ThrottleBinding(PolicyBinding):
    """All is a step."""

    def __init__(self, most: int) -> None:
        self._most = most

    def model(self) -> models.Throttle:
        """With so many tokens."""
        return models.Throttle(most=self._most)

    def on_fail(self) -> Steps:
        """A failure."""
        return do("fail")

    def on_succeed(self) -> Steps:
        """A success."""
        return do("succeed")

    def on_retry(self) -> Steps:
        """A retry."""
        return do("retry")

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """The tokens, and what they allow."""
        whole = {(Claim("there are whole tenths"),): variables["part"] == 0}
        return {("tokens",): variables["tokens"], ("allows",): variables["allows"], **whole}


class ThrottleSubject(Subject):
    """`Throttle` held to its model; its ratio is a tenth."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {"fail": (4,), "succeed": (30,), "retry": ()}

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.make(1 + number % 12)

    def make(self, most: int) -> None:
        """With so many tokens."""
        self.most = most
        self.throttle = Throttle(most, 100)

    def binding(self) -> ThrottleBinding:
        """See Subject."""
        return ThrottleBinding(self.most)

    def seen(self) -> Mapping[str, Any]:
        """The tokens, in tenths, of which there are no parts."""
        tokens, part = divmod(self.throttle.tokens_thousandths, 100)
        return {"tokens": tokens, "allows": self.throttle.allows, "part": part}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: no tokens, too many, a success that gives nothing back."""
        nan = _no_number()
        return [
            (lambda: Throttle(0), "tokens are 1 to 1000, not 0"),
            (lambda: Throttle(1_001), "tokens are 1 to 1000, not 1001"),
            (lambda: Throttle(10, 0), "a success gives back something"),
            (lambda: Throttle(10, nan), "ratio_thousandths is a whole number"),
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: Throttle(1_000, 1), lambda: Throttle(1, 1)]

    def fail(self, count: int) -> Iterable[Event]:
        """Failures."""
        for _ in range(count + 1):
            self.throttle.failed()
            yield self.event("fail")

    def succeed(self, count: int) -> Iterable[Event]:
        """Successes."""
        for _ in range(count + 1):
            self.throttle.succeeded()
            yield self.event("succeed")

    def retry(self) -> Iterable[Event]:
        """A retry, if it is allowed."""
        if self.throttle.allows:
            yield self.event("retry")

    def take(self, action: str, *arguments: Any) -> None:  # noqa: ARG002 - there are none
        """See Subject."""
        tuple(self.retry() if action == "retry" else getattr(self, action)(0))


class ThrottleSmall(ThrottleSubject):
    """Three tokens, to be driven along the graph of the model."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.make(3)


def throttle_graph() -> tuple[Model, Subject]:
    """Three tokens."""
    return models.Throttle(most=3), ThrottleSmall()


# What a client refuses by itself


class FollowedAdaptive(models.Adaptive):
    """The same, where what began long ago counts no more, though it may still be under way."""

    @invariant
    def accepted_is_begun(self) -> bool:
        """See Adaptive; of what is still counted this says nothing."""
        return self.accepts >= 0


class AdaptiveBinding(PolicyBinding):
    """A request is a step with what was drawn; what is long ago is told."""

    def __init__(self, least: int) -> None:
        self._least = least

    def model(self) -> FollowedAdaptive:
        """With room for many."""
        return FollowedAdaptive(most=MOST, least=self._least)

    def on_ask(self, draw: int, admitted: bool) -> Steps:
        """A request is asked for."""
        right = change("it is admitted as was drawn", lambda m: require(admitted == (draw >= m.refused())))
        return (right, do("ask", draw=draw))

    def on_end(self, ok: bool) -> Steps:
        """A request has ended."""
        return do("end", ok=ok)

    def on_expire(self, requests: int, accepts: int) -> Steps:
        """Only so much still counts."""

        def expire(m: Any) -> None:
            m.requests, m.begun, m.accepts = requests, requests, accepts

        return change("what is long ago does not count", expire)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """The chance that the next is refused."""
        return {("refused",): variables["refused"], ("requests",): variables["of"] - 1}


class AdaptiveSubject(Subject):
    """`Adaptive` held to its model."""

    SLICE_MS = 10
    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {"ask": (50, 8), "end": (2, 8), "rest": (120,)}

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.least = number % 4 * 3
        self.adaptive = Adaptive(2, Adaptive.SLICES * self.SLICE_MS, self.least)
        self.now = self.under_way = 0
        self.asked: deque[int] = deque()
        self.taken: deque[int] = deque()

    def binding(self) -> AdaptiveBinding:
        """See Subject."""
        return AdaptiveBinding(self.least)

    def seen(self) -> Mapping[str, Any]:
        """The chance that the next is refused."""
        refused, of = self.adaptive.chance(self.now)
        return {"refused": refused, "of": of}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: clocks that go back or are none, a window that is none."""
        made, before, nan = self.adaptive, self.now - 1, _no_number()
        return [
            (lambda: made.admits(before, lambda _: 0), "the clock went back"),
            (lambda: made.accepted(before), "the clock went back"),
            (lambda: made.accepted(nan), "the time is a whole number"),
            (lambda: Adaptive(0), "k is at least 1"),
            (lambda: Adaptive(2, 59), "k is at least 1"),
            (lambda: Adaptive(2, 60, -1), "k is at least 1"),
            (lambda: Adaptive(nan), "k is a whole number"),
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: Adaptive(1, Adaptive.SLICES, 0)]

    def ask(self, drawn: int, count: int) -> Iterable[Event]:
        """Requests are asked for, and chance draws a number for each."""
        for i in range(count + 1):
            draw = (drawn + i) % (len(self.asked) + 1)
            admitted = self.adaptive.admits(self.now, lambda of, draw=draw: draw % of)  # type: ignore[misc]  # bound now
            self.asked.append(self.now)
            self.under_way += admitted
            yield self.event("ask", draw=draw, admitted=admitted)

    def end(self, ok: int, count: int) -> Iterable[Event]:
        """Requests end."""
        for _ in range(min(count + 1, self.under_way)):
            self.under_way -= 1
            if ok:
                self.adaptive.accepted(self.now)
                self.taken.append(self.now)
            yield self.event("end", ok=bool(ok))

    def rest(self, by: int) -> Iterable[Event]:
        """Time goes by."""
        self.now += by
        oldest = self.now // self.SLICE_MS - Adaptive.SLICES
        for times in (self.asked, self.taken):
            while times and times[0] // self.SLICE_MS <= oldest:
                times.popleft()
        yield self.event("expire", requests=len(self.asked), accepts=len(self.taken))
