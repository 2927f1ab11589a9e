"""A node's connections with all others: who they are, where they are found, and who may speak.

A node knows where others are from its settings; and of those that are not there, from the others: whoever connects says where all
nodes are that it knows. Of two addresses the newer one counts; each start of a node makes its own newer.

Guarantees: only members of the same cluster that speak the same messages are listened to, under names that their certificates
bear out.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ratified.impl.contract import NodeId
from ratified.impl.runtime.accepting import Listening, Refusals, listen
from ratified.impl.runtime.clock import Hybrid
from ratified.impl.runtime.codec import CodecError
from ratified.impl.runtime.errors import InUse
from ratified.impl.runtime.hosted import Hosted
from ratified.impl.runtime.links import Incoming, Link, Log, parsed
from ratified.impl.runtime.settings import Settings
from ratified.impl.runtime.wire import (
    PART,
    SPEECH,
    VERSIONS,
    Address,
    Addresses,
    Hello,
    Kind,
    Request,
    WireError,
)

MOST_ADDRESSES = 1_000


class Peers:
    """Listens, and has a link to each other node. `receive` is handed messages, `request` what clients ask."""

    def __init__(
        self,
        settings: Settings,
        protocol: Hosted,
        log: Log,
        clock: Hybrid,
        receive: Callable[[NodeId, Any], None],
        request: Callable[[Incoming, Request], None],
        tls: tuple[ssl.SSLContext, ssl.SSLContext] | None,
    ) -> None:
        self.links: dict[NodeId, Link] = {}
        self._settings = settings
        self._name = settings.node
        self._said = protocol.said
        self._words = f"{protocol.name}/{protocol.said.fingerprint}"
        self._log = log
        self._clock = clock
        self._receive = receive
        self._request = request
        self._serving: ssl.SSLContext | None = tls[0] if tls else None
        self._dialing: ssl.SSLContext | None = tls[1] if tls else None
        self._addresses: dict[NodeId, Address] = {}
        self._incoming: set[Incoming] = set()
        self._held = False
        self._encoded: tuple[Any, bytes] = (None, b"")  # the last message that was short
        self._server: Listening | None = None

    async def listen(self, starts: int) -> None:
        """Begin to listen; `starts` is how often this node has been started. Raises InUse."""
        for node, place in self._settings.nodes.items():
            number = starts if node == self._name else 0
            self._addresses[node] = Address(node, number, place.peer, place.client)
        host, port = parsed(self._settings.nodes[self._name].peer)
        refusals = Refusals(self._log)
        try:
            self._server = await listen(
                lambda: Incoming(self, refusals.tell, self._settings.limits.message_bytes),
                host,
                port,
                self._serving,
                refusals,
                reuse_port=self._settings.reuse_port,
            )
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error
            raise InUse(
                f"{self._name} cannot listen at {host}:{port}: {why}; give it another `peer` address, "
                "or stop what is using it"
            ) from None

    async def close(self) -> None:
        """End all connections."""
        if self._server is not None:
            self._server.close()
        for link in self.links.values():
            await link.close()
        for incoming in tuple(self._incoming):
            incoming.abort()

    # Speaking

    def send(self, to: NodeId, message: Any) -> None:
        """Send a message, or lose it."""
        link = self.links.get(to)
        if link is None:
            return
        last, encoded = self._encoded
        if message != last:  # a leader tells all followers the same
            try:
                encoded = self._said.encode(message)
            except CodecError as error:
                self._log.error("not sent", peer=to, why=str(error))
                return
            if len(encoded) <= PART:
                self._encoded = message, encoded
        link.send(encoded)

    def link(self, members: Iterable[NodeId]) -> None:
        """Have a link to each of these, and to those in the settings: one that was removed may have to be told so."""
        for node in {*members, *self._settings.nodes} - self.links.keys() - {self._name}:
            self.links[node] = Link(
                Hello(VERSIONS, self._settings.cluster, self._name, node, self._words, peer=True),
                partial(self._found, node),
                self._dialing,
                self._log,
                lambda: self._clock.tick().to_bytes(8, "big"),
                self._told,
            )

    # Where nodes are

    def address(self, node: NodeId) -> Address | None:
        """Return where a node is, as far as this one knows."""
        return self._addresses.get(node)

    def node_at(self, peer: str) -> NodeId | None:
        """Return which node is at an address, as far as this one knows."""
        return next((node for node, known in self._addresses.items() if known.peer == peer), None)

    def learn(self, addresses: Iterable[Address]) -> None:
        """Take note of where nodes are, and pass on what is new. Raises WireError."""
        news = False
        for address in addresses:
            known = self._addresses.get(address.node)
            if address.node in self._settings.nodes or (known is not None and address.number <= known.number):
                continue
            try:
                parsed(address.peer)
            except ValueError as error:
                raise WireError(str(error)) from None
            if known is not None or len(self._addresses) < MOST_ADDRESSES:
                self._addresses[address.node] = address
                news = True
        if news:
            for link in self.links.values():
                link.announce(self._told())

    def _found(self, node: NodeId) -> str | None:
        known = self._addresses.get(node)
        return known.peer if known is not None else None

    def _told(self) -> bytes:
        return SPEECH.encode(Addresses(tuple(self._addresses.values())))

    # Listening

    def refuses(self, hello: Hello, names: Iterable[str] | None) -> str | None:
        """Why not to speak to one who says this."""
        if hello.cluster != self._settings.cluster:
            return f"this is cluster {self._settings.cluster!r}, not {hello.cluster!r}"
        if hello.to not in (self._name, ""):
            return f"this is {self._name}, not {hello.to}"
        if not hello.peer:
            clients = sum(i.hello is not None and not i.hello.peer for i in self._incoming)
            return (
                "too many connections; come again later"
                if clients >= self._settings.limits.connections
                else None
            )
        if hello.protocol != self._words:
            return f"this node speaks {self._words}, not {hello.protocol}"
        if names is not None and hello.sender not in names:
            return f"the certificate is not {hello.sender}'s"
        return f"{self._name} is this node's own name" if hello.sender == self._name else None

    def welcomed(self, incoming: Incoming) -> None:
        """A connection is there."""
        self._incoming.add(incoming)
        if self._held and incoming.hello is not None and incoming.hello.peer:
            incoming.pause("disk")

    def hold(self, held: bool) -> None:
        """Listen to no other node for now, or again."""
        if held is self._held:
            return
        self._held = held
        for incoming in self._incoming:
            if incoming.hello is not None and incoming.hello.peer:
                (incoming.pause if held else incoming.resume)("disk")

    def frame(self, incoming: Incoming, hello: Hello, kind: int, body: bytes) -> None:
        """Take a frame."""
        if kind == Kind.MESSAGE and hello.peer:
            self.whole(hello, body)
            return
        wanted = Kind.ADDRESSES if hello.peer else Kind.REQUEST
        if kind != wanted:
            raise WireError(
                f"a frame of kind {kind}, which is not for {'nodes' if hello.peer else 'clients'}"
            )
        found = SPEECH.decode(body)
        if isinstance(found, Addresses) and hello.peer:
            self.learn(found.nodes)
        elif isinstance(found, Request) and not hello.peer:
            self._request(incoming, found)
        else:
            raise WireError(f"{type(found).__name__} in a frame of kind {kind}")

    def whole(self, hello: Hello, message: bytes) -> None:
        """Take a message."""
        if len(message) < 8:
            raise WireError("a message without a stamp")
        found = self._said.decode(memoryview(message)[8:])
        self._clock.merge(int.from_bytes(message[:8], "big"))
        self._receive(hello.sender, found)

    def ended(self, incoming: Incoming) -> None:
        """A connection ended."""
        self._incoming.discard(incoming)
