"""The store beside etcd and PySyncObj: puts and gets a second at 1, 16, 64, 256 clients, and what a server's CPU an operation is.

    python benchmarks/cluster.py                                  # all three, interleaved, three rounds
    python benchmarks/cluster.py --systems ratified,etcd --clients 1,64 --seconds 5 --rounds 1
    python benchmarks/cluster.py --etcd etcd-3.7=/path/to/etcd    # one more etcd, beside the one of the system
    python benchmarks/cluster.py --tool /path/to/benchmark        # driven by etcd's own tool
    python benchmarks/cluster.py --failover 10                    # from killing the leader to the next acknowledged write
    python benchmarks/cluster.py --systems ratified --at follower # clients of a node that does not lead: a front end
    python benchmarks/cluster.py --check-perf s                   # what `etcdctl check perf` says of the store
    python benchmarks/cluster.py --driver 127.0.0.1:2379 put 16 5 # what drives one load: for the other processes

Each system has three nodes on this machine, with fsync, as processes; loads are driven from two processes of their own, over kept
connections, by gRPC calls of the same bytes for both etcd and the store. PySyncObj has its journal (which does not fsync), and is
driven in its own processes, since it has no clients. Needs `pip install 'ratified[serve]' pysyncobj`, and Debian's `etcd-server`
or another etcd. Numbers are of a machine that does nothing else, or they are none; processor time stays comparable longest. On a
busy machine put `chrt -r 1` before the command, and let it run for seconds only: it has the processors before everything else.

etcd's tool, in a folder with a go.mod:
`go get go.etcd.io/etcd/v3@v3.6.8 && go build go.etcd.io/etcd/v3/tools/benchmark`; etcd 3.7: a
`main` that calls `Main(os.Args)` of `go.etcd.io/etcd/server/v3/etcdmain`, of v3.7.3.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEYS = 1_000
VALUE = b"v" * 100
DRIVERS = 2


def free_port() -> int:
    """A port of the kernel's choice."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def cpu_seconds(pids: Sequence[int]) -> float:
    """The processor time that processes have used."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Running:
    """A system that runs: where clients go, and the processes of its servers."""

    endpoints: tuple[str, ...]
    pids: tuple[int, ...]
    kill_leader: Any = None


@contextlib.asynccontextmanager
async def ratified() -> AsyncIterator[Running]:
    """Three nodes of ours."""
    from ratified.impl.runtime.cluster import Cluster

    async with Cluster(3, machine="etcd") as cluster:
        leader = await cluster.leader()
        names = sorted(cluster.names, key=lambda name: name != leader)

        async def kill() -> None:
            found = await cluster.leader()
            assert found is not None
            cluster.kill(found)

        yield Running(
            tuple(cluster.child(name).client for name in names),
            tuple(pid for name in names if (pid := cluster.child(name).process) is not None),
            kill,
        )


@contextlib.asynccontextmanager
async def etcd(program: str) -> AsyncIterator[Running]:
    """Three nodes of etcd."""
    folder = Path(tempfile.mkdtemp(prefix="etcd-bench-"))
    clients = [free_port() for _ in range(3)]
    peers = [free_port() for _ in range(3)]
    initial = ",".join(f"e{n}=http://127.0.0.1:{port}" for n, port in enumerate(peers))

    def start(n: int) -> subprocess.Popen[bytes]:
        me, peer = f"http://127.0.0.1:{clients[n]}", f"http://127.0.0.1:{peers[n]}"
        return subprocess.Popen(  # noqa: S603 - it is what was asked for
            [
                program, "--name", f"e{n}", "--data-dir", str(folder / f"e{n}"), "--log-level", "error",
                "--listen-client-urls", me, "--advertise-client-urls", me, "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer, "--initial-cluster", initial, "--initial-cluster-state", "new",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    processes = [start(n) for n in range(3)]
    try:
        leader = await _etcd_leader(clients)

        async def kill() -> None:
            n = await _etcd_leader(clients)
            processes[n].kill()
            processes[n].wait()
            await asyncio.sleep(3)
            processes[n] = start(n)

        order = sorted(range(3), key=lambda n: n != leader)
        yield Running(
            tuple(f"127.0.0.1:{clients[n]}" for n in order), tuple(processes[n].pid for n in order), kill
        )
    finally:
        for process in processes:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def _etcd_leader(ports: Sequence[int]) -> int:
    """Wait for a leader; which of the nodes it is."""
    import grpc.aio

    from ratified.impl.etcd import etcd_pb2 as pb

    for _ in range(200):
        for n, port in enumerate(ports):
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                status: Any = channel.unary_unary(
                    "/etcdserverpb.Maintenance/Status",
                    request_serializer=pb.StatusRequest.SerializeToString,
                    response_deserializer=pb.StatusResponse.FromString,
                )
                try:
                    answer = await status(pb.StatusRequest(), timeout=1)
                except grpc.aio.AioRpcError:
                    continue
                if answer.leader and answer.leader == answer.header.member_id:
                    return n
        await asyncio.sleep(0.1)
    raise SystemExit("etcd has no leader after 20 s")


async def drive(endpoint: str, kind: str, clients: int, seconds: float) -> dict[str, Any]:
    """Have so many clients put, or get, one after the other; latencies in ms."""
    import grpc.aio

    from ratified.impl.etcd import etcd_pb2 as pb

    # Bytes that were made once, and answers that are not read: what a client costs is small beside what a call costs.
    if kind == "put":
        method = "/etcdserverpb.KV/Put"
        requests = [pb.PutRequest(key=b"k%d" % n, value=VALUE).SerializeToString() for n in range(KEYS)]
    else:
        method = "/etcdserverpb.KV/Range"
        local = kind == "local"
        requests = [
            pb.RangeRequest(key=b"k%d" % n, serializable=local).SerializeToString() for n in range(KEYS)
        ]
    latencies: list[float] = []
    channels = [
        grpc.aio.insecure_channel(endpoint, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(min(8, clients))
    ]
    until = time.perf_counter() + seconds

    async def one(number: int) -> None:
        call: Any = channels[number % len(channels)].unary_unary(method)
        at = number * 7919
        while (began := time.perf_counter()) < until:
            await call(requests[at % KEYS])
            latencies.append((time.perf_counter() - began) * 1000)
            at += 1

    await asyncio.gather(*(one(n) for n in range(clients)))
    for channel in channels:
        await channel.close()
    return {"latencies": latencies}


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all is not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


async def by_tool(
    tool: str, running: Running, kind: str, clients: int, seconds: float, endpoint: str
) -> dict[str, Any]:
    """One load, driven by etcd's own `benchmark`, which is told how many operations, not how long."""
    total = int(seconds * min(400 * clients, 4_000))
    what = ["put", "--val-size", str(len(VALUE)), "--key-space-size", str(KEYS)]
    if kind == "get":
        what = ["range", "k1", "--consistency", "l"]
    before, led = cpu_seconds(running.pids), cpu_seconds(running.pids[:1])
    process = await asyncio.create_subprocess_exec(
        tool, "--endpoints", endpoint, "--conns", str(min(8, clients)), "--clients", str(clients),
        *what, "--total", str(total), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out = (await process.communicate())[0].decode()
    used, led = cpu_seconds(running.pids) - before, cpu_seconds(running.pids[:1]) - led

    def told(pattern: str) -> float:
        found = re.search(pattern, out)
        return float(found[1]) if found else float("nan")

    return {
        "a second": told(r"Requests/sec:\s+([\d.]+)"),
        "p50": 1000 * told(r"\b50% in ([\d.]+)"),
        "p99": 1000 * told(r"\b99% in ([\d.]+)"),
        "p99.9": 1000 * told(r"99\.9% in ([\d.]+)"),
        "cpu us": used / total * 1e6,
        "leader us": led / total * 1e6,
    }


async def measure(running: Running, kind: str, clients: int, seconds: float, endpoint: str) -> dict[str, Any]:
    """One load: operations a second, latencies, and the servers' CPU an operation."""
    drivers = min(DRIVERS, clients)
    shares = [clients // drivers + (n < clients % drivers) for n in range(drivers)]
    before, led = cpu_seconds(running.pids), cpu_seconds(running.pids[:1])
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, __file__, "--driver", endpoint, kind, str(share), str(seconds),
            stdout=asyncio.subprocess.PIPE,
        )
        for share in shares
    ]  # fmt: skip
    latencies: list[float] = []
    for process in processes:
        out, _ = await process.communicate()
        latencies += json.loads(out)["latencies"]
    used, led = cpu_seconds(running.pids) - before, cpu_seconds(running.pids[:1]) - led
    count = len(latencies)
    return {
        "a second": count / seconds,
        "p50": percentile(latencies, 0.5),
        "p99": percentile(latencies, 0.99),
        "p99.9": percentile(latencies, 0.999),
        "cpu us": used / count * 1e6 if count else float("nan"),
        "leader us": led / count * 1e6 if count else float("nan"),
    }


async def failover(running: Running, times: int) -> list[float]:
    """Seconds from killing the leader to the next acknowledged write, of a client that tries all nodes in turn."""
    import grpc.aio

    from ratified.impl.etcd import etcd_pb2 as pb

    channels = [grpc.aio.insecure_channel(each) for each in running.endpoints]
    request = pb.PutRequest(key=b"k", value=VALUE).SerializeToString()

    async def put() -> None:
        at = 0
        while True:
            call: Any = channels[at % len(channels)].unary_unary("/etcdserverpb.KV/Put")
            at += 1
            with contextlib.suppress(grpc.aio.AioRpcError):
                await call(request, timeout=0.5)
                return
            await asyncio.sleep(0.01)

    took = []
    for _ in range(times):
        await put()
        began = time.perf_counter()
        killing = asyncio.ensure_future(running.kill_leader())
        await asyncio.sleep(0.02)
        await put()
        took.append(time.perf_counter() - began)
        await killing
        await asyncio.sleep(5)
    return took


# PySyncObj has no clients: each of its processes has some threads of its own, of which the first process's count.

PYSYNCOBJ = """
import json, sys, threading, time
from pysyncobj import SyncObj, SyncObjConf, replicated

class Store(SyncObj):
    def __init__(self, me, others, journal):
        super().__init__(me, others, SyncObjConf(journalFile=journal, appendEntriesUseBatch=True))
        self.values = {}
    @replicated
    def put(self, key, value):
        self.values[key] = value

me, others, journal, clients, seconds = sys.argv[1], sys.argv[2].split(","), sys.argv[3], int(sys.argv[4]), float(sys.argv[5])
store = Store(me, others, journal)
while not store.isReady():
    time.sleep(0.05)
while store._getLeader() is None:
    time.sleep(0.05)
print("ready", store._getLeader() == store.selfNode, flush=True)
sys.stdin.readline()
latencies, until = [], time.perf_counter() + seconds
def one(n):
    while (began := time.perf_counter()) < until:
        store.put("k%d" % (n % 1000), "v" * 100, sync=True, timeout=30)
        latencies.append((time.perf_counter() - began) * 1000)
        n += 1
if clients:
    threads = [threading.Thread(target=one, args=(n * 7919,)) for n in range(clients)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    print(json.dumps(latencies), flush=True)
else:
    sys.stdin.readline()
"""


async def pysyncobj(clients: int, seconds: float) -> dict[str, Any]:
    """Puts of PySyncObj, driven in the process of one node."""
    with tempfile.TemporaryDirectory(prefix="pysyncobj-bench-") as folder:
        addresses = [f"127.0.0.1:{free_port()}" for _ in range(3)]
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", PYSYNCOBJ, me, ",".join(a for a in addresses if a != me),
                f"{folder}/{n}", str(clients if n == 0 else 0), str(seconds),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 26,
            )
            for n, me in enumerate(addresses)
        ]  # fmt: skip
        try:
            for process in processes:
                assert process.stdout is not None
                await process.stdout.readline()
            pids = [process.pid for process in processes]
            before = cpu_seconds(pids)
            first = processes[0]
            assert first.stdin is not None
            assert first.stdout is not None
            first.stdin.write(b"\n")
            latencies = json.loads(await first.stdout.readline())
            used = cpu_seconds(pids) - before
        finally:
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGKILL)
                await process.wait()
    count = len(latencies)
    return {
        "a second": count / seconds,
        "p50": percentile(latencies, 0.5),
        "p99": percentile(latencies, 0.99),
        "p99.9": percentile(latencies, 0.999),
        "cpu us": used / count * 1e6 if count else float("nan"),
        "leader us": float("nan"),
    }


def systems(options: argparse.Namespace) -> dict[str, contextlib.AbstractAsyncContextManager[Running]]:
    """The systems that are asked for and have clients, each to be started."""
    programs = {"etcd": "etcd", **dict(each.split("=", 1) for each in options.etcd)}
    found: dict[str, contextlib.AbstractAsyncContextManager[Running]] = {}
    found |= {name: etcd(programs[name]) for name in options.systems if name in programs}
    if "ratified" in options.systems:
        found["ratified"] = ratified()
    return found


def row(system: str, kind: str, clients: int, found: Sequence[dict[str, Any]]) -> str:
    """One line of the table: medians of the rounds."""
    middle = {name: statistics.median(each[name] for each in found) for name in found[0]}
    return (
        f"{system:10} {kind:4} {clients:7} {middle['a second']:10,.0f} {middle['p50']:9.2f} "
        f"{middle['p99']:9.2f} {middle['p99.9']:9.2f} {middle['cpu us']:9.0f} {middle['leader us']:9.0f}"
    )


async def table(options: argparse.Namespace) -> None:
    """Measure all, interleaved: in each round each system has each load once."""
    found: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    async with contextlib.AsyncExitStack() as stack:
        running = {name: await stack.enter_async_context(each) for name, each in systems(options).items()}
        for _ in range(options.rounds):
            for clients in options.clients:
                for kind in ("put", "get"):
                    for name in options.systems:
                        if name in running:
                            where = running[name].endpoints[options.at == "follower"]
                            load = running[name], kind, clients, options.seconds, where
                            result = await (by_tool(options.tool, *load) if options.tool else measure(*load))
                        elif kind == "put":
                            result = await pysyncobj(clients, options.seconds)
                        else:
                            continue
                        found.setdefault((name, kind, clients), []).append(result)
    columns = ("a second", "p50 ms", "p99 ms", "p99.9 ms", "CPU us", "leader")
    print(f"{'system':10} {'':4} {'clients':>7} {columns[0]:>10} " + " ".join(f"{c:>9}" for c in columns[1:]))
    for (name, kind, clients), results in sorted(found.items(), key=lambda each: (each[0][1], each[0][2])):
        print(row(name, kind, clients, results))


async def failovers(options: argparse.Namespace) -> None:
    """Kill leaders, of one system after the other."""
    for name, each in systems(options).items():
        async with each as running:
            took = await failover(running, options.failover)
        print(f"{name:10} median {statistics.median(took):.2f} s, from {min(took):.2f} to {max(took):.2f}")


async def check_perf(load: str) -> None:
    """Have etcdctl say whether the store is fast enough for a load, in a minute."""
    async with ratified() as running:
        checking = await asyncio.create_subprocess_exec(
            "etcdctl", "--endpoints", running.endpoints[0], "check", "perf", "--load", load,
            stdout=asyncio.subprocess.PIPE, env={**os.environ, "ETCDCTL_API": "3"},
        )  # fmt: skip
        said = (await checking.communicate())[0].decode()
    print(said[said.rfind("\r") + 1 :].strip())


def main() -> None:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--systems", default="ratified,etcd,pysyncobj", type=lambda text: text.split(","))
    parser.add_argument(
        "--clients", default="1,16,64,256", type=lambda text: [int(n) for n in text.split(",")]
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--etcd", action="append", default=[], metavar="NAME=PROGRAM", help="another etcd, or another `etcd`"
    )
    parser.add_argument("--at", choices=("leader", "follower"), default="leader", help="where clients go")
    parser.add_argument("--tool", metavar="PROGRAM", help="etcd's `benchmark`, to drive loads with")
    parser.add_argument("--failover", type=int, metavar="N", help="kill the leader N times instead")
    parser.add_argument(
        "--check-perf", metavar="LOAD", help="s, m, l or xl: have etcdctl check the store instead"
    )
    parser.add_argument("--driver", nargs=4, metavar=("ENDPOINT", "KIND", "CLIENTS", "SECONDS"))
    options = parser.parse_args()
    options.systems += [
        name for each in options.etcd if (name := each.partition("=")[0]) not in options.systems
    ]
    if options.driver:
        endpoint, kind, clients, seconds = options.driver
        print(json.dumps(asyncio.run(drive(endpoint, kind, int(clients), float(seconds)))))
    elif options.check_perf:
        asyncio.run(check_perf(options.check_perf))
    elif options.failover:
        asyncio.run(failovers(options))
    else:
        asyncio.run(table(options))


if __name__ == "__main__":
    main()
