"""Where the time of a put, or a get, goes: processor time by part, of three nodes in one process.

    python benchmarks/parts.py put 1          # by one client
    python benchmarks/parts.py get 64 --seconds 5
    python benchmarks/parts.py local 16       # a serializable get: little more than what a call of gRPC costs

The nodes are as `ratified serve` makes them, with sockets and gRPC between them and a client in a process of its own, but in one
event loop: caches are warm, so a part costs less than in three processes, and parts can be compared on a machine that does other
things, too. The disk is a folder of `--disk`, by default in memory: what a disk costs itself is for `cluster.py`.

What a part calls counts for the part that is called. Measuring takes a microsecond or two for each call, within these figures.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import inspect
import io
import json
import os
import socket
import sys
import tempfile
import threading
import time
import types
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Generator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import uvloop

from ratified.impl.etcd.batching import Batcher, _Lanes
from ratified.impl.etcd.front_end import front_end
from ratified.impl.etcd.http2 import _Connection
from ratified.impl.etcd.server import Server
from ratified.impl.etcd.services import Services
from ratified.impl.raft.core import RaftCore
from ratified.impl.raft.state import Role
from ratified.impl.runtime.asking import Asking
from ratified.impl.runtime.links import Incoming, Link
from ratified.impl.runtime.node import Node
from ratified.impl.runtime.peers import Peers
from ratified.impl.runtime.serve import logger
from ratified.impl.runtime.settings import Place, Settings
from ratified.impl.runtime.storage import Storage
from ratified.impl.store.store import Store

Part = str | Callable[[Any], str]


class Clock:
    """The processor time of the thread that made it, by part."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self._within: list[str] = []
        self._since = 0.0
        self._thread = threading.get_ident()

    def enter(self, part: str) -> None:
        """A part begins, within another one or not."""
        now = time.thread_time()
        if self._within:
            self.spent[self._within[-1]] += now - self._since
        self._within.append(part)
        self._since = now

    def leave(self) -> None:
        """It ends."""
        now = time.thread_time()
        self.spent[self._within.pop()] += now - self._since
        self._since = now

    def watch(self, owner: type, name: str, part: Part) -> None:
        """Count a method's time for a part; a coroutine's for as long as it runs."""
        method = inspect.getattr_static(owner, name)
        named = part if callable(part) else lambda _: part

        @functools.wraps(method)
        def called(this: Any, *args: Any, **more: Any) -> Any:
            if threading.get_ident() != self._thread:
                return method(this, *args, **more)
            what = named(this)
            self.calls[f"{owner.__name__}.{name}"] += 1
            self.enter(what)
            try:
                result = method(this, *args, **more)
            finally:
                self.leave()
            return self._driven(what, result) if inspect.iscoroutine(result) else result

        setattr(owner, name, _async(called) if inspect.iscoroutinefunction(method) else called)

    @types.coroutine
    def _driven(self, part: str, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        go: Callable[[Any], Any] = coroutine.send
        value: Any = None
        while True:
            self.enter(part)
            try:
                waits = go(value)
            except StopIteration as end:
                return end.value
            finally:
                self.leave()
            try:
                value, go = (yield waits), coroutine.send
            except BaseException as error:  # noqa: BLE001 - it is thrown into the coroutine
                value, go = error, coroutine.throw


def _async(called: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(called)
    async def wrapped(*args: Any, **more: Any) -> Any:
        return await called(*args, **more)

    return wrapped


def _core(core: RaftCore) -> str:
    return "core, of the leader" if core.role is Role.LEADER else "core, of followers"


PARTS: tuple[tuple[type, str, Part], ...] = (
    (RaftCore, "step", _core),
    (_Connection, "data_received", "gRPC: frames and headers, in nghttp2"),
    (_Connection, "_answer", "gRPC: frames and headers, in nghttp2"),
    (Storage, "write_at_once", "disk: SQLite and its threads"),
    (Store, "apply", "store"),
    (Store, "ask", "store"),
    (Node, "_step", "host"),
    (Node, "_on_durable", "host"),
    (Node, "_tick", "ticks"),
    (Peers, "send", "messages, encoded"),
    (Link, "send", "messages, framed"),
    (Link, "pump", "messages, written to sockets"),
    (Incoming, "data_received", "messages, received"),
    (Peers, "whole", "messages, decoded"),
    (Services, "put", "gRPC's messages to and from the store's"),
    (Services, "range", "gRPC's messages to and from the store's"),
    (_Lanes, "_start", "batches of many callers"),
    (_Lanes, "_run", "batches of many callers"),
    (Batcher, "_confirm", "batches of many callers"),
    (Asking, "submit", "batches of many callers"),
    (Asking, "query", "batches of many callers"),
    (Server, "_changed", "watches"),
)


def threads() -> dict[int, tuple[str, float]]:
    """By thread: its name, and the microseconds of processor time that it has used."""
    found = {}
    for each in Path("/proc/self/task").iterdir():
        found[int(each.name)] = (
            (each / "comm").read_text().strip(),
            int((each / "schedstat").read_text().split()[0]) / 1e3,
        )
    return found


async def measured(kind: str, clients: int, seconds: float, disk: str) -> None:
    """Run the nodes, and a client in another process, and print the table."""
    clock = Clock()
    for owner, name, part in PARTS:
        clock.watch(owner, name, part)
    run = Storage._run

    def named(storage: Storage, *how: Any) -> None:
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text("storage")
        run(storage, *how)

    setattr(Storage, "_run", named)  # noqa: B010 - threads have no names of their own before Python 3.14
    names = ("n1", "n2", "n3")
    async with AsyncExitStack() as stack:
        ports = [stack.enter_context(socket.socket()) for _ in range(2 * len(names))]
        for each in ports:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            each.bind(("127.0.0.1", 0))
        addresses = iter([f"127.0.0.1:{each.getsockname()[1]}" for each in ports])
        places = {name: Place(next(addresses), next(addresses)) for name in names}
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=disk)))
        nodes = []
        for name in names:
            settings = Settings(name, folder / name, places, insecure=True, reuse_port=True, machine="etcd")
            log = logger(name, io.StringIO())
            node = Node(settings, Store(), log)
            await node.start()
            stack.push_async_callback(node.stop)
            await stack.enter_async_context(front_end(node, settings, log))
            nodes.append(node)
        while not all(node.leader for node in nodes):
            await asyncio.sleep(0.05)
        address = places[str(nodes[0].leader)].client
        await driven(address, "put", min(clients, 16), 1.0)
        clock.spent.clear()
        clock.calls.clear()
        before = threads()
        count = await driven(address, kind, clients, seconds)
        after = threads()
    table(
        clock, {tid: (name, us - before.get(tid, ("", 0.0))[1]) for tid, (name, us) in after.items()}, count
    )


async def driven(address: str, kind: str, clients: int, seconds: float) -> int:
    """Have a process call for some seconds; how many calls were answered."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("cluster.py")), "--driver",
        address, kind, str(clients), str(seconds), stdout=asyncio.subprocess.PIPE, limit=1 << 26,
    )  # fmt: skip
    out, _ = await process.communicate()
    return len(json.loads(out)["latencies"])


def table(clock: Clock, used: dict[int, tuple[str, float]], count: int) -> None:
    """Print microseconds for each call."""
    main = used[os.getpid()][1] / count
    parts = defaultdict(float, {part: seconds / count * 1e6 for part, seconds in clock.spent.items()})
    parts["the event loop, and what is not listed"] = main - sum(parts.values())
    for tid, (name, us) in used.items():
        if tid != os.getpid():
            parts[{"storage": "disk: SQLite and its threads"}.get(name, "other threads")] += us / count
    print(f"{count:,} calls; microseconds of processor time for each, {sum(parts.values()):,.0f} in all")
    for part, us in sorted(parts.items(), key=lambda each: -each[1]):
        print(f"{us:8.1f}  {part}")
    print("calls of: " + ", ".join(f"{name} {n / count:.2f}" for name, n in clock.calls.most_common()))


def main() -> None:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=("put", "get", "local"))
    parser.add_argument("clients", type=int)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--disk", default="/dev/shm", metavar="FOLDER")  # noqa: S108 - a disk in memory is meant
    given = parser.parse_args()
    uvloop.run(measured(given.kind, given.clients, given.seconds, given.disk))


if __name__ == "__main__":
    main()
