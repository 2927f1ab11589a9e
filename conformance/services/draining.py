"""Draining held to its model. What is on the way to each node the subject counts: it is told to the policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Event, Names, Observed
from ratified.follow.steps import Steps, change, do
from ratified.impl.services.health import Draining
from ratified.language import Model, Set, require
from ratified.models.services import draining as models

NAMES = ("a", "b", "c")
MOST, LONGEST = 200, 30


class DrainingBinding(PolicyBinding):
    """Requests are steps, and so is whoever goes; nobody is kept that may go."""

    def __init__(self, names: Sequence[str], most: int, longest: int) -> None:
        self._most, self._longest = most, longest
        self.node = Names(models.Node, len(names), names)

    def model(self) -> models.Draining:
        """With as many nodes."""
        return models.Draining(Node=len(self.node.known()), most=self._most, longest=self._longest)

    def on_pick(self, name: str) -> Steps:
        """A request is sent."""
        return do("pick", n=self.node(name))

    def on_end(self, name: str) -> Steps:
        """It ends."""
        return do("end", n=self.node(name))

    def on_drain(self, name: str, ticks: int) -> Steps:
        """One is to go."""
        return do("drain", n=self.node(name), ticks=ticks)

    def on_come(self, name: str) -> Steps:
        """One is there again."""
        return do("come", n=self.node(name))

    def on_tick(self) -> Steps:
        """Time goes by."""
        return do("tick")

    def on_gone(self, names: list[str]) -> Steps:
        """Who is gone now."""
        nobody = change("nobody is kept", lambda m: require(not any(m.may_go(n) for n in m.draining)))
        return (*(do("go", n=self.node(name)) for name in names), nobody)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """Who drains, and who is gone."""
        return {
            ("draining",): Set(self.node(name) for name in variables["draining"]),
            ("gone",): Set(self.node(name) for name in variables["gone"]),
        }


class DrainingSubject(Subject):
    """`Draining` held to its model."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "pick": (len(NAMES),),
        "end": (len(NAMES),),
        "drain": (len(NAMES), LONGEST),
        "tick": (8,),
        "go": (),
        "come": (len(NAMES),),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.make(NAMES, MOST, LONGEST)

    def make(self, names: tuple[str, ...], most: int, longest: int) -> None:
        """With these nodes and limits."""
        self.names, self.limits = names, (most, longest)
        self.draining = Draining()
        self.outstanding: dict[str, int] = {}
        self.gone: set[str] = set()
        self.now = 0

    def binding(self) -> DrainingBinding:
        """See Subject."""
        return DrainingBinding(self.names, *self.limits)

    def seen(self) -> Mapping[str, Any]:
        """Who drains, and who is gone."""
        return {"draining": sorted(self.draining.draining), "gone": sorted(self.gone)}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: clocks that go back or are none, times that are none."""
        made, told, nan = self.draining, self.draining._moments.now_ms, float("nan")
        return [
            (lambda: made.drain("z", told - 1, 5), "the clock went back"),
            (lambda: made.gone(told - 1, {}), "the clock went back"),
            (lambda: made.gone(nan, {}), "the time is a whole number"),  # type: ignore[arg-type]  # that is what is wrong
            (lambda: made.drain("z", told, -1), "draining takes 0 ms or more, not -1"),
            (lambda: made.drain("z", told, nan), "longest_ms is a whole number"),  # type: ignore[arg-type]  # likewise
        ]

    def named(self, n: int) -> str:
        """A node by its number."""
        return self.names[n % len(self.names)]

    def pick(self, n: int) -> Iterable[Event]:
        """A request goes to a node, if the policy lets it."""
        name = self.named(n)
        if name not in self.draining.draining | self.gone:
            self.outstanding[name] = self.outstanding.get(name, 0) + 1
            yield self.event("pick", name=name)

    def end(self, n: int) -> Iterable[Event]:
        """A request ends."""
        name = self.named(n)
        if self.outstanding.get(name):
            self.outstanding[name] -= 1
            yield self.event("end", name=name)

    def drain(self, n: int, ticks: int) -> Iterable[Event]:
        """One is to go, once more perhaps."""
        name = self.named(n)
        if name not in self.gone:
            self.draining.drain(name, self.now, ticks)
            yield self.event("drain", name=name, ticks=ticks)

    def tick(self, more: int = 0) -> Iterable[Event]:
        """Time goes by."""
        for _ in range(more + 1):
            self.now += 1
            yield self.event("tick")

    def go(self) -> Iterable[Event]:
        """Some are gone now."""
        found = sorted(self.draining.gone(self.now, self.outstanding))
        for name in found:
            self.gone.add(name)
            self.outstanding[name] = 0
        yield self.event("gone", names=found)

    def come(self, n: int) -> Iterable[Event]:
        """One that was gone is there again."""
        if self.named(n) in self.gone:
            self.gone.discard(self.named(n))
            yield self.event("come", name=self.named(n))

    def take(self, action: str, *arguments: Any) -> None:
        """See Subject."""
        if action == "go":
            tuple(self.go())
        else:
            tuple(getattr(self, action)(*map(int, arguments)))


class DrainingOne(DrainingSubject):
    """One node, to be driven along the graph of the model."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.make(NAMES[:1], 2, 2)


def draining_graph() -> tuple[Model, Subject]:
    """One node: of two that may go, both would."""
    return models.Draining(Node=1), DrainingOne()
