"""Whom to ask held to its models: leader hints, and primaries by priority."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Event, Names, Observed
from ratified.follow.steps import Steps, change, do, either
from ratified.impl.services.endpoints import NoEndpointError
from ratified.impl.services.failover import LeaderHints, Priorities
from ratified.language import Model, require
from ratified.models.services import hints as hint_models
from ratified.models.services import priorities as priority_models

NAMES = ("a", "b", "c", "d")
TERMS = 7


class HintsBinding(PolicyBinding):
    """What is heard is a step; whom to ask is the leader, or one after the other."""

    def __init__(self, names: Sequence[str], terms: int) -> None:
        self._names, self._terms = tuple(names), terms
        self.node = Names(hint_models.Node, len(names), names)

    def model(self) -> hint_models.LeaderHints:
        """With so many terms, and the one before them."""
        return hint_models.LeaderHints(Node=len(self._names), Term=self._terms)

    def on_elect(self, term: int, name: str) -> Steps:
        """Somebody is elected."""
        return do("elect", t=hint_models.Term(term), n=self.node(name))

    def on_hear(self, term: int, name: str | None, news: bool) -> Steps:
        """Somebody says who leads, or that nobody does."""
        t = hint_models.Term(term)
        heard = do("hear", t=t, n=self.node(name)) if name else do("hear_of_none", t=t)

        def told(m: Any) -> None:
            require(news == (m.believes(t) if name else t > m.term))

        return (change("it is told whether that is news", told), heard)

    def on_fail(self, name: str) -> Steps:
        """The leader does not answer."""
        return do("fail", n=self.node(name))

    def on_nothing(self) -> Steps:
        """Somebody else does not answer."""
        return ()

    def on_ask(self, known: list[str], tried: list[str], name: str) -> Steps:
        """Whom to ask."""

        def asked(m: Any) -> None:
            left = [other for other in known if other not in tried]
            leader = [other for other in left if m.leader == self.node(other)]
            require(name == [*leader, *left][0])

        return change(f"{name} is asked", asked)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """The term, and who is believed to lead."""
        return {
            ("term",): hint_models.Term(variables["term"]),
            ("leader",): self.node.maybe(variables["leader"]),
        }


class HintsSubject(Subject):
    """`LeaderHints` held to its model."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "hear": (TERMS, len(NAMES)),
        "hear_of_none": (TERMS,),
        "fail": (len(NAMES),),
        "ask": (len(NAMES) + 1, 16),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.make(NAMES, TERMS)

    def make(self, names: tuple[str, ...], terms: int) -> None:
        """With these nodes, and so many terms."""
        self.names, self.terms = names, terms
        self.hints = LeaderHints()
        self.elected: dict[int, str] = {}

    def binding(self) -> HintsBinding:
        """See Subject."""
        return HintsBinding(self.names, self.terms)

    def seen(self) -> Mapping[str, Any]:
        """The term, and who is believed to lead."""
        return {"term": self.hints.term, "leader": self.hints.leader}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: terms that are none; nobody to ask."""
        hints, nan = self.hints, float("nan")
        return [
            (lambda: hints.heard(nan, "a"), "term is a whole number"),  # type: ignore[arg-type]  # that is what is wrong
            (lambda: hints.heard("9", None), "term is a whole number"),  # type: ignore[arg-type]  # likewise
            (lambda: hints.ask([]), "there are no endpoints"),
            (lambda: hints.ask(self.names, self.names), f"all {len(self.names)} were asked"),
        ]

    def elect(self, term: int, n: int) -> Iterable[Event]:
        """Somebody is elected, unless somebody was."""
        if 0 < term < self.terms and term not in self.elected:
            self.elected[term] = self.names[n % len(self.names)]
            yield self.event("elect", term=term, name=self.elected[term])

    def hear(self, term: int, n: int) -> Iterable[Event]:
        """Somebody says who leads in a term, which has a leader then."""
        yield from self.elect(term, n)
        if term in self.elected:
            news = self.hints.heard(term, self.elected[term])
            yield self.event("hear", term=term, name=self.elected[term], news=news)

    def hear_of_none(self, term: int) -> Iterable[Event]:
        """Somebody knows of no leader."""
        yield self.event("hear", term=term, name=None, news=self.hints.heard(term, None))

    def fail(self, n: int) -> Iterable[Event]:
        """One does not answer."""
        name, before = self.names[n % len(self.names)], self.hints.leader
        self.hints.failed(name)
        yield self.event("fail", name=name) if name == before else self.event("nothing")

    def ask(self, fewer: int, tried: int) -> Iterable[Event]:
        """Somebody is to be asked, of those that are known, and were not tried."""
        known = self.names[:fewer]
        were = [name for i, name in enumerate(self.names) if tried >> i & 1]
        try:
            name = self.hints.ask(known, were)
        except NoEndpointError:
            if set(known) - set(were):
                raise
        else:
            yield self.event("ask", known=[*known], tried=were, name=name)

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        tuple(getattr(self, action)(*map(int, arguments)))


class HintsPair(HintsSubject):
    """Two nodes and two terms, to be driven along the graph of the model."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.make(NAMES[:2], 3)


def hints_graph() -> tuple[Model, Subject]:
    """Two nodes and two terms."""
    return hint_models.LeaderHints(Node=2, Term=3), HintsPair()


# Primaries by priority

TICK_MS = 100


class PrioritiesBinding(PolicyBinding):
    """All is a step; failures that count no more are told by the subject, which knows when they were."""

    def __init__(self, names: Sequence[str], limits: Mapping[str, int]) -> None:
        self._limits = dict(limits)
        self.node = Names(priority_models.Node, len(names), names)

    def model(self) -> priority_models.Priorities:
        """With the limits of the subject."""
        return priority_models.Priorities(Node=len(self.node.known()), **self._limits)

    def on_come(self, name: str) -> Steps:
        """One is there."""
        return do("come", n=self.node(name))

    def on_fail(self, name: str, recent: int) -> Steps:
        """One fails, which has failed so often of late."""
        n = self.node(name)
        all_count = change("all failures count", lambda m: require(m.failures[n] == recent))
        return (either(all_count, do("forget", n=n, failures=recent)), do("fail", n=n))

    def on_leave(self, name: str) -> Steps:
        """It is not among them any more, which is no failure."""
        n = self.node(name)
        return change(f"{name} leaves", lambda m: m.there.discard(n))

    def on_tick(self) -> Steps:
        """Time goes by."""
        return do("tick")

    def on_ask(self, name: str | None) -> Steps:
        """Who is to lead."""
        if name is None:
            return change("nobody is there", lambda m: require(len(m.there) == 0))
        return do("ask", n=self.node(name))

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """Who was last asked to lead."""
        return {("leads",): self.node.maybe(variables["leads"])}

    def on_nothing(self) -> Steps:
        """What is said of one that is not among them, or is there already, or is not."""
        return ()


class PrioritiesSubject(Subject):
    """`Priorities` held to its model; its window is so many ticks."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "come": (len(NAMES),),
        "fail": (len(NAMES),),
        "flap": (len(NAMES), 4),
        "tick": (6,),
        "ask": (),
        "leave": (len(NAMES),),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        shortest = random.randint(1, 3)
        self.make(
            NAMES, random.randint(1, 3), random.randint(1, 4), shortest, shortest + random.randint(0, 5)
        )

    def make(self, names: tuple[str, ...], flaps: int, window: int, shortest: int, longest: int) -> None:
        """With these limits, in ticks."""
        self.names, self.window = names, window
        self.limits = {"flaps": flaps, "shortest": shortest, "longest": longest}
        self.order = Priorities(flaps, window * TICK_MS, shortest * TICK_MS, longest * TICK_MS)
        self.here = list(names)
        self.order.update(self.here)
        self.there: set[str] = set()
        self.leads: str | None = None
        self.failures: dict[str, list[int]] = {name: [] for name in names}
        self.now = 0

    def binding(self) -> PrioritiesBinding:
        """See Subject."""
        return PrioritiesBinding(self.names, self.limits)

    def seen(self) -> Mapping[str, Any]:
        """Who was last asked to lead."""
        return {"leads": self.leads}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: clocks that go back or are none, names that are there twice, limits that are none."""
        order, name, nan = self.order, self.names[0], float("nan")
        limits = "flaps, window and quarantine are at least 1, and the longest quarantine no shorter"
        told = order._moments.now_ms
        return [
            (lambda: order.up(name, told - 1), "the clock went back"),
            (lambda: order.down(name, told - 1), "the clock went back"),
            (lambda: order.primary(told - 1), "the clock went back"),
            (lambda: order.primary(nan), "the time is a whole number"),  # type: ignore[arg-type]  # that is what is wrong
            (lambda: order.update([name, name]), "a name is there twice"),
            (lambda: Priorities().primary(0), "there are no endpoints"),
            (lambda: Priorities(flaps=0), limits),
            (lambda: Priorities(window_ms=0), limits),
            (lambda: Priorities(quarantine_ms=0), limits),
            (lambda: Priorities(quarantine_ms=2, longest_ms=1), limits),
            (lambda: Priorities(nan), "flaps is a whole number"),  # type: ignore[arg-type]  # likewise
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: Priorities(1, 1, 1, 1), forgiven_at_once, long_row_of_quarantines]

    def come(self, n: int) -> Iterable[Event]:
        """One is there."""
        name = self.names[n % len(self.names)]
        self.order.up(name, self.now)
        if name in self.here and name not in self.there:
            self.there.add(name)
            yield self.event("come", name=name)
        else:
            yield self.event("nothing")

    def fail(self, n: int) -> Iterable[Event]:
        """One fails."""
        name = self.names[n % len(self.names)]
        self.order.down(name, self.now)
        if name not in self.there:
            yield self.event("nothing")
            return
        self.there.discard(name)
        failures = [t for t in self.failures[name] if t > self.now - self.window * TICK_MS]
        self.failures[name] = [*failures, self.now] if len(failures) + 1 < self.limits["flaps"] else []
        yield self.event("fail", name=name, recent=len(failures))

    def flap(self, n: int, times: int) -> Iterable[Event]:
        """One comes and fails, and comes again; others are there or not."""
        for _ in range(times + 1):
            yield from self.come(n)
            yield from self.ask()
            yield from self.fail(n)
        yield from self.come(n)
        yield from self.ask()

    def tick(self, more: int = 0) -> Iterable[Event]:
        """Time goes by."""
        for _ in range(more + 1):
            self.now += TICK_MS
            yield self.event("tick")

    def ask(self) -> Iterable[Event]:
        """Somebody asks who is to lead."""
        name: str | None = None
        try:
            name = self.leads = self.order.primary(self.now)
        except NoEndpointError as error:
            if str(error) != f"all {len(self.here)} are down":
                raise
        yield self.event("ask", name=name)

    def leave(self, n: int) -> Iterable[Event]:
        """One leaves, or is there again, down at first."""
        name = self.names[n % len(self.names)]
        if name not in self.here:
            self.here = [other for other in self.names if other in {*self.here, name}]
        elif len(self.here) > 1:
            self.here.remove(name)
            self.there.discard(name)
        self.order.update(self.here)
        yield self.event("leave", name=name) if name not in self.here else self.event("nothing")

    def impossible(self, state: Any, edge: Any) -> str | None:  # noqa: ARG002 - the step says it
        """Failures are forgotten by the window, of which the model has no clock."""
        return "what counts is settled by the window" if edge.action == "forget" else None

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        if action == "ask":
            tuple(self.ask())
        else:
            tuple(getattr(self, action)(*map(int, arguments)))


def forgiven_at_once() -> bool:
    """Once it has been out of quarantine for as long as the longest, the next is as short as the first; not before."""
    for late, again in ((1, 30), (0, 15)):
        order = Priorities(1, 1, 15, 100)
        order.update("ab")
        for name, now in (("a", 0), ("b", 0)):
            order.up(name, now)
        order.down("a", 1)  # until 16, and forgiven at 116
        order.up("a", 115)
        order.down("a", 116 - late)
        order.up("a", 116 - late)
        back = 116 - late + again
        if (order.primary(back - 1), order.primary(back)) != ("b", "a"):
            return False
    return True


def long_row_of_quarantines() -> bool:
    """Twice as long each time, however often: no number grows beyond reason."""
    order = Priorities(1, 1, 1, 1 << 40)
    order.update("a")
    for now in range(40):
        order.up("a", now)
        order.down("a", now)
    order.update("ab")
    order.up("a", 39)
    order.up("b", 39)
    return (order.primary(38 + (1 << 30)), order.primary(39 + (1 << 30))) == ("b", "a")


class PrioritiesPair(PrioritiesSubject):
    """Two nodes of which one failure is enough, to be driven along the graph of the model."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.make(NAMES[:2], 1, 1, 1, 2)


def priorities_graph() -> tuple[Model, Subject]:
    """Two nodes."""
    return priority_models.Priorities(Node=2, flaps=1), PrioritiesPair()
