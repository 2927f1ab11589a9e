"""Callers that ask too much, or what makes no sense: each is told so in etcd's words, and the others are served."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message

from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd.calls import INSTEAD, identity
from ratified.impl.etcd.server import Server
from ratified.impl.etcd.settings import Limits, Permissions, SettingsError
from ratified.impl.machines import KeyValue
from tests.impl.etcd.replicas import LocalCluster
from tests.impl.etcd.serving import Serving, serving

Call = Callable[..., Awaitable[Any]]


def asking(test: Callable[[Serving, Call], Awaitable[None]], **how: Any) -> None:
    """Run a test with a cluster, and what calls a method of a node with bytes."""

    async def main() -> None:
        async with serving(**how) as s, grpc.aio.insecure_channel(s.servers["n2"].address) as made:
            channel: Any = made

            async def call(method: str, request: bytes, metadata: Sequence[tuple[str, str]] = ()) -> bytes:
                answer: bytes = await channel.unary_unary(f"/etcdserverpb.{method}")(
                    request, metadata=metadata
                )
                return answer

            await test(s, call)

    asyncio.run(main())


async def refused(call: Awaitable[Any]) -> tuple[str, str]:
    """The code and the text that a call fails with."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return failed.value.code().name, failed.value.details() or ""


def test_requests_that_make_no_sense_are_refused_with_etcds_texts() -> None:
    put, txn, rng = pb.PutRequest, pb.TxnRequest, pb.RangeRequest
    op = pb.RequestOp(request_put=put(key=b"k"))
    requests: list[tuple[str, Any, str, str]] = [
        ("KV/Put", put(), "INVALID_ARGUMENT", "etcdserver: key is not provided"),
        ("KV/Put", put(key=b"k", value=b"v", ignore_value=True), "INVALID_ARGUMENT", "etcdserver: value is provided"),
        ("KV/Put", put(key=b"k", lease=5, ignore_lease=True), "INVALID_ARGUMENT", "etcdserver: lease is provided"),
        ("KV/Put", put(key=b"k", ignore_value=True), "INVALID_ARGUMENT", "etcdserver: key not found"),
        ("KV/Put", put(key=b"k", lease=5), "NOT_FOUND", "etcdserver: requested lease not found"),
        ("KV/Put", put(key=b"k", value=bytes(1_600_000)), "INVALID_ARGUMENT", "etcdserver: request is too large"),
        ("KV/Range", rng(), "INVALID_ARGUMENT", "etcdserver: key is not provided"),
        ("KV/Range", rng(key=b"k", sort_order=7), "INVALID_ARGUMENT", "etcdserver: invalid sort option"),  # type: ignore[arg-type]  # that is what is wrong
        ("KV/Txn", txn(success=[op, op]), "INVALID_ARGUMENT", "etcdserver: duplicate key given in txn request"),
        ("KV/Txn", txn(success=[op] * 129), "INVALID_ARGUMENT", "etcdserver: too many operations in txn request"),
        ("KV/Txn", txn(success=[pb.RequestOp()]), "INVALID_ARGUMENT", "etcdserver: key not found"),
        ("Lease/LeaseGrant", pb.LeaseGrantRequest(TTL=10**10), "OUT_OF_RANGE", "etcdserver: too large lease TTL"),
        ("Auth/Authenticate", pb.HashRequest(), "FAILED_PRECONDITION", "etcdserver: authentication is not enabled"),
    ]  # fmt: skip

    async def test(s: Serving, call: Call) -> None:
        before = s.servers["n1"].store().snapshot()
        for method, request, code, text in requests:
            assert await refused(call(method, request.SerializeToString())) == (code, text), method
        assert s.servers["n1"].store().snapshot() == before

    asking(test)


def test_transactions_in_transactions_without_end_are_refused() -> None:
    async def test(_: Serving, call: Call) -> None:
        request = pb.TxnRequest(success=[pb.RequestOp(request_put=pb.PutRequest(key=b"k"))])
        for _n in range(40):
            request = pb.TxnRequest(success=[pb.RequestOp(request_txn=request)])
        told = await refused(call("KV/Txn", request.SerializeToString()))
        assert told == ("INVALID_ARGUMENT", "etcdserver: too many operations in txn request")

    asking(test)


def test_nonsense_is_refused_and_changes_nothing() -> None:
    async def test(s: Serving, call: Call) -> None:
        chance = random.Random(7)
        before = s.servers["n2"].store().snapshot()
        for method in ("KV/Put", "KV/Txn", "KV/Range", "Lease/LeaseGrant", "Maintenance/HashKV"):
            for _ in range(20):
                nonsense = b"\xff" + chance.randbytes(chance.randrange(60))
                code, _text = await refused(call(method, nonsense))
                assert code in ("INTERNAL", "UNKNOWN")
        assert s.servers["n2"].store().snapshot() == before
        await call("KV/Put", pb.PutRequest(key=b"k").SerializeToString())

    asking(test)


def test_a_session_that_is_none_is_refused() -> None:
    async def test(_: Serving, call: Call) -> None:
        request = pb.PutRequest(key=b"k").SerializeToString()
        for session, serial, acknowledged in (
            ("x", "1", "0"),
            ("5", "", "0"),
            ("5", "1", "1"),
            ("0", "1", "0"),
        ):
            metadata = [
                ("ratified-session", session),
                ("ratified-serial", serial),
                ("ratified-acknowledged", acknowledged),
            ]
            code, text = await refused(call("KV/Put", request, metadata))
            assert (code, text[:10]) == ("INVALID_ARGUMENT", "ratified: ")

    asking(test)


def test_a_flood_is_refused_and_what_was_taken_is_answered() -> None:
    async def test(s: Serving, call: Call) -> None:
        for replica in s.cluster.nodes.values():
            replica.cut_off = True
        request = pb.PutRequest(key=b"k").SerializeToString()
        calls = [asyncio.ensure_future(call("KV/Put", request)) for _ in range(40)]
        too_many = 0
        for each in asyncio.as_completed(calls):
            code, text = await refused(each)
            too_many += (code, text) == ("RESOURCE_EXHAUSTED", "etcdserver: too many requests")
            assert code in ("RESOURCE_EXHAUSTED", "UNAVAILABLE")
        assert too_many == 30
        for replica in s.cluster.nodes.values():
            replica.cut_off = False
        await s.cluster.elect("n3")
        await call("KV/Put", request)

    asking(test, limits=Limits(pending=10, wait_ms=300))


def test_streams_that_their_callers_give_up_leave_nothing_behind() -> None:
    """A task that waits for a request, and that nobody holds, would fail when it is collected: the node would end."""
    wrong: list[Any] = []

    async def test(s: Serving, call: Call) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
        await call("Lease/LeaseGrant", pb.LeaseGrantRequest(ID=7, TTL=60).SerializeToString())
        before = asyncio.all_tasks()
        async with grpc.aio.insecure_channel(s.servers["n2"].address) as made:
            channel: Any = made
            renew = pb.LeaseKeepAliveRequest(ID=7)
            watch = pb.WatchRequest(create_request=pb.WatchCreateRequest(key=b"k"))
            for method, request in (("Lease/LeaseKeepAlive", renew), ("Watch/Watch", watch)):
                stream = channel.stream_stream(f"/etcdserverpb.{method}")()
                await stream.write(request.SerializeToString())
                await stream.read()
                stream.cancel()
        async with asyncio.timeout(20):
            while asyncio.all_tasks() - before:
                await asyncio.sleep(0.001)
        gc.collect()
        await asyncio.sleep(0)

    asking(test)
    assert not wrong


def test_a_full_store_takes_deletions_only() -> None:
    async def test(_: Serving, call: Call) -> None:
        put = pb.PutRequest(key=b"k", value=bytes(200)).SerializeToString()
        await call("KV/Put", put)
        told = await refused(call("KV/Put", put))
        assert told == ("RESOURCE_EXHAUSTED", "etcdserver: mvcc: database space exceeded")
        alarms = pb.AlarmResponse.FromString(await call("Maintenance/Alarm", b"")).alarms
        assert [each.alarm for each in alarms] == [1]
        await call("KV/DeleteRange", pb.DeleteRangeRequest(key=b"k").SerializeToString())
        await call("KV/Compact", pb.CompactionRequest(revision=3).SerializeToString())
        await call("KV/Put", put)

    asking(test, limits=Limits(stored_bytes=150))


def test_what_operators_cannot_ask_for_is_refused_with_a_sentence() -> None:
    invalid, before, missing = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "UNIMPLEMENTED"
    update = "Cluster/MemberUpdate"
    not_known = "ratified: no node at a:1 is known here; say its name too, as in http://NAME@a:1"
    bad_urls, here = "etcdserver: given member URLs are invalid", "http://n9@127.0.0.1:2"

    def add(*urls: str) -> tuple[str, Message]:
        return "Cluster/MemberAdd", pb.MemberAddRequest(peerURLs=urls)

    def with_id(method: str, number: int) -> tuple[str, Message]:
        return f"Cluster/{method}", pb.MemberRemoveRequest(ID=number)

    raised = "ratified: an alarm is what the store itself finds, and cannot be raised"
    requests = [
        (("Maintenance/Alarm", pb.AlarmRequest(action=pb.AlarmRequest.ACTIVATE, alarm=1)), invalid, raised),
        (("Auth/UserAdd", pb.HashRequest()), missing, f"ratified: {INSTEAD['etcdserverpb.Auth']}"),
        ((update, pb.HashRequest()), missing, f"ratified: {INSTEAD['etcdserverpb.' + update]}"),
        (
            ("Maintenance/Downgrade", pb.HashRequest()),
            missing,
            "unknown method Downgrade for service etcdserverpb.Maintenance",
        ),
        (("KV/Increment", pb.HashRequest()), missing, "unknown method Increment for service etcdserverpb.KV"),
        (add("http://a:1", "http://b:1"), invalid, "ratified: a node has one peer URL"),
        (add(), invalid, bad_urls),
        (add("http://a"), invalid, bad_urls),
        (add("ftp://a:1"), invalid, bad_urls),
        (add("http://a:1/path"), invalid, bad_urls),
        (add("http://a:1x"), invalid, bad_urls),
        (add("http://a:1"), invalid, not_known),
        (add("http://n2@a:1"), before, "etcdserver: member ID already exist"),
        (add(here), before, "etcdserver: Peer URLs already exists"),
        (with_id("MemberRemove", 7), "NOT_FOUND", "etcdserver: member not found"),
        (with_id("MemberPromote", 7), "NOT_FOUND", "etcdserver: member not found"),
        (
            with_id("MemberPromote", identity("n1")),
            before,
            "etcdserver: can only promote a learner member",
        ),
        (
            ("Maintenance/MoveLeader", pb.MoveLeaderRequest(targetID=7)),
            before,
            "etcdserver: not leader",
        ),
    ]

    async def test(s: Serving, call: Call) -> None:
        for (method, request), code, text in requests:
            assert await refused(call(method, request.SerializeToString())) == (code, text), method
        told = pb.AuthStatusResponse.FromString(await call("Auth/AuthStatus", b""))
        assert (told.enabled, told.authRevision) == (False, 1)
        assert {len(replica.core.membership.voters) for replica in s.cluster.nodes.values()} == {3}

    asking(test)


def test_without_certificates_it_listens_on_loopback_only_and_with_them_needs_permissions() -> None:
    async def main() -> None:
        replica = LocalCluster(1).nodes["n1"]
        with pytest.raises(
            SettingsError, match=r"^0\.0\.0\.0:2379 is not loopback: give certificates, or listen on"
        ):
            Server(replica, "0.0.0.0:2379")
        with pytest.raises(SettingsError, match=r"^the state machine is KeyValue, which is not a store$"):
            Server(other(replica), "127.0.0.1:0")

    def other(replica: Any) -> Any:
        class Other:
            machine = KeyValue()
            status = replica.status

        return Other()

    asyncio.run(main())


def test_a_port_in_use_is_told() -> None:
    async def main() -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            held.listen()
            where = f"127.0.0.1:{held.getsockname()[1]}"
            with pytest.raises(OSError, match=r"^clients cannot be served on ") as refused_:
                await Server(LocalCluster(1).nodes["n1"], where).start()
            assert str(refused_.value) == (
                f"clients cannot be served on {where}: Address already in use; give another `client` address, "
                "or stop what is using it"
            )

    asyncio.run(main())


def test_whatever_bytes_come_others_are_served() -> None:
    async def test(s: Serving, call: Call) -> None:
        chance = random.Random(7)
        host, _, port = s.servers["n2"].address.rpartition(":")
        begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
        for turn in range(40):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write((begin if turn % 2 else b"") + chance.randbytes(chance.randrange(1, 400)))
            if writer.can_write_eof():
                writer.write_eof()
            with contextlib.suppress(OSError):
                await reader.read()
            writer.close()
        await call("KV/Put", pb.PutRequest(key=b"k").SerializeToString())
        most = Limits().message_bytes
        code, _text = await refused(call("KV/Put", bytes(most + 1)))
        assert code == "RESOURCE_EXHAUSTED"

    asking(test)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"a": 1}, "etcd.permissions.a: write `ranges = [...]` or `administrator = true`"),
        ({"a": {"administrator": 1}}, "etcd.permissions.a.administrator is true or left out"),
        ({"a": {"ranges": "x"}}, "etcd.permissions.a.ranges is a list of tables"),
        (
            {"a": {"ranges": [{"end": "x"}]}},
            "etcd.permissions.a.ranges[0]: write prefix, or key and maybe end, and access",
        ),
        ({"a": {"ranges": [{"key": 5}]}}, "etcd.permissions.a.ranges[0]: all values are texts"),
        (
            {"a": {"ranges": [{"key": ""}]}},
            'etcd.permissions.a.ranges[0].key is empty; for all keys write `prefix = ""`',
        ),
        (
            {"a": {"ranges": [{"prefix": "x", "access": "all"}]}},
            "etcd.permissions.a.ranges[0].access is 'all'; it is one of read, write, both",
        ),
    ],
)
def test_permissions_that_make_no_sense_are_refused_with_their_place(
    table: dict[str, Any], says: str
) -> None:
    with pytest.raises(SettingsError) as refused_:
        Permissions.from_table(table)
    assert str(refused_.value) == says


@pytest.mark.parametrize(
    ("key", "end", "may"),
    [
        (b"a/", b"", True),
        (b"a/x", b"", True),
        (b"a/", b"a0", True),
        (b"a/x", b"a/y", True),
        (b"a", b"", False),
        (b"a0", b"", False),
        (b"a/", b"a1", False),
        (b"a/", b"\0", False),
        (b"\0", b"\0", False),
        (b"one", b"", True),
        (b"one", b"onf", False),
        (b"one1", b"", False),
    ],
)
def test_a_permission_is_for_all_of_a_range_or_none(key: bytes, end: bytes, may: bool) -> None:
    permissions = Permissions.from_table(
        {"alice": {"ranges": [{"prefix": "a/"}, {"key": "one", "access": "read"}]}}
    )
    assert permissions.may("alice", key, end, read=True) == may
    assert not permissions.may("bob", key, end, read=True)
    assert not permissions.may(None, key, end, read=True)
    assert not permissions.may("alice", b"one", b"", write=True)
    assert Permissions.from_table({"bob": {"ranges": [{"prefix": ""}]}}).may("bob", key, end, write=True)
