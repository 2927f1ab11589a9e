"""etcdctl, as it is, against the store: each command as somebody would type it, and what it prints."""

from __future__ import annotations

import asyncio
import re

from ratified.impl.etcd.calls import INSTEAD, identity
from tests.impl.etcd.serving import Serving, serving

ERROR = re.compile(r"^Error: (.*)$", re.MULTILINE)


def error(printed: str) -> str:
    """The error that etcdctl ended with."""
    found = ERROR.search(printed)
    assert found is not None, printed
    return found[1]


def test_keys_are_put_got_and_deleted() -> None:
    async def main() -> None:
        async with serving() as s:
            assert await s.etcdctl("put", "a/1", "x") == "OK\n"
            assert await s.etcdctl("put", "a/1", "y", "--prev-kv") == "OK\na/1\nx\n"
            assert await s.etcdctl("put", "a/2", "z") == "OK\n"
            assert await s.etcdctl("get", "a/1") == "a/1\ny\n"
            assert await s.etcdctl("get", "a/1", "--rev", "2") == "a/1\nx\n"
            assert (
                await s.etcdctl("get", "a/", "--prefix", "--order", "DESCEND", "--print-value-only")
                == "z\ny\n"
            )
            assert await s.etcdctl("get", "a/", "--prefix", "--limit", "1", "--keys-only") == "a/1\n\n"
            assert await s.etcdctl("get", "", "--from-key", "--consistency", "s") == "a/1\ny\na/2\nz\n"
            both = await s.etcdctl("get", "a/", "--prefix", "--keys-only", "-w", "fields")
            assert '"Count" : 2' in both
            assert await s.etcdctl("del", "a/1", "--prev-kv") == "1\na/1\ny\n"
            assert await s.etcdctl("del", "a/", "--prefix") == "1\n"
            assert await s.etcdctl("compaction", "5") == "compacted revision 5\n"
            compacted = "etcdserver: mvcc: required revision has been compacted"
            assert error(await s.etcdctl("get", "a/1", "--rev", "2")) == compacted
            assert error(await s.etcdctl("compaction", "5")) == compacted
            future = "etcdserver: mvcc: required revision is a future revision"
            assert error(await s.etcdctl("get", "a/1", "--rev", "20")) == future

    asyncio.run(main())


def test_a_transaction_does_the_one_or_the_other() -> None:
    async def main() -> None:
        async with serving() as s:
            ask = 'version("k") = "0"\n\nput k first\n\nput k again\nget k\n\n'
            assert await s.etcdctl("txn", stdin=ask) == "SUCCESS\n\nOK\n"
            assert await s.etcdctl("txn", stdin=ask) == "FAILURE\n\nOK\n\nk\nagain\n"
            twice = 'version("k") > "0"\n\nput k 1\nput k 2\n\n\n'
            printed = error(await s.etcdctl("txn", stdin=twice))
            assert printed == "etcdserver: duplicate key given in txn request"

    asyncio.run(main())


def test_leases_are_granted_kept_looked_at_and_revoked() -> None:
    async def main() -> None:
        async with serving() as s:
            granted = await s.etcdctl("lease", "grant", "300")
            number = granted.split()[1]
            assert granted == f"lease {number} granted with TTL(300s)\n"
            assert await s.etcdctl("put", "leased", "1", "--lease", number) == "OK\n"
            assert await s.etcdctl("lease", "list") == f"found 1 leases\n{number}\n"
            kept = await s.etcdctl("lease", "keep-alive", "--once", number)
            assert kept == f"lease {number} keepalived with TTL(300)\n"
            for node in s.servers.values():  # those that do not lead ask the one that does
                told = await s.etcdctl("lease", "timetolive", number, "--keys", endpoints=node.address)
                left = re.fullmatch(
                    rf"lease {number} granted with TTL\(300s\), remaining\((\d+)s\), attached keys\(\[leased\]\)\n",
                    told,
                )
                assert left is not None, told
            assert await s.etcdctl("lease", "revoke", number) == f"lease {number} revoked\n"
            assert await s.etcdctl("get", "leased") == ""
            assert await s.etcdctl("lease", "timetolive", number) == f"lease {number} already expired\n"
            gone = "failed to revoke lease (etcdserver: requested lease not found)"
            assert error(await s.etcdctl("lease", "revoke", number)) == gone
            put = await s.etcdctl("put", "leased", "1", "--lease", number)
            assert error(put) == "etcdserver: requested lease not found"

    asyncio.run(main())


def test_a_lease_that_nobody_renews_ends_with_its_keys() -> None:
    async def main() -> None:
        async with serving() as s:
            lessor, now = s.servers["n1"].lessor, [0.0]
            lessor._now = lambda: now[0]
            number = (await s.etcdctl("lease", "grant", "5")).split()[1]
            await s.etcdctl("put", "leased", "1", "--lease", number)
            await lessor.step()
            now[0] = 4.9
            await lessor.step()
            assert await s.etcdctl("get", "leased") == "leased\n1\n"
            now[0] = 5.1
            await lessor.step()
            assert await s.etcdctl("get", "leased") == ""
            kept = await s.etcdctl("lease", "keep-alive", "--once", number)
            assert error(kept) == "etcdserver: requested lease not found"

    asyncio.run(main())


async def first_lines(
    s: Serving, count: int, *arguments: str
) -> tuple[list[str], asyncio.subprocess.Process]:
    """Start etcdctl, which goes on, and read so many lines of what it prints."""
    process = await asyncio.create_subprocess_exec(
        "etcdctl",
        "--endpoints",
        s.endpoints,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        lines = [(await process.stdout.readline()).decode().rstrip() for _ in range(count)]
    return lines, process


async def end(process: asyncio.subprocess.Process) -> None:
    """End what goes on."""
    process.kill()
    await process.communicate()


def test_a_watch_tells_what_was_and_what_comes() -> None:
    async def main() -> None:
        async with serving() as s:
            await s.etcdctl("put", "w", "1")
            await s.etcdctl("put", "other", "1")
            lines, watcher = await first_lines(s, 3, "watch", "w", "--rev", "1")
            assert lines == ["PUT", "w", "1"]
            await s.etcdctl("del", "w")
            assert watcher.stdout is not None
            told = [(await watcher.stdout.readline()).decode().rstrip() for _ in range(3)]
            assert told == ["DELETE", "w", ""]
            await end(watcher)
            await s.etcdctl("compaction", "4")
            printed = await s.etcdctl("watch", "w", "--rev", "2")
            assert "watch was canceled (etcdserver: mvcc: required revision has been compacted)" in printed

    asyncio.run(main())


def test_a_lock_has_one_holder_at_a_time_and_an_election_one_leader() -> None:
    async def main() -> None:
        async with serving() as s:
            lines, holder = await first_lines(s, 1, "lock", "door")
            assert lines[0].startswith("door/")
            waiting = asyncio.ensure_future(s.etcdctl("lock", "door", "echo", "mine"))
            keys = ""
            while keys.count("door/") < 2:  # until the second waits behind the first
                keys = await s.etcdctl("get", "door/", "--prefix", "--keys-only")
            assert not waiting.done()
            holder.terminate()
            await holder.communicate()
            assert await waiting == "mine\n"
            lines, leader = await first_lines(s, 2, "elect", "chair", "me")
            assert [lines[0].split("/")[0], lines[1]] == ["chair", "me"]
            lines, observer = await first_lines(s, 2, "elect", "--listen", "chair")
            assert lines[1] == "me"
            for process in (observer, leader):
                await end(process)

    asyncio.run(main())


def test_members_status_health_and_checksums_are_told() -> None:
    async def main() -> None:
        async with serving() as s:
            members = (await s.etcdctl("member", "list")).splitlines()
            assert [line.split(", ")[1:3] for line in members] == [["started", f"n{n}"] for n in (1, 2, 3)]
            status = (await s.etcdctl("endpoint", "status")).splitlines()
            assert [line.split(", ")[4] for line in status] == ["true", "false", "false"]
            health = await s.etcdctl("endpoint", "health")
            assert health.count("is healthy: successfully committed proposal") == 3
            sums = (await s.etcdctl("endpoint", "hashkv")).splitlines()
            assert len({line.split(", ")[1] for line in sums}) == 1
            assert await s.etcdctl("alarm", "list") == ""
            assert (await s.etcdctl("defrag")).count("Finished defragmenting") == 3
            refused = f"rpc error: code = Unimplemented desc = ratified: {INSTEAD['etcdserverpb.Auth']}"
            for asked in (("user", "list"), ("role", "add", "r"), ("auth", "enable")):
                assert error(await s.etcdctl(*asked)) == refused

    asyncio.run(main())


def test_members_come_and_go_and_another_one_leads() -> None:
    async def main() -> None:
        async with serving(spares=1) as s:
            names = {name: f"{identity(name):x}" for name in s.cluster.nodes}
            here = s.servers["n3"].address  # which does not lead, and passes it on
            learner = ("member", "add", "n4", "--learner", "--peer-urls=http://127.0.0.1:4")
            added = await s.etcdctl(*learner, endpoints=here)
            assert f"Member {names['n4']} added to cluster " in added
            assert 'ETCD_NAME="n4"' in added
            n4 = s.cluster.nodes["n4"]
            assert n4.core.membership.learners == ("n4",)
            listed = (await s.etcdctl("member", "list", endpoints=here)).splitlines()
            assert [line.split(", ")[2::3] for line in listed][3:] == [["n4", "true"]]
            promoted = await s.etcdctl("member", "promote", names["n4"], endpoints=here)
            assert promoted.startswith(f"Member {names['n4']} promoted in cluster ")
            assert [*n4.core.membership.voters] == ["n1", "n2", "n3", "n4"]
            assert error(await s.etcdctl("move-leader", "7")) == "etcdserver: bad leader transferee"
            moved = await s.etcdctl("move-leader", names["n4"])
            assert moved == f"Leadership transferred from {names['n1']} to {names['n4']}\n"
            assert n4.core.leader == "n4"
            removed = await s.etcdctl("member", "remove", names["n1"], endpoints=here)
            assert removed.startswith(f"Member {names['n1']} removed from cluster ")
            assert [*n4.core.membership.voters] == ["n2", "n3", "n4"]
            assert await s.etcdctl("put", "k", "v", endpoints=here) == "OK\n"

    asyncio.run(main())


def test_a_learner_that_lags_is_not_made_a_voter() -> None:
    async def main() -> None:
        async with serving(spares=1) as s:
            s.cluster.nodes["n4"].cut_off = True
            here = s.servers["n2"].address
            learner = ("member", "add", "n4", "--learner", "--peer-urls=http://127.0.0.1:4")
            assert "added" in await s.etcdctl(*learner, endpoints=here)
            told = error(await s.etcdctl("member", "promote", f"{identity('n4'):x}", endpoints=here))
            assert told == "etcdserver: can only promote a learner member which is in sync with leader"
            assert s.cluster.nodes["n1"].core.membership.learners == ("n4",)

    asyncio.run(main())
