"""One node of a cluster, running: a core, its disk, its connections and its clock, in one event loop.

The host of `ratified.impl.contract`: inputs one at a time; writes go to the disk in order, many steps' in one transaction, while
other steps go on; messages and answers leave when what they speak of is durable; a node whose disk has failed says nothing more.

Guarantees: what a client is told is done is durable where the core says that it must be; `submit` and `query` never raise; with
no clients and no peers nothing grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from random import Random, SystemRandom
from typing import Any

from ratified.impl.contract import (
    Answer,
    Applied,
    Busy,
    Command,
    Core,
    Done,
    Effects,
    Input,
    Lost,
    NodeId,
    NotLeader,
    Observation,
    Outcome,
    Persisted,
    Query,
    Receive,
    Refused,
    Restored,
    Send,
    StateMachine,
    Submit,
    Tick,
    Token,
)
from ratified.impl.runtime.clock import Hybrid
from ratified.impl.runtime.codec import CodecError
from ratified.impl.runtime.errors import DiskFault, InUse, RuntimeFault
from ratified.impl.runtime.folder import Folder
from ratified.impl.runtime.hosted import Membership, OrderError, hosted
from ratified.impl.runtime.links import Incoming, Link, Log, parsed
from ratified.impl.runtime.replica import Member, Status
from ratified.impl.runtime.settings import Settings
from ratified.impl.runtime.storage import Storage, identity
from ratified.impl.runtime.wire import (
    SPEECH,
    VERSIONS,
    Address,
    Addresses,
    Hello,
    Kind,
    Request,
    Response,
    WireError,
    framed,
)

MOST_TICKS = 3
"""A process that was stopped for a while has not heard what others said meanwhile: no more ticks than this pass at once."""

OPERATOR = "operator"
"""Who may give orders, as certificates have it."""

MakeStorage = Callable[..., Storage]


class Recorder:
    """Told what a core does, and what its disk has, for a trace. This one is told and does nothing."""

    def observed(self, observation: Observation) -> None:
        """A core acted."""

    def durable(self, storage: Storage) -> None:
        """What the disk has has changed; to be told before anybody hears of it."""

    def stepped(self) -> None:
        """A step is over, and its messages are about to leave."""

    def close(self) -> None:
        """The node ends."""


class Node:
    """A node that runs; a `Replica` for those who serve its clients. `machine` is what it replicates, empty.

    Made, it holds nothing. `start` opens folder and sockets; `stop` closes them; `failed` is done when it cannot go on.
    """

    def __init__(
        self,
        settings: Settings,
        machine: StateMachine,
        log: Log,
        *,
        tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None,
        storage: MakeStorage = Storage,
        random: Random | None = None,
        recorder: Callable[[Settings, Hybrid], Recorder] | None = None,
    ) -> None:
        self.settings = settings
        self.name: NodeId = settings.node
        self.log = log
        self.starts = 0  # how often the node has been started, this time included; kept in its folder
        self.failed: asyncio.Future[RuntimeFault] | None = None
        self._machine = machine
        self._protocol = hosted(settings.protocol)
        self._serving: ssl.SSLContext | None = tls[0] if tls is not None else None
        self._dialing: ssl.SSLContext | None = tls[1] if tls is not None else None
        self._make_storage = storage
        self._random: Random = random or SystemRandom()
        self._make_recorder = recorder
        self._recorder: Recorder | None = None
        self._clock = Hybrid()
        self._core: Core | None = None
        self._folder: Folder | None = None
        self._storage: Storage | None = None
        self._persisted: Token = 0
        self._held: list[Send | Answer] = []
        self._askers: dict[tuple[str, int], list[asyncio.Future[Outcome]]] = {}
        self._waiting = 0
        self._reads: list[tuple[bytes, asyncio.Future[Outcome]]] = []
        self._confirming: list[tuple[bytes, asyncio.Future[Outcome]]] = []
        self._round = 0
        self._subscribers: dict[object, Callable[[Applied | Restored], None]] = {}
        self._links: dict[NodeId, Link] = {}
        self._incoming: set[Incoming] = set()
        self._addresses: dict[NodeId, Address] = {}
        self._server: asyncio.Server | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._ticked = 0.0
        self._peers_seen: set[NodeId] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # Beginning and ending

    async def start(self) -> None:
        """Open the folder, and begin to take part.

        Raises:
            RefusedData: what is in the folder is not this node's, or damaged.
            InUse: another process has the folder, or something listens at the node's address.
            DiskFault: the folder cannot be written.
        """
        loop = asyncio.get_running_loop()
        self.failed = loop.create_future()
        settings = self.settings
        self._folder = Folder(settings.data)
        try:
            began = time.monotonic()
            self._storage = self._make_storage(
                self._folder.database,
                self._protocol.kept,
                identity(settings.cluster, self.name, settings.protocol),
                self._first,
                gapless=self._protocol.gapless,
            )
            self.starts = self._storage.starts
            if self._make_recorder is not None:
                self._recorder = self._make_recorder(settings, self._clock)
                self._recorder.durable(self._storage)
            self._core = self._protocol.make(
                self.name,
                self._storage.durable,
                settings.pace,
                Random(self._random.getrandbits(64)),  # noqa: S311 - it draws time-outs
                self._machine,
                None if self._recorder is None else self._recorder.observed,
            )
            if self._recorder is not None:
                self._recorder.stepped()
            entries = len(self._storage.durable.entries)
            self._storage.forget()
            self._storage.begin(
                lambda token: _call(loop, self._on_durable, token),
                lambda fault: _call(loop, self._fail, fault),
            )
            await self._listen()
        except BaseException:
            await self.stop()
            raise
        for node, place in settings.nodes.items():
            self._addresses[node] = Address(
                node, self.starts if node == self.name else 0, place.peer, place.client
            )
        self._link_members()
        self._ticked = loop.time()
        self._ticking = loop.call_later(settings.tick_ms / 1000, self._tick)
        self.log.info(
            "started",
            entries=entries,
            applied=self._core.applied,
            term=self._core.term,
            starts=self.starts,
            seconds=round(time.monotonic() - began, 3),
        )
        voters = len(self.membership().voters)
        if voters and voters % 2 == 0:
            self.log.warning(
                "even number of voters",
                voters=voters,
                why=f"{voters} voters survive as many failures as {voters - 1} do; one more or less is better",
            )
        elif voters == 1:
            self.log.warning(
                "single voter", why="when it is down nothing is served, and its disk is the only copy"
            )

    def _first(self) -> Any:
        from ratified.impl.contract import Durable

        voters = self.settings.voters
        return self._protocol.bootstrap(voters) if self.name in voters else Durable()

    async def _listen(self) -> None:
        host, port = parsed(self.settings.nodes[self.name].peer)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Incoming(self, self.log, self.settings.limits.message_bytes),
                host,
                port,
                ssl=self._serving,
                reuse_port=self.settings.reuse_port or None,
            )
        except OSError as error:
            raise InUse(
                f"{self.name} cannot listen at {host}:{port}: {error.strerror}; give it another `peer` address, "
                "or stop what has that one"
            ) from None

    async def stop(self) -> None:
        """Stop taking part: what is being written is finished, and those who wait are told that this node lost sight of it."""
        if self._ticking is not None:
            self._ticking.cancel()
        if self._server is not None:
            self._server.close()
        for link in self._links.values():
            await link.close()
        for incoming in tuple(self._incoming):
            incoming.abort()
        for task in tuple(self._tasks):
            task.cancel()
        self._lose_all()
        storage, self._storage = self._storage, None
        if storage is not None:
            await asyncio.get_running_loop().run_in_executor(None, storage.close)
        if self._recorder is not None:
            self._recorder.close()
        if self._folder is not None:
            self._folder.close()
        self._core = None

    def _lose_all(self) -> None:
        for futures in self._askers.values():
            for future in futures:
                _settle(future, Lost(None))
        for _, future in (*self._reads, *self._confirming):
            _settle(future, Busy())
        self._askers.clear()
        self._reads, self._confirming = [], []

    def _fail(self, fault: RuntimeFault) -> None:
        """The node cannot go on. Nothing more leaves it."""
        self.log.error("stopped", why=str(fault))
        if self._ticking is not None:
            self._ticking.cancel()
        self._core = None
        self._lose_all()
        if self.failed is not None and not self.failed.done():
            self.failed.set_result(fault)

    # Steps

    def _step(self, event: Input) -> None:
        core = self._core
        if core is None:
            return
        effects = core.step(event)
        if self._recorder is not None:
            self._recorder.stepped()
        if effects.writes or effects.sends or effects.answers or effects.applied:
            self._carry_out(effects)

    def _carry_out(self, effects: Effects) -> None:
        persisted = self._persisted
        if effects.writes and self._storage is not None:
            self._storage.write(effects.token, effects.writes)
        for send in effects.sends:
            if send.after > persisted:
                self._held.append(send)
            else:
                self._send(send)
        for answer in effects.answers:
            if answer.after > persisted:
                self._held.append(answer)
            else:
                self._answer(answer)
        for what in effects.applied:
            for told in tuple(self._subscribers.values()):
                told(what)

    def _on_durable(self, token: Token) -> None:
        if self._core is None or self._storage is None:
            return
        self._persisted = token
        if self._recorder is not None:
            self._recorder.durable(self._storage)
        held, self._held = self._held, []
        for what in held:
            if what.after > token:
                self._held.append(what)
            elif isinstance(what, Send):
                self._send(what)
            else:
                self._answer(what)
        self._step(Persisted(token))

    def _tick(self) -> None:
        if self._core is None:
            return
        loop = asyncio.get_running_loop()
        length = self.settings.tick_ms / 1000
        passed = int((loop.time() - self._ticked) / length)
        if passed:
            self._ticked += passed * length
            self._step(Tick(min(passed, MOST_TICKS)))
            self._link_members()
        self._ticking = loop.call_at(self._ticked + length, self._tick)

    # Peers

    def _send(self, send: Send) -> None:
        link = self._links.get(send.to)
        if link is None:
            return
        try:
            link.send(self._protocol.said.encode(send.message))
        except CodecError as error:
            self.log.error("not sent", peer=send.to, why=str(error))

    def _stamp(self) -> bytes:
        return self._clock.tick().to_bytes(8, "big")

    def membership(self) -> Membership:
        """Return who takes part, as this node knows."""
        if self._core is None or self._protocol.membership is None:
            return Membership(self.settings.voters)
        return self._protocol.membership(self._core)

    def _link_members(self) -> None:
        """Have a link to each node that takes part, or is configured: one that was removed may have to be told so."""
        now = self.membership()
        for node in {*now.voters, *now.learners, *self.settings.nodes} - self._links.keys() - {self.name}:
            hello = Hello(VERSIONS, self.settings.cluster, self.name, node, self._protocol_words(), peer=True)
            self._links[node] = Link(
                hello,
                lambda node=node: self._address_of(node),  # type: ignore[misc]  # mypy loses the default's type
                self._dialing,
                self.log,
                self._stamp,
                self._all_addresses,
            )

    def _protocol_words(self) -> str:
        return f"{self._protocol.name}/{self._protocol.said.fingerprint}"

    def _address_of(self, node: NodeId) -> str | None:
        known = self._addresses.get(node)
        return known.peer if known is not None else None

    def _all_addresses(self) -> bytes:
        return SPEECH.encode(Addresses(tuple(self._addresses.values())))

    def _learn(self, addresses: Iterable[Address]) -> None:
        news = False
        for address in addresses:
            known = self._addresses.get(address.node)
            if (known is None or address.number > known.number) and len(self._addresses) < 1_000:
                try:
                    parsed(address.peer)
                except ValueError as error:
                    raise WireError(str(error)) from None
                self._addresses[address.node] = address
                news = True
        if news:
            for link in self._links.values():
                link.announce(self._all_addresses())

    # What comes in: the Listener of incoming connections

    def refuses(self, hello: Hello, names: Iterable[str] | None) -> str | None:
        """Why not to speak to one who says this."""
        if hello.cluster != self.settings.cluster:
            return f"this is cluster {self.settings.cluster!r}, not {hello.cluster!r}"
        if hello.to not in (self.name, ""):
            return f"this is {self.name}, not {hello.to}"
        if hello.peer:
            if hello.protocol != self._protocol_words():
                return f"this node speaks {self._protocol_words()}, not {hello.protocol}"
            if names is not None and hello.sender not in names:
                return f"the certificate is not {hello.sender}'s"
            if hello.sender == self.name:
                return f"{self.name} is this node's own name"
        elif sum(not i.hello.peer for i in self._incoming if i.hello) >= self.settings.limits.connections:
            return "too many connections; come again later"
        return None

    def frame(self, incoming: Incoming, kind: int, body: bytes) -> None:
        """Take a frame."""
        hello = incoming.hello
        assert hello is not None
        self._incoming.add(incoming)
        if hello.peer and kind == Kind.MESSAGE:
            self._receive(hello.sender, body)
        elif hello.peer and kind == Kind.ADDRESSES:
            found = SPEECH.decode(body)
            if not isinstance(found, Addresses):
                raise WireError("no addresses")
            self._learn(found.nodes)
        elif not hello.peer and kind == Kind.REQUEST:
            asked = SPEECH.decode(body)
            if not isinstance(asked, Request):
                raise WireError("no request")
            self._request(incoming, asked)
        else:
            raise WireError(
                f"a frame of kind {kind}, which is not for {'nodes' if hello.peer else 'clients'}"
            )

    def whole(self, incoming: Incoming, message: bytes) -> None:
        """Take a message that came in parts."""
        assert incoming.hello is not None
        self._receive(incoming.hello.sender, message)

    def ended(self, incoming: Incoming) -> None:
        """A connection ended."""
        self._incoming.discard(incoming)

    def _receive(self, sender: NodeId, body: bytes) -> None:
        if len(body) < 8:
            raise WireError("a message without a stamp")
        message = self._protocol.said.decode(memoryview(body)[8:])
        self._clock.merge(int.from_bytes(body[:8], "big"))
        self._step(Receive(sender, message))

    # Clients

    def _answer(self, answer: Answer) -> None:
        for future in self._askers.pop((answer.client, answer.serial), ()):
            _settle(future, answer.outcome)

    async def submit(self, command: Command) -> Outcome:
        """Have a command executed."""
        core, limits = self._core, self.settings.limits
        if core is None:
            return NotLeader(None)
        if not 1 <= command.serial < 1 << 63:
            return Refused("commands are numbered from 1 to 2**63 - 1")
        if self._waiting >= limits.requests:
            return Busy()
        name = (command.client, command.serial)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._askers.setdefault(name, []).append(future)
        self._step(Submit(command))
        outcome = await self._within(future)
        if outcome is None:
            waiting = self._askers.get(name)
            if waiting is not None:
                with contextlib.suppress(ValueError):
                    waiting.remove(future)
                if not waiting:
                    del self._askers[name]
            return Lost(None if self._core is None else self._core.leader)
        return outcome

    async def query(self, payload: bytes) -> Outcome:
        """Ask the replicated state something, linearizably."""
        if self._core is None:
            return NotLeader(None)
        if self._waiting >= self.settings.limits.requests:
            return Busy()
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._reads.append((payload, future))
        if not self._confirming:
            self._confirm()
        outcome = await self._within(future)
        return Busy() if outcome is None else outcome

    async def _within(self, future: asyncio.Future[Outcome]) -> Outcome | None:
        """What a future comes to; None if that takes too long."""
        if future.done():
            return future.result()
        self._waiting += 1
        handle = asyncio.get_running_loop().call_later(
            self.settings.limits.request_seconds, _settle, future, None
        )
        try:
            return await future
        finally:
            handle.cancel()
            self._waiting -= 1

    # Reads. One query of the core confirms all that came before it: it is asked nothing, and what they ask is answered from the
    # state machine at the moment at which it answers, when all that was committed before they came is executed.

    def _confirm(self) -> None:
        """Begin a round of reads, for all who wait."""
        self._confirming, self._reads = self._reads, []
        self._round += 1
        number = self._round
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        name = (f"{self.name}/reads", number)
        self._askers[name] = [future]
        future.add_done_callback(lambda f: self._confirmed(number, f.result()))
        asyncio.get_running_loop().call_later(
            self.settings.limits.request_seconds, self._give_up_round, name, future
        )
        self._step(Query(*name, b""))

    def _give_up_round(self, name: tuple[str, int], future: asyncio.Future[Outcome]) -> None:
        self._askers.pop(name, None)
        _settle(future, Busy())

    def _confirmed(self, number: int, outcome: Outcome) -> None:
        if number != self._round:
            return
        reads, self._confirming = self._confirming, []
        core = self._core
        for payload, future in reads:
            if not future.done():
                if not isinstance(outcome, Done):
                    future.set_result(outcome)
                elif core is None:
                    future.set_result(NotLeader(None))
                else:
                    future.set_result(Done(core.machine.query(payload)))
        if self._reads and self._core is not None:
            self._confirm()

    # Clients of the framed protocol

    def _request(self, incoming: Incoming, asked: Request) -> None:
        limits = self.settings.limits
        if len(asked.payload) > limits.request_bytes:
            why = f"{len(asked.payload):,} bytes; a request has at most {limits.request_bytes:,}"
            return self._respond(incoming, asked.number, Refused(why))
        incoming.on_the_way += 1
        if incoming.on_the_way >= limits.requests_of_one:
            incoming.pause(True)
        task = asyncio.ensure_future(self._serve(incoming, asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return None

    async def _serve(self, incoming: Incoming, asked: Request) -> None:
        try:
            self._respond(incoming, asked.number, await self.asked(asked, incoming.names))
        finally:
            incoming.on_the_way -= 1
            if incoming.on_the_way == self.settings.limits.requests_of_one - 1:
                incoming.pause(False)

    async def asked(self, asked: Request, names: Sequence[str] | None) -> Outcome:
        """Do what a client asks."""
        core = self._core
        match asked.what:
            case "submit":
                return await self.submit(Command(asked.client, asked.serial, asked.payload))
            case "query":
                return await self.query(asked.payload)
            case "look" if core is not None:
                return Done(core.machine.query(asked.payload))
            case "status":
                import msgspec

                return Done(msgspec.json.encode(self.report()))
            case "order":
                if names is not None and OPERATOR not in names:
                    return Refused(f"orders are given with the certificate of {OPERATOR}")
                return self.order(asked.payload.decode("utf-8", "replace").split())
        return Refused(f"there is no request {asked.what[:40]!r}, or this node is not there yet")

    def _respond(self, incoming: Incoming, number: int, outcome: Outcome) -> None:
        incoming.write(framed(Kind.RESPONSE, SPEECH.encode(Response(number, outcome))))

    # Operators

    def order(self, words: Sequence[str]) -> Outcome:
        """Do what an operator says: an order of the protocol; to `add` and `learn` NODE an address may be given."""
        core = self._core
        if core is None or not words:
            return Refused("there is no order, or this node is not there yet")
        word, *rest = words
        if word in ("add", "learn") and len(rest) in (2, 3):
            try:
                node, peer, client = (*rest, "")[:3]
                self._learn([Address(node, 1, peer, client)])
            except WireError as error:
                return Refused(str(error))
            rest = rest[:1]
        try:
            control = self._protocol.order(core, word, rest)
        except OrderError as error:
            return Refused(str(error))
        if word not in ("campaign", "compact") and core.leader != self.name:
            return NotLeader(core.leader)
        self._step(control)
        self._link_members()
        return Done(b"ordered")

    # What can be seen

    @property
    def machine(self) -> StateMachine:
        """The replicated state, as far as this node has it."""
        return self._machine

    @property
    def core(self) -> Core | None:
        """The core, for looking only; None while the node is not there."""
        return self._core

    def status(self) -> Status:
        """Return what it knows now."""
        now = self.membership()
        core = self._core
        return Status(
            self.name,
            None if core is None else core.leader,
            0 if core is None else core.term,
            0 if core is None else self._protocol.committed(core),
            0 if core is None else core.applied,
            0 if self._storage is None else self._storage.size(),
            tuple(
                self._member(node, learner)
                for nodes, learner in ((now.voters, False), (now.learners, True))
                for node in nodes
            ),
            self.starts,
        )

    def _member(self, node: NodeId, learner: bool) -> Member:
        address = self._addresses.get(node)
        return Member(node, address.peer if address else "", address.client if address else "", learner)

    def role(self) -> str:
        """What it is at the moment, in the words of its protocol; empty while it is not there."""
        return "" if self._core is None else self._protocol.role(self._core)

    def report(self) -> dict[str, Any]:
        """Return the status and what else is worth knowing, as plain values."""
        status = self.status()
        return {
            "node": status.node,
            "role": self.role(),
            "leader": status.leader,
            "term": status.term,
            "committed": status.committed,
            "applied": status.applied,
            "disk": status.disk,
            "starts": status.starts,
            "process": os.getpid(),
            "connected": sorted(node for node, link in self._links.items() if link.connected),
            "lost": sum(link.lost for link in self._links.values()),
            "waiting": self._waiting,
            "members": [
                {"node": m.node, "peer": m.peer, "client": m.client, "learner": m.learner}
                for m in status.members
            ],
        }

    def subscribe(self, told: Callable[[Applied | Restored], None]) -> Callable[[], None]:
        """Call `told` after each entry that this node applies, or snapshot that it restores."""
        key = object()
        self._subscribers[key] = told

        def end() -> None:
            self._subscribers.pop(key, None)

        return end

    def fail(self, why: str) -> None:
        """Have the node end, as if its disk had failed."""
        self._fail(DiskFault(why))


def _settle(future: asyncio.Future[Any], outcome: Any) -> None:
    if not future.done():
        future.set_result(outcome)


def _call(loop: asyncio.AbstractEventLoop, what: Callable[[Any], None], argument: Any) -> None:
    """Call something in a loop, from another thread; if there is still a loop."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(what, argument)
