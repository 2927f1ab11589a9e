"""What goes wrong in a cluster, drawn from a seed: when, to whom, for how long.

Guarantees: of every fault it notes when it began and ended; what it breaks it mends, but for what a node has to mend by itself.
 What a fault does to a disk is what a crash may do: it tears what was being written, never what was synced.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ratified.conformance.cluster.proxy import Way
from ratified.conformance.cluster.served import SLOW
from ratified.impl.contract import NodeId
from ratified.impl.runtime.cluster import Cluster
from ratified.impl.runtime.folder import DATABASE


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that went wrong, in seconds from the beginning."""

    kind: str
    node: str
    began: float
    ended: float


FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


class Nemesis:
    """Breaks a cluster, one fault after the other; some overlap. `every` is how many seconds lie between two, on average.

    Kinds of faults are dealt like cards, some from a pack more than once, so that none is missing for long.
    """

    def __init__(
        self,
        cluster: Cluster,
        ways: Sequence[Way],
        seed: str,
        began: float,
        every: float,
        kinds: Sequence[str] = (),
    ) -> None:
        self.faults: list[Fault] = []
        self._cluster = cluster
        self._ways = ways
        self._random = random.Random(f"{seed}/nemesis")  # noqa: S311 - to repeat runs, not to keep secrets
        self._began = began
        self._every = every
        self._busy: set[NodeId] = set()
        self._under_way: set[asyncio.Task[None]] = set()
        self._members = list(cluster.founders)
        self._pack: list[str] = []
        known: dict[str, tuple[int, Callable[[NodeId], Awaitable[None]]]] = {
            "kill": (4, self._kill),
            "kill leader": (3, self._kill_leader),
            "power cut": (2, self._power_cut),
            "pause": (3, self._pause),
            "pause leader": (3, self._pause_leader),
            "partition": (4, self._partition),
            "one-way partition": (2, self._one_way),
            "lag": (3, self._lag),
            "slow disk": (2, self._slow),
            "full disk": (2, self._full),
            "torn tail": (2, self._torn),
            "restart": (2, self._restart),
            "transfer": (2, self._transfer),
            "compact": (1, self._compact),
        }
        if len(cluster.names) > len(cluster.founders):
            known["membership"] = (3, self._membership)
        if faketime() is not None:
            known["clock jump"] = (2, self._jump)
        self.kinds = {k: v for k, v in known.items() if not kinds or k in kinds}

    @property
    def now(self) -> float:
        """Seconds from the beginning."""
        return time.monotonic() - self._began

    async def run(self, over: asyncio.Event) -> None:
        """Break things until it is over, then mend them."""
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._random.expovariate(1 / self._every)):
                    await over.wait()
            node = self._random.choice(self._cluster.names)
            if over.is_set() or node in self._busy:
                continue
            task = asyncio.create_task(self._one(self._deal(), node))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        await asyncio.gather(*self._under_way)
        self.mend()

    def _deal(self) -> str:
        if not self._pack:
            self._pack = [kind for kind, (often, _) in self.kinds.items() for _ in range(often)]
            self._random.shuffle(self._pack)
        return self._pack.pop()

    def mend(self) -> None:
        """End all that does not end by itself."""
        for way in self._ways:
            way.mend(broken=True)
        for name in self._cluster.names:
            self._cluster.resume(name)
            (self._cluster.folder / name / SLOW).unlink(missing_ok=True)
            self._cluster.start(name)

    async def _one(self, kind: str, node: NodeId) -> None:
        self._busy.add(node)
        began = self.now
        try:
            await self.kinds[kind][1](node)
        except TimeoutError:
            pass
        finally:
            self._busy.discard(node)
            self.faults.append(Fault(kind, node, round(began, 3), round(self.now, 3)))

    def _for(self, least: float, most: float) -> Awaitable[None]:
        return asyncio.sleep(self._random.uniform(least, most))

    # Processes

    async def _kill(self, node: NodeId) -> None:
        self._cluster.kill(node)
        await self._for(0.1, 0.5)

    async def _kill_leader(self, node: NodeId) -> None:
        self._cluster.kill(await self._cluster.leader() or node)
        await self._for(0.1, 0.5)

    async def _power_cut(self, node: NodeId) -> None:  # noqa: ARG002 - it is everybody's
        """All die at once; perhaps just when all have taken a snapshot."""
        if self._random.random() < 0.8:
            for name in self._cluster.names:
                await self._compact(name)
        for name in self._cluster.names:
            self._cluster.kill(name)
        await self._for(0.1, 0.5)

    async def _pause(self, node: NodeId) -> None:
        await self._paused(node, 0.2, 2.5)

    async def _pause_leader(self, node: NodeId) -> None:
        """A leader stops in its tracks, and when it goes on it does not hear at once what it has missed."""
        leader = await self._cluster.leader() or node
        ways = [way for way in self._ways if way.to == leader]
        for way in ways:
            way.cut()
        await self._paused(leader, 1.0, 4.0)
        await self._for(0.1, 0.6)
        for way in ways:
            way.mend(broken=False)

    async def _paused(self, node: NodeId, least: float, most: float) -> None:
        self._cluster.pause(node)
        await self._for(least, most)
        self._cluster.resume(node)

    async def _restart(self, node: NodeId) -> None:
        await self._cluster.restart(node)

    # Networks

    async def _partition(self, node: NodeId) -> None:
        side = {
            node,
            *self._random.sample(self._cluster.names, self._random.randint(0, len(self._cluster.names) // 2)),
        }
        cut = [way for way in self._ways if (way.sender in side) != (way.to in side)]
        await self._without(cut)

    async def _one_way(self, node: NodeId) -> None:
        sends = self._random.random() < 0.5
        await self._without([way for way in self._ways if (way.sender if sends else way.to) == node])

    async def _without(self, ways: Sequence[Way]) -> None:
        for way in ways:
            way.cut()
        await self._for(0.3, 3.0)
        broken = self._random.random() < 0.5
        for way in ways:
            way.mend(broken=broken)

    async def _lag(self, node: NodeId) -> None:
        """A node hears all late, but not so late that it misses its leader: it knows less than others have been told."""
        ways = [way for way in self._ways if way.to == node]
        for way in ways:
            way.delay = self._random.uniform(0.05, 0.3)
        await self._for(0.5, 3.0)
        for way in ways:
            way.delay = 0.0

    # Disks

    async def _slow(self, node: NodeId) -> None:
        slow = self._cluster.folder / node / SLOW
        slow.write_text(str(self._random.choice((20, 100, 400))))
        await self._for(0.5, 3.0)
        slow.unlink(missing_ok=True)

    async def _full(self, node: NodeId) -> None:
        """No file of the node's grows any more; it ends with that, and there is room again when it comes back."""
        process = self._cluster.child(node).process
        if process is None:
            return
        folder = self._cluster.folder / node
        wal = folder / f"{DATABASE}-wal"
        least = max(wal.stat().st_size if wal.exists() else 0, 4096)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(process, resource.RLIMIT_FSIZE, (least, least))
        await self._for(0.5, 2.0)

    async def _torn(self, node: NodeId) -> None:
        """The node dies while it writes: behind what it had synced stands the beginning of something."""
        self._cluster.halt(node)
        while self._cluster.child(node).process is not None:
            await asyncio.sleep(0.01)
        wal = self._cluster.folder / node / f"{DATABASE}-wal"
        if wal.exists() and wal.stat().st_size >= 32 + 24 + 4096:
            data = wal.read_bytes()
            frame = data[-(24 + 4096) :]
            torn = frame[: self._random.randint(1, len(frame))]
            at = self._random.randrange(len(torn))
            with wal.open("ab") as file:
                file.write(torn[:at] + self._random.randbytes(1) + torn[at + 1 :])
        await self._for(0.0, 0.5)
        self._cluster.start(node)

    # Clocks

    async def _jump(self, node: NodeId) -> None:
        by = self._random.choice((-3600, -60, -1, 1, 60, 3600))
        (self._cluster.folder / node / "time").write_text(f"{by:+d}")
        await self._for(0.5, 3.0)
        (self._cluster.folder / node / "time").write_text("+0")

    # Orders

    async def _transfer(self, node: NodeId) -> None:
        await self._cluster.order(f"transfer {node}", 3)

    async def _compact(self, node: NodeId) -> None:
        remote = await self._cluster.remote(node)
        if remote is not None:
            await remote.order("compact")

    async def _membership(self, node: NodeId) -> None:
        """A node leaves, or comes (back); a majority of those that began stays."""
        if node in self._members and len(self._members) >= len(self._cluster.founders):
            await self._cluster.order(f"remove {node}", 3)
            self._members.remove(node)
        elif node not in self._members:
            await self._cluster.order(f"add {node}", 3)
            self._members.append(node)


def faketime() -> Path | None:
    """Where libfaketime is, if it is there."""
    return FAKETIME if FAKETIME.exists() else None
