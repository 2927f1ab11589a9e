"""How soon a node with a long log is ready, and what a command costs it.

    python benchmarks/runtime.py start --entries 1000000
    python benchmarks/runtime.py commands --nodes 3 --clients 16 --seconds 5
    python benchmarks/runtime.py writes --entries 2000    # what handing over one entry to the disk's thread costs
    python benchmarks/runtime.py growth --nodes 3 --clients 16 --seconds 180    # memory and disk of the store's nodes under load

Times are of this machine as it is; user CPU is told beside the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import threading
import time
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
        storage = Storage(path, raft.kept, identity("ratified", "n1", "raft"), lambda: raft.bootstrap(["n1"]))
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
            owner = identity("ratified", "n1", "raft")
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


async def growth(nodes: int, clients: int, seconds: float) -> None:
    """Have clients put into the store, which forgets old revisions and takes snapshots, and look at its nodes ten times."""
    import grpc.aio

    from ratified.impl.etcd import etcd_pb2 as pb

    limits = "[etcd.limits]\nrevisions = 2_000"
    async with Cluster(nodes, machine="etcd", tables=limits, settings={"snapshot_every": 2_000}) as cluster:
        leader = await cluster.leader() or "n1"
        done = 0
        over = time.monotonic() + seconds

        async def client(number: int) -> None:
            nonlocal done
            async with grpc.aio.insecure_channel(cluster.child(leader).client) as channel:
                call: Any = channel.unary_unary("/etcdserverpb.KV/Put")
                at = number
                while time.monotonic() < over:
                    at += 7919
                    request = pb.PutRequest(key=b"k%d" % (at % 1_000), value=b"v" * 1_000)
                    await call(request.SerializeToString())
                    done += 1

        async def look() -> None:
            print("seconds      puts  " + "  ".join(f"{name:>5} memory    disk" for name in cluster.names))
            for turn in range(11):
                await asyncio.sleep(max(0.0, over - seconds + turn * seconds / 10 - time.monotonic()))
                told = []
                for report in await cluster.status():
                    status = Path(f"/proc/{report['process']}/status").read_text()
                    memory = int(status.partition("VmRSS:")[2].split()[0]) / 1024
                    told.append(f"{memory:9.1f} MB {report['disk'] / 1e6:5.1f} MB")
                print(f"{turn * seconds / 10:7.0f} {done:9,}  {'  '.join(told)}", flush=True)

        await asyncio.gather(look(), *(client(n) for n in range(clients)))


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("start", "writes", "commands", "growth"))
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    if given.what == "start":
        asyncio.run(start(given.entries))
    elif given.what == "writes":
        writes(given.entries)
    elif given.what == "growth":
        asyncio.run(growth(given.nodes, given.clients, given.seconds))
    else:
        asyncio.run(commands(given.nodes, given.clients, given.seconds))


if __name__ == "__main__":
    main()
