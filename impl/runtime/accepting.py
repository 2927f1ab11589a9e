"""Listening, with TLS or without: who does not get through the handshake is told of, with where it comes from.

Servers of asyncio and uvloop are silent about handshakes that fail, so connections are accepted here.

Guarantees: a handshake takes so long at most; however many are refused, the log grows by a few lines a minute.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from ratified.impl.runtime.links import Log

HANDSHAKE_SECONDS: Final = 20.0

GREETING_MOST: Final = 1_024
BACKLOG: Final = 128
AGAIN_SECONDS: Final = 0.5

FEW: Final = 10


class Refusals:
    """Tells of those who are refused: in a minute, of one address and reason once, and of FEW in all."""

    def __init__(self, log: Log | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._until = 0.0
        self._told: set[tuple[str, str]] = set()
        self._untold = 0

    def tell(self, address: str, why: str) -> None:
        """One more is refused."""
        now = self._clock()
        if now >= self._until:
            self._until = now + 60
            self._told.clear()
        who = address.rpartition(":")[0], why
        if len(self._told) >= FEW or who in self._told:
            self._untold += 1
            return
        self._told.add(who)
        more = {"untold": self._untold} if self._untold else {}
        self._untold = 0
        if self._log is not None:
            self._log.warning("refused", address=address, why=why[:200], **more)


class Listening:
    """What accepts connections, until it is closed."""

    def __init__(
        self,
        make: Callable[[], asyncio.Protocol],
        sockets: Sequence[socket.socket],
        tls: ssl.SSLContext | None,
        refusals: Refusals,
    ) -> None:
        self.port: int = sockets[0].getsockname()[1]
        self._make = make
        self._tls = tls
        self._refusals = refusals
        self._greeting: set[asyncio.Task[None]] = set()
        self._accepting = [asyncio.create_task(self._accept(each)) for each in sockets]
        for task, each in zip(self._accepting, sockets, strict=True):
            task.add_done_callback(partial(_close, each))  # not while the loop looks at it

    def close(self) -> None:
        """Accept no more."""
        for task in (*self._accepting, *self._greeting):
            task.cancel()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, where = await loop.sock_accept(listening)
            except OSError as error:  # it has as many files as it may have
                self._refusals.tell("all", str(error))
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            address = ":".join(map(str, where[:2]))
            if len(self._greeting) >= GREETING_MOST:
                self._refusals.tell(address, f"{GREETING_MOST:,} others are in the handshake")
                connection.close()
                continue
            task = loop.create_task(self._greet(connection, address))
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    async def _greet(self, connection: socket.socket, address: str) -> None:
        timeout = HANDSHAKE_SECONDS if self._tls is not None else None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make, connection, ssl=self._tls, ssl_handshake_timeout=timeout
            )
        except OSError as error:
            self._refusals.tell(address, _said(error))


def _close(listening: socket.socket, _: object) -> None:
    listening.close()


async def listen(
    make: Callable[[], asyncio.Protocol],
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    refusals: Refusals,
    *,
    reuse_port: bool = False,
) -> Listening:
    """Have a protocol made for each connection. Raises OSError: the address is not available."""
    places = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, where in dict.fromkeys(places):
            made = socket.create_server(where, family=family, backlog=BACKLOG, reuse_port=reuse_port)
            made.setblocking(False)
            sockets.append(made)
    except OSError:
        for each in sockets:
            each.close()
        raise
    return Listening(make, sockets, tls, refusals)


def _said(error: BaseException) -> str:
    """Why a handshake failed, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).lower().replace("_", " ")
        return f"TLS: {_MEANS.get(error.reason or '', reason)}"
    if isinstance(error, ConnectionAbortedError):
        return f"TLS: no handshake in {HANDSHAKE_SECONDS:g} s"
    return "TLS: it closed the connection during the handshake"


_MEANS: Final = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it has no certificate",
    "HTTP_REQUEST": "it speaks HTTP without TLS",
    "WRONG_VERSION_NUMBER": "it speaks something without TLS",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know the authority of this node's certificate",
}
"""What OpenSSL's reasons mean where that is not plain."""
