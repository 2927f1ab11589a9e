"""Hedging held to its model: what is told back, sends, cancellations and the outcome, is what the model's step comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Claim, Event, Observed
from ratified.follow.steps import Steps, do
from ratified.impl.services.hedging import Cancel, Effect, Hedge, Outcome, Send
from ratified.impl.services.retry import ATTEMPTS_MOST
from ratified.language import Model, Set
from ratified.models.services import hedging as models

DELAY_MS = 40


class HedgingBinding(PolicyBinding):
    """All is a step, but for what comes too late, which is nothing."""

    def __init__(self, most: int) -> None:
        self._most = most

    def model(self) -> models.Hedging:
        """With so many attempts."""
        return models.Hedging(most=self._most)

    def on_start(self) -> Steps:
        """The first is sent."""
        return do("start")

    def on_elapse(self, a: int) -> Steps:
        """A delay is over."""
        return do("elapse", a=a)

    def on_fail(self, a: int, fatal: bool, stop: bool) -> Steps:
        """An attempt fails."""
        return do("fail", a=a, fatal=fatal, stop=stop)

    def on_succeed(self, a: int) -> Steps:
        """An attempt is answered."""
        return do("succeed", a=a)

    def on_late(self) -> Steps:
        """What comes of an attempt that is not waited for any more."""
        return ()

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """What was sent and is waited for, which timers run, whether it is over."""
        claims = {(Claim(claim),): holds for claim, holds in variables["claims"].items()}
        return {
            ("sent",): variables["sent"],
            ("on_the_way",): Set(variables["on_the_way"]),
            ("timers",): Set(variables["timers"]),
            ("over",): variables["over"],
            ("more",): variables["more"],
            **claims,
        }


class HedgingSubject(Subject):
    """`Hedge` held to its model: a request after the other, of which each is followed by itself."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "elapse": (ATTEMPTS_MOST,),
        "fail": (ATTEMPTS_MOST, 5, 4),
        "succeed": (ATTEMPTS_MOST, 3),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.make(1 + number % 7)

    def make(self, most: int) -> None:
        """With so many attempts; more than five are five."""
        self.most = min(most, ATTEMPTS_MOST)
        self.hedge = Hedge(DELAY_MS, most)
        self.sent = 0
        self.on_the_way: set[int] = set()
        self.timers: set[int] = set()
        self.over = False
        self.claims: dict[str, bool] = {}

    def binding(self) -> HedgingBinding:
        """See Subject."""
        return HedgingBinding(self.most)

    def seen(self) -> Mapping[str, Any]:
        """What the effects came to."""
        claims, self.claims = self.claims, {}
        claims["it says itself whether it is over"] = self.hedge.over == self.over
        return {
            "sent": self.sent,
            "on_the_way": sorted(self.on_the_way),
            "timers": sorted(self.timers),
            "over": self.over,
            "more": self.hedge.more,
            "claims": claims,
        }

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: delays and attempts that are none."""
        says, nan = "a hedge waits 0 ms or more, and there is 1 attempt or more", float("nan")
        return [
            (lambda: Hedge(-1), f"{says}: -1, 3"),
            (lambda: Hedge(1, 0), f"{says}: 1, 0"),
            (lambda: Hedge(nan), "delay_ms is a whole number"),  # type: ignore[arg-type]  # that is what is wrong
            (lambda: Hedge(1, nan), "attempts is a whole number"),  # type: ignore[arg-type]  # likewise
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: Hedge(0, 1), lambda: Hedge(0).start() == (Send(1, 0),)]

    def told(self, action: str, effects: Sequence[Effect], **arguments: Any) -> Iterable[Event]:
        """What a call came to."""
        for effect in effects:
            self.claims["after the outcome there is nothing"] = not self.over
            match effect:
                case Send(attempt, wake_ms):
                    self.claims["attempts are numbered one by one"] = attempt == self.sent + 1
                    self.sent = attempt
                    self.on_the_way.add(attempt)
                    if wake_ms is not None:
                        self.timers.add(attempt)
                        self.claims["a hedge waits as long as was asked"] = wake_ms == DELAY_MS
                case Cancel(attempt):
                    self.claims["what is ended was on the way"] = attempt in self.on_the_way
                    self.on_the_way.discard(attempt)
                case Outcome(attempt, ok):
                    self.over = True
                    right = (attempt, ok) == (arguments.get("a"), action == "succeed")
                    self.claims["the outcome is that of the attempt"] = right
        yield self.event(action, **arguments)

    def begin(self) -> Iterable[Event]:
        """The first attempt."""
        if not self.sent:
            yield from self.told("start", self.hedge.start())

    def attempt(self, n: int) -> int:
        """An attempt by its number, among those that were sent and one more."""
        return 1 + n % (self.sent + 1)

    def elapse(self, n: int) -> Iterable[Event]:
        """The delay after an attempt is over."""
        yield from self.begin()
        a = self.attempt(n)
        if a in self.timers:
            self.timers.discard(a)
            yield from self.told("elapse", self.hedge.elapsed(a), a=a)

    def fail(self, n: int, fatal: int, stop: int) -> Iterable[Event]:
        """An attempt fails, or failed after all was over."""
        yield from self.begin()
        a = self.attempt(n)
        if a in self.on_the_way and not self.over:
            self.on_the_way.discard(a)
            effects = self.hedge.failed(a, fatal=fatal == 0, stop=stop == 0)
            yield from self.told("fail", effects, a=a, fatal=fatal == 0, stop=stop == 0)
        else:
            yield from self.told("late", self.hedge.failed(a, fatal=fatal == 0, stop=stop == 0))

    def succeed(self, n: int, often: int = 0) -> Iterable[Event]:
        """An attempt is answered, or was after all was over."""
        yield from self.begin()
        a = self.attempt(n)
        if a not in self.on_the_way or self.over:
            yield from self.told("late", self.hedge.succeeded(a))
        elif often == 0:
            self.on_the_way.discard(a)
            yield from self.told("succeed", self.hedge.succeeded(a), a=a)

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        if action == "start":
            tuple(self.begin())
        elif action == "fail":
            a, fatal, stop = arguments
            tuple(self.fail(int(a) - 1, int(not fatal), int(not stop)))
        else:
            tuple(getattr(self, action)(int(arguments[0]) - 1))


class HedgingThree(HedgingSubject):
    """Three attempts, to be driven along the graph of the model."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.make(3)


def hedging_graph() -> tuple[Model, Subject]:
    """Three attempts."""
    return models.Hedging(), HedgingThree()
