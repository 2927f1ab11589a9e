"""What the store promises of watches, leases and locks, held against what its clients saw while everything went wrong.

The truth is the store's own history, told at the end, from the first revision on, by nodes that agree on it. Against it is held:

- what a *watch* told that went on through all faults: each change once, in order, none left out;
- *leases* of which clients were told that they were renewed: none ended before its time was over, counted from when the client
  asked; once nobody renewed it any more, each ended;
- what was *written under a lock*, guarded by it: only by whoever was first in line, in the order of the line.

The history itself is held against the keys that are there at its end, and against its own numbers.

Guarantees: the functions that decide are pure; each fault that they return is one whatever the clocks of the nodes showed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from ratified.impl.client.aio import Event, StoreClient, put
from ratified.impl.client.errors import StoreError

LEASED, LINE, GUARDED, END = b"leased/", b"line", b"guarded", b"the end"
TTL_S = 3
PATIENCE_S = 8.0


@dataclass(frozen=True, slots=True)
class Change:
    """A key was set, or deleted, where there is no value. `created` is the revision of the key's creation; 0 of a deletion."""

    revision: int
    key: bytes
    value: bytes | None
    created: int


def changed(event: Event) -> Change:
    """Return what a watch told."""
    return Change(
        event.revision, event.key.key, None if event.deleted else event.key.value, event.key.created
    )


def watch_faults(seen: Sequence[Change], after: int, truth: Sequence[Change]) -> list[str]:
    """Return what is wrong with what a watch told that began after a revision; it may not have come to the end yet."""
    due = [change for change in truth if change.revision > after]
    for at, told in enumerate(seen):
        if at == len(due) or told != due[at]:
            earlier = told in seen[:at]
            what = (
                "told again"
                if earlier
                else "told, where there is another change"
                if at < len(due)
                else "made up"
            )
            return [
                f"a watch: change {at + 1:,}, of {told.key.decode()} in revision {told.revision:,}, is {what}"
            ]
    return []


State: TypeAlias = tuple[bytes, int, int, int]
"""What a key is: its value, the revisions of its creation and of its last change, its version."""


def history_faults(truth: Sequence[Change], there: Mapping[bytes, State]) -> list[str]:
    """Return what is wrong with a history from revision 2 on, after which there are these keys."""
    now: dict[bytes, State] = {}
    last = 1
    for change in truth:
        if change.revision > last + 1:
            return [f"the history: nothing is told of revision {last + 1:,}"]
        last = change.revision
        if change.value is None:
            now.pop(change.key, None)
        else:
            _, created, _, version = now.get(change.key, (b"", last, 0, 0))
            now[change.key] = change.value, created, last, version + 1
    wrong = sorted(key for key in now.keys() | there.keys() if now.get(key) != there.get(key))
    return [f"the history: {wrong[0].decode()} is not as its changes left it"] if wrong else []


@dataclass(slots=True)
class Tenancy:
    """A lease with one key, as its client knows it; times of one clock that only goes forward, in seconds."""

    number: int
    key: bytes
    ttl: int
    confirmed: float
    """When it was asked for what was confirmed last: the lease, or a renewal."""


def lease_faults(tenancies: Sequence[Tenancy], gone: Mapping[bytes, float]) -> list[str]:
    """Return which leases ended early. `gone` is when it was seen that a key was deleted, which is not before it was."""
    return [
        f"lease {t.number:x} was renewed for {t.ttl} s, and its key was gone {seen - t.confirmed:.2f} s after that was asked for"
        for t in tenancies
        if (seen := gone.get(t.key)) is not None and seen < t.confirmed + t.ttl
    ]


def lock_faults(truth: Sequence[Change]) -> list[str]:
    """Return which guarded writes were made by one who was not first in line; their values are the creation of its key."""
    line: dict[bytes, int] = {}
    last = 0
    for change in truth:
        if change.key.startswith(LINE + b"/"):
            if change.value is None:
                line.pop(change.key, None)
            else:
                line[change.key] = change.created
        elif change.key == GUARDED and change.value is not None:
            token = int(change.value)
            first = min(line.values(), default=0)
            if token != first or token < last:
                who = f"{first:,} was first in line" if first else "nobody stood in line"
                return [
                    f"a lock: {token:,} wrote in revision {change.revision:,}, when {who}, and {last:,} had written"
                ]
            last = token
    return []


@dataclass(slots=True)
class Promises:
    """Clients of a store that watch, keep leases and take a lock, until `over`; then what they saw is decided."""

    endpoints: Callable[[], Sequence[str]]
    seed: str
    tenants: int = 6
    holders: int = 2
    watches: int = 3
    seen: dict[int, list[Change]] = field(default_factory=dict)
    after: dict[int, int] = field(default_factory=dict)
    there: dict[bytes, State] = field(default_factory=dict)
    gone: dict[bytes, float] = field(default_factory=dict)
    tenancies: list[Tenancy] = field(default_factory=list)
    written: int = 0
    truth: list[Change] = field(default_factory=list)

    def _client(self, first: int = 0) -> StoreClient:
        places = self.endpoints()
        at = first % len(places)
        return StoreClient([*places[at:], *places[:at]], timeout_s=PATIENCE_S, refresh=False)

    async def watch(self, number: int) -> None:
        """Watch all keys, for ever; each watch begins at another node."""
        async with self._client(number) as client:
            while True:
                with suppress(StoreError):
                    after = self.after[number] = await client.revision()
                    break
            seen = self.seen[number] = []
            async for event in client.watch(b"", prefix=True, after=after):
                seen.append(changed(event))
                if event.deleted and event.key.key.startswith(LEASED):
                    self.gone.setdefault(event.key.key, time.monotonic())

    async def tenant(self, number: int, over: asyncio.Event) -> None:
        """Have one lease after the other; renew each for a while, and leave it."""
        draw = random.Random(f"{self.seed}/tenant/{number}")  # noqa: S311 - to repeat runs, not to keep secrets
        async with self._client() as client:
            while not over.is_set():
                lease = draw.randrange(1, 1 << 62)
                tenancy = Tenancy(lease, LEASED + b"%x" % lease, TTL_S, time.monotonic())
                with suppress(StoreError):
                    held = await client.grant(TTL_S, number=lease)
                    await held.stop()  # it is renewed here, where it is written down
                    # Two, so that some revisions have more than one change.
                    keys = (tenancy.key, tenancy.key + b" too")
                    await client.txn([], [put(key, b"", lease) for key in keys])
                    self.tenancies.append(tenancy)
                    for _ in range(draw.randrange(24)):  # through changes of leader, there and back
                        await asyncio.sleep(draw.uniform(0.3, 1.2))
                        asked = time.monotonic()
                        with suppress(StoreError, TimeoutError):
                            async with asyncio.timeout(1):
                                if not await client.renew(lease):
                                    break
                            tenancy.confirmed = asked
                await asyncio.sleep(draw.uniform(0.1, 0.5))

    async def holder(self, number: int, over: asyncio.Event) -> None:
        """Take the lock again and again, and write under it."""
        draw = random.Random(f"{self.seed}/holder/{number}")  # noqa: S311 - to repeat runs, not to keep secrets
        async with self._client() as client:
            while not over.is_set():
                with suppress(StoreError):
                    async with client.lock(LINE, seconds=TTL_S) as lock:
                        for _ in range(draw.randrange(1, 4)):
                            value = b"%d" % lock.token
                            write = [put(GUARDED, value), put(GUARDED + b" too", value)]
                            decided = await client.txn([lock.is_held()], write)
                            self.written += decided.succeeded
                            await asyncio.sleep(draw.uniform(0.0, 0.4))
                await asyncio.sleep(draw.uniform(0.0, 0.2))

    async def settled(self, until: float) -> list[str]:
        """Wait until leases have ended and the watch has told all; what has not is returned, for people."""
        end = 0
        async with self._client() as client:
            while time.monotonic() < until:
                with suppress(StoreError):
                    left = [t for t in self.tenancies if await client.get(t.key) is not None]
                    if not left and not end:
                        end = await client.put(END, b"")
                    if end and all(self._has_told(number, end) for number in range(self.watches)):
                        self.truth.clear()
                        for each in await client.range(b"", prefix=True, revision=end):
                            self.there[each.key] = each.value, each.created, each.modified, each.version
                        async with aclosing(client.watch(b"", prefix=True, after=0)) as events:
                            async for event in events:
                                self.truth.append(changed(event))
                                if event.key.key == END:
                                    return []
                await asyncio.sleep(0.2)
        return ["leases, or a watch, did not come to their ends: the cluster did not come to rest"]

    def _has_told(self, number: int, revision: int) -> bool:
        seen = self.seen.get(number, [])
        return bool(seen) and seen[-1].revision >= revision

    def faults(self) -> list[str]:
        """Return what is wrong."""
        watched = [watch_faults(seen, self.after[n], self.truth) for n, seen in self.seen.items()]
        return [
            *history_faults(self.truth, self.there),
            *(fault for faults in watched for fault in faults),
            *lease_faults(self.tenancies, self.gone),
            *lock_faults(self.truth),
        ]
