"""Python's etcd clients, as they are. Each in a process of its own: they define the same messages, and cannot live together."""

from __future__ import annotations

import asyncio

import pytest

from tests.impl.etcd.serving import run_python, serving

AETCD = """
import asyncio, sys
import aetcd

async def main(host, port):
    async with aetcd.Client(host=host, port=int(port)) as client:
        await client.put(b"k", b"1")
        print((await client.get(b"k")).value, await client.get(b"none"))
        lease = await client.lease(300)
        await client.put(b"k", b"2", lease=lease)
        print((await client.get(b"k")).lease == lease.id)
        watch = await client.watch(b"k")
        await client.put(b"k", b"3")
        async for event in watch:
            print(event.kind, event.kv.value)
            break
        await watch.cancel()
        succeeded, _ = await client.transaction(
            compare=[client.transactions.value(b"k") == b"3"],
            success=[client.transactions.put(b"k", b"4")],
            failure=[],
        )
        print(succeeded)
        async with client.lock(b"door", ttl=300):
            print("locked")
        await lease.revoke()
        print([member.name async for member in client.members()])

asyncio.run(main(*sys.argv[1].split(":")))
"""

AETCD_PRINTS = """\
b'1' None
True
PUT b'3'
True
locked
['n1', 'n2', 'n3']
"""

ETCD3AIO = """
import asyncio, sys
from etcd3aio import Etcd3Client

async def main(address):
    async with Etcd3Client([address]) as client:
        await client.ping()
        await client.kv.put("k", "1")
        print((await client.kv.get("k")).kvs[0].value)
        lease = await client.lease.grant(300)
        async with client.lease.keep_alive_context(lease.ID, 300) as kept:
            await client.kv.put("k", "2", lease=lease.ID)
        print((await client.lease.time_to_live(lease.ID, keys=True)).keys)
        done = await client.kv.txn(
            compare=[client.kv.txn_compare_value("k", "2")],
            success=[client.kv.txn_op_put("k", "3")],
            failure=[],
        )
        print(done.succeeded)
        async with client.lock("door"):
            print("locked")
        async with client.election("chair", value=b"me") as election:
            print((await election.leader()).kvs[0].value)
        async for told in client.watch.watch("k", start_revision=2):
            for event in told.events:
                print(event.kv.value)
            if told.events[-1:] and told.events[-1].kv.value == b"3":
                break

asyncio.run(main(sys.argv[1]))
"""

ETCD3AIO_PRINTS = """\
b'1'
[b'k']
True
locked
b'me'
b'1'
b'2'
b'3'
"""

ETCD3 = """
import sys
import etcd3

host, port = sys.argv[1].split(":")
client = etcd3.client(host=host, port=int(port))
client.put("k", "1")
print(client.get("k")[0])
events, cancel = client.watch("k")
client.put("k", "2")
print(next(events).value)
cancel()
lease = client.lease(300)
client.put("leased", "1", lease=lease)
print(lease.granted_ttl, lease.keys)
lease.revoke()
print(client.get("leased")[0])
succeeded, _ = client.transaction(
    compare=[client.transactions.version("k") > 0], success=[client.transactions.put("k", "3")], failure=[]
)
print(succeeded)
with client.lock("door", ttl=300) as lock:
    print(lock.is_acquired())
print(sorted(member.name for member in client.members))
"""

ETCD3_PRINTS = """\
b'1'
b'2'
300 [b'leased']
None
True
True
['n1', 'n2', 'n3']
"""


@pytest.mark.parametrize(
    ("program", "prints"),
    [(AETCD, AETCD_PRINTS), (ETCD3AIO, ETCD3AIO_PRINTS), (ETCD3, ETCD3_PRINTS)],
    ids=["aetcd", "etcd3aio", "etcd3"],
)
def test_it_works_as_it_is(program: str, prints: str) -> None:
    async def main() -> None:
        async with serving() as s:
            follower = s.servers["n2"].address
            # etcd3's messages were generated for an older protobuf, which today's reads in Python only
            env = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"} if program is ETCD3 else {}
            assert await run_python(program, follower, env=env) == prints

    asyncio.run(main())
