"""How soon a node with a long log is ready, and what a command costs it.

    python benchmarks/runtime.py start --entries 1000000
    python benchmarks/runtime.py commands --nodes 3 --clients 16 --seconds 5
    python benchmarks/runtime.py writes --entries 2000    # what handing over one entry to the disk's thread costs
    python benchmarks/runtime.py growth --clients 16 --seconds 180   # memory and disk of the store's nodes under load
    nice python benchmarks/runtime.py growth --clients 64 --seconds 1200 --rate 300 --revisions 20000    # a moderate one

Times are of this machine as it is; user CPU is told beside the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from ratified.impl.contract import Command, Done, WriteEntries, WriteRecord
from ratified.impl.machines import KeyValue
from ratified.impl.raft.messages import Entry, HardState
from ratified.impl.runtime.cluster import Cluster
from ratified.impl.runtime.hosted import Pace, hosted
from ratified.impl.runtime.node import Node
from ratified.impl.runtime.remote import Remote
from ratified.impl.runtime.serve import logger
from ratified.impl.runtime.settings import Place, Settings
from ratified.impl.runtime.storage import Storage, identity


def user() -> float:
    """User CPU of this process so far, in seconds."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


async def start(entries: int) -> None:
    """Write a log, start a node with it, and ask it something."""
    raft = hosted("raft")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "node.db"
        storage = Storage(
            path, raft.kept, identity("ratified", "n1", "raft", "kv"), lambda: raft.bootstrap(["n1"])
        )
        storage.commit([WriteRecord(HardState(1, "n1"))])
        for first in range(1, entries + 1, 10_000):
            count = min(10_000, entries + 1 - first)
            some = tuple(Entry(1, Command("alice", n, b"put key value")) for n in range(first, first + count))
            storage.commit([WriteEntries(first, some)])
        storage.close()
        places = {"n1": Place("127.0.0.1:0")}
        pace = Pace(snapshot_every=0)
        settings = Settings("n1", Path(folder), places, insecure=True, pace=pace)
        node = Node(settings, KeyValue(), logger("n1"))
        began, cpu = time.monotonic(), user()
        await node.start()
        started = time.monotonic() - began, user() - cpu
        while not isinstance(await node.query(b"get key"), Done):
            await asyncio.sleep(0.01)
        ready = time.monotonic() - began, user() - cpu
        await node.stop()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{entries:,} entries: verified and loaded in {started[0]:.1f} s ({started[1]:.1f} s of user CPU)")
    print(f"first linearizable read after {ready[0]:.1f} s ({ready[1]:.1f} s); {memory:,.0f} MB at most")


def writes(entries: int) -> None:
    """Have the thread write entries one after the other, to a disk in memory; the least of five times."""
    raft = hosted("raft")
    took = []
    told = threading.Semaphore(0)

    def tell(_: int) -> None:
        told.release()

    for _ in range(5):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            owner = identity("ratified", "n1", "raft", "kv")
            storage = Storage(Path(folder) / "node.db", raft.kept, owner, lambda: raft.bootstrap(["n1"]))
            storage.begin(tell, print)
            cpu = time.process_time()
            for at in range(1, entries + 1):
                entry = Entry(1, Command("alice", at, b"put key " + b"v" * 100))
                storage.write(at, (WriteEntries(at, (entry,)),))
                told.acquire()
            took.append((time.process_time() - cpu) / entries * 1e6)
            storage.close()
    print(f"{min(took):.0f} µs of CPU for each entry, handed over and told")


async def commands(nodes: int, clients: int, seconds: float) -> None:
    """Have clients put, each one after the other."""
    async with Cluster(nodes) as cluster:
        leader = await cluster.leader() or "n1"
        times: list[float] = []
        over = time.monotonic() + seconds

        async def client(number: int) -> None:
            async with Remote(cluster.child(leader).peer) as remote:
                serial = 0
                while (now := time.monotonic()) < over:
                    serial += 1
                    outcome = await remote.submit(Command(f"c{number}", serial, b"put key value"))
                    if isinstance(outcome, Done):
                        times.append(time.monotonic() - now)

        await asyncio.gather(*(client(n) for n in range(clients)))
        process = cluster.child(leader).process
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / 100
        times.sort()

        def share(of: float) -> float:
            return times[min(len(times) - 1, int(of * len(times)))] * 1000

        print(f"{nodes} nodes, {clients} clients: {len(times) / seconds:,.0f} puts a second; ", end="")
        print(f"p50 {share(0.5):.1f} ms, p99 {share(0.99):.1f} ms, p99.9 {share(0.999):.1f} ms; ", end="")
        print(f"{1e6 * cpu / max(1, len(times)):,.0f} µs of the leader's CPU each, its start included")


async def growth(nodes: int, clients: int, seconds: float, rate: float, revisions: int) -> None:
    """Put into the store, which forgets old revisions and takes snapshots, and look at its nodes every minute, or ten times.

    Beside those who put, watches of all keys come and go, each at another node, and leases with a key end.
    """
    import grpc.aio

    from ratified.impl.client.aio import StoreClient
    from ratified.impl.client.errors import StoreError
    from ratified.impl.etcd import etcd_pb2 as pb

    limits = f"[etcd.limits]\nrevisions = {revisions}"
    async with Cluster(
        nodes, machine="etcd", tables=limits, settings={"snapshot_every": revisions}
    ) as cluster:
        leader = await cluster.leader() or "n1"
        done = Counter[str]()
        over = time.monotonic() + seconds

        async def again(what: str, do: Callable[[], Coroutine[Any, Any, Any]]) -> None:
            while time.monotonic() < over:
                try:
                    await do()
                    done[what] += 1
                except (StoreError, grpc.aio.AioRpcError):  # on a busy machine a time may run out
                    done["failed"] += 1

        async def puts(number: int) -> None:
            at = number

            async def put() -> None:
                nonlocal at
                at, began = at + 7919, time.monotonic()
                request = pb.PutRequest(key=b"k%d" % (at % 1_000), value=b"v" * 1_000)
                await call(request.SerializeToString())
                if rate:
                    await asyncio.sleep(max(0.0, began + clients / rate - time.monotonic()))

            async with grpc.aio.insecure_channel(cluster.child(leader).client) as channel:
                call: Any = channel.unary_unary("/etcdserverpb.KV/Put")
                await again("puts", put)

        async def watches(number: int) -> None:
            async def watch() -> None:
                async with contextlib.aclosing(client.watch(b"k", prefix=True)) as changes:
                    for _ in range(100):
                        await anext(changes)

            at = cluster.child(cluster.names[number % nodes]).client
            async with StoreClient([at], refresh=False) as client:
                await again("watches", watch)

        async def leases() -> None:
            async def lease() -> None:
                lease = await client.grant(5)
                await lease.stop()  # to end by itself
                await client.put(b"l%d" % lease.number, b"v", lease=lease.number)
                await asyncio.sleep(0.1)

            async with StoreClient([child.client for child in map(cluster.child, cluster.names)]) as client:
                await again("leases", lease)

        async def look() -> None:
            every = 60.0 if seconds >= 600 else seconds / 10
            print(
                "seconds      puts watches leases failed  "
                + "  ".join(f"{name:>5} memory    disk" for name in cluster.names)
            )
            for turn in range(int(seconds / every) + 1):
                await asyncio.sleep(max(0.0, over - seconds + turn * every - time.monotonic()))
                told = []
                for report in await cluster.status():
                    status = Path(f"/proc/{report['process']}/status").read_text()
                    memory = int(status.partition("VmRSS:")[2].split()[0]) / 1024
                    told.append(f"{memory:9.1f} MB {report.get('disk', 0) / 1e6:5.1f} MB")
                counts = f"{done['puts']:9,} {done['watches']:7,} {done['leases']:6,} {done['failed']:6,}"
                print(f"{turn * every:7.0f} {counts}  {'  '.join(told)}", flush=True)

        watching = [asyncio.ensure_future(watches(number)) for number in range(2 * nodes)]
        await asyncio.gather(look(), leases(), *map(puts, range(clients)))
        for each in watching:
            each.cancel()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("start", "writes", "commands", "growth"))
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--rate", type=float, default=0.0, help="puts a second, of all clients; 0: as many as can be"
    )
    parser.add_argument("--revisions", type=int, default=2_000, help="how many the store keeps")
    given = parser.parse_args()
    if given.what == "start":
        asyncio.run(start(given.entries))
    elif given.what == "writes":
        writes(given.entries)
    elif given.what == "growth":
        asyncio.run(growth(given.nodes, given.clients, given.seconds, given.rate, given.revisions))
    else:
        asyncio.run(commands(given.nodes, given.clients, given.seconds))


if __name__ == "__main__":
    main()
