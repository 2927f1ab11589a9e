"""Between etcd's messages and the store's values.

Guarantees: nothing is read or written but what the caller asked for; what cannot be is a Fault with etcd's text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd.errors import Fault, fault, invalid
from ratified.impl.etcd.watches import Events, Over
from ratified.impl.store.values import (
    Answer,
    Compare,
    Delete,
    Found,
    HasChosen,
    HasDeleted,
    HasPut,
    Problem,
    Put,
    Range,
    Refused,
    Relation,
    Target,
    Txn,
    Version,
)

_SORTS: Final = (Target.KEY, Target.VERSION, Target.CREATED, Target.MODIFIED, Target.VALUE)
_TARGETS: Final = tuple(Target)
_RELATIONS: Final = tuple(Relation)
_SIDES: Final = ("version", "create_revision", "mod_revision", "value", "lease")
_AROUND: Final = 8  # bytes that an event takes in an answer beside itself, at most

# What is asked


def put(request: pb.PutRequest) -> Put:
    """Return the operation."""
    return Put(
        request.key,
        request.value,
        request.lease,
        request.prev_kv,
        request.ignore_value,
        request.ignore_lease,
    )


def delete(request: pb.DeleteRangeRequest) -> Delete:
    """Return the operation."""
    return Delete(request.key, request.range_end, request.prev_kv)


def read(request: pb.RangeRequest) -> Range:
    """Return the question. Raises Fault: an order that there is not."""
    order, target = request.sort_order, request.sort_target
    if not 0 <= order <= 2 or not 0 <= target < len(_SORTS):
        raise invalid("etcdserver: invalid sort option")
    # A target without an order means ascending, and keys are in that order anyway.
    plain = target == pb.RangeRequest.KEY and order != pb.RangeRequest.DESCEND
    return Range(
        request.key,
        request.range_end,
        request.limit,
        request.revision,
        None if plain else _SORTS[target],
        order == pb.RangeRequest.DESCEND,
        request.keys_only,
        request.count_only,
        request.min_mod_revision,
        request.max_mod_revision,
        request.min_create_revision,
        request.max_create_revision,
        order == pb.RangeRequest.NONE,
    )


def txn(request: pb.TxnRequest, depth: int = 0) -> Txn:
    """Return the operation. Raises Fault: it is none."""
    if depth > 32:
        raise fault(Problem.TOO_MANY)
    return Txn(
        tuple([compare(each) for each in request.compare]),
        tuple([_op(each, depth) for each in request.success]),
        tuple([_op(each, depth) for each in request.failure]),
    )


def _op(request: pb.RequestOp, depth: int) -> Put | Delete | Range | Txn:
    match request.WhichOneof("request"):
        case "request_range":
            return read(request.request_range)
        case "request_put":
            return put(request.request_put)
        case "request_delete_range":
            return delete(request.request_delete_range)
        case "request_txn":
            return txn(request.request_txn, depth + 1)
    raise fault(Problem.KEY_NOT_FOUND)  # as etcd says of what asks for nothing


def compare(request: pb.Compare) -> Compare:
    """Return the comparison. Raises Fault: it is none."""
    if not 0 <= request.target < len(_SIDES) or not 0 <= request.result < len(_RELATIONS):
        raise invalid("ratified: a comparison that this version does not know")
    than = getattr(request, _SIDES[request.target])
    return Compare(request.key, _TARGETS[request.target], _RELATIONS[request.result], than, request.range_end)


# What is answered


def key_value(version: Version) -> pb.KeyValue:
    """Return a key as clients see it."""
    return pb.KeyValue(
        key=version.key,
        create_revision=version.created,
        mod_revision=version.modified,
        version=version.version,
        value=version.value,
        lease=version.lease,
    )


def key_values(versions: Iterable[Version]) -> list[pb.KeyValue]:
    """Return keys as clients see them."""
    return [key_value(each) for each in versions]


def found(header: pb.ResponseHeader, result: Found) -> pb.RangeResponse:
    """Return what was read."""
    return pb.RangeResponse(
        header=header, kvs=key_values(result.versions), more=result.more, count=result.count
    )


def has_put(header: pb.ResponseHeader, result: HasPut) -> pb.PutResponse:
    """Return that a key was set."""
    previous = result.previous
    return pb.PutResponse(header=header, prev_kv=None if previous is None else key_value(previous))


def has_deleted(header: pb.ResponseHeader, result: HasDeleted) -> pb.DeleteRangeResponse:
    """Return what was deleted."""
    return pb.DeleteRangeResponse(header=header, deleted=result.count, prev_kvs=key_values(result.previous))


def has_chosen(header: pb.ResponseHeader, result: HasChosen) -> pb.TxnResponse:
    """Return what a transaction came to."""
    return pb.TxnResponse(
        header=header, succeeded=result.succeeded, responses=[_result(each) for each in result.results]
    )


def _result(result: HasPut | HasDeleted | Found | HasChosen) -> pb.ResponseOp:
    header = pb.ResponseHeader(revision=result.revision)
    match result:
        case HasPut():
            return pb.ResponseOp(response_put=has_put(header, result))
        case HasDeleted():
            return pb.ResponseOp(response_delete_range=has_deleted(header, result))
        case Found():
            return pb.ResponseOp(response_range=found(header, result))
    return pb.ResponseOp(
        response_txn=has_chosen(pb.ResponseHeader(), result)
    )  # etcd's has no revision of its own


def watched(header: pb.ResponseHeader, piece: Events | Over, most: int) -> Iterator[pb.WatchResponse]:
    """Give what a watch is told; if it wants fragments, in parts of at most so many bytes, and of an event at least.

    Of a compaction etcd tells the revision, and neither a reason nor where the store is.
    """
    if isinstance(piece, Over):
        header.ClearField("revision")
        yield pb.WatchResponse(
            header=header, watch_id=piece.watch, canceled=True, compact_revision=piece.compacted
        )
        return
    part = pb.WatchResponse(header=header, watch_id=piece.watch)
    size = part.ByteSize()
    for change in piece.changes:
        event = pb.Event(
            type=pb.Event.PUT if change.version.version else pb.Event.DELETE,
            kv=key_value(change.version),
            prev_kv=None if change.previous is None else key_value(change.previous),
        )
        if piece.fragment:
            size += event.ByteSize() + _AROUND
            if size > most and part.events:
                part.fragment = True
                yield part
                part = pb.WatchResponse(header=header, watch_id=piece.watch)
                size = part.ByteSize() + event.ByteSize() + _AROUND
        part.events.append(event)
    yield part


def unexpected(answer: Answer) -> Fault:
    """Return the fault that an answer is, where another was expected."""
    return fault(answer.problem if isinstance(answer, Refused) else Problem.UNKNOWN)
