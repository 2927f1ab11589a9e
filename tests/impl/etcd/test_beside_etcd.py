"""Our store beside etcd: the same requests, drawn at random, have the same answers, response by response.

Compared is every field of an answer but who gave it: cluster, member and term. Of an error, its code and its text.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message

from ratified.impl.etcd import etcd_pb2 as pb
from tests.impl.etcd.requests import Call, Requests
from tests.impl.etcd.serving import serving

Program: TypeAlias = Callable[..., Awaitable[str]]
Asked: TypeAlias = Callable[[Call], Awaitable[Any]]

SESSION = Path(__file__).with_name("session.txt")
ANSWERS: Mapping[str, type[Message]] = {
    "KV/Range": pb.RangeResponse,
    "KV/Put": pb.PutResponse,
    "KV/DeleteRange": pb.DeleteRangeResponse,
    "KV/Txn": pb.TxnResponse,
    "KV/Compact": pb.CompactionResponse,
    "Lease/LeaseGrant": pb.LeaseGrantResponse,
    "Lease/LeaseRevoke": pb.LeaseRevokeResponse,
    "Lease/LeaseTimeToLive": pb.LeaseTimeToLiveResponse,
    "Lease/LeaseLeases": pb.LeaseLeasesResponse,
    "Lease/LeaseKeepAlive": pb.LeaseKeepAliveResponse,
    "Maintenance/Alarm": pb.AlarmResponse,
    "Maintenance/MoveLeader": pb.MoveLeaderResponse,
    "Cluster/MemberAdd": pb.MemberAddResponse,
    "Cluster/MemberRemove": pb.MemberRemoveResponse,
    "Cluster/MemberPromote": pb.MemberPromoteResponse,
    "KV/Nothing": pb.RangeResponse,
    "Nothing/Nothing": pb.RangeResponse,
}


def without_names(answer: Any) -> Any:
    """An answer, but for who gave it, and for the seconds that a lease has left by now."""
    for name in ("cluster_id", "member_id", "raft_term"):
        answer.header.ClearField(name)
    if isinstance(answer, pb.LeaseTimeToLiveResponse) and answer.TTL > 0:
        answer.TTL = answer.grantedTTL
        answer.keys[:] = sorted(answer.keys)
    if isinstance(answer, pb.LeaseLeasesResponse):
        for each in sorted((each.ID for each in answer.leases), reverse=True):
            answer.leases.insert(0, pb.LeaseStatus(ID=each))
        del answer.leases[len(answer.leases) // 2 :]
    return answer


def asking(channel: grpc.aio.Channel) -> Asked:
    """What asks over a channel."""

    async def asked(call: Call) -> Any:
        method, request = call
        streams = method == "Lease/LeaseKeepAlive"
        ask: Any = (channel.stream_stream if streams else channel.unary_unary)(
            f"/etcdserverpb.{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=ANSWERS[method].FromString,
        )
        try:
            if streams:
                return [without_names(answer) async for answer in ask(iter([request]), timeout=30)]
            return without_names(await ask(request, timeout=30))
        except grpc.aio.AioRpcError as error:
            return error.code().name, error.details()

    return asked


@asynccontextmanager
async def etcd(folder: Path) -> AsyncIterator[str]:
    """An etcd of one node; its address."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        client, peer = (f"127.0.0.1:{each.getsockname()[1]}" for each in (one, other))
    process = await asyncio.create_subprocess_exec(
        "etcd", "--data-dir", str(folder), "--log-level", "error", "--listen-client-urls", f"http://{client}",
        "--advertise-client-urls", f"http://{client}", "--listen-peer-urls", f"http://{peer}",
        "--initial-advertise-peer-urls", f"http://{peer}", "--initial-cluster", f"default=http://{peer}",
    )  # fmt: skip
    try:
        async with grpc.aio.insecure_channel(client) as channel:
            async with asyncio.timeout(60):
                await channel.channel_ready()
        yield client
    finally:
        process.kill()
        await process.wait()


def _put(key: bytes) -> pb.RequestOp:
    return pb.RequestOp(request_put=pb.PutRequest(key=key))


def _delete(key: bytes, end: bytes = b"") -> pb.RequestOp:
    return pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=key, range_end=end))


def _within(op: pb.RequestOp) -> pb.RequestOp:
    return pb.RequestOp(request_txn=pb.TxnRequest(success=[op]))


def _gets(count: int) -> list[pb.RequestOp]:
    return [pb.RequestOp(request_range=pb.RangeRequest(key=b"big"))] * count


def _nested(outer: int, inner: int) -> Call:
    within = pb.RequestOp(request_txn=pb.TxnRequest(success=_gets(inner)))
    return "KV/Txn", pb.TxnRequest(failure=[*_gets(outer - 1), within])


HARD: tuple[Call, ...] = (
    (
        "KV/Put",
        pb.PutRequest(key=b"big", value=bytes(1_572_864 - 20)),
    ),  # what etcd puts around it counts, too
    ("KV/Put", pb.PutRequest(key=b"big", value=bytes(1_572_864 - 40))),
    ("KV/Range", pb.RangeRequest(key=b"big", keys_only=True, revision=-1)),
    ("KV/Range", pb.RangeRequest(key=b"\0", range_end=b"\0", limit=-1, count_only=True)),
    ("Lease/LeaseGrant", pb.LeaseGrantRequest(ID=-7, TTL=100)),
    ("KV/Put", pb.PutRequest(key=b"leased", lease=-7)),
    ("Lease/LeaseTimeToLive", pb.LeaseTimeToLiveRequest(ID=-7, keys=True)),
    ("Lease/LeaseRevoke", pb.LeaseRevokeRequest(ID=-7)),
    ("KV/DeleteRange", pb.DeleteRangeRequest(key=b"big")),
    ("KV/Txn", pb.TxnRequest(success=[_within(_delete(b"x")), _within(_put(b"x"))])),
    ("KV/Txn", pb.TxnRequest(success=[_within(_put(b"x")), _delete(b"x")])),
    _nested(100, 28),
    _nested(100, 29),
    _nested(129, 0),
    ("Lease/LeaseKeepAlive", pb.LeaseKeepAliveRequest()),
    ("Lease/LeaseGrant", pb.LeaseGrantRequest(ID=1, TTL=1 << 62)),
    ("Maintenance/Alarm", pb.AlarmRequest()),
    ("Maintenance/Alarm", pb.AlarmRequest(action=pb.AlarmRequest.DEACTIVATE, alarm=1)),
    ("Maintenance/MoveLeader", pb.MoveLeaderRequest(targetID=5)),
    ("Cluster/MemberAdd", pb.MemberAddRequest(peerURLs=["http://127.0.0.1"])),
    ("Cluster/MemberAdd", pb.MemberAddRequest(peerURLs=["ftp://127.0.0.1:5"])),
    ("Cluster/MemberRemove", pb.MemberRemoveRequest(ID=5)),
    ("Cluster/MemberPromote", pb.MemberPromoteRequest(ID=5)),
    ("KV/Nothing", pb.RangeRequest()),
    ("Nothing/Nothing", pb.RangeRequest()),
)
"""Requests that are not drawn, or seldom."""

TWICE: tuple[Call, ...] = (
    ("KV/Txn", pb.TxnRequest(success=[_put(b"x"), _delete(b"x", b"\0")])),
    ("KV/Txn", pb.TxnRequest(success=[_within(_put(b"x")), _within(_delete(b"x"))])),
)
"""Transactions that change a key twice: etcd overlooks it."""


async def compared(folder: Path, seed: int, count: int) -> None:
    """Ask both the same: what is hard, and then so much that is drawn; and at last what they differ in."""
    async with serving(1) as s, etcd(folder) as address:
        (ours,) = (server.address for server in s.servers.values())
        async with (
            grpc.aio.insecure_channel(ours) as our_channel,
            grpc.aio.insecure_channel(address) as their_channel,
        ):
            ask_ours, ask_theirs = asking(our_channel), asking(their_channel)
            requests = Requests(seed)
            for asked in range(count + len(HARD)):
                call = HARD[asked] if asked < len(HARD) else requests.draw()
                our_answer, their_answer = await ask_ours(call), await ask_theirs(call)
                assert our_answer == their_answer, f"request {asked} of seed {seed}: {call[0]}\n{call[1]}"
                requests.revision = s.servers["n1"].store().revision
            for call in TWICE:
                twice = ("INVALID_ARGUMENT", "etcdserver: duplicate key given in txn request")
                assert await ask_ours(call) == twice
                assert (await ask_theirs(call)).succeeded


MASKED = (
    (r'"(cluster_id|member_id|raft_term)":\d+', r'"\1":_'),
    (r'"(ClusterID|MemberID|RaftTerm|Lease)" : \d+', r'"\1" : _'),
    (r'"lease":\d+', '"lease":_'),
    (r"\b[0-9a-f]{15,16}\b", "_"),
    (r"127\.0\.0\.1:\d+", "_"),
    (r"took = [^ ]*s\b", "took = _"),
    (r"^\{\"level\".*$", ""),
)


async def printed(program: Program, line: str, leases: dict[str, str]) -> str:
    """What etcdctl prints for a line of a session, but for names, addresses, numbers of leases and times."""
    command, _, given = line.partition(" <<< ")
    arguments = [leases[word[1:]] if word.startswith("@") else word for word in shlex.split(command)]
    name = arguments.pop(0)[1:] if arguments[0].startswith("=") else None
    out = await program(*arguments, stdin=given.encode().decode("unicode_escape"))
    if name is not None:
        leases[name] = out.split()[1]
    for pattern, instead in MASKED:
        out = re.sub(pattern, instead, out, flags=re.MULTILINE)
    return out


def test_etcdctl_prints_the_same_of_both(tmp_path: Path) -> None:
    async def main() -> None:
        lines = [line for line in SESSION.read_text().splitlines() if not line.startswith("#")]
        async with serving(1) as s, etcd(tmp_path) as address:
            ours: dict[str, str] = {}
            theirs: dict[str, str] = {}
            for line in lines:
                one = await printed(s.etcdctl, line, ours)
                assert one == await printed(partial(s.etcdctl, endpoints=address), line, theirs), line

    asyncio.run(main())


def test_etcd_goes_on_from_a_snapshot(tmp_path: Path) -> None:
    """It has the same keys at each revision, the same leases, and takes what comes next as we do."""

    async def main() -> None:
        async with serving(1) as s:
            (ours,) = (server.address for server in s.servers.values())
            async with grpc.aio.insecure_channel(ours) as channel:
                ask_ours, requests = asking(channel), Requests(3)
                store = s.servers["n1"].store()
                for _ in range(150):
                    await ask_ours(requests.draw())
                    requests.revision = store.revision
                large = pb.PutRequest(key=b"large", value=bytes(10_000))  # more than a page
                await ask_ours(("KV/Put", large))
                saved = await s.etcdctl("snapshot", "save", str(tmp_path / "saved"))
                assert f"Snapshot saved at {tmp_path / 'saved'}\n" in saved
                status = await s.etcdctl("snapshot", "status", str(tmp_path / "saved"))
                assert status.split(", ")[1] == str(store.revision)
                restore = ("snapshot", "restore", str(tmp_path / "saved"))
                assert "restored snapshot" in await s.etcdctl(*restore, "--data-dir", str(tmp_path / "etcd"))
                async with (
                    etcd(tmp_path / "etcd") as address,
                    grpc.aio.insecure_channel(address) as other,
                ):
                    ask_theirs = asking(other)
                    calls: list[Call] = [("Lease/LeaseLeases", pb.LeaseLeasesRequest())]
                    for revision in range(store.revision + 2):
                        everything = pb.RangeRequest(key=b"\0", range_end=b"\0", revision=revision)
                        calls.append(("KV/Range", everything))
                    calls += [
                        ("KV/DeleteRange", pb.DeleteRangeRequest(key=b"\0", range_end=b"\0", prev_kv=True))
                    ]
                    for call in calls:
                        assert await ask_ours(call) == await ask_theirs(call), call

    asyncio.run(main())


def test_requests_have_etcds_answers(tmp_path: Path) -> None:
    asyncio.run(compared(tmp_path, 1, 400))


@pytest.mark.long(suite="etcd")
@pytest.mark.parametrize("seed", range(2, 22))
def test_more_requests_have_etcds_answers(seed: int, tmp_path: Path) -> None:
    asyncio.run(compared(tmp_path, seed, 2_000))
