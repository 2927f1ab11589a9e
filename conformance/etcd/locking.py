"""The client's `Lock` held to the model of locks: its line of keys in a store, who is told that it has it, and guarded writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.conformance.etcd.loop import end, loop, spin
from ratified.follow.binding import Event, Names, Observed
from ratified.follow.steps import Steps, do
from ratified.impl.client import aio
from ratified.impl.client.errors import LeaseLost
from ratified.impl.etcd import convert
from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd.settings import end_of_prefix
from ratified.impl.store.store import Store
from ratified.impl.store.values import Found, Grant, HasChosen, Range, Revoke
from ratified.language import Map, Set
from ratified.models.etcd.locks import Client, Locking, Write

CLIENTS = ("c1", "c2", "c3")
TOKENS = 8
LINE, GUARDED = b"door", b"guarded"


class LockingBinding(PolicyBinding):
    """All is a step of the model."""

    def __init__(self) -> None:
        self.client = Names(Client, len(CLIENTS), CLIENTS)

    def model(self) -> Locking:
        """With three clients."""
        return Locking(Client=len(CLIENTS), tokens=TOKENS)

    def on_step(self, name: str, client: str) -> Steps:
        """A step of a client."""
        return do(name, c=self.client(client))

    def on_store(self, client: str, token: int) -> Steps:
        """A write arrives."""
        return do("store", w=Write(self.client(client), token))

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one store
        """What is in the store, and what clients were told."""
        maps: Observed = {
            (kind,): Map({self.client(name): value for name, value in variables[kind].items()})
            for kind in ("line", "mine", "front", "holds")
        }
        writes = Set(Write(self.client(name), token) for name, token in variables["writes"])
        return {**maps, ("writes",): writes, ("accepted",): variables["accepted"]}


class _Lease:
    """A lease that is lost when the script says so, and its client may not know."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.lost = asyncio.Event()


class _Client:
    """What a lock asks of a client, answered by a store at once, but for the last look at its own key."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.looking: asyncio.Future[None] | None = None
        self.changed = asyncio.Event()

    async def txn(self, compare: Any, success: Any, failure: Any = ()) -> aio.Decided:
        """Have a transaction executed."""
        request = pb.TxnRequest(compare=list(compare), success=list(success), failure=list(failure))
        answer = self.store.execute(convert.txn(request))
        assert isinstance(answer, HasChosen), answer
        found = tuple(
            tuple(_key(version) for version in each.versions) if isinstance(each, Found) else ()
            for each in answer.results
        )
        return aio.Decided(answer.succeeded, answer.revision, found)

    async def range(self, key: bytes, *, prefix: bool = False) -> tuple[aio.Key, ...]:
        """Read."""
        answer = self.store.ask(Range(key, end_of_prefix(key) if prefix else b""))
        assert isinstance(answer, Found)
        return tuple(_key(version) for version in answer.versions)

    async def get(self, key: bytes) -> aio.Key | None:
        """Read one key, when the script says so."""
        self.looking = asyncio.get_running_loop().create_future()
        await self.looking
        found = await self.range(key)
        return found[0] if found else None

    async def watch(self, key: bytes, *, after: int) -> AsyncIterator[aio.Event]:
        """Tell what changes."""
        while True:
            self.changed.clear()
            for _, change in self.store.events(after + 1, self.store.revision):
                for version in change:
                    if version.key == key:
                        yield aio.Event(_key(version), not version.version, None)
            after = self.store.revision
            await self.changed.wait()


def _key(version: Any) -> aio.Key:
    return aio.Key(
        version.key, version.value, version.created, version.modified, version.version, version.lease
    )


class LockingSubject(Subject):
    """`Lock`, of three clients."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "stand": (3,),
        "acquire": (3,),
        "expire": (3,),
        "give_up": (3,),
        "write": (3,),
        "store_write": (6,),
        "hold_and_write": (3,),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        end()
        self.loop = loop()
        self.store = Store()
        self.clients = {name: _Client(self.store) for name in CLIENTS}
        self.leases = 0
        self.tokens: dict[int, int] = {}  # by the revision of the key's creation
        self.locks: dict[str, aio.Lock] = {}
        self.waiting: dict[str, asyncio.Task[None]] = {}
        self.front: set[str] = set()
        self.holds: set[str] = set()
        self.writes: dict[tuple[str, int], pb.Compare] = {}

    def spin(self) -> None:
        """Let everybody see what has changed, and go on as far as they come."""
        for client in self.clients.values():
            client.changed.set()
        spin()

    def binding(self) -> LockingBinding:
        """See Subject."""
        return LockingBinding()

    def seen(self) -> Mapping[str, Any]:
        """What is in the store, and what clients were told."""
        answer = self.store.ask(Range(LINE + b"/", LINE + b"0"))
        assert isinstance(answer, Found)
        there = {version.key: self.tokens[version.created] for version in answer.versions}
        guarded = self.store.ask(Range(GUARDED))
        assert isinstance(guarded, Found)
        mine = {name: lock.key for name, lock in self.locks.items()}
        return {
            "line": {name: there.get(mine.get(name, b""), 0) for name in CLIENTS},
            "mine": {
                name: self.tokens[self.locks[name].token] if name in self.locks else 0 for name in CLIENTS
            },
            "front": {name: name in self.front for name in CLIENTS},
            "holds": {name: name in self.holds for name in CLIENTS},
            "writes": tuple(self.writes),
            "accepted": int(guarded.versions[0].value) if guarded.versions else 0,
        }

    def step(self, name: str, client: str) -> Event:
        """A step of the model."""
        return self.event("step", name=name, client=client)

    def stand(self, number: int) -> Iterable[Event]:
        """A client stands in line, and begins to wait."""
        name = CLIENTS[number]
        if name in self.locks or len(self.tokens) == TOKENS:
            return
        self.leases += 1
        self.store.execute(Grant(self.leases, 10))
        lease: Any = _Lease(self.leases)
        client: Any = self.clients[name]
        lock = aio.Lock(client, LINE, lease)
        self.loop.run_until_complete(lock.stand_in_line())
        self.tokens[lock.token] = len(self.tokens) + 1
        self.locks[name] = lock
        yield self.step("stand_in_line", name)
        self.waiting[name] = self.loop.create_task(lock.wait())
        yield from self.news()

    def news(self) -> Iterable[Event]:
        """Who has seen that nobody is before it, and who was told that it has the lock, or has not."""
        self.spin()
        for name, task in list(self.waiting.items()):
            looked = self.clients[name].looking is not None
            if name not in self.front and (looked or task.done()) and not _lost(task):
                self.front.add(name)
                yield self.step("look", name)
            if task.done():
                del self.waiting[name]
                if _lost(task):
                    yield from self.leave(name)
                else:
                    task.result()
                    self.holds.add(name)
                    yield self.step("acquire", name)

    def acquire(self, number: int) -> Iterable[Event]:
        """A client that nobody is before looks for its own key."""
        name = CLIENTS[number]
        client = self.clients[name]
        looking, client.looking = client.looking, None
        if looking is not None and not looking.done():
            looking.set_result(None)
            yield from self.news()

    def expire(self, number: int) -> Iterable[Event]:
        """A lease is over; its client does not know."""
        name = CLIENTS[number]
        if name in self.locks and self.locks[name].lease.number in self.store.leases:
            self.store.execute(Revoke(self.locks[name].lease.number))
            yield self.step("expire", name)
            yield from self.news()

    def give_up(self, number: int) -> Iterable[Event]:
        """A client leaves."""
        name = CLIENTS[number]
        if name in self.locks:
            task = self.waiting.pop(name, None)
            if task is not None:
                task.cancel()
                self.spin()
            yield from self.leave(name)
            yield from self.news()

    def leave(self, name: str) -> Iterable[Event]:
        """What a client had is given back."""
        lock = self.locks.pop(name)
        self.clients[name].looking = None
        self.front.discard(name)
        self.holds.discard(name)
        self.store.execute(Revoke(lock.lease.number))
        yield self.step("give_up", name)

    def write(self, number: int) -> Iterable[Event]:
        """A client that has the lock, as it was told, sends a write."""
        name = CLIENTS[number]
        if name in self.holds:
            self.writes[name, self.tokens[self.locks[name].token]] = self.locks[name].is_held()
            yield self.step("write", name)

    def store_write(self, number: int) -> Iterable[Event]:
        """A write arrives."""
        if self.writes:
            name, token = list(self.writes)[number % len(self.writes)]
            compare = self.writes.pop((name, token))
            value = aio.put(GUARDED, str(token).encode())
            self.loop.run_until_complete(self.clients[name].txn([compare], [value]))
            yield self.event("store", client=name, token=token)
            yield from self.news()

    def hold_and_write(self, number: int) -> Iterable[Event]:
        """A client gets the lock if it can, writes, and loses its lease without knowing."""
        yield from self.stand(number)
        yield from self.acquire(number)
        yield from self.write(number)
        yield from self.expire(number)


def _lost(task: asyncio.Task[None]) -> bool:
    return task.done() and isinstance(task.exception(), LeaseLost)
