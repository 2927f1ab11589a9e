"""Nodes in one event loop, with real sockets and disks: what clients are told is so, before and after whatever stops."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from ratified.impl.contract import Applied, Command, Done, Lost, NotLeader, Refused, Restored, Send, Write
from ratified.impl.runtime.errors import RefusedData
from ratified.impl.runtime.hosted import Pace
from ratified.impl.runtime.storage import Storage
from ratified.impl.store.store import Store
from tests.impl.runtime.nodes import nodes


@pytest.mark.parametrize("protocol", ["raft", "multi-paxos"])
def test_three_nodes_agree_and_remember(tmp_path: Path, protocol: str) -> None:
    async def run() -> None:
        async with nodes(3, tmp_path, protocol=protocol) as cluster:
            assert await cluster.put(1, "put x 1") == b""
            assert await cluster.put(2, "put x 2") == b"1"
            assert await cluster.put(2, "put x 2") == b"1"  # sent again: executed once
            assert await cluster.get("get x") == b"2"
            leader = await cluster.leader()
            follower = next(n for n in cluster.up.values() if n is not leader)
            while follower.status().leader is None:
                await asyncio.sleep(0.01)
            told = await follower.submit(Command("bob", 1, b"put y 1"))
            assert told == NotLeader(follower.status().leader)
            for name in cluster.names:
                await cluster.stop(name)
            for name in cluster.names:
                await cluster.start(name)
            assert await cluster.get("get x") == b"2"
            assert {node.starts for node in cluster.up.values()} == {2}

    asyncio.run(run())


def test_what_may_wait_leaves_later_unless_something_else_goes_the_same_way(tmp_path: Path) -> None:
    async def run() -> None:
        async with nodes(1, tmp_path) as cluster:
            node = await cluster.leader()
            sent: list[tuple[str, str]] = []
            node._peers.send = lambda to, message: sent.append((to, message))  # type: ignore[method-assign]
            for send in (
                Send("n2", "committed to 1", idle=True),
                Send("n3", "committed to 1", idle=True),
                Send("n2", "entry 2", 0),
                Send("n3", "committed to 2", idle=True),
            ):
                node._send(send)
            assert sent == [("n2", "entry 2")]
            while len(sent) < 2:
                await asyncio.sleep(0.001)
            assert sent == [("n2", "entry 2"), ("n3", "committed to 2")]
            now = asyncio.get_running_loop().time()
            node._idle = {"n2": (now - 1, "long since"), "n3": (now + 3_600, "just now")}
            node._send_idle()  # by a timer of something that has left
            assert sent[2:] == [("n2", "long since")]
            assert node._idle.keys() == {"n3"}
            assert node._waking is not None

    asyncio.run(run())


def test_a_leader_that_stops_is_replaced_and_catches_up(tmp_path: Path) -> None:
    async def run() -> None:
        async with nodes(3, tmp_path, pace=Pace(10, 2, snapshot_every=8, snapshot_keep=0)) as cluster:
            await cluster.put(1, "put x 1")
            first = (await cluster.leader()).name
            await cluster.stop(first)
            for serial in range(2, 30):
                await cluster.put(serial, f"put x {serial}")
            again = await cluster.start(first)
            seen: list[Applied | Restored] = []
            again.subscribe(seen.append)
            leader = await cluster.leader()
            while again.status().applied < leader.status().applied:
                await asyncio.sleep(0.01)
            assert isinstance(seen[0], Restored)  # what the others had dropped came as a snapshot
            assert again.machine.query(b"get x") == b"29"

    asyncio.run(run())


def test_members_come_and_go(tmp_path: Path) -> None:
    async def run() -> None:
        async with nodes(4, tmp_path, founders=("n1", "n2", "n3")) as cluster:
            await cluster.put(1, "put x 1")
            leader = await cluster.leader()
            assert [m.node for m in leader.status().members] == ["n1", "n2", "n3"]
            assert leader.order(["add", "n4"]) == Done(b"ordered")
            await cluster.put(2, "put x 2")
            joined = cluster.up["n4"]
            while joined.machine.query(b"get x") != b"2":
                await asyncio.sleep(0.01)
            assert [m.node for m in joined.status().members] == ["n1", "n2", "n3", "n4"]
            refused = leader.order(["ad", "n4"])
            assert isinstance(refused, Refused)
            assert refused.reason == (
                "there is no order 'ad n4'; there are campaign, compact, transfer NODE, add NODE, learn NODE, "
                "promote NODE, remove NODE and change NODE..."
            )

    asyncio.run(run())


class FullStorage(Storage):
    """A disk that is quick, and full after so many commits."""

    left = 5
    clock = staticmethod(lambda: 0.0)
    writers: ClassVar[set[str]] = set()

    def commit(self, writes: Sequence[Write]) -> None:
        self.left -= 1
        self.writers.add(threading.current_thread().name)
        if self.left < 0:
            raise sqlite3.OperationalError("database or disk is full")
        super().commit(writes)


def test_a_node_whose_disk_is_full_ends_and_the_others_go_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with nodes(3, tmp_path) as cluster:
            await cluster.put(1, "put x 1")
            victim = (await cluster.leader()).name
            await cluster.stop(victim)
            node = await cluster.start(victim, storage=FullStorage)
            serial = 1
            assert node.failed is not None
            while not node.failed.done():
                serial += 1
                await cluster.put(serial, f"put x {serial}")
            fault = node.failed.result()
            assert str(fault) == f"{tmp_path}/{victim}/node.db: database or disk is full"
            assert fault.status == 74
            assert FullStorage.writers == {
                "storage",
                "MainThread",
            }  # of the first record, and of short entries
            assert await node.submit(Command("bob", 1, b"put y 1")) == NotLeader(None)
            await cluster.stop(victim)
            await cluster.put(serial + 1, "put x last")
            back = await cluster.start(victim)  # there is room again
            while back.machine.query(b"get x") != b"last":
                await asyncio.sleep(0.01)

    asyncio.run(run())


def test_a_node_that_cannot_do_all_that_a_step_asks_for_ends(tmp_path: Path) -> None:
    """With something left out, what it tells others and what is on its disk would not be what its core believes."""

    def broken(_: Send) -> None:
        raise RuntimeError("the handler is closed")

    async def run() -> None:
        async with nodes(1, tmp_path) as cluster:
            node = await cluster.leader()
            node._carry_out = broken  # type: ignore[assignment]
            assert await node.submit(Command("bob", 1, b"put x 1")) == Lost(None)
            assert node.failed is not None
            fault = node.failed.result()
            assert (str(fault), fault.status) == ("unexpected RuntimeError('the handler is closed')", 70)

    asyncio.run(run())


def test_a_snapshot_that_the_state_machine_does_not_take_on_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with nodes(1, tmp_path, pace=Pace(snapshot_every=2, snapshot_keep=0)) as cluster:
            node = await cluster.leader()
            for serial in (1, 2, 3):
                await node.submit(Command("bob", serial, b"put x 1"))
            await cluster.stop("n1")
            cluster.machine = Store
            with pytest.raises(
                RefusedData, match=r"node\.db: the snapshot is not taken on: no snapshot of a store: "
            ):
                await cluster.start("n1")

    asyncio.run(run())


def test_a_log_of_few_long_entries_is_shortened_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ratified.impl.runtime.node.LONG_LOG", 3_000)

    async def run() -> None:
        async with nodes(1, tmp_path, pace=Pace(snapshot_every=1_000, snapshot_keep=0)) as cluster:
            node = await cluster.leader()
            serial = 0

            async def put(count: int, length: int) -> None:
                nonlocal serial
                for _ in range(count):
                    serial += 1
                    await cluster.put(serial, "put x " + "1" * length)

            async def tick() -> tuple[int, int]:
                storage = node._storage
                assert storage is not None
                node._shorten_log()
                while node._unwritten:
                    await asyncio.sleep(0.001)
                return storage.added - storage.added_before, storage.snapshot_bytes

            await put(2, 1_000)
            assert (await tick())[1] < 100  # it is not long yet
            await put(5, 4_000)
            added, length = await tick()  # as a timer has done meanwhile, too
            assert 4_000 < length < 9_000  # with the last answer
            assert added <= length

            await cluster.stop("n1")
            node = await cluster.start("n1")
            kept, read = await tick()  # entries that the snapshot has not
            assert (read, kept >= added) == (length, True)

    asyncio.run(run())


class Closing:
    """A transport of uvloop that is closing."""

    def is_closing(self) -> bool:
        return True

    def write(self, _: bytes) -> None:
        raise RuntimeError("the handler is closed")

    abort = write


def test_what_is_sent_to_a_connection_that_is_closing_is_lost(tmp_path: Path) -> None:
    async def run() -> None:
        async with nodes(2, tmp_path) as cluster:
            link = cluster.up["n1"]._peers.links["n2"]
            while not link.connected:
                await asyncio.sleep(0.001)
            transport, link._transport = link._transport, Closing()  # type: ignore[assignment]
            link.send(b"short")
            link._long.append(b"part")
            link.pump()
            link.announce(b"addresses")
            assert link.lost == 1
            link._transport = transport

    asyncio.run(run())


def test_a_large_snapshot_goes_in_parts(tmp_path: Path) -> None:
    async def run() -> None:
        async with nodes(3, tmp_path) as cluster:
            await cluster.put(1, "put x 1")
            leader = await cluster.leader()
            behind = next(name for name in cluster.names if name != leader.name)
            await cluster.stop(behind)
            value = "v" * 100_000
            for serial in range(2, 22):
                await cluster.put(serial, f"put k{serial} {value}")
            (await cluster.leader()).order(["compact"])
            again = await cluster.start(behind)
            while again.machine.query(b"get k21") != value.encode():
                await asyncio.sleep(0.01)

    asyncio.run(run())
