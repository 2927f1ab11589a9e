"""etcd's services: what each method does with the store, the time of leases, and the watches.

KV, Watch and Lease are here, and what nodes ask each other; `operators.py` has Cluster and Maintenance. Errors have etcd's codes
and texts.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

from google.protobuf.message import Message

from ratified.impl.contract import Command
from ratified.impl.etcd import convert, errors
from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd.batching import Batcher
from ratified.impl.etcd.calls import Calls, Context, Methods, Streams
from ratified.impl.etcd.errors import Fault, fault, invalid
from ratified.impl.etcd.lessor import Lessor, NotHere
from ratified.impl.etcd.passing import SERVICE, Nodes, came
from ratified.impl.etcd.settings import Limits
from ratified.impl.etcd.watches import Hub, Stream, Watch
from ratified.impl.runtime.replica import Operated
from ratified.impl.store import values
from ratified.impl.store.store import TTL_MOST, Store
from ratified.impl.store.transactions import malformed
from ratified.impl.store.values import Answer, Problem

SESSION, SERIAL, ACKNOWLEDGED = "ratified-session", "ratified-serial", "ratified-acknowledged"
"""Metadata of a call that is to be executed once: a lease, the call's number, up to which number the client has the results."""

ENVELOPE: Final = 18
"""Bytes that etcd puts around a request, and counts, too."""

PROGRESS_S: Final = 60
"""A watch that wants to know how far it is, and has nothing else to be told, is told every so often."""


class Services:
    """What the methods do."""

    def __init__(
        self,
        calls: Calls,
        replica: Operated,
        batcher: Batcher,
        lessor: Lessor,
        hub: Hub,
        nodes: Nodes,
        limits: Limits,
    ) -> None:
        self._calls = calls
        self._permissions = calls.permissions
        self.header = calls.header
        self._replica = replica
        self._batcher = batcher
        self._lessor = lessor
        self._hub = hub
        self._nodes = nodes
        self._limits = limits
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End the streams, which would go on by themselves."""
        self._stopped.set()

    def methods(self) -> tuple[Methods, Streams, Streams]:
        """Return all methods by their names: those of one answer, and streams both ways."""
        unary: Methods = {
            "etcdserverpb.KV": {
                "Range": (pb.RangeRequest, self.range),
                "Put": (pb.PutRequest, self.put),
                "DeleteRange": (pb.DeleteRangeRequest, self.delete_range),
                "Txn": (pb.TxnRequest, self.txn),
                "Compact": (pb.CompactionRequest, self.compact),
            },
            "etcdserverpb.Lease": {
                "LeaseGrant": (pb.LeaseGrantRequest, self.grant),
                "LeaseRevoke": (pb.LeaseRevokeRequest, self.revoke),
                "LeaseTimeToLive": (pb.LeaseTimeToLiveRequest, self.time_to_live),
                "LeaseLeases": (pb.LeaseLeasesRequest, self.leases),
            },
            SERVICE: {
                "Submit": (pb.Passed, self.submit),
                "Confirm": (pb.Passed, self.confirm),
                "Order": (pb.Passed, self.order),
                "Lease": (pb.AskLeft, self.lease_here),
            },
        }
        both_ways: Streams = {
            "etcdserverpb.Watch": {"Watch": (pb.WatchRequest, self.watch)},
            "etcdserverpb.Lease": {"LeaseKeepAlive": (pb.LeaseKeepAliveRequest, self.keep_alive)},
        }
        return unary, both_ways, {}

    @property
    def store(self) -> Store:
        """This node's copy."""
        return self._hub.store()

    async def _propose(self, op: Any, context: Context) -> Answer:
        """Have an operation executed, once if its call says so."""
        if self.store.versions.size > self._limits.stored_bytes and isinstance(op, values.Put | values.Txn):
            raise errors.no_space()
        return await self._batcher.propose(_once(op, context))

    # Keys

    async def range(self, request: pb.RangeRequest, context: Context) -> pb.RangeResponse:
        """Read: by default what is true now, as the cluster agrees; `serializable`: what this node knows."""
        op = convert.read(request)
        if not op.key:
            raise fault(Problem.KEY_MISSING)
        self._calls.may(context, op)
        answer = self.store.ask(op) if request.serializable else await self._batcher.ask(op)
        if not isinstance(answer, values.Found):
            raise convert.unexpected(answer)
        return convert.found(self.header(answer.revision), answer)

    async def put(self, request: pb.PutRequest, context: Context) -> pb.PutResponse:
        """Set a key."""
        op = convert.put(request)
        self._sound(op, request)
        self._calls.may(context, op)
        answer = await self._propose(op, context)
        if not isinstance(answer, values.HasPut):
            raise convert.unexpected(answer)
        return convert.has_put(self.header(answer.revision), answer)

    async def delete_range(self, request: pb.DeleteRangeRequest, context: Context) -> pb.DeleteRangeResponse:
        """Delete keys."""
        op = convert.delete(request)
        self._sound(op, request)
        self._calls.may(context, op)
        answer = await self._propose(op, context)
        if not isinstance(answer, values.HasDeleted):
            raise convert.unexpected(answer)
        return convert.has_deleted(self.header(answer.revision), answer)

    async def txn(self, request: pb.TxnRequest, context: Context) -> pb.TxnResponse:
        """Do the one or the other. What changes nothing is a question, not a command."""
        op = convert.txn(request)
        self._sound(op, request)
        self._calls.may(context, op)
        answer = await self._propose(op, context)
        if not isinstance(answer, values.HasChosen):
            raise convert.unexpected(answer)
        return convert.has_chosen(self.header(answer.revision), answer)

    def _sound(self, op: values.Put | values.Delete | values.Txn, request: Message) -> None:
        """Refuse what is wrong whatever is in the store."""
        problem = malformed(op, self._limits.operations)
        if problem is not None:
            raise fault(problem)
        if request.ByteSize() + ENVELOPE > self._limits.request_bytes:
            raise errors.too_large()

    async def compact(self, request: pb.CompactionRequest, context: Context) -> pb.CompactionResponse:
        """Forget old revisions."""
        self._calls.administrator(context)
        answer = await self._propose(values.Compact(request.revision), context)
        if not isinstance(answer, values.Happened):
            raise convert.unexpected(answer)
        return pb.CompactionResponse(header=self.header(answer.revision))

    # Leases

    async def grant(self, request: pb.LeaseGrantRequest, context: Context) -> pb.LeaseGrantResponse:
        """Begin a lease."""
        if request.TTL > TTL_MOST:
            raise fault(Problem.TTL_TOO_LARGE)
        ttl = max(1, request.TTL)
        number = request.ID or secrets.randbits(62) + 1
        answer = await self._propose(values.Grant(number, ttl), context)
        if not isinstance(answer, values.Happened):
            raise convert.unexpected(answer)
        return pb.LeaseGrantResponse(header=self.header(answer.revision), ID=answer.number, TTL=ttl)

    async def revoke(self, request: pb.LeaseRevokeRequest, context: Context) -> pb.LeaseRevokeResponse:
        """End a lease, if its keys may be deleted."""
        if not self._permissions.everybody:
            answer = await self._batcher.ask(values.LookAtLease(request.ID, keys=True))
            keys = answer.keys if isinstance(answer, values.LeaseIs) else ()
            name = self._calls.who(context)
            if not all(self._permissions.may(name, key, b"", write=True) for key in keys):
                raise errors.permission_denied()
        answer = await self._propose(values.Revoke(request.ID), context)
        if not isinstance(answer, values.Happened):
            raise convert.unexpected(answer)
        return pb.LeaseRevokeResponse(header=self.header(answer.revision))

    async def keep_alive(self, requests: Any, context: Context) -> AsyncIterator[Message]:
        """Renew leases, one after the other, as they are asked for."""
        async with aclosing(_until(requests, self._stopped)) as asked:
            async for request in asked:
                left = await self._left(pb.AskLeft(ID=request.ID, renew=True))
                yield pb.LeaseKeepAliveResponse(
                    header=self.header(left.revision), ID=request.ID, TTL=left.TTL
                )

    async def time_to_live(
        self, request: pb.LeaseTimeToLiveRequest, context: Context
    ) -> pb.LeaseTimeToLiveResponse:
        """Tell the time that a lease has left, and those of its keys that the caller may read."""
        left = await self._left(pb.AskLeft(ID=request.ID, keys=request.keys))
        keys = list(left.keys)
        if not self._permissions.everybody:
            name = self._calls.who(context)
            keys = [key for key in keys if self._permissions.may(name, key, b"", read=True)]
        return pb.LeaseTimeToLiveResponse(
            header=self.header(left.revision),
            ID=request.ID,
            TTL=left.TTL,
            grantedTTL=left.grantedTTL,
            keys=keys,
        )

    async def leases(self, request: pb.LeaseLeasesRequest, context: Context) -> pb.LeaseLeasesResponse:
        """Tell which leases there are."""
        answer = await self._batcher.ask(values.Leases())
        if not isinstance(answer, values.LeasesAre):
            raise convert.unexpected(answer)
        return pb.LeaseLeasesResponse(
            header=self.header(answer.revision), leases=[pb.LeaseStatus(ID=n) for n, _ in answer.leases]
        )

    async def _left(self, asked: pb.AskLeft) -> pb.Left:
        """Ask whoever knows the time: this node, or the one that leads. Raises Fault."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.wait_ms / 1000
        while True:
            status = self._replica.status()
            left_ms = int((until - loop.time()) * 1000)
            if left_ms <= 0:
                raise errors.no_leader()
            address = next((m.client for m in status.members if m.node == status.leader), None)
            if status.leader == status.node:
                left = await self._lease(asked)
            elif address is not None:
                left = await self._nodes.lease(address, asked, left_ms)
            else:
                left = pb.Left(outcome=pb.Came.LOST)
            if left.outcome == pb.Came.DONE:
                return left
            await asyncio.sleep(0.02)

    async def _lease(self, asked: pb.AskLeft) -> pb.Left:
        try:
            if asked.renew:
                ttl, revision = await self._lessor.renew(asked.ID)
                return pb.Left(ID=asked.ID, TTL=ttl, revision=revision)
            ttl, known = await self._lessor.left(asked.ID, asked.keys)
            return pb.Left(
                ID=asked.ID, TTL=ttl, grantedTTL=known.ttl, keys=known.keys, revision=known.revision
            )
        except NotHere as elsewhere:
            return pb.Left(outcome=pb.Came.NOT_LEADER, leader=elsewhere.leader or "")
        except Fault:
            return pb.Left(outcome=pb.Came.LOST)

    # Watches

    async def watch(self, requests: Any, context: Context) -> AsyncIterator[Message]:
        """Tell what changes, to the watches of one stream."""
        stream = Stream(self._hub)
        answers: asyncio.Queue[pb.WatchResponse] = asyncio.Queue(64)
        reading = asyncio.ensure_future(self._read_watches(requests, context, stream, answers))
        turn = asyncio.ensure_future(self._stopped.wait())
        try:
            while not (turn.done() or reading.done()):
                told = False
                while not answers.empty():
                    yield answers.get_nowait()
                    told = True
                for piece in stream.take():
                    header, most = self.header(piece.revision), self._limits.message_bytes
                    for part in convert.watched(header, piece, most):
                        yield part
                    told = True
                if told:
                    continue
                news = asyncio.ensure_future(stream.news())
                try:
                    waits = {news, reading, turn}
                    done, _ = await asyncio.wait(
                        waits, timeout=PROGRESS_S, return_when=asyncio.FIRST_COMPLETED
                    )
                finally:
                    news.cancel()
                if not done:
                    for watch in stream.watches.values():
                        watch.asked = watch.progress
                    stream.wake()
            if reading.done() and not reading.cancelled() and reading.exception() is not None:
                raise reading.exception() or AssertionError
        finally:
            stream.close()
            await _cancelled(reading, turn)

    async def _read_watches(
        self, requests: Any, context: Context, stream: Stream, answers: asyncio.Queue[pb.WatchResponse]
    ) -> None:
        """Take what a client asks for, until it asks for no more."""
        async for request in requests:
            match request.WhichOneof("request_union"):
                case "create_request":
                    await answers.put(await self._create_watch(request.create_request, context, stream))
                case "cancel_request":
                    if stream.cancel(request.cancel_request.watch_id):
                        await answers.put(
                            pb.WatchResponse(
                                header=self.header(self.store.revision),
                                watch_id=request.cancel_request.watch_id,
                                canceled=True,
                            )
                        )
                case "progress_request":
                    await self._progress(stream, answers)
            stream.wake()

    async def _progress(self, stream: Stream, answers: asyncio.Queue[pb.WatchResponse]) -> None:
        """Tell the whole stream how far it is: no further than any of its watches."""
        while any(watch.behind for watch in stream.watches.values()):
            stream.wake()
            await asyncio.sleep(0.01)
        await answers.put(pb.WatchResponse(header=self.header(self._hub.told), watch_id=-1))

    async def _create_watch(
        self, request: pb.WatchCreateRequest, context: Context, stream: Stream
    ) -> pb.WatchResponse:
        key = request.key or b"\0"  # etcd's clients leave it out when they watch all keys
        refused = pb.WatchResponse(
            header=self.header(self.store.revision), watch_id=-1, created=True, canceled=True
        )
        op = values.Range(key, request.range_end)
        if not self._permissions.everybody and not self._permissions.allows(self._calls.who(context), op):
            refused.cancel_reason = "rpc error: code = PermissionDenied desc = etcdserver: permission denied"
            return refused
        if request.range_end and request.range_end != b"\0" and request.range_end <= key:
            refused.cancel_reason = "mvcc: watcher range is empty"
            return refused
        if request.watch_id and stream.has(request.watch_id):
            refused.cancel_reason = "mvcc: duplicate watch ID provided on the WatchStream"
            return refused
        if len(stream) >= self._limits.watches:
            refused.cancel_reason = "ratified: the stream has too many watches"
            return refused
        # "From now on" is after all that the cluster has acknowledged, of which this node may not know yet.
        begins = request.start_revision
        if begins <= 0:
            answer = await self._batcher.ask(values.Leases())
            begins = answer.revision + 1
        number = request.watch_id or stream.free_number()
        watch = Watch(
            number,
            key,
            request.range_end,
            begins,
            pb.WatchCreateRequest.NOPUT not in request.filters,
            pb.WatchCreateRequest.NODELETE not in request.filters,
            request.prev_kv,
            request.progress_notify,
            request.fragment,
        )
        stream.add(watch)
        return pb.WatchResponse(header=self.header(self.store.revision), watch_id=number, created=True)

    # Between nodes

    async def submit(self, request: pb.Passed, context: Context) -> pb.Came:
        """Submit what another node was asked."""
        self._calls.node(context)
        command = Command(request.client, request.serial, request.payload)
        return came(await self._replica.submit(command))

    async def confirm(self, request: pb.Passed, context: Context) -> pb.Came:
        """Confirm to another node, which was asked something, that this one leads."""
        self._calls.node(context)
        return came(await self._replica.confirm())

    async def order(self, request: pb.Passed, context: Context) -> pb.Came:
        """Give the order that another node was given."""
        self._calls.node(context)
        return came(self._replica.order(request.payload.decode("utf-8", "replace").split()))

    async def lease_here(self, request: pb.AskLeft, context: Context) -> pb.Left:
        """Tell the time of a lease, or renew it, if this node leads."""
        self._calls.node(context)
        return await self._lease(request)


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


def _once(op: Any, context: Context) -> Any:
    """Return an operation as one of a session, if its call says so. Raises Fault: it says something senseless."""
    found = {key: value for key, value in context.invocation_metadata() or () if key.startswith("ratified-")}
    if SESSION not in found:
        return op
    try:
        session, serial = int(found[SESSION], 16), int(found.get(SERIAL, ""))
        acknowledged = int(found.get(ACKNOWLEDGED, "0"))
    except ValueError:
        raise invalid(
            f"ratified: {SESSION} is a lease in hexadecimal, {SERIAL} and {ACKNOWLEDGED} are numbers"
        ) from None
    if not 0 <= acknowledged < serial < 2**63 or not 0 < session < 2**63:
        raise invalid(f"ratified: {ACKNOWLEDGED} is 0 or more and less than {SERIAL}, and {SESSION} a lease")
    return values.Once(session, serial, acknowledged, op)


async def _until(requests: Any, stopped: asyncio.Event) -> AsyncGenerator[Any, None]:
    """Give requests until there are no more, or this node stops."""
    end = asyncio.ensure_future(stopped.wait())
    following: asyncio.Future[Any] = end
    try:
        while True:
            following = asyncio.ensure_future(anext(requests, None))
            await asyncio.wait({following, end}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done() or following.result() is None:
                return
            yield following.result()
    finally:
        await _cancelled(end, following)


async def _cancelled(*futures: asyncio.Future[Any]) -> None:
    """End what is not waited for any more: a task that is left behind would keep its call for ever."""
    for each in futures:
        each.cancel()
    await asyncio.gather(*futures, return_exceptions=True)
