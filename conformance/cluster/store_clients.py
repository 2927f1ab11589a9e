"""The same clients, for the store behind etcd's interface: they ask by its own client, which repeats and fails over.

Guarantees: those of `clients`; a change whose outcome that client does not know stays open.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ratified.conformance.cluster.clients import Client
from ratified.impl.client.aio import StoreClient
from ratified.impl.client.errors import StoreError
from ratified.impl.etcd import etcd_pb2 as pb


class EtcdClient(Client):
    """One client of the store. Its places are the addresses that nodes serve clients at."""

    _store: StoreClient | None = None

    async def close(self) -> None:
        """End its connections."""
        await super().close()
        await self._forget()

    async def _forget(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            await store.close()

    async def _asked(self, function: str, key: str, value: Any, until: float) -> tuple[bytes | None, int]:
        """Ask for something, once: the client repeats it itself."""
        seconds = max(0.1, until - time.monotonic())
        if self._store is None:
            addresses = [address for _, address in self._places()]
            self._store = StoreClient(addresses, timeout_s=self._patience, refresh=False)
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
