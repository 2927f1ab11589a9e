"""A session held to its models: what comes again on a new connection, and leases that run out on both sides.

The server and the connection are the subject's own, one message at a time; what is held is what the session makes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Claim, Event, Names, Observed
from ratified.follow.steps import Steps, do
from ratified.impl.services.recovery import Session
from ratified.language import Map, Model, Seq, Set
from ratified.models.services import reattachment as models

NAN: Any = float("nan")
KEY, QUIET = "key", "quiet"


class ReattachedBinding(PolicyBinding):
    """All is a step of the model."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = dict(limits)

    def model(self) -> models.Reattached:
        """At the limits of the subject."""
        return models.Reattached(**self._limits)

    def on_step(self, name: str, values: Mapping[str, int]) -> Steps:
        """A step of its name."""
        return do(name, **values)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """What the application was told, what the session knows, and what is on the way."""
        return {
            ("told",): Seq(variables["told"]),
            ("serial",): variables["serial"],
            ("waits",): variables["waits"],
            ("sent",): variables["sent"],
            ("asking",): Set(variables["asking"]),
            ("executed",): variables["executed"],
            **{(Claim(claim),): holds for claim, holds in variables["claims"].items()},
        }


class ReattachedSubject(Subject):
    """`Session` between an application, and a server that a connection leads to or does not."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "happen": (3,),
        "send": (3,),
        "go_back": (30,),
        "receive": (3,),
        "repeat": (30,),
        "ask": (),
        "execute": (),
        "answer": (),
        "break_off": (),
        "reattach": (),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.make(revisions=30, room=1 + number % 4, requests=20)

    def make(self, **limits: int) -> None:
        """With so many events and requests."""
        self.limits = limits
        self.session = Session("client")
        self.session.watch(KEY)
        self.session.watch(QUIET)
        self.connected = False
        self.now = self.revision = self.sent = self.asked = self.last = self.executed = 0
        self.events: list[int] = []
        self.told: list[int] = []
        self.asking: list[int] = []
        self.answers: list[int] = []
        self.claims: dict[str, bool] = {}

    def binding(self) -> ReattachedBinding:
        """See Subject."""
        return ReattachedBinding(self.limits)

    def seen(self) -> Mapping[str, Any]:
        """What can be seen of the session and of the server."""
        claims, self.claims = self.claims, {}
        session = self.session
        return {
            "told": tuple(self.told),
            "serial": session.serial,
            "waits": bool(session.unanswered),
            "sent": self.sent,
            "asking": tuple(self.asking),
            "executed": self.executed,
            "claims": claims,
        }

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: revisions, numbers and times that are none, and a clock that goes back."""
        session, before = self.session, self.now - 1
        late: list[tuple[Callable[[], object], str]] = [
            (lambda: session.reattach(before), "the clock went back"),
            (lambda: session.lost(before), "the clock went back"),
        ]
        return [
            *(late if self.now else []),
            (lambda: session.reattach(NAN), "the time is a whole number"),
            (lambda: session.seen(KEY, NAN), "revision is a whole number"),
            (lambda: session.seen(KEY, 0), "a revision is 1 or more, not 0"),
            (lambda: session.seen(KEY, "9"), "revision is a whole number"),  # type: ignore[arg-type]  # that is what is wrong
            (lambda: session.answered(NAN), "number is a whole number"),
            (lambda: session.watch("other", NAN), "after is a whole number"),
            (lambda: session.watch("other", -1), "a watch starts after revision 0 or later, not -1"),
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: Session("c").seen(KEY, 1)]

    def step(self, name: str, **values: int) -> Event:
        """A step of the model."""
        return self.event("step", name=name, values=values)

    def happen(self, more: int = 0) -> Iterable[Event]:
        """Something happens at the server."""
        for _ in range(more + 1):
            if self.revision < self.limits["revisions"]:
                self.revision += 1
                yield self.step("happen")

    def send(self, more: int = 0) -> Iterable[Event]:
        """The server sends the next events."""
        for _ in range(more + 1):
            if self.connected and self.sent < self.revision and len(self.events) < self.limits["room"]:
                self.sent += 1
                self.events.append(self.sent)
                yield self.step("send")

    def go_back(self, to: int) -> Iterable[Event]:
        """The server will send again what it has sent."""
        if self.connected and to < self.sent:
            self.sent = to
            yield self.step("go_back", to=to)

    def receive(self, more: int = 0) -> Iterable[Event]:
        """Events come in."""
        for _ in range(min(more + 1, len(self.events))):
            revision = self.events.pop(0)
            if self.session.seen(KEY, revision):
                self.told.append(revision)
            yield self.step("receive")

    def repeat(self, to: int) -> Iterable[Event]:
        """Something happens, comes in, and comes in once more with what was before it."""
        yield from self.happen()
        for _ in range(2):
            while self.connected and (self.events or self.sent < self.revision):
                yield from self.send()
                yield from self.receive()
            yield from self.go_back(to % max(1, self.sent))

    def ask(self) -> Iterable[Event]:
        """The application makes a request."""
        if not self.session.unanswered and self.asked < self.limits["requests"]:
            self.asked += 1
            number = self.session.begin()
            if self.connected:
                self.asking.append(number)
            yield self.step("ask")

    def execute(self, number: int | None = None) -> Iterable[Event]:
        """A request comes to the server."""
        if self.asking:
            asked = self.asking[0] if number is None else number
            self.asking.remove(asked)
            if asked > self.last:
                self.last = asked
                self.executed += 1
            self.answers.append(asked)
            yield self.step("execute", number=asked)

    def answer(self, number: int | None = None) -> Iterable[Event]:
        """An answer comes to the client, which does not take it twice."""
        if self.answers:
            answered = self.answers[0] if number is None else number
            self.answers.remove(answered)
            due = answered in self.session.unanswered
            self.claims["an answer is one to who waits"] = self.session.answered(answered) == due
            self.claims["an answer counts once"] = not self.session.answered(answered)
            yield self.step("answer", number=answered)

    def break_off(self) -> Iterable[Event]:
        """The connection breaks."""
        if self.connected:
            self.connected = False
            self.events, self.asking, self.answers = [], [], []
            yield self.step("break_off")

    def reattach(self) -> Iterable[Event]:
        """There is a new connection."""
        if not self.connected:
            self.connected = True
            self.now += 1
            again = self.session.reattach(self.now)
            self.sent = (
                again.watches.get(KEY, self.revision + 1) - 1
            )  # who names no revision gets what is new
            self.asking = list(again.requests)
            self.claims["a watch that saw nothing goes on too"] = again.watches.get(QUIET) == 1
            yield self.step("reattach")

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        tuple(getattr(self, action)(*map(int, arguments)))


class ReattachedSmall(ReattachedSubject):
    """The model's own limits, to be driven along its graph."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.make(revisions=2, room=1, requests=2)


def reattached_graph() -> tuple[Model, Subject]:
    """Two events, two requests."""
    return models.Reattached(), ReattachedSmall()


# Leases

TICK_MS = 1_000
LEASES = ("l1", "l2", "l3")


class LeasesBinding(PolicyBinding):
    """All is a step of the model."""

    def __init__(self, leases: int, length: int) -> None:
        self._length = length
        self.lease = Names(models.Lease, leases, LEASES[:leases])

    def model(self) -> models.KeptLeases:
        """With as many leases."""
        return models.KeptLeases(Lease=len(self.lease.known()), length=self._length)

    def on_step(self, name: str) -> Steps:
        """A step of its name."""
        return do(name)

    def on_message(self, name: str, lease: str) -> Steps:
        """A step with a lease."""
        return do(name, lease=self.lease(lease))

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """What the client has, for how long, what it was told is lost, and what it asks for."""
        kinds = ("believed", "told", "asking")
        return {
            ("had",): Set(self.lease(name) for name in variables["had"]),
            **{(kind,): Map({self.lease(n): v for n, v in variables[kind].items()}) for kind in kinds},
            **{(Claim(claim),): holds for claim, holds in variables["claims"].items()},
        }


class LeasesSubject(Subject):
    """`Session` and its leases, with a server that counts the time itself."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "renew": (len(LEASES),),
        "extend": (len(LEASES),),
        "renewed": (len(LEASES),),
        "renew_slowly": (len(LEASES), 6),
        "lose": (),
        "break_off": (),
        "reattach": (),
        "tick": (),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        self.make(random.randint(1, len(LEASES)), random.randint(1, 5))

    def make(self, leases: int, length: int) -> None:
        """With so many leases of so many ticks."""
        self.length, self.now, self.connected = length, 0, True
        self.names = LEASES[:leases]
        self.session = Session("client")
        for n in range(leases):
            self.session.granted(n, 0, length * TICK_MS)
        self.ends = dict.fromkeys(range(leases), length * TICK_MS)  # at the server
        self.asked: dict[int, int] = {}  # on the way to the server: when it was asked
        self.answers: dict[int, int] = {}  # on the way back
        self.told = dict.fromkeys(range(leases), 0)
        self.claims: dict[str, bool] = {}

    def binding(self) -> LeasesBinding:
        """See Subject."""
        return LeasesBinding(len(self.names), self.length)

    def seen(self) -> Mapping[str, Any]:
        """What the client has, and for how long."""
        claims, self.claims = self.claims, {}
        session, numbers = self.session, range(len(self.names))
        ticks = {n: max(0, session.leases.get(n, 0) - self.now) // TICK_MS for n in numbers}
        claims["a lease runs while it has time left"] = all(
            session.holds(n, self.now) == (left > 0) for n, left in ticks.items()
        )
        claims["a lease that is none does not run"] = not session.holds(99, self.now)
        return {
            "had": [self.names[n] for n in session.leases],
            "believed": {self.names[n]: left for n, left in ticks.items()},
            "told": {self.names[n]: min(2, times) for n, times in self.told.items()},
            "asking": {self.names[n]: n in self.asked for n in numbers},
            "claims": claims,
        }

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: leases and times that are none, and a clock that goes back."""
        session, before = self.session, self.now - 1
        late: list[tuple[Callable[[], object], str]] = [
            (lambda: session.holds(0, before), "the clock went back"),
            (lambda: session.lost(before), "the clock went back"),
            (lambda: session.reattach(before), "the clock went back"),
        ]
        kept = min(session.leases, default=None)
        held: list[tuple[Callable[[], object], str]] = [
            (lambda: session.renewed(kept or 0, 0, 0), "a lease lasts 1 ms or more, not 0"),
            (lambda: session.renewed(kept or 0, 0, NAN), "lasts_ms is a whole number"),
        ]
        return [
            *(late if self.now else []),
            *(held if kept is not None else []),
            (lambda: session.granted(9, 0, 0), "a lease lasts 1 ms or more, not 0"),
            (lambda: session.granted(9, NAN, 1), "asked_ms is a whole number"),
            (lambda: session.granted(NAN, 0, 1), "lease is a whole number"),
            (lambda: session.renewed(NAN, 0, 1), "lease is a whole number"),
            (lambda: session.holds(NAN, 0), "lease is a whole number"),
            (lambda: session.holds(0, NAN), "the time is a whole number"),
            (lambda: session.lost(NAN), "the time is a whole number"),
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""

        def least() -> bool:
            session = Session("c")
            session.granted(1, 0, 1)
            return session.holds(1, 0)

        return [least]

    def renew(self, n: int) -> Iterable[Event]:
        """The client asks for more time."""
        if self.connected and n in self.session.leases and n not in self.asked and n not in self.answers:
            self.asked[n] = self.now
            yield self.event("message", name="renew", lease=self.names[n])

    def extend(self, n: int) -> Iterable[Event]:
        """The server renews a lease that runs."""
        if n in self.asked:
            asked = self.asked.pop(n)
            if self.now < self.ends[n]:
                self.ends[n] = self.now + self.length * TICK_MS
                self.answers[n] = asked
            yield self.event("message", name="extend", lease=self.names[n])

    def renewed(self, n: int) -> Iterable[Event]:
        """The client hears of it."""
        if n in self.answers:
            asked, had = self.answers.pop(n), n in self.session.leases
            told = self.session.renewed(n, asked, self.length * TICK_MS)
            self.claims["it is told whether it still has it"] = told == had
            yield self.event("message", name="renewed", lease=self.names[n])

    def renew_slowly(self, n: int, ticks: int) -> Iterable[Event]:
        """All of that, while time goes by, and perhaps until it is too late."""
        yield from self.renew(n)
        yield from self.extend(n)
        for _ in range(ticks):
            yield from self.tick()
        yield from self.lose()
        yield from self.renewed(n)

    def lose(self) -> Iterable[Event]:
        """The client looks what is over."""
        lost = self.session.lost(self.now)
        for n in lost:
            self.told[n] += 1
        if lost:
            yield self.event("step", name="lose")

    def break_off(self) -> Iterable[Event]:
        """The connection breaks."""
        if self.connected:
            self.connected = False
            self.asked, self.answers = {}, {}
            yield self.event("step", name="break_off")

    def reattach(self) -> Iterable[Event]:
        """There is a new connection."""
        if not self.connected:
            self.connected = True
            again = self.session.reattach(self.now)
            for n in again.lost:
                self.told[n] += 1
            self.asked = dict.fromkeys(again.renew, self.now)
            yield self.event("step", name="reattach")

    def tick(self) -> Iterable[Event]:
        """Time goes by."""
        self.now += TICK_MS
        yield self.event("step", name="tick")

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        tuple(getattr(self, action)(*map(int, arguments)))


class OneLease(LeasesSubject):
    """One lease of two ticks, to be driven along the model's graph."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.make(1, 2)


def leases_graph() -> tuple[Model, Subject]:
    """One lease."""
    return models.KeptLeases(Lease=1), OneLease()
