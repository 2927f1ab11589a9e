"""One node of a cluster, running: a core, its disk, its connections and its clock, in one event loop.

The host of `ratified.impl.contract`: inputs one at a time; writes go to the disk in order, many steps' in one transaction, while
other steps go on; messages and answers leave when what they speak of is durable; a node whose disk has failed says nothing more.

Guarantees: what a client is told is done is durable where the core says that it must be; `submit` and `query` never raise; with
no clients and no peers nothing grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import os
import ssl
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from random import Random, SystemRandom
from typing import Any

from ratified.impl.contract import (
    NOTHING,
    Answer,
    Applied,
    Command,
    Compact,
    Core,
    Done,
    Effects,
    Input,
    NodeId,
    NotLeader,
    Outcome,
    Persisted,
    Receive,
    Refused,
    Restored,
    Send,
    StateMachine,
    Tick,
    Token,
    Write,
)
from ratified.impl.runtime.asking import Asking
from ratified.impl.runtime.clock import Hybrid
from ratified.impl.runtime.errors import RefusedData, RuntimeFault, Unwell
from ratified.impl.runtime.folder import Folder
from ratified.impl.runtime.hosted import Membership, OrderError, hosted
from ratified.impl.runtime.links import Incoming, Log
from ratified.impl.runtime.peers import Peers
from ratified.impl.runtime.replica import Member, Status
from ratified.impl.runtime.settings import Settings
from ratified.impl.runtime.storage import REMEDY, Storage, identity
from ratified.impl.runtime.trace import HeldTrace, Trace
from ratified.impl.runtime.wire import (
    SPEECH,
    Address,
    Kind,
    Request,
    Response,
    WireError,
    framed,
)

MOST_TICKS = 3
"""A process that was stopped for a while has not heard what others said meanwhile: no more ticks than this pass at once."""

EARLY = 0.05
"""The share of a tick by which a timer may be early: uvloop's count whole milliseconds."""

IDLE_SECONDS = 0.01
"""How long a message waits that the next one to the same node says as well: so late may followers learn what is committed."""

MANY_ENTRIES = 100_000

MOST_UNWRITTEN = 1_024
"""Steps that wait for the disk before other nodes are listened to no more: what they send would pile up in memory."""

LONG_LOG = 1 << 26
"""Bytes of entries after which a snapshot is taken whatever their number: an entry may be a batch of a megabyte. A snapshot that
is longer itself is not taken sooner than as much has come."""

OPERATOR = "operator"
"""Who may give orders, as certificates have it."""

MakeStorage = Callable[..., Storage]


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
    ) -> None:
        self.settings = settings
        self.name: NodeId = settings.node
        self.log = log
        self.starts = 0  # how often the node has been started, this time included; kept in its folder
        self.failed: asyncio.Future[RuntimeFault] | None = None
        self._machine = machine
        self._protocol = hosted(settings.protocol)
        self._make_storage = storage
        self._random: Random = random or SystemRandom()
        self._trace: Trace | None = None
        self._clock = Hybrid()
        self._core: Core | None = None
        self._folder: Folder | None = None
        self._storage: Storage | None = None
        self._persisted: Token = 0
        self._unwritten: deque[Token] = deque()  # of steps whose writes are not on the disk
        self._soon: list[
            tuple[Token, Sequence[Write]]
        ] = []  # of these, what is written at the end of this turn of the loop
        self._held: list[Send | Answer] = []
        self._idle: dict[NodeId, tuple[float, Any]] = {}  # what may wait, and until when
        self._waking: asyncio.TimerHandle | None = None  # to send what waits
        self._subscribers: dict[object, Callable[[Applied | Restored], None]] = {}
        self._ticking: asyncio.TimerHandle | None = None
        self._ticked = 0.0
        self._shortened = 0  # how many bytes had been written when a snapshot was asked for
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking = Asking(self.name, settings.limits, lambda: self._core, self._step)
        self._peers = Peers(settings, self._protocol, log, self._clock, self._receive, self._request, tls)

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
                identity(settings.cluster, self.name, settings.protocol, settings.machine),
                lambda: self._protocol.bootstrap(settings.voters),
                gapless=self._protocol.gapless,
            )
            self.starts = self._storage.starts
            if settings.trace is not None:
                at_once = self._protocol.at_once
                self._trace = (
                    Trace(settings, self._clock)
                    if at_once is None
                    else HeldTrace(settings, self._clock, at_once)
                )
                self._trace.begin(self._storage.durable)
            try:
                self._core = self._protocol.make(
                    self.name,
                    self._storage.durable,
                    settings.pace,
                    Random(self._random.getrandbits(64)),  # noqa: S311 - it draws time-outs
                    self._machine,
                    None if self._trace is None else self._trace.observed,
                )
            except ValueError as error:  # as `StateMachine.restore` raises it
                where = self._folder.database
                raise RefusedData(f"{where}: the snapshot is not taken on: {error}; {REMEDY}") from None
            if self._trace is not None:
                self._trace.started(self._core)
            entries = len(self._storage.durable.entries)
            if entries >= MANY_ENTRIES:
                gc.freeze()  # they are here to stay, and need not be gone through again and again
            self._storage.forget()
            self._storage.begin(
                lambda token: _call(loop, self._on_durable, token),
                lambda fault: _call(loop, self._fail, fault),
            )
            await self._peers.listen(self.starts)
        except BaseException:
            await self.stop()
            raise
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

    async def stop(self) -> None:
        """Stop taking part: what is being written is finished, and those who wait are told that this node lost sight of it."""
        if self._ticking is not None:
            self._ticking.cancel()
        await self._peers.close()
        for task in tuple(self._tasks):
            task.cancel()
        self._asking.lose_all()
        storage, self._storage = self._storage, None
        if storage is not None:
            await asyncio.get_running_loop().run_in_executor(None, storage.close)
        if self._trace is not None:
            self._trace.close()
        if self._folder is not None:
            self._folder.close()
        self._core = None

    def _fail(self, fault: RuntimeFault) -> None:
        """The node cannot go on. Nothing more leaves it."""
        self.log.error("stopped", why=str(fault))
        if self._ticking is not None:
            self._ticking.cancel()
        self._core = None
        self._asking.lose_all()
        if self.failed is not None and not self.failed.done():
            self.failed.set_result(fault)

    # Steps

    def _receive(self, sender: NodeId, message: Any) -> None:
        self._step(Receive(sender, message))

    def _step(self, event: Input) -> None:
        core = self._core
        if core is None:
            return
        try:
            effects = core.step(event)
            if self._trace is not None and not self._told(self._trace.stepped):
                return
            if effects is not NOTHING:
                self._carry_out(effects)
        except Exception as error:  # noqa: BLE001 - the core counts on all of its effects: with some left out it must not go on
            what, where = "a step was not carried out", traceback.format_exc()[-1_000:]
            self.log.error("unexpected", what=what, error=repr(error), where=where)
            self._fail(Unwell(f"unexpected {error!r}"))

    def _carry_out(self, effects: Effects) -> None:
        persisted = self._persisted
        writes = effects.writes if self._storage is not None else ()
        if writes and self._trace is not None:
            self._trace.writing(effects.token, writes)
        for send in effects.sends:  # what need not wait goes first: others can write while this node does
            if send.after > persisted:
                self._held.append(send)
            else:
                self._send(send)
        if writes:
            self._write(effects.token, writes)
        for answer in effects.answers:
            if answer.after > persisted:
                self._held.append(answer)
            else:
                self._asking.answer(answer)
        for what in effects.applied:
            for told in tuple(self._subscribers.values()):
                told(what)

    def _write(self, token: Token, writes: Sequence[Write]) -> None:
        """Have something written: at the end of this turn of the loop, when what is sent is on its way, or by the thread."""
        if not self._unwritten:
            asyncio.get_running_loop().call_soon(self._write_at_once)
        if len(self._soon) == len(self._unwritten):
            self._soon.append((token, writes))
        elif self._storage is not None:
            self._storage.write(token, writes)
        self._unwritten.append(token)
        if len(self._unwritten) >= MOST_UNWRITTEN:
            self._peers.hold(True)

    def _write_at_once(self) -> None:
        """Write what has gathered in this turn of the loop, when nothing was being written."""
        soon, self._soon = self._soon, []
        if self._core is None or self._storage is None:
            return None
        try:
            if self._storage.write_at_once([write for _, writes in soon for write in writes]):
                return self._on_durable(soon[-1][0])
        except RuntimeFault as fault:
            return self._fail(fault)
        for token, writes in soon:
            self._storage.write(token, writes)
        return None

    def _send(self, send: Send) -> None:
        """Send a message, or keep one that is idle for a while, until another one goes the same way."""
        if send.idle:
            loop = asyncio.get_running_loop()
            until = self._idle.get(send.to, (loop.time() + IDLE_SECONDS,))[0]
            self._idle[send.to] = until, send.message
            if self._waking is None:
                self._waking = loop.call_at(until, self._send_idle)
            return
        if self._idle:
            self._idle.pop(send.to, None)
        self._peers.send(send.to, send.message)

    def _send_idle(self) -> None:
        """Send what has waited long enough; come back for what has not."""
        self._waking = None
        if self._core is None:
            return
        loop = asyncio.get_running_loop()
        now = loop.time() + IDLE_SECONDS / 5  # timers count whole milliseconds
        for to, (until, message) in tuple(self._idle.items()):
            if until <= now:
                del self._idle[to]
                self._peers.send(to, message)
        if self._idle:
            self._waking = loop.call_at(min(until for until, _ in self._idle.values()), self._send_idle)

    def _on_durable(self, token: Token) -> None:
        if self._core is None or self._storage is None:
            return
        self._persisted = token
        while self._unwritten and self._unwritten[0] <= token:
            self._unwritten.popleft()
        if len(self._unwritten) < MOST_UNWRITTEN:
            self._peers.hold(False)
        if self._trace is not None and not self._told(self._trace.durable, token):
            return
        held, self._held = self._held, []
        for what in held:
            if what.after > token:
                self._held.append(what)
            elif isinstance(what, Send):
                self._send(what)
            else:
                self._asking.answer(what)
        self._step(Persisted(token))

    def _told(self, tell: Callable[..., None], *about: Token) -> bool:
        """Whether the trace could be written; without it the node does not go on."""
        try:
            tell(*about)
        except RuntimeFault as fault:
            self._fail(fault)
        return self._core is not None

    def _tick(self) -> None:
        if self._core is None:
            return
        loop = asyncio.get_running_loop()
        length = self.settings.tick_ms / 1000
        passed = int((loop.time() - self._ticked) / length + EARLY)
        if passed:
            self._ticked += passed * length
            self._step(Tick(min(passed, MOST_TICKS)))
            self._link_members()
            self._shorten_log()
        self._ticking = loop.call_at(self._ticked + length, self._tick)

    def _shorten_log(self) -> None:
        """Have a snapshot taken if so much was written since the last one, or since this was asked for."""
        storage = self._storage
        if storage is None or self.settings.pace.snapshot_every == 0:
            return
        since = storage.added - max(storage.added_before, self._shortened)
        if since > max(LONG_LOG, storage.snapshot_bytes):
            self._shortened = storage.added
            self._step(Compact())

    def membership(self) -> Membership:
        """Return who takes part, as this node knows."""
        if self._core is None or self._protocol.membership is None:
            return Membership(self.settings.voters)
        return self._protocol.membership(self._core)

    def _link_members(self) -> None:
        now = self.membership()
        self._peers.link((*now.voters, *now.learners))

    # Clients

    async def submit(self, command: Command) -> Outcome:
        """Have a command executed."""
        return await self._asking.submit(command)

    async def query(self, payload: bytes) -> Outcome:
        """Ask the replicated state something, linearizably."""
        return await self._asking.query(payload)

    async def confirm(self) -> Outcome:
        """Make sure that this node leads; see `Replica`."""
        return await self._asking.query(None)

    # Clients of the framed protocol

    def _request(self, incoming: Incoming, asked: Request) -> None:
        limits = self.settings.limits
        if len(asked.payload) > limits.request_bytes:
            why = f"{len(asked.payload):,} bytes; a request has at most {limits.request_bytes:,}"
            return self._respond(incoming, asked.number, Refused(why))
        incoming.on_the_way += 1
        if incoming.on_the_way >= limits.requests_of_one:
            incoming.pause("requests")
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
                incoming.resume("requests")

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
            case "digest" if core is not None:
                return Done(hashlib.sha256(core.machine.snapshot()).digest())
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
                self._peers.learn([Address(node, 1, peer, client)])
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

    @property
    def leader(self) -> NodeId | None:
        """Who leads, as far as it knows."""
        return None if self._core is None else self._core.leader

    @property
    def term(self) -> int:
        """The latest attempt to lead that it knows of."""
        return 0 if self._core is None else self._core.term

    @property
    def applied(self) -> int:
        """Up to which index its copy of the state has executed the log."""
        return 0 if self._core is None else self._core.applied

    def known_at(self, peer: str) -> NodeId | None:
        """Return the name of the node that it knows at an address."""
        return self._peers.node_at(peer)

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
        address = self._peers.address(node)
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
            "connected": sorted(node for node, link in self._peers.links.items() if link.connected),
            "lost": sum(link.lost for link in self._peers.links.values()),
            "waiting": self._asking.waiting,
            "unwritten": len(self._unwritten),
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

    def fail(self, fault: RuntimeFault) -> None:
        """Have the node end: nothing more leaves it."""
        self._fail(fault)


def _call(loop: asyncio.AbstractEventLoop, what: Callable[[Any], None], argument: Any) -> None:
    """Call something in a loop, from another thread; if there is still a loop."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(what, argument)
