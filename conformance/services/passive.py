"""nginx's passive checks held to their model. A tick is ten milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.conformance.services.tickets import TicketSubject
from ratified.follow.binding import Claim, Event, Observed
from ratified.follow.steps import Steps, change, do, either
from ratified.impl.services.health import Circuit
from ratified.impl.services.passive import MaxFails
from ratified.language import Model, require
from ratified.models.services import passive as models

TICK_MS = 10


class MaxFailsBinding(PolicyBinding):
    """Requests and answers are steps; so is a tick, until the rest is over."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = dict(limits)

    def model(self) -> models.MaxFails:
        """At the limits of the subject."""
        return models.MaxFails(**self._limits)

    def on_step(self, name: str) -> Steps:
        """A step of its name."""
        return do(name)

    def on_late_answer(self, ok: bool) -> Steps:
        """An answer that counts for nothing."""
        return do("late_answer", ok=ok)

    def on_refused(self) -> Steps:
        """A request is not let through, and that is right."""
        return change("it is refused", lambda m: require(m.is_out() and not m.rest_is_over()))

    def on_tick(self) -> Steps:
        """Time goes by, which nobody notices before the first failure and once the rest is over."""
        unnoticed = change("time goes by", lambda m: require(not m.failed or m.rest_is_over()))
        return either(do("tick"), unnoticed)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """Failures, and what the circuit is said to be."""
        claims = {(Claim(claim),): holds for claim, holds in variables["claims"].items()}
        return {("fails",): variables["fails"], **claims}


class MaxFailsSubject(TicketSubject):
    """`MaxFails` held to its model."""

    tick_ms = TICK_MS
    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "request": (4,),
        "answer": (100, 2),
        "fail_all": (),
        "late_answer": (100, 2),
        "tick": (),
        "rest": (),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        self.make(random.randint(1, 4), random.randint(0, 3))

    def make(self, most: int, timeout: int, room: int = 400) -> None:
        """With these limits."""
        self.limits = {"most": most, "timeout": timeout, "room": room}
        self.passive = MaxFails(most, timeout * TICK_MS)
        self.begin()
        self.checked: int | None = None  # the last failure, or the probe after it
        self.probed = False  # whether it was a probe

    def binding(self) -> MaxFailsBinding:
        """See Subject."""
        return MaxFailsBinding(self.limits)

    def seen(self) -> Mapping[str, Any]:
        """Failures; and that the circuit goes with them."""
        fails = self.passive.fails
        out = Circuit.HALF_OPEN if self.probed else Circuit.OPEN
        is_so = self.passive.circuit is (Circuit.CLOSED if fails < self.limits["most"] else out)
        return {"fails": fails, "claims": {"the circuit is that of its failures": is_so}}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: clocks that go back or are none, limits that are none."""
        passive, before, says = self.passive, self.told - 1, "it takes 1 failure or more, for 0 ms or more"
        nan: Any = float("nan")
        return [
            (lambda: passive.request(before), "the clock went back"),
            (lambda: passive.ended(0, before, ok=False), "the clock went back"),
            (lambda: passive.request(nan), "the time is a whole number"),
            (lambda: MaxFails(0), says),
            (lambda: MaxFails(1, -1), says),
            (lambda: MaxFails(nan), "fails is a whole number"),
            (lambda: MaxFails(1, nan), "timeout_ms is a whole number"),
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: MaxFails(1, 0)]

    def ended(self, ticket: int, *, ok: bool) -> None:
        """See TicketSubject."""
        self.passive.ended(ticket, self.now, ok=ok)

    def rest_is_over(self) -> bool:
        """Whether the last failure, or probe, was longer ago than the rest is."""
        return self.checked is not None and self.now - self.checked > self.limits["timeout"] * TICK_MS

    def request(self, count: int = 0) -> Iterable[Event]:
        """Requests are asked for."""
        for _ in range(count + 1):
            self.told = self.now
            ticket = self.passive.request(self.now)
            if ticket is None:
                yield self.event("refused")
                continue
            if self.rest_is_over():
                self.all_are_late()
                self.checked, self.probed = self.now, True
            self.waiting.append(ticket)
            yield self.event("step", name="request")

    def answer(self, n: int, ok: int) -> Iterable[Event]:
        """A request that counts ends."""
        if self.waiting:
            self.taken(self.waiting, n, ok)
            if not ok:
                self.checked, self.probed = self.now, False
                if self.passive.fails == self.limits["most"]:
                    self.all_are_late()
            yield self.event("step", name="succeed" if ok else "fail")

    def rest(self) -> Iterable[Event]:
        """Until the rest is over."""
        for _ in range(self.limits["timeout"] + 1):
            yield from self.tick()

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        match action:
            case "succeed" | "fail":
                tuple(self.answer(0, action == "succeed"))
            case "late_answer":
                tuple(self.late_answer(0, int(arguments[0])))
            case _:
                tuple(getattr(self, action)())


class MaxFailsSmall(MaxFailsSubject):
    """The model's own limits, to be driven along its graph."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.make(2, 1, 3)


def max_fails_graph() -> tuple[Model, Subject]:
    """Two failures, three requests."""
    return models.MaxFails(), MaxFailsSmall()
