"""Retries held to their models: attempts and a budget, sessions that make them harmless, and an overload that a budget ends.

The model of retries says how many there may be and what comes of them. When, and for which failures, the subject says itself: its
`expected` is written from the rules alone, in whole milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Claim, Event, Observed
from ratified.follow.steps import Steps, change, do
from ratified.impl.contract import Command
from ratified.impl.machines import KeyValue
from ratified.impl.services.budgets import Budget
from ratified.impl.services.retry import Backoff, Call, Failure, GiveUp, Jitter, RetryPolicy, TryAgain
from ratified.impl.sessions import Sessions
from ratified.language import Map, Model, require
from ratified.models.services import overload as overloads
from ratified.models.services import retry as models

CLIENTS = 3
PUSHBACKS = (
    *("0", "7", "-1", "soon", "", "1_0", " 5", "+5", "3600000", "3600001", "9" * 30),
    *("7".zfill(20), "7".zfill(21)),
)
NEVER = "never"


class CountingKeyValue(KeyValue):
    """Counts what is executed."""

    __slots__ = ("executed",)

    def __init__(self) -> None:
        super().__init__()
        self.executed: Counter[bytes] = Counter()

    def apply(self, payload: bytes) -> bytes:
        """Execute a command, once more."""
        self.executed[payload] += 1
        return super().apply(payload)


class RetriesBinding(PolicyBinding):
    """Whatever is sent, executed, lost and learned is a step; whoever gives up has no attempt or no budget left."""

    def __init__(self, attempts: int, budget: int) -> None:
        self._attempts, self._budget = attempts, budget

    def model(self) -> models.Retries:
        """With as many attempts."""
        return models.Retries(Client=CLIENTS, attempts=self._attempts, budget=self._budget)

    def on_send(self, client: int) -> Steps:
        """A request is sent for the first time."""
        return do("send", c=models.Client(client))

    def on_retry(self, client: int) -> Steps:
        """It is sent again."""
        return do("retry", c=models.Client(client))

    def on_give_up(self, client: int, why: str) -> Steps:
        """It is not: the attempts are used up, or the budget; or there is another reason, which the model does not know."""

        def right(m: Any) -> None:
            c = models.Client(client)
            require(why != "attempts" or m.sent[c] >= m.attempts)
            require(why != "budget" or m.retries() >= m.budget)

        return change("it gives up", right)

    def on_look(self) -> Steps:
        """Nothing happens."""
        return ()

    def on_execute(self, client: int) -> Steps:
        """A request arrives."""
        return do("execute", c=models.Client(client))

    def on_lose_request(self, client: int) -> Steps:
        """It does not."""
        return do("lose_request", c=models.Client(client))

    def on_lose_reply(self, client: int) -> Steps:
        """Its answer does not."""
        return do("lose_reply", c=models.Client(client))

    def on_learn(self, client: int) -> Steps:
        """Its answer does."""
        return do("learn", c=models.Client(client))

    def on_crash(self) -> Steps:
        """The server starts anew."""
        return do("crash")

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one server
        """How often each was executed, and what is claimed of decisions."""
        executed = variables["executed"]
        claims = {(Claim(claim),): holds for claim, holds in variables["claims"].items()}
        return {("executed",): Map({models.Client(c): executed[c] for c in range(CLIENTS)}), **claims}


class RetriesSubject(Subject):
    """`Call`, `Budget` and `Sessions` held to the model, with a network that loses and repeats."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "send": (CLIENTS,),
        "fail": (CLIENTS, len(Failure), 1_000),
        "time_out": (CLIENTS,),
        "push_back": (CLIENTS, len(PUSHBACKS)),
        "execute": (CLIENTS,),
        "lose_request": (CLIENTS,),
        "lose_reply": (CLIENTS,),
        "learn": (CLIENTS,),
        "crash": (3,),
        "again": (CLIENTS, 2),
        "keep_failing": (CLIENTS, 1_000, 2),
        "wait": (CLIENTS, 15),
        "push_to_the_end": (CLIENTS,),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        self.attempts, self.budget_most = random.randint(1, 7), random.randint(1, 8)
        self.base, self.multiplier = random.randint(1, 6), random.randint(1, 3)
        self.cap, self.jitter = random.randint(6, 25), random.choice(tuple(Jitter))
        backoff = Backoff(self.base, self.cap, self.multiplier, self.jitter)
        self.policy = RetryPolicy(self.attempts, backoff)
        # Nothing expires in a run: the budget is what there may be in all.
        self.budget = Budget(percent=0, least_a_second=1, ttl_ms=1_000 * self.budget_most)
        self.idempotent = [random.random() < 0.8 for _ in range(CLIENTS)]
        self.deadlines = [random.choice((None, None, 30, 60)) for _ in range(CLIENTS)]
        self.now = 0
        self.requests: dict[int, Call] = {}
        self.tried = Counter[int]()
        self.waited: dict[int, int | None] = {}
        self.over: set[int] = set()
        self.server = Sessions(CountingKeyValue())
        self.executed: Counter[bytes] = Counter()
        self.network: set[int] = set()
        self.replies: set[int] = set()
        self.done: set[int] = set()
        self.claims: dict[str, bool] = {}

    def binding(self) -> RetriesBinding:
        """See Subject."""
        return RetriesBinding(min(self.attempts, 5), self.budget_most)

    def seen(self) -> Mapping[str, Any]:
        """How often each request was executed."""
        claims, self.claims = self.claims, {}
        return {"executed": [self.executed[payload(c)] for c in range(CLIENTS)], "claims": claims}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: clocks that go back or are none, deadlines that are over, back-off that is none."""
        nan: Any = float("nan")
        early: list[tuple[Callable[[], object], str]] = [
            (partial(call.failed, -1, Failure.TIMED_OUT, lambda _: 0), "the clock went back")
            for call in self.requests.values()
        ]
        return [
            *early,
            (lambda: Call(self.policy, started_ms=5, deadline_ms=5), "the deadline is over before"),
            (lambda: Call(self.policy, started_ms=5, deadline_ms=0), "the deadline is over before"),
            (lambda: Call(self.policy, started_ms=nan), "the time is a whole number"),
            (lambda: Call(self.policy, started_ms=0, deadline_ms=nan), "deadline_ms is a whole number"),
        ]

    def send(self, c: int) -> Iterable[Event]:
        """A client sends its request."""
        if c not in self.requests:
            after = self.deadlines[c]
            deadline = None if after is None else self.now + after
            self.requests[c] = Call(
                self.policy, started_ms=self.now, deadline_ms=deadline, idempotent=self.idempotent[c]
            )
            self.deadlines[c] = deadline
            self.tried[c], self.waited[c] = 1, None
            self.network.add(c)
            self.claims["what is left of the deadline is passed on"] = self.requests[c].timeout_ms(
                self.now
            ) == (after if after is None else max(0, after))
            yield self.event("send", client=c)

    def time_out(self, c: int) -> Iterable[Event]:
        """A client has waited for long enough."""
        return self.fail(c, list(Failure).index(Failure.TIMED_OUT), 0)

    def push_back(self, c: int, n: int) -> Iterable[Event]:
        """The server says when to try again."""
        return self.fail(c, list(Failure).index(Failure.OVERLOADED), 0, PUSHBACKS[n])

    def fail(self, c: int, n: int, drawn: int, pushback: str | None = None) -> Iterable[Event]:
        """An attempt of a client fails, which then tries again or not."""
        if c not in self.requests or c in self.done or c in self.over:
            return
        failure = list(Failure)[n]
        self.now += 1
        expected = self.expected(c, failure, drawn, pushback)
        told = self.requests[c].failed(self.now, failure, lambda of: drawn % of, pushback)
        right = isinstance(told, GiveUp) if isinstance(expected, str) else told == TryAgain(expected)
        self.claims["it is tried again when it may be, and after so long"] = right
        deadline = self.deadlines[c]
        left = None if deadline is None else max(0, deadline - self.now)
        self.claims["what is left of the deadline is passed on"] = (
            self.requests[c].timeout_ms(self.now) == left
        )
        if isinstance(told, GiveUp) or isinstance(expected, str):
            self.over.add(c)
            yield self.event("give_up", client=c, why=str(expected))
        elif not self.budget.retry(self.now):
            self.over.add(c)
            yield self.event("give_up", client=c, why="budget")
        else:
            self.tried[c] += 1
            self.waited[c] = told.after_ms
            self.network.add(c)
            yield self.event("retry", client=c)

    def keep_failing(self, c: int, drawn: int, pushed: int) -> Iterable[Event]:
        """A request is sent, and fails, perhaps with a word about when to come again, and fails once more."""
        yield from self.send(c)
        if pushed:
            yield from self.push_back(c, 0)
        for i in range(3):
            yield from self.fail(c, list(Failure).index(Failure.NOT_SENT), drawn + 7 * i)

    def push_to_the_end(self, c: int) -> Iterable[Event]:
        """The server says to come again at the very end of the deadline, which is too late by then, or just before it."""
        yield from self.send(c)
        deadline = self.deadlines[c]
        if deadline is not None and deadline - self.now - 1 > 0:
            after = str(deadline - self.now - 1 - self.now % 2)
            yield from self.fail(c, list(Failure).index(Failure.OVERLOADED), 0, after)

    def wait(self, c: int, by: int) -> Iterable[Event]:
        """Time goes by, and less is left of the deadline."""
        self.now += by
        if c in self.requests:
            deadline = self.deadlines[c]
            left = None if deadline is None else max(0, deadline - self.now)
            self.claims["what is left of the deadline is passed on"] = (
                self.requests[c].timeout_ms(self.now) == left
            )
            yield self.event("look")

    def expected(self, c: int, failure: Failure, drawn: int, pushback: str | None) -> int | str:
        """After how many ms it is to be tried again, or why it is not."""
        if failure is Failure.FATAL:
            return "fatal"
        if failure in (Failure.UNAVAILABLE, Failure.TIMED_OUT) and not self.idempotent[c]:
            return "it may have been executed"
        if self.tried[c] >= min(self.attempts, 5):
            return "attempts"
        if pushback is None:
            after = self.backoff(c, drawn)
        else:
            digits = pushback.isascii() and pushback.isdigit()
            if not digits or len(pushback) > 20 or int(pushback) > 3_600_000:
                return NEVER
            after = int(pushback)
        deadline = self.deadlines[c]
        return "time" if deadline is not None and self.now + after >= deadline else after

    def backoff(self, c: int, drawn: int) -> int:
        """The time to wait, by its formula."""
        t: int = min(self.cap, self.base * self.multiplier ** (self.tried[c] - 1))
        last = self.waited[c]
        match self.jitter:
            case Jitter.NONE:
                return t
            case Jitter.FULL:
                return drawn % (t + 1)
            case Jitter.EQUAL:
                return t // 2 + drawn % (t - t // 2 + 1)
            case Jitter.DECORRELATED:
                most = 3 * (self.base if last is None else last)
                return min(self.cap, self.base + drawn % (max(0, most - self.base) + 1))
        return (8 * t + drawn % (4 * t + 1)) // 10

    def execute(self, c: int) -> Iterable[Event]:
        """A request arrives, and is executed unless its session says that it has been."""
        if c in self.network:
            machine = self.server.machine
            assert isinstance(machine, CountingKeyValue)
            before = Counter(machine.executed)
            answer = self.server.apply(Command(f"c{c}", 1, payload(c)))
            self.executed += machine.executed - before
            self.replies.add(c)
            self.claims["an answer is that of the first time"] = answer == b""
            yield self.event("execute", client=c)

    def lose_request(self, c: int) -> Iterable[Event]:
        """The network loses a request."""
        if c in self.network:
            self.network.discard(c)
            yield self.event("lose_request", client=c)

    def lose_reply(self, c: int) -> Iterable[Event]:
        """The network loses an answer."""
        if c in self.replies:
            self.replies.discard(c)
            yield self.event("lose_reply", client=c)

    def learn(self, c: int) -> Iterable[Event]:
        """A client has its answer."""
        if c in self.replies:
            self.done.add(c)
            yield self.event("learn", client=c)

    def again(self, c: int, crashes: int) -> Iterable[Event]:
        """A request arrives, its answer does not, the server may crash, and the request comes again."""
        yield from self.send(c)
        yield from self.execute(c)
        yield from self.lose_reply(c)
        if crashes:
            yield from self.crash(0)
        yield from self.time_out(c)
        yield from self.execute(c)

    def crash(self, often: int) -> Iterable[Event]:
        """The server starts anew from its snapshot, now and then."""
        if often:
            return
        table, snapshot = self.server.table(), self.server.machine.snapshot()
        self.server = Sessions(CountingKeyValue())
        self.server.restore(table, snapshot)
        self.network.clear()
        self.replies.clear()
        yield self.event("crash")


def payload(c: int) -> bytes:
    """What a client asks for; the value before is the empty text, unless it was executed already."""
    return b"put x%d y" % c


# Overload


class OverloadBinding(PolicyBinding):
    """A tick is a step; outages begin and end."""

    def __init__(self, settings: Mapping[str, int]) -> None:
        self._settings = dict(settings)

    def model(self) -> overloads.Overload:
        """At the settings of the subject."""
        return overloads.Overload(**self._settings)

    def on_tick(self) -> Steps:
        """Time goes by."""
        return do("tick")

    def on_fail(self) -> Steps:
        """An outage begins."""
        return do("fail")

    def on_mend(self) -> Steps:
        """It ends."""
        return do("mend")

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one service
        """What waits, and who would try again."""
        return {("queue",): variables["queue"], ("unhappy",): variables["unhappy"]}


class OverloadSubject(Subject):
    """A service with a queue, whose clients ask `Budget` before each retry."""

    TICK_MS = 1_000
    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {"tick": (6,), "fail": (), "mend": ()}

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        load, reserve = random.randint(1, 5), random.randint(0, 2)
        percent = random.choice((20, 50)) if reserve == 0 else random.choice((0, 20, 50))
        budget = reserve + load * percent // 100
        capacity = load + budget + 1 + random.randint(0, 2)
        room = random.randint(capacity, 40)
        self.make(capacity, load, 1, budget, room, 20, 100, reserve, percent)

    def make(
        self,
        capacity: int,
        load: int,
        patience: int,
        budget: int,
        room: int,
        clients: int,
        outages: int,
        reserve: int,
        percent: int,
    ) -> None:
        """With these settings."""
        self.settings = {
            "capacity": capacity,
            "load": load,
            "patience": patience,
            "budget": budget,
            "room": room,
            "clients": clients,
            "outages": outages,
        }
        self.budget = Budget(percent, reserve, self.TICK_MS)
        self.now = self.queue = self.unhappy = 0
        self.outage = False
        self.outages = outages

    def binding(self) -> OverloadBinding:
        """See Subject."""
        return OverloadBinding(self.settings)

    def seen(self) -> Mapping[str, Any]:
        """What waits, and who would try again."""
        return {"queue": self.queue, "unhappy": self.unhappy}

    def tick(self, count: int = 0) -> Iterable[Event]:
        """New requests come in, and retries that the budget lets through; the server does what it can."""
        for _ in range(count + 1):
            at = self.settings
            self.now += self.TICK_MS
            for _ in range(at["load"]):
                self.budget.request(self.now)
            again = 0
            for _ in range(self.unhappy):
                again += self.budget.retry(self.now)
            served = 0 if self.outage else min(self.queue, at["capacity"])
            late = served if self.queue > at["patience"] * at["capacity"] else 0
            waiting = self.queue - served + at["load"] + again
            refused = max(0, waiting - at["room"])
            self.queue = waiting - refused
            self.unhappy = min(at["clients"], late + refused)
            yield self.event("tick")

    def fail(self) -> Iterable[Event]:
        """An outage begins."""
        if not self.outage and self.outages:
            self.outage = True
            self.outages -= 1
            yield self.event("fail")

    def mend(self) -> Iterable[Event]:
        """It ends."""
        if self.outage:
            self.outage = False
            yield self.event("mend")

    def take(self, action: str, *arguments: Any) -> None:  # noqa: ARG002 - there are none
        """See Subject."""
        tuple(getattr(self, action)())


class OverloadSmall(OverloadSubject):
    """The settings of the model itself, to be driven along its graph."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.make(4, 2, 1, 1, 12, 20, 1, 1, 0)


def overload_graph() -> tuple[Model, Subject]:
    """The model's own settings."""
    return overloads.Overload(), OverloadSmall()
