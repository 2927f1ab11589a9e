"""Requests to a store, drawn from a seed: every option of etcd's interface, what is senseless included."""

from __future__ import annotations

import random
from typing import Any, TypeAlias

from google.protobuf.message import Message

from ratified.impl.etcd import etcd_pb2 as pb

Call: TypeAlias = tuple[str, Message]

KEYS = (b"a", b"b", b"b/1", b"b/2", b"b/3", b"c", b"\xff", b"")
ENDS = (b"", b"", b"", b"\0", b"b0", b"c", b"a", b"\xff")
VALUES = (b"", b"1", b"2", b"10", b"v")
LEASES = (0, 0, 0, 7, 8)


class Requests:
    """Requests, drawn from a seed. `revision` is about where the store is."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.revision = 1

    def draw(self) -> Call:
        """The next one."""
        draw = self._random.choices(
            (self._range, self._put, self._delete, self._txn, self._compact, self._lease), (6, 6, 3, 6, 1, 2)
        )[0]
        return draw()

    def _one_in(self, count: int) -> bool:
        return self._random.randrange(count) == 0

    def _revision(self) -> int:
        return self._random.choice(
            (0, 0, 0, self.revision, self.revision + 1, self._random.randint(1, self.revision), -1)
        )

    def _bound(self) -> int:
        return self._random.randint(-1, self.revision) if self._one_in(8) else 0

    def _range(self) -> tuple[str, pb.RangeRequest]:
        choice = self._random.choice
        return "KV/Range", pb.RangeRequest(
            key=choice(KEYS),
            range_end=choice(ENDS),
            limit=choice((0, 0, 1, 2, -1)),
            revision=self._revision(),
            sort_order=choice((0, 0, 1, 2)),  # type: ignore[arg-type]  # numbers of an enumeration
            sort_target=choice((0, 0, 1, 2, 3, 4)),  # type: ignore[arg-type]
            serializable=self._one_in(4),
            keys_only=self._one_in(4),
            count_only=self._one_in(6),
            min_mod_revision=self._bound(),
            max_mod_revision=self._bound(),
            min_create_revision=self._bound(),
            max_create_revision=self._bound(),
        )

    def _put(self) -> tuple[str, pb.PutRequest]:
        choice = self._random.choice
        return "KV/Put", pb.PutRequest(
            key=choice(KEYS),
            value=choice(VALUES),
            lease=choice(LEASES),
            prev_kv=self._one_in(3),
            ignore_value=self._one_in(8),
            ignore_lease=self._one_in(8),
        )

    def _delete(self) -> tuple[str, pb.DeleteRangeRequest]:
        choice = self._random.choice
        return "KV/DeleteRange", pb.DeleteRangeRequest(
            key=choice(KEYS), range_end=choice(ENDS), prev_kv=self._one_in(2)
        )

    def _delete_in_order(self) -> pb.DeleteRangeRequest:
        """One whose range etcd sees as it is when it looks for keys that a transaction changes twice.

        It takes the end that means all keys for a key there, and so lets a key be put and deleted in one revision. We do not.
        """
        request = self._delete()[1]
        if request.range_end == b"\0" or (request.range_end and request.range_end <= request.key):
            request.ClearField("range_end")
        return request

    def _compare(self) -> pb.Compare:
        target = self._random.randrange(5)
        number = self._random.choice((0, 1, 2, self.revision, *LEASES[3:]))
        sides = ("version", "create_revision", "mod_revision", "value", "lease")
        side = self._random.choice(sides) if self._one_in(10) else sides[target]
        there: dict[str, Any] = {side: self._random.choice(VALUES) if side == "value" else number}
        return pb.Compare(
            result=self._random.randrange(4),  # type: ignore[arg-type]
            target=target,  # type: ignore[arg-type]
            key=self._random.choice(KEYS),
            range_end=self._random.choice(ENDS) if self._one_in(3) else b"",
            **there,
        )

    def _op(self, depth: int) -> pb.RequestOp:
        match self._random.choices(("range", "put", "delete", "txn"), (3, 4, 2, depth < 2))[0]:
            case "range":
                return pb.RequestOp(request_range=self._range()[1])
            case "put":
                return pb.RequestOp(request_put=self._put()[1])
            case "delete":
                return pb.RequestOp(request_delete_range=self._delete_in_order())
        return pb.RequestOp(request_txn=self._txn(depth + 1)[1])

    def _txn(self, depth: int = 0) -> tuple[str, pb.TxnRequest]:
        def some(most: int) -> range:
            return range(self._random.randint(0, most))

        return "KV/Txn", pb.TxnRequest(
            compare=[self._compare() for _ in some(2)],
            success=_deletions_first([self._op(depth) for _ in some(3)]),
            failure=_deletions_first([self._op(depth) for _ in some(3)]),
        )

    def _compact(self) -> tuple[str, pb.CompactionRequest]:
        return "KV/Compact", pb.CompactionRequest(
            revision=self._random.randint(1, self.revision + 1), physical=True
        )

    def watch(self, number: int) -> pb.WatchRequest:
        """Something to ask of a stream of watches; a number that the client chooses is this one, or small."""
        choice = self._random.choice
        match self._random.choices(("create", "cancel", "progress"), (5, 3, 1))[0]:
            case "cancel":
                return pb.WatchRequest(
                    cancel_request=pb.WatchCancelRequest(watch_id=self._random.randint(-1, 9))
                )
            case "progress":
                return pb.WatchRequest(progress_request=pb.WatchProgressRequest())
        begins = choice((0, 0, 1, self.revision, self.revision + 2, self._random.randint(1, self.revision)))
        return pb.WatchRequest(
            create_request=pb.WatchCreateRequest(
                key=choice(KEYS),
                range_end=choice(ENDS),
                start_revision=begins,
                prev_kv=self._one_in(2),
                filters=choice(((), (), (0,), (1,), (0, 1), (1, 1))),  # type: ignore[arg-type]  # numbers of an enumeration
                watch_id=choice((0, 0, 0, 3, 7, number)),
                progress_notify=self._one_in(2),
                fragment=self._one_in(2),
            )
        )

    def _lease(self) -> Call:
        number = self._random.choice(LEASES[3:])
        match self._random.randrange(6):
            case 0:
                return "Lease/LeaseRevoke", pb.LeaseRevokeRequest(ID=number)
            case 1:
                return "Lease/LeaseTimeToLive", pb.LeaseTimeToLiveRequest(ID=number, keys=True)
            case 2:
                return "Lease/LeaseLeases", pb.LeaseLeasesRequest()
            case 3:
                return "Lease/LeaseKeepAlive", pb.LeaseKeepAliveRequest(ID=number)
        ttl = self._random.choice((500, 9_000_000_000, 9_000_000_001))
        return "Lease/LeaseGrant", pb.LeaseGrantRequest(ID=number, TTL=ttl)


def _deletions_first(ops: list[pb.RequestOp]) -> list[pb.RequestOp]:
    """The same, but of the transactions that delete something only one, and first: etcd lets one delete what another has put."""
    deleting = [op for op in ops if op.HasField("request_txn") and "request_delete_range" in str(op)]
    return [*deleting[:1], *(op for op in ops if op not in deleting)]
