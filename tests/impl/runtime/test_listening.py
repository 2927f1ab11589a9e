"""What comes in from outside, whatever it is: a node goes on, says why it refuses, and does nothing for strangers."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratified.impl.contract import Busy, Command, Done, NotLeader, Refused, Write
from ratified.impl.raft.messages import RequestVote
from ratified.impl.runtime.certificates import make_certificates
from ratified.impl.runtime.errors import InUse, SettingsError
from ratified.impl.runtime.hosted import hosted
from ratified.impl.runtime.links import parsed
from ratified.impl.runtime.node import MOST_UNWRITTEN, Node
from ratified.impl.runtime.remote import Remote
from ratified.impl.runtime.settings import Limits, Tls
from ratified.impl.runtime.storage import Storage
from ratified.impl.runtime.tls import contexts
from ratified.impl.runtime.wire import (
    GREETINGS,
    LONGEST,
    VERSIONS,
    Frames,
    Hello,
    Kind,
    Parts,
    Refusal,
    Welcome,
    WireError,
    framed,
)
from tests.impl.runtime.nodes import Nodes, nodes

WORDS = f"raft/{hosted('raft').said.fingerprint}"


def hello(**changed: Any) -> bytes:
    given = {
        "versions": VERSIONS,
        "cluster": "ratified",
        "sender": "n2",
        "to": "n1",
        "protocol": WORDS,
        "peer": True,
        **changed,
    }
    return framed(Kind.HELLO, GREETINGS.encode(Hello(**given)))


async def said(node: Node, data: bytes) -> list[Any]:
    """What a node answers to bytes, until it closes the connection."""
    host, port = parsed(node.settings.nodes[node.name].peer)
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(data)
    frames = Frames()
    answers = [GREETINGS.decode(body) for _, body in frames.feed(await reader.read())]
    writer.close()
    return answers


@asynccontextmanager
async def one(folder: Path, **more: Any) -> AsyncIterator[Nodes]:
    async with nodes(1, folder, **more) as cluster:
        await cluster.put(1, "put x 1")
        yield cluster


REFUSED = {
    "another cluster": (hello(cluster="other"), "this is cluster 'ratified', not 'other'"),
    "another node": (hello(to="n7"), "this is n1, not n7"),
    "other messages": (hello(protocol="raft/0"), f"this node speaks {WORDS}, not raft/0"),
    "its own name": (hello(sender="n1"), "n1 is this node's own name"),
    "another version": (
        hello(versions=(7, 8)),
        "it speaks versions 7, 8 of the protocol between nodes, and this node 1",
    ),
    "no hello": (framed(Kind.MESSAGE, b"x"), "it does not say hello"),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", "a frame of 1,195,725,856 bytes; there are from 1 to 263,168"),
    "no kind": (b"\0\0\0\1\x63", "a frame of unknown kind 99"),
    "a request of a peer": (
        hello() + framed(Kind.REQUEST, b"x"),
        "a frame of kind 8, which is not for nodes",
    ),
    "a short message": (hello() + framed(Kind.MESSAGE, b"x"), "a message without a stamp"),
}


def test_strangers_are_told_why_they_are_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with one(tmp_path) as cluster:
            node = cluster.up["n1"]
            for name, (data, why) in REFUSED.items():
                assert (await said(node, data))[-1] == Refusal(why), name
            told = [fields["why"] for fields in cluster.logs["n1"].said("refused")]
            assert told == [why for _, why in REFUSED.values()]
            assert await cluster.get("get x") == b"1"

    asyncio.run(run())


def test_whatever_bytes_come_a_node_goes_on(tmp_path: Path) -> None:
    """Random bytes, after a hello or without one; half a frame; frames of random bodies."""
    greeting = st.sampled_from([b"", hello(), hello(peer=False)])
    body = st.binary(max_size=80)
    frame = st.tuples(st.sampled_from(Kind), body).map(lambda f: framed(*f))
    data = st.tuples(greeting, st.lists(st.one_of(frame, body), max_size=3).map(b"".join))

    async def run() -> None:
        async with one(tmp_path) as cluster:
            node = cluster.up["n1"]
            host, port = parsed(node.settings.nodes["n1"].peer)
            loop = asyncio.get_running_loop()
            failures: list[Any] = []
            loop.set_exception_handler(lambda _, context: failures.append(context))

            async def sent(data: bytes) -> None:
                reader, writer = await asyncio.open_connection(host, port)
                writer.write(data)
                writer.write_eof()
                await reader.read()
                writer.close()

            @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
            @given(data)
            def fuzz(parts: tuple[bytes, bytes]) -> None:
                asyncio.run_coroutine_threadsafe(sent(b"".join(parts)), loop).result()

            await asyncio.to_thread(fuzz)
            assert failures == []
            assert await cluster.get("get x") == b"1"
            assert await cluster.put(2, "put x 2") == b"1"

    asyncio.run(run())


def test_a_client_that_floods_is_answered_as_far_as_its_limits_go(tmp_path: Path) -> None:
    async def run() -> None:
        limits = Limits(requests=8, requests_of_one=4, connections=2, request_bytes=100)
        async with one(tmp_path, limits=limits) as cluster:
            address = cluster.places["n1"].peer
            async with Remote(address) as client, Remote(address):
                many = [client.submit(Command(f"c{n}", 1, b"put y 1")) for n in range(200)]
                outcomes = [type(outcome) for outcome in await asyncio.gather(*many)]
                assert set(outcomes) <= {Done, Busy}
                assert outcomes.count(Done) >= limits.requests
                assert await client.submit(Command("c", 1, bytes(101))) == Refused(
                    "101 bytes; a request has at most 100"
                )
                with pytest.raises(ConnectionError, match="too many connections; come again later"):
                    await Remote(address).__aenter__()
            assert await cluster.get("get y") == b"1"

    asyncio.run(run())


class HeldStorage(Storage):
    """A disk that hangs when it is told to."""

    free = threading.Event()
    free.set()

    def commit(self, writes: Sequence[Write]) -> None:
        self.free.wait()
        super().commit(writes)


def test_a_node_that_floods_waits_for_the_disk(tmp_path: Path) -> None:
    """Each message is a write. As long as the disk hangs only so many are read, and when it goes on all of them."""
    terms = range(1_000, 31_000)
    said_of = hosted("raft").said.encode
    messages = [framed(Kind.MESSAGE, bytes(8), said_of(RequestVote(term, 0, 0))) for term in terms]

    async def run() -> None:
        cluster = Nodes(2, tmp_path)
        try:
            node = await cluster.start("n1", storage=HeldStorage)
            HeldStorage.free.clear()
            flood = asyncio.create_task(said(node, hello() + b"".join(messages) + framed(Kind.REQUEST, b"")))
            while node.report()["unwritten"] < MOST_UNWRITTEN:
                await asyncio.sleep(0.01)
            async with Remote(cluster.places["n1"].peer) as client:
                for number in range(50):  # it does answer, and each time might read from the other node
                    assert isinstance(await client.submit(Command("c", number + 1, b"get x")), NotLeader)
            assert node.status().term < terms[-1]
            assert not flood.done()
            HeldStorage.free.set()
            assert await flood == [
                Welcome(VERSIONS[-1]),
                Refusal("a frame of kind 8, which is not for nodes"),
            ]
            assert node.status().term >= terms[-1]
        finally:
            HeldStorage.free.set()
            await cluster.close()

    asyncio.run(run())


def test_a_frame_that_is_too_long_and_a_message_without_end_are_refused() -> None:
    with pytest.raises(WireError, match=r"^a frame of 263,169 bytes; there are from 1 to 263,168$"):
        list(Frames().feed((LONGEST + 1).to_bytes(4, "big") + b"\4"))
    parts = Parts(most=10)
    assert parts.add(b"12345", last=False) is None
    with pytest.raises(WireError, match=r"^a message of more than 10 bytes$"):
        parts.add(b"123456", last=False)


@given(st.lists(st.tuples(st.sampled_from(Kind), st.binary(max_size=50)), max_size=6), st.data())
def test_frames_come_out_however_they_are_cut(sent: list[tuple[Kind, bytes]], data: st.DataObject) -> None:
    stream = b"".join(framed(kind, body) for kind, body in sent)
    frames, found, at = Frames(), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream) - at))
        found += list(frames.feed(stream[at : at + step]))
        at += step
    assert found == sent


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    async def run() -> None:
        async with one(tmp_path) as cluster:
            other = Nodes(1, tmp_path / "other")
            own, other.places = other.places, cluster.places
            with pytest.raises(InUse) as refused:
                await other.start("n1", reuse_port=False)
            where = cluster.places["n1"].peer
            assert str(refused.value) == (
                f"n1 cannot listen at {where}: Address already in use; give it another `peer` address, "
                "or stop what is using it"
            )
            other.places = own
            await other.close()

    asyncio.run(run())


# TLS


def tls(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return contexts(Tls(folder / "ca.pem", folder / f"{name}.pem", folder / f"{name}.key"))


def test_nodes_with_certificates_agree_and_others_are_refused(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    make_certificates(mine, ["n1", "n2", "n3", "operator", "reader"])
    make_certificates(theirs, ["n3", "operator"])

    async def secured() -> None:
        made = Nodes(3, tmp_path)
        try:
            await made.start("n1", tls=tls(mine, "n1"))
            await made.start("n2", tls=tls(mine, "n2"))
            await made.start("n3", tls=tls(theirs, "n3"))  # another authority's
            assert await made.put(1, "put x 1") == b""
            while not any(
                "certificate verify failed" in f["why"] for f in made.logs["n3"].said("not connected")
            ):
                await asyncio.sleep(0.01)
            leader = await made.leader("n3")
            address = made.places[leader.name].peer
            async with Remote(address, node=leader.name, tls=tls(mine, "operator")[1]) as operator:
                assert await operator.query(b"get x") == Done(b"1")
                assert await operator.order("compact") == Done(b"ordered")
            async with Remote(address, node=leader.name, tls=tls(mine, "reader")[1]) as reader:
                assert await reader.query(b"get x") == Done(b"1")
                assert await reader.order("compact") == Refused(
                    "orders are given with the certificate of operator"
                )
            with pytest.raises(OSError, match=r"certificate verify failed"):
                await Remote(address, node=leader.name, tls=tls(theirs, "operator")[1]).__aenter__()
            with pytest.raises((OSError, ConnectionError)):  # in the clear
                await Remote(address, node=leader.name).__aenter__()
        finally:
            await made.close()

    asyncio.run(secured())


def test_a_node_under_anothers_name_is_refused(tmp_path: Path) -> None:
    make_certificates(tmp_path, ["n1", "n2", "n3"])

    async def run() -> None:
        made = Nodes(3, tmp_path)
        try:
            await made.start("n1", tls=tls(tmp_path, "n1"))
            await made.start("n2", tls=tls(tmp_path, "n3"))  # n2 with the certificate of n3
            while not any(f["why"] == "the certificate is not n2's" for f in made.logs["n1"].said("refused")):
                await asyncio.sleep(0.01)
        finally:
            await made.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("expired", "tls.certificate: {folder}/n1.pem expired on 2020-01-31; make a new one"),
        ("missing", "tls.key: {folder}/n1.key cannot be read: No such file or directory"),
        ("no PEM", "tls.certificate: {folder}/n1.pem is not a certificate in PEM"),
        (
            "another key",
            "tls.key: {folder}/n1.key is not the key of {folder}/n1.pem: [X509: KEY_VALUES_MISMATCH]",
        ),
    ],
)
def test_what_is_wrong_with_certificates_is_told(tmp_path: Path, what: str, why: str) -> None:
    begin = datetime(2020, 1, 1, tzinfo=UTC) if what == "expired" else None
    make_certificates(tmp_path, ["n1", "n2"], begin=begin)
    if what == "expired":
        for name in ("ca.pem", "ca.key"):
            (tmp_path / name).unlink()
        make_certificates(tmp_path, [])
    elif what == "missing":
        (tmp_path / "n1.key").unlink()
    elif what == "no PEM":
        (tmp_path / "n1.pem").write_text("hello")
    else:
        (tmp_path / "n2.key").rename(tmp_path / "n1.key")
    with pytest.raises(SettingsError) as refused:
        tls(tmp_path, "n1")
    assert str(refused.value).startswith(why.format(folder=tmp_path))


def test_certificates_are_not_written_over(tmp_path: Path) -> None:
    assert [p.name for p in make_certificates(tmp_path, ["n1"])] == ["ca.key", "ca.pem", "n1.key", "n1.pem"]
    assert (tmp_path / "n1.key").stat().st_mode & 0o077 == 0
    with pytest.raises(SettingsError) as refused:
        make_certificates(tmp_path, ["n1"])
    assert str(refused.value) == f"{tmp_path}/n1.key exists; remove it first to make a new one"
