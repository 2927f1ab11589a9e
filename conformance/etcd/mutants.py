"""What goes wrong in stores like this, planted into ours: the bugs of the models' variants, under the same names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ratified.conform.mutants import Mutant
from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd.watches import Events, Stream
from ratified.impl.services.recovery import Session
from ratified.impl.store.store import Store
from ratified.impl.store.transactions import choose
from ratified.impl.store.values import Expire, Happened, HasChosen, Lead, LeaseIs, LookAtLease, Version
from ratified.impl.store.versions import Versions

STREAM = "ratified.impl.etcd.watches:Stream"
LESSOR = "ratified.impl.etcd.lessor:Lessor"
STORE = "ratified.impl.store.store:Store"
VERSIONS = "ratified.impl.store.versions:Versions"
SESSION = "ratified.impl.services.recovery:Session"
LOCK = "ratified.impl.client.aio:Lock"


# Watches


def progress_overtakes(original: Any) -> Any:
    def look(self: Any, watch: Any) -> Any:
        piece = original(self, watch)
        if piece is None and watch.asked:
            watch.asked = False
            return Events(watch.number, self.hub.told, ())
        return piece

    return look


def moved_forward(original: Any) -> Any:
    def look(self: Any, watch: Any) -> Any:
        watch.next = max(watch.next, self.hub.store().versions.compacted)
        return original(self, watch)

    return look


def resumed_from_now(original: Any) -> Any:
    def reattach(self: Any, now_ms: int) -> Any:
        return replace(original(self, now_ms), watches={})

    return reattach


def older_events(original: Any) -> Any:
    def add(self: Any, watch: Any) -> None:
        watch.next = max(2, min(watch.next, self.hub.told))
        original(self, watch)

    return add


def deletion_forgotten(original: Any) -> Any:
    def compact(self: Any, revision: int) -> None:
        original(self, revision)
        if self._changes and self._first == revision:
            self._changes[0] = tuple(version for version in self._changes[0] if version.version)

    return compact


# Leases


def deposed_leader_ends(self: Any, op: Expire) -> Any:
    over = [number for number in op.leases if number in self.leases]
    for number in over:
        self._revoke(number)
    return Happened(self.revision, len(over))


def counted_on(self: Any) -> None:
    self.tenure = 0


def lost_with_the_leader(original: Any) -> Any:
    def execute(self: Any, op: Any) -> Any:
        if isinstance(op, Lead) and self.tenure:
            for number in list(self.leases):
                self._revoke(number)
        return original(self, op)

    return execute


async def unconfirmed(self: Any, number: int, keys: bool) -> LeaseIs:
    answer: LeaseIs = self._store().ask(LookAtLease(number, keys))
    return answer


async def renewed_while_ending(self: Any, number: int) -> tuple[int, int]:
    known = await self._confirmed(number, keys=False)
    if known.ttl:
        self.deadlines[number] = self._now() + known.ttl
    return known.ttl, known.revision


def counted_from_the_answer(original: Any) -> Any:
    def renewed(self: Any, lease: int, asked_ms: int, lasts_ms: int) -> bool:
        return bool(original(self, lease, self._moments.now_ms, lasts_ms))

    return renewed


# Locks


async def not_looked_again(self: Any) -> None:
    while any(key.created < self.token for key in await self._client.range(self._prefix, prefix=True)):
        await asyncio.sleep(0)


async def out_of_turn(self: Any) -> None:
    await self._client.get(self.key)


def unguarded(self: Any) -> pb.Compare:
    return pb.Compare(key=b"never", target=pb.Compare.VERSION, version=0)


def guarded_by_name(self: Any) -> pb.Compare:
    return pb.Compare(
        key=self._prefix, range_end=self._prefix[:-1] + b"0", target=pb.Compare.VERSION, version=1
    )


# Keys


def forgets_the_compacted(original: Any) -> Any:
    def forget(self: Any, key: bytes, revision: int) -> None:
        original(self, key, revision)
        versions = self._all.get(key, [])
        if len(versions) > 1 and versions[0].modified <= revision:
            del versions[0]

    return forget


def version_goes_on(original: Any) -> Any:
    def put(self: Any, key: bytes, value: bytes, lease: int) -> Any:
        was = [each for each in self._all.get(key, []) if each.version]
        if key in self.current or not was:
            return original(self, key, value, lease)
        revision = self.revision + 1
        self._keep(Version(key, value, revision, revision, was[-1].version + 1, lease))
        return None

    return put


def two_revisions(original: Any) -> Any:
    def take(self: Any, step: Any) -> Any:
        result = original(self, step)
        self.versions.commit()
        return result

    return take


def compares_again(self: Any, op: Any) -> Any:
    results = []
    for place in range(len(op.success)):
        chosen = choose(op, self.versions)
        results.append(self._take(chosen.steps[place]))
    return HasChosen(self.versions.commit(), True, tuple(results))


MUTANTS: Mapping[str, Mapping[str, Mutant]] = {
    "etcd-watches": {
        "progress-overtakes": Mutant(((f"{STREAM}.look", progress_overtakes(Stream.look)),)),
        "moved-forward": Mutant(((f"{STREAM}.look", moved_forward(Stream.look)),)),
        "resumed-from-now": Mutant(((f"{SESSION}.reattach", resumed_from_now(Session.reattach)),)),
        "older-events": Mutant(((f"{STREAM}.add", older_events(Stream.add)),)),
        "deletion-forgotten": Mutant(((f"{VERSIONS}.compact", deletion_forgotten(Versions.compact)),)),
    },
    "etcd-leases": {
        "deposed-leader-ends": Mutant(((f"{STORE}._expire", deposed_leader_ends),)),
        "counted-on": Mutant(((f"{LESSOR}.retire", counted_on),)),
        "lost-with-the-leader": Mutant(((f"{STORE}.execute", lost_with_the_leader(Store.execute)),)),
        "unconfirmed": Mutant(((f"{LESSOR}._confirmed", unconfirmed),)),
        "renewed-while-ending": Mutant(((f"{LESSOR}.renew", renewed_while_ending),)),
        "counted-from-the-answer": Mutant(
            ((f"{SESSION}.renewed", counted_from_the_answer(Session.renewed)),)
        ),
    },
    "etcd-locks": {
        "not-looked-again": Mutant(((f"{LOCK}.wait", not_looked_again),)),
        "unguarded": Mutant(((f"{LOCK}.is_held", unguarded),)),
        "out-of-turn": Mutant(((f"{LOCK}.wait", out_of_turn),)),
        "guarded-by-name": Mutant(((f"{LOCK}.is_held", guarded_by_name),)),
    },
    "etcd-keys": {
        "forgets-the-compacted": Mutant(((f"{VERSIONS}._forget", forgets_the_compacted(Versions._forget)),)),
        "version-goes-on": Mutant(((f"{VERSIONS}.put", version_goes_on(Versions.put)),)),
        "two-revisions": Mutant(((f"{STORE}._take", two_revisions(Store._take)),)),
        "compares-again": Mutant(((f"{STORE}._txn", compares_again),)),
    },
}
"""By the name of the implementation, and of the bug."""
