"""Clusters of processes: they come back, unless there is a reason not to; and nothing is left of them."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ratified.impl.contract import Done
from ratified.impl.runtime.certificates import make_certificates
from ratified.impl.runtime.cluster import Cluster, Restarts, read_state
from ratified.impl.runtime.errors import InUse, RuntimeFault

QUICK = Restarts(most=5, base_ms=10, cap_ms=50)


async def until(cluster: Cluster, node: str, *states: str) -> None:
    """Wait until a node's process is so."""
    while cluster.child(node).state not in states:
        cluster.changed.clear()
        await cluster.changed.wait()


def processes(folder: Path) -> list[int]:
    state = json.loads((folder / "cluster.json").read_text())
    return [node["process"] for node in state["nodes"].values() if node["process"]]


def test_a_cluster_survives_kills_and_refuses_damaged_data(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    seen: list[int] = []

    async def run() -> None:
        async with Cluster(3, folder, restarts=QUICK) as cluster:
            assert await cluster.put(b"put x 1") == b""
            seen.extend(processes(folder))
            leader = await cluster.leader()
            assert leader is not None
            cluster.kill(leader)
            assert await cluster.put(b"put x 2") == b"1"
            await until(cluster, leader, "running")
            assert cluster.child(leader).restarts == 1
            other = next(name for name in cluster.names if name != leader)
            cluster.pause(other)
            assert await cluster.query(b"get x") == b"2"
            cluster.resume(other)
            known = await cluster.remote(leader)
            assert known is not None
            await known.close()
            one, same = await asyncio.gather(cluster.remote(leader), cluster.remote(leader))
            assert one is same
            assert one is not known
            # Somebody damages an entry of a third one; its data is refused, and the others go on.
            third = next(name for name in cluster.names if name not in (leader, other))
            await cluster.stop(third)
            database = sqlite3.connect(folder / third / "node.db")
            with database:
                database.execute("UPDATE entries SET sum = sum + 1 WHERE at = 2")
            database.close()
            cluster.start(third)
            await until(cluster, third, "refused")
            assert "node.db: entry 2 is not as it was written; " in cluster.child(third).why
            assert await cluster.put(b"put x 3") == b"2"
            with pytest.raises(
                InUse, match=f"is in use by process {os.getpid()}; stop it, or give another folder"
            ):
                Cluster(3, folder).reserve()
        assert read_state(folder) is not None

    asyncio.run(run())
    state = read_state(folder)
    assert state is not None
    assert state["supervisor"] is None
    assert processes(folder) == []
    for process in seen:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_node_that_ends_too_often_is_given_up_and_the_others_go_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with Cluster(3, tmp_path / "demo", restarts=Restarts(most=1, base_ms=1, cap_ms=1)) as cluster:
            for _ in range(2):
                await until(cluster, "n2", "running")
                cluster.kill("n2")
                await until(cluster, "n2", "restarting", "given up")
            await until(cluster, "n2", "given up")
            assert cluster.child("n2").why == "killed by SIGKILL; n2 ended; 2 restarts in 60000 ms"
            assert await cluster.put(b"put x 1") == b""
            assert await cluster.order("transfer n9") == Done(b"ordered")  # and nothing comes of it

    asyncio.run(run())


def test_a_node_whose_disk_is_full_is_tried_again_however_often(tmp_path: Path) -> None:
    """The folder of the cluster may be on that disk too: what it says of itself cannot be written then."""
    full = [sys.executable, "-c", "import sys; sys.exit(74)"]

    async def run() -> None:
        cluster = Cluster(1, tmp_path / "demo", command=full, restarts=Restarts(most=1, base_ms=1, cap_ms=1))
        cluster.reserve()
        (tmp_path / "demo" / "cluster.new").mkdir()
        cluster.begin()
        while cluster.child("n1").restarts < 4:
            await cluster.changed.wait()
            cluster.changed.clear()
        assert cluster.child("n1").state in ("restarting", "running")
        await cluster.close()

    asyncio.run(run())


def test_settings_that_are_refused_end_the_start(tmp_path: Path) -> None:
    async def run() -> None:
        with pytest.raises(
            RuntimeFault, match=r"^no majority of the nodes is running: n1: .*heartbeats, 4 ticks"
        ):
            await Cluster(1, tmp_path / "demo", settings={"election": 4}).__aenter__()

    asyncio.run(run())


def test_a_single_node_with_certificates_tells_its_health(tmp_path: Path) -> None:
    certificates = tmp_path / "certificates"
    make_certificates(certificates, ["n1", "operator"])

    async def run() -> None:
        async with Cluster(1, tmp_path / "demo", certificates=certificates) as cluster:
            assert await cluster.put(b"put x 1") == b""
            (report,) = await cluster.status()
            assert (report["role"], report["applied"] >= 2, report["state"]) == ("leader", True, "running")
            address = cluster.child("n1").http
            with pytest.raises((urllib.error.URLError, ConnectionError)):
                urllib.request.urlopen(f"http://{address}/health")

    asyncio.run(run())
    lines = [json.loads(line) for line in (tmp_path / "demo" / "n1" / "node.log").read_text().splitlines()]
    assert [line["why"] for line in lines if line["event"] == "single voter"] == [
        "when it is down nothing is served, and its disk is the only copy"
    ]


def test_health_status_and_metrics(tmp_path: Path) -> None:
    async def run() -> None:
        async with Cluster(2, tmp_path / "demo") as cluster:
            await cluster.put(b"put x 1")
            address = cluster.child(await cluster.leader() or "n1").http

            def got(path: str) -> str:
                with urllib.request.urlopen(f"http://{address}{path}") as answer:
                    return str(answer.read().decode())

            assert await asyncio.to_thread(got, "/health") == "ok\n"
            assert json.loads(await asyncio.to_thread(got, "/status"))["role"] == "leader"
            metrics = dict(
                line.split()
                for line in (await asyncio.to_thread(got, "/metrics")).splitlines()
                if line[0] != "#"
            )
            assert (metrics["ratified_leads"], metrics["ratified_connected"]) == ("1.0", "1.0")

    asyncio.run(run())
    lines = [json.loads(line) for line in (tmp_path / "demo" / "n1" / "node.log").read_text().splitlines()]
    assert [line["why"] for line in lines if line["event"] == "even number of voters"] == [
        "2 voters survive as many failures as 1 do; one more or less is better"
    ]
