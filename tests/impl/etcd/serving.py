"""A cluster of local replicas that serves etcd's interface, and programs that are run against it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ratified.impl.etcd.server import Server
from tests.impl.etcd.replicas import LocalCluster, LocalReplica


@dataclass(slots=True)
class Serving:
    """A cluster, and the servers of its nodes by name. The first node leads at first."""

    cluster: LocalCluster
    servers: Mapping[str, Server]

    @property
    def endpoints(self) -> str:
        """Where clients go."""
        return ",".join(server.address for server in self.servers.values())

    async def etcdctl(self, *arguments: str, stdin: str = "", endpoints: str = "") -> str:
        """Return what etcdctl prints, errors after it."""
        where = ("--endpoints", endpoints or self.endpoints)
        return await run("etcdctl", *where, *arguments, stdin=stdin, env={"ETCDCTL_API": "3"})


@asynccontextmanager
async def serving(nodes: int = 3, spares: int = 0, **how: Any) -> AsyncIterator[Serving]:
    """A cluster that is served, on ports of the kernel's choice."""
    cluster = LocalCluster(nodes, spares)
    async with AsyncExitStack() as stack:
        servers = {}
        for name, replica in cluster.nodes.items():
            server = await stack.enter_async_context(Server(replica, "127.0.0.1:0", tick_ms=0, **how))
            replica.client = server.address
            servers[name] = server
        leader: LocalReplica = await cluster.elect("n1")
        while not servers[leader.node].lessor.tenure:
            await servers[leader.node].lessor.step()
        yield Serving(cluster, servers)


async def run(program: str, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
    """Return what a program prints, errors after it."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(env or {})},
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(stdin.encode())
    return out.decode() + err.decode()


async def run_python(program: str, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Return what a Python program prints, errors after it."""
    return await run(sys.executable, "-c", program, *arguments, env=env)
