"""The store's keys, transactions and compaction held to their model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Event, Names, Observed
from ratified.follow.steps import Steps, do
from ratified.impl.store.store import Store
from ratified.impl.store.values import (
    Command,
    Compact,
    Compare,
    Delete,
    Found,
    HasChosen,
    Put,
    Range,
    Refused,
    Relation,
    Target,
    Txn,
)
from ratified.language import Map, Seq
from ratified.models.etcd.keys import Key, Keys

CHANGES = 12
NAMES = ("a", "b", "c")
ALL = b"\0"


class KeysBinding(PolicyBinding):
    """All is a step of the model; what the store refuses is none."""

    def __init__(self) -> None:
        self.key = Names(Key, len(NAMES), NAMES)

    def model(self) -> Keys:
        """With three keys."""
        return Keys(Key=len(NAMES), changes=CHANGES)

    def on_step(self, name: str, keys: Mapping[str, str]) -> Steps:
        """A step of its name."""
        return do(name, **{word: self.key(key) for word, key in keys.items()})

    def on_compact(self, to: int) -> Steps:
        """The history is forgotten."""
        return do("compact", to=to)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """What is there, and what is kept."""
        maps = {
            (kind,): Map({self.key(name): n for name, n in variables[kind].items()})
            for kind in ("created", "modified", "version")
        }
        kept = Seq([Map({self.key(k): n for k, n in each.items()}) for each in variables["kept"]])
        return {
            **maps,
            ("kept",): kept,
            ("revision",): variables["revision"],
            ("compacted",): variables["compacted"],
        }


class KeysSubject(Subject):
    """`Store`, by its operations and its reads at every revision; now and then it is restored from its snapshot."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "put": (3,),
        "delete": (3,),
        "swap": (3, 2),
        "compact": (CHANGES,),
        "restore": (),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.store = Store()

    def binding(self) -> KeysBinding:
        """See Subject."""
        return KeysBinding()

    def read(self, revision: int) -> Mapping[str, tuple[int, int, int]]:
        """What is there at a revision: created, modified, version."""
        answer = self.store.ask(Range(ALL, ALL, revision=revision))
        if not isinstance(answer, Found):
            raise AssertionError(f"revision {revision} cannot be read: {answer}")
        there = {each.key.decode(): (each.created, each.modified, each.version) for each in answer.versions}
        return {name: there.get(name, (0, 0, 0)) for name in NAMES}

    def seen(self) -> Mapping[str, Any]:
        """What can be read, at each revision that is kept."""
        now = self.read(0)
        first, last = self.store.versions.compacted, self.store.revision
        kept = [
            {name: 0 if revision < first else self.read(revision)[name][2] for name in NAMES}
            for revision in range(1, last + 1)
        ]
        return {
            "created": {name: each[0] for name, each in now.items()},
            "modified": {name: each[1] for name, each in now.items()},
            "version": {name: each[2] for name, each in now.items()},
            "kept": kept,
            "revision": last,
            "compacted": first,
        }

    def has_room(self) -> bool:
        """Whether the model has another revision."""
        return self.store.revision <= CHANGES

    def execute(self, op: Command) -> Any:
        """Have the store do it."""
        answer = self.store.execute(op)
        if isinstance(answer, Refused):
            raise AssertionError(f"{op} is refused: {answer.problem}")
        return answer

    def put(self, key: int) -> Iterable[Event]:
        """Set a key."""
        if self.has_room():
            self.execute(Put(NAMES[key].encode(), b"v"))
            yield self.event("step", name="put", keys={"k": NAMES[key]})

    def delete(self, key: int) -> Iterable[Event]:
        """Delete a key, if it is there."""
        if self.has_room() and self.execute(Delete(NAMES[key].encode())).count:
            yield self.event("step", name="delete", keys={"k": NAMES[key]})

    def swap(self, key: int, other: int) -> Iterable[Event]:
        """Put two keys if the first is not there, else delete them."""
        if not self.has_room():
            return
        a, b = NAMES[key], NAMES[(key + 1 + other) % 3]
        first, second = a.encode(), b.encode()
        answer = self.execute(
            Txn(
                (Compare(first, Target.VERSION, Relation.EQUAL, 0),),
                (Put(first, b"v"), Put(second, b"v")),
                (Delete(first), Delete(second)),
            )
        )
        assert isinstance(answer, HasChosen)
        yield self.event("step", name="swap", keys={"a": a, "b": b})

    def compact(self, to: int) -> Iterable[Event]:
        """Forget."""
        revision = 1 + to
        if self.store.versions.compacted < revision <= self.store.revision:
            self.execute(Compact(revision))
            yield self.event("compact", to=revision)

    def restore(self) -> Iterable[Event]:
        """A node that was given a snapshot goes on."""
        store = Store()
        store.restore(self.store.snapshot())
        self.store = store
        yield self.event("wrong")  # nothing has changed
