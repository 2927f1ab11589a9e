"""Clusters in one event loop, for tests: real sockets, real disks, no processes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ratified.impl.contract import Command, Done, NotLeader, Outcome, StateMachine
from ratified.impl.machines import KeyValue
from ratified.impl.runtime.hosted import Pace
from ratified.impl.runtime.node import Node
from ratified.impl.runtime.settings import Place, Settings

QUICK = Pace(election=10, heartbeat=2, snapshot_every=0, snapshot_keep=0)


class Told:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append(("warning", event, fields))

    def error(self, event: str, **fields: Any) -> None:
        self.lines.append(("error", event, fields))

    def said(self, event: str) -> list[dict[str, Any]]:
        return [fields for _, name, fields in self.lines if name == event]


def reserved() -> tuple[socket.socket, str]:
    """A port of the kernel's choice, which is kept as long as the socket is open."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(("127.0.0.1", 0))
    return held, f"127.0.0.1:{held.getsockname()[1]}"


class Nodes:
    """Nodes `n1`, `n2`, ... with their folders in one."""

    def __init__(self, count: int, folder: Path, **more: Any) -> None:
        self.names = [f"n{i}" for i in range(1, count + 1)]
        self._held = {name: reserved() for name in self.names}
        self.places = {name: Place(address) for name, (_, address) in self._held.items()}
        self.folder = folder
        self.more = {"pace": QUICK, "tick_ms": 20, "insecure": True, "reuse_port": True, **more}
        self.up: dict[str, Node] = {}
        self.logs = {name: Told() for name in self.names}
        self.machine: Callable[[], StateMachine] = KeyValue

    def settings(self, name: str, **more: Any) -> Settings:
        return Settings(name, self.folder / name, self.places, **{**self.more, **more})

    async def start(self, name: str, **more: Any) -> Node:
        made = {key: more.pop(key) for key in ("storage", "recorder", "tls") if key in more}
        node = Node(self.settings(name, **more), self.machine(), self.logs[name], **made)
        await node.start()
        self.up[name] = node
        return node

    async def stop(self, name: str) -> None:
        await self.up.pop(name).stop()

    async def close(self) -> None:
        for name in list(self.up):
            await self.stop(name)
        for held, _ in self._held.values():
            held.close()

    async def leader(self, *but: str) -> Node:
        """The node that leads, once one does."""
        while True:
            leading = [n for n in self.up.values() if n.status().leader == n.name and n.name not in but]
            if leading:
                return max(leading, key=lambda n: n.status().term)
            await asyncio.sleep(0.01)

    async def ask(self, how: Callable[[Node], Any]) -> Outcome:
        """Ask the leader, whoever that is, until it is done."""
        while True:
            outcome: Outcome = await how(await self.leader())
            if not isinstance(outcome, NotLeader):
                return outcome
            await asyncio.sleep(0.01)

    async def put(self, serial: int, text: str, client: str = "alice") -> bytes:
        """Have a command executed."""
        while True:
            outcome = await self.ask(lambda n: n.submit(Command(client, serial, text.encode())))
            if isinstance(outcome, Done):
                return outcome.result

    async def get(self, text: str) -> bytes:
        while True:
            outcome = await self.ask(lambda n: n.query(text.encode()))
            if isinstance(outcome, Done):
                return outcome.result


@asynccontextmanager
async def nodes(count: int, folder: Path, **more: Any) -> AsyncIterator[Nodes]:
    """Nodes that are up."""
    made = Nodes(count, folder, **more)
    try:
        for name in made.names:
            await made.start(name)
        yield made
    finally:
        await made.close()
