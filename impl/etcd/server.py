"""A node of the store as etcd's clients see it: gRPC, on one address.

    async with Server(replica, "127.0.0.1:0", cluster="orders") as server:
        print(server.address)

Guarantees: beside loopback it listens only with TLS and clients' certificates; who has no permission is told the same whether a
key exists or not; a call that is refused, or nonsense, has changed nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import ssl
from collections.abc import Callable
from typing import Self

import grpc

from ratified.impl.contract import Applied, Restored
from ratified.impl.etcd.batching import Batcher
from ratified.impl.etcd.calls import Calls
from ratified.impl.etcd.http2 import Http2
from ratified.impl.etcd.lessor import TICK_MS, Lessor
from ratified.impl.etcd.operators import Operators
from ratified.impl.etcd.passing import Nodes
from ratified.impl.etcd.services import Services
from ratified.impl.etcd.settings import Limits, Permissions, SettingsError
from ratified.impl.etcd.watches import Hub
from ratified.impl.runtime.accepting import Refusals
from ratified.impl.runtime.links import Log, parsed
from ratified.impl.runtime.replica import Operated
from ratified.impl.runtime.settings import Tls
from ratified.impl.store.store import Store


class Server:
    """Serves a replica whose state machine is a `Store`. It begins and ends with `async with`, or `start` and `stop`.

    `tick_ms` is how often it looks at the time of leases; with 0 whoever runs it calls `lessor.step`. With `reuse_port` other
    processes may have the port reserved, or share it. Clients that are refused before they call are told of in `log`.

    Raises:
        SettingsError: an address beyond loopback without TLS; TLS without permissions; a state machine that is no store.
    """

    def __init__(
        self,
        replica: Operated,
        address: str,
        *,
        cluster: str = "ratified",
        tls: Tls | None = None,
        permissions: Permissions | None = None,
        limits: Limits | None = None,
        tick_ms: int = TICK_MS,
        reuse_port: bool = False,
        log: Log | None = None,
    ) -> None:
        if tls is None and not _is_loopback(address):
            raise SettingsError(
                f"{address} is not loopback: give certificates, or listen on 127.0.0.1 or [::1]"
            )
        if tls is not None and permissions is None:
            raise SettingsError(
                "clients have certificates, and none of them has a permission: write [permissions]"
            )
        if not isinstance(replica.machine, Store):
            raise SettingsError(
                f"the state machine is {type(replica.machine).__name__}, which is not a store"
            )
        self._replica = replica
        self._wanted = address
        self._tls = tls
        limits = limits or Limits()
        credentials = None
        if tls is not None:
            files = (path.read_bytes() for path in (tls.ca, tls.key, tls.certificate))
            credentials = grpc.ssl_channel_credentials(*files)
        self.nodes = Nodes(credentials)
        self.batcher = Batcher(replica, self.nodes, pending=limits.pending, wait_ms=limits.wait_ms)
        self.lessor = Lessor(replica, self.store, revisions=limits.revisions)
        self.hub = Hub(self.store)
        self._calls = Calls(
            replica, cluster, Permissions(everybody=True) if permissions is None else permissions
        )
        self.services = Services(
            self._calls, replica, self.batcher, self.lessor, self.hub, self.nodes, limits
        )
        self._operators = Operators(self._calls, replica, self.batcher, self.store, limits)
        self._limits = limits
        self._tick_ms = tick_ms
        self._reuse_port = reuse_port
        self._refusals = Refusals(log)
        self._http2: Http2 | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._ticking: asyncio.Task[None] | None = None
        self.address = ""

    def store(self) -> Store:
        """Return this node's copy of the store."""
        machine = self._replica.machine
        assert isinstance(machine, Store)
        return machine

    async def start(self) -> None:
        """Listen. Raises OSError: the address is not available."""
        self._calls.serve(self.services.methods(), self._operators.methods())
        http2 = Http2(self._calls.find, self._limits.message_bytes, self._refusals)
        host, port = parsed(self._wanted)
        tls = None if self._tls is None else _context(self._tls)
        try:
            port = await http2.listen(host, port, tls, self._reuse_port)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error
            raise OSError(
                f"clients cannot be served on {self._wanted}: {why}; give another `client` address, "
                "or stop what is using it"
            ) from None
        self._http2 = http2
        self.address = f"{self._wanted.rsplit(':', 1)[0]}:{port}"
        self._unsubscribe = self._replica.subscribe(self._changed)
        if self._tick_ms:
            self._ticking = asyncio.ensure_future(self._tick())

    async def stop(self, grace_s: float = 0.5) -> None:
        """Answer what is on the way, for so long at most, and listen no more."""
        if self._http2 is None:
            return
        http2, self._http2 = self._http2, None
        self._unsubscribe()
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        self.services.stop()
        await http2.close(grace_s)
        await self.batcher.close()
        await self.nodes.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _changed(self, what: Applied | Restored) -> None:
        if isinstance(what, Restored):
            self.hub.all_anew()
        else:
            self.hub.advance()
        self.batcher.advanced()

    async def _tick(self) -> None:
        while True:
            await self.lessor.step()
            await asyncio.sleep(self._tick_ms / 1000)


def _is_loopback(address: str) -> bool:
    host = address.rsplit(":", 1)[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _context(tls: Tls) -> ssl.SSLContext:
    """Return what to serve with: HTTP/2 for those with a certificate of the authority. Raises SettingsError of the runtime."""
    from ratified.impl.runtime.tls import contexts  # which needs one more package

    context, _ = contexts(tls)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # some clients know no later one
    context.set_alpn_protocols(["h2"])
    return context
