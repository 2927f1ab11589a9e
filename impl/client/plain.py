"""The client for programs without a loop: a loop of its own, in a thread, and the same methods.

    with PlainClient(["127.0.0.1:2379"]) as client:
        client.put(b"k", b"v")
        for event in client.watch(b"k"): ...

Guarantees: those of `aio`. It may be used by several threads.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from ratified.impl.client.aio import Decided, Event, Key, Lock, StoreClient
from ratified.impl.etcd import etcd_pb2 as pb

T = TypeVar("T")


class PlainClient:
    """See StoreClient, whose arguments it takes. It ends with `with`, or `close`."""

    def __init__(self, endpoints: Iterable[str], **how: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="store client", daemon=True)
        self._thread.start()
        self._client = self._run(_made(list(endpoints), how))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what goes on."""
        self._run(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, asked: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def get(self, key: bytes, *, revision: int = 0, serializable: bool = False) -> Key | None:
        """Return a key."""
        return self._run(self._client.get(key, revision=revision, serializable=serializable))

    def range(self, key: bytes, end: bytes = b"", **how: Any) -> tuple[Key, ...]:
        """Return the keys of a range."""
        return self._run(self._client.range(key, end, **how))

    def put(self, key: bytes, value: bytes, *, lease: int = 0) -> int:
        """Set a key; return the revision."""
        return self._run(self._client.put(key, value, lease=lease))

    def delete(self, key: bytes, end: bytes = b"", *, prefix: bool = False) -> int:
        """Delete a range; return how many keys there were."""
        return self._run(self._client.delete(key, end, prefix=prefix))

    def txn(
        self,
        compare: Iterable[pb.Compare],
        success: Iterable[pb.RequestOp] = (),
        failure: Iterable[pb.RequestOp] = (),
    ) -> Decided:
        """Do the one or the other, in one revision."""
        return self._run(self._client.txn(compare, success, failure))

    def revision(self) -> int:
        """Return the revision of the store."""
        return self._run(self._client.revision())

    def watch(self, key: bytes, end: bytes = b"", **how: Any) -> Iterator[Event]:
        """Give the changes of a range."""
        changes = self._client.watch(key, end, **how)
        try:
            while True:
                yield self._run(_next(changes))
        finally:
            self._run(_closed(changes))

    @contextmanager
    def lock(self, name: bytes, **how: Any) -> Iterator[Lock]:
        """Hold a lock, once nobody else does."""
        manager = self._client.lock(name, **how)
        lock = self._run(_entered(manager))
        try:
            yield lock
        finally:
            self._run(_left(manager))


async def _made(endpoints: list[str], how: dict[str, Any]) -> StoreClient:
    client = StoreClient(endpoints, **how)
    try:
        return await client.__aenter__()
    except BaseException:
        await client.close()
        raise


async def _next(changes: AsyncIterator[Event]) -> Event:
    return await anext(changes)


async def _closed(changes: Any) -> None:
    await changes.aclose()


async def _entered(manager: Any) -> Lock:
    lock: Lock = await manager.__aenter__()
    return lock


async def _left(manager: Any) -> None:
    await manager.__aexit__(None, None, None)
