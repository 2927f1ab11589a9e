"""The client against a cluster whose nodes stop, lose answers, and change who leads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import grpc
import pytest

from ratified.impl.client.aio import (
    Event,
    Lease,
    StoreClient,
    delete,
    get,
    now_ms,
    put,
    value_is,
    version_is,
)
from ratified.impl.client.errors import Compacted, LeaseLost, OutcomeUnknown, StoreError
from ratified.impl.client.plain import PlainClient
from ratified.impl.etcd.errors import Fault
from ratified.impl.store.values import Revoke
from tests.impl.etcd.serving import Serving, serving


class JustRenewed:
    """Stands for a client, whose answer to a renewal comes when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer = asyncio.get_running_loop().create_future()

    def leased(self, lease: Lease) -> None:
        """It has begun."""

    unleased = leased

    async def renew(self, number: int) -> Any:
        self.asked.set()
        return await self.answer


def test_a_lease_that_is_stopped_just_when_it_was_renewed_ends() -> None:
    async def run() -> None:
        client = JustRenewed()
        lease = Lease(cast("StoreClient", client), 1, 1, now_ms())
        await client.asked.wait()
        client.answer.set_result(1)
        await asyncio.sleep(0)  # the renewal has its answer, and the lease does not know of it yet
        async with asyncio.timeout(30):
            await lease.stop()
        assert lease.lost.is_set()

    asyncio.run(run())


def holding(test: Callable[[Serving, StoreClient], Awaitable[None]], **how: Any) -> None:
    """Run a test with a cluster and a client of it."""

    async def main() -> None:
        async with serving() as s, StoreClient(s.endpoints.split(","), **how) as client:
            await test(s, client)

    asyncio.run(main())


async def take(events: AsyncIterator[Event], count: int) -> list[tuple[int, bytes, bytes | None]]:
    """The next events: revision, key, value (None: deleted)."""
    told = []
    for _ in range(count):
        async with asyncio.timeout(30):
            event = await anext(events)
        told.append((event.revision, event.key.key, None if event.deleted else event.key.value))
    return told


def test_keys_are_put_got_and_deleted() -> None:
    async def test(_: Serving, client: StoreClient) -> None:
        assert await client.get(b"a") is None
        assert await client.put(b"a/1", b"x") == 2
        await client.put(b"a/2", b"y")
        found = await client.range(b"a/", prefix=True)
        assert [(each.key, each.value, each.created) for each in found] == [
            (b"a/1", b"x", 2),
            (b"a/2", b"y", 3),
        ]
        done = await client.txn([value_is(b"a/1", b"x")], [delete(b"a/2"), get(b"a/1")], [put(b"a/1", b"")])
        assert (done.succeeded, done.revision, [len(each) for each in done.found]) == (True, 4, [0, 1])
        assert await client.delete(b"a/", prefix=True) == 1
        await client.compact(4)
        with pytest.raises(StoreError, match="required revision has been compacted"):
            await client.get(b"a/1", revision=3)
        with pytest.raises(Compacted, match="the history begins with revision 4"):
            await anext(client.watch(b"a", after=1))

    holding(test)


def test_a_change_whose_answers_are_lost_happens_once() -> None:
    async def test(s: Serving, client: StoreClient) -> None:
        lost = 0
        for server in s.servers.values():
            right = server.services._propose

            async def wrong(op: Any, context: Any, right: Any = right) -> Any:
                nonlocal lost
                answer = await right(op, context)
                if lost < 3:
                    lost += 1
                    raise Fault(grpc.StatusCode.UNAVAILABLE, "the connection broke")
                return answer

            server.services._propose = wrong  # type: ignore[method-assign]  # that is the fault
        await client.put(b"k", b"1")
        assert lost == 3  # the first was the session's lease
        key = await client.get(b"k")
        assert key is not None
        assert key.version == 1

    holding(test)


def test_what_became_of_a_change_is_unknown_once_its_session_is_over() -> None:
    async def test(s: Serving, client: StoreClient) -> None:
        await client.put(b"k", b"1")
        for number in list(s.servers["n1"].store().leases):
            await s.servers["n1"].batcher.propose(Revoke(number))
        with pytest.raises(OutcomeUnknown, match="the lease of this session has expired"):
            await client.put(b"k", b"2")
        assert await client.put(b"k", b"3") == 3  # another session

    holding(test)


def test_a_client_goes_on_at_the_other_nodes_when_one_stops() -> None:
    async def test(s: Serving, client: StoreClient) -> None:
        events = client.watch(b"k", after=1)
        revisions = [await client.put(b"k", str(n).encode()) for n in range(3)]
        assert await take(events, 3) == [(r, b"k", str(n).encode()) for n, r in enumerate(revisions)]
        for name in ("n3", "n2"):
            await s.servers[name].stop(0)
            revisions.append(await client.put(b"k", name.encode()))
            assert await take(events, 1) == [(revisions[-1], b"k", name.encode())]
        assert revisions == sorted(set(revisions))

    holding(test)


def test_a_node_that_does_not_answer_is_left_for_another() -> None:
    async def test(s: Serving, client: StoreClient) -> None:
        s.cluster.nodes["n2"].cut_off = True
        for number in range(6):  # each node has its turn
            await client.put(b"k", b"%d" % number)
        found = await client.get(b"k")
        assert found is not None
        assert (found.value, found.version) == (b"5", 6)

    holding(test, attempt_timeout_ms=200, timeout_s=60)


def test_a_watch_tells_each_change_once_through_a_change_of_leader() -> None:
    async def test(s: Serving, client: StoreClient) -> None:
        events = client.watch(b"", prefix=True, after=1)
        told = []
        for n, leader in enumerate(("n2", "n3", "n1")):
            await client.put(b"k%d" % n, b"before")
            await s.cluster.elect(leader)
            done = await client.txn([version_is(b"k%d" % n, 1)], [put(b"a", b""), put(b"b", b"")])
            assert done.succeeded
            told += await take(events, 3)
        assert [(revision, key) for revision, key, _ in told] == [
            (2, b"k0"), (3, b"a"), (3, b"b"), (4, b"k1"), (5, b"a"), (5, b"b"), (6, b"k2"), (7, b"a"), (7, b"b"),
        ]  # fmt: skip

    holding(test)


def test_a_lock_is_had_by_one_at_a_time_in_the_order_of_the_line_and_guards_by_its_token() -> None:
    async def test(s: Serving, client: StoreClient) -> None:
        order = []
        in_line = asyncio.Event()

        async def second(other: StoreClient) -> None:
            async with other.lock(b"door", begun=in_line.set) as lock:
                order.append(("second", lock.token))
                done = await other.txn([lock.is_held()], [put(b"x", b"second")])
                assert done.succeeded

        async with StoreClient(s.endpoints.split(",")) as other:
            async with client.lock(b"door") as lock:
                waiting = asyncio.ensure_future(second(other))
                await in_line.wait()
                order.append(("first", lock.token))
                stale = lock.is_held()
                assert (await client.txn([stale], [put(b"x", b"first")])).succeeded
            async with asyncio.timeout(30):
                await waiting
            assert [name for name, _ in order] == ["first", "second"]
            assert order[0][1] < order[1][1]
            assert not (await client.txn([stale], [put(b"x", b"late")])).succeeded
        assert (await client.get(b"x") or pytest.fail("gone")).value == b"second"

    holding(test)


def test_who_waited_for_a_lock_and_lost_its_lease_does_not_have_it() -> None:
    async def test(s: Serving, client: StoreClient) -> None:
        async def second(other: StoreClient) -> None:
            async with other.lock(b"door", begun=in_line.set):
                pytest.fail("it has no key any more")

        in_line = asyncio.Event()
        async with StoreClient(s.endpoints.split(",")) as other:
            async with client.lock(b"door") as lock:
                waiting = asyncio.ensure_future(second(other))
                await in_line.wait()
                keys = await client.range(b"door/", prefix=True)
                mine = next(each for each in keys if each.key != lock.key)
                await client.revoke(mine.lease)
            with pytest.raises(LeaseLost, match=rf"lease {mine.lease:x} is over"):
                async with asyncio.timeout(30):
                    await waiting

    holding(test)


def test_the_plain_client_does_the_same_without_a_loop() -> None:
    def use(endpoints: list[str]) -> list[object]:
        with PlainClient(endpoints) as client, client.lock(b"door") as lock:
            told: list[object] = [
                client.put(b"k", b"1") - lock.token,
                (client.get(b"k") or pytest.fail("none")).value,
            ]
            events = client.watch(b"k", after=1)
            told.append(next(events).key.value)
            events.close()  # type: ignore[attr-defined]  # it is a generator
            told.append(client.txn([value_is(b"k", b"1")], [delete(b"k")]).succeeded)
            told.append([client.delete(b"k"), client.range(b"k"), client.revision() > 2])
            return told

    async def test(s: Serving, _: StoreClient) -> None:
        used = await asyncio.to_thread(use, s.endpoints.split(","))
        assert used == [1, b"1", b"1", True, [0, (), True]]

    holding(test)
