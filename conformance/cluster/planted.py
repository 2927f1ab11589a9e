"""What goes wrong around a core: bugs to plant into the processes of a tortured cluster, in the host, the server and the store.

Those of cores are in `ratified.conformance.raft.mutants` and `multipaxos.mutants`; of the store's own, those that a node can have
are taken from `ratified.conformance.etcd.mutants`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ratified.conform.mutants import Edit, Mutant
from ratified.conformance.etcd.mutants import LESSOR, MUTANTS, STORE
from ratified.impl.store.store import Store

NODE = "ratified.impl.runtime.node:Node"
ASKING = "ratified.impl.runtime.asking:Asking"
STORAGE = "ratified.impl.runtime.storage:Storage"
BATCHER = "ratified.impl.etcd.batching:Batcher"
HUB = "ratified.impl.etcd.watches:Hub"
STREAM = "ratified.impl.etcd.watches:Stream"


async def not_awaited(self: Any, index: int) -> None:
    """A read is answered as soon as the leader has confirmed it, whatever has been executed here."""


def without_results(original: Any) -> Any:
    """A snapshot has the leases, but not what was done in the sessions of their names."""

    def snapshot(self: Any) -> bytes:
        state = msgspec.msgpack.decode(original(self))
        state[3] = [[*lease[:3], []] for lease in state[3]]  # see `_Snapshot`, after its tag
        return msgspec.msgpack.encode(state)

    return snapshot


def keys_without_leases(original: Any) -> Any:
    """Leases come back from a snapshot without their keys."""

    def restore(self: Any, snapshot: bytes) -> None:
        original(self, snapshot)
        for lease in self.leases.values():
            lease.keys.clear()

    return restore


def restored_unseen(self: Any) -> None:
    """Watches are not told what a snapshot has brought."""
    self.told = self.store().revision


FOUNDERS = (
    "__import__('dataclasses').replace(self._storage.durable, snapshot=__import__('dataclasses').replace("
    "self._storage.durable.snapshot, membership=self._protocol.bootstrap(settings.voters).snapshot.membership)),\n"
)
"""What a node starts with that has the members of its settings, whatever happened since."""

HOST: Mapping[str, Mutant] = {
    "sent-before-written": Mutant(
        ((f"{NODE}._carry_out", Edit("if send.after > persisted:", "if send.after < 0:")),)
    ),
    "last-entry-not-read": Mutant(
        (
            (
                f"{STORAGE}._read",
                Edit('self._whole(entries, getattr(snapshot, "index", 0))', "entries.pop(at, None)"),
            ),
        )
    ),
    "entries-not-checked": Mutant(
        ((f"{STORAGE}._verified_rows", Edit("crc(body, at & 0xFFFFFFFF) != checksum", "False")),)
    ),
    "read-confirmed-before": Mutant(
        ((f"{ASKING}.query", Edit("self._reads.append(", "(self._confirming or self._reads).append(")),)
    ),
}
"""Of the host, whatever it runs."""

HOST_OF_RAFT: Mapping[str, Mutant] = {
    "members-forgotten": Mutant(((f"{NODE}.start", Edit("self._storage.durable,\n", FOUNDERS)),)),
}
"""Of the host, where the members are Raft's."""

SERVER: Mapping[str, Mutant] = {
    "read-not-awaited": Mutant(((f"{BATCHER}._executed", not_awaited),)),
    "sent-again-anew": Mutant(
        (
            (
                f"{BATCHER}._settled",
                Edit(
                    "unknown = True\n",
                    "unknown, command = True, Command(f'{command.client}+', command.serial, command.payload)\n",
                ),
            ),
        )
    ),
    "answered-in-reverse": Mutant(
        ((f"{BATCHER}._submit", Edit("_answers(result, len(ops))", "_answers(result, len(ops))[::-1]")),)
    ),
    "session-results-dropped": Mutant(((f"{STORE}.snapshot", without_results(Store.snapshot)),)),
    "executed-again": Mutant(
        ((f"{STORE}._once", Edit("if known is not None:", "if known is None and False:")),)
    ),
    "leases-without-keys": Mutant(((f"{STORE}.restore", keys_without_leases(Store.restore)),)),
    "restored-unseen": Mutant(((f"{HUB}.all_anew", restored_unseen),)),
    "told-in-part": Mutant(
        ((f"{STREAM}.look", Edit("for version in versions:", "for version in versions[:1]:")),)
    ),
    "deadline-not-renewed": Mutant(
        ((f"{LESSOR}.renew", Edit("self.deadlines[number] = self._now() + known.ttl", "pass")),)
    ),
    **{
        name: MUTANTS[of][name]
        for of, names in (
            ("etcd-watches", ("moved-forward", "older-events")),
            ("etcd-leases", ("deposed-leader-ends", "counted-on", "lost-with-the-leader", "unconfirmed")),
            ("etcd-keys", ("forgets-the-compacted", "version-goes-on", "two-revisions")),
        )
        for name in names
    },
}
"""Of the store, and of what serves it."""
