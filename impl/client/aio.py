"""An asyncio client for the store, on the policies of `ratified.impl.services`.

    async with StoreClient(["127.0.0.1:2379", "127.0.0.1:2381"]) as client:
        await client.put(b"orders/7", b"paid")
        async for event in client.watch(b"orders/", prefix=True): ...
        async with client.lock(b"door") as lock:
            await client.txn([lock.is_held()], [put(b"x", b"1")])

Guarantees: a change that is sent again, to whichever node, happens once: calls carry a session, which is a lease, and a number.
A watch goes on at another node behind the last revision that it told, without a gap and without telling twice. A lease is over
here before it is over for the cluster. Whoever holds a lock looked, after it had waited, whether its own key was still there;
what it guards by `is_held` happens only as long as it is.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from ratified.impl.client.errors import Compacted, LeaseLost, OutcomeUnknown, StoreError, Unreachable
from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd.settings import end_of_prefix
from ratified.impl.services.endpoints import Endpoint
from ratified.impl.services.grpc import OPTIONS, BalancedChannel
from ratified.impl.services.recovery import Session
from ratified.impl.services.retry import Backoff, RetryPolicy

KV, LEASE, WATCH = "/etcdserverpb.KV/", "/etcdserverpb.Lease/", "/etcdserverpb.Watch/Watch"
IDEMPOTENT: Final = (
    f"{KV}Range",
    f"{LEASE}LeaseGrant",  # of a number that the client draws: the second time it is there already
    f"{LEASE}LeaseTimeToLive",
    f"{LEASE}LeaseLeases",
    "/etcdserverpb.Cluster/MemberList",
    "/etcdserverpb.Maintenance/Status",
)
METHODS: Final[dict[str, tuple[type[Message], type[Message]]]] = {
    f"{KV}Range": (pb.RangeRequest, pb.RangeResponse),
    f"{KV}Put": (pb.PutRequest, pb.PutResponse),
    f"{KV}DeleteRange": (pb.DeleteRangeRequest, pb.DeleteRangeResponse),
    f"{KV}Txn": (pb.TxnRequest, pb.TxnResponse),
    f"{KV}Compact": (pb.CompactionRequest, pb.CompactionResponse),
    f"{LEASE}LeaseGrant": (pb.LeaseGrantRequest, pb.LeaseGrantResponse),
    f"{LEASE}LeaseRevoke": (pb.LeaseRevokeRequest, pb.LeaseRevokeResponse),
    f"{LEASE}LeaseTimeToLive": (pb.LeaseTimeToLiveRequest, pb.LeaseTimeToLiveResponse),
    "/etcdserverpb.Cluster/MemberList": (pb.MemberListRequest, pb.MemberListResponse),
    "/etcdserverpb.Maintenance/Status": (pb.StatusRequest, pb.StatusResponse),
}
BACKOFF: Final = Backoff(base_ms=50, cap_ms=1_000)
HEARD: Final = (
    *OPTIONS,
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
)
"""Of connections: a watch goes on elsewhere, too, where a node hangs, or its machine is gone without a word."""

R = TypeVar("R", bound=Message)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is, or was: see etcd's data model for the revisions."""

    key: bytes
    value: bytes
    created: int
    modified: int
    version: int
    lease: int


@dataclass(frozen=True, slots=True)
class Event:
    """A key was set, or deleted, in a revision; `previous` is what it was, if that was asked for and is known."""

    key: Key
    deleted: bool
    previous: Key | None

    @property
    def revision(self) -> int:
        """The revision of the change."""
        return self.key.modified


@dataclass(frozen=True, slots=True)
class Decided:
    """What a transaction came to: whether its comparisons held, and for each operation what it found or replaced."""

    succeeded: bool
    revision: int
    found: tuple[tuple[Key, ...], ...]


def _key(message: pb.KeyValue) -> Key:
    return Key(
        message.key,
        message.value,
        message.create_revision,
        message.mod_revision,
        message.version,
        message.lease,
    )


# What transactions are made of


def put(key: bytes, value: bytes, lease: int = 0) -> pb.RequestOp:
    """Set a key, in a transaction."""
    return pb.RequestOp(request_put=pb.PutRequest(key=key, value=value, lease=lease))


def get(key: bytes, *, prefix: bool = False) -> pb.RequestOp:
    """Read, in a transaction."""
    return pb.RequestOp(request_range=pb.RangeRequest(key=key or b"\0", range_end=_end(key, prefix)))


def delete(key: bytes, *, prefix: bool = False) -> pb.RequestOp:
    """Delete, in a transaction."""
    end = _end(key, prefix)
    return pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=key or b"\0", range_end=end))


def value_is(key: bytes, value: bytes) -> pb.Compare:
    """A key has this value."""
    return pb.Compare(key=key, target=pb.Compare.VALUE, value=value)


def version_is(key: bytes, version: int) -> pb.Compare:
    """A key has this version; 0: it is not there."""
    return pb.Compare(key=key, target=pb.Compare.VERSION, version=version)


def created_at(key: bytes, revision: int) -> pb.Compare:
    """A key was created in this revision."""
    return pb.Compare(key=key, target=pb.Compare.CREATE, create_revision=revision)


def _end(key: bytes, prefix: bool) -> bytes:
    return end_of_prefix(key) if prefix else b""


def now_ms() -> int:
    """The time of a clock that does not go back."""
    return time.monotonic_ns() // 1_000_000


class StoreClient:
    """Asks a cluster. To be made where a loop runs; it ends with `async with`, or `close`.

    `endpoints` are some of the nodes; the others are found from them. `timeout_s` is how long a request may take with all its
    attempts, and a third of it how long one node may take before another is asked (`attempt_timeout_ms`); `session_s` how long
    the cluster remembers, for a client that it does not hear of, which changes it has made.
    """

    def __init__(
        self,
        endpoints: Iterable[str],
        *,
        credentials: grpc.ChannelCredentials | None = None,
        timeout_s: float = 10.0,
        session_s: int = 60,
        refresh: bool = True,
        interceptors: Sequence[grpc.aio.ClientInterceptor] = (),
        **policies: Any,
    ) -> None:
        def connect(target: str) -> grpc.aio.Channel:
            if credentials is None:
                return grpc.aio.insecure_channel(target, HEARD, interceptors=interceptors)
            return grpc.aio.secure_channel(target, credentials, HEARD, interceptors=interceptors)

        policies.setdefault("retry", RetryPolicy(5, BACKOFF))
        policies.setdefault("attempt_timeout_ms", max(1, int(timeout_s * 1_000 / 3)))
        self.channel = BalancedChannel(
            endpoints, connect=connect, idempotent=IDEMPOTENT, repeatable=("ratified-session",), **policies
        )
        self._timeout_s = timeout_s
        self._session_s = session_s
        self._refresh = refresh
        self._lease: Lease | None = None
        self._beginning = asyncio.Lock()
        self._serial = 0
        self._unanswered: set[int] = set()
        self._leases: set[Lease] = set()
        self._stubs = {
            name: self.channel.unary_unary(name, asked.SerializeToString, answered.FromString)
            for name, (asked, answered) in METHODS.items()
        }

    async def __aenter__(self) -> Self:
        if self._refresh:
            await self.resolve()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End what goes on; the session ends by itself."""
        for lease in list(self._leases):
            await lease.stop()
        await self.channel.close()

    async def resolve(self) -> None:
        """Find all nodes from those that are known. Raises StoreError."""
        answer: pb.MemberListResponse = await self._ask(
            "/etcdserverpb.Cluster/MemberList", pb.MemberListRequest(linearizable=False), patient=False
        )
        names = [url.partition("://")[2] for member in answer.members for url in member.clientURLs]
        if names:
            self.channel.update([Endpoint(name) for name in names])

    # Asking

    async def _ask(
        self, method: str, request: Message, metadata: Sequence[tuple[str, str]] = (), *, patient: bool = True
    ) -> Any:
        """Ask, and if `patient` again until there is an answer or no time left: all that is asked here may be said twice.

        Raises:
            StoreError: there is none.
        """
        until = time.monotonic() + self._timeout_s
        tries = 0
        while True:
            left = max(0.001, until - time.monotonic())
            try:
                return await self._stubs[method](request, timeout=left, metadata=list(metadata))
            except grpc.aio.AioRpcError as error:
                failed = _store_error(error)
            pause = BACKOFF.delay_ms(tries, random.SystemRandom().randrange) / 1000
            if not patient or not isinstance(failed, Unreachable) or time.monotonic() + pause >= until:
                raise failed
            await asyncio.sleep(pause)
            tries += 1

    async def _change(self, method: str, request: Message) -> Any:
        """Have something changed, once. Raises StoreError."""
        lease = await self._session()
        self._serial += 1
        serial = self._serial
        self._unanswered.add(serial)
        acknowledged = min(self._unanswered) - 1
        metadata = [
            ("ratified-session", f"{lease.number:x}"),
            ("ratified-serial", str(serial)),
            ("ratified-acknowledged", str(acknowledged)),
        ]
        try:
            return await self._ask(method, request, metadata)
        except OutcomeUnknown:
            self._lease = None  # what comes next begins another session
            raise
        finally:
            self._unanswered.discard(serial)

    async def _session(self) -> Lease:
        """Return the lease by whose number the cluster remembers this client's changes."""
        async with self._beginning:
            if self._lease is None or self._lease.lost.is_set():
                self._lease = await self.grant(self._session_s)
                self._serial = 0
                self._unanswered = set()
            return self._lease

    # Keys

    async def get(self, key: bytes, *, revision: int = 0, serializable: bool = False) -> Key | None:
        """Return a key. Raises StoreError, Compacted."""
        found = await self.range(key, revision=revision, serializable=serializable)
        return found[0] if found else None

    async def range(
        self,
        key: bytes,
        end: bytes = b"",
        *,
        prefix: bool = False,
        limit: int = 0,
        revision: int = 0,
        serializable: bool = False,
    ) -> tuple[Key, ...]:
        """Return the keys of a range, in order. Raises StoreError."""
        answer: pb.RangeResponse = await self._ask(
            f"{KV}Range",
            pb.RangeRequest(
                key=key or b"\0",
                range_end=_end(key, prefix) or end,
                limit=limit,
                revision=revision,
                serializable=serializable,
            ),
        )
        return tuple(_key(each) for each in answer.kvs)

    async def put(self, key: bytes, value: bytes, *, lease: int = 0) -> int:
        """Set a key; return the revision. Raises StoreError."""
        answer: pb.PutResponse = await self._change(
            f"{KV}Put", pb.PutRequest(key=key, value=value, lease=lease)
        )
        return answer.header.revision

    async def delete(self, key: bytes, end: bytes = b"", *, prefix: bool = False) -> int:
        """Delete a range; return how many keys there were. Raises StoreError."""
        answer: pb.DeleteRangeResponse = await self._change(
            f"{KV}DeleteRange",
            pb.DeleteRangeRequest(key=key or b"\0", range_end=_end(key, prefix) or end),
        )
        return answer.deleted

    async def txn(
        self,
        compare: Iterable[pb.Compare],
        success: Iterable[pb.RequestOp] = (),
        failure: Iterable[pb.RequestOp] = (),
    ) -> Decided:
        """If all comparisons hold do the one, else the other, in one revision. Raises StoreError."""
        answer: pb.TxnResponse = await self._change(
            f"{KV}Txn",
            pb.TxnRequest(compare=list(compare), success=list(success), failure=list(failure)),
        )
        found = tuple(
            tuple(_key(each) for each in response.response_range.kvs) for response in answer.responses
        )
        return Decided(answer.succeeded, answer.header.revision, found)

    async def compact(self, revision: int) -> None:
        """Have the cluster forget what was before a revision. Raises StoreError."""
        await self._change(f"{KV}Compact", pb.CompactionRequest(revision=revision))

    async def revision(self) -> int:
        """Return the revision of the store. Raises StoreError."""
        request = pb.RangeRequest(key=b"\0", limit=1, count_only=True)
        answer: pb.RangeResponse = await self._ask(f"{KV}Range", request)
        return answer.header.revision

    # Watching

    async def watch(
        self,
        key: bytes,
        end: bytes = b"",
        *,
        prefix: bool = False,
        after: int | None = None,
        previous: bool = False,
        begun: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[Event, None]:
        """Give the changes of a range after a revision, by default after now: in order, each once, none left out.

        `begun` is called each time that a node has taken up the watch. Ends only with its reader. Raises Compacted.
        """
        place = Session("watch")
        place.watch("", await self.revision() if after is None else after)
        tries = 0
        while True:
            since = place.reattach(now_ms()).watches[""]
            request = pb.WatchRequest(
                create_request=pb.WatchCreateRequest(
                    key=key or b"\0",
                    range_end=_end(key, prefix) or end,
                    start_revision=since,
                    prev_kv=previous,
                    progress_notify=True,
                )
            )
            over = asyncio.Event()
            call = self.channel.stream_stream(
                WATCH, pb.WatchRequest.SerializeToString, pb.WatchResponse.FromString
            )(_kept_open(request, over))
            try:
                async for response in call:
                    tries = 0
                    if response.compact_revision:
                        raise Compacted(response.compact_revision)
                    if response.canceled:
                        raise StoreError(response.cancel_reason, "CANCELLED")
                    if response.created:
                        begun()
                    for event in news(response, place):
                        yield event
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.PERMISSION_DENIED:
                    raise _store_error(error) from None
            finally:
                call.cancel()
                over.set()  # gRPC goes on to wait for the requests of a call that has failed
            await asyncio.sleep(BACKOFF.delay_ms(tries, random.SystemRandom().randrange) / 1000)
            tries += 1

    # Leases

    async def grant(self, seconds: int, *, number: int | None = None) -> Lease:
        """Begin a lease, which is renewed until it is stopped or lost. Raises StoreError."""
        lease = number or random.SystemRandom().randrange(1, 1 << 62)
        asked_ms = now_ms()
        try:
            answer: pb.LeaseGrantResponse = await self._ask(
                f"{LEASE}LeaseGrant", pb.LeaseGrantRequest(ID=lease, TTL=seconds)
            )
            seconds = answer.TTL
        except StoreError as error:
            if number is not None or "already exists" not in error.text:
                raise  # a number that was drawn is there already because it was asked for twice
        return Lease(self, lease, seconds, asked_ms)

    async def renew(self, lease: int) -> int:
        """Renew a lease, once; return its seconds, 0 if it is over. Raises StoreError."""
        call = self.channel.stream_stream(
            f"{LEASE}LeaseKeepAlive",
            pb.LeaseKeepAliveRequest.SerializeToString,
            pb.LeaseKeepAliveResponse.FromString,
        )(iter([pb.LeaseKeepAliveRequest(ID=lease)]), timeout=self._timeout_s)
        try:
            async for response in call:
                return int(response.TTL)
        except grpc.aio.AioRpcError as error:
            raise _store_error(error) from None
        raise Unreachable("the stream ended without an answer", "UNAVAILABLE")

    async def revoke(self, lease: int) -> None:
        """End a lease, and delete its keys. Raises StoreError."""
        await self._change(f"{LEASE}LeaseRevoke", pb.LeaseRevokeRequest(ID=lease))

    @asynccontextmanager
    async def lock(
        self, name: bytes, *, seconds: int = 30, begun: Callable[[], None] = lambda: None
    ) -> AsyncIterator[Lock]:
        """Hold a lock, once nobody else does. `begun` is called when this client stands in line. Raises StoreError, LeaseLost."""
        lease = await self.grant(seconds)
        try:
            lock = Lock(self, name, lease)
            await lock.stand_in_line()
            begun()
            await lock.wait()
            yield lock
        finally:
            await lease.stop()
            with suppress(StoreError):  # it ends by itself
                await self.revoke(lease.number)

    def leased(self, lease: Lease) -> None:
        """A lease has begun, which is to end with this client."""
        self._leases.add(lease)

    def unleased(self, lease: Lease) -> None:
        """It has ended."""
        self._leases.discard(lease)


class Lease:
    """A lease of this client. `lost` is set when it is over."""

    def __init__(self, client: StoreClient, number: int, seconds: int, asked_ms: int) -> None:
        self.number = number
        self.seconds = seconds
        self.lost = asyncio.Event()
        self._client = client
        self._session = Session(f"{number:x}")
        self._session.granted(number, asked_ms, seconds * 1_000)
        self._task = asyncio.ensure_future(self._renew())
        client.leased(self)

    def holds(self) -> bool:
        """Whether it runs, as far as this client can be sure."""
        return not self.lost.is_set() and self._session.holds(self.number, now_ms())

    async def stop(self) -> None:
        """Renew it no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._client.unleased(self)

    async def _renew(self) -> None:
        try:
            while self._session.holds(self.number, now_ms()):
                await asyncio.sleep(self.seconds / 3)
                asked_ms = now_ms()
                try:
                    async with asyncio.timeout(self.seconds / 3):
                        seconds = await self._client.renew(self.number)
                except (StoreError, TimeoutError):
                    continue
                if not seconds:
                    break
                self._session.renewed(self.number, asked_ms, seconds * 1_000)
        finally:
            self.lost.set()


class Lock:
    """A place in the line for a lock: its key, and the revision of its creation, which is the fencing token."""

    def __init__(self, client: StoreClient, name: bytes, lease: Lease) -> None:
        self.key = name + f"/{lease.number:x}".encode()
        self.token = 0
        self.lease = lease
        self._client = client
        self._prefix = name + b"/"

    def is_held(self) -> pb.Compare:
        """What is to hold in a transaction that only the holder may do: the key is there, and is still this one."""
        return created_at(self.key, self.token)

    async def stand_in_line(self) -> None:
        """Put the key behind those that are there. Raises StoreError."""
        made = await self._client.txn(
            [version_is(self.key, 0)], [put(self.key, b"", self.lease.number)], [get(self.key)]
        )
        if not made.succeeded and not (made.found and made.found[0]):
            raise StoreError("the key is said to be there, and was not told", "DATA_LOSS")
        self.token = made.revision if made.succeeded else made.found[0][0].created

    async def wait(self) -> None:
        """Wait for all that stood in line before, and see that the own key is still there. Raises LeaseLost, StoreError."""
        while True:
            before = [
                key for key in await self._client.range(self._prefix, prefix=True) if key.created < self.token
            ]
            if not before:
                break
            last = max(before, key=lambda key: key.created)
            changes = self._client.watch(last.key, after=last.modified)
            gone = asyncio.ensure_future(until_deleted(changes))
            lost = asyncio.ensure_future(self.lease.lost.wait())
            try:
                await asyncio.wait({gone, lost}, return_when=asyncio.FIRST_COMPLETED)
                if lost.done():
                    raise LeaseLost(self.lease.number)
                gone.result()
            finally:
                for each in (gone, lost):
                    each.cancel()
                await asyncio.gather(gone, lost, return_exceptions=True)
        mine = await self._client.get(self.key)
        if mine is None or mine.created != self.token:
            raise LeaseLost(self.lease.number)


async def until_deleted(changes: AsyncGenerator[Event, None]) -> None:
    """Wait until one of the changes is that a key was deleted, and end the watch."""
    async with aclosing(changes):
        async for event in changes:
            if event.deleted:
                return


async def _kept_open(request: pb.WatchRequest, over: asyncio.Event) -> AsyncIterator[pb.WatchRequest]:
    """Ask for a watch; a stream of requests that ended would end it."""
    yield request
    await over.wait()


def news(response: pb.WatchResponse, place: Session) -> Iterable[Event]:
    """Return what a response tells that was not told before; a revision is told as a whole."""
    new: dict[int, bool] = {}
    for event in response.events:
        revision = event.kv.mod_revision
        if revision not in new:
            new[revision] = place.seen("", revision)
        if new[revision]:
            previous = _key(event.prev_kv) if event.HasField("prev_kv") else None
            yield Event(_key(event.kv), event.type == pb.Event.DELETE, previous)
    if not response.events and not response.created and response.header.revision > 0:
        place.seen("", response.header.revision)  # progress: all up to there was told


def _store_error(error: grpc.aio.AioRpcError) -> StoreError:
    code, text = error.code(), error.details() or ""
    if "the lease of this session has expired" in text:
        return OutcomeUnknown(text, code.name)
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return Unreachable(text, code.name)
    return StoreError(text, code.name)
