"""A cluster on this machine: a process for each node, supervised and started again.

    async with Cluster(nodes=3) as cluster:
        await cluster.put(b"put x 1")
        cluster.kill("n2")                    # comes back by itself

Each node has a folder in the cluster's, with what is durable, `node.toml` and `node.log`; `cluster.json` says how all are, for
other processes. Ports are the kernel's choice, and are kept while the cluster is up, however often its nodes start.

Guarantees: a node that ends by itself is started again, later each time (`ratified.impl.services.recovery`), unless its data or
settings were refused, or it ends too often: the others go on. No process outlives the cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ratified.impl.contract import Busy, Command, Done, Lost, NodeId, NotLeader, Outcome
from ratified.impl.runtime.errors import LASTING, DiskFault, RuntimeFault, SettingsError
from ratified.impl.runtime.folder import Folder, holder
from ratified.impl.runtime.remote import Remote
from ratified.impl.services.recovery import GiveUp, Start, Supervisor
from ratified.impl.services.retry import Backoff

STATE = "cluster.json"
WELL_SECONDS = 10.0
"""A node that has run so long is well: its next restart is quick again."""

START_SECONDS = 60.0
STOP_SECONDS = 10.0


STATES = ("starting", "running", "restarting", "stopped", "refused", "given up")
OVER = STATES[3:]
"""In these nobody starts a node any more."""


@dataclass(slots=True)
class Child:
    """A node's process, as its supervisor knows it. `state` is one of STATES."""

    node: NodeId
    peer: str
    client: str
    http: str
    process: int | None = None
    state: str = "starting"
    why: str = ""
    restarts: int = 0
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Restarts:
    """How often a node may end by itself, within how long, until it is given up; and how long to wait between."""

    most: int = 5
    within_ms: int = 60_000
    base_ms: int = 100
    cap_ms: int = 5_000


@dataclass(slots=True)
class _Running:
    """What runs a node."""

    child: Child
    supervisor: Supervisor
    process: asyncio.subprocess.Process | None = None
    task: asyncio.Task[None] | None = None
    wanted: bool = True
    began: float = 0.0
    ports: list[socket.socket] = field(default_factory=list)


class Cluster:
    """Nodes `n1`, `n2`, ... in a folder, or in one that is gone with the cluster. An asynchronous context manager.

    `spares` more nodes run and are no members until they are added. `settings` and `tables` go into every node.toml; `command` is
    what is run, before the path of that. Fill `proxied` to have one node reach another by way of an address that is not its own.
    """

    def __init__(
        self,
        nodes: int = 3,
        data: Path | None = None,
        *,
        spares: int = 0,
        protocol: str = "raft",
        machine: str = "kv",
        settings: Mapping[str, Any] | None = None,
        tables: str = "",
        certificates: Path | None = None,
        trace: bool = False,
        restarts: Restarts | None = None,
        command: Sequence[str] = (),
        environment: Callable[[Path], Mapping[str, str]] | None = None,
        name: str = "ratified",
    ) -> None:
        if nodes < 1 or spares < 0:
            raise SettingsError(f"a cluster has 1 node or more: {nodes}, {spares} spares")
        self.names = tuple(f"n{i}" for i in range(1, nodes + spares + 1))
        self.founders = self.names[:nodes]
        self.name = name
        self.restarts = restarts or Restarts()
        self.proxied: dict[tuple[NodeId, NodeId], str] = {}
        self._own = data is None
        self.folder = data if data is not None else Path(tempfile.mkdtemp(prefix="ratified-"))
        self._protocol = protocol
        self._machine = machine
        self._settings = dict(settings or {})
        self._tables = tables
        self._certificates = certificates
        self._trace = trace
        self._command = [*command] or [sys.executable, "-m", "ratified", "serve", "--parent"]
        self._environment = environment
        self._lock: Folder | None = None
        self._nodes: dict[NodeId, _Running] = {}
        self._remotes: dict[NodeId, Remote] = {}
        self._leader: NodeId | None = None
        self._serial = 0
        self._random = random.Random()  # noqa: S311 - it draws waiting times
        self.changed = asyncio.Event()

    # Beginning and ending

    async def __aenter__(self) -> Cluster:
        try:
            self.reserve()
            self.begin()
            await self.ready()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def reserve(self) -> None:
        """Take the folder, and choose addresses, or those of last time. Raises InUse, DiskFault."""
        self._lock = Folder(self.folder)
        before = read_state(self.folder) or {}
        for name in self.names:
            known = before.get("nodes", {}).get(name, {})
            ports = [_reserved(known.get(what)) for what in ("peer", "client", "http")]
            peer, client, http = (f"127.0.0.1:{s.getsockname()[1]}" for s in ports)
            supervisor = Supervisor(
                (name,),
                most=self.restarts.most,
                window_ms=self.restarts.within_ms,
                backoff=Backoff(base_ms=self.restarts.base_ms, cap_ms=self.restarts.cap_ms),
            )
            self._nodes[name] = _Running(Child(name, peer, client, http), supervisor, ports=ports)

    def begin(self) -> None:
        """Start all."""
        for running in self._nodes.values():
            running.ports.pop().close()  # HTTP servers do not share their port
            self._write_settings(running.child)
        for name in self.names:
            self.start(name)

    async def ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until one leads, and all that run know it. Raises RuntimeFault if that takes too long, or no majority is left."""
        deadline = time.monotonic() + seconds
        while True:
            reports = await self.status()
            up = [r for r in reports if r["node"] in self.founders and r["state"] not in OVER]
            if 2 * len(up) <= len(self.founders):
                nodes: dict[str, list[NodeId]] = {}
                for r in reports:
                    nodes.setdefault(r["why"] or r["state"], []).append(r["node"])
                told = "; ".join(f"{', '.join(names)}: {why}" for why, names in nodes.items())
                raise RuntimeFault(f"no majority of the nodes is running: {told}")
            if all(r.get("leader") for r in up):
                return
            if time.monotonic() > deadline:
                raise RuntimeFault(
                    f"no leader was elected in {seconds:g} s; {self.folder}/*/node.log may say why"
                )
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Stop all, gracefully and then not; keep the folder, unless it is the cluster's own."""
        for remote in self._remotes.values():
            await remote.close()
        self._remotes.clear()
        for name, running in self._nodes.items():
            self._signal(name, signal.SIGCONT)
            running.wanted = False
            self._signal(name, signal.SIGTERM)
        tasks = [running.task for running in self._nodes.values() if running.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
            for name in self._nodes if late else ():
                self._signal(name, signal.SIGKILL)
            for task in late:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(2):
                        await asyncio.shield(task)
                task.cancel()
        for running in self._nodes.values():
            for port in running.ports:
                port.close()
        if self._nodes and not self._own:
            self._publish(over=True)
        if self._lock is not None:
            self._lock.close()
        if self._own:
            shutil.rmtree(self.folder, ignore_errors=True)

    # One node

    def start(self, name: NodeId) -> None:
        """Start a node that does not run, and go on starting it."""
        running = self._node(name)
        running.wanted = True
        if running.task is None or running.task.done():
            running.task = asyncio.create_task(self._supervise(running))

    async def stop(self, name: NodeId) -> None:
        """Stop a node gracefully, and do not start it again."""
        running = self._node(name)
        running.wanted = False
        self._signal(name, signal.SIGCONT)
        self._signal(name, signal.SIGTERM)
        if running.task is not None:
            await running.task

    async def restart(self, name: NodeId) -> None:
        """Stop a node gracefully, and start it again."""
        await self.stop(name)
        self.start(name)

    def halt(self, name: NodeId) -> None:
        """Kill a node's process, and do not start it again."""
        self._node(name).wanted = False
        self._signal(name, signal.SIGKILL)

    def kill(self, name: NodeId) -> None:
        """Kill a node's process. It is started again."""
        self._signal(name, signal.SIGKILL)

    def pause(self, name: NodeId) -> None:
        """Stop a node's process in its tracks."""
        self._signal(name, signal.SIGSTOP)
        self._node(name).child.paused = True
        self._publish()

    def resume(self, name: NodeId) -> None:
        """Let it go on."""
        self._signal(name, signal.SIGCONT)
        self._node(name).child.paused = False
        self._publish()

    def child(self, name: NodeId) -> Child:
        """Return how a node's process is."""
        return self._node(name).child

    def _node(self, name: NodeId) -> _Running:
        if name not in self._nodes:
            raise SettingsError(f"there is no node {name!r}; there are {', '.join(self.names)}")
        return self._nodes[name]

    def _signal(self, name: NodeId, number: int) -> None:
        process = self._node(name).process
        if process is not None and process.returncode is None:
            # Not by send_signal: that may take the exit status away from asyncio, which then makes one up.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)

    async def _supervise(self, running: _Running) -> None:
        """Run a node, again and again."""
        child = running.child
        loop = asyncio.get_running_loop()
        while running.wanted:
            status = await self._run(running)
            if not self._is_wanted(running):
                break
            if loop.time() - running.began > WELL_SECONDS:
                running.supervisor.well(child.node)
            child.why = _ending(status, self.folder / child.node / "node.log")
            if status in LASTING:
                self._is(child, "refused")
                return
            if status == DiskFault.status:  # there may be room again at any time
                child.restarts += 1
                self._is(child, "restarting")
                await asyncio.sleep(self.restarts.cap_ms / 1000)
                continue
            now = int(loop.time() * 1000)
            orders = running.supervisor.ended(child.node, now, self._random.randrange)
            for order in orders:
                if isinstance(order, GiveUp):
                    child.why = f"{child.why}; {order.why}"
                    self._is(child, "given up")
                    return
                if isinstance(order, Start):
                    child.restarts += 1
                    self._is(child, "restarting")
                    await asyncio.sleep(order.after_ms / 1000)
        self._is(child, "stopped")

    @staticmethod
    def _is_wanted(running: _Running) -> bool:
        return running.wanted  # which may have changed while it was waited

    async def _run(self, running: _Running) -> int:
        child = running.child
        folder = self.folder / child.node
        with (folder / "node.log").open("ab") as log:
            running.process = await asyncio.create_subprocess_exec(
                *self._command,
                str(folder / "node.toml"),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **(self._environment(folder) if self._environment else {})},
            )
        running.began = asyncio.get_running_loop().time()
        child.process = running.process.pid
        child.paused = False
        self._is(child, "running")
        if not running.wanted:
            self._signal(child.node, signal.SIGTERM)
        status = await running.process.wait()
        child.process = None
        return status

    def _is(self, child: Child, state: str) -> None:
        child.state = state
        self.changed.set()
        self._publish()

    def _publish(self, over: bool = False) -> None:
        state = {
            "name": self.name,
            "supervisor": None if over else os.getpid(),
            "certificates": str(self._certificates) if self._certificates else None,
            "founders": list(self.founders),
            "nodes": {name: asdict(running.child) for name, running in self._nodes.items()},
        }
        path = self.folder / STATE
        beside = path.with_suffix(".new")
        with contextlib.suppress(OSError):  # a full disk: the nodes are looked after all the same
            beside.write_text(json.dumps(state, indent=1))
            beside.replace(path)

    # Settings

    def _write_settings(self, child: Child) -> None:
        folder = self.folder / child.node
        folder.mkdir(parents=True, exist_ok=True)
        top: dict[str, Any] = {
            "node": child.node,
            "cluster": self.name,
            "data": ".",
            "protocol": self._protocol,
            "machine": self._machine,
            "founders": list(self.founders),
            "http": child.http,
            "insecure": self._certificates is None,
            "reuse_port": True,
            **({"trace": "trace.ndjson"} if self._trace else {}),
            **self._settings,
        }
        lines = [f"{key} = {_toml(value)}" for key, value in top.items()]
        lines.append("\n[nodes]")
        for name, running in self._nodes.items():
            peer = self.proxied.get((child.node, name), running.child.peer)
            client = running.child.client
            lines.append(f"{name} = {{ peer = {_toml(peer)}, client = {_toml(client)} }}")
        if self._certificates is not None:
            where = self._certificates.resolve()
            lines += [
                "\n[tls]",
                f"ca = {_toml(str(where / 'ca.pem'))}",
                f"certificate = {_toml(str(where / (child.node + '.pem')))}",
                f"key = {_toml(str(where / (child.node + '.key')))}",
            ]
        if self._tables:
            lines += ["", self._tables]
        (folder / "node.toml").write_text("\n".join(lines) + "\n")

    # What is asked of it

    async def remote(self, name: NodeId) -> Remote | None:
        """Return a connection to a node; None while there is none."""
        known = self._remotes.get(name)
        if known is not None and not known.over:
            return known
        child = self.child(name)
        made = Remote(child.peer, self.name, name, name="operator", tls=self._dialing(), seconds=5.0)
        try:
            async with asyncio.timeout(2):
                await made.__aenter__()
        except (OSError, TimeoutError):
            return None
        known = self._remotes.get(name)
        if known is not None and not known.over:  # somebody else has made one meanwhile
            await made.close()
            return known
        self._remotes[name] = made
        return made

    def _dialing(self) -> Any:
        if self._certificates is None:
            return None
        return operators_context(self._certificates)

    async def status(self) -> list[dict[str, Any]]:
        """Return how each node is: what its supervisor knows, and what it says itself."""
        return [await self._status(name) for name in self.names]

    async def _status(self, name: NodeId) -> dict[str, Any]:
        child = self.child(name)
        report: dict[str, Any] = {}
        if child.process is not None and not child.paused:
            remote = await self.remote(name)
            if remote is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(2):
                        report = await remote.status() or {}
        return {**report, **asdict(child)}

    async def leader(self) -> NodeId | None:
        """Return who leads, by what most say."""
        said = [r["leader"] for r in await self.status() if r.get("leader")]
        return max(set(said), key=said.count) if said else None

    async def submit(self, command: Command, seconds: float = 30.0) -> Outcome:
        """Have a command executed by whoever leads, asking again while nobody does. Raises TimeoutError."""
        return await self._led(lambda remote: remote.submit(command), seconds)

    async def query(self, payload: bytes, seconds: float = 30.0) -> bytes:
        """Ask the replicated state something, linearizably. Raises TimeoutError."""
        outcome = await self._led(lambda remote: remote.query(payload), seconds)
        assert isinstance(outcome, Done)
        return outcome.result

    async def put(self, payload: bytes, seconds: float = 30.0) -> bytes:
        """Have a command of this cluster's own executed, once. Raises TimeoutError."""
        self._serial += 1
        client = f"cluster/{os.getpid()}/{id(self)}"
        outcome = await self.submit(Command(client, self._serial, payload), seconds)
        assert isinstance(outcome, Done)
        return outcome.result

    async def order(self, words: str, seconds: float = 30.0) -> Outcome:
        """Give an order to the leader: `add n4`, `transfer n2`. Raises TimeoutError."""
        return await self._led(lambda remote: remote.order(words), seconds)

    async def _led(self, ask: Any, seconds: float) -> Outcome:
        async with asyncio.timeout(seconds):
            order = list(self.names)
            while True:
                if self._leader in self._nodes:
                    order = [self._leader, *(n for n in order if n != self._leader)]
                else:
                    order = [*order[1:], order[0]]
                remote = await self.remote(order[0])
                outcome: Outcome = Busy() if remote is None else await ask(remote)
                if not isinstance(outcome, NotLeader | Lost | Busy):
                    self._leader = order[0]
                    return outcome
                self._leader = outcome.leader if isinstance(outcome, NotLeader | Lost) else None
                if self._leader == order[0] or self._leader is None:
                    self._leader = None
                    await asyncio.sleep(0.02)


def operators_context(certificates: Path) -> Any:
    """Return the context with which an operator connects, from a folder of certificates."""
    from ratified.impl.runtime.settings import Tls
    from ratified.impl.runtime.tls import contexts

    files = (certificates / name for name in ("ca.pem", "operator.pem", "operator.key"))
    return contexts(Tls(*files))[1]


def _toml(value: Any) -> str:
    """A value in TOML; what JSON and TOML write alike."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(list(value) if isinstance(value, Iterable) and not isinstance(value, str) else value)


def _reserved(wanted: str | None) -> socket.socket:
    """A port that nobody else is given as long as this is open, and at which a node may listen: that one, if it is free."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if wanted:
        with contextlib.suppress(OSError):
            host, _, port = wanted.rpartition(":")
            held.bind((host, int(port)))
            return held
    held.bind(("127.0.0.1", 0))
    return held


def _ending(status: int, log: Path) -> str:
    """How a process ended, and why if its log says so."""
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    try:
        last = log.read_bytes()[-8192:].rstrip().rpartition(b"\n")[2].decode("utf-8", "replace")
    except OSError:
        last = ""
    try:
        said = json.loads(last)
        return str(said.get("why") or said.get("event"))
    except (ValueError, AttributeError):
        return last.removeprefix("Error: ") or f"exit status {status}"


def read_state(folder: Path) -> dict[str, Any] | None:
    """Return what a cluster's supervisor last said; `supervisor` is None if it runs no more. None if there was none."""
    try:
        state: dict[str, Any] = json.loads((folder / STATE).read_text())
    except (OSError, ValueError):
        return None
    if state.get("supervisor") is not None and holder(folder) != state["supervisor"]:
        state["supervisor"] = None
    return state
