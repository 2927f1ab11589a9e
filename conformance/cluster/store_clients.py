"""The same clients, for the store behind etcd's interface: they ask by its own client, which repeats and fails over.

Answers to changes are lost and copies arrive late, below that client, which sends again what has no answer.

Guarantees: those of `clients`; a change whose outcome that client does not know stays open.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from random import Random
from typing import Any

import grpc.aio
from google.protobuf.message import Message

from ratified.conformance.cluster.clients import COPIES, LOSS, Client
from ratified.impl.client.aio import StoreClient
from ratified.impl.client.errors import StoreError
from ratified.impl.etcd import etcd_pb2 as pb


class Losing(grpc.aio.UnaryUnaryClientInterceptor):
    """Loses a share of the answers to changes, and has copies of changes arrive late: a change counts once all the same."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._copies: set[asyncio.Task[None]] = set()

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Pass a call on."""
        call = await continuation(details, request)
        if not any(name == "ratified-session" for name, _ in details.metadata or ()):
            return call
        if self._random.random() < COPIES:
            late = self._copy(continuation, details, request, self._random.uniform(0.2, 8.0))
            task = asyncio.create_task(late)
            self._copies.add(task)
            task.add_done_callback(self._copies.discard)
        if self._random.random() < LOSS:
            await call.code()
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing, "the answer was lost")
        return call

    async def _copy(self, continuation: Any, details: Any, request: Any, seconds: float) -> None:
        await asyncio.sleep(seconds)
        with suppress(grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.CancelledError):
            await (await continuation(details, request))

    def close(self) -> None:
        """Send no more copies."""
        for task in self._copies:
            task.cancel()


class Sessionless(StoreClient):
    """As etcd's own clients are: it does not say a change twice, and if there is no answer its outcome is not known."""

    async def _change(self, method: str, request: Message) -> Any:
        return await self._ask(method, request, patient=False)


class EtcdClient(Client):
    """One client of the store. Its places are the addresses that nodes serve clients at. Every third has no sessions."""

    _store: StoreClient | None = None
    _losing: Losing | None = None

    async def close(self) -> None:
        """End its connections."""
        await super().close()
        await self._forget()

    async def _forget(self) -> None:
        store, self._store = self._store, None
        if self._losing is not None:
            self._losing.close()
        if store is not None:
            await store.close()

    async def _asked(self, function: str, key: str, value: Any, until: float) -> tuple[bytes | None, int]:
        """Ask for something, once: the client repeats it itself."""
        seconds = max(0.1, until - time.monotonic())
        if self._store is None:
            addresses = [address for _, address in self._places()]
            self._losing = Losing(self._random)
            kind = Sessionless if self._number % 3 == 2 else StoreClient
            self._store = kind(
                addresses,
                timeout_s=self._patience,
                refresh=False,
                interceptors=[self._losing],
                attempt_timeout_ms=int(1_000 * self._attempt_s),
            )
        try:
            async with asyncio.timeout(seconds + 1):
                return await self._through(self._store, function, key.encode(), value), 1
        except (StoreError, TimeoutError):
            await self._forget()
            return None, 1

    async def _through(self, store: StoreClient, function: str, key: bytes, value: Any) -> bytes:
        match function:
            case "get":
                found = await store.get(key)
                return found.value if found is not None else b""
            case "put":
                await store.put(key, value.encode())
                return b""
            case "delete":
                await store.delete(key)
                return b""
        old, new = value
        same = pb.Compare(
            result=pb.Compare.EQUAL,
            target=pb.Compare.VALUE,
            key=key,
            value=b"" if old is None else old.encode(),
        )
        swap = pb.RequestOp(request_put=pb.PutRequest(key=key, value=new.encode()))
        decided = await store.txn([same], [swap])
        return b"true" if decided.succeeded else b"false"
