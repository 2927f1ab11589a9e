"""Sessions that are kept alive, held to their model. A tick is a second; the servers are the subject's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Claim, Event, Observed
from ratified.follow.steps import Steps, do
from ratified.impl.services.keepalive import ExpiredError, KeepAlive, SessionState
from ratified.language import Model
from ratified.models.services import keepalive as models

TICK_MS = 1_000
STATES = {
    SessionState.SAFE: models.Session.SAFE,
    SessionState.JEOPARDY: models.Session.JEOPARDY,
    SessionState.EXPIRED: models.Session.EXPIRED,
}


class KeepAliveBinding(PolicyBinding):
    """All is a step of the model."""

    def __init__(self, length: int, grace: int) -> None:
        self._length, self._grace = length, grace

    def model(self) -> models.KeptAlive:
        """With the session's time."""
        return models.KeptAlive(length=self._length, grace=self._grace)

    def on_step(self, name: str) -> Steps:
        """A step of its name."""
        return do(name)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """What is known of the session, and whether it will ask."""
        claims = {(Claim(claim),): holds for claim, holds in variables["claims"].items()}
        return {("session",): STATES[variables["state"]], ("planned",): variables["planned"], **claims}


class KeepAliveSubject(Subject):
    """`KeepAlive`, with servers that come and go."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "ask": (),
        "extend": (),
        "error": (),
        "hear_renewed": (),
        "hear_unknown": (),
        "tick": (),
        "fall": (),
        "rise": (),
        "renew": (3,),
        "outage": (10,),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        self.make(random.randint(2, 5), random.randint(1, 4), random.randint(0, 1))

    def make(self, length: int, grace: int, retry: int) -> None:
        """A session of so many ticks, which begins now."""
        self.length, self.grace, self.retry_ms = length, grace, retry * TICK_MS
        self.now = self.age = 0
        self.client = KeepAlive(0, length * TICK_MS, grace * TICK_MS, self.retry_ms)
        self.asking = self.renewed = self.unknown = False  # what is on the way
        self.master = self.known = True
        self.left = length
        self.claims: dict[str, bool] = {
            "it asks after half of the time": self.client.ask_at_ms() == length * 500
        }

    def binding(self) -> KeepAliveBinding:
        """See Subject."""
        return KeepAliveBinding(self.length, self.grace)

    def seen(self) -> Mapping[str, Any]:
        """What is known, and that calls are treated so."""
        state = self.client.state(self.now)
        try:
            lets = self.client.admits(self.now)
        except ExpiredError:
            treated = state is SessionState.EXPIRED
        else:
            treated = state is not SessionState.EXPIRED and lets == (state is SessionState.SAFE)
        claims, self.claims = {**self.claims, "calls are let through while it is safe": treated}, {}
        return {"state": state, "planned": self.client.ask_at_ms() is not None, "claims": claims}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: times that are none, a clock that goes back, answers to no question."""
        client, before, now = self.client, self.now - 1, self.now
        nan: Any = float("nan")
        says = "a session lasts 1 ms or more"
        back: list[tuple[Callable[[], object], str]] = [
            (lambda: client.state(before), "the clock went back"),
            (lambda: client.failed(before), "the clock went back"),
            (lambda: client.unknown(before), "the clock went back"),
            (lambda: client.asked(before), "the clock went back"),
        ]
        asked: list[tuple[Callable[[], object], str]] = (
            [(lambda: client.asked(now), "a question is on the way")]
            if self.client_asks()
            else [(lambda: client.renewed(now, 1), "nothing was asked")]
        )
        return [
            *(back if self.now else []),
            *asked,
            (lambda: client.renewed(now, 0), says),
            (lambda: client.renewed(now, nan), "lasts_ms is a whole number"),
            (lambda: client.state(nan), "the time is a whole number"),
            (lambda: KeepAlive(0, 0), says),
            (lambda: KeepAlive(0, 1, -1), says),
            (lambda: KeepAlive(0, 1, 0, -1), says),
            (lambda: KeepAlive(nan, 1), "asked_ms is a whole number"),
        ]

    def client_asks(self) -> bool:
        """Whether it waits for an answer."""
        return self.asking or self.renewed or self.unknown

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: KeepAlive(0, 1, 0, 0)]

    def ask(self) -> Iterable[Event]:
        """It asks for more time."""
        if self.client.ask_at_ms() is not None:
            self.client.asked(self.now)
            self.asking, self.age = True, 0
            yield self.event("step", name="ask")

    def extend(self) -> Iterable[Event]:
        """A server answers."""
        if self.asking and self.master:
            self.asking = False
            if self.known:
                self.left, self.renewed = self.length, True
            else:
                self.unknown = True
            yield self.event("step", name="extend")

    def error(self) -> Iterable[Event]:
        """Something goes wrong with it."""
        if self.client_asks():
            self.asking = self.renewed = self.unknown = False
            self.client.failed(self.now)
            again = self.client.ask_at_ms()
            self.claims["it asks again soon"] = again in (None, self.now + self.retry_ms)
            yield self.event("step", name="error")

    def hear_renewed(self) -> Iterable[Event]:
        """There is more time."""
        if self.renewed:
            self.renewed = False
            state = self.client.renewed(self.now, self.length * TICK_MS)
            half = (self.length - 2 * self.age) * 500
            when = None if state is SessionState.EXPIRED else self.now + max(0, half)
            self.claims["it asks again after half of the time"] = self.client.ask_at_ms() == when
            self.claims["it is told how things are"] = state is self.client.state(self.now)
            yield self.event("step", name="hear_renewed")

    def hear_unknown(self) -> Iterable[Event]:
        """The session is lost."""
        if self.unknown:
            self.unknown = False
            self.client.unknown(self.now)
            yield self.event("step", name="hear_unknown")

    def tick(self) -> Iterable[Event]:
        """Time goes by."""
        self.now += TICK_MS
        self.age += 1
        if self.master:
            self.left = max(0, self.left - 1)
            self.known = self.left > 0
        yield self.event("step", name="tick")

    def fall(self) -> Iterable[Event]:
        """There is no server for a while."""
        if self.master:
            self.master = False
            yield self.event("step", name="fall")

    def rise(self) -> Iterable[Event]:
        """There is a new one."""
        if not self.master:
            self.master = True
            self.left = self.length if self.known else self.left
            yield self.event("step", name="rise")

    def renew(self, ticks: int) -> Iterable[Event]:
        """It asks, and hears of it after a while."""
        yield from self.ask()
        yield from self.extend()
        for _ in range(ticks):
            yield from self.tick()
        yield from self.hear_renewed()
        yield from self.hear_unknown()

    def outage(self, ticks: int) -> Iterable[Event]:
        """There is no server, questions fail, and there is one again."""
        yield from self.fall()
        for _ in range(ticks):
            yield from self.tick()
            yield from self.ask()
            yield from self.error()
        yield from self.rise()

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        tuple(getattr(self, action)(*map(int, arguments)))


class ShortSession(KeepAliveSubject):
    """The model's own times, to be driven along its graph."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.make(2, 2, 0)


def keepalive_graph() -> tuple[Model, Subject]:
    """Two ticks of a lease, two of grace."""
    return models.KeptAlive(), ShortSession()
