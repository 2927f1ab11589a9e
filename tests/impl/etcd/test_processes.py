"""etcdctl and the client against a cluster of processes, with disks and sockets, whose leader is killed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ratified.impl.client.aio import StoreClient
from ratified.impl.runtime.certificates import make_certificates
from ratified.impl.runtime.cluster import Cluster
from tests.impl.etcd.serving import run

V3 = {"ETCDCTL_API": "3"}


def addresses(cluster: Cluster) -> list[str]:
    """Where the nodes answer clients."""
    return [cluster.child(name).client for name in cluster.names]


def test_nothing_acknowledged_is_lost_when_the_leader_is_killed() -> None:
    async def main() -> None:
        async with Cluster(3, machine="etcd") as cluster:
            where = ("--endpoints", ",".join(addresses(cluster)))
            assert await run("etcdctl", *where, "put", "a", "1", env=V3) == "OK\n"
            assert await run("etcdctl", *where, "lock", "door", "echo", "mine", env=V3) == "mine\n"
            async with StoreClient(addresses(cluster), timeout_s=30) as client:
                events = client.watch(b"k", after=await client.revision())
                revisions = [await client.put(b"k", b"before")]
                leader = await cluster.leader()
                assert leader is not None
                cluster.kill(leader)
                revisions += [await client.put(b"k", b"after"), await client.put(b"k", b"later")]
                async with asyncio.timeout(30):
                    told = [await anext(events) for _ in revisions]
                assert [event.revision for event in told] == revisions
                assert [event.key.value for event in told] == [b"before", b"after", b"later"]
                assert [event.key.version for event in told] == [1, 2, 3]
            assert (await run("etcdctl", *where, "endpoint", "health", env=V3)).count("is healthy") >= 2

    asyncio.run(main())


def test_certificates_say_who_somebody_is_and_the_file_what_they_may_do(tmp_path: Path) -> None:
    make_certificates(tmp_path, ["n1", "n2", "n3", "operator", "alice", "stranger"])
    tables = (
        '[etcd.permissions.alice]\nranges = [{ prefix = "orders/" }, { key = "seen", access = "read" }]\n'
    )

    async def main() -> None:
        async with Cluster(3, machine="etcd", certificates=tmp_path, tables=tables) as cluster:

            async def as_(name: str, *arguments: str) -> str:
                files = (
                    "--cacert",
                    f"{tmp_path}/ca.pem",
                    "--cert",
                    f"{tmp_path}/{name}.pem",
                    "--key",
                    f"{tmp_path}/{name}.key",
                )
                where = ("--endpoints", ",".join(f"https://{each}" for each in addresses(cluster)))
                return (await run("etcdctl", *where, *files, *arguments, env=V3)).splitlines()[-1]

            denied = "Error: etcdserver: permission denied"
            assert await as_("alice", "put", "orders/1", "paid") == "OK"
            assert await as_("alice", "get", "orders/1") == "paid"
            assert [await as_("alice", "get", key) for key in ("orders0", "other", "a")] == [denied] * 3
            assert await as_("alice", "get", "", "--prefix") == denied
            assert await as_("alice", "put", "seen", "x") == denied
            assert await as_("alice", "compaction", "1") == denied
            assert [await as_("stranger", "get", key) for key in ("orders/1", "none")] == [denied] * 2
            assert await as_("stranger", "member", "list") == denied

    asyncio.run(main())
