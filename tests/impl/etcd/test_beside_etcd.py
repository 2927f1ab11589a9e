"""Our store beside etcd: the same requests, drawn at random, have the same answers, response by response.

Compared is every field of an answer but who gave it: cluster, member and term. Of an error, its code and its text.
"""

from __future__ import annotations

import asyncio
import random
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
from tests.impl.etcd.serving import serving

Call: TypeAlias = tuple[str, Message]
Program: TypeAlias = Callable[..., Awaitable[str]]
Asked: TypeAlias = Callable[[Call], Awaitable[Any]]

SESSION = Path(__file__).with_name("session.txt")
KEYS = (b"a", b"b", b"b/1", b"b/2", b"b/3", b"c", b"\xff", b"")
ENDS = (b"", b"", b"", b"\0", b"b0", b"c", b"a", b"\xff")
VALUES = (b"", b"1", b"2", b"10", b"v")
LEASES = (0, 0, 0, 7, 8)
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
}


class Requests:
    """Requests, drawn from a seed. `revision` is about where the store is."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.revision = 1

    def draw(self) -> Call:
        """The next one."""
        draw = self._random.choices(
            (self._range, self._put, self._delete, self._txn, self._compact, self._lease), (6, 6, 3, 6, 1, 2)
        )[0]
        return draw()

    def _one_in(self, count: int) -> bool:
        return self._random.randrange(count) == 0

    def _revision(self) -> int:
        return self._random.choice(
            (0, 0, 0, self.revision, self.revision + 1, self._random.randint(1, self.revision))
        )

    def _bound(self) -> int:
        return self._random.randint(1, self.revision) if self._one_in(8) else 0

    def _range(self) -> tuple[str, pb.RangeRequest]:
        choice = self._random.choice
        return "KV/Range", pb.RangeRequest(
            key=choice(KEYS),
            range_end=choice(ENDS),
            limit=choice((0, 0, 1, 2)),
            revision=self._revision(),
            sort_order=choice((0, 0, 1, 2)),  # type: ignore[arg-type]  # numbers of an enumeration
            sort_target=choice((0, 0, 1, 2, 3, 4)),  # type: ignore[arg-type]
            serializable=self._one_in(4),
            keys_only=self._one_in(4),
            count_only=self._one_in(6),
            min_mod_revision=self._bound(),
            max_mod_revision=self._bound(),
            min_create_revision=self._bound(),
            max_create_revision=self._bound(),
        )

    def _put(self) -> tuple[str, pb.PutRequest]:
        choice = self._random.choice
        return "KV/Put", pb.PutRequest(
            key=choice(KEYS),
            value=choice(VALUES),
            lease=choice(LEASES),
            prev_kv=self._one_in(3),
            ignore_value=self._one_in(8),
            ignore_lease=self._one_in(8),
        )

    def _delete(self) -> tuple[str, pb.DeleteRangeRequest]:
        choice = self._random.choice
        return "KV/DeleteRange", pb.DeleteRangeRequest(
            key=choice(KEYS), range_end=choice(ENDS), prev_kv=self._one_in(2)
        )

    def _delete_in_order(self) -> pb.DeleteRangeRequest:
        """One whose range etcd sees as it is when it looks for keys that a transaction changes twice.

        It takes the end that means all keys for a key there, and so lets a key be put and deleted in one revision. We do not.
        """
        request = self._delete()[1]
        if request.range_end == b"\0" or (request.range_end and request.range_end <= request.key):
            request.ClearField("range_end")
        return request

    def _compare(self) -> pb.Compare:
        target = self._random.randrange(5)
        number = self._random.choice((0, 1, 2, self.revision))
        side = ("version", "create_revision", "mod_revision", "value", "lease")[target]
        there: dict[str, Any] = {side: self._random.choice(VALUES) if side == "value" else number}
        return pb.Compare(
            result=self._random.randrange(4),  # type: ignore[arg-type]
            target=target,  # type: ignore[arg-type]
            key=self._random.choice(KEYS),
            range_end=self._random.choice(ENDS) if self._one_in(3) else b"",
            **there,
        )

    def _op(self, depth: int) -> pb.RequestOp:
        match self._random.choices(("range", "put", "delete", "txn"), (3, 4, 2, depth < 2))[0]:
            case "range":
                return pb.RequestOp(request_range=self._range()[1])
            case "put":
                return pb.RequestOp(request_put=self._put()[1])
            case "delete":
                return pb.RequestOp(request_delete_range=self._delete_in_order())
        return pb.RequestOp(request_txn=self._txn(depth + 1)[1])

    def _txn(self, depth: int = 0) -> tuple[str, pb.TxnRequest]:
        def some(most: int) -> range:
            return range(self._random.randint(0, most))

        return "KV/Txn", pb.TxnRequest(
            compare=[self._compare() for _ in some(2)],
            success=_deletions_first([self._op(depth) for _ in some(3)]),
            failure=_deletions_first([self._op(depth) for _ in some(3)]),
        )

    def _compact(self) -> tuple[str, pb.CompactionRequest]:
        return "KV/Compact", pb.CompactionRequest(
            revision=self._random.randint(1, self.revision + 1), physical=True
        )

    def _lease(self) -> Call:
        number = self._random.choice(LEASES[3:])
        match self._random.randrange(5):
            case 0:
                return "Lease/LeaseRevoke", pb.LeaseRevokeRequest(ID=number)
            case 1:
                return "Lease/LeaseTimeToLive", pb.LeaseTimeToLiveRequest(ID=number, keys=True)
            case 2:
                return "Lease/LeaseLeases", pb.LeaseLeasesRequest()
        ttl = self._random.choice((500, 9_000_000_000, 9_000_000_001))
        return "Lease/LeaseGrant", pb.LeaseGrantRequest(ID=number, TTL=ttl)


def _deletions_first(ops: list[pb.RequestOp]) -> list[pb.RequestOp]:
    """The same, but of the transactions that delete something only one, and first: etcd lets one delete what another has put."""
    deleting = [op for op in ops if op.HasField("request_txn") and "request_delete_range" in str(op)]
    return [*deleting[:1], *(op for op in ops if op not in deleting)]


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
        ask: Any = channel.unary_unary(
            f"/etcdserverpb.{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=ANSWERS[method].FromString,
        )
        try:
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
