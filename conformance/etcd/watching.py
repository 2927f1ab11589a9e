"""Watches held to their model: what a node tells, and what a client makes of it, from one node to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Event, Observed
from ratified.follow.steps import Steps, do
from ratified.impl.client.aio import news
from ratified.impl.etcd import convert
from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd.watches import Hub, Over, Stream, Watch
from ratified.impl.services.recovery import Session
from ratified.impl.store.store import Store
from ratified.impl.store.values import Command, Compact, Delete, Put
from ratified.language import Seq
from ratified.models.etcd.watching import Watching

REVISIONS = 12
KEY, OTHER = b"watched", b"other"


class WatchingBinding(PolicyBinding):
    """All is a step of the model. The store's revision is 1 before anything has happened, the model's is 0."""

    def __init__(self, piece: int) -> None:
        self._piece = piece

    def model(self) -> Watching:
        """With the pieces of the subject."""
        return Watching(revisions=REVISIONS, piece=self._piece)

    def on_step(self, name: str, values: Mapping[str, Any]) -> Steps:
        """A step of its name."""
        return do(name, **values)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one at a time
        """What the node knows of the watch, and what the client was told."""
        names = ("applied", "compacted", "next", "behind", "asked", "over", "place")
        return {("told",): Seq(variables["told"]), **{(name,): variables[name] for name in names}}


class WatchingSubject(Subject):
    """`Hub` and `Stream` over a `Store` that applies a log, and the client's reading of what they tell."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "change": (3,),
        "apply": (3,),
        "compact": (REVISIONS,),
        "ask": (),
        "tell": (),
        "catch_up": (2,),
        "reattach": (REVISIONS,),
        "forget_all": (2,),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.piece = 1 + number % 3
        self.log: list[Command] = []
        self.done = 0  # how many entries of the log the node has applied
        self.forgot_at = 0
        self.over = False
        self.told: list[int] = []
        self.place = Session("watch")
        self.place.watch("", 1)
        self.attach(Store())

    def attach(self, store: Store) -> None:
        """Watch at a node."""
        self.store = store
        self.hub = Hub(lambda: store)
        self.stream = Stream(self.hub, self.piece)
        since = self.place.reattach(0).watches.get("", store.revision + 1)
        self.watch = Watch(0, KEY, b"", since)
        self.stream.add(self.watch)

    def binding(self) -> WatchingBinding:
        """See Subject."""
        return WatchingBinding(self.piece)

    def seen(self) -> Mapping[str, Any]:
        """What can be seen, in the model's revisions."""
        return {
            "applied": self.store.revision - 1,
            "compacted": max(0, self.store.versions.compacted - 1),
            "next": self.watch.next - 1,
            "behind": self.watch.behind,
            "asked": self.watch.asked,
            "over": self.over,
            "told": tuple(self.told),
            "place": self.place.watches[""] - 1,
        }

    def step(self, name: str, **values: Any) -> Event:
        """A step of the model."""
        return self.event("step", name=name, values=values)

    def revisions(self) -> int:
        """How many revisions the log has."""
        return sum(not isinstance(op, Compact) for op in self.log)

    def change(self, kind: int) -> Iterable[Event]:
        """Something happens: the key is put, or deleted if it is there; or another is put."""
        if self.revisions() == REVISIONS:
            return
        there = next((op for op in reversed(self.log) if getattr(op, "key", b"") == KEY), None)
        if kind == 0:
            self.log.append(Put(OTHER, b""))
        elif kind == 1 and isinstance(there, Put):
            self.log.append(Delete(KEY))
        else:
            self.log.append(Put(KEY, b""))
        yield self.step("change", concerns=kind > 0)

    def apply(self, more: int = 0) -> Iterable[Event]:
        """The node executes what comes next."""
        for _ in range(more + 1):
            if self.done < len(self.log):
                self.store.execute(self.log[self.done])
                self.done += 1
                self.hub.advance()
                yield self.step("apply")

    def compact(self, to: int) -> Iterable[Event]:
        """The history is forgotten."""
        revision = 2 + to
        if self.done == len(self.log) and self.store.versions.compacted < revision <= self.store.revision:
            self.log.append(Compact(revision))
            self.store.execute(self.log[-1])
            self.done += 1
            self.forgot_at = self.store.revision
            self.hub.advance()
            yield self.step("compact", to=revision - 1)

    def forget_all(self, kind: int) -> Iterable[Event]:
        """Something happens, and all before it is forgotten."""
        yield from self.change(1 + kind)
        yield from self.apply(REVISIONS)
        yield from self.compact(self.store.revision - 2)

    def ask(self) -> Iterable[Event]:
        """The client asks how far it is."""
        if not self.watch.asked and not self.over:
            self.watch.asked = True
            yield self.step("ask")

    def tell(self) -> Iterable[Event]:
        """The node tells a piece, and the client reads it."""
        if self.over:
            return
        piece = self.stream.look(self.watch)
        if isinstance(piece, Over):
            self.over = True
        elif piece is not None:
            (response,) = convert.watched(pb.ResponseHeader(revision=piece.revision), piece, 1 << 20)
            self.told += [event.revision - 1 for event in news(response, self.place)]
        yield self.step("take")

    def catch_up(self, ask: int) -> Iterable[Event]:
        """The node tells all that it knows."""
        if ask:
            yield from self.ask()
        yield from self.apply(REVISIONS)
        while self.watch.behind and not self.over:
            yield from self.tell()
        yield from self.tell()

    def reattach(self, at: int) -> Iterable[Event]:
        """The client goes on at a node that has applied another part of the log."""
        if self.over:
            return
        last = self.revisions() + 1
        applied = max(1, self.forgot_at) + at % (last - max(1, self.forgot_at) + 1)
        store = Store()
        self.done = 0
        for op in self.log:
            if store.revision == applied and not isinstance(op, Compact):
                break
            store.execute(op)
            self.done += 1
        self.attach(store)
        yield self.step("reattach", applied=applied - 1)
